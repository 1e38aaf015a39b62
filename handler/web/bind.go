package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
	"siyu/model/id"
)

const keyRead = "web.body"

// Body reads the whole body once and keeps it, so that a handler may bind what the
// idempotency helper has hashed. Faults: Invalid body_too_large, bad_utf8.
func Body(c *gin.Context) ([]byte, error) {
	if v, ok := c.Get(keyRead); ok {
		return v.([]byte), nil
	}
	if c.Request.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(c.Request.Body)
	if err != nil {
		return nil, bodyFault(err)
	}
	if !utf8.Valid(b) {
		return nil, fault.NewInvalid("bad_utf8", "内容不是 UTF-8 文本")
	}
	c.Set(keyRead, b)
	return b, nil
}

// Reset gives what follows another body: for a handler that takes a large or personal
// input out of the body before it is hashed or audited.
func Reset(c *gin.Context, body []byte) { c.Set(keyRead, body) }

func bodyFault(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fault.Invalidf("body_too_large", "内容太大，最多 %d KB", big.Limit>>10)
	}
	return fault.NewInvalid("bad_body", "内容没有传完整").Because(err)
}

// Bind reads JSON strictly: an unknown field, a second value or a wrong type is a
// fault, so that a misspelt field never silently keeps its old value.
func Bind(c *gin.Context, into any) error { return bind(c, into, true) }

// BindLoose ignores unknown fields: an older server must understand a newer mini
// program.
func BindLoose(c *gin.Context, into any) error { return bind(c, into, false) }

func bind(c *gin.Context, into any, strict bool) error {
	b, err := Body(c)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return jsonFault(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fault.NewInvalid("bad_json", "JSON 之后还有多余的内容")
	}
	return nil
}

func jsonFault(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return fault.NewInvalid("bad_json", "缺少 JSON 内容")
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.NewInvalid("bad_json", "不是合法的 JSON")
	case errors.As(err, &kind):
		return fault.Invalidf("bad_field", "字段 %s 的类型不对", kind.Field).With("field", kind.Field)
	}
	// encoding/json has no type for this one; the text is stable since Go 1.10.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		return fault.Invalidf("unknown_field", "未知字段 %s", name).With("field", name)
	}
	return fault.Invalidf("bad_field", "字段格式不对:%s", strings.TrimPrefix(err.Error(), "json: "))
}

// Form reads an urlencoded form body into values, each checked for UTF-8.
func Form(c *gin.Context) (func(name string) string, error) {
	if err := c.Request.ParseForm(); err != nil {
		return nil, bodyFault(err)
	}
	for k, vs := range c.Request.PostForm {
		for _, v := range vs {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fault.NewInvalid("bad_utf8", "内容不是 UTF-8 文本")
			}
		}
	}
	return c.Request.PostForm.Get, nil
}

// ParamID reads an id from the path. A malformed id names nothing: NotFound.
func ParamID(c *gin.Context, name string) (id.ID, error) {
	v, err := id.Parse(c.Param(name))
	if err != nil {
		return 0, fault.New(fault.NotFound, "not_found", "没有找到")
	}
	return v, nil
}

// QueryID reads an optional id from the query; absent is 0.
func QueryID(c *gin.Context, name string) (id.ID, error) {
	s := c.Query(name)
	if s == "" {
		return 0, nil
	}
	v, err := id.Parse(s)
	if err != nil {
		return 0, fault.Invalidf("bad_field", "参数 %s 不是编号", name).With("field", name)
	}
	return v, nil
}

// Page limits.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Page is a cursor: rows before this id, newest first. Zero is the newest page.
type Page struct {
	Before id.ID
	Limit  int
}

// Paging reads ?before=&limit=.
func Paging(c *gin.Context) (Page, error) {
	before, err := QueryID(c, "before")
	if err != nil {
		return Page{}, err
	}
	limit, err := Limit(c)
	return Page{before, limit}, err
}

// Limit reads ?limit= alone, for lists whose cursor is not an id.
func Limit(c *gin.Context) (int, error) {
	s := c.Query("limit")
	if s == "" {
		return DefaultLimit, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MaxLimit {
		return 0, fault.Invalidf("bad_field", "limit 应为 1 到 %d", MaxLimit).With("field", "limit")
	}
	return n, nil
}

// Next is the cursor after a page: the key of its last item, or "" when the page is
// not full and so is the last one.
func Next[T any](items []T, limit int, key func(T) string) string {
	if len(items) < limit || len(items) == 0 {
		return ""
	}
	return key(items[len(items)-1])
}
