package web

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// Picture answers with a picture that was made for who asks: his browser may keep it and
// asks each time whether it is still right. tag names its content. Nothing in an SVG may
// run or be loaded, also where it is opened by itself.
func Picture(c *gin.Context, kind, tag string, body []byte) {
	etag := `"` + tag + `"`
	hd := c.Writer.Header()
	hd.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
	hd.Set("X-Content-Type-Options", "nosniff")
	hd.Set("Cache-Control", "private, no-cache")
	hd.Set("ETag", etag)
	if strings.Contains(c.GetHeader("If-None-Match"), etag) {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, kind, body)
}
