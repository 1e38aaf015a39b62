package event

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/id"
	"siyu/model/money"
)

// Bought is what a human bought of one product.
type Bought struct {
	BrandID   id.ID `json:"brand_id"`
	ProductID id.ID `json:"product_id"`
	// Quantity is the least that is sure: the larger of the two below, because an item
	// that was ordered in a connected shop may be the one whose code was claimed.
	Quantity  int64         `json:"quantity"`
	Ordered   int64         `json:"ordered"` // less what was given back
	Claimed   int64         `json:"claimed"`
	AmountFen money.Fen     `json:"amount_fen"` // of orders, less refunds
	Times     int           `json:"times"`      // days with a purchase
	FirstAt   clock.Instant `json:"first_at"`
	LastAt    clock.Instant `json:"last_at"`
	// IntervalHours is the mean time between days with a purchase; 0 with fewer than two.
	IntervalHours int64         `json:"interval_hours"`
	NextAt        clock.Instant `json:"next_at"` // the last one plus the mean; none with fewer than two
}

// Of returns what a family (member.Family) bought, most recent first, and whether it
// allows that this is known.
func (p *Purchases) Of(ctx context.Context, family []id.ID) (list []Bought, allowed bool, err error) {
	list = []Bought{}
	given, err := p.agreed.GivenAmong(ctx, family, consent.Profiling)
	if err != nil {
		return nil, false, err
	}
	for _, m := range family {
		if !given[m] {
			return list, false, nil
		}
	}
	known, err := states(p.s.db.Read(ctx), family, "")
	if err != nil {
		return nil, false, fmt.Errorf("event: purchases: %w", err)
	}
	late := map[id.ID][]Event{} // agreed, and nothing happened since
	for _, m := range family {
		if !known[m].Allowed {
			late[m] = nil
		}
	}
	if err := p.keep(ctx, late); err != nil {
		return nil, false, err
	}
	var rows []purchase
	if err := p.s.db.Read(ctx).Where("member_id IN ?", family).Order("at, event_id, line").Find(&rows).Error; err != nil {
		return nil, false, fmt.Errorf("event: purchases: %w", err)
	}
	return figures(rows), true, nil
}

// figures sums up purchases that are in order of time. It is pure.
func figures(rows []purchase) []Bought {
	type order struct {
		product id.ID
		ref     string
	}
	net := map[order]int64{}
	for _, r := range rows {
		net[order{r.ProductID, r.Ref}] += r.Quantity
	}
	found := map[id.ID]*Bought{}
	days := map[id.ID]map[clock.Day]bool{}
	for _, r := range rows {
		b := found[r.ProductID]
		if b == nil {
			b = &Bought{BrandID: r.BrandID, ProductID: r.ProductID}
			found[r.ProductID], days[r.ProductID] = b, map[clock.Day]bool{}
		}
		if r.Source == byClaim {
			b.Claimed += r.Quantity
		} else {
			b.Ordered, b.AmountFen = b.Ordered+r.Quantity, b.AmountFen+r.AmountFen
		}
		// What was given back as a whole was never bought, and a refund is no purchase.
		if r.Quantity <= 0 || net[order{r.ProductID, r.Ref}] <= 0 {
			continue
		}
		if day := clock.DayOf(r.At); !days[r.ProductID][day] {
			days[r.ProductID][day] = true
			if b.Times++; b.Times == 1 {
				b.FirstAt = r.At
			}
			b.LastAt = r.At
		}
	}
	list := make([]Bought, 0, len(found))
	for _, b := range found {
		b.Quantity = max(b.Ordered, b.Claimed)
		if b.Times > 1 {
			mean := (b.LastAt - b.FirstAt) / clock.Instant(b.Times-1)
			b.IntervalHours, b.NextAt = int64((mean+1_800_000)/3_600_000), b.LastAt+mean
		}
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b Bought) int {
		return cmp.Or(cmp.Compare(b.LastAt, a.LastAt), cmp.Compare(a.ProductID, b.ProductID))
	})
	return list
}
