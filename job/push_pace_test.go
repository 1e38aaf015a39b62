package job

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// paced are workers that share one Redis and one clock, which goes on only when one of them
// waits for its turn.
func paced(t *testing.T, processes int) (*crew, []*Pushes) {
	t.Helper()
	c := newCrew(t, processes)
	var all []*Pushes
	for _, r := range c.all {
		w := NewPushes(&shelf{}, &mouth{}, clock.NewFake(dbtest.Start), r, func() time.Time { return c.at })
		w.pause = func(ctx context.Context, d time.Duration) error { c.pass(d); return ctx.Err() }
		all = append(all, w)
	}
	return c, all
}

// ownSpeed is a run of a push that sends so many a second, of a brand that sends 50.
func ownSpeed(pushID id.ID, perSecond int) push.Run {
	run := push.Run{PerSecond: 50}
	run.PushID, run.RunID, run.Push.PerSecond = pushID, pushID, perSecond
	return run
}

// Pushes that are slower than the channel may be are together no faster than it, whichever
// process sends them: WeChat stops the channel for everybody.
func TestPushesOfTheirOwnSpeedKeepToTheChannelsTogether(t *testing.T) {
	c, workers := paced(t, 2)
	p, calls := parcels(1, reach.Custom)[0], 0
	for i := range 600 {
		o := workers[i%2].call(t.Context(), ownSpeed(id.ID(1+i%3), 40), p, time.Time{}, func() error {
			calls++
			c.used = append(c.used, c.at)
			return nil
		})
		if o.Result != push.GoneOut && o.Result != push.NotYet {
			t.Fatalf("%+v", o)
		}
		if o.Result == push.NotYet {
			c.pass(o.After)
		}
	}
	if calls < 500 {
		t.Errorf("only %d of 600 were sent", calls)
	}
	c.bounded(t, 50)
}

// The own speed holds also where the channel is free.
func TestAPushOfItsOwnSpeedIsNoFaster(t *testing.T) {
	c, workers := paced(t, 1)
	p := parcels(1, reach.Custom)[0]
	for range 100 {
		if o := workers[0].call(t.Context(), ownSpeed(1, 10), p, time.Time{}, func() error { c.used = append(c.used, c.at); return nil }); o.Result != push.GoneOut {
			t.Fatalf("%+v", o)
		}
	}
	c.bounded(t, 10)
}

// Where the push has a turn and the channel has none in time, nobody is called and the copy
// waits; when there is room again it is sent.
func TestATurnWithoutTheChannelsIsNoCall(t *testing.T) {
	c, workers := paced(t, 1)
	p, calls := parcels(1, reach.Custom)[0], 0
	send := func() error { calls++; return nil }
	run := ownSpeed(1, 40)
	if o := workers[0].call(t.Context(), run, p, time.Time{}, send); o.Result != push.GoneOut {
		t.Fatalf("%+v", o)
	}
	calls = 0
	c.pass(time.Second) // the push has turns at once
	channel := line{"push:custom:5", 50, 1, pushPatience}
	for range 400 { // others took all there are, and stand there for eight seconds
		c.all[0].Turn(t.Context(), channel.name, channel.perSecond)
	}
	o := workers[0].call(t.Context(), run, p, time.Time{}, send)
	if o.Result != push.NotYet || o.DeliveryID != p.DeliveryID || o.After <= pushPatience || calls != 0 {
		t.Fatalf("%+v, %d calls", o, calls)
	}
	c.pass(o.After)
	if o = workers[0].call(t.Context(), run, p, time.Time{}, send); o.Result != push.GoneOut || calls != 1 {
		t.Errorf("%+v, %d calls", o, calls)
	}
}
