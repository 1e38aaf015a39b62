package commission

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/id"
)

// lookBack is for how long after codes became void what was settled for them is looked
// for. One look would do, but for a settlement that was under way beside it, and for
// times in which nothing ran.
const lookBack = 60 * 24 * time.Hour

// takeVoid takes back what was settled for codes that are void by now; what was not is
// seen when it is released or settled. A recall is about the goods and may be lifted: what
// was settled before it stays.
func (s *Store) takeVoid(ctx context.Context) error {
	now := s.DB.Now()
	batches, err := s.Codes.VoidedBatches(ctx, now.Add(-lookBack), now)
	if err != nil {
		return fmt.Errorf("commission: void codes: %w", err)
	}
	for _, b := range batches {
		spans, err := s.Codes.States(ctx, b, now)
		if err != nil {
			return fmt.Errorf("commission: codes: %w", err)
		}
		for _, x := range spans {
			if x.State != code.Voided {
				continue
			}
			if err := s.takeSpan(ctx, b, x); err != nil {
				return fmt.Errorf("commission: void codes: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) takeSpan(ctx context.Context, batchID id.ID, x code.Span) error {
	for after := id.ID(0); ctx.Err() == nil; {
		var list []id.ID
		err := s.DB.Read(ctx).Raw("SELECT id FROM commission_accrual WHERE batch_id = ? AND serial >= ? AND serial < ? AND state = ? AND id > ? ORDER BY id LIMIT ?",
			batchID, x.From, x.Until, Settled, after, db.MaxPage).Scan(&list).Error
		if err != nil || len(list) == 0 {
			return err
		}
		for _, accrualID := range list {
			err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
				a, err := s.accrualTx(tx, accrualID, s.lock())
				if err != nil {
					return err
				}
				_, err = s.clawTx(ctx, tx, a, a.Left(), "code:"+a.ID.String(), "商品码已作废", 0)
				return err
			})
			if err != nil {
				return err
			}
		}
		after = list[len(list)-1]
	}
	return ctx.Err()
}
