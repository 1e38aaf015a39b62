package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/health"
	"siyu/model/operator"
	"siyu/model/quiet"
	"siyu/model/reply"
)

// sessionRoutes: who is logged in, and what everybody does with his own account.
func (h *Handler) sessionRoutes() []web.Route {
	return []web.Route{
		at(post, "/login", Public, "登录", h.login).Takes(loginInput{}).Gives(about{}),
		at(post, "/logout", Session, "退出登录", h.logout).Gives(nil),
		at(get, "/session", Public, "谁登录着；没有人时为空", web.Answer(h.whoever)).Gives(&about{}),
		at(get, "/me", Session, "我是谁、能做什么", web.Answer(h.me)).Gives(about{}),
		at(post, "/me/password", Session, "修改自己的密码", h.secret("operator.change_password", ok, h.changePassword)).Takes(passwordInput{}).Gives(nil),
		at(get, "/me/sessions", Session, "我的登录", web.Answer(h.mySessions)).Gives([]operator.SessionLine{}),
		at(del, "/me/sessions/:session", Session, "结束我的一个登录", h.write("operator.end_own_session", ok, h.endMySession)).Gives(nil),
		at(get, "/me/totp", Session, "我的两步验证", web.Answer(h.myTOTP)).Gives(totpState{}),
		at(post, "/me/totp", Session, "开启两步验证：取得密钥(要密码)", h.secret("operator.begin_totp", ok, h.beginTOTP)).Takes(totpInput{}).Gives(operator.Enrolment{}),
		at(post, "/me/totp/confirm", Session, "开启两步验证：用第一个动态码确认，返回备用码", h.secret("operator.confirm_totp", ok, h.confirmTOTP)).Takes(totpInput{}).Gives(recoveryCodes{}),
		at(post, "/me/totp/stop", Session, "关闭自己的两步验证(要密码和动态码)", h.secret("operator.stop_totp", ok, h.stopTOTP)).Takes(totpInput{}).Gives(nil),
	}
}

// settingsRoutes: staff, roles, brands, their WeChat accounts, what the account answers,
// and the log of acts.
func (h *Handler) settingsRoutes() []web.Route {
	return []web.Route{
		at(get, "/operators", operator.OperatorRead, "操作员列表", h.listOperators()).Lists(operator.Operator{}).Counts(),
		at(post, "/operators", operator.OperatorWrite, "新增操作员", h.secret("operator.create", created, h.createOperator)).Takes(operator.Draft{}).Gives(operator.Operator{}),
		at(get, "/operators/:id", operator.OperatorRead, "操作员详情", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Operators.Get) })).Gives(operator.Operator{}),
		at(put, "/operators/:id", operator.OperatorWrite, "修改、停用操作员", h.write("operator.update", ok, h.updateOperator)).Takes(operatorInput{}).Gives(operator.Operator{}),
		at(post, "/operators/:id/password", operator.OperatorWrite, "重设操作员密码", h.secret("operator.set_password", ok, h.setPassword)).Takes(passwordInput{}).Gives(nil),
		at(get, "/operators/:id/sessions", operator.OperatorRead, "操作员的登录", web.Answer(h.operatorSessions)).Gives([]operator.SessionLine{}),
		at(del, "/operators/:id/sessions/:session", operator.OperatorWrite, "结束操作员的一个登录", h.write("operator.end_session", ok, h.endSession)).Gives(nil),
		at(post, "/operators/:id/totp/reset", operator.OperatorWrite, "操作员丢了手机：关闭他的两步验证并结束登录", h.write("operator.reset_totp", ok, h.resetTOTP)).Takes(reasonInput{}).Gives(operator.Operator{}),
		at(get, "/roles", operator.OperatorRead, "角色与权限表", web.Answer(h.roles)).Gives([]operator.Role{}),

		at(get, "/brands", operator.BrandRead, "品牌列表", h.listBrands()).Lists(brand.Brand{}).Counts(),
		at(post, "/brands", operator.BrandWrite, "新增品牌", h.write("brand.create", created, h.createBrand)).Takes(brandInput{}).Gives(brand.Brand{}),
		at(get, "/brands/:id", operator.BrandRead, "品牌详情", web.Answer(h.getBrand)).Gives(brand.Brand{}),
		at(put, "/brands/:id", operator.BrandWrite, "修改品牌", h.write("brand.update", ok, h.updateBrand)).Takes(brandInput{}).Gives(brand.Brand{}),
		at(get, "/brands/:id/accounts", operator.AccountRead, "品牌的微信账号", web.Answer(h.listAccounts)).Asks("kind?").Gives([]brand.Account{}),
		at(put, "/brands/:id/accounts", operator.AccountWrite, "新增或修改微信账号(密钥只写不读)", h.secret("account.save", ok, h.saveAccount, by(h.accountNamed))).Takes(accountInput{}).Gives(brand.Account{}),
		at(get, "/accounts/:id", operator.AccountRead, "微信账号详情", web.Answer(h.getAccount)).Gives(brand.Account{}),
		at(get, "/brands/:id/account-health", operator.AccountRead, "品牌各微信账号的健康情况", web.Answer(h.brandHealth)).Gives([]health.Report{}),
		at(get, "/accounts/:id/health", operator.AccountRead, "微信账号的健康情况与处理办法", web.Answer(h.accountHealth)).Gives(health.Report{}),
		at(get, "/brands/:id/quiet-hours", operator.BrandRead, "免打扰时段", web.Answer(h.getQuiet)).Gives(quiet.Hours{}),
		at(put, "/brands/:id/quiet-hours", operator.QuietWrite, "修改免打扰时段", h.write("quiet_hours.set", ok, h.setQuiet)).Takes(quietInput{}).Gives(quiet.Hours{}),
		at(get, "/accounts/:id/keywords", operator.ReplyRead, "关键词回复列表", h.listKeywords()).Lists(reply.Keyword{}).Counts(),
		at(put, "/accounts/:id/keywords", operator.ReplyWrite, "新增或修改关键词回复", h.write("keyword.save", ok, h.saveKeyword, by(h.keywordNamed))).Takes(keywordInput{}).Gives(reply.Keyword{}),
		at(del, "/keywords/:id", operator.ReplyWrite, "删除关键词回复", h.write("keyword.delete", ok, h.deleteKeyword)).Gives(nil),

		at(get, "/audit", operator.AuditRead, "操作记录", h.listAudit()).
			Asks("action?", "object?", "outcome?", "actor_id?", "object_id?", "from?", "until?").Lists(audit.Line{}).Counts(),
	}
}

// accountHealth tells how an account is, and where WeChat has to call.
func (h *Handler) accountHealth(c *gin.Context) (any, error) {
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := h.Brands.Account(c.Request.Context(), accountID)
	if err != nil {
		return nil, err
	}
	r, err := h.Health.Of(c.Request.Context(), accountID)
	if a.Kind != brand.Merchant { // a merchant's address is sent along with each payment
		r.CallbackURL = h.PublicURL + "/wx/callback/" + a.CallbackSlug
	}
	return r, err
}

func (h *Handler) brandHealth(c *gin.Context) (any, error) { return one(c, h.Health.OfBrand) }

func (h *Handler) getQuiet(c *gin.Context) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	return h.Quiet.Of(c.Request.Context(), brandID)
}

type quietInput struct {
	FromMinute  int    `json:"from_minute"` // after midnight in Shanghai; both the same: never
	UntilMinute int    `json:"until_minute"`
	Reason      string `json:"reason"`
}

func (h *Handler) setQuiet(c *gin.Context, e *audit.Entry) (any, error) {
	var in quietInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	before, err := h.Quiet.Of(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Quiet.Set(c.Request.Context(), quiet.Hours{BrandID: brandID, FromMinute: in.FromMinute, UntilMinute: in.UntilMinute, ByID: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}
