package wechat

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
)

// Why a callback or a notice was refused. Compare with errors.Is.
var (
	ErrSignature = errors.New("wechat: signature does not match")
	ErrReplay    = errors.New("wechat: timestamp more than 5 minutes off")
	ErrPlaintext = errors.New("wechat: plaintext refused in safe mode")
	ErrTooLarge  = errors.New("wechat: body over the limit")
	ErrMalformed = errors.New("wechat: malformed")
)

// APIError is a non-zero errcode of a JSON call. Code is WeChat's number
// (developers.weixin.qq.com/doc/oplatform/Return_codes/Return_code_descriptions_new.html),
// Call the path without its query, Msg scrubbed.
type APIError struct {
	Code int
	Msg  string
	Call string
}

func (e *APIError) Error() string {
	return fmt.Sprintf("wechat: %s: errcode %d: %s", e.Call, e.Code, e.Msg)
}

// Codes this program decides on.
const (
	CodeBusy          = -1    // WeChat is busy: the same call again, later
	CodeBadSecretOrAK = 40001 // token superseded, or wrong secret
	CodeBadOpenID     = 40003
	CodeBadToken      = 40014
	CodeBadLoginCode  = 40029
	CodeUsedLoginCode = 40163
	CodeRiskyUser     = 40226 // mini program login: high-risk user blocked
	CodeTokenExpired  = 42001
	CodeNotFollowing  = 43004
	CodeRefused       = 43101 // no subscription left, or refused
	CodeDailyQuota    = 45009
	CodeMinuteQuota   = 45011
	CodeWindowClosed  = 45015 // customer service: 48 h over, or blocked
	CodeWindowUsedUp  = 45047 // customer service: count of the window used up
)

// Codes of WeCom (developer.work.weixin.qq.com/document/path/90313).
const (
	CodeBadParameter    = 40058
	CodeBadChat         = 40050 // no such chat
	CodeBadExternalUser = 40096 // no such external_userid
	CodeCorpDispatching = 41063 // a group send is being handed out: the same call again, later
	CodeCorpConcurrency = 45033 // too many calls at once
	CodeForbiddenAPI    = 48002
	CodeChatGone        = 49008 // the chat was dismissed
	CodeNoPrivilege     = 60011
	CodeBadIP           = 60020 // this server's address is not on the corp's list
	CodeNoUser          = 60111 // no such member of the staff
	CodeTooMany         = 81017 // more than 1000 owners and no filter
	CodeNoRelation      = 84061 // not a contact of anybody here (any more)
	CodeNoContactRight  = 84074 // the member has no customer-contact permission
)

// ErrCode returns the errcode in err's chain, or 0.
func ErrCode(err error) int {
	var e *APIError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// IsWindowClosed tells that the user must write or scan before a customer-service
// message can be sent again.
func IsWindowClosed(err error) bool {
	return ErrCode(err) == CodeWindowClosed || ErrCode(err) == CodeWindowUsedUp
}

// IsBlocked tells that this user cannot be reached on this channel: does not
// follow, blocked the account, refused, or has no grant left.
func IsBlocked(err error) bool {
	switch ErrCode(err) {
	case CodeBadOpenID, CodeNotFollowing, CodeRefused:
		return true
	}
	return false
}

// IsThrottled tells that the call may succeed later without any change.
func IsThrottled(err error) bool {
	switch ErrCode(err) {
	case CodeBusy, CodeDailyQuota, CodeMinuteQuota, CodeCorpConcurrency, CodeCorpDispatching:
		return true
	}
	return false
}

// IsBadLogin tells that a login code is wrong, used or too old: the user must log
// in again.
func IsBadLogin(err error) bool {
	return ErrCode(err) == CodeBadLoginCode || ErrCode(err) == CodeUsedLoginCode
}

// IsGone tells that what a WeCom call asked for does not exist any more: the chat was
// dismissed, or nobody here has this contact.
func IsGone(err error) bool {
	switch ErrCode(err) {
	case CodeBadChat, CodeChatGone, CodeBadExternalUser, CodeNoRelation:
		return true
	}
	return false
}

// DidNothing tells that a failed call surely changed nothing: WeChat said no, or was never
// reached. Whatever else went wrong may have happened all the same.
func DidNothing(err error) bool {
	var op *net.OpError
	code := ErrCode(err)
	return code != 0 && code != CodeBusy || errors.As(err, &op) && op.Op == "dial"
}

// IsDenied tells that the corp's settings forbid a call: nothing changes until somebody
// changes them.
func IsDenied(err error) bool {
	switch ErrCode(err) {
	case CodeBadSecretOrAK, CodeForbiddenAPI, CodeNoPrivilege, CodeBadIP, CodeNoContactRight:
		return true
	}
	return false
}

func badToken(err error) bool {
	switch ErrCode(err) {
	case CodeBadSecretOrAK, CodeBadToken, CodeTokenExpired:
		return true
	}
	return false
}

// openIDShape is how openids and unionids look, 28 or 29 characters from "o", and WeCom's
// external userids, 32 from "wm" or "wo".
var openIDShape = regexp.MustCompile(`\b(?:o[0-9A-Za-z_-]{26,28}|w[mo][0-9A-Za-z_-]{30})`)

// scrub removes what must not reach a log: the given secrets, anything shaped
// like a person's id, line breaks and excess length. WeChat echoes parameters in some
// messages.
func scrub(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	text = openIDShape.ReplaceAllString(text, "***")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return cutRunes(text, 200)
}

// cutRunes keeps the first n characters: limits in WeChat's documents count
// characters, and a cut inside one would make the text invalid.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
