package member

import (
	"context"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/identity"
)

func TestMember(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		people := identity.New(d)
		s := New(d, people)
		t.Run("a person has one member, however many ask at once", func(t *testing.T) {
			var wg sync.WaitGroup
			got := make([]Member, 16)
			for i := range got {
				wg.Go(func() {
					m, err := s.Of(ctx, 7)
					if err != nil {
						t.Error(err)
					}
					got[i] = m
				})
			}
			wg.Wait()
			for _, m := range got {
				if m != got[0] || m.State != Active || m.PersonID != 7 || m.CreatedAt != dbtest.Start {
					t.Fatalf("%+v and %+v", m, got[0])
				}
			}
		})
		t.Run("blocking and unblocking are repeatable", func(t *testing.T) {
			m, err := s.Of(ctx, 8)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if b, err := s.Block(ctx, m.ID); err != nil || !b.Blocked() {
					t.Error(b, err)
				}
			}
			if again, err := s.Of(ctx, 8); err != nil || !again.Blocked() {
				t.Error("a blocked member came back active:", again, err)
			}
			if u, err := s.Unblock(ctx, m.ID); err != nil || u.Blocked() {
				t.Error(u, err)
			}
		})
		t.Run("an openid is found by app", func(t *testing.T) {
			p, err := people.Resolve(ctx, identity.Login{AppID: "wxA", OpenID: "o1"})
			if err != nil {
				t.Fatal(err)
			}
			m, err := s.Of(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			for app, want := range map[string]string{"wxA": "o1", "wxB": ""} {
				if got, err := s.OpenID(ctx, m.ID, app); got != want || err != nil {
					t.Error(app, got, err)
				}
			}
		})
		t.Run("an unknown member is a fault", func(t *testing.T) {
			if _, err := s.Get(ctx, 999); fault.Of(err).Code != "member_not_found" {
				t.Error(err)
			}
			if _, err := s.Block(ctx, 999); fault.KindOf(err) != fault.NotFound {
				t.Error(err)
			}
		})
	})
}
