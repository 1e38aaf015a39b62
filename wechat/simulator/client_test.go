package simulator_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"siyu/wechat"
	"siyu/wechat/simulator"
)

// The real client against the simulator: two writings of one protocol that were
// made apart. What one of them misunderstood shows here.

func (w *world) client() (*wechat.Client, wechat.App, wechat.Merchant) {
	w.Helper()
	at := func(host string) string { return w.base + "/" + host }
	c, err := wechat.New(wechat.Options{
		Hosts: wechat.Hosts{API: at("api.weixin.qq.com"), MP: at("mp.weixin.qq.com"), Open: at("open.weixin.qq.com"), Pay: at("api.mch.weixin.qq.com"), QyAPI: at("qyapi.weixin.qq.com"), Res: w.base},
		Now:   w.clock, Tokens: wechat.NewMemoryTokens(), Timeout: 10 * time.Second, PayTimeout: 10 * time.Second,
	})
	must(w.T, err)
	private, _ := merchantKey()
	id, public := w.sim.PlatformKey()
	app := wechat.App{Kind: "official", AppID: officialID, Secret: "secret1", Token: token, AESKey: aesKey, Secure: true}
	return c, app, wechat.Merchant{
		MchID: mchID, AppID: officialID, Rail: "redpack", APIKeyV2: keyV2, SignType: "MD5", APIv3Key: keyV3, SerialNo: serial, PrivateKeyPEM: private,
		PublicKeyID: id, PublicKeyPEM: public, TransferSceneID: "1000", SendName: "山泉茶饮",
	}
}

func (w *world) payOrder(no string) wechat.PayOrder {
	return wechat.PayOrder{BillNo: no, AppID: officialID, OpenID: w.sim.OpenID("小满", officialID), AmountFen: 188, Wishing: "开瓶有礼", ActName: "桂花季", Remark: "谢谢", ClientIP: "127.0.0.1", NotifyURL: w.appURL + "/notice"}
}

func TestClientPaysOnBothRails(t *testing.T) {
	ctx := context.Background()
	for _, sign := range []string{"MD5", "HMAC-SHA256"} {
		t.Run("redpack_"+sign, func(t *testing.T) {
			w := newWorld(t)
			c, _, m := w.client()
			m.SignType = sign
			o := w.payOrder("CLIENT1")
			w.order(simulator.Misfortune{Call: "sendredpack", Kind: "commit_then_drop"})
			if a := c.Send(ctx, m, o); a.State != "unknown" {
				t.Fatalf("dropped: %+v", a)
			}
			if a := c.Send(ctx, m, o); a.State != "accepted" {
				t.Fatalf("again: %+v", a)
			}
			must(t, w.sim.Open("小满", o.BillNo))
			if a := c.Query(ctx, m, o); a.State != "settled" || a.AmountFen != 188 {
				t.Errorf("query: %+v", a)
			}
			if b := w.bill(o.BillNo); b.PaidFen != 188 || b.Sends != 2 {
				t.Errorf("bill: %+v", b)
			}
		})
	}
	t.Run("transfer", func(t *testing.T) {
		w := newWorld(t)
		c, _, m := w.client()
		m.Rail = "transfer"
		o := w.payOrder("CLIENT2")
		if a := c.Query(ctx, m, o); a.State != "not_found" {
			t.Errorf("before: %+v", a)
		}
		a := c.Send(ctx, m, o)
		if a.State != "accepted" || !a.WaitUser || a.Package == "" {
			t.Fatalf("send: %+v", a)
		}
		must(t, w.sim.Confirm("小满", a.Package))
		for _, n := range w.arrived("/notice") {
			got, err := c.OpenTransferNotice(ctx, m, n.header, n.body)
			if err != nil || got.BillNo != o.BillNo || got.Answer.State != "settled" || got.AmountFen != 188 {
				t.Errorf("notice: %+v %v", got, err)
			}
		}
		if a := c.Query(ctx, m, o); a.State != "settled" {
			t.Errorf("query: %+v", a)
		}
		back := w.payOrder("CLIENT3")
		c.Send(ctx, m, back)
		c.Cancel(ctx, m, back)
		if a := c.Query(ctx, m, back); a.State != "returned" {
			t.Errorf("cancelled: %+v", a)
		}
	})
}

func TestClientRefusesWhatIsFalse(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, _, m := w.client()
	m.Rail = "transfer"
	o := w.payOrder("FALSE1")
	w.order(simulator.Misfortune{Call: "transfer.create", Kind: "bad_answer_signature"})
	if a := c.Send(ctx, m, o); a.State != "unknown" {
		t.Errorf("an unsigned answer was believed: %+v", a)
	}
	for _, how := range []string{"", "probe", "stale", "serial"} {
		if _, err := w.sim.Forge(o.BillNo, "SUCCESS", how); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range w.arrived("/notice") {
		if got, err := c.OpenTransferNotice(ctx, m, n.header, n.body); err == nil {
			t.Errorf("forged notice %d was believed: %+v", i, got)
		}
	}
}

func TestClientLogsInSurvivesADeadTokenAndReadsPushes(t *testing.T) {
	ctx := context.Background()
	w := newWorldWith(t, "aes")
	c, app, _ := w.client()
	login, err := c.OAuthLogin(ctx, app, w.codeFor("小满", "snsapi_base", nil))
	if err != nil || login.OpenID != w.sim.OpenID("小满", officialID) {
		t.Fatalf("%+v %v", login, err)
	}
	code, err := w.sim.LoginCode("小满", miniID)
	must(t, err)
	mini, err := c.MiniLogin(ctx, wechat.App{Kind: "mini", AppID: miniID, Secret: "secret2"}, code)
	if err != nil || mini.OpenID != w.sim.OpenID("小满", miniID) || mini.UnionID == "" {
		t.Errorf("%+v %v", mini, err)
	}
	qr, err := c.SceneQR(ctx, app, "shop-8", time.Hour)
	must(t, err)
	must(t, w.sim.ScanQR("小满", officialID, qr.URL))
	w.order(simulator.Misfortune{Call: "custom.send", Kind: "expired_token"})
	if err := c.SendText(ctx, app, login.OpenID, "欢迎"); err != nil {
		t.Errorf("one dead token was too much: %v", err)
	}
	config, err := c.JSConfig(ctx, app, w.appURL+"/q/T")
	must(t, err)
	if got := w.act("jsconfig", jsonOf{"appId": config.AppID, "nonceStr": config.Nonce, "timestamp": config.Timestamp, "signature": config.Signature, "path": "/q/T"}).text("errMsg"); got != "config:ok" {
		t.Errorf("js config: %s", got)
	}
	w.order(simulator.Misfortune{Call: "callback", Kind: "forged_notice", Code: "plaintext"})
	w.answerWith(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusOK) })
	must(t, w.sim.Say("小满", officialID, "红包"))
	pushes := w.arrived("/callback")
	texts, refused := 0, 0
	for _, p := range pushes {
		m, err := wechat.OpenMessage(app, p.query, p.body, w.clock())
		switch {
		case err != nil:
			refused++
		case m.Type == "text" && m.Content == "红包" && m.OpenID == login.OpenID:
			texts++
		case m.Event == "subscribe" && m.EventKey != "qrscene_shop-8":
			t.Errorf("subscribe: %+v", m)
		}
	}
	if texts != 1 || refused != 1 {
		t.Errorf("%d texts read, %d refused, want 1 and 1", texts, refused)
	}
}
