package admin

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
)

// exportLine is a pack in a list.
type exportLine struct {
	export.Export
	Batch string `json:"batch"`
}

func (h *Handler) listExports() gin.HandlerFunc {
	filter := func(c *gin.Context) (export.Filter, error) {
		brandID, err := brandOf(c)
		if err != nil {
			return export.Filter{}, err
		}
		batchID, err := web.QueryID(c, "batch_id")
		return export.Filter{BrandID: brandID, BatchID: batchID, State: c.Query("state")}, err
	}
	return counted(func(e exportLine) id.ID { return e.ID }, func(c *gin.Context, p web.Page) ([]exportLine, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		list, err := h.Exports.List(c.Request.Context(), f, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return each(list, func(x export.Export) (exportLine, error) {
			b, err := h.Codes.Batch(c.Request.Context(), x.BatchID)
			return exportLine{x, b.Name}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Exports.Count(c.Request.Context(), f)
	})
}

type exportInput struct {
	BatchID id.ID          `json:"batch_id"`
	From    int64          `json:"from_serial"`
	Until   int64          `json:"until_serial"` // exclusive; both 0: the whole batch
	Kind    string         `json:"kind"`
	Form    string         `json:"url_form"`
	Options export.Options `json:"options"`
	Reason  string         `json:"reason"`
}

func (h *Handler) createExport(c *gin.Context, e *audit.Entry) (any, error) {
	var in exportInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	x, err := h.Exports.Request(c.Request.Context(), export.Request{BatchID: in.BatchID, From: in.From, Until: in.Until,
		Kind: in.Kind, Form: in.Form, Options: in.Options, By: e.ActorID})
	e.ObjectID, e.After = x.ID, x
	return x, err
}

func (h *Handler) takings(c *gin.Context) (any, error) { return one(c, h.Exports.Takings) }

func (h *Handler) getExport(c *gin.Context) (any, error) { return one(c, h.Exports.Get) }

func (h *Handler) cancelExport(c *gin.Context, e *audit.Entry) (any, error) {
	before, err := h.Exports.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Exports.Cancel(c.Request.Context(), e.ObjectID)
	e.Before, e.After = before, after
	return after, err
}

// hand is who takes a file or its password.
func hand(c *gin.Context) export.Hand {
	o := current(c).Operator
	return export.Hand{ID: o.ID, Login: o.Login, IP: web.ClientIP(c)}
}

type passwordView struct {
	Password string `json:"password"`
}

func (h *Handler) takePassword(c *gin.Context, e *audit.Entry) (any, error) {
	password, err := h.Exports.TakePassword(c.Request.Context(), e.ObjectID, hand(c))
	return passwordView{password}, err
}

// ticketLife is how long a ticket opens its file: long enough for a browser to
// follow the link it was just given.
const ticketLife = time.Minute

const ticketPurpose = "admin export ticket"

// ticketFor binds a ticket to one file and one operator.
func ticketFor(c *gin.Context) string {
	return c.Param("id") + "/" + c.Param("part") + "/" + current(c).Operator.ID.String()
}

// ticket lets the browser fetch a file by a plain link, which cannot carry the CSRF
// header; without one a foreign page could use up the downloads by an image tag.
func (h *Handler) ticket(c *gin.Context, e *audit.Entry) (any, error) {
	x, err := h.Exports.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	if err := x.MayDownload(e.ActorID); err != nil {
		return nil, err
	}
	part, err := strconv.Atoi(c.Param("part"))
	if err != nil || part < 1 || part > len(x.Parts) {
		return nil, fault.New(fault.NotFound, "part_unknown", "没有这个分卷")
	}
	e.After = map[string]int{"part": part}
	t := h.Cookies.Signer.Sign(ticketPurpose, ticketFor(c), ticketLife)
	return ticketView{fmt.Sprintf("%s/exports/%s/parts/%d/file?ticket=%s", Base, x.ID, part, t)}, nil
}

type ticketView struct {
	URL string `json:"url"`
}

func (h *Handler) download(c *gin.Context) {
	what, ok := h.Cookies.Signer.Open(ticketPurpose, c.Query("ticket"))
	if !ok || what != ticketFor(c) {
		web.Fail(c, fault.New(fault.Forbidden, "ticket", "下载凭证无效或已过期，请重新点击下载"))
		return
	}
	exportID, err := web.ParamID(c, "id")
	if err != nil {
		web.Fail(c, err)
		return
	}
	part, _ := strconv.Atoi(c.Param("part")) // the ticket was only given for a number
	d, err := h.Exports.Open(c.Request.Context(), exportID, part, hand(c))
	if err != nil {
		web.Fail(c, err)
		return
	}
	defer func() { _ = d.Content.Close() }() // only read
	s := current(c)
	err = h.Audit.Record(c.Request.Context(), audit.Entry{ActorID: s.Operator.ID, Actor: s.Operator.Login, IP: web.ClientIP(c), RequestID: web.RequestID(c),
		Action: "export.download", Object: "export", ObjectID: exportID, After: map[string]any{"part": d.Part.Part, "name": d.Name, "left": d.Left}})
	if err != nil {
		web.Fail(c, err) // a download that nobody knows of does not happen
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	c.DataFromReader(http.StatusOK, d.Bytes, "application/zip", d.Content, nil)
}
