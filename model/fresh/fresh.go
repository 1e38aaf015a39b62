// Package fresh keeps rows that every request asks for, for a moment: the same row need
// not be read twenty thousand times a second. It owns no table. A change is seen within
// For, in every process.
package fresh

import (
	"context"
	"sync"
	"time"

	"siyu/model/clock"
)

// For is how long a row is kept.
const For = time.Second

// most rows are kept; then the cache begins anew.
const most = 10_000

// Cache loads by key. Faults of the loader are returned and not kept.
type Cache[K comparable, T any] struct {
	load func(ctx context.Context, key K) (T, error)
	clk  clock.Clock
	mu   sync.RWMutex
	rows map[K]row[T]
}

type row[T any] struct {
	value T
	at    clock.Instant
}

// New makes an empty cache. What it returns is shared: callers must not change it.
func New[K comparable, T any](clk clock.Clock, load func(context.Context, K) (T, error)) *Cache[K, T] {
	return &Cache[K, T]{load: load, clk: clk, rows: map[K]row[T]{}}
}

// Get returns a row that is at most For old.
func (c *Cache[K, T]) Get(ctx context.Context, key K) (T, error) {
	now := c.clk.Now()
	c.mu.RLock()
	r, ok := c.rows[key]
	c.mu.RUnlock()
	if age := now.Sub(r.at); ok && age >= 0 && age < For { // after a clock that jumped back nothing is fresh
		return r.value, nil
	}
	v, err := c.load(ctx, key)
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rows) >= most {
		clear(c.rows)
	}
	c.rows[key] = row[T]{v, now}
	return v, nil
}
