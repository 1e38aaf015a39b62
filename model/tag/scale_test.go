package tag

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestHowAModelsScoresLie(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("流失倾向", Definition{Source: Scores})
		var who []id.ID
		for range 5 {
			who = append(who, w.customer())
			w.happen(login(who[len(who)-1]))
		}
		write := func(version int, scores ...int) {
			t.Helper()
			var list []Score
			for i, n := range scores {
				list = append(list, Score{MemberID: who[i], Score: n})
			}
			_, err := w.WriteEach(ctx, x.ID, Writer{Source: ByOpen}, version, list, true)
			w.must(err)
			w.must(w.Recount(ctx, x.ID))
		}
		lie := func() string {
			t.Helper()
			s, err := w.SpreadOf(ctx, x.ID)
			w.must(err)
			f, err := w.Feeds(ctx, x.ID)
			w.must(err)
			text := ""
			for _, b := range s.Scores {
				text += fmt.Sprintf("%d~%d:%d ", b.Low, b.High, b.People)
			}
			for _, v := range slices.Backward(f) {
				text += fmt.Sprintf("v%d:%d ", v.Version, v.People)
			}
			return text
		}
		write(1, -7, 3, 42, 43, 87)
		if got, want := lie(), "-10~-1:1 0~9:1 40~49:2 80~89:1 v1:5 "; got != want {
			t.Error(got, want)
		}
		clk.Advance(time.Second)
		write(2, 100, 100) // two of them have a newer word
		if got, want := lie(), "40~49:2 80~89:1 100~109:2 v1:3 v2:2 "; got != want {
			t.Error(got, want)
		}
		clk.Advance(time.Second)
		w.join(who[0], who[4]) // one human, who has the newer of two scores
		w.must(w.Recount(ctx, x.ID))
		if got := lie(); got != "40~49:2 100~109:2 v1:2 v2:2 " {
			t.Error(got)
		}
		for _, m := range who {
			w.consent(m, false)
		}
		clk.Advance(fewAfter)
		w.must(w.RecountDue(ctx))
		s, err := w.SpreadOf(ctx, x.ID)
		if err != nil || len(s.Scores)+len(s.Values) != 0 || s.People != 0 || s.Days[len(s.Days)-1].People != 0 {
			t.Errorf("nobody is left, but %+v %v", s, err)
		}
	})
}

func TestBarsHaveRoundEdgesAndAreFew(t *testing.T) {
	for span, want := range map[int64]int64{0: 1, 10: 1, 11: 2, 21: 2, 22: 5, 99: 10, 100: 10, 110: 20, 2_000_000_000: 200_000_000} {
		got := step(span)
		if got != want {
			t.Errorf("over %d: %d, want %d", span, got, want)
		}
		if bars := span/got + 2; bars > maxBars {
			t.Errorf("over %d: %d bars", span, bars)
		}
	}
}

func TestSomeWhoHaveATag(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("肤质", Definition{Source: Manual, Choices: []string{"干", "油"}})
		a, b, other := w.member(), w.member(), w.member()
		for m, v := range map[id.ID]string{a: "干", other: "油"} {
			_, _, err := w.Give(ctx, gift(x.ID, m, v))
			w.must(err)
		}
		clk.Advance(time.Second)
		_, _, err := w.Give(ctx, gift(x.ID, b, "油"))
		w.must(err)
		w.join(a, b)
		list, err := w.Holders(ctx, x.ID)
		w.must(err)
		got := map[id.ID]string{}
		for _, h := range list {
			got[h.PersonID] = h.Value.Value
		}
		if len(list) != 2 || got[a] != "油" || got[other] != "油" {
			t.Fatalf("each human once, with what counts: %+v", list)
		}
	})
}

func TestTagsAreFoundByWhatPeopleHaveOfThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		_, c, err := w.SaveCategory(ctx, Category{BrandID: brandID, Class: Consumption, Name: "护眼客户"})
		w.must(err)
		r := w.request("肤质", Fact)
		r.CategoryID = c.ID
		x, err := w.Ask(ctx, r)
		w.must(err)
		x = w.approve(x, Definition{Source: Manual, Choices: []string{"干性", "油性"}})
		w.tag("别的", Definition{Source: Manual})
		_, _, err = w.Give(ctx, gift(x.ID, w.member(), "干性"))
		w.must(err)
		w.must(w.Recount(ctx, x.ID))
		for text, want := range map[string]int{"干性": 1, "护眼": 1, "肤": 1, "回购": 2, "油性": 0, "%": 0} {
			found, err := w.List(ctx, Filter{BrandID: brandID, Text: text, Roles: []string{admin}, Limit: 5})
			if err != nil || len(found) != want {
				t.Errorf("%s: %d, want %d %v", text, len(found), want, err)
			}
		}
	})
}
