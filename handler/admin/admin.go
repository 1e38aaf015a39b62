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
	"siyu/model/campaign/turnout"
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
	"siyu/model/health"
	"siyu/model/holdout"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/issuance"
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
	"siyu/model/push"
	"siyu/model/quiet"
	"siyu/model/reach"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
	"siyu/model/referral"
	"siyu/model/region"
	"siyu/model/reply"
	"siyu/model/rights"
	"siyu/model/scan"
	"siyu/model/segment"
	"siyu/model/tag"
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
	Issues      *issuance.Store
	Regions     *region.Store
	Campaigns   *campaign.Store
	Claims      *claim.Store
	Packets     *redpacket.Store
	Ledger      *ledger.Ledger
	Reconcile   *reconcile.Store
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
	Tags        *tag.Store
	Segments    *segment.Store
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
	Turnout     *turnout.Store
	Samples     Sampler
	Extracts    *extract.Store
	Progress    *progress.Store
	Find        *find.Store
	Outbox      *outbox.Store
	Cookies     web.Cookies
	// PublicHost is the host of the public address; a log-in from another origin's
	// page is refused.
	PublicHost string
	PublicURL  string // how browsers and WeChat reach this program
	Health     *health.Store
	Holdout    *holdout.Store
	Pushes     *push.Store
	Reach      *reach.Store
	Reports    *holdout.Reports
	Quiet      *quiet.Store
	// Sandbox: WeChat is the simulator, so demo data may be cleared.
	Sandbox bool
	// PerMinute is how many requests an operator may make in a minute, over all his
	// sessions; 0: 1200. A page makes about ten.
	PerMinute uint16
	// FewPeople is below how many people a number is not told to operators who may not open
	// members' pages; 0: 5. FewKey decides how far their other numbers are moved.
	FewPeople int
	FewKey    []byte
}

// Handler answers.
type Handler struct {
	Deps
	tries   *scan.Throttle // log-ins per address
	reveals *scan.Throttle // telephone numbers shown, per operator
	samples *scan.Throttle // pictures of single codes shown, per operator
	rates   *scan.Throttle // requests, per operator
	photos  chan struct{}  // one photo is looked through at a time
}

// loginsPerAddress within ten minutes: an office behind one address gets in, a
// machine that guesses does not.
const loginsPerAddress = 60

// requestsPerMinute of one operator: nobody reads faster, a program that copies the
// members does.
const requestsPerMinute = 1200

// New makes a handler.
func New(d Deps) *Handler {
	if d.FewPeople == 0 {
		d.FewPeople = fewPeople
	}
	if d.PerMinute == 0 {
		d.PerMinute = requestsPerMinute
	}
	return &Handler{Deps: d, rates: scan.NewThrottle(d.Clock, d.PerMinute, time.Minute), tries: scan.NewThrottle(d.Clock, loginsPerAddress, 10*time.Minute),
		reveals: scan.NewThrottle(d.Clock, revealsPerOperator, time.Hour), samples: scan.NewThrottle(d.Clock, samplesPerOperator, time.Hour), photos: make(chan struct{}, 1)}
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
		h.sessionRoutes(),
		h.settingsRoutes(),
		h.goodsRoutes(),
		h.codeRoutes(),
		h.issuanceRoutes(),
		h.regionRoutes(),
		h.eventRoutes(),
		h.pointsRoutes(),
		h.commissionRoutes(),
		h.withdrawalRoutes(),
		h.profileRoutes(),
		h.tagRoutes(),
		h.segmentRoutes(),
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
		h.campaignRoutes(),
		h.extractRoutes(),
		h.jobRoutes(),
		h.trailRoutes(),
		h.searchRoutes(),
		h.moneyRoutes(),
		h.holdoutRoutes(),
		h.pushRoutes(),
		h.reachRoutes(),
	)
}

// goodsRoutes: money and health.
func (h *Handler) goodsRoutes() []web.Route {
	return []web.Route{

		at(get, "/overview", operator.HealthRead, "运行概览", web.Answer(h.overview)).Gives(insight.Overview{}),
	}
}
