package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The mini program's getPhoneNumber button (手机号快速验证): the phone gives a code, the
// server exchanges it once within five minutes.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html

type numberCode struct {
	appID, number string
	until         time.Time
}

var (
	errNotMini  = errors.New("只有小程序能这样做")
	errNoNumber = errors.New("手机号应为 11 位数字，或以 + 和国家代码开头")
)

// PhoneNumber is the number a user has at WeChat: made from the name, so that it is the
// same in every run, unless SetPhoneNumber gave another.
func (s *Simulator) PhoneNumber(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.numberOf(user)
}

func (s *Simulator) numberOf(user string) string {
	if n := s.numbers[user]; n != "" {
		return n
	}
	return "199" + digits("phone/"+user, 8)
}

// SetPhoneNumber changes a user's number, which two users may share: a family's phone.
func (s *Simulator) SetPhoneNumber(user, number string) error {
	bare := strings.TrimPrefix(number, "+")
	if len(bare) < 8 || len(bare) > 15 || strings.Trim(bare, "0123456789") != "" {
		return errNoNumber
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[user] == nil {
		return errNoUser
	}
	s.numbers[user] = number
	return nil
}

// NumberCode is what the button gives the mini program after the user has agreed.
func (s *Simulator) NumberCode(user, appID string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		return "", err
	}
	if a.Kind != "mini" {
		return "", errNotMini
	}
	code := s.mint("number")[:32]
	s.numberCodes[code] = numberCode{appID: a.AppID, number: s.numberOf(u.Name), until: s.now().Add(codeLife)}
	return code, nil
}

// userNumber is getuserphonenumber. A code that was used is as bad as one that never was.
func (s *Simulator) userNumber(c *call) answer {
	var in struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, there := s.numberCodes[in.Code]
	if c.app.Kind != "mini" {
		return s.apiError(40013, "invalid appid")
	}
	if !there || n.appID != c.app.AppID || !s.now().Before(n.until) {
		return s.apiError(40029, "invalid code")
	}
	delete(s.numberCodes, in.Code)
	country, pure := "86", n.number
	if foreign, ok := strings.CutPrefix(n.number, "+"); ok {
		country, pure = splitCountry(foreign)
	}
	return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok", "phone_info": object{
		"phoneNumber": n.number, "purePhoneNumber": pure, "countryCode": country,
		"watermark": object{"timestamp": s.now().Unix(), "appid": c.app.AppID}}})
}

// splitCountry knows the country codes that tests use.
func splitCountry(number string) (country, rest string) {
	for _, c := range []string{"852", "853", "886", "86", "1"} {
		if rest, ok := strings.CutPrefix(number, c); ok {
			return c, rest
		}
	}
	return number[:2], number[2:]
}
