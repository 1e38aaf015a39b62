package wechat

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var corp = App{Kind: KindWeCom, AppID: "ww0123456789abcdef", Secret: "corpsecret0123456789", Token: "corptoken",
	AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}

const joinPush = `<xml><ToUserName><![CDATA[ww0123456789abcdef]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>1795233600</CreateTime>
<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_external_chat]]></Event><ChatId><![CDATA[wrChat1]]></ChatId><ChangeType><![CDATA[update]]></ChangeType>
<UpdateDetail><![CDATA[add_member]]></UpdateDetail><JoinScene>3</JoinScene><MemChangeCnt>2</MemChangeCnt><MemChangeList><Item>wm1</Item><Item>wm2</Item></MemChangeList>
<LastMemVer><![CDATA[v1]]></LastMemVer><CurMemVer><![CDATA[v2]]></CurMemVer></xml>`

// corpQuery signs a cipher text as WeCom does.
func corpQuery(app App, sealed string, at time.Time) url.Values {
	ts := strconv.FormatInt(at.Unix(), 10)
	return url.Values{"timestamp": {ts}, "nonce": {"n0nce"}, "msg_signature": {signSHA1(app.Token, ts, "n0nce", sealed)}}
}

func corpBody(sealed string) []byte {
	return []byte("<xml><ToUserName><![CDATA[" + corp.AppID + "]]></ToUserName><AgentID><![CDATA[]]></AgentID><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>")
}

func TestOpenCorpEvent(t *testing.T) {
	open := func(plain string) (CorpEvent, error) {
		sealed := sealFor(corp, []byte(plain), corp.AppID)
		return OpenCorpEvent(corp, corpQuery(corp, sealed, noon), corpBody(sealed), noon)
	}
	t.Run("a change of a group is read with all its fields", func(t *testing.T) {
		e, err := open(joinPush)
		if err != nil || e.Event != CorpChatChanged || e.ChangeType != ChatUpdated || e.UpdateDetail != ChatMemberCame || e.ChatID != "wrChat1" ||
			e.JoinScene != 3 || e.MemChangeCnt != 2 || len(e.MemChanges) != 2 || e.MemChanges[1] != "wm2" || e.LastMemVer != "v1" || e.CurMemVer != "v2" ||
			e.CreateTime != 1795233600 || e.CorpID != corp.AppID || string(e.Raw) != joinPush {
			t.Fatalf("%+v %v", e, err)
		}
	})
	t.Run("the same push has the same key, another has another", func(t *testing.T) {
		a, err := open(joinPush)
		b, err2 := open(strings.Replace(joinPush, "\n", "  \n", 1))
		c, err3 := open(strings.Replace(joinPush, "<Item>wm2", "<Item>wm3", 1))
		if err != nil || err2 != nil || err3 != nil || len(a.DedupKey) != 34 || a.DedupKey != b.DedupKey || a.DedupKey == c.DedupKey {
			t.Fatal(a.DedupKey, b.DedupKey, c.DedupKey, err, err2, err3)
		}
	})
	t.Run("an event nobody knows is still an event", func(t *testing.T) {
		e, err := open("<xml><ToUserName>" + corp.AppID + "</ToUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>new_thing</Event></xml>")
		if err != nil || e.Event != "new_thing" {
			t.Fatal(e, err)
		}
	})
}

func TestOpenCorpEventRefuses(t *testing.T) {
	good := sealFor(corp, []byte(joinPush), corp.AppID)
	sealed := func(plain string) string { return sealFor(corp, []byte(plain), corp.AppID) }
	another := corp
	another.Token = "another"
	bare := corp
	bare.Token, bare.AESKey = "", ""
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>` + strings.Replace(joinPush, "wrChat1", "&b;", 1)
	for _, row := range []struct {
		name string
		app  App
		q    url.Values
		body []byte
		want error
	}{
		{"a wrong msg_signature", corp, corpQuery(another, good, noon), corpBody(good), ErrSignature},
		{"no msg_signature", corp, url.Values{"timestamp": {"1"}, "nonce": {"n"}}, corpBody(good), ErrSignature},
		{"the signature of an official account", corp, pushQuery(corp, noon), corpBody(good), ErrSignature},
		{"another cipher text under a good signature", corp, corpQuery(corp, good, noon), corpBody(sealed(joinPush + " ")), ErrSignature},
		{"plaintext", corp, corpQuery(corp, "", noon), []byte(joinPush), ErrPlaintext},
		{"an hour old", corp, corpQuery(corp, good, noon.Add(-time.Hour)), corpBody(good), ErrReplay},
		{"from the future", corp, corpQuery(corp, good, noon.Add(time.Hour)), corpBody(good), ErrReplay},
		{"another corp inside", corp, corpQuery(corp, sealFor(corp, []byte(joinPush), "ww2"), noon), corpBody(sealFor(corp, []byte(joinPush), "ww2")), ErrMalformed},
		{"addressed to another corp", corp, corpQuery(corp, sealed(strings.Replace(joinPush, corp.AppID, "ww2", 1)), noon), corpBody(sealed(strings.Replace(joinPush, corp.AppID, "ww2", 1))), ErrMalformed},
		{"five bytes", corp, corpQuery(corp, "MTIzNDU=", noon), corpBody("MTIzNDU="), ErrMalformed},
		{"no base64", corp, corpQuery(corp, "***", noon), corpBody("***"), ErrMalformed},
		{"an entity bomb outside", corp, corpQuery(corp, good, noon), []byte(bomb), ErrMalformed},
		{"an entity bomb inside", corp, corpQuery(corp, sealed(bomb), noon), corpBody(sealed(bomb)), ErrMalformed},
		{"no XML inside", corp, corpQuery(corp, sealed("hello"), noon), corpBody(sealed("hello")), ErrMalformed},
		{"a count that is none", corp, corpQuery(corp, sealed(strings.Replace(joinPush, ">2<", ">x<", 1)), noon), corpBody(sealed(strings.Replace(joinPush, ">2<", ">x<", 1))), ErrMalformed},
		{"ten megabytes", corp, corpQuery(corp, good, noon), make([]byte, 10<<20), ErrTooLarge},
		{"a corp that is not set up", bare, corpQuery(bare, good, noon), corpBody(good), ErrSignature},
	} {
		if e, err := OpenCorpEvent(row.app, row.q, row.body, noon); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, %+v", row.name, err, e)
		}
	}
}

func TestVerifyCorpEcho(t *testing.T) {
	sealed := sealFor(corp, []byte("1234567890"), corp.AppID)
	q := corpQuery(corp, sealed, noon)
	q.Set("echostr", sealed)
	if echo, err := VerifyCorpEcho(corp, q, noon); err != nil || echo != "1234567890" {
		t.Fatal(echo, err)
	}
	for name, spoil := range map[string]func(url.Values){
		"wrong signature": func(q url.Values) { q.Set("msg_signature", signSHA1("x")) },
		"plain echo":      func(q url.Values) { q.Set("echostr", "1234567890") },
		"no echo":         func(q url.Values) { q.Del("echostr") },
		"another time":    func(q url.Values) { q.Set("timestamp", "1") },
	} {
		bad := url.Values{}
		for k, v := range q {
			bad[k] = v
		}
		spoil(bad)
		if echo, err := VerifyCorpEcho(corp, bad, noon); err == nil || echo != "" {
			t.Errorf("%s: %q %v", name, echo, err)
		}
	}
	if _, err := VerifyCorpEcho(corp, q, noon.Add(time.Hour)); !errors.Is(err, ErrReplay) {
		t.Errorf("an hour later: %v", err)
	}
}

func TestCorpTokenIsSharedAndFetchedOnce(t *testing.T) {
	var fetched, dead atomic.Int64
	c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/qyapi.weixin.qq.com/cgi-bin/gettoken" && r.URL.Query().Get("corpsecret") == corp.Secret:
			_, _ = w.Write([]byte(`{"errcode":0,"errmsg":"ok","access_token":"token-` + strconv.FormatInt(fetched.Add(1), 10) + `","expires_in":7200}`))
		case r.URL.Query().Get("access_token") == "token-1" && dead.Load() == 1:
			_, _ = w.Write([]byte(`{"errcode":42001,"errmsg":"access_token expired"}`))
		default:
			_, _ = w.Write([]byte(`{"errcode":0,"errmsg":"ok","follow_user":["zhangsan"]}`))
		}
	}))
	for range 3 {
		if list, err := c.CorpStaff(t.Context(), corp); err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
	}
	if fetched.Load() != 1 {
		t.Fatal(fetched.Load())
	}
	dead.Store(1)
	if _, err := c.CorpStaff(t.Context(), corp); err != nil || fetched.Load() != 2 {
		t.Fatal(err, fetched.Load())
	}
}

func TestCorpErrorsTellNoSecrets(t *testing.T) {
	const external = "wmEAlECwAAHibyPbg2mAGZzhZIhAgnVQ"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "gettoken") {
			_, _ = w.Write([]byte(`{"errcode":0,"access_token":"tokentokentoken","expires_in":7200}`))
			return
		}
		_, _ = w.Write([]byte(`{"errcode":84061,"errmsg":"no relation of ` + external + ` with tokentokentoken"}`))
	}))
	defer srv.Close()
	c, err := New(Options{Hosts: hostsAt(srv.URL)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.CorpContact(t.Context(), corp, external)
	if !IsGone(err) {
		t.Fatal(err)
	}
	mustNotTell(t, err.Error(), external, "tokentokentoken", corp.Secret)
	srv.Close()
	_, err = c.CorpContact(t.Context(), corp, external)
	if err == nil {
		t.Fatal("a server that is gone answered")
	}
	mustNotTell(t, err.Error(), external, "tokentokentoken", corp.Secret)
}
