package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/push"
	"siyu/model/segment"
)

type veiled struct {
	People, Asked, Matched, Reachable, Under int64
}

// TestNumbersOfPeopleTellOfNobody: an operator of a brand may ask how many, and finds out of
// nobody what he did.
func TestNumbersOfPeopleTellOfNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o := newOffice(t, d, clk)
		var people []id.ID
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			rows := db.NewRows("member", "id, person_id, state, created_at, root_id")
			for i := range 40 {
				m := id.ID(900_000 + i)
				people = append(people, m)
				rows.Add(m, m, "active", clk.Now(), 0)
			}
			_, err := rows.Insert(ctx, tx, "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range people {
			o.metHere(m)
		}
		roster := func(name string, members ...id.ID) id.ID {
			r := o.must("POST", "/segment-lists", `{"brand_id":"`+o.brand.ID.String()+`","name":"`+name+`","note":""}`)
			if _, err := o.deps.Segments.Put(ctx, r.ID, members); err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		of := func(list id.ID, more string) string {
			return fmt.Sprintf(`{"v":1,"root":{"all":[{"list":{"id":"%s"}}%s]}}`, list, more)
		}
		her, crowd := roster("一个人", people[0]), roster("很多人", people...)
		if _, err := o.deps.Segments.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		sees, blind := o.as(t, "veil-ops", operator.Operations), o.confined(t, "veil-blind", o.brand.ID)
		analyst := o.as(t, "veil-analyst", operator.Analyst)
		size := func(p *person, tree string) (v veiled) {
			t.Helper()
			p.do("GET", "/segments/size"+treeQuery(o, tree), "").into(t, &v)
			return v
		}
		if v := size(sees, of(her, "")); v.Matched != 1 || v.People != 40 || v.Under != 0 {
			t.Errorf("who may see members: %+v", v)
		}
		for name, p := range map[string]*person{"confined": blind, "without members": analyst} {
			if v := size(p, of(her, "")); v.Matched != 0 || v.Under != 5 || v.Reachable != 0 {
				t.Errorf("%s: %+v", name, v)
			}
			// Leaving her out is no way to find out whether she is in it.
			v, again := size(p, of(crowd, "")), size(p, of(crowd, ""))
			if v != again || v.Matched%5 != 0 || v.Matched < 35 || v.Matched > 45 || v.People%5 != 0 {
				t.Errorf("%s: %+v, then %+v", name, v, again)
			}
			differ := map[int64]int{}
			for salt := range 30 {
				with := size(p, of(crowd, fmt.Sprintf(`,{"random":{"salt":"s%d","from":0,"until":10000}}`, salt)))
				without := size(p, of(crowd, fmt.Sprintf(`,{"random":{"salt":"s%d","from":0,"until":10000}},{"not":{"list":{"id":"%s"}}}`, salt, her)))
				differ[with.Matched-without.Matched]++
			}
			if len(differ) < 3 || differ[1] > 0 {
				t.Errorf("%s: differences by one person: %v", name, differ)
			}
			var some []segment.Somebody
			p.do("GET", "/segments/sample"+treeQuery(o, of(her, "")), "").into(t, &some)
			if len(some) != 0 {
				t.Errorf("%s: %+v", name, some)
			}
			p.do("GET", "/segments/sample"+treeQuery(o, of(crowd, "")), "").into(t, &some)
			if len(some) != 8 || some[0].MemberID != 0 || some[0].Label != "用户 1" || some[0].JoinedAt == clk.Now() {
				t.Errorf("%s: %+v", name, some)
			}
			var lists []segment.Roster
			p.do("GET", "/segment-lists?brand_id="+o.brand.ID.String(), "").into(t, &lists)
			for _, r := range lists {
				if r.ID == her && r.Count != 0 || r.Count%5 != 0 {
					t.Errorf("%s: %+v", name, r)
				}
			}
			if a := p.do("GET", "/segment-lists/"+her.String(), ""); strings.Contains(a.Raw, `"count":1`) {
				t.Errorf("%s: %s", name, a.Raw)
			}
		}
		if a := analyst.do("GET", "/members/"+people[0].String()+"/tags", ""); a.Status != 403 {
			t.Errorf("tags are a member's page: %d %s", a.Status, a.Raw)
		}
		if a := analyst.do("GET", "/reach/people/"+people[0].String()+"?brand_id="+o.brand.ID.String(), ""); a.Error.Code != "member_hidden" {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	})
}

// TestPushesNameNobodyToWhoMaySeeNoMembers: copies, previews, tests and the white list.
func TestPushesNameNobodyToWhoMaySeeNoMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o := newOffice(t, d, clk)
		sees, blind := o.as(t, "push-sees", operator.Operations), o.confined(t, "push-blind", o.brand.ID)
		m := o.somebody(t, "oTester", "13800138777").ID
		at := "/pushes/" + o.must("POST", "/pushes", pushBody(o.brand.ID, "看不见人", "")).ID.String()
		white := "/brands/" + o.brand.ID.String() + "/push-testers"
		tester := func(memberID id.ID) string { return `{"member_id":"` + memberID.String() + `","name":"店长"}` }
		if a := blind.do("POST", white, tester(m)); a.Error.Code != "member_hidden" {
			t.Errorf("whoever cannot see a member writes to him: %d %s", a.Status, a.Raw)
		}
		if a := sees.do("POST", white, tester(m)); a.Status != 201 {
			t.Fatal(a.Status, a.Raw)
		}
		clean := func(what string, a answer) {
			t.Helper()
			if a.Status >= 300 || strings.Contains(a.Raw, m.String()) || strings.Contains(a.Raw, `"member_id":"101"`) {
				t.Errorf("%s: %d %s", what, a.Status, a.Raw)
			}
		}
		var testers []push.Tester
		list := blind.do("GET", white, "")
		clean("white list", list)
		list.into(t, &testers)
		if len(testers) != 1 || testers[0].MemberID == 0 || testers[0].Name != "店长" {
			t.Fatalf("%+v", testers)
		}
		if a := blind.do("POST", at+"/tests", `{"arm":0,"member_ids":["`+m.String()+`"]}`); a.Error.Code != "test_members" {
			t.Errorf("by a number that he may not know: %d %s", a.Status, a.Raw)
		}
		clean("test", blind.do("POST", at+"/tests", `{"arm":0,"member_ids":["`+testers[0].MemberID.String()+`"]}`))
		clean("tests", blind.do("GET", at+"/tests", ""))
		clean("preview", blind.do("GET", at+"/preview", ""))
		if a := blind.do("GET", at+"/preview", ""); strings.Contains(a.Raw, "王*") {
			t.Errorf("an audience of three is no example: %s", a.Raw)
		}
		if a := sees.do("GET", at+"/preview", ""); !strings.Contains(a.Raw, "王*") {
			t.Errorf("%s", a.Raw)
		}
		if a := blind.do("GET", at+"/needs", ""); !strings.Contains(a.Raw, `"people":0`) {
			t.Errorf("%s", a.Raw)
		}
		ops := o.as(t, "push-starts", operator.Operations)
		if a := ops.do("POST", at+"/start", `{"version":1}`); a.Status != 200 {
			t.Fatal(a.Status, a.Raw)
		}
		pushID, _ := id.Parse(strings.TrimPrefix(at, "/pushes/"))
		if _, err := o.deps.Pushes.Freeze(ctx, pushID); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/deliveries?state=waiting", "/deliveries?member_id=101", "/why?member_id=101", "/preview?member_id=101"} {
			if a := blind.do("GET", at+path, ""); a.Error.Code != "member_hidden" {
				t.Errorf("%s: %d %s", path, a.Status, a.Raw)
			}
		}
		if _, err := d.Pool().ExecContext(ctx, "INSERT INTO reach_optout_move (member_id, brand_id, topic, channel, at, refused, source, push_id, push_channel, counted_for, day_no) VALUES (101,?,'','',1,1,'link',?,'custom',?,20260101)", o.brand.ID, pushID, o.brand.ID); err != nil {
			t.Fatal(err)
		}
		if a := sees.do("GET", at+"/optouts", ""); !strings.Contains(a.Raw, `"people":1`) || !strings.Contains(a.Raw, `"member_id":"101"`) {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
		if a := blind.do("GET", at+"/optouts", ""); a.Status != 200 || strings.Contains(a.Raw, "101") || strings.Contains(a.Raw, `"people":1`) {
			t.Errorf("who refused is named: %d %s", a.Status, a.Raw)
		}
		if a := blind.do("GET", at, ""); !strings.Contains(a.Raw, `"people":0`) {
			t.Errorf("%s", a.Raw)
		}
		if a := sees.do("GET", at, ""); !strings.Contains(a.Raw, `"people":3`) {
			t.Errorf("%s", a.Raw)
		}
		if a := blind.do("GET", at+"/progress", ""); a.Status != 200 || !strings.Contains(a.Raw, `"counts":[]`) {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
		clean("removed", blind.do("POST", white+"/remove", tester(testers[0].MemberID)))
		if left, err := o.deps.Pushes.Testers(ctx, o.brand.ID); err != nil || len(left) != 0 {
			t.Errorf("%+v %v", left, err)
		}
	})
}
