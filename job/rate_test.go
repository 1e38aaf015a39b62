package job

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"siyu/model/clock"
)

const rail = "transfer:1900000001"

// crew is several processes that share one Redis and one clock, which a test moves.
type crew struct {
	mini  *miniredis.Miniredis
	at    time.Time
	skew  time.Duration // of the server's clock
	all   []*Rates
	log   bytes.Buffer
	used  []time.Time
	share []int
}

func newCrew(t *testing.T, processes int) *crew {
	t.Helper()
	c := &crew{mini: miniredis.RunT(t), at: time.Unix(1_800_000_000, 0), share: make([]int, processes)}
	c.mini.SetTime(c.at)
	for range processes {
		rdb := redis.NewClient(&redis.Options{Addr: c.mini.Addr(), MaxRetries: -1, DialTimeout: time.Second})
		t.Cleanup(func() { _ = rdb.Close() })
		r := NewRates(rdb, slog.New(slog.NewTextHandler(&c.log, nil)), func() time.Time { return c.at })
		r.answer = time.Minute // a slow machine is not an absent Redis
		c.all = append(c.all, r)
	}
	return c
}

func (c *crew) pass(d time.Duration) {
	c.at = c.at.Add(d)
	c.mini.SetTime(c.at.Add(c.skew))
}

// take lets a process ask once; a turn is used at its moment.
func (c *crew) take(process, perSecond int) (wait time.Duration, ok bool) {
	wait, ok = c.all[process].Turn(context.Background(), rail, perSecond)
	if ok {
		c.used = append(c.used, c.at.Add(wait))
		c.share[process]++
	}
	return wait, ok
}

// bounded fails when any window holds more turns than its share and one burst.
func (c *crew) bounded(t *testing.T, perSecond int) {
	t.Helper()
	slices.SortFunc(c.used, time.Time.Compare)
	burst := paceOf(perSecond).burst
	for i := range c.used {
		for j := i + burst + 1; j < len(c.used); j++ {
			window := c.used[j].Sub(c.used[i])
			if window > 3*time.Second {
				break
			}
			if most := window.Seconds()*float64(perSecond) + float64(burst) + 1; float64(j-i+1) > most+1e-6 {
				t.Fatalf("%d turns within %s, at most %.1f are right", j-i+1, window, most)
			}
		}
	}
}

func TestRatesShareOneLimitWhateverHappens(t *testing.T) {
	for _, perSecond := range []int{1, 7, 30, 100, 3000} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d a second, seed %d", perSecond, seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, uint64(perSecond)))
				c := newCrew(t, 1+rng.IntN(5))
				for range 1000 {
					switch p := rng.IntN(len(c.all)); rng.IntN(40) {
					case 0:
						c.mini.FlushAll() // Redis forgets everything
					case 1:
						c.pass(time.Duration(rng.Int64N(int64(2 * time.Second)))) // a quiet moment
					case 2: // a process dies with what it held
						c.all[p] = NewRates(c.all[p].rdb, c.all[p].log, c.all[p].now)
						c.all[p].answer = time.Minute
					case 3: // the server's clock goes back
						c.skew -= time.Duration(rng.Int64N(int64(5 * time.Second)))
						c.pass(0)
					default:
						c.take(p, perSecond)
						c.pass(time.Duration(rng.Int64N(int64(4 * time.Second / time.Duration(perSecond)))))
					}
				}
				c.bounded(t, perSecond)
			})
		}
	}
}

// queue lets every process work through an endless backlog with many hands for a while.
func (c *crew) queue(hands, perSecond int, lasts time.Duration) (refused int) {
	end := c.at.Add(lasts)
	type hand struct {
		process int
		free    time.Time
	}
	var all []hand
	for i := range hands * len(c.all) {
		all = append(all, hand{i % len(c.all), c.at})
	}
	for ; c.at.Before(end); c.pass(time.Millisecond) {
		for i := range all {
			if h := &all[i]; !h.free.After(c.at) {
				wait, ok := c.take(h.process, perSecond)
				if !ok {
					refused++
				}
				h.free = c.at.Add(wait)
			}
		}
	}
	return refused
}

func TestRates(t *testing.T) {
	t.Run("a backlog is paid at the whole rate, in fair parts, without crowding", func(t *testing.T) {
		const perSecond, seconds, processes = 100, 10, 4
		c := newCrew(t, processes)
		refused := c.queue(32, perSecond, seconds*time.Second)
		c.bounded(t, perSecond)
		if n := len(c.used); n < perSecond*(seconds-1) {
			t.Errorf("%d turns in %d s", n, seconds)
		}
		for p, n := range c.share {
			if n < len(c.used)/processes/2 {
				t.Errorf("process %d got %d of %d", p, n, len(c.used))
			}
		}
		if refused > 3*len(c.used) {
			t.Errorf("%d came in vain for %d turns", refused, len(c.used))
		}
	})
	t.Run("nobody waits longer than half a second; who would comes back later, one after the other", func(t *testing.T) {
		c := newCrew(t, 1)
		var last time.Duration
		back := 0
		for range 300 {
			wait, ok := c.take(0, 100)
			if ok && wait > ahead {
				t.Fatalf("waits %s", wait)
			}
			if !ok {
				if back++; wait <= last {
					t.Fatalf("comes back after %s, the one before after %s", wait, last)
				}
				last = wait
			}
		}
		if back < 200 || last > 4*time.Second {
			t.Errorf("%d come back, the last after %s", back, last)
		}
	})
	t.Run("a fast rail does not ask Redis for every packet", func(t *testing.T) {
		c := newCrew(t, 1)
		c.take(0, 5000)
		c.pass(time.Second)
		before := c.mini.CommandCount()
		for range 500 {
			if _, ok := c.take(0, 5000); !ok {
				t.Fatal("refused")
			}
		}
		if n := c.mini.CommandCount() - before; n > 40 { // 5 fetches, each several commands inside the script
			t.Errorf("%d commands for 500 packets", n)
		}
	})
	t.Run("without Redis a process pays one a second, says so once, and shares again afterwards", func(t *testing.T) {
		c := newCrew(t, 1)
		c.mini.SetError("LOADING")
		begin := c.at
		c.queue(8, 100, 20*time.Second)
		if n := len(c.used); n < 19 || n > 22 {
			t.Errorf("%d turns in 20 s", n)
		}
		if last := slices.MaxFunc(c.used, time.Time.Compare); last.Sub(begin) > 22*time.Second {
			t.Errorf("a turn %s after the beginning", last.Sub(begin))
		}
		c.mini.SetError("")
		c.used = nil
		c.queue(8, 100, 5*time.Second)
		if n := len(c.used); n < 200 {
			t.Errorf("%d turns in the 5 s after", n)
		}
		if s := c.log.String(); strings.Count(s, "is away") != 1 || strings.Count(s, "is back") != 1 {
			t.Error(s)
		}
	})
	t.Run("zero is no limit", func(t *testing.T) {
		c := newCrew(t, 1)
		for range 1000 {
			if wait, ok := c.take(0, 0); !ok || wait != 0 {
				t.Fatal(wait, ok)
			}
		}
	})
}

// TestRatesOnARealServer: what the script says in miniredis it says in Redis.
func TestRatesOnARealServer(t *testing.T) {
	addr := os.Getenv("SIYU_TEST_REDIS")
	if addr == "" {
		addr = miniredis.RunT(t).Addr()
	}
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	defer rdb.Close()
	name := fmt.Sprint("test:", rand.Uint64())
	defer rdb.Del(context.Background(), "siyu:{turns:"+name+"}")
	r := NewRates(rdb, slog.New(slog.DiscardHandler), clock.Wall)
	r.answer = time.Minute
	if wait, ok := r.Turn(context.Background(), name, 100); ok || wait < ahead {
		t.Fatalf("of a rate that nobody remembers a turn is given at once: %s", wait)
	}
	// As if nothing had been taken for long: a burst at once, and what half a second brings.
	if err := rdb.HSet(context.Background(), "siyu:{turns:"+name+"}", "last", 0).Err(); err != nil {
		t.Fatal(err)
	}
	granted := 0
	for ok := true; ok; granted++ {
		_, ok = r.Turn(context.Background(), name, 100)
	}
	if granted < 50 {
		t.Errorf("%d turns", granted)
	}
	if kept, err := rdb.HMGet(context.Background(), "siyu:{turns:"+name+"}", "last", "line").Result(); err != nil || kept[0] == nil || kept[1] == nil {
		t.Error(kept, err)
	}
	if ttl, err := rdb.TTL(context.Background(), "siyu:{turns:"+name+"}").Result(); err != nil || ttl <= 0 {
		t.Error("the key stays for ever", ttl, err)
	}
}
