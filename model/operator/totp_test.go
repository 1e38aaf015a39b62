package operator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
	"siyu/model/seal"
)

// app is an authenticator written from RFC 6238 section 4, not from the code.
type app struct {
	secret []byte
	clk    *clock.Fake
}

func (a app) code(offset time.Duration) string {
	n := a.clk.Now().Time().Add(offset).Unix() / 30
	m := hmac.New(sha1.New, a.secret)
	_ = binary.Write(m, binary.BigEndian, n)
	sum := m.Sum(nil)
	o := sum[19] & 15
	v := (uint32(sum[o])&127)<<24 | uint32(sum[o+1])<<16 | uint32(sum[o+2])<<8 | uint32(sum[o+3])
	return fmt.Sprintf("%06d", v%1000000)
}

// The vectors of RFC 6238 appendix B, six digits, hold for the authenticator above; the
// tests below hold the program against it.
func TestTheAuthenticatorIsTheStandards(t *testing.T) {
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"} {
		a := app{[]byte("12345678901234567890"), clock.NewFake(clock.From(time.Unix(at, 0)))}
		if got := a.code(0); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

// guarded is an operator with a second factor.
func guarded(t *testing.T, d *db.DB, clk *clock.Fake) (s *operator.Store, a app, recovery []string) {
	t.Helper()
	ctx := context.Background()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s = operator.New(d, operator.Options{Cost: cheap, Box: box})
	if _, err := s.Create(ctx, operator.Draft{Login: "wang", Name: "王", Password: good, Roles: []string{operator.Admin}}); err != nil {
		t.Fatal(err)
	}
	first, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: "10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: "10.0.0.2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginTOTP(ctx, first, "wrong wrong", "siyu"); code(err) != "password_wrong" {
		t.Fatal(err)
	}
	clk.Advance(time.Minute)
	e, err := s.BeginTOTP(ctx, first, good, "siyu")
	if err != nil || !strings.HasPrefix(e.URL, "otpauth://totp/siyu:wang?") || !strings.Contains(e.URL, "secret="+e.Secret) {
		t.Fatal(e, err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret)
	if err != nil {
		t.Fatal(err)
	}
	a = app{secret, clk}
	if _, err := s.ConfirmTOTP(ctx, first, "000000"); code(err) != "totp_wrong" {
		t.Fatal("a wrong first code turns it on:", err)
	}
	if recovery, err = s.ConfirmTOTP(ctx, first, a.code(0)); err != nil || len(recovery) != 10 {
		t.Fatal(recovery, err)
	}
	if _, err := s.Session(ctx, other); code(err) != "not_logged_in" {
		t.Error("the session of before the second factor stands:", err)
	}
	clk.Advance(time.Minute)
	return s, a, recovery
}

func TestSecondFactor(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s, a, recovery := guarded(t, d, clk)
		try := func(second string) error {
			_, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, Code: second, IP: "10.0.0.1"})
			return err
		}
		if err := try(""); code(err) != "totp_needed" {
			t.Error("without a code:", err)
		}
		if _, _, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: "wrong wrong", Code: a.code(0), IP: "10.0.0.1"}); code(err) != "login_wrong" {
			t.Error("a code alone opens, or is told good:", err)
		}
		now := a.code(0)
		if err := try(now); err != nil {
			t.Fatal(err)
		}
		if err := try(now); code(err) != "totp_wrong" {
			t.Error("a code works twice:", err)
		}
		if err := try(a.code(-30 * time.Second)); code(err) != "totp_wrong" {
			t.Error("an older code works after a newer one:", err)
		}
		if err := try(a.code(30 * time.Second)); err != nil {
			t.Error("a phone half a minute ahead:", err)
		}
		wide := func(text string) string {
			return strings.Map(func(r rune) rune { return r + 0xfee0 }, text)
		}
		clk.Advance(10 * time.Minute)
		if c := a.code(0); try("　"+wide(c[:3])+"　"+wide(c[3:])+" ") != nil {
			t.Error("a code of a Chinese keyboard:", c)
		}
		if err := try(wide(recovery[5])); err != nil {
			t.Error("a recovery code of a Chinese keyboard:", err)
		}
		clk.Advance(10 * time.Minute)
		if err := try(a.code(-90 * time.Second)); code(err) != "totp_wrong" {
			t.Error("an old code:", err)
		}
		if err := try(strings.ToUpper(recovery[3])); err != nil {
			t.Error("a recovery code:", err)
		}
		if err := try(recovery[3]); code(err) != "totp_wrong" {
			t.Error("a recovery code works twice:", err)
		}
		list, err := s.List(ctx, 0, 10)
		if err != nil || !list[0].TOTP {
			t.Error(list, err)
		}
		if on, left, err := s.TOTP(ctx, list[0].ID); err != nil || !on || left != 8 {
			t.Error(on, left, err)
		}
		t.Run("many at once with one code open one session", func(t *testing.T) {
			clk.Advance(time.Minute)
			second, opened := a.code(0), make(chan struct{}, 8)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if try(second) == nil {
						opened <- struct{}{}
					}
				})
			}
			wg.Wait()
			if len(opened) > 1 {
				t.Errorf("%d sessions", len(opened))
			}
		})
		t.Run("guessing is slowed at a known address as well", func(t *testing.T) {
			clk.Advance(48 * time.Hour)
			tries := 0
			for range 40 {
				if err := try("123456"); code(err) == "totp_wrong" {
					tries++
				} else if code(err) != "too_many_attempts" {
					t.Fatal(err)
				}
			}
			if tries > 5 {
				t.Errorf("%d guesses in a moment", tries)
			}
			if err := try(a.code(0)); code(err) != "too_many_attempts" {
				t.Error("the pause is none:", err)
			}
			clk.Advance(25 * time.Hour)
			if err := try(a.code(0)); err != nil {
				t.Error("after the pause:", err)
			}
		})
		t.Run("turning off takes password and code, an administrator can", func(t *testing.T) {
			clk.Advance(time.Minute)
			in, key, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, Code: a.code(0), IP: "10.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.StopTOTP(ctx, in, good, "000000"); code(err) != "totp_wrong" {
				t.Error(err)
			}
			clk.Advance(time.Minute)
			if _, err := s.ResetTOTP(ctx, in.Operator.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Session(ctx, key); code(err) != "not_logged_in" {
				t.Error("the sessions stand:", err)
			}
			if err := try(""); err != nil {
				t.Error("without a second factor:", err)
			}
		})
	})
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := operator.New(d, operator.Options{Cost: cheap})
		o, err := s.Create(ctx, operator.Draft{Login: "wang", Name: "王", Password: good, Roles: []string{operator.Admin}})
		if err != nil {
			t.Fatal(err)
		}
		in := func(ip string) (operator.Session, string) {
			clk.Advance(time.Second)
			x, key, err := s.Login(ctx, operator.Attempt{Login: "wang", Password: good, IP: ip})
			if err != nil {
				t.Fatal(err)
			}
			return x, key
		}
		here, keyHere := in("10.0.0.1")
		_, keyThere := in("10.0.0.2")
		list, err := s.Sessions(ctx, o.ID, here)
		if err != nil || len(list) != 2 || list[0].IP != "10.0.0.2" || list[0].Current || !list[1].Current || strings.Contains(keyThere, list[0].ID) {
			t.Fatalf("%+v, %v", list, err)
		}
		if err := s.EndSession(ctx, o.ID+1, list[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(ctx, keyThere); err != nil {
			t.Error("somebody else ended it:", err)
		}
		for _, bad := range []string{"", "%", "0123", list[0].ID + "%"} {
			if err := s.EndSession(ctx, o.ID, bad); code(err) != "session_not_found" {
				t.Errorf("%q: %v", bad, err)
			}
		}
		for range 2 {
			if err := s.EndSession(ctx, o.ID, list[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Session(ctx, keyThere); code(err) != "not_logged_in" {
			t.Error("it goes on:", err)
		}
		if _, err := s.Session(ctx, keyHere); err != nil {
			t.Error("the other ended too:", err)
		}
	})
}
