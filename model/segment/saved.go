package segment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/rule"
	"siyu/model/segment/bits"
)

// What a process holds of a large brand is written into a file now and then and when the
// process ends, and read by the next one, which then follows the change log from there. A
// file says of which moment of the log it is, and of which rows of the log, tables and SQL:
// one that does not fit in any of that is thrown away, and all is read from the database.

const (
	savedEvery = 10 * time.Minute
	savedName  = ".bits"
	savedMagic = "siyu bitmaps 1\n"
)

// savedHead is what a file begins with; People and Facts follow it.
type savedHead struct {
	Brand   id.ID
	Seq     int64  // of the newest change that is in it
	Witness string // what that change was: a database that was put back has others under its numbers
	Schema  int64  // newest migration: it may have changed what nobody noted
	Tail    int
	Facts   []savedFact
}

type savedFact struct {
	Key   string
	Print string // of the SQL that says it
	At    clock.Instant
	Used  clock.Instant
	Of    clock.Day
	Until int

	column column
	set    *bits.Column
	ends   []ending
}

// KeepIn names the folder of the files. Wiring calls it before anybody is asked.
func (s *Store) KeepIn(dir string) { s.dir = dir }

// Save writes what is held of large brands, if it changed and was not written a while ago;
// all: also what was. Files that no process could use any more go.
func (s *Store) Save(ctx context.Context, all bool) error {
	if s.dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("segment: save: %w", err)
	}
	s.mu.Lock()
	engines := slices.Collect(maps.Values(s.engines))
	s.mu.Unlock()
	var failed error
	for _, e := range engines {
		if err := e.save(ctx, all); err != nil {
			failed = errors.Join(failed, fmt.Errorf("segment: save: %w", err))
		}
	}
	return errors.Join(failed, s.sweep())
}

// sweep deletes files from before the change log begins, and those that were never finished.
func (s *Store) sweep() error {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("segment: save: %w", err)
	}
	for _, f := range list {
		info, err := f.Info()
		if err != nil || clock.Wall().Sub(info.ModTime()) < changesFor {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("segment: save: %w", err)
		}
	}
	return nil
}

func (e *engine) file() string { return filepath.Join(e.s.dir, e.brand.String()+savedName) }

// save writes an engine's file beside the old one, and puts it in its place.
func (e *engine) save(ctx context.Context, all bool) error {
	if err := e.lock(ctx); err != nil {
		return err
	}
	now := e.s.db.Now()
	if e.people == nil || e.people.Len() <= e.s.few || e.savedSeq == e.seq && e.savedRead == e.read || !all && now.Sub(e.savedAt) < savedEvery {
		e.unlock()
		return nil
	}
	h, people, cells, read := e.picture(now)
	e.unlock()
	for i := range h.Facts {
		h.Facts[i].Print = e.print(&h.Facts[i].column)
	}
	var err error
	if h.Witness, err = e.witness(ctx, h.Seq); err != nil || h.Seq > 0 && h.Witness == "" { // too old for the log already
		return err
	}
	if h.Schema, err = e.schema(ctx); err != nil {
		return err
	}
	if err := e.write(h, people, cells); err != nil {
		return err
	}
	if err := e.lock(ctx); err != nil {
		return err
	}
	defer e.unlock()
	e.savedSeq, e.savedRead, e.savedAt = h.Seq, read, now
	return nil
}

// picture is what is held, as it does not change any more. Called with the lock held.
func (e *engine) picture(now clock.Instant) (h savedHead, people *bits.People, cells []id.ID, read int) {
	h = savedHead{Brand: e.brand, Seq: e.seq, Tail: e.tail}
	for _, f := range e.facts {
		if f.random == nil && f.fresh(now) {
			h.Facts = append(h.Facts, savedFact{Key: f.key, At: f.at, Used: f.used, Of: f.of, Until: len(f.until), column: f.column, set: f.set.Clone(), ends: slices.Clone(f.until)})
		}
	}
	return h, e.people.Clone(), slices.Clone(e.cells), e.read
}

func (e *engine) write(h savedHead, people *bits.People, cells []id.ID) (err error) {
	f, err := os.CreateTemp(e.s.dir, e.brand.String()+".*.new") // for our eyes only
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bits.NewWriter(f)
	head, err := json.Marshal(h)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	w.Bytes([]byte(savedMagic))
	w.Bytes(head)
	w.IDs(cells)
	w.People(people)
	for _, x := range h.Facts {
		w.Column(x.set)
		for _, end := range x.ends {
			w.Number(uint64(end.at))
			w.Number(uint64(end.person))
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), e.file())
}

// restore begins with what the file of a brand says; false: it says nothing that can be used.
func (e *engine) restore(ctx context.Context, newest int64) (bool, error) {
	if e.s.dir == "" || e.restored {
		return false, nil
	}
	e.restored = true // what does not fit now never will
	data, err := os.ReadFile(e.file())
	if err != nil {
		return false, nil // there is none, or nobody can read it: the database has all of it
	}
	r, err := bits.NewReader(data)
	if err == nil {
		err = e.take(ctx, r, newest)
	}
	if err == nil {
		return true, nil
	}
	e.drop()
	if ctx.Err() != nil { // it may fit the next one who asks
		e.restored = false
		return false, ctx.Err()
	}
	if errors.Is(err, errUnfit) || errors.Is(err, bits.ErrBroken) {
		_ = os.Remove(e.file()) // should it stay, the next process finds again that it does not fit
		return false, nil
	}
	return false, err
}

var errUnfit = errors.New("segment: a file of other tables")

// take holds what is in a file, if it is of this database.
func (e *engine) take(ctx context.Context, r *bits.Reader, newest int64) error {
	var h savedHead
	if string(r.Bytes()) != savedMagic || json.Unmarshal(r.Bytes(), &h) != nil {
		return errUnfit
	}
	schema, err := e.schema(ctx)
	if err != nil {
		return err
	}
	witness, err := e.witness(ctx, h.Seq)
	if err != nil {
		return err
	}
	if h.Brand != e.brand || h.Schema != schema || h.Seq > newest || h.Witness != witness {
		return errUnfit
	}
	cells, people, facts := r.IDs(), r.People(), map[string]*fact{}
	now := e.s.db.Now()
	for _, x := range h.Facts {
		f := &fact{set: r.Column(), at: x.At, of: x.Of, used: x.Used}
		for range x.Until {
			if r.Err() == nil {
				f.until = append(f.until, ending{clock.Instant(r.Number()), id.ID(r.Number())})
			}
		}
		var known bool
		if f.column, known = columnBy(x.Key); known && e.print(&f.column) == x.Print && f.fresh(now) {
			facts[x.Key] = f
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	if len(cells) == 0 {
		return errUnfit
	}
	e.people, e.cells, e.tail, e.seq, e.facts = people, cells, h.Tail, h.Seq, facts
	e.savedSeq, e.savedRead, e.savedAt = h.Seq, e.read, now
	return nil
}

// witness is what a change of the log was; "": it is not there (any more).
func (e *engine) witness(ctx context.Context, seq int64) (string, error) {
	var rows []struct {
		Parts     int
		People    []byte
		CreatedAt int64
	}
	if err := e.s.db.Read(ctx).Raw("SELECT parts, people, created_at FROM segment_change WHERE brand_id = ? AND seq = ?", e.brand, seq).Scan(&rows).Error; err != nil {
		return "", fmt.Errorf("segment: witness: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return digest(fmt.Sprint(rows[0].Parts, rows[0].CreatedAt), rows[0].People), nil
}

func (e *engine) schema(ctx context.Context) (n int64, err error) {
	if err = e.s.db.Read(ctx).Raw("SELECT COALESCE(MAX(version), 0) FROM schema_migration").Scan(&n).Error; err != nil {
		err = fmt.Errorf("segment: schema: %w", err)
	}
	return n, err
}

// print tells a fact's SQL from that of another program under the same name.
func (e *engine) print(c *column) string {
	if c.open {
		return "open"
	}
	var b strings.Builder
	for _, q := range []*query{{}, {span: &span{from: 1, until: 2}}, {people: []id.ID{1}, members: []id.ID{1}}} {
		q.driver, q.brandID, q.now = e.s.db.Driver(), e.brand, clock.Instant(silentFor) // any moment, always the same
		p := c.read(q)
		fmt.Fprintln(&b, p.text, p.args)
	}
	fmt.Fprint(&b, c.parts, c.told, c.clock, c.ends, c.values)
	return digest(b.String(), nil)
}

func digest(text string, more []byte) string {
	h := sha256.Sum256(append([]byte(text+"\x00"), more...))
	return hex.EncodeToString(h[:16])
}

// columnBy is the fact with a key.
func columnBy(key string) (column, bool) {
	if name, is := strings.CutPrefix(key, "attr:"); is {
		return columnOf(name)
	}
	if text, is := strings.CutPrefix(key, "tag:"); is {
		tagID, err := id.Parse(text)
		return tagColumn(tagID), err == nil
	}
	var n rule.Node
	d := json.NewDecoder(bytes.NewReader([]byte(key)))
	d.DisallowUnknownFields()
	if d.Decode(&n) != nil || !n.Leaf() || n.Random != nil || n.Segment != nil {
		return column{}, false
	}
	if _, is := columnFor(&n); is {
		return column{}, false
	}
	c := leafOf(&n).column()
	return c, c.key == key && c.read != nil
}
