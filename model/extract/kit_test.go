package extract

import (
	"bytes"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/seal"
	"siyu/model/segment"
)

func newStore(t *testing.T, d *db.DB) *Store {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return New(Deps{DB: d, Box: box, Phones: phone.New(d, box), Outbox: outbox.New(d), Segments: segment.New(d)})
}

func exec(t *testing.T, d *db.DB, stmt string, args ...any) {
	t.Helper()
	if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		t.Fatal(err)
	}
}

// members puts n members a second apart and returns their ids, oldest first.
func members(t *testing.T, d *db.DB, clk *clock.Fake, n int) (out []id.ID) {
	t.Helper()
	rows := db.NewRows("member", "id, person_id, state, created_at, root_id")
	for i := range n {
		clk.Advance(time.Duration(i%3) * time.Second) // some in one tick
		v := d.NewID()
		out = append(out, v)
		rows.Add(v, v, map[bool]string{true: "blocked", false: "active"}[i%5 == 0], clk.Now(), 0)
	}
	if err := d.InTx(context.Background(), func(tx *gorm.DB) error { _, err := rows.Insert(context.Background(), tx, ""); return err }); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Second)
	return out
}

func ask(t *testing.T, s *Store, kind string, filter map[string]string) Extract {
	t.Helper()
	x, err := s.Ask(context.Background(), Request{Kind: kind, Filter: filter, Reason: "月度对账", By: 7})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// read is the rows of all files of a finished extract, heads taken off.
func read(t *testing.T, s *Store, extractID id.ID) (rows [][]string, files int) {
	t.Helper()
	x, err := s.Finished(context.Background(), extractID)
	if err != nil {
		t.Fatal(err)
	}
	for file := 1; file <= x.Files; file++ {
		var b bytes.Buffer
		if err := s.File(context.Background(), x, file, &b); err != nil {
			t.Fatal(err)
		}
		body, ok := strings.CutPrefix(b.String(), "\ufeff")
		if !ok || strings.Contains(body, "\ufeff") {
			t.Fatal("each file begins with one mark")
		}
		lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, lines[1:]...)
	}
	if int64(len(rows)) != x.Done {
		t.Errorf("%d rows, the row says %d", len(rows), x.Done)
	}
	return rows, x.Files
}

func same(t *testing.T, d *db.DB, rows [][]string, want []id.ID) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b id.ID) int { return id.Compare(a, b, d.Driver() == db.SQLite) })
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, r := range rows { // newest first
		if w := number(want[len(want)-1-i].String()); r[0] != w {
			t.Fatalf("row %d is %s, want %s", i, r[0], w)
		}
	}
}
