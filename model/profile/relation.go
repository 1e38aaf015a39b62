package profile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
)

// Depths of the relation (关系深度), from far to near.
const (
	Stranger = "stranger" // 陌生人: no move at all
	Follower = "follower" // 粉丝: follows an account of ours at present
	Member   = "member"   // 会员: claimed, ordered, reviewed or logged in; never undone
	Super    = "super"    // 超级用户: buys often of late; needs consent to profiling
	Leader   = "leader"   // 大C: runs a community; never undone by events
	left     = "left"     // a move that takes Follower back
)

// Rules of the depth "super" and of life stages, as data.
const (
	superCount = 6                    // claims and orders ...
	superDays  = 90                   // ... within so many days make a super user,
	superFor   = 180 * 24 * time.Hour // who is one for so long after it was last true
	superAgain = 30 * 24 * time.Hour  // and is written down again after so long
)

// makes is which move an event type makes.
var makes = map[string]string{event.Follow: Follower, event.Unfollow: left, event.Claim: Member, event.Order: Member, event.Review: Member, event.Login: Member}

// Move is one step of the relation, with the event that made it.
type Move struct {
	ID        id.ID         `json:"id"`
	MemberID  id.ID         `json:"member_id"`
	Depth     string        `json:"depth"`
	EventKey  string        `json:"event_key"`
	EventType string        `json:"event_type"`
	Scope     string        `json:"scope"` // the account that was followed
	At        clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Move) TableName() string { return "profile_move" }

// Relation is how near a human is, and what brought him there.
type Relation struct {
	Depth string `json:"depth"`
	Title string `json:"title"` // zh-CN
	Moves []Move `json:"moves"` // newest first
}

var depthTitles = map[string]string{Stranger: "陌生人", Follower: "粉丝", Member: "会员", Super: "超级用户", Leader: "大C"}

// depthOf folds moves, newest first, into the present depth: the deepest that stands.
// A follower stands while his newest word to any one account is "follow".
func depthOf(moves []Move, now clock.Instant) string {
	stands, spoke := map[string]bool{}, map[string]bool{}
	for _, m := range moves {
		switch m.Depth {
		case Follower, left:
			if !spoke[m.Scope] {
				spoke[m.Scope] = true
				stands[Follower] = stands[Follower] || m.Depth == Follower
			}
		case Super:
			stands[Super] = stands[Super] || now.Sub(m.At) < superFor
		default:
			stands[m.Depth] = true
		}
	}
	for _, d := range []string{Leader, Super, Member, Follower} {
		if stands[d] {
			return d
		}
	}
	return Stranger
}

// RelationOf reads the relation of a family.
func (s *Store) RelationOf(ctx context.Context, family []id.ID) (Relation, error) {
	moves := []Move{}
	if err := s.DB.Read(ctx).Where("member_id IN ?", family).Find(&moves).Error; err != nil {
		return Relation{}, fmt.Errorf("profile: relation: %w", err)
	}
	slices.SortFunc(moves, func(a, b Move) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.EventKey, a.EventKey)) })
	d := depthOf(moves, s.DB.Now())
	return Relation{Depth: d, Title: depthTitles[d], Moves: moves}, nil
}

// MoveTx adds a move that another context decided, such as the approval of a leader.
func (s *Store) MoveTx(ctx context.Context, tx *gorm.DB, m Move) error {
	return s.moveTx(ctx, tx, []Move{m})
}

// LeadTx notes that a member leads communities from now on, under the key of the fact.
func (s *Store) LeadTx(ctx context.Context, tx *gorm.DB, memberID id.ID, key string, at clock.Instant) error {
	return s.MoveTx(ctx, tx, Move{MemberID: memberID, Depth: Leader, EventKey: key, EventType: "leader", At: at})
}

func (s *Store) moveTx(ctx context.Context, tx *gorm.DB, moves []Move) error {
	rows := db.NewRows("profile_move", "id, member_id, depth, event_key, event_type, scope, at")
	for _, m := range moves {
		rows.Add(s.DB.NewID(), m.MemberID, m.Depth, m.EventKey, m.EventType, m.Scope, m.At)
	}
	if _, err := rows.Insert(ctx, tx, s.DB.Once("depth")); err != nil {
		return fmt.Errorf("profile: moves: %w", err)
	}
	return nil
}

// Stages of life (生命周期), by the days since a human last did something.
const (
	Fresh    = "new"
	Awake    = "active"
	Sleeping = "sleeping"
	Lost     = "lost"
)

// stages are read from the top: the first whose days are not exceeded is it.
var stages = []struct {
	key, title string
	days       int
}{{Awake, "活跃", 60}, {Sleeping, "沉睡", 180}, {Lost, "流失", 1 << 20}}

// newDays is how long after his first touch somebody is new.
const newDays = 30

// Stage is where a human stands in his life with us.
type Stage struct {
	Key    string        `json:"key"`
	Title  string        `json:"title"`
	LastAt clock.Instant `json:"last_at"`
	Days   int           `json:"days"` // since then
}

// StageOf computes the life stage, nil without consent to profiling or without any act.
func (s *Store) StageOf(ctx context.Context, family []id.ID) (*Stage, error) {
	given, err := s.Consents.Given(ctx, family[0], Profiling)
	if err != nil || !given {
		return nil, err
	}
	last, err := s.Activity.Last(ctx, family)
	if err != nil || last == 0 {
		return nil, err
	}
	now := s.DB.Now()
	out := Stage{LastAt: last, Days: max(0, int(now.Sub(last).Hours()/24))}
	for _, st := range stages {
		if out.Days <= st.days {
			out.Key, out.Title = st.key, st.title
			break
		}
	}
	origin, err := s.OriginOf(ctx, family)
	if err == nil && origin != nil && out.Key == Awake && now.Sub(origin.At) <= newDays*24*time.Hour {
		out.Key, out.Title = Fresh, "新客"
	}
	return &out, err
}

// body is what of an event's body matters here.
type body struct {
	AccountID  id.ID  `json:"account_id"`
	ProductID  id.ID  `json:"product_id"`
	BatchID    id.ID  `json:"batch_id"`
	CampaignID id.ID  `json:"campaign_id"`
	OtherID    id.ID  `json:"other_id"`
	Scene      string `json:"scene"`
	Role       string `json:"role"`
}

// Consume is the event.Consumer that keeps origins and moves. Repeated batches change
// nothing.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	var origins []Origin
	var moves []Move
	buyers := map[id.ID]event.Event{}
	for _, e := range events {
		var b body
		if e.MemberID == 0 || e.Channel == event.Erased || json.Unmarshal(e.Body, &b) != nil {
			continue // nobody's, or nothing is left of it
		}
		if ch, ok := comesBy[e.Type]; ok && (e.Type != event.Referral || b.Role == "referee") {
			origins = append(origins, Origin{MemberID: e.MemberID, Channel: ch, EventKey: e.Key, BrandID: e.BrandID, ProductID: b.ProductID, BatchID: b.BatchID,
				CampaignID: b.CampaignID, Scene: b.Scene, RefID: b.OtherID, At: e.At})
		}
		if d, ok := makes[e.Type]; ok {
			m := Move{MemberID: e.MemberID, Depth: d, EventKey: e.Key, EventType: e.Type, At: e.At}
			if b.AccountID != 0 {
				m.Scope = b.AccountID.String()
			}
			moves = append(moves, m)
		}
		if old, there := buyers[e.MemberID]; (e.Type == event.Claim || e.Type == event.Order) && (!there || old.At < e.At) {
			buyers[e.MemberID] = e
		}
	}
	moves, err := s.fresh(ctx, moves)
	if err != nil {
		return err
	}
	for _, memberID := range slices.Sorted(maps.Keys(buyers)) {
		m, err := s.super(ctx, memberID, buyers[memberID])
		if err != nil {
			return err
		}
		if m != nil {
			moves = append(moves, *m)
		}
	}
	if len(moves)+len(origins) == 0 {
		return nil
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := s.moveTx(ctx, tx, moves); err != nil {
			return err
		}
		return s.OriginsTx(ctx, tx, origins)
	})
	if err != nil {
		return err
	}
	return s.recheck(ctx, moves)
}

// recheck takes a judgement back whose consent was withdrawn while it was made: the
// withdrawal could not see it yet.
func (s *Store) recheck(ctx context.Context, moves []Move) error {
	for _, m := range moves {
		if m.Depth != Super {
			continue
		}
		given, err := s.Consents.Given(ctx, m.MemberID, Profiling)
		if err != nil {
			return err
		}
		if given {
			continue
		}
		if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return s.Withdrawn(ctx, tx, Profiling, []id.ID{m.MemberID}) }); err != nil {
			return err
		}
	}
	return nil
}

// fresh leaves out who is a member already: the first event that made him one is kept,
// not each of hundreds.
func (s *Store) fresh(ctx context.Context, moves []Move) ([]Move, error) {
	var who, known []id.ID
	for _, m := range moves {
		if m.Depth == Member {
			who = append(who, m.MemberID)
		}
	}
	if len(who) > 0 {
		err := s.DB.Read(ctx).Model(&Move{}).Where("member_id IN ? AND depth = ?", who, Member).Distinct().Pluck("member_id", &known).Error
		if err != nil {
			return nil, fmt.Errorf("profile: moves: %w", err)
		}
	}
	is := map[id.ID]bool{}
	for _, m := range known {
		is[m] = true
	}
	slices.SortStableFunc(moves, func(a, b Move) int { return cmp.Compare(a.At, b.At) })
	return slices.DeleteFunc(moves, func(m Move) bool {
		if m.Depth != Member {
			return false
		}
		again := is[m.MemberID]
		is[m.MemberID] = true
		return again
	}), nil
}

// super is the move of a member who buys often, nil if he does not, did not agree, or
// was written down of late.
func (s *Store) super(ctx context.Context, memberID id.ID, e event.Event) (*Move, error) {
	given, err := s.Consents.Given(ctx, memberID, Profiling)
	if err != nil || !given {
		return nil, err
	}
	family, err := s.Families.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	var lately int64
	err = s.DB.Read(ctx).Model(&Move{}).Where("member_id IN ? AND depth = ? AND at > ?", family, Super, e.At.Add(-superAgain)).Count(&lately).Error
	if err != nil || lately > 0 {
		return nil, err
	}
	n, err := s.Activity.Count(ctx, family, e.At.Add(-superDays*24*time.Hour), superCount)
	if err != nil || n < superCount {
		return nil, err
	}
	return &Move{MemberID: memberID, Depth: Super, EventKey: e.Key, EventType: e.Type, At: e.At}, nil
}
