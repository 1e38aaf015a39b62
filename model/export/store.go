package export

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/seal"
)

// Deps are what a store works with.
type Deps struct {
	DB       *db.DB
	Box      *seal.Box
	Codes    *code.Store
	Products *product.Store
	Brands   *brand.Store
	Outbox   *outbox.Store
	Data     string        // the data folder; files go to {Data}/exports
	Keep     time.Duration // how long a finished export can be had; 0: seven days
	Times    int           // how many times each part can be had; 0: three
}

// Store keeps exports and their files.
type Store struct {
	Deps
	// Tests put others here: what Run writes, where to, and how much into one file.
	codes     Codes
	create    func(path string) (io.WriteCloser, error)
	partCodes func(kind string) int64
}

// New makes a store.
func New(d Deps) *Store {
	if d.Keep == 0 {
		d.Keep = 7 * 24 * time.Hour
	}
	if d.Times == 0 {
		d.Times = 3
	}
	return &Store{Deps: d, codes: d.Codes, create: create, partCodes: partCodes}
}

// Request is what an operator asks for.
type Request struct {
	BatchID     id.ID
	From, Until int64 // serials [From, Until); both 0: the whole batch
	Kind, Form  string
	Options     Options
	By          id.ID // operator
}

// Work checks a request and says what it would write, everything fixed.
// Faults: NotFound batch_unknown; Invalid export_*, picture_*, code_host_missing.
func (s *Store) Work(ctx context.Context, r Request) (Work, error) {
	b, err := s.Codes.Batch(ctx, r.BatchID)
	if err != nil {
		return Work{}, err
	}
	if r.From == 0 && r.Until == 0 {
		r.From, r.Until = 1, b.Count+1
	}
	if r.From < 1 || r.Until <= r.From || r.Until > b.Count+1 {
		return Work{}, fault.Invalidf("export_bounds", "序号范围不对，本批次的序号为 1 到 %d", b.Count)
	}
	if r.Kind != CSV && r.Until-r.From > MaxPictures {
		return Work{}, fault.Invalidf("export_count", "一次最多导出 %d 张码图，请按序号分几次导出", MaxPictures)
	}
	if r.Form == "" {
		r.Form = Short
	}
	p, err := s.Products.Get(ctx, b.ProductID)
	if err != nil {
		return Work{}, err
	}
	maker, err := s.Brands.Get(ctx, b.BrandID)
	if err != nil {
		return Work{}, err
	}
	w := Work{BatchID: b.ID, From: r.From, Until: r.Until, Kind: r.Kind, Form: r.Form, Options: r.Options,
		Print: Print{Site: maker.CodeHost, Upper: maker.UpperURL, GTIN: p.GTIN, Product: p.Name, Spec: p.Spec}}
	// One code, drawn and read back: what does not fit is said now, not in an hour.
	trial := w
	trial.Until = trial.From + 1
	_, err = trial.Write(ctx, s.Codes, Plain{io.Discard}, nil)
	return w, err
}

// Request puts an export on the list; a worker runs it.
// Faults: those of Work; Exhausted export_many.
func (s *Store) Request(ctx context.Context, r Request) (Export, error) {
	w, err := s.Work(ctx, r)
	if err != nil {
		return Export{}, err
	}
	b, err := s.Codes.Batch(ctx, w.BatchID)
	if err != nil {
		return Export{}, err
	}
	options, err := json.Marshal(saved{w.Options, w.Print})
	if err != nil {
		return Export{}, err
	}
	e := row{OptionsJSON: string(options), Export: Export{ID: s.DB.NewID(), BrandID: b.BrandID, BatchID: b.ID, From: w.From, Until: w.Until,
		Kind: w.Kind, Form: w.Form, State: Waiting, MaxDownloads: s.Times, CreatedBy: r.By, CreatedAt: s.DB.Now()}}
	e.Password = s.Box.Seal(passwordPlace(e.ID), []byte(NewPassword()))
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		var active int64
		if err := tx.Model(&row{}).Where("brand_id = ? AND state IN ?", b.BrandID, []string{Waiting, Running}).Count(&active).Error; err != nil {
			return err
		}
		if active >= MaxActive { // a courtesy to the disk; a race past it does no harm
			return fault.New(fault.Exhausted, "export_many", fmt.Sprintf("该品牌已有 %d 个导出任务在进行，请等待完成", active))
		}
		if err := tx.Create(&e).Error; err != nil {
			return err
		}
		_, err := s.Outbox.PutTx(ctx, tx, Task, e.ID, 0)
		return err
	})
	if err != nil {
		return Export{}, fmt.Errorf("export: request: %w", err)
	}
	s.Outbox.Nudge()
	return e.show(s.DB.Now()), nil
}

// NewPassword makes a password of 20 characters of Crockford Base32: 100 bits, no two
// of which look alike on paper or sound alike on the telephone.
func NewPassword() string {
	b := make([]byte, 20)
	rand.Read(b) // never fails: crypto/rand aborts the process instead
	for i := range b {
		b[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[b[i]&31]
	}
	return string(b)
}

func (s *Store) get(ctx context.Context, exportID id.ID) (row, error) {
	var r row
	if err := s.DB.Read(ctx).Where("id = ?", exportID).Take(&r).Error; db.IsNotFound(err) {
		return row{}, unknown()
	} else if err != nil {
		return row{}, fmt.Errorf("export: read: %w", err)
	}
	return r, nil
}

func (s *Store) parts(ctx context.Context, exportID id.ID) ([]Part, error) {
	parts := []Part{}
	if err := s.DB.Read(ctx).Where("export_id = ?", exportID).Order("part").Find(&parts).Error; err != nil {
		return nil, fmt.Errorf("export: parts: %w", err)
	}
	return parts, nil
}

// Get reads one export with its finished parts. Fault: NotFound export_unknown.
func (s *Store) Get(ctx context.Context, exportID id.ID) (Export, error) {
	r, err := s.get(ctx, exportID)
	if err != nil {
		return Export{}, err
	}
	e := r.show(s.DB.Now())
	e.Parts, err = s.parts(ctx, exportID)
	return e, err
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	BrandID id.ID
	BatchID id.ID
	State   string
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.DB.Read(ctx).Model(&row{}).Where("brand_id = ?", f.BrandID)
	if f.BatchID != 0 {
		q = q.Where("batch_id = ?", f.BatchID)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q
}

// Count counts what List would list, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}

// List returns a page of a brand's exports without their parts, newest first, after
// the export before (0: from the newest).
func (s *Store) List(ctx context.Context, f Filter, before id.ID, limit int) ([]Export, error) {
	var rows []row
	if err := db.Page(s.filtered(ctx, f), "export", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("export: list: %w", err)
	}
	list := make([]Export, len(rows))
	for i := range rows {
		list[i] = rows[i].show(s.DB.Now())
	}
	return list, nil
}

// move changes the state if it is one of those expected, and says whether it did.
func (s *Store) move(ctx context.Context, exportID id.ID, from []string, set map[string]any) (moved bool, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&row{}).Where("id = ? AND state IN ?", exportID, from).Updates(set)
		moved = r.RowsAffected == 1
		return r.Error
	})
	if err != nil {
		return false, fmt.Errorf("export: move: %w", err)
	}
	return moved, nil
}

// Cancel stops an export that is not finished and deletes what it wrote. Cancelling
// it again changes nothing.
// Faults: NotFound export_unknown; Conflict export_finished.
func (s *Store) Cancel(ctx context.Context, exportID id.ID) (Export, error) {
	moved, err := s.move(ctx, exportID, []string{Waiting, Running}, map[string]any{
		"state": Cancelled, "finished_at": s.DB.Now(), "password": []byte{}})
	if err != nil {
		return Export{}, err
	}
	e, err := s.Get(ctx, exportID)
	if err != nil {
		return Export{}, err
	}
	if !moved && e.State != Cancelled {
		return e, fault.New(fault.Conflict, "export_finished", "导出任务已经结束，不能取消")
	}
	return e, s.remove(exportID)
}

// Expire ends exports whose time has come and deletes every file that nobody can have
// any more, also those a crash left behind. Call it now and then.
func (s *Store) Expire(ctx context.Context) error {
	var due []id.ID
	if err := s.DB.Read(ctx).Model(&row{}).Where("state = ? AND expires_at <= ?", Ready, s.DB.Now()).Limit(1000).Pluck("id", &due).Error; err != nil {
		return fmt.Errorf("export: expire: %w", err)
	}
	for _, exportID := range due {
		if _, err := s.move(ctx, exportID, []string{Ready}, map[string]any{"state": Expired, "password": []byte{}}); err != nil {
			return err
		}
	}
	return s.sweep(ctx)
}

// leaseUntil is when a worker that reports now would be taken for dead.
func (s *Store) leaseUntil() clock.Instant { return s.DB.Now().Add(time.Minute) }
