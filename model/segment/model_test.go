package segment_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
)

// people are those who fulfil a rule, by looking at each.
func (w *world) people(t rule.Tree) (list []id.ID) {
	profiling := w.profiles(&t.Root)
	for _, p := range w.members {
		if w.root[p] != p || !w.ofBrand(p) || profiling && !w.given(p, "profiling") {
			continue
		}
		if w.holds(p, &t.Root) {
			list = append(list, p)
		}
	}
	return list
}

func (w *world) profiles(n *rule.Node) (yes bool) {
	n.Walk(func(n *rule.Node, _ int) bool {
		switch {
		case n.Did != nil || n.Sequence != nil || n.Tag != nil && n.Tag.ID == 33:
			yes = true
		case n.Attr != nil:
			yes = yes || slices.Contains([]string{"stage", "r", "f", "m", "province"}, n.Attr.Name)
		case n.Segment != nil:
			t := w.trees[n.Segment.ID]
			yes = yes || w.profiles(&t.Root)
		}
		return true
	})
	return yes
}

func (w *world) ofBrand(p id.ID) bool {
	for _, a := range w.acts {
		if w.root[a.member] == p && a.brand == brandID {
			return true
		}
	}
	return w.any(p, func(m id.ID) bool { return w.kept[m]["follows:11"] })
}

func (w *world) any(p id.ID, is func(m id.ID) bool) bool {
	return slices.ContainsFunc(w.members, func(m id.ID) bool { return w.root[m] == p && is(m) })
}

func (w *world) given(p id.ID, purpose string) bool {
	last := answer{}
	for _, a := range w.agreed {
		if w.root[a.member] == p && a.key == purpose && (a.at > last.at || a.at == last.at && a.no > last.no) {
			last = a
		}
	}
	return last.given
}

func (w *world) holds(p id.ID, n *rule.Node) bool {
	switch {
	case n.All != nil:
		return !slices.ContainsFunc(n.All, func(c rule.Node) bool { return !w.holds(p, &c) })
	case n.Any != nil:
		return slices.ContainsFunc(n.Any, func(c rule.Node) bool { return w.holds(p, &c) })
	case n.Not != nil:
		return !w.holds(p, n.Not)
	case n.Segment != nil:
		t := w.trees[n.Segment.ID]
		return w.holds(p, &t.Root)
	case n.List != nil:
		return w.any(p, func(m id.ID) bool { return w.kept[m][fmt.Sprint("list:", n.List.ID)] })
	case n.Random != nil:
		h := sha256.Sum256([]byte("siyu random\x00" + n.Random.Salt))
		const prime = 2147483647
		a, b := binary.BigEndian.Uint64(h[:])%(prime-1)+1, binary.BigEndian.Uint64(h[8:])%prime
		v := int((uint64(p)%prime*a + b) % prime % 10000)
		return n.Random.From <= v && v < n.Random.Until
	case n.Tag != nil:
		return w.tagHolds(p, n.Tag)
	case n.Attr != nil:
		return w.attrHolds(p, n.Attr)
	case n.Did != nil:
		return w.didHolds(p, n.Did)
	}
	return w.sequenceHolds(p, n.Sequence)
}

func fits(v int64, op string, values []int64) bool {
	switch op {
	case "gte":
		return v >= values[0]
	case "lte":
		return v <= values[0]
	case "between":
		return v >= values[0] && v <= values[1]
	}
	return slices.Contains(values, v)
}

func (w *world) tagHolds(p id.ID, t *rule.Tag) bool {
	var best *tagValue
	for i, v := range w.tags {
		if v.tag != t.ID || w.root[v.member] != p || v.until != 0 && v.until <= w.clk.Now() {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(v.since, best.since), cmp.Compare(v.member, best.member)) > 0 {
			best = &w.tags[i]
		}
	}
	switch {
	case t.Op == "lacks":
		return best == nil
	case best == nil:
		return false
	case t.Op == "has":
		return true
	case t.Op == "is" || t.Op == "in":
		return slices.Contains(t.Values, best.value)
	}
	return fits(best.score, t.Op, rule.Numbers(t.Values))
}

// day is the number of a business day.
func day(at clock.Instant) int64 { return (int64(at) + 8*3600_000) / 86400_000 }

func (w *world) today() int64 { return day(w.clk.Now()) }

// values are what a person has of an attribute.
func (w *world) values(p id.ID, name string) (list []string) {
	number := func(n int64) []string { return []string{strconv.FormatInt(n, 10)} }
	switch name {
	case "key", "follows", "reach":
		for _, m := range w.family(p) {
			for k := range w.kept[m] {
				if v, ok := cutPrefix(k, name+":"); ok && w.kept[m][k] {
					list = append(list, v)
				}
			}
		}
	case "consent":
		for _, c := range []string{"profiling", "marketing"} {
			if w.given(p, c) {
				list = append(list, c)
			}
		}
	case "tier_level", "leader":
		most := int64(-1)
		for _, m := range w.family(p) {
			if n, there := w.number[name][m]; there {
				most = max(most, n)
			}
		}
		if most >= 0 {
			return number(most)
		}
	case "depth":
		least := int64(99)
		for _, m := range w.family(p) {
			if n, there := w.number[name][m]; there {
				least = min(least, n)
			}
		}
		if least < 99 {
			return number(least)
		}
	case "has_referrer":
		if w.any(p, func(m id.ID) bool { return w.bound[m] != 0 }) {
			return []string{"1"}
		}
	case "origin":
		var all []answer
		for _, m := range w.family(p) {
			all = append(all, w.origin[m]...)
		}
		if len(all) > 0 {
			return []string{slices.MinFunc(all, func(a, b answer) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.no, b.no)) }).key}
		}
	case "birthday_month":
		var all []answer
		for _, m := range w.family(p) {
			all = append(all, w.birth[m]...)
		}
		if len(all) == 0 {
			return nil
		}
		trust := map[string]int{"self": 3, "operator": 3, "wecom": 2, "import": 1}
		best := slices.MaxFunc(all, func(a, b answer) int {
			return cmp.Or(cmp.Compare(trust[a.source], trust[b.source]), cmp.Compare(a.at, b.at), cmp.Compare(a.no, b.no))
		})
		if best.key != "" {
			n, _ := strconv.ParseInt(best.key[5:7], 10, 64)
			return number(n)
		}
	case "province":
		var last fact
		for _, a := range w.did(p, []string{"scan", "claim"}, nil) {
			if a.province != "" && (a.at > last.at || a.at == last.at && a.event > last.event) {
				last = a
			}
		}
		if last.province != "" {
			return []string{last.province}
		}
	case "stage":
		list := w.did(p, []string{"scan", "claim", "order", "review", "login", "follow", "message_clicked", "coupon_redeemed"}, nil)
		if len(list) == 0 {
			return nil
		}
		first, last := list[0].at, list[len(list)-1].at
		switch ago := w.today() - day(last); {
		case ago > 180:
			return []string{"lost"}
		case ago > 60:
			return []string{"sleeping"}
		case w.today()-day(first) <= 30:
			return []string{"new"}
		}
		return []string{"active"}
	case "r", "f", "m":
		return w.score(p, name)
	}
	return list
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return "", false
}

func (w *world) score(p id.ID, name string) []string {
	days, fen, last := map[int64]bool{}, int64(0), int64(-1)
	for _, a := range w.did(p, []string{"claim", "order"}, nil) {
		recent := w.today()-day(a.at) < 365
		if recent {
			fen += a.fen
		}
		if a.quantity <= 0 {
			continue
		}
		last = max(last, day(a.at))
		if recent {
			days[day(a.at)] = true
		}
	}
	grade := func(bounds [4]int64, v int64) []string {
		for i, b := range bounds {
			if v >= b {
				return []string{strconv.Itoa(5 - i)}
			}
		}
		return []string{"1"}
	}
	switch {
	case name == "r" && last >= 0:
		return grade([4]int64{-30, -60, -90, -180}, last-w.today())
	case name == "f" && len(days) > 0:
		return grade([4]int64{12, 6, 3, 2}, int64(len(days)))
	case name == "m" && fen > 0:
		return grade([4]int64{100000, 50000, 20000, 10000}, fen)
	}
	return nil
}

func (w *world) attrHolds(p id.ID, a *rule.Attr) bool {
	switch a.Name {
	case "referees":
		roots := map[id.ID]bool{}
		for referee, referrer := range w.bound {
			if w.root[referrer] == p {
				roots[w.root[referee]] = true
			}
		}
		switch a.Op {
		case "known":
			return len(roots) > 0
		case "unknown":
			return len(roots) == 0
		}
		return fits(int64(len(roots)), a.Op, rule.Numbers(a.Values))
	case "joined_days":
		first := clock.Instant(1 << 60)
		for _, m := range w.family(p) {
			first = min(first, w.joined[m])
		}
		return fits(w.today()-day(first), a.Op, rule.Numbers(a.Values))
	}
	has := w.values(p, a.Name)
	switch a.Op {
	case "known":
		return len(has) > 0
	case "unknown":
		return len(has) == 0
	}
	return slices.ContainsFunc(has, func(v string) bool {
		if spec, _ := rule.AttrOf(a.Name); spec.Kind == rule.Number {
			n, _ := strconv.ParseInt(v, 10, 64)
			return fits(n, a.Op, rule.Numbers(a.Values))
		}
		return slices.Contains(a.Values, v)
	})
}

// did are a person's acts at the brand of some kinds, oldest first.
func (w *world) did(p id.ID, whats []string, products []id.ID) (list []fact) {
	for _, a := range w.acts {
		if w.root[a.member] == p && a.brand == brandID && !a.seen && slices.Contains(whats, a.what) && (len(products) == 0 || slices.Contains(products, a.product)) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
	return list
}

func kinds(what string) []string {
	if what == "bought" {
		return []string{"claim", "order"}
	}
	return []string{what}
}

func (w *world) didHolds(p id.ID, d *rule.Did) bool {
	var quantity, fen int64
	events, days := map[id.ID]bool{}, map[int64]bool{}
	var first, last clock.Instant
	for _, a := range w.did(p, kinds(d.What), d.ProductIDs) {
		if len(d.ExceptIDs) > 0 && (a.product == 0 || slices.Contains(d.ExceptIDs, a.product)) {
			continue
		}
		if d.WithinDays > 0 && w.today()-day(a.at) >= int64(d.WithinDays) || a.at < d.From || d.Until != 0 && a.at >= d.Until {
			continue
		}
		quantity, fen = quantity+a.quantity, fen+a.fen
		if a.quantity <= 0 {
			continue
		}
		if events[a.event], days[day(a.at)] = true, true; first == 0 {
			first = a.at
		}
		last = a.at
	}
	switch d.Measure {
	case "quantity":
		return fits(quantity, d.Op, d.Values)
	case "sum_fen":
		return fits(fen, d.Op, d.Values)
	case "first_days":
		return first != 0 && fits(w.today()-day(first), d.Op, d.Values)
	case "last_days":
		return last != 0 && fits(w.today()-day(last), d.Op, d.Values)
	case "interval_days":
		if len(days) < 2 {
			return false
		}
		mean := last.Sub(first) / time.Duration(len(days)-1)
		return fits(int64(mean/(24*time.Hour)), d.Op, d.Values)
	}
	return fits(int64(len(events)), d.Op, d.Values)
}

func (w *world) sequenceHolds(p id.ID, s *rule.Sequence) bool {
	var from func(step int, begin, after clock.Instant) bool
	from = func(step int, begin, after clock.Instant) bool {
		if step == len(s.Steps) {
			return true
		}
		for _, a := range w.did(p, kinds(s.Steps[step].What), s.Steps[step].ProductIDs) {
			switch {
			case a.quantity <= 0:
			case step == 0:
				if (s.WindowDays == 0 || w.today()-day(a.at) < int64(s.WindowDays)) && from(1, a.at, a.at) {
					return true
				}
			case a.at > after && a.at <= begin.Add(time.Duration(s.WithinDays)*24*time.Hour) && from(step+1, begin, a.at):
				return true
			}
		}
		return false
	}
	return from(0, 0, 0)
}
