package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// VersionTx grows the version of a cache ("code", "campaign") in the caller's
// transaction, so that a change and the news of it commit together. Every writer of
// that cache waits for this one row: call it first where changes must follow one
// another, last where only the news matters.
func (d *DB) VersionTx(ctx context.Context, tx *gorm.DB, name string) error {
	tx = tx.WithContext(ctx)
	grow := func() (bool, error) {
		r := tx.Exec("UPDATE cache_version SET version = version + 1 WHERE name = ?", name)
		return r.RowsAffected == 1, r.Error
	}
	grown, err := grow()
	if err == nil && !grown { // the first change ever
		if err = tx.Exec("INSERT INTO cache_version (name, version) VALUES (?, 0)"+d.Once("version"), name).Error; err == nil {
			_, err = grow()
		}
	}
	if err != nil {
		return fmt.Errorf("db: version of %s: %w", name, err)
	}
	return nil
}

// Version reads the version of a cache: 0 before its first change. Read it before
// the rows it stands for; then the worst case is to load them once more.
func (d *DB) Version(ctx context.Context, name string) (int64, error) {
	var v []int64
	if err := d.Read(ctx).Raw("SELECT version FROM cache_version WHERE name = ?", name).Scan(&v).Error; err != nil {
		return 0, fmt.Errorf("db: version of %s: %w", name, err)
	}
	if len(v) == 0 {
		return 0, nil
	}
	return v[0], nil
}
