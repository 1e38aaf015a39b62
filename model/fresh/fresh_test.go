package fresh

import (
	"context"
	"errors"
	"testing"
	"time"

	"siyu/model/clock"
)

func TestCache(t *testing.T) {
	ctx, clk, loads := context.Background(), clock.NewFake(1_000_000), 0
	var away error
	c := New(clk, func(_ context.Context, key int) (int, error) {
		loads++
		return key * 10, away
	})
	get := func(key, wantLoads int) {
		t.Helper()
		if v, err := c.Get(ctx, key); err != nil || v != key*10 || loads != wantLoads {
			t.Errorf("%d: %d after %d loads, want %d; %v", key, v, loads, wantLoads, err)
		}
	}
	get(1, 1)
	get(1, 1)
	get(2, 2)
	clk.Advance(For - time.Millisecond)
	get(1, 2)
	clk.Advance(time.Millisecond)
	get(1, 3)
	clk.Advance(-time.Hour)
	get(1, 4)

	away = errors.New("away")
	clk.Advance(time.Minute)
	if _, err := c.Get(ctx, 1); !errors.Is(err, away) {
		t.Error(err)
	}
	away = nil
	get(1, 6) // the failure was not kept
	for key := range most + 1 {
		if _, err := c.Get(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.rows) > most {
		t.Errorf("%d rows are kept", len(c.rows))
	}
}
