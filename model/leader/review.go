package leader

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/member"
)

// ReviewStep gives the next leaders their level of this month, in one short step, and
// says whether there are more. The level is the highest whose conditions hold by the
// whole days before the first of the month in Shanghai, whenever in the month the step
// runs; a row that was reviewed says so itself, so the next step goes on behind it. Each
// review stands in the history with its figures, also one that changed nothing.
func (s *Store) ReviewStep(ctx context.Context) (more bool, err error) {
	this := month(clock.DayOf(s.DB.Now()))
	var due []Leader
	err = s.DB.Read(ctx).Where("state IN ? AND level_month < ? AND role = ?", []string{Active, Suspended}, this, RoleLeader).Order("brand_id, id").Limit(stepMembers).Find(&due).Error
	if err != nil {
		return false, fmt.Errorf("leader: review: %w", err)
	}
	for i := 0; i < len(due); {
		n := slices.IndexFunc(due[i:], func(l Leader) bool { return l.BrandID != due[i].BrandID })
		if n < 0 {
			n = len(due) - i
		}
		if err := s.review(ctx, due[i:i+n], this); err != nil {
			return false, err
		}
		i += n
	}
	return len(due) == stepMembers, nil
}

// review does some leaders of one brand.
func (s *Store) review(ctx context.Context, due []Leader, this int) error {
	p, err := s.Programme(ctx, due[0].BrandID)
	if err != nil {
		return err
	}
	found, err := s.figures(ctx, p, due, clock.Day(this*100+1))
	if err != nil {
		return err
	}
	for _, l := range due {
		level := p.reached(found[l.MemberID])
		told := toldDue
		if level == l.Level {
			told = toldNothing
		}
		m := Move{ByKind: ByRule, Reason: fmt.Sprintf("%d 年 %d 月等级评定", this/100, this%100), Evidence: found[l.MemberID], Told: told}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return s.moveTx(tx, &l, l.State, m, map[string]any{"level": level, "level_month": this})
		})
		if err != nil && !errors.Is(err, errState) { // another process did it, or he moved: seen again
			return err
		}
	}
	return nil
}

// figures measures all conditions of a programme's levels for leaders of its brand.
func (s *Store) figures(ctx context.Context, p Programme, list []Leader, until clock.Day) (map[id.ID]Evidences, error) {
	members := make([]id.ID, len(list))
	for i, l := range list {
		members[i] = l.MemberID
	}
	families, err := member.Families(s.DB.Read(ctx), members)
	if err != nil {
		return nil, err
	}
	return s.measure(ctx, p.BrandID, families, p.conditions(), until)
}

// conditions lists those of all levels; of the same metric and days the highest.
func (p Programme) conditions() []Condition {
	var out []Condition
	for _, l := range p.Levels {
		for _, c := range l.Conditions {
			i := slices.IndexFunc(out, func(x Condition) bool { return x.Metric == c.Metric && x.Days == c.Days })
			switch {
			case i < 0:
				out = append(out, c)
			case out[i].AtLeast < c.AtLeast:
				out[i] = c
			}
		}
	}
	return out
}

// reached is the highest level whose conditions hold; 0 without levels.
func (p Programme) reached(e Evidences) int {
	for n := len(p.Levels); n > 1; n-- {
		if e.met(p.Levels[n-1].Conditions) {
			return n
		}
	}
	return min(1, len(p.Levels))
}

// Progress is what the conditions of the next level say of a leader today: all of them,
// with how far he is. Empty on the highest level.
func (s *Store) Progress(ctx context.Context, l Leader) (Evidences, error) {
	p, err := s.Programme(ctx, l.BrandID)
	if err != nil || l.Role != RoleLeader || l.Level >= len(p.Levels) {
		return Evidences{}, err
	}
	family, err := s.Members.Family(ctx, l.MemberID)
	if err != nil {
		return nil, err
	}
	next := p.Levels[max(l.Level, 0)].Conditions
	found, err := s.measure(ctx, l.BrandID, map[id.ID][]id.ID{l.MemberID: family}, next, clock.DayOf(s.DB.Now()))
	return found[l.MemberID], err
}

// rankDays is how far a rank looks back, in whole days.
const rankDays = 30

// Rank is a leader's place in his brand by the people he brought himself who bought in
// the last 30 days. Of the others it says only how many there are.
type Rank struct {
	Position int    `json:"position"` // from 1; equal ones share it. 0: not computed yet
	Total    int    `json:"total"`
	Buyers   int64  `json:"buyers"`
	Day      string `json:"day"` // as of the beginning of, 2026-11-20
}

type rankRow struct {
	LeaderID, BrandID id.ID
	Position, Total   int
	Buyers            int64
	Day               clock.Day
}

// RankDay computes the places of the brands that have none of today, one brand per call,
// and says whether there may be more.
func (s *Store) RankDay(ctx context.Context) (more bool, err error) {
	brands, err := s.Brands(ctx)
	if err != nil {
		return false, err
	}
	for _, b := range brands {
		r, err := s.run(ctx, b, "rank")
		if err != nil {
			return false, err
		}
		if r.Done {
			continue
		}
		if err := s.rank(ctx, b, r.Day); err != nil {
			return false, err
		}
		return true, s.passed(ctx, r, true)
	}
	return false, nil
}

// rank computes one brand. Of several rows of one human the one that counts has a place.
func (s *Store) rank(ctx context.Context, brandID id.ID, day clock.Day) error {
	var list []Leader
	if err := s.DB.Read(ctx).Where("brand_id = ? AND state = ? AND role = ?", brandID, Active, RoleLeader).Order("id").Find(&list).Error; err != nil {
		return fmt.Errorf("leader: rank: %w", err)
	}
	var rows []rankRow
	for part := range slices.Chunk(list, stepMembers) {
		members := make([]id.ID, len(part))
		for i, l := range part {
			members[i] = l.MemberID
		}
		counting, err := s.Active(ctx, brandID, members)
		if err != nil {
			return err
		}
		families, err := member.Families(s.DB.Read(ctx), members)
		if err != nil {
			return err
		}
		found, err := buyersOf(s.DB.Read(ctx), brandID, families, day.AddDays(-rankDays), day)
		if err != nil {
			return err
		}
		for _, l := range part {
			if counting[l.MemberID].ID == l.ID {
				rows = append(rows, rankRow{LeaderID: l.ID, BrandID: brandID, Buyers: found[l.MemberID].buyers, Day: day})
			}
		}
	}
	slices.SortFunc(rows, func(a, b rankRow) int { return int(b.Buyers - a.Buyers) })
	for i := range rows {
		rows[i].Position, rows[i].Total = i+1, len(rows)
		if i > 0 && rows[i-1].Buyers == rows[i].Buyers {
			rows[i].Position = rows[i-1].Position
		}
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM leader_rank WHERE brand_id = ?", brandID).Error; err != nil {
			return err
		}
		for part := range slices.Chunk(rows, 500) {
			insert := db.NewRows("leader_rank", "leader_id, brand_id, position, total, buyers, day")
			for _, r := range part {
				insert.Add(r.LeaderID, r.BrandID, r.Position, r.Total, r.Buyers, r.Day)
			}
			if _, err := insert.Insert(ctx, tx, s.DB.Once("total")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("leader: rank: %w", err)
	}
	return nil
}

// RankOf reads a leader's place.
func (s *Store) RankOf(ctx context.Context, leaderID id.ID) (Rank, error) {
	var rows []rankRow
	if err := s.DB.Read(ctx).Raw("SELECT * FROM leader_rank WHERE leader_id = ?", leaderID).Scan(&rows).Error; err != nil {
		return Rank{}, fmt.Errorf("leader: rank: %w", err)
	}
	if len(rows) == 0 {
		return Rank{}, nil
	}
	r := rows[0]
	return Rank{r.Position, r.Total, r.Buyers, r.Day.Text()}, nil
}
