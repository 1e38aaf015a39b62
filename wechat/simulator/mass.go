package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// Mass sends to openids (群发), each follower at most four in a calendar month of a service
// account, 60 calls a minute: developers.weixin.qq.com/doc/service/guide/product/message/Batch_Sends.html
const (
	massPerMonth  = 4
	massPerMinute = 60
)

// massJob is the report of a mass send. FilterCount are those who were not passed over.
type massJob struct {
	Total  int `xml:"TotalCount"`
	Meant  int `xml:"FilterCount"`
	Sent   int `xml:"SentCount"`
	Failed int `xml:"ErrorCount"`
}

// massBook is what an app has sent to many.
type massBook struct {
	counts   map[string]int // user + month -> how many
	clientID map[string]int64
	minute   string
	calls    int
	filtered int // receivers that were passed over
}

func (s *Simulator) massSend(c *call) answer {
	var in struct {
		ToUser  []string                 `json:"touser"`
		MsgType string                   `json:"msgtype"`
		Text    struct{ Content string } `json:"text"`
		Client  string                   `json:"clientmsgid"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	a := c.app
	if fail := s.massGate(a, in.ToUser, in.MsgType, in.Text.Content, in.Client); fail.body != nil {
		s.mu.Unlock()
		return fail
	}
	job, status, first, filtered := massJob{Total: len(in.ToUser)}, "send success", (*user)(nil), 0
	refused := c.bad("fails_later")
	month := s.now().In(shanghai).Format("2006-01")
	for _, openID := range in.ToUser {
		u, real := s.who(a.AppID, openID)
		if u == nil || !real || a.follows[u.Name] == nil || a.mass.counts[u.Name+month] >= massPerMonth {
			filtered++ // WeChat passes over them without a word
			continue
		}
		// WeChat does not say whether a refused job uses the month's places. Here it does: a
		// sender who is careful enough for that passes either way.
		if a.mass.counts[u.Name+month]++; first == nil {
			first = u
		}
		if refused {
			continue
		}
		job.Meant++
		if u.Blocked {
			job.Failed++
			continue
		}
		job.Sent++
		s.chat(u, ChatMessage{AppID: a.AppID, Kind: "text", Text: in.Text.Content})
	}
	a.mass.filtered += filtered
	if refused { // by the review, or by whoever has to agree: the counts are 0 then
		job, status = massJob{}, c.fate.Code
		if status == "" {
			status = "err(10001)"
		}
	}
	id := s.number()
	a.mass.clientID[in.Client] = id
	if first == nil {
		first = &user{}
	}
	e := s.event(a, first, "MASSSENDJOBFINISH")
	e.MsgIDEvent, e.Status, e.massJob = id, status, &job
	s.mu.Unlock()
	s.fly(func() { s.callback(a, first.Name, e) })
	return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "send job submission success", "msg_id": id, "msg_data_id": id + 1})
}

// massGate refuses a whole call; the caller holds the lock.
func (s *Simulator) massGate(a *app, to []string, kind, content, clientID string) answer {
	if minute := s.now().Format("2006-01-02 15:04"); a.mass.minute != minute {
		a.mass.minute, a.mass.calls = minute, 0
	}
	a.mass.calls++
	switch {
	case a.Kind != "official":
		return s.apiError(48001, "api unauthorized")
	case a.mass.calls > massPerMinute:
		return s.apiError(45011, "api minute-quota reach limit")
	case len(to) < 2:
		return s.apiError(40130, "invalid openid list size, at least two openid") // [M]
	case len(to) > 10_000:
		return s.apiError(45008, "openid list too long") // [M]
	case kind != "text":
		return s.apiError(40008, "invalid message type")
	case content == "":
		return s.apiError(44004, "empty content")
	case len(clientID) > 64:
		return s.apiError(45066, "clientmsgid too long") // [M]
	}
	if id, sent := a.mass.clientID[clientID]; sent && clientID != "" {
		out := s.apiError(45065, "clientmsgid exist")
		out.body, _ = json.Marshal(object{"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": id}) // numbers and text
		return out
	}
	return answer{}
}

// MassFiltered is how many receivers of mass sends were passed over: messages that a
// sender believes to have gone out.
func (s *Simulator) MassFiltered(appID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps[appID]; a != nil {
		return a.mass.filtered
	}
	return 0
}

// Would says what WeChat would answer now to a message to a user, and does nothing: 0, or
// the code. call is custom, template, subscribe or mass; 45028 stands for a receiver whom a
// mass send would pass over.
func (s *Simulator) Would(call, user, appID, template string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		return 40003
	}
	if code := s.refusal(call, u, a, template); code != 0 {
		return code
	}
	path := map[string]string{"custom": "custom/send", "template": "template/send", "subscribe": "subscribe/send", "mass": "mass/send"}[call]
	if call == "subscribe" && a.Kind == "official" {
		path = "subscribe/bizsend"
	}
	path = "/cgi-bin/message/" + path
	limit, known := a.quota[path]
	if !known {
		limit, known = dailyCalls[path]
	}
	if known && a.used[day(s.now())+path] >= limit {
		return 45009
	}
	return 0
}

// Grants is how many messages of a template a user still allows.
func (s *Simulator) Grants(user, appID, template string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps[appID]; a != nil {
		return a.grants[grantKey(user, template)]
	}
	return 0
}

// refusal is what WeChat has against a message to a user; the caller holds the lock.
func (s *Simulator) refusal(call string, u *user, a *app, template string) int {
	follows := a.follows[u.Name] != nil
	switch call {
	case "custom":
		open := false
		for _, w := range a.windows[u.Name] {
			if s.now().Before(w.until) && !u.Blocked {
				if open = true; w.left > 0 {
					return 0
				}
			}
		}
		if open {
			return 45047
		}
		return 45015
	case "template":
		if !follows {
			return 43004
		}
	case "subscribe":
		if a.grants[grantKey(u.Name, template)] <= 0 || u.Blocked {
			return 43101
		}
	case "mass":
		if !follows {
			return 43004
		}
		if a.mass.counts[u.Name+s.now().In(shanghai).Format("2006-01")] >= massPerMonth {
			return 45028
		}
	}
	return 0
}

// Popup is a user answering the pop-up for subscribe messages: each accepted template is
// one more message.
func (s *Simulator) Popup(user, appID string, accepted, rejected []string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	e := s.event(a, u, "subscribe_msg_popup_event")
	e.Popup = &grantList{}
	for _, t := range accepted {
		a.grants[grantKey(u.Name, t)]++
		e.Popup.List = append(e.Popup.List, grantItem{cdata{t}, cdata{"accept"}, "2"})
	}
	for _, t := range rejected {
		e.Popup.List = append(e.Popup.List, grantItem{cdata{t}, cdata{"reject"}, "2"})
	}
	s.version++
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// Withdraw is a user switching a template's messages off in WeChat's settings.
func (s *Simulator) Withdraw(user, appID, template string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	delete(a.grants, grantKey(u.Name, template))
	e := s.event(a, u, "subscribe_msg_change_event")
	e.Change = &grantList{List: []grantItem{{cdata{template}, cdata{"reject"}, ""}}}
	s.version++
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// grantList is the part of an event that says what a user said to which template.
type grantList struct {
	List []grantItem `xml:"List"`
}

type grantItem struct {
	TemplateID cdata  `xml:"TemplateId"`
	Status     cdata  `xml:"SubscribeStatusString"`
	Scene      string `xml:"PopupScene,omitempty"`
}

// Click is a follower tapping a menu entry that reports; it opens a window of a minute.
func (s *Simulator) Click(user, appID, key string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.follows[u.Name] == nil {
		s.mu.Unlock()
		return firstError(err, errNotFollowing)
	}
	s.openWindow(a, u.Name, "menu")
	e := s.event(a, u, "CLICK")
	e.EventKey = &cdata{key}
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// Enter is a user opening the conversation of a mini program.
func (s *Simulator) Enter(user, appID string) error {
	s.mu.Lock()
	u, a, err := s.pair(user, appID)
	if err != nil || a.Kind != "mini" {
		s.mu.Unlock()
		return firstError(err, errNotMini)
	}
	s.openWindow(a, u.Name, "enter")
	e := s.event(a, u, "user_enter_tempsession")
	s.mu.Unlock()
	s.callback(a, u.Name, e)
	return nil
}

// dayStart is the beginning of a moment's day.
func dayStart(t time.Time) time.Time {
	y, m, d := t.In(shanghai).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, shanghai)
}
