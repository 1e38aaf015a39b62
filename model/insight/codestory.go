package insight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
)

// Moment is one thing that happened to a code. Which fields are filled follows from Kind.
type Moment struct {
	At   clock.Instant `json:"at"`
	Kind string        `json:"kind"` // asked, approved, batch, range, pack, download, scan, flag, claim, payout, commission, report, diversion, act

	State    string    `json:"state"`   // of a range, a pack, a payout, a report
	Verdict  string    `json:"verdict"` // what the scan was told
	Text     string    `json:"text"`    // a reason, a note, the prize, the name of an act
	Province string    `json:"province"`
	City     string    `json:"city"`
	Channel  string    `json:"channel"` // of a scan: wechat, mini, browser
	MemberID id.ID     `json:"member_id"`
	Actor    string    `json:"actor"` // login of an operator
	Fen      money.Fen `json:"amount_fen"`
	Points   int64     `json:"points"`
	ObjectID id.ID     `json:"object_id"`
	Outcome  string    `json:"outcome"` // of an act
}

// scansMost bounds the scans of one story: the newest; a copied code has thousands.
const scansMost = 200

// CodeStory tells what happened to one code, oldest first: how it was made, who acted on its
// batch, each scan, what was earned by it. Addresses, browsers and exact places stay where
// they are: a city and a channel are what people need to judge.
func (s *Store) CodeStory(ctx context.Context, batchID id.ID, serial int64) ([]Moment, error) {
	list := []Moment{}
	for _, part := range []struct {
		sql  string
		args []any
	}{
		{`SELECT r.created_at AS at, 'asked' AS kind, r.purpose AS text, r.count AS points, COALESCE(o.login, '') AS actor FROM batch_request r LEFT JOIN operator o ON o.id = r.asked_by WHERE r.id = ?`, []any{batchID}},
		{`SELECT r.decided_at AS at, 'approved' AS kind, r.note AS text, COALESCE(o.login, '') AS actor FROM batch_request r LEFT JOIN operator o ON o.id = r.decided_by WHERE r.id = ? AND r.state = 'approved'`, []any{batchID}},
		{`SELECT created_at AS at, 'batch' AS kind, name AS text, count AS points FROM batch WHERE id = ?`, []any{batchID}},
		{`SELECT r.effective_at AS at, 'range' AS kind, r.state, r.reason AS text, r.id AS object_id, COALESCE(o.login, '') AS actor FROM code_range r LEFT JOIN operator o ON o.id = r.by_id WHERE r.batch_id = ? AND r.from_serial <= ? AND r.until_serial > ?`, []any{batchID, serial, serial}},
		{`SELECT e.created_at AS at, 'pack' AS kind, e.state, e.kind AS text, e.id AS object_id, COALESCE(o.login, '') AS actor FROM export e LEFT JOIN operator o ON o.id = e.created_by WHERE e.batch_id = ? AND e.from_serial <= ? AND e.until_serial > ?`, []any{batchID, serial, serial}},
		{`SELECT d.created_at AS at, 'download' AS kind, d.login AS actor, d.export_id AS object_id FROM export_download d JOIN export e ON e.id = d.export_id JOIN export_part p ON p.export_id = d.export_id AND p.part = d.part
			WHERE e.batch_id = ? AND p.from_serial <= ? AND p.until_serial > ?`, []any{batchID, serial, serial}},
		{`SELECT at, 'scan' AS kind, verdict, province, city, user_agent AS channel, member_id, id AS object_id FROM scan WHERE batch_id = ? AND serial = ? ORDER BY at DESC LIMIT ?`, []any{batchID, serial, scansMost}},
		{`SELECT flagged_at AS at, 'flag' AS kind, flag_reason AS text FROM code_sight WHERE batch_id = ? AND serial = ? AND flagged_at > 0`, []any{batchID, serial}},
		{`SELECT created_at AS at, 'claim' AS kind, prize AS text, member_id, cash_fen AS fen, points, id AS object_id FROM claim WHERE batch_id = ? AND serial = ?`, []any{batchID, serial}},
		{`SELECT p.moved_at AS at, 'payout' AS kind, p.state, p.reason AS text, p.member_id, p.amount_fen AS fen, p.id AS object_id FROM payout p JOIN claim c ON c.id = p.claim_id WHERE c.batch_id = ? AND c.serial = ?`, []any{batchID, serial}},
		{`SELECT created_at AS at, 'commission' AS kind, state, reason AS text, earner_id AS member_id, CASE WHEN pay = 'cash' THEN amount ELSE 0 END AS fen, CASE WHEN pay = 'cash' THEN 0 ELSE amount END AS points, id AS object_id FROM commission_accrual WHERE batch_id = ? AND serial = ?`, []any{batchID, serial}},
		{`SELECT created_at AS at, 'report' AS kind, state, note AS text, member_id, id AS object_id FROM report WHERE batch_id = ? AND serial = ?`, []any{batchID, serial}},
		{`SELECT c.at, 'diversion' AS kind, c.province, c.city, t.dealer AS text FROM territory t JOIN diversion_code c ON c.territory_id = t.id AND c.serial = ? WHERE t.batch_id = ?`, []any{serial, batchID}},
		{`SELECT created_at AS at, 'act' AS kind, action AS text, actor, outcome, id AS object_id FROM audit WHERE object = 'batch' AND object_id = ? AND NOT (outcome = 'done' AND action IN ('batch.apply', 'batch.approve', 'batch.create', 'batch.set_range')) ORDER BY created_at DESC LIMIT 100`, []any{batchID}},
	} {
		var rows []Moment
		if err := s.db.Read(ctx).Raw(part.sql, part.args...).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("insight: code story: %w", err)
		}
		for _, r := range rows {
			if r.Kind == "scan" {
				r.Channel = channelOf(r.Channel)
			}
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b Moment) int { return cmp.Compare(a.At, b.At) })
	return list, nil
}

// channelOf is where a scan was looked at, by the name its browser gave.
func channelOf(userAgent string) string {
	switch {
	case strings.Contains(userAgent, "miniProgram") || strings.Contains(userAgent, "MiniProgram"):
		return "mini"
	case strings.Contains(userAgent, "MicroMessenger"):
		return "wechat"
	}
	return "browser"
}
