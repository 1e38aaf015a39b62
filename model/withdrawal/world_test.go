package withdrawal

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/redpacket"
)

const (
	brandID  id.ID = 7
	operator id.ID = 9
	// A human of two members, one alone, and those who cannot have money.
	first, second, alone, blocked, stranger id.ID = 101, 102, 103, 104, 105
)

// world is withdrawals on one database; people and merchants answer by rule.
type world struct {
	t       testing.TB
	d       *db.DB
	clk     *clock.Fake
	l       *ledger.Ledger
	a       *commission.Accounts
	packets *redpacket.Store
	s       *Store
	rail    string
	held    map[id.ID]string
	apart   bool // the two members turned out to be two humans
	n       int
}

func (w *world) Family(_ context.Context, m id.ID) ([]id.ID, error) {
	if !w.apart && (m == first || m == second) {
		return []id.ID{first, second}, nil
	}
	return []id.ID{m}, nil
}

func (w *world) FamilyTx(_ *gorm.DB, m id.ID) ([]id.ID, error) {
	return w.Family(context.Background(), m)
}

func (w *world) BlockedAmong(_ context.Context, ms []id.ID) (map[id.ID]bool, error) {
	if slices.Contains(ms, blocked) {
		return map[id.ID]bool{blocked: true}, nil
	}
	return nil, nil
}

func (w *world) OpenID(_ context.Context, m id.ID, app string) (string, error) {
	if m == stranger || app != "wx1" {
		return "", nil
	}
	return fmt.Sprint("o", m), nil
}

func (w *world) SameHuman(ctx context.Context, a, b id.ID) (bool, error) {
	f, err := w.Family(ctx, a)
	return slices.Contains(f, b), err
}

func (w *world) Account(_ context.Context, account id.ID) (brand.Account, error) {
	if account != 5 {
		return brand.Account{}, fault.New(fault.NotFound, "account_not_found", "没有")
	}
	return brand.Account{ID: 5, BrandID: brandID, Kind: brand.Merchant, AppID: "1900000001", Settings: brand.Settings{Rail: w.rail, PayAppID: "wx1"}}, nil
}

func (w *world) Held(_ context.Context, _ id.ID, ms []id.ID) (map[id.ID]string, error) {
	return w.held, nil
}

func newWorld(t testing.TB, d *db.DB, clk *clock.Fake) *world {
	w := &world{t: t, d: d, clk: clk, l: ledger.New(d), rail: brand.RailTransfer, held: map[id.ID]string{}}
	w.a = commission.NewAccounts(d, w.l)
	out := outbox.New(d)
	w.packets = redpacket.New(d, w.l, out)
	w.s = New(Deps{DB: d, Accounts: w.a, Packets: w.packets, Members: w, Brands: w, Out: out, Suspicion: w})
	// What is summed over a human is read from the members themselves.
	for m, root := range map[id.ID]id.ID{first: 0, second: first, alone: 0} {
		w.must(d.Read(context.Background()).Exec("INSERT INTO member (id, person_id, state, created_at, root_id) VALUES (?,?,'active',1,?)"+d.Once("state"), m, m, root).Error)
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) policy(edit func(*Policy)) Policy {
	w.t.Helper()
	p, err := w.s.Policy(w.t.Context(), brandID)
	w.must(err)
	p.AccountID, p.ByID = 5, operator
	if edit != nil {
		edit(&p)
	}
	p, err = w.s.SavePolicy(w.t.Context(), p)
	w.must(err)
	return p
}

// earn puts settled commission into a member's account.
func (w *world) earn(m id.ID, fen money.Fen) {
	w.t.Helper()
	w.n++
	ctx := context.Background()
	w.must(w.d.InFreshTx(ctx, func(tx *gorm.DB) error {
		account, err := w.a.OpenTx(ctx, tx, brandID, m)
		if err != nil {
			return err
		}
		if err := w.a.AccrueTx(ctx, tx, account, fen, fmt.Sprint("acc", w.n), "佣金"); err != nil {
			return err
		}
		return w.a.SettleTx(ctx, tx, account, fen, fmt.Sprint("set", w.n), "佣金")
	}))
}

func (w *world) take(m id.ID, fen money.Fen) {
	w.t.Helper()
	w.n++
	ctx := context.Background()
	w.must(w.d.InFreshTx(ctx, func(tx *gorm.DB) error {
		account, err := w.a.OpenTx(ctx, tx, brandID, m)
		if err != nil {
			return err
		}
		return w.a.TakeTx(ctx, tx, account, fen, fmt.Sprint("take", w.n), "退款")
	}))
}

func (w *world) ask(m id.ID, fen money.Fen) (Withdrawal, error) {
	w.n++
	return w.s.Request(context.Background(), brandID, m, fen, fmt.Sprint("ask", w.n))
}

func (w *world) asked(m id.ID, fen money.Fen) Withdrawal {
	w.t.Helper()
	x, err := w.ask(m, fen)
	w.must(err)
	return x
}

// shown is the approval of what the page of a withdrawal says now.
func (w *world) shown(x Withdrawal) Decision {
	w.t.Helper()
	d, err := w.s.Detail(context.Background(), x.ID)
	w.must(err)
	return Decision{By: operator, TaxFen: &d.TaxFen, SuggestedFen: &d.TaxFen}
}

func (w *world) approve(x Withdrawal) Withdrawal {
	w.t.Helper()
	x, err := w.s.Approve(context.Background(), x.ID, w.shown(x))
	w.must(err)
	return x
}

// hear lets the payout of a withdrawal begin and then hear an outcome.
func (w *world) hear(x Withdrawal, out string) redpacket.Payout {
	w.t.Helper()
	ctx := context.Background()
	_, _, err := w.packets.Begin(ctx, x.PayoutID)
	w.must(err)
	p, err := w.packets.Apply(ctx, x.PayoutID, redpacket.Answer{Out: out, WaitUser: true, Package: "pkg"}, w.clk.Now().Add(time.Minute))
	w.must(err)
	return p
}

func (w *world) of(m id.ID) commission.Account {
	w.t.Helper()
	a, err := w.a.Of(context.Background(), brandID, m)
	w.must(err)
	return a
}

func (w *world) state(x Withdrawal) string {
	w.t.Helper()
	got, err := w.s.Get(context.Background(), x.ID)
	w.must(err)
	return got.State
}

// books checks every invariant of money.
func (w *world) books() {
	w.t.Helper()
	ctx := context.Background()
	trial, err := w.l.TrialBalance(ctx)
	w.must(err)
	if !trial.Balanced {
		w.t.Fatalf("%+v", trial)
	}
	checks, err := insight.New(w.d).Invariants(ctx, 24*time.Hour)
	w.must(err)
	for _, c := range checks {
		if !c.OK {
			w.t.Fatalf("%s %s: %s", c.Name, c.Title, c.Detail)
		}
	}
}

func fails(t testing.TB, err error, code string) {
	t.Helper()
	if f := fault.Of(err); err == nil || f == nil || f.Code != code {
		t.Fatalf("%v, want %s", err, code)
	}
}
