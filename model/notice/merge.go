package notice

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/id"
)

// A peak of payouts is a peak of notices: those that wait are written together, and so
// is what became of them (db.Merger).

// arrival is one notice on its way in.
type arrival struct {
	notice Notice
	fresh  bool
	err    error
}

// ending is one notice that had its effect, or can have none.
type ending struct {
	notice id.ID
	state  int
	why    string
	err    error
}

func (s *Store) storeAll(ctx context.Context, batch []*arrival) {
	// One order everywhere, so that two processes cannot wait for each other.
	slices.SortStableFunc(batch, func(a, b *arrival) int {
		return cmp.Or(cmp.Compare(a.notice.Source, b.notice.Source), cmp.Compare(a.notice.DedupKey, b.notice.DedupKey))
	})
	db.Together(batch, func(batch []*arrival) error {
		return s.db.InFreshTx(ctx, func(tx *gorm.DB) error { return s.storeTx(ctx, tx, batch) })
	}, func(a *arrival, err error) { a.err = err })
}

// storeTx inserts the notices and the wake-ups of those that are new: the unique key
// tells, also among the deliveries of one batch.
func (s *Store) storeTx(ctx context.Context, tx *gorm.DB, batch []*arrival) error {
	rows := db.NewRows("notice", "id, source, dedup_key, account_id, body, state, received_at, applied_at, error")
	ids := make([]id.ID, 0, len(batch))
	for _, a := range batch {
		n := a.notice
		n.ID = s.db.NewID()
		rows.Add(n.ID, n.Source, n.DedupKey, n.AccountID, n.Body, Stored, s.db.Now(), 0, "")
		ids = append(ids, n.ID)
	}
	n, err := rows.Insert(ctx, tx, s.db.Once("id"))
	if err != nil {
		return err
	}
	fresh := ids
	if n != int64(len(ids)) {
		fresh = nil
		if err := tx.Model(&Notice{}).Where("id IN ?", ids).Pluck("id", &fresh).Error; err != nil {
			return err
		}
	}
	first := make(map[id.ID]bool, len(fresh))
	for _, v := range fresh {
		first[v] = true
	}
	for i, a := range batch {
		a.fresh = first[ids[i]]
	}
	return s.out.PutAllTx(ctx, tx, Task, fresh)
}

func (s *Store) endAll(ctx context.Context, batch []*ending) {
	db.Together(batch, func(batch []*ending) error {
		return s.db.InTx(ctx, func(tx *gorm.DB) error { return s.endTx(tx, batch) })
	}, func(e *ending, err error) { e.err = err })
}

// endTx: all that ended alike, and most did, share a statement.
func (s *Store) endTx(tx *gorm.DB, batch []*ending) error {
	type how struct {
		state int
		why   string
	}
	var order []how
	alike := map[how][]id.ID{}
	for _, e := range batch {
		h := how{e.state, e.why}
		if alike[h] == nil {
			order = append(order, h)
		}
		alike[h] = append(alike[h], e.notice)
	}
	for _, h := range order {
		err := tx.Model(&Notice{}).Where("id IN ? AND state = ?", alike[h], Stored).
			Updates(map[string]any{"state": h.state, "applied_at": s.db.Now(), "error": h.why}).Error
		if err != nil {
			return err
		}
	}
	return nil
}
