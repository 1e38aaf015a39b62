package simulator_test

import (
	"bytes"
	"context"
	"image/jpeg"
	"strings"
	"testing"
	"time"

	"siyu/wechat"
	"siyu/wechat/simulator"
)

func TestMiniCodes(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, _, _ := w.client()
	app := wechat.App{Kind: "mini", AppID: miniID, Secret: "secret2"}
	w.sim.AddApp(simulator.App{Kind: "mini", AppID: miniID, Name: "山泉会员", Secret: "secret2", Pages: []string{"pages/join/join"}})

	t.Run("a_code_is_a_picture_that_the_phone_reads", func(t *testing.T) {
		picture, err := c.MiniCode(ctx, app, wechat.MiniCode{Scene: "K1-abc", Page: "pages/join/join", Width: 300})
		must(t, err)
		if img, err := jpeg.Decode(bytes.NewReader(picture)); err != nil || img.Bounds().Dx() != 300 {
			t.Fatalf("not a picture of 300 pixels: %v", err)
		}
		text := w.phone("POST", "decode", "image/jpeg", picture).text("text")
		found := w.act("resolve", jsonOf{"user": "小满", "text": text})
		if found.text("kind") != "mini" || found.text("name") != "山泉会员" || found.text("page") != "pages/join/join" || found.text("scene") != "K1-abc" {
			t.Errorf("opens %v", found)
		}
	})
	t.Run("a_trial_page_need_not_be_published", func(t *testing.T) {
		if _, err := c.MiniCode(ctx, app, wechat.MiniCode{Scene: "a", Page: "pages/new/new", EnvVersion: "trial"}); err != nil {
			t.Error(err)
		}
		if _, err := c.MiniCode(ctx, app, wechat.MiniCode{Scene: "a", Page: "pages/new/new", Unchecked: true}); err != nil {
			t.Error(err)
		}
		if _, err := c.MiniCode(ctx, app, wechat.MiniCode{Scene: "a", Page: "pages/new/new"}); wechat.ErrCode(err) != 41030 {
			t.Errorf("unpublished page: %v", err)
		}
	})
	t.Run("wrong_requests_get_wechats_errcodes", func(t *testing.T) {
		token := w.api("POST", "/cgi-bin/stable_token", jsonOf{"grant_type": "client_credential", "appid": miniID, "secret": "secret2"}).text("access_token")
		ask := func(body jsonOf) int {
			return w.api("POST", "/wxa/getwxacodeunlimit?access_token="+token, body).code()
		}
		for name, want := range map[string]struct {
			body jsonOf
			code int
		}{
			"no scene":        {jsonOf{}, 40129},
			"33 characters":   {jsonOf{"scene": strings.Repeat("a", 33)}, 40129},
			"percent":         {jsonOf{"scene": "a%20b"}, 40129},
			"small":           {jsonOf{"scene": "a", "width": 279}, 40097},
			"large":           {jsonOf{"scene": "a", "width": 1281}, 40097},
			"unknown version": {jsonOf{"scene": "a", "env_version": "beta"}, 40097},
			"leading slash":   {jsonOf{"scene": "a", "page": "/pages/join/join"}, 41030},
			"query":           {jsonOf{"scene": "a", "page": "pages/join/join?a=1"}, 41030},
		} {
			if got := ask(want.body); got != want.code {
				t.Errorf("%s: %d, want %d", name, got, want.code)
			}
		}
		if got := w.api("POST", "/wxa/getwxacodeunlimit?access_token="+w.token(), jsonOf{"scene": "a"}).code(); got != 48001 {
			t.Errorf("an official account: %d", got)
		}
	})
	t.Run("a_minute_has_an_end_and_the_next_one_begins", func(t *testing.T) {
		w.pass(time.Minute)
		w.sim.SetQuota(miniID, "/wxa/getwxacodeunlimit/minute", 2)
		ask := func() error {
			_, err := c.MiniCode(ctx, app, wechat.MiniCode{Scene: "a"})
			return err
		}
		if a, b, over := ask(), ask(), ask(); a != nil || b != nil || !wechat.IsThrottled(over) {
			t.Errorf("%v %v %v", a, b, over)
		}
		w.pass(time.Minute)
		if err := ask(); err != nil {
			t.Error(err)
		}
	})
	t.Run("a_code_that_nobody_made_opens_nothing", func(t *testing.T) {
		for _, text := range []string{"https://mp.weixin.qq.com/a/~~", "https://mp.weixin.qq.com/a/~~!!", "https://mp.weixin.qq.com/a/~~eyJhIjoid3gtbm9ib2R5In0"} {
			if found := w.act("resolve", jsonOf{"user": "小满", "text": text}); found.text("kind") != "text" {
				t.Errorf("%s opens %v", text, found)
			}
		}
	})
}
