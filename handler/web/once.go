package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
)

// Replayer keeps answers that were given (model/replay).
type Replayer interface {
	Do(ctx context.Context, scope, key string, input []byte, fn func() (status int, answer []byte, err error)) (status int, answer []byte, replayed bool, err error)
}

// Once makes a write repeatable. With an Idempotency-Key header the first success
// is stored and given again, byte for byte, to every repetition with the same
// input; the same key with other input is a Conflict. A fault is not stored: it
// wrote nothing, and the caller may try again. Without the header the action
// simply runs.
//
// owner separates callers, so that nobody can read another's answer by guessing
// his key; it is at most 40 bytes.
func Once(r Replayer, owner func(*gin.Context) string, status int, action func(*gin.Context) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		key := c.GetHeader("Idempotency-Key")
		if key == "" {
			data, err := action(c)
			if err != nil {
				Fail(c, err)
				return
			}
			writeJSON(c, status, gin.H{"data": data})
			return
		}
		if len(key) > 128 || strings.ContainsFunc(key, func(x rune) bool { return x <= ' ' || x > '~' }) {
			Fail(c, fault.NewInvalid("bad_idempotency_key", "Idempotency-Key 应为 1 到 128 个可见 ASCII 字符"))
			return
		}
		body, err := Body(c)
		if err != nil {
			Fail(c, err)
			return
		}
		at := c.Request.URL.Path
		if q := c.Request.URL.RawQuery; q != "" { // it may name the brand
			at += "?" + q
		}
		input := append([]byte(c.Request.Method+" "+at+"\n"), body...)
		code, answer, replayed, err := r.Do(c.Request.Context(), owner(c), key, input, func() (int, []byte, error) {
			data, err := action(c)
			if err != nil {
				return 0, nil, err
			}
			b, err := json.Marshal(gin.H{"data": data})
			return status, b, err
		})
		if err != nil {
			Fail(c, err)
			return
		}
		if replayed {
			c.Header("Idempotency-Replayed", "true")
		}
		if code == 0 {
			code = http.StatusOK
		}
		c.Header("Cache-Control", "no-store")
		c.Data(code, "application/json; charset=utf-8", answer)
	}
}
