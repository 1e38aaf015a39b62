package tier

import (
	"context"
	"testing"
	"time"

	"siyu/model/fault"
)

func TestTables(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.save(nil)
		t.Run("who saves over another's change is told", func(t *testing.T) {
			if _, err := w.s.Save(ctx, metals()); fault.Of(err) == nil || fault.Of(err).Code != "tier_table_changed" {
				t.Fatal(err)
			}
		})
		t.Run("mistakes are refused", func(t *testing.T) {
			for i, change := range []func(*Table){
				func(t *Table) { t.Levels = nil },
				func(t *Table) { t.Levels[0].Threshold = 1 },
				func(t *Table) { t.Levels[2].Threshold = 100 },
				func(t *Table) { t.Levels[1].Keep = 101 },
				func(t *Table) { t.Levels[1].MultiplierBP = 9_999 },
				func(t *Table) { t.Levels[1].Name = "普通" },
				func(t *Table) { t.Levels[1].Perks = []string{""} },
				func(t *Table) { t.Grow = []Grow{{On: "share", Growth: 1}} },
				func(t *Table) { t.Grow = []Grow{{On: OnOrder, Growth: 1, CapPerDay: 5}} },
				func(t *Table) { t.PeriodMonths = 61 },
				func(t *Table) { t.Down = "all" },
			} {
				x := metals()
				x.Version = 1
				change(&x)
				if _, err := w.s.Save(ctx, x); fault.KindOf(err) != fault.Invalid {
					t.Error(i, err)
				}
			}
		})
		t.Run("a lower threshold lifts at once; a higher one takes nothing before the period ends", func(t *testing.T) {
			w.order(101, "1", 100)
			w.clk.Advance(time.Hour)
			w.save(func(t *Table) { t.Levels[2].Threshold, t.Levels[2].Keep = 101, 50 })
			w.order(102, "2", 90)
			w.clk.Advance(time.Hour)
			w.save(func(t *Table) { t.Levels[1].Threshold, t.Levels[1].Keep, t.Levels[2].Threshold = 90, 0, 100_000 })
			w.is(101, "银卡", 100)
			w.is(102, "银卡", 90)
			h, err := w.s.History(ctx, brandA, 102)
			if err != nil || len(h) != 1 || h[0].Cause != "table:3" {
				t.Fatalf("%+v %v", h, err)
			}
		})
		t.Run("a preview counts the members of each level", func(t *testing.T) {
			got, err := w.s.Preview(ctx, brandA, []Level{{Name: "甲"}, {Name: "乙", Threshold: 95}}, 12)
			if err != nil || got[0].Members != 1 || got[1].Members != 1 {
				t.Fatalf("%+v %v", got, err)
			}
			if _, err := w.s.Preview(ctx, brandA, []Level{{Name: "甲", Threshold: 5}, {Name: "乙", Threshold: 5}}, 12); fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
		})
	})
}
