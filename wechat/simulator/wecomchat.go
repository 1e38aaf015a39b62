package simulator

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	goqr "github.com/skip2/go-qrcode"
)

// ownersMost: groupchat/list without a filter fails above it (81017).
const ownersMost = 1000

func (s *Simulator) chatList(c *call) answer {
	var in struct {
		Limit  int    `json:"limit"`
		Cursor string `json:"cursor"`
		Filter struct {
			Users []string `json:"userid_list"`
		} `json:"owner_filter"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.Limit < 1 || in.Limit > 1000 || len(in.Filter.Users) > 100 {
		return s.apiError(40058, "invalid Request Parameter")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(in.Filter.Users) == 0 && len(c.corp.Staff) > ownersMost {
		return s.apiError(81017, "userid list too large")
	}
	var live []*groupChat
	for _, g := range c.corp.chats {
		if !g.Dismissed && (len(in.Filter.Users) == 0 || slices.Contains(in.Filter.Users, g.Owner)) {
			live = append(live, g)
		}
	}
	from, next, fail := page(in.Cursor, in.Limit, len(live))
	if fail {
		return s.apiError(40058, "invalid cursor")
	}
	list := []object{}
	for _, g := range live[from:min(from+in.Limit, len(live))] {
		list = append(list, object{"chat_id": g.ID, "status": 0})
	}
	return corpOK(object{"group_chat_list": list, "next_cursor": next})
}

func (s *Simulator) chatGet(c *call) answer {
	var in struct {
		ChatID   string `json:"chat_id"`
		NeedName int    `json:"need_name"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.ChatID == "" {
		return s.apiError(40058, "invalid Request Parameter")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := c.corp.chat(in.ChatID)
	if g == nil {
		return s.apiError(40050, "invalid chatid")
	}
	if g.Dismissed {
		return s.apiError(49008, "chat is dismissed") // [M]
	}
	members := []object{}
	for _, m := range g.Members {
		members = append(members, s.wireMember(c.corp, m, in.NeedName == 1))
	}
	return corpOK(object{"group_chat": object{"chat_id": g.ID, "name": g.Name, "owner": g.Owner, "create_time": g.At.Unix(), "notice": g.Notice,
		"member_list": members, "admin_list": []object{}, "member_version": g.version()}})
}

func (g *groupChat) version() string { return digest(g.ID, strconv.Itoa(g.Version))[:32] }

// wireMember is one of member_list; the caller holds the lock.
func (s *Simulator) wireMember(c *corp, m chatMember, named bool) object {
	out := object{"userid": m.memberID(c.CorpID), "type": 1, "join_time": m.At.Unix(), "join_scene": m.Scene, "group_nickname": ""}
	if m.Invitor != "" {
		out["invitor"] = object{"userid": m.Invitor}
	}
	if m.State != "" {
		out["state"] = m.State
	}
	if named {
		out["name"] = m.User + m.Staff
	}
	if m.User != "" {
		out["type"] = 2
		if union := unionOf(s.users[m.User], c.OpenPlatform); union != "" {
			out["unionid"] = union
		}
	}
	return out
}

type wireJoinWay struct {
	ConfigID string   `json:"config_id"`
	Scene    int      `json:"scene"`
	Remark   string   `json:"remark"`
	Auto     int      `json:"auto_create_room"`
	BaseName string   `json:"room_base_name"`
	BaseID   int      `json:"room_base_id"`
	ChatIDs  []string `json:"chat_id_list"`
	QRCode   string   `json:"qr_code"`
	State    string   `json:"state"`
}

// joinWayIn reads and checks a join way; the caller holds no lock.
func (s *Simulator) joinWayIn(c *call) (w wireJoinWay, fail answer, ok bool) {
	if err := json.Unmarshal(c.body, &w); err != nil {
		return w, s.apiError(47001, "data format error"), false
	}
	if w.Scene < 1 || w.Scene > 2 || len(w.ChatIDs) == 0 || len(w.ChatIDs) > 5 || utf8.RuneCountInString(w.State) > 30 ||
		utf8.RuneCountInString(w.Remark) > 30 || utf8.RuneCountInString(w.BaseName) > 40 {
		return w, s.apiError(40058, "invalid Request Parameter"), false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range w.ChatIDs {
		if g := c.corp.chat(id); g == nil || g.Dismissed {
			return w, s.apiError(40050, "invalid chatid"), false
		}
	}
	return w, answer{}, true
}

func (s *Simulator) addJoinWay(c *call) answer {
	w, fail, good := s.joinWayIn(c)
	if !good {
		return fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.ConfigID = s.mint("join_way")[:32]
	w.QRCode = s.opts.BaseURL + "/wework.qpic.cn/wwpic/join?config=" + w.ConfigID
	c.corp.joinWays[w.ConfigID] = &joinWay{wireJoinWay: w}
	s.version++
	return corpOK(object{"config_id": w.ConfigID})
}

func (s *Simulator) getJoinWay(c *call) answer {
	var in struct {
		ConfigID string `json:"config_id"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := c.corp.joinWays[in.ConfigID]
	if w == nil {
		return s.apiError(40058, "invalid config_id")
	}
	return corpOK(object{"join_way": w.wireJoinWay})
}

func (s *Simulator) updateJoinWay(c *call) answer {
	w, fail, good := s.joinWayIn(c)
	if !good {
		return fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := c.corp.joinWays[w.ConfigID]
	if old == nil {
		return s.apiError(40058, "invalid config_id")
	}
	w.QRCode = old.QRCode
	old.wireJoinWay = w
	s.version++
	return corpOK(nil)
}

// joinText is what the picture of a join way says.
func joinText(configID string) string { return "https://work.weixin.qq.com/gm/" + configID }

// joinPicture is the picture at a join way's qr_code, or 404.
func (s *Simulator) joinPicture(c *call) answer {
	config := c.query.Get("config")
	if _, ok := s.joinWayAt(joinText(config)); !ok {
		return answer{status: http.StatusNotFound, code: "404"}
	}
	code, err := goqr.New(joinText(config), goqr.Medium)
	if err != nil {
		return answer{status: http.StatusInternalServerError, code: err.Error()}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, code.Image(430)); err != nil {
		return answer{status: http.StatusInternalServerError, code: err.Error()}
	}
	return answer{status: http.StatusOK, body: b.Bytes(), header: http.Header{"Content-Type": {"image/png"}}}
}

// joinWayAt finds whose join way a code's text opens.
func (s *Simulator) joinWayAt(text string) (corpID string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.corps {
		for config := range c.joinWays {
			if text == joinText(config) {
				return c.CorpID, true
			}
		}
	}
	return "", false
}

// JoinWays counts a corp's join ways.
func (s *Simulator) JoinWays(corpID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.corps[corpID]; c != nil {
		return len(c.joinWays)
	}
	return 0
}

func (s *Simulator) delJoinWay(c *call) answer {
	var in struct {
		ConfigID string `json:"config_id"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.corp.joinWays[in.ConfigID] == nil {
		return s.apiError(40058, "invalid config_id")
	}
	delete(c.corp.joinWays, in.ConfigID)
	s.version++
	return corpOK(nil)
}
