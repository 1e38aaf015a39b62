package job

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"siyu/model/id"
	"siyu/model/push"
	"siyu/wechat"
)

func (s *shelf) BackLate(context.Context) error { return nil }

func (s *shelf) Back(context.Context, id.ID) (push.Task, bool, error) {
	if s.back == nil {
		return push.Task{}, false, nil
	}
	return *s.back, true, nil
}

func (s *shelf) Backed(_ context.Context, _ push.Task, back, code string, nothing bool) error {
	if s.backed = strings.TrimSpace(back + " " + code); nothing {
		s.backed += " nothing"
	}
	if back == push.BackTaken || back == push.BackRefused {
		s.back = nil
	}
	return nil
}

func (m *mouth) CancelTask(_ context.Context, t push.Task) error {
	m.said = append(m.said, t.MsgID)
	return m.answer(push.Parcel{})
}

func TestWhatWeComAnswersDecidesHowATaskIsTakenBack(t *testing.T) {
	lost := errors.New("connection reset")
	for name, c := range map[string]struct {
		err    error
		backed string
		again  time.Duration
		fails  bool
	}{
		"it did":                          {nil, "taken", 0, false},
		"it is just being handed out":     {&wechat.APIError{Code: wechat.CodeCorpDispatching}, "asked 41063 nothing", time.Minute, false},
		"too many calls":                  {&wechat.APIError{Code: wechat.CodeCorpConcurrency}, "asked 45033 nothing", time.Minute, false},
		"no answer":                       {lost, "asked", 0, true},
		"it is busy":                      {&wechat.APIError{Code: wechat.CodeBusy}, "asked -1", 0, true},
		"it was not reached":              {&net.OpError{Op: "dial", Err: lost}, "asked nothing", 0, true},
		"the account may not":             {&wechat.APIError{Code: wechat.CodeForbiddenAPI}, "denied 48002 nothing", time.Hour, false},
		"this server may not":             {&wechat.APIError{Code: wechat.CodeBadIP}, "denied 60020 nothing", time.Hour, false},
		"it knows no such task, for good": {&wechat.APIError{Code: wechat.CodeBadParameter}, "refused 40058 nothing", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &shelf{back: &push.Task{ID: 3, MsgID: "msg3"}}, &mouth{answer: func(push.Parcel) error { return c.err }}
			w := pushWorker(t, s, m)
			v, err := w.Back(t.Context(), 3)
			if s.backed != c.backed || v.Again != c.again || (err != nil) != c.fails {
				t.Errorf("%q, again in %s, %v", s.backed, v.Again, err)
			}
			over := s.back == nil
			if _, err := w.Back(t.Context(), 3); over && (err != nil || len(m.said) != 1) || !over && len(m.said) != 2 {
				t.Errorf("called %d times: %v", len(m.said), err)
			}
		})
	}
}
