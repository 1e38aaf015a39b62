package code

import (
	"cmp"
	"slices"
	"sort"

	"siyu/model/clock"
)

// Mark says that a state holds from a moment on.
type Mark struct {
	At     clock.Instant `json:"at"`
	State  string        `json:"state"`
	Reason string        `json:"reason"`
}

// stretch is a run of serials that share one life: [from, next stretch's from).
type stretch struct {
	from  int64
	marks []Mark // by time; before the first the state is issued
}

// plan is the declarations of a batch, compiled: stretches that do not overlap, by
// serial, the first from 1. It never changes.
type plan []stretch

// compile turns declarations in the order of their Seq into a plan for serials
// [1, count]. With n declarations it takes about n² steps; MaxRanges bounds n.
func compile(rows []Range) plan {
	edges := []int64{1}
	for _, r := range rows {
		edges = append(edges, r.From, r.Until)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	byTime := slices.Clone(rows)
	slices.SortStableFunc(byTime, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.EffectiveAt, b.EffectiveAt), cmp.Compare(a.Seq, b.Seq))
	})
	var p plan
	for _, from := range edges {
		marks := life(byTime, from)
		if n := len(p); n == 0 || !slices.Equal(p[n-1].marks, marks) {
			p = append(p, stretch{from, marks})
		}
	}
	return p
}

// life sweeps the declarations that cover a serial in the order they take effect.
func life(byTime []Range, serial int64) []Mark {
	var marks []Mark
	state := Issued
	// recall is the Seq of the latest declared recall in effect that is not lifted. An
	// activation that takes effect now lifts it if it was declared later; every older
	// recall in effect is then lifted too.
	var recall int64
	// Seqs of the latest declared activation and revocation in effect.
	var active, revoked int64
	voided := false
	for _, r := range byTime {
		if serial < r.From || serial >= r.Until || voided {
			continue
		}
		switch r.State {
		case Voided:
			voided = true
		case Recalled:
			recall = max(recall, r.Seq)
		case Activated:
			active = max(active, r.Seq)
			if r.Seq > recall {
				recall = 0
			}
		case Revoked:
			revoked = max(revoked, r.Seq)
		}
		next := Issued
		switch {
		case voided:
			next = Voided
		case recall > 0:
			next = Recalled
		case active > revoked:
			next = Activated
		}
		if next == state {
			continue
		}
		state = next
		if n := len(marks); n > 0 && marks[n-1].At == r.EffectiveAt {
			marks = marks[:n-1] // held for no time at all
		}
		before := Issued
		if n := len(marks); n > 0 {
			before = marks[n-1].State
		}
		if state != before {
			marks = append(marks, Mark{r.EffectiveAt, state, r.Reason})
		}
	}
	return marks
}

// find returns the stretch of a serial >= 1.
func (p plan) find(serial int64) *stretch {
	return &p[sort.Search(len(p), func(i int) bool { return p[i].from > serial })-1]
}

// at returns what holds at a moment; issued has the zero Mark's time and no reason.
func (s *stretch) at(now clock.Instant) Mark {
	for i := len(s.marks) - 1; i >= 0; i-- {
		if s.marks[i].At <= now {
			return s.marks[i]
		}
	}
	return Mark{State: Issued}
}

// sameStates says whether two plans give every serial the same state at every
// moment; reasons do not matter.
func (p plan) sameStates(q plan) bool {
	states := func(p plan) plan { // without reasons, merged anew
		var out plan
		for _, s := range p {
			marks := slices.Clone(s.marks)
			for i := range marks {
				marks[i].Reason = ""
			}
			if n := len(out); n == 0 || !slices.Equal(out[n-1].marks, marks) {
				out = append(out, stretch{s.from, marks})
			}
		}
		return out
	}
	return slices.EqualFunc(states(p), states(q), func(a, b stretch) bool {
		return a.from == b.from && slices.Equal(a.marks, b.marks)
	})
}

// Span is a run of serials [From, Until) in one state.
type Span struct {
	From   int64         `json:"from_serial"`
	Until  int64         `json:"until_serial"`
	State  string        `json:"state"`
	Reason string        `json:"reason"`
	Since  clock.Instant `json:"since"` // null while issued
}

// spans cuts the serials [from, until) by their state at a moment.
func (p plan) spans(from, until int64, now clock.Instant) []Span {
	out := []Span{}
	for i := range p {
		end := until
		if i+1 < len(p) {
			end = min(end, p[i+1].from)
		}
		start := max(from, p[i].from)
		if start >= end {
			continue
		}
		m := p[i].at(now)
		if n := len(out); n > 0 && out[n-1].State == m.State && out[n-1].Reason == m.Reason && out[n-1].Since == m.At {
			out[n-1].Until = end
		} else {
			out = append(out, Span{start, end, m.State, m.Reason, m.At})
		}
	}
	return out
}

// effect counts the serials of [from, until) that another plan has in another state at a
// moment, by the state they are in here.
func (p plan) effect(other plan, from, until int64, at clock.Instant) map[string]int64 {
	out := map[string]int64{}
	after := other.spans(from, until, at)
	for _, b := range p.spans(from, until, at) {
		for _, a := range after {
			if n := min(a.Until, b.Until) - max(a.From, b.From); n > 0 && a.State != b.State {
				out[b.State] += n
			}
		}
	}
	return out
}
