package push

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/reach"
)

// moves are changes of deliveries that one commit writes together. The rows are locked, so
// no guard is needed beside their ids.
type moves struct {
	run   Run
	now   clock.Instant
	rows  []moved
	tally tally
	ended int
}

// moved is how a delivery shall be.
type moved struct {
	row
	code  string
	dueAt clock.Instant // 0: as it is
}

func (m *moves) move(from row, to moved) {
	if m.tally == nil {
		m.tally = tally{}
	}
	of := func(d row) spot { return spot{m.run.RunID, m.run.Lane.Lane, d.Arm, d.State, d.Channel, d.Reason} }
	m.tally.add(of(from), -1)
	m.tally.add(of(to.row), 1)
	m.rows = append(m.rows, to)
}

// take: it is being sent, by a call of many where there is one.
func (m *moves) take(d row, t reach.Ticket, callID id.ID) {
	to := d
	to.CallID = callID
	to.State, to.Reason, to.Channel, to.UseNo, to.TicketID, to.Tries = Sending, "", t.Way.Channel, t.Use, t.ID, d.Tries+1
	if d.TicketID != t.ID {
		to.FirstAt = m.now
	}
	m.move(d, moved{row: to})
}

// end: it is over.
func (m *moves) end(d row, state, reason, code string) {
	to := d
	to.State, to.Reason = state, reason
	m.move(d, moved{row: to, code: code})
	m.ended++
}

// wait: not before a moment, for a reason. It is not an attempt.
func (m *moves) wait(d row, reason string, until clock.Instant) {
	to := d
	to.Reason = reason
	m.move(d, moved{row: to, dueAt: until})
}

// later: as wait, unless that is later than the push is tried, or it is a test.
func (m *moves) later(d row, reason string, until clock.Instant) {
	if m.run.Test() || until >= m.run.Push.GiveUpAt {
		m.end(d, Skipped, reason, "")
		return
	}
	m.wait(d, reason, until)
}

// again: another attempt, under a key of its own when the ledger ended the last. Where
// nobody was called (no code) there was no attempt.
func (m *moves) again(d row, takeID id.ID, code string, after time.Duration) {
	to := d
	to.State, to.Channel, to.UseNo, to.TakeID = Waiting, "", -1, takeID
	if takeID != d.TakeID {
		to.TicketID, to.FirstAt = 0, 0
	}
	if takeID == d.TakeID || code == "" {
		to.Tries--
	}
	m.move(d, moved{row: to, code: code, dueAt: m.now.Add(after)})
}

// hold: it is being sent once more.
func (m *moves) hold(d row) { m.move(d, moved{row: d}) }

// repeat: what may have arrived waits to be called again, under its old key.
func (m *moves) repeat(d row, code string, after time.Duration) {
	to := d
	to.State, to.Reason = Waiting, repeat
	m.move(d, moved{row: to, code: code, dueAt: m.now.Add(after)})
}

// writeOnce is of how many rows one statement says what becomes of them: it looks through
// all of them for each.
const writeOnce = 128

// writeTx writes the rows in few statements, and the counts.
func (m *moves) writeTx(ctx context.Context, tx *gorm.DB) error {
	if len(m.rows) == 0 {
		return nil
	}
	for part := range slices.Chunk(m.rows, writeOnce) {
		if err := (&moves{now: m.now, rows: part}).rowsTx(ctx, tx); err != nil {
			return err
		}
	}
	if err := m.tally.writeTx(ctx, tx); err != nil {
		return err
	}
	return endedTx(ctx, tx, m.run.RunID, m.run.Lane.Lane, m.ended, m.now)
}

func (m *moves) rowsTx(ctx context.Context, tx *gorm.DB) error {
	var set []string
	var args []any
	column := func(name string, of func(moved) any) {
		set = append(set, name+" = CASE id "+strings.Repeat("WHEN ? THEN ? ", len(m.rows))+"ELSE "+name+" END")
		for _, r := range m.rows {
			args = append(args, r.ID, of(r))
		}
	}
	same := func(of func(moved) any) bool { // then one value does, and most waves are like that
		for _, r := range m.rows[1:] {
			if of(r) != of(m.rows[0]) {
				return false
			}
		}
		return true
	}
	for _, c := range []struct {
		name string
		of   func(moved) any
	}{
		{"state", func(r moved) any { return r.State }}, {"reason", func(r moved) any { return r.Reason }}, {"channel", func(r moved) any { return r.Channel }},
		{"use_no", func(r moved) any { return r.UseNo }}, {"code", func(r moved) any { return r.code }}, {"tries", func(r moved) any { return r.Tries }},
		{"take_id", func(r moved) any { return r.TakeID }}, {"ticket_id", func(r moved) any { return r.TicketID }}, {"call_id", func(r moved) any { return r.CallID }},
		{"first_at", func(r moved) any { return r.FirstAt }}, {"due_at", func(r moved) any { return r.dueAt }},
	} {
		switch {
		case c.name == "due_at" && same(c.of) && m.rows[0].dueAt == 0: // stays
		case c.name == "take_id" && !m.changed(func(r moved) bool { return r.State == Waiting }):
		case c.name == "ticket_id" && !m.changed(func(r moved) bool { return r.State == Sending || r.State == Waiting }):
		case c.name == "call_id" && !m.changed(func(r moved) bool { return r.CallID != 0 }):
		case c.name == "due_at":
			column("due_at", func(r moved) any {
				if r.dueAt == 0 {
					return m.now
				}
				return r.dueAt
			})
		case same(c.of):
			set = append(set, c.name+" = ?")
			args = append(args, c.of(m.rows[0]))
		default:
			column(c.name, c.of)
		}
	}
	args = append(args, m.now)
	for _, r := range m.rows {
		args = append(args, r.ID)
	}
	_, err := db.Exec(ctx, tx, "UPDATE push_delivery SET "+strings.Join(set, ", ")+", moved_at = ? WHERE id IN "+db.Marks(len(m.rows)), args...)
	return err
}

func (m *moves) changed(is func(moved) bool) bool {
	for _, r := range m.rows {
		if is(r) {
			return true
		}
	}
	return false
}
