package admin_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/points"
	"siyu/model/referral"
)

func newCommission(d *db.DB, deps admin.Deps) *commission.Store {
	return commission.New(commission.Deps{DB: d, Books: commission.NewAccounts(d, deps.Ledger), Purse: points.New(deps.Ledger), Taker: deps.Points, Uplines: deps.Referrals,
		Leaders: deps.Leaders, Suspicion: deps.Fraud, Members: deps.Members, Codes: deps.Codes, Shelf: deps.Products, Events: deps.Events})
}

// rule is the body of a rule of a hundred fen per claim, with changes ("level":"two").
func (o *office) rule(changes string) string {
	return `{"brand_id":"` + o.brand.ID.String() + `","name":"扫码佣金","trigger":"claim","pay":"cash","each":100,"ceiling":1000,"roles":["member","leader"],"freeze_days":0,"budget_fen":100000` +
		changes + `}`
}

func (o *office) newRule(changes string) string {
	return "/commission/rules/" + o.must("POST", "/commission/rules", o.rule(changes)).ID.String()
}

// sale lets somebody who was brought claim the office's items, and returns who brought
// him.
func (o *office) sale(n int64, items int64) (referrer id.ID) {
	o.t.Helper()
	ctx := context.Background()
	referrer = o.somebody(o.t, fmt.Sprintf("oCR%d", n), fmt.Sprintf("134%08d", n)).ID
	buyer := o.somebody(o.t, fmt.Sprintf("oCB%d", n), fmt.Sprintf("133%08d", n)).ID
	code, err := o.deps.Referrals.CodeOf(ctx, o.brand.ID, referrer, referral.Member)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.deps.Referrals.Bind(ctx, referral.Contact{Token: o.deps.Referrals.Token(code), MemberID: buyer, Channel: referral.H5, Consented: true}); err != nil {
		o.t.Fatal(err)
	}
	o.clk.Advance(time.Second)
	for i := range items {
		serial := n%1000*10 + i + 1
		e := event.Event{ID: o.d.NewID(), Key: fmt.Sprintf("claim:%d:%d", n, i), Type: event.Claim, BrandID: o.brand.ID, MemberID: buyer, Channel: event.Code, At: o.clk.Now(),
			Body: event.Body(event.ClaimBody{ProductID: o.product.ID, BatchID: o.batch.ID, Serial: serial % 100, CampaignID: o.live.ID, Kind: "cash"})}
		if err := o.deps.Commission.Consume(ctx, []event.Event{e}); err != nil {
			o.t.Fatal(err)
		}
	}
	return referrer
}

// commissionKeyed is what retries send to the routes of commission.
func (o *office) commissionKeyed() map[string]retry {
	o.t.Helper()
	brand := "/brands/" + o.brand.ID.String()
	live := o.newRule("")
	o.must("POST", live+"/activate", `{"version":1}`)
	o.clk.Advance(time.Second)
	referrer := o.sale(77, 1)
	list, err := o.deps.Commission.Accruals(context.Background(), o.brand.ID, []id.ID{referrer}, commission.Filter{}, 0, 1)
	if err != nil || len(list) != 1 {
		o.t.Fatal(list, err)
	}
	sign := `{"version":1,"signer":"王律师","title":"%s","number":"1","signed_on":20261120}`
	return map[string]retry{
		"POST /commission/rules":              {"/commission/rules", o.rule(""), o.rule(`,"level":"two"`)},
		"POST /commission/rules/preview":      {"/commission/rules/preview", o.rule(""), o.rule(`,"level":"two"`)},
		"PUT /commission/rules/:id":           {o.newRule(""), o.rule(`,"version":1`), o.rule(`,"version":2`)},
		"POST /commission/rules/:id/activate": {o.newRule("") + "/activate", `{"version":1}`, `{"version":2}`},
		"POST /commission/rules/:id/end":      {o.newRule("") + "/end", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /commission/rules/:id/signoffs": {o.newRule(`,"level":"two"`) + "/signoffs", fmt.Sprintf(sign, "一"), fmt.Sprintf(sign, "二")},
		"PUT /brands/:id/commission-policy":   {brand + "/commission-policy", `{"version":0,"kind":"weekly","settle_day":1}`, `{"version":0,"kind":"weekly","settle_day":2}`},
		"POST /commission/accruals/:id/claw":  {"/commission/accruals/" + list[0].ID.String() + "/claw", `{"reason":"刷单"}`, `{"reason":"误操作"}`},
	}
}

// Must be shown: a third level, pay for a share, a follow, a head count, each refused with
// the rule it breaks, and the refusal kept.
func TestUnlawfulCommissionIsRefusedWithItsReason(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	o := newOffice(t, dbtest.Open(t, db.SQLite, clk), clk)
	staff := o.as(t, "yunying-9", operator.Operations)
	const law, wechat = "《禁止传销条例》第七条", "《微信外部链接内容管理规范》"
	for _, c := range []struct{ field, value, reason string }{
		{"trigger", `"share"`, wechat}, {"trigger", `"转发"`, wechat}, {"trigger", `"follow"`, wechat}, {"trigger", `"关注"`, wechat},
		{"trigger", `"head_count"`, law + "第（一）项"}, {"trigger", `"headCount"`, law + "第（一）项"}, {"trigger", `"register"`, law + "第（一）项"},
		{"trigger", `"bind"`, law + "第（一）项"}, {"trigger", `"邀请"`, law + "第（一）项"},
		{"trigger", `"entry_fee"`, law + "第（二）项"}, {"trigger", `"team_sales"`, law + "第（三）项"}, {"trigger", `"团队业绩"`, law + "第（三）项"},
		{"level", `"three"`, law}, {"level", `3`, law}, {"level", `"4"`, law}, {"level", `99`, law}, {"level", `0`, law},
		{"levels", `3`, law}, {"level_3", `100`, law}, {"entry_fee_fen", `9900`, law + "第（二）项"}, {"join_fee", `1`, law + "第（二）项"},
		{"team_sales_fen", `1`, law + "第（三）项"}, {"head_count", `100`, law + "第（一）项"}, {"share_fen", `100`, wechat},
	} {
		for _, do := range [][2]string{{"POST", "/commission/rules"}, {"POST", "/commission/rules/preview"}, {"PUT", o.newRule("")}} {
			body := o.rule(`,"version":1,"` + c.field + `":` + c.value) // the last of two equal names counts
			before := o.count("commission_version")
			a := staff.do(do[0], do[1], body)
			reason, _ := a.Error.Detail["reason"].(string)
			if a.Status != 400 || a.Error.Code != "commission_unlawful" || !strings.Contains(a.Error.Message, c.reason) || !strings.Contains(reason, c.reason) || a.Error.Detail["field"] != c.field {
				t.Errorf("%s %s %s: %d %s", do[0], c.field, c.value, a.Status, a.Raw)
			}
			if o.count("commission_version") != before {
				t.Errorf("%s %s wrote something", c.field, c.value)
			}
			var kept []struct {
				Outcome string
				Changes []struct {
					Field string
					After any
				}
			}
			o.root.do("GET", "/audit?object=commission_rule&limit=1", "").into(t, &kept)
			said := false
			for _, x := range kept[0].Changes {
				said = said || x.Field == c.field && fmt.Sprintf("%v", x.After) == strings.Trim(c.value, `"`)
			}
			if kept[0].Outcome != "commission_unlawful" || !said {
				t.Errorf("%s %s: the audit keeps %+v", c.field, c.value, kept[0])
			}
		}
	}
	if a := staff.do("POST", "/commission/rules", o.rule(`,"trigger":"moonlight"`)); a.Status != 400 || a.Error.Code != "commission_trigger" {
		t.Error(a.Raw)
	}
}

func TestCommissionInTheBackOffice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, o := context.Background(), newOffice(t, d, clk)
		staff, boss, lawyer, money := o.as(t, "yunying-1", operator.Operations), o.as(t, "shenpi-1", operator.Approver), o.as(t, "fawu-1", operator.Legal), o.as(t, "caiwu-1", operator.Finance)
		brand := o.brand.ID.String()
		t.Run("two levels need the lawyer before the approver", func(t *testing.T) {
			rule := o.newRule(`,"level":"two"`)
			if a := staff.do("POST", rule+"/activate", `{"version":1}`); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			if a := boss.do("POST", rule+"/activate", `{"version":1}`); a.Status != 409 || a.Error.Code != "commission_signoff_needed" {
				t.Fatal(a.Raw)
			}
			opinion := `{"version":1,"signer":"王律师","title":"关于二级佣金","number":"法意 1","signed_on":20261120}`
			if a := boss.do("POST", rule+"/signoffs", opinion); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			lawyer.do("POST", rule+"/signoffs", opinion).into(t, &struct{}{})
			var r commission.Rule
			boss.do("POST", rule+"/activate", `{"version":1}`).into(t, &r)
			if r.State != commission.Active || r.Terms.Level != commission.Two {
				t.Fatalf("%+v", r)
			}
			var view struct {
				SignOffs []commission.SignOff `json:"sign_offs"`
				Versions []commission.Version
			}
			staff.do("GET", rule, "").into(t, &view)
			if len(view.SignOffs) != 1 || view.SignOffs[0].Number != "法意 1" || len(view.Versions) != 1 || view.Versions[0].ActiveFrom == 0 {
				t.Fatalf("%+v", view)
			}
			boss.do("POST", rule+"/end", `{"reason":"试行结束"}`).into(t, &struct{}{})
		})
		rule := o.newRule("")
		boss.do("POST", rule+"/activate", `{"version":1}`).into(t, &struct{}{})
		staff.do("PUT", "/brands/"+brand+"/commission-policy", `{"version":0,"kind":"weekly","settle_day":1}`).into(t, &struct{}{})
		clk.Advance(time.Second)
		referrer := o.sale(1, 3)
		var list []commission.Accrual
		query := func(from, until clock.Instant, ruleID string) string {
			v := url.Values{"brand_id": {brand}, "earner_id": {referrer.String()}, "state": {"frozen"}, "from": {from.String()}, "until": {until.String()}, "rule_id": {ruleID}, "total": {"1"}}
			return "/commission/accruals?" + v.Encode()
		}
		made, ruleID := clk.Now(), strings.TrimPrefix(rule, "/commission/rules/")
		money.do("GET", query(made.Add(-time.Hour), made.Add(time.Hour), ruleID), "").into(t, &list)
		if len(list) != 3 || list[0].Amount != 100 {
			t.Fatalf("%+v", list)
		}
		for _, none := range []string{query(made.Add(time.Hour), made.Add(2*time.Hour), ruleID), query(made.Add(-time.Hour), list[2].CreatedAt, ruleID), query(made.Add(-time.Hour), made.Add(time.Hour), "1")} {
			if a := money.do("GET", none, ""); a.Status != 200 || !strings.Contains(a.Raw, `"total":0`) {
				t.Errorf("%s: %s", none, a.Raw)
			}
		}
		t.Run("an accrual says why it is there, and is taken back with a reason", func(t *testing.T) {
			path := "/commission/accruals/" + list[0].ID.String()
			var why struct {
				Checks []struct {
					What, Text string
					OK         bool
				}
				Rule commission.Version
			}
			money.do("GET", path, "").into(t, &why)
			if len(why.Checks) < 4 || !why.Checks[0].OK || why.Rule.Terms.Each != 100 {
				t.Fatalf("%+v", why)
			}
			if a := money.do("POST", path+"/claw", `{"reason":""}`); a.Error.Code != "commission_reason" {
				t.Fatal(a.Raw)
			}
			if a := staff.do("POST", path+"/claw", `{"reason":"刷单"}`); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			var a commission.Accrual
			money.do("POST", path+"/claw", `{"reason":"刷单"}`).into(t, &a)
			if a.State != commission.Clawed || a.Clawed != 100 {
				t.Fatalf("%+v", a)
			}
			o.audited("commission_accrual.claw", `{"field":"clawed","before":0,"after":100}`)
		})
		t.Run("what is owed, a summary, and a statement with its lines", func(t *testing.T) {
			var owed commission.Owed
			money.do("GET", "/commission/owed?brand_id="+brand, "").into(t, &owed)
			if owed.Frozen != 200 || owed.Earners != 1 {
				t.Fatalf("%+v", owed)
			}
			if a := money.do("GET", "/commission/owed", ""); a.Status != 400 {
				t.Fatal(a.Raw)
			}
			clk.Set(clock.From(time.Date(2026, 11, 23, 1, 0, 0, 0, clock.Shanghai))) // Monday
			if err := o.deps.Commission.Close(ctx); err != nil {
				t.Fatal(err)
			}
			office := o.login(t, "caiwu-1")
			var statements []commission.Statement
			office.do("GET", "/commission/statements?brand_id="+brand, "").into(t, &statements)
			if len(statements) != 1 || statements[0].NetFen != 200 || statements[0].EarnerID != referrer {
				t.Fatalf("%+v", statements)
			}
			path := "/commission/statements/" + statements[0].ID.String()
			var lines []commission.Accrual
			office.do("GET", path+"/lines", "").into(t, &lines)
			if len(lines) != 2 {
				t.Fatal(lines)
			}
			file := office.do("GET", path+"/csv", "")
			rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.Raw, "\uFEFF"))).ReadAll()
			if err != nil || len(rows) != 3 || rows[1][0] != statements[0].Number || rows[1][11] != "1.00" || rows[1][1] == rows[2][1] {
				t.Fatal(rows, err)
			}
			for _, r := range rows[1:] {
				i := slices.IndexFunc(lines, func(a commission.Accrual) bool { return r[1] == `="`+a.ID.String()+`"` })
				if i < 0 || r[5] != `="`+lines[i].RuleID.String()+`"` || r[7] != `="`+lines[i].RefereeID.String()+`"` {
					t.Errorf("Excel rounds a number of %q", r)
				}
			}
			var sum commission.Summary
			office.do("GET", "/members/"+referrer.String()+"/commission?brand_id="+brand, "").into(t, &sum)
			if sum.Settled.Fen != 200 || len(sum.Days) != 30 {
				t.Fatalf("%+v", sum)
			}
			var late []commission.Claw
			office.do("GET", path+"/claws", "").into(t, &late)
			if len(late) != 0 {
				t.Fatal(late)
			}
			// More lines than a page has: copies of one of them.
			for i := range 250 {
				err := d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec(`INSERT INTO commission_accrual (id, brand_id, rule_id, version, level, earned_on, pay, fact_key, event_id, event_key, event_at, day, referee_id, earner_id, role, binding_id, bound_at, batch_id, serial,
						base_qty, base_fen, amount, clawed, account_id, state, reason, checks, statement_id, created_at, release_at, released_at, settled_at)
						SELECT ?, brand_id, rule_id, version, level, earned_on, pay, ?, event_id, event_key, event_at, day, referee_id, earner_id, role, binding_id, bound_at, batch_id, serial,
						base_qty, base_fen, amount, clawed, account_id, state, ?, checks, statement_id, created_at, release_at, released_at, settled_at FROM commission_accrual WHERE id = ?`,
						i+1, fmt.Sprintf("copy:%d", i), []string{"=1+1", "＝1+1"}[i%2], lines[0].ID).Error
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			file = office.do("GET", path+"/csv", "")
			if rows, err = csv.NewReader(strings.NewReader(file.Raw)).ReadAll(); err != nil || len(rows) != 253 || rows[252][12] != "'=1+1" || rows[251][12] != "'＝1+1" || strings.Count(file.Raw, "\uFEFF") != 1 {
				t.Fatal(len(rows), err)
			}
			var trail []audit.Line
			o.login(t, "root").do("GET", "/audit?object=commission_statement", "").into(t, &trail)
			if len(trail) != 2 || trail[0].Action != "commission_statement.file" || trail[0].ObjectID != statements[0].ID {
				t.Fatalf("%+v", trail)
			}
		})
	})
}
