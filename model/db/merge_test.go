package db

import (
	"context"
	"sync"
	"testing"

	"siyu/model/fault"
)

type number struct{ in, out int }

func TestMergerRunsWhatWaitsTogether(t *testing.T) {
	gate, sizes := make(chan struct{}), make(chan int, 100)
	m := NewMerger(&DB{driver: SQLite}, func(_ context.Context, jobs []*number) {
		sizes <- len(jobs)
		<-gate
		for _, j := range jobs {
			j.out = 2 * j.in
		}
	})
	var wg sync.WaitGroup
	do := func(in int) {
		wg.Go(func() {
			j := &number{in: in}
			if err := m.Do(context.Background(), j); err != nil || j.out != 2*in {
				t.Errorf("%d: %+v %v", in, j, err)
			}
		})
	}
	do(1)
	if n := <-sizes; n != 1 {
		t.Fatalf("a job waited for others: %d", n)
	}
	for i := range mergeMost + 10 {
		do(i)
	}
	for waiting := 0; waiting < mergeMost+10; { // until all of them wait
		m.mu.Lock()
		waiting = len(m.queue)
		m.mu.Unlock()
	}
	close(gate)
	wg.Wait()
	if a, b := <-sizes, <-sizes; a != mergeMost || b != 10 {
		t.Errorf("runs of %d and %d", a, b)
	}
	for working := 1; working != 0; { // answers come before the goroutine goes; it must go
		m.mu.Lock()
		working = m.working
		if m.queue != nil {
			t.Errorf("%d wait", len(m.queue))
		}
		m.mu.Unlock()
	}
}

func TestMergerAnswersEverybodyWhateverHappens(t *testing.T) {
	ran := 0
	m := NewMerger(&DB{driver: MySQL}, func(_ context.Context, jobs []*number) {
		ran += len(jobs)
		if jobs[0].in == 13 {
			panic("unlucky")
		}
	})
	if err := m.Do(context.Background(), &number{in: 13}); fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("after a panic: %v", err)
	}
	if err := m.Do(context.Background(), &number{in: 1}); err != nil {
		t.Errorf("after a neighbour's panic: %v", err)
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	before := ran
	m.finish([]*waiter[number]{{ctx: gone, job: &number{}, done: make(chan struct{})}})
	if ran != before {
		t.Error("the job of somebody who had left was run")
	}
	if err := m.Do(gone, &number{in: 2}); fault.Of(err).Code != "timeout" {
		t.Errorf("left: %v", err)
	}
	full := &Merger[number]{queue: make([]*waiter[number], waitMost)}
	if err := full.Do(context.Background(), &number{}); fault.KindOf(err) != fault.Throttled {
		t.Errorf("one too many: %v", err)
	}
}
