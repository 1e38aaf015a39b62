package campaign

import (
	"context"
	"strings"

	"siyu/model/id"
)

// maxLevel is the highest level that a form may name; a brand has at most twenty, and
// the first, 0, is everybody's.
const maxLevel = 19

// Levels is what campaigns ask of the levels of membership (会员等级); *tier.Store is it.
type Levels interface {
	// Rung names a level of the brand's table of now, "" when there is none. open says
	// whether that level and all above it have the privilege of such campaigns.
	Rung(ctx context.Context, brandID id.ID, level int) (name string, open bool, err error)
}

// UseLevels says who knows the levels, before the store is used. Without it no campaign
// for members of a level can be published.
func (s *Store) UseLevels(l Levels) { s.levels = l }

// nameLevel puts the name of the lowest level that may take part into c. Problems: level.
//
// A level and all above it, not any set of levels: it can be said in one sentence, and
// stays true when the brand adds levels. The terms bind the name, because the number
// changes its meaning when a level is added below.
func (s *Store) nameLevel(ctx context.Context, c *Campaign) ([]Problem, error) {
	c.LevelName = ""
	if c.MinLevel == 0 {
		return nil, nil
	}
	var name string
	var open bool
	if s.levels != nil {
		var err error
		if name, open, err = s.levels.Rung(ctx, c.BrandID, c.MinLevel); err != nil {
			return nil, err
		}
	}
	c.LevelName = name
	switch {
	case name == "":
		return []Problem{{Code: "level", Field: "min_level", Text: "品牌的等级表里没有这个等级，请重新选择参加对象"}}, nil
	case !open:
		return []Problem{{Code: "level", Field: "min_level", Text: "“" + name + "”及以上的等级没有都开启“可参加会员专享活动”，请先修改等级表"}}, nil
	}
	return nil, nil
}

// audience says in words who may take part, "" for everybody.
func audience(level string) string {
	if level == "" {
		return ""
	}
	if short := strings.TrimSuffix(level, "会员"); short != "" { // 金卡会员及以上会员 says it twice
		level = short
	}
	return level + "及以上会员"
}
