package admin

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

func accrualKey(a commission.Accrual) id.ID { return a.ID }

// listAccruals narrows by ?earner_id, state, pay, rule_id, referee_id, from and until
// (business days, 20261120). earner_id means the human.
func (h *Handler) listAccruals() gin.HandlerFunc {
	return list(accrualKey, func(c *gin.Context, p web.Page) ([]commission.Accrual, error) {
		brandID, err := brandAsked(c)
		if err != nil {
			return nil, err
		}
		f := commission.Filter{State: c.Query("state"), Pay: c.Query("pay")}
		family, err := h.familyAsked(c, "earner_id")
		if err != nil {
			return nil, err
		}
		if f.RuleID, err = web.QueryID(c, "rule_id"); err != nil {
			return nil, err
		}
		if f.RefereeID, err = web.QueryID(c, "referee_id"); err != nil {
			return nil, err
		}
		if f.From, err = dayAsked(c, "from"); err != nil {
			return nil, err
		}
		if f.Until, err = dayAsked(c, "until"); err != nil {
			return nil, err
		}
		return h.Commission.Accruals(c.Request.Context(), brandID, family, f, p.Before, p.Limit)
	})
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

func dayAsked(c *gin.Context, name string) (clock.Day, error) {
	text := c.Query(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if day := clock.Day(n); err == nil && n > 20000000 && day.AddDays(0) == day {
		return day, nil
	}
	return 0, fault.Invalidf("bad_field", "参数 %s 应为日期，如 20261120", name).With("field", name)
}

func (h *Handler) getAccrual(c *gin.Context) (any, error) { return one(c, h.Commission.Explain) }

func (h *Handler) clawAccrual(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accrualID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := h.Commission.Take(c.Request.Context(), accrualID, in.Reason, e.ActorID)
	e.ObjectID, e.After = accrualID, a
	return a, err
}

func (h *Handler) listStatements() gin.HandlerFunc {
	return list(func(s commission.Statement) id.ID { return s.ID }, func(c *gin.Context, p web.Page) ([]commission.Statement, error) {
		brandID, err := brandAsked(c)
		if err != nil {
			return nil, err
		}
		family, err := h.familyAsked(c, "earner_id")
		if err != nil {
			return nil, err
		}
		return h.Commission.Statements(c.Request.Context(), brandID, family, p.Before, p.Limit)
	})
}

func (h *Handler) getStatement(c *gin.Context) (any, error) { return one(c, h.Commission.Statement) }

func (h *Handler) statementLines() gin.HandlerFunc {
	return list(accrualKey, func(c *gin.Context, p web.Page) ([]commission.Accrual, error) {
		st, err := h.statementOf(c)
		if err != nil {
			return nil, err
		}
		return h.Commission.Accruals(c.Request.Context(), st.BrandID, nil, commission.Filter{StatementID: st.ID}, p.Before, p.Limit)
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

// statementCSV writes one page of lines; X-Next-Before names the next, the first page has
// the head. A text that a spreadsheet would take for a formula is quoted.
func (h *Handler) statementCSV(c *gin.Context) {
	p, err := web.Paging(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	st, err := h.statementOf(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	lines, err := h.Commission.Accruals(c.Request.Context(), st.BrandID, nil, commission.Filter{StatementID: st.ID}, p.Before, p.Limit)
	if err != nil {
		web.Fail(c, err)
		return
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if p.Before == 0 {
		b.WriteString("\uFEFF") // spreadsheets in China read the file as GBK without it
		_ = w.Write([]string{"结算单号", "计提编号", "业务日期", "触发", "层级", "规则", "规则版本", "购买人编号", "单位", "计提", "已追回", "结算", "说明"})
	}
	for _, a := range lines {
		unit, text := "元", func(n int64) string { return money.Fen(n).Yuan() }
		if a.Pay == commission.Points {
			unit, text = "积分", func(n int64) string { return strconv.FormatInt(n, 10) }
		}
		_ = w.Write([]string{st.Number, a.ID.String(), a.Day.Text(), a.EarnedOn.String(), a.Level.String(), a.RuleID.String(), strconv.Itoa(a.Version),
			a.RefereeID.String(), unit, text(a.Amount), text(a.Clawed), text(a.Left()), plainCell(a.Reason)})
	}
	w.Flush() // into memory: nothing can fail
	if next := web.Next(lines, p.Limit, func(a commission.Accrual) string { return a.ID.String() }); next != "" {
		c.Header("X-Next-Before", next)
	}
	c.Header("Content-Disposition", `attachment; filename="`+st.Number+`.csv"`)
	c.Data(http.StatusOK, "text/csv; charset=utf-8", []byte(b.String()))
}

// plainCell keeps a spreadsheet from computing what somebody typed.
func plainCell(s string) string {
	if strings.ContainsAny(s[:min(1, len(s))], "=+-@\t\r") {
		return "'" + s
	}
	return s
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
