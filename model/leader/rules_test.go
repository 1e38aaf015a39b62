package leader

import (
	"strings"
	"testing"

	"siyu/model/fault"
)

// What would make an unlawful scheme cannot be written down: each try is refused with the
// article of law.
func TestUnlawfulProgrammesAreRefusedWithTheReason(t *testing.T) {
	level := func(condition string) string {
		return `{"open":false,"levels":[{"name":"甲","conditions":[]},{"name":"乙","conditions":[` + condition + `]}]}`
	}
	for _, x := range []struct{ input, article string }{
		{`{"fee":9900}`, "第七条第（二）项"},
		{`{"open":true,"deposit":1}`, "第七条第（二）项"},
		{`{"purchase_required":true}`, "第七条第（二）项"},
		{`{"purchaseRequired":true}`, "第七条第（二）项"},
		{`{"ENTRY_FEE":0}`, "第七条第（二）项"},
		{`{"levels":[{"name":"甲","押金":100}]}`, "第七条第（二）项"},
		{level(`{"metric":"head_count","at_least":30,"days":30}`), "第七条第（一）项"},
		{level(`{"metric":"team_size","at_least":30,"days":30}`), "第七条第（一）项"},
		{level(`{"metric":"recruits","at_least":3,"days":30}`), "第七条第（一）项"},
		{`{"candidates":{"conditions":[{"metric":"registrations","at_least":3,"days":30}]}}`, "第七条第（一）项"},
		{level(`{"metric":"team_sales_fen","at_least":30,"days":30}`), "第七条第（三）项"},
		{level(`{"metric":"shares","at_least":30,"days":30}`), "微信外部链接内容管理规范"},
		{level(`{"metric":"followers","at_least":30,"days":30}`), "微信外部链接内容管理规范"},
	} {
		_, err := ReadProgramme([]byte(x.input))
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid || f.Code != "leader_unlawful" || !strings.Contains(f.Text, x.article) {
			t.Errorf("%s: %v, want %s", x.input, err, x.article)
		}
	}
	for _, input := range []string{`{"reward_fen":100,"title":"分享朋友圈"}`, `{"title":"拉人","points":5}`, `{"title":"x","Bonus":1}`} {
		if _, err := ReadTask([]byte(input)); err == nil || fault.Of(err).Code != "leader_unlawful" || !strings.Contains(fault.Of(err).Text, "第七条") {
			t.Errorf("a task that pays: %s: %v", input, err)
		}
	}
}

func TestProgrammesWithMistakesAreRefused(t *testing.T) {
	conditions := func(list string) string {
		return `{"levels":[{"name":"甲"},{"name":"乙","conditions":[` + list + `]}]}`
	}
	for name, input := range map[string]string{
		"not JSON":                       `{`,
		"a field nobody knows":           `{"opne":true}`,
		"a condition nobody knows":       conditions(`{"metric":"luck","at_least":1,"days":1}`),
		"a level without conditions":     conditions(``),
		"conditions of the first level":  `{"levels":[{"name":"甲","conditions":[{"metric":"buyers","at_least":1,"days":30}]}]}`,
		"the same name twice":            `{"levels":[{"name":"甲"},{"name":"甲","conditions":[{"metric":"buyers","at_least":1,"days":30}]}]}`,
		"a condition without days":       conditions(`{"metric":"buyers","at_least":1,"days":0}`),
		"a condition that looks forever": conditions(`{"metric":"buyers","at_least":1,"days":366}`),
		"health with days":               conditions(`{"metric":"group_health","at_least":60,"days":30}`),
		"more than everybody":            conditions(`{"metric":"retention_bp","at_least":10001,"days":30}`),
		"the same condition twice":       conditions(`{"metric":"buyers","at_least":1,"days":30},{"metric":"buyers","at_least":2,"days":30}`),
		"a telephone number that is due": `{"questions":[{"key":"phone","title":"手机号","required":true}]}`,
		"a question nobody knows":        `{"questions":[{"key":"id_card","title":"身份证","required":true}]}`,
		"too long a wait":                `{"reapply_days":366}`,
		"too many groups":                `{"levels":[{"name":"甲","groups":51}]}`,
	} {
		if _, err := ReadProgramme([]byte(input)); fault.KindOf(err) != fault.Invalid || fault.Of(err).Code == "leader_unlawful" {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := `{"version":3,"open":true,"questions":[{"key":"region","title":"城市","required":true}],"levels":[{"name":"甲","groups":1},
		{"name":"乙","groups":3,"templates":true,"conditions":[{"metric":"own_claims","at_least":2,"days":30},{"metric":"group_health","at_least":60,"days":0}]}],
		"candidates":{"conditions":[{"metric":"buyers","at_least":1,"days":30}],"again_days":90},"reapply_days":30}`
	p, err := ReadProgramme([]byte(good))
	if err != nil || p.Version != 3 || len(p.Levels) != 2 || p.Levels[1].Conditions[0].Metric != OwnClaims {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestAProgrammeIsSavedByVersion(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.Save(ctx, Programme{BrandID: brandA, Open: true}, boss)
		w.refused(err, "leader_agreement_missing")
		p := w.open()
		if p.Version != 1 || p.ByID != boss || len(p.Levels) != 3 || p.Levels[2].Conditions[1].Metric != RetentionBP {
			t.Fatalf("%+v", p)
		}
		next, err := w.Save(ctx, p, ops)
		w.must(err)
		if next.Version != 2 {
			t.Fatal(next.Version)
		}
		_, err = w.Save(ctx, p, boss) // who read version 1
		w.refused(err, "leader_programme_changed")
		p.Levels[1].Conditions = []Condition{{Metric: "team_size", AtLeast: 3, Days: 30}}
		_, err = w.Save(ctx, p, boss) // past the reader of JSON
		w.refused(err, "leader_unlawful")
		l := w.lead(w.member())
		if lv, err := w.LevelOf(ctx, l); err != nil || lv.Groups != 1 || lv.Templates {
			t.Fatalf("%+v %v", lv, err)
		}
	})
}

func TestTasksAndMaterials(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		l, other := w.lead(w.member()), w.lead(w.member())
		mat, err := w.PutMaterial(ctx, Material{BrandID: brandA, Kind: Welcome, Title: "欢迎语", Text: "欢迎来到老井吃货群"}, boss)
		w.must(err)
		gold, err := w.PutMaterial(ctx, Material{BrandID: brandA, Kind: Picture, Title: "海报", PictureURL: "https://cdn.laojing.cn/1.png", MinLevel: 2}, boss)
		w.must(err)
		for _, wrong := range []Material{{Kind: "video", Title: "a", Text: "b"}, {Kind: Copy, Title: "a"}, {Kind: Picture, Title: "a", PictureURL: "javascript:alert(1)"}, {Kind: Copy, Text: "b"}} {
			_, err := w.PutMaterial(ctx, wrong, boss)
			w.refused(err, "leader_input")
		}
		seen, err := w.Materials(ctx, l)
		w.must(err)
		if len(seen) != 1 || seen[0].ID != mat.ID {
			t.Fatalf("materials of level 1: %+v", seen)
		}
		task, err := ReadTask([]byte(`{"title":"给群友讲讲怎么验真","text":"三天内","due_day":20261123,"material_id":"` + mat.ID.String() + `"}`))
		w.must(err)
		task.BrandID = brandA
		task, err = w.PutTask(ctx, task, boss)
		w.must(err)
		foreign := Task{BrandID: brandA + 1, Title: "x", MaterialID: mat.ID, State: Open, Levels: Levels{}}
		_, err = w.PutTask(ctx, foreign, boss)
		w.refused(err, "leader_input")
		high, err := w.PutTask(ctx, Task{BrandID: brandA, Title: "金牌任务", State: Open, Levels: Levels{3}}, boss)
		w.must(err)
		todo, err := w.Tasks(ctx, l)
		w.must(err)
		if len(todo) != 1 || todo[0].ID != task.ID || todo[0].Overdue {
			t.Fatalf("%+v", todo)
		}
		w.clk.Advance(3 * 24 * 3600e9)
		if todo, err = w.Tasks(ctx, l); err != nil || !todo[0].Overdue {
			t.Fatalf("%+v %v", todo, err)
		}
		done, err := w.Done(ctx, l, task.ID, "已在群里讲过")
		w.must(err)
		again, err := w.Done(ctx, l, task.ID, "改口")
		w.must(err)
		if again.Note != "已在群里讲过" || again.DoneAt != done.DoneAt {
			t.Fatalf("%+v", again)
		}
		_, err = w.Done(ctx, l, high.ID, "")
		w.refused(err, "leader_task_not_found")
		p, err := w.TaskProgress(ctx, task.ID)
		w.must(err)
		if p.Asked != 2 || p.Done != 1 || p.Notes[0].LeaderID != l.ID || p.Notes[0].Note != "已在群里讲过" {
			t.Fatalf("%+v", p)
		}
		task.State = Closed
		if _, err = w.PutTask(ctx, task, boss); err != nil {
			t.Fatal(err)
		}
		_, err = w.Done(ctx, other, task.ID, "")
		w.refused(err, "leader_task_closed")
		if _, err := w.DropMaterial(ctx, gold.ID, boss); err != nil {
			t.Fatal(err)
		}
		_, err = w.DropMaterial(ctx, 5, boss)
		w.refused(err, "leader_material_not_found")
		_, err = w.PutTask(ctx, Task{ID: 5, Title: "x", State: Open}, boss)
		w.refused(err, "leader_task_not_found")
		for _, bad := range []string{`{"title":""}`, `{"title":"a","due_day":20261131}`, `{"title":"a","levels":[0]}`, `{"title":"a","link_url":"ftp://a"}`, `{"title":"a","state":"x"}`} {
			_, err := ReadTask([]byte(bad))
			w.refused(err, "leader_input")
		}
	})
}

// TestNoTextPromisesForHeadsOrShares: what leaders read, and what strangers read of them.
func TestNoTextPromisesForHeadsOrShares(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.open()
		const bad = "拉3人奖50元"
		_, err := ReadTask([]byte(`{"title":"` + bad + `"}`))
		w.refused(err, "unlawful_words")
		_, err = ReadTask([]byte(`{"title":"本周","text":"转发到朋友圈领红包"}`))
		w.refused(err, "unlawful_words")
		_, err = w.PutMaterial(ctx, Material{BrandID: brandA, Kind: Copy, Title: "文案", Text: bad}, boss)
		w.refused(err, "unlawful_words")
		_, err = ReadProgramme([]byte(`{"levels":[{"name":"` + bad + `","conditions":[]}]}`))
		w.refused(err, "unlawful_words")
		_, err = w.Apply(ctx, Application{BrandID: brandA, MemberID: w.member(), AgreedVersion: 1, Answers: Answers{Name: bad, Region: "杭州"}})
		w.refused(err, "unlawful_words")
	})
}
