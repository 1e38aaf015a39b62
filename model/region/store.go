package region

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

func errTerritory() error {
	return fault.New(fault.NotFound, "territory_unknown", "没有这个销售区域")
}

func errDiversion() error {
	return fault.New(fault.NotFound, "diversion_unknown", "没有这条窜货线索")
}

// PutTx sets where serials of a batch are meant to be sold, in the caller's transaction.
// Territories in force do not share serials. The bounds are for the caller to check.
// Faults: those of Clean; Conflict territory_overlap; Exhausted territories_full.
func (s *Store) PutTx(tx *gorm.DB, t Territory) (Territory, error) {
	if err := t.Clean(); err != nil {
		return Territory{}, err
	}
	var there []Territory
	if err := tx.Where("batch_id = ? AND ended_at = 0", t.BatchID).Find(&there).Error; err != nil {
		return Territory{}, fmt.Errorf("region: territories: %w", err)
	}
	if len(there) >= maxTerritories {
		return Territory{}, fault.New(fault.Exhausted, "territories_full", fmt.Sprintf("一个批次最多 %d 个销售区域", maxTerritories))
	}
	for _, o := range there {
		if t.From < o.Until && o.From < t.Until {
			return Territory{}, fault.New(fault.Conflict, "territory_overlap", fmt.Sprintf("序号 %d 到 %d 已属于“%s”的销售区域，请先结束它", o.From, o.Until-1, o.name())).With("id", o.ID)
		}
	}
	t.ID, t.CreatedAt, t.EndedAt, t.Scans, t.Outside = s.db.NewID(), s.db.Now(), 0, 0, 0
	if err := tx.Create(&t).Error; err != nil {
		return Territory{}, fmt.Errorf("region: put: %w", err)
	}
	return t, nil
}

func (t Territory) name() string {
	if t.Dealer != "" {
		return t.Dealer
	}
	return strings.Join(t.Provinces, "、")
}

// Put is PutTx in a transaction of its own. Two that meet wait for each other by the
// batch's row, so neither misses the other.
func (s *Store) Put(ctx context.Context, t Territory) (Territory, error) {
	var kept Territory // apart: the transaction may begin anew, with what was asked
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) (err error) {
		// The name becomes itself: what counts is the lock.
		if s.db.Driver() == db.MySQL {
			var held id.ID
			if err := tx.Raw("SELECT id FROM batch WHERE id = ? FOR UPDATE", t.BatchID).Scan(&held).Error; err != nil {
				return err
			}
		}
		kept, err = s.PutTx(tx, t)
		return err
	})
	return kept, err
}

// End ends a territory; what it found stays. Ending it again changes nothing.
// Fault: NotFound territory_unknown.
func (s *Store) End(ctx context.Context, territoryID id.ID) (Territory, error) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE territory SET ended_at = ? WHERE id = ? AND ended_at = 0", s.db.Now(), territoryID).Error
	})
	if err != nil {
		return Territory{}, fmt.Errorf("region: end: %w", err)
	}
	return s.Territory(ctx, territoryID)
}

// Territory reads one. Fault: NotFound territory_unknown.
func (s *Store) Territory(ctx context.Context, territoryID id.ID) (Territory, error) {
	var t Territory
	err := s.db.Read(ctx).Where("id = ?", territoryID).Take(&t).Error
	if db.IsNotFound(err) {
		return Territory{}, errTerritory()
	}
	if err != nil {
		return Territory{}, fmt.Errorf("region: territory: %w", err)
	}
	return t, nil
}

// Territories lists those of a batch, ended ones too, by their serials.
func (s *Store) Territories(ctx context.Context, batchID id.ID) ([]Territory, error) {
	list := []Territory{}
	if err := s.db.Read(ctx).Where("batch_id = ?", batchID).Order("ended_at, from_serial, created_at").Limit(500).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("region: territories: %w", err)
	}
	return list, nil
}

// Filter narrows the list of diversions; zero fields do not.
type Filter struct {
	BrandID id.ID
	BatchID id.ID
	State   string
	Least   int64 // codes: a few are travellers
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Diversion{}).Where("brand_id = ?", f.BrandID)
	if f.BatchID != 0 {
		q = q.Where("batch_id = ?", f.BatchID)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	if f.Least > 1 {
		q = q.Where("codes >= ?", f.Least)
	}
	return q
}

// Diversions pages what was found, newest first.
func (s *Store) Diversions(ctx context.Context, f Filter, before id.ID, limit int) ([]Diversion, error) {
	list := []Diversion{}
	if err := db.Page(s.filtered(ctx, f), "diversion", before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("region: diversions: %w", err)
	}
	return list, nil
}

// CountDiversions counts what Diversions would list, up to db.MaxTotal.
func (s *Store) CountDiversions(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}

// Diversion reads one. Fault: NotFound diversion_unknown.
func (s *Store) Diversion(ctx context.Context, diversionID id.ID) (Diversion, error) {
	var d Diversion
	err := s.db.Read(ctx).Where("id = ?", diversionID).Take(&d).Error
	if db.IsNotFound(err) {
		return Diversion{}, errDiversion()
	}
	if err != nil {
		return Diversion{}, fmt.Errorf("region: diversion: %w", err)
	}
	return d, nil
}

// Evidence lists the newest codes of a diversion.
func (s *Store) Evidence(ctx context.Context, d Diversion, limit int) ([]Evidence, error) {
	list := []Evidence{}
	err := s.db.Read(ctx).Where("territory_id = ? AND province = ?", d.TerritoryID, d.Province).Order("at DESC, serial").Limit(min(max(limit, 1), 500)).Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("region: evidence: %w", err)
	}
	return list, nil
}

// OfCode lists where a code was seen outside its territories.
func (s *Store) OfCode(ctx context.Context, batchID id.ID, serial int64) ([]Evidence, error) {
	list := []Evidence{}
	err := s.db.Read(ctx).Where("serial = ? AND territory_id IN (SELECT id FROM territory WHERE batch_id = ?)", serial, batchID).Order("at").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("region: of code: %w", err)
	}
	return list, nil
}

// Decide says what a diversion is, with the reason; a decision can be changed by another.
// Faults: Invalid diversion_state, diversion_reason; NotFound diversion_unknown; Conflict
// diversion_decided.
func (s *Store) Decide(ctx context.Context, diversionID, by id.ID, state, reason string) (Diversion, error) {
	reason = strings.TrimSpace(reason)
	if state != Confirmed && state != Dismissed {
		return Diversion{}, fault.NewInvalid("diversion_state", "结论应为确认 (confirmed) 或排除 (dismissed)")
	}
	if reason == "" || utf8.RuneCountInString(reason) > maxReason {
		return Diversion{}, fault.Invalidf("diversion_reason", "请填写依据，最多 %d 个字", maxReason).With("field", "reason")
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE diversion SET state = ?, decided_by = ?, decided_at = ?, reason = ? WHERE id = ? AND state <> ?", state, by, s.db.Now(), reason, diversionID, state)
		if r.Error == nil && r.RowsAffected == 0 {
			return fault.New(fault.Conflict, "diversion_decided", "已经是这个结论")
		}
		return r.Error
	})
	d, getErr := s.Diversion(ctx, diversionID)
	if getErr != nil {
		return Diversion{}, getErr
	}
	return d, err
}

// Spot is how much was scanned in one city.
type Spot struct {
	Province string `json:"province"` // "" is unknown
	City     string `json:"city"`
	Scans    int64  `json:"scans"`
	Firsts   int64  `json:"firsts"` // 首次验证
}

// Where narrows the map: days [From, Until] in Shanghai, and the narrowest of batch, product
// and brand that is set.
type Where struct {
	BrandID, ProductID, BatchID id.ID
	From, Until                 clock.Day
}

// Map sums scans by city, most first.
func (s *Store) Map(ctx context.Context, w Where) ([]Spot, error) {
	column, value := "brand_id", w.BrandID
	switch {
	case w.BatchID != 0:
		column, value = "batch_id", w.BatchID
	case w.ProductID != 0:
		column, value = "product_id", w.ProductID
	}
	list := []Spot{}
	err := s.db.Read(ctx).Raw("SELECT province, city, SUM(scans) AS scans, SUM(firsts) AS firsts FROM scan_region WHERE brand_id = ? AND "+column+" = ? AND day >= ? AND day <= ? GROUP BY province, city ORDER BY SUM(scans) DESC, province, city LIMIT 1000",
		w.BrandID, value, w.From, w.Until).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("region: map: %w", err)
	}
	return list, nil
}

// Seen sums what was scanned of a batch.
func (s *Store) Seen(ctx context.Context, batchID id.ID) (sum Spot, err error) {
	err = s.db.Read(ctx).Raw("SELECT COALESCE(SUM(scans), 0) AS scans, COALESCE(SUM(firsts), 0) AS firsts FROM scan_region WHERE batch_id = ?", batchID).Scan(&sum).Error
	if err != nil {
		return sum, fmt.Errorf("region: seen: %w", err)
	}
	return sum, nil
}
