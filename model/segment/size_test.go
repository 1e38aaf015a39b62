package segment_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// ledger judges by the person's number: every tenth has no grant, every seventh did not
// agree, the others are reached by the second way where they are even.
type ledger struct {
	mu     sync.Mutex
	looked int
	people []id.ID
}

func (l *ledger) judge(m id.ID) reach.Set {
	switch i := slices.Index(l.people, m); {
	case i%7 == 0:
		return reach.Set{Use: -1, Reason: reach.NoConsent}
	case i%10 == 0:
		return reach.Set{Use: -1, Reason: reach.NoGrant}
	default:
		return reach.Set{Use: 1 - i%2}
	}
}

func (l *ledger) Look(_ context.Context, _ reach.Ask, members []id.ID) (out []reach.Answer, err error) {
	l.mu.Lock()
	l.looked += len(members)
	l.mu.Unlock()
	for _, m := range members {
		s := l.judge(m)
		out = append(out, reach.Answer{MemberID: m, Use: s.Use, Reason: s.Reason})
	}
	return out, nil
}

func (l *ledger) Sets(_ context.Context, _ id.ID, _ string, _ []reach.Use, _ clock.Instant, yield func(reach.Set, []id.ID) error) (reach.Set, error) {
	rest := reach.Set{Use: -1, Reason: reach.NoConsent}
	for _, m := range l.people {
		if s := l.judge(m); s != rest {
			if err := yield(s, []id.ID{m}); err != nil {
				return rest, err
			}
		}
	}
	return rest, nil
}

func (l *ledger) Open(context.Context, id.ID, []id.ID) (map[id.ID][]string, error) { return nil, nil }

func (l *ledger) Opens(context.Context, id.ID, func(string, []id.ID) error) error { return nil }

func TestSize(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := crowded(t, d, clk, 140)
		l := &ledger{people: w.members}
		w.s.UseReach(l)
		uses := []reach.Use{{Channel: reach.Custom, AccountID: 11}, {Channel: reach.Mass, AccountID: 11}}
		want := map[string]int64{}
		for _, m := range w.members {
			want[l.judge(m).Reason]++
		}
		check := func(f segment.Funnel) {
			t.Helper()
			got, sum := map[string]int64{"": f.Reachable}, f.Reachable
			for _, x := range f.Left {
				got[x.Reason], sum = x.Count, sum+x.Count
			}
			if f.People != 140 || f.Matched != 140 || sum != f.Matched || got[""] != want[""] || got[reach.NoConsent] != want[reach.NoConsent] || got[reach.NoGrant] != want[reach.NoGrant] {
				t.Errorf("%+v, want %v", f, want)
			}
			if f.Left[0].Reason != reach.NoConsent || len(f.Ways) != 2 || f.Ways[0].Count+f.Ways[1].Count != f.Reachable {
				t.Errorf("%+v", f)
			}
		}
		f, err := w.s.Size(ctx, brandID, rule.Everybody(), segment.Plan{Purpose: reach.Marketing, Uses: uses})
		if err != nil {
			t.Fatal(err)
		}
		check(f)
		t.Run("who is not judged one by one is counted by sets, to the same numbers", func(t *testing.T) {
			w.s.LookAtMost(50)
			before := l.looked
			f, err := w.s.Size(ctx, brandID, rule.Everybody(), segment.Plan{Purpose: reach.Marketing, Uses: uses, Exact: true})
			if err != nil || f.Sampled != 0 || l.looked != before {
				t.Fatalf("%+v %v", f, err)
			}
			check(f)
		})
		t.Run("a sample stands for many and says so", func(t *testing.T) {
			f, err := w.s.Size(ctx, brandID, rule.Everybody(), segment.Plan{Purpose: reach.Marketing, Uses: uses})
			sum := f.Reachable
			for _, x := range f.Left {
				sum += x.Count
			}
			if err != nil || f.Sampled != 50 || sum != 140 || f.Ways[0].Count+f.Ways[1].Count != f.Reachable {
				t.Errorf("%+v %v", f, err)
			}
		})
		some, err := w.s.Sample(ctx, brandID, rule.Everybody(), 20)
		if err != nil || len(some) != 20 || !some[0].Following || some[0].JoinedAt != w.joined[some[0].MemberID] || some[0].MemberID == some[1].MemberID {
			t.Errorf("%+v %v", some, err)
		}
	})
}
