package tag

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/member"
)

// Share is how many humans have a value.
type Share struct {
	Value  string `json:"value"`
	People int64  `json:"people"`
}

// Point is how many humans had a tag on a day.
type Point struct {
	Day    string `json:"day"` // 2026-11-22
	People int64  `json:"people"`
}

// Spread is the distribution of a tag, as of the last count.
type Spread struct {
	AsOf   clock.Instant `json:"as_of"` // none: not counted yet
	People int64         `json:"people"`
	Base   int64         `json:"base"` // humans of the brand who have any running tag
	Values []Share       `json:"values"`
	Scores []Bar         `json:"scores"` // of a model's tag, the lowest first
	Days   []Point       `json:"days"`   // the last ninety, oldest first
}

// base stands in tag_stat under the brand's id: how many humans have any tag.
const baseValue = ""

// Recount counts who has a tag now, by value.
func (s *Store) Recount(ctx context.Context, tagID id.ID) error {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	var shares []Share
	err = s.DB.Read(ctx).Raw("SELECT value, COUNT(*) AS people FROM "+newest("value")+" GROUP BY value", tagID, now).Scan(&shares).Error
	if err != nil {
		return fmt.Errorf("tag: count: %w", err)
	}
	var people int64
	for _, x := range shares {
		people += x.People
	}
	if len(shares) == 0 { // nobody is a number too: without a row the days before would stand for this one
		shares = []Share{{}}
	}
	var bars []Bar
	var versions map[int]int64
	if t.Kind == Model {
		if bars, versions, err = s.scale(ctx, t); err != nil {
			return err
		}
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := putStat(ctx, tx, tagID, clock.DayOf(now), shares); err != nil {
			return err
		}
		if t.Kind == Model {
			if err := s.putScale(ctx, tx, tagID, bars, versions); err != nil {
				return err
			}
		}
		return tx.Exec("UPDATE tag SET people = ?, counted_at = ? WHERE id = ? AND counted_at <= ?", people, now, t.ID, now).Error
	})
}

func putStat(ctx context.Context, tx *gorm.DB, of id.ID, day clock.Day, shares []Share) error {
	if err := tx.Exec("DELETE FROM tag_stat WHERE tag_id = ? AND day = ?", of, day).Error; err != nil {
		return err
	}
	rows := db.NewRows("tag_stat", "tag_id, day, value, people")
	for _, x := range shares {
		rows.Add(of, day, x.Value, x.People)
	}
	_, err := rows.Insert(ctx, tx, "")
	return err
}

const (
	// Few people are counted again after a moment, many only when the clock says so: counting
	// a million of them takes a database seconds.
	few       = 20_000
	fewAfter  = 2 * time.Minute
	manyAfter = 6 * time.Hour
)

// RecountDue counts every running tag whose number is old, and how many humans of its brand
// have any.
func (s *Store) RecountDue(ctx context.Context) error {
	list, err := s.find(s.DB.Read(ctx).Where("state = ?", Running).Order("brand_id, id"))
	if err != nil {
		return err
	}
	now, counted := s.DB.Now(), map[id.ID]bool{}
	for _, t := range list {
		age := now.Sub(t.CountedAt)
		if age < fewAfter || t.People >= few && age < manyAfter {
			continue
		}
		if err := s.Recount(ctx, t.ID); err != nil {
			return err
		}
		if counted[t.BrandID] {
			continue
		}
		counted[t.BrandID] = true
		base, err := s.base(ctx, t.BrandID)
		if err == nil && (base < few || age >= manyAfter) {
			err = s.recountBase(ctx, t.BrandID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) recountBase(ctx context.Context, brandID id.ID) error {
	var n int64
	err := s.DB.Read(ctx).Raw("SELECT COUNT(DISTINCT "+member.RootSQL("m")+") FROM tag_value v JOIN tag t ON t.id = v.tag_id JOIN member m ON m.id = v.member_id "+
		"WHERE t.brand_id = ? AND t.state = ? AND (v.until_at = 0 OR v.until_at > ?)", brandID, Running, s.DB.Now()).Scan(&n).Error
	if err != nil {
		return fmt.Errorf("tag: count: %w", err)
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return putStat(ctx, tx, brandID, clock.DayOf(s.DB.Now()), []Share{{baseValue, n}})
	})
}

// SpreadOf reads the distribution of a tag.
func (s *Store) SpreadOf(ctx context.Context, tagID id.ID) (Spread, error) {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return Spread{}, err
	}
	out := Spread{AsOf: t.CountedAt, People: t.People, Values: []Share{}, Days: []Point{}}
	if out.Base, err = s.base(ctx, t.BrandID); err != nil {
		return Spread{}, err
	}
	if out.Scores, err = s.bars(ctx, tagID); err != nil {
		return Spread{}, err
	}
	var rows []struct {
		Day    clock.Day
		Value  string
		People int64
	}
	err = s.DB.Read(ctx).Raw("SELECT day, value, people FROM tag_stat WHERE tag_id = ? AND day > ? ORDER BY day, people DESC, value", tagID, clock.DayOf(s.DB.Now()).AddDays(-90)).Scan(&rows).Error
	if err != nil {
		return Spread{}, fmt.Errorf("tag: spread: %w", err)
	}
	for _, r := range rows {
		if d := r.Day.Text(); len(out.Days) == 0 || out.Days[len(out.Days)-1].Day != d {
			out.Days = append(out.Days, Point{Day: d})
		}
		out.Days[len(out.Days)-1].People += r.People
		if r.Day == rows[len(rows)-1].Day && r.People > 0 {
			out.Values = append(out.Values, Share{r.Value, r.People})
		}
	}
	return out, nil
}

func (s *Store) base(ctx context.Context, brandID id.ID) (n int64, err error) {
	err = s.DB.Read(ctx).Raw("SELECT COALESCE(MAX(people), 0) FROM tag_stat WHERE tag_id = ? AND day = (SELECT MAX(day) FROM tag_stat WHERE tag_id = ?)", brandID, brandID).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("tag: base: %w", err)
	}
	return n, nil
}

// Related is another tag of the same people.
type Related struct {
	TagID  id.ID  `json:"tag_id"`
	Name   string `json:"name"`
	Class  string `json:"class"`
	Both   int64  `json:"both"`   // of the people looked at, how many have it too
	Sample int64  `json:"sample"` // how many were looked at
	// LiftPercent is how much more often these people have it than everybody who has any tag:
	// 100 is as often. 0: not known yet.
	LiftPercent int64 `json:"lift_percent"`
}

const (
	// relatedSample bounds how many people RelatedTo looks at.
	relatedSample = 2000
	// Of a tag of many a few neighbours are taken at each of some places, per shard of ids.
	sampleShards, samplePlaces = 16, 16
)

// sample are some of the people with a tag, all if they are few. Of many they are spread
// over the whole tag: ids of neighbours are people of the same hour, and a walk over all of
// half a million took a second. Ids grow with time within a shard (package id), so places
// between a shard's first and last are places in time.
func (s *Store) sample(ctx context.Context, t Tag) (list []id.ID, err error) {
	tx := s.DB.Read(ctx)
	if t.People <= relatedSample {
		return list, tx.Raw("SELECT member_id FROM tag_value WHERE tag_id = ? LIMIT ?", t.ID, relatedSample).Scan(&list).Error
	}
	type place struct{ from, until id.ID }
	var places []place
	for shard := range int64(sampleShards) {
		from, until := shard<<59, shard<<59|(1<<59-1)
		var first, last id.ID
		err := tx.Raw("SELECT COALESCE(MIN(member_id), 0), COALESCE(MAX(member_id), 0) FROM tag_value WHERE tag_id = ? AND member_id BETWEEN ? AND ?", t.ID, from, until).Row().Scan(&first, &last)
		if err != nil {
			return nil, err
		}
		for n := range id.ID(samplePlaces) {
			if first != 0 {
				places = append(places, place{first + (last-first)/samplePlaces*n, id.ID(until)})
			}
		}
	}
	for part := range slices.Chunk(places, samplePlaces) { // a shard's; distinct, for places may lie close
		var stmt []string
		var args []any
		for _, p := range part {
			stmt = append(stmt, "SELECT member_id FROM (SELECT member_id FROM tag_value WHERE tag_id = ? AND member_id BETWEEN ? AND ? ORDER BY member_id LIMIT ?) AS few")
			args = append(args, t.ID, p.from, p.until, relatedSample/len(places))
		}
		var some []id.ID
		if err := tx.Raw(strings.Join(stmt, " UNION "), args...).Scan(&some).Error; err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list[:min(len(list), relatedSample)], nil
}

// RelatedTo finds the tags that people with one tag have more often than others, the most
// telling first, among those that these roles may see. It looks at a sample of them.
func (s *Store) RelatedTo(ctx context.Context, tagID id.ID, roles []string) ([]Related, error) {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return nil, err
	}
	all, err := s.base(ctx, t.BrandID)
	if err != nil {
		return nil, err
	}
	sample, err := s.sample(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("tag: related: %w", err)
	}
	out := []Related{}
	if len(sample) == 0 {
		return out, nil
	}
	var rows []struct {
		TagID id.ID
		N     int64
	}
	err = s.DB.Read(ctx).Raw("SELECT tag_id, COUNT(*) AS n FROM tag_value WHERE member_id IN ? AND tag_id <> ? AND (until_at = 0 OR until_at > ?) GROUP BY tag_id", sample, tagID, s.DB.Now()).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("tag: related: %w", err)
	}
	for _, r := range rows {
		other, err := s.Get(ctx, r.TagID)
		if err != nil {
			return nil, err
		}
		if other.BrandID != t.BrandID || other.State != Running || !other.Visible(roles) {
			continue
		}
		x := Related{TagID: other.ID, Name: other.Name, Class: other.Class, Both: r.N, Sample: int64(len(sample))}
		if other.People > 0 {
			x.LiftPercent = r.N * all * 100 / (x.Sample * other.People)
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Related) int {
		return cmp.Or(cmp.Compare(b.LiftPercent, a.LiftPercent), cmp.Compare(b.Both, a.Both), cmp.Compare(a.TagID, b.TagID))
	})
	return out[:min(len(out), 20)], nil
}
