package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestAudit(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := audit.New(d)
		list := func(t *testing.T, f audit.Filter) []audit.Line {
			t.Helper()
			out, err := s.List(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		act := audit.Entry{ActorID: 7, Actor: "wang", IP: "1.2.3.4", RequestID: "r1", Action: "campaign.publish", Object: "campaign", ObjectID: 42,
			After: map[string]any{"name": "中秋"}, Reason: "开售"}
		t.Run("an act that never ends stays visible as begun, with what was asked", func(t *testing.T) {
			if _, err := s.Begin(ctx, act); err != nil {
				t.Fatal(err)
			}
			l := list(t, audit.Filter{Outcome: audit.Begun})
			if len(l) != 1 || l[0].Actor != "wang" || l[0].Reason != "开售" || string(l[0].Changes[0].After) != `"中秋"` {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("an ended act shows only what differs and cannot be ended again", func(t *testing.T) {
			e := act
			e.ObjectID = 0
			entry, err := s.Begin(ctx, e)
			if err != nil {
				t.Fatal(err)
			}
			e.ObjectID = 43
			e.Before = map[string]any{"name": "中秋", "state": "draft", "spend_fen": int64(9007199254740993)}
			e.After = map[string]any{"name": "中秋", "state": "published", "spend_fen": int64(9007199254740993)}
			if err := s.End(ctx, entry, e, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.End(ctx, entry, e, errors.New("late")); err != nil {
				t.Fatal(err)
			}
			l := list(t, audit.Filter{ObjectID: 43})
			if len(l) != 1 || l[0].Outcome != audit.Done || len(l[0].Changes) != 1 || l[0].Changes[0].Field != "state" ||
				string(l[0].Changes[0].Before) != `"draft"` || string(l[0].Changes[0].After) != `"published"` {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("what tells which thing it was stays on both sides", func(t *testing.T) {
			e := act
			e.Action, e.ObjectID, e.Which = "target.set", 44, map[string]any{"month": 202611}
			e.Before, e.After = map[string]any{"month": 202611, "amount": 3}, map[string]any{"month": 202611, "amount": 5}
			if err := s.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
			shown, err := json.Marshal(list(t, audit.Filter{ObjectID: 44})[0].Changes)
			if err != nil || string(shown) != `[{"field":"amount","before":3,"after":5},{"field":"month","before":202611,"after":202611}]` {
				t.Fatal(string(shown), err)
			}
		})
		t.Run("a refused act keeps the request and the code of the fault", func(t *testing.T) {
			entry, err := s.Begin(ctx, act)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.End(ctx, entry, act, fault.New(fault.Conflict, "not_draft", "")); err != nil {
				t.Fatal(err)
			}
			l := list(t, audit.Filter{Outcome: "not_draft"})
			if len(l) != 1 || len(l[0].Changes) != 1 {
				t.Fatalf("%+v", l)
			}
		})
		t.Run("an entry leaves with its transaction", func(t *testing.T) {
			boom := errors.New("boom")
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				e := act
				e.Action = "never"
				if err := s.RecordTx(ctx, tx, e); err != nil {
					return err
				}
				return boom
			})
			if !errors.Is(err, boom) || len(list(t, audit.Filter{Action: "never"})) != 0 {
				t.Fatal(err)
			}
		})
		t.Run("filters and pages meet no entry twice", func(t *testing.T) {
			from := clk.Now().Add(time.Second)
			clk.Advance(time.Second)
			for i := range 7 {
				if i%3 == 0 {
					clk.Advance(time.Millisecond)
				}
				e := act
				e.Object, e.ObjectID, e.ActorID = "batch", id.ID(i+1), id.ID(i%2+1)
				if err := s.Record(ctx, e); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[id.ID]bool{}
			f := audit.Filter{Object: "batch", From: from, Limit: 3}
			for {
				page := list(t, f)
				for _, l := range page {
					if seen[l.ID] {
						t.Fatal("seen twice")
					}
					seen[l.ID] = true
					f.Before = l.ID
				}
				if len(page) < 3 {
					break
				}
			}
			if len(seen) != 7 || len(list(t, audit.Filter{Object: "batch", ActorID: 1})) != 4 || len(list(t, audit.Filter{Object: "batch", ObjectID: 5})) != 1 {
				t.Fatal(len(seen))
			}
			if n := len(list(t, audit.Filter{Object: "batch", Until: from})); n != 0 {
				t.Fatal(n)
			}
		})
		t.Run("no secret reaches the table, but its change does", func(t *testing.T) {
			const leak = "hunter2"
			type account struct {
				AppSecret  string            `json:"app_secret"`
				APIKeyV2   string            `json:"api_key_v2"`
				CamelKey   string            `json:"clientKeyPEM"`
				Nested     map[string]string `json:"settings"`
				List       []map[string]any  `json:"list"`
				HasSecrets []string          `json:"has_secrets"`
				SeedHash   string            `json:"seed_hash"`
				Keyword    string            `json:"keyword"`
			}
			before := account{AppSecret: leak + "old", SeedHash: "a", Keyword: "红包"}
			after := account{AppSecret: leak, APIKeyV2: leak, CamelKey: leak, Nested: map[string]string{"aes_key": leak},
				List: []map[string]any{{"password": leak}}, HasSecrets: []string{"app_secret"}, SeedHash: "b", Keyword: "积分"}
			e := act
			e.Action, e.Before, e.After = "account.save", before, after
			if err := s.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
			l := list(t, audit.Filter{Action: "account.save"})
			shown, err := json.Marshal(l)
			if err != nil || strings.Contains(string(shown), leak) || strings.Contains(l[0].BeforeJSON+l[0].AfterJSON, leak) {
				t.Fatal(string(shown), err)
			}
			for _, want := range []string{`"app_secret"`, `"seed_hash"`, `积分`, `"has_secrets","before":null,"after":["app_secret"]`} {
				if !strings.Contains(string(shown), want) {
					t.Errorf("%s is not in %s", want, shown)
				}
			}
		})
		t.Run("nor one whose name is spelled as only JSON would read it", func(t *testing.T) {
			const leak = "hunter3"
			after := map[string]string{}
			// encoding/json fills the field password from each of these.
			for _, name := range []string{"passWord", "PASSword", "pa\u017f\u017fword", "old_passWord", "app_secreT", "api_\u212aey_v2", "API_kEY_V2", "private_key_pEM"} {
				after[name] = leak
			}
			e := act
			e.Action, e.Before, e.After = "odd", nil, after
			if err := s.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
			if l := list(t, audit.Filter{Action: "odd"}); strings.Contains(l[0].AfterJSON, leak) {
				t.Fatal(l[0].AfterJSON)
			}
		})
		t.Run("huge values are cut to what the table holds", func(t *testing.T) {
			e := act
			e.Action, e.Reason = "big", strings.Repeat("因", 5000)
			big := map[string]string{"rules": strings.Repeat("x", 1<<20)}
			for i := range 2000 {
				big[fmt.Sprintf("field_%d", i)] = "0123456789"
			}
			e.After = big
			if err := s.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
			if l := list(t, audit.Filter{Action: "big"})[0]; len(l.AfterJSON) > 20<<10 || len([]rune(l.Reason)) != 500 {
				t.Fatal(len(l.AfterJSON), len([]rune(l.Reason)))
			}
		})
		t.Run("an entry without an actor is refused", func(t *testing.T) {
			if err := s.Record(ctx, audit.Entry{Action: "x", Object: "y"}); err == nil {
				t.Fatal("accepted")
			}
		})
	})
}
