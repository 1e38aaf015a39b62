package simulator

import (
	"encoding/json"
	"slices"
	"time"
)

// Group sends of WeCom (企业微信群发): the API makes a task, the staff presses "send", and a
// contact gets one a day ([D] path/92135: or as many a month as it has days).

// corpTask is one task of one of the staff.
type corpTask struct {
	ID      string
	Sender  string
	Text    string
	People  []string // by name, in the order asked for
	Results map[string]corpResult
	Back    bool // taken back: the staff cannot send it any more
}

type corpResult struct {
	status int // 0 not sent, 1 sent, 2 no contact any more, 3 got enough
	at     time.Time
}

func (s *Simulator) addMsgTemplate(c *call) answer {
	var in struct {
		ChatType string                   `json:"chat_type"`
		Sender   string                   `json:"sender"`
		External []string                 `json:"external_userid"`
		Text     struct{ Content string } `json:"text"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.ChatType != "single" || len(in.External) == 0 || len(in.External) > 10_000 || in.Text.Content == "" || len(in.Text.Content) > 4000:
		return s.apiError(40058, "invalid Request Parameter")
	case !c.corp.hasStaff(in.Sender):
		return s.apiError(84074, "no external contact permission")
	}
	t := &corpTask{ID: "msg" + s.mint("corp_task")[:32], Sender: in.Sender, Text: in.Text.Content, Results: map[string]corpResult{}}
	failed := []string{}
	for _, id := range in.External {
		u := s.userOf(c.corp, id)
		if u == nil || c.corp.contacts[u.Name][in.Sender] == nil || c.corp.contacts[u.Name][in.Sender].Half || slices.Contains(t.People, u.Name) {
			failed = append(failed, id)
			continue
		}
		t.People = append(t.People, u.Name)
		t.Results[u.Name] = corpResult{}
	}
	if len(t.People) == 0 {
		return s.apiError(41048, "no customer to send") // [M]
	}
	c.corp.tasks = append(c.corp.tasks, t)
	return corpOK(object{"msgid": t.ID, "fail_list": failed})
}

// cancelMsgSend takes a task back; whom the staff has sent it to keeps it ([D] path/97611). The
// page does not say what a task that was taken back before is answered: it is as it should be.
func (s *Simulator) cancelMsgSend(c *call) answer {
	var in struct {
		MsgID string `json:"msgid"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(c.corp.tasks, func(t *corpTask) bool { return t.ID == in.MsgID })
	if i < 0 {
		return s.apiError(40058, "invalid msgid")
	}
	c.corp.tasks[i].Back = true
	return corpOK(nil)
}

// StaffSends is one of the staff pressing "send" for all tasks that wait for him; it says
// how many people got a message.
func (s *Simulator) StaffSends(corpID, staff string) (sent int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.corpOf(corpID)
	if err != nil {
		return 0, err
	}
	if !c.hasStaff(staff) {
		return 0, errNoStaff
	}
	for _, t := range c.tasks {
		if t.Sender == staff {
			sent += s.pressed(c, t)
		}
	}
	return sent, nil
}

// StaffSendsOne is the staff pressing "send" for one task; nobody gets what was taken back.
func (s *Simulator) StaffSendsOne(corpID, taskID string) (sent int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.corpOf(corpID)
	if err != nil {
		return 0, err
	}
	for _, t := range c.tasks {
		if t.ID == taskID {
			sent += s.pressed(c, t)
		}
	}
	return sent, nil
}

// pressed sends what is left of a task; the caller holds the lock.
func (s *Simulator) pressed(c *corp, t *corpTask) (sent int) {
	if t.Back {
		return 0
	}
	for _, name := range t.People {
		if t.Results[name].status != 0 {
			continue
		}
		t.Results[name] = s.corpDeliver(c, t, name)
		if t.Results[name].status == 1 {
			sent++
		}
	}
	return sent
}

// StaffTask is a task as WeCom has it.
type StaffTask struct {
	ID     string
	Sender string
	Text   string
	Back   bool           // taken back
	States map[string]int // by person: 0 not sent, 1 sent, 2 no contact any more, 3 got enough
}

// StaffTasks are all tasks of a corp's staff, in the order of their making.
func (s *Simulator) StaffTasks(corpID string) []StaffTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.corpOf(corpID)
	if err != nil {
		return nil
	}
	out := make([]StaffTask, len(c.tasks))
	for i, t := range c.tasks {
		out[i] = StaffTask{ID: t.ID, Sender: t.Sender, Text: t.Text, Back: t.Back, States: map[string]int{}}
		for _, name := range t.People {
			out[i].States[name] = t.Results[name].status
		}
	}
	return out
}

// corpDeliver gives one contact the message of a task; the caller holds the lock.
func (s *Simulator) corpDeliver(c *corp, t *corpTask, name string) corpResult {
	if c.contacts[name][t.Sender] == nil {
		return corpResult{status: 2}
	}
	today := 0
	for _, other := range c.tasks {
		if r := other.Results[name]; r.status == 1 && !r.at.Before(dayStart(s.now())) {
			today++
		}
	}
	if today > 0 {
		return corpResult{status: 3}
	}
	s.chat(s.users[name], ChatMessage{Kind: "text", Chat: c.Name + " · " + t.Sender, Text: t.Text})
	return corpResult{status: 1, at: s.now()}
}

func (s *Simulator) msgSendResult(c *call) answer {
	var in struct {
		MsgID  string `json:"msgid"`
		UserID string `json:"userid"`
		Limit  int    `json:"limit"`
		Cursor string `json:"cursor"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.Limit < 0 || in.Limit > 1000 {
		return s.apiError(40058, "invalid Request Parameter")
	}
	if in.Limit == 0 {
		in.Limit = 500
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(c.corp.tasks, func(t *corpTask) bool { return t.ID == in.MsgID && t.Sender == in.UserID })
	if i < 0 {
		return s.apiError(40058, "invalid msgid")
	}
	t := c.corp.tasks[i]
	from, next, fail := page(in.Cursor, in.Limit, len(t.People))
	if fail {
		return s.apiError(40058, "invalid cursor")
	}
	list := []object{}
	for _, name := range t.People[from:min(from+in.Limit, len(t.People))] {
		r := t.Results[name]
		row := object{"external_userid": externalID(name, c.corp.CorpID), "userid": t.Sender, "status": r.status}
		if r.status == 1 {
			row["send_time"] = r.at.Unix()
		}
		list = append(list, row)
	}
	return corpOK(object{"send_list": list, "next_cursor": next})
}
