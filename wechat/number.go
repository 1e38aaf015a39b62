package wechat

import (
	"context"
	"fmt"
)

// PhoneNumber is a telephone number that WeChat has verified (手机号快速验证).
type PhoneNumber struct {
	Full    string // with the country for a foreign number, as WeChat writes it
	Pure    string // without the country
	Country string // "86"
}

// PhoneNumber exchanges the code of a mini program's getPhoneNumber button. A code works
// once, for 5 minutes, and every success costs 0.03 yuan: IsBadLogin tells to ask the
// user for another tap. The number is refused unless it was made for this very app.
// Source: developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
func (c *Client) PhoneNumber(ctx context.Context, app App, code string) (PhoneNumber, error) {
	const path = "/wxa/business/getuserphonenumber"
	if !codeShape.MatchString(code) {
		return PhoneNumber{}, badCode(path)
	}
	var out struct {
		Info struct {
			Full      string `json:"phoneNumber"`
			Pure      string `json:"purePhoneNumber"`
			Country   string `json:"countryCode"`
			Watermark struct {
				AppID string `json:"appid"`
			} `json:"watermark"`
		} `json:"phone_info"`
	}
	err := c.withToken(ctx, app, func(ctx context.Context, token string) error {
		// The code is a secret too: who has it learns a number.
		return c.post(ctx, path, query("access_token", token), map[string]string{"code": code}, &out, token, app.Secret, code)
	})
	if err != nil {
		return PhoneNumber{}, err
	}
	if out.Info.Pure == "" || out.Info.Watermark.AppID != app.AppID {
		return PhoneNumber{}, fmt.Errorf("wechat: getuserphonenumber: answer without a number of this app")
	}
	return PhoneNumber{Full: out.Info.Full, Pure: out.Info.Pure, Country: out.Info.Country}, nil
}
