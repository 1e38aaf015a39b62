package insight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// TestTagsAndPushesWaitForThoseWhoMayDecide: 9 is who asks, 8 somebody else.
func TestTagsAndPushesWaitForThoseWhoMayDecide(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m := newMorning(t, d, clk)
		const day = 24 * time.Hour
		tag := func(name string, owner, by int, reviewed time.Duration, proposal, pending string) {
			x := d.NewID()
			m.exec(`INSERT INTO tag (id, brand_id, class, category_id, name, kind, purpose, intended_use, owner_id, by_id, state, is_sensitive, roles, profiling, ttl_days, refresh_minutes, review_days, idle_days, version, rev, people, counted_at, used_at, reviewed_at, refresh_at, proposal, created_at, changed_at)
				VALUES (?,1,'basic',0,?,'fact','','',?,?,'running',0,'[]',0,0,0,90,30,1,1,0,0,?,?,0,?,0,0)`, x, name, owner, by, clk.Now().Add(-40*day), clk.Now().Add(-reviewed), proposal)
			if pending != "" {
				m.exec("INSERT INTO tag_version (tag_id, version, definition, state, by_id, created_at, decided_by, decided_at, note) VALUES (?,2,'{}','pending',?,?,0,0,'')", x, pending, clk.Now())
			}
		}
		push := func(state string, by int) {
			m.exec(`INSERT INTO push (id, brand_id, name, purpose, topic, worth, segment_id, list_id, timing, start_at, per_second, held_bp, content, why, state, version, people, expected, approved, freeze_no, holdout, segment_version, as_of, note, edited_by, submitted_by, decided_by, started_by, created_at, submitted_at, started_at, frozen_at, give_up_at, moved_at, finished_at)
				VALUES (?,1,'','marketing','',1,1,0,'at',?,0,0,'','',?,1,0,0,0,0,'',0,0,'',?,?,0,0,0,?,0,0,0,0,0)`, d.NewID(), clk.Now(), state, by, by, clk.Now())
		}
		tag("甲", 9, 9, 91*day, "", "")    // its owner should look at it
		tag("乙", 8, 8, 91*day, "没人用", "") // somebody else's
		tag("丙", 9, 8, day, "没人用", "")    // nobody uses it
		tag("丁", 8, 8, day, "", "8")      // he may decide
		tag("戊", 8, 8, day, "", "9")      // he wrote it
		tag("己", 8, 9, day, "", "8")      // he asked for it
		push("pending", 8)                // he may decide
		push("pending", 9)                // he submitted it
		push("missed", 9)                 // anybody who may send
		push("running", 8)
		got := map[string]int64{}
		list, err := m.s.Waiting(context.Background(), 1, 9, func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range list {
			got[w.Kind] = w.Count
		}
		if want := "map[push_approval:1 push_missed:1 tag_approval:1 tag_idle:1 tag_review:1]"; fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
	})
}
