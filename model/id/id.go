// Package id makes the 63-bit numbers that name rows.
//
// Layout, high to low: 4 bits of shard, 39 bits of time in units of 4 ms since
// 2025-01-01 (69 years), 12 bits of node, 8 bits of sequence. Within a shard ids
// grow with time, so B-trees append; the 16 shards spread inserts over 16 places
// of the key range, so a range-partitioned store (TiDB) has no single hot region.
// A node number is unique among running processes (db.NodeNumber); a process can
// make 4096 ids in 4 ms, a million a second, before it waits for the clock.
package id

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"siyu/model/clock"
)

// ID names a row. In JSON it is a decimal text, because a 63-bit number does not
// survive JavaScript.
type ID int64

const (
	epoch  clock.Instant = 1735689600000 // 2025-01-01T00:00:00Z
	tickMs               = 4
	// Nodes is how many different node numbers there are.
	Nodes = 1 << 12
)

// ErrID is returned for text that names no row.
var ErrID = errors.New("编号格式不对")

// Source makes ids; it is safe for concurrent use.
type Source struct {
	clk    clock.Clock
	node   int64
	single bool
	mu     sync.Mutex
	tick   int64
	seq    int64 // 12 bits: the low 4 become the shard
}

// NewSource returns a source for a node number in [0, Nodes).
func NewSource(clk clock.Clock, node int) *Source {
	return &Source{clk: clk, node: int64(node) % Nodes}
}

// NewSingleSource is NewSource without shards: all ids grow with time. Right for an
// engine in one file, where sixteen places of insertion are sixteen pages to write.
func NewSingleSource(clk clock.Clock, node int) *Source {
	s := NewSource(clk, node)
	s.single = true
	return s
}

// Next returns a new id. A clock that jumps back does not repeat ids: the source
// never goes behind the last tick it used, and borrows from the future instead.
func (s *Source) Next() ID {
	now := int64(s.clk.Now()-epoch) / tickMs
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case now > s.tick:
		// The sequence goes on from where it was, so that the shards are used
		// evenly even at one id per tick.
		s.tick, s.seq = now, s.seq&15
	case s.seq >= 4095:
		s.tick, s.seq = s.tick+1, 0
	}
	s.seq++
	shard, low := s.seq&15, s.seq>>4
	if s.single { // the shard's bits go below the sequence's, so nothing of it is lost
		return ID((s.tick&(1<<39-1))<<24 | s.node<<12 | low<<4 | shard)
	}
	return ID(shard<<59 | (s.tick&(1<<39-1))<<20 | s.node<<8 | low)
}

// String is the decimal text.
func (i ID) String() string { return strconv.FormatInt(int64(i), 10) }

// Tail is the end of a number, by which people on a page are told apart: six digits. The
// time begins at the 21st bit, so that the last four have only 625 values, and two of
// twenty people would often be called the same.
func (i ID) Tail() string { return fmt.Sprintf("%06d", int64(i)%1_000_000) }

// IsTail says whether a text is the end of a number as Tail writes it: six digits.
func IsTail(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 6
}

// OfTail is the remainder that ids with this end have; -1, which none has, for another text.
func OfTail(s string) int {
	if n, err := strconv.Atoi(s); err == nil && IsTail(s) {
		return n
	}
	return -1
}

// Parse reads the decimal text of a positive id.
func Parse(s string) (ID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, ErrID
	}
	return ID(n), nil
}

// MarshalJSON writes the decimal text, or null for none.
func (i ID) MarshalJSON() ([]byte, error) {
	if i == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + i.String() + `"`), nil
}

// UnmarshalJSON reads a decimal text, or null.
func (i *ID) UnmarshalJSON(b []byte) error {
	if string(b) == "null" || string(b) == `""` {
		*i = 0
		return nil
	}
	if len(b) < 3 || b[0] != '"' {
		return ErrID
	}
	v, err := Parse(string(b[1 : len(b)-1]))
	*i = v
	return err
}
