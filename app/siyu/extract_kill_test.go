package main

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
)

// TestExtractSurvivesKill kills the program twice while it writes a list: it goes on
// behind the last part, and the file has every row once.
func TestExtractSurvivesKill(t *testing.T) {
	const rows = 120_000
	p := &child{t: t, addr: ownAddr(t), data: t.TempDir()}
	p.start()
	p.kill()
	ids := plantMembers(t, filepath.Join(p.data, "siyu.db"), rows)
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Log(tail(p.log.String(), 4000))
		}
	})
	c := p.office()
	var job struct {
		ID, State, Error string
		Seen, Total      int64
	}
	c.call("POST", "/extracts", `{"kind":"members","reason":"盘点会员"}`, &job)
	at := "/extracts/" + job.ID
	until := func(what string, enough func() bool) {
		t.Helper()
		eventually(t, what, func() bool { c.call("GET", at, "", &job); return enough() })
	}
	for _, part := range []int64{rows / 10, rows / 2} {
		until("some of the rows", func() bool { return job.Seen >= part })
		if job.State != "running" {
			t.Fatalf("killed too late to show anything: %+v", job)
		}
		p.kill()
		p.start()
	}
	until("done", func() bool { return job.State == "ready" })
	var ticket struct{ URL string }
	c.call("POST", at+"/files/1/ticket", "", &ticket)
	a, err := c.http.Get("http://" + p.addr + ticket.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatal(a.StatusCode, err)
	}
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(body), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range lines[1:] {
		if seen[l[0]] {
			t.Fatalf("%s is there twice", l[0])
		}
		seen[l[0]] = true
	}
	for _, v := range ids {
		if !seen[`="`+v+`"`] {
			t.Fatalf("%s is missing", v)
		}
	}
}

// plantMembers puts members into the database of a program that does not run.
func plantMembers(t *testing.T, path string, n int) (ids []string) {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{Driver: db.SQLite, DSN: path, Clock: clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	rows := db.NewRows("member", "id, person_id, state, created_at, root_id")
	for range n {
		v := d.NewID()
		ids = append(ids, v.String())
		rows.Add(v, v, "active", d.Now(), 0)
	}
	err = d.InTx(ctx, func(tx *gorm.DB) error {
		_, err := rows.Insert(ctx, tx, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return ids
}
