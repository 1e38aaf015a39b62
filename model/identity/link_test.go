package identity

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestLink(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		verified := Evidence{Event: PhoneVerified, Channel: "mini", ConsentID: 3}
		t.Run("a new key joins, again changes nothing, and the evidence is one row", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o1", "u1")
			for i, want := range []string{Attached, Known, Known} {
				out, err := w.Link(ctx, p, phoneKey(1), verified)
				if err != nil || out.State != want || out.PersonID != p {
					t.Fatal(i, out, err)
				}
			}
			var edges []Edge
			if err := d.Read(ctx).Where("person_id = ? AND kind = ?", p, Phone).Find(&edges).Error; err != nil || len(edges) != 1 {
				t.Fatal(edges, err)
			}
			if e := edges[0]; e.Event != PhoneVerified || e.ConsentID != 3 || e.OtherKind != UnionID || e.At != dbtest.Start || !e.Strong {
				t.Fatalf("%+v", e)
			}
			if got, ok, err := w.PersonOf(ctx, Phone, "", phoneKey(1).Value); got != p || !ok || err != nil {
				t.Fatal(got, ok, err)
			}
		})
		t.Run("an event that did not see a kind links none of it, and malformed keys are refused", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o2", "")
			for _, c := range []struct {
				k     Key
				event string
				want  string
			}{
				{phoneKey(2), WeChatLogin, "evidence_malformed"}, {phoneKey(2), "browser", "evidence_malformed"},
				{Key{Kind: UnionID, Value: "u"}, PhoneVerified, "evidence_malformed"}, {Key{Kind: OpenID, Scope: "wxA", Value: "x"}, PartnerEvent, "evidence_malformed"},
				{Key{Kind: "fax", Value: "1"}, ByOperator, "key_malformed"}, {Key{Kind: UnionID, Scope: "x", Value: "u"}, ByOperator, "key_malformed"},
				{Key{Kind: OpenID, Value: "u"}, ByOperator, "key_malformed"}, {Key{Kind: CRM, Scope: "a", Value: " 1"}, ByOperator, "key_malformed"},
				{Key{Kind: CRM, Scope: "a", Value: "1\n2"}, ByOperator, "key_malformed"}, {Key{Kind: CRM, Scope: "a", Value: "\xff"}, ByOperator, "key_malformed"},
				{Key{Kind: CRM, Scope: "a", Value: ""}, ByOperator, "key_malformed"}, {Key{Kind: Phone, Value: "138 0000 0000"}, ByOperator, "key_malformed"},
				{phoneKey(2), ByOperator, "reason_missing"},
			} {
				_, err := w.Link(ctx, p, c.k, Evidence{Event: c.event})
				w.refused(err, c.want)
			}
			_, err := w.Link(ctx, 404, phoneKey(2), verified)
			w.refused(err, "person_not_found")
		})
		t.Run("nobody has more of a kind than declared, however many come at once", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o3", "")
			var wg sync.WaitGroup
			got := make([]error, 8)
			for i := range got {
				wg.Go(func() { _, got[i] = w.Link(ctx, p, phoneKey(30+i), verified) })
			}
			wg.Wait()
			full := 0
			for _, err := range got {
				if err != nil {
					w.refused(err, "identity_full")
					full++
				}
			}
			if n := w.count("identity_key", fmt.Sprintf("person_id = %d AND kind = 'phone'", p)); n != 2 || full != 6 {
				t.Fatal(n, full)
			}
		})
		t.Run("the maximum is the human's, not the account's", func(t *testing.T) {
			w := w.in(t)
			p, q := w.login("wxA", "o4", ""), w.login("wxB", "o4", "")
			w.link(p, phoneKey(41), PhoneVerified)
			w.merge(p, q)
			w.link(q, phoneKey(42), PhoneVerified)
			_, err := w.Link(ctx, q, phoneKey(43), verified)
			w.refused(err, "identity_full")
		})
		t.Run("two who logged in and verify one phone wait for a person, once", func(t *testing.T) {
			w := w.in(t)
			p, q := w.login("wxA", "o5", ""), w.login("wxB", "o5", "")
			w.link(p, phoneKey(5), PhoneVerified)
			first, again := w.link(q, phoneKey(5), PhoneVerified), w.link(q, phoneKey(5), PhoneVerified)
			if first.State != InReview || first.ReviewID == 0 || again != first || first.OtherID != p || w.one(p, q) {
				t.Fatal(first, again)
			}
			if r, err := w.ReviewByID(ctx, first.ReviewID); err != nil || r.Rule != "same_phone" || r.Key().Value != phoneKey(5).Value {
				t.Fatal(r, err)
			}
		})
		t.Run("an old customer who comes back and verifies his phone is recognised", func(t *testing.T) {
			w := w.in(t)
			old := w.imported(phoneKey(6), crmKey("c6"))
			clk.Advance(time.Hour)
			p := w.login("wxMini", "o6", "u6")
			out := w.link(p, phoneKey(6), PhoneVerified)
			if out.State != Joined || out.MergeID == 0 || out.OtherID != old || out.PersonID != old || !slices.Equal(w.family(p), []id.ID{old, p}) {
				t.Fatal(out, w.family(p))
			}
			m, err := w.MergeByID(ctx, out.MergeID)
			if err != nil || m.Rule != "returning_customer" || m.ConsentID != 3 || m.ActorID != 0 || RuleTitle(m.Rule) == "" {
				t.Fatal(m, err)
			}
			t.Run("and an undone recognition is not repeated", func(t *testing.T) {
				w := w.in(t)
				if _, err := w.Unmerge(ctx, out.MergeID, 9, "不是本人"); err != nil {
					t.Fatal(err)
				}
				if out := w.link(p, phoneKey(6), PhoneVerified); out.State != Declined || w.one(p, old) {
					t.Fatal(out)
				}
			})
		})
		t.Run("a follower who never logged in is the member whose unionid comes with his first login", func(t *testing.T) {
			w := w.in(t)
			follower, err := w.Meet(ctx, "wxOfficial", "o60")
			again, err2 := w.Meet(ctx, "wxOfficial", "o60")
			if err != nil || err2 != nil || again != follower {
				t.Fatal(follower, again, err, err2)
			}
			p := w.login("wxMini", "m60", "u60")
			if w.login("wxOfficial", "o60", "u60") != follower || !w.one(follower, p) {
				t.Fatal("not joined")
			}
			t.Run("and one who did is a case", func(t *testing.T) {
				w := w.in(t)
				follower, err := w.Meet(ctx, "wxOfficial", "o61")
				if err != nil || w.login("wxOfficial", "o61", "") != follower {
					t.Fatal(follower, err)
				}
				p := w.login("wxMini", "m61", "u61")
				w.login("wxOfficial", "o61", "u61")
				if w.one(follower, p) || w.caseOf(follower, p).State != Open {
					t.Fatal("joined silently")
				}
			})
			_, err = w.Meet(ctx, "wx Official", "o60")
			w.refused(err, "login_malformed")
		})
		t.Run("without the consent to match old records nobody is matched by a rule", func(t *testing.T) {
			w := w.in(t)
			old, p := w.imported(phoneKey(66)), w.login("wxMini", "o66", "u66")
			out, err := w.Link(ctx, p, phoneKey(66), Evidence{Event: PhoneVerified, Channel: "mini"})
			if err != nil || out.State != InReview || w.one(p, old) {
				t.Fatal(out, err)
			}
			t.Run("and when he gives it, the case is closed by the rule", func(t *testing.T) {
				w := w.in(t)
				if out := w.link(p, phoneKey(66), PhoneVerified); out.State != Joined || !w.one(p, old) {
					t.Fatal(out)
				}
				if r := w.caseOf(p, old); r.State != Merged || r.MergeID == 0 || r.DecidedBy != 0 || r.Reason == "" {
					t.Fatal(r)
				}
			})
		})
		t.Run("a customer who is imported after he came is known by his phone", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxMini", "o7", "u7")
			w.link(p, phoneKey(7), PhoneVerified)
			if got := w.imported(phoneKey(7), crmKey("c7")); got != p {
				t.Fatal(got, p)
			}
		})
		t.Run("two imported entries never join by themselves", func(t *testing.T) {
			w := w.in(t)
			p, q := w.imported(phoneKey(8)), w.imported(crmKey("c8"))
			out, err := w.ResolveMany(ctx, []Item{{[]Key{phoneKey(8), crmKey("c8")}}}, Evidence{Event: CRMImport})
			if err != nil || out[0].PersonID != p || len(out[0].Others) != 1 || out[0].Others[0].PersonID != q || out[0].Outcomes[0].State != InReview || w.one(p, q) {
				t.Fatal(out, err)
			}
		})
		t.Run("a refused case is not asked again", func(t *testing.T) {
			w := w.in(t)
			p, q := w.login("wxA", "o9", ""), w.login("wxB", "o9", "u9")
			w.login("wxA", "o9", "u9")
			r := w.caseOf(p, q)
			_, err := w.Refuse(ctx, r.ID, 9, "")
			w.refused(err, "reason_missing")
			if got, err := w.Refuse(ctx, r.ID, 9, "夫妻两人"); err != nil || got.State != Refused || got.DecidedBy != 9 {
				t.Fatal(got, err)
			}
			w.login("wxA", "o9", "u9")
			if w.caseOf(p, q).State != Refused || w.one(p, q) {
				t.Fatal("asked again")
			}
			_, err = w.Accept(ctx, r.ID, 9, "还是合并")
			w.refused(err, "review_decided")
			if w.one(p, q) {
				t.Fatal("a decided case was decided again")
			}
		})
		t.Run("an accepted case makes one human, and the next login is quiet", func(t *testing.T) {
			w := w.in(t)
			p, q := w.login("wxA", "o10", ""), w.login("wxB", "o10", "u10")
			w.login("wxA", "o10", "u10")
			got, err := w.Accept(ctx, w.caseOf(p, q).ID, 9, "同一微信")
			if err != nil || got.State != Merged || got.MergeID == 0 || !w.one(p, q) {
				t.Fatal(got, err)
			}
			if w.login("wxA", "o10", "u10") != p || w.caseOf(p, q).State != Merged {
				t.Fatal("the openid's person is another now, or the case is open again")
			}
		})
		t.Run("a second unionid makes another person and a review, not a human with two", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o11", "u11a")
			if got := w.login("wxA", "o11", "u11b"); got != p {
				t.Fatal(got)
			}
			q := w.login("wxB", "o11", "u11b")
			if q == p || w.one(q, p) {
				t.Fatal("joined by a unionid that is another's")
			}
			r := w.caseOf(p, q)
			if r.Confidence > 20 {
				t.Fatal(r)
			}
			_, err := w.Accept(ctx, r.ID, 9, "x")
			w.refused(err, "identity_full")
		})
	})
}

func TestSharedKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		t.Run("a phone that more than three people verify joins nobody any more", func(t *testing.T) {
			w := w.in(t)
			var last Outcome
			for i := range 5 {
				last = w.link(w.login("wxA", fmt.Sprintf("desk%d", i), ""), phoneKey(1), PhoneVerified)
				want := []string{Attached, InReview, InReview, SharedKey, SharedKey}[i]
				if last.State != want {
					t.Fatal(i, last)
				}
			}
			list, err := w.BlockedKeys(ctx, 0, 10)
			if err != nil || len(list) != 1 || list[0].MadeBy != 0 {
				t.Fatal(list, err)
			}
			if _, ok, err := w.PersonOf(ctx, Phone, "", phoneKey(1).Value); ok || err != nil {
				t.Fatal("it still names its first owner", err)
			}
		})
		t.Run("over a long time a phone may have several owners", func(t *testing.T) {
			w := w.in(t)
			for i := range 5 {
				out := w.link(w.login("wxA", fmt.Sprintf("slow%d", i), ""), phoneKey(2), PhoneVerified)
				if out.State == SharedKey {
					t.Fatal(i, out)
				}
				clk.Advance(31 * 24 * time.Hour)
			}
		})
		t.Run("a declared front desk joins nobody, in batches too, until it is taken off the list", func(t *testing.T) {
			w := w.in(t)
			_, err := w.Block(ctx, phoneKey(3), 9, " ")
			w.refused(err, "reason_missing")
			b, err := w.Block(ctx, phoneKey(3), 9, "前台电话")
			if err != nil || b.MadeBy != 9 {
				t.Fatal(b, err)
			}
			p := w.login("wxA", "front", "")
			if out := w.link(p, phoneKey(3), PhoneVerified); out.State != SharedKey {
				t.Fatal(out)
			}
			out, err := w.ResolveMany(ctx, []Item{{[]Key{phoneKey(3)}}, {[]Key{phoneKey(3), crmKey("s1")}}}, Evidence{Event: CRMImport})
			if err != nil || out[0].PersonID != 0 || !out[0].Shared || !out[1].New || len(out[1].Attached) != 1 {
				t.Fatal(out, err)
			}
			if _, err := w.Unblock(ctx, b.ID); err != nil {
				t.Fatal(err)
			}
			if out := w.link(p, phoneKey(3), PhoneVerified); out.State != Attached {
				t.Fatal(out)
			}
			_, err = w.Unblock(ctx, b.ID)
			w.refused(err, "blocked_not_found")
		})
	})
}
