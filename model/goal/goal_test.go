package goal_test

import (
	"context"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/goal"
)

func TestTargets(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := goal.New(d)
		set := func(metric string, amount int64) (before, after goal.Target) {
			t.Helper()
			before, after, err := s.Set(ctx, goal.Target{BrandID: 1, Month: 202611, Metric: metric, Amount: amount, ByID: 9})
			if err != nil {
				t.Fatal(err)
			}
			return before, after
		}
		of := func(month int) int {
			t.Helper()
			list, err := s.Of(ctx, 1, month)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		t.Run("a second one replaces the first and tells what it was", func(t *testing.T) {
			set(goal.Scans, 100)
			if before, after := set(goal.Scans, 300); before.Amount != 100 || after.Amount != 300 || of(202611) != 1 {
				t.Fatal(before, after)
			}
		})
		t.Run("each month has its own", func(t *testing.T) {
			if of(202612) != 0 {
				t.Fatal("a target of another month")
			}
		})
		t.Run("nothing is no target", func(t *testing.T) {
			if set(goal.Scans, 0); of(202611) != 0 {
				t.Fatal("still there")
			}
		})
		t.Run("what means nothing is refused", func(t *testing.T) {
			for code, bad := range map[string]goal.Target{
				"target_metric": {Month: 202611, Metric: "luck", Amount: 1}, "target_month": {Month: 202613, Metric: goal.Scans, Amount: 1},
				"target_amount": {Month: 202611, Metric: goal.Scans, Amount: -1}} {
				if _, _, err := s.Set(ctx, bad); fault.Of(err) == nil || fault.Of(err).Code != code {
					t.Errorf("%+v: %v", bad, err)
				}
			}
		})
		t.Run("first steps end once and can come back", func(t *testing.T) {
			for range 2 {
				if err := s.Dismiss(ctx, 1, 9, true); err != nil {
					t.Fatal(err)
				}
			}
			if at, err := s.Dismissed(ctx, 1); err != nil || at != clk.Now() {
				t.Fatal(at, err)
			}
			if at, err := s.Dismissed(ctx, 2); err != nil || at != 0 {
				t.Fatal("another brand:", at, err)
			}
			if err := s.Dismiss(ctx, 1, 9, false); err != nil {
				t.Fatal(err)
			}
			if at, _ := s.Dismissed(ctx, 1); at != 0 {
				t.Fatal(at)
			}
		})
	})
}
