package consumer

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/fault"
	"siyu/model/member"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// visit is one look at a text that may be a code, whoever serves it.
type visit struct {
	text     string
	session  *web.Session // nil: nobody we know
	wechat   bool
	snapshot bool
	ip, ua   string
	network  string    // what throttles count
	stranger string    // tells anonymous visitors apart
	limit    *scan.Cap // a limit that a claim has just met

	// relogin: should the session's member be gone, WeChat can say anew who it is.
	relogin bool
}

func (h *Handler) visit(c *gin.Context, text string) visit {
	b := web.BrowserOf(c.Request)
	v := visit{text: text, session: h.Sessions.Of(c), wechat: b.WeChat, ip: web.ClientIP(c), network: web.ClientNetwork(c), ua: c.Request.UserAgent(),
		snapshot: b.WeChat && c.Query("wx") == wxSnapshot}
	v.stranger = h.Sessions.Cookies.Signer.Digest("visitor", v.ip+"\n"+v.ua)
	if v.session != nil {
		v.wechat = true // a session only ever comes from WeChat
	}
	return v
}

func (v visit) openID() string {
	if v.session == nil {
		return ""
	}
	return v.session.OpenID
}

// view is everything a page or the API tells about a code.
type view struct {
	Code    code.Code // zero when the code is unknown
	Brand   brand.Brand
	Product product.Product
	Batch   code.Batch
	Offer   campaign.Offer
	Facts   scan.Facts
	Verdict scan.Verdict
	Claim   *claim.Claim      // the member's own
	Payout  *redpacket.Payout // of Claim; nil: none, or not read
}

// check is arithmetic only. reason is set, without a fault, when the code is not
// ours. Faults: Throttled too_many_guesses, Unavailable starting.
func (h *Handler) check(ctx context.Context, v visit) (found code.Code, reason string, err error) {
	if err := h.guesses.Check(v.ip, v.openID()); err != nil {
		return code.Code{}, "", err
	}
	found, err = h.Codes.Check(ctx, v.text)
	if f := fault.Of(err); err != nil && f.Code == "code_unknown" {
		h.guesses.Miss(v.ip, v.openID())
		reason, _ = f.Detail["reason"].(string)
		return code.Code{}, reason, nil
	}
	return found, "", err
}

// look checks a code, records the look and judges. It grants nothing.
func (h *Handler) look(ctx context.Context, v visit) (view, error) {
	found, reason, err := h.check(ctx, v)
	if err != nil {
		return view{}, err
	}
	if reason != "" {
		return unknownCode(reason), nil
	}
	return h.lookAt(ctx, v, found)
}

// unknownCode is the view of a text that is no code of ours.
func unknownCode(reason string) view {
	f := scan.Facts{UnknownReason: reason}
	return view{Facts: f, Verdict: scan.Judge(f)}
}

func (h *Handler) lookAt(ctx context.Context, v visit, found code.Code) (view, error) {
	out := view{Code: found}
	var err error
	if out.Brand, err = h.brands.Get(ctx, found.BrandID); err != nil {
		return view{}, err
	}
	if out.Product, err = h.goods.Get(ctx, found.ProductID); err != nil {
		return view{}, err
	}
	if out.Batch, err = h.Codes.Batch(ctx, found.BatchID); err != nil {
		return view{}, err
	}
	now := h.Clock.Now()
	out.Offer = h.Campaigns.For(ctx, found.BatchID, found.Serial, now)
	f := scan.Facts{Now: now, Known: true, CodeState: found.State, CodeReason: found.StateReason, WeChat: v.wechat, Snapshot: v.snapshot,
		Limit: v.limit, SupportPhone: out.Brand.SupportPhone, ScanPoints: out.Product.ScanPoints * int64(out.Product.PointsPercent) / 100,
		Campaign: scan.Campaign{State: out.Offer.State, Name: out.Offer.Name, FromAt: out.Offer.FromAt, UntilAt: out.Offer.UntilAt, TopPrize: out.Offer.TopPrize, Who: out.Offer.Who}}
	o := h.observation(v, found)
	seen, err := h.Claims.Look(ctx, o, out.Offer.CampaignID)
	if err != nil {
		return view{}, err
	}
	if v.session != nil && (seen.MemberState == "" || seen.MemberState == member.Erased) { // a member that is gone is nobody
		if v.relogin {
			return view{}, errGone
		}
		v.session = nil
		return h.lookAt(ctx, v, found)
	}
	o.Blocked = v.session != nil && seen.Blocked
	f.Member, f.Blocked = o.MemberID, o.Blocked
	if f.Sight, err = h.record(ctx, v, o, seen); err != nil {
		return view{}, err
	}
	if seen.First && f.Sight.FirstMember == seen.Sight.FirstMember { // verified under another of his accounts
		f.Sight.FirstMember = f.Member
	}
	if cl := seen.Claim; cl != nil {
		f.Claim = &scan.Claim{Mine: f.Member != 0 && seen.Mine, At: cl.CreatedAt}
		if f.Claim.Mine {
			out.Claim, out.Payout = cl, seen.Payout
		}
	}
	meetLimit(out.Offer, seen.UsedToday, &f)
	// Asked only of who could claim otherwise: it takes reads of its own.
	if out.Offer.MinLevel > 0 && out.Offer.State == campaign.StandRunning && scan.Judge(f).Reward.Can() {
		admitted, err := h.Claims.Admits(ctx, out.Offer, f.Member)
		if err != nil {
			return view{}, err
		}
		f.Campaign.Below = !admitted
	}
	out.Facts, out.Verdict = f, scan.Judge(f)
	return out, nil
}

// errGone is a session whose member is not there any more.
var errGone = fault.New(fault.Unauthenticated, "login", "请重新登录")

// observation is the visit as scans keep it; whether the member is blocked is not known
// yet.
func (h *Handler) observation(v visit, found code.Code) scan.Observation {
	o := scan.Observation{BrandID: found.BrandID, ProductID: found.ProductID, BatchID: found.BatchID, Serial: found.Serial,
		CodeState: found.State, Visitor: v.stranger, Place: h.Places.Place(v.ip), IP: v.ip, UserAgent: v.ua}
	if v.session != nil {
		o.MemberID = v.session.Member
	}
	return o
}

func (h *Handler) record(ctx context.Context, v visit, o scan.Observation, seen claim.Seen) (scan.Sight, error) {
	if o.MemberID == 0 {
		// One genuine code must not let a stranger fill the disk.
		if h.strangers.Over(v.network) {
			return seen.Sight, nil
		}
		h.strangers.Hit(v.network)
	}
	return h.Scans.Keep(ctx, o, seen.Sight, seen.Recent)
}

// meetLimit says beforehand what a claim would be refused for today.
func meetLimit(o campaign.Offer, used int, f *scan.Facts) {
	if f.Limit != nil || f.Member == 0 || f.Claim != nil || o.State != campaign.StandRunning || o.CapMemberDay == 0 || used < o.CapMemberDay {
		return
	}
	_, tomorrow := clock.DayOf(f.Now).Bounds()
	f.Limit = &scan.Cap{Code: "cap_member_day", Used: int64(used), Cap: int64(o.CapMemberDay), ResetsAt: tomorrow}
}

// scanPage is GET of a code's address: verdict first, everything else after it.
func (h *Handler) scanPage(c *gin.Context) {
	ctx := c.Request.Context()
	path := c.Request.URL.Path
	text, _ := codeText(path)
	v := h.visit(c, text)
	found, reason, err := h.check(ctx, v)
	if err != nil {
		h.fail(c, err)
		return
	}
	if reason != "" {
		h.showUnknown(c, v, reason)
		return
	}
	// In WeChat who looks can be found out silently, once.
	silent := v.wechat && c.Query("wx") == ""
	login := func() bool {
		a, err := h.official(ctx, found.BrandID)
		return err == nil && !(v.session != nil && !v.relogin && knows(v.session, a)) && h.toWeChat(c, a, web.LocalPath(path), false) == nil
	}
	if silent && login() {
		return
	}
	v.relogin = silent && v.session != nil
	out, err := h.lookAt(ctx, v, found)
	if errors.Is(err, errGone) {
		if login() {
			return
		}
		v.session, v.relogin = nil, false
		out, err = h.lookAt(ctx, v, found)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	h.showScan(c, http.StatusOK, v, out, "")
}

// knows says whether a session is good for an account's brand: red packets go to the
// openid of that account.
func knows(s *web.Session, a brand.Account) bool {
	return s.Channel != web.H5 || s.AppID == a.AppID
}
