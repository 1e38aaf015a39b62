package job_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/outbox"
	"siyu/model/quiet"
	"siyu/wechat"
)

// voice is an account that speaks and remembers what it said.
type voice struct{ said []string }

func (v *voice) SendText(_ context.Context, _ wechat.App, openID, text string) error {
	v.said = append(v.said, openID+" "+text)
	return nil
}

func (v *voice) App(context.Context, id.ID) (wechat.App, error) { return wechat.App{}, nil }

func TestRemindersWaitForTheEndOfTheQuietHours(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		const brandID, accountID id.ID = 1, 2
		at := func(hour, minute int) {
			midnight, _ := clock.DayOf(clk.Now()).Bounds()
			clk.Set(midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
		}
		hours, messages, v := quiet.New(d), message.New(d, outbox.New(d)), &voice{}
		_, err := hours.Set(ctx, quiet.Hours{BrandID: brandID, FromMinute: 22 * 60, UntilMinute: 8 * 60})
		must(err)
		worker := job.NewMessages(messages, v, v)
		worker.UseQuiet(clk, func(ctx context.Context, _ id.ID, now clock.Instant) (clock.Instant, error) {
			h, err := hours.Of(ctx, brandID)
			return h.Until(now), err
		})
		send := func(messageID id.ID) job.Verdict {
			t.Helper()
			out, err := worker.Send(ctx, messageID)
			must(err)
			return out
		}
		tell := func(key string) id.ID {
			t.Helper()
			must(messages.Tell(ctx, message.Message{MessageKey: key, AccountID: accountID, OpenID: "o1", Text: key}))
			var found []id.ID
			must(d.Read(ctx).Raw("SELECT id FROM message WHERE message_key = ?", key).Scan(&found).Error)
			return found[0]
		}
		at(21, 59)
		send(tell("early"))
		at(23, 30)
		late := tell("late")
		if got := send(late); got.Again != 8*time.Hour+30*time.Minute || got.Why == "" {
			t.Fatalf("in the evening: %+v", got)
		}
		clk.Advance(8*time.Hour + 29*time.Minute) // past midnight
		if got := send(late); got.Again != time.Minute {
			t.Fatalf("a minute before: %+v", got)
		}
		if m, err := messages.Get(ctx, late); err != nil || m.State != message.Waiting || slices.Contains(v.said, "o1 late") {
			t.Fatal("it was said in the night", m, v.said, err)
		}
		clk.Advance(time.Minute)
		send(late)
		send(late) // the wake-up comes twice
		if !slices.Equal(v.said, []string{"o1 early", "o1 late"}) {
			t.Fatal(v.said)
		}
		// A brand that sets none has none.
		_, err = hours.Set(ctx, quiet.Hours{BrandID: brandID})
		must(err)
		at(23, 0)
		if got := send(tell("at night")); got.Again != 0 || len(v.said) != 3 {
			t.Fatal(got, v.said)
		}
	})
}
