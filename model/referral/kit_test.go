package referral

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/seal"
)

const brand id.ID = 77

var ctx = context.Background()

// town is a store with members to bind.
type town struct {
	*Store
	t      *testing.T
	clk    *clock.Fake
	people *identity.Store
}

func newTown(t *testing.T, d *db.DB, clk *clock.Fake) *town {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	out, people := outbox.New(d), identity.New(d)
	s := New(Deps{DB: d, Box: box, Members: member.New(d, people), Events: event.New(d, out), Outbox: out})
	return &town{Store: s, t: t, clk: clk, people: people}
}

// person makes a member who is new now.
func (w *town) person() id.ID {
	w.t.Helper()
	n := w.DB.NewID().String()
	p, err := w.people.Resolve(ctx, identity.Login{AppID: "wx" + n, OpenID: "o" + n, UnionID: "u" + n})
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := w.Members.Of(ctx, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.ID
}

func (w *town) persons(n int) []id.ID {
	out := make([]id.ID, n)
	for i := range out {
		out[i] = w.person()
	}
	return out
}

func (w *town) exec(stmt string, args ...any) {
	w.t.Helper()
	if err := w.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) token(referrer id.ID) string {
	w.t.Helper()
	c, err := w.CodeOf(ctx, brand, referrer, Member)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Token(c)
}

func (w *town) try(referee, referrer id.ID) (Binding, error) {
	w.t.Helper()
	return w.Bind(ctx, Contact{BrandID: brand, Token: w.token(referrer), MemberID: referee, Channel: H5})
}

func (w *town) bind(referee, referrer id.ID) Binding {
	w.t.Helper()
	b, err := w.try(referee, referrer)
	if err != nil {
		w.t.Fatalf("%d under %d: %v", referee, referrer, err)
	}
	return b
}

func (w *town) refused(err error, code string) {
	w.t.Helper()
	if err == nil || fault.Of(err).Code != code {
		w.t.Errorf("%v, want %s", err, code)
	}
}

// policy saves rules.
func (w *town) policy(change func(p *Policy)) {
	w.t.Helper()
	p, err := w.Policy(ctx, brand)
	if err != nil {
		w.t.Fatal(err)
	}
	change(&p)
	if _, err := w.SavePolicy(ctx, p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) node(m id.ID) Node {
	w.t.Helper()
	n, err := w.Node(ctx, brand, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// forest walks the pointers to parents of all nodes, knowing nothing of paths, and
// returns what is wrong with the trees: rings, places, counters.
func (w *town) wrong() []string {
	w.t.Helper()
	var list []*Node
	if err := w.DB.Read(ctx).Where("brand_id = ?", brand).Find(&list).Error; err != nil {
		w.t.Fatal(err)
	}
	var wrong []string
	by, want := map[id.ID]*Node{}, map[id.ID]*Node{}
	for _, n := range list {
		by[n.MemberID], want[n.MemberID] = n, &Node{Levels: 1}
	}
	for _, n := range list {
		depth, path := 0, n.Path[max(0, len(n.Path)-elementSize):]
		passed := map[id.ID]bool{n.MemberID: true}
		for up := n; up.ParentID != 0; depth++ {
			p := by[up.ParentID]
			if p == nil || passed[p.MemberID] {
				wrong = append(wrong, fmt.Sprintf("%d: a ring, or nobody, above", n.MemberID))
				return wrong
			}
			passed[p.MemberID] = true
			c := want[p.MemberID]
			if up == n {
				c.Direct++
			}
			c.TeamSize++
			c.Levels = max(c.Levels, depth+2)
			if n.Live {
				c.Active++
			}
			c.TeamScans, c.TeamClaims, c.TeamOrders, c.TeamSalesFen = c.TeamScans+n.OwnScans, c.TeamClaims+n.OwnClaims, c.TeamOrders+n.OwnOrders, c.TeamSalesFen+n.OwnSalesFen
			path = p.Path[max(0, len(p.Path)-elementSize):] + path
			up = p
		}
		if n.Depth != depth || n.Path[elementSize:] != path {
			wrong = append(wrong, fmt.Sprintf("%d: depth %d path %s, want %d %s", n.MemberID, n.Depth, n.Path, depth, path))
		}
	}
	for _, n := range list {
		c := want[n.MemberID]
		got := []int64{n.Direct, n.TeamSize, n.Active, n.TeamScans, n.TeamClaims, n.TeamOrders, int64(n.TeamSalesFen)}
		is := []int64{c.Direct, c.TeamSize, c.Active, c.TeamScans, c.TeamClaims, c.TeamOrders, int64(c.TeamSalesFen)}
		if fmt.Sprint(got) != fmt.Sprint(is) || n.Levels < c.Levels {
			wrong = append(wrong, fmt.Sprintf("%d: counters %v levels %d, want %v %d", n.MemberID, got, n.Levels, is, c.Levels))
		}
	}
	sort.Strings(wrong)
	return wrong
}

// sound fails when the trees are wrong, or when a node's parent is not its referrer.
func (w *town) sound() {
	w.t.Helper()
	if wrong := w.wrong(); len(wrong) > 0 {
		w.t.Errorf("%d nodes are wrong:\n%s", len(wrong), strings.Join(wrong[:min(len(wrong), 10)], "\n"))
	}
	var n int64
	err := w.DB.Read(ctx).Raw(`SELECT COUNT(*) FROM referral_node n LEFT JOIN referral_binding b ON b.brand_id = n.brand_id AND b.member_id = n.member_id AND b.slot = 0
		WHERE n.brand_id = ? AND n.parent_id <> COALESCE(b.referrer_id, 0)`, brand).Scan(&n).Error
	if err != nil || n != 0 {
		w.t.Errorf("%d nodes stand where no binding puts them (%v)", n, err)
	}
}

// act makes an event of a member.
func act(key, typ string, who id.ID, at clock.Instant, fen money.Fen) event.Event {
	body := map[string]any{}
	if typ == event.Order {
		body = map[string]any{"source": "tmall", "order_no": key, "amount_fen": fen, "lines": []any{}}
		if fen < 0 {
			body["refund_no"] = "r"
		}
	}
	return event.Event{Key: key, Type: typ, BrandID: brand, MemberID: who, Channel: event.Open, At: at, Body: event.Body(body)}
}
