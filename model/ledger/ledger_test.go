package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

func TestLedger(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		l := ledger.New(d)
		post := func(entries ...ledger.Entry) error {
			return d.InTx(ctx, func(tx *gorm.DB) error { return l.PostTx(ctx, tx, entries...) })
		}
		funds := ledger.Account{Kind: ledger.Funds, Owner: 1}
		reserved := ledger.Account{Kind: ledger.Reserved, Owner: 7}
		reserve := ledger.Entry{Key: "campaign:7:reserve", Unit: ledger.Fen, Debit: funds, Credit: reserved, Amount: 1000, Memo: "预算冻结"}

		t.Run("the same fact is booked once", func(t *testing.T) {
			for range 3 {
				if err := post(reserve); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := l.Balance(ctx, ledger.Fen, reserved); err != nil || n != 1000 {
				t.Fatal(n, err)
			}
			if n, err := l.Balance(ctx, ledger.Fen, funds); err != nil || n != -1000 {
				t.Fatal(n, err)
			}
		})
		t.Run("the same key with another amount is a conflict and books nothing", func(t *testing.T) {
			other := reserve
			other.Amount = 1001
			if err := post(other); fault.KindOf(err) != fault.Conflict {
				t.Fatal(err)
			}
		})
		t.Run("malformed entries are refused", func(t *testing.T) {
			for _, change := range []func(*ledger.Entry){
				func(e *ledger.Entry) { e.Amount = 0 },
				func(e *ledger.Entry) { e.Amount = -5 },
				func(e *ledger.Entry) { e.Unit = "yuan" },
				func(e *ledger.Entry) { e.Credit = e.Debit },
				func(e *ledger.Entry) { e.Key = "" },
			} {
				e := reserve
				e.Key = "bad"
				change(&e)
				if post(e) == nil {
					t.Errorf("accepted %+v", e)
				}
			}
		})
		t.Run("an account that went below zero is named", func(t *testing.T) {
			over := ledger.Entry{Key: "over", Unit: ledger.Points, Debit: ledger.Account{Kind: ledger.Member, Owner: 5},
				Credit: ledger.Account{Kind: ledger.Issue, Owner: 1}, Amount: 3}
			if err := post(over); err != nil {
				t.Fatal(err)
			}
			trial, err := l.TrialBalance(ctx)
			if err != nil || trial.Balanced || len(trial.Negative) != 1 || trial.Negative[0] != "points:member:5" {
				t.Fatalf("%+v %v", trial, err)
			}
			undo := over
			undo.Key, undo.Debit, undo.Credit = "over:undo", over.Credit, over.Debit
			if err := post(undo); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("whatever was posted by whomever in parallel, balances equal the model and the book is zero", func(t *testing.T) {
			want := map[id.ID]int64{}
			var mu sync.Mutex
			var wg sync.WaitGroup
			for w := range 4 {
				rng := rand.New(rand.NewPCG(7, uint64(w)))
				wg.Go(func() {
					for i := range 25 {
						member, n := id.ID(rng.Int64N(5)+100), rng.Int64N(50)+1
						e := ledger.Entry{Key: fmt.Sprintf("claim:%d:%d", w, i), Unit: ledger.Points,
							Debit: ledger.Account{Kind: ledger.Issue, Owner: 1}, Credit: ledger.Account{Kind: ledger.Member, Owner: member}, Amount: n}
						if err := post(e); err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						want[member] += n
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			for member, n := range want {
				got, err := l.Balance(ctx, ledger.Points, ledger.Account{Kind: ledger.Member, Owner: member})
				if err != nil || got != n {
					t.Errorf("member %d: %d, want %d (%v)", member, got, n, err)
				}
			}
			trial, err := l.TrialBalance(ctx)
			if err != nil || !trial.Balanced {
				t.Fatalf("%+v %v", trial, err)
			}
		})
		t.Run("paging a statement shows every entry once, also those of one moment", func(t *testing.T) {
			m := ledger.Account{Kind: ledger.Member, Owner: 901}
			for i := range 7 {
				if err := post(ledger.Entry{Key: fmt.Sprintf("m:%d", i), Unit: ledger.Points, Debit: ledger.Account{Kind: ledger.Issue, Owner: 1}, Credit: m, Amount: 1}); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[id.ID]bool{}
			for before, pages := id.ID(0), 0; pages < 10; pages++ {
				page, err := l.Statement(ctx, ledger.Points, m, before, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range page {
					if seen[line.ID] {
						t.Fatal("an entry came twice")
					}
					seen[line.ID], before = true, line.ID
				}
				if len(page) == 0 {
					break
				}
			}
			if len(seen) != 7 {
				t.Fatalf("%d of 7 entries", len(seen))
			}
		})
		t.Run("a statement pages from the newest and signs both directions", func(t *testing.T) {
			m := ledger.Account{Kind: ledger.Member, Owner: 900}
			issue := ledger.Account{Kind: ledger.Issue, Owner: 1}
			for i := range 4 {
				clk.Advance(time.Second)
				e := ledger.Entry{Key: fmt.Sprintf("s:%d", i), Unit: ledger.Points, Debit: issue, Credit: m, Amount: int64(i + 1), Memo: "扫码积分"}
				if i == 3 {
					e.Debit, e.Credit = m, issue
				}
				if err := post(e); err != nil {
					t.Fatal(err)
				}
			}
			first, err := l.Statement(ctx, ledger.Points, m, 0, 2)
			if err != nil || len(first) != 2 || first[0].Amount != -4 || first[1].Amount != 3 || first[1].Memo != "扫码积分" {
				t.Fatalf("%+v %v", first, err)
			}
			rest, err := l.Statement(ctx, ledger.Points, m, first[1].ID, 10)
			if err != nil || len(rest) != 2 || rest[1].Amount != 1 {
				t.Fatalf("%+v %v", rest, err)
			}
		})
		t.Run("an account is read in its own unit, and one that is of no kind not at all", func(t *testing.T) {
			list, err := l.Postings(ctx, ledger.Fen, funds, 0, 0, 0, 10)
			if err != nil || len(list) == 0 {
				t.Fatalf("%+v %v", list, err)
			}
			for _, x := range []struct {
				unit string
				kind string
			}{{ledger.Points, ledger.Funds}, {ledger.Fen, ledger.Issue}, {ledger.Points, ledger.TaxDue}, {"", ledger.Funds}, {ledger.Fen, "yuan"}} {
				if _, err := l.Postings(ctx, x.unit, ledger.Account{Kind: x.kind, Owner: 1}, 0, 0, 0, 10); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%+v: %v", x, err)
				}
			}
		})
		t.Run("every account of the book is of the unit that its kind says", func(t *testing.T) {
			trial, err := l.TrialBalance(ctx)
			if err != nil || len(trial.Lines) == 0 {
				t.Fatal(trial, err)
			}
			for _, line := range trial.Lines {
				if ledger.UnitOf(line.Kind) != line.Unit {
					t.Errorf("%+v", line)
				}
			}
		})
	})
}
