package bits_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/id"
	"siyu/model/segment/bits"
)

func TestPeople(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p, want := bits.NewPeople(), map[id.ID]uint32{}
	for n := uint32(0); len(want) < 20_000; n += 1 + uint32(r.IntN(3)) { // some numbers are nobody's
		who := id.ID(r.Int64N(1<<62)&^0xFFF + 1)
		if _, there := want[who]; there {
			continue
		}
		want[who] = n
		p.Put(who, n, true, n%2 == 0)
	}
	for who, n := range want {
		if got, ok := p.Number(who); !ok || got != n || p.IDs()[n] != who {
			t.Fatalf("%d is %d, want %d", who, got, n)
		}
	}
	if _, ok := p.Number(2); ok || p.Len() != len(want) {
		t.Error("somebody who was never put has a number")
	}
	for who, n := range want {
		p.Put(who, n, false, true)
		break
	}
	if p.Live.GetCardinality() != uint64(len(want)-1) {
		t.Error("who does not count any more still does")
	}
}

func TestColumn(t *testing.T) {
	t.Run("what is replaced piece by piece equals what is loaded at once", func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		values := []string{"a", "b", "c", "", "d"}
		truth, c := map[uint32][]string{}, bits.NewLoader().Column()
		for range 200 {
			who, l := roaring.New(), bits.NewLoader()
			for range r.IntN(50) {
				n := uint32(r.IntN(500))
				if who.Contains(n) {
					continue
				}
				who.Add(n)
				delete(truth, n)
				for _, v := range values[:r.IntN(len(values)+1)] {
					if r.IntN(2) == 0 {
						truth[n] = append(truth[n], v)
						l.Add(v, n)
					}
				}
			}
			given := c.Of("a").Clone()
			before := c.Of("a")
			c.Replace(who, l)
			if !before.Equals(given) {
				t.Fatal("a set that was given out changed")
			}
		}
		whole := bits.NewLoader()
		for n, vs := range truth {
			for _, v := range vs {
				whole.Add(v, n)
			}
		}
		w := whole.Column()
		if !slices.Equal(w.Values(), c.Values()) {
			t.Fatalf("%v, want %v", c.Values(), w.Values())
		}
		for _, v := range values {
			if !w.Of(v).Equals(c.Of(v)) {
				t.Errorf("value %q differs", v)
			}
		}
		if !w.Any().Equals(c.Match(func(string) bool { return true })) {
			t.Error("any differs")
		}
	})
}

func TestAll(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	draw := func() (*bits.Set, map[uint32]bool) {
		s, m := roaring.New(), map[uint32]bool{}
		for range r.IntN(300) {
			n := uint32(r.IntN(400))
			s.Add(n)
			m[n] = true
		}
		return s, m
	}
	for range 100 {
		u, um := draw()
		a, am := draw()
		b, bm := draw()
		x, xm := draw()
		maps.DeleteFunc(um, func(n uint32, _ bool) bool { return !am[n] || !bm[n] || xm[n] })
		want := roaring.BitmapOf(slices.Sorted(maps.Keys(um))...)
		if got := bits.All(u, []*bits.Set{a, b}, []*bits.Set{x}); !got.Equals(want) {
			t.Fatal("all is not what it says")
		}
	}
}
