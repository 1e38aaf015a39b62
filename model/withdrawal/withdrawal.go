// Package withdrawal is how earned commission (佣金) leaves the house: a person asks, an
// operator approves, and the one payout machine (model/redpacket) pays.
//
// It owns the tables withdrawal, withdrawal_part, withdrawal_move and withdrawal_policy.
//
//	requested --> approved --> paid
//	    |             |------> returned   (not collected in time)
//	    |             '------> failed     (documented as final)
//	    |--> refused  (by an operator, with the reason)
//	    '--> cancelled (by the person)
//
// An approved one whose payout has left for WeChat is shown as paying.
//
// Promises. The money is held from the request on, so it cannot be used twice; it comes
// out of the acting member's account first, then out of those of his other members, and
// when nothing was paid it goes back to the same accounts. One withdrawal has one payout
// at most, created by the transaction that approves it, of what is left after tax. Its
// end is booked in the transaction that ends the payout.
package withdrawal

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/redpacket"
)

// States.
const (
	Requested = "requested"
	Approved  = "approved"
	Paying    = "paying" // shown, never stored: approved, and WeChat was called
	Paid      = "paid"
	Refused   = "refused"
	Returned  = "returned"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Task is the wake-up that tells a person what became of a withdrawal; its ref is the
// withdrawal's id.
const Task = "withdrawal:tell"

// Withdrawal is one row.
type Withdrawal struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	MemberID   id.ID         `json:"member_id"` // who asked
	RequestKey string        `json:"-"`
	AmountFen  money.Fen     `json:"amount_fen"` // before tax
	TaxFen     money.Fen     `json:"tax_fen"`    // until it is approved what would be withheld: stored as he asked, shown as of now
	TaxNote    string        `json:"tax_note"`
	State      string        `json:"state"`
	Reason     string        `json:"reason"`
	AccountID  id.ID         `json:"account_id"` // the merchant who pays
	OpenID     string        `json:"-" gorm:"column:openid"`
	PayoutID   id.ID         `json:"payout_id"`
	ByID       id.ID         `json:"by_id"` // who decided; 0: nobody, or below the amount that needs nobody
	Day        clock.Day     `json:"day"`
	CreatedAt  clock.Instant `json:"created_at"`
	DecidedAt  clock.Instant `json:"decided_at"`
	FinishedAt clock.Instant `json:"finished_at"`
}

// TableName names the table for GORM.
func (Withdrawal) TableName() string { return "withdrawal" }

// NetFen is what reaches the person.
func (w Withdrawal) NetFen() money.Fen { return w.AmountFen - w.TaxFen }

// Part is what one account gave.
type Part struct {
	WithdrawalID id.ID     `json:"-"`
	AccountID    id.ID     `json:"account_id"`
	AmountFen    money.Fen `json:"amount_fen"`
	TaxFen       money.Fen `json:"tax_fen"`
}

// TableName names the table for GORM.
func (Part) TableName() string { return "withdrawal_part" }

// Move is one line of a withdrawal's history.
type Move struct {
	ID           id.ID         `json:"id"`
	WithdrawalID id.ID         `json:"-"`
	State        string        `json:"state"`
	ByID         id.ID         `json:"by_id"` // 0: the person himself, or WeChat
	Note         string        `json:"note"`
	CreatedAt    clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Move) TableName() string { return "withdrawal_move" }

// Members tells who is the same human as a member; *member.Store is it.
type Members interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	FamilyTx(tx *gorm.DB, memberID id.ID) ([]id.ID, error)
	BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error)
	OpenID(ctx context.Context, memberID id.ID, appID string) (string, error)
	SameHuman(ctx context.Context, a, b id.ID) (bool, error)
}

var _ Members = (*member.Store)(nil)

// Brands finds the merchant who pays; *brand.Store is it.
type Brands interface {
	Account(ctx context.Context, accountID id.ID) (brand.Account, error)
}

// Suspicion names members under an open or confirmed case, with the reason (model/fraud).
type Suspicion interface {
	Held(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]string, error)
}

// Deps is what a store stands on.
type Deps struct {
	DB        *db.DB
	Accounts  *commission.Accounts
	Packets   *redpacket.Store
	Members   Members
	Brands    Brands
	Out       *outbox.Store
	Suspicion Suspicion // nil: nobody is suspected
}

// Store moves withdrawals.
type Store struct{ Deps }

// New makes a store and takes over the end of its payouts.
func New(d Deps) *Store {
	s := &Store{d}
	d.Packets.OnEnd(redpacket.ForWithdrawal, s.endTx)
	return s
}

var (
	errNotFound = fault.New(fault.NotFound, "withdrawal_not_found", "没有这笔提现")
	errDecided  = fault.New(fault.Conflict, "withdrawal_decided", "这笔提现已经处理过，请刷新后再看")
	errParted   = fault.New(fault.Conflict, "withdrawal_parted", "出资的账户已不属于同一个人，不能付款：请拒绝，由本人重新申请")
	errKeyUsed  = fault.New(fault.Conflict, "withdrawal_key_used", "同一次提交的内容前后不一致，请重新提交")
	errBlocked  = fault.New(fault.Forbidden, "withdrawal_blocked", "账号已停用，不能提现，如有疑问请联系客服")
	errNoOpenID = fault.New(fault.Conflict, "withdrawal_no_openid", "请先在微信中打开一次品牌公众号或其中的页面，再来提现：微信只能付款给公众号认识的人")
)

// Get reads one withdrawal.
func (s *Store) Get(ctx context.Context, withdrawalID id.ID) (Withdrawal, error) {
	return get(s.DB.Read(ctx), withdrawalID)
}

func get(tx *gorm.DB, withdrawalID id.ID) (Withdrawal, error) {
	var w Withdrawal
	err := tx.Where("id = ?", withdrawalID).Take(&w).Error
	if db.IsNotFound(err) {
		return w, errNotFound
	}
	if err != nil {
		return w, fmt.Errorf("withdrawal: %w", err)
	}
	return w, nil
}

// moved writes a line of the history.
func (s *Store) moved(ctx context.Context, tx *gorm.DB, withdrawalID id.ID, state string, by id.ID, note string) error {
	_, err := db.Exec(ctx, tx, "INSERT INTO withdrawal_move (id, withdrawal_id, state, by_id, note, created_at) VALUES (?,?,?,?,?,?)",
		s.DB.NewID(), withdrawalID, state, by, cut(note, 200), s.DB.Now())
	if err != nil {
		return fmt.Errorf("withdrawal: history: %w", err)
	}
	return nil
}

// step moves a withdrawal from one state to another, guarded: of two who try, one does.
func (s *Store) step(ctx context.Context, tx *gorm.DB, withdrawalID id.ID, from, to string, by id.ID, reason string) (bool, error) {
	now := s.DB.Now()
	stmt, args := "UPDATE withdrawal SET state = ?, reason = ?, finished_at = ?", []any{to, cut(reason, 200), now}
	if from == Requested {
		stmt, args = stmt+", decided_at = ?, by_id = ?", append(args, now, by)
	}
	if to == Approved {
		args[2] = 0
	}
	r, err := db.Exec(ctx, tx, stmt+" WHERE id = ? AND state = ?", append(args, withdrawalID, from)...)
	if err != nil {
		return false, fmt.Errorf("withdrawal: move: %w", err)
	}
	n, err := r.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.moved(ctx, tx, withdrawalID, to, by, reason)
}

func parts(tx *gorm.DB, withdrawalID id.ID) ([]Part, error) {
	list := []Part{}
	if err := tx.Where("withdrawal_id = ?", withdrawalID).Order("account_id").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("withdrawal: parts: %w", err)
	}
	return list, nil
}

func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes])
	}
	return text
}
