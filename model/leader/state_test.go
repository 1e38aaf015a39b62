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
