package phone

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// rotatePage is how many numbers one transaction seals anew: short enough that nobody
// waits for it, and small enough that the CASE below stays cheap.
const rotatePage = 500

// Versions counts numbers by the key version they are sealed with.
func (b *Book) Versions(ctx context.Context) (map[int]int64, error) {
	var rows []struct {
		KeyVersion int
		N          int64
	}
	if err := b.db.Read(ctx).Raw("SELECT key_version, COUNT(*) AS n FROM phone GROUP BY key_version").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("phone: versions: %w", err)
	}
	out := map[int]int64{}
	for _, r := range rows {
		out[r.KeyVersion] = r.N
	}
	return out, nil
}

// Check opens every number and says how many there are. It fails at the first that does
// not open with the configured keys.
func (b *Book) Check(ctx context.Context) (n int64, err error) {
	for after := ""; ; {
		var rows []row
		if err := b.db.Read(ctx).Where("hash > ?", after).Order("hash").Limit(1000).Find(&rows).Error; err != nil {
			return n, fmt.Errorf("phone: check: %w", err)
		}
		for _, r := range rows {
			if _, err := b.box.Open(place(r.Hash), r.Sealed); err != nil {
				return n, fmt.Errorf("phone: number %s under key version %d: %w", r.Hash, r.KeyVersion, err)
			}
			n++
			after = r.Hash
		}
		if len(rows) < 1000 {
			return n, nil
		}
	}
}

// Rotate seals anew, with the newest key, every number that is under an older one, while
// everything else goes on. progress is told how many are done so far. Stopped at any
// moment, the next Rotate does the rest; two at once do no harm.
func (b *Book) Rotate(ctx context.Context, progress func(done int64)) (done int64, err error) {
	for {
		n, err := b.rotatePage(ctx)
		done += n
		if err != nil || n == 0 {
			return done, err
		}
		if progress != nil {
			progress(done)
		}
	}
}

// rotatePage does one page, in the order in which the engine stores rows: neighbours
// share pages of the file. The guard is the version: a row that somebody else sealed
// anew meanwhile, or deleted, is left alone. What a row says never changes, only what it
// is sealed with, so whoever reads beside this reads the same number before and after.
func (b *Book) rotatePage(ctx context.Context) (int64, error) {
	newest := b.box.Newest()
	var rows []row
	err := b.db.Read(ctx).Where("key_version < ?", newest).Order("key_version").Limit(rotatePage).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, wrap(err)
	}
	var set strings.Builder
	args, hashes := []any{}, make([]string, len(rows))
	for i, r := range rows {
		plain, err := b.box.Open(place(r.Hash), r.Sealed)
		if err != nil {
			return 0, fmt.Errorf("phone: number %s under key version %d: %w", r.Hash, r.KeyVersion, err)
		}
		set.WriteString(" WHEN ? THEN ?")
		args = append(args, r.Hash, b.box.Seal(place(r.Hash), plain))
		hashes[i] = r.Hash
	}
	err = b.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE phone SET sealed = CASE hash"+set.String()+" END, key_version = ? WHERE hash IN ? AND key_version < ?",
			append(args, newest, hashes, newest)...).Error
	})
	// Rows read, not rows written: what somebody else finished first is finished too.
	return int64(len(rows)), wrap(err)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("phone: rotate: %w", err)
	}
	return nil
}
