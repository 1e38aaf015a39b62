package insight_test

import (
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/insight"
)

// TestStoryTellsWhichMessagesDidNotArrive, also where only sent messages are asked for.
func TestStoryTellsWhichMessagesDidNotArrive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, now := t.Context(), clk.Now()
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			rows := db.NewRows("event", "id, event_key, type, brand_id, member_id, channel, at, received_at, body")
			for i, e := range [][2]string{{"push:1", "message_sent"}, {"push:2", "message_sent"}, {"lost:push:2", "message_lost"}, {"login:1", "login"}} {
				rows.Add(d.NewID(), e[0], e[1], 1, 7, "wechat", now+clock.Instant(i), now, []byte(`{"message":"push:9"}`))
			}
			_, err := rows.Insert(ctx, tx, "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for kinds, want := range map[string]string{"": "login message_lost message_sent/lost message_sent", "message_sent": "message_sent/lost message_sent"} {
			f := insight.StoryFilter{Members: []id.ID{7}, Limit: 10}
			if kinds != "" {
				f.Kinds = []string{kinds}
			}
			list, err := insight.New(d).Story(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, c := range list {
				if got += " " + c.Kind; c.Lost {
					got += "/lost"
				}
			}
			if got != " "+want {
				t.Errorf("%q: %q, want %q", kinds, got, want)
			}
		}
	})
}
