package consumer

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/invite"
)

// ownView is the body of the page of one's own code.
type ownView struct {
	invite.Own
	PosterURL string
	FormToken string
	Done      bool // a relation was ended just now
}

// brandOf is the brand that a person asks about: the one he names, else the one whose
// account he came in by.
func (h *Handler) brandOf(c *gin.Context, s web.Session, named id.ID) (id.ID, error) {
	if named != 0 {
		return named, nil
	}
	kind := brand.Official
	if s.Channel == web.Mini {
		kind = brand.Mini
	}
	a, err := h.Brands.AccountByApp(c.Request.Context(), kind, s.AppID)
	return a.BrandID, err
}

// own reads the own side of who asks.
func (h *Handler) own(c *gin.Context) (web.Session, invite.Own, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return s, invite.Own{}, err
	}
	named, err := web.QueryID(c, "brand_id")
	if err == nil {
		named, err = h.brandOf(c, s, named)
	}
	if err != nil {
		return s, invite.Own{}, err
	}
	o, err := h.Invites.Offer(c.Request.Context(), named, s.Member)
	return s, o, err
}

func (h *Handler) myInvitePage(c *gin.Context) {
	s, o, err := h.own(c)
	if err == nil && h.HeldBy != nil {
		// His own phone is known before it registers others.
		err = h.HeldBy(c.Request.Context(), s.Member, h.Sessions.Device(c))
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	body := ownView{Own: o, FormToken: h.Sessions.FormToken(&s), Done: c.Query("done") == "1",
		PosterURL: "/me/invite/poster." + h.Invites.PosterFormat() + "?brand_id=" + o.BrandID.String()}
	h.Pages.Show(c, http.StatusOK, "invite.html", web.Frame{Title: "我的邀请", Brand: o.Brand.Name, Seal: "邀请", Phone: o.Brand.SupportPhone, Body: body})
}

// myPoster draws one's own poster, nobody else's.
func (h *Handler) myPoster(format string) gin.HandlerFunc {
	return func(c *gin.Context) {
		s, err := h.Sessions.Present(c)
		if err != nil {
			web.Fail(c, err) // a picture is no page: who sees it is logged in already
			return
		}
		named, err := web.QueryID(c, "brand_id")
		if err == nil {
			named, err = h.brandOf(c, s, named)
		}
		if err != nil {
			web.Fail(c, err)
			return
		}
		img, err := h.Invites.Poster(c.Request.Context(), named, s.Member, format)
		if err != nil {
			web.Fail(c, err)
			return
		}
		web.Picture(c, img.Kind, img.Tag, img.Body)
	}
}

// leave ends the relation of who asks. That there is none is what he wanted.
func (h *Handler) leave(c *gin.Context, s web.Session, named id.ID) (id.ID, error) {
	brandID, err := h.brandOf(c, s, named)
	if err != nil {
		return 0, err
	}
	err = h.Invites.Leave(c.Request.Context(), brandID, s.Member)
	if f := fault.Of(err); err != nil && f.Code == "referral_none" {
		err = nil
	}
	return brandID, err
}

func (h *Handler) leaveForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	named, err := id.Parse(get("brand_id"))
	if err == nil {
		named, err = h.leave(c, s, named)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/me/invite?done=1&brand_id="+named.String())
}

// apiReferral is GET /api/v1/referral.
func (h *Handler) apiReferral(c *gin.Context) (any, error) {
	_, o, err := h.own(c)
	return o, err
}

// apiLeave is POST /api/v1/referral/leave.
func (h *Handler) apiLeave(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		BrandID id.ID `json:"brand_id"`
	}
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := h.leave(c, s, in.BrandID)
	return gin.H{"brand_id": brandID}, err
}
