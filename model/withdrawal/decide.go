package withdrawal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// Decision is an approval.
type Decision struct {
	By           id.ID
	TaxFen       *money.Fen // what is withheld; whoever approves names it
	SuggestedFen *money.Fen // the suggestion that he saw; nil: not told
	Reason       string     // needed with another tax than suggested
}

// Approve lets a withdrawal be paid, creates its payout and fixes its tax. It withholds the
// tax that it was told or nothing is paid: the money cannot be had back. Faults: NotFound
// withdrawal_not_found; Conflict withdrawal_decided, withdrawal_held, withdrawal_parted,
// withdrawal_no_openid, and withdrawal_tax_moved with "tax_fen" when another tax is suggested
// by now than he saw; Forbidden withdrawal_blocked; Invalid withdrawal_tax.
func (s *Store) Approve(ctx context.Context, withdrawalID id.ID, d Decision) (Withdrawal, error) {
	if d.TaxFen == nil {
		return Withdrawal{}, fault.NewInvalid("withdrawal_tax", "请填写代扣税款，不代扣请填 0").With("field", "tax_fen")
	}
	w, err := s.Get(ctx, withdrawalID)
	if err != nil {
		return Withdrawal{}, err
	}
	if w.State != Requested {
		return Withdrawal{}, errDecided
	}
	t, suspect, err := s.terms(ctx, w.BrandID, w.MemberID)
	if err != nil {
		return Withdrawal{}, err
	}
	if suspect != "" {
		return Withdrawal{}, fault.New(fault.Conflict, "withdrawal_held", "该会员的推荐正在核查，结论出来前不能付款："+suspect)
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if w, err = get(tx, withdrawalID); err != nil {
			return err
		}
		family, err := s.Members.FamilyTx(tx, w.MemberID)
		if err != nil {
			return err
		}
		return s.approveTx(ctx, tx, &w, t, family, d)
	})
	if err != nil {
		return Withdrawal{}, err
	}
	s.Out.Nudge()
	return w, nil
}

func (s *Store) approveTx(ctx context.Context, tx *gorm.DB, w *Withdrawal, t terms, family []id.ID, d Decision) error {
	moved, err := s.step(ctx, tx, w.ID, Requested, Approved, d.By, d.Reason)
	if err != nil {
		return err
	}
	if !moved {
		return errDecided
	}
	// Held while the month is summed: of two withdrawals of one human approved at once,
	// the second must see the first.
	accounts, err := s.Accounts.LockTx(ctx, tx, w.BrandID, family)
	if err != nil {
		return err
	}
	list, err := parts(tx, w.ID)
	if err != nil {
		return err
	}
	for _, p := range list { // accounts that were joined when he asked may be parted by now
		if !slices.ContainsFunc(accounts, func(a commission.Account) bool { return a.ID == p.AccountID }) {
			return errParted
		}
	}
	tax, err := s.suggest(tx, t.policy, *w, family)
	if err != nil {
		return err
	}
	if tax, err = d.tax(w.AmountFen, tax); err != nil {
		return err
	}
	sceneID, infos := scene(t.payer, t.policy)
	p, err := s.Packets.PayTx(ctx, tx, redpacket.Order{ClaimID: w.ID, Purpose: redpacket.ForWithdrawal, BrandID: w.BrandID, MemberID: w.MemberID,
		Account: t.payer, OpenID: t.openID, AmountFen: w.AmountFen - tax, Wishing: "推广佣金", ActName: "推广佣金", SceneID: sceneID, Infos: infos})
	if err != nil {
		return err
	}
	if _, err := db.Exec(ctx, tx, "UPDATE withdrawal SET tax_fen = ?, tax_note = ?, account_id = ?, openid = ?, payout_id = ? WHERE id = ?",
		tax, cut(d.Reason, 200), t.payer.ID, t.openID, p.ID, w.ID); err != nil {
		return fmt.Errorf("withdrawal: approve: %w", err)
	}
	for left := tax; len(list) > 0 && left > 0; list = list[1:] {
		n := min(left, list[0].AmountFen)
		left -= n
		if _, err := db.Exec(ctx, tx, "UPDATE withdrawal_part SET tax_fen = ? WHERE withdrawal_id = ? AND account_id = ?", n, w.ID, list[0].AccountID); err != nil {
			return fmt.Errorf("withdrawal: parts: %w", err)
		}
	}
	*w, err = get(tx, w.ID)
	return err
}

// tax is what a decision withholds of an amount, when so much is suggested. Nobody's decision
// takes the suggestion.
func (d Decision) tax(amount, suggested money.Fen) (money.Fen, error) {
	if d.TaxFen == nil || *d.TaxFen == suggested {
		return suggested, nil
	}
	reasoned := strings.TrimSpace(d.Reason) != ""
	switch told := *d.TaxFen; {
	case told < 0 || told > amount-netFen:
		return 0, fault.NewInvalid("withdrawal_tax", "代扣税款应不小于 0，且扣除后至少留下 "+netFen.Yuan()+" 元").With("field", "tax_fen")
	case d.SuggestedFen != nil && *d.SuggestedFen != suggested, d.SuggestedFen == nil && !reasoned:
		return 0, fault.New(fault.Conflict, "withdrawal_tax_moved", "按规则应代扣的税款现为 "+suggested.Yuan()+" 元，请核对税款和实付金额后再次确认；按其他金额代扣须填写原因").With("tax_fen", suggested)
	case !reasoned:
		return 0, fault.NewInvalid("withdrawal_tax", "代扣税款与建议不同，请填写原因").With("field", "reason")
	default:
		return told, nil
	}
}

// Refuse ends a request with the reason; the money goes back. Faults: NotFound
// withdrawal_not_found; Conflict withdrawal_decided; Invalid reason.
func (s *Store) Refuse(ctx context.Context, withdrawalID, by id.ID, reason string) (Withdrawal, error) {
	if strings.TrimSpace(reason) == "" {
		return Withdrawal{}, fault.NewInvalid("reason", "请填写拒绝的原因，申请人会看到")
	}
	return s.giveUp(ctx, withdrawalID, Refused, by, reason)
}

// Cancel takes the person's own request back while nobody decided. Faults: NotFound
// withdrawal_not_found, also for another's; Conflict withdrawal_decided.
func (s *Store) Cancel(ctx context.Context, memberID, withdrawalID id.ID) (Withdrawal, error) {
	if _, err := s.own(ctx, memberID, withdrawalID); err != nil {
		return Withdrawal{}, err
	}
	return s.giveUp(ctx, withdrawalID, Cancelled, 0, "")
}

func (s *Store) giveUp(ctx context.Context, withdrawalID id.ID, to string, by id.ID, reason string) (w Withdrawal, err error) {
	if _, err := s.Get(ctx, withdrawalID); err != nil {
		return Withdrawal{}, err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		moved, err := s.step(ctx, tx, withdrawalID, Requested, to, by, reason)
		if err != nil {
			return err
		}
		if !moved {
			return errDecided
		}
		if err := s.backTx(ctx, tx, withdrawalID); err != nil {
			return err
		}
		if to == Refused {
			if err := s.Out.PutAllTx(ctx, tx, Task, []id.ID{withdrawalID}); err != nil {
				return err
			}
		}
		w, err = get(tx, withdrawalID)
		return err
	})
	if err != nil {
		return Withdrawal{}, err
	}
	s.Out.Nudge()
	return w, nil
}

// backTx gives the money back to the accounts that gave it.
func (s *Store) backTx(ctx context.Context, tx *gorm.DB, withdrawalID id.ID) error {
	list, err := parts(tx, withdrawalID)
	for _, p := range list {
		if err == nil {
			err = s.Accounts.UnholdTx(ctx, tx, p.AccountID, p.AmountFen, p.key("back"), "佣金提现退回")
		}
	}
	return err
}

// What a person reads when nothing was paid.
const (
	sayReturned = "超过 24 小时没有领取，金额已退回可提现余额"
	sayFailed   = "微信没有受理这笔付款，金额已退回可提现余额"
)

// endTx books the end of a withdrawal's payout.
func (s *Store) endTx(ctx context.Context, tx *gorm.DB, p redpacket.Payout, out string) error {
	to, say := Paid, ""
	switch out {
	case redpacket.OutReturned:
		to, say = Returned, sayReturned
	case redpacket.OutFailed:
		to, say = Failed, sayFailed
	}
	moved, err := s.step(ctx, tx, p.ClaimID, Approved, to, 0, say)
	if err != nil {
		return err
	}
	if !moved { // payouts end once; this withdrawal ended without its payout
		return fmt.Errorf("withdrawal: payout %d ended %s beside its withdrawal %d", p.ID, out, p.ClaimID)
	}
	if to == Paid {
		err = s.paidTx(ctx, tx, p.ClaimID)
	} else {
		err = s.backTx(ctx, tx, p.ClaimID)
	}
	if err != nil {
		return err
	}
	return s.Out.PutAllTx(ctx, tx, Task, []id.ID{p.ClaimID})
}

func (s *Store) paidTx(ctx context.Context, tx *gorm.DB, withdrawalID id.ID) error {
	list, err := parts(tx, withdrawalID)
	for _, p := range list {
		if err == nil {
			err = s.Accounts.PayTx(ctx, tx, p.AccountID, p.AmountFen, p.TaxFen, p.key("pay"))
		}
	}
	return err
}
