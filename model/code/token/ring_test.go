package token

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"siyu/model/fault"
)

func TestRing(t *testing.T) {
	a, b := newKey(t, 1), newKey(t, 2)
	ring, err := NewRing([]*Key{a, b}, []Range{
		{Slot: 1, From: 100, Count: 50, BatchID: 12},
		{Slot: 1, From: 0, Count: 100, BatchID: 11},
		{Slot: 1, From: 200, Count: 1, BatchID: 13},
		{Slot: 2, From: Positions - 10, Count: 10, BatchID: 21},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("positions fall to their batches, edges included", func(t *testing.T) {
		for _, c := range []struct {
			key      *Key
			position uint64
			batch    int64
			serial   uint64
		}{
			{a, 0, 11, 1}, {a, 99, 11, 100}, {a, 100, 12, 1}, {a, 149, 12, 50}, {a, 200, 13, 1},
			{b, Positions - 10, 21, 1}, {b, Positions - 1, 21, 10},
		} {
			v := ring.Check(string(c.key.Issue(c.position)))
			if !v.OK || v.Reason != Genuine || v.BatchID != c.batch || v.Serial != c.serial || v.Slot != c.key.Slot() {
				t.Errorf("position %d: %+v", c.position, v)
			}
			if tok, ok := ring.Issue(c.batch, c.serial); !ok || tok != v.Token {
				t.Errorf("batch %d serial %d: %s, %v", c.batch, c.serial, tok, ok)
			}
		}
	})
	t.Run("made by the key but owned by no batch", func(t *testing.T) {
		for _, tok := range []Token{a.Issue(150), a.Issue(199), a.Issue(201), b.Issue(0)} {
			if v := ring.Check(string(tok)); v.OK || v.Reason != NotIssued || v.BatchID != 0 || v.Serial != 0 {
				t.Errorf("%+v", v)
			}
		}
	})
	t.Run("every refusal has its reason", func(t *testing.T) {
		tok := string(a.Issue(0))
		flipped := "1"
		if tok[15] == '1' {
			flipped = "2"
		}
		for s, want := range map[string]Reason{
			"":                            Malformed,
			"http://x":                    Malformed,
			string(newKey(t, 3).Issue(0)): UnknownSlot,
			tok[:15] + flipped:            Forged,
			strings.ToLower(tok):          Genuine,
		} {
			v := ring.Check(s)
			if v.Reason != want || v.OK != (want == Genuine) || (v.Slot == -1) != (want == Malformed) {
				t.Errorf("%q: %+v, want %v", s, v, want)
			}
			if v.Reason.Text() == "" || v.Reason.String() == "" {
				t.Errorf("%v has no words", v.Reason)
			}
		}
	})
	t.Run("unknown batch or serial is not issued", func(t *testing.T) {
		for _, c := range []struct {
			batch  int64
			serial uint64
		}{{99, 1}, {11, 0}, {11, 101}, {13, 2}} {
			if tok, ok := ring.Issue(c.batch, c.serial); ok {
				t.Errorf("%+v gives %s", c, tok)
			}
		}
	})
}

func TestRingRefusesAmbiguity(t *testing.T) {
	k := newKey(t, 1)
	for name, c := range map[string]struct {
		keys   []*Key
		ranges []Range
		code   string
	}{
		"two keys in a slot":       {[]*Key{k, newKey(t, 1)}, nil, "code_key_twice"},
		"a slot without key":       {[]*Key{k}, []Range{{2, 0, 1, 1}}, "code_range"},
		"a slot that cannot be":    {[]*Key{k}, []Range{{1024, 0, 1, 1}}, "code_range"},
		"a negative slot":          {[]*Key{k}, []Range{{-1, 0, 1, 1}}, "code_range"},
		"an empty range":           {[]*Key{k}, []Range{{1, 5, 0, 1}}, "code_range"},
		"beyond the last position": {[]*Key{k}, []Range{{1, Positions - 1, 2, 1}}, "code_range"},
		"a count that wraps":       {[]*Key{k}, []Range{{1, 1, 1<<64 - 1, 1}}, "code_range"},
		"overlap by one":           {[]*Key{k}, []Range{{1, 10, 10, 1}, {1, 0, 11, 2}}, "code_range_overlap"},
		"one inside another":       {[]*Key{k}, []Range{{1, 0, 100, 1}, {1, 50, 1, 2}}, "code_range_overlap"},
		"a batch in two ranges":    {[]*Key{k}, []Range{{1, 0, 10, 1}, {1, 10, 10, 1}}, "code_batch_twice"},
	} {
		if _, err := NewRing(c.keys, c.ranges); err == nil || fault.Of(err).Code != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestCheckAgreesWithALinearSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	k := newKey(t, 7)
	var ranges []Range
	from := uint64(0)
	for id := range int64(300) {
		from += r.Uint64N(3) * 5
		g := Range{7, from, 1 + r.Uint64N(20), id + 1}
		from += g.Count
		ranges = append(ranges, g)
	}
	r.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
	ring, err := NewRing([]*Key{k}, ranges)
	if err != nil {
		t.Fatal(err)
	}
	for p := range from + 10 {
		var want Verdict
		want.Reason = NotIssued
		for _, g := range ranges {
			if p >= g.From && p < g.From+g.Count {
				want = Verdict{OK: true, Reason: Genuine, BatchID: g.BatchID, Serial: p - g.From + 1}
			}
		}
		want.Slot, want.Token = 7, k.Issue(p)
		if got := ring.Check(string(want.Token)); got != want {
			t.Fatalf("position %d: %+v, want %+v", p, got, want)
		}
	}
}

func TestOneRingServesManyGoroutines(t *testing.T) {
	k := newKey(t, 7)
	ring, err := NewRing([]*Key{k}, []Range{{7, 0, 1 << 20, 1}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for part := range uint64(8) {
		all.Go(func() {
			run := k.AppendRun(nil, part*1000, 1000)
			for i := range uint64(1000) {
				v := ring.Check(string(run[i*Size : (i+1)*Size]))
				if !v.OK || v.Serial != part*1000+i+1 {
					t.Errorf("position %d: %+v", part*1000+i, v)
				}
			}
		})
	}
	all.Wait()
}

func TestHotPathsAllocateNothing(t *testing.T) {
	k := newKey(t, 7)
	ring, err := NewRing([]*Key{k}, []Range{{7, 0, 1000, 1}})
	if err != nil {
		t.Fatal(err)
	}
	tok := k.Issue(500)
	buf := make([]byte, 0, 128)
	for name, f := range map[string]func(){
		"issue":        func() { buf = k.AppendIssue(buf[:0], 500) },
		"open":         func() { k.Open(tok) },
		"check":        func() { ring.Check(string(tok)) },
		"check forged": func() { ring.Check("07ZZZZZZZZZZZZZZ") },
		"short URL":    func() { buf = AppendShort(buf[:0], "qr.brand.cn", tok, true) },
		"parse URL":    func() { ParseURL("https://qr.brand.cn/q/0123456789ABCDEF") },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
