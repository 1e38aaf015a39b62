// Package web is what all audiences share: the engine with its middleware, the one
// table from fault to HTTP status, binding, paging, signed cookies, idempotency; and what
// the audiences of people share: sessions from WeChat's login and the H5 pages.
// It decides nothing about the trade and owns no table.
//
// Promises: every answer carries a request id; a fault becomes
// {"error":{"code","message","request_id","detail"?}} and success {"data":...};
// nothing a client sends is logged but the route's pattern, so tokens, openids and
// login codes never reach a log; an address in X-Forwarded-For counts only when a
// trusted proxy wrote it.
package web

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sort"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"siyu/model/clock"
	"siyu/model/fault"
)

// DefaultBody is the limit of a request body in bytes, unless a route says else.
const DefaultBody = 64 << 10

// Route is one line of an audience's table. Permission is what the caller must
// hold ("public", "member", or an operator's permission); the audience enforces it,
// the golden list of all routes shows it.
type Route struct {
	Method     string
	Path       string
	Permission string
	Summary    string // zh-CN, for people who audit the list
	Handler    gin.HandlerFunc
	Doc        Description // for generated clients
}

// Mount registers an audience's table. before runs in front of every handler and
// may be nil: the place where an audience checks Permission.
func Mount(e gin.IRoutes, routes []Route, before func(Route) gin.HandlerFunc) {
	for _, r := range routes {
		if before == nil {
			e.Handle(r.Method, r.Path, r.Handler)
			continue
		}
		e.Handle(r.Method, r.Path, before(r), r.Handler)
	}
}

// List prints routes one a line, sorted by path: what a golden file holds.
func List(routes []Route) string {
	lines := make([]string, 0, len(routes))
	for _, r := range routes {
		lines = append(lines, fmt.Sprintf("%-6s %-48s %-20s %s", r.Method, r.Path, r.Permission, r.Summary))
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i][7:] < lines[j][7:] })
	return strings.Join(lines, "\n") + "\n"
}

// Options make an engine.
type Options struct {
	Clock   clock.Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer // nil: no metrics
	// TrustedProxies are the networks whose X-Forwarded-For and X-Request-ID are
	// believed.
	TrustedProxies []netip.Prefix
	// HTTPS says that the public address is https: adds Strict-Transport-Security.
	HTTPS bool
	// NotFound answers unknown paths; nil answers with a JSON fault.
	NotFound gin.HandlerFunc
}

// NewEngine returns an engine with the shared middleware and no routes.
// It fails only when metrics are registered twice.
func NewEngine(o Options) (*gin.Engine, error) {
	if o.Clock == nil || o.Log == nil {
		return nil, fmt.Errorf("web: an engine needs a clock and a log")
	}
	count, err := metrics(o.Metrics, o.Clock)
	if err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	// A redirect for a slash would put the token into a Location header and lose the
	// body of a POST.
	e.RedirectTrailingSlash = false
	if err := e.SetTrustedProxies(nil); err != nil { // ClientIP below replaces gin's, which reads only the first header line
		return nil, err
	}
	// The log is outside of recover, so that a panic is one line with its request id.
	e.Use(identify(o.TrustedProxies), count, accessLog(o.Log, o.Clock), recoverPanic(), headers(o.HTTPS), limitBody(DefaultBody), checkPath())
	e.NoMethod(func(c *gin.Context) { Fail(c, fault.NewInvalid("method_not_allowed", "不支持的请求方法")) })
	if o.NotFound == nil {
		o.NotFound = func(c *gin.Context) { Fail(c, fault.New(fault.NotFound, "not_found", "没有这个地址")) }
	}
	e.NoRoute(o.NotFound)
	return e, nil
}
