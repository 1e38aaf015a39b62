// Package dbtest gives each test an empty schema on every engine that is there:
// SQLite always, and the MySQL protocol when SIYU_TEST_MYSQL holds the address of
// a private server (scripts/test starts one). It reads that one variable itself,
// because tests have no configuration.
//
// A schema is migrated once and used again: SQLite's is a copied file, a server's is
// locked for one test and emptied for the next (schemas.go). So a test may write rows,
// but must not change tables.
package dbtest

import (
	"context"
	"os"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
)

// Start is the moment every fake clock begins: noon in Shanghai.
var Start = clock.From(time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC))

// Each runs fn as a subtest on every engine, each time on an empty schema.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB, clk *clock.Fake)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			clk := clock.NewFake(Start)
			fn(t, Open(t, engine, clk), clk)
		})
	}
}

// server is the address of the private server; empty: there is none.
func server() string { return os.Getenv("SIYU_TEST_MYSQL") }

// Engines lists what is there.
func Engines() []string {
	if server() == "" {
		return []string{db.SQLite}
	}
	return []string{db.SQLite, db.MySQL}
}

// Addresses returns one empty schema per engine, not yet opened.
func Addresses(t testing.TB) []db.Options {
	t.Helper()
	var out []db.Options
	for _, engine := range Engines() {
		out = append(out, address(t, engine))
	}
	return out
}

// EachLoose is Each with MariaDB behaving as MySQL 8 and TiDB do: it may refuse an update
// of a row that changed since it was read (error 1020, innodb_snapshot_isolation), which
// hides what only a guard or a lock keeps.
func EachLoose(t *testing.T, fn func(t *testing.T, d *db.DB, clk *clock.Fake)) {
	t.Helper()
	for _, o := range Addresses(t) {
		t.Run(o.Driver, func(t *testing.T) {
			clk := clock.NewFake(Start)
			o.Clock = clk
			loose := o
			if o.Driver == db.MySQL {
				loose.DSN += "?innodb_snapshot_isolation=0"
			}
			d, err := db.Open(context.Background(), loose)
			if err != nil { // not MariaDB: it does not know the word, and behaves so anyway
				d, err = db.Open(context.Background(), o)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			fn(t, d, clk)
		})
	}
}

func address(t testing.TB, engine string) db.Options {
	t.Helper()
	if engine == db.SQLite {
		return db.Options{Driver: engine, DSN: file(t)}
	}
	return db.Options{Driver: engine, DSN: schema(t)}
}

// Open opens an empty schema on one engine and gives it back when the test ends.
func Open(t testing.TB, engine string, clk clock.Clock) *db.DB {
	t.Helper()
	o := address(t, engine)
	o.Clock = clk
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open %s: %v", engine, err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
