package points

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/ledger"
)

// kin says who is whom, as identity would; the root of everybody is himself at first.
type kin map[id.ID]id.ID

func (k kin) root(m id.ID) id.ID {
	if r := k[m]; r != 0 {
		return r
	}
	return m
}

func (k kin) Family(_ context.Context, m id.ID) ([]id.ID, error) {
	if m >= 900_000 {
		return nil, fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	}
	out := []id.ID{k.root(m)}
	for _, x := range members {
		if k.root(x) == out[0] && x != out[0] {
			out = append(out, x)
		}
	}
	return out, nil
}

func (k kin) FamilyTx(_ *gorm.DB, m id.ID) ([]id.ID, error) { return k.Family(context.Background(), m) }

func (k kin) BlockedAmong(_ context.Context, ms []id.ID) (map[id.ID]bool, error) {
	if slices.Contains(ms, blocked) {
		return map[id.ID]bool{blocked: true}, nil
	}
	return nil, nil
}

const (
	brandA, brandB id.ID = 71, 72
	blocked        id.ID = 66
)

var members = []id.ID{101, 102, 103}

// world is a points system on one database.
type world struct {
	t   *testing.T
	d   *db.DB
	clk *clock.Fake
	l   *ledger.Ledger
	s   *Store
	a   *Accounts
	kin kin
	n   int
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	w := &world{t: t, d: d, clk: clk, l: ledger.New(d), kin: kin{}}
	w.s, w.a = New(w.l), NewAccounts(d, w.l, w.kin)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rules(brand id.ID, change func(*Rules)) {
	w.t.Helper()
	r, err := w.a.Rules(context.Background(), brand)
	w.must(err)
	change(&r)
	_, err = w.a.SaveRules(context.Background(), r)
	w.must(err)
}

// claim books what a claim does, the way the claim does it.
func (w *world) claim(brand, m id.ID, n int64) (source string) {
	w.t.Helper()
	w.n++
	source = fmt.Sprintf("claim:%d:scan", w.n)
	w.must(w.d.InTx(context.Background(), func(tx *gorm.DB) error {
		return w.s.EarnAllTx(context.Background(), tx, []Earning{{Key: source, BrandID: brand, MemberID: m, Points: n, Memo: "扫码积分"}})
	}))
	return source
}

func (w *world) account(m id.ID) Account {
	w.t.Helper()
	a, err := w.a.Account(context.Background(), m)
	w.must(err)
	return a
}

func (w *world) code(err error, want string) {
	w.t.Helper()
	if got := fault.Of(err); got == nil && want != "" || got != nil && got.Code != want {
		w.t.Fatalf("got %v, want %q", err, want)
	}
}

// checked is sound, and what "siyu check" says of points.
func (w *world) checked() {
	w.t.Helper()
	w.sound()
	list, err := insight.New(w.d).Invariants(context.Background(), time.Hour)
	w.must(err)
	for _, c := range list {
		if !c.OK && c.Name != "book_points" { // there are no claims behind these entries
			w.t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
}

// sound fails unless the book balances and the lots are what the accounts say.
func (w *world) sound() {
	w.t.Helper()
	ctx := context.Background()
	trial, err := w.l.TrialBalance(ctx)
	w.must(err)
	if !trial.Balanced {
		w.t.Fatalf("the book does not balance: %+v", trial)
	}
	for _, m := range members {
		var lots struct{ Available, Pending, Frozen, Low int64 }
		w.must(w.d.Read(ctx).Raw(`SELECT COALESCE(SUM(available), 0) AS available, COALESCE(SUM(pending), 0) AS pending, COALESCE(SUM(frozen), 0) AS frozen,
			COALESCE(MIN(CASE WHEN available < 0 OR pending < 0 OR frozen < 0 OR expired < 0 OR available + pending + frozen > amount THEN -1 ELSE 0 END), 0) AS low
			FROM points_lot WHERE member_id = ?`, m).Scan(&lots).Error)
		sums, err := w.l.Balances(ctx, ledger.Points, []id.ID{m}, ledger.Member, ledger.Pending, ledger.Frozen)
		w.must(err)
		if lots.Available != sums[ledger.Member] || lots.Pending != sums[ledger.Pending] || lots.Frozen != sums[ledger.Frozen] || lots.Low < 0 {
			w.t.Fatalf("member %d: lots %+v, accounts %v", m, lots, sums)
		}
	}
}
