package wechat

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestMiniCode(t *testing.T) {
	ctx := context.Background()
	jpeg := "\xff\xd8\xff\xe0 picture"
	srv := &answers{byPath: map[string]string{"/wxa/getwxacodeunlimit": jpeg}}
	c, _ := newTestClient(t, srv)

	t.Run("the_picture_comes_as_it_is_sent", func(t *testing.T) {
		got, err := c.MiniCode(ctx, mini, MiniCode{Scene: "K1ABCDEF", Page: "pages/join/join", Width: 430})
		if err != nil || string(got) != jpeg {
			t.Fatalf("%q %v", got, err)
		}
		bodyIs(t, srv.body, `{"scene":"K1ABCDEF","page":"pages/join/join","check_path":true,"env_version":"release","width":430}`)
	})
	t.Run("a_page_that_is_not_published_is_asked_for_unchecked", func(t *testing.T) {
		if _, err := c.MiniCode(ctx, mini, MiniCode{Scene: "a", EnvVersion: "trial", Unchecked: true}); err != nil {
			t.Fatal(err)
		}
		bodyIs(t, srv.body, `{"scene":"a","check_path":false,"env_version":"trial"}`)
	})
	t.Run("what_wechat_would_refuse_is_not_sent", func(t *testing.T) {
		srv.body = nil
		for name, m := range map[string]MiniCode{
			"empty": {}, "long": {Scene: strings.Repeat("a", 33)}, "percent": {Scene: "a%b"}, "chinese": {Scene: "码"}, "space": {Scene: "a b"},
			"width": {Scene: "a", Width: 2000}, "slash": {Scene: "a", Page: "/pages/a"}, "query": {Scene: "a", Page: "pages/a?x=1"}, "env": {Scene: "a", EnvVersion: "beta"},
		} {
			if _, err := c.MiniCode(ctx, mini, m); err == nil || srv.body != nil {
				t.Errorf("%s: %v, sent %v", name, err, srv.body)
			}
		}
	})
	t.Run("an_error_is_json_in_place_of_the_picture", func(t *testing.T) {
		srv.byPath["/wxa/getwxacodeunlimit"] = `{"errcode":41030,"errmsg":"invalid page rid: 1"}`
		if _, err := c.MiniCode(ctx, mini, MiniCode{Scene: "a"}); ErrCode(err) != 41030 {
			t.Errorf("%v", err)
		}
		for _, body := range []string{"<html>", `{"errcode":0}`, ""} {
			srv.byPath["/wxa/getwxacodeunlimit"] = body
			if p, err := c.MiniCode(ctx, mini, MiniCode{Scene: "a"}); err == nil || p != nil {
				t.Errorf("%q: %q %v", body, p, err)
			}
		}
	})
	t.Run("a_dead_token_is_fetched_anew_once", func(t *testing.T) {
		tries := 0
		c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "stable_token") {
				_, _ = w.Write([]byte(`{"access_token":"tok-` + strings.Repeat("x", tries) + `","expires_in":7200}`))
				return
			}
			if tries++; tries == 1 {
				_, _ = w.Write([]byte(`{"errcode":42001,"errmsg":"access_token expired"}`))
				return
			}
			_, _ = w.Write([]byte(jpeg))
		}))
		if got, err := c.MiniCode(ctx, mini, MiniCode{Scene: "a"}); err != nil || string(got) != jpeg || tries != 2 {
			t.Errorf("%q %v after %d tries", got, err, tries)
		}
	})
}
