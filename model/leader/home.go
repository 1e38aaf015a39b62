package leader

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
)

// Dunbar is how many people one person can look after (邓巴数): what a leader's capacity
// is shown against. It is advice and gives or takes nothing.
const Dunbar = 150

// People is whom a human brought and what they do; numbers only.
type People struct {
	Direct     int64 `json:"direct"`      // people he brought himself, now
	Team       int64 `json:"team"`        // those and whom they brought
	Active30   int64 `json:"active_30"`   // of his people, who did something in 30 days
	TeamScans  int64 `json:"team_scans"`  // of all time
	TeamClaims int64 `json:"team_claims"` // of all time
	TeamOrders int64 `json:"team_orders"` // of all time
}

// Income is what a human earned at a brand, in fen.
type Income struct {
	AccruedFen   money.Fen `json:"accrued_fen"`   // frozen for the days of the rule
	AvailableFen money.Fen `json:"available_fen"` // can be withdrawn
	HeldFen      money.Fen `json:"held_fen"`      // being withdrawn
	OwedFen      money.Fen `json:"owed_fen"`      // to be set off against what comes
	PaidFen      money.Fen `json:"paid_fen"`
}

// Crowd is a human's communities.
type Crowd struct {
	Groups  int64 `json:"groups"`
	Members int64 `json:"members"` // in all of them
	Full    int64 `json:"full"`    // groups without room
}

// Parts are the numbers that other contexts keep; nil ones are shown as nought.
type Parts struct {
	People func(ctx context.Context, brandID, memberID id.ID) (People, error)
	Income func(ctx context.Context, brandID, memberID id.ID) (Income, error)
	Crowd  func(ctx context.Context, brandID, memberID id.ID) (Crowd, error)
	// Health is the mean health of a human's groups, 0 to 100, and how many they are: what
	// the condition group_health is measured by.
	Health func(ctx context.Context, brandID id.ID, family []id.ID) (score, groups int64, err error)
}

// UseParts sets where numbers of higher floors come from; what is nil in p stays as it
// was. The program calls it before it serves.
func (s *Store) UseParts(p Parts) {
	if p.People != nil {
		s.parts.People = p.People
	}
	if p.Income != nil {
		s.parts.Income = p.Income
	}
	if p.Crowd != nil {
		s.parts.Crowd = p.Crowd
	}
	if p.Health != nil {
		s.parts.Health = p.Health
	}
}

// Activity is what a human's own people bought in the last 30 days, by facts.
type Activity struct {
	Buyers30 int64 `json:"buyers_30"`
	Again30  int64 `json:"again_30"` // of those, on two days or more
	Today    int64 `json:"today"`    // verified purchases of his people today
}

// Capacity is how many people a leader looks after, against Dunbar.
type Capacity struct {
	People int64  `json:"people"` // members of his groups; without groups, the people he brought
	Of     int64  `json:"of"`     // 150
	Full   bool   `json:"full"`
	Advice string `json:"advice"` // zh-CN; "" = there is room
}

// Home is the first page of a leader's desk.
type Home struct {
	Leader    Leader    `json:"leader"`
	Level     Level     `json:"level"`      // with the rights it gives
	NextLevel string    `json:"next_level"` // "" = on the highest
	Progress  Evidences `json:"progress"`   // towards it
	// Agreement is the version he has yet to sign; 0: none. Without it no settlement
	// counts.
	Agreement int      `json:"agreement"`
	People    People   `json:"people"`
	Activity  Activity `json:"activity"`
	Income    Income   `json:"income"`
	Crowd     Crowd    `json:"crowd"`
	Capacity  Capacity `json:"capacity"`
	Tasks     []Todo   `json:"tasks"`
	Rank      Rank     `json:"rank"`
}

// Home reads the first page of somebody's desk: for one who is active or suspended, whose
// earnings stay his. Fault: NotFound member_not_found.
func (s *Store) Home(ctx context.Context, l Leader) (Home, error) {
	h := Home{Leader: l, Progress: Evidences{}, Tasks: []Todo{}}
	p, err := s.Programme(ctx, l.BrandID)
	if err != nil {
		return h, err
	}
	h.Level = p.level(l.Level)
	if l.Role == RoleLeader {
		if l.Level < len(p.Levels) {
			h.NextLevel = p.Levels[max(l.Level, 0)].Name
		}
		switch a, err := s.Agreement(ctx, l.BrandID); {
		case err == nil && l.SignedVersion < a.Version:
			h.Agreement = a.Version
		case err != nil && !errors.Is(err, errNoAgreement):
			return h, err
		}
	}
	for _, fill := range []func(context.Context, *Home) error{s.homeProgress, s.homeActivity, s.homeParts} {
		if err := fill(ctx, &h); err != nil {
			return h, err
		}
	}
	return h, nil
}

func (s *Store) homeProgress(ctx context.Context, h *Home) (err error) {
	if h.Progress, err = s.Progress(ctx, h.Leader); err != nil {
		return err
	}
	if h.Tasks, err = s.Tasks(ctx, h.Leader); err != nil {
		return err
	}
	h.Rank, err = s.RankOf(ctx, h.Leader.ID)
	return err
}

func (s *Store) homeActivity(ctx context.Context, h *Home) error {
	l := h.Leader
	family, err := s.Members.Family(ctx, l.MemberID)
	if err != nil {
		return err
	}
	tx, today := s.DB.Read(ctx), clock.DayOf(s.DB.Now())
	tomorrow := today.AddDays(1) // today counts here
	found, err := buyersOf(tx, l.BrandID, map[id.ID][]id.ID{l.MemberID: family}, tomorrow.AddDays(-rankDays), tomorrow)
	if err != nil {
		return err
	}
	h.Activity.Buyers30, h.Activity.Again30 = found[l.MemberID].buyers, found[l.MemberID].again
	err = tx.Raw("SELECT COUNT(*) FROM leader_fact f WHERE f.brand_id = ? AND f.referrer_id IN ? AND f.day = ? AND "+worth, l.BrandID, family, today).Scan(&h.Activity.Today).Error
	if err != nil {
		return fmt.Errorf("leader: activity: %w", err)
	}
	return nil
}

func (s *Store) homeParts(ctx context.Context, h *Home) (err error) {
	l := h.Leader
	if s.parts.People != nil {
		if h.People, err = s.parts.People(ctx, l.BrandID, l.MemberID); err != nil {
			return err
		}
	}
	if s.parts.Income != nil {
		if h.Income, err = s.parts.Income(ctx, l.BrandID, l.MemberID); err != nil {
			return err
		}
	}
	if s.parts.Crowd != nil {
		if h.Crowd, err = s.parts.Crowd(ctx, l.BrandID, l.MemberID); err != nil {
			return err
		}
	}
	h.Capacity = capacity(h.People, h.Crowd)
	return nil
}

func capacity(p People, c Crowd) Capacity {
	out := Capacity{People: p.Direct, Of: Dunbar}
	if c.Groups > 0 {
		out.People = c.Members
	}
	switch {
	case out.People >= Dunbar:
		out.Full, out.Advice = true, "您照顾的人已达 150，可以请品牌增加一位群主，分担一部分。"
	case out.People >= Dunbar*9/10:
		out.Advice = "接近 150 人，可以请品牌准备下一位群主。"
	}
	return out
}

// Filter narrows List; zero fields do not.
type Filter struct {
	BrandID id.ID
	State   string
	States  []string // any of them; State is not asked then
	Role    string
	Level   int
	Name    string // begins with
}

// List pages a brand's leaders, clerks and staff, newest first.
func (s *Store) List(ctx context.Context, f Filter, before id.ID, limit int) ([]Leader, error) {
	out := []Leader{}
	if err := db.Page(s.narrowed(ctx, f), "leader", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: list: %w", err)
	}
	return out, nil
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.narrowed(ctx, f).Model(&Leader{}))
}

func (s *Store) narrowed(ctx context.Context, f Filter) *gorm.DB {
	q := s.DB.Read(ctx).Where("brand_id = ?", f.BrandID)
	switch {
	case len(f.States) > 0:
		q = q.Where("state IN ?", f.States)
	case f.State != "":
		q = q.Where("state = ?", f.State)
	}
	if f.Role != "" {
		q = q.Where("role = ?", f.Role)
	}
	if f.Level != 0 {
		q = q.Where("level = ?", f.Level)
	}
	if f.Name != "" {
		q = q.Where("SUBSTR(name, 1, ?) = ?", len([]rune(f.Name)), f.Name)
	}
	return q
}
