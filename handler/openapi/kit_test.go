package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/profile"
	"siyu/model/seal"
	"siyu/model/tag"
)

// site is the open API on one database.
type site struct {
	*gin.Engine
	t      *testing.T
	d      *db.DB
	clk    *clock.Fake
	h      *Handler
	keys   *apikey.Store
	events *event.Store
	people *identity.Store
	roll   *member.Store
	tags   *tag.Store
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake) *site {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, d: d, clk: clk, keys: apikey.New(d, box), people: identity.New(d), events: event.New(d, outbox.New(d))}
	s.roll = member.New(d, s.people)
	in := event.NewIntake(event.IntakeDeps{Events: s.events, People: s.people, Members: s.roll, Phones: phone.New(d, box), Keys: s.keys, Box: box})
	consents := consent.New(d)
	profiles := profile.New(profile.Deps{DB: d, Families: s.roll, Consents: consents, Points: points.New(ledger.New(d))})
	s.tags = tag.New(tag.Deps{DB: d, Outbox: outbox.New(d), Consents: consents, Profiles: profiles, Events: s.events})
	if s.h, err = New(Deps{Clock: clk, Keys: s.keys, Intake: in, Tags: s.tags}); err != nil {
		t.Fatal(err)
	}
	if s.Engine, err = web.NewEngine(web.Options{Clock: clk, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	web.Mount(s, s.h.Routes(), nil)
	return s
}

// partner is a shop system with a key.
type partner struct {
	s      *site
	key    apikey.Key
	secret string
	n      int
}

func (s *site) partner(rate int, permissions ...string) *partner {
	s.t.Helper()
	k, secret, err := s.keys.Create(context.Background(), apikey.Draft{BrandID: 5, Name: "天猫", Permissions: permissions, PersonKinds: []string{"phone", "crm:tmall"}, PerMinute: rate})
	if err != nil {
		s.t.Fatal(err)
	}
	return &partner{s: s, key: k, secret: secret}
}

type reply struct {
	Status int
	Header map[string][]string
	Raw    string
	Data   json.RawMessage
	Error  struct{ Code, Message string }
}

func (r reply) outcomes(t *testing.T) (o outcomes) {
	t.Helper()
	if err := json.Unmarshal(r.Data, &o); err != nil || r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Raw)
	}
	return o
}

// words are the outcomes in short.
func (o outcomes) words() string {
	var list []string
	for _, r := range o.Results {
		w := r.Status
		if r.Error != nil {
			w += "/" + r.Error.Code
		}
		list = append(list, w)
	}
	return strings.Join(list, " ")
}

// do signs and sends; change spoils the signed request.
func (p *partner) do(method, target, body string, change ...func(h map[string]string)) reply {
	p.n++
	req := apikey.Request{Access: p.key.Access, Method: method, Target: Base + target, Time: strconv.FormatInt(int64(p.s.clk.Now())/1000, 10), Nonce: fmt.Sprintf("nonce-%06d", p.n)}
	header := map[string]string{"X-Siyu-Key": req.Access, "X-Siyu-Time": req.Time, "X-Siyu-Nonce": req.Nonce, "X-Siyu-Sign": apikey.Signature(p.secret, req.Text([]byte(body)))}
	for _, f := range change {
		f(header)
	}
	r := httptest.NewRequest(method, "http://siyu.test"+Base+target, strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	p.s.ServeHTTP(w, r)
	a := reply{Status: w.Code, Header: w.Header(), Raw: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &a)
	return a
}

func (s *site) count(from string) (n int) {
	s.t.Helper()
	if err := s.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + from).Scan(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *site) member(openID string) id.ID {
	s.t.Helper()
	p, err := s.people.Resolve(context.Background(), identity.Login{AppID: "wx1", OpenID: openID})
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := s.roll.Of(context.Background(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	return m.ID
}

const (
	reviewed = `{"key":"r-1","type":"review","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"phone","value":"138 0013 8000"}],"body":{"stars":5,"text":"好喝"}}`
	ordered  = `{"source":"tmall","order_no":"1001","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"phone","value":"13800138000"}],"amount_fen":5980,"lines":[{"gtin":"06901234567892","quantity":2,"amount_fen":5980}]}`
	refunded = `{"source":"tmall","order_no":"1001","refund_no":"R1","at":"2026-11-21T11:00:00+08:00","person":[{"kind":"phone","value":"13800138000"}],"amount_fen":-2990,"lines":[{"gtin":"06901234567892","quantity":-1,"amount_fen":-2990}]}`
	unknown  = `{"key":"r-2","type":"review","at":"2026-11-21T10:00:00+08:00","person":[{"kind":"crm","scope":"jd","value":"77"}],"body":{"stars":1}}`
)
