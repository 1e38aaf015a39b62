// Package panel serves the operators' panel (管理后台, sources in app/admin) as it was built.
// It knows nothing of what the panel shows: its data comes from handler/admin.
//
// Promises: files whose name holds their hash are kept by browsers for ever; index.html is
// asked for anew each time; every address of a page answers index.html; a file that is
// missing is missing, because an open tab of the last release must not get HTML for a
// script. Where nothing was built it says how to: the program needs no Node.
package panel

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
)

// Panel is the built files, ready to go out.
type Panel struct {
	files map[string]asset
}

// asset is one file as it goes out, compressed once at the start.
type asset struct {
	body, zipped []byte // zipped is nil where it would not be smaller
	media, tag   string
	immutable    bool
}

const base = "/admin/"

// policy lets scripts come from here only, and none stand in the page. Styles may: the
// components write theirs into the page as they are drawn. Frames are for the preview of
// a consumer's page (srcdoc), pictures for QR codes drawn here (data:, blob:).
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self' data:; connect-src 'self'; frame-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// New reads the built files; built false: there are none.
func New(app fs.FS, built bool) (*Panel, error) {
	p := &Panel{files: map[string]asset{}}
	if !built {
		return p, nil
	}
	err := fs.WalkDir(app, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(app, name)
		if err != nil {
			return err
		}
		p.files[name], err = newAsset(name, body)
		return err
	})
	if _, there := p.files["index.html"]; err == nil && !there {
		err = errors.New("panel: the built panel has no index.html")
	}
	return p, err
}

// smallest is the size in bytes below which compressing gains nothing.
const smallest = 512

func newAsset(name string, body []byte) (asset, error) {
	sum := sha256.Sum256(body)
	a := asset{body: body, tag: hex.EncodeToString(sum[:12]), immutable: strings.HasPrefix(name, "assets/"), media: mediaOf(name)}
	if len(body) < smallest || strings.HasPrefix(a.media, "image/png") || strings.HasPrefix(a.media, "font/") {
		return a, nil
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return a, err
	}
	if _, err := w.Write(body); err != nil {
		return a, err
	}
	if err := w.Close(); err != nil {
		return a, err
	}
	if z.Len() < len(body) {
		a.zipped = z.Bytes()
	}
	return a, nil
}

// mediaOf does not ask the machine's tables where it matters: a module with the wrong type
// does not run.
func mediaOf(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	}
	if m := mime.TypeByExtension(path.Ext(name)); m != "" {
		return m
	}
	return "application/octet-stream"
}

// Routes is what of the panel has an address of its own; pages are found by Answer.
func (p *Panel) Routes() []web.Route {
	line := func(at, summary string, h gin.HandlerFunc) web.Route {
		return web.Route{Method: http.MethodGet, Path: at, Permission: "public", Summary: summary, Handler: h}
	}
	return []web.Route{
		line("/admin", "管理后台", func(c *gin.Context) { c.Redirect(http.StatusFound, base) }),
		line(base, "管理后台", p.page),
		line(base+"assets/*file", "管理后台的脚本与样式", func(c *gin.Context) { p.file(c, "assets"+path.Clean(c.Param("file"))) }),
	}
}

var errNoFile = fault.New(fault.NotFound, "no_file", "没有这个文件，可能已发布新版本，请刷新页面")

// Answer answers an address below /admin that no route has, and tells whether it did.
func (p *Panel) Answer(c *gin.Context) bool {
	name, ours := strings.CutPrefix(c.Request.URL.Path, base)
	if !ours || strings.HasPrefix(name, "api/") {
		return false
	}
	get := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
	switch {
	case get && path.Ext(name) == "": // the address of a page
		p.page(c)
	case get:
		p.file(c, name)
	default:
		web.Fail(c, errNoFile)
	}
	return true
}

func (p *Panel) page(c *gin.Context) {
	p.guard(c)
	index, built := p.files["index.html"]
	if !built {
		c.Header("Cache-Control", "no-store")
		c.Data(http.StatusServiceUnavailable, "text/html; charset=utf-8", []byte(unbuilt))
		return
	}
	send(c, index)
}

func (p *Panel) file(c *gin.Context, name string) {
	a, there := p.files[name]
	if !there {
		c.Header("Cache-Control", "no-store")
		web.Fail(c, errNoFile)
		return
	}
	p.guard(c)
	send(c, a)
}

func (p *Panel) guard(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

func send(c *gin.Context, a asset) {
	h, body, tag := c.Writer.Header(), a.body, `"`+a.tag+`"`
	if a.zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if takesGzip(c.GetHeader("Accept-Encoding")) {
			// Other bytes, so another tag.
			body, tag = a.zipped, `"`+a.tag+`-gz"`
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Cache-Control", "no-cache")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", tag)
	for known := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			h.Del("Content-Encoding")
			c.Status(http.StatusNotModified)
			return
		}
	}
	c.Data(http.StatusOK, a.media, body)
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3): gzip is named and not with q=0.
func takesGzip(accepted string) bool {
	for one := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return strings.Trim(q, "0.") != "" || q == ""
	}
	return false
}

// unbuilt is shown where the panel was not built into the program.
const unbuilt = `<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>管理后台尚未构建</title>
<body style="font:16px/1.7 sans-serif;max-width:36em;margin:15vh auto;padding:0 1em">
<h1 style="font-size:1.4em">管理后台尚未构建</h1>
<p>这个程序里没有管理后台的页面，其他功能（扫码页、后台接口）照常工作。</p>
<p>请安装 Node 20 以上版本，在源码目录运行：</p>
<pre style="background:#f5f5f5;padding:1em">scripts/panel
go build ./app/siyu</pre>
<p>然后重新启动程序。The panel was not built into this program: run the two commands above and start it again.</p>
</body></html>
`
