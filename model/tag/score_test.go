package tag

import (
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// outcomes of scores in short.
func outcomes(list []Scored) string {
	var words []string
	for _, x := range list {
		words = append(words, x.Outcome)
	}
	return strings.Join(words, " ")
}

func TestScoresFromOutside(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("购买倾向", Definition{Source: Scores, Choices: []string{"高", "低"}})
		m, other, silent := w.customer(), w.customer(), w.member()
		w.happen(login(m), login(other), login(silent))
		write := func(version int, list ...Score) string {
			t.Helper()
			out, err := w.WriteEach(ctx, x.ID, Writer{Source: ByOpen, KeyID: 3}, version, list, false)
			w.must(err)
			return outcomes(out)
		}
		t.Run("each is answered for itself", func(t *testing.T) {
			got := write(7, Score{MemberID: m, Score: 5, Value: "高"}, Score{MemberID: m, Value: "低"}, Score{MemberID: silent, Value: "低"}, Score{Value: "低"}, Score{MemberID: other, Value: "中"}, Score{MemberID: 99, Value: "低"})
			if got != "written bad no_consent unknown bad unknown" {
				t.Fatal(got)
			}
			w.want(m, x.ID, "高")
			w.want(silent, x.ID, "-")
		})
		t.Run("the same again changes nothing and an older version never wins", func(t *testing.T) {
			before := w.told[m]
			if got := write(7, Score{MemberID: m, Score: 5, Value: "高"}) + " " + write(6, Score{MemberID: m, Score: 5, Value: "低"}) + " " + write(6, Score{MemberID: m, Gone: true}); got != "same older older" || w.told[m] != before {
				t.Fatal(got, w.told[m], before)
			}
			w.want(m, x.ID, "高")
		})
		t.Run("nor under another account of the same human", func(t *testing.T) {
			w.join(m, other)
			if got := write(6, Score{MemberID: other, Value: "低"}); got != "older" {
				t.Fatal(got)
			}
			w.want(other, x.ID, "高")
		})
		t.Run("a value ends when the model said", func(t *testing.T) {
			until := clk.Now().Add(time.Hour)
			if got := write(8, Score{MemberID: m, Value: "低", UntilAt: until}) + " " + write(8, Score{MemberID: m, Value: "低", UntilAt: clk.Now()}); got != "written bad" {
				t.Fatal(got)
			}
			w.want(m, x.ID, "低")
			clk.Advance(time.Hour)
			w.want(m, x.ID, "-")
		})
		t.Run("the page tells what was written and what was refused", func(t *testing.T) {
			list, err := w.Feeds(ctx, x.ID)
			w.must(err)
			if len(list) != 3 || list[2].Version != 6 || list[2].Older != 3 {
				t.Fatalf("%+v", list)
			}
			got, now := list[1], clk.Now().Add(-time.Hour)
			if got != (Feed{TagID: x.ID, Version: 7, Source: ByOpen, APIKeyID: 3, FirstAt: now, LastAt: now, Calls: 2, Written: 1, Same: 1, NoConsent: 1, Unknown: 2, Bad: 2}) {
				t.Errorf("%+v", got)
			}
			if got := list[0]; got.Version != 8 || got.Calls != 2 || got.Written != 1 || got.Bad != 1 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("only a model's tag that runs is written", func(t *testing.T) {
			hand := w.tag("手工", Definition{Source: Manual})
			for tagID, want := range map[id.ID]string{hand.ID: "tag_not_model", 404: "tag_not_found"} {
				if _, err := w.WriteEach(ctx, tagID, Writer{}, 1, []Score{{MemberID: m}}, false); code(err) != want {
					t.Error(tagID, err)
				}
			}
		})
	})
}
