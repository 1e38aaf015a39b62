package simulator

import (
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

//go:embed static
var static embed.FS

// phonePages serves /sim/: the phone, its scripts, and the API beside it.
func (s *Simulator) phonePages() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	page := func(name, kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := fs.ReadFile(files, name)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(body) // a browser that leaves needs no page
		}
	}
	mux.Handle("GET /sim/{$}", http.RedirectHandler("/sim/phone", http.StatusFound))
	mux.HandleFunc("GET /sim/phone", page("phone.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /sim/bridge.js", page("bridge.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /sim/static/{name}", func(w http.ResponseWriter, r *http.Request) {
		kind := "text/javascript; charset=utf-8"
		if strings.HasSuffix(r.PathValue("name"), ".css") {
			kind = "text/css; charset=utf-8"
		}
		page(r.PathValue("name"), kind)(w, r)
	})
	mux.HandleFunc("GET /sim/avatar/{user}", s.avatar)
	s.apiRoutes(mux)
	return mux
}

// avatar is the user's emoji as a picture.
func (s *Simulator) avatar(w http.ResponseWriter, r *http.Request) {
	face := "🙂"
	s.mu.Lock()
	if u := s.users[r.PathValue("user")]; u != nil {
		face = u.Avatar
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "image/svg+xml")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#e9efec"/><text x="32" y="44" font-size="36" text-anchor="middle">%s</text></svg>`, html.EscapeString(face))
}

// scanned is what WeChat does with the text of a code.
type scanned struct {
	Kind      string `json:"kind"` // h5 | official | mini | text
	Path      string `json:"path,omitempty"`
	AppID     string `json:"app_id,omitempty"`
	Name      string `json:"name,omitempty"`
	Following bool   `json:"following,omitempty"`
	Page      string `json:"page,omitempty"`  // of a mini program, with its version unless released
	Scene     string `json:"scene,omitempty"` // what that page is told
	Text      string `json:"text"`
}

// resolve decides what a scan opens. Every web address opens in the phone's
// browser by its path: on this machine one siyu stands for all brand domains.
func (s *Simulator) resolve(user, text string) scanned {
	text = strings.TrimSpace(text)
	if q := s.sceneByURL(text); q != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.apps[q.appID]
		return scanned{Kind: "official", AppID: q.appID, Name: a.Name, Following: a.follows[user] != nil, Text: text}
	}
	if m, ok := readMiniTarget(text); ok {
		return s.resolveMini(m, text)
	}
	if corpID, ok := s.joinWayAt(text); ok {
		_, config, _ := strings.Cut(text, joinText(""))
		if _, err := s.ScanJoinWay(corpID, config, user); err != nil {
			return scanned{Kind: "text", Text: err.Error()}
		}
		return scanned{Kind: "text", Text: "已加入群聊"}
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" && (strings.EqualFold(u.Scheme, "http") || strings.EqualFold(u.Scheme, "https")) {
		if strings.EqualFold(u.Host, "weixin.qq.com") && strings.HasPrefix(u.Path, "/g/") {
			return scanned{Kind: "text", Text: "微信群二维码：在真的微信里，这里会打开加群页。"}
		}
		if strings.HasSuffix(strings.ToLower(u.Host), "weixin.qq.com") {
			return scanned{Kind: "text", Text: "二维码已过期"}
		}
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		return scanned{Kind: "h5", Path: path, Text: text}
	}
	if bareToken(text) {
		return scanned{Kind: "h5", Path: "/q/" + url.PathEscape(strings.TrimSpace(text)), Text: text}
	}
	return scanned{Kind: "text", Text: text}
}

// resolveMini: there is no mini program to run here, so the phone shows what it would
// have been told (WeChat opens it as scene 1047).
func (s *Simulator) resolveMini(m miniTarget, text string) scanned {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[m.AppID]
	if a == nil || a.Kind != "mini" {
		return scanned{Kind: "text", Text: "小程序码已失效"}
	}
	page := m.Page
	if page == "" {
		page = "首页"
	}
	switch m.Env {
	case "trial":
		page += "（体验版）"
	case "develop":
		page += "（开发版）"
	}
	return scanned{Kind: "mini", AppID: a.AppID, Name: a.Name, Page: page, Scene: m.Scene, Text: text}
}

// bareToken: somebody pasted the characters under the picture.
func bareToken(text string) bool {
	n := 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			n++
		case c == ' ', c == '-':
		default:
			return false
		}
	}
	return n == 16
}

// jsConfig checks a page's wx.config as WeChat does: SHA-1 over the ticket and
// the address without its fragment.
func (s *Simulator) jsConfig(appID, nonce, timestamp, signature, path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[appID]
	if a == nil {
		return "config:invalid appid"
	}
	if a.ticket == "" {
		return "config:invalid signature"
	}
	text := "jsapi_ticket=" + a.ticket + "&noncestr=" + nonce + "&timestamp=" + timestamp + "&url=" + s.opts.AppURL + path
	sum := sha1.Sum([]byte(text))
	if hex.EncodeToString(sum[:]) != signature {
		return "config:invalid signature"
	}
	return "config:ok"
}
