package picture

import (
	"iter"
	"math/bits"
)

// run is w dark modules side by side, beginning at (x, y).
type run struct{ x, y, w int }

// runs yields the dark runs of the symbol, top to bottom, left to right.
func (m *Matrix) runs() iter.Seq[run] {
	return func(yield func(run) bool) {
		for y, row := range m.Rows[:m.Size] {
			for x := 0; row != 0; {
				gap := bits.TrailingZeros64(row)
				row >>= gap
				w := bits.TrailingZeros64(^row)
				row >>= w
				if !yield(run{x + gap, y, w}) {
					return
				}
				x += gap + w
			}
		}
	}
}

// canvas collects painted runs back into a matrix.
type canvas struct {
	rows [maxSize]uint64
	side int // as far as paint reached, right or down
}

// paint darkens a run; false if it lies outside any symbol or touches paint.
func (c *canvas) paint(r run) bool {
	if r.x < 0 || r.y < 0 || r.w < 1 || r.y >= maxSize || r.x > maxSize || r.w > maxSize-r.x {
		return false
	}
	modules := (uint64(1)<<r.w - 1) << r.x
	if c.rows[r.y]&modules != 0 {
		return false
	}
	c.rows[r.y] |= modules
	c.side = max(c.side, r.x+r.w, r.y+1)
	return true
}

// matrix is the symbol painted. Its size need not be told: three of the four
// corners of every symbol are dark.
func (c *canvas) matrix() (Matrix, bool) {
	return Matrix{Size: c.side, Rows: c.rows}, validSize(c.side)
}
