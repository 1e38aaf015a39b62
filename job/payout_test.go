package job_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/redpacket"
	"siyu/wechat/simulator"
)

// Every misfortune ends in the one right state with the money in the one right place,
// under the one bill number.
func TestMisfortunes(t *testing.T) {
	both := []string{brand.RailRedpack, brand.RailTransfer}
	transfer := both[1:]
	cases := []struct {
		name  string
		rails []string
		bad   []simulator.Misfortune
		want  string // "" = settled
	}{
		{"nothing goes wrong", both, nil, ""},
		{"WeChat pays and the connection drops", both, []simulator.Misfortune{{Call: "payout", Kind: "commit_then_drop"}}, ""},
		{"WeChat pays and answers 500", both, []simulator.Misfortune{{Call: "payout", Kind: "commit_then_500"}}, ""},
		{"WeChat pays and the answer is half", both, []simulator.Misfortune{{Call: "payout", Kind: "garbage_body"}}, ""},
		{"the answer comes after our time-out", both, []simulator.Misfortune{{Call: "payout", Kind: "delay", Delay: 900 * time.Millisecond}}, ""},
		{"the connection drops before anything happened", both, []simulator.Misfortune{{Call: "payout", Kind: "drop", Count: 3}}, ""},
		{"500 three times", both, []simulator.Misfortune{{Call: "payout", Kind: "http_500", Count: 3}}, ""},
		{"a code that nobody documented", both, []simulator.Misfortune{{Call: "payout", Kind: "unknown_code", Code: "268458547"}}, ""},
		{"the answer's signature is wrong", transfer, []simulator.Misfortune{{Call: "payout", Kind: "bad_answer_signature"}}, ""},
		{"a signature probe", transfer, []simulator.Misfortune{{Call: "payout", Kind: "probe_answer_signature"}}, ""},
		{"queries fail for a while", both, []simulator.Misfortune{{Call: "payout", Kind: "commit_then_drop"}, {Call: "payout.query", Kind: "http_502", Count: 4}}, ""},
		{"the merchant is short of money for a while", both, []simulator.Misfortune{{Call: "payout", Kind: "balance_short", Count: 2}}, ""},
		{"the notice is lost", transfer, []simulator.Misfortune{{Call: "notice", Kind: "missing_notice", Count: 20}}, ""},
		{"the notice comes twice", transfer, []simulator.Misfortune{{Call: "notice", Kind: "duplicate_notice"}}, ""},
		{"a forged notice comes first", transfer, []simulator.Misfortune{{Call: "notice", Kind: "forged_notice"}}, ""},
		{"a stale notice comes first", transfer, []simulator.Misfortune{{Call: "notice", Kind: "forged_notice", Code: "stale"}}, ""},
		{"the notice comes before the answer", transfer, []simulator.Misfortune{{Call: "payout", Kind: "notice_before_answer"}}, ""},
		{"the person never takes it", both, []simulator.Misfortune{{Call: "payout", Kind: "user_never_confirms"}}, redpacket.Returned},
		{"the person cannot receive", both, []simulator.Misfortune{{Call: "payout", Kind: "user_blocks"}}, redpacket.Failed},
	}
	for _, rail := range both {
		t.Run(rail, func(t *testing.T) {
			for _, c := range cases {
				if rail == brand.RailRedpack && len(c.rails) == 1 {
					continue // red packets have no notices and no signed answers
				}
				t.Run(c.name, func(t *testing.T) {
					dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { misfortune(t, d, clk, rail, c.bad, c.want) })
				})
			}
		})
	}
}

func misfortune(t *testing.T, d *db.DB, clk *clock.Fake, rail string, bad []simulator.Misfortune, want string) {
	patience := 30 * time.Second
	for _, m := range bad {
		if m.Kind == "delay" { // a delayed answer must look like none
			patience = m.Delay / 2
		}
	}
	r := newRigWith(t, d, clk, rail, patience)
	for _, m := range bad {
		if err := r.sim.SetMisfortune(m); err != nil {
			t.Fatal(err)
		}
	}
	if want == "" {
		want = redpacket.Settled
	}
	p := r.claim(1)
	before := r.sim.BalanceFen(r.merchant.MchID)
	got := r.until(p, want, r.collect)
	if got.BillNo != p.BillNo || got.AmountFen != p.AmountFen {
		t.Errorf("bill or amount changed: %s %d -> %s %d", p.BillNo, p.AmountFen, got.BillNo, got.AmountFen)
	}
	if left := r.sim.Misfortunes(); len(left) > 0 && left[0].Kind != "missing_notice" {
		t.Errorf("the misfortune never happened: %+v", left)
	}
	paid := before - r.sim.BalanceFen(r.merchant.MchID)
	if (want == redpacket.Settled) != (paid == 188) || (want != redpacket.Settled && paid != 0) {
		t.Errorf("the merchant is out %d fen after %s", paid, want)
	}
	// Whatever still arrives changes nothing.
	clk.Advance(48 * time.Hour)
	for r.step() > 0 {
		clk.Advance(time.Hour)
	}
	again, err := r.Packets.Get(context.Background(), p.ID)
	if err != nil || again.State != want || again.Review {
		t.Errorf("afterwards %s review=%v (%s %s), %v", again.State, again.Review, again.Code, again.Reason, err)
	}
	r.books()
}

func TestLimitsDelayAndNeverLose(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		r := newRig(t, d, clk, brand.RailRedpack)
		var ps []redpacket.Payout
		for s := int64(1); s <= 12; s++ {
			ps = append(ps, r.claim(s))
		}
		today := clock.DayOf(clk.Now())
		count := func(state string) int {
			list, err := r.Packets.List(context.Background(), redpacket.Filter{State: state})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range list {
				if state == redpacket.Pending && (p.Code != "USER_DAY_LIMIT" || clock.DayOf(p.NextAt) == today) {
					t.Fatalf("a waiting packet says %s, next %s", p.Code, p.NextAt)
				}
			}
			return len(list)
		}
		for range 30 {
			r.step()
			r.collect(ps[0])
			clk.Advance(time.Minute)
		}
		if settled, waiting := count(redpacket.Settled), count(redpacket.Pending); settled != 10 || waiting != 2 {
			t.Fatalf("%d settled, %d wait for tomorrow", settled, waiting)
		}
		for _, p := range ps {
			r.until(p, redpacket.Settled, r.collect)
		}
		r.books()
	})
}

func TestAnEmptiedQueueLosesNothing(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		r := newRig(t, d, clk, brand.RailTransfer)
		p := r.claim(1)
		rows, err := r.Outbox.Due(ctx, 10)
		if err != nil || len(rows) != 1 {
			t.Fatal(len(rows), err)
		}
		// Handed to a queue that then forgot everything.
		if err := r.Outbox.MarkSent(ctx, rows[:1]); err != nil {
			t.Fatal(err)
		}
		if r.step() != 0 {
			t.Fatal("a sent row is due")
		}
		clk.Advance(3 * time.Minute)
		for _, ch := range r.cron.Chores() {
			if ch.Name == "requeue silent rows" {
				if err := ch.Do(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.until(p, redpacket.Settled, r.collect)
		r.books()
	})
}
