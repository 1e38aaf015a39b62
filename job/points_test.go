package job_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/job"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/message"
	"siyu/model/points"
	"siyu/model/tier"
)

// born says that a member's birthday is always today, in two pages.
type born struct{ first, second id.ID }

func (b born) BornOn(_ context.Context, _ clock.Day, after id.ID, _ int) ([]id.ID, id.ID, error) {
	if after == 0 {
		return []id.ID{b.first}, b.first, nil
	}
	return []id.ID{b.second}, 0, nil
}

func TestLoyalty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 4})
		people := identity.New(d)
		members := member.New(d, people)
		accounts := points.NewAccounts(d, w.Ledger, members)
		tiers := tier.New(d, members, accounts)
		who := func(openID string) id.ID {
			t.Helper()
			person, err := people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: openID})
			if err != nil {
				t.Fatal(err)
			}
			m, err := members.Of(ctx, person)
			if err != nil {
				t.Fatal(err)
			}
			return m.ID
		}
		known := who("o-lin")
		stranger, err := members.Of(ctx, d.NewID())
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(err)
		l := &job.Loyalty{Points: accounts, Tiers: tiers, Messages: message.New(d, w.Outbox), Address: job.Addresses(w.Brands, members), Brands: w.Brands,
			Birthdays: born{known, stranger.ID}, Clock: clk, PublicURL: "https://public.test"}
		chores := map[string]func(context.Context) error{}
		for _, c := range l.Chores() {
			chores[c.Name] = c.Do
		}
		run := func(names ...string) {
			t.Helper()
			for _, n := range names {
				if chores[n] == nil {
					t.Fatalf("no chore %q", n)
				}
				must(chores[n](ctx))
			}
		}
		said := func() (texts []string) {
			t.Helper()
			must(d.Read(ctx).Raw("SELECT text FROM message ORDER BY created_at").Scan(&texts).Error)
			return texts
		}
		_, err = accounts.SaveRules(ctx, points.Rules{BrandID: w.Brand.ID, Expiry: points.Expiry{Kind: points.Months, N: 1}, Earn: []points.Earn{{On: points.OnBirthday, Points: 8}}})
		must(err)
		_, err = tiers.Save(ctx, tier.Table{BrandID: w.Brand.ID, PeriodMonths: 1, Down: tier.DownOne, Grow: []tier.Grow{{On: tier.OnOrder, Growth: 1}},
			Levels: []tier.Level{{Name: "普通", MultiplierBP: 10_000}, {Name: "金卡", Threshold: 100, Keep: 100, MultiplierBP: 15_000}}})
		must(err)
		clk.Advance(time.Minute)
		for i, m := range []id.ID{known, stranger.ID} {
			must(d.InTx(ctx, func(tx *gorm.DB) error {
				return w.Points.EarnTx(ctx, tx, points.Earning{Key: fmt.Sprint("k", i), BrandID: w.Brand.ID, MemberID: m, Points: 120, Memo: "扫码积分"})
			}))
		}
		t.Run("points of members nobody asked about become lots, and who can be written to is told before they end", func(t *testing.T) {
			run("make lots of the day's points", "warn of points that expire")
			if len(said()) != 0 {
				t.Fatal("too early", said())
			}
			clk.Set(clock.From(time.Date(2026, 12, 10, 23, 0, 0, 0, clock.Shanghai)))
			run("warn of points that expire")
			if len(said()) != 0 {
				t.Fatal("at night", said())
			}
			clk.Advance(12 * time.Hour)
			run("warn of points that expire", "warn of points that expire")
			if got := said(); len(got) != 1 || !strings.Contains(got[0], "120 积分可用至 2026-12-31") || !strings.Contains(got[0], "https://public.test/points") {
				t.Fatal(got)
			}
		})
		t.Run("who will lose a level is told what he loses, and then loses it", func(t *testing.T) {
			must(tiers.Grow(ctx, tier.Fact{Key: "o", BrandID: w.Brand.ID, MemberID: known, On: tier.OnOrder, AmountFen: 10_000, Memo: "购物"}))
			clk.Advance(24 * time.Hour)
			run("warn of levels that end")
			clk.Advance(24 * time.Hour)
			run("warn of levels that end", "warn of levels that end")
			if got := said(); len(got) != 2 || !strings.Contains(got[1], "再获得 100 成长值即可保级") || !strings.Contains(got[1], "扫码积分 1.5 倍") {
				t.Fatal(got)
			}
			clk.Advance(40 * 24 * time.Hour)
			run("end periods of levels")
			var level int
			must(d.Read(ctx).Raw("SELECT level FROM tier_standing WHERE member_id = ?", known).Scan(&level).Error)
			if level != 0 {
				t.Fatal(level)
			}
		})
		t.Run("what ended is booked out, and a birthday gives once", func(t *testing.T) {
			run("release and expire points", "birthday points", "birthday points")
			for _, m := range []id.ID{known, stranger.ID} {
				if n, err := w.Points.Balance(ctx, m); err != nil || n != 8 {
					t.Fatal(n, err)
				}
			}
		})
		t.Run("a family that parts gets loans back by its wake-up", func(t *testing.T) {
			root := func(to id.ID) {
				must(d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", to, stranger.ID).Error
				}))
			}
			root(known)
			must(accounts.Spend(ctx, points.Spend{Key: "s", MemberID: known, Points: 12, Memo: "兑换"}))
			root(0)
			must(d.InTx(ctx, func(tx *gorm.DB) error {
				return w.Points.EarnTx(ctx, tx, points.Earning{Key: "later", BrandID: w.Brand.ID, MemberID: known, Points: 9, Memo: "扫码积分"})
			}))
			v, err := job.Regroup(accounts, tiers)(ctx, known)
			if err != nil || v != (job.Verdict{}) {
				t.Fatal(v, err)
			}
			run("return points of families that parted")
			for m, want := range map[id.ID]int64{known: 5, stranger.ID: 8} {
				if n, err := w.Points.Balance(ctx, m); err != nil || n != want {
					t.Error(m == known, n, err)
				}
			}
		})
	})
}
