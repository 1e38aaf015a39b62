package web

import (
	"context"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
)

// memory has the contract of model/replay without its table.
type memory map[string]struct {
	input, answer string
	status        int
}

func (m memory) Do(_ context.Context, scope, key string, input []byte, fn func() (int, []byte, error)) (int, []byte, bool, error) {
	if old, ok := m[scope+"|"+key]; ok {
		if old.input != string(input) {
			return 0, nil, false, fault.New(fault.Conflict, "key_reused", "同一个键用于不同内容")
		}
		return old.status, []byte(old.answer), true, nil
	}
	status, answer, err := fn()
	if err != nil {
		return 0, nil, false, err
	}
	m[scope+"|"+key] = struct {
		input, answer string
		status        int
	}{string(input), string(answer), status}
	return status, answer, false, nil
}

func TestOnce(t *testing.T) {
	runs, broken := 0, false
	s := newSite(t, Route{Method: "POST", Path: "/pay/:id", Handler: Once(memory{}, func(c *gin.Context) string { return c.GetHeader("who") }, http.StatusCreated,
		func(c *gin.Context) (any, error) {
			var in struct{ N int }
			if err := BindLoose(c, &in); err != nil {
				return nil, err
			}
			if broken {
				return nil, fault.New(fault.Unavailable, "down", "稍后再试")
			}
			runs++
			return runs, nil
		})})
	first := s.do("POST", "/pay/1", `{"N":1}`, "Idempotency-Key", "k", "who", "a")
	again := s.do("POST", "/pay/1", `{"N":1}`, "Idempotency-Key", "k", "who", "a")
	if first.Code != 201 || again.Code != 201 || first.Body.String() != again.Body.String() || runs != 1 || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("%s / %s after %d runs", first.Body, again.Body, runs)
	}
	for name, w := range map[string]string{
		"other input":  code(t, s.do("POST", "/pay/1", `{"N":2}`, "Idempotency-Key", "k", "who", "a")),
		"other brand":  code(t, s.do("POST", "/pay/1?brand=2", `{"N":1}`, "Idempotency-Key", "k", "who", "a")),
		"other object": code(t, s.do("POST", "/pay/2", `{"N":1}`, "Idempotency-Key", "k", "who", "a")),
	} {
		if w != "key_reused" {
			t.Errorf("%s: %q", name, w)
		}
	}
	if s.do("POST", "/pay/1", `{"N":1}`, "Idempotency-Key", "k", "who", "b"); runs != 2 {
		t.Error("another caller was given the first caller's answer")
	}
	if s.do("POST", "/pay/1", `{"N":1}`); runs != 3 {
		t.Error("without a key the action did not run")
	}
	if got := code(t, s.do("POST", "/pay/1", `{"N":1}`, "Idempotency-Key", "with blank", "who", "a")); got != "bad_idempotency_key" {
		t.Error(got)
	}
	broken = true
	if got := code(t, s.do("POST", "/pay/1", `{"N":9}`, "Idempotency-Key", "k2", "who", "a")); got != "down" {
		t.Error(got)
	}
	broken = false
	if w := s.do("POST", "/pay/1", `{"N":9}`, "Idempotency-Key", "k2", "who", "a"); w.Code != 201 {
		t.Error("a fault was stored and is given for ever:", w.Body)
	}
}
