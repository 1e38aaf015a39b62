package leader

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// Kinds of fact.
const (
	byClaim  = "claim"
	byOrder  = "order"
	byRefund = "refund"
)

// keepDays is how long facts are kept: longer than any condition looks back.
const keepDays = maxDays + 35

// Consume is the event.Consumer that keeps verified purchases and who had brought the
// buyer then. It is idempotent by the keys of the facts; order and refund may come either
// way round, because what an order is worth is asked when it is counted.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	rows := db.NewRows("leader_fact", "fact_key, order_key, kind, brand_id, member_id, referrer_id, amount_fen, day")
	oldest := clock.DayOf(s.DB.Now()).AddDays(-keepDays)
	for _, e := range events {
		day := clock.DayOf(e.At)
		if e.MemberID == 0 || e.Type != event.Claim && e.Type != event.Order || day < oldest {
			continue
		}
		key, order, kind, amount := "claim:"+e.Key, "", byClaim, int64(0)
		if e.Type == event.Order {
			var o event.OrderBody
			if json.Unmarshal(e.Body, &o) != nil {
				continue // erased meanwhile
			}
			key, kind, amount = "order:"+e.BrandID.String()+":"+o.Source+":"+o.OrderNo, byOrder, int64(o.AmountFen)
			if amount < 0 {
				key, order, kind = "refund:"+e.Key, key, byRefund
			}
		}
		referrer := id.ID(0)
		if s.ReferrerOf != nil && kind != byRefund {
			var err error
			if referrer, err = s.ReferrerOf(ctx, e.BrandID, e.MemberID, e.At); err != nil {
				if fault.KindOf(err) == fault.NotFound { // the member is nobody's any more
					continue
				}
				return fmt.Errorf("leader: consume %s: %w", e.Key, err)
			}
		}
		rows.Add(key, order, kind, e.BrandID, e.MemberID, referrer, amount, day)
	}
	if rows.Len() == 0 {
		return nil
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		_, err := rows.Insert(ctx, tx, s.DB.Once("kind"))
		return err
	})
	if err != nil {
		return fmt.Errorf("leader: consume: %w", err)
	}
	return nil
}

// Forget deletes facts that no condition looks back to, at most limit, and says how many.
func (s *Store) Forget(ctx context.Context, limit int) (int, error) {
	oldest := clock.DayOf(s.DB.Now()).AddDays(-keepDays)
	var keys []string
	if err := s.DB.Read(ctx).Raw("SELECT fact_key FROM leader_fact WHERE day < ? LIMIT ?", oldest, limit).Scan(&keys).Error; err != nil {
		return 0, fmt.Errorf("leader: forget: %w", err)
	}
	if len(keys) == 0 {
		return 0, nil
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM leader_fact WHERE fact_key IN ?", keys).Error
	})
	if err != nil {
		return 0, fmt.Errorf("leader: forget: %w", err)
	}
	return len(keys), nil
}

// worth is a condition on a fact f: a claim, or an order that was not given back.
const worth = `(f.kind = 'claim' OR f.kind = 'order' AND f.amount_fen + (SELECT COALESCE(SUM(b.amount_fen), 0) FROM leader_fact b WHERE b.order_key = f.fact_key) > 0)`

// brought is what one human's people did in a time.
type brought struct{ buyers, again int64 }

// ownClaims counts the verified claims of each member in [from, until).
func ownClaims(tx *gorm.DB, brandID id.ID, members []id.ID, from, until clock.Day) (map[id.ID]int64, error) {
	var rows []struct {
		MemberID id.ID
		N        int64
	}
	err := tx.Raw("SELECT member_id, COUNT(*) AS n FROM leader_fact WHERE brand_id = ? AND member_id IN ? AND kind = ? AND day >= ? AND day < ? GROUP BY member_id",
		brandID, members, byClaim, from, until).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("leader: own claims: %w", err)
	}
	out := map[id.ID]int64{}
	for _, r := range rows {
		out[r.MemberID] = r.N
	}
	return out, nil
}

// buyersOf counts, for each human given by his family, the people he brought himself who
// bought in [from, until), and those of them who bought on two days or more. People are
// humans: two accounts of one buyer are one, and who is the same human as the one who
// brought him is none. Blocked buyers do not count.
func buyersOf(tx *gorm.DB, brandID id.ID, families map[id.ID][]id.ID, from, until clock.Day) (map[id.ID]brought, error) {
	var rows []struct {
		ReferrerID, Root id.ID
		Days             int64
	}
	err := tx.Raw(`SELECT f.referrer_id, `+member.RootSQL("m")+` AS root, COUNT(DISTINCT f.day) AS days
		FROM leader_fact f JOIN member m ON m.id = f.member_id JOIN member r ON r.id = f.referrer_id
		WHERE f.brand_id = ? AND f.referrer_id IN ? AND f.day >= ? AND f.day < ? AND m.state = ? AND `+worth+`
		AND `+member.RootSQL("m")+` <> `+member.RootSQL("r")+` GROUP BY f.referrer_id, `+member.RootSQL("m"),
		brandID, atoms(families), from, until, member.Active).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("leader: buyers: %w", err)
	}
	days := map[id.ID]map[id.ID]int64{} // referrer -> buyer
	for _, r := range rows {
		if days[r.ReferrerID] == nil {
			days[r.ReferrerID] = map[id.ID]int64{}
		}
		days[r.ReferrerID][r.Root] += r.Days
	}
	out := map[id.ID]brought{}
	for who, family := range families {
		all := map[id.ID]int64{}
		for _, a := range family {
			for root, n := range days[a] {
				all[root] += n
			}
		}
		b := brought{buyers: int64(len(all))}
		for _, n := range all {
			if n > 1 {
				b.again++
			}
		}
		out[who] = b
	}
	return out, nil
}

// measure finds, for each human given by his family, what conditions say of the whole
// days before until.
func (s *Store) measure(ctx context.Context, brandID id.ID, families map[id.ID][]id.ID, list []Condition, until clock.Day) (map[id.ID]Evidences, error) {
	out := make(map[id.ID]Evidences, len(families))
	for who := range families {
		out[who] = Evidences{}
	}
	if len(families) == 0 {
		return out, nil
	}
	tx := s.DB.Read(ctx)
	for _, c := range list {
		from := until.AddDays(-c.Days)
		values := map[id.ID][2]int64{}
		switch c.Metric {
		case OwnClaims:
			own, err := ownClaims(tx, brandID, atoms(families), from, until)
			if err != nil {
				return nil, err
			}
			for who, family := range families {
				n := int64(0)
				for _, a := range family {
					n += own[a]
				}
				values[who] = [2]int64{n, 0}
			}
		case Buyers, RetentionBP:
			found, err := buyersOf(tx, brandID, families, from, until)
			if err != nil {
				return nil, err
			}
			for who, b := range found {
				values[who] = [2]int64{b.buyers, 0}
				if c.Metric == RetentionBP && b.buyers > 0 {
					values[who] = [2]int64{b.again * 10_000 / b.buyers, b.buyers}
				} else if c.Metric == RetentionBP {
					values[who] = [2]int64{}
				}
			}
		case GroupHealth:
			if s.parts.Health == nil {
				break
			}
			for who, family := range families {
				score, groups, err := s.parts.Health(ctx, brandID, family)
				if err != nil {
					return nil, fmt.Errorf("leader: health: %w", err)
				}
				values[who] = [2]int64{score, groups}
			}
		}
		for who := range families {
			v := values[who]
			out[who] = append(out[who], Evidence{Metric: c.Metric, Title: metrics[c.Metric].title, Days: c.Days, AtLeast: c.AtLeast, Value: v[0], Of: v[1], Met: v[0] >= c.AtLeast})
		}
	}
	return out, nil
}

// met says whether all conditions of a list hold by the evidence.
func (e Evidences) met(list []Condition) bool {
	for _, c := range list {
		ok := false
		for _, x := range e {
			ok = ok || x.Metric == c.Metric && x.Days == c.Days && x.Value >= c.AtLeast
		}
		if !ok {
			return false
		}
	}
	return true
}
