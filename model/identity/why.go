package identity

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Step is one hop of a path: what ties two things together.
type Step struct {
	Text    string        `json:"text"` // zh-CN, one sentence
	At      clock.Instant `json:"at"`
	EdgeID  id.ID         `json:"edge_id"`  // the row of evidence, or
	MergeID id.ID         `json:"merge_id"` // the merge, or neither: the key's own row
}

// Reason is why one key is the same human's as the first one.
type Reason struct {
	Key   Key    `json:"key"`
	Shown string `json:"shown"` // the key, masked
	Steps []Step `json:"steps"` // the shortest path of evidence from the first key
}

// Why explains why some keys are one human.
type Why struct {
	From    Key      `json:"from"` // the key that is nearest to the person
	Shown   string   `json:"shown"`
	Reasons []Reason `json:"reasons"` // of every other key
}

// view is everything that is known of one human.
type view struct {
	ks     kinds
	people []human
	keys   []Key
	edges  []Edge
	merges []Merge
}

// look reads a human. Fault: NotFound person_not_found.
func (s *Store) look(ctx context.Context, person id.ID) (view, error) {
	tx := s.db.Read(ctx)
	v := view{}
	var err error
	if v.ks, err = s.declared(ctx); err != nil {
		return v, err
	}
	roots, err := rootsOf(tx, []id.ID{person})
	if err != nil {
		return v, err
	}
	if v.people, err = familyOf(tx, roots[person]); err != nil {
		return v, err
	}
	if v.keys, err = keysOf(tx, idsOf(v.people)); err != nil {
		return v, err
	}
	if v.edges, err = edgesOf(tx, idsOf(v.people)); err != nil {
		return v, err
	}
	v.merges, err = mergesOf(tx, idsOf(v.people))
	return v, err
}

// edgesMost bounds the evidence that is read of one human.
const edgesMost = 1000

// edgesOf reads the evidence on persons that stands, oldest first.
func edgesOf(tx *gorm.DB, persons []id.ID) ([]Edge, error) {
	var all []Edge
	if err := tx.Where("person_id IN ?", persons).Order("at, id").Limit(edgesMost).Find(&all).Error; err != nil {
		return nil, fmt.Errorf("identity: evidence: %w", err)
	}
	gone := map[id.ID]bool{}
	for _, e := range all {
		if e.Revokes != 0 {
			gone[e.Revokes], gone[e.ID] = true, true
		}
	}
	out := make([]Edge, 0, len(all))
	for _, e := range all {
		if !gone[e.ID] {
			out = append(out, e)
		}
	}
	return out, nil
}

// Evidence lists what is kept about a human, oldest first, without what was revoked.
// Fault: NotFound person_not_found.
func (s *Store) Evidence(ctx context.Context, person id.ID) ([]Edge, []Merge, error) {
	v, err := s.look(ctx, person)
	return v.edges, v.merges, err
}

// Why explains a human. Fault: NotFound person_not_found.
func (s *Store) Why(ctx context.Context, person id.ID) (Why, error) {
	v, err := s.look(ctx, person)
	if err != nil {
		return Why{}, err
	}
	return v.why(), nil
}

// node is a key or a person in the graph of evidence.
type node struct {
	key    name
	person id.ID
}

type hop struct {
	to   node
	step Step
}

// graph ties keys that were seen together, keys to the person whose they are, and
// persons that were merged.
func (v view) graph() map[node][]hop {
	g := map[node][]hop{}
	tie := func(a, b node, s Step) {
		g[a], g[b] = append(g[a], hop{b, s}), append(g[b], hop{a, s})
	}
	owner := map[name]id.ID{}
	for _, k := range v.keys {
		owner[k.name()] = k.PersonID
	}
	for _, e := range v.edges {
		k, other := e.Key(), e.Other()
		if owner[k.name()] == 0 || other.Kind != "" && owner[other.name()] == 0 {
			continue // a key of somebody else: a case that was not decided for one human
		}
		to := node{key: other.name()}
		if other.Kind == "" {
			to = node{person: e.PersonID}
		}
		tie(node{key: k.name()}, to, Step{Text: v.seenTogether(e), At: e.At, EdgeID: e.ID})
	}
	for _, m := range v.merges {
		if m.State == Merged {
			tie(node{person: m.PersonID}, node{person: m.OtherID}, Step{Text: v.merged(m), At: m.CreatedAt, MergeID: m.ID})
		}
	}
	for _, k := range v.keys {
		tie(node{key: k.name()}, node{person: k.PersonID}, Step{Text: fmt.Sprintf("%s，%s在%s中首次出现", k.CreatedAt.Local(), v.label(k), eventTitle(k.Event)), At: k.CreatedAt})
	}
	return g
}

// label is a key in a sentence. Of a phone there is nothing to show but that it is one.
func (v view) label(k Key) string {
	title := v.ks[k.Kind].Title
	if k.Kind == Phone {
		return title
	}
	return title + "（" + k.Masked() + "）"
}

func (v view) seenTogether(e Edge) string {
	how := eventTitle(e.Event)
	if e.ActorID != 0 {
		how += fmt.Sprintf("（操作员 %d）", e.ActorID)
	}
	if e.OtherKind == "" {
		return fmt.Sprintf("%s，%s确认%s属于此人", e.At.Local(), how, v.label(e.Key()))
	}
	return fmt.Sprintf("%s，%s同时给出%s与%s", e.At.Local(), how, v.label(e.Key()), v.label(e.Other()))
}

func (v view) merged(m Merge) string {
	who := "系统按规则"
	if m.ActorID != 0 {
		who = fmt.Sprintf("操作员 %d ", m.ActorID)
	}
	text := fmt.Sprintf("%s，%s合并：%s", m.CreatedAt.Local(), who, RuleTitle(m.Rule))
	if m.Kind != "" {
		text += "，依据" + v.label(m.Key())
	}
	if m.Note != "" {
		text += "，说明：" + m.Note
	}
	return text
}

func (v view) why() Why {
	if len(v.keys) == 0 {
		return Why{Reasons: []Reason{}}
	}
	from := v.ks.anchor(v.keys, name{})
	g := v.graph()
	// Breadth first: the first path that reaches a key is a shortest one. Ties go to what
	// was written first, so the same evidence reads the same every time.
	type arrived struct {
		from node
		step Step
	}
	start := node{key: from.name()}
	came := map[node]arrived{start: {}}
	for queue := []node{start}; len(queue) > 0; queue = queue[1:] {
		for _, h := range g[queue[0]] {
			if _, seen := came[h.to]; !seen {
				came[h.to] = arrived{queue[0], h.step}
				queue = append(queue, h.to)
			}
		}
	}
	w := Why{From: from, Shown: from.Masked(), Reasons: []Reason{}}
	for _, k := range v.keys {
		if k.name() == from.name() {
			continue
		}
		r := Reason{Key: k, Shown: k.Masked(), Steps: []Step{}}
		for at := (node{key: k.name()}); at != start; at = came[at].from {
			a, ok := came[at]
			if !ok {
				break
			}
			r.Steps = append([]Step{a.step}, r.Steps...)
		}
		w.Reasons = append(w.Reasons, r)
	}
	return w
}
