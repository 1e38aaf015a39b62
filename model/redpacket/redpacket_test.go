package redpacket_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// cash makes every code win 1.88 yuan.
func cash(n int64) []campaign.Tier {
	return []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: n, MinFen: 188, MaxFen: 188}}
}

func payouts(t *testing.T, w *claimtest.World, n int64) []redpacket.Payout {
	t.Helper()
	var out []redpacket.Payout
	for s := int64(1); s <= n; s++ {
		c, err := w.Claims.Make(context.Background(), w.Code(t, s), claimtest.Who(id.ID(s)))
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Packets.OfClaim(context.Background(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestMachine(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 20, Tiers: cash(20)})
		ps := payouts(t, w, 8)
		apply := func(p redpacket.Payout, out string) redpacket.Payout {
			t.Helper()
			got, err := w.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: out, AmountFen: 188, WechatNo: "W1", Package: "pkg", WaitUser: true}, clk.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		begin := func(p redpacket.Payout) { t.Helper(); mustBegin(t, w, p.ID, true) }

		t.Run("bill numbers are short, plain and differ", func(t *testing.T) {
			seen := map[string]bool{}
			for _, p := range ps {
				if len(p.BillNo) > 28 || seen[p.BillNo] || p.BillNo[:10] != "SY20261121" {
					t.Fatal(p.BillNo)
				}
				seen[p.BillNo] = true
			}
		})
		t.Run("of two workers one begins", func(t *testing.T) {
			mustBegin(t, w, ps[0].ID, true)
			mustBegin(t, w, ps[0].ID, false)
		})
		t.Run("an answer to a payout that was never sent moves nothing", func(t *testing.T) {
			if p := apply(ps[1], redpacket.OutSettled); p.State != redpacket.Pending || !p.Review {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("the notice may come before the answer", func(t *testing.T) {
			begin(ps[2])
			if p := apply(ps[2], redpacket.OutSettled); p.State != redpacket.Settled || p.FinishedAt == 0 {
				t.Fatalf("%+v", p)
			}
			if p := apply(ps[2], redpacket.OutAccepted); p.State != redpacket.Settled || p.Review {
				t.Fatalf("a late answer moved it back: %+v", p)
			}
			if p := apply(ps[2], redpacket.OutSettled); p.State != redpacket.Settled || p.Review {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("what is not documented as final stays in sending", func(t *testing.T) {
			begin(ps[3])
			for _, out := range []string{redpacket.OutUnknown, redpacket.OutDelay, redpacket.OutNotFound, "nonsense"} {
				if p := apply(ps[3], out); p.State != redpacket.Sending || p.Review {
					t.Fatalf("%s: %+v", out, p)
				}
			}
			if p := apply(ps[3], redpacket.OutHold); p.State != redpacket.Sending || !p.Review {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("another amount holds the payout for a person", func(t *testing.T) {
			begin(ps[4])
			p, err := w.Packets.Apply(ctx, ps[4].ID, redpacket.Answer{Out: redpacket.OutSettled, AmountFen: 189}, 0)
			if err != nil || p.State != redpacket.Sending || !p.Review || p.Code != "AMOUNT_MISMATCH" {
				t.Fatalf("%+v %v", p, err)
			}
		})
		t.Run("unknown for too long marks what still is unknown, and nothing that ended meanwhile", func(t *testing.T) {
			for p, want := range map[redpacket.Payout]bool{ps[0]: true, ps[2]: false} { // sending; settled
				if err := w.Packets.MarkUnknown(ctx, p.ID, "x"); err != nil {
					t.Fatal(err)
				}
				if got, err := w.Packets.Get(ctx, p.ID); err != nil || got.Review != want {
					t.Fatalf("%+v %v", got, err)
				}
			}
		})
		t.Run("a contradiction after the end is kept for a person and moves no money", func(t *testing.T) {
			begin(ps[5])
			apply(ps[5], redpacket.OutReturned)
			if p := apply(ps[5], redpacket.OutSettled); p.State != redpacket.Returned || !p.Review {
				t.Fatalf("%+v", p)
			}
		})
		t.Run("a waiting transfer says until when, and keeps its package while it waits", func(t *testing.T) {
			begin(ps[6])
			p := apply(ps[6], redpacket.OutAccepted)
			if p.ConfirmBy() != p.MovedAt.Add(24*time.Hour) || p.PackageInfo != "pkg" {
				t.Fatalf("%+v", p)
			}
			p, err := w.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: redpacket.OutAccepted, WaitUser: true}, 0)
			if err != nil || p.PackageInfo != "pkg" {
				t.Fatal("a query without package lost it", err)
			}
		})
		t.Run("asking again is refused for a finished one", func(t *testing.T) {
			if _, err := w.Packets.AskAgain(ctx, ps[2].ID); fault.Of(err).Code != "payout_final" {
				t.Fatal(err)
			}
			if _, err := w.Packets.AskAgain(ctx, ps[6].ID); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("a payout that lost its wake-up is found", func(t *testing.T) {
			clk.Advance(time.Hour)
			if stuck, err := w.Packets.Stuck(ctx, clk.Now(), 10); err != nil || len(stuck) != 0 {
				t.Fatal(len(stuck), err)
			}
			rows, err := w.Outbox.Due(ctx, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.RefID == ps[7].ID {
					if err := w.Outbox.MarkDone(ctx, r.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			if stuck, err := w.Packets.Stuck(ctx, clk.Now(), 10); err != nil || len(stuck) != 1 || stuck[0].ID != ps[7].ID {
				t.Fatal(stuck, err)
			}
		})
		w.Audit(t)
	})
}

func mustBegin(t *testing.T, w *claimtest.World, payoutID id.ID, want bool) {
	t.Helper()
	if _, moved, err := w.Packets.Begin(context.Background(), payoutID); err != nil || moved != want {
		t.Fatal(moved, err)
	}
}
