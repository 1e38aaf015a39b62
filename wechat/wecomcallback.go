package wechat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/silenceper/wechat/v2/util"
)

// Events of WeCom and their kinds of change that mean something here
// ([D] path/92130 and path/92277).
const (
	CorpContactChanged = "change_external_contact"
	CorpChatChanged    = "change_external_chat"

	ContactAdded    = "add_external_contact"      // the staff's consent included
	ContactHalf     = "add_half_external_contact" // he asked; the staff has not accepted
	ContactEdited   = "edit_external_contact"     // remark or tags
	ContactDropped  = "del_external_contact"      // by the staff
	ContactLeft     = "del_follow_user"           // by himself
	ContactUnmoved  = "transfer_fail"
	ChatCreated     = "create"
	ChatUpdated     = "update"
	ChatDismissed   = "dismiss"
	ChatMemberCame  = "add_member"
	ChatMemberLeft  = "del_member"
	ChatOwnerMoved  = "change_owner"
	ChatRenamed     = "change_name"
	ChatNoticeMoved = "change_notice"
)

// CorpEvent is one verified push from WeCom. Which fields are set depends on the event.
type CorpEvent struct {
	CorpID     string
	Type       string // MsgType: event, or that of a message
	Event      string // CorpContactChanged, CorpChatChanged, or another
	ChangeType string
	CreateTime int64 // seconds, WeCom's clock

	UserID         string
	ExternalUserID string
	State          string // of the contact way
	WelcomeCode    string // good once, for 20 s
	Source         string // DELETE_BY_TRANSFER
	FailReason     string // of transfer_fail: customer_refused, customer_limit_exceed

	ChatID       string
	UpdateDetail string
	JoinScene    int
	QuitScene    int
	MemChangeCnt int
	MemChanges   []string // who came or left, userids and external ones
	LastMemVer   string
	CurMemVer    string

	Raw []byte // the plaintext XML
	// DedupKey is the same for every delivery of this push and differs between pushes;
	// 34 characters.
	DedupKey string
}

// VerifyCorpEcho answers WeCom's check of a callback address: it returns what to write
// back, the decrypted echostr. Errors: ErrSignature, ErrReplay, ErrMalformed, ErrTooLarge.
func VerifyCorpEcho(corp App, q url.Values, now time.Time) (echo string, err error) {
	plain, err := openCorp(corp, q, q.Get("echostr"), now)
	if err == nil && (len(plain) == 0 || len(plain) > 256) {
		err = fmt.Errorf("%w: echostr", ErrMalformed)
	}
	return string(plain), err
}

// OpenCorpEvent verifies and reads a push of WeCom. In this order: size, msg_signature
// over the cipher text (the library decrypts without it, platform facts B18), age, the
// corpid inside, XML without declarations. There is no plain mode.
//
// Errors: ErrTooLarge, ErrSignature, ErrReplay, ErrPlaintext, ErrMalformed.
func OpenCorpEvent(corp App, q url.Values, body []byte, now time.Time) (CorpEvent, error) {
	if len(body) > maxCallback {
		return CorpEvent{}, ErrTooLarge
	}
	outer, err := parseXML(bytes.TrimSpace(body))
	if err != nil {
		return CorpEvent{}, err
	}
	sealed := outer.get("Encrypt")
	if sealed == "" {
		return CorpEvent{}, ErrPlaintext
	}
	raw, err := openCorp(corp, q, sealed, now)
	if err != nil {
		return CorpEvent{}, err
	}
	f, err := parseXML(bytes.TrimSpace(raw))
	if err != nil {
		return CorpEvent{}, err
	}
	e := CorpEvent{CorpID: corp.AppID, Type: f.get("MsgType"), Event: f.get("Event"), ChangeType: f.get("ChangeType"),
		UserID: f.get("UserID"), ExternalUserID: f.get("ExternalUserID"), State: f.get("State"), WelcomeCode: f.get("WelcomeCode"),
		Source: f.get("Source"), FailReason: f.get("FailReason"), ChatID: f.get("ChatId"), UpdateDetail: f.get("UpdateDetail"),
		MemChanges: f["MemChangeList/Item"], LastMemVer: f.get("LastMemVer"), CurMemVer: f.get("CurMemVer"), Raw: bytes.Clone(raw)}
	if to := f.get("ToUserName"); to != corp.AppID {
		return CorpEvent{}, fmt.Errorf("%w: a push to another corp", ErrMalformed)
	}
	if e.CreateTime, err = strconv.ParseInt(f.get("CreateTime"), 10, 64); err != nil || e.Type == "" {
		return CorpEvent{}, fmt.Errorf("%w: a push needs type and time", ErrMalformed)
	}
	for _, n := range []struct {
		name string
		to   *int
	}{{"JoinScene", &e.JoinScene}, {"QuitScene", &e.QuitScene}, {"MemChangeCnt", &e.MemChangeCnt}} {
		if text := f.get(n.name); text != "" {
			if *n.to, err = strconv.Atoi(text); err != nil {
				return CorpEvent{}, fmt.Errorf("%w: %s", ErrMalformed, n.name)
			}
		}
	}
	e.DedupKey = corpDedupKey(corp.AppID, f)
	return e, nil
}

// openCorp checks signature and age of a query and opens what it covers.
func openCorp(corp App, q url.Values, sealed string, now time.Time) ([]byte, error) {
	if corp.Token == "" || corp.AESKey == "" {
		return nil, fmt.Errorf("%w: corp has no callback token", ErrSignature)
	}
	if len(sealed) > maxCallback {
		return nil, ErrTooLarge
	}
	timestamp := q.Get("timestamp")
	if !sameText(util.Signature(corp.Token, timestamp, q.Get("nonce"), sealed), q.Get("msg_signature")) {
		return nil, ErrSignature
	}
	if err := fresh(timestamp, now); err != nil {
		return nil, err
	}
	// DecryptMsg checks lengths, padding and the corpid inside, and recovers.
	_, plain, err := util.DecryptMsg(corp.AppID, sealed, corp.AESKey)
	if err != nil {
		return nil, fmt.Errorf("%w: cannot decrypt", ErrMalformed)
	}
	return plain, nil
}

// corpDedupKey is a hash of everything that a push says: WeCom sends the same text again
// (encrypted anew) when we are slow, and gives events no number.
func corpDedupKey(corpID string, f xmlFields) string {
	h := sha256.New()
	put := func(s string) { fmt.Fprintf(h, "%d:%s,", len(s), s) }
	put(corpID)
	paths := make([]string, 0, len(f))
	for path := range f {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		put(path)
		for _, v := range f[path] {
			put(v)
		}
	}
	return "w:" + hex.EncodeToString(h.Sum(nil)[:16])
}
