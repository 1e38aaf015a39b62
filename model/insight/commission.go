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
		{name: "commission_debt", title: "欠退的佣金先由可提现部分抵扣，账户不为负",
			sql: `SELECT id AS ref, available_fen AS got, 0 AS want FROM commission_account WHERE available_fen > 0 AND owed_fen > 0
				OR accrued_fen < 0 OR available_fen < 0 OR held_fen < 0 OR owed_fen < 0 OR paid_fen < 0 OR tax_fen < 0`},
	}
}
