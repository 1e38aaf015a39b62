package insight

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// Step is one of a brand's first steps (新手引导), found done or not by the rows that
// doing it makes.
type Step struct {
	Key        string `json:"key"`
	Done       bool   `json:"done"`
	Optional   bool   `json:"optional"`
	Permission string `json:"permission"` // who may do it
	Path       string `json:"path"`       // the panel's page for it
}

// steps are the first steps with the rows that say they are done.
func steps() []step {
	return []step{
		{Step{Key: "official", Permission: "account:write", Path: "/settings/accounts"}, "SELECT 1 FROM account WHERE brand_id = @brand AND kind = 'official'"},
		{Step{Key: "mini", Optional: true, Permission: "account:write", Path: "/settings/accounts"}, "SELECT 1 FROM account WHERE brand_id = @brand AND kind = 'mini'"},
		{Step{Key: "merchant", Permission: "account:write", Path: "/settings/accounts"}, "SELECT 1 FROM account WHERE brand_id = @brand AND kind = 'merchant'"},
		{Step{Key: "product", Permission: "product:write", Path: "/goods/products"}, "SELECT 1 FROM product WHERE brand_id = @brand"},
		{Step{Key: "batch", Permission: "code:write", Path: "/goods/batches"}, "SELECT 1 FROM batch WHERE brand_id = @brand"},
		{Step{Key: "activate", Permission: "code:write", Path: "/goods/batches"}, "SELECT 1 FROM batch b JOIN code_range r ON r.batch_id = b.id WHERE b.brand_id = @brand AND r.state = 'activated' AND r.effective_at <= @now"},
		{Step{Key: "campaign", Permission: "campaign:write", Path: "/campaigns"}, "SELECT 1 FROM campaign WHERE brand_id = @brand AND state IN ('published', 'paused', 'ended')"},
		{Step{Key: "scan", Permission: "code:read", Path: "/goods/codes"}, "SELECT 1 FROM tally WHERE brand_id = @brand AND metric = 'scan' AND kind = 'day' UNION SELECT 1 FROM tally_recent WHERE brand_id = @brand AND metric = 'scan' AND kind = 'day'"},
	}
}

type step struct {
	Step
	rows string
}

// Setup returns a brand's first steps in their order. Each is one look by an index.
func (s *Store) Setup(ctx context.Context, brandID id.ID) ([]Step, error) {
	args := map[string]any{"brand": brandID, "now": s.db.Now()}
	out := make([]Step, 0, 8)
	for _, st := range steps() {
		if err := s.db.Read(ctx).Raw("SELECT COUNT(*) > 0 FROM ("+st.rows+" LIMIT 1) AS t", args).Scan(&st.Done).Error; err != nil {
			return nil, fmt.Errorf("insight: first steps: %s: %w", st.Key, err)
		}
		out = append(out, st.Step)
	}
	return out, nil
}

// Ready says whether nothing but optional steps is left.
func Ready(steps []Step) bool {
	for _, s := range steps {
		if !s.Done && !s.Optional {
			return false
		}
	}
	return true
}

// Counted is up to when what happens is counted.
func (s *Store) Counted(ctx context.Context) (clock.Instant, error) { return s.tally.AsOf(ctx) }

// Link is a place that the first page leads to.
type Link struct {
	Kind string // of what waits; "": a step
	Step string
	Path string
}

// Links are all of them: the panel has a page and words for each.
func Links() (out []Link) {
	for _, q := range queues() {
		out = append(out, Link{Kind: q.kind, Path: q.path})
	}
	for _, st := range steps() {
		out = append(out, Link{Step: st.Key, Path: st.Path})
	}
	return out
}
