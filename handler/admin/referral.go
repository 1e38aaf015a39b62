package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/referral"
)

// referralRoutes: who brought whom, the trees of it, and changes by operators.
func (h *Handler) referralRoutes() []web.Route {
	return []web.Route{
		at(get, "/brands/:id/referral-policy", operator.ReferralRead, "推荐规则：保护期、有效期、老会员判定", web.Answer(h.getReferralPolicy)).Gives(referral.Policy{}),
		at(put, "/brands/:id/referral-policy", operator.ReferralWrite, "修改推荐规则", h.write("referral_policy.save", ok, h.saveReferralPolicy)).Takes(referralPolicyInput{}).Gives(referral.Policy{}),
		at(get, "/referral/codes", operator.ReferralRead, "推广码：谁的、带来多少人", h.listReferralCodes()).Asks("brand_id", "member_id?", "state?:open|closed").Lists(namedCode{}).Counts(),
		at(post, "/referral/codes/:id/close", operator.ReferralWrite, "停用推广码", h.write("referral_code.close", ok, h.closeReferralCode)).Takes(reasonInput{}).Gives(referral.Code{}),
		at(get, "/referral/tree", operator.ReferralRead, "推荐树：节点计数与第一页直属(不带会员则为各棵树的根)", web.Answer(h.referralTree)).Asks("brand_id", "member_id?").Gives(referralScreen{}),
		at(get, "/referral/children", operator.ReferralRead, "直属会员，按团队人数翻页", h.referralChildren).Asks("brand_id", "member_id?", "after?").Lists(namedNode{}),
		at(get, "/referral/upline", operator.ReferralRead, "上级链路", web.Answer(h.referralUpline)).Asks("brand_id", "member_id").Gives([]namedNode{}),
		at(get, "/referral/bindings", operator.ReferralRead, "推荐关系与变更历史", h.listBindings()).Asks("brand_id", "member_id?", "referrer_id?", "state?:active|ended|replaced|expired").Lists(namedBinding{}).Counts(),
		at(post, "/referral/rebind", operator.ReferralWrite, "更换推荐人(其下团队整体随迁，写明理由)", h.write("referral.rebind", ok, h.rebind)).Takes(referralInput{}).Gives(referral.Binding{}),
		at(post, "/referral/end", operator.ReferralWrite, "解除推荐关系(写明理由)", h.write("referral.end", ok, h.endReferral)).Takes(referralInput{}).Gives(nothing{}),
		at(post, "/referral/hand-over", operator.ReferralWrite, "离任交接：直属会员全部转给另一人(写明理由)", h.write("referral.hand_over", ok, h.handOver)).Takes(referralInput{}).Gives(referral.Handed{}),
		at(get, "/referral/watch", operator.ReferralRead, "合规关注：三层及以上或三十人及以上的推荐树", h.watchReferrals).Asks("brand_id", "after?").Lists(namedWatched{}),
		at(get, "/referral/check", operator.ReferralRead, "计数核对的进度与结果", web.Answer(h.referralCheck)).Asks("brand_id").Gives(referral.Check{}),
		at(post, "/referral/check", operator.ReferralWrite, "立即核对计数", h.write("referral.check", ok, h.startReferralCheck)).Takes(checkInput{}).Gives(referral.Check{}),
		at(get, "/referral/repairs", operator.ReferralRead, "核对修正过的节点", h.listRepairs()).Asks("brand_id").Lists(referral.Repair{}).Counts(),
		at(get, "/referral/exports", operator.ReferralRead, "团队名单导出列表", h.listReferralExports()).Asks("brand_id").Lists(namedExport{}).Counts(),
		at(post, "/referral/exports", operator.ReferralExport, "导出团队名单(会员以代号出现，写明理由)", h.write("referral_export.create", created, h.exportReferrals)).Takes(referralInput{}).Gives(referral.Export{}),
		at(get, "/referral/exports/:id", operator.ReferralRead, "团队名单导出进度", web.Answer(h.getReferralExport)).Gives(referral.Export{}),
		at(get, "/referral/exports/:id/file", operator.ReferralExport, "下载团队名单", h.referralFile).File("text/csv"),
	}
}

func (h *Handler) getReferralPolicy(c *gin.Context) (any, error) {
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	return h.Referrals.Policy(c.Request.Context(), brandID)
}

type referralPolicyInput struct {
	Version     int    `json:"version"` // that was read
	ProtectDays int    `json:"protect_days"`
	ValidDays   int    `json:"valid_days"`
	Existing    string `json:"existing"`
	NewMinutes  int    `json:"new_minutes"`
	Takeover    bool   `json:"takeover"`
	Reason      string `json:"reason"`
}

func (h *Handler) saveReferralPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in referralPolicyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := h.brandOf(c)
	if err != nil {
		return nil, err
	}
	before, err := h.Referrals.Policy(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Referrals.SavePolicy(c.Request.Context(), referral.Policy{BrandID: brandID, Version: in.Version, ProtectDays: in.ProtectDays,
		ValidDays: in.ValidDays, Existing: in.Existing, NewMinutes: in.NewMinutes, Takeover: in.Takeover, ByID: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}

// placed reads ?brand_id= and ?member_id=, of which the first is needed; must asks for
// the second as well.
func placed(c *gin.Context, must bool) (brandID, memberID id.ID, err error) {
	if brandID, err = web.QueryID(c, "brand_id"); err == nil && brandID == 0 {
		err = fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	}
	if err == nil {
		memberID, err = web.QueryID(c, "member_id")
	}
	if err == nil && memberID == 0 && must {
		err = fault.NewInvalid("member_id", "请先选择会员").With("field", "member_id")
	}
	return brandID, memberID, err
}

// namedCode is a code with whose it is.
type namedCode struct {
	referral.Issued
	Owner who `json:"owner"`
}

func (h *Handler) listReferralCodes() gin.HandlerFunc {
	asked := func(c *gin.Context) (brandID id.ID, f referral.CodeFilter, err error) {
		f.State = c.Query("state")
		brandID, f.MemberID, err = placed(c, false)
		return brandID, f, err
	}
	return counted(func(x namedCode) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedCode, error) {
		brandID, f, err := asked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Referrals.Codes(c.Request.Context(), brandID, f)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(x referral.Issued) (out namedCode, err error) {
			out.Issued = x
			out.Owner, err = name(x.BrandID, x.MemberID)
			return out, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		brandID, f, err := asked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Referrals.CountCodes(c.Request.Context(), brandID, f)
	})
}

func (h *Handler) closeReferralCode(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := worded(in.Reason); err != nil {
		return nil, err
	}
	codeID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Referrals.Code(c.Request.Context(), codeID)
	if err != nil {
		return nil, err
	}
	after, err := h.Referrals.Close(c.Request.Context(), codeID)
	e.ObjectID, e.Before, e.After = codeID, before, after
	return after, err
}

// referralScreen is what the panel shows first of a node: more children come by pages.
type referralScreen struct {
	Node     *namedNode  `json:"node"` // null: the whole brand
	Children []namedNode `json:"children"`
	Next     string      `json:"next"`
}

// screenSize is how many children the first screen has.
const screenSize = 50

func (h *Handler) referralTree(c *gin.Context) (any, error) {
	brandID, memberID, err := placed(c, false)
	if err != nil {
		return nil, err
	}
	ctx, out := c.Request.Context(), referralScreen{}
	if memberID != 0 {
		if _, err := h.Members.Get(ctx, memberID); err != nil {
			return nil, err
		}
		n, err := h.Referrals.Node(ctx, brandID, memberID)
		if err != nil {
			return nil, err
		}
		own, err := h.namedNodes(ctx, []referral.Node{n})
		if err != nil {
			return nil, err
		}
		out.Node = &own[0]
	}
	nodes, err := h.Referrals.Children(ctx, brandID, memberID, referral.Cursor{}, screenSize)
	if err != nil {
		return nil, err
	}
	out.Next = nextNode(nodes, screenSize)
	out.Children, err = h.namedNodes(ctx, nodes)
	return out, err
}

func nextNode(nodes []referral.Node, limit int) string {
	return web.Next(nodes, limit, func(n referral.Node) string { return referral.CursorAfter(n).String() })
}

// sized reads ?after= and ?limit= of lists in the order of sizes.
func sized(c *gin.Context) (after referral.Cursor, limit int, err error) {
	if limit, err = web.Limit(c); err == nil {
		after, err = referral.ParseCursor(c.Query("after"))
	}
	return after, limit, err
}

func (h *Handler) referralChildren(c *gin.Context) {
	brandID, memberID, err := placed(c, false)
	if err != nil {
		web.Fail(c, err)
		return
	}
	after, limit, err := sized(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	nodes, err := h.Referrals.Children(c.Request.Context(), brandID, memberID, after, limit)
	if err != nil {
		web.Fail(c, err)
		return
	}
	named, err := h.namedNodes(c.Request.Context(), nodes)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, named, nextNode(nodes, limit))
}

func (h *Handler) referralUpline(c *gin.Context) (any, error) {
	brandID, memberID, err := placed(c, true)
	if err != nil {
		return nil, err
	}
	nodes, err := h.Referrals.Above(c.Request.Context(), brandID, memberID)
	if err != nil {
		return nil, err
	}
	return h.namedNodes(c.Request.Context(), nodes)
}

func (h *Handler) listBindings() gin.HandlerFunc {
	return counted(func(b namedBinding) id.ID { return b.ID }, func(c *gin.Context, p web.Page) ([]namedBinding, error) {
		brandID, f, err := bindingsAsked(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		rows, err := h.Referrals.Bindings(c.Request.Context(), brandID, f)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(b referral.Binding) (x namedBinding, err error) {
			x.Binding = b
			if x.Member, err = name(b.BrandID, b.MemberID); err == nil {
				x.Referrer, err = name(b.BrandID, b.ReferrerID)
			}
			return x, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		brandID, f, err := bindingsAsked(c)
		if err != nil {
			return 0, false, err
		}
		return h.Referrals.CountBindings(c.Request.Context(), brandID, f)
	})
}

func bindingsAsked(c *gin.Context) (brandID id.ID, f referral.Filter, err error) {
	f.State = c.Query("state")
	if brandID, f.MemberID, err = placed(c, false); err == nil {
		f.ReferrerID, err = web.QueryID(c, "referrer_id")
	}
	return brandID, f, err
}
