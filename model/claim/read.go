package claim

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// ByCode reads the claim of a code.
func (s *Store) ByCode(ctx context.Context, batchID id.ID, serial int64) (Claim, bool, error) {
	var c Claim
	err := s.db.Read(ctx).Where("batch_id = ? AND serial = ?", batchID, serial).Take(&c).Error
	if db.IsNotFound(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("claim: %w", err)
	}
	return c, true, nil
}

// Get reads one claim.
func (s *Store) Get(ctx context.Context, claimID id.ID) (Claim, error) {
	var c Claim
	err := s.db.Read(ctx).Where("id = ?", claimID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, fault.New(fault.NotFound, "claim_not_found", "没有这条领取记录")
	}
	return c, err
}

// Filter narrows a list. Zero fields mean all.
type Filter struct {
	BrandID    id.ID
	CampaignID id.ID
	MemberID   id.ID
	Before     id.ID
	Limit      int
}

// List pages claims, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Claim, error) {
	out := []Claim{}
	err := db.Page(s.where(ctx, f), "claim", f.Before, f.Limit).Find(&out).Error
	return out, err
}

// Count counts the claims of a list, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.where(ctx, f))
}

func (s *Store) where(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Claim{})
	for _, c := range []struct {
		column string
		value  id.ID
	}{{"brand_id", f.BrandID}, {"campaign_id", f.CampaignID}, {"member_id", f.MemberID}} {
		if c.value != 0 {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	return q
}

// OfMembers pages the claims of a human's members, newest first.
func (s *Store) OfMembers(ctx context.Context, family []id.ID, before id.ID, limit int) ([]Claim, error) {
	out := []Claim{}
	err := db.Page(s.db.Read(ctx).Where("member_id IN ?", family), "claim", before, limit).Find(&out).Error
	return out, err
}
