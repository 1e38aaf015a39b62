package push_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/push"
)

// TestNoMemberReadsWhatOperatorsCallThings: what was kept of pushes before may hold names of
// tags, segments and lists; who wrote why himself is read as he wrote.
func TestNoMemberReadsWhatOperatorsCallThings(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		w.send(p.ID, took)
		kept := func(why string) {
			t.Helper()
			w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("UPDATE push SET why = ?, told = '' WHERE id = ?", why, p.ID).Error // as it was kept then
			}))
		}
		for why, want := range map[string]string{
			"最近 30 天扫码的次数不少于 2 次，并且标签「流失风险」为“高”": "",
			"没有标签「看护人」":        "",
			"标签「活跃度」的分值不少于 60": "",
			"不符合（属于人群「羊毛党」）":   "",
			"在名单「投诉过的」中":       "",
			"标签「这个名字太长…":       "",
			"有过购买（领取或下单）「护理液」，并且从来没有购买（领取或下单）「镜片」": "有过购买（领取或下单）「护理液」，并且从来没有购买（领取或下单）「镜片」",
			"您的标签上写着护理液": "您的标签上写着护理液",
		} {
			kept(why)
			got, err := w.s.ForMember(ctx, w.people[:1])
			if err != nil || len(got) != 1 || got[0].Why != want {
				t.Errorf("%s: %+v %v", why, got, err)
			}
			if p := w.get(p.ID); p.Why != want {
				t.Errorf("%s: operators read %s", why, p.Why)
			}
			rule := "trace_in"
			if want == "" {
				rule = "trace_in_plain"
			}
			tr, err := w.s.Why(ctx, p.ID, w.people[0])
			if err != nil || tr.Steps[0].Said.Code != rule {
				t.Errorf("%s: %+v %v", why, tr.Steps, err)
			}
			if tr.ByRule("有标签「受限标签」"); tr.Steps[0].Text != "开始时他在人群里：有标签「受限标签」" || tr.Steps[0].Said.Text != tr.Steps[0].Text || tr.Steps[1].Said.Code != "trace_arm" || tr.Steps[1].Text == "" {
				t.Errorf("%+v", tr.Steps)
			}
		}
	})
}

func TestADraftOfBeforeIsSaidAnewAndNoNewOneNamesThings(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { // a copy of a push that was frozen before
			return tx.Exec("UPDATE push SET why = ? WHERE id = ?", "属于人群「羊毛党」", p.ID).Error
		}))
		other, err := w.s.Copy(ctx, p.ID, writer)
		w.must(err)
		for _, p := range []push.Push{p, other} {
			_, err := w.s.Start(ctx, p.ID, writer)
			w.must(err)
			_, err = w.s.Freeze(ctx, p.ID)
			w.must(err)
			if got := w.get(p.ID); got.Why != "" || got.Sentence != "最近 30 天买过护理液" {
				t.Errorf("%q %q", got.Why, got.Sentence)
			}
		}
		for _, why := range []string{"您有标签「VIP」", "您在名单「老客」里"} {
			f := form()
			f.Why = why
			_, err := w.s.Create(ctx, f, writer)
			w.code(err, "push_form")
		}
		f := form()
		f.Why = "您在 6 月买过护理液"
		if got := w.begun(f); got.Why != f.Why {
			t.Errorf("%s", got.Why)
		}
		// What was kept of a long rule was nobody's text, and is longer than one may be.
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE push SET why = ? WHERE id = ?", strings.Repeat("买过护理液，", 40), p.ID).Error
		}))
		again, err := w.s.Copy(ctx, p.ID, writer)
		w.must(err)
		if again.Why != "" {
			t.Errorf("%q", again.Why)
		}
	})
}

// TestACopyIsSaidByTheRuleOfItsOwnDay: the words that a push was frozen with are of its
// audience, and nobody's text.
func TestACopyIsSaidByTheRuleOfItsOwnDay(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.begun(form())
		w.send(p.ID, took)
		got, err := w.s.ForMember(ctx, w.people[:1])
		w.must(err)
		if len(got) != 1 || got[0].Why != "最近 30 天买过护理液" || p.Why != "" {
			t.Errorf("%+v, of operators %q", got, p.Why)
		}
		other, err := w.s.Copy(ctx, p.ID, writer)
		w.must(err)
		if other.Why != "" || other.Sentence != "" {
			t.Errorf("%q %q", other.Why, other.Sentence)
		}
	})
}
