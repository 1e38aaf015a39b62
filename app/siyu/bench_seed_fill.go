package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db/dbbench"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/product"
)

// What the seeded brand is like.
const (
	seedLogin    = "admin"
	seedPassword = "seed-me-quickly-1"
	seedDays     = 180
	seedGoods    = 20 // products, each with a batch and a campaign
	seedBusy     = 1000
	seedNode     = 4080 // of the ids that are made here: processes count from the other end
)

// seeder fills. Every row follows from its number, so tables are written one after the
// other without anything of the others in memory but who the members are.
type seeder struct {
	members, scans int
	out            io.Writer
	spent          time.Duration
	load           *dbbench.Loader
	env            *environment

	from, now clock.Instant
	brand     id.ID
	account   brand.Account // the merchant's
	official  brand.Account
	products  []id.ID
	batches   []id.ID
	campaigns []id.ID
	people    []id.ID // persons, by the number of the member
	ids       []id.ID // members
	joined    []clock.Instant
	leaderIDs []id.ID
	groups    []id.ID       // of each leader one
	ruleIDs   []id.ID       // of commission
	bound     map[int]id.ID // referrals, by the number of who was brought
	earned    seedEarned
}

// at is a clock that stands where the row is.
type seedClock struct{ at clock.Instant }

func (c *seedClock) Now() clock.Instant { return c.at }

// source makes ids of rows in order of time; each table has a node of its own.
func seedSource(node int) (*seedClock, *id.Source) {
	c := &seedClock{}
	return c, id.NewSource(c, seedNode+node)
}

// dice is a number that looks random and is always the same for n and what it is for.
func dice(n int, what uint64) uint64 {
	x := uint64(n)*0x9E3779B97F4A7C15 + what*0xBF58476D1CE4E5B9
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// fill writes everything unless the brand is there.
func (s *seeder) fill(ctx context.Context, p *process) error {
	s.env, s.load = p.env, dbbench.NewLoader(p.env.DB.Pool())
	if _, err := p.env.Operators.EnsureFirst(ctx, seedLogin, seedPassword); err != nil {
		return err
	}
	if b, err := p.env.Brands.BySlug(ctx, demoSlug); err == nil {
		s.brand = b.ID
		var drafts int
		row := p.env.DB.Pool().QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM member), (SELECT COUNT(*) FROM scan), (SELECT COUNT(*) FROM campaign WHERE state = 'draft')")
		if err := row.Scan(&s.members, &s.scans, &drafts); err != nil {
			return err
		}
		if drafts == 0 {
			if err := s.later(ctx); err != nil {
				return err
			}
			return s.kept(ctx)
		}
		return errors.New("bench: this folder was not filled to the end; remove it")
	}
	begun := clock.Wall()
	s.now = p.env.Clock.Now()
	s.from = s.now.Add(-seedDays * 24 * time.Hour)
	if err := s.stock(ctx, p); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.territories, s.persons, s.rules, s.keys, s.answers, s.seen, s.sights, s.claims, s.payouts, s.book, s.events, s.bought, s.growth, s.relations, s.tree, s.leaders, s.earnings, s.withdrawals, s.suspicions, s.office, s.desk, s.places, s.publish, s.counted, s.later, s.kept} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.spent = clock.Wall().Sub(begun)
	return nil
}

// table loads one and says how long that took.
func (s *seeder) table(ctx context.Context, name, columns string, fill func(l *dbbench.Lines) error) error {
	begun := clock.Wall()
	n, err := s.load.Load(ctx, name, columns, fill)
	if err == nil {
		fmt.Fprintf(s.out, "%-16s %10d rows %7.1f s\n", name, n, clock.Wall().Sub(begun).Seconds())
	}
	return err
}

func (s *seeder) exec(ctx context.Context, stmt string, args ...any) error {
	_, err := s.env.DB.Pool().ExecContext(ctx, stmt, args...)
	return err
}

// stock makes what is few: the brand and its accounts, products, batches, drafts of
// campaigns.
func (s *seeder) stock(ctx context.Context, p *process) error {
	e := p.env
	d := &demoWorld{shelf: []*demoGoods{{rail: brand.RailTransfer, mchID: demoTransfer}}}
	var err error
	if d.brand, err = e.Brands.Create(ctx, brand.Brand{Slug: demoSlug, Name: "晒足坊", CodeHost: p.cfg.Addr, UpperURL: true}); err != nil {
		return err
	}
	s.brand = d.brand.ID
	if err := d.accounts(ctx, p); err != nil {
		return err
	}
	if s.account, err = e.Brands.AccountByApp(ctx, brand.Merchant, demoTransfer); err != nil {
		return err
	}
	if s.official, err = e.Brands.AccountByApp(ctx, brand.Official, demoOfficial); err != nil {
		return err
	}
	each := int64(s.codes()/seedGoods + 1)
	for i := range seedGoods {
		made, err := e.Products.Create(ctx, product.Product{BrandID: s.brand, GTIN: seedGTIN(i), Name: fmt.Sprintf("晒足酱油 %d 号", i+1), Spec: "500ml"})
		if err != nil {
			return err
		}
		batch, err := e.Codes.CreateBatch(ctx, code.Batch{BrandID: s.brand, ProductID: made.ID, Count: each, Name: fmt.Sprintf("第 %d 批", i+1)})
		if err != nil {
			return err
		}
		if _, err := e.Codes.SetRange(ctx, code.Range{BatchID: batch.ID, From: 1, Until: each + 1, State: code.Activated}); err != nil {
			return err
		}
		c, err := e.Campaigns.Create(ctx, campaign.Form{BrandID: s.brand, Name: fmt.Sprintf("开瓶有喜 %d", i+1), FromAt: s.now.Add(-time.Minute), UntilAt: s.now.Add(365 * 24 * time.Hour),
			Organiser: demoCompany, Wishing: "恭喜发财", Rules: "每个码领一次", AccountID: s.account.ID, Scopes: []campaign.Scope{{BatchID: batch.ID}},
			Tiers: []campaign.Tier{{Name: "现金红包", Kind: campaign.Cash, Winners: each / 2, MinFen: 100, MaxFen: 300, TotalFen: money.Fen(each / 2 * 200)},
				{Name: "幸运积分", Kind: campaign.Points, Winners: each - each/2, Points: seedPoints, Text: "送您 50 积分"}}})
		if err != nil {
			return err
		}
		s.products, s.batches, s.campaigns = append(s.products, made.ID), append(s.batches, batch.ID), append(s.campaigns, c.ID)
	}
	return nil
}

// seedGTIN is a number with its check digit.
func seedGTIN(i int) string {
	text := fmt.Sprintf("06900000%05d", i)
	sum := 0
	for at, d := range text {
		sum += int(d-'0') * (3 - at%2*2)
	}
	return fmt.Sprintf("%s%d", text, (10-sum%10)%10)
}

// publish puts the campaigns into force as if they had been before the claims: what was
// won is written beside the budget that publishing reserved.
func (s *seeder) publish(ctx context.Context) error {
	if _, err := s.env.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: s.brand, ApprovalFen: money.Max, ApprovalPoints: campaign.MaxApprovalPoints}); err != nil { // nobody is here to approve
		return err
	}
	for _, c := range s.campaigns {
		plan, err := s.env.Campaigns.Preview(ctx, c)
		if err != nil {
			return err
		}
		if _, err := s.env.Campaigns.Publish(ctx, c, plan.SpendFen); err != nil {
			return err
		}
		var claimed, won int64
		if err := s.env.DB.Pool().QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(cash_fen), 0) FROM claim WHERE campaign_id = ?", c).Scan(&claimed, &won); err != nil {
			return err
		}
		if err := s.exec(ctx, "UPDATE campaign SET won_fen = ?, claimed = ?, from_at = ?, published_at = ?, created_at = ? WHERE id = ?", won, claimed, s.from, s.from, s.from, c); err != nil {
			return err
		}

	}
	// What the rows say was told already: nothing becomes an event a second time.
	for _, name := range []string{"scan", "claim"} {
		if err := s.exec(ctx, "REPLACE INTO event_source (name, fast_at, sure_at, lease_owner, lease_until) VALUES (?, ?, ?, 0, 0)", name, s.now, s.now); err != nil {
			return err
		}
	}
	rows, err := s.env.DB.Pool().QueryContext(ctx, "ANALYZE TABLE member, identity_key, identity_edge, phone, scan, code_sight, claim, payout, ledger_entry, points_lot, event, purchase, referral_node, referral_binding, tier_growth, consent, commission_accrual, commission_account, commission_statement, withdrawal, fraud_case, fraud_case_member, fraud_trace, scan_region, territory, diversion, diversion_code, audit, recon_line, recon_item")
	if err != nil {
		return err
	}
	return rows.Close()
}

// kept has what the running program works out by the hour and pages read: the trial balance
// and what is owed in points.
func (s *seeder) kept(ctx context.Context) error {
	_, err := s.env.Ledger.LastTrial(ctx)
	if fault.KindOf(err) == fault.NotFound {
		_, err = s.env.Ledger.KeepTrial(ctx)
	}
	if err == nil {
		_, err = s.env.Accounts.Liability(ctx, s.brand)
	}
	return err
}

// keyNumber is what identity_edge calls a key.
func keyNumber(kind, scope, value string) int64 {
	h := sha256.Sum256([]byte(kind + "\x00" + scope + "\x00" + value))
	return int64(binary.BigEndian.Uint64(h[:8]) >> 1)
}
