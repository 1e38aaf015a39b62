package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"siyu/model/db"
	"siyu/model/export"
)

// What is done to the servers below siyu. Most of it fails when the server was just
// killed by something else; that is weather, not a mistake.

func drawMariaKill(_ *town, r *rand.Rand) func(context.Context, *town) {
	d := seconds(r, 0, 2)
	return func(ctx context.Context, t *town) {
		t.maria.kill()
		pause(ctx, d)
		t.must(t.maria.start())
	}
}

func drawMariaFreeze(_ *town, r *rand.Rand) func(context.Context, *town) {
	d := seconds(r, 0.5, 7)
	return func(ctx context.Context, t *town) {
		t.maria.signal(syscall.SIGSTOP)
		pause(ctx, d)
		t.maria.signal(syscall.SIGCONT)
	}
}

func drawRedisKill(_ *town, r *rand.Rand) func(context.Context, *town) {
	d := seconds(r, 0, 3)
	return func(ctx context.Context, t *town) {
		t.redis.kill()
		pause(ctx, d)
		t.must(t.redis.start())
	}
}

func drawRedisFreeze(_ *town, r *rand.Rand) func(context.Context, *town) {
	d := seconds(r, 0.5, 4)
	return func(ctx context.Context, t *town) {
		t.redis.signal(syscall.SIGSTOP)
		pause(ctx, d)
		t.redis.signal(syscall.SIGCONT)
	}
}

func drawFlush(*town, *rand.Rand) func(context.Context, *town) {
	return func(_ context.Context, t *town) { _ = t.redis.flush() }
}

// drawCut ends some connections in the middle of whatever they do.
func drawCut(_ *town, r *rand.Rand) func(context.Context, *town) {
	pick := r.IntN(5)
	return func(ctx context.Context, t *town) {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		var ids []int64
		err := t.db.Read(ctx).Raw("SELECT id FROM information_schema.processlist WHERE db = 'siyu' AND id <> CONNECTION_ID() AND MOD(id, 5) = ?", pick).Scan(&ids).Error
		if err != nil {
			return
		}
		for _, n := range ids {
			_, _ = t.db.Pool().ExecContext(ctx, "KILL CONNECTION ?", n)
		}
		t.tally.add("connections cut, in all", len(ids))
	}
}

// drawLock holds rows that claims and payouts need: sometimes past the lock wait time-out
// (10 s), and in the order opposite to a claim's, so that deadlocks happen. On SQLite it
// is the one write lock.
func drawLock(_ *town, r *rand.Rand) func(context.Context, *town) {
	d, long := seconds(r, 0.2, 2), r.IntN(6) == 0
	if long {
		d = seconds(r, 10, 12)
	}
	return func(ctx context.Context, t *town) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		c, err := t.db.Pool().Conn(ctx)
		if err != nil {
			return
		}
		defer c.Close()
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return
		}
		defer func() { _ = tx.Rollback() }()
		for _, stmt := range locks(t.engine) {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return
			}
			pause(ctx, 50*time.Millisecond)
		}
		pause(ctx, d)
	}
}

func locks(engine string) []string {
	if engine == db.SQLite {
		return nil // BEGIN IMMEDIATE has it already
	}
	return []string{"UPDATE campaign SET version = version ORDER BY id LIMIT 1",
		"UPDATE payout SET review = review WHERE state IN ('sending', 'accepted') ORDER BY id LIMIT 30",
		"UPDATE outbox SET tries = tries WHERE state <> 2 ORDER BY id LIMIT 50",
		"UPDATE claim SET tier = tier ORDER BY id DESC LIMIT 20"}
}

// drawExport orders a print file, while disks fill and workers die.
func drawExport(t *town, r *rand.Rand) func(context.Context, *town) {
	g, kind := t.shelf[r.IntN(len(t.shelf))], []string{export.CSV, export.PNG, export.SVG}[r.IntN(3)]
	from := 1 + r.Int64N(g.codes/2)
	return func(ctx context.Context, t *town) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		until := min(g.codes, from+60)
		_, _ = t.exports.Request(ctx, export.Request{BatchID: g.batch.ID, From: from, Until: until, Kind: kind}) // refused when many wait
	}
}

// drawFullDisk fills the disk just when a print file is about to be written.
func drawFullDisk(t *town, r *rand.Rand) func(context.Context, *town) {
	order, d := drawExport(t, r), seconds(r, 1, 4)
	return func(ctx context.Context, t *town) {
		order(ctx, t)
		t.must(t.disk.fill(t.procs))
		pause(ctx, d)
		t.must(t.disk.free(t.procs))
	}
}

// endCampaign is the operator who ends a campaign while people are still claiming.
func endCampaign(ctx context.Context, t *town) {
	g := t.shelf[1]
	for pause(ctx, 200*time.Millisecond) {
		if _, err := t.campaigns.End(ctx, g.campaign.ID); err == nil {
			return
		}
	}
}
