package tag

import (
	"context"
	"fmt"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/rule"
)

func TestLineageTellsWhatBreaksFartherOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		a := w.tag("甲", rules(Case{"", times(rule.Login, 1)}))
		b := w.tag("乙", rules(Case{"", has(a.ID)}))
		c := w.tag("丙", rules(Case{"", has(b.ID)}))
		w.Users = append(w.Users, func(_ context.Context, tagID id.ID) ([]Use, error) {
			list := map[id.ID][]Use{
				a.ID: {{Kind: "segment", ID: 1, Name: "直接的", Live: true}, {Kind: "segment", ID: 2, Name: "隔一层", Live: true, Via: "直接的"}},
				c.ID: {{Kind: "segment", ID: 1, Name: "直接的", Live: true}, {Kind: "segment", ID: 3, Name: "远的", Live: true}, {Kind: "push", ID: 4, Name: "发过的"}},
			}
			return list[tagID], nil
		})
		line, err := w.LineageOf(ctx, a.ID, func(string, id.ID) string { return "" })
		w.must(err)
		got := ""
		for _, u := range line.To {
			got += fmt.Sprintf("%s<%s:%v ", u.Name, u.Via, u.Live)
		}
		if want := "乙<:true 直接的<:true 隔一层<直接的:true 丙<乙:true 远的<丙:true 发过的<丙:false "; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		// A draft in between breaks nothing.
		x, err := w.Ask(ctx, w.request("草稿", Rule))
		w.must(err)
		_, err = w.Build(ctx, x.ID, x.Rev, rules(Case{"", has(c.ID)}), 11)
		w.must(err)
		line, err = w.LineageOf(ctx, c.ID, func(string, id.ID) string { return "" })
		w.must(err)
		if u := line.To[0]; u.Name != "草稿" || u.Live {
			t.Error(u)
		}
	})
}
