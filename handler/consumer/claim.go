package consumer

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/scan"
)

// claim makes a claim for whoever the visit's web.Session is. Its look is stored in the same
// transaction, and model/claim decides there. Faults: those of claim.MakeSeen, with the
// verdict as the text of code_seen; NotFound code_unknown; Unauthenticated login.
func (h *Handler) claim(ctx context.Context, v visit) (claim.Claim, error) {
	found, reason, err := h.check(ctx, v)
	switch {
	case err != nil:
		return claim.Claim{}, err
	case reason != "":
		return claim.Claim{}, errUnknown(unknownCode(reason))
	case v.session == nil:
		return claim.Claim{}, web.ErrLogin
	}
	s := v.session
	made, err := h.Claims.MakeSeen(ctx, found, claim.Who{MemberID: s.Member, AppID: s.AppID, OpenID: s.OpenID}, h.observation(v, found))
	if err == nil {
		return made, nil
	}
	switch fault.Of(err).Code {
	case "member_blocked", "level_needed":
		if memberID, e := h.Sessions.Who(ctx, s); e == nil && memberID == 0 {
			return made, web.ErrLogin // neither, but gone
		}
	case "code_seen":
		out, e := h.lookAt(ctx, v, found)
		if e != nil {
			return made, e
		}
		return made, fault.New(fault.Conflict, "code_seen", out.Verdict.Text).With("first_at", out.Facts.Sight.FirstAt)
	}
	return made, err
}

// claimForm is POST /q/{token}/claim. It answers with a redirect, so that reloading
// the next page does not post again.
func (h *Handler) claimForm(c *gin.Context) {
	v := h.visit(c, "https://h/q/"+c.Param("token"))
	if v.session == nil {
		h.refuse(c, v, web.ErrLogin)
		return
	}
	if _, err := h.Sessions.Form(c, v.session); err != nil {
		h.refuse(c, v, err)
		return
	}
	made, err := h.claim(c.Request.Context(), v)
	if err != nil {
		v.limit = capOf(err)
		h.refuse(c, v, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/packets/"+made.ID.String())
}

// refuse shows the verdict again, with the fault's text above it.
func (h *Handler) refuse(c *gin.Context, v visit, cause error) {
	f := web.Note(c, cause)
	if f.Kind == fault.Throttled || f.Kind == fault.Unavailable || f.Kind == fault.Internal {
		h.fail(c, cause)
		return
	}
	out, err := h.look(c.Request.Context(), v)
	if err != nil {
		h.fail(c, err)
		return
	}
	h.showScan(c, web.Status(f), v, out, f.Text)
}

// capOf turns the fault of a limit into the fact of a verdict.
func capOf(err error) *scan.Cap {
	f := fault.Of(err)
	if f.Kind != fault.Exhausted {
		return nil
	}
	number := func(key string) int64 {
		switch n := f.Detail[key].(type) {
		case int:
			return int64(n)
		case int64:
			return n
		}
		return 0
	}
	resets, _ := f.Detail["resets_at"].(clock.Instant)
	return &scan.Cap{Code: f.Code, Used: number("used"), Cap: number("cap"), ResetsAt: resets}
}

// codeInput is the body of the API's scan and claim.
type codeInput struct {
	Code string `json:"code"` // a token, or the whole address that the camera read
}

// keyVisit is the visit of an API request once it has been read.
const keyVisit = "consumer.visit"

func (h *Handler) apiVisit(c *gin.Context) (visit, error) {
	if v, read := c.Get(keyVisit); read {
		return v.(visit), nil
	}
	var in codeInput
	if err := web.BindLoose(c, &in); err != nil {
		return visit{}, err
	}
	if len(in.Code) > 512 {
		return visit{}, fault.NewInvalid("bad_field", "码太长").With("field", "code")
	}
	v := h.visit(c, in.Code)
	v.wechat = true // the mini program runs nowhere else
	c.Set(keyVisit, v)
	return v, nil
}

// seen is the API's answer to a scan.
type seen struct {
	Verdict  scan.Verdict `json:"verdict"`
	CanClaim bool         `json:"can_claim"`
	Brand    *seenBrand   `json:"brand"`
	Product  *seenProduct `json:"product"`
	Campaign any          `json:"campaign"`
	Claim    *packet      `json:"claim"`
}

type seenBrand struct {
	Name         string `json:"name"`
	SupportPhone string `json:"support_phone"`
}

type seenProduct struct {
	Name       string `json:"name"`
	Spec       string `json:"spec"`
	GTIN       string `json:"gtin"`
	PictureURL string `json:"picture_url"`
	Batch      string `json:"batch"`
}

// apiScan is POST /api/v1/scan: a verdict is an answer, also a bad one.
func (h *Handler) apiScan(c *gin.Context) (any, error) {
	v, err := h.apiVisit(c)
	if err != nil {
		return nil, err
	}
	out, err := h.look(c.Request.Context(), v)
	if err != nil {
		return nil, err
	}
	s := seen{Verdict: out.Verdict, CanClaim: out.Verdict.Reward.Can()}
	if !out.Facts.Known {
		return s, nil
	}
	s.Brand = &seenBrand{out.Brand.Name, out.Brand.SupportPhone}
	s.Product = &seenProduct{out.Product.Name, out.Product.Spec, out.Product.GTIN, out.Product.PictureURL, out.Batch.Name}
	if out.Offer.CampaignID != 0 {
		s.Campaign = out.Offer
	}
	if out.Claim != nil {
		p, err := h.packetOf(c.Request.Context(), *out.Claim, out.Payout)
		if err != nil {
			return nil, err
		}
		s.Claim = &p
	}
	return s, nil
}

// onceGenuine makes an action on a code repeatable. The code is looked at before the
// Idempotency-Key: remembering answers costs SQL, and a forged code costs none.
func (h *Handler) onceGenuine(action, unknown func(c *gin.Context) (any, error)) gin.HandlerFunc {
	once := web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, action)
	return func(c *gin.Context) {
		v, err := h.apiVisit(c)
		if err != nil {
			web.Fail(c, err)
			return
		}
		_, reason, err := h.check(c.Request.Context(), v)
		switch {
		case err != nil:
			web.Fail(c, err)
		case reason == "":
			once(c)
		default:
			c.Set(keyReason, reason)
			web.Answer(unknown)(c)
		}
	}
}

// keyReason is why the code of a request is none of ours.
const keyReason = "consumer.reason"

func unknownScan(c *gin.Context) (any, error) {
	return seen{Verdict: unknownCode(c.GetString(keyReason)).Verdict}, nil
}

func unknownClaim(c *gin.Context) (any, error) {
	return nil, errUnknown(unknownCode(c.GetString(keyReason)))
}

func errUnknown(v view) error {
	return fault.New(fault.NotFound, "code_unknown", v.Verdict.Title+"。"+v.Verdict.Text)
}

// apiClaim is POST /api/v1/claim.
func (h *Handler) apiClaim(c *gin.Context) (any, error) {
	if _, err := h.Sessions.Must(c); err != nil {
		return nil, err
	}
	v, err := h.apiVisit(c)
	if err != nil {
		return nil, err
	}
	made, err := h.claim(c.Request.Context(), v)
	if err != nil {
		return nil, err
	}
	return h.packet(c.Request.Context(), made)
}
