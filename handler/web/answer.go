package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
)

const (
	keyFault = "web.fault"
	keyID    = "web.request_id"
)

// Status is the one table from kind to HTTP status. The two codes are refinements
// that HTTP itself names.
func Status(f *fault.Fault) int {
	switch f.Code {
	case "body_too_large":
		return http.StatusRequestEntityTooLarge
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	}
	switch f.Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict, fault.Exhausted:
		return http.StatusConflict
	case fault.Throttled:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

type problem struct {
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	RequestID string         `json:"request_id"`
	Detail    map[string]any `json:"detail,omitempty"`
}

// Fail answers with a fault and ends the chain. The cause goes to the access log,
// never to the client.
func Fail(c *gin.Context, err error) {
	f := Note(c, err)
	c.Abort()
	if f.Kind == fault.Throttled || f.Kind == fault.Unavailable {
		c.Header("Retry-After", retryAfter(f))
	}
	status := Status(f)
	if left(c, err) {
		status = statusLeft
	}
	writeJSON(c, status, gin.H{"error": problem{f.Code, f.Text, RequestID(c), f.Detail}})
}

// statusLeft is what proxies log when nobody is there any more to read an answer.
const statusLeft = 499

// left tells that err is nothing but whoever asked having gone: a page that was left takes
// its questions along. That is no fault of ours and wakes nobody.
func left(c *gin.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(c.Request.Context().Err(), context.Canceled)
}

// Note remembers err for the access log and returns its fault; pages that render
// a fault themselves call it instead of Fail.
func Note(c *gin.Context, err error) *fault.Fault {
	f := fault.Of(err)
	c.Set(keyFault, err)
	return f
}

func retryAfter(f *fault.Fault) string {
	if n, ok := f.Detail["retry_after_s"].(int); ok && n > 0 {
		return strconv.Itoa(n)
	}
	return "5"
}

// OK answers 200 {"data":...}.
func OK(c *gin.Context, data any) { writeJSON(c, http.StatusOK, gin.H{"data": data}) }

// Created answers 201 {"data":...}.
func Created(c *gin.Context, data any) { writeJSON(c, http.StatusCreated, gin.H{"data": data}) }

// Listed answers one page of a list; next is empty on the last one. No items are an empty
// list, never null.
func Listed[T any](c *gin.Context, items []T, next string) {
	writeJSON(c, http.StatusOK, gin.H{"data": some(items), "next": next})
}

// ListedOf is Listed with how many there are; more says that counting stopped there.
func ListedOf[T any](c *gin.Context, items []T, next string, total int, more bool) {
	writeJSON(c, http.StatusOK, gin.H{"data": some(items), "next": next, "total": total, "total_more": more})
}

func some[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// Answer turns an action into a handler: its value becomes the data, its error the
// fault.
func Answer(action func(*gin.Context) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		data, err := action(c)
		if err != nil {
			Fail(c, err)
			return
		}
		OK(c, data)
	}
}

// RequestID names this request in the answer, the log and the audit.
func RequestID(c *gin.Context) string { return c.GetString(keyID) }

func writeJSON(c *gin.Context, status int, body any) {
	// Marshalled before the status goes out: a value that does not marshal must
	// not become half an answer with status 200.
	b, err := json.Marshal(body)
	if err != nil {
		Note(c, err)
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"系统开小差了，请稍后再试","request_id":"`+RequestID(c)+`"}}`)
	}
	if c.Writer.Header().Get("Cache-Control") == "" {
		c.Header("Cache-Control", "no-store")
	}
	c.Data(status, "application/json; charset=utf-8", b)
}
