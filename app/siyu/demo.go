package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siyu/config"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/code"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/wechat/simulator"
)

// The demo's accounts. The appids have WeChat's form; the simulator knows no others.
const (
	demoSlug     = "demo"
	demoCompany  = "晒足坊食品有限公司（演示）"
	demoOfficial = "wxdeadbeef00000001"
	demoMini     = "wxdeadbeef00000002"
	demoTransfer = "1900000101" // merchant on the transfer rail
	demoRedpack  = "1900000102" // merchant on the red-packet rail
	demoSerial   = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
	demoBalance  = 5_000_000 // fen in each merchant's account
	demoBatch    = "演示批次"
	demoShown    = 6 // codes of each kind that the phone offers
)

// demoPlaces tells where the simulator's users are (its addresses by city).
const demoPlaces = `网段,省,市,纬度,经度
101.80.0.0/16,上海市,上海,31.2304,121.4737
123.112.0.0/16,北京市,北京,39.9042,116.4074
113.64.0.0/16,广东省,广州,23.1291,113.2644
113.88.0.0/16,广东省,深圳,22.5431,114.0579
171.208.0.0/16,四川省,成都,30.5728,104.0668
115.192.0.0/16,浙江省,杭州,30.2741,120.1551
171.80.0.0/16,湖北省,武汉,30.5928,114.3055
113.132.0.0/16,陕西省,西安,34.3416,108.9398
`

// demoGoods is one product with its batch, campaign and rail.
type demoGoods struct {
	gtin, name, spec, campaign, rail, mchID string
	codes                                   int64
	tiers                                   []campaign.Tier
	batch                                   code.Batch
	asleep, dead                            int64 // a serial that is not activated, one that is voided
}

func demoShelf() []*demoGoods {
	return []*demoGoods{
		{gtin: "06901234567892", name: "晒足酱油", spec: "500ml", campaign: "开瓶有喜", rail: brand.RailTransfer, mchID: demoTransfer, codes: 5000,
			tiers: []campaign.Tier{
				{Name: "头奖", Kind: campaign.Cash, Winners: 5, MinFen: 8888, MaxFen: 8888},
				{Name: "现金红包", Kind: campaign.Cash, Winners: 4995, MinFen: 100, MaxFen: 888, TotalFen: 4995 * 188},
			}},
		{gtin: "06901234567908", name: "陈酿香醋", spec: "420ml", campaign: "醋香送福", rail: brand.RailRedpack, mchID: demoRedpack, codes: 3000,
			tiers: []campaign.Tier{
				{Name: "现金红包", Kind: campaign.Cash, Winners: 1500, MinFen: 100, MaxFen: 2000, TotalFen: 1500 * 200},
				{Name: "幸运积分", Kind: campaign.Points, Winners: 900, Points: 50, Text: "送您 50 积分"},
			}},
	}
}

// demoDefaults are the variables that the demo reads in another way than the rest. Quiet
// logs, or the address of the phone page would scroll away with the first scan.
func demoDefaults() map[string]string {
	return map[string]string{"SIYU_ENV": config.Demo, "SIYU_LOG_LEVEL": "warn"}
}

// demo runs everything on this machine against the simulator.
func demo(ctx context.Context, cfg config.Config, _ []string, out io.Writer) error {
	if !cfg.Simulator {
		return errors.New("the demo plays with the simulator only; unset SIYU_ENV and SIYU_WECHAT_*")
	}
	d := &demoWorld{shelf: demoShelf(), looksBack: true}
	if cfg.Company == "" {
		cfg.Company = demoCompany
	}
	if cfg.Places == "" {
		cfg.Places = filepath.Join(cfg.Data, "places.csv")
		if err := errors.Join(os.MkdirAll(cfg.Data, 0o750), os.WriteFile(cfg.Places, []byte(demoPlaces), 0o600)); err != nil {
			return err
		}
	}
	p := &process{cfg: cfg, out: out, parts: parts{true, true}, seed: d.seed, opened: d.announce, simFile: filepath.Join(cfg.Data, "simulator.json")}
	return p.run(ctx)
}

type demoWorld struct {
	shelf    []*demoGoods
	brand    brand.Brand
	password string
	live     id.ID // the live code of its community

	looksBack bool // the brand has a past
}

// seed makes the sample data once and tells the simulator about it at every start.
func (d *demoWorld) seed(ctx context.Context, p *process) error {
	e := p.env
	u, err := url.Parse(p.cfg.PublicURL)
	if err != nil {
		return err
	}
	want := brand.Brand{Slug: demoSlug, Name: "晒足坊", CodeHost: u.Host, UpperURL: true, SupportPhone: "400-000-0000"}
	d.brand, err = e.Brands.BySlug(ctx, demoSlug)
	if fault.KindOf(err) == fault.NotFound {
		d.brand, err = e.Brands.Create(ctx, want)
	}
	if err != nil {
		return err
	}
	if d.brand.CodeHost != want.CodeHost { // started on another port
		want.ID = d.brand.ID
		if d.brand, err = e.Brands.Update(ctx, want); err != nil {
			return err
		}
	}
	if d.brand.ArchivedAt != 0 { // somebody put the demo's data away: it does not come back
		d.shelf = nil
		p.sim.SetCodes(func() []simulator.DemoCode { return d.codes(p) })
		return d.operator(ctx, p)
	}
	if err := errors.Join(e.Brands.MarkDemo(ctx, d.brand.ID), d.accounts(ctx, p)); err != nil {
		return err
	}
	if d.looksBack {
		if err := d.past(ctx, p); err != nil {
			return err
		}
	}
	for _, g := range d.shelf {
		if err := d.stock(ctx, p, g); err != nil {
			return fmt.Errorf("demo data: %s: %w", g.name, err)
		}
	}
	if err := d.loyalty(ctx, e); err != nil {
		return err
	}
	if err := errors.Join(d.leaders(ctx, e), d.groups(ctx, e), d.audiences(ctx, e)); err != nil {
		return err
	}
	for _, u := range []simulator.User{{Name: "小甲", Avatar: "🧑", City: "上海"}, {Name: "小乙", Avatar: "👩", City: "广州"}, {Name: "小丙", Avatar: "👴", City: "成都"}} {
		p.sim.AddUser(u)
	}
	p.sim.SetCodes(func() []simulator.DemoCode { return d.codes(p) })
	return d.operator(ctx, p)
}

// accounts saves the official account, the mini program and both merchants, and
// registers them with the simulator.
func (d *demoWorld) accounts(ctx context.Context, p *process) error {
	e := p.env
	for _, a := range []struct{ kind, appID, name string }{{brand.Official, demoOfficial, "晒足坊"}, {brand.Mini, demoMini, "晒足坊会员"}} {
		acc, err := e.Brands.AccountByApp(ctx, a.kind, a.appID)
		if fault.KindOf(err) == fault.NotFound {
			acc, err = e.Brands.SaveAccount(ctx, brand.Account{BrandID: d.brand.ID, Kind: a.kind, AppID: a.appID, Name: a.name,
				CallbackSlug: demoSlug + "-" + a.kind, Settings: brand.Settings{Secure: true}},
				brand.Secrets{AppSecret: random(16), Token: random(12), AESKey: aesKey()})
		}
		if err != nil {
			return err
		}
		s, err := e.Brands.Secrets(ctx, acc)
		if err != nil {
			return err
		}
		p.sim.AddApp(simulator.App{Kind: a.kind, AppID: a.appID, Name: a.name, Secret: s.AppSecret, Token: s.Token, AESKey: s.AESKey, Mode: "aes",
			CallbackURL: p.cfg.PublicURL + "/wx/callback/" + acc.CallbackSlug, OpenPlatform: "demo"})
	}
	if err := d.corp(ctx, p); err != nil {
		return err
	}
	for _, g := range d.shelf {
		if err := d.merchant(ctx, p, g); err != nil {
			return err
		}
	}
	return nil
}

func (d *demoWorld) merchant(ctx context.Context, p *process, g *demoGoods) error {
	e := p.env
	publicID, publicPEM := p.sim.PlatformKey()
	var keep brand.Secrets
	acc, err := e.Brands.AccountByApp(ctx, brand.Merchant, g.mchID)
	if err == nil {
		keep, err = e.Brands.Secrets(ctx, acc)
	} else if fault.KindOf(err) == fault.NotFound {
		keep, err = brand.Secrets{APIKeyV2: random(16), APIv3Key: random(16)}, nil
		if err == nil {
			keep.PrivateKeyPEM, err = newRSA()
		}
	}
	if err != nil {
		return err
	}
	keep.PublicKeyPEM = publicPEM
	acc = brand.Account{BrandID: d.brand.ID, Kind: brand.Merchant, AppID: g.mchID, Name: "晒足坊 " + map[string]string{brand.RailTransfer: "商家转账", brand.RailRedpack: "现金红包"}[g.rail],
		CallbackSlug: demoSlug + "-pay-" + g.mchID, Settings: brand.Settings{Rail: g.rail, SignType: "HMAC-SHA256", SerialNo: demoSerial,
			PublicKeyID: publicID, SendName: "晒足坊", PayAppID: demoOfficial, TransferSceneID: "1000"}}
	if _, err := e.Brands.SaveAccount(ctx, acc, keep); err != nil {
		return err
	}
	own, err := publicOf(keep.PrivateKeyPEM)
	if err != nil {
		return err
	}
	p.sim.AddMerchant(simulator.Merchant{MchID: g.mchID, Name: "晒足坊", APIKeyV2: keep.APIKeyV2, APIv3Key: keep.APIv3Key, SerialNo: demoSerial,
		PublicKeyPEM: own, AppIDs: []string{demoOfficial, demoMini}, BalanceFen: demoBalance})
	return nil
}

// stock makes product, batch and campaign once. The last two serials stay special: one
// is never activated, one is voided.
func (d *demoWorld) stock(ctx context.Context, p *process, g *demoGoods) error {
	e := p.env
	prod, err := e.Products.ByGTIN(ctx, d.brand.ID, g.gtin)
	if fault.KindOf(err) == fault.NotFound {
		prod, err = e.Products.Create(ctx, g.product(d.brand.ID))
	}
	if err != nil {
		return err
	}
	g.asleep, g.dead = g.codes+1, g.codes+2
	batches, err := e.Codes.OfProduct(ctx, prod.ID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(batches, func(b code.Batch) bool { return b.Name == demoBatch }); i >= 0 {
		g.batch = batches[i]
	} else {
		if g.batch, err = e.Codes.CreateBatch(ctx, code.Batch{BrandID: d.brand.ID, ProductID: prod.ID, Count: g.codes + 2, Name: demoBatch}); err != nil {
			return err
		}
		for _, r := range []code.Range{
			{BatchID: g.batch.ID, From: 1, Until: g.codes + 1, State: code.Activated},
			{BatchID: g.batch.ID, From: g.dead, Until: g.dead + 1, State: code.Voided, Reason: "演示：作废的码"},
		} {
			if _, err := e.Codes.SetRange(ctx, r); err != nil {
				return err
			}
		}
		if err := e.demoTerritory(ctx, g.batch); err != nil {
			return err
		}
	}
	return d.run(ctx, p, g)
}

// run publishes the goods' campaign unless one was made before.
func (d *demoWorld) run(ctx context.Context, p *process, g *demoGoods) error {
	e := p.env
	list, err := e.Campaigns.List(ctx, d.brand.ID, 0, 100)
	if err != nil {
		return err
	}
	var c campaign.Campaign
	for _, old := range list {
		if old.Name == g.campaign {
			c = old
		}
	}
	if c.ID == 0 {
		pay, err := e.Brands.AccountByApp(ctx, brand.Merchant, g.mchID)
		if err != nil {
			return err
		}
		c, err = e.Campaigns.Create(ctx, campaign.Form{BrandID: d.brand.ID, Name: g.campaign, FromAt: e.Clock.Now().Add(-time.Minute),
			UntilAt: e.Clock.Now().Add(365 * 24 * time.Hour), Organiser: demoCompany, Wishing: "恭喜发财，吃得香", AccountID: pay.ID,
			Rules:        "购买本品，扫瓶身二维码即可参与，每个码只能领一次。无需关注公众号。红包由微信支付发放，请在 24 小时内领取，逾期退回。",
			CapMemberDay: 20, Tiers: g.tiers, Scopes: []campaign.Scope{{BatchID: g.batch.ID, FromSerial: 1, UntilSerial: g.codes + 1}}})
		if err != nil {
			return err
		}
	}
	if c.State != campaign.Draft {
		return nil
	}
	plan, err := e.Campaigns.Preview(ctx, c.ID)
	if err != nil {
		return err
	}
	_, err = e.Campaigns.Publish(ctx, c.ID, money.Fen(plan.SpendFen))
	return err
}

// operator makes the demo's administrator; the password is kept in the data folder, so
// that it can be printed at every start. Only the demo does this. Who chose one by the
// environment has that: the first start made the operator with it.
func (d *demoWorld) operator(ctx context.Context, p *process) error {
	if p.cfg.First.Operator.Login == "admin" {
		d.password = "(SIYU_ADMIN_PASSWORD)"
		return nil
	}
	path := filepath.Join(p.cfg.Data, "demo-password")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(random(8))
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return err
	}
	d.password = strings.TrimSpace(string(text))
	_, err = p.env.Operators.EnsureFirst(ctx, "admin", d.password)
	return err
}
