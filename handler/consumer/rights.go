package consumer

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rights"
)

const (
	ticketTTL  = 10 * time.Minute
	receiptTTL = 3 * 365 * 24 * time.Hour // as long as what is kept is kept
)

// privacyRoutes: what a person agrees to, and what he may ask of his data.
func (h *Handler) privacyRoutes() []web.Route {
	once := func(do func(*gin.Context) (any, error)) gin.HandlerFunc {
		return web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, do)
	}
	return []web.Route{
		{Method: "GET", Path: "/me/privacy", Permission: "member", Summary: "授权管理与个人信息权利", Handler: h.centrePage},
		{Method: "POST", Path: "/me/consents", Permission: "member", Summary: "同意或撤回一项授权(表单)", Handler: h.consentForm},
		{Method: "POST", Path: "/me/rights", Permission: "member", Summary: "申请复制、限制或注销(表单)", Handler: h.rightsForm},
		{Method: "POST", Path: "/me/rights/:id/cancel", Permission: "member", Summary: "撤回申请(表单)", Handler: h.cancelForm},
		{Method: "POST", Path: "/me/rights/:id/ticket", Permission: "member", Summary: "取得下载链接(表单)", Handler: h.ticketForm},
		{Method: "GET", Path: "/rights/file/:ticket", Permission: "public", Summary: "凭链接下载我的数据(限次)", Handler: h.rightsFile},
		{Method: "GET", Path: "/rights/receipt/:receipt", Permission: "public", Summary: "凭回执查看注销结果与证明", Handler: h.receiptPage},
		{Method: "GET", Path: "/api/v1/consents", Permission: "member", Summary: "小程序授权列表", Handler: web.Answer(h.apiConsents)},
		{Method: "PUT", Path: "/api/v1/consents", Permission: "member", Summary: "小程序同意或撤回一项授权", Handler: once(h.apiConsent)},
		{Method: "GET", Path: "/api/v1/rights", Permission: "member", Summary: "小程序我的个人信息请求", Handler: web.Answer(h.apiRights)},
		{Method: "POST", Path: "/api/v1/rights", Permission: "member", Summary: "小程序申请复制、更正、限制或注销", Handler: once(h.apiAsk)},
		{Method: "POST", Path: "/api/v1/rights/:id/cancel", Permission: "member", Summary: "小程序撤回申请", Handler: once(h.apiCancel)},
		{Method: "POST", Path: "/api/v1/rights/:id/ticket", Permission: "member", Summary: "小程序取得下载链接", Handler: web.Answer(h.apiTicket)},
		{Method: "POST", Path: "/api/v1/phone", Permission: "member", Summary: "小程序验证手机号", Handler: once(h.apiPhone)},
	}
}

// mine is a request as its own person sees it.
type mine struct {
	rights.Request
	Title     string `json:"title"`
	StateText string `json:"state_text"`
	Receipt   string `json:"receipt"` // link that shows an erasure's end to who cannot log in any more
	CanCancel bool   `json:"can_cancel"`
	CanFetch  bool   `json:"can_fetch"`
}

var kindTitles = [...][2]string{{rights.Export, "复制我的数据"}, {rights.Correct, "更正资料"}, {rights.Erase, "注销并删除"}, {rights.Restrict, "停止个性化和营销"}}

func kindTitle(kind string) string {
	for _, k := range kindTitles {
		if k[0] == kind {
			return k[1]
		}
	}
	return kind
}

func stateText(r rights.Request, now clock.Instant) string {
	switch {
	case r.State == rights.Approved && r.StartAt > now:
		return r.StartAt.Local() + " 之后执行，此前可以撤回"
	case r.State == rights.Approved && r.Answer != "":
		return r.Answer
	case r.State == rights.Requested:
		return "已收到，" + r.DueAt.Add(-time.Minute).Local()[:10] + " 前答复"
	case r.State == rights.Approved || r.State == rights.Running:
		return "正在处理，请稍候"
	case r.Kind == rights.Export && r.State == rights.Done && (r.ExpiresAt <= now || r.FileBytes == 0):
		return "文件已过期，可以重新申请"
	case r.Kind == rights.Export && r.State == rights.Done:
		return "文件已生成，" + r.ExpiresAt.Local() + " 前可以下载"
	}
	return map[string]string{rights.Done: "已完成", rights.Refused: "未能受理：" + r.Answer, rights.Cancelled: "已撤回"}[r.State]
}

func (h *Handler) mine(r rights.Request) mine {
	now := h.Clock.Now()
	m := mine{Request: r, Title: kindTitle(r.Kind), StateText: stateText(r, now)}
	m.CanCancel = r.State == rights.Requested || r.State == rights.Approved
	m.CanFetch = r.Kind == rights.Export && r.State == rights.Done && r.FileBytes > 0 && r.ExpiresAt > now
	if r.Kind == rights.Erase {
		m.Receipt = "/rights/receipt/" + h.Sessions.Cookies.Signer.Sign("rights receipt", r.ID.String(), receiptTTL)
	}
	return m
}

func (h *Handler) requests(c *gin.Context, s web.Session) ([]mine, error) {
	list, err := h.Rights.Mine(c.Request.Context(), s.Member, 20)
	out := make([]mine, 0, len(list))
	for _, r := range list {
		out = append(out, h.mine(r))
	}
	return out, err
}

// ask records a request of the member himself.
func (h *Handler) ask(c *gin.Context, s web.Session, kind string, fields map[string]string) (mine, error) {
	r, err := h.Rights.Ask(c.Request.Context(), rights.Ask{MemberID: s.Member, Kind: kind, Channel: s.Channel, Fields: fields, Evidence: h.evidence(c)})
	if err != nil {
		return mine{}, err
	}
	return h.mine(r), nil
}

// ticket is a link that fetches a file for a short time, in any browser: WeChat's own
// keeps no files.
func (h *Handler) ticket(c *gin.Context, s web.Session) (string, error) {
	requestID, err := web.ParamID(c, "id")
	if err != nil {
		return "", err
	}
	r, err := h.Rights.OfMember(c.Request.Context(), s.Member, requestID)
	if err != nil {
		return "", err
	}
	if m := h.mine(r); !m.CanFetch {
		return "", fault.New(fault.Conflict, "file_not_ready", "文件尚未就绪或已过期，可以重新申请")
	}
	return "/rights/file/" + h.Sessions.Cookies.Signer.Sign("rights file", s.Member.String()+"/"+r.ID.String(), ticketTTL), nil
}

// rightsFile is GET of such a link. It counts, so a preview costs one of the few times.
func (h *Handler) rightsFile(c *gin.Context) {
	text, ok := h.Sessions.Cookies.Signer.Open("rights file", c.Param("ticket"))
	member, request, _ := strings.Cut(text, "/")
	memberID, err := id.Parse(member)
	requestID, err2 := id.Parse(request)
	if !ok || err != nil || err2 != nil {
		h.fail(c, fault.New(fault.Forbidden, "ticket", "下载链接无效或已过期，请重新获取"))
		return
	}
	file, err := h.Rights.Download(c.Request.Context(), memberID, requestID)
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Disposition", `attachment; filename="my-data-`+requestID.String()+`.json"`)
	c.Data(http.StatusOK, "application/json; charset=utf-8", file)
}

// apiConsents is GET /api/v1/consents.
func (h *Handler) apiConsents(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.Consents.State(c.Request.Context(), s.Member)
}

// apiConsent is PUT /api/v1/consents {"purpose","given"}.
func (h *Handler) apiConsent(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Purpose string `json:"purpose"`
		Given   *bool  `json:"given"` // must be said: a missing word is no answer
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	if in.Given == nil {
		return nil, fault.NewInvalid("bad_field", "请选择同意或不同意").With("field", "given")
	}
	if _, err := h.agree(c, s, in.Purpose, *in.Given); err != nil {
		return nil, err
	}
	return h.Consents.State(c.Request.Context(), s.Member)
}

// apiRights is GET /api/v1/rights.
func (h *Handler) apiRights(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.requests(c, s)
}

// apiAsk is POST /api/v1/rights {"kind","fields"}.
func (h *Handler) apiAsk(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Kind   string            `json:"kind"`
		Fields map[string]string `json:"fields"` // of a correction
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.ask(c, s, in.Kind, in.Fields)
}

// apiCancel is POST /api/v1/rights/{id}/cancel.
func (h *Handler) apiCancel(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.cancel(c, s)
}

func (h *Handler) cancel(c *gin.Context, s web.Session) (mine, error) {
	requestID, err := web.ParamID(c, "id")
	if err != nil {
		return mine{}, err
	}
	r, err := h.Rights.Cancel(c.Request.Context(), s.Member, requestID)
	if err != nil {
		return mine{}, err
	}
	return h.mine(r), nil
}

// apiTicket is POST /api/v1/rights/{id}/ticket. The link is a secret for ten minutes, so
// the answer is not kept for a repeated call: it makes another.
func (h *Handler) apiTicket(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	link, err := h.ticket(c, s)
	if err != nil {
		return nil, err
	}
	return gin.H{"url": h.PublicURL + link, "expires_in_s": int(ticketTTL / time.Second)}, nil
}
