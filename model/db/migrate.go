package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrate applies the numbered migrations that this database has not seen, in
// order. Forward only. Statements end with ";" at the end of a line. {{options}}
// after a table is the engine's; {{blob}} is its large binary type; {{of t}} ends a DROP
// INDEX: on MySQL an index's name is its table's.
//
// MySQL commits every DDL statement by itself, so each statement is recorded on
// its own: a migration that stopped half-way goes on where it stopped. SQLite takes
// all of them in one transaction, and a quarter of the time.
func (d *DB) Migrate(ctx context.Context) error {
	unlock, err := d.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	g := d.g.WithContext(ctx)
	if d.driver == SQLite {
		return g.Transaction(d.migrate)
	}
	return d.migrate(g)
}

func (d *DB) migrate(g *gorm.DB) error {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return err
	}
	sort.Strings(names)
	if err := g.Exec(`CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL, step BIGINT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (version, step))`).Error; err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	done := map[[2]int]bool{}
	rows, err := g.Raw("SELECT version, step FROM schema_migration").Rows()
	if err != nil {
		return fmt.Errorf("db: migrate: %w", err)
	}
	for rows.Next() {
		var v [2]int
		if err := rows.Scan(&v[0], &v[1]); err != nil {
			return err
		}
		done[v] = true
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return fmt.Errorf("db: migration %s has no number", name)
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		for step, stmt := range statements(string(text), d.driver) {
			if done[[2]int{version, step}] {
				continue
			}
			if err := g.Exec(stmt).Error; err != nil {
				return fmt.Errorf("db: migration %s, statement %d: %w", name, step+1, err)
			}
			if err := g.Exec("INSERT INTO schema_migration VALUES (?, ?, ?)", version, step, d.clk.Now()).Error; err != nil {
				return fmt.Errorf("db: migration %s: %w", name, err)
			}
		}
	}
	return nil
}

// lockMigrations keeps two processes that start together from migrating at once.
func (d *DB) lockMigrations(ctx context.Context) (func(), error) {
	if d.driver == SQLite {
		return func() {}, nil // one file, one process
	}
	conn, err := d.Pool().Conn(ctx) // the lock belongs to a connection
	if err != nil {
		return nil, err
	}
	var got int
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(GET_LOCK(CONCAT('siyu_migrate_', DATABASE()), 60), 0)").Scan(&got); err != nil || got != 1 {
		_ = conn.Close()
		return nil, fmt.Errorf("db: another process is migrating: %w", err)
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(CONCAT('siyu_migrate_', DATABASE()))")
		_ = conn.Close()
	}, nil
}

var ofTable = regexp.MustCompile(`\{\{of (\w+)\}\}`)

func statements(text, driver string) []string {
	options, blob, of := "", "BLOB", ""
	if driver == MySQL {
		options, blob, of = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", "LONGBLOB", " ON $1"
	}
	text = ofTable.ReplaceAllString(strings.NewReplacer("{{options}}", options, "{{blob}}", blob).Replace(text), of)
	var out []string
	var b strings.Builder
	for line := range strings.Lines(text) {
		if t := strings.TrimSpace(line); t == "" || strings.HasPrefix(t, "--") {
			continue
		}
		b.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			out = append(out, strings.TrimSuffix(strings.TrimSpace(b.String()), ";"))
			b.Reset()
		}
	}
	return out
}
