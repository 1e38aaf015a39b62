package segment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/rule"
)

// Orders may name goods before the brand registers them: their acts are of product 0 until
// then. Which acts these are is in segment_unnamed, and every derivation of a member looks
// whether his are registered by now (name). A product that is registered notes who has such
// acts, a part at a time (Named). An act that is made while its product is being registered
// notes its member too, so that one of the two sees the other.

const (
	// namedPer is how many members one step notes, namedMost how many products it begins.
	namedPer  = 500
	namedMost = 20
	// unnamedCursor is how far acts were looked at that were made before segment_unnamed was.
	unnamedCursor = "unnamed"
)

// Late is told, in the transaction, of members whose acts got their product: what counts
// purchases of a product is to be looked at again.
type Late func(ctx context.Context, tx *gorm.DB, members []id.ID) error

// OnLate registers who is told. Wiring calls it before anything is derived.
func (s *Store) OnLate(l Late) { s.late = append(s.late, l) }

// Registered is to be told of every new product, in its transaction.
func (s *Store) Registered(ctx context.Context, tx *gorm.DB, p product.Product) error {
	_, err := db.Exec(ctx, tx, "INSERT INTO segment_named (brand_id, gtin, after_id) VALUES (?,?,0)"+s.db.Once("after_id"), p.BrandID, p.GTIN)
	return wrap("registered", err)
}

// Named notes members who bought products before these were registered, a bounded part at a
// time; more says that there are others. What was noted is not noted again by whoever goes on
// after a crash. Every process may call it.
func (s *Store) Named(ctx context.Context) (more bool, err error) {
	begins, err := s.unnamedBegin(ctx)
	if err != nil {
		return false, wrap("named", err)
	}
	var list []struct {
		BrandID id.ID
		GTIN    string `gorm:"column:gtin"`
		AfterID id.ID
	}
	if err := s.db.Read(ctx).Raw("SELECT brand_id, gtin, after_id FROM segment_named ORDER BY brand_id, gtin LIMIT ?", namedMost).Scan(&list).Error; err != nil {
		return false, wrap("named", err)
	}
	more = begins || len(list) == namedMost
	for _, g := range list {
		var who []id.ID
		if err := s.db.Read(ctx).Raw("SELECT DISTINCT member_id FROM segment_unnamed WHERE brand_id = ? AND gtin = ? AND member_id > ? ORDER BY member_id LIMIT ?", g.BrandID, g.GTIN, g.AfterID, namedPer).Scan(&who).Error; err != nil {
			return false, wrap("named", err)
		}
		err := s.db.InTx(ctx, func(tx *gorm.DB) error {
			stmt, args := "DELETE FROM segment_named WHERE brand_id = ? AND gtin = ? AND after_id = ?", []any{g.BrandID, g.GTIN, g.AfterID}
			if len(who) == namedPer {
				stmt, args = "UPDATE segment_named SET after_id = ? WHERE brand_id = ? AND gtin = ? AND after_id = ?", append([]any{who[len(who)-1]}, args...)
			}
			r := tx.WithContext(ctx).Exec(stmt, args...)
			if r.Error != nil || r.RowsAffected == 0 { // another process took this part
				return r.Error
			}
			return s.NoteTx(ctx, tx, PartActs, who...)
		})
		if err != nil {
			return false, wrap("named", err)
		}
		more = more || len(who) == namedPer
	}
	return more, nil
}

// unnamedBegin finds the lines of acts of product 0 that were made before segment_unnamed
// was, members by members, and notes whose they are.
func (s *Store) unnamedBegin(ctx context.Context) (more bool, err error) {
	if s.unnamed.Load() {
		return false, nil
	}
	var c struct {
		AfterID id.ID
		Done    bool
	}
	if err := s.db.Read(ctx).Raw("SELECT after_id, done FROM segment_cursor WHERE name = ?", unnamedCursor).Scan(&c).Error; err != nil {
		return false, err
	}
	if c.Done {
		s.unnamed.Store(true)
		return false, nil
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		tx = tx.WithContext(ctx)
		if err := tx.Exec("INSERT INTO segment_cursor (name, after_id, done) VALUES (?, 0, 0)"+s.db.Once("done"), unnamedCursor).Error; err != nil {
			return err
		}
		var members []id.ID
		if err := tx.Raw("SELECT member_id FROM segment_state WHERE member_id > ? ORDER BY member_id LIMIT ?", c.AfterID, membersPer).Scan(&members).Error; err != nil {
			return err
		}
		more = len(members) == membersPer
		next := c.AfterID
		if len(members) > 0 {
			next = members[len(members)-1]
		}
		r := tx.Exec("UPDATE segment_cursor SET after_id = ?, done = ? WHERE name = ? AND after_id = ? AND done = 0", next, !more, unnamedCursor, c.AfterID)
		if r.Error != nil || r.RowsAffected == 0 || len(members) == 0 {
			return r.Error
		}
		if _, err := s.lock(ctx, tx, members); err != nil {
			return err
		}
		return s.unnamedOf(ctx, tx, members)
	})
	return more, err
}

// unnamedOf notes the lines of members' acts of product 0, whose states are held.
func (s *Store) unnamedOf(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	var at []struct {
		MemberID, EventID id.ID
		Line              int
	}
	if err := tx.Raw("SELECT member_id, event_id, line FROM segment_act WHERE member_id IN ? AND what = ? AND product_id = 0 ORDER BY event_id", members, rule.Order).Scan(&at).Error; err != nil {
		return err
	}
	var who []id.ID
	for part := range slices.Chunk(at, 500) {
		ids := make([]id.ID, len(part))
		for i, a := range part {
			ids[i] = a.EventID
		}
		var events []event.Event
		if err := tx.Where("id IN ? AND channel <> ?", slices.Compact(ids), event.Erased).Find(&events).Error; err != nil {
			return err
		}
		by := map[id.ID]*event.Event{}
		for i := range events {
			by[events[i].ID] = &events[i]
		}
		rows := newUnnamed()
		for _, a := range part {
			e, b := by[a.EventID], body{}
			if e == nil || json.Unmarshal(e.Body, &b) != nil || a.Line >= len(b.Lines) {
				continue
			}
			if rows.add(a.MemberID, a.EventID, a.Line, e.BrandID, b.Lines[a.Line].GTIN) {
				who = append(who, a.MemberID)
			}
		}
		if _, err := rows.Insert(ctx, tx, s.db.Once("line")); err != nil {
			return err
		}
	}
	slices.Sort(who)
	return s.NoteTx(ctx, tx, PartActs, slices.Compact(who)...)
}

// unnamed are rows of segment_unnamed to be inserted.
type unnamed struct{ *db.Rows }

func newUnnamed() unnamed {
	return unnamed{db.NewRows("segment_unnamed", "member_id, event_id, line, brand_id, gtin")}
}

// add takes a line if its goods can ever be registered.
func (u unnamed) add(member, eventID id.ID, line int, brand id.ID, gtin string) bool {
	gtin = padded(gtin)
	for _, c := range gtin {
		if c < '0' || c > '9' {
			return false
		}
	}
	if len(gtin) > 14 || gtin == padded("") {
		return false
	}
	u.Add(member, eventID, line, brand, gtin)
	return true
}

// name gives acts of the humans their product, where it has been registered since, and says
// whether there were any. Their states are held.
func (s *Store) name(ctx context.Context, tx *gorm.DB, f families) (bool, error) {
	var found []struct {
		MemberID, BrandID id.ID
		GTIN              string `gorm:"column:gtin"`
		ProductID         id.ID
	}
	err := tx.Raw("SELECT DISTINCT u.member_id, u.brand_id, u.gtin, p.id AS product_id FROM segment_unnamed u JOIN product p ON p.brand_id = u.brand_id AND p.gtin = u.gtin WHERE u.member_id IN ? ORDER BY u.member_id, p.id", f.all).Scan(&found).Error
	if err != nil {
		return false, err
	}
	var members []id.ID
	for _, x := range found {
		const these = "member_id = ? AND brand_id = ? AND gtin = ?"
		args := []any{x.MemberID, x.BrandID, x.GTIN}
		err := tx.Exec("UPDATE segment_act SET product_id = ? WHERE member_id = ? AND product_id = 0 AND EXISTS (SELECT 1 FROM segment_unnamed u WHERE u.member_id = segment_act.member_id AND u.event_id = segment_act.event_id AND u.line = segment_act.line AND u.brand_id = ? AND u.gtin = ?)",
			append([]any{x.ProductID}, args...)...).Error
		if err == nil {
			err = tx.Exec("DELETE FROM segment_unnamed WHERE "+these, args...).Error
		}
		if err != nil {
			return false, err
		}
		members = append(members, x.MemberID)
	}
	members = slices.Compact(members)
	if len(members) == 0 {
		return false, nil
	}
	for _, l := range s.late {
		if err := l(ctx, tx, members); err != nil {
			return false, fmt.Errorf("late: %w", err)
		}
	}
	return true, nil
}
