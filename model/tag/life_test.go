package tag

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
)

func TestATagNeedsAPurposeAnOwnerAndAUse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		for name, spoil := range map[string]func(r *Request){
			"purpose": func(r *Request) { r.Purpose = " " }, "use": func(r *Request) { r.IntendedUse = "" }, "owner": func(r *Request) { r.OwnerID = 0 },
			"class": func(r *Request) { r.Class = "other" }, "long name": func(r *Request) { r.Name = strings.Repeat("长", 21) }, "sensitive for all": func(r *Request) { r.Sensitive = true },
			"every minute": func(r *Request) { r.RefreshMinutes = 1 }, "no review": func(r *Request) { r.ReviewDays = 0 }, "a role that is none": func(r *Request) { r.Roles = []string{`x"`} },
		} {
			r := w.request("甲", Rule)
			spoil(&r)
			if _, err := w.Ask(ctx, r); code(err) != "tag_request" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Ask(ctx, w.request("甲", Rule)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Ask(ctx, w.request("甲", Fact)); code(err) != "tag_exists" {
			t.Fatal(err)
		}
	})
}

func TestTwoPeopleLetATagRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x, err := w.Ask(ctx, w.request("甲", Rule)) // by 11
		w.must(err)
		if _, _, err := w.Submit(ctx, x.ID, x.Rev); code(err) != "tag_no_draft" {
			t.Fatal(err)
		}
		_, err = w.Build(ctx, x.ID, x.Rev, rules(Case{"", times(rule.Login, 1)}), 12) // by 12
		w.must(err)
		if _, err := w.Build(ctx, x.ID, x.Rev, rules(Case{"", times(rule.Login, 2)}), 12); code(err) != "tag_changed" {
			t.Fatal(err)
		}
		_, x, err = w.Submit(ctx, x.ID, x.Rev+1)
		w.must(err)
		if x.State != Pending {
			t.Fatal(x.State)
		}
		if _, err := w.Build(ctx, x.ID, x.Rev, rules(Case{"", times(rule.Login, 2)}), 12); code(err) != "tag_pending" {
			t.Fatal("what is being decided was changed", err)
		}
		for _, by := range []id.ID{11, 12} {
			if _, _, err := w.Decide(ctx, x.ID, x.Rev, true, "", by); code(err) != "tag_second_person" {
				t.Fatal(by, err)
			}
		}
		if _, _, err := w.Decide(ctx, x.ID, x.Rev, false, "", 13); code(err) != "tag_note" {
			t.Fatal(err)
		}
		_, x, err = w.Decide(ctx, x.ID, x.Rev, false, "口径不清", 13)
		w.must(err)
		if x.State != Built || x.Version != 0 {
			t.Fatal(x)
		}
		// Who decides again reads why it went back, however often it was mended.
		for range 2 {
			_, err = w.Build(ctx, x.ID, x.Rev, rules(Case{"", times(rule.Login, 3)}), 12)
			w.must(err)
			x.Rev++
		}
		if v, err := w.Versions(ctx, x.ID); err != nil || len(v) != 1 || v[0].State != Draft || v[0].Note != "口径不清" || v[0].DecidedBy != 13 || v[0].DecidedAt == 0 {
			t.Fatal(v, err)
		}
		m := w.customer()
		w.happen(login(m))
		x = w.approve(x, rules(Case{"", times(rule.Login, 1)}))
		if v, err := w.Versions(ctx, x.ID); err != nil || v[0].State != Approved || v[0].Note != "" {
			t.Fatal("an approval kept the words of a refusal", v, err)
		}
		w.want(m, x.ID, "") // the run after the approval found him
		// A new meaning counts from its approval on.
		_, err = w.Build(ctx, x.ID, x.Rev, rules(Case{"两次", times(rule.Login, 2)}), 11)
		w.must(err)
		_, x, err = w.Submit(ctx, x.ID, x.Rev+1)
		w.must(err)
		w.want(m, x.ID, "")
		list, err := w.List(ctx, Filter{BrandID: brandID, State: Pending, Roles: []string{admin}, Limit: 5})
		if err != nil || len(list) != 1 {
			t.Fatal("the approver does not find it", list, err)
		}
		_, x, err = w.Decide(ctx, x.ID, x.Rev, true, "", 12)
		w.must(err)
		w.work()
		if w.want(m, x.ID, "-"); x.Version != 2 {
			t.Fatal(x.Version)
		}
		versions, err := w.Versions(ctx, x.ID)
		if err != nil || len(versions) != 2 || versions[0].State != Approved {
			t.Fatal(versions, err)
		}
	})
}

func TestDefinitionsThatCannotWorkAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		within := times(rule.Login, 1)
		within.Root.Did.WithinDays = 30
		x, err := w.Ask(ctx, w.request("甲", Rule))
		w.must(err)
		for name, bad := range map[string]Definition{
			"another kind":         {Source: Manual},
			"no case":              rules(),
			"two without a name":   rules(Case{"", times(rule.Login, 1)}, Case{"乙", times(rule.Login, 2)}),
			"one name twice":       rules(Case{"乙", times(rule.Login, 1)}, Case{"乙", times(rule.Login, 2)}),
			"a long name":          rules(Case{strings.Repeat("长", 11), times(rule.Login, 1)}),
			"a segment":            rules(Case{"", rule.Tree{V: 1, Root: rule.Node{Segment: &rule.Ref{ID: 4}}}}),
			"a tag that is not":    rules(Case{"", has(999)}),
			"itself":               rules(Case{"", has(x.ID)}),
			"time, never computed": rules(Case{"", within}),
		} {
			if _, err := w.Build(ctx, x.ID, x.Rev, bad, 11); code(err) != "tag_definition" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Build(ctx, x.ID, x.Rev, rules(Case{"", rule.Tree{V: 1}}), 11); code(err) != "rule_invalid" {
			t.Error(err)
		}
		// A circle through another tag.
		a := w.tag("乙", rules(Case{"", times(rule.Login, 1)}))
		b := w.tag("丙", rules(Case{"", has(a.ID)}))
		if _, err := w.Build(ctx, a.ID, a.Rev, rules(Case{"", has(b.ID)}), 11); code(err) != "tag_definition" {
			t.Error(err)
		}
	})
}

func TestATagInUseIsNotRetired(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		a := w.tag("乙", rules(Case{"", times(rule.Login, 1)}))
		b := w.tag("丙", rules(Case{"", has(a.ID)}))
		m := w.customer()
		w.happen(login(m))
		if _, _, err := w.Retire(ctx, a.ID, a.Rev, 12); code(err) != "tag_in_use" {
			t.Fatal(err)
		}
		line, err := w.LineageOf(ctx, a.ID, func(string, id.ID) string { return "" })
		if err != nil || len(line.To) != 1 || line.To[0].ID != b.ID || len(line.From) != 1 || line.From[0].Key != rule.Login {
			t.Fatal(line, err)
		}
		_, b, err = w.Retire(ctx, b.ID, b.Rev, 12)
		w.must(err)
		w.work()
		w.want(m, b.ID, "-")
		var left int64
		w.must(d.Read(ctx).Raw("SELECT COUNT(*) FROM tag_value WHERE tag_id = ?", b.ID).Scan(&left).Error)
		if left != 0 {
			t.Fatal("values are left of a retired tag")
		}
		if _, err := w.Build(ctx, b.ID, b.Rev, rules(Case{"", times(rule.Login, 1)}), 11); code(err) != "tag_retired" {
			t.Fatal(err)
		}
		a, err = w.Get(ctx, a.ID)
		w.must(err)
		if _, _, err := w.Retire(ctx, a.ID, a.Rev, 12); err != nil {
			t.Fatal(err)
		}
	})
}

func TestATagForSomeRolesIsBuiltOnByThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		r := w.request("病史", Fact)
		r.Sensitive, r.Roles = true, []string{"support"}
		x, err := w.Ask(ctx, r)
		w.must(err)
		x = w.approve(x, Definition{Source: Manual})
		open := w.tag("来过", rules(Case{"", times(rule.Login, 1)}))
		waiting, err := w.Ask(ctx, w.request("还没有", Rule))
		w.must(err)
		for _, row := range []struct {
			brand id.ID
			tagID id.ID
			role  string
			want  string
		}{{brandID, x.ID, "support", ""}, {brandID, x.ID, "admin", ""}, {brandID, x.ID, "operations", "tag_not_found"}, {brandID, open.ID, "operations", ""},
			{brandID + 1, open.ID, "operations", "tag_not_found"}, {brandID, waiting.ID, "operations", "tag_not_found"}} {
			if err := w.Usable(ctx, row.brand, []id.ID{row.tagID}, []string{row.role}); row.want == "" && err != nil || row.want != "" && code(err) != row.want {
				t.Errorf("%+v: %v", row, err)
			}
		}
		m := w.member()
		_, _, err = w.Give(ctx, gift(x.ID, m, ""))
		w.must(err)
		for role, want := range map[string]int{"support": 1, "operations": 0} {
			if held, err := w.Of(ctx, m, []string{role}, nil); err != nil || len(held) != want {
				t.Error(role, held, err)
			}
		}
	})
}

func TestAnUnusedTagProposesItsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		used, idle := w.tag("用着", rules(Case{"", times(rule.Login, 1)})), w.tag("闲着", rules(Case{"", times(rule.Login, 2)}))
		in := map[id.ID]bool{used.ID: true}
		w.Users = append(w.Users, func(_ context.Context, tagID id.ID) ([]Use, error) {
			if in[tagID] {
				return []Use{{Kind: "segment", ID: 5, Name: "新客", Live: true}}, nil
			}
			return nil, nil
		})
		clk.Advance(89 * day)
		if n, err := w.Propose(ctx); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		clk.Advance(2 * day)
		if n, err := w.ProposeDue(ctx); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		in[idle.ID] = true // somebody builds on it after all, and ends that again
		if n, err := w.ProposeDue(ctx); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if x, err := w.Get(ctx, idle.ID); err != nil || x.Proposal != "" || x.UsedAt != clk.Now() {
			t.Fatal(x, err)
		}
		delete(in, idle.ID)
		clk.Advance(90 * day)
		if n, err := w.ProposeDue(ctx); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		list, err := w.List(ctx, Filter{BrandID: brandID, Proposed: true, Roles: []string{admin}, Limit: 5})
		if err != nil || len(list) != 1 || list[0].ID != idle.ID || list[0].Proposal == "" {
			t.Fatal(list, err)
		}
		_, idle, err = w.Review(ctx, idle.ID, list[0].Rev) // somebody wants to keep it
		w.must(err)
		if n, err := w.Propose(ctx); n != 0 || err != nil || idle.Proposal != "" {
			t.Fatal(n, err, idle.Proposal)
		}
		clk.Advance(181 * day)
		due, err := w.List(ctx, Filter{BrandID: brandID, Due: true, Roles: []string{admin}, Limit: 5})
		if err != nil || len(due) != 2 {
			t.Fatal("both are to be reviewed", due, err)
		}
	})
}

func TestTheScheduleComputesEverybody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		r := w.request("甲", Rule)
		r.RefreshMinutes = 60
		x, err := w.Ask(ctx, r)
		w.must(err)
		x = w.approve(x, rules(Case{"", times(rule.Login, 1)}))
		m := w.customer()
		quietly := login(m)
		quietly.Key, quietly.BrandID, quietly.At = "x1", brandID, clk.Now()
		_, err = w.events.Put(ctx, []event.Event{quietly})
		w.must(err) // stored, and not told to anybody
		if n, err := w.RefreshDue(ctx, 10); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		clk.Advance(61 * time.Minute)
		for want := 1; want >= 0; want-- { // once
			if n, err := w.RefreshDue(ctx, 10); n != want || err != nil {
				t.Fatal(n, err)
			}
		}
		if moved := w.work(); moved != 1 {
			t.Fatal(moved)
		}
		w.want(m, x.ID, "")
		if _, _, err := w.Edit(ctx, x.ID, x.Rev, w.request("甲", Rule)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestATreeHasThreeLevels(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		add := func(parent id.ID, class, name string) (Category, error) {
			_, c, err := w.SaveCategory(ctx, Category{BrandID: brandID, Class: class, ParentID: parent, Name: name})
			return c, err
		}
		second, err := add(0, Consumption, "购买")
		w.must(err)
		third, err := add(second.ID, Consumption, "频次")
		w.must(err)
		for _, bad := range []struct {
			parent id.ID
			class  string
			name   string
			code   string
		}{{third.ID, Consumption, "再深", "tag_category"}, {second.ID, Basic, "别的类", "tag_category"}, {0, "x", "没有的类", "tag_category"}, {0, Consumption, "", "tag_category"}, {0, Consumption, "购买", "tag_category_exists"}} {
			if _, err := add(bad.parent, bad.class, bad.name); code(err) != bad.code {
				t.Errorf("%s: %v", bad.name, err)
			}
		}
		r := w.request("甲", Rule)
		r.CategoryID = third.ID
		x, err := w.Ask(ctx, r)
		w.must(err)
		w.approve(x, rules(Case{"", times(rule.Login, 1)}))
		tree, err := w.Tree(ctx, brandID, []string{admin})
		if err != nil || len(tree) != 5 || tree[2].Tags != 1 || tree[2].Branches[0].Tags != 1 || tree[2].Branches[0].Branches[0].ID != third.ID {
			t.Fatalf("%+v %v", tree, err)
		}
		found, err := w.List(ctx, Filter{BrandID: brandID, CategoryID: second.ID, Text: "回购", Roles: []string{admin}, Limit: 5})
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		for _, c := range []Category{second, third} {
			if err := w.DropCategory(ctx, c.ID); code(err) != "tag_category_used" {
				t.Error(err)
			}
		}
		if err := w.DropCategory(ctx, 999); code(err) != "tag_category_not_found" {
			t.Error(err)
		}
		empty, err := add(0, Basic, "空")
		w.must(err)
		w.must(w.DropCategory(ctx, empty.ID))
	})
}

func TestEveryStarterRuns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk).segments()
		list, err := w.Templates(ctx, brandID)
		w.must(err)
		for _, x := range list {
			made, err := w.Add(ctx, Starter{BrandID: brandID, Key: x.Key, Products: []id.ID{3}, Others: []id.ID{4}, OwnerID: 11, ByID: 11})
			if err != nil || made.State != Pending {
				t.Fatalf("%s: %v", x.Key, err)
			}
			_, _, err = w.Decide(ctx, made.ID, made.Rev, true, "", 12)
			w.must(err)
		}
		w.work()
		m := w.customer()
		w.happen(login(m), scan(m, "浙江"), scan(m, "浙江"), scan(m, "浙江"))
		held, err := w.Of(ctx, m, []string{admin}, nil)
		w.must(err)
		names := map[string]string{}
		for _, h := range held {
			names[h.Name] = h.Value.Value
		}
		if names["最近扫码省份"] != "浙江" || names["生命周期阶段"] != "新客" {
			t.Fatal(names)
		}
		if _, there := names["近 30 天常扫码"]; !there {
			t.Fatal(names)
		}
		if _, err := w.Add(ctx, Starter{BrandID: brandID, Key: "rfm", OwnerID: 11, ByID: 11}); code(err) != "tag_exists" {
			t.Fatal(err)
		}
		if _, err := w.Add(ctx, Starter{BrandID: brandID, Key: "only_a", Name: "另一个", OwnerID: 11, ByID: 11}); code(err) != "tag_template" {
			t.Fatal(err)
		}
	})
}
