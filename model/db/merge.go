package db

import (
	"context"
	"fmt"
	"sync"
	"time"

	"siyu/model/fault"
)

// Limits of merging.
const (
	mergeMost = 256   // jobs of one run
	waitMost  = 20000 // jobs that wait; more are refused at once
	// runFor bounds one run. It does not depend on any one caller's deadline: a caller
	// who left must not fail his neighbours.
	runFor = 15 * time.Second
)

// Merger lets writes that wait be written together (group commit): run gets all of them
// and commits once. There is no timer and no idle goroutine: a job that finds nobody at
// work is run at once, and what arrives meanwhile goes into the next run. So nothing is
// delayed when it is quiet, and the runs grow by themselves when it is not.
type Merger[J any] struct {
	run  func(ctx context.Context, jobs []*J)
	most int // runs at once

	mu      sync.Mutex
	queue   []*waiter[J]
	working int
}

type waiter[J any] struct {
	ctx  context.Context
	job  *J
	err  error
	done chan struct{}
}

// NewMerger makes a merger for a database. run brings each job to its outcome, which it
// writes into the job; it gets no job twice, and none whose caller had left before.
func NewMerger[J any](d *DB, run func(ctx context.Context, jobs []*J)) *Merger[J] {
	m := &Merger[J]{run: run, most: 1}
	if d.driver == MySQL {
		m.most = 2 // while one waits for the server, the other prepares
	}
	return m
}

// Do puts a job into the next run and returns when it has its outcome. Faults: Throttled
// busy; Unavailable timeout, when the caller's patience ended: the job may still be done,
// and must not be read any more; Internal after a panic.
func (m *Merger[J]) Do(ctx context.Context, job *J) error {
	w := &waiter[J]{ctx: ctx, job: job, done: make(chan struct{})}
	m.mu.Lock()
	if len(m.queue) >= waitMost {
		m.mu.Unlock()
		return fault.New(fault.Throttled, "busy", "参与的人太多，请稍后再试")
	}
	m.queue = append(m.queue, w)
	if m.working < m.most {
		m.working++
		go m.work()
	}
	m.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
	}
}

func (m *Merger[J]) work() {
	for batch := m.take(); batch != nil; batch = m.take() {
		m.finish(batch)
	}
}

// take returns what is run next, or nothing when the goroutine may go.
func (m *Merger[J]) take() []*waiter[J] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.working--
		return nil
	}
	n := min(len(m.queue), mergeMost)
	batch := m.queue[:n:n]
	if m.queue = m.queue[n:]; len(m.queue) == 0 {
		m.queue = nil // let go of the array
	}
	return batch
}

// finish runs a batch. A panic must not leave callers waiting for ever.
func (m *Merger[J]) finish(batch []*waiter[J]) {
	defer func() {
		p := recover()
		for _, w := range batch {
			if p != nil && w.err == nil {
				w.err = fault.New(fault.Internal, "internal", "系统开小差了，请稍后再试").Because(fmt.Errorf("merged run panicked: %v", p))
			}
			close(w.done)
		}
	}()
	jobs := make([]*J, 0, len(batch))
	for _, w := range batch {
		if err := w.ctx.Err(); err != nil { // gave up while it waited
			w.err = fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(err)
			continue
		}
		jobs = append(jobs, w.job)
	}
	if len(jobs) == 0 {
		return
	}
	// Values of one caller's context (request id) would mislead; none is taken.
	ctx, cancel := context.WithTimeout(context.Background(), runFor)
	defer cancel()
	m.run(ctx, jobs)
}

// Together lets run bring a whole batch to its end. What went wrong with all of them is
// tried again with each alone, so that a job that cannot be written never fails its
// neighbours; failed hears of those. Unavailable concerns all alike: the database is away
// or the outcome is unknown, and repeating would not find out.
func Together[J any](batch []*J, run func(batch []*J) error, failed func(job *J, err error)) {
	err := run(batch)
	if err == nil {
		return
	}
	if len(batch) > 1 && fault.KindOf(err) != fault.Unavailable {
		for _, j := range batch {
			Together([]*J{j}, run, failed)
		}
		return
	}
	for _, j := range batch {
		failed(j, err)
	}
}
