package referral

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

const day = 24 * time.Hour

// referrer is who counts as the member's referrer now; 0: nobody.
func (w *town) referrer(m id.ID) id.ID {
	w.t.Helper()
	b, _, err := w.ReferrerOf(ctx, brand, m, w.clk.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return b.ReferrerID
}

func TestWhoIsACustomerAlreadyIsNobodysReferee(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		leader := w.person()
		claimed := func(m id.ID) {
			w.exec(`INSERT INTO claim (id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at)
				VALUES (?,3,?,?,2,?,4,1,'cash','红包',188,5,20261121,?)`, d.NewID(), m, brand, m, clk.Now())
		}
		ordered := func(m id.ID, brandID id.ID) {
			w.exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?,?,?,?,?,'open',?,?,?)",
				d.NewID(), "o"+m.String(), event.Order, brandID, m, clk.Now(), clk.Now(), []byte("{}"))
		}
		buyer, orderer, elsewhere, known, second := w.person(), w.person(), w.person(), w.person(), w.person()
		claimed(buyer)
		ordered(orderer, brand)
		ordered(elsewhere, brand+1)
		w.exec("UPDATE member SET root_id = ? WHERE id = ?", known, second)
		clk.Advance(59 * time.Minute)
		fresh := w.person()
		for _, m := range []id.ID{buyer, orderer} {
			_, err := w.try(m, leader)
			w.refused(err, "referral_existing")
		}
		w.bind(elsewhere, leader)
		clk.Advance(2 * time.Minute)
		t.Run("nor who was a member for an hour, under whichever account", func(t *testing.T) {
			w.exec("UPDATE member SET created_at = ? WHERE id = ?", clk.Now(), second)
			_, err := w.try(second, leader)
			w.refused(err, "referral_existing")
			w.bind(fresh, leader)
		})
		t.Run("unless the brand only asks who bought", func(t *testing.T) {
			w.policy(func(p *Policy) { p.Existing = NeverBought })
			w.bind(second, leader)
			_, err := w.try(buyer, leader)
			w.refused(err, "referral_existing")
		})
		w.sound()
	})
}

func TestProtectionTakeoverAndExpiry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		w.policy(func(p *Policy) { p.ProtectDays, p.ValidDays = 10, 20 })
		p := w.persons(5)
		a, b, c, friend := p[0], p[1], p[2], p[3]
		first := w.bind(c, a)
		w.bind(friend, c)
		clk.Advance(10*day - 1)
		if _, err := w.try(c, b); fault.Of(err).Detail["protected_until"] != first.ProtectedUntil {
			t.Error(err)
		}
		clk.Advance(1 * time.Millisecond)
		t.Run("without a rule for it nobody takes over", func(t *testing.T) {
			_, err := w.try(c, b)
			w.refused(err, "referral_bound")
		})
		t.Run("with it another contact does, and his people come along", func(t *testing.T) {
			w.policy(func(p *Policy) { p.Takeover = true })
			w.bind(c, b)
			if w.referrer(c) != b || w.node(a).TeamSize != 0 || w.node(b).TeamSize != 2 {
				t.Error(w.referrer(c), w.node(a), w.node(b))
			}
			old, err := w.Bindings(ctx, brand, Filter{MemberID: c, State: Replaced})
			if err != nil || len(old) != 1 || old[0].ID != first.ID || old[0].EndedAt != clk.Now() || old[0].EndedReason == "" {
				t.Errorf("%+v %v", old, err)
			}
		})
		t.Run("what counted before counted then", func(t *testing.T) {
			x, ok, err := w.ReferrerOf(ctx, brand, c, clk.Now().Add(-time.Hour))
			if err != nil || !ok || x.ReferrerID != a {
				t.Error(x, ok, err)
			}
		})
		clk.Advance(20 * day)
		t.Run("after its time nobody is the referrer", func(t *testing.T) {
			if r := w.referrer(c); r != 0 {
				t.Error(r)
			}
			if n, err := w.EndDue(ctx, 10); err != nil || n != 2 {
				t.Fatal(n, err)
			}
			if w.node(b).TeamSize != 0 || w.node(c).ParentID != 0 || w.node(friend).ParentID != 0 {
				t.Error(w.node(b), w.node(c))
			}
			if n, err := w.EndDue(ctx, 10); err != nil || n != 0 {
				t.Error(n, err)
			}
		})
		t.Run("who had a referrer can have one again where takeover is allowed, and only there", func(t *testing.T) {
			w.bind(c, p[4])
			w.policy(func(p *Policy) { p.Takeover = false })
			_, err := w.try(friend, a)
			w.refused(err, "referral_existing")
		})
		w.sound()
	})
}

func TestABindingThatIsOverButNotEndedYetGivesWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		w.policy(func(p *Policy) { p.ProtectDays, p.ValidDays, p.Takeover = 1, 1, true })
		p := w.persons(3)
		old := w.bind(p[1], p[0])
		clk.Advance(day)
		w.bind(p[1], p[2])
		list, err := w.Bindings(ctx, brand, Filter{MemberID: p[1]})
		if err != nil || len(list) != 2 || list[1].ID != old.ID || list[1].State != Ended || list[1].EndedReason != expired {
			t.Errorf("%+v %v", list, err)
		}
		w.sound()
	})
}

func TestCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		leader, p := w.person(), w.persons(3)
		c, err := w.CodeOf(ctx, brand, leader, Leader)
		if err != nil {
			t.Fatal(err)
		}
		token := w.Token(c)
		t.Run("one per role, however often it is asked for", func(t *testing.T) {
			again, err := w.CodeOf(ctx, brand, leader, Leader)
			clerk, err2 := w.CodeOf(ctx, brand, leader, Clerk)
			if err != nil || err2 != nil || again != c || clerk.ID == c.ID {
				t.Error(again, clerk, err, err2)
			}
			_, err = w.CodeOf(ctx, brand, leader, "boss")
			w.refused(err, "referral_role")
			_, err = w.CodeOf(ctx, brand, 12345, Leader)
			w.refused(err, "member_not_found")
		})
		t.Run("its token is found however it is typed", func(t *testing.T) {
			if len(token) != TokenSize || len(token) > 32 {
				t.Fatal(token)
			}
			sloppy := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(token[:8])) + " - " + token[8:]
			if got, err := w.ByToken(ctx, sloppy); err != nil || got != c {
				t.Error(got, err)
			}
		})
		t.Run("a forged token costs no SQL", func(t *testing.T) {
			none, cancel := context.WithCancel(ctx)
			cancel() // any statement would fail
			for i := range TokenSize {
				for _, s := range []byte("05ZU") {
					if bad := token[:i] + string(s) + token[i+1:]; bad != token {
						_, err := w.ByToken(none, bad)
						w.refused(err, "referral_code_invalid")
					}
				}
			}
			for _, bad := range []string{"", token[1:], token + "0", strings.Repeat(token, 100), "你好"} {
				_, err := w.ByToken(none, bad)
				w.refused(err, "referral_code_invalid")
			}
		})
		t.Run("a closed code binds nobody, and a new one is made", func(t *testing.T) {
			for range 2 {
				if x, err := w.Close(ctx, c.ID); err != nil || x.State != Closed {
					t.Fatal(x, err)
				}
			}
			_, err := w.Bind(ctx, Contact{Token: token, MemberID: p[0], Channel: H5})
			w.refused(err, "referral_closed")
			fresh, err := w.CodeOf(ctx, brand, leader, Leader)
			if err != nil || fresh.ID == c.ID {
				t.Error(fresh, err)
			}
			if _, err := w.Bind(ctx, Contact{Token: w.Token(fresh), MemberID: p[0], Channel: Mini, IPHash: "ip", Consented: true}); err != nil {
				t.Error(err)
			}
			list, err := w.Codes(ctx, brand, CodeFilter{MemberID: leader, Limit: 10})
			if err != nil || len(list) != 3 {
				t.Fatal(list, err)
			}
			for f, want := range map[CodeFilter]int{{MemberID: leader, State: Open}: 2, {MemberID: leader, State: Closed}: 1, {}: 3, {MemberID: p[0]}: 0} {
				f.Limit = 10
				if found, err := w.Codes(ctx, brand, f); err != nil || len(found) != want {
					t.Errorf("%+v: %v %v", f, found, err)
				}
				if n, more, err := w.CountCodes(ctx, brand, f); err != nil || n != want || more {
					t.Errorf("%+v: %d counted, %v", f, n, err)
				}
			}
			if next, err := w.Codes(ctx, brand, CodeFilter{Before: list[0].ID, Limit: 1}); err != nil || len(next) != 1 || next[0].ID != list[1].ID {
				t.Error("the second page", next, err)
			}
			for _, x := range list {
				if want := map[bool]int64{true: 1}[x.ID == fresh.ID]; x.Bound != want || x.Token != w.Token(x.Code) {
					t.Errorf("%+v", x)
				}
			}
		})
		t.Run("nor does one whose owner is not in office, is blocked, or of another brand", func(t *testing.T) {
			in := false
			w.UseAdmit(Leader, func(context.Context, id.ID, id.ID) (bool, error) { return in, nil })
			x, err := w.CodeOf(ctx, brand, leader, Leader)
			if err != nil {
				t.Fatal(err)
			}
			contact := Contact{Token: w.Token(x), MemberID: p[1], Channel: H5}
			_, err = w.Bind(ctx, contact)
			w.refused(err, "referral_closed")
			in = true
			contact.BrandID = brand + 1
			_, err = w.Bind(ctx, contact)
			w.refused(err, "referral_code_invalid")
			contact.BrandID, contact.Channel = brand, "carrier pigeon"
			_, err = w.Bind(ctx, contact)
			w.refused(err, "referral_contact")
			contact.Channel = H5
			if _, err := w.Members.Block(ctx, leader); err != nil {
				t.Fatal(err)
			}
			_, err = w.Bind(ctx, contact)
			w.refused(err, "referral_closed")
		})
	})
}

func TestPolicyKeepsItsVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, err := w.Policy(ctx, brand)
		if err != nil || p.Version != 0 || p.ProtectDays != 30 || p.Existing != NeverSeen || p.NewMinutes != 60 || p.Takeover {
			t.Fatalf("%+v %v", p, err)
		}
		p.ValidDays = 365
		saved, err := w.SavePolicy(ctx, p)
		if err != nil || saved.Version != 1 {
			t.Fatal(saved, err)
		}
		if got, err := w.Policy(ctx, brand); err != nil || got != saved {
			t.Error(got, err)
		}
		_, err = w.SavePolicy(ctx, p)
		w.refused(err, "policy_changed")
		for field, change := range map[string]func(*Policy){
			"protect_days": func(p *Policy) { p.ProtectDays = 366 },
			"valid_days":   func(p *Policy) { p.ValidDays = -1 },
			"existing":     func(p *Policy) { p.Existing = "pays_a_fee" },
			"new_minutes":  func(p *Policy) { p.NewMinutes = 0 },
		} {
			bad := saved
			change(&bad)
			if _, err := w.SavePolicy(ctx, bad); fault.Of(err) == nil || fault.Of(err).Detail["field"] != field {
				t.Error(field, err)
			}
		}
	})
}

// Joining two accounts of one human and taking that back changes what is asked of the
// human, and no row.
func TestFamiliesJoinAndPart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		if _, err := w.people.SaveKind(ctx, identity.Kind{Kind: identity.UnionID, Most: 50}); err != nil {
			t.Fatal(err)
		}
		p := w.persons(6)
		r1, r2, a, b := p[0], p[1], p[2], p[3]
		w.bind(a, r1)
		clk.Advance(time.Second)
		w.bind(b, r2)
		w.bind(p[4], b)
		person := func(m id.ID) id.ID {
			x, err := w.Members.Get(ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			return x.PersonID
		}
		join := func(x, y id.ID) id.ID {
			m, err := w.people.Merge(ctx, person(x), person(y), identity.Evidence{Event: identity.ByOperator, By: 1, Note: "同一人"})
			if err != nil {
				t.Fatal(err)
			}
			return m.ID
		}
		merge := join(a, b)
		t.Run("the earliest of his referrers is the human's", func(t *testing.T) {
			if w.referrer(a) != r1 || w.referrer(b) != r1 {
				t.Error(w.referrer(a), w.referrer(b))
			}
			if again := w.bind(b, r1); again.MemberID != a {
				t.Errorf("%+v", again)
			}
			_, err := w.try(b, p[5])
			w.refused(err, "referral_bound")
		})
		t.Run("his people are his under either account", func(t *testing.T) {
			if n, err := w.CountDirect(ctx, brand, a); err != nil || n != 1 {
				t.Error(n, err)
			}
			list, err := w.Newest(ctx, brand, a, 10)
			if err != nil || len(list) != 1 || list[0].MemberID != p[4] {
				t.Error(list, err)
			}
			if under, err := w.Under(ctx, brand, a, p[4]); err != nil || !under {
				t.Error(under, err)
			}
		})
		t.Run("nobody brings another account of his own, or who is above it", func(t *testing.T) {
			_, err := w.try(a, b)
			w.refused(err, "referral_self")
			_, err = w.try(r2, a) // above b
			w.refused(err, "referral_ring")
		})
		if _, err := w.people.Unmerge(ctx, merge, 1, "弄错了"); err != nil {
			t.Fatal(err)
		}
		if w.referrer(a) != r1 || w.referrer(b) != r2 {
			t.Error("parting did not restore", w.referrer(a), w.referrer(b))
		}
		w.sound()
		t.Run("a family that has become a ring is walked once", func(t *testing.T) {
			join(r2, p[4])
			list, err := w.Upline(ctx, brand, p[4], clk.Now(), 50)
			if err != nil || len(list) != 2 {
				t.Error(list, err)
			}
		})
	})
}

// TestAnOldContactBringsNothingBack: whoever reports it, and however late (WeChat's pushes
// come again, WeCom's contacts are read again every night).
func TestAnOldContactBringsNothingBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		a, b := w.person(), w.person()
		token, at := w.token(a), w.clk.Now()
		old := Contact{BrandID: brand, Token: token, MemberID: b, Channel: WeChat, At: at}
		if _, err := w.Bind(ctx, old); err != nil {
			t.Fatal(err)
		}
		w.clk.Advance(time.Minute)
		if err := w.Leave(ctx, brand, b); err != nil {
			t.Fatal(err)
		}
		_, err := w.Bind(ctx, old)
		w.refused(err, "referral_late")
		w.clk.Advance(time.Minute)
		if _, ok, err := w.ReferrerOf(ctx, brand, b, w.clk.Now()); ok || err != nil {
			t.Fatal("bound again", err)
		}
		old.At = w.clk.Now() // he scans once more, himself
		if _, err := w.Bind(ctx, old); err != nil {
			t.Fatal(err)
		}
	})
}
