package fraud

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

type policyRow struct {
	BrandID   id.ID
	Version   int64
	Body      string
	UpdatedAt int64
}

func (policyRow) TableName() string { return "fraud_policy" }

// Policy reads what a brand calls suspicious; version 0 is the default.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	p := DefaultPolicy()
	var r policyRow
	err := s.db.Read(ctx).Where("brand_id = ?", brandID).Take(&r).Error
	if db.IsNotFound(err) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("fraud: policy: %w", err)
	}
	return p, json.Unmarshal([]byte(r.Body), &p)
}

// SavePolicy replaces it. p.Version is the one that was read; another one in between is a
// conflict. Faults: Invalid fraud_policy; Conflict fraud_policy_changed.
func (s *Store) SavePolicy(ctx context.Context, brandID id.ID, p Policy) (Policy, error) {
	if err := p.check(); err != nil {
		return p, err
	}
	read := p.Version
	p.Version, p.UpdatedAt = read+1, s.db.Now()
	body, err := json.Marshal(p)
	if err != nil {
		return p, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE fraud_policy SET version = ?, body = ?, updated_at = ? WHERE brand_id = ? AND version = ?", p.Version, string(body), p.UpdatedAt, brandID, read)
		if r.Error == nil && r.RowsAffected == 0 && read == 0 {
			r = tx.Exec("INSERT INTO fraud_policy (brand_id, version, body, updated_at) VALUES (?, ?, ?, ?)"+s.db.Once("version"), brandID, p.Version, string(body), p.UpdatedAt)
		}
		if r.Error == nil && r.RowsAffected == 0 {
			return fault.New(fault.Conflict, "fraud_policy_changed", "规则刚被别人改过，请刷新后再改")
		}
		return r.Error
	})
	return p, err
}
