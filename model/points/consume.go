package points

import (
	"context"
	"encoding/json"
	"time"

	"siyu/model/event"
	"siyu/model/fault"
)

// tooOld is how old an order or review may be when it is reported and still earn: the
// history that a shop system brings along at its connection is not to rain points.
const tooOld = 31 * 24 * time.Hour

// Consume is the event.Consumer that lets orders and reviews earn and refunds take back.
// It is idempotent by the keys of the facts, and order and refund may come either way
// round. Other events earn elsewhere or nothing.
func (a *Accounts) Consume(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		if e.MemberID == 0 || e.At < a.db.Now().Add(-tooOld) && e.Type != event.Order {
			continue
		}
		var err error
		switch e.Type {
		case event.Order:
			err = a.consumeOrder(ctx, e)
		case event.Review:
			_, err = a.Earn(ctx, Fact{Key: "review:" + e.Key, BrandID: e.BrandID, MemberID: e.MemberID, On: OnReview})
		}
		if err != nil && fault.Of(err).Code != "member_not_found" { // nobody is left to have them
			return err
		}
	}
	return nil
}

func (a *Accounts) consumeOrder(ctx context.Context, e event.Event) error {
	var o event.OrderBody
	if err := json.Unmarshal(e.Body, &o); err != nil {
		return nil // no body that passed the schema is this
	}
	key := "order:" + e.BrandID.String() + ":" + o.Source + ":" + o.OrderNo
	if o.AmountFen < 0 { // also of an old order: its points may still be there
		return a.Refund(ctx, Refund{Key: "refund:" + e.Key, OrderKey: key, BrandID: e.BrandID, MemberID: e.MemberID, AmountFen: int64(-o.AmountFen)})
	}
	if e.At < a.db.Now().Add(-tooOld) || o.AmountFen == 0 {
		return nil
	}
	_, err := a.Earn(ctx, Fact{Key: key, BrandID: e.BrandID, MemberID: e.MemberID, On: OnOrder, AmountFen: int64(o.AmountFen), Memo: "购物积分 " + cut(o.OrderNo, 60)})
	return err
}
