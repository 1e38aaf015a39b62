package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/tag"
)

// counted are fields that count people, in any answer.
var counted = regexp.MustCompile(`"(people|expected|held|waiting|sending|sent|refused|unknown|skipped|n|clicks|messages|first|able|reachable|used_today|grants|out|back|reached|scans|buyers|mixed|moved|total|done)":(-?\d+)`)

// rounded finds numbers of people that are told exactly, and digits in sentences.
func rounded(t *testing.T, what string, a answer) {
	t.Helper()
	if a.Status != 200 {
		t.Errorf("%s: %d %s", what, a.Status, a.Raw)
	}
	for _, m := range counted.FindAllStringSubmatch(a.Raw, -1) {
		if n, _ := strconv.Atoi(m[2]); n%5 != 0 {
			t.Errorf("%s tells exactly: %s in %s", what, m[0], a.Raw)
		}
	}
}

func TestAPushTellsAboutNumbersToWhoMaySeeNoMembers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		o := newOffice(t, d, clk)
		run := func(query string, args ...any) {
			t.Helper()
			if _, err := d.Pool().ExecContext(ctx, query, args...); err != nil {
				t.Fatal(err)
			}
		}
		crowd := audience{}
		for i := range 64 {
			crowd.people = append(crowd.people, id.ID(7001+i))
		}
		reachable := int64(61)
		o.deps.Pushes.Audience = crowd
		o.deps.Pushes.Reachable = func(context.Context, push.Push) ([]int64, error) { return []int64{reachable}, nil }
		o.deps.Pushes.Prices = func(context.Context, id.ID, clock.Instant) (reach.Policy, error) {
			return reach.Policy{Prices: []reach.Price{{Channel: reach.SMS, Li: 45}}}, nil
		}
		of := "?brand_id=" + o.brand.ID.String()
		pushID := o.must("POST", "/pushes", pushBody(o.brand.ID, "遮挡", "")).ID
		at := "/pushes/" + pushID.String()
		sees, confined, analyst := o.as(t, "about-sees", operator.Operations), o.confined(t, "about-confined", o.brand.ID), o.as(t, "about-analyst", operator.Analyst)
		veiled := map[string]*person{"confined": confined, "without members": analyst}
		estimate := func(p *person) (e push.Estimate) {
			t.Helper()
			p.do("GET", at+"/estimate", "").into(t, &e)
			return e
		}
		if e := estimate(sees); e.Ways[0].People != 55 || e.CostFen != 495 {
			t.Fatalf("61 without a tenth: %+v", e)
		}
		for name, p := range veiled {
			var me struct{ Under int64 }
			if p.do("GET", "/session", "").into(t, &me); me.Under != 5 {
				t.Errorf("%s: the panel is told %d", name, me.Under)
			}
			reachable = 61
			e := estimate(p)
			if w := e.Ways[0]; w.People%5 != 0 || w.Messages%5 != 0 || w.People < 45 || w.People > 65 || int64(e.CostFen) != (w.Messages*45+5)/10 {
				t.Errorf("%s: %+v", name, e)
			}
			if again := estimate(p); again.CostFen != e.CostFen || again.Ways[0].People != e.Ways[0].People {
				t.Errorf("%s: asking again tells more: %+v, %+v", name, e, again)
			}
			reachable = 4
			if e := estimate(p); e.CostFen != 0 || e.Ways[0].People != 0 || e.Ways[0].Messages != 0 {
				t.Errorf("%s: money says how few there are: %+v", name, e)
			}
		}
		reachable = 61
		if e := estimate(sees); e.Ways[0].People != 55 {
			t.Errorf("%+v", e)
		}
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/push-policy", `{"approval_people":50,"per_second":5,"give_up_hours":48,"reason":"x"}`)
		for name, p := range map[string]*person{"confined": confined} {
			if a := p.do("POST", at+"/start", `{"version":1}`); a.Error.Code != "approval_needed" || strings.Contains(a.Raw, "人群有") {
				t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
			rounded(t, name+" needs", p.do("GET", at+"/needs", ""))
		}
		o.must("PUT", "/brands/"+o.brand.ID.String()+"/push-policy", `{"approval_people":500,"per_second":5,"give_up_hours":48,"reason":"x"}`)
		if a := sees.do("POST", at+"/start", `{"version":1}`); a.Status != 200 {
			t.Fatal(a.Raw)
		}
		if _, err := o.deps.Pushes.Freeze(ctx, pushID); err != nil {
			t.Fatal(err)
		}
		run("UPDATE push SET note = '开始时有 64 人，审批时只有 61 人，请重新提交审批' WHERE id = ?", pushID)
		run("INSERT INTO push_tally (run_id, lane, arm, state, channel, reason, n) VALUES (?,90,0,'sent','sms','',33), (?,90,0,'skipped','','opted_out',1)", pushID, pushID)
		run("INSERT INTO push_click (run_id, delivery_id, member_id, link_no, arm, clicks, first_at, last_at) VALUES (?,1,7001,1,0,1,1,1)", pushID)
		day := clock.DayOf(clk.Now())
		for i := range 13 {
			to := pushID
			if i == 12 {
				to++ // one person after another push
			}
			run("INSERT INTO reach_optout_move (member_id, brand_id, topic, channel, at, refused, source, push_id, push_channel, counted_for, day_no) VALUES (?,?,?,'',1,1,'link',?,'sms',?,?)",
				7001+i, o.brand.ID, map[bool]string{true: "独一个"}[i == 12], to, o.brand.ID, day)
		}
		run("INSERT INTO push (id, brand_id, name, purpose, topic, worth, segment_id, list_id, timing, start_at, per_second, held_bp, why, content, state, version, people, expected, approved, segment_version, profiled, as_of, holdout, note, freeze_no, edited_by, submitted_by, decided_by, started_by, created_at, submitted_at, started_at, frozen_at, give_up_at, moved_at, finished_at) SELECT id + 1, brand_id, '另一次', purpose, topic, worth, segment_id, list_id, timing, start_at, per_second, held_bp, why, content, state, version, people, expected, approved, segment_version, profiled, as_of, holdout, note, freeze_no, edited_by, submitted_by, decided_by, started_by, created_at, submitted_at, started_at, frozen_at, give_up_at, moved_at, finished_at FROM push WHERE id = ?", pushID)
		exact := map[string]string{"/progress": `"sent":33`, "/optouts": `"people":12`, "": `"people":64`}
		for path, want := range exact {
			if a := sees.do("GET", at+path, ""); !strings.Contains(a.Raw, want) {
				t.Errorf("%s: %s", path, a.Raw)
			}
		}
		if a := sees.do("GET", "/reach/optouts"+of, ""); !strings.Contains(a.Raw, `"out":13`) || !strings.Contains(a.Raw, "独一个") {
			t.Errorf("%s", a.Raw)
		}
		for name, p := range veiled {
			for _, path := range []string{at, at + "/progress", at + "/optouts", "/pushes" + of, "/reach/optouts" + of, "/reach/optouts" + of + "&days=1", "/reach/ways" + of} {
				a := p.do("GET", path, "")
				rounded(t, name+" "+path, a)
				if strings.Contains(a.Raw, "审批时只有") || strings.Contains(a.Raw, "独一个") || strings.Contains(a.Raw, "另一次") && strings.Contains(path, "optouts") || strings.Contains(a.Raw, "7001") {
					t.Errorf("%s %s: %s", name, path, a.Raw)
				}
			}
			if a := p.do("GET", at+"/progress", ""); strings.Contains(a.Raw, "opted_out") || strings.Contains(a.Raw, `"clicks":[{`) {
				t.Errorf("%s: one person has a row: %s", name, a.Raw)
			}
			if a := p.do("GET", at+"/optouts", ""); !strings.Contains(a.Raw, `"list":[]`) {
				t.Errorf("%s: a list has a length: %s", name, a.Raw)
			}
			if a := p.do("GET", at+"/deliveries", ""); a.Error.Code != "member_hidden" {
				t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
		}
		for name, p := range veiled {
			a := p.do("GET", "/trails/push/"+pushID.String(), "")
			if a.Status != 200 || !strings.Contains(a.Raw, `"field":"state"`) || strings.Contains(a.Raw, `"after":64`) {
				t.Errorf("%s: the trail of a push: %d %s", name, a.Status, a.Raw)
			}
		}
		for _, path := range []string{"/trails/holdout/", "/trails/push_policy/", "/trails/reach_policy/"} {
			if a := confined.do("GET", path+o.brand.ID.String(), ""); a.Status != 200 {
				t.Errorf("%s: %d %s", path, a.Status, a.Raw)
			}
		}
		trail := func(p *person) string { return p.do("GET", "/audit?object=push", "").Raw }
		if raw := trail(o.as(t, "about-legal", operator.Legal)); !strings.Contains(raw, `"field":"state"`) || strings.Contains(raw, `"after":64`) {
			t.Errorf("%s", raw)
		}
	})
}

// TestReportsAreToldAbout: what came of a push, and what it cost, by whom it was sent to.
func TestReportsAreToldAbout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		analyst := o.as(t, "report-analyst", operator.Analyst)
		var exact, told holdout.Report
		o.root.do("GET", "/pushes/10/report", "").into(t, &exact)
		if exact.Held.People != 25 || exact.Arms[0].People != 26 || exact.Under != 0 || exact.Money.MessagesFen != 324 {
			t.Fatalf("%+v", exact)
		}
		a := analyst.do("GET", "/pushes/10/report", "")
		rounded(t, "report", a)
		a.into(t, &told)
		if told.Under != 5 || told.People == exact.People && told.Money.MessagesFen == exact.Money.MessagesFen || !strings.Contains(strings.Join(told.Text, ""), "约数") {
			t.Errorf("%+v", told)
		}
		for _, g := range append(told.Arms, told.Held) {
			for state, n := range g.States {
				if n%5 != 0 {
					t.Errorf("%s: %d %s", g.Name, n, state)
				}
			}
		}
		if a := analyst.do("GET", "/pushes/8/report", ""); a.Error.Code != "report_thin" {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	})
}

func TestWhatAComputationMovedIsToldAbout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops := o.as(t, "runs-ops", operator.Operations)
		one := o.runningTag(ops, "算一算", "rule", loginDefinition)
		for name, moved := range map[string]int64{"few": 1, "many": 63} {
			if _, err := d.Pool().ExecContext(context.Background(), "UPDATE tag_run SET moved = ?, total = 133, done = 133 WHERE tag_id = ?", moved, one.ID); err != nil {
				t.Fatal(err)
			}
			path := fmt.Sprintf("/tags/%d/runs", one.ID)
			if a := ops.do("GET", path, ""); !strings.Contains(a.Raw, fmt.Sprintf(`"moved":%d,`, moved)) {
				t.Fatalf("%s", a.Raw)
			}
			a := o.as(t, "runs-analyst-"+name, operator.Analyst).do("GET", path, "")
			rounded(t, name, a)
			var list struct{ Data []struct{ Moved int64 } }
			if err := json.Unmarshal([]byte(a.Raw), &list); err != nil || len(list.Data) == 0 || (list.Data[0].Moved == 0) != (name == "few") {
				t.Errorf("%s: %v %s", name, err, a.Raw)
			}
		}
	})
}

func TestWhatAModelWroteIsToldAbout(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		ops := o.as(t, "feed-ops", operator.Operations)
		one := o.runningTag(ops, "流失", "model", modelDefinition)
		for version, n := range map[int]int{1: 63, 2: 1} {
			_, err := d.Pool().ExecContext(context.Background(), `INSERT INTO tag_feed (tag_id, version, source, api_key_id, first_at, last_at, calls, written, same_rows, gone, no_consent, older, unknown_rows, bad_rows)
				VALUES (?, ?, 'open', 0, 1, 1, 1, ?, ?, ?, ?, ?, ?, ?)`, one.ID, version, n, n, n, n, n, n, n)
			if err != nil {
				t.Fatal(err)
			}
		}
		ask := func(p *person) (out struct{ Feeds []tag.Feed }) {
			p.do("GET", "/tags/"+one.ID.String(), "").into(t, &out)
			return out
		}
		if f := ask(ops).Feeds; len(f) != 2 || f[0].Written != 1 || f[1].Written != 63 {
			t.Fatalf("who may see members: %+v", f)
		}
		list := ask(o.as(t, "feed-analyst", operator.Analyst)).Feeds
		if len(list) != 2 {
			t.Fatalf("%+v", list)
		}
		for i, f := range list {
			for name, n := range map[string]int64{"written": f.Written, "same": f.Same, "gone": f.Gone, "no consent": f.NoConsent, "older": f.Older, "unknown": f.Unknown, "bad": f.Bad} {
				if n%5 != 0 || (n == 0) != (i == 0) {
					t.Errorf("version %d, %s: %d", f.Version, name, n)
				}
			}
		}
	})
}
