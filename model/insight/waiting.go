package insight

import (
	"context"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// waitingMost is where counting stops: a longer queue is no better news.
const waitingMost = 10_000

// Waiting is one kind of thing that waits for a person.
type Waiting struct {
	Kind       string        `json:"kind"`
	Permission string        `json:"permission"` // who may do something about it
	Path       string        `json:"path"`       // the panel's page for it
	Count      int64         `json:"count"`
	More       bool          `json:"more"`      // more than Count
	OldestAt   clock.Instant `json:"oldest_at"` // none: not known
	DueAt      clock.Instant `json:"due_at"`    // the law's deadline of the first; none: there is no law
	Urgent     bool          `json:"urgent"`
}

// queue is where one kind waits. rows selects the moments since when, by an index, and
// may ask for @brand, @me and @since.
type queue struct {
	kind, permission, path string
	rows                   string
	since                  time.Duration // how far back it matters; 0: for ever
	due                    bool          // the moments are deadlines
	patience               time.Duration // what waits longer is urgent; 0: at once
}

// queues is the list in the order of the page: money and the law first.
func queues() []queue {
	const day = 24 * time.Hour
	return []queue{
		{"payout_review", "payout:write", "/money/review", "SELECT created_at AS at FROM payout WHERE review = 1 AND brand_id = @brand", 0, false, day},
		{"recon", "recon:write", "/money/reconcile?view=items&state=open", "SELECT created_at AS at FROM recon_item WHERE state = 'open' AND brand_id = @brand", 0, false, 2 * day},
		{"recon_failed", "recon:write", "/money/reconcile", "SELECT asked_at AS at FROM recon_day WHERE brand_id = @brand AND state = 'failed' AND asked_at >= @since", 14 * day, false, 0},
		{"low_balance", "recon:write", "/money/balances", "SELECT low_at AS at FROM merchant_balance WHERE brand_id = @brand AND low = 1", 0, false, 0},
		{"withdrawal", "withdrawal:approve", "/leaders/withdrawals", "SELECT created_at AS at FROM withdrawal WHERE brand_id = @brand AND state = 'requested'", 0, false, day},
		{"rights", "rights:write", "/members/rights?state=requested", "SELECT due_at AS at FROM rights_request WHERE state = 'requested'", 0, true, 3 * day},
		{"campaign_approval", "campaign:approve", "/campaigns/approvals?state=submitted", "SELECT created_at AS at FROM campaign_approval WHERE brand_id = @brand AND state = 'submitted'", 0, false, day},
		{"push_missed", "push:send", "/pushes?state=missed", "SELECT start_at AS at FROM push WHERE brand_id = @brand AND state = 'missed'", 0, false, 0},
		{"push_approval", "push:approve", "/pushes?state=pending", "SELECT submitted_at AS at FROM push WHERE brand_id = @brand AND state = 'pending' AND submitted_by <> @me", 0, false, day},
		// Who asked for a tag or wrote it does not decide; its owner answers for the rest.
		{"tag_approval", "tag:approve", "/audience/tags?state=pending", "SELECT v.created_at AS at FROM tag_version v JOIN tag t ON t.id = v.tag_id WHERE t.brand_id = @brand AND v.state = 'pending' AND t.by_id <> @me AND v.by_id <> @me", 0, false, 2 * day},
		{"tag_review", "tag:write", "/audience/tags?due=1", "SELECT reviewed_at + review_days * 86400000 AS at FROM tag WHERE brand_id = @brand AND state = 'running' AND owner_id = @me AND reviewed_at + review_days * 86400000 <= @since", 0, false, 7 * day},
		{"tag_idle", "tag:write", "/audience/tags?proposed=1", "SELECT used_at AS at FROM tag WHERE brand_id = @brand AND state = 'running' AND owner_id = @me AND proposal <> ''", 0, false, 365 * day},
		{"batch_request", "code:approve", "/goods/batches?tab=requests&state=waiting", "SELECT created_at AS at FROM batch_request WHERE brand_id = @brand AND state = 'waiting'", 0, false, day},
		// How long these may take is what issuance.Store.Alarms says on the page.
		{"pack_unfetched", "export:download", "/goods/batches", "SELECT x.finished_at AS at FROM export x WHERE x.brand_id = @brand AND x.state = 'ready' AND x.finished_at <= @since AND EXISTS (SELECT 1 FROM export_part p WHERE p.export_id = x.id AND p.downloads = 0)", day, false, 3 * day},
		{"batch_idle", "code:write", "/goods/batches", "SELECT b.created_at AS at FROM batch b WHERE b.brand_id = @brand AND b.created_at <= @since AND NOT EXISTS (SELECT 1 FROM code_range r WHERE r.batch_id = b.id)", 3 * day, false, 30 * day},
		{"points_adjustment", "points:approve", "/members/adjustments?state=requested", "SELECT created_at AS at FROM points_adjustment WHERE state = 'requested' AND brand_id = @brand", 0, false, day},
		{"fraud", "fraud:decide", "/leaders/fraud", "SELECT opened_at AS at FROM fraud_case WHERE brand_id = @brand AND state = 'open'", 0, false, 2 * day},
		{"diversion", "diversion:write", "/goods/diversions?state=open", "SELECT created_at AS at FROM diversion WHERE brand_id = @brand AND state = 'open'", 0, false, 7 * day},
		{"report", "report:write", "/goods/reports?state=open", "SELECT r.created_at AS at FROM report r LEFT JOIN batch b ON b.id = r.batch_id WHERE r.state = 'open' AND (b.brand_id = @brand OR b.id IS NULL)", 0, false, 2 * day},
		{"merge_review", "identity:merge", "/members/merging?state=open", "SELECT created_at AS at FROM identity_review WHERE state = 'open'", 0, false, 7 * day},
		{"leader_application", "leader:approve", "/leaders/applications", "SELECT created_at AS at FROM leader WHERE brand_id = @brand AND state = 'applied'", 0, false, 2 * day},
		{"group_alarm", "group:write", "/leaders/groups?tab=alarms", "SELECT created_at AS at FROM community_alarm WHERE brand_id = @brand AND state = 'open'", 0, false, 2 * day},
		{"dead_letter", "event:replay", "/members/letters?state=waiting", "SELECT created_at AS at FROM event_dead WHERE state = 'waiting' AND brand_id = @brand", 0, false, 7 * day},
		{"export_failed", "export:write", "/goods/exports?state=failed", "SELECT finished_at AS at FROM export WHERE state = 'failed' AND brand_id = @brand AND finished_at >= @since", 7 * day, false, day},
		{"extract_failed", "", "/jobs", "SELECT finished_at AS at FROM extract WHERE by_id = @me AND state = 'failed' AND finished_at >= @since AND finished_at > (SELECT COALESCE(MAX(seen_at), 0) FROM job_seen WHERE operator_id = @me)", 7 * day, false, day},
		{"notice_refused", "health:read", "/settings/accounts", "SELECT n.received_at AS at FROM notice n JOIN account a ON a.id = n.account_id WHERE n.state = 2 AND n.received_at >= @since AND a.brand_id = @brand", day, false, 0},
		{"task_stuck", "task:retry", "/jobs/tasks", "SELECT created_at AS at FROM (SELECT created_at, tries, last_error FROM outbox WHERE state = 0 ORDER BY due_at DESC LIMIT 2000) AS newest WHERE tries >= 3 AND last_error <> ''", 0, false, 0},
		{"backlog", "task:retry", "/jobs/tasks", "SELECT due_at AS at FROM outbox WHERE state = 0 AND due_at < @since", 10 * time.Minute, false, 0},
	}
}

// Waiting lists what waits for a person in a brand, of what allowed says he may do
// something about; me is he. Kinds with nothing are left out.
func (s *Store) Waiting(ctx context.Context, brandID, me id.ID, allowed func(permission string) bool) ([]Waiting, error) {
	now, out := s.db.Now(), []Waiting{}
	for _, q := range queues() {
		if q.permission != "" && !allowed(q.permission) {
			continue
		}
		var got struct {
			N      int64
			Oldest clock.Instant
		}
		stmt := "SELECT COUNT(*) AS n, COALESCE(MIN(at), 0) AS oldest FROM (" + q.rows + " LIMIT @most) AS few"
		err := s.db.Read(ctx).Raw(stmt, map[string]any{"brand": brandID, "me": me, "since": now.Add(-q.since), "most": waitingMost + 1}).Scan(&got).Error
		if err != nil {
			return nil, fmt.Errorf("insight: waiting %s: %w", q.kind, err)
		}
		if got.N == 0 {
			continue
		}
		w := Waiting{Kind: q.kind, Permission: q.permission, Path: q.path, Count: min(got.N, waitingMost), More: got.N > waitingMost, OldestAt: got.Oldest}
		if q.due {
			w.DueAt, w.OldestAt = got.Oldest, 0
			w.Urgent = got.Oldest < now.Add(q.patience)
		} else {
			w.Urgent = got.Oldest < now.Add(-q.patience)
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b Waiting) int {
		switch {
		case a.Urgent == b.Urgent:
			return 0
		case a.Urgent:
			return -1
		}
		return 1
	})
	return out, nil
}
