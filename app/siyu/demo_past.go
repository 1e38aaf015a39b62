package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"siyu/model/apikey"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/consent"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/notice"
	"siyu/model/product"
	"siyu/model/referral"
	"siyu/model/scan"
	"siyu/wechat/simulator"
)

// The demo's brand looks back on three weeks: panels that are empty show nobody what they
// are for. What happened goes through the same stores as everything else, on an
// environment whose clock stands in the past. Nobody won cash then: money that moves in a
// demo is what its visitor wins.
const (
	pastPeople = 160
	pastDays   = 21
	pastBatch  = "首批"
	pastCodes  = 2000 // of each product
	pastPoints = "新品尝鲜有礼"
)

// pastLeaders bring people; each of the others came by one of them or by himself.
var pastLeaders = []string{"阿芳", "老赵", "小林"}

// past is the making of it.
type past struct {
	d      *demoWorld
	p      *process
	e      *environment
	clk    *clock.Fake
	rnd    *rand.Rand
	end    clock.Instant
	app    brand.Account
	shop   apikey.Key
	shelf  []code.Batch
	next   []int64 // the next bottle of each batch that nobody opened
	gtins  []string
	places []pastPlace
	tokens []string // of the leaders' codes
	led    []id.ID  // members who became leaders
	orders int
}

type pastPlace struct {
	scan.Place
	network string
}

// guest is one person of the past.
type guest struct {
	name, openID, ip string
	place            scan.Place
	member           id.ID
	leader           int // whose code he came by; -1: nobody's
	leads            int // which leader he is; -1: none
	taste            int // the product he mostly buys
}

// deed is something that happened at a moment.
type deed struct {
	at clock.Instant
	do func(ctx context.Context) error
}

// past makes it, at the first start of a brand only.
func (d *demoWorld) past(ctx context.Context, p *process) (err error) {
	if _, err := p.env.Products.ByGTIN(ctx, d.brand.ID, d.shelf[0].gtin); err == nil || fault.KindOf(err) != fault.NotFound {
		return err // the brand has goods: it has its past
	}
	now := p.env.Clock.Now()
	x := &past{d: d, p: p, clk: clock.NewFake(now.Add(-(pastDays + 1) * 24 * time.Hour)), rnd: rand.New(rand.NewPCG(20, 26)), end: now.Add(-20 * time.Minute)}
	if x.e, err = openEnvironment(ctx, p.cfg, x.clk); err != nil {
		return err
	}
	defer func() {
		if err2 := x.e.Close(); err == nil {
			err = err2
		}
	}()
	if err := x.prepare(ctx); err != nil {
		return fmt.Errorf("demo data: the past: %w", err)
	}
	deeds := x.deeds()
	slices.SortStableFunc(deeds, func(a, b deed) int { return int(a.at - b.at) })
	for _, one := range deeds {
		x.clk.Set(one.at)
		if err := one.do(ctx); err != nil {
			return fmt.Errorf("demo data: the past of %s: %w", one.at.Local(), err)
		}
	}
	x.clk.Set(x.end) // behind all that happened: it is computed once, not deed by deed
	if err := x.tags(ctx); err != nil {
		return fmt.Errorf("demo data: tags: %w", err)
	}
	return nil
}

// prepare makes what the brand had three weeks ago: goods, codes, a campaign for points,
// a shop that reports orders, and the terms of leaders.
func (x *past) prepare(ctx context.Context) (err error) {
	d, e := x.d, x.e
	for _, g := range d.shelf {
		prod, err := e.Products.Create(ctx, g.product(d.brand.ID))
		if err != nil {
			return err
		}
		b, err := e.Codes.CreateBatch(ctx, code.Batch{BrandID: d.brand.ID, ProductID: prod.ID, Count: pastCodes, Name: pastBatch})
		if err != nil {
			return err
		}
		if _, err := e.Codes.SetRange(ctx, code.Range{BatchID: b.ID, From: 1, Until: pastCodes + 1, State: code.Activated}); err != nil {
			return err
		}
		if err := e.demoTerritory(ctx, b); err != nil {
			return err
		}
		x.shelf, x.next, x.gtins = append(x.shelf, b), append(x.next, 1), append(x.gtins, g.gtin)
	}
	if x.app, err = e.Brands.AccountByApp(ctx, brand.Official, demoOfficial); err != nil {
		return err
	}
	if x.shop, _, err = e.APIKeys.Create(ctx, apikey.Draft{BrandID: d.brand.ID, Name: "演示商城", Permissions: []string{apikey.OrdersWrite}}); err != nil {
		return err
	}
	if err := x.campaign(ctx); err != nil {
		return err
	}
	if err := d.leaders(ctx, e); err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSpace(demoPlaces), "\n")[1:] {
		f := strings.Split(line, ",")
		lat, err1 := strconv.ParseFloat(f[3], 64)
		lon, err2 := strconv.ParseFloat(f[4], 64)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("place %d: %q", i+1, line)
		}
		x.places = append(x.places, pastPlace{scan.Place{Province: f[1], City: f[2], LatE4: int32(lat * 1e4), LonE4: int32(lon * 1e4)}, strings.TrimSuffix(f[0], "0.0/16")})
	}
	x.tokens = make([]string, len(pastLeaders))
	return e.Refresh(ctx)
}

func (x *past) campaign(ctx context.Context) error {
	form := campaign.Form{BrandID: x.d.brand.ID, Name: pastPoints, FromAt: x.e.Clock.Now().Add(-time.Minute), UntilAt: x.end.Add(9 * 24 * time.Hour), Organiser: demoCompany,
		Rules: "购买本品，扫瓶身二维码即得积分，每个码只能领一次。无需关注公众号。", CapMemberDay: 20}
	var codes int64
	for _, b := range x.shelf {
		form.Scopes, codes = append(form.Scopes, campaign.Scope{BatchID: b.ID, FromSerial: 1, UntilSerial: pastCodes + 1}), codes+pastCodes
	}
	form.Tiers = []campaign.Tier{{Name: "尝鲜积分", Kind: campaign.Points, Winners: codes, Points: 20, Text: "送您 20 积分"}}
	c, err := x.e.Campaigns.Create(ctx, form)
	if err == nil {
		_, err = x.e.Campaigns.Publish(ctx, c.ID, 0)
	}
	return err
}

// deeds are what each of the people did, in no order.
func (x *past) deeds() (all []deed) {
	for i := range pastPeople {
		g := &guest{name: fmt.Sprintf("顾客%03d", i+1), leader: -1, leads: -1, taste: x.pick(7, 3)}
		place := x.places[x.pick(26, 16, 14, 10, 12, 9, 7, 6)]
		g.place, g.ip = place.Place, fmt.Sprintf("%s%d.%d", place.network, 10+i%40, 1+i/2)
		first := x.rnd.Float64() * (pastDays - 0.5)
		switch {
		case i < len(pastLeaders):
			g.name, g.leads, first = pastLeaders[i], i, float64(i)/4
		case x.chance(45):
			g.leader, first = x.pick(5, 3, 2), max(first, 2)
		}
		x.p.sim.AddUser(simulator.User{Name: g.name, City: g.place.City, IP: g.ip, Crowd: true})
		g.openID = x.p.sim.OpenID(g.name, demoOfficial)
		met := x.moment(int(first))
		all = append(all, deed{met, func(ctx context.Context) error { return x.arrives(ctx, g) }})
		all = append(all, x.buys(g, met)...)
	}
	return all
}

// buys are somebody's later days: bottles, orders, the account that he follows and what he
// writes to it.
func (x *past) buys(g *guest, met clock.Instant) (all []deed) {
	left := int(x.end.Sub(met) / (24 * time.Hour))
	later := func() clock.Instant { return max(met.Add(time.Minute), x.moment(pastDays-x.rnd.IntN(left+1))) }
	opens := 1 + x.pick(40, 30, 15, 10, 5)
	for i := range opens {
		at := met.Add(2 * time.Minute)
		if i > 0 {
			at = later()
		}
		all = append(all, deed{at, func(ctx context.Context) error { return x.opens(ctx, g) }})
	}
	if x.chance(40) {
		for range 1 + x.pick(6, 3, 1) {
			all = append(all, deed{later().Add(time.Hour), func(ctx context.Context) error { return x.ordered(ctx, g) }})
		}
	}
	if !x.chance(45) {
		return all
	}
	followed, wrote := met.Add(5*time.Minute), clock.Instant(0)
	all = append(all, deed{followed, func(ctx context.Context) error {
		return x.tells(ctx, g, follow.Message{Type: "event", Event: follow.Subscribe})
	}})
	if x.chance(35) {
		wrote = max(followed.Add(time.Minute), x.end.Add(-time.Duration(x.rnd.IntN(40))*time.Hour))
		all = append(all, deed{wrote, func(ctx context.Context) error {
			return x.tells(ctx, g, follow.Message{Type: "text", Content: "积分怎么用？", MsgID: strconv.Itoa(int(wrote))})
		}})
	}
	all = append(all, deed{followed, func(context.Context) error {
		return x.p.sim.Recall(g.name, demoOfficial, followed.Time(), wrote.Time())
	}})
	return all
}

// moment is some time of a day of the past when people are awake, most at noon and in the
// evening.
func (x *past) moment(day int) clock.Instant {
	hour := 7 + x.pick(1, 2, 3, 3, 5, 8, 6, 4, 3, 3, 4, 7, 9, 10, 7, 3)
	from, _ := clock.DayOf(x.end).AddDays(day - pastDays).Bounds()
	at := from.Add(time.Duration(hour)*time.Hour + time.Duration(x.rnd.IntN(3600))*time.Second)
	if at > x.end.Add(-3*time.Hour) { // today has only so many hours yet
		at = at.Add(-24 * time.Hour)
	}
	return at
}

// chance is true so many times in a hundred.
func (x *past) chance(percent int) bool { return x.rnd.IntN(100) < percent }

// pick is an index by weight.
func (x *past) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := x.rnd.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

// arrives is the first log-in: who brought him, and what he agrees to.
func (x *past) arrives(ctx context.Context, g *guest) error {
	person, err := x.e.Identities.Resolve(ctx, identity.Login{AppID: demoOfficial, OpenID: g.openID})
	if err != nil {
		return err
	}
	m, err := x.e.Members.Of(ctx, person)
	if err != nil {
		return err
	}
	g.member = m.ID
	if err := x.e.loggedIn(ctx, x.app, g.member, consent.H5); err != nil {
		return err
	}
	for purpose, percent := range map[string]int{consent.Profiling: 72, consent.Marketing: 64} {
		if _, err := x.e.Consents.Put(ctx, consent.Consent{MemberID: g.member, Purpose: purpose, Given: x.chance(percent), Channel: consent.H5}); err != nil {
			return err
		}
	}
	if g.leads >= 0 {
		return x.leads(ctx, g)
	}
	if g.leader >= 0 {
		_, err = x.e.Referrals.Bind(ctx, referral.Contact{Token: x.tokens[g.leader], MemberID: g.member, Channel: referral.H5, Consented: true})
	}
	return err
}

// leads makes somebody a leader, with a code of his own.
func (x *past) leads(ctx context.Context, g *guest) error {
	programme, err := x.e.Leaders.Programme(ctx, x.d.brand.ID)
	if err != nil {
		return err
	}
	l, err := x.e.Leaders.Apply(ctx, leader.Application{BrandID: x.d.brand.ID, MemberID: g.member, AgreedVersion: programme.Version,
		Answers: leader.Answers{Name: g.name, Region: g.place.City, Community: "美食交流群", Phone: fmt.Sprintf("1390013%04d", 5201+g.leads)}})
	if err != nil {
		return err
	}
	if _, err := x.e.Leaders.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "演示：资料齐全"}); err != nil {
		return err
	}
	x.led = append(x.led, g.member)
	o, err := x.e.Invites.Mine(ctx, x.d.brand.ID, g.member)
	x.tokens[g.leads] = o.Token
	return err
}

// opens is a bottle: somebody scans its code and claims what it gives.
func (x *past) opens(ctx context.Context, g *guest) error {
	n := g.taste
	if x.chance(20) {
		n = 1 - n
	}
	b := x.shelf[n]
	serial := x.next[n]
	x.next[n]++
	tok, err := x.e.Codes.TokenOf(b.ID, serial)
	if err != nil {
		return err
	}
	c, err := x.e.Codes.Check(ctx, tok)
	if err != nil {
		return err
	}
	look := scan.Observation{BrandID: c.BrandID, ProductID: c.ProductID, BatchID: c.BatchID, Serial: c.Serial, CodeState: c.State,
		MemberID: g.member, Visitor: "demo" + g.member.String(), Place: g.place, IP: g.ip, UserAgent: "MicroMessenger"}
	if x.chance(12) { // he looks, and leaves what he would get
		_, err = x.e.Scans.Record(ctx, look)
		return err
	}
	_, err = x.e.Claims.MakeSeen(ctx, c, claim.Who{MemberID: g.member, AppID: demoOfficial, OpenID: g.openID}, look)
	return err
}

// ordered is an order in the shop, as the shop reports it.
func (x *past) ordered(ctx context.Context, g *guest) error {
	x.orders++
	no, bottles := fmt.Sprintf("D%05d", x.orders), int64(1+x.pick(5, 3, 2))
	fen := bottles * []int64{1290, 990}[g.taste]
	out, err := x.e.Intake.Take(ctx, x.shop, []event.Report{{Key: "order:demo:" + no, Type: event.Order, At: x.e.Clock.Now(),
		Person: []event.PersonKey{{Kind: identity.OpenID, Scope: demoOfficial, Value: g.openID}},
		Body: event.Body(map[string]any{"source": "demo", "order_no": no, "amount_fen": fen,
			"lines": []map[string]any{{"gtin": x.gtins[g.taste], "quantity": bottles, "amount_fen": fen}}})}})
	if err == nil && out[0].Fault != nil {
		err = out[0].Fault
	}
	return err
}

// tells is a push of WeChat about somebody, as it was applied then.
func (x *past) tells(ctx context.Context, g *guest, m follow.Message) error {
	m.AppID, m.OpenID, m.CreatedAt = demoOfficial, g.openID, x.e.Clock.Now().Time().Unix()
	body, err := m.Body()
	if err != nil {
		return err
	}
	return listeners{x.e}.ApplyMessage(ctx, notice.Notice{ID: x.e.DB.NewID(), Source: notice.Official, AccountID: x.app.ID, Body: body, ReceivedAt: x.e.Clock.Now()})
}

// product is what the goods are called.
func (g *demoGoods) product(brandID id.ID) product.Product {
	return product.Product{BrandID: brandID, GTIN: g.gtin, Name: g.name, Spec: g.spec, ScanPoints: 10, PointsPercent: 100}
}
