package simulator

import (
	"fmt"
	"slices"
)

// What people do in WeCom. Each deed that WeCom reports sends its callback before it
// returns, like those of official accounts.

// chatFull is how many a customer group holds.
const chatFull = 500

// Joining and leaving, as WeCom numbers them.
const (
	JoinInvited, JoinLink, JoinQR = 1, 2, 3
	QuitSelf, QuitRemoved         = 0, 1
)

// corpOf finds a corp under the lock.
func (s *Simulator) corpOf(corpID string) (*corp, error) {
	c := s.corps[corpID]
	if c == nil {
		return nil, errNoCorp
	}
	return c, nil
}

// staffPair finds a corp, one of its staff and a person under the lock.
func (s *Simulator) staffPair(corpID, staff, user string) (*corp, error) {
	c, err := s.corpOf(corpID)
	if err != nil {
		return nil, err
	}
	if !c.hasStaff(staff) {
		return nil, errNoStaff
	}
	if s.users[user] == nil {
		return nil, errNoUser
	}
	return c, nil
}

// AddContact makes a person a contact of one of the staff. half: he asked and waits.
func (s *Simulator) AddContact(corpID, staff, user, state string, half bool) error {
	s.mu.Lock()
	c, err := s.staffPair(corpID, staff, user)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	if r := c.contacts[user][staff]; r != nil && (half || !r.Half) {
		s.mu.Unlock()
		return nil
	}
	if c.contacts[user] == nil {
		c.contacts[user] = map[string]*relation{}
	}
	c.contacts[user][staff] = &relation{At: s.now(), State: state, AddWay: 1, Half: half}
	s.chat(s.users[user], ChatMessage{Kind: "event", Chat: c.Name, Text: "已添加 " + c.Name + " 的 " + staff})
	e := s.corpEvent(c, "change_external_contact", "add_external_contact")
	if half {
		e.ChangeType = cdata{"add_half_external_contact"}
	}
	e.contact(staff, externalID(user, corpID))
	e.State, e.WelcomeCode = text(state), text(s.mint("welcome")[:43])
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// ScanContactWay is a person scanning a 联系我 code: he becomes a contact of its staff.
func (s *Simulator) ScanContactWay(corpID, configID, user string) error {
	s.mu.Lock()
	c, err := s.corpOf(corpID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	w := c.ways[configID]
	if w == nil {
		s.mu.Unlock()
		return errNoWay
	}
	staff, state := w.users[len(c.contacts)%len(w.users)], w.state
	s.mu.Unlock()
	return s.AddContact(corpID, staff, user, state, false)
}

// DropContact ends a contact: by the staff, or by the person himself.
func (s *Simulator) DropContact(corpID, staff, user string, byUser bool) error {
	s.mu.Lock()
	c, err := s.staffPair(corpID, staff, user)
	if err != nil || c.contacts[user][staff] == nil {
		s.mu.Unlock()
		return err
	}
	delete(c.contacts[user], staff)
	s.version++
	e := s.corpEvent(c, "change_external_contact", "del_external_contact")
	if byUser {
		e.ChangeType = cdata{"del_follow_user"}
	}
	e.contact(staff, externalID(user, corpID))
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// CreateChat opens a customer group of one of the staff and returns its id.
func (s *Simulator) CreateChat(corpID, owner, name string) (chatID string, err error) {
	s.mu.Lock()
	c, err := s.corpOf(corpID)
	if err == nil && !c.hasStaff(owner) {
		err = errNoStaff
	}
	if err != nil {
		s.mu.Unlock()
		return "", err
	}
	g := s.newChat(c, owner, name)
	e := s.corpEvent(c, "change_external_chat", "create")
	e.ChatID = text(g.ID)
	s.mu.Unlock()
	s.corpPush(c, e)
	return g.ID, nil
}

// newChat: the caller holds the lock.
func (s *Simulator) newChat(c *corp, owner, name string) *groupChat {
	g := &groupChat{ID: "wr" + short("chat", c.CorpID, s.mint("chat"))[:30], Name: name, Owner: owner, At: s.now(), Version: 1,
		Members: []chatMember{{Staff: owner, At: s.now(), Scene: JoinInvited}}}
	c.chats = append(c.chats, g)
	s.version++
	return g
}

// liveChat finds a group under the lock.
func (s *Simulator) liveChat(corpID, chatID string) (*corp, *groupChat, error) {
	c, err := s.corpOf(corpID)
	if err != nil {
		return nil, nil, err
	}
	g := c.chat(chatID)
	if g == nil || g.Dismissed {
		return nil, nil, errNoChat
	}
	return c, g, nil
}

// JoinChat brings people into a group, all in one change. scene is one of Join...
func (s *Simulator) JoinChat(corpID, chatID string, scene int, state string, users ...string) error {
	s.mu.Lock()
	c, g, err := s.liveChat(corpID, chatID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	before, came := g.version(), []string{}
	for _, u := range users {
		if s.users[u] == nil {
			s.mu.Unlock()
			return errNoUser
		}
		if g.index(u, "") >= 0 {
			continue
		}
		if len(g.Members) >= chatFull {
			s.mu.Unlock()
			return fmt.Errorf("群已满 %d 人", chatFull)
		}
		m := chatMember{User: u, At: s.now(), Scene: scene, State: state}
		if scene == JoinInvited {
			m.Invitor = g.Owner
		}
		g.Members = append(g.Members, m)
		came = append(came, m.memberID(corpID))
		s.chat(s.users[u], ChatMessage{Kind: "event", Chat: g.Name, Text: "已加入群聊 " + g.Name})
	}
	if len(came) == 0 {
		s.mu.Unlock()
		return nil
	}
	g.Version++
	e := s.chatUpdate(c, g, "add_member")
	e.JoinScene = number(scene)
	e.members(came, before, g.version())
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// ScanJoinWay is a person scanning a group's live code: he joins the first of its groups
// with room; when all are full, WeCom opens another if the way says so.
func (s *Simulator) ScanJoinWay(corpID, configID, user string) (chatID string, err error) {
	s.mu.Lock()
	c, err := s.corpOf(corpID)
	if err != nil {
		s.mu.Unlock()
		return "", err
	}
	w := c.joinWays[configID]
	if w == nil {
		s.mu.Unlock()
		return "", errNoWay
	}
	var made *corpPushBody
	for _, id := range w.ChatIDs {
		if g := c.chat(id); g != nil && !g.Dismissed && len(g.Members) < chatFull {
			chatID = id
			break
		}
	}
	if chatID == "" && w.Auto == 1 {
		owner := c.Staff[0]
		if g := c.chat(w.ChatIDs[0]); g != nil {
			owner = g.Owner
		}
		g := s.newChat(c, owner, fmt.Sprintf("%s%d", w.BaseName, w.BaseID+w.Made))
		w.Made++
		if w.ChatIDs = append(w.ChatIDs, g.ID); len(w.ChatIDs) > 5 {
			w.ChatIDs = w.ChatIDs[1:]
		}
		e := s.corpEvent(c, "change_external_chat", "create")
		e.ChatID = text(g.ID)
		chatID, made = g.ID, &e
	}
	state := w.State
	s.mu.Unlock()
	if chatID == "" {
		return "", errNoChat
	}
	if made != nil {
		s.corpPush(c, *made)
	}
	return chatID, s.JoinChat(corpID, chatID, JoinQR, state, user)
}

// LeaveChat takes a person out of a group. scene is one of Quit...
func (s *Simulator) LeaveChat(corpID, chatID, user string, scene int) error {
	s.mu.Lock()
	c, g, err := s.liveChat(corpID, chatID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	i := g.index(user, "")
	if i < 0 {
		s.mu.Unlock()
		return nil
	}
	before := g.version()
	g.Members = slices.Delete(g.Members, i, i+1)
	g.Version++
	s.version++
	e := s.chatUpdate(c, g, "del_member")
	e.QuitScene = number(scene)
	e.members([]string{externalID(user, corpID)}, before, g.version())
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// RenameChat changes a group's name.
func (s *Simulator) RenameChat(corpID, chatID, name string) error {
	return s.changeChat(corpID, chatID, "change_name", func(_ *corp, g *groupChat) error { g.Name = name; return nil })
}

// MoveChat gives a group to another of the staff.
func (s *Simulator) MoveChat(corpID, chatID, owner string) error {
	return s.changeChat(corpID, chatID, "change_owner", func(c *corp, g *groupChat) error {
		if !c.hasStaff(owner) {
			return errNoStaff
		}
		if g.Owner = owner; g.index("", owner) < 0 {
			g.Members = append(g.Members, chatMember{Staff: owner, At: s.now(), Scene: JoinInvited})
			g.Version++
		}
		return nil
	})
}

func (s *Simulator) changeChat(corpID, chatID, detail string, change func(c *corp, g *groupChat) error) error {
	s.mu.Lock()
	c, g, err := s.liveChat(corpID, chatID)
	if err == nil {
		err = change(c, g)
	}
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.version++
	e := s.chatUpdate(c, g, detail)
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// DismissChat ends a group.
func (s *Simulator) DismissChat(corpID, chatID string) error {
	s.mu.Lock()
	c, g, err := s.liveChat(corpID, chatID)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	g.Dismissed, g.Members = true, nil
	s.version++
	e := s.corpEvent(c, "change_external_chat", "dismiss")
	e.ChatID = text(g.ID)
	s.mu.Unlock()
	s.corpPush(c, e)
	return nil
}

// CorpChatIDs are the groups of a corp that are not dismissed, in the order of their making.
func (s *Simulator) CorpChatIDs(corpID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []string{}
	if c := s.corps[corpID]; c != nil {
		for _, g := range c.chats {
			if !g.Dismissed {
				ids = append(ids, g.ID)
			}
		}
	}
	return ids
}
