package admin

import (
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// queryTime reads an optional RFC 3339 time; absent is 0.
func queryTime(c *gin.Context, name string) (clock.Instant, error) {
	var at clock.Instant
	if s := c.Query(name); s != "" {
		if err := at.UnmarshalJSON([]byte(`"` + s + `"`)); err != nil {
			return 0, fault.Invalidf("bad_field", "参数 %s 应为 RFC 3339 时间", name).With("field", name)
		}
	}
	return at, nil
}

// queryNumber reads a whole number; absent is 0.
func queryNumber(c *gin.Context, name string) (int64, error) {
	text := c.Query(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fault.Invalidf("bad_field", "参数 %s 应为整数", name).With("field", name)
	}
	return n, nil
}

// queryText reads a text to search for; full-width spaces around it go as well.
func queryText(c *gin.Context, name string) string {
	text := strings.TrimSpace(c.Query(name))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return text
}

// queryList reads ids, parted by commas: as many as a page has at most.
func queryList(c *gin.Context, name string) ([]id.ID, error) {
	text := c.Query(name)
	if text == "" {
		return nil, nil
	}
	words := strings.Split(text, ",")
	if len(words) > web.MaxLimit {
		return nil, fault.Invalidf("bad_field", "参数 %s 最多 %d 个编号", name, web.MaxLimit).With("field", name)
	}
	out := make([]id.ID, 0, len(words))
	for _, w := range words {
		v, err := id.Parse(w)
		if err != nil {
			return nil, fault.Invalidf("bad_field", "参数 %s 不是编号", name).With("field", name)
		}
		out = append(out, v)
	}
	return out, nil
}

// brandOf reads the brand that a list is about. Fault: Invalid brand_id.
func brandOf(c *gin.Context) (id.ID, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err == nil && brandID == 0 {
		err = errNeeds
	}
	return brandID, err
}
