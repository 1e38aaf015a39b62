package holdout

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Cost is what a push cost in all: messages, coupons, gifts, work.
type Cost struct {
	PushID    id.ID         `json:"push_id" gorm:"primaryKey"`
	CostFen   money.Fen     `json:"cost_fen"`
	Note      string        `json:"note"`
	ByID      id.ID         `json:"by_id"`
	UpdatedAt clock.Instant `json:"updated_at"` // null: nobody wrote it down
}

// TableName names the table for GORM.
func (Cost) TableName() string { return "push_cost" }

// Cost reads what somebody wrote down; nothing is no fault.
func (s *Reports) Cost(ctx context.Context, pushID id.ID) (Cost, error) {
	return costOf(s.db.Read(ctx), pushID)
}

func costOf(tx *gorm.DB, pushID id.ID) (Cost, error) {
	var rows []Cost
	if err := tx.Where("push_id = ?", pushID).Limit(1).Find(&rows).Error; err != nil {
		return Cost{}, fmt.Errorf("holdout: cost: %w", err)
	}
	if len(rows) == 0 {
		return Cost{PushID: pushID}, nil
	}
	return rows[0], nil
}

// SetCost writes down what a push cost, in place of what was there. Faults: NotFound
// push_unknown; Invalid push_cost.
func (s *Reports) SetCost(ctx context.Context, c Cost) (before, after Cost, err error) {
	switch {
	case c.CostFen < 0 || c.CostFen > money.Max/100:
		return before, after, fault.NewInvalid("push_cost", "花费应在 0 到 1 亿元之间").With("field", "cost_fen")
	case len([]rune(c.Note)) > 200:
		return before, after, fault.NewInvalid("push_cost", "说明最多 200 字").With("field", "note")
	}
	if _, err := s.audience.Trial(ctx, c.PushID); err != nil {
		return before, after, err
	}
	c.UpdatedAt = s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if before, err = costOf(tx, c.PushID); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM push_cost WHERE push_id = ?", c.PushID).Error; err != nil {
			return err
		}
		return tx.Create(&c).Error
	})
	if err != nil {
		return before, after, fmt.Errorf("holdout: cost: %w", err)
	}
	return before, c, nil
}
