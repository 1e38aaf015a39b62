package consumer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/money"
)

type asset struct {
	kind string
	body []byte
}

// load parses the pages and names the static files by their content, so that they
// may be cached for ever.
func (h *Handler) load(files fs.FS) error {
	css, err := fs.ReadFile(files, "static/app.css")
	if err != nil {
		return fmt.Errorf("consumer: pages: %w", err)
	}
	// The style is inline (the verdict must not wait for a second request) and the
	// policy allows exactly this text.
	h.css = template.CSS(css)
	sum := sha256.Sum256(css)
	h.styleHash = base64.StdEncoding.EncodeToString(sum[:])
	h.assets, h.scripts = map[string]asset{}, map[string]string{}
	for _, name := range []string{"app.js"} {
		b, err := fs.ReadFile(files, "static/"+name)
		if err != nil {
			return fmt.Errorf("consumer: pages: %w", err)
		}
		sum := sha256.Sum256(b)
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		h.scripts[name] = "/h5/" + hashed
		h.assets[hashed] = asset{mime.TypeByExtension(ext), b}
	}
	h.templates, err = template.New("").Funcs(template.FuncMap{
		"yuan":  money.Fen.Yuan,
		"local": clock.Instant.Local,
		"keep":  keep,
		"input": input,
		"group": func(s string) string { return token.Token(s).Grouped() },
		"initial": func(s string) string {
			for _, r := range s {
				return string(r)
			}
			return ""
		},
	}).ParseFS(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("consumer: pages: %w", err)
	}
	return nil
}

// unbroken are moments and telephone numbers, which a narrow screen must not cut at
// their hyphens.
var unbroken = regexp.MustCompile(`\d{4}-\d\d-\d\d(?: \d\d:\d\d)?|\d[\d-]{5,}\d`)

// callable is the support number as verdicts write it: a tap should call it.
var callable = regexp.MustCompile(`(客服电话 )<span class="nb">(\d[\d-]+)</span>`)

// clause is what a line is rather broken after than within: a browser breaks Chinese
// between any two characters, in the middle of words.
var clause = regexp.MustCompile(`[^，。；]+[，。；]*`)

// keep escapes a text, keeps its clauses, moments and numbers in one piece as far as the
// line allows and makes the support number a link.
func keep(s string) template.HTML {
	s = unbroken.ReplaceAllString(template.HTMLEscapeString(s), `<span class="nb">$0</span>`)
	s = callable.ReplaceAllString(s, `$1<a class="nb" href="tel:$2">$2</a>`)
	return template.HTML(clause.ReplaceAllString(s, `<span class="cl">$0</span>`))
}

func (h *Handler) static(c *gin.Context) {
	a, ok := h.assets[c.Param("file")]
	if !ok {
		web.Fail(c, errNoPage)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, a.kind, a.body)
}

// frame is what every page has.
type frame struct {
	Title     string
	Brand     string // empty: not known on this page
	Phone     string
	Organiser string // of the campaign on the page
	RulesURL  string
	Refresh   int // seconds after which the page reloads where scripts are off; 0 = never
	Company   string
	CSS       template.CSS
	Script    string
	Body      any
}

// show renders a page.
func (h *Handler) show(c *gin.Context, status int, name string, f frame, pictures ...string) {
	b, err := h.render(name, f)
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.send(c, status, b, pictures...)
}

func (h *Handler) render(name string, f frame) ([]byte, error) {
	f.CSS, f.Script, f.Company = h.css, h.scripts["app.js"], h.Company
	var b bytes.Buffer
	if err := h.templates.ExecuteTemplate(&b, name, f); err != nil {
		return nil, fmt.Errorf("consumer: page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// send answers with a page. The policy allows our own script, the inline style by hash,
// and the one foreign picture that a product may have.
func (h *Handler) send(c *gin.Context, status int, page []byte, pictures ...string) {
	img := "'self' data:"
	for _, p := range pictures {
		if u, err := url.Parse(p); err == nil && u.Scheme == "https" && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'\"") {
			img += " https://" + u.Host
		}
	}
	hd := c.Writer.Header()
	hd.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'sha256-"+h.styleHash+"'; img-src "+img+
		"; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	hd.Set("Permissions-Policy", "geolocation=(self), camera=(), microphone=()")
	hd.Set("Cache-Control", "no-store")
	hd.Set("Content-Length", strconv.Itoa(len(page))) // known, so not in chunks
	c.Data(status, "text/html; charset=utf-8", page)
}

// notice is a page that says one thing and offers one way on.
type notice struct {
	Title, Text string
	Action      string // "" = none
	Label       string
	RequestID   string // shown when support may need it
}

// fail renders a fault as a page. A missing session inside WeChat is no fault at
// all: the login is silent and comes back here.
func (h *Handler) fail(c *gin.Context, err error) {
	f := fault.Of(err)
	if f.Kind == fault.Unauthenticated && c.Request.Method == http.MethodGet && browserOf(c.Request).wechat && c.Query("wx") == "" {
		to := localPath(c.Request.URL.Path)
		if a, err := h.accountFor(c, to); err == nil && h.toWeChat(c, a, to, false) == nil {
			return
		}
	}
	web.Note(c, err)
	n := notice{Title: "出了点问题", Text: f.Text}
	switch f.Kind {
	case fault.Internal, fault.Unavailable:
		n.Title, n.RequestID = "网络繁忙", web.RequestID(c)
		n.Action, n.Label = c.Request.URL.Path, "重试"
		if c.Request.Method != http.MethodGet {
			n.Action = ""
		}
	case fault.Unauthenticated:
		n.Title, n.Text = "请在微信中打开", "请打开微信，用“扫一扫”扫描包装上的二维码。"
		if browserOf(c.Request).wechat {
			n.Title, n.Text = "微信登录没有完成", "登录后即可查看。"
			n.Action, n.Label = "/wx/login?to="+url.QueryEscape(localPath(c.Request.URL.Path)), "重新登录"
		}
	case fault.Throttled:
		n.Title = "请稍后再试"
		c.Header("Retry-After", "300")
	case fault.NotFound:
		n.Title, n.Text = "没有找到", strings.TrimSuffix(f.Text, "。")+"。请检查网址，或重新扫描包装上的二维码。"
	case fault.Forbidden:
		n.Title = "不能继续"
	}
	h.show(c, web.Status(f), "notice.html", frame{Title: n.Title, Body: n})
}
