package holdout_test

import (
	"context"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/holdout"
)

func code(err error) string {
	if f := fault.Of(err); err != nil && f != nil {
		return f.Code
	}
	return ""
}

func TestSettings(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := holdout.New(d)
		first, err := s.Of(ctx, 1)
		if err != nil || first.Version != 0 || first.HeldBP != 1000 || first.UniversalBP != 0 {
			t.Fatal("a tenth of each push is left alone until somebody says otherwise:", first, err)
		}
		want := first
		want.UniversalBP, want.Reason, want.ByID = 500, "先看整体效果", 9
		before, second, err := s.Set(ctx, want, false)
		if err != nil || second.Version != 1 || before != first || second.Salt != first.Salt || second.CreatedAt != clk.Now() {
			t.Fatal(before, second, err)
		}
		if now, err := s.Of(ctx, 1); err != nil || now != second {
			t.Fatal(now, err)
		}
		if other, _ := s.Of(ctx, 2); other.Version != 0 {
			t.Fatal("another brand:", other)
		}
		if _, _, err := s.Set(ctx, want, false); code(err) != "holdout_changed" {
			t.Fatal("what was seen is not what is:", err)
		}
		third := second
		if _, third, err = s.Set(ctx, third, true); err != nil || third.Salt == second.Salt {
			t.Fatal("no new group was drawn:", third, err)
		}
		if list, err := s.History(ctx, 1); err != nil || len(list) != 2 || list[0] != third || list[1] != second {
			t.Fatal(list, err)
		}
		for field, bad := range map[string]func(*holdout.Settings){"universal_bp": func(s *holdout.Settings) { s.UniversalBP = 2001 }, "held_bp": func(s *holdout.Settings) { s.HeldBP = -1 },
			"window_days": func(s *holdout.Settings) { s.WindowDays = 0 }, "cap_fen": func(s *holdout.Settings) { s.CapFen = 0 }, "reason": func(s *holdout.Settings) { s.Reason = "" }} {
			set := third
			bad(&set)
			if _, _, err := s.Set(ctx, set, false); code(err) != "holdout_setting" || fault.Of(err).Detail["field"] != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}
