package push_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/push"
)

// Two workers have one lane, as after a wake-up that was taken for lost. One looks and finds
// everything at its end; before it ends the lane, the other gives its copy back. The lane goes
// on: who heard that it does not would let its only wake-up go, and the copy would wait for ever.
func TestALaneGoesOnWhereACopyIsGivenBackAsItEnds(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		r, slow, err := w.s.Take(ctx, lane, 1)
		w.must(err)
		w.must(w.s.End(ctx, r, gone(slow.Parcels)))
		given := false
		w.must(w.d.Read(ctx).Callback().Raw().After("gorm:raw").Register("give back", func(q *gorm.DB) {
			if given || !strings.HasPrefix(q.Statement.SQL.String(), "UPDATE push SET moved_at") {
				return
			}
			given = true
			_, err := q.Statement.ConnPool.ExecContext(ctx, "UPDATE push_delivery SET state = 'waiting', take_id = take_id + 1")
			w.must(err)
		}))
		defer func() { w.must(w.d.Read(ctx).Callback().Raw().Remove("give back")) }()
		if _, wave, err := w.s.Take(ctx, lane, 1); err != nil || !given || !wave.On || wave.Wait <= 0 {
			t.Fatalf("%+v, given back: %v, %v", wave, given, err)
		}
		if got := w.get(p.ID); got.State != push.Running {
			t.Fatal(got.State)
		}
		if sent := w.send(p.ID, took); len(sent) != 1 {
			t.Errorf("%d were sent after it", len(sent))
		}
	})
}
