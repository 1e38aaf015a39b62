package insight

import (
	"context"
	"fmt"

	"siyu/model/fault"
	"siyu/model/id"
)

// owners says which brand an object of a table belongs to. Things that hang on another
// thing belong to its brand.
func owners() map[string]string {
	of := map[string]string{
		"keyword_reply": "SELECT a.brand_id FROM keyword_reply k JOIN account a ON a.id = k.account_id WHERE k.id = ?",
		"report":        "SELECT b.brand_id FROM report r JOIN batch b ON b.id = r.batch_id WHERE r.id = ?",
	}
	for _, table := range []string{"account", "api_key", "batch", "batch_request", "diversion", "territory", "campaign", "claim", "commission_accrual", "commission_rule", "commission_statement",
		"community", "community_alarm", "community_template", "export", "fraud_case", "leader", "leader_candidate", "leader_material", "leader_task",
		"live_code", "payout", "points_adjustment", "poster_template", "poster_picture", "product", "tag", "tag_category", "segment", "segment_list", "push", "referral_code", "recon_day", "recon_item", "referral_export", "wecom_way", "withdrawal"} {
		of[table] = "SELECT brand_id FROM " + table + " WHERE id = ?"
	}
	return of
}

// Owned tells whether BrandOf knows a table.
func Owned(table string) bool { return owners()[table] != "" }

// BrandOf is the brand that an object belongs to. Faults: NotFound.
func (s *Store) BrandOf(ctx context.Context, table string, objectID id.ID) (id.ID, error) {
	sql, known := owners()[table]
	if !known {
		return 0, fmt.Errorf("insight: no brand of a %s", table)
	}
	var brands []id.ID
	if err := s.db.Read(ctx).Raw(sql, objectID).Scan(&brands).Error; err != nil {
		return 0, fmt.Errorf("insight: brand of %s: %w", table, err)
	}
	if len(brands) == 0 {
		return 0, fault.New(fault.NotFound, "not_found", "没有找到")
	}
	return brands[0], nil
}
