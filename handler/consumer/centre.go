package consumer

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rights"
)

// centreView is the page of consents and rights (授权管理).
type centreView struct {
	Needed    []consent.Answer // nothing to choose
	Asked     []consent.Answer
	Requests  []mine
	Phone     string // masked; "" none
	FormToken string
	Done      bool
	FileURL   string // of the file that was just asked for
	Erasing   bool   // an erasure is open
}

func (h *Handler) centrePage(c *gin.Context) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	v := centreView{FormToken: h.Sessions.FormToken(&s), Done: c.Query("done") == "1"}
	if t := c.Query("file"); t != "" && len(t) < 512 && !strings.ContainsAny(t, "/\\?#") {
		v.FileURL = "/rights/file/" + t
	}
	state, err := h.Consents.State(c.Request.Context(), s.Member)
	if err == nil {
		v.Requests, err = h.requests(c, s)
	}
	if err == nil {
		v.Phone, err = h.phoneOf(c, s.Member)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	for _, a := range state {
		if a.Needed {
			v.Needed = append(v.Needed, a)
		} else {
			v.Asked = append(v.Asked, a)
		}
	}
	for _, r := range v.Requests {
		v.Erasing = v.Erasing || r.Kind == rights.Erase && r.Open()
	}
	h.Pages.Show(c, http.StatusOK, "centre.html", web.Frame{Title: "授权与个人信息", Body: v})
}

// phoneOf is the member's verified number, masked.
func (h *Handler) phoneOf(c *gin.Context, memberID id.ID) (string, error) {
	ctx := c.Request.Context()
	m, err := h.Members.Get(ctx, memberID)
	if err != nil {
		return "", err
	}
	keys, err := h.Identities.Keys(ctx, m.PersonID)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		if k.Kind != "phone" {
			continue
		}
		shown, err := h.Phones.Masked(ctx, []string{k.Value})
		if err != nil || shown[k.Value] != "" {
			return shown[k.Value], err
		}
	}
	return "", nil
}

// posted is what every form of these pages begins with. It answers failures itself.
func (h *Handler) posted(c *gin.Context) (s web.Session, get func(string) string, ok bool) {
	s, err := h.Sessions.Present(c)
	if err == nil {
		get, err = h.Sessions.Form(c, &s)
	}
	if err != nil {
		h.fail(c, err)
		return s, nil, false
	}
	return s, get, true
}

// back shows the page again; reloading it posts nothing.
func (h *Handler) back(c *gin.Context, query string, err error) {
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/me/privacy?"+query)
}

func (h *Handler) consentForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	answer := get("given")
	if answer != "0" && answer != "1" {
		h.fail(c, fault.NewInvalid("bad_field", "请选择同意或不同意"))
		return
	}
	_, err := h.agree(c, s, get("purpose"), answer == "1")
	h.back(c, "done=1", err)
}

func (h *Handler) rightsForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	kind := get("kind")
	if kind == rights.Erase && get("understood") != "1" {
		h.fail(c, fault.NewInvalid("not_understood", "请先勾选“我已了解注销的后果”"))
		return
	}
	_, err := h.ask(c, s, kind, nil)
	h.back(c, "done=1", err)
}

func (h *Handler) cancelForm(c *gin.Context) {
	s, _, ok := h.posted(c)
	if !ok {
		return
	}
	_, err := h.cancel(c, s)
	h.back(c, "done=1", err)
}

func (h *Handler) ticketForm(c *gin.Context) {
	s, _, ok := h.posted(c)
	if !ok {
		return
	}
	link, err := h.ticket(c, s)
	h.back(c, "file="+strings.TrimPrefix(link, "/rights/file/"), err)
}

// receiptView shows an erasure to who has its link; nobody can log in as him any more.
type receiptView struct {
	mine
	Proof *rights.Proof
	JSON  string // where the proof is as a file
}

func (h *Handler) receiptPage(c *gin.Context) {
	text, ok := h.Sessions.Cookies.Signer.Open("rights receipt", c.Param("receipt"))
	requestID, err := id.Parse(text)
	if !ok || err != nil {
		h.fail(c, fault.New(fault.NotFound, "receipt_not_found", "没有这个回执"))
		return
	}
	r, err := h.Rights.Get(c.Request.Context(), requestID)
	if err != nil {
		h.fail(c, err)
		return
	}
	v := receiptView{mine: h.mine(r), JSON: c.Request.URL.Path + "?format=json"}
	if r.State == rights.Done {
		p, err := h.Rights.ProofOf(c.Request.Context(), requestID)
		if err != nil {
			h.fail(c, err)
			return
		}
		v.Proof = &p
		if c.Query("format") == "json" {
			c.Header("Content-Disposition", `attachment; filename="erasure-`+requestID.String()+`.json"`)
			c.Header("Cache-Control", "no-store")
			c.JSON(http.StatusOK, p)
			return
		}
	}
	h.Pages.Show(c, http.StatusOK, "receipt.html", web.Frame{Title: "注销结果", Body: v})
}
