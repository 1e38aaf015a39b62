package tag

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/member"
)

// Bar is how many humans have a score of a model's from Low up to High.
type Bar struct {
	Low    int64 `json:"low"`
	High   int64 `json:"high"`
	People int64 `json:"people"`
}

// maxBars of one distribution: more are a picture of noise.
const maxBars = 12

// newest is a query of the value of each human that counts at a moment: its arguments are
// the tag and the moment.
func newest(columns string) string {
	return "(SELECT " + columns + " FROM (SELECT v.*, ROW_NUMBER() OVER (PARTITION BY " + member.RootSQL("m") + " ORDER BY v.since_at DESC, v.member_id DESC) AS n " +
		"FROM tag_value v JOIN member m ON m.id = v.member_id WHERE v.tag_id = ? AND (v.until_at = 0 OR v.until_at > ?)) w WHERE n = 1) counts"
}

// step is the width of bars over so many scores: 1, 2 or 5 of some power of ten, so that
// the edges read well.
func step(span int64) int64 {
	for width := int64(1); ; width *= 10 {
		for _, x := range []int64{1, 2, 5} {
			if span/(width*x)+2 <= maxBars { // an edge may lie within the first
				return width * x
			}
		}
	}
}

// scale counts how a model's scores lie, and of how many humans each version has the last
// word.
func (s *Store) scale(ctx context.Context, t Tag) (bars []Bar, versions map[int]int64, err error) {
	now := s.DB.Now()
	var ends struct{ Lowest, Highest int64 }
	err = s.DB.Read(ctx).Raw("SELECT COALESCE(MIN(score), 0) AS lowest, COALESCE(MAX(score), 0) AS highest FROM "+newest("score"), t.ID, now).Scan(&ends).Error
	if err != nil {
		return nil, nil, fmt.Errorf("tag: scores: %w", err)
	}
	width := step(ends.Highest - ends.Lowest)
	from := ends.Lowest - (ends.Lowest%width+width)%width
	err = s.DB.Read(ctx).Raw("SELECT score - (score - ?) % ? AS low, COUNT(*) AS people FROM "+newest("score")+" GROUP BY low ORDER BY low", from, width, t.ID, now).Scan(&bars).Error
	if err != nil {
		return nil, nil, fmt.Errorf("tag: scores: %w", err)
	}
	for i := range bars {
		bars[i].High = bars[i].Low + width - 1
	}
	var said []struct {
		Version int
		People  int64
	}
	err = s.DB.Read(ctx).Raw("SELECT version, COUNT(*) AS people FROM "+newest("version")+" GROUP BY version", t.ID, now).Scan(&said).Error
	if err != nil {
		return nil, nil, fmt.Errorf("tag: scores: %w", err)
	}
	versions = map[int]int64{}
	for _, v := range said {
		versions[v.Version] = v.People
	}
	return bars, versions, nil
}

// putScale writes what scale counted.
func (s *Store) putScale(ctx context.Context, tx *gorm.DB, tagID id.ID, bars []Bar, versions map[int]int64) error {
	if err := tx.Exec("DELETE FROM tag_score WHERE tag_id = ?", tagID).Error; err != nil {
		return err
	}
	rows := db.NewRows("tag_score", "tag_id, low, high, people")
	for _, b := range bars {
		rows.Add(tagID, b.Low, b.High, b.People)
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return err
	}
	var shown []int
	if err := tx.Raw("SELECT version FROM tag_feed WHERE tag_id = ? ORDER BY version DESC LIMIT ?", tagID, feedsShown).Scan(&shown).Error; err != nil {
		return err
	}
	for _, v := range shown {
		if err := tx.Exec("UPDATE tag_feed SET people = ? WHERE tag_id = ? AND version = ?", versions[v], tagID, v).Error; err != nil {
			return err
		}
	}
	return nil
}

// bars reads the distribution of the last count.
func (s *Store) bars(ctx context.Context, tagID id.ID) ([]Bar, error) {
	out := []Bar{}
	if err := s.DB.Read(ctx).Raw("SELECT low, high, people FROM tag_score WHERE tag_id = ? ORDER BY low", tagID).Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: scores: %w", err)
	}
	return out, nil
}

// Holder is a human who has a tag, with what he has of it.
type Holder struct {
	Value
	PersonID id.ID `json:"person_id"` // the root of MemberID
}

// holdersMost is how many people a page of a tag names.
const holdersMost = 10

// Holders are some of the humans who have a tag: examples to look at, no list.
func (s *Store) Holders(ctx context.Context, tagID id.ID) ([]Holder, error) {
	now := s.DB.Now()
	var rows []Value
	err := s.DB.Read(ctx).Where("tag_id = ? AND (until_at = 0 OR until_at > ?)", tagID, now).Order("member_id DESC").Limit(2 * holdersMost).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("tag: holders: %w", err)
	}
	ids := make([]id.ID, len(rows))
	for i, v := range rows {
		ids[i] = v.MemberID
	}
	families, err := member.Families(s.DB.Read(ctx), ids)
	if err != nil {
		return nil, err
	}
	c := &crowd{}
	for _, f := range families {
		c.members = append(c.members, f...)
	}
	all, err := stored(s.DB.Read(ctx), []id.ID{tagID}, c)
	if err != nil {
		return nil, err
	}
	best := map[id.ID]Value{}
	for _, v := range all {
		f := families[v.MemberID]
		if len(f) == 0 || !v.holds(now) {
			continue
		}
		if b, there := best[f[0]]; !there || newer(v, b) {
			best[f[0]] = v
		}
	}
	out := []Holder{}
	for _, v := range rows {
		f := families[v.MemberID]
		if len(f) == 0 || best[f[0]].MemberID != v.MemberID || len(out) == holdersMost {
			continue
		}
		out = append(out, Holder{v, f[0]})
	}
	return out, nil
}
