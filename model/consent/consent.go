// Package consent records what members agreed to and when they took it back: the
// evidence that the Personal Information Protection Law (个人信息保护法) asks for in
// articles 14 to 16.
//
// It owns the tables consent, which only grows, and consent_text, the words that were
// shown. An answer stands under the member who gave it; what counts is the newest
// answer of all members who are the same human (祖ID), so a person who is joined with
// another, or parted again, is asked nothing twice and loses no answer.
//
// Promises: silence is no; an answer stays on record with the text that was shown, and
// State tells when that text is no longer the present one; taking back stops the use at
// once, because what was stored for it is erased in the same transaction (OnWithdraw).
package consent

import (
	"context"
	"fmt"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// Channels that an answer may come by.
const (
	H5       = "h5"
	Mini     = "mini"
	Operator = "operator" // written down by an operator who was told
	Import   = "import"   // given to the brand before, on paper or elsewhere
)

// Consent is one answer of one member.
type Consent struct {
	ID            id.ID         `json:"id"`
	MemberID      id.ID         `json:"member_id"`
	Purpose       string        `json:"purpose"`
	PolicyVersion string        `json:"policy_version"` // of the text that was shown; empty means the present one
	Given         bool          `json:"given"`          // false: refused or taken back
	Channel       string        `json:"channel"`
	At            clock.Instant `json:"at"`
	Evidence
}

// Evidence is what shows that the answer was given. None of it names the person.
type Evidence struct {
	TextHash   string `json:"text_hash"`               // of the words shown, as consent_text keeps them
	Page       string `json:"page"`                    // where the button was, e.g. "/me/privacy"
	RequestID  string `json:"request_id"`              // of the access log
	IPHash     string `json:"-" gorm:"column:ip_hash"` // keyed hash of the address
	OperatorID id.ID  `json:"operator_id"`             // who wrote it down, for the channels operator and import
	Note       string `json:"note"`                    // of the operator: the paper, the call, the file
}

// TableName names the table for GORM.
func (Consent) TableName() string { return "consent" }

// Withdrawn erases what was kept for a purpose, for all members of one human.
type Withdrawn func(ctx context.Context, tx *gorm.DB, members []id.ID) error

// Given begins what a purpose allows, for all members of one human: it leaves a wake-up,
// because the agreement counts from the commit on.
type Given func(ctx context.Context, tx *gorm.DB, members []id.ID) error

// Store keeps answers.
type Store struct {
	db    *db.DB
	hooks map[string][]Withdrawn
	given map[string][]Given
}

// New makes a store.
func New(d *db.DB) *Store {
	return &Store{db: d, hooks: map[string][]Withdrawn{}, given: map[string][]Given{}}
}

// OnWithdraw registers what must happen in the transaction that takes an agreement back.
// Wiring calls it before anybody is served. do may run for a purpose that was never
// agreed to, and several times.
func (s *Store) OnWithdraw(purpose string, do Withdrawn) {
	s.hooks[purpose] = append(s.hooks[purpose], do)
}

// OnGive registers what follows when an agreement is given that was not there. Wiring calls
// it before anybody is served; do may run several times. What was agreed to on first contact
// (PutFirstTx) has nothing behind it and is not told.
func (s *Store) OnGive(purpose string, do Given) {
	s.given[purpose] = append(s.given[purpose], do)
}

func (c *Consent) complete() error {
	p, ok := PurposeOf(c.Purpose)
	known := c.Channel == H5 || c.Channel == Mini || c.Channel == Operator || c.Channel == Import
	if c.MemberID == 0 || !ok || p.Needed || !known || len(c.PolicyVersion) > 16 ||
		utf8.RuneCountInString(c.Note) > 200 || len(c.Page) > 64 || len(c.RequestID) > 64 || len(c.IPHash) > 64 {
		return fault.NewInvalid("consent_malformed", "授权内容不对")
	}
	if c.PolicyVersion == "" {
		c.PolicyVersion = p.Version
	}
	c.TextHash = ""
	if c.PolicyVersion == p.Version {
		c.TextHash = p.Hash
	}
	return nil
}

// Put records an answer. The same answer to the same text again adds nothing.
// Fault: Invalid consent_malformed.
func (s *Store) Put(ctx context.Context, c Consent) (Consent, error) {
	var kept Consent // apart: a transaction that lost a deadlock begins anew with what was said
	err := s.db.InTx(ctx, func(tx *gorm.DB) (err error) {
		kept, err = s.PutTx(ctx, tx, c)
		return err
	})
	if err != nil {
		return Consent{}, fmt.Errorf("consent: put: %w", err)
	}
	return kept, nil
}

// PutTx is Put in the caller's transaction.
func (s *Store) PutTx(ctx context.Context, tx *gorm.DB, c Consent) (Consent, error) {
	if err := c.complete(); err != nil {
		return Consent{}, err
	}
	human, err := family(tx, c.MemberID)
	if err != nil {
		return Consent{}, err
	}
	if !c.Given { // also when the answer is no news: what is kept without agreement must go
		for _, do := range s.hooks[c.Purpose] {
			if err := do(ctx, tx, human); err != nil {
				return Consent{}, fmt.Errorf("withdraw %s: %w", c.Purpose, err)
			}
		}
	}
	last, err := newest(tx, human, c.Purpose)
	if err != nil {
		return Consent{}, err
	}
	if last.MemberID == c.MemberID && last.Given == c.Given && last.PolicyVersion == c.PolicyVersion {
		return last, nil
	}
	if p, _ := PurposeOf(c.Purpose); c.TextHash != "" {
		err := tx.Exec("INSERT INTO consent_text (text_hash, purpose, policy_version, title, text, created_at) VALUES (?,?,?,?,?,?)"+s.db.Once("purpose"),
			p.Hash, p.Key, p.Version, p.Title, p.Text, s.db.Now()).Error
		if err != nil {
			return Consent{}, err
		}
	}
	// Later than the one before even when the clock stands or jumps back: the newest
	// answer must be the one given last.
	c.ID, c.At = s.db.NewID(), max(s.db.Now(), last.At+1)
	if c.Given && !last.Given {
		for _, do := range s.given[c.Purpose] {
			if err := do(ctx, tx, human); err != nil {
				return Consent{}, fmt.Errorf("agreed to %s: %w", c.Purpose, err)
			}
		}
	}
	return c, tx.Create(&c).Error
}

// Given says whether the human whom the member is agrees at present.
func (s *Store) Given(ctx context.Context, memberID id.ID, purpose string) (bool, error) {
	return s.GivenTx(s.db.Read(ctx), memberID, purpose)
}

// GivenTx is Given inside a transaction.
func (s *Store) GivenTx(tx *gorm.DB, memberID id.ID, purpose string) (bool, error) {
	human, err := family(tx, memberID)
	if err != nil {
		return false, err
	}
	last, err := newest(tx, human, purpose)
	return last.Given, err
}

// GivenAmong is Given for many members in two reads; who does not agree is not in it.
func (s *Store) GivenAmong(ctx context.Context, members []id.ID, purpose string) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	if len(members) == 0 {
		return out, nil
	}
	families, err := member.Families(s.db.Read(ctx), members)
	if err != nil {
		return nil, err
	}
	var all []id.ID
	root := map[id.ID]id.ID{}
	for _, m := range members {
		if len(families[m]) == 0 {
			families[m] = []id.ID{m}
		}
		for _, x := range families[m] {
			if root[x] == 0 {
				root[x] = families[m][0]
				all = append(all, x)
			}
		}
	}
	var rows []Consent
	if err := s.db.Read(ctx).Where("member_id IN ? AND purpose = ?", all, purpose).Order("at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("consent: read: %w", err)
	}
	last := map[id.ID]bool{}
	for _, c := range rows { // oldest first: the last one stays
		last[root[c.MemberID]] = c.Given
	}
	for _, m := range members {
		if last[root[m]] {
			out[m] = true
		}
	}
	return out, nil
}

// Answer is a purpose with the answer that counts at present.
type Answer struct {
	Purpose
	Given   bool          `json:"given"`
	At      clock.Instant `json:"at"`      // of the answer; none: never asked
	Channel string        `json:"channel"` // of the answer
	Old     bool          `json:"old"`     // the answer was to an older text
}

// State lists all uses of a member's data with what the human said to each.
func (s *Store) State(ctx context.Context, memberID id.ID) ([]Answer, error) {
	human, err := family(s.db.Read(ctx), memberID)
	if err != nil {
		return nil, err
	}
	var rows []Consent
	if err := s.db.Read(ctx).Where("member_id IN ?", human).Order("at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("consent: state: %w", err)
	}
	last := map[string]Consent{}
	for _, c := range rows {
		last[c.Purpose] = c
	}
	out := []Answer{}
	for _, p := range Purposes() {
		c := last[p.Key]
		out = append(out, Answer{Purpose: p, Given: c.Given || p.Needed, At: c.At, Channel: c.Channel, Old: c.ID != 0 && c.PolicyVersion != p.Version})
	}
	return out, nil
}

// History lists every answer of the human, newest first, at most limit before a row (0:
// the newest).
func (s *Store) History(ctx context.Context, memberID, before id.ID, limit int) ([]Consent, error) {
	human, err := family(s.db.Read(ctx), memberID)
	if err != nil {
		return nil, err
	}
	q := s.db.Read(ctx).Where("member_id IN ?", human)
	if before != 0 {
		q = q.Where("(at < (SELECT c.at FROM consent c WHERE c.id = ?) OR (at = (SELECT c.at FROM consent c WHERE c.id = ?) AND id < ?))", before, before, before)
	}
	out := []Consent{}
	if err := q.Order("at DESC, id DESC").Limit(min(max(limit, 1), db.MaxPage)).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("consent: history: %w", err)
	}
	return out, nil
}

// family is the human behind a member; a member nobody knows is himself alone.
func family(tx *gorm.DB, memberID id.ID) ([]id.ID, error) {
	families, err := member.Families(tx, []id.ID{memberID})
	if err != nil {
		return nil, err
	}
	if family, ok := families[memberID]; ok {
		return family, nil
	}
	return []id.ID{memberID}, nil
}

func newest(tx *gorm.DB, family []id.ID, purpose string) (Consent, error) {
	var c Consent
	err := tx.Where("member_id IN ? AND purpose = ?", family, purpose).Order("at DESC, id DESC").Take(&c).Error
	if err != nil && !db.IsNotFound(err) {
		return Consent{}, fmt.Errorf("consent: read: %w", err)
	}
	return c, nil
}
