package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// record is one observation on its way through a merged transaction.
type record struct {
	o      Observation
	now    clock.Instant
	known  bool // the code has a row: they are never deleted
	doubt  bool // it may have one
	sight  Sight
	stored bool
	err    error
}

type codeKey struct {
	batch  id.ID
	serial int64
}

func (r *record) key() codeKey { return codeKey{r.o.BatchID, r.o.Serial} }

// Record stores an observation and returns what is known of the code, this
// observation included. Observations that wait are written together; each has its
// answer when they are committed.
func (s *Store) Record(ctx context.Context, o Observation) (Sight, error) {
	if o.BatchID == 0 || len(o.Visitor) > 30 {
		return Sight{}, fmt.Errorf("scan: malformed observation")
	}
	r := &record{o: o, now: s.db.Now()}
	before, recent, err := s.look(ctx, o, r.now)
	if err != nil {
		return before, err
	}
	return s.keep(ctx, r, before, recent)
}

// Keep is Record for who has read before, a moment ago, what is known of the code and
// whether the visitor was stored within the window (Recent). It reads nothing.
func (s *Store) Keep(ctx context.Context, o Observation, before Sight, recent bool) (Sight, error) {
	if o.BatchID == 0 || len(o.Visitor) > 30 {
		return Sight{}, fmt.Errorf("scan: malformed observation")
	}
	return s.keep(ctx, &record{o: o, now: s.db.Now()}, before, recent)
}

func (s *Store) keep(ctx context.Context, r *record, before Sight, recent bool) (Sight, error) {
	// The common reload writes nothing and so waits for nobody.
	if recent && (!r.o.counts() || before.FirstMember != 0) {
		return before, nil
	}
	r.known = before.BatchID != 0
	if err := s.merger.Do(ctx, r); err != nil {
		return Sight{}, err
	}
	return r.sight, r.err
}

// ErrSeen leaves a transaction of RecordAllTx when a code that nobody had seen got its
// row meanwhile. The caller runs it again, in doubt.
var ErrSeen = errors.New("scan: the code was seen meanwhile")

// RecordAllTx stores observations in the caller's transaction, which must be
// db.InFreshTx, and returns what is known of each one's code, that observation
// included. The codes' rows stay locked until the commit, so what they say of who was
// first holds for whatever the caller decides by it. list comes in the order of batch
// and serial: two processes must not wait for each other. doubt is false the first
// time and true after ErrSeen.
func (s *Store) RecordAllTx(ctx context.Context, tx *gorm.DB, list []Observation, doubt bool) ([]Sight, error) {
	now := s.db.Now()
	batch := make([]*record, len(list))
	for i, o := range list {
		batch[i] = &record{o: o, now: now, known: true, doubt: doubt}
	}
	if err := s.recordTx(ctx, tx, batch); err != nil {
		return nil, err
	}
	out := make([]Sight, len(list))
	for i, r := range batch {
		out[i] = r.sight
	}
	return out, nil
}

// look reads what is known of a code, and whether this visitor was stored within the
// window, in one go.
func (s *Store) look(ctx context.Context, o Observation, now clock.Instant) (Sight, bool, error) {
	var row struct {
		Sight
		Recent bool
	}
	recent, args := Recent(o, now)
	err := s.db.Read(ctx).Raw("SELECT code_sight.*, "+recent+" AS recent FROM code_sight WHERE code_sight.batch_id = ? AND code_sight.serial = ?",
		append(args, o.BatchID, o.Serial)...).Scan(&row).Error
	if err != nil {
		return Sight{}, false, fmt.Errorf("scan: sight: %w", err)
	}
	return row.Sight, row.Recent, nil
}

// Recent is the SQL expression, with its arguments, that says whether the visitor of an
// observation was stored within the window: for reads that join more than is ours.
func Recent(o Observation, now clock.Instant) (expression string, args []any) {
	return "EXISTS (SELECT 1 FROM scan WHERE scan.batch_id = ? AND scan.serial = ? AND scan.visitor = ? AND " + recently + ")",
		[]any{o.BatchID, o.Serial, o.visitor(), windowNo(now) - 1, windowNo(now), now.Add(-RepeatWindow)}
}

// recently is what makes a scan the same as an earlier one of its visitor. The number of
// the window is what the unique key knows; the moment is what people mean.
const recently = "window_no >= ? AND (window_no = ? OR at > ?)"

// write brings every observation to its outcome. One that cannot be written never fails
// its neighbours: what went wrong with all is tried again with each alone.
func (s *Store) write(ctx context.Context, batch []*record) {
	// One order everywhere, so that two processes cannot wait for each other.
	slices.SortStableFunc(batch, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.o.BatchID, b.o.BatchID), cmp.Compare(a.o.Serial, b.o.Serial))
	})
	err := s.commit(ctx, batch)
	if errors.Is(err, ErrSeen) {
		for _, r := range batch {
			r.doubt = true
		}
		err = s.commit(ctx, batch)
	}
	if err != nil && len(batch) > 1 && fault.KindOf(err) != fault.Unavailable {
		for _, r := range batch {
			s.write(ctx, []*record{r})
		}
		return
	}
	for _, r := range batch {
		if r.err = err; err != nil {
			r.err = fmt.Errorf("scan: record: %w", err)
		}
	}
}

// commit writes observations in one transaction of multi-row statements.
func (s *Store) commit(ctx context.Context, batch []*record) error {
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error { return s.recordTx(ctx, tx, batch) })
}

// recordTx locks the rows of the codes, or makes them, before anything is decided; so
// what is decided in here, who was first above all, holds.
func (s *Store) recordTx(ctx context.Context, tx *gorm.DB, batch []*record) error {
	stored, past, err := s.lock(ctx, tx, batch)
	if err != nil {
		return err
	}
	sights := maps.Clone(stored)
	for _, r := range batch {
		k := r.key()
		cur := sights[k]
		cur.BatchID, cur.Serial = k.batch, k.serial
		seen := visitKey{k, r.o.visitor()}
		r.sight, r.stored = observe(cur, r.o, r.now, past[seen])
		past[seen] = past[seen] || r.stored
		cur = r.sight
		cur.Fresh = false
		sights[k] = cur
	}
	if err := s.saveSights(ctx, tx, sights, stored); err != nil {
		return err
	}
	return s.saveScans(ctx, tx, batch)
}

// visitKey is one visitor of one code.
type visitKey struct {
	codeKey
	visitor string
}

// lock locks and reads the rows of the codes that have been seen, and which of their
// visitors were stored within the window. A code in doubt gets its row first.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, batch []*record) (map[codeKey]Sight, map[visitKey]bool, error) {
	sights := map[codeKey]Sight{}
	asked := make(map[codeKey]bool, len(batch))
	byBatch := map[id.ID][]any{} // serials
	blank := db.NewRows("code_sight", sightColumns)
	for _, r := range batch {
		k := r.key()
		if !r.known && !r.doubt || asked[k] {
			continue
		}
		asked[k] = true
		if r.doubt {
			addSight(blank, Sight{BatchID: k.batch, Serial: k.serial})
		}
		byBatch[k.batch] = append(byBatch[k.batch], k.serial)
	}
	if len(asked) == 0 {
		return sights, map[visitKey]bool{}, nil
	}
	if _, err := blank.Insert(ctx, tx, s.db.Once("serial")); err != nil {
		return nil, nil, err
	}
	// Lists of serials, not pairs with OR: engines plan those in a fraction of the time.
	where, args := make([]string, 0, len(byBatch)), make([]any, 0, len(asked)+len(byBatch))
	for _, batchID := range slices.Sorted(maps.Keys(byBatch)) {
		serials := byBatch[batchID]
		where, args = append(where, "batch_id = ? AND serial IN "+db.Marks(len(serials))), append(append(args, batchID), serials...)
	}
	stmt := "SELECT * FROM code_sight WHERE " + strings.Join(where, " OR ")
	if s.db.Driver() == db.MySQL {
		stmt += " FOR UPDATE" // SQLite has one writer, and it is us
	}
	var rows []Sight
	if err := tx.WithContext(ctx).Raw(stmt, args...).Scan(&rows).Error; err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		sights[codeKey{r.BatchID, r.Serial}] = r
	}
	past, err := s.visited(ctx, tx, batch, sights)
	return sights, past, err
}

// visited reads which visitors of codes that have a row were stored within the window.
func (s *Store) visited(ctx context.Context, tx *gorm.DB, batch []*record, sights map[codeKey]Sight) (map[visitKey]bool, error) {
	past := map[visitKey]bool{}
	var where []string
	var args []any
	for _, r := range batch {
		v := visitKey{r.key(), r.o.visitor()}
		_, asked := past[v]
		if _, seen := sights[v.codeKey]; !seen || asked {
			continue
		}
		past[v] = false
		where = append(where, "(batch_id = ? AND serial = ? AND visitor = ? AND "+recently+")")
		args = append(args, v.batch, v.serial, v.visitor, windowNo(r.now)-1, windowNo(r.now), r.now.Add(-RepeatWindow))
	}
	if len(where) == 0 {
		return past, nil
	}
	var earlier []Scan
	if err := tx.WithContext(ctx).Raw("SELECT batch_id, serial, visitor FROM scan WHERE "+strings.Join(where, " OR "), args...).Scan(&earlier).Error; err != nil {
		return nil, err
	}
	for _, e := range earlier {
		past[visitKey{codeKey{e.BatchID, e.Serial}, e.Visitor}] = true
	}
	return past, nil
}

// observe is what a code is known for after one more observation, and whether that one
// is stored. It is pure. A visitor who was stored within the window changes nothing,
// except that he becomes first if nobody is: the item may have been activated since.
func observe(cur Sight, o Observation, now clock.Instant, again bool) (after Sight, stored bool) {
	flag := suspicion(cur, o, now)
	if o.counts() && cur.FirstMember == 0 {
		cur.FirstMember, cur.FirstAt, cur.FirstCity, cur.Fresh = o.MemberID, now, o.Place.name(), true
	}
	if again {
		return cur, false
	}
	switch {
	case o.MemberID == 0:
		cur.Anonymous++
	case o.counts():
		cur.Scans++
		if cur.FirstMember != o.MemberID {
			cur.Others++
		}
		cur.LastMember, cur.LastAt, cur.LastCity = o.MemberID, now, o.Place.name()
		cur.LastLatE4, cur.LastLonE4 = o.Place.LatE4, o.Place.LonE4
		if flag == "" && cur.Others >= ManyOthers {
			flag = "many"
		}
		if flag != "" && cur.FlaggedAt == 0 {
			cur.FlaggedAt, cur.FlagReason = now, flag
		}
	}
	return cur, true
}

const sightColumns = "batch_id, serial, first_member, first_at, first_city, scans, others, anonymous, last_member, last_at, last_city, last_lat_e4, last_lon_e4, flagged_at, flag_reason"

func addSight(rows *db.Rows, c Sight) {
	rows.Add(c.BatchID, c.Serial, c.FirstMember, c.FirstAt, c.FirstCity, c.Scans, c.Others, c.Anonymous,
		c.LastMember, c.LastAt, c.LastCity, c.LastLatE4, c.LastLonE4, c.FlaggedAt, c.FlagReason)
}

// saveSights writes what is known now: over the locked rows that changed, and the new ones only if
// they are still new.
func (s *Store) saveSights(ctx context.Context, tx *gorm.DB, sights, stored map[codeKey]Sight) error {
	keys := make([]codeKey, 0, len(sights))
	for k := range sights {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b codeKey) int { return cmp.Or(cmp.Compare(a.batch, b.batch), cmp.Compare(a.serial, b.serial)) })
	newRows, locked := db.NewRows("code_sight", sightColumns), db.NewRows("code_sight", sightColumns)
	for _, k := range keys {
		if before, there := stored[k]; !there {
			addSight(newRows, sights[k])
		} else if before != sights[k] {
			addSight(locked, sights[k])
		}
	}
	n, err := newRows.Insert(ctx, tx, s.db.Once("serial"))
	if err != nil {
		return err
	}
	if n != int64(newRows.Len()) {
		return ErrSeen
	}
	_, err = locked.Insert(ctx, tx, s.overwrite())
	return err
}

// overwrite ends an INSERT whose rows exist and are locked.
func (s *Store) overwrite() string {
	tail, set := " ON CONFLICT (batch_id, serial) DO UPDATE SET ", "%s = excluded.%s"
	if s.db.Driver() == db.MySQL {
		tail, set = " ON DUPLICATE KEY UPDATE ", "%s = VALUES(%s)"
	}
	columns := strings.Split(sightColumns, ", ")[2:]
	for i, c := range columns {
		columns[i] = fmt.Sprintf(set, c, c)
	}
	return tail + strings.Join(columns, ", ")
}

func (s *Store) saveScans(ctx context.Context, tx *gorm.DB, batch []*record) error {
	rows := db.NewRows("scan", `id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict,
		province, city, exact_place, ip, user_agent, at`)
	for _, r := range batch {
		if !r.stored {
			continue
		}
		o := r.o
		verdict := o.verdict(r.sight)
		rows.Add(s.db.NewID(), o.BrandID, o.ProductID, o.BatchID, o.Serial, o.MemberID, o.visitor(), windowNo(r.now), string(verdict),
			cut(o.Place.Province, 32), cut(o.Place.City, 32), "", cut(o.IP, 45), cut(o.UserAgent, 200), r.now)
	}
	_, err := rows.Insert(ctx, tx, s.db.Once("serial"))
	return err
}
