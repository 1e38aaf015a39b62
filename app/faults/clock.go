package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"siyu/model/clock"
)

// skewed is the town's clock: the machine's plus what was done to it. Simulator, driver
// and (through a file of 8 bytes, see model/fail) every process read the same.
type skewed struct {
	file *os.File
	off  atomic.Int64 // milliseconds
}

func newSkewed(path string) (*skewed, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s := &skewed{file: f}
	return s, s.jump(0)
}

// Now implements clock.Clock.
func (s *skewed) Now() clock.Instant {
	return clock.System().Now().Add(time.Duration(s.off.Load()) * time.Millisecond)
}

// jump moves the clock of everybody at once, forward or back.
func (s *skewed) jump(d time.Duration) error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(s.off.Add(d.Milliseconds())))
	if _, err := s.file.WriteAt(b[:], 0); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

// toMidnight is how long it is until the next business day begins in Shanghai.
func (s *skewed) toMidnight() time.Duration {
	now := s.Now()
	_, midnight := clock.DayOf(now).Bounds()
	return midnight.Sub(now)
}

// pause waits, or tells that ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// eventually asks until the answer is yes, within a limit.
func eventually(ctx context.Context, limit, every time.Duration, ask func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !ask() {
		if !pause(ctx, every) {
			return false
		}
	}
	return true
}
