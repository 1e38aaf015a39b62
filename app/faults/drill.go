package main

import (
	"context"
	"slices"
	"time"

	"siyu/wechat/simulator"
)

// drill is a short script without chance that meets every guard which can be left out
// (model/fail.Broken), so that a build without it is caught for sure and the whole
// build is not:
//
//	guard    a worker that sends without asking first: accepted packets come up again
//	bill     a fresh number for a repetition: WeChat pays, then the line is dead
//	twice    what is heard twice is booked twice: a worker dies before it marks a notice
//	again    a message is sent again whose answer was lost: it is on the phone twice
//	enqueue  a wake-up outside the claim's transaction: a web process dies before commit
//
// The staff's part (drillStaff) meets three more, and the one that sends again:
//
//	back     a task of the staff is said to be taken back before WeCom is called: a worker dies between
//	stop     a stopped push goes on: the next day its other people get tasks
//	sent     whom the staff had sent it to counts as if he had not got it
//
// It lasts until all of that has happened, however slow the machine is.
func drill(*town) []event { return script(deaths, lostAnswers) }

// drillStaff is the part about tasks of the staff.
func drillStaff(*town) []event { return script(takenBack) }

// drillAll is both. One after the other: each tells processes where to die.
func drillAll(*town) []event {
	return script(func(ctx context.Context, t *town) bool { return deaths(ctx, t) && takenBack(ctx, t) }, lostAnswers)
}

// script has the deeds begin soon after one another, while time passes fast, so that what waits
// for some seconds is seen, and WeChat's answers to payouts are lost.
func script(list ...deed) []event {
	var out []event
	for n := range int(drillLasts / time.Second) {
		at := time.Duration(n) * time.Second
		out = append(out, event{at, "clock jumps", func(_ context.Context, t *town) bool { return t.must(t.clk.jump(20 * time.Second)) }},
			event{at, "misfortune at WeChat", func(_ context.Context, t *town) bool { return t.lose("payout", 2) }})
	}
	for n, do := range list {
		out = append(out, event{1300*time.Millisecond + time.Duration(n)*200*time.Millisecond, "drill", do})
	}
	slices.SortStableFunc(out, func(a, b event) int { return int(a.at - b.at) })
	return out
}

// lose has WeChat do what it is asked and not answer.
func (t *town) lose(call string, count int) bool {
	return t.must(t.sim.SetMisfortune(simulator.Misfortune{Call: call, Kind: "commit_then_drop", Count: count}))
}

// deaths kills siyu where a notice is about to be marked and where a claim is about to be
// committed, twice each.
func deaths(ctx context.Context, t *town) bool {
	const notice, claim = "commit.before@model/notice.(*Store).endAll", "commit.before@model/claim"
	places := []string{notice, claim, notice, claim}
	for _, place := range places {
		before := t.tally.begins("killed at " + place)
		for _, p := range t.procs {
			if of := map[string]string{"web": claim, "work": notice, "serve": place}[p.args[0]]; of == place {
				p.kill(place + ":2")
			}
		}
		eventually(ctx, drillPatience, 50*time.Millisecond, func() bool { return t.tally.begins("killed at "+place) > before })
	}
	return true
}

// lostAnswers begins a push of which some answers are lost; then WeChat is busy (-1), and then
// the day's calls are used up (45009), until midnight.
func lostAnswers(ctx context.Context, t *town) bool {
	done := t.lose("custom.send", 6)
	for _, code := range []string{"-1", "45009"} {
		done = t.must(t.sim.SetMisfortune(simulator.Misfortune{Call: "custom.send", Kind: "unknown_code", Code: code})) && done
	}
	for begun := false; !begun; {
		_, err := t.fans.begin(ctx, t.brand.ID, "到店通知")
		if begun = err == nil; !begun && !pause(ctx, 100*time.Millisecond) {
			return false
		}
	}
	return done && eventually(ctx, drillPatience, 100*time.Millisecond, func() bool { return t.sim.Suffered()["custom.send unknown_code 45009"] == 1 })
}

const (
	drillLasts = 8 * time.Second
	// drillPatience is how long the drill waits for one thing to happen. A build that lacks a
	// guard may never come to it.
	drillPatience = 30 * time.Second
)
