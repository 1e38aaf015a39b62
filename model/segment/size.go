package segment

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// Reach judges who can be reached; *reach.Store is it.
type Reach interface {
	Look(ctx context.Context, a reach.Ask, members []id.ID) ([]reach.Answer, error)
	Sets(ctx context.Context, brandID id.ID, purpose string, uses []reach.Use, at clock.Instant, yield func(set reach.Set, people []id.ID) error) (reach.Set, error)
	Open(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID][]string, error)
	Opens(ctx context.Context, brandID id.ID, yield func(channel string, people []id.ID) error) error
}

// UseReach lets Size say who can be reached, and rules ask for it. Wiring calls it before anybody is served.
func (s *Store) UseReach(r Reach) { s.reach = r }

// Plan is how a segment is meant to be reached. No uses: it is not asked.
type Plan struct {
	Purpose string        `json:"purpose"` // marketing or service
	Topic   string        `json:"topic,omitempty"`
	Uses    []reach.Use   `json:"uses,omitempty"` // in the order of preference
	At      clock.Instant `json:"at,omitzero"`    // 0: now
	Value   int           `json:"value,omitempty"`
	// Exact judges everybody, however many; else a sample stands for many.
	Exact bool `json:"exact,omitempty"`
}

// Left is how many cannot be reached for a reason: the first that concerns each.
type Left struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
	Count  int64  `json:"count"`
}

// Way is how many are reached by a use: by the first that reaches each.
type Way struct {
	reach.Use
	Count int64 `json:"count"`
}

// Funnel is how many people a rule means and what is left of them: 品牌用户, 允许个性化,
// 命中, then each reason why not, then 现在可达. Nobody is counted twice: Matched is the
// sum of Left and Reachable.
type Funnel struct {
	People    int64         `json:"people"`    // of the brand
	Profiling bool          `json:"profiling"` // the rule needs consent to profiling
	Asked     int64         `json:"asked"`     // of whom it was asked: People, less who does not allow profiling
	Matched   int64         `json:"matched"`
	Left      []Left        `json:"left"`
	Reachable int64         `json:"reachable"`
	Ways      []Way         `json:"ways"`
	Judged    bool          `json:"judged"`  // Left, Reachable and Ways are known
	Sampled   int64         `json:"sampled"` // 0: everybody was judged; else so many, and these counts are estimates
	AsOf      clock.Instant `json:"as_of"`
}

const (
	// lookMost is how many people are judged one by one while somebody waits, unless
	// LookAtMost says otherwise.
	lookMost = 5000
	// lookPer is how many of them one question is about.
	lookPer = 500
	// setsFor is how long judging a whole brand is good for.
	setsFor = 5 * time.Minute
)

var errPlan = fault.NewInvalid("segment_plan", "请选择用途：营销或服务").With("field", "purpose")

// Size says how many people a rule means and how many of them can be reached. More than
// lookMost are estimated from so many, taken evenly, unless the plan asks for all. Faults:
// Invalid rule_invalid and its neighbours, segment_plan, reach_ask, reach_use.
func (s *Store) Size(ctx context.Context, brandID id.ID, t rule.Tree, plan Plan) (Funnel, error) {
	w, err := s.expand(ctx, brandID, t)
	if err != nil {
		return Funnel{}, err
	}
	p, err := s.find(ctx, brandID, w)
	if err != nil {
		return Funnel{}, err
	}
	if err := s.remember(ctx, brandID, t); err != nil {
		return Funnel{}, err
	}
	f := Funnel{People: int64(p.brand), Asked: int64(p.asked), Profiling: w.profiling, Matched: p.Count(), Left: []Left{}, Ways: []Way{}, AsOf: p.AsOf}
	if len(plan.Uses) == 0 || s.reach == nil {
		return f, nil
	}
	if plan.Purpose != reach.Marketing && plan.Purpose != reach.Service {
		return Funnel{}, errPlan
	}
	f.Judged = true
	if f.Matched > int64(s.looks) && plan.Exact && plan.Topic == "" && plan.At == 0 {
		return f, s.judgeAll(ctx, brandID, plan, p, &f)
	}
	return f, s.judge(ctx, brandID, plan, p, &f)
}

// LookAtMost changes how many people are judged one by one. Wiring calls it before anybody
// is served.
func (s *Store) LookAtMost(people int) { s.looks = people }

// tally counts where people fall, in the order in which reasons count.
type tally map[reach.Set]int64

// into writes a tally of judged people as that of all who matched.
func (t tally) into(f *Funnel, plan Plan, judged int64) {
	scaled := func(n int64) int64 {
		if judged == 0 || judged == f.Matched {
			return n
		}
		return (n*f.Matched + judged/2) / judged
	}
	for i, u := range plan.Uses {
		f.Ways = append(f.Ways, Way{u, scaled(t[reach.Set{Use: i}])})
	}
	for _, w := range reach.Words() {
		if n := scaled(t[reach.Set{Use: -1, Reason: w.Code}]); n > 0 {
			f.Left = append(f.Left, Left{w.Code, w.Text, n})
		}
	}
	rest := f.Matched
	for _, l := range f.Left {
		rest -= l.Count
	}
	f.Reachable = rest
	for i := range f.Ways { // what rounding left over belongs to the first way
		rest -= f.Ways[i].Count
	}
	if len(f.Ways) > 0 && judged != f.Matched {
		f.Ways[0].Count = max(0, f.Ways[0].Count+rest)
	}
}

// judge looks at people one by one: at all of them, or at lookMost taken evenly.
func (s *Store) judge(ctx context.Context, brandID id.ID, plan Plan, p People, f *Funnel) error {
	people := p.evenly(s.looks)
	if int64(len(people)) < f.Matched {
		f.Sampled = int64(len(people))
	}
	ask := reach.Ask{BrandID: brandID, Purpose: plan.Purpose, Topic: plan.Topic, Uses: plan.Uses, At: plan.At, Value: plan.Value}
	if ask.At == 0 {
		ask.At = s.db.Now() // the same for all of them
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t, parts := tally{}, slices.Collect(slices.Chunk(people, lookPer))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range min(loadWorkers, runtime.GOMAXPROCS(0), len(parts)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				if len(parts) == 0 {
					mu.Unlock()
					return
				}
				part := parts[0]
				parts = parts[1:]
				mu.Unlock()
				answers, err := s.reach.Look(ctx, ask, part)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				for _, a := range answers {
					set := reach.Set{Use: a.Use, Reason: a.Reason}
					if set.Use >= 0 {
						set.Reason = ""
					}
					t[set]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	t.into(f, plan, int64(len(people)))
	return nil
}

// judged is a brand's people by where they fall, for one way of asking.
type judged struct {
	at   clock.Instant
	rest reach.Set
	sets map[reach.Set]*bits.Set
}

// judgeAll counts by sets of the whole brand, which are good for a while.
func (s *Store) judgeAll(ctx context.Context, brandID id.ID, plan Plan, p People, f *Funnel) error {
	j, err := s.judgedSets(ctx, brandID, plan)
	if err != nil {
		return err
	}
	t, named := tally{}, int64(0)
	for set, who := range j.sets {
		n := int64(p.set.AndCardinality(who))
		t[set], named = t[set]+n, named+n
	}
	t[j.rest] += f.Matched - named
	f.AsOf = min(f.AsOf, j.at)
	t.into(f, plan, f.Matched)
	return nil
}

func (s *Store) judgedSets(ctx context.Context, brandID id.ID, plan Plan) (*judged, error) {
	e := s.engine(brandID)
	key := plan.Purpose + fmt.Sprint(plan.Uses)
	now := s.db.Now()
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	for k, j := range e.judged { // others' are dropped with it: each is as large as the brand
		if now.Sub(j.at) >= setsFor {
			delete(e.judged, k)
		}
	}
	j := e.judged[key]
	e.unlock()
	if j != nil {
		return j, nil
	}
	j = &judged{at: now, sets: map[reach.Set]*bits.Set{}}
	rest, err := s.reach.Sets(ctx, brandID, plan.Purpose, plan.Uses, 0, func(set reach.Set, people []id.ID) error {
		if err := e.lock(ctx); err != nil {
			return err
		}
		defer e.unlock()
		if e.people == nil {
			return errDropped
		}
		who := j.sets[set]
		if who == nil {
			who = roaring.New()
			j.sets[set] = who
		}
		who.Or(e.people.Numbers(people))
		return nil
	})
	if err != nil {
		return nil, err
	}
	j.rest = rest
	if err := e.lock(ctx); err != nil {
		return nil, err
	}
	defer e.unlock()
	e.judged[key] = j
	return j, nil
}

var errDropped = fault.New(fault.Unavailable, "segment_busy", "人群数据正在重新载入，请稍后再试")

// evenly takes at most n people, as far from each other as they can be.
func (p People) evenly(n int) []id.ID {
	count := int(p.Count())
	out := make([]id.ID, 0, min(n, count))
	if count <= n {
		return slices.AppendSeq(out, p.Each())
	}
	for i := range n {
		number, err := p.set.Select(uint32(int64(i) * int64(count) / int64(n)))
		if err == nil {
			out = append(out, p.ids[number])
		}
	}
	return out
}

// Somebody is one of a sample, masked: who he is is not for those who build rules.
type Somebody struct {
	MemberID  id.ID         `json:"member_id"` // null for who may not see members
	Label     string        `json:"label"`
	JoinedAt  clock.Instant `json:"joined_at"`
	LastAt    clock.Instant `json:"last_at"` // of his acts that are kept; null: none
	Acts      int64         `json:"acts"`
	Following bool          `json:"following"`
}

// SampleMost is how many somebodies a sample is at most.
const SampleMost = 20

// Sample is a few of the people whom a rule means, taken evenly. Faults as Size.
func (s *Store) Sample(ctx context.Context, brandID id.ID, t rule.Tree, limit int) ([]Somebody, error) {
	p, err := s.Find(ctx, brandID, t)
	if err != nil {
		return nil, err
	}
	people := p.evenly(min(max(limit, 1), SampleMost))
	out := make([]Somebody, len(people))
	if len(people) == 0 {
		return out, nil
	}
	f, err := s.familiesOf(ctx, people)
	if err != nil {
		return nil, err
	}
	q := s.query(brandID)
	q.people, q.members = f.roots, f.all
	var joined, acted, follow []struct {
		Person id.ID
		Value  clock.Instant
		N      int64
	}
	c, _ := columnOf(rule.Follows)
	for _, x := range []struct {
		stmt part
		into any
	}{
		{join(raw("SELECT "+root+" AS person, MIN(m.created_at) AS value FROM member m WHERE 1 = 1"), q.only("m.id"), raw(" GROUP BY "+root)), &joined},
		{join(raw("SELECT a.person_id AS person, MAX(a.at) AS value, COUNT(*) AS n FROM segment_act a WHERE a.brand_id = ?", brandID), q.onlyActs("a"), raw(" GROUP BY a.person_id")), &acted},
		{join(raw("SELECT person, 1 AS value FROM ("), c.read(q), raw(") c")), &follow},
	} {
		if err := run(s.db.Read(ctx), x.stmt).Scan(x.into).Error; err != nil {
			return nil, fmt.Errorf("segment: sample: %w", err)
		}
	}
	at := make(map[id.ID]*Somebody, len(people))
	for i, person := range people {
		out[i] = Somebody{MemberID: person, Label: "会员 ****" + person.Tail()}
		at[person] = &out[i]
	}
	for _, r := range joined {
		if x := at[r.Person]; x != nil {
			x.JoinedAt = r.Value
		}
	}
	for _, r := range acted {
		if x := at[r.Person]; x != nil {
			x.LastAt, x.Acts = r.Value, r.N
		}
	}
	for _, r := range follow {
		if x := at[r.Person]; x != nil {
			x.Following = true
		}
	}
	return out, nil
}
