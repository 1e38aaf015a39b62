package event

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/outbox"
)

// wakes are the batches that the outbox still has to deliver.
func wakes(t *testing.T, d *db.DB) (refs []id.ID) {
	t.Helper()
	if err := d.Read(context.Background()).Raw("SELECT ref_id FROM outbox WHERE task = ? AND state <> 2", Task).Scan(&refs).Error; err != nil {
		t.Fatal(err)
	}
	return refs
}

func TestDeliver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d, outbox.New(d))
		told := map[string]int{}
		broken := errors.New("broken")
		var bad error = broken
		note := func(name string) Consumer {
			return func(_ context.Context, events []Event) error {
				if name == "b" && bad != nil {
					return bad
				}
				for _, e := range events {
					told[name+e.Key]++
				}
				return nil
			}
		}
		s.Consume("a", note("a"))
		s.Consume("b", note("b"))
		s.Consume("c", note("c"))
		if _, err := s.Put(ctx, []Event{login("1", 7, clk.Now()), login("2", 7, clk.Now())}); err != nil {
			t.Fatal(err)
		}
		refs := wakes(t, d)
		if len(refs) != 1 {
			t.Fatal(refs)
		}
		t.Run("a consumer that fails holds up no other and is told again alone", func(t *testing.T) {
			for range 3 {
				if err := s.Deliver(ctx, refs[0]); !errors.Is(err, broken) {
					t.Fatal(err)
				}
			}
			if fmt.Sprint(told) != "map[a1:1 a2:1 c1:1 c2:1]" {
				t.Error(told)
			}
			bad = nil
			if err := s.Deliver(ctx, refs[0]); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(told) != "map[a1:1 a2:1 b1:1 b2:1 c1:1 c2:1]" {
				t.Error(told)
			}
		})
		t.Run("a batch that all have had is gone, and a late wake-up finds nothing to do", func(t *testing.T) {
			if n := count(t, d, "event_batch"); n != 0 {
				t.Error(n)
			}
			if err := s.Deliver(ctx, refs[0]); err != nil || told["a1"] != 1 {
				t.Error(err, told)
			}
		})
		t.Run("duplicates are told to nobody", func(t *testing.T) {
			if _, err := s.Put(ctx, []Event{login("1", 7, clk.Now())}); err != nil {
				t.Fatal(err)
			}
			if n := count(t, d, "event_batch"); n != 0 {
				t.Error(n)
			}
		})
	})
}

// Writers put events at once while workers deliver, fail half-way and are started anew
// with new stores. In the end every consumer has had every event.
func TestConsumersMissNothingWhateverCrashes(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		const writers, each = 4, 15
		var mu sync.Mutex
		told := map[string]map[string]int{"one": {}, "two": {}, "three": {}}
		dice := rand.New(rand.NewPCG(1, 2))
		crash := errors.New("crash")
		// process is one that was just started; it crashes before or after a consumer did
		// its work, as long as crashes are left.
		left := 200
		process := func() *Store {
			s := New(d, outbox.New(d))
			for name := range told {
				s.Consume(name, func(_ context.Context, events []Event) error {
					mu.Lock()
					defer mu.Unlock()
					fate := dice.IntN(4)
					if left--; left < 0 {
						fate = 3
					}
					if fate == 0 {
						return crash
					}
					for _, e := range events {
						told[name][e.Key]++
					}
					if fate == 1 {
						return crash
					}
					return nil
				})
			}
			return s
		}
		var writing, working sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				s := process()
				for i := range each {
					var events []Event
					for k := range 3 { // neighbours report some of the same facts
						events = append(events, login(fmt.Sprintf("w%d:%d", (w+k)%writers, i), 7, clk.Now()))
					}
					if _, err := s.Put(ctx, events); err != nil {
						t.Error(err)
					}
				}
			})
		}
		over := make(chan struct{})
		for range 3 {
			working.Go(func() {
				for last := false; ; {
					refs := wakes(t, d)
					for _, ref := range refs {
						if err := process().Deliver(ctx, ref); err == nil {
							if err := d.Read(ctx).Exec("UPDATE outbox SET state = 2 WHERE ref_id = ?", ref).Error; err != nil {
								t.Error(err)
							}
						} else if !errors.Is(err, crash) {
							t.Error(err)
							return
						}
					}
					if last && len(refs) == 0 {
						return
					}
					select {
					case <-over:
						last = true
					default:
					}
				}
			})
		}
		writing.Wait()
		close(over)
		working.Wait()
		for name, seen := range told {
			if len(seen) != writers*each {
				t.Errorf("%s was told of %d of %d", name, len(seen), writers*each)
			}
		}
		if n := count(t, d, "event_batch"); n != 0 {
			t.Errorf("%d batches are left", n)
		}
	})
}
