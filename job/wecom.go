package job

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/wecom"
	"siyu/wechat"
)

// Tasks of WeCom (企业微信): a group, a contact, a round over everything, a way into groups.
const (
	TaskChat    = wecom.TaskChat
	TaskContact = wecom.TaskContact
	TaskSync    = wecom.TaskSync
	TaskWay     = wecom.TaskWay
)

// corps is the part of wechat.Client that reads corps and followers.
type corps interface {
	CorpStaff(ctx context.Context, corp wechat.App) ([]string, error)
	CorpContact(ctx context.Context, corp wechat.App, externalUserID string) ([]wechat.CorpContact, error)
	CorpContacts(ctx context.Context, corp wechat.App, userIDs []string, cursor string) (wechat.CorpContactPage, error)
	CorpChats(ctx context.Context, corp wechat.App, q wechat.CorpChatQuery) ([]string, string, error)
	CorpChat(ctx context.Context, corp wechat.App, chatID string) (wechat.CorpChat, error)
	Followers(ctx context.Context, app wechat.App, openIDs []string) ([]wechat.Follower, error)
	ways
}

// turner gives out turns to call WeChat; *Rates does.
type turner interface {
	Turn(ctx context.Context, name string, perSecond int) (wait time.Duration, ok bool)
}

// WeComLimits are how much of WeChat's quotas may be used.
type WeComLimits struct {
	PerSecond         int // calls of one corp; 0: no limit
	FollowerCallsADay int // batches of 100 followers of one official account
}

// WeCom looks at WeCom when rows ask for it, and goes round.
type WeCom struct {
	store  *wecom.Store
	corps  corps
	who    apps
	turns  turner
	reader pictures
	clk    clock.Clock
	limits WeComLimits
}

// NewWeCom makes the workers.
func NewWeCom(s *wecom.Store, c corps, who apps, t turner, p pictures, clk clock.Clock, l WeComLimits) *WeCom {
	return &WeCom{store: s, corps: c, who: who, turns: t, reader: p, clk: clk, limits: l}
}

// Workers are the tasks.
func (w *WeCom) Workers() map[string]Worker {
	return map[string]Worker{TaskChat: w.Chat, TaskContact: w.Contact, TaskSync: w.Sync, TaskWay: w.Way}
}

const (
	// deniedPause is how long a contact rests when the corp's settings forbid a look.
	deniedPause = 10 * time.Minute
	// throttledPause is how long to wait when WeCom says that it was too much.
	throttledPause = 30 * time.Second
	// roundPages bounds how many pages one run of a worker does: others want their turn.
	roundPages = 20
)

// turn waits for the corp's turn; ok is false when the row has to come back.
func (w *WeCom) turn(ctx context.Context, app wechat.App) (v Verdict, ok bool) {
	wait, ok := w.turns.Turn(ctx, app.Kind+"/"+app.AppID, w.limits.PerSecond)
	if !ok {
		return Verdict{Again: wait, Why: "排队等待调用额度"}, false
	}
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return Verdict{Again: time.Second, Why: "排队超时"}, false
		}
	}
	return Verdict{}, true
}

// again is the verdict on a look that was written.
func again(more bool, err error) (Verdict, error) {
	if err != nil || !more {
		return Verdict{}, err
	}
	return Verdict{Again: time.Second, Why: "期间又有变化"}, nil
}

// Chat looks at one customer group.
func (w *WeCom) Chat(ctx context.Context, row id.ID) (Verdict, error) {
	c, ok, err := w.store.ChatToLook(ctx, row)
	if err != nil || !ok {
		return Verdict{}, ignoreGone(err)
	}
	app, err := w.who.App(ctx, c.AccountID)
	if err != nil {
		return Verdict{}, ignoreGone(err)
	}
	if v, ok := w.turn(ctx, app); !ok {
		return v, nil
	}
	began := w.clk.Now()
	g, err := w.corps.CorpChat(ctx, app, c.ChatID)
	switch {
	case err == nil:
		return again(w.store.PutChat(ctx, c, seenChat(g), began))
	case wechat.IsGone(err):
		return again(w.store.EndChat(ctx, c, began))
	case wechat.IsThrottled(err):
		return Verdict{Again: throttledPause, Why: err.Error()}, nil
	case wechat.IsDenied(err):
		return again(w.store.FailChat(ctx, c, denied(err)))
	}
	return Verdict{}, err
}

func seenChat(g wechat.CorpChat) wecom.SeenChat {
	s := wecom.SeenChat{Name: g.Name, Owner: g.Owner, Version: g.Version}
	for _, m := range g.Members {
		s.Members = append(s.Members, wecom.SeenMember{UserID: m.UserID, External: m.Kind == wechat.ChatExternal, UnionID: m.UnionID,
			JoinScene: m.JoinScene, Way: m.State, JoinedAt: seconds(m.JoinedAt)})
	}
	return s
}

func seconds(n int64) clock.Instant { return clock.From(time.Unix(n, 0)) }

func seenContact(c wechat.CorpContact) wecom.Seen {
	return wecom.Seen{ExternalUserID: c.ExternalUserID, UnionID: c.UnionID, UserID: c.UserID, Way: c.State, AddWay: c.AddWay, Since: seconds(c.CreatedAt)}
}

// Contact looks at one person.
func (w *WeCom) Contact(ctx context.Context, row id.ID) (Verdict, error) {
	c, ok, err := w.store.ContactToLook(ctx, row)
	if err != nil || !ok {
		return Verdict{}, ignoreGone(err)
	}
	app, err := w.who.App(ctx, c.AccountID)
	if err != nil {
		return Verdict{}, ignoreGone(err)
	}
	if v, ok := w.turn(ctx, app); !ok {
		return v, nil
	}
	began := w.clk.Now()
	list, err := w.corps.CorpContact(ctx, app, c.ExternalUserID)
	switch {
	case wechat.IsThrottled(err):
		return Verdict{Again: throttledPause, Why: err.Error()}, nil
	case wechat.IsDenied(err):
		return Verdict{Again: deniedPause, Why: denied(err)}, nil
	case err != nil && !wechat.IsGone(err):
		return Verdict{}, err
	}
	seen := make([]wecom.Seen, len(list))
	for i, x := range list {
		seen[i] = seenContact(x)
	}
	return again(w.store.PutLook(ctx, c, seen, began))
}

// Sync does some pages of a round; the place is kept after each.
func (w *WeCom) Sync(ctx context.Context, row id.ID) (Verdict, error) {
	y, err := w.store.Round(ctx, row)
	if err != nil {
		return Verdict{}, ignoreGone(err)
	}
	app, err := w.who.App(ctx, y.AccountID)
	if err != nil {
		return Verdict{}, err
	}
	page := map[string]func(context.Context, wechat.App, wecom.Sync) (wecom.Sync, Verdict, error){
		wecom.Chats: w.chats, wecom.Contacts: w.contacts, wecom.Followers: w.followers}[y.Kind]
	for n := 0; y.State == wecom.Running; n++ {
		if n == roundPages {
			return Verdict{Again: time.Second, Why: "下一批"}, nil
		}
		if v, ok := w.turn(ctx, app); !ok {
			return v, nil
		}
		var v Verdict
		y, v, err = page(ctx, app, y)
		switch {
		case err == nil && v.Again > 0:
			return v, nil
		case wechat.IsThrottled(err):
			return Verdict{Again: throttledPause, Why: err.Error()}, nil
		case wechat.IsDenied(err):
			return Verdict{}, w.store.FailRound(ctx, y, denied(err))
		case wechat.ErrCode(err) == wechat.CodeTooMany:
			return Verdict{}, w.store.FailRound(ctx, y, "可见的群主超过 1000 人，请在企业微信后台缩小应用的可见范围")
		case err != nil:
			return Verdict{}, err
		}
	}
	return Verdict{}, nil
}

// chatPage is how many groups a page names: each is a row and a look of its own.
const chatPage = 200

func (w *WeCom) chats(ctx context.Context, app wechat.App, y wecom.Sync) (wecom.Sync, Verdict, error) {
	ids, next, err := w.corps.CorpChats(ctx, app, wechat.CorpChatQuery{Cursor: y.Place, Limit: chatPage})
	if err != nil {
		return y, Verdict{}, err
	}
	y, err = w.store.StepChats(ctx, y, ids, next)
	return y, Verdict{}, err
}

func (w *WeCom) contacts(ctx context.Context, app wechat.App, y wecom.Sync) (wecom.Sync, Verdict, error) {
	staff, err := w.corps.CorpStaff(ctx, app)
	if err != nil {
		return y, Verdict{}, err
	}
	users, at, err := y.StaffAt(staff)
	if err != nil {
		return y, Verdict{}, err
	}
	if len(users) == 0 {
		y, err = w.store.EndContacts(ctx, y, staff)
		return y, Verdict{}, err
	}
	began := w.clk.Now()
	p, err := w.corps.CorpContacts(ctx, app, users, at.Cursor)
	if err != nil && !wechat.IsGone(err) {
		return y, Verdict{}, err
	}
	seen := make([]wecom.Seen, len(p.Contacts))
	for i, x := range p.Contacts {
		seen[i] = seenContact(x)
	}
	y, err = w.store.StepContacts(ctx, y, users, p.Failed, seen, p.Next, began)
	return y, Verdict{}, err
}

// followers asks for the unionids of followers, a hundred a call.
func (w *WeCom) followers(ctx context.Context, app wechat.App, y wecom.Sync) (wecom.Sync, Verdict, error) {
	ids, err := w.store.NextFollowers(ctx, y, wechat.FollowersMost)
	if err != nil {
		return y, Verdict{}, err
	}
	var list []wechat.Follower
	if len(ids) > 0 {
		ok, err := w.store.Spend(ctx, y, w.limits.FollowerCallsADay)
		if err != nil || !ok {
			return y, Verdict{Again: time.Hour, Why: "今日调用次数已用完"}, err
		}
		list, err = w.corps.Followers(ctx, app, ids)
		if wechat.ErrCode(err) == wechat.CodeBadOpenID && len(ids) > 1 {
			// One openid that WeChat does not know fails the page: the first half alone
			// leads to it, and on.
			ids = ids[:len(ids)/2]
			return w.half(ctx, app, y, ids)
		}
		if err != nil && wechat.ErrCode(err) != wechat.CodeBadOpenID {
			return y, Verdict{}, err
		}
	}
	return w.stepFollowers(ctx, y, ids, list)
}

// half asks for ever fewer openids until WeChat knows all of them, or one is left, which
// is passed over.
func (w *WeCom) half(ctx context.Context, app wechat.App, y wecom.Sync, ids []string) (wecom.Sync, Verdict, error) {
	for {
		ok, err := w.store.Spend(ctx, y, w.limits.FollowerCallsADay)
		if err != nil || !ok {
			return y, Verdict{Again: time.Hour, Why: "今日调用次数已用完"}, err
		}
		list, err := w.corps.Followers(ctx, app, ids)
		switch {
		case err == nil, wechat.ErrCode(err) == wechat.CodeBadOpenID && len(ids) == 1:
			return w.stepFollowers(ctx, y, ids, list)
		case wechat.ErrCode(err) != wechat.CodeBadOpenID:
			return y, Verdict{}, err
		}
		ids = ids[:len(ids)/2]
	}
}

func (w *WeCom) stepFollowers(ctx context.Context, y wecom.Sync, ids []string, list []wechat.Follower) (wecom.Sync, Verdict, error) {
	seen, unions := make([]wecom.SeenFollower, len(list)), 0
	for i, f := range list {
		if seen[i] = (wecom.SeenFollower{OpenID: f.OpenID, UnionID: f.UnionID}); f.UnionID != "" {
			unions++
		}
	}
	y, err := w.store.StepFollowers(ctx, y, ids, seen)
	if err == nil && len(list) == wechat.FollowersMost && unions == 0 && y.Pages == 1 {
		err = w.store.FailRound(ctx, y, "微信没有返回 UnionID：请先把公众号绑定到微信开放平台")
		y.State = wecom.Failed
	}
	return y, Verdict{}, err
}

// ignoreGone: a row or account that is not there needs no work.
func ignoreGone(err error) error {
	if fault.KindOf(err) == fault.NotFound || db.IsNotFound(err) {
		return nil
	}
	return err
}

// denied says in zh-CN what to change.
func denied(err error) string {
	text := map[int]string{
		wechat.CodeBadSecretOrAK:  "Secret 不对，或凭证被其他程序刷新",
		wechat.CodeForbiddenAPI:   "接口没有授权：请确认使用的是“客户联系”的 Secret，企业已认证",
		wechat.CodeNoPrivilege:    "没有权限：请检查应用的可见范围",
		wechat.CodeBadIP:          "服务器 IP 不在企业可信 IP 列表中",
		wechat.CodeNoContactRight: "成员没有客户联系权限",
	}[wechat.ErrCode(err)]
	return fmt.Sprintf("%s（%d）", text, wechat.ErrCode(err))
}

// corpAccounts lists the accounts that rounds go over.
type corpAccounts func(ctx context.Context) (corps, official []wecom.Account, err error)

const (
	chatsEvery     = 6 * time.Hour
	contactsEvery  = 24 * time.Hour
	followersEvery = 24 * time.Hour
)

// WeComChores start rounds that are due: they heal what no push told.
func WeComChores(s *wecom.Store, list corpAccounts) []Chore {
	return []Chore{{"ask which groups WeCom opened by itself", 10 * time.Minute, s.RefreshWays}, {"start due rounds over WeCom and followers", 5 * time.Minute, func(ctx context.Context) error {
		corps, official, err := list(ctx)
		if err != nil {
			return err
		}
		for _, a := range corps {
			if err := s.StartDue(ctx, a, wecom.Chats, chatsEvery); err != nil {
				return err
			}
			if err := s.StartDue(ctx, a, wecom.Contacts, contactsEvery); err != nil {
				return err
			}
		}
		for _, a := range official {
			if err := s.StartDue(ctx, a, wecom.Followers, followersEvery); err != nil {
				return err
			}
		}
		return nil
	}}}
}
