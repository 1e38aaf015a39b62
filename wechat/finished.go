package wechat

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Counts are of the people of a mass send that ended. Meant are those whom WeChat did not
// pass over (FilterCount), as a rule Sent and Failed together. WeChat counts shortly before
// the end, so they may be a little off.
// [D] developers.weixin.qq.com/doc/service/guide/product/message/Batch_Sends.html
type Counts struct {
	Total, Meant, Sent, Failed int
}

// countsOf reads them of MASSSENDJOBFINISH; nil for another event.
func countsOf(fields map[string]string) *Counts {
	if fields["Event"] != "MASSSENDJOBFINISH" {
		return nil
	}
	n := func(name string) int {
		v, err := strconv.Atoi(fields[name])
		if err != nil || v < 0 { // what cannot be read says nothing
			return 0
		}
		return v
	}
	return &Counts{Total: n("TotalCount"), Meant: n("FilterCount"), Sent: n("SentCount"), Failed: n("ErrorCount")}
}

// Result is what became of a subscribe message.
// [D] developers.weixin.qq.com/miniprogram/dev/framework/open-ability/subscribe-message-2.html
type Result struct {
	TemplateID string
	MsgID      string
	Code       string // "0": it arrived
	Status     string // "success", or why not
}

const sentEvent = "subscribe_msg_sent_event"

// resultsOf reads what became of subscribe messages, in XML or JSON; nil for another event,
// and for one that is malformed.
func resultsOf(event string, raw []byte) []Result {
	if event != sentEvent {
		return nil
	}
	fields, err := parseXML(raw)
	if err != nil {
		return jsonResults(raw)
	}
	const at = "SubscribeMsgSentEvent/List/"
	templates, ids, codes, words := fields[at+"TemplateId"], fields[at+"MsgID"], fields[at+"ErrorCode"], fields[at+"ErrorStatus"]
	if len(ids) != len(templates) || len(codes) != len(templates) || len(words) != len(templates) {
		return nil
	}
	out := make([]Result, len(templates))
	for i := range templates {
		out[i] = Result{templates[i], ids[i], codes[i], words[i]}
	}
	return out
}

// jsonResults reads the list of a JSON push, one object or several, whose numbers are
// written as numbers or as texts.
func jsonResults(raw []byte) []Result {
	type item struct {
		TemplateID  string `json:"TemplateId"`
		MsgID       any
		ErrorCode   any
		ErrorStatus string
	}
	read := func(text []byte, into any) error {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber() // MsgID does not fit a float
		return dec.Decode(into)
	}
	var in struct{ List json.RawMessage }
	var list []item
	if json.Unmarshal(raw, &in) != nil || len(in.List) == 0 {
		return nil
	}
	if read(in.List, &list) != nil {
		var one item
		if read(in.List, &one) != nil {
			return nil
		}
		list = []item{one}
	}
	text := func(v any) string {
		switch v := v.(type) {
		case string:
			return v
		case json.Number:
			return v.String()
		}
		return ""
	}
	var out []Result
	for _, x := range list {
		if x.TemplateID != "" {
			out = append(out, Result{x.TemplateID, text(x.MsgID), text(x.ErrorCode), x.ErrorStatus})
		}
	}
	return out
}

// wireID is an id that WeChat writes as a number or as a text, and that no answer fails for.
type wireID string

// UnmarshalJSON implements json.Unmarshaler.
func (w *wireID) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" || text == "0" || len(text) > 32 {
		text = ""
	}
	*w = wireID(text)
	return nil
}
