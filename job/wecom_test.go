package job_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/notice"
	"siyu/model/wecom"
	"siyu/wechat/simulator"
)

func TestWeComContacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newTown(t, d, clk)
		t.Run("a member who becomes a contact is the same human, and why is told", func(t *testing.T) {
			w := w.in(t)
			me := w.login("甲")
			w.must(w.sim.AddContact(corpID, "zhangsan", "甲", "TOKEN1", false))
			w.settle()
			if c := w.contact("甲", "zhangsan"); c.State != wecom.Active || c.MemberID != me || w.human("甲") != me || c.AddWay != 1 {
				t.Fatalf("%+v, member %d", c, me)
			}
			m, err := w.members.Get(ctx, me)
			w.must(err)
			why, err := w.people.Why(ctx, m.PersonID)
			w.must(err)
			told := false
			for _, r := range why.Reasons {
				for _, s := range r.Steps {
					told = told || r.Key.Kind == identity.ExternalUserID && strings.Contains(s.Text, "企业微信回调同时给出")
				}
			}
			if !told {
				t.Errorf("%+v", why)
			}
			w.mapped(1)
		})
		t.Run("who came by a way is told once, with its state", func(t *testing.T) {
			w := w.in(t)
			w.settle()
			if len(w.came) != 1 || w.came[0].Way != "TOKEN1" || w.came[0].MemberID != w.human("甲") || w.came[0].BrandID != w.corp.BrandID {
				t.Fatalf("%+v", w.came)
			}
			if w.events1("wecom_contact_added") != 1 {
				t.Error(w.events1("wecom_contact_added"))
			}
		})
		t.Run("a contact who logs in later is joined then", func(t *testing.T) {
			w := w.in(t)
			w.must(w.sim.AddContact(corpID, "lisi", "乙", "", false))
			w.settle()
			known := w.human("乙")
			if known == 0 || w.login("乙") != known {
				t.Fatal(known)
			}
		})
		t.Run("pushes twice, out of order and lost end in what WeCom says", func(t *testing.T) {
			w := w.in(t)
			w.order("duplicate_notice")
			w.must(w.sim.AddContact(corpID, "lisi", "丙", "", true))
			w.settle()
			if c := w.contact("丙", "lisi"); c.State != wecom.Half || w.events1("wecom_contact_added") != 2 {
				t.Fatalf("%+v", c)
			}
			clk.Advance(time.Minute)
			w.must(w.sim.AddContact(corpID, "lisi", "丙", "", false))
			w.settle()
			if c := w.contact("丙", "lisi"); c.State != wecom.Active {
				t.Fatalf("%+v", c)
			}
			clk.Advance(time.Minute)
			w.order("out_of_order_notice")
			w.must(w.sim.DropContact(corpID, "lisi", "丙", true)) // delivered after what follows
			w.must(w.sim.AddContact(corpID, "lisi", "丙", "", false))
			w.settle()
			if c := w.contact("丙", "lisi"); c.State != wecom.Active {
				t.Fatalf("%+v", c)
			}
			clk.Advance(time.Minute)
			w.must(w.sim.DropContact(corpID, "lisi", "丙", true))
			w.settle()
			if c := w.contact("丙", "lisi"); c.State != wecom.Left || w.events1("wecom_contact_ended") != 1 {
				t.Fatalf("%+v %d", c, w.events1("wecom_contact_ended"))
			}
			w.order("missing_notice")
			w.must(w.sim.DropContact(corpID, "zhangsan", "甲", false))
			w.order("missing_notice")
			w.must(w.sim.AddContact(corpID, "zhangsan", "丙", "", false))
			w.settle()
			if c := w.contact("甲", "zhangsan"); c.State != wecom.Active {
				t.Fatalf("%+v", c)
			}
			_, err := w.store.Start(ctx, w.corp, wecom.Contacts)
			w.must(err)
			w.settle()
			if y := w.round(wecom.Contacts); y.State != wecom.Idle || y.Seen != 2 || y.EndedAt == 0 {
				t.Fatalf("%+v", y)
			}
			a, c := w.contact("甲", "zhangsan"), w.contact("丙", "zhangsan")
			if a.State != wecom.Lost || c.State != wecom.Active || c.MemberID == 0 {
				t.Fatalf("%+v %+v", a, c)
			}
		})
		t.Run("a member of the staff who left takes his contacts along; one WeCom says nothing of keeps them", func(t *testing.T) {
			w := w.in(t)
			w.sim.AddCorp(w.staffed([]string{"lisi"}, []string{"lisi"}))
			_, err := w.store.Start(ctx, w.corp, wecom.Contacts)
			w.must(err)
			w.settle()
			b, c := w.contact("乙", "lisi"), w.contact("丙", "zhangsan")
			if b.State != wecom.Active || c.State != wecom.Lost {
				t.Fatalf("%+v %+v", b, c)
			}
		})
		t.Run("a push that is none is refused and kept", func(t *testing.T) {
			w := w.in(t)
			body, err := wecom.Push{Event: "change_external_contact", ChangeType: "add_external_contact", UserID: "a b", ExternalUserID: "wm1"}.Body()
			w.must(err)
			_, err = w.notices.Store(ctx, notice.Notice{Source: notice.WeCom, DedupKey: "bad", AccountID: w.corp.ID, Body: body})
			w.must(err)
			w.settle()
			var n notice.Notice
			w.must(d.Read(ctx).Where("dedup_key = ?", "bad").Take(&n).Error)
			if n.State != notice.Refused {
				t.Fatalf("%+v", n)
			}
		})
	})
}

func TestWeComChats(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newTown(t, d, clk)
		me := w.login("甲")
		chat, err := w.sim.CreateChat(corpID, "lisi", "老井一群")
		w.must(err)
		w.must(w.sim.JoinChat(corpID, chat, simulator.JoinQR, "TOKEN9", "甲", "乙"))
		w.settle()
		t.Run("a group comes with its people, and who of them is a member", func(t *testing.T) {
			w := w.in(t)
			c, members := w.chat(chat)
			if c.State != wecom.Live || c.Size != 3 || c.Owner != "lisi" || c.SyncedAt == 0 || c.Asked != c.Done || len(members) != 3 {
				t.Fatalf("%+v %+v", c, members)
			}
			if g := w.groups[chat]; g.Name != "老井一群" || g.Size != 3 || g.BrandID != w.corp.BrandID || g.Dismissed {
				t.Fatalf("%+v", g)
			}
			if i := slices.IndexFunc(members, func(m wecom.ChatMember) bool { return m.MemberID == me && m.JoinScene == simulator.JoinQR }); i < 0 {
				t.Fatalf("%+v", members)
			}
			if len(w.came) != 2 || w.came[0].Way != "TOKEN9" {
				t.Fatalf("%+v", w.came)
			}
			if w.login("乙") != w.human("乙") {
				t.Error("the unionid of a member of the group is not his")
			}
		})
		t.Run("a burst of changes is one look", func(t *testing.T) {
			w := w.in(t)
			before := w.calls("groupchat.get")
			for i := range 10 {
				clk.Advance(time.Second)
				w.must(w.sim.RenameChat(corpID, chat, fmt.Sprint("名", i)))
			}
			w.settle()
			if n := w.calls("groupchat.get") - before; n < 1 || n > 2 || w.groups[chat].Name != "名9" {
				t.Fatal(n, w.groups[chat])
			}
		})
		t.Run("who left has left, and who comes back is there again", func(t *testing.T) {
			w := w.in(t)
			w.must(w.sim.LeaveChat(corpID, chat, "乙", simulator.QuitSelf))
			w.settle()
			if c, members := w.chat(chat); c.Size != 2 || !left(members, w.human("乙")) || left(members, me) {
				t.Fatalf("%+v %+v", c, members)
			}
			clk.Advance(time.Minute)
			w.must(w.sim.JoinChat(corpID, chat, simulator.JoinLink, "", "乙"))
			w.settle()
			if c, members := w.chat(chat); c.Size != 3 || left(members, w.human("乙")) {
				t.Fatalf("%+v %+v", c, members)
			}
		})
		t.Run("an answer that took long brings nothing back", func(t *testing.T) {
			w := w.in(t)
			c, _ := w.chat(chat)
			old := wecom.SeenChat{Name: "从前", Owner: "lisi", Members: []wecom.SeenMember{{UserID: "lisi"}}}
			_, err := w.store.PutChat(ctx, c, old, c.SyncedAt-1)
			w.must(err)
			if now, members := w.chat(chat); now.Size != 3 || left(members, me) {
				t.Fatalf("%+v %+v", now, members)
			}
		})
		t.Run("a group whose reading is forbidden says so, and is read when it is allowed again", func(t *testing.T) {
			w := w.in(t)
			w.must(w.sim.SetMisfortune(simulator.Misfortune{Call: "groupchat.get", Kind: "unknown_code", Code: "60011"}))
			w.must(w.sim.RenameChat(corpID, chat, "又改名"))
			w.settle()
			if c, _ := w.chat(chat); !strings.Contains(c.Error, "60011") {
				t.Fatalf("%+v", c)
			}
			w.must(w.sim.SetMisfortune(simulator.Misfortune{Call: "groupchat.get", Kind: "unknown_code", Code: "45033"})) // too many at once: later
			w.must(w.sim.RenameChat(corpID, chat, "再改名"))
			w.settle()
			if c, _ := w.chat(chat); c.Error != "" || w.groups[chat].Name != "再改名" {
				t.Fatalf("%+v %+v", c, w.groups[chat])
			}
		})
		t.Run("a dismissed group ends", func(t *testing.T) {
			w := w.in(t)
			w.must(w.sim.DismissChat(corpID, chat))
			w.settle()
			if c, members := w.chat(chat); c.State != wecom.Dismissed || !left(members, me) || !w.groups[chat].Dismissed {
				t.Fatalf("%+v %+v", c, members)
			}
		})
	})
}

func TestWeComRounds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newTown(t, d, clk)
		var chats []string
		for i := range 10 {
			w.order("missing_notice")
			c, err := w.sim.CreateChat(corpID, "lisi", fmt.Sprint("群", i))
			w.must(err)
			chats = append(chats, c)
		}
		t.Run("a round that is killed goes on where it was", func(t *testing.T) {
			w := w.in(t)
			_, err := w.store.Start(ctx, w.corp, wecom.Chats)
			w.must(err)
			w.dies = 2 // two pages, then it dies before the third
			rows, err := w.out.Due(ctx, 10)
			w.must(err)
			w.must(w.runner.Run(ctx, rows[0].ID))
			if y := w.round(wecom.Chats); y.State != wecom.Running || y.Pages != 2 || y.Seen != 6 || y.Place == "" {
				t.Fatalf("%+v", y)
			}
			before := w.calls("groupchat.list")
			w.settle()
			if y := w.round(wecom.Chats); y.State != wecom.Idle || y.Seen != 10 || y.Pages != 4 || w.calls("groupchat.list")-before != 2 {
				t.Fatalf("%+v %d", y, w.calls("groupchat.list")-before)
			}
			if len(w.groups) != 10 {
				t.Fatal(len(w.groups))
			}
		})
		t.Run("a round finds what no push told: names, new groups and ends", func(t *testing.T) {
			w := w.in(t)
			for range 2 {
				w.order("missing_notice")
			}
			w.must(w.sim.RenameChat(corpID, chats[0], "新名"))
			w.must(w.sim.DismissChat(corpID, chats[1]))
			w.settle()
			if w.groups[chats[0]].Name == "新名" || w.groups[chats[1]].Dismissed {
				t.Fatal("the pushes arrived")
			}
			w.must(w.store.StartDue(ctx, w.corp, wecom.Chats, 6*time.Hour))
			if y := w.round(wecom.Chats); y.RoundNo != 1 {
				t.Fatalf("not due yet: %+v", y)
			}
			clk.Advance(6 * time.Hour)
			w.must(w.store.StartDue(ctx, w.corp, wecom.Chats, 6*time.Hour))
			w.settle()
			if w.groups[chats[0]].Name != "新名" || !w.groups[chats[1]].Dismissed || w.round(wecom.Chats).RoundNo != 2 {
				t.Fatalf("%+v %+v", w.groups[chats[0]], w.groups[chats[1]])
			}
		})
		t.Run("two who ask for a round get one", func(t *testing.T) {
			w := w.in(t)
			a, err := w.store.Start(ctx, w.corp, wecom.Chats)
			w.must(err)
			b, err := w.store.Start(ctx, w.corp, wecom.Chats)
			w.must(err)
			if a != b {
				t.Fatalf("%+v %+v", a, b)
			}
			w.settle()
		})
		t.Run("a refused round says what to change", func(t *testing.T) {
			w := w.in(t)
			w.must(w.sim.SetMisfortune(simulator.Misfortune{Call: "groupchat.list", Kind: "unknown_code", Code: "60020"}))
			_, err := w.store.Start(ctx, w.corp, wecom.Chats)
			w.must(err)
			w.settle()
			if y := w.round(wecom.Chats); y.State != wecom.Failed || !strings.Contains(y.Error, "可信 IP") {
				t.Fatalf("%+v", y)
			}
		})
	})
}

func TestFollowersUnionIDs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newTown(t, d, clk)
		// 150 follow; the names are made so that no login told their unionid.
		for i := range 150 {
			name := fmt.Sprintf("粉丝%03d", i)
			w.sim.AddUser(simulator.User{Name: name})
			w.must(w.sim.Follow(name, followedID))
		}
		w.must(w.sim.AddContact(corpID, "lisi", "粉丝007", "", false))
		w.settle()
		fan := w.sim.OpenID("粉丝007", followedID)
		before := w.human("粉丝007")
		t.Run("when a day's calls are used up, the rest follows the next day", func(t *testing.T) {
			w := w.in(t)
			y, err := w.store.Start(ctx, w.follows, wecom.Followers)
			w.must(err)
			few := job.NewWeCom(w.store, w.client, w, w, w.communities, clk, job.WeComLimits{FollowerCallsADay: 1})
			v, err := few.Sync(ctx, y.ID)
			if y := w.round(wecom.Followers); err != nil || v.Again != time.Hour || y.State != wecom.Running || y.Seen != 100 {
				t.Fatalf("%+v %+v %v", v, y, err)
			}
			clk.Advance(24 * time.Hour)
		})
		w.settle()
		if y := w.round(wecom.Followers); y.State != wecom.Idle || y.Seen != 150 {
			t.Fatalf("%+v", y)
		}
		if n := w.calls("user.batch"); n != 2 {
			t.Error("calls", n)
		}
		p, ok, err := w.people.PersonOf(ctx, identity.OpenID, followedID, fan)
		w.must(err)
		m, err := w.members.Of(ctx, p)
		w.must(err)
		same, err := w.members.SameHuman(ctx, m.ID, before)
		if err != nil || !ok || !same {
			t.Fatal("the follower and the contact of one unionid are two humans", err)
		}
		w.mapped(1)
		left, err := w.fans.Unjoined(ctx, w.follows.ID, "", 10)
		if err != nil || len(left) != 0 {
			t.Fatal(left, err)
		}
	})
}

func left(members []wecom.ChatMember, who id.ID) bool {
	for _, m := range members {
		if m.MemberID == who {
			return m.LeftAt != 0
		}
	}
	return false
}

func (w *town) in(t *testing.T) *town {
	w.T = t
	return w
}

func (w *town) order(kind string) {
	w.Helper()
	w.must(w.sim.SetMisfortune(simulator.Misfortune{Call: "wecom_callback", Kind: kind}))
}

func (w *town) staffed(staff, unlicensed []string) simulator.Corp {
	return simulator.Corp{CorpID: corpID, Secret: w.app.Secret, Token: w.app.Token, AESKey: w.app.AESKey, OpenPlatform: "op", Staff: staff, Unlicensed: unlicensed}
}

func (w *town) calls(name string) (n int) {
	for _, r := range w.sim.Requests() {
		if r.Call == name {
			n++
		}
	}
	return n
}

// mapped says that the data map shows so many humans known both at the official account
// and in WeCom.
func (w *town) mapped(people int64) {
	w.Helper()
	m, err := insight.New(w.d).DataMap(context.Background())
	w.must(err)
	for _, j := range m.Joins {
		if strings.HasPrefix(j.A, "external_userid/") && strings.HasPrefix(j.B, "openid/") {
			if j.People < people || j.Through["unionid"] < people {
				w.Errorf("%+v", j)
			}
			return
		}
	}
	w.Errorf("no crossing by external_userid: %+v", m.Joins)
}
