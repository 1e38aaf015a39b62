// Package admin is the back office's API (后台接口). A handler binds, calls one model
// function and answers; who may call it stands on its route's line and nowhere else.
//
// Promises: every route needs a session and its own permission, but login; every
// write needs the session's X-CSRF-Token as well, is audited before it happens and
// after, and takes an Idempotency-Key; amounts are fen, times RFC 3339, ids texts; no
// answer holds a secret of an account, an openid or a session key.
package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/commission"
	"siyu/model/consent"
	"siyu/model/crm"
	"siyu/model/event"
	"siyu/model/export"
	"siyu/model/extract"
	"siyu/model/find"
	"siyu/model/fraud"
	"siyu/model/goal"
	"siyu/model/group"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/leader"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/poster"
	"siyu/model/product"
	"siyu/model/profile"
	"siyu/model/progress"
	"siyu/model/redpacket"
	"siyu/model/referral"
	"siyu/model/reply"
	"siyu/model/rights"
	"siyu/model/scan"
	"siyu/model/tier"
	"siyu/model/wecom"
	"siyu/model/withdrawal"
)

// Deps are the models behind the routes.
type Deps struct {
	Clock       clock.Clock
	Operators   *operator.Store
	Audit       *audit.Store
	Replay      web.Replayer
	Brands      *brand.Store
	Products    *product.Store
	Codes       *code.Store
	Exports     *export.Store
	Campaigns   *campaign.Store
	Claims      *claim.Store
	Packets     *redpacket.Store
	Ledger      *ledger.Ledger
	Scans       *scan.Store
	Replies     *reply.Store
	Insight     *insight.Store
	Points      *points.Accounts
	Tiers       *tier.Store
	Commission  *commission.Store
	Earnings    *commission.Accounts
	Withdrawals *withdrawal.Store
	Profiles    *profile.Store
	Consents    *consent.Store
	Rights      *rights.Store
	Imports     *crm.Store
	Posters     *poster.Store
	Identities  *identity.Store
	Members     *member.Store
	Phones      *phone.Book
	Events      *event.Store
	Purchases   *event.Purchases
	Intake      *event.Intake
	APIKeys     *apikey.Store
	Fraud       *fraud.Store
	Leaders     *leader.Store
	Referrals   *referral.Store
	Groups      *group.Store
	WeCom       *wecom.Store
	Goals       *goal.Store
	Extracts    *extract.Store
	Progress    *progress.Store
	Find        *find.Store
	Outbox      *outbox.Store
	Cookies     web.Cookies
	// PublicHost is the host of the public address; a log-in from another origin's
	// page is refused.
	PublicHost string
	// Sandbox: WeChat is the simulator, so demo data may be cleared.
	Sandbox bool
	// PerMinute is how many requests an operator may make in a minute, over all his
	// sessions; 0: 1200. A page makes about ten.
	PerMinute uint16
}

// Handler answers.
type Handler struct {
	Deps
	tries   *scan.Throttle // log-ins per address
	reveals *scan.Throttle // telephone numbers shown, per operator
	rates   *scan.Throttle // requests, per operator
}

// loginsPerAddress within ten minutes: an office behind one address gets in, a
// machine that guesses does not.
const loginsPerAddress = 60

// requestsPerMinute of one operator: nobody reads faster, a program that copies the
// members does.
const requestsPerMinute = 1200

// New makes a handler.
func New(d Deps) *Handler {
	if d.PerMinute == 0 {
		d.PerMinute = requestsPerMinute
	}
	return &Handler{Deps: d, rates: scan.NewThrottle(d.Clock, d.PerMinute, time.Minute), tries: scan.NewThrottle(d.Clock, loginsPerAddress, 10*time.Minute),
		reveals: scan.NewThrottle(d.Clock, revealsPerOperator, time.Hour)}
}

// Base is where the routes live.
const Base = "/admin/api/v1"

// Permissions of routes that no role gives.
const (
	Public  = "public"  // nobody needs to be logged in
	Session = "session" // everybody who is logged in
)

// Mount registers the routes with their guard.
func (h *Handler) Mount(e gin.IRoutes) { web.Mount(e, h.Routes(), h.guard) }

const (
	get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	ok, created         = http.StatusOK, http.StatusCreated
)

// at is one line of the table.
func at(method, path, permission, summary string, answer gin.HandlerFunc) web.Route {
	return web.Route{Method: method, Path: Base + path, Permission: permission, Summary: summary, Handler: answer}
}

// Document is the OpenAPI 3.1 description of the back office: what the panel's types are
// generated from. It needs no models.
func Document() ([]byte, error) {
	return web.Document("私域后台接口", Base, New(Deps{}).Routes())
}

// Routes is the table, area by area. A route that changes something is not a GET, but
// for fetching a file with a ticket that a POST gave out.
func (h *Handler) Routes() []web.Route {
	return slices.Concat(
		h.goodsRoutes(),
		h.eventRoutes(),
		h.pointsRoutes(),
		h.commissionRoutes(),
		h.withdrawalRoutes(),
		h.profileRoutes(),
		h.importRoutes(),
		h.rightsRoutes(),
		h.posterRoutes(),
		h.memberRoutes(),
		h.identityRoutes(),
		h.fraudRoutes(),
		h.leaderRoutes(),
		h.referralRoutes(),
		h.groupRoutes(),
		h.wecomRoutes(),
		h.homeRoutes(),
		h.extractRoutes(),
		h.jobRoutes(),
		h.trailRoutes(),
		h.searchRoutes(),
	)
}

// goodsRoutes: staff, brands, goods, codes, campaigns and money.
func (h *Handler) goodsRoutes() []web.Route {
	return []web.Route{
		at(post, "/login", Public, "登录", h.login),
		at(post, "/logout", Session, "退出登录", h.logout),
		at(get, "/me", Session, "我是谁、能做什么", web.Answer(h.me)),
		at(post, "/me/password", Session, "修改自己的密码", h.secret("operator.change_password", ok, h.changePassword)),
		at(get, "/me/sessions", Session, "我的登录", web.Answer(h.mySessions)),
		at(del, "/me/sessions/:session", Session, "结束我的一个登录", h.write("operator.end_own_session", ok, h.endMySession)),
		at(get, "/me/totp", Session, "我的两步验证", web.Answer(h.myTOTP)),
		at(post, "/me/totp", Session, "开启两步验证：取得密钥(要密码)", h.secret("operator.begin_totp", ok, h.beginTOTP)),
		at(post, "/me/totp/confirm", Session, "开启两步验证：用第一个动态码确认，返回备用码", h.secret("operator.confirm_totp", ok, h.confirmTOTP)),
		at(post, "/me/totp/stop", Session, "关闭自己的两步验证(要密码和动态码)", h.secret("operator.stop_totp", ok, h.stopTOTP)),

		at(get, "/operators", operator.OperatorRead, "操作员列表", h.listOperators()),
		at(post, "/operators", operator.OperatorWrite, "新增操作员", h.secret("operator.create", created, h.createOperator)),
		at(put, "/operators/:id", operator.OperatorWrite, "修改、停用操作员", h.write("operator.update", ok, h.updateOperator)),
		at(post, "/operators/:id/password", operator.OperatorWrite, "重设操作员密码", h.secret("operator.set_password", ok, h.setPassword)),
		at(get, "/operators/:id/sessions", operator.OperatorRead, "操作员的登录", web.Answer(h.operatorSessions)),
		at(del, "/operators/:id/sessions/:session", operator.OperatorWrite, "结束操作员的一个登录", h.write("operator.end_session", ok, h.endSession)),
		at(post, "/operators/:id/totp/reset", operator.OperatorWrite, "操作员丢了手机：关闭他的两步验证并结束登录", h.write("operator.reset_totp", ok, h.resetTOTP)),
		at(get, "/roles", operator.OperatorRead, "角色与权限表", web.Answer(h.roles)),

		at(get, "/brands", operator.BrandRead, "品牌列表", h.listBrands()),
		at(post, "/brands", operator.BrandWrite, "新增品牌", h.write("brand.create", created, h.createBrand)),
		at(get, "/brands/:id", operator.BrandRead, "品牌详情", web.Answer(h.getBrand)),
		at(put, "/brands/:id", operator.BrandWrite, "修改品牌", h.write("brand.update", ok, h.updateBrand)),
		at(get, "/brands/:id/accounts", operator.AccountRead, "品牌的微信账号", web.Answer(h.listAccounts)),
		at(put, "/brands/:id/accounts", operator.AccountWrite, "新增或修改微信账号(密钥只写不读)", h.secret("account.save", ok, h.saveAccount)),
		at(get, "/accounts/:id", operator.AccountRead, "微信账号详情", web.Answer(h.getAccount)),
		at(get, "/accounts/:id/keywords", operator.ReplyRead, "关键词回复列表", h.listKeywords()),
		at(put, "/accounts/:id/keywords", operator.ReplyWrite, "新增或修改关键词回复", h.write("keyword.save", ok, h.saveKeyword)),
		at(del, "/keywords/:id", operator.ReplyWrite, "删除关键词回复", h.write("keyword.delete", ok, h.deleteKeyword)),

		at(get, "/products", operator.ProductRead, "商品列表", h.listProducts()),
		at(post, "/products", operator.ProductWrite, "新增商品", h.write("product.create", created, h.createProduct)),
		at(get, "/products/:id", operator.ProductRead, "商品详情", web.Answer(h.getProduct)),
		at(put, "/products/:id", operator.ProductWrite, "修改商品", h.write("product.update", ok, h.updateProduct)),

		at(get, "/brands/:id/keys", operator.CodeRead, "码密钥版本", web.Answer(h.listKeys)),
		at(post, "/brands/:id/keys", operator.KeyWrite, "轮换码密钥", h.write("key.rotate", created, h.rotateKey)),
		at(get, "/batches", operator.CodeRead, "码批次列表", h.listBatches()),
		at(post, "/batches", operator.CodeWrite, "新增码批次", h.write("batch.create", created, h.createBatch)),
		at(get, "/batches/:id", operator.CodeRead, "码批次详情", web.Answer(h.getBatch)),
		at(get, "/batches/:id/ranges", operator.CodeRead, "激活、召回、作废记录", web.Answer(h.listRanges)),
		at(post, "/batches/:id/ranges", operator.CodeWrite, "按序号激活、召回、作废", h.write("batch.set_range", created, h.setRange)),
		at(get, "/batches/:id/states", operator.CodeRead, "各段序号的当前状态", web.Answer(h.states)),
		at(get, "/codes/explain", operator.CodeRead, "解释一个码", web.Answer(h.explain)),
		at(get, "/scans/flagged", operator.ScanRead, "扫码异常的码", web.Answer(h.listFlagged)),
		at(get, "/reports", operator.ScanRead, "消费者举报", h.listReports()),

		at(get, "/exports", operator.ExportRead, "导出任务列表", h.listExports()),
		at(post, "/exports", operator.ExportWrite, "新建导出任务", h.write("export.create", created, h.createExport)),
		at(get, "/exports/:id", operator.ExportRead, "导出任务进度", web.Answer(h.getExport)),
		at(post, "/exports/:id/cancel", operator.ExportWrite, "取消导出任务", h.write("export.cancel", ok, h.cancelExport)),
		at(post, "/exports/:id/password", operator.ExportPassword, "查看压缩包密码(仅一次)", h.secret("export.take_password", ok, h.takePassword)),
		at(post, "/exports/:id/parts/:part/ticket", operator.ExportDownload, "取得下载凭证", h.secret("export.ticket", created, h.ticket)),
		at(get, "/exports/:id/parts/:part/file", operator.ExportDownload, "凭证下载码包(限次)", h.download),

		at(get, "/campaigns", operator.CampaignRead, "活动列表", h.listCampaigns()),
		at(post, "/campaigns", operator.CampaignWrite, "新建活动草稿", h.write("campaign.create", created, h.createCampaign)),
		at(get, "/campaigns/:id", operator.CampaignRead, "活动详情", web.Answer(h.getCampaign)),
		at(put, "/campaigns/:id", operator.CampaignWrite, "修改活动草稿", h.write("campaign.update", ok, h.updateCampaign)),
		at(get, "/campaigns/:id/preview", operator.CampaignRead, "发布预览：支出与中奖数", web.Answer(h.previewCampaign)),
		at(post, "/campaigns/:id/publish", operator.CampaignPublish, "发布活动", h.write("campaign.publish", ok, h.publishCampaign)),
		at(post, "/campaigns/:id/pause", operator.CampaignPublish, "暂停活动", h.write("campaign.pause", ok, h.pauseCampaign)),
		at(post, "/campaigns/:id/resume", operator.CampaignPublish, "恢复活动", h.write("campaign.resume", ok, h.resumeCampaign)),
		at(post, "/campaigns/:id/end", operator.CampaignPublish, "结束活动并公开种子", h.write("campaign.end", ok, h.endCampaign)),
		at(get, "/campaigns/:id/draw", operator.CampaignRead, "抽奖种子与验证", web.Answer(h.draw)),

		at(get, "/claims", operator.ClaimRead, "领取记录", h.listClaims()),
		at(get, "/payouts", operator.PayoutRead, "打款单列表", h.listPayouts()),
		at(get, "/payouts/:id", operator.PayoutRead, "打款单详情", web.Answer(h.getPayout)),
		at(post, "/payouts/:id/query", operator.PayoutWrite, "向微信重新查询", h.write("payout.query", ok, h.queryPayout)),
		at(put, "/payouts/:id/review", operator.PayoutWrite, "标记、取消人工复核", h.write("payout.review", ok, h.reviewPayout)),
		at(get, "/ledger/trial-balance", operator.LedgerRead, "试算平衡", web.Answer(h.trialBalance)),

		at(get, "/audit", operator.AuditRead, "操作记录", h.listAudit()),
		at(get, "/overview", operator.HealthRead, "运行概览", web.Answer(h.overview)),
	}
}
