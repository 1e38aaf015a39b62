package simulator

import (
	"errors"
	"net/http"
	"slices"
	"time"
)

// WeCom (qyapi.weixin.qq.com): a corp, its staff, who of the people is whose contact, and
// the customer groups. The API is in wecomapi.go and wecomchat.go, what people do in
// wecomdeeds.go, callbacks in wecompush.go. Documents: developer.work.weixin.qq.com, paths
// 92109 to 92122, 92130, 92229, 92277, 92572, 92994, 93274, 90313 (error codes).

// Corp is a WeCom corp with its customer-contact secret.
type Corp struct {
	CorpID       string   `json:"corp_id"`
	Name         string   `json:"name"`
	Secret       string   `json:"secret"`
	Token        string   `json:"token"`
	AESKey       string   `json:"aes_key"`
	CallbackURL  string   `json:"callback_url"`
	OpenPlatform string   `json:"open_platform"` // as of App: with it WeCom tells unionids; empty: not a verified corp
	Staff        []string `json:"staff"`         // userids with customer-contact permission
	Unlicensed   []string `json:"unlicensed"`    // of these get_by_user tells nothing
}

type corp struct {
	Corp
	token    *apiToken
	tokens   map[string]*apiToken
	contacts map[string]map[string]*relation // by user, by userid
	chats    []*groupChat                    // in the order of their making
	ways     map[string]*contactWay
	joinWays map[string]*joinWay
	tasks    []*corpTask // group sends that wait for the staff, or are done
}

// relation is one person as a contact of one of the staff.
type relation struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	AddWay int       `json:"add_way"`
	Half   bool      `json:"half"` // asked, not accepted
}

type groupChat struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Owner     string       `json:"owner"`
	Notice    string       `json:"notice"`
	At        time.Time    `json:"at"`
	Version   int          `json:"version"`
	Dismissed bool         `json:"dismissed"`
	Members   []chatMember `json:"members"`
}

type chatMember struct {
	User    string    `json:"user"`  // of the simulator's people, or
	Staff   string    `json:"staff"` // a userid
	At      time.Time `json:"at"`
	Scene   int       `json:"scene"` // 1 invited, 2 link, 3 QR code
	State   string    `json:"state"`
	Invitor string    `json:"invitor"`
}

type contactWay struct {
	users []string
	state string
}

type joinWay struct {
	wireJoinWay
	Made int `json:"made"` // groups opened because all were full
}

var (
	errNoCorp  = errors.New("没有这个企业")
	errNoStaff = errors.New("企业没有这个成员，或他没有客户联系权限")
	errNoChat  = errors.New("没有这个客户群，或已解散")
	errNoWay   = errors.New("没有这个“联系我”或群活码")
)

// AddCorp registers or replaces a corp; contacts and groups of a replaced one stay.
func (s *Simulator) AddCorp(c Corp) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	if old := s.corps[c.CorpID]; old != nil {
		old.Corp = c
		return
	}
	x := &corp{Corp: c, tokens: map[string]*apiToken{}, contacts: map[string]map[string]*relation{}, ways: map[string]*contactWay{}, joinWays: map[string]*joinWay{}}
	s.corps[c.CorpID] = x
	s.recallCorp(x)
}

// ExternalUserID is by what a corp knows a person; it depends on the two names only.
func (s *Simulator) ExternalUserID(user, corpID string) string { return externalID(user, corpID) }

func externalID(user, corpID string) string {
	return "wm" + short("external", corpID, user)[:30]
}

// userOf is the person behind an external_userid; the caller holds the lock.
func (s *Simulator) userOf(c *corp, externalUserID string) *user {
	for _, name := range s.userOrder {
		if externalID(name, c.CorpID) == externalUserID {
			return s.users[name]
		}
	}
	return nil
}

func (c *corp) hasStaff(userID string) bool { return slices.Contains(c.Staff, userID) }

func (c *corp) chat(id string) *groupChat {
	for _, g := range c.chats {
		if g.ID == id {
			return g
		}
	}
	return nil
}

func (g *groupChat) index(user, staff string) int {
	return slices.IndexFunc(g.Members, func(m chatMember) bool { return m.User == user && m.Staff == staff })
}

// memberID is how the API and callbacks name who is in a group.
func (m chatMember) memberID(corpID string) string {
	if m.Staff != "" {
		return m.Staff
	}
	return externalID(m.User, corpID)
}

// corpToken is gettoken: the same token until near its end.
func (s *Simulator) corpToken(c *call) answer {
	q := c.query
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Get("corpid") == "" {
		return s.apiError(41002, "corpid missing")
	}
	x := s.corps[q.Get("corpid")]
	if x == nil {
		return s.apiError(40013, "invalid corpid")
	}
	if q.Get("corpsecret") == "" {
		return s.apiError(41004, "corpsecret missing")
	}
	if q.Get("corpsecret") != x.Secret {
		return s.apiError(40001, "invalid credential")
	}
	now := s.now()
	if x.token == nil || !now.Before(x.token.until.Add(-stableMargin)) {
		x.token = &apiToken{value: s.mint("corp/"+x.CorpID) + s.mint("corp")[:64], appID: x.CorpID, until: now.Add(tokenLife)}
		x.tokens[x.token.value] = x.token
	}
	return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok", "access_token": x.token.value, "expires_in": int(x.token.until.Sub(now) / time.Second)})
}

// authenticateCorp checks access_token and sets c.corp.
func (s *Simulator) authenticateCorp(c *call) (answer, bool) {
	value := c.query.Get("access_token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == "" {
		return s.apiError(41001, "access_token missing"), false
	}
	for _, x := range s.corps {
		t := x.tokens[value]
		if t == nil {
			continue
		}
		if c.bad("expired_token") {
			t.until = s.now()
		}
		if !s.now().Before(t.until) {
			if x.token == t {
				x.token = nil
			}
			return s.apiError(42001, "access_token expired"), false
		}
		c.corp = x
		return answer{}, true
	}
	return s.apiError(40014, "invalid access_token"), false
}

// keptCorp is what a world keeps of a corp.
type keptCorp struct {
	Contacts map[string]map[string]*relation `json:"contacts"`
	Chats    []*groupChat                    `json:"chats"`
	JoinWays map[string]*joinWay             `json:"join_ways"` // by config_id: their pictures hang in shops
}

// recallCorp gives a corp its contacts and groups back; the caller holds the lock.
func (s *Simulator) recallCorp(c *corp) {
	if k, there := s.kept.Corps[c.CorpID]; there {
		if k.Contacts != nil {
			c.contacts = k.Contacts
		}
		if k.JoinWays != nil {
			c.joinWays = k.JoinWays
		}
		c.chats = k.Chats
		delete(s.kept.Corps, c.CorpID)
	}
}
