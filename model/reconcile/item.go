package reconcile

import (
	"context"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/redpacket"
)

// strangerTx notes a line of a payout that is not ours.
func (s *Store) strangerTx(ctx context.Context, tx *gorm.DB, d Day, l Line) error {
	return s.putTx(ctx, tx, Item{ItemKey: cut("line:"+d.AccountID.String()+":"+l.FlowNo, 96), BrandID: d.BrandID, AccountID: d.AccountID, Day: d.Day, Kind: OnlyWeChat,
		WechatNo: l.WechatNo, FlowNo: l.FlowNo, BillNo: l.Voucher, WechatFen: l.AmountFen, Note: "账单有" + l.Business + "，我方没有这张打款单", Since: l.At})
}

// keepTx makes the differences of a payout what was found.
func (s *Store) keepTx(ctx context.Context, tx *gorm.DB, p redpacket.Payout, found []finding, old []Item) error {
	keys := map[string]bool{}
	for _, f := range found {
		i := Item{ItemKey: keyOf(p.ID, f), BrandID: p.BrandID, AccountID: p.AccountID, Day: f.day, Kind: f.kind, PayoutID: p.ID, BillNo: p.BillNo,
			WechatNo: p.WechatNo, OursFen: p.AmountFen, WechatFen: f.wechat, OursState: p.State, Note: cut(f.note, 200), Since: p.MovedAt}
		if f.line != nil {
			i.FlowNo, i.Since = f.line.FlowNo, f.line.At
		}
		keys[i.ItemKey] = true
		if err := s.putTx(ctx, tx, i); err != nil {
			return err
		}
	}
	now := s.db.Now()
	for _, o := range old {
		if o.State == Open && !keys[o.ItemKey] {
			err := tx.Model(&Item{}).Where("id = ? AND state = ?", o.ID, Open).Updates(map[string]any{"state": Resolved, "resolved_at": now, "updated_at": now, "ours_state": p.State}).Error
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// putTx writes a difference: new, or as it is now. What a person explained stays
// explained as long as it is the same; what had resolved itself is open again.
func (s *Store) putTx(ctx context.Context, tx *gorm.DB, i Item) error {
	now := s.db.Now()
	rows := db.NewRows("recon_item", `id, item_key, brand_id, account_id, day, kind, state, payout_id, bill_no, wechat_no, flow_no, ours_fen, wechat_fen, ours_state, note, since,
		reason, by_id, by_login, explained_at, resolved_at, created_at, updated_at`)
	rows.Add(s.db.NewID(), i.ItemKey, i.BrandID, i.AccountID, i.Day, i.Kind, Open, i.PayoutID, i.BillNo, i.WechatNo, i.FlowNo, i.OursFen, i.WechatFen, i.OursState, i.Note, i.Since,
		"", 0, "", 0, 0, now, now)
	if n, err := rows.Insert(ctx, tx, s.db.Once("id")); err != nil || n == 1 {
		return err
	}
	same := "item_key = ? AND day = ? AND wechat_fen = ? AND ours_state = ? AND note = ?"
	var unchanged int64
	if err := tx.Model(&Item{}).Where(same+" AND state <> ?", i.ItemKey, i.Day, i.WechatFen, i.OursState, i.Note, Resolved).Count(&unchanged).Error; err != nil || unchanged > 0 {
		return err
	}
	// A reason was given for what was seen then: other money, or another state of ours, is
	// another version, and asks for a person again. The old reason stays readable.
	r := tx.Model(&Item{}).Where("item_key = ? AND (wechat_fen <> ? OR ours_state <> ? OR note <> ?)", i.ItemKey, i.WechatFen, i.OursState, i.Note).
		Updates(map[string]any{"state": Open, "resolved_at": 0, "version": gorm.Expr("version + 1")})
	if r.Error != nil {
		return r.Error
	}
	if err := tx.Model(&Item{}).Where("item_key = ?", i.ItemKey).Updates(map[string]any{"day": i.Day, "flow_no": i.FlowNo, "wechat_no": i.WechatNo,
		"wechat_fen": i.WechatFen, "ours_state": i.OursState, "note": i.Note, "updated_at": now}).Error; err != nil {
		return err
	}
	return tx.Model(&Item{}).Where("item_key = ? AND state = ?", i.ItemKey, Resolved).
		Updates(map[string]any{"state": Open, "resolved_at": 0, "version": gorm.Expr("version + 1")}).Error
}

// Explain closes a difference with a reason for the version that was seen. Faults:
// NotFound; Conflict when it resolved itself, or says something else by now; Invalid
// without a reason.
func (s *Store) Explain(ctx context.Context, itemID id.ID, version int64, reason string, byID id.ID, login string) (before, after Item, err error) {
	if reason = cut(reason, 300); len([]rune(reason)) < 2 {
		return before, after, errReason
	}
	if before, err = s.Item(ctx, itemID); err != nil {
		return before, after, err
	}
	now := s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Item{}).Where("id = ? AND state <> ? AND version = ?", itemID, Resolved, version).Updates(map[string]any{"state": Explained, "reason": reason,
			"by_id": byID, "by_login": login, "explained_at": now, "updated_at": now})
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		var is Item
		if err := tx.Where("id = ?", itemID).Take(&is).Error; err != nil {
			return err
		}
		switch {
		case is.State == Resolved:
			return errResolved
		case is.Version != version:
			return errMoved
		}
		return nil // the same said again in the same moment
	})
	if err != nil {
		return before, after, err
	}
	after, err = s.Item(ctx, itemID)
	return before, after, err
}
