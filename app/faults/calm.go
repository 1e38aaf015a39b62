package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"siyu/model/clock"
)

// calm ends the storm and waits, within a limit, until nothing is under way: every tap
// has its answer, every payout its end. Time passes quickly meanwhile: minutes first,
// for everything that was put off, then days, for packets that nobody takes.
func (t *town) calm(ctx context.Context, limit time.Duration) (rested bool) {
	t.repair(ctx)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	work, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() { t.stubborn(work) })
	for range 2 {
		wg.Go(func() {
			for pause(work, 10*time.Millisecond) {
				t.people.look(work)
			}
		})
	}
	began, days, quiet := clock.System().Now(), false, 0
	for pause(ctx, 400*time.Millisecond) {
		t.resumeAll(ctx)
		t.desk.stopAll(ctx, t)
		t.desk.press(t)
		n, err := t.underWay(ctx)
		if err != nil {
			continue
		}
		if n.total() == 0 && len(t.people.unanswered()) == 0 {
			if quiet++; quiet == 1 {
				t.quietAt = t.clk.Now()
				t.finish(ctx)
			} else if quiet > 2 {
				return true
			}
			continue
		}
		quiet = 0
		step := 90 * time.Second
		switch waited := clock.System().Now().Sub(began); {
		case !days && (n.Moving == 0 && len(t.people.unanswered()) == 0 && waited > 3*time.Second || waited > limit/2):
			days, step = true, 25*time.Hour
		case days:
			step = 2 * time.Hour
		}
		t.must(t.clk.jump(step))
		t.sim.Expire(t.clk.Now().Time())
	}
	return false
}

// repair undoes what the storm did and starts every process afresh, without orders.
func (t *town) repair(ctx context.Context) {
	t.resume()
	for _, s := range []*server{t.maria, t.redis} {
		if s != nil {
			t.must(s.start())
			t.must(s.answers(ctx, startup))
		}
	}
	t.must(t.disk.free(t.procs))
	t.sim.ClearMisfortunes()
	for _, p := range t.procs {
		p.afresh()
	}
}

// stubborn are the people who never got an answer: now they ask until they have one.
func (t *town) stubborn(ctx context.Context) {
	for ctx.Err() == nil {
		for batch := range slices.Chunk(t.people.unanswered(), 8) {
			var wg sync.WaitGroup
			for _, e := range batch {
				wg.Go(func() { t.people.try(ctx, e, false) })
			}
			wg.Wait()
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// finish is what comes last: the campaigns end and give back what nobody won, and WeChat
// stops repeating notices.
func (t *town) finish(ctx context.Context) {
	for _, g := range t.shelf {
		if _, err := t.campaigns.End(ctx, g.campaign.ID); err != nil {
			t.people.blame("活动不能结束：" + err.Error())
		}
	}
	t.sim.Close()
}

// pending counts what is under way. Moving payouts wait for siyu, open ones for people.
// Tasks wait for what the staff did, Ending for a worker that died while its push was stopped.
type pending struct{ Rows, Moving, Open, Notices, Exports, Paused, Tasks, Ending int64 }

func (n pending) total() int64 {
	return n.Rows + n.Moving + n.Open + n.Notices + n.Exports + n.Paused + n.Tasks + n.Ending
}

func (t *town) underWay(ctx context.Context) (pending, error) {
	var n pending
	err := t.db.Read(ctx).Raw(`SELECT (SELECT COUNT(*) FROM outbox WHERE state <> 2) AS ` + "`rows`" + `,
		(SELECT COUNT(*) FROM payout WHERE state IN ('pending', 'sending')) AS moving, (SELECT COUNT(*) FROM payout WHERE state = 'accepted') AS open,
		(SELECT COUNT(*) FROM notice WHERE state = 0) AS notices, (SELECT COUNT(*) FROM export WHERE state IN ('waiting', 'running')) AS exports,
		(SELECT COUNT(*) FROM push WHERE state IN ('paused', 'missed')) AS paused, (SELECT COUNT(*) FROM push_task) AS tasks,
		(SELECT COUNT(*) FROM push p JOIN push_delivery d ON d.run_id = p.id AND d.state = 'sending' WHERE p.state = 'stopped') AS ending`).Scan(&n).Error
	return n, err
}

// leave stops every process as an operator does; one that hangs is a violation.
func (t *town) leave() {
	for _, p := range t.procs {
		if !p.leave(time.Minute) {
			t.people.blame(p.name + " 在一分钟内没有停下")
		}
	}
}

// run is one whole campaign against a new town.
func run(ctx context.Context, p plan) (verdict, error) {
	t, err := newTown(ctx, p)
	if err != nil {
		return verdict{}, err
	}
	defer t.close()
	list := t.schedule()
	if p.script != nil {
		list = p.script(t)
	}
	fmt.Fprintf(p.out, "%s: seed %d, %s, %d events, files in %s\n", p.engine, p.seed, p.lasts, len(list), t.dir)
	day, endOfDay := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { t.people.come(day) })
	wg.Go(func() { t.watch(day) })
	t.storm(ctx, list)
	endOfDay()
	wg.Wait()
	began := clock.System().Now()
	rested := t.calm(ctx, p.patience)
	t.calmed = clock.System().Now().Sub(began)
	return t.end(ctx, rested)
}

// end stops the processes and judges.
func (t *town) end(ctx context.Context, rested bool) (verdict, error) {
	left, err := t.underWay(ctx)
	if err != nil {
		return verdict{}, err
	}
	t.leave()
	v, err := t.judge(ctx)
	if !rested {
		v.add("at_rest", "风暴过后一切都有结果", []string{fmt.Sprintf("没有停下来：%+v，%d 次点按没有答复", left, len(t.people.unanswered()))})
	}
	return v, err
}
