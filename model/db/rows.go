package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// Rows collects the rows of one multi-row INSERT. Many round trips, not fsync, are what
// limits a claim on a database across a socket, so hot paths write with this.
type Rows struct {
	head    string
	columns int
	args    []any
}

// NewRows begins an insert into a table; columns is "a, b, c".
func NewRows(table, columns string) *Rows {
	return &Rows{head: "INSERT INTO " + table + " (" + columns + ") VALUES ", columns: strings.Count(columns, ",") + 1}
}

// Add appends one row; the number of values must be that of the columns.
func (r *Rows) Add(values ...any) {
	if len(values) != r.columns {
		panic(fmt.Sprintf("db: %d values for %d columns", len(values), r.columns)) // a mistake of the program
	}
	r.args = append(r.args, values...)
}

// Len is how many rows there are.
func (r *Rows) Len() int { return len(r.args) / r.columns }

// bindMost is how many parameters one statement of SQLite takes: its driver looks for
// each of them among all, so a long statement costs the square of its length. Over a
// socket it is the round trips that cost, so there one statement takes all.
const bindMost = 600

// Insert writes all rows, in one statement over a socket, and returns how many were
// inserted. tail ends each statement: "" or Once(...). No rows is no statement.
func (r *Rows) Insert(ctx context.Context, tx *gorm.DB, tail string) (int64, error) {
	at := r.Len()
	if tx.Name() == SQLite {
		at = max(1, bindMost/r.columns)
	}
	one, total := "("+strings.Repeat("?,", r.columns-1)+"?)", int64(0)
	for args := r.args; len(args) > 0; {
		part := args[:min(len(args), at*r.columns)]
		args = args[len(part):]
		stmt := r.head + strings.Repeat(one+",", len(part)/r.columns-1) + one + tail
		res, err := Exec(ctx, tx, stmt, part...)
		if err != nil {
			return 0, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// Exec runs a statement on the transaction's own connection, without GORM in between.
func Exec(ctx context.Context, tx *gorm.DB, stmt string, args ...any) (sql.Result, error) {
	return tx.Statement.ConnPool.ExecContext(ctx, stmt, args...)
}

// Marks is "(?,?,?)" for n values.
func Marks(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")" }
