package extract

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/spreadsheet"
)

// Run writes an extract to its end, from where it is. Calling it again, at any time and
// from anywhere, is harmless. It returns nil when nothing is left to do, also when the
// extract failed for good (the row says why); any other error means: call again later.
func (s *Store) Run(ctx context.Context, extractID id.ID) error {
	for ctx.Err() == nil {
		x, err := s.Get(ctx, extractID)
		if err != nil || x.State != Waiting && x.State != Running {
			return err
		}
		k, err := kindOf(x.Kind)
		switch {
		case err != nil: // a newer version of the program put it, and went away
		case x.Total < 0:
			err = s.begin(ctx, k, x)
		case x.Done > MaxRows:
			err = errTooMany
		default:
			err = s.part(ctx, k, x)
		}
		if f := new(fault.Fault); errors.As(err, &f) && f.Kind == fault.Invalid { // trying again would fail again
			return s.end(ctx, extractID, Failed, f.Text)
		}
		if err != nil {
			return fmt.Errorf("extract: %d: %w", extractID, err)
		}
	}
	return ctx.Err()
}

// begin counts what there is to look at.
func (s *Store) begin(ctx context.Context, k kind, x Extract) error {
	if k.crowd != nil {
		return s.beginCrowd(ctx, k, x)
	}
	total, err := s.total(ctx, k, x)
	if err != nil {
		return err
	}
	now := s.DB.Now()
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Extract{}).Where("id = ? AND total < 0 AND state = ?", x.ID, Waiting).
			Updates(map[string]any{"state": Running, "total": total, "started_at": now, "moved_at": now}).Error
	})
}

// part reads one window and commits its lines with how far the extract is.
func (s *Store) part(ctx context.Context, k kind, x Extract) error {
	b, err := s.next(ctx, k, x)
	if err != nil {
		return err
	}
	// A file is full when a part began behind its last row, so it is never split inside
	// a part and a few thousand rows longer at most.
	file := int(x.Done/s.fileRows) + 1
	body, size, err := pack(k, b.lines, file > x.Files)
	if err != nil {
		return err
	}
	if len(b.lines) == 0 && x.Files > 0 {
		file, size = x.Files, 0 // nothing to write: no file begins
	}
	now := s.DB.Now()
	seen := x.Seen + int64(b.seen)
	set := map[string]any{"parts": x.Parts + 1, "files": max(x.Files, file), "seen": seen, "done": x.Done + int64(len(b.lines)), "after_key": b.after,
		"bytes": x.Bytes + int64(size), "moved_at": now, "total": max(x.Total, seen)}
	if b.last {
		set["state"], set["finished_at"], set["expires_at"] = Ready, now, now.Add(s.Keep)
		set["total"], set["max_downloads"] = seen, s.Times*max(x.Files, file)
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Extract{}).Where("id = ? AND state = ? AND parts = ?", x.ID, Running, x.Parts).Updates(set)
		if r.Error != nil || r.RowsAffected == 0 { // another worker wrote this part, or somebody cancelled
			return r.Error
		}
		if b.last && k.crowd != nil {
			if err := forgetCrowd(tx, x.ID); err != nil {
				return err
			}
		}
		if size == 0 {
			return nil
		}
		return tx.Exec("INSERT INTO extract_part (extract_id, part, file_no, body) VALUES (?,?,?,?)", x.ID, x.Parts, file, s.Box.Seal(place(x.ID, x.Parts), body)).Error
	})
}

// pack writes lines as packed CSV. A file begins with its head.
func pack(k kind, lines [][]string, head bool) (body []byte, size int, err error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	n := &counter{w: z}
	w := spreadsheet.Continue(n)
	if head {
		if w, err = spreadsheet.Begin(n); err != nil {
			return nil, 0, err
		}
		titles := make([]string, len(k.columns))
		for i, c := range k.columns {
			titles[i] = c.title
		}
		lines = append([][]string{titles}, lines...)
	}
	if err := errors.Join(w.WriteAll(lines), z.Close()); err != nil {
		return nil, 0, err
	}
	return b.Bytes(), n.n, nil
}

type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return c.w.Write(p)
}
