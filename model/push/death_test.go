package push_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// A worker dies between the commit and the call, or between the call and the next commit:
// both look the same.
func TestAWorkerThatDiedLeavesUnknownAndNeverASecondCopy(t *testing.T) {
	each(t, 100, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		_, wave, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		died := wave.Parcels
		_, wave, err = w.s.Take(ctx, lane, 10) // beside it: nobody of them
		w.must(err)
		for _, x := range wave.Parcels {
			if slices.ContainsFunc(died, func(y push.Parcel) bool { return x.MemberID == y.MemberID }) {
				t.Fatalf("%d was taken twice", x.MemberID)
			}
		}
		died = append(died, wave.Parcels...)
		w.clk.Advance(4 * time.Minute)
		sent := w.send(p.ID, took)
		n := w.states(p.ID)
		if n["unknown"] != len(died) || n["sent"] != len(sent) || len(sent)+len(died) != 100 {
			t.Errorf("%v, sent %d, died with %d", n, len(sent), len(died))
		}
		if w.ledger.ended[w.ledger.tickets[died[0].DeliveryID].ID] != reach.Unknown {
			t.Error("the ledger was not told")
		}
		if w.get(p.ID).State != push.Done {
			t.Error("it does not end")
		}
		// The worker was not dead, only slow: what it says is the truth.
		r, err := w.s.Open(ctx, lane)
		w.must(err)
		w.must(w.s.End(ctx, r, []push.Outcome{{Parcel: died[0], Result: push.GoneOut}}))
		if n := w.states(p.ID); n["sent"] != len(sent)+1 {
			t.Errorf("%v", n)
		}
	})
}

func TestAChannelWithAKeyRepeatsUnderTheSameKeyWhileWeChatKnowsIt(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Purpose = reach.Service
		f.Uses = []reach.Use{{Channel: reach.Template, AccountID: 5, TemplateID: "tpl"}}
		f.Arms[0].Contents = []push.Content{{Data: map[string]string{"thing1": "{姓名}的镜片已到店"}, LinkNo: 1}}
		p := w.create(f)
		_, err := w.s.Submit(ctx, p.ID, writer)
		w.must(err)
		_, err = w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second)
		w.must(err)
		_, err = w.s.Start(ctx, p.ID, writer)
		w.must(err)
		w.must2(w.s.Freeze(ctx, p.ID))
		lane := w.lanes(p.ID)[0]
		r, wave, err := w.s.Take(ctx, lane, 64)
		w.must(err)
		first := wave.Parcels
		if len(first) != 3 || first[0].Message.Data["thing1"] != "王芳的镜片已到店" || !strings.HasPrefix(first[0].Message.URL, "https://q.cn/l/") {
			t.Fatalf("%+v", first)
		}
		w.must(w.s.End(ctx, r, []push.Outcome{{Parcel: first[0], Result: push.WhoKnows}, {Parcel: first[1], Result: push.GoneOut}}))
		w.clk.Advance(4 * time.Minute)
		_, wave, err = w.s.Take(ctx, lane, 64)
		w.must(err)
		if len(wave.Parcels) != 2 {
			t.Fatalf("%d are repeated", len(wave.Parcels))
		}
		for _, x := range wave.Parcels {
			was := slices.IndexFunc(first, func(y push.Parcel) bool { return y.MemberID == x.MemberID })
			if !x.Again || first[was].Key != x.Key {
				t.Errorf("another key: %+v %+v", x, first[was])
			}
		}
		w.clk.Advance(5 * time.Minute) // nine minutes after the first call
		if sent := w.send(p.ID, took); len(sent) != 0 {
			t.Errorf("%+v", sent)
		}
		if n := w.states(p.ID); n["unknown"] != 2 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
	})
}

// Two workers on every lane, one of them given up from time to time.
func TestTwoWorkersOnOneLaneSendEverybodyOnce(t *testing.T) {
	each(t, 400, func(t *testing.T, w *world) {
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		w.s.Reach = &guarded{Reach: w.ledger}
		var mu sync.Mutex
		seen := map[id.ID]int{}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for range 200 {
					r, wave, err := w.s.Take(t.Context(), lane, 16)
					if err != nil || !wave.On || wave.Wait > 0 {
						if err != nil {
							t.Error(err)
						}
						return
					}
					var out []push.Outcome
					mu.Lock()
					for _, x := range wave.Parcels {
						seen[x.MemberID]++
						out = append(out, push.Outcome{Parcel: x, Result: push.GoneOut})
					}
					mu.Unlock()
					if err := w.s.End(t.Context(), r, out); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.send(p.ID, took)
		for m, n := range seen {
			if n != 1 {
				t.Errorf("%d was sent %d times", m, n)
			}
		}
		if n := w.states(p.ID); n["sent"] != 400 || len(seen) != 400 {
			t.Errorf("%v, %d people", n, len(seen))
		}
	})
}

// A crowd of deaths at every step: nobody is called twice, and everybody has an end.
func TestDeathsAnywhereNeverMakeASecondCopy(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		lane, called := w.lanes(p.ID)[0], map[id.ID]int{}
		for step := 0; w.get(p.ID).State == push.Running && step < 300; step++ {
			r, wave, err := w.s.Take(ctx, lane, 7)
			w.must(err)
			if len(wave.Parcels) > 0 && step%5 == 1 {
				continue // died before the calls
			}
			var out []push.Outcome
			for i, x := range wave.Parcels {
				if step%5 == 2 && i == 3 {
					break // died in the middle of them
				}
				called[x.MemberID]++
				out = append(out, push.Outcome{Parcel: x, Result: push.GoneOut})
			}
			if step%5 != 3 { // or before the second commit
				w.must(w.s.End(ctx, r, out))
				w.must(w.s.End(ctx, r, out)) // and a report that comes twice
			}
			if wave.Wait > 0 {
				w.clk.Advance(wave.Wait)
			}
		}
		n := w.states(p.ID)
		for m, times := range called {
			if times != 1 {
				t.Errorf("%d was called %d times", m, times)
			}
		}
		if n["sent"]+n["unknown"] != 60 || w.get(p.ID).State != push.Done || n["unknown"] == 0 {
			t.Errorf("%v %s", n, w.get(p.ID).State)
		}
	})
}

// guarded lets one caller at a time to a ledger that is not made for more.
type guarded struct {
	push.Reach
	mu sync.Mutex
}

func (g *guarded) TakeManyTx(ctx context.Context, tx *gorm.DB, a reach.Ask, seats []reach.Seat) ([]reach.Taken, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Reach.TakeManyTx(ctx, tx, a, seats)
}

func (g *guarded) SentTx(ctx context.Context, tx *gorm.DB, tickets []id.ID) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Reach.SentTx(ctx, tx, tickets)
}

func (g *guarded) EndTx(ctx context.Context, tx *gorm.DB, ticketID id.ID, outcome, code string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Reach.EndTx(ctx, tx, ticketID, outcome, code)
}
