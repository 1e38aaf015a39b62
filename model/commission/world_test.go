package commission

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/referral"
)

const (
	brandA id.ID = 71
	beer   id.ID = 501 // gtin 1
	wine   id.ID = 502 // gtin 2
	batchA id.ID = 601
)

// world plays everything a store asks of others. A member's root is himself unless kin
// says otherwise.
type world struct {
	t        *testing.T
	d        *db.DB
	clk      *clock.Fake
	s        *Store
	ledger   *ledger.Ledger
	points   *points.Accounts
	kin      map[id.ID]id.ID
	blocked  map[id.ID]bool
	brought  map[id.ID]referral.Binding // by referee
	leaders  map[id.ID]leader.Leader
	unsigned map[id.ID]bool
	suspects map[id.ID]string
	states   map[int64]string // of serials
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	l := ledger.New(d)
	w := &world{t: t, d: d, clk: clk, ledger: l, kin: map[id.ID]id.ID{}, blocked: map[id.ID]bool{}, brought: map[id.ID]referral.Binding{},
		leaders: map[id.ID]leader.Leader{}, unsigned: map[id.ID]bool{}, suspects: map[id.ID]string{}, states: map[int64]string{}}
	w.points = points.NewAccounts(d, l, w)
	w.s = New(Deps{DB: d, Books: NewAccounts(d, l), Purse: points.New(l), Taker: w.points, Uplines: w, Leaders: w, Suspicion: w, Members: w, Codes: w, Shelf: w})
	return w
}

func each(t *testing.T, fn func(t *testing.T, ctx context.Context, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, context.Background(), newWorld(t, d, clk)) })
}

func (w *world) root(m id.ID) id.ID {
	if r := w.kin[m]; r != 0 {
		return r
	}
	return m
}

func (w *world) Family(_ context.Context, m id.ID) ([]id.ID, error) {
	out := []id.ID{w.root(m)}
	for x, r := range w.kin {
		if r == out[0] {
			out = append(out, x)
		}
	}
	return out, nil
}

func (w *world) FamilyTx(_ *gorm.DB, m id.ID) ([]id.ID, error) {
	return w.Family(context.Background(), m)
}

func (w *world) SameHuman(_ context.Context, a, b id.ID) (bool, error) {
	return w.root(a) == w.root(b), nil
}

func (w *world) BlockedAmong(_ context.Context, members []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	for _, m := range members {
		if w.blocked[m] {
			out[m] = true
		}
	}
	return out, nil
}

// bind says who brought whom, and when.
func (w *world) bind(referee, referrer id.ID, role string, at clock.Instant) {
	w.brought[referee] = referral.Binding{ID: referee + 9000, BrandID: brandA, MemberID: referee, ReferrerID: referrer, Role: role, BoundAt: at}
}

func (w *world) Upline(_ context.Context, brandID, m id.ID, at clock.Instant, levels int) (out []referral.Binding, err error) {
	for len(out) < levels {
		b, ok := w.brought[m]
		if !ok || brandID != brandA || b.EndedAt != 0 && b.EndedAt <= at {
			break
		}
		out = append(out, b)
		m = b.ReferrerID
	}
	return out, nil
}

func (w *world) Active(_ context.Context, _ id.ID, members []id.ID) (map[id.ID]leader.Leader, error) {
	out := map[id.ID]leader.Leader{}
	for _, m := range members {
		if l, ok := w.leaders[m]; ok && l.State == leader.Active {
			out[m] = l
		}
	}
	return out, nil
}

func (w *world) Of(_ context.Context, _, m id.ID) (leader.Leader, bool, error) {
	l, ok := w.leaders[m]
	return l, ok, nil
}

func (w *world) Signed(_ context.Context, l leader.Leader) (bool, error) {
	return !w.unsigned[l.MemberID], nil
}

func (w *world) lead(m id.ID, level int) {
	w.leaders[m] = leader.Leader{ID: m + 7000, MemberID: m, BrandID: brandA, Role: leader.RoleLeader, State: leader.Active, Level: level}
}

func (w *world) Held(_ context.Context, _ id.ID, members []id.ID) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	for _, m := range members {
		if why := w.suspects[m]; why != "" {
			out[m] = why
		}
	}
	return out, nil
}

func (w *world) States(_ context.Context, _ id.ID, _ clock.Instant) (out []code.Span, err error) {
	for serial, state := range w.states {
		out = append(out, code.Span{From: serial, Until: serial + 1, State: state})
	}
	return out, nil
}

func (w *world) VoidedBatches(_ context.Context, _, _ clock.Instant) ([]id.ID, error) {
	return []id.ID{batchA}, nil
}

func (w *world) ByGTIN(_ context.Context, _ id.ID, gtin string) (product.Product, error) {
	switch gtin {
	case "1":
		return product.Product{ID: beer}, nil
	case "2":
		return product.Product{ID: wine}, nil
	}
	return product.Product{}, fault.New(fault.NotFound, "product_unknown", "没有这个商品")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// perClaim are terms that pay fen for an item to whoever brought its buyer.
func perClaim(fen int64) Terms {
	return Terms{Name: "扫码佣金", Trigger: OnClaim, Pay: Cash, Each: fen, Ceiling: 10_000, Roles: referral.Roles(), FreezeDays: 2, BudgetFen: 1_000_000}
}

// perOrder are terms that pay a part of an order.
func perOrder(bp int64) Terms {
	t := perClaim(0)
	t.Name, t.Trigger, t.ShareBP, t.Ceiling, t.FreezeDays = "订单佣金", OnOrder, bp, 1_000_000, 15
	return t
}

// active makes a rule and brings it into force.
func (w *world) active(t Terms) Rule {
	w.t.Helper()
	ctx := context.Background()
	r, err := w.s.Create(ctx, brandA, t, 1)
	w.must(err)
	if t.opined() {
		_, err = w.s.Record(ctx, SignOff{RuleID: r.ID, Version: 1, Signer: "王律师", Title: "关于二级佣金的法律意见", Number: "法意 2026-11", SignedOn: clock.DayOf(w.clk.Now()), ByID: 9})
		w.must(err)
	}
	r, err = w.s.Activate(ctx, r.ID, 1, 2)
	w.must(err)
	w.clk.Advance(time.Second)
	return r
}

func claimEvent(n int64, buyer, productID id.ID, at clock.Instant) event.Event {
	return event.Event{ID: id.ID(100_000 + n), Key: fmt.Sprintf("claim:%d", n), Type: event.Claim, BrandID: brandA, MemberID: buyer, Channel: event.Code, At: at,
		Body: event.Body(event.ClaimBody{ProductID: productID, BatchID: batchA, Serial: n, CampaignID: 1, Kind: "cash"})}
}

type orderLine struct {
	gtin string
	qty  int64
	fen  money.Fen
}

// orderEvent is an order, or with a number a refund, whose lines say what came back.
func orderEvent(no, refund string, buyer id.ID, at clock.Instant, lines ...orderLine) event.Event {
	b := event.OrderBody{Source: "tmall", OrderNo: no, RefundNo: refund}
	sign := int64(1)
	if refund != "" {
		sign = -1
	}
	for _, l := range lines {
		b.Lines = append(b.Lines, event.OrderLine{GTIN: l.gtin, Quantity: sign * l.qty, AmountFen: money.Fen(sign) * l.fen})
		b.AmountFen += money.Fen(sign) * l.fen
	}
	return event.Event{ID: 200_000, Key: "order:tmall:" + no + ":" + refund, Type: event.Order, BrandID: brandA, MemberID: buyer, Channel: event.Open, At: at, Body: event.Body(b)}
}

func (w *world) consume(events ...event.Event) {
	w.t.Helper()
	w.must(w.s.Consume(context.Background(), events))
}

// all lists the brand's accruals, oldest first.
func (w *world) all() []Accrual {
	w.t.Helper()
	var out []Accrual
	w.must(w.d.Read(context.Background()).Order("created_at, fact_key, rule_id").Find(&out).Error)
	return out
}

// only is the one accrual there is.
func (w *world) only() Accrual {
	w.t.Helper()
	list := w.all()
	if len(list) != 1 {
		w.t.Fatalf("%d accruals: %+v", len(list), list)
	}
	return list[0]
}

// books compares the ledger with the accruals: accrued is what is frozen, held or
// released, and the trial balances.
func (w *world) balanced() {
	w.t.Helper()
	ctx := context.Background()
	var accounts []struct{ ID, MemberID id.ID }
	w.must(w.d.Read(ctx).Raw("SELECT id, member_id FROM commission_account").Scan(&accounts).Error)
	for _, a := range accounts {
		var open, settled, late int64
		for _, x := range w.all() {
			if x.EarnerID != a.MemberID || x.Pay != Cash {
				continue
			}
			if slices.Contains([]string{Frozen, Held, Released}, x.State) {
				open += x.Left()
			} else if x.SettledAt != 0 {
				settled += x.Left()
			}
		}
		accrued, err := w.ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Accrued, Owner: a.ID})
		w.must(err)
		earned, err := w.ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Earned, Owner: a.ID})
		w.must(err)
		debt, err := w.ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.EarnedDebt, Owner: a.ID})
		w.must(err)
		held, err := w.ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Withdrawing, Owner: a.ID})
		w.must(err)
		if accrued != open || earned+debt+held+late != settled {
			w.t.Errorf("earner %d: accrued %d, accruals %d; earned %d debt %d, settled %d", a.MemberID, accrued, open, earned, debt, settled)
		}
	}
	trial, err := w.ledger.TrialBalance(ctx)
	if err != nil || !trial.Balanced {
		w.t.Errorf("trial %+v %v", trial, err)
	}
	var rules []Rule
	w.must(w.d.Read(ctx).Find(&rules).Error)
	for _, r := range rules {
		var sum int64
		for _, x := range w.all() {
			if x.RuleID == r.ID {
				sum += x.Left()
			}
		}
		if sum != r.Used || r.Budget > 0 && r.Used > r.Budget {
			w.t.Errorf("rule %d used %d of %d, accruals %d", r.ID, r.Used, r.Budget, sum)
		}
	}
}
