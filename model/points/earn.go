package points

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

// Fact is something that may earn points by the brand's rules.
type Fact struct {
	Key       string // of the event, at most 128 bytes; earns once
	BrandID   id.ID
	MemberID  id.ID
	On        string // OnOrder, ...
	AmountFen int64  // of an order
	Points    int64  // what a level gives, with OnTier and OnBirthday; the others are the rules'
	Memo      string // zh-CN; "" = the word for On
}

// earning is what a fact earned, also when that was nothing.
type earning struct {
	ID        id.ID
	FactKey   string
	ParentKey string // of a refund: its order
	AmountFen int64  // of an order, less what was refunded before it came; less than 0 of a refund
	BrandID   id.ID
	MemberID  id.ID
	EarnOn    string
	Points    int64
	Day       clock.Day
	CreatedAt clock.Instant
}

// source is the key of the ledger entry, and so of the lot.
func (e earning) source() string { return "earn:" + e.ID.String() }

// insert writes the row once.
func (a *Accounts) insert(tx *gorm.DB, e earning) (first bool, err error) {
	r := tx.Exec("INSERT INTO points_earning (id, fact_key, parent_key, amount_fen, brand_id, member_id, earn_on, points, day, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)"+a.db.Once("points"),
		e.ID, e.FactKey, e.ParentKey, e.AmountFen, e.BrandID, e.MemberID, e.EarnOn, e.Points, e.Day, e.CreatedAt)
	if r.Error != nil {
		return false, fmt.Errorf("points: earn: %w", r.Error)
	}
	return r.RowsAffected == 1, nil
}

func earningOf(tx *gorm.DB, factKey string) (*earning, error) {
	var found []earning
	if err := tx.Raw("SELECT * FROM points_earning WHERE fact_key = ?", factKey).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("points: earning: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

func refunded(tx *gorm.DB, factKey string) (fen int64, err error) {
	if err := tx.Raw("SELECT COALESCE(-SUM(amount_fen), 0) FROM points_earning WHERE parent_key = ?", factKey).Scan(&fen).Error; err != nil {
		return 0, fmt.Errorf("points: refunds: %w", err)
	}
	return fen, nil
}

// Earn books what a fact earns under the rules of now and returns it; the same fact
// again returns what it earned the first time. Caps are of the human: what his other
// members earned counts. A blocked member earns nothing, a refund that was reported
// before its order is taken off. Faults: Invalid points_fact; NotFound member_not_found.
func (a *Accounts) Earn(ctx context.Context, f Fact) (points int64, err error) {
	if f.Key == "" || utf8.RuneCountInString(f.Key) > 128 || f.BrandID == 0 || f.MemberID == 0 || names[f.On] == "" || f.AmountFen < 0 || f.AmountFen > maxOrderFen || f.Points < 0 || f.Points > maxPoints {
		return 0, errFact
	}
	if old, err := earningOf(a.db.Read(ctx), f.Key); err != nil || old != nil {
		if err != nil {
			return 0, err
		}
		return old.Points, nil
	}
	family, err := a.members.Family(ctx, f.MemberID)
	if err != nil {
		return 0, err
	}
	blocked, err := a.members.BlockedAmong(ctx, family)
	if err != nil {
		return 0, err
	}
	err = a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		p, err := a.open(ctx, tx, family) // caps are counted under the family's lock
		if err != nil {
			return err
		}
		e := earning{ID: a.db.NewID(), FactKey: f.Key, AmountFen: f.AmountFen, BrandID: f.BrandID, MemberID: f.MemberID, EarnOn: f.On, CreatedAt: a.db.Now()}
		e.Day = clock.DayOf(e.CreatedAt)
		r, err := a.rulesAt(tx, f.BrandID, e.CreatedAt)
		if err != nil {
			return err
		}
		rule, there := r.on(f.On)
		if there && f.On == OnOrder {
			back, err := refunded(tx, f.Key)
			if err != nil {
				return err
			}
			net := f
			net.AmountFen = max(0, f.AmountFen-back)
			e.Points, e.AmountFen = worth(rule, net), net.AmountFen
		} else {
			e.Points = worth(rule, f)
		}
		if len(blocked) > 0 {
			e.Points = 0
		}
		if e.Points, err = capped(tx, rule, e, family); err != nil {
			return err
		}
		points = e.Points
		first, err := a.insert(tx, e)
		if err != nil {
			return err
		}
		if !first { // somebody else reported it a moment ago
			old, err := earningOf(tx, f.Key)
			if err != nil {
				return err
			}
			points = old.Points
			return p.close()
		}
		if e.AmountFen != f.AmountFen { // those refunds are in the order's amount now
			if err := tx.Exec("UPDATE points_earning SET parent_key = '' WHERE parent_key = ?", f.Key).Error; err != nil {
				return fmt.Errorf("points: refunds: %w", err)
			}
		}
		if points > 0 {
			if err := p.earn(e, rule, r.Expiry, f.Memo); err != nil {
				return err
			}
		}
		return p.close()
	})
	return points, err
}

// Earned tells whether any of these facts was reported already.
func (a *Accounts) Earned(ctx context.Context, keys ...string) (bool, error) {
	var n int64
	if err := a.db.Read(ctx).Raw("SELECT COUNT(*) FROM points_earning WHERE fact_key IN ?", keys).Scan(&n).Error; err != nil {
		return false, fmt.Errorf("points: earned: %w", err)
	}
	return n > 0, nil
}

var errFact = fault.NewInvalid("points_fact", "积分事件的内容不对")

func worth(rule Earn, f Fact) int64 {
	switch {
	case f.On == OnTier || f.On == OnBirthday: // without a rule only what the level gives
		return rule.Points + f.Points
	case f.On != OnOrder:
		return rule.Points
	case f.AmountFen < rule.MinAmountFen:
		return 0
	}
	return min(f.AmountFen/100*rule.Points, maxAdjust) // whole yuan
}

// capped cuts an earning to what the caps leave.
func capped(tx *gorm.DB, rule Earn, e earning, family []id.ID) (int64, error) {
	left := func(limit int64, from, until clock.Day) (int64, error) {
		var used int64
		err := tx.Raw("SELECT COALESCE(SUM(points), 0) FROM points_earning WHERE member_id IN ? AND earn_on = ? AND day >= ? AND day <= ? AND brand_id = ?",
			family, e.EarnOn, from, until, e.BrandID).Scan(&used).Error
		if err != nil {
			return 0, fmt.Errorf("points: caps: %w", err)
		}
		return max(0, limit-used), nil
	}
	n := e.Points
	if rule.CapPerDay > 0 {
		most, err := left(rule.CapPerDay, e.Day, e.Day)
		if err != nil {
			return 0, err
		}
		n = min(n, most)
	}
	if rule.CapPerMonth > 0 {
		most, err := left(rule.CapPerMonth, e.Day/100*100+1, e.Day.MonthEnd())
		if err != nil {
			return 0, err
		}
		n = min(n, most)
	}
	return n, nil
}

// earn books an earning that is new, at once or pending.
func (p *purse) earn(e earning, rule Earn, expiry Expiry, memo string) error {
	if memo == "" {
		memo = names[e.EarnOn]
	}
	l := lot{Source: e.source(), MemberID: e.MemberID, BrandID: e.BrandID, Amount: e.Points, EarnedAt: e.CreatedAt, ExpiresAt: expiry.End(e.CreatedAt)}
	kind := ledger.Member
	if rule.PendingDays > 0 {
		from, _ := e.Day.AddDays(rule.PendingDays).Bounds()
		l.Pending, l.ReleaseAt, l.ExpiresAt, kind = e.Points, from, expiry.End(from), ledger.Pending
	} else {
		l.Available = e.Points
	}
	p.move(l.Source, ledger.Issue, e.BrandID, kind, e.MemberID, e.Points, memo)
	_, err := p.add(l)
	return err
}

// Refund is money of an order that went back.
type Refund struct {
	Key       string // of the refund; happens once
	OrderKey  string // the order's Fact.Key
	BrandID   id.ID
	MemberID  id.ID
	AmountFen int64 // > 0
}

// Refund takes back the share of an order's points that the refunded money has of the
// order's, rounded up, so that a whole refund takes them all. A refund of an order that
// is not known yet is kept and taken off when the order comes.
func (a *Accounts) Refund(ctx context.Context, f Refund) error {
	if f.Key == "" || f.OrderKey == "" || utf8.RuneCountInString(f.Key) > 128 || f.BrandID == 0 || f.MemberID == 0 || f.AmountFen <= 0 || f.AmountFen > maxOrderFen {
		return errFact
	}
	family, err := a.members.Family(ctx, f.MemberID)
	if err != nil {
		return err
	}
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		who := family
		order, err := earningOf(tx, f.OrderKey)
		if err != nil {
			return err
		}
		if order != nil && !slices.Contains(who, order.MemberID) {
			who = append(slices.Clone(who), order.MemberID)
		}
		p, err := a.open(ctx, tx, who)
		if err != nil {
			return err
		}
		e := earning{ID: a.db.NewID(), FactKey: f.Key, ParentKey: f.OrderKey, AmountFen: -f.AmountFen, BrandID: f.BrandID, MemberID: f.MemberID,
			EarnOn: "refund", CreatedAt: a.db.Now(), Day: clock.DayOf(a.db.Now())}
		first, err := a.insert(tx, e)
		if err != nil || !first {
			return errors.Join(err, p.close())
		}
		if order, err = earningOf(tx, f.OrderKey); err != nil {
			return err
		}
		if order == nil || order.Points == 0 || !slices.Contains(who, order.MemberID) {
			return p.close()
		}
		back, err := refunded(tx, f.OrderKey)
		if err != nil {
			return err
		}
		share := (order.Points*min(back, order.AmountFen) + order.AmountFen - 1) / order.AmountFen
		l, err := p.lot("source", order.source())
		if err != nil {
			return err
		}
		gone, err := reversedOf(tx, l)
		if err != nil {
			return err
		}
		if n := min(share, l.Amount) - gone; n > 0 {
			mv := move{ID: a.db.NewID(), Kind: kindReverse, MoveKey: f.Key, MemberID: l.MemberID, RefID: l.ID, Amount: n, Memo: "退货扣回积分", CreatedAt: a.db.Now()}
			p.reverse(mv, l, n)
			if err := mv.insert(tx); err != nil {
				return err
			}
		}
		return p.close()
	})
}

func reversedOf(tx *gorm.DB, l *lot) (n int64, err error) {
	if err := tx.Raw("SELECT COALESCE(SUM(amount), 0) FROM points_move WHERE ref_id = ? AND kind = ?", l.ID, kindReverse).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("points: reverse: %w", err)
	}
	return n, nil
}

// Taken is what became of points that were taken back.
type Taken struct {
	Points int64 `json:"points"` // taken back in all
	Debt   int64 `json:"debt"`   // of them, what the member owes now
}

var errNoEarning = fault.New(fault.NotFound, "points_earning_not_found", "没有这笔积分")

// Reverse takes points of one earning back by the opposite entry, all that is left of it
// for points = 0; source is the key of the earning's ledger entry. key makes it happen
// once. First go what is still pending of the earning, then what is unspent; what had
// expired is gone already; the rest is taken from the member's other points and what is
// missing is owed. Faults: NotFound points_earning_not_found; Invalid points_amount.
func (a *Accounts) Reverse(ctx context.Context, key string, memberID id.ID, source string, points int64, memo string) (t Taken, err error) {
	if key == "" || utf8.RuneCountInString(key) > 128 || points < 0 {
		return Taken{}, errAmount
	}
	err = a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		t = Taken{}
		p, err := a.open(ctx, tx, []id.ID{memberID})
		if err != nil {
			return err
		}
		old, err := moveOf(tx, kindReverse, key)
		if err != nil {
			return err
		}
		if old != nil { // what was owed then is not kept: it is paid or stands in the account
			t.Points = old.Amount
			return p.close()
		}
		l, err := p.lot("source", source)
		if err != nil {
			return err
		}
		if l == nil {
			return errNoEarning
		}
		gone, err := reversedOf(tx, l)
		if err != nil {
			return err
		}
		n := l.Amount - gone
		if points > 0 {
			n = min(n, points)
		}
		if n == 0 {
			return p.close()
		}
		mv := move{ID: a.db.NewID(), Kind: kindReverse, MoveKey: key, MemberID: memberID, RefID: l.ID, Amount: n, Memo: cmp.Or(memo, "积分扣回"), CreatedAt: a.db.Now()}
		t.Points, t.Debt = n, p.reverse(mv, l, n)
		if err := mv.insert(tx); err != nil {
			return err
		}
		return p.close()
	})
	return t, err
}

var errAmount = fault.NewInvalid("points_amount", "积分数不对")

// reverse takes n points of a lot's earning back and returns what is owed for it.
func (p *purse) reverse(mv move, l *lot, n int64) int64 {
	key, m := "reverse:"+mv.ID.String(), mv.MemberID
	back := min(n, l.Pending)
	if back > 0 {
		l.Pending -= back
		n -= back
		p.move(key+":p", ledger.Pending, m, ledger.Issue, l.BrandID, back, mv.Memo)
	}
	var out taken
	if back = min(n, l.Available); back > 0 {
		l.Available -= back
		n -= back
		out.add(l, back)
	}
	// What expired of the lot is not taken twice, and is not there to be taken again.
	back = min(n, l.Expired)
	l.Expired -= back
	n -= back
	rest := p.take(m, n)
	n -= rest.sum()
	for _, x := range rest {
		out.add(x.lot, x.n)
	}
	if got := out.sum(); got > 0 { // the issue that gave them takes them, whichever lots paid
		p.move(key+":a", ledger.Member, m, ledger.Issue, l.BrandID, got, mv.Memo)
	}
	if n > 0 {
		p.move(key+":d", ledger.Debt, m, ledger.Issue, l.BrandID, n, mv.Memo)
	}
	return n
}
