package simulator

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Login: H5 OAuth (authorize, access_token, refresh_token, userinfo, auth), the
// mini program's jscode2session, and the follower's profile.
// https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken

const codeLife = 5 * time.Minute

type loginCode struct {
	appID, user, scope string
	mini               bool
	until              time.Time
	used               bool
}

type snsToken struct {
	appID, user, scope string
	openID             string
	until              time.Time
	refresh            bool
}

// currentUser is whose phone this request comes from: the cookie of the phone
// page, or the header X-Sim-User of a test that is its own browser.
func (s *Simulator) currentUser(r *http.Request) (name string, phone bool) {
	if c, err := r.Cookie("sim_user"); err == nil {
		if name, err := url.QueryUnescape(c.Value); err == nil && name != "" {
			return name, true
		}
	}
	return r.Header.Get("X-Sim-User"), false
}

// authorize is silent for snsapi_base; snsapi_userinfo asks once per app.
func (s *Simulator) authorize(c *call) answer {
	q := c.query
	name, phone := s.currentUser(c.r)
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a := s.users[name], s.apps[q.Get("appid")]
	target, err := url.Parse(q.Get("redirect_uri"))
	scope, state := q.Get("scope"), q.Get("state")
	switch {
	case a == nil || a.Kind != "official":
		return wechatPage("appid 参数错误", "10013")
	case err != nil || target.Host == "" || a.OAuthDomain != "" && !strings.EqualFold(target.Host, a.OAuthDomain):
		return wechatPage("redirect_uri 参数错误", "10003")
	case q.Get("response_type") != "code":
		return wechatPage("response_type 参数错误", "10014")
	case scope != "snsapi_base" && scope != "snsapi_userinfo":
		return wechatPage("scope 参数错误", "10005")
	case len(state) > 128:
		return wechatPage("state 参数错误", "10015")
	case u == nil:
		return wechatPage("请先在模拟手机上选择一个微信用户", "sim")
	}
	if scope == "snsapi_userinfo" && !u.consents[a.AppID] {
		switch consent(c.r) {
		case "allow":
			u.consents[a.AppID] = true
		case "deny":
			return wechatPage("已拒绝授权", "") // WeChat closes the page: no redirect comes
		default:
			return consentPage(a, u, c.query)
		}
	}
	code := "0" + s.mint("code")[:31]
	s.codes[code] = &loginCode{appID: a.AppID, user: u.Name, scope: scope, until: s.now().Add(codeLife)}
	back := target.Query()
	back.Set("code", code)
	back.Set("state", state)
	target.RawQuery = back.Encode()
	if phone && s.app != nil && target.Host == s.app.Host {
		// Stay inside the phone's browser: an absolute address would leave the proxy.
		target.Scheme, target.Host = "", ""
	}
	return answer{status: http.StatusFound, header: http.Header{"Location": {target.String()}, "Cache-Control": {"no-store"}}}
}

func consent(r *http.Request) string {
	if v := r.URL.Query().Get("sim_consent"); v != "" {
		return v
	}
	return r.Header.Get("X-Sim-Consent")
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"><title>微信</title>
<style>body{margin:0;font:17px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;color:#1d2521;background:#fff;text-align:center;padding:18vh 28px 0}
.face{font-size:56px;line-height:72px}h1{font-size:20px;margin:16px 0 6px}p{color:#5d6963;margin:0 0 28px;font-size:15px}
a{display:block;max-width:260px;margin:12px auto;padding:12px;border-radius:10px;text-decoration:none;background:#eef1ef;color:#1d2521}a.go{background:#06893f;color:#fff}</style>
{{if .App}}<div class="face">{{.Face}}</div><h1>{{.App}} 申请使用</h1><p>你的微信昵称、头像（{{.User}}）</p>
<a class="go" href="?{{.Allow}}">允许</a><a href="?{{.Deny}}">拒绝</a>
{{else}}<div class="face">{{if .Code}}⚠️{{else}}✋{{end}}</div><h1>{{.Text}}</h1><p>{{if .Code}}错误码：{{.Code}}{{end}}</p>{{end}}</html>`))

type pageFields struct {
	Text, Code, App, User, Face string
	Allow, Deny                 string
}

func renderPage(f pageFields, code string) answer {
	var b strings.Builder
	if err := pageTemplate.Execute(&b, f); err != nil {
		panic("simulator: page: " + err.Error()) // fixed template, plain fields
	}
	return answer{status: http.StatusOK, body: []byte(b.String()), code: code, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}}}
}

func wechatPage(text, code string) answer {
	return renderPage(pageFields{Text: text, Code: code}, code)
}

func consentPage(a *app, u *user, q url.Values) answer {
	with := func(choice string) string {
		c := url.Values{}
		for k, v := range q {
			c[k] = v
		}
		c.Set("sim_consent", choice)
		return c.Encode()
	}
	return renderPage(pageFields{App: a.Name, User: u.Name, Face: u.Avatar, Allow: with("allow"), Deny: with("deny")}, "consent")
}

// LoginCode is what wx.login gives a mini program (five minutes, once), or for
// an official account a snsapi_base code without going through authorize.
func (s *Simulator) LoginCode(user, appID string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		return "", err
	}
	code := "0" + s.mint("code")[:31]
	s.codes[code] = &loginCode{appID: a.AppID, user: u.Name, scope: "snsapi_base", mini: a.Kind == "mini", until: s.now().Add(codeLife)}
	return code, nil
}

// redeem uses a code up; the caller holds the lock.
func (s *Simulator) redeem(code, appID string, mini bool) (*loginCode, answer, bool) {
	l := s.codes[code]
	switch {
	case code == "":
		return nil, s.apiError(41008, "missing code"), false
	case l == nil || l.appID != appID || l.mini != mini || !s.now().Before(l.until):
		return nil, s.apiError(40029, "invalid code"), false
	case l.used:
		return nil, s.apiError(40163, "code been used"), false
	}
	l.used = true
	return l, answer{}, true
}

func (s *Simulator) oauthToken(c *call) answer {
	q := c.query
	s.mu.Lock()
	defer s.mu.Unlock()
	a, fail, good := s.credential(q.Get("grant_type"), "authorization_code", q.Get("appid"), q.Get("secret"))
	if !good {
		return fail
	}
	l, fail, good := s.redeem(q.Get("code"), a.AppID, false)
	if !good {
		return fail
	}
	u := s.users[l.user]
	out := s.grantSNS(a, u, l.scope)
	if u.Snapshot {
		out["is_snapshotuser"] = 1
	}
	return jsonAnswer(http.StatusOK, out)
}

func (s *Simulator) grantSNS(a *app, u *user, scope string) object {
	id := openID(u.Name, a.AppID, u.Snapshot)
	access, refresh := "98_"+s.mint("sns"), "98_"+s.mint("refresh")
	now := s.now()
	s.snsTokens[access] = &snsToken{appID: a.AppID, user: u.Name, scope: scope, openID: id, until: now.Add(tokenLife)}
	s.snsTokens[refresh] = &snsToken{appID: a.AppID, user: u.Name, scope: scope, openID: id, until: now.Add(30 * 24 * time.Hour), refresh: true}
	out := object{"access_token": access, "expires_in": 7200, "refresh_token": refresh, "openid": id, "scope": scope}
	// The unionid comes with snsapi_userinfo only.
	if union := unionID(u, a); union != "" && scope == "snsapi_userinfo" && !u.Snapshot {
		out["unionid"] = union
	}
	return out
}

func (s *Simulator) oauthRefresh(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.snsTokens[c.query.Get("refresh_token")]
	if c.query.Get("grant_type") != "refresh_token" {
		return s.apiError(40002, "invalid grant_type")
	}
	if t == nil || !t.refresh || t.appID != c.query.Get("appid") || !s.now().Before(t.until) {
		return s.apiError(40030, "invalid refresh_token")
	}
	return jsonAnswer(http.StatusOK, s.grantSNS(s.apps[t.appID], s.users[t.user], t.scope))
}

// sns checks a user's own access token; the caller holds the lock.
func (s *Simulator) sns(c *call) (*snsToken, answer, bool) {
	t := s.snsTokens[c.query.Get("access_token")]
	switch {
	case c.query.Get("access_token") == "":
		return nil, s.apiError(41001, "access_token missing"), false
	case t == nil || t.refresh:
		return nil, s.apiError(40001, "invalid credential, access_token is invalid or not latest"), false
	case !s.now().Before(t.until):
		return nil, s.apiError(42001, "access_token expired"), false
	case t.openID != c.query.Get("openid"):
		return nil, s.apiError(40003, "invalid openid"), false
	}
	return t, answer{}, true
}

func (s *Simulator) oauthAuth(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, fail, good := s.sns(c); !good {
		return fail
	}
	return ok()
}

func (s *Simulator) userInfo(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, fail, good := s.sns(c)
	if !good {
		return fail
	}
	if t.scope != "snsapi_userinfo" {
		return s.apiError(48001, "api unauthorized")
	}
	u, a := s.users[t.user], s.apps[t.appID]
	// Since 2021 sex and place are always empty.
	out := object{"openid": t.openID, "nickname": u.Name, "sex": 0, "province": "", "city": "", "country": "",
		"headimgurl": s.opts.BaseURL + "/sim/avatar/" + url.PathEscape(u.Name), "privilege": []string{}}
	if union := unionID(u, a); union != "" && !u.Snapshot {
		out["unionid"] = union
	}
	return jsonAnswer(http.StatusOK, out)
}

func (s *Simulator) codeToSession(c *call) answer {
	q := c.query
	s.mu.Lock()
	defer s.mu.Unlock()
	a, fail, good := s.credential(q.Get("grant_type"), "authorization_code", q.Get("appid"), q.Get("secret"))
	if !good {
		return fail
	}
	l, fail, good := s.redeem(q.Get("js_code"), a.AppID, true)
	if !good {
		return fail
	}
	u := s.users[l.user]
	if c.bad("user_blocks") {
		return s.apiError(40226, "code blocked")
	}
	key := s.mint("session_key")[:16]
	out := object{"openid": openID(u.Name, a.AppID, false), "session_key": base64.StdEncoding.EncodeToString([]byte(key))}
	if union := unionID(u, a); union != "" {
		out["unionid"] = union
	}
	return jsonAnswer(http.StatusOK, out)
}

// followerInfo is /cgi-bin/user/info: little for somebody who does not follow.
func (s *Simulator) followerInfo(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, known := s.follower(c.app, c.query.Get("openid"))
	if !known {
		return s.apiError(40003, "invalid openid")
	}
	return jsonAnswer(http.StatusOK, out)
}

// followersInfo is /cgi-bin/user/info/batchget: one openid that is none fails all.
func (s *Simulator) followersInfo(c *call) answer {
	var in struct {
		List []struct {
			OpenID string `json:"openid"`
		} `json:"user_list"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	if len(in.List) == 0 || len(in.List) > 100 {
		return s.apiError(40032, "invalid openid list size") // [M]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []object{}
	for _, x := range in.List {
		out, known := s.follower(c.app, x.OpenID)
		if !known {
			return s.apiError(40003, "invalid openid")
		}
		list = append(list, out)
	}
	return jsonAnswer(http.StatusOK, object{"user_info_list": list})
}

// follower is what an account is told of a user; the caller holds the lock.
func (s *Simulator) follower(a *app, id string) (out object, known bool) {
	u, real := s.who(a.AppID, id)
	if u == nil || !real {
		return nil, false
	}
	out = object{"subscribe": 0, "openid": id}
	if union := unionID(u, a); union != "" {
		out["unionid"] = union
	}
	f := a.follows[u.Name]
	if f == nil {
		return out, true
	}
	out["subscribe"], out["language"], out["subscribe_time"] = 1, "zh_CN", f.at.Unix()
	out["remark"], out["groupid"], out["tagid_list"] = "", 0, []int{}
	out["subscribe_scene"], out["qr_scene"], out["qr_scene_str"] = "ADD_SCENE_SEARCH", 0, ""
	if f.scene != "" {
		out["subscribe_scene"], out["qr_scene_str"] = "ADD_SCENE_QR_CODE", f.scene
	}
	return out, true
}
