package admin_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
)

// accessKeyed ends log-ins that are not there, and resets a second factor that is none.
func (o *office) accessKeyed() map[string]retry {
	of := "/operators/" + o.operator.ID.String()
	return map[string]retry{
		"DELETE /me/sessions/:session":            {"/me/sessions/0123456789abcdef", ``, `{}`},
		"DELETE /operators/:id/sessions/:session": {of + "/sessions/0123456789abcdef", ``, `{}`},
		"POST /operators/:id/totp/reset":          {of + "/totp/reset", `{"reason":"丢了手机"}`, `{"reason":"换手机"}`},
	}
}

// authenticator is the app on somebody's phone.
type authenticator struct {
	secret []byte
	clk    *clock.Fake
}

func newAuthenticator(t *testing.T, clk *clock.Fake, text string) authenticator {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return authenticator{secret, clk}
}

func (a authenticator) code() string {
	m := hmac.New(sha1.New, a.secret)
	_ = binary.Write(m, binary.BigEndian, a.clk.Now().Time().Unix()/30)
	sum := m.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff)%1_000_000)
}

// accessFills are bodies that are known only when their turn comes.
func (o *office) accessFills() map[string]func() string {
	var a authenticator
	return map[string]func() string{
		"POST /me/totp/confirm": func() string {
			var e operator.Enrolment
			o.root.do("POST", "/me/totp", `{"password":"`+password+`"}`).into(o.t, &e)
			a = newAuthenticator(o.t, o.clk, e.Secret)
			return `{"code":"` + a.code() + `"}`
		},
		"POST /me/totp/stop": func() string {
			o.clk.Advance(time.Minute)
			return `{"password":"` + password + `","code":"` + a.code() + `"}`
		},
	}
}

func TestSecondFactorOfAnOperator(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		root := s.as(t, "root", operator.Admin)
		p := s.as(t, "fin-1", operator.Finance)
		var e operator.Enrolment
		p.do("POST", "/me/totp", `{"password":"`+password+`"}`).into(t, &e)
		a := newAuthenticator(t, clk, e.Secret)
		var got struct{ Recovery []string }
		p.do("POST", "/me/totp/confirm", `{"code":"`+a.code()+`"}`).into(t, &got)
		if len(got.Recovery) != 10 {
			t.Fatal(got)
		}
		in := func(extra string) answer {
			return s.nobody().do("POST", "/login", `{"login":"fin-1","password":"`+password+`"`+extra+`}`)
		}
		if x := in(""); x.Status != 401 || x.Error.Code != "totp_needed" {
			t.Errorf("%d %s", x.Status, x.Raw)
		}
		if x := in(`,"code":"000000"`); x.Status != 401 || x.Error.Code != "totp_wrong" {
			t.Errorf("%d %s", x.Status, x.Raw)
		}
		if x := in(`,"code":"` + got.Recovery[0] + `"`); x.Status != 200 {
			t.Errorf("%d %s", x.Status, x.Raw)
		}
		var me struct {
			On           bool
			RecoveryLeft int `json:"recovery_left"`
		}
		if p.do("GET", "/me/totp", "").into(t, &me); !me.On || me.RecoveryLeft != 9 {
			t.Errorf("%+v", me)
		}
		var list []struct {
			ID, Login string
			TOTP      bool
		}
		root.do("GET", "/operators", "").into(t, &list)
		for _, o := range list {
			if o.TOTP != (o.Login == "fin-1") {
				t.Errorf("%+v", o)
			}
			if o.Login != "fin-1" {
				continue
			}
			var open []operator.SessionLine
			if root.do("GET", "/operators/"+o.ID+"/sessions", "").into(t, &open); len(open) != 2 || open[0].Current {
				t.Errorf("%+v", open)
			}
			if x := root.do("POST", "/operators/"+o.ID+"/totp/reset", `{"reason":""}`); x.Status != 400 {
				t.Errorf("%d %s", x.Status, x.Raw)
			}
			root.do("POST", "/operators/"+o.ID+"/totp/reset", `{"reason":"丢了手机"}`).into(t, &struct{}{})
		}
		if x := p.do("GET", "/me", ""); x.Status != 401 {
			t.Errorf("his session of before: %d", x.Status)
		}
		if x := in(""); x.Status != 200 {
			t.Errorf("%d %s", x.Status, x.Raw)
		}
		// Neither the secret nor a code is in what the program keeps of requests and acts.
		for _, table := range []string{"audit", "replay"} {
			var rows []map[string]any
			if err := d.Read(t.Context()).Table(table).Find(&rows).Error; err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(rows)
			if strings.Contains(text, e.Secret) || strings.Contains(text, got.Recovery[1]) {
				t.Errorf("%s holds a secret", table)
			}
		}
	})
}
