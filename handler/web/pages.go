package web

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

	"siyu/model/clock"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/money"
)

// Pages are the H5 pages of app/h5, for every audience that serves people.
type Pages struct {
	templates *template.Template
	sheets    map[string]sheet // "" is what every page has
	assets    map[string]asset
	script    string // address of app.js with the content's hash
	company   string
}

// sheet is an inline style: the verdict must not wait for a second request. The policy
// allows exactly this text.
type sheet struct {
	css  template.CSS
	hash string
}

type asset struct {
	kind string
	body []byte
}

// sheets are styles on top of app.css. They are apart so that a scan does not carry what
// only the desk shows.
var sheets = [...]string{"desk"}

// NewPages parses the pages and names the script by its content, so that it may be
// cached for ever. company answers for personal data and stands below every page.
func NewPages(files fs.FS, company string) (*Pages, error) {
	base, err := fs.ReadFile(files, "static/app.css")
	if err != nil {
		return nil, fmt.Errorf("web: pages: %w", err)
	}
	p := &Pages{company: company, sheets: map[string]sheet{"": newSheet(base)}, assets: map[string]asset{}}
	for _, name := range sheets {
		more, err := fs.ReadFile(files, "static/"+name+".css")
		if err != nil {
			return nil, fmt.Errorf("web: pages: %w", err)
		}
		p.sheets[name] = newSheet(append(bytes.Clone(base), more...))
	}
	script, err := fs.ReadFile(files, "static/app.js")
	if err != nil {
		return nil, fmt.Errorf("web: pages: %w", err)
	}
	sum := sha256.Sum256(script)
	hashed := "app." + hex.EncodeToString(sum[:6]) + ".js"
	p.script, p.assets[hashed] = "/h5/"+hashed, asset{mime.TypeByExtension(path.Ext(hashed)), script}
	p.templates, err = template.New("").Funcs(template.FuncMap{
		"yuan":  money.Fen.Yuan,
		"local": clock.Instant.Local,
		"keep":  Keep,
		"input": input,
		"wish":  newWish,
		"group": func(s string) string { return token.Token(s).Grouped() },
		"initial": func(s string) string {
			for _, r := range s {
				return string(r)
			}
			return ""
		},
	}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("web: pages: %w", err)
	}
	return p, nil
}

func newSheet(css []byte) sheet {
	sum := sha256.Sum256(css)
	return sheet{template.CSS(css), base64.StdEncoding.EncodeToString(sum[:])}
}

// field is what the template of one form field needs.
type field struct {
	ID, Kind, Value string
	Choices         []string
}

func input(id, kind, value string, choices []string) field { return field{id, kind, value, choices} }

// wish is what the template of one switch of messages needs.
type wish struct {
	Token, Brand, Topic, Channel string
	Refused                      bool // as it is now
	Label                        string
}

func newWish(token, brand, topic, channel string, refused bool, label string) wish {
	return wish{token, brand, topic, channel, refused, label}
}

// unbroken are moments and telephone numbers, which a narrow screen must not cut at
// their hyphens.
var unbroken = regexp.MustCompile(`\d{4}-\d\d-\d\d(?: \d\d:\d\d)?|\d[\d-]{5,}\d`)

// callable is the support number as verdicts write it: a tap should call it.
var callable = regexp.MustCompile(`(客服电话 )<span class="nb">(\d[\d-]+)</span>`)

// clause is what a line is rather broken after than within: a browser breaks Chinese
// between any two characters, in the middle of words.
var clause = regexp.MustCompile(`[^，。；]+[，。；]*`)

// Keep escapes a text, keeps its clauses, moments and numbers in one piece as far as the
// line allows and makes the support number a link.
func Keep(s string) template.HTML {
	s = unbroken.ReplaceAllString(template.HTMLEscapeString(s), `<span class="nb">$0</span>`)
	s = callable.ReplaceAllString(s, `$1<a class="nb" href="tel:$2">$2</a>`)
	return template.HTML(clause.ReplaceAllString(s, `<span class="cl">$0</span>`))
}

// Static serves the script.
func (p *Pages) Static(c *gin.Context) {
	a, ok := p.assets[c.Param("file")]
	if !ok {
		Fail(c, ErrNoPage)
		return
	}
	c.Header("Cache-Control", "public, max-age=31536000, immutable")
	c.Data(http.StatusOK, a.kind, a.body)
}

// Frame is what every page has.
type Frame struct {
	Title     string
	Brand     string // empty: not known on this page
	Phone     string
	Organiser string // of the campaign on the page
	RulesURL  string
	Refresh   int    // seconds after which the page reloads where scripts are off; 0 = never
	Sheet     string // style on top of app.css; "" none
	Still     bool   // a picture of a page: no script, and nothing in it can be used
	Seal      string // what the page's head says beside the brand; "" says 官方验证
	Company   string // Render sets these three
	CSS       template.CSS
	Script    string
	Body      any
}

// Show renders a page.
func (p *Pages) Show(c *gin.Context, status int, name string, f Frame, pictures ...string) {
	b, err := p.Render(name, f)
	if err != nil {
		Fail(c, err)
		return
	}
	p.send(c, status, b, f.Sheet, pictures)
}

// Render makes a page's text.
func (p *Pages) Render(name string, f Frame) ([]byte, error) {
	f.CSS, f.Script, f.Company = p.sheets[f.Sheet].css, p.script, p.company
	if f.Still {
		f.Script = ""
	}
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, f); err != nil {
		return nil, fmt.Errorf("web: page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// Send answers with a page that was rendered before, without a sheet of its own.
func (p *Pages) Send(c *gin.Context, status int, page []byte, pictures ...string) {
	p.send(c, status, page, "", pictures)
}

// Framed answers with a still page for a frame of the panel: its style may be inline,
// nothing else may be loaded or sent, and no other site may frame it.
func Framed(c *gin.Context, page []byte) {
	hd := c.Writer.Header()
	hd.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleOf(page)+"'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox")
	hd.Set("X-Frame-Options", "SAMEORIGIN")
	hd.Set("Cache-Control", "no-store")
	c.Data(http.StatusOK, "text/html; charset=utf-8", page)
}

// styleOf is the hash of a page's one inline style.
func styleOf(page []byte) string {
	_, css, _ := bytes.Cut(page, []byte("<style>"))
	css, _, _ = bytes.Cut(css, []byte("</style>"))
	return newSheet(css).hash
}

// send answers with a page. The policy allows our own script, the inline style by hash,
// and the one foreign picture that a product may have.
func (p *Pages) send(c *gin.Context, status int, page []byte, sheet string, pictures []string) {
	img := "'self' data:"
	for _, at := range pictures {
		if u, err := url.Parse(at); err == nil && u.Scheme == "https" && u.Host != "" && !strings.ContainsAny(u.Host, " ;,'\"") {
			img += " https://" + u.Host
		}
	}
	hd := c.Writer.Header()
	hd.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'sha256-"+p.sheets[sheet].hash+"'; img-src "+img+
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

// Login sends a browser to WeChat's silent login, from where it comes back to the path it
// asked for. False: it cannot, and nothing was answered.
type Login func(c *gin.Context) bool

// Fail renders a fault as a page. A missing session inside WeChat is no fault at all: the
// login is silent and comes back here. It is tried once (?wx= tells).
func (p *Pages) Fail(c *gin.Context, err error, login Login) {
	f := fault.Of(err)
	inside := BrowserOf(c.Request).WeChat
	if f.Kind == fault.Unauthenticated && c.Request.Method == http.MethodGet && inside && c.Query("wx") == "" && login(c) {
		return
	}
	Note(c, err)
	n := notice{Title: "出了点问题", Text: f.Text}
	switch f.Kind {
	case fault.Internal, fault.Unavailable:
		n.Title, n.RequestID = "网络繁忙", RequestID(c)
		n.Action, n.Label = c.Request.URL.Path, "重试"
		if c.Request.Method != http.MethodGet {
			n.Action = ""
		}
	case fault.Unauthenticated:
		n.Title, n.Text = "请在微信中打开", "请打开微信，用“扫一扫”扫描包装上的二维码。"
		if strings.HasPrefix(c.Request.URL.Path, "/leader") || strings.HasPrefix(c.Request.URL.Path, "/earnings") || strings.HasPrefix(c.Request.URL.Path, "/me/") { // printed on nothing
			n.Text = "请把网址发到微信的“文件传输助手”，再点开。"
		}
		if inside {
			n.Title, n.Text = "微信登录没有完成", "登录后即可查看。"
			n.Action, n.Label = "/wx/login?to="+url.QueryEscape(LocalPath(c.Request.URL.Path)), "重新登录"
		}
	case fault.Throttled:
		n.Title = "请稍后再试"
		c.Header("Retry-After", "300")
	case fault.NotFound:
		n.Title, n.Text = "没有找到", strings.TrimSuffix(f.Text, "。")+"。请检查网址，或重新扫描二维码。"
	case fault.Forbidden:
		n.Title = "不能继续"
	}
	p.Show(c, Status(f), "notice.html", Frame{Title: n.Title, Body: n})
}

// LocalPath returns to if a login may come back to it: one of our own pages, else the
// packet list. Only the path survives: an open redirect would make our domain vouch for
// anybody's page.
func LocalPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || len(to) > 200 || strings.ContainsAny(to, "\\\r\n\t|") {
		return "/packets"
	}
	for _, p := range []string{"/q/", "/Q/", "/01/", "/rules/", "/packets/", "/leader/", "/earnings/", "/r/", "/g/", "/G/", "/me/messages/"} {
		if strings.HasPrefix(u.Path, p) {
			return u.EscapedPath()
		}
	}
	switch u.Path {
	case "/packets", "/points", "/privacy", "/tier", "/me/privacy", "/me/profile", "/me/messages", "/me/invite", "/leader", "/earnings":
		return u.Path
	}
	return "/packets"
}
