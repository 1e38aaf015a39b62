package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// leaseFor is how long a worker may be silent before another takes its import over; it
// reports with every transaction.
const leaseFor = 20 * time.Second

// errStopped: paused, cancelled, or taken over by another worker.
var errStopped = errors.New("crm: stopped")

// Work does what the state of an import asks for, to its end. Calling it again, at any
// time and from anywhere, is harmless. It returns nil when nothing is left to do, also
// when the import failed for good (the row says why). Any other error means: call again
// later; Unavailable import_busy is one, when another worker has it.
func (s *Store) Work(ctx context.Context, importID id.ID) error {
	r, err := s.get(ctx, importID)
	if err != nil {
		return err
	}
	if r.State != Checking && r.State != Running && r.State != Undoing {
		return nil
	}
	i, err := r.show()
	if err != nil {
		return err
	}
	j := &turn{Store: s, i: i, state: r.State, owner: s.DB.NewID(), row: r}
	if err := j.take(ctx); err != nil {
		return err
	}
	switch j.state {
	case Checking:
		err = j.check(ctx)
	case Running:
		err = j.run(ctx)
	case Undoing:
		err = j.undo(ctx)
	}
	switch {
	case err == nil, errors.Is(err, errStopped), errors.Is(err, errKilled):
		return err2nil(err)
	case ctx.Err() != nil || fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.NotFound:
		// Not the file's fault. Let go, so that the next worker need not wait.
		return errors.Join(err, j.release(context.WithoutCancel(ctx)))
	}
	err = j.guarded(ctx, map[string]any{"state": Failed, "error": clip(fault.Of(err).Text, 400), "finished_at": s.DB.Now()}, nil)
	return err2nil(err)
}

// errKilled ends a worker in tests as kill -9 does: it does not even let go.
var errKilled = errors.New("crm: killed")

func err2nil(err error) error {
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// turn is one worker's turn at one import.
type turn struct {
	*Store
	i     Import
	row   row
	state string
	owner id.ID
}

func (j *turn) take(ctx context.Context) error {
	return j.DB.InTx(ctx, func(tx *gorm.DB) error {
		now := j.DB.Now()
		u := tx.Exec("UPDATE crm_import SET lease_owner = ?, lease_until = ?, beat = beat + 1 WHERE id = ? AND state = ? AND lease_until <= ?",
			j.owner, now.Add(leaseFor), j.i.ID, j.state, now)
		if u.Error == nil && u.RowsAffected != 1 {
			return fault.New(fault.Unavailable, "import_busy", "导入任务正由另一个进程执行")
		}
		return u.Error
	})
}

func (j *turn) release(ctx context.Context) error {
	return j.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE crm_import SET lease_until = 0 WHERE id = ? AND lease_owner = ?", j.i.ID, j.owner).Error
	})
}

// guarded changes the import, and with it what also does, only while it is this worker's
// and in the state it was taken in: a pause shows here, before anything is written.
func (j *turn) guarded(ctx context.Context, set map[string]any, also func(tx *gorm.DB) error) error {
	return j.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		set["lease_until"], set["beat"] = j.DB.Now().Add(leaseFor), gorm.Expr("beat + 1")
		u := tx.Model(&row{}).Where("id = ? AND state = ? AND lease_owner = ?", j.i.ID, j.state, j.owner).Updates(set)
		if u.Error == nil && u.RowsAffected != 1 {
			return errStopped
		}
		if u.Error != nil || also == nil {
			return u.Error
		}
		return also(tx)
	})
}

// counts are the columns that progress fills.
func (j *turn) counts() map[string]any {
	by, _ := json.Marshal(j.i.ByKey) // numbers by name: it does
	return map[string]any{"done_rows": j.i.DoneRows, "new_rows": j.i.NewRows, "old_rows": j.i.OldRows, "conflict_rows": j.i.ConflictRows,
		"bad_rows": j.i.BadRows, "by_key": string(by)}
}

// pages reads the file from the row after the first skip ones and hands over what it
// understood, page by page.
func (j *turn) pages(ctx context.Context, skip int64, do func([]record) error) error {
	rd, err := j.reader(ctx, j.i)
	if err != nil {
		return err
	}
	t, err := j.open(ctx, j.row)
	if err != nil {
		return err
	}
	if _, err := t.header(); err != nil {
		return err
	}
	page, seen := make([]record, 0, j.page), int64(0)
	for {
		no, cells, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken badRow
		if err != nil && !errors.As(err, &broken) {
			return err
		}
		if seen++; seen > MaxRows {
			return fault.Invalidf("import_too_many", "一个文件最多 %d 行，请分成几个文件", MaxRows)
		}
		if seen <= skip {
			continue
		}
		var rowErr error
		if err != nil {
			rowErr = broken
		}
		if page = append(page, rd.read(no, cells, rowErr)); len(page) == j.page {
			if err := do(page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if len(page) > 0 {
		return do(page)
	}
	return nil
}

func (j *turn) evidence() identity.Evidence {
	return identity.Evidence{Event: identity.CRMImport, By: j.i.CreatedBy, Channel: "import", Ref: j.i.ID, Note: j.i.Source}
}

// check is the dry run: it counts what a run would do and writes nothing but errors. It
// begins from the first row whenever it is begun.
func (j *turn) check(ctx context.Context) error {
	j.i.DoneRows, j.i.NewRows, j.i.OldRows, j.i.ConflictRows, j.i.BadRows, j.i.ByKey = 0, 0, 0, 0, 0, ByKey{}
	clear := func(tx *gorm.DB) error { return tx.Exec("DELETE FROM crm_error WHERE import_id = ?", j.i.ID).Error }
	if err := j.guarded(ctx, j.counts(), clear); err != nil {
		return err
	}
	crowd := newCrowd()
	err := j.pages(ctx, 0, func(page []record) error {
		good, items := usable(page)
		plan, found, err := j.planned(ctx, items)
		if err != nil {
			return err
		}
		for n, k := range found {
			v := crowd.add(plan.Usable(n), k)
			if v == conflict {
				good[n].problems = []Problem{{Reason: whyConflict(k)}}
			}
			j.count(v, k)
		}
		j.i.BadRows += int64(len(page) - len(good))
		j.i.DoneRows += int64(len(page))
		if err := j.guarded(ctx, j.counts(), func(tx *gorm.DB) error { return j.putProblemsTx(ctx, tx, j.i.ID, page) }); err != nil {
			return err
		}
		return j.step("checked")
	})
	if err != nil {
		return err
	}
	set := j.counts()
	set["state"], set["total_rows"] = Checked, j.i.DoneRows
	return j.guarded(ctx, set, nil)
}

// planned reads whose the keys of a page are.
func (j *turn) planned(ctx context.Context, items []identity.Item) (*identity.Plan, []identity.Resolved, error) {
	p, err := j.People.Plan(ctx, items, j.evidence())
	if err != nil {
		return nil, nil, j.fail(err)
	}
	return p, p.Known(), nil
}

// whyConflict says why a row names nobody in particular.
func whyConflict(k identity.Resolved) string {
	switch {
	case k.Err != nil:
		return fault.Of(k.Err).Text
	case k.PersonID == 0 && k.Shared:
		return "编号被多人共用，不能用来识别"
	}
	return "这些编号属于不同的人"
}

// usable are the rows of a page without problems, and their keys.
func usable(page []record) ([]*record, []identity.Item) {
	good, items := make([]*record, 0, len(page)), make([]identity.Item, 0, len(page))
	for n := range page {
		if len(page[n].problems) == 0 {
			good, items = append(good, &page[n]), append(items, identity.Item{Keys: page[n].keys})
		}
	}
	return good, items
}

func (j *turn) count(v verdict, k identity.Resolved) {
	switch {
	case v == fresh:
		j.i.NewRows++
	case v == known:
		j.i.OldRows++
		if k.By.Kind != "" {
			j.i.ByKey[k.By.Kind]++
		} else {
			j.i.ByKey["file"]++ // by an earlier row of the same file
		}
	case k.Err != nil && fault.KindOf(k.Err) == fault.Invalid: // no key of its kind
		j.i.BadRows++
	default:
		j.i.ConflictRows++
	}
}

// verdict is what a row is.
type verdict int

const (
	fresh verdict = iota
	known
	conflict
)

// crowd knows the humans of the rows before, so that two rows of one human are one, and
// a row that joins two is a conflict, also before anything is written. Keys are kept as
// 64-bit hashes: a million rows are some ten megabytes.
type crowd struct {
	keys    map[uint64]int32
	persons map[id.ID]int32
	n       int32
}

func newCrowd() *crowd { return &crowd{keys: map[uint64]int32{}, persons: map[id.ID]int32{}} }

// add says what a row is, given whom the database knows by its keys, and remembers it
// unless it is a conflict.
func (c *crowd) add(keys []identity.Key, k identity.Resolved) verdict {
	group := int32(0)
	meet := func(g int32) bool {
		if g != 0 && group == 0 {
			group = g
		}
		return g == 0 || g == group
	}
	if k.Err != nil || len(k.Others) > 0 || len(keys) == 0 {
		return conflict
	}
	if k.PersonID != 0 {
		if c.persons[k.PersonID] == 0 {
			c.n++
			c.persons[k.PersonID] = c.n
		}
		group = c.persons[k.PersonID]
	}
	hashes := make([]uint64, len(keys))
	for i, key := range keys {
		hashes[i] = hash(key)
		if !meet(c.keys[hashes[i]]) {
			return conflict
		}
	}
	v := known
	if group == 0 {
		c.n++
		group, v = c.n, fresh
	}
	for _, h := range hashes {
		c.keys[h] = group
	}
	return v
}

// run writes the import, one page in one transaction.
func (j *turn) run(ctx context.Context) error {
	if j.i.DoneRows == 0 { // the errors of the dry run give way to those of the run
		err := j.guarded(ctx, map[string]any{}, func(tx *gorm.DB) error { return tx.Exec("DELETE FROM crm_error WHERE import_id = ?", j.i.ID).Error })
		if err != nil {
			return err
		}
	}
	err := j.pages(ctx, j.i.DoneRows, func(page []record) error {
		if err := j.step("before page"); err != nil {
			return err
		}
		for len(page) > 0 {
			n, err := j.persist(ctx, page)
			if err != nil {
				return err
			}
			page = page[n:]
			if err := j.step("after page"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	set := j.counts()
	set["state"], set["total_rows"], set["finished_at"] = Done, j.i.DoneRows, j.DB.Now()
	return j.guarded(ctx, set, nil)
}

// persist writes rows from the beginning of a page and says how many. When somebody else
// brought one of their keys at the same time, it looks again.
func (j *turn) persist(ctx context.Context, page []record) (n int, err error) {
	problems := make([][]Problem, len(page))
	for n := range page {
		problems[n] = page[n].problems
	}
	before, by := j.i, maps.Clone(j.i.ByKey)
	for range 5 {
		if n, err = j.write(ctx, page); !db.IsDuplicate(err) {
			return n, err
		}
		j.i, j.i.ByKey = before, maps.Clone(by)
		for n := range page {
			page[n].problems = problems[n]
		}
	}
	return 0, err
}

func (j *turn) fail(err error) error { return fmt.Errorf("crm: import %d: %w", j.i.ID, err) }
