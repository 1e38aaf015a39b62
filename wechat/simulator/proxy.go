package simulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// The phone's in-app browser: whatever is neither a host nor /sim/ is fetched
// from siyu as WeChat on an iPhone would, with this user's own cookies and
// address. The desktop browser around it is only the glass.

const wechatAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003237) NetType/WIFI Language/zh_CN"

// browser is one user's WeChat browser.
type browser struct {
	jar *cookiejar.Jar
}

// cookieURL is siyu's address for the jar. It claims https because WeChat's
// browser would be on https and must keep Secure cookies.
func (s *Simulator) cookieURL(path string) *url.URL {
	return &url.URL{Scheme: "https", Host: s.app.Host, Path: path}
}

func (s *Simulator) browserOf(u *user) *browser {
	if u.browser == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			panic(err) // cookiejar.New has no failing case without options
		}
		u.browser = &browser{jar: jar}
	}
	return u.browser
}

// ForgetCookies is the user clearing the browser's storage.
func (s *Simulator) ForgetCookies(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		u.browser = nil
	}
}

func (s *Simulator) browse(w http.ResponseWriter, r *http.Request) {
	name, _ := s.currentUser(r)
	s.mu.Lock()
	u := s.users[name]
	var jar *cookiejar.Jar
	var ip string
	if u != nil {
		jar, ip = s.browserOf(u).jar, u.IP
	}
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/" && u == nil:
		http.Redirect(w, r, "/sim/phone", http.StatusFound)
		return
	case u == nil:
		wechatPage("请先在模拟手机上选择一个微信用户", "sim").write(w)
		return
	case s.app == nil:
		wechatPage("模拟器没有配置 AppURL", "sim").write(w)
		return
	}
	proxy := httputil.ReverseProxy{
		Transport: s.client.Transport,
		Rewrite:   func(p *httputil.ProxyRequest) { s.asWeChat(p, jar, ip) },
		ModifyResponse: func(res *http.Response) error {
			jar.SetCookies(s.cookieURL(res.Request.URL.Path), res.Cookies())
			return s.insidePhone(res)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.log.Info("phone browser", "error", err)
			a := wechatPage("网络不给力，请稍后再试", "siyu 没有应答")
			a.status = http.StatusBadGateway
			a.write(w)
		},
	}
	proxy.ServeHTTP(w, r)
}

// asWeChat dresses the request; nothing of the desktop browser goes through.
func (s *Simulator) asWeChat(p *httputil.ProxyRequest, jar *cookiejar.Jar, ip string) {
	p.SetURL(s.app)
	h := p.Out.Header
	for _, name := range []string{"Cookie", "Accept-Encoding", "X-Sim-User", "X-Sim-Consent", "Forwarded", "X-Real-Ip"} {
		h.Del(name) // without Accept-Encoding the page comes plain and can be given its bridge
	}
	for name := range h {
		if strings.HasPrefix(name, "Sec-Ch-") || strings.HasPrefix(name, "X-Forwarded-") {
			h.Del(name)
		}
	}
	for _, c := range jar.Cookies(s.cookieURL(p.Out.URL.Path)) {
		p.Out.AddCookie(c)
	}
	h.Set("User-Agent", wechatAgent)
	h.Set("Accept-Language", "zh-CN,zh-Hans;q=0.9")
	h.Set("X-Forwarded-For", ip)
	for _, name := range []string{"Origin", "Referer"} {
		if u, err := url.Parse(h.Get(name)); err == nil && u.Host != "" {
			u.Scheme, u.Host = s.app.Scheme, s.app.Host
			h.Set(name, u.String())
		}
	}
	if h.Get("Sec-Fetch-Dest") == "iframe" {
		h.Set("Sec-Fetch-Dest", "document")
	}
}

var (
	jweixin = regexp.MustCompile(`(?:https?:)?//res2?\.wx\.qq\.com/open/js/jweixin-[0-9.]+\.js`)
	nonceIn = regexp.MustCompile(`'nonce-([^']+)'`)
)

// insidePhone turns siyu's answer into one that stays on the phone.
func (s *Simulator) insidePhone(res *http.Response) error {
	h := res.Header
	for _, name := range []string{"Set-Cookie", "X-Frame-Options", "Strict-Transport-Security", "Cross-Origin-Opener-Policy"} {
		h.Del(name)
	}
	if at := h.Get("Location"); at != "" {
		h.Set("Location", s.onPhone(at))
	}
	nonce := ""
	if policy := h.Get("Content-Security-Policy"); policy != "" {
		policy, nonce = loosen(policy)
		h.Set("Content-Security-Policy", policy)
	}
	if kind, _, _ := strings.Cut(h.Get("Content-Type"), ";"); kind != "text/html" {
		return nil
	}
	const most = 4 << 20
	page, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return err
	}
	if len(page) > most {
		return errors.New("page larger than 4 MB")
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	page = s.giveBridge(page, nonce)
	res.Body = io.NopCloser(bytes.NewReader(page))
	res.ContentLength = int64(len(page))
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Del("Etag") // the page is not the one siyu named
	return nil
}

// onPhone makes an address of siyu or of the simulator relative, so that the
// phone stays on one origin; others are left alone.
func (s *Simulator) onPhone(at string) string {
	for _, base := range []string{s.opts.AppURL, s.opts.BaseURL} {
		if rest, ok := strings.CutPrefix(at, base); ok && base != "" && (rest == "" || strings.ContainsRune("/?#", rune(rest[0]))) {
			if rest == "" || rest[0] != '/' {
				rest = "/" + rest
			}
			return rest
		}
	}
	return at
}

// loosen drops what forbids the phone's frame and lets the bridge in: WeChat's
// webview is no frame, and its bridge is not subject to the page's policy.
func loosen(policy string) (loosened, nonce string) {
	var kept []string
	scripts := -1
	for _, d := range strings.Split(policy, ";") {
		d = strings.TrimSpace(d)
		name, _, _ := strings.Cut(d, " ")
		switch strings.ToLower(name) {
		case "", "frame-ancestors", "upgrade-insecure-requests":
			continue
		case "script-src":
			scripts = len(kept)
		case "default-src":
			if scripts < 0 {
				scripts = -2 // scripts fall back to it
			}
		}
		kept = append(kept, d)
	}
	switch {
	case scripts >= 0:
		if m := nonceIn.FindStringSubmatch(kept[scripts]); m != nil {
			nonce = m[1]
		}
		kept[scripts] = strings.ReplaceAll(kept[scripts], " 'none'", "")
		if !strings.Contains(kept[scripts], "'self'") {
			kept[scripts] += " 'self'"
		}
	case scripts == -2:
		kept = append(kept, "script-src 'self'")
	}
	return strings.Join(kept, "; "), nonce
}

// giveBridge puts the bridge before </head>, serves WeChat's own script from
// here, and turns absolute links to siyu into links on the phone.
func (s *Simulator) giveBridge(page []byte, nonce string) []byte {
	page = jweixin.ReplaceAll(page, []byte("/sim/bridge.js"))
	for _, attr := range []string{`href="`, `action="`, `src="`} {
		page = bytes.ReplaceAll(page, []byte(attr+s.opts.AppURL+"/"), []byte(attr+"/"))
	}
	tag := `<script src="/sim/bridge.js"></script>`
	if nonce != "" {
		tag = `<script nonce="` + nonce + `" src="/sim/bridge.js"></script>`
	}
	lower := bytes.ToLower(page)
	if at := bytes.Index(lower, []byte("</head>")); at >= 0 {
		return append(append(append([]byte{}, page[:at]...), tag...), page[at:]...)
	}
	return append([]byte(tag), page...)
}
