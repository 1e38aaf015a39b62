// Package tally keeps how many of what happened when (汇总): scans, claims, money, points,
// new members and orders by ten minutes and by day, and by day by province, product and
// campaign.
//
// It owns the tables tally, tally_recent and tally_cursor, and reads the tables it counts.
//
// Promises. Nobody who scans or claims waits for it: a chore reads forward by the time
// that ids hold, as model/event does, and twice. The first look, after a few seconds, is
// for people who watch; its numbers are in tally_recent. The last look, after Late, counts
// the same ids again, late commits among them, and replaces the first by what stays. Each
// look and its numbers are one guarded transaction, so two processes never count a row
// twice. AsOf says up to when things are counted.
package tally

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Metrics.
const (
	Scan     = "scan"     // n: looks at genuine codes; amount: those by members
	Claim    = "claim"    // n: claims; amount: cash won, fen
	Reserved = "reserved" // amount: fen set aside when campaigns were published
	Won      = "won"      // amount: fen promised to people
	Paid     = "paid"     // amount: fen that reached people
	Returned = "returned" // amount: fen that came back: not collected in time, or failed
	Released = "released" // amount: fen that ended campaigns gave back
	Withdrew = "withdrew" // amount: fen of commission paid out
	Issued   = "issued"   // amount: points given, less those taken back
	Spent    = "spent"    // amount: points used, less those given back
	Member   = "member"   // n: new members; they are everybody's: brand 0
	Order    = "order"    // n: orders, without refunds; amount: fen, less refunds
)

// Kinds of slot.
const (
	Slot     = "slot"     // ten minutes
	Day      = "day"      // a business day
	Region   = "region"   // a day; dim: province, "" unknown
	Product  = "product"  // a day; dim: product
	Campaign = "campaign" // a day; dim: campaign
)

// SlotLength is the finest slot of a tally.
const SlotLength = 10 * time.Minute

// Point is one number.
type Point struct {
	At     clock.Instant `json:"at"` // beginning of its slot
	Dim    string        `json:"dim,omitempty"`
	N      int64         `json:"n"`
	Amount int64         `json:"amount"`
}

// Store reads tallies.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{d} }

// both are the two tables as one; each of them is read by its own index.
const both = `SELECT slot_at AS at, dim, SUM(n) AS n, SUM(amount) AS amount FROM (
	SELECT slot_at, dim, n, amount FROM tally WHERE %[1]s
	UNION ALL SELECT slot_at, dim, n, amount FROM tally_recent WHERE %[1]s) AS u GROUP BY %[2]s`

// Points returns the numbers of slots that begin in [from, until), oldest first.
func (s *Store) Points(ctx context.Context, brandID id.ID, metric, kind string, from, until clock.Instant) ([]Point, error) {
	out := []Point{}
	args := []any{brandID, metric, kind, from, until}
	err := s.db.Read(ctx).Raw(fmt.Sprintf(both, "brand_id = ? AND metric = ? AND kind = ? AND slot_at >= ? AND slot_at < ?", "slot_at, dim ORDER BY slot_at, dim"),
		append(args, args...)...).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("tally: %s by %s: %w", metric, kind, err)
	}
	return out, nil
}

// House is Points over all brands.
func (s *Store) House(ctx context.Context, metric, kind string, from, until clock.Instant) ([]Point, error) {
	out := []Point{}
	brands := []id.ID{0} // read first: with them in the same query, MariaDB reads the whole table
	var list []id.ID
	err := s.db.Read(ctx).Raw("SELECT id FROM brand").Scan(&list).Error
	if err == nil {
		args := []any{append(brands, list...), metric, kind, from, until}
		err = s.db.Read(ctx).Raw(fmt.Sprintf(both, "brand_id IN ? AND metric = ? AND kind = ? AND slot_at >= ? AND slot_at < ?", "slot_at, dim ORDER BY slot_at, dim"),
			append(args, args...)...).Scan(&out).Error
	}
	if err != nil {
		return nil, fmt.Errorf("tally: %s of the house: %w", metric, err)
	}
	return out, nil
}

// Sum adds up slots that begin in [from, until), per dim.
func (s *Store) Sum(ctx context.Context, brandID id.ID, metric, kind string, from, until clock.Instant) (map[string]Point, error) {
	list, err := s.Points(ctx, brandID, metric, kind, from, until)
	out := map[string]Point{}
	for _, p := range list {
		sum := out[p.Dim]
		out[p.Dim] = Point{Dim: p.Dim, N: sum.N + p.N, Amount: sum.Amount + p.Amount}
	}
	return out, err
}

// AsOf is up to when everything is counted, as far as its transaction was short; 0: never
// yet.
func (s *Store) AsOf(ctx context.Context) (clock.Instant, error) {
	c, _, err := s.cursor(ctx)
	return c.FastAt, err
}

// cursor is how far counting came.
type cursor struct {
	SureAt clock.Instant
	FastAt clock.Instant
}

func (s *Store) cursor(ctx context.Context) (c cursor, there bool, err error) {
	r := s.db.Read(ctx).Raw("SELECT sure_at, fast_at FROM tally_cursor WHERE name = ?", cursorName).Scan(&c)
	if r.Error != nil {
		return c, false, fmt.Errorf("tally: cursor: %w", r.Error)
	}
	return c, r.RowsAffected == 1, nil
}
