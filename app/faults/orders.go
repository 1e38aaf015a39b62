package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Places to die at, by the part of the program that passes them; model/fail says how
// they are named. Rare ones are passed a few times in an hour: the first will do.
var (
	webPlaces = []string{
		"commit.before@model/claim", "commit.after@model/claim", "commit.before@model/scan", "commit.after@model/scan",
		"commit.before@model/identity", "commit.after@model/identity", "commit.before@model/member", "commit.after@model/member",
		"commit.before@model/notice.(*Store).storeAll", "commit.after@model/notice.(*Store).storeAll", "login.before", "login.after",
	}
	workPlaces = []string{
		"commit.before@model/redpacket.(*Store).move", "commit.after@model/redpacket.(*Store).move", "send.before", "send.after", "ask.before", "ask.after",
		"enqueue.before", "enqueue.after",
		"commit.before@model/outbox.(*Store).MarkSent", "commit.after@model/outbox.(*Store).MarkSent",
		"commit.before@model/outbox.(*Store).report", "commit.after@model/outbox.(*Store).report", "commit.after@model/outbox.(*Store).Requeue",
		"commit.before@model/notice.(*Store).endAll", "commit.after@model/notice.(*Store).endAll", "commit.before@model/export", "commit.after@model/export",
		"commit.before@model/push", "commit.after@model/push", "push.taken", "push.before", "push.after", "push.called", "push.back@job", "push.backed@job",
	}
)

// outward are the calls that may hang.
var outward = []string{"send.before", "send.after", "ask.before", "ask.after", "push.before", "push.after", "push.back@job", "push.backed@job"}

// deck deals places so that each comes as often as any other.
type deck struct {
	places []string
	next   int
}

func newDeck(r *rand.Rand, places []string) *deck {
	d := &deck{places: slices.Clone(places)}
	r.Shuffle(len(places), func(i, j int) { d.places[i], d.places[j] = d.places[j], d.places[i] })
	return d
}

func (d *deck) deal() string {
	d.next++
	return d.places[d.next%len(d.places)]
}

func rare(place string) bool {
	return strings.Contains(place, "model/export") || strings.Contains(place, "Requeue") || strings.Contains(place, "notice.(*Store).endAll") || strings.HasPrefix(place, "push.back")
}

// drawKill kills a process and tells the next one what to do: to die at a place or at
// random, and, if it pays, to hear no time limit and to hang in calls to WeChat until
// another worker has begun with the same payout.
func drawKill(t *town, r *rand.Rand, web, work *deck) deed {
	kinds := map[string][]*deck{"web": {web}, "work": {work}, "serve": {web, work}}
	n, mode, passage := r.IntN(len(t.fleet())), r.IntN(10), 1+r.IntN(4)
	var orders []string
	kind := t.fleet()[n]
	switch decks := kinds[kind]; {
	case mode < 7:
		place := decks[r.IntN(len(decks))].deal()
		if rare(place) {
			passage = 1
		}
		orders = append(orders, fmt.Sprintf("%s:%d", place, passage))
	case mode < 9:
		orders = append(orders, fmt.Sprintf("random:%.5f:%d", 0.0005+r.Float64()*0.004, r.Uint64()))
	}
	if hang := fmt.Sprintf("deaf,stall:%s:%d:%d", outward[r.IntN(len(outward))], 1+r.IntN(6), 5000+r.IntN(4000)); r.IntN(3) == 0 && kind != "web" {
		orders = append(orders, hang)
	}
	return func(_ context.Context, t *town) bool { return t.procs[n].kill(strings.Join(orders, ",")) }
}
