package leader

import (
	"context"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

const day = 24 * time.Hour

// value finds what one metric says of a member over 30 whole days before today.
func (w *world) value(m id.ID, metric string) int64 {
	w.t.Helper()
	family, err := w.members.Family(ctx, m)
	w.must(err)
	found, err := w.measure(ctx, brandA, map[id.ID][]id.ID{m: family}, []Condition{{metric, 1, 30}}, clock.DayOf(w.clk.Now()))
	w.must(err)
	return found[m][0].Value
}

func TestFiguresCountVerifiedPurchasesOfPeopleHeBroughtHimself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		boss, a, b, c, under := w.member(), w.member(), w.member(), w.member(), w.member()
		w.brought = map[id.ID]id.ID{a: boss, b: boss, c: boss, under: a}
		w.claim(boss)
		w.claim(a)
		w.claim(a) // the same day: he has not come back by that
		w.claim(b)
		w.order(c, "1", "", 5000)
		w.claim(under) // somebody else's
		w.clk.Advance(day)
		if n := w.value(boss, Buyers); n != 3 {
			t.Fatalf("%d buyers", n)
		}
		if n := w.value(boss, RetentionBP); n != 0 {
			t.Fatalf("retention %d", n)
		}
		if n := w.value(boss, OwnClaims); n != 1 {
			t.Fatalf("%d own claims", n)
		}
		w.claim(b)
		w.clk.Advance(day)
		if n := w.value(boss, RetentionBP); n != 3333 {
			t.Fatalf("retention %d of one of three", n)
		}
		t.Run("an order that was given back was none", func(t *testing.T) {
			w.order(c, "1", "r1", -2000)
			if n := w.value(boss, Buyers); n != 3 {
				t.Fatalf("%d buyers after a part was given back", n)
			}
			w.order(c, "1", "r2", -3000)
			w.order(c, "1", "r2", -3000)
			if n := w.value(boss, Buyers); n != 2 {
				t.Fatalf("%d buyers after all was given back", n)
			}
			w.order(c, "2", "r3", -100)
			w.order(c, "2", "", 100) // the refund was told first
			w.clk.Advance(day)
			if n := w.value(boss, Buyers); n != 2 {
				t.Fatalf("%d buyers", n)
			}
		})
		t.Run("a blocked buyer counts no more", func(t *testing.T) {
			_, err := w.members.Block(ctx, b)
			w.must(err)
			if n := w.value(boss, Buyers); n != 1 {
				t.Fatalf("%d buyers", n)
			}
			_, err = w.members.Unblock(ctx, b)
			w.must(err)
		})
		t.Run("two accounts of one buyer are one, and he himself is none", func(t *testing.T) {
			w.merge(a, b)
			if n := w.value(boss, Buyers); n != 1 {
				t.Fatalf("%d buyers after two became one", n)
			}
			w.merge(boss, a)
			if n := w.value(boss, Buyers); n != 1 {
				t.Fatalf("%d buyers after all became himself, want the one whom his other account brought", n)
			}
			if n := w.value(boss, OwnClaims); n != 5 {
				t.Fatalf("%d own claims of the family", n)
			}
		})
		t.Run("what is long ago does not count, and is deleted in the end", func(t *testing.T) {
			w.clk.Advance(31 * day)
			if n := w.value(boss, OwnClaims); n != 0 {
				t.Fatalf("%d own claims", n)
			}
			if n, err := w.Forget(ctx, 100); err != nil || n != 0 {
				t.Fatal(n, err)
			}
			w.clk.Advance(400 * day)
			if n, err := w.Forget(ctx, 100); err != nil || n == 0 {
				t.Fatal(n, err)
			}
			if n, err := w.Forget(ctx, 100); err != nil || n != 0 {
				t.Fatal(n, err)
			}
		})
	})
}

func TestCandidatesAreProposedWithTheirEvidence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.open() // two own claims and one buyer, in 30 days
		good, silent, lone, lead, buyer := w.member(), w.member(), w.member(), w.member(), w.member()
		w.lead(lead)
		for _, m := range []id.ID{good, silent, lone, lead} {
			if m != silent {
				w.agree(m)
			}
			w.claim(m)
			w.claim(m)
		}
		for _, m := range []id.ID{good, silent, lead} {
			x := w.member()
			w.brought[x] = m
			w.claim(x)
		}
		w.clk.Advance(day)
		step := func() {
			t.Helper()
			for {
				more, err := w.ProposeStep(ctx)
				w.must(err)
				if !more {
					return
				}
			}
		}
		step()
		list, err := w.Candidates(ctx, brandA, "", 0, 10)
		w.must(err)
		if len(list) != 1 || list[0].MemberID != good || list[0].State != Proposed || list[0].ProgrammeVersion != p.Version {
			t.Fatalf("silent %d lone %d lead %d buyer %d: %+v", silent, lone, lead, buyer, list)
		}
		e := list[0].Evidence
		if len(e) != 2 || e[0].Value != 2 || e[0].AtLeast != 2 || e[1].Metric != Buyers || e[1].Value != 1 || !e[1].Met || e[1].Title == "" {
			t.Fatalf("evidence %+v", e)
		}
		t.Run("an operator dismisses him, and he rests", func(t *testing.T) {
			_, err := w.Dismiss(ctx, list[0].ID, ops, "")
			w.refused(err, "leader_reason")
			c, err := w.Dismiss(ctx, list[0].ID, ops, "正在核实")
			w.must(err)
			if c.State != Dismissed || c.ByID != ops || c.AgainAt != w.clk.Now().Add(60*day) {
				t.Fatalf("%+v", c)
			}
			_, err = w.Invite(ctx, c.ID, ops)
			w.refused(err, "leader_state")
			w.clk.Advance(59 * day)
			step()
			if c, _ := w.candidateOf(w.DB.Read(ctx), c.ID); c.State != Dismissed {
				t.Fatalf("%s before the time", c.State)
			}
			w.claim(good)
			w.claim(good)
			w.claim(w.referee(good))
			w.clk.Advance(day)
			step()
			if c, _ := w.candidateOf(w.DB.Read(ctx), c.ID); c.State != Proposed || c.Reason != "" {
				t.Fatalf("%+v after the time", c)
			}
		})
		t.Run("an invitation lets him apply while the programme is closed, and gives nothing", func(t *testing.T) {
			w.open(func(p *Programme) { p.Open = false })
			c, err := w.Invite(ctx, list[0].ID, ops)
			w.must(err)
			inv, err := w.Invitations(ctx, good)
			w.must(err)
			if len(inv) != 1 || inv[0].ID != c.ID {
				t.Fatalf("%+v", inv)
			}
			if _, ok, err := w.Of(ctx, brandA, good); err != nil || ok {
				t.Fatal("an invitation made him something", err)
			}
			_, err = w.Apply(ctx, w.application(lone))
			w.refused(err, "leader_closed")
			if l := w.apply(good); l.State != Applied {
				t.Fatal(l.State)
			}
			if inv, _ = w.Invitations(ctx, good); len(inv) != 0 {
				t.Fatal("the invitation stays after he applied")
			}
		})
		_, err = w.Invite(ctx, 5, ops)
		w.refused(err, "leader_candidate_not_found")
	})
}

// referee is a new member whom somebody brought.
func (w *world) referee(of id.ID) id.ID {
	m := w.member()
	w.brought[m] = of
	return m
}

func TestProposingGoesOnWhereItStopped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open(func(p *Programme) { p.Candidates.Conditions = []Condition{{OwnClaims, 1, 30}} })
		var all []id.ID
		for range 3 {
			m := w.member()
			w.agree(m)
			w.claim(m)
			all = append(all, m)
		}
		w.clk.Advance(day)
		slices.Sort(all)
		p, err := w.Programme(ctx, brandA)
		w.must(err)
		r, err := w.run(ctx, brandA, "candidates")
		w.must(err)
		r.next(all[0]) // a step that did the first, and a process that died after it
		w.must(w.passed(ctx, r, false))
		stale := r
		more, err := w.ProposeStep(ctx)
		if err != nil || !more {
			t.Fatal(more, err)
		}
		w.must(w.passed(ctx, stale, false)) // the dead one's twin, late
		if more, err = w.ProposeStep(ctx); err != nil || more {
			t.Fatal("the day is done, and there is more", more, err)
		}
		list, err := w.Candidates(ctx, brandA, Proposed, 0, 10)
		w.must(err)
		if len(list) != 2 {
			t.Fatalf("%d proposed, want those behind the first", len(list))
		}
		if err := w.propose(ctx, p, clock.DayOf(w.clk.Now()), all); err != nil { // the same step twice
			t.Fatal(err)
		}
		if list, _ = w.Candidates(ctx, brandA, Proposed, 0, 10); len(list) != 3 {
			t.Fatalf("%d proposed", len(list))
		}
	})
}

func TestLevelsAreReviewedOnceAMonthWithEvidence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		up, same := w.lead(w.member()), w.lead(w.member())
		clerk, err := w.Appoint(ctx, Appointment{BrandID: brandA, MemberID: w.member(), Role: RoleStaff, Name: "甲", EmployeeNo: "1"})
		w.must(err)
		a, b := w.referee(up.MemberID), w.referee(up.MemberID)
		w.claim(a)
		w.claim(b)
		if more, err := w.ReviewStep(ctx); err != nil || more || len(w.states(up)) != 3 {
			t.Fatal("reviewed in the month he began", more, err)
		}
		w.clk.Set(clock.Instant(1796054399999)) // the last millisecond of November in Shanghai
		if clock.DayOf(w.clk.Now()) != 20261130 {
			t.Fatal(w.clk.Now())
		}
		_, err = w.ReviewStep(ctx)
		w.must(err)
		if l, _ := w.Get(ctx, up.ID); l.Level != 1 {
			t.Fatal("reviewed before the month began")
		}
		w.clk.Advance(time.Millisecond)
		w.claim(w.referee(up.MemberID)) // of December: for the next review
		_, err = w.ReviewStep(ctx)
		w.must(err)
		l, err := w.Get(ctx, up.ID)
		w.must(err)
		h, err := w.History(ctx, up.ID)
		w.must(err)
		if l.Level != 2 || l.LevelMonth != 202612 || h[0].ByKind != ByRule || h[0].FromLevel != 1 || h[0].ToLevel != 2 || len(h[0].Evidence) != 2 || h[0].Evidence[0].Value != 2 {
			t.Fatalf("%+v %+v", l, h[0])
		}
		hs, err := w.History(ctx, same.ID)
		w.must(err)
		if l, _ := w.Get(ctx, same.ID); l.Level != 1 || hs[0].FromLevel != hs[0].ToLevel || hs[0].Evidence[0].Value != 0 {
			t.Fatalf("%+v %+v", l, hs[0])
		}
		if l, _ := w.Get(ctx, clerk.ID); l.Level != 0 || len(w.states(l)) != 1 {
			t.Fatalf("a clerk was reviewed: %+v", l)
		}
		moves := len(h)
		_, err = w.ReviewStep(ctx)
		w.must(err)
		if h, _ = w.History(ctx, up.ID); len(h) != moves {
			t.Fatal("reviewed twice in a month")
		}
		var texts []string
		_, err = w.TellStep(ctx, 100, func(_ context.Context, x Word) error { texts = append(texts, x.Text); return nil })
		w.must(err)
		if !slices.Contains(texts, "您的群主等级由“见习群主”变为“正式群主”。") || len(texts) != 4 { // two approvals, one appointment
			t.Fatalf("%q", texts)
		}
		w.clk.Advance(32 * day) // a month without anything: down again
		_, err = w.ReviewStep(ctx)
		w.must(err)
		if l, _ := w.Get(ctx, up.ID); l.Level != 1 || l.LevelMonth != 202701 {
			t.Fatalf("%+v", l)
		}
	})
}

func TestALevelSetByHandHoldsUntilTheReview(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l := w.lead(w.member())
		l, err := w.SetLevel(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "区域合伙"}, 3)
		w.must(err)
		_, err = w.ReviewStep(ctx)
		w.must(err)
		if l, _ = w.Get(ctx, l.ID); l.Level != 3 {
			t.Fatal(l.Level)
		}
		w.clk.Advance(31 * day)
		_, err = w.ReviewStep(ctx)
		w.must(err)
		if l, _ = w.Get(ctx, l.ID); l.Level != 1 {
			t.Fatal(l.Level)
		}
	})
}
