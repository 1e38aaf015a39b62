package apikey

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/seal"
)

// The example of the README, checked with openssl:
// printf 'POST\n/open/v1/events?x=1\n1795233600\nabcdefgh\n%s' $(printf '{}' | sha256sum | cut -c1-64) | openssl dgst -sha256 -hmac secret
func TestSignatureIsTheDocumentedOne(t *testing.T) {
	r := Request{Method: "POST", Target: "/open/v1/events?x=1", Time: "1795233600", Nonce: "abcdefgh"}
	text := r.Text([]byte("{}"))
	if text != "POST\n/open/v1/events?x=1\n1795233600\nabcdefgh\n44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" {
		t.Fatalf("%q", text)
	}
	if got := Signature("secret", text); got != opensslSays {
		t.Error(got)
	}
}

const opensslSays = "585f8533eba5dfa913e2d933f0c26ba46f8757d05c534f81a8ae7966741050bf"

// caller signs requests with a secret.
type caller struct {
	access, secret string
	clk            clock.Clock
	n              int
}

func (c *caller) request(change ...func(*Request)) Request {
	c.n++
	r := Request{Access: c.access, Method: "POST", Target: "/open/v1/events", Time: strconv.FormatInt(int64(c.clk.Now())/1000, 10), Nonce: fmt.Sprintf("nonce-%06d", c.n)}
	for _, f := range change {
		f(&r)
	}
	if r.Sign == "" {
		r.Sign = Signature(c.secret, r.Text([]byte("{}")))
	}
	return r
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		box, err := seal.Parse(seal.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		s, other := New(d, box), New(d, box) // two processes
		k, secret, err := s.Create(ctx, Draft{BrandID: 1, Name: " 天猫店 ", Permissions: []string{OrdersWrite, EventsWrite, OrdersWrite}, PersonKinds: []string{"phone", "crm:tmall"}})
		if err != nil || k.Name != "天猫店" || fmt.Sprint(k.Permissions) != "[events:write orders:write]" || k.PerMinute != PerMinute {
			t.Fatalf("%+v %v", k, err)
		}
		c := &caller{access: k.Access, secret: secret, clk: clk}
		check := func(t *testing.T, s *Store, r Request, want string) {
			t.Helper()
			got, err := s.Authenticate(ctx, r, []byte("{}"))
			if code(err) != want || want == "" && got.ID != k.ID {
				t.Errorf("%+v %v, want %q", got, err, want)
			}
		}
		t.Run("a key can what it was given and no more", func(t *testing.T) {
			if !k.Can(OrdersWrite) || k.Can(EventsRead) || !k.Makes("phone", "") || !k.Makes("crm", "tmall") || k.Makes("crm", "jd") || k.Makes("card", "") {
				t.Errorf("%+v", k)
			}
		})
		t.Run("the secret is nowhere in the table", func(t *testing.T) {
			var rows []map[string]any
			if err := d.Read(ctx).Table("api_key").Find(&rows).Error; err != nil || len(rows) != 1 {
				t.Fatal(rows, err)
			}
			if strings.Contains(fmt.Sprintf("%s", rows), secret) {
				t.Error("in clear")
			}
		})
		t.Run("only what was signed passes", func(t *testing.T) {
			check(t, s, c.request(), "")
			good := c.request()
			for name, change := range map[string]func(*Request){
				"method": func(r *Request) { r.Method = "GET" }, "query": func(r *Request) { r.Target += "?a=1" },
				"nonce": func(r *Request) { r.Nonce += "x" }, "time": func(r *Request) { r.Time = strconv.FormatInt(int64(clk.Now())/1000+1, 10) },
				"a key that is nobody's": func(r *Request) { r.Access = "ak" + strings.Repeat("0", 24) },
			} {
				r := good
				r.Sign = c.request(func(x *Request) { *x = good }).Sign
				change(&r)
				t.Run(name, func(t *testing.T) { check(t, s, r, "bad_signature") })
			}
			if _, err := s.Authenticate(ctx, good, []byte("{ }")); code(err) != "bad_signature" {
				t.Error("another body:", err)
			}
		})
		t.Run("what is malformed or too old is refused before anything is computed", func(t *testing.T) {
			at := func(d time.Duration) func(*Request) {
				return func(r *Request) { r.Time = strconv.FormatInt(int64(clk.Now().Add(d))/1000, 10) }
			}
			check(t, s, c.request(at(-Window)), "")
			check(t, s, c.request(at(Window)), "")
			check(t, s, c.request(at(-Window-time.Second)), "bad_time")
			check(t, s, c.request(at(Window+time.Second)), "bad_time")
			for _, change := range []func(*Request){
				func(r *Request) { r.Access = "" }, func(r *Request) { r.Time = "now" }, func(r *Request) { r.Nonce = "short" },
				func(r *Request) { r.Sign = strings.Repeat("F", 64) }, func(r *Request) { r.Nonce = "with space" },
			} {
				check(t, s, c.request(change), "bad_headers")
			}
		})
		t.Run("after a rotation both secrets are good, then only the new one", func(t *testing.T) {
			old := *c
			if _, c.secret, err = s.Rotate(ctx, k.ID, time.Hour); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			for _, p := range []*Store{s, other} {
				check(t, p, c.request(), "")
				check(t, p, old.request(), "")
			}
			clk.Advance(time.Hour)
			check(t, s, c.request(), "")
			check(t, s, old.request(), "bad_signature")
			old = *c
			if _, c.secret, err = s.Rotate(ctx, k.ID, 0); err != nil {
				t.Fatal(err)
			}
			clk.Advance(time.Second)
			check(t, other, c.request(), "")
			check(t, other, old.request(), "bad_signature")
			if _, _, err := s.Rotate(ctx, k.ID, MaxKeep+1); fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
		})
		t.Run("its use is noted, to the minute", func(t *testing.T) {
			if got, err := s.Get(ctx, k.ID); err != nil || got.UsedAt < clk.Now().Add(-time.Minute) {
				t.Errorf("%+v %v", got, err)
			}
		})
		t.Run("a revoked key is refused everywhere within a second, for good", func(t *testing.T) {
			check(t, s, c.request(), "")
			check(t, other, c.request(), "")
			for range 2 {
				if got, err := s.Revoke(ctx, k.ID); err != nil || got.State != Revoked || got.RevokedAt == 0 {
					t.Fatalf("%+v %v", got, err)
				}
			}
			clk.Advance(time.Second)
			check(t, s, c.request(), "bad_signature")
			check(t, other, c.request(), "bad_signature")
			if _, _, err := s.Rotate(ctx, k.ID, 0); !errors.Is(err, errRevoked) {
				t.Error(err)
			}
		})
		t.Run("mistakes of an operator are named", func(t *testing.T) {
			for field, change := range map[string]func(*Draft){
				"name": func(d *Draft) { d.Name = "" }, "permissions": func(d *Draft) { d.Permissions = []string{"money:write"} },
				"person_kinds": func(d *Draft) { d.PersonKinds = []string{"openid:wx1"} }, "per_minute": func(d *Draft) { d.PerMinute = -1 },
			} {
				draft := Draft{BrandID: 1, Name: "x", Permissions: []string{EventsRead}}
				change(&draft)
				if _, _, err := s.Create(ctx, draft); code(err) != field {
					t.Errorf("%s: %v", field, err)
				}
			}
			if _, err := s.Get(ctx, 9); code(err) != "apikey_not_found" {
				t.Error(err)
			}
		})
		t.Run("pages of a brand's keys, newest first", func(t *testing.T) {
			for range 3 {
				clk.Advance(time.Second)
				if _, _, err := s.Create(ctx, Draft{BrandID: 2, Name: "x", Permissions: []string{EventsRead}}); err != nil {
					t.Fatal(err)
				}
			}
			first, err := s.List(ctx, 2, 0, 2)
			if err != nil || len(first) != 2 || first[0].CreatedAt < first[1].CreatedAt {
				t.Fatal(first, err)
			}
			if rest, err := s.List(ctx, 2, first[1].ID, 2); err != nil || len(rest) != 1 || rest[0].CreatedAt >= first[1].CreatedAt {
				t.Error(rest, err)
			}
		})
	})
}

func TestGate(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	g := NewGate(clk)
	k := Key{ID: 1, PerMinute: 60}
	n := 0
	fresh := func() string { n++; return fmt.Sprint("nonce", n) }
	t.Run("a burst, then its rate, and others are not held up", func(t *testing.T) {
		for range 10 {
			if err := g.Pass(k, fresh()); err != nil {
				t.Fatal(err)
			}
		}
		err := g.Pass(k, fresh())
		if f := fault.Of(err); f == nil || f.Kind != fault.Throttled || f.Detail["retry_after_s"] != 1+1 && f.Detail["retry_after_s"] != 1 {
			t.Fatal(err)
		}
		if err := g.Pass(Key{ID: 2, PerMinute: 60}, fresh()); err != nil {
			t.Error(err)
		}
		passed := 0
		for range 30 {
			clk.Advance(500 * time.Millisecond)
			if g.Pass(k, fresh()) == nil {
				passed++
			}
		}
		if passed != 15 {
			t.Errorf("%d in 15 seconds at one a second", passed)
		}
	})
	t.Run("a nonce passes once in all the time in which its request would be good", func(t *testing.T) {
		k := Key{ID: 3, PerMinute: mostRate}
		for range 7 {
			once := fresh()
			if err := g.Pass(k, once); err != nil {
				t.Fatal(err)
			}
			for at := time.Duration(0); at <= 2*Window-time.Second; at += Window / 3 {
				if err := g.Pass(k, once); code(err) != "nonce_used" {
					t.Fatalf("after %s: %v", at, err)
				}
				clk.Advance(Window / 3)
			}
			if err := g.Pass(Key{ID: 4, PerMinute: mostRate}, once); err != nil {
				t.Error("another key's nonce:", err)
			}
		}
		clk.Advance(5 * Window)
		g.Pass(k, fresh())
		clk.Advance(5 * Window)
		g.Pass(k, fresh())
		if len(g.nonces)+len(g.last) > 2 {
			t.Errorf("%d nonces are kept", len(g.nonces)+len(g.last))
		}
	})
}
