package event

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/product"
)

// agreement says who allows that figures about him are derived.
type agreement interface {
	GivenAmong(ctx context.Context, members []id.ID, purpose string) (map[id.ID]bool, error)
}

// shelf finds a brand's product by what shop systems call it.
type shelf interface {
	ByGTIN(ctx context.Context, brandID id.ID, gtin string) (product.Product, error)
}

// Purchases keeps who bought what, derived from claims and orders: one row per line of an
// event, under the member of the event. Figures are computed from the rows of a family
// when somebody asks, so they are exact whoever was joined or parted, however often an
// event was told, and computing them anew from the events gives the same.
type Purchases struct {
	s      *Store
	agreed agreement
	shelf  *fresh.Cache[item, id.ID]
}

// item is what a shop system calls a product. What nobody registered is a fault, which is not
// kept: it may be registered the next moment.
type item struct {
	brand id.ID
	gtin  string
}

// NewPurchases makes the derivation; Consume is its consumer.
func NewPurchases(s *Store, a agreement, sh shelf) *Purchases {
	return &Purchases{s, a, fresh.New(s.db.Clock(), func(ctx context.Context, i item) (id.ID, error) {
		found, err := sh.ByGTIN(ctx, i.brand, i.gtin)
		return found.ID, err
	})}
}

// Sources of a purchase.
const (
	byClaim = "claim" // somebody opened an item and scanned its code
	byOrder = "order" // a shop system said so
)

// purchase is a row.
type purchase struct {
	MemberID  id.ID
	EventID   id.ID
	Line      int
	BrandID   id.ID
	ProductID id.ID
	Source    string
	Ref       string
	Quantity  int64
	AmountFen money.Fen
	At        clock.Instant
}

func (purchase) TableName() string { return "purchase" }

// purchaseState is a row. No row: nothing was kept or taken back yet.
type purchaseState struct {
	MemberID id.ID
	Allowed  bool
	Version  int64
}

func (purchaseState) TableName() string { return "purchase_state" }

// membersPer bounds one transaction.
const membersPer = 200

// Consume keeps the purchases among events, of members who allow profiling.
func (p *Purchases) Consume(ctx context.Context, events []Event) error {
	byMember := map[id.ID][]Event{}
	for _, e := range events {
		if e.Type == Claim || e.Type == Order {
			byMember[e.MemberID] = append(byMember[e.MemberID], e)
		}
	}
	return p.keep(ctx, byMember)
}

// Rebuild derives the purchases of members anew from their events, to check. Whoever does not allow profiling has none afterwards.
func (p *Purchases) Rebuild(ctx context.Context, members []id.ID) error {
	if err := p.s.db.InTx(ctx, func(tx *gorm.DB) error { return p.clear(tx, members) }); err != nil {
		return fmt.Errorf("event: rebuild: %w", err)
	}
	byMember := map[id.ID][]Event{}
	for _, m := range members {
		byMember[m] = nil
	}
	return p.keep(ctx, byMember)
}

func (p *Purchases) keep(ctx context.Context, byMember map[id.ID][]Event) error {
	members := make([]id.ID, 0, len(byMember))
	for m := range byMember {
		members = append(members, m)
	}
	slices.Sort(members)
	for part := range slices.Chunk(members, membersPer) {
		if err := p.keepSome(ctx, part, byMember); err != nil {
			return fmt.Errorf("event: purchases: %w", err)
		}
	}
	return nil
}

// keepSome stores the lines of some members. A withdrawal at the same moment wins: it
// writes the member's state row, so what was read before the agreement was asked for no
// longer holds when the rows are locked, and all begins again.
func (p *Purchases) keepSome(ctx context.Context, members []id.ID, byMember map[id.ID][]Event) error {
	for range 5 {
		before, err := states(p.s.db.Read(ctx), members, "")
		if err != nil {
			return err
		}
		given, err := p.agreed.GivenAmong(ctx, members, consent.Profiling)
		if err != nil {
			return err
		}
		var lines []purchase
		for _, m := range members {
			if !given[m] {
				continue
			}
			events := byMember[m]
			if !before[m].Allowed { // the first since he agreed: what was before counts too
				if err := p.s.db.Read(ctx).Where("member_id = ? AND type IN ?", m, []string{Claim, Order}).Find(&events).Error; err != nil {
					return err
				}
			}
			more, err := p.lines(ctx, events)
			if err != nil {
				return err
			}
			lines = append(lines, more...)
		}
		same := false
		err = p.s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
			same, err = p.write(ctx, tx, members, before, given, lines)
			return err
		})
		if err != nil || same {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试")
}

func states(tx *gorm.DB, members []id.ID, tail string) (map[id.ID]purchaseState, error) {
	var rows []purchaseState
	if err := tx.Raw("SELECT * FROM purchase_state WHERE member_id IN ? ORDER BY member_id"+tail, members).Scan(&rows).Error; err != nil {
		return nil, err
	}
	found := make(map[id.ID]purchaseState, len(rows))
	for _, r := range rows {
		found[r.MemberID] = r
	}
	return found, nil
}

// write stores lines if the states still are what they were, and says whether.
func (p *Purchases) write(ctx context.Context, tx *gorm.DB, members []id.ID, before map[id.ID]purchaseState, given map[id.ID]bool, lines []purchase) (same bool, err error) {
	tx = tx.WithContext(ctx)
	lock := ""
	if p.s.db.Driver() == db.MySQL {
		lock = " FOR UPDATE" // SQLite has one writer, and it is us
	}
	now, err := states(tx, members, lock)
	if err != nil {
		return false, err
	}
	begun, ended := db.NewRows("purchase_state", "member_id, allowed, version"), []id.ID(nil)
	for _, m := range members {
		old, there := before[m]
		if now[m] != old {
			return false, nil
		}
		switch {
		case given[m] && !there:
			begun.Add(m, 1, 1)
		case given[m] && !old.Allowed:
			if err := tx.Exec("UPDATE purchase_state SET allowed = 1, version = version + 1 WHERE member_id = ?", m).Error; err != nil {
				return false, err
			}
		case !given[m] && old.Allowed: // joined with somebody who said no
			ended = append(ended, m)
		}
	}
	n, err := begun.Insert(ctx, tx, p.s.db.Once("version"))
	if err != nil || n != int64(begun.Len()) {
		return false, err
	}
	if ended != nil {
		if err := p.Forget(ctx, tx, ended); err != nil {
			return false, err
		}
	}
	for part := range slices.Chunk(lines, p.s.rowsPer()) {
		rows := db.NewRows("purchase", "member_id, event_id, line, brand_id, product_id, source, ref, quantity, amount_fen, at")
		for _, l := range part {
			rows.Add(l.MemberID, l.EventID, l.Line, l.BrandID, l.ProductID, l.Source, l.Ref, l.Quantity, l.AmountFen, l.At)
		}
		if _, err := rows.Insert(ctx, tx, p.s.db.Once("line")); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Forget deletes what was derived of members and keeps it from coming back as long as
// they do not agree again: what must happen in the transaction of a withdrawal.
func (p *Purchases) Forget(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	return p.s.forget(ctx, tx, members)
}

func (s *Store) forget(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	tail := " ON CONFLICT (member_id) DO UPDATE SET allowed = 0, version = purchase_state.version + 1"
	if s.db.Driver() == db.MySQL {
		tail = " ON DUPLICATE KEY UPDATE allowed = 0, version = version + 1"
	}
	for _, m := range slices.Sorted(slices.Values(members)) {
		if _, err := db.Exec(ctx, tx, "INSERT INTO purchase_state (member_id, allowed, version) VALUES (?,0,1)"+tail, m); err != nil {
			return fmt.Errorf("event: forget purchases: %w", err)
		}
	}
	if err := tx.WithContext(ctx).Where("member_id IN ?", members).Delete(&purchase{}).Error; err != nil {
		return fmt.Errorf("event: forget purchases: %w", err)
	}
	return nil
}

// Late is to be told, in the transaction, of members who bought goods that are registered
// only now: theirs are derived anew when somebody asks.
func (p *Purchases) Late(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	if err := p.clear(tx.WithContext(ctx), members); err != nil {
		return fmt.Errorf("event: purchases: %w", err)
	}
	return nil
}

// clear deletes members' lines and lets them be derived anew.
func (p *Purchases) clear(tx *gorm.DB, members []id.ID) error {
	if err := tx.Exec("UPDATE purchase_state SET allowed = 0, version = version + 1 WHERE member_id IN ?", members).Error; err != nil {
		return err
	}
	return tx.Where("member_id IN ?", members).Delete(&purchase{}).Error
}

// lines are the purchases in events. Goods that the brand has not registered are left
// out until they are (Late).
func (p *Purchases) lines(ctx context.Context, events []Event) (list []purchase, err error) {
	for _, e := range events {
		base := purchase{MemberID: e.MemberID, EventID: e.ID, BrandID: e.BrandID, At: e.At}
		switch e.Type {
		case Claim:
			var b ClaimBody
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return nil, fmt.Errorf("body of %s: %w", e.Key, err)
			}
			base.ProductID, base.Source, base.Ref, base.Quantity = b.ProductID, byClaim, e.Key, 1
			list = append(list, base)
		case Order:
			var b OrderBody
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return nil, fmt.Errorf("body of %s: %w", e.Key, err)
			}
			base.Source, base.Ref = byOrder, b.ref(e.BrandID)
			for i, l := range b.Lines {
				base.ProductID, err = p.shelf.Get(ctx, item{e.BrandID, l.GTIN})
				if k := fault.KindOf(err); err != nil && (k == fault.NotFound || k == fault.Invalid) {
					continue
				}
				if err != nil {
					return nil, err
				}
				base.Line, base.Quantity, base.AmountFen = i, l.Quantity, l.AmountFen
				list = append(list, base)
			}
		}
	}
	return list, nil
}

// ref names an order within a brand, for it and its refunds.
func (b *OrderBody) ref(brandID id.ID) string {
	return brandID.String() + ":" + b.Source + ":" + b.OrderNo
}
