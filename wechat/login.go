package wechat

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/silenceper/wechat/v2/miniprogram/auth"
	"github.com/silenceper/wechat/v2/officialaccount/oauth"
	"github.com/silenceper/wechat/v2/util"
)

// Login is who WeChat says is there.
type Login struct {
	OpenID     string
	UnionID    string // empty when the app is not bound to an open-platform account, and with silent OAuth
	SessionKey string // mini program only; never leaves the server
	Snapshot   bool   // preview user (快照页): a made-up identity, must not earn anything
}

// codeShape is what a login code may contain. Anything else is refused before it
// reaches a query string.
var codeShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,128}$`)

// stateShape: [D] developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken
var stateShape = regexp.MustCompile(`^[0-9A-Za-z]{0,128}$`)

// AuthorizeURL is where to send the browser for OAuth. userinfo=false is silent
// (snsapi_base); true shows a consent page. state comes back unchanged; WeChat
// allows 128 letters and digits, another state is dropped, so that a caller that
// compares it fails closed. WeChat wants the parameters in this order.
func (c *Client) AuthorizeURL(app App, redirectURI, state string, userinfo bool) string {
	scope := "snsapi_base"
	if userinfo {
		scope = "snsapi_userinfo"
	}
	if !stateShape.MatchString(state) {
		state = ""
	}
	return c.hosts.Open + "/connect/oauth2/authorize?appid=" + url.QueryEscape(app.AppID) +
		"&redirect_uri=" + url.QueryEscape(redirectURI) +
		"&response_type=code&scope=" + scope + "&state=" + state + "#wechat_redirect"
}

// OAuthLogin exchanges the code of an official account's OAuth page. A code works
// once, for 5 minutes: IsBadLogin tells to start over.
func (c *Client) OAuthLogin(ctx context.Context, app App, code string) (Login, error) {
	const path = "/sns/oauth2/access_token"
	if !codeShape.MatchString(code) {
		return Login{}, badCode(path)
	}
	var out oauth.ResAccessToken
	q := query("appid", app.AppID, "secret", app.Secret, "code", code, "grant_type", "authorization_code")
	if err := c.get(asApp(ctx, app), path, q, &out, app.Secret, code); err != nil {
		return Login{}, err
	}
	if out.OpenID == "" {
		return Login{}, fmt.Errorf("wechat: oauth: answer without openid")
	}
	return Login{OpenID: out.OpenID, UnionID: out.UnionID, Snapshot: out.IsSnapShotUser == 1}, nil
}

// MiniLogin exchanges the code of wx.login. Code 40226 means that WeChat holds
// the user for high-risk.
func (c *Client) MiniLogin(ctx context.Context, app App, code string) (Login, error) {
	const path = "/sns/jscode2session"
	if !codeShape.MatchString(code) {
		return Login{}, badCode(path)
	}
	var out auth.ResCode2Session
	q := query("appid", app.AppID, "secret", app.Secret, "js_code", code, "grant_type", "authorization_code")
	if err := c.get(asApp(ctx, app), path, q, &out, app.Secret, code); err != nil {
		return Login{}, err
	}
	if out.OpenID == "" {
		return Login{}, fmt.Errorf("wechat: jscode2session: answer without openid")
	}
	return Login{OpenID: out.OpenID, UnionID: out.UnionID, SessionKey: out.SessionKey}, nil
}

func badCode(path string) error {
	return &APIError{Code: CodeBadLoginCode, Msg: "code has a shape WeChat never issues", Call: strings.TrimPrefix(path, "/")}
}

// Follower is what an official account may know about a user without asking.
type Follower struct {
	OpenID     string
	UnionID    string
	Subscribed bool
	Scene      string // the scene of the QR code that brought the user, if any
}

// Follower looks a user up. It also gives the UnionID that silent OAuth withholds.
func (c *Client) Follower(ctx context.Context, app App, openID string) (Follower, error) {
	// The library's type reads subscribe_time as int32 and would fail in 2038.
	var out struct {
		Subscribe int    `json:"subscribe"`
		OpenID    string `json:"openid"`
		UnionID   string `json:"unionid"`
		Scene     string `json:"qr_scene_str"`
	}
	err := c.withToken(ctx, app, func(ctx context.Context, token string) error {
		q := query("access_token", token, "openid", openID, "lang", "zh_CN")
		return c.get(ctx, "/cgi-bin/user/info", q, &out, token, openID)
	})
	if err != nil {
		return Follower{}, err
	}
	return Follower{OpenID: out.OpenID, UnionID: out.UnionID, Subscribed: out.Subscribe == 1, Scene: out.Scene}, nil
}

// FollowersMost is how many openids one call of Followers takes.
const FollowersMost = 100

// Followers looks up to 100 users up at once. Openids that WeChat does not know fail the
// whole call (40003).
func (c *Client) Followers(ctx context.Context, app App, openIDs []string) ([]Follower, error) {
	const path = "/cgi-bin/user/info/batchget"
	if len(openIDs) == 0 || len(openIDs) > FollowersMost {
		return nil, &APIError{Code: CodeBadOpenID, Msg: "1 to 100 openids", Call: path}
	}
	type who struct {
		OpenID string `json:"openid"`
		Lang   string `json:"lang"`
	}
	var in struct {
		List []who `json:"user_list"`
	}
	for _, o := range openIDs {
		in.List = append(in.List, who{o, "zh_CN"})
	}
	var out struct {
		List []struct {
			Subscribe int    `json:"subscribe"`
			OpenID    string `json:"openid"`
			UnionID   string `json:"unionid"`
			Scene     string `json:"qr_scene_str"`
		} `json:"user_info_list"`
	}
	if err := c.postAs(ctx, app, path, in, &out); err != nil {
		return nil, err
	}
	list := make([]Follower, 0, len(out.List))
	for _, x := range out.List {
		list = append(list, Follower{OpenID: x.OpenID, UnionID: x.UnionID, Subscribed: x.Subscribe == 1, Scene: x.Scene})
	}
	return list, nil
}

// JSConfig is what wx.config needs, named as it wants it.
type JSConfig struct {
	AppID     string `json:"appId"`
	Nonce     string `json:"nonceStr"`
	Signature string `json:"signature"`
	Timestamp int64  `json:"timestamp"`
}

// JSConfig signs pageURL, the page's full address as the browser shows it. The
// part from "#" on is not signed.
func (c *Client) JSConfig(ctx context.Context, app App, pageURL string) (JSConfig, error) {
	ticket, err := c.ticket(ctx, app)
	if err != nil {
		return JSConfig{}, err
	}
	conf := JSConfig{AppID: app.AppID, Nonce: nonce(), Timestamp: c.now().Unix()}
	conf.Signature = jsSignature(ticket, conf.Nonce, conf.Timestamp, pageURL)
	return conf, nil
}

func jsSignature(ticket, nonceStr string, timestamp int64, pageURL string) string {
	page, _, _ := strings.Cut(pageURL, "#")
	return util.Signature(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, nonceStr, timestamp, page))
}

// nonce is 32 hex digits that nobody can guess.
func nonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
