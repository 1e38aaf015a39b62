// Package commission is what people earn by bringing buyers (佣金): rules that are lawful
// by type, what each sale brings whom (计提, accruals), and the statements (结算单) by which
// it becomes money that can be withdrawn, or points.
//
// It owns the tables commission_*. States of an accrual:
//
//	frozen <--> held           (a case of fraud is open)
//	   |          |
//	   '----------+--> released --> settled
//	   |                  |            |
//	   '------------------+------------'--> clawed   (nothing of it is left)
//	nothing: the fact earned nothing, and reason says why
//
// Lawful by type (《禁止传销条例》art. 7, 微信外部链接内容管理规范). A Trigger is a claim of a
// referee's item or a referee's order; a Level is one or two; both are Go types that have
// no third value. Level two comes into force only with a legal opinion on record. Whoever
// asks for pay by head count, share, follow, team sales or an entry fee is told which rule
// forbids it (law.go).
//
// Promises:
//
//   - A fact earns once per rule and level, however often and by however many it is told;
//     a unique key decides. An order is one fact whichever event reports it.
//   - Refunds and orders may come in either order: a row per order serialises them.
//   - The sum of a rule's accruals never passes its budget, a referrer's never his caps:
//     both are decided under the lock of the rule's row.
//   - Every accrual keeps the version of the rule it was made under, and what was checked.
//   - Cash is booked in the transaction of the accrual it belongs to. Points are paid at
//     the settlement, and points taken back after it leave a row that is done again until
//     it is done.
//   - One statement per brand, earner and cycle, by a unique key; what filled it before a
//     crash stays, and the next run goes on.
//   - Rows belong to the member who acted; caps and what is shown are the human's.
package commission

import (
	"context"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/leader"
	"siyu/model/money"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/referral"
)

// States of an accrual. Rules use Draft, Active, Ended; statements Open and Closed.
const (
	Frozen   = "frozen"
	Held     = "held"
	Released = "released"
	Settled  = "settled"
	Clawed   = "clawed"
	Nothing  = "nothing"

	Draft  = "draft"
	Active = "active"
	Ended  = "ended"

	Open   = "open"
	Closed = "closed"
)

// Kinds of pay.
const (
	Cash   = "cash"
	Points = "points"
)

// Accrual is what one fact brings one earner by one rule.
type Accrual struct {
	ID          id.ID         `json:"id"`
	BrandID     id.ID         `json:"brand_id"`
	RuleID      id.ID         `json:"rule_id"`
	Version     int           `json:"version"`
	Level       Level         `json:"level"`
	EarnedOn    Trigger       `json:"trigger"`
	Pay         string        `json:"pay"`
	FactKey     string        `json:"-"`
	EventID     id.ID         `json:"event_id"`
	EventKey    string        `json:"event_key"`
	EventAt     clock.Instant `json:"event_at"`
	Day         clock.Day     `json:"day"` // business day of the fact
	RefereeID   id.ID         `json:"referee_id"`
	EarnerID    id.ID         `json:"earner_id"`
	Role        string        `json:"role"` // of the earner
	BindingID   id.ID         `json:"binding_id"`
	BoundAt     clock.Instant `json:"bound_at"`
	BatchID     id.ID         `json:"batch_id"` // of a claim
	Serial      int64         `json:"serial"`
	BaseQty     int64         `json:"base_qty"` // items that the rule covers
	BaseFen     money.Fen     `json:"base_fen"` // and what they cost
	Amount      int64         `json:"amount"`   // fen or points
	Clawed      int64         `json:"clawed"`   // of it, taken back
	AccountID   id.ID         `json:"-"`
	State       string        `json:"state"`
	Reason      string        `json:"reason"` // zh-CN: why nothing, why held, why clawed
	Checks      string        `json:"-"`
	StatementID id.ID         `json:"statement_id"`
	CreatedAt   clock.Instant `json:"created_at"`
	ReleaseAt   clock.Instant `json:"release_at"`
	ReleasedAt  clock.Instant `json:"released_at"`
	SettledAt   clock.Instant `json:"settled_at"`
}

// TableName names the table for GORM.
func (Accrual) TableName() string { return "commission_accrual" }

// Left is what of the accrual was not taken back.
func (a Accrual) Left() int64 { return a.Amount - a.Clawed }

func (a Accrual) key() string { return "commission:" + a.ID.String() }

// Books moves cash; *Accounts is it.
type Books interface {
	OpenTx(ctx context.Context, tx *gorm.DB, brandID, memberID id.ID) (id.ID, error)
	AccrueTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error
	UnaccrueTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error
	SettleTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error
	TakeTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error
}

// Purse pays points in a settlement; *points.Store is it.
type Purse interface {
	EarnAllTx(ctx context.Context, tx *gorm.DB, earnings []points.Earning) error
}

// Taker takes points back; *points.Accounts is it.
type Taker interface {
	Reverse(ctx context.Context, key string, memberID id.ID, source string, points int64, memo string) (points.Taken, error)
}

// Uplines tells who brought whom; *referral.Store is it.
type Uplines interface {
	Upline(ctx context.Context, brandID, memberID id.ID, at clock.Instant, levels int) ([]referral.Binding, error)
}

// Leaders tells who may bring people now, and who signed what; *leader.Store is it.
type Leaders interface {
	Active(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]leader.Leader, error)
	Of(ctx context.Context, brandID, memberID id.ID) (leader.Leader, bool, error)
	Signed(ctx context.Context, l leader.Leader) (bool, error)
}

// Suspicion tells which members stand under an open or confirmed case, with its reason.
type Suspicion interface {
	Held(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]string, error)
}

// Members tells who is the same human; *member.Store is it.
type Members interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	SameHuman(ctx context.Context, a, b id.ID) (bool, error)
	BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error)
}

// Codes tells in what state codes are; *code.Store is it.
type Codes interface {
	States(ctx context.Context, batchID id.ID, at clock.Instant) ([]code.Span, error)
	VoidedBatches(ctx context.Context, from, until clock.Instant) ([]id.ID, error)
}

// Shelf finds goods by what shop systems call them; *product.Store is it.
type Shelf interface {
	ByGTIN(ctx context.Context, brandID id.ID, gtin string) (product.Product, error)
}

// Events lists what happened lately, for previews; *event.Store is it.
type Events interface {
	Recent(ctx context.Context, brandID id.ID, types []string, from, until clock.Instant, most int) ([]event.Event, bool, error)
}

// Deps are what a Store works with. Suspicion and Leaders may be nil: nobody is
// suspected, nobody leads.
type Deps struct {
	DB        *db.DB
	Books     Books
	Purse     Purse
	Taker     Taker
	Uplines   Uplines
	Leaders   Leaders
	Suspicion Suspicion
	Members   Members
	Codes     Codes
	Shelf     Shelf
	Events    Events
}

// Store keeps rules, accruals and statements.
type Store struct {
	Deps
	shelf *fresh.Cache[item, id.ID]
}

// item is what a shop system calls a product. Goods that nobody registered are 0.
type item struct {
	brand id.ID
	gtin  string
}

// New makes a store; Consume is its event.Consumer.
func New(d Deps) *Store {
	return &Store{d, fresh.New(d.DB.Clock(), func(ctx context.Context, i item) (id.ID, error) {
		if i.gtin == "" {
			return 0, nil
		}
		found, err := d.Shelf.ByGTIN(ctx, i.brand, i.gtin)
		if k := fault.KindOf(err); err != nil && (k == fault.NotFound || k == fault.Invalid) {
			return 0, nil
		}
		return found.ID, err
	})}
}

// days is n days of frozen time.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// lock ends a SELECT of rows that are about to be written. SQLite has one writer.
func (s *Store) lock() string {
	if s.DB.Driver() == db.MySQL {
		return " FOR UPDATE"
	}
	return ""
}
