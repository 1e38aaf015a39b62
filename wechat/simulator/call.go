package simulator

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// wire says how a host speaks, also when it fails.
type wire int

const (
	wireJSON wire = iota // always 200 with errcode
	wireV2               // always 200 with XML
	wireV3               // HTTP status and {"code","message"}, signed
	wirePage             // a page or picture for a person
)

// endpoint is one call of WeChat's. name is what misfortunes are ordered by.
type endpoint struct {
	name  string
	wire  wire
	token bool // needs access_token; call.app is set from it
	corp  bool // needs a corp's access_token; call.corp is set from it
	serve func(*call) answer
}

// call is one request on its way through an endpoint.
type call struct {
	r     *http.Request
	host  string
	path  string // without the host prefix: what pay v3 signatures cover
	query url.Values
	body  []byte
	app   *app // by access_token
	corp  *corp
	fate  *Misfortune
	after func() // what a person does once the answer is out; nil: nothing
}

// bad reports whether the ordered misfortune is of this kind.
func (c *call) bad(kind string) bool { return c.fate != nil && c.fate.Kind == kind }

// answer is what will be written, kept whole so that it can be spoiled.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // WeChat's code in words, for the log
}

func jsonAnswer(status int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic("simulator: answer: " + err.Error()) // only maps and structs of ours
	}
	return answer{status: status, body: body, header: http.Header{"Content-Type": {"application/json; encoding=utf-8"}}}
}

// object is a JSON answer with fields in alphabetical order.
type object map[string]any

const maxBody = 1 << 20

func (s *Simulator) endpoints() map[string]endpoint {
	api := "api.weixin.qq.com"
	m := map[string]endpoint{
		"GET " + api + "/cgi-bin/token":                         {name: "token", serve: s.classicToken},
		"POST " + api + "/cgi-bin/stable_token":                 {name: "stable_token", serve: s.stableToken},
		"GET " + api + "/cgi-bin/ticket/getticket":              {name: "getticket", token: true, serve: s.getTicket},
		"GET " + api + "/cgi-bin/getcallbackip":                 {name: "getcallbackip", token: true, serve: s.ipList},
		"GET " + api + "/cgi-bin/get_api_domain_ip":             {name: "get_api_domain_ip", token: true, serve: s.ipList},
		"POST " + api + "/cgi-bin/clear_quota":                  {name: "clear_quota", token: true, serve: s.clearQuota},
		"GET " + api + "/sns/oauth2/access_token":               {name: "oauth", serve: s.oauthToken},
		"GET " + api + "/sns/oauth2/refresh_token":              {name: "oauth.refresh", serve: s.oauthRefresh},
		"GET " + api + "/sns/userinfo":                          {name: "userinfo", serve: s.userInfo},
		"GET " + api + "/sns/auth":                              {name: "oauth.auth", serve: s.oauthAuth},
		"GET " + api + "/sns/jscode2session":                    {name: "jscode2session", serve: s.codeToSession},
		"POST " + api + "/wxa/business/getuserphonenumber":      {name: "phone.number", token: true, serve: s.userNumber},
		"POST " + api + "/wxa/getwxacodeunlimit":                {name: "wxacode", token: true, serve: s.miniCode},
		"GET " + api + "/cgi-bin/user/info":                     {name: "user.info", token: true, serve: s.followerInfo},
		"POST " + api + "/cgi-bin/user/info/batchget":           {name: "user.batch", token: true, serve: s.followersInfo},
		"POST " + api + "/cgi-bin/message/custom/send":          {name: "custom.send", token: true, serve: s.customSend},
		"POST " + api + "/cgi-bin/message/template/send":        {name: "template.send", token: true, serve: s.templateSend},
		"POST " + api + "/cgi-bin/message/subscribe/bizsend":    {name: "subscribe.send", token: true, serve: s.subscribeSend},
		"POST " + api + "/cgi-bin/message/subscribe/send":       {name: "subscribe.send", token: true, serve: s.subscribeSend},
		"POST " + api + "/cgi-bin/message/mass/send":            {name: "mass.send", token: true, serve: s.massSend},
		"POST " + api + "/cgi-bin/qrcode/create":                {name: "qrcode.create", token: true, serve: s.createQR},
		"GET mp.weixin.qq.com/cgi-bin/showqrcode":               {name: "showqrcode", wire: wirePage, serve: s.showQR},
		"GET open.weixin.qq.com/connect/oauth2/authorize":       {name: "authorize", wire: wirePage, serve: s.authorize},
		"POST " + payHost + "/mmpaymkttransfers/sendredpack":    {name: "sendredpack", wire: wireV2, serve: s.sendRedpack},
		"POST " + payHost + "/mmpaymkttransfers/gethbinfo":      {name: "gethbinfo", wire: wireV2, serve: s.redpackInfo},
		"POST " + payHost + transferPath:                        {name: "transfer.create", wire: wireV3, serve: s.createTransfer},
		"GET " + payHost + transferPath + "/out-bill-no/*":      {name: "transfer.query", wire: wireV3, serve: s.queryTransfer},
		"GET " + payHost + transferPath + "/transfer-bill-no/*": {name: "transfer.query", wire: wireV3, serve: s.queryTransfer},
		"POST " + payHost + transferPath + "/out-bill-no/*":     {name: "transfer.cancel", wire: wireV3, serve: s.cancelTransfer},
		"GET " + payHost + "/v3/bill/fundflowbill":              {name: "fundbill", wire: wireV3, serve: s.fundBill},
		"GET " + payHost + "/v3/billdownload/file":              {name: "fundbill.file", wire: wirePage, serve: s.fundBillFile},
		"POST " + payHost + "/pay/downloadfundflow":             {name: "downloadfundflow", wire: wireV2, serve: s.fundBillV2},
		"GET " + payHost + "/v3/merchant/fund/balance/BASIC":    {name: "balance", wire: wireV3, serve: s.fundBalance},
	}
	maps.Copy(m, s.corpEndpoints())
	return m
}

const payHost = "api.mch.weixin.qq.com"

// route finds the endpoint; the last part of a v3 bill path is a parameter.
func (s *Simulator) route(method, host, path string) (endpoint, bool) {
	if e, ok := s.routes[method+" "+host+path]; ok {
		return e, true
	}
	base, cancel := strings.CutSuffix(path, "/cancel")
	if method == http.MethodPost && !cancel {
		return endpoint{}, false
	}
	i := strings.LastIndexByte(base, '/')
	if i < 0 || method == http.MethodGet && cancel {
		return endpoint{}, false
	}
	e, ok := s.routes[method+" "+host+base[:i]+"/*"]
	return e, ok
}

func (s *Simulator) serveHost(w http.ResponseWriter, r *http.Request, host, path string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request body too large or broken", http.StatusRequestEntityTooLarge)
		return
	}
	c := &call{r: r, host: host, path: path, query: r.URL.Query(), body: body}
	e, ok := s.route(r.Method, host, path)
	if !ok {
		a := s.unknownPath(host)
		s.note(c, "unknown", a, "")
		a.write(w)
		return
	}
	c.fate = s.takeMisfortune(e.name)
	a, drop := s.suffer(c, e)
	s.note(c, e.name, a, dropped(drop))
	if drop {
		cut(w)
		return
	}
	a.write(w)
	if c.after != nil {
		s.fly(c.after)
	}
}

func dropped(drop bool) string {
	if drop {
		return "连接中断"
	}
	return ""
}

func (s *Simulator) unknownPath(host string) answer {
	if host == payHost {
		return s.v3Error(http.StatusNotFound, "RESOURCE_NOT_EXISTS", "请求的资源不存在", nil)
	}
	return s.apiError(40066, "invalid url")
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	// The client may be gone by now; what was done is done.
	_, _ = w.Write(a.body)
}

// cut ends the connection without a byte of answer.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // nobody is left to be told
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// Request is one entry of the log: a call to WeChat, or one from WeChat.
type Request struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	Out      bool      `json:"out"`  // WeChat called siyu
	Call     string    `json:"call"` // name as for misfortunes; "notice", "callback" when Out
	Method   string    `json:"method"`
	URL      string    `json:"url"` // secrets and tokens removed
	Status   int       `json:"status"`
	Code     string    `json:"code"`   // errcode, err_code or code
	Remark   string    `json:"remark"` // what went wrong on purpose
	Body     string    `json:"body"`   // request body, cut to 2 KB
	Response string    `json:"response"`
}

// ring keeps the last entries only: a simulator may run for days.
type ring struct {
	mu      sync.Mutex
	entries []Request
	total   int
}

const ringSize = 1000

func (g *ring) add(r Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.entries) < ringSize {
		g.entries = append(g.entries, r)
	} else {
		g.entries[g.total%ringSize] = r
	}
	g.total++
}

func (g *ring) all() []Request {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.entries) < ringSize {
		return append([]Request{}, g.entries...) // never null in JSON
	}
	at := g.total % ringSize
	return append(append([]Request{}, g.entries[at:]...), g.entries[:at]...)
}

// Requests is what was called last, oldest first, at most 1000 entries.
func (s *Simulator) Requests() []Request { return s.requests.all() }

func (s *Simulator) note(c *call, name string, a answer, remark string) {
	if c.fate != nil && remark == "" {
		remark = misfortuneNames[c.fate.Kind]
	}
	s.enter(Request{
		Call: name, Method: c.r.Method, URL: c.host + c.path + scrub(c.query), Status: a.status, Code: a.code,
		Remark: remark, Body: secretField.ReplaceAllString(clip(c.body), `$1"***"`), Response: secretField.ReplaceAllString(clip(a.body), `$1"***"`),
	})
}

func (s *Simulator) enter(r Request) {
	r.ID, r.At = s.counter.Add(1), s.now()
	if r.Status == 0 && !r.Out {
		r.Status = http.StatusOK
	}
	s.requests.add(r)
	s.mu.Lock()
	s.version++
	s.mu.Unlock()
	s.log.Debug("wechat simulator", "call", r.Call, "out", r.Out, "status", r.Status, "code", r.Code, "remark", r.Remark)
}

// secretField: the log is on a page that people show to others.
var secretField = regexp.MustCompile(`("(?:secret|access_token|refresh_token|session_key|ticket)"\s*:\s*)"[^"]*"`)

func clip(b []byte) string {
	const most = 2048
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return strings.ToValidUTF8(string(b), "�")
}

// scrub keeps a query readable without what must never be in a log.
func scrub(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	kept := url.Values{}
	for k, v := range q {
		if k == "access_token" || k == "secret" || k == "corpsecret" || k == "refresh_token" {
			v = []string{"***"}
		}
		kept[k] = v
	}
	return "?" + kept.Encode()
}

// pause waits for d, or until ctx ends, in which case it reports false.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
