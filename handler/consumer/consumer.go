// Package consumer serves the people who scan: the H5 pages inside WeChat's browser
// and the JSON API of the mini program, on the same functions.
//
// Promises. GET never grants: it looks and records, no more. A forged code costs
// arithmetic, no SQL. A verdict is in the first answer, with scripts off as well; a
// claim is a form post. A scan costs one read of single rows by their keys, however often
// the code was seen and whoever looks; the page is rendered after it, holding no lock.
// It waits for one thing more, and only when the look is new: the commit that decides
// who was first (首次验证), which merges all looks that wait. Reward and verdict never depend on following or sharing.
// Every state-changing form carries a token bound to its session. Nobody sees
// another member's claim. Silent login (snsapi_base) is tried once; when it fails
// the page still shows the verdict.
package consumer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/consent"
	"siyu/model/fresh"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/invite"
	"siyu/model/member"
	book "siyu/model/phone"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/profile"
	"siyu/model/redpacket"
	"siyu/model/rights"
	"siyu/model/scan"
	"siyu/model/tier"
	"siyu/wechat"
)

// WeChat is what the consumer's side asks of WeChat; *wechat.Client fits.
type WeChat interface {
	AuthorizeURL(app wechat.App, redirectURI, state string, userinfo bool) string
	OAuthLogin(ctx context.Context, app wechat.App, code string) (wechat.Login, error)
	MiniLogin(ctx context.Context, app wechat.App, code string) (wechat.Login, error)
	Follower(ctx context.Context, app wechat.App, openID string) (wechat.Follower, error)
	JSConfig(ctx context.Context, app wechat.App, pageURL string) (wechat.JSConfig, error)
}

// Deps are what a Handler works with.
type Deps struct {
	Clock      clock.Clock
	Codes      *code.Store
	Products   *product.Store
	Brands     *brand.Store
	Campaigns  *campaign.Store
	Claims     *claim.Store
	Packets    *redpacket.Store
	Points     *points.Accounts
	Tiers      *tier.Store
	Profiles   *profile.Store
	Identities *identity.Store
	Members    *member.Store
	Consents   *consent.Store
	Scans      *scan.Store
	Groups     *group.Store
	Invites    *invite.Store
	Replays    web.Replayer
	Phones     *book.Book
	Rights     *rights.Store
	Numbers    Numbers
	Wishes     Wishes
	Told       Told
	Links      Links
	// LoggedIn is told of every login; nil: nobody is.
	LoggedIn func(ctx context.Context, a brand.Account, memberID id.ID, channel string) error
	// HeldBy is told whose device opens his own codes (a keyed hash); nil: nobody is.
	HeldBy    func(ctx context.Context, memberID id.ID, deviceHash string) error
	WeChat    WeChat
	Places    scan.Placer // nil: no place is known
	Sessions  *web.Sessions
	Pages     *web.Pages
	PublicURL string // scheme and host, without a trailing slash
	Company   string // who answers for personal data
}

// PolicyVersion names the privacy text that the page shows; a change of the text needs a
// new one. What is asked of a person has versions of its own (consent.Purpose).
const PolicyVersion = "2026-11-22.2"

// Handler answers.
type Handler struct {
	Deps
	unknown   sync.Map // unknownKey -> the page in pieces
	guesses   *scan.Guesses
	strangers *scan.Throttle // anonymous looks that are stored, per address
	reports   *scan.Throttle // reports of fakes, per address
	logins    *scan.Throttle // mini-program logins, per address
	joins     *scan.Throttle // taps of nameless browsers on live codes, per address
	binds     *scan.Throttle // taps on "join", per address
	numbers   *scan.Throttle // telephone numbers asked of WeChat, per member

	// What every scan asks for; a change is seen within a second.
	goods     *fresh.Cache[id.ID, product.Product]
	brands    *fresh.Cache[id.ID, brand.Brand]
	officials *fresh.Cache[id.ID, []brand.Account] // by brand
	merchants *fresh.Cache[id.ID, brand.Account]
}

// New fails when it is not told how people log in and what they are shown.
func New(d Deps) (*Handler, error) {
	if d.Sessions == nil || d.Pages == nil {
		return nil, fmt.Errorf("consumer: sessions and pages are needed")
	}
	if d.Places == nil {
		d.Places = scan.Nowhere{}
	}
	h := &Handler{Deps: d, guesses: scan.NewGuesses(d.Clock),
		strangers: scan.NewThrottle(d.Clock, 60, 10*time.Minute),
		reports:   scan.NewThrottle(d.Clock, 5, 10*time.Minute),
		logins:    scan.NewThrottle(d.Clock, 60, time.Minute),
		joins:     scan.NewThrottle(d.Clock, 30, 10*time.Minute),
		binds:     scan.NewThrottle(d.Clock, 300, 10*time.Minute),
		numbers:   scan.NewThrottle(d.Clock, 3, 20*time.Minute),
		goods:     fresh.New(d.Clock, d.Products.Get),
		brands:    fresh.New(d.Clock, d.Brands.Get),
		merchants: fresh.New(d.Clock, d.Brands.Account),
		officials: fresh.New(d.Clock, func(ctx context.Context, brandID id.ID) ([]brand.Account, error) {
			return d.Brands.Accounts(ctx, brandID, brand.Official)
		})}
	return h, nil
}

// Routes is the whole surface. "member" needs a session, "public" does not.
func (h *Handler) Routes() []web.Route {
	return slices.Concat(h.scanRoutes(), h.privacyRoutes(), h.referralRoutes(), h.groupRoutes(), h.messageRoutes(), h.linkRoutes())
}

// scanRoutes: what follows a scan.
func (h *Handler) scanRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/q/:token", Permission: "public", Summary: "扫码验证页", Handler: h.scanPage},
		{Method: "GET", Path: "/Q/:token", Permission: "public", Summary: "扫码验证页(大写码)", Handler: h.scanPage},
		{Method: "GET", Path: "/01/:gtin/21/:token", Permission: "public", Summary: "扫码验证页(GS1 Digital Link)", Handler: h.scanPage},
		{Method: "POST", Path: "/q/:token/claim", Permission: "member", Summary: "领取(表单)", Handler: h.claimForm},
		{Method: "POST", Path: "/q/:token/report", Permission: "public", Summary: "举报假货(表单)", Handler: h.reportForm},
		{Method: "GET", Path: "/packets", Permission: "member", Summary: "我的红包", Handler: h.packetsPage},
		{Method: "GET", Path: "/packets/:claim", Permission: "member", Summary: "红包页", Handler: h.packetPage},
		{Method: "GET", Path: "/packets/:claim/state", Permission: "member", Summary: "红包状态(轮询)", Handler: h.packetState},
		{Method: "GET", Path: "/points", Permission: "member", Summary: "我的积分", Handler: h.pointsPage},
		{Method: "GET", Path: "/tier", Permission: "member", Summary: "我的会员等级", Handler: h.tierPage},
		{Method: "GET", Path: "/me/profile", Permission: "member", Summary: "我的资料", Handler: h.profilePage},
		{Method: "POST", Path: "/me/profile", Permission: "member", Summary: "填写、修改资料(表单)", Handler: h.profileForm},
		{Method: "POST", Path: "/me/profile/skip", Permission: "member", Summary: "跳过提问(表单)", Handler: h.skipForm},
		{Method: "GET", Path: "/rules/:campaign", Permission: "public", Summary: "活动规则", Handler: h.rulesPage},
		{Method: "GET", Path: "/rules/:campaign/terms", Permission: "public", Summary: "活动条款原文(核对抽奖)", Handler: h.rulesTerms},
		{Method: "GET", Path: "/privacy", Permission: "public", Summary: "隐私说明", Handler: h.privacyPage},
		{Method: "POST", Path: "/me/location", Permission: "member", Summary: "同意或撤回精确位置(表单)", Handler: h.locationForm},
		{Method: "GET", Path: "/wx/login", Permission: "public", Summary: "去微信登录", Handler: h.login},
		{Method: "GET", Path: "/wx/oauth/:slug", Permission: "public", Summary: "微信登录回跳", Handler: h.oauth},
		{Method: "GET", Path: "/wx/jsconfig", Permission: "member", Summary: "JS-SDK 签名", Handler: web.Answer(h.jsConfig)},
		{Method: "GET", Path: "/h5/:file", Permission: "public", Summary: "H5 静态文件", Handler: h.Pages.Static},
		{Method: "POST", Path: "/api/v1/login", Permission: "public", Summary: "小程序登录", Handler: web.Answer(h.apiLogin)},
		{Method: "POST", Path: "/api/v1/scan", Permission: "public", Summary: "小程序扫码验证", Handler: h.onceGenuine(h.apiScan, unknownScan)},
		{Method: "POST", Path: "/api/v1/claim", Permission: "member", Summary: "小程序领取", Handler: h.onceGenuine(h.apiClaim, unknownClaim)},
		{Method: "POST", Path: "/api/v1/location", Permission: "member", Summary: "小程序同意或撤回精确位置", Handler: web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, h.apiLocation)},
		{Method: "GET", Path: "/api/v1/profile", Permission: "member", Summary: "小程序我的资料", Handler: web.Answer(h.apiProfile)},
		{Method: "PUT", Path: "/api/v1/profile", Permission: "member", Summary: "小程序填写、修改资料", Handler: web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, h.apiPutProfile)},
		{Method: "POST", Path: "/api/v1/profile/skip", Permission: "member", Summary: "小程序跳过提问", Handler: web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, h.apiSkip)},
		{Method: "GET", Path: "/api/v1/packets", Permission: "member", Summary: "小程序我的红包", Handler: h.apiPackets},
		{Method: "GET", Path: "/api/v1/packets/:claim", Permission: "member", Summary: "小程序红包详情", Handler: h.packetState},
		{Method: "GET", Path: "/api/v1/points", Permission: "member", Summary: "小程序我的积分", Handler: web.Answer(h.apiPoints)},
		{Method: "GET", Path: "/api/v1/tier", Permission: "member", Summary: "小程序我的会员等级", Handler: web.Answer(h.apiTier)},
	}
}

// NotFound answers unknown paths: programs get JSON, people a page.
func (h *Handler) NotFound(c *gin.Context) {
	p := c.Request.URL.Path
	if strings.Contains(p, "/api/") || strings.HasPrefix(p, "/open/") || c.Request.Method != http.MethodGet {
		web.Fail(c, web.ErrNoPage)
		return
	}
	h.fail(c, web.ErrNoPage)
}
