package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/referral"
)

// farm is a case: a referee who joined on his referrer's own device.
func (s *site) farm(t *testing.T, brandID id.ID) fraud.Case {
	t.Helper()
	ctx := context.Background()
	n := s.d.NewID()
	referrer := s.somebody(t, fmt.Sprintf("oR%d", n), fmt.Sprintf("137%08d", uint64(n)%1e8))
	referee := s.somebody(t, fmt.Sprintf("oE%d", n), fmt.Sprintf("136%08d", uint64(n)%1e8))
	if err := s.deps.Fraud.Seen(ctx, referrer.ID, "phone of "+n.String()); err != nil {
		t.Fatal(err)
	}
	b := referral.Binding{ID: s.d.NewID(), BrandID: brandID, MemberID: referee.ID, ReferrerID: referrer.ID, Role: referral.Leader, BoundAt: s.clk.Now(), DeviceHash: "phone of " + n.String()}
	if err := s.deps.Fraud.Look(ctx, b); err != nil {
		t.Fatal(err)
	}
	list, err := s.deps.Fraud.List(ctx, fraud.Filter{ReferrerID: referrer.ID, Limit: 2})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// fraudKeyed makes a case and decides it.
func (o *office) fraudKeyed() map[string]retry {
	return map[string]retry{
		"POST /fraud/cases/:id/decide": {"/fraud/cases/" + o.farm(o.t, o.brand.ID).ID.String() + "/decide", `{"decision":"cleared","reason":"一家人"}`, `{"decision":"confirmed","reason":"一家人"}`},
		"PUT /brands/:id/fraud-policy": {"/brands/" + o.brand.ID.String() + "/fraud-policy", `{"version":0,"device_people":3,"burst_minutes":60,"newcomer_minutes":60}`,
			`{"version":0,"device_people":5,"burst_minutes":60,"newcomer_minutes":60}`},
	}
}

func TestFraudCases(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		x := s.farm(t, 7)
		approver, operations := s.as(t, "approver", operator.Approver), s.as(t, "ops", operator.Operations)
		var list []struct {
			ID       id.ID
			Title    string
			Evidence struct{ Text string }
		}
		operations.do("GET", "/fraud/cases?brand_id=7&state=open", "").into(t, &list)
		if len(list) != 1 || list[0].ID != x.ID || list[0].Title != "与推荐人同一设备" || list[0].Evidence.Text == "" {
			t.Fatalf("%+v", list)
		}
		one := operations.do("GET", "/fraud/cases/"+x.ID.String(), "")
		if one.Status != 200 || strings.Contains(one.Raw, "phone of") || !strings.Contains(one.Raw, `"suspects":[{"member_id"`) {
			t.Errorf("%d %s", one.Status, one.Raw)
		}
		decide := "/fraud/cases/" + x.ID.String() + "/decide"
		for body, code := range map[string]string{`{"decision":"confirmed"}`: "fraud_reason", `{"decision":"perhaps","reason":"x"}`: "fraud_decision"} {
			if a := approver.do("POST", decide, body); a.Status != 400 || a.Error.Code != code {
				t.Errorf("%s: %d %s", body, a.Status, a.Raw)
			}
		}
		if a := operations.do("POST", decide, `{"decision":"cleared","reason":"x"}`); a.Status != 403 {
			t.Errorf("operations decide: %d", a.Status)
		}
		approver.do("POST", decide, `{"decision":"confirmed","reason":"工作室"}`).into(t, &struct{}{})
		if a := approver.do("POST", decide, `{"decision":"cleared","reason":"又改主意"}`); a.Status != 409 {
			t.Errorf("decided twice: %d %s", a.Status, a.Raw)
		}
		var n int
		if err := d.Read(context.Background()).Raw("SELECT COUNT(*) FROM audit WHERE action = 'fraud_case.decide' AND object_id = ? AND outcome = 'done' AND reason = '工作室'", x.ID).Scan(&n).Error; err != nil || n != 1 {
			t.Errorf("%d entries in the audit, %v", n, err)
		}
	})
}
