package scan

import (
	"context"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// Two processes see the same new codes at the same time, each from many members: every
// code has one first verification, told to one member, and every look is counted.
func TestRecordMergedInTwoProcesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		const codes, members = 12, 8
		ctx := context.Background()
		stores := []*Store{New(d, consent.New(d)), New(d, consent.New(d))}
		var mu sync.Mutex
		first := map[int64]id.ID{}
		var wg sync.WaitGroup
		for m := range id.ID(members) {
			for c := range int64(codes) {
				wg.Go(func() {
					// Half of them run from the far end, so that batches meet in both orders.
					serial := 1 + c
					if m%2 == 0 {
						serial = codes - c
					}
					got, err := stores[m%2].Record(ctx, look(serial, 100+m))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if got.Fresh {
						if first[serial] != 0 {
							t.Errorf("code %d was first verified twice", serial)
						}
						first[serial] = 100 + m
					}
				})
			}
		}
		wg.Wait()
		for serial := int64(1); serial <= codes; serial++ {
			got, err := stores[0].Sight(ctx, 3, serial)
			if err != nil || got.FirstMember != first[serial] || got.FirstMember == 0 || got.Scans != members || got.Others != members-1 || got.FlaggedAt == 0 {
				t.Errorf("%+v, first is %d, %v", got, first[serial], err)
			}
			scans, err := stores[0].OfCode(ctx, 3, serial, 0, 100)
			if err != nil || len(scans) != members {
				t.Errorf("code %d has %d scans, %v", serial, len(scans), err)
			}
		}
	})
}

// A code gets its row between a caller's look and the merged transaction.
func TestRecordWhenAnotherProcessWasFaster(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d, consent.New(d))
		if _, err := s.Record(ctx, look(1, 50)); err != nil {
			t.Fatal(err)
		}
		late := &record{o: look(1, 51), now: clk.Now()}
		again := &record{o: look(1, 50), now: clk.Now()}
		newer := &record{o: look(2, 51), now: clk.Now()}
		twice := &record{o: look(2, 51), now: clk.Now()}
		s.write(ctx, []*record{newer, late, again, twice})
		for _, r := range []*record{late, again, newer, twice} {
			if r.err != nil {
				t.Fatal(r.err)
			}
		}
		if late.sight.Fresh || late.sight.FirstMember != 50 || late.sight.Others != 1 || late.sight.Scans != 2 {
			t.Errorf("late: %+v", late.sight)
		}
		if again.stored || again.sight.Scans != 2 {
			t.Errorf("stored within the window already: %+v", again)
		}
		if !newer.sight.Fresh || newer.sight.FirstMember != 51 || twice.sight.Fresh || twice.stored {
			t.Errorf("new code: %+v, the same visitor beside it: %+v", newer.sight, twice)
		}
		if got, err := s.Sight(ctx, 3, 2); err != nil || got.Scans != 1 || got.FirstMember != 51 {
			t.Errorf("%+v %v", got, err)
		}
	})
}

func TestObserveIsWhatACodeIsKnownFor(t *testing.T) {
	at := dbtest.Start
	seen := Sight{FirstMember: 7, FirstAt: at, Scans: 4, Others: ManyOthers - 1, LastMember: 8, LastAt: at, LastLatE4: shanghai.LatE4, LastLonE4: shanghai.LonE4}
	blocked, asleep := look(1, 9), look(1, 9)
	blocked.Blocked, asleep.CodeState = true, Issued
	for name, c := range map[string]struct {
		o     Observation
		again bool
		want  func(Sight) bool
	}{
		"others pass the limit":            {look(1, 9), false, func(s Sight) bool { return s.Others == ManyOthers && s.FlagReason == "many" && s.Scans == 5 }},
		"the first member is no other":     {look(1, 7), false, func(s Sight) bool { return s.Others == ManyOthers-1 && s.FlaggedAt == 0 && s.LastMember == 7 }},
		"within the window nothing counts": {look(1, 9), true, func(s Sight) bool { return s == seen }},
		"nobody we know":                   {anon(1, "x"), false, func(s Sight) bool { return s.Anonymous == 1 && s.Scans == 4 && s.LastMember == 8 }},
		"a blocked member":                 {blocked, false, func(s Sight) bool { return s == seen }},
		"before the item is on sale":       {asleep, false, func(s Sight) bool { return s == seen }},
	} {
		got, stored := observe(seen, c.o, at.Add(time.Minute), c.again)
		if !c.want(got) || stored == c.again {
			t.Errorf("%s: %+v, stored %v", name, got, stored)
		}
	}
	if got, stored := observe(Sight{}, look(1, 9), at, true); !got.Fresh || got.FirstMember != 9 || got.Scans != 0 || stored {
		t.Errorf("activated since he looked: %+v %v", got, stored)
	}
}
