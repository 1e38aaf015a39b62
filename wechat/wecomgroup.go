package wechat

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// Kinds of CorpChatMember.
const (
	ChatStaff    = 1
	ChatExternal = 2
)

// CorpChatQuery filters a list of customer groups. The zero value asks for all; WeCom
// answers 81017 to that when more than a thousand people may own groups.
type CorpChatQuery struct {
	Owners []string // at most 100 userids
	Cursor string
	Limit  int // 1 to 1000; 0 means 1000
}

// CorpChats pages the ids of customer groups ([D] path/92120). next "" ends the list.
// Dismissed groups are not in it.
func (c *Client) CorpChats(ctx context.Context, corp App, q CorpChatQuery) (chatIDs []string, next string, err error) {
	const path = "/cgi-bin/externalcontact/groupchat/list"
	if q.Limit == 0 {
		q.Limit = 1000
	}
	if q.Limit < 1 || q.Limit > 1000 || len(q.Owners) > 100 {
		return nil, "", badParameter(path, "limit")
	}
	in := map[string]any{"status_filter": 0, "limit": q.Limit}
	if q.Cursor != "" {
		in["cursor"] = q.Cursor
	}
	if len(q.Owners) > 0 {
		in["owner_filter"] = map[string]any{"userid_list": q.Owners}
	}
	var out struct {
		List []struct {
			ChatID string `json:"chat_id"`
		} `json:"group_chat_list"`
		Next string `json:"next_cursor"`
	}
	if err := c.postAs(ctx, corp, path, in, &out); err != nil {
		return nil, "", err
	}
	for _, x := range out.List {
		chatIDs = append(chatIDs, x.ChatID)
	}
	return chatIDs, out.Next, nil
}

// CorpChat is a customer group (客户群; [D] path/92122).
type CorpChat struct {
	ChatID    string
	Name      string
	Owner     string // userid
	Notice    string // 群公告
	CreatedAt int64  // seconds
	Version   string // changes with the members; "" when WeCom does not tell
	Members   []CorpChatMember
}

// CorpChatMember is one who is in a group. Nicknames are not asked for.
type CorpChatMember struct {
	UserID    string // of the staff, or an external_userid
	Kind      int    // ChatStaff or ChatExternal
	UnionID   string // external ones of verified corps, also who is nobody's contact
	JoinedAt  int64  // seconds
	JoinScene int    // 1 invited by a member, 2 by a link, 3 by a QR code
	State     string // of the join way
	Invitor   string // userid of who of the staff invited
}

// CorpChat reads one group. An error that IsGone: it was dismissed.
func (c *Client) CorpChat(ctx context.Context, corp App, chatID string) (CorpChat, error) {
	const path = "/cgi-bin/externalcontact/groupchat/get"
	if !corpIDShape.MatchString(chatID) {
		return CorpChat{}, badParameter(path, "chat_id")
	}
	var out struct {
		Chat struct {
			ChatID     string `json:"chat_id"`
			Name       string `json:"name"`
			Owner      string `json:"owner"`
			Notice     string `json:"notice"`
			CreateTime int64  `json:"create_time"`
			Version    string `json:"member_version"`
			Members    []struct {
				UserID    string `json:"userid"`
				Type      int    `json:"type"`
				UnionID   string `json:"unionid"`
				JoinTime  int64  `json:"join_time"`
				JoinScene int    `json:"join_scene"`
				State     string `json:"state"`
				Invitor   struct {
					UserID string `json:"userid"`
				} `json:"invitor"`
			} `json:"member_list"`
		} `json:"group_chat"`
	}
	if err := c.postAs(ctx, corp, path, map[string]any{"chat_id": chatID, "need_name": 0}, &out); err != nil {
		return CorpChat{}, err
	}
	x := out.Chat
	if x.ChatID != chatID {
		return CorpChat{}, fmt.Errorf("wechat: groupchat/get: answer names another chat")
	}
	chat := CorpChat{ChatID: x.ChatID, Name: x.Name, Owner: x.Owner, Notice: x.Notice, CreatedAt: x.CreateTime, Version: x.Version}
	for _, m := range x.Members {
		chat.Members = append(chat.Members, CorpChatMember{UserID: m.UserID, Kind: m.Type, UnionID: m.UnionID, JoinedAt: m.JoinTime,
			JoinScene: m.JoinScene, State: m.State, Invitor: m.Invitor.UserID})
	}
	return chat, nil
}

// JoinWay is WeCom's own live code of groups (群活码; [D] path/92229).
type JoinWay struct {
	ConfigID   string   `json:"config_id,omitempty"`
	ChatIDs    []string `json:"chat_id_list"`             // 1 to 5
	State      string   `json:"state,omitempty"`          // comes back with each member who came by it; at most 30 characters
	Remark     string   `json:"remark,omitempty"`         // at most 30 characters
	AutoCreate bool     `json:"-"`                        // WeCom opens another group when all are full
	BaseName   string   `json:"room_base_name,omitempty"` // of groups that are opened; at most 40 characters
	BaseID     int      `json:"room_base_id,omitempty"`   // their first number
	QRCode     string   `json:"qr_code,omitempty"`        // address of the picture, in answers
}

func (w JoinWay) check(path string) error {
	switch {
	case len(w.ChatIDs) == 0 || len(w.ChatIDs) > 5:
		return badParameter(path, "chat_id_list")
	case utf8.RuneCountInString(w.State) > maxCorpState:
		return badParameter(path, "state")
	case utf8.RuneCountInString(w.Remark) > maxCorpState:
		return badParameter(path, "remark")
	case utf8.RuneCountInString(w.BaseName) > 40:
		return badParameter(path, "room_base_name")
	}
	return nil
}

// wireJoinWay is a JoinWay as WeCom writes it.
type wireJoinWay struct {
	JoinWay
	Scene      int `json:"scene"` // 1: a button in a mini program, 2: a QR code
	AutoCreate int `json:"auto_create_room"`
}

func (w JoinWay) wire() wireJoinWay {
	x := wireJoinWay{JoinWay: w, Scene: 2}
	if x.QRCode = ""; w.AutoCreate {
		x.AutoCreate = 1
	}
	return x
}

// AddJoinWay makes a join way and returns its id; JoinWay gives its picture.
func (c *Client) AddJoinWay(ctx context.Context, corp App, w JoinWay) (configID string, err error) {
	const path = "/cgi-bin/externalcontact/groupchat/add_join_way"
	if err := w.check(path); err != nil {
		return "", err
	}
	var out struct {
		ConfigID string `json:"config_id"`
	}
	if err := c.postAs(ctx, corp, path, w.wire(), &out); err != nil {
		return "", err
	}
	if out.ConfigID == "" {
		return "", fmt.Errorf("wechat: add_join_way: answer without config_id")
	}
	return out.ConfigID, nil
}

// JoinWay reads one.
func (c *Client) JoinWay(ctx context.Context, corp App, configID string) (JoinWay, error) {
	var out struct {
		Way wireJoinWay `json:"join_way"`
	}
	err := c.postAs(ctx, corp, "/cgi-bin/externalcontact/groupchat/get_join_way", map[string]any{"config_id": configID}, &out)
	w := out.Way.JoinWay
	w.AutoCreate = out.Way.AutoCreate == 1
	return w, err
}

// UpdateJoinWay replaces everything of a join way but its picture.
func (c *Client) UpdateJoinWay(ctx context.Context, corp App, w JoinWay) error {
	const path = "/cgi-bin/externalcontact/groupchat/update_join_way"
	if err := w.check(path); err != nil {
		return err
	}
	if w.ConfigID == "" {
		return badParameter(path, "config_id")
	}
	return c.postAs(ctx, corp, path, w.wire(), nil)
}

// DeleteJoinWay ends a join way.
func (c *Client) DeleteJoinWay(ctx context.Context, corp App, configID string) error {
	return c.postAs(ctx, corp, "/cgi-bin/externalcontact/groupchat/del_join_way", map[string]any{"config_id": configID}, nil)
}
