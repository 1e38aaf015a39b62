// Package bits holds people and facts about them as compressed bitmaps (roaring): a person
// of a brand is a number, a fact is the set of the numbers it is true of. It is a data
// structure without a database: model/segment fills it and asks it.
//
// Nothing here is safe for concurrent use but what is read of a set that nobody changes
// any more; whoever is given a set from a Column must not change it.
package bits

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/id"
)

// Set is a set of people, by number.
type Set = roaring.Bitmap

// People are the people of a brand: their numbers, who of them counts and who allows
// profiling.
type People struct {
	Live   *Set
	Allows *Set
	ids    []id.ID // by number; 0: a number that is nobody's
	// Open addressing over a power of two, at most half full: numbers+1, 0 for none. A Go
	// map takes three times the memory.
	slots []uint32
	count int
}

// NewPeople makes nobody.
func NewPeople() *People { return &People{Live: roaring.New(), Allows: roaring.New()} }

// Put says what is so of a person. A number belongs to one person for ever.
func (p *People) Put(person id.ID, number uint32, live, allows bool) {
	if _, known := p.Number(person); !known {
		p.insert(person, number)
	}
	set(p.Live, number, live)
	set(p.Allows, number, allows)
}

func set(s *Set, number uint32, in bool) {
	if in {
		s.Add(number)
	} else {
		s.Remove(number)
	}
}

func (p *People) insert(person id.ID, number uint32) {
	if need := int(number) + 1 - len(p.ids); need > 0 {
		p.ids = append(p.ids, make([]id.ID, need)...)
	}
	p.ids[number] = person
	if p.count++; 2*p.count > len(p.slots) {
		p.spread(max(1024, 2*len(p.slots)))
		return
	}
	p.place(person, number)
}

// spread puts everybody into so many slots, a power of two.
func (p *People) spread(slots int) {
	p.slots = make([]uint32, slots)
	for n, i := range p.ids {
		if i != 0 {
			p.place(i, uint32(n))
		}
	}
}

// Clone is people as they are now.
func (p *People) Clone() *People {
	return &People{Live: p.Live.Clone(), Allows: p.Allows.Clone(), ids: slices.Clone(p.ids), slots: slices.Clone(p.slots), count: p.count}
}

// spot spreads ids, which differ in few bits (Fibonacci hashing).
func spot(i id.ID) uint64 { return uint64(i) * 0x9E3779B97F4A7C15 >> 20 }

func (p *People) place(person id.ID, number uint32) {
	mask := uint64(len(p.slots) - 1)
	at := spot(person) & mask
	for p.slots[at] != 0 {
		at = (at + 1) & mask
	}
	p.slots[at] = number + 1
}

// Number is a person's number.
func (p *People) Number(person id.ID) (uint32, bool) {
	if len(p.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(p.slots) - 1)
	for at := spot(person) & mask; p.slots[at] != 0; at = (at + 1) & mask {
		if n := p.slots[at] - 1; p.ids[n] == person {
			return n, true
		}
	}
	return 0, false
}

// IDs are the people by number, as they are now: the part that is there does not change.
func (p *People) IDs() []id.ID { return p.ids[:len(p.ids):len(p.ids)] }

// Len is how many people were ever given a number.
func (p *People) Len() int { return p.count }

// Bytes is about how much memory people take.
func (p *People) Bytes() uint64 {
	return uint64(cap(p.ids))*8 + uint64(len(p.slots))*4 + p.Live.GetSizeInBytes() + p.Allows.GetSizeInBytes()
}

// Numbers is the set of people who have a number.
func (p *People) Numbers(people []id.ID) *Set {
	list := make([]uint32, 0, len(people))
	for _, i := range people {
		if n, ok := p.Number(i); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return roaring.BitmapOf(list...)
}
