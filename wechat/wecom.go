package wechat

import (
	"context"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// WeCom (企业微信, developer.work.weixin.qq.com): who of the staff looks after whom
// (外部联系人), and the ways by which people come (联系我). Customer groups are in
// wecomgroup.go, callbacks in wecomcallback.go. An App of KindWeCom is a corp with the
// secret of its customer-contact tool; its token comes from gettoken, which answers the
// same one until near its end, so what token.go says about the lease holds here too.

func (c *Client) corpToken(ctx context.Context, app App) (string, error) {
	return c.cached(ctx, tokenKey(app), func(ctx context.Context) (Token, error) {
		var out struct {
			AccessToken string `json:"access_token"`
			ExpiresIn   int64  `json:"expires_in"`
		}
		q := query("corpid", app.AppID, "corpsecret", app.Secret)
		if err := c.callAt(asApp(ctx, app), c.hosts.QyAPI, "GET", "/cgi-bin/gettoken", q, nil, &out, []string{app.Secret}); err != nil {
			return Token{}, err
		}
		return c.tokenOf("gettoken", out.AccessToken, out.ExpiresIn)
	})
}

// CorpContact is one person and one member of the staff who has him as a contact
// ([D] path/92114). What else WeCom tells of him, such as name, picture and sex, is not read:
// nothing here needs it.
type CorpContact struct {
	ExternalUserID string
	UnionID        string // empty unless the corp is verified and bound to an open platform
	UserID         string // the member of the staff
	State          string // of the way by which he came, at most 30 characters
	AddWay         int    // 1 QR code, 2 phone number, 3 card, ... ([D] path/92114)
	CreatedAt      int64  // seconds
}

type wireFollow struct {
	UserID     string `json:"userid"`
	State      string `json:"state"`
	AddWay     int    `json:"add_way"`
	CreateTime int64  `json:"createtime"`
}

type wireExternal struct {
	ExternalUserID string `json:"external_userid"`
	UnionID        string `json:"unionid"`
}

func contactOf(e wireExternal, f wireFollow) CorpContact {
	return CorpContact{ExternalUserID: e.ExternalUserID, UnionID: e.UnionID, UserID: f.UserID, State: f.State, AddWay: f.AddWay, CreatedAt: f.CreateTime}
}

// CorpStaff lists the members of the staff with customer-contact permission.
func (c *Client) CorpStaff(ctx context.Context, corp App) ([]string, error) {
	var out struct {
		FollowUser []string `json:"follow_user"`
	}
	err := c.getAs(ctx, corp, "/cgi-bin/externalcontact/get_follow_user_list", query(), &out)
	return out.FollowUser, err
}

// CorpContactIDs lists the contacts of one member of the staff. WeCom answers 84061
// (IsGone) when he has none.
func (c *Client) CorpContactIDs(ctx context.Context, corp App, userID string) ([]string, error) {
	if !corpIDShape.MatchString(userID) {
		return nil, badParameter("externalcontact/list", "userid")
	}
	var out struct {
		ExternalUserID []string `json:"external_userid"`
	}
	err := c.getAs(ctx, corp, "/cgi-bin/externalcontact/list", query("userid", userID), &out)
	return out.ExternalUserID, err
}

// followPages bounds how many pages of 500 members of the staff are read of one person.
const followPages = 20

// CorpContact returns one person with everybody of the staff who has him, one row each.
func (c *Client) CorpContact(ctx context.Context, corp App, externalUserID string) ([]CorpContact, error) {
	const path = "/cgi-bin/externalcontact/get"
	if !corpIDShape.MatchString(externalUserID) {
		return nil, badParameter(path, "external_userid")
	}
	var all []CorpContact
	cursor := ""
	for range followPages {
		var out struct {
			Contact    wireExternal `json:"external_contact"`
			FollowUser []wireFollow `json:"follow_user"`
			Next       string       `json:"next_cursor"`
		}
		q := query("external_userid", externalUserID)
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if err := c.getAs(ctx, corp, path, q, &out); err != nil {
			return nil, err
		}
		if out.Contact.ExternalUserID != externalUserID {
			return nil, fmt.Errorf("wechat: externalcontact/get: answer names another contact")
		}
		for _, f := range out.FollowUser {
			all = append(all, contactOf(out.Contact, f))
		}
		if cursor = out.Next; cursor == "" {
			break
		}
	}
	return all, nil
}

// CorpContactPage is a page of contacts. Failed are members of the staff whose contacts
// WeCom did not give: nothing is known of them.
type CorpContactPage struct {
	Contacts []CorpContact
	Failed   []string
	Next     string // "" ends the list
}

// CorpContacts pages the contacts of at most 100 members of the staff, 100 a page
// ([D] path/92994). cursor "" begins.
func (c *Client) CorpContacts(ctx context.Context, corp App, userIDs []string, cursor string) (CorpContactPage, error) {
	const path = "/cgi-bin/externalcontact/batch/get_by_user"
	if len(userIDs) == 0 || len(userIDs) > 100 {
		return CorpContactPage{}, badParameter(path, "userid_list")
	}
	var out struct {
		List []struct {
			Contact wireExternal `json:"external_contact"`
			Follow  wireFollow   `json:"follow_info"`
		} `json:"external_contact_list"`
		Fail struct {
			Users []string `json:"unlicensed_userid_list"`
		} `json:"fail_info"`
		Next string `json:"next_cursor"`
	}
	in := map[string]any{"userid_list": userIDs, "cursor": cursor, "limit": 100}
	err := c.postAs(ctx, corp, path, in, &out)
	p := CorpContactPage{Failed: out.Fail.Users, Next: out.Next}
	for _, x := range out.List {
		p.Contacts = append(p.Contacts, contactOf(x.Contact, x.Follow))
	}
	return p, err
}

// CorpExternalID turns a unionid, with the openid of an app of the same subject, into the
// external_userid of this corp ([D] path/93274). ok is false when he is no contact here.
func (c *Client) CorpExternalID(ctx context.Context, corp App, unionID, openID string) (externalUserID string, ok bool, err error) {
	var out struct {
		ExternalUserID string `json:"external_userid"`
	}
	err = c.postAs(ctx, corp, "/cgi-bin/externalcontact/unionid_to_external_userid", map[string]any{"unionid": unionID, "openid": openID}, &out)
	if IsGone(err) {
		return "", false, nil
	}
	return out.ExternalUserID, err == nil && out.ExternalUserID != "", err
}

// ContactWay is a QR code by which people become contacts (联系我, 渠道活码; [D] path/92572).
type ContactWay struct {
	ConfigID   string
	UserIDs    []string // one: a personal code; several: WeCom chooses, at most 100
	State      string   // comes back with each who came by it; at most 30 characters
	Remark     string   // for the corp itself; at most 30 characters
	SkipVerify bool     // people become contacts without the staff's consent
	QRCode     string   // address of the picture, in answers
}

// AddContactWay makes a contact way and returns it with its id and picture.
func (c *Client) AddContactWay(ctx context.Context, corp App, w ContactWay) (ContactWay, error) {
	const path = "/cgi-bin/externalcontact/add_contact_way"
	switch {
	case len(w.UserIDs) == 0 || len(w.UserIDs) > 100:
		return w, badParameter(path, "user")
	case utf8.RuneCountInString(w.State) > maxCorpState:
		return w, badParameter(path, "state")
	case utf8.RuneCountInString(w.Remark) > maxCorpState:
		return w, badParameter(path, "remark")
	}
	kind := 1
	if len(w.UserIDs) > 1 {
		kind = 2
	}
	var out struct {
		ConfigID string `json:"config_id"`
		QRCode   string `json:"qr_code"`
	}
	err := c.postAs(ctx, corp, path, map[string]any{"type": kind, "scene": 2, "remark": w.Remark, "skip_verify": w.SkipVerify, "state": w.State, "user": w.UserIDs}, &out)
	if err == nil && out.ConfigID == "" {
		err = fmt.Errorf("wechat: add_contact_way: answer without config_id")
	}
	w.ConfigID, w.QRCode = out.ConfigID, out.QRCode
	return w, err
}

// DeleteContactWay ends a contact way: its picture leads nowhere from then on.
func (c *Client) DeleteContactWay(ctx context.Context, corp App, configID string) error {
	return c.postAs(ctx, corp, "/cgi-bin/externalcontact/del_contact_way", map[string]any{"config_id": configID}, nil)
}

// maxCorpState is the longest state and remark of a way ([D] path/92572, path/92229).
const maxCorpState = 30

// corpIDShape is what userids, external userids and chat ids look like ([D] path/90195:
// letters, digits and _-@. for userids, at most 64 bytes).
var corpIDShape = regexp.MustCompile(`^[0-9A-Za-z_@.-]{1,64}$`)

// badParameter is the refusal that WeCom would give, given before the call.
func badParameter(path, name string) error {
	return &APIError{Code: CodeBadParameter, Msg: "invalid parameter " + name, Call: path}
}
