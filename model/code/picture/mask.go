package picture

import "math/bits"

// edge is how far rule 3 looks past the symbol.
const edge = 4

// grid is a symbol with light rows above and below it, so that looking past the
// edge needs no special case; shifts bring in light columns at both sides.
type grid [edge + maxSize + edge]uint64

func (g *grid) rows(n int) []uint64 { return g[edge : edge+n] }

// penalty is the score of ISO/IEC 18004 section 7.8.3.1 for a symbol of n modules a
// side; the mask with the lowest score is the easiest to read. Every step treats a
// whole row of modules as one word. Where the standard is silent it follows zxing:
// the quiet zone counts as light in rule 3, and a pattern with light on both sides
// counts once.
//
// The symbol's columns are compared row against row, so they cost the same.
func (g *grid) penalty(n int) int {
	full := uint64(1)<<n - 1
	inner := full >> 1 // pairs (x, x+1) that both lie inside
	rows := g.rows(n)

	// Rule 1: a run of L >= 5 equal modules costs L-2. In the word of equal pairs it
	// is L-1 ones; ANDing four shifts leaves L-4 ones, one run of them per run.
	// Rule 2: every 2x2 square of one colour costs 3.
	run, starts, squares, dark := 0, 0, 0, 0
	var v1, v2, v3, vt, above uint64
	for y, r := range rows {
		dark += bits.OnesCount64(r)
		h := ^(r ^ r>>1) & inner
		ht := h & (h >> 1) & (h >> 2) & (h >> 3)
		run += bits.OnesCount64(ht)
		starts += bits.OnesCount64(ht &^ (ht << 1))
		if y > 0 {
			v := ^(r ^ rows[y-1]) & full
			t := v & v1 & v2 & v3
			run += bits.OnesCount64(t)
			starts += bits.OnesCount64(t &^ vt)
			squares += bits.OnesCount64(h & above & v)
			v1, v2, v3, vt = v, v1, v2, t
		}
		above = h
	}

	// Rule 3: dark-light-dark-dark-dark-light-dark with four light modules on either
	// side looks like a finder and costs 40.
	finders := 0
	for y, r := range rows {
		p := r & ^(r >> 1) & (r >> 2) & (r >> 3) & (r >> 4) & ^(r >> 5) & (r >> 6)
		if p != 0 {
			before := r<<1 | r<<2 | r<<3 | r<<4
			after := r>>7 | r>>8 | r>>9 | r>>10
			finders += bits.OnesCount64(p &^ (before & after))
		}
		if y+7 > n {
			continue
		}
		c := g[y : y+15 : y+15] // c[4] is this row
		p = r & ^c[5] & c[6] & c[7] & c[8] & ^c[9] & c[10]
		if p != 0 {
			before := c[0] | c[1] | c[2] | c[3]
			after := c[11] | c[12] | c[13] | c[14]
			finders += bits.OnesCount64(p &^ (before & after))
		}
	}

	// Rule 4: every 5 percent away from half dark costs 10.
	total := n * n
	off := 2*dark - total
	if off < 0 {
		off = -off
	}
	return run + 2*starts + 3*squares + 40*finders + 10*(off*10/total)
}
