package leader

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/id"
)

// Dossier is one person with all that a decision about him rests on.
type Dossier struct {
	Leader
	Phone      string      `json:"phone"`   // masked; "" = none given
	Rights     Level       `json:"rights"`  // of his level
	Figures    Evidences   `json:"figures"` // of every condition of the programme, as of today
	People     People      `json:"people"`
	Signed     bool        `json:"signed"`    // the newest agreement
	Others     []Leader    `json:"others"`    // the same human's rows under his other accounts
	Candidate  *Candidate  `json:"candidate"` // what the rules had found; null: nothing
	Signatures []Signature `json:"signatures"`
	History    []Move      `json:"history"`
}

// Dossier reads one person. Fault: NotFound leader_not_found.
func (s *Store) Dossier(ctx context.Context, leaderID id.ID) (Dossier, error) {
	l, err := s.Get(ctx, leaderID)
	out := Dossier{Leader: l, Others: []Leader{}}
	if err != nil {
		return out, err
	}
	p, err := s.Programme(ctx, l.BrandID)
	if err != nil {
		return out, err
	}
	family, err := s.Members.Family(ctx, l.MemberID)
	if err != nil {
		return out, err
	}
	out.Rights = p.level(l.Level)
	found, err := s.measure(ctx, l.BrandID, map[id.ID][]id.ID{l.MemberID: family}, p.conditions(), clock.DayOf(s.DB.Now()))
	if err != nil {
		return out, err
	}
	out.Figures = found[l.MemberID]
	if out.Signed, err = s.Signed(ctx, l); err != nil {
		return out, err
	}
	if err := s.beside(ctx, &out, family); err != nil {
		return out, err
	}
	if s.parts.People != nil {
		if out.People, err = s.parts.People(ctx, l.BrandID, l.MemberID); err != nil {
			return out, err
		}
	}
	if l.PhoneHash != "" {
		masked, err := s.Phones.Masked(ctx, []string{l.PhoneHash})
		if err != nil {
			return out, err
		}
		out.Phone = masked[l.PhoneHash]
	}
	if out.Signatures, err = s.Signatures(ctx, l.ID); err != nil {
		return out, err
	}
	out.History, err = s.History(ctx, l.ID)
	return out, err
}

// beside reads what else there is of the human at the brand.
func (s *Store) beside(ctx context.Context, d *Dossier, family []id.ID) error {
	tx := s.DB.Read(ctx)
	if err := tx.Where("brand_id = ? AND member_id IN ? AND id <> ?", d.BrandID, family, d.ID).Order("id").Find(&d.Others).Error; err != nil {
		return fmt.Errorf("leader: dossier: %w", err)
	}
	var proposals []Candidate
	if err := tx.Where("brand_id = ? AND member_id IN ?", d.BrandID, family).Order("created_at DESC").Limit(1).Find(&proposals).Error; err != nil {
		return fmt.Errorf("leader: dossier: %w", err)
	}
	if len(proposals) > 0 {
		d.Candidate = &proposals[0]
	}
	return nil
}
