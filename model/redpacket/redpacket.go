// Package redpacket is the payout (打款单) behind every cash prize and every withdrawal of
// commission: our order to WeChat to pay one person one amount under one bill number.
//
// It owns the table payout and the ledger accounts promised and paid. What it pays for is
// the payout's purpose: the end of a claim's is booked here, that of another purpose by
// its owner (OnEnd), in the same transaction.
//
//	pending --> sending --> accepted --> settled
//	               |            '-----> returned   (not collected in time)
//	               '----------------> failed       (documented as final)
//
// Promises. The amount and the bill number (商户单号) are fixed by the claim's
// transaction and never change, so however often a payout is sent, WeChat pays it at
// most once. sending is committed before the first call goes out; whatever is not
// documented as final stays in sending and is asked for by the same number. States
// move forward only. settled books promised -> paid, returned and failed give the
// money back to the brand, each in the transaction that moves the state.
package redpacket

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/outbox"
)

// States.
const (
	Pending  = "pending"
	Sending  = "sending"
	Accepted = "accepted"
	Settled  = "settled"
	Returned = "returned"
	Failed   = "failed"
)

// Purposes.
const (
	ForClaim      = "claim"      // a cash prize
	ForWithdrawal = "withdrawal" // commission on its way out (model/withdrawal)
)

// Task is the wake-up that drives one payout until its end; its ref is the payout's id.
const Task = "payout:drive"

// ConfirmHours is how long a person may take to confirm a transfer (WeChat: 24 h).
const ConfirmHours = 24

// Payout is one row.
type Payout struct {
	ID          id.ID         `json:"id"`
	ClaimID     id.ID         `json:"claim_id"` // what it pays for: a claim, or what its purpose says
	Purpose     string        `json:"purpose"`
	BrandID     id.ID         `json:"brand_id"`
	CampaignID  id.ID         `json:"campaign_id"`
	MemberID    id.ID         `json:"member_id"`
	AccountID   id.ID         `json:"account_id"`
	Rail        string        `json:"rail"`
	AppID       string        `json:"app_id"`
	OpenID      string        `json:"-" gorm:"column:openid"`
	AmountFen   money.Fen     `json:"amount_fen"`
	BillNo      string        `json:"bill_no"`
	Wishing     string        `json:"wishing"`
	ActName     string        `json:"act_name"`
	SceneID     string        `json:"scene_id"` // of the rail; "": the merchant's own
	Reports     string        `json:"-"`        // []Info
	State       string        `json:"state"`
	WaitUser    bool          `json:"wait_user"` // the person must confirm (merchant transfer)
	WechatNo    string        `json:"wechat_no"`
	PackageInfo string        `json:"-"`
	Code        string        `json:"code"`
	Reason      string        `json:"reason"`
	Attempts    int           `json:"attempts"`
	Review      bool          `json:"review"` // a person must look
	CreatedAt   clock.Instant `json:"created_at"`
	MovedAt     clock.Instant `json:"moved_at"` // last change of state
	NextAt      clock.Instant `json:"next_at"`  // when it will be driven again
	FinishedAt  clock.Instant `json:"finished_at"`
}

// TableName names the table for GORM.
func (Payout) TableName() string { return "payout" }

// Final says whether nothing more will happen.
func (p Payout) Final() bool { return p.State == Settled || p.State == Returned || p.State == Failed }

// ConfirmBy is until when the person can confirm, or none.
func (p Payout) ConfirmBy() clock.Instant {
	if p.State != Accepted || !p.WaitUser {
		return 0
	}
	return p.MovedAt.Add(ConfirmHours * time.Hour)
}

// Info is one line that a transfer's scene wants reported (transfer_scene_report_infos).
type Info struct{ Type, Content string }

// Infos are the lines to report with a transfer, fixed with the bill number.
func (p Payout) Infos() (out []Info, err error) {
	if p.Reports != "" {
		err = json.Unmarshal([]byte(p.Reports), &out)
	}
	return out, err
}

// Order is what a claim asks for, or with PayTx another purpose.
type Order struct {
	PayoutID   id.ID     // 0: made here
	Day        clock.Day // in the bill number; 0: today
	ClaimID    id.ID     // what is paid for
	BrandID    id.ID
	CampaignID id.ID
	MemberID   id.ID
	Account    brand.Account // merchant; its PayAppID is the app of OpenID
	OpenID     string
	AmountFen  money.Fen
	Wishing    string
	ActName    string

	// With PayTx only.
	Purpose string
	SceneID string
	Infos   []Info
}

// Store moves payouts.
type Store struct {
	db     *db.DB
	ledger *ledger.Ledger
	out    *outbox.Store
	steps  *db.Merger[step]
	ends   map[string]End
}

// End books the end of a payout in the transaction that moves it; out is OutSettled,
// OutReturned or OutFailed. It runs again when the transaction does.
type End func(ctx context.Context, tx *gorm.DB, p Payout, out string) error

// OnEnd names who books the end of payouts of a purpose other than ForClaim. It is called
// while the program is put together.
func (s *Store) OnEnd(purpose string, end End) { s.ends[purpose] = end }

// New makes a store. One store per process, so that its steps are merged.
func New(d *db.DB, l *ledger.Ledger, out *outbox.Store) *Store {
	s := &Store{db: d, ledger: l, out: out, ends: map[string]End{}}
	s.steps = db.NewMerger(d, s.move)
	return s
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// BillNo is the bill number of a payout: SY, the business day, the id in Base32: 23 of
// the 28 characters that mch_billno allows, letters and digits only, unique for ever.
func BillNo(payoutID id.ID, day clock.Day) string {
	b := []byte(fmt.Sprintf("SY%08d0000000000000", day))
	for i, n := len(b)-1, uint64(payoutID); n > 0; i, n = i-1, n>>5 {
		b[i] = crockford[n&31]
	}
	return string(b)
}

// PromiseAllTx creates the payouts of claims that are new in this transaction, books
// reserved -> promised and queues the sending: three statements, however many orders.
func (s *Store) PromiseAllTx(ctx context.Context, tx *gorm.DB, orders []Order) error {
	if len(orders) == 0 {
		return nil
	}
	now := s.db.Now()
	day := clock.DayOf(now)
	rows := db.NewRows("payout", `id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no,
		wishing, act_name, state, wait_user, wechat_no, package_info, code, reason, attempts, review, created_at, moved_at, next_at, finished_at`)
	ids := make([]id.ID, 0, len(orders))
	entries := make([]ledger.Entry, 0, len(orders))
	for _, o := range orders {
		if o.AmountFen <= 0 || o.OpenID == "" || o.Account.ID == 0 {
			return fmt.Errorf("redpacket: order of claim %d is incomplete", o.ClaimID)
		}
		payoutID := cmp.Or(o.PayoutID, s.db.NewID())
		bill := BillNo(payoutID, cmp.Or(o.Day, day))
		set := o.Account.Settings
		rows.Add(payoutID, o.ClaimID, o.BrandID, o.CampaignID, o.MemberID, o.Account.ID, set.Rail, set.PayAppID, o.OpenID, o.AmountFen, bill,
			cut(o.Wishing, 60), cut(o.ActName, 32), Pending, 0, "", "", "", "", 0, 0, now, now, now, 0)
		ids = append(ids, payoutID)
		entries = append(entries, ledger.Entry{Key: "claim:" + o.ClaimID.String() + ":cash", Unit: ledger.Fen,
			Debit: ledger.Account{Kind: ledger.Reserved, Owner: o.CampaignID}, Credit: ledger.Account{Kind: ledger.Promised, Owner: o.CampaignID},
			Amount: int64(o.AmountFen), Memo: "红包已中出 " + bill})
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return fmt.Errorf("redpacket: promise: %w", err)
	}
	if err := s.ledger.PostNewTx(ctx, tx, entries); err != nil {
		return err
	}
	return s.out.PutAllTx(ctx, tx, Task, ids)
}

// PayTx creates the payout of another purpose than a claim and queues the sending. What
// it pays is held by its owner already: nothing is booked here before its end.
func (s *Store) PayTx(ctx context.Context, tx *gorm.DB, o Order) (Payout, error) {
	if o.AmountFen <= 0 || o.OpenID == "" || o.Account.ID == 0 || o.ClaimID == 0 || s.ends[o.Purpose] == nil {
		return Payout{}, fmt.Errorf("redpacket: order of %s %d is incomplete", o.Purpose, o.ClaimID)
	}
	infos, err := json.Marshal(o.Infos)
	if err != nil {
		return Payout{}, fmt.Errorf("redpacket: infos: %w", err)
	}
	now := s.db.Now()
	p := Payout{ID: cmp.Or(o.PayoutID, s.db.NewID()), ClaimID: o.ClaimID, Purpose: o.Purpose, BrandID: o.BrandID, CampaignID: o.CampaignID, MemberID: o.MemberID,
		AccountID: o.Account.ID, Rail: o.Account.Settings.Rail, AppID: o.Account.Settings.PayAppID, OpenID: o.OpenID, AmountFen: o.AmountFen,
		Wishing: cut(o.Wishing, 60), ActName: cut(o.ActName, 32), SceneID: o.SceneID, Reports: string(infos), State: Pending,
		CreatedAt: now, MovedAt: now, NextAt: now}
	p.BillNo = BillNo(p.ID, cmp.Or(o.Day, clock.DayOf(now)))
	if err := tx.WithContext(ctx).Create(&p).Error; err != nil {
		return Payout{}, fmt.Errorf("redpacket: pay: %w", err)
	}
	return p, s.out.PutAllTx(ctx, tx, Task, []id.ID{p.ID})
}

func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes])
	}
	return text
}

var errNotFound = fault.New(fault.NotFound, "payout_not_found", "没有这笔打款")

// Get reads one payout.
func (s *Store) Get(ctx context.Context, payoutID id.ID) (Payout, error) {
	return s.one(ctx, "id = ?", payoutID)
}

// OfClaim reads the payout of a claim, or of what else it is for.
func (s *Store) OfClaim(ctx context.Context, claimID id.ID) (Payout, error) {
	return s.one(ctx, "claim_id = ?", claimID)
}

// ByBill reads a payout by its bill number.
func (s *Store) ByBill(ctx context.Context, billNo string) (Payout, error) {
	return s.one(ctx, "bill_no = ?", billNo)
}

func (s *Store) one(ctx context.Context, where string, arg any) (Payout, error) {
	var p Payout
	err := s.db.Read(ctx).Where(where, arg).Take(&p).Error
	if db.IsNotFound(err) {
		return p, errNotFound
	}
	if err != nil {
		return p, fmt.Errorf("redpacket: %w", err)
	}
	return p, nil
}

// Filter narrows a list. Zero fields mean all.
type Filter struct {
	BrandID    id.ID
	CampaignID id.ID
	MemberID   id.ID
	AccountID  id.ID
	Purpose    string
	Rail       string
	State      string
	Review     *bool
	BillNo     string        // ours, or WeChat's, whole
	From       clock.Instant // made at or after
	Until      clock.Instant // made before
	MinFen     money.Fen
	MaxFen     money.Fen // inclusive
	Before     id.ID
	Limit      int
}

// maxRange bounds the days in which payouts are looked for by amount, rail or purpose: they
// are found by looking at each one's line of the index.
const maxRange = 31

// where is the part of a list's query that a filter makes.
func (s *Store) where(ctx context.Context, f Filter) (*gorm.DB, error) {
	q := s.db.Read(ctx).Model(&Payout{})
	for _, c := range []struct {
		sql   string
		value any
		given bool
	}{{"brand_id = ?", f.BrandID, f.BrandID != 0}, {"campaign_id = ?", f.CampaignID, f.CampaignID != 0}, {"member_id = ?", f.MemberID, f.MemberID != 0},
		{"account_id = ?", f.AccountID, f.AccountID != 0}, {"state = ?", f.State, f.State != ""}, {"purpose = ?", f.Purpose, f.Purpose != ""},
		{"rail = ?", f.Rail, f.Rail != ""}, {"bill_no = ?", f.BillNo, f.BillNo != ""}, {"created_at >= ?", f.From, f.From != 0},
		{"created_at < ?", f.Until, f.Until != 0}, {"amount_fen >= ?", f.MinFen, f.MinFen != 0}, {"amount_fen <= ?", f.MaxFen, f.MaxFen != 0}} {
		if c.given {
			q = q.Where(c.sql, c.value)
		}
	}
	if f.Review != nil {
		q = q.Where("review = ?", *f.Review)
	}
	named := f.BillNo != "" || f.MemberID != 0 // there are few of those
	if (f.MinFen != 0 || f.MaxFen != 0 || f.Rail != "" || f.Purpose != "") && !named {
		until := f.Until
		if now := s.db.Now(); until == 0 || until > now {
			until = now
		}
		if f.From == 0 || until.Sub(f.From) > (maxRange+1)*24*time.Hour {
			return nil, fault.Invalidf("payout_range", "按金额、方式或用途查找时，请把日期范围限制在 %d 天以内", maxRange).With("field", "from")
		}
	}
	return q, nil
}

// Count counts the payouts of a list, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	q, err := s.where(ctx, f)
	if err != nil {
		return 0, false, err
	}
	return db.Total(q)
}

// List pages payouts, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Payout, error) {
	q, err := s.where(ctx, f)
	if err != nil {
		return nil, err
	}
	out := []Payout{}
	err = db.Page(q, "payout", f.Before, f.Limit).Find(&out).Error
	return out, err
}

// OfMember pages the red packets that one member won, newest first.
func (s *Store) OfMember(ctx context.Context, memberID, before id.ID, limit int) ([]Payout, error) {
	return s.List(ctx, Filter{MemberID: memberID, Purpose: ForClaim, Before: before, Limit: limit})
}
