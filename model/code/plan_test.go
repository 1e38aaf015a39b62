package code

import (
	"math/rand/v2"
	"testing"

	"siyu/model/clock"
)

// naive reads the four rules of the package doc word for word.
func naive(rows []Range, serial int64, now clock.Instant) string {
	in := func(r Range) bool { return serial >= r.From && serial < r.Until && r.EffectiveAt <= now }
	for _, r := range rows {
		if in(r) && r.State == Voided {
			return Voided
		}
	}
	for _, r := range rows {
		if !in(r) || r.State != Recalled {
			continue
		}
		lifted := false
		for _, a := range rows {
			lifted = lifted || in(a) && a.State == Activated && a.Seq > r.Seq && a.EffectiveAt >= r.EffectiveAt
		}
		if !lifted {
			return Recalled
		}
	}
	for _, a := range rows {
		if !in(a) || a.State != Activated {
			continue
		}
		revoked := false
		for _, r := range rows {
			revoked = revoked || in(r) && r.State == Revoked && r.Seq > a.Seq
		}
		if !revoked {
			return Activated
		}
	}
	return Issued
}

// randomRows makes declarations over few serials and moments, so that edges and
// equal times meet often.
func randomRows(rnd *rand.Rand, n int) []Range {
	states := []string{Activated, Activated, Revoked, Recalled, Recalled, Voided}
	if rnd.IntN(2) == 0 {
		states = states[:5] // a void hides the interesting part
	}
	rows := make([]Range, n)
	for i := range rows {
		from := 1 + rnd.Int64N(12)
		rows[i] = Range{Seq: int64(i + 1), From: from, Until: from + 1 + rnd.Int64N(13-from), State: states[rnd.IntN(len(states))],
			EffectiveAt: clock.Instant(10 * (1 + rnd.IntN(5)))}
	}
	return rows
}

func TestPlan(t *testing.T) {
	t.Run("gives every serial the state that the rules give it, at every moment", func(t *testing.T) {
		seen := map[string]int{}
		for seed := range uint64(3000) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			rows := randomRows(rnd, rnd.IntN(9))
			p := compile(rows)
			for serial := int64(1); serial <= 14; serial++ {
				for now := clock.Instant(5); now <= 60; now += 5 {
					got, want := p.find(serial).at(now), naive(rows, serial, now)
					if got.State != want {
						t.Fatalf("seed %d: serial %d at %d is %s, want %s: %+v", seed, serial, now, got.State, want, rows)
					}
					seen[want]++
				}
			}
		}
		for _, s := range []string{Issued, Activated, Recalled, Voided} {
			if seen[s] < 1000 {
				t.Errorf("%s was met only %d times", s, seen[s])
			}
		}
	})
	t.Run("its spans are the serials, each once and in its state", func(t *testing.T) {
		for seed := range uint64(500) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			rows := randomRows(rnd, rnd.IntN(7))
			p := compile(rows)
			next := int64(1)
			for _, span := range p.spans(1, 13, 30) {
				if span.From != next || span.Until <= span.From {
					t.Fatalf("seed %d: gap or overlap at %d: %+v", seed, next, span)
				}
				for ; next < span.Until; next++ {
					if want := naive(rows, next, 30); span.State != want {
						t.Fatalf("seed %d: serial %d is in a span %s, want %s", seed, next, span.State, want)
					}
				}
			}
			if next != 13 {
				t.Fatalf("seed %d: spans end at %d", seed, next)
			}
		}
	})
	t.Run("a declaration that changes no state is recognised, and none that changes one", func(t *testing.T) {
		same, other := 0, 0
		for seed := range uint64(2000) {
			rnd := rand.New(rand.NewPCG(seed, 3))
			rows := randomRows(rnd, 1+rnd.IntN(6))
			before, after := rows[:len(rows)-1], rows
			want := true
			for serial := int64(1); serial <= 13; serial++ {
				for now := clock.Instant(10); now <= 60; now += 10 {
					want = want && naive(before, serial, now) == naive(after, serial, now)
				}
			}
			if got := compile(before).sameStates(compile(after)); got != want {
				t.Fatalf("seed %d: same %v, want %v: %+v", seed, got, want, rows)
			}
			if want {
				same++
			} else {
				other++
			}
		}
		if same < 100 || other < 100 {
			t.Fatal("one side was hardly met", same, other)
		}
	})
	t.Run("the moment and reason are those of the change, not of a repetition", func(t *testing.T) {
		m := compile([]Range{
			{Seq: 1, From: 1, Until: 9, State: Recalled, EffectiveAt: 10, Reason: "first"},
			{Seq: 2, From: 1, Until: 9, State: Recalled, EffectiveAt: 20, Reason: "second"},
		}).find(3).at(30)
		if m.At != 10 || m.Reason != "first" {
			t.Fatal(m)
		}
	})
}
