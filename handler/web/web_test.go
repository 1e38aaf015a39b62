package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

var noon = clock.From(time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC))

type site struct {
	*gin.Engine
	log *bytes.Buffer
	reg *prometheus.Registry
}

func newSite(t *testing.T, routes ...Route) site {
	t.Helper()
	s := site{log: &bytes.Buffer{}, reg: prometheus.NewRegistry()}
	var err error
	s.Engine, err = NewEngine(Options{Clock: clock.NewFake(noon), Log: slog.New(slog.NewJSONHandler(s.log, nil)),
		Metrics: s.reg, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	if err != nil {
		t.Fatal(err)
	}
	Mount(s, routes, nil)
	return s
}

func (s site) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] == "peer" {
			r.RemoteAddr = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func code(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var b struct {
		Error struct {
			Code, Message string
			RequestID     string `json:"request_id"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if b.Error.Code != "" && (b.Error.RequestID == "" || b.Error.RequestID != w.Header().Get("X-Request-ID") || b.Error.Message == "") {
		t.Errorf("fault without request id or message: %s", w.Body)
	}
	return b.Error.Code
}

func TestFaults(t *testing.T) {
	var give error
	s := newSite(t, Route{Method: "GET", Path: "/x/:token", Permission: "public", Handler: Answer(func(*gin.Context) (any, error) { return nil, give })})
	for kind, want := range map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.Conflict: 409, fault.Exhausted: 409, fault.Throttled: 429, fault.Unavailable: 503,
	} {
		give = fmt.Errorf("while testing: %w", fault.New(kind, "some_code", "文字").Because(errors.New("hidden cause")))
		w := s.do("GET", "/x/SECRETTOKEN", "")
		if w.Code != want || code(t, w) != "some_code" || strings.Contains(w.Body.String(), "hidden") {
			t.Errorf("%v: %d %s", kind, w.Code, w.Body)
		}
	}
	t.Run("an unclassified error is Internal, told to the log and not to the client", func(t *testing.T) {
		give = errors.New("dial tcp: refused")
		w := s.do("GET", "/x/SECRETTOKEN?code=SECRETCODE", "")
		if w.Code != 500 || strings.Contains(w.Body.String(), "dial") || !strings.Contains(s.log.String(), "dial tcp") {
			t.Error(w.Body, s.log)
		}
	})
	t.Run("who left before the answer is no fault of ours; a cancel of our own is one", func(t *testing.T) {
		give = fmt.Errorf("campaign: %w", context.Canceled)
		s.log.Reset()
		if w := s.do("GET", "/x/SECRETTOKEN", ""); w.Code != 500 || !strings.Contains(s.log.String(), `"level":"ERROR"`) {
			t.Error(w.Code, s.log)
		}
		ctx, leave := context.WithCancel(t.Context())
		leave()
		s.log.Reset()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/x/SECRETTOKEN", nil))
		if w.Code != 499 || !strings.Contains(s.log.String(), `"level":"INFO"`) {
			t.Error(w.Code, s.log)
		}
	})
	t.Run("the log and the metrics know patterns, not tokens", func(t *testing.T) {
		if strings.Contains(s.log.String(), "SECRET") || !strings.Contains(s.log.String(), `"route":"/x/:token"`) {
			t.Error(s.log)
		}
		families, err := s.reg.Gather()
		if err != nil || strings.Contains(fmt.Sprint(families), "SECRET") || !strings.Contains(fmt.Sprint(families), "/x/:token") {
			t.Error(families, err)
		}
	})
}

func TestEngine(t *testing.T) {
	s := newSite(t,
		Route{Method: "GET", Path: "/boom", Permission: "public", Handler: func(*gin.Context) { panic("no") }},
		Route{Method: "POST", Path: "/echo", Permission: "public", Handler: Answer(func(c *gin.Context) (any, error) { b, err := Body(c); return string(b), err })},
		Route{Method: "POST", Path: "/big", Permission: "public", Handler: func(c *gin.Context) {
			LimitBody(1 << 20)(c)
			Answer(func(c *gin.Context) (any, error) { b, err := Body(c); return len(b), err })(c)
		}})
	t.Run("a panic is an Internal fault and the process lives", func(t *testing.T) {
		if w := s.do("GET", "/boom", ""); w.Code != 500 || code(t, w) != "internal" {
			t.Error(w.Code, w.Body)
		}
	})
	t.Run("a body over the limit is refused, on a route with a larger limit it is not", func(t *testing.T) {
		huge := strings.Repeat("x", DefaultBody+1)
		if w := s.do("POST", "/echo", huge); w.Code != 413 || code(t, w) != "body_too_large" {
			t.Error(w.Code, w.Body)
		}
		if w := s.do("POST", "/big", huge); w.Code != 200 {
			t.Error(w.Code, w.Body)
		}
	})
	t.Run("broken UTF-8 is refused in path and body", func(t *testing.T) {
		if w := s.do("POST", "/echo", "\xff\xfe"); code(t, w) != "bad_utf8" {
			t.Error(w.Body)
		}
		if w := s.do("GET", "/%ff%fe", ""); code(t, w) != "bad_path" {
			t.Error(w.Body)
		}
	})
	t.Run("unknown path and method have their own faults", func(t *testing.T) {
		if w := s.do("GET", "/nowhere", ""); w.Code != 404 || code(t, w) != "not_found" {
			t.Error(w.Code, w.Body)
		}
		if w := s.do("GET", "/echo", ""); w.Code != 405 || code(t, w) != "method_not_allowed" {
			t.Error(w.Code, w.Body)
		}
	})
	t.Run("every answer forbids framing, sniffing and caching", func(t *testing.T) {
		h := s.do("POST", "/echo", "x").Header()
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Error(h)
		}
	})
}

func TestClientIP(t *testing.T) {
	s := newSite(t, Route{Method: "GET", Path: "/ip", Permission: "public", Handler: Answer(func(c *gin.Context) (any, error) { return ClientIP(c), nil })})
	for name, tc := range map[string]struct {
		header []string
		want   string
	}{
		"a stranger's X-Forwarded-For is ignored":             {[]string{"peer", "203.0.113.9:1", "X-Forwarded-For", "1.1.1.1"}, "203.0.113.9"},
		"a trusted proxy is believed":                         {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "1.1.1.1"}, "1.1.1.1"},
		"what the client put in front does not count":         {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "6.6.6.6, 1.1.1.1, 10.2.2.2"}, "1.1.1.1"},
		"a second header line counts as the right end":        {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-For", "1.1.1.1"}, "1.1.1.1"},
		"garbage stops the walk":                              {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "1.1.1.1, <script>"}, "10.1.1.1"},
		"only proxies: the leftmost of them":                  {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "10.3.3.3"}, "10.3.3.3"},
		"an IPv4-mapped peer is the IPv4 address":             {[]string{"peer", "[::ffff:10.1.1.1]:1", "X-Forwarded-For", "2001:db8::1"}, "2001:db8::1"},
		"a peer without an address is unknown, not a crash":   {[]string{"peer", "@"}, ""},
		"a trusted proxy without the header is the client":    {[]string{"peer", "[::1]:7"}, "::1"},
		"a zone in the address is cut, so it cannot pad keys": {[]string{"peer", "10.1.1.1:1", "X-Forwarded-For", "fe80::1%aaaa"}, "fe80::1"},
	} {
		t.Run(name, func(t *testing.T) {
			if w := s.do("GET", "/ip", "", tc.header...); w.Body.String() != `{"data":"`+tc.want+`"}` {
				t.Errorf("%s, want %s", w.Body, tc.want)
			}
		})
	}
	t.Run("a request id is taken from a trusted proxy only, and only a clean one", func(t *testing.T) {
		get := func(h ...string) string { return s.do("GET", "/ip", "", h...).Header().Get("X-Request-ID") }
		if get("peer", "10.0.0.1:1", "X-Request-ID", "abcdef-123") != "abcdef-123" {
			t.Error("not passed on")
		}
		if get("X-Request-ID", "abcdef-123") == "abcdef-123" || get("peer", "10.0.0.1:1", "X-Request-ID", "a\tlog line") == "a\tlog line" {
			t.Error("believed a stranger")
		}
	})
}

func TestBind(t *testing.T) {
	type input struct {
		AmountFen int64 `json:"amount_fen"`
		ID        id.ID `json:"id"`
	}
	strict := Answer(func(c *gin.Context) (any, error) { var in input; err := Bind(c, &in); return in, err })
	loose := Answer(func(c *gin.Context) (any, error) { var in input; err := BindLoose(c, &in); return in, err })
	s := newSite(t, Route{Method: "POST", Path: "/strict", Permission: "", Handler: strict}, Route{Method: "POST", Path: "/loose", Permission: "", Handler: loose})
	for body, want := range map[string]string{
		`{"amount_fen":5,"id":"7"}`:           "",
		``:                                    "bad_json",
		`{`:                                   "bad_json",
		`[]`:                                  "bad_field",
		`{"amount_fen":1.5}`:                  "bad_field",
		`{"amount_fen":99999999999999999999}`: "bad_field",
		`{"amount_fen":5} {"amount_fen":6}`:   "bad_json",
		`{"amount_fen":5,"amount_yuan":1}`:    "unknown_field",
		`{"id":"DROP TABLE"}`:                 "bad_field",
		"{\"amount_fen\":5,\"note\":\"\xc3\x28\"}": "bad_utf8",
		strings.Repeat("[", 20000):                 "bad_json",
	} {
		if got := code(t, s.do("POST", "/strict", body)); got != want {
			t.Errorf("%.40q: %q, want %q", body, got, want)
		}
	}
	if got := code(t, s.do("POST", "/loose", `{"amount_fen":5,"new_thing":1}`)); got != "" {
		t.Error(got)
	}
}

func TestPaging(t *testing.T) {
	s := newSite(t, Route{Method: "GET", Path: "/list", Permission: "", Handler: func(c *gin.Context) {
		p, err := Paging(c)
		if err != nil {
			Fail(c, err)
			return
		}
		items := []id.ID{9, 8}
		Listed(c, items, Next(items, p.Limit, id.ID.String))
	}})
	for query, want := range map[string]string{
		"?limit=2":           `{"data":["9","8"],"next":"8"}`,
		"?before=10&limit=3": `{"data":["9","8"],"next":""}`,
	} {
		if got := s.do("GET", "/list"+query, "").Body.String(); got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	for _, bad := range []string{"?limit=0", "?limit=101", "?limit=x", "?before=-1", "?before=1e3"} {
		if got := code(t, s.do("GET", "/list"+bad, "")); got != "bad_field" {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

func TestSigner(t *testing.T) {
	clk := clock.NewFake(noon)
	s := NewSigner([]byte("0123456789abcdef0123456789abcdef"), clk)
	text := s.Sign("session", "member 42", time.Hour)
	if got, ok := s.Open("session", text); !ok || got != "member 42" {
		t.Fatal(got, ok)
	}
	if _, ok := s.Open("csrf", text); ok {
		t.Error("a text for one purpose opened for another")
	}
	for i := range text {
		for _, c := range []byte{'A', 'B', '.'} {
			if bad := text[:i] + string(c) + text[i+1:]; bad != text {
				if _, ok := s.Open("session", bad); ok {
					t.Fatalf("opened with byte %d changed to %c", i, c)
				}
			}
		}
	}
	for _, bad := range []string{"", ".", "..", "a.b.c", strings.Repeat("a", 5000), text + "="} {
		if _, ok := s.Open("session", bad); ok {
			t.Errorf("opened %.20q", bad)
		}
	}
	clk.Advance(time.Hour)
	if _, ok := s.Open("session", text); ok {
		t.Error("opened after it expired")
	}
}

func TestCookies(t *testing.T) {
	signer := NewSigner([]byte("k"), clock.NewFake(noon))
	for _, secure := range []bool{false, true} {
		k := Cookies{signer, secure}
		s := newSite(t,
			Route{Method: "GET", Path: "/set", Permission: "", Handler: func(c *gin.Context) { k.Set(c, "s", "v", time.Minute); OK(c, 1) }},
			Route{Method: "GET", Path: "/get", Permission: "", Handler: func(c *gin.Context) { v, ok := k.Get(c, "s"); OK(c, []any{v, ok}) }})
		ck := s.do("GET", "/set", "").Result().Cookies()[0]
		if !ck.HttpOnly || ck.Secure != secure || ck.SameSite != http.SameSiteLaxMode || strings.HasPrefix(ck.Name, "__Host-") != secure || ck.Path != "/" || ck.Domain != "" {
			t.Errorf("%+v", ck)
		}
		if got := s.do("GET", "/get", "", "Cookie", ck.Name+"="+ck.Value).Body.String(); got != `{"data":["v",true]}` {
			t.Error(got)
		}
		if got := s.do("GET", "/get", "", "Cookie", ck.Name+"=forged").Body.String(); got != `{"data":["",false]}` {
			t.Error(got)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	for _, tc := range []struct {
		origin, site string
		want         bool
	}{
		{"https://q.brand.cn", "", true}, {"https://Q.BRAND.CN", "same-origin", true}, {"", "", true},
		{"https://evil.cn", "", false}, {"null", "", false}, {"https://q.brand.cn.evil.cn", "", false},
		{"https://q.brand.cn", "cross-site", false}, {"", "cross-site", false},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		if tc.site != "" {
			r.Header.Set("Sec-Fetch-Site", tc.site)
		}
		if got := SameOrigin(r, "q.brand.cn", ""); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

// FuzzOpen: no text that Sign did not make opens, and none panics.
func FuzzOpen(f *testing.F) {
	s := NewSigner([]byte("0123456789abcdef0123456789abcdef"), clock.NewFake(noon))
	good := s.Sign("session", "payload", time.Hour)
	for _, seed := range []string{good, good + ".", "." + good, "..", "a.b.c", strings.ToUpper(good)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := s.Open("session", text); ok && text != good {
			t.Errorf("opened %q", text)
		}
	})
}
