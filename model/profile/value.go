package profile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/points"
)

// Value is one answer, as it was given.
type Value struct {
	ID       id.ID         `json:"id"`
	MemberID id.ID         `json:"member_id"`
	Field    string        `json:"field"`
	Value    string        `json:"value"` // "": taken back
	Source   string        `json:"source"`
	RefID    id.ID         `json:"ref_id"` // the import or the operator
	Reason   string        `json:"reason"` // of a correction
	At       clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Value) TableName() string { return "profile_value" }

// Item is one field of one human: the value that counts, and those that say otherwise.
type Item struct {
	Field     Field         `json:"field"`
	Value     string        `json:"value"` // "": not known
	Source    string        `json:"source"`
	At        clock.Instant `json:"at"`
	MemberID  id.ID         `json:"member_id"`
	Conflicts []Value       `json:"conflicts"`
	Rewarded  bool          `json:"rewarded"`
}

// better orders values: more trusted first, then newer, then the id, so that two
// readers never disagree.
func better(a, b Value) int {
	return cmp.Or(cmp.Compare(trust[b.Source], trust[a.Source]), cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID))
}

// pick sorts out the values of one field: what counts, and the newest of each member
// and source that differs from it.
func pick(values []Value) (Value, []Value) {
	slices.SortFunc(values, better)
	type voice struct {
		member id.ID
		source string
	}
	heard, conflicts := map[voice]bool{}, []Value{}
	for i, v := range values {
		w := voice{v.MemberID, v.Source}
		if !heard[w] && i > 0 && v.Value != values[0].Value && v.Value != "" {
			conflicts = append(conflicts, v)
		}
		heard[w] = true
	}
	return values[0], conflicts
}

func (s *Store) items(ctx context.Context, family []id.ID) ([]Item, error) {
	tx := s.DB.Read(ctx)
	fields, err := s.fields(tx)
	if err != nil {
		return nil, err
	}
	by, err := valuesOf(tx, family)
	if err != nil {
		return nil, err
	}
	var paid []string
	if err := tx.Raw("SELECT field FROM profile_reward WHERE member_id IN ?", family).Scan(&paid).Error; err != nil {
		return nil, fmt.Errorf("profile: rewards: %w", err)
	}
	items := []Item{}
	for _, f := range fields {
		if !f.Active {
			continue
		}
		item := Item{Field: f, Conflicts: []Value{}, Rewarded: slices.Contains(paid, f.Name)}
		if list := by[f.Name]; len(list) > 0 {
			best, conflicts := pick(list)
			item.Value, item.Source, item.At, item.MemberID, item.Conflicts = best.Value, best.Source, best.At, best.MemberID, conflicts
		}
		items = append(items, item)
	}
	return items, nil
}

func valuesOf(tx *gorm.DB, members []id.ID) (map[string][]Value, error) {
	var all []Value
	if err := tx.Where("member_id IN ?", members).Find(&all).Error; err != nil {
		return nil, fmt.Errorf("profile: values: %w", err)
	}
	by := map[string][]Value{}
	for _, v := range all {
		by[v.Field] = append(by[v.Field], v)
	}
	return by, nil
}

// History lists all answers of a human to one field, or to all ("" ), newest first.
func (s *Store) History(ctx context.Context, memberID id.ID, field string, limit int) ([]Value, error) {
	family, err := s.Families.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	q := s.DB.Read(ctx).Where("member_id IN ?", family).Order("at DESC, id DESC").Limit(min(max(limit, 1), db.MaxPage))
	if field != "" {
		q = q.Where("field = ?", field)
	}
	out := []Value{}
	if err := q.Find(&out).Error; err != nil {
		return nil, fmt.Errorf("profile: history: %w", err)
	}
	return out, nil
}

// Answer is what somebody says of a member.
type Answer struct {
	MemberID id.ID
	Values   map[string]string // by field; "" takes back
	Source   string            // Self or Operator
	By       id.ID             // operator, if Source is Operator
	Reason   string            // of an operator: who asked for it
}

// Given is what an answer brought.
type Given struct {
	Changed []string `json:"changed"`
	Points  int64    `json:"points"`
}

// Put stores answers: all of them or none. What is said already adds nothing. The first
// answer of a human to a field that thanks with points earns them, if he gave it himself.
// When a consent is withdrawn meanwhile the answers under it go again, the others stay
// and the fault is profile_consent.
// Faults: Invalid profile_value, profile_child, profile_unknown, reason_missing;
// Forbidden profile_consent; NotFound member_not_found.
func (s *Store) Put(ctx context.Context, a Answer) (Given, error) {
	family, err := s.Families.Family(ctx, a.MemberID)
	if err != nil {
		return Given{}, err
	}
	if a.Source == Operator && (strings.TrimSpace(a.Reason) == "" || utf8.RuneCountInString(a.Reason) > 200) {
		return Given{}, fault.NewInvalid("reason_missing", "请填写更正原因，最多 200 字").With("field", "reason")
	}
	clean, fields, err := s.clean(ctx, a)
	if err != nil {
		return Given{}, err
	}
	var g Given
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		g = Given{Changed: []string{}}
		by, err := valuesOf(tx, family)
		if err != nil {
			return err
		}
		for _, f := range fields {
			value := clean[f.Name]
			if said(by[f.Name], value) {
				continue
			}
			// Later than what it replaces even when the clock stands still.
			at := s.DB.Now()
			for _, old := range by[f.Name] {
				at = max(at, old.At+1)
			}
			err := tx.Create(&Value{ID: s.DB.NewID(), MemberID: a.MemberID, Field: f.Name, Value: value, Source: a.Source, RefID: a.By, Reason: a.Reason, At: at}).Error
			if err != nil {
				return err
			}
			g.Changed = append(g.Changed, f.Name)
			if a.Source == Self && value != "" {
				n, err := s.rewardTx(ctx, tx, a.MemberID, family, f)
				if err != nil {
					return err
				}
				g.Points += n
			}
		}
		if len(g.Changed) == 0 {
			return nil
		}
		if err := s.answeredTx(ctx, tx, []id.ID{a.MemberID}); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM profile_skip WHERE member_id IN ? AND field IN ?", family, g.Changed).Error
	})
	if err != nil {
		return Given{}, fmt.Errorf("profile: put: %w", err)
	}
	return g, s.stillAgreed(ctx, a.MemberID, family, clean, fields)
}

// stillAgreed asks again once the answers are stored: a withdrawal that was made
// meanwhile did not see them yet, so they go now.
func (s *Store) stillAgreed(ctx context.Context, memberID id.ID, family []id.ID, clean map[string]string, fields []Field) error {
	for _, f := range fields {
		if f.Purpose == "" || clean[f.Name] == "" {
			continue
		}
		given, err := s.Consents.Given(ctx, memberID, f.Purpose)
		if err != nil {
			return err
		}
		if given {
			continue
		}
		if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return s.Withdrawn(ctx, tx, f.Purpose, family) }); err != nil {
			return err
		}
		return consentMissing(f)
	}
	return nil
}

func consentMissing(f Field) error {
	return fault.New(fault.Forbidden, "profile_consent", f.Title+"属于敏感个人信息，请先单独同意后再填写").With("field", f.Name).With("purpose", f.Purpose)
}

// said tells whether the person's word is this value already. What a file says is not
// his word: when he says the same, that counts as an answer.
func said(values []Value, value string) bool {
	if len(values) == 0 {
		return value == ""
	}
	best, _ := pick(values)
	return best.Value == value && (trust[best.Source] == trust[Self] || value == "")
}

// clean checks all answers before anything is written.
func (s *Store) clean(ctx context.Context, a Answer) (map[string]string, []Field, error) {
	all, err := s.Fields(ctx)
	if err != nil {
		return nil, nil, err
	}
	today := clock.DayOf(s.DB.Now())
	out, used := map[string]string{}, []Field{}
	for _, f := range all {
		raw, asked := a.Values[f.Name]
		if !asked || !f.Active {
			continue
		}
		v, err := f.Parse(raw, today)
		if err != nil {
			return nil, nil, err
		}
		if f.Purpose != "" && v != "" {
			given, err := s.Consents.Given(ctx, a.MemberID, f.Purpose)
			if err != nil {
				return nil, nil, err
			}
			if !given {
				return nil, nil, consentMissing(f)
			}
		}
		out[f.Name], used = v, append(used, f)
	}
	if len(used) != len(a.Values) {
		return nil, nil, fault.NewInvalid("profile_unknown", "有不存在或已停用的档案字段")
	}
	return out, used, nil
}

func (s *Store) rewardTx(ctx context.Context, tx *gorm.DB, memberID id.ID, family []id.ID, f Field) (int64, error) {
	if f.Points == 0 || f.BrandID == 0 {
		return 0, nil
	}
	var before int64
	if err := tx.Raw("SELECT COUNT(*) FROM profile_reward WHERE field = ? AND member_id IN ?", f.Name, family).Scan(&before).Error; err != nil || before > 0 {
		return 0, err
	}
	// The row is the root's, whoever of the family answers: two members who answer at the
	// same time cannot count each other's row, but they meet at this one.
	root := family[0]
	r := tx.Exec("INSERT INTO profile_reward (member_id, field, points, at) VALUES (?,?,?,?)"+s.DB.Once("field"), root, f.Name, f.Points, s.DB.Now())
	if r.Error != nil || r.RowsAffected == 0 {
		return 0, r.Error
	}
	return f.Points, s.Points.EarnTx(ctx, tx, points.Earning{Key: "profile:" + root.String() + ":" + f.Name, BrandID: f.BrandID, MemberID: memberID,
		Points: f.Points, Memo: "完善资料：" + f.Title})
}

// PutImportedTx adds what a file says of members, many in a statement. The values must
// have passed Field.Parse; refID is the import.
func (s *Store) PutImportedTx(ctx context.Context, tx *gorm.DB, refID id.ID, values []Value) error {
	now := s.DB.Now()
	for part := range slices.Chunk(values, 1000) {
		rows := db.NewRows("profile_value", "id, member_id, field, value, source, ref_id, reason, at")
		for _, v := range part {
			rows.Add(s.DB.NewID(), v.MemberID, v.Field, v.Value, Import, refID, "", now)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return fmt.Errorf("profile: import %d: %w", refID, err)
		}
	}
	var members []id.ID
	for _, v := range values {
		members = append(members, v.MemberID)
	}
	slices.Sort(members)
	return s.answeredTx(ctx, tx, slices.Compact(members))
}

func (s *Store) answeredTx(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	for _, tell := range s.Answered {
		if err := tell(ctx, tx, members); err != nil {
			return fmt.Errorf("profile: answered: %w", err)
		}
	}
	return nil
}

// TakeBackTx deletes what an import said of these members and where it said they came
// from: what was there before counts again.
func (s *Store) TakeBackTx(ctx context.Context, tx *gorm.DB, refID id.ID, members []id.ID) error {
	tx = tx.WithContext(ctx)
	if err := tx.Exec("DELETE FROM profile_value WHERE member_id IN ? AND source = ? AND ref_id = ?", members, Import, refID).Error; err != nil {
		return fmt.Errorf("profile: take back %d: %w", refID, err)
	}
	if err := tx.Exec("DELETE FROM profile_origin WHERE member_id IN ? AND channel = ? AND ref_id = ?", members, FromCRM, refID).Error; err != nil {
		return fmt.Errorf("profile: take back %d: %w", refID, err)
	}
	return s.answeredTx(ctx, tx, members)
}
