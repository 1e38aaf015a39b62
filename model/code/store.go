package code

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"

	"siyu/model/code/token"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// Store issues and checks codes. One per process.
type Store struct {
	db      *db.DB
	box     *seal.Box
	snap    atomic.Pointer[snapshot]
	loading sync.Mutex // one load at a time
}

// New makes a store that knows no codes until its first Refresh.
func New(d *db.DB, box *seal.Box) *Store { return &Store{db: d, box: box} }

type keyRow struct {
	Key
	Secret []byte // sealed for keyPlace(slot)
}

func (keyRow) TableName() string { return "code_key" }

func keyPlace(slot int) string { return "code_key:" + strconv.Itoa(slot) }

// errRaced: another process took the positions, slot or sequence number that this
// transaction counted on. Nothing was written; look again.
var errRaced = errors.New("code: lost a race")

// maxRaces bounds how often a transaction looks again.
const maxRaces = 50

// change runs a transaction until no race is lost, tells all caches, and loads the
// own one.
func (s *Store) change(ctx context.Context, fn func(tx *gorm.DB) error) error {
	var err error
	for range maxRaces {
		err = s.db.InTx(ctx, func(tx *gorm.DB) error {
			// First, not last: changes are rare, and those that meet wait here in turn
			// before they read anything. Read first, and under load the engine would
			// undo all but one of them again and again.
			if err := s.db.VersionTx(ctx, tx, cacheName); err != nil {
				return err
			}
			return fn(tx)
		})
		if err == nil {
			// The change is committed whatever happens now; if this load fails, the
			// next Refresh repeats it and reports.
			_ = s.Refresh(ctx)
			return nil
		}
		if !errors.Is(err, errRaced) && !db.IsDuplicate(err) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试").Because(err)
}

// CreateBatch makes a batch of Count codes of a product and takes their positions
// under the newest key of the brand; a brand without a key, or whose key has no room
// for the whole batch, gets a new one. Tokens need no rows: the cost does not grow
// with Count.
// Faults: Invalid batch_count, batch_name; NotFound product_unknown; Conflict
// product_brand; Exhausted slots_full.
func (s *Store) CreateBatch(ctx context.Context, b Batch) (Batch, error) {
	b.ID = 0
	return s.CreateBatchWith(ctx, b, nil)
}

// CreateBatchWith is CreateBatch in one transaction with also, under the id b.ID if it is
// set: a batch and the decision to make it stand or fall together. also may run more than
// once, each time in a transaction of its own.
func (s *Store) CreateBatchWith(ctx context.Context, b Batch, also func(tx *gorm.DB) error) (Batch, error) {
	b.Name = strings.TrimSpace(b.Name)
	if b.Count < 1 || b.Count > MaxCount {
		return Batch{}, fault.Invalidf("batch_count", "码数量应在 1 到 %d 之间", MaxCount)
	}
	if b.Name == "" {
		return Batch{}, fault.NewInvalid("batch_name", "请填写批次名称")
	}
	if err := oneLine("batch_name", "批次名称", b.Name, maxName); err != nil {
		return Batch{}, err
	}
	var owner []id.ID
	if err := s.db.Read(ctx).Raw("SELECT brand_id FROM product WHERE id = ?", b.ProductID).Scan(&owner).Error; err != nil {
		return Batch{}, fmt.Errorf("code: product: %w", err)
	}
	if len(owner) == 0 {
		return Batch{}, fault.New(fault.NotFound, "product_unknown", "没有这个商品")
	}
	if owner[0] != b.BrandID {
		return Batch{}, fault.New(fault.Conflict, "product_brand", "该商品不属于这个品牌")
	}
	if b.CreatedAt = s.db.Now(); b.ID == 0 {
		b.ID = s.db.NewID()
	}
	err := s.change(ctx, func(tx *gorm.DB) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		var keys []keyRow
		if err := tx.Where("brand_id = ? AND retired_at = 0", b.BrandID).Order("version DESC").Limit(1).Find(&keys).Error; err != nil {
			return err
		}
		if len(keys) == 0 || keys[0].NextPosition > token.Positions-b.Count {
			k, err := s.newKeyTx(tx, b.BrandID)
			if err != nil {
				return err
			}
			keys = []keyRow{k}
		}
		k := keys[0]
		// The guard is what keeps two batches from sharing a position: whoever read the
		// same counter second changes no row.
		r := tx.Exec("UPDATE code_key SET next_position = next_position + ? WHERE slot = ? AND next_position = ? AND retired_at = 0", b.Count, k.Slot, k.NextPosition)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errRaced
		}
		b.Slot, b.FromPosition = k.Slot, k.NextPosition
		return tx.Create(&b).Error
	})
	if err != nil {
		return Batch{}, fmt.Errorf("code: create batch: %w", err)
	}
	return b, nil
}

// RotateKey gives a brand a new key, in a new slot. New batches use it; codes of
// older batches stay good for ever, because they are in shops.
// Faults: NotFound brand_unknown; Exhausted slots_full.
func (s *Store) RotateKey(ctx context.Context, brandID id.ID) (slot int, err error) {
	var known []id.ID
	if err := s.db.Read(ctx).Raw("SELECT id FROM brand WHERE id = ?", brandID).Scan(&known).Error; err != nil {
		return 0, fmt.Errorf("code: brand: %w", err)
	}
	if len(known) == 0 {
		return 0, fault.New(fault.NotFound, "brand_unknown", "没有这个品牌")
	}
	err = s.change(ctx, func(tx *gorm.DB) error {
		k, err := s.newKeyTx(tx, brandID)
		slot = k.Slot
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("code: rotate key: %w", err)
	}
	return slot, nil
}

// newKeyTx inserts the next key version in the lowest free slot and retires the
// older ones. Losing a race for either is a duplicate, and change looks again.
func (s *Store) newKeyTx(tx *gorm.DB, brandID id.ID) (keyRow, error) {
	var used []Key
	if err := tx.Table("code_key").Select("slot, brand_id, version").Order("slot").Find(&used).Error; err != nil {
		return keyRow{}, err
	}
	if len(used) >= token.Slots {
		return keyRow{}, fault.New(fault.Exhausted, "slots_full", "密钥槽位已用完，请联系技术支持扩容")
	}
	k := keyRow{Key: Key{BrandID: brandID, Version: 1, CreatedAt: s.db.Now()}}
	free := 0
	for _, u := range used {
		if u.Slot == free {
			free++
		}
		if u.BrandID == brandID {
			k.Version = max(k.Version, u.Version+1)
		}
	}
	k.Slot = free
	secret := make([]byte, token.SecretSize)
	rand.Read(secret) // never fails: crypto/rand aborts the process instead
	k.Secret = s.box.Seal(keyPlace(k.Slot), secret)
	if err := tx.Create(&k).Error; err != nil {
		return keyRow{}, err
	}
	return k, tx.Exec("UPDATE code_key SET retired_at = ? WHERE brand_id = ? AND slot <> ? AND retired_at = 0", s.db.Now(), brandID, k.Slot).Error
}

// Keys lists the key versions of a brand, newest first.
func (s *Store) Keys(ctx context.Context, brandID id.ID) ([]Key, error) {
	keys := []Key{}
	if err := s.db.Read(ctx).Table("code_key").Where("brand_id = ?", brandID).Order("version DESC").Find(&keys).Error; err != nil {
		return nil, fmt.Errorf("code: keys: %w", err)
	}
	return keys, nil
}

// Batch returns one batch, as a rule from memory: its row never changes.
// Fault: NotFound batch_unknown.
func (s *Store) Batch(ctx context.Context, batchID id.ID) (Batch, error) {
	if snap := s.snap.Load(); snap != nil && snap.batches[batchID] != nil {
		return snap.batches[batchID].Batch, nil
	}
	var b Batch
	if err := s.db.Read(ctx).Where("id = ?", batchID).Take(&b).Error; db.IsNotFound(err) {
		return Batch{}, batchUnknown()
	} else if err != nil {
		return Batch{}, fmt.Errorf("code: batch: %w", err)
	}
	return b, nil
}

// Filter narrows a list of batches; zero fields do not.
type Filter struct {
	BrandID   id.ID
	ProductID id.ID
	Text      string  // part of the name
	Products  []id.ID // Text also finds the batches of these
	IDs       []id.ID // of these only
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Batch{}).Where("brand_id = ?", f.BrandID)
	if f.ProductID != 0 {
		q = q.Where("product_id = ?", f.ProductID)
	}
	if f.Text != "" && len(f.Products) > 0 {
		q = q.Where("(name LIKE ? ESCAPE '!' OR product_id IN ?)", db.Containing(f.Text), f.Products)
	} else if f.Text != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", db.Containing(f.Text))
	}
	if len(f.IDs) > 0 {
		q = q.Where("id IN ?", f.IDs)
	}
	return q
}

// Batches returns a page of a brand's batches, newest first, after the batch before
// (0: from the newest).
func (s *Store) Batches(ctx context.Context, f Filter, before id.ID, limit int) ([]Batch, error) {
	list := []Batch{}
	if err := db.Page(s.filtered(ctx, f), "batch", before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("code: batches: %w", err)
	}
	return list, nil
}

// CountBatches counts what Batches would list, up to db.MaxTotal.
func (s *Store) CountBatches(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}

// OfProduct returns all batches of a product, oldest first.
func (s *Store) OfProduct(ctx context.Context, productID id.ID) ([]Batch, error) {
	list := []Batch{}
	if err := s.db.Read(ctx).Where("product_id = ?", productID).Order("created_at, id").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("code: batches of product: %w", err)
	}
	return list, nil
}
