package rights

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// pieceBytes is how much of a file goes into one row: far below what a MySQL server
// takes in one packet by default (max_allowed_packet, 16 MiB and more).
const pieceBytes = 512 << 10

// Copy is all that is known of a person, as he gets it.
type Copy struct {
	Company  string        `json:"company"`
	MadeAt   clock.Instant `json:"made_at"`
	About    string        `json:"about"`
	Sections []Section     `json:"sections"`
	Withheld []Withheld    `json:"withheld"`
}

// Section is one table's rows.
type Section struct {
	Name  string           `json:"name"`
	Title string           `json:"title"`
	Rows  []map[string]any `json:"rows"`
}

// Withheld is what does not go out, with the reason.
type Withheld struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

const about = "这份文件包含本服务保存的与您有关的全部个人信息，按内容分节；时间为北京时间，金额单位为分，“member_id”等编号为内部编号。未列出的内容见 withheld，附理由。"

// Collect reads all that is known of a member's human.
func (s *Store) Collect(ctx context.Context, memberID id.ID) (Copy, error) {
	who, err := s.subjectOf(s.DB.Read(ctx), memberID)
	if err != nil {
		return Copy{}, err
	}
	out := Copy{Company: s.Company, MadeAt: s.DB.Now(), About: about, Sections: []Section{}, Withheld: []Withheld{}}
	for _, t := range register() {
		if t.quiet != "" {
			out.Withheld = append(out.Withheld, Withheld{t.name, t.title, t.quiet})
			continue
		}
		rows, err := s.rows(ctx, t, who)
		if err != nil {
			return Copy{}, err
		}
		if t.name == "identity_key" {
			if err := s.showPhones(ctx, rows); err != nil {
				return Copy{}, err
			}
		}
		out.Sections = append(out.Sections, Section{t.name, t.title, rows})
	}
	return out, nil
}

// rows reads a table's rows about a person, readable.
func (s *Store) rows(ctx context.Context, t table, who subject) ([]map[string]any, error) {
	where, args := who.condition(t.where)
	found := []map[string]any{}
	if err := s.DB.Read(ctx).Raw("SELECT * FROM "+t.name+" WHERE "+where, args).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("rights: read %s: %w", t.name, err)
	}
	for _, r := range found {
		for column, v := range r {
			if slices.Contains(t.hide, column) {
				delete(r, column)
				continue
			}
			r[column] = readable(column, v)
		}
	}
	return found, nil
}

// readable turns what a driver returns into what a person and JavaScript can read.
func readable(column string, v any) any {
	switch v := v.(type) {
	case []byte:
		var inner any
		if json.Unmarshal(v, &inner) == nil {
			return inner
		}
		if utf8.Valid(v) {
			return string(v)
		}
		return nil // sealed or binary: nobody's to read
	case int64:
		switch {
		case column == "at" || strings.HasSuffix(column, "_at"):
			return clock.Instant(v).Local()
		case column == "id" || strings.HasSuffix(column, "_id"):
			return id.ID(v)
		}
	}
	return v
}

// showPhones puts the numbers beside their hashes: he may see his own.
func (s *Store) showPhones(ctx context.Context, rows []map[string]any) error {
	for _, r := range rows {
		hash, _ := r["value"].(string)
		if r["kind"] != identity.Phone || hash == "" {
			continue
		}
		n, err := s.Phones.Reveal(ctx, hash)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		r["value"] = n.Digits()
	}
	return nil
}

func filePlace(requestID id.ID, seq int) string { return fmt.Sprintf("rights:%d/%d", requestID, seq) }

// export writes the file and ends the request, in one transaction: of two workers one
// file stays.
func (s *Store) export(ctx context.Context, r Request) error {
	all, err := s.Collect(ctx, r.MemberID)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("rights: export: %w", err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		set := s.end(r.ID, Done, "文件已生成")
		set["expires_at"], set["file_bytes"], set["file_hash"] = s.DB.Now().Add(s.Terms.Keep), len(text), hex.EncodeToString(sum[:])
		moved, err := s.move(tx, r.ID, []string{Approved, Running}, set)
		if err != nil || !moved {
			return err
		}
		seq := 0
		for piece := range slices.Chunk(packed.Bytes(), pieceBytes) {
			rows := db.NewRows("rights_file", "request_id, seq, sealed")
			rows.Add(r.ID, seq, s.Box.Seal(filePlace(r.ID, seq), piece))
			if _, err := rows.Insert(ctx, tx, ""); err != nil {
				return err
			}
			seq++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rights: export: %w", err)
	}
	return nil
}

// Download hands a member the file of his export, once more of a few times.
// Faults: NotFound request_not_found; Conflict file_not_ready; Exhausted downloads_used.
func (s *Store) Download(ctx context.Context, memberID, requestID id.ID) ([]byte, error) {
	r, err := s.OfMember(ctx, memberID, requestID)
	if err != nil {
		return nil, err
	}
	if r.Kind != Export || r.State != Done || r.ExpiresAt <= s.DB.Now() {
		return nil, fault.New(fault.Conflict, "file_not_ready", "文件尚未就绪或已过期，可以重新申请")
	}
	// Open first: a file that does not open must not cost a download.
	text, err := s.file(ctx, r)
	if err != nil {
		return nil, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec("UPDATE rights_request SET downloads = downloads + 1 WHERE id = ? AND downloads < ?", r.ID, s.Terms.Downloads)
		if u.Error == nil && u.RowsAffected != 1 {
			return fault.New(fault.Exhausted, "downloads_used", fmt.Sprintf("这份文件最多下载 %d 次，次数已用完，可以重新申请", s.Terms.Downloads)).With("max", s.Terms.Downloads)
		}
		return u.Error
	})
	if err != nil {
		return nil, err
	}
	return text, nil
}

func (s *Store) file(ctx context.Context, r Request) ([]byte, error) {
	var pieces []struct {
		Seq    int
		Sealed []byte
	}
	if err := s.DB.Read(ctx).Raw("SELECT seq, sealed FROM rights_file WHERE request_id = ? ORDER BY seq", r.ID).Scan(&pieces).Error; err != nil {
		return nil, fmt.Errorf("rights: file: %w", err)
	}
	var packed []byte
	for _, p := range pieces {
		plain, err := s.Box.Open(filePlace(r.ID, p.Seq), p.Sealed)
		if err != nil {
			return nil, fmt.Errorf("rights: file of %d: %w", r.ID, err)
		}
		packed = append(packed, plain...)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("rights: file of %d: %w", r.ID, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("rights: file of %d: %w", r.ID, err)
	}
	return text, nil
}
