package draw

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

var seed = bytes.Repeat([]byte{7}, SeedBytes)

func TestRankIsAPermutation(t *testing.T) {
	for _, n := range []uint64{1, 2, 3, 4, 5, 17, 100, 1000, 65537} {
		d, err := New(seed, n, []Tier{{Winners: n}})
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, n)
		for i := range n {
			r := d.Rank(i)
			if r >= n || seen[r] {
				t.Fatalf("n=%d: rank %d of %d is out of range or came twice", n, r, i)
			}
			seen[r] = true
		}
	}
}

func TestCountsAndTotalsAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var tiers []Tier
		n := uint64(0)
		for range rng.IntN(5) + 1 {
			w := rng.Uint64N(3000)
			lo := rng.Int64N(300)
			hi := lo + rng.Int64N(20000)
			total := lo*int64(w) + int64(rng.Uint64N(uint64((hi-lo)*int64(w))+1))
			tiers = append(tiers, Tier{Winners: w, Min: lo, Max: hi, Total: total})
			n += w
		}
		tiers = append(tiers, Tier{Winners: 11})
		n += 11
		d, err := New(seed, n, tiers)
		if err != nil {
			t.Fatal(err)
		}
		wins := make([]uint64, len(tiers))
		sums := make([]int64, len(tiers))
		for i := range n {
			tier, amount := d.At(i)
			if amount < tiers[tier].Min || amount > tiers[tier].Max {
				t.Fatalf("amount %d is outside [%d, %d]", amount, tiers[tier].Min, tiers[tier].Max)
			}
			wins[tier]++
			sums[tier] += amount
		}
		for k, want := range tiers {
			if wins[k] != want.Winners || sums[k] != want.Total {
				t.Fatalf("tier %d of %+v: %d winners, %d fen", k, tiers, wins[k], sums[k])
			}
		}
	}
}

func TestAmountsVary(t *testing.T) {
	// 1 to 200 yuan, 3 yuan on average: neither all alike nor all at an end.
	const n = 10000
	d, err := New(seed, n, []Tier{{Winners: n, Min: 100, Max: 20000, Total: 300 * n}})
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[int64]bool{}
	var sq float64
	low := 0
	for j := range uint64(n) {
		a := d.Amount(0, j)
		distinct[a] = true
		sq += float64(a-300) * float64(a-300)
		if a < 110 {
			low++
		}
	}
	sd := math.Sqrt(sq / n)
	if len(distinct) < 300 || sd < 80 || sd > 600 || low > n/4 {
		t.Fatalf("%d distinct amounts, deviation %.0f fen, %d close to the minimum", len(distinct), sd, low)
	}
}

func TestAnotherSeedIsAnotherDraw(t *testing.T) {
	other := bytes.Repeat([]byte{8}, SeedBytes)
	tiers := []Tier{{Winners: 500}, {Winners: 500}}
	a, _ := New(seed, 1000, tiers)
	b, _ := New(other, 1000, tiers)
	same := 0
	for i := range uint64(1000) {
		if x, _ := a.At(i); func() bool { y, _ := b.At(i); return x == y }() {
			same++
		}
	}
	if same < 400 || same > 600 {
		t.Fatalf("%d of 1000 codes have the same tier under both seeds", same)
	}
	if Commit(seed, "x") == Commit(other, "x") || Commit(seed, "x") == Commit(seed, "y") {
		t.Fatal("the commitment does not bind")
	}
}

func TestImpossibleShapesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		n     uint64
		tiers []Tier
	}{
		"no codes":             {0, nil},
		"too many winners":     {5, []Tier{{Winners: 6}}},
		"too few winners":      {5, []Tier{{Winners: 4}}},
		"total too small":      {5, []Tier{{Winners: 5, Min: 10, Max: 20, Total: 49}}},
		"total too large":      {5, []Tier{{Winners: 5, Min: 10, Max: 20, Total: 101}}},
		"max below min":        {5, []Tier{{Winners: 5, Min: 10, Max: 9, Total: 50}}},
		"product overflows":    {1 << 39, []Tier{{Winners: 1 << 39, Min: 1 << 40, Max: 1 << 41, Total: 5}}},
		"winners overflow sum": {5, []Tier{{Winners: 3}, {Winners: math.MaxUint64 - 1}}},
	} {
		if _, err := New(seed, c.n, c.tiers); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A changed algorithm would silently change published draws: the vector holds it.
func TestVector(t *testing.T) {
	d, err := New(seed, 1000, []Tier{{Winners: 10, Min: 100, Max: 20000, Total: 30000}, {Winners: 990}})
	if err != nil {
		t.Fatal(err)
	}
	got := [3]uint64{d.Rank(0), d.Rank(1), d.Rank(999)}
	amounts := [3]int64{d.Amount(0, 0), d.Amount(0, 5), d.Amount(0, 9)}
	if want := [3]uint64{327, 54, 875}; got != want {
		t.Errorf("ranks %v, want %v", got, want)
	}
	if want := [3]int64{2676, 158, 3400}; amounts != want {
		t.Errorf("amounts %v, want %v", amounts, want)
	}
}

func BenchmarkAt(b *testing.B) {
	d, err := New(seed, 100_000_000, []Tier{{Winners: 10_000_000, Min: 100, Max: 20000, Total: 3_000_000_000}, {Winners: 90_000_000}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		d.At(uint64(i))
	}
}
