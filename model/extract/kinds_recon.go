package extract

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

func reconResults() map[string]string {
	return map[string]string{"matched": "一致", "returned": "退款已核对", "differs": "不一致", "only_wechat": "微信有、我方无", "other": "其他业务", "unclear": "微信未说明"}
}

func reconKinds() map[string]string {
	return map[string]string{"amount": "金额不符", "only_wechat": "微信有、我方无", "only_ours": "我方有、微信无", "no_return": "退款未到账", "state": "状态矛盾", "double": "重复支付"}
}

func reconStates() map[string]string {
	return map[string]string{"open": "待处理", "explained": "已说明", "resolved": "已解决"}
}

// reconLists are lists of days against WeChat's bill (对账): differences, and the lines of
// one day.
func reconLists() []kind {
	return []kind{
		{name: "recon_items", title: "对账差异", permission: operator.ReconRead, table: "recon_item", made: "created_at",
			join: brandName + " LEFT JOIN account a ON a.id = t.account_id",
			filters: []filter{ofBrand(), {name: "account_id", sql: "t.account_id = ?"}, {name: "payout_id", sql: "t.payout_id = ?"}, {name: "day", sql: "t.day = ?", read: businessDay},
				word("state", "t.state = ?", reconStates()), word("kind", "t.kind = ?", reconKinds())},
			columns: []column{{"差异编号", "t.id", number}, {"账单日", "t.day", day}, {"品牌", "b.name", text}, {"商户号", "a.app_id", text}, {"差异", "t.kind", words(reconKinds())}, {"状态", "t.state", words(reconStates())},
				{"商户单号", "t.bill_no", text}, {"微信单号", "t.wechat_no", text}, {"资金流水号", "t.flow_no", text}, {"我方金额(元)", "t.ours_fen", yuan}, {"微信金额(元)", "t.wechat_fen", yuan}, {"我方状态", "t.ours_state", words(payoutStates())},
				{"说明", "t.note", text}, {"处理意见", "t.reason", text}, {"处理人", "t.by_login", text}, {"发现时间", "t.created_at", moment}, {"说明时间", "t.explained_at", moment}, {"解决时间", "t.resolved_at", moment}}},
		{name: "recon_lines", title: "对账明细", permission: operator.ReconRead, table: "recon_line", made: "at",
			join:    " JOIN recon_day d ON d.id = t.day_id LEFT JOIN brand b ON b.id = d.brand_id LEFT JOIN account a ON a.id = d.account_id LEFT JOIN payout p ON p.id = t.payout_id",
			filters: []filter{{name: "brand_id", sql: "d.brand_id = ?"}, {name: "day_id", sql: "t.day_id = ?", must: true}, word("result", "t.result = ?", reconResults())},
			columns: []column{{"序号", "t.seq", count}, {"账单日", "d.day", day}, {"品牌", "b.name", text}, {"商户号", "a.app_id", text}, {"记账时间", "t.at", moment}, {"微信单号", "t.wechat_no", text}, {"资金流水号", "t.flow_no", text},
				{"业务类型", "t.business", text}, {"收支类型", "t.kind", text}, {"金额(元)", "t.amount_fen", yuan}, {"余额(元)", "t.balance_fen", yuan}, {"备注", "t.memo", text}, {"业务凭证号", "t.voucher", text},
				{"核对结果", "t.result", words(reconResults())}, {"我方商户单号", "p.bill_no", text}, {"我方状态", "p.state", words(payoutStates())}},
			next: nextRecon, count: countRecon},
		{name: "payout_month", title: "月度打款汇总", permission: operator.PayoutRead, table: "payout_day", made: "updated_at", fixed: "t.payouts > 0",
			join:    brandName + " LEFT JOIN campaign c ON c.id = t.campaign_id LEFT JOIN account a ON a.id = t.account_id",
			filters: []filter{ofBrand(), {name: "month", sql: "SUBSTR(t.day, 1, 6) = ?", read: inMonth, must: true}},
			columns: []column{{"结束日", "t.day", day}, {"品牌", "b.name", text}, {"用途", "t.purpose", words(map[string]string{"claim": "活动红包", "withdrawal": "佣金提现"})}, {"活动", "c.name", text},
				{"商户号", "a.app_id", text}, {"方式", "t.rail", words(rails())}, {"结果", "t.state", words(payoutStates())}, {"笔数", "t.payouts", count}, {"金额(元)", "t.sum_fen", yuan}},
			next: nextMonth, count: countMonth},
	}
}

// inMonth reads 2026-11 as the head of its days.
func inMonth(v string) (any, error) {
	at, err := time.Parse("2006-01", v)
	if err != nil {
		return nil, errors.New("应为 2026-11 这样的月份")
	}
	return at.Format("200601"), nil
}

// monthMoments reads 2026-11 as its first moment and that of the next month, in Shanghai.
func monthMoments(v string) (any, error) {
	at, err := time.Parse("2006-01", v)
	if err != nil {
		return nil, errors.New("应为 2026-11 这样的月份")
	}
	first := clock.Day(at.Year()*10_000 + int(at.Month())*100 + 1)
	from, _ := first.Bounds()
	until, _ := first.AddMonths(1).Bounds()
	return []any{from, until}, nil
}

// monthDays are the days of a filter's month as tables hold them.
func monthDays(x Extract) (from, to int, err error) {
	at, err := time.Parse("2006-01", x.Filter["month"])
	if err != nil {
		return 0, 0, badField("month", "应为 2026-11 这样的月份")
	}
	from = at.Year()*10_000 + int(at.Month())*100
	return from, from + 31, nil
}

// nextMonth walks the sums of a month day by day: they have no ids, and a day has few.
func nextMonth(ctx context.Context, s *Store, k kind, x Extract) (batch, error) {
	from, to, err := monthDays(x)
	if err != nil {
		return batch{}, err
	}
	if x.AfterKey != "" {
		if from, err = strconv.Atoi(x.AfterKey); err != nil {
			return batch{}, fault.NewInvalid("extract_cursor", "导出的进度损坏，请重新导出")
		}
	}
	var days []int
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT day FROM payout_day WHERE day > ? AND day <= ? ORDER BY day LIMIT 1", from, to).Scan(&days).Error; err != nil {
		return batch{}, err
	}
	if len(days) == 0 {
		return batch{after: strconv.Itoa(from), last: true}, nil
	}
	where, args, err := k.where(x)
	if err != nil {
		return batch{}, err
	}
	rows, err := s.rows(ctx, k, "t.day = ?"+where+" ORDER BY t.purpose, t.campaign_id, t.account_id, t.rail, t.state", append([]any{days[0]}, args...)...)
	b := batch{seen: len(rows), after: strconv.Itoa(days[0])}
	for _, r := range rows {
		b.lines = append(b.lines, cells(k.columns, r.cells))
	}
	return b, err
}

func countMonth(ctx context.Context, s *Store, x Extract) (n int64, err error) {
	from, to, err := monthDays(x)
	if err != nil {
		return 0, err
	}
	stmt, args := "SELECT COUNT(*) FROM payout_day WHERE day > ? AND day <= ? AND payouts > 0", []any{from, to}
	if brandID := x.Filter["brand_id"]; brandID != "" {
		stmt, args = stmt+" AND brand_id = ?", append(args, brandID)
	}
	return n, s.DB.Read(ctx).Raw(stmt, args...).Scan(&n).Error
}

// nextRecon walks the lines of one day by their number; the generation is that of the
// first read, so that a day that is reconciled again meanwhile does not mix.
func nextRecon(ctx context.Context, s *Store, k kind, x Extract) (batch, error) {
	dayID, err := id.Parse(x.Filter["day_id"])
	if err != nil {
		return batch{}, badField("day_id", "不是编号")
	}
	gen, seq := int64(-1), int64(-1)
	if x.AfterKey == "" {
		if err := s.DB.Read(ctx).Raw("SELECT gen FROM recon_day WHERE id = ?", dayID).Scan(&gen).Error; err != nil {
			return batch{}, err
		}
	} else if _, err := fmt.Sscanf(x.AfterKey, "%d:%d", &gen, &seq); err != nil {
		return batch{}, fault.NewInvalid("extract_cursor", "导出的进度损坏，请重新导出")
	}
	var seqs []int64
	if err := s.DB.Read(ctx).Raw("SELECT seq FROM recon_line WHERE day_id = ? AND gen = ? AND seq > ? ORDER BY seq LIMIT ?", dayID, gen, seq, s.window).Scan(&seqs).Error; err != nil {
		return batch{}, err
	}
	b := batch{seen: len(seqs), after: fmt.Sprintf("%d:%d", gen, seq), last: len(seqs) < s.window}
	if len(seqs) == 0 {
		return b, nil
	}
	end := seqs[len(seqs)-1]
	b.after = fmt.Sprintf("%d:%d", gen, end)
	where, args, err := k.where(x)
	if err != nil {
		return batch{}, err
	}
	rows, err := s.rows(ctx, k, "t.gen = ? AND t.seq > ? AND t.seq <= ?"+where+" ORDER BY t.seq", append([]any{gen, seq, end}, args...)...)
	for _, r := range rows {
		b.lines = append(b.lines, cells(k.columns, r.cells))
	}
	return b, err
}

func countRecon(ctx context.Context, s *Store, x Extract) (n int64, err error) {
	err = s.DB.Read(ctx).Raw("SELECT COALESCE(MAX(total_lines), 0) FROM recon_day WHERE id = ?", x.Filter["day_id"]).Scan(&n).Error
	return n, err
}
