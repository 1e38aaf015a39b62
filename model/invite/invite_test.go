package invite

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/poster"
	"siyu/model/referral"
	"siyu/model/seal"
)

var ctx = context.Background()

// street is a brand with an official account and people before its posters.
type street struct {
	*Store
	t       *testing.T
	clk     *clock.Fake
	people  *identity.Store
	members *member.Store
	follows *follow.Store
	brand   brand.Brand
	account brand.Account
	names   map[id.ID]string
}

func newStreet(t *testing.T, d *db.DB, clk *clock.Fake) *street {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &street{t: t, clk: clk, people: identity.New(d), names: map[id.ID]string{}}
	s.members = member.New(d, s.people)
	out, brands := outbox.New(d), brand.New(d, box)
	if s.brand, err = brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井啤酒", CodeHost: "q.laojing.cn"}); err != nil {
		t.Fatal(err)
	}
	if s.account, err = brands.SaveAccount(ctx, brand.Account{BrandID: s.brand.ID, Kind: brand.Official, AppID: "wx1", Name: "老井", CallbackSlug: "oa-main"}, brand.Secrets{AppSecret: "s", Token: "token"}); err != nil {
		t.Fatal(err)
	}
	events := event.New(d, out)
	referrals := referral.New(referral.Deps{DB: d, Box: box, Members: s.members, Events: events, Outbox: out})
	s.Store = New(Deps{DB: d, Referrals: referrals, Leaders: leader.New(leader.Deps{DB: d, Members: s.members}), Brands: brands,
		Posters: poster.New(d, poster.NewRenderer(nil)), Events: events, PublicURL: "https://public.test",
		Nickname: func(_ context.Context, m id.ID) (string, error) { return s.names[m], nil }})
	s.follows = follow.New(d, s.people, s.members)
	s.follows.OnScene(s.Scanned)
	return s
}

func (s *street) person(openID string) id.ID {
	s.t.Helper()
	p, err := s.people.Resolve(ctx, identity.Login{AppID: "wx1", OpenID: openID})
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := s.members.Of(ctx, p)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

func (s *street) token(m id.ID) string {
	s.t.Helper()
	o, err := s.Mine(ctx, s.brand.ID, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return o.Token
}

// push is a report of WeChat, applied.
func (s *street) push(openID, kind, key string, at clock.Instant) {
	s.t.Helper()
	body, err := follow.Message{AppID: "wx1", OpenID: openID, Type: "event", Event: kind, EventKey: key, CreatedAt: int64(at) / 1000}.Body()
	if err == nil {
		err = s.follows.ApplyMessage(ctx, notice.Notice{Source: notice.Official, AccountID: s.account.ID, Body: body})
	}
	if err != nil {
		s.t.Fatalf("%s %s: %v", kind, key, err)
	}
}

func (s *street) exec(stmt string, args ...any) {
	s.t.Helper()
	if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		s.t.Fatal(err)
	}
}

// broughtBy is who is the referrer of an openid's member now, 0 for nobody.
func (s *street) broughtBy(openID string) (id.ID, referral.Binding) {
	s.t.Helper()
	b, _, err := s.Referrals.ReferrerOf(ctx, s.brand.ID, s.person(openID), s.clk.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return b.ReferrerID, b
}

// why compares the reason that is kept of a scan that brought nobody.
func (s *street) why(t *testing.T, openID, want string) {
	t.Helper()
	list, err := s.Events.Timeline(ctx, []id.ID{s.person(openID)}, []string{event.NotReferred}, event.Cursor{}, 10)
	if err != nil || len(list) != 1 || list[0].At == 0 || list[0].At > s.clk.Now() || !strings.Contains(string(list[0].Body), `"`+want+`"`) {
		t.Errorf("%s: %s, %v", openID, list, err)
	}
}

func (s *street) rows(table string) (n int64) {
	s.t.Helper()
	if err := s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

func each(t *testing.T, do func(t *testing.T, s *street)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { do(t, newStreet(t, d, clk)) })
}

func TestScanned(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		wang, li := s.person("wang"), s.person("li")
		token, other := s.token(wang), s.token(li)
		now := s.clk.Now()
		t.Run("a new follower is bound at the time of the push, once however often it comes", func(t *testing.T) {
			for range 3 {
				s.push("new1", follow.Subscribe, "qrscene_"+token, now)
				s.clk.Advance(time.Minute)
			}
			who, b := s.broughtBy("new1")
			if who != wang || b.BoundAt != now || b.Channel != referral.WeChat || b.Consented || s.rows("referral_binding") != 1 {
				t.Errorf("%d %+v", who, b)
			}
		})
		t.Run("a follower's scan binds as well", func(t *testing.T) {
			s.push("new2", follow.Scan, token, s.clk.Now())
			if who, _ := s.broughtBy("new2"); who != wang {
				t.Error(who)
			}
		})
		t.Run("the first one keeps, and a refusal is no error", func(t *testing.T) {
			s.push("new1", follow.Scan, other, s.clk.Now())
			if who, _ := s.broughtBy("new1"); who != wang {
				t.Error(who)
			}
			s.why(t, "new1", "referral_bound")
		})
		t.Run("oneself, old customers and closed codes bind nobody and are no errors: why can be found", func(t *testing.T) {
			before := s.rows("referral_binding")
			s.push("wang", follow.Scan, token, s.clk.Now())
			s.person("old")
			s.clk.Advance(48 * time.Hour)
			s.push("old", follow.Subscribe, "qrscene_"+token, s.clk.Now())
			code, err := s.Referrals.ByToken(ctx, other)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Referrals.Close(ctx, code.ID); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s.push("new3", follow.Subscribe, "qrscene_"+other, s.clk.Now())
			}
			s.why(t, "wang", "referral_self")
			s.why(t, "old", "referral_existing")
			s.why(t, "new3", "referral_closed")
			if n := s.rows("referral_binding"); n != before {
				t.Errorf("%d bindings more", n-before)
			}
		})
		t.Run("other scenes, forged tokens and leaving bind nobody", func(t *testing.T) {
			before := s.rows("referral_binding")
			forged := token[:25] + map[bool]string{true: "1", false: "0"}[token[25] == '0']
			for _, key := range []string{"qrscene_shop-7", "qrscene_" + forged, "", "qrscene_" + strings.Repeat("Z", 26)} {
				s.push("new4", follow.Subscribe, key, s.clk.Now())
			}
			s.push("new4", follow.Unsubscribe, "", s.clk.Now())
			if n := s.rows("referral_binding"); n != before {
				t.Errorf("%d bindings more", n-before)
			}
		})
		t.Run("a late or repeated push does not bring back what the person ended", func(t *testing.T) {
			at := s.clk.Now()
			s.push("new5", follow.Subscribe, "qrscene_"+token, at)
			s.clk.Advance(time.Minute)
			if err := s.Referrals.Leave(ctx, s.brand.ID, s.person("new5")); err != nil {
				t.Fatal(err)
			}
			s.push("new5", follow.Subscribe, "qrscene_"+token, at)
			s.push("new5", follow.Scan, token, at.Add(10*time.Second))
			if who, _ := s.broughtBy("new5"); who != 0 {
				t.Errorf("bound to %d again", who)
			}
			if s.rows("referral_binding WHERE state = 'ended'") != 1 {
				t.Error("the history is gone")
			}
			if err := s.Referrals.Leave(ctx, s.brand.ID, s.person("new5")); fault.KindOf(err) != fault.NotFound {
				t.Errorf("left twice: %v", err)
			}
		})
		t.Run("another brand's account binds nobody to this one", func(t *testing.T) {
			b, err := s.Brands.Create(ctx, brand.Brand{Slug: "other", Name: "别家", CodeHost: "q.other.cn"})
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Brands.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx2", Name: "别家", CallbackSlug: "oa-other"}, brand.Secrets{AppSecret: "s", Token: "token"})
			if err != nil {
				t.Fatal(err)
			}
			m := s.person("new6")
			if err := s.Scanned(ctx, follow.Follower{AccountID: a.ID, MemberID: m, Following: true, Scene: token, ChangedAt: s.clk.Now()}); err != nil {
				t.Fatal(err)
			}
			if who, _ := s.broughtBy("new6"); who != 0 {
				t.Error(who)
			}
		})
	})
}

func TestRead(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		wang := s.person("wang")
		token := s.token(wang)
		t.Run("a member is shown masked", func(t *testing.T) {
			v, err := s.Read(ctx, strings.ToLower(token))
			if err != nil || !v.Open || v.Inviter.Role != "会员" || !strings.HasPrefix(v.Inviter.Name, "尾号 ") || v.Brand.Name != "老井啤酒" || v.Token != token {
				t.Fatalf("%+v %v", v, err)
			}
			s.names[wang] = "王小明"
			if v, err = s.Read(ctx, token); err != nil || v.Inviter.Name != "王**" {
				t.Errorf("%+v %v", v, err)
			}
			for name, want := range map[string]string{"13812345678": "尾号 ", "\u202e王小明": "王**", "\u200b": "尾号 "} { // a number, what turns the line around
				s.names[wang] = name
				if v, err = s.Read(ctx, token); err != nil || !strings.HasPrefix(v.Inviter.Name, want) {
					t.Errorf("%q: %+v %v", name, v.Inviter, err)
				}
			}
			s.names[wang] = "王小明"
		})
		t.Run("a forged token costs no SQL", func(t *testing.T) {
			reads := dbtest.Watch(t, s.DB)
			for _, forged := range []string{"", "x", strings.Repeat("0", 26), token[1:], "' OR 1=1 --", strings.Repeat("A", 500), token + "0"} {
				if _, err := s.Read(ctx, forged); fault.Of(err) == nil || fault.Of(err).Code != "referral_code_invalid" {
					t.Errorf("%q: %v", forged, err)
				}
			}
			if got := reads.Plain(); len(got) != 0 {
				t.Errorf("%q", got)
			}
		})
		t.Run("a leader is shown by the name he chose, and one who is suspended invites nobody", func(t *testing.T) {
			li := s.person("li")
			s.exec("INSERT INTO leader (id, brand_id, member_id, role, state, rev, level, level_month, name, region, community, phone_hash, shop_name, employee_no, signed_version, reason, created_at, changed_at, active_at, may_apply_at) VALUES (?,?,?,?,?,1,1,0,?,'','','','','',0,'',?,?,?,0)",
				s.DB.NewID(), s.brand.ID, li, leader.RoleLeader, leader.Active, "丽姐", s.clk.Now(), s.clk.Now(), s.clk.Now())
			o, err := s.Mine(ctx, s.brand.ID, li)
			if err != nil || !o.Open || o.Me != (Inviter{"丽姐", "群主"}) || o.Link != "https://public.test/r/"+o.Token {
				t.Fatalf("%+v %v", o, err)
			}
			if v, err := s.Read(ctx, o.Token); err != nil || !v.Open || v.Inviter.Name != "丽姐" {
				t.Errorf("%+v %v", v, err)
			}
			img, err := s.Poster(ctx, s.brand.ID, li, poster.SVG)
			if err != nil || !bytes.Contains(img.Body, []byte("丽姐")) || !bytes.Contains(img.Body, []byte("群主")) {
				t.Errorf("%v", err)
			}
			s.exec("UPDATE leader SET state = ? WHERE member_id = ?", leader.Suspended, li)
			if v, err := s.Read(ctx, o.Token); err != nil || v.Open {
				t.Errorf("%+v %v", v, err)
			}
		})
	})
}

func TestMine(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		wang := s.person("wang")
		s.push("a", follow.Subscribe, "qrscene_"+s.token(wang), s.clk.Now())
		s.push("b", follow.Subscribe, "qrscene_"+s.token(wang), s.clk.Now())
		s.push("c", follow.Subscribe, "qrscene_"+s.token(s.person("a")), s.clk.Now())
		o, err := s.Mine(ctx, s.brand.ID, wang)
		if err != nil || o.Brought.People != 2 || o.Referrer != nil || o.Token != s.token(wang) {
			t.Errorf("%+v %v", o, err)
		}
		mine, err := s.Mine(ctx, s.brand.ID, s.person("c"))
		if err != nil || mine.Referrer == nil || mine.Referrer.Name == "" || mine.Referrer.BoundAt == 0 {
			t.Errorf("%+v %v", mine, err)
		}
		if _, err := s.Mine(ctx, 404, wang); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
	})
}

func TestGreeting(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		wang := s.person("wang")
		s.names[wang] = "王小明"
		token := s.token(wang)
		greet := func(t *testing.T, openID, scene string) string {
			t.Helper()
			text, err := s.Greeting(ctx, s.account, openID, scene)
			if err != nil || len(text) > 2000 {
				t.Fatal(len(text), err)
			}
			return text
		}
		t.Run("who invites, what it means and how to get out is said honestly", func(t *testing.T) {
			text := greet(t, "nobody-yet", token)
			for _, want := range []string{"王**", "老井啤酒", "推荐人可能得到佣金", "由品牌承担", "打码", "关注不会得到奖励", "https://public.test/me/invite"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is missing: %s", want, text)
				}
			}
			if s.rows("person") != 1 {
				t.Error("a greeting made somebody")
			}
		})
		t.Run("who has another referrer is told that nothing changes", func(t *testing.T) {
			li := s.person("li")
			s.push("new", follow.Subscribe, "qrscene_"+s.token(li), s.clk.Now())
			if text := greet(t, "new", token); !strings.Contains(text, "您已有推荐人") || strings.Contains(text, "可能得到佣金") {
				t.Error(text)
			}
		})
		t.Run("other scenes and other brands are not greeted", func(t *testing.T) {
			for _, scene := range []string{"", "shop-7", strings.Repeat("0", 26)} {
				if text := greet(t, "x", scene); text != "" {
					t.Errorf("%q: %s", scene, text)
				}
			}
			if text, err := s.Greeting(ctx, brand.Account{BrandID: 404, AppID: "wx9"}, "x", token); text != "" || err != nil {
				t.Error(text, err)
			}
		})
		t.Run("a closed code says so", func(t *testing.T) {
			code, err := s.Referrals.ByToken(ctx, token)
			if err == nil {
				_, err = s.Referrals.Close(ctx, code.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := greet(t, "x", token); !strings.Contains(text, "已停用") {
				t.Error(text)
			}
		})
	})
}
