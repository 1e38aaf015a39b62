// Package profile is what a member told us about himself and what his acts tell of
// where he came from and how near he is (会员档案).
//
// It owns the tables profile_field, profile_value, profile_skip, profile_reward,
// profile_origin and profile_move.
//
// WeChat no longer gives a nickname, gender or region, so they are asked for: one
// question at a time, never twice, skipped without a disadvantage, and thanked with
// points once.
//
// Promises:
//
//   - Everything stays under the member it was said of; whoever reads a human reads his
//     family (member.Family). Joining two members and taking that back moves nothing.
//   - A value is never overwritten: the newest of the most trusted source counts, what
//     differs is shown as a conflict, and the history stays until erasure.
//   - The points of a field are given once per human, by a ledger key made from member
//     and field. (Two siblings who answer the same question in the same instant may both
//     get them: a few points, and accepted.)
//   - Nobody under fourteen is kept: the law asks for the parents (art. 31 PIPL).
//   - What is sensitive is stored only while the member agrees to its purpose.
//   - Life stage and the depth "super" are judgements, not facts: they are made only of
//     members who allow profiling (个性化画像). The stage is computed when asked for and
//     never stored; stored moves to "super" go when consent goes (Withdrawn).
package profile

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/points"
)

// Sources of a value.
const (
	Self     = "self"     // 本人填写
	Operator = "operator" // 客服按本人要求更正
	WeCom    = "wecom"    // 企业微信备注
	Import   = "import"   // 会员资料导入
)

// trust orders sources: the person himself, and who writes down what he asked for, over
// what others noted, over a file of years ago.
var trust = map[string]int{Self: 3, Operator: 3, WeCom: 2, Import: 1}

// Families finds the members of one human; *member.Store fits.
type Families interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
}

// Consents says what a human agrees to at present; *consent.Store fits.
type Consents interface {
	Given(ctx context.Context, memberID id.ID, purpose string) (bool, error)
}

// Activity is what events say of a family; *event.Store is adapted to it.
type Activity interface {
	// Last is when any of the members did something last, 0 for never.
	Last(ctx context.Context, members []id.ID) (clock.Instant, error)
	// Count is how many claims and orders they made from a moment on, at most limit.
	Count(ctx context.Context, members []id.ID, from clock.Instant, limit int) (int, error)
}

// Deps are what a store works with.
type Deps struct {
	DB       *db.DB
	Families Families
	Consents Consents
	Points   *points.Store
	Activity Activity
	// Answered is told, in the transaction, whose answers changed.
	Answered []func(ctx context.Context, tx *gorm.DB, members []id.ID) error
}

// Store keeps profiles.
type Store struct{ Deps }

// New makes a store.
func New(d Deps) *Store { return &Store{d} }

// Profiling is the consent that life stage and super users need.
const Profiling = "profiling"

// Profile is one human as far as he let us know him.
type Profile struct {
	Members  []id.ID  `json:"members"` // the family, its root first
	Items    []Item   `json:"items"`   // in the order of the fields
	Filled   int      `json:"filled"`
	Asked    int      `json:"asked"` // fields that are in use
	Origin   *Origin  `json:"origin"`
	Relation Relation `json:"relation"`
	Stage    *Stage   `json:"stage"` // nil: no profiling allowed
}

// Of reads the human behind a member. Fault: NotFound member_not_found.
func (s *Store) Of(ctx context.Context, memberID id.ID) (Profile, error) {
	family, err := s.Families.Family(ctx, memberID)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{Members: family}
	if p.Items, err = s.items(ctx, family); err != nil {
		return Profile{}, err
	}
	for _, i := range p.Items {
		p.Asked++
		if i.Value != "" {
			p.Filled++
		}
	}
	if p.Origin, err = s.OriginOf(ctx, family); err != nil {
		return Profile{}, err
	}
	if p.Relation, err = s.RelationOf(ctx, family); err != nil {
		return Profile{}, err
	}
	p.Stage, err = s.StageOf(ctx, family)
	return p, err
}

// tables that hold what is known of a person; profile_reward holds only that points
// were given, and stays with the ledger.
var tables = []string{"profile_value", "profile_skip", "profile_origin", "profile_move"}

// EraseTx deletes all that is known of these members (个人信息删除) and says how many
// rows that were.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	var n int64
	for _, t := range tables {
		for page := range slices.Chunk(members, 500) {
			r := tx.WithContext(ctx).Exec("DELETE FROM "+t+" WHERE member_id IN ?", page)
			if r.Error != nil {
				return 0, fmt.Errorf("profile: erase: %w", r.Error)
			}
			n += r.RowsAffected
		}
	}
	return n, nil
}

// Withdrawal is Withdrawn for one purpose: what consent.OnWithdraw wants.
func (s *Store) Withdrawal(purpose string) func(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	return func(ctx context.Context, tx *gorm.DB, members []id.ID) error {
		return s.Withdrawn(ctx, tx, purpose, members)
	}
}

// Withdrawn deletes what rested on a consent that was taken back: judgements made by
// profiling, and the answers to fields of that purpose.
func (s *Store) Withdrawn(ctx context.Context, tx *gorm.DB, purpose string, members []id.ID) error {
	tx = tx.WithContext(ctx)
	if purpose == Profiling {
		if err := tx.Exec("DELETE FROM profile_move WHERE member_id IN ? AND depth = ?", members, Super).Error; err != nil {
			return fmt.Errorf("profile: withdrawal: %w", err)
		}
	}
	err := tx.Exec(`DELETE FROM profile_value WHERE member_id IN ? AND field IN (SELECT name FROM profile_field WHERE purpose = ?)`, members, purpose).Error
	if err != nil {
		return fmt.Errorf("profile: withdrawal: %w", err)
	}
	return nil
}
