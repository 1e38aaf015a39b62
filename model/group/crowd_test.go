package group_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/group"
	"siyu/model/id"
)

// sent is one line of what the visitors themselves saw, kept apart from our tables.
type sent struct {
	visitor int
	to      id.ID
	at      clock.Instant
	ok      bool
}

// Ten groups fill and expire under a thousand people at once while the clock moves.
func TestNobodyIsSentToAFullOrDeadGroup(t *testing.T) {
	for _, strategy := range []string{group.Fill, group.Spread} {
		t.Run(strategy, func(t *testing.T) {
			dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { crowd(newWorld(t, d, clk), strategy) })
		})
	}
}

func crowd(w *world, strategy string) {
	const people = 1000
	t := w.t
	type facts struct {
		room int
		end  clock.Instant
	}
	know := map[id.ID]facts{}
	var list []group.Community
	for i := range 10 {
		c := w.community(fmt.Sprintf("%d 群", i+1), 60+i*8)
		c = must(w.ReportSize(w.ctx, group.By{}, c.ID, i))(t)
		if i%3 == 2 { // these die on the way
			c = must(w.PutQR(w.ctx, group.By{}, c.ID, group.Join{Text: joinURL(), ExpiresAt: w.clk.Now().Add(time.Duration(20+i*8) * time.Minute)}))(t)
		}
		know[c.ID] = facts{c.ScanCapacity - c.Size, c.QRExpiresAt}
		list = append(list, c)
	}
	l := w.code(group.LiveDraft{Strategy: strategy}, list...)

	var mu sync.Mutex
	var log []sent
	var wg sync.WaitGroup
	work := make(chan int)
	for range 64 {
		wg.Go(func() {
			for n := range work {
				for range 1 + n%2 { // every second one looks twice
					at := w.clk.Now()
					a, err := w.Resolve(w.ctx, l.Token, visitor(n), at)
					if err != nil {
						t.Errorf("visitor %d: %v", n, err)
						return
					}
					mu.Lock()
					log = append(log, sent{n, a.Community.ID, at, a.OK})
					mu.Unlock()
				}
			}
		})
	}
	for n := range people {
		work <- n
		w.clk.Advance(6 * time.Second)
	}
	close(work)
	wg.Wait()

	// What the people saw, against what the groups were.
	seats, seen := map[id.ID]map[int]bool{}, map[int]bool{}
	for _, x := range log {
		seen[x.visitor] = true
		if !x.ok {
			continue
		}
		if f := know[x.to]; x.at >= f.end {
			t.Errorf("visitor %d was sent to a group whose code had ended", x.visitor)
		}
		if seats[x.to] == nil {
			seats[x.to] = map[int]bool{}
		}
		seats[x.to][x.visitor] = true
	}
	total := 0
	for c, who := range seats {
		total += len(who)
		if len(who) > know[c].room {
			t.Errorf("%d people were sent to a group with room for %d", len(who), know[c].room)
		}
	}
	st := w.stats(l)
	if len(seen) != people || st.Total.Handed != total || st.Total.Visitors+onlyDead(log) != people {
		t.Errorf("%d people, %d places seen, statistics %+v", len(seen), total, st.Total)
	}
	for _, x := range st.Targets {
		if x.Handed != len(seats[x.CommunityID]) {
			t.Errorf("%s: statistics say %d, people saw %d", x.Name, x.Handed, len(seats[x.CommunityID]))
		}
	}
	drops := map[id.ID]group.Switch{}
	for _, x := range st.Switches {
		if _, twice := drops[x.CommunityID]; twice || x.Kind != group.SwitchDropped {
			t.Errorf("dropped twice: %+v", x)
		}
		drops[x.CommunityID] = x
	}
	for i, c := range list {
		now := must(w.Get(w.ctx, group.By{}, c.ID))(t)
		x, dropped := drops[c.ID]
		switch {
		case now.Fill() > now.ScanCapacity || now.Pending != len(seats[c.ID]):
			t.Errorf("group %d: %d people saw it, row %+v", i, len(seats[c.ID]), now)
		case now.State != group.Open && (!dropped || x.Cause != now.State && x.Cause != group.Full): // what was full may end too
			t.Errorf("group %d is %s, switch %+v", i, now.State, x)
		}
	}
	if len(drops) < 5 {
		t.Errorf("only %d switches: the test shows nothing", len(drops))
	}
	last := st.Switches[len(st.Switches)-1].ID
	for _, x := range st.Switches {
		if x.NextID == 0 && x.ID != last && st.Total.DeadEnds == 0 {
			t.Errorf("nobody took over from %+v", x)
		}
	}
}

// onlyDead counts people who never got a place.
func onlyDead(log []sent) int {
	got := map[int]bool{}
	for _, x := range log {
		got[x.visitor] = got[x.visitor] || x.ok
	}
	n := 0
	for _, ok := range got {
		if !ok {
			n++
		}
	}
	return n
}
