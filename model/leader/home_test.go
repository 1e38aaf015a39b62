package leader

import (
	"context"
	"slices"
	"testing"

	"siyu/model/id"
)

func TestGroupHealthCanBeACondition(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open(func(p *Programme) { p.Levels[1].Conditions = []Condition{{GroupHealth, 60, 0}} })
		fit, poor := w.lead(w.member()), w.lead(w.member())
		w.UseParts(Parts{Health: func(_ context.Context, _ id.ID, family []id.ID) (int64, int64, error) {
			if slices.Contains(family, fit.MemberID) {
				return 80, 2, nil
			}
			return 40, 1, nil
		}})
		w.clk.Advance(31 * day)
		_, err := w.ReviewStep(ctx)
		w.must(err)
		f, _ := w.Get(ctx, fit.ID)
		p, _ := w.Get(ctx, poor.ID)
		h, err := w.History(ctx, fit.ID)
		w.must(err)
		i := slices.IndexFunc(h[0].Evidence, func(e Evidence) bool { return e.Metric == GroupHealth })
		if f.Level != 2 || p.Level != 1 || h[0].Evidence[i].Of != 2 {
			t.Fatalf("%d %d %+v", f.Level, p.Level, h[0])
		}
	})
}

func TestHome(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		first, second, third := w.lead(w.member()), w.lead(w.member()), w.lead(w.member())
		for range 2 {
			w.claim(w.referee(first.MemberID))
		}
		w.claim(w.referee(second.MemberID))
		w.claim(w.referee(third.MemberID))
		w.clk.Advance(day)
		for {
			more, err := w.RankDay(ctx)
			w.must(err)
			if !more {
				break
			}
		}
		again := w.referee(first.MemberID)
		w.claim(again)
		w.UseParts(Parts{
			People: func(context.Context, id.ID, id.ID) (People, error) { return People{Direct: 140, Team: 200}, nil },
			Income: func(context.Context, id.ID, id.ID) (Income, error) { return Income{AvailableFen: 880}, nil },
			Crowd:  func(context.Context, id.ID, id.ID) (Crowd, error) { return Crowd{Groups: 1, Members: 151}, nil },
		})
		_, err := w.PutTask(ctx, Task{BrandID: brandA, Title: "打招呼", State: Open, Levels: Levels{}}, boss)
		w.must(err)
		h, err := w.Home(ctx, first)
		w.must(err)
		if h.Rank.Position != 1 || h.Rank.Total != 3 || h.Rank.Buyers != 2 || h.Rank.Day != "2026-11-22" {
			t.Fatalf("rank %+v", h.Rank)
		}
		if h.Activity.Buyers30 != 3 || h.Activity.Today != 1 || h.Activity.Again30 != 0 {
			t.Fatalf("activity %+v", h.Activity)
		}
		if h.Income.AvailableFen != 880 || h.People.Team != 200 || len(h.Tasks) != 1 || h.Level.Name != "见习群主" || h.NextLevel != "正式群主" {
			t.Fatalf("%+v", h)
		}
		if len(h.Progress) != 1 || h.Progress[0].Value != 2 || !h.Progress[0].Met {
			t.Fatalf("progress %+v", h.Progress)
		}
		if h.Capacity.People != 151 || h.Capacity.Of != 150 || !h.Capacity.Full || h.Capacity.Advice == "" {
			t.Fatalf("capacity %+v", h.Capacity)
		}
		for _, l := range []Leader{second, third} {
			if r, err := w.RankOf(ctx, l.ID); err != nil || r.Position != 2 || r.Total != 3 {
				t.Fatalf("equal ones share a place: %+v %v", r, err)
			}
		}
		_, err = w.Leave(ctx, brandA, second.MemberID)
		w.must(err)
		w.clk.Advance(day)
		_, err = w.RankDay(ctx)
		w.must(err)
		if r, _ := w.RankOf(ctx, second.ID); r.Position != 0 {
			t.Fatalf("who left has a place: %+v", r)
		}
		if r, _ := w.RankOf(ctx, first.ID); r.Total != 2 || r.Buyers != 3 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestCapacityOfALeaderWithoutGroupsIsThePeopleHeBrought(t *testing.T) {
	for _, x := range []struct {
		people, want int64
		full, advice bool
	}{{134, 134, false, false}, {135, 135, false, true}, {149, 149, false, true}, {150, 150, true, true}} {
		c := capacity(People{Direct: x.people}, Crowd{})
		if c.People != x.want || c.Full != x.full || (c.Advice != "") != x.advice {
			t.Errorf("%d: %+v", x.people, c)
		}
	}
}
