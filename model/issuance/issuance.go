// Package issuance is how codes come into the world: somebody applies for a batch (码申请),
// a second person approves it, its print pack is made, handed over and paid attention to
// until its codes are activated.
//
// It owns the table batch_request and asks packages code, export and region to act.
//
//	waiting --> approved   (the batch is made in the same transaction, under the same id)
//	   |------> refused    (with the reason)
//	   '------> withdrawn  (by who applied)
//
// Promises: nobody approves his own application; an approved application has its batch,
// always; small batches (samples, tests) may be made directly, so many codes by a person in
// a day, others may not; codes that
// somebody has verified or claimed are not taken back by revoking their activation.
package issuance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/region"
)

// States of an application.
const (
	Waiting   = "waiting"
	Approved  = "approved"
	Refused   = "refused"
	Withdrawn = "withdrawn"
)

// Request is one application for a batch.
type Request struct {
	ID        id.ID            `json:"id"` // also the batch's, once approved
	BrandID   id.ID            `json:"brand_id"`
	ProductID id.ID            `json:"product_id"`
	Name      string           `json:"name"`
	Count     int64            `json:"count"`
	Purpose   string           `json:"purpose"`   // 用途
	Supplier  string           `json:"supplier"`  // 印刷供应商
	Dealer    string           `json:"dealer"`    // 经销商, may be empty
	Provinces region.Provinces `json:"provinces"` // 销售区域, may be empty
	Kind      string           `json:"kind"`      // of the print pack: export.CSV, ...
	Form      string           `json:"url_form" gorm:"column:url_form"`
	Options   export.Options   `json:"options" gorm:"-"`
	State     string           `json:"state"`
	AskedBy   id.ID            `json:"asked_by"`
	DecidedBy id.ID            `json:"decided_by"`
	DecidedAt clock.Instant    `json:"decided_at"`
	Note      string           `json:"note"` // of the decision
	CreatedAt clock.Instant    `json:"created_at"`
}

// row is the table.
type row struct {
	Request
	OptionsJSON string `gorm:"column:options"`
}

func (row) TableName() string { return "batch_request" }

func (r row) show() Request {
	out := r.Request
	_ = json.Unmarshal([]byte(r.OptionsJSON), &out.Options) // Ask wrote it
	return out
}

// Options are what a house decides. Zero values mean the defaults.
type Options struct {
	DirectMost    int64         // codes of a batch that needs no approval; 0: 1,000
	PackAfter     time.Duration // a pack that nobody fetched is worth an alarm; 0: a day
	ActivateAfter time.Duration // so is a batch of which nothing was ever declared; 0: three days
}

// Deps are what a store works with.
type Deps struct {
	DB       *db.DB
	Codes    *code.Store
	Exports  *export.Store
	Products *product.Store
	Brands   *brand.Store
	Regions  *region.Store
	Options  Options
}

// Store keeps applications.
type Store struct{ Deps }

// New makes a store.
func New(d Deps) *Store {
	if d.Options.DirectMost == 0 {
		d.Options.DirectMost = 1000
	}
	if d.Options.PackAfter == 0 {
		d.Options.PackAfter = 24 * time.Hour
	}
	if d.Options.ActivateAfter == 0 {
		d.Options.ActivateAfter = 72 * time.Hour
	}
	return &Store{d}
}

// Direct says whether a batch of so many codes may be made without an application.
// Fault: Forbidden batch_needs_approval (Detail most).
func (s *Store) Direct(count int64) error {
	if count <= s.Options.DirectMost {
		return nil
	}
	return fault.New(fault.Forbidden, "batch_needs_approval", fmt.Sprintf("超过 %d 个码的批次须先申请，由另一位同事审批", s.Options.DirectMost)).With("most", s.Options.DirectMost)
}

// directFor is how long what one person made directly counts.
const directFor = 24 * time.Hour

// Make makes a batch without an application. What the same person made so within a day
// counts: many small batches are one large one. Faults: those of Direct and of
// code.CreateBatch.
func (s *Store) Make(ctx context.Context, b code.Batch, by id.ID) (code.Batch, error) {
	if err := s.Direct(b.Count); err != nil {
		return code.Batch{}, err
	}
	b.ID, b.MadeBy = 0, by
	return s.Codes.CreateBatchWith(ctx, b, func(tx *gorm.DB) error { // makers wait for each other before this
		var made int64
		err := tx.Raw("SELECT COALESCE(SUM(count), 0) FROM batch WHERE made_by = ? AND created_at > ?", by, s.DB.Now().Add(-directFor)).Scan(&made).Error
		if err != nil || made+b.Count <= s.Options.DirectMost {
			return err
		}
		text := fmt.Sprintf("您 24 小时内已直接生成 %d 个码，加上这一批超过 %d 个，须先申请，由另一位同事审批", made, s.Options.DirectMost)
		return fault.New(fault.Forbidden, "batch_needs_approval", text).With("most", s.Options.DirectMost).With("made", made)
	})
}

// clean checks what is asked for by itself.
func (r *Request) clean() error {
	for _, f := range []struct {
		text  *string
		field string
		what  string
		limit int
		must  bool
	}{
		{&r.Name, "name", "批次名称", 100, true}, {&r.Purpose, "purpose", "用途", 200, true},
		{&r.Supplier, "supplier", "印刷供应商", 100, true}, {&r.Dealer, "dealer", "经销商", 100, false},
	} {
		*f.text = strings.TrimSpace(*f.text)
		switch {
		case f.must && *f.text == "":
			return fault.NewInvalid("request_"+f.field, "请填写"+f.what).With("field", f.field)
		case utf8.RuneCountInString(*f.text) > f.limit || strings.ContainsFunc(*f.text, unicode.IsControl):
			return fault.Invalidf("request_"+f.field, "%s最多 %d 个字，不能换行", f.what, f.limit).With("field", f.field)
		}
	}
	if r.Count < 1 || r.Count > code.MaxCount {
		return fault.Invalidf("batch_count", "码数量应在 1 到 %d 之间", code.MaxCount).With("field", "count")
	}
	if r.Kind != export.CSV && r.Kind != export.PNG && r.Kind != export.SVG && r.Kind != export.PDF {
		return fault.NewInvalid("export_kind", "码包格式应为 CSV、PNG、SVG 或 PDF").With("field", "kind")
	}
	if r.Kind != export.CSV && r.Count > export.MaxPictures {
		return fault.Invalidf("export_count", "码图一次最多 %d 张，请改用 CSV 或分几个批次", export.MaxPictures).With("field", "count")
	}
	if r.Form == "" {
		r.Form = export.Short
	}
	if r.Form != export.Short && r.Form != export.GS1 {
		return fault.NewInvalid("export_form", "网址形式应为短链接 (short) 或 GS1 数字链接 (gs1)").With("field", "url_form")
	}
	if len(r.Provinces) == 0 {
		r.Provinces = region.Provinces{}
		return nil
	}
	t := region.Territory{Provinces: r.Provinces, Dealer: r.Dealer}
	err := t.Clean()
	r.Provinces = t.Provinces
	return err
}
