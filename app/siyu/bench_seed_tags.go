package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/tag"
)

const (
	seedTags    = 120 // so that their list has two pages
	seedTagDays = 90  // that a tag's numbers are kept of
)

// seedTag is a tag with those who have it.
type seedTag struct {
	tag.Tag
	number int
	def    tag.Definition
	values []string
	one    int // of so many members has it
}

// tagsOf makes all of them: each of the first six is of half of the people, twenty are of
// many, the others of few.
func (s *seeder) tagsOf(categories []seedCategory) (list []*seedTag) {
	at, ids := seedSource(20)
	classes := tag.Classes()
	for k := range seedTags {
		at.at = s.spread(k, seedTags)
		t := &seedTag{number: k, one: 2, def: s.meaning(k)}
		switch {
		case k >= 26:
			t.one = 2000
		case k >= 6:
			t.one = 50
		}
		state := tag.Running
		if k >= 100 {
			state = []string{tag.Requested, tag.Built, tag.Pending, tag.Retired}[k%4]
		}
		t.Tag = tag.Tag{ID: ids.Next(), BrandID: s.brand, Class: classes[k%5].Key, Name: fmt.Sprintf("标签 %d", k+1), Kind: []string{tag.Fact, tag.Rule, tag.Model}[k%3], State: state,
			RefreshMinutes: 1440, ReviewDays: 90, IdleDays: 180, Rev: 1, CreatedAt: at.at, ChangedAt: at.at, UsedAt: s.now, ReviewedAt: at.at}
		t.Profiling = t.Kind != tag.Fact || t.def.Source == tag.Event
		if c := categories[k%len(categories)]; c.class == t.Class {
			t.CategoryID = c.id
		}
		if t.values = t.def.Choices; len(t.values) == 0 {
			t.values = []string{""}
		}
		for _, c := range t.def.Cases {
			t.values = append(t.values, c.Value)
		}
		if len(t.def.Cases) > 0 {
			t.values = t.values[1:]
		}
		if t.def.Source == tag.Event {
			t.values = []string{"上海市", "广东省", "浙江省"}
		}
		if k%7 == 5 {
			t.TTLDays = 60
		}
		if k%9 == 8 {
			t.Proposal = "180 天没有人群或触达用到它"
		}
		if t.State == tag.Running || t.State == tag.Retired {
			t.Version = 1
		}
		list = append(list, t)
	}
	return list
}

// meaning is where a tag's values come from.
func (s *seeder) meaning(k int) tag.Definition {
	bought := func(op string, n int64) rule.Tree {
		return rule.Tree{V: rule.Version, Root: rule.Node{Did: &rule.Did{What: rule.Bought, Op: op, Values: []int64{n}, WithinDays: 90}}}
	}
	switch k % 6 {
	case 0:
		return tag.Definition{Source: tag.Manual, Choices: []string{"高", "中", "低"}}
	case 3:
		return tag.Definition{Source: tag.Event, EventType: event.Scan, Field: "province"}
	case 2, 5:
		return tag.Definition{Source: tag.Scores, Choices: []string{"可能流失", "稳定", "可能复购"}}
	}
	return tag.Definition{Source: tag.Rules, Cases: []tag.Case{{Value: "常买", Tree: bought(rule.Gte, 3)}, {Value: "买过", Tree: bought(rule.Gte, 1)}, {Value: "没买", Tree: bought(rule.Eq, 0)}}}
}

// holds says what value a member has of a tag, since when and until when.
func (s *seeder) holds(t *seedTag, m int) (value string, since, until clock.Instant, yes bool) {
	what := uint64(400 + t.number)
	if t.State != tag.Running || t.Profiling && !allows(m) || m >= 20 && dice(m, what)%uint64(t.one) != 0 {
		return "", 0, 0, false
	}
	since = min(s.joined[m].Add(time.Duration(dice(m, what+200)%(20*24*60))*time.Minute), s.now)
	if t.TTLDays > 0 {
		until = since.Add(time.Duration(t.TTLDays) * 24 * time.Hour)
	}
	return t.values[dice(m, what+400)%uint64(len(t.values))], since, until, true
}

type seedCategory struct {
	id, parent id.ID
	class      string
	name       string
}

// tags fills everything about tags.
func (s *seeder) tags(ctx context.Context) error {
	at, ids := seedSource(21)
	at.at = s.from
	var categories []seedCategory
	for _, c := range tag.Classes() {
		for i := range 3 {
			top := seedCategory{ids.Next(), 0, c.Key, fmt.Sprintf("%s %d", c.Name, i+1)}
			categories = append(categories, top, seedCategory{ids.Next(), top.id, c.Key, fmt.Sprintf("细分 %d", i+1)})
		}
	}
	err := s.table(ctx, "tag_category", "id, brand_id, class, parent_id, name, place_no, created_at", func(l *dbbench.Lines) error {
		for i, c := range categories {
			l.Add(c.id, s.brand, c.class, c.parent, c.name, i, s.from)
		}
		return nil
	})
	if err != nil {
		return err
	}
	list := s.tagsOf(categories)
	any, counts, ends := make([]bool, s.members), make([]*seedCount, len(list)), []clock.Instant{s.now}
	for back := range seedTagDays - 1 {
		end, _ := clock.DayOf(s.now).AddDays(-back).Bounds()
		ends = append(ends, end)
	}
	err = s.table(ctx, "tag_value", "tag_id, member_id, value, score, version, since_at, until_at, evidence", func(l *dbbench.Lines) error {
		for i, t := range list {
			counts[i] = &seedCount{values: map[string][]int64{}}
			for m, member := range s.ids {
				value, since, until, yes := s.holds(t, m)
				if !yes {
					continue
				}
				any[m] = true
				counts[i].add(ends, value, since, until)
				l.Add(t.ID, member, value, int(dice(m, 399)%100), 1, since, until, "扫码时登记")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.tagRows(ctx, list, counts); err != nil {
		return err
	}
	people := int64(0)
	err = s.table(ctx, "tag_person", "member_id, seq", func(l *dbbench.Lines) error {
		for m, yes := range any {
			if yes {
				people++
				l.Add(s.ids[m], 1)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "tag_seen", "member_id, brand_id", func(l *dbbench.Lines) error {
		for _, i := range s.ids {
			l.Add(i, s.brand)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "tag_stat", "tag_id, day, value, people", func(l *dbbench.Lines) error {
		l.Add(s.brand, clock.DayOf(s.now), "", people)
		for i, t := range list {
			for value, days := range counts[i].values {
				for back, n := range days {
					if n > 0 || back == 0 {
						l.Add(t.ID, clock.DayOf(s.now).AddDays(-back), value, n)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.tagRuns(ctx, list, counts)
}

// seedCount is how many people had each value of a tag at the end of each day, today first
// and as of now.
type seedCount struct{ values map[string][]int64 }

func (c *seedCount) add(ends []clock.Instant, value string, since, until clock.Instant) {
	if c.values[value] == nil {
		c.values[value] = make([]int64, len(ends))
	}
	for back, end := range ends {
		if since > end {
			return
		}
		if until == 0 || until > end {
			c.values[value][back]++
		}
	}
}

func (c *seedCount) people() (n int64) {
	for _, days := range c.values {
		n += days[0]
	}
	return n
}

// tagRows are the tags themselves and what they mean.
func (s *seeder) tagRows(ctx context.Context, list []*seedTag, counts []*seedCount) error {
	err := s.table(ctx, "tag", "id, brand_id, class, category_id, name, kind, purpose, intended_use, owner_id, by_id, state, is_sensitive, roles, profiling, ttl_days, refresh_minutes, review_days, idle_days, version, rev, people, counted_at, used_at, reviewed_at, refresh_at, proposal, created_at, changed_at", func(l *dbbench.Lines) error {
		for i, t := range list {
			l.Add(t.ID, t.BrandID, t.Class, t.CategoryID, t.Name, t.Kind, "找到合适的人", "人群与触达", 1, 1, t.State, t.number%11 == 10, "[]", t.Profiling, t.TTLDays, t.RefreshMinutes, t.ReviewDays, t.IdleDays,
				t.Version, t.Rev, counts[i].people(), s.now, t.UsedAt, t.ReviewedAt, s.now.Add(24*time.Hour), t.Proposal, t.CreatedAt, t.ChangedAt)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "tag_version", "tag_id, version, definition, state, by_id, created_at, decided_by, decided_at, note", func(l *dbbench.Lines) error {
		for _, t := range list {
			text, err := json.Marshal(t.def)
			if err != nil {
				return err
			}
			state, by, at := tag.Approved, 2, t.CreatedAt
			switch t.State {
			case tag.Requested:
				continue
			case tag.Built:
				state, by, at = tag.Draft, 0, 0
			case tag.Pending:
				state, by, at = tag.Pending, 0, 0
			}
			l.Add(t.ID, 1, text, state, 1, t.CreatedAt, by, at, "")
		}
		return nil
	})
}

// tagRuns are computations of everybody, once a day.
func (s *seeder) tagRuns(ctx context.Context, list []*seedTag, counts []*seedCount) error {
	at, ids := seedSource(22)
	return s.table(ctx, "tag_run", "id, tag_id, brand_id, kind, state, total, done, moved, worker_id, error, by_id, created_at, started_at, moved_at, finished_at", func(l *dbbench.Lines) error {
		for day := range seedTagDays {
			for i, t := range list {
				if at.at = s.now.Add(time.Duration(day-seedTagDays) * 24 * time.Hour); t.State == tag.Running && t.def.Source != tag.Manual && at.at > t.CreatedAt {
					l.Add(ids.Next(), t.ID, s.brand, "compute", tag.Done, s.members, s.members, counts[i].people()/100, 0, "", 0, at.at, at.at, at.at, at.at.Add(time.Minute))
				}
			}
		}
		return nil
	})
}
