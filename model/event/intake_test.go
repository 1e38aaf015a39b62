package event

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/seal"
)

// office takes reports, with the real graph, members and phone book.
type office struct {
	t       *testing.T
	d       *db.DB
	in      *Intake
	people  *identity.Store
	members *member.Store
	book    *phone.Book
	key     apikey.Key
}

func newOffice(t *testing.T, d *db.DB) *office {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, d: d, people: identity.New(d), book: phone.New(d, box)}
	o.members = member.New(d, o.people)
	keys := apikey.New(d, box)
	o.in = NewIntake(IntakeDeps{Events: New(d, outbox.New(d)), People: o.people, Members: o.members, Phones: o.book, Keys: keys, Box: box})
	if o.key, _, err = keys.Create(context.Background(), apikey.Draft{BrandID: 5, Name: "天猫", Permissions: []string{apikey.EventsWrite, apikey.OrdersWrite}, PersonKinds: []string{"phone", "crm:tmall"}}); err != nil {
		t.Fatal(err)
	}
	return o
}

// member logs somebody in, so that WeChat's ids name him.
func (o *office) member(openID string) id.ID {
	o.t.Helper()
	p, err := o.people.Resolve(context.Background(), identity.Login{AppID: "wx1", OpenID: openID})
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := o.members.Of(context.Background(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return m.ID
}

func review(key string, at clock.Instant, person ...PersonKey) Report {
	return Report{Key: key, Type: Review, At: at, Person: person, Body: json.RawMessage(`{"stars":5}`)}
}

func (o *office) take(want string, reports ...Report) []Outcome {
	o.t.Helper()
	out, err := o.in.Take(context.Background(), o.key, reports)
	if err != nil {
		o.t.Fatal(err)
	}
	var got []string
	for _, x := range out {
		s := x.Status
		if x.Fault != nil {
			s += "/" + x.Fault.Code
		}
		got = append(got, s)
	}
	if strings.Join(got, " ") != want {
		o.t.Fatalf("%s\nwant %s", strings.Join(got, " "), want)
	}
	return out
}

func (o *office) owner(key string) id.ID {
	o.t.Helper()
	e, err := o.in.s.Get(context.Background(), KeyOf(5, key))
	if err != nil {
		o.t.Fatal(err)
	}
	return e.MemberID
}

func openID(v string) PersonKey { return PersonKey{Kind: "openid", Scope: "wx1", Value: v} }

const number = "13800138000"

func TestIntake(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o, now := newOffice(t, d), clk.Now()
		ann, ben := o.member("ann"), o.member("ben")
		phoneOf := func(n string) PersonKey { return PersonKey{Kind: "phone", Value: n} }
		crm := func(scope, v string) PersonKey { return PersonKey{Kind: "crm", Scope: scope, Value: v} }
		t.Run("a report about somebody known is his, and again it is a duplicate", func(t *testing.T) {
			o.take("stored stored", review("1", now, openID("ann")), review("2", now, crm("jd", "unknown"), openID("ben")))
			o.take("duplicate duplicate", review("1", now, openID("ann")), review("2", now, openID("ben")))
			if o.owner("1") != ann || o.owner("2") != ben {
				t.Error(o.owner("1"), o.owner("2"))
			}
		})
		t.Run("a new person becomes a member under a declared kind, once", func(t *testing.T) {
			o.take("stored stored stored", review("3", now, phoneOf(number)), review("4", now, phoneOf("+86 138 0013 8000")), review("5", now, crm("jd", "77"), crm("tmall", "77")))
			if o.owner("3") != o.owner("4") || o.owner("3") == o.owner("5") {
				t.Error("members:", o.owner("3"), o.owner("4"), o.owner("5"))
			}
			// The second key did not become his: an order is no evidence for that.
			o.take("dead/person_unknown", review("6", now, crm("jd", "77")))
		})
		t.Run("one bad report holds up no other", func(t *testing.T) {
			future, noOrder := review("8", now.Add(time.Hour), openID("ann")), review("9", now, openID("ann"))
			noOrder.Type = "claim"
			badBody := review("10", now, openID("ann"))
			badBody.Body = json.RawMessage(`{"stars":9}`)
			o.take("stored dead/event_invalid dead/event_invalid dead/event_invalid dead/person_ambiguous rejected/event_invalid rejected/event_invalid rejected/event_invalid stored",
				review("7", now, openID("ann")), future, noOrder, badBody, review("11", now, openID("ann"), openID("ben")), review("no key", now, openID("ann")),
				review("12", now), review("13", now, phoneOf("138")), review("14", now, openID("ben")))
		})
		t.Run("a shared key names nobody", func(t *testing.T) {
			if _, err := o.people.Block(context.Background(), identity.Key{Kind: "phone", Value: o.book.Hash(mustParse(t, "13900139000"))}, 1, "前台电话"); err != nil {
				t.Fatal(err)
			}
			o.take("dead/person_shared", review("15", now, phoneOf("13900139000")))
		})
		t.Run("a key without the permission reports nothing and leaves nothing", func(t *testing.T) {
			weak := o.key
			weak.Permissions = []string{apikey.OrdersWrite}
			dead := count(t, d, "event_dead")
			out, err := o.in.Take(context.Background(), weak, []Report{review("16", now, openID("ann"))})
			if err != nil || out[0].Status != Rejected || out[0].Fault.Code != "no_permission" || count(t, d, "event_dead") != dead {
				t.Error(out, err)
			}
		})
		t.Run("no number is kept in clear, in no table", func(t *testing.T) {
			o.take("dead/person_unknown", Report{Key: "17", Type: Review, At: now, Person: []PersonKey{crm("jd", "x"), openID("zoe")}, Body: json.RawMessage(`{"stars":1}`)})
			for _, table := range []string{"event", "event_dead", "identity_key", "identity_edge", "event_batch"} {
				var rows []map[string]any
				if err := d.Read(context.Background()).Table(table).Find(&rows).Error; err != nil {
					t.Fatal(err)
				}
				if strings.Contains(fmt.Sprintf("%s", rows), "0013800") {
					t.Error("in", table)
				}
			}
		})
		t.Run("too many at once", func(t *testing.T) {
			if _, err := o.in.Take(context.Background(), o.key, make([]Report, Most+1)); fault.Of(err).Code != "too_many" {
				t.Error(err)
			}
		})
	})
}

func mustParse(t *testing.T, text string) phone.Number {
	t.Helper()
	n, err := phone.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeadLetters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o, now := newOffice(t, d), clk.Now()
		ann := o.member("ann")
		letters := func(state string) []DeadLetter {
			t.Helper()
			list, err := o.in.Letters(ctx, 5, state, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		o.take("dead/person_unknown", review("1", now, openID("late")))
		first := letters(Waiting)[0]
		t.Run("its content is shown masked", func(t *testing.T) {
			l, err := o.in.Letter(ctx, first.ID)
			if err != nil || l.EventKey != "1" || l.Code != "person_unknown" || l.Content.Person[0].Value != "****" && !strings.Contains(l.Content.Person[0].Value, "****") || string(l.Content.Body) != `{"stars":5}` {
				t.Errorf("%+v %+v %v", l, l.Content, err)
			}
			o.take("dead/event_invalid", Report{Key: "n", Type: Review, At: now, Person: []PersonKey{{Kind: "phone", Value: number}}, Body: json.RawMessage(`{"sta`)})
			l, err = o.in.Letter(ctx, letters(Waiting)[0].ID)
			if err != nil || strings.Contains(fmt.Sprint(l.Content.Person), "138") || string(l.Content.Body) != `"{\"sta"` {
				t.Errorf("%+v %v", l.Content, err)
			}
			if _, err := o.in.Discard(ctx, l.ID); err != nil {
				t.Error(err)
			}
		})
		t.Run("sent again it is the same letter", func(t *testing.T) {
			wrong := review("1", now.Add(time.Hour), openID("late"))
			o.take("dead/event_invalid", wrong)
			if list := letters(Waiting); len(list) != 1 || list[0].ID != first.ID || list[0].Code != "event_invalid" {
				t.Errorf("%+v", list)
			}
			o.take("dead/person_unknown", review("1", now, openID("late")))
		})
		t.Run("replayed too early it waits on; when the person is known it is stored, once", func(t *testing.T) {
			if _, err := o.in.Replay(ctx, first.ID, Correction{}); fault.Of(err).Code != "person_unknown" {
				t.Fatal(err)
			}
			late := o.member("late")
			for range 2 {
				if l, err := o.in.Replay(ctx, first.ID, Correction{}); err != nil || l.State != Replayed {
					t.Fatalf("%+v %v", l, err)
				}
			}
			if o.owner("1") != late || count(t, d, "event") != 1 {
				t.Error("not his, or twice")
			}
			if _, err := o.in.Discard(ctx, first.ID); fault.Of(err).Code != "letter_replayed" {
				t.Error(err)
			}
		})
		t.Run("an operator corrects it", func(t *testing.T) {
			o.take("dead/event_invalid", Report{Key: "2", Type: "rating", At: now.Add(time.Hour), Person: []PersonKey{{Kind: "crm", Scope: "jd", Value: "9"}}, Body: json.RawMessage(`{"stars":9}`)})
			l := letters(Waiting)[0]
			for _, c := range []struct {
				fix  Correction
				want string
			}{{Correction{Type: Review}, "event_invalid"}, {Correction{Type: Review, At: now, MemberID: 12345}, "member_not_found"},
				{Correction{Type: Review, At: now, MemberID: ann}, "event_invalid"}, {Correction{Type: Review, At: now, MemberID: ann, Body: json.RawMessage(`{"stars":4}`)}, ""}} {
				_, err := o.in.Replay(ctx, l.ID, c.fix)
				if got := fault.Of(err); (c.want == "") != (err == nil) || err != nil && got.Code != c.want {
					t.Fatalf("%+v: %v", c.fix, err)
				}
			}
			if o.owner("2") != ann {
				t.Error(o.owner("2"))
			}
		})
		t.Run("a discarded one stays so", func(t *testing.T) {
			o.take("dead/person_unknown", review("3", now, openID("nobody")))
			l := letters(Waiting)[0]
			for range 2 {
				if got, err := o.in.Discard(ctx, l.ID); err != nil || got.State != Discarded {
					t.Fatal(got, err)
				}
			}
			if _, err := o.in.Replay(ctx, l.ID, Correction{}); fault.Of(err).Code != "letter_discarded" {
				t.Error(err)
			}
			o.take("dead/person_unknown", review("3", now, openID("nobody")))
			if n := len(letters(Waiting)); n != 0 {
				t.Errorf("%d wait", n)
			}
		})
		t.Run("old ones are pruned", func(t *testing.T) {
			if n, err := o.in.Prune(ctx, clk.Now().Add(time.Millisecond), 3); err != nil || n != 3 {
				t.Fatal(n, err)
			}
			if n, err := o.in.Prune(ctx, clk.Now().Add(time.Millisecond), 3); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			if _, err := o.in.Letter(ctx, first.ID); fault.Of(err).Code != "letter_not_found" {
				t.Error(err)
			}
		})
	})
}
