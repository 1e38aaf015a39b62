package group

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"siyu/model/id"
)

// How far the capacity view looks: a leader's widest branches, and their people.
const (
	branchesRead  = 20
	peopleRead    = 200
	branchAtLeast = 5 // people: fewer are no community
)

// Load is what one leader looks after, against what one person can (Dunbar's 150).
type Load struct {
	LeaderID    id.ID  `json:"leader_id"`
	Name        string `json:"name"`
	Active      bool   `json:"active"`
	Direct      int    `json:"direct"`       // people he brought himself
	Communities int    `json:"communities"`  // open or full ones
	InGroups    int    `json:"in_groups"`    // people in them, as far as told
	Limit       int    `json:"limit"`        // the policy's
	UsedPercent int    `json:"used_percent"` // of the limit, by the larger of Direct and InGroups
	Over        bool   `json:"over"`
	// Branches could become communities of their own when he is over the limit: evidence
	// for a person to decide on. Nothing happens by itself.
	Branches []Branch `json:"branches"`
	Advice   string   `json:"advice"`
}

// Branch is somebody a leader brought who brought people in turn, with where those live:
// a new community with him as its candidate leader.
type Branch struct {
	MemberID id.ID       `json:"member_id"`
	Name     string      `json:"name,omitempty"` // as operators see him, filled in by who shows it
	Direct   int         `json:"direct"`
	Cities   []CityCount `json:"cities"` // of his people, most first; "" = not known
}

// CityCount is how many live in a city.
type CityCount struct {
	City   string `json:"city"`
	People int    `json:"people"`
}

// Summary is what a leader's communities come to.
type Summary struct {
	Communities int `json:"communities"` // open, full or expired: not closed
	Members     int `json:"members"`     // people in them, as far as told
	Full        int `json:"full"`
}

// Summary counts the communities of some members at a brand: those of one human.
func (s *Store) Summary(ctx context.Context, brandID id.ID, members []id.ID) (Summary, error) {
	return s.summary(ctx, "brand_id = ? AND leader_member_id IN ? AND state <> ?", brandID, members, Closed)
}

func (s *Store) summary(ctx context.Context, where string, args ...any) (out Summary, err error) {
	err = s.db.Read(ctx).Raw("SELECT COUNT(*) AS communities, COALESCE(SUM(size), 0) AS members, COALESCE(SUM(CASE WHEN state = 'full' THEN 1 ELSE 0 END), 0) AS "+
		"`full` FROM community WHERE "+where, args...).Scan(&out).Error
	if err != nil {
		return out, fmt.Errorf("group: summary: %w", err)
	}
	return out, nil
}

// Capacity pages the leaders of a brand with their loads; split suggestions are made for
// those above the limit.
func (s *Store) Capacity(ctx context.Context, brandID, before id.ID, limit int) ([]Load, error) {
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return nil, err
	}
	leaders, err := s.Leaders.Leaders(ctx, brandID, before, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Load, 0, len(leaders))
	for _, l := range leaders {
		x, err := s.load(ctx, p, l)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// CountCapacity counts what Capacity pages, up to db.MaxTotal.
func (s *Store) CountCapacity(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return s.Leaders.CountLeaders(ctx, brandID)
}

// LoadOf is the load of one leader. Fault: NotFound leader_not_found.
func (s *Store) LoadOf(ctx context.Context, leaderID id.ID) (Load, error) {
	l, err := s.Leaders.Leader(ctx, leaderID)
	if err != nil {
		return Load{}, err
	}
	p, err := s.Policy(ctx, l.BrandID)
	if err != nil {
		return Load{}, err
	}
	return s.load(ctx, p, l)
}

func (s *Store) load(ctx context.Context, p Policy, l Leader) (Load, error) {
	circle, err := s.Referrals.Circle(ctx, l.BrandID, l.MemberID)
	if err != nil {
		return Load{}, err
	}
	sum, err := s.summary(ctx, "leader_id = ? AND state <> ?", l.ID, Closed)
	if err != nil {
		return Load{}, err
	}
	x := Load{LeaderID: l.ID, Name: l.Name, Active: l.Active, Direct: circle.Direct, Communities: sum.Communities, InGroups: sum.Members,
		Limit: p.PeoplePerLeader, Branches: []Branch{}}
	heads := max(x.Direct, x.InGroups)
	x.UsedPercent, x.Over = heads*100/x.Limit, heads > x.Limit
	if !x.Over {
		return x, nil
	}
	if x.Branches, err = s.branches(ctx, l); err != nil {
		return Load{}, err
	}
	x.Advice = fmt.Sprintf("已在维护 %d 人，超过一人能照顾好的 %d 人。", heads, x.Limit) // read by operators and by the leader himself
	if len(x.Branches) == 0 {
		x.Advice += "可以先增加一个新群，并请一位协助的人。"
		return x, nil
	}
	widest := x.Branches[0]
	x.Advice += fmt.Sprintf("直接带来的人里有 %d 位也在照顾别人，其中最多的一位带来 %d 人%s。可以请他担任新群的群主，由品牌决定。", len(x.Branches), widest.Direct, widest.mostly())
	return x, nil
}

// mostly names the city of at least half of a branch's people, for whom a new group of
// that city makes sense.
func (b Branch) mostly() string {
	for _, c := range b.Cities {
		if c.City != "" && c.People*2 >= b.Direct {
			return "（多在" + c.City + "）"
		}
	}
	return ""
}

// branches are the candidates for a split, widest first.
func (s *Store) branches(ctx context.Context, l Leader) ([]Branch, error) {
	heads, err := s.Referrals.Brought(ctx, l.BrandID, l.MemberID, branchesRead)
	if err != nil {
		return nil, err
	}
	out := []Branch{}
	for _, h := range heads {
		if h.Direct < branchAtLeast {
			continue
		}
		people, err := s.Referrals.Brought(ctx, l.BrandID, h.MemberID, peopleRead)
		if err != nil {
			return nil, err
		}
		b := Branch{MemberID: h.MemberID, Direct: h.Direct}
		if b.Cities, err = s.cities(ctx, people); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(a, b Branch) int { return cmp.Compare(b.Direct, a.Direct) })
	return out, nil
}

func (s *Store) cities(ctx context.Context, people []Person) ([]CityCount, error) {
	members := make([]id.ID, len(people))
	for i, p := range people {
		members[i] = p.MemberID
	}
	where, err := s.People.Cities(ctx, members)
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, m := range members {
		count[where[m]]++
	}
	out := make([]CityCount, 0, len(count))
	for city, n := range count {
		out = append(out, CityCount{city, n})
	}
	slices.SortFunc(out, func(a, b CityCount) int { return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.City, b.City)) })
	return out, nil
}
