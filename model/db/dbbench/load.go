package dbbench

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
)

// Lines writes rows in the form that LOAD DATA reads.
type Lines struct {
	w    *bufio.Writer
	num  []byte
	rows int64
	err  error
}

// Add writes one row. It knows whole numbers, texts, bytes and what is true. An error
// shows at the end.
func (l *Lines) Add(values ...any) {
	for i, v := range values {
		if i > 0 {
			l.keep(l.w.WriteByte('\t'))
		}
		switch v := v.(type) {
		case string:
			l.text(v)
		case []byte:
			l.text(string(v))
		case bool:
			l.number(map[bool]int64{true: 1}[v])
		case int:
			l.number(int64(v))
		case int64:
			l.number(v)
		case id.ID:
			l.number(int64(v))
		case money.Fen:
			l.number(int64(v))
		case clock.Instant:
			l.number(int64(v))
		case clock.Day:
			l.number(int64(v))
		default:
			l.keep(fmt.Errorf("dbbench: no way to write %T", v))
		}
	}
	l.keep(l.w.WriteByte('\n'))
	l.rows++
}

func (l *Lines) keep(err error) {
	if l.err == nil {
		l.err = err
	}
}

func (l *Lines) number(n int64) {
	l.num = strconv.AppendInt(l.num[:0], n, 10)
	_, err := l.w.Write(l.num)
	l.keep(err)
}

func (l *Lines) text(s string) {
	for len(s) > 0 {
		n := strings.IndexAny(s, "\\\t\n\x00")
		if n < 0 {
			n = len(s)
		}
		_, err := l.w.WriteString(s[:n])
		l.keep(err)
		if n == len(s) {
			return
		}
		escaped := map[byte]string{'\\': `\\`, '\t': `\t`, '\n': `\n`, 0: `\0`}[s[n]]
		_, err = l.w.WriteString(escaped)
		l.keep(err)
		s = s[n+1:]
	}
}

// Loader fills empty tables of a MariaDB or MySQL, as fast as it can.
type Loader struct {
	pool *sql.DB
	next atomic.Int64
}

// NewLoader loads through an open database's own pool.
func NewLoader(pool *sql.DB) *Loader { return &Loader{pool: pool} }

// Load streams what fill adds into a table and says how many rows came to be there. It is
// one statement: all or nothing, and on MariaDB, into an empty table, indexes are sorted
// and built at the end (innodb bulk insert: unique_checks and foreign_key_checks off).
func (b *Loader) Load(ctx context.Context, table, columns string, fill func(l *Lines) error) (rows int64, err error) {
	in, out := io.Pipe()
	name := fmt.Sprintf("siyu-%p-%d", b, b.next.Add(1))
	mysql.RegisterReaderHandler(name, func() io.Reader { return in })
	defer mysql.DeregisterReaderHandler(name)
	done := make(chan error, 1)
	l := &Lines{w: bufio.NewWriterSize(out, 1<<20)}
	go func() {
		err := fill(l)
		err = errors.Join(err, l.err, l.w.Flush())
		_ = out.CloseWithError(err) // nil: the end
		done <- err
	}()
	err = b.load(ctx, name, table, columns)
	_ = in.CloseWithError(io.ErrClosedPipe) // whoever still writes stops
	if filled := <-done; err == nil {
		err = filled
	}
	if err != nil {
		return 0, fmt.Errorf("dbbench: load %s: %w", table, err)
	}
	return l.rows, nil
}

func (b *Loader) load(ctx context.Context, name, table, columns string) error {
	c, err := b.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "SET SESSION unique_checks = 0, foreign_key_checks = 0"); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+name+"' INTO TABLE "+table+" CHARACTER SET binary FIELDS ESCAPED BY '\\\\' ("+columns+")")
	_, back := c.ExecContext(ctx, "SET SESSION unique_checks = 1, foreign_key_checks = 1")
	return errors.Join(err, back)
}
