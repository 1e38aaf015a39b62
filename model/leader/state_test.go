package leader

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

func TestALeaderAppliesIsApprovedSignsAndBegins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		m := w.member()
		l := w.apply(m)
		if l.State != Applied || l.Role != RoleLeader || l.Region != "杭州" {
			t.Fatalf("%+v", l)
		}
		l, err := w.Approve(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "资料齐全"})
		w.must(err)
		if l.State != Approved || l.Level != 0 {
			t.Fatalf("approved without a signature is %s, level %d", l.State, l.Level)
		}
		if !slices.Equal(w.deepened, []id.ID{m}) {
			t.Fatalf("the relation was deepened for %v", w.deepened)
		}
		if act, err := w.Active(ctx, brandA, []id.ID{m}); err != nil || len(act) != 0 {
			t.Fatalf("he may bring people before he signed: %v %v", act, err)
		}
		l, err = w.Sign(ctx, brandA, m, 1, "hash-of-ip")
		w.must(err)
		again, err := w.Sign(ctx, brandA, m, 1, "hash-of-ip")
		w.must(err)
		if l.State != Active || l.Level != 1 || l.ActiveAt == 0 || again.Rev != l.Rev {
			t.Fatalf("%+v, again %+v", l, again)
		}
		if got := w.states(l); !slices.Equal(got, []string{Applied, Approved, Active}) {
			t.Fatalf("history %v", got)
		}
		h, err := w.History(ctx, l.ID)
		w.must(err)
		if m := h[1]; m.ByKind != ByOperator || m.ByID != ops || m.Reason != "资料齐全" || m.At == 0 {
			t.Fatalf("who approved, when and why: %+v", m)
		}
		sigs, err := w.Signatures(ctx, l.ID)
		w.must(err)
		if len(sigs) != 1 || len(sigs[0].SHA256) != 64 || sigs[0].IPHash != "hash-of-ip" {
			t.Fatalf("%+v", sigs)
		}
	})
}

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

// Every act from every state: the state after it, or the fault.
func TestEveryMoveAndItsRefusal(t *testing.T) {
	acts := map[string]func(w *world, l Leader) (Leader, error){
		"approve": func(w *world, l Leader) (Leader, error) { return w.Approve(ctx, Decision{LeaderID: l.ID, By: ops}) },
		"refuse": func(w *world, l Leader) (Leader, error) {
			return w.Refuse(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "资料不全"})
		},
		"suspend": func(w *world, l Leader) (Leader, error) {
			return w.Suspend(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "接到投诉"})
		},
		"resume": func(w *world, l Leader) (Leader, error) { return w.Resume(ctx, Decision{LeaderID: l.ID, By: ops}) },
		"end": func(w *world, l Leader) (Leader, error) {
			return w.End(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "违反协议"})
		},
		"leave": func(w *world, l Leader) (Leader, error) { return w.Leave(ctx, brandA, l.MemberID) },
		"sign":  func(w *world, l Leader) (Leader, error) { return w.Sign(ctx, brandA, l.MemberID, 1, "") },
		"apply": func(w *world, l Leader) (Leader, error) { return w.Apply(ctx, w.application(l.MemberID)) },
	}
	want := map[string]map[string]string{
		Applied:   {"approve": Approved, "refuse": Refused, "leave": Left, "sign": Applied, "apply": Applied},
		Approved:  {"end": Left, "leave": Left, "sign": Active, "apply": Approved},
		Active:    {"suspend": Suspended, "end": Left, "leave": Left, "sign": Active, "apply": Active},
		Suspended: {"resume": Active, "end": Left, "leave": Left, "sign": Suspended, "apply": "leader_suspended"},
		Left:      {"leave": Left, "sign": "leader_not_signer", "apply": Applied},
		Refused:   {"leave": Refused, "sign": "leader_not_signer", "apply": "leader_wait"},
	}
	each(t, func(t *testing.T, w *world) {
		w.open()
		for from, to := range want {
			for act, do := range acts {
				l := w.lead(w.member())
				w.exec("UPDATE leader SET state = ?, signed_version = 0 WHERE id = ?", from, l.ID)
				w.exec("DELETE FROM leader_signature WHERE leader_id = ?", l.ID)
				if from == Refused {
					w.exec("UPDATE leader SET may_apply_at = ? WHERE id = ?", w.clk.Now().Add(time.Hour), l.ID)
				}
				before := len(w.states(l))
				got, err := do(w, l)
				if expect := to[act]; got.State != expect || err != nil {
					if expect == "" {
						expect = "leader_state"
					}
					if f := fault.Of(err); f == nil || f.Code != expect {
						t.Fatalf("%s from %s: %s %v, want %s", act, from, got.State, err, expect)
					}
					if now, _ := w.Get(ctx, l.ID); now.State != from || len(w.states(l)) != before {
						t.Fatalf("%s from %s was refused and left %s", act, from, now.State)
					}
				}
			}
		}
	})
}

func (w *world) exec(stmt string, args ...any) {
	w.t.Helper()
	w.must(w.DB.Read(ctx).Exec(stmt, args...).Error)
}

func TestDecisionsAgainstAPersonNeedAReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l := w.apply(w.member())
		_, err := w.Refuse(ctx, Decision{LeaderID: l.ID, By: ops, Reason: " "})
		w.refused(err, "leader_reason")
		a := w.lead(w.member())
		_, err = w.Suspend(ctx, Decision{LeaderID: a.ID, By: ops})
		w.refused(err, "leader_reason")
		_, err = w.End(ctx, Decision{LeaderID: a.ID, By: ops})
		w.refused(err, "leader_reason")
		_, err = w.SetLevel(ctx, Decision{LeaderID: a.ID, By: ops}, 2)
		w.refused(err, "leader_reason")
		_, err = w.Approve(ctx, Decision{LeaderID: 5, By: ops})
		w.refused(err, "leader_not_found")
	})
}

func TestTwoOperatorsAtOnceMakeOneDecision(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		for range 5 {
			l := w.apply(w.member())
			errs := make([]error, 8)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					d := Decision{LeaderID: l.ID, By: ops + id.ID(i), Reason: "各自决定"}
					if i%2 == 0 {
						_, errs[i] = w.Approve(ctx, d)
					} else {
						_, errs[i] = w.Refuse(ctx, d)
					}
				})
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					w.refused(err, "leader_state")
				}
			}
			if got := w.states(l); won != 1 || len(got) != 2 {
				t.Fatalf("%d won, history %v", won, got)
			}
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

func TestTwoLeadersWhoAreOneHuman(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		first, second := w.member(), w.member()
		a := w.lead(first)
		w.clk.Advance(time.Hour)
		b := w.lead(second)
		w.merge(second, first)
		for _, m := range []id.ID{first, second} {
			l, ok, err := w.Of(ctx, brandA, m)
			if err != nil || !ok || l.ID != a.ID {
				t.Fatalf("of %d: %+v %v %v, want the earliest", m, l, ok, err)
			}
			all, err := w.OfMember(ctx, m)
			if err != nil || len(all) != 1 || all[0].ID != a.ID {
				t.Fatalf("%+v %v", all, err)
			}
		}
		if list, _ := w.List(ctx, Filter{BrandID: brandA, State: Active}, 0, 10); len(list) != 2 {
			t.Fatalf("%d rows stay", len(list))
		}
		if _, err := w.RankDay(ctx); err != nil {
			t.Fatal(err)
		}
		ra, err := w.RankOf(ctx, a.ID)
		w.must(err)
		rb, err := w.RankOf(ctx, b.ID)
		w.must(err)
		if ra.Total != 1 || rb.Position != 0 {
			t.Fatalf("one human has two places: %+v %+v", ra, rb)
		}
		_, err = w.Suspend(ctx, Decision{LeaderID: b.ID, By: ops, Reason: "接到投诉"})
		w.must(err)
		if act, err := w.Active(ctx, brandA, []id.ID{first, second}); err != nil || len(act) != 0 {
			t.Fatalf("a suspended human goes on under his other account: %v %v", act, err)
		}
		if _, err = w.Leave(ctx, brandA, second); err != nil {
			t.Fatal(err)
		}
		if l, _, err := w.Of(ctx, brandA, first); err != nil || l.State != Left {
			t.Fatalf("who left goes on under his other account: %s %v", l.State, err)
		}
	})
}

func TestActiveKnowsManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		lead, gone, plain, blocked := w.lead(w.member()), w.lead(w.member()), w.member(), w.lead(w.member())
		_, err := w.Leave(ctx, brandA, gone.MemberID)
		w.must(err)
		_, err = w.members.Block(ctx, blocked.MemberID)
		w.must(err)
		act, err := w.Active(ctx, brandA, []id.ID{lead.MemberID, gone.MemberID, plain, blocked.MemberID, 12345})
		if err != nil || len(act) != 1 || act[lead.MemberID].ID != lead.ID {
			t.Fatalf("%+v %v", act, err)
		}
		if act, err = w.Active(ctx, brandA+1, []id.ID{lead.MemberID}); err != nil || len(act) != 0 {
			t.Fatalf("active at another brand: %v %v", act, err)
		}
	})
}

func TestPeopleHearOfEachDecisionOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l := w.lead(w.member())
		_, err := w.Suspend(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "接到投诉"})
		w.must(err)
		_, err = w.Resume(ctx, Decision{LeaderID: l.ID, By: ops})
		w.must(err)
		_, err = w.SetLevel(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "表现优秀"}, 3)
		w.must(err)
		_, err = w.SetLevel(ctx, Decision{LeaderID: l.ID, By: ops, Reason: "表现优秀"}, 4)
		w.refused(err, "leader_level")
		r := w.apply(w.member())
		_, err = w.Refuse(ctx, Decision{LeaderID: r.ID, By: ops, Reason: "资料不全"})
		w.must(err)
		var heard []Word
		for {
			n, err := w.TellStep(ctx, 2, func(_ context.Context, x Word) error { heard = append(heard, x); return nil })
			w.must(err)
			if n == 0 {
				break
			}
		}
		var texts []string
		for _, x := range heard {
			texts = append(texts, x.Text)
			if !strings.HasPrefix(x.Key, "leader:") || x.BrandID != brandA || (x.MemberID != l.MemberID && x.MemberID != r.MemberID) {
				t.Errorf("%+v", x)
			}
		}
		want := []string{"已通过审核，请阅读并签署", "已暂停。原因：接到投诉。", "已恢复", "由“见习群主”变为“金牌群主”", "未通过。原因：资料不全。您可以在 2026-12-21"}
		if len(texts) != len(want) {
			t.Fatalf("%d words: %q", len(texts), texts)
		}
		for i := range want {
			if !strings.Contains(strings.Join(texts, "\n"), want[i]) {
				t.Errorf("nobody was told %q: %q", want[i], texts)
			}
		}
		again, err := w.TellStep(ctx, 10, func(_ context.Context, x Word) error { t.Errorf("again: %s", x.Text); return nil })
		if err != nil || again != 0 {
			t.Fatal(again, err)
		}
	})
}

func TestAnErasedLeaderIsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l := w.lead(w.member())
		w.must(w.DB.InTx(ctx, func(tx *gorm.DB) error {
			_, err := w.members.EraseTx(ctx, tx, []id.ID{l.MemberID})
			return err
		}))
		if act, err := w.Active(ctx, brandA, []id.ID{l.MemberID}); err != nil || len(act) != 0 {
			t.Fatalf("%v %v", act, err)
		}
		_, err := w.Apply(ctx, w.application(l.MemberID))
		w.refused(err, "leader_member_blocked")
	})
}
