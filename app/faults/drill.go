package main

import (
	"context"
	"fmt"
	"time"

	"siyu/model/db"
	"siyu/wechat/simulator"
)

// drill is a short script without chance that meets every guard which can be left out
// (model/fail.Broken), so that a build without it is caught for sure and the whole
// build is not:
//
//	guard    a worker that sends without asking first: accepted packets come up again
//	bill     a fresh number for a repetition: WeChat pays, then the line is dead
//	twice    what is heard twice is booked twice: a worker dies before it marks a notice
//	enqueue  a wake-up outside the claim's transaction: a web process dies before commit
func drill(*town) []event {
	var out []event
	add := func(at time.Duration, what string, do deed) {
		out = append(out, event{at, what, do})
	}
	for n := range 8 {
		at := time.Duration(n) * time.Second
		add(at, "clock jumps", func(_ context.Context, t *town) bool { return t.must(t.clk.jump(20 * time.Second)) })
		add(at, "misfortune at WeChat", func(_ context.Context, t *town) bool {
			return t.must(t.sim.SetMisfortune(simulator.Misfortune{Call: "payout", Kind: "commit_then_drop", Count: 2}))
		})
		if n%2 == 0 {
			continue
		}
		add(at+300*time.Millisecond, "kill -9", func(_ context.Context, t *town) bool {
			for _, p := range t.procs {
				place := map[string]string{"web": "commit.before@model/claim", "work": "commit.before@model/notice.(*Store).endAll"}[p.args[0]]
				if t.engine == db.SQLite {
					place = []string{"commit.before@model/notice.(*Store).endAll", "commit.before@model/claim"}[n/2%2]
				}
				p.kill(fmt.Sprintf("%s:%d", place, 2))
			}
			return true
		})
	}
	return out
}

const drillLasts = 8 * time.Second
