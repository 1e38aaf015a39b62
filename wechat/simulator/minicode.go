package simulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/jpeg"
	"net/http"
	"slices"
	"strings"

	goqr "github.com/skip2/go-qrcode"
)

// Mini-program codes (小程序码, getwxacodeunlimit). WeChat's are round and only WeChat
// reads them; here they are QR codes that hold who made them and what for, so that a
// code printed in one run opens in the next.
// https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode

const (
	miniCodeBase    = "https://mp.weixin.qq.com/a/~~" // [M] as the older square codes began
	miniCodesMinute = 5000
	miniSceneMax    = 32
	miniSceneMarks  = "!#$&'()*+,/:;=?@-._~"
)

// miniTarget is what a mini-program code opens.
type miniTarget struct {
	AppID string `json:"a"`
	Page  string `json:"p"`
	Scene string `json:"s"`
	Env   string `json:"e,omitempty"` // "" is the released version
}

func (m miniTarget) text() string {
	body, err := json.Marshal(m)
	if err != nil {
		panic("simulator: mini code: " + err.Error()) // three strings
	}
	return miniCodeBase + base64.RawURLEncoding.EncodeToString(body)
}

func readMiniTarget(text string) (m miniTarget, ok bool) {
	rest, ok := strings.CutPrefix(text, miniCodeBase)
	if !ok {
		return m, false
	}
	body, err := base64.RawURLEncoding.DecodeString(rest)
	return m, err == nil && json.Unmarshal(body, &m) == nil && m.AppID != ""
}

func miniScene(scene string) bool {
	if len(scene) < 1 || len(scene) > miniSceneMax {
		return false
	}
	return !strings.ContainsFunc(scene, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune(miniSceneMarks, r)
	})
}

// miniCode answers a JPEG, or JSON with an errcode in its place.
func (s *Simulator) miniCode(c *call) answer {
	in := struct {
		Scene     string `json:"scene"`
		Page      string `json:"page"`
		CheckPath *bool  `json:"check_path"`
		Env       string `json:"env_version"`
		Width     *int   `json:"width"`
	}{Env: "release"}
	if json.Unmarshal(c.body, &in) != nil {
		return s.apiError(47001, "data format error")
	}
	width := 430
	if in.Width != nil {
		width = *in.Width
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	checked := in.Env == "release" && (in.CheckPath == nil || *in.CheckPath)
	switch {
	case c.app.Kind != "mini":
		return s.apiError(48001, "api unauthorized")
	case !miniScene(in.Scene):
		return s.apiError(40129, "invalid scene")
	case !slices.Contains([]string{"release", "trial", "develop"}, in.Env) || width < 280 || width > 1280:
		return s.apiError(40097, "invalid args")
	case strings.HasPrefix(in.Page, "/") || strings.ContainsAny(in.Page, "?#"),
		checked && in.Page != "" && len(c.app.Pages) > 0 && !slices.Contains(c.app.Pages, in.Page):
		return s.apiError(41030, "invalid page")
	}
	if minute := s.now().UTC().Format("200601021504"); c.app.miniMinute != minute {
		c.app.miniMinute, c.app.miniCount = minute, 0
	}
	limit, known := c.app.quota[c.path+"/minute"] // no daily limit, but one a minute
	if !known {
		limit = miniCodesMinute
	}
	if c.app.miniCount++; c.app.miniCount > limit {
		return s.apiError(45009, "reach max api daily quota limit")
	}
	target := miniTarget{AppID: c.app.AppID, Page: in.Page, Scene: in.Scene}
	if in.Env != "release" {
		target.Env = in.Env
	}
	code, err := goqr.New(target.text(), goqr.Medium)
	if err != nil {
		return s.apiError(-1, "system error")
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, code.Image(width), &jpeg.Options{Quality: 90}); err != nil {
		return s.apiError(-1, "system error")
	}
	return answer{status: http.StatusOK, body: b.Bytes(), header: http.Header{"Content-Type": {"image/jpeg"}}}
}
