package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/campaign/turnout"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/commission"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/export"
	"siyu/model/extract"
	"siyu/model/find"
	"siyu/model/fraud"
	"siyu/model/goal"
	"siyu/model/health"
	"siyu/model/holdout"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/issuance"
	"siyu/model/leader"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/progress"
	"siyu/model/quiet"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
	"siyu/model/referral"
	"siyu/model/region"
	"siyu/model/replay"
	"siyu/model/reply"
	"siyu/model/rights"
	"siyu/model/scan"
	"siyu/model/seal"
	"siyu/model/segment"
	"siyu/model/tier"
	"siyu/model/wecom"
	"siyu/model/withdrawal"
)

const password = "夕阳下的 竹篮 7 号"

// site is the back office with its models on one database.
type site struct {
	*gin.Engine
	t    *testing.T
	h    *admin.Handler
	d    *db.DB
	clk  *clock.Fake
	deps admin.Deps
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake) *site {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	out, book := outbox.New(d), ledger.New(d)
	brands, products, codes := brand.New(d, box), product.New(d), code.New(d, box)
	packets, scans := redpacket.New(d, book, out), scan.New(d, consent.New(d))
	campaigns := campaign.New(d, box, book, brands)
	people := identity.New(d)
	members := member.New(d, people)
	accounts := points.NewAccounts(d, book, members)
	deps := admin.Deps{
		Clock: clk, Operators: operator.New(d, operator.Options{Box: box, Cost: operator.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}}),
		Audit: audit.New(d), Replay: replay.New(d), Brands: brands, Products: products, Codes: codes,
		Exports:   export.New(export.Deps{DB: d, Box: box, Codes: codes, Products: products, Brands: brands, Outbox: out, Data: t.TempDir()}),
		Campaigns: campaigns, Claims: claim.New(d, campaigns, packets, points.New(book), out, scans, products, brands, nil),
		Packets: packets, Ledger: book, Reconcile: reconcile.New(d, packets, out), Scans: scans, Replies: reply.New(d, scans, packets, products), Insight: insight.New(d),
		Points: accounts, Tiers: tier.New(d, members, accounts), Identities: people, Members: members, Phones: phone.New(d, box),
		APIKeys: apikey.New(d, box), Goals: goal.New(d), Turnout: turnout.New(d), Samples: blank{}, Sandbox: true,
		Progress: progress.New(d), Find: find.New(d, phone.New(d, box)), Outbox: out,
		Cookies: web.Cookies{Signer: web.NewSigner(box.Derive("cookies"), clk)}, Health: health.New(d, brands, brand.NewTokens(d, box)), Quiet: quiet.New(d), PublicURL: "http://siyu.test", PublicHost: "siyu.test", PerMinute: 60_000, // tests stand still in time
	}
	deps.Regions = region.New(d)
	deps.Issues = issuance.New(issuance.Deps{DB: d, Codes: codes, Exports: deps.Exports, Products: products, Brands: brands, Regions: deps.Regions})
	campaigns.UseLevels(deps.Tiers)
	deps.Events = event.New(d, out)
	deps.Profiles, deps.Imports = newProfiles(d, box, deps)
	deps.Referrals = referral.New(referral.Deps{DB: d, Box: box, Members: members, Events: deps.Events, Outbox: out})
	deps.Fraud = fraud.New(d, out, deps.Referrals, members)
	deps.Groups, deps.Posters = newGroups(d, box, members), newPosters(t, d)
	deps.Consents = consent.New(d)
	deps.Tags = newTags(d, deps)
	deps.Segments = segment.New(d)
	deps.Extracts = extract.New(extract.Deps{DB: d, Box: box, Phones: deps.Phones, Outbox: out, Segments: deps.Segments})
	deps.Rights = rights.New(rights.Deps{DB: d, Box: box, Outbox: out, Consents: deps.Consents, Members: members, Phones: deps.Phones,
		Erasers: map[string]rights.Eraser{"event": noRows{}, "profile": noRows{}, "crm": noRows{}, "tag": noRows{}, "segment": noRows{}}})
	deps.Leaders = leader.New(leader.Deps{DB: d, Phones: deps.Phones, Members: members, Consents: deps.Consents})
	deps.Commission = newCommission(d, deps)
	deps.Earnings = commission.NewAccounts(d, book)
	deps.Withdrawals = withdrawal.New(withdrawal.Deps{DB: d, Accounts: deps.Earnings, Packets: packets, Members: members, Brands: brands, Out: out, Suspicion: deps.Fraud})
	deps.Purchases = event.NewPurchases(deps.Events, consent.New(d), products)
	deps.Intake = event.NewIntake(event.IntakeDeps{Events: deps.Events, People: people, Members: deps.Members, Phones: deps.Phones, Keys: deps.APIKeys, Box: box})
	deps.Reach = newReach(d, deps)
	deps.Pushes = newPushes(d, box, out, deps)
	deps.Holdout, deps.Reports = holdout.New(d), holdout.NewReports(d, sent{d}, sent{d}, deps.Events)
	deps.WeCom = wecom.New(wecom.Deps{DB: d, Outbox: out, People: people, Members: members, Events: deps.Events})
	if err := codes.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, h: admin.New(deps), d: d, clk: clk, deps: deps}
	s.Engine, err = web.NewEngine(web.Options{Clock: clk, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.h.Mount(s)
	return s
}

// person is a browser with its cookie and CSRF token.
type person struct {
	s      *site
	cookie *http.Cookie
	csrf   string
}

type answer struct {
	Status int
	Header http.Header
	Raw    string
	Data   json.RawMessage
	Next   string
	Error  struct {
		Code, Message string
		Detail        map[string]any
	}
}

// into reads the data.
func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.Status >= 300 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if err := json.Unmarshal(a.Data, v); err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
}

func (p *person) do(method, path, body string, header ...string) answer {
	r := httptest.NewRequest(method, "http://siyu.test"+path, strings.NewReader(body))
	if !strings.HasPrefix(path, admin.Base) {
		r.URL.Path = admin.Base + r.URL.Path
	}
	if p.cookie != nil {
		r.AddCookie(p.cookie)
	}
	r.Header.Set("X-CSRF-Token", p.csrf)
	if strings.HasPrefix(body, "--"+boundary) {
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.s.ServeHTTP(w, r)
	raw, _ := io.ReadAll(w.Body)
	a := answer{Status: w.Code, Header: w.Header(), Raw: string(raw)}
	_ = json.Unmarshal(raw, &a) // files are not JSON
	if why := conforms(method, r.URL.Path, w, raw); why != "" {
		p.s.t.Errorf("%s %s is not as documented: %s\n%s", method, r.URL.Path, why, raw)
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge > 0 {
			p.cookie = c
		} else {
			p.cookie = nil
		}
	}
	return a
}

func (s *site) nobody() *person { return &person{s: s} }

// as makes an operator with these roles (none are allowed here) and logs him in.
func (s *site) as(t *testing.T, login string, roles ...string) *person {
	t.Helper()
	ctx, made := context.Background(), roles
	if len(roles) == 0 {
		made = []string{operator.Analyst}
	}
	o, err := s.deps.Operators.Create(ctx, operator.Draft{Login: login, Name: "某人", Password: password, Roles: made})
	if err != nil {
		t.Fatal(err)
	}
	if len(roles) == 0 {
		if err := s.d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE operator SET roles = '' WHERE id = ?", o.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
	}
	return s.login(t, login)
}

func (s *site) login(t *testing.T, login string) *person {
	t.Helper()
	p := s.nobody()
	var me struct{ CSRF string }
	p.do("POST", "/login", `{"login":"`+login+`","password":"`+password+`"}`).into(t, &me)
	p.csrf = me.CSRF
	return p
}
