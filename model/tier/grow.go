package tier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/points"
)

// Fact is something that may let a member grow.
type Fact struct {
	Key       string // of the fact; grows once
	OrderKey  string // of a refund: its order's Key
	BrandID   id.ID
	MemberID  id.ID
	On        string
	AmountFen int64  // of an order; less than 0 of a refund
	Memo      string // zh-CN
}

const maxOrderFen = 10_000_000_000

// Grow books what a fact grows under the table of now, and brings the standing of the
// human up to date; the same fact again changes nothing. A refund takes the growth of its
// share of the order, and may come before it. A blocked member does not grow. Faults:
// Invalid tier_fact; NotFound member_not_found.
func (s *Store) Grow(ctx context.Context, f Fact) error {
	if f.Key == "" || utf8.RuneCountInString(f.Key) > 128 || f.BrandID == 0 || f.MemberID == 0 || names[f.On] == "" ||
		max(f.AmountFen, -f.AmountFen) > maxOrderFen || (f.AmountFen < 0) != (f.OrderKey != "") {
		return fault.NewInvalid("tier_fact", "成长事件的内容不对")
	}
	family, err := s.members.Family(ctx, f.MemberID)
	if err != nil {
		return err
	}
	stopped, err := s.members.BlockedAmong(ctx, family)
	if err != nil || len(stopped) > 0 && f.AmountFen >= 0 {
		return err
	}
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		tables, err := s.tables(tx, f.BrandID)
		if err != nil {
			return err
		}
		table := tables[len(tables)-1]
		if table.Version == 0 {
			return nil
		}
		if err := s.lock(ctx, tx, f.BrandID, family); err != nil {
			return err
		}
		g := growth{ID: s.db.NewID(), GrowthKey: f.Key, ParentKey: f.OrderKey, AmountFen: f.AmountFen, BrandID: f.BrandID, MemberID: f.MemberID,
			GrownOn: f.On, Memo: f.Memo, CreatedAt: s.db.Now()}
		if f.On == OnOrder && f.AmountFen > 0 { // less what was refunded before it came
			var early int64
			if err := tx.Raw("SELECT COALESCE(-SUM(amount_fen), 0) FROM tier_growth WHERE parent_key = ?", f.Key).Scan(&early).Error; err != nil {
				return fmt.Errorf("tier: refunds: %w", err)
			}
			g.AmountFen = max(0, f.AmountFen-early)
		}
		if g.Growth, err = worth(tx, table, g, family); err != nil {
			return err
		}
		if g.Growth == 0 && f.AmountFen >= 0 {
			return nil
		}
		r := tx.Exec("INSERT INTO tier_growth (id, growth_key, parent_key, amount_fen, brand_id, member_id, grown_on, growth, memo, created_at) VALUES (?,?,?,?,?,?,?,?,?,?)"+s.db.Once("growth"),
			g.ID, g.GrowthKey, g.ParentKey, g.AmountFen, g.BrandID, g.MemberID, g.GrownOn, g.Growth, cut(g.Memo, 100), g.CreatedAt)
		if r.Error != nil {
			return fmt.Errorf("tier: grow: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return nil
		}
		if g.AmountFen != f.AmountFen { // those refunds are in the order's amount now
			if err := tx.Exec("UPDATE tier_growth SET parent_key = '' WHERE parent_key = ?", f.Key).Error; err != nil {
				return fmt.Errorf("tier: refunds: %w", err)
			}
		}
		return s.refreshTx(tx, tables, family)
	})
}

// worth is what a fact grows.
func worth(tx *gorm.DB, t Table, g growth, family []id.ID) (int64, error) {
	if g.AmountFen < 0 {
		return back(tx, g)
	}
	i := slices.IndexFunc(t.Grow, func(r Grow) bool { return r.On == g.GrownOn })
	if i < 0 {
		return 0, nil
	}
	rule := t.Grow[i]
	if g.GrownOn == OnOrder {
		return min(g.AmountFen/100*rule.Growth, maxGrowth), nil
	}
	if rule.CapPerDay == 0 {
		return rule.Growth, nil
	}
	from, until := clock.DayOf(g.CreatedAt).Bounds()
	var used int64
	err := tx.Raw("SELECT COALESCE(SUM(growth), 0) FROM tier_growth WHERE member_id IN ? AND brand_id = ? AND grown_on = ? AND created_at >= ? AND created_at < ?",
		family, g.BrandID, g.GrownOn, from, until).Scan(&used).Error
	if err != nil {
		return 0, fmt.Errorf("tier: caps: %w", err)
	}
	return max(0, min(rule.Growth, rule.CapPerDay-used)), nil
}

// back is the growth that a refund takes: with all refunds of the order so far, at least
// their share of the order's growth, and never more than it grew.
func back(tx *gorm.DB, g growth) (int64, error) {
	var order []growth
	if err := tx.Raw("SELECT * FROM tier_growth WHERE growth_key = ?", g.ParentKey).Scan(&order).Error; err != nil {
		return 0, fmt.Errorf("tier: refunds: %w", err)
	}
	if len(order) == 0 || order[0].AmountFen == 0 {
		return 0, nil
	}
	var before struct{ Fen, Growth int64 }
	err := tx.Raw("SELECT COALESCE(-SUM(amount_fen), 0) AS fen, COALESCE(-SUM(growth), 0) AS growth FROM tier_growth WHERE parent_key = ? AND growth_key <> ?",
		g.ParentKey, g.GrowthKey).Scan(&before).Error
	if err != nil {
		return 0, fmt.Errorf("tier: refunds: %w", err)
	}
	fen := min(before.Fen-g.AmountFen, order[0].AmountFen)
	share := (order[0].Growth*fen + order[0].AmountFen - 1) / order[0].AmountFen
	return -max(0, share-before.Growth), nil
}

// lock serialises what happens to the family at a brand.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, brandID id.ID, family []id.ID) error {
	rows := db.NewRows("tier_standing", "brand_id, member_id, level, until_at, warned_until, version")
	for _, m := range family {
		rows.Add(brandID, m, 0, 0, 0, 0)
	}
	if _, err := rows.Insert(ctx, tx, s.db.Once("level")); err != nil {
		return fmt.Errorf("tier: lock: %w", err)
	}
	if err := tx.Exec("UPDATE tier_standing SET version = version + 1 WHERE brand_id = ? AND member_id IN ?", brandID, family).Error; err != nil {
		return fmt.Errorf("tier: lock: %w", err)
	}
	return nil
}

// refreshTx writes where the family stands now.
func (s *Store) refreshTx(tx *gorm.DB, tables []Table, family []id.ID) error {
	brandID := tables[0].BrandID
	entries, err := entriesOf(tx, brandID, family)
	if err != nil {
		return err
	}
	now := replay(tables, entries, s.db.Now())
	err = tx.Exec("UPDATE tier_standing SET level = ?, until_at = ? WHERE brand_id = ? AND member_id IN ?", now.level, now.until, brandID, family).Error
	if err != nil {
		return fmt.Errorf("tier: standing: %w", err)
	}
	return nil
}

func entriesOf(tx *gorm.DB, brandID id.ID, family []id.ID) ([]growth, error) {
	var out []growth
	if err := tx.Raw("SELECT * FROM tier_growth WHERE brand_id = ? AND member_id IN ?", brandID, family).Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("tier: growth: %w", err)
	}
	return out, nil
}

// Refresh brings the standings of these members up to date at all brands: after a join
// or its taking back. What is shown does not need it; what is found due does.
func (s *Store) Refresh(ctx context.Context, members ...id.ID) error {
	var brands []id.ID
	if err := s.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM tier_standing WHERE member_id IN ?", members).Scan(&brands).Error; err != nil {
		return fmt.Errorf("tier: refresh: %w", err)
	}
	for _, m := range members {
		family, err := s.members.Family(ctx, m)
		if err != nil {
			return err
		}
		for _, b := range brands {
			if err := s.refresh(ctx, b, family); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) refresh(ctx context.Context, brandID id.ID, family []id.ID) error {
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		tables, err := s.tables(tx, brandID)
		if err != nil {
			return err
		}
		if err := s.lock(ctx, tx, brandID, family); err != nil {
			return err
		}
		return s.refreshTx(tx, tables, family)
	})
}

// tooOld is how old a fact may be when it is reported and still count: the history that
// a shop system brings along at its connection makes nobody a gold member.
const tooOld = 31 * 24 * time.Hour

// Consume is the event.Consumer that lets members grow and gives what their level
// multiplies. It is idempotent by the keys of the facts.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	levels := map[id.ID]bool{}
	for _, e := range events {
		has, known := levels[e.BrandID]
		if !known {
			t, err := s.Table(ctx, e.BrandID)
			if err != nil {
				return err
			}
			has = t.Version > 0
			levels[e.BrandID] = has
		}
		if !has || e.MemberID == 0 {
			continue
		}
		var err error
		old := e.At < s.db.Now().Add(-tooOld)
		switch {
		case e.Type == event.Order:
			err = s.consumeOrder(ctx, e, old)
		case e.Type == event.Claim && !old:
			if err = s.bonus(ctx, e); err == nil { // by the level he had: this claim may lift him
				err = s.Grow(ctx, Fact{Key: e.Key, BrandID: e.BrandID, MemberID: e.MemberID, On: OnClaim, Memo: names[OnClaim]})
			}
		case e.Type == event.Review && !old:
			err = s.Grow(ctx, Fact{Key: "review:" + e.Key, BrandID: e.BrandID, MemberID: e.MemberID, On: OnReview, Memo: names[OnReview]})
		}
		if err != nil && fault.Of(err).Code != "member_not_found" { // nobody is left to grow
			return err
		}
	}
	return nil
}

func (s *Store) consumeOrder(ctx context.Context, e event.Event, old bool) error {
	var o event.OrderBody
	if err := json.Unmarshal(e.Body, &o); err != nil {
		return nil // no body that passed the schema is this
	}
	key := "order:" + e.BrandID.String() + ":" + o.Source + ":" + o.OrderNo
	f := Fact{Key: key, BrandID: e.BrandID, MemberID: e.MemberID, On: OnOrder, AmountFen: int64(o.AmountFen), Memo: names[OnOrder]}
	if f.AmountFen < 0 {
		f.Key, f.OrderKey, f.Memo = "refund:"+e.Key, key, "退货"
	} else if old {
		return nil
	}
	return s.Grow(ctx, f)
}

// bonus gives what the member's level adds to the points of a claim, after the claim and
// beside it: a claim waits for no level. The level is the one at the claim's own moment.
func (s *Store) bonus(ctx context.Context, e event.Event) error {
	var c event.ClaimBody
	if err := json.Unmarshal(e.Body, &c); err != nil || c.Points <= 0 {
		return nil
	}
	st, _, err := s.at(ctx, e.BrandID, e.MemberID, e.At)
	if err != nil || len(st.table.Levels) == 0 {
		return err
	}
	l := st.table.Levels[st.level]
	n := c.Points * (l.MultiplierBP - once) / once
	if n == 0 {
		return nil
	}
	_, err = s.points.Earn(ctx, points.Fact{Key: "tier:" + e.Key, BrandID: e.BrandID, MemberID: e.MemberID, On: points.OnTier, Points: n, Memo: l.Name + "积分加赠"})
	return err
}

func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}
