package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code/picture"
	"siyu/model/fault"
	"siyu/model/id"
)

// reportPause is the least time between two reports of progress: often enough for a
// person who watches, seldom enough for the database.
const reportPause = 200 * time.Millisecond

// errStopped: the export was cancelled, or another worker has taken it over.
var errStopped = errors.New("export: stopped")

// Run writes an export to its end. Calling it again, at any time and from anywhere,
// is harmless: a finished export is left alone, recorded parts are kept.
// It returns nil when nothing is left to do, also when the export failed for good
// (the row says why). Any other error means: call again later. Such are Unavailable
// export_busy (another worker has it), a database that does not answer, and ctx ended.
func (s *Store) Run(ctx context.Context, exportID id.ID) error {
	r, err := s.get(ctx, exportID)
	if err != nil {
		return err
	}
	if r.State != Waiting && r.State != Running {
		return nil
	}
	owner := s.DB.NewID()
	if err := s.take(ctx, exportID, owner); err != nil {
		return err
	}
	j := &run{Store: s, row: r, owner: owner}
	err = j.all(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errStopped):
		return s.clean(ctx, exportID)
	case ctx.Err() != nil || !final(err):
		// Not the export's fault. Let go, so that the next Run need not wait.
		return errors.Join(err, j.release(context.WithoutCancel(ctx)))
	}
	text := reason(err)
	failed, moveErr := j.end(ctx, map[string]any{"state": Failed, "error": text, "finished_at": s.DB.Now(), "password": []byte{}})
	if moveErr != nil || !failed {
		return moveErr
	}
	return s.remove(exportID)
}

// take makes this worker the owner, unless another one reported within the lease.
func (s *Store) take(ctx context.Context, exportID, owner id.ID) error {
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec(`UPDATE export SET state = ?, lease_owner = ?, lease_until = ?, beat = beat + 1,
			started_at = CASE WHEN started_at = 0 THEN ? ELSE started_at END
			WHERE id = ? AND (state = ? OR state = ? AND lease_until <= ?)`,
			Running, owner, s.leaseUntil(), s.DB.Now(), exportID, Waiting, Running, s.DB.Now())
		if u.Error == nil && u.RowsAffected != 1 {
			return fault.New(fault.Unavailable, "export_busy", "导出任务正由另一个进程执行")
		}
		return u.Error
	})
}

// run is one worker's turn at one export.
type run struct {
	*Store
	row      row
	owner    id.ID
	reported clock.Instant
}

func (j *run) all(ctx context.Context) error {
	password, err := j.Box.Open(passwordPlace(j.row.ID), j.row.Password)
	if err != nil {
		return fmt.Errorf("export: password of %d: %w", j.row.ID, err)
	}
	if err := os.MkdirAll(j.dir(j.row.ID), 0o700); err != nil {
		return diskError{err}
	}
	done, err := j.resume(ctx)
	if err != nil {
		return err
	}
	from := j.row.From
	for _, p := range done {
		from = p.Until
	}
	for n := len(done) + 1; from < j.row.Until; n++ {
		w, err := j.row.work(from, j.partCodes(j.row.Kind))
		if err != nil {
			return err
		}
		if err := j.part(ctx, n, w, string(password)); err != nil {
			return err
		}
		from = w.Until
	}
	ready, err := j.end(ctx, map[string]any{"state": Ready, "done": j.row.Until - j.row.From,
		"finished_at": j.DB.Now(), "expires_at": j.DB.Now().Add(j.Keep)})
	if err == nil && !ready {
		err = errStopped
	}
	return err
}

// resume returns the parts to keep: those in a row from the first whose files are
// there in full. Everything else in the folder is what a crash left behind.
func (j *run) resume(ctx context.Context) ([]Part, error) {
	recorded, err := j.parts(ctx, j.row.ID)
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{}
	done := recorded[:0:0]
	for _, p := range recorded {
		info, err := os.Stat(filepath.Join(j.dir(j.row.ID), p.File))
		if err != nil || info.Size() != p.Bytes {
			break
		}
		keep[p.File] = true
		done = append(done, p)
	}
	if len(done) < len(recorded) {
		if err := j.guarded(ctx, map[string]any{}, func(tx *gorm.DB) error {
			return tx.Where("export_id = ? AND part > ?", j.row.ID, len(done)).Delete(&Part{}).Error
		}); err != nil {
			return nil, err
		}
	}
	files, err := os.ReadDir(j.dir(j.row.ID))
	if err != nil {
		return nil, diskError{err}
	}
	for _, f := range files {
		if !keep[f.Name()] {
			if err := os.Remove(filepath.Join(j.dir(j.row.ID), f.Name())); err != nil {
				return nil, diskError{err}
			}
		}
	}
	return done, nil
}

// part writes one file and records it. The owner's number is in the file's name, so a
// worker that was taken for dead and is not cannot touch what its successor writes.
func (j *run) part(ctx context.Context, n int, w Work, password string) (err error) {
	p := Part{ExportID: j.row.ID, Part: n, From: w.From, Until: w.Until, File: fmt.Sprintf("%03d-%d.zip", n, j.owner)}
	p.Name = fmt.Sprintf("%d-%s-%s-%03d.zip", j.row.ID, w.Kind, w.span(), n)
	path := filepath.Join(j.dir(j.row.ID), p.File)
	half := path + ".part"
	defer func() {
		if err != nil { // also gives a full disk its room back
			_ = os.Remove(half) // sweep deletes what this cannot
		}
	}()
	if err := j.write(ctx, half, &p, w, password); err != nil {
		return err
	}
	if err := os.Rename(half, path); err != nil {
		return diskError{err}
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return diskError{err}
	}
	// If this fails the file stays: the commit may have happened, and resume knows.
	return j.guarded(ctx, map[string]any{"done": w.Until - j.row.From}, func(tx *gorm.DB) error {
		p.CreatedAt = j.DB.Now()
		return tx.Create(&p).Error
	})
}

// write fills a file and what the part's row says of it.
func (j *run) write(ctx context.Context, path string, p *Part, w Work, password string) error {
	f, err := j.create(path)
	if err != nil {
		return diskError{err}
	}
	out := &counter{w: f, sum: sha256.New()}
	p.Checked, err = j.fill(ctx, out, w, password)
	closed := f.Close()
	switch {
	case out.err != nil: // first: what the ZIP says of it may have lost the cause
		return diskError{out.err}
	case err != nil:
		return err
	case closed != nil: // a write that failed may only say so now
		return diskError{closed}
	}
	p.Bytes, p.SHA256 = out.n, hex.EncodeToString(out.sum.Sum(nil))
	return nil
}

func (j *run) fill(ctx context.Context, out io.Writer, w Work, password string) (checked int, err error) {
	zip, err := picture.NewZip(out, password)
	if err != nil {
		return 0, err
	}
	zip.Modified = j.DB.Now().Time().In(clock.Shanghai)
	checked, err = w.Write(ctx, j.codes, zip, func(done int64) error { return j.report(ctx, w.From-j.row.From+done) })
	if err != nil {
		return 0, err
	}
	return checked, zip.Close()
}

// report tells how far the work is and renews the lease, at most every reportPause.
func (j *run) report(ctx context.Context, done int64) error {
	now := j.DB.Now()
	if since := now.Sub(j.reported); since >= 0 && since < reportPause {
		return nil
	}
	j.reported = now
	return j.guarded(ctx, map[string]any{"done": done}, nil)
}

// guarded changes the row, and with it what also does, only while it is ours.
func (j *run) guarded(ctx context.Context, set map[string]any, also func(tx *gorm.DB) error) error {
	set["lease_until"], set["beat"] = j.leaseUntil(), gorm.Expr("beat + 1")
	return j.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Model(&row{}).Where("id = ? AND state = ? AND lease_owner = ?", j.row.ID, Running, j.owner).Updates(set)
		if u.Error == nil && u.RowsAffected != 1 {
			return errStopped
		}
		if u.Error != nil || also == nil {
			return u.Error
		}
		return also(tx)
	})
}

// end is guarded for the last change; false means the export was not ours any more.
func (j *run) end(ctx context.Context, set map[string]any) (bool, error) {
	err := j.guarded(ctx, set, nil)
	if errors.Is(err, errStopped) {
		return false, nil
	}
	return err == nil, err
}

func (j *run) release(ctx context.Context) error {
	return j.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE export SET lease_until = 0 WHERE id = ? AND lease_owner = ?", j.row.ID, j.owner).Error
	})
}

// diskError is a failure of the file system.
type diskError struct{ err error }

func (e diskError) Error() string { return "export: file: " + e.err.Error() }
func (e diskError) Unwrap() error { return e.err }

// final says whether trying again would fail again: the files cannot be written, or
// the work itself is refused.
func final(err error) bool {
	if errors.As(err, new(diskError)) || errors.Is(err, errMismatch) {
		return true
	}
	kind := fault.KindOf(err)
	return kind == fault.Invalid || kind == fault.NotFound
}

// reason is what the operator reads.
func reason(err error) string {
	var d diskError
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "磁盘空间不足，请清理后重新导出"
	case errors.As(err, &d):
		return "无法写入导出文件，请联系技术支持检查数据目录"
	}
	return fault.Of(err).Text
}

// counter counts and hashes what goes into a file, and remembers why it stopped.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
	err error
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}

// file syncs before it closes: what is recorded must outlive a power cut.
type file struct{ *os.File }

func (f file) Close() error { return errors.Join(f.Sync(), f.File.Close()) }

func create(path string) (io.WriteCloser, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Store) root() string { return filepath.Join(s.Data, "exports") }

func (s *Store) dir(exportID id.ID) string { return filepath.Join(s.root(), exportID.String()) }

func (s *Store) remove(exportID id.ID) error {
	if err := os.RemoveAll(s.dir(exportID)); err != nil {
		return fmt.Errorf("export: delete files: %w", err)
	}
	return nil
}

// clean deletes the folder of an export that nobody can have any more.
func (s *Store) clean(ctx context.Context, exportID id.ID) error {
	r, err := s.get(ctx, exportID)
	if err != nil {
		return err
	}
	if r.State == Failed || r.State == Cancelled || r.State == Expired {
		return s.remove(exportID)
	}
	return nil
}

// sweep cleans all folders that are named like an export; others are not ours.
func (s *Store) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(s.root())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("export: sweep: %w", err)
	}
	for _, entry := range entries {
		exportID, err := id.Parse(entry.Name())
		if err != nil || exportID.String() != entry.Name() {
			continue
		}
		// No row: another installation's, or a database brought back from the past.
		if err := s.clean(ctx, exportID); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}
