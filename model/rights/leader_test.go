package rights

import (
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/phone"
)

// apply makes somebody a leader under a number that need not be his own.
func (w *town) apply(t *testing.T, memberID id.ID, number string) leader.Leader {
	t.Helper()
	s := leader.New(leader.Deps{DB: w.Store.DB, Phones: w.Phones, Members: w.Members, Consents: w.Consents})
	p, err := s.Programme(ctx, w.Brand.ID)
	w.must(err)
	if p.Version == 0 {
		_, err = s.Publish(ctx, w.Brand.ID, "群主应如实介绍商品，不得收取任何费用，不得以发展人员取酬。", 1)
		w.must(err)
		p.Open, p.Questions = true, []leader.Question{{Key: leader.AskPhone, Title: "手机号"}, {Key: leader.AskRegion, Title: "城市"}, {Key: leader.AskCommunity, Title: "社群"}}
		_, err = s.Save(ctx, p, 1)
		w.must(err)
	}
	l, err := s.Apply(ctx, leader.Application{BrandID: w.Brand.ID, MemberID: memberID, AgreedVersion: 1, IPHash: "ip-of-" + memberID.String(),
		Answers: leader.Answers{Name: "阿佳群主", Region: "杭州滨江", Community: "阿佳的吃货群", Phone: number}})
	w.must(err)
	_, err = s.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "阿佳很热心"})
	w.must(err)
	l, err = s.Get(ctx, l.ID)
	w.must(err)
	return l
}

func TestAnErasedLeaderLeavesHisEarningsTheirNumberAndNothingElse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		own := w.apply(t, p.member, "13700001111")
		if own.State != leader.Active {
			t.Fatal(own.State)
		}
		copied := w.ask(p, Export)
		copied, _ = w.run(copied)
		text, err := w.Download(ctx, p.member, copied.ID)
		w.must(err)
		for _, s := range []string{"阿佳群主", "杭州滨江", "阿佳很热心"} {
			if !strings.Contains(string(text), s) {
				t.Errorf("%q is not in his copy", s)
			}
		}
		w.paid(p)
		r := w.ask(p, Erase)
		clk.Advance(8 * 24 * time.Hour)
		if r, why := w.run(r); r.State != Done {
			t.Fatal(r, why)
		}
		for name, text := range w.dump() {
			for _, s := range []string{"阿佳群主", "杭州滨江", "阿佳的吃货群", "阿佳很热心", own.PhoneHash, "ip-of-" + p.member.String()} {
				if strings.Contains(text, s) {
					t.Errorf("%s still has %q", name, s)
				}
			}
		}
		if _, err := w.Phones.Reveal(ctx, own.PhoneHash); fault.Of(err).Code != "phone_not_found" {
			t.Error("the number that he gave as a leader is still there:", err)
		}
		s := leader.New(leader.Deps{DB: d, Phones: w.Phones, Members: w.Members})
		if l, err := s.Get(ctx, own.ID); err != nil || l.State != leader.Left || l.MemberID != p.member {
			t.Errorf("%+v %v", l, err)
		}
		if active, err := s.Active(ctx, w.Brand.ID, []id.ID{p.member}); err != nil || len(active) != 0 {
			t.Error("he still brings people:", active, err)
		}
		t.Run("a number that is another's stays his", func(t *testing.T) {
			third := w.live("Cat", 20)
			w.apply(t, third.member, other.phone.Digits())
			w.paid(third)
			r := w.ask(third, Erase)
			clk.Advance(8 * 24 * time.Hour)
			if r, why := w.run(r); r.State != Done {
				t.Fatal(r, why)
			}
			if n, err := w.Phones.Reveal(ctx, other.hash); err != nil || n != other.phone {
				t.Error(n, err)
			}
		})
	})
}

func TestTakingThePhoneBackTakesTheLeadersToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.live("Aja", 1)
		l := w.apply(t, p.member, "13700001111")
		w.Consents.OnWithdraw(consent.Phone, w.ForgetPhonesTx)
		_, err := w.Consents.Put(ctx, consent.Consent{MemberID: p.member, Purpose: consent.Phone, Channel: consent.H5})
		w.must(err)
		for name, text := range w.dump() {
			if strings.Contains(text, l.PhoneHash) {
				t.Errorf("%s still has the number's hash", name)
			}
		}
		n, err := phone.Parse("13700001111")
		w.must(err)
		if _, err := w.Phones.Reveal(ctx, w.Phones.Hash(n)); fault.Of(err).Code != "phone_not_found" {
			t.Error(err)
		}
	})
}
