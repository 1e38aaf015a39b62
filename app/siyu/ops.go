package main

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"siyu/config"
	"siyu/handler/web"
	"siyu/model/fault"
)

// opsRoutes are for machines: alive, ready, metrics.
func opsRoutes(cfg config.Config, reg *prometheus.Registry, ready ...func(context.Context) error) []web.Route {
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	return []web.Route{
		{Method: "GET", Path: "/healthz", Permission: "public", Summary: "进程存活", Handler: func(c *gin.Context) { c.String(http.StatusOK, "ok\n") }},
		{Method: "GET", Path: "/readyz", Permission: "public", Summary: "可以接流量", Handler: func(c *gin.Context) {
			ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
			defer cancel()
			for _, ask := range ready {
				if err := ask(ctx); err != nil {
					web.Fail(c, fault.New(fault.Unavailable, "not_ready", "数据库或队列暂不可用").Because(err))
					return
				}
			}
			c.String(http.StatusOK, "ready\n")
		}},
		{Method: "GET", Path: "/metrics", Permission: "machine", Summary: "Prometheus 指标", Handler: func(c *gin.Context) {
			if !mayReadMetrics(c.Request, string(cfg.MetricsToken)) {
				web.Fail(c, fault.New(fault.NotFound, "not_found", "没有这个地址"))
				return
			}
			metrics.ServeHTTP(c.Writer, c.Request)
		}},
	}
}

// mayReadMetrics: this machine itself, not something it forwards; or the token.
func mayReadMetrics(r *http.Request, token string) bool {
	if token != "" && subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+token)) == 1 {
		return true
	}
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
