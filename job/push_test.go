package job

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"siyu/model/clock"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat"
)

// shelf plays the store of pushes: it gives out waves and keeps what came of them.
type shelf struct {
	waves  []push.Wave
	run    push.Run
	ended  []push.Outcome
	halted string
	due    []push.Task
	told   map[id.ID]map[string]int
	back   *push.Task // that is to be taken back
	backed string     // how far it was last said to be, with the code
}

func (s *shelf) Freeze(context.Context, id.ID) (time.Duration, error) { return time.Minute, nil }
func (s *shelf) BeginDue(context.Context) (int, error)                { return 0, nil }
func (s *shelf) Tidy(context.Context) error                           { return nil }
func (s *shelf) Halt(_ context.Context, _ id.ID, why string) error    { s.halted = why; return nil }

func (s *shelf) Heard(context.Context) error { return nil }

func (s *shelf) DueTasks(context.Context) ([]push.Task, error) { return s.due, nil }
func (s *shelf) Told(_ context.Context, t push.Task, results map[string]int) error {
	s.told[t.ID] = results
	return nil
}

func (s *shelf) Next(_ context.Context, _ id.ID, done []push.Outcome, _ int) (push.Run, push.Wave, error) {
	s.ended = append(s.ended, done...)
	if len(s.waves) == 0 {
		return s.run, push.Wave{}, nil
	}
	w := s.waves[0]
	s.waves = s.waves[1:]
	return s.run, w, nil
}

func (s *shelf) End(_ context.Context, _ push.Run, list []push.Outcome) error {
	s.ended = append(s.ended, list...)
	return nil
}

// mouth plays WeChat.
type mouth struct {
	mu     sync.Mutex
	said   []string
	groups []int
	answer func(p push.Parcel) error
	task   PushTask
	states map[string]map[string]int // by WeCom's id of a task
}

func (m *mouth) SendPush(_ context.Context, p push.Parcel) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, p.OpenID)
	return "id-" + p.OpenID, m.answer(p)
}

func (m *mouth) SendPushes(_ context.Context, list []push.Parcel) (PushTask, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups = append(m.groups, len(list))
	return m.task, m.answer(list[0])
}

func (m *mouth) TaskResults(_ context.Context, t push.Task) (map[string]int, error) {
	if m.states[t.MsgID] == nil {
		return nil, context.DeadlineExceeded
	}
	return m.states[t.MsgID], nil
}

func parcels(n int, channel string) []push.Parcel {
	out := make([]push.Parcel, n)
	for i := range out {
		out[i] = push.Parcel{DeliveryID: id.ID(i + 1), Way: reach.Use{Channel: channel, AccountID: 5}, OpenID: "o" + strconv.Itoa(i), Key: strconv.Itoa(i)}
	}
	return out
}

func pushWorker(t *testing.T, s *shelf, m *mouth) *Pushes {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	s.run.PerSecond = 0 // no limit
	s.run.RunID, s.run.PushID = 8, 8
	return NewPushes(s, m, clock.NewFake(dbtest.Start), NewRates(rdb, slog.New(slog.DiscardHandler), clock.Wall), clock.Wall)
}

func TestPushLaneSendsWavesUntilNothingIsDue(t *testing.T) {
	s := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(64, reach.Custom)}, {On: true, Parcels: parcels(10, reach.Custom)}, {On: true, Wait: 7 * time.Minute}}}
	m := &mouth{answer: func(push.Parcel) error { return nil }}
	v, err := pushWorker(t, s, m).Send(t.Context(), 1)
	if err != nil || v.Again != 7*time.Minute || len(m.said) != 74 || len(s.ended) != 74 {
		t.Fatalf("%v %v, %d were called, %d ended", v, err, len(m.said), len(s.ended))
	}
	for _, o := range s.ended {
		if o.Result != push.GoneOut || o.MsgID != "id-"+o.OpenID {
			t.Errorf("%+v", o)
		}
	}
	if v, err = pushWorker(t, s, m).Send(t.Context(), 1); err != nil || v.Again != 0 {
		t.Errorf("a lane that is done: %v %v", v, err)
	}
	if v, err = pushWorker(t, s, m).Freeze(t.Context(), 1); err != nil || v.Again != time.Minute {
		t.Errorf("%v %v", v, err)
	}
}

func TestPushOutcomesSayWhatIsKnown(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for name, c := range map[string]struct {
		err    error
		test   bool
		result string
		code   string
		after  time.Duration
		halts  bool
	}{
		"taken":                        {nil, false, push.GoneOut, "", 0, false},
		"the window is closed":         {&wechat.APIError{Code: 45015}, false, push.SaidNo, "45015", 0, false},
		"no grant is left":             {&wechat.APIError{Code: 43101}, false, push.SaidNo, "43101", 0, false},
		"the day's quota":              {&wechat.APIError{Code: 45009}, false, push.NotYet, "45009", 0, false},
		"too many in this minute":      {&wechat.APIError{Code: 45011}, false, push.NotYet, "45011", time.Minute, false},
		"WeChat is busy: nobody knows": {&wechat.APIError{Code: -1}, false, push.WhoKnows, "-1", 0, false},
		"no answer":                    {context.DeadlineExceeded, false, push.WhoKnows, "", 0, false},
		"never reached":                {refused, false, push.NotYet, "", 10 * time.Second, false},
		"our template is wrong":        {&wechat.APIError{Code: 40037}, false, push.NotYet, "40037", time.Minute, true},
		"a test with a wrong template": {&wechat.APIError{Code: 40037}, true, push.SaidNo, "40037", 0, false},
		"one person is no group":       {ErrTooFew, false, push.SaidNo, "too_few", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(1, reach.Custom)}}}
			w := pushWorker(t, s, &mouth{answer: func(push.Parcel) error { return c.err }})
			if c.test {
				s.run.RunID = 9
			}
			v, err := w.Send(t.Context(), 1)
			if err != nil || len(s.ended) != 1 {
				t.Fatal(err, s.ended)
			}
			o := s.ended[0]
			if o.Result != c.result || o.Code != c.code || o.After != c.after {
				t.Errorf("%+v", o)
			}
			if (o.After > 0) != (v.Again > 0) {
				t.Errorf("the lane looks again: %v", v)
			}
			if (s.halted != "") != c.halts || c.halts && !strings.Contains(s.halted, "模板") {
				t.Errorf("halted %q", s.halted)
			}
		})
	}
}

// The first "no more today" is the last call of a lane that has others to send by that way,
// and the lane goes on at once: the ledger says who waits until when, and who goes another way.
func TestTheDaysQuotaIsAskedForOnceAndTheLaneGoesOn(t *testing.T) {
	list := parcels(64, reach.Custom)
	list[63].Way.Channel = reach.Template
	s := &shelf{waves: []push.Wave{{On: true, Parcels: list}, {On: true, Parcels: parcels(5, reach.Template)}, {On: true, Wait: time.Hour}}}
	m := &mouth{answer: func(p push.Parcel) error {
		if p.Way.Channel == reach.Custom {
			return &wechat.APIError{Code: 45009}
		}
		return nil
	}}
	w := pushWorker(t, s, m)
	s.run.PerSecond = 20 // one after another, but for the first few
	v, err := w.Send(t.Context(), 1)
	if err != nil || v.Again != time.Hour {
		t.Fatalf("%+v %v", v, err)
	}
	n := map[string]int{}
	for _, o := range s.ended {
		n[o.Result+o.Code]++
		if o.After != 0 {
			t.Errorf("%+v waits for itself", o)
		}
	}
	if n[push.GoneOut] != 6 || n[push.NotYet+"45009"]+n[push.NotYet] != 63 || n[push.NotYet+"45009"] == 0 || n[push.NotYet+"45009"] > 32 {
		t.Errorf("%v", n)
	}
	t.Run("who may have it already waits for the next day under the same key", func(t *testing.T) {
		again := parcels(1, reach.Template)
		again[0].Again = true
		s := &shelf{waves: []push.Wave{{On: true, Parcels: again}}}
		v, err := pushWorker(t, s, &mouth{answer: func(push.Parcel) error { return &wechat.APIError{Code: 45009} }}).Send(t.Context(), 1)
		if err != nil || v.Again == 0 || len(s.ended) != 1 || s.ended[0].After != 12*time.Hour+time.Minute {
			t.Errorf("%+v %v %+v", v, err, s.ended)
		}
	})
}

func TestPushToManyIsOneCall(t *testing.T) {
	list := parcels(30, reach.Mass)
	for i := range list[:10] {
		list[i].Arm = 1
	}
	s := &shelf{waves: []push.Wave{{On: true, Parcels: list}}}
	m := &mouth{answer: func(p push.Parcel) error {
		if p.Arm == 1 {
			return &wechat.APIError{Code: 45028}
		}
		return nil
	}}
	if _, err := pushWorker(t, s, m).Send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, o := range s.ended {
		n[o.Result]++
	}
	if len(m.groups) != 2 || m.groups[0]+m.groups[1] != 30 || n[push.GoneOut] != 20 || n[push.SaidNo] != 10 {
		t.Errorf("%v %v", m.groups, n)
	}
}

func TestWhomWeComMadeNoTaskForIsRefused(t *testing.T) {
	s := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(3, reach.WeCom)}}}
	m := &mouth{answer: func(push.Parcel) error { return nil }, task: PushTask{ID: "msg1", Without: map[string]bool{"o1": true}}}
	if _, err := pushWorker(t, s, m).Send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, o := range s.ended {
		if o.OpenID == "o1" && (o.Result != push.SaidNo || o.Code != reach.CodeNoTask || o.Task != "") || o.OpenID != "o1" && (o.Result != push.GoneOut || o.Task != "msg1") {
			t.Errorf("%+v", o)
		}
	}
	if len(s.ended) != 3 {
		t.Error(len(s.ended))
	}
}

// A task that cannot be asked for is told without an answer, and holds up no other.
func TestWhatStaffSentIsAskedFor(t *testing.T) {
	s := &shelf{due: []push.Task{{ID: 1, MsgID: "gone"}, {ID: 2, MsgID: "msg2"}}, told: map[id.ID]map[string]int{}}
	m := &mouth{states: map[string]map[string]int{"msg2": {"o1": push.TaskDelivered}}}
	if err := pushWorker(t, s, m).askTasks(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if answer, there := s.told[1]; !there || answer != nil || s.told[2]["o1"] != push.TaskDelivered {
		t.Errorf("%v", s.told)
	}
}

// Two workers of two processes have one line for a channel.
func TestPushChannelIsOneLineForAllWorkers(t *testing.T) {
	mini := miniredis.RunT(t)
	var mu sync.Mutex
	var at []time.Time
	m := &mouth{answer: func(push.Parcel) error { mu.Lock(); at = append(at, clock.Wall()); mu.Unlock(); return nil }}
	var wg sync.WaitGroup
	for range 2 {
		rdb := redis.NewClient(&redis.Options{Addr: mini.Addr(), MaxRetries: -1})
		t.Cleanup(func() { _ = rdb.Close() })
		s := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(30, reach.Custom)}}, run: push.Run{Lane: push.Lane{RunID: 8, PushID: 8}, PerSecond: 100}}
		rates := NewRates(rdb, slog.New(slog.DiscardHandler), clock.Wall)
		rates.answer = time.Minute // a slow machine is not an absent Redis
		w := NewPushes(s, m, clock.NewFake(dbtest.Start), rates, clock.Wall)
		wg.Go(func() {
			if _, err := w.Send(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// 60 turns of a hundredth of a second, the first up to eleven at once (Rates).
	if took := at[len(at)-1].Sub(at[0]); len(at) != 60 || took < 400*time.Millisecond {
		t.Errorf("%d calls in %s", len(at), took)
	}
}

// A wave that some of go with one call may be large: those who go alone are still no more
// than so many at once.
func TestALargeWaveMakesNoMoreCallsAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	s := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(400, reach.Custom)}}}
	w := pushWorker(t, s, &mouth{})
	w.send = calledBy(func(push.Parcel) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		now--
		mu.Unlock()
		return nil
	})
	if _, err := w.Send(t.Context(), 1); err != nil || len(s.ended) != 400 || most > pushPeers {
		t.Errorf("%d ended, %d at once, %v", len(s.ended), most, err)
	}
}

// calledBy sends copies side by side.
type calledBy func(p push.Parcel) error

func (c calledBy) SendPush(_ context.Context, p push.Parcel) (string, error) { return "", c(p) }
func (c calledBy) SendPushes(context.Context, []push.Parcel) (PushTask, error) {
	return PushTask{}, nil
}
func (c calledBy) TaskResults(context.Context, push.Task) (map[string]int, error) { return nil, nil }
func (c calledBy) CancelTask(context.Context, push.Task) error                    { return nil }
