package withdrawal

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// terms is what a withdrawal is paid by, read before its transaction.
type terms struct {
	policy Policy
	payer  brand.Account
	openID string
}

// terms reads them and refuses who cannot be paid.
func (s *Store) terms(ctx context.Context, brandID, memberID id.ID) (t terms, suspect string, err error) {
	if t.policy, err = s.Policy(ctx, brandID); err != nil {
		return t, "", err
	}
	if t.policy.Version == 0 {
		return t, "", fault.New(fault.Conflict, "withdrawal_closed", "品牌还没有开通佣金提现")
	}
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return t, "", err
	}
	blocked, err := s.Members.BlockedAmong(ctx, family)
	if err != nil {
		return t, "", err
	}
	if len(blocked) > 0 {
		return t, "", errBlocked
	}
	if t.payer, err = s.Brands.Account(ctx, t.policy.AccountID); err != nil {
		return t, "", err
	}
	if t.openID, err = s.Members.OpenID(ctx, memberID, t.payer.Settings.PayAppID); err != nil {
		return t, "", err
	}
	if t.openID == "" {
		return t, "", errNoOpenID
	}
	if s.Suspicion != nil {
		held, err := s.Suspicion.Held(ctx, brandID, family)
		if err != nil {
			return t, "", err
		}
		for _, m := range family {
			suspect = cmp.Or(suspect, held[m])
		}
	}
	return t, suspect, nil
}

// Request asks for a withdrawal and holds its money. key names the person's act: the same
// again is the same withdrawal. While his day stays below the brand's limit it is approved
// at once, unless the person is under a case. Faults: Conflict withdrawal_closed,
// withdrawal_no_openid, withdrawal_key_used; Forbidden withdrawal_blocked; Invalid
// withdrawal_amount; Throttled withdrawal_per_day; Exhausted withdrawal_short with
// "available_fen".
func (s *Store) Request(ctx context.Context, brandID, memberID id.ID, amount money.Fen, key string) (Withdrawal, error) {
	if key == "" || len(key) > 64 {
		return Withdrawal{}, fault.NewInvalid("withdrawal_key", "缺少本次提交的编号，请刷新页面后重试")
	}
	t, suspect, err := s.terms(ctx, brandID, memberID)
	if err != nil {
		return Withdrawal{}, err
	}
	if amount < t.policy.MinFen || amount > t.policy.MaxFen {
		return Withdrawal{}, fault.Invalidf("withdrawal_amount", "单笔提现金额应为 %s 元到 %s 元", t.policy.MinFen.Yuan(), t.policy.MaxFen.Yuan())
	}
	var w Withdrawal
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		family, err := s.Members.FamilyTx(tx, memberID)
		if err != nil {
			return err
		}
		// Whoever of the human asks waits here: what follows is seen by the next.
		accounts, err := s.Accounts.LockTx(ctx, tx, brandID, family)
		if err != nil {
			return err
		}
		var known []Withdrawal
		if err := tx.Where("member_id = ? AND request_key = ?", memberID, key).Find(&known).Error; err != nil {
			return fmt.Errorf("withdrawal: %w", err)
		}
		if len(known) > 0 {
			if w = known[0]; w.BrandID != brandID || w.AmountFen != amount {
				return errKeyUsed
			}
			return nil
		}
		now := s.DB.Now()
		w = Withdrawal{ID: s.DB.NewID(), BrandID: brandID, MemberID: memberID, RequestKey: key, AmountFen: amount, State: Requested,
			Day: clock.DayOf(now), CreatedAt: now}
		if err := s.perDay(tx, t.policy, w, family); err != nil {
			return err
		}
		list, err := split(w, accounts)
		if err != nil {
			return err
		}
		if w.TaxFen, err = s.suggest(tx, t.policy, w, family); err != nil {
			return err
		}
		if err := tx.Create(&w).Error; db.IsDuplicate(err) { // no account of his was there to wait for
			return errKeyUsed
		} else if err != nil {
			return fmt.Errorf("withdrawal: %w", err)
		}
		for _, p := range list {
			if err := s.Accounts.HoldTx(ctx, tx, p.AccountID, p.AmountFen, p.key("hold"), "佣金提现"); err != nil {
				return err
			}
		}
		if err := tx.Create(&list).Error; err != nil {
			return fmt.Errorf("withdrawal: parts: %w", err)
		}
		if err := s.moved(ctx, tx, w.ID, Requested, 0, ""); err != nil {
			return err
		}
		if suspect != "" {
			return nil
		}
		if free, err := s.unreviewed(tx, t.policy, w, family); err != nil || !free {
			return err
		}
		return s.approveTx(ctx, tx, &w, t, family, Decision{Reason: "低于免审金额，自动通过"}) // with the tax as suggested
	})
	if err != nil {
		return Withdrawal{}, err
	}
	s.Out.Nudge()
	return w, nil
}

// unreviewed says whether nobody needs to look: what the human got without it on this
// business day, this included, stays below the limit. Else a large sum would leave in
// small ones.
func (s *Store) unreviewed(tx *gorm.DB, p Policy, w Withdrawal, family []id.ID) (bool, error) {
	var sum money.Fen
	err := tx.Raw("SELECT COALESCE(SUM(amount_fen), 0) FROM withdrawal WHERE member_id IN ? AND brand_id = ? AND day = ? AND state IN ('approved', 'paid') AND by_id = 0", family, w.BrandID, w.Day).Scan(&sum).Error
	if err != nil {
		return false, fmt.Errorf("withdrawal: without review: %w", err)
	}
	return sum+w.AmountFen < p.AutoApproveBelow, nil
}

func (p Part) key(what string) string {
	return "wd:" + p.WithdrawalID.String() + ":" + p.AccountID.String() + ":" + what
}

func (s *Store) perDay(tx *gorm.DB, p Policy, w Withdrawal, family []id.ID) error {
	var n int
	err := tx.Raw("SELECT COUNT(*) FROM withdrawal WHERE member_id IN ? AND brand_id = ? AND day = ? AND state IN ('requested', 'approved', 'paid')", family, w.BrandID, w.Day).Scan(&n).Error
	if err != nil {
		return fmt.Errorf("withdrawal: per day: %w", err)
	}
	if n >= p.PerDay {
		return fault.New(fault.Throttled, "withdrawal_per_day", fmt.Sprintf("每天最多提现 %d 次，请明天再来", p.PerDay))
	}
	return nil
}

// split takes the amount from the acting member's account first, then from the others'.
// What one of them owes must stay behind.
func split(w Withdrawal, accounts []commission.Account) ([]Part, error) {
	var sum commission.Account
	for _, a := range accounts {
		sum.AvailableFen, sum.OwedFen = sum.AvailableFen+a.AvailableFen, sum.OwedFen+a.OwedFen
	}
	if w.AmountFen > sum.FreeFen() {
		return nil, fault.New(fault.Exhausted, "withdrawal_short", "可提现金额不足").With("available_fen", sum.FreeFen())
	}
	slices.SortStableFunc(accounts, func(a, b commission.Account) int {
		if (a.MemberID == w.MemberID) != (b.MemberID == w.MemberID) {
			if a.MemberID == w.MemberID {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	var list []Part
	left := w.AmountFen
	for _, a := range accounts {
		if n := min(left, a.AvailableFen); n > 0 {
			list = append(list, Part{WithdrawalID: w.ID, AccountID: a.ID, AmountFen: n})
			left -= n
		}
	}
	slices.SortFunc(list, func(a, b Part) int { return cmp.Compare(a.AccountID, b.AccountID) })
	return list, nil
}

// suggest is the tax by the policy over what the human withdrew since the month began. It moves
// with every other withdrawal of his, with the month and with the policy.
func (s *Store) suggest(tx *gorm.DB, p Policy, w Withdrawal, family []id.ID) (money.Fen, error) {
	month, _ := (clock.DayOf(s.DB.Now())/100*100 + 1).Bounds()
	var sum struct{ Amount, Tax money.Fen }
	err := tx.Raw(`SELECT COALESCE(SUM(amount_fen), 0) AS amount, COALESCE(SUM(tax_fen), 0) AS tax FROM withdrawal
		WHERE member_id IN ? AND brand_id = ? AND id <> ? AND state IN ('approved', 'paid') AND decided_at >= ?`, family, w.BrandID, w.ID, month).Scan(&sum).Error
	if err != nil {
		return 0, fmt.Errorf("withdrawal: tax: %w", err)
	}
	return p.tax(w.AmountFen, sum.Amount, sum.Tax), nil
}

// fresh puts the tax that is suggested now into those that nobody decided about: what was
// stored is of the moment when he asked.
func (s *Store) fresh(ctx context.Context, list []Withdrawal) error {
	tx, policies, families := s.DB.Read(ctx), map[id.ID]Policy{}, map[id.ID][]id.ID{}
	for i := range list {
		w := &list[i]
		if w.State != Requested {
			continue
		}
		p, known := policies[w.BrandID]
		var err error
		if !known {
			if p, err = s.Policy(ctx, w.BrandID); err != nil {
				return err
			}
			policies[w.BrandID] = p
		}
		if p.Tax != TaxLabour { // no other rule looks at the rest of the month
			w.TaxFen = p.tax(w.AmountFen, 0, 0)
			continue
		}
		family, known := families[w.MemberID]
		if !known {
			if family, err = s.Members.Family(ctx, w.MemberID); err != nil {
				return err
			}
			families[w.MemberID] = family
		}
		if w.TaxFen, err = s.suggest(tx, p, *w, family); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) freshOne(ctx context.Context, w Withdrawal) (Withdrawal, error) {
	list := []Withdrawal{w}
	err := s.fresh(ctx, list)
	return list[0], err
}

// scene is what WeChat is told that the money is for.
func scene(payer brand.Account, p Policy) (sceneID string, infos []redpacket.Info) {
	if payer.Settings.Rail == brand.RailRedpack {
		return "PRODUCT_5", nil // 渠道分润
	}
	return cmp.Or(payer.Settings.CommissionSceneID, "1005"), []redpacket.Info{{Type: "岗位类型", Content: p.JobType}, {Type: "报酬说明", Content: "推广佣金"}}
}
