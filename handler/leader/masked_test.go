package leader

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/referral"
)

// TestWhoDidNotAgreeIsOnlyCounted: a scan that WeChat reports, and an operator's change of
// referrer, bind without the person having agreed to be seen (个人信息保护法 art. 23).
func TestWhoDidNotAgreeIsOnlyCounted(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		silent := s.visitor("钱女士")
		c, err := s.referrals.CodeOf(ctx, s.Brand.ID, s.anna.member, referral.Leader)
		s.must(err)
		b, err := s.referrals.Bind(ctx, referral.Contact{Token: s.referrals.Token(c), MemberID: silent.member, Channel: referral.WeChat, At: s.Clock.Now()})
		s.must(err)
		moved, err := s.referrals.Rebind(ctx, referral.Change{BrandID: s.Brand.ID, MemberID: s.berts.member, ReferrerID: s.anna.member, Role: referral.Leader, Reason: "换群主", By: 1})
		s.must(err)
		s.buy(9, silent)
		page := s.anna.get("/leader/people").says(t, 200, "微信用户", "没有同意展示更多", "林**").Body.String()
		_, v, _ := s.anna.api("GET", "/leader/people", nil)
		for _, x := range v["list"].([]any) {
			p := x.(map[string]any)
			if p["id"] != b.ID.String() && p["id"] != moved.ID.String() {
				continue
			}
			if p["hidden"] != true || p["name"] != "微信用户" || p["city"] != "" || p["active"] != "" || p["bought"] != 0.0 || p["direct"] != 0.0 {
				t.Errorf("told of who did not agree: %v", p)
			}
		}
		if strings.Contains(page, "钱") || v["direct"] != 3.0 {
			t.Errorf("%v", v)
		}
		s.anna.get("/leader/people/"+b.ID.String()).says(t, 404)
	})
}

// TestWhoIsErasedIsGone: his scans keep their city without a name, and the leader must not
// learn it from them.
func TestWhoIsErasedIsGone(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		s.sql("INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at) VALUES (77,?,1,1,77,?,'v',1,'','','舟山市','','','',1)",
			s.Brand.ID, s.annas.member)
		l, err := s.referrals.Direct(ctx, s.Brand.ID, s.anna.member, 0, 1)
		s.must(err)
		path := "/leader/people/" + l[0].ID.String()
		s.anna.get(path).says(t, 200, "林**", "舟山市")
		s.must(s.DB.InTx(ctx, func(tx *gorm.DB) error { _, err := s.h.Members.EraseTx(ctx, tx, []id.ID{s.annas.member}); return err }))
		s.anna.get(path).says(t, 404)
		page := s.anna.get("/leader/people").says(t, 200, "微信用户").Body.String()
		if strings.Contains(page, "舟山") || strings.Contains(page, "林") {
			t.Errorf("told of who is erased:\n%s", page)
		}
	})
}

// TestWhoIsJoinedShowsNobodyOfAnotherLeader: two accounts under two leaders turn out to be
// one human. Each leader goes on seeing whom the account below him brought, and no others.
func TestWhoIsJoinedShowsNobodyOfAnotherLeader(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		for _, kind := range []string{identity.UnionID, identity.OpenID} {
			_, err := s.people.SaveKind(ctx, identity.Kind{Kind: kind, Most: 50})
			s.must(err)
		}
		far := s.visitor("孙先生")
		s.bring(s.berts, far, referral.Member)
		under := func(v *visitor) id.ID {
			l, err := s.referrals.Direct(ctx, s.Brand.ID, v.member, 0, 1)
			s.must(err)
			return l[0].ID
		}
		annas, berts := "/leader/people/"+under(s.anna).String(), "/leader/people/"+under(s.bert).String()
		a, err := s.h.Members.Get(ctx, s.annas.member)
		s.must(err)
		b, err := s.h.Members.Get(ctx, s.berts.member)
		s.must(err)
		_, err = s.people.Merge(ctx, a.PersonID, b.PersonID, identity.Evidence{Event: identity.ByOperator, By: 1, Note: "同一人"})
		s.must(err)
		for _, x := range []struct {
			v              *visitor
			own, not, path string
		}{{s.anna, "赵**", "孙**", annas}, {s.bert, "孙**", "赵**", berts}} {
			page := x.v.get(x.path).says(t, 200, x.own).Body.String()
			if strings.Contains(page, x.not) {
				t.Errorf("%s shows %s of another leader", x.path, x.not)
			}
			_, v, _ := x.v.api("GET", x.path, nil)
			if v["direct"] != 1.0 || v["of"].(map[string]any)["direct"] != 1.0 {
				t.Errorf("counts of another leader: %v", v)
			}
		}
		s.anna.get(berts).says(t, 404)
		s.bert.get(annas).says(t, 404)
	})
}

// TestACursorOfAnotherTellsNothing: whether a binding of somebody else exists, and whether
// it is older than one's own, must not show.
func TestACursorOfAnotherTellsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		theirs, err := s.referrals.Direct(ctx, s.Brand.ID, s.bert.member, 0, 1)
		s.must(err)
		for _, before := range []string{theirs[0].ID.String(), "123456"} {
			if _, v, _ := s.anna.api("GET", "/leader/people?before="+before, nil); len(v["list"].([]any)) != 0 {
				t.Errorf("before=%s: %v", before, v["list"])
			}
		}
	})
}

func (s *site) sql(stmt string, args ...any) {
	s.t.Helper()
	s.must(s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }))
}
