package web

import (
	"fmt"
	"strconv"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"siyu/model/clock"
)

// metrics counts requests by pattern: a path as label would make one series per
// token.
func metrics(reg prometheus.Registerer, clk clock.Clock) (gin.HandlerFunc, error) {
	if reg == nil {
		return func(*gin.Context) {}, nil
	}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "siyu_http_requests_total", Help: "HTTP requests by method, route pattern and status.",
	}, []string{"method", "route", "status"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "siyu_http_request_seconds", Help: "Time to answer, by route pattern.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5},
	}, []string{"route"})
	for _, m := range []prometheus.Collector{total, took} {
		if err := reg.Register(m); err != nil {
			return nil, fmt.Errorf("web: metrics: %w", err)
		}
	}
	return func(c *gin.Context) {
		from := clk.Now()
		c.Next()
		route := pattern(c)
		total.WithLabelValues(method(c.Request.Method), route, strconv.Itoa(c.Writer.Status())).Inc()
		took.WithLabelValues(route).Observe(clk.Now().Sub(from).Seconds())
	}, nil
}

// method keeps invented methods from making new series.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}
