package operator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/operator"
)

const good = "夕阳下的 竹篮 7 号"

var cheap = operator.Cost{MemoryKiB: 8, Passes: 1, Threads: 1}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func make1(t *testing.T, s *operator.Store, login string, roles ...string) operator.Operator {
	t.Helper()
	o, err := s.Create(context.Background(), operator.Draft{Login: login, Name: "某人", Password: good, Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOperators(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := operator.New(d, operator.Options{Cost: cheap})
		t.Run("the first administrator is made once", func(t *testing.T) {
			made, err := s.EnsureFirst(ctx, "Root", good)
			again, err2 := s.EnsureFirst(ctx, "root2", good)
			if !made || again || err != nil || err2 != nil {
				t.Fatal(made, again, err, err2)
			}
		})
		t.Run("bad drafts say what is wrong", func(t *testing.T) {
			for want, dr := range map[string]operator.Draft{
				"operator_login":  {Login: "王", Name: "n", Password: good, Roles: []string{"admin"}},
				"operator_name":   {Login: "wang", Name: " ", Password: good, Roles: []string{"admin"}},
				"operator_roles":  {Login: "wang", Name: "n", Password: good, Roles: []string{"god"}},
				"operator_exists": {Login: "ROOT", Name: "n", Password: good, Roles: []string{"admin"}},
				"password_short":  {Login: "wang", Name: "n", Password: "short", Roles: []string{"admin"}},
				"password_long":   {Login: "wang", Name: "n", Password: strings.Repeat("长", 100), Roles: []string{"admin"}},
				"password_common": {Login: "wang", Name: "n", Password: "my wang horse", Roles: []string{"admin"}},
			} {
				if _, err := s.Create(ctx, dr); code(err) != want {
					t.Errorf("want %s, got %v", want, err)
				}
			}
		})
		t.Run("what everybody tries is refused", func(t *testing.T) {
			for i, p := range []string{"1234567890", "aaaaaaaaaaaa", "abababababab", "qwertyuiop", "poiuytrewq", "abcdefghijk", "woaini1314!!", "Admin123456", "abc1234567", "1qaz2wsx3e"} {
				_, err := s.Create(ctx, operator.Draft{Login: fmt.Sprintf("zq%d", i), Name: "n", Password: p, Roles: []string{"analyst"}})
				if code(err) != "password_common" {
					t.Errorf("%s: %v", p, err)
				}
			}
		})
		t.Run("the last administrator stays, even when two demote each other", func(t *testing.T) {
			b := make1(t, s, "second", operator.Admin)
			all, err := s.List(ctx, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			a := all[slices.IndexFunc(all, func(o operator.Operator) bool { return o.Login == "root" })]
			var refused atomic.Int64
			var wg sync.WaitGroup
			for _, o := range []operator.Operator{a, b} {
				wg.Go(func() {
					_, err := s.Update(ctx, o.ID, operator.Change{Name: "n", Roles: []string{operator.Analyst}, State: operator.Active})
					if code(err) == "last_admin" {
						refused.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if refused.Load() != 1 {
				t.Fatal(refused.Load())
			}
		})
		t.Run("roles give their permissions and no others", func(t *testing.T) {
			o := make1(t, s, "chen", operator.Operations, operator.Operations)
			if len(o.Roles) != 1 || !o.Can(operator.CampaignWrite) || o.Can(operator.CampaignPublish) || o.Can("") {
				t.Fatalf("%+v", o)
			}
			o.State = operator.Disabled
			if o.Can(operator.CampaignRead) {
				t.Fatal("a disabled operator may do something")
			}
			for _, r := range operator.Roles() {
				for _, p := range r.Permissions {
					if !slices.Contains(operator.Permissions(), p) {
						t.Errorf("role %s gives unknown permission %s", r.Key, p)
					}
				}
			}
		})
	})
}

func TestLogin(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := operator.New(d, operator.Options{Cost: cheap})
		me := make1(t, s, "wang", operator.Admin)
		login := func(t *testing.T, ip string) (operator.Session, string) {
			t.Helper()
			sess, key, err := s.Login(ctx, operator.Attempt{Login: " Wang ", Password: good, IP: ip})
			if err != nil {
				t.Fatal(err)
			}
			return sess, key
		}
		t.Run("a session opens and neither its key nor the password lies in the database", func(t *testing.T) {
			sess, key := login(t, "10.0.0.1")
			back, err := s.Session(ctx, key)
			if err != nil || back.Operator.ID != me.ID || !back.CheckCSRF(sess.CSRF) || back.CheckCSRF("") || back.CheckCSRF(sess.CSRF+"x") {
				t.Fatal(back, err)
			}
			var stored string
			if err := d.Read(ctx).Raw("SELECT password_hash FROM operator").Scan(&stored).Error; err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=8,t=1,p=1$") {
				t.Fatal(stored, err)
			}
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM operator_session WHERE key_hash = ?", key).Scan(&n).Error; err != nil || n != 0 {
				t.Fatal(n, err)
			}
			if err := s.Logout(ctx, sess); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, key); code(err) != "not_logged_in" {
				t.Fatal(err)
			}
		})
		t.Run("a wrong key, an empty key and a long key are no session", func(t *testing.T) {
			for _, k := range []string{"", strings.Repeat("A", 43), strings.Repeat("A", 10000)} {
				if _, err := s.Session(ctx, k); code(err) != "not_logged_in" {
					t.Error(err)
				}
			}
		})
		t.Run("a session ends when idle, and after its whole life however busy", func(t *testing.T) {
			_, idle := login(t, "10.0.0.1")
			clk.Advance(2*time.Hour - time.Minute)
			if _, err := s.Session(ctx, idle); err != nil {
				t.Fatal(err)
			}
			clk.Advance(2*time.Hour - time.Minute) // use has moved the idle end
			if _, err := s.Session(ctx, idle); err != nil {
				t.Fatal(err)
			}
			clk.Advance(2 * time.Hour)
			if _, err := s.Session(ctx, idle); code(err) != "not_logged_in" {
				t.Fatal(err)
			}
			_, busy := login(t, "10.0.0.1")
			for range 11 {
				clk.Advance(time.Hour)
				if _, err := s.Session(ctx, busy); err != nil {
					t.Fatal(err)
				}
			}
			clk.Advance(time.Hour)
			if _, err := s.Session(ctx, busy); code(err) != "not_logged_in" {
				t.Fatal(err)
			}
		})
		t.Run("guesses from elsewhere are slowed, the owner at his address is not", func(t *testing.T) {
			for i := range 5 {
				if _, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: "wrong wrong", IP: "6.6.6.6"}); code(err) != "login_wrong" {
					t.Fatalf("try %d: %v", i, err)
				}
			}
			_, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: "6.6.6.6"})
			if code(err) != "too_many_attempts" || fault.Of(err).Detail["retry_after_s"] != 1 {
				t.Fatal(err)
			}
			login(t, "10.0.0.1")
		})
		t.Run("the pause grows to a quarter of an hour and not beyond", func(t *testing.T) {
			tries, waited := 0, time.Duration(0)
			for waited < 24*time.Hour {
				_, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: "wrong wrong", IP: "6.6.6.6"})
				switch code(err) {
				case "login_wrong":
					tries++
				case "too_many_attempts":
					pause := time.Duration(fault.Of(err).Detail["retry_after_s"].(int)) * time.Second
					if pause <= 0 || pause > 15*time.Minute {
						t.Fatal(pause)
					}
					clk.Advance(pause)
					waited += pause
				default:
					t.Fatal(err)
				}
			}
			if tries < 80 || tries > 120 {
				t.Fatalf("%d guesses in a day", tries)
			}
			login(t, "10.0.0.1") // his own address waits for nothing
			clk.Advance(15 * time.Minute)
			login(t, "7.7.7.7") // a new one is in when its pause is over
		})
		t.Run("a hundred guesses at once count as a hundred", func(t *testing.T) {
			make1(t, s, "busy", operator.Analyst)
			var looked atomic.Int64
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					if _, _, err := s.Login(ctx, operator.Attempt{Login: "busy", Password: "wrong wrong", IP: "6.6.6.6"}); code(err) == "login_wrong" {
						looked.Add(1)
					}
				})
			}
			wg.Wait()
			if n := looked.Load(); n < 1 || n > 5 {
				t.Fatalf("%d passwords were looked at", n)
			}
		})
		t.Run("an unknown and a disabled operator answer like a wrong password", func(t *testing.T) {
			o := make1(t, s, "gone", operator.Analyst)
			if _, err := s.Update(ctx, o.ID, operator.Change{Name: "n", Roles: []string{operator.Analyst}, State: operator.Disabled}); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"gone", "nobody", strings.Repeat("x", 300)} {
				var got []string
				for range 6 {
					_, _, err := s.Login(ctx, operator.Attempt{Login: name, Password: good, IP: "6.6.6.6"})
					got = append(got, code(err))
				}
				if strings.Join(got, " ") != "login_wrong login_wrong login_wrong login_wrong login_wrong too_many_attempts" {
					t.Errorf("%.20s: %v", name, got)
				}
			}
		})
		t.Run("a hash grows with the cost at the next log-in", func(t *testing.T) {
			dear := operator.New(d, operator.Options{Cost: operator.Cost{MemoryKiB: 16, Passes: 2, Threads: 1}})
			if _, _, err := dear.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: "10.0.0.1"}); err != nil {
				t.Fatal(err)
			}
			var stored string
			if err := d.Read(ctx).Raw("SELECT password_hash FROM operator WHERE login = 'wang'").Scan(&stored).Error; err != nil || !strings.Contains(stored, "$m=16,t=2,p=1$") {
				t.Fatal(stored, err)
			}
			login(t, "10.0.0.1") // the cheaper store does not lower it again
			if err := d.Read(ctx).Raw("SELECT password_hash FROM operator WHERE login = 'wang'").Scan(&stored).Error; err != nil || !strings.Contains(stored, "$m=16,t=2,p=1$") {
				t.Fatal(stored, err)
			}
		})
		t.Run("changing the password needs the old one and ends the other sessions", func(t *testing.T) {
			mine, key := login(t, "10.0.0.1")
			_, other := login(t, "10.0.0.2")
			if err := s.ChangePassword(ctx, mine, "wrong wrong", good+"!"); code(err) != "password_wrong" {
				t.Fatal(err)
			}
			if err := s.ChangePassword(ctx, mine, good, "1234567890"); code(err) != "password_common" {
				t.Fatal(err)
			}
			if err := s.ChangePassword(ctx, mine, good, good+"!"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, key); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, other); code(err) != "not_logged_in" {
				t.Fatal(err)
			}
			if _, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: "10.0.0.1"}); code(err) != "login_wrong" {
				t.Fatal(err)
			}
		})
		t.Run("disabling and resetting end all sessions", func(t *testing.T) {
			o := make1(t, s, "li-wei", operator.Admin)
			_, key, err := s.Login(ctx, operator.Attempt{Login: "li-wei", Password: good, IP: "10.0.0.9"})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetPassword(ctx, o.ID, good+"?"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, key); code(err) != "not_logged_in" {
				t.Fatal(err)
			}
			_, key, err = s.Login(ctx, operator.Attempt{Login: "li-wei", Password: good + "?", IP: "10.0.0.9"})
			if err != nil {
				t.Fatal(err)
			}
			for _, state := range []string{operator.Disabled, operator.Active} { // coming back does not revive them
				if _, err := s.Update(ctx, o.ID, operator.Change{Name: "李", Roles: []string{operator.Admin}, State: state}); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Session(ctx, key); code(err) != "not_logged_in" {
					t.Fatal(state, err)
				}
			}
		})
		t.Run("old sessions are pruned, young ones are not", func(t *testing.T) {
			clk.Advance(29 * 24 * time.Hour)
			_, key, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good + "!", IP: "10.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			clk.Advance(2 * 24 * time.Hour)
			if err := s.Prune(ctx, 1000); err != nil {
				t.Fatal(err)
			}
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM operator_session").Scan(&n).Error; err != nil || n != 1 {
				t.Fatal(n, err, key)
			}
		})
		t.Run("a damaged hash lets nobody in", func(t *testing.T) {
			for _, bad := range []string{"", "x", "$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$argon2id$v=19$m=8,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + strings.Repeat("A", 43)} {
				if err := d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec("UPDATE operator SET password_hash = ?, failures = 0, locked_until = 0 WHERE login = 'wang'", bad).Error
				}); err != nil {
					t.Fatal(err)
				}
				if _, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: "", IP: "10.0.0.1"}); err == nil || fault.KindOf(err) != fault.Internal {
					t.Errorf("%q: %v", bad, err)
				}
			}
		})
	})
}
