package wechat

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/silenceper/wechat/v2/miniprogram/qrcode"
)

// Limits of an unlimited mini-program code (小程序码):
// [D] developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode
const (
	maxMiniScene = 32
	minMiniWidth = 280 // pixels
	maxMiniWidth = 1280
	// sceneMarks are what a scene may hold besides letters and digits.
	sceneMarks = "!#$&'()*+,/:;=?@-._~"
)

// MiniCode asks for a mini-program code. Scene is what the page is told, 1 to 32
// characters of 0-9A-Za-z!#$&'()*+,/:;=?@-._~; Page is a path without a leading slash
// and without a query, "" for the home page.
type MiniCode struct {
	Scene      string
	Page       string
	EnvVersion string // "release" (default), "trial" or "develop"
	Width      int    // pixels, 280 to 1280; 0 for WeChat's 430
	Unchecked  bool   // the page need not be published yet
}

func (m MiniCode) check() error {
	switch {
	case len(m.Scene) < 1 || len(m.Scene) > maxMiniScene:
		return fmt.Errorf("wechat: wxacode: scene must have 1 to %d characters", maxMiniScene)
	case strings.ContainsFunc(m.Scene, func(r rune) bool { return !sceneRune(r) }):
		return fmt.Errorf("wechat: wxacode: scene has a character that WeChat does not take")
	case m.Width != 0 && (m.Width < minMiniWidth || m.Width > maxMiniWidth):
		return fmt.Errorf("wechat: wxacode: width must be %d to %d", minMiniWidth, maxMiniWidth)
	case strings.HasPrefix(m.Page, "/") || strings.ContainsAny(m.Page, "?#"):
		return fmt.Errorf("wechat: wxacode: page is a path without leading slash and query")
	case m.EnvVersion != "" && m.EnvVersion != "release" && m.EnvVersion != "trial" && m.EnvVersion != "develop":
		return fmt.Errorf("wechat: wxacode: env_version must be release, trial or develop")
	}
	return nil
}

func sceneRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune(sceneMarks, r)
}

// MiniCode makes a mini-program code and returns the picture, a JPEG or PNG. There is
// no limit on how many, but 5000 a minute (IsThrottled). Errcodes: 40129 scene, 41030
// page, 40097 arguments.
func (c *Client) MiniCode(ctx context.Context, app App, m MiniCode) (picture []byte, err error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if m.EnvVersion == "" {
		m.EnvVersion = "release"
	}
	published := !m.Unchecked // said in any case: WeChat's default is to check
	in := qrcode.QRCoder{Scene: m.Scene, Page: m.Page, CheckPath: &published, EnvVersion: m.EnvVersion, Width: m.Width}
	const path = "/wxa/getwxacodeunlimit"
	err = c.withToken(ctx, app, func(ctx context.Context, token string) error {
		raw, err := c.exchange(ctx, c.hosts.API, http.MethodPost, path, query("access_token", token), in)
		if err != nil {
			return err
		}
		// By what it is and not by what it is called: the header has been image/jpeg,
		// image/jpg and image/png, and an error is JSON whatever the header says.
		if bytes.HasPrefix(raw, []byte("\xff\xd8\xff")) || bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")) {
			picture = raw
			return nil
		}
		if err := verdictOf(strings.TrimPrefix(path, "/"), raw, []string{token, app.Secret}); err != nil {
			return err
		}
		return fmt.Errorf("wechat: wxacode: answer without a picture")
	})
	return picture, err
}
