package admin

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/commission"
	"siyu/model/extract"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/spreadsheet"
)

// namedAccrual is what somebody earned with who earned it and by whom.
type namedAccrual struct {
	commission.Accrual
	Earner  who `json:"earner"`
	Referee who `json:"referee"`
}

// namedStatement is a statement with whose it is.
type namedStatement struct {
	commission.Statement
	Earner who `json:"earner"`
}

// accrualView is an accrual's story with its people.
type accrualView struct {
	commission.Why
	Earner  who `json:"earner"`
	Referee who `json:"referee"`
}

func accrualKey(a namedAccrual) id.ID { return a.ID }

func (h *Handler) namedAccruals(c *gin.Context, rows []commission.Accrual, err error) ([]namedAccrual, error) {
	if err != nil {
		return nil, err
	}
	name := h.names(c.Request.Context())
	return each(rows, func(a commission.Accrual) (x namedAccrual, err error) {
		x.Accrual = a
		if x.Earner, err = name(a.BrandID, a.EarnerID); err == nil {
			x.Referee, err = name(a.BrandID, a.RefereeID)
		}
		return x, err
	})
}

// listAccruals narrows by ?earner_id, state, pay, rule_id, referee_id, from and until (when
// they were made). earner_id means the human.
func (h *Handler) listAccruals() gin.HandlerFunc {
	return counted(accrualKey, func(c *gin.Context, p web.Page) ([]namedAccrual, error) {
		brandID, family, f, err := h.accrualsAsked(c)
		if err != nil {
			return nil, err
		}
		rows, err := h.Commission.Accruals(c.Request.Context(), brandID, family, f, p.Before, p.Limit)
		return h.namedAccruals(c, rows, err)
	}, func(c *gin.Context) (int, bool, error) {
		brandID, family, f, err := h.accrualsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Commission.CountAccruals(c.Request.Context(), brandID, family, f)
	})
}

func (h *Handler) accrualsAsked(c *gin.Context) (brandID id.ID, family []id.ID, f commission.Filter, err error) {
	f = commission.Filter{State: c.Query("state"), Pay: c.Query("pay")}
	if brandID, err = brandAsked(c); err == nil {
		family, err = h.familyAsked(c, "earner_id")
	}
	if err == nil {
		err = queryIDs(c, map[string]*id.ID{"rule_id": &f.RuleID, "referee_id": &f.RefereeID})
	}
	if err == nil {
		f.From, err = queryTime(c, "from")
	}
	if err == nil {
		f.Until, err = queryTime(c, "until")
	}
	return brandID, family, f, err
}

// brandAsked is ?brand_id, which must be there.
func brandAsked(c *gin.Context) (id.ID, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err == nil && brandID == 0 {
		err = fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	}
	return brandID, err
}

// familyAsked is all members of the human named by a parameter; none when it is missing.
func (h *Handler) familyAsked(c *gin.Context, name string) ([]id.ID, error) {
	memberID, err := web.QueryID(c, name)
	if err != nil || memberID == 0 {
		return nil, err
	}
	return h.Members.Family(c.Request.Context(), memberID)
}

func (h *Handler) getAccrual(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, accrualID id.ID) (v accrualView, err error) {
		if v.Why, err = h.Commission.Explain(ctx, accrualID); err != nil {
			return v, err
		}
		name := h.names(ctx)
		if v.Earner, err = name(v.Accrual.BrandID, v.Accrual.EarnerID); err == nil {
			v.Referee, err = name(v.Accrual.BrandID, v.Accrual.RefereeID)
		}
		return v, err
	})
}

func (h *Handler) clawAccrual(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accrualID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Commission.Accrual(c.Request.Context(), accrualID)
	if err != nil {
		return nil, err
	}
	a, err := h.Commission.Take(c.Request.Context(), accrualID, in.Reason, e.ActorID)
	e.ObjectID, e.Before, e.After = accrualID, before, a
	return a, err
}

func (h *Handler) listStatements() gin.HandlerFunc {
	return counted(func(s namedStatement) id.ID { return s.ID }, func(c *gin.Context, p web.Page) ([]namedStatement, error) {
		brandID, family, err := h.statementsAsked(c)
		if err != nil {
			return nil, err
		}
		rows, err := h.Commission.Statements(c.Request.Context(), brandID, family, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(s commission.Statement) (namedStatement, error) {
			whose, err := name(s.BrandID, s.EarnerID)
			return namedStatement{s, whose}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		brandID, family, err := h.statementsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Commission.CountStatements(c.Request.Context(), brandID, family)
	})
}

func (h *Handler) statementsAsked(c *gin.Context) (brandID id.ID, family []id.ID, err error) {
	if brandID, err = brandAsked(c); err == nil {
		family, err = h.familyAsked(c, "earner_id")
	}
	return brandID, family, err
}

func (h *Handler) getStatement(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, statementID id.ID) (namedStatement, error) {
		s, err := h.Commission.Statement(ctx, statementID)
		if err != nil {
			return namedStatement{}, err
		}
		whose, err := h.names(ctx)(s.BrandID, s.EarnerID)
		return namedStatement{s, whose}, err
	})
}

func (h *Handler) statementLines() gin.HandlerFunc {
	return list(accrualKey, func(c *gin.Context, p web.Page) ([]namedAccrual, error) {
		st, err := h.statementOf(c)
		if err != nil {
			return nil, err
		}
		rows, err := h.Commission.Accruals(c.Request.Context(), st.BrandID, nil, commission.Filter{StatementID: st.ID}, p.Before, p.Limit)
		return h.namedAccruals(c, rows, err)
	})
}

func (h *Handler) statementOf(c *gin.Context) (commission.Statement, error) {
	statementID, err := web.ParamID(c, "id")
	if err != nil {
		return commission.Statement{}, err
	}
	return h.Commission.Statement(c.Request.Context(), statementID)
}

func (h *Handler) statementClaws() gin.HandlerFunc {
	return list(func(x commission.Claw) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]commission.Claw, error) {
		st, err := h.statementOf(c)
		if err != nil {
			return nil, err
		}
		return h.Commission.LateClaws(c.Request.Context(), st.ID, p.Before, p.Limit)
	})
}

// statementCSV hands over all lines of a statement. A text that a spreadsheet would take for
// a formula is quoted.
func (h *Handler) statementCSV(c *gin.Context) {
	st, err := h.statementOf(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	e := audit.Entry{Action: "commission_statement.file", Object: "commission_statement", ObjectID: st.ID}
	h.attach(c, "结算单-"+st.Number+".csv", e, func(to io.Writer) error { return h.statementLinesTo(c.Request.Context(), st, to) })
}

func (h *Handler) statementLinesTo(ctx context.Context, st commission.Statement, to io.Writer) error {
	w := csv.NewWriter(to)
	rows := [][]string{{spreadsheet.Mark + "结算单号", "计提编号", "业务日期", "触发", "层级", "规则", "规则版本", "购买人编号", "单位", "计提", "已追回", "结算", "说明"}}
	err := h.Commission.EachPart(ctx, st, func(lines []commission.Accrual) error {
		for _, a := range lines {
			rows = append(rows, statementRow(st, a))
		}
		err := w.WriteAll(rows)
		rows = rows[:0]
		return err
	})
	if err != nil {
		return err
	}
	return w.WriteAll(rows)
}

// statementRow writes numbers as the other files do: bare digits of that length Excel rounds.
func statementRow(st commission.Statement, a commission.Accrual) []string {
	unit, text := "元", func(n int64) string { return money.Fen(n).Yuan() }
	if a.Pay == commission.Points {
		unit, text = "积分", func(n int64) string { return strconv.FormatInt(n, 10) }
	}
	return []string{st.Number, extract.Number(a.ID.String()), a.Day.Text(), a.EarnedOn.String(), a.Level.String(), extract.Number(a.RuleID.String()), strconv.Itoa(a.Version),
		extract.Number(a.RefereeID.String()), unit, text(a.Amount), text(a.Clawed), text(a.Left()), spreadsheet.Plain(a.Reason)}
}

func (h *Handler) commissionOwed(c *gin.Context) (any, error) {
	brandID, err := brandAsked(c)
	if err != nil {
		return nil, err
	}
	return h.Commission.Owed(c.Request.Context(), brandID)
}

func (h *Handler) memberCommission(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	brandID, err := brandAsked(c)
	if err != nil {
		return nil, err
	}
	return h.Commission.Summary(c.Request.Context(), brandID, memberID)
}
