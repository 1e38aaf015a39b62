package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/export"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/issuance"
	"siyu/model/operator"
	"siyu/model/region"
	"siyu/model/scan"
)

func (o *office) application(p *person, name string) named {
	o.t.Helper()
	var n named
	p.do("POST", "/batch-requests", o.applicationForm(name)).into(o.t, &n)
	return n
}

func (o *office) applicationForm(name string) string {
	return `{"product_id":"` + o.product.ID.String() + `","name":"` + name + `","count":2000,"purpose":"新年装","supplier":"华印包装","dealer":"华东一部","provinces":["上海市","江苏"],"kind":"csv"}`
}

// goodsKeyed are the writes of the way of a batch.
func (o *office) goodsKeyed() map[string]retry {
	ops := o.as(o.t, "goods-ops", operator.Operations)
	of := func(n named, tail string) string { return "/batch-requests/" + n.ID.String() + tail }
	territory := o.must("POST", "/batches/"+o.newBatch().ID.String()+"/territories", `{"dealer":"甲","provinces":["浙江"]}`)
	report, err := o.deps.Scans.PutReport(context.Background(), scan.Report{TokenText: "X", Note: "像假的"})
	if err != nil {
		o.t.Fatal(err)
	}
	suspect := o.suspect()
	return map[string]retry{
		"POST /batch-requests":              {"/batch-requests", o.applicationForm("甲"), o.applicationForm("乙")},
		"POST /batch-requests/:id/approve":  {of(o.application(ops, "待批"), "/approve"), `{"reason":"同意"}`, `{"reason":"不同意"}`},
		"POST /batch-requests/:id/refuse":   {of(o.application(ops, "待驳"), "/refuse"), `{"reason":"数量不对"}`, `{"reason":"别的"}`},
		"POST /batch-requests/:id/withdraw": {of(o.application(o.root, "自撤"), "/withdraw"), `{"reason":"写错了"}`, `{"reason":"别的"}`},
		"POST /batches/:id/territories":     {"/batches/" + o.newBatch().ID.String() + "/territories", `{"dealer":"甲","provinces":["浙江"]}`, `{"dealer":"乙","provinces":["浙江"]}`},
		"POST /territories/:id/end":         {"/territories/" + territory.ID.String() + "/end", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /diversions/:id/decide":       {"/diversions/" + suspect.String() + "/decide", `{"state":"confirmed","reason":"经销商承认"}`, `{"state":"dismissed","reason":"展会"}`},
		"POST /reports/:id/handle":          {"/reports/" + report.ID.String() + "/handle", `{"handling":"已回访"}`, `{"handling":"别的"}`},
	}
}

func TestBatchesAreFoundWhereverTheyAreInTheList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		made := o.newBatch()
		brand := "/batches?limit=1&brand_id=" + o.brand.ID.String()
		for query, want := range map[string]int{
			"&q=" + url.QueryEscape("老井"):                                       1, // the goods' name
			"&ids=" + made.ID.String() + "," + o.batch.ID.String() + "&limit=2": 2,
			"&ids=" + made.ID.String():                                          1,
			"&ids=4711":                                                         0,
			"&q=" + url.QueryEscape("没有的"):                                      0,
		} {
			var list []code.Batch
			path := brand + query
			if strings.Contains(query, "limit") {
				path = strings.Replace(path, "limit=1&", "", 1)
			}
			o.root.do("GET", path, "").into(t, &list)
			if len(list) != want {
				t.Errorf("%s: %d batches", query, len(list))
			}
		}
		if a := o.root.do("GET", brand+"&ids=7,x", ""); a.Error.Code != "bad_field" {
			t.Error(a.Raw)
		}
		if a := o.root.do("GET", brand+"&ids="+strings.Repeat("7,", 100)+"7", ""); a.Error.Code != "bad_field" {
			t.Error(a.Raw)
		}
	})
}

func TestManyAtOnceGetNoMoreThanOneAfterTheOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		o.as(t, "ops-many", operator.Operations)
		at := "/batches/" + o.batch.ID.String() + "/sample"
		var shown, refused, read atomic.Int32
		var all sync.WaitGroup
		for range 12 { // each with a browser of his own, all the same operator
			p := o.login(t, "ops-many")
			all.Go(func() {
				for range 4 {
					switch a := p.do("POST", at, `{"serial":1,"reason":"核对"}`); {
					case a.Status == 200:
						shown.Add(1)
					case a.Error.Code == "too_many_samples":
						refused.Add(1)
					default:
						t.Error(a.Raw)
					}
				}
				if a := p.do("POST", "/codes/decode", qrForm(t, "https://q.laojing.cn/q/ABC")); strings.Contains(a.Raw, "q.laojing.cn/q/ABC") {
					read.Add(1)
				} else {
					t.Error(a.Raw)
				}
			})
		}
		all.Wait()
		if shown.Load() != 30 || refused.Load() != 18 || read.Load() != 12 {
			t.Fatalf("%d pictures shown, %d refused, %d photos read", shown.Load(), refused.Load(), read.Load())
		}
	})
}

// suspect is a diversion: a code meant for Zhejiang was seen elsewhere.
func (o *office) suspect() id.ID {
	o.t.Helper()
	ctx, batch := context.Background(), o.newBatch()
	o.must("POST", "/batches/"+batch.ID.String()+"/ranges", `{"from_serial":1,"until_serial":101,"state":"activated"}`)
	o.must("POST", "/batches/"+batch.ID.String()+"/territories", `{"dealer":"浙江总代","provinces":["浙江"]}`)
	o.clk.Advance(time.Second)
	_, err := o.deps.Scans.Record(ctx, scan.Observation{BrandID: o.brand.ID, ProductID: o.product.ID, BatchID: batch.ID, Serial: 7, CodeState: scan.Activated, MemberID: 77,
		Place: scan.Place{Province: "四川省", City: "成都"}, UserAgent: "Mozilla/5.0 MicroMessenger/8.0"})
	if err != nil {
		o.t.Fatal(err)
	}
	o.clk.Advance(2 * time.Minute)
	for more := true; more; {
		if more, err = o.deps.Regions.Fold(ctx); err != nil {
			o.t.Fatal(err)
		}
	}
	list, err := o.deps.Regions.Diversions(ctx, region.Filter{BrandID: o.brand.ID, BatchID: batch.ID}, 0, 10)
	if err != nil || len(list) != 1 {
		o.t.Fatal(list, err)
	}
	return list[0].ID
}

func (o *office) goodsExempts() []exempt {
	return []exempt{
		{"POST /codes/decode", "/codes/decode", qrForm(o.t, "https://q.laojing.cn/q/ABC"), ""},
		{"POST /batches/:id/sample", "/batches/" + o.batch.ID.String() + "/sample", `{"serial":1,"reason":"核对印样"}`, ""},
	}
}

func TestTheWayOfABatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o := newOffice(t, d, clk)
		ops, boss := o.as(t, "ops-9", operator.Operations), o.as(t, "boss-9", operator.Approver)
		both := o.as(t, "both-9", operator.Operations, operator.Approver)
		flow := func(batch id.ID) (f issuance.Flow) {
			t.Helper()
			ops.do("GET", "/batch-requests/"+batch.String()+"/flow", "").into(t, &f)
			return f
		}
		must := func(t *testing.T, p *person, method, path, body string) {
			t.Helper()
			p.do(method, path, body).into(t, &struct{}{})
		}
		refused := func(t *testing.T, want string, p *person, method, path, body string) {
			t.Helper()
			if a := p.do(method, path, body); a.Error.Code != want || a.Error.Message == "" {
				t.Fatalf("want %s, got %d %s", want, a.Status, a.Raw)
			}
		}
		a := o.application(ops, "春节一批")
		path, base := "/batch-requests/"+a.ID.String(), "/batches/"+a.ID.String()
		t.Run("a large batch is applied for, and approved by somebody else", func(t *testing.T) {
			refused(t, "batch_needs_approval", ops, "POST", "/batches", `{"product_id":"`+o.product.ID.String()+`","count":1001,"name":"大"}`)
			refused(t, "no_permission", ops, "POST", path+"/approve", `{}`)
			own := o.application(both, "自己的")
			refused(t, "same_person", both, "POST", "/batch-requests/"+own.ID.String()+"/approve", `{}`)
			refused(t, "request_not_own", ops, "POST", "/batch-requests/"+own.ID.String()+"/withdraw", `{}`)
			refused(t, "request_reason", boss, "POST", "/batch-requests/"+own.ID.String()+"/refuse", `{"reason":" "}`)
			if f := flow(a.ID); f.Next != issuance.ToApprove || f.Batch != nil {
				t.Fatalf("%+v", f)
			}
			var r issuance.Request
			boss.do("POST", path+"/approve", `{"reason":"同意"}`).into(t, &r)
			if r.State != issuance.Approved || r.Note != "同意" {
				t.Fatalf("%+v", r)
			}
			refused(t, "request_decided", boss, "POST", path+"/approve", `{}`)
			refused(t, "request_decided", boss, "POST", path+"/refuse", `{"reason":"晚了"}`)
			f := flow(a.ID)
			if f.Batch == nil || f.Batch.Count != 2000 || f.Next != issuance.ToWait || len(f.Exports) != 1 || len(f.Territories) != 1 || f.Territories[0].Until != 2001 {
				t.Fatalf("%+v", f)
			}
		})
		t.Run("its pack goes through two hands with a log of who took it", func(t *testing.T) {
			x := flow(a.ID).Exports[0]
			if err := o.deps.Exports.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			if f := flow(a.ID); f.Next != issuance.ToDownload {
				t.Fatal(f.Next)
			}
			clk.Advance(25 * time.Hour)
			ops, boss, o.root = o.login(t, "ops-9"), o.login(t, "boss-9"), o.login(t, "root") // nobody stays logged in that long
			var alarms []issuance.Alarm
			ops.do("GET", "/batch-alarms?brand_id="+o.brand.ID.String(), "").into(t, &alarms)
			found := false
			for _, al := range alarms {
				found = found || al.Kind == "pack" && al.BatchID == a.ID && al.Hours == 24
			}
			if !found {
				t.Fatalf("nobody is told of the pack: %+v", alarms)
			}
			var link struct{ URL string }
			ops.do("POST", "/exports/"+x.ID.String()+"/parts/1/ticket", "").into(t, &link)
			if got := ops.do("GET", link.URL, ""); got.Status != 200 {
				t.Fatal(got.Raw)
			}
			if f := flow(a.ID); f.Next != issuance.ToHandOver {
				t.Fatal(f.Next)
			}
			var log []export.Taking
			ops.do("GET", "/exports/"+x.ID.String()+"/downloads", "").into(t, &log)
			if len(log) != 1 || log[0].Login != "ops-9" || log[0].IP == "" {
				t.Fatalf("%+v", log)
			}
			boss.do("POST", "/exports/"+x.ID.String()+"/password", "")
			if f := flow(a.ID); f.Next != issuance.ToActivate {
				t.Fatal(f.Next)
			}
		})
		t.Run("what an activation does is counted before, and is taken back while nobody used it", func(t *testing.T) {
			var e code.Effect
			ops.do("GET", base+"/effect?from_serial=1&until_serial=1001&state=activated", "").into(t, &e)
			if e.Changes != 1000 || e.Codes != 1000 || e.From[code.Issued] != 1000 {
				t.Fatalf("%+v", e)
			}
			must(t, ops, "POST", base+"/ranges", `{"from_serial":1,"until_serial":1001,"state":"activated"}`)
			if f := flow(a.ID); f.Counts[code.Activated] != 1000 || f.Counts[code.Issued] != 1000 {
				t.Fatalf("%+v", f.Counts)
			}
			if _, err := o.deps.Scans.Record(ctx, scan.Observation{BrandID: o.brand.ID, ProductID: o.product.ID, BatchID: a.ID, Serial: 500, CodeState: scan.Activated, MemberID: 5,
				Place: scan.Place{Province: "上海市", City: "上海"}, UserAgent: "x MicroMessenger y"}); err != nil {
				t.Fatal(err)
			}
			const revoke = `{"from_serial":%d,"until_serial":1001,"state":"revoked","reason":"发错货"}`
			refused(t, "range_used", ops, "POST", base+"/ranges", fmt.Sprintf(revoke, 400))
			if a := ops.do("GET", base+"/effect?from_serial=400&until_serial=1001&state=revoked", ""); a.Status != 200 || !strings.Contains(a.Raw, "序号 500 已被消费者验证") {
				t.Fatal(a.Raw)
			}
			must(t, ops, "POST", base+"/ranges", fmt.Sprintf(revoke, 501))
			if f := flow(a.ID); f.Counts[code.Activated] != 500 {
				t.Fatalf("%+v", f.Counts)
			}
		})
		t.Run("the story of a code has all of it, and nobody's name, address or browser", func(t *testing.T) {
			token, err := o.deps.Codes.TokenOf(a.ID, 500)
			if err != nil {
				t.Fatal(err)
			}
			got := ops.do("GET", "/codes/story?text="+token, "")
			var s struct {
				Found   bool
				Batch   *code.Batch
				Moments []insight.Moment
			}
			got.into(t, &s)
			kinds := map[string]int{}
			for _, m := range s.Moments {
				kinds[m.Kind]++
			}
			for _, want := range []string{"asked", "approved", "batch", "pack", "download", "range", "scan"} {
				if kinds[want] == 0 {
					t.Errorf("no %s in %v", want, kinds)
				}
			}
			if !s.Found || s.Batch.ID != a.ID || strings.Contains(got.Raw, "MicroMessenger") || !strings.Contains(got.Raw, `"channel":"wechat"`) || strings.Contains(got.Raw, token) {
				t.Fatal(got.Raw)
			}
			bySerial := ops.do("GET", "/codes/story?batch_id="+a.ID.String()+"&serial=500", "")
			var same struct{ Moments json.RawMessage }
			if bySerial.into(t, &same); len(same.Moments) < 100 {
				t.Fatal(bySerial.Raw)
			}
			if none := ops.do("GET", "/codes/story?text=nonsense", ""); !strings.Contains(none.Raw, `"found":false`) {
				t.Fatal(none.Raw)
			}
			refused(t, "code_text", ops, "GET", "/codes/story", "")
		})
		t.Run("the story tells nobody of money and reports who may not read those", func(t *testing.T) {
			if _, err := o.deps.Scans.PutReport(ctx, scan.Report{BatchID: a.ID, Serial: 500, TokenText: "X", Note: "请回电 13800138000"}); err != nil {
				t.Fatal(err)
			}
			story := "/codes/story?batch_id=" + a.ID.String() + "&serial=500"
			if got := ops.do("GET", story, "").Raw; !strings.Contains(got, "请回电") {
				t.Fatal(got)
			}
			if got := boss.do("GET", story, "").Raw; strings.Contains(got, "请回电") || !strings.Contains(got, `"kind":"scan"`) {
				t.Fatal(got)
			}
		})
		t.Run("a photo is read and what it shows is kept nowhere", func(t *testing.T) {
			var out struct{ Text string }
			ops.do("POST", "/codes/decode", qrForm(t, "https://q.laojing.cn/q/0A1B2C3D4E5F6G7H")).into(t, &out)
			if out.Text != "https://q.laojing.cn/q/0A1B2C3D4E5F6G7H" {
				t.Fatal(out)
			}
			if log := o.root.do("GET", "/audit?object=code", ""); strings.Contains(log.Raw, "0A1B2C3D") {
				t.Fatal(log.Raw)
			}
			refused(t, "picture_unreadable", ops, "POST", "/codes/decode", qrForm(t, "no picture"))
		})
		t.Run("the picture of a code needs a permission and a reason, and is rationed", func(t *testing.T) {
			refused(t, "no_permission", boss, "POST", base+"/sample", `{"serial":1,"reason":"看"}`)
			refused(t, "reason", ops, "POST", base+"/sample", `{"serial":1}`)
			for range 30 {
				if got := ops.do("POST", base+"/sample", `{"serial":1,"reason":"核对"}`); got.Status != 200 || !strings.Contains(got.Raw, "data:image/png") {
					t.Fatal(got.Raw)
				}
			}
			refused(t, "too_many_samples", ops, "POST", base+"/sample", `{"serial":2,"reason":"核对"}`)
		})
		t.Run("maps, suspicions and reports are read and decided", func(t *testing.T) {
			suspect := o.suspect()
			var m struct{ Spots []region.Spot }
			ops.do("GET", "/scans/map?brand_id="+o.brand.ID.String(), "").into(t, &m)
			if len(m.Spots) == 0 {
				t.Fatal("nothing on the map")
			}
			seen := ops.do("GET", "/diversions/"+suspect.String(), "")
			if !strings.Contains(seen.Raw, `"province":"四川"`) || !strings.Contains(seen.Raw, `"dealer":"浙江总代"`) || !strings.Contains(seen.Raw, `"serial":7`) {
				t.Fatal(seen.Raw)
			}
			refused(t, "diversion_reason", ops, "POST", "/diversions/"+suspect.String()+"/decide", `{"state":"confirmed"}`)
			must(t, ops, "POST", "/diversions/"+suspect.String()+"/decide", `{"state":"dismissed","reason":"会员出差"}`)
			if l := ops.do("GET", "/diversions?brand_id="+o.brand.ID.String()+"&state=dismissed&total=1", ""); !strings.Contains(l.Raw, `"total":1`) {
				t.Fatal(l.Raw)
			}
			r, err := o.deps.Scans.PutReport(ctx, scan.Report{BatchID: a.ID, Serial: 3, Note: "瓶盖松动"})
			if err != nil {
				t.Fatal(err)
			}
			refused(t, "report_handling", ops, "POST", "/reports/"+r.ID.String()+"/handle", `{"handling":""}`)
			must(t, ops, "POST", "/reports/"+r.ID.String()+"/handle", `{"handling":"已回访换货"}`)
			if l := ops.do("GET", "/reports?state=done&total=1", ""); !strings.Contains(l.Raw, "已回访换货") || !strings.Contains(l.Raw, `"handler":"ops-9"`) {
				t.Fatal(l.Raw)
			}
		})
		t.Run("the risk list pages by cursor", func(t *testing.T) {
			for serial := int64(1); serial <= 3; serial++ {
				for member := id.ID(1); member <= 6; member++ {
					if _, err := o.deps.Scans.Record(ctx, scan.Observation{BrandID: o.brand.ID, ProductID: o.product.ID, BatchID: a.ID, Serial: serial, CodeState: scan.Activated, MemberID: member}); err != nil {
						t.Fatal(err)
					}
				}
			}
			var seen []int64
			for next, first := "", true; first || next != ""; first = false {
				var page []struct {
					Serial int64
					Why    string
				}
				got := ops.do("GET", "/scans/flagged?limit=2&total=1&brand_id="+o.brand.ID.String()+"&before="+next, "")
				if got.into(t, &page); !strings.Contains(got.Raw, `"total":3`) {
					t.Fatal(got.Raw)
				}
				for _, x := range page {
					seen = append(seen, x.Serial)
				}
				next = got.Next
			}
			if fmt.Sprint(seen) != "[3 2 1]" {
				t.Fatal(seen)
			}
			refused(t, "bad_cursor", ops, "GET", "/scans/flagged?before=x", "")
		})
	})
}
