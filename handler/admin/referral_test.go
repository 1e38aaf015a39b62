package admin_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/referral"
)

// brought makes members of whom the first brought the second, and so on.
func (s *site) brought(t *testing.T, brandID id.ID, prefix string, n int) []id.ID {
	t.Helper()
	var out []id.ID
	for i := range n {
		out = append(out, s.somebody(t, fmt.Sprintf("o%s%d", prefix, i), fmt.Sprintf("139%s%04d", prefix, i)).ID)
		if i > 0 {
			s.bring(t, brandID, out[i], out[i-1])
		}
	}
	return out
}

func (s *site) bring(t *testing.T, brandID, referee, referrer id.ID) referral.Code {
	t.Helper()
	ctx := context.Background()
	c, err := s.deps.Referrals.CodeOf(ctx, brandID, referrer, referral.Member)
	if err == nil {
		_, err = s.deps.Referrals.Bind(ctx, referral.Contact{BrandID: brandID, Token: s.deps.Referrals.Token(c), MemberID: referee, Channel: referral.H5})
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// quoted is an id in JSON.
func quoted(x id.ID) string {
	b, _ := x.MarshalJSON() // it never fails
	return string(b)
}

// referralKeyed are the writes about who brought whom.
func (o *office) referralKeyed() map[string]retry {
	brand := o.brand.ID.String()
	p := o.brought(o.t, o.brand.ID, "8000", 4)
	q := o.brought(o.t, o.brand.ID, "8001", 2)
	code := o.bring(o.t, o.brand.ID, o.somebody(o.t, "oLast", "13980020000").ID, p[3])
	of := func(member, referrer id.ID, reason string) string {
		return fmt.Sprintf(`{"brand_id":"%s","member_id":"%s","referrer_id":%s,"reason":"%s"}`, brand, member, quoted(referrer), reason)
	}
	rules := `{"version":0,"protect_days":%d,"valid_days":0,"existing":"never_seen","new_minutes":60,"reason":"调整"}`
	return map[string]retry{
		"PUT /brands/:id/referral-policy": {"/brands/" + brand + "/referral-policy", fmt.Sprintf(rules, 7), fmt.Sprintf(rules, 8)},
		"POST /referral/codes/:id/close":  {"/referral/codes/" + code.ID.String() + "/close", `{"reason":"丢失"}`, `{"reason":"停用"}`},
		"POST /referral/rebind":           {"/referral/rebind", of(p[1], q[0], "核实"), of(p[2], q[0], "核实")},
		"POST /referral/end":              {"/referral/end", of(p[3], 0, "核实"), of(p[2], 0, "核实")},
		"POST /referral/hand-over":        {"/referral/hand-over", of(q[0], q[1], "离任"), of(q[0], p[0], "离任")},
		"POST /referral/check":            {"/referral/check", `{"brand_id":"` + brand + `"}`, `{"brand_id":"1"}`},
		"POST /referral/exports":          {"/referral/exports", of(p[1], 0, "核对"), of(p[0], 0, "核对")},
	}
}

func TestReferralDesk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ctx, brand := context.Background(), o.brand.ID
		p := o.brought(t, brand, "7000", 4)
		q := "?brand_id=" + brand.String()
		of := func(m id.ID) string { return q + "&member_id=" + m.String() }
		t.Run("the first screen is a node with its counters and its people", func(t *testing.T) {
			var s struct {
				Node     *referral.Node
				Children []referral.Node
			}
			o.root.do("GET", "/referral/tree"+of(p[0]), "").into(t, &s)
			if s.Node == nil || s.Node.TeamSize != 3 || len(s.Children) != 1 || s.Children[0].MemberID != p[1] {
				t.Errorf("%+v", s)
			}
			if a := o.root.do("GET", "/referral/bindings"+q, ""); !strings.Contains(a.Raw, `"referrer":{"name":"会员 …`+p[0].Tail()+`","role":"","state":""}`) {
				t.Error(a.Raw)
			}
			o.root.do("GET", "/referral/tree"+q, "").into(t, &s)
			if s.Node != nil || len(s.Children) != 1 || s.Children[0].MemberID != p[0] {
				t.Errorf("%+v", s)
			}
			a := o.root.do("GET", "/referral/children"+of(p[1])+"&limit=1", "")
			var list []referral.Node
			if a.into(t, &list); len(list) != 1 || a.Next == "" {
				t.Error(a.Raw)
			}
			if a = o.root.do("GET", "/referral/children"+of(p[1])+"&after="+a.Next, ""); a.Raw == "" || a.Next != "" {
				t.Error(a.Raw)
			}
		})
		t.Run("the line above, and trees that are watched", func(t *testing.T) {
			var up []referral.Node
			if o.root.do("GET", "/referral/upline"+of(p[3]), "").into(t, &up); len(up) != 3 || up[0].MemberID != p[2] {
				t.Error(up)
			}
			var watched []referral.Watched
			if o.root.do("GET", "/referral/watch"+q, "").into(t, &watched); len(watched) != 1 || watched[0].Why == "" {
				t.Error(watched)
			}
		})
		body := func(member, referrer id.ID, reason string) string {
			return fmt.Sprintf(`{"brand_id":"%s","member_id":"%s","referrer_id":%s,"role":"leader","reason":"%s"}`, brand, member, quoted(referrer), reason)
		}
		t.Run("a change needs a reason, and the audit keeps who it was before", func(t *testing.T) {
			other := o.somebody(t, "oOther", "13970010001").ID
			if a := o.root.do("POST", "/referral/rebind", body(p[2], other, "")); a.Error.Code != "reason_missing" {
				t.Error(a.Raw)
			}
			if a := o.root.do("POST", "/referral/rebind", body(p[0], p[3], "核实")); a.Error.Code != "referral_ring" || a.Status != 409 {
				t.Error(a.Raw)
			}
			var b referral.Binding
			if o.root.do("POST", "/referral/rebind", body(p[2], other, "门店投诉核实")).into(t, &b); b.ReferrerID != other {
				t.Errorf("%+v", b)
			}
			var entries []struct {
				Action, Reason string
				ObjectID       id.ID `json:"object_id"`
				Changes        json.RawMessage
			}
			o.root.do("GET", "/audit?action=referral.rebind&outcome=done", "").into(t, &entries)
			if len(entries) != 1 {
				t.Fatalf("%+v", entries)
			}
			if e := entries[0]; e.Action != "referral.rebind" || e.ObjectID != p[2] || e.Reason != "门店投诉核实" || !strings.Contains(string(e.Changes), p[1].String()) || !strings.Contains(string(e.Changes), other.String()) {
				t.Errorf("%+v %s", e, e.Changes)
			}
			var history []referral.Binding
			if o.root.do("GET", "/referral/bindings"+of(p[2]), "").into(t, &history); len(history) != 2 {
				t.Errorf("%+v", history)
			}
		})
		t.Run("a list goes out by alias, to who may, and it is on record", func(t *testing.T) {
			var x referral.Export
			o.root.do("POST", "/referral/exports", body(p[0], 0, "核对业绩")).into(t, &x)
			file := "/referral/exports/" + x.ID.String() + "/file"
			if a := o.root.do("GET", file, ""); a.Error.Code != "referral_export_state" {
				t.Error(a.Raw)
			}
			if err := o.deps.Referrals.Write(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			o.root.do("GET", "/referral/exports/"+x.ID.String(), "").into(t, &x)
			if x.State != referral.Ready || x.Done != 2 {
				t.Errorf("%+v", x)
			}
			if a := o.as(t, "support-1", operator.Support).do("GET", file, ""); a.Status != 403 {
				t.Error(a.Raw)
			}
			before := o.count("audit")
			a := o.root.do("GET", file, "")
			lines, err := csv.NewReader(strings.NewReader(a.Raw)).ReadAll()
			if err != nil || len(lines) != 3 || strings.Contains(a.Raw, p[1].String()) || o.count("audit") != before+1 {
				t.Errorf("%s %v", a.Raw, err)
			}
		})
		t.Run("the check shows what it repaired", func(t *testing.T) {
			if err := d.Read(ctx).Exec("UPDATE referral_node SET team_size = 9 WHERE member_id = ?", p[0]).Error; err != nil {
				t.Fatal(err)
			}
			var c referral.Check
			if o.root.do("POST", "/referral/check", `{"brand_id":"`+brand.String()+`"}`).into(t, &c); c.State != "running" {
				t.Errorf("%+v", c)
			}
			for more := true; more; {
				var err error
				if more, err = o.deps.Referrals.CheckStep(ctx, brand); err != nil {
					t.Fatal(err)
				}
			}
			var repairs []referral.Repair
			o.root.do("GET", "/referral/repairs"+q, "").into(t, &repairs)
			if o.root.do("GET", "/referral/check"+q, "").into(t, &c); c.Repaired != 1 || len(repairs) != 1 || repairs[0].Put.Size != 1 {
				t.Errorf("%+v %+v", c, repairs)
			}
		})
	})
}
