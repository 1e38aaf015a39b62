package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

// trailRoutes: what was done to one object (操作记录), for whoever may read the object.
func (h *Handler) trailRoutes() []web.Route {
	return []web.Route{
		at(get, "/trails/:object/:id", Session, "一个对象的操作记录(需该对象的查看权限，或 audit:read)", h.listTrail()).Lists(audit.Line{}),
	}
}

// trailed is who may read the trail of one kind of object: who may read the object itself.
// table finds its brand, for operators of some brands; "" belongs to the house and is
// closed to them. What is not here is for audit:read only.
type trailed struct{ permission, table string }

func trails() map[string]trailed {
	return map[string]trailed{
		"product": {operator.ProductRead, "product"}, "batch": {operator.CodeRead, "batch"}, "export": {operator.ExportRead, "export"},
		"diversion": {operator.ScanRead, "diversion"}, "territory": {operator.CodeRead, "territory"}, "key": {operator.CodeRead, "brand"}, "report": {operator.ScanRead, ""},
		"campaign": {operator.CampaignRead, "campaign"}, "campaign_policy": {operator.CampaignRead, "brand"}, "payout": {operator.PayoutRead, "payout"}, "withdrawal": {operator.WithdrawalRead, "withdrawal"},
		"brand": {operator.BrandRead, "brand"}, "quiet_hours": {operator.BrandRead, "brand"}, "account": {operator.AccountRead, "account"}, "apikey": {operator.APIKeyRead, "api_key"},
		"leader": {operator.LeaderRead, "leader"}, "leader_candidate": {operator.LeaderRead, "leader_candidate"}, "leader_material": {operator.LeaderRead, "leader_material"}, "leader_task": {operator.LeaderRead, "leader_task"},
		"group": {operator.GroupRead, "community"}, "live-code": {operator.GroupRead, "live_code"}, "group-template": {operator.GroupRead, "community_template"}, "poster": {operator.PosterRead, "poster_template"}, "poster_choice": {operator.PosterRead, "brand"}, "wecom-way": {operator.WeComRead, "wecom_way"},
		"commission_rule": {operator.CommissionRead, "commission_rule"}, "commission_accrual": {operator.CommissionRead, "commission_accrual"}, "commission_statement": {operator.CommissionRead, "commission_statement"}, "commission_policy": {operator.CommissionRead, "brand"},
		"withdrawal_policy": {operator.WithdrawalRead, "brand"}, "referral_policy": {operator.ReferralRead, "brand"}, "leader_programme": {operator.LeaderRead, "brand"}, "leader_agreement": {operator.LeaderRead, "brand"}, "points_rule": {operator.PointsRead, "brand"}, "tier": {operator.TierRead, "brand"},
		"fraud_case": {operator.FraudRead, "fraud_case"}, "fraud_policy": {operator.FraudRead, "brand"}, "group_policy": {operator.GroupRead, "brand"},
		"referral": {operator.ReferralRead, ""}, "referral_code": {operator.ReferralRead, ""}, "referral_export": {operator.ReferralRead, ""},
		"recon_day": {operator.ReconRead, "recon_day"}, "recon_item": {operator.ReconRead, "recon_item"}, "balance": {operator.ReconRead, "account"},
		"tag": {operator.TagRead, "tag"}, "tag_category": {operator.TagRead, "tag_category"}, "segment": {operator.SegmentRead, "segment"}, "segment-list": {operator.SegmentRead, "segment_list"},
		"push": {operator.PushRead, "push"}, "holdout": {operator.PushRead, "brand"}, "push_policy": {operator.PushRead, "brand"}, "reach_policy": {operator.ReachRead, "brand"},
		"member": {operator.MemberRead, ""}, "profile": {operator.ProfileRead, ""}, "points": {operator.PointsRead, ""}, "rights": {operator.RightsRead, ""},
		"merge": {operator.IdentityRead, ""}, "review": {operator.IdentityRead, ""}, "import": {operator.ImportRead, ""}, "operator": {operator.OperatorRead, ""},
	}
}

// mayTrail refuses the trail of an object that the operator may not read.
func (h *Handler) mayTrail(c *gin.Context, object string, objectID id.ID) error {
	o := current(c).Operator
	if object == "extract" { // his own, as in the job centre
		x, err := h.Extracts.Get(c.Request.Context(), objectID)
		if err == nil && x.ByID != o.ID && !o.Can(operator.JobAll) && !o.Can(operator.AuditRead) {
			err = errUnseen
		}
		return err
	}
	if object == "tag" { // some are for some roles only
		t, err := h.Tags.Get(c.Request.Context(), objectID)
		if err == nil && !t.Visible(o.Roles) {
			err = errUnseen
		}
		if err != nil {
			return err
		}
	}
	if o.Can(operator.AuditRead) && !o.Scoped() {
		return nil
	}
	t, known := trails()[object]
	switch {
	case !known || !o.Can(t.permission):
		return errPermission.With("permission", operator.AuditRead)
	case !o.Scoped():
		return nil
	case t.table == "brand": // a brand, or its rules
		return within(c, objectID)
	case t.table == "":
		return errScope
	}
	brandID, err := h.Insight.BrandOf(c.Request.Context(), t.table, objectID)
	if err == nil && !o.Sees(brandID) {
		err = errUnseen
	}
	return err
}

func (h *Handler) listTrail() gin.HandlerFunc {
	return list(func(l audit.Line) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]audit.Line, error) {
		objectID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		object := c.Param("object")
		if len(object) > 32 {
			return nil, fault.New(fault.NotFound, "not_found", "没有找到")
		}
		if err := h.mayTrail(c, object, objectID); err != nil {
			return nil, err
		}
		lines, err := h.Audit.List(c.Request.Context(), audit.Filter{Object: object, ObjectID: objectID, Before: p.Before, Limit: p.Limit})
		if !current(c).Operator.Can(operator.AuditRead) {
			for i := range lines { // where somebody sat and his request are the auditor's
				lines[i].IP, lines[i].RequestID = "", ""
			}
		}
		return h.veil(c).trail(lines), err
	})
}
