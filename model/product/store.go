package product

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Store reads and writes products.
type Store struct {
	db      *db.DB
	created []Created
}

// Created is told of a new product in its transaction; its error undoes it. It may run
// several times for one that fails to commit.
type Created func(ctx context.Context, tx *gorm.DB, p Product) error

// New makes a store on a database.
func New(d *db.DB) *Store { return &Store{db: d} }

// OnCreate registers who is told of new products. Wiring calls it before any is created.
func (s *Store) OnCreate(c Created) { s.created = append(s.created, c) }

// Create adds a product. The same content under the same (brand, GTIN) returns the
// product that is there; other content is refused, because one of the two requests
// is a mistake.
// Faults: Invalid gtin_*, product_*; Conflict product_exists (Detail id, name).
func (s *Store) Create(ctx context.Context, p Product) (Product, error) {
	if err := p.clean(); err != nil {
		return Product{}, err
	}
	p.ID, p.CreatedAt = s.db.NewID(), s.db.Now()
	p.UpdatedAt = p.CreatedAt
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&p).Error; err != nil {
			return err
		}
		for _, told := range s.created {
			if err := told(ctx, tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return p, nil
	}
	if !db.IsDuplicate(err) {
		return Product{}, fmt.Errorf("product: create: %w", err)
	}
	old, err := s.ByGTIN(ctx, p.BrandID, p.GTIN)
	if err != nil {
		return Product{}, err
	}
	if !old.same(p) {
		return Product{}, fault.New(fault.Conflict, "product_exists", "该商品条码已登记为“"+old.Name+"”，请直接修改").
			With("id", old.ID).With("name", old.Name)
	}
	return old, nil
}

// Update changes everything but the brand and the GTIN; an empty GTIN keeps it.
// Faults: Invalid product_*; NotFound product_unknown; Conflict gtin_fixed.
func (s *Store) Update(ctx context.Context, p Product) (Product, error) {
	old, err := s.Get(ctx, p.ID)
	if err != nil {
		return Product{}, err
	}
	if p.BrandID == 0 {
		p.BrandID = old.BrandID
	}
	if strings.TrimSpace(p.GTIN) == "" {
		p.GTIN = old.GTIN
	}
	if err := p.clean(); err != nil {
		return Product{}, err
	}
	if p.BrandID != old.BrandID || p.GTIN != old.GTIN {
		return Product{}, fault.New(fault.Conflict, "gtin_fixed", "商品条码和品牌已印在码上，不能修改，请新建商品")
	}
	p.CreatedAt, p.UpdatedAt = old.CreatedAt, s.db.Now()
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Product{}).Where("id = ?", p.ID).Updates(map[string]any{
			"name": p.Name, "spec": p.Spec, "picture_url": p.PictureURL,
			"scan_points": p.ScanPoints, "points_percent": p.PointsPercent, "updated_at": p.UpdatedAt,
		}).Error
	})
	if err != nil {
		return Product{}, fmt.Errorf("product: update %d: %w", p.ID, err)
	}
	return p, nil
}

// Get reads one product. Fault: NotFound product_unknown.
func (s *Store) Get(ctx context.Context, productID id.ID) (Product, error) {
	return s.take(s.db.Read(ctx).Where("id = ?", productID))
}

// ByGTIN finds a brand's product by its GTIN in any length.
// Faults: Invalid gtin_*; NotFound product_unknown.
func (s *Store) ByGTIN(ctx context.Context, brandID id.ID, gtin string) (Product, error) {
	p := Product{BrandID: brandID, GTIN: gtin, Name: "-"}
	if err := p.clean(); err != nil {
		return Product{}, err
	}
	return s.take(s.db.Read(ctx).Where("brand_id = ? AND gtin = ?", brandID, p.GTIN))
}

func (s *Store) take(q *gorm.DB) (Product, error) {
	var p Product
	if err := q.Take(&p).Error; db.IsNotFound(err) {
		return Product{}, fault.New(fault.NotFound, "product_unknown", "没有这个商品")
	} else if err != nil {
		return Product{}, fmt.Errorf("product: read: %w", err)
	}
	return p, nil
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	BrandID id.ID
	Text    string // part of the name or the GTIN
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Product{}).Where("brand_id = ?", f.BrandID)
	if f.Text != "" {
		q = q.Where("(name LIKE ? ESCAPE '!' OR gtin LIKE ? ESCAPE '!')", db.Containing(f.Text), db.Containing(f.Text))
	}
	return q
}

// List returns a page of a brand's products, newest first, after the product before
// (0: from the newest).
func (s *Store) List(ctx context.Context, f Filter, before id.ID, limit int) ([]Product, error) {
	list := []Product{}
	if err := db.Page(s.filtered(ctx, f), "product", before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("product: list: %w", err)
	}
	return list, nil
}

// Count counts what List would list, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}
