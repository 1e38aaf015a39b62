package push

import (
	"regexp"
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

// tagNamed is how a note names a tag (Ground.became).
var tagNamed = regexp.MustCompile(`标签“([^”]*)”`)

// TagsNamed are the names of tags in a text about an audience that is not what it was: a note
// of a push, a fault.
func TagsNamed(text string) (names []string) {
	for _, m := range tagNamed.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// Renamed puts other names of tags into such a text.
func Renamed(text string, names map[string]string) string {
	return tagNamed.ReplaceAllStringFunc(text, func(m string) string {
		if name, there := names[tagNamed.FindStringSubmatch(m)[1]]; there {
			return "标签“" + name + "”"
		}
		return m
	})
}

// Noted is the push with other names of tags in its note.
func (p Push) Noted(names map[string]string) Push {
	if p.Note = Renamed(p.Note, names); len(names) > 0 {
		p.Said = noteOf(p.Note)
	}
	return p
}
