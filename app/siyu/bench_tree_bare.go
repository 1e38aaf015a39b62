package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"siyu/model/id"
)

// What a table of parents and recursive queries do for the same questions.

const aboveSQL = `WITH RECURSIVE up (member_id, parent_id) AS (
	SELECT member_id, parent_id FROM bench_tree WHERE member_id = ?
	UNION ALL SELECT b.member_id, b.parent_id FROM up JOIN bench_tree b ON b.member_id = up.parent_id)
	SELECT member_id FROM up`

const countSQL = `WITH RECURSIVE down (member_id, scans, claims, sales_fen) AS (
	SELECT member_id, scans, claims, sales_fen FROM bench_tree WHERE parent_id = ?
	UNION ALL SELECT b.member_id, b.scans, b.claims, b.sales_fen FROM down JOIN bench_tree b ON b.parent_id = down.member_id)
	SELECT COUNT(*), COALESCE(SUM(scans), 0), COALESCE(SUM(claims), 0), COALESCE(SUM(sales_fen), 0) FROM down`

const screenSQL = `WITH RECURSIVE down (member_id, top, scans, claims, sales_fen) AS (
	SELECT member_id, member_id, scans, claims, sales_fen FROM bench_tree WHERE parent_id = ?
	UNION ALL SELECT b.member_id, down.top, b.scans, b.claims, b.sales_fen FROM down JOIN bench_tree b ON b.parent_id = down.member_id)
	SELECT top, COUNT(*) - 1 AS size, SUM(scans), SUM(claims), SUM(sales_fen) FROM down GROUP BY top ORDER BY size DESC, top DESC LIMIT 50`

// bareAbove returns the members above one, the nearest first.
func (w *treeBench) bareAbove(ctx context.Context, m int) ([]int, error) {
	rows, err := w.d.Pool().QueryContext(ctx, aboveSQL, m)
	if err != nil {
		return nil, err
	}
	list, err := members(rows)
	if err != nil || len(list) == 0 {
		return nil, errors.Join(err, fmt.Errorf("bench: member %d is gone", m))
	}
	return list[1:], nil
}

// members reads a list of them.
func members(rows *sql.Rows) (list []int, err error) {
	defer rows.Close()
	for rows.Next() {
		var x int
		if err := rows.Scan(&x); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}

// bareCount returns the size of a team; the other sums are read as well.
func (w *treeBench) bareCount(ctx context.Context, m int) (size int64, err error) {
	var scans, claims, sales int64
	err = w.d.Pool().QueryRowContext(ctx, countSQL, m).Scan(&size, &scans, &claims, &sales)
	return size, err
}

// bareScreen returns the fifty direct people of the root with the largest teams.
func (w *treeBench) bareScreen(ctx context.Context) ([][2]int64, error) {
	rows, err := w.d.Pool().QueryContext(ctx, screenSQL, 1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list [][2]int64
	for rows.Next() {
		var x [2]int64
		var scans, claims, sales int64
		if err := rows.Scan(&x[0], &x[1], &scans, &claims, &sales); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}

// bareBind looks whether the new one stands above his referrer and inserts one row.
func (w *treeBench) bareBind() func(ctx context.Context, client int) error {
	return func(ctx context.Context, _ int) error {
		m := w.bare.Add(1)
		return w.barePut(ctx, int(m), int(m%int64(w.n/2))+1, "INSERT INTO bench_tree (parent_id, member_id, scans, claims, sales_fen) VALUES (?, ?, 0, 0, 0)")
	}
}

// bareMove looks for a ring and changes one row.
func (w *treeBench) bareMove(list []int) func(ctx context.Context, client int) error {
	at := 0
	return func(ctx context.Context, _ int) error {
		m := list[at%len(list)]
		at++
		return w.barePut(ctx, m, w.target(m, at/len(list)), "UPDATE bench_tree SET parent_id = ? WHERE member_id = ?")
	}
}

// barePut is its own transaction: the look and the write.
func (w *treeBench) barePut(ctx context.Context, m, parent int, stmt string) error {
	up, err := w.bareAbove(ctx, parent)
	if err != nil {
		return err
	}
	if slices.Contains(up, m) {
		return errors.New("bench: a ring")
	}
	_, err = w.d.Pool().ExecContext(ctx, stmt, parent, m)
	return err
}

// agree compares what both say of the same tree, and of the one in memory.
func (w *treeBench) agree(ctx context.Context) error {
	for _, m := range append(w.some(50, func(i int) bool { return w.size[i] > 10 && int(w.size[i]) < w.n/50 }), 1) {
		n, err := w.s.Node(ctx, treeBrand, id.ID(m))
		if err != nil {
			return err
		}
		size, err := w.bareCount(ctx, m)
		if err != nil {
			return err
		}
		if n.TeamSize != size || size != int64(w.size[m]) || n.Depth != int(w.depth[m]) {
			return fmt.Errorf("bench: member %d has a team of %d, %d by recursion, %d in truth", m, n.TeamSize, size, w.size[m])
		}
		ours, err := w.s.AboveIDs(ctx, treeBrand, id.ID(m))
		if err != nil {
			return err
		}
		theirs, err := w.bareAbove(ctx, m)
		if err != nil {
			return err
		}
		for i := range max(len(ours), len(theirs)) {
			if len(ours) != len(theirs) || ours[i] != id.ID(theirs[i]) {
				return fmt.Errorf("bench: above member %d: %d and %d people", m, len(ours), len(theirs))
			}
		}
	}
	ours, err := w.screen(ctx)
	if err != nil {
		return err
	}
	theirs, err := w.bareScreen(ctx)
	if err != nil {
		return err
	}
	for i := range max(len(ours), len(theirs)) {
		if len(ours) != len(theirs) || ours[i].MemberID != id.ID(theirs[i][0]) || ours[i].TeamSize != theirs[i][1] {
			return fmt.Errorf("bench: the first screens differ at line %d", i+1)
		}
	}
	return nil
}
