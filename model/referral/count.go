package referral

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
)

const (
	// activeFor is how long an act keeps somebody among the active.
	activeFor = 30 * 24 * time.Hour
	// countMost is how many events are counted under one lock.
	countMost = 500
	// keepFacts is how long it is remembered that an event was counted. Events are told
	// again for minutes, not for weeks.
	keepFacts = 45 * 24 * time.Hour
)

// acts are the events that somebody did himself. What was sent to him, and referrals, are
// none.
var acts = []string{event.Scan, event.Claim, event.Order, event.Follow, event.MessageOpen, event.MessageTap, event.Login, event.Review, event.Coupon, event.Custom}

// Consume counts what people of the trees do, for those above them. It is an
// event.Consumer: told twice, an event counts once. Only what somebody did since he stands
// in the trees counts; what another account of the same human does counts for the one
// that stands there.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	byBrand := map[id.ID][]event.Event{}
	for _, e := range events {
		if slices.Contains(acts, e.Type) {
			byBrand[e.BrandID] = append(byBrand[e.BrandID], e)
		}
	}
	for _, brandID := range sorted(byBrand) {
		for part := range slices.Chunk(byBrand[brandID], countMost) {
			if err := s.count(ctx, brandID, part); err != nil {
				return fmt.Errorf("referral: count: %w", err)
			}
		}
	}
	return nil
}

func (s *Store) count(ctx context.Context, brandID id.ID, events []event.Event) error {
	who := map[id.ID]bool{}
	for _, e := range events {
		who[e.MemberID] = true
	}
	families, err := member.Families(s.DB.Read(ctx), sorted(who))
	if err != nil {
		return err
	}
	for _, family := range families {
		for _, m := range family {
			who[m] = true
		}
	}
	members := sorted(who)
	var n int64 // most members of most brands stand in no tree: they cost no lock
	for part := range slices.Chunk(members, 500) {
		if n == 0 {
			err = s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM referral_node WHERE brand_id = ? AND member_id IN ?", brandID, part).Scan(&n).Error
		}
		if err != nil {
			return err
		}
	}
	if n == 0 {
		return nil
	}
	return s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		f, err := s.lock(ctx, tx, brandID)
		if err != nil {
			return err
		}
		if err := f.load(members); err != nil {
			return err
		}
		return f.count(families, events)
	})
}

// count adds up the events that were not counted before.
func (f *forest) count(families map[id.ID][]id.ID, events []event.Event) error {
	keys := make([]string, len(events))
	for i := range events {
		keys[i] = events[i].Key
	}
	var known []string
	if err := f.tx.Raw("SELECT event_key FROM referral_fact WHERE event_key IN ?", keys).Scan(&known).Error; err != nil {
		return err
	}
	counted := make(map[string]bool, len(events))
	for _, k := range known {
		counted[k] = true
	}
	now := f.s.DB.Now()
	facts := db.NewRows("referral_fact", "event_key, created_at")
	for i := range events {
		e := &events[i]
		n := f.standing(families[e.MemberID])
		if counted[e.Key] || n == nil || e.At < n.JoinedAt {
			continue
		}
		counted[e.Key] = true
		facts.Add(e.Key, now)
		if err := f.countOne(n, e, now); err != nil {
			return err
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	_, err := facts.Insert(f.ctx, f.tx, "")
	return err
}

// standing is the node of a family that its acts count for: one that was brought before
// one that was not, then the one that came first.
func (f *forest) standing(family []id.ID) (best *Node) {
	for _, m := range family {
		n := f.nodes[m]
		if n == nil {
			continue
		}
		if best == nil || (n.ParentID != 0) != (best.ParentID != 0) && n.ParentID != 0 ||
			(n.ParentID != 0) == (best.ParentID != 0) && cmp.Or(cmp.Compare(n.JoinedAt, best.JoinedAt), cmp.Compare(n.MemberID, best.MemberID)) < 0 {
			best = n
		}
	}
	return best
}

func (f *forest) countOne(n *Node, e *event.Event, now clock.Instant) error {
	own, team := delta{at: e.At}, delta{}
	switch e.Type {
	case event.Scan:
		own.ownScans, team.scans = 1, 1
	case event.Claim:
		own.ownClaims, team.claims = 1, 1
	case event.Order:
		var o event.OrderBody
		if err := json.Unmarshal(e.Body, &o); err != nil {
			return fmt.Errorf("order %s: %w", e.Key, err) // it passed its schema
		}
		if own.ownSales, team.sales = o.AmountFen, o.AmountFen; o.RefundNo == "" {
			own.ownOrders, team.orders = 1, 1
		}
	}
	if !n.Live && e.At > now.Add(-activeFor) {
		n.Live, own.live, team.active = true, true, 1
	}
	f.change(n.MemberID, own)
	if team != (delta{}) {
		for _, p := range above(n.Path) {
			f.change(p, team)
		}
	}
	return nil
}

// PruneFacts forgets events that were counted long ago, at most limit, and says how many.
func (s *Store) PruneFacts(ctx context.Context, limit int) (int, error) {
	var old []string
	err := s.DB.Read(ctx).Raw("SELECT event_key FROM referral_fact WHERE created_at < ? ORDER BY created_at LIMIT ?", s.DB.Now().Add(-keepFacts), limit).Scan(&old).Error
	if err == nil && len(old) > 0 {
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("DELETE FROM referral_fact WHERE event_key IN ?", old).Error
		})
	}
	return len(old), wrap("prune", err)
}

// EndDue ends bindings whose time is over, at most limit, and says how many. Until then
// they count for nothing, but their people stand where they stood.
func (s *Store) EndDue(ctx context.Context, limit int) (int, error) {
	var list []Binding
	err := s.DB.Read(ctx).Where("slot = 0 AND expires_at > 0 AND expires_at <= ?", s.DB.Now()).Order("expires_at, id").Limit(limit).Find(&list).Error
	if err != nil {
		return 0, wrap("due", err)
	}
	byBrand := map[id.ID][]Binding{}
	for _, b := range list {
		byBrand[b.BrandID] = append(byBrand[b.BrandID], b)
	}
	done, failed := 0, []error{}
	for _, brandID := range sorted(byBrand) { // the trouble of one brand is not that of others
		var members []id.ID
		for _, b := range byBrand[brandID] {
			members = append(members, b.MemberID)
		}
		err := s.under(ctx, brandID, members, func(h *history) error {
			for _, due := range byBrand[brandID] {
				for _, b := range h.bindings[due.MemberID] {
					if b.ID != due.ID || b.Slot != 0 {
						continue
					}
					if err := h.cut(b, change{reason: expired, scene: "expired"}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			failed = append(failed, wrap("end due", err))
			continue
		}
		done += len(byBrand[brandID])
	}
	return done, errors.Join(failed...)
}

// Trees with so many levels or people, their root included, are looked at by a person,
// although nothing is paid for depth (禁止传销条例 art. 7, 刑法 art. 224-1).
const (
	WatchLevels = 3
	WatchPeople = 30
)

// Watched is a tree to look at, and why.
type Watched struct {
	Node
	People int64  `json:"people"`
	Why    string `json:"why"` // zh-CN
}

// Watch lists the roots of trees with WatchLevels levels or WatchPeople people, the
// largest first.
func (s *Store) Watch(ctx context.Context, brandID id.ID, after Cursor, limit int) ([]Watched, error) {
	q := s.DB.Read(ctx).Where("brand_id = ? AND parent_id = 0 AND team_size >= ? AND (team_size >= ? OR levels >= ?)", brandID, WatchLevels-1, WatchPeople-1, WatchLevels)
	if after != (Cursor{}) {
		q = q.Where("team_size <= ? AND (team_size < ? OR member_id < ?)", after.TeamSize, after.TeamSize, after.MemberID)
	}
	var nodes []Node
	if err := q.Order("team_size DESC, member_id DESC").Limit(page(limit)).Find(&nodes).Error; err != nil {
		return nil, wrap("watch", err)
	}
	out := make([]Watched, 0, len(nodes))
	for _, n := range nodes {
		var why []string
		if n.Levels >= WatchLevels {
			why = append(why, fmt.Sprintf("层级达到 %d 层", n.Levels))
		}
		if n.TeamSize+1 >= WatchPeople {
			why = append(why, fmt.Sprintf("人数达到 %d 人", n.TeamSize+1))
		}
		out = append(out, Watched{n, n.TeamSize + 1, strings.Join(why, "，")})
	}
	return out, nil
}
