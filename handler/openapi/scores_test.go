package openapi

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/tag"
)

// modelTag is a running tag of the partner's brand that a model writes.
func (s *site) modelTag(choices ...string) id.ID {
	s.t.Helper()
	ctx := context.Background()
	x, err := s.tags.Ask(ctx, tag.Request{BrandID: 5, Class: tag.Consumption, Name: "流失风险" + s.d.NewID().String()[14:], Kind: tag.Model, Purpose: "挽回", IntendedUse: "触达", OwnerID: 11, ReviewDays: 180, IdleDays: 90, ByID: 11})
	if err == nil {
		_, err = s.tags.Build(ctx, x.ID, x.Rev, tag.Definition{Source: tag.Scores, Choices: choices}, 11)
	}
	if err == nil {
		_, x, err = s.tags.Submit(ctx, x.ID, x.Rev+1)
	}
	if err == nil {
		_, _, err = s.tags.Decide(ctx, x.ID, x.Rev, true, "", 12)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return x.ID
}

// fan is a member whom the brand knows.
func (s *site) fan(openID string, profiling bool) id.ID {
	s.t.Helper()
	m, ctx := s.member(openID), context.Background()
	_, err := s.events.Put(ctx, []event.Event{{Key: "l:" + openID, Type: event.Login, BrandID: 5, MemberID: m, Channel: event.H5, At: s.clk.Now(), Body: json.RawMessage(`{"app_id":"wx1"}`)}})
	if err == nil && profiling {
		_, err = consent.New(s.d).Put(ctx, consent.Consent{MemberID: m, Purpose: consent.Profiling, Given: true, Channel: consent.H5})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func score(openID, rest string) string {
	return fmt.Sprintf(`{"person":[{"kind":"openid","scope":"wx1","value":%q}],%s}`, openID, rest)
}

func TestScores(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		p := s.partner(60000, apikey.ScoresWrite)
		churn := s.modelTag("高", "低")
		a := s.fan("a", true)
		s.fan("b", false)
		s.member("c") // nobody of this brand
		write := func(version int, rows ...string) string {
			t.Helper()
			r := p.do("PUT", "/tags/"+churn.String()+"/scores", fmt.Sprintf(`{"version":%d,"scores":[%s]}`, version, strings.Join(rows, ",")))
			var o scoreOutcomes
			if err := json.Unmarshal(r.Data, &o); err != nil || r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Raw)
			}
			var words []string
			for i, x := range o.Results {
				if x.Index != i || (x.Error == nil) != (x.Status == tag.Written || x.Status == tag.Same) {
					t.Errorf("%+v", x)
				}
				words = append(words, x.Status)
			}
			return fmt.Sprint(strings.Join(words, " "), " ", o.Written, o.Same, o.Failed)
		}
		held := func() string {
			t.Helper()
			list, err := s.tags.Of(context.Background(), a, []string{"admin"}, nil)
			if err != nil || len(list) > 1 {
				t.Fatal(list, err)
			}
			if len(list) == 0 {
				return "-"
			}
			return fmt.Sprint(list[0].Value.Value, list[0].Score, " v", list[0].Version)
		}
		t.Run("each row is answered for itself and only who agreed has a value", func(t *testing.T) {
			rows := []string{score("a", `"score":87,"value":"高"`), score("b", `"score":3,"value":"低"`), score("c", `"score":3,"value":"低"`), score("nobody", `"score":3,"value":"低"`), score("a", `"value":"低"`), `7`,
				score("a", `"value":"低","why":1`), `{"person":[],"score":1}`, `{"person":[{"kind":"phone","value":"12"}],"score":1}`}
			if got := write(20261121, rows...); got != "written no_consent unknown unknown bad bad bad bad bad 1 0 8" || held() != "高87 v20261121" {
				t.Fatal(got, held())
			}
			if n := s.count("member"); n != 3 {
				t.Errorf("%d members", n)
			}
		})
		t.Run("sent again it changes nothing and an older version never wins", func(t *testing.T) {
			got := write(20261121, score("a", `"score":87,"value":"高"`)) + " / " + write(20261120, score("a", `"score":1,"value":"低"`))
			if got != "same 0 1 0 / older 0 0 1" || held() != "高87 v20261121" {
				t.Fatal(got, held())
			}
		})
		t.Run("a newer version takes it back for good", func(t *testing.T) {
			got := write(20261122, score("a", `"gone":true`)) + " / " + write(20261121, score("a", `"score":87,"value":"高"`))
			if got != "written 1 0 0 / older 0 0 1" || held() != "-" {
				t.Fatal(got, held())
			}
		})
		t.Run("refused as a whole", func(t *testing.T) {
			other := s.partner(60000, apikey.EventsWrite)
			var foreign partner
			k, secret, err := s.keys.Create(context.Background(), apikey.Draft{BrandID: 6, Name: "别家", Permissions: []string{apikey.ScoresWrite}, PerMinute: 600})
			if err != nil {
				t.Fatal(err)
			}
			foreign = partner{s: s, key: k, secret: secret}
			one := `{"version":1,"scores":[` + score("a", `"score":1,"value":"高"`) + `]}`
			many := `{"version":1,"scores":[` + strings.Repeat(`7,`, 1000) + `7]}`
			for name, c := range map[string]struct {
				r    reply
				want string
			}{
				"a key without the permission":   {other.do("PUT", "/tags/"+churn.String()+"/scores", one), "no_permission"},
				"a key of another brand":         {foreign.do("PUT", "/tags/"+churn.String()+"/scores", one), "tag_not_found"},
				"a tag that is not there":        {p.do("PUT", "/tags/404/scores", one), "tag_not_found"},
				"no version":                     {p.do("PUT", "/tags/"+churn.String()+"/scores", strings.Replace(one, `"version":1`, `"version":0`, 1)), "tag_scores"},
				"too many":                       {p.do("PUT", "/tags/"+churn.String()+"/scores", many), "bad_field"},
				"a version that fits no integer": {p.do("PUT", "/tags/"+churn.String()+"/scores", strings.Replace(one, `"version":1`, `"version":2147483648`, 1)), "tag_scores"},
			} {
				if c.r.Error.Code != c.want {
					t.Errorf("%s: %s", name, c.r.Raw)
				}
			}
		})
		t.Run("the tag tells which key wrote what", func(t *testing.T) {
			list, err := s.tags.Feeds(context.Background(), churn)
			if err != nil || len(list) != 3 || list[1].Source != tag.ByOpen || list[1].APIKeyID != p.key.ID || list[1].Bad != 5 || list[1].NoConsent != 1 || list[0].Gone != 1 {
				t.Fatalf("%+v %v", list, err)
			}
		})
	})
}
