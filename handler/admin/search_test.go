package admin_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/find"
	"siyu/model/operator"
	"siyu/model/tag"
)

func TestSearch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		support := o.as(t, "support", operator.Support)
		member := o.somebody(t, "oSearchedForHisOpenID0001", "13800138099")
		if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
			if err := tx.Exec("INSERT INTO account (id, brand_id, kind, app_id, name, callback_slug, settings, secrets, created_at, updated_at) VALUES (78, ?, 'official', 'wxA', '公众号', 'oa-9', '{}', '', 1, 1)", o.brand.ID).Error; err != nil {
				return err
			}
			return tx.Exec(`INSERT INTO leader (id, brand_id, member_id, role, state, rev, level, level_month, name, region, community, phone_hash, shop_name, employee_no, signed_version, reason, created_at, changed_at, active_at, may_apply_at)
				VALUES (77, ?, ?, 'leader', 'active', 0, 1, 0, '王群主', '武汉', '', '', '', '', 0, '', 1, 1, 1, 0)`, o.brand.ID, member.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
		ask := func(p *person, q string) map[string][]find.Hit {
			t.Helper()
			var out struct{ Hits []find.Hit }
			p.do("GET", "/search?q="+url.QueryEscape(q), "").into(t, &out)
			by := map[string][]find.Hit{}
			for _, x := range out.Hits {
				by[x.Kind] = append(by[x.Kind], x)
			}
			return by
		}
		pay, err := o.deps.Packets.Get(context.Background(), o.pay.ID)
		if err != nil {
			t.Fatal(err)
		}
		token, err := o.deps.Codes.TokenOf(o.batch.ID, 3)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			q, kind string
			want    string
		}{
			"a product by a part of its name":         {"啤酒", find.Product, o.product.ID.String()},
			"a product by its bar code":               {"6901234567892", find.Product, o.product.ID.String()},
			"a batch by name":                         {"批次", find.Batch, ""},
			"a campaign by name in full-width spaces": {"　活动　", find.Campaign, ""},
			"a payout by its bill":                    {pay.BillNo, find.Payout, o.pay.ID.String()},
			"a code by its token":                     {token, find.Code, o.batch.ID.String()},
			"a code by its address":                   {"https://q.laojing.cn/q/" + token, find.Code, o.batch.ID.String()},
			"a code as it is printed, in groups":      {token[:4] + " " + token[4:8] + " " + token[8:12] + " " + token[12:], find.Code, o.batch.ID.String()},
			"a leader by the beginning of his name":   {"王群", find.Leader, "77"},
			"a member by his number":                  {member.ID.String(), find.Member, member.ID.String()},
			"a member by the end of his number":       {member.ID.Tail(), find.Member, member.ID.String()},
			"a member by his telephone":               {"138 0013 8099", find.Member, member.ID.String()},
			"a member by full-width digits":           {"１３８００１３８０９９", find.Member, member.ID.String()},
			"a member by his openid":                  {"oSearchedForHisOpenID0001", find.Member, member.ID.String()},
			"a member by the end of his telephone":    {"8099", find.Member, member.ID.String()},
			"an operator by name":                     {"fin-1", find.Operator, o.operator.ID.String()},
		} {
			t.Run(name, func(t *testing.T) {
				hits := ask(o.root, x.q)[x.kind]
				if len(hits) == 0 || (x.want != "" && hits[0].ID.String() != x.want) {
					t.Fatalf("%+v", hits)
				}
				for _, h := range hits {
					if strings.Contains(h.Title+h.Subtitle, "13800138099") || strings.Contains(h.Title+h.Subtitle, "oSearched") {
						t.Errorf("%+v", h)
					}
				}
			})
		}
		t.Run("a campaign is in the stage that its page shows", func(t *testing.T) {
			turn := func(state string) {
				t.Helper()
				if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
					return tx.Exec("UPDATE campaign SET state = ? WHERE name = '活动'", state).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			turn("published")
			defer turn("paused")
			hits := ask(o.root, "活动")[find.Campaign]
			if len(hits) == 0 || slices.ContainsFunc(hits, func(x find.Hit) bool { return x.State != "running" }) {
				t.Fatalf("%+v", hits)
			}
		})
		t.Run("each kind is for those who may read it", func(t *testing.T) {
			if got := ask(support, "fin-1"); len(got[find.Operator]) != 0 {
				t.Errorf("%+v", got)
			}
			legal := o.as(t, "legal", operator.Legal)
			got := ask(legal, "8099")
			if len(got[find.Member]) != 0 {
				t.Errorf("%+v", got)
			}
			if got := ask(legal, member.ID.String()); len(got) != 0 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("who looked somebody up by his telephone or OpenID is known, the value is not", func(t *testing.T) {
			var lines []audit.Line
			o.root.do("GET", "/audit?action=member.look_up", "").into(t, &lines)
			by := []string{}
			for _, l := range lines {
				if l.ObjectID != member.ID || l.Actor != "root" {
					t.Errorf("%+v", l)
				}
				for _, x := range l.Changes {
					if strings.Contains(string(x.After), "8099") || strings.Contains(string(x.After), "oSearched") {
						t.Error(string(x.After))
					}
					if x.Field == "by" {
						by = append(by, string(x.After))
					}
				}
			}
			slices.Sort(by)
			if want := []string{`"openid"`, `"phone"`, `"phone"`, `"phone_tail"`}; !slices.Equal(by, want) {
				t.Errorf("%v, want %v", by, want)
			}
		})
		t.Run("a confined operator finds his brand's things only", func(t *testing.T) {
			other := o.must("POST", "/brands", `{"slug":"other","name":"别家","code_host":"q.other.cn"}`)
			p := o.confined(t, "confined", other.ID)
			for _, q := range []string{"啤酒", "批次", token, pay.BillNo, member.ID.String(), "8099", "王群"} {
				if got := ask(p, q); len(got) != 0 {
					t.Errorf("%s: %+v", q, got)
				}
			}
		})
		t.Run("who sees leaders and no members is known to have looked for a telephone too", func(t *testing.T) {
			p := o.confined(t, "phones", o.brand.ID)
			ask(p, "13800138098") // nobody's: that is an answer as well
			var lines []audit.Line
			o.root.do("GET", "/audit?action=member.look_up&object=leader", "").into(t, &lines)
			if len(lines) != 1 || lines[0].Actor != "phones" {
				t.Fatalf("%+v", lines)
			}
		})
		t.Run("wild cards are letters, and nothing or too much is refused", func(t *testing.T) {
			for _, q := range []string{"%", "_____", "' OR 1=1 --", `\%`} {
				if got := ask(o.root, q); len(got) != 0 {
					t.Errorf("%s: %+v", q, got)
				}
			}
			for _, q := range []string{"", " ", strings.Repeat("长", 101)} {
				if a := o.root.do("GET", "/search?q="+url.QueryEscape(q), ""); a.Error.Code != "search_text" {
					t.Error(a.Raw)
				}
			}
		})
	})
}

func TestTagsSegmentsAndPushesAreFoundByThoseWhoMaySeeThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops := o.as(t, "find-ops", operator.Operations)
		brand := o.brand.ID.String()
		open := o.askedTag(ops, "护眼人群标签", tag.Rule, "")
		var secret tag.Tag
		ops.do("POST", "/tags", tagForm(o.brand.ID, o.operator.ID, "护眼病史", "fact", `,"sensitive":true,"roles":["operations"]`)).into(t, &secret)
		seg := o.must("POST", "/segments", `{"brand_id":"`+brand+`","name":"护眼客户","note":"买过护理液","rev":0,"tree":{"v":1,"root":{"random":{"salt":"s","from":0,"until":100}}}}`)
		pushed := o.must("POST", "/pushes", pushBody(o.brand.ID, "护眼提醒", ""))
		other := o.must("POST", "/brands", `{"slug":"other","name":"别家","code_host":"q.other.cn"}`)
		all := []string{open.ID.String(), secret.ID.String(), seg.ID.String(), pushed.ID.String()}
		for name, x := range map[string]struct {
			p    *person
			q    string
			want []string
		}{
			"a part of the name":          {ops, "护眼", all},
			"an administrator":            {o.root, "护眼", all},
			"a tag's number":              {ops, open.ID.String(), all[:1]},
			"a push by its number":        {ops, pushed.ID.String(), all[3:]},
			"not tags of other roles":     {o.as(t, "find-analyst", operator.Analyst), "护眼", []string{all[0], all[2], all[3]}},
			"not by the number either":    {o.as(t, "find-again", operator.Analyst), secret.ID.String(), nil},
			"who may read pushes only":    {o.as(t, "find-legal", operator.Legal), "护眼", all[3:]},
			"who may read none of them":   {o.as(t, "find-none", operator.Finance), "护眼", nil},
			"somebody of this brand":      {o.confined(t, "find-ours", o.brand.ID), "护眼", all},
			"somebody of another brand":   {o.confined(t, "find-others", other.ID), "护眼", nil},
			"wild cards are only letters": {ops, "护%眼", nil},
		} {
			var out struct{ Hits []find.Hit }
			x.p.do("GET", "/search?q="+url.QueryEscape(x.q), "").into(t, &out)
			var got []string
			for _, h := range out.Hits {
				got = append(got, h.ID.String())
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(x.want))
			if !slices.Equal(got, want) {
				t.Errorf("%s: %+v", name, out.Hits)
			}
		}
	})
}
