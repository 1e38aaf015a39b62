package id_test

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

func TestSpansHoldTheIdsOfTheirTimeAndNoOthers(t *testing.T) {
	start := clock.From(time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC))
	for name, make := range map[string]func(clock.Clock, int) *id.Source{"single": id.NewSingleSource, "sharded": id.NewSource} {
		t.Run(name, func(t *testing.T) {
			clk := clock.NewFake(start)
			src := make(clk, 4095)
			in := func(spans []id.Span, v id.ID) (n int) {
				for _, s := range spans {
					if v >= s.From && v < s.Until {
						n++
					}
				}
				return n
			}
			for range 50 {
				from := clk.Now()
				clk.Advance(40 * time.Millisecond)
				before, now, after := id.Spans(from, clk.Now(), name == "single"), clk.Now(), clk.Now().Add(40*time.Millisecond)
				current, next := id.Spans(now, after, name == "single"), id.Spans(after, after.Add(time.Hour), name == "single")
				for range 33 {
					v := src.Next()
					if in(current, v) != 1 || in(before, v) != 0 || in(next, v) != 0 {
						t.Fatalf("%d, made at %s: %d %d %d", v, now, in(before, v), in(current, v), in(next, v))
					}
				}
			}
		})
	}
	if s := id.Spans(0, start, true); s[0].From != 0 || s[0].Until == 0 {
		t.Error("before the first tick:", s)
	}
}

func TestBeforeHoldsWhatComesBeforeInTheOrderOfTimeAndNothingElse(t *testing.T) {
	start := clock.From(time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC))
	for name, make := range map[string]func(clock.Clock, int) *id.Source{"single": id.NewSingleSource, "sharded": id.NewSource} {
		t.Run(name, func(t *testing.T) {
			clk, single := clock.NewFake(start), name == "single"
			src := make(clk, 7)
			var all []id.ID
			for i := range 300 {
				clk.Advance(time.Duration(i%3) * 3 * time.Millisecond) // several in one tick
				all = append(all, src.Next())
			}
			for _, last := range all {
				spans := id.Before(last, start, single)
				for _, v := range all {
					n := 0
					for _, s := range spans {
						if v >= s.From && v < s.Until {
							n++
						}
					}
					if want := id.Compare(v, last, single) < 0; (n == 1) != want || n > 1 {
						t.Fatalf("%d before %d: in %d ranges, want %v", v, last, n, want)
					}
				}
			}
		})
	}
}
