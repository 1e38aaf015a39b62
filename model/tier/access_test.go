package tier

import (
	"context"
	"testing"
	"time"

	"siyu/model/id"
)

// TestReaches: who may take part in what is for members of a level.
func TestReaches(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		reaches := func(m id.ID, level int, name string, want bool) {
			t.Helper()
			got, err := w.s.Reaches(ctx, brandA, m, level, name)
			if err != nil || got != want {
				t.Errorf("member %d reaches %q: %v %v, want %v", m, name, got, err, want)
			}
		}
		rung := func(level int, name string, open bool) {
			t.Helper()
			gotName, gotOpen, err := w.s.Rung(ctx, brandA, level)
			if err != nil || gotName != name || gotOpen != open {
				t.Errorf("level %d: %q %v %v, want %q %v", level, gotName, gotOpen, err, name, open)
			}
		}
		t.Run("nobody reaches a level of a brand that has none", func(t *testing.T) {
			rung(1, "", false)
			reaches(101, 1, "银卡", false)
			reaches(101, 0, "", false)
		})
		save := func(change func(*Table)) { // a table counts from the moment it is saved
			t.Helper()
			w.clk.Advance(time.Hour)
			w.save(change)
		}
		save(nil)
		w.order(101, "1", 300)
		w.order(102, "2", 100)
		t.Run("a level and all above it", func(t *testing.T) {
			reaches(101, 1, "银卡", true)
			reaches(101, 2, "金卡", true)
			reaches(102, 1, "银卡", true)
			reaches(102, 2, "金卡", false)
			reaches(103, 1, "银卡", false)
		})
		t.Run("a level is open when it and all above it have the privilege", func(t *testing.T) {
			rung(2, "金卡", true)
			rung(1, "银卡", false)
			rung(0, "", false)
			rung(3, "", false)
		})
		t.Run("the accounts of one human have one level", func(t *testing.T) {
			w.kin[103] = 101
			reaches(103, 2, "金卡", true)
			delete(w.kin, 103)
			reaches(103, 2, "金卡", false)
		})
		t.Run("a level that is renamed is found by its number", func(t *testing.T) {
			save(func(t *Table) { t.Levels[2].Name = "黄金" })
			reaches(101, 2, "金卡", true)
			reaches(102, 2, "金卡", false)
			save(nil)
		})
		t.Run("a privilege that is taken away takes back no promise", func(t *testing.T) {
			save(func(t *Table) { t.Levels[2].Campaigns = false })
			rung(2, "金卡", false)
			reaches(101, 2, "金卡", true)
			save(nil)
		})
		t.Run("a level that is added below moves nobody into what is promised above", func(t *testing.T) {
			save(func(t *Table) {
				t.Levels = append(t.Levels[:1:1], append([]Level{{Name: "铜卡", Threshold: 50, MultiplierBP: once}}, t.Levels[1:]...)...)
			})
			reaches(102, 2, "金卡", false) // 银卡 has the number 2 now
			reaches(101, 2, "金卡", true)
		})
		t.Run("nobody reaches a level that was taken away", func(t *testing.T) {
			save(func(t *Table) { t.Levels = t.Levels[:2] })
			reaches(101, 2, "金卡", false)
		})
	})
}
