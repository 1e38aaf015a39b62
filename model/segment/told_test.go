package segment_test

import (
	"context"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/rule"
)

// TestWhatIsFrozenIsSaidToItsPeople: they read products, and no name that operators gave.
func TestWhatIsFrozenIsSaidToItsPeople(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 4)
		inner := w.segment("羊毛党", rule.Node{Tag: &rule.Tag{ID: 33, Op: rule.Has}})
		outer := w.segment("外层", rule.Node{All: []rule.Node{
			{Tag: &rule.Tag{ID: 33, Op: rule.Is, Values: []string{"高"}}}, {Segment: &rule.Ref{ID: inner.ID}}, {Did: &rule.Did{What: rule.Bought, Op: rule.Gte, Values: []int64{1}}}}})
		f, err := w.s.Freeze(ctx, outer.ID)
		if err != nil || f.Sentence != "（品牌给您的标签符合条件，并且在品牌选定的人群里，并且有过购买（领取或下单））" {
			t.Errorf("%s %v", f.Sentence, err)
		}
		list, err := w.s.TakeRoster(ctx, inner.ID, "投诉过的", 1)
		if err != nil {
			t.Fatal(err)
		}
		if f, err = w.s.FreezeRoster(ctx, list.ID); err != nil || f.Sentence != "在品牌选定的名单里" {
			t.Errorf("%s %v", f.Sentence, err)
		}
		if r, err := w.s.Version(ctx, outer.ID, 1); err != nil || !strings.Contains(r.Sentence, "「羊毛党」") { // operators read names
			t.Errorf("%s %v", r.Sentence, err)
		}
	})
}
