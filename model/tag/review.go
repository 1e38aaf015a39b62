package tag

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// Review notes that somebody looked at a running tag and wants to keep it. Faults: NotFound
// tag_not_found; Conflict tag_changed, tag_not_running.
func (s *Store) Review(ctx context.Context, tagID id.ID, rev int64) (before, after Tag, err error) {
	return s.step(ctx, tagID, func(tx *gorm.DB, t Tag) error {
		if t.State != Running {
			return errStopped
		}
		now := s.DB.Now()
		return s.changeTx(tx, t, rev, map[string]any{"reviewed_at": now, "used_at": max(now, t.UsedAt), "proposal": ""})
	})
}

var errStopped = fault.New(fault.Conflict, "tag_not_running", "标签没有在运行")

// Retire (淘汰) ends a tag; its values are cleared. Whatever still builds on it must be ended
// or changed first. Faults: NotFound tag_not_found; Conflict tag_changed, tag_retired,
// tag_in_use (Detail users: how many).
func (s *Store) Retire(ctx context.Context, tagID id.ID, rev int64, byID id.ID) (before, after Tag, err error) {
	users, err := s.UsersOf(ctx, tagID)
	if err != nil {
		return before, after, err
	}
	if i := slices.IndexFunc(users, func(u Use) bool { return u.Live }); i >= 0 {
		return before, after, fault.New(fault.Conflict, "tag_in_use", "还有人群、触达或标签在用它，例如“"+users[i].Name+"”，请先处理").With("users", len(users))
	}
	return s.step(ctx, tagID, func(tx *gorm.DB, t Tag) error {
		if err := s.changeTx(tx, t, rev, map[string]any{"state": Retired, "refresh_at": 0, "proposal": ""}); err != nil {
			return err
		}
		if err := tx.Exec("UPDATE tag_version SET state = ?, note = ? WHERE tag_id = ? AND state IN (?,?)", Rejected, "标签已下线", tagID, Draft, Pending).Error; err != nil {
			return err
		}
		_, err := s.runTx(ctx, tx, t, clearing, byID)
		return err
	})
}

// Propose looks at every running tag once: one that nothing built on for its idle days
// proposes its own end, and one that is used again no longer does. It says how many propose.
func (s *Store) Propose(ctx context.Context) (n int, err error) {
	return s.propose(ctx, s.DB.Read(ctx))
}

// ProposeDue is Propose for the tags of which it may say something new now: those that were
// last seen in use so long ago, and those that propose already. They are few, so it may be
// asked often: a proposal goes as soon as somebody builds on the tag.
func (s *Store) ProposeDue(ctx context.Context) (n int, err error) {
	return s.propose(ctx, s.DB.Read(ctx).Where("(proposal <> '' OR used_at + idle_days * 86400000 <= ?)", s.DB.Now()))
}

func (s *Store) propose(ctx context.Context, q *gorm.DB) (n int, err error) {
	list, err := s.find(q.Where("state = ?", Running).Order("id"))
	if err != nil {
		return 0, err
	}
	now := s.DB.Now()
	for _, t := range list {
		users, err := s.UsersOf(ctx, t.ID)
		if err != nil {
			return n, err
		}
		set := map[string]any{}
		used := slices.ContainsFunc(users, func(u Use) bool { return u.Live })
		idle := !used && now.Sub(t.UsedAt) >= time.Duration(t.IdleDays)*day
		switch {
		case used && t.UsedAt < now:
			set["used_at"], set["proposal"] = now, ""
		case idle && t.Proposal == "":
			set["proposal"] = fmt.Sprintf("%d 天没有人群或触达使用", t.IdleDays)
		}
		if idle {
			n++
		}
		if len(set) == 0 {
			continue
		}
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error { // no edit of a person: rev stays
			return tx.Model(&Tag{}).Where("id = ? AND state = ? AND reviewed_at = ?", t.ID, Running, t.ReviewedAt).Updates(set).Error
		})
		if err != nil {
			return n, fmt.Errorf("tag: propose: %w", err)
		}
	}
	return n, nil
}

// inheritTx makes the tags need the consent that are made of one that does from now on, and
// computes them anew: what they hold of people who do not allow profiling goes.
func (s *Store) inheritTx(ctx context.Context, tx *gorm.DB, t Tag, byID id.ID) error {
	g, err := s.read(tx, t.BrandID)
	if err != nil {
		return err
	}
	for _, above := range g.list {
		if above.Profiling || !g.reaches(above.ID, t.ID) {
			continue
		}
		if err := tx.Exec("UPDATE tag SET profiling = 1, rev = rev + 1 WHERE id = ?", above.ID).Error; err != nil {
			return fmt.Errorf("tag: inherit: %w", err)
		}
		if _, err := s.runTx(ctx, tx, above.Tag, compute, byID); err != nil {
			return err
		}
	}
	return nil
}
