package member_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
)

// world is people with accounts in several apps, and beside them a model that knows
// what each account did and which pairs are merged, and nothing else.
type world struct {
	*testing.T
	d        *db.DB
	clk      *clock.Fake
	people   *identity.Store
	members  *member.Store
	consents *consent.Store
	book     *ledger.Ledger

	persons []id.ID
	who     []id.ID // the member of each
	keys    []map[string]bool
	phones  []int
	answers []answer
	points  []int64
	merges  map[id.ID][2]int // that stand
	done    int
}

type answer struct {
	given bool
	at    clock.Instant
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake, n int) *world {
	people := identity.New(d)
	w := &world{T: t, d: d, clk: clk, people: people, members: member.New(d, people), consents: consent.New(d), book: ledger.New(d), merges: map[id.ID][2]int{}}
	// People with several WeChat accounts: without this no two of them could be one.
	if _, err := people.SaveKind(context.Background(), identity.Kind{Kind: identity.UnionID, Most: 50}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		clk.Advance(time.Second)
		p := w.login(fmt.Sprintf("wx%d", i), i)
		m, err := w.members.Of(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		w.persons, w.who = append(w.persons, p), append(w.who, m.ID)
		w.keys = append(w.keys, map[string]bool{fmt.Sprintf("openid wx%d o%d", i, i): true, fmt.Sprintf("unionid  u%d", i): true})
		w.phones, w.answers, w.points = append(w.phones, 0), append(w.answers, answer{}), append(w.points, 0)
	}
	return w
}

func (w *world) login(app string, i int) id.ID {
	p, err := w.people.Resolve(context.Background(), identity.Login{AppID: app, OpenID: fmt.Sprintf("o%d", i), UnionID: fmt.Sprintf("u%d", i)})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// roots is the model's word on who is who: the lowest index of each component.
func (w *world) roots() []int {
	root := make([]int, len(w.persons))
	for i := range root {
		root[i] = i
	}
	for changed := true; changed; { // naive on purpose: it shares nothing with what it checks
		changed = false
		for _, m := range w.merges {
			low := min(root[m[0]], root[m[1]])
			for _, i := range m {
				if root[i] != low {
					root[i], changed = low, true
				}
			}
		}
	}
	return root
}

func (w *world) family(i int) (out []int) {
	root := w.roots()
	for j := range root {
		if root[j] == root[i] {
			out = append(out, j)
		}
	}
	return out
}

func (w *world) phonesOf(list ...int) (n int) {
	for _, i := range list {
		n += w.phones[i]
	}
	return n
}

// act does one random thing, in the world and in the model.
func (w *world) act(r *rand.Rand) {
	ctx := context.Background()
	w.clk.Advance(time.Second)
	w.done++
	i, j := r.IntN(len(w.persons)), r.IntN(len(w.persons))
	switch r.IntN(7) {
	case 0: // a login, sometimes in an app that never saw him
		app := fmt.Sprintf("wx%d", i)
		if r.IntN(2) == 0 {
			app = fmt.Sprintf("other%d", w.done)
		}
		if got := w.login(app, i); got != w.persons[i] {
			w.Fatalf("login of %d is %d", w.persons[i], got)
		}
		w.keys[i][fmt.Sprintf("openid %s o%d", app, i)] = true
	case 1: // a phone of his own
		value := fmt.Sprintf("phone%038d", w.done)
		_, err := w.people.Link(ctx, w.persons[i], identity.Key{Kind: identity.Phone, Value: value}, identity.Evidence{Event: identity.PhoneVerified, ConsentID: 1})
		if full := w.phonesOf(w.family(i)...) >= 2; full != (err != nil) {
			w.Fatalf("phone of %d, %d in the family: %v", i, w.phonesOf(w.family(i)...), err)
		} else if !full {
			w.phones[i]++
			w.keys[i]["phone  "+value] = true
		}
	case 2:
		c, err := w.consents.Put(ctx, consent.Consent{MemberID: w.who[i], Purpose: consent.Marketing, Given: r.IntN(2) == 0, Channel: consent.H5})
		if err != nil {
			w.Fatal(err)
		}
		w.answers[i] = answer{c.Given, c.At}
	case 3:
		n := 1 + r.Int64N(100)
		err := w.d.InTx(ctx, func(tx *gorm.DB) error {
			return w.book.PostTx(ctx, tx, ledger.Entry{Key: fmt.Sprintf("test:%d", w.done), Unit: ledger.Points, Debit: ledger.Account{Kind: ledger.Issue, Owner: 1},
				Credit: ledger.Account{Kind: ledger.Member, Owner: w.who[i]}, Amount: n, Memo: "测试"})
		})
		if err != nil {
			w.Fatal(err)
		}
		w.points[i] += n
	case 4, 5:
		w.merge(i, j)
	case 6:
		w.unmerge(r)
	}
}

func (w *world) merge(i, j int) {
	a, b := w.family(i), w.family(j)
	want := ""
	switch {
	case slices.Contains(a, j):
		want = "already_one"
	default: // of all kinds only phones can be too many here
		if w.phonesOf(a...)+w.phonesOf(b...) > 2 {
			want = "identity_full"
		}
	}
	m, err := w.people.Merge(context.Background(), w.persons[i], w.persons[j], identity.Evidence{Event: identity.ByOperator, By: 1, Note: "x"})
	if got := fault.Of(err); err == nil && want != "" || err != nil && got.Code != want {
		w.Fatalf("merge %d %d: %v, want %q", i, j, err, want)
	}
	if err == nil {
		w.merges[m.ID] = [2]int{i, j}
	}
}

func (w *world) unmerge(r *rand.Rand) {
	list := slices.Sorted(maps.Keys(w.merges))
	if len(list) == 0 {
		return
	}
	m := list[r.IntN(len(list))]
	if _, err := w.people.Unmerge(context.Background(), m, 1, "x"); err != nil {
		w.Fatal(err)
	}
	delete(w.merges, m)
}

// check compares all that the world says with the model.
func (w *world) check() {
	w.Helper()
	ctx := context.Background()
	root := w.roots()
	standing, err := w.members.Standing(ctx, w.who)
	if err != nil {
		w.Fatal(err)
	}
	for i := range w.persons {
		var want []id.ID
		var sum int64
		given := answer{}
		for _, j := range w.family(i) {
			want = append(want, w.who[j])
			sum += w.points[j]
			if w.answers[j].at > given.at {
				given = w.answers[j]
			}
		}
		got, err := w.members.Family(ctx, w.who[i])
		if err != nil || got[0] != w.who[root[i]] || standing[w.who[i]].Root != got[0] {
			w.Fatalf("after %d acts: root of %d is %v (%v), want %d %v", w.done, i, got, standing[w.who[i]], root[i], err)
		}
		if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			w.Fatalf("after %d acts: family of %d is %v, want %v", w.done, i, got, want)
		}
		if ok, err := w.consents.Given(ctx, w.who[i], consent.Marketing); err != nil || ok != given.given {
			w.Fatalf("after %d acts: consent of %d: %v %v", w.done, i, ok, err)
		}
		var has int64
		for _, m := range got {
			n, err := w.book.Balance(ctx, ledger.Points, ledger.Account{Kind: ledger.Member, Owner: m})
			if err != nil {
				w.Fatal(err)
			}
			has += n
		}
		if has != sum {
			w.Fatalf("after %d acts: points of %d: %d, want %d", w.done, i, has, sum)
		}
	}
}

// atoms compares each account by itself with what it did: as if nobody had ever been
// merged.
func (w *world) atoms() {
	w.Helper()
	ctx := context.Background()
	for i, p := range w.persons {
		keys, err := w.people.Keys(ctx, p)
		got := map[string]bool{}
		for _, k := range keys {
			got[k.Kind+" "+k.Scope+" "+k.Value] = true
		}
		if err != nil || !maps.Equal(got, w.keys[i]) {
			w.Fatalf("keys of %d: %v, want %v %v", i, got, w.keys[i], err)
		}
		if f, err := w.people.Family(ctx, p); err != nil || len(f) != 1 {
			w.Fatalf("family of %d: %v %v", i, f, err)
		}
	}
	var pointers int64
	if err := w.d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM person WHERE root_id <> 0) + (SELECT COUNT(*) FROM member WHERE root_id <> 0) + (SELECT COUNT(*) FROM member) - ?", len(w.who)).Scan(&pointers).Error; err != nil || pointers != 0 {
		w.Fatal(pointers, err)
	}
}

// TestMergeThenUnmergeIsNeverMerged walks at random through logins, phones, consents,
// points, merges and their undoing. At every step families, consents, balances and
// maxima are what a naive union-find over the standing merges says; and when the last
// merge is undone, in whatever order, every account is as if none had ever been made.
func TestMergeThenUnmergeIsNeverMerged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
				for _, table := range []string{"person", "member", "identity_key", "consent", "ledger_entry"} {
					if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec("DELETE FROM " + table).Error }); err != nil {
						t.Fatal(err)
					}
				}
				r := rand.New(rand.NewPCG(seed, 7))
				w := newWorld(t, d, clk, 7)
				for range 60 {
					w.act(r)
					w.check()
				}
				for len(w.merges) > 0 {
					w.unmerge(r)
					w.check()
				}
				w.atoms()
			})
		}
	})
}

func TestStanding(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk, 4)
		w.merge(0, 1)
		w.merge(1, 2)
		for _, c := range []struct {
			blocked int
			want    []bool
		}{{0, []bool{true, true, true, false}}, {2, []bool{true, true, true, false}}, {3, []bool{false, false, false, true}}} {
			if _, err := w.members.Block(ctx, w.who[c.blocked]); err != nil {
				t.Fatal(err)
			}
			got, err := w.members.Standing(ctx, append(slices.Clone(w.who), 404))
			if err != nil || len(got) != 4 {
				t.Fatal(got, err)
			}
			for i, want := range c.want {
				if got[w.who[i]].Blocked != want {
					t.Errorf("%d blocked: %d %v", c.blocked, i, got[w.who[i]])
				}
			}
			if _, err := w.members.Unblock(ctx, w.who[c.blocked]); err != nil {
				t.Fatal(err)
			}
		}
		t.Run("a question has an end", func(t *testing.T) {
			if _, err := w.members.Standing(ctx, make([]id.ID, member.StandingMost+1)); err == nil {
				t.Fatal("no end")
			}
		})
		t.Run("who was merged before he had a member stands with the others", func(t *testing.T) {
			clk.Advance(time.Second)
			late := w.login("late", 99)
			if _, err := w.people.Merge(ctx, w.persons[3], late, identity.Evidence{Event: identity.ByOperator, By: 1, Note: "x"}); err != nil {
				t.Fatal(err)
			}
			m, err := w.members.Of(ctx, late)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := w.members.Family(ctx, m.ID); err != nil || !slices.Equal(f, []id.ID{w.who[3], m.ID}) {
				t.Fatal(f, err)
			}
		})
	})
}
