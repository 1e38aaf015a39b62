package consumer

import (
	"context"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/push"
)

// Links knows where the links of messages lead; *push.Store is it.
type Links interface {
	Click(ctx context.Context, token string) (url string, err error)
	Leads(ctx context.Context, token string) (url string, err error)
	CopyOf(ctx context.Context, token string) (push.Copy, error)
}

// linkRoutes: what a tap on a link in a message opens.
func (h *Handler) linkRoutes() []web.Route {
	return []web.Route{{Method: "GET", Path: "/l/:token", Permission: "public", Summary: "消息里的链接：记录点击并跳转", Handler: h.openLink}}
}

// openLink leads to an address that the message's author wrote, never to one in the
// request. The token is checked by arithmetic first; a forged one costs no SQL.
func (h *Handler) openLink(c *gin.Context) {
	open := h.Links.Click
	if prefetch(c.Request) || robot(c.Request) { // nobody tapped
		open = h.Links.Leads
	}
	to, err := open(c.Request.Context(), c.Param("token"))
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer") // the token is the member's
	c.Redirect(http.StatusFound, to)
}

// robots are programs that say of themselves that they are: search engines, previews of
// mail and chat programs, libraries. WeChat's own fetches look like a phone.
var robots = regexp.MustCompile(`(?i)spider|crawler|[a-z]bot/|^(curl|wget|python|java|go-http-client|okhttp|axios|node)\b|facebookexternalhit|slurp|lighthouse`)

func robot(r *http.Request) bool { return r.UserAgent() == "" || robots.MatchString(r.UserAgent()) }
