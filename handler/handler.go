// Package handler mounts the audiences on one engine and decides nothing: which
// routes exist stands in each audience's own table.
package handler

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/admin"
	"siyu/handler/callback"
	"siyu/handler/consumer"
	"siyu/handler/leader"
	"siyu/handler/openapi"
	"siyu/handler/panel"
	"siyu/handler/web"
)

// Audiences are who is served.
type Audiences struct {
	Consumer *consumer.Handler
	Leader   *leader.Handler
	Admin    *admin.Handler
	Panel    *panel.Panel
	Callback *callback.Handler
	Open     *openapi.Handler
	Ops      []web.Route // health and metrics, for machines
}

// Routes is the table of everything, for the golden list.
func (a Audiences) Routes() []web.Route {
	all := append(front(), a.Ops...)
	all = append(all, a.Consumer.Routes()...)
	all = append(all, a.Leader.Routes()...)
	all = append(all, a.Callback.Routes()...)
	all = append(all, a.Open.Routes()...)
	all = append(all, a.Panel.Routes()...)
	return append(all, a.Admin.Routes()...)
}

// front is the bare address: people who type it want their packets.
func front() []web.Route {
	return []web.Route{{Method: http.MethodGet, Path: "/", Permission: "public", Summary: "首页",
		Handler: func(c *gin.Context) { c.Redirect(http.StatusFound, "/packets") }}}
}

// New builds the engine with every audience on it.
func New(o web.Options, a Audiences) (http.Handler, error) {
	// The panel's pages are found here: a wildcard below /admin would clash with its API.
	o.NotFound = func(c *gin.Context) {
		if !a.Panel.Answer(c) {
			a.Consumer.NotFound(c)
		}
	}
	e, err := web.NewEngine(o)
	if err != nil {
		return nil, err
	}
	web.Mount(e, front(), nil)
	web.Mount(e, a.Ops, nil)
	web.Mount(e, a.Consumer.Routes(), nil)
	a.Leader.Mount(e)
	web.Mount(e, a.Callback.Routes(), nil)
	web.Mount(e, a.Open.Routes(), nil)
	web.Mount(e, a.Panel.Routes(), nil)
	a.Admin.Mount(e)
	return e, nil
}
