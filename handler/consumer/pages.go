package consumer

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/campaign"
	"siyu/model/code"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/profile"
	"siyu/model/scan"
)

// scanView is the body of the verdict page.
type scanView struct {
	view
	Token     string // canonical, or what was typed
	Path      string
	Notice    string // a fault that a form ran into
	FormToken string
	CanClaim  bool
	Packet    *packet // the member's own claim
	LoginURL  string
	FullURL   string
	Logged    bool
	Reported  bool
}

func (h *Handler) showScan(c *gin.Context, status int, v visit, out view, note string) {
	body := scanView{Token: out.Code.Token, Notice: note, FormToken: h.Sessions.FormToken(v.session), Reported: c.Query("reported") == "1"}
	if body.Token == "" {
		body.Token = c.Param("token")
	}
	if out.Claim != nil {
		p, err := h.packetOf(c.Request.Context(), *out.Claim, out.Payout)
		if err != nil {
			h.fail(c, err)
			return
		}
		body.Packet = &p
	}
	h.Pages.Show(c, status, "scan.html", scanFrame(out, body), out.Product.PictureURL)
}

// scanFrame is the whole page but for what show adds. body brings what depends on the
// request.
func scanFrame(out view, body scanView) web.Frame {
	body.view, body.CanClaim, body.Logged = out, out.Verdict.Reward.Can(), out.Facts.Member != 0
	body.Path = "/q/" + url.PathEscape(body.Token)
	body.LoginURL = "/wx/login?to=" + url.QueryEscape(body.Path)
	body.FullURL = body.LoginURL + "&full=1"
	f := web.Frame{Title: out.Verdict.Title, Brand: out.Brand.Name, Phone: out.Brand.SupportPhone, Organiser: out.Offer.Organiser, Body: body}
	if out.Offer.CampaignID != 0 {
		f.RulesURL = "/rules/" + out.Offer.CampaignID.String()
	}
	return f
}

type packetView struct {
	packet
	CanConfirmHere bool   // WeChat on a computer cannot
	Campaign       string // "" = product points only
	Drawn          string // what recomputing the draw needs; "" before the seed is public
}

func (h *Handler) packetPage(c *gin.Context) {
	p, cl, err := h.ownPacket(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	b, err := h.Brands.Get(c.Request.Context(), cl.BrandID)
	if err != nil {
		h.fail(c, err)
		return
	}
	br := web.BrowserOf(c.Request)
	body := packetView{packet: p, CanConfirmHere: br.WeChat && br.Phone}
	f := web.Frame{Title: p.Title, Brand: b.Name, Phone: b.SupportPhone}
	if cl.CampaignID != 0 {
		o, err := h.Campaigns.Live(c.Request.Context(), cl.CampaignID)
		if err != nil {
			h.fail(c, err)
			return
		}
		f.Organiser, f.RulesURL, body.Campaign = o.Organiser, "/rules/"+cl.CampaignID.String(), o.Name
		// The serial tells how much was printed; only the end of a campaign needs it.
		if o.SeedRevealed != "" {
			body.Drawn = "批次 " + cl.BatchID.String() + " 序号 " + strconv.FormatInt(cl.Serial, 10)
		}
	}
	if p.PollMs > 0 {
		f.Refresh = 5
	}
	f.Body = body
	h.Pages.Show(c, http.StatusOK, "packet.html", f)
}

type packetsView struct {
	List []packet
	Next string
	Ask  *profile.Question // the one question, when there is one
}

func (h *Handler) packetsPage(c *gin.Context) {
	list, next, err := h.packets(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	body := packetsView{List: list, Next: next}
	if s, err := h.Sessions.Present(c); err == nil && len(list) > 0 && c.Query("before") == "" { // he has just got something
		body.Ask = h.question(c, s)
	}
	h.Pages.Show(c, http.StatusOK, "packets.html", web.Frame{Title: "我的红包", Body: body})
}

type rulesView struct {
	campaign.Offer
	State    string // for people
	TermsURL string
}

// offered is what the campaign of the address promises.
func (h *Handler) offered(c *gin.Context) (campaign.Offer, error) {
	campaignID, err := web.ParamID(c, "campaign")
	if err != nil {
		return campaign.Offer{}, err
	}
	return h.Campaigns.Live(c.Request.Context(), campaignID)
}

func (h *Handler) rulesPage(c *gin.Context) {
	o, err := h.offered(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	b, err := h.Brands.Get(c.Request.Context(), o.BrandID)
	if err != nil {
		h.fail(c, err)
		return
	}
	state := map[string]string{campaign.StandNotBegun: "尚未开始", campaign.StandRunning: "进行中", campaign.StandPaused: "已暂停",
		campaign.StandEnded: "已结束", campaign.StandUsedUp: "已领完"}[o.State]
	h.Pages.Show(c, http.StatusOK, "rules.html", web.Frame{Title: "活动规则", Brand: b.Name, Phone: b.SupportPhone,
		Body: rulesView{Offer: o, State: state, TermsURL: c.Request.URL.Path + "/terms"}})
}

// rulesTerms is the text that the seed's hash binds, byte for byte: with the revealed
// seed it is all that recomputing a draw needs.
func (h *Handler) rulesTerms(c *gin.Context) {
	o, err := h.offered(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="terms-`+o.CampaignID.String()+`.txt"`)
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(o.Terms))
}

type privacyView struct {
	Version   string
	Logged    bool
	Agreed    bool
	FormToken string
	Code      string
	Done      bool
}

func (h *Handler) privacyPage(c *gin.Context) {
	s := h.Sessions.Of(c)
	body := privacyView{Version: PolicyVersion, FormToken: h.Sessions.FormToken(s), Code: c.Query("code"), Done: c.Query("done") == "1"}
	memberID, err := h.Sessions.Who(c.Request.Context(), s)
	if err == nil && memberID != 0 {
		body.Logged = true
		body.Agreed, err = h.Consents.Given(c.Request.Context(), memberID, consent.ExactPlace)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	h.Pages.Show(c, http.StatusOK, "privacy.html", web.Frame{Title: "隐私说明", Body: body})
}

// place is what a member says about where he is.
type place struct {
	Agree bool     `json:"agree"`
	Code  string   `json:"code"` // the scan that the place belongs to; "" = consent only
	Lat   *float64 `json:"lat"`
	Lon   *float64 `json:"lon"`
}

// locate records consent or its withdrawal; the latter erases what is stored, because
// that is registered with the consents.
func (h *Handler) locate(c *gin.Context, s web.Session, in place) error {
	ctx := c.Request.Context()
	if _, err := h.agree(c, s, consent.ExactPlace, in.Agree); err != nil {
		return err
	}
	if !in.Agree || in.Code == "" || in.Lat == nil || in.Lon == nil {
		return nil
	}
	found, reason, err := h.check(ctx, h.visit(c, in.Code))
	if err != nil {
		return err
	}
	if reason != "" {
		return fault.New(fault.NotFound, "code_unknown", "未查询到此码")
	}
	return h.Scans.PutExactPlace(ctx, s.Member, found.BatchID, found.Serial, *in.Lat, *in.Lon)
}

func (h *Handler) locationForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	in := place{Agree: get("agree") == "1", Code: get("code")}
	if lat, err := strconv.ParseFloat(get("lat"), 64); err == nil {
		in.Lat = &lat
	}
	if lon, err := strconv.ParseFloat(get("lon"), 64); err == nil {
		in.Lon = &lon
	}
	if err := h.locate(c, s, in); err != nil {
		h.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/privacy?done=1")
}

// apiLocation is POST /api/v1/location.
func (h *Handler) apiLocation(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in place
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return gin.H{"agree": in.Agree}, h.locate(c, s, in)
}

// reportForm is POST /q/{token}/report: also for codes that are not ours, which are
// the ones worth reporting.
func (h *Handler) reportForm(c *gin.Context) {
	v := h.visit(c, "https://h/q/"+c.Param("token"))
	get, err := h.Sessions.Form(c, v.session)
	if err != nil {
		h.fail(c, err)
		return
	}
	if h.reports.Over(v.network) {
		h.fail(c, fault.New(fault.Throttled, "too_many_reports", "举报过于频繁，请稍后再试"))
		return
	}
	h.reports.Hit(v.network)
	ctx := c.Request.Context()
	// Not check: who reports a fake is no guesser.
	found, err := h.Codes.Check(ctx, v.text)
	if err != nil && fault.Of(err).Code != "code_unknown" {
		h.fail(c, err)
		return
	}
	r := scan.Report{BatchID: found.BatchID, Serial: found.Serial, TokenText: c.Param("token"), Note: get("note")}
	if v.session != nil {
		r.MemberID = v.session.Member
	}
	if found != (code.Code{}) {
		r.TokenText = "" // batch and serial say it; a live token is not copied around
	}
	// A form carries no Idempotency-Key; its own token is as good: tapped twice, it is
	// one report.
	key := h.Sessions.Cookies.Signer.Digest("report", get("form_token")+"\n"+c.Param("token")+"\n"+r.Note)
	_, _, _, err = h.Replays.Do(ctx, h.Sessions.Owner(c), key, nil, func() (int, []byte, error) {
		_, err := h.Scans.PutReport(ctx, r)
		return http.StatusSeeOther, []byte{}, err
	})
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/q/"+url.PathEscape(c.Param("token"))+"?reported=1&wx="+wxDone)
}
