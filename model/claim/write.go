package claim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/points"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// uncounted leaves the transaction when a campaign refused its claims. room and fen are
// what it would still have taken: claims, fewer than were asked for, and money.
type uncounted struct {
	campaign id.ID
	room     int64
	fen      money.Fen
}

func (u *uncounted) Error() string { return "claim: campaign " + u.campaign.String() + " refused" }

// write commits claims in one transaction of multi-row statements. Order matters: the
// looks first, because they lock the codes' rows and say whose the codes are; the unique
// key next, so that losers leave before anything of theirs is written; the members' own
// counters; what follows from a claim; and the campaigns' rows, which every process
// wants, last, so that they are held for the shortest time. Rows are written in one
// order everywhere, so that two processes cannot wait for each other.
//
// With a nil error every claim has its own outcome in err: nil, errTaken, code_seen,
// member_blocked or a cap.
func (s *Store) write(ctx context.Context, batch []*waiting) error {
	// Stable: of two who claim the same code together the one who came first has it.
	slices.SortStableFunc(batch, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(a.plan.claim.BatchID, b.plan.claim.BatchID), cmp.Compare(a.plan.claim.Serial, b.plan.claim.Serial))
	})
	err := s.writeOnce(ctx, batch, false)
	if errors.Is(err, scan.ErrSeen) {
		err = s.writeOnce(ctx, batch, true)
	}
	return err
}

func (s *Store) writeOnce(ctx context.Context, batch []*waiting, doubt bool) error {
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		for _, w := range batch { // the transaction may run again
			w.err = w.shut
		}
		if err := s.looks(ctx, tx, batch, doubt); err != nil {
			return err
		}
		won := slices.DeleteFunc(slices.Clone(batch), func(w *waiting) bool { return w.err != nil })
		if len(won) == 0 {
			return nil
		}
		won, err := s.insert(ctx, tx, won)
		if err != nil {
			return err
		}
		if won, err = s.caps(ctx, tx, won); err != nil {
			return err
		}
		if err := s.follow(ctx, tx, won); err != nil {
			return err
		}
		return s.count(ctx, tx, won)
	})
}

// looks stores the looks that come with claims and ends the claims of codes that are
// kept for somebody else.
func (s *Store) looks(ctx context.Context, tx *gorm.DB, batch []*waiting, doubt bool) error {
	who := make([]*waiting, 0, len(batch))
	list := make([]scan.Observation, 0, len(batch))
	for _, w := range batch {
		if w.look != nil {
			who, list = append(who, w), append(list, *w.look)
		}
	}
	if len(list) == 0 {
		return nil
	}
	sights, err := s.scans.RecordAllTx(ctx, tx, list, doubt)
	if err != nil {
		return err
	}
	for i, w := range who {
		if w.err != nil {
			continue
		}
		theirs, err := s.keptFor(tx, *w.look, sights[i])
		if err != nil {
			return err
		}
		if theirs {
			w.err = kept(sights[i])
		}
	}
	return nil
}

// insert writes the claims and returns those that came first; the others are taken.
func (s *Store) insert(ctx context.Context, tx *gorm.DB, batch []*waiting) ([]*waiting, error) {
	rows := db.NewRows("claim", "id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at")
	ids := make([]any, 0, len(batch))
	for _, w := range batch {
		c := w.plan.claim
		rows.Add(c.ID, c.BatchID, c.Serial, c.BrandID, c.ProductID, c.MemberID, c.CampaignID, c.Tier, c.Kind, c.Prize, c.CashFen, c.Points, c.Day, c.CreatedAt)
		ids = append(ids, c.ID)
	}
	n, err := rows.Insert(ctx, tx, s.db.Once("id"))
	if err != nil {
		return nil, fmt.Errorf("claim: insert: %w", err)
	}
	if n == int64(len(batch)) {
		return batch, nil
	}
	var first []id.ID
	if err := tx.Raw("SELECT id FROM claim WHERE id IN "+db.Marks(len(ids)), ids...).Scan(&first).Error; err != nil {
		return nil, fmt.Errorf("claim: who was first: %w", err)
	}
	there := make(map[id.ID]bool, len(first))
	for _, v := range first {
		there[v] = true
	}
	won := make([]*waiting, 0, len(first))
	for _, w := range batch {
		if there[w.plan.claim.ID] {
			won = append(won, w)
		} else {
			w.err = errTaken
		}
	}
	return won, nil
}

// limit is one cap that a claim counts against.
type limit struct {
	key, code, text string
	cap             int
	resets          clock.Instant
}

// limits of a claim: per campaign and business day, per campaign. They are the human's:
// what an account counted before it was found to be his stays that account's.
func (p plan) limits() []limit {
	if p.claim.CampaignID == 0 {
		return nil
	}
	out := make([]limit, 0, 2)
	if p.offer.CapMemberDay > 0 {
		_, tomorrow := p.claim.Day.Bounds()
		out = append(out, limit{dayKey(p.claim.Day, p.claim.CampaignID, p.human), "cap_member_day", "今日已领 %d/%d，明天 0 点恢复", p.offer.CapMemberDay, tomorrow})
	}
	if p.offer.CapMember > 0 {
		out = append(out, limit{"c:" + p.claim.CampaignID.String() + ":" + p.human.String(), "cap_member", "本活动每人最多领 %d/%d 次，您已领满", p.offer.CapMember, 0})
	}
	return out
}

// caps counts the claims against their members' limits: count all, look, take back the
// claims that went over. The counter rows are the member's own; nobody else waits.
func (s *Store) caps(ctx context.Context, tx *gorm.DB, won []*waiting) ([]*waiting, error) {
	counts := map[string]int{}
	for _, w := range won {
		for _, l := range w.plan.limits() {
			counts[l.key]++
		}
	}
	if len(counts) == 0 {
		return won, nil
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	tail := " ON CONFLICT (counter_key) DO UPDATE SET used = used + excluded.used"
	if s.db.Driver() == db.MySQL {
		tail = " ON DUPLICATE KEY UPDATE used = used + VALUES(used)"
	}
	rows := db.NewRows("claim_counter", "counter_key, used")
	args := make([]any, 0, len(keys))
	for _, k := range keys {
		rows.Add(k, counts[k])
		args = append(args, k)
	}
	if _, err := rows.Insert(ctx, tx, tail); err != nil {
		return nil, fmt.Errorf("claim: caps: %w", err)
	}
	var found []struct {
		CounterKey string
		Used       int
	}
	if err := tx.Raw("SELECT counter_key, used FROM claim_counter WHERE counter_key IN "+db.Marks(len(args)), args...).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("claim: caps: %w", err)
	}
	used := make(map[string]int, len(found))
	for _, f := range found {
		used[f.CounterKey] = f.Used
	}
	return s.takeBack(ctx, tx, won, used)
}

// takeBack undoes the claims that went over a cap, the latest first.
func (s *Store) takeBack(ctx context.Context, tx *gorm.DB, won []*waiting, used map[string]int) ([]*waiting, error) {
	over := []any{}
	back := map[string]int{}
	for i := len(won) - 1; i >= 0; i-- {
		limits := won[i].plan.limits()
		for _, l := range limits {
			if used[l.key] <= l.cap {
				continue
			}
			won[i].err = fault.New(fault.Exhausted, l.code, fmt.Sprintf(l.text, l.cap, l.cap)).
				With("used", l.cap).With("cap", l.cap).With("resets_at", l.resets)
			break
		}
		if won[i].err == nil {
			continue
		}
		over = append(over, won[i].plan.claim.ID)
		for _, l := range limits {
			used[l.key]--
			back[l.key]++
		}
	}
	if len(over) == 0 {
		return won, nil
	}
	if _, err := db.Exec(ctx, tx, "DELETE FROM claim WHERE id IN "+db.Marks(len(over)), over...); err != nil {
		return nil, fmt.Errorf("claim: take back: %w", err)
	}
	for key, n := range back {
		if _, err := db.Exec(ctx, tx, "UPDATE claim_counter SET used = used - ? WHERE counter_key = ?", n, key); err != nil {
			return nil, fmt.Errorf("claim: take back: %w", err)
		}
	}
	return slices.DeleteFunc(slices.Clone(won), func(w *waiting) bool { return w.err != nil }), nil
}

// follow writes what follows from the claims: points, payouts with their wake-ups.
func (s *Store) follow(ctx context.Context, tx *gorm.DB, won []*waiting) error {
	earnings := make([]points.Earning, 0, 2*len(won))
	orders := make([]redpacket.Order, 0, len(won))
	for _, w := range won {
		p, c := &w.plan, &w.plan.claim
		key := "claim:" + c.ID.String()
		earnings = append(earnings,
			points.Earning{Key: key + ":scan", BrandID: c.BrandID, MemberID: c.MemberID, Points: p.scanPoints, Memo: "扫码积分 " + cut(p.product.Name, 60)},
			points.Earning{Key: key + ":prize", BrandID: c.BrandID, MemberID: c.MemberID, Points: c.Points - p.scanPoints, Memo: "中奖积分 " + cut(c.Prize, 60)})
		if c.CashFen > 0 {
			orders = append(orders, redpacket.Order{PayoutID: p.payoutID, Day: c.Day, ClaimID: c.ID, BrandID: c.BrandID, CampaignID: c.CampaignID, MemberID: c.MemberID,
				Account: p.pay, OpenID: p.openID, AmountFen: c.CashFen, Wishing: p.offer.Wishing, ActName: p.offer.Name})
		}
	}
	if err := s.points.EarnAllTx(ctx, tx, earnings); err != nil {
		return err
	}
	return s.packets.PromiseAllTx(ctx, tx, orders)
}

// count adds the claims to their campaigns.
func (s *Store) count(ctx context.Context, tx *gorm.DB, won []*waiting) error {
	type sum struct {
		claims int
		cash   money.Fen
	}
	sums := map[id.ID]sum{}
	for _, w := range won {
		if c := w.plan.claim; c.CampaignID != 0 {
			t := sums[c.CampaignID]
			sums[c.CampaignID] = sum{t.claims + 1, t.cash + c.CashFen}
		}
	}
	ids := make([]id.ID, 0, len(sums))
	for c := range sums {
		ids = append(ids, c)
	}
	slices.Sort(ids)
	for _, c := range ids {
		counted, err := s.campaigns.CountTx(ctx, tx, c, sums[c].claims, sums[c].cash)
		if err != nil {
			return err
		}
		if !counted {
			room, fen, err := s.campaigns.RoomTx(ctx, tx, c)
			if err != nil {
				return err
			}
			return &uncounted{c, min(room, int64(sums[c].claims)-1), fen}
		}
	}
	return nil
}

func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes])
	}
	return text
}
