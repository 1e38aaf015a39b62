package scan

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

// Report is what somebody says about a code he holds (举报). BatchID is 0 for a code
// that is not ours.
type Report struct {
	ID        id.ID         `json:"id"`
	BatchID   id.ID         `json:"batch_id"`
	Serial    int64         `json:"serial"`
	TokenText string        `json:"token_text"` // as written, at most 64 characters
	MemberID  id.ID         `json:"member_id"`
	Note      string        `json:"note"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Report) TableName() string { return "report" }

// PutReport stores a report. Fault: Invalid report_note.
func (s *Store) PutReport(ctx context.Context, r Report) (Report, error) {
	r.Note = strings.TrimSpace(r.Note)
	if !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > 500 {
		return Report{}, fault.NewInvalid("report_note", "说明最多 500 个字")
	}
	r.ID, r.CreatedAt, r.TokenText = s.db.NewID(), s.db.Now(), cut(r.TokenText, 64)
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error }); err != nil {
		return Report{}, fmt.Errorf("scan: report: %w", err)
	}
	return r, nil
}

// Reports pages through reports, newest first.
func (s *Store) Reports(ctx context.Context, before id.ID, limit int) ([]Report, error) {
	out := []Report{}
	err := db.Page(s.db.Read(ctx), "report", before, limit).Find(&out).Error
	return out, err
}
