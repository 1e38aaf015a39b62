package code

import (
	"context"
	"fmt"
	"strconv"

	"siyu/model/clock"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/id"
)

// cacheName is our row of cache_version.
const cacheName = "code"

// snapshot is everything Check needs, as of one version. It never changes; a new
// version is a new snapshot.
type snapshot struct {
	version int64
	ring    *token.Ring
	keys    map[int]*key
	batches map[id.ID]*batch
}

type key struct {
	Key
	secret *token.Key
}

type batch struct {
	Batch
	gtin   string
	ranges int // how many declarations the plan holds
	plan   plan
}

// Refresh loads the tables again if they changed: one row read if they did not.
// Call it at start, twice a second, and never from a request.
func (s *Store) Refresh(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	version, err := s.db.Version(ctx, cacheName)
	if err != nil {
		return err
	}
	old := s.snap.Load()
	if old != nil && old.version == version {
		return nil
	}
	if old == nil {
		old = &snapshot{}
	}
	fresh, err := s.load(ctx, old)
	if err != nil {
		return err
	}
	// The version was read before the rows: rows of a later change may be in already,
	// and the next Refresh loads them again. The other way round would lose them.
	fresh.version = version
	s.snap.Store(fresh)
	return nil
}

// load reads all keys, batches and ranges, and keeps what cannot have changed from
// the snapshot before: opened keys and the plans of batches without new ranges.
// The order matters: a batch read here finds its key in what is read after it.
func (s *Store) load(ctx context.Context, old *snapshot) (*snapshot, error) {
	g := s.db.Read(ctx)
	fail := func(what string, err error) (*snapshot, error) {
		return nil, fmt.Errorf("code: load %s: %w", what, err)
	}
	var batches []struct {
		Batch
		GTIN string `gorm:"column:gtin"`
	}
	if err := g.Raw(`SELECT b.*, p.gtin FROM batch b JOIN product p ON p.id = b.product_id`).Scan(&batches).Error; err != nil {
		return fail("batches", err)
	}
	var rows []Range
	if err := g.Order("batch_id, seq").Find(&rows).Error; err != nil {
		return fail("ranges", err)
	}
	var keys []keyRow
	if err := g.Find(&keys).Error; err != nil {
		return fail("keys", err)
	}
	fresh := &snapshot{keys: make(map[int]*key, len(keys)), batches: make(map[id.ID]*batch, len(batches))}
	secrets := make([]*token.Key, 0, len(keys))
	for _, r := range keys {
		k := &key{Key: r.Key}
		if known := old.keys[r.Slot]; known != nil {
			k.secret = known.secret
		} else {
			plain, err := s.box.Open(keyPlace(r.Slot), r.Secret)
			if err != nil {
				return fail("key "+strconv.Itoa(r.Slot), err)
			}
			if k.secret, err = token.NewKey(r.Slot, plain); err != nil {
				return fail("key", err)
			}
		}
		fresh.keys[r.Slot] = k
		secrets = append(secrets, k.secret)
	}
	byBatch := make(map[id.ID][]Range)
	for i := 0; i < len(rows); {
		j := i
		for j < len(rows) && rows[j].BatchID == rows[i].BatchID {
			j++
		}
		byBatch[rows[i].BatchID] = rows[i:j]
		i = j
	}
	issued := make([]token.Range, 0, len(batches))
	for _, r := range batches {
		b := &batch{Batch: r.Batch, gtin: r.GTIN, ranges: len(byBatch[r.ID])}
		if known := old.batches[r.ID]; known != nil && known.ranges == b.ranges {
			b.plan = known.plan // declarations are only ever added
		} else {
			b.plan = compile(byBatch[r.ID])
		}
		fresh.batches[r.ID] = b
		issued = append(issued, token.Range{Slot: b.Slot, From: uint64(b.FromPosition), Count: uint64(b.Count), BatchID: int64(b.ID)})
	}
	ring, err := token.NewRing(secrets, issued)
	if err != nil {
		return fail("ring", err)
	}
	fresh.ring = ring
	return fresh, nil
}

// current returns the snapshot. Fault: Unavailable starting, before the first Refresh.
func (s *Store) current() (*snapshot, error) {
	if snap := s.snap.Load(); snap != nil {
		return snap, nil
	}
	return nil, fault.New(fault.Unavailable, "starting", "系统正在启动，请稍后再试")
}

// batch finds a batch, also one that another process made a moment ago.
// Fault: NotFound batch_unknown.
func (s *Store) batch(ctx context.Context, batchID id.ID) (*snapshot, *batch, error) {
	if snap := s.snap.Load(); snap != nil && snap.batches[batchID] != nil {
		return snap, snap.batches[batchID], nil
	}
	if err := s.Refresh(ctx); err != nil {
		return nil, nil, err
	}
	snap := s.snap.Load()
	if b := snap.batches[batchID]; b != nil {
		return snap, b, nil
	}
	return nil, nil, batchUnknown()
}

// Check tells which code a text is: a token as people type it, or one of its URLs.
// It reads memory only and allocates nothing for a genuine canonical token.
// Faults: NotFound code_unknown (Detail reason: malformed, unknown_slot, forged,
// not_issued, gtin_mismatch); Unavailable starting.
func (s *Store) Check(_ context.Context, text string) (Code, error) {
	snap, err := s.current()
	if err != nil {
		return Code{}, err
	}
	v, gtin := snap.check(text)
	if !v.OK {
		return Code{}, unknown(v.Reason.String())
	}
	b := snap.batches[id.ID(v.BatchID)]
	// A Digital Link whose GTIN is not the product's was never printed by us.
	if gtin != "" && gtin != b.gtin {
		return Code{}, unknown("gtin_mismatch")
	}
	return b.code(v, s.db.Now()), nil
}

func (snap *snapshot) check(text string) (v token.Verdict, gtin string) {
	tokenText, gtin, ok := token.ParseURL(text)
	if !ok {
		return token.Verdict{Reason: token.Malformed, Slot: -1}, ""
	}
	return snap.ring.Check(tokenText), gtin
}

func (b *batch) code(v token.Verdict, now clock.Instant) Code {
	c := Code{Token: string(v.Token), BrandID: b.BrandID, ProductID: b.ProductID, BatchID: b.ID, Serial: int64(v.Serial), GTIN: b.gtin}
	m := b.plan.find(c.Serial).at(now)
	c.State, c.StateReason, c.StateSince = m.State, m.Reason, m.At
	if m.At == 0 {
		c.StateSince = b.CreatedAt
	}
	return c
}

func unknown(reason string) error {
	return fault.New(fault.NotFound, "code_unknown", "查不到这个码，请核对后再试").With("reason", reason)
}

// Explanation is all that can be said of a text that may be a code, for operators.
type Explanation struct {
	Genuine bool   `json:"genuine"`
	Reason  string `json:"reason"` // as the Detail of Check's fault; genuine otherwise
	Text    string `json:"text"`   // the reason for people, zh-CN
	Slot    int    `json:"slot"`   // -1 when malformed
	Key     *Key   `json:"key"`    // nil when the slot has none
	Batch   *Batch `json:"batch"`
	Code    Code   `json:"code"`
	Life    []Mark `json:"life"` // its states by time; issued before the first
}

// Explain says of a text what Check would decide and why, from memory only.
// Fault: Unavailable starting.
func (s *Store) Explain(_ context.Context, text string) (Explanation, error) {
	snap, err := s.current()
	if err != nil {
		return Explanation{}, err
	}
	v, gtin := snap.check(text)
	e := Explanation{Genuine: v.OK, Reason: v.Reason.String(), Text: v.Reason.Text(), Slot: v.Slot, Life: []Mark{}}
	if k := snap.keys[v.Slot]; k != nil {
		e.Key = &k.Key
	}
	if !v.OK {
		return e, nil
	}
	b := snap.batches[id.ID(v.BatchID)]
	e.Batch, e.Code = &b.Batch, b.code(v, s.db.Now())
	e.Life = append(e.Life, b.plan.find(e.Code.Serial).marks...)
	if gtin != "" && gtin != b.gtin {
		e.Genuine, e.Reason, e.Text = false, "gtin_mismatch", "码值是真的，但网址里的商品条码 "+gtin+" 不是它的商品 ("+b.gtin+")"
	}
	return e, nil
}
