package push

import (
	"slices"
	"strings"

	"siyu/model/say"
)

// inward are the words by which a rule names tags, segments and lists. Where no operator had
// written why, it was once kept so with a push, for its members to read: with names, and
// values, that are the operators' own.
var inward = []string{"标签「", "属于人群「", "在名单「"}

// namesInward says whether a text names what is not for members.
func namesInward(why string) bool {
	return slices.ContainsFunc(inward, func(w string) bool { return strings.Contains(why, w) })
}

// fitWhy is why a push came as members may read it; "": nothing is kept that they may.
func fitWhy(why string) string {
	if namesInward(why) {
		return ""
	}
	return why
}

// inSaid and outSaid say that somebody was, or was not, in an audience of this rule; "": how
// the rule read is not kept.
func inSaid(rule string) say.Said {
	if rule == "" {
		return say.Of("trace_in_plain", "开始时他在人群里")
	}
	return say.Of("trace_in", "开始时他在人群里：{rule}", "rule", rule)
}

func outSaid(rule string) say.Said {
	if rule == "" {
		return say.Of("trace_out_plain", "开始时他不在人群里")
	}
	return say.Of("trace_out", "开始时他不在人群里（{rule}）", "rule", rule)
}

// ByRule says the rule of an audience in other words, as who reads the trace may have them.
func (t *Trace) ByRule(rule string) {
	for i, s := range t.Steps {
		switch s.Said.Code {
		case "trace_in", "trace_in_plain":
			t.Steps[i].Said = inSaid(rule)
		case "trace_out", "trace_out_plain":
			t.Steps[i].Said = outSaid(rule)
		}
		t.Steps[i].Text = t.Steps[i].Said.Text
	}
}
