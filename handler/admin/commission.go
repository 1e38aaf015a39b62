package admin

import (
	"fmt"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/operator"
)

// commissionRoutes: what people earn by bringing buyers. Writing a rule, letting it pay
// and taking back are different people's work; so is the legal opinion on two levels.
func (h *Handler) commissionRoutes() []web.Route {
	return []web.Route{
		at(get, "/commission/rules", operator.CommissionRead, "佣金规则列表", h.listCommissionRules()).Asks("brand_id").Lists(commission.Rule{}).Counts(),
		at(post, "/commission/rules", operator.CommissionWrite, "新建佣金规则草稿(违法的触发方式和层级会被拒绝并说明依据)", h.write("commission_rule.create", created, h.createCommissionRule)).Takes(termsInput{}).Gives(commission.Rule{}),
		at(post, "/commission/rules/preview", operator.CommissionWrite, "试算：最近 30 天会发多少，最坏多少", h.write("commission_rule.preview", ok, h.previewCommissionRule)).Takes(termsInput{}).Gives(commission.Preview{}),
		at(get, "/commission/rules/:id", operator.CommissionRead, "佣金规则：各版本与法务意见", web.Answer(h.getCommissionRule)).Gives(ruleView{}),
		at(put, "/commission/rules/:id", operator.CommissionWrite, "修改佣金规则(新版本，启用后生效)", h.write("commission_rule.revise", ok, h.reviseCommissionRule)).Takes(termsInput{}).Gives(commission.Rule{}),
		at(post, "/commission/rules/:id/activate", operator.CommissionPublish, "启用佣金规则的最新版本", h.write("commission_rule.activate", ok, h.activateCommissionRule)).Takes(activateInput{}).Gives(commission.Rule{}),
		at(post, "/commission/rules/:id/end", operator.CommissionPublish, "结束佣金规则", h.write("commission_rule.end", ok, h.endCommissionRule)).Takes(reasonInput{}).Gives(commission.Rule{}),
		at(post, "/commission/rules/:id/signoffs", operator.CommissionLegal, "登记法务意见(第二级佣金启用的前提，只增不改)", h.write("commission_signoff.record", created, h.recordSignOff)).Takes(signOffInput{}).Gives(commission.SignOff{}),
		at(get, "/brands/:id/commission-policy", operator.CommissionRead, "佣金结算周期", web.Answer(h.getCommissionPolicy)).Gives(commission.Policy{}),
		at(put, "/brands/:id/commission-policy", operator.CommissionWrite, "修改佣金结算周期", h.write("commission_policy.save", ok, h.saveCommissionPolicy)).Takes(commissionPolicyInput{}).Gives(commission.Policy{}),

		at(get, "/commission/accruals", operator.CommissionRead, "佣金计提列表", h.listAccruals()).
			Asks("brand_id", "earner_id?", "referee_id?", "rule_id?", "state?:frozen|held|released|settled|clawed|nothing", "pay?:cash|points", "from?", "until?").Lists(namedAccrual{}).Counts(),
		at(get, "/commission/accruals/:id", operator.CommissionRead, "一笔佣金的来龙去脉", web.Answer(h.getAccrual)).Gives(accrualView{}),
		at(post, "/commission/accruals/:id/claw", operator.CommissionClaw, "追回一笔佣金(已结算的也可以)", h.write("commission_accrual.claw", ok, h.clawAccrual)).Takes(reasonInput{}).Gives(commission.Accrual{}),
		at(get, "/commission/statements", operator.CommissionRead, "佣金结算单列表", h.listStatements()).Asks("brand_id", "earner_id?").Lists(namedStatement{}).Counts(),
		at(get, "/commission/statements/:id", operator.CommissionRead, "佣金结算单", web.Answer(h.getStatement)).Gives(namedStatement{}),
		at(get, "/commission/statements/:id/lines", operator.CommissionRead, "结算单明细(翻页)", h.statementLines()).Lists(namedAccrual{}),
		at(get, "/commission/statements/:id/claws", operator.CommissionRead, "结算单内的追回(翻页)", h.statementClaws()).Lists(commission.Claw{}),
		at(get, "/commission/statements/:id/csv", operator.CommissionRead, "结算单明细 CSV(全部)", h.statementCSV).File("text/csv"),
		at(get, "/commission/owed", operator.CommissionRead, "应付佣金合计", web.Answer(h.commissionOwed)).Asks("brand_id").Gives(commission.Owed{}),
		at(get, "/members/:id/commission", operator.CommissionRead, "会员的佣金概况", web.Answer(h.memberCommission)).Asks("brand_id").Gives(commission.Summary{}),
	}
}

// termsInput is commission.Terms as people type them: trigger and level are texts, so that
// whoever asks for what the law forbids is told which law.
type termsInput struct {
	BrandID        id.ID         `json:"brand_id"`
	Version        int           `json:"version"` // that was read, of a revision
	Name           string        `json:"name"`
	Trigger        string        `json:"trigger"`
	Level          any           `json:"level"` // missing: one
	Pay            string        `json:"pay"`
	Each           int64         `json:"each"`
	ShareBP        int64         `json:"share_bp"`
	Ceiling        int64         `json:"ceiling"`
	CapPerDay      int64         `json:"cap_per_day"`
	CapPerCycle    int64         `json:"cap_per_cycle"`
	ProductIDs     []id.ID       `json:"product_ids"`
	Roles          []string      `json:"roles"`
	MinLeaderLevel int           `json:"min_leader_level"`
	FreezeDays     *int          `json:"freeze_days"` // missing: commission.DefaultFreezeDays
	ValidFrom      clock.Instant `json:"valid_from"`
	ValidUntil     clock.Instant `json:"valid_until"`
	BudgetFen      money.Fen     `json:"budget_fen"`
	Reason         string        `json:"reason"`
}

// terms reads them. Faults: Invalid commission_unlawful, commission_trigger.
func (in termsInput) terms() (t commission.Terms, err error) {
	t = commission.Terms{Name: in.Name, Pay: in.Pay, Each: in.Each, ShareBP: in.ShareBP, Ceiling: in.Ceiling, CapPerDay: in.CapPerDay, CapPerCycle: in.CapPerCycle,
		ProductIDs: in.ProductIDs, Roles: in.Roles, MinLeaderLevel: in.MinLeaderLevel, FreezeDays: commission.DefaultFreezeDays,
		ValidFrom: in.ValidFrom, ValidUntil: in.ValidUntil, BudgetFen: in.BudgetFen}
	if in.FreezeDays != nil {
		t.FreezeDays = *in.FreezeDays
	}
	if t.Trigger, err = commission.ParseTrigger(in.Trigger); err != nil || in.Level == nil {
		return t, err
	}
	t.Level, err = commission.ParseLevel(fmt.Sprint(in.Level))
	return t, err
}

// bindTerms reads the input and its brand, which must exist where it is named.
func (h *Handler) bindTerms(c *gin.Context, newRule bool) (in termsInput, t commission.Terms, err error) {
	raw, err := web.Body(c)
	if err == nil {
		err = commission.CheckFields(raw) // before the decoder calls them unknown
	}
	if err != nil {
		return in, t, err
	}
	if err = web.Bind(c, &in); err != nil {
		return in, t, err
	}
	if t, err = in.terms(); err == nil && newRule {
		_, err = h.Brands.Get(c.Request.Context(), in.BrandID)
	}
	return in, t, err
}

func (h *Handler) listCommissionRules() gin.HandlerFunc {
	return ofBrand(func(r commission.Rule) id.ID { return r.ID }, h.Commission.Rules, h.Commission.CountRules)
}

func (h *Handler) createCommissionRule(c *gin.Context, e *audit.Entry) (any, error) {
	in, t, err := h.bindTerms(c, true)
	if err != nil {
		return nil, err
	}
	r, err := h.Commission.Create(c.Request.Context(), in.BrandID, t, e.ActorID)
	e.ObjectID, e.After = r.ID, r
	return r, err
}

func (h *Handler) previewCommissionRule(c *gin.Context, e *audit.Entry) (any, error) {
	in, t, err := h.bindTerms(c, true)
	if err != nil {
		return nil, err
	}
	e.After = t
	return h.Commission.Preview(c.Request.Context(), in.BrandID, t)
}

// ruleView is a rule with all it ever said and the opinions on it.
type ruleView struct {
	commission.Rule
	Versions []commission.Version `json:"versions"`
	SignOffs []commission.SignOff `json:"sign_offs"`
}

func (h *Handler) getCommissionRule(c *gin.Context) (any, error) {
	r, err := one(c, h.Commission.Rule)
	if err != nil {
		return nil, err
	}
	rule := r.(commission.Rule)
	versions, opinions, err := h.Commission.Versions(c.Request.Context(), rule.ID)
	return ruleView{rule, versions, opinions}, err
}

func (h *Handler) reviseCommissionRule(c *gin.Context, e *audit.Entry) (any, error) {
	in, t, err := h.bindTerms(c, false)
	if err != nil {
		return nil, err
	}
	ruleID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Commission.Rule(c.Request.Context(), ruleID)
	if err != nil {
		return nil, err
	}
	after, err := h.Commission.Revise(c.Request.Context(), ruleID, in.Version, t, e.ActorID)
	e.ObjectID, e.Before, e.After = ruleID, before, after
	return after, err
}

type activateInput struct {
	Version int    `json:"version"` // that was read: nobody activates what he did not see
	Reason  string `json:"reason"`
}

func (h *Handler) activateCommissionRule(c *gin.Context, e *audit.Entry) (any, error) {
	var in activateInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ruleID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Commission.Rule(c.Request.Context(), ruleID)
	if err != nil {
		return nil, err
	}
	r, err := h.Commission.Activate(c.Request.Context(), ruleID, in.Version, e.ActorID)
	e.ObjectID, e.Before, e.After = ruleID, before, r
	return r, err
}

func (h *Handler) endCommissionRule(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	ruleID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Commission.Rule(c.Request.Context(), ruleID)
	if err != nil {
		return nil, err
	}
	r, err := h.Commission.End(c.Request.Context(), ruleID)
	e.ObjectID, e.Before, e.After = ruleID, before, r
	return r, err
}

type signOffInput struct {
	Version  int       `json:"version"` // that the opinion is on
	Signer   string    `json:"signer"`
	Title    string    `json:"title"`
	Number   string    `json:"number"`
	SignedOn clock.Day `json:"signed_on"` // 20261120
	Reason   string    `json:"reason"`
}

func (h *Handler) recordSignOff(c *gin.Context, e *audit.Entry) (any, error) {
	var in signOffInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ruleID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Commission.Record(c.Request.Context(), commission.SignOff{RuleID: ruleID, Version: in.Version, Signer: in.Signer, Title: in.Title,
		Number: in.Number, SignedOn: in.SignedOn, ByID: e.ActorID})
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) getCommissionPolicy(c *gin.Context) (any, error) {
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	return h.Commission.Policy(c.Request.Context(), brandID)
}

type commissionPolicyInput struct {
	Version   int    `json:"version"` // that was read
	Kind      string `json:"kind"`
	SettleDay int    `json:"settle_day"`
	Reason    string `json:"reason"`
}

func (h *Handler) saveCommissionPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in commissionPolicyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	before, err := h.Commission.Policy(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Commission.SavePolicy(c.Request.Context(), commission.Policy{BrandID: brandID, Kind: in.Kind, SettleDay: in.SettleDay, Version: in.Version, ByID: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}
