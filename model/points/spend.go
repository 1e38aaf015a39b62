package points

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

// Kinds of move.
const (
	kindSpend   = "spend"
	kindUnspend = "unspend"
	kindReverse = "reverse"
	kindHold    = "hold"
	kindUnhold  = "unhold"
)

// move is one act that happens once by its key.
type move struct {
	ID        id.ID
	Kind      string
	MoveKey   string
	MemberID  id.ID
	RefID     id.ID
	Amount    int64
	Back      int64
	Memo      string
	ByID      id.ID
	CreatedAt clock.Instant
}

func moveOf(tx *gorm.DB, kind, key string) (*move, error) {
	var found []move
	if err := tx.Raw("SELECT * FROM points_move WHERE kind = ? AND move_key = ?", kind, key).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("points: %s: %w", kind, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

func (m move) insert(tx *gorm.DB) error {
	err := tx.Exec("INSERT INTO points_move (id, kind, move_key, member_id, ref_id, amount, back, memo, by_id, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)",
		m.ID, m.Kind, m.MoveKey, m.MemberID, m.RefID, m.Amount, m.Back, cut(m.Memo, 200), m.ByID, m.CreatedAt).Error
	if db.IsDuplicate(err) { // the same key for another member, whose lock is not ours
		return errKeyUsed
	}
	if err != nil {
		return fmt.Errorf("points: %s: %w", m.Kind, err)
	}
	return nil
}

var errKeyUsed = fault.New(fault.Conflict, "points_key_used", "这笔积分业务已按不同内容办理")

// Spend is points used up by a member.
type Spend struct {
	Key      string // of the fact, at most 128 bytes; spends once
	MemberID id.ID  // who acts
	Points   int64
	Memo     string // zh-CN, shown in the statement
}

// loan is points one member of a family spent out of another's lot.
type loan struct {
	BorrowerLot id.ID
	LenderLot   id.ID
	BorrowerID  id.ID
	LenderID    id.ID
	Amount      int64
	Outstanding int64
	CreatedAt   clock.Instant
}

// Spend uses points up: the acting member's own first, oldest expiry first, then those
// of the others of his family. The same key again changes nothing. Faults: Invalid
// points_amount; Exhausted points_short, with "available"; Conflict points_key_used when
// the key spent something else.
func (a *Accounts) Spend(ctx context.Context, s Spend) error {
	if s.Key == "" || utf8.RuneCountInString(s.Key) > 128 || s.Points <= 0 || s.Points > maxAdjust {
		return errAmount
	}
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		family, err := a.members.FamilyTx(tx, s.MemberID)
		if err != nil {
			return err
		}
		p, err := a.open(ctx, tx, family)
		if err != nil {
			return err
		}
		old, err := moveOf(tx, kindSpend, s.Key)
		if err != nil {
			return err
		}
		if old != nil {
			if old.MemberID != s.MemberID || old.Amount != s.Points {
				return errKeyUsed
			}
			return p.close()
		}
		var all int64
		for _, m := range family {
			all += p.has(m) - p.owed[m]
		}
		if all < s.Points {
			return errShort.With("available", max(0, all))
		}
		mv := move{ID: a.db.NewID(), Kind: kindSpend, MoveKey: s.Key, MemberID: s.MemberID, Amount: s.Points, Memo: cmp.Or(s.Memo, "积分使用"), CreatedAt: a.db.Now()}
		if err := p.spend(mv, family); err != nil {
			return err
		}
		if err := mv.insert(tx); err != nil {
			return err
		}
		return p.close()
	})
}

var errShort = fault.New(fault.Exhausted, "points_short", "积分不足")

func (p *purse) spend(mv move, family []id.ID) error {
	m := mv.MemberID
	used := p.take(m, mv.Amount)
	if missing := mv.Amount - used.sum(); missing > 0 {
		borrowed, err := p.borrow(mv, missing)
		if err != nil {
			return err
		}
		used = append(used, borrowed...)
	}
	for _, b := range used.brands() {
		p.move("spend:"+mv.ID.String()+":"+b.String(), ledger.Member, m, ledger.Spent, b, used.of(b), mv.Memo)
	}
	p.remember(mv.ID, used)
	return nil
}

// borrow moves points from the others of the family to the acting member, oldest expiry
// first whoever's they are, and takes them from the lots that came.
func (p *purse) borrow(mv move, missing int64) (taken, error) {
	var out taken
	lent := map[id.ID]int64{}
	for _, l := range slices.Clone(p.lots) {
		n := min(missing, l.Available)
		if n == 0 || l.MemberID == mv.MemberID {
			continue
		}
		l.Available -= n
		missing -= n
		lent[l.MemberID] += n
		// Spent at once: the lot exists to say whose points they were.
		mine, err := p.add(lot{Source: "loan:" + mv.ID.String() + ":" + l.ID.String(), MemberID: mv.MemberID, BrandID: l.BrandID, Amount: n,
			EarnedAt: l.EarnedAt, ReleaseAt: l.ReleaseAt, ExpiresAt: l.ExpiresAt})
		if err != nil {
			return nil, err
		}
		if err := p.tx.Exec("INSERT INTO points_loan (borrower_lot, lender_lot, borrower_id, lender_id, amount, outstanding, created_at) VALUES (?,?,?,?,?,?,?)",
			mine.ID, l.ID, mv.MemberID, l.MemberID, n, n, mv.CreatedAt).Error; err != nil {
			return nil, fmt.Errorf("points: loan: %w", err)
		}
		out.add(mine, n)
	}
	for _, m := range p.members {
		if lent[m] > 0 {
			p.move("loan:"+mv.ID.String()+":"+m.String(), ledger.Member, m, ledger.Member, mv.MemberID, lent[m], "合并账户调拨")
		}
	}
	return out, nil
}

// grace is how long points that are given back can at least be used.
const grace = 30 * 24 * time.Hour

// Unspend gives points of a spend back, all that are left of it for points = 0, into the
// lots they came from; those of other members of the family go back to them. Points that
// would expire within 30 days get 30 days. key makes it happen once. Faults: NotFound
// points_spend_not_found; Exhausted points_returned when more than was spent is asked for.
func (a *Accounts) Unspend(ctx context.Context, key, spendKey string, points int64, memo string) error {
	if key == "" || utf8.RuneCountInString(key) > 128 || points < 0 {
		return errAmount
	}
	return a.giveBack(ctx, move{Kind: kindUnspend, MoveKey: key, Amount: points, Memo: cmp.Or(memo, "积分退回")}, kindSpend, spendKey,
		func(p *purse, mv move, back taken) error {
			for _, b := range back.brands() {
				p.move("unspend:"+mv.ID.String()+":"+b.String(), ledger.Spent, b, ledger.Member, mv.MemberID, back.of(b), mv.Memo)
			}
			for _, x := range back {
				x.lot.ExpiresAt = max(x.lot.ExpiresAt, mv.CreatedAt.Add(grace))
			}
			return p.returnLoans(back)
		})
}

// giveBack undoes parts of a spend or a hold.
func (a *Accounts) giveBack(ctx context.Context, mv move, ofKind, ofKey string, book func(*purse, move, taken) error) error {
	of, err := moveOf(a.db.Read(ctx), ofKind, ofKey)
	if err != nil {
		return err
	}
	if of == nil {
		return errNoSpend
	}
	return a.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		touched, err := lendersOf(tx, of.ID, of.MemberID)
		if err != nil {
			return err
		}
		p, err := a.open(ctx, tx, touched)
		if err != nil {
			return err
		}
		if old, err := moveOf(tx, mv.Kind, mv.MoveKey); err != nil || old != nil {
			if err == nil && old.RefID != of.ID {
				err = errKeyUsed
			}
			if err != nil {
				return err
			}
			return p.close()
		}
		if of, err = moveOf(tx, ofKind, ofKey); err != nil {
			return err
		}
		m := mv
		m.ID, m.MemberID, m.RefID, m.CreatedAt = a.db.NewID(), of.MemberID, of.ID, a.db.Now()
		left := of.Amount - of.Back
		if m.Amount == 0 {
			m.Amount = left
		}
		if m.Amount == 0 || m.Amount > left {
			return errReturned.With("left", left)
		}
		back, err := p.undo(of, m.Amount, ofKind == kindHold)
		if err != nil {
			return err
		}
		if err := book(p, m, back); err != nil {
			return err
		}
		if err := m.insert(tx); err != nil {
			return err
		}
		return p.close()
	})
}

var (
	errNoSpend  = fault.New(fault.NotFound, "points_spend_not_found", "没有这笔积分支出")
	errReturned = fault.New(fault.Exhausted, "points_returned", "退回的积分超过这笔业务剩余的积分")
)

// lendersOf is everybody whose points a move took, the acting member among them.
func lendersOf(tx *gorm.DB, moveID, memberID id.ID) ([]id.ID, error) {
	var lenders []id.ID
	err := tx.Raw("SELECT DISTINCT lender_id FROM points_loan JOIN points_part ON points_part.lot_id = points_loan.borrower_lot WHERE points_part.move_id = ?", moveID).Scan(&lenders).Error
	if err != nil {
		return nil, fmt.Errorf("points: loans: %w", err)
	}
	return append(lenders, memberID), nil
}

// undo puts n points of a move back into its lots, the last taken first: those of others
// go back before the member's own.
func (p *purse) undo(of *move, n int64, frozen bool) (taken, error) {
	var parts []part
	if err := p.tx.Raw("SELECT move_id, lot_id, amount, back FROM points_part WHERE move_id = ? AND back < amount", of.ID).Scan(&parts).Error; err != nil {
		return nil, fmt.Errorf("points: parts: %w", err)
	}
	var out taken
	lots := make([]*lot, len(parts))
	for i, x := range parts {
		l, err := p.lot("id", x.LotID)
		if err != nil {
			return nil, err
		}
		if l == nil {
			return nil, fmt.Errorf("points: part of move %d names lot %d of somebody else", of.ID, x.LotID)
		}
		lots[i] = l
	}
	var borrowed []id.ID
	if err := p.tx.Raw("SELECT borrower_lot FROM points_loan WHERE borrower_id = ?", of.MemberID).Scan(&borrowed).Error; err != nil {
		return nil, fmt.Errorf("points: loans: %w", err)
	}
	rank := func(i int) (bool, clock.Instant) { return slices.Contains(borrowed, lots[i].ID), lots[i].ExpiresAt }
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		bi, ei := rank(i)
		bj, ej := rank(j)
		switch {
		case bi != bj && bi:
			return -1
		case bi != bj:
			return 1
		case ei != ej && ei > ej:
			return -1
		case ei != ej:
			return 1
		}
		return int(parts[j].LotID - parts[i].LotID)
	})
	for _, i := range order {
		got := min(n, parts[i].Amount-parts[i].Back)
		if got == 0 {
			break
		}
		n -= got
		lots[i].Available += got
		if frozen {
			lots[i].Frozen -= got
		}
		out.add(lots[i], got)
		if err := p.tx.Exec("UPDATE points_part SET back = back + ? WHERE move_id = ? AND lot_id = ?", got, of.ID, parts[i].LotID).Error; err != nil {
			return nil, fmt.Errorf("points: parts: %w", err)
		}
	}
	if n > 0 {
		return nil, fmt.Errorf("points: move %d lacks parts for %d points", of.ID, n)
	}
	return out, p.tx.Exec("UPDATE points_move SET back = back + ? WHERE id = ?", out.sum(), of.ID).Error
}
