package replay_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/replay"
)

func TestDo(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := replay.New(d)
		runs := 0
		call := func(key, input string, status int, err error) (int, string, bool, error) {
			st, ans, again, e := s.Do(ctx, "op:1:POST /x", key, []byte(input), func() (int, []byte, error) {
				runs++
				return status, []byte("answer to " + input), err
			})
			return st, string(ans), again, e
		}
		t.Run("the second call gets the first answer and runs nothing", func(t *testing.T) {
			runs = 0
			_, _, _, _ = call("k1", "in", 201, nil)
			st, ans, again, err := call("k1", "in", 500, nil)
			if st != 201 || ans != "answer to in" || !again || err != nil || runs != 1 {
				t.Fatal(st, ans, again, err, runs)
			}
		})
		t.Run("the same key with other input is refused", func(t *testing.T) {
			if _, _, _, err := call("k1", "other", 200, nil); fault.Of(err).Code != "key_reused" {
				t.Fatal(err)
			}
		})
		t.Run("failures are not kept", func(t *testing.T) {
			runs = 0
			boom := errors.New("boom")
			if _, _, _, err := call("k2", "in", 0, boom); !errors.Is(err, boom) {
				t.Fatal(err)
			}
			_, _, _, _ = call("k2", "in", 503, nil)
			if st, _, again, err := call("k2", "in", 200, nil); st != 200 || again || err != nil || runs != 3 {
				t.Fatal(st, again, err, runs)
			}
		})
		t.Run("old answers are forgotten, young ones are not", func(t *testing.T) {
			clk.Advance(time.Hour)
			_, _, _, _ = call("young", "in", 200, nil)
			if n, err := s.Prune(ctx, clk.Now().Add(-time.Minute), 100); err != nil || n == 0 {
				t.Fatal(n, err)
			}
			if _, _, again, _ := call("young", "in", 200, nil); !again {
				t.Fatal("a young answer was forgotten")
			}
			if _, _, again, _ := call("k1", "other", 200, nil); again {
				t.Fatal("an old answer was kept")
			}
		})
		t.Run("of many calls at once one runs and all get its answer", func(t *testing.T) {
			var ran atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					st, ans, _, err := s.Do(ctx, "op:1:POST /x", "at once", []byte("in"), func() (int, []byte, error) {
						return 201, fmt.Appendf(nil, "run %d", ran.Add(1)), nil
					})
					if st != 201 || string(ans) != "run 1" || err != nil {
						t.Error(st, string(ans), err)
					}
				})
			}
			wg.Wait()
			if ran.Load() != 1 {
				t.Fatalf("%d ran", ran.Load())
			}
		})
		t.Run("a call that panics leaves its key free", func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				_, _, _, _ = s.Do(ctx, "op:1:POST /x", "panic", []byte("in"), func() (int, []byte, error) { panic("no") })
			}()
			if st, _, again, err := call("panic", "in", 200, nil); st != 200 || again || err != nil {
				t.Fatal(st, again, err)
			}
		})
		t.Run("the key of a process that died is busy for a while, then free", func(t *testing.T) {
			sum := sha256.Sum256([]byte("in"))
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO replay (scope, idem_key, input_hash, status, answer, created_at) VALUES ('op:1:POST /x', 'dead', ?, 0, '', ?)",
					hex.EncodeToString(sum[:]), clk.Now()).Error
			}); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := call("dead", "other", 200, nil); fault.Of(err).Code != "key_reused" {
				t.Fatal(err)
			}
			short, cancel := context.WithTimeout(ctx, 3*time.Second) // cuts the waiting short, and is enough to look on a slow machine
			defer cancel()
			if _, _, _, err := s.Do(short, "op:1:POST /x", "dead", []byte("in"), nil); fault.Of(err).Code != "key_busy" {
				t.Fatal(err)
			}
			clk.Advance(2 * time.Minute)
			if st, _, again, err := call("dead", "in", 200, nil); st != 200 || again || err != nil {
				t.Fatal(st, again, err)
			}
			if _, _, again, err := call("dead", "in", 200, nil); !again || err != nil {
				t.Fatal(again, err)
			}
		})
	})
}
