package tag

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/id"
)

// live is a running tag with what it means.
type live struct {
	Tag
	Def Definition
}

// graph is what runs in a brand: tags, and which is made of which.
type graph struct {
	list []*live // what others are made of before them
	byID map[id.ID]*live
}

// running reads a brand's running tags. It is read each time: a tag that was approved a
// moment ago must not miss an event.
func (s *Store) running(ctx context.Context, brandID id.ID) (*graph, error) {
	return s.read(s.DB.Read(ctx), brandID)
}

func (s *Store) read(tx *gorm.DB, brandID id.ID) (*graph, error) {
	var tags []Tag
	if err := tx.Where("brand_id = ? AND state = ?", brandID, Running).Order("id").Find(&tags).Error; err != nil {
		return nil, fmt.Errorf("tag: running: %w", err)
	}
	var versions []Version
	err := tx.Raw("SELECT v.* FROM tag_version v JOIN tag t ON t.id = v.tag_id AND t.version = v.version WHERE t.brand_id = ? AND t.state = ?", brandID, Running).Find(&versions).Error
	if err != nil {
		return nil, fmt.Errorf("tag: running: %w", err)
	}
	means := map[id.ID]Definition{}
	for _, v := range versions {
		v.Definition.tidy()
		means[v.TagID] = v.Definition
	}
	g := &graph{byID: map[id.ID]*live{}}
	for _, t := range tags {
		g.byID[t.ID] = &live{t.tidy(), means[t.ID]}
	}
	seen := map[id.ID]bool{}
	for _, t := range tags {
		g.order(t.ID, seen)
	}
	return g, nil
}

// order appends a tag behind those that it is made of. There are no circles (fits); if two
// approvals at the same moment made one, it is cut somewhere.
func (g *graph) order(tagID id.ID, seen map[id.ID]bool) {
	t := g.byID[tagID]
	if t == nil || seen[tagID] {
		return
	}
	seen[tagID] = true
	for _, below := range t.Def.Tags() {
		g.order(below, seen)
	}
	g.list = append(g.list, t)
}

// reaches says whether a tag is made of another, directly or through others.
func (g *graph) reaches(from, to id.ID) bool {
	seen, next := map[id.ID]bool{}, []id.ID{from}
	for len(next) > 0 {
		t := g.byID[next[0]]
		next = next[1:]
		if t == nil || seen[t.ID] {
			continue
		}
		seen[t.ID] = true
		if slices.Contains(t.Def.Tags(), to) {
			return true
		}
		next = append(next, t.Def.Tags()...)
	}
	return false
}

// levels are the computed tags among those that start, and all that are made of them, in
// steps that must follow one another.
func (g *graph) levels(start func(*live) bool) [][]*live {
	depth := map[id.ID]int{} // of the tags that are computed anew, from 1
	var out [][]*live
	for _, t := range g.list {
		d := 0
		if start(t) {
			d = 1
		}
		for _, below := range t.Def.Tags() {
			if depth[below] > 0 {
				d = max(d, depth[below]+1)
			}
		}
		if depth[t.ID] = d; d == 0 || !t.Def.computed() {
			continue
		}
		for len(out) < d {
			out = append(out, nil)
		}
		out[d-1] = append(out[d-1], t)
	}
	return slices.DeleteFunc(out, func(l []*live) bool { return len(l) == 0 })
}

// UsersOf lists everything that builds on a tag: other tags, then what wiring named.
func (s *Store) UsersOf(ctx context.Context, tagID id.ID) ([]Use, error) {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return nil, err
	}
	out := []Use{}
	// Drafts count too: whoever writes one wants to be asked.
	var rows []Version
	err = s.DB.Read(ctx).Raw("SELECT v.* FROM tag_version v JOIN tag t ON t.id = v.tag_id WHERE t.brand_id = ? AND t.state <> ? AND (v.version = t.version OR v.version = t.version + 1) AND v.definition LIKE ?",
		t.BrandID, Retired, "%"+tagID.String()+"%").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("tag: users: %w", err)
	}
	for _, v := range rows {
		if !slices.Contains(v.Definition.Tags(), tagID) {
			continue
		}
		by, err := s.Get(ctx, v.TagID)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out, func(u Use) bool { return u.ID == by.ID }); i >= 0 {
			out[i].Live = out[i].Live || v.State == Approved
			continue
		}
		out = append(out, Use{Kind: "tag", ID: by.ID, Name: by.Name, State: by.State, Live: v.State == Approved && by.State == Running})
	}
	for _, users := range s.Users {
		more, err := users(ctx, tagID)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}
