package admin

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
)

// action does a write. It fills the entry's Before and After, and its ObjectID where
// the path does not name the object; the rest of the entry is there.
type action func(c *gin.Context, e *audit.Entry) (any, error)

// thing is what an action changes: a row, and what tells it from others that have the same
// row or none. The zero thing is not there yet.
type thing struct {
	id    id.ID
	which map[string]any
}

// finder finds the thing where the path does not name it: from the body, by a unique name.
type finder func(c *gin.Context) (thing, error)

// by makes a finder of a body that is bound as the action binds it.
func by[T any](find func(c *gin.Context, in T) (thing, error)) finder {
	return func(c *gin.Context) (thing, error) {
		var in T
		if err := web.Bind(c, &in); err != nil {
			return thing{}, err
		}
		return find(c, in)
	}
}

// write makes a route of an action: audited, and repeatable by Idempotency-Key. One that
// changes a thing that its path does not name has a finder: without it nobody is told that
// his form is old (unseen).
func (h *Handler) write(name string, status int, do action, of ...finder) gin.HandlerFunc {
	return web.Once(h.Replay, func(c *gin.Context) string { return "op:" + current(c).Operator.ID.String() }, status, h.audited(name, do, of...))
}

// secret is for input or answers that hold a secret: nothing of them may be stored,
// not even as the hash that an Idempotency-Key needs.
func (h *Handler) secret(name string, status int, do action, of ...finder) gin.HandlerFunc {
	run := h.audited(name, do, of...)
	return func(c *gin.Context) {
		data, err := run(c)
		switch {
		case err != nil:
			web.Fail(c, err)
		case status == http.StatusCreated:
			web.Created(c, data)
		default:
			web.OK(c, data)
		}
	}
}

// audited writes the entry before the action and completes it after.
func (h *Handler) audited(name string, do action, of ...finder) func(*gin.Context) (any, error) {
	object, _, _ := strings.Cut(name, ".")
	return func(c *gin.Context) (any, error) {
		body, err := web.Body(c)
		if err == nil {
			err = h.confineForm(c, body)
		}
		if err != nil {
			return nil, err
		}
		s, asked := current(c), fieldsOf(body)
		e := audit.Entry{ActorID: s.Operator.ID, Actor: s.Operator.Login, IP: web.ClientIP(c), RequestID: web.RequestID(c),
			Action: name, Object: object, After: asked}
		e.Reason, _ = asked["reason"].(string)
		var about thing
		var lost error
		if c.Param("id") != "" {
			named, err := web.ParamID(c, "id")
			if err != nil {
				return nil, err
			}
			// /campaigns/7/publish is about campaign 7; /brands/7/keys is about a key of it.
			if path := strings.TrimPrefix(c.FullPath(), Base+"/"); strings.HasPrefix(path, object) {
				e.ObjectID = named
			} else {
				asked["parent_id"] = named
			}
			about.id = named
		}
		for _, find := range of { // at most one
			if about, lost = find(c); lost == nil {
				e.ObjectID, e.Which = about.id, about.which
			}
		}
		if lost == nil {
			if err := h.unseen(c, e, about, len(of) > 0); err != nil {
				return nil, err
			}
		}
		entry, err := h.Audit.Begin(c.Request.Context(), e)
		if err != nil {
			return nil, err
		}
		e.After = nil
		var data any
		actErr := lost // it names nothing that can be changed: a refused act like others
		if lost == nil {
			data, actErr = do(c, &e)
		}
		// A client that went away must not leave the entry open.
		if err := h.Audit.End(context.WithoutCancel(c.Request.Context()), entry, e, actErr); err != nil {
			web.Note(c, err) // the act stands; the entry says "begun" and shows who
		}
		return data, actErr
	}
}

// attach answers with a table as a file, which write fills. Who fetched it is on record
// before its first line: a file that nobody knows of is not handed over.
func (h *Handler) attach(c *gin.Context, name string, e audit.Entry, write func(to io.Writer) error) {
	s := current(c)
	e.ActorID, e.Actor, e.IP, e.RequestID = s.Operator.ID, s.Operator.Login, web.ClientIP(c), web.RequestID(c)
	if err := h.Audit.Record(c.Request.Context(), e); err != nil {
		web.Fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Content-Type", "text/csv; charset=utf-8")
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	if err := write(c.Writer); err != nil {
		if !c.Writer.Written() {
			web.Fail(c, err)
			return
		}
		web.Note(c, err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
}

// fieldsOf is the request as the audit shows it; the audit hides secrets by name.
func fieldsOf(body []byte) map[string]any {
	out := map[string]any{}
	if len(body) > 0 && json.Unmarshal(body, &out) != nil {
		return map[string]any{"body": "(not a JSON object)"}
	}
	return out
}

// bindOptional is web.Bind for a body that may be missing.
func bindOptional(c *gin.Context, into any) error {
	body, err := web.Body(c)
	if err != nil || len(body) == 0 {
		return err
	}
	return web.Bind(c, into)
}

// list makes a paged route.
func list[T any](key func(T) id.ID, fetch func(c *gin.Context, p web.Page) ([]T, error)) gin.HandlerFunc {
	return counted(key, fetch, nil)
}

// counted makes a paged route that tells with ?total=1 how many there are; count takes the
// same filters as fetch and stops at db.MaxTotal. The route's line says Counts().
func counted[T any](key func(T) id.ID, fetch func(c *gin.Context, p web.Page) ([]T, error), count func(c *gin.Context) (n int, more bool, err error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		p, err := web.Paging(c)
		if err != nil {
			web.Fail(c, err)
			return
		}
		items, err := fetch(c, p)
		if err != nil {
			web.Fail(c, err)
			return
		}
		next := web.Next(items, p.Limit, func(x T) string { return key(x).String() })
		if count == nil || c.Query("total") == "" {
			web.Listed(c, items, next)
			return
		}
		n, more, err := count(c)
		if err != nil {
			web.Fail(c, err)
			return
		}
		web.ListedOf(c, items, next, n, more)
	}
}

// ofBrand makes a counted route over what one brand has.
func ofBrand[T any](key func(T) id.ID, fetch func(ctx context.Context, brandID, before id.ID, limit int) ([]T, error),
	count func(ctx context.Context, brandID id.ID) (n int, more bool, err error)) gin.HandlerFunc {
	return counted(key, func(c *gin.Context, p web.Page) ([]T, error) {
		brandID, err := brandAsked(c)
		if err != nil {
			return nil, err
		}
		return fetch(c.Request.Context(), brandID, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		brandID, err := brandAsked(c)
		if err != nil {
			return 0, false, err
		}
		return count(c.Request.Context(), brandID)
	})
}

// one makes the action of a GET for a single thing.
func one[T any](c *gin.Context, get func(context.Context, id.ID) (T, error)) (any, error) {
	objectID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	return get(c.Request.Context(), objectID)
}
