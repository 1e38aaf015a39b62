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

func drawMariaKill(_ *town, r *rand.Rand) deed {
	d := seconds(r, 0, 2)
	return func(ctx context.Context, t *town) bool {
		killed := t.maria.kill()
		pause(ctx, d)
		return t.must(t.maria.start()) && killed
	}
}

func drawMariaFreeze(_ *town, r *rand.Rand) deed {
	d := seconds(r, 0.5, 7)
	return func(ctx context.Context, t *town) bool {
		stopped := t.maria.signal(syscall.SIGSTOP)
		pause(ctx, d)
		t.maria.signal(syscall.SIGCONT)
		return stopped
	}
}

func drawRedisKill(_ *town, r *rand.Rand) deed {
	d := seconds(r, 0, 3)
	return func(ctx context.Context, t *town) bool {
		killed := t.redis.kill()
		pause(ctx, d)
		return t.must(t.redis.start()) && killed
	}
}

func drawRedisFreeze(_ *town, r *rand.Rand) deed {
	d := seconds(r, 0.5, 4)
	return func(ctx context.Context, t *town) bool {
		stopped := t.redis.signal(syscall.SIGSTOP)
		pause(ctx, d)
		t.redis.signal(syscall.SIGCONT)
		return stopped
	}
}

func drawFlush(*town, *rand.Rand) deed {
	return func(_ context.Context, t *town) bool { return t.redis.flush() == nil }
}

// drawCut ends some connections in the middle of whatever they do, and those that are
// seen in the middle of a transaction, unless these wait for locks until their time is up.
func drawCut(_ *town, r *rand.Rand) deed {
	pick := r.IntN(5)
	return func(ctx context.Context, t *town) bool {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		idle := t.cut(ctx, "SELECT id FROM information_schema.processlist WHERE db = 'siyu' AND id <> CONNECTION_ID() AND MOD(id, 5) = ?", pick)
		busy := 0
		for range 3 {
			if t.locked.Load() {
				break
			}
			busy += t.cut(ctx, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_mysql_thread_id NOT IN (0, CONNECTION_ID(), ?)", t.holder.Load())
			if !pause(ctx, 110*time.Millisecond) { // the table is a copy that old
				break
			}
		}
		t.tally.add("connections cut, in all", idle+busy)
		t.tally.add("connections cut in a transaction", busy)
		return idle+busy > 0
	}
}

// cut ends the connections that a query names and says how many there were.
func (t *town) cut(ctx context.Context, which string, arg any) (n int) {
	var ids []int64
	if t.db.Read(ctx).Raw(which, arg).Scan(&ids).Error != nil {
		return 0
	}
	for _, connection := range ids {
		if _, err := t.db.Pool().ExecContext(ctx, "KILL CONNECTION ?", connection); err == nil {
			n++
		}
	}
	return n
}

// drawLock holds rows that claims and payouts need: sometimes past the lock wait time-out
// (10 s), and in the order opposite to a claim's, so that deadlocks happen. On SQLite it
// is the one write lock.
func drawLock(_ *town, r *rand.Rand) deed {
	d, long := seconds(r, 0.2, 2), r.IntN(6) == 0
	if long {
		d = seconds(r, 10, 12)
	}
	return func(ctx context.Context, t *town) bool {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		c, err := t.db.Pool().Conn(ctx)
		if err != nil {
			return false
		}
		defer c.Close()
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return false
		}
		defer func() { _ = tx.Rollback() }()
		if t.engine == db.MySQL { // not to be cut by drawCut
			var self int64
			if tx.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&self) != nil {
				return false
			}
			t.holder.Store(self)
		}
		for _, stmt := range locks(t.engine) {
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return true // the deadlock chose us
			}
			pause(ctx, 50*time.Millisecond)
		}
		t.locked.Store(long)
		held := pause(ctx, d)
		t.locked.Store(false)
		if held && long {
			t.tally.add("rows locked past the time-out", 1)
		}
		return held
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
func drawExport(t *town, r *rand.Rand) deed {
	g, kind := t.shelf[r.IntN(len(t.shelf))], []string{export.CSV, export.PNG, export.SVG}[r.IntN(3)]
	from := 1 + r.Int64N(g.codes/2)
	return func(ctx context.Context, t *town) bool {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		until := min(g.codes, from+60)
		_, err := t.exports.Request(ctx, export.Request{BatchID: g.batch.ID, From: from, Until: until, Kind: kind})
		return err == nil // refused when many wait
	}
}

// drawFullDisk fills the disk just when a print file is about to be written.
func drawFullDisk(t *town, r *rand.Rand) deed {
	order, d := drawExport(t, r), seconds(r, 1, 4)
	return func(ctx context.Context, t *town) bool {
		order(ctx, t)
		full := t.must(t.disk.fill(t.procs))
		pause(ctx, d)
		return t.must(t.disk.free(t.procs)) && full
	}
}

// endCampaign is the operator who ends a campaign while people are still claiming.
func endCampaign(ctx context.Context, t *town) bool {
	g := t.shelf[1]
	for pause(ctx, 200*time.Millisecond) {
		if _, err := t.campaigns.End(ctx, g.campaign.ID); err == nil {
			return true
		}
	}
	return false
}
