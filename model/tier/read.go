package tier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/points"
)

// Standing is where a human stands at one brand.
type Standing struct {
	BrandID   id.ID         `json:"brand_id"`
	Level     int           `json:"level"` // -1: the brand has no levels
	Name      string        `json:"name"`
	Growth    int64         `json:"growth"` // that counts now
	Since     clock.Instant `json:"since"`
	Until     clock.Instant `json:"until"`      // of the period; null: no end
	Gained    int64         `json:"gained"`     // in the period
	KeepNeeds int64         `json:"keep_needs"` // growth that is missing to keep the level; 0 = kept
	Perks     []string      `json:"perks"`      // all that the level gives, in words
	Next      *Next         `json:"next"`       // null on the highest level
	Loss      *Loss         `json:"loss"`       // what is lost at the period's end as things are; null: nothing
}

// LastDay is the last day of the period, as text; "" = no end.
func (s Standing) LastDay() string {
	if s.Until == 0 {
		return ""
	}
	return clock.DayOf(s.Until - 1).Text()
}

// Next is the level above.
type Next struct {
	Name  string   `json:"name"`
	Needs int64    `json:"needs"` // growth that is missing
	Perks []string `json:"perks"`
}

// Loss is what a member loses at the end of his period unless he grows.
type Loss struct {
	MemberID id.ID         `json:"-"`
	BrandID  id.ID         `json:"-"`
	From     string        `json:"from"`
	To       string        `json:"to"`
	At       clock.Instant `json:"at"`
	Needs    int64         `json:"needs"`
	Perks    []string      `json:"perks"` // lost, in words
	Text     string        `json:"text"`  // all of it in a sentence
}

// words lists what a level gives.
func (l Level) words() []string {
	out := []string{}
	if l.MultiplierBP > once {
		out = append(out, "扫码积分 "+times(l.MultiplierBP)+" 倍")
	}
	if l.BirthdayPoints > 0 {
		out = append(out, fmt.Sprintf("生日赠 %d 积分", l.BirthdayPoints))
	}
	if l.Campaigns {
		out = append(out, "可参加会员专享活动")
	}
	return append(out, l.Perks...)
}

// times is 15000 as 1.5.
func times(bp int64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%04d", bp/once, bp%once), "0"), ".")
}

func (s state) standing(brandID id.ID) Standing {
	out := Standing{BrandID: brandID, Level: -1, Growth: s.score, Perks: []string{}}
	levels := s.table.Levels
	if len(levels) == 0 {
		return out
	}
	out.Level, out.Name, out.Since, out.Until, out.Gained, out.Perks = s.level, levels[s.level].Name, s.since, s.until, s.gained, levels[s.level].words()
	if s.level+1 < len(levels) {
		up := levels[s.level+1]
		out.Next = &Next{Name: up.Name, Needs: max(1, up.Threshold-s.score), Perks: up.words()}
	}
	if s.until == 0 {
		return out
	}
	out.KeepNeeds = max(0, levels[s.level].Keep-s.gained)
	if to := s.after(s.endScore); to < s.level {
		out.Loss = s.loss(to, out.KeepNeeds)
	}
	return out
}

func (s state) loss(to int, needs int64) *Loss {
	had, has := s.table.Levels[s.level].words(), s.table.Levels[to].words()
	l := &Loss{From: s.table.name(s.level), To: s.table.name(to), At: s.until, Needs: needs, Perks: []string{}}
	for _, p := range had {
		if !slices.Contains(has, p) {
			l.Perks = append(l.Perks, p)
		}
	}
	l.Text = fmt.Sprintf("您的“%s”有效期至 %s，再获得 %d 成长值即可保级；届时未达到将变为“%s”", l.From, clock.DayOf(s.until-1).Text(), needs, l.To)
	if len(l.Perks) > 0 {
		l.Text += "，不再享有：" + strings.Join(l.Perks, "、")
	}
	l.Text += "。"
	return l
}

// at computes where the human behind a member stood at a moment.
func (s *Store) at(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (state, []id.ID, error) {
	family, err := s.members.Family(ctx, memberID)
	if err != nil {
		return state{}, nil, err
	}
	tx := s.db.Read(ctx)
	tables, err := s.tables(tx, brandID)
	if err != nil {
		return state{}, nil, err
	}
	entries, err := entriesOf(tx, brandID, family)
	if err != nil {
		return state{}, nil, err
	}
	return replay(tables, entries, at), family, nil
}

// Standing reads where the human behind a member stands at a brand. Fault: NotFound
// member_not_found.
func (s *Store) Standing(ctx context.Context, brandID, memberID id.ID) (Standing, error) {
	st, _, err := s.at(ctx, brandID, memberID, s.db.Now())
	if err != nil {
		return Standing{}, err
	}
	return st.standing(brandID), nil
}

// History lists the human's moves between levels at a brand, oldest first, each with the
// key of the growth that caused it.
func (s *Store) History(ctx context.Context, brandID, memberID id.ID) ([]Move, error) {
	st, _, err := s.at(ctx, brandID, memberID, s.db.Now())
	if err != nil {
		return nil, err
	}
	return append([]Move{}, st.moves...), nil
}

// Brands lists the brands that have levels.
func (s *Store) Brands(ctx context.Context) ([]id.ID, error) {
	out := []id.ID{}
	if err := s.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM tier_table ORDER BY brand_id").Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("tier: brands: %w", err)
	}
	return out, nil
}

// Of lists where the human stands at every brand that has levels.
func (s *Store) Of(ctx context.Context, memberID id.ID) ([]Standing, error) {
	brands, err := s.Brands(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, 0, len(brands))
	for _, b := range brands {
		st, err := s.Standing(ctx, b, memberID)
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, nil
}

// Share is how many members a level would have.
type Share struct {
	Name      string `json:"name"`
	Threshold int64  `json:"threshold"`
	Members   int64  `json:"members"`
}

// Preview counts how many members each of some levels would have by the growth of the
// last months, members who grew at all; 0 months counts all growth. Joined members count
// one by one. Fault: Invalid tier_table.
func (s *Store) Preview(ctx context.Context, brandID id.ID, levels []Level, months int) ([]Share, error) {
	if len(levels) == 0 || len(levels) > maxLevels || months < 0 || months > 60 {
		return nil, bad("levels", "请给出 1 到 %d 个等级", maxLevels)
	}
	t := Table{PeriodMonths: months}
	out := make([]Share, len(levels))
	for i, l := range levels {
		if i > 0 && l.Threshold <= levels[i-1].Threshold {
			return nil, bad("threshold", "门槛应逐级升高")
		}
		out[i] = Share{Name: l.Name, Threshold: l.Threshold}
	}
	cases, args := "0", []any{}
	if len(levels) > 1 {
		var b strings.Builder
		b.WriteString("CASE")
		for i := len(levels) - 1; i > 0; i-- {
			fmt.Fprintf(&b, " WHEN total >= ? THEN %d", i)
			args = append(args, levels[i].Threshold)
		}
		b.WriteString(" ELSE 0 END")
		cases = b.String()
	}
	var rows []struct {
		Level int
		N     int64
	}
	err := s.db.Read(ctx).Raw("SELECT "+cases+` AS level, COUNT(*) AS n FROM (SELECT member_id, SUM(growth) AS total FROM tier_growth
		WHERE brand_id = ? AND created_at >= ? GROUP BY member_id) AS sums GROUP BY 1`, append(args, brandID, t.window(s.db.Now()))...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("tier: preview: %w", err)
	}
	for _, r := range rows {
		out[r.Level].Members = r.N
	}
	return out, nil
}

// duePage is how many standings a chore looks at together.
const duePage = 200

type standingRow struct {
	BrandID, MemberID id.ID
	UntilAt           clock.Instant
}

// EndDue brings those up to date whose period is over. It stops when nobody is left.
func (s *Store) EndDue(ctx context.Context) error {
	for ctx.Err() == nil {
		var due []standingRow
		err := s.db.Read(ctx).Raw("SELECT brand_id, member_id, until_at FROM tier_standing WHERE until_at > 0 AND until_at <= ? ORDER BY until_at LIMIT ?", s.db.Now(), duePage).Scan(&due).Error
		if err != nil {
			return fmt.Errorf("tier: due: %w", err)
		}
		for _, d := range due {
			family, err := s.members.Family(ctx, d.MemberID)
			if err != nil {
				return err
			}
			if err := s.refresh(ctx, d.BrandID, family); err != nil {
				return err
			}
		}
		if len(due) == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// Warn hands to tell who loses something at the end of a period within a time, each human
// and period once. What tell fails for comes again.
func (s *Store) Warn(ctx context.Context, within time.Duration, tell func(ctx context.Context, l Loss) error) error {
	now := s.db.Now()
	for ctx.Err() == nil {
		var due []standingRow
		err := s.db.Read(ctx).Raw("SELECT brand_id, member_id, until_at FROM tier_standing WHERE until_at > ? AND until_at <= ? AND warned_until < until_at ORDER BY until_at LIMIT ?",
			now, now.Add(within), duePage).Scan(&due).Error
		if err != nil {
			return fmt.Errorf("tier: warn: %w", err)
		}
		for _, d := range due {
			if err := s.warn(ctx, d, tell); err != nil {
				return err
			}
		}
		if len(due) == 0 {
			return nil
		}
	}
	return ctx.Err()
}

func (s *Store) warn(ctx context.Context, d standingRow, tell func(ctx context.Context, l Loss) error) error {
	st, family, err := s.at(ctx, d.BrandID, d.MemberID, s.db.Now())
	if err != nil {
		return err
	}
	l := st.standing(d.BrandID).Loss
	if l != nil && st.until == d.UntilAt && family[0] == d.MemberID { // the others are the same human
		l.MemberID, l.BrandID = d.MemberID, d.BrandID
		if err := tell(ctx, *l); err != nil {
			return err
		}
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE tier_standing SET warned_until = until_at WHERE brand_id = ? AND member_id = ? AND until_at = ?", d.BrandID, d.MemberID, d.UntilAt).Error
	})
	if err != nil {
		return fmt.Errorf("tier: warn: %w", err)
	}
	return nil
}

// Birthday gives what a brand gives for the birthday of a year: what its points rules say
// and what the level adds. A human gets it once a year, whichever of his members is
// named and whoever joins him later. Fault: NotFound member_not_found.
func (s *Store) Birthday(ctx context.Context, brandID, memberID id.ID, year int) error {
	st, family, err := s.at(ctx, brandID, memberID, s.db.Now())
	if err != nil {
		return err
	}
	keys := make([]string, len(family))
	for i, m := range family {
		keys[i] = fmt.Sprintf("birthday:%s:%s:%d", brandID, m, year)
	}
	given, err := s.points.Earned(ctx, keys...)
	if err != nil || given {
		return err
	}
	f := points.Fact{Key: fmt.Sprintf("birthday:%s:%s:%d", brandID, memberID, year), BrandID: brandID, MemberID: memberID, On: points.OnBirthday}
	if len(st.table.Levels) > 0 {
		l := st.table.Levels[st.level]
		if f.Points = l.BirthdayPoints; f.Points > 0 {
			f.Memo = l.Name + "生日礼"
		}
	}
	_, err = s.points.Earn(ctx, f)
	return err
}
