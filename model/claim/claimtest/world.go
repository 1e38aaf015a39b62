// Package claimtest builds a small world for tests: one brand with an official account
// and a merchant number, one product, one activated batch, one published campaign, and
// members who may claim. Everything is real but the people behind it.
package claimtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
	"siyu/model/seal"
)

// AppID is the official account that the merchant pays under.
const AppID = "wx0000000000000001"

// World is everything a claim needs.
type World struct {
	DB        *db.DB
	Clock     *clock.Fake
	Box       *seal.Box
	Ledger    *ledger.Ledger
	Outbox    *outbox.Store
	Brands    *brand.Store
	Products  *product.Store
	Codes     *code.Store
	Campaigns *campaign.Store
	Packets   *redpacket.Store
	Points    *points.Store
	Notices   *notice.Store
	Scans     *scan.Store
	Claims    *claim.Store
	People    People

	Brand    brand.Brand
	Official brand.Account
	Merchant brand.Account
	Product  product.Product
	Batch    code.Batch
	Campaign campaign.Campaign
}

// People answers by rule: a blocked member is one that was put into Shut; an openid is
// made from the member's id.
type People struct{ Shut map[id.ID]bool }

// Standing implements claim.People: every member is a human of his own.
func (p People) Standing(_ context.Context, members []id.ID) (map[id.ID]member.Standing, error) {
	out := map[id.ID]member.Standing{}
	for _, m := range members {
		out[m] = member.Standing{Root: m, Blocked: p.Shut[m]}
	}
	return out, nil
}

// SameHumanTx implements claim.People.
func (p People) SameHumanTx(_ *gorm.DB, a, b id.ID) (bool, error) { return a == b, nil }

// OpenID implements claim.People.
func (p People) OpenID(_ context.Context, memberID id.ID, _ string) (string, error) {
	return OpenID(memberID), nil
}

// OpenID is the openid of a test member.
func OpenID(memberID id.ID) string { return fmt.Sprintf("o%027d", memberID) }

// Setup says what to build. Zero values mean: 1000 codes, transfer rail, the tiers of
// Tiers, no caps, ten scan points.
type Setup struct {
	Codes int64
	Rail  string
	Tiers []campaign.Tier
	Edit  func(*campaign.Form)
	// Unpublished leaves the campaign a draft.
	Unpublished bool
}

// Tiers wins something cash for one code in two, points for one in four.
func Tiers(codes int64) []campaign.Tier {
	return []campaign.Tier{
		{Name: "现金红包", Kind: campaign.Cash, Winners: codes / 2, MinFen: 100, MaxFen: 2000, TotalFen: money.Fen(codes / 2 * 188)},
		{Name: "幸运积分", Kind: campaign.Points, Winners: codes / 4, Points: 50},
	}
}

// New builds a world on an open database.
func New(t testing.TB, d *db.DB, clk *clock.Fake, set Setup) *World {
	t.Helper()
	ctx := context.Background()
	box, err := seal.Parse(seal.NewKey())
	must(t, err)
	if set.Codes == 0 {
		set.Codes = 1000
	}
	if set.Rail == "" {
		set.Rail = brand.RailTransfer
	}
	if set.Tiers == nil {
		set.Tiers = Tiers(set.Codes)
	}
	w := &World{DB: d, Clock: clk, Box: box, Ledger: ledger.New(d), Outbox: outbox.New(d), Brands: brand.New(d, box),
		Products: product.New(d), Codes: code.New(d, box), People: People{Shut: map[id.ID]bool{}}}
	w.Points, w.Packets = points.New(w.Ledger), redpacket.New(d, w.Ledger, w.Outbox)
	w.Notices = notice.New(d, w.Outbox)
	w.Campaigns = campaign.New(d, box, w.Ledger, w.Brands)
	w.Scans = scan.New(d, consent.New(d))
	w.Claims = claim.New(d, w.Campaigns, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, w.People)

	w.Brand, err = w.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井酱油", CodeHost: "q.example.cn", UpperURL: true, SupportPhone: "400-000-0000"})
	must(t, err)
	w.Official, err = w.Brands.SaveAccount(ctx, brand.Account{BrandID: w.Brand.ID, Kind: brand.Official, AppID: AppID, Name: "老井", CallbackSlug: "oa-main"},
		brand.Secrets{AppSecret: "secret", Token: "token"})
	must(t, err)
	merchant := brand.Account{BrandID: w.Brand.ID, Kind: brand.Merchant, AppID: "1900000001", Name: "老井商户", CallbackSlug: "mch-main",
		Settings: brand.Settings{Rail: set.Rail, PayAppID: AppID, SendName: "老井酱油", SerialNo: "SERIAL", PublicKeyID: "PUB_KEY_ID_1"}}
	w.Merchant, err = w.Brands.SaveAccount(ctx, merchant, brand.Secrets{APIKeyV2: "0123456789abcdef0123456789abcdef",
		APIv3Key: "0123456789abcdef0123456789abcdef", PrivateKeyPEM: "test", PublicKeyPEM: "test"})
	must(t, err)
	w.Product, err = w.Products.Create(ctx, product.Product{BrandID: w.Brand.ID, GTIN: "06901234567892", Name: "老井酱油 500ml", ScanPoints: 10, PointsPercent: 100})
	must(t, err)
	w.Batch, err = w.Codes.CreateBatch(ctx, code.Batch{BrandID: w.Brand.ID, ProductID: w.Product.ID, Count: set.Codes, Name: "首批"})
	must(t, err)
	_, err = w.Codes.SetRange(ctx, code.Range{BatchID: w.Batch.ID, From: 1, Until: set.Codes + 1, State: code.Activated})
	must(t, err)
	form := campaign.Form{BrandID: w.Brand.ID, Name: "开瓶有喜", FromAt: clk.Now().Add(-time.Hour), UntilAt: clk.Now().Add(240 * time.Hour),
		Organiser: "老井食品有限公司", Rules: "扫码即可参与，每码一次。不关注也可领取。", Wishing: "恭喜发财", AccountID: w.Merchant.ID,
		Tiers: set.Tiers, Scopes: []campaign.Scope{{BatchID: w.Batch.ID}}}
	if set.Edit != nil {
		set.Edit(&form)
	}
	if !set.Unpublished { // how much needs a second person is campaign's own business
		_, err = w.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: w.Brand.ID, ApprovalFen: money.Max, ApprovalPoints: campaign.MaxApprovalPoints})
		must(t, err)
	}
	w.Campaign, err = w.Campaigns.Create(ctx, form)
	must(t, err)
	if !set.Unpublished {
		p, err := w.Campaigns.Preview(ctx, w.Campaign.ID)
		must(t, err)
		w.Campaign, err = w.Campaigns.Publish(ctx, w.Campaign.ID, p.SpendFen)
		must(t, err)
	}
	must(t, w.Codes.Refresh(ctx))
	must(t, w.Campaigns.Refresh(ctx))
	return w
}

// Code is the genuine code of a serial (1..).
func (w *World) Code(t testing.TB, serial int64) code.Code {
	t.Helper()
	tok, err := w.Codes.TokenOf(w.Batch.ID, serial)
	must(t, err)
	c, err := w.Codes.Check(context.Background(), tok)
	must(t, err)
	return c
}

// Who is a member with its session.
func Who(memberID id.ID) claim.Who {
	return claim.Who{MemberID: memberID, AppID: AppID, OpenID: OpenID(memberID)}
}

// Audit fails the test unless the money is right whatever happened: the book is zero,
// the campaign's accounts agree with its row, points equal what claims earned.
func (w *World) Audit(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	trial, err := w.Ledger.TrialBalance(ctx)
	must(t, err)
	if !trial.Balanced {
		t.Errorf("the book does not balance: %+v", trial)
	}
	c, err := w.Campaigns.Get(ctx, w.Campaign.ID)
	must(t, err)
	balance := func(kind string) int64 {
		n, err := w.Ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: kind, Owner: c.ID})
		must(t, err)
		return n
	}
	var sums struct{ Claims, Cash, Points, Payouts, Open, Paid int64 }
	must(t, w.DB.Read(ctx).Raw(`SELECT (SELECT COUNT(*) FROM claim WHERE campaign_id = ?) AS claims,
		(SELECT COALESCE(SUM(cash_fen), 0) FROM claim WHERE campaign_id = ?) AS cash,
		(SELECT COALESCE(SUM(points), 0) FROM claim) AS points,
		(SELECT COALESCE(SUM(amount_fen), 0) FROM payout WHERE campaign_id = ?) AS payouts,
		(SELECT COALESCE(SUM(amount_fen), 0) FROM payout WHERE campaign_id = ? AND state IN ('pending', 'sending', 'accepted')) AS open,
		(SELECT COALESCE(SUM(amount_fen), 0) FROM payout WHERE campaign_id = ? AND state = 'settled') AS paid`,
		c.ID, c.ID, c.ID, c.ID, c.ID).Scan(&sums).Error)
	check := func(what string, got, want int64) {
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	check("claims counted", c.Claimed, sums.Claims)
	check("fen won", int64(c.WonFen), sums.Cash)
	check("fen in payouts", sums.Payouts, sums.Cash)
	check("promised", balance(ledger.Promised), sums.Open)
	check("paid", balance(ledger.Paid), sums.Paid)
	if c.State == campaign.Ended {
		check("reserved after the end", balance(ledger.Reserved), 0)
	} else {
		check("reserved", balance(ledger.Reserved), int64(c.SpendFen-c.WonFen))
	}
	issued, err := w.Ledger.Balance(ctx, ledger.Points, ledger.Account{Kind: ledger.Issue, Owner: w.Brand.ID})
	must(t, err)
	check("points issued", -issued, sums.Points)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
