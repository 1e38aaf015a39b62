package insight

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
)

// Kinds of chapter that are no type of event.
const (
	StoryPacket = "packet" // 红包: an order to pay
	StoryPoints = "points" // 积分流水
	StoryMerge  = "merge"  // 合并、拆分: found to be the same human, or not
	StoryLead   = "lead"   // 大C: a move of a leader's state or level
)

// Chapter is one thing that happened to a member (时间线), from whichever table it is in.
type Chapter struct {
	ID       id.ID           `json:"id"`
	Kind     string          `json:"kind"` // a type of event, or packet, points, merge, lead
	At       clock.Instant   `json:"at"`
	BrandID  id.ID           `json:"brand_id"`
	MemberID id.ID           `json:"member_id"`
	Channel  string          `json:"channel"`
	Body     json.RawMessage `json:"body"` // by kind; of an event, its body
	Lost     bool            `json:"lost"` // of a message that was sent: it did not arrive, as was reported later
}

// StoryFilter says whose story is told and which part of it.
type StoryFilter struct {
	Members []id.ID  // a family
	Kinds   []string // empty: all that Without does not name
	Without []string
	// The chapter after which it goes on; 0: the newest.
	BeforeAt clock.Instant
	BeforeID id.ID
	Limit    int
}

func (f StoryFilter) wants(kind string) bool {
	return !slices.Contains(f.Without, kind) && (len(f.Kinds) == 0 || slices.Contains(f.Kinds, kind))
}

// older is the condition of a source, newest first and limited; each reads one index of
// its table by member and time.
func (f StoryFilter) older(at string, args []any) (string, []any) {
	tail := ""
	if f.BeforeAt != 0 {
		tail = " AND (" + at + " < ? OR " + at + " = ? AND id < ?)"
		args = append(args, f.BeforeAt, f.BeforeAt, f.BeforeID)
	}
	return tail + " ORDER BY " + at + " DESC, id DESC LIMIT ?", append(args, f.Limit)
}

// Story tells what happened to a family, newest first.
func (s *Store) Story(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	all := []Chapter{}
	if len(f.Members) == 0 {
		return all, nil
	}
	sources := []struct {
		kind string
		read func(ctx context.Context, f StoryFilter) ([]Chapter, error)
	}{{"", s.happened}, {StoryPacket, s.packets}, {StoryPoints, s.pointsMoved}, {StoryMerge, s.joined}, {StoryLead, s.led}}
	for _, src := range sources {
		if src.kind != "" && !f.wants(src.kind) {
			continue
		}
		found, err := src.read(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("insight: story: %w", err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Chapter) int {
		if a.At != b.At {
			return map[bool]int{true: -1, false: 1}[a.At > b.At]
		}
		return map[bool]int{true: -1, false: 1}[a.ID > b.ID]
	})
	return all[:min(len(all), f.Limit)], nil
}

func (s *Store) happened(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	where, args := "member_id IN ?", []any{f.Members}
	if len(f.Kinds) > 0 {
		where, args = where+" AND type IN ?", append(args, f.Kinds)
	}
	tail, args := f.older("at", args)
	var rows []struct {
		ID, BrandID, MemberID id.ID
		EventKey              string
		Type, Channel         string
		At                    clock.Instant
		Body                  []byte
	}
	err := s.db.Read(ctx).Raw("SELECT id, event_key, brand_id, member_id, type, channel, at, body FROM event WHERE "+where+tail, args...).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	const lost = "lost:" // begins the key of what takes a message back (event.LostKey)
	back, found := []string{}, []string{}
	for _, r := range rows {
		if r.Type == "message_sent" {
			back = append(back, lost+r.EventKey)
		}
	}
	if len(back) > 0 {
		if err := s.db.Read(ctx).Raw("SELECT event_key FROM event WHERE event_key IN ?", back).Scan(&found).Error; err != nil {
			return nil, err
		}
	}
	out := make([]Chapter, 0, len(rows))
	for _, r := range rows {
		body := json.RawMessage(r.Body)
		if len(body) == 0 { // of a person who was erased
			body = json.RawMessage("{}")
		}
		out = append(out, Chapter{r.ID, r.Type, r.At, r.BrandID, r.MemberID, r.Channel, body, slices.Contains(found, lost+r.EventKey)})
	}
	return out, nil
}

// told makes a body.
func told(v map[string]any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("insight: " + err.Error()) // texts and numbers
	}
	return b
}

func (s *Store) packets(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	tail, args := f.older("created_at", []any{f.Members})
	var rows []struct {
		ID, BrandID, MemberID  id.ID
		State, BillNo, Purpose string
		AmountFen              int64
		CreatedAt              clock.Instant
		FinishedAt             clock.Instant
	}
	err := s.db.Read(ctx).Raw("SELECT id, brand_id, member_id, state, bill_no, purpose, amount_fen, created_at, finished_at FROM payout WHERE member_id IN ?"+tail, args...).Scan(&rows).Error
	out := make([]Chapter, 0, len(rows))
	for _, r := range rows {
		out = append(out, Chapter{r.ID, StoryPacket, r.CreatedAt, r.BrandID, r.MemberID, "",
			told(map[string]any{"state": r.State, "bill_no": r.BillNo, "purpose": r.Purpose, "amount_fen": r.AmountFen, "finished_at": r.FinishedAt}), false})
	}
	return out, err
}

// pointsMoved are entries of the accounts that a member sees: what he can spend. Moves
// between his own accounts (released, frozen) are told by the points page.
func (s *Store) pointsMoved(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	var out []Chapter
	for _, side := range []struct {
		mine, other string
		sign        int64
	}{{"credit", "debit", 1}, {"debit", "credit", -1}} {
		tail, args := f.older("at", []any{f.Members})
		var rows []struct {
			ID, Owner id.ID
			Other     id.ID
			Kind      string
			Amount    int64
			Memo      string
			At        clock.Instant
		}
		err := s.db.Read(ctx).Raw(strings.NewReplacer("mine", side.mine, "other", side.other).Replace(
			"SELECT id, mine_owner AS owner, other_owner AS other, other_kind AS kind, amount, memo, at FROM ledger_entry WHERE mine_owner IN ? AND mine_kind = 'member'")+tail, args...).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			brand := r.Other
			if r.Kind == "pending" || r.Kind == "frozen" || r.Kind == "debt" || r.Kind == "member" {
				brand = 0 // the other side is a member's
			}
			out = append(out, Chapter{r.ID, StoryPoints, r.At, brand, r.Owner, "", told(map[string]any{"points": side.sign * r.Amount, "memo": r.Memo, "with": r.Kind}), false})
		}
	}
	return out, nil
}

func (s *Store) joined(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	tail, args := f.older("created_at", []any{f.Members, f.Members})
	var rows []struct {
		ID          id.ID
		Rule, State string
		Confidence  int
		CreatedAt   clock.Instant
	}
	err := s.db.Read(ctx).Raw(`SELECT id, rule, state, confidence, created_at FROM identity_merge
		WHERE (person_id IN (SELECT person_id FROM member WHERE id IN ?) OR other_id IN (SELECT person_id FROM member WHERE id IN ?))`+tail, args...).Scan(&rows).Error
	out := make([]Chapter, 0, len(rows))
	for _, r := range rows {
		out = append(out, Chapter{r.ID, StoryMerge, r.CreatedAt, 0, f.Members[0], "", told(map[string]any{"rule": r.Rule, "state": r.State, "confidence": r.Confidence}), false})
	}
	return out, err
}

func (s *Store) led(ctx context.Context, f StoryFilter) ([]Chapter, error) {
	tail, args := f.older("at", []any{f.Members})
	var rows []struct {
		ID, BrandID, MemberID      id.ID
		FromState, ToState, Reason string
		FromLevel, ToLevel         int
		At                         clock.Instant
	}
	err := s.db.Read(ctx).Raw("SELECT id, brand_id, member_id, from_state, to_state, from_level, to_level, reason, at FROM leader_move WHERE member_id IN ?"+tail, args...).Scan(&rows).Error
	out := make([]Chapter, 0, len(rows))
	for _, r := range rows {
		out = append(out, Chapter{r.ID, StoryLead, r.At, r.BrandID, r.MemberID, "",
			told(map[string]any{"from": r.FromState, "to": r.ToState, "from_level": r.FromLevel, "to_level": r.ToLevel, "reason": r.Reason}), false})
	}
	return out, err
}
