package insight

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Check is one invariant and what was found: the answer to "is the money right?" for an
// operator (siyu check) and for the fault campaign.
type Check struct {
	Name   string `json:"name"`
	Title  string `json:"title"` // zh-CN
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // the first rows that break it
}

// finding is a row that breaks an invariant: which one, what it is, what it should be.
type finding struct {
	Ref  id.ID
	Got  int64
	Want int64
}

// shown is how many findings a detail names; counting all of a broken table helps nobody.
const shown = 5

type invariant struct {
	name, title string
	sql         string // selects findings; none is good
	args        []any
}

// Invariants recomputes everything that must hold whatever happened, from the rows and
// from both sides of the book, at one moment: all of it reads one snapshot, so a busy
// system is not blamed for what is just being written. patience is how long a wake-up,
// a notice or a payout may be late before it counts as lost; zero asks that nothing is
// under way at all. It reads whole tables.
func (s *Store) Invariants(ctx context.Context, patience time.Duration) ([]Check, error) {
	var out []Check
	err := s.EachInvariant(ctx, patience, func(c Check) { out = append(out, c) })
	return out, err
}

// EachInvariant is Invariants that says what was found of each as soon as it is known: at
// size they take minutes.
func (s *Store) EachInvariant(ctx context.Context, patience time.Duration, told func(Check)) error {
	now := s.db.Now()
	list := slices.Concat(s.money(), s.commission(), s.accruals(now.Add(-patience)), s.flow(now.Add(-patience), patience == 0))
	return s.db.Read(ctx).Transaction(func(tx *gorm.DB) error {
		for _, v := range list {
			var found []finding
			if err := tx.Raw(v.sql+fmt.Sprintf(" LIMIT %d", shown+1), v.args...).Scan(&found).Error; err != nil {
				return fmt.Errorf("insight: %s: %w", v.name, err)
			}
			told(Check{Name: v.name, Title: v.title, OK: len(found) == 0, Detail: tell(found)})
		}
		return nil
	}, &sql.TxOptions{ReadOnly: true, Isolation: s.snapshot()})
}

// snapshot: MySQL's repeatable read is one; a reader of SQLite has one anyway, and its
// driver knows no levels.
func (s *Store) snapshot() sql.IsolationLevel {
	if s.db.Driver() == db.MySQL {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

func tell(found []finding) string {
	var b strings.Builder
	for i, f := range found {
		if i == shown {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteString("；")
		}
		fmt.Fprintf(&b, "编号 %d：%d，应为 %d", f.Ref, f.Got, f.Want)
	}
	return b.String()
}

// cat joins texts and columns in the engine's words.
func (s *Store) cat(parts ...string) string {
	if s.db.Driver() == db.MySQL {
		return "CONCAT(" + strings.Join(parts, ", ") + ")"
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// upToLast cuts the number at the end of a key off.
func (s *Store) upToLast(column string) string {
	if s.db.Driver() == db.MySQL {
		return "CONCAT(SUBSTRING_INDEX(" + column + ", ':', 2), ':')"
	}
	return "RTRIM(" + column + ", '0123456789')"
}

// sides lists what went into (+) and out of (-) the accounts of one kind, by owner.
func sides(unit, kind string) string {
	where := " FROM ledger_entry WHERE unit = '" + unit + "' AND "
	return "SELECT credit_owner AS ref, amount AS n" + where + "credit_kind = '" + kind + "'" +
		" UNION ALL SELECT debit_owner, -amount" + where + "debit_kind = '" + kind + "'"
}

// many is sides of several kinds.
func many(unit string, kinds ...string) string {
	var all []string
	for _, kind := range kinds {
		all = append(all, sides(unit, kind))
	}
	return strings.Join(all, " UNION ALL ")
}

// differ selects the owners whose account of a kind is not what the rows say. rows
// selects (ref, n).
func differ(unit, kind, rows string) string {
	return "SELECT ref, SUM(got) AS got, SUM(want) AS want FROM (SELECT ref, n AS got, 0 AS want FROM (" + sides(unit, kind) + ") AS book" +
		" UNION ALL SELECT ref, 0, n FROM (" + rows + ") AS facts) AS both_sides GROUP BY ref HAVING SUM(got) <> SUM(want)"
}

// pointKinds are the accounts of points, in the words of the ledger.
const pointKinds = "'issue', 'spent', 'expired', 'member', 'pending', 'frozen', 'debt'"

// low selects the owners whose account of a kind is below zero.
func low(unit, kind string) string {
	return "SELECT ref, SUM(n) AS got, 0 AS want FROM (" + sides(unit, kind) + ") AS low_" + kind + " GROUP BY ref HAVING SUM(n) < 0"
}

// money is what must hold at every moment.
func (s *Store) money() []invariant {
	payouts := func(states string) string {
		return "SELECT campaign_id AS ref, amount_fen AS n FROM payout WHERE purpose = 'claim' AND state IN (" + states + ")"
	}
	return []invariant{
		{name: "claim_once", title: "一个码最多领取一次",
			sql: "SELECT MIN(id) AS ref, COUNT(*) AS got, 1 AS want FROM claim GROUP BY batch_id, serial HAVING COUNT(*) > 1"},
		{name: "claim_payout", title: "每笔现金领取恰有一张金额相同的打款单，每张打款单都有领取",
			sql: `SELECT claim.id AS ref, COUNT(payout.id) AS got, 1 AS want FROM claim LEFT JOIN payout ON payout.claim_id = claim.id AND payout.purpose = 'claim'
				AND payout.amount_fen = claim.cash_fen AND payout.member_id = claim.member_id AND payout.campaign_id = claim.campaign_id
				WHERE claim.cash_fen > 0 GROUP BY claim.id HAVING COUNT(payout.id) <> 1
				UNION ALL SELECT payout.id, 0, 1 FROM payout LEFT JOIN claim ON claim.id = payout.claim_id WHERE payout.purpose = 'claim' AND claim.id IS NULL`},
		{name: "settled_once", title: "每笔领取、每笔提现最多到账一次",
			sql: "SELECT claim_id AS ref, COUNT(*) AS got, 1 AS want FROM payout WHERE state = 'settled' GROUP BY claim_id HAVING COUNT(*) > 1"},
		{name: "bill_number", title: "商户单号唯一，且与领取时入账的单号一致",
			sql: `SELECT MIN(id) AS ref, COUNT(*) AS got, 1 AS want FROM payout GROUP BY bill_no HAVING COUNT(*) > 1
				UNION ALL SELECT payout.id, COUNT(ledger_entry.id), 1 FROM payout LEFT JOIN ledger_entry ON ledger_entry.entry_key = ` + s.cat("'claim:'", "payout.claim_id", "':cash'") +
				` AND ledger_entry.memo LIKE ` + s.cat("'%'", "payout.bill_no") + ` WHERE payout.purpose = 'claim' GROUP BY payout.id HAVING COUNT(ledger_entry.id) <> 1`},
		{name: "campaign_count", title: "活动的领取数与中出金额等于领取记录之和",
			sql: `SELECT campaign.id AS ref, campaign.claimed + campaign.won_fen AS got, COUNT(claim.id) + COALESCE(SUM(claim.cash_fen), 0) AS want
				FROM campaign LEFT JOIN claim ON claim.campaign_id = campaign.id GROUP BY campaign.id, campaign.claimed, campaign.won_fen
				HAVING campaign.claimed <> COUNT(claim.id) OR campaign.won_fen <> COALESCE(SUM(claim.cash_fen), 0)`},
		{name: "campaign_budget", title: "已付 ≤ 已中出 ≤ 预算",
			sql: `SELECT campaign.id AS ref, campaign.won_fen AS got, campaign.spend_fen AS want FROM campaign WHERE won_fen > spend_fen
				OR won_fen < (SELECT COALESCE(SUM(amount_fen), 0) FROM payout WHERE payout.campaign_id = campaign.id AND payout.state = 'settled')
				OR cap_total > 0 AND claimed > cap_total`},
		{name: "book_reserved", title: "活动冻结余额 = 预算 − 已中出（结束后为 0）",
			sql: differ("fen", "reserved", "SELECT id AS ref, CASE WHEN state IN ('published', 'paused') THEN spend_fen - won_fen ELSE 0 END AS n FROM campaign")},
		{name: "book_promised", title: "待付余额 = 未完成打款单之和",
			sql: differ("fen", "promised", payouts("'pending', 'sending', 'accepted'"))},
		{name: "book_paid", title: "已付余额 = 已到账打款单之和",
			sql: differ("fen", "paid", payouts("'settled'"))},
		{name: "book_entries", title: "每张打款单入账一次，结束时再入账一次",
			sql: `SELECT ref, SUM(n) AS got, 0 AS want FROM (SELECT campaign_id AS ref, CASE WHEN state IN ('settled', 'returned', 'failed') THEN 2 ELSE 1 END AS n FROM payout WHERE purpose = 'claim'
				UNION ALL SELECT debit_owner, -1 FROM ledger_entry WHERE debit_kind = 'promised' UNION ALL SELECT credit_owner, -1 FROM ledger_entry WHERE credit_kind = 'promised'
				) AS booked GROUP BY ref HAVING SUM(n) <> 0`},
		{name: "book_funds", title: "品牌出资 = 冻结 + 待付 + 已付 + 佣金",
			sql: "SELECT ref, SUM(n) AS got, 0 AS want FROM (" + many("fen", "funds", "withdrawn", "tax_due") +
				" UNION ALL SELECT campaign.brand_id, side.n FROM (" + many("fen", "reserved", "promised", "paid") + ") AS side JOIN campaign ON campaign.id = side.ref" +
				" UNION ALL SELECT commission_account.brand_id, earned.n FROM (" + many("fen", "accrued", "earned", "withdrawing", "earned_debt") +
				") AS earned JOIN commission_account ON commission_account.id = earned.ref) AS brands GROUP BY ref HAVING SUM(n) <> 0"},
		{name: "book_points", title: "积分 = 领取所得之和",
			sql: `SELECT ref, SUM(got) AS got, SUM(want) AS want FROM (SELECT credit_owner AS ref, amount AS got, 0 AS want FROM ledger_entry
				WHERE unit = 'points' AND credit_kind = 'member' AND entry_key LIKE 'claim:%'
				UNION ALL SELECT member_id, 0, points FROM claim) AS earned GROUP BY ref HAVING SUM(got) <> SUM(want)`},
		{name: "trial_balance", title: "试算平衡：借贷相等，账户不为负",
			sql: strings.Join([]string{low("fen", "reserved"), low("fen", "promised"), low("fen", "paid"), low("points", "member"),
				low("points", "pending"), low("points", "frozen"), low("points", "spent"), low("points", "expired"), low("fen", "accrued"),
				low("fen", "earned"), low("fen", "withdrawing"), low("fen", "withdrawn"), low("fen", "tax_due")}, " UNION ALL ") + `
				UNION ALL SELECT ref, SUM(n), 0 FROM (` + sides("points", "debt") + " UNION ALL " + sides("fen", "earned_debt") + `) AS debts GROUP BY ref HAVING SUM(n) > 0
				UNION ALL SELECT id, amount, 0 FROM ledger_entry WHERE amount <= 0 OR debit_kind = credit_kind AND debit_owner = credit_owner
				OR unit NOT IN ('fen', 'points') OR (unit = 'points') <> (debit_kind IN (` + pointKinds + `)) OR (unit = 'points') <> (credit_kind IN (` + pointKinds + `))`},
		{name: "book_lots", title: "积分批次 = 积分账户：可用、待生效、冻结",
			sql: differ("points", "pending", "SELECT member_id AS ref, pending AS n FROM points_lot") +
				" UNION ALL " + differ("points", "frozen", "SELECT member_id AS ref, frozen AS n FROM points_lot") +
				// What claims booked lately is no lot yet.
				" UNION ALL " + differ("points", "member", `SELECT member_id AS ref, available AS n FROM points_lot UNION ALL SELECT ledger_entry.credit_owner, ledger_entry.amount
				FROM ledger_entry LEFT JOIN points_lot ON points_lot.source = ledger_entry.entry_key
				WHERE ledger_entry.unit = 'points' AND ledger_entry.debit_kind = 'issue' AND ledger_entry.credit_kind = 'member' AND points_lot.id IS NULL`)},
		// By whom a claim counted is known from its day on: accounts may be joined later.
		{name: "member_caps", title: "每日领取数与计数一致，且无人超过上限",
			sql: "SELECT MIN(ref) AS ref, SUM(used) AS got, SUM(made) AS want FROM (SELECT 0 AS ref, " + s.upToLast("counter_key") + ` AS k, used, used AS most, 0 AS made, 0 AS cap
				FROM claim_counter WHERE counter_key LIKE 'd%'
				UNION ALL SELECT campaign.id, ` + s.cat("'d'", "claim.day", "':'", "campaign.id", "':'") + `, 0, 0, COUNT(*), MAX(campaign.cap_member_day)
				FROM claim JOIN campaign ON campaign.id = claim.campaign_id AND campaign.cap_member_day > 0 GROUP BY claim.day, campaign.id
				) AS counted GROUP BY k HAVING SUM(used) <> SUM(made) OR MAX(most) > MAX(cap)`},
	}
}

// flow is what must come to its end. late is the moment before which things were due.
func (s *Store) flow(late clock.Instant, rest bool) []invariant {
	payouts := invariant{name: "payout_ends", title: "没有失联的打款单", args: []any{late},
		sql: `SELECT id AS ref, next_at AS got, 0 AS want FROM payout WHERE state IN ('pending', 'sending', 'accepted') AND next_at < ?
			AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.ref_id = payout.id AND outbox.task = 'payout:drive' AND outbox.state <> 2)`}
	outbox := invariant{name: "outbox_done", title: "没有超时的待办", args: []any{late},
		sql: "SELECT id AS ref, tries AS got, 0 AS want FROM outbox WHERE state <> 2 AND due_at < ?"}
	if rest {
		payouts = invariant{name: "payout_ends", title: "每张打款单都已到账、退回或失败",
			sql: "SELECT id AS ref, attempts AS got, 0 AS want FROM payout WHERE state NOT IN ('settled', 'returned', 'failed') OR finished_at = 0"}
		outbox = invariant{name: "outbox_done", title: "每个待办都已完成",
			sql: "SELECT id AS ref, tries AS got, 0 AS want FROM outbox WHERE state <> 2"}
	}
	return []invariant{payouts, outbox,
		{name: "notice_applied", title: "每条通知已生效一次，或已拒绝并写明原因", args: []any{late},
			sql: "SELECT id AS ref, state AS got, 1 AS want FROM notice WHERE state = 0 AND received_at <= ? OR state = 2 AND error = '' OR state = 1 AND applied_at = 0"},
	}
}
