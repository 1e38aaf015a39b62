package segment

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
)

// act is a row of segment_act.
type act struct {
	MemberID, EventID   id.ID
	Line                int
	BrandID             id.ID
	What                string
	ProductID           id.ID
	Quantity, AmountFen int64
	At                  clock.Instant
	Province            string
	GTIN                string // of an order's line
}

// whats is which act an event type makes.
var whats = map[string]string{event.Scan: rule.Scan, event.Claim: rule.Claim, event.Order: rule.Order, event.Review: rule.Review, event.Login: rule.Login,
	event.Follow: rule.Follow, event.Unfollow: rule.Unfollow, event.MessageTap: rule.Clicked, event.Coupon: rule.Redeemed}

// actTypes are the types of event that make acts.
func actTypes() []string {
	return []string{event.Scan, event.Claim, event.Order, event.Review, event.Login, event.Follow, event.Unfollow, event.MessageTap, event.Coupon}
}

// keepActs makes the acts of the humans what they should be: none where profiling is not
// allowed, all of them where it is, each under the human's root.
func (s *Store) keepActs(ctx context.Context, tx *gorm.DB, f families, before, allowed map[id.ID]bool, events []event.Event) error {
	var begin, end []id.ID
	for _, m := range f.all {
		switch yes := allowed[f.root[m]]; {
		case yes && !before[m]:
			begin = append(begin, m)
		case !yes && before[m]:
			end = append(end, m)
		}
	}
	var list []event.Event
	for _, e := range events {
		if allowed[f.root[e.MemberID]] && before[e.MemberID] {
			list = append(list, e)
		}
	}
	for part := range slices.Chunk(begin, 50) {
		var old []event.Event
		if err := tx.Where("member_id IN ? AND type IN ? AND channel <> ?", part, actTypes(), event.Erased).Find(&old).Error; err != nil {
			return err
		}
		list = append(list, old...)
	}
	for _, move := range []struct {
		stmt string
		who  []id.ID
	}{
		{"UPDATE segment_state SET allowed = 1, version = version + 1 WHERE member_id IN ?", begin},
		{"UPDATE segment_state SET allowed = 0, version = version + 1 WHERE member_id IN ?", end},
		{"DELETE FROM segment_act WHERE member_id IN ?", end},
		{"DELETE FROM segment_unnamed WHERE member_id IN ?", end},
		{"DELETE FROM segment_list_item WHERE member_id IN ? AND derived = 1", end},
		{"DELETE FROM segment_move WHERE person_id IN ? AND derived = 1", end},
	} {
		if len(move.who) == 0 {
			continue
		}
		if err := tx.Exec(move.stmt, move.who).Error; err != nil {
			return err
		}
	}
	if err := s.insertActs(ctx, tx, f, list); err != nil {
		return err
	}
	return s.reroot(tx, f)
}

// reroot puts acts under the humans' roots: almost always they are.
func (s *Store) reroot(tx *gorm.DB, f families) error {
	var under []struct{ MemberID, PersonID id.ID }
	if err := tx.Raw("SELECT DISTINCT member_id, person_id FROM segment_act WHERE member_id IN ?", f.all).Scan(&under).Error; err != nil {
		return err
	}
	for _, u := range under {
		if root := f.root[u.MemberID]; u.PersonID != root {
			if err := tx.Exec("UPDATE segment_act SET person_id = ? WHERE member_id = ? AND person_id <> ?", root, u.MemberID, root).Error; err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) insertActs(ctx context.Context, tx *gorm.DB, f families, events []event.Event) error {
	gtins, err := s.shelf(tx, events)
	if err != nil {
		return err
	}
	const columns = "member_id, event_id, line, person_id, brand_id, what, product_id, quantity, amount_fen, day, at, province"
	rows, open := db.NewRows("segment_act", columns), newUnnamed()
	var late []id.ID
	flush := func() error {
		_, err := rows.Insert(ctx, tx, s.db.Once("line"))
		if err == nil {
			_, err = open.Insert(ctx, tx, s.db.Once("line"))
		}
		rows, open = db.NewRows("segment_act", columns), newUnnamed()
		return err
	}
	for i := range events {
		list, err := acts(&events[i], gtins)
		if err != nil {
			return err
		}
		for _, a := range list {
			rows.Add(a.MemberID, a.EventID, a.Line, f.root[a.MemberID], a.BrandID, a.What, a.ProductID, a.Quantity, a.AmountFen, clock.DayOf(a.At), a.At, a.Province)
			if a.GTIN != "" && a.ProductID == 0 && open.add(a.MemberID, a.EventID, a.Line, a.BrandID, a.GTIN) {
				late = append(late, a.MemberID)
			}
		}
		if rows.Len() >= 500 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	slices.Sort(late)
	return s.NoteTx(ctx, tx, PartActs, slices.Compact(late)...)
}

// body is what of an event's body matters here.
type body struct {
	ProductID id.ID             `json:"product_id"`
	Province  string            `json:"province"`
	RefundNo  string            `json:"refund_no"`
	AmountFen int64             `json:"amount_fen"`
	Lines     []event.OrderLine `json:"lines"`
	Act       string            `json:"act"`
}

type shelfKey struct {
	brand id.ID
	gtin  string
}

// acts are what an event says was done. An order is a line per product; goods that the
// brand has not registered are product 0 until it does. A coupon counts when it is redeemed.
func acts(e *event.Event, gtins map[shelfKey]id.ID) ([]act, error) {
	what, ok := whats[e.Type]
	if !ok {
		return nil, nil
	}
	var b body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return nil, fmt.Errorf("segment: body of %s: %w", e.Key, err)
	}
	base := act{MemberID: e.MemberID, EventID: e.ID, BrandID: e.BrandID, What: what, ProductID: b.ProductID, Quantity: 1, At: e.At, Province: b.Province}
	switch {
	case e.Type == event.Coupon && b.Act != "redeem":
		return nil, nil
	case e.Type != event.Order:
		return []act{base}, nil
	}
	list := make([]act, len(b.Lines))
	for i, l := range b.Lines {
		list[i] = base
		list[i].Line, list[i].ProductID, list[i].Quantity, list[i].AmountFen = i, gtins[shelfKey{e.BrandID, padded(l.GTIN)}], l.Quantity, int64(l.AmountFen)
		list[i].GTIN = l.GTIN
	}
	return list, nil
}

// shelf finds the products that orders name by GTIN.
func (s *Store) shelf(tx *gorm.DB, events []event.Event) (map[shelfKey]id.ID, error) {
	brands, gtins, out := map[id.ID]bool{}, map[string]bool{}, map[shelfKey]id.ID{}
	for i := range events {
		var b body
		if events[i].Type != event.Order || json.Unmarshal(events[i].Body, &b) != nil {
			continue
		}
		for _, l := range b.Lines {
			if l.GTIN != "" {
				brands[events[i].BrandID], gtins[padded(l.GTIN)] = true, true
			}
		}
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(gtins)), 500) {
		var rows []struct {
			ID, BrandID id.ID
			GTIN        string `gorm:"column:gtin"`
		}
		if err := tx.Raw("SELECT id, brand_id, gtin FROM product WHERE brand_id IN ? AND gtin IN ?", slices.Sorted(maps.Keys(brands)), part).Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[shelfKey{r.BrandID, r.GTIN}] = r.ID
		}
	}
	return out, nil
}

// padded is a GTIN of 8, 12, 13 or 14 digits as products are stored: with 14.
func padded(gtin string) string { return strings.Repeat("0", max(0, 14-len(gtin))) + gtin }
