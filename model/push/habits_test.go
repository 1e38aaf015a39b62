package push_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/id"
	"siyu/model/push"
)

// agreed are those who allow profiling.
type agreed map[id.ID]bool

func (a agreed) GivenAmong(_ context.Context, _ []id.ID, purpose string) (map[id.ID]bool, error) {
	if purpose != consent.Profiling {
		return nil, nil
	}
	return a, nil
}

func TestBestHourIsKnownOnlyOfThoseWhoAllowIt(t *testing.T) {
	each(t, 5, func(t *testing.T, w *world) {
		ctx := t.Context()
		a, b, alias, night, few := w.people[0], w.people[1], w.people[2], w.people[3], w.people[4]
		n := 0
		acts := func(m id.ID, hours ...int) { // of yesterday, in Shanghai; now is noon there
			for _, h := range hours {
				n++
				at := w.clk.Now().Add(time.Duration(h-12-24) * time.Hour)
				w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?,?,'scan',1,?,'h5',?,?,?)", w.d.NewID(), n, m, at, at, []byte("{}")).Error
				}))
			}
		}
		acts(a, 20, 20, 9)
		acts(b, 20, 20, 20)
		acts(alias, 9, 9)
		acts(night, 2, 2, 2, 21, 22)
		acts(few, 15, 15)
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE member SET root_id = ? WHERE id IN ?", a, []id.ID{a, alias}).Error
		}))
		got, err := push.Habits{DB: w.d, Consents: agreed{a: true, night: true, few: true}}.Best(ctx, []id.ID{a, b, night, few})
		w.must(err)
		if !maps.Equal(got, map[id.ID]int{a: 9}) { // with what his alias did; b did not agree
			t.Errorf("%v", got)
		}
	})
}
