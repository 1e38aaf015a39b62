package turnout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/campaign/turnout"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// put writes n claims of campaign 7, one a second, with a payout that settled for each.
func put(t *testing.T, d *db.DB, from, n int, at clock.Instant) {
	t.Helper()
	ctx := context.Background()
	claims := db.NewRows("claim", "id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at")
	scans := db.NewRows("scan", "id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at")
	for i := from; i < from+n; i++ {
		when := at.Add(time.Duration(i) * 7 * time.Millisecond)
		claims.Add(d.NewID(), 1, i+1, 1, 1, 1000+i%40, 7, 1+i%2, "cash", "红包", 100, 0, 20261121, when)
		scans.Add(d.NewID(), 1, 1, 1, i+1, 1000+i%40, "v", i, "genuine", []string{"广东省", "四川省", "广东省"}[i%3], "", "", "", "", when)
	}
	if err := d.InTx(ctx, func(tx *gorm.DB) error {
		if _, err := claims.Insert(ctx, tx, ""); err != nil {
			return err
		}
		if _, err := scans.Insert(ctx, tx, ""); err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO payout (id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no, wishing, act_name, state,
			wait_user, wechat_no, package_info, code, reason, attempts, review, created_at, moved_at, next_at, finished_at)
			SELECT id, id, brand_id, campaign_id, member_id, 1, 'transfer', 'wx', 'o', cash_fen, id, '', '', CASE WHEN tier = 1 THEN 'settled' ELSE 'returned' END,
			0, '', '', '', '', 1, 0, created_at, created_at, 0, created_at FROM claim WHERE serial > ? AND serial <= ?`, from, from+n).Error
	}); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, d *db.DB, at clock.Instant) {
	t.Helper()
	if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO campaign (id, brand_id, name, state, from_at, until_at, organiser, rules, wishing, account_id, cap_member_day, cap_member, cap_total, codes,
			spend_fen, won_fen, claimed, terms, seed, seed_hash, seed_revealed, version, created_at, published_at, ended_at)
			VALUES (7, 1, 'x', 'published', 1, 2, '', '', '', 0, 0, 0, 0, 1, 0, 0, 0, '', '', '', '', 0, 1, ?, 0)`, at).Error
	}); err != nil {
		t.Fatal(err)
	}
}

func TestEachClaimIsCountedOnce(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, begin := turnout.New(d), clk.Now()
		publish(t, d, begin)
		put(t, d, 0, 6001, begin) // more than a step
		read := func() turnout.Numbers {
			t.Helper()
			n, err := s.Of(ctx, 7)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		want := func(n turnout.Numbers, claims int64) {
			t.Helper()
			var hours, tiers, payouts int64
			for _, h := range n.Hours {
				hours += h.Claims
			}
			for _, x := range n.Tiers {
				tiers += x.Claims
			}
			for _, p := range n.Payouts {
				payouts += p.Count
			}
			if n.Claims != claims || hours != claims || tiers != claims || payouts != claims || n.Tiers[0].Claims != (claims+1)/2 {
				b, _ := json.Marshal(n)
				t.Fatalf("want %d: %s", claims, b)
			}
		}
		want(read(), 6001) // before anything was counted
		clk.Advance(time.Minute)
		var all sync.WaitGroup
		for range 4 { // several processes
			all.Go(func() {
				for range 3 {
					if err := s.Round(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		put(t, d, 6001, 50, begin) // these came later
		n := read()
		want(n, 6051)
		if n.Members != 40 || len(n.Regions) != 2 || n.Regions[0].Province != "广东省" || n.RegionAsOf == 0 {
			t.Fatalf("%d members, %+v", n.Members, n.Regions)
		}
		clk.Advance(time.Minute)
		if err := s.Round(ctx); err != nil {
			t.Fatal(err)
		}
		n = read()
		want(n, 6051)
		if sum := n.Regions[0].Claims + n.Regions[1].Claims; sum != 6051 {
			t.Fatalf("%d claims have a place", sum)
		}
	})
}

func TestMembersAreEstimatedWithinFivePerCent(t *testing.T) {
	for _, n := range []int{0, 1, 100, 5000, 200_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			if got := turnout.Estimate(n); float64(got) < 0.95*float64(n) || float64(got) > 1.05*float64(n) {
				t.Fatalf("%d members are taken for %d", n, got)
			}
		})
	}
}
