package withdrawal

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// Filter narrows a list. Zero fields mean all.
type Filter struct {
	BrandID  id.ID
	MemberID id.ID
	State    string
	Before   id.ID
	Limit    int
}

// List pages withdrawals, newest first. While nobody decided, their tax is what is suggested now.
func (s *Store) List(ctx context.Context, f Filter) ([]Withdrawal, error) {
	var members []id.ID
	if f.MemberID != 0 {
		members = []id.ID{f.MemberID}
	}
	return s.list(ctx, f, members)
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	q := s.narrowed(ctx, f)
	if f.MemberID != 0 {
		q = q.Where("member_id = ?", f.MemberID)
	}
	return db.Total(q.Model(&Withdrawal{}))
}

func (s *Store) list(ctx context.Context, f Filter, members []id.ID) ([]Withdrawal, error) {
	list := []Withdrawal{}
	if err := db.PageOf(s.narrowed(ctx, f), "withdrawal", "member_id", members, f.Before, f.Limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("withdrawal: list: %w", err)
	}
	return list, s.fresh(ctx, list)
}

func (s *Store) narrowed(ctx context.Context, f Filter) *gorm.DB {
	q := s.DB.Read(ctx)
	if f.BrandID != 0 {
		q = q.Where("brand_id = ?", f.BrandID)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q
}

// Mine pages the withdrawals of the human with a brand (0: with all), newest first.
func (s *Store) Mine(ctx context.Context, brandID, memberID, before id.ID, limit int) ([]Withdrawal, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, Filter{BrandID: brandID, Before: before, Limit: limit}, family)
}

// Detail is a withdrawal as an operator sees it.
type Detail struct {
	Withdrawal
	NetFen  money.Fen         `json:"net_fen"`
	Parts   []Part            `json:"parts"`
	Payout  *redpacket.Payout `json:"payout"`
	History []Move            `json:"history"`
}

// Detail reads a withdrawal with all that belongs to it. While nobody decided, its tax is
// what is suggested now.
func (s *Store) Detail(ctx context.Context, withdrawalID id.ID) (Detail, error) {
	w, err := s.Get(ctx, withdrawalID)
	if err == nil {
		w, err = s.freshOne(ctx, w)
	}
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Withdrawal: w, NetFen: w.NetFen(), History: []Move{}}
	tx := s.DB.Read(ctx)
	if d.Parts, err = parts(tx, w.ID); err != nil {
		return Detail{}, err
	}
	if err := tx.Where("withdrawal_id = ?", w.ID).Order("id").Find(&d.History).Error; err != nil {
		return Detail{}, fmt.Errorf("withdrawal: history: %w", err)
	}
	if w.PayoutID == 0 {
		return d, nil
	}
	p, err := s.Packets.Get(ctx, w.PayoutID)
	if err != nil {
		return Detail{}, err
	}
	d.Payout, d.State = &p, shown(w, p)
	return d, nil
}

// shown is the state with paying told from approved.
func shown(w Withdrawal, p redpacket.Payout) string {
	if w.State == Approved && p.State != redpacket.Pending {
		return Paying
	}
	return w.State
}

// Confirm is what the person's phone needs to take a transfer (requestMerchantTransfer).
type Confirm struct {
	MchID   string `json:"mch_id"`
	AppID   string `json:"app_id"`
	Package string `json:"package"`
}

// View is a withdrawal as the person sees it.
type View struct {
	Withdrawal
	NetFen    money.Fen     `json:"net_fen"`
	BillNo    string        `json:"bill_no"`
	InChat    bool          `json:"in_chat"` // a red packet that waits in his WeChat to be opened
	Review    bool          `json:"review"`  // being looked at; nothing to do for him
	Confirm   *Confirm      `json:"confirm"` // he must confirm, until
	ConfirmBy clock.Instant `json:"confirm_by"`
	Over      bool          `json:"over"` // nothing more will happen
}

// State reads one of the human's own withdrawals, with what he must do. Faults: NotFound
// withdrawal_not_found, also for another's.
func (s *Store) State(ctx context.Context, memberID, withdrawalID id.ID) (View, error) {
	w, err := s.own(ctx, memberID, withdrawalID)
	if err == nil {
		w, err = s.freshOne(ctx, w)
	}
	if err != nil {
		return View{}, err
	}
	v := View{Withdrawal: w, NetFen: w.NetFen(), Over: w.State != Requested && w.State != Approved}
	if w.PayoutID == 0 {
		return v, nil
	}
	p, err := s.Packets.Get(ctx, w.PayoutID)
	if err != nil {
		return View{}, err
	}
	v.State, v.BillNo, v.Review = shown(w, p), p.BillNo, p.Review && !v.Over
	if p.State != redpacket.Accepted {
		return v, nil
	}
	if p.Rail == brand.RailRedpack {
		v.InChat = true
		return v, nil
	}
	if v.ConfirmBy = p.ConfirmBy(); p.PackageInfo == "" || v.ConfirmBy <= s.DB.Now() {
		return v, nil
	}
	payer, err := s.Brands.Account(ctx, p.AccountID)
	if err != nil {
		return View{}, err
	}
	v.Confirm = &Confirm{MchID: payer.AppID, AppID: p.AppID, Package: p.PackageInfo}
	return v, nil
}

// own reads a withdrawal of the human who the member is.
func (s *Store) own(ctx context.Context, memberID, withdrawalID id.ID) (Withdrawal, error) {
	w, err := s.Get(ctx, withdrawalID)
	if err != nil {
		return Withdrawal{}, err
	}
	mine, err := s.Members.SameHuman(ctx, w.MemberID, memberID)
	if err == nil && !mine {
		err = errNotFound
	}
	return w, err
}

// TaxLine is one paid withdrawal of a month's tax report.
type TaxLine struct {
	ID         id.ID         `json:"id"`
	MemberID   id.ID         `json:"member_id"`
	AmountFen  money.Fen     `json:"amount_fen"`
	TaxFen     money.Fen     `json:"tax_fen"`
	TaxNote    string        `json:"tax_note"`
	BillNo     string        `json:"bill_no"`
	FinishedAt clock.Instant `json:"finished_at"`
}

// TaxReport pages what was paid in a month (yyyymm, Shanghai), by id from after.
func (s *Store) TaxReport(ctx context.Context, brandID id.ID, month int, after id.ID, limit int) ([]TaxLine, error) {
	if month < 202001 || month > 209912 || month%100 < 1 || month%100 > 12 {
		return nil, fault.NewInvalid("bad_field", "月份应形如 202611").With("field", "month")
	}
	first := clock.Day(month*100 + 1)
	from, _ := first.Bounds()
	until, _ := first.AddMonths(1).Bounds()
	list := []TaxLine{}
	err := s.DB.Read(ctx).Raw(`SELECT withdrawal.id, withdrawal.member_id, withdrawal.amount_fen, withdrawal.tax_fen, withdrawal.tax_note, payout.bill_no, withdrawal.finished_at
		FROM withdrawal JOIN payout ON payout.id = withdrawal.payout_id
		WHERE withdrawal.brand_id = ? AND withdrawal.state = 'paid' AND withdrawal.finished_at >= ? AND withdrawal.finished_at < ? AND withdrawal.id > ?
		ORDER BY withdrawal.id LIMIT ?`, brandID, from, until, after, limit).Scan(&list).Error
	if err != nil {
		return nil, fmt.Errorf("withdrawal: tax report: %w", err)
	}
	return list, nil
}
