package rights

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/crm"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/message"
	"siyu/model/notice"
	"siyu/model/phone"
	"siyu/model/profile"
	"siyu/model/push"
	"siyu/model/scan"
	"siyu/model/segment"
	"siyu/model/tag"
)

var ctx = context.Background()

// town is a store over a campaign, with real people.
type town struct {
	*Store
	*claimtest.World
	t      *testing.T
	people *identity.Store
}

func newTown(t *testing.T, d *db.DB, clk *clock.Fake) *town {
	t.Helper()
	w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 400})
	people := identity.New(d)
	members := member.New(d, people)
	w.Claims = claim.New(d, w.Campaigns, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, members)
	s := New(Deps{DB: d, Box: w.Box, Outbox: w.Outbox, Consents: consent.New(d), Members: members, Phones: phone.New(d, w.Box), Company: "老井食品",
		Erasers: map[string]Eraser{"event": event.New(d, w.Outbox), "profile": profile.New(profile.Deps{DB: d}), "crm": crm.New(crm.Deps{DB: d}), "push": push.New(push.Deps{DB: d}), "tag": tag.New(tag.Deps{DB: d}), "segment": segment.New(d)}})
	return &town{Store: s, World: w, t: t, people: people}
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) exec(stmt string, args ...any) {
	w.t.Helper()
	w.must(w.Store.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }))
}

// person is one human with everything the program can know of him.
type person struct {
	member, human id.ID
	open, union   string
	phone         phone.Number
	hash          string
	secrets       []string // what must be nowhere after an erasure
	claims        []claim.Claim
}

// live gives a human a life: he logs in, shows his phone, agrees, scans, wins, is paid,
// follows, gets a message, tells his name, is written about.
func (w *town) live(name string, firstSerial int64) person {
	w.t.Helper()
	p := person{open: "oOpenIDof" + name + "0000000000", union: "uUnionOf" + name + "00000"}
	var err error
	p.human, err = w.people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: p.open, UnionID: p.union})
	w.must(err)
	m, err := w.Members.Of(ctx, p.human)
	w.must(err)
	p.member = m.ID
	p.phone, err = phone.Parse(fmt.Sprintf("139%08d", firstSerial))
	w.must(err)
	w.must(w.Store.DB.InTx(ctx, func(tx *gorm.DB) (err error) { p.hash, err = w.Phones.PutTx(ctx, tx, p.phone); return err }))
	_, err = w.people.Link(ctx, p.human, identity.Key{Kind: identity.Phone, Value: p.hash}, identity.Evidence{Event: identity.PhoneVerified, Channel: "mini", Note: "verified by " + name})
	w.must(err)
	ip, ua, nick := fmt.Sprintf("31.9.%d.77", firstSerial), "Browser-of-"+name, "昵称"+name
	p.secrets = []string{p.open, p.union, p.phone.Digits(), p.hash, ip, ua, nick, "verified by " + name, "31.2304" + name}
	_, err = w.Consents.Put(ctx, consent.Consent{MemberID: p.member, Purpose: consent.Profiling, Given: true, Channel: consent.H5, Evidence: consent.Evidence{IPHash: "iphash" + name, RequestID: "request" + name}})
	w.must(err)
	p.secrets = append(p.secrets, "iphash"+name, "request"+name)
	won := false
	for i := int64(0); i < 6 || !won; i++ { // the draw is sealed: now and then the first six win no money
		serial := firstSerial + i
		if i >= 6 {
			serial = 100 + 10*firstSerial + i
		}
		c := w.Code(w.t, serial)
		_, err := w.Scans.Record(ctx, scan.Observation{BrandID: c.BrandID, ProductID: c.ProductID, BatchID: c.BatchID, Serial: serial, CodeState: c.State, MemberID: p.member, IP: ip, UserAgent: ua})
		w.must(err)
		cl, err := w.Claims.Make(ctx, c, claim.Who{MemberID: p.member, AppID: claimtest.AppID, OpenID: p.open})
		w.must(err)
		p.claims, won = append(p.claims, cl), won || cl.CashFen > 0
	}
	w.exec("UPDATE scan SET exact_place = ? WHERE member_id = ?", "31.2304"+name, p.member)
	w.must(message.New(w.Store.DB, w.World.Outbox).Tell(ctx, message.Message{MessageKey: "remind:" + name, AccountID: w.Official.ID, MemberID: p.member, OpenID: p.open, Text: nick + "，您有红包"}))
	body, err := json.Marshal(map[string]string{"openid": p.open, "content": "我是" + nick})
	w.must(err)
	_, err = w.Notices.Store(ctx, notice.Notice{Source: notice.Official, DedupKey: "e:" + name, AccountID: w.Official.ID, Body: body})
	w.must(err)
	w.exec("INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) VALUES (?, ?, ?, 1, '', 1)", w.Official.ID, p.open, p.member)
	w.exec("INSERT INTO report (id, batch_id, serial, token_text, member_id, note, created_at) VALUES (?, 1, 1, '', ?, ?, 1)", w.Store.DB.NewID(), p.member, "我叫"+nick)
	w.exec("INSERT INTO profile_value (id, member_id, field, value, source, ref_id, reason, at) VALUES (?, ?, 'nickname', ?, 'self', 0, '', 1)", w.Store.DB.NewID(), p.member, nick)
	w.exec("INSERT INTO crm_row (import_id, row_no, outcome, person_id, member_id, wrote) VALUES (?, ?, 'old', ?, ?, ?)", 7, firstSerial, p.human, p.member, `{"name":"`+nick+`"}`)
	w.exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?, ?, 'custom', ?, ?, 'open', 1, 1, ?)", w.Store.DB.NewID(), "custom:"+name, w.Brand.ID, p.member, []byte(`{"who":"`+nick+`"}`))
	w.exec("INSERT INTO replay (scope, idem_key, input_hash, status, answer, created_at) VALUES (?, 'k', '', 200, ?, ?)", "member:"+p.member.String(), []byte(nick), clk(w))
	w.must(audit.New(w.Store.DB).Record(ctx, audit.Entry{Actor: "ops", Action: "profile.update", Object: "profile", ObjectID: p.member, After: map[string]any{"member_id": p.member, "nickname": nick}, Reason: nick + "来电"}))
	return p
}

func clk(w *town) clock.Instant { return w.World.Clock.Now() }

// paid brings a person's payouts to their end.
func (w *town) paid(p person) {
	w.exec("UPDATE payout SET state = 'settled', finished_at = 1 WHERE member_id = ?", p.member)
	w.exec(`INSERT INTO ledger_entry (id, entry_key, unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at)
		SELECT -id, bill_no, 'fen', 'promised', campaign_id, 'paid', campaign_id, amount_fen, '', 1 FROM payout WHERE member_id = ?`, p.member)
}

// run drives a request until it rests or is over.
func (w *town) run(r Request) (Request, string) {
	w.t.Helper()
	why := ""
	for range 10 {
		again, reason, err := w.Run(ctx, r.ID)
		w.must(err)
		if r, err = w.Get(ctx, r.ID); err != nil || !r.Open() {
			w.must(err)
			return r, ""
		}
		if why = reason; again > w.Terms.Settle {
			return r, why
		}
		w.World.Clock.Advance(again)
	}
	w.t.Fatal("it never rests:", why)
	return r, why
}

func (w *town) ask(p person, kind string) Request {
	w.t.Helper()
	r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: kind, Channel: consent.H5})
	w.must(err)
	return r
}

// dump reads every value of every table as text.
func (w *town) dump() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, name := range tablesOf(w.t, w.Store.DB) {
		var rows []map[string]any
		w.must(w.Store.DB.Read(ctx).Raw("SELECT * FROM " + name).Find(&rows).Error)
		var b strings.Builder
		for _, r := range rows {
			for column, v := range r {
				if text, ok := v.([]byte); ok {
					v = string(text)
				}
				fmt.Fprintf(&b, "%s=%v\n", column, v)
			}
		}
		out[name] = b.String()
	}
	return out
}

func tablesOf(t *testing.T, d *db.DB) (names []string) {
	t.Helper()
	q := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if d.Driver() == db.MySQL {
		q = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	}
	if err := d.Read(ctx).Raw(q).Scan(&names).Error; err != nil || len(names) < 30 {
		t.Fatal(names, err)
	}
	slices.Sort(names)
	return names
}
