package tally_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/tally"
)

type world struct {
	*testing.T
	d     *db.DB
	clk   *clock.Fake
	s     *tally.Store
	count *tally.Counter
	code  int64
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	s := tally.New(d)
	return &world{t, d, clk, s, tally.NewCounter(s), 0}
}

func (w *world) exec(stmt string, args ...any) {
	w.Helper()
	if err := w.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.Fatal(err)
	}
}

// scan stores a look at a code under an id that was made before.
func (w *world) scan(made id.ID, brand, product, member int64, province string, at clock.Instant) {
	w.Helper()
	w.code++
	w.exec(`INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at)
		VALUES (?,?,?,1,?,?,'',0,'',?,'','','','',?)`, made, brand, product, w.code, member, province, at)
}

func (w *world) entry(debit string, from int64, credit string, to, amount int64) {
	w.Helper()
	key := w.d.NewID()
	w.exec("INSERT INTO ledger_entry (id, entry_key, unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at) VALUES (?,?,'fen',?,?,?,?,?,'',?)",
		key, key.String(), debit, from, credit, to, amount, w.clk.Now())
}

func (w *world) run() {
	w.Helper()
	for {
		more, err := w.count.Run(context.Background())
		if err != nil {
			w.Fatal(err)
		}
		if !more {
			return
		}
	}
}

func (w *world) sum(brand id.ID, metric, kind, dim string) (n, amount int64) {
	w.Helper()
	got, err := w.s.Sum(context.Background(), brand, metric, kind, 0, w.clk.Now().Add(48*time.Hour))
	if err != nil {
		w.Fatal(err)
	}
	return got[dim].N, got[dim].Amount
}

func TestScansAreSeenWithinSeconds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		w.run()
		w.scan(d.NewID(), 1, 7, 5, "上海市", clk.Now())
		w.scan(d.NewID(), 1, 7, 0, "", clk.Now())
		clk.Advance(3 * time.Second)
		w.run()
		w.run()
		if n, members := w.sum(1, tally.Scan, tally.Day, ""); n != 2 || members != 1 {
			t.Fatal(n, members)
		}
		if n, _ := w.sum(1, tally.Scan, tally.Region, "上海市"); n != 1 {
			t.Error("上海市:", n)
		}
		if n, _ := w.sum(1, tally.Scan, tally.Product, "7"); n != 2 {
			t.Error("product 7:", n)
		}
		if n, _ := w.sum(2, tally.Scan, tally.Day, ""); n != 0 {
			t.Error("another brand's:", n)
		}
		if at, err := w.s.AsOf(context.Background()); err != nil || clk.Now().Sub(at) > 3*time.Second {
			t.Error("as of", at, "now", clk.Now(), err)
		}
	})
}

func TestWhatCommitsLateIsCountedOnceInTheEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		w.run()
		early, late, at := d.NewID(), d.NewID(), clk.Now()
		w.scan(early, 1, 7, 5, "", at)
		clk.Advance(5 * time.Second)
		w.run()
		w.scan(late, 1, 7, 5, "", at) // its transaction took longer
		clk.Advance(time.Minute)
		w.run()
		if n, _ := w.sum(1, tally.Scan, tally.Day, ""); n != 1 {
			t.Fatal("before the last look:", n)
		}
		clk.Advance(tally.Late + time.Minute)
		w.run()
		w.run()
		if n, _ := w.sum(1, tally.Scan, tally.Day, ""); n != 2 {
			t.Fatal("after the last look:", n)
		}
	})
}

func TestTwoProcessesCountARowOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		other := tally.NewCounter(w.s)
		for i := range 40 {
			w.scan(d.NewID(), 1, 7, 5, "", clk.Now())
			clk.Advance(time.Duration(i) * 7 * time.Second)
			ended := make(chan error, 2)
			for _, k := range []*tally.Counter{w.count, other} {
				go func() {
					_, err := k.Run(context.Background())
					ended <- err
				}()
			}
			for range 2 {
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			}
		}
		clk.Advance(time.Minute)
		w.run()
		if n, _ := w.sum(1, tally.Scan, tally.Day, ""); n != 40 {
			t.Fatal(n)
		}
	})
}

func TestMoneyIsTheBrandsAndTheCampaigns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		w.exec(`INSERT INTO campaign (id, brand_id, name, state, from_at, until_at, organiser, rules, wishing, account_id, cap_member_day, cap_member, cap_total, codes, spend_fen, won_fen, claimed, terms, seed, seed_hash, seed_revealed, version, created_at, published_at, ended_at)
			VALUES (70, 1, '', 'published', 0, 0, '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, '', '', '', '', 0, 0, 0, 0)`)
		w.entry("funds", 1, "reserved", 70, 1000)
		w.entry("reserved", 70, "promised", 70, 300)
		w.entry("promised", 70, "paid", 70, 200)
		w.entry("promised", 70, "funds", 1, 100)
		w.entry("reserved", 70, "funds", 1, 700)
		w.entry("issue", 1, "member", 5, 50)
		w.entry("member", 5, "issue", 1, 20)
		w.entry("member", 5, "spent", 1, 10)
		w.entry("spent", 1, "member", 5, 4)
		w.entry("member", 5, "member", 6, 3)
		w.entry("withdrawing", 9, "withdrawn", 1, 80)
		clk.Advance(time.Minute)
		w.run()
		for metric, want := range map[string]int64{tally.Reserved: 1000, tally.Won: 300, tally.Paid: 200, tally.Returned: 100, tally.Released: 700, tally.Issued: 30, tally.Spent: 6, tally.Withdrew: 80} {
			if _, got := w.sum(1, metric, tally.Day, ""); got != want {
				t.Errorf("%s: %d, want %d", metric, got, want)
			}
		}
		for metric, want := range map[string]int64{tally.Reserved: 1000, tally.Won: 300, tally.Paid: 200, tally.Returned: 100, tally.Released: 700} {
			if _, got := w.sum(1, metric, tally.Campaign, "70"); got != want {
				t.Errorf("campaign: %s: %d, want %d", metric, got, want)
			}
		}
	})
}

func TestOrdersLessRefundsAndNewMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		put := func(kind, body string) {
			key := d.NewID()
			w.exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?,?,?,1,5,'open',?,?,?)", key, key.String(), kind, clk.Now(), clk.Now(), []byte(body))
		}
		put("order", `{"order_no":"1","amount_fen":900}`)
		put("order", `{"order_no":"1","refund_no":"r","amount_fen":-200}`)
		put("order", ``)
		put("scan", `{"amount_fen":5}`)
		w.exec("INSERT INTO member (id, person_id, state, created_at) VALUES (?, 1, 'active', ?)", d.NewID(), clk.Now())
		clk.Advance(time.Hour)
		w.run()
		if n, fen := w.sum(1, tally.Order, tally.Day, ""); n != 1 || fen != 700 {
			t.Error(n, fen)
		}
		if n, _ := w.sum(0, tally.Member, tally.Slot, ""); n != 1 {
			t.Error("members:", n)
		}
	})
}

// TestTheTallyEqualsARecount: whatever the order of scans, runs, late commits and pauses,
// in the end the tally says what a count over the whole table says.
func TestTheTallyEqualsARecount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				w := newWorld(t, d, clk)
				w.code = int64(seed) * 1_000_000
				r := rand.New(rand.NewPCG(seed, 30))
				type waiting struct {
					id id.ID
					at clock.Instant
				}
				var late []waiting
				for range 150 {
					switch r.IntN(6) {
					case 0, 1:
						w.scan(d.NewID(), 1+r.Int64N(2), 7+r.Int64N(2), r.Int64N(2), []string{"", "上海市", "广东省"}[r.IntN(3)], clk.Now())
					case 2:
						late = append(late, waiting{d.NewID(), clk.Now()})
					case 3:
						w.run()
						if r.IntN(2) == 0 { // another process takes over
							w.count = tally.NewCounter(w.s)
						}
					case 4: // time passes, but no transaction stays open that long
						clk.Advance(time.Duration(r.Int64N(int64(3 * time.Minute))))
						for _, x := range late {
							w.scan(x.id, 1, 7, 1, "上海市", x.at)
						}
						late = nil
					case 5:
						if len(late) == 0 && r.IntN(10) == 0 { // nobody counts for hours
							clk.Advance(time.Duration(r.Int64N(int64(30 * time.Hour))))
						}
					}
				}
				for _, x := range late {
					w.scan(x.id, 1, 7, 1, "上海市", x.at)
				}
				clk.Advance(2 * tally.Late)
				w.run()
				for brand := int64(1); brand <= 2; brand++ {
					const day = "at - (at + 28800000) % 86400000"
					for kind, by := range map[string][2]string{tally.Slot: {"at - at % 600000", "''"}, tally.Day: {day, "''"}, tally.Region: {day, "province"}, tally.Product: {day, "product_id"}} {
						var want []tally.Point
						if err := d.Read(context.Background()).Raw("SELECT slot AS at, dim, COUNT(*) AS n, SUM(member_id) AS amount FROM (SELECT member_id, "+by[0]+" AS slot, "+by[1]+
							" AS dim FROM scan WHERE brand_id = ?) AS t GROUP BY slot, dim ORDER BY slot, dim", brand).Scan(&want).Error; err != nil {
							t.Fatal(err)
						}
						got, err := w.s.Points(context.Background(), id.ID(brand), tally.Scan, kind, 0, clk.Now())
						if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
							t.Fatalf("brand %d by %s (%v):\n%v\nwant\n%v", brand, kind, err, got, want)
						}
					}
				}
			})
		}
	})
}

func TestMembersWhoAreTakenBackAreNoLongerCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		join := func(person int) id.ID {
			made := d.NewID()
			w.exec("INSERT INTO member (id, person_id, state, created_at) VALUES (?, ?, 'active', ?)", made, person, clk.Now())
			return made
		}
		join(1)
		clk.Advance(11 * time.Minute)
		mistake := join(2)
		clk.Advance(48 * time.Hour)
		w.run()
		join(3)
		clk.Advance(time.Minute)
		w.run()
		w.exec("DELETE FROM member WHERE id = ?", mistake)
		for range 2 {
			if err := w.s.RecountMembers(context.Background()); err != nil {
				t.Fatal(err)
			}
			if n, _ := w.sum(0, tally.Member, tally.Day, ""); n != 2 {
				t.Error("by day:", n)
			}
			if n, _ := w.sum(0, tally.Member, tally.Slot, ""); n != 2 {
				t.Error("by ten minutes:", n)
			}
		}
	})
}
