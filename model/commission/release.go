package commission

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/id"
)

// verdict is what stands against paying an accrual.
type verdict struct {
	hold string // an open case: wait
	claw string // the item is worth nothing any more: take it back
}

// judge asks of accruals whether anything stands against paying them. It reads only.
func (s *Store) judge(ctx context.Context, list []Accrual) (map[id.ID]verdict, error) {
	out := map[id.ID]verdict{}
	people := map[id.ID][]id.ID{}
	for _, a := range list {
		people[a.BrandID] = append(people[a.BrandID], a.EarnerID, a.RefereeID)
	}
	suspects := map[id.ID]map[id.ID]string{}
	for brand, members := range people {
		if s.Suspicion == nil {
			break
		}
		slices.Sort(members)
		held, err := s.Suspicion.Held(ctx, brand, slices.Compact(members))
		if err != nil {
			return nil, fmt.Errorf("commission: suspicion: %w", err)
		}
		suspects[brand] = held
	}
	batches := map[id.ID][]code.Span{}
	for _, a := range list {
		var v verdict
		if v.hold = suspects[a.BrandID][a.EarnerID]; v.hold == "" {
			v.hold = suspects[a.BrandID][a.RefereeID]
		}
		// Two accounts may have turned out to be one person since, whatever became of the
		// case about it. Held and not taken: a merge can be undone.
		if v.hold == "" {
			same, err := s.Members.SameHuman(ctx, a.EarnerID, a.RefereeID)
			if err != nil {
				return nil, fmt.Errorf("commission: families: %w", err)
			}
			if same {
				v.hold = "推荐人与购买人现为同一人，自购不计佣"
			}
		}
		if a.EarnedOn == OnClaim {
			spans, read := batches[a.BatchID]
			if !read {
				var err error
				if spans, err = s.Codes.States(ctx, a.BatchID, s.DB.Now()); err != nil {
					return nil, fmt.Errorf("commission: codes: %w", err)
				}
				batches[a.BatchID] = spans
			}
			switch stateIn(spans, a.Serial) {
			case code.Voided:
				v.claw = "商品码已作废"
			case code.Recalled:
				v.claw = "商品码已召回"
			}
		}
		out[a.ID] = v
	}
	return out, nil
}

func stateIn(spans []code.Span, serial int64) string {
	for _, x := range spans {
		if serial >= x.From && serial < x.Until {
			return x.State
		}
	}
	return ""
}

// Release lets go of accruals whose frozen days are over, holds those under suspicion,
// looks again at those held, and takes back what was earned on codes that are void or
// recalled by now; of void ones also what was settled. It stops when nothing is due;
// another process may do the same.
func (s *Store) Release(ctx context.Context) error {
	for _, state := range []string{Frozen, Held} {
		var at clock.Instant
		var after id.ID
		for ctx.Err() == nil {
			var list []Accrual
			err := s.DB.Read(ctx).Where("state = ? AND release_at <= ? AND (release_at > ? OR release_at = ? AND id > ?)", state, s.DB.Now(), at, at, after).
				Order("release_at, id").Limit(db.MaxPage).Find(&list).Error
			if err != nil {
				return fmt.Errorf("commission: release: %w", err)
			}
			if err := s.releaseSome(ctx, list); err != nil {
				return err
			}
			if len(list) < db.MaxPage {
				break
			}
			at, after = list[len(list)-1].ReleaseAt, list[len(list)-1].ID
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.takeVoid(ctx); err != nil {
		return err
	}
	return s.Fold(ctx)
}

func (s *Store) releaseSome(ctx context.Context, list []Accrual) error {
	if len(list) == 0 {
		return nil
	}
	verdicts, err := s.judge(ctx, list)
	if err != nil {
		return err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		for _, a := range list {
			if err := s.applyTx(ctx, tx, a, verdicts[a.ID]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("commission: release: %w", err)
	}
	return nil
}

// applyTx moves an accrual as its verdict says, if it is still where it was.
func (s *Store) applyTx(ctx context.Context, tx *gorm.DB, a Accrual, v verdict) error {
	move := func(state, reason string, released clock.Instant) error {
		if a.State == state && a.Reason == reason {
			return nil
		}
		u := tx.Model(&Accrual{}).Where("id = ? AND state = ?", a.ID, a.State).
			Updates(map[string]any{"state": state, "reason": reason, "released_at": released})
		if u.Error != nil || u.RowsAffected == 0 {
			return u.Error
		}
		return s.movedTx(ctx, tx, a, state)
	}
	switch {
	case v.claw != "":
		now, err := s.accrualTx(tx, a.ID, s.lock())
		if err != nil {
			return err
		}
		_, err = s.clawTx(ctx, tx, now, now.Left(), "code:"+a.ID.String(), v.claw, 0)
		return err
	case v.hold != "":
		return move(Held, cut(v.hold, 200), 0)
	case a.State == Released:
		return nil
	}
	return move(Released, "", s.DB.Now())
}

// cut keeps at most n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
