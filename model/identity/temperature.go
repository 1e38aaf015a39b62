package identity

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// Part is one summand of a temperature.
type Part struct {
	Text   string `json:"text"` // zh-CN
	Points int    `json:"points"`
}

// Temperature says how sure we are to know a real human, 0 to 100 (数据温度): a key
// near to the person, several keys, independent evidence, and recent use.
type Temperature struct {
	Score int    `json:"score"`
	Parts []Part `json:"parts"`
}

// The weights add up to 100: 40 for the nearest key (Kind.near), 24 for further kinds,
// 16 for independent evidence, 20 for recency.
const (
	perKind, kindsCount       = 8, 3
	perEvidence, evidenceMost = 4, 4
	openCase                  = 15
)

// Temperature measures a human. Fault: NotFound person_not_found.
func (s *Store) Temperature(ctx context.Context, person id.ID) (Temperature, error) {
	v, err := s.look(ctx, person)
	if err != nil {
		return Temperature{}, err
	}
	var waiting int64
	persons := idsOf(v.people)
	if err := s.db.Read(ctx).Model(&Review{}).Where("state = ? AND (low_id IN ? OR high_id IN ?)", Open, persons, persons).Count(&waiting).Error; err != nil {
		return Temperature{}, fmt.Errorf("identity: temperature: %w", err)
	}
	t := Temperature{Parts: []Part{}}
	add := func(points int, text string, args ...any) {
		if points != 0 {
			t.Parts = append(t.Parts, Part{fmt.Sprintf(text, args...), points})
			t.Score += points
		}
	}
	near, kinds := v.nearest()
	add(near.points, "最接近真人的编号是%s", near.text)
	add(perKind*min(kinds-1, kindsCount)*b2i(kinds > 1), "另有 %d 种编号互相印证", kinds-1)
	independent := v.independent()
	add(perEvidence*min(independent, evidenceMost), "%d 种独立证据", independent)
	last := v.lastSeen()
	switch age := s.db.Now().Sub(last); {
	case len(v.keys) == 0:
	case age <= 30*24*time.Hour:
		add(20, "30 天内有新的证据或使用（%s）", last.Local())
	case age <= 180*24*time.Hour:
		add(10, "半年内有新的证据或使用（%s）", last.Local())
	case age <= 365*24*time.Hour:
		add(5, "一年内有新的证据或使用（%s）", last.Local())
	}
	if waiting > 0 {
		add(-min(openCase, t.Score), "有 %d 条待确认的身份冲突", waiting)
	}
	return t, nil
}

type nearKey struct {
	points int
	text   string
}

// nearest finds the key nearest to a real human and counts the kinds. A phone counts in
// full only when WeChat verified it: a file may hold anybody's.
func (v view) nearest() (nearKey, int) {
	verified := map[name]bool{}
	for _, e := range v.edges {
		if e.Event == PhoneVerified {
			verified[e.Key().name()] = true
		}
	}
	var best nearKey
	kinds := map[string]bool{}
	for _, k := range v.keys {
		kinds[k.Kind] = true
		n := nearKey{v.ks[k.Kind].near, v.ks[k.Kind].Title}
		if k.Kind == Phone {
			if k.Event == PhoneVerified || verified[k.name()] {
				n.text += "（已验证）"
			} else {
				n.points, n.text = n.points/2, n.text+"（未验证）"
			}
		}
		if n.points > best.points {
			best = n
		}
	}
	return best, len(kinds)
}

// independent counts sources that agree: events of one kind over one kind of key are one
// source, however often they happened.
func (v view) independent() int {
	sources := map[[2]string]bool{}
	for _, e := range v.edges {
		sources[[2]string{e.Event, e.Kind}] = true
	}
	for _, m := range v.merges {
		if m.State == Merged && m.ActorID != 0 {
			sources[[2]string{ByOperator, ""}] = true
		}
	}
	return len(sources)
}

func (v view) lastSeen() (last clock.Instant) {
	for _, k := range v.keys {
		last = max(last, k.SeenAt, k.CreatedAt)
	}
	for _, e := range v.edges {
		last = max(last, e.At)
	}
	return last
}
