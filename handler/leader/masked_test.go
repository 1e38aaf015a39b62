package leader

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/id"
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

func (s *site) sql(stmt string, args ...any) {
	s.t.Helper()
	s.must(s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }))
}
