package admin_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/segment"
)

const (
	everybodyTree = `{"v":1,"root":{"all":[]}}`
	phoneTree     = `{"v":1,"root":{"attr":{"name":"key","op":"in","values":["phone"]}}}`
)

func (o *office) segmentForm(name, tree string, rev int) string {
	return fmt.Sprintf(`{"brand_id":"%s","name":"%s","note":"","tree":%s,"rev":%d}`, o.brand.ID, name, tree, rev)
}

func (o *office) segmentsKeyed() map[string]retry {
	one, two := o.must("POST", "/segments", o.segmentForm("改它", phoneTree, 0)), o.must("POST", "/segments", o.segmentForm("收起", phoneTree, 0))
	three := o.must("POST", "/segments", o.segmentForm("存名单", everybodyTree, 0))
	roster := o.must("POST", "/segment-lists", `{"brand_id":"`+o.brand.ID.String()+`","name":"名单","note":""}`)
	at := "/segments/" + one.ID.String()
	list := "/segment-lists/" + roster.ID.String()
	member := o.somebody(o.t, "oSegment", "13800138555").ID.String()
	return map[string]retry{
		"POST /segments":                  {"/segments", o.segmentForm("新", phoneTree, 0), o.segmentForm("又", phoneTree, 0)},
		"PUT /segments/:id":               {at, o.segmentForm("改了", everybodyTree, 1), o.segmentForm("再改", everybodyTree, 1)},
		"POST /segments/:id/archive":      {"/segments/" + two.ID.String() + "/archive", `{"rev":1}`, `{"rev":2}`},
		"POST /segments/:id/lists":        {"/segments/" + three.ID.String() + "/lists", `{"name":"甲"}`, `{"name":"乙"}`},
		"POST /segment-lists":             {"/segment-lists", `{"brand_id":"` + o.brand.ID.String() + `","name":"一","note":""}`, `{"brand_id":"` + o.brand.ID.String() + `","name":"二","note":""}`},
		"POST /segment-lists/:id/members": {list + "/members", `{"member_ids":["` + member + `"]}`, `{"member_ids":[]}`},
		"POST /segment-lists/:id/remove":  {list + "/remove", `{"member_ids":["` + member + `"]}`, `{"member_ids":[]}`},
	}
}

func treeQuery(o *office, tree string) string {
	return "?brand_id=" + o.brand.ID.String() + "&tree=" + url.QueryEscape(tree)
}

// metHere makes somebody one of the brand's people.
func (o *office) metHere(m id.ID) id.ID {
	o.t.Helper()
	ctx := context.Background()
	err := o.d.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("INSERT INTO event (id, event_key, type, brand_id, member_id, channel, at, received_at, body) VALUES (?,?,'login',?,?,'h5',?,?,?)",
			o.d.NewID(), "login:"+m.String(), o.brand.ID, m, o.clk.Now(), o.clk.Now(), []byte("{}")).Error; err != nil {
			return err
		}
		return o.deps.Segments.NoteTx(ctx, tx, segment.PartAll, m)
	})
	if err == nil {
		_, err = o.deps.Segments.Refresh(ctx)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return m
}

func TestSegments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		m := o.metHere(o.somebody(t, "oOne", "13800138001").ID)
		if err := d.InTx(context.Background(), func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO member (id, person_id, state, created_at) VALUES (777, 777, 'active', ?)", clk.Now()).Error
		}); err != nil {
			t.Fatal(err)
		}
		o.metHere(777)
		ops := o.as(t, "seg-ops", operator.Operations)

		t.Run("the size of a rule that is being edited, in words and numbers", func(t *testing.T) {
			var got struct {
				People, Asked, Matched, Reachable int64
				Judged                            bool
				Sentence                          string
			}
			ops.do("GET", "/segments/size"+treeQuery(o, phoneTree), "").into(t, &got)
			if got.People != 2 || got.Asked != 2 || got.Matched != 1 || got.Judged || got.Sentence != "已知身份“手机号”" {
				t.Errorf("%+v", got)
			}
		})
		t.Run("a rule that is wrong says where", func(t *testing.T) {
			a := ops.do("GET", "/segments/size"+treeQuery(o, `{"v":1,"root":{"all":[{"tag":{"id":"5","op":"has"}},{"any":[]}]}}`), "")
			if a.Error.Code != "rule_invalid" || a.Error.Detail["path"] != "root.all[1]" {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
			if a := ops.do("GET", "/segments/size"+treeQuery(o, `{"v":1,"root":{"tag":{"id":"5","op":"has"}}}`), ""); a.Error.Code != "rule_unknown" {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
		t.Run("a sample names nobody to who may not see members", func(t *testing.T) {
			var got []segment.Somebody
			ops.do("GET", "/segments/sample"+treeQuery(o, phoneTree), "").into(t, &got)
			if len(got) != 1 || got[0].MemberID != m || !strings.HasPrefix(got[0].Label, "会员 ****") {
				t.Errorf("%+v", got)
			}
			confined := o.confined(t, "seg-confined", o.brand.ID)
			confined.do("GET", "/segments/sample"+treeQuery(o, phoneTree), "").into(t, &got)
			if len(got) != 0 { // a sample of one is that one
				t.Errorf("%+v", got)
			}
		})
		t.Run("another rule is a new version; who was late is told so", func(t *testing.T) {
			g := o.must("POST", "/segments", o.segmentForm("有手机号", phoneTree, 0))
			at := "/segments/" + g.ID.String()
			var changed segment.Segment
			ops.do("PUT", at, o.segmentForm("有手机号", everybodyTree, 1)).into(t, &changed)
			if changed.Version != 2 || changed.Rev != 2 {
				t.Errorf("%+v", changed)
			}
			if a := ops.do("PUT", at, o.segmentForm("迟了", phoneTree, 1)); a.Error.Code != "segment_changed" {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
			var versions []segment.Rule
			ops.do("GET", at+"/versions", "").into(t, &versions)
			if len(versions) != 2 || versions[0].Sentence != "品牌的全部用户" {
				t.Errorf("%+v", versions)
			}
			loop := fmt.Sprintf(`{"v":1,"root":{"segment":{"id":"%s"}}}`, g.ID)
			if a := ops.do("PUT", at, o.segmentForm("自己", loop, 2)); a.Error.Code != "segment_circle" {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
			if _, err := o.deps.Segments.Look(context.Background(), g.ID); err != nil {
				t.Fatal(err)
			}
			var view struct {
				Now   segment.Now
				Users []segment.Segment
			}
			ops.do("GET", at, "").into(t, &view)
			if view.Now.Count != 2 || len(view.Users) != 0 {
				t.Errorf("%+v", view)
			}
			above := o.must("POST", "/segments", o.segmentForm("上面", `{"v":1,"root":{"all":[{"segment":{"id":"`+g.ID.String()+`"}},`+strings.TrimSuffix(strings.TrimPrefix(phoneTree, `{"v":1,"root":`), "}")+`]}}`, 0))
			for _, x := range []struct {
				name string
				of   id.ID
			}{{"直接", g.ID}, {"间接", above.ID}} {
				o.must("POST", "/pushes", strings.Replace(pushBody(o.brand.ID, x.name, ""), `"segment_id":"7"`, `"segment_id":"`+x.of.String()+`"`, 1))
			}
			var used struct {
				Pushes []struct{ Name, State string }
			}
			ops.do("GET", at, "").into(t, &used)
			if len(used.Pushes) != 2 || used.Pushes[0].Name != "直接" || used.Pushes[0].State != "draft" || used.Pushes[1].Name != "间接" {
				t.Errorf("%+v", used)
			}
			var why segment.Answer
			ops.do("GET", "/members/"+m.String()+"/segment-why?segment_id="+g.ID.String(), "").into(t, &why)
			if !why.In {
				t.Errorf("%+v", why)
			}
			var in []segment.Belonging
			ops.do("GET", "/members/"+m.String()+"/segments", "").into(t, &in)
			if len(in) != 1 || in[0].SegmentID != g.ID || in[0].Version != 2 {
				t.Errorf("%+v", in)
			}
			if a := o.confined(t, "seg-elsewhere", o.brand.ID).do("GET", "/members/"+m.String()+"/segments", ""); a.Status < 400 {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
		t.Run("a list is filled by hand or taken out of a segment", func(t *testing.T) {
			g := o.must("POST", "/segments", o.segmentForm("全部", everybodyTree, 0))
			var taken segment.Roster
			ops.do("POST", "/segments/"+g.ID.String()+"/lists", `{"name":"今天的全部"}`).into(t, &taken)
			if taken.Count != 2 || taken.SegmentID != g.ID {
				t.Errorf("%+v", taken)
			}
			var change struct {
				Changed int64
				List    segment.Roster
			}
			ops.do("POST", "/segment-lists/"+taken.ID.String()+"/remove", `{"member_ids":["`+m.String()+`"]}`).into(t, &change)
			if change.Changed != 1 || change.List.Count != 1 {
				t.Errorf("%+v", change)
			}
		})
		t.Run("words, templates and lists are as documented", func(t *testing.T) {
			for _, path := range []string{"/segments/words?brand_id=" + o.brand.ID.String(), "/segments?brand_id=" + o.brand.ID.String() + "&total=1", "/segment-lists?total=1&brand_id=" + o.brand.ID.String(),
				"/segments/template?brand_id=" + o.brand.ID.String() + "&kind=never_b&product_ids=" + o.product.ID.String() + "&other_product_ids=" + o.product.ID.String()} {
				if a := ops.do("GET", path, ""); a.Status != 200 {
					t.Errorf("%s: %d %s", path, a.Status, a.Raw)
				}
			}
		})
	})
}
