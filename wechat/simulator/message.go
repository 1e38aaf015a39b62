package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Messages to users: customer service (in a window), template (followers) and
// subscribe (one grant, one message), each with its own gate.
// https://developers.weixin.qq.com/doc/service Customer_Service_Messages.html

// window is the right to send up to left customer-service messages before until.
type window struct {
	deed  string
	until time.Time
	left  int
}

// What the user did opens a window: messages and how long.
var windowRules = map[string]struct {
	count int
	life  time.Duration
}{
	"message": {5, 48 * time.Hour},
	"menu":    {3, time.Minute},
	"follow":  {3, time.Minute},
	"scan":    {3, time.Minute},
	"enter":   {2, time.Minute}, // mini programs: entering the conversation
}

// openWindow gives the count of a deed anew: WeChat promises so many messages after one,
// not that two deeds add up. The caller holds the lock.
func (s *Simulator) openWindow(a *app, user, deed string) {
	rule := windowRules[deed]
	a.windows[user] = slices.DeleteFunc(a.windows[user], func(w *window) bool { return w.deed == deed })
	a.windows[user] = append(a.windows[user], &window{deed: deed, until: s.now().Add(rule.life), left: rule.count})
}

type sentTemplate struct {
	msgID int64
	at    time.Time
}

func (s *Simulator) customSend(c *call) answer {
	var in struct {
		ToUser  string                   `json:"touser"`
		MsgType string                   `json:"msgtype"`
		Text    struct{ Content string } `json:"text"`
		Menu    struct {
			HeadContent string `json:"head_content"`
		} `json:"msgmenu"`
		Mini struct {
			Title    string `json:"title"`
			PagePath string `json:"pagepath"`
		} `json:"miniprogrampage"`
		News struct {
			Articles []struct{ Title, Description, URL string }
		} `json:"news"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, real := s.who(c.app.AppID, in.ToUser)
	if u == nil || !real {
		return s.apiError(40003, "invalid openid")
	}
	m := ChatMessage{AppID: c.app.AppID, Kind: "text"}
	switch in.MsgType {
	case "text":
		m.Text = in.Text.Content
		if m.Text == "" {
			return s.apiError(44004, "empty content")
		}
		if len(m.Text) > 2048 {
			return s.apiError(45002, "content size out of limit")
		}
	case "msgmenu":
		m.Text = in.Menu.HeadContent
	case "miniprogrampage":
		m.Title, m.Text = in.Mini.Title, "小程序 "+in.Mini.PagePath
	case "news":
		if len(in.News.Articles) != 1 {
			return s.apiError(45008, "article size out of limit")
		}
		m.Title, m.Text, m.URL = in.News.Articles[0].Title, in.News.Articles[0].Description, in.News.Articles[0].URL
	default:
		return s.apiError(40008, "invalid message type")
	}
	if c.bad("user_blocks") || u.Blocked {
		return s.apiError(45015, "response out of time limit or subscription is canceled")
	}
	if fail, good := s.useWindow(c.app, u.Name); !good {
		return fail
	}
	s.chat(u, m)
	return ok()
}

// useWindow takes one message from the window that closes first.
func (s *Simulator) useWindow(a *app, user string) (answer, bool) {
	now := s.now()
	var live []*window
	for _, w := range a.windows[user] {
		if now.Before(w.until) {
			live = append(live, w)
		}
	}
	a.windows[user] = live
	if len(live) == 0 {
		return s.apiError(45015, "response out of time limit or subscription is canceled"), false
	}
	sort.SliceStable(live, func(i, j int) bool { return live[i].until.Before(live[j].until) })
	for _, w := range live {
		if w.left > 0 {
			w.left--
			return answer{}, true
		}
	}
	return s.apiError(45047, "out of response count limit"), false
}

type templateData map[string]struct {
	Value any `json:"value"`
}

// lines shows the data of a template message, in the order of its keys.
func (d templateData) lines() string {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	lines := make([]string, 0, len(keys))
	for _, k := range keys {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(d[k].Value)))
	}
	return strings.Join(lines, "\n")
}

// fieldMost is how many characters a field takes, by the beginning of its key
// (订阅消息参数值内容限制说明).
var fieldMost = map[string]int{"thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "phone_number": 17, "car_number": 8, "name": 10, "phrase": 5}

// wrong names a field whose value is refused: an empty one, a longer one, one of two lines.
func (d templateData) wrong() string {
	for key, x := range d {
		text := fmt.Sprint(x.Value)
		most := fieldMost[strings.TrimRight(key, "0123456789")]
		if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, unicode.IsControl) || most > 0 && utf8.RuneCountInString(text) > most {
			return key
		}
	}
	return ""
}

func (a *app) template(id string) (title string, known bool) {
	if id == "" {
		return "", false
	}
	if len(a.Templates) == 0 {
		return "服务通知", true
	}
	title, known = a.Templates[id]
	return title, known
}

func (s *Simulator) templateSend(c *call) answer {
	var in struct {
		ToUser      string       `json:"touser"`
		TemplateID  string       `json:"template_id"`
		URL         string       `json:"url"`
		Data        templateData `json:"data"`
		ClientMsgID string       `json:"client_msg_id"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	u, real := s.who(c.app.AppID, in.ToUser)
	title, known := c.app.template(in.TemplateID)
	var fail answer
	switch {
	case u == nil || !real:
		fail = s.apiError(40003, "invalid openid")
	case !known:
		fail = s.apiError(40037, "invalid template_id")
	case len(in.Data) == 0:
		fail = s.apiError(47003, "argument invalid! data is empty")
	case in.Data.wrong() != "":
		fail = s.apiError(47003, "argument invalid! data."+in.Data.wrong()+".value is invalid")
	case c.app.follows[u.Name] == nil:
		fail = s.apiError(43004, "require subscribe")
	}
	if fail.body != nil {
		s.mu.Unlock()
		return fail
	}
	// The same client_msg_id within ten minutes is not delivered twice [M].
	if was, sent := c.app.clientID[in.ClientMsgID]; sent && in.ClientMsgID != "" && s.now().Sub(was.at) < 10*time.Minute {
		s.mu.Unlock()
		return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok", "msgid": was.msgID})
	}
	id := s.number()
	if in.ClientMsgID != "" {
		c.app.clientID[in.ClientMsgID] = sentTemplate{msgID: id, at: s.now()}
	}
	status := "success"
	switch {
	case u.Blocked || c.bad("user_blocks"):
		status = "failed:user block"
	case c.bad("fails_later") && c.fate.Code != "":
		status = c.fate.Code
	case c.bad("fails_later"):
		status = "failed: system failed"
	default:
		s.chat(u, ChatMessage{AppID: c.app.AppID, Kind: "template", Title: title, Text: in.Data.lines(), URL: in.URL})
	}
	e := s.event(c.app, u, "TEMPLATESENDJOBFINISH")
	e.MsgIDEvent, e.Status = id, status
	s.mu.Unlock()
	s.fly(func() { s.callback(c.app, u.Name, e) })
	return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok", "msgid": id})
}

func grantKey(user, template string) string { return user + "\n" + template }

// Grant is the user allowing n more subscribe messages of a template.
func (s *Simulator) Grant(user, appID, templateID string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		return err
	}
	a.grants[grantKey(u.Name, templateID)] += n
	s.version++
	return nil
}

// subscribeSend serves the official account's bizsend and the mini program's
// subscribe/send; they differ in the answer only.
func (s *Simulator) subscribeSend(c *call) answer {
	var in struct {
		ToUser     string       `json:"touser"`
		TemplateID string       `json:"template_id"`
		Page       string       `json:"page"`
		Data       templateData `json:"data"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	mini := !strings.HasSuffix(c.path, "/bizsend")
	s.mu.Lock()
	u, real := s.who(c.app.AppID, in.ToUser)
	title, known := c.app.template(in.TemplateID)
	key := ""
	if u != nil {
		key = grantKey(u.Name, in.TemplateID)
	}
	var fail answer
	switch {
	case mini != (c.app.Kind == "mini"):
		fail = s.apiError(48001, "api unauthorized")
	case u == nil || !real:
		fail = s.apiError(40003, "invalid openid")
	case !known:
		fail = s.apiError(40037, "invalid template_id")
	case len(in.Data) == 0:
		fail = s.apiError(47003, "argument invalid! data is empty")
	case in.Data.wrong() != "":
		fail = s.apiError(47003, "argument invalid! data."+in.Data.wrong()+".value is invalid")
	case c.app.grants[key] <= 0 || u.Blocked || c.bad("user_blocks"):
		fail = s.apiError(43101, "user refuse to accept the msg")
	}
	if fail.body != nil {
		s.mu.Unlock()
		return fail
	}
	c.app.grants[key]--
	id := s.number()
	e := s.event(c.app, u, "subscribe_msg_sent_event")
	e.Sent = &sentEvent{TemplateID: in.TemplateID, MsgID: id, ErrorCode: 0, ErrorStatus: "success"}
	if c.bad("fails_later") { // the grant is used all the same: WeChat gives none back
		e.Sent.ErrorCode, e.Sent.ErrorStatus = 43101, "user refuse to accept the msg"
		if c.fate.Code != "" {
			e.Sent.ErrorCode, e.Sent.ErrorStatus = toInt(c.fate.Code), "system error"
		}
	} else {
		s.chat(u, ChatMessage{AppID: c.app.AppID, Kind: "subscribe", Title: title, Text: in.Data.lines(), URL: in.Page})
	}
	s.mu.Unlock()
	s.fly(func() { s.callback(c.app, u.Name, e) })
	out := object{"errcode": 0, "errmsg": "ok"}
	if mini {
		out["msgid"] = id
	}
	return jsonAnswer(http.StatusOK, out)
}
