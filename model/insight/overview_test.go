package insight_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/insight"
	"siyu/model/outbox"
	"siyu/model/tally"
)

func TestOverview(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := insight.New(d)
		read := func(t *testing.T) insight.Overview {
			t.Helper()
			o, err := s.Overview(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		t.Run("an empty installation counts nothing", func(t *testing.T) {
			if o := read(t); o.OutboxWaiting != 0 || len(o.Payouts) != 0 || o.OutboxOverdueS != 0 {
				t.Fatalf("%+v", o)
			}
		})
		t.Run("what waits too long is seen", func(t *testing.T) {
			out := outbox.New(d)
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				if _, err := out.PutTx(ctx, tx, "payout:drive", 1, clk.Now().Add(time.Hour)); err != nil {
					return err
				}
				_, err := out.PutTx(ctx, tx, "payout:drive", 2, 0)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			clk.Advance(90 * time.Second)
			if o := read(t); o.OutboxWaiting != 2 || o.OutboxOverdueS != 90 {
				t.Fatalf("%+v", o)
			}
		})
		t.Run("payouts are summed by state, and today begins at midnight in Shanghai", func(t *testing.T) {
			insert := func(n int, state string, review bool, at clock.Instant) {
				claim, payout := d.NewID(), d.NewID()
				err := d.InTx(ctx, func(tx *gorm.DB) error {
					if err := tx.Exec(`INSERT INTO claim (id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at)
						VALUES (?,1,?,1,1,1,1,0,'cash','',188,0,0,?)`, claim, n, at).Error; err != nil {
						return err
					}
					return tx.Exec(`INSERT INTO payout (id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no, wishing, act_name,
						state, wait_user, wechat_no, package_info, code, reason, attempts, review, created_at, moved_at, next_at, finished_at)
						VALUES (?,?,1,1,1,1,'','','',188,?,'','',?,0,'','','','',0,?,?,0,0,0)`, payout, claim, n, state, review, at).Error
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO brand (id, slug, name, code_host, upper_url, support_phone, created_at, updated_at) VALUES (1, 'a', '', '', 0, '', 0, 0)").Error
			}); err != nil {
				t.Fatal(err)
			}
			today, _ := clock.DayOf(clk.Now()).Bounds()
			insert(1, "settled", false, today)
			insert(2, "settled", false, today.Add(-time.Millisecond))
			insert(3, "sending", true, today.Add(time.Hour))
			clk.Advance(time.Minute)
			if _, err := tally.NewCounter(tally.New(d)).Run(ctx); err != nil {
				t.Fatal(err)
			}
			o := read(t)
			if o.ClaimsToday != 2 || o.PayoutsToReview != 1 || len(o.Payouts) != 2 || o.Payouts[1].Count != 2 || o.Payouts[1].AmountFen != 376 {
				t.Fatalf("%+v", o)
			}
		})
	})
}
