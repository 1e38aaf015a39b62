package identity

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestResolve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d)
		who := func(app, open, union string) id.ID {
			t.Helper()
			p, err := s.Resolve(ctx, Login{app, open, union})
			if err != nil || p == 0 {
				t.Fatal(p, err)
			}
			return p
		}
		count := func(table string) (n int64) {
			t.Helper()
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		t.Run("the same openid is the same person, another app's is not", func(t *testing.T) {
			if who("wxA", "o1", "") != who("wxA", "o1", "") || who("wxA", "o1", "") == who("wxB", "o1", "") {
				t.Error("openids are mixed up")
			}
		})
		t.Run("a unionid joins a new openid to the person who is known", func(t *testing.T) {
			if a := who("wxA", "o2", "u2"); a != who("wxMini", "m2", "u2") || a != who("wxMini", "m2", "") {
				t.Error("not joined")
			}
		})
		t.Run("a unionid that comes later joins the person of the openid", func(t *testing.T) {
			a := who("wxA", "o3", "")
			if a != who("wxA", "o3", "u3") || a != who("wxMini", "m3", "u3") {
				t.Error("not joined")
			}
		})
		t.Run("two known persons are not merged, and the disagreement is kept once", func(t *testing.T) {
			a, b := who("wxA", "o4", ""), who("wxMini", "m4", "u4")
			for range 2 {
				if got := who("wxA", "o4", "u4"); got != a {
					t.Errorf("%d, want the openid's person %d", got, a)
				}
			}
			if who("wxMini", "m4", "u4") != b {
				t.Error("the other person changed")
			}
			all, err := s.Reviews(ctx, Open, 0, 10)
			if err != nil || len(all) != 1 || all[0].LowID != min(a, b) || all[0].HighID != max(a, b) || all[0].Rule != "two_accounts" {
				t.Errorf("%+v %v", all, err)
			}
		})
		t.Run("openids that differ in case are different people", func(t *testing.T) {
			if who("wxA", "oCase", "") == who("wxA", "ocase", "") {
				t.Error("collation folds case")
			}
		})
		t.Run("malformed ids are refused and write nothing", func(t *testing.T) {
			before := count("person")
			for _, l := range []Login{{}, {"wxA", "", ""}, {"", "o", ""}, {"wxA", "o'; DROP TABLE person", ""}, {"wxA", "o9", "u 9"}} {
				if _, err := s.Resolve(ctx, l); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%+v: %v", l, err)
				}
			}
			if count("person") != before {
				t.Error("a person was written")
			}
		})
		t.Run("many first logins at once make one person and no orphan", func(t *testing.T) {
			before := count("person")
			var wg sync.WaitGroup
			got := make([]id.ID, 24)
			for i := range got {
				wg.Go(func() {
					l := Login{"wxA", "race", "urace"} // half by the account, half by the mini program
					if i%2 == 1 {
						l = Login{"wxMini", "mrace", "urace"}
					}
					p, err := s.Resolve(ctx, l)
					if err != nil {
						t.Error(err)
					}
					got[i] = p
				})
			}
			wg.Wait()
			for _, p := range got {
				if p != got[0] {
					t.Fatalf("different persons: %v", got)
				}
			}
			if n := count("person"); n != before+1 {
				t.Errorf("%d persons were made", n-before)
			}
			keys, err := s.Keys(ctx, got[0])
			if err != nil || fmt.Sprint(len(keys)) != "3" {
				t.Errorf("%+v %v", keys, err)
			}
		})
	})
}
