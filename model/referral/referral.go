// Package referral knows who brought whom to a brand (推荐关系): personal codes, bindings
// with their history, and the trees that they make.
//
// It owns the tables referral_policy, referral_code, referral_binding, referral_node,
// referral_tree, referral_repair, referral_fact, referral_export and
// referral_export_part.
//
// A binding is active, ended (by an operator or by its time) or replaced (by another
// referrer). Promises:
//
//   - A member has at most one active referrer per brand. The first valid contact wins;
//     the database's unique key decides, not a look before.
//   - Nobody is above himself. Whatever changes a brand's trees holds the brand's row of
//     referral_tree, so changes come one after the other and each sees the one before.
//     The human counts, not the account: nobody binds another account of his own, nor
//     somebody above him.
//   - Every change of a referrer stays in the history with who did it and why, and is
//     told as event.Referral in the same transaction.
//   - Counters of a team are kept in the transaction of what changes them; an event is
//     counted once however often it is told.
//
// Rows stay under the member's own id. Who asks for a human asks for his family, so
// joining two members and taking that back moves nothing. Nothing here earns anything.
package referral

import (
	"context"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/seal"
)

// Roles of who brings people.
const (
	Leader = "leader" // 大C、群主
	Clerk  = "clerk"  // 导购
	Staff  = "staff"  // 员工
	Member = "member" // 普通会员
)

// Roles returns all roles.
func Roles() []string { return []string{Leader, Clerk, Staff, Member} }

// States of codes and bindings.
const (
	Open     = "open"
	Closed   = "closed"
	Active   = "active"
	Ended    = "ended"
	Replaced = "replaced"
)

// Channels of a contact.
const (
	H5       = event.H5
	Mini     = event.Mini
	WeChat   = event.WeChat
	Import   = "import"
	Operator = "operator"
)

// MaxLevels is how many levels a tree may have, its root included.
const MaxLevels = 64

// Code is a personal code (推广码).
type Code struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	MemberID  id.ID         `json:"member_id"`
	Role      string        `json:"role"`
	Slot      id.ID         `json:"-"` // 0 while open
	Name      string        `json:"name"`
	State     string        `json:"state"` // open, closed
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Code) TableName() string { return "referral_code" }

// Contact is somebody meeting a code: a tap on a page, or a scan that WeChat reports.
type Contact struct {
	BrandID    id.ID // 0: the code's
	Token      string
	MemberID   id.ID         // the referee, as he acts
	Channel    string        // h5, mini, wechat, import, operator
	At         clock.Instant // 0: now
	IPHash     string        // keyed hashes, at most 64 bytes; evidence for fraud
	DeviceHash string
	Consented  bool // he was told that the referrer sees masked data of him, and agreed
}

// Binding says who brought whom (推荐关系).
type Binding struct {
	ID             id.ID         `json:"id"`
	BrandID        id.ID         `json:"brand_id"`
	MemberID       id.ID         `json:"member_id"` // the referee
	Slot           id.ID         `json:"-"`         // 0 while active
	ReferrerID     id.ID         `json:"referrer_id"`
	CodeID         id.ID         `json:"code_id"` // null: an operator did it
	Role           string        `json:"role"`    // of the referrer
	Channel        string        `json:"channel"`
	State          string        `json:"state"`
	Reason         string        `json:"reason"` // why an operator made it
	ByID           id.ID         `json:"by_id"`
	Consented      bool          `json:"consented"`
	BoundAt        clock.Instant `json:"bound_at"`
	ProtectedUntil clock.Instant `json:"protected_until"` // before it nobody else can take over
	ExpiresAt      clock.Instant `json:"expires_at"`      // null: never
	EndedAt        clock.Instant `json:"ended_at"`
	EndedReason    string        `json:"ended_reason"`
	EndedBy        id.ID         `json:"ended_by"`
	IPHash         string        `json:"-"`
	DeviceHash     string        `json:"-"`
	CreatedAt      clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Binding) TableName() string { return "referral_binding" }

// valid says whether the binding counted at a moment.
func (b *Binding) valid(at clock.Instant) bool {
	return b.BoundAt <= at && (b.ExpiresAt == 0 || b.ExpiresAt > at) && (b.EndedAt == 0 || b.EndedAt > at)
}

// Node is a member's place in a brand's trees. What is called team is all below him,
// without him.
type Node struct {
	BrandID      id.ID         `json:"brand_id"`
	MemberID     id.ID         `json:"member_id"`
	ParentID     id.ID         `json:"parent_id"` // null: a root
	Path         string        `json:"-"`
	Depth        int           `json:"depth"`  // of a root 0
	Levels       int           `json:"levels"` // of his tree with himself, exact after the nightly check and never too low
	Direct       int64         `json:"direct"`
	TeamSize     int64         `json:"team_size"`
	Active       int64         `json:"active"` // of the team, with an act of their own within 30 days
	TeamScans    int64         `json:"team_scans"`
	TeamClaims   int64         `json:"team_claims"`
	TeamOrders   int64         `json:"team_orders"`
	TeamSalesFen money.Fen     `json:"team_sales_fen"` // orders less refunds
	OwnScans     int64         `json:"own_scans"`
	OwnClaims    int64         `json:"own_claims"`
	OwnOrders    int64         `json:"own_orders"`
	OwnSalesFen  money.Fen     `json:"own_sales_fen"`
	Live         bool          `json:"live"` // he is counted among the active of those above
	LastActiveAt clock.Instant `json:"last_active_at"`
	JoinedAt     clock.Instant `json:"joined_at"`
}

// TableName names the table for GORM.
func (Node) TableName() string { return "referral_node" }

// Faults. Texts are shown to the person who taps, or to operators.
var (
	errCode     = fault.New(fault.NotFound, "referral_code_invalid", "这个推荐码无效，请向推荐人重新索取")
	errBound    = fault.New(fault.Conflict, "referral_bound", "您已有推荐人，不能再次绑定")
	errSelf     = fault.NewInvalid("referral_self", "不能绑定自己为推荐人")
	errExisting = fault.New(fault.Conflict, "referral_existing", "您已是本品牌的老会员，不能再绑定推荐人")
	errRing     = fault.New(fault.Conflict, "referral_ring", "对方是您推荐来的，不能再成为您的推荐人")
	errClosed   = fault.New(fault.Conflict, "referral_closed", "推荐人或其推荐码已停用")
	errDepth    = fault.New(fault.Conflict, "referral_depth", "推荐层级过深，不能再绑定")
	errBlocked  = fault.New(fault.Forbidden, "member_blocked", "该账号已停用，不能绑定推荐人")
	errLate     = fault.New(fault.Conflict, "referral_late", "这次扫码之后推荐关系已有变更，不再登记")
	errRole     = fault.NewInvalid("referral_role", "推荐人的身份应为 leader、clerk、staff 或 member").With("field", "role")
	errMember   = fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	errContact  = fault.NewInvalid("referral_contact", "来源应为 h5、mini、wechat、import 或 operator")
	errNone     = fault.New(fault.NotFound, "referral_none", "这个会员现在没有推荐人")
)

// Deps are what a store needs.
type Deps struct {
	DB      *db.DB
	Box     *seal.Box
	Members *member.Store
	Events  *event.Store
	Outbox  *outbox.Store
}

// Admit says whether a member may bring people in a role now.
type Admit func(ctx context.Context, brandID, memberID id.ID) (bool, error)

// Store reads and writes referrals.
type Store struct {
	Deps
	key    []byte // signs tokens
	mask   []byte // names people in lists that leave the house
	admits map[string]Admit
	binds  *db.Merger[bind]
}

// New makes a store.
func New(d Deps) *Store {
	s := &Store{Deps: d, key: d.Box.Derive("referral token"), mask: d.Box.Derive("referral mask"), admits: map[string]Admit{}}
	s.binds = db.NewMerger(d.DB, s.bindAll)
	return s
}

// UseAdmit registers who knows whether people of a role are in office (leaders that are
// suspended bring nobody). Roles without one need only a member who is not blocked.
func (s *Store) UseAdmit(role string, a Admit) { s.admits[role] = a }
