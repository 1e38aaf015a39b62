package leader

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// States of a candidate.
const (
	Proposed  = "proposed"  // by the rules
	Invited   = "invited"   // by an operator: he sees "邀请您成为群主" on his page
	Dismissed = "dismissed" // by an operator, or by himself
	Answered  = "applied"   // he applied
)

// Candidate is a member whom the rules propose as a leader, with the figures. Only
// members who agreed to profiling are looked at (PIPL art. 24); an invitation gives
// nothing and binds nobody: he applies and signs himself.
type Candidate struct {
	ID               id.ID         `json:"id"`
	BrandID          id.ID         `json:"brand_id"`
	MemberID         id.ID         `json:"member_id"`
	State            string        `json:"state"`
	ProgrammeVersion int           `json:"programme_version"` // whose rules
	Evidence         Evidences     `json:"evidence"`
	Reason           string        `json:"reason"`
	ByID             id.ID         `json:"by_id"`
	CreatedAt        clock.Instant `json:"created_at"` // of the proposal
	DecidedAt        clock.Instant `json:"decided_at"`
	AgainAt          clock.Instant `json:"again_at"` // not proposed again before
}

// TableName names the table for GORM.
func (Candidate) TableName() string { return "leader_candidate" }

var errCandidate = fault.New(fault.NotFound, "leader_candidate_not_found", "没有这个候选人")

// Candidates lists those of a brand in a state ("" = all), newest first.
func (s *Store) Candidates(ctx context.Context, brandID id.ID, state string, before id.ID, limit int) ([]Candidate, error) {
	out := []Candidate{}
	if err := db.Page(s.candidatesIn(ctx, brandID, state), "leader_candidate", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: candidates: %w", err)
	}
	return out, nil
}

// CountCandidates counts what Candidates pages, up to db.MaxTotal.
func (s *Store) CountCandidates(ctx context.Context, brandID id.ID, state string) (n int, more bool, err error) {
	return db.Total(s.candidatesIn(ctx, brandID, state).Model(&Candidate{}))
}

func (s *Store) candidatesIn(ctx context.Context, brandID id.ID, state string) *gorm.DB {
	q := s.DB.Read(ctx).Where("brand_id = ?", brandID)
	if state != "" {
		q = q.Where("state = ?", state)
	}
	return q
}

// Invitations lists the brands' open invitations to the human behind a member.
func (s *Store) Invitations(ctx context.Context, memberID id.ID) ([]Candidate, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	out := []Candidate{}
	err = s.DB.Read(ctx).Where("member_id IN ? AND state = ?", family, Invited).Order("brand_id, id").Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("leader: invitations: %w", err)
	}
	return slices.CompactFunc(out, func(a, b Candidate) bool { return a.BrandID == b.BrandID }), nil
}

// Invite makes an invitation of a proposal. Faults: Conflict leader_state; NotFound
// leader_candidate_not_found.
func (s *Store) Invite(ctx context.Context, candidateID, by id.ID) (Candidate, error) {
	return s.candidate(ctx, candidateID, []string{Proposed}, map[string]any{"state": Invited, "by_id": by, "decided_at": s.DB.Now()})
}

// Dismiss turns a proposal down, or takes an invitation back; he is not proposed again for
// the days of the programme. Faults: Invalid leader_reason; Conflict leader_state;
// NotFound leader_candidate_not_found.
func (s *Store) Dismiss(ctx context.Context, candidateID, by id.ID, reason string) (Candidate, error) {
	if err := (Decision{Reason: reason}).reasoned(); err != nil {
		return Candidate{}, err
	}
	c, err := s.candidateOf(s.DB.Read(ctx), candidateID)
	if err != nil {
		return c, err
	}
	p, err := s.Programme(ctx, c.BrandID)
	if err != nil {
		return c, err
	}
	now := s.DB.Now()
	return s.candidate(ctx, candidateID, []string{Proposed, Invited}, map[string]any{"state": Dismissed, "by_id": by, "reason": strings.TrimSpace(reason),
		"decided_at": now, "again_at": now.Add(p.quiet())})
}

// quiet is how long nobody is proposed again.
func (p Programme) quiet() time.Duration {
	return time.Duration(p.Candidates.AgainDays) * 24 * time.Hour
}

func (s *Store) candidateOf(tx *gorm.DB, candidateID id.ID) (Candidate, error) {
	var c Candidate
	err := tx.Where("id = ?", candidateID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, errCandidate
	}
	return c, err
}

// candidate is a guarded move.
func (s *Store) candidate(ctx context.Context, candidateID id.ID, from []string, set map[string]any) (c Candidate, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Candidate{}).Where("id = ? AND state IN ?", candidateID, from).Updates(set)
		if r.Error != nil {
			return r.Error
		}
		if c, err = s.candidateOf(tx, candidateID); err != nil {
			return err
		}
		if r.RowsAffected == 0 {
			return errState.With("state", c.State)
		}
		return nil
	})
	return c, err
}

// takeInvitation ends what was proposed of a human who applies, and says whether he had
// been invited.
func (s *Store) takeInvitation(tx *gorm.DB, brandID id.ID, family []id.ID, p Programme, now clock.Instant) (bool, error) {
	var states []string
	if err := tx.Model(&Candidate{}).Where("brand_id = ? AND member_id IN ?", brandID, family).Pluck("state", &states).Error; err != nil {
		return false, fmt.Errorf("leader: invitation: %w", err)
	}
	invited := slices.Contains(states, Invited)
	if !p.Open && !invited || len(states) == 0 {
		return invited, nil
	}
	err := tx.Model(&Candidate{}).Where("brand_id = ? AND member_id IN ? AND state IN ?", brandID, family, []string{Proposed, Invited}).
		Updates(map[string]any{"state": Answered, "again_at": now.Add(p.quiet())}).Error
	return invited, err
}

// stepMembers is how many members one step of a nightly computation looks at.
const stepMembers = 200

// ProposeStep looks at the next members of the brands whose rules look for candidates, in
// one short step, and says whether there are more today. It goes on where the last step
// stopped, whoever was killed in between; two processes at once do the same step twice
// and propose everybody once.
func (s *Store) ProposeStep(ctx context.Context) (more bool, err error) {
	brands, err := s.Brands(ctx)
	if err != nil {
		return false, err
	}
	for _, b := range brands {
		p, err := s.Programme(ctx, b)
		if err != nil {
			return false, err
		}
		if len(p.Candidates.Conditions) == 0 {
			continue
		}
		r, err := s.run(ctx, b, "candidates")
		if err != nil {
			return false, err
		}
		if r.Done {
			continue
		}
		return true, s.proposeSome(ctx, p, r)
	}
	return false, nil
}

func (s *Store) proposeSome(ctx context.Context, p Programme, r run) error {
	var members []id.ID
	err := s.DB.Read(ctx).Raw("SELECT DISTINCT member_id FROM leader_fact WHERE brand_id = ? AND member_id > ? ORDER BY member_id LIMIT ?", p.BrandID, r.AfterID, stepMembers).Scan(&members).Error
	if err != nil {
		return fmt.Errorf("leader: propose: %w", err)
	}
	if len(members) > 0 {
		if err := s.propose(ctx, p, r.Day, members); err != nil {
			return err
		}
		r.next(members[len(members)-1])
	}
	return s.passed(ctx, r, len(members) < stepMembers)
}

// propose writes down those of some members who meet the rules.
func (s *Store) propose(ctx context.Context, p Programme, day clock.Day, members []id.ID) error {
	families, err := s.eligible(ctx, p, members)
	if err != nil || len(families) == 0 {
		return err
	}
	found, err := s.measure(ctx, p.BrandID, families, p.Candidates.Conditions, day)
	if err != nil {
		return err
	}
	for _, m := range members {
		if families[m] == nil || !found[m].met(p.Candidates.Conditions) {
			continue
		}
		text, err := found[m].text()
		if err != nil {
			return err
		}
		now := s.DB.Now()
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			r := tx.Exec(`INSERT INTO leader_candidate (id, brand_id, member_id, state, programme_version, evidence, reason, by_id, created_at, decided_at, again_at)
				VALUES (?,?,?,?,?,?,'',0,?,0,0)`+s.DB.Once("state"), s.DB.NewID(), p.BrandID, m, Proposed, p.Version, text, now)
			if r.Error != nil || r.RowsAffected == 1 {
				return r.Error
			}
			return tx.Model(&Candidate{}).Where("brand_id = ? AND member_id = ? AND state IN ? AND again_at <= ?", p.BrandID, m, []string{Dismissed, Answered}, now).
				Updates(map[string]any{"state": Proposed, "programme_version": p.Version, "evidence": text, "reason": "", "by_id": 0, "created_at": now, "decided_at": 0}).Error
		})
		if err != nil {
			return fmt.Errorf("leader: propose: %w", err)
		}
	}
	return nil
}

// eligible leaves out who did not agree to profiling, is blocked, is or was of late what
// he would be proposed for, or is proposed already, under any of his accounts. Of two
// accounts of one human the first is proposed.
func (s *Store) eligible(ctx context.Context, p Programme, members []id.ID) (map[id.ID][]id.ID, error) {
	tx := s.DB.Read(ctx)
	families, err := member.Families(tx, members)
	if err != nil || len(families) == 0 {
		return nil, err
	}
	all, now := atoms(families), s.DB.Now()
	stopped, err := s.Members.BlockedAmong(ctx, all)
	if err != nil {
		return nil, err
	}
	given, err := s.Consents.GivenAmong(ctx, members, consent.Profiling)
	if err != nil {
		return nil, err
	}
	var busy, waits []id.ID
	if err := tx.Raw("SELECT member_id FROM leader WHERE brand_id = ? AND member_id IN ? AND (state NOT IN ? OR may_apply_at > ?)",
		p.BrandID, all, []string{Left, Refused}, now).Scan(&busy).Error; err != nil {
		return nil, fmt.Errorf("leader: eligible: %w", err)
	}
	if err := tx.Raw("SELECT member_id FROM leader_candidate WHERE brand_id = ? AND member_id IN ? AND (state IN ? OR again_at > ?)",
		p.BrandID, all, []string{Proposed, Invited}, now).Scan(&waits).Error; err != nil {
		return nil, fmt.Errorf("leader: eligible: %w", err)
	}
	seen := map[id.ID]bool{}
	for _, m := range members {
		family := families[m]
		if len(family) == 0 {
			continue
		}
		out := seen[family[0]] || !given[m] || slices.ContainsFunc(family, func(a id.ID) bool {
			return stopped[a] || slices.Contains(busy, a) || slices.Contains(waits, a)
		})
		seen[family[0]] = true
		if out {
			delete(families, m)
		}
	}
	return families, nil
}
