package segment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
)

// NoteTx says in the caller's transaction that something about members changed: parts
// tells what. Noting too much costs time, noting nothing costs truth.
func (s *Store) NoteTx(ctx context.Context, tx *gorm.DB, parts int, members ...id.ID) error {
	for part := range slices.Chunk(members, 500) {
		rows := db.NewRows("segment_dirty", "id, member_id, parts")
		for _, m := range part {
			rows.Add(s.db.NewID(), m, parts)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return fmt.Errorf("segment: note: %w", err)
		}
	}
	return nil
}

// Note is NoteTx in a transaction of its own.
func (s *Store) Note(ctx context.Context, parts int, members ...id.ID) error {
	if len(members) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return s.NoteTx(ctx, tx, parts, members...) })
}

// Consume is the event.Consumer: what happened is among the acts when it returns, of
// those who allow it. Any event may change any attribute of who it happened to.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	for part := range slices.Chunk(whose(events), membersPer) {
		if err := s.derive(ctx, part, PartAll, nil, events); err != nil {
			return err
		}
	}
	return nil
}

// Again is the event.Consumer for after all others: what they made of events (levels,
// referrals, origins) is read again at the next Refresh.
func (s *Store) Again(ctx context.Context, events []event.Event) error {
	return s.Note(ctx, PartWho, whose(events)...)
}

// whose are the members of events, in order. Being sent a push changes nothing: whoever
// gets one is among his brand's people, and it is no act. Nor does it that one did not arrive;
// tags that count it tell of themselves.
func whose(events []event.Event) []id.ID {
	list := make([]id.ID, 0, len(events))
	for _, e := range events {
		if e.MemberID != 0 && e.Type != event.MessageLost && !(e.Type == event.MessageSent && strings.HasPrefix(e.Key, event.PushKey)) {
			list = append(list, e.MemberID)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Regrouped is the member.Follower: acts and numbers follow a family at the next Refresh.
func (s *Store) Regrouped(ctx context.Context, tx *gorm.DB, g member.Regroup) error {
	members := make([]id.ID, 0, len(g.Roots))
	for m := range g.Roots {
		members = append(members, m)
	}
	slices.Sort(members)
	return s.NoteTx(ctx, tx, PartAll, members...)
}

// Answered is to be told of every answer about a consent, in its transaction.
func (s *Store) Answered(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	return s.NoteTx(ctx, tx, PartAll, members...)
}

// Forget deletes what was derived of the members of a human, and keeps it from coming
// back as long as they do not agree again: what must happen in the transaction that takes
// consent to profiling back.
func (s *Store) Forget(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	tail := " ON CONFLICT (member_id) DO UPDATE SET allowed = 0, version = segment_state.version + 1"
	if s.db.Driver() == db.MySQL {
		tail = " ON DUPLICATE KEY UPDATE allowed = 0, version = version + 1"
	}
	for _, m := range slices.Sorted(slices.Values(members)) {
		if _, err := db.Exec(ctx, tx, "INSERT INTO segment_state (member_id, allowed, version) VALUES (?,0,1)"+tail, m); err != nil {
			return fmt.Errorf("segment: forget: %w", err)
		}
	}
	for _, stmt := range []string{"DELETE FROM segment_act WHERE member_id IN ?", "DELETE FROM segment_unnamed WHERE member_id IN ?", "UPDATE segment_person SET allows = 0 WHERE person_id IN ?",
		"DELETE FROM segment_list_item WHERE member_id IN ? AND derived = 1", "DELETE FROM segment_move WHERE person_id IN ? AND derived = 1"} {
		if err := tx.WithContext(ctx).Exec(stmt, members).Error; err != nil {
			return fmt.Errorf("segment: forget: %w", err)
		}
	}
	if err := s.unlinkTx(ctx, tx, members, false); err != nil {
		return err
	}
	return s.NoteTx(ctx, tx, PartAll, members...)
}

// EraseTx ends what is kept of members who asked to be erased. The numbers of their people
// stay taken.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	if err := s.Forget(ctx, tx, members); err != nil {
		return 0, err
	}
	if err := s.unlinkTx(ctx, tx, members, true); err != nil {
		return 0, err
	}
	var n int64
	for _, stmt := range []string{"DELETE FROM segment_list_item WHERE member_id IN ?", "DELETE FROM segment_move WHERE person_id IN ?"} {
		r := tx.WithContext(ctx).Exec(stmt, members)
		if r.Error != nil {
			return 0, fmt.Errorf("segment: erase: %w", r.Error)
		}
		n += r.RowsAffected
	}
	return n, nil
}
