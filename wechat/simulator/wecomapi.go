package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"unicode/utf8"
)

// corpEndpoints are WeCom's calls, by the names that misfortunes use.
func (s *Simulator) corpEndpoints() map[string]endpoint {
	const get, post = "GET qyapi.weixin.qq.com/cgi-bin/", "POST qyapi.weixin.qq.com/cgi-bin/"
	at := func(name string, serve func(*call) answer) endpoint {
		return endpoint{name: name, corp: true, serve: serve}
	}
	return map[string]endpoint{
		"GET wework.qpic.cn/wwpic/join":                     {name: "join_way.picture", wire: wirePage, serve: s.joinPicture},
		get + "gettoken":                                    {name: "gettoken", serve: s.corpToken},
		get + "externalcontact/get_follow_user_list":        at("contact.staff", s.corpStaff),
		get + "externalcontact/list":                        at("contact.list", s.contactList),
		get + "externalcontact/get":                         at("contact.get", s.contactGet),
		post + "externalcontact/batch/get_by_user":          at("contact.batch", s.contactBatch),
		post + "externalcontact/unionid_to_external_userid": at("contact.convert", s.contactConvert),
		post + "externalcontact/add_contact_way":            at("contact_way.add", s.addContactWay),
		post + "externalcontact/del_contact_way":            at("contact_way.del", s.delContactWay),
		post + "externalcontact/add_msg_template":           at("group_send.add", s.addMsgTemplate),
		post + "externalcontact/get_groupmsg_send_result":   at("group_send.result", s.msgSendResult),
		post + "externalcontact/cancel_groupmsg_send":       at("group_send.cancel", s.cancelMsgSend),
		post + "externalcontact/groupchat/list":             at("groupchat.list", s.chatList),
		post + "externalcontact/groupchat/get":              at("groupchat.get", s.chatGet),
		post + "externalcontact/groupchat/add_join_way":     at("join_way.add", s.addJoinWay),
		post + "externalcontact/groupchat/get_join_way":     at("join_way.get", s.getJoinWay),
		post + "externalcontact/groupchat/update_join_way":  at("join_way.update", s.updateJoinWay),
		post + "externalcontact/groupchat/del_join_way":     at("join_way.del", s.delJoinWay),
	}
}

// corpOK is an answer with errcode 0 and more.
func corpOK(more object) answer {
	out := object{"errcode": 0, "errmsg": "ok"}
	for k, v := range more {
		out[k] = v
	}
	return jsonAnswer(http.StatusOK, out)
}

func (s *Simulator) corpStaff(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(c.corp.Staff) == 0 {
		return s.apiError(84074, "no external contact permission")
	}
	return corpOK(object{"follow_user": c.corp.Staff})
}

func (s *Simulator) contactList(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	userID := c.query.Get("userid")
	if !c.corp.hasStaff(userID) {
		return s.apiError(84074, "no external contact permission")
	}
	list := []string{}
	for _, name := range s.userOrder {
		if r := c.corp.contacts[name][userID]; r != nil && !r.Half {
			list = append(list, externalID(name, c.corp.CorpID))
		}
	}
	if len(list) == 0 {
		return s.apiError(84061, "not external contact")
	}
	return corpOK(object{"external_userid": list})
}

// external is what WeCom tells of a person; the caller holds the lock.
func (s *Simulator) external(c *corp, u *user) object {
	out := object{"external_userid": externalID(u.Name, c.CorpID), "name": u.Name, "type": 1, "gender": 0, "avatar": ""}
	if union := unionOf(u, c.OpenPlatform); union != "" {
		out["unionid"] = union
	}
	return out
}

func followInfo(userID string, r *relation) object {
	return object{"userid": userID, "remark": "", "description": "", "createtime": r.At.Unix(), "add_way": r.AddWay, "state": r.State, "tag_id": []string{}}
}

func (s *Simulator) contactGet(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.query.Get("external_userid")
	if id == "" {
		return s.apiError(41035, "missing external userid")
	}
	u := s.userOf(c.corp, id)
	if u == nil {
		return s.apiError(40096, "invalid external userid")
	}
	follows := []object{}
	for _, userID := range c.corp.Staff {
		if r := c.corp.contacts[u.Name][userID]; r != nil && !r.Half {
			follows = append(follows, followInfo(userID, r))
		}
	}
	if len(follows) == 0 {
		return s.apiError(84061, "not external contact")
	}
	return corpOK(object{"external_contact": s.external(c.corp, u), "follow_user": follows})
}

// contactBatch pages over the pairs of the asked staff and their contacts. The cursor is
// only a number here; WeCom's is opaque.
func (s *Simulator) contactBatch(c *call) answer {
	var in struct {
		Users  []string `json:"userid_list"`
		Cursor string   `json:"cursor"`
		Limit  int      `json:"limit"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || len(in.Users) == 0 || len(in.Users) > 100 || in.Limit < 0 || in.Limit > 100 {
		return s.apiError(40058, "invalid Request Parameter")
	}
	if in.Limit == 0 {
		in.Limit = 50
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type pair struct {
		user   *user
		userID string
	}
	var pairs []pair
	failed := []string{}
	for _, userID := range in.Users {
		if slices.Contains(c.corp.Unlicensed, userID) {
			failed = append(failed, userID)
			continue
		}
		if !c.corp.hasStaff(userID) {
			return s.apiError(84074, "no external contact permission")
		}
		for _, name := range s.userOrder {
			if r := c.corp.contacts[name][userID]; r != nil && !r.Half {
				pairs = append(pairs, pair{s.users[name], userID})
			}
		}
	}
	from, next, fail := page(in.Cursor, in.Limit, len(pairs))
	if fail {
		return s.apiError(40058, "invalid cursor")
	}
	list := []object{}
	for _, p := range pairs[from:min(from+in.Limit, len(pairs))] {
		list = append(list, object{"external_contact": s.external(c.corp, p.user), "follow_info": followInfo(p.userID, c.corp.contacts[p.user.Name][p.userID])})
	}
	out := object{"external_contact_list": list, "next_cursor": next}
	if len(failed) > 0 {
		out["fail_info"] = object{"unlicensed_userid_list": failed}
	}
	return corpOK(out)
}

// page reads a cursor and makes the next one.
func page(cursor string, limit, all int) (from int, next string, fail bool) {
	if cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 0 {
			return 0, "", true
		}
		from = min(n, all)
	}
	if from+limit < all {
		next = strconv.Itoa(from + limit)
	}
	return from, next, false
}

func (s *Simulator) contactConvert(c *call) answer {
	var in struct {
		UnionID string `json:"unionid"`
		OpenID  string `json:"openid"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil || in.UnionID == "" {
		return s.apiError(40058, "invalid Request Parameter")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.corp.OpenPlatform == "" {
		return s.apiError(48002, "api forbidden") // not a verified corp
	}
	for _, name := range s.userOrder {
		if u := s.users[name]; unionOf(u, c.corp.OpenPlatform) == in.UnionID && len(c.corp.contacts[name]) > 0 {
			return corpOK(object{"external_userid": externalID(name, c.corp.CorpID)})
		}
	}
	return s.apiError(84061, "not external contact")
}

func (s *Simulator) addContactWay(c *call) answer {
	var in struct {
		Type   int      `json:"type"`
		Scene  int      `json:"scene"`
		Remark string   `json:"remark"`
		State  string   `json:"state"`
		User   []string `json:"user"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.Type == 0:
		return s.apiError(41037, "missing type")
	case in.Scene < 1 || in.Scene > 2, in.Type == 1 && len(in.User) != 1, len(in.User) == 0, len(in.User) > 100,
		utf8.RuneCountInString(in.State) > 30, utf8.RuneCountInString(in.Remark) > 30:
		return s.apiError(40058, "invalid Request Parameter")
	}
	for _, userID := range in.User {
		if !c.corp.hasStaff(userID) {
			return s.apiError(84074, "no external contact permission")
		}
	}
	id := s.mint("contact_way")[:32]
	c.corp.ways[id] = &contactWay{users: in.User, state: in.State}
	return corpOK(object{"config_id": id, "qr_code": s.opts.BaseURL + "/sim/wecom/way/" + id})
}

func (s *Simulator) delContactWay(c *call) answer {
	var in struct {
		ConfigID string `json:"config_id"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.corp.ways[in.ConfigID] == nil {
		return s.apiError(40058, "invalid config_id")
	}
	delete(c.corp.ways, in.ConfigID)
	return corpOK(nil)
}

// apiCorps shows corps on the page and to tests in other processes.
func (s *Simulator) apiCorps() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []object{}
	for _, c := range s.corps {
		chats := []object{}
		for _, g := range c.chats {
			members := []string{}
			for _, m := range g.Members {
				members = append(members, m.User+m.Staff)
			}
			chats = append(chats, object{"chat_id": g.ID, "name": g.Name, "owner": g.Owner, "dismissed": g.Dismissed, "members": members})
		}
		out = append(out, object{"corp_id": c.CorpID, "name": c.Name, "staff": c.Staff, "chats": chats, "contacts": c.contacts})
	}
	sort.Slice(out, func(i, j int) bool { return out[i]["corp_id"].(string) < out[j]["corp_id"].(string) })
	return out
}
