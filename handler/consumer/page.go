package consumer

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
)

// fail renders a fault as a page; inside WeChat a missing session is a silent login.
func (h *Handler) fail(c *gin.Context, err error) { h.Pages.Fail(c, err, h.SilentLogin) }

// SilentLogin sends a browser to WeChat and back to the path that it asked for. Every
// audience of people logs in through it; it implements web.Login.
func (h *Handler) SilentLogin(c *gin.Context) bool {
	to := web.LocalPath(c.Request.URL.Path)
	a, err := h.accountFor(c, to)
	return err == nil && h.toWeChat(c, a, to, false) == nil
}
