package extract

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Request is what an operator asks for.
type Request struct {
	Kind   string
	Filter map[string]string // query parameters of the list
	Reason string
	By     id.ID
	Brands []id.ID // the data scope of who asks; none: all brands
}

// Ask puts a list on the list of jobs; a worker writes it.
// Faults: Invalid extract_kind, bad_field, reason_missing; Forbidden extract_scope, for a
// list that is of no brand; Exhausted extract_many.
func (s *Store) Ask(ctx context.Context, r Request) (Extract, error) {
	k, err := kindOf(r.Kind)
	if err != nil {
		return Extract{}, err
	}
	kept := map[string]string{}
	for name, v := range r.Filter {
		if v = strings.TrimSpace(v); v != "" {
			kept[name] = v
		}
	}
	if err := k.check(kept); err != nil {
		return Extract{}, err
	}
	brands := make([]string, len(r.Brands))
	for i, b := range r.Brands {
		brands[i] = b.String()
	}
	if len(brands) > 0 && k.brand() == "" {
		return Extract{}, errScope
	}
	reason := strings.TrimSpace(r.Reason)
	if n := utf8.RuneCountInString(reason); n < 2 || n > 200 {
		return Extract{}, errReason
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return Extract{}, err
	}
	x := Extract{ID: s.DB.NewID(), Kind: k.name, Filter: kept, FilterJSON: string(text), Reason: reason, State: Waiting, Total: -1, ByID: r.By, Brands: strings.Join(brands, ","), CreatedAt: s.DB.Now()}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		var active int64
		if err := tx.Model(&Extract{}).Where("by_id = ? AND state IN ?", r.By, []string{Waiting, Running}).Count(&active).Error; err != nil {
			return err
		}
		if active >= MaxActive { // a courtesy to the others; a race past it does no harm
			return errMany
		}
		if err := tx.Create(&x).Error; err != nil {
			return err
		}
		_, err := s.Outbox.PutTx(ctx, tx, Task, x.ID, 0)
		return err
	})
	if err != nil {
		return Extract{}, fmt.Errorf("extract: ask: %w", err)
	}
	s.Outbox.Nudge()
	return show(x), nil
}

// show completes what is handed to callers.
func show(x Extract) Extract {
	if k, err := kindOf(x.Kind); err == nil {
		x.Title = k.title
	}
	if x.Filter == nil {
		x.Filter = map[string]string{}
		_ = json.Unmarshal([]byte(x.FilterJSON), &x.Filter) // our own
	}
	return x
}

// Get reads one. Fault: NotFound extract_unknown.
func (s *Store) Get(ctx context.Context, extractID id.ID) (Extract, error) {
	var x Extract
	err := s.DB.Read(ctx).Where("id = ?", extractID).Take(&x).Error
	if db.IsNotFound(err) {
		return Extract{}, errUnknown
	}
	if err != nil {
		return Extract{}, fmt.Errorf("extract: read: %w", err)
	}
	return show(x), nil
}

// Cancel stops one that is not finished and deletes what it wrote. Cancelling it again
// changes nothing. Faults: NotFound extract_unknown; Conflict extract_finished.
func (s *Store) Cancel(ctx context.Context, extractID id.ID) (Extract, error) {
	err := s.end(ctx, extractID, Cancelled, "")
	if err != nil {
		return Extract{}, err
	}
	x, err := s.Get(ctx, extractID)
	if err == nil && x.State != Cancelled {
		err = errFinished
	}
	return x, err
}

// end moves one that waits or runs to a state without files.
func (s *Store) end(ctx context.Context, extractID id.ID, state, why string) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Extract{}).Where("id = ? AND state IN ?", extractID, []string{Waiting, Running}).
			Updates(map[string]any{"state": state, "error": why, "finished_at": s.DB.Now()})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return tx.Exec("DELETE FROM extract_part WHERE extract_id = ?", extractID).Error
	})
	if err != nil {
		return fmt.Errorf("extract: end: %w", err)
	}
	return nil
}

// Finished reads one whose files can be had. Faults: NotFound extract_unknown; Conflict
// extract_not_ready; Exhausted downloads_used.
func (s *Store) Finished(ctx context.Context, extractID id.ID) (Extract, error) {
	x, err := s.Get(ctx, extractID)
	switch {
	case err != nil:
		return x, err
	case x.State != Ready || x.ExpiresAt <= s.DB.Now():
		return x, errNotReady
	case x.Downloads >= x.MaxDownloads:
		return x, errUsed.With("max", x.MaxDownloads)
	}
	return x, nil
}

// Take counts a download and returns what can be had; who took it is for the caller to
// audit, before the first byte. Faults: those of Finished.
func (s *Store) Take(ctx context.Context, extractID id.ID) (Extract, error) {
	x, err := s.Finished(ctx, extractID)
	if err != nil {
		return x, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE extract SET downloads = downloads + 1 WHERE id = ? AND state = ? AND downloads < max_downloads", extractID, Ready)
		if r.Error == nil && r.RowsAffected != 1 {
			return errUsed.With("max", x.MaxDownloads)
		}
		return r.Error
	})
	x.Downloads++
	return x, err
}

// Within tells whether the rows are all of these brands; no brands: the whole house.
func (x Extract) Within(brands []id.ID) bool {
	if len(brands) == 0 {
		return true
	}
	for text := range strings.SplitSeq(x.Brands, ",") {
		of, err := id.Parse(text)
		if err != nil || !slices.Contains(brands, of) { // "": of the whole house
			return false
		}
	}
	return true
}

// Name is what the person who downloads a file sees.
func (x Extract) Name(file int) string {
	at := x.CreatedAt.Time().In(clock.Shanghai).Format("20060102-1504")
	if k, err := kindOf(x.Kind); err == nil && k.crowd != nil {
		at = "截至" + x.StartedAt.Time().In(clock.Shanghai).Format("20060102-1504")
	}
	if x.Files > 1 {
		return fmt.Sprintf("%s-%s-%d.csv", x.Title, at, file)
	}
	return fmt.Sprintf("%s-%s.csv", x.Title, at)
}

// File writes one file (from 1), part by part.
func (s *Store) File(ctx context.Context, x Extract, file int, w io.Writer) error {
	var parts []int
	if err := s.DB.Read(ctx).Raw("SELECT part FROM extract_part WHERE extract_id = ? AND file_no = ? ORDER BY part", x.ID, file).Scan(&parts).Error; err != nil {
		return fmt.Errorf("extract: parts: %w", err)
	}
	for _, part := range parts {
		var sealed []byte
		if err := s.DB.Read(ctx).Raw("SELECT body FROM extract_part WHERE extract_id = ? AND part = ?", x.ID, part).Row().Scan(&sealed); err != nil {
			return fmt.Errorf("extract: part %d of %d: %w", part, x.ID, err)
		}
		plain, err := s.Box.Open(place(x.ID, part), sealed)
		if err != nil {
			return fmt.Errorf("extract: part %d of %d: %w", part, x.ID, err)
		}
		z, err := gzip.NewReader(bytes.NewReader(plain))
		if err != nil {
			return fmt.Errorf("extract: part %d of %d: %w", part, x.ID, err)
		}
		if _, err := io.Copy(w, z); err != nil { // our own, of one window's lines
			return fmt.Errorf("extract: file: %w", err)
		}
	}
	return nil
}

// place binds a sealed part to its row.
func place(extractID id.ID, part int) string { return fmt.Sprintf("extract:%d:%d", extractID, part) }

// Expire deletes files whose time is over, of at most limit extracts, and says how many.
func (s *Store) Expire(ctx context.Context, limit int) (int, error) {
	var due []id.ID
	err := s.DB.Read(ctx).Model(&Extract{}).Where("state = ? AND expires_at <= ?", Ready, s.DB.Now()).Limit(limit).Pluck("id", &due).Error
	if err == nil && len(due) > 0 {
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			if err := tx.Exec("DELETE FROM extract_part WHERE extract_id IN ?", due).Error; err != nil {
				return err
			}
			return tx.Model(&Extract{}).Where("id IN ? AND state = ?", due, Ready).Updates(map[string]any{"state": Expired}).Error
		})
	}
	if err != nil {
		return 0, fmt.Errorf("extract: expire: %w", err)
	}
	return len(due), nil
}
