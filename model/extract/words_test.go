package extract

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// A file says of a state what the list says from which it was asked for.
func TestFilesSpeakAsThePanel(t *testing.T) {
	for _, c := range []struct {
		area, at string
		states   map[string]string
	}{
		{"leaders", "accrualState", accrualStates()},
		{"leaders", "withdrawalState", withdrawalStates()},
		{"money", "states", payoutStates()},
		{"money", "rails", rails()},
	} {
		body, err := os.ReadFile("../../app/admin/src/areas/" + c.area + "/zh-CN.json")
		if err != nil {
			t.Fatal(err)
		}
		words := map[string]json.RawMessage{}
		panel := map[string]string{}
		if err := json.Unmarshal(body, &words); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(words[c.at], &panel); err != nil {
			t.Fatal(c.at, err)
		}
		for state, said := range c.states {
			if state == "approved" { // the panel tells it apart by its payment
				continue
			}
			if panel[state] != said {
				t.Errorf("%s %s: the file says %q, the panel %q", c.at, state, said, panel[state])
			}
		}
	}
}

func TestFrozenCommissionSaysWhenItIsFree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		brand, now := d.NewID(), clk.Now()
		soon := now.Add(14 * 24 * time.Hour)
		for i, a := range []struct {
			state    string
			released clock.Instant
		}{{"frozen", 0}, {"settled", soon.Add(time.Hour)}} {
			exec(t, d, "INSERT INTO commission_accrual (id, brand_id, rule_id, version, level, earned_on, pay, fact_key, event_id, event_key, event_at, day, referee_id, earner_id, role, binding_id, bound_at, batch_id, serial, base_qty, base_fen, amount, clawed, account_id, state, reason, checks, statement_id, created_at, release_at, released_at, settled_at) VALUES (?, ?, 1, 1, 1, 'claim', 'cash', ?, 1, 'e', ?, 20261121, 2, 3, 'leader', 1, 0, 0, 0, 1, 0, 50, 0, 1, ?, '', '[]', 0, ?, ?, ?, 0)",
				d.NewID(), brand, a.state, now, a.state, now.Add(time.Duration(i)*time.Minute), soon, a.released)
		}
		clk.Advance(time.Hour)
		x := ask(t, s, "commission_accruals", map[string]string{"brand_id": brand.String(), "from": "2026-01-01T00:00:00+08:00", "until": "2027-01-01T00:00:00+08:00"})
		if err := s.Run(context.Background(), x.ID); err != nil {
			t.Fatal(err)
		}
		rows, _ := read(t, s, x.ID)
		all := kinds()
		k := all[slices.IndexFunc(all, func(k kind) bool { return k.name == "commission_accruals" })]
		at := func(title string) int {
			return slices.IndexFunc(k.columns, func(c column) bool { return c.title == title })
		}
		slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[at("计提时间")], b[at("计提时间")]) })
		if len(rows) != 2 {
			t.Fatal(rows)
		}
		show := func(at clock.Instant) string { return moment(strconv.FormatInt(int64(at), 10)) }
		for i, want := range [][2]string{{show(soon), ""}, {show(soon), show(soon.Add(time.Hour))}} {
			if got := [2]string{rows[i][at("解冻时间")], rows[i][at("实际解冻")]}; got != want {
				t.Errorf("%v: %q, want %q", rows[i], got, want)
			}
		}
	})
}
