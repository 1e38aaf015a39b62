package issuance

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/region"
)

// What is to be done next about a batch.
const (
	ToApprove  = "approve"  // a second person decides
	ToGenerate = "generate" // ask for a print pack
	ToWait     = "wait"     // the pack is being made
	ToDownload = "download" // fetch the pack
	ToHandOver = "password" // another person hands the password over
	ToActivate = "activate" // some codes are not for sale yet
	Nothing    = "done"
	Closed     = "closed" // refused or withdrawn
)

// Flow is everything about one batch, from the application on.
type Flow struct {
	ID          id.ID              `json:"id"`
	Request     *Request           `json:"request"` // nil: made directly
	Batch       *code.Batch        `json:"batch"`   // nil: not approved
	Counts      map[string]int64   `json:"counts"`  // codes by state
	Planned     []code.Range       `json:"planned"` // activations that have not taken effect
	Exports     []export.Export    `json:"exports"` // newest first, with their parts
	Territories []region.Territory `json:"territories"`
	Seen        region.Spot        `json:"seen"`
	Next        string             `json:"next"`
	DirectMost  int64              `json:"direct_most"` // codes of a batch that needs no approval
}

// Flow reads one by the id of the application or the batch. Fault: NotFound batch_unknown.
func (s *Store) Flow(ctx context.Context, batchID id.ID) (Flow, error) {
	f := Flow{ID: batchID, Counts: map[string]int64{}, Planned: []code.Range{}, Exports: []export.Export{}, Territories: []region.Territory{}, DirectMost: s.Options.DirectMost}
	if r, err := s.Get(ctx, batchID); err == nil {
		f.Request = &r
	} else if fault.KindOf(err) != fault.NotFound {
		return Flow{}, err
	}
	b, err := s.Codes.Batch(ctx, batchID)
	switch {
	case err == nil:
		f.Batch = &b
	case fault.KindOf(err) != fault.NotFound || f.Request == nil:
		return Flow{}, err
	case f.Request.State == Waiting:
		f.Next = ToApprove
		return f, nil
	default:
		f.Next = Closed
		return f, nil
	}
	if err := s.fill(ctx, &f); err != nil {
		return Flow{}, err
	}
	f.Next = f.next()
	return f, nil
}

func (s *Store) fill(ctx context.Context, f *Flow) error {
	rows, err := s.Codes.Ranges(ctx, f.ID)
	if err != nil {
		return err
	}
	f.Counts = s.Codes.Counts(f.ID)
	for _, r := range rows {
		if r.State == code.Activated && r.EffectiveAt > s.DB.Now() {
			f.Planned = append(f.Planned, r)
		}
	}
	// Whoever revokes also takes back what was planned before.
	for _, r := range rows {
		if r.State == code.Revoked {
			f.Planned = slices.DeleteFunc(f.Planned, func(p code.Range) bool { return p.Seq < r.Seq && p.From >= r.From && p.Until <= r.Until })
		}
	}
	list, err := s.Exports.List(ctx, export.Filter{BrandID: f.Batch.BrandID, BatchID: f.ID}, 0, 20)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x, err = s.Exports.Get(ctx, x.ID); err != nil {
			return err
		}
		f.Exports = append(f.Exports, x)
	}
	if f.Territories, err = s.Regions.Territories(ctx, f.ID); err != nil {
		return err
	}
	f.Seen, err = s.Regions.Seen(ctx, f.ID)
	return err
}

// next is the first thing that is missing; what is on sale already needs no pack any more.
func (f *Flow) next() string {
	if f.Counts[code.Issued] == 0 {
		return Nothing
	}
	if f.Counts[code.Activated] > 0 || len(f.Planned) > 0 {
		return ToActivate
	}
	for _, x := range f.Exports {
		switch x.State {
		case export.Waiting, export.Running:
			return ToWait
		case export.Ready:
			if slices.ContainsFunc(x.Parts, func(p export.Part) bool { return p.Downloads == 0 }) {
				return ToDownload
			}
			if x.PasswordTaken == 0 {
				return ToHandOver
			}
			return ToActivate
		case export.Expired:
			return ToActivate
		}
	}
	return ToGenerate
}

// Revoke takes an activation back, where no code was verified or claimed since: people hold
// those. A scan that arrives in this very moment may still win; its reward then stands.
// Faults: those of code.SetRange; Conflict range_used (Detail serial).
func (s *Store) Revoke(ctx context.Context, r code.Range) (code.Range, error) {
	if err := s.Unused(ctx, r); err != nil {
		return code.Range{}, err
	}
	r.State = code.Revoked
	return s.Codes.SetRange(ctx, r)
}

// Unused refuses serials of which one was verified or claimed. Fault: Conflict range_used.
func (s *Store) Unused(ctx context.Context, r code.Range) error {
	for _, q := range []string{
		"SELECT serial FROM code_sight WHERE batch_id = ? AND serial >= ? AND serial < ? AND first_member <> 0 ORDER BY serial LIMIT 1",
		"SELECT serial FROM claim WHERE batch_id = ? AND serial >= ? AND serial < ? ORDER BY serial LIMIT 1",
	} {
		var used []int64
		if err := s.DB.Read(ctx).Raw(q, r.BatchID, r.From, r.Until).Scan(&used).Error; err != nil {
			return fmt.Errorf("issuance: used: %w", err)
		}
		if len(used) > 0 {
			return fault.New(fault.Conflict, "range_used", fmt.Sprintf("序号 %d 已被消费者验证或领取，不能撤销激活；请避开已使用的序号，或改为召回", used[0])).With("serial", used[0])
		}
	}
	return nil
}

// Alarm is a batch that somebody has forgotten.
type Alarm struct {
	Kind    string        `json:"kind"` // "pack": not fetched; "activate": nothing ever declared of it
	BatchID id.ID         `json:"batch_id"`
	Batch   string        `json:"batch"`
	Since   clock.Instant `json:"since"`
	Hours   int64         `json:"hours"` // how long that is allowed to take
	Export  id.ID         `json:"export_id"`
}

// Alarms lists a brand's forgotten packs and batches, oldest first.
func (s *Store) Alarms(ctx context.Context, brandID id.ID) ([]Alarm, error) {
	list := []Alarm{}
	packs, err := s.Exports.Lingering(ctx, brandID, s.DB.Now().Add(-s.Options.PackAfter))
	if err != nil {
		return nil, err
	}
	for _, x := range packs {
		b, err := s.Codes.Batch(ctx, x.BatchID)
		if err != nil {
			return nil, err
		}
		list = append(list, Alarm{"pack", b.ID, b.Name, x.FinishedAt, int64(s.Options.PackAfter.Hours()), x.ID})
	}
	var idle []code.Batch
	err = s.DB.Read(ctx).Where("brand_id = ? AND created_at <= ? AND NOT EXISTS (SELECT 1 FROM code_range r WHERE r.batch_id = batch.id)",
		brandID, s.DB.Now().Add(-s.Options.ActivateAfter)).Order("created_at, id").Limit(db.MaxPage).Find(&idle).Error
	if err != nil {
		return nil, fmt.Errorf("issuance: alarms: %w", err)
	}
	for _, b := range idle {
		list = append(list, Alarm{"activate", b.ID, b.Name, b.CreatedAt, int64(s.Options.ActivateAfter.Hours()), 0})
	}
	slices.SortStableFunc(list, func(a, b Alarm) int { return int(a.Since - b.Since) })
	return list, nil
}
