// Package leader is the people who bring people: leaders of communities (大C, 群主), who
// apply, sign and rise; shop clerks (导购) and staff (员工), whom the brand appoints.
//
// It owns the tables that begin with leader. States of a leader:
//
//	applied --> approved --> active <--> suspended
//	   |            |           |            |
//	   |            '-----------+------------+--> left
//	   '--> refused
//
// approved waits for the signature under the newest agreement (协议). Who left or was
// refused may apply again, after a time the programme or the law of the case sets.
//
// Lawful by type (《禁止传销条例》art. 7): nothing here has a fee, a deposit or a duty to
// buy; the conditions of levels can say what a person bought himself, how many of those
// he brought bought, how many of them came back, how his groups fare, and nothing about
// how many people stand below him or what they sell. Tasks pay nothing. An input that
// asks for any of these is refused with the article (unlawful.go).
//
// Promises: every move is guarded, so of two operators who decide at once one is told
// that he came late; every move and every review stands in the history with who, when,
// why and on which figures; the person hears of each decision once. A row belongs to the
// member who acted; who asks for the human gets the row that counts among his family.
// Suspended or left, he brings nobody any more, and keeps what he earned.
package leader

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/phone"
)

// Roles of who brings people.
const (
	RoleLeader = "leader" // 群主: applies and signs
	RoleClerk  = "clerk"  // 导购: appointed
	RoleStaff  = "staff"  // 员工: appointed
)

// States.
const (
	Applied   = "applied"
	Approved  = "approved"
	Active    = "active"
	Suspended = "suspended"
	Left      = "left"
	Refused   = "refused"
)

// Leader is one row. Level counts from 1; 0: the programme has no levels.
type Leader struct {
	ID            id.ID         `json:"id"`
	BrandID       id.ID         `json:"brand_id"`
	MemberID      id.ID         `json:"member_id"`
	Role          string        `json:"role"`
	State         string        `json:"state"`
	Rev           int           `json:"-"`
	Level         int           `json:"level"`
	LevelMonth    int           `json:"level_month"` // 202611: the last review he has had
	Name          string        `json:"name"`        // as he wants to be shown
	Region        string        `json:"region"`
	Community     string        `json:"community"`
	PhoneHash     string        `json:"-"`
	ShopName      string        `json:"shop_name"`   // of a clerk
	EmployeeNo    string        `json:"employee_no"` // of clerks and staff
	SignedVersion int           `json:"signed_version"`
	Reason        string        `json:"reason"` // of the last decision, as he was told
	CreatedAt     clock.Instant `json:"created_at"`
	ChangedAt     clock.Instant `json:"changed_at"`
	ActiveAt      clock.Instant `json:"active_at"`    // first time
	MayApplyAt    clock.Instant `json:"may_apply_at"` // of one who was refused or left
}

// TableName names the table for GORM.
func (Leader) TableName() string { return "leader" }

// Deps are what a Store works with. The functions are set by the program and may be nil.
type Deps struct {
	DB       *db.DB
	Phones   *phone.Book
	Members  Members
	Consents Consents
	// ReferrerOf tells who had brought a member at a moment; 0: nobody.
	ReferrerOf func(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (id.ID, error)
	// Deepen notes in the transaction of an approval that the member leads from now on; key
	// is the fact's, so that it is noted once.
	Deepen func(ctx context.Context, tx *gorm.DB, memberID id.ID, key string, at clock.Instant) error
}

// Members tells who is the same human; *member.Store is it.
type Members interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	FamilyTx(tx *gorm.DB, memberID id.ID) ([]id.ID, error)
	BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error)
}

// Consents tells who agreed to a purpose; *consent.Store is it.
type Consents interface {
	GivenAmong(ctx context.Context, members []id.ID, purpose string) (map[id.ID]bool, error)
}

// Store keeps leaders.
type Store struct {
	Deps
	parts Parts
}

// New makes a store.
func New(d Deps) *Store { return &Store{Deps: d} }

var (
	errUnknown = fault.New(fault.NotFound, "leader_not_found", "没有这个群主或导购")
	errState   = fault.New(fault.Conflict, "leader_state", "状态已经改变，请刷新后再试")
)

// weight orders the rows of one human: the first that counts. A suspension concerns the
// human, whatever other row of his is active.
var weight = map[string]int{Suspended: 0, Active: 1, Approved: 2, Applied: 3, Left: 4, Refused: 5}

// pick is the row that counts among those of one human at one brand: of equal ones the
// earliest.
func pick(rows []Leader) (Leader, bool) {
	if len(rows) == 0 {
		return Leader{}, false
	}
	return slices.MinFunc(rows, func(a, b Leader) int {
		return cmp.Or(cmp.Compare(weight[a.State], weight[b.State]), cmp.Compare(cmp.Or(a.ActiveAt, a.CreatedAt), cmp.Or(b.ActiveAt, b.CreatedAt)), cmp.Compare(a.ID, b.ID))
	}), true
}

// Get reads one row. Fault: NotFound leader_not_found.
func (s *Store) Get(ctx context.Context, leaderID id.ID) (Leader, error) {
	return get(s.DB.Read(ctx), leaderID)
}

func get(tx *gorm.DB, leaderID id.ID) (Leader, error) {
	var l Leader
	err := tx.Where("id = ?", leaderID).Take(&l).Error
	if db.IsNotFound(err) {
		return l, errUnknown
	}
	return l, err
}

// Of returns the row that counts of the human behind a member at a brand; false: he has
// none. Fault: NotFound member_not_found.
func (s *Store) Of(ctx context.Context, brandID, memberID id.ID) (Leader, bool, error) {
	tx := s.DB.Read(ctx)
	family, err := s.Members.FamilyTx(tx, memberID)
	if err != nil {
		return Leader{}, false, err
	}
	return of(tx, brandID, family)
}

func of(tx *gorm.DB, brandID id.ID, family []id.ID) (Leader, bool, error) {
	var rows []Leader
	if err := tx.Where("brand_id = ? AND member_id IN ?", brandID, family).Find(&rows).Error; err != nil {
		return Leader{}, false, fmt.Errorf("leader: of: %w", err)
	}
	l, ok := pick(rows)
	return l, ok, nil
}

// OfMember lists the rows that count of a human, one per brand. Fault: NotFound
// member_not_found.
func (s *Store) OfMember(ctx context.Context, memberID id.ID) ([]Leader, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	var rows []Leader
	if err := s.DB.Read(ctx).Where("member_id IN ?", family).Order("brand_id, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("leader: of member: %w", err)
	}
	out := []Leader{}
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(l Leader) bool { return l.BrandID != rows[0].BrandID })
		if n < 0 {
			n = len(rows)
		}
		l, _ := pick(rows[:n])
		out, rows = append(out, l), rows[n:]
	}
	return out, nil
}

// Active tells which of some members are people who may bring others at a brand now, each
// with the row that counts of his human. Who is suspended, left or blocked is not in it.
func (s *Store) Active(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]Leader, error) {
	out := map[id.ID]Leader{}
	tx := s.DB.Read(ctx)
	for part := range slices.Chunk(members, 200) {
		families, err := member.Families(tx, part)
		if err != nil {
			return nil, err
		}
		all := atoms(families)
		var rows []Leader
		if err := tx.Where("brand_id = ? AND member_id IN ?", brandID, all).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("leader: active: %w", err)
		}
		if len(rows) == 0 {
			continue
		}
		stopped, err := s.Members.BlockedAmong(ctx, all)
		if err != nil {
			return nil, err
		}
		byMember := map[id.ID]Leader{}
		for _, l := range rows {
			byMember[l.MemberID] = l
		}
		for m, family := range families {
			var own []Leader
			for _, a := range family {
				if l, ok := byMember[a]; ok {
					own = append(own, l)
				}
			}
			blocked := slices.ContainsFunc(family, func(a id.ID) bool { return stopped[a] })
			if l, ok := pick(own); ok && l.State == Active && !blocked {
				out[m] = l
			}
		}
	}
	return out, nil
}

// atoms lists all members of families, each once.
func atoms(families map[id.ID][]id.ID) []id.ID {
	var all []id.ID
	for _, f := range families {
		all = append(all, f...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
