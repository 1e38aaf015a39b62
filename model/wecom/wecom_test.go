package wecom_test

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
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/wecom"
)

// What WeCom and the jobs do with this store is shown in job/wecom_test.go, over HTTP.
// Here: many at once, and answers that contradict.

type world struct {
	*wecom.Store
	*testing.T
	d       *db.DB
	clk     *clock.Fake
	people  *identity.Store
	members *member.Store
	corp    wecom.Account
	mu      sync.Mutex
	told    []wecom.Came
	groups  []wecom.Community
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	out, people := outbox.New(d), identity.New(d)
	members := member.New(d, people)
	w := &world{T: t, d: d, clk: clk, people: people, members: members, corp: wecom.Account{ID: 41, BrandID: 7, CorpID: "ww1"}}
	w.Store = wecom.New(wecom.Deps{DB: d, Outbox: out, People: people, Members: members, Events: event.New(d, out), Followers: follow.New(d, people, members),
		Accounts: func(context.Context, id.ID) (wecom.Account, error) { return w.corp, nil },
		Groups: func(_ context.Context, c wecom.Community) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.groups = append(w.groups, c)
			return nil
		},
		OnWay: func(_ context.Context, c wecom.Came) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = append(w.told, c)
			return nil
		}})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) count(what string, args ...any) (n int) {
	w.Helper()
	w.must(w.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM "+what, args...).Scan(&n).Error)
	return n
}

func (w *world) push(p wecom.Push) error {
	p.CreatedAt = w.clk.Now().Time().Unix()
	body, err := p.Body()
	w.must(err)
	return w.Apply(context.Background(), notice.Notice{AccountID: w.corp.ID, Source: notice.WeCom, Body: body})
}

func (w *world) contact() wecom.Contact {
	w.Helper()
	list, err := w.Contacts(context.Background(), w.corp.ID, "", 0, 10)
	w.must(err)
	if len(list) != 1 {
		w.Fatalf("%d contacts", len(list))
	}
	return list[0]
}

func added(user, external string) wecom.Push {
	return wecom.Push{Event: "change_external_contact", ChangeType: "add_external_contact", UserID: user, ExternalUserID: external, State: "WAY"}
}

func TestPushesAtOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk)
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if err := w.push(added("lisi", "wm1")); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if err := w.MarkChats(ctx, w.corp, []string{"wr2", "wr1"}, 0); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if err := w.MarkChats(ctx, w.corp, []string{"wr1", "wr2"}, 0); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if a, b := w.count("outbox WHERE task = ?", wecom.TaskContact), w.count("outbox WHERE task = ?", wecom.TaskChat); a != 1 || b != 2 {
			t.Fatalf("%d wake-ups for one contact, %d for two groups", a, b)
		}
		c := w.contact()
		if c.Asked != 12 || c.Done != 0 || c.State != wecom.Active {
			t.Fatalf("%+v", c)
		}
		// A push that comes while WeCom is asked is not forgotten.
		began := clk.Now()
		w.must(w.push(added("lisi", "wm1")))
		more, err := w.PutLook(ctx, c, []wecom.Seen{{ExternalUserID: "wm1", UserID: "lisi", Since: began}}, began)
		if err != nil || !more {
			t.Fatal("the push in between asks for nothing", err)
		}
		if _, ok, err := w.ContactToLook(ctx, c.ID); err != nil || !ok {
			t.Fatal(ok, err)
		}
		c = w.contact()
		if more, err = w.PutLook(ctx, c, []wecom.Seen{{ExternalUserID: "wm1", UserID: "lisi", Since: began}}, clk.Now()); err != nil || more {
			t.Fatal(more, err)
		}
		if _, ok, err := w.ContactToLook(ctx, c.ID); err != nil || ok {
			t.Fatal(ok, err)
		}
		// The next push wakes again.
		w.must(w.push(added("lisi", "wm1")))
		if n := w.count("outbox WHERE task = ?", wecom.TaskContact); n != 2 {
			t.Fatal(n)
		}
	})
}

func TestLooksAtOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk)
		w.must(w.push(added("lisi", "wm1")))
		w.must(w.MarkChats(ctx, w.corp, []string{"wr1"}, 0))
		c := w.contact()
		chats, err := w.Chats(ctx, w.corp.ID, 0, 10)
		w.must(err)
		clk.Advance(time.Second)
		seen := wecom.Seen{ExternalUserID: "wm1", UnionID: "o6_union1", UserID: "lisi", Way: "WAY", Since: clk.Now()}
		people := wecom.SeenChat{Name: "群", Owner: "lisi", Members: []wecom.SeenMember{{UserID: "lisi"}}}
		for i := range 30 {
			people.Members = append(people.Members, wecom.SeenMember{UserID: fmt.Sprint("wm", i), External: true, UnionID: fmt.Sprint("o6_union", i), JoinedAt: clk.Now()})
		}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := w.PutLook(ctx, c, []wecom.Seen{seen}, clk.Now()); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := w.PutChat(ctx, chats[0], people, clk.Now()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := w.count("person"); n != 30 {
			t.Errorf("%d persons of 30 people", n)
		}
		if n := w.count("event WHERE type = 'custom'"); n != 1 {
			t.Errorf("%d events of one contact", n)
		}
		if n := w.count("wecom_chat_member WHERE left_at = 0"); n != 31 {
			t.Errorf("%d in a group of 31", n)
		}
	})
}

func TestAnswersThatContradict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk)
		person := func(external string) id.ID {
			p, _, err := w.people.PersonOf(ctx, identity.ExternalUserID, "ww1", external)
			w.must(err)
			return p
		}
		step := func(list ...wecom.Seen) {
			y, err := w.Start(ctx, w.corp, wecom.Contacts)
			w.must(err)
			y, err = w.StepContacts(ctx, y, []string{"lisi"}, nil, list, "", clk.Now())
			w.must(err)
			_, err = w.EndContacts(ctx, y, []string{"lisi"})
			w.must(err)
		}
		t.Run("two ids of a corp under one unionid stay two persons", func(t *testing.T) {
			step(wecom.Seen{ExternalUserID: "wm1", UnionID: "o6_a", UserID: "lisi", Since: clk.Now()}, wecom.Seen{ExternalUserID: "wm2", UnionID: "o6_a", UserID: "lisi", Since: clk.Now()})
			if a, b := person("wm1"), person("wm2"); a == 0 || b == 0 || a == b {
				t.Fatal(a, b)
			}
		})
		t.Run("a member and a contact who both acted wait for an operator", func(t *testing.T) {
			step(wecom.Seen{ExternalUserID: "wm3", UserID: "lisi", Since: clk.Now()})
			// Somebody's login named both: the contact acts under another unionid than the member.
			if _, err := w.people.Resolve(ctx, identity.Login{AppID: "wx1", OpenID: "openB", UnionID: "o6_b"}); err != nil {
				t.Fatal(err)
			}
			_, err := w.people.Link(ctx, person("wm3"), identity.Key{Kind: identity.Phone, Value: strings.Repeat("p", 43)}, identity.Evidence{Event: identity.PhoneVerified, ConsentID: 1})
			w.must(err)
			step(wecom.Seen{ExternalUserID: "wm3", UnionID: "o6_b", UserID: "lisi", Since: clk.Now()})
			if n := w.count("identity_review WHERE state = 'open'"); n != 1 {
				t.Fatal(n, "reviews")
			}
			own, err := w.members.Of(ctx, person("wm3"))
			w.must(err)
			if n := w.count("wecom_contact WHERE external_userid = 'wm3' AND member_id = ?", own.ID); n != 1 {
				t.Fatal("the contact went to the other before anybody decided")
			}
		})
		t.Run("a contact without a time began when he was seen, once", func(t *testing.T) {
			for range 2 {
				clk.Advance(time.Minute)
				step(wecom.Seen{ExternalUserID: "wm5", UserID: "lisi"})
			}
			if n := w.count("event e JOIN wecom_contact c ON e.event_key = " + concat(d) + " WHERE c.external_userid = 'wm5'"); n != 1 {
				t.Fatal(n, "events")
			}
		})
		t.Run("ids that are none are left out", func(t *testing.T) {
			before := w.count("wecom_contact")
			step(wecom.Seen{ExternalUserID: "w m", UserID: "lisi", Since: clk.Now()}, wecom.Seen{ExternalUserID: "wm9", UserID: strings.Repeat("u", 65), Since: clk.Now()})
			if n := w.count("wecom_contact"); n != before {
				t.Fatal(n, before)
			}
		})
		t.Run("a worker who was overtaken writes no place", func(t *testing.T) {
			y, err := w.Start(ctx, w.corp, wecom.Chats)
			w.must(err)
			_, err = w.StepChats(ctx, y, []string{"wr1"}, "2")
			w.must(err)
			if _, err := w.StepChats(ctx, y, []string{"wr1"}, "2"); err == nil {
				t.Fatal("the same page was counted twice")
			}
			now, err := w.Round(ctx, y.ID)
			if err != nil || now.Seen != 1 || now.Place != "2" {
				t.Fatalf("%+v %v", now, err)
			}
		})
	})
}

// concat is the key of a contact's event, as the engine joins texts.
func concat(d *db.DB) string {
	if d.Driver() == db.SQLite {
		return "'wecom_contact:' || c.id || ':' || c.since_at"
	}
	return "CONCAT('wecom_contact:', c.id, ':', c.since_at)"
}

func TestStaffIsAskedHundredByHundred(t *testing.T) {
	var staff []string
	for i := range 250 {
		staff = append(staff, fmt.Sprintf("u%03d", 249-i))
	}
	staff = append(staff, "u000")
	seen, place := 0, ""
	for n := range 4 {
		users, p, err := wecom.Sync{Place: place}.StaffAt(staff)
		if err != nil || p.Cursor != "" {
			t.Fatal(p, err)
		}
		if len(users) == 0 {
			if n != 3 || seen != 250 {
				t.Fatal(n, seen)
			}
			return
		}
		seen += len(users)
		place = `{"after":"` + users[len(users)-1] + `"}`
	}
	t.Fatal("no end")
}

// TestWhoComesAnewWithoutAWayIsNotToldByTheOldOne: the staff adds somebody again who left,
// and who scanned nothing this time.
func TestWhoComesAnewWithoutAWayIsNotToldByTheOldOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		for name, push := range map[string]bool{"with a push": true, "found by a round": false} {
			t.Run(name, func(t *testing.T) {
				ctx := context.Background()
				w := newWorld(t, d, clk)
				look := func(external, way string) {
					t.Helper()
					var c wecom.Contact
					w.must(d.Read(ctx).Where("external_userid = ?", external).Take(&c).Error)
					_, err := w.PutLook(ctx, c, []wecom.Seen{{ExternalUserID: external, UserID: "lisi", Way: way, Since: clk.Now()}}, clk.Now())
					w.must(err)
				}
				external := fmt.Sprintf("wmAnew%v", push)
				w.must(w.push(added("lisi", external)))
				look(external, "WAY")
				clk.Advance(time.Hour)
				w.must(w.push(wecom.Push{Event: "change_external_contact", ChangeType: "del_follow_user", UserID: "lisi", ExternalUserID: external}))
				clk.Advance(time.Hour)
				if push {
					w.must(w.push(wecom.Push{Event: "change_external_contact", ChangeType: "add_external_contact", UserID: "lisi", ExternalUserID: external}))
				}
				look(external, "")
				if len(w.told) != 1 {
					t.Errorf("told again of a way that he did not take: %+v", w.told)
				}
			})
		}
	})
}
