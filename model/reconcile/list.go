package reconcile

import (
	"context"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

var (
	errReason    = fault.NewInvalid("reason", "请填写原因，至少 2 个字").With("field", "reason")
	errResolved  = fault.New(fault.Conflict, "recon_item_resolved", "这条差异已在后来的账单中自行消除，不需要说明")
	errMoved     = fault.New(fault.Conflict, "recon_item_changed", "这条差异刚刚有变化，与您看到的不同，请刷新核对后再说明")
	errOvertaken = fault.New(fault.Unavailable, "recon_busy", "另一个进程正在对这一天")
)

// DayFilter narrows a list of days. Zero fields mean all.
type DayFilter struct {
	BrandID, AccountID id.ID
	From, To           clock.Day // inclusive
}

// Days lists the days of a range, newest first, at most 400.
func (s *Store) Days(ctx context.Context, f DayFilter) ([]Day, error) {
	q := s.db.Read(ctx).Where("day >= ? AND day <= ?", f.From, f.To)
	if f.BrandID != 0 {
		q = q.Where("brand_id = ?", f.BrandID)
	}
	if f.AccountID != 0 {
		q = q.Where("account_id = ?", f.AccountID)
	}
	list := []Day{}
	if err := q.Order("day DESC, account_id").Limit(400).Find(&list).Error; err != nil {
		return nil, err
	}
	return list, s.count(ctx, f, list)
}

// count fills in how many differences the days have.
func (s *Store) count(ctx context.Context, f DayFilter, list []Day) error {
	if len(list) == 0 {
		return nil
	}
	accounts := map[id.ID]bool{}
	var ids []id.ID
	for _, d := range list {
		if !accounts[d.AccountID] {
			accounts[d.AccountID], ids = true, append(ids, d.AccountID)
		}
	}
	var counts []struct {
		AccountID id.ID
		Day       clock.Day
		State     string
		N         int64
	}
	err := s.db.Read(ctx).Raw("SELECT account_id, day, state, COUNT(*) AS n FROM recon_item WHERE account_id IN ? AND day >= ? AND day <= ? GROUP BY account_id, day, state",
		ids, f.From, f.To).Scan(&counts).Error
	if err != nil {
		return err
	}
	for _, c := range counts {
		for i := range list {
			d := &list[i]
			if d.AccountID != c.AccountID || d.Day != c.Day {
				continue
			}
			switch c.State {
			case Open:
				d.Open = c.N
			case Explained:
				d.Explained = c.N
			case Resolved:
				d.Resolved = c.N
			}
		}
	}
	return nil
}

// Shown is a day with its counts.
func (s *Store) Shown(ctx context.Context, dayID id.ID) (Day, error) {
	d, err := s.Get(ctx, dayID)
	if err != nil {
		return d, err
	}
	list := []Day{d}
	err = s.count(ctx, DayFilter{From: d.Day, To: d.Day}, list)
	return list[0], err
}

// Lines pages the lines of a day in the bill's order, after a seq; result "" means all.
func (s *Store) Lines(ctx context.Context, dayID id.ID, result string, after int64, limit int) ([]Line, error) {
	d, err := s.Get(ctx, dayID)
	if err != nil {
		return nil, err
	}
	q := s.db.Read(ctx).Where("day_id = ? AND gen = ? AND seq > ?", d.ID, d.Gen, after)
	if result != "" {
		q = q.Where("result = ?", result)
	}
	list := []Line{}
	return list, q.Order("seq").Limit(min(limit, db.MaxPage)).Find(&list).Error
}

// Item reads one difference.
func (s *Store) Item(ctx context.Context, itemID id.ID) (Item, error) {
	var i Item
	err := s.db.Read(ctx).Where("id = ?", itemID).Take(&i).Error
	if db.IsNotFound(err) {
		return i, errNoItem
	}
	return i, err
}

// ItemFilter narrows a list of differences. Zero fields mean all.
type ItemFilter struct {
	BrandID, AccountID, PayoutID id.ID
	Day                          clock.Day
	State, Kind                  string
	Before                       id.ID
	Limit                        int
}

func (s *Store) items(ctx context.Context, f ItemFilter) *gorm.DB {
	q := s.db.Read(ctx).Model(&Item{})
	for _, c := range []struct {
		column string
		value  any
		given  bool
	}{{"brand_id", f.BrandID, f.BrandID != 0}, {"account_id", f.AccountID, f.AccountID != 0}, {"payout_id", f.PayoutID, f.PayoutID != 0},
		{"day", f.Day, f.Day != 0}, {"state", f.State, f.State != ""}, {"kind", f.Kind, f.Kind != ""}} {
		if c.given {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	return q
}

// Items pages differences, newest first.
func (s *Store) Items(ctx context.Context, f ItemFilter) ([]Item, error) {
	list := []Item{}
	err := db.Page(s.items(ctx, f), "recon_item", f.Before, f.Limit).Find(&list).Error
	return list, err
}

// CountItems counts them, up to db.MaxTotal.
func (s *Store) CountItems(ctx context.Context, f ItemFilter) (n int, more bool, err error) {
	return db.Total(s.items(ctx, f))
}

// OfPayout lists the lines about a payout that count, oldest first.
func (s *Store) OfPayout(ctx context.Context, payoutID id.ID) ([]Line, error) {
	list := []Line{}
	err := s.db.Read(ctx).Raw("SELECT l.* FROM recon_line l JOIN recon_day d ON d.id = l.day_id AND d.gen = l.gen WHERE l.payout_id = ? ORDER BY l.at, l.seq LIMIT 20", payoutID).Scan(&list).Error
	return list, err
}

// Attention is what of this package needs a person.
type Attention struct {
	OpenItems   int64     `json:"open_items"`
	OpenFen     money.Fen `json:"open_fen"` // what the open differences are about
	FailedDays  int64     `json:"failed_days"`
	LowBalances int64     `json:"low_balances"`
}

// Waiting counts what needs a person, of one brand or (0) of all.
func (s *Store) Waiting(ctx context.Context, brandID id.ID) (Attention, error) {
	var a Attention
	where, args := "", []any{}
	if brandID != 0 {
		where, args = " AND brand_id = ?", []any{brandID}
	}
	read := func(into any, stmt string, first ...any) error {
		return s.db.Read(ctx).Raw(stmt+where, append(first, args...)...).Scan(into).Error
	}
	if err := read(&a, "SELECT COUNT(*) AS open_items, COALESCE(SUM(ours_fen), 0) AS open_fen FROM recon_item WHERE state = ?", Open); err != nil {
		return a, err
	}
	week := clock.DayOf(s.db.Now()).AddDays(-7)
	if err := read(&a.FailedDays, "SELECT COUNT(*) FROM recon_day WHERE day >= ? AND state = ?", week, Failed); err != nil {
		return a, err
	}
	return a, read(&a.LowBalances, "SELECT COUNT(*) FROM merchant_balance WHERE low = 1")
}
