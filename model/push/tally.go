package push

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// spot is where deliveries are counted. Each lane has its own rows, so that lanes do not
// wait for each other.
type spot struct {
	run     id.ID
	lane    int
	arm     int
	state   string
	channel string
	reason  string
}

// tally counts deliveries, or how their number changed.
type tally map[spot]int64

func (t tally) add(s spot, n int64) { t[s] += n }

func (t tally) join(o tally) {
	for s, n := range o {
		t[s] += n
	}
}

// writeTx adds the changes to the table, always in one order: lanes may be sent by two
// workers for a moment, and they must not wait for each other in a circle.
func (t tally) writeTx(ctx context.Context, tx *gorm.DB) error {
	var spots []spot
	for s, n := range t {
		if n != 0 {
			spots = append(spots, s)
		}
	}
	slices.SortFunc(spots, func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.lane, b.lane), cmp.Compare(a.arm, b.arm), cmp.Compare(a.state, b.state), cmp.Compare(a.channel, b.channel), cmp.Compare(a.reason, b.reason))
	})
	rows := db.NewRows("push_tally", "run_id, lane, arm, state, channel, reason, n")
	for _, s := range spots {
		rows.Add(s.run, s.lane, s.arm, s.state, s.channel, s.reason, t[s])
	}
	_, err := rows.Insert(ctx, tx, more(tx, "run_id, lane, arm, state, channel, reason"))
	return err
}

// more ends an INSERT that adds n to a row that is there.
func more(tx *gorm.DB, key string) string {
	if tx.Name() == db.SQLite {
		return " ON CONFLICT (" + key + ") DO UPDATE SET n = n + excluded.n"
	}
	return " ON DUPLICATE KEY UPDATE n = n + VALUES(n)"
}

// endedTx counts deliveries that ended now, for the speed that people are shown.
func endedTx(ctx context.Context, tx *gorm.DB, runID id.ID, lane, n int, now clock.Instant) error {
	if n == 0 {
		return nil
	}
	_, err := db.Exec(ctx, tx, "INSERT INTO push_minute (run_id, minute_no, lane, n) VALUES (?,?,?,?)"+more(tx, "run_id, minute_no, lane"), runID, int64(now)/60_000, lane, n)
	return err
}
