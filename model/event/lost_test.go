package event

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/outbox"
)

// message is a push's message to somebody.
func message(key string, member id.ID, at clock.Instant) Event {
	return Event{Key: key, Type: MessageSent, BrandID: 1, MemberID: member, Channel: WeChat, At: at, Body: json.RawMessage(`{"message":"push:9","title":"到货","account_id":"5"}`)}
}

// TestLose: what did not arrive is taken back by one event of its own, however often that is
// told, and nothing else is.
func TestLose(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, now := context.Background(), clk.Now()
		s := New(d, outbox.New(d))
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		lose := func(want bool, keys ...string) {
			t.Helper()
			clk.Advance(time.Minute)
			must(d.InTx(ctx, func(tx *gorm.DB) error {
				some, err := s.LoseTx(ctx, tx, keys, "blocked")
				if some != want {
					t.Errorf("%v: something is told: %v", keys, some)
				}
				return err
			}))
		}
		standing := func(members ...id.ID) string {
			t.Helper()
			list, err := s.Timeline(ctx, members, nil, Cursor{}, 0)
			must(err)
			list, err = s.Standing(ctx, list)
			must(err)
			var keys []string
			for _, e := range list {
				keys = append(keys, e.Key)
			}
			slices.Sort(keys)
			return strings.Join(keys, " ")
		}
		_, err := s.Put(ctx, []Event{message("push:1", 7, now), message("push:2", 7, now), message("push:3", 8, now), login("login:1", 7, now), message("push:4", 9, now)})
		must(err)
		must(d.InTx(ctx, func(tx *gorm.DB) error { _, err := s.EraseTx(ctx, tx, []id.ID{9}); return err }))

		lose(false, "push:99", "login:1", "push:4") // never sent, no message, of nobody any more
		if got := standing(7, 8); got != "login:1 push:1 push:2 push:3" {
			t.Errorf("%s stand", got)
		}
		told := map[string]int{}
		s.Consume("test", func(_ context.Context, events []Event) error {
			for _, e := range events {
				told[e.Key]++
			}
			return nil
		})
		lose(true, "push:3", "push:1", "push:1")
		lose(false, "push:1", "push:3") // told again
		lose(false)
		if got := standing(7, 8); got != "login:1 lost:push:1 lost:push:3 push:2" {
			t.Errorf("%s stand", got)
		}
		lost, err := s.Get(ctx, LostKey("push:1"))
		must(err)
		if lost.Type != MessageLost || lost.MemberID != 7 || lost.BrandID != 1 || lost.Channel != WeChat || lost.At <= now ||
			!strings.Contains(string(lost.Body), `"reason":"blocked"`) || !strings.Contains(string(lost.Body), `"message":"push:9"`) {
			t.Errorf("%+v %s", lost, lost.Body)
		}
		var batches []id.ID
		must(d.Read(ctx).Raw("SELECT id FROM event_batch").Scan(&batches).Error)
		for _, b := range batches {
			must(s.Deliver(ctx, b))
		}
		if told["lost:push:1"] != 1 || told["lost:push:3"] != 1 {
			t.Errorf("others are told of %v", told)
		}
		if slices.Contains(Deeds(), MessageLost) || slices.Contains(Reportable(), MessageLost) {
			t.Error("that a message is lost is nobody's deed, and no partner's word")
		}
		if n, err := s.ActiveSince(ctx, []id.ID{8}, now); n != 0 || err != nil {
			t.Errorf("%d did something: %v", n, err)
		}
		must(d.InTx(ctx, func(tx *gorm.DB) error { _, err := s.EraseTx(ctx, tx, []id.ID{7}); return err }))
		lose(false, "push:1", "push:2") // what is left of it is its key
		if got := standing(7); got != "" {
			t.Errorf("%s stand of somebody who was erased", got)
		}
	})
}

// TestLoseMany: more than one batch, as a mass send that WeChat's review refuses.
func TestLoseMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d, outbox.New(d))
		var list []Event
		var keys []string
		for n := range 2*lostOnce + 1 {
			list = append(list, message("push:"+id.ID(n+1).String(), id.ID(n+1), clk.Now()))
			keys = append(keys, list[n].Key)
		}
		if _, err := s.Put(ctx, list); err != nil {
			t.Fatal(err)
		}
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			some, err := s.LoseTx(ctx, tx, keys, "")
			if !some {
				t.Error("nothing is told")
			}
			return err
		})
		if n := count(t, d, "event WHERE type = 'message_lost'"); err != nil || n != len(keys) {
			t.Errorf("%d of %d are taken back: %v", n, len(keys), err)
		}
		if left, err := s.Standing(ctx, list); err != nil || len(left) != 0 {
			t.Errorf("%d stand: %v", len(left), err)
		}
	})
}
