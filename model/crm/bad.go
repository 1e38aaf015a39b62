package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/spreadsheet"
)

// whyColumn is the last column of the file of bad rows; an import of that file leaves it out.
const whyColumn = "原因"

// reviewed ends the reason of a row that went to people's review; nothing is to be mended.
const reviewed = "，已转人工审核"

// WriteBad writes the rows of the file that were refused as they stand in it, with a column
// that says why: what an operator mends and uploads again. Nothing is masked, it is his own
// file; WriteErrors is for reading. Fault: NotFound import_file_gone.
func (s *Store) WriteBad(ctx context.Context, importID id.ID, w io.Writer) error {
	r, err := s.get(ctx, importID)
	if err != nil {
		return err
	}
	if r.FileGone {
		return errFileGone
	}
	t, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	header, err := t.header()
	if err != nil {
		return err
	}
	// A file that was mended once has the column already.
	width := len(header)
	if width > 0 && header[width-1] == whyColumn {
		width--
	}
	out, err := spreadsheet.Begin(w)
	if err != nil {
		return err
	}
	write := func(cells []string, why string) error {
		line := make([]string, width+1)
		for n := range width {
			if n < len(cells) {
				line[n] = wrapped(cells[n])
			}
		}
		line[width] = why
		return out.Write(line)
	}
	if err := write(header, whyColumn); err != nil {
		return err
	}
	bad := &badRows{s: s, ctx: ctx, importID: importID}
	for {
		no, list, err := bad.next()
		if err != nil || no == 0 {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		if strings.HasSuffix(list[len(list)-1].Reason, reviewed) {
			continue
		}
		cells, err := rowOf(t, no)
		if err != nil {
			return err
		}
		if err := write(cells, spreadsheet.Plain(reasons(no, list))); err != nil {
			return err
		}
	}
}

// rowOf reads on to a row; one that cannot be read has no cells.
func rowOf(t table, want int64) ([]string, error) {
	for {
		no, cells, err := t.next()
		switch {
		case errors.As(err, &badRow{}):
		case err != nil:
			return nil, fmt.Errorf("crm: row %d of the file: %w", want, err)
		}
		if no >= want {
			return cells, nil
		}
	}
}

func reasons(no int64, list []Problem) string {
	parts := make([]string, len(list))
	for i, p := range list {
		if parts[i] = p.Reason; p.Column != "" {
			parts[i] = p.Column + "：" + p.Reason
		}
	}
	return fmt.Sprintf("原第 %d 行 ", no) + strings.Join(parts, "；")
}

// badRows reads the problems of an import in the order of the rows.
type badRows struct {
	s        *Store
	ctx      context.Context
	importID id.ID
	rows     []sealedRow
	after    int64
	last     bool
}

type sealedRow struct {
	RowNo  int64
	Sealed []byte
}

// next is the next bad row's number, 0 at the end.
func (b *badRows) next() (no int64, list []Problem, err error) {
	if len(b.rows) == 0 && !b.last {
		const step = 1000
		err := b.s.DB.Read(b.ctx).Raw("SELECT row_no, sealed FROM crm_error WHERE import_id = ? AND row_no > ? ORDER BY row_no LIMIT ?", b.importID, b.after, step).Scan(&b.rows).Error
		if err != nil {
			return 0, nil, fmt.Errorf("crm: errors: %w", err)
		}
		b.last = len(b.rows) < step
	}
	if len(b.rows) == 0 {
		return 0, nil, nil
	}
	r := b.rows[0]
	b.rows, b.after = b.rows[1:], r.RowNo
	plain, err := b.s.Box.Open(errorPlace(b.importID, r.RowNo), r.Sealed)
	if err == nil {
		err = json.Unmarshal(plain, &list)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("crm: error of row %d: %w", r.RowNo, err)
	}
	return r.RowNo, list, nil
}

// wrapped is a cell that a spreadsheet neither runs nor rounds: 12 digits and more would
// become 1.38E+17.
func wrapped(v string) string {
	if _, err := strconv.ParseUint(v, 10, 64); len(v) > 11 && len(v) <= 19 && err == nil {
		return `="` + v + `"`
	}
	return spreadsheet.Plain(v)
}

// unwrapped is a cell without its spaces and without what keeps a spreadsheet from running
// or rounding it: our own files, and other programs', come back by upload.
func unwrapped(v string) string {
	v = strings.TrimSpace(v)
	if inner, ok := strings.CutPrefix(v, `="`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok && !strings.Contains(inner, `"`) {
			return strings.TrimSpace(inner)
		}
	}
	if inner, ok := strings.CutPrefix(v, "'"); ok && spreadsheet.Plain(inner) != inner {
		return inner
	}
	return v
}

var errFileGone = fault.New(fault.NotFound, "import_file_gone", "文件已过保存期限，请重新上传")
