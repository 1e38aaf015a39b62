package leader

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/invite"
	"siyu/model/leader"
	"siyu/model/member"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/poster"
	"siyu/model/profile"
	"siyu/model/referral"
	"siyu/model/replay"
	"siyu/model/scan"
	"siyu/model/withdrawal"
)

var ctx = context.Background()

const phoneDigits = "13812345678"

// site is the desk over real models: two leaders with people, groups and earnings, one
// that is suspended, and a member who is nothing of the kind.
type site struct {
	*claimtest.World
	t           *testing.T
	h           *Handler
	engine      http.Handler
	people      *identity.Store
	events      *event.Store
	profiles    *profile.Store
	referrals   *referral.Store
	leaders     *leader.Store
	groups      *group.Store
	pay         *commission.Store
	withdrawals *withdrawal.Store
	secrets     []string // what no answer may hold
	n           int

	anna, bert, carl, dora *visitor
	annas, berts           *visitor // whom they brought
	deep                   *visitor // whom annas brought
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake) *site {
	t.Helper()
	s := &site{World: claimtest.New(t, d, clk, claimtest.Setup{Codes: 100}), t: t, people: identity.New(d), secrets: []string{phoneDigits, "30.2741", "120.1551"}}
	members, consents := member.New(d, s.people), consent.New(d)
	s.Scans, s.events = scan.New(d, consents), event.New(d, s.Outbox)
	purse, book := points.New(s.Ledger), points.NewAccounts(d, s.Ledger, members)
	s.profiles = profile.New(profile.Deps{DB: d, Families: members, Consents: consents, Points: purse})
	s.referrals = referral.New(referral.Deps{DB: d, Box: s.Box, Members: members, Events: s.events, Outbox: s.Outbox})
	s.leaders = leader.New(leader.Deps{DB: d, Phones: phone.New(d, s.Box), Members: members, Consents: consents})
	s.leaders.UseParts(leader.Parts{People: func(ctx context.Context, brandID, memberID id.ID) (leader.People, error) {
		n, err := s.referrals.Team(ctx, brandID, memberID)
		return leader.People{Direct: n.Direct, Team: n.TeamSize, Active30: n.Active}, err
	}})
	s.groups = group.New(group.Deps{DB: d, Box: s.Box, Leaders: leads{s.leaders}, Referrals: nobodyKnown{}, People: crowd{members, s}})
	accounts := commission.NewAccounts(d, s.Ledger)
	s.pay = commission.New(commission.Deps{DB: d, Books: accounts, Purse: purse, Taker: book, Uplines: s.referrals, Leaders: s.leaders, Members: members, Codes: s.Codes, Shelf: s.Products, Events: s.events})
	s.withdrawals = withdrawal.New(withdrawal.Deps{DB: d, Accounts: accounts, Packets: s.Packets, Members: members, Brands: s.Brands, Out: s.Outbox})
	fonts, err := poster.FindFonts("")
	s.must(err)
	pages, err := web.NewPages(os.DirFS("../../app/h5"), "老井食品有限公司")
	s.must(err)
	sessions := &web.Sessions{Cookies: web.Cookies{Signer: web.NewSigner(s.Box.Derive("cookie"), clk)}, Members: members, Host: "siyu.test"}
	s.h, err = New(Deps{Clock: clk, Sessions: sessions, Pages: pages, Login: func(c *gin.Context) bool { c.Redirect(http.StatusFound, "/silent"); return true },
		Replays: replay.New(d), Brands: s.Brands, Members: members, Profiles: s.profiles, Scans: s.Scans, Leaders: s.leaders, Referrals: s.referrals, Groups: s.groups,
		Invites:    invite.New(invite.Deps{DB: d, Referrals: s.referrals, Leaders: s.leaders, Brands: s.Brands, Posters: poster.New(d, poster.NewRenderer(fonts)), PublicURL: "https://siyu.test"}),
		Commission: s.pay, Accounts: accounts, Withdrawals: s.withdrawals, PublicURL: "https://siyu.test"})
	s.must(err)
	e, err := web.NewEngine(web.Options{Clock: clk, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	s.must(err)
	s.h.Mount(e)
	s.engine = e
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// leads, nobodyKnown and crowd are what communities ask.
type leads struct{ *leader.Store }

func (l leads) Leader(ctx context.Context, leaderID id.ID) (group.Leader, error) {
	x, err := l.Get(ctx, leaderID)
	return group.Leader{ID: x.ID, BrandID: x.BrandID, MemberID: x.MemberID, Name: x.Name, Active: x.State == leader.Active}, err
}

func (l leads) Leaders(context.Context, id.ID, id.ID, int) ([]group.Leader, error) { return nil, nil }

func (l leads) CountLeaders(context.Context, id.ID) (int, bool, error) { return 0, false, nil }

func (l leads) ActiveAmong(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]bool, error) {
	list, err := l.Active(ctx, brandID, members)
	out := map[id.ID]bool{}
	for m := range list {
		out[m] = true
	}
	return out, err
}

type nobodyKnown struct{}

func (nobodyKnown) Circle(context.Context, id.ID, id.ID) (group.Circle, error) {
	return group.Circle{Direct: 1}, nil
}

func (nobodyKnown) Brought(context.Context, id.ID, id.ID, int) ([]group.Person, error) {
	return nil, nil
}

type crowd struct {
	members *member.Store
	s       *site
}

func (c crowd) Family(ctx context.Context, m id.ID) ([]id.ID, error) { return c.members.Family(ctx, m) }

func (c crowd) ActiveSince(ctx context.Context, m []id.ID, since clock.Instant) (int, error) {
	return c.s.events.ActiveSince(ctx, m, since)
}

func (c crowd) Cities(ctx context.Context, m []id.ID) (map[id.ID]string, error) {
	return c.s.Scans.Cities(ctx, m)
}

// visitor is one person with his session.
type visitor struct {
	s       *site
	member  id.ID
	session web.Session
	bearer  string
	leader  leader.Leader
}

// visitor logs a new human in; his ids become secrets.
func (s *site) visitor(nickname string) *visitor {
	s.t.Helper()
	s.n++
	openID, unionID := fmt.Sprintf("oSecretOpen%015d", s.n), fmt.Sprintf("uSecretUnion%014d", s.n)
	person, err := s.people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: openID, UnionID: unionID})
	s.must(err)
	m, err := s.h.Members.Of(ctx, person)
	s.must(err)
	v := &visitor{s: s, member: m.ID, session: web.NewSession(m.ID, claimtest.AppID, openID, web.H5)}
	v.bearer = s.h.Sessions.Bearer(v.session)
	s.secrets = append(s.secrets, openID, unionID, m.ID.String(), person.String())
	if nickname != "" {
		_, err = s.profiles.Put(ctx, profile.Answer{MemberID: m.ID, Source: profile.Self, Values: map[string]string{"nickname": nickname}})
		s.must(err)
	}
	return v
}

// cast fills the site.
func (s *site) cast() *site {
	s.t.Helper()
	_, err := s.leaders.Publish(ctx, s.Brand.ID, "群主应如实介绍商品，不得收取入门费，不得发展下线计酬。", 1)
	s.must(err)
	p, err := s.leaders.Programme(ctx, s.Brand.ID)
	s.must(err)
	p.Open, p.ReapplyDays = true, 30
	p.Questions = []leader.Question{{Key: leader.AskRegion, Title: "所在城市", Required: true}, {Key: leader.AskCommunity, Title: "介绍您的社群"}, {Key: leader.AskPhone, Title: "手机号"}}
	p.Levels = []leader.Level{{Name: "见习群主", Groups: 2, Templates: true}, {Name: "正式群主", Groups: 5, Templates: true, Conditions: []leader.Condition{{Metric: leader.Buyers, AtLeast: 2, Days: 30}}}}
	_, err = s.leaders.Save(ctx, p, 1)
	s.must(err)
	s.anna, s.bert, s.dora, s.carl = s.lead("安娜"), s.lead("伯特"), s.lead("朵拉"), s.visitor("卡尔")
	s.annas, s.berts, s.deep = s.visitor("林小姐"), s.visitor(phoneDigits), s.visitor("赵先生")
	r, err := s.pay.Create(ctx, s.Brand.ID, commission.Terms{Name: "扫码佣金", Trigger: commission.OnClaim, Pay: commission.Cash, Each: 500, Ceiling: 10_000,
		Roles: referral.Roles(), FreezeDays: 2, BudgetFen: 1_000_000}, 1)
	s.must(err)
	_, err = s.pay.Activate(ctx, r.ID, 1, 2)
	s.must(err)
	s.Clock.Advance(time.Second)
	s.bring(s.anna, s.annas, referral.Leader)
	s.bring(s.annas, s.deep, referral.Member)
	s.bring(s.bert, s.berts, referral.Leader)
	d := s.visitor("丁一")
	s.bring(s.dora, d, referral.Leader)
	for i, buyer := range []*visitor{s.annas, s.berts, s.deep, d} {
		s.buy(int64(i+1), buyer)
	}
	_, err = s.leaders.Suspend(ctx, leader.Decision{LeaderID: s.dora.leader.ID, By: 1, Reason: "群里刷屏"})
	s.must(err)
	return s
}

// lead makes an active leader.
func (s *site) lead(name string) *visitor {
	s.t.Helper()
	v := s.visitor("")
	l, err := s.leaders.Apply(ctx, leader.Application{BrandID: s.Brand.ID, MemberID: v.member, AgreedVersion: 1,
		Answers: leader.Answers{Name: name, Region: "杭州", Community: "小区群", Phone: phoneDigits[:10] + fmt.Sprint(s.n%10)}})
	s.must(err)
	v.leader, err = s.leaders.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "资料齐全"})
	s.must(err)
	return v
}

// bring binds a referee through the referrer's code.
func (s *site) bring(referrer, referee *visitor, role string) {
	s.t.Helper()
	c, err := s.referrals.CodeOf(ctx, s.Brand.ID, referrer.member, role)
	s.must(err)
	_, err = s.referrals.Bind(ctx, referral.Contact{BrandID: s.Brand.ID, Token: s.referrals.Token(c), MemberID: referee.member, Channel: referral.H5, At: s.Clock.Now(), Consented: true})
	s.must(err)
	s.Clock.Advance(time.Second)
}

// buy tells everybody that somebody claimed a bottle.
func (s *site) buy(serial int64, who *visitor) {
	s.t.Helper()
	ev := event.Event{ID: id.ID(900_000 + serial), Key: fmt.Sprintf("claim:%d", serial), Type: event.Claim, BrandID: s.Brand.ID, MemberID: who.member, Channel: event.Code, At: s.Clock.Now(),
		Body: event.Body(event.ClaimBody{ProductID: s.Product.ID, BatchID: s.Batch.ID, Serial: serial, CampaignID: s.Campaign.ID, Kind: "cash"})}
	for _, consume := range []event.Consumer{s.referrals.Consume, s.leaders.Consume, s.pay.Consume} {
		s.must(consume(ctx, []event.Event{ev}))
	}
	s.Clock.Advance(time.Second)
}

// settle lets the frozen days and the cycle pass.
func (s *site) settle() {
	s.t.Helper()
	s.Clock.Advance(4 * 24 * time.Hour)
	s.must(s.pay.Release(ctx))
	s.Clock.Advance(31 * 24 * time.Hour)
	s.must(s.pay.Close(ctx))
	for _, v := range []*visitor{s.anna, s.bert, s.carl, s.dora, s.annas} { // sessions last a week
		v.bearer = s.h.Sessions.Bearer(v.session)
	}
}

type answer struct {
	*httptest.ResponseRecorder
	path string
}

// send asks as somebody. Whatever the answer is, it holds no secret.
func (v *visitor) send(method, path, body string, header ...string) answer {
	v.s.t.Helper()
	r := httptest.NewRequest(method, "https://siyu.test"+path, strings.NewReader(body))
	r.Header.Set("User-Agent", "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50")
	if v.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	v.s.engine.ServeHTTP(w, r)
	v.s.clean(path, w)
	return answer{w, path}
}

// clean fails when an answer of the audience tells who somebody is.
func (s *site) clean(path string, w *httptest.ResponseRecorder) {
	s.t.Helper()
	if w.Header().Get("Content-Type") == "image/png" {
		return
	}
	for _, secret := range s.secrets {
		if strings.Contains(w.Body.String(), secret) || strings.Contains(w.Header().Get("Location"), secret) {
			s.t.Errorf("%s tells %q", path, secret)
		}
	}
	for _, word := range []string{"openid", "unionid", "member_id", "earner_id", "referee_id", "leader_member"} {
		if strings.Contains(strings.ToLower(w.Body.String()), word) {
			s.t.Errorf("%s has a field %q", path, word)
		}
	}
}

func (v *visitor) get(path string) answer { v.s.t.Helper(); return v.send("GET", path, "") }

// post fills in the form of a page.
func (v *visitor) post(page, path string, fields url.Values) answer {
	v.s.t.Helper()
	a := v.get(page)
	m := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindStringSubmatch(a.Body.String())
	if m == nil {
		v.s.t.Fatalf("%s has no form: %d %s", page, a.Code, a.Body)
	}
	if fields == nil {
		fields = url.Values{}
	}
	fields.Set("form_token", m[1])
	return v.send("POST", path, fields.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://siyu.test")
}

// api calls the mini program's side and reads the data.
func (v *visitor) api(method, path string, in any, header ...string) (int, map[string]any, string) {
	v.s.t.Helper()
	body := ""
	if in != nil {
		b, err := json.Marshal(in)
		v.s.must(err)
		body = string(b)
	}
	a := v.send(method, "/api/v1"+path, body, header...)
	var out struct {
		Data  any
		Error struct{ Code string }
	}
	if err := json.Unmarshal(a.Body.Bytes(), &out); err != nil {
		v.s.t.Fatalf("%s: %d %s: %v", path, a.Code, a.Body, err)
	}
	data, ok := out.Data.(map[string]any)
	if !ok {
		data = map[string]any{"list": out.Data}
	}
	return a.Code, data, out.Error.Code
}

func (a answer) says(t *testing.T, status int, texts ...string) answer {
	t.Helper()
	if a.Code != status {
		t.Errorf("%s: status %d, want %d: %.300s", a.path, a.Code, status, a.Header().Get("Location"))
	}
	plain := regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(a.Body.String(), "")
	for _, s := range texts {
		if !strings.Contains(plain, s) {
			t.Errorf("%s does not say %q:\n%s", a.path, s, regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(plain, ""))
		}
	}
	return a
}
