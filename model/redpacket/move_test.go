package redpacket

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/outbox"
)

// till is a store with pending payouts of 1.88 yuan each.
func till(t *testing.T, d *db.DB, n int) (*Store, []id.ID) {
	t.Helper()
	out := outbox.New(d)
	s := New(d, ledger.New(d), out)
	var ids []id.ID
	var orders []Order
	for i := range n {
		ids = append(ids, d.NewID())
		orders = append(orders, Order{PayoutID: ids[i], ClaimID: d.NewID(), BrandID: 7, CampaignID: 8, MemberID: 9, OpenID: "o", AmountFen: 188,
			Account: brand.Account{ID: 3, Settings: brand.Settings{Rail: brand.RailTransfer}}})
	}
	err := d.InTx(context.Background(), func(tx *gorm.DB) error { return s.PromiseAllTx(context.Background(), tx, orders) })
	if err != nil {
		t.Fatal(err)
	}
	return s, ids
}

// Steps that are committed together end as they would have ended one after the other.
func TestStepsCommittedTogether(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, ids := till(t, d, 6)
		next := clk.Now().Add(5000)
		settled := Answer{Out: OutSettled, AmountFen: 188, WechatNo: "W"}
		batch := []*step{
			{payout: ids[0], begin: true}, {payout: ids[0], begin: true}, // two workers
			{payout: ids[1], begin: true}, {payout: ids[1], answer: settled}, {payout: ids[1], answer: settled}, // the notice came first, and twice
			{payout: ids[1], answer: Answer{Out: OutAccepted, WaitUser: true, Package: "late"}, next: next},
			{payout: ids[2], answer: settled}, // was never sent
			{payout: ids[3], begin: true}, {payout: ids[3], answer: Answer{Out: OutSettled, AmountFen: 189}},
			{payout: ids[4], begin: true}, {payout: ids[4], answer: Answer{Out: OutAccepted, WaitUser: true, Package: "p"}, next: next},
			{payout: ids[5], begin: true}, {payout: ids[5], answer: Answer{Out: OutFailed, Code: "NAME_MISMATCH"}},
			{payout: 4711, begin: true},
		}
		steps := map[id.ID][]*step{}
		for _, st := range batch {
			steps[st.payout] = append(steps[st.payout], st)
		}
		s.move(ctx, batch)
		if a := steps[ids[0]]; !a[0].moved || a[1].moved || a[0].p.State != Sending || a[0].p.Attempts != 2 {
			t.Errorf("two workers: %+v %+v", a[0], a[1])
		}
		if p := steps[ids[1]][3].p; p.State != Settled || p.WechatNo != "W" || p.Review || p.PackageInfo != "" || p.NextAt != 0 || p.FinishedAt != clk.Now() {
			t.Errorf("settled twice: %+v", p)
		}
		if p := steps[ids[2]][0].p; p.State != Pending || p.Code != "CONTRADICTION" || !p.Review {
			t.Errorf("never sent: %+v", p)
		}
		if p := steps[ids[3]][1].p; p.State != Sending || p.Code != "AMOUNT_MISMATCH" || !p.Review {
			t.Errorf("another amount: %+v", p)
		}
		if p := steps[ids[4]][1].p; p.State != Accepted || p.PackageInfo != "p" || !p.WaitUser || p.NextAt != next {
			t.Errorf("accepted: %+v", p)
		}
		if p := steps[ids[5]][1].p; p.State != Failed || p.Code != "NAME_MISMATCH" {
			t.Errorf("failed: %+v", p)
		}
		for _, st := range batch {
			if want := st.payout == 4711; want != (fault.KindOf(st.err) == fault.NotFound && st.err != nil) {
				t.Errorf("payout %d: %v", st.payout, st.err)
			}
		}
		for account, want := range map[ledger.Account]int64{{Kind: ledger.Promised, Owner: 8}: 4 * 188, {Kind: ledger.Paid, Owner: 8}: 188, {Kind: ledger.Funds, Owner: 7}: 188} {
			if got, err := s.ledger.Balance(ctx, ledger.Fen, account); got != want || err != nil {
				t.Errorf("%s holds %d, want %d, %v", account.Kind, got, want, err)
			}
		}
		rows, err := s.out.Due(ctx, 100)
		for _, r := range rows {
			if r.RefID == ids[1] || r.RefID == ids[5] {
				t.Error("an ended payout is still woken")
			}
		}
		if len(rows) != 4 || err != nil {
			t.Errorf("%d wake-ups, %v", len(rows), err)
		}
	})
}

// Many workers at once, with each payout in several hands: one begins, the end is booked once.
func TestManyHandsMoveAPayoutOnce(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, ids := till(t, d, 20)
		other := New(d, s.ledger, s.out) // another process
		var begun atomic.Int64
		var wg sync.WaitGroup
		for hand := range 6 {
			wg.Go(func() {
				s := []*Store{s, other}[hand%2]
				for i := range ids {
					p := ids[(i+hand*3)%len(ids)]
					_, moved, err := s.Begin(ctx, p)
					if err != nil {
						t.Error(err)
					}
					if moved {
						begun.Add(1)
					}
					if got, err := s.Apply(ctx, p, Answer{Out: OutSettled, AmountFen: 188}, clk.Now()); err != nil || got.State != Settled {
						t.Error(got.State, err)
					}
				}
			})
		}
		wg.Wait()
		paid, err := s.ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Paid, Owner: 8})
		if begun.Load() != 20 || paid != 20*188 || err != nil {
			t.Errorf("%d begun, %d fen paid, %v", begun.Load(), paid, err)
		}
	})
}

// A step that the database refuses fails alone.
func TestAStepThatCannotBeWrittenFailsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		if d.Driver() == db.SQLite {
			return // takes any text
		}
		s, ids := till(t, d, 2)
		good, bad := &step{payout: ids[0], begin: true}, &step{payout: ids[1], answer: Answer{Out: OutAccepted, Package: strings.Repeat("x", 1001)}}
		s.move(context.Background(), []*step{{payout: ids[1], begin: true}, bad, good})
		if good.err != nil || !good.moved || good.p.State != Sending || bad.err == nil {
			t.Errorf("good %+v, bad %v", good, bad.err)
		}
		if p, err := s.Get(context.Background(), ids[1]); err != nil || p.State != Sending {
			t.Error(p.State, err)
		}
	})
}
