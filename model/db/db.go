// Package db opens the database, runs transactions and applies the migrations.
//
// Two engines, one schema: SQLite in the process (embedded default) and the MySQL
// protocol (MySQL 8, MariaDB 10.11, TiDB). Every write goes through InTx. It owns
// the tables schema_migration and process_start.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/glebarez/sqlite"
	sqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/fault"
	"siyu/model/id"
)

// Drivers.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

// Options choose the engine.
type Options struct {
	Driver   string // SQLite or MySQL
	DSN      string // a file path, or go-sql-driver's user:pass@tcp(host:port)/name
	Clock    clock.Clock
	MaxConns int // 0: 4 per core is right for MySQL on the same machine; see measurements
}

// DB is an open database with the process's id source.
type DB struct {
	g      *gorm.DB
	driver string
	clk    clock.Clock
	ids    *id.Source
	// writer serialises SQLite's one writer inside the process, in arrival order.
	// Without it waiting writers poll inside SQLite and the slowest waits longest.
	writer chan struct{}
	closed sync.Once
}

// Open connects, applies missing migrations and takes a node number for ids.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	d, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	node, err := d.nodeNumber(ctx)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.ids = id.NewSource(o.Clock, node)
	if o.Driver == SQLite {
		d.ids = id.NewSingleSource(o.Clock, node)
	}
	return d, nil
}

// Connect opens without migrating; only the migrate command and tests need it.
func Connect(ctx context.Context, o Options) (*DB, error) {
	conf := &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true, // every write is already inside InTx
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return o.Clock.Now().Time() },
	}
	d := &DB{driver: o.Driver, clk: o.Clock}
	var err error
	switch o.Driver {
	case SQLite:
		d.writer = make(chan struct{}, 1)
		d.g, err = gorm.Open(sqlite.Open(sqliteDSN(o.DSN)), conf)
	case MySQL:
		var dsn string
		if dsn, err = mysqlDSN(o.DSN); err != nil {
			return nil, err
		}
		d.g, err = gorm.Open(mysql.New(mysql.Config{DSN: dsn, SkipInitializeWithVersion: true}), conf)
	default:
		return nil, fmt.Errorf("db: unknown driver %q", o.Driver)
	}
	if err != nil {
		return nil, fmt.Errorf("db: open %s: %w", o.Driver, err)
	}
	pool, err := d.g.DB()
	if err != nil {
		return nil, err
	}
	n := o.MaxConns
	if n == 0 {
		n = 8
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	pool.SetConnMaxLifetime(30 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("db: %s does not answer: %w", o.Driver, err), pool.Close())
	}
	return d, nil
}

// sqliteDSN: WAL so that readers never wait for the writer, synchronous=FULL so
// that an acknowledged claim survives a power cut, immediate transactions so that
// a transaction which read first cannot fail to upgrade later.
func sqliteDSN(path string) string {
	q := url.Values{}
	for _, p := range []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "temp_store(MEMORY)"} {
		q.Add("_pragma", p)
	}
	q.Set("_txlock", "immediate")
	return "file:" + uriPath.Replace(path) + "?" + q.Encode()
}

// uriPath escapes what would end a path, or mean another byte, in SQLite's file names
// (https://sqlite.org/uri.html): data of a/b#1 and a/b#2 would share the file a/b.
var uriPath = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

func mysqlDSN(dsn string) (string, error) {
	c, err := sqldriver.ParseDSN(dsn)
	if err != nil {
		return "", fmt.Errorf("db: the MySQL address is malformed") // the cause may hold the password
	}
	c.ParseTime, c.InterpolateParams, c.Loc = true, true, time.UTC
	// Whoever is first learns it from RowsAffected (Once, every guarded update). With
	// clientFoundRows a row that was only found would count as written, and a claimed
	// code would be paid again: what the address asks for does not matter.
	c.ClientFoundRows = false
	c.MultiStatements, c.AllowAllFiles = false, false
	// ANSI strictness everywhere: a value that does not fit is an error, not a cut.
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'"
	c.Params["innodb_lock_wait_timeout"] = "10"
	c.Collation = "utf8mb4_bin"
	return c.FormatDSN(), nil
}

// Driver is SQLite or MySQL.
func (d *DB) Driver() string { return d.driver }

// Clock is the clock the database was opened with.
func (d *DB) Clock() clock.Clock { return d.clk }

// Now is the clock's now.
func (d *DB) Now() clock.Instant { return d.clk.Now() }

// NewID makes an id that no other running process makes.
func (d *DB) NewID() id.ID { return d.ids.Next() }

// Read returns a handle for reading outside a transaction.
func (d *DB) Read(ctx context.Context) *gorm.DB { return d.g.WithContext(ctx) }

// Pool is the bare pool, for benchmarks and health checks.
func (d *DB) Pool() *sql.DB {
	p, err := d.g.DB()
	if err != nil {
		panic("db: gorm lost its pool") // Open checked it
	}
	return p
}

// Close closes the pool.
func (d *DB) Close() (err error) {
	d.closed.Do(func() {
		if p, e := d.g.DB(); e == nil {
			err = p.Close()
		}
	})
	return err
}

// maxTries bounds the retries of a transaction that the engine refused.
const maxTries = 8

// InTx runs fn in one transaction and commits. fn may run several times (deadlock,
// lock wait, busy), so it must only touch tx and variables it sets itself anew.
// A connection lost during commit leaves the outcome unknown: the fault is
// Unavailable with code "commit_unknown" and the caller must read back by key.
func (d *DB) InTx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return d.inTx(ctx, nil, fn)
}

// InFreshTx is InTx at READ COMMITTED: every statement sees the latest commit and no
// gap is locked. For merged transactions that insert, look who won and then update
// rows that other processes update too; at MySQL's default level the look would freeze
// what the update may see.
func (d *DB) InFreshTx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if d.driver == SQLite { // one writer: nothing changes beside it
		return d.inTx(ctx, nil, fn)
	}
	return d.inTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
}

func (d *DB) inTx(ctx context.Context, o *sql.TxOptions, fn func(tx *gorm.DB) error) error {
	if d.writer != nil {
		select {
		case d.writer <- struct{}{}:
			defer func() { <-d.writer }()
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
		}
	}
	var err error
	for try := range maxTries {
		if try > 0 {
			pause := time.Duration(1<<try)*time.Millisecond + rand.N(4*time.Millisecond)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
			}
		}
		if err = d.once(ctx, o, fn); err == nil || !retryable(err) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试").Because(err)
}

func (d *DB) once(ctx context.Context, o *sql.TxOptions, fn func(tx *gorm.DB) error) (err error) {
	tx := d.g.WithContext(ctx)
	if o != nil {
		tx = tx.Begin(o)
	} else {
		tx = tx.Begin()
	}
	if tx.Error != nil {
		return fmt.Errorf("db: begin: %w", tx.Error)
	}
	done := false
	defer func() {
		if !done { // fn panicked or failed
			tx.Rollback()
		}
	}()
	if err = fn(tx); err != nil {
		return err
	}
	done = true
	fail.Point("commit.before")
	err = tx.Commit().Error
	fail.Point("commit.after")
	if err != nil {
		if retryable(err) { // refused by the engine, therefore surely not committed
			return err
		}
		return fault.New(fault.Unavailable, "commit_unknown", "系统繁忙，请稍后再试").Because(err)
	}
	return nil
}

// retryable: the engine says that it undid everything and that trying again is right.
func retryable(err error) bool {
	var m *sqldriver.MySQLError
	if errors.As(err, &m) {
		switch m.Number {
		case 1213, 1205, 1020, // deadlock, lock wait time-out, record changed since last read
			8002, 8022, 8028, 9007: // TiDB: retry on write conflict, schema changed
			return true
		}
		return false
	}
	var f *fault.Fault
	if errors.As(err, &f) {
		return false
	}
	s := err.Error()
	return strings.Contains(s, "SQLITE_BUSY") || strings.Contains(s, "database is locked")
}

// IsDuplicate says whether a unique key refused the row.
func IsDuplicate(err error) bool {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return true
	}
	var m *sqldriver.MySQLError
	if errors.As(err, &m) {
		return m.Number == 1062
	}
	return err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// IsNotFound says whether First or Take found no row.
func IsNotFound(err error) bool { return errors.Is(err, gorm.ErrRecordNotFound) }

// Once ends an INSERT that must do nothing when a unique key refuses the row, and
// must still fail for every other reason. column is any column of the table.
// RowsAffected tells: 1 inserted, 0 was there already.
//
//	tx.Exec("INSERT INTO t (a, b) VALUES (?, ?)"+d.Once("a"), a, b)
func (d *DB) Once(column string) string {
	if d.driver == SQLite {
		return " ON CONFLICT DO NOTHING"
	}
	return " ON DUPLICATE KEY UPDATE " + column + " = " + column
}

// nodeNumber takes the next number of process_start. Two processes share a node
// number only if 4096 processes started while the older one was still running.
func (d *DB) nodeNumber(ctx context.Context) (int, error) {
	for range 100 {
		var last sql.NullInt64
		if err := d.Read(ctx).Raw("SELECT MAX(number) FROM process_start").Scan(&last).Error; err != nil {
			return 0, fmt.Errorf("db: node number: %w", err)
		}
		n := last.Int64 + 1
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("INSERT INTO process_start (number, started_at) VALUES (?, ?)", n, d.clk.Now()).Error
		})
		if err == nil {
			return int(n % id.Nodes), nil
		}
		if !IsDuplicate(err) {
			return 0, fmt.Errorf("db: node number: %w", err)
		}
	}
	return 0, errors.New("db: no node number after 100 tries")
}
