package insight

// accruals is what must hold of commission before it is anybody's money: accruals, rules,
// what was taken back, statements. Each compares two sums by the same row.
func accruals() []invariant {
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
	}
}
