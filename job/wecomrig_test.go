package job_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/seal"
	"siyu/model/wecom"
	"siyu/wechat"
	"siyu/wechat/simulator"
)

const (
	corpID     = "ww0123456789abcdef"
	followedID = "wx00000000000000f1"
)

// town is a corp with its people: the model, the real client and the simulator over HTTP
// with real cryptography, and the workers, driven by a fake clock.
type town struct {
	*testing.T
	d        *db.DB
	clk      *clock.Fake
	sim      *simulator.Simulator
	client   *wechat.Client
	app      wechat.App // the corp
	official wechat.App
	corp     wecom.Account
	follows  wecom.Account // the official account
	out      *outbox.Store
	people   *identity.Store
	members  *member.Store
	events   *event.Store
	notices  *notice.Store
	fans     *follow.Store
	store    *wecom.Store
	workers  *job.WeCom
	runner   *job.Runner
	limits   job.WeComLimits
	// communities are what model/group makes of customer groups.
	communities *group.Store
	// cut makes the worker die right after WeCom made a way, before anything is written.
	cut bool
	// dies makes the worker stop after so many more calls of the API, as kill -9 would;
	// less than 0 never.
	dies int

	mu     sync.Mutex
	groups map[string]wecom.Community
	came   []wecom.Came
}

func newTown(t *testing.T, d *db.DB, clk *clock.Fake) *town {
	t.Helper()
	w := &town{T: t, d: d, clk: clk, dies: -1, groups: map[string]wecom.Community{}, limits: job.WeComLimits{FollowerCallsADay: 100}}
	now := func() time.Time { return clk.Now().Time() }
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.sim.ServeHTTP(rw, r) }))
	t.Cleanup(front.Close)
	shop := httptest.NewServer(http.HandlerFunc(w.callback))
	t.Cleanup(shop.Close)
	w.sim = simulator.New(simulator.Options{BaseURL: front.URL, AppURL: shop.URL, Now: now, NoticeScale: 0.001})
	t.Cleanup(w.sim.Close)
	const aes = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	w.app = wechat.App{Kind: brand.WeCom, AppID: corpID, Secret: "corp-secret", Token: "token", AESKey: aes}
	w.official = wechat.App{Kind: brand.Official, AppID: followedID, Secret: "secret", Token: "token"}
	w.sim.AddCorp(simulator.Corp{CorpID: corpID, Name: "老井", Secret: "corp-secret", Token: "token", AESKey: aes, CallbackURL: shop.URL + "/corp", OpenPlatform: "op", Staff: []string{"lisi", "zhangsan"}})
	w.sim.AddApp(simulator.App{Kind: "official", AppID: followedID, Secret: "secret", Token: "token", OpenPlatform: "op", CallbackURL: shop.URL + "/official"})
	for _, name := range []string{"甲", "乙", "丙"} {
		w.sim.AddUser(simulator.User{Name: name})
	}
	at := func(host string) string { return front.URL + "/" + host }
	var err error
	w.client, err = wechat.New(wechat.Options{Now: now, Hosts: wechat.Hosts{API: at("api.weixin.qq.com"), MP: at("mp.weixin.qq.com"), Open: at("open.weixin.qq.com"),
		Pay: at("api.mch.weixin.qq.com"), QyAPI: at("qyapi.weixin.qq.com"), Res: at("res.wx.qq.com")}})
	w.must(err)
	w.corp = wecom.Account{ID: d.NewID(), BrandID: d.NewID(), CorpID: corpID}
	w.follows = wecom.Account{ID: d.NewID(), BrandID: w.corp.BrandID, CorpID: followedID}
	w.out, w.people = outbox.New(d), identity.New(d)
	w.members, w.events, w.notices = member.New(d, w.people), event.New(d, w.out), notice.New(d, w.out)
	w.fans = follow.New(d, w.people, w.members)
	box, err := seal.Parse(seal.NewKey())
	w.must(err)
	w.communities = group.New(group.Deps{DB: d, Box: box, People: alone{}})
	w.store = wecom.New(wecom.Deps{DB: d, Outbox: w.out, People: w.people, Members: w.members, Events: w.events, Followers: w.fans, Accounts: w.account,
		Groups: w.community, OnWay: w.onWay,
		Joins: func(ctx context.Context, j wecom.Joinable) error {
			return w.communities.PutJoin(ctx, group.Joinable{BrandID: j.BrandID, JoinURL: j.JoinURL, ChatIDs: j.ChatIDs, At: j.At})
		},
		Token: func(_ context.Context, _ id.ID, token string) error {
			if token != "TOKEN1" {
				return fault.New(fault.NotFound, "referral_code_invalid", "推荐码无效")
			}
			return nil
		}})
	w.workers = job.NewWeCom(w.store, dying{w.client, w}, w, w, w.communities, clk, w.limits)
	tasks := w.workers.Workers()
	tasks[job.TaskNotice] = job.NewNotices(w.notices, nil, w.fans).OfCorps(w.store).Apply
	w.runner = job.NewRunner(w.out, tasks, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), clock.Wall)
	return w
}

// alone: nobody in a town has another account.
type alone struct{ group.People }

func (alone) Family(_ context.Context, memberID id.ID) ([]id.ID, error) {
	return []id.ID{memberID}, nil
}

func (w *town) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Turn implements job's turner: no limit here, job/rate_test.go shows the turns.
func (w *town) Turn(context.Context, string, int) (time.Duration, bool) { return 0, true }

// App implements job's apps.
func (w *town) App(_ context.Context, accountID id.ID) (wechat.App, error) {
	if accountID == w.follows.ID {
		return w.official, nil
	}
	return w.app, nil
}

func (w *town) account(_ context.Context, accountID id.ID) (wecom.Account, error) {
	if accountID == w.follows.ID {
		return w.follows, nil
	}
	return w.corp, nil
}

func (w *town) community(ctx context.Context, c wecom.Community) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.groups[c.ChatID] = c
	_, err := w.communities.PutSynced(ctx, group.Synced{BrandID: c.BrandID, ChatID: c.ChatID, Name: c.Name, Owner: c.Owner, Size: c.Size, At: c.At, Dismissed: c.Dismissed})
	return err
}

func (w *town) onWay(_ context.Context, c wecom.Came) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.came = append(w.came, c)
	return nil
}

// callback does what handler/callback does: verify, store once.
func (w *town) callback(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	n := notice.Notice{Source: notice.WeCom, AccountID: w.corp.ID}
	if err == nil && r.URL.Path == "/official" {
		n = notice.Notice{Source: notice.Official, AccountID: w.follows.ID}
		var m wechat.Message
		if m, err = wechat.OpenMessage(w.official, r.URL.Query(), body, w.clk.Now().Time()); err == nil {
			n.DedupKey = m.DedupKey
			n.Body, err = follow.Message{AppID: m.AppID, OpenID: m.OpenID, Type: m.Type, Event: m.Event, EventKey: m.EventKey, CreatedAt: m.CreateTime}.Body()
		}
	} else if err == nil {
		var e wechat.CorpEvent
		if e, err = wechat.OpenCorpEvent(w.app, r.URL.Query(), body, w.clk.Now().Time()); err == nil {
			n.DedupKey = e.DedupKey
			n.Body, err = wecom.Push{CorpID: e.CorpID, Event: e.Event, ChangeType: e.ChangeType, CreatedAt: e.CreateTime, UserID: e.UserID,
				ExternalUserID: e.ExternalUserID, State: e.State, ChatID: e.ChatID, Detail: e.UpdateDetail, Raw: string(e.Raw)}.Body()
		}
	}
	if err != nil {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	if _, err := w.notices.Store(r.Context(), n); err != nil {
		rw.WriteHeader(http.StatusInternalServerError)
	}
}

// dying counts the calls of a worker and lets it die.
type dying struct {
	*wechat.Client
	w *town
}

func (c dying) alive() {
	if c.w.dies == 0 {
		c.w.dies = -1
		panic("killed")
	}
	if c.w.dies > 0 {
		c.w.dies--
	}
}

func (c dying) CorpChats(ctx context.Context, corp wechat.App, q wechat.CorpChatQuery) ([]string, string, error) {
	c.alive()
	q.Limit = 3 // pages in a small town
	return c.Client.CorpChats(ctx, corp, q)
}

func (c dying) AddJoinWay(ctx context.Context, corp wechat.App, y wechat.JoinWay) (string, error) {
	config, err := c.Client.AddJoinWay(ctx, corp, y)
	if c.w.cut {
		c.w.cut = false
		panic("killed")
	}
	return config, err
}

func (c dying) CorpContacts(ctx context.Context, corp wechat.App, users []string, cursor string) (wechat.CorpContactPage, error) {
	c.alive()
	return c.Client.CorpContacts(ctx, corp, users, cursor)
}

// settle waits for all pushes and runs everything that is due until nothing is.
func (w *town) settle() {
	w.Helper()
	ctx := context.Background()
	w.must(w.sim.Settle(ctx))
	for range 200 {
		w.clk.Advance(3 * time.Second)
		rows, err := w.out.Due(ctx, 500)
		w.must(err)
		n := 0
		for _, r := range rows {
			if r.Task == event.Task {
				continue
			}
			n++
			w.must(w.runner.Run(ctx, r.ID))
		}
		if n == 0 {
			w.clk.Advance(time.Hour) // what was put off
			if rows, err = w.out.Due(ctx, 500); err == nil && !hasTask(rows) {
				return
			}
		}
	}
	w.Fatal("it never ends")
}

func hasTask(rows []outbox.Row) bool {
	for _, r := range rows {
		if strings.HasPrefix(r.Task, "wecom:") || r.Task == job.TaskNotice {
			return true
		}
	}
	return false
}

func (w *town) external(user string) string { return w.sim.ExternalUserID(user, corpID) }

// login is somebody logging in to the official account, as WeChat's server tells it.
func (w *town) login(user string) id.ID {
	w.Helper()
	list, err := w.client.Followers(context.Background(), w.official, []string{w.sim.OpenID(user, followedID)})
	w.must(err)
	p, err := w.people.Resolve(context.Background(), identity.Login{AppID: followedID, OpenID: list[0].OpenID, UnionID: list[0].UnionID})
	w.must(err)
	m, err := w.members.Of(context.Background(), p)
	w.must(err)
	return m.ID
}

// human says whose an external_userid is, as a member; 0 nobody's.
func (w *town) human(user string) id.ID {
	w.Helper()
	p, ok, err := w.people.PersonOf(context.Background(), identity.ExternalUserID, corpID, w.external(user))
	w.must(err)
	if !ok {
		return 0
	}
	m, err := w.members.Of(context.Background(), p)
	w.must(err)
	return m.ID
}

// contact is the row of one person and one of the staff.
func (w *town) contact(user, staff string) wecom.Contact {
	w.Helper()
	list, err := w.store.Contacts(context.Background(), w.corp.ID, "", 0, 100)
	w.must(err)
	for _, c := range list {
		if c.ExternalUserID == w.external(user) && c.UserID == staff {
			return c
		}
	}
	return wecom.Contact{}
}

func (w *town) chat(chatID string) (wecom.Chat, []wecom.ChatMember) {
	w.Helper()
	list, err := w.store.Chats(context.Background(), w.corp.ID, 0, 100)
	w.must(err)
	for _, c := range list {
		if c.ChatID == chatID {
			members, err := w.store.ChatMembers(context.Background(), c.ID)
			w.must(err)
			return c, members
		}
	}
	return wecom.Chat{}, nil
}

func (w *town) round(kind string) wecom.Sync {
	w.Helper()
	list, err := w.store.Rounds(context.Background(), w.corp.ID)
	w.must(err)
	if kind == wecom.Followers {
		list, err = w.store.Rounds(context.Background(), w.follows.ID)
		w.must(err)
	}
	for _, y := range list {
		if y.Kind == kind {
			return y
		}
	}
	return wecom.Sync{}
}

func (w *town) events1(name string) (n int) {
	w.Helper()
	w.must(w.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM event WHERE type = 'custom' AND INSTR(body, ?) > 0", name).Scan(&n).Error)
	return n
}
