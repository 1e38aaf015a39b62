package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

const (
	// ahead is how much a reporter's clock may be ahead of ours.
	ahead = 10 * time.Minute
	// earliest is older than any shop system that could report to us.
	earliest clock.Instant = 946684800000 // 2000-01-01T00:00:00Z
	// dataText is the longest text in data, in characters.
	dataText = 500
)

var (
	keyForm     = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._:/#@+-]{0,95}$`)
	channelForm = regexp.MustCompile(`^[a-z0-9_]{1,16}$`)
	dataName    = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,48}$`)
)

func bad(path, format string, args ...any) error {
	return fault.Invalidf("event_invalid", path+"："+format, args...).With("path", path)
}

// check returns the first mistake of an event as fault Invalid event_invalid, with the
// place of it in Detail path. now is the receiver's time.
func (e *Event) check(now clock.Instant) error {
	switch {
	case !keyForm.MatchString(e.Key):
		return bad("key", "应为 1 到 %d 个字母、数字或 . _ : / # @ + -", maxKey)
	case e.BrandID == 0:
		return bad("brand_id", "缺少品牌")
	case e.MemberID == 0:
		return bad("member_id", "缺少会员")
	case !channelForm.MatchString(e.Channel):
		return bad("channel", "应为 1 到 16 个小写字母、数字或下划线")
	}
	return checkFact(e.Type, e.At, e.Body, now)
}

// checkFact is what an event says apart from whom it is about.
func checkFact(typ string, at clock.Instant, body json.RawMessage, now clock.Instant) error {
	fields, known := schemas[typ]
	switch {
	case !known:
		return bad("type", "没有“%.20s”这种事件", typ)
	case at < earliest:
		return bad("at", "缺少时间，或早于 2000 年")
	case at > now.Add(ahead):
		return bad("at", "时间在将来")
	case len(body) == 0:
		return bad("body", "缺少内容")
	case len(body) > maxBody:
		return bad("body", "超过 %d 字节", maxBody)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // amounts and serials are exact
	var v any
	if err := d.Decode(&v); err != nil || d.More() || !utf8.Valid(body) {
		return bad("body", "不是合法的 JSON")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return bad("body", "应为 JSON 对象")
	}
	if err := checkObject("body", fields, object); err != nil {
		return err
	}
	if typ == Order {
		return checkOrder(object)
	}
	return nil
}

func checkObject(path string, fields []Field, object map[string]any) error {
	found := 0
	for i := range fields {
		f := &fields[i]
		v, there := object[f.Name]
		if there {
			found++
		}
		if v == nil {
			if f.Required {
				return bad(path+"."+f.Name, "必填")
			}
			continue
		}
		if err := f.check(path, v); err != nil {
			return err
		}
	}
	if found == len(object) {
		return nil
	}
	names := make([]string, 0, len(object))
	for name := range object {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			names = append(names, name)
		}
	}
	return bad(path+"."+cut(slices.Min(names), 48), "没有这个字段")
}

func (f *Field) check(in string, v any) error {
	path := func() string { return in + "." + f.Name }
	switch f.Kind {
	case Text:
		s, ok := v.(string)
		if !ok {
			return bad(path(), "应为文字")
		}
		if n := int64(utf8.RuneCountInString(s)); n > f.Max || f.Required && n == 0 {
			return bad(path(), "应为 1 到 %d 个字", f.Max)
		}
		if len(f.Choices) > 0 && !slices.Contains(f.Choices, s) {
			return bad(path(), "应为 %v 之一", f.Choices)
		}
	case Integer:
		n, ok := v.(json.Number)
		i, err := n.Int64()
		if !ok || err != nil || i < f.Min || i > f.Max {
			return bad(path(), "应为 %d 到 %d 的整数", f.Min, f.Max)
		}
	case Ident:
		s, ok := v.(string)
		if _, err := id.Parse(s); !ok || err != nil {
			return bad(path(), "应为编号(十进制文字)")
		}
	case Bool:
		if _, ok := v.(bool); !ok {
			return bad(path(), "应为 true 或 false")
		}
	case List:
		items, ok := v.([]any)
		if !ok || int64(len(items)) < f.Min || int64(len(items)) > f.Max {
			return bad(path(), "应为 %d 到 %d 项的数组", f.Min, f.Max)
		}
		for i, item := range items {
			at := fmt.Sprintf("%s[%d]", path(), i)
			object, ok := item.(map[string]any)
			if !ok {
				return bad(at, "应为 JSON 对象")
			}
			if err := checkObject(at, f.Fields, object); err != nil {
				return err
			}
		}
	case Data:
		return f.checkData(path(), v)
	}
	return nil
}

func (f *Field) checkData(path string, v any) error {
	object, ok := v.(map[string]any)
	if !ok || int64(len(object)) > f.Max {
		return bad(path, "应为不超过 %d 项的 JSON 对象", f.Max)
	}
	for name, item := range object {
		if !dataName.MatchString(name) {
			return bad(path, "字段名应为 1 到 48 个字母、数字或 _ . -")
		}
		switch x := item.(type) {
		case nil, bool, json.Number:
		case string:
			if utf8.RuneCountInString(x) > dataText {
				return bad(path+"."+name, "不能超过 %d 个字", dataText)
			}
		default:
			return bad(path+"."+name, "应为文字、数字或真假")
		}
	}
	return nil
}

// checkOrder holds what one field cannot say: amounts of a refund are negative, those of
// an order are not.
func checkOrder(order map[string]any) error {
	number, _ := order["refund_no"].(string)
	wrong := func(v any) bool {
		n, _ := v.(json.Number)
		i, _ := n.Int64()
		return number == "" && i < 0 || number != "" && i > 0
	}
	says := map[bool]string{true: "订单里不能是负数；退款请填写 refund_no", false: "退款应为负数"}[number == ""]
	if wrong(order["amount_fen"]) {
		return bad("body.amount_fen", "%s", says)
	}
	lines, _ := order["lines"].([]any)
	for i, l := range lines {
		line, _ := l.(map[string]any)
		for _, name := range []string{"quantity", "amount_fen"} {
			if wrong(line[name]) {
				return bad(fmt.Sprintf("body.lines[%d].%s", i, name), "%s", says)
			}
		}
	}
	return nil
}

// cut keeps at most n characters of valid text.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = r[:n]
	}
	return string(r)
}
