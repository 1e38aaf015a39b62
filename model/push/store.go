package push

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/reach"
)

func body(f Form) (string, error) {
	if f.Uses == nil {
		f.Uses = []reach.Use{}
	}
	if f.Arms == nil {
		f.Arms = []Arm{}
	}
	if f.Links == nil {
		f.Links = []Link{}
	}
	if f.ProductIDs == nil {
		f.ProductIDs = []id.ID{}
	}
	text, err := json.Marshal(f.Body)
	return string(text), err
}

// Create keeps a new draft. Faults: Invalid push_form, unlawful_words, service_offer.
func (s *Store) Create(ctx context.Context, f Form, by id.ID) (Push, error) {
	if err := f.tidy(); err != nil {
		return Push{}, err
	}
	text, err := body(f)
	if err != nil {
		return Push{}, err
	}
	now := s.DB.Now()
	r := pushRow{Push: Push{ID: s.DB.NewID(), Form: f, State: Draft, Version: 1, EditedBy: by, CreatedAt: now, MovedAt: now}, Content: text}
	if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error }); err != nil {
		return Push{}, fmt.Errorf("push: create: %w", err)
	}
	return r.open()
}

// Update changes a draft; version is the one that was read. Faults: NotFound push_unknown;
// Conflict push_state, push_changed; those of Create.
func (s *Store) Update(ctx context.Context, pushID id.ID, version int, f Form, by id.ID) (Push, error) {
	if err := f.tidy(); err != nil {
		return Push{}, err
	}
	text, err := body(f)
	if err != nil {
		return Push{}, err
	}
	return s.change(ctx, pushID, func(tx *gorm.DB, p Push) (map[string]any, error) {
		switch {
		case p.State != Draft:
			return nil, stateFault(p, "修改")
		case p.Version != version:
			return nil, errChanged
		case p.BrandID != f.BrandID:
			return nil, bad("brand_id", "触达不能换品牌，请新建")
		}
		// A test that was sent with other words says nothing any more, nor does an approval.
		return map[string]any{"name": f.Name, "purpose": f.Purpose, "topic": f.Topic, "worth": f.Worth, "segment_id": f.SegmentID, "list_id": f.ListID,
			"timing": f.Timing, "start_at": f.StartAt, "per_second": f.PerSecond, "held_bp": f.HeldBP, "why": f.Why, "content": text,
			"approved": false, "edited_by": by, "note": ""}, nil
	})
}

// change updates a push as it was read, or not at all.
func (s *Store) change(ctx context.Context, pushID id.ID, decide func(tx *gorm.DB, p Push) (map[string]any, error)) (Push, error) {
	var out Push
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := s.get(tx, pushID)
		if err != nil {
			return err
		}
		set, err := decide(tx, p)
		if err != nil || set == nil { // nothing to do
			out = p
			return err
		}
		set["version"], set["moved_at"] = p.Version+1, s.DB.Now()
		r := tx.Table("push").Where("id = ? AND version = ? AND state = ?", pushID, p.Version, p.State).Updates(set)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errChanged
		}
		out, err = s.get(tx, pushID)
		return err
	})
	if err != nil {
		return Push{}, fmt.Errorf("push: %w", err)
	}
	s.Outbox.Nudge()
	return out, nil
}

func (s *Store) get(q *gorm.DB, pushID id.ID) (Push, error) {
	var r pushRow
	err := q.Where("id = ?", pushID).Take(&r).Error
	if db.IsNotFound(err) {
		return Push{}, errUnknown
	}
	if err != nil {
		return Push{}, fmt.Errorf("push: read: %w", err)
	}
	return r.open()
}

// Get reads one. Fault: NotFound push_unknown.
func (s *Store) Get(ctx context.Context, pushID id.ID) (Push, error) {
	return s.get(s.DB.Read(ctx), pushID)
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	BrandID   id.ID
	State     string
	SegmentID id.ID
	Q         string // in the name
}

func (s *Store) filtered(ctx context.Context, f Filter) *gorm.DB {
	q := s.DB.Read(ctx).Model(&pushRow{}).Where("brand_id = ?", f.BrandID)
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	if f.SegmentID != 0 {
		q = q.Where("segment_id = ?", f.SegmentID)
	}
	if f.Q != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(f.Q)+"%")
	}
	return q
}

// List reads a brand's pushes, newest first.
func (s *Store) List(ctx context.Context, f Filter, before id.ID, limit int) ([]Push, error) {
	var rows []pushRow
	if err := db.Page(s.filtered(ctx, f), "push", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("push: list: %w", err)
	}
	out := make([]Push, 0, len(rows))
	for _, r := range rows {
		p, err := r.open()
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Count tells how many List has, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (int, bool, error) {
	return db.Total(s.filtered(ctx, f))
}

// Copy makes a new draft of any push.
func (s *Store) Copy(ctx context.Context, pushID, by id.ID) (Push, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return Push{}, err
	}
	f := p.Form
	if utf8.RuneCountInString(f.Why) > whyMost { // nobody wrote it: it was once kept with what was frozen
		f.Why = ""
	}
	if r := []rune(f.Name); len(r) > 36 {
		f.Name = string(r[:36])
	}
	f.Name += " 副本"
	if f.StartAt <= s.DB.Now() { // a moment that is over would begin at once
		f.StartAt = 0
	}
	return s.Create(ctx, f, by)
}

// Delete forgets a draft that nobody was sent. Faults: NotFound push_unknown; Conflict
// push_state.
func (s *Store) Delete(ctx context.Context, pushID id.ID) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		p, err := s.get(tx, pushID)
		if err != nil {
			return err
		}
		if p.State != Draft || p.FreezeNo > 0 {
			return stateFault(p, "删除")
		}
		r := tx.Exec("DELETE FROM push WHERE id = ? AND state = ? AND version = ?", pushID, Draft, p.Version)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return tx.Exec("DELETE FROM push_pin WHERE push_id = ?", pushID).Error
	})
	if err != nil {
		return fmt.Errorf("push: delete: %w", err)
	}
	return nil
}

// Policy is what a brand decided about its pushes.
type Policy struct {
	BrandID        id.ID         `json:"brand_id" gorm:"primaryKey"`
	ApprovalPeople int64         `json:"approval_people"` // a second person agrees to more than so many a day
	PerSecond      int           `json:"per_second"`      // of one channel of one account
	GiveUpHours    int           `json:"give_up_hours"`   // how long it is tried
	ByID           id.ID         `json:"by_id"`
	ChangedAt      clock.Instant `json:"changed_at"` // null: nobody changed the default
}

// TableName names the table for GORM.
func (Policy) TableName() string { return "push_policy" }

// Policy reads a brand's; one that decided nothing has the default.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	return s.policy(s.DB.Read(ctx), brandID)
}

func (s *Store) policy(q *gorm.DB, brandID id.ID) (Policy, error) {
	var rows []Policy
	if err := q.Where("brand_id = ?", brandID).Limit(1).Find(&rows).Error; err != nil {
		return Policy{}, fmt.Errorf("push: policy: %w", err)
	}
	if len(rows) == 0 {
		return Policy{BrandID: brandID, ApprovalPeople: freePeople, PerSecond: 50, GiveUpHours: 48}, nil
	}
	return rows[0], nil
}

// freePeople is up to how many one person sends to where the brand says nothing else.
const freePeople = 1000

// limitFor is up to how many somebody sends to alone: who set the limit himself is not freed
// by it beyond the default.
func (p Policy) limitFor(by id.ID) int64 {
	if p.ByID != 0 && p.ByID == by {
		return min(p.ApprovalPeople, freePeople)
	}
	return p.ApprovalPeople
}

// SetPolicy changes it. Fault: Invalid push_policy.
func (s *Store) SetPolicy(ctx context.Context, p Policy) (Policy, error) {
	if p.ApprovalPeople < 0 || p.ApprovalPeople > 1_000_000_000 || p.PerSecond < 1 || p.PerSecond > maxPerSec || p.GiveUpHours < 1 || p.GiveUpHours > 7*24 {
		return Policy{}, fault.Invalidf("push_policy", "免审批人数不能为负，速度应为每秒 1 到 %d 条，尝试时长应为 1 到 168 小时", maxPerSec)
	}
	p.ChangedAt = s.DB.Now()
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO push_policy (brand_id, approval_people, per_second, give_up_hours, by_id, changed_at) VALUES (?,?,?,?,?,?)"+s.DB.Once("brand_id"),
			p.BrandID, p.ApprovalPeople, p.PerSecond, p.GiveUpHours, p.ByID, p.ChangedAt)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Model(&Policy{}).Where("brand_id = ?", p.BrandID).Updates(map[string]any{"approval_people": p.ApprovalPeople, "per_second": p.PerSecond,
			"give_up_hours": p.GiveUpHours, "by_id": p.ByID, "changed_at": p.ChangedAt}).Error
	})
	if err != nil {
		return Policy{}, fmt.Errorf("push: policy: %w", err)
	}
	return p, nil
}
