package wechat

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func pushXML(msgType, rest string) string {
	return fmt.Sprintf("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName>"+
		"<CreateTime>%d</CreateTime><MsgType><![CDATA[%s]]></MsgType>%s</xml>", openID, noon.Unix(), msgType, rest)
}

var textPush = pushXML("text", "<Content><![CDATA[查红包]]></Content><MsgId>23456789012345678</MsgId>")

func TestOpenMessage(t *testing.T) {
	t.Run("plain_text", func(t *testing.T) {
		m, err := OpenMessage(official, pushQuery(official, noon), []byte(textPush), noon)
		if err != nil {
			t.Fatal(err)
		}
		if m.OpenID != openID || m.Account != "gh_1" || m.Type != "text" || m.Content != "查红包" ||
			m.MsgID != "23456789012345678" || m.CreateTime != noon.Unix() || m.AppID != official.AppID || string(m.Raw) != textPush {
			t.Errorf("%+v", m)
		}
	})
	t.Run("safe_mode_event_with_scene", func(t *testing.T) {
		plain := pushXML("event", "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_shop7]]></EventKey><Ticket><![CDATA[tk]]></Ticket>")
		q, body := sealedPush(safe, plain, noon)
		m, err := OpenMessage(safe, q, body, noon)
		if err != nil || m.Event != "subscribe" || m.EventKey != "qrscene_shop7" || m.Ticket != "tk" || string(m.Raw) != plain {
			t.Errorf("%+v %v", m, err)
		}
	})
	t.Run("json_of_a_mini_program_plain_and_sealed", func(t *testing.T) {
		plain := fmt.Sprintf(`{"ToUserName":"gh_2","FromUserName":%q,"CreateTime":%d,"MsgType":"text","Content":"好","MsgId":9223372036854775807}`, openID, noon.Unix())
		m, err := OpenMessage(official, pushQuery(official, noon), []byte(plain), noon)
		if err != nil || m.MsgID != "9223372036854775807" || m.Content != "好" {
			t.Errorf("plain: %+v %v", m, err)
		}
		q, _ := sealedPush(safe, plain, noon)
		body := fmt.Sprintf(`{"ToUserName":"gh_2","Encrypt":%q}`, sealFor(safe, []byte(plain), safe.AppID))
		if m, err = OpenMessage(safe, q, []byte(body), noon); err != nil || m.Account != "gh_2" {
			t.Errorf("sealed: %+v %v", m, err)
		}
	})
	t.Run("in_compatible_mode_the_sealed_part_wins", func(t *testing.T) {
		q, body := sealedPush(official, textPush, noon)
		forged := strings.Replace(string(body), "<xml>", "<xml><Content>forged</Content><MsgType>text</MsgType>", 1)
		m, err := OpenMessage(official, q, []byte(forged), noon)
		if err != nil || m.Content != "查红包" {
			t.Errorf("%+v %v", m, err)
		}
	})
	t.Run("a_job_event_carries_its_id", func(t *testing.T) {
		m, err := OpenMessage(official, pushQuery(official, noon),
			[]byte(pushXML("event", "<Event>TEMPLATESENDJOBFINISH</Event><MsgID>200163836</MsgID><Status>success</Status>")), noon)
		if err != nil || m.MsgID != "200163836" || m.Event != "TEMPLATESENDJOBFINISH" {
			t.Errorf("%+v %v", m, err)
		}
	})
	t.Run("an_unknown_event_is_read_like_any_other", func(t *testing.T) {
		m, err := OpenMessage(official, pushQuery(official, noon),
			[]byte(pushXML("event", "<Event>brand_new</Event><List><Item><A>1</A></Item><Item><A>2</A></Item></List>")), noon)
		if err != nil || m.Event != "brand_new" {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestOpenMessageRefuses(t *testing.T) {
	good := sealFor(safe, []byte(textPush), safe.AppID)
	sealed := func(app App, text string) ([]byte, url.Values) {
		q, b := sealedText(app, text, noon)
		return b, q
	}
	with := func(q url.Values, k, v string) url.Values { q.Set(k, v); return q }
	bomb := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><xml><Content>&lol2;</Content></xml>`
	body, q := sealed(safe, good)
	noToken := official
	noToken.Token = ""

	for name, c := range map[string]struct {
		app  App
		q    url.Values
		body string
		want error
	}{
		"wrong_msg_signature_with_right_signature": {safe, with(pushQuery(safe, noon), "msg_signature", "WRONG"), string(body), ErrSignature},
		"missing_msg_signature":                    {safe, pushQuery(safe, noon), string(body), ErrSignature},
		"wrong_signature_with_right_msg_signature": {safe, with(clone(q), "signature", "00"), string(body), ErrSignature},
		"no_query":                                  {safe, url.Values{}, string(body), ErrSignature},
		"plaintext_downgrade":                       {safe, pushQuery(safe, noon), textPush, ErrPlaintext},
		"plaintext_downgrade_with_seen_query":       {safe, clone(q), textPush, ErrPlaintext},
		"account_without_token":                     {noToken, pushQuery(noToken, noon), textPush, ErrSignature},
		"replay_after_ten_minutes":                  {official, pushQuery(official, noon.Add(-10*time.Minute)), textPush, ErrReplay},
		"from_the_future":                           {official, pushQuery(official, noon.Add(6*time.Minute)), textPush, ErrReplay},
		"sealed_body_of_another_push":               {safe, clone(q), string(second(sealed(safe, sealFor(safe, []byte(pushXML("text", "")), safe.AppID)))), ErrSignature},
		"ciphertext_of_5_bytes":                     sealedCase(safe, base64.StdEncoding.EncodeToString([]byte("12345"))),
		"ciphertext_of_no_bytes":                    sealedCase(safe, ""),
		"ciphertext_not_base64":                     sealedCase(safe, "%%%"),
		"ciphertext_of_random_blocks":               sealedCase(safe, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 64)))),
		"appid_inside_is_anothers":                  sealedCase(safe, sealFor(safe, []byte(textPush), "wxanother0000000")),
		"plaintext_sealed_twice_as_text":            sealedCase(safe, sealFor(safe, []byte("hello"), safe.AppID)),
		"sealed_entity_bomb":                        sealedCase(safe, sealFor(safe, []byte(bomb), safe.AppID)),
		"entity_bomb":                               {official, pushQuery(official, noon), bomb, ErrMalformed},
		"external_entity":                           {official, pushQuery(official, noon), `<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>`, ErrMalformed},
		"doctype_without_entities":                  {official, pushQuery(official, noon), "<!DOCTYPE xml>" + textPush, ErrMalformed},
		"ten_megabytes":                             {official, pushQuery(official, noon), strings.Repeat("x", 10<<20), ErrTooLarge},
		"one_byte_over":                             {official, pushQuery(official, noon), strings.Repeat("x", 64<<10+1), ErrTooLarge},
		"field_twice":                               {official, pushQuery(official, noon), pushXML("text", "<MsgType>event</MsgType>"), ErrMalformed},
		"deep_nesting":                              {official, pushQuery(official, noon), strings.Repeat("<a>", 5000), ErrMalformed},
		"many_elements":                             {official, pushQuery(official, noon), pushXML("text", "<L>"+strings.Repeat("<a/>", 3000)+"</L>"), ErrMalformed},
		"two_roots":                                 {official, pushQuery(official, noon), textPush + "<xml><Content>b</Content></xml>", ErrMalformed},
		"markup_after_the_root":                     {official, pushQuery(official, noon), textPush + "<Event/>", ErrMalformed},
		"cut_short":                                 {official, pushQuery(official, noon), textPush[:len(textPush)-3], ErrMalformed},
		"empty":                                     {official, pushQuery(official, noon), "", ErrMalformed},
		"another_encoding":                          {official, pushQuery(official, noon), `<?xml version="1.0" encoding="gbk"?>` + textPush, ErrMalformed},
		"bad_utf8":                                  {official, pushQuery(official, noon), strings.Replace(textPush, "查", "\xff\xfe", 1), ErrMalformed},
		"json_of_the_wrong_shape":                   {official, pushQuery(official, noon), `{"FromUserName":`, ErrMalformed},
		"json_and_more":                             {official, pushQuery(official, noon), `{} {}`, ErrMalformed},
		"no_sender":                                 {official, pushQuery(official, noon), "<xml><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>", ErrMalformed},
		"time_not_a_number":                         {official, pushQuery(official, noon), strings.Replace(textPush, strconv.FormatInt(noon.Unix(), 10), "soon", 1), ErrMalformed},
		"signed_timestamp_not_a_number":             {official, signedWith(official, "soon"), textPush, ErrMalformed},
		"signed_timestamp_negative":                 {official, signedWith(official, "-1"), textPush, ErrMalformed},
		"signed_timestamp_of_another_century":       {official, signedWith(official, "99999999999999999"), textPush, ErrMalformed},
		"signed_timestamp_that_overflows_32_bit_ok": {official, signedWith(official, "4102444800"), textPush, ErrReplay},
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := OpenMessage(c.app, c.q, []byte(c.body), noon); !errors.Is(err, c.want) {
				t.Errorf("%+v, err %v, want %v", m, err, c.want)
			}
		})
	}
}

func sealedCase(app App, sealed string) struct {
	app  App
	q    url.Values
	body string
	want error
} {
	q, b := sealedText(app, sealed, noon)
	return struct {
		app  App
		q    url.Values
		body string
		want error
	}{app, q, string(b), ErrMalformed}
}

func second(b []byte, _ url.Values) []byte { return b }

func clone(q url.Values) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = append([]string(nil), v...)
	}
	return out
}

func signedWith(app App, timestamp string) url.Values {
	return url.Values{"timestamp": {timestamp}, "nonce": {"n"}, "signature": {signSHA1(app.Token, timestamp, "n")}}
}

func TestDedupKey(t *testing.T) {
	open := func(app App, plain string, at time.Time) string {
		t.Helper()
		q, body := sealedPush(app, plain, at)
		m, err := OpenMessage(app, q, body, at)
		if err != nil {
			t.Fatal(err)
		}
		return m.DedupKey
	}
	event := func(name, key string) string {
		return pushXML("event", "<Event>"+name+"</Event><EventKey>"+key+"</EventKey>")
	}
	// Three deliveries differ in query and encryption only.
	first := open(safe, textPush, noon)
	for i := range 2 {
		if got := open(safe, textPush, noon.Add(time.Duration(5*i)*time.Second)); got != first {
			t.Errorf("delivery %d: key %s, want %s", i+2, got, first)
		}
	}
	other := safe
	other.AppID = "wxanother0000000"
	seen := map[string]string{first: "text"}
	for name, key := range map[string]string{
		"another message":     open(safe, strings.Replace(textPush, "23456789012345678", "23456789012345679", 1), noon),
		"another app":         open(other, textPush, noon),
		"subscribe":           open(safe, event("subscribe", ""), noon),
		"scan, same second":   open(safe, event("SCAN", "a"), noon),
		"another scene":       open(safe, event("SCAN", "b"), noon),
		"key glued otherwise": open(safe, event("SCANa", ""), noon),
	} {
		if before, ok := seen[key]; ok {
			t.Errorf("%s and %s share a key", name, before)
		}
		if len(key) != 34 {
			t.Errorf("%s: key of %d characters", name, len(key))
		}
		seen[key] = name
	}
}

func TestVerifyEcho(t *testing.T) {
	q := pushQuery(safe, noon)
	q.Set("echostr", "8846534634")
	if echo, err := VerifyEcho(safe, q, noon); err != nil || echo != "8846534634" {
		t.Errorf("%q %v", echo, err)
	}
	if _, err := VerifyEcho(safe, q, noon.Add(6*time.Minute)); !errors.Is(err, ErrReplay) {
		t.Errorf("old: %v", err)
	}
	q.Set("signature", "0")
	if echo, err := VerifyEcho(safe, q, noon); !errors.Is(err, ErrSignature) || echo != "" {
		t.Errorf("forged: %q %v", echo, err)
	}
	if _, err := VerifyEcho(safe, pushQuery(safe, noon), noon); !errors.Is(err, ErrMalformed) {
		t.Errorf("no echo: %v", err)
	}
}

type textWire struct {
	To      string `xml:"ToUserName"`
	From    string `xml:"FromUserName"`
	Time    int64  `xml:"CreateTime"`
	Type    string `xml:"MsgType"`
	Content string `xml:"Content"`
}

func TestReplies(t *testing.T) {
	m := Message{OpenID: openID, Account: "gh_1"}
	q := pushQuery(safe, noon)
	q.Set("encrypt_type", "aes")

	t.Run("a_text_reply_survives_sealing", func(t *testing.T) {
		want := "扫码 <记录> & ]]> 完"
		out, err := SealReply(safe, q, TextReply(m, want, noon), noon)
		if err != nil {
			t.Fatal(err)
		}
		var envelope struct {
			Encrypt, MsgSignature, TimeStamp, Nonce string
		}
		if err := xml.Unmarshal(out, &envelope); err != nil {
			t.Fatal(err)
		}
		if envelope.MsgSignature != signSHA1(safe.Token, envelope.TimeStamp, envelope.Nonce, envelope.Encrypt) {
			t.Error("reply's signature does not fit")
		}
		plain, appID := unseal(t, safe, envelope.Encrypt)
		var got textWire
		if err := xml.Unmarshal([]byte(plain), &got); err != nil {
			t.Fatal(err)
		}
		if got != (textWire{To: openID, From: "gh_1", Time: noon.Unix(), Type: "text", Content: want}) || appID != safe.AppID {
			t.Errorf("%+v for %s", got, appID)
		}
	})
	t.Run("nothing_to_say_is_success_in_every_mode", func(t *testing.T) {
		for _, app := range []App{official, safe} {
			if out, err := SealReply(app, q, TextReply(m, "", noon), noon); err != nil || string(out) != "success" {
				t.Errorf("%q %v", out, err)
			}
		}
	})
	t.Run("plain_mode_answers_plainly_and_safe_mode_never_does", func(t *testing.T) {
		reply := TextReply(m, "好", noon)
		if out, err := SealReply(official, pushQuery(official, noon), reply, noon); err != nil || string(out) != string(reply) {
			t.Errorf("plain: %s %v", out, err)
		}
		if out, err := SealReply(safe, pushQuery(safe, noon), reply, noon); err != nil || strings.Contains(string(out), "好") {
			t.Errorf("safe: %s %v", out, err)
		}
		broken := safe
		broken.AESKey = "short"
		if out, err := SealReply(broken, q, reply, noon); err == nil {
			t.Errorf("a bad key gave %s", out)
		}
	})
	t.Run("control_characters_and_length_cannot_break_the_reply", func(t *testing.T) {
		var got textWire
		if err := xml.Unmarshal(TextReply(m, "a\x00\x0b\xff"+strings.Repeat("码", 2000), noon), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Content) > maxText || !strings.HasPrefix(got.Content, "a") {
			t.Errorf("%d bytes", len(got.Content))
		}
	})
}
