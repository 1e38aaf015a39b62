package commission

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/money"
)

// Account is what one member earned with one brand, or the sum over a human's members.
type Account struct {
	ID           id.ID         `json:"id"`
	BrandID      id.ID         `json:"brand_id"`
	MemberID     id.ID         `json:"member_id"`
	AccruedFen   money.Fen     `json:"accrued_fen"`   // within the days in which it may be taken back
	AvailableFen money.Fen     `json:"available_fen"` // may be withdrawn, less what is owed
	HeldFen      money.Fen     `json:"held_fen"`      // in withdrawals under way
	OwedFen      money.Fen     `json:"owed_fen"`      // taken back after it had been withdrawn
	PaidFen      money.Fen     `json:"paid_fen"`      // arrived, after tax
	TaxFen       money.Fen     `json:"tax_fen"`       // withheld
	CreatedAt    clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Account) TableName() string { return "commission_account" }

// FreeFen is what the human can withdraw now: what one of his members owes is paid by the
// others first.
func (a Account) FreeFen() money.Fen { return max(0, a.AvailableFen-a.OwedFen) }

// Accounts keeps what members earned. It owns the table commission_account and the
// ledger's accounts accrued, earned, withdrawing, earned_debt (of an account), withdrawn
// and tax_due (of a brand); the row and the book change in one transaction and are equal
// after each.
//
// Every move has a key from its fact: the same key again with the same content changes
// nothing, with other content it is Conflict entry_conflict. What an account does not
// have cannot be moved: Exhausted commission_short, and the caller's transaction must go
// back. What is owed is paid by whatever becomes available, at once. The transaction
// should be fresh (db.InFreshTx), and who moves several accounts opens or locks them in
// the order of their ids.
type Accounts struct {
	db     *db.DB
	ledger *ledger.Ledger
}

// NewAccounts makes a store.
func NewAccounts(d *db.DB, l *ledger.Ledger) *Accounts { return &Accounts{db: d, ledger: l} }

var (
	errShort   = fault.New(fault.Exhausted, "commission_short", "账户余额不足")
	errAmount  = fault.NewInvalid("commission_amount", "金额必须大于零")
	errAccount = fault.New(fault.NotFound, "commission_account_not_found", "没有这个佣金账户")
)

// OpenTx finds or makes the account of a member with a brand and locks its row.
func (a *Accounts) OpenTx(ctx context.Context, tx *gorm.DB, brandID, memberID id.ID) (id.ID, error) {
	_, err := db.Exec(ctx, tx, `INSERT INTO commission_account (id, brand_id, member_id, accrued_fen, available_fen, held_fen, owed_fen, paid_fen, tax_fen, moves, created_at)
		VALUES (?,?,?,0,0,0,0,0,0,0,?)`+a.db.Once("moves"), a.db.NewID(), brandID, memberID, a.db.Now())
	if err != nil {
		return 0, fmt.Errorf("commission: open: %w", err)
	}
	if _, err := db.Exec(ctx, tx, "UPDATE commission_account SET moves = moves + 1 WHERE brand_id = ? AND member_id = ?", brandID, memberID); err != nil {
		return 0, fmt.Errorf("commission: lock: %w", err)
	}
	row, err := a.rowTx(ctx, tx, "brand_id = ? AND member_id = ?", brandID, memberID)
	return row.ID, err
}

// LockTx locks the accounts that the members have with a brand, in the order of their
// ids, and reads them.
func (a *Accounts) LockTx(ctx context.Context, tx *gorm.DB, brandID id.ID, members []id.ID) ([]Account, error) {
	var ids []id.ID
	if err := tx.WithContext(ctx).Raw("SELECT id FROM commission_account WHERE brand_id = ? AND member_id IN ?", brandID, members).Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("commission: accounts: %w", err)
	}
	slices.Sort(ids)
	out := make([]Account, 0, len(ids))
	for _, account := range ids {
		if _, err := db.Exec(ctx, tx, "UPDATE commission_account SET moves = moves + 1 WHERE id = ?", account); err != nil {
			return nil, fmt.Errorf("commission: lock: %w", err)
		}
		row, err := a.rowTx(ctx, tx, "id = ?", account)
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

func (a *Accounts) rowTx(ctx context.Context, tx *gorm.DB, where string, args ...any) (Account, error) {
	var row Account
	err := tx.WithContext(ctx).Where(where, args...).Take(&row).Error
	if db.IsNotFound(err) {
		return row, errAccount
	}
	if err != nil {
		return row, fmt.Errorf("commission: account: %w", err)
	}
	return row, nil
}

// AccrueTx books what a referrer earned and may still lose: the brand's funds -> accrued.
func (a *Accounts) AccrueTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.Funds, to: ledger.Accrued, fen: fen, key: key, memo: memo, row: change{accrued: fen}})
}

// UnaccrueTx takes it back within its days: accrued -> funds.
func (a *Accounts) UnaccrueTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.Accrued, to: ledger.Funds, fen: fen, key: key, memo: memo, row: change{accrued: -fen}})
}

// SettleTx makes it available: accrued -> earned, and pays what is owed.
func (a *Accounts) SettleTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.Accrued, to: ledger.Earned, fen: fen, key: key, memo: memo,
		row: change{accrued: -fen, available: fen}, repay: "抵扣应退佣金"})
}

// TakeTx takes settled commission back: earned -> funds. What is no longer there is owed;
// what is held by a withdrawal is not touched.
func (a *Accounts) TakeTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.EarnedDebt, to: ledger.Funds, fen: fen, key: key, memo: memo,
		row: change{owed: fen}, repay: memo})
}

// HoldTx holds money for a withdrawal: earned -> withdrawing.
func (a *Accounts) HoldTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.Earned, to: ledger.Withdrawing, fen: fen, key: key, memo: memo,
		row: change{available: -fen, held: fen}})
}

// UnholdTx gives it back: withdrawing -> earned, and pays what came to be owed meanwhile.
func (a *Accounts) UnholdTx(ctx context.Context, tx *gorm.DB, account id.ID, fen money.Fen, key, memo string) error {
	return a.move(ctx, tx, account, step{from: ledger.Withdrawing, to: ledger.Earned, fen: fen, key: key, memo: memo,
		row: change{available: fen, held: -fen}, repay: "抵扣应退佣金"})
}

// PayTx ends a hold with the money gone: withdrawing -> the brand's withdrawn for
// gross - tax and tax_due for tax. 0 <= tax <= gross.
func (a *Accounts) PayTx(ctx context.Context, tx *gorm.DB, account id.ID, gross, tax money.Fen, key string) error {
	if gross <= 0 || tax < 0 || tax > gross {
		return errAmount
	}
	if net := gross - tax; net > 0 {
		err := a.move(ctx, tx, account, step{from: ledger.Withdrawing, to: ledger.Withdrawn, fen: net, key: key, memo: "佣金提现已到账", row: change{held: -net, paid: net}})
		if err != nil {
			return err
		}
	}
	if tax == 0 {
		return nil
	}
	return a.move(ctx, tx, account, step{from: ledger.Withdrawing, to: ledger.TaxDue, fen: tax, key: key + ":tax", memo: "佣金代扣税款", row: change{held: -tax, tax: tax}})
}

// Of is the human's account with a brand: the sum over the members he is. Zero amounts
// when he never earned anything.
func (a *Accounts) Of(ctx context.Context, brandID, memberID id.ID) (Account, error) {
	out := Account{BrandID: brandID, MemberID: memberID}
	rows, err := a.OfFamily(ctx, brandID, memberID)
	for i, r := range rows {
		if r.MemberID == memberID || i == 0 {
			out.ID = r.ID
		}
		if out.CreatedAt == 0 || r.CreatedAt < out.CreatedAt {
			out.CreatedAt = r.CreatedAt
		}
		out.AccruedFen, out.AvailableFen, out.HeldFen = out.AccruedFen+r.AccruedFen, out.AvailableFen+r.AvailableFen, out.HeldFen+r.HeldFen
		out.OwedFen, out.PaidFen, out.TaxFen = out.OwedFen+r.OwedFen, out.PaidFen+r.PaidFen, out.TaxFen+r.TaxFen
	}
	return out, err
}

// OfFamily lists the accounts of the human's members with a brand.
func (a *Accounts) OfFamily(ctx context.Context, brandID, memberID id.ID) ([]Account, error) {
	tx := a.db.Read(ctx)
	families, err := member.Families(tx, []id.ID{memberID})
	if err != nil {
		return nil, err
	}
	family := families[memberID]
	if len(family) == 0 {
		family = []id.ID{memberID}
	}
	rows := []Account{}
	if err := tx.Where("brand_id = ? AND member_id IN ?", brandID, family).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("commission: account: %w", err)
	}
	return rows, nil
}

// Statement lists what came into and went out of what the human may withdraw, newest
// first, before the line before (0: from the newest). Accruals are a list of their own.
func (a *Accounts) Statement(ctx context.Context, brandID, memberID, before id.ID, limit int) ([]ledger.Line, error) {
	rows, err := a.OfFamily(ctx, brandID, memberID)
	if err != nil || len(rows) == 0 {
		return []ledger.Line{}, err
	}
	ids := make([]id.ID, 0, len(rows))
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return a.ledger.Statements(ctx, ledger.Fen, ledger.Earned, ids, before, limit)
}
