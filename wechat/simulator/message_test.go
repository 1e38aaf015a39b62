package simulator_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

func (w *world) sayTo(text string) jsonOf {
	return w.api("POST", "/cgi-bin/message/custom/send?access_token="+w.token(), jsonOf{"touser": w.sim.OpenID("小满", officialID), "msgtype": "text", "text": jsonOf{"content": text}})
}

func TestCustomMessageWindow(t *testing.T) {
	w := newWorld(t)
	if got := w.sayTo("x").code(); got != 45015 {
		t.Errorf("to a stranger: %d", got)
	}
	must(t, w.sim.Follow("小满", officialID))
	codes := ""
	for range 4 {
		codes += fmt.Sprint(w.sayTo("欢迎").code(), " ")
	}
	if codes != "0 0 0 45047 " {
		t.Errorf("after a follow: %s", codes)
	}
	w.pass(time.Minute)
	if got := w.sayTo("x").code(); got != 45015 {
		t.Errorf("a minute after the follow: %d", got)
	}
	must(t, w.sim.Say("小满", officialID, "你好"))
	w.pass(48*time.Hour - time.Second)
	codes = ""
	for range 6 {
		codes += fmt.Sprint(w.sayTo("在").code(), " ")
	}
	if codes != "0 0 0 0 0 45047 " {
		t.Errorf("within 48 hours of a message: %s", codes)
	}
	w.pass(time.Second)
	if got := w.sayTo("x").code(); got != 45015 {
		t.Errorf("after 48 hours: %d", got)
	}
	must(t, w.sim.Say("小满", officialID, "还在吗"))
	must(t, w.sim.Unfollow("小满", officialID))
	if got := w.sayTo("x").code(); got != 45015 {
		t.Errorf("after unfollowing: %d", got)
	}
}

func TestTemplateMessageNeedsAFollowerAndReportsItsEnd(t *testing.T) {
	w := newWorld(t)
	send := func(clientID string) jsonOf {
		return w.api("POST", "/cgi-bin/message/template/send?access_token="+w.token(), jsonOf{"touser": w.sim.OpenID("小满", officialID), "template_id": "T1", "client_msg_id": clientID,
			"data": jsonOf{"thing1": jsonOf{"value": "红包到账"}}})
	}
	if got := send("").code(); got != 43004 {
		t.Errorf("to a stranger: %d", got)
	}
	must(t, w.sim.Follow("小满", officialID))
	first, again := send("c1"), send("c1")
	if first.code() != 0 || first.text("msgid") != again.text("msgid") {
		t.Errorf("client_msg_id: %v then %v", first, again)
	}
	w.sim.AddUser(simulator.User{Name: "小满", Blocked: true})
	send("c2")
	var ends []string
	for _, a := range w.arrived("/callback") {
		var e struct{ Event, Status string }
		must(t, xml.Unmarshal(a.body, &e))
		if e.Event == "TEMPLATESENDJOBFINISH" {
			ends = append(ends, e.Status)
		}
	}
	if sort.Strings(ends); strings.Join(ends, ",") != "failed:user block,success" {
		t.Errorf("ends: %v", ends)
	}
	shown := 0
	for _, m := range w.sim.Chats("小满") {
		if m.Kind == "template" && m.Text == "红包到账" {
			shown++
		}
	}
	if shown != 1 {
		t.Errorf("%d template messages on the phone, want 1", shown)
	}
}

func TestSubscribeMessageUsesUpOneGrant(t *testing.T) {
	w := newWorld(t)
	send := func(path string) int {
		return w.api("POST", path+"?access_token="+w.token(), jsonOf{"touser": w.sim.OpenID("小满", officialID), "template_id": "S1", "data": jsonOf{"thing1": jsonOf{"value": "x"}}}).code()
	}
	if got := send("/cgi-bin/message/subscribe/bizsend"); got != 43101 {
		t.Errorf("without a grant: %d", got)
	}
	must(t, w.sim.Grant("小满", officialID, "S1", 1))
	if a, b := send("/cgi-bin/message/subscribe/bizsend"), send("/cgi-bin/message/subscribe/bizsend"); a != 0 || b != 43101 {
		t.Errorf("one grant: %d then %d", a, b)
	}
	if got := send("/cgi-bin/message/subscribe/send"); got != 48001 {
		t.Errorf("the mini program's call with an official account: %d", got)
	}
}

func TestSceneQRReadsBackAndFollowsOrScans(t *testing.T) {
	w := newWorld(t)
	out := w.api("POST", "/cgi-bin/qrcode/create?access_token="+w.token(), jsonOf{"expire_seconds": 3600, "action_name": "QR_STR_SCENE", "action_info": jsonOf{"scene": jsonOf{"scene_str": "shop-8"}}})
	if out["errmsg"] != nil || out["errcode"] != nil || out["expire_seconds"] != float64(3600) {
		t.Fatalf("create: %v", out)
	}
	res, err := http.Get(w.base + "/mp.weixin.qq.com/cgi-bin/showqrcode?ticket=" + out.text("ticket"))
	must(t, err)
	picture, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "image/jpg" {
		t.Errorf("content type %s", got)
	}
	read := w.phone("POST", "decode", "image/jpeg", picture)
	if read.text("text") != out.text("url") {
		t.Fatalf("picture reads %v, want %v", read, out["url"])
	}
	must(t, w.sim.ScanQR("小满", officialID, out.text("url")))
	must(t, w.sim.ScanQR("小满", officialID, out.text("url")))
	var events []string
	for _, a := range w.arrived("/callback") {
		var e struct{ Event, EventKey, Ticket string }
		must(t, xml.Unmarshal(a.body, &e))
		if e.Ticket != out.text("ticket") {
			t.Errorf("ticket %s", e.Ticket)
		}
		events = append(events, e.Event+":"+e.EventKey)
	}
	if strings.Join(events, " ") != "subscribe:qrscene_shop-8 SCAN:shop-8" {
		t.Errorf("events: %v", events)
	}
	missing, err := http.Get(w.base + "/mp.weixin.qq.com/cgi-bin/showqrcode?ticket=none")
	must(t, err)
	_ = missing.Body.Close()
	if missing.StatusCode != 404 {
		t.Errorf("unknown ticket: %d", missing.StatusCode)
	}
	long := w.api("POST", "/cgi-bin/qrcode/create?access_token="+w.token(), jsonOf{"action_name": "QR_LIMIT_STR_SCENE", "action_info": jsonOf{"scene": jsonOf{"scene_str": strings.Repeat("x", 65)}}})
	if long.code() != 40053 {
		t.Errorf("long scene: %v", long)
	}
}

// sha1Of is the push signature by hand.
func sha1Of(parts ...string) string {
	sort.Strings(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// decryptPush opens an AES push by hand and checks the appid inside.
func decryptPush(t *testing.T, text string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	must(t, err)
	in, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	block, err := aes.NewCipher(key)
	must(t, err)
	out := make([]byte, len(in))
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(out, in)
	out = out[:len(out)-int(out[len(out)-1])]
	n := binary.BigEndian.Uint32(out[16:20])
	if got := string(out[20+n:]); got != officialID {
		t.Errorf("appid inside is %q", got)
	}
	return out[20 : 20+n]
}

func TestPushIsSignedAndInAESModeSealed(t *testing.T) {
	for _, mode := range []string{"plain", "compatible", "aes"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorldWith(t, mode)
			must(t, w.sim.Say("小满", officialID, "你好<&>"))
			got := w.arrived("/callback")
			if len(got) != 1 {
				t.Fatalf("%d pushes", len(got))
			}
			q := got[0].query
			if q.Get("signature") != sha1Of(token, q.Get("timestamp"), q.Get("nonce")) || q.Get("openid") != w.sim.OpenID("小满", officialID) {
				t.Errorf("query: %v", q)
			}
			var in struct {
				Content, MsgType, Encrypt, FromUserName string
				MsgId                                   int64
			}
			must(t, xml.Unmarshal(got[0].body, &in))
			if mode != "plain" {
				if q.Get("msg_signature") != sha1Of(token, q.Get("timestamp"), q.Get("nonce"), in.Encrypt) || q.Get("encrypt_type") != "aes" {
					t.Errorf("msg_signature: %v", q)
				}
				if mode == "aes" && in.Content != "" {
					t.Error("the text is readable in aes mode")
				}
				must(t, xml.Unmarshal(decryptPush(t, in.Encrypt), &in))
			}
			if in.Content != "你好<&>" || in.MsgType != "text" || in.MsgId == 0 || in.FromUserName != w.sim.OpenID("小满", officialID) {
				t.Errorf("message: %+v", in)
			}
		})
	}
}

func TestPushIsTriedThreeTimesWithTheSameMsgID(t *testing.T) {
	w := newWorld(t)
	w.answerWith(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) })
	must(t, w.sim.Say("小满", officialID, "你好"))
	got := w.arrived("/callback")
	if len(got) != 3 || !bytes.Equal(got[0].body, got[2].body) {
		t.Fatalf("%d tries", len(got))
	}
	last := w.sim.Chats("小满")
	has(t, last[len(last)-1].Text, "该公众号提供的服务出现故障")
}

func TestPassiveReplyReachesThePhone(t *testing.T) {
	reply := `<xml><ToUserName><![CDATA[a]]></ToUserName><FromUserName><![CDATA[b]]></FromUserName><CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[收到]]></Content></xml>`
	last := func(w *world) string {
		list := w.sim.Chats("小满")
		return list[len(list)-1].Text
	}
	t.Run("plain", func(t *testing.T) {
		w := newWorld(t)
		w.answerWith(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, reply) })
		must(t, w.sim.Say("小满", officialID, "在吗"))
		if got := last(w); got != "收到" {
			t.Errorf("phone shows %q", got)
		}
	})
	t.Run("sealed", func(t *testing.T) {
		w := newWorldWith(t, "aes")
		w.answerWith(func(rw http.ResponseWriter, _ *http.Request) {
			sealed := sealReply(t, reply)
			_, _ = fmt.Fprintf(rw, "<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>1</TimeStamp><Nonce>n</Nonce></xml>", sealed, sha1Of(token, "1", "n", sealed))
		})
		must(t, w.sim.Say("小满", officialID, "在吗"))
		if got := last(w); got != "收到" {
			t.Errorf("phone shows %q", got)
		}
	})
	t.Run("plaintext_in_aes_mode_is_a_fault", func(t *testing.T) {
		w := newWorldWith(t, "aes")
		w.answerWith(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, reply) })
		must(t, w.sim.Say("小满", officialID, "在吗"))
		has(t, last(w), "服务出现故障")
	})
}

func sealReply(t *testing.T, text string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	must(t, err)
	plain := append([]byte("0123456789abcdef"), 0, 0, byte(len(text)>>8), byte(len(text)))
	plain = append(plain, text+officialID...)
	pad := 32 - len(plain)%32
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(key)
	must(t, err)
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain)
}

func TestVerifyURLWantsTheEcho(t *testing.T) {
	w := newWorld(t)
	if err := w.sim.VerifyURL(officialID); err == nil {
		t.Error("accepted an answer without the echo")
	}
	w.answerWith(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("signature") == sha1Of(token, q.Get("timestamp"), q.Get("nonce")) {
			_, _ = io.WriteString(rw, q.Get("echostr"))
		}
	})
	must(t, w.sim.VerifyURL(officialID))
}

// A value that a field does not take is refused as if the template were wrong.
func TestTemplateFieldsTakeSoMuch(t *testing.T) {
	w := newWorld(t)
	must(t, w.sim.Follow("小满", officialID))
	for value, want := range map[string]int{"红包到账": 0, "一二三四五六七八九十一二三四五六七八九十": 0, "一二三四五六七八九十一二三四五六七八九十多": 47003, " ": 47003, "两\n行": 47003} {
		got := w.api("POST", "/cgi-bin/message/template/send?access_token="+w.token(), jsonOf{"touser": w.sim.OpenID("小满", officialID), "template_id": "T1", "data": jsonOf{"thing1": jsonOf{"value": value}}})
		if got.code() != want {
			t.Errorf("%q: %d, want %d", value, got.code(), want)
		}
	}
}
