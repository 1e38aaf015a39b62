package points

import (
	"context"
	"testing"

	"siyu/model/clock"
	"siyu/model/fault"
)

func TestAdjustments(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		w.rules(brandA, func(r *Rules) { r.ApproveAbove = 100 })
		adjust := func(n int64) (Adjustment, error) {
			return w.a.Adjust(ctx, Adjustment{MemberID: 101, BrandID: brandA, Points: n, Reason: "客诉补偿", ByID: 5})
		}
		t.Run("up to the limit one person is enough", func(t *testing.T) {
			x, err := adjust(60)
			if err != nil || x.State != Booked || w.account(101).Available != 60 {
				t.Fatal(x, err)
			}
		})
		t.Run("many small ones are one large one", func(t *testing.T) {
			x, err := adjust(41)
			if err != nil || x.State != Requested || w.account(101).Available != 60 {
				t.Fatal(x, err)
			}
			_, err = w.a.Approve(ctx, x.ID, 5, "")
			w.code(err, "points_same_person")
			got, err := w.a.Approve(ctx, x.ID, 6, "已核实")
			if err != nil || got.State != Booked || w.account(101).Available != 101 {
				t.Fatal(got, err)
			}
			_, err = w.a.Approve(ctx, x.ID, 6, "")
			w.code(err, "points_decided")
		})
		t.Run("taking needs points to take", func(t *testing.T) {
			x, err := adjust(-500)
			w.must(err)
			_, err = w.a.Approve(ctx, x.ID, 6, "")
			w.code(err, "points_short")
			if x, err = w.a.Refuse(ctx, x.ID, 5, "撤回"); err != nil || x.State != Refused || w.account(101).Available != 101 {
				t.Fatal(x, err)
			}
			if x, err = adjust(-40); err != nil || x.State != Booked || w.account(101).Available != 61 {
				t.Fatal(x, err)
			}
		})
		t.Run("no reason, no adjustment", func(t *testing.T) {
			_, err := w.a.Adjust(ctx, Adjustment{MemberID: 101, BrandID: brandA, Points: 1, ByID: 5})
			w.code(err, "points_reason")
			_, err = adjust(0)
			w.code(err, "points_amount")
			_, err = w.a.Adjust(ctx, Adjustment{MemberID: 900_001, BrandID: brandA, Points: 1, Reason: "x", ByID: 5})
			w.code(err, "member_not_found")
		})
		list, err := w.a.Adjustments(ctx, Booked, 101, 0, 10)
		if err != nil || len(list) != 3 {
			t.Fatal(list, err)
		}
		w.checked()
	})
}

func TestRules(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		t.Run("who saves over another's change is told", func(t *testing.T) {
			r, err := w.a.Rules(ctx, brandA)
			w.must(err)
			_, err = w.a.SaveRules(ctx, r)
			w.must(err)
			_, err = w.a.SaveRules(ctx, r)
			w.code(err, "points_rule_changed")
		})
		t.Run("mistakes are refused", func(t *testing.T) {
			for i, r := range []Rules{
				{Expiry: Expiry{Kind: "soon"}},
				{Expiry: Expiry{Kind: Months}},
				{Expiry: Expiry{Kind: Days, N: 29}},
				{Expiry: Expiry{Kind: Never}, Earn: []Earn{{On: "share"}}},
				{Expiry: Expiry{Kind: Never}, Earn: []Earn{{On: OnReview}, {On: OnReview}}},
				{Expiry: Expiry{Kind: Never}, Earn: []Earn{{On: OnReview, Points: -1}}},
				{Expiry: Expiry{Kind: Never}, Earn: []Earn{{On: OnTier, Points: 1}}},
				{Expiry: Expiry{Kind: Never}, ApproveAbove: -1},
			} {
				r.BrandID = brandB
				if _, err := w.a.SaveRules(ctx, r); fault.KindOf(err) != fault.Invalid {
					t.Error(i, err)
				}
			}
		})
		t.Run("the preview says the worst case and warns of rules without a cap", func(t *testing.T) {
			p, err := w.a.PreviewRules(Rules{Expiry: Expiry{YearEnd, 1}, Earn: []Earn{{On: OnReview, Points: 10, CapPerDay: 20}, {On: OnOrder, Points: 1}, {On: OnBirthday, Points: 88}}})
			if err != nil || len(p.Worst) != 3 || p.Worst[0].PerMonth != 620 || p.Worst[1].PerMonth != -1 || p.Worst[2].PerMonth != 88 || len(p.Warnings) != 1 {
				t.Fatalf("%+v %v", p, err)
			}
			if clock.DayOf(p.ExpiresAt-1) != 20271231 {
				t.Fatal(p.ExpiresAt)
			}
		})
	})
}
