package reach

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/identity"
)

// Everybody is judged in two goes, each over tables in the order in which they are stored.
// First all openids of an account, by ranges of openids: what each use says of each is
// judged (contact) and kept for its person, a byte each. Then all humans, by ranges of
// members: what concerns the human is read, and what his openids say is looked up. It
// takes about 20 bytes and one per use for each person with an openid.

// bulkPage is how many openids, or members, are read at once.
const bulkPage = 2000

// bulk is what openids and telephone numbers say of people.
type bulk struct {
	near  []string
	slots []int // by use: its first column; of Subscribe there is one more for each message to come that names people
	width int
	mu    sync.Mutex
	rows  map[id.ID]int32 // by person
	each  []uint8         // 0: possible; n: the n-th of near; unknown
	none  []uint8
	heads [][]*human // by use and column: somebody whom so many of these messages name
}

const unknown = 255

// newBulk makes columns for the uses of blank facts.
func newBulk(f *facts) *bulk {
	b := &bulk{near: nearness(), rows: map[id.ID]int32{}}
	for _, u := range f.ask.Uses {
		b.slots = append(b.slots, b.width)
		h := &human{}
		heads := []*human{h}
		if u.Channel == Subscribe {
			for _, w := range f.wants {
				if w.Members > 0 && w.AccountID == u.AccountID && w.TemplateID == u.TemplateID {
					next := &human{wanted: map[id.ID]bool{w.RefID: true}}
					for ref := range h.wanted {
						next.wanted[ref] = true
					}
					h, heads = next, append(heads, next)
				}
			}
		}
		b.heads = append(b.heads, heads)
		b.width += len(heads)
	}
	b.none = slices.Repeat([]uint8{unknown}, b.width)
	return b
}

// put keeps the nearest of what was said of a person. Called with the lock held.
func (b *bulk) put(person id.ID, column int, reason string) {
	row, there := b.rows[person]
	if !there {
		row = int32(len(b.rows))
		b.rows[person] = row
		b.each = append(b.each, b.none...)
	}
	code := uint8(slices.Index(b.near, reason) + 1)
	at := int(row)*b.width + column
	b.each[at] = min(b.each[at], code)
}

// of is what is known of a human by his persons.
func (b *bulk) of(known []uint8, person id.ID) []uint8 {
	row, there := b.rows[person]
	switch {
	case !there && known == nil:
		return b.none
	case !there:
		return known
	}
	own := b.each[int(row)*b.width : (int(row)+1)*b.width : (int(row)+1)*b.width]
	if known == nil {
		return own
	}
	both := slices.Clone(known)
	for i, code := range own {
		both[i] = min(both[i], code)
	}
	return both
}

// known is what was judged of a human's openids for a use.
func (f *facts) known(h *human, i int) (place, string) {
	u, at := f.ask.Uses[i], f.bulk.slots[i]
	if u.Channel == Subscribe {
		for _, w := range f.wants {
			if w.Members > 0 && w.AccountID == u.AccountID && w.TemplateID == u.TemplateID && h.wanted[w.RefID] {
				at++
			}
		}
	}
	switch code := h.known[at]; code {
	case 0:
		return place{contact: f.someone}, ""
	case unknown:
		return place{}, absent(u.Channel)
	default:
		return place{}, f.bulk.near[code-1]
	}
}

// blank are the facts of an ask that are of nobody.
func (s *Store) blank(tx *gorm.DB, a Ask) (*facts, error) {
	f, err := s.read(tx, a, nil, false)
	if err != nil {
		return nil, err
	}
	f.someone = &contact{}
	if err := f.standing(tx); err != nil {
		return nil, fmt.Errorf("reach: %w", err)
	}
	if err := f.coming(tx); err != nil {
		return nil, fmt.Errorf("reach: %w", err)
	}
	return f, nil
}

// page is blank facts for some people more.
func (f *facts) page() *facts {
	x := *f
	x.humans, x.roots, x.persons, x.dropped, x.opens = map[id.ID]*human{}, map[id.ID]id.ID{}, map[id.ID]id.ID{}, map[id.ID]bool{}, map[openKey]*contact{}
	return &x
}

// bulk judges all openids and telephone numbers for the uses of blank facts.
func (s *Store) bulk(ctx context.Context, f *facts) error {
	f.bulk = newBulk(f)
	accounts, byApp := f.accounts(Custom, Template, Subscribe, Mass)
	for app, account := range byApp {
		if slices.Contains(accounts, account) {
			if err := s.openIDs(ctx, f, app, account); err != nil {
				return err
			}
		}
	}
	for i, u := range f.ask.Uses {
		if u.Channel == SMS {
			return s.phones(ctx, f, i)
		}
	}
	return nil
}

// opened is one openid or telephone number.
type opened struct {
	Scope, Value string
	PersonID     id.ID
}

// openIDs judges those of an account.
func (s *Store) openIDs(ctx context.Context, f *facts, app string, account id.ID) error {
	var uses []int
	for i, u := range f.ask.Uses {
		if u.AccountID == account && u.Channel != WeCom {
			uses = append(uses, i)
		}
	}
	return side(ctx, func(ctx context.Context, hand func([]opened) error) error {
		for after := ""; ; {
			var keys []opened
			err := s.DB.Read(ctx).Raw("SELECT value, person_id FROM identity_key WHERE kind = ? AND scope = ? AND value > ? ORDER BY value LIMIT ?", identity.OpenID, app, after, s.page).Scan(&keys).Error
			if err != nil {
				return fmt.Errorf("reach: openids: %w", err)
			}
			if len(keys) == 0 {
				return nil
			}
			after = keys[len(keys)-1].Value
			if err := hand(keys); err != nil {
				return err
			}
		}
	}, func(ctx context.Context, keys []opened) error {
		x := f.page()
		x.between = &[2]string{keys[0].Value, keys[len(keys)-1].Value}
		for _, k := range keys {
			x.opens[openKey{account, k.Value}] = &contact{openID: k.Value}
		}
		if err := x.account(s.DB.Read(ctx), account, nil); err != nil {
			return fmt.Errorf("reach: openids: %w", err)
		}
		b := f.bulk
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, k := range keys {
			c := x.opens[openKey{account, k.Value}]
			for _, i := range uses {
				for j, h := range b.heads[i] {
					_, reason := x.contact(h, c, i)
					b.put(k.PersonID, b.slots[i]+j, reason)
				}
			}
		}
		return nil
	})
}

// phones notes who has a telephone number.
func (s *Store) phones(ctx context.Context, f *facts, use int) error {
	var scope, value string
	for {
		var keys []opened
		err := s.DB.Read(ctx).Raw("SELECT scope, value, person_id FROM identity_key WHERE kind = ? AND (scope > ? OR scope = ? AND value > ?) ORDER BY scope, value LIMIT ?", identity.Phone, scope, scope, value, s.page).Scan(&keys).Error
		if err != nil {
			return fmt.Errorf("reach: telephones: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		scope, value = keys[len(keys)-1].Scope, keys[len(keys)-1].Value
		for _, k := range keys {
			f.bulk.put(k.PersonID, f.bulk.slots[use], "")
		}
	}
}

// side lets parts that are made one after another be worked on side by side.
func side[T any](ctx context.Context, feed func(ctx context.Context, hand func(T) error) error, work func(ctx context.Context, part T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan T)
	var wg sync.WaitGroup
	for range min(setsWorkers, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for part := range parts {
				if err := work(ctx, part); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := feed(ctx, func(part T) error {
		select {
		case parts <- part:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(parts)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// standing reads what concerns whole channels.
func (f *facts) standing(tx *gorm.DB) error {
	accounts, names := []id.ID{}, []string{}
	for _, u := range f.ask.Uses {
		accounts, names = append(accounts, u.AccountID), append(names, u.Channel)
	}
	if slices.Contains(names, Mass) {
		names = append(names, massCalls)
	}
	if slices.Contains(names, SMS) { // text messages have no account: a brand's are counted under the brand
		accounts = append(accounts, f.ask.BrandID)
	}
	var stops []struct {
		AccountID id.ID
		Channel   string
		UntilAt   clock.Instant
	}
	if err := tx.Raw("SELECT account_id, channel, until_at FROM reach_stop WHERE account_id IN ? AND channel IN ? AND until_at > ?", accounts, names, f.ask.At).Scan(&stops).Error; err != nil {
		return err
	}
	for _, r := range stops {
		f.stops[key{r.AccountID, r.Channel}] = r.UntilAt
	}
	var used []struct {
		AccountID id.ID
		Channel   string
		Used      int64
	}
	if err := tx.Raw("SELECT account_id, channel, SUM(used) AS used FROM reach_quota WHERE account_id IN ? AND channel IN ? AND day_no = ? GROUP BY account_id, channel", accounts, names, clock.DayOf(f.ask.At)).Scan(&used).Error; err != nil {
		return err
	}
	for _, r := range used {
		f.used[key{r.AccountID, r.Channel}] = r.Used
	}
	return nil
}
