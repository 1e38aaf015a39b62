package rights

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// planted writes a row about a member into a table, every column that may name somebody
// naming him; secret stands in texts that are free.
func (w *town) planted(table string, memberID id.ID, secret string, no int) {
	w.t.Helper()
	rows, err := w.Store.DB.Read(ctx).Raw("SELECT * FROM " + table + " WHERE 1 = 0").Rows()
	w.must(err)
	types, err := rows.ColumnTypes()
	w.must(err)
	w.must(rows.Close())
	var names []string
	var values []any
	for _, c := range types {
		var v any = no
		switch kind := c.DatabaseTypeName(); {
		case c.Name() == "member_id" || c.Name() == "person_id":
			v = memberID
		case c.Name() == "openid" || c.Name() == "evidence":
			v = secret + "-" + table
		case strings.Contains(kind, "CHAR") || strings.Contains(kind, "TEXT"):
			v = fmt.Sprint(no)
		case strings.Contains(kind, "BLOB"):
			v = []byte{}
		}
		names, values = append(names, c.Name()), append(values, v)
	}
	w.exec("INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES "+db.Marks(len(names)), values...)
}

// TestAnErasedPersonIsInNoSegmentTagReachOrPush: whatever table of these has a column that
// names him keeps nothing of him, or, as the register says, his number alone.
func TestAnErasedPersonIsInNoSegmentTagReachOrPush(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		mine := map[string]table{}
		for _, x := range register() {
			if part, _, _ := strings.Cut(x.name, "_"); part == "segment" || part == "tag" || part == "reach" || part == "push" {
				mine[x.name] = x
			}
		}
		// A new table of these that names people is looked for, too.
		for _, name := range tablesOf(t, d) {
			part, _, _ := strings.Cut(name, "_")
			if _, there := mine[name]; there || part != "segment" && part != "tag" && part != "reach" && part != "push" {
				continue
			}
			rows, err := d.Read(ctx).Raw("SELECT * FROM " + name + " WHERE 1 = 0").Rows()
			w.must(err)
			columns, err := rows.Columns()
			w.must(err)
			w.must(rows.Close())
			for _, c := range columns {
				if c == "member_id" || c == "person_id" || c == "openid" {
					t.Errorf("%s has a column %s and is said to know nobody", name, c)
				}
			}
		}
		const hers, his = "oSecretOfAja", "oSecretOfBob"
		for name := range mine {
			if name == "segment_state" || name == "segment_person" || name == "tag_person" {
				w.exec("DELETE FROM " + name + " WHERE 1 = 1")
			}
		}
		for name := range mine {
			w.planted(name, p.member, hers, 7001)
			w.planted(name, other.member, his, 7002)
		}
		w.paid(p)
		r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Erase, Channel: consent.H5})
		w.must(err)
		clk.Advance(8 * 24 * time.Hour)
		if r, why := w.run(r); r.State != Done {
			t.Fatal(r, why)
		}
		dump := w.dump()
		for name, x := range mine {
			if strings.Contains(dump[name], hers) {
				t.Errorf("%s has what names her", name)
			}
			named := strings.Contains(dump[name], p.member.String())
			if keeps := x.keep != ""; named && !keeps {
				t.Errorf("%s has her number, and nothing says why", name)
			}
			if !strings.Contains(dump[name], other.member.String()) {
				t.Errorf("%s lost what is his", name)
			}
		}
		var waits int64
		w.must(d.Read(ctx).Raw("SELECT COUNT(*) FROM segment_unlink WHERE number = 7001 AND entire = 1").Scan(&waits).Error)
		if waits != 1 {
			t.Errorf("%d numbers wait to leave the segments of past days", waits)
		}
	})
}
