package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/operator"
)

// holdoutRoutes: who is left alone to compare with, and what messages brought.
func (h *Handler) holdoutRoutes() []web.Route {
	return []web.Route{
		at(get, "/holdout", operator.PushRead, "对照组设置与历次修改", web.Answer(h.getHoldout)).Asks("brand_id").Gives(holdoutAnswer{}),
		at(put, "/holdout", operator.PushApprove, "修改对照组设置(已开始的触达不受影响)", h.write("holdout.set", ok, h.setHoldout, by(holdoutNamed))).Takes(holdoutInput{}).Gives(holdout.Settings{}),
		at(get, "/holdout/report", operator.PushRead, "全部营销触达合在一起带来了什么：全局对照组与其他人相比", web.Answer(h.wholeReport)).Asks("brand_id").Gives(holdout.Report{}),
		at(get, "/pushes/:id/report", operator.PushRead, "触达带来了什么：与对照组相比，随时可看", web.Answer(h.pushReport)).Gives(holdout.Report{}),
		at(get, "/pushes/:id/cost", operator.PushRead, "触达的花费", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Reports.Cost) })).Gives(holdout.Cost{}),
		at(put, "/pushes/:id/cost", operator.PushWrite, "填写触达的花费", h.write("push.set_cost", ok, h.setPushCost)).Takes(costInput{}).Gives(holdout.Cost{}),
	}
}

type holdoutAnswer struct {
	Settings holdout.Settings   `json:"settings"` // what a push that begins now takes
	History  []holdout.Settings `json:"history"`  // newest first
}

func (h *Handler) getHoldout(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	var out holdoutAnswer
	if out.Settings, err = h.Holdout.Of(c.Request.Context(), brandID); err == nil {
		out.History, err = h.Holdout.History(c.Request.Context(), brandID)
	}
	return out, err
}

func (h *Handler) wholeReport(c *gin.Context) (any, error) {
	brandID, err := ofHome(c)
	if err != nil {
		return nil, err
	}
	r, err := h.Reports.Whole(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	return h.veil(c).report(r)
}

type holdoutInput struct {
	BrandID     id.ID     `json:"brand_id"`
	Version     int       `json:"version"`      // that the operator saw
	UniversalBP int       `json:"universal_bp"` // of 10,000 people: no marketing push of the brand
	HeldBP      int       `json:"held_bp"`      // of 10,000: not this push
	WindowDays  int       `json:"window_days"`
	CapFen      money.Fen `json:"cap_fen"`
	Reshuffle   bool      `json:"reshuffle"` // draw a new universal group
	Reason      string    `json:"reason"`
}

func holdoutNamed(_ *gin.Context, in holdoutInput) (thing, error) { return thing{id: in.BrandID}, nil }

func (h *Handler) setHoldout(c *gin.Context, e *audit.Entry) (any, error) {
	var in holdoutInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	before, after, err := h.Holdout.Set(c.Request.Context(), holdout.Settings{BrandID: in.BrandID, Version: in.Version, UniversalBP: in.UniversalBP, HeldBP: in.HeldBP,
		WindowDays: in.WindowDays, CapFen: in.CapFen, Reason: in.Reason, ByID: e.ActorID}, in.Reshuffle)
	e.ObjectID, e.Before, e.After = in.BrandID, before, after
	return after, err
}

type costInput struct {
	CostFen money.Fen `json:"cost_fen"` // in all: messages, coupons, gifts, work
	Note    string    `json:"note"`
}

func (h *Handler) setPushCost(c *gin.Context, e *audit.Entry) (any, error) {
	var in costInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, after, err := h.Reports.SetCost(c.Request.Context(), holdout.Cost{PushID: e.ObjectID, CostFen: in.CostFen, Note: in.Note, ByID: e.ActorID})
	e.Before, e.After = before, after
	return after, err
}
