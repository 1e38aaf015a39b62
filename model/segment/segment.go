// Package segment keeps rules over facts (人群), knows who fulfils them now, and tells when
// somebody begins or ceases to.
//
// It owns the tables segment, segment_version, segment_list, segment_list_item,
// segment_dirty, segment_state, segment_act, segment_person, segment_brand,
// segment_change, segment_cursor, segment_now, segment_snapshot, segment_move,
// segment_unlink, segment_asked, segment_unnamed and segment_named. It reads, never writes,
// what other contexts know of people (members, consents, tags, tiers, leaders, followers,
// referrals, identity keys, profiles), and products.
//
// A person is a human's root (祖ID). Everything is of a brand: its people are those with
// an event at it. Who changes a fact says so (Note, NoteTx); a chore (Refresh) derives
// what changed and writes it to the brand's change log, which the engines of all
// processes follow. What nobody says (identity keys, levels whose period ends, profiles)
// is read again after silentFor.
//
// Bitmaps are a process's own. What questions will be about is read when it starts and
// before it grows old (Warm), in parts of about 60 ms that hold nobody up and stand aside
// for who asks; who asks before that waits as long as his context lets him. Of large brands
// they are kept in a file for the next process (Save), which follows the change log from
// there: 0.6 s from the database are 8 ms from the file (siyu bench segment, 100,000 people,
// MariaDB, two cores that others wanted). A file is good for as long as the change log goes
// back; it has numbers of people and what is true of them, so it is rewritten soon after
// somebody withdraws and belongs where the database may be. Memberships are snapshotted in
// tables (segment_now, segment_snapshot).
//
// Promises:
//
//   - The same rule over the same facts gives the same people by bitmaps (Count), by plain
//     SQL (All, Among) and one by one (Why). Joining people and parting them gives what
//     computing anew gives.
//   - Acts are kept only of people who allow profiling; they go in the transaction that
//     takes the agreement back, and come back from the events when it is given. A rule
//     that needs profiling is asked about nobody else (rule.Uses.Profiling). What such a
//     rule left behind (places on lists, moves) goes in the same transaction, memberships
//     of past days within hours (Unlink).
//   - Orders of goods that are registered later are found from then on, as if they always had
//     been (Registered, Named).
//   - A number given to a person of a brand is never another's, so bitmaps of different
//     days can be compared.
//   - What a file and the change log give is what the tables give, or it is thrown away.
//   - Moves and those who listen to them commit together, once.
package segment

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Parts of what is known of a person, as bits: what a change touches.
const (
	PartActs  = 1 << iota // events
	PartTags              // values of tags
	PartLists             // manual lists
	PartWho               // everything else: consent, tier, follow, keys, referral, profile
	PartAll   = PartActs | PartTags | PartLists | PartWho
)

// Segment is a rule with a name. Version is its newest rule's.
type Segment struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Note      string        `json:"note"`
	State     string        `json:"state"`
	Version   int           `json:"version"`
	Rev       int           `json:"rev"` // of the row; changing needs the one that was read
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
	ChangedAt clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Segment) TableName() string { return "segment" }

// States.
const (
	Active   = "active"
	Archived = "archived" // kept for what used it; not looked at any more
)

// Moved is who came in and who left, at one look.
type Moved struct {
	SegmentID id.ID
	BrandID   id.ID
	Version   int
	Entered   []id.ID // people
	Left      []id.ID
	At        clock.Instant
}

// Listener is told of moves in their transaction; its error undoes them, and they come
// again at the next look. It may run several times for one look that fails to commit.
type Listener func(ctx context.Context, tx *gorm.DB, m Moved) error

// Store is the context. One per process: it holds the process's bitmaps.
type Store struct {
	db        *db.DB
	reach     Reach
	looks     int    // lookMost
	few, cell int    // fewPeople, cellPeople
	dir       string // of the files of bitmaps; "": none are kept
	listeners []Listener
	late      []Late
	unnamed   atomic.Bool // nothing of before is left for unnamedBegin
	users     []func(ctx context.Context, segmentID id.ID) ([]string, error)
	mu        sync.Mutex
	engines   map[id.ID]*engine
}

// silentFor is how long bitmaps of facts whose change nobody tells are good for.
const silentFor = 5 * time.Minute

// New makes a store.
func New(d *db.DB) *Store {
	return &Store{db: d, looks: lookMost, few: fewPeople, cell: cellPeople, engines: map[id.ID]*engine{}}
}

// Listen registers a listener. Wiring calls it before anything is looked at.
func (s *Store) Listen(l Listener) { s.listeners = append(s.listeners, l) }

// UsedBy registers who names what else a segment is needed for: as long as he names
// anything, it is not archived. For wiring.
func (s *Store) UsedBy(ask func(ctx context.Context, segmentID id.ID) (names []string, err error)) {
	s.users = append(s.users, ask)
}

// engine is the process's bitmaps of a brand.
func (s *Store) engine(brandID id.ID) *engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.engines[brandID]
	if e == nil {
		e = newEngine(s, brandID)
		s.engines[brandID] = e
	}
	return e
}
