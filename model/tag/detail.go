package tag

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/rule"
)

// Branch is a class or category of the tag tree with what hangs on it.
type Branch struct {
	Class    string   `json:"class"`
	ID       id.ID    `json:"category_id"` // none: the class itself
	Name     string   `json:"name"`
	PlaceNo  int      `json:"place_no"`
	Tags     int      `json:"tags"` // that run, here and below
	Branches []Branch `json:"branches"`
}

// Tree is a brand's tag tree (标签树): the five classes, their categories, theirs. It counts
// the running tags that these roles may see.
func (s *Store) Tree(ctx context.Context, brandID id.ID, roles []string) ([]Branch, error) {
	categories, err := s.Categories(ctx, brandID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Class      string
		CategoryID id.ID
		N          int
	}
	q := s.narrow(s.DB.Read(ctx), Filter{BrandID: brandID, State: Running, Roles: roles})
	if err := q.Select("class, category_id, COUNT(*) AS n").Group("class, category_id").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("tag: tree: %w", err)
	}
	count := func(class string, category id.ID) int {
		n := 0
		for _, r := range rows {
			if r.Class == class && r.CategoryID == category {
				n += r.N
			}
		}
		return n
	}
	var under func(class string, parent id.ID) []Branch
	under = func(class string, parent id.ID) []Branch {
		list := []Branch{}
		for _, c := range categories {
			if c.Class == class && c.ParentID == parent {
				list = append(list, Branch{Class: class, ID: c.ID, Name: c.Name, PlaceNo: c.PlaceNo, Tags: count(class, c.ID), Branches: under(class, c.ID)}.sum())
			}
		}
		return list
	}
	out := []Branch{}
	for _, c := range Classes() {
		out = append(out, Branch{Class: c.Key, Name: c.Name, Tags: count(c.Key, 0), Branches: under(c.Key, 0)}.sum())
	}
	return out, nil
}

// sum adds what hangs below.
func (b Branch) sum() Branch {
	for _, x := range b.Branches {
		b.Tags += x.Tags
	}
	return b
}

// Detail is a tag with everything about it that is not counted.
type Detail struct {
	Tag
	Versions []Version `json:"versions"` // newest first
	// Meaning is the definition that counts, else the newest, in words: one line for each
	// case of a rule.
	Meaning []string      `json:"meaning"`
	DueAt   clock.Instant `json:"due_at"` // of the next review
	Run     *Run          `json:"run"`    // the newest
	Feeds   []Feed        `json:"feeds"`  // what models wrote of it, the newest version first
}

// DetailOf reads a tag for a page; names says what things are called.
func (s *Store) DetailOf(ctx context.Context, tagID id.ID, names rule.Names) (Detail, error) {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return Detail{}, err
	}
	out := Detail{Tag: t, Meaning: []string{}}
	if t.State == Running {
		out.DueAt = t.ReviewedAt + clock.Instant(int64(t.ReviewDays)*day.Milliseconds())
	}
	if out.Versions, err = s.Versions(ctx, tagID); err != nil {
		return Detail{}, err
	}
	runs, err := s.Runs(ctx, tagID, 0, 1)
	if err != nil {
		return Detail{}, err
	}
	if len(runs) > 0 {
		out.Run = &runs[0]
	}
	if out.Feeds, err = s.Feeds(ctx, tagID); err != nil {
		return Detail{}, err
	}
	i := slices.IndexFunc(out.Versions, func(v Version) bool { return v.Version == t.Version })
	if i < 0 && len(out.Versions) > 0 {
		i = 0
	}
	if i >= 0 {
		out.Meaning = out.Versions[i].Definition.words(names)
	}
	return out, nil
}

// words say what a definition means.
func (d Definition) words(names rule.Names) []string {
	switch d.Source {
	case Manual:
		return []string{"由运营人员手工添加和移除"}
	case Scores:
		return []string{"由模型写入，带得分和版本"}
	case Profile:
		return []string{"取自会员档案字段 " + d.Field}
	case Event:
		text := "取自最近一次行为 " + d.EventType
		if d.Field != "" {
			text += " 的 " + d.Field
		}
		return []string{text}
	}
	out := []string{}
	for _, c := range d.Cases {
		text := c.Tree.Sentence(names)
		if c.Value != "" {
			text = c.Value + "：" + text
		}
		out = append(out, text)
	}
	return out
}

// Source is something that a tag is made of.
type Source struct {
	Kind  string `json:"kind"` // event, attr, tag, product, profile, hand, model
	Key   string `json:"key"`  // as that kind calls it; an id as text
	Title string `json:"title"`
}

// Lineage (血缘) is what a tag is made of and what is made of it: what breaks if it changes.
type Lineage struct {
	From []Source `json:"from"`
	To   []Use    `json:"to"`
}

// LineageOf reads it for the definition that counts, else for the newest.
func (s *Store) LineageOf(ctx context.Context, tagID id.ID, names rule.Names) (Lineage, error) {
	versions, err := s.Versions(ctx, tagID)
	if err != nil {
		return Lineage{}, err
	}
	out := Lineage{From: []Source{}}
	if out.To, err = s.reach(ctx, tagID); err != nil || len(versions) == 0 {
		return out, err
	}
	d := versions[0].Definition
	if i := slices.IndexFunc(versions, func(v Version) bool { return v.State == Approved }); i >= 0 {
		d = versions[i].Definition
	}
	out.From = d.sources(names)
	return out, nil
}

// reach lists what builds on a tag, directly or through other tags.
func (s *Store) reach(ctx context.Context, tagID id.ID) ([]Use, error) {
	out, err := s.UsersOf(ctx, tagID)
	if err != nil {
		return nil, err
	}
	type key struct {
		kind string
		id   id.ID
	}
	seen := map[key]bool{{"tag", tagID}: true}
	for _, u := range out {
		seen[key{u.Kind, u.ID}] = true
	}
	for i := 0; i < len(out); i++ {
		by := out[i]
		if by.Kind != "tag" {
			continue
		}
		more, err := s.UsersOf(ctx, by.ID)
		if err != nil {
			return nil, err
		}
		for _, u := range more {
			if k := (key{u.Kind, u.ID}); !seen[k] {
				seen[k] = true
				u.Live = u.Live && by.Live // a draft between changes nothing
				if u.Via == "" {
					u.Via, u.ViaID = by.Name, by.ID
				}
				out = append(out, u)
			}
		}
	}
	return out, nil
}

func (d Definition) sources(names rule.Names) []Source {
	switch d.Source {
	case Manual:
		return []Source{{"hand", "", "人工"}}
	case Scores:
		return []Source{{"model", "", "模型"}}
	case Profile:
		return []Source{{"profile", d.Field, d.Field}}
	case Event:
		return []Source{{"event", d.EventType, d.EventType}}
	}
	u, out := d.uses(), []Source{}
	for _, e := range u.Events {
		title := e
		if a, ok := rule.ActOf(e); ok {
			title = a.Title
		}
		out = append(out, Source{"event", e, title})
	}
	for _, a := range u.Attrs {
		spec, _ := rule.AttrOf(a)
		out = append(out, Source{"attr", a, spec.Title})
	}
	for _, t := range u.Tags {
		out = append(out, Source{"tag", t.String(), names(rule.NameTag, t)})
	}
	for _, p := range u.Products {
		out = append(out, Source{"product", p.String(), names(rule.NameProduct, p)})
	}
	return out
}

// Offer is what the values of a fact tag may be taken from.
type Offer struct {
	Events   []OfferedEvent `json:"events"`
	Profiles []OfferedField `json:"profiles"`
}

// OfferedEvent is a type of event with the fields of its body.
type OfferedEvent struct {
	Type   string         `json:"type"`
	Fields []OfferedField `json:"fields"`
}

// OfferedField is a field with what it says.
type OfferedField struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Offered lists what a fact may be taken from: fields of events, and profile fields that
// need no consent of their own.
func (s *Store) Offered(ctx context.Context) (Offer, error) {
	out := Offer{Events: []OfferedEvent{}, Profiles: []OfferedField{}}
	schemas := event.Schemas()
	types := make([]string, 0, len(schemas))
	for t := range schemas {
		types = append(types, t)
	}
	slices.Sort(types)
	for _, t := range types {
		e := OfferedEvent{Type: t, Fields: []OfferedField{}}
		for _, f := range schemas[t] {
			if fieldOf(t, f.Name) {
				e.Fields = append(e.Fields, OfferedField{f.Name, f.Text})
			}
		}
		out.Events = append(out.Events, e)
	}
	fields, err := s.Profiles.Fields(ctx)
	for _, f := range fields {
		if f.Purpose == "" {
			out.Profiles = append(out.Profiles, OfferedField{f.Name, f.Title})
		}
	}
	return out, err
}

// noter is who is told in the transaction that something of members changed.
type noter interface {
	NoteTx(ctx context.Context, tx *gorm.DB, parts int, members ...id.ID) error
}

// Noting makes of a noter what Changed wants; parts says to it what changed.
func Noting(n noter, parts int) func(ctx context.Context, tx *gorm.DB, brandID id.ID, members []id.ID) error {
	return func(ctx context.Context, tx *gorm.DB, _ id.ID, members []id.ID) error {
		return n.NoteTx(ctx, tx, parts, members...)
	}
}
