package progress_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/progress"
)

// put writes a row with what is named, everything else empty.
func put(t *testing.T, d *db.DB, table string, named map[string]any) {
	t.Helper()
	err := d.InTx(context.Background(), func(tx *gorm.DB) error {
		columns, err := tx.Migrator().ColumnTypes(table)
		if err != nil {
			return err
		}
		row := map[string]any{}
		for _, c := range columns {
			switch kind := strings.ToUpper(c.DatabaseTypeName()); {
			case strings.Contains(kind, "INT"):
				row[c.Name()] = 0
			case strings.Contains(kind, "BLOB"):
				row[c.Name()] = []byte{}
			default:
				row[c.Name()] = ""
			}
		}
		for k, v := range named {
			row[k] = v
		}
		return tx.Table(table).Create(row).Error
	})
	if err != nil {
		t.Fatal(table, err)
	}
}

func TestJobs(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := progress.New(d)
		now := clk.Now()
		put(t, d, "operator", map[string]any{"id": 7, "login": "wang", "name": "王"})
		put(t, d, "extract", map[string]any{"id": 1, "kind": "members", "reason": "盘点", "by_id": 7, "state": "running", "seen": 1000, "total": 4000, "done": 900, "created_at": now - 5000, "started_at": now - 2000})
		put(t, d, "export", map[string]any{"id": 2, "kind": "csv", "created_by": 7, "state": "ready", "from_serial": 1, "until_serial": 11, "done": 10, "created_at": now - 4000, "finished_at": now - 100, "expires_at": now + 1000})
		put(t, d, "crm_import", map[string]any{"id": 3, "name": "老会员", "created_by": 7, "state": "checked", "created_at": now - 3000})
		put(t, d, "referral_export", map[string]any{"id": 4, "by_id": 8, "state": "ready", "total": 5, "done": 5, "created_at": now - 3000, "finished_at": now - 50, "expires_at": now - 1})
		put(t, d, "rights_request", map[string]any{"id": 5, "kind": "export", "operator_id": 7, "state": "done", "open_key": "a", "created_at": now - 1000, "finished_at": now - 10, "expires_at": now + 1000})
		put(t, d, "rights_request", map[string]any{"id": 6, "kind": "erase", "operator_id": 7, "state": "approved", "open_key": "b", "created_at": now - 1000})
		list := func(f progress.Filter) (out []progress.Job, next string) {
			t.Helper()
			if f.Limit == 0 {
				f.Limit = 50
			}
			out, next, err := s.List(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return out, next
		}
		t.Run("all sources stand in one list, newest first, in one vocabulary", func(t *testing.T) {
			all, next := list(progress.Filter{})
			var got []string
			for _, j := range all {
				got = append(got, j.Source+":"+j.State)
			}
			if want := "copy:done team:expired import:attention export:done extract:running"; strings.Join(got, " ") != want || next != "" {
				t.Errorf("%v, want %s", got, want)
			}
			if j := all[4]; j.PerSecond != 500 || j.ETASeconds != 6 || j.Result != 900 || j.By != "王" {
				t.Errorf("%+v", j)
			}
			if j := all[3]; j.Total != 10 || j.ETASeconds != -1 {
				t.Errorf("%+v", j)
			}
		})
		t.Run("filters narrow, pages meet each job once", func(t *testing.T) {
			if mine, _ := list(progress.Filter{ByID: 7}); len(mine) != 4 {
				t.Errorf("%+v", mine)
			}
			if open, _ := list(progress.Filter{State: progress.Attention}); len(open) != 1 || open[0].Source != "import" {
				t.Errorf("%+v", open)
			}
			seen, next := map[id.ID]bool{}, ""
			for range 5 {
				page, after := list(progress.Filter{Limit: 2, Before: next})
				for _, j := range page {
					if seen[j.ID] {
						t.Fatal("twice")
					}
					seen[j.ID] = true
				}
				if next = after; next == "" {
					break
				}
			}
			if len(seen) != 5 {
				t.Error(len(seen))
			}
			if _, _, err := s.List(ctx, progress.Filter{Before: "x", Limit: 1}); err == nil {
				t.Error("a cursor that is none was taken")
			}
		})
		t.Run("the bell tells what runs and what ended, until it is seen", func(t *testing.T) {
			sum, err := s.Summarise(ctx, 7)
			if err != nil || sum.Running != 1 || len(sum.Ended) != 2 || sum.Ended[0].Source != "copy" {
				t.Fatalf("%+v %v", sum, err)
			}
			if err := s.Seen(ctx, 7, sum.Ended[1].FinishedAt); err != nil {
				t.Fatal(err)
			}
			if sum, _ = s.Summarise(ctx, 7); len(sum.Ended) != 1 {
				t.Errorf("%+v", sum)
			}
			for _, at := range []clock.Instant{now + 99_000, 1} { // the future is not seen yet, and nothing is unseen again
				if err := s.Seen(ctx, 7, at); err != nil {
					t.Fatal(err)
				}
			}
			if sum, _ = s.Summarise(ctx, 7); len(sum.Ended) != 0 || sum.SeenAt != now {
				t.Errorf("%+v", sum)
			}
			clk.Advance(48 * time.Hour)
			if sum, _ = s.Summarise(ctx, 8); len(sum.Ended) != 0 {
				t.Errorf("what ended long ago rings: %+v", sum)
			}
		})
		t.Run("the house's own jobs stand brand by brand", func(t *testing.T) {
			put(t, d, "brand", map[string]any{"id": 9, "slug": "b", "name": "老井"})
			put(t, d, "referral_tree", map[string]any{"brand_id": 9, "check_state": "done", "checked": 100, "repaired": 2})
			put(t, d, "wecom_sync", map[string]any{"id": 10, "brand_id": 9, "kind": "chats", "state": "failed", "error": "缺少权限"})
			house, err := s.House(ctx)
			if err != nil || len(house) != 2 {
				t.Fatal(house, err)
			}
			for _, j := range house {
				if j.ID == 0 || j.Name != "老井" || (j.Source == "wecom") != (j.State == progress.Failed) {
					t.Errorf("%+v", j)
				}
			}
		})
	})
}

func TestTagsThatAreComputedForEverybodyAreJobs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		put(t, d, "tag", map[string]any{"id": 9, "name": "常来"})
		put(t, d, "tag_run", map[string]any{"id": 1, "tag_id": 9, "kind": "compute", "state": "done", "by_id": 7, "total": 8, "done": 8, "moved": 3, "created_at": clk.Now()})
		put(t, d, "tag_run", map[string]any{"id": 2, "tag_id": 9, "kind": "compute", "state": "done", "by_id": 0, "created_at": clk.Now()}) // the schedule's
		list, _, err := progress.New(d).List(context.Background(), progress.Filter{Source: "tag", Limit: 5})
		if err != nil || len(list) != 1 || list[0].Name != "常来" || list[0].Result != 3 || list[0].State != progress.Done {
			t.Fatalf("%+v %v", list, err)
		}
	})
}

func TestPushesAreJobsOnceTheyArePlanned(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, now := progress.New(d), clk.Now()
		at := func(jobID int, state string, more map[string]any) {
			row := map[string]any{"id": jobID, "name": "镜片上新", "purpose": "marketing", "brand_id": 3, "submitted_by": 7, "state": state, "created_at": int64(now) + int64(jobID)}
			for k, v := range more {
				row[k] = v
			}
			put(t, d, "push", row)
		}
		at(1, "draft", nil)
		at(2, "pending", nil)
		at(3, "scheduled", nil)
		at(4, "running", map[string]any{"started_by": 8, "people": 120, "frozen_at": now, "started_at": now - 10_000})
		at(5, "missed", map[string]any{"note": "已错过 40 分钟"})
		at(6, "done", map[string]any{"started_by": 7, "people": 1, "frozen_at": now, "finished_at": now - 10})
		at(7, "stopped", map[string]any{"started_by": 7, "finished_at": now - 10})
		for state, n := range map[string]int{"sent": 30, "skipped": 20, "waiting": 50, "held": 20} {
			put(t, d, "push_tally", map[string]any{"run_id": 4, "state": state, "n": n})
		}
		list, _, err := s.List(ctx, progress.Filter{Source: "push", Limit: 20})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, j := range list {
			got = append(got, j.State)
		}
		if strings.Join(got, " ") != "cancelled done attention running waiting" || list[2].Error == "" {
			t.Errorf("%v %+v", got, list)
		}
		if j := list[3]; j.ByID != 8 || j.Done != 50 || j.Total != 100 || j.Result != 30 || j.ETASeconds != 10 || j.Kind != "marketing" || j.BrandID != 3 {
			t.Errorf("%+v", j)
		}
		sum, err := s.Summarise(ctx, 7)
		if err != nil || sum.Running != 1 || len(sum.Ended) != 1 || sum.Ended[0].ID != 6 {
			t.Errorf("%+v %v", sum, err)
		}
		if j, err := s.Get(ctx, "push", 4); err != nil || j.Name != "镜片上新" {
			t.Errorf("%+v %v", j, err)
		}
	})
}

// What a run brought in is told, also of one that was cancelled; what a dry run counted or
// what was taken back is not.
func TestWhatAnImportBroughtIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		now := clk.Now()
		for n, x := range []struct {
			state   string
			started clock.Instant
			want    string
		}{{"checked", 0, "attention 0"}, {"cancelled", 0, "cancelled 0"}, {"cancelled", now, "cancelled 7"}, {"done", now, "done 7"}, {"undone", now, "cancelled 0"}} {
			put(t, d, "crm_import", map[string]any{"id": n + 1, "name": "老会员", "created_by": 7, "state": x.state, "new_rows": 5, "old_rows": 2, "started_at": x.started, "created_at": now})
			j, err := progress.New(d).Get(context.Background(), "import", id.ID(n+1))
			if got := fmt.Sprint(j.State, " ", j.Result); err != nil || got != x.want {
				t.Error(x.state, x.started, "is told as", got, err)
			}
		}
	})
}
