package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/invite"
	"siyu/model/member"
	book "siyu/model/phone"
	"siyu/model/points"
	"siyu/model/replay"
	"siyu/model/rights"
	"siyu/model/scan"
	"siyu/model/tier"
	"siyu/wechat"
)

const (
	wechatUA  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50(0x1800322f) NetType/WIFI Language/zh_CN"
	desktopUA = "Mozilla/5.0 (Windows NT 10.0) WindowsWechat MicroMessenger/7.0"
	cameraUA  = "Mozilla/5.0 (Linux; Android 14) Chrome/120 Mobile Safari/537.36"
	miniID    = "wxmini0000000000001"
)

// fakeWeChat logs everybody in whose code it can read: the code is the openid.
type fakeWeChat struct {
	down     bool
	snapshot bool
	asked    int // telephone numbers
}

func (f *fakeWeChat) AuthorizeURL(app wechat.App, redirectURI, state string, userinfo bool) string {
	scope := "snsapi_base"
	if userinfo {
		scope = "snsapi_userinfo"
	}
	return "https://open.test/authorize?" + url.Values{"appid": {app.AppID}, "redirect_uri": {redirectURI}, "state": {state}, "scope": {scope}}.Encode()
}

func (f *fakeWeChat) OAuthLogin(_ context.Context, app wechat.App, code string) (wechat.Login, error) {
	if f.down || app.Secret == "" {
		return wechat.Login{}, errors.New("wechat is down")
	}
	return wechat.Login{OpenID: "oa_" + code, Snapshot: f.snapshot}, nil
}

func (f *fakeWeChat) MiniLogin(_ context.Context, app wechat.App, code string) (wechat.Login, error) {
	if f.down {
		return wechat.Login{}, errors.New("wechat is down")
	}
	return wechat.Login{OpenID: "mini_" + code, UnionID: "union_" + code, SessionKey: "k"}, nil
}

func (f *fakeWeChat) Follower(_ context.Context, _ wechat.App, openID string) (wechat.Follower, error) {
	return wechat.Follower{OpenID: openID, UnionID: "union_" + strings.TrimPrefix(openID, "oa_")}, nil
}

func (f *fakeWeChat) JSConfig(_ context.Context, app wechat.App, pageURL string) (wechat.JSConfig, error) {
	return wechat.JSConfig{AppID: app.AppID, Nonce: "n", Signature: "sig of " + pageURL, Timestamp: 1}, nil
}

// PhoneNumber knows one number: the code is its last digits.
func (f *fakeWeChat) PhoneNumber(_ context.Context, _ wechat.App, code string) (wechat.PhoneNumber, error) {
	if f.down || len(code) != 8 {
		return wechat.PhoneNumber{}, &wechat.APIError{Code: wechat.CodeBadLoginCode}
	}
	f.asked++
	return wechat.PhoneNumber{Full: "139" + code, Pure: "139" + code, Country: "86"}, nil
}

// noRows erases for contexts that this site has none of.
type noRows struct{}

func (noRows) EraseTx(context.Context, *gorm.DB, []id.ID) (int64, error) { return 0, nil }

// site is a whole consumer side over a claimtest world, with real members.
type site struct {
	*claimtest.World
	t       *testing.T
	h       *Handler
	engine  http.Handler
	wechat  *fakeWeChat
	members *member.Store
	scans   *scan.Store
	phones  *book.Book
	rights  *rights.Store

	accounts *points.Accounts
	tiers    *tier.Store
	invites  *invite.Store
	held     map[string]id.ID // device -> who was seen with it
	people   *identity.Store
	told     told
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake, set claimtest.Setup) *site {
	t.Helper()
	s := &site{World: claimtest.New(t, d, clk, set), t: t, wechat: &fakeWeChat{}}
	people, consents := identity.New(d), consent.New(d)
	s.people, s.told = people, told{}
	s.members, s.scans = member.New(d, people), scan.New(d, consents)
	consents.OnWithdraw(consent.ExactPlace, s.scans.ForgetExactPlacesTx)
	s.phones = book.New(d, s.Box)
	nobody := noRows{}
	s.rights = rights.New(rights.Deps{DB: d, Box: s.Box, Outbox: s.Outbox, Consents: consents, Members: s.members, Phones: s.phones, Company: "老井食品",
		Erasers: map[string]rights.Eraser{"event": nobody, "profile": nobody, "crm": nobody, "push": nobody, "tag": nobody, "segment": nobody}})
	s.accounts = points.NewAccounts(d, s.Ledger, s.members)
	s.tiers = tier.New(d, s.members, s.accounts)
	s.Claims = claim.New(d, s.Campaigns, s.Packets, s.Points, s.Outbox, s.scans, s.Products, s.Brands, s.members)
	s.Campaigns.UseLevels(s.tiers)
	s.Claims.UseLevels(s.tiers)
	if _, err := s.Brands.SaveAccount(context.Background(), brand.Account{BrandID: s.Brand.ID, Kind: brand.Mini, AppID: miniID, Name: "老井小程序", CallbackSlug: "mini-main"},
		brand.Secrets{AppSecret: "secret", Token: "token"}); err != nil {
		t.Fatal(err)
	}
	s.invites = newInvites(s)
	places, err := scan.ReadNetworks(strings.NewReader("31.0.0.0/8,上海市,上海,31.2304,121.4737\n39.0.0.0/8,北京市,北京,39.9042,116.4074\n"))
	if err != nil {
		t.Fatal(err)
	}
	cookies := web.Cookies{Signer: web.NewSigner(s.Box.Derive("cookie"), clk), Secure: true}
	pages, err := web.NewPages(os.DirFS("../../app/h5"), "老井食品有限公司")
	if err != nil {
		t.Fatal(err)
	}
	s.h, err = New(Deps{Clock: clk, Codes: s.Codes, Products: s.Products, Brands: s.Brands, Campaigns: s.Campaigns, Claims: s.Claims, Packets: s.Packets,
		Points: s.accounts, Tiers: s.tiers, Profiles: newProfiles(s, consents), Identities: people, Members: s.members, Consents: consents, Scans: s.scans, Groups: newGroups(d, s.Box, s.members, s.Brand.ID), Replays: replay.New(d), WeChat: s.wechat, Numbers: s.wechat, Phones: s.phones, Rights: s.rights, Places: places, Invites: s.invites, HeldBy: s.heldBy, Wishes: newWishes(s), Told: s.told,
		Sessions: &web.Sessions{Cookies: cookies, Members: s.members, Host: "public.test"}, Pages: pages,
		PublicURL: "https://public.test", Company: "老井食品有限公司"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := web.NewEngine(web.Options{Clock: clk, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), HTTPS: true, NotFound: s.h.NotFound,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	web.Mount(e, s.h.Routes(), nil)
	s.engine = e
	return s
}

func (s *site) token(serial int64) string {
	s.t.Helper()
	tok, err := s.Codes.TokenOf(s.Batch.ID, serial)
	if err != nil {
		s.t.Fatal(err)
	}
	return tok
}

func (s *site) count(table string) (n int64) {
	s.t.Helper()
	if err := s.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

// phone is one person's browser: cookies, address, user agent.
type phone struct {
	*site
	who, ip, ua, host string
	cookies           map[string]string
	deaf              bool // keeps no cookies
}

func (s *site) phone(who string) *phone {
	return &phone{site: s, who: who, ip: "31.0.0.1", ua: wechatUA, host: "q.example.cn", cookies: map[string]string{}}
}

type answer struct {
	*httptest.ResponseRecorder
	path string // where the browser ended
}

func (p *phone) send(method, path, body string, header ...string) answer {
	r := httptest.NewRequest(method, "https://"+p.host+path, strings.NewReader(body))
	r.Header.Set("User-Agent", p.ua)
	r.Header.Set("X-Forwarded-For", p.ip) // httptest's peer 192.0.2.1 is the trusted proxy
	for k, v := range p.cookies {
		r.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.engine.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if p.deaf {
			continue
		}
		if c.MaxAge < 0 {
			delete(p.cookies, c.Name)
		} else {
			p.cookies[c.Name] = c.Value
		}
	}
	return answer{w, path}
}

// get follows redirects as WeChat's browser does, through WeChat's login page too.
func (p *phone) get(path string) answer {
	p.t.Helper()
	for range 8 {
		a := p.send("GET", path, "")
		if a.Code != http.StatusFound && a.Code != http.StatusSeeOther {
			return a
		}
		path = p.next(a)
	}
	p.t.Fatalf("redirected for ever at %s", path)
	return answer{}
}

func (p *phone) next(a answer) string {
	p.t.Helper()
	to, err := url.Parse(a.Header().Get("Location"))
	if err != nil {
		p.t.Fatal(err)
	}
	if to.Host != "open.test" {
		return to.RequestURI()
	}
	back, err := url.Parse(to.Query().Get("redirect_uri"))
	if err != nil || back.Host != p.host && back.Host != "public.test" {
		p.t.Fatalf("WeChat is asked to go back to %v (%v)", back, err)
	}
	return back.Path + "?" + url.Values{"code": {p.who}, "state": {to.Query().Get("state")}}.Encode()
}

var tokenField = regexp.MustCompile(`name="form_token" value="([^"]+)"`)

// post fills in the form of a page and sends it.
func (p *phone) post(page answer, path string, fields url.Values, header ...string) answer {
	p.t.Helper()
	m := tokenField.FindStringSubmatch(page.Body.String())
	if m == nil {
		p.t.Fatalf("the page has no form: %d %s", page.Code, page.Body)
	}
	if fields == nil {
		fields = url.Values{}
	}
	if !fields.Has("form_token") {
		fields.Set("form_token", m[1])
	}
	return p.send("POST", path, fields.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Origin", "https://" + p.host}, header...)...)
}

// claim scans and taps; it returns where the browser was sent.
func (p *phone) claim(serial int64) answer {
	p.t.Helper()
	page := p.get("/q/" + p.token(serial))
	return p.post(page, "/q/"+p.token(serial)+"/claim", nil)
}

// api calls the mini program's API and returns status, data and the fault's code.
func (p *phone) api(method, path, bearer string, in any, header ...string) (int, map[string]any, string) {
	p.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		p.t.Fatal(err)
	}
	if bearer != "" {
		header = append(header, "Authorization", "Bearer "+bearer)
	}
	a := p.send(method, path, string(b), header...)
	var out struct {
		Data  any
		Error struct{ Code string }
	}
	if err := json.Unmarshal(a.Body.Bytes(), &out); err != nil {
		p.t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	data, ok := out.Data.(map[string]any)
	if !ok {
		data = map[string]any{"list": out.Data}
	}
	return a.Code, data, out.Error.Code
}

func (p *phone) miniLogin() string {
	p.t.Helper()
	status, data, code := p.api("POST", "/api/v1/login", "", map[string]string{"app_id": miniID, "code": p.who})
	if status != 200 {
		p.t.Fatal(status, code)
	}
	return data["token"].(string)
}

func (s *site) memberOf(openID string) id.ID {
	s.t.Helper()
	var out id.ID
	err := s.DB.Read(context.Background()).Raw(`SELECT m.id FROM member m JOIN identity_key k ON k.person_id = m.person_id WHERE k.value = ?`, openID).Scan(&out).Error
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// says fails the test unless the page contains every text.
func (a answer) says(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.Code != status {
		t.Errorf("status %d, want %d", a.Code, status)
	}
	for _, s := range texts {
		if !strings.Contains(words(a), s) {
			t.Errorf("the page at %s does not say %q:\n%s", a.path, s, bare(a.Body.String()))
		}
	}
}

func (a answer) saysNot(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(a.Body.String(), s) {
			t.Errorf("the page at %s says %q", a.path, s)
		}
	}
}

var (
	style  = regexp.MustCompile(`(?s)<style>.*?</style>`)
	blanks = regexp.MustCompile(`\n\s*\n+`)
)

var together = regexp.MustCompile(`<a class="nb"[^>]*>([^<]*)</a>|</?span[^>]*>`)

// words is the page without the marks that keep clauses and moments in one piece.
func words(a answer) string { return together.ReplaceAllString(a.Body.String(), "$1") }

func bare(page string) string { return blanks.ReplaceAllString(style.ReplaceAllString(page, ""), "\n") }
