package tag

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Score is what a model says of a member.
type Score struct {
	MemberID id.ID  `json:"member_id"`
	Score    int    `json:"score"`
	Value    string `json:"value"` // one of the choices, "" without choices
	Gone     bool   `json:"gone"`  // the model says nothing of him any more
	// UntilAt is when it ends, if that is before the tag's own time; none: by the tag's time.
	UntilAt clock.Instant `json:"until_at"`
}

// Outcomes of a score. One that is Bad is told with a fault that says why.
const (
	Written   = "written"
	Same      = "same"       // as stored already
	NoConsent = "no_consent" // he does not allow profiling: nothing is kept of him
	Older     = "older"      // a newer version of the model has spoken of him
	Unknown   = "unknown"    // the brand knows no such member
	Bad       = "bad"
)

// Scored is what became of one score.
type Scored struct {
	Outcome string
	Fault   *fault.Fault // of a Bad one
}

// Wrote is what became of scores.
type Wrote struct {
	Written int `json:"written"`
	Same    int `json:"same"`    // as stored already
	Refused int `json:"refused"` // people who do not allow profiling
	Older   int `json:"older"`   // a newer version of the model has spoken
	Unknown int `json:"unknown"` // no such member
}

// ScoresMost is how many scores one call takes: they fit into a request.
const ScoresMost = 1000

// maxVersion fits the column, and dates written as numbers (20261122).
const maxVersion = 1<<31 - 1

// Write stores what a version of a model says, each under the member that it names: all of
// them, or none if one is wrong. The same again changes nothing; a version never overwrites
// a newer one's word. The caller has asked whether these roles may use the tag. Faults:
// Invalid tag_scores; NotFound tag_not_found; Conflict tag_not_running, tag_not_model.
func (s *Store) Write(ctx context.Context, tagID id.ID, version int, scores []Score) (out Wrote, err error) {
	list, err := s.WriteEach(ctx, tagID, Writer{Source: ByPanel}, version, scores, true)
	for _, x := range list {
		switch x.Outcome {
		case Written:
			out.Written++
		case Same:
			out.Same++
		case NoConsent:
			out.Refused++
		case Older:
			out.Older++
		case Unknown:
			out.Unknown++
		}
	}
	return out, err
}

// WriteEach is Write that says of each score what became of it, in their order. Unless all
// is set, one that is wrong does not hold up the others. A score of member 0 is of somebody
// whom the caller did not find.
func (s *Store) WriteEach(ctx context.Context, tagID id.ID, from Writer, version int, scores []Score, all bool) ([]Scored, error) {
	t, means, err := s.modelTag(ctx, tagID)
	if err != nil {
		return nil, err
	}
	if version < 1 || version > maxVersion || len(scores)+from.Bad == 0 || len(scores)+from.Bad > ScoresMost {
		return nil, fault.Invalidf("tag_scores", "模型版本是 1 到 %d 的整数，每次 1 到 %d 条", maxVersion, ScoresMost)
	}
	out, place, good := make([]Scored, len(scores)), map[id.ID]int{}, []Score{}
	for i, x := range scores {
		err := s.checkScore(means, x)
		if err == nil && x.MemberID == 0 {
			out[i].Outcome = Unknown
			continue
		}
		if _, twice := place[x.MemberID]; err == nil && twice {
			err = fault.NewInvalid("tag_scores", "同一个人写了两次")
		}
		if err != nil && all {
			return nil, err
		}
		if err != nil {
			out[i] = Scored{Bad, fault.Of(err)}
			continue
		}
		place[x.MemberID] = i
		good = append(good, x)
	}
	left := feedOf(out)
	left.Bad += int64(from.Bad)
	for part := range slices.Chunk(good, crowdMost) {
		by := map[id.ID]Score{}
		for _, x := range part {
			by[x.MemberID] = x
		}
		members := slices.Sorted(maps.Keys(by))
		err := s.again(ctx, members, func(c *crowd) error {
			some, err := s.writeScores(ctx, t, from, version, by, c, left)
			for m, what := range some {
				out[place[m]].Outcome = what
			}
			return err
		})
		if err == nil {
			left = Feed{}
			err = s.follow(ctx, t, members)
		}
		if err != nil {
			return out, fmt.Errorf("tag: scores: %w", err)
		}
	}
	if left.Calls > 0 { // nothing of it was to be written
		err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error { return s.feedTx(ctx, tx, t, from, version, left) })
	}
	return out, err
}

// modelTag is a running tag that models write.
func (s *Store) modelTag(ctx context.Context, tagID id.ID) (t Tag, means Definition, err error) {
	if t, err = s.Get(ctx, tagID); err != nil {
		return t, means, err
	}
	if t.State != Running {
		return t, means, errStopped
	}
	if means, err = s.meaning(ctx, t); err == nil && means.Source != Scores {
		err = fault.New(fault.Conflict, "tag_not_model", "这个标签不是模型标签")
	}
	return t, means, err
}

func (s *Store) checkScore(means Definition, x Score) error {
	bad := func(text string) error { return fault.NewInvalid("tag_scores", text) }
	switch {
	case x.Score < -1_000_000_000 || x.Score > 1_000_000_000:
		return bad("分数在正负十亿之间")
	case x.Gone:
		return nil
	case len(means.Choices) == 0 && x.Value != "" || len(means.Choices) > 0 && !slices.Contains(means.Choices, x.Value):
		return bad("取值不在标签的可选值中：" + cut(x.Value, maxValue))
	case x.UntilAt != 0 && x.UntilAt <= s.DB.Now():
		return bad("有效期应在将来")
	}
	return nil
}

// writeScores writes what may be written of a crowd and says what became of each. more is
// counted with it.
func (s *Store) writeScores(ctx context.Context, t Tag, from Writer, version int, by map[id.ID]Score, c *crowd, more Feed) (out map[id.ID]string, err error) {
	now := s.DB.Now()
	root := map[id.ID]id.ID{}
	for r, family := range c.families {
		for _, m := range family {
			root[m] = r
		}
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		out = map[id.ID]string{}
		if err := s.holdTx(ctx, tx, c); err != nil {
			return err
		}
		ours, err := s.oursTx(tx, t.BrandID, c.members)
		if err != nil {
			return err
		}
		rows, err := stored(tx, []id.ID{t.ID}, c)
		if err != nil {
			return err
		}
		back, err := tookBack(tx, t.ID)
		if err != nil {
			return err
		}
		have, newest := map[id.ID]Value{}, map[id.ID]int{}
		for _, v := range rows {
			have[v.MemberID] = v
			newest[root[v.MemberID]] = max(newest[root[v.MemberID]], v.Version)
		}
		f, gone, put, moved := more, []id.ID{}, []Value{}, []id.ID{}
		for _, m := range slices.Sorted(maps.Keys(by)) {
			x := by[m]
			old, there := have[m]
			next := s.scored(t, version, x, now)
			switch r := root[m]; {
			case r == 0 || !slices.ContainsFunc(c.families[r], func(one id.ID) bool { return ours[one] }):
				out[m] = Unknown
			case !c.allowed[r]:
				out[m] = NoConsent
			case newest[r] > version || newest[r] == 0 && back > version:
				out[m] = Older
			case !there && x.Gone || there && !x.Gone && old.Version == version && old.Score == x.Score && old.Value == x.Value && (x.UntilAt == 0 || old.UntilAt == next.UntilAt):
				out[m] = Same
			default:
				out[m] = Written
				moved = append(moved, m)
				if there {
					gone = append(gone, m)
				}
				if x.Gone {
					f.Gone++
				} else {
					put = append(put, next)
				}
			}
		}
		for _, what := range out {
			f.add(what)
		}
		if len(gone) > 0 {
			if err := tx.Exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id IN ?", t.ID, gone).Error; err != nil {
				return err
			}
		}
		if err := insert(ctx, tx, put, ""); err != nil {
			return err
		}
		if err := s.feedTx(ctx, tx, t, from, version, f); err != nil {
			return err
		}
		return s.changedTx(ctx, tx, t.BrandID, moved)
	})
	return out, err
}

func (s *Store) scored(t Tag, version int, x Score, now clock.Instant) Value {
	v := Value{TagID: t.ID, MemberID: x.MemberID, Value: x.Value, Score: x.Score, Version: version, SinceAt: now, Evidence: fmt.Sprintf("模型第 %d 版，得分 %d", version, x.Score)}
	if t.TTLDays > 0 {
		v.UntilAt = now.Add(time.Duration(t.TTLDays) * day)
	}
	if x.UntilAt != 0 && (v.UntilAt == 0 || x.UntilAt < v.UntilAt) {
		v.UntilAt = x.UntilAt
	}
	return v
}
