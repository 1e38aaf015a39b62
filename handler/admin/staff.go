package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/operator"
)

func (h *Handler) listOperators() gin.HandlerFunc {
	return counted(func(o operator.Operator) id.ID { return o.ID }, func(c *gin.Context, p web.Page) ([]operator.Operator, error) {
		return h.Operators.List(c.Request.Context(), p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) { return h.Operators.Count(c.Request.Context()) })
}

func (h *Handler) roles(*gin.Context) (any, error) { return operator.Roles(), nil }

func (h *Handler) createOperator(c *gin.Context, e *audit.Entry) (any, error) {
	var in operator.Draft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	o, err := h.Operators.Create(c.Request.Context(), in)
	e.ObjectID, e.After = o.ID, o
	return o, err
}

type operatorInput struct {
	operator.Change
	Reason string `json:"reason"`
}

func (h *Handler) updateOperator(c *gin.Context, e *audit.Entry) (any, error) {
	var in operatorInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Operators.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Operators.Update(c.Request.Context(), e.ObjectID, in.Change)
	e.Before, e.After = before, after
	return after, err
}

type passwordInput struct {
	OldPassword string `json:"old_password"`
	Password    string `json:"password"`
	Reason      string `json:"reason"`
}

func (h *Handler) setPassword(c *gin.Context, e *audit.Entry) (any, error) {
	var in passwordInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return nil, h.Operators.SetPassword(c.Request.Context(), e.ObjectID, in.Password)
}

func (h *Handler) changePassword(c *gin.Context, e *audit.Entry) (any, error) {
	var in passwordInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = e.ActorID
	return nil, h.Operators.ChangePassword(c.Request.Context(), current(c), in.OldPassword, in.Password)
}

func (h *Handler) listAudit() gin.HandlerFunc {
	filter := func(c *gin.Context) (audit.Filter, error) {
		f := audit.Filter{Action: c.Query("action"), Object: c.Query("object"), Outcome: c.Query("outcome")}
		err := queryIDs(c, map[string]*id.ID{"actor_id": &f.ActorID, "object_id": &f.ObjectID})
		if err == nil {
			f.From, err = queryTime(c, "from")
		}
		if err == nil {
			f.Until, err = queryTime(c, "until")
		}
		return f, err
	}
	return counted(func(l audit.Line) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]audit.Line, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		f.Before, f.Limit = p.Before, p.Limit
		lines, err := h.Audit.List(c.Request.Context(), f)
		return h.veil(c).trail(lines), err
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Audit.Count(c.Request.Context(), f)
	})
}

func (h *Handler) overview(c *gin.Context) (any, error) {
	return h.Insight.Overview(c.Request.Context())
}
