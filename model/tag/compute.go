package tag

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
)

// Value is a row: what somebody has of a tag.
type Value struct {
	TagID    id.ID         `json:"tag_id"`
	MemberID id.ID         `json:"member_id"`
	Value    string        `json:"value"`
	Score    int           `json:"score"`
	Version  int           `json:"version"`
	SinceAt  clock.Instant `json:"since_at"`
	UntilAt  clock.Instant `json:"until_at"` // none: no end
	Evidence string        `json:"evidence"` // why, in zh-CN
}

// TableName names the table for GORM.
func (Value) TableName() string { return "tag_value" }

// holds says whether a value counts at a moment.
func (v Value) holds(now clock.Instant) bool { return v.UntilAt == 0 || v.UntilAt > now }

// refresh computes tags for the humans behind some members and writes what is not as it
// should be; then what is made of those tags, for those whose values moved. start picks the
// tags to begin with. It says how many values moved. With mark it moves the people's numbers
// even if nothing differs: facts have changed, so whoever computed from older ones must
// begin anew.
func (s *Store) refresh(ctx context.Context, g *graph, brandID id.ID, members []id.ID, start func(*live) bool, mark bool) (moved int64, err error) {
	levels := g.levels(start)
	members = slices.Clone(members)
	slices.Sort(members)
	for part := range slices.Chunk(slices.Compact(members), crowdMost) {
		var followers []id.ID // whose values moved so far
		for _, level := range levels {
			var first, rest []*live
			for _, t := range level {
				if start(t) {
					first = append(first, t)
				} else {
					rest = append(rest, t)
				}
			}
			a, err := s.level(ctx, brandID, first, part, mark)
			if err != nil {
				return moved, err
			}
			b, err := s.level(ctx, brandID, rest, followers, mark)
			if err != nil {
				return moved, err
			}
			moved += int64(len(a) + len(b))
			followers = append(append(followers, a...), b...)
		}
	}
	return moved, nil
}

// level computes tags that do not hang on one another and writes what differs. It returns
// whose values moved.
func (s *Store) level(ctx context.Context, brandID id.ID, tags []*live, members []id.ID, mark bool) (moved []id.ID, err error) {
	if len(tags) == 0 || len(members) == 0 {
		return nil, nil
	}
	err = s.again(ctx, members, func(c *crowd) error {
		moved, err = s.levelOf(ctx, brandID, tags, c, mark)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tag: compute: %w", err)
	}
	return moved, nil
}

func (s *Store) levelOf(ctx context.Context, brandID id.ID, tags []*live, c *crowd, mark bool) (moved []id.ID, err error) {
	want := map[id.ID]map[id.ID]Value{} // by tag and root
	ids := make([]id.ID, len(tags))
	for i, t := range tags {
		if want[t.ID], err = s.values(ctx, t, c); err != nil {
			return nil, err
		}
		ids[i] = t.ID
	}
	if !mark { // most are as they should be: then nothing is written, and nobody waits
		same, err := s.same(s.DB.Read(ctx), ids, c, want)
		if err != nil || same {
			return nil, err
		}
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if err := s.holdTx(ctx, tx, c); err != nil {
			return err
		}
		// The tag may have been changed or retired since the graph was read.
		var still []Tag
		if err := tx.Where("id IN ? AND state = ?", ids, Running).Find(&still).Error; err != nil {
			return err
		}
		moved, err = s.writeTx(ctx, tx, brandID, tags, still, c, want)
		return err
	})
	return moved, err
}

func stored(tx *gorm.DB, tags []id.ID, c *crowd) ([]Value, error) {
	var rows []Value
	if err := tx.Where("member_id IN ? AND tag_id IN ?", c.members, tags).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("tag: values: %w", err)
	}
	return rows, nil
}

func (s *Store) same(tx *gorm.DB, tags []id.ID, c *crowd, want map[id.ID]map[id.ID]Value) (bool, error) {
	rows, err := stored(tx, tags, c)
	if err != nil {
		return false, err
	}
	n := 0
	for _, w := range want {
		n += len(w)
	}
	for _, have := range rows {
		if w, wanted := want[have.TagID][have.MemberID]; !wanted || !w.like(have) {
			return false, nil
		}
	}
	return n == len(rows), nil
}

// like says whether a stored value needs no writing. When a rule began to be true is the
// moment at which it was seen to be, so only facts compare their time.
func (v Value) like(have Value) bool {
	return v.Value == have.Value && v.Score == have.Score && v.UntilAt == have.UntilAt && (v.Evidence == "" || v.SinceAt == have.SinceAt)
}

// writeTx makes the rows of a crowd what they should be.
func (s *Store) writeTx(ctx context.Context, tx *gorm.DB, brandID id.ID, tags []*live, still []Tag, c *crowd, want map[id.ID]map[id.ID]Value) ([]id.ID, error) {
	var valid []id.ID
	for _, t := range tags {
		if slices.ContainsFunc(still, func(x Tag) bool { return x.ID == t.ID && x.Version == t.Version && x.Profiling == t.Profiling }) {
			valid = append(valid, t.ID)
		}
	}
	if valid == nil {
		return nil, nil
	}
	rows, err := stored(tx, valid, c)
	if err != nil {
		return nil, err
	}
	put, touched, gone := []Value{}, map[id.ID]bool{}, map[id.ID][]id.ID{}
	left := map[id.ID]map[id.ID]Value{}
	for _, tagID := range valid {
		left[tagID] = maps.Clone(want[tagID])
	}
	for _, have := range rows {
		w, wanted := left[have.TagID][have.MemberID]
		delete(left[have.TagID], have.MemberID)
		switch {
		case !wanted:
			gone[have.TagID] = append(gone[have.TagID], have.MemberID)
			touched[have.MemberID] = true
		case !w.like(have):
			gone[have.TagID] = append(gone[have.TagID], have.MemberID)
			put, touched[have.MemberID] = append(put, w), true
		}
	}
	for _, more := range left {
		for _, w := range more {
			put, touched[w.MemberID] = append(put, w), true
		}
	}
	for tagID, members := range gone {
		if err := tx.Exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id IN ?", tagID, members).Error; err != nil {
			return nil, err
		}
	}
	if err := insert(ctx, tx, put, ""); err != nil {
		return nil, err
	}
	moved := slices.Sorted(maps.Keys(touched))
	return moved, s.changedTx(ctx, tx, brandID, moved)
}

func insert(ctx context.Context, tx *gorm.DB, list []Value, tail string) error {
	slices.SortFunc(list, func(a, b Value) int {
		return cmp.Or(cmp.Compare(a.TagID, b.TagID), cmp.Compare(a.MemberID, b.MemberID))
	})
	for part := range slices.Chunk(list, 500) {
		rows := db.NewRows("tag_value", "tag_id, member_id, value, score, version, since_at, until_at, evidence")
		for _, v := range part {
			rows.Add(v.TagID, v.MemberID, v.Value, v.Score, v.Version, v.SinceAt, v.UntilAt, v.Evidence)
		}
		if _, err := rows.Insert(ctx, tx, tail); err != nil {
			return fmt.Errorf("tag: values: %w", err)
		}
	}
	return nil
}

// values computes what the humans of a crowd should have of a tag, by root.
func (s *Store) values(ctx context.Context, t *live, c *crowd) (map[id.ID]Value, error) {
	roots := c.roots
	if t.Profiling {
		roots = slices.DeleteFunc(slices.Clone(roots), func(r id.ID) bool { return !c.allowed[r] })
	}
	out := map[id.ID]Value{}
	if len(roots) == 0 {
		return out, nil
	}
	switch t.Def.Source {
	case Profile:
		return out, s.answers(ctx, t, roots, out)
	case Event:
		return out, s.happened(ctx, t, c, roots, out)
	}
	now := s.DB.Now()
	for _, k := range t.Def.Cases {
		left := slices.DeleteFunc(slices.Clone(roots), func(r id.ID) bool { _, has := out[r]; return has })
		if len(left) == 0 {
			break
		}
		match, err := s.Rules.Among(ctx, t.BrandID, k.Tree, left)
		if err != nil {
			return nil, err
		}
		for _, r := range left {
			if match[r] {
				out[r] = t.value(r, k.Value, now, "")
			}
		}
	}
	return out, nil
}

// value is a row of a tag's. A whole number is its own score, so that it can be compared.
func (t *live) value(memberID id.ID, value string, since clock.Instant, evidence string) Value {
	v := Value{TagID: t.ID, MemberID: memberID, Value: cut(value, maxValue), Version: t.Version, SinceAt: since, Evidence: evidence}
	if n, err := strconv.ParseInt(v.Value, 10, 32); err == nil {
		v.Score = int(n)
	}
	return v
}

// cut shortens a text to so many bytes, between letters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[:most]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}

var sources = map[string]string{"self": "本人填写", "operator": "按本人要求更正", "wecom": "企业微信备注", "import": "会员资料导入"}

func (s *Store) answers(ctx context.Context, t *live, roots []id.ID, out map[id.ID]Value) error {
	found, err := s.Profiles.Among(ctx, t.Def.Field, roots)
	if err != nil {
		return err
	}
	for root, v := range found {
		if v.Value != "" {
			out[root] = t.value(root, v.Value, v.At, sources[v.Source])
		}
	}
	return nil
}

// pages bounds how far back an event is looked for whose body says something.
const pages = 5

// happened finds the newest event of the tag's type that says something and still counts.
func (s *Store) happened(ctx context.Context, t *live, c *crowd, roots []id.ID, out map[id.ID]Value) error {
	now := s.DB.Now()
	for _, root := range roots {
		var after event.Cursor
		for page := 0; page < pages; page++ {
			list, err := s.Events.Timeline(ctx, c.families[root], []string{t.Def.EventType}, after, 50)
			if err != nil {
				return err
			}
			standing, err := s.Events.Standing(ctx, list)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(standing, func(e event.Event) bool { _, ok := t.says(e); return ok })
			if i >= 0 {
				text, _ := t.says(standing[i])
				v := t.value(root, text, standing[i].At, ofEvent+standing[i].Key)
				if t.TTLDays > 0 {
					v.UntilAt = standing[i].At.Add(time.Duration(t.TTLDays) * day)
				}
				if v.holds(now) {
					out[root] = v
				}
				break
			}
			if len(list) < 50 {
				break
			}
			last := list[len(list)-1]
			after = event.Cursor{At: last.At, ID: last.ID}
		}
	}
	return nil
}

// says is the value that an event gives.
func (t *live) says(e event.Event) (string, bool) {
	if e.BrandID != t.BrandID || e.Channel == event.Erased {
		return "", false
	}
	if t.Def.Field == "" {
		return "", true
	}
	body := map[string]any{}
	d := json.NewDecoder(strings.NewReader(string(e.Body)))
	d.UseNumber()
	if d.Decode(&body) != nil {
		return "", false
	}
	switch v := body[t.Def.Field].(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "是", true
		}
		return "否", true
	}
	return "", false
}
