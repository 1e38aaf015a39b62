package consumer

import (
	"context"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/group"
)

// Live codes (活码): the page behind a printed code, which shows the join code of one
// group. A place is taken for a member whom WeChat named, or for a browser that asked for
// it with a tap on a page of ours and has kept our cookie. Whoever only fetches addresses
// (previews, crawlers, prefetching browsers) is neither and takes none.

const (
	visitorCookie = "siyu_v"
	visitorTTL    = 30 * 24 * time.Hour
	modulePx      = 8
)

// errNoSuchCode is said to somebody with a poster in front of him: he knows no live codes.
var errNoSuchCode = fault.New(fault.NotFound, "live_code_not_found", "这个二维码不是我们发出的，或者抄写有误")

var errJoins = fault.New(fault.Throttled, "too_many_joins", "操作过于频繁，请稍后再试").With("retry_after_s", 300)

// groupRoutes: live codes.
func (h *Handler) groupRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/g/:token", Permission: "public", Summary: "活码入群页", Handler: h.groupPage},
		{Method: "GET", Path: "/G/:token", Permission: "public", Summary: "活码入群页(大写码)", Handler: h.groupPage},
		{Method: "POST", Path: "/g/:token", Permission: "public", Summary: "未登录时点按查看群二维码(表单)", Handler: h.groupForm},
		{Method: "POST", Path: "/api/v1/group", Permission: "member", Summary: "小程序活码入群", Handler: web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, h.apiGroup)},
	}
}

// What the page offers.
const (
	joinShown   = "join"    // the join code
	joinTap     = "tap"     // a tap is needed: it is not known who this is
	joinNone    = "none"    // no group takes people now
	joinOutside = "outside" // not in WeChat
)

// join is what one visitor is told of a live code.
type join struct {
	State        string `json:"state"`
	Name         string `json:"name"`          // of the group
	Leader       string `json:"leader"`        // as he wants to be shown
	QR           string `json:"qr"`            // its join code as a data: address of a PNG
	Places       string `json:"places"`        // what is known of the room left
	Until        string `json:"until"`         // day and time the join code ends, "" = it does not
	FallbackText string `json:"fallback_text"` // when there is no group
	FallbackQR   string `json:"fallback_qr"`   // customer service's code, as QR
	Phone        string `json:"phone"`
}

// picture draws a code as an address that <img> takes.
func picture(content string) (string, error) {
	if content == "" {
		return "", nil
	}
	png, err := group.Draw(content, modulePx)
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png), err
}

// told puts an answer into words.
func (h *Handler) told(ctx context.Context, a group.Answer, b brand.Brand) (out join, err error) {
	out.Phone = b.SupportPhone
	if !a.OK {
		out.State, out.FallbackText = joinNone, a.Code.FallbackText
		if out.FallbackText == "" {
			out.FallbackText = "目前没有可以加入的群，请过些时候再打开本页。"
		}
		out.FallbackQR, err = picture(a.Code.FallbackQR)
		return out, err
	}
	c := a.Community
	out.State, out.Name, out.Places = joinShown, c.Name, places(c)
	if c.QRExpiresAt < group.Forever {
		out.Until = c.QRExpiresAt.Local()
	}
	if out.Leader, err = h.Groups.LeaderName(ctx, c); err == nil {
		out.QR, err = picture(c.QR)
	}
	return out, err
}

// places says how much room there is, and how that is known: WeChat tells nobody.
func places(c group.Community) string {
	switch {
	case c.SizeAt == 0:
		return "群人数还没有上报，能否加入以微信显示为准。"
	case c.Left() == 0:
		return "按估算名额已经发完，能否加入以微信显示为准。"
	}
	return fmt.Sprintf("约剩 %d 个名额，按 %s 上报的人数估算。", c.Left(), c.SizeAt.Local())
}

// groupView is the page.
type groupView struct {
	join
	Path, FormToken   string
	Picture, Fallback template.URL // our own drawings
	LoginURL          string
}

func (h *Handler) groupPage(c *gin.Context) {
	ctx := c.Request.Context()
	path := "/g/" + c.Param("token")
	l, err := h.Groups.ByToken(ctx, c.Param("token"))
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			err = errNoSuchCode.Because(err)
		}
		h.fail(c, err)
		return
	}
	who, err := h.guest(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	inside := web.BrowserOf(c.Request).WeChat
	if who.MemberID == 0 && inside && c.Query("wx") == "" {
		if a, err := h.official(ctx, l.BrandID); err == nil && h.toWeChat(c, a, path, false) == nil {
			return
		}
	}
	ask := h.Groups.Peek
	if who.MemberID != 0 && !prefetch(c.Request) {
		ask = h.Groups.Resolve
	}
	if who.MemberID == 0 && who.Key == "" && inside {
		h.Sessions.Cookies.Set(c, visitorCookie, web.RandomHex(16), visitorTTL)
	}
	a, err := ask(ctx, c.Param("token"), who, h.Clock.Now())
	if err != nil {
		h.fail(c, err)
		return
	}
	h.showGroup(c, a, who, path, inside)
}

// guest is who opens a live code: the member of the session, else the browser, if it has
// kept our cookie.
func (h *Handler) guest(c *gin.Context) (group.Visitor, error) {
	memberID, err := h.Sessions.Who(c.Request.Context(), h.Sessions.Of(c))
	p := h.Places.Place(web.ClientIP(c))
	v := group.Visitor{MemberID: memberID, Province: p.Province, City: p.City}
	if memberID == 0 && err == nil {
		v.Key, _ = h.Sessions.Cookies.Get(c, visitorCookie)
	}
	return v, err
}

// prefetch says whether a browser fetches a page that nobody opened yet.
func prefetch(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if v := strings.ToLower(r.Header.Get(name)); strings.Contains(v, "prefetch") || strings.Contains(v, "preview") || strings.Contains(v, "prerender") {
			return true
		}
	}
	return false
}

func (h *Handler) showGroup(c *gin.Context, a group.Answer, who group.Visitor, path string, inside bool) {
	b, err := h.brands.Get(c.Request.Context(), a.Code.BrandID)
	if err != nil {
		h.fail(c, err)
		return
	}
	out, err := h.told(c.Request.Context(), a, b)
	if err != nil {
		h.fail(c, err)
		return
	}
	v := groupView{join: out, Path: path, Picture: template.URL(out.QR), Fallback: template.URL(out.FallbackQR)}
	switch {
	case a.OK:
	case who.MemberID == 0 && !inside:
		v.State = joinOutside
	case who.MemberID == 0 && a.Code.State == group.Live && c.Query("asked") == "":
		v.State, v.FormToken = joinTap, h.Sessions.FormToken(h.Sessions.Of(c))
	}
	title := map[string]string{joinShown: "加入 " + out.Name, joinTap: "查看群二维码", joinNone: "暂时不能加入", joinOutside: "请在微信中打开"}[v.State]
	h.Pages.Show(c, http.StatusOK, "group.html", web.Frame{Title: title, Brand: b.Name, Phone: b.SupportPhone, Seal: "官方社群", Body: v})
}

// groupForm is POST /g/{token}: the tap of somebody whom WeChat did not name, whose
// browser has kept the cookie of the page before. A second tap takes nothing more.
func (h *Handler) groupForm(c *gin.Context) {
	if _, err := h.Sessions.Form(c, h.Sessions.Of(c)); err != nil {
		h.fail(c, err)
		return
	}
	who, err := h.guest(c)
	if err == nil && who.MemberID == 0 {
		switch network := web.ClientNetwork(c); {
		case !web.BrowserOf(c.Request).WeChat || who.Key == "":
			err = fault.New(fault.Forbidden, "no_cookie", "请在微信中打开本页，并允许保存浏览数据后再试")
		case h.joins.Over(network):
			err = errJoins
		default:
			h.joins.Hit(network)
		}
	}
	if err == nil {
		_, err = h.Groups.Resolve(c.Request.Context(), c.Param("token"), who, h.Clock.Now())
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/g/"+strings.ToUpper(c.Param("token"))+"?asked=1&wx="+wxDone)
}

// apiGroup is POST /api/v1/group {"code"}: the text of a live code, or its token, for a
// member of the mini program.
func (h *Handler) apiGroup(c *gin.Context) (any, error) {
	if _, err := h.Sessions.Present(c); err != nil {
		return nil, err
	}
	var in struct {
		Code string `json:"code"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	who, err := h.guest(c)
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	a, err := h.Groups.Resolve(ctx, group.TokenOf(in.Code), who, h.Clock.Now())
	if err != nil {
		return nil, err
	}
	b, err := h.brands.Get(ctx, a.Code.BrandID)
	if err != nil {
		return nil, err
	}
	return h.told(ctx, a, b)
}
