package fraud_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/referral"
	"siyu/model/seal"
)

const brandID = id.ID(7)

// world is a brand with relations and whoever looks at them.
type world struct {
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clk     *clock.Fake
	people  *identity.Store
	members *member.Store
	tree    *referral.Store
	events  *event.Store
	fraud   *fraud.Store
	n       int
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		box, err := seal.Parse(seal.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, ctx: context.Background(), db: d, clk: clk, people: identity.New(d)}
		w.members = member.New(d, w.people)
		out := outbox.New(d)
		w.events = event.New(d, out)
		w.tree = referral.New(referral.Deps{DB: d, Box: box, Members: w.members, Events: w.events, Outbox: out})
		w.fraud = fraud.New(d, out, w.tree, w.members)
		test(w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// comes is somebody WeChat brings for the first time.
func (w *world) comes() id.ID {
	w.t.Helper()
	w.n++
	// An app of his own: two accounts of one human are never in the same one.
	p, err := w.people.Resolve(w.ctx, identity.Login{AppID: fmt.Sprintf("wx%d", w.n), OpenID: fmt.Sprintf("o%d", w.n)})
	w.must(err)
	m, err := w.members.Of(w.ctx, p)
	w.must(err)
	return m.ID
}

// brings lets a newcomer join by a referrer's code on a device and from an address, and
// looks at it as the consumer does, twice.
func (w *world) brings(referrer id.ID, role, device, address string) referral.Binding {
	w.t.Helper()
	w.clk.Advance(time.Second)
	c, err := w.tree.CodeOf(w.ctx, brandID, referrer, role)
	w.must(err)
	b, err := w.tree.Bind(w.ctx, referral.Contact{BrandID: brandID, Token: w.tree.Token(c), MemberID: w.comes(), Channel: referral.H5, DeviceHash: device, IPHash: address, Consented: true})
	w.must(err)
	w.look(b)
	w.look(b)
	return b
}

// look gives the binding to the consumer as the event it makes.
func (w *world) look(b referral.Binding) {
	w.t.Helper()
	w.must(w.fraud.Consume(w.ctx, []event.Event{{Key: "x", Type: event.Referral, BrandID: b.BrandID, MemberID: b.MemberID, At: b.BoundAt,
		Body: event.Body(map[string]any{"role": "referee", "other_id": b.ReferrerID})}}))
}

func (w *world) cases(state string) []fraud.Case {
	w.t.Helper()
	list, err := w.fraud.List(w.ctx, fraud.Filter{BrandID: brandID, State: state, Limit: 100})
	w.must(err)
	return list
}

// one is the only open case.
func (w *world) one(kind string, people int) fraud.Case {
	w.t.Helper()
	list := w.cases(fraud.Open)
	if len(list) != 1 || list[0].Kind != kind || list[0].People != people || list[0].Evidence.Text == "" {
		w.t.Fatalf("open cases: %+v, want one of %s with %d people", list, kind, people)
	}
	return list[0]
}

func (w *world) held(members ...id.ID) map[id.ID]string {
	w.t.Helper()
	got, err := w.fraud.Held(w.ctx, brandID, members)
	w.must(err)
	return got
}

func TestHonestReferralsMakeNoCase(t *testing.T) {
	each(t, func(w *world) {
		leader := w.comes()
		w.must(w.fraud.Seen(w.ctx, leader, "leader's phone"))
		for i := range 12 {
			w.brings(leader, referral.Leader, fmt.Sprintf("phone %d", i), "home")
		}
		w.brings(leader, referral.Leader, "", "") // a scan that WeChat reported says neither
		if list := w.cases(""); len(list) != 0 {
			t := w.t
			t.Errorf("cases of nothing: %+v", list)
		}
	})
}

func TestManyPeopleOnOneDevice(t *testing.T) {
	each(t, func(w *world) {
		leader, other := w.comes(), w.comes()
		var last referral.Binding
		for range 3 {
			w.brings(leader, referral.Leader, "farm", "")
			w.brings(other, referral.Leader, "another farm", "")
		}
		if list := w.cases(""); len(list) != 0 {
			w.t.Fatalf("three on a device are a family: %+v", list)
		}
		last = w.brings(leader, referral.Leader, "farm", "")
		c := w.one(fraud.Device, 4)
		if c.ReferrerID != leader || c.Evidence.Found != 4 || c.Evidence.Rule != 4 {
			w.t.Errorf("the case: %+v", c)
		}
		next := w.brings(leader, referral.Leader, "farm", "")
		w.one(fraud.Device, 5)
		fine := w.brings(leader, referral.Leader, "own phone", "")
		held := w.held(last.MemberID, next.MemberID, fine.MemberID, leader)
		if len(held) != 2 || held[fine.MemberID] != "" || held[leader] != "" || !strings.Contains(held[last.MemberID], "待核实") {
			w.t.Errorf("held: %v", held)
		}
		if against, err := w.fraud.Against(w.ctx, brandID, []id.ID{leader, other}); err != nil || len(against) != 1 || against[leader] == "" {
			w.t.Errorf("against: %v, %v", against, err)
		}
	})
}

func TestTheReferrersOwnDevice(t *testing.T) {
	each(t, func(w *world) {
		leader, clerk := w.comes(), w.comes()
		w.must(w.fraud.Seen(w.ctx, leader, "L"))
		w.must(w.fraud.Seen(w.ctx, leader, "L"))
		w.must(w.fraud.Seen(w.ctx, clerk, "C"))
		a := w.brings(leader, referral.Leader, "L", "")
		if c := w.one(fraud.OwnDevice, 1); c.ReferrerID != leader || w.held(a.MemberID)[a.MemberID] == "" {
			w.t.Errorf("own device: %+v", c)
		}
		w.brings(clerk, referral.Clerk, "C", "")
		list := w.cases(fraud.Open)
		if len(list) != 2 || list[0].Kind != fraud.ClerkSelf || list[0].ReferrerID != clerk {
			w.t.Errorf("a clerk registers himself: %+v", list)
		}
	})
}

func TestClerkWithTwoPeopleOnOneCounterPhone(t *testing.T) {
	each(t, func(w *world) {
		clerk := w.comes()
		w.brings(clerk, referral.Clerk, "counter", "shop")
		w.brings(clerk, referral.Clerk, "counter", "shop")
		w.one(fraud.ClerkSelf, 2)
	})
}

func TestOneAddressWithinADayAndBursts(t *testing.T) {
	each(t, func(w *world) {
		p := fraud.DefaultPolicy()
		p.AddressPeople, p.BurstPeople, p.BurstMinutes = 5, 7, 10
		_, err := w.fraud.SavePolicy(w.ctx, brandID, p)
		w.must(err)
		if _, err = w.fraud.SavePolicy(w.ctx, brandID, p); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("saved over a version that was not read: %v", err)
		}
		leader := w.comes()
		for range 4 {
			w.brings(leader, referral.Leader, "", "farm")
		}
		w.clk.Advance(25 * time.Hour)
		w.brings(leader, referral.Leader, "", "farm")
		if list := w.cases(""); len(list) != 0 {
			w.t.Fatalf("five in two days: %+v", list)
		}
		for range 4 {
			w.brings(leader, referral.Leader, "", "farm")
		}
		w.one(fraud.Address, 5)
		for range 2 {
			w.brings(leader, referral.Leader, "", "elsewhere")
		}
		list := w.cases(fraud.Open)
		if len(list) != 2 || list[0].Kind != fraud.Burst || list[0].People != 7 {
			w.t.Errorf("seven new accounts in ten minutes: %+v", list)
		}
	})
}

func TestTwoAccountsOfOneHumanMakeARing(t *testing.T) {
	each(t, func(w *world) {
		a := w.comes()
		b := w.brings(a, referral.Leader, "", "").MemberID
		c := w.brings(b, referral.Member, "", "")
		if len(w.cases("")) != 0 {
			w.t.Fatal("a chain is no ring")
		}
		of := func(m id.ID) id.ID {
			x, err := w.members.Get(w.ctx, m)
			w.must(err)
			return x.PersonID
		}
		// The last of the chain turns out to be the first.
		_, err := w.people.Merge(w.ctx, of(a), of(c.MemberID), identity.Evidence{Event: identity.ByOperator, By: 1, Note: "同一人"})
		w.must(err)
		w.must(w.fraud.Regrouped(w.ctx, a))
		w.must(w.fraud.Regrouped(w.ctx, c.MemberID))
		found := w.cases(fraud.Open)
		if len(found) == 0 {
			w.t.Fatal("no ring is seen")
		}
		for _, x := range found {
			if x.Kind != fraud.Ring || len(x.Evidence.Chain) < 2 {
				w.t.Errorf("%+v", x)
			}
		}
		if w.held(c.MemberID)[c.MemberID] == "" {
			w.t.Error("what the ring earns does not wait")
		}
	})
}

func TestACaseIsAboutAHumanWhicheverAccountHeUses(t *testing.T) {
	each(t, func(w *world) {
		leader, other := w.comes(), w.comes()
		var last referral.Binding
		for range 4 {
			last = w.brings(leader, referral.Leader, "farm", "")
		}
		w.one(fraud.Device, 4)
		second := w.comes()
		join := func(a, b id.ID) {
			x, err := w.members.Get(w.ctx, a)
			w.must(err)
			y, err := w.members.Get(w.ctx, b)
			w.must(err)
			_, err = w.people.Merge(w.ctx, x.PersonID, y.PersonID, identity.Evidence{Event: identity.ByOperator, By: 1, Note: "同一人"})
			w.must(err)
		}
		if len(w.held(second)) != 0 {
			w.t.Fatal("held before he is known to be the same")
		}
		join(last.MemberID, second)
		join(leader, other)
		if got := w.held(second, other); got[second] == "" || len(got) != 1 {
			w.t.Errorf("held: %v", got)
		}
		against, err := w.fraud.Against(w.ctx, brandID, []id.ID{other, second})
		if err != nil || against[other] == "" || len(against) != 1 {
			w.t.Errorf("against: %v %v", against, err)
		}
	})
}

func TestADecisionIsFinalAndJudgesWhatWasSeen(t *testing.T) {
	each(t, func(w *world) {
		leader := w.comes()
		var judged []referral.Binding
		for range 4 {
			judged = append(judged, w.brings(leader, referral.Leader, "family", ""))
		}
		c := w.one(fraud.Device, 4)
		if _, err := w.fraud.Decide(w.ctx, c.ID, fraud.Cleared, " ", 3); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("no reason: %v", err)
		}
		if _, err := w.fraud.Decide(w.ctx, c.ID, "maybe", "x", 3); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("no decision: %v", err)
		}
		for range 2 { // the same twice is one
			if got, err := w.fraud.Decide(w.ctx, c.ID, fraud.Cleared, "一家四口，已电话核实", 3); err != nil || got.State != fraud.Cleared || got.DecidedBy != 3 {
				w.t.Fatalf("%+v, %v", got, err)
			}
		}
		if _, err := w.fraud.Decide(w.ctx, c.ID, fraud.Confirmed, "又看了看", 4); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("decided twice: %v", err)
		}
		w.look(judged[3])
		if len(w.cases(fraud.Open)) != 0 || len(w.held(judged[0].MemberID)) != 0 {
			w.t.Error("a cleared case comes back by itself")
		}
		for range 3 {
			w.brings(leader, referral.Leader, "family", "")
		}
		if len(w.cases(fraud.Open)) != 0 {
			w.t.Error("three more are three, not seven")
		}
		w.brings(leader, referral.Leader, "family", "")
		again := w.one(fraud.Device, 4)

		var told []fraud.Suspect
		w.fraud.OnConfirm(func(_ context.Context, x fraud.Case, people []fraud.Suspect) error {
			if x.ID != again.ID {
				w.t.Errorf("told of %+v", x)
			}
			told = append(told, people...)
			return nil
		})
		w.must(w.fraud.Settle(w.ctx, again.ID)) // nobody decided yet
		if len(told) != 0 {
			w.t.Error("taken back before the decision")
		}
		_, err := w.fraud.Decide(w.ctx, again.ID, fraud.Confirmed, "工作室", 3)
		w.must(err)
		rows, err := outbox.New(w.db).Due(w.ctx, 1000)
		w.must(err)
		woken := false
		for _, r := range rows {
			woken = woken || r.Task == fraud.Task && r.RefID == again.ID
		}
		w.must(w.fraud.Settle(w.ctx, again.ID))
		if !woken || len(told) != 4 {
			w.t.Errorf("woken %v, told of %d", woken, len(told))
		}
		if got := w.held(told[0].MemberID)[told[0].MemberID]; !strings.Contains(got, "属实") {
			w.t.Errorf("held: %q", got)
		}
		next := w.brings(leader, referral.Leader, "family", "")
		if c := w.one(fraud.Device, 1); w.held(next.MemberID)[next.MemberID] == "" || c.ID == again.ID {
			w.t.Errorf("who comes to a proven farm: %+v", c)
		}
	})
}

func TestManyAtOnceOpenOneCase(t *testing.T) {
	each(t, func(w *world) {
		leader := w.comes()
		var list []referral.Binding
		c, err := w.tree.CodeOf(w.ctx, brandID, leader, referral.Leader)
		w.must(err)
		for range 10 {
			b, err := w.tree.Bind(w.ctx, referral.Contact{BrandID: brandID, Token: w.tree.Token(c), MemberID: w.comes(), Channel: referral.H5, DeviceHash: "farm"})
			w.must(err)
			list = append(list, b)
		}
		var wg sync.WaitGroup
		for _, b := range list {
			for range 2 {
				wg.Go(func() {
					if err := w.fraud.Look(w.ctx, b); err != nil {
						w.t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		for _, b := range list { // whoever looked before the last trace was there, looks again: delivery is at least once
			w.must(w.fraud.Look(w.ctx, b))
		}
		w.one(fraud.Device, 10)
	})
}
