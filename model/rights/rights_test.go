package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/crm"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/member"
	"siyu/model/message"
	"siyu/model/notice"
	"siyu/model/phone"
	"siyu/model/profile"
	"siyu/model/scan"
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
	w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 40})
	people := identity.New(d)
	members := member.New(d, people)
	w.Claims = claim.New(d, w.Campaigns, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, members)
	s := New(Deps{DB: d, Box: w.Box, Outbox: w.Outbox, Audit: audit.New(d), Consents: consent.New(d), Members: members, Phones: phone.New(d, w.Box), Company: "老井食品",
		Erasers: map[string]Eraser{"event": event.New(d, w.Outbox), "profile": profile.New(profile.Deps{DB: d}), "crm": crm.New(crm.Deps{DB: d})}})
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
	for serial := firstSerial; serial < firstSerial+6; serial++ {
		c := w.Code(w.t, serial)
		_, err := w.Scans.Record(ctx, scan.Observation{BrandID: c.BrandID, ProductID: c.ProductID, BatchID: c.BatchID, Serial: serial, CodeState: c.State, MemberID: p.member, IP: ip, UserAgent: ua})
		w.must(err)
		cl, err := w.Claims.Make(ctx, c, claim.Who{MemberID: p.member, AppID: claimtest.AppID, OpenID: p.open})
		w.must(err)
		p.claims = append(p.claims, cl)
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
	w.must(w.Store.Audit.Record(ctx, audit.Entry{Actor: "ops", Action: "profile.update", Object: "profile", ObjectID: p.member, After: map[string]any{"member_id": p.member, "nickname": nick}, Reason: nick + "来电"}))
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

// Every table is in the register or is said to hold nothing of a person.
func TestTheRegisterKnowsEveryTable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		known := impersonal()
		for _, x := range register() {
			if known[x.name] != "" {
				t.Errorf("%s is in both lists", x.name)
			}
			known[x.name] = x.title
			if x.title == "" || x.where == "" || !x.drop && x.by == "" && x.keep == "" {
				t.Errorf("%s: nobody says what stays and why", x.name)
			}
		}
		there := tablesOf(t, d)
		for _, name := range there {
			if known[name] == "" {
				t.Errorf("table %s: the register does not say what it holds of a person", name)
			}
		}
		for name := range known {
			if !slices.Contains(there, name) {
				t.Errorf("%s is no table", name)
			}
		}
		w.must(w.Check(ctx))
		w.Erasers = nil
		if w.Check(ctx) == nil {
			t.Error("an eraser that is missing is not noticed at the start")
		}
	})
}

func TestACopyHasAllThatIsKnownAndNothingOfOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		r := w.ask(p, Export)
		if again := w.ask(p, Export); again.ID != r.ID {
			t.Fatal("a second tap made another request")
		}
		r, _ = w.run(r)
		text, err := w.Download(ctx, p.member, r.ID)
		w.must(err)
		var c Copy
		w.must(json.Unmarshal(text, &c))
		full := string(text)
		for _, s := range []string{p.open, p.union, p.phone.Digits(), "昵称Aja", "31.9.1.77", "Browser-of-Aja", "31.2304Aja", "老井食品", p.claims[0].ID.String()} {
			if !strings.Contains(full, s) {
				t.Errorf("%q is not in the copy", s)
			}
		}
		for _, s := range append(other.secrets, other.member.String(), p.hash, "iphashAja") {
			if strings.Contains(full, s) {
				t.Errorf("%q is in the copy", s)
			}
		}
		if len(c.Sections)+len(c.Withheld) != len(register()) {
			t.Errorf("%d sections and %d withheld of %d", len(c.Sections), len(c.Withheld), len(register()))
		}
		for _, s := range c.Sections {
			if n := map[string]int{"claim": 6, "scan": 6, "consent": 1, "identity_key": 3, "profile_value": 1, "event": 1, "message": 1, "report": 1, "crm_row": 1}[s.Name]; n > 0 && len(s.Rows) != n {
				t.Errorf("%s has %d rows, want %d", s.Name, len(s.Rows), n)
			}
		}
		t.Run("the file is sealed, for its owner, a few times, for a few days", func(t *testing.T) {
			if strings.Contains(w.dump()["rights_file"], "Aja") {
				t.Error("it is readable in the table")
			}
			if _, err := w.Download(ctx, other.member, r.ID); fault.Of(err).Code != "request_not_found" {
				t.Error(err)
			}
			for range 2 {
				_, err := w.Download(ctx, p.member, r.ID)
				w.must(err)
			}
			if _, err := w.Download(ctx, p.member, r.ID); fault.Of(err).Code != "downloads_used" {
				t.Error(err)
			}
			fresh, _ := w.run(w.ask(p, Export))
			clk.Advance(8 * 24 * time.Hour)
			if _, err := w.Download(ctx, p.member, fresh.ID); fault.Of(err).Code != "file_not_ready" {
				t.Error(err)
			}
			n, err := w.Expire(ctx, 10)
			if err != nil || n != 2 || w.dump()["rights_file"] != "" {
				t.Error(n, err)
			}
		})
	})
}

func TestErasureLeavesNothingAndTheBookBalances(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		exported, _ := w.run(w.ask(p, Export))
		r := w.ask(p, Erase)
		if r.State != Approved || r.StartAt != clk.Now().Add(7*24*time.Hour) {
			t.Fatalf("%+v", r)
		}
		if again, why, err := w.Run(ctx, r.ID); err != nil || again < 6*24*time.Hour {
			t.Fatal("it does not rest:", again, why, err)
		}
		clk.Advance(7 * 24 * time.Hour)
		t.Run("while money is on its way it waits and says so", func(t *testing.T) {
			again, why, err := w.Run(ctx, r.ID)
			got, e := w.Get(ctx, r.ID)
			if err != nil || e != nil || again != moneyPause || !strings.Contains(why, "没有到账") || got.Answer != why || got.State != Approved {
				t.Fatal(again, why, got, err, e)
			}
			if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Active {
				t.Fatal(m, err)
			}
		})
		w.paid(p)
		again, _, err := w.Run(ctx, r.ID)
		w.must(err)
		if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Erased || again != w.Terms.Settle {
			t.Fatal("nobody may be him while he is being erased:", m, again, err)
		}
		if _, err := w.Claims.Make(ctx, w.Code(t, 30), claim.Who{MemberID: p.member, AppID: claimtest.AppID, OpenID: p.open}); fault.Of(err).Code != "member_blocked" {
			t.Fatal("an erased member claims:", err)
		}
		before := w.dump()
		r, why := w.run(r)
		if r.State != Done {
			t.Fatal(r, why)
		}
		after := w.dump()
		for name, text := range after {
			for _, s := range p.secrets {
				if strings.Contains(text, s) {
					t.Errorf("%s still has %q", name, s)
				}
			}
			for _, s := range other.secrets {
				if strings.Contains(before[name], s) && !strings.Contains(text, s) {
					t.Errorf("%s lost %q, which is another's", name, s)
				}
			}
		}
		for _, name := range []string{"claim", "ledger_entry", "product", "campaign"} {
			if after[name] != before[name] && len(after[name]) != len(before[name]) {
				t.Errorf("%s changed", name)
			}
		}
		if _, err := w.Download(ctx, p.member, exported.ID); err == nil {
			t.Error("the copy of before can still be had")
		}
		t.Run("the book balances and every invariant holds", func(t *testing.T) {
			trial, err := w.World.Ledger.TrialBalance(ctx)
			if err != nil || !trial.Balanced {
				t.Error(trial, err)
			}
			list, err := insight.New(d).Invariants(ctx, 1000*time.Hour)
			w.must(err)
			for _, c := range list {
				if !c.OK {
					t.Error(c)
				}
			}
		})
		t.Run("the proof is signed, counts, and says what stays", func(t *testing.T) {
			proof, err := w.ProofOf(ctx, r.ID)
			if err != nil || !w.VerifyProof(proof) || len(proof.Tables) != len(register()) || len(proof.Keys) != 3 {
				t.Fatalf("%+v %v", proof, err)
			}
			rows := map[string]int64{}
			for _, l := range proof.Tables {
				rows[l.Table] = l.Rows
			}
			for name, n := range map[string]int64{"phone": 1, "identity_key": 3, "scan": 6, "message": 1, "follower": 1, "notice": 1, "replay": 1, "profile_value": 1, "event": 1, "crm_row": 1} {
				if rows[name] != n {
					t.Errorf("%s: %d rows, want %d", name, rows[name], n)
				}
			}
			proof.Tables[0].Rows++
			if w.VerifyProof(proof) {
				t.Error("a changed proof is believed")
			}
		})
		t.Run("the same human coming back is a new one", func(t *testing.T) {
			again, err := w.people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: p.open, UnionID: p.union})
			w.must(err)
			m, err := w.Members.Of(ctx, again)
			if err != nil || again == p.human || m.ID == p.member || m.State != member.Active {
				t.Fatal(again, m, err)
			}
			second, _ := w.Ask(ctx, Ask{MemberID: m.ID, Kind: Erase, Channel: consent.Mini})
			clk.Advance(7 * 24 * time.Hour)
			if second, _ = w.run(second); second.State != Done {
				t.Fatal("he cannot be erased again:", second)
			}
		})
		t.Run("nothing more can be asked for who is gone, and a second run changes nothing", func(t *testing.T) {
			if _, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.H5}); fault.Of(err).Code != "member_not_found" {
				t.Error(err)
			}
			if again, why, err := w.Run(ctx, r.ID); again != 0 || why != "" || err != nil {
				t.Error(again, why, err)
			}
			if _, err := w.Members.Unblock(ctx, p.member); err != nil {
				t.Error(err)
			} else if m, _ := w.Members.Get(ctx, p.member); m.State != member.Erased {
				t.Error("an operator made him active again")
			}
		})
	})
}

// breaks is an eraser that fails, as by a crash in the middle.
type breaks struct{}

func (breaks) EraseTx(context.Context, *gorm.DB, []id.ID) (int64, error) {
	return 0, errors.New("the power is out")
}

func TestAnErasureThatBreaksOffIsDoneWholeByTheNextRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.live("Aja", 1)
		w.paid(p)
		r := w.ask(p, Erase)
		clk.Advance(7 * 24 * time.Hour)
		_, _, err := w.Run(ctx, r.ID)
		w.must(err)
		clk.Advance(w.Terms.Settle)
		good := w.Erasers["profile"]
		w.Erasers["profile"] = breaks{}
		if _, _, err := w.Run(ctx, r.ID); err == nil {
			t.Fatal("it did not break")
		}
		if text := w.dump(); !strings.Contains(text["identity_key"], p.open) || !strings.Contains(text["message"], p.open) {
			t.Fatal("half of it stands")
		}
		w.Erasers["profile"] = good
		if r, _ = w.run(r); r.State != Done {
			t.Fatal(r)
		}
		if text := w.dump(); strings.Contains(text["identity_key"], p.open) {
			t.Fatal("not erased")
		}
	})
}

func TestRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		t.Run("an erasure can be taken back while it rests, by nobody else", func(t *testing.T) {
			r := w.ask(p, Erase)
			if _, err := w.Cancel(ctx, other.member, r.ID); fault.Of(err).Code != "request_not_found" {
				t.Fatal(err)
			}
			for range 2 {
				if c, err := w.Cancel(ctx, p.member, r.ID); err != nil || c.State != Cancelled {
					t.Fatal(c, err)
				}
			}
			clk.Advance(8 * 24 * time.Hour)
			if again, _, err := w.Run(ctx, r.ID); again != 0 || err != nil {
				t.Fatal(again, err)
			}
			if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Active {
				t.Fatal(m, err)
			}
		})
		t.Run("a restriction stops profiling and marketing with its answer", func(t *testing.T) {
			r := w.ask(p, Restrict)
			ok, err := w.Consents.Given(ctx, p.member, consent.Profiling)
			if err != nil || ok || r.State != Done {
				t.Fatal(ok, r, err)
			}
		})
		t.Run("what an operator asks for waits for another look, and what is refused says why", func(t *testing.T) {
			r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.Operator, OperatorID: 9})
			if err != nil || r.State != Requested {
				t.Fatal(r, err)
			}
			if _, err := w.Refuse(ctx, r.ID, 8, ""); fault.Of(err).Code != "reason_missing" {
				t.Fatal(err)
			}
			if r, err = w.Refuse(ctx, r.ID, 8, "电话里无法核实身份，请本人登录申请"); err != nil || r.State != Refused || r.DecidedBy != 8 || r.Answer == "" {
				t.Fatal(r, err)
			}
			if _, err := w.Approve(ctx, r.ID, 8, ""); fault.Of(err).Code != "request_state" {
				t.Fatal(err)
			}
			r, err = w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.Operator, OperatorID: 9})
			w.must(err)
			if r, err = w.Approve(ctx, r.ID, 8, ""); err != nil || r.State != Approved {
				t.Fatal(r, err)
			}
			if r, _ = w.run(r); r.State != Done || r.FileBytes == 0 {
				t.Fatal(r)
			}
		})
		t.Run("a correction is sealed, written when it is approved, and forgotten then", func(t *testing.T) {
			r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Correct, Channel: consent.H5, Fields: map[string]string{"nickname": "改名后"}})
			if err != nil || r.State != Requested || strings.Contains(w.dump()["rights_request"], "改名后") {
				t.Fatal(r, err)
			}
			var wrote map[string]string
			w.Correct = func(_ context.Context, m id.ID, fields map[string]string, by id.ID, _ string) error {
				if wrote = fields; m != p.member || by != 8 {
					t.Error(m, by)
				}
				return nil
			}
			r, err = w.Approve(ctx, r.ID, 8, "已核对")
			if err != nil || r.State != Done || wrote["nickname"] != "改名后" || len(r.Detail) != 0 {
				t.Fatal(r, wrote, err)
			}
		})
		t.Run("the one that is due first stands at the top", func(t *testing.T) {
			first := w.ask(other, Erase)
			clk.Advance(72 * time.Hour)
			second := w.ask(p, Erase)
			list, err := w.List(ctx, "open", 0, 10)
			if err != nil || len(list) != 2 || list[0].ID != first.ID || list[1].ID != second.ID || list[0].DueAt >= list[1].DueAt {
				t.Fatal(list, err)
			}
			if mine, err := w.Mine(ctx, p.member, 100); err != nil || len(mine) != 6 || mine[0].ID != second.ID {
				t.Fatal(mine, err)
			}
		})
		for _, bad := range []Ask{{MemberID: p.member, Kind: "all", Channel: "h5"}, {MemberID: p.member, Kind: Export, Channel: "phone"}, {MemberID: p.member, Kind: Export, Channel: "operator"},
			{MemberID: p.member, Kind: Correct, Channel: "h5"}, {MemberID: p.member, Kind: Export, Channel: "h5", Fields: map[string]string{"a": "b"}}} {
			if _, err := w.Ask(ctx, bad); fault.KindOf(err) != fault.Invalid {
				t.Error(bad, err)
			}
		}
	})
}

func TestWorkingDays(t *testing.T) {
	friday := clock.From(time.Date(2026, 11, 20, 10, 0, 0, 0, clock.Shanghai))
	for days, want := range map[int]string{1: "2026-11-24 00:00", 5: "2026-11-28 00:00", 15: "2026-12-12 00:00"} {
		if got := workingDays(friday, days).Local(); got != want {
			t.Errorf("%d working days: %s, want %s", days, got, want)
		}
	}
}

func TestEveryListOfARegisterLineIsFilled(t *testing.T) {
	who := subject{lists: map[string]any{"members": 1, "persons": 1, "openids": 1, "heard": []string{"oABC"}, "phones": 1, "keys": 1, "accounts": 1, "scopes": 1, "names": []string{`"7"`}}}
	for _, x := range register() {
		where, args := who.condition(x.where)
		for _, m := range regexp.MustCompile(`@(\w+)`).FindAllStringSubmatch(where, -1) {
			if args[m[1]] == nil {
				t.Errorf("%s: @%s is nothing", x.name, m[1])
			}
		}
	}
}
