// Package handler mounts the audiences on one engine and decides nothing: which
// routes exist stands in each audience's own table.
package handler

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/admin"
	"siyu/handler/callback"
	"siyu/handler/consumer"
	"siyu/handler/web"
)

// Audiences are who is served.
type Audiences struct {
	Consumer *consumer.Handler
	Admin    *admin.Handler
	Callback *callback.Handler
	Ops      []web.Route // health and metrics, for machines
}

// Routes is the table of everything, for the golden list.
func (a Audiences) Routes() []web.Route {
	all := append([]web.Route{}, a.Ops...)
	all = append(all, a.Consumer.Routes()...)
	all = append(all, a.Callback.Routes()...)
	return append(all, a.Admin.Routes()...)
}

// New builds the engine with every audience on it.
func New(o web.Options, a Audiences) (http.Handler, error) {
	o.NotFound = a.Consumer.NotFound
	e, err := web.NewEngine(o)
	if err != nil {
		return nil, err
	}
	web.Mount(e, a.Ops, nil)
	web.Mount(e, a.Consumer.Routes(), nil)
	web.Mount(e, a.Callback.Routes(), nil)
	a.Admin.Mount(e)
	e.GET("/", func(c *gin.Context) { c.Redirect(http.StatusFound, "/packets") })
	return e, nil
}
