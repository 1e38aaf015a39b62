package reach_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/quiet"
	"siyu/model/reach"
)

const (
	official = id.ID(11)
	mini     = id.ID(12)
	corp     = id.ID(13)
	brandID  = id.ID(7)
	tmpl     = "tmpl-1"
)

// site is a ledger with one brand of three accounts.
type site struct {
	*testing.T
	ctx      context.Context
	d        *db.DB
	clk      *clock.Fake
	reach    *reach.Store
	follows  *follow.Store
	people   *identity.Store
	members  *member.Store
	consents *consent.Store
	quiet    *quiet.Store
	next     id.ID // of the next delivery
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake) *site {
	people := identity.New(d)
	s := &site{T: t, ctx: context.Background(), d: d, clk: clk, people: people, members: member.New(d, people), consents: consent.New(d), quiet: quiet.New(d), next: 1_000_000}
	s.follows = follow.New(d, people, s.members)
	account := func(_ context.Context, a id.ID) (brand.Account, error) {
		kind := map[id.ID]string{official: brand.Official, mini: brand.Mini, corp: brand.WeCom}[a]
		return brand.Account{ID: a, BrandID: brandID, Kind: kind, AppID: appOf(a)}, nil
	}
	s.reach = reach.New(reach.Deps{DB: d, People: people, Members: s.members, Accounts: account, AccountsOf: func(ctx context.Context, _ id.ID) (list []brand.Account, err error) {
		for _, x := range []id.ID{official, mini, corp} {
			a, _ := account(ctx, x)
			list = append(list, a)
		}
		return list, nil
	}})
	for _, x := range []id.ID{official, mini, corp} { // for those who count a brand's followers
		s.ok(d.InTx(s.ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO account (id, brand_id, kind, app_id, name, callback_slug, settings, secrets, created_at, updated_at) VALUES (?,?,?,?,?,?,'{}','',1,1)", x, brandID, "official", appOf(x), appOf(x), appOf(x)).Error
		}))
	}
	return s
}

func each(t *testing.T, fn func(s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(newSite(t, d, clk)) })
}

func appOf(account id.ID) string { return fmt.Sprintf("wx%d", account) }

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// push applies a report of WeChat's, as the job does.
func (s *site) push(account id.ID, m follow.Message) {
	s.Helper()
	m.AppID = appOf(account)
	if m.CreatedAt == 0 {
		m.CreatedAt = s.clk.Now().Time().Unix()
	}
	s.ok(s.heard(account, m))
}

// heard is push without failing the test from another goroutine.
func (s *site) heard(account id.ID, m follow.Message) error {
	body, err := m.Body()
	if err != nil {
		return err
	}
	source := notice.Official
	if account == mini {
		source = notice.Mini
	}
	n := notice.Notice{Source: source, AccountID: account, Body: body}
	if err := s.follows.ApplyMessage(s.ctx, n); err != nil {
		return err
	}
	return s.reach.Apply(s.ctx, n)
}

func (s *site) event(account id.ID, openID, name string) {
	s.Helper()
	s.push(account, follow.Message{OpenID: openID, Type: "event", Event: name})
}

func (s *site) says(account id.ID, openID string) {
	s.Helper()
	s.push(account, follow.Message{OpenID: openID, Type: "text", Content: "你好"})
}

func (s *site) allows(account id.ID, openID, template string) {
	s.Helper()
	s.push(account, follow.Message{OpenID: openID, Type: "event", Event: "subscribe_msg_popup_event", Grants: []follow.Grant{{TemplateID: template, Status: "accept"}}})
}

// member is who an openid is.
func (s *site) member(account id.ID, openID string) id.ID {
	s.Helper()
	p, err := s.people.Meet(s.ctx, appOf(account), openID)
	s.ok(err)
	m, err := s.members.Of(s.ctx, p)
	s.ok(err)
	return m.ID
}

func (s *site) agrees(m id.ID) {
	s.Helper()
	_, err := s.consents.Put(s.ctx, consent.Consent{MemberID: m, Purpose: consent.Marketing, Given: true, Channel: consent.H5})
	s.ok(err)
}

func ask(purpose string, uses ...reach.Use) reach.Ask {
	return reach.Ask{BrandID: brandID, Purpose: purpose, Uses: uses}
}

func (s *site) look(a reach.Ask, m id.ID) reach.Answer {
	s.Helper()
	list, err := s.reach.Look(s.ctx, a, []id.ID{m})
	s.ok(err)
	if len(list) != 1 || list[0].MemberID != m {
		s.Fatalf("%+v", list)
	}
	return list[0]
}

// take takes a ticket for a new delivery.
func (s *site) take(a reach.Ask, m id.ID) (t reach.Ticket, answer reach.Answer) {
	s.Helper()
	s.next++
	return s.takeFor(a, m, s.next)
}

func (s *site) takeFor(a reach.Ask, m, delivery id.ID) (t reach.Ticket, answer reach.Answer) {
	s.Helper()
	s.ok(s.reach.Prepare(s.ctx, a))
	s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) (err error) {
		t, answer, err = s.reach.TakeTx(s.ctx, tx, a, m, delivery)
		return err
	}))
	return t, answer
}

func (s *site) end(t reach.Ticket, outcome, code string) {
	s.Helper()
	s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error { return s.reach.EndTx(s.ctx, tx, t.ID, outcome, code) }))
}

// sends takes and sends once; the reason otherwise.
func (s *site) sends(a reach.Ask, m id.ID) string {
	s.Helper()
	t, answer := s.take(a, m)
	if t.ID == 0 {
		if answer.Use != -1 || answer.Reason == "" {
			s.Fatalf("neither ticket nor reason: %+v", answer)
		}
		return answer.Reason
	}
	if answer.Use != t.Use || answer.Reason != "" || t.OpenID == "" {
		s.Fatalf("%+v %+v", t, answer)
	}
	s.end(t, reach.Sent, "")
	return ""
}

func (s *site) expect(got, want string) {
	s.Helper()
	if got != want {
		s.Fatalf("%q, want %q", got, want)
	}
}

func (s *site) wait(d time.Duration) { s.clk.Advance(d) }

// race takes as pushes do, without failing the test from another goroutine: the reason, or
// the error.
func (s *site) race(a reach.Ask, m, delivery id.ID) (reason string) {
	err := s.d.InFreshTx(s.ctx, func(tx *gorm.DB) error {
		_, answer, err := s.reach.TakeTx(s.ctx, tx, a, m, delivery)
		reason = answer.Reason
		return err
	})
	if err != nil {
		return err.Error()
	}
	return reason
}
