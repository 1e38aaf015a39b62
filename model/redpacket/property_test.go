package redpacket_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/redpacket"
)

const (
	propCodes   = 48
	propMembers = 8
	propCap     = 4
	propBlocked = propMembers // this member is shut out
)

// walk is one random walk: what is real beside what the model says.
type walk struct {
	*claimtest.World
	ctx   context.Context
	rng   *rand.Rand
	want  *book
	bills map[int64]redpacket.Payout // by serial, as promised
	// late is the claiming of another process, whose caches nobody refreshes but itself.
	late      *claim.Store
	lateCache *campaign.Store
}

func newWalk(t *testing.T, engine string, seed uint64, broken string) *walk {
	t.Helper()
	clk := clock.NewFake(dbtest.Start)
	w := &walk{ctx: context.Background(), rng: rand.New(rand.NewPCG(seed, 20261121)), bills: map[int64]redpacket.Payout{}}
	w.World = claimtest.New(t, dbtest.Open(t, engine, clk), clk, claimtest.Setup{Codes: propCodes, Tiers: []campaign.Tier{
		// Every code wins, so that the walk is the same for a seed whatever the draw.
		{Name: "红包", Kind: campaign.Cash, Winners: propCodes, MinFen: 100, MaxFen: 900, TotalFen: propCodes * 288, Points: 5},
	}, Edit: func(f *campaign.Form) { f.CapMember, f.UntilAt = propCap, clk.Now().Add(90*time.Minute) }})
	w.People.Shut[propBlocked] = true
	w.lateCache = campaign.New(w.DB, w.Box, w.Ledger, w.Brands)
	w.late = claim.New(w.DB, w.lateCache, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, w.People)
	if err := w.lateCache.Refresh(w.ctx); err != nil {
		t.Fatal(err)
	}
	clk.Advance(10 * time.Minute) // a clock that jumps back must not reach the time before the activation
	w.want = newBook(w.Campaign, broken)
	return w
}

// step does one random thing to both sides. An error is a difference.
func (w *walk) step() error {
	w.Clock.Advance(time.Duration(w.rng.IntN(120)-20) * time.Second) // now and then the clock jumps back
	switch n := w.rng.IntN(100); {
	case n < 35:
		return w.claim(1+w.rng.Int64N(propCodes), 1+id.ID(w.rng.IntN(propMembers)))
	case n < 50:
		return w.begin()
	case n < 70:
		return w.answer()
	case n < 84:
		return w.notice()
	case n < 88:
		return w.move(w.Campaigns.Pause, campaign.Paused)
	case n < 95:
		if err := w.move(w.Campaigns.Resume, campaign.Published); err != nil {
			return err
		}
		return w.lateCache.Refresh(w.ctx)
	case n < 96: // at any moment, early as well as late
		return w.end()
	}
	n, err := w.Campaigns.EndDue(w.ctx, w.Clock.Now())
	if due := w.want.state != campaign.Ended && w.want.over(w.Clock.Now()); err == nil && (n == 1) != due {
		return fmt.Errorf("%d campaigns ended, due %v", n, due)
	} else if due {
		w.want.move(campaign.Ended)
	}
	return errors.Join(err, w.news())
}

// end ends the campaign. The other process may go on believing that it runs, which the
// database then refuses; that it is paused it would believe for ever.
func (w *walk) end() error {
	if err := w.move(w.Campaigns.End, campaign.Ended); err != nil {
		return err
	}
	return w.news()
}

func (w *walk) news() error {
	if w.lateCache.For(w.ctx, w.Batch.ID, 1, w.Clock.Now()).State == campaign.StandPaused {
		return w.lateCache.Refresh(w.ctx)
	}
	return nil
}

func (w *walk) claim(serial int64, member id.ID) error {
	tok, err := w.Codes.TokenOf(w.Batch.ID, serial)
	if err != nil {
		return err
	}
	c, err := w.Codes.Check(w.ctx, tok)
	if err != nil {
		return err
	}
	claims, late := w.Claims, w.rng.IntN(3) == 0
	if late {
		claims = w.late
	}
	got, err := claims.Make(w.ctx, c, claimtest.Who(member))
	outcome := "made"
	if err != nil {
		outcome = fault.Of(err).Code
	} else if got.Again {
		outcome = "again"
	}
	want := w.want.mayClaim(serial, member, w.Clock.Now())
	if late && w.want.state != campaign.Published { // who does not know it yet may refuse for another reason
		running := *w.want
		running.state = campaign.Published
		if other := running.mayClaim(serial, member, w.Clock.Now()); other != "made" && outcome == other {
			return nil
		}
	}
	if outcome != want {
		return fmt.Errorf("claim of %d by %d: %s, want %s (%v)", serial, member, outcome, want, err)
	}
	if outcome != "made" {
		return nil
	}
	w.want.claim(serial, member, got.CashFen, got.Points, got.CampaignID != 0)
	if got.CashFen == 0 {
		return nil
	}
	w.bills[serial], err = w.Packets.OfClaim(w.ctx, got.ID)
	return err
}

// any picks one of the payouts there are.
func (w *walk) any() (serial int64, p redpacket.Payout, ok bool) {
	if len(w.bills) == 0 {
		return 0, p, false
	}
	for {
		serial = 1 + w.rng.Int64N(propCodes)
		if p, ok = w.bills[serial]; ok {
			return serial, p, true
		}
	}
}

func (w *walk) begin() error {
	serial, p, ok := w.any()
	if !ok {
		return nil
	}
	_, moved, err := w.Packets.Begin(w.ctx, p.ID)
	if want := w.want.begin(serial); err == nil && moved != want {
		err = fmt.Errorf("begin of %d moved %v, want %v", serial, moved, want)
	}
	return err
}

var outs = []string{redpacket.OutAccepted, redpacket.OutAccepted, redpacket.OutSettled, redpacket.OutReturned, redpacket.OutFailed,
	redpacket.OutUnknown, redpacket.OutDelay, redpacket.OutHold, redpacket.OutNotFound}

// answer is what a call of ours got, now and then about another amount.
func (w *walk) answer() error {
	serial, p, ok := w.any()
	if !ok {
		return nil
	}
	out, amount := outs[w.rng.IntN(len(outs))], p.AmountFen
	if w.rng.IntN(8) == 0 {
		amount++
	}
	w.want.told(serial, out, amount == p.AmountFen)
	_, err := w.Packets.Apply(w.ctx, p.ID, redpacket.Answer{Out: out, AmountFen: amount, WaitUser: true}, w.Clock.Now())
	return err
}

// notice is what WeChat says by itself: before our call, after it, twice, out of order;
// now and then with the keys of a merchant that does not pay this bill.
func (w *walk) notice() error {
	serial, p, ok := w.any()
	if !ok {
		return nil
	}
	r := redpacket.Report{BillNo: p.BillNo, Out: outs[w.rng.IntN(5)], OpenID: p.OpenID, AmountFen: p.AmountFen}
	body, err := r.Body()
	if err != nil {
		return err
	}
	by, foreign := w.Merchant.ID, w.rng.IntN(6) == 0
	if foreign {
		by = w.Official.ID
	} else {
		w.want.told(serial, r.Out, true)
	}
	for range 1 + w.rng.IntN(2) {
		if _, err := w.Packets.ApplyReport(w.ctx, by, body); (err == nil) == foreign {
			return fmt.Errorf("report on %d, foreign %v: %w", serial, foreign, err)
		}
	}
	return nil
}

func (w *walk) move(do func(context.Context, id.ID) (campaign.Campaign, error), to string) error {
	_, err := do(w.ctx, w.Campaign.ID)
	if want := w.want.move(to); (err == nil) != want {
		return fmt.Errorf("campaign to %s: %v, want %v", to, err, want)
	}
	return nil
}

// Whatever order claims, sends, answers, notices, refunds, pauses and the end of the
// campaign come in, every row and every account is what the model says after each step.
func TestRandomInterleavings(t *testing.T) {
	for _, engine := range dbtest.Engines() {
		for _, seed := range []uint64{1, 2, 3} {
			t.Run(fmt.Sprintf("%s/seed_%d", engine, seed), func(t *testing.T) {
				w := newWalk(t, engine, seed, "")
				for step := range 160 {
					err := w.step()
					if err = errors.Join(err, w.compare()); err != nil {
						t.Fatalf("step %d: %v", step, err)
					}
				}
				w.Audit(t)
				if _, err := w.Campaigns.End(w.ctx, w.Campaign.ID); err != nil {
					t.Fatal(err)
				}
				w.drawn(t)
			})
		}
	}
}

// drawn recomputes every claimed prize from the revealed seed.
func (w *walk) drawn(t *testing.T) {
	t.Helper()
	c, err := w.Campaigns.Get(w.ctx, w.Campaign.ID)
	if err != nil {
		t.Fatal(err)
	}
	for serial, got := range w.want.claims {
		if !got.drawn {
			continue
		}
		p, err := campaign.Recompute(c, c.SeedRevealed, w.Batch.ID, serial)
		if err != nil || p.AmountFen != got.cash {
			t.Errorf("code %d won %d, the seed says %d (%v)", serial, got.cash, p.AmountFen, err)
		}
	}
}

// A comparison that cannot fail proves nothing: each of these models is wrong in one
// rule, and walks that are right must be told apart from it.
func TestAWrongModelIsNoticed(t *testing.T) {
	for _, broken := range []string{"returned money stays promised", "a late answer moves back", "one claim more than the cap", "the end releases nothing",
		"another amount settles", "a paused campaign pays"} {
		t.Run(broken, func(t *testing.T) {
			for seed := uint64(1); seed <= 4; seed++ {
				w := newWalk(t, db.SQLite, seed, broken)
				for range 160 {
					if err := errors.Join(w.step(), w.compare()); err != nil {
						return
					}
				}
			}
			t.Fatal("four walks agreed with it")
		})
	}
}
