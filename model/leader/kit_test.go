package leader

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/phone"
	"siyu/model/seal"
)

var ctx = context.Background()

const (
	brandA id.ID = 71
	ops    id.ID = 901 // operators
	boss   id.ID = 902
)

// world is leaders over real members.
type world struct {
	*Store
	t        *testing.T
	clk      *clock.Fake
	people   *identity.Store
	members  *member.Store
	consents *consent.Store
	persons  map[id.ID]id.ID // of members
	brought  map[id.ID]id.ID // referee -> referrer
	deepened []id.ID
	n        int
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clk: clk, people: identity.New(d), consents: consent.New(d), persons: map[id.ID]id.ID{}, brought: map[id.ID]id.ID{}}
	w.members = member.New(d, w.people)
	w.Store = New(Deps{DB: d, Phones: phone.New(d, box), Members: w.members, Consents: w.consents,
		ReferrerOf: func(_ context.Context, _, memberID id.ID, _ clock.Instant) (id.ID, error) {
			return w.brought[memberID], nil
		},
		Deepen: func(_ context.Context, _ *gorm.DB, memberID id.ID, _ string, _ clock.Instant) error {
			w.deepened = append(w.deepened, memberID)
			return nil
		}})
	return w
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, newWorld(t, d, clk)) })
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused fails unless err is the fault with a code.
func (w *world) refused(err error, code string) *fault.Fault {
	w.t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code {
		w.t.Fatalf("want %s, got %v", code, err)
	}
	return f
}

// member logs a new human in.
func (w *world) member() id.ID {
	w.t.Helper()
	w.n++
	p, err := w.people.Resolve(ctx, identity.Login{AppID: fmt.Sprintf("wx%d", w.n), OpenID: fmt.Sprintf("o%d", w.n), UnionID: fmt.Sprintf("u%d", w.n)})
	w.must(err)
	m, err := w.members.Of(ctx, p)
	w.must(err)
	w.persons[m.ID] = p
	return m.ID
}

func (w *world) merge(a, b id.ID) {
	w.t.Helper()
	_, err := w.people.SaveKind(ctx, identity.Kind{Kind: identity.UnionID, Most: 50})
	w.must(err)
	_, err = w.people.Merge(ctx, w.persons[a], w.persons[b], identity.Evidence{Event: identity.ByOperator, By: 1, Note: "同一人"})
	w.must(err)
}

func (w *world) agree(m id.ID) {
	w.t.Helper()
	_, err := w.consents.Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Profiling, Given: true, Channel: consent.H5})
	w.must(err)
}

const agreementText = "群主应如实介绍商品，不得收取入门费，不得发展下线计酬。"

// open publishes an agreement and a programme with three levels.
func (w *world) open(change ...func(p *Programme)) Programme {
	w.t.Helper()
	_, err := w.Publish(ctx, brandA, agreementText, boss)
	w.must(err)
	p, err := w.Programme(ctx, brandA)
	w.must(err)
	p.Open, p.ReapplyDays = true, 30
	p.Questions = []Question{{AskRegion, "所在城市", true}, {AskCommunity, "介绍您的社群", false}, {AskPhone, "手机号", false}}
	p.Levels = []Level{{Name: "见习群主", Groups: 1},
		{Name: "正式群主", Groups: 3, Templates: true, Conditions: []Condition{{Buyers, 2, 30}}},
		{Name: "金牌群主", Groups: 9, Templates: true, Conditions: []Condition{{Buyers, 3, 30}, {RetentionBP, 5000, 30}}}}
	p.Candidates = Rules{Conditions: []Condition{{OwnClaims, 2, 30}, {Buyers, 1, 30}}, AgainDays: 60}
	for _, c := range change {
		c(&p)
	}
	p, err = w.Save(ctx, p, boss)
	w.must(err)
	return p
}

func (w *world) application(m id.ID) Application {
	return Application{BrandID: brandA, MemberID: m, Answers: Answers{Name: "老王", Region: "杭州", Community: "小区吃货群"}}
}

func (w *world) apply(m id.ID) Leader {
	w.t.Helper()
	l, err := w.Apply(ctx, w.application(m))
	w.must(err)
	return l
}

// lead makes an active leader of a member.
func (w *world) lead(m id.ID) Leader {
	w.t.Helper()
	l := w.apply(m)
	_, err := w.Approve(ctx, Decision{LeaderID: l.ID, By: ops})
	w.must(err)
	a, err := w.Agreement(ctx, brandA)
	w.must(err)
	l, err = w.Sign(ctx, brandA, m, a.Version, "iphash")
	w.must(err)
	if l.State != Active {
		w.t.Fatalf("a signed leader is %s", l.State)
	}
	return l
}

func (w *world) claim(m id.ID) {
	w.t.Helper()
	w.n++
	w.must(w.Consume(ctx, []event.Event{{Key: fmt.Sprintf("claim:%d", w.n), Type: event.Claim, BrandID: brandA, MemberID: m, At: w.clk.Now(), Body: []byte("{}")}}))
}

func (w *world) order(m id.ID, no, refundNo string, fen money.Fen) {
	w.t.Helper()
	b, err := json.Marshal(event.OrderBody{Source: "tmall", OrderNo: no, RefundNo: refundNo, AmountFen: fen})
	w.must(err)
	w.must(w.Consume(ctx, []event.Event{{Key: "order:" + no + ":" + refundNo, Type: event.Order, BrandID: brandA, MemberID: m, At: w.clk.Now(), Body: b}}))
}

func (w *world) states(l Leader) (out []string) {
	w.t.Helper()
	list, err := w.History(ctx, l.ID)
	w.must(err)
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i].ToState)
	}
	return out
}
