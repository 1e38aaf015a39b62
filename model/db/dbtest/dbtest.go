// Package dbtest gives each test a fresh schema on every engine that is there:
// SQLite always, and the MySQL protocol when SIYU_TEST_MYSQL holds the address of
// a private server (scripts/test starts one). It reads that one variable itself,
// because tests have no configuration.
package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sqldriver "github.com/go-sql-driver/mysql"

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

// Engines lists what is there.
func Engines() []string {
	if os.Getenv("SIYU_TEST_MYSQL") == "" {
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
		return db.Options{Driver: engine, DSN: filepath.Join(t.TempDir(), "siyu.db")}
	}
	return db.Options{Driver: engine, DSN: schema(t)}
}

var schemas atomic.Int64

// Open opens an empty schema on one engine and drops it when the test ends.
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

func schema(t testing.TB) string {
	t.Helper()
	base := os.Getenv("SIYU_TEST_MYSQL")
	c, err := sqldriver.ParseDSN(base)
	if err != nil {
		t.Fatalf("SIYU_TEST_MYSQL: %v", err)
	}
	name := fmt.Sprintf("siyu_%d_%d", os.Getpid(), schemas.Add(1))
	root, err := sql.Open("mysql", base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		t.Fatalf("create schema: %v", err)
	}
	t.Cleanup(func() {
		if _, err := root.Exec("DROP DATABASE " + name); err != nil && !strings.Contains(err.Error(), "gone") {
			t.Error(err)
		}
		_ = root.Close()
	})
	c.DBName = name
	return c.FormatDSN()
}
