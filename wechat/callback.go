package wechat

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
)

const (
	// maxCallback bounds a callback body; real ones are a few KiB.
	maxCallback = 64 << 10
	// replayWindow is how far a signed timestamp may be off, either way.
	replayWindow = 5 * time.Minute
)

// Message is one verified push from an official account or a mini program.
type Message struct {
	AppID      string // the app it was verified for
	Account    string // ToUserName: the account's original id (gh_...)
	OpenID     string
	Type       string // text, event, ...
	Event      string // subscribe, SCAN, ... as WeChat writes it
	EventKey   string
	Ticket     string // of a scene QR code
	MsgID      string
	Content    string
	CreateTime int64    // seconds, WeChat's clock
	Status     string   // of a job event: how it ended
	Counts     *Counts  // of MASSSENDJOBFINISH
	Results    []Result // of subscribe_msg_sent_event
	Grants     []Grant  // of an event about subscribe messages
	Raw        []byte   // the plaintext, XML or JSON
	// DedupKey is the same for every delivery of this push and differs between
	// pushes; 34 characters. WeChat delivers up to three times when we are slow.
	DedupKey string
}

// VerifyEcho answers WeChat's check of a callback address: it returns what to
// write back. The echo is plain in every mode of these two account kinds.
func VerifyEcho(app App, q url.Values, now time.Time) (echo string, err error) {
	if err := verifyQuery(app, q, now); err != nil {
		return "", err
	}
	echo = q.Get("echostr")
	if echo == "" || len(echo) > 256 {
		return "", fmt.Errorf("%w: echostr", ErrMalformed)
	}
	return echo, nil
}

// OpenMessage verifies and reads a push. It checks size, signature, age, in AES
// mode msg_signature and the appid inside; then reads XML or JSON. An encrypted
// part always wins over the plaintext beside it, and app.Secure refuses a body
// without one: "encrypt_type" is not signed, so it decides nothing here
// (platform facts, B1 and B2). In plain mode the signature does not cover the
// body; that is WeChat's design and the reason to use safe mode.
//
// Errors: ErrTooLarge, ErrSignature, ErrReplay, ErrPlaintext, ErrMalformed.
func OpenMessage(app App, q url.Values, body []byte, now time.Time) (Message, error) {
	if len(body) > maxCallback {
		return Message{}, ErrTooLarge
	}
	if err := verifyQuery(app, q, now); err != nil {
		return Message{}, err
	}
	fields, err := parsePush(body)
	if err != nil {
		return Message{}, err
	}
	raw := body
	sealed, has := fields["Encrypt"]
	switch {
	case has:
		want := util.Signature(app.Token, q.Get("timestamp"), q.Get("nonce"), sealed)
		if !sameText(want, q.Get("msg_signature")) {
			return Message{}, ErrSignature
		}
		// DecryptMsg checks lengths, padding and the appid inside, and recovers.
		if _, raw, err = util.DecryptMsg(app.AppID, sealed, app.AESKey); err != nil {
			return Message{}, fmt.Errorf("%w: cannot decrypt", ErrMalformed)
		}
		if fields, err = parsePush(raw); err != nil {
			return Message{}, err
		}
	case app.Secure:
		return Message{}, ErrPlaintext
	}
	m := Message{
		AppID: app.AppID, Account: fields["ToUserName"], OpenID: fields["FromUserName"],
		Type: fields["MsgType"], Event: fields["Event"], EventKey: fields["EventKey"],
		Ticket: fields["Ticket"], MsgID: fields["MsgId"], Content: fields["Content"], Status: fields["Status"],
		Counts: countsOf(fields), Results: resultsOf(fields["Event"], raw), Grants: grantsOf(fields["Event"], raw), Raw: bytes.Clone(raw),
	}
	if m.MsgID == "" {
		m.MsgID = fields["MsgID"] // job events write it so
	}
	m.CreateTime, err = strconv.ParseInt(fields["CreateTime"], 10, 64)
	if err != nil || m.Type == "" || m.OpenID == "" {
		return Message{}, fmt.Errorf("%w: a message needs sender, type and time", ErrMalformed)
	}
	m.DedupKey = dedupKey(m)
	return m, nil
}

// dedupKey follows WeChat's rule: messages by MsgId, events by sender and time
// ([D] developers.weixin.qq.com/doc/service/en/guide/product/message/Receiving_standard_messages.html).
// Event name, key and job id are added because one second can hold two events.
func dedupKey(m Message) string {
	parts := []string{m.AppID, m.MsgID}
	kind := "m:"
	if m.Type == "event" || m.MsgID == "" {
		parts = append(parts, m.OpenID, strconv.FormatInt(m.CreateTime, 10), m.Type, m.Event, m.EventKey, m.Ticket)
		kind = "e:"
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return kind + hex.EncodeToString(h.Sum(nil)[:16])
}

// verifyQuery checks signature and age of a callback's query. An account without
// a token verifies nothing: anybody could sign for it.
func verifyQuery(app App, q url.Values, now time.Time) error {
	if app.Token == "" {
		return fmt.Errorf("%w: account has no callback token", ErrSignature)
	}
	timestamp := q.Get("timestamp")
	if !sameText(util.Signature(app.Token, timestamp, q.Get("nonce")), q.Get("signature")) {
		return ErrSignature
	}
	return fresh(timestamp, now)
}

// fresh accepts seconds within replayWindow of now.
func fresh(timestamp string, now time.Time) error {
	sec, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || sec < 0 || sec > 1<<40 {
		return fmt.Errorf("%w: timestamp", ErrMalformed)
	}
	if off := now.Sub(time.Unix(sec, 0)); off > replayWindow || off < -replayWindow {
		return ErrReplay
	}
	return nil
}

// sameText compares without telling by its time where two texts differ.
func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// parsePush reads the first level of a push, XML or, for mini programs so set, JSON.
func parsePush(body []byte) (map[string]string, error) {
	trimmed := bytes.TrimSpace(body)
	out := map[string]string{}
	if len(trimmed) == 0 || trimmed[0] != '{' {
		fields, err := parseXML(trimmed)
		if err != nil {
			return nil, err
		}
		for path := range fields {
			if !strings.Contains(path, "/") {
				out[path] = fields.get(path)
			}
		}
		return out, nil
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	dec.UseNumber() // MsgId does not fit a float
	var object map[string]any
	if err := dec.Decode(&object); err != nil || dec.More() {
		return nil, fmt.Errorf("%w: not JSON", ErrMalformed)
	}
	for k, v := range object {
		switch v := v.(type) {
		case string:
			out[k] = v
		case json.Number:
			out[k] = v.String()
		}
	}
	return out, nil
}

// SealReply makes the answer to a push: "success" for nothing to say (an empty
// encrypted message would show the user an error, B5), else plainXML, encrypted
// when the push was or must be. q is the push's query.
func SealReply(app App, q url.Values, plainXML []byte, now time.Time) ([]byte, error) {
	if len(plainXML) == 0 {
		return []byte("success"), nil
	}
	if !app.Secure && q.Get("encrypt_type") != "aes" {
		return plainXML, nil
	}
	var random [16]byte
	rand.Read(random[:])
	sealed, err := util.EncryptMsg(random[:], plainXML, app.AppID, app.AESKey)
	if err != nil {
		return nil, fmt.Errorf("wechat: seal reply: EncodingAESKey is not usable")
	}
	timestamp, nonceStr := now.Unix(), nonce()
	return xml.Marshal(message.ResponseEncryptedXMLMsg{
		EncryptedMsg: string(sealed), Timestamp: timestamp, Nonce: nonceStr,
		MsgSignature: util.Signature(app.Token, strconv.FormatInt(timestamp, 10), nonceStr, string(sealed)),
	})
}

// TextReply is a passive text answer to m, for SealReply. It returns nil for an
// empty text.
func TextReply(m Message, text string, now time.Time) []byte {
	text = cutBytes(validXMLText(text), maxText)
	if text == "" {
		return nil
	}
	reply := message.NewText(text)
	reply.SetToUserName(message.CDATA(m.OpenID))
	reply.SetFromUserName(message.CDATA(m.Account))
	reply.SetCreateTime(now.Unix())
	reply.SetMsgType(message.MsgTypeText)
	out, err := xml.Marshal(reply)
	if err != nil {
		return nil // only text fields: cannot happen
	}
	return out
}
