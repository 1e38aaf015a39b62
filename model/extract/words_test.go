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
	"siyu/model/fault"
	"siyu/model/id"
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

// The tax of a month is of what reached people between its first and its last moment in
// Shanghai, in yuan, with numbers that Excel leaves alone.
func TestTheTaxOfAMonth(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		brand, other := d.NewID(), d.NewID()
		first, _ := clock.Day(20261101).Bounds()
		next, _ := clock.Day(20261201).Bounds()
		var ids []string
		for i, w := range []struct {
			brand    id.ID
			state    string
			finished clock.Instant
		}{{brand, "paid", first - 1}, {brand, "paid", first}, {brand, "paid", next - 1}, {brand, "paid", next}, {brand, "returned", first}, {brand, "approved", 0}, {other, "paid", first}, {brand, "requested", 0}} {
			v := d.NewID()
			ids = append(ids, v.String())
			exec(t, d, "INSERT INTO withdrawal (id, brand_id, member_id, request_key, amount_fen, tax_fen, tax_note, state, reason, account_id, openid, payout_id, by_id, day, created_at, decided_at, finished_at) VALUES (?,?,144115188075855873,?,90000,2000,'=1+1',?,'',5,'oSecret',?,0,20261101,?,0,?)",
				v, w.brand, ids[i], w.state, v, clk.Now(), w.finished)
			exec(t, d, `INSERT INTO payout (id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no, wishing, act_name, state, wait_user, wechat_no, package_info, code, reason,
				attempts, review, created_at, moved_at, next_at, finished_at) VALUES (?,?,?,0,2,0,'transfer','wx1','oSecret',88000,?,' ','a','settled',0,'','','', '', 0, 0, ?, 0, 0, 0)`,
				v, v, w.brand, "2026110100000000000"+strconv.Itoa(i), clk.Now())
		}
		clk.Advance(time.Second)
		rowsOf := func(kind string, f map[string]string) map[string][]string {
			t.Helper()
			x := ask(t, s, kind, f)
			if err := s.Run(context.Background(), x.ID); err != nil {
				t.Fatal(err)
			}
			rows, _ := read(t, s, x.ID)
			out := map[string][]string{}
			for _, r := range rows {
				out[r[0]] = r
			}
			return out
		}
		got := rowsOf("withdrawal_tax", map[string]string{"brand_id": brand.String(), "month": "2026-11"})
		if len(got) != 2 {
			t.Fatal(got)
		}
		for i, at := range map[int]string{1: "2026-11-01 00:00:00", 2: "2026-11-30 23:59:59"} {
			want := []string{`="` + ids[i] + `"`, at, "", "", `="144115188075855873"`, "900.00", "20.00", "880.00", "'=1+1", `="2026110100000000000` + strconv.Itoa(i) + `"`}
			if row := got[number(ids[i])]; !slices.Equal(row, want) {
				t.Errorf("%q, want %q", row, want)
			}
		}
		if none := rowsOf("withdrawal_tax", map[string]string{"brand_id": brand.String(), "month": "2027-01"}); len(none) != 0 {
			t.Error(none)
		}
		for _, bad := range []string{"", "202611", "2026-13"} {
			if _, err := s.Ask(context.Background(), Request{Kind: "withdrawal_tax", Reason: "报税", Filter: map[string]string{"month": bad}}); fault.Of(err).Code != "bad_field" {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// Of an undecided one the tax is not known yet: what was stored moves.
		all := rowsOf("withdrawals", map[string]string{"brand_id": brand.String()})
		if open, paid := all[number(ids[7])], all[number(ids[1])]; open[6]+open[7] != "" || paid[6] != "20.00" || paid[7] != "880.00" {
			t.Errorf("%q %q", open, paid)
		}
	})
}
