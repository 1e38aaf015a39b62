package redpacket_test

import (
	"context"
	"strings"
	"testing"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/redpacket"
)

func TestReports(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 10, Tiers: cash(10)})
		ps := payouts(t, w, 4)
		tell := func(p redpacket.Payout, by id.ID, edit func(*redpacket.Report)) (redpacket.Payout, error) {
			t.Helper()
			mustBegin(t, w, p.ID, true)
			r := redpacket.Report{BillNo: p.BillNo, Out: redpacket.OutSettled, WechatNo: "W", Code: "SUCCESS", OpenID: p.OpenID, AmountFen: p.AmountFen}
			edit(&r)
			body, err := r.Body()
			if err != nil {
				t.Fatal(err)
			}
			return w.Packets.ApplyReport(ctx, by, body)
		}
		t.Run("a report of the merchant that pays settles", func(t *testing.T) {
			if p, err := tell(ps[0], w.Merchant.ID, func(*redpacket.Report) {}); err != nil || p.State != redpacket.Settled {
				t.Fatal(p.State, err)
			}
		})
		t.Run("whoever holds the keys of another merchant number moves nothing", func(t *testing.T) {
			if _, err := tell(ps[1], w.Official.ID, func(*redpacket.Report) {}); fault.Of(err).Code != "payout_not_found" {
				t.Fatal(err)
			}
			if p, err := w.Packets.Get(ctx, ps[1].ID); err != nil || p.State != redpacket.Sending {
				t.Fatal(p.State, err)
			}
		})
		t.Run("a report about another person is kept for review", func(t *testing.T) {
			p, err := tell(ps[2], w.Merchant.ID, func(r *redpacket.Report) { r.OpenID = "o_somebody_else" })
			if err != nil || p.State != redpacket.Sending || !p.Review || p.Code != "RECEIVER_MISMATCH" {
				t.Fatalf("%+v %v", p, err)
			}
		})
		t.Run("a report without an amount settles nothing", func(t *testing.T) {
			p, err := tell(ps[3], w.Merchant.ID, func(r *redpacket.Report) { r.AmountFen = 0 })
			if err != nil || p.State != redpacket.Sending {
				t.Fatalf("%+v %v", p, err)
			}
		})
		w.Audit(t)
	})
}

// MySQL refuses a text that is too long for its column where SQLite takes it: an answer
// that cannot be stored would leave the payout undecided for ever.
func TestAnAnswerWithLongWordsIsStillKept(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 10, Tiers: cash(10)})
		p := payouts(t, w, 1)[0]
		mustBegin(t, w, p.ID, true)
		long := strings.Repeat("长", 1000)
		for out, want := range map[string]string{redpacket.OutUnknown: redpacket.Sending, redpacket.OutHold: redpacket.Sending} {
			got, err := w.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: out, Code: long, Reason: long, WechatNo: long}, clk.Now())
			if err != nil || got.State != want || got.Code == "" {
				t.Fatalf("%s: %+v %v", out, got.State, err)
			}
		}
		got, err := w.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: redpacket.OutSettled, Code: long, Reason: long, WechatNo: long}, clk.Now())
		if err != nil || got.State != redpacket.Settled {
			t.Fatal(got.State, err)
		}
	})
}
