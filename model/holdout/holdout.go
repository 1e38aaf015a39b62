// Package holdout leaves some people alone on purpose (对照组) and tells what the others'
// messages earned by comparing.
//
// It owns the tables holdout_setting (what a brand decided, by version), push_cost (what a
// push cost, as an operator wrote it down) and push_report (a report as it was last counted).
//
// Promises: who is left alone is a function of numbers (Arm), the same in every process and
// at every time; a push keeps the settings that it began with. A report counts everybody of
// the audience in the arm that chance gave him, reached or not, and what he did at the brand
// in one and the same span of time: from the beginning of the push until now or the end of
// its window, which is so many days after the last moment at which it sent, or may send,
// anybody. So the arms differ by chance and by the message, and by nothing else. A human
// who turned out to be two of the audience in two arms is counted in neither, and said.
package holdout

import (
	"context"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
)

// Store keeps settings and reports.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{d} }

// Push is what a report must know of a push.
type Push struct {
	ID      id.ID
	Split   Split
	BeganAt clock.Instant // its audience was frozen; 0: it was not yet
	EndsAt  clock.Instant // the last moment at which it may send anybody; before BeganAt: as it began
	Open    bool          // it is not over: EndsAt may move, on when a pause ends, back when it is done
	People  int64         // of the audience, held out included
	// ProductIDs are those whose scans and orders count; none: all do.
	ProductIDs []id.ID
	SpentFen   money.Fen // what its messages cost
	// Done are the people by arm and by what became of their message: state and number.
	Done map[string]map[string]int64

	whole bool // not one push, but all of a brand together
}

// Place is one of the audience.
type Place struct {
	MemberID  id.ID
	Universal bool   // left alone as one of the brand's universal control group
	Arm       string // Held, or a name of Split.Arms
}

// People lists a brand's people who became members before a moment, by id, after one;
// model/segment fits.
type People interface {
	Everybody(ctx context.Context, brandID id.ID, before clock.Instant, after id.ID, limit int) ([]id.ID, error)
}

// Audience reads pushes; model/push fits.
type Audience interface {
	Trial(ctx context.Context, pushID id.ID) (Push, error)
	// Begun lists pushes that began since a moment, or that may have sent since, by id, after
	// one, at most limit.
	Begun(ctx context.Context, since clock.Instant, after id.ID, limit int) ([]id.ID, error)
	// Places returns up to limit of the frozen audience after a member, by member.
	Places(ctx context.Context, pushID, after id.ID, limit int) ([]Place, error)
}
