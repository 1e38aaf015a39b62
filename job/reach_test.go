package job_test

import (
	"context"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/quiet"
	"siyu/model/reach"
	"siyu/wechat"
	"siyu/wechat/simulator"
)

// A month of people who come, write, allow, refuse and leave, and of a brand that writes to
// them whenever the ledger lets it. WeChat (the simulator) keeps its own windows, grants
// and quotas: it must refuse nothing, and whoever the ledger says cannot be reached, WeChat
// or the brand's own rules must refuse, for the reason that the ledger gives.

const (
	monthBrand    = id.ID(7)
	monthOfficial = id.ID(11)
	monthMini     = id.ID(12)
	officialApp   = "wx00000000000month1"
	miniApp       = "wx00000000000month2"
	templateA     = "tmpl-a"
	templateB     = "tmpl-b"
)

type month struct {
	t         *testing.T
	ctx       context.Context
	rnd, luck *rand.Rand
	d         *db.DB
	clk       *clock.Fake
	sim       *simulator.Simulator
	client    *wechat.Client
	people    *identity.Store
	members   *member.Store
	follows   *follow.Store
	agreed    *consent.Store
	reach     *reach.Store

	mu    sync.Mutex
	heard []notice.Notice // not applied yet

	users    []*soul
	policy   reach.Policy
	free     map[clock.Day]bool
	wants    map[id.ID]bool // of templateA, worth more than anything that is sent
	delivery id.ID
	sent     map[string]int // by channel
	reasons  map[string]int // seen in answers that were checked
}

// soul is one person as the test knows him: what he said, and what he got.
type soul struct {
	name    string
	member  id.ID
	mini    bool // has used the mini program
	agrees  bool
	refuses map[string]bool // channels, "" all offers
	got     []got
}

type got struct {
	day     clock.Day
	channel string
}

func newMonth(t *testing.T, d *db.DB, clk *clock.Fake, seed int64) *month {
	m := &month{t: t, ctx: context.Background(), rnd: rand.New(rand.NewSource(seed)), luck: rand.New(rand.NewSource(seed + 1)), d: d, clk: clk, free: map[clock.Day]bool{}, wants: map[id.ID]bool{}, delivery: 1_000_000, sent: map[string]int{}, reasons: map[string]int{}}
	now := func() time.Time { return clk.Now().Time() }
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.sim.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	back := httptest.NewServer(http.HandlerFunc(m.callback))
	t.Cleanup(back.Close)
	m.sim = simulator.New(simulator.Options{BaseURL: front.URL, AppURL: back.URL, Now: now, Seed: seed})
	t.Cleanup(m.sim.Close)
	for app, kind := range map[string]string{officialApp: "official", miniApp: "mini"} {
		m.sim.AddApp(simulator.App{Kind: kind, AppID: app, Secret: "secret", Token: "token", CallbackURL: back.URL + "/" + app, OpenPlatform: "op"})
	}
	at := func(host string) string { return front.URL + "/" + host }
	client, err := wechat.New(wechat.Options{Now: now, Hosts: wechat.Hosts{API: at("api.weixin.qq.com"), MP: at("mp.weixin.qq.com"), Open: at("open.weixin.qq.com"),
		Pay: at("api.mch.weixin.qq.com"), QyAPI: at("qyapi.weixin.qq.com"), Res: at("res.wx.qq.com")}})
	m.must(err)
	m.client, m.people, m.agreed = client, identity.New(d), consent.New(d)
	m.members = member.New(d, m.people)
	m.follows = follow.New(d, m.people, m.members)
	m.reach = reach.New(reach.Deps{DB: d, People: m.people, Members: m.members, Accounts: func(_ context.Context, a id.ID) (brand.Account, error) {
		if a == monthOfficial {
			return brand.Account{ID: a, BrandID: monthBrand, Kind: brand.Official, AppID: officialApp}, nil
		}
		return brand.Account{ID: a, BrandID: monthBrand, Kind: brand.Mini, AppID: miniApp}, nil
	}})
	m.rules()
	for i := range 18 {
		m.join(fmt.Sprintf("用户%02d", i), i%2 == 0)
	}
	return m
}

func (m *month) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// rules are small numbers, so that a month meets all of them.
func (m *month) rules() {
	p := reach.DefaultPolicy(monthBrand)
	p.Cap, p.Channels, p.MarginSec = reach.Cap{Day: 3, Week: 8, Month: 20}, []reach.ChannelCap{{Channel: reach.Mass, Cap: reach.Cap{Day: 1, Week: 2, Month: 4}}}, 0
	p.CustomPerDay, p.TemplatePerDay, p.SubscribePerDay = 30, 9, 12
	for path, n := range map[string]int{"custom/send": 30, "template/send": 9, "subscribe/send": 12, "subscribe/bizsend": 12} {
		m.sim.SetQuota(officialApp, "/cgi-bin/message/"+path, n)
		m.sim.SetQuota(miniApp, "/cgi-bin/message/"+path, n)
	}
	var err error
	m.policy, err = m.reach.SavePolicy(m.ctx, p, 1)
	m.must(err)
	_, err = m.reach.SetHolidays(m.ctx, monthBrand, 2026, []reach.FreeDay{{Day: "2026-11-28", Name: "店休"}, {Day: "2026-11-29", Name: "店休"}}, 1)
	m.must(err)
	m.free[20261128], m.free[20261129] = true, true
	_, err = quiet.New(m.d).Set(m.ctx, quiet.Hours{BrandID: monthBrand, FromMinute: 22 * 60, UntilMinute: 8 * 60})
	m.must(err)
}

// join is somebody logging in for the first time: to the account's pages, and some of them
// to the mini program too.
func (m *month) join(name string, mini bool) {
	m.sim.AddUser(simulator.User{Name: name})
	person, err := m.people.Resolve(m.ctx, identity.Login{AppID: officialApp, OpenID: m.sim.OpenID(name, officialApp), UnionID: "u" + name[len(name)-2:]})
	m.must(err)
	who, err := m.members.Of(m.ctx, person)
	m.must(err)
	if mini {
		_, err := m.people.Resolve(m.ctx, identity.Login{AppID: miniApp, OpenID: m.sim.OpenID(name, miniApp), UnionID: "u" + name[len(name)-2:]})
		m.must(err)
	}
	m.users = append(m.users, &soul{name: name, member: who.ID, mini: mini, refuses: map[string]bool{}})
}

// callback keeps what WeChat says, as handler/callback does.
func (m *month) callback(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	appID := r.URL.Path[1:]
	msg, err2 := wechat.OpenMessage(wechat.App{AppID: appID, Token: "token"}, r.URL.Query(), body, m.clk.Now().Time())
	if err != nil || err2 != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var grants []follow.Grant
	for _, g := range msg.Grants {
		grants = append(grants, follow.Grant{TemplateID: g.TemplateID, Status: g.Status})
	}
	text, err := follow.Message{AppID: msg.AppID, OpenID: msg.OpenID, Type: msg.Type, Event: msg.Event, EventKey: msg.EventKey, MsgID: msg.MsgID, CreatedAt: msg.CreateTime, Status: msg.Status, Grants: grants}.Body()
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	n := notice.Notice{Source: notice.Official, AccountID: monthOfficial, Body: text}
	if appID == miniApp {
		n.Source, n.AccountID = notice.Mini, monthMini
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = append(m.heard, n)
	io.WriteString(w, "success")
}

// apply gives everything that was heard its effect, in any order, some of it twice.
func (m *month) apply() {
	m.must(m.sim.Settle(m.ctx))
	m.mu.Lock()
	list := m.heard
	m.heard = nil
	m.mu.Unlock()
	for _, n := range slices.Clone(list) {
		if m.rnd.Intn(4) == 0 {
			list = append(list, n)
		}
	}
	m.rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, n := range list {
		m.must(m.follows.ApplyMessage(m.ctx, n))
		m.must(m.reach.Apply(m.ctx, n))
	}
}

// deeds are what some people do, each another one; a second passes between two.
func (m *month) deeds() {
	for _, i := range m.rnd.Perm(len(m.users))[:1+m.rnd.Intn(4)] {
		m.deed(m.users[i])
		m.clk.Advance(time.Second)
	}
}

func (m *month) deed(u *soul) {
	app := officialApp
	if u.mini && m.rnd.Intn(2) == 0 {
		app = miniApp
	}
	template := []string{templateA, templateB}[m.rnd.Intn(2)]
	switch m.rnd.Intn(14) {
	case 0, 1, 2:
		m.must(m.sim.Follow(u.name, officialApp))
	case 3:
		if m.rnd.Intn(3) == 0 {
			m.must(m.sim.Unfollow(u.name, officialApp))
		}
	case 4, 5:
		if app == miniApp || m.sim.Would("mass", u.name, officialApp, "") != 43004 { // only followers can write to an account
			m.must(m.sim.Say(u.name, app, "在吗"))
		}
	case 6:
		if m.sim.Would("mass", u.name, officialApp, "") != 43004 {
			m.must(m.sim.Click(u.name, officialApp, "menu"))
		}
	case 7:
		m.must(m.sim.ScanQR(u.name, officialApp, "shop"))
	case 8, 9:
		m.must(m.sim.Popup(u.name, app, []string{template}, nil))
	case 10:
		m.must(m.sim.Withdraw(u.name, app, template))
	case 11:
		if u.mini {
			m.must(m.sim.Enter(u.name, miniApp))
		}
	case 12:
		u.agrees = m.rnd.Intn(5) > 0
		_, err := m.agreed.Put(m.ctx, consent.Consent{MemberID: u.member, Purpose: consent.Marketing, Given: u.agrees, Channel: consent.H5})
		m.must(err)
	case 13:
		channel := []string{"", reach.Custom, reach.Subscribe, reach.Mass}[m.rnd.Intn(4)]
		u.refuses[channel] = m.rnd.Intn(3) == 0
		say := m.reach.OptIn
		if u.refuses[channel] {
			say = m.reach.OptOut
		}
		m.must(say(m.ctx, reach.Wish{MemberID: u.member, BrandID: monthBrand, Channel: channel, Source: "h5"}))
	}
}

func monthUses() []reach.Use {
	return []reach.Use{{Channel: reach.Custom, AccountID: monthOfficial}, {Channel: reach.Custom, AccountID: monthMini},
		{Channel: reach.Subscribe, AccountID: monthMini, TemplateID: templateA}, {Channel: reach.Subscribe, AccountID: monthMini, TemplateID: templateB},
		{Channel: reach.Subscribe, AccountID: monthOfficial, TemplateID: templateA}, {Channel: reach.Template, AccountID: monthOfficial, TemplateID: "done"}, {Channel: reach.Mass, AccountID: monthOfficial}}
}

func (m *month) ask() reach.Ask {
	uses := monthUses()
	m.rnd.Shuffle(len(uses), func(i, j int) { uses[i], uses[j] = uses[j], uses[i] })
	return reach.Ask{BrandID: monthBrand, Purpose: []string{reach.Marketing, reach.Service}[m.rnd.Intn(2)], Uses: uses[:1+m.rnd.Intn(len(uses))], Value: 50}
}

// send writes to some people, and fails the test if WeChat refuses anything.
func (m *month) send() {
	a := m.ask()
	var seats []reach.Seat
	for _, i := range m.rnd.Perm(len(m.users))[:1+m.rnd.Intn(6)] {
		m.delivery++
		seats = append(seats, reach.Seat{MemberID: m.users[i].member, DeliveryID: m.delivery})
	}
	var list []reach.Taken
	m.must(m.reach.Prepare(m.ctx, a))
	m.must(m.d.InTx(m.ctx, func(tx *gorm.DB) (err error) {
		list, err = m.reach.TakeManyTx(m.ctx, tx, a, seats)
		return err
	}))
	var many []reach.Ticket
	for _, x := range list {
		switch {
		case x.Ticket.ID == 0:
		case x.Ticket.Way.Channel == reach.Mass:
			many = append(many, x.Ticket)
		default:
			fails := m.fails(x.Ticket.Way.Channel)
			m.end(a, x.Ticket, reach.Sent, m.call(x.Ticket))
			if fails {
				m.lost(a, x.Ticket)
			}
		}
	}
	if len(many) == 1 { // WeChat sends to two at least: nobody gets it
		m.end(a, many[0], reach.Refused, nil)
		return
	}
	if len(many) > 1 {
		var openIDs []string
		for _, t := range many {
			openIDs = append(openIDs, t.OpenID)
		}
		fails := m.fails(reach.Mass)
		_, err := m.client.SendMass(m.ctx, m.app(monthOfficial), wechat.MassText{OpenIDs: openIDs, Text: "护眼月", ClientMsgID: "m" + strconv.Itoa(int(m.delivery))})
		for _, t := range many {
			m.end(a, t, reach.Sent, err)
			if fails {
				m.lost(a, t)
			}
		}
	}
}

// fails has WeChat take the next message of a channel and report later that it did not
// arrive, now and then.
func (m *month) fails(channel string) bool {
	if channel == reach.Custom || m.luck.Intn(8) > 0 {
		return false
	}
	m.must(m.sim.SetMisfortune(simulator.Misfortune{Call: channel + ".send", Kind: "fails_later", Code: map[string]string{reach.Subscribe: "20001"}[channel]}))
	return true
}

// lost is such a report: what nobody got is of no cap, and what WeChat counts stays used.
func (m *month) lost(a reach.Ask, t reach.Ticket) {
	m.must(m.d.InTx(m.ctx, func(tx *gorm.DB) error { return m.reach.LostTx(m.ctx, tx, []id.ID{t.ID}, "20001") }))
	m.sent["lost "+t.Way.Channel]++
	if u := m.soul(t.MemberID); a.Purpose == reach.Marketing {
		u.got = u.got[:len(u.got)-1]
	}
}

func (m *month) app(account id.ID) wechat.App {
	if account == monthMini {
		return wechat.App{Kind: wechat.KindMini, AppID: miniApp, Secret: "secret"}
	}
	return wechat.App{Kind: wechat.KindOfficial, AppID: officialApp, Secret: "secret"}
}

func (m *month) call(t reach.Ticket) error {
	app, data := m.app(t.Way.AccountID), map[string]string{"thing1": "到货"}
	switch t.Way.Channel {
	case reach.Custom:
		return m.client.SendText(m.ctx, app, t.OpenID, "您好")
	case reach.Subscribe:
		_, err := m.client.SendSubscribe(m.ctx, app, wechat.SubscribeMessage{OpenID: t.OpenID, TemplateID: t.Way.TemplateID, Data: data})
		return err
	}
	_, err := m.client.SendTemplate(m.ctx, app, wechat.TemplateMessage{OpenID: t.OpenID, TemplateID: t.Way.TemplateID, Data: data})
	return err
}

func (m *month) end(a reach.Ask, t reach.Ticket, outcome string, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatalf("%s: WeChat refused a message that the ledger had a place for: %+v: %v", m.clk.Now().Local(), t.Way, err)
	}
	m.must(m.d.InTx(m.ctx, func(tx *gorm.DB) error { return m.reach.EndTx(m.ctx, tx, t.ID, outcome, "") }))
	if outcome != reach.Sent {
		return
	}
	m.sent[t.Way.Channel]++
	if a.Purpose == reach.Marketing {
		u := m.soul(t.MemberID)
		u.got = append(u.got, got{clock.DayOf(m.clk.Now()), t.Way.Channel})
	}
}

func (m *month) soul(memberID id.ID) *soul {
	return m.users[slices.IndexFunc(m.users, func(u *soul) bool { return u.member == memberID })]
}

// remind is a message that goes out by itself, beside the ledger.
func (m *month) remind() {
	u := m.users[m.rnd.Intn(len(m.users))]
	if m.sim.Would("custom", u.name, officialApp, "") != 0 {
		return
	}
	openID := m.sim.OpenID(u.name, officialApp)
	m.must(m.client.SendText(m.ctx, m.app(monthOfficial), openID, "请确认收款"))
	m.delivery++
	for range 1 + m.rnd.Intn(2) { // told twice, it counts once
		m.must(m.reach.Spent(m.ctx, m.delivery, monthBrand, monthOfficial, u.member, openID, m.clk.Now()))
	}
}

// want announces a better message, or takes an announcement back.
func (m *month) want() {
	ref := id.ID(500 + m.rnd.Intn(2))
	if m.wants[ref] = !m.wants[ref]; !m.wants[ref] {
		m.must(m.reach.Unwant(m.ctx, ref))
		return
	}
	m.must(m.reach.Want(m.ctx, reach.Wanted{RefID: ref, BrandID: monthBrand, Value: 90, At: m.clk.Now().Add(1000 * time.Hour),
		Uses: []reach.Use{{Channel: reach.Subscribe, AccountID: monthMini, TemplateID: templateA}}}))
}
