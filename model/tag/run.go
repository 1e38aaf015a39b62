package tag

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Run is one computation of a tag for everybody, or the clearing of one that was retired.
type Run struct {
	ID         id.ID         `json:"id"`
	TagID      id.ID         `json:"tag_id"`
	BrandID    id.ID         `json:"brand_id"`
	Kind       string        `json:"kind"`
	State      string        `json:"state"`
	Total      int64         `json:"total"` // people to look at; 0: not known yet
	Done       int64         `json:"done"`
	Moved      int64         `json:"moved"` // people whose value was not as it should be
	WorkerID   id.ID         `json:"-"`
	Error      string        `json:"error"`
	ByID       id.ID         `json:"by_id"` // 0: the schedule
	CreatedAt  clock.Instant `json:"created_at"`
	StartedAt  clock.Instant `json:"started_at"`
	MovedAt    clock.Instant `json:"moved_at"`
	FinishedAt clock.Instant `json:"finished_at"`
}

// TableName names the table for GORM.
func (Run) TableName() string { return "tag_run" }

// Kinds and states of a run; "running" is Running.
const (
	compute   = "compute"
	clearing  = "clear"
	Waiting   = "waiting"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// silent is how long a worker may say nothing before another one takes over.
const silent = 2 * time.Minute

// runTx asks for a run, unless one of the kind waits already.
func (s *Store) runTx(ctx context.Context, tx *gorm.DB, t Tag, kind string, byID id.ID) (Run, error) {
	var open []Run
	if err := tx.Where("tag_id = ? AND kind = ? AND state = ?", t.ID, kind, Waiting).Limit(1).Find(&open).Error; err != nil {
		return Run{}, fmt.Errorf("tag: run: %w", err)
	}
	if len(open) > 0 {
		return open[0], nil
	}
	r := Run{ID: s.DB.NewID(), TagID: t.ID, BrandID: t.BrandID, Kind: kind, State: Waiting, ByID: byID, CreatedAt: s.DB.Now()}
	if err := tx.Create(&r).Error; err != nil {
		return Run{}, fmt.Errorf("tag: run: %w", err)
	}
	return r, s.Outbox.PutAllTx(ctx, tx, Task, []id.ID{r.ID})
}

// Recompute asks for everybody to be computed anew; where nothing is computed, values whose
// time is over go, and it is counted. Faults: NotFound tag_not_found; Conflict
// tag_not_running.
func (s *Store) Recompute(ctx context.Context, tagID, byID id.ID) (r Run, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		t, err := get(tx, tagID)
		if err != nil {
			return err
		}
		if t.State != Running {
			return errStopped
		}
		r, err = s.runTx(ctx, tx, t, compute, byID)
		return err
	})
	return r, err
}

// Runs lists the runs of a tag, newest first.
func (s *Store) Runs(ctx context.Context, tagID, before id.ID, limit int) ([]Run, error) {
	out := []Run{}
	if err := db.PageOf(s.DB.Read(ctx), "tag_run", "tag_id", []id.ID{tagID}, before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: runs: %w", err)
	}
	return out, nil
}

// Cancel stops a run; what it has done stays done. Faults: NotFound tag_run_not_found;
// Conflict tag_run_ended.
func (s *Store) Cancel(ctx context.Context, tagID, runID id.ID) (r Run, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		n := tx.Exec("UPDATE tag_run SET state = ?, finished_at = ? WHERE id = ? AND tag_id = ? AND kind = ? AND state IN (?,?)", Cancelled, s.DB.Now(), runID, tagID, compute, Waiting, Running)
		if n.Error != nil {
			return n.Error
		}
		err := tx.Where("id = ? AND tag_id = ?", runID, tagID).Take(&r).Error
		if db.IsNotFound(err) {
			return fault.New(fault.NotFound, "tag_run_not_found", "没有这次计算")
		}
		if err == nil && r.State != Cancelled {
			err = fault.New(fault.Conflict, "tag_run_ended", "这次计算已经结束")
		}
		return err
	})
	return r, err
}

// RefreshDue asks for runs of the tags whose refresh is due and returns how many.
func (s *Store) RefreshDue(ctx context.Context, limit int) (int, error) {
	now := s.DB.Now()
	list, err := s.find(s.DB.Read(ctx).Where("state = ? AND refresh_at > 0 AND refresh_at <= ?", Running, now).Order("refresh_at").Limit(limit))
	if err != nil {
		return 0, err
	}
	for _, t := range list {
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			r := tx.Exec("UPDATE tag SET refresh_at = ? WHERE id = ? AND state = ? AND refresh_at = ?", next(now, t.RefreshMinutes, true), t.ID, Running, t.RefreshAt)
			if r.Error != nil || r.RowsAffected == 0 { // another process did
				return r.Error
			}
			_, err := s.runTx(ctx, tx, t, compute, 0)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("tag: refresh: %w", err)
		}
	}
	return len(list), nil
}

// errLost: the run was cancelled, or another worker has it.
var errLost = errors.New("tag: run lost")

// ErrBusy means that another worker has the run: look again later, it may have died.
var ErrBusy = fault.New(fault.Conflict, "tag_run_busy", "另一个进程正在计算")

// Work does a run. Calling it again, at any time and from anywhere, is harmless; an
// interrupted run begins anew and finds less to do. Fault: Conflict tag_run_busy.
func (s *Store) Work(ctx context.Context, runID id.ID) error {
	var r Run
	err := s.DB.Read(ctx).Where("id = ?", runID).Take(&r).Error
	if db.IsNotFound(err) {
		return nil
	}
	now, worker := s.DB.Now(), s.DB.NewID()
	if err != nil || r.State != Waiting && r.State != Running {
		return err
	}
	if r.State == Running && now.Sub(r.MovedAt) < silent {
		return ErrBusy
	}
	mine := false
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		n := tx.Exec("UPDATE tag_run SET state = ?, worker_id = ?, done = 0, started_at = ?, moved_at = ? WHERE id = ? AND state = ? AND worker_id = ?",
			Running, worker, now, now, r.ID, r.State, r.WorkerID)
		mine = n.RowsAffected == 1
		return n.Error
	})
	if err != nil || !mine {
		return first(err, ErrBusy)
	}
	r.WorkerID, r.MovedAt = worker, now
	t, err := s.Get(ctx, r.TagID)
	if err != nil {
		return err
	}
	if r.Kind == clearing {
		err = s.clear(ctx, &r, t)
	} else {
		err = s.compute(ctx, &r, t)
	}
	if errors.Is(err, errLost) {
		return nil
	}
	state, why := Done, ""
	if f := fault.Of(err); f != nil && f.Kind == fault.Invalid { // trying again would fail again
		state, why, err = Failed, cut(f.Text, 300), nil
	}
	if err != nil {
		return err
	}
	if state == Done {
		if err := s.Recount(ctx, t.ID); err != nil {
			return err
		}
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE tag_run SET state = ?, error = ?, moved = ?, finished_at = ? WHERE id = ? AND state = ? AND worker_id = ?", state, why, r.Moved, s.DB.Now(), r.ID, Running, worker).Error
	})
}

// compute brings everybody's value of a tag up to date. It finds out by one question about
// all people who is not as he should be, and puts those right the way an event does: so
// nothing that happens meanwhile is overwritten by what was true before.
func (s *Store) compute(ctx context.Context, r *Run, t Tag) error {
	g, err := s.running(ctx, t.BrandID)
	if err != nil {
		return err
	}
	l := g.byID[t.ID]
	if l == nil || !l.Def.computed() {
		return s.sweep(ctx, r, t) // retired meanwhile, or there is nothing to compute
	}
	only := func(x *live) bool { return x.ID == t.ID }
	fix := func(members []id.ID) error {
		n, err := s.refresh(ctx, g, t.BrandID, members, only, false)
		r.Moved += n
		return err
	}
	if l.Def.Source != Rules {
		return s.walk(ctx, r, fix)
	}
	want, err := s.matches(ctx, l)
	if err != nil {
		return err
	}
	r.Total = int64(len(want))
	return s.compare(ctx, r, l, want, fix)
}

// match is who should have which case's value: small, because there may be ten million.
type match struct {
	root id.ID
	no   uint8 // of the case
}

// matches asks one question for each case. Who fulfils several has the first.
func (s *Store) matches(ctx context.Context, l *live) ([]match, error) {
	var want []match
	for i, k := range l.Def.Cases {
		err := s.Rules.All(ctx, l.BrandID, k.Tree, func(root id.ID) error {
			want = append(want, match{root, uint8(i)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(want, func(a, b match) int { return cmp.Or(cmp.Compare(a.root, b.root), cmp.Compare(a.no, b.no)) })
	return slices.CompactFunc(want, func(a, b match) bool { return a.root == b.root }), nil
}

// compare walks the rows of a tag beside who should have it, and puts right who has a value
// that he should not have, or another one, or none.
func (s *Store) compare(ctx context.Context, r *Run, l *live, want []match, fix func([]id.ID) error) error {
	var after id.ID
	for more := true; more || len(want) > 0; {
		var rows []Value
		if more {
			if err := s.DB.Read(ctx).Where("tag_id = ? AND member_id > ?", l.ID, after).Order("member_id").Limit(comparePer).Find(&rows).Error; err != nil {
				return fmt.Errorf("tag: compare: %w", err)
			}
			more = len(rows) == comparePer
		}
		// The part of want that these rows answer: up to the last of them, or at the end of
		// the rows the next thousand.
		n := min(len(want), comparePer)
		if more {
			after = rows[len(rows)-1].MemberID
			n, _ = slices.BinarySearchFunc(want, after+1, func(m match, root id.ID) int { return cmp.Compare(m.root, root) })
		} else if len(rows) > 0 {
			n, _ = slices.BinarySearchFunc(want, rows[len(rows)-1].MemberID+1, func(m match, root id.ID) int { return cmp.Compare(m.root, root) })
		}
		if err := fix(differ(l, rows, want[:n])); err != nil {
			return err
		}
		if err := s.moved(ctx, r, max(n, len(rows))); err != nil {
			return err
		}
		want = want[n:]
	}
	return nil
}

// comparePer is how many rows are compared in one go.
const comparePer = 1000

// differ merges two lists in order of people.
func differ(l *live, rows []Value, want []match) (wrong []id.ID) {
	for len(rows)+len(want) > 0 {
		switch {
		case len(rows) == 0 || len(want) > 0 && want[0].root < rows[0].MemberID: // should have it
			wrong, want = append(wrong, want[0].root), want[1:]
		case len(want) == 0 || rows[0].MemberID < want[0].root: // should not
			wrong, rows = append(wrong, rows[0].MemberID), rows[1:]
		default:
			if rows[0].Value != l.Def.Cases[want[0].no].Value {
				wrong = append(wrong, want[0].root)
			}
			rows, want = rows[1:], want[1:]
		}
	}
	return wrong
}

// walk calls visit with all humans, a part at a time.
func (s *Store) walk(ctx context.Context, r *Run, visit func(roots []id.ID) error) error {
	if err := s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM member WHERE root_id = 0").Scan(&r.Total).Error; err != nil {
		return fmt.Errorf("tag: walk: %w", err)
	}
	var after id.ID
	for {
		var roots []id.ID
		if err := s.DB.Read(ctx).Raw("SELECT id FROM member WHERE id > ? AND root_id = 0 ORDER BY id LIMIT 1000", after).Scan(&roots).Error; err != nil {
			return fmt.Errorf("tag: walk: %w", err)
		}
		if err := visit(roots); err != nil {
			return err
		}
		if err := s.moved(ctx, r, len(roots)); err != nil {
			return err
		}
		if len(roots) < 1000 {
			return nil
		}
		after = roots[len(roots)-1]
	}
}

// moved says how far a run is. Fault: errLost.
func (s *Store) moved(ctx context.Context, r *Run, n int) error {
	r.Done += int64(n)
	kept := false
	now := max(s.DB.Now(), r.MovedAt+1) // MySQL counts only rows that change
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec("UPDATE tag_run SET total = ?, done = ?, moved = ?, moved_at = ? WHERE id = ? AND state = ? AND worker_id = ?",
			max(r.Total, r.Done), r.Done, r.Moved, now, r.ID, Running, r.WorkerID)
		kept = u.RowsAffected == 1
		return u.Error
	})
	r.MovedAt = now
	if err != nil {
		return fmt.Errorf("tag: run: %w", err)
	}
	if !kept {
		return errLost
	}
	return nil
}

// sweep deletes the values of a tag that count no more: all of a retired one, otherwise
// those whose time is over.
func (s *Store) sweep(ctx context.Context, r *Run, t Tag) error {
	if t.State != Running {
		return s.clear(ctx, r, t)
	}
	_, err := s.Expire(ctx, 1000)
	return err
}

// clear deletes all values of a retired tag.
func (s *Store) clear(ctx context.Context, r *Run, t Tag) error {
	for {
		var members []id.ID
		if err := s.DB.Read(ctx).Raw("SELECT member_id FROM tag_value WHERE tag_id = ? ORDER BY member_id LIMIT 500", t.ID).Scan(&members).Error; err != nil {
			return fmt.Errorf("tag: clear: %w", err)
		}
		if len(members) == 0 {
			return nil
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			if err := s.bumpTx(ctx, tx, members); err != nil {
				return err
			}
			if err := tx.Exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id IN ?", t.ID, members).Error; err != nil {
				return err
			}
			return s.changedTx(ctx, tx, t.BrandID, members)
		})
		if err != nil {
			return fmt.Errorf("tag: clear: %w", err)
		}
		r.Moved += int64(len(members))
		if err := s.moved(ctx, r, len(members)); err != nil {
			return err
		}
	}
}
