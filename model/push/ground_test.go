package push_test

import (
	"strings"
	"testing"

	"siyu/model/push"
	"siyu/model/reach"
)

func rests() []push.Ground {
	return []push.Ground{{Kind: "segment", ID: 7, Name: "护理液老客", Version: 3}, {Kind: "segment", ID: 8, Name: "里面", Version: 1}, {Kind: "tag", ID: 9, Name: "高价值", Version: 2}, {Kind: "list", ID: 10, Name: "门店名单", Version: 5}}
}

// TestWhatWasAgreedToRestsOnWhatItRestedOn: whoever changes a segment, a tag or a list that
// an agreed push rests on, changes who hears of it.
func TestWhatWasAgreedToRestsOnWhatItRestedOn(t *testing.T) {
	for says, change := range map[string]func(list []push.Ground) []push.Ground{
		"人群“里面”的规则从第 1 版改成了第 2 版":  func(l []push.Ground) []push.Ground { l[1].Version = 2; return l },
		"标签“高价值”的定义从第 2 版改成了第 3 版": func(l []push.Ground) []push.Ground { l[2].Version = 3; return l },
		"标签“高价值”已停用":               func(l []push.Ground) []push.Ground { l[2].Version = 0; return l },
		"名单“门店名单”增减过成员":            func(l []push.Ground) []push.Ground { l[3].Version = 6; return l },
		"人群“里面”已停用":                func(l []push.Ground) []push.Ground { return append(l[:1], l[2:]...) },
		"规则用到了原来没有的名单“新名单”": func(l []push.Ground) []push.Ground {
			return append(l, push.Ground{Kind: "list", ID: 11, Name: "新名单", Version: 1})
		},
	} {
		t.Run(says, func(t *testing.T) {
			each(t, 3, func(t *testing.T, w *world) {
				ctx := t.Context()
				w.size, w.grounds = 5000, rests()
				p := w.create(form())
				w.must2(w.s.Submit(ctx, p.ID, writer))
				w.grounds = change(rests())
				_, err := w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second)
				w.code(err, "push_moved")
				w.grounds = rests()
				w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
				w.grounds = change(rests())
				w.must2(w.s.Start(ctx, p.ID, writer))
				w.must2(w.s.Freeze(ctx, p.ID))
				p = w.get(p.ID)
				if p.State != push.Missed || p.Approved || len(w.lanes(p.ID)) != 0 || !strings.Contains(p.Note, says) || !strings.Contains(p.Note, "重新提交审批") {
					t.Fatalf("%s %s", p.State, p.Note)
				}
				_, err = w.s.Start(ctx, p.ID, writer)
				w.code(err, "approval_needed")
				w.must2(w.s.Withdraw(ctx, p.ID))
				w.must2(w.s.Submit(ctx, p.ID, writer))
				w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
				w.must2(w.s.Start(ctx, p.ID, writer))
				w.must2(w.s.Freeze(ctx, p.ID))
				if p = w.get(p.ID); p.State != push.Running {
					t.Errorf("%s %s", p.State, p.Note)
				}
			})
		})
	}
}

// TestWhatNobodyHadToAgreeToGoesOn: a second person was asked, though nobody had to be.
func TestWhatNobodyHadToAgreeToGoesOn(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.grounds = rests()
		for purpose, want := range map[string]string{reach.Marketing: push.Running, reach.Service: push.Missed} {
			f := form()
			if f.Purpose = purpose; purpose == reach.Service {
				f.Arms[0].Contents[0].Text = "您的镜片已到店"
			}
			p := w.create(f)
			w.must2(w.s.Submit(ctx, p.ID, writer))
			w.must2(w.s.Approve(ctx, p.ID, w.get(p.ID).Version, second))
			w.grounds[3].Version++
			w.must2(w.s.Start(ctx, p.ID, writer))
			w.must2(w.s.Freeze(ctx, p.ID))
			if p = w.get(p.ID); p.State != want || p.Approved {
				t.Errorf("%s: %s %s, approved %v", purpose, p.State, p.Note, p.Approved)
			}
		}
	})
}
