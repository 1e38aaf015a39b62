package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

// An address may ask for what would make a found row look like a written one.
func TestHostileAddressStillTellsWhoWon(t *testing.T) {
	ctx := context.Background()
	for _, dsn := range dbtest.Addresses(t) {
		t.Run(dsn.Driver, func(t *testing.T) {
			if dsn.Driver == db.MySQL {
				dsn.DSN += "?clientFoundRows=true&multiStatements=true"
			}
			dsn.Clock = clock.NewFake(dbtest.Start)
			d, err := db.Open(ctx, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			for want := int64(1); want >= 0; want-- {
				err := d.InTx(ctx, func(tx *gorm.DB) error {
					r := tx.Exec("INSERT INTO claim_counter (counter_key, used) VALUES ('once', 0)" + d.Once("used"))
					if r.RowsAffected != want {
						t.Errorf("%d rows, want %d", r.RowsAffected, want)
					}
					return r.Error
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Read(ctx).Exec("UPDATE claim_counter SET used = 1; UPDATE claim_counter SET used = 2").Error; err == nil && dsn.Driver == db.MySQL {
				t.Error("two statements went through as one")
			}
		})
	}
}

// What ends a path in an address, or escapes in it, is a letter like any other in a file's name.
func TestAFileMayHaveAnyName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a#1", "a#2", "a?mode=memory", "a%31", "a1", "瓶 子"} {
		path := filepath.Join(dir, name)
		d, err := db.Connect(context.Background(), db.Options{Driver: db.SQLite, DSN: path, Clock: clock.NewFake(dbtest.Start)})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Read(context.Background()).Exec("CREATE TABLE own (x BIGINT)").Error; err != nil {
			t.Errorf("%s is not a file of its own: %v", name, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestDB(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		t.Run("migrating twice changes nothing", func(t *testing.T) {
			if err := d.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
		})
		insert := func(tx *gorm.DB, key string) error {
			return tx.Exec("INSERT INTO claim_counter (counter_key, used) VALUES (?, 0)", key).Error
		}
		t.Run("a failed transaction leaves nothing", func(t *testing.T) {
			boom := fault.New(fault.Conflict, "boom", "")
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				if err := insert(tx, "gone"); err != nil {
					return err
				}
				return boom
			})
			if !errors.Is(err, boom) {
				t.Fatal(err)
			}
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM claim_counter").Scan(&n).Error; err != nil || n != 0 {
				t.Fatalf("%d rows, %v", n, err)
			}
		})
		t.Run("a second row under the same key is a duplicate", func(t *testing.T) {
			for i := range 2 {
				err := d.InTx(ctx, func(tx *gorm.DB) error { return insert(tx, "once") })
				if db.IsDuplicate(err) != (i == 1) {
					t.Fatalf("insert %d: %v", i, err)
				}
			}
		})
		t.Run("Once tells by its rows whether it won, and hides no other mistake", func(t *testing.T) {
			put := func(key string, used any) (rows int64, err error) {
				err = d.InTx(ctx, func(tx *gorm.DB) error {
					r := tx.Exec("INSERT INTO claim_counter (counter_key, used) VALUES (?, ?)"+d.Once("used"), key, used)
					rows = r.RowsAffected
					return r.Error
				})
				return rows, err
			}
			for want := int64(1); want >= 0; want-- {
				if n, err := put("won", 0); n != want || err != nil {
					t.Fatalf("%d rows, want %d (%v)", n, want, err)
				}
			}
			if _, err := put("null", nil); err == nil {
				t.Fatal("a missing value was swallowed")
			}
		})
		t.Run("keys differ by case", func(t *testing.T) {
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				return errors.Join(insert(tx, "case"), insert(tx, "CASE"))
			})
			if err != nil {
				t.Fatal(err)
			}
		})
		t.Run("two processes get different ids", func(t *testing.T) {
			a, b := d.NewID(), d.NewID()
			if a == b {
				t.Fatal("same id")
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT MAX(number) FROM process_start").Scan(&n).Error; err != nil || n != 1 {
				t.Fatal(n, err)
			}
		})
	})
}
