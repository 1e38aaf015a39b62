package extract

import "siyu/model/operator"

// brandName is the join that most kinds have.
const brandName = " LEFT JOIN brand b ON b.id = t.brand_id"

func ofBrand() filter { return filter{name: "brand_id", sql: "t.brand_id = ?"} }

func word(name, sql string, table map[string]string) filter {
	return filter{name: name, sql: sql, read: oneOf(table)}
}

func payoutStates() map[string]string {
	return map[string]string{"pending": "待发送", "sending": "发送中", "accepted": "已受理", "settled": "已到账", "returned": "已退回", "failed": "发放失败"}
}

func withdrawalStates() map[string]string {
	return map[string]string{"requested": "待审批", "approved": "打款中", "paid": "已到账", "refused": "已拒绝", "cancelled": "本人取消", "returned": "已退回", "failed": "打款失败"}
}

func accrualStates() map[string]string {
	return map[string]string{"frozen": "冻结中", "held": "案件暂缓", "released": "待结算", "settled": "已结算", "clawed": "已追回", "nothing": "未产生"}
}

// decided begins a cell that stays empty while nobody decided about a withdrawal: the tax that
// was stored is of the moment when it was asked for, and moves until then.
const decided = "CASE WHEN t.state <> 'requested' THEN "

func rails() map[string]string {
	return map[string]string{"redpack": "现金红包", "transfer": "商家转账"}
}

func prizes() map[string]string {
	return map[string]string{"cash": "红包", "points": "积分", "nothing": "未中奖"}
}

func pays() map[string]string { return map[string]string{"cash": "现金", "points": "积分"} }

// accountKinds names the accounts of the ledger.
func accountKinds() map[string]string {
	return map[string]string{"funds": "品牌资金", "reserved": "活动冻结", "promised": "待到账", "paid": "已到账", "issue": "积分发行", "spent": "积分已用", "expired": "积分过期",
		"member": "会员积分", "pending": "待生效积分", "frozen": "冻结积分", "debt": "积分欠款", "accrued": "佣金冻结期", "earned": "可提现佣金", "withdrawing": "提现中",
		"earned_debt": "佣金欠款", "withdrawn": "已提现", "tax_due": "代扣税"}
}

// moneyKinds are lists of money and points.
func moneyKinds() []kind {
	return []kind{
		{name: "claims", title: "领取记录", permission: operator.ClaimRead, table: "claim", made: "created_at",
			join:    brandName + " LEFT JOIN product p ON p.id = t.product_id LEFT JOIN campaign c ON c.id = t.campaign_id LEFT JOIN batch k ON k.id = t.batch_id",
			filters: []filter{ofBrand(), {name: "campaign_id", sql: "t.campaign_id = ?"}, {name: "member_id", sql: "t.member_id = ?"}, {name: "batch_id", sql: "t.batch_id = ?"}, word("kind", "t.kind = ?", prizes())},
			columns: []column{{"领取编号", "t.id", number}, {"领取时间", "t.created_at", moment}, {"品牌", "b.name", text}, {"商品", "p.name", text}, {"码批次", "k.name", text}, {"序号", "t.serial", count},
				{"会员编号", "t.member_id", number}, {"活动", "c.name", text}, {"奖项", "t.prize", text}, {"类型", "t.kind", words(prizes())},
				{"红包金额(元)", "t.cash_fen", yuan}, {"积分", "t.points", count}}},
		{name: "payouts", title: "打款单", permission: operator.PayoutRead, table: "payout", made: "created_at",
			join: brandName + " LEFT JOIN campaign c ON c.id = t.campaign_id",
			filters: []filter{ofBrand(), {name: "campaign_id", sql: "t.campaign_id = ?"}, {name: "member_id", sql: "t.member_id = ?"}, {name: "account_id", sql: "t.account_id = ?"}, word("state", "t.state = ?", payoutStates()),
				word("purpose", "t.purpose = ?", map[string]string{"claim": "", "withdrawal": ""}), word("rail", "t.rail = ?", rails()),
				word("review", "(t.review <> 0) = (? = 'true')", map[string]string{"true": "", "false": ""}), {name: "bill_no", sql: "t.bill_no = ?", read: someText},
				{name: "min_yuan", sql: "t.amount_fen >= ?", read: inYuan}, {name: "max_yuan", sql: "t.amount_fen <= ?", read: inYuan}},
			columns: []column{{"商户单号", "t.bill_no", text}, {"创建时间", "t.created_at", moment}, {"品牌", "b.name", text}, {"用途", "t.purpose", words(map[string]string{"claim": "活动红包", "withdrawal": "佣金提现"})},
				{"活动", "c.name", text}, {"会员编号", "t.member_id", number}, {"方式", "t.rail", words(rails())}, {"金额(元)", "t.amount_fen", yuan},
				{"状态", "t.state", words(payoutStates())}, {"原因", "t.reason", text}, {"微信单号", "t.wechat_no", text}, {"需人工复核", "t.review", flag}, {"结束时间", "t.finished_at", moment}}},
		{name: "ledger", title: "账本流水", permission: operator.LedgerRead, table: "ledger_entry", made: "at",
			filters: []filter{word("unit", "t.unit = ?", map[string]string{"fen": "", "points": ""}), {name: "owner_id", sql: "? IN (t.debit_owner, t.credit_owner)"}, word("kind", "? IN (t.debit_kind, t.credit_kind)", accountKinds())},
			columns: []column{{"流水编号", "t.id", number}, {"时间", "t.at", moment}, {"借方科目", "t.debit_kind", words(accountKinds())}, {"借方编号", "t.debit_owner", number},
				{"贷方科目", "t.credit_kind", words(accountKinds())}, {"贷方编号", "t.credit_owner", number},
				{"金额(元)", "CASE WHEN t.unit = 'fen' THEN t.amount END", yuan}, {"积分", "CASE WHEN t.unit = 'points' THEN t.amount END", count}, {"摘要", "t.memo", text}, {"事实键", "t.entry_key", text}}},
		{name: "points_adjustments", title: "积分调整", permission: operator.PointsRead, table: "points_adjustment", made: "created_at",
			join:    brandName + " LEFT JOIN operator o ON o.id = t.by_id LEFT JOIN operator d ON d.id = t.decided_by",
			filters: []filter{ofBrand(), {name: "member_id", sql: "t.member_id = ?"}, word("state", "t.state = ?", map[string]string{"requested": "", "booked": "", "refused": ""})},
			columns: []column{{"调整编号", "t.id", number}, {"申请时间", "t.created_at", moment}, {"品牌", "b.name", text}, {"会员编号", "t.member_id", number}, {"积分", "t.points", count}, {"原因", "t.reason", text},
				{"状态", "t.state", words(map[string]string{"requested": "待审批", "booked": "已入账", "refused": "已驳回"})}, {"申请人", "o.name", text}, {"审批人", "d.name", text}, {"审批意见", "t.note", text}, {"审批时间", "t.decided_at", moment}}},
		{name: "commission_accruals", title: "佣金计提", permission: operator.CommissionRead, table: "commission_accrual", made: "created_at",
			join:    brandName + " LEFT JOIN leader l ON l.brand_id = t.brand_id AND l.member_id = t.earner_id",
			filters: []filter{ofBrand(), {name: "earner_id", sql: "t.earner_id = ?"}, {name: "referee_id", sql: "t.referee_id = ?"}, {name: "rule_id", sql: "t.rule_id = ?"}, word("state", "t.state = ?", accrualStates()), word("pay", "t.pay = ?", pays())},
			columns: []column{{"计提编号", "t.id", number}, {"计提时间", "t.created_at", moment}, {"品牌", "b.name", text}, {"规则编号", "t.rule_id", number}, {"规则版本", "t.version", count}, {"层级", "t.level", count}, {"受益人", "l.name", text}, {"受益人编号", "t.earner_id", number},
				{"购买人编号", "t.referee_id", number}, {"来源", "t.earned_on", words(map[string]string{"claim": "扫码领取", "order": "订单"})}, {"业务日", "t.day", day}, {"件数", "t.base_qty", count}, {"计佣金额(元)", "t.base_fen", yuan},
				{"佣金(元)", "CASE WHEN t.pay = 'cash' THEN t.amount END", yuan}, {"积分佣金", "CASE WHEN t.pay = 'points' THEN t.amount END", count},
				{"已追回(元)", "CASE WHEN t.pay = 'cash' THEN t.clawed END", yuan}, {"已追回积分", "CASE WHEN t.pay = 'points' THEN t.clawed END", count},
				{"状态", "t.state", words(accrualStates())}, {"说明", "t.reason", text}, {"解冻时间", "t.release_at", moment}, {"实际解冻", "t.released_at", moment}, {"结算时间", "t.settled_at", moment}}},
		{name: "commission_statements", title: "佣金结算单", permission: operator.CommissionRead, table: "commission_statement", made: "created_at",
			join:    brandName + " LEFT JOIN leader l ON l.brand_id = t.brand_id AND l.member_id = t.earner_id",
			filters: []filter{ofBrand(), {name: "earner_id", sql: "t.earner_id = ?"}, word("state", "t.state = ?", map[string]string{"open": "", "closed": ""})},
			columns: []column{{"结算单号", "t.number", text}, {"品牌", "b.name", text}, {"受益人", "l.name", text}, {"受益人编号", "t.earner_id", number}, {"起始日", "t.from_day", day}, {"截止日(含)", "t.until_day", day}, {"笔数", "t.entries", count},
				{"佣金(元)", "t.gross_fen", yuan}, {"追回(元)", "t.clawed_fen", yuan}, {"净额(元)", "t.net_fen", yuan}, {"应税额(元)", "t.taxable_fen", yuan},
				{"积分", "t.gross_points", count}, {"追回积分", "t.clawed_points", count}, {"净积分", "t.net_points", count},
				{"状态", "t.state", words(map[string]string{"open": "结算中", "closed": "已结算"})}, {"生成时间", "t.created_at", moment}, {"完成时间", "t.closed_at", moment}}},
		{name: "withdrawals", title: "佣金提现", permission: operator.WithdrawalRead, table: "withdrawal", made: "created_at",
			join:    brandName + " LEFT JOIN payout p ON p.id = t.payout_id LEFT JOIN operator o ON o.id = t.by_id LEFT JOIN leader l ON l.brand_id = t.brand_id AND l.member_id = t.member_id",
			filters: []filter{ofBrand(), {name: "member_id", sql: "t.member_id = ?"}, word("state", "t.state = ?", withdrawalStates())},
			columns: []column{{"提现编号", "t.id", number}, {"申请时间", "t.created_at", moment}, {"品牌", "b.name", text}, {"申请人", "l.name", text}, {"会员编号", "t.member_id", number}, {"税前金额(元)", "t.amount_fen", yuan}, {"代扣税(元)", decided + "t.tax_fen END", yuan},
				{"实付(元)", decided + "t.amount_fen - t.tax_fen END", yuan}, {"计税说明", "t.tax_note", text}, {"状态", "t.state", words(withdrawalStates())}, {"原因", "t.reason", text}, {"审批人", "o.name", text}, {"审批时间", "t.decided_at", moment},
				{"商户单号", "p.bill_no", text}, {"结束时间", "t.finished_at", moment}}},
		{name: "withdrawal_tax", title: "代扣税明细", permission: operator.WithdrawalRead, table: "withdrawal", made: "created_at", fixed: "t.state = 'paid'", // what reached the people in a month
			join:    brandName + " JOIN payout p ON p.id = t.payout_id LEFT JOIN leader l ON l.brand_id = t.brand_id AND l.member_id = t.member_id",
			filters: []filter{ofBrand(), {name: "month", sql: "t.finished_at >= ? AND t.finished_at < ?", read: monthMoments, must: true}},
			columns: []column{{"提现编号", "t.id", number}, {"到账时间", "t.finished_at", moment}, {"品牌", "b.name", text}, {"申请人", "l.name", text}, {"会员编号", "t.member_id", number}, {"税前金额(元)", "t.amount_fen", yuan},
				{"代扣税(元)", "t.tax_fen", yuan}, {"实付(元)", "t.amount_fen - t.tax_fen", yuan}, {"计税说明", "t.tax_note", text}, {"商户单号", "p.bill_no", text}}},
	}
}
