package follow_test

import (
	"context"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
)

func TestApplyMessage(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		people := identity.New(d)
		members := member.New(d, people)
		s := follow.New(d, people, members)
		apply := func(t *testing.T, event, key string, at int64) {
			t.Helper()
			body, err := follow.Message{AppID: "wx1", OpenID: "o1", Type: "event", Event: event, EventKey: key, CreatedAt: at}.Body()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.ApplyMessage(ctx, notice.Notice{Source: notice.Official, AccountID: 5, Body: body}); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(t *testing.T, following bool, scene string) follow.Follower {
			t.Helper()
			f, err := s.Get(ctx, 5, "o1")
			if err != nil || f.Following != following || f.Scene != scene {
				t.Fatalf("%+v %v", f, err)
			}
			n, err := s.Count(ctx, 5)
			if err != nil || (n == 1) != following {
				t.Fatal(n, err)
			}
			return f
		}
		t.Run("an openid never heard of does not follow", func(t *testing.T) { expect(t, false, "") })
		t.Run("a new follower is the member he logs in as later", func(t *testing.T) {
			apply(t, follow.Subscribe, "qrscene_shop-7", 1000)
			f := expect(t, true, "shop-7")
			person, err := people.Resolve(ctx, identity.Login{AppID: "wx1", OpenID: "o1"})
			if err != nil {
				t.Fatal(err)
			}
			if m, err := members.Of(ctx, person); err != nil || m.ID != f.MemberID {
				t.Fatal(m, err)
			}
		})
		t.Run("a second application changes nothing", func(t *testing.T) {
			apply(t, follow.Subscribe, "qrscene_shop-7", 1000)
			expect(t, true, "shop-7")
		})
		t.Run("a scan by a follower moves the scene", func(t *testing.T) {
			apply(t, follow.Scan, "shop-8", 1010)
			expect(t, true, "shop-8")
		})
		t.Run("leaving is noted and a late push from before does not undo it", func(t *testing.T) {
			apply(t, follow.Unsubscribe, "", 2000)
			expect(t, false, "shop-8")
			apply(t, follow.Scan, "shop-9", 1500)
			apply(t, follow.Subscribe, "", 1999)
			expect(t, false, "shop-8")
		})
		t.Run("coming back counts", func(t *testing.T) {
			apply(t, follow.Subscribe, "", 3000)
			expect(t, true, "shop-8")
		})
		t.Run("other events and other sources have no effect", func(t *testing.T) {
			apply(t, "CLICK", "menu", 4000)
			body, err := follow.Message{AppID: "wx2", OpenID: "o2", Type: "event", Event: follow.Subscribe, CreatedAt: 1}.Body()
			if err != nil {
				t.Fatal(err)
			}
			if err := s.ApplyMessage(ctx, notice.Notice{Source: notice.Mini, AccountID: 6, Body: body}); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Count(ctx, 6); n != 0 || err != nil {
				t.Fatal(n, err)
			}
		})
		t.Run("an over-long scene is cut, not lost", func(t *testing.T) {
			apply(t, follow.Scan, strings.Repeat("长", 200), 5000)
			expect(t, true, strings.Repeat("长", 64))
		})
		t.Run("a body that cannot be read is refused for good", func(t *testing.T) {
			err := s.ApplyMessage(ctx, notice.Notice{Source: notice.Official, Body: []byte("<xml>")})
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			bad, _ := follow.Message{AppID: "wx1", OpenID: "' OR 1=1", Type: "event", Event: follow.Subscribe}.Body()
			if err := s.ApplyMessage(ctx, notice.Notice{Source: notice.Official, Body: bad}); fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
		})
	})
}
