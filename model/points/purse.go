package points

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/ledger"
)

// Members tells who is the same human as a member; *member.Store is it.
type Members interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	FamilyTx(tx *gorm.DB, memberID id.ID) ([]id.ID, error)
	BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error)
}

// Accounts keeps members' points.
type Accounts struct {
	db      *db.DB
	ledger  *ledger.Ledger
	members Members
}

// NewAccounts makes a store.
func NewAccounts(d *db.DB, l *ledger.Ledger, m Members) *Accounts { return &Accounts{d, l, m} }

// lot is points that came with one ledger entry.
type lot struct {
	ID        id.ID
	Source    string
	MemberID  id.ID
	BrandID   id.ID
	Amount    int64
	Available int64
	Pending   int64
	Frozen    int64
	Expired   int64
	Live      bool
	EarnedAt  clock.Instant
	ReleaseAt clock.Instant
	ExpiresAt clock.Instant
	DueAt     clock.Instant

	was buckets // as read
}

type buckets struct {
	available, pending, frozen, expired int64
	expiresAt                           clock.Instant
}

func (l *lot) now() buckets {
	return buckets{l.Available, l.Pending, l.Frozen, l.Expired, l.ExpiresAt}
}

// stand brings what follows from the buckets up to date.
func (l *lot) stand() {
	l.Live, l.DueAt = l.Available+l.Pending+l.Frozen > 0, forever
	if l.Pending > 0 {
		l.DueAt = l.ReleaseAt
	} else if l.Available > 0 {
		l.DueAt = l.ExpiresAt
	}
}

// usableAt is since when the lot's points can be spent.
func (l *lot) usableAt() clock.Instant { return max(l.EarnedAt, l.ReleaseAt) }

// purse is the lots of some members, locked and settled, inside one transaction. Moves
// change it in memory and collect entries; close writes both.
type purse struct {
	a       *Accounts
	ctx     context.Context // of the one transaction it lives in
	tx      *gorm.DB
	members []id.ID
	lots    []*lot // oldest expiry first
	owed    map[id.ID]int64
	entries []ledger.Entry
	parts   []part
}

// part says that a move took from a lot.
type part struct {
	MoveID, LotID id.ID
	Amount, Back  int64
}

// open locks the members' accounts and settles them. The transaction must be fresh
// (db.InFreshTx): what was committed while it waited for the lock must be seen.
func (a *Accounts) open(ctx context.Context, tx *gorm.DB, members []id.ID) (*purse, error) {
	p := &purse{a: a, ctx: ctx, tx: tx, members: slices.Clone(members), owed: map[id.ID]int64{}}
	slices.Sort(p.members)
	rows := db.NewRows("points_account", "member_id, moves, folded_at")
	for _, m := range p.members {
		rows.Add(m, 0, 0)
	}
	if _, err := rows.Insert(ctx, tx, a.db.Once("moves")); err != nil {
		return nil, fmt.Errorf("points: open: %w", err)
	}
	if err := tx.Exec("UPDATE points_account SET moves = moves + 1 WHERE member_id IN ?", p.members).Error; err != nil {
		return nil, fmt.Errorf("points: lock: %w", err)
	}
	for _, m := range p.members {
		if err := a.fold(ctx, tx, m); err != nil {
			return nil, err
		}
	}
	if err := p.read(); err != nil {
		return nil, err
	}
	p.settle()
	return p, nil
}

func (p *purse) read() error {
	err := p.tx.Raw("SELECT * FROM points_lot WHERE member_id IN ? AND live = 1 ORDER BY expires_at, earned_at, id", p.members).Scan(&p.lots).Error
	if err != nil {
		return fmt.Errorf("points: lots: %w", err)
	}
	for _, l := range p.lots {
		l.was = l.now()
	}
	for _, m := range p.members {
		sums, err := p.a.ledger.BalancesTx(p.tx, ledger.Points, []id.ID{m}, ledger.Debt)
		if err != nil {
			return err
		}
		p.owed[m] = -sums[ledger.Debt]
	}
	return nil
}

// settle brings the members up to now. Debt is paid before points expire, and by what
// could be spent first: as if it had been done the moment the points came.
func (p *purse) settle() {
	now := p.a.db.Now()
	for _, l := range p.lots {
		if l.Pending > 0 && l.ReleaseAt <= now {
			p.move("release:"+p.a.db.NewID().String(), ledger.Pending, l.MemberID, ledger.Member, l.MemberID, l.Pending, "积分到期生效")
			l.Available, l.Pending = l.Available+l.Pending, 0
		}
	}
	for _, m := range p.members {
		p.repay(m)
	}
	for i := 0; i < len(p.lots); { // lots of one end stand together
		end := p.lots[i].ExpiresAt
		group := p.lots[i:]
		if n := slices.IndexFunc(group, func(l *lot) bool { return l.ExpiresAt != end }); n >= 0 {
			group = group[:n]
		}
		i += len(group)
		if end <= now {
			p.expire(group)
		}
	}
}

// expire books out what is unspent of lots that end at the same moment: one entry per
// member and brand, however late it is done.
func (p *purse) expire(group []*lot) {
	for _, m := range p.members {
		gone := taken{}
		for _, l := range group {
			if l.MemberID == m && l.Available > 0 {
				gone.add(l, l.Available)
				l.Expired, l.Available = l.Expired+l.Available, 0
			}
		}
		key := "expire:" + p.a.db.NewID().String()
		for _, b := range gone.brands() {
			p.move(key+":"+b.String(), ledger.Member, m, ledger.Expired, b, gone.of(b), "积分到期失效")
		}
	}
}

// repay pays a member's debt from his own points.
func (p *purse) repay(m id.ID) {
	if p.owed[m] == 0 {
		return
	}
	order := slices.Clone(p.lots)
	slices.SortStableFunc(order, func(x, y *lot) int { return int(x.usableAt() - y.usableAt()) })
	var paid int64
	for _, l := range order {
		if l.MemberID == m && l.Available > 0 && paid < p.owed[m] {
			n := min(l.Available, p.owed[m]-paid)
			l.Available -= n
			paid += n
		}
	}
	if paid > 0 {
		p.owed[m] -= paid
		p.move("repay:"+p.a.db.NewID().String(), ledger.Member, m, ledger.Debt, m, paid, "抵扣欠积分")
	}
}

// has is what a member can spend of his own, and what he owes.
func (p *purse) has(m id.ID) (n int64) {
	for _, l := range p.lots {
		if l.MemberID == m {
			n += l.Available
		}
	}
	return n
}

// taken is points by lot.
type taken []struct {
	lot *lot
	n   int64
}

func (t *taken) add(l *lot, n int64) {
	*t = append(*t, struct {
		lot *lot
		n   int64
	}{l, n})
}

func (t taken) of(brand id.ID) (n int64) {
	for _, x := range t {
		if x.lot.BrandID == brand {
			n += x.n
		}
	}
	return n
}

func (t taken) brands() []id.ID {
	var out []id.ID
	for _, x := range t {
		if !slices.Contains(out, x.lot.BrandID) {
			out = append(out, x.lot.BrandID)
		}
	}
	return out
}

func (t taken) sum() (n int64) {
	for _, x := range t {
		n += x.n
	}
	return n
}

// take takes up to n available points of a member, oldest expiry first.
func (p *purse) take(m id.ID, n int64) taken {
	var out taken
	for _, l := range p.lots {
		if got := min(n, l.Available); l.MemberID == m && got > 0 {
			l.Available -= got
			n -= got
			out.add(l, got)
		}
	}
	return out
}

func (p *purse) move(key, fromKind string, from id.ID, toKind string, to id.ID, n int64, memo string) {
	p.entries = append(p.entries, ledger.Entry{Key: key, Unit: ledger.Points, Debit: ledger.Account{Kind: fromKind, Owner: from},
		Credit: ledger.Account{Kind: toKind, Owner: to}, Amount: n, Memo: cut(memo, 100)})
}

func (p *purse) remember(moveID id.ID, t taken) {
	for _, x := range t {
		p.parts = append(p.parts, part{MoveID: moveID, LotID: x.lot.ID, Amount: x.n})
	}
}

// lot finds a lot of the purse, also one of which nothing is left.
func (p *purse) lot(where string, key any) (*lot, error) {
	var found []*lot
	if err := p.tx.Raw("SELECT * FROM points_lot WHERE "+where+" = ?", key).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("points: lot: %w", err)
	}
	if len(found) == 0 || !slices.Contains(p.members, found[0].MemberID) {
		return nil, nil
	}
	for _, l := range p.lots {
		if l.ID == found[0].ID {
			return l, nil
		}
	}
	found[0].was = found[0].now()
	p.lots = append(p.lots, found[0])
	return found[0], nil
}

// add makes a new lot.
func (p *purse) add(l lot) (*lot, error) {
	l.ID = p.a.db.NewID()
	l.was = l.now()
	if err := insertLots(p.ctx, p.tx, "", l); err != nil {
		return nil, err
	}
	p.lots = append(p.lots, &l)
	return &l, nil
}

// close writes what changed.
func (p *purse) close() error {
	for _, l := range p.lots {
		if l.was == l.now() {
			continue
		}
		l.stand()
		r := p.tx.Exec(`UPDATE points_lot SET available = ?, pending = ?, frozen = ?, expired = ?, expires_at = ?, due_at = ?, live = ?
			WHERE id = ? AND available = ? AND pending = ? AND frozen = ?`,
			l.Available, l.Pending, l.Frozen, l.Expired, l.ExpiresAt, l.DueAt, l.Live, l.ID, l.was.available, l.was.pending, l.was.frozen)
		if r.Error != nil {
			return fmt.Errorf("points: lot %d: %w", l.ID, r.Error)
		}
		if r.RowsAffected != 1 { // the account's lock was not held
			return fmt.Errorf("points: lot %d moved beside its lock", l.ID)
		}
		l.was = l.now()
	}
	parts := db.NewRows("points_part", "move_id, lot_id, amount, back")
	for _, x := range p.parts {
		parts.Add(x.MoveID, x.LotID, x.Amount, x.Back)
	}
	if _, err := parts.Insert(p.ctx, p.tx, ""); err != nil {
		return fmt.Errorf("points: parts: %w", err)
	}
	if len(p.entries) == 0 {
		return nil
	}
	return p.a.ledger.PostNewTx(p.ctx, p.tx, p.entries)
}

func insertLots(ctx context.Context, tx *gorm.DB, tail string, lots ...lot) error {
	rows := db.NewRows("points_lot", "id, source, member_id, brand_id, amount, available, pending, frozen, expired, live, earned_at, release_at, expires_at, due_at")
	for _, l := range lots {
		l.stand()
		rows.Add(l.ID, l.Source, l.MemberID, l.BrandID, l.Amount, l.Available, l.Pending, l.Frozen, l.Expired, l.Live, l.EarnedAt, l.ReleaseAt, l.ExpiresAt, l.DueAt)
	}
	if _, err := rows.Insert(ctx, tx, tail); err != nil {
		return fmt.Errorf("points: lots: %w", err)
	}
	return nil
}
