package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
)

// login is the smallest event there is.
func login(key string, member id.ID, at clock.Instant) Event {
	return Event{Key: key, Type: Login, BrandID: 1, MemberID: member, Channel: Mini, At: at, Body: json.RawMessage(`{"app_id":"wx1"}`)}
}

func statuses(rs []Result) string {
	var parts []string
	for _, r := range rs {
		parts = append(parts, r.Status)
	}
	return strings.Join(parts, " ")
}

func count(t *testing.T, d *db.DB, from string) (n int) {
	t.Helper()
	if err := d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + from).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, now := context.Background(), clk.Now()
		s := New(d, outbox.New(d))
		put := func(t *testing.T, want string, events ...Event) []Result {
			t.Helper()
			rs, err := s.Put(ctx, events)
			if err != nil || statuses(rs) != want {
				t.Fatalf("%s, want %s (%v)", statuses(rs), want, err)
			}
			return rs
		}
		one := put(t, "stored", login("login:1", 7, now))[0]
		t.Run("the same fact again is a duplicate, however its JSON is written", func(t *testing.T) {
			again := login("login:1", 7, now)
			again.Body = json.RawMessage(` { "app_id" : "wx1" } `)
			if rs := put(t, "duplicate", again); rs[0].ID != one.ID {
				t.Error(rs)
			}
		})
		t.Run("other content under the key is a conflict and changes nothing", func(t *testing.T) {
			for name, change := range map[string]func(*Event){
				"body":   func(e *Event) { e.Body = json.RawMessage(`{"app_id":"wx2"}`) },
				"member": func(e *Event) { e.MemberID = 8 },
				"time":   func(e *Event) { e.At-- },
				"type":   func(e *Event) { e.Type, e.Body = Unfollow, json.RawMessage(`{"account_id":"4"}`) },
			} {
				e := login("login:1", 7, now)
				change(&e)
				t.Run(name, func(t *testing.T) { put(t, "conflict", e) })
			}
			if e, err := s.Get(ctx, "login:1"); err != nil || string(e.Body) != `{"app_id":"wx1"}` || e.MemberID != 7 || e.ID != one.ID {
				t.Errorf("%+v %v", e, err)
			}
		})
		t.Run("repeats within one call are told from what is new", func(t *testing.T) {
			other := login("a", 7, now)
			other.At--
			rs := put(t, "stored duplicate duplicate conflict stored", login("a", 7, now), login("login:1", 7, now), login("a", 7, now), other, login("b", 7, now))
			if rs[0].ID == 0 || rs[2].ID != rs[0].ID || rs[3].ID != rs[0].ID {
				t.Error(rs)
			}
		})
		t.Run("one that is wrong is named and nothing is stored", func(t *testing.T) {
			wrong := login("d", 7, now)
			wrong.Body = json.RawMessage(`{"app":"wx1"}`)
			_, err := s.Put(ctx, []Event{login("c", 7, now), wrong})
			if f := fault.Of(err); f == nil || f.Code != "event_invalid" || f.Detail["index"] != 1 || f.Detail["path"] != "body.app" {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, "c"); fault.KindOf(err) != fault.NotFound {
				t.Error(err)
			}
		})
		t.Run("more than a thousand in one call", func(t *testing.T) {
			var many []Event
			for i := range 2*Most + 10 {
				many = append(many, login(fmt.Sprint("many:", i), 9, now))
			}
			for _, want := range []string{Stored, Duplicate} {
				rs, err := s.Put(ctx, many)
				if err != nil || strings.Count(statuses(rs), want) != len(many) {
					t.Fatal(err, want)
				}
			}
			if n := count(t, d, "event WHERE member_id = 9"); n != len(many) {
				t.Error(n)
			}
		})
		t.Run("a transaction that fails stores nothing and tells nobody", func(t *testing.T) {
			events, batches, wakes := count(t, d, "event"), count(t, d, "event_batch"), count(t, d, "outbox")
			boom := errors.New("boom")
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				if _, err := s.PutTx(ctx, tx, []Event{login("never", 7, now)}); err != nil {
					t.Error(err)
				}
				return boom
			})
			if !errors.Is(err, boom) || count(t, d, "event") != events || count(t, d, "event_batch") != batches || count(t, d, "outbox") != wakes {
				t.Error("something stayed", err)
			}
		})
	})
}

// Many writers report the same facts at once, each in an order of his own.
func TestPutAtOnceStoresEachFactOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := New(d, outbox.New(d))
		const writers, facts = 8, 60
		var mu sync.Mutex
		stored := map[string]int{}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				var events []Event
				for i := range facts {
					events = append(events, login(fmt.Sprint("k", (i*7+w*13)%facts), 7, clk.Now()))
				}
				rs, err := s.Put(context.Background(), events)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				for i, r := range rs {
					if r.Status == Stored {
						stored[events[i].Key]++
					}
				}
			})
		}
		wg.Wait()
		for key, n := range stored {
			if n != 1 {
				t.Errorf("%s was stored %d times", key, n)
			}
		}
		if n := count(t, d, "event"); n != facts || len(stored) != facts {
			t.Errorf("%d rows, %d facts", n, len(stored))
		}
	})
}

func TestTimeline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, now := context.Background(), clk.Now()
		s := New(d, outbox.New(d))
		var events []Event
		for i := range 50 { // three members; five events of each moment
			events = append(events, login(fmt.Sprint("t", i), id.ID(1+i%3), now.Add(-time.Duration(i/5)*time.Minute)))
		}
		events = append(events, Event{Key: "r", Type: Review, BrandID: 1, MemberID: 1, Channel: Open, At: now, Body: json.RawMessage(`{"stars":5}`)})
		if _, err := s.Put(ctx, events); err != nil {
			t.Fatal(err)
		}
		t.Run("pages show everything of the family once, newest first, whatever comes meanwhile", func(t *testing.T) {
			var c Cursor
			last, seen := Event{At: 1 << 60}, map[string]bool{}
			for page := 0; ; page++ {
				list, err := s.Timeline(ctx, []id.ID{1, 2}, nil, c, 7)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list {
					if seen[e.Key] || e.At > last.At || e.At == last.At && e.ID >= last.ID || e.MemberID == 3 {
						t.Fatalf("%s after %s", e.Key, last.Key)
					}
					seen[e.Key], last = true, e
				}
				if len(list) < 7 {
					break
				}
				c = Cursor{last.At, last.ID}
				clk.Advance(time.Second)
				if _, err := s.Put(ctx, []Event{login(fmt.Sprint("new", page), 1, clk.Now())}); err != nil {
					t.Fatal(err)
				}
			}
			if len(seen) != 35 { // 17 of each member, and the review
				t.Errorf("%d events", len(seen))
			}
		})
		t.Run("by type", func(t *testing.T) {
			if list, err := s.Timeline(ctx, []id.ID{1, 2, 3}, []string{Review}, Cursor{}, 100); err != nil || len(list) != 1 || list[0].Key != "r" {
				t.Error(list, err)
			}
		})
	})
}
