package region

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

const (
	// Behind is how long after its id was made a scan is surely committed.
	Behind = time.Minute
	// most is how many scans one transaction folds, and rounds how many windows one Fold.
	most   = 5000
	rounds = 40
	// least and longest bound a window; the first one begins with the ids themselves.
	least = int64(1000)
	// idTick is the unit of time in ids, milliseconds: windows that ended between two ticks
	// would share the ids of the tick.
	idTick  = 4
	longest = int64(366 * 24 * time.Hour / time.Millisecond)
)

const beginning clock.Instant = 1735689600000 // of all ids (package id)

// seen is one scan as the fold reads it; the province becomes a short name.
type seen struct {
	BrandID, ProductID, BatchID id.ID
	Serial                      int64
	Verdict, Province, City     string
	At                          clock.Instant
}

// Fold brings the numbers up to date, a bounded part of a backlog at a time; more says that
// it is not done. It may run in every process: the one that moves the cursor counts.
func (s *Store) Fold(ctx context.Context) (more bool, err error) {
	for range rounds {
		from, err := s.cursor(ctx)
		if err != nil {
			return false, err
		}
		end := s.db.Now().Add(-Behind) &^ (idTick - 1)
		if from >= end {
			return false, nil
		}
		if err := s.window(ctx, from, end); err != nil {
			return false, fmt.Errorf("region: fold: %w", err)
		}
	}
	return true, nil
}

// AsOf is up to when scans are counted.
func (s *Store) AsOf(ctx context.Context) (clock.Instant, error) { return s.cursor(ctx) }

func (s *Store) cursor(ctx context.Context) (clock.Instant, error) {
	var at []clock.Instant
	if err := s.db.Read(ctx).Raw("SELECT until_at FROM region_cursor WHERE name = 'scan'").Scan(&at).Error; err != nil {
		return 0, fmt.Errorf("region: cursor: %w", err)
	}
	if len(at) > 0 {
		return at[0], nil
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO region_cursor (name, until_at) VALUES ('scan', ?)"+s.db.Once("name"), beginning).Error
	})
	if err != nil {
		return 0, fmt.Errorf("region: cursor: %w", err)
	}
	return beginning, nil
}

// window folds the scans from a moment on, up to end or as far as one transaction takes.
func (s *Store) window(ctx context.Context, from, end clock.Instant) error {
	step := max(s.step, least)
	for {
		until := min(end, (from+clock.Instant(step))&^(idTick-1))
		where, args := s.db.MadeIn(from, until)
		var rows []seen
		err := s.db.Read(ctx).Raw("SELECT brand_id, product_id, batch_id, serial, verdict, province, city, at FROM scan WHERE "+where+" LIMIT ?",
			append(args, most+1)...).Scan(&rows).Error
		if err != nil {
			return err
		}
		if len(rows) > most && step > least {
			step = max(step/2, least)
			continue
		}
		if len(rows) > most { // more than five thousand in a second: all of them, whatever it takes
			rows = nil
			if err := s.db.Read(ctx).Raw("SELECT brand_id, product_id, batch_id, serial, verdict, province, city, at FROM scan WHERE "+where, args...).Scan(&rows).Error; err != nil {
				return err
			}
		}
		if len(rows) < most/4 {
			step = min(step*2, longest)
		}
		s.step = step
		for i := range rows { // once a row, and not once a row and territory
			rows[i].Province = Short(rows[i].Province)
		}
		return s.put(ctx, from, until, rows)
	}
}

// put moves the cursor and counts, or finds that another process did.
func (s *Store) put(ctx context.Context, from, until clock.Instant, rows []seen) error {
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE region_cursor SET until_at = ? WHERE name = 'scan' AND until_at = ?", until, from)
		if r.Error != nil || r.RowsAffected != 1 || len(rows) == 0 {
			return r.Error
		}
		if err := s.countPlaces(ctx, tx, rows); err != nil {
			return err
		}
		return s.judge(ctx, tx, rows)
	})
}

type place struct {
	batch          id.ID
	day            clock.Day
	province, city string
}

func (s *Store) countPlaces(ctx context.Context, tx *gorm.DB, rows []seen) error {
	type count struct {
		brand, product id.ID
		scans, firsts  int64
	}
	counts, order := map[place]*count{}, []place{}
	for _, r := range rows {
		k := place{r.BatchID, clock.DayOf(r.At), r.Province, r.City}
		c := counts[k]
		if c == nil {
			c = &count{brand: r.BrandID, product: r.ProductID}
			counts[k], order = c, append(order, k)
		}
		c.scans++
		if r.Verdict == "first" {
			c.firsts++
		}
	}
	in := db.NewRows("scan_region", "batch_id, day, province, city, brand_id, product_id, scans, firsts")
	for _, k := range order {
		c := counts[k]
		in.Add(k.batch, k.day, k.province, k.city, c.brand, c.product, c.scans, c.firsts)
	}
	_, err := in.Insert(ctx, tx, s.adding("batch_id, day, province, city", "scans", "firsts"))
	return err
}

// adding ends an INSERT whose numbers are added to rows that are there.
func (s *Store) adding(key string, columns ...string) string {
	// Unqualified, the column is that of the row that is there, in both dialects.
	tail, value := " ON CONFLICT ("+key+") DO UPDATE SET ", "excluded.%s"
	if s.db.Driver() == db.MySQL {
		tail, value = " ON DUPLICATE KEY UPDATE ", "VALUES(%s)"
	}
	for i, c := range columns {
		if i > 0 {
			tail += ", "
		}
		tail += c + " = " + c + " + " + fmt.Sprintf(value, c)
	}
	return tail
}

// judge counts the first verifications of every territory, and keeps those elsewhere.
func (s *Store) judge(ctx context.Context, tx *gorm.DB, rows []seen) error {
	batches := []id.ID{}
	for _, r := range rows {
		if r.Verdict == "first" && r.Province != "" && !slices.Contains(batches, r.BatchID) {
			batches = append(batches, r.BatchID)
		}
	}
	if len(batches) == 0 {
		return nil
	}
	var list []Territory
	if err := tx.Where("batch_id IN ?", batches).Find(&list).Error; err != nil {
		return err
	}
	for _, t := range list {
		if err := s.judgeOne(ctx, tx, t, rows); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) judgeOne(ctx context.Context, tx *gorm.DB, t Territory, rows []seen) error {
	var scans, outside int64
	found := map[string]*Diversion{}
	codes := db.NewRows("diversion_code", "territory_id, serial, province, city, at")
	for _, r := range rows {
		if r.BatchID != t.BatchID || r.Verdict != "first" || r.Province == "" || !t.covers(r.Serial, r.At) {
			continue
		}
		scans++
		if slices.Contains(t.Provinces, r.Province) {
			continue
		}
		outside++
		codes.Add(t.ID, r.Serial, r.Province, r.City, r.At)
		d := found[r.Province]
		if d == nil {
			d = &Diversion{ID: s.db.NewID(), BrandID: t.BrandID, BatchID: t.BatchID, TerritoryID: t.ID, Province: r.Province, FirstAt: r.At, State: Open, CreatedAt: s.db.Now()}
			found[r.Province] = d
		}
		d.Codes++
		d.FirstAt, d.LastAt = min(d.FirstAt, r.At), max(d.LastAt, r.At)
	}
	if scans == 0 {
		return nil
	}
	if err := tx.Exec("UPDATE territory SET scans = scans + ?, outside = outside + ? WHERE id = ?", scans, outside, t.ID).Error; err != nil {
		return err
	}
	if _, err := codes.Insert(ctx, tx, s.db.Once("serial")); err != nil {
		return err
	}
	for _, d := range found {
		r := tx.Exec(`UPDATE diversion SET codes = codes + ?, last_at = CASE WHEN last_at > ? THEN last_at ELSE ? END WHERE territory_id = ? AND province = ?`,
			d.Codes, d.LastAt, d.LastAt, d.TerritoryID, d.Province)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			if err := tx.Create(d).Error; err != nil {
				return err
			}
		}
	}
	return nil
}
