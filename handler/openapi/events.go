package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
)

// eventsInput is a body of POST /events. Items are read one by one, so that a mistake in
// one is that one's.
type eventsInput struct {
	Events []json.RawMessage `json:"events" min:"1" max:"1000" items:"Event" doc:"事件"`
}

type eventInput struct {
	Key    string            `json:"key"`
	Type   string            `json:"type"`
	At     clock.Instant     `json:"at"`
	Person []event.PersonKey `json:"person"`
	Body   json.RawMessage   `json:"body"`
}

// ordersInput is a body of POST /orders.
type ordersInput struct {
	Orders []json.RawMessage `json:"orders" min:"1" max:"1000" items:"Order" doc:"订单、退款"`
}

// orderInput is an order, or a refund of one: then refund_no is there and numbers are
// negative.
type orderInput struct {
	At     clock.Instant     `json:"at"`
	Person []event.PersonKey `json:"person"`
	event.OrderBody
}

// key names an order or a refund: the same one reported twice is one.
func (o *orderInput) key() string {
	if o.RefundNo != "" {
		return "refund:" + o.Source + ":" + o.OrderNo + ":" + o.RefundNo
	}
	return "order:" + o.Source + ":" + o.OrderNo
}

// outcomes answer a batch.
type outcomes struct {
	Results    []outcome `json:"results" doc:"逐条结果，顺序与请求一致"`
	Stored     int       `json:"stored" doc:"新存入的条数"`
	Duplicates int       `json:"duplicates" doc:"此前已存过、内容相同的条数"`
	Failed     int       `json:"failed" doc:"未存入的条数"`
}

type outcome struct {
	Index   int      `json:"index" doc:"在请求中的序号，从 0 开始"`
	Key     string   `json:"key" doc:"事件的 key；读不出时为空"`
	Status  string   `json:"status" enum:"stored,duplicate,conflict,dead,rejected" doc:"stored 已存入；duplicate 此前已存；conflict 同一 key 内容不同，以先到的为准；dead 暂不能存入，已留待人工处理；rejected 未接受，请改正后重发"`
	EventID id.ID    `json:"event_id" doc:"事件编号"`
	Error   *problem `json:"error" doc:"未存入的原因"`
}

type problem struct {
	Code    string `json:"code" doc:"稳定的错误代码"`
	Message string `json:"message" doc:"说明"`
	Path    string `json:"path" doc:"出错的字段，可能为空"`
}

func problemOf(f *fault.Fault) *problem {
	if f == nil {
		return nil
	}
	path, _ := f.Detail["path"].(string)
	return &problem{f.Code, f.Text, path}
}

func (h *Handler) events(c *gin.Context, k apikey.Key) (any, error) {
	var in eventsInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.take(c, k, "events", in.Events, func(raw json.RawMessage) (event.Report, error) {
		var e eventInput
		err := strict(raw, &e)
		return event.Report{Key: e.Key, Type: e.Type, At: e.At, Person: e.Person, Body: e.Body}, err
	})
}

func (h *Handler) orders(c *gin.Context, k apikey.Key) (any, error) {
	var in ordersInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.take(c, k, "orders", in.Orders, func(raw json.RawMessage) (event.Report, error) {
		var o orderInput
		err := strict(raw, &o)
		return event.Report{Key: o.key(), Type: event.Order, At: o.At, Person: o.Person, Body: event.Body(o.OrderBody)}, err
	})
}

func (h *Handler) take(c *gin.Context, k apikey.Key, field string, raws []json.RawMessage, read func(json.RawMessage) (event.Report, error)) (any, error) {
	if len(raws) == 0 || len(raws) > event.Most {
		return nil, fault.Invalidf("bad_field", "%s 应有 1 到 %d 条", field, event.Most).With("field", field)
	}
	out := outcomes{Results: make([]outcome, len(raws))}
	reports, of := make([]event.Report, 0, len(raws)), make([]int, 0, len(raws))
	for i, raw := range raws {
		r, err := read(raw)
		out.Results[i] = outcome{Index: i, Key: r.Key, Status: event.Rejected, Error: problemOf(fault.Of(err))}
		if err == nil {
			reports, of = append(reports, r), append(of, i)
		}
	}
	results, err := h.Intake.Take(c.Request.Context(), k, reports)
	if err != nil {
		return nil, err
	}
	for n, r := range results {
		o := &out.Results[of[n]]
		o.Status, o.EventID, o.Error = r.Status, r.EventID, problemOf(r.Fault)
	}
	for _, o := range out.Results {
		switch o.Status {
		case event.Stored:
			out.Stored++
		case event.Duplicate:
			out.Duplicates++
		default:
			out.Failed++
		}
	}
	return out, nil
}

// strict reads one item; a field nobody knows is a mistake.
func strict(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return fault.NewInvalid("bad_item", "缺少内容")
	case errors.As(err, &kind):
		return fault.Invalidf("bad_item", "字段 %s 的类型不对", kind.Field).With("path", kind.Field)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return fault.Invalidf("bad_item", "未知字段 %.48s", name).With("path", name)
	}
	return fault.NewInvalid("bad_item", "字段格式不对").Because(err)
}

// status is what became of one report.
type status struct {
	Key        string        `json:"key" doc:"事件的 key"`
	Status     string        `json:"status" enum:"stored,dead" doc:"stored 已存入；dead 未存入，留待人工处理或已丢弃"`
	EventID    id.ID         `json:"event_id" doc:"事件编号"`
	ReceivedAt clock.Instant `json:"received_at" doc:"收到的时间"`
	Error      *problem      `json:"error" doc:"未存入的原因"`
}

func (h *Handler) status(c *gin.Context, k apikey.Key) (any, error) {
	key := c.Param("key")
	o, at, err := h.Intake.Status(c.Request.Context(), k, key)
	return status{key, o.Status, o.EventID, at, problemOf(o.Fault)}, err
}
