// Package reconcile holds our payouts against what WeChat says of them (对账): the fund
// bill of every day of every merchant account, line by line, in both directions; where
// there is no bill, an answer for each payout. And what else finance asks of the merchant
// accounts: their balance, and what was paid in a month.
//
// It owns the tables recon_day, recon_line, recon_item, merchant_balance and payout_day.
// A day:
//
//	waiting --> matching --> done          and back to waiting when somebody asks again
//	   '---------- failed (tried for days; somebody must ask again)
//
// A difference (recon_item):
//
//	open --> explained (a person says why)
//	  '----> resolved  (a later bill, or a later look at our own row, made it go away)
//
// Promises. It reads payouts and moves none: no money depends on it. The lines of a bill
// count all together once its hash, its totals and its lines agreed, or not at all. What
// differs is a function of a payout and all lines about it, so a day may be run again at
// any time, by two workers at once, or be cut off anywhere: nothing is counted or found
// twice, and a difference that is gone resolves itself. A missing line is called missing
// only when the bills of all days on which it could stand are there.
package reconcile

import (
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/redpacket"
)

// Task is the wake-up that works on one day; its ref is the day's id.
const Task = "recon:run"

// States of a day.
const (
	Waiting  = "waiting"
	Matching = "matching"
	Done     = "done"
	Failed   = "failed"
)

// Sources of a day's lines.
const (
	FromBill  = "bill"  // 资金账单
	FromQuery = "query" // WeChat was asked for each payout: finds nothing that is only theirs
)

// Results of a line.
const (
	Matched    = "matched"
	Returned   = "returned" // money of a payout that came back, as we know
	Differs    = "differs"
	OnlyWeChat = "only_wechat" // a payout that is not ours
	Other      = "other"       // top-ups, fees, refunds of orders: not our business
	Unclear    = "unclear"     // WeChat was asked and did not say
)

// Kinds of difference, beside OnlyWeChat.
const (
	Amount   = "amount"    // other money than ours
	OnlyOurs = "only_ours" // we say it was paid, the bills say nothing
	NoReturn = "no_return" // we released the money, the bills do not show it coming back
	State    = "state"     // the bill tells of an end that our row contradicts
	Double   = "double"    // paid twice under one number
)

// States of a difference.
const (
	Open      = "open"
	Explained = "explained"
	Resolved  = "resolved"
)

// Proofs of a balance.
const (
	ProofNone   = "none"   // the bill has no balance, or there is no bill
	ProofOK     = "ok"     // opening + in - out = closing, and the opening is yesterday's closing
	ProofSum    = "sum"    // it does not add up within the day: the bill itself lacks something
	ProofBefore = "before" // the opening is not what the day before ended with
)

// Day is one row of recon_day.
type Day struct {
	ID          id.ID         `json:"id"`
	BrandID     id.ID         `json:"brand_id"`
	AccountID   id.ID         `json:"account_id"`
	Day         clock.Day     `json:"day"` // 20261121
	State       string        `json:"state"`
	Source      string        `json:"source"`
	Gen         int           `json:"-"`
	NextGen     int           `json:"-"`
	TotalLines  int64         `json:"total_lines"`
	DoneLines   int64         `json:"done_lines"` // matched so far, while matching
	SHA1        string        `json:"sha1" gorm:"column:sha1"`
	InFen       money.Fen     `json:"in_fen"`
	OutFen      money.Fen     `json:"out_fen"`
	OpeningFen  money.Fen     `json:"opening_fen"`
	ClosingFen  money.Fen     `json:"closing_fen"`
	Proof       string        `json:"proof"`
	Matched     int64         `json:"matched"` // lines of payouts that are as they should be
	MatchedFen  money.Fen     `json:"matched_fen"`
	Returned    int64         `json:"returned"`
	ReturnedFen money.Fen     `json:"returned_fen"`
	OtherLines  int64         `json:"other_lines"`
	OtherInFen  money.Fen     `json:"other_in_fen"`
	OtherOutFen money.Fen     `json:"other_out_fen"`
	Error       string        `json:"error"` // zh-CN: why it waits or failed
	CreatedAt   clock.Instant `json:"created_at"`
	AskedAt     clock.Instant `json:"asked_at"` // when the running or last run was asked for
	FinishedAt  clock.Instant `json:"finished_at"`

	// Counted from the differences when a day is shown.
	Open      int64 `json:"open" gorm:"-"`
	Explained int64 `json:"explained" gorm:"-"`
	Resolved  int64 `json:"resolved" gorm:"-"`
}

// TableName names the table for GORM.
func (Day) TableName() string { return "recon_day" }

// Line is one row of recon_line.
type Line struct {
	DayID      id.ID         `json:"-"`
	Gen        int           `json:"-"`
	Seq        int64         `json:"seq"` // from 1, in the bill's order
	At         clock.Instant `json:"at"`
	WechatNo   string        `json:"wechat_no"`
	FlowNo     string        `json:"flow_no"`
	Business   string        `json:"business"`
	Kind       string        `json:"kind"`
	AmountFen  money.Fen     `json:"amount_fen"` // in > 0, out < 0
	BalanceFen money.Fen     `json:"balance_fen"`
	Memo       string        `json:"memo"`
	Voucher    string        `json:"voucher"`
	Said       string        `json:"said"` // the answer to a query, in the words of a payout's states; "" in a bill
	PayoutID   id.ID         `json:"payout_id"`
	Result     string        `json:"result"`
}

// TableName names the table for GORM.
func (Line) TableName() string { return "recon_line" }

// Item is one difference.
type Item struct {
	ID          id.ID         `json:"id"`
	ItemKey     string        `json:"-"`
	BrandID     id.ID         `json:"brand_id"`
	AccountID   id.ID         `json:"account_id"`
	Day         clock.Day     `json:"day"` // of the bill that shows it, or should
	Kind        string        `json:"kind"`
	State       string        `json:"state"`
	PayoutID    id.ID         `json:"payout_id"`
	BillNo      string        `json:"bill_no"`
	WechatNo    string        `json:"wechat_no"`
	FlowNo      string        `json:"flow_no"`
	OursFen     money.Fen     `json:"ours_fen"`
	WechatFen   money.Fen     `json:"wechat_fen"`
	OursState   string        `json:"ours_state"`
	Note        string        `json:"note"`    // zh-CN: what differs
	Version     int64         `json:"version"` // grows whenever what it says changes; a reason is for one version
	Since       clock.Instant `json:"since"`   // when the money moved, or should have: its age
	Reason      string        `json:"reason"`
	ByID        id.ID         `json:"by_id"`
	ByLogin     string        `json:"by_login"`
	ExplainedAt clock.Instant `json:"explained_at"`
	ResolvedAt  clock.Instant `json:"resolved_at"`
	CreatedAt   clock.Instant `json:"created_at"`
	UpdatedAt   clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Item) TableName() string { return "recon_item" }

// Store reconciles.
type Store struct {
	db      *db.DB
	packets *redpacket.Store
	out     *outbox.Store
}

// New makes a store.
func New(d *db.DB, packets *redpacket.Store, out *outbox.Store) *Store {
	return &Store{db: d, packets: packets, out: out}
}

var (
	errNoDay  = fault.New(fault.NotFound, "recon_day_unknown", "没有这一天的对账记录")
	errNoItem = fault.New(fault.NotFound, "recon_item_unknown", "没有这条对账差异")
)

func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes])
	}
	return text
}
