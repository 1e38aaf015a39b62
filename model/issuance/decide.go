package issuance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/region"
)

func errUnknown() error { return fault.New(fault.NotFound, "request_unknown", "没有这个码申请") }

// Ask files an application.
// Faults: Invalid request_*, batch_count, export_*, territory_*, code_host_missing;
// NotFound product_unknown.
func (s *Store) Ask(ctx context.Context, r Request) (Request, error) {
	p, err := s.Products.Get(ctx, r.ProductID)
	if err != nil {
		return Request{}, err
	}
	if err := r.clean(); err != nil {
		return Request{}, err
	}
	maker, err := s.Brands.Get(ctx, p.BrandID)
	if err != nil {
		return Request{}, err
	}
	if maker.CodeHost == "" {
		return Request{}, fault.NewInvalid("code_host_missing", "请先设置品牌的码域名")
	}
	options, err := json.Marshal(r.Options)
	if err != nil {
		return Request{}, err
	}
	r.ID, r.BrandID, r.State, r.CreatedAt = s.DB.NewID(), p.BrandID, Waiting, s.DB.Now()
	r.DecidedBy, r.DecidedAt, r.Note = 0, 0, ""
	in := row{r, string(options)}
	if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&in).Error }); err != nil {
		return Request{}, fmt.Errorf("issuance: ask: %w", err)
	}
	return r, nil
}

// Approve makes the batch, with its territory, and asks for its print pack. When the pack
// cannot be asked for now, the batch stands and the pack is asked for later.
// Faults: NotFound request_unknown; Forbidden same_person; Conflict request_decided; those
// of code.CreateBatch.
func (s *Store) Approve(ctx context.Context, requestID, by id.ID, note string) (Request, error) {
	r, err := s.Get(ctx, requestID)
	if err != nil {
		return Request{}, err
	}
	if r.AskedBy == by {
		return Request{}, fault.New(fault.Forbidden, "same_person", "自己的申请须由另一位同事审批")
	}
	if note, err = said(note, false); err != nil {
		return Request{}, err
	}
	_, err = s.Codes.CreateBatchWith(ctx, code.Batch{ID: r.ID, BrandID: r.BrandID, ProductID: r.ProductID, Count: r.Count, Name: r.Name}, func(tx *gorm.DB) error {
		if err := s.decideTx(tx, r.ID, Approved, by, note); err != nil || len(r.Provinces) == 0 {
			return err
		}
		_, err := s.Regions.PutTx(tx, region.Territory{BrandID: r.BrandID, BatchID: r.ID, From: 1, Until: r.Count + 1, Dealer: r.Dealer, Provinces: r.Provinces, ByID: r.AskedBy})
		return err
	})
	if err != nil {
		return Request{}, err
	}
	return s.Get(ctx, r.ID)
}

// Pack asks for the print pack of an approved application.
// Faults: NotFound request_unknown; those of export.Request.
func (s *Store) Pack(ctx context.Context, requestID, by id.ID) (export.Export, error) {
	r, err := s.Get(ctx, requestID)
	if err != nil {
		return export.Export{}, err
	}
	return s.Exports.Request(ctx, export.Request{BatchID: r.ID, Kind: r.Kind, Form: r.Form, Options: r.Options, By: by})
}

// Refuse ends an application, with the reason. Faults: Invalid request_reason; NotFound
// request_unknown; Conflict request_decided.
func (s *Store) Refuse(ctx context.Context, requestID, by id.ID, reason string) (Request, error) {
	reason, err := said(reason, true)
	if err != nil {
		return Request{}, err
	}
	return s.end(ctx, requestID, Refused, by, reason)
}

// Withdraw takes one's own application back. Faults: NotFound request_unknown; Forbidden
// request_not_own; Conflict request_decided.
func (s *Store) Withdraw(ctx context.Context, requestID, by id.ID, reason string) (Request, error) {
	r, err := s.Get(ctx, requestID)
	if err != nil {
		return Request{}, err
	}
	if r.AskedBy != by {
		return Request{}, fault.New(fault.Forbidden, "request_not_own", "只能撤回自己的申请")
	}
	if reason, err = said(reason, false); err != nil {
		return Request{}, err
	}
	return s.end(ctx, requestID, Withdrawn, by, reason)
}

func said(text string, must bool) (string, error) {
	text = strings.TrimSpace(text)
	if must && text == "" || utf8.RuneCountInString(text) > 200 {
		return "", fault.NewInvalid("request_reason", "请填写原因，最多 200 个字").With("field", "reason")
	}
	return text, nil
}

func (s *Store) end(ctx context.Context, requestID id.ID, state string, by id.ID, note string) (Request, error) {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return s.decideTx(tx, requestID, state, by, note) })
	r, getErr := s.Get(ctx, requestID)
	if getErr != nil {
		return Request{}, getErr
	}
	return r, err
}

func (s *Store) decideTx(tx *gorm.DB, requestID id.ID, state string, by id.ID, note string) error {
	u := tx.Exec("UPDATE batch_request SET state = ?, decided_by = ?, decided_at = ?, note = ? WHERE id = ? AND state = ?", state, by, s.DB.Now(), note, requestID, Waiting)
	if u.Error == nil && u.RowsAffected != 1 {
		return fault.New(fault.Conflict, "request_decided", "这个申请已有结论")
	}
	return u.Error
}

// Get reads one. Fault: NotFound request_unknown.
func (s *Store) Get(ctx context.Context, requestID id.ID) (Request, error) {
	var r row
	err := s.DB.Read(ctx).Where("id = ?", requestID).Take(&r).Error
	if db.IsNotFound(err) {
		return Request{}, errUnknown()
	}
	if err != nil {
		return Request{}, fmt.Errorf("issuance: read: %w", err)
	}
	return r.show(), nil
}

// Filter narrows the list; zero fields do not.
type Filter struct {
	BrandID id.ID
	State   string
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.DB.Read(ctx).Model(&row{}).Where("brand_id = ?", f.BrandID)
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q
}

// List pages applications, newest first.
func (s *Store) List(ctx context.Context, f Filter, before id.ID, limit int) ([]Request, error) {
	var rows []row
	if err := db.Page(s.filtered(ctx, f), "batch_request", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("issuance: list: %w", err)
	}
	list := make([]Request, len(rows))
	for i := range rows {
		list[i] = rows[i].show()
	}
	return list, nil
}

// Total counts what List would list, up to db.MaxTotal.
func (s *Store) Total(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.filtered(ctx, f))
}
