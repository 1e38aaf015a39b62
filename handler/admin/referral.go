package admin

import (
	"context"
	"mime"
	"net/http"

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
		at(get, "/referral/codes", operator.ReferralRead, "会员的推广码与绑定人数", web.Answer(h.referralCodes)).Asks("brand_id", "member_id").Gives([]referral.Issued{}),
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
		at(get, "/referral/repairs", operator.ReferralRead, "核对修正过的节点", h.listRepairs()).Asks("brand_id").Lists(referral.Repair{}),
		at(get, "/referral/exports", operator.ReferralRead, "团队名单导出列表", h.listReferralExports()).Asks("brand_id").Lists(namedExport{}),
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

func (h *Handler) referralCodes(c *gin.Context) (any, error) {
	brandID, memberID, err := placed(c, true)
	if err != nil {
		return nil, err
	}
	return h.Referrals.Codes(c.Request.Context(), brandID, memberID)
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

// nothing is what is left to say.
type nothing struct{}

type referralInput struct {
	BrandID    id.ID  `json:"brand_id"`
	MemberID   id.ID  `json:"member_id"`   // the referee; of a hand-over who leaves
	ReferrerID id.ID  `json:"referrer_id"` // who comes in place
	Role       string `json:"role"`        // of the referrer: leader, clerk, staff, member
	Reason     string `json:"reason"`
}

// referralChange reads what an operator asks for and names its object for the audit.
func (h *Handler) referralChange(c *gin.Context, e *audit.Entry) (referral.Change, error) {
	var in referralInput
	if err := web.Bind(c, &in); err != nil {
		return referral.Change{}, err
	}
	ctx := c.Request.Context()
	if _, err := h.Brands.Get(ctx, in.BrandID); err != nil {
		return referral.Change{}, err
	}
	if _, err := h.Members.Get(ctx, in.MemberID); err != nil {
		return referral.Change{}, err
	}
	e.ObjectID = in.MemberID
	if b, held, err := h.Referrals.ReferrerOf(ctx, in.BrandID, in.MemberID, h.Clock.Now()); err != nil {
		return referral.Change{}, err
	} else if held {
		e.Before = b
	}
	return referral.Change{BrandID: in.BrandID, MemberID: in.MemberID, ReferrerID: in.ReferrerID, Role: in.Role, Reason: in.Reason, By: e.ActorID}, nil
}

func (h *Handler) rebind(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	b, err := h.Referrals.Rebind(c.Request.Context(), change)
	e.After = b
	return b, err
}

func (h *Handler) endReferral(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	return nothing{}, h.Referrals.End(c.Request.Context(), change)
}

func (h *Handler) handOver(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	done, err := h.Referrals.HandOver(c.Request.Context(), change)
	e.Before, e.After = nil, map[string]any{"to": change.ReferrerID, "done": done}
	return done, err
}

func (h *Handler) watchReferrals(c *gin.Context) {
	brandID, _, err := placed(c, false)
	if err != nil {
		web.Fail(c, err)
		return
	}
	after, limit, err := sized(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	trees, err := h.Referrals.Watch(c.Request.Context(), brandID, after, limit)
	if err != nil {
		web.Fail(c, err)
		return
	}
	name := h.names(c.Request.Context())
	named, err := each(trees, func(x referral.Watched) (namedWatched, error) {
		whose, err := name(x.BrandID, x.MemberID)
		return namedWatched{x, whose}, err
	})
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, named, web.Next(trees, limit, func(w referral.Watched) string { return referral.CursorAfter(w.Node).String() }))
}

// namedWatched is a tree to look at with whose it is.
type namedWatched struct {
	referral.Watched
	Who who `json:"who"`
}

// checkInput starts a check of the counters.
type checkInput struct {
	BrandID id.ID  `json:"brand_id"`
	Reason  string `json:"reason"`
}

// namedExport is a list of people with whose people they are.
type namedExport struct {
	referral.Export
	Who who `json:"who"`
}

func (h *Handler) referralCheck(c *gin.Context) (any, error) {
	brandID, _, err := placed(c, false)
	if err != nil {
		return nil, err
	}
	return h.Referrals.CheckOf(c.Request.Context(), brandID)
}

func (h *Handler) startReferralCheck(c *gin.Context, e *audit.Entry) (any, error) {
	var in checkInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	e.ObjectID = in.BrandID
	return h.Referrals.StartCheck(c.Request.Context(), in.BrandID)
}

func (h *Handler) listRepairs() gin.HandlerFunc {
	return ofBrand(func(r referral.Repair) id.ID { return r.ID }, func(ctx context.Context, brandID, before id.ID, limit int) ([]referral.Repair, error) {
		return h.Referrals.Repairs(ctx, brandID, before, limit)
	})
}

func (h *Handler) listReferralExports() gin.HandlerFunc {
	return ofBrand(func(x namedExport) id.ID { return x.ID }, func(ctx context.Context, brandID, before id.ID, limit int) ([]namedExport, error) {
		rows, err := h.Referrals.Exports(ctx, brandID, before, limit)
		if err != nil {
			return nil, err
		}
		name := h.names(ctx)
		return each(rows, func(x referral.Export) (namedExport, error) {
			whose, err := name(x.BrandID, x.MemberID)
			return namedExport{x, whose}, err
		})
	})
}

func (h *Handler) exportReferrals(c *gin.Context, e *audit.Entry) (any, error) {
	change, err := h.referralChange(c, e)
	if err != nil {
		return nil, err
	}
	x, err := h.Referrals.Ask(c.Request.Context(), change)
	e.ObjectID, e.Before, e.After = x.ID, nil, x
	return x, err
}

func (h *Handler) getReferralExport(c *gin.Context) (any, error) { return one(c, h.Referrals.ExportOf) }

// referralFile hands over a list. Who fetched it is on record before the first line.
func (h *Handler) referralFile(c *gin.Context) {
	exportID, err := web.ParamID(c, "id")
	if err != nil {
		web.Fail(c, err)
		return
	}
	x, err := h.Referrals.Finished(c.Request.Context(), exportID)
	if err != nil {
		web.Fail(c, err)
		return
	}
	s := current(c)
	err = h.Audit.Record(c.Request.Context(), audit.Entry{ActorID: s.Operator.ID, Actor: s.Operator.Login, IP: web.ClientIP(c), RequestID: web.RequestID(c),
		Action: "referral_export.file", Object: "referral_export", ObjectID: exportID})
	if err != nil {
		web.Fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "团队名单-" + x.ID.String() + ".csv"}))
	if err := h.Referrals.File(c.Request.Context(), exportID, c.Writer); err != nil {
		if !c.Writer.Written() {
			web.Fail(c, err)
			return
		}
		web.Note(c, err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}
