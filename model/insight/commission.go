package insight

// commission is what must hold of money that people earned, at every moment.
func (s *Store) commission() []invariant {
	row := func(kind, column string) string {
		return differ("fen", kind, "SELECT id AS ref, "+column+" AS n FROM commission_account")
	}
	house := func(kind, column string) string {
		return differ("fen", kind, "SELECT brand_id AS ref, "+column+" AS n FROM commission_account")
	}
	return []invariant{
		{name: "commission_rows", title: "佣金账户 = 账本：冻结期、可提现、提现中、欠退、已提现、代扣税",
			sql: row("accrued", "accrued_fen") + " UNION ALL " + row("earned", "available_fen") + " UNION ALL " + row("withdrawing", "held_fen") +
				" UNION ALL " + row("earned_debt", "-owed_fen") + " UNION ALL " + house("withdrawn", "paid_fen") + " UNION ALL " + house("tax_due", "tax_fen")},
		{name: "withdrawal_held", title: "提现中余额 = 未结束的提现；每笔提现及其税款等于各账户出资之和",
			sql: differ("fen", "withdrawing", "SELECT p.account_id AS ref, p.amount_fen AS n FROM withdrawal_part p JOIN withdrawal w ON w.id = p.withdrawal_id WHERE w.state IN ('requested', 'approved')") +
				` UNION ALL SELECT w.id, COALESCE(SUM(p.amount_fen), 0), w.amount_fen FROM withdrawal w LEFT JOIN withdrawal_part p ON p.withdrawal_id = w.id
				GROUP BY w.id, w.amount_fen HAVING COALESCE(SUM(p.amount_fen), 0) <> w.amount_fen
				UNION ALL SELECT w.id, SUM(p.tax_fen), w.tax_fen FROM withdrawal w JOIN withdrawal_part p ON p.withdrawal_id = w.id WHERE w.payout_id <> 0
				GROUP BY w.id, w.tax_fen HAVING SUM(p.tax_fen) <> w.tax_fen`},
		{name: "withdrawal_payout", title: "每笔通过的提现恰有一张税后金额、付给本人的打款单，状态一致；未通过的没有",
			sql: `SELECT w.id AS ref, COUNT(payout.id) AS got, CASE WHEN w.state IN ('approved', 'paid', 'returned', 'failed') THEN 1 ELSE 0 END AS want
				FROM withdrawal w LEFT JOIN payout ON payout.claim_id = w.id AND payout.purpose = 'withdrawal' AND payout.amount_fen = w.amount_fen - w.tax_fen AND payout.id = w.payout_id AND payout.member_id = w.member_id AND payout.brand_id = w.brand_id AND payout.account_id = w.account_id
				AND (w.state = 'approved' AND payout.state IN ('pending', 'sending', 'accepted') OR w.state = 'paid' AND payout.state = 'settled' OR w.state = payout.state)
				GROUP BY w.id, w.state HAVING COUNT(payout.id) <> CASE WHEN w.state IN ('approved', 'paid', 'returned', 'failed') THEN 1 ELSE 0 END
				UNION ALL SELECT payout.id, 0, 1 FROM payout LEFT JOIN withdrawal w ON w.id = payout.claim_id AND w.payout_id = payout.id WHERE payout.purpose <> 'claim' AND w.id IS NULL`},
		{name: "withdrawal_end", title: "提现结束时，钱或已付清（含代扣税），或已退回原账户",
			sql: `SELECT w.id AS ref, COALESCE(SUM(e.amount), 0) AS got, w.amount_fen AS want FROM withdrawal w LEFT JOIN withdrawal_part p ON p.withdrawal_id = w.id
				LEFT JOIN ledger_entry e ON e.debit_kind = 'withdrawing' AND e.debit_owner = p.account_id AND e.entry_key IN (` +
				s.cat("'wd:'", "p.withdrawal_id", "':'", "p.account_id", "CASE WHEN w.state = 'paid' THEN ':pay' ELSE ':back' END") + ", " +
				s.cat("'wd:'", "p.withdrawal_id", "':'", "p.account_id", "CASE WHEN w.state = 'paid' THEN ':pay:tax' ELSE ':back' END") + `)
				WHERE w.state NOT IN ('requested', 'approved') GROUP BY w.id, w.amount_fen HAVING COALESCE(SUM(e.amount), 0) <> w.amount_fen`},
		{name: "commission_debt", title: "欠退的佣金先由可提现部分抵扣，账户不为负",
			sql: `SELECT id AS ref, available_fen AS got, 0 AS want FROM commission_account WHERE available_fen > 0 AND owed_fen > 0
				OR accrued_fen < 0 OR available_fen < 0 OR held_fen < 0 OR owed_fen < 0 OR paid_fen < 0 OR tax_fen < 0`},
	}
}
