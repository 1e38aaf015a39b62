package segment_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment"
)

// TestWhyTellsWhatWasFound: beside each condition stands what is known of the person, within
// the condition's own window, and which of the conditions decided.
func TestWhyTellsWhatWasFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := newWorld(t, d, clk, 6, 2)
		m, other := w.members[0], w.members[1]
		ago := func(days int) clock.Instant { return clk.Now().Add(-time.Duration(days) * 24 * time.Hour) }
		for i, days := range []int{2, 5, 40} {
			w.put("event", row{"id": 600 + i, "event_key": fmt.Sprint("s", i), "type": "scan", "brand_id": 1, "member_id": m, "channel": "h5", "at": ago(days), "body": []byte(`{"product_id":"21","province":"浙江省"}`)})
		}
		w.put("event", row{"id": 700, "event_key": "o", "type": "scan", "brand_id": 1, "member_id": other, "channel": "h5", "at": ago(1), "body": []byte(`{"product_id":"21"}`)})
		w.put("event", row{"id": 701, "event_key": "b2", "type": "scan", "brand_id": 2, "member_id": m, "channel": "h5", "at": ago(1), "body": []byte(`{"product_id":"21"}`)})
		for i, one := range []id.ID{m, other} {
			w.put("consent", row{"id": 800 + i, "member_id": one, "purpose": "profiling", "policy_version": "1", "given": 1, "channel": "h5", "at": ago(50)})
		}
		w.put("tag_value", row{"tag_id": 31, "member_id": m, "value": "高", "score": 80, "version": 1, "since_at": ago(3)})
		w.note(segment.PartAll, m, other)
		w.settle()
		day := func(days int) string { return clock.DayOf(ago(days)).Text()[5:] }
		scans := func(least int64, within int) rule.Node {
			return rule.Node{Did: &rule.Did{What: rule.Scan, Op: rule.Gte, Values: []int64{least}, WithinDays: within}}
		}
		ordered := rule.Node{Did: &rule.Did{What: rule.Order, Op: rule.Gte, Values: []int64{1}}}
		tree := rule.Node{All: []rule.Node{
			scans(3, 30), scans(3, 0),
			{Not: &ordered},
			{Tag: &rule.Tag{ID: 31, Op: rule.Has}}, {Tag: &rule.Tag{ID: 32, Op: rule.Has}},
			{Attr: &rule.Attr{Name: rule.Province, Op: rule.Known}},
		}}
		why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: tree}, m)
		if err != nil || why.In {
			t.Fatal(why, err)
		}
		want := []segment.Reason{
			{Path: "root.all[0]", Found: "扫码 2 次，最近 " + day(2), Decides: true},
			{Path: "root.all[1]", Found: "扫码 3 次，最近 " + day(2), Holds: true},
			{Path: "root.all[2].not", Found: "下单 0 次"},
			{Path: "root.all[3]", Found: "值为“高”，分值 80", Holds: true},
			{Path: "root.all[4]", Found: "没有这个标签", Decides: true},
			{Path: "root.all[5]", Found: "最近扫码省份：浙江省", Holds: true},
		}
		if len(why.Reasons) != len(want) {
			t.Fatalf("%+v", why.Reasons)
		}
		for i, r := range why.Reasons {
			if r.Text == "" {
				t.Errorf("no words: %+v", r)
			}
			if r.Text = ""; r != want[i] {
				t.Errorf("%+v, want %+v", r, want[i])
			}
		}

		// Whatever is asked of somebody has an answer in words that agrees with the rule's.
		for _, a := range rule.Attrs() {
			op, values := rule.Known, []string(nil)
			if !strings.Contains(strings.Join(a.Ops, " "), op) {
				if op, values = rule.In, []string{"new"}; a.Kind == rule.Number {
					op, values = rule.Gte, []string{"0"}
				}
			}
			why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: rule.Node{Attr: &rule.Attr{Name: a.Name, Op: op, Values: values}}}, m)
			if err != nil || len(why.Reasons) != 1 {
				t.Errorf("%s: %+v, %v", a.Name, why, err)
				continue
			}
			r := why.Reasons[0]
			if told := a.Name != rule.HasReferrer && a.Name != rule.Follows; told != (r.Found != "") || r.Decides != true {
				t.Errorf("%s: %+v", a.Name, r)
			}
			if op == rule.Known && a.Name != rule.Referees && r.Found != "" && r.Holds == strings.HasSuffix(r.Found, "：无") {
				t.Errorf("%s: %+v", a.Name, r)
			}
		}
		for _, act := range rule.Acts() {
			for _, measure := range act.Measures {
				n := rule.Node{Did: &rule.Did{What: act.What, Measure: measure, Op: rule.Gte, Values: []int64{1}}}
				if why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: n}, m); err != nil || len(why.Reasons) != 1 || why.Reasons[0].Found == "" {
					t.Errorf("%s %s: %+v, %v", act.What, measure, why, err)
				}
			}
		}
		steps := rule.Node{Sequence: &rule.Sequence{Steps: []rule.Step{{What: rule.Scan}, {What: rule.Order}}, WithinDays: 5}}
		if why, err := w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: steps}, m); err != nil || why.Reasons[0].Found != "扫码 3 次，最近 "+day(2)+"；下单 0 次" {
			t.Errorf("%+v, %v", why, err)
		}
		either := rule.Node{Any: []rule.Node{scans(9, 0), {Not: &ordered}, {Not: &rule.Node{All: []rule.Node{scans(1, 0), ordered}}}}}
		why, err = w.s.WhyRule(ctx, brandID, rule.Tree{V: 1, Root: either}, m)
		if err != nil || !why.In {
			t.Fatal(why, err)
		}
		for i, decides := range []bool{false, true, false, true} { // who has not ordered fails both of the last by that
			if why.Reasons[i].Decides != decides {
				t.Errorf("%d: %+v", i, why.Reasons[i])
			}
		}
	})
}
