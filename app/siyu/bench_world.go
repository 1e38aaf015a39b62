package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"siyu/config"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbbench"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/money"
	"siyu/model/product"
	"siyu/wechat/simulator"
)

// benchWorld is the whole program running on this machine, with one brand, one batch
// whose every code wins a packet of one yuan, and members who are logged in. The
// simulator is WeChat; WeChat's own limits are off.
type benchWorld struct {
	*process
	options  worldOptions
	goods    *demoGoods
	campaign campaign.Campaign
	members  []benchMember
	serial   atomic.Int64 // the last code that was handed out
}

// worldOptions say what to build.
type worldOptions struct {
	benchOptions
	redis   string // host:port; empty: inside the program
	redisDB int
	work    bool // workers run as well
	codes   int64
	members int
	rail    string
	payApp  string // the app whose openids get the money
}

// flags are the options that every world has.
func (o *worldOptions) flags(f *flag.FlagSet) { o.benchOptions.flags(f, db.SQLite) }

// benchMember is a person with everything a request of his carries.
type benchMember struct {
	user, ip string
	who      claim.Who
	bearer   string // of the mini program
	cookie   string // of the pages
}

// prizeFen is what every code wins, as in the claim that is compared with ours.
const prizeFen = dbbench.AmountFen

// errBenchOver ends the program when the measurement is done.
var errBenchOver = errors.New("bench: over")

// inWorld starts everything, runs use, and removes everything.
func inWorld(ctx context.Context, o worldOptions, use func(ctx context.Context, w *benchWorld) error) error {
	return o.inDir(ctx, func(b benchDB, dir string) error {
		env := map[string]string{"SIYU_ENV": config.Demo, "SIYU_ADDR": "127.0.0.1:0", "SIYU_SIM_ADDR": "127.0.0.1:0", "SIYU_DATA": filepath.Join(dir, "data")}
		cfg, err := config.Load(func(name string) string { return env[name] })
		if err != nil {
			return err
		}
		cfg.DB.Driver, cfg.DB.DSN = b.driver, config.Secret(b.dsn)
		cfg.Redis.Addr, cfg.Redis.DB = o.redis, o.redisDB
		cfg.Pay.RedpackPerSecond, cfg.Pay.TransferPerSecond, cfg.Pay.UserPacketsPerDay, cfg.Pay.UserFenPerDay = 0, 0, 0, 0

		w := &benchWorld{options: o, goods: &demoGoods{gtin: "06901234567892", name: "bench", rail: o.rail, mchID: demoTransfer, codes: o.codes}}
		// Every line is written as in production, to nowhere.
		w.process = &process{cfg: cfg, out: io.Discard, log: slog.New(slog.NewTextHandler(io.Discard, nil)), parts: parts{web: true, work: o.work}, seed: w.stock}
		var found error
		w.opened = func(*process) error {
			if found = w.enrol(ctx); found == nil {
				found = profiled(o.profile, func() error { return use(ctx, w) })
			}
			return errBenchOver
		}
		if err := w.run(ctx); !errors.Is(err, errBenchOver) {
			return err
		}
		return found
	})
}

// stock makes the brand with its accounts, the batch and the campaign.
func (w *benchWorld) stock(ctx context.Context, p *process) error {
	e, g := p.env, w.goods
	d := &demoWorld{shelf: []*demoGoods{g}}
	var err error
	if d.brand, err = e.Brands.Create(ctx, brand.Brand{Slug: demoSlug, Name: "bench", CodeHost: p.cfg.Addr, UpperURL: true}); err != nil {
		return err
	}
	if err := d.accounts(ctx, p); err != nil {
		return err
	}
	pay, err := w.merchant(ctx, p)
	if err != nil {
		return err
	}
	prod, err := e.Products.Create(ctx, product.Product{BrandID: d.brand.ID, GTIN: g.gtin, Name: g.name})
	if err != nil {
		return err
	}
	if g.batch, err = e.Codes.CreateBatch(ctx, code.Batch{BrandID: d.brand.ID, ProductID: prod.ID, Count: g.codes, Name: "bench"}); err != nil {
		return err
	}
	if _, err := e.Codes.SetRange(ctx, code.Range{BatchID: g.batch.ID, From: 1, Until: g.codes + 1, State: code.Activated}); err != nil {
		return err
	}
	w.campaign, err = e.Campaigns.Create(ctx, campaign.Form{BrandID: d.brand.ID, Name: "bench", FromAt: e.Clock.Now().Add(-time.Minute), UntilAt: e.Clock.Now().Add(24 * time.Hour),
		Organiser: "bench", Wishing: "恭喜发财", Rules: "每码一次", AccountID: pay.ID, Scopes: []campaign.Scope{{BatchID: g.batch.ID}},
		Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: g.codes, MinFen: prizeFen, MaxFen: prizeFen, TotalFen: money.Fen(prizeFen * g.codes)}}})
	if err != nil {
		return err
	}
	if _, err := e.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: d.brand.ID, ApprovalFen: money.Max, ApprovalPoints: campaign.MaxApprovalPoints}); err != nil { // nobody is here to approve
		return err
	}
	plan, err := e.Campaigns.Preview(ctx, w.campaign.ID)
	if err != nil {
		return err
	}
	w.campaign, err = e.Campaigns.Publish(ctx, w.campaign.ID, plan.SpendFen)
	return err
}

// merchant binds the merchant to the app whose openids get the money, takes the
// simulator's limits away and fills its account.
func (w *benchWorld) merchant(ctx context.Context, p *process) (brand.Account, error) {
	e := p.env
	pay, err := e.Brands.AccountByApp(ctx, brand.Merchant, w.goods.mchID)
	if err != nil {
		return pay, err
	}
	secrets, err := e.Brands.Secrets(ctx, pay)
	if err != nil {
		return pay, err
	}
	pay.Settings.PayAppID = w.options.payApp
	if pay, err = e.Brands.SaveAccount(ctx, pay, secrets); err != nil {
		return pay, err
	}
	public, err := publicOf(secrets.PrivateKeyPEM)
	p.sim.AddMerchant(simulator.Merchant{MchID: w.goods.mchID, Name: "bench", APIKeyV2: secrets.APIKeyV2, APIv3Key: secrets.APIv3Key, SerialNo: demoSerial,
		PublicKeyPEM: public, AppIDs: []string{demoOfficial, demoMini}, BalanceFen: prizeFen * w.options.codes,
		Limits: simulator.Limits{UserDayCount: -1, UserDayFen: -1, MerchantDayFen: -1}})
	return pay, err
}

// enrol makes the members by logging them in, as their phones would: in the mini
// program and on the pages. WeChat's unionid makes one person of both.
func (w *benchWorld) enrol(ctx context.Context) error {
	visitor := dialBench(w.cfg.Addr)
	defer visitor.close()
	var err error
	for i := range w.options.members {
		m := benchMember{user: fmt.Sprintf("用户%d", i), ip: benchIP(int64(i))}
		w.sim.AddUser(simulator.User{Name: m.user, City: "上海", Eager: true})
		if m.bearer, err = w.miniLogin(visitor, m); err != nil {
			return fmt.Errorf("mini program login: %w", err)
		}
		if m.cookie, err = w.pageLogin(visitor, m); err != nil {
			return fmt.Errorf("page login: %w", err)
		}
		app := w.options.payApp
		person, err := w.env.Identities.Resolve(ctx, identity.Login{AppID: app, OpenID: w.sim.OpenID(m.user, app)})
		if err != nil {
			return err
		}
		of, err := w.env.Members.Of(ctx, person)
		if err != nil {
			return err
		}
		m.who = claim.Who{MemberID: of.ID, AppID: app, OpenID: w.sim.OpenID(m.user, app)}
		w.members = append(w.members, m)
	}
	return nil
}

func (w *benchWorld) miniLogin(visitor *benchConn, m benchMember) (bearer string, err error) {
	loginCode, err := w.sim.LoginCode(m.user, demoMini)
	if err != nil {
		return "", err
	}
	var answer struct {
		Data struct{ Token string }
	}
	r := visitor.postJSON("/api/v1/login", m.ip, "", map[string]string{"app_id": demoMini, "code": loginCode})
	if err := visitor.into(r, &answer); err != nil {
		return "", err
	}
	return answer.Data.Token, nil
}

// pageLogin is the silent login of a page, with WeChat's part shortened to its code.
func (w *benchWorld) pageLogin(visitor *benchConn, m benchMember) (cookie string, err error) {
	away, err := visitor.ask(visitor.get("/wx/login?to=/points", m.ip, ""))
	if err != nil {
		return "", err
	}
	to, err := url.Parse(away.header.Get("Location"))
	if err != nil || away.status != http.StatusFound {
		return "", fmt.Errorf("status %d, %w", away.status, err)
	}
	back, err := url.Parse(to.Query().Get("redirect_uri"))
	if err != nil {
		return "", err
	}
	loginCode, err := w.sim.LoginCode(m.user, demoOfficial)
	if err != nil {
		return "", err
	}
	q := url.Values{"code": {loginCode}, "state": {to.Query().Get("state")}}
	home, err := visitor.ask(visitor.get(back.Path+"?"+q.Encode(), m.ip, cookieOf(away.header)))
	if err != nil {
		return "", err
	}
	for _, c := range (&http.Response{Header: home.header}).Cookies() {
		if c.Value != "" && strings.HasSuffix(c.Name, "siyu_s") {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("no session: status %d to %s", home.status, home.header.Get("Location"))
}

func cookieOf(h http.Header) string {
	var parts []string
	for _, c := range (&http.Response{Header: h}).Cookies() {
		parts = append(parts, c.Name+"="+c.Value)
	}
	return strings.Join(parts, "; ")
}

// benchIP numbers pretended addresses; the program believes its own machine when it
// says for whom it speaks, because the simulator's phones do.
func benchIP(n int64) string {
	return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}

// token is a code that nobody has seen. Error: errEnough.
func (w *benchWorld) token() (string, int64, error) {
	serial := w.serial.Add(1)
	if serial > w.goods.codes {
		return "", 0, errEnough
	}
	tok, err := w.env.Codes.TokenOf(w.goods.batch.ID, serial)
	return tok, serial, err
}

// books checks what must hold whatever was measured, and prints it: every claim that
// was acknowledged is there once, the campaign counts and spends exactly them, the
// trial balance is zero.
func (w *benchWorld) books(ctx context.Context, out io.Writer, acknowledged int64) error {
	var rows struct{ Claims, Codes, Fen, Payouts int64 }
	err := w.env.DB.Read(ctx).Raw(`SELECT COUNT(*) AS claims, COUNT(DISTINCT serial) AS codes, COALESCE(SUM(cash_fen), 0) AS fen,
		(SELECT COUNT(*) FROM payout) AS payouts FROM claim`).Scan(&rows).Error
	if err != nil {
		return err
	}
	trial, err := w.env.Ledger.TrialBalance(ctx)
	if err != nil {
		return err
	}
	c, err := w.env.Campaigns.Get(ctx, w.campaign.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "books: %d claims acknowledged, %d rows of %d codes, %d payouts, %s yuan won; trial balance %d fen\n",
		acknowledged, rows.Claims, rows.Codes, rows.Payouts, c.WonFen.Yuan(), trial.Totals["fen"])
	if rows.Claims != acknowledged || rows.Codes != rows.Claims || rows.Payouts != rows.Claims || int64(c.WonFen) != rows.Fen || c.Claimed != rows.Claims || !trial.Balanced {
		return fault.New(fault.Internal, "bench_books", "the books do not agree")
	}
	return nil
}

// serials to ids: what a claim by call needs of a token.
func (w *benchWorld) check(ctx context.Context, tok string, want int64) (code.Code, error) {
	c, err := w.env.Codes.Check(ctx, tok)
	if err == nil && (c.Serial != want || c.BatchID != id.ID(w.goods.batch.ID)) {
		err = errors.New("bench: a token led to another code")
	}
	return c, err
}
