package insight

import (
	"strings"

	"siyu/model/clock"
)

// accruals is what must hold of commission before it is anybody's money: accruals, rules,
// what was taken back, statements, what is owed in all. Most compare two sums by the same row. late is the moment before which what a
// confirmed case is about must have been taken back.
func (s *Store) accruals(late clock.Instant) []invariant {
	const left = "commission_accrual.amount - commission_accrual.clawed"
	same := func(sides string) string {
		return "SELECT ref, SUM(got) AS got, SUM(want) AS want FROM (" + sides + ") AS sides GROUP BY ref HAVING SUM(got) <> SUM(want)"
	}
	return []invariant{
		{name: "commission_accruals", title: "佣金账户冻结期金额 = 未结算的现金计提",
			sql: same("SELECT id AS ref, accrued_fen AS got, 0 AS want FROM commission_account UNION ALL SELECT account_id, 0, " + left +
				" FROM commission_accrual WHERE pay = 'cash' AND amount > clawed AND state IN ('frozen', 'held', 'released')")},
		{name: "commission_budget", title: "佣金规则已用 = 其计提减追回，且不超过预算",
			sql: same("SELECT id AS ref, used AS got, 0 AS want FROM commission_rule UNION ALL SELECT rule_id, 0, "+left+" FROM commission_accrual") +
				" UNION ALL SELECT id, used, budget FROM commission_rule WHERE budget > 0 AND used > budget"},
		{name: "commission_claws", title: "每笔计提的已追回 = 追回记录之和，且不超过计提",
			sql: same("SELECT id AS ref, clawed AS got, 0 AS want FROM commission_accrual UNION ALL SELECT accrual_id, 0, amount FROM commission_claw") +
				" UNION ALL SELECT id, clawed, amount FROM commission_accrual WHERE clawed > amount OR clawed < 0"},
		{name: "commission_statements", title: "结算单净额 = 所结计提减结算前追回，减其后追回",
			sql: same(`SELECT id AS ref, net_fen AS got, 0 AS want FROM commission_statement
				UNION ALL SELECT statement_id, 0, amount FROM commission_accrual WHERE statement_id <> 0 AND pay = 'cash'
				UNION ALL SELECT a.statement_id, 0, -c.amount FROM commission_claw c JOIN commission_accrual a ON a.id = c.accrual_id WHERE c.late = 0 AND c.pay = 'cash' AND a.statement_id <> 0
				UNION ALL SELECT statement_id, 0, -amount FROM commission_claw WHERE late = 1 AND pay = 'cash' AND statement_id <> 0`)},
		{name: "commission_points", title: "每笔结算的积分佣金恰好入账一次，金额为计提减结算前追回；未结算的没有入账",
			sql: `SELECT paid.ref, paid.got, paid.want FROM (SELECT a.id AS ref, COALESCE(e.amount, 0) AS got, CASE WHEN a.settled_at = 0 THEN 0 ELSE
				a.amount - COALESCE((SELECT SUM(c.amount) FROM commission_claw c WHERE c.accrual_id = a.id AND c.late = 0), 0) END AS want
				FROM commission_accrual a LEFT JOIN ledger_entry e ON e.unit = 'points' AND e.entry_key = ` + s.cat("'commission:'", "a.id") + `
				WHERE a.pay = 'points') AS paid WHERE paid.got <> paid.want`},
		{name: "commission_law", title: "佣金只有两级，第二级有法务意见；只来自扫码领取和订单",
			sql: `SELECT id AS ref, level AS got, 1 AS want FROM commission_accrual WHERE level NOT IN (1, 2) OR earned_on NOT IN ('claim', 'order')
				OR level = 2 AND NOT EXISTS (SELECT 1 FROM commission_signoff o WHERE o.rule_id = commission_accrual.rule_id AND o.version = commission_accrual.version)`},
		{name: "commission_owed", title: "应付佣金合计 = 各状态的计提与佣金账户之和", sql: owed(same)},
		{name: "commission_fraud", title: "核查属实的推荐没有留下已解冻或已结算的佣金", args: []any{late},
			sql: `SELECT a.id AS ref, a.amount - a.clawed AS got, 0 AS want FROM commission_accrual a JOIN fraud_case_member m ON m.member_id = a.referee_id
				JOIN fraud_case f ON f.id = m.case_id AND f.brand_id = a.brand_id WHERE f.state = 'confirmed' AND f.decided_at < ? AND a.state IN ('released', 'settled') AND a.amount > a.clawed`},
	}
}

// owed compares the kept sums of a brand with what they are of, each under its own number.
func owed(same func(sides string) string) string {
	accruals := func(where string) string {
		return "SELECT brand_id, 0, amount - clawed FROM commission_accrual WHERE " + where
	}
	var all []string
	for _, x := range []struct{ column, rows string }{
		{"frozen_fen", accruals("state = 'frozen' AND pay = 'cash'")},
		{"suspicious_fen", accruals("state = 'held' AND pay = 'cash'")},
		{"released_fen", accruals("state = 'released' AND pay = 'cash'")},
		{"points", accruals("state IN ('frozen', 'held', 'released') AND pay = 'points'")},
		{"available_fen", "SELECT brand_id, 0, available_fen FROM commission_account"},
		{"withdrawing_fen", "SELECT brand_id, 0, held_fen FROM commission_account"},
		{"debt_fen", "SELECT brand_id, 0, owed_fen FROM commission_account"},
		{"earners", "SELECT brand_id, 0, 1 FROM commission_account WHERE accrued_fen > 0 OR available_fen > 0 OR held_fen > 0"},
	} {
		all = append(all, same("SELECT brand_id AS ref, "+x.column+" AS got, 0 AS want FROM commission_owed UNION ALL SELECT brand_id, "+x.column+", 0 FROM commission_owed_move UNION ALL "+x.rows))
	}
	return strings.Join(all, " UNION ALL ")
}
