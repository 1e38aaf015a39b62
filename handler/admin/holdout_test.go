package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/operator"
)

// sent plays model/push: push 8 began at the start of the clock with four people, one of
// them left alone, push 10 with 103; push 9 has not begun.
type sent struct{ d *db.DB }

func (s sent) Trial(_ context.Context, pushID id.ID) (holdout.Push, error) {
	p := holdout.Push{ID: pushID, Split: holdout.Split{BrandID: 1, HeldBP: 2500, Arms: []holdout.Part{{Name: "A", Weight: 1}, {Name: "B", Weight: 2}}, WindowDays: 7, CapFen: 200_000}}
	switch pushID {
	case 8:
		p.BeganAt, p.People, p.Done = dbtest.Start, 4, map[string]map[string]int64{"A": {"sent": 1}, "B": {"sent": 1, "skipped": 1}}
	case 10:
		p.BeganAt, p.People, p.Done = dbtest.Start, 103, map[string]map[string]int64{"A": {"sent": 23}, "B": {"sent": 49, "skipped": 2}}
		p.SpentFen = 324
	case 9:
	default:
		return p, fault.New(fault.NotFound, "push_unknown", "没有这个触达任务")
	}
	return p, nil
}

func (s sent) Begun(context.Context, clock.Instant, id.ID, int) ([]id.ID, error) { return nil, nil }

func (s sent) Places(_ context.Context, pushID, after id.ID, _ int) (list []holdout.Place, _ error) {
	if pushID == 10 {
		for i := range 103 {
			arm := [...]string{"A", "B", "B", holdout.Held}[i%4]
			if m := id.ID(1001 + i); m > after {
				list = append(list, holdout.Place{MemberID: m, Arm: arm})
			}
		}
		return list, nil
	}
	for i, arm := range []string{"A", "B", "B", holdout.Held} {
		if m := id.ID(101 + i); m > after {
			list = append(list, holdout.Place{MemberID: m, Arm: arm})
		}
	}
	return list, nil
}

// Everybody plays model/segment: a brand of three people.
func (s sent) Everybody(_ context.Context, _ id.ID, _ clock.Instant, after id.ID, _ int) (list []id.ID, _ error) {
	for m := id.ID(201); m < 204; m++ {
		if m > after {
			list = append(list, m)
		}
	}
	return list, nil
}

func holdoutBody(brandID id.ID, version, universal int, reason string) string {
	return fmt.Sprintf(`{"brand_id":"%s","version":%d,"universal_bp":%d,"held_bp":1000,"window_days":14,"cap_fen":100000,"reason":"%s"}`, brandID, version, universal, reason)
}

func (o *office) holdoutKeyed() map[string]retry {
	return map[string]retry{
		"PUT /holdout":         {"/holdout", holdoutBody(o.brand.ID, 0, 500, "先看整体效果"), holdoutBody(o.brand.ID, 0, 600, "先看整体效果")},
		"PUT /pushes/:id/cost": {"/pushes/8/cost", `{"cost_fen":1200,"note":"券"}`, `{"cost_fen":1300,"note":"券"}`},
	}
}

func TestHoldout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		of := "?brand_id=" + o.brand.ID.String()
		type settings struct {
			Version                            int
			UniversalBP                        int `json:"universal_bp"`
			Reason                             string
			WindowDays, HeldBP, CapFen, ByID   any
			CreatedAt, BrandID, Salt, Whatever any
		}
		read := func() (a struct {
			Settings settings
			History  []settings
		}) {
			t.Helper()
			o.root.do("GET", "/holdout"+of, "").into(t, &a)
			return a
		}
		t.Run("a brand that set nothing has what is usual, and every change is a version", func(t *testing.T) {
			if a := read(); a.Settings.Version != 0 || len(a.History) != 0 {
				t.Fatalf("%+v", a)
			}
			o.root.do("PUT", "/holdout", holdoutBody(o.brand.ID, 0, 500, "先看整体效果")).into(t, &struct{}{})
			o.root.do("PUT", "/holdout", holdoutBody(o.brand.ID, 1, 300, "少一些")).into(t, &struct{}{})
			if a := read(); a.Settings.Version != 2 || a.Settings.UniversalBP != 300 || len(a.History) != 2 || a.History[1].Reason != "先看整体效果" {
				t.Fatalf("%+v", a)
			}
			if a := o.root.do("PUT", "/holdout", holdoutBody(o.brand.ID, 1, 0, "没看到别人的修改")); a.Error.Code != "holdout_changed" {
				t.Fatal(a.Raw)
			}
			if a := o.root.do("PUT", "/holdout", holdoutBody(999, 0, 0, "没有这个品牌")); a.Status != 404 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("the audit has before and after", func(t *testing.T) {
			a := o.root.do("GET", "/audit?action=holdout.set", "")
			if !strings.Contains(a.Raw, "先看整体效果") || !strings.Contains(a.Raw, `{"field":"universal_bp","before":500,"after":300}`) {
				t.Fatal(a.Raw)
			}
		})
		t.Run("a report of few people is counted while one waits, and says that it is early", func(t *testing.T) {
			var r holdout.Report
			o.root.do("GET", "/pushes/8/report", "").into(t, &r)
			if r.People != 4 || r.Held.People != 1 || len(r.Arms) != 2 || r.Arms[1].People != 2 || r.Arms[1].States["skipped"] != 1 || len(r.Text) == 0 || r.All == nil || len(r.Between) != 1 {
				t.Fatalf("%+v", r)
			}
			if a := o.root.do("GET", "/pushes/9/report", ""); a.Error.Code != "push_not_begun" {
				t.Fatal(a.Raw)
			}
			if a := o.root.do("GET", "/pushes/7/report", ""); a.Status != 404 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("all pushes of a brand together", func(t *testing.T) {
			var r holdout.Report
			o.root.do("GET", "/holdout/report"+of, "").into(t, &r)
			if !r.Whole || r.Arms[0].People+r.Universal.People != 3 || r.Control != holdout.ByBrand {
				t.Fatalf("%+v", r)
			}
			if a := o.root.do("GET", "/holdout/report", ""); a.Error.Code != "brand_id" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("what it cost is in the report", func(t *testing.T) {
			o.root.do("PUT", "/pushes/8/cost", `{"cost_fen":1200,"note":"券"}`).into(t, &struct{}{})
			var c holdout.Cost
			o.root.do("GET", "/pushes/8/cost", "").into(t, &c)
			var r holdout.Report
			if o.root.do("GET", "/pushes/8/report", "").into(t, &r); c.CostFen != 1200 || r.Money.CostFen != 1200 {
				t.Fatal(c, r.Money)
			}
		})
		t.Run("who reads may not change", func(t *testing.T) {
			reader := o.as(t, "looker", operator.Analyst)
			if a := reader.do("GET", "/holdout"+of, ""); a.Status != 200 {
				t.Error(a.Raw)
			}
			for path, body := range map[string]string{"/holdout": holdoutBody(o.brand.ID, 2, 0, "x"), "/pushes/8/cost": `{"cost_fen":1}`} {
				if a := reader.do("PUT", path, body); a.Status != 403 {
					t.Errorf("%s: %s", path, a.Raw)
				}
			}
		})
	})
}
