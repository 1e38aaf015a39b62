package holdout

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
)

// goods are the products whose scans and orders count; nil: all do.
type goods struct {
	products []id.ID
	gtins    map[string]bool // of 14 digits
}

// narrowed finds under which codes the products are sold.
func (s *Reports) narrowed(ctx context.Context, products []id.ID) (*goods, error) {
	if len(products) == 0 {
		return nil, nil
	}
	g := &goods{products: products, gtins: map[string]bool{}}
	if s.GTINs == nil {
		return g, nil
	}
	list, err := s.GTINs(ctx, products)
	if err != nil {
		return nil, fmt.Errorf("holdout: products: %w", err)
	}
	for _, code := range list {
		g.gtins[long(code)] = true
	}
	return g, nil
}

// long is a product's code with the zeros that shops leave out.
func long(gtin string) string {
	return strings.Repeat("0", max(0, 14-len(gtin))) + gtin
}

// read is what one event says of its human. Of an order only the lines of the products count;
// lines without a code are nobody's.
func (g *goods) read(e event.Event) (d did, err error) {
	if e.Type != event.Order {
		if g == nil {
			return did{scanned: true}, nil
		}
		var b struct {
			ProductID id.ID `json:"product_id"`
		}
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return d, fmt.Errorf("holdout: body of event %d: %w", e.ID, err)
		}
		return did{scanned: slices.Contains(g.products, b.ProductID)}, nil
	}
	var b event.OrderBody
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return d, fmt.Errorf("holdout: body of order %d: %w", e.ID, err)
	}
	if g == nil {
		return did{ordered: b.RefundNo == "", fen: b.AmountFen}, nil
	}
	some, sum := false, money.Fen(0)
	for _, l := range b.Lines {
		if l.GTIN != "" && g.gtins[long(l.GTIN)] {
			some, sum = true, sum+l.AmountFen
		}
	}
	return did{ordered: some && b.RefundNo == "", fen: sum}, nil
}
