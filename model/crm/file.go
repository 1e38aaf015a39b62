package crm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// pieceSize is how much of a file one row holds. Small enough for every server's packet
// limit, large enough that a hundred megabytes are four hundred rows.
const pieceSize = 256 << 10

func place(importID id.ID, seq int64) string { return fmt.Sprintf("crm:%d:%d", importID, seq) }

var errTooBig = fault.Invalidf("import_too_big", "文件太大，最多 %d MB，请分成几个文件", MaxBytes>>20)

// Staged is a file that has arrived and is nobody's import yet.
type Staged struct {
	ID     id.ID
	Bytes  int64
	SHA256 string
}

// Stage seals a file away piece by piece as it arrives. Create makes an import of it;
// what is never made into one is deleted by Discard, or by Prune a day later.
// Faults: Invalid import_too_big, import_empty, and those of the format.
func (s *Store) Stage(ctx context.Context, file io.Reader) (Staged, error) {
	r := row{Import: Import{ID: s.DB.NewID(), State: Receiving, CreatedAt: s.DB.Now()}}
	if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&r).Error }); err != nil {
		return Staged{}, fmt.Errorf("crm: stage: %w", err)
	}
	err := s.receive(ctx, &r, file)
	if err == nil {
		err = s.describe(ctx, &r)
	}
	if err != nil {
		// The client may be gone; what it sent must still go.
		return Staged{}, errors.Join(err, s.Discard(context.WithoutCancel(ctx), r.ID))
	}
	return Staged{r.ID, r.Bytes, r.SHA256}, nil
}

func (s *Store) receive(ctx context.Context, r *row, file io.Reader) error {
	sum, kind := sha256.New(), sniffer{}
	piece := make([]byte, pieceSize)
	for seq := int64(0); ; seq++ {
		n, err := io.ReadFull(file, piece)
		if n > 0 {
			part := piece[:n]
			if r.Bytes += int64(n); r.Bytes > MaxBytes {
				return errTooBig
			}
			sum.Write(part)
			kind.see(part)
			sealed := s.Box.Seal(place(r.ID, seq), part)
			err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("INSERT INTO crm_file (import_id, seq, sealed) VALUES (?,?,?)", r.ID, seq, sealed).Error
			})
			if err != nil {
				return fmt.Errorf("crm: stage: %w", err)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return fault.NewInvalid("bad_body", "文件没有传完整").Because(err)
		}
	}
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	var err error
	r.Format, r.Encoding, err = kind.verdict()
	return err
}

// describe reads the header and notes everything that is known of the file.
func (s *Store) describe(ctx context.Context, r *row) error {
	t, err := s.open(ctx, *r)
	if err != nil {
		return err
	}
	header, err := t.header()
	if err != nil {
		return err
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&row{}).Where("id = ? AND state = ?", r.ID, Receiving).Updates(map[string]any{"bytes": r.Bytes, "sha256": r.SHA256,
			"format": r.Format, "encoding": r.Encoding, "header": string(text)}).Error
	})
	if err != nil {
		return fmt.Errorf("crm: stage: %w", err)
	}
	return nil
}

// Create makes an import of a staged file. Faults: Invalid import_name, import_source,
// brand_id; Conflict import_state.
func (s *Store) Create(ctx context.Context, stagedID id.ID, d Draft) (Import, error) {
	if err := d.check(); err != nil {
		return Import{}, err
	}
	return s.move(ctx, stagedID, []string{Receiving}, map[string]any{"state": Received, "brand_id": d.BrandID, "name": d.Name, "source": d.Source,
		"file_name": d.FileName, "created_by": d.By, "created_at": s.DB.Now()}, false)
}

// Discard deletes a staged file; an import is left alone.
func (s *Store) Discard(ctx context.Context, stagedID id.ID) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec("DELETE FROM crm_import WHERE id = ? AND state = ?", stagedID, Receiving)
		if u.Error != nil || u.RowsAffected == 0 {
			return u.Error
		}
		return tx.Exec("DELETE FROM crm_file WHERE import_id = ?", stagedID).Error
	})
	if err != nil {
		return fmt.Errorf("crm: discard: %w", err)
	}
	return nil
}

// pieces reads a sealed file at any place, with the last few pieces kept open.
type pieces struct {
	ctx   context.Context
	s     *Store
	id    id.ID
	size  int64
	kept  [4][]byte
	which [4]int64 // piece number + 1 of each kept one
}

func (p *pieces) piece(seq int64) ([]byte, error) {
	slot := seq % int64(len(p.kept))
	if p.which[slot] == seq+1 {
		return p.kept[slot], nil
	}
	var sealed [][]byte
	if err := p.s.DB.Read(p.ctx).Raw("SELECT sealed FROM crm_file WHERE import_id = ? AND seq = ?", p.id, seq).Scan(&sealed).Error; err != nil {
		return nil, fmt.Errorf("crm: file: %w", err)
	}
	if len(sealed) == 0 {
		return nil, errFileGone
	}
	plain, err := p.s.Box.Open(place(p.id, seq), sealed[0])
	if err != nil {
		return nil, fmt.Errorf("crm: piece %d of %d: %w", seq, p.id, err)
	}
	p.kept[slot], p.which[slot] = plain, seq+1
	return plain, nil
}

// ReadAt implements io.ReaderAt.
func (p *pieces) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && off < p.size {
		piece, err := p.piece(off / pieceSize)
		if err != nil {
			return n, err
		}
		in := off % pieceSize
		if in >= int64(len(piece)) {
			return n, io.ErrUnexpectedEOF
		}
		m := copy(b[n:], piece[in:])
		n, off = n+m, off+int64(m)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Formats and encodings.
const (
	CSV     = "csv"
	XLSX    = "xlsx"
	UTF8    = "utf-8"
	UTF16   = "utf-16"
	GB18030 = "gb18030"
)

// sniffer tells from the content, never from the name, what a file is.
type sniffer struct {
	head  []byte
	carry []byte // a character cut by the end of a piece
	bad   bool   // no UTF-8
	nul   bool
}

func (s *sniffer) see(part []byte) {
	if need := 512 - len(s.head); need > 0 {
		s.head = append(s.head, part[:min(need, len(part))]...)
	}
	s.nul = s.nul || bytes.IndexByte(part, 0) >= 0
	if s.bad {
		return
	}
	text := append(s.carry, part...)
	end := len(text)
	for i := 1; i <= min(utf8.UTFMax-1, len(text)); i++ {
		if c := text[len(text)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-i:]) {
				end = len(text) - i
			}
			break
		}
	}
	s.bad = !utf8.Valid(text[:end])
	s.carry = bytes.Clone(text[end:])
}

// verdict: whatever is no UTF-8 is GB18030, which is what Excel for Windows writes in
// China; bytes that are not that either show up as bad rows.
func (s *sniffer) verdict() (format, encoding string, err error) {
	refuse := func(text string) (string, string, error) { return "", "", fault.NewInvalid("import_format", text) }
	switch {
	case len(s.head) == 0:
		return refuse("文件是空的")
	case bytes.HasPrefix(s.head, []byte("PK\x03\x04")):
		return XLSX, "", nil
	case bytes.HasPrefix(s.head, []byte("\xd0\xcf\x11\xe0")):
		return refuse("这是旧版 Excel 文件（或加了密码），请另存为 xlsx 或 CSV 后再上传")
	case bytes.HasPrefix(s.head, []byte("\xff\xfe")), bytes.HasPrefix(s.head, []byte("\xfe\xff")):
		return CSV, UTF16, nil
	case bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(s.head, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<")):
		return refuse("这是网页格式的表格（有的系统导出的 .xls），请用 Excel 打开后另存为 xlsx 或 CSV 再上传")
	case s.nul:
		return refuse("只支持 CSV 和 xlsx 文件")
	case s.bad || len(s.carry) > 0:
		return CSV, GB18030, nil
	}
	return CSV, UTF8, nil
}
