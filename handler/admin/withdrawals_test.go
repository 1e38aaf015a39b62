package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/extract"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/money"
	"siyu/model/operator"
	"siyu/model/redpacket"
	"siyu/model/withdrawal"
)

func (o *office) policyBody(version, perDay int) string {
	return fmt.Sprintf(`{"version":%d,"account_id":"%s","min_fen":100,"max_fen":199900,"per_day":%d,"tax":"fixed","tax_bp":1000,"job_type":"推广员"}`, version, o.merchant.ID, perDay)
}

// request is a withdrawal of 5 yuan by somebody new with 10 yuan, whom the merchant's app
// knows.
func (o *office) request(name string) (w withdrawal.Withdrawal) {
	o.t.Helper()
	ctx := context.Background()
	if p, err := o.deps.Withdrawals.Policy(ctx, o.brand.ID); err != nil || p.Version == 0 {
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/withdrawal-policy", o.policyBody(0, 3))
	}
	human, err := o.deps.Identities.Resolve(ctx, identity.Login{AppID: "wx1", OpenID: name})
	if err != nil {
		o.t.Fatal(err)
	}
	m, err := o.deps.Members.Of(ctx, human)
	if err != nil {
		o.t.Fatal(err)
	}
	err = o.d.InFreshTx(ctx, func(tx *gorm.DB) error {
		account, err := o.deps.Earnings.OpenTx(ctx, tx, o.brand.ID, m.ID)
		if err != nil {
			return err
		}
		if err := o.deps.Earnings.AccrueTx(ctx, tx, account, 1000, "a:"+name, "佣金"); err != nil {
			return err
		}
		return o.deps.Earnings.SettleTx(ctx, tx, account, 1000, "s:"+name, "佣金")
	})
	if err == nil {
		w, err = o.deps.Withdrawals.Request(ctx, o.brand.ID, m.ID, 500, "k")
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return w
}

// withdrawalKeyed is what retries send to the routes of withdrawals.
func (o *office) withdrawalKeyed() map[string]retry {
	yes, no := o.request("oRetryYes"), o.request("oRetryNo")
	brand := "/brands/" + o.brand.ID.String()
	return map[string]retry{
		"POST /withdrawals/:id/approve":     {"/withdrawals/" + yes.ID.String() + "/approve", `{"tax_fen":50,"reason":"一"}`, `{"tax_fen":50,"reason":"二"}`},
		"POST /withdrawals/:id/refuse":      {"/withdrawals/" + no.ID.String() + "/refuse", `{"reason":"一"}`, `{"reason":"二"}`},
		"PUT /brands/:id/withdrawal-policy": {brand + "/withdrawal-policy", o.policyBody(1, 4), o.policyBody(1, 5)},
	}
}

func TestWithdrawalsAreDecidedByWhoMay(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	o := newOffice(t, dbtest.Open(t, db.SQLite, clk), clk)
	w, other := o.request("oA"), o.request("oB")
	path := "/withdrawals/" + w.ID.String()
	finance, approver, support := o.as(t, "caiwu-1", operator.Finance), o.as(t, "shenpi-1", operator.Approver), o.as(t, "kefu-1", operator.Support)
	for _, p := range []*person{approver, support} {
		if a := p.do("POST", path+"/approve", `{"tax_fen":50}`); a.Status != 403 {
			t.Fatal(a.Status, a.Raw)
		}
	}
	if a := finance.do("PUT", "/brands/"+o.brand.ID.String()+"/withdrawal-policy", o.policyBody(1, 5)); a.Status != 403 {
		t.Fatal(a.Status, a.Raw)
	}
	for body, want := range map[string]string{
		``: "400 withdrawal_tax", `{}`: "400 withdrawal_tax", `{"tax_fen":null,"reason":"无"}`: "400 withdrawal_tax",
		`{"tax_fen":10,"suggested_fen":50}`:                "400 withdrawal_tax",
		`{"tax_fen":10}`:                                   "409 withdrawal_tax_moved",
		`{"tax_fen":10,"suggested_fen":20,"reason":"已申报"}`: "409 withdrawal_tax_moved",
	} {
		a := finance.do("POST", path+"/approve", body)
		if got := fmt.Sprint(a.Status, " ", a.Error.Code); got != want || a.Status == 409 && !strings.Contains(a.Raw, `"tax_fen":50`) {
			t.Errorf("%s: %s, want %s", body, a.Raw, want)
		}
	}
	var got withdrawal.Detail
	finance.do("POST", path+"/approve", `{"tax_fen":10,"suggested_fen":50,"reason":"已自行申报"}`).into(t, &got.Withdrawal)
	support.do("GET", path, "").into(t, &got)
	if got.State != withdrawal.Approved || got.TaxFen != 10 || got.NetFen != 490 || got.Payout == nil || got.Payout.AmountFen != 490 || len(got.History) != 2 || len(got.Parts) != 1 {
		t.Fatalf("%+v", got)
	}
	if a := finance.do("POST", path+"/refuse", `{"reason":"晚了"}`); a.Status != 409 || a.Error.Code != "withdrawal_decided" {
		t.Fatal(a.Status, a.Raw)
	}
	var list []struct {
		withdrawal.Withdrawal
		NetFen money.Fen `json:"net_fen"`
		Who    struct{ Name, Role string }
	}
	support.do("GET", "/withdrawals?state=requested&brand_id="+o.brand.ID.String(), "").into(t, &list)
	if len(list) != 1 || list[0].ID != other.ID || list[0].NetFen != other.NetFen() || list[0].Who.Name != "会员 …"+other.MemberID.Tail() || list[0].Who.Role != "" {
		t.Fatalf("%+v", list)
	}
	var earned struct {
		FreeFen money.Fen `json:"free_fen"`
		HeldFen money.Fen `json:"held_fen"`
	}
	support.do("GET", "/members/"+w.MemberID.String()+"/earnings?brand_id="+o.brand.ID.String(), "").into(t, &earned)
	if earned.FreeFen != 500 || earned.HeldFen != 500 {
		t.Fatalf("%+v", earned)
	}
	var lines []struct {
		ID     id.ID
		Amount int64
	}
	support.do("GET", "/members/"+w.MemberID.String()+"/earnings/lines?limit=1&brand_id="+o.brand.ID.String(), "").into(t, &lines)
	if len(lines) != 1 || lines[0].Amount != -500 {
		t.Fatalf("%+v", lines)
	}
}

func TestTaxReportHasWhatWasPaidInTheMonth(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	o := newOffice(t, dbtest.Open(t, db.SQLite, clk), clk)
	for _, name := range []string{"oA", "oB"} {
		asked := o.request(name)
		w, err := o.deps.Withdrawals.Approve(context.Background(), asked.ID, withdrawal.Decision{By: 1, TaxFen: &asked.TaxFen})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.deps.Packets.Begin(context.Background(), w.PayoutID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.deps.Packets.Apply(context.Background(), w.PayoutID, redpacket.Answer{Out: redpacket.OutSettled}, 0); err != nil {
			t.Fatal(err)
		}
	}
	path := "/withdrawals/tax?month=202611&limit=1&brand_id=" + o.brand.ID.String()
	page := o.root.do("GET", path, "")
	var lines []withdrawal.TaxLine
	page.into(t, &lines)
	if len(lines) != 1 || lines[0].TaxFen != 50 || page.Next != lines[0].ID.String() {
		t.Fatalf("%s %+v", page.Next, lines)
	}
	first := lines[0].ID
	o.root.do("GET", path+"&after="+page.Next, "").into(t, &lines)
	if len(lines) != 1 || lines[0].ID == first || lines[0].TaxFen != 50 {
		t.Fatalf("%+v", lines)
	}
	// It leaves the house as other lists do alone: asked for with a reason by who may, and known.
	if file := o.root.do("GET", path+"&format=csv", ""); file.Header.Get("Content-Disposition") != "" || strings.Contains(file.Header.Get("Content-Type"), "csv") {
		t.Error("a file without a reason: ", file.Raw)
	}
	body := `{"kind":"withdrawal_tax","filter":{"brand_id":"` + o.brand.ID.String() + `","month":"2026-11"},"reason":"11 月报税"}`
	if a := o.as(t, "kefu-2", operator.Support).do("POST", "/extracts", body); a.Status != 403 {
		t.Error(a.Status, a.Raw)
	}
	var x extract.Extract
	o.root.do("POST", "/extracts", body).into(t, &x)
	if x.Title != "代扣税明细" {
		t.Errorf("%+v", x)
	}
	var known []audit.Line
	o.root.do("GET", "/audit?action=extract.create", "").into(t, &known)
	if len(known) != 1 || known[0].ObjectID != x.ID || known[0].Reason != "11 月报税" {
		t.Errorf("%+v", known)
	}
	for _, bad := range []string{"x", "202613", ""} {
		if a := o.root.do("GET", "/withdrawals/tax?month="+bad+"&brand_id="+o.brand.ID.String(), ""); a.Status != 400 {
			t.Fatal(bad, a.Status, a.Raw)
		}
	}
}
