package leader

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/id"
)

func TestWhoSignsWithTheApplicationBeginsWithTheApproval(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		a := w.application(w.member())
		a.AgreedVersion = 2
		_, err := w.Apply(ctx, a)
		w.refused(err, "leader_agreement_changed")
		if list, _ := w.List(ctx, Filter{BrandID: brandA}, 0, 10); len(list) != 0 {
			t.Fatal("an application with a wrong signature left a row")
		}
		a.AgreedVersion = 1
		l, err := w.Apply(ctx, a)
		w.must(err)
		if l, err = w.Approve(ctx, Decision{LeaderID: l.ID, By: ops}); err != nil || l.State != Active {
			t.Fatal(l.State, err)
		}
	})
}

func TestApplying(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		closed := w.member()
		_, err := w.Apply(ctx, w.application(closed))
		w.refused(err, "leader_closed") // no programme at all
		w.open()
		m := w.member()
		t.Run("twenty taps at once are one application", func(t *testing.T) {
			ids := make([]id.ID, 20)
			var wg sync.WaitGroup
			for i := range ids {
				wg.Go(func() {
					l, err := w.Apply(ctx, w.application(m))
					if err != nil {
						t.Error(err)
					}
					ids[i] = l.ID
				})
			}
			wg.Wait()
			if ids = slices.Compact(ids); len(ids) != 1 {
				t.Fatalf("applications %v", ids)
			}
			if l, _ := w.Get(ctx, ids[0]); len(w.states(l)) != 1 {
				t.Fatalf("history %v", w.states(l))
			}
		})
		t.Run("other answers while it is looked at are refused", func(t *testing.T) {
			a := w.application(m)
			a.Answers.Name = "老李"
			_, err := w.Apply(ctx, a)
			w.refused(err, "leader_applied")
		})
		t.Run("what is asked is answered, what is not asked is not kept", func(t *testing.T) {
			a := w.application(w.member())
			for field, answers := range map[string]Answers{"name": {Region: "杭州"}, AskRegion: {Name: "老王"}, AskPhone: {Name: "老王", Region: "杭州", Phone: "12"},
				AskCommunity: {Name: "老王", Region: "杭州", Community: strings.Repeat("长", 401)}} {
				a.Answers = answers
				_, err := w.Apply(ctx, a)
				if f := w.refused(err, "leader_input"); f.Detail["field"] != field {
					t.Errorf("%v for %s", f.Detail, field)
				}
			}
			w.open(func(p *Programme) { p.Questions = nil })
			a.Answers = Answers{Name: "老王", Region: "杭州", Community: "群", Phone: "13800138000"}
			l, err := w.Apply(ctx, a)
			w.must(err)
			if l.Region+l.Community+l.PhoneHash != "" {
				t.Fatalf("kept what nobody asked: %+v", l)
			}
			w.open()
		})
		t.Run("a telephone number is nowhere in clear", func(t *testing.T) {
			a := w.application(w.member())
			a.Answers.Phone = "138 0013 8000"
			l, err := w.Apply(ctx, a)
			w.must(err)
			masked, err := w.Phones.Masked(ctx, []string{l.PhoneHash})
			w.must(err)
			if masked[l.PhoneHash] != "138****8000" || strings.Contains(l.PhoneHash, "13800138000") {
				t.Fatalf("%q %v", l.PhoneHash, masked)
			}
		})
		t.Run("who was refused waits, and who left does not", func(t *testing.T) {
			l := w.apply(w.member())
			_, err := w.Refuse(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "资料不全"})
			w.must(err)
			w.clk.Advance(29 * 24 * time.Hour)
			_, err = w.Apply(ctx, w.application(l.MemberID))
			if f := w.refused(err, "leader_wait"); f.Detail["may_apply_at"] == nil {
				t.Fatal("he is not told until when")
			}
			w.clk.Advance(24 * time.Hour)
			if l = w.apply(l.MemberID); l.State != Applied || l.Reason != "" {
				t.Fatalf("%+v", l)
			}
			_, err = w.Leave(ctx, brandA, l.MemberID)
			w.must(err)
			if l = w.apply(l.MemberID); l.State != Applied {
				t.Fatal(l.State)
			}
		})
		t.Run("leaving does not undo a suspension", func(t *testing.T) {
			l := w.lead(w.member())
			_, err := w.Suspend(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "接到投诉"})
			w.must(err)
			_, err = w.Leave(ctx, brandA, l.MemberID)
			w.must(err)
			_, err = w.Apply(ctx, w.application(l.MemberID))
			w.refused(err, "leader_wait")
		})
		t.Run("a blocked member cannot apply, nor be appointed", func(t *testing.T) {
			m := w.member()
			_, err := w.members.Block(ctx, m)
			w.must(err)
			_, err = w.Apply(ctx, w.application(m))
			w.refused(err, "leader_member_blocked")
			_, err = w.Appoint(ctx, Appointment{BrandID: brandA, MemberID: m, Role: RoleStaff, Name: "甲", EmployeeNo: "9"})
			w.refused(err, "leader_member_blocked")
		})
	})
}

func TestAppointing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.member()
		a := Appointment{BrandID: brandA, MemberID: m, Role: RoleClerk, Name: "小李", ShopName: "西湖店", EmployeeNo: "A17", By: boss, Reason: "新入职"}
		l, err := w.Appoint(ctx, a)
		w.must(err)
		again, err := w.Appoint(ctx, a)
		w.must(err)
		if l.State != Active || l.Role != RoleClerk || again.ID != l.ID || len(w.states(l)) != 1 {
			t.Fatalf("%+v, again %+v", l, again)
		}
		act, err := w.Active(ctx, brandA, []id.ID{m})
		w.must(err)
		if act[m].EmployeeNo != "A17" {
			t.Fatalf("%+v", act)
		}
		if ok, err := w.Signed(ctx, l); err != nil || !ok {
			t.Fatal("clerks work under their contract of employment", err)
		}
		other := a
		other.MemberID = w.member()
		_, err = w.Appoint(ctx, other)
		w.refused(err, "leader_employee_no")
		a.ShopName = "东湖店"
		_, err = w.Appoint(ctx, a)
		w.refused(err, "leader_exists")
		for _, wrong := range []Appointment{{Role: RoleLeader, Name: "甲", EmployeeNo: "1"}, {Role: RoleClerk, Name: "甲", EmployeeNo: "1"}, {Role: RoleStaff, EmployeeNo: "1"}, {Role: RoleStaff, Name: "甲"}} {
			wrong.BrandID, wrong.MemberID = brandA, other.MemberID
			_, err = w.Appoint(ctx, wrong)
			w.refused(err, "leader_input")
		}
		_, err = w.End(ctx, Decision{LeaderID: l.ID, By: boss, Reason: "已离职"})
		w.must(err)
		if _, err = w.Appoint(ctx, other); err != nil { // the number is free again
			t.Fatal(err)
		}
		w.open()
		w.clk.Advance(31 * 24 * time.Hour)
		if l := w.apply(m); l.Role != RoleLeader || l.EmployeeNo != "" {
			t.Fatalf("a former clerk who applies: %+v", l)
		}
	})
}

func TestANewAgreementIsSignedBeforeTheNextSettlement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l := w.lead(w.member())
		signed := func(want bool) {
			t.Helper()
			l, err := w.Get(ctx, l.ID)
			w.must(err)
			if ok, err := w.Signed(ctx, l); err != nil || ok != want {
				t.Fatalf("signed %v %v", ok, err)
			}
		}
		signed(true)
		a, err := w.Publish(ctx, brandA, agreementText, boss)
		w.must(err)
		if a.Version != 1 {
			t.Fatal("the same text made a version")
		}
		a, err = w.Publish(ctx, brandA, agreementText+"新增：不得跨区售货。", boss)
		w.must(err)
		signed(false)
		if act, _ := w.Active(ctx, brandA, []id.ID{l.MemberID}); len(act) != 1 {
			t.Fatal("who has yet to sign anew still brings people")
		}
		h, err := w.Home(ctx, l)
		w.must(err)
		if h.Agreement != 2 {
			t.Fatalf("his page does not ask him to sign: %d", h.Agreement)
		}
		_, err = w.Sign(ctx, brandA, l.MemberID, 1, "")
		w.refused(err, "leader_agreement_changed")
		_, err = w.Sign(ctx, brandA, l.MemberID, a.Version, "")
		w.must(err)
		signed(true)
		_, err = w.Publish(ctx, brandA, "短", boss)
		w.refused(err, "leader_input")
	})
}
