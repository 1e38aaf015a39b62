package withdrawal

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/money"
	"siyu/model/redpacket"
)

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, newWorld(t, d, clk)) })
}

func TestWithdrawalIsPaidOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(func(p *Policy) { p.Tax, p.TaxBP = TaxFixed, 1000 })
		w.earn(first, 1000)
		w.earn(second, 500)
		x := w.asked(second, 1200)
		if again, err := w.s.Request(t.Context(), brandID, second, 1200, x.RequestKey); err != nil || again.ID != x.ID {
			t.Fatal("the same act made another withdrawal", again, err)
		}
		if a := w.of(first); a.AvailableFen != 300 || a.HeldFen != 1200 {
			t.Fatalf("%+v", a)
		}
		_, err := w.s.Request(t.Context(), brandID, second, 1100, x.RequestKey)
		fails(t, err, "withdrawal_key_used")
		x = w.approve(x)
		p, err := w.packets.Get(t.Context(), x.PayoutID)
		w.must(err)
		infos, err := p.Infos()
		w.must(err)
		if x.TaxFen != 120 || p.AmountFen != 1080 || p.Purpose != redpacket.ForWithdrawal || p.SceneID != "1005" || len(infos) != 2 || p.OpenID != "o102" {
			t.Fatalf("%+v %+v", x, p)
		}
		_, err = w.s.Approve(t.Context(), x.ID, w.shown(x))
		fails(t, err, "withdrawal_decided")
		_, err = w.s.Cancel(t.Context(), second, x.ID)
		fails(t, err, "withdrawal_decided")
		w.hear(x, redpacket.OutAccepted)
		v, err := w.s.State(t.Context(), first, x.ID)
		if err != nil || v.State != Paying || v.Confirm == nil || *v.Confirm != (Confirm{"1900000001", "wx1", "pkg"}) || v.Over {
			t.Fatalf("%+v %v", v, err)
		}
		for range 2 { // heard twice
			w.hear(x, redpacket.OutSettled)
		}
		want := commission.Account{AvailableFen: 300, PaidFen: 1080, TaxFen: 120}
		if a := w.of(first); a.AvailableFen != want.AvailableFen || a.PaidFen != want.PaidFen || a.TaxFen != want.TaxFen || a.HeldFen != 0 {
			t.Fatalf("%+v", a)
		}
		d, err := w.s.Detail(t.Context(), x.ID)
		if err != nil || d.State != Paid || len(d.History) != 3 || len(d.Parts) != 2 || d.Parts[0].TaxFen+d.Parts[1].TaxFen != 120 {
			t.Fatalf("%+v %v", d, err)
		}
		n, ok, err := w.s.NoticeOf(t.Context(), x.ID)
		if err != nil || !ok || n.Text != "您的佣金提现已到账 10.80 元（申请 12.00 元，代扣税款 1.20 元）。" {
			t.Fatalf("%+v %v %v", n, ok, err)
		}
		lines, err := w.s.TaxReport(t.Context(), brandID, 202611, 0, 10)
		if err != nil || len(lines) != 1 || lines[0].TaxFen != 120 || lines[0].BillNo != p.BillNo {
			t.Fatalf("%+v %v", lines, err)
		}
		if none, err := w.s.TaxReport(t.Context(), brandID, 202612, 0, 10); err != nil || len(none) != 0 {
			t.Fatal(none, err)
		}
		w.books()
	})
}

func TestMoneyThatWasNotPaidGoesBackToItsAccounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(func(p *Policy) { p.PerDay = 10 })
		w.earn(first, 300)
		w.earn(second, 700)
		before, err := w.a.OfFamily(t.Context(), brandID, first)
		w.must(err)
		ends := map[string]func(x Withdrawal){
			Cancelled: func(x Withdrawal) { _, err := w.s.Cancel(t.Context(), second, x.ID); w.must(err) },
			Refused: func(x Withdrawal) {
				_, err := w.s.Refuse(t.Context(), x.ID, operator, "")
				fails(t, err, "reason")
				_, err = w.s.Refuse(t.Context(), x.ID, operator, "资料不全")
				w.must(err)
			},
			Returned: func(x Withdrawal) {
				x = w.approve(x)
				w.hear(x, redpacket.OutAccepted)
				w.hear(x, redpacket.OutReturned)
			},
			Failed: func(x Withdrawal) { w.hear(w.approve(x), redpacket.OutFailed) },
		}
		for state, end := range ends {
			x := w.asked(first, 900)
			if a := w.of(first); a.HeldFen != 900 || a.AvailableFen != 100 {
				t.Fatalf("%s: %+v", state, a)
			}
			end(x)
			after, err := w.a.OfFamily(t.Context(), brandID, first)
			if err != nil || !slices.Equal(before, after) || w.state(x) != state {
				t.Fatalf("%s: %+v, want %+v, %v", state, after, before, err)
			}
			w.books()
		}
	})
}

func TestWhoCannotWithdraw(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.earn(alone, 5000)
		_, err := w.ask(alone, 500)
		fails(t, err, "withdrawal_closed")
		w.policy(func(p *Policy) { p.PerDay = 2 })
		for _, c := range []struct {
			member id.ID
			fen    money.Fen
			code   string
		}{{blocked, 500, "withdrawal_blocked"}, {stranger, 500, "withdrawal_no_openid"}, {alone, 99, "withdrawal_amount"},
			{alone, mostFen + 1, "withdrawal_amount"}, {alone, 5001, "withdrawal_short"}, {first, 500, "withdrawal_short"}} {
			_, err := w.ask(c.member, c.fen)
			fails(t, err, c.code)
		}
		x := w.asked(alone, 500)
		w.asked(alone, 500)
		_, err = w.ask(alone, 500)
		fails(t, err, "withdrawal_per_day")
		_, err = w.s.State(t.Context(), first, x.ID)
		fails(t, err, "withdrawal_not_found")
		_, err = w.s.Cancel(t.Context(), first, x.ID)
		fails(t, err, "withdrawal_not_found")
		w.held[alone] = "同一设备"
		_, err = w.s.Approve(t.Context(), x.ID, w.shown(x))
		fails(t, err, "withdrawal_held")
		w.clk.Advance(24 * time.Hour)
		w.policy(func(p *Policy) { p.AutoApproveBelow = 300 })
		if y := w.asked(alone, 200); y.State != Requested {
			t.Fatalf("paid by itself while a case is open: %+v", y)
		}
		delete(w.held, alone)
		if y := w.asked(alone, 200); y.State != Approved || y.PayoutID == 0 {
			t.Fatalf("%+v", y)
		}
		w.books()
	})
}

func TestALargeSumDoesNotLeaveUnreviewedInSmallOnes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(func(p *Policy) { p.AutoApproveBelow, p.PerDay = 500, 10 })
		w.earn(first, 5000)
		var states []string
		for _, ask := range []struct {
			who id.ID
			fen money.Fen
		}{{first, 200}, {second, 200}, {first, 100}, {second, 100}} {
			states = append(states, w.asked(ask.who, ask.fen).State)
		}
		if !slices.Equal(states, []string{Approved, Approved, Requested, Requested}) {
			t.Errorf("%v: five yuan a day need nobody, whichever account asks", states)
		}
		w.clk.Advance(24 * time.Hour)
		if x := w.asked(first, 499); x.State != Approved {
			t.Errorf("the next day: %s", x.State)
		}
		w.books()
	})
}

func TestMoneyOfWhoTurnedOutToBeAnotherIsNotPaidOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(nil)
		w.earn(first, 1000)
		w.earn(second, 500)
		both, own := w.asked(second, 700), w.asked(first, 300) // 500 and 200 of the other's
		w.apart = true
		w.must(w.d.Read(t.Context()).Exec("UPDATE member SET root_id = 0 WHERE id = ?", second).Error)
		_, err := w.s.Approve(t.Context(), both.ID, w.shown(both))
		fails(t, err, "withdrawal_parted")
		if got := w.state(both); got != Requested {
			t.Fatal(got)
		}
		w.approve(own)
		if _, err := w.s.Refuse(t.Context(), both.ID, operator, "账号已分开，请重新申请"); err != nil {
			t.Fatal(err)
		}
		if a := w.of(first); a.AvailableFen != 700 || w.of(second).AvailableFen != 500 {
			t.Errorf("%+v", a)
		}
		w.books()
	})
}

func TestADebtOfOneMemberHoldsTheOthersBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(nil)
		w.earn(first, 1000)
		w.take(second, 400)
		_, err := w.ask(first, 700)
		fails(t, err, "withdrawal_short")
		x := w.asked(first, 600)
		w.take(first, 900) // 400 are there, 500 come to be owed
		_, err = w.s.Cancel(t.Context(), first, x.ID)
		w.must(err)
		if a := w.of(first); a.AvailableFen != 100 || a.OwedFen != 400 || a.HeldFen != 0 || a.FreeFen() != 0 {
			t.Fatalf("%+v", a)
		}
		w.books()
	})
}

// A cursor tells when its row was made, so it must be the asker's own.
func TestAnothersWithdrawalIsNoCursor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(func(*Policy) {})
		w.earn(first, 500)
		w.earn(alone, 500)
		mine := w.asked(first, 100)
		w.clk.Advance(time.Minute)
		own := w.asked(first, 100)
		theirs := w.asked(alone, 100)
		if list, err := w.s.Mine(t.Context(), brandID, first, own.ID, 10); err != nil || len(list) != 1 || list[0].ID != mine.ID {
			t.Fatal(list, err)
		}
		if list, err := w.s.Mine(t.Context(), brandID, first, theirs.ID, 10); err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
	})
}

func TestTax(t *testing.T) {
	for month, want := range map[money.Fen]money.Fen{80_000: 0, 80_100: 20, 400_000: 64_000, 400_100: 64_016, 2_500_000: 400_000, 3_000_000: 520_000, 10_000_000: 2_500_000} {
		if got := labour(month); got != want {
			t.Errorf("labour(%s) = %s, want %s", month.Yuan(), got.Yuan(), want.Yuan())
		}
	}
	each(t, func(t *testing.T, w *world) {
		w.policy(func(p *Policy) { p.Tax, p.PerDay = TaxLabour, 10 })
		w.earn(alone, 500_000)
		x, y := w.approve(w.asked(alone, 70_000)), w.asked(alone, 100_000)
		if x.TaxFen != 0 || y.TaxFen != 18_000 { // 1700 yuan in the month: 900 of them at 20%
			t.Fatal(x.TaxFen, y.TaxFen)
		}
		other, seen := money.Fen(5000), y.TaxFen
		_, err := w.s.Approve(t.Context(), y.ID, Decision{By: operator, TaxFen: &other, SuggestedFen: &seen, Reason: " "})
		fails(t, err, "withdrawal_tax")
		if f := fault.Of(err); f.Detail["field"] != "reason" {
			t.Fatal(f)
		}
		all := money.Fen(100_000)
		_, err = w.s.Approve(t.Context(), y.ID, Decision{By: operator, TaxFen: &all, SuggestedFen: &seen, Reason: "全部"})
		fails(t, err, "withdrawal_tax")
		y, err = w.s.Approve(t.Context(), y.ID, Decision{By: operator, TaxFen: &other, SuggestedFen: &seen, Reason: "已在他处申报"})
		if err != nil || y.TaxFen != 5000 || y.TaxNote != "已在他处申报" {
			t.Fatal(y, err)
		}
		w.books()
		w.clk.Advance(30 * 24 * time.Hour) // another month begins anew
		if z := w.asked(alone, 70_000); z.TaxFen != 0 {
			t.Fatal(z.TaxFen)
		}
	})
}

// The tax of a request moves with the others of the month: what the page shows is what is
// withheld, or nothing is paid.
func TestASuggestionThatMovedIsShownBeforeItIsPaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.policy(func(p *Policy) { p.Tax, p.PerDay = TaxLabour, 10 })
		w.earn(first, 300_000)
		w.earn(second, 300_000)
		x, y := w.asked(first, 90_000), w.asked(second, 90_000)
		stale := w.shown(y)
		if a, b := *w.shown(x).TaxFen, *stale.TaxFen; a != 2000 || b != 2000 {
			t.Fatal(a, b)
		}
		w.approve(x)
		// 1800 yuan in the month: a fifth of 1000, of which 20 yuan were withheld.
		list, err := w.s.List(ctx, Filter{BrandID: brandID, Limit: 10})
		w.must(err)
		for _, l := range list {
			if want := map[id.ID]money.Fen{x.ID: 2000, y.ID: 18_000}[l.ID]; l.TaxFen != want || l.NetFen() != 90_000-want {
				t.Errorf("the list says %s of %s, want %s", l.TaxFen.Yuan(), l.State, want.Yuan())
			}
		}
		if d, err := w.s.Detail(ctx, y.ID); err != nil || d.TaxFen != 18_000 || d.NetFen != 72_000 {
			t.Errorf("%+v %v", d, err)
		}
		if v, err := w.s.State(ctx, first, y.ID); err != nil || v.TaxFen != 18_000 || v.NetFen != 72_000 {
			t.Errorf("his own page: %+v %v", v, err)
		}
		if mine, err := w.s.Mine(ctx, brandID, first, 0, 10); err != nil || len(mine) != 2 || mine[0].TaxFen+mine[1].TaxFen != 20_000 {
			t.Errorf("his own list: %+v %v", mine, err)
		}
		untold, reasoned, never := stale, stale, Decision{By: operator, Reason: "按规则"}
		untold.SuggestedFen = nil
		reasoned.Reason = "已在他处申报" // about a suggestion that is no more
		for _, d := range []Decision{stale, untold, reasoned} {
			_, err := w.s.Approve(ctx, y.ID, d)
			fails(t, err, "withdrawal_tax_moved")
			if f := fault.Of(err); f.Kind != fault.Conflict || f.Detail["tax_fen"] != money.Fen(18_000) || !strings.Contains(f.Text, "180.00 元") {
				t.Errorf("%+v", f)
			}
		}
		_, err = w.s.Approve(ctx, y.ID, never)
		fails(t, err, "withdrawal_tax")
		if f := fault.Of(err); f.Kind != fault.Invalid || f.Detail["field"] != "tax_fen" {
			t.Errorf("%+v", f)
		}
		if got := w.state(y); got != Requested {
			t.Fatal(got)
		}
		y = w.approve(y)
		if p, err := w.packets.Get(ctx, y.PayoutID); err != nil || y.TaxFen != 18_000 || p.AmountFen != 72_000 {
			t.Errorf("%+v %+v %v", y, p, err)
		}
		w.books()
	})
}

// So do another month and other terms.
func TestASuggestionIsOfTheDayOnWhichItIsRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(func(p *Policy) { p.Tax, p.PerDay = TaxLabour, 10 })
		w.earn(alone, 300_000)
		w.approve(w.asked(alone, 80_000))
		x := w.asked(alone, 50_000)
		before := w.shown(x)
		if *before.TaxFen != 10_000 {
			t.Fatal(*before.TaxFen)
		}
		w.books() // later the outbox counts as forgotten: nothing relays here
		w.clk.Advance(30 * 24 * time.Hour)
		if got := *w.shown(x).TaxFen; got != 0 {
			t.Errorf("in December %s of November's month", got.Yuan())
		}
		_, err := w.s.Approve(t.Context(), x.ID, before)
		fails(t, err, "withdrawal_tax_moved")
		w.policy(func(p *Policy) { p.Tax, p.TaxBP = TaxFixed, 500 })
		if got := *w.shown(x).TaxFen; got != 2500 {
			t.Errorf("%s, by the terms of now 25.00", got.Yuan())
		}
		if got := w.approve(x); got.TaxFen != 2500 {
			t.Errorf("%+v", got)
		}
		w.policy(func(p *Policy) { p.Tax, p.TaxBP = TaxFixed, 1000 })
		if d, err := w.s.Detail(t.Context(), x.ID); err != nil || d.TaxFen != 2500 {
			t.Errorf("decided, and yet another tax: %+v %v", d, err)
		}
	})
}

func TestTwoApproversPayOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rail = brand.RailRedpack
		w.policy(nil)
		w.earn(alone, 1000)
		x := w.asked(alone, 800)
		yes := w.shown(x)
		var done, decided atomic.Int64
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				var err error
				if i%3 == 0 {
					_, err = w.s.Refuse(t.Context(), x.ID, operator, "不通过")
				} else {
					_, err = w.s.Approve(t.Context(), x.ID, yes)
				}
				switch {
				case err == nil:
					done.Add(1)
				case fault.Of(err).Code == "withdrawal_decided":
					decided.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, err := w.packets.List(t.Context(), redpacket.Filter{Purpose: redpacket.ForWithdrawal, From: w.clk.Now().Add(-24 * time.Hour), Limit: 10})
		if err != nil || done.Load() != 1 || decided.Load() != 11 || len(list) > 1 || (w.state(x) == Approved) != (len(list) == 1) {
			t.Fatal(done.Load(), decided.Load(), len(list), w.state(x), err)
		}
		if len(list) == 1 && list[0].SceneID != "PRODUCT_5" {
			t.Fatal(list[0].SceneID)
		}
		w.books()
	})
}

// TestAThousandTriesNeverHoldMoreThanTheBalance: stores on connections of their own, as
// processes have, and both members of one human.
func TestAThousandTriesNeverHoldMoreThanTheBalance(t *testing.T) {
	for _, o := range dbtest.Addresses(t) {
		t.Run(o.Driver, func(t *testing.T) {
			clk := clock.NewFake(dbtest.Start)
			o.Clock = clk
			const tries, processes, each = 1000, 3, 700
			var list []*world
			for range processes {
				d, err := db.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = d.Close() })
				list = append(list, newWorld(t, d, clk))
			}
			w := list[0]
			w.policy(func(p *Policy) { p.PerDay = 10 })
			w.earn(first, 3000)
			w.earn(second, 2500)
			var held, refused atomic.Int64
			var wg sync.WaitGroup
			turn := make(chan struct{}, 60) // at once
			for i := range tries {
				wg.Go(func() {
					turn <- struct{}{}
					defer func() { <-turn }()
					_, err := list[i%processes].s.Request(t.Context(), brandID, first+id.ID(i%2), each, fmt.Sprint("try", i))
					switch {
					case err == nil:
						held.Add(each)
					case fault.KindOf(err) == fault.Exhausted:
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			a := w.of(first)
			if held.Load() != 4900 || a.HeldFen != 4900 || a.AvailableFen != 600 || refused.Load() != tries-7 {
				t.Fatalf("held %d, refused %d, %+v", held.Load(), refused.Load(), a)
			}
			w.books()
		})
	}
}

// Each invariant of withdrawals is broken by one row that says otherwise.
func TestInvariantsNoticeAWithdrawalThatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(nil)
		w.earn(first, 1000)
		paid, open := w.approve(w.asked(first, 300)), w.asked(first, 400)
		w.hear(paid, redpacket.OutSettled)
		w.books()
		for _, c := range []struct {
			damage, mend string
			of           Withdrawal
			name         string
		}{
			{"UPDATE withdrawal SET state = 'cancelled' WHERE id = ?", "UPDATE withdrawal SET state = 'requested' WHERE id = ?", open, "withdrawal_end"},
			{"UPDATE withdrawal SET state = 'cancelled' WHERE id = ?", "UPDATE withdrawal SET state = 'requested' WHERE id = ?", open, "withdrawal_held"},
			{"UPDATE withdrawal SET amount_fen = amount_fen + 1 WHERE id = ?", "UPDATE withdrawal SET amount_fen = amount_fen - 1 WHERE id = ?", open, "withdrawal_held"},
			{"UPDATE withdrawal SET tax_fen = tax_fen + 1 WHERE id = ?", "UPDATE withdrawal SET tax_fen = tax_fen - 1 WHERE id = ?", paid, "withdrawal_payout"},
			{"UPDATE payout SET state = 'returned' WHERE claim_id = ?", "UPDATE payout SET state = 'settled' WHERE claim_id = ?", paid, "withdrawal_payout"},
			{"UPDATE payout SET claim_id = claim_id + 1 WHERE claim_id = ?", "UPDATE payout SET claim_id = claim_id - 1 WHERE claim_id = ? + 1", paid, "withdrawal_payout"},
			{"UPDATE payout SET member_id = member_id + 1 WHERE claim_id = ?", "UPDATE payout SET member_id = member_id - 1 WHERE claim_id = ?", paid, "withdrawal_payout"},
			{"UPDATE withdrawal_part SET account_id = account_id + 1 WHERE withdrawal_id = ?", "UPDATE withdrawal_part SET account_id = account_id - 1 WHERE withdrawal_id = ?", open, "withdrawal_held"},
			{"UPDATE withdrawal_part SET tax_fen = tax_fen + 1 WHERE withdrawal_id = ?", "UPDATE withdrawal_part SET tax_fen = tax_fen - 1 WHERE withdrawal_id = ?", paid, "withdrawal_held"},
			{"UPDATE commission_account SET paid_fen = paid_fen + 1 WHERE ? > 0", "UPDATE commission_account SET paid_fen = paid_fen - 1 WHERE ? > 0", paid, "commission_rows"},
			{"UPDATE commission_account SET owed_fen = owed_fen + 1 WHERE ? > 0", "UPDATE commission_account SET owed_fen = owed_fen - 1 WHERE ? > 0", paid, "commission_debt"},
		} {
			w.must(w.d.Read(t.Context()).Exec(c.damage, c.of.ID).Error)
			checks, err := insight.New(w.d).Invariants(t.Context(), 24*time.Hour)
			w.must(err)
			if !slices.ContainsFunc(checks, func(x insight.Check) bool { return x.Name == c.name && !x.OK }) {
				t.Errorf("%s: %s did not notice", c.damage, c.name)
			}
			w.must(w.d.Read(t.Context()).Exec(c.mend, c.of.ID).Error)
			w.books()
		}
	})
}
