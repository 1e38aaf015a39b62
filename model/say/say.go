// Package say makes sentences that operators read. Each is Chinese, with a code and what it
// is made of beside it, so that the panel can say the same in another language
// (app/admin/src/i18n/said.json). It owns no table and knows no language but Chinese.
package say

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// Said is one sentence.
type Said struct {
	Code string `json:"code"`
	Text string `json:"text"` // zh-CN
	// Args are names and numbers that the sentence holds, the same in every language.
	Args map[string]string `json:"args"`
	// Words are parts that have words of their own in each language, by their codes.
	Words map[string]string `json:"words"`
}

// Word is a part of a sentence that is another one in another language.
type Word struct{ Key, Text string }

// Of makes a sentence of a pattern with {names}; pairs are a name and a string, a number or
// a Word, in turn.
func Of(code, pattern string, pairs ...any) Said {
	s := Said{Code: code, Args: map[string]string{}, Words: map[string]string{}}
	fill := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		name, text := fmt.Sprint(pairs[i]), ""
		if w, is := pairs[i+1].(Word); is {
			text, s.Words[name] = w.Text, w.Key
		} else {
			text = fmt.Sprint(pairs[i+1])
			s.Args[name] = text
		}
		fill = append(fill, "{"+name+"}", text)
	}
	s.Text = strings.NewReplacer(fill...).Replace(pattern)
	return s
}

// Pattern is a sentence that is kept as text and read again.
type Pattern struct {
	Code, Text string
	shape      *regexp.Regexp
	names      []string
}

var hole = regexp.MustCompile(`\{(\w+)\}`)

// NewPattern prepares a pattern with {names}.
func NewPattern(code, text string) Pattern {
	p := Pattern{Code: code, Text: text}
	shape, at := "^", 0
	for _, h := range hole.FindAllStringSubmatchIndex(text, -1) {
		shape += regexp.QuoteMeta(text[at:h[0]]) + "(.*?)"
		p.names, at = append(p.names, text[h[2]:h[3]]), h[1]
	}
	p.shape = regexp.MustCompile("(?s)" + shape + regexp.QuoteMeta(text[at:]) + "$")
	return p
}

// With fills the pattern, as Of does.
func (p Pattern) With(pairs ...any) string { return Of(p.Code, p.Text, pairs...).Text }

// Read finds the pattern that a kept text was made of; nil when none fits.
func Read(text string, patterns []Pattern) *Said {
	for _, p := range patterns {
		if got := p.shape.FindStringSubmatch(text); got != nil {
			s := Said{Code: p.Code, Text: text, Args: map[string]string{}, Words: map[string]string{}}
			for i, name := range p.names {
				s.Args[name] = got[i+1]
			}
			return &s
		}
	}
	return nil
}

type language struct{}

// In says that who asks reads a language; "" is Chinese.
func In(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, language{}, name)
}

// Language is what In said, or "".
func Language(ctx context.Context) string {
	name, _ := ctx.Value(language{}).(string)
	return name
}
