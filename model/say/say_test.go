package say_test

import (
	"maps"
	"testing"

	"siyu/model/say"
)

func TestOf(t *testing.T) {
	s := say.Of("sent_by", "已通过{how}发送给 {n} 人", "how", say.Word{Key: "channel_sms", Text: "短信"}, "n", 3)
	if s.Text != "已通过短信发送给 3 人" || s.Code != "sent_by" {
		t.Errorf("%+v", s)
	}
	if !maps.Equal(s.Args, map[string]string{"n": "3"}) || !maps.Equal(s.Words, map[string]string{"how": "channel_sms"}) {
		t.Errorf("args %v, words %v", s.Args, s.Words)
	}
}

func TestRead(t *testing.T) {
	patterns := []say.Pattern{say.NewPattern("late", "原定 {at} 开始，已错过 {n} 分钟"), say.NewPattern("stopped", "人工停止：{why}")}
	t.Run("what was made of a pattern is found again", func(t *testing.T) {
		s := say.Read("原定 2026-11-23 10:10 开始，已错过 45 分钟", patterns)
		if s == nil || s.Code != "late" || s.Args["at"] != "2026-11-23 10:10" || s.Args["n"] != "45" {
			t.Errorf("%+v", s)
		}
		if s := say.Read("人工停止：写错了\n第二行", patterns); s == nil || s.Args["why"] != "写错了\n第二行" {
			t.Errorf("%+v", s)
		}
	})
	t.Run("another text is nobody's", func(t *testing.T) {
		if s := say.Read("原定开始", patterns); s != nil {
			t.Errorf("%+v", s)
		}
	})
}
