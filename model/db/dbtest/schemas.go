package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sqldriver "github.com/go-sql-driver/mysql"

	"siyu/model/clock"
	"siyu/model/db"
)

// Migrating 135 tables costs a server seconds and a file tenths of one; a test writes to
// ten of them. What is migrated once is therefore kept.

// made is a migrated SQLite file without a row, and what it tells of a server's schemas.
type made struct {
	file   []byte
	digest string // of the tables: with the same one, processes use each other's schemas
	tables int
	steps  int // of the migrations
}

var template = sync.OnceValues(func() (t made, err error) {
	dir, err := os.MkdirTemp("", "siyu-template")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "siyu.db")
	ctx := context.Background()
	d, err := migrated(ctx, db.Options{Driver: db.SQLite, DSN: path})
	if err != nil {
		return t, err
	}
	defer d.Close()
	var tables []string
	if err := d.Read(ctx).Raw("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").Scan(&tables).Error; err != nil {
		return t, err
	}
	if err := d.Read(ctx).Raw("SELECT (SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'), (SELECT COUNT(*) FROM schema_migration)").Row().Scan(&t.tables, &t.steps); err != nil {
		return t, err
	}
	sum := sha256.Sum256([]byte(strings.Join(tables, ";")))
	t.digest = fmt.Sprintf("%x", sum[:6])
	if err := d.Close(); err != nil { // the last one out moves the log into the file
		return t, err
	}
	t.file, err = os.ReadFile(path)
	return t, err
})

// migrated connects and migrates, and is no started process.
func migrated(ctx context.Context, o db.Options) (*db.DB, error) {
	o.Clock = clock.NewFake(Start)
	d, err := db.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// file is the path of a migrated SQLite database without a row.
func file(t testing.TB) string {
	t.Helper()
	m, err := template()
	if err != nil {
		t.Fatalf("migrate sqlite: %v", err)
	}
	path := filepath.Join(t.TempDir(), "siyu.db")
	if err := os.WriteFile(path, m.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// schema is the address of a migrated schema without a row on the server, this test's
// until it ends. Whoever holds the lock of a schema's name may use it, in any process;
// the server frees the locks of a process that died. It is emptied when taken, not when
// given back, so that nothing hangs on how the last test ended.
func schema(t testing.TB) string {
	t.Helper()
	m, err := template()
	if err != nil {
		t.Fatalf("migrate sqlite: %v", err)
	}
	base := server()
	c, err := sqldriver.ParseDSN(base)
	if err != nil {
		t.Fatalf("SIYU_TEST_MYSQL: %v", err)
	}
	ctx := context.Background()
	root, err := sql.Open("mysql", base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() }) // and with its connection the lock
	root.SetMaxOpenConns(1)                // the lock belongs to a connection
	conn, err := root.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for n := 1; ; n++ {
		name := fmt.Sprintf("siyu_test_%s_%d", m.digest, n)
		var got int
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&got); err != nil {
			t.Fatalf("lock schema %s: %v", name, err)
		}
		if got != 1 {
			continue
		}
		c.DBName = name
		ready, err := m.prepare(ctx, conn, name, c.FormatDSN())
		if err != nil {
			t.Fatalf("prepare schema %s: %v", name, err)
		}
		if ready {
			return c.FormatDSN()
		}
		if _, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", name); err != nil {
			t.Fatal(err)
		}
	}
}

// prepare empties the schema, and makes it where it is missing or was left half made. It
// is not ready while connections of an earlier test are still open: they might write.
func (m made) prepare(ctx context.Context, conn *sql.Conn, name, dsn string) (ready bool, err error) {
	for left, tries := 1, 0; left > 0; tries++ {
		if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?", name).Scan(&left); err != nil {
			return false, err
		}
		if left > 0 && tries == 100 {
			return false, nil
		}
		if left > 0 {
			<-time.After(time.Millisecond) // closed on our side, not yet on the server's
		}
	}
	whole, err := m.whole(ctx, conn, name)
	if err != nil {
		return false, err
	}
	if whole {
		return true, m.empty(ctx, conn, name)
	}
	for _, stmt := range []string{"DROP DATABASE IF EXISTS ", "CREATE DATABASE "} {
		if _, err := conn.ExecContext(ctx, stmt+name); err != nil {
			return false, err
		}
	}
	d, err := migrated(ctx, db.Options{Driver: db.MySQL, DSN: dsn})
	if err != nil {
		return false, err
	}
	return true, d.Close()
}

// whole says whether the schema is there with all its tables and nothing beside them.
// A migration records each step after it is done.
func (m made) whole(ctx context.Context, conn *sql.Conn, name string) (bool, error) {
	var tables, steps int
	if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ?", name).Scan(&tables); err != nil || tables != m.tables {
		return false, err
	}
	err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+name+".schema_migration").Scan(&steps)
	return steps == m.steps, err
}

// empty truncates what has rows: unlike after a DELETE, no trace of them is left that
// could wait for locks or mislead the optimiser.
func (m made) empty(ctx context.Context, conn *sql.Conn, name string) error {
	full, err := column(ctx, conn, "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_name <> 'schema_migration'", name)
	if err != nil {
		return err
	}
	for i, table := range full {
		full[i] = fmt.Sprintf("SELECT '%s' FROM DUAL WHERE EXISTS (SELECT 1 FROM %s.%s)", table, name, table)
	}
	if full, err = column(ctx, conn, strings.Join(full, " UNION ALL ")); err != nil {
		return err
	}
	for _, table := range full {
		if _, err := conn.ExecContext(ctx, "TRUNCATE TABLE "+name+"."+table); err != nil {
			return err
		}
	}
	return nil
}

func column(ctx context.Context, conn *sql.Conn, query string, args ...any) (out []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
