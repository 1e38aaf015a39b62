package scan

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Flags narrows the risk list; zero fields do not.
type Flags struct {
	BrandID id.ID
	BatchID id.ID
	Kind    string // "many" or "travel"
	Before  Flag   // the last one of the page before
}

// Flag is a place in the risk list, in text "time.batch.serial".
type Flag struct {
	At      clock.Instant
	BatchID id.ID
	Serial  int64
}

// FlagOf is where a code stands in the risk list.
func FlagOf(s Sight) Flag { return Flag{s.FlaggedAt, s.BatchID, s.Serial} }

// String is the text of a flag.
func (f Flag) String() string {
	return fmt.Sprintf("%d.%d.%d", int64(f.At), int64(f.BatchID), f.Serial)
}

// ParseFlag reads the text of a flag; "" is the beginning of the list.
// Fault: Invalid bad_cursor.
func ParseFlag(text string) (Flag, error) {
	if text == "" {
		return Flag{}, nil
	}
	parts := strings.Split(text, ".")
	var n [3]int64
	for i := range parts {
		var err error
		if i > 2 || len(parts) != 3 {
			return Flag{}, fault.NewInvalid("bad_cursor", "翻页位置不对，请回到第一页")
		}
		if n[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return Flag{}, fault.NewInvalid("bad_cursor", "翻页位置不对，请回到第一页")
		}
	}
	return Flag{clock.Instant(n[0]), id.ID(n[1]), n[2]}, nil
}

func (s *Store) flags(ctx context.Context, f Flags) *gorm.DB {
	q := s.db.Read(ctx).Model(&Sight{}).Where("flagged_at > 0")
	// The sums keep engines from the primary key: they would read every code of a batch
	// that was ever seen, where the flagged ones are few.
	if f.BrandID != 0 {
		q = q.Where("batch_id + 0 IN (SELECT id FROM batch WHERE brand_id = ?)", f.BrandID)
	}
	if f.BatchID != 0 {
		q = q.Where("batch_id + 0 = ?", f.BatchID)
	}
	if f.Kind != "" {
		q = q.Where("flag_reason LIKE ?", f.Kind+"%")
	}
	return q
}

// Flagged is the risk list: codes that became abnormal, newest first.
func (s *Store) Flagged(ctx context.Context, f Flags, limit int) ([]Sight, error) {
	q := s.flags(ctx, f)
	if b := f.Before; b.At != 0 {
		q = q.Where("flagged_at <= ? AND (flagged_at < ? OR batch_id < ? OR batch_id = ? AND serial < ?)", b.At, b.At, b.BatchID, b.BatchID, b.Serial)
	}
	out := []Sight{}
	err := q.Order("flagged_at DESC, batch_id DESC, serial DESC").Limit(min(max(limit, 1), db.MaxPage)).Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("scan: flagged: %w", err)
	}
	return out, nil
}

// CountFlagged counts what Flagged would list, up to db.MaxTotal.
func (s *Store) CountFlagged(ctx context.Context, f Flags) (n int, more bool, err error) {
	return db.Total(s.flags(ctx, f))
}

// FlagText says why a code is on the risk list.
func FlagText(flag string) string { return flagText(flag).Text }
