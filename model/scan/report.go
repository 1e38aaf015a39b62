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
	State     string        `json:"state"` // ReportOpen or ReportDone
	HandledBy id.ID         `json:"handled_by"`
	HandledAt clock.Instant `json:"handled_at"`
	Handling  string        `json:"handling"` // what was done
}

// States of a report.
const (
	ReportOpen = "open"
	ReportDone = "done"
)

// TableName names the table for GORM.
func (Report) TableName() string { return "report" }

// PutReport stores a report. Fault: Invalid report_note.
func (s *Store) PutReport(ctx context.Context, r Report) (Report, error) {
	r.Note = strings.TrimSpace(r.Note)
	if !utf8.ValidString(r.Note) || utf8.RuneCountInString(r.Note) > 500 {
		return Report{}, fault.NewInvalid("report_note", "说明最多 500 个字")
	}
	r.ID, r.CreatedAt, r.TokenText = s.db.NewID(), s.db.Now(), cut(r.TokenText, 64)
	r.State, r.HandledBy, r.HandledAt, r.Handling = ReportOpen, 0, 0, ""
	if err := s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error }); err != nil {
		return Report{}, fmt.Errorf("scan: report: %w", err)
	}
	return r, nil
}

func (s *Store) reports(ctx context.Context, state string) *gorm.DB {
	q := s.db.Read(ctx).Model(&Report{})
	if state != "" {
		q = q.Where("state = ?", state)
	}
	return q
}

// Reports pages through reports in a state ("": all), newest first.
func (s *Store) Reports(ctx context.Context, state string, before id.ID, limit int) ([]Report, error) {
	out := []Report{}
	err := db.Page(s.reports(ctx, state), "report", before, limit).Find(&out).Error
	return out, err
}

// CountReports counts what Reports would list, up to db.MaxTotal.
func (s *Store) CountReports(ctx context.Context, state string) (n int, more bool, err error) {
	return db.Total(s.reports(ctx, state))
}

// Report reads one. Fault: NotFound report_unknown.
func (s *Store) Report(ctx context.Context, reportID id.ID) (Report, error) {
	var r Report
	err := s.db.Read(ctx).Where("id = ?", reportID).Take(&r).Error
	if db.IsNotFound(err) {
		return Report{}, fault.New(fault.NotFound, "report_unknown", "没有这条举报")
	}
	return r, err
}

// HandleReport notes what was done about a report; a later note replaces an earlier one.
// Faults: Invalid report_handling; NotFound report_unknown.
func (s *Store) HandleReport(ctx context.Context, reportID, by id.ID, handling string) (Report, error) {
	handling = strings.TrimSpace(handling)
	if handling == "" || utf8.RuneCountInString(handling) > 200 || cut(handling, 200) != handling {
		return Report{}, fault.NewInvalid("report_handling", "请填写处理结果，最多 200 个字，不能换行").With("field", "handling")
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Report{}).Where("id = ?", reportID).
			Updates(map[string]any{"state": ReportDone, "handled_by": by, "handled_at": s.db.Now(), "handling": handling}).Error
	})
	if err != nil {
		return Report{}, fmt.Errorf("scan: handle report: %w", err)
	}
	return s.Report(ctx, reportID)
}
