package ledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/ledger"
)

func TestSeveralAccountsAsOne(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		l := ledger.New(d)
		of := func(kind string, owner id.ID) ledger.Account { return ledger.Account{Kind: kind, Owner: owner} }
		n := 0
		post := func(from, to ledger.Account, amount int64) {
			t.Helper()
			n++
			clk.Advance(time.Second)
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				return l.PostTx(ctx, tx, ledger.Entry{Key: fmt.Sprint("e", n), Unit: ledger.Points, Debit: from, Credit: to, Amount: amount, Memo: fmt.Sprint("第", n)})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		issue, a, b := of(ledger.Issue, 1), of(ledger.Member, 10), of(ledger.Member, 11)
		post(issue, a, 10)                     // 1
		post(issue, b, 20)                     // 2
		post(b, a, 5)                          // 3: among themselves
		post(a, of(ledger.Spent, 1), 12)       // 4
		post(issue, of(ledger.Pending, 11), 7) // 5
		post(issue, of(ledger.Member, 12), 99) // 6: somebody else
		post(of(ledger.Debt, 10), issue, 3)    // 7
		family := []id.ID{10, 11}
		t.Run("balances are summed by kind", func(t *testing.T) {
			got, err := l.Balances(ctx, ledger.Points, family, ledger.Member, ledger.Pending, ledger.Frozen, ledger.Debt)
			if err != nil || got[ledger.Member] != 18 || got[ledger.Pending] != 7 || got[ledger.Frozen] != 0 || got[ledger.Debt] != -3 {
				t.Fatal(got, err)
			}
		})
		t.Run("a statement leaves out what they moved among themselves, and pages", func(t *testing.T) {
			first, err := l.Statements(ctx, ledger.Points, ledger.Member, family, 0, 2)
			if err != nil || len(first) != 2 || first[0].Amount != -12 || first[1].Amount != 20 {
				t.Fatalf("%+v %v", first, err)
			}
			rest, err := l.Statements(ctx, ledger.Points, ledger.Member, family, first[1].ID, 2)
			if err != nil || len(rest) != 1 || rest[0].Amount != 10 {
				t.Fatalf("%+v %v", rest, err)
			}
			// Alone, the move to the other is one like any.
			alone, err := l.Statements(ctx, ledger.Points, ledger.Member, []id.ID{11}, 0, 9)
			if err != nil || len(alone) != 2 || alone[0].Amount != -5 {
				t.Fatalf("%+v %v", alone, err)
			}
			if none, err := l.Statements(ctx, ledger.Points, ledger.Member, family, 4711, 9); err != nil || len(none) != 0 {
				t.Fatal(none, err)
			}
		})
		t.Run("what an account got from one kind since a moment", func(t *testing.T) {
			got, err := l.CreditsTx(d.Read(ctx), ledger.Points, ledger.Issue, a, 0)
			if err != nil || len(got) != 1 || got[0].Key != "e1" || got[0].From != 1 || got[0].Amount != 10 {
				t.Fatalf("%+v %v", got, err)
			}
			if got, err = l.CreditsTx(d.Read(ctx), ledger.Points, ledger.Issue, a, got[0].At+1); err != nil || len(got) != 0 {
				t.Fatalf("%+v %v", got, err)
			}
		})
		t.Run("owners and what was given", func(t *testing.T) {
			got, err := l.Owners(ctx, ledger.Member, 10, 9)
			if err != nil || fmt.Sprint(got) != "[11 12]" {
				t.Fatal(got, err)
			}
			if gave, err := l.Gave(ctx, ledger.Points, issue); err != nil || gave != 136 {
				t.Fatal(gave, err)
			}
		})
		t.Run("a debt is in order, and owing less than nothing is not", func(t *testing.T) {
			trial, err := l.TrialBalance(ctx)
			if err != nil || !trial.Balanced {
				t.Fatalf("%+v %v", trial, err)
			}
			post(a, of(ledger.Debt, 10), 3)
			post(b, of(ledger.Debt, 10), 1)
			if trial, err = l.TrialBalance(ctx); err != nil || trial.Balanced || len(trial.Negative) != 1 || trial.Negative[0] != "points:debt:10" {
				t.Fatalf("%+v %v", trial, err)
			}
		})
	})
}
