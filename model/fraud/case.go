package fraud

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// open opens a case, or puts the people into the one that is open. Its key names kind,
// referrer, fact and round, so that of two processes one makes it.
func (s *Store) open(ctx context.Context, t trace, kind, detail string, list []trace, e Evidence) error {
	if n := len(list); n > 0 && e.From == 0 {
		e.Until, e.From = list[0].At, list[n-1].At
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		var round int64
		same := tx.Model(&Case{}).Where("brand_id = ? AND referrer_id = ? AND kind = ? AND detail = ? AND state <> ?", t.BrandID, t.ReferrerID, kind, detail, Open)
		if err := same.Count(&round).Error; err != nil {
			return err
		}
		fresh, err := s.freshTx(tx, t, kind, detail, list)
		if err != nil || len(fresh) == 0 {
			return err
		}
		key := fmt.Sprintf("%s:%d:%d:%s:%d", kind, t.BrandID, t.ReferrerID, detail, round)
		now := s.db.Now()
		if err := tx.Exec("INSERT INTO fraud_case (id, brand_id, kind, referrer_id, role, detail, case_key, state, evidence, people, opened_at, moved_at, decided_at, decided_by, reason) "+
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, 0, '')"+s.db.Once("case_key"),
			s.db.NewID(), t.BrandID, kind, t.ReferrerID, t.Role, detail, key, Open, string(text), now, now).Error; err != nil {
			return err
		}
		var c Case
		// Locked: a decision beside it must not miss people, nor people a decision.
		if err := tx.Raw("SELECT * FROM fraud_case WHERE case_key = ?"+forUpdate(s.db), key).Scan(&c).Error; err != nil {
			return err
		}
		if c.State != Open { // decided between the count and the lock: the next look sees that
			return nil
		}
		for _, x := range fresh {
			if err := tx.Exec("INSERT INTO fraud_case_member (case_id, member_id, binding_id, at) VALUES (?, ?, ?, ?)"+s.db.Once("at"), c.ID, x.MemberID, x.BindingID, x.At).Error; err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE fraud_case SET evidence = ?, moved_at = ?, people = (SELECT COUNT(*) FROM fraud_case_member WHERE case_id = ?) WHERE id = ? AND state = ?",
			string(text), now, c.ID, c.ID, Open).Error
	})
}

// freshTx leaves out the people whom a decided case of the same fact has judged: the same
// event told again is nothing new.
func (s *Store) freshTx(tx *gorm.DB, t trace, kind, detail string, list []trace) ([]trace, error) {
	ids := make([]id.ID, 0, len(list))
	for _, x := range list {
		ids = append(ids, x.BindingID)
	}
	var judged []id.ID
	err := tx.Raw(`SELECT m.binding_id FROM fraud_case_member m JOIN fraud_case c ON c.id = m.case_id
		WHERE c.brand_id = ? AND c.referrer_id = ? AND c.kind = ? AND c.detail = ? AND c.state <> ? AND m.binding_id IN ?`,
		t.BrandID, t.ReferrerID, kind, detail, Open, ids).Scan(&judged).Error
	return slices.DeleteFunc(slices.Clone(list), func(x trace) bool { return slices.Contains(judged, x.BindingID) }), err
}

func forUpdate(d *db.DB) string {
	if d.Driver() == db.SQLite { // one writer
		return ""
	}
	return " FOR UPDATE"
}

var errNotFound = fault.New(fault.NotFound, "fraud_case_not_found", "没有这个案件")

// Get reads one case.
func (s *Store) Get(ctx context.Context, caseID id.ID) (Case, error) {
	var c Case
	err := s.db.Read(ctx).Where("id = ?", caseID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, errNotFound
	}
	c.Title = Titles()[c.Kind]
	return c, err
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	BrandID    id.ID
	State      string
	Kind       string
	ReferrerID id.ID
	Before     id.ID
	Limit      int
}

// List pages cases, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Case, error) {
	q := s.narrowed(ctx, f)
	if f.Before != 0 {
		q = q.Where("opened_at < (SELECT opened_at FROM fraud_case WHERE id = ?) OR (opened_at = (SELECT opened_at FROM fraud_case WHERE id = ?) AND id < ?)", f.Before, f.Before, f.Before)
	}
	out := []Case{}
	err := q.Order("opened_at DESC, id DESC").Limit(f.Limit).Find(&out).Error
	for i := range out {
		out[i].Title = Titles()[out[i].Kind]
	}
	return out, err
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.narrowed(ctx, f).Model(&Case{}))
}

func (s *Store) narrowed(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx)
	if f.BrandID != 0 {
		q = q.Where("brand_id = ?", f.BrandID)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	if f.Kind != "" {
		q = q.Where("kind = ?", f.Kind)
	}
	if f.ReferrerID != 0 {
		q = q.Where("referrer_id = ?", f.ReferrerID)
	}
	return q
}

// People pages the people of a case by their ids, after one of them (0: from the first).
func (s *Store) People(ctx context.Context, caseID, after id.ID, limit int) ([]Suspect, error) {
	out := []Suspect{}
	err := s.db.Read(ctx).Where("case_id = ? AND member_id > ?", caseID, after).Order("member_id").Limit(limit).Find(&out).Error
	return out, err
}

// Decide ends an open case: Cleared lets go what waited, Confirmed takes it back. The
// same decision again is no fault. Faults: Invalid fraud_decision, fraud_reason; NotFound
// fraud_case_not_found; Conflict fraud_decided.
func (s *Store) Decide(ctx context.Context, caseID id.ID, state, reason string, by id.ID) (Case, error) {
	reason = strings.TrimSpace(reason)
	if state != Cleared && state != Confirmed {
		return Case{}, fault.NewInvalid("fraud_decision", "决定应为 cleared(排除) 或 confirmed(属实)").With("field", "decision")
	}
	if n := utf8.RuneCountInString(reason); n == 0 || n > 300 {
		return Case{}, fault.NewInvalid("fraud_reason", "请填写理由，300 字以内").With("field", "reason")
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r := tx.Exec("UPDATE fraud_case SET state = ?, decided_at = ?, moved_at = ?, decided_by = ?, reason = ? WHERE id = ? AND state = ?", state, now, now, by, reason, caseID, Open)
		if r.Error != nil || r.RowsAffected == 0 || state != Confirmed {
			return r.Error
		}
		_, err := s.out.PutTx(ctx, tx, Task, caseID, 0)
		return err
	})
	if err != nil {
		return Case{}, fmt.Errorf("fraud: decide: %w", err)
	}
	s.out.Nudge()
	c, err := s.Get(ctx, caseID)
	if err == nil && (c.State != state || c.Reason != reason) {
		return c, fault.New(fault.Conflict, "fraud_decided", "这个案件已有决定："+map[string]string{Cleared: "排除", Confirmed: "属实"}[c.State])
	}
	return c, err
}

// Settle tells those who take back what a confirmed case was about; again after a failure.
func (s *Store) Settle(ctx context.Context, caseID id.ID) error {
	c, err := s.Get(ctx, caseID)
	if err != nil || c.State != Confirmed {
		return err
	}
	for after := id.ID(0); ; {
		page, err := s.People(ctx, caseID, after, most)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, tell := range s.confirmed {
			if err := tell(ctx, c, page); err != nil {
				return err
			}
		}
		after = page[len(page)-1].MemberID
	}
}

// Held returns those of the members about whose human a case is open or confirmed, as people
// brought by somebody, with the reason in words. What would be earned from them waits.
func (s *Store) Held(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]string, error) {
	return s.reasons(ctx, `SELECT m.member_id AS id, c.kind, c.state FROM fraud_case_member m JOIN fraud_case c ON c.id = m.case_id
		WHERE c.brand_id = ? AND m.member_id IN ? AND c.state IN (?, ?) ORDER BY c.state DESC`, brandID, members, Open, Confirmed)
}

// Against returns those of the members against whose human, as a referrer, a case is open: money
// does not leave before somebody has decided.
func (s *Store) Against(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]string, error) {
	return s.reasons(ctx, "SELECT referrer_id AS id, kind, state FROM fraud_case WHERE brand_id = ? AND referrer_id IN ? AND state IN (?)", brandID, members, Open)
}

// reasons asks about humans: a case names the account that came, and the same human may
// buy or earn with another one of his.
func (s *Store) reasons(ctx context.Context, query string, brandID id.ID, members []id.ID, states ...string) (map[id.ID]string, error) {
	out := map[id.ID]string{}
	if len(members) == 0 {
		return out, nil
	}
	tx := s.db.Read(ctx)
	families, err := member.Families(tx, members)
	if err != nil {
		return nil, fmt.Errorf("fraud: held: %w", err)
	}
	asked := map[id.ID][]id.ID{} // of an account, those of the same human who were asked for
	for _, m := range members {
		family := families[m]
		if len(family) == 0 {
			family = []id.ID{m}
		}
		for _, other := range family {
			asked[other] = append(asked[other], m)
		}
	}
	var rows []struct {
		ID    id.ID
		Kind  string
		State string
	}
	args := []any{brandID, slices.Collect(maps.Keys(asked))}
	for _, st := range states {
		args = append(args, st)
	}
	if err := tx.Raw(query, args...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("fraud: held: %w", err)
	}
	for _, r := range rows {
		text := Titles()[r.Kind] + "，待核实"
		if r.State == Confirmed {
			text = Titles()[r.Kind] + "，已核实属实"
		}
		for _, m := range asked[r.ID] {
			out[m] = text
		}
	}
	return out, nil
}
