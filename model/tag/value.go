package tag

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/rule"
	"siyu/model/say"
)

// Held is a value of a human's, with what the tag means.
type Held struct {
	Value
	Name      string `json:"name"`
	BrandID   id.ID  `json:"brand_id"`
	Class     string `json:"class"`
	Kind      string `json:"kind"`
	Source    string `json:"source"`
	Sensitive bool   `json:"sensitive"`
	OwnerID   id.ID  `json:"owner_id"`
	// Why says in words what made it so: the case of a rule, or the evidence.
	Why string `json:"why"`
	// Said is Why with its parts, where an event gave the value; null: it did not.
	Said *say.Said `json:"said"`
	// Case is the tree of the case that Why says; nil: it is not of a rule.
	Case *rule.Tree `json:"-"`
}

// Of lists what the human behind a member has of the running tags that these roles may see,
// with evidence, newest first; names says what the things are called that rules name. Fault:
// NotFound member_not_found.
func (s *Store) Of(ctx context.Context, memberID id.ID, roles []string, names rule.Names) ([]Held, error) {
	families, err := member.Families(s.DB.Read(ctx), []id.ID{memberID})
	if err != nil {
		return nil, err
	}
	if len(families[memberID]) == 0 {
		return nil, fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	}
	var rows []Value
	if err := s.DB.Read(ctx).Where("member_id IN ?", families[memberID]).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("tag: of: %w", err)
	}
	best := map[id.ID]Value{}
	now := s.DB.Now()
	for _, v := range rows {
		if b, there := best[v.TagID]; v.holds(now) && (!there || newer(v, b)) {
			best[v.TagID] = v
		}
	}
	tags, err := s.Many(ctx, slices.Collect(maps.Keys(best)))
	if err != nil {
		return nil, err
	}
	out := []Held{}
	for _, t := range tags {
		if t.State != Running || !t.Visible(roles) {
			continue
		}
		means, err := s.meaning(ctx, t)
		if err != nil {
			return nil, err
		}
		h := Held{Value: best[t.ID], Name: t.Name, BrandID: t.BrandID, Class: t.Class, Kind: t.Kind, Source: means.Source, Sensitive: t.Sensitive, OwnerID: t.OwnerID}
		if h.Said, err = s.proof(ctx, h.Evidence); err != nil {
			return nil, err
		}
		if h.Why = h.Evidence; h.Said != nil {
			h.Why = h.Said.Text
		}
		if i := slices.IndexFunc(means.Cases, func(c Case) bool { return c.Value == h.Value.Value }); i >= 0 {
			h.Case = &means.Cases[i].Tree
			h.Why = h.Case.Sentence(names)
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Held) int { return cmp.Or(cmp.Compare(b.SinceAt, a.SinceAt), cmp.Compare(a.TagID, b.TagID)) })
	return out, nil
}

// newer says which of two values of a human counts.
func newer(a, b Value) bool {
	return a.SinceAt > b.SinceAt || a.SinceAt == b.SinceAt && a.MemberID > b.MemberID
}

// meaning is the definition of a tag that counts; empty before the first.
func (s *Store) meaning(ctx context.Context, t Tag) (Definition, error) {
	var list []Version
	if err := s.DB.Read(ctx).Where("tag_id = ? AND version = ?", t.ID, t.Version).Find(&list).Error; err != nil {
		return Definition{}, fmt.Errorf("tag: meaning: %w", err)
	}
	var d Definition
	if len(list) > 0 {
		d = list[0].Definition
	}
	d.tidy()
	return d, nil
}

// Cases are those of the rule of a running tag; none of another.
func (s *Store) Cases(ctx context.Context, t Tag) ([]Case, error) {
	if t.State != Running {
		return nil, nil
	}
	means, err := s.meaning(ctx, t)
	return means.Cases, err
}

// Gift is a tag that an operator gives to a member.
type Gift struct {
	TagID    id.ID
	MemberID id.ID
	Value    string // one of the choices, "" without choices
	// UntilAt is when it ends for this member, if that is before the tag's own time; none: by
	// the tag's time.
	UntilAt clock.Instant
	Reason  string
	ByID    id.ID
	Roles   []string
}

var errManual = fault.New(fault.Conflict, "tag_not_manual", "这个标签由系统维护，不能手工增减")

// Give lets a member have a tag that is given by hand, under the member who was named; what
// the human had of it before is replaced. before is nil when he did not have it. Faults:
// Invalid tag_value, reason_missing; NotFound tag_not_found, member_not_found; Conflict
// tag_not_running, tag_not_manual.
func (s *Store) Give(ctx context.Context, g Gift) (before *Value, after Value, err error) {
	t, means, err := s.byHand(ctx, g.TagID, g.Roles)
	if err != nil {
		return nil, Value{}, err
	}
	g.Reason = strings.TrimSpace(g.Reason)
	switch {
	case g.Reason == "" || utf8.RuneCountInString(g.Reason) > 50:
		return nil, Value{}, fault.NewInvalid("reason_missing", "请写明理由，最多 50 个字").With("field", "reason")
	case len(means.Choices) == 0 && g.Value != "" || len(means.Choices) > 0 && !slices.Contains(means.Choices, g.Value):
		return nil, Value{}, fault.NewInvalid("tag_value", "请从标签的可选值中选择").With("field", "value")
	case g.UntilAt != 0 && g.UntilAt <= s.DB.Now():
		return nil, Value{}, fault.NewInvalid("tag_value", "失效时间应在将来").With("field", "until_at")
	}
	now := s.DB.Now()
	after = (&live{Tag: t}).value(g.MemberID, g.Value, now, cut(g.Reason+"（操作员 "+g.ByID.String()+"）", 200))
	if t.TTLDays > 0 {
		after.UntilAt = now.Add(time.Duration(t.TTLDays) * day)
	}
	if g.UntilAt != 0 && (after.UntilAt == 0 || g.UntilAt < after.UntilAt) {
		after.UntilAt = g.UntilAt
	}
	err = s.again(ctx, []id.ID{g.MemberID}, func(c *crowd) error {
		before, err = s.replace(ctx, t, c, &after)
		return err
	})
	if err == nil {
		err = s.follow(ctx, t, []id.ID{g.MemberID})
	}
	return before, after, err
}

// Take takes a tag that is given by hand from all members of the human. Without it there,
// nothing happens and before is nil. Faults as of Give.
func (s *Store) Take(ctx context.Context, g Gift) (before *Value, err error) {
	t, _, err := s.byHand(ctx, g.TagID, g.Roles)
	if err != nil {
		return nil, err
	}
	if r := strings.TrimSpace(g.Reason); r == "" || utf8.RuneCountInString(r) > 50 {
		return nil, fault.NewInvalid("reason_missing", "请写明理由，最多 50 个字").With("field", "reason")
	}
	err = s.again(ctx, []id.ID{g.MemberID}, func(c *crowd) error {
		before, err = s.replace(ctx, t, c, nil)
		return err
	})
	if err == nil {
		err = s.follow(ctx, t, []id.ID{g.MemberID})
	}
	return before, err
}

// follow brings the tags up to date that are made of one whose values were written from
// outside. It comes after the commit: should it not come at all, their next refresh does it.
func (s *Store) follow(ctx context.Context, t Tag, members []id.ID) error {
	g, err := s.running(ctx, t.BrandID)
	if err != nil {
		return err
	}
	_, err = s.refresh(ctx, g, t.BrandID, members, func(l *live) bool { return slices.Contains(l.Def.Tags(), t.ID) }, true)
	return err
}

func (s *Store) byHand(ctx context.Context, tagID id.ID, roles []string) (Tag, Definition, error) {
	t, err := s.Get(ctx, tagID)
	if err == nil && !t.Visible(roles) {
		err = errMissing
	}
	if err == nil && t.State != Running {
		err = errStopped
	}
	if err != nil {
		return t, Definition{}, err
	}
	means, err := s.meaning(ctx, t)
	if err == nil && means.Source != Manual {
		err = errManual
	}
	return t, means, err
}

// replace puts one value in place of all that a human has of a tag; nil: none.
func (s *Store) replace(ctx context.Context, t Tag, c *crowd, v *Value) (before *Value, err error) {
	if len(c.members) == 0 {
		return nil, fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		before = nil
		if err := s.holdTx(ctx, tx, c); err != nil {
			return err
		}
		rows, err := stored(tx, []id.ID{t.ID}, c)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.holds(s.DB.Now()) && (before == nil || newer(r, *before)) {
				before = &r
			}
		}
		if err := tx.Exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id IN ?", t.ID, c.members).Error; err != nil {
			return err
		}
		if v != nil {
			if err := insert(ctx, tx, []Value{*v}, ""); err != nil {
				return err
			}
		}
		return s.changedTx(ctx, tx, t.BrandID, c.members)
	})
	return before, err
}

// Expire deletes up to limit values whose time is over and says how many.
func (s *Store) Expire(ctx context.Context, limit int) (n int, err error) {
	now := s.DB.Now()
	var rows []Value
	if err := s.DB.Read(ctx).Where("until_at > 0 AND until_at <= ?", now).Order("until_at").Limit(limit).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("tag: expire: %w", err)
	}
	over := map[id.ID][]id.ID{}
	for _, v := range rows {
		over[v.TagID] = append(over[v.TagID], v.MemberID)
	}
	for _, tagID := range slices.Sorted(maps.Keys(over)) {
		t, err := s.Get(ctx, tagID)
		if err != nil {
			return 0, err
		}
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			if err := tx.Exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id IN ? AND until_at > 0 AND until_at <= ?", tagID, over[tagID], now).Error; err != nil {
				return err
			}
			return s.changedTx(ctx, tx, t.BrandID, over[tagID])
		})
		if err == nil {
			err = s.follow(ctx, t, over[tagID])
		}
		if err != nil {
			return 0, fmt.Errorf("tag: expire: %w", err)
		}
	}
	return len(rows), nil
}
