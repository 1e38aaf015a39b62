package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestWhy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		old := w.imported(phoneKey(1), crmKey("VIP-1001"))
		clk.Advance(24 * time.Hour)
		p := w.login("wxOfficial", "oFollower", "uHuman")
		w.login("wxMini", "oMiniUser", "uHuman")
		clk.Advance(time.Hour)
		w.link(p, phoneKey(1), PhoneVerified)
		t.Run("every key has a path of evidence from the nearest one, in words and with times", func(t *testing.T) {
			why, err := w.Why(ctx, old)
			if err != nil || why.From.Kind != Phone || len(why.Reasons) != 4 {
				t.Fatalf("%+v %v", why, err)
			}
			for _, r := range why.Reasons {
				if len(r.Steps) == 0 {
					t.Fatalf("no path to %+v", r.Key)
				}
				var text []string
				for _, s := range r.Steps {
					text = append(text, s.Text)
					if s.At == 0 || !strings.Contains(s.Text, s.At.Local()) {
						t.Errorf("no time: %+v", s)
					}
				}
				all := strings.Join(text, "\n")
				for _, secret := range []string{"oFollower", "oMiniUser", "uHuman", "VIP-1001", phoneKey(1).Value} {
					if strings.Contains(all, secret) {
						t.Errorf("shown in clear: %s", all)
					}
				}
				switch r.Key.Kind {
				case CRM:
					if len(r.Steps) != 1 || !strings.Contains(all, "客户资料导入") {
						t.Errorf("crm: %s", all)
					}
				case UnionID:
					// The verification itself tied the phone to the unionid: the shortest path does
					// not go over the merge.
					if len(r.Steps) != 1 || !strings.Contains(all, "手机号验证") {
						t.Errorf("unionid: %s", all)
					}
				}
			}
		})
		t.Run("a merge without a key is the path when there is no other", func(t *testing.T) {
			q := w.login("wxOther", "oOther", "")
			w.in(t).merge(p, q)
			why, err := w.Why(ctx, q)
			if err != nil || len(why.Reasons) != 5 {
				t.Fatal(why, err)
			}
			for _, r := range why.Reasons {
				if r.Key.Scope == "wxOther" {
					merges := 0
					for _, s := range r.Steps {
						merges += b2i(s.MergeID != 0)
					}
					if merges == 0 || !strings.Contains(r.Steps[len(r.Steps)-2].Text, "电话核实") {
						t.Fatalf("%+v", r.Steps)
					}
				}
			}
		})
		t.Run("nobody has no reasons", func(t *testing.T) {
			_, err := w.Why(ctx, 404)
			w.in(t).refused(err, "person_not_found")
		})
	})
}

func TestTemperature(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		measure := func(t *testing.T, p id.ID) Temperature {
			t.Helper()
			got, err := w.Temperature(ctx, p)
			sum := 0
			for _, x := range got.Parts {
				sum += x.Points
				if x.Text == "" {
					t.Error("a part without a word")
				}
			}
			if err != nil || sum != got.Score || got.Score < 0 || got.Score > 100 {
				t.Fatal(got, err)
			}
			return got
		}
		t.Run("it rises with nearer keys, more kinds and more evidence", func(t *testing.T) {
			w := w.in(t)
			file, open := w.imported(crmKey("1")), w.login("wxA", "o1", "")
			union := w.login("wxA", "o2", "u2")
			phoned := w.login("wxA", "o3", "u3")
			w.link(phoned, phoneKey(3), PhoneVerified)
			full := w.login("wxA", "o4", "u4")
			w.link(full, phoneKey(4), PhoneVerified)
			w.link(full, crmKey("4"), ByOperator)
			last := 0
			for i, p := range []id.ID{file, open, union, phoned, full} {
				now := measure(t, p).Score
				if now <= last {
					t.Errorf("%d: %d after %d", i, now, last)
				}
				last = now
			}
		})
		t.Run("a phone from a file counts less than a verified one", func(t *testing.T) {
			w := w.in(t)
			p, q := w.imported(phoneKey(5)), w.login("wxA", "o5", "")
			w.link(q, phoneKey(6), PhoneVerified)
			if a, b := measure(t, p), measure(t, q); a.Parts[0].Points*2 != b.Parts[0].Points {
				t.Fatal(a, b)
			}
		})
		t.Run("it falls with time, with a login it rises again", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o7", "u7")
			warm := measure(t, p).Score
			for _, days := range []int{31, 160, 200} {
				clk.Advance(time.Duration(days) * 24 * time.Hour)
				now := measure(t, p).Score
				if now >= warm {
					t.Fatal(days, now, warm)
				}
				warm = now
			}
			w.login("wxA", "o7", "u7")
			if measure(t, p).Score <= warm {
				t.Fatal("a login is no sign of life")
			}
		})
		t.Run("an open case cools", func(t *testing.T) {
			w := w.in(t)
			p, q := w.login("wxA", "o8", ""), w.login("wxB", "o8", "")
			w.link(p, phoneKey(8), PhoneVerified)
			before := measure(t, p).Score
			w.link(q, phoneKey(8), PhoneVerified)
			if got := measure(t, p).Score; got != before-openCase {
				t.Fatal(before, got)
			}
		})
	})
}
