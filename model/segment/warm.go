package segment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
)

const (
	// warmFor is how long after somebody used it a fact is read again before it is too old.
	warmFor = time.Hour
	// warmTags is how many of a brand's tags are held before somebody asks about them, and
	// askedMost how many questions are remembered for the next process.
	warmTags  = 100
	askedMost = 20
)

// fresh: a fact answers questions now.
func (f *fact) fresh(now clock.Instant) bool {
	return f != nil && (!f.clock || f.of == clock.DayOf(now)) && (f.told || now.Sub(f.at) < silentFor)
}

// ages: it will not for long, and somebody may ask.
func (f *fact) ages(now clock.Instant) bool {
	return !f.fresh(now) || !f.told && now.Sub(f.at) >= silentFor/2
}

// remember keeps what was asked last.
func (s *Store) remember(ctx context.Context, brandID id.ID, t rule.Tree) error {
	e, text := s.engine(brandID), string(t.Encode())
	if err := e.lock(ctx); err != nil {
		return err
	}
	defer e.unlock()
	e.asked[text] = e.s.db.Now()
	for len(e.asked) > askedMost {
		oldest := ""
		for text, at := range e.asked {
			if oldest == "" || at < e.asked[oldest] {
				oldest = text
			}
		}
		delete(e.asked, oldest)
	}
	return nil
}

// Warm reads what questions will be about before somebody waits for it: of each brand with
// segments its people and what its segments, its running tags and the last questions of
// any process are about, and again what was used within warmFor and is getting old. It is
// called at the start of a process and every minute.
func (s *Store) Warm(ctx context.Context) error {
	var brands []id.ID
	if err := s.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM segment WHERE state = ? UNION SELECT DISTINCT brand_id FROM segment_asked ORDER BY 1", Active).Scan(&brands).Error; err != nil {
		return fmt.Errorf("segment: warm: %w", err)
	}
	s.mu.Lock()
	brands = slices.AppendSeq(brands, maps.Keys(s.engines)) // where somebody asks, segments or not
	s.mu.Unlock()
	slices.Sort(brands)
	var failed error
	for _, b := range slices.Compact(brands) {
		if err := s.warm(ctx, b); err != nil {
			failed = err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return failed
}

func (s *Store) warm(ctx context.Context, brandID id.ID) error {
	e := s.engine(brandID)
	if err := s.keepAsked(ctx, e); err != nil {
		return fmt.Errorf("segment: warm: %w", err)
	}
	about, err := s.about(ctx, brandID)
	if err != nil {
		return fmt.Errorf("segment: warm: %w", err)
	}
	if err := e.lock(ctx); err != nil {
		return err
	}
	err = e.sync(ctx)
	now := s.db.Now()
	for _, f := range e.facts { // and what else was asked
		if f.random == nil && now.Sub(f.used) < warmFor && !slices.ContainsFunc(about, func(c column) bool { return c.key == f.key }) {
			about = append(about, f.column)
		}
	}
	e.unlock()
	if err != nil {
		return err
	}
	return e.ahead(ctx, about[:min(len(about), factsMost/2)], func(c column) bool {
		f := e.facts[c.key]
		return f == nil || f.ages(now) && now.Sub(f.used) < warmFor
	})
}

// about is what a brand's segments, running tags and last questions are about, each once.
func (s *Store) about(ctx context.Context, brandID id.ID) (list []column, err error) {
	tx := s.db.Read(ctx)
	var texts []string
	err = tx.Raw("SELECT v.tree FROM segment g JOIN segment_version v ON v.segment_id = g.id AND v.version = g.version WHERE g.brand_id = ? AND g.state = ? ORDER BY g.id DESC LIMIT ?", brandID, Active, belongMost).Scan(&texts).Error
	if err != nil {
		return nil, err
	}
	var asked []string
	if err := tx.Raw("SELECT tree FROM segment_asked WHERE brand_id = ? ORDER BY asked_at DESC", brandID).Scan(&asked).Error; err != nil {
		return nil, err
	}
	var tags []id.ID
	if err := tx.Raw("SELECT id FROM tag WHERE brand_id = ? AND state = 'running' ORDER BY id DESC LIMIT ?", brandID, warmTags).Scan(&tags).Error; err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	add := func(c column) {
		if !seen[c.key] {
			seen[c.key], list = true, append(list, c)
		}
	}
	for _, text := range append(asked, texts...) {
		t, err := rule.Parse([]byte(text))
		if err != nil {
			continue // of a newer program
		}
		w, err := s.expand(ctx, brandID, t)
		if err != nil { // what it names is gone: who asks is told
			continue
		}
		for _, c := range columns(&w.root) {
			add(c)
		}
	}
	for _, t := range tags {
		add(tagColumn(t))
	}
	return list, ctx.Err()
}

// keepAsked writes down what was asked of this process since it did so last.
func (s *Store) keepAsked(ctx context.Context, e *engine) error {
	if err := e.lock(ctx); err != nil {
		return err
	}
	asked := e.asked
	e.asked = map[string]clock.Instant{}
	e.unlock()
	if len(asked) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		for _, text := range slices.Sorted(maps.Keys(asked)) {
			h := sha256.Sum256([]byte(text))
			hash := hex.EncodeToString(h[:16])
			if err := tx.Exec("INSERT INTO segment_asked (brand_id, hash, tree, asked_at) VALUES (?,?,?,?)"+s.db.Once("tree"), e.brand, hash, text, asked[text]).Error; err != nil {
				return err
			}
			if err := tx.Exec("UPDATE segment_asked SET asked_at = ? WHERE brand_id = ? AND hash = ? AND asked_at < ?", asked[text], e.brand, hash, asked[text]).Error; err != nil {
				return err
			}
		}
		var old []string
		if err := tx.Raw("SELECT hash FROM segment_asked WHERE brand_id = ? ORDER BY asked_at DESC, hash LIMIT 100 OFFSET ?", e.brand, askedMost).Scan(&old).Error; err != nil || len(old) == 0 {
			return err
		}
		return tx.Exec("DELETE FROM segment_asked WHERE brand_id = ? AND hash IN ?", e.brand, old).Error
	})
}
