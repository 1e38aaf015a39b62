package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"siyu/model/db"
	"siyu/model/id"
)

// A bind with the duties of ours on a table of parents: who may be bound, the look for a
// ring, history, events with their wake-up, the counter of everybody above. It is written
// as one would without a merger: plain statements, none too many, a transaction for each.

// dutyTables are what such a program would have beside its table of parents.
var dutyTables = []string{
	"CREATE TABLE bench_team (member_id BIGINT NOT NULL PRIMARY KEY, direct BIGINT NOT NULL, team_size BIGINT NOT NULL)",
	"CREATE TABLE bench_history (id BIGINT NOT NULL PRIMARY KEY, member_id BIGINT NOT NULL, referrer_id BIGINT NOT NULL, code_id BIGINT NOT NULL, state VARCHAR(8) NOT NULL, bound_at BIGINT NOT NULL, protected_until BIGINT NOT NULL, CONSTRAINT bench_history_once UNIQUE (member_id, state))",
	"CREATE INDEX bench_history_referrer ON bench_history (referrer_id, bound_at)",
	"CREATE TABLE bench_event (id BIGINT NOT NULL PRIMARY KEY, event_key VARCHAR(96) NOT NULL UNIQUE, member_id BIGINT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL)",
	"CREATE INDEX bench_event_member ON bench_event (member_id, at)",
}

// duties makes the tables and counts everybody.
func (w *treeBench) duties(ctx context.Context) error {
	for _, stmt := range dutyTables {
		if _, err := w.d.Pool().ExecContext(ctx, stmt); err != nil {
			return err
		}
	}
	direct := make([]int32, w.n+1)
	for i := 2; i <= w.n; i++ {
		direct[w.parent[i]]++
	}
	return w.fill(ctx, "bench_team (member_id, direct, team_size)", w.n, func(i int) []any { return []any{i, direct[i], w.size[i]} })
}

// dutyBind binds somebody new to one of a list.
func (w *treeBench) dutyBind(list []int) func(ctx context.Context, client int) error {
	return func(ctx context.Context, _ int) error {
		m := w.bare.Add(1)
		if m > int64(w.n+treeFresh) {
			return errEnough
		}
		referrer, codeID, err := w.dutyAsk(ctx, list[rand.IntN(len(list))], m)
		if err != nil {
			return err
		}
		tx, err := w.d.Pool().BeginTx(ctx, w.fresher())
		if err != nil {
			return err
		}
		if err := w.dutyPut(ctx, tx, m, referrer, codeID); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
}

// fresher is the level of our own transactions.
func (w *treeBench) fresher() *sql.TxOptions {
	if w.d.Driver() == db.SQLite {
		return nil
	}
	return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
}

// dutyAsk reads before any lock what decides: the code, the policy, the two members, and
// whether the new one is a customer.
func (w *treeBench) dutyAsk(ctx context.Context, referrer int, m int64) (who, codeID int64, err error) {
	p := w.d.Pool()
	var text string
	var n int64
	err = p.QueryRowContext(ctx, "SELECT id, member_id, state FROM referral_code WHERE member_id = ? AND brand_id = ? AND role = 'member' AND slot = 0", referrer, treeBrand).Scan(&codeID, &who, &text)
	err = errors.Join(err,
		p.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM referral_policy WHERE brand_id = ?", treeBrand).Scan(&n),
		p.QueryRowContext(ctx, "SELECT COUNT(*) FROM member WHERE id IN (?, ?) AND state = 'active'", who, m).Scan(&n))
	if err != nil || text != "open" || n != 2 {
		return 0, 0, fmt.Errorf("bench: code %d of %d, %d members (%w)", codeID, referrer, n, err)
	}
	err = p.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM claim WHERE member_id = ? AND brand_id = ?) + (SELECT COUNT(*) FROM event WHERE member_id = ? AND brand_id = ? AND type = 'order')", m, treeBrand, m, treeBrand).Scan(&n)
	if err != nil || n != 0 {
		return 0, 0, fmt.Errorf("bench: %d is a customer (%w)", m, err)
	}
	return who, codeID, nil
}

// dutyPut writes one bind under the brand's lock.
func (w *treeBench) dutyPut(ctx context.Context, tx *sql.Tx, m, referrer, codeID int64) error {
	lock := "SELECT version FROM referral_tree WHERE brand_id = ?"
	if w.d.Driver() == db.MySQL {
		lock += " FOR UPDATE"
	}
	var version, held int64
	err := errors.Join(tx.QueryRowContext(ctx, lock, treeBrand).Scan(&version),
		tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM bench_history WHERE member_id = ? AND state = 'active'", m).Scan(&held))
	if err != nil || held != 0 {
		return fmt.Errorf("bench: %d has a referrer (%w)", m, err)
	}
	rows, err := tx.QueryContext(ctx, aboveSQL, referrer)
	if err != nil {
		return err
	}
	up, err := members(rows)
	if err != nil {
		return err
	}
	if slices.Contains(up, int(m)) {
		return errors.New("bench: a ring")
	}
	now, key := int64(w.d.Now()), "bench:"+strconv.FormatInt(m, 10)
	args := []any{referrer}
	for _, x := range up { // himself first
		args = append(args, x)
	}
	for _, x := range []struct {
		stmt string
		args []any
	}{
		{"INSERT INTO bench_tree (parent_id, member_id, scans, claims, sales_fen) VALUES (?, ?, 0, 0, 0)", []any{referrer, m}},
		{"INSERT INTO bench_team (member_id, direct, team_size) VALUES (?, 0, 0)", []any{m}},
		{"UPDATE bench_team SET team_size = team_size + 1, direct = direct + CASE member_id WHEN ? THEN 1 ELSE 0 END WHERE member_id IN " + db.Marks(len(args)-1), args},
		{"INSERT INTO bench_history (id, member_id, referrer_id, code_id, state, bound_at, protected_until) VALUES (?, ?, ?, ?, 'active', ?, ?)", []any{w.d.NewID(), m, referrer, codeID, now, now}},
		{"INSERT INTO bench_event (id, event_key, member_id, at, body) VALUES (?, ?, ?, ?, '{\"role\":\"referee\"}'), (?, ?, ?, ?, '{\"role\":\"referrer\"}')",
			[]any{w.d.NewID(), key + ":referee", m, now, w.d.NewID(), key + ":referrer", referrer, now}},
		{"INSERT INTO outbox (id, task, ref_id, state, due_at, tries, created_at, sent_at, done_at, last_error) VALUES (?, 'bench', ?, 0, ?, 0, ?, 0, 0, '')", []any{w.d.NewID(), m, now, now}},
	} {
		if _, err := tx.ExecContext(ctx, x.stmt, x.args...); err != nil {
			return err
		}
	}
	return nil
}

// bareUpline reads the bindings of so many levels above a member by a recursive query. It
// knows nothing of people with several accounts.
func (w *treeBench) bareUpline(ctx context.Context, m, levels int) error {
	const columns = "b.id, b.member_id, b.referrer_id, b.code_id, b.role, b.channel, b.state, b.bound_at, b.protected_until, b.expires_at, b.ended_at"
	rows, err := w.d.Pool().QueryContext(ctx, `WITH RECURSIVE up (member_id, parent_id, level) AS (
		SELECT member_id, parent_id, 1 FROM bench_tree WHERE member_id = ?
		UNION ALL SELECT t.member_id, t.parent_id, up.level + 1 FROM up JOIN bench_tree t ON t.member_id = up.parent_id WHERE up.level < ?)
		SELECT `+columns+` FROM up CROSS JOIN referral_binding b ON b.member_id = up.member_id AND b.brand_id = ? AND b.slot = 0 ORDER BY up.level`, m, levels, treeBrand)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var x [7]id.ID
		var text [3]string
		var code id.ID
		if err := rows.Scan(&x[0], &x[1], &x[2], &code, &text[0], &text[1], &text[2], &x[3], &x[4], &x[5], &x[6]); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil || n != levels {
		return fmt.Errorf("bench: %d of %d levels above %d (%w)", n, levels, m, err)
	}
	return nil
}
