package job_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/message"
	"siyu/model/redpacket"
	"siyu/model/withdrawal"
	"siyu/wechat/simulator"
)

// earner is the one person of these tests, whom the simulator knows.
type earner struct{ openID string }

func (e earner) Family(_ context.Context, m id.ID) ([]id.ID, error) { return []id.ID{m}, nil }
func (e earner) FamilyTx(_ *gorm.DB, m id.ID) ([]id.ID, error)      { return []id.ID{m}, nil }
func (e earner) BlockedAmong(context.Context, []id.ID) (map[id.ID]bool, error) {
	return nil, nil
}
func (e earner) OpenID(context.Context, id.ID, string) (string, error) { return e.openID, nil }
func (e earner) SameHuman(_ context.Context, a, b id.ID) (bool, error) { return a == b, nil }

// cashier is a rig with withdrawals.
type cashier struct {
	*rig
	books *commission.Accounts
	store *withdrawal.Store
}

func newCashier(t *testing.T, d *db.DB, clk *clock.Fake, rail string) *cashier {
	r := newRig(t, d, clk, rail)
	c := &cashier{rig: r, books: commission.NewAccounts(d, r.Ledger)}
	c.store = withdrawal.New(withdrawal.Deps{DB: d, Accounts: c.books, Packets: r.Packets, Members: earner{r.sim.OpenID(user, claimtest.AppID)}, Brands: r.Brands, Out: r.Outbox})
	c.must(d.InFreshTx(t.Context(), func(tx *gorm.DB) error {
		account, err := c.books.OpenTx(t.Context(), tx, r.Brand.ID, 77)
		if err != nil {
			return err
		}
		if err := c.books.AccrueTx(t.Context(), tx, account, 1000, "a", "佣金"); err != nil {
			return err
		}
		return c.books.SettleTx(t.Context(), tx, account, 1000, "s", "佣金")
	}))
	_, err := c.store.SavePolicy(t.Context(), withdrawal.Policy{BrandID: r.Brand.ID, AccountID: r.Merchant.ID, MinFen: 100, MaxFen: 10000, PerDay: 5,
		Tax: withdrawal.TaxFixed, TaxBP: 1000, JobType: "推广员"})
	c.must(err)
	return c
}

func (c *cashier) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// approved is a withdrawal of 6 yuan that is on its way: 5.40 after tax.
func (c *cashier) approved() redpacket.Payout {
	c.t.Helper()
	w, err := c.store.Request(context.Background(), c.Brand.ID, 77, 600, "k")
	c.must(err)
	w, err = c.store.Approve(context.Background(), w.ID, withdrawal.Decision{By: 1, TaxFen: &w.TaxFen})
	c.must(err)
	p, err := c.Packets.Get(context.Background(), w.PayoutID)
	c.must(err)
	return p
}

// ended compares the account, WeChat's bill and the invariants with how it must end.
func (c *cashier) ended(p redpacket.Payout, want string, balance int64) {
	c.t.Helper()
	ctx := context.Background()
	w, err := c.store.Get(ctx, p.ClaimID)
	c.must(err)
	a, err := c.books.Of(ctx, c.Brand.ID, 77)
	c.must(err)
	good := a.AvailableFen == 1000 && a.PaidFen == 0 && a.TaxFen == 0 && c.sim.BalanceFen(c.merchant.MchID) == balance
	if want == redpacket.Settled {
		want = withdrawal.Paid
		good = a.AvailableFen == 400 && a.PaidFen == 540 && a.TaxFen == 60 && c.sim.BalanceFen(c.merchant.MchID) == balance-540
	}
	if w.State != want || !good || a.HeldFen != 0 {
		c.t.Errorf("%s, want %s; %+v; the merchant has %d of %d", w.State, want, a, c.sim.BalanceFen(c.merchant.MchID), balance)
	}
	checks, err := insight.New(c.DB).Invariants(ctx, 100*24*time.Hour)
	c.must(err)
	for _, x := range checks {
		if !x.OK {
			c.t.Errorf("%s %s: %s", x.Name, x.Title, x.Detail)
		}
	}
	c.rig.books()
}

// Whatever WeChat does, a withdrawal is paid once or the balance is back, on both rails.
func TestWithdrawalsThroughMisfortunes(t *testing.T) {
	for _, rail := range []string{brand.RailRedpack, brand.RailTransfer} {
		for _, x := range []struct {
			name string
			bad  []simulator.Misfortune
			want string
		}{
			{"nothing goes wrong", nil, redpacket.Settled},
			{"WeChat pays and the connection drops", []simulator.Misfortune{{Call: "payout", Kind: "commit_then_drop"}}, redpacket.Settled},
			{"WeChat pays, and queries fail for a while", []simulator.Misfortune{{Call: "payout", Kind: "commit_then_500"}, {Call: "payout.query", Kind: "http_502", Count: 4}}, redpacket.Settled},
			{"the connection drops before anything happened", []simulator.Misfortune{{Call: "payout", Kind: "drop", Count: 3}}, redpacket.Settled},
			{"a code that nobody documented", []simulator.Misfortune{{Call: "payout", Kind: "unknown_code", Code: "268458547"}}, redpacket.Settled},
			{"the merchant is short of money for a while", []simulator.Misfortune{{Call: "payout", Kind: "balance_short", Count: 2}}, redpacket.Settled},
			{"the person never takes it", []simulator.Misfortune{{Call: "payout", Kind: "user_never_confirms"}}, redpacket.Returned},
			{"the person cannot receive", []simulator.Misfortune{{Call: "payout", Kind: "user_blocks"}}, redpacket.Failed},
		} {
			t.Run(rail+"/"+x.name, func(t *testing.T) {
				dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
					c := newCashier(t, d, clk, rail)
					for _, m := range x.bad {
						c.must(c.sim.SetMisfortune(m))
					}
					balance := c.sim.BalanceFen(c.merchant.MchID)
					p := c.approved()
					c.until(p, x.want, c.collect)
					c.ended(p, x.want, balance)
					clk.Advance(48 * time.Hour) // whatever still arrives changes nothing
					for c.step() > 0 {
						clk.Advance(time.Hour)
					}
					c.ended(p, x.want, balance)
				})
			})
		}
	}
}

// A process may die after any commit: what it leaves is what these begin with.
func TestWithdrawalsSurviveACrashBetweenCommitAndCall(t *testing.T) {
	ctx := context.Background()
	for name, crash := range map[string]func(c *cashier, p redpacket.Payout){
		"after the approval, the wake-up is lost with Redis": func(c *cashier, _ redpacket.Payout) {
			rows, err := c.Outbox.Due(ctx, 10)
			c.must(err)
			c.must(c.Outbox.MarkSent(ctx, rows))
			c.Clock.Advance(3 * time.Minute)
			for _, ch := range c.cron.Chores() {
				if ch.Name == "requeue silent rows" {
					c.must(ch.Do(ctx))
				}
			}
		},
		"after sending was committed, before the call": func(c *cashier, p redpacket.Payout) {
			_, _, err := c.Packets.Begin(ctx, p.ID)
			c.must(err)
		},
		"after the call, before its answer was recorded": func(c *cashier, _ redpacket.Payout) {
			c.must(c.sim.SetMisfortune(simulator.Misfortune{Call: "payout", Kind: "commit_then_drop"}))
		},
		"after the end was committed, the same is heard again": func(c *cashier, p redpacket.Payout) {
			c.until(p, redpacket.Settled, c.collect)
			_, err := c.Packets.Apply(ctx, p.ID, redpacket.Answer{Out: redpacket.OutSettled, AmountFen: p.AmountFen}, 0)
			c.must(err)
			c.must(c.DB.InTx(ctx, func(tx *gorm.DB) error { _, err := c.Outbox.PutTx(ctx, tx, redpacket.Task, p.ID, 0); return err }))
			c.step()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
				c := newCashier(t, d, clk, brand.RailTransfer)
				balance := c.sim.BalanceFen(c.merchant.MchID)
				p := c.approved()
				crash(c, p)
				c.until(p, redpacket.Settled, c.collect)
				c.ended(p, redpacket.Settled, balance)
			})
		})
	}
}

// said keeps messages.
type said []message.Message

func (s *said) Tell(_ context.Context, m message.Message) error { *s = append(*s, m); return nil }

func TestAPersonIsToldOfTheEndOfAWithdrawal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		c := newCashier(t, d, clk, brand.RailTransfer)
		var list said
		tell := job.Withdrawals(c.store, &list, func(context.Context, id.ID, id.ID) (id.ID, string, error) { return 3, "oX", nil })
		p := c.approved()
		if _, err := tell(t.Context(), p.ClaimID); err != nil || len(list) != 0 {
			t.Fatal("told of what is under way", list, err)
		}
		c.until(p, redpacket.Settled, c.collect)
		for range 2 {
			if _, err := tell(t.Context(), p.ClaimID); err != nil {
				t.Fatal(err)
			}
		}
		if len(list) != 2 || list[0].MessageKey != list[1].MessageKey || list[0].OpenID != "oX" || !strings.Contains(list[0].Text, "5.40 元") {
			t.Fatalf("%+v", list)
		}
		silent := job.Withdrawals(c.store, &list, func(context.Context, id.ID, id.ID) (id.ID, string, error) { return 0, "", nil })
		if _, err := silent(t.Context(), p.ClaimID); err != nil || len(list) != 2 {
			t.Fatal("wrote to nobody", list, err)
		}
	})
}
