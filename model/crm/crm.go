// Package crm brings old customers in from files (会员资料导入): CSV or XLSX, mapped,
// tried dry, run in the background, and taken back if it was a mistake.
//
// It owns the tables crm_import, crm_file, crm_row, crm_error and crm_mapping. States:
//
//	receiving --> received --> checking --> checked --> running <--> paused
//	                  |  ^--------------------'            |  '------> done
//	                  '---> cancelled <--------------------'           |
//	                            '-----> undoing --> undone <-----------'
//
// checking or running that cannot go on becomes failed. What a cancelled or failed run
// had written stays until it is undone.
//
// Promises:
//
//   - A row is done once. A thousand rows, everything they write, their lines in
//     crm_row and the progress of the import commit together; after a crash the next
//     worker goes on at the progress.
//   - A row with a cell that cannot be right writes nothing and stands in the error file
//     with row, column, value and reason. So does a row whose keys name two persons,
//     which also opens a review in identity: nobody is joined by a file.
//   - What a person says himself counts more than what a file says (model/profile).
//   - A row without its own consent column is matched and stored, and nothing is sent to
//     that person: no agreement to marketing is made up.
//   - Undo takes back exactly what the import wrote: keys that their owner has not used
//     since, values, opening points by reversal, and persons to whom nothing else has
//     happened. Others are kept and counted. Books that only grow (evidence, consent,
//     ledger) get the opposite entry, not a hole.
//   - The file and what is quoted of it are sealed, and are deleted after thirty days.
package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/profile"
	"siyu/model/seal"
)

// States.
const (
	Receiving = "receiving"
	Received  = "received"
	Checking  = "checking"
	Checked   = "checked"
	Running   = "running"
	Paused    = "paused"
	Done      = "done"
	Cancelled = "cancelled"
	Failed    = "failed"
	Undoing   = "undoing"
	Undone    = "undone"
)

// Task is the name of the outbox task that works on an import.
const Task = "import:work"

// Limits.
const (
	MaxBytes = 100 << 20
	MaxRows  = 1_000_000
	// KeepFor is how long the file and the errors can be had after the import ended.
	KeepFor = 30 * 24 * time.Hour
)

// Import is one file.
type Import struct {
	ID           id.ID         `json:"id"`
	BrandID      id.ID         `json:"brand_id"`
	Name         string        `json:"name"`
	Source       string        `json:"source"` // the scope of its customer and card numbers
	FileName     string        `json:"file_name"`
	Format       string        `json:"format"`   // csv or xlsx
	Encoding     string        `json:"encoding"` // of a csv
	Bytes        int64         `json:"bytes"`
	SHA256       string        `json:"sha256" gorm:"column:sha256"`
	Columns      []string      `json:"columns" gorm:"-"`
	Mapping      Mapping       `json:"mapping" gorm:"-"`
	State        string        `json:"state"`
	DoneRows     int64         `json:"done_rows"`
	TotalRows    int64         `json:"total_rows"` // 0 until the dry run has counted them
	NewRows      int64         `json:"new_rows"`
	OldRows      int64         `json:"old_rows"` // recognised
	ConflictRows int64         `json:"conflict_rows"`
	BadRows      int64         `json:"bad_rows"`
	ByKey        ByKey         `json:"by_key" gorm:"-"`
	KeptRows     int64         `json:"kept_rows"` // persons an undo left, because they are more than a row by now
	FileGone     bool          `json:"file_gone"`
	Error        string        `json:"error"` // zh-CN, when failed
	CreatedBy    id.ID         `json:"created_by"`
	CreatedAt    clock.Instant `json:"created_at"`
	StartedAt    clock.Instant `json:"started_at"`
	FinishedAt   clock.Instant `json:"finished_at"`
}

// ByKey is how many rows were recognised by which kind of key.
type ByKey map[string]int64

type row struct {
	Import
	Header      string
	MappingJSON string `gorm:"column:mapping"`
	ByKeyJSON   string `gorm:"column:by_key"`
	LeaseOwner  id.ID
	LeaseUntil  clock.Instant
	Beat        int64
}

func (row) TableName() string { return "crm_import" }

func (r *row) show() (Import, error) {
	i := r.Import
	i.Columns, i.Mapping.Columns, i.Mapping.Consents, i.ByKey = []string{}, []Column{}, []string{}, ByKey{}
	for text, into := range map[string]any{r.Header: &i.Columns, r.MappingJSON: &i.Mapping, r.ByKeyJSON: &i.ByKey} {
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return Import{}, fmt.Errorf("crm: import %d: %w", r.ID, err)
		}
	}
	return i, nil
}

// Deps are what a store works with.
type Deps struct {
	DB       *db.DB
	Box      *seal.Box
	Outbox   *outbox.Store
	People   *identity.Store
	Members  *member.Store
	Phones   *phone.Book
	Profiles *profile.Store
	Consents *consent.Store
	Points   *points.Store
	Accounts *points.Accounts
}

// Store keeps imports.
type Store struct {
	Deps
	// step is told where the work is; tests end the worker there.
	step func(where string) error
	page int // rows of one transaction
}

// New makes a store.
func New(d Deps) *Store {
	return &Store{Deps: d, step: func(string) error { return nil }, page: 1000}
}

func unknown() error { return fault.New(fault.NotFound, "import_unknown", "没有这个导入任务") }

func (s *Store) get(ctx context.Context, importID id.ID) (row, error) {
	var r row
	err := s.DB.Read(ctx).Where("id = ?", importID).Take(&r).Error
	if db.IsNotFound(err) {
		return row{}, unknown()
	}
	if err != nil {
		return row{}, fmt.Errorf("crm: read: %w", err)
	}
	return r, nil
}

// Get reads one import. Fault: NotFound import_unknown.
func (s *Store) Get(ctx context.Context, importID id.ID) (Import, error) {
	r, err := s.get(ctx, importID)
	if err != nil {
		return Import{}, err
	}
	return r.show()
}

// List returns a page of a brand's imports, newest first.
func (s *Store) List(ctx context.Context, brandID, before id.ID, limit int) ([]Import, error) {
	var rows []row
	q := s.DB.Read(ctx).Where("brand_id = ? AND state <> ?", brandID, Receiving)
	if err := db.Page(q, "crm_import", before, limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("crm: list: %w", err)
	}
	out := make([]Import, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].show(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&row{}).Where("brand_id = ? AND state <> ?", brandID, Receiving))
}

// Draft is what an operator says of a file he sends.
type Draft struct {
	BrandID  id.ID
	Name     string
	Source   string
	FileName string
	By       id.ID
}

func (d *Draft) check() error {
	d.Name, d.Source = strings.TrimSpace(d.Name), strings.TrimSpace(d.Source)
	switch {
	case d.BrandID == 0:
		return fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	case d.Name == "" || utf8.RuneCountInString(d.Name) > 100:
		return fault.NewInvalid("import_name", "请填写名称，最多 100 字").With("field", "name")
	case d.Source == "" || utf8.RuneCountInString(d.Source) > 64:
		return fault.NewInvalid("import_source", "请填写资料来源（例如 天猫会员2019），最多 64 字").With("field", "source")
	}
	if r := []rune(d.FileName); len(r) > 200 {
		d.FileName = string(r[len(r)-200:])
	}
	return nil
}

// move changes the state of an import, guarded by the states it may come from, and
// wakes a worker if wake is set.
func (s *Store) move(ctx context.Context, importID id.ID, from []string, set map[string]any, wake bool) (Import, error) {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		set["beat"] = gorm.Expr("beat + 1")
		u := tx.Model(&row{}).Where("id = ? AND state IN ?", importID, from).Updates(set)
		if u.Error != nil {
			return u.Error
		}
		if u.RowsAffected != 1 {
			return errMoved
		}
		if !wake {
			return nil
		}
		_, err := s.Outbox.PutTx(ctx, tx, Task, importID, 0)
		return err
	})
	if errors.Is(err, errMoved) {
		i, err := s.Get(ctx, importID)
		if err != nil {
			return Import{}, err
		}
		if i.State == set["state"] { // asked twice
			return i, nil
		}
		return Import{}, fault.New(fault.Conflict, "import_state", "导入任务当前的状态不能这样操作").With("state", i.State)
	}
	if err != nil {
		return Import{}, fmt.Errorf("crm: move: %w", err)
	}
	if wake {
		s.Outbox.Nudge()
	}
	return s.Get(ctx, importID)
}

var errMoved = errors.New("crm: moved on")

// Check asks for a dry run. Faults: Conflict import_state, Invalid import_mapping.
func (s *Store) Check(ctx context.Context, importID id.ID) (Import, error) {
	i, err := s.Get(ctx, importID)
	if err != nil {
		return Import{}, err
	}
	if len(i.Mapping.Columns) == 0 {
		return Import{}, fault.NewInvalid("import_mapping", "请先设置列的对应关系")
	}
	return s.move(ctx, importID, []string{Received, Checked}, map[string]any{"state": Checking, "done_rows": 0, "total_rows": 0,
		"new_rows": 0, "old_rows": 0, "conflict_rows": 0, "bad_rows": 0, "by_key": "", "lease_until": 0}, true)
}

// Start runs an import whose dry run somebody has seen, or goes on with a paused one.
func (s *Store) Start(ctx context.Context, importID id.ID) (Import, error) {
	i, err := s.Get(ctx, importID)
	if err != nil {
		return Import{}, err
	}
	if i.State == Paused {
		return s.move(ctx, importID, []string{Paused}, map[string]any{"state": Running}, true)
	}
	return s.move(ctx, importID, []string{Checked}, map[string]any{"state": Running, "done_rows": 0, "new_rows": 0, "old_rows": 0,
		"conflict_rows": 0, "bad_rows": 0, "by_key": "", "lease_until": 0, "started_at": s.DB.Now()}, true)
}

// Pause holds a run; at most the rows of one transaction are still written.
func (s *Store) Pause(ctx context.Context, importID id.ID) (Import, error) {
	return s.move(ctx, importID, []string{Running}, map[string]any{"state": Paused}, false)
}

// Cancel ends an import for good. What it wrote stays until it is undone.
func (s *Store) Cancel(ctx context.Context, importID id.ID) (Import, error) {
	return s.move(ctx, importID, []string{Received, Checking, Checked, Running, Paused}, map[string]any{"state": Cancelled, "finished_at": s.DB.Now()}, false)
}

// Undo takes back what an import wrote.
func (s *Store) Undo(ctx context.Context, importID id.ID) (Import, error) {
	return s.move(ctx, importID, []string{Done, Cancelled, Failed, Paused}, map[string]any{"state": Undoing, "error": "", "lease_until": 0}, true)
}

// Prune deletes files and errors of imports that ended long ago, and uploads that never
// ended. It returns how many imports it went over.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	now := s.DB.Now()
	var ids []id.ID
	err := s.DB.Read(ctx).Model(&row{}).Where("state = ? AND created_at < ? OR file_gone = 0 AND finished_at > 0 AND finished_at < ? AND state IN ?",
		Receiving, now.Add(-24*time.Hour), now.Add(-KeepFor), []string{Done, Cancelled, Failed, Undone}).Order("created_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil {
		return 0, fmt.Errorf("crm: prune: %w", err)
	}
	for _, importID := range ids {
		if err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			for _, stmt := range []string{"DELETE FROM crm_file WHERE import_id = ?", "DELETE FROM crm_error WHERE import_id = ?",
				"UPDATE crm_import SET file_gone = 1 WHERE id = ?", "DELETE FROM crm_import WHERE id = ? AND state = 'receiving'"} {
				if err := tx.Exec(stmt, importID).Error; err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return 0, fmt.Errorf("crm: prune: %w", err)
		}
	}
	return len(ids), nil
}

// EraseTx forgets which keys a file gave to members (个人信息删除): an undo later finds
// nothing of them to take back. It returns how many rows lost theirs.
func (s *Store) EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error) {
	r := tx.WithContext(ctx).Exec("UPDATE crm_row SET wrote = '{}' WHERE member_id IN ? AND wrote <> '{}'", members)
	if r.Error != nil {
		return 0, fmt.Errorf("crm: erase: %w", r.Error)
	}
	return r.RowsAffected, nil
}

// OfMembers lists which rows of which imports are about members: for a person who asks
// what is known of him.
func (s *Store) OfMembers(ctx context.Context, members []id.ID) ([]Came, error) {
	out := []Came{}
	err := s.DB.Read(ctx).Raw(`SELECT r.import_id, i.name, i.source, r.row_no, r.outcome, i.started_at AS at FROM crm_row r JOIN crm_import i ON i.id = r.import_id
		WHERE r.member_id IN ? ORDER BY i.started_at DESC, r.row_no`, members).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("crm: of members: %w", err)
	}
	return out, nil
}

// Came is one row about a member.
type Came struct {
	ImportID id.ID         `json:"import_id"`
	Name     string        `json:"name"`
	Source   string        `json:"source"`
	RowNo    int64         `json:"row"`
	Outcome  string        `json:"outcome"`
	At       clock.Instant `json:"at"`
}
