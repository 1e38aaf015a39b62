package event

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/outbox"
)

type town struct {
	t   *testing.T
	d   *db.DB
	clk *clock.Fake
	s   *Store
}

func newTown(t *testing.T, d *db.DB, clk *clock.Fake) *town {
	return &town{t, d, clk, New(d, outbox.New(d))}
}

func (w *town) exec(stmt string, args ...any) {
	w.t.Helper()
	if err := w.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.t.Fatal(err)
	}
}

// scan and claim commit rows whose ids were made before.
func (w *town) scan(row, member id.ID, serial int64, city string) {
	w.t.Helper()
	w.exec(`INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at)
		VALUES (?,1,2,3,?,?,?,?,'genuine','山东',?,'36.1,120.4','10.0.0.1','UA',?)`, row, serial, member, "v"+row.String(), serial, city, w.clk.Now())
}

func (w *town) claim(row, member id.ID, serial int64) {
	w.t.Helper()
	w.exec(`INSERT INTO claim (id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at)
		VALUES (?,3,?,1,2,?,4,1,'cash','红包',188,5,20261121,?)`, row, serial, member, w.clk.Now())
}

func (w *town) project(p *Projector) {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = p.Run(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *town) keys(from string) (keys []string) {
	w.t.Helper()
	if err := w.d.Read(context.Background()).Raw("SELECT event_key FROM event WHERE type = ? ORDER BY event_key", from).Scan(&keys).Error; err != nil {
		w.t.Fatal(err)
	}
	return keys
}

func TestProjectorTellsScansAndClaimsAsEvents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, ctx := newTown(t, d, clk), context.Background()
		p := NewProjector(w.s)
		s1, s2, anonymous, c1 := d.NewID(), d.NewID(), d.NewID(), d.NewID()
		w.scan(s1, 7, 11, "青岛")
		w.scan(anonymous, 0, 11, "北京")
		w.scan(s2, 8, 11, "上海")
		w.claim(c1, 7, 11)
		clk.Advance(settle + tick)
		w.project(p)
		t.Run("with what is known, by their schemas, and no exact place", func(t *testing.T) {
			list, err := w.s.Timeline(ctx, []id.ID{7}, nil, Cursor{}, 10)
			if err != nil || len(list) != 2 {
				t.Fatal(list, err)
			}
			slices.SortFunc(list, func(a, b Event) int { return len(a.Type) - len(b.Type) })
			for i, want := range []string{
				`{"product_id":"2","batch_id":"3","serial":11,"verdict":"genuine","province":"山东","city":"青岛"}`,
				`{"product_id":"2","batch_id":"3","serial":11,"campaign_id":"4","kind":"cash","prize":"红包","cash_fen":188,"points":5,"province":"山东","city":"青岛"}`,
			} {
				if string(list[i].Body) != want || list[i].At != dbtest.Start || list[i].BrandID != 1 {
					t.Errorf("%+v\n%s", list[i], list[i].Body)
				}
				if err := list[i].check(clk.Now()); err != nil {
					t.Error(err)
				}
			}
		})
		t.Run("nobody's scan is no event", func(t *testing.T) {
			if keys := w.keys(Scan); len(keys) != 2 || slices.Contains(keys, "scan:"+anonymous.String()) {
				t.Error(keys)
			}
		})
		t.Run("looking again stores nothing", func(t *testing.T) {
			before := count(t, d, "event_batch")
			w.project(NewProjector(w.s)) // another process: the lease is not its own
			clk.Advance(2 * lease)
			w.project(NewProjector(w.s))
			clk.Advance(2 * Late)
			w.project(p)
			if n := count(t, d, "event"); n != 3 || count(t, d, "event_batch") != before {
				t.Error(n)
			}
		})
		t.Run("a row that commits after its neighbours were looked at is found", func(t *testing.T) {
			late, lateScan := d.NewID(), d.NewID()
			clk.Advance(time.Minute)
			w.project(p)
			w.claim(late, 8, 12)
			w.scan(lateScan, 8, 12, "济南")
			w.project(p)
			if slices.Contains(w.keys(Claim), "claim:"+late.String()) {
				t.Fatal("found at once: this test shows nothing")
			}
			clk.Advance(Late + keep)
			w.project(p)
			if !slices.Contains(w.keys(Claim), "claim:"+late.String()) || !slices.Contains(w.keys(Scan), "scan:"+lateScan.String()) {
				t.Error("missed")
			}
		})
		t.Run("when nothing happens nothing is written", func(t *testing.T) {
			state := func() (c []cursor) {
				if err := d.Read(ctx).Raw("SELECT * FROM event_source ORDER BY name").Scan(&c).Error; err != nil {
					t.Fatal(err)
				}
				return c
			}
			before := state()
			clk.Advance(2 * time.Second)
			w.project(p)
			if fmt.Sprint(state()) != fmt.Sprint(before) {
				t.Error("a cursor moved")
			}
		})
	})
}

// A brand that ran for months before it had events, and a day's rush: bounded windows.
func TestProjectorCatchesUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		var rows int
		burst := func(n int) {
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
				for part := range slices.Chunk(make([]struct{}, n), 1000) {
					many := db.NewRows("claim", "id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at")
					for range part {
						rows++
						many.Add(d.NewID(), 3, rows, 1, 2, 7, 4, 1, "cash", "红包", 188, 5, 20261121, clk.Now())
					}
					if _, err := many.Insert(context.Background(), tx, ""); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		clk.Advance(-300 * 24 * time.Hour)
		for range 30 {
			burst(7)
			clk.Advance(10 * 24 * time.Hour)
		}
		burst(2500) // within one tick: more than one look takes
		clk.Advance(time.Second)
		burst(2500)
		clk.Advance(settle + tick)
		w.project(NewProjector(w.s))
		if n := count(t, d, "event WHERE type = 'claim'"); n != rows {
			t.Fatalf("%d of %d", n, rows)
		}
		clk.Advance(Late * 3)
		w.project(NewProjector(w.s))
		if n := count(t, d, "event"); n != rows {
			t.Fatalf("%d of %d", n, rows)
		}
	})
}

// Rows commit late by anything up to Late, in processes whose clocks differ, while
// projectors of several processes look, give up and start anew.
func TestProjectorNeverMissesARow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		dice := rand.New(rand.NewPCG(3, 4))
		var mu sync.Mutex
		type open struct {
			row id.ID
			at  clock.Instant
		}
		var waiting []open
		made, serial := 0, int64(0)
		p := []*Projector{NewProjector(w.s), NewProjector(w.s)}
		commit := func(all bool) {
			mu.Lock()
			defer mu.Unlock()
			var left []open
			for _, o := range waiting {
				if all || clk.Now() >= o.at {
					serial++
					w.claim(o.row, 7, serial)
				} else {
					left = append(left, o)
				}
			}
			waiting = left
		}
		for range 120 {
			for range dice.IntN(4) {
				wait := time.Duration(dice.Int64N(int64(Late - settle - time.Minute)))
				if dice.IntN(3) > 0 {
					wait = 0
				}
				waiting = append(waiting, open{d.NewID(), clk.Now().Add(wait)})
				made++
			}
			commit(false)
			i := dice.IntN(2)
			switch dice.IntN(8) {
			case 0:
				p[i] = NewProjector(w.s) // a process died and another took its place
			case 1:
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_, _ = p[i].Run(ctx) // cut off
			default:
				w.project(p[i])
			}
			clk.Advance(time.Duration(dice.Int64N(int64(time.Minute))))
		}
		commit(true)
		for range 3 {
			clk.Advance(Late + keep + lease)
			w.project(p[0])
		}
		if n := count(t, d, "event WHERE type = 'claim'"); n != made || made == 0 {
			t.Errorf("%d events of %d claims", n, made)
		}
	})
}
