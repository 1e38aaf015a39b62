package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"time"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/code"
	"siyu/model/export"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/wechat/simulator"
)

const (
	official = "wxdeadbeef00000001"
	capDay   = 6             // claims per person, campaign and day
	funds    = 1_000_000_000 // fen in each merchant's account
	slug     = "town"
	apiKey   = "0123456789abcdef0123456789abcdef"
	serialNo = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
)

// stores are the parts of the model that the driver uses as an operator would.
type stores struct {
	brands    *brand.Store
	products  *product.Store
	codes     *code.Store
	campaigns *campaign.Store
	exports   *export.Store
	brand     brand.Brand
	shelf     []*goods
}

// goods is one product with its batch, campaign and merchant.
type goods struct {
	gtin, name, rail, mchID string
	tiers                   func(codes int64) []campaign.Tier
	codes                   int64
	batch                   code.Batch
	campaign                campaign.Campaign
	tokens                  []string // by serial - 1
}

func newShelf(codes int64) []*goods {
	return []*goods{
		{gtin: "06901234567892", name: "晒足酱油", rail: brand.RailTransfer, mchID: "1900000101", codes: codes, tiers: func(n int64) []campaign.Tier {
			return []campaign.Tier{{Name: "现金红包", Kind: campaign.Cash, Winners: n, MinFen: 100, MaxFen: 888, TotalFen: money.Fen(n) * 188}}
		}},
		{gtin: "06901234567908", name: "陈酿香醋", rail: brand.RailRedpack, mchID: "1900000102", codes: codes, tiers: func(n int64) []campaign.Tier {
			return []campaign.Tier{{Name: "现金红包", Kind: campaign.Cash, Winners: n / 2, MinFen: 100, MaxFen: 2000, TotalFen: money.Fen(n/2) * 200},
				{Name: "幸运积分", Kind: campaign.Points, Winners: n / 3, Points: 50, Text: "送您 50 积分"}}
		}},
	}
}

// claimsPerSecond bounds what all people together do: the point is what breaks, not how
// fast it goes.
const claimsPerSecond = 25

// furnish makes brand, accounts, products, codes and campaigns in the empty database.
func (t *town) furnish(ctx context.Context) (err error) {
	d := t.db
	out, book := outbox.New(d), ledger.New(d)
	s := &stores{brands: brand.New(d, t.box), products: product.New(d), codes: code.New(d, t.box)}
	s.campaigns = campaign.New(d, t.box, book, s.brands)
	s.exports = export.New(export.Deps{DB: d, Box: t.box, Codes: s.codes, Products: s.products, Brands: s.brands, Outbox: out, Data: t.disk.path})
	t.stores = s
	host, _, err := net.SplitHostPort(t.front.l.Addr().String())
	if err != nil {
		return err
	}
	if s.brand, err = s.brands.Create(ctx, brand.Brand{Slug: slug, Name: "晒足坊", CodeHost: host, UpperURL: true, SupportPhone: "400-000-0000"}); err != nil {
		return err
	}
	if _, err = s.brands.SaveAccount(ctx, brand.Account{BrandID: s.brand.ID, Kind: brand.Official, AppID: official, Name: "晒足坊", CallbackSlug: slug + "-oa"},
		brand.Secrets{AppSecret: "secret-of-the-town", Token: "token"}); err != nil {
		return err
	}
	t.sim.AddApp(simulator.App{Kind: "official", AppID: official, Name: "晒足坊", Secret: "secret-of-the-town", Token: "token", OpenPlatform: slug,
		CallbackURL: t.publicURL() + "/wx/callback/" + slug + "-oa"})
	private, public, err := newKeys()
	if err != nil {
		return err
	}
	s.shelf = newShelf(200 + int64(t.lasts.Seconds()*claimsPerSecond/2*1.3))
	for _, g := range s.shelf {
		if err := t.stock(ctx, g, private, public); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
	}
	return nil
}

func (t *town) stock(ctx context.Context, g *goods, private, public string) error {
	keyID, platform := t.sim.PlatformKey()
	account, err := t.brands.SaveAccount(ctx, brand.Account{BrandID: t.brand.ID, Kind: brand.Merchant, AppID: g.mchID, Name: g.name, CallbackSlug: slug + "-" + g.mchID,
		Settings: brand.Settings{Rail: g.rail, SignType: "HMAC-SHA256", SerialNo: serialNo, PublicKeyID: keyID, SendName: "晒足坊", PayAppID: official, TransferSceneID: "1000"}},
		brand.Secrets{APIKeyV2: apiKey, APIv3Key: apiKey, PrivateKeyPEM: private, PublicKeyPEM: platform})
	if err != nil {
		return err
	}
	t.sim.AddMerchant(simulator.Merchant{MchID: g.mchID, Name: "晒足坊", APIKeyV2: apiKey, APIv3Key: apiKey, SerialNo: serialNo, PublicKeyPEM: public,
		AppIDs: []string{official}, BalanceFen: funds, Limits: simulator.Limits{UserDayCount: -1, UserDayFen: -1, MerchantDayFen: -1}})
	p, err := t.products.Create(ctx, product.Product{BrandID: t.brand.ID, GTIN: g.gtin, Name: g.name, ScanPoints: 10, PointsPercent: 100})
	if err != nil {
		return err
	}
	if g.batch, err = t.stores.codes.CreateBatch(ctx, code.Batch{BrandID: t.brand.ID, ProductID: p.ID, Count: g.codes, Name: "首批"}); err != nil {
		return err
	}
	if _, err = t.stores.codes.SetRange(ctx, code.Range{BatchID: g.batch.ID, From: 1, Until: g.codes + 1, State: code.Activated}); err != nil {
		return err
	}
	c, err := t.campaigns.Create(ctx, campaign.Form{BrandID: t.brand.ID, Name: g.name + "有喜", FromAt: t.clk.Now().Add(-time.Hour),
		UntilAt: t.clk.Now().Add(365 * 24 * time.Hour), Organiser: "晒足坊食品有限公司", Rules: "每个码只能领一次。无需关注公众号。", Wishing: "恭喜发财", AccountID: account.ID,
		CapMemberDay: capDay, Tiers: g.tiers(g.codes), Scopes: []campaign.Scope{{BatchID: g.batch.ID}}})
	if err != nil {
		return err
	}
	preview, err := t.campaigns.Preview(ctx, c.ID)
	if err != nil {
		return err
	}
	if _, err := t.campaigns.SetPolicy(ctx, campaign.Policy{BrandID: t.brand.ID, ApprovalFen: money.Max, ApprovalPoints: campaign.MaxApprovalPoints}); err != nil { // nobody is here to approve
		return err
	}
	if g.campaign, err = t.campaigns.Publish(ctx, c.ID, preview.SpendFen); err != nil {
		return err
	}
	if err := t.stores.codes.Refresh(ctx); err != nil {
		return err
	}
	g.tokens = make([]string, 0, g.codes)
	return t.stores.codes.EachToken(ctx, g.batch.ID, 1, g.codes+1, func(_ int64, text []byte) error {
		g.tokens = append(g.tokens, string(text))
		return nil
	})
}

// newKeys makes the merchant's RSA pair as PEM.
func newKeys() (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub})), err
}
