package reconcile_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/money"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
)

func (b *book) payout(state string, fen money.Fen, made, moved clock.Instant) redpacket.Payout {
	b.t.Helper()
	p := redpacket.Payout{ID: b.db.NewID(), ClaimID: b.db.NewID(), Purpose: redpacket.ForClaim, BrandID: brandID, CampaignID: 3, MemberID: 5, AccountID: account,
		Rail: "transfer", AmountFen: fen, State: state, CreatedAt: made, MovedAt: moved}
	p.BillNo, p.WechatNo = redpacket.BillNo(p.ID, clock.DayOf(made)), "W"+p.ID.String()
	b.must(b.db.Read(b.ctx).Create(&p).Error)
	return p
}

// put reconciles a day with these lines.
func (b *book) put(day clock.Day, sha1 string, lines ...reconcile.Line) reconcile.Day {
	b.t.Helper()
	d, err := b.store.Ask(b.ctx, brandID, account, day)
	b.must(err)
	sheet, err := b.store.Open(b.ctx, d.ID)
	b.must(err)
	for _, l := range lines {
		b.must(sheet.Add(b.ctx, l))
	}
	b.must(sheet.Commit(b.ctx, sha1))
	b.must(b.store.Match(b.ctx, d.ID))
	d, err = b.store.Shown(b.ctx, d.ID)
	b.must(err)
	return d
}

func TestBalanceProof(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		clk.Advance(10 * 24 * time.Hour)
		line := func(fen, balance money.Fen) reconcile.Line {
			l := b.line(redpacket.Payout{}, b.at(0), fen)
			l.Business, l.Kind, l.BalanceFen = "充值", "充值", balance
			return l
		}
		day := func(n int, lines ...reconcile.Line) reconcile.Day {
			clk.Advance(time.Minute)
			return b.put(b.start.AddDays(n), "h", lines...)
		}
		if got := day(0, line(500, 500), line(-200, 300)); got.Proof != reconcile.ProofOK || got.OpeningFen != 0 || got.ClosingFen != 300 || got.InFen != 500 || got.OutFen != 200 {
			t.Errorf("%+v", got)
		}
		if got := day(1, line(100, 400)); got.Proof != reconcile.ProofOK {
			t.Errorf("the day after: %s", got.Proof)
		}
		if got := day(2, line(100, 501)); got.Proof != reconcile.ProofBefore {
			t.Errorf("a fen from nowhere overnight: %s", got.Proof)
		}
		if got := day(3, line(100, 601), line(-50, 550)); got.Proof != reconcile.ProofSum {
			t.Errorf("a fen from nowhere within the day: %s", got.Proof)
		}
		if got := day(5, line(100, 9_000)); got.Proof != reconcile.ProofOK {
			t.Errorf("nothing is known of the day before: %s", got.Proof)
		}
		clk.Advance(time.Minute)
		if got := b.put(b.start.AddDays(6), reconcile.Quiet); got.Proof != reconcile.ProofNone || got.State != reconcile.Done {
			t.Errorf("a quiet day: %+v", got)
		}
		if got := day(7, line(1, 9_001)); got.Proof != reconcile.ProofOK {
			t.Errorf("over a quiet day: %s", got.Proof)
		}
	})
}

func TestLineThatComesADayLaterResolvesTheDifference(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		clk.Advance(10 * 24 * time.Hour)
		at := b.at(0)
		p := b.payout(redpacket.Settled, 188, at, at.Add(time.Minute))
		if got := b.put(b.start, reconcile.Quiet); got.Open != 1 {
			t.Fatalf("%+v", got)
		}
		item := b.items()[0]
		if item.Kind != reconcile.OnlyOurs || item.Since != p.MovedAt || item.OursFen != 188 {
			t.Errorf("%+v", item)
		}
		if w, err := b.store.Waiting(b.ctx, brandID); err != nil || w.OpenItems != 1 || w.OpenFen != 188 {
			t.Errorf("%+v %v", w, err)
		}
		b.put(b.start.AddDays(1), "h", b.line(p, b.at(1), -188))
		if item = b.items()[0]; item.State != reconcile.Resolved || item.ResolvedAt == 0 {
			t.Errorf("%+v", item)
		}
		if _, _, err := b.store.Explain(b.ctx, item.ID, item.Version, "已核实", 1, "wang"); fault.KindOf(err) != fault.Conflict {
			t.Errorf("explained what is gone: %v", err)
		}
	})
}

func TestExplainedDifferenceStaysExplainedAndTheMissingDayIsNoDifference(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		clk.Advance(10 * 24 * time.Hour)
		p := b.payout(redpacket.Settled, 188, b.at(0), b.at(2)) // may stand in any of three bills
		b.put(b.start, reconcile.Quiet)
		b.put(b.start.AddDays(2), reconcile.Quiet)
		if got := b.items(); len(got) != 0 {
			t.Fatalf("called missing while a bill is: %+v", got)
		}
		b.put(b.start.AddDays(1), reconcile.Quiet)
		if got := b.items(); len(got) != 1 || got[0].PayoutID != p.ID {
			t.Fatalf("%+v", got)
		}
		if _, _, err := b.store.Explain(b.ctx, b.items()[0].ID, b.items()[0].Version, " ", 1, "wang"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("without a reason: %v", err)
		}
		_, after, err := b.store.Explain(b.ctx, b.items()[0].ID, b.items()[0].Version, "微信客服确认线下补记", 1, "wang")
		if err != nil || after.State != reconcile.Explained || after.ByLogin != "wang" {
			t.Errorf("%+v %v", after, err)
		}
		clk.Advance(time.Minute)
		if got := b.put(b.start.AddDays(2), reconcile.Quiet); got.Explained != 1 || got.Open != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestAReasonIsForWhatWasSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		clk.Advance(10 * 24 * time.Hour)
		p, twice := b.payout(redpacket.Settled, 188, b.at(0), b.at(0)), b.payout(redpacket.Settled, 70, b.at(0), b.at(0))
		wrong, first, again, third := b.line(p, b.at(0), -190), b.line(twice, b.at(0), -70), b.line(twice, b.at(0), -70), b.line(twice, b.at(0), -70)
		put := func(lines ...reconcile.Line) reconcile.Day {
			t.Helper()
			clk.Advance(time.Minute)
			return b.put(b.start, "h", lines...)
		}
		put(wrong, first, again)
		seen := b.items()
		for _, i := range seen {
			_, _, err := b.store.Explain(b.ctx, i.ID, i.Version, "微信多扣两分，已登记", 1, "wang")
			b.must(err)
		}
		if got := put(wrong, first, again); got.Explained != 2 || got.Open != 0 {
			t.Fatalf("the same bill again: %+v", got)
		}
		wrong.AmountFen = -90_000
		if got := put(wrong, first, again); got.Open != 1 || got.Explained != 1 {
			t.Fatalf("other money under the old reason: %+v", got)
		}
		if got := put(wrong, first, again, third); got.Open != 2 || got.Explained != 0 {
			t.Fatalf("taken a third time under the old reason: %+v", got)
		}
		for _, i := range seen { // his page is from before
			if _, _, err := b.store.Explain(b.ctx, i.ID, i.Version, "微信多扣两分，已登记", 1, "wang"); fault.Of(err).Code != "recon_item_changed" {
				t.Fatalf("a reason for what is no longer so: %v", err)
			}
		}
		for _, i := range b.items() {
			_, after, err := b.store.Explain(b.ctx, i.ID, i.Version, "微信已承认", 1, "wang")
			b.must(err)
			if after.State != reconcile.Explained {
				t.Fatal(after)
			}
		}
	})
}

func TestAnswersStandInForABillAndAreReplacedByIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		from, _ := b.start.Bounds()
		clk.Set(from.Add(20 * time.Hour))
		at := from.Add(10 * time.Hour)
		settled, accepted, unknown := b.payout(redpacket.Settled, 188, at, at), b.payout(redpacket.Accepted, 100, at, at), b.payout(redpacket.Sending, 50, at, at)
		day, err := b.store.Ask(b.ctx, brandID, account, b.start)
		b.must(err)
		due, err := b.store.Due(b.ctx, day, 0, 0, 10)
		if err != nil || len(due) != 3 {
			t.Fatalf("%d %v", len(due), err)
		}
		said := func(p redpacket.Payout, out string) reconcile.Line { return reconcile.Answer(p, out, "", clk.Now()) }
		got := b.put(b.start, "", said(settled, redpacket.OutSettled), said(accepted, redpacket.OutReturned), said(unknown, redpacket.OutUnknown))
		if got.Source != reconcile.FromQuery || got.Matched != 1 || got.Open != 1 || got.Proof != reconcile.ProofNone {
			t.Errorf("%+v", got)
		}
		if i := b.items(); len(i) != 1 || i[0].PayoutID != accepted.ID || i[0].Kind != reconcile.State {
			t.Errorf("%+v", i)
		}
		clk.Advance(24 * time.Hour)
		got = b.put(b.start, "h", b.line(settled, at, -188), b.line(accepted, at, -100), b.line(unknown, at, -50))
		if got.Source != reconcile.FromBill || got.Matched != 3 || got.Open != 0 || got.Resolved != 1 {
			t.Errorf("%+v", got)
		}
	})
}

func TestDaysThatCannotBeReconciledAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		b := newBook(t, d, clk, 1)
		for _, day := range []clock.Day{b.start.AddDays(1), b.start.AddDays(-91), 20261340, 0} {
			if _, err := b.store.Ask(b.ctx, brandID, account, day); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%d: %v", day, err)
			}
		}
		one, err := b.store.Ask(b.ctx, brandID, account, b.start.AddDays(-1))
		b.must(err)
		two, err := b.store.Ask(b.ctx, brandID, account, b.start.AddDays(-1))
		if err != nil || one.ID != two.ID {
			t.Errorf("%v", err)
		}
		var tasks int64
		b.must(d.Read(b.ctx).Raw("SELECT COUNT(*) FROM outbox WHERE task = ?", reconcile.Task).Scan(&tasks).Error)
		if tasks != 1 {
			t.Errorf("%d wake-ups", tasks)
		}
	})
}
