// Package health knows how each WeChat account is (账号健康): what its calls came to, what
// went wrong last and what to do about it, whether WeChat reaches us, how long its
// certificate is good.
//
// It owns the table account_call. Calls are counted in memory and written by heaps (Flush):
// a call must not wait for a row. What is lost with a process are a few seconds of counts.
package health

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Callback is the name under which what WeChat sends to us is counted.
const Callback = "callback"

// Store counts and tells.
type Store struct {
	db     *db.DB
	brands *brand.Store
	tokens *brand.Tokens

	mu   sync.Mutex
	heap map[key]count
	ids  map[account]id.ID // known accounts; 0: nobody's
}

type account struct{ kind, appID string }

type key struct {
	account
	day  clock.Day
	name string
}

type count struct {
	done, failed    int64
	goodAt, badAt   clock.Instant
	badCode, badWhy string
}

// New makes a store.
func New(d *db.DB, brands *brand.Store, tokens *brand.Tokens) *Store {
	return &Store{db: d, brands: brands, tokens: tokens, heap: map[key]count{}, ids: map[account]id.ID{}}
}

// most bounds the heap between two flushes: names come from our own code, accounts from
// configuration, so it is far from being reached.
const most = 2000

// Note counts one call. code is empty when it went well. It never blocks on the database.
func (s *Store) Note(kind, appID, name, code, why string) {
	now := s.db.Now()
	k := key{account{kind, appID}, clock.DayOf(now), name}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, there := s.heap[k]
	if !there && len(s.heap) >= most {
		return
	}
	if code == "" {
		n.done++
		n.goodAt = now
	} else {
		n.failed++
		n.badAt, n.badCode, n.badWhy = now, cut(code, 64), cut(why, 300)
	}
	s.heap[k] = n
}

// cut shortens to so many characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n])
}

// Flush writes what was counted. What cannot be written is kept for the next time.
func (s *Store) Flush(ctx context.Context) error {
	s.mu.Lock()
	heap := s.heap
	s.heap = map[key]count{}
	s.mu.Unlock()
	for k, n := range heap {
		if err := s.write(ctx, k, n); err != nil {
			s.restore(heap)
			return fmt.Errorf("health: %w", err)
		}
		delete(heap, k)
	}
	return nil
}

func (s *Store) restore(heap map[key]count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, old := range heap {
		n := s.heap[k]
		n.done, n.failed = n.done+old.done, n.failed+old.failed
		n.goodAt = max(n.goodAt, old.goodAt)
		if old.badAt > n.badAt {
			n.badAt, n.badCode, n.badWhy = old.badAt, old.badCode, old.badWhy
		}
		s.heap[k] = n
	}
}

func (s *Store) write(ctx context.Context, k key, n count) error {
	accountID, err := s.accountID(ctx, k.account)
	if err != nil || accountID == 0 {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO account_call (account_id, day, name, done, failed, good_at, bad_at, bad_code, bad_text) VALUES (?,?,?,0,0,0,0,'','')"+s.db.Once("name"), accountID, k.day, k.name)
		if r.Error != nil {
			return r.Error
		}
		// Two processes write the same row: counts add up, the later trouble stays.
		set := "done = done + ?, failed = failed + ?, good_at = CASE WHEN good_at < ? THEN ? ELSE good_at END"
		args := []any{n.done, n.failed, n.goodAt, n.goodAt}
		if n.badAt > 0 {
			// bad_at comes last: MySQL assigns from left to right, and the others compare with it.
			set += ", bad_code = CASE WHEN bad_at < ? THEN ? ELSE bad_code END, bad_text = CASE WHEN bad_at < ? THEN ? ELSE bad_text END, bad_at = CASE WHEN bad_at < ? THEN ? ELSE bad_at END"
			args = append(args, n.badAt, n.badCode, n.badAt, n.badWhy, n.badAt, n.badAt)
		}
		return tx.Exec("UPDATE account_call SET "+set+" WHERE account_id = ? AND day = ? AND name = ?", append(args, accountID, k.day, k.name)...).Error
	})
}

// accountID finds the row of an account once; accounts are never deleted or renamed.
func (s *Store) accountID(ctx context.Context, a account) (id.ID, error) {
	s.mu.Lock()
	known, there := s.ids[a]
	s.mu.Unlock()
	if there {
		return known, nil
	}
	found, err := s.brands.AccountByApp(ctx, a.kind, a.appID)
	if err != nil {
		return 0, ignoreMissing(err)
	}
	s.mu.Lock()
	s.ids[a] = found.ID
	s.mu.Unlock()
	return found.ID, nil
}

// Call is how one interface of an account went.
type Call struct {
	Name        string        `json:"call"`
	Title       string        `json:"title"` // zh-CN
	Today       int64         `json:"today"`
	FailedToday int64         `json:"failed_today"`
	Quota       int64         `json:"quota"` // WeChat's documented limit per day; 0: none known
	GoodAt      clock.Instant `json:"good_at"`
	BadAt       clock.Instant `json:"bad_at"`
	Error       string        `json:"error"` // the last one of the last days, "" when there was none
	code        string
}

// lookBack is how many days of calls are looked at, and kept after.
const lookBack = 14

type callRow struct {
	AccountID        id.ID
	Day              clock.Day
	Name             string
	Done, Failed     int64
	GoodAt, BadAt    clock.Instant
	BadCode, BadText string
}

// calls reads the calls of accounts within the last days, one line per name, the most used
// of today first.
func (s *Store) calls(ctx context.Context, accounts []id.ID) (map[id.ID][]Call, error) {
	today := clock.DayOf(s.db.Now())
	var rows []callRow
	err := s.db.Read(ctx).Raw("SELECT account_id, day, name, done, failed, good_at, bad_at, bad_code, bad_text FROM account_call WHERE account_id IN ? AND day >= ? ORDER BY account_id, name, day",
		accounts, today.AddDays(-lookBack)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("health: calls: %w", err)
	}
	out := map[id.ID][]Call{}
	for _, r := range rows {
		list := out[r.AccountID]
		if len(list) == 0 || list[len(list)-1].Name != r.Name {
			list = append(list, Call{Name: r.Name, Title: titleOf(r.Name), Quota: quotas()[r.Name]})
		}
		c := &list[len(list)-1]
		if r.Day == today {
			c.Today, c.FailedToday = r.Done+r.Failed, r.Failed
		}
		c.GoodAt = max(c.GoodAt, r.GoodAt)
		if r.BadAt > c.BadAt {
			c.BadAt, c.code = r.BadAt, r.BadCode
			c.Error = r.BadCode + " " + r.BadText
		}
		out[r.AccountID] = list
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b Call) int { return int(min(max(b.Today-a.Today, -1), 1)) })
	}
	return out, nil
}

// Purge forgets days that nobody looks at any more; at most so many rows at once.
func (s *Store) Purge(ctx context.Context) error {
	old := clock.DayOf(s.db.Now()).AddDays(-2 * lookBack)
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM account_call WHERE day < ?", old).Error
	})
}

// FlushEvery is how old what a page shows may be.
const FlushEvery = 3 * time.Second
