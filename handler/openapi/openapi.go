// Package openapi is where partners' servers call us (开放接口): shop systems that report
// orders, a brand's own systems that report what members did and write what their models
// say of them. It is versioned under
// /open/v1 and documented by a document that is made from the same table as the routes.
//
// Promises: nothing is read or written for a request that is not signed by a live key
// with the permission on the route's line; one bad item never holds up its neighbours,
// and each is answered for itself; everything that writes may be sent again and has its
// effect once, so a request that somebody caught and repeats does no harm; no answer
// tells more of a person than the caller said himself.
//
// A request carries X-Siyu-Key, X-Siyu-Time (Unix seconds), X-Siyu-Nonce (8 to 64
// characters, new each time) and X-Siyu-Sign: the hex HMAC-SHA256, under the key's
// secret, of method, path with query, time, nonce and the hex SHA-256 of the body, one a
// line (apikey.Request.Text).
package openapi

import (
	"net/http"
	"reflect"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/tag"
)

// Base is where the routes live.
const Base = "/open/v1"

// Permissions of routes that no key needs to be given.
const (
	Public = "public"
	Signed = "signed" // any live key
)

// Deps are what the handlers work with.
type Deps struct {
	Clock  clock.Clock
	Keys   *apikey.Store
	Intake *event.Intake
	Tags   *tag.Store
}

// Handler answers partners.
type Handler struct {
	Deps
	gate *apikey.Gate
	doc  []byte
}

// New makes a handler. It fails when the document cannot be made from the table.
func New(d Deps) (*Handler, error) {
	h := &Handler{Deps: d, gate: apikey.NewGate(d.Clock)}
	var err error
	h.doc, err = document(h.table())
	return h, err
}

// route is one line of the table. in and out are the types of the body and of the data of
// the answer; the document is made from them.
type route struct {
	method, path, permission, summary string
	in, out                           reflect.Type
	body                              int64 // limit in bytes; 0: web.DefaultBody
	answer                            func(c *gin.Context, k apikey.Key) (any, error)
}

const (
	get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	// batchBody holds a thousand events of usual size, and five hundred of the largest.
	batchBody = 4 << 20
)

func (h *Handler) table() []route {
	return []route{
		{get, "/ping", Signed, "检查密钥和时间", nil, reflect.TypeFor[pong](), 0, h.ping},
		{post, "/events", apikey.EventsWrite, "上报事件，一次 1 到 1000 条", reflect.TypeFor[eventsInput](), reflect.TypeFor[outcomes](), batchBody, h.events},
		{get, "/events/:key", apikey.EventsRead, "查询一条上报的处理结果", nil, reflect.TypeFor[status](), 0, h.status},
		{post, "/orders", apikey.OrdersWrite, "上报订单和退款，一次 1 到 1000 条", reflect.TypeFor[ordersInput](), reflect.TypeFor[outcomes](), batchBody, h.orders},
		{put, "/tags/:id/scores", apikey.ScoresWrite, "写入模型标签的得分，一次 1 到 1000 条", reflect.TypeFor[scoresInput](), reflect.TypeFor[scoreOutcomes](), batchBody, h.scores},
	}
}

// Routes is the whole surface.
func (h *Handler) Routes() []web.Route {
	list := []web.Route{{Method: get, Path: Base + "/openapi.json", Permission: Public, Summary: "接口文档 (OpenAPI 3.1)", Handler: h.document}}
	for _, r := range h.table() {
		list = append(list, web.Route{Method: r.method, Path: Base + r.path, Permission: r.permission, Summary: r.summary, Handler: h.serve(r)})
	}
	return list
}

func (h *Handler) document(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json; charset=utf-8", h.doc)
}

// serve lets a signed request through to its line of the table.
func (h *Handler) serve(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		k, err := h.caller(c, r)
		if err != nil {
			web.Fail(c, err)
			return
		}
		data, err := r.answer(c, k)
		if err != nil {
			web.Fail(c, err)
			return
		}
		web.OK(c, data)
	}
}

// caller is the key that signed the request. The order matters: a body is read only for
// a key that exists, and only what is proven counts against a key's rate.
func (h *Handler) caller(c *gin.Context, r route) (apikey.Key, error) {
	ctx := c.Request.Context()
	req := apikey.Request{Access: c.GetHeader("X-Siyu-Key"), Method: c.Request.Method, Target: c.Request.URL.RequestURI(),
		Time: c.GetHeader("X-Siyu-Time"), Nonce: c.GetHeader("X-Siyu-Nonce"), Sign: c.GetHeader("X-Siyu-Sign")}
	if err := h.Keys.Claimed(ctx, req); err != nil {
		return apikey.Key{}, err
	}
	if r.body > 0 {
		web.LimitBody(r.body)(c)
	}
	body, err := web.Body(c)
	if err != nil {
		return apikey.Key{}, err
	}
	k, err := h.Keys.Authenticate(ctx, req, body)
	if err != nil {
		return apikey.Key{}, err
	}
	if err := h.gate.Pass(k, req.Nonce); err != nil {
		return apikey.Key{}, err
	}
	if r.permission != Signed && !k.Can(r.permission) {
		return apikey.Key{}, fault.New(fault.Forbidden, "no_permission", "此密钥没有权限："+r.permission).With("permission", r.permission)
	}
	return k, nil
}

// pong is the answer of ping.
type pong struct {
	Name        string        `json:"name" doc:"密钥名称"`
	Permissions []string      `json:"permissions" doc:"密钥的权限"`
	PersonKinds []string      `json:"person_kinds" doc:"可为新人建会员的标识类型"`
	PerMinute   int           `json:"per_minute" doc:"每分钟请求数上限"`
	ServerTime  clock.Instant `json:"server_time" doc:"服务器时间"`
}

func (h *Handler) ping(_ *gin.Context, k apikey.Key) (any, error) {
	return pong{k.Name, k.Permissions, k.PersonKinds, k.PerMinute, h.Clock.Now()}, nil
}
