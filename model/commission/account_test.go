package commission_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

const brand, person id.ID = 7, 100

type books struct {
	t *testing.T
	d *db.DB
	l *ledger.Ledger
	a *commission.Accounts
}

func newBooks(t *testing.T, d *db.DB) *books {
	l := ledger.New(d)
	return &books{t: t, d: d, l: l, a: commission.NewAccounts(d, l)}
}

func (b *books) open(member id.ID) (account id.ID) {
	b.t.Helper()
	err := b.d.InFreshTx(context.Background(), func(tx *gorm.DB) (err error) {
		account, err = b.a.OpenTx(context.Background(), tx, brand, member)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return account
}

type mover func(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error

func (b *books) do(m mover, account id.ID, fen money.Fen, key string) error {
	return b.d.InFreshTx(context.Background(), func(tx *gorm.DB) error { return m(context.Background(), tx, account, fen, key, "测试") })
}

func (b *books) pay(account id.ID, gross, tax money.Fen, key string) error {
	return b.d.InFreshTx(context.Background(), func(tx *gorm.DB) error { return b.a.PayTx(context.Background(), tx, account, gross, tax, key) })
}

// check compares the row with the book and both with what is expected.
func (b *books) check(account id.ID, want commission.Account, step string) {
	b.t.Helper()
	ctx := context.Background()
	got, err := b.a.Of(ctx, brand, person)
	if err != nil {
		b.t.Fatal(err)
	}
	want.ID, want.BrandID, want.MemberID, want.CreatedAt = account, brand, person, got.CreatedAt
	if got != want {
		b.t.Fatalf("%s: row %+v, want %+v", step, got, want)
	}
	sums, err := b.l.Balances(ctx, ledger.Fen, []id.ID{account}, ledger.Accrued, ledger.Earned, ledger.Withdrawing, ledger.EarnedDebt)
	if err != nil {
		b.t.Fatal(err)
	}
	house, err := b.l.Balances(ctx, ledger.Fen, []id.ID{brand}, ledger.Funds, ledger.Withdrawn, ledger.TaxDue)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		book int64
		row  money.Fen
	}{{"accrued", sums[ledger.Accrued], got.AccruedFen}, {"available", sums[ledger.Earned], got.AvailableFen}, {"held", sums[ledger.Withdrawing], got.HeldFen},
		{"owed", -sums[ledger.EarnedDebt], got.OwedFen}, {"paid", house[ledger.Withdrawn], got.PaidFen}, {"tax", house[ledger.TaxDue], got.TaxFen},
		{"funds", -house[ledger.Funds], got.AccruedFen + got.AvailableFen + got.HeldFen - got.OwedFen + got.PaidFen + got.TaxFen}} {
		if c.book != int64(c.row) || c.name != "funds" && c.row < 0 {
			b.t.Fatalf("%s: %s: book %d, row %d", step, c.name, c.book, c.row)
		}
	}
	if got.OwedFen > 0 && got.AvailableFen > 0 {
		b.t.Fatalf("%s: something is owed beside something available: %+v", step, got)
	}
	trial, err := b.l.TrialBalance(ctx)
	if err != nil || !trial.Balanced {
		b.t.Fatalf("%s: trial balance: %+v %v", step, trial, err)
	}
}

// TestAccountRowEqualsTheBookAfterEveryMove plays random moves, some of them again, some
// too large, against a model in memory.
func TestAccountRowEqualsTheBookAfterEveryMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		for seed := range uint64(2) {
			b := newBooks(t, d)
			if seed > 0 { // each run on a clean book
				for _, table := range []string{"ledger_entry", "commission_account"} {
					if err := d.Read(t.Context()).Exec("DELETE FROM " + table).Error; err != nil {
						t.Fatal(err)
					}
				}
			}
			playAccount(b, rand.New(rand.NewPCG(seed, 5)), 100)
		}
	})
}

func playAccount(b *books, r *rand.Rand, steps int) {
	account := b.open(person)
	var m commission.Account
	repay := func() {
		n := min(m.OwedFen, m.AvailableFen)
		m.OwedFen, m.AvailableFen = m.OwedFen-n, m.AvailableFen-n
	}
	type done struct {
		again func() error
		name  string
	}
	var past []done
	for i := range steps {
		fen, key := money.Fen(1+r.IntN(400)), fmt.Sprint("k", i)
		before := m
		var has bool
		var act func() error
		name := "again"
		plain := func(word string, mv mover, ok bool, f func()) {
			name, has, act = word, ok, func() error { return b.do(mv, account, fen, key) }
			if ok {
				f()
			}
		}
		switch r.IntN(9) {
		case 0, 1:
			plain("accrue", b.a.AccrueTx, true, func() { m.AccruedFen += fen })
		case 2:
			plain("unaccrue", b.a.UnaccrueTx, m.AccruedFen >= fen, func() { m.AccruedFen -= fen })
		case 3:
			plain("settle", b.a.SettleTx, m.AccruedFen >= fen, func() { m.AccruedFen -= fen; m.AvailableFen += fen; repay() })
		case 4:
			plain("take", b.a.TakeTx, true, func() { m.OwedFen += fen; repay() })
		case 5:
			plain("hold", b.a.HoldTx, m.AvailableFen >= fen, func() { m.AvailableFen -= fen; m.HeldFen += fen })
		case 6:
			plain("unhold", b.a.UnholdTx, m.HeldFen >= fen, func() { m.AvailableFen += fen; m.HeldFen -= fen; repay() })
		case 7:
			tax := money.Fen(r.IntN(int(fen) + 1))
			name, has, act = "pay", m.HeldFen >= fen, func() error { return b.pay(account, fen, tax, key) }
			if has {
				m.HeldFen, m.PaidFen, m.TaxFen = m.HeldFen-fen, m.PaidFen+fen-tax, m.TaxFen+tax
			}
		default: // something that happened is reported again
			if len(past) == 0 {
				continue
			}
			p := past[r.IntN(len(past))]
			name, has, act = "again "+p.name, true, p.again
		}
		err := act()
		if has && err != nil || !has && !errors.Is(err, fault.New(fault.Exhausted, "commission_short", "")) {
			b.t.Fatalf("step %d %s %d on %+v: %v", i, name, fen, before, err)
		}
		if has && name != "again" {
			past = append(past, done{act, name})
		}
		b.check(account, m, fmt.Sprintf("step %d %s %d", i, name, fen))
	}
}

func FuzzAccount(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start))
		playAccount(newBooks(t, d), rand.New(rand.NewPCG(seed, 9)), 40)
	})
}

func TestAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		b := newBooks(t, d)
		account := b.open(person)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Run("is one per brand and member, however often it is opened", func(t *testing.T) {
			if again := b.open(person); again != account {
				t.Fatal(again, account)
			}
		})
		t.Run("the same key with other content is a conflict and moves nothing", func(t *testing.T) {
			must(b.do(b.a.AccrueTx, account, 500, "x"))
			if err := b.do(b.a.AccrueTx, account, 501, "x"); fault.KindOf(err) != fault.Conflict {
				t.Fatal(err)
			}
			b.check(account, commission.Account{AccruedFen: 500}, "conflict")
		})
		t.Run("what was taken back after a withdrawal is owed and paid by what comes next", func(t *testing.T) {
			must(b.do(b.a.SettleTx, account, 500, "s"))
			must(b.do(b.a.HoldTx, account, 400, "h"))
			must(b.pay(account, 400, 80, "p"))
			must(b.do(b.a.TakeTx, account, 300, "t"))
			b.check(account, commission.Account{OwedFen: 200, PaidFen: 320, TaxFen: 80}, "owed")
			must(b.do(b.a.AccrueTx, account, 1000, "x2"))
			must(b.do(b.a.SettleTx, account, 1000, "s2"))
			b.check(account, commission.Account{AvailableFen: 800, PaidFen: 320, TaxFen: 80}, "paid back")
		})
		t.Run("the statement tells what came and went, newest first", func(t *testing.T) {
			lines, err := b.a.Statement(t.Context(), brand, person, 0, 10)
			must(err)
			sum := int64(0)
			for _, l := range lines {
				sum += l.Amount
			}
			if len(lines) != 5 || sum != 800 {
				t.Fatalf("%+v", lines)
			}
		})
		t.Run("amounts that are none are refused", func(t *testing.T) {
			for _, fen := range []money.Fen{0, -1, money.Max + 1} {
				if err := b.do(b.a.HoldTx, account, fen, "bad"); fault.KindOf(err) != fault.Invalid {
					t.Fatal(fen, err)
				}
			}
			if err := b.pay(account, 10, 11, "bad"); fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
		})
	})
}

// TestManyHoldsNeverPassTheBalance: stores on connections of their own, as processes have.
func TestManyHoldsNeverPassTheBalance(t *testing.T) {
	for _, o := range dbtest.Addresses(t) {
		t.Run(o.Driver, func(t *testing.T) {
			o.Clock = clock.NewFake(dbtest.Start)
			const balance, each, tries, processes = 1000, 7, 240, 3
			var list []*books
			for range processes {
				d, err := db.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = d.Close() })
				list = append(list, newBooks(t, d))
			}
			first := list[0]
			account := first.open(person)
			for _, err := range []error{first.do(first.a.AccrueTx, account, balance, "a"), first.do(first.a.SettleTx, account, balance, "s")} {
				if err != nil {
					t.Fatal(err)
				}
			}
			var held atomic.Int64
			var wg sync.WaitGroup
			for i := range tries {
				wg.Go(func() {
					b := list[i%processes]
					err := b.do(b.a.HoldTx, account, each, fmt.Sprint("h", i))
					switch fault.KindOf(err) {
					case fault.Exhausted:
					default:
						if err != nil {
							t.Error(err)
							return
						}
						held.Add(each)
					}
				})
			}
			wg.Wait()
			if want := int64(balance / each * each); held.Load() != want {
				t.Errorf("held %d of %d, want %d", held.Load(), balance, want)
			}
			first.check(account, commission.Account{AvailableFen: balance % each, HeldFen: balance / each * each}, "after all")
		})
	}
}
