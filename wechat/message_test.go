package wechat

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func bodyIs(t *testing.T, got map[string]any, want string) {
	t.Helper()
	var w map[string]any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, w) {
		t.Errorf("sent %v\nwant %v", got, w)
	}
}

func TestMessages(t *testing.T) {
	ctx := context.Background()
	srv := &answers{byPath: map[string]string{
		"/cgi-bin/message/custom/send":       `{"errcode":0,"errmsg":"ok"}`,
		"/cgi-bin/message/template/send":     `{"errcode":0,"errmsg":"ok","msgid":9007199254740993}`,
		"/cgi-bin/message/subscribe/bizsend": `{"errcode":0,"errmsg":"ok"}`,
		"/cgi-bin/message/subscribe/send":    `{"errcode":0,"errmsg":"ok","msgid":1}`,
	}}
	c, _ := newTestClient(t, srv)

	t.Run("text_arrives_as_written", func(t *testing.T) {
		if err := c.SendText(ctx, official, openID, "红包 <1> & 到账"); err != nil {
			t.Fatal(err)
		}
		bodyIs(t, srv.body, `{"touser":"`+openID+`","msgtype":"text","text":{"content":"红包 <1> & 到账"}}`)
		if srv.query.Get("access_token") != "tok-1" {
			t.Errorf("query %v", srv.query)
		}
	})
	t.Run("an_over_long_text_is_cut_between_characters", func(t *testing.T) {
		if err := c.SendText(ctx, official, openID, strings.Repeat("码", 1000)); err != nil {
			t.Fatal(err)
		}
		sent := srv.body["text"].(map[string]any)["content"].(string)
		if len(sent) > 2048 || len(sent) < 2046 || !utf8.ValidString(sent) {
			t.Errorf("%d bytes sent, valid %v", len(sent), utf8.ValidString(sent))
		}
	})
	t.Run("template_without_mini_program_names_none", func(t *testing.T) {
		id, err := c.SendTemplate(ctx, official, TemplateMessage{
			OpenID: openID, TemplateID: "T1", URL: "https://h5/x", ClientMsgID: "d-1", Data: map[string]string{"thing1": "红包"},
		})
		if err != nil || id != "9007199254740993" {
			t.Errorf("id %s err %v", id, err)
		}
		bodyIs(t, srv.body, `{"touser":"`+openID+`","template_id":"T1","url":"https://h5/x","client_msg_id":"d-1","data":{"thing1":{"value":"红包"}}}`)
	})
	t.Run("template_with_mini_program", func(t *testing.T) {
		if _, err := c.SendTemplate(ctx, official, TemplateMessage{OpenID: openID, TemplateID: "T1", MiniAppID: "wxm", MiniPath: "p?a=1"}); err != nil {
			t.Fatal(err)
		}
		bodyIs(t, srv.body, `{"touser":"`+openID+`","template_id":"T1","data":{},"miniprogram":{"appid":"wxm","pagepath":"p?a=1"}}`)
	})
	t.Run("subscription_goes_where_the_kind_of_app_says", func(t *testing.T) {
		m := SubscribeMessage{OpenID: openID, TemplateID: "T2", Page: "pages/a", Data: map[string]string{"thing1": "x"}}
		if _, err := c.SendSubscribe(ctx, official, m); err != nil {
			t.Fatal(err)
		}
		bodyIs(t, srv.body, `{"touser":"`+openID+`","template_id":"T2","page":"pages/a","data":{"thing1":{"value":"x"}}}`)
		if _, err := c.SendSubscribe(ctx, mini, m); err != nil {
			t.Fatal(err)
		}
		if srv.body["miniprogram_state"] != "formal" || srv.body["page"] != "pages/a" {
			t.Errorf("mini body %v", srv.body)
		}
	})
	t.Run("refusals_are_told_apart", func(t *testing.T) {
		for answer, is := range map[string]func(error) bool{
			`{"errcode":45015,"errmsg":"response out of time limit"}`: IsWindowClosed,
			`{"errcode":45047,"errmsg":"out of response count"}`:      IsWindowClosed,
			`{"errcode":43101,"errmsg":"user refuse"}`:                IsBlocked,
			`{"errcode":43004,"errmsg":"require subscribe"}`:          IsBlocked,
			`{"errcode":45009,"errmsg":"daily"}`:                      IsThrottled,
			`{"errcode":-1,"errmsg":"system error"}`:                  IsThrottled,
		} {
			srv.byPath["/cgi-bin/message/custom/send"] = answer
			err := c.SendText(ctx, official, openID, "x")
			if !is(err) {
				t.Errorf("%s: err %v", answer, err)
			}
			if n := b2i(IsWindowClosed(err)) + b2i(IsBlocked(err)) + b2i(IsThrottled(err)); n != 1 {
				t.Errorf("%s is of %d kinds", answer, n)
			}
		}
	})
	t.Run("an_openid_of_any_shape_stays_out_of_the_error", func(t *testing.T) {
		srv.byPath["/cgi-bin/message/custom/send"] = `{"errcode":40003,"errmsg":"invalid openid sim-user-7"}`
		err := c.SendText(ctx, official, "sim-user-7", "x")
		if ErrCode(err) != CodeBadOpenID {
			t.Fatal(err)
		}
		mustNotTell(t, err.Error(), "sim-user-7")
	})
}

func TestSceneQR(t *testing.T) {
	ctx := context.Background()
	srv := &answers{byPath: map[string]string{"/cgi-bin/qrcode/create": `{"ticket":"gQH+/=","expire_seconds":600,"url":"http://weixin.qq.com/q/x"}`}}
	c, _ := newTestClient(t, srv)
	got, err := c.SceneQR(ctx, official, "shop7", 10*time.Minute)
	want := SceneQR{Ticket: "gQH+/=", URL: "http://weixin.qq.com/q/x", ExpireSeconds: 600,
		ImageURL: c.hosts.MP + "/cgi-bin/showqrcode?ticket=" + url.QueryEscape("gQH+/=")}
	if err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	bodyIs(t, srv.body, `{"expire_seconds":600,"action_name":"QR_STR_SCENE","action_info":{"scene":{"scene_str":"shop7"}}}`)
	if _, err := c.SceneQR(ctx, official, "shop7", 0); err != nil {
		t.Fatal(err)
	}
	bodyIs(t, srv.body, `{"action_name":"QR_LIMIT_STR_SCENE","action_info":{"scene":{"scene_str":"shop7"}}}`)
	srv.body = nil
	for _, bad := range []struct {
		scene string
		ttl   time.Duration
	}{{"", 0}, {strings.Repeat("x", 65), 0}, {"a", -1}, {"a", 31 * 24 * time.Hour}, {"a", time.Millisecond}, {"\xff", 0}} {
		if _, err := c.SceneQR(ctx, official, bad.scene, bad.ttl); err == nil || srv.body != nil {
			t.Errorf("%q %v was sent", bad.scene, bad.ttl)
		}
	}
}
