package token

import (
	"cmp"
	"slices"

	"siyu/model/fault"
)

// Range says that batch BatchID owns Count positions under Slot, beginning at From.
// Its serials run from 1 to Count: serial = position - From + 1.
type Range struct {
	Slot    int
	From    uint64
	Count   uint64
	BatchID int64
}

// Reason says what a check found.
type Reason uint8

const (
	Malformed   Reason = iota // not 16 symbols of the alphabet
	UnknownSlot               // no key in that slot: another company's, or invented
	Forged                    // decrypts to nonsense: nobody with the key made it
	NotIssued                 // made by the key, but no batch owns the position
	Genuine
)

// String is the stable word for programs and logs.
func (r Reason) String() string {
	return [...]string{"malformed", "unknown_slot", "forged", "not_issued", "genuine"}[min(r, Genuine)]
}

// Text is the explanation for people.
func (r Reason) Text() string {
	return [...]string{
		"不是有效的码：应为 16 位字母数字（不含 I、L、O、U）",
		"不是本系统的码：没有对应的密钥",
		"伪造的码：校验不通过",
		"码未发行：校验通过，但不属于任何码批次",
		"真码",
	}[min(r, Genuine)]
}

// Verdict is what arithmetic can say about a token. BatchID and Serial are set only
// when OK; Slot is -1 when Malformed.
type Verdict struct {
	OK      bool
	Reason  Reason
	Slot    int
	BatchID int64
	Serial  uint64 // from 1
	Token   Token  // canonical, empty when Malformed
}

// Ring holds the keys and issued ranges of an installation. It never changes; a new
// batch or key means a new Ring. Safe for concurrent use.
type Ring struct {
	keys    [Slots]*Key
	ranges  [Slots][]Range // by From, not overlapping
	batches map[int64]Range
}

// NewRing builds a ring. Two keys in one slot, a range without key, empty, beyond
// Positions or overlapping another, and a batch with two ranges are refused: each
// would make one token mean two items.
// Faults: Invalid code_key_twice, code_range, code_range_overlap, code_batch_twice.
func NewRing(keys []*Key, ranges []Range) (*Ring, error) {
	r := &Ring{batches: make(map[int64]Range, len(ranges))}
	for _, k := range keys {
		if r.keys[k.slot] != nil {
			return nil, fault.Invalidf("code_key_twice", "槽位 %d 有两把密钥", k.slot)
		}
		r.keys[k.slot] = k
	}
	for _, g := range ranges {
		switch {
		case g.Slot < 0 || g.Slot >= Slots || r.keys[g.Slot] == nil:
			return nil, fault.Invalidf("code_range", "码批次 %d 的槽位 %d 没有密钥", g.BatchID, g.Slot)
		case g.Count == 0 || g.From >= Positions || g.Count > Positions-g.From:
			return nil, fault.Invalidf("code_range", "码批次 %d 的号段为空或超出上限", g.BatchID)
		}
		if _, twice := r.batches[g.BatchID]; twice {
			return nil, fault.Invalidf("code_batch_twice", "码批次 %d 有两个号段", g.BatchID)
		}
		r.batches[g.BatchID] = g
		r.ranges[g.Slot] = append(r.ranges[g.Slot], g)
	}
	for _, list := range r.ranges {
		slices.SortFunc(list, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
		for i := 1; i < len(list); i++ {
			if a, b := list[i-1], list[i]; a.From+a.Count > b.From {
				return nil, fault.Invalidf("code_range_overlap", "码批次 %d 与 %d 的号段重叠", a.BatchID, b.BatchID)
			}
		}
	}
	return r, nil
}

// Check judges text that may be a token, typed in any way Normalize understands.
// It allocates nothing when the text is canonical.
func (r *Ring) Check(s string) Verdict {
	t, ok := Normalize(s)
	if !ok {
		return Verdict{Reason: Malformed, Slot: -1}
	}
	v := Verdict{Token: t, Slot: t.Slot()}
	key := r.keys[v.Slot]
	if key == nil {
		v.Reason = UnknownSlot
		return v
	}
	position, ok := key.Open(t)
	if !ok {
		v.Reason = Forged
		return v
	}
	list := r.ranges[v.Slot]
	// Binary search by hand: a closure over position would cost an allocation.
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); list[mid].From <= position {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 || position-list[lo-1].From >= list[lo-1].Count {
		v.Reason = NotIssued
		return v
	}
	g := list[lo-1]
	v.OK, v.Reason, v.BatchID, v.Serial = true, Genuine, g.BatchID, position-g.From+1
	return v
}

// Issue returns the token of one item: the inverse of Check. False means the ring
// does not know the batch or the serial is not in 1..Count.
func (r *Ring) Issue(batchID int64, serial uint64) (Token, bool) {
	g, ok := r.batches[batchID]
	if !ok || serial == 0 || serial > g.Count {
		return "", false
	}
	return r.keys[g.Slot].Issue(g.From + serial - 1), true
}
