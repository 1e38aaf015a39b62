package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

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
			if err := s.Prune(ctx, clk.Now().Add(-time.Minute), 100); err != nil {
				t.Fatal(err)
			}
			if _, _, again, _ := call("young", "in", 200, nil); !again {
				t.Fatal("a young answer was forgotten")
			}
			if _, _, again, _ := call("k1", "other", 200, nil); again {
				t.Fatal("an old answer was kept")
			}
		})
	})
}
