package referral

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"siyu/model/db"
	"siyu/model/id"
)

// tallyMost is how many nodes one statement counts.
const tallyMost = 500

// counted are the columns to which deltas are added.
var counted = []struct {
	column string
	of     func(d *delta) int64
}{
	{"direct", func(d *delta) int64 { return d.direct }},
	{"team_size", func(d *delta) int64 { return d.size }},
	{"active", func(d *delta) int64 { return d.active }},
	{"team_scans", func(d *delta) int64 { return d.scans }},
	{"team_claims", func(d *delta) int64 { return d.claims }},
	{"team_orders", func(d *delta) int64 { return d.orders }},
	{"team_sales_fen", func(d *delta) int64 { return int64(d.sales) }},
	{"own_scans", func(d *delta) int64 { return d.ownScans }},
	{"own_claims", func(d *delta) int64 { return d.ownClaims }},
	{"own_orders", func(d *delta) int64 { return d.ownOrders }},
	{"own_sales_fen", func(d *delta) int64 { return int64(d.ownSales) }},
}

// counts says whether the delta changes a counter, so that its row surely changes.
func (d *delta) counts() bool {
	return slices.ContainsFunc(counted, func(c struct {
		column string
		of     func(d *delta) int64
	}) bool {
		return c.of(d) != 0
	})
}

// tally writes the deltas: all lines of nodes that a transaction counts in one statement,
// whatever each of them gets.
func (f *forest) tally() error {
	var counts, touches []id.ID
	for _, m := range sorted(f.deltas) {
		if d := f.deltas[m]; d.counts() {
			counts = append(counts, m)
		} else if *d != (delta{}) {
			touches = append(touches, m)
		}
	}
	for _, list := range [][]id.ID{counts, touches} {
		for part := range slices.Chunk(list, tallyMost) {
			n, err := f.write(part)
			if err != nil {
				return wrap("count", err)
			}
			if !f.deltas[part[0]].counts() || n == int64(len(part)) {
				continue
			}
			// A node that is not there (a hand in the database) is found by the nightly check,
			// and must not stop everybody else of the brand.
			var there int64
			if err := f.tx.Raw("SELECT COUNT(*) FROM referral_node WHERE member_id IN ? AND brand_id = ?", part, f.brandID).Scan(&there).Error; err != nil {
				return wrap("count", err)
			}
			if there != n {
				return fmt.Errorf("referral: counted %d of %d nodes (%w)", n, len(part), errCount)
			}
		}
	}
	clear(f.deltas)
	return nil
}

// write changes the nodes of members by their deltas and says how many rows changed. The
// numbers stand in the text: SQLite's driver takes long for many parameters.
func (f *forest) write(members []id.ID) (int64, error) {
	stmt := []byte("UPDATE referral_node SET ")
	begin := len(stmt)
	set := func(column string, of func(d *delta) int64, form func(stmt []byte, value []byte) []byte) {
		value, any := f.values(members, of)
		if !any {
			return
		}
		if len(stmt) > begin {
			stmt = append(stmt, ", "...)
		}
		stmt = form(append(append(stmt, column...), " = "...), value)
	}
	for _, c := range counted {
		set(c.column, c.of, func(stmt, value []byte) []byte {
			return append(append(append(stmt, c.column...), " + "...), value...)
		})
	}
	// The largest of two numbers, in the words of both engines.
	largest := func(column string) func(stmt, value []byte) []byte {
		return func(stmt, value []byte) []byte {
			return fmt.Appendf(stmt, "CASE WHEN %s < %s THEN %s ELSE %s END", column, value, value, column)
		}
	}
	set("levels", func(d *delta) int64 { return int64(d.deep) }, func(stmt, value []byte) []byte {
		return largest("levels")(stmt, fmt.Appendf(nil, "1 - depth + %s", value))
	})
	set("last_active_at", func(d *delta) int64 { return int64(d.at) }, largest("last_active_at"))
	set("live", func(d *delta) int64 {
		if d.live {
			return 1
		}
		return 0
	}, largest("live"))
	stmt = appendIDs(append(stmt, " WHERE member_id IN "...), members)
	r, err := db.Exec(f.ctx, f.tx, string(append(stmt, " AND brand_id = ?"...)), f.brandID)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// values is an expression for what each of the members gets, and whether anybody gets
// something. What most of them get comes last, without their names.
func (f *forest) values(members []id.ID, of func(d *delta) int64) (expr []byte, any bool) {
	by := map[int64][]id.ID{}
	for _, m := range members {
		n := of(f.deltas[m])
		by[n], any = append(by[n], m), any || n != 0
	}
	type share struct {
		value int64
		who   []id.ID
	}
	var shares []share
	for n, who := range by {
		shares = append(shares, share{n, who})
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(len(a.who), len(b.who)), cmp.Compare(a.value, b.value))
	})
	most := len(shares) - 1
	if most == 0 {
		return strconv.AppendInt(nil, shares[0].value, 10), any
	}
	expr = append(expr, "CASE"...)
	for _, s := range shares[:most] {
		expr = appendIDs(append(expr, " WHEN member_id IN "...), s.who)
		expr = strconv.AppendInt(append(expr, " THEN "...), s.value, 10)
	}
	return append(strconv.AppendInt(append(expr, " ELSE "...), shares[most].value, 10), " END"...), any
}

// appendIDs writes "(1,2,3)".
func appendIDs(to []byte, list []id.ID) []byte {
	to = append(to, '(')
	for i, x := range list {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendInt(to, int64(x), 10)
	}
	return append(to, ')')
}
