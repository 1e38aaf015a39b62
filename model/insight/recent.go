package insight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/tally"
)

// Happening is something that just happened to a code of a brand. People are numbers of
// four digits; a place is a city.
type Happening struct {
	Key       string        `json:"key"`  // unique within an answer
	Kind      string        `json:"kind"` // scan, claim, payout
	At        clock.Instant `json:"at"`
	Product   string        `json:"product"`
	City      string        `json:"city"`
	Who       string        `json:"who"` // last four digits of the member's number; "": nobody we know
	Verdict   string        `json:"verdict,omitempty"`
	Prize     string        `json:"prize,omitempty"`
	AmountFen money.Fen     `json:"amount_fen,omitempty"`
	State     string        `json:"state,omitempty"` // of a payout
}

const (
	recentMost = 20
	// recentRows bounds how many rows of all brands the newest of one are looked for in.
	recentRows = 20_000
)

// Recent returns the newest scans, claims and payouts of a brand, the newest first. What
// was committed a moment ago is among them. Rows are found by the time in their ids: how
// far back to look, the tally says. A brand that was quiet while others were busy may
// show fewer.
func (s *Store) Recent(ctx context.Context, brandID id.ID) ([]Happening, error) {
	from, err := s.recentFrom(ctx, brandID)
	if err != nil {
		return nil, err
	}
	out := []Happening{}
	where, args := s.db.MadeIn(from, s.db.Now().Add(time.Minute))
	for _, q := range []string{
		"SELECT 'scan' AS kind, id, at, product_id, member_id, city, verdict, '' AS prize, 0 AS amount_fen, '' AS state FROM scan WHERE %s AND brand_id = ? ORDER BY at DESC LIMIT ?",
		"SELECT 'claim' AS kind, id, created_at AS at, product_id, member_id, '' AS city, kind AS verdict, prize, cash_fen AS amount_fen, '' AS state FROM claim WHERE %s AND brand_id = ? ORDER BY created_at DESC LIMIT ?",
		"SELECT 'payout' AS kind, id, moved_at AS at, 0 AS product_id, member_id, '' AS city, '' AS verdict, '' AS prize, amount_fen, state FROM payout WHERE %s AND brand_id = ? AND purpose = 'claim' AND finished_at > 0 ORDER BY moved_at DESC LIMIT ?",
	} {
		var rows []struct {
			Happening
			ID, ProductID, MemberID id.ID
		}
		if err := s.db.Read(ctx).Raw(fmt.Sprintf(q, where), append(args[:len(args):len(args)], brandID, recentMost)...).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("insight: recent: %w", err)
		}
		for _, r := range rows {
			r.Key = r.Kind + ":" + r.ID.String()
			if r.MemberID != 0 {
				r.Who = r.MemberID.Tail()
			}
			r.Product = r.ProductID.String() // its name comes below
			out = append(out, r.Happening)
		}
	}
	slices.SortFunc(out, func(a, b Happening) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Key, a.Key)) })
	out = out[:min(len(out), recentMost)]
	return out, s.nameProducts(ctx, out)
}

func (s *Store) nameProducts(ctx context.Context, list []Happening) error {
	ids := map[string]id.ID{}
	for _, h := range list {
		if p, err := id.Parse(h.Product); err == nil {
			ids[h.Product] = p
		}
	}
	var rows []struct {
		ID   id.ID
		Name string
	}
	if len(ids) > 0 {
		wanted := make([]id.ID, 0, len(ids))
		for _, p := range ids {
			wanted = append(wanted, p)
		}
		if err := s.db.Read(ctx).Raw("SELECT id, name FROM product WHERE id IN ?", wanted).Scan(&rows).Error; err != nil {
			return fmt.Errorf("insight: products: %w", err)
		}
	}
	names := map[string]string{}
	for _, r := range rows {
		names[r.ID.String()] = r.Name
	}
	for i := range list {
		list[i].Product = names[list[i].Product]
	}
	return nil
}

// recentFrom is how far back the newest scans of a brand are looked for: to the ten
// minutes that hold enough of them, within a week, unless all brands together have too
// many rows there.
func (s *Store) recentFrom(ctx context.Context, brandID id.ID) (clock.Instant, error) {
	now := s.db.Now()
	last := now.Add(-time.Minute)
	week := now.Add(-7 * 24 * time.Hour)
	own, err := s.tally.Points(ctx, brandID, tally.Scan, tally.Slot, week, now+1)
	if err != nil {
		return 0, err
	}
	all, err := s.tally.House(ctx, tally.Scan, tally.Slot, week, now+1)
	if err != nil {
		return 0, err
	}
	from, found, rows := last, int64(0), int64(0)
	for i, k := len(own)-1, len(all)-1; i >= 0 && found < recentMost; i-- {
		for ; k >= 0 && all[k].At >= own[i].At; k-- {
			rows += all[k].N
		}
		if rows > recentRows {
			break
		}
		from, found = min(last, own[i].At), found+own[i].N
	}
	return from, nil
}
