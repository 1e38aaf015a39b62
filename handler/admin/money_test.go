package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/operator"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
)

// quietDay reconciles yesterday with a bill that has nothing in it but a stranger's payout.
func (o *office) quietDay(day clock.Day) reconcile.Item {
	o.t.Helper()
	ctx := context.Background()
	must := func(err error) {
		o.t.Helper()
		if err != nil {
			o.t.Fatal(err)
		}
	}
	d, err := o.deps.Reconcile.Ask(ctx, o.brand.ID, o.merchant.ID, day)
	must(err)
	sheet, err := o.deps.Reconcile.Open(ctx, d.ID)
	must(err)
	from, _ := day.Bounds()
	must(sheet.Add(ctx, reconcile.Line{At: from.Add(time.Hour), FlowNo: "F" + day.Text(), Business: "商家转账", AmountFen: -500, BalanceFen: 1000, Voucher: "THEIRS"}))
	must(sheet.Commit(ctx, "h"))
	must(o.deps.Reconcile.Match(ctx, d.ID))
	list, err := o.deps.Reconcile.Items(ctx, reconcile.ItemFilter{AccountID: o.merchant.ID, Day: day})
	must(err)
	if len(list) != 1 {
		o.t.Fatalf("%d differences", len(list))
	}
	return list[0]
}

// moneyKeyed is what retries send to the routes of money.
func (o *office) moneyKeyed() map[string]retry {
	today := clock.DayOf(o.clk.Now())
	item := o.quietDay(today.AddDays(-2))
	ask := func(day clock.Day) string {
		return `{"account_id":"` + o.merchant.ID.String() + `","day":"` + day.Text() + `"}`
	}
	return map[string]retry{
		"POST /reconcile/days":              {"/reconcile/days", ask(today.AddDays(-3)), ask(today.AddDays(-4))},
		"POST /reconcile/items/:id/explain": {"/reconcile/items/" + item.ID.String() + "/explain", `{"version":1,"reason":"客服线下补记"}`, `{"version":1,"reason":"别的原因"}`},
		"PUT /balances/:id":                 {"/balances/" + o.merchant.ID.String(), `{"alarm_fen":100000,"seen_fen":5000}`, `{"alarm_fen":0}`},
	}
}

func TestMoney(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o := newOffice(t, d, clk)
		cash, looks := o.as(t, "cash", operator.Finance), o.as(t, "looks", operator.Analyst)
		brand := o.brand.ID.String()
		if _, _, err := o.deps.Packets.Begin(ctx, o.pay.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.deps.Packets.Apply(ctx, o.pay.ID, redpacket.Answer{Out: redpacket.OutDelay, Code: "NOTENOUGH"}, clk.Now()); err != nil {
			t.Fatal(err)
		}
		p, err := o.deps.Packets.Get(ctx, o.pay.ID)
		if err != nil {
			t.Fatal(err)
		}

		t.Run("a payout says in words what is wrong and what helps", func(t *testing.T) {
			var got struct {
				Words    redpacket.Words `json:"words"`
				Campaign string          `json:"campaign"`
				Account  struct{ Name string }
				Postings []ledger.Posting `json:"postings"`
			}
			cash.do("GET", "/payouts/"+o.pay.ID.String(), "").into(t, &got)
			if got.Words.Action != redpacket.DoFix || got.Campaign == "" || got.Account.Name != "商户号" || len(got.Postings) != 1 {
				t.Errorf("%+v", got)
			}
		})

		t.Run("payouts are found by what finance knows of them", func(t *testing.T) {
			from := clk.Now().Add(-time.Hour).String()
			for query, want := range map[string]int{"": 1, "&state=sending": 1, "&state=failed": 0, "&purpose=claim&from=" + from: 1, "&rail=redpack&from=" + from: 0, "&rail=transfer&member_id=1": 1, "&bill_no=" + p.BillNo: 1, "&bill_no=X": 0,
				"&member_id=1": 1, "&min_yuan=1&max_yuan=1.00&from=" + from: 1, "&min_yuan=1.01&from=" + from: 0, "&from=" + clk.Now().Add(time.Hour).String(): 0, "&account_id=" + o.merchant.ID.String(): 1, "&review=true": 0} {
				a := cash.do("GET", "/payouts?total=1&brand_id="+brand+query, "")
				var total struct{ Total int }
				if err := json.Unmarshal([]byte(a.Raw), &total); err != nil || a.Status != 200 || total.Total != want {
					t.Errorf("%q: %d, %d found %v", query, a.Status, total.Total, err)
				}
			}
			if a := cash.do("GET", "/payouts?min_yuan=0.01&brand_id="+brand, ""); a.Status != 400 || a.Error.Code != "payout_range" {
				t.Errorf("amounts over all time: %d %s", a.Status, a.Raw)
			}
		})

		t.Run("a day is asked for once and shows its differences", func(t *testing.T) {
			day := clock.DayOf(clk.Now()).AddDays(-1)
			item := o.quietDay(day)
			var cal struct {
				Days     []reconcile.Day
				Accounts []struct{ ID id.ID }
			}
			cash.do("GET", fmt.Sprintf("/reconcile/days?brand_id=%s&from=%s&until=%s", brand, day.Text(), day.Text()), "").into(t, &cal)
			if len(cal.Days) != 1 || cal.Days[0].Open != 1 || cal.Days[0].State != reconcile.Done || len(cal.Accounts) != 1 {
				t.Fatalf("%+v", cal)
			}
			if a := cash.do("GET", "/reconcile/days/"+cal.Days[0].ID.String()+"/lines?result=only_wechat", ""); a.Status != 200 {
				t.Errorf("%s", a.Raw)
			}
			if a := looks.do("GET", "/reconcile/items?brand_id="+brand, ""); a.Status != 403 {
				t.Errorf("an analyst reads differences: %d", a.Status)
			}
			if a := cash.do("POST", "/reconcile/items/"+item.ID.String()+"/explain", `{"version":1,"reason":"x"}`); a.Status != 400 {
				t.Errorf("a reason of one character: %d %s", a.Status, a.Raw)
			}
			if a := cash.do("POST", "/reconcile/items/"+item.ID.String()+"/explain", `{"version":1,"reason":"线下补记"}`); a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
			if a := cash.do("POST", "/reconcile/days", `{"account_id":"`+o.merchant.ID.String()+`","day":"2020-01-01"}`); a.Status != 400 || a.Error.Code != "bad_day" {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})

		t.Run("a balance below its line is an alarm", func(t *testing.T) {
			var list []reconcile.Balance
			cash.do("GET", "/balances?brand_id="+brand, "").into(t, &list)
			if len(list) != 1 || list[0].Source != reconcile.BalanceUnknown {
				t.Fatalf("%+v", list)
			}
			if a := cash.do("PUT", "/balances/"+o.merchant.ID.String(), `{"seen_fen":5000,"alarm_fen":10000}`); a.Status != 200 {
				t.Fatalf("%s", a.Raw)
			}
			if w, err := o.deps.Reconcile.Waiting(ctx, o.brand.ID); err != nil || w.LowBalances != 1 {
				t.Errorf("%+v %v", w, err)
			}
			cash.do("GET", "/balances?brand_id="+brand, "").into(t, &list)
			if !list[0].Low || list[0].Source != reconcile.BalanceEstimate || list[0].KeptBy != "cash" {
				t.Errorf("%+v", list[0])
			}
			if a := cash.do("PUT", "/balances/"+o.merchant.ID.String(), `{"seen_fen":-1}`); a.Status != 400 {
				t.Errorf("less than nothing: %d", a.Status)
			}
		})

		t.Run("the book is read account by account", func(t *testing.T) {
			var trial ledger.KeptTrial
			cash.do("GET", "/ledger/trial-balance", "").into(t, &trial)
			if trial.AsOf == 0 || !trial.Balanced {
				t.Errorf("%+v", trial)
			}
			var sums []struct {
				Kind  string
				Name  string
				Owner id.ID
			}
			cash.do("GET", "/ledger/accounts?unit=fen", "").into(t, &sums)
			if len(sums) == 0 || sums[0].Name == "" {
				t.Fatalf("%+v", sums)
			}
			if a := cash.do("GET", "/ledger/entries?unit=fen&kind=funds&owner_id="+brand, ""); a.Status != 200 || len(a.Raw) < 100 {
				t.Errorf("%s", a.Raw)
			}
		})

		t.Run("finance reads a month", func(t *testing.T) {
			if _, err := o.deps.Packets.Apply(ctx, o.pay.ID, redpacket.Answer{Out: redpacket.OutSettled}, 0); err != nil {
				t.Fatal(err)
			}
			day := clock.DayOf(clk.Now())
			for range 2 {
				if err := o.deps.Reconcile.Fold(ctx, o.brand.ID, o.merchant.ID, day); err != nil {
					t.Fatal(err)
				}
			}
			var m reconcile.Month
			cash.do("GET", "/payout-summary?month="+day.Text()[:7]+"&brand_id="+brand, "").into(t, &m)
			if len(m.Lines) != 1 || m.Total.SettledFen != 100 || m.Total.Settled != 1 || m.Lines[0].Campaign == "" {
				t.Errorf("%+v", m)
			}
			if a := cash.do("GET", "/payout-summary?month=2026-13&brand_id="+brand, ""); a.Status != 400 {
				t.Errorf("%d", a.Status)
			}
		})
	})
}
