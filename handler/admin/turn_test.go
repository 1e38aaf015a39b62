package admin

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneInALineWorksAtATime(t *testing.T) {
	line := make(chan struct{}, 1)
	var inside, most, worked atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			done, err := turn(context.Background(), line)
			if err != nil {
				t.Error(err)
				return
			}
			defer done()
			if n := inside.Add(1); n > most.Load() {
				most.Store(n)
			}
			worked.Add(1)
			inside.Add(-1)
		})
	}
	all.Wait()
	if most.Load() != 1 || worked.Load() != 50 {
		t.Fatalf("%d at once, %d worked", most.Load(), worked.Load())
	}
}

func TestWhoLeavesTheLineHasNoTurn(t *testing.T) {
	line := make(chan struct{}, 1)
	done, err := turn(context.Background(), line)
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := turn(gone, line); err == nil {
		t.Fatal("somebody works who is gone")
	}
	done()
	if done, err = turn(context.Background(), line); err != nil {
		t.Fatal("the place of who left is taken for ever", err)
	}
	done()
}
