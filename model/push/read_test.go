package push_test

import (
	"fmt"
	"strings"
	"testing"

	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

func TestLinksLeadOnlyWhereThePushSays(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		sent := w.send(p.ID, took)
		text := sent[0].Message.Text
		token := text[strings.LastIndexByte(text, '/')+1:]
		for range 3 {
			to, err := w.s.Click(ctx, token)
			if err != nil || to != "https://shop.example.cn/lens" {
				t.Fatal(to, err)
			}
		}
		n, err := w.s.Numbers(ctx, p.ID)
		if err != nil || len(n.Clicks) != 1 || n.Clicks[0].People != 1 || n.Clicks[0].Clicks != 3 || n.Clicks[0].Title != "商品页" {
			t.Errorf("%+v %v", n.Clicks, err)
		}
		for i := range token {
			for _, c := range "Az0_" {
				if forged := token[:i] + string(c) + token[i+1:]; forged != token {
					if to, err := w.s.Click(ctx, forged); err == nil {
						t.Fatalf("%s leads to %s", forged, to)
					}
				}
			}
		}
		for _, other := range []string{"", "x", token + "A", w.s.Token(sent[0].DeliveryID, 2), w.s.Token(4711, 1)} {
			_, err := w.s.Click(ctx, other)
			w.code(err, "link_unknown")
			_, err = w.s.CopyOf(ctx, other)
			w.code(err, "link_unknown")
		}
		// The stop address is not a link of the push: it is no click and leads to our page.
		stop := w.s.Token(sent[0].DeliveryID, 0)
		if to, err := w.s.Click(ctx, stop); err != nil || to != "https://q.cn/l/"+stop+"/stop" {
			t.Error(to, err)
		}
		if m, err := w.s.CopyOf(ctx, stop); err != nil || m.MemberID != sent[0].MemberID || m.BrandID != brand {
			t.Error(m, err)
		}
		if n, err := w.s.Numbers(ctx, p.ID); err != nil || n.Clicks[0].Clicks != 3 {
			t.Error(n.Clicks, err)
		}
		_, err = w.s.CopyOf(ctx, token)
		w.code(err, "link_unknown")
	})
}

func TestAMemberIsToldWhatCameAndWhy(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		p := w.begun(form())
		w.ledger.why[w.people[1]] = reach.OptedOut
		w.send(p.ID, func(x push.Parcel) push.Outcome {
			if x.MemberID == w.people[2] {
				return push.Outcome{Result: push.WhoKnows}
			}
			return push.Outcome{Result: push.GoneOut}
		})
		for i, want := range []int{1, 0, 1} { // what may have come is told, too
			got, err := w.s.ForMember(t.Context(), w.people[i:i+1])
			if err != nil || len(got) != want {
				t.Fatalf("%d: %+v %v", i, got, err)
			}
			if want == 1 && (got[0].Title != "镜片上新" || got[0].Why != "最近 30 天买过护理液" || got[0].Channel != reach.Custom) {
				t.Errorf("%+v", got[0])
			}
		}
	})
}

func TestPreviewsShowNoNames(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		list, err := w.s.Preview(t.Context(), w.create(form()).ID, 0, 0)
		if err != nil || len(list) != 1 || !strings.HasPrefix(list[0].Messages[0].Text, "王*您好") {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestAReportFindsEverybodyInHisArm(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.set = holdout.Settings{BrandID: brand, Version: 4, UniversalBP: 1000, Salt: "s"}
		f := form()
		f.HeldBP = 2000
		b := f.Arms[0]
		b.Name = "B"
		f.Arms = append(f.Arms, b)
		p := w.begun(f)
		w.send(p.ID, took)
		trial, err := w.s.Trial(ctx, p.ID)
		if err != nil || trial.People != 300 || trial.Split.Version != 4 || trial.BeganAt == 0 {
			t.Fatalf("%+v %v", trial, err)
		}
		sum, arms := map[string]int64{}, map[string]int64{}
		for after := id.ID(0); ; {
			list, err := w.s.Places(ctx, p.ID, after, 70)
			w.must(err)
			for _, x := range list {
				universal, arm := holdout.Arm(trial.Split, p.ID, x.MemberID)
				if universal != x.Universal || arm != x.Arm {
					t.Fatalf("%+v, chance says %v %s", x, universal, arm)
				}
				arms[x.Arm]++
				after = x.MemberID
			}
			if len(list) < 70 {
				break
			}
		}
		for arm, states := range trial.Done {
			for state, n := range states {
				sum[arm] += n
				if (arm == holdout.Held) != (state == push.Held) {
					t.Errorf("%s %s %d", arm, state, n)
				}
			}
		}
		if fmt.Sprint(sum) != fmt.Sprint(arms) || len(arms) != 3 {
			t.Errorf("%v, places %v", sum, arms)
		}
	})
}
