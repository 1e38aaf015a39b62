package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/points"
	"siyu/model/tier"
)

// member makes a member with points of the office's brand.
func (o *office) member(pts int64) id.ID {
	o.t.Helper()
	ctx := context.Background()
	person := o.d.NewID()
	m, err := o.deps.Members.Of(ctx, person)
	if err != nil {
		o.t.Fatal(err)
	}
	err = o.d.InTx(ctx, func(tx *gorm.DB) error {
		return points.New(o.deps.Ledger).EarnTx(ctx, tx, points.Earning{Key: "claim:" + person.String() + ":scan", BrandID: o.brand.ID, MemberID: m.ID, Points: pts, Memo: "扫码积分"})
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return m.ID
}

const tierBody = `{"version":%d,"levels":[{"name":"普通","multiplier_bp":10000},{"name":"金卡","threshold":%d,"keep":50,"multiplier_bp":15000}],
	"grow":[{"on":"order","growth":1}],"period_months":12,"down":"one"}`

// pointsKeyed is what retries send to the routes of points and levels.
func (o *office) pointsKeyed() map[string]retry {
	o.t.Helper()
	ctx, m := context.Background(), o.member(100)
	ask := func(n int64) string {
		x, err := o.deps.Points.Adjust(ctx, points.Adjustment{MemberID: m, BrandID: o.brand.ID, Points: n, Reason: "补偿", ByID: 1})
		if err != nil || x.State != points.Requested {
			o.t.Fatal(x, err)
		}
		return "/points/adjustments/" + x.ID.String()
	}
	hold, err := o.deps.Points.Freeze(ctx, m, 5, "核查", 1)
	if err != nil {
		o.t.Fatal(err)
	}
	of, brand := "/members/"+m.String()+"/points", "/brands/"+o.brand.ID.String()
	adjust := `{"brand_id":"` + o.brand.ID.String() + `","points":%d,"reason":"补偿"}`
	rules := `{"version":0,"earn":[{"on":"review","points":%d}],"expiry":{"kind":"months","n":12},"approve_above":100}`
	return map[string]retry{
		"POST /members/:id/points/adjustments": {of + "/adjustments", fmt.Sprintf(adjust, 10), fmt.Sprintf(adjust, 11)},
		"POST /members/:id/points/freeze":      {of + "/freeze", `{"points":5,"reason":"核查"}`, `{"points":6,"reason":"核查"}`},
		"POST /members/:id/points/unfreeze":    {of + "/unfreeze", `{"hold_id":"` + hold.ID.String() + `","reason":"无异常"}`, `{"hold_id":"7","reason":"无异常"}`},
		"POST /points/adjustments/:id/approve": {ask(5000) + "/approve", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /points/adjustments/:id/refuse":  {ask(6000) + "/refuse", `{"reason":"a"}`, `{"reason":"b"}`},
		"PUT /brands/:id/points-rules":         {brand + "/points-rules", fmt.Sprintf(rules, 5), fmt.Sprintf(rules, 6)},
		"PUT /brands/:id/tiers":                {brand + "/tiers", fmt.Sprintf(tierBody, 0, 100), fmt.Sprintf(tierBody, 0, 200)},
	}
}

func TestPointsOfMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		m := o.member(100)
		clk.Advance(time.Second)
		of, brand := "/members/"+m.String()+"/points", o.brand.ID.String()
		service, boss := o.as(t, "kefu-1", operator.Support), o.as(t, "shenpi-1", operator.Approver)
		read := func() (a struct {
			Account struct{ Available, Pending, Frozen, Owed int64 }
			Lots    []points.Lot
			Holds   []points.Hold
		}) {
			t.Helper()
			service.do("GET", of, "").into(t, &a)
			clk.Advance(time.Second) // so that the statement has an order
			return a
		}
		t.Run("what is above the limit waits for a second person", func(t *testing.T) {
			var x points.Adjustment
			service.do("POST", of+"/adjustments", `{"brand_id":"`+brand+`","points":5000,"reason":"客诉补偿"}`).into(t, &x)
			if x.State != points.Requested || read().Account.Available != 100 {
				t.Fatal(x, read())
			}
			if a := service.do("POST", "/points/adjustments/"+x.ID.String()+"/approve", ""); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			var list []points.Adjustment
			boss.do("GET", "/points/adjustments?state=requested", "").into(t, &list)
			if len(list) != 1 || list[0].ID != x.ID {
				t.Fatal(list)
			}
			boss.do("POST", "/points/adjustments/"+x.ID.String()+"/approve", `{"reason":"已核实"}`).into(t, &x)
			o.audited("points.approve", `{"field":"state","before":"requested","after":"booked"}`)
			if x.State != points.Booked || read().Account.Available != 5100 {
				t.Fatal(x, read())
			}
			// Also who has every permission cannot be both.
			var own points.Adjustment
			o.root.do("POST", of+"/adjustments", `{"brand_id":"`+brand+`","points":5000,"reason":"补偿"}`).into(t, &own)
			if a := o.root.do("POST", "/points/adjustments/"+own.ID.String()+"/approve", ""); a.Status != 403 || a.Error.Code != "points_same_person" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("points are frozen and let go with a reason", func(t *testing.T) {
			if a := service.do("POST", of+"/freeze", `{"points":9}`); a.Error.Code != "points_reason" {
				t.Fatal(a.Raw)
			}
			var hold points.Hold
			service.do("POST", of+"/freeze", `{"points":90,"reason":"疑似刷分"}`).into(t, &hold)
			if a := read(); a.Account.Frozen != 90 || len(a.Holds) != 1 || a.Holds[0].Left != 90 {
				t.Fatal(a)
			}
			service.do("POST", of+"/unfreeze", `{"hold_id":"`+hold.ID.String()+`","reason":"无异常"}`).into(t, &hold)
			if a := read(); a.Account.Frozen != 0 || a.Account.Available != 5100 || len(a.Holds) != 0 {
				t.Fatal(a)
			}
		})
		t.Run("the statement shows every move, page by page", func(t *testing.T) {
			first := service.do("GET", of+"/statement?limit=3", "")
			var lines []struct {
				Amount int64
				Memo   string
			}
			first.into(t, &lines)
			var next struct{ Next string }
			_ = json.Unmarshal([]byte(first.Raw), &next)
			if len(lines) != 3 || lines[0].Amount != 90 || lines[2].Memo != "积分调整 客诉补偿" || next.Next == "" {
				t.Fatal(first.Raw)
			}
			service.do("GET", of+"/statement?limit=3&before="+next.Next, "").into(t, &lines)
			if len(lines) != 1 || lines[0].Amount != 100 {
				t.Fatal(lines)
			}
		})
		t.Run("the liability is what members hold", func(t *testing.T) {
			var x points.Liability
			o.root.do("GET", "/points/liability?brand_id="+brand, "").into(t, &x)
			if x.Available != 5100 || x.Unfolded != 0 || x.Issued != 5100 {
				t.Fatalf("%+v", x)
			}
			if a := o.root.do("GET", "/points/liability", ""); a.Status != 400 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("rules are previewed before they count, and say what they can cost", func(t *testing.T) {
			body := `{"version":0,"earn":[{"on":"order","points":1}],"expiry":{"kind":"months","n":12},"approve_above":100,"dry_run":%t}`
			var x struct {
				Rules   points.Rules
				Preview points.Preview
			}
			o.root.do("PUT", "/brands/"+brand+"/points-rules", fmt.Sprintf(body, true)).into(t, &x)
			if len(x.Preview.Warnings) != 1 || x.Preview.Worst[0].PerMonth != -1 {
				t.Fatalf("%+v", x)
			}
			o.root.do("GET", "/brands/"+brand+"/points-rules", "").into(t, &x)
			if x.Rules.Version != 0 {
				t.Fatal("a dry run saved")
			}
			o.root.do("PUT", "/brands/"+brand+"/points-rules", fmt.Sprintf(body, false)).into(t, &x)
			o.root.do("GET", "/brands/"+brand+"/points-rules", "").into(t, &x)
			if x.Rules.Version != 1 || x.Preview.ExpiryText != "获得后第 12 个月的月底到期" {
				t.Fatalf("%+v", x)
			}
			if a := o.root.do("PUT", "/brands/"+brand+"/points-rules", fmt.Sprintf(body, false)); a.Error.Code != "points_rule_changed" {
				t.Fatal(a.Raw)
			}
		})
	})
}

func TestTiersOfBrands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		m, brand := o.member(1), o.brand.ID.String()
		var table tier.Table
		o.root.do("PUT", "/brands/"+brand+"/tiers", fmt.Sprintf(tierBody, 0, 100)).into(t, &table)
		if table.Version != 1 || len(table.Levels) != 2 {
			t.Fatalf("%+v", table)
		}
		clk.Advance(time.Minute)
		if err := o.deps.Tiers.Grow(context.Background(), tier.Fact{Key: "order:1", BrandID: o.brand.ID, MemberID: m, On: tier.OnOrder, AmountFen: 15_000, Memo: "购物"}); err != nil {
			t.Fatal(err)
		}
		t.Run("a member's level comes with its history", func(t *testing.T) {
			var got []struct {
				Name    string
				Growth  int64
				History []tier.Move
			}
			o.root.do("GET", "/members/"+m.String()+"/tier", "").into(t, &got)
			if len(got) != 1 || got[0].Name != "金卡" || got[0].Growth != 150 || len(got[0].History) != 1 || got[0].History[0].Cause != "order:1" {
				t.Fatalf("%+v", got)
			}
		})
		t.Run("thresholds can be tried out", func(t *testing.T) {
			var got []tier.Share
			o.root.do("GET", "/tiers/preview?brand_id="+brand+"&thresholds=0,100,200&period_months=6", "").into(t, &got)
			if len(got) != 3 || got[1].Members != 1 || got[2].Members != 0 {
				t.Fatalf("%+v", got)
			}
			if a := o.root.do("GET", "/tiers/preview?brand_id="+brand+"&thresholds=0,x", ""); a.Status != 400 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("nobody's level is nobody's", func(t *testing.T) {
			for _, path := range []string{"/members/7/tier", "/members/7/points", "/members/7/points/statement", "/brands/7/tiers", "/brands/7/points-rules"} {
				if a := o.root.do("GET", path, ""); a.Status != 404 {
					t.Error(path, a.Status, a.Raw)
				}
			}
		})
	})
}
