// Package extract takes lists out of the house (导出): members, claims, payouts, entries
// of the ledger and others, as CSV that opens right in Excel and WPS.
//
// It owns the tables extract and extract_part and reads those of other contexts. States:
//
//	waiting --> running --> ready --> expired
//	   |           |------> failed
//	   '-----------'------> cancelled
//
// A list is read newest first, a bounded number of rows at a time, by the ids the rows
// were made with: every read costs the same, whatever is asked for and however long the
// table is. The lines of a read are packed, sealed and committed together with how far
// the list is. So after a kill it goes on behind the last part, no row comes twice and
// none is lost, and of two workers on one list one finds his part there. The people of a
// segment or of a fixed list are noted, sealed, when the list begins, and written from that
// in the order of their numbers (crowd.go).
//
// Promises: telephone numbers are masked and there are no openids; no cell begins a
// formula that a person could have written; rows made after the list was asked for are
// not in it; a file can be had so many times, for so many days, and is then deleted.
package extract

import (
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/seal"
	"siyu/model/segment"
)

// States.
const (
	Waiting   = "waiting"
	Running   = "running"
	Ready     = "ready"
	Failed    = "failed"
	Cancelled = "cancelled"
	Expired   = "expired"
)

// Task is the wake-up that writes an extract; its ref is the extract's id.
const Task = "extract:run"

// Limits.
const (
	MaxRows    = 5_000_000 // of one extract
	FileRows   = 1_000_000 // of one file: a sheet of Excel holds 1,048,576
	MaxActive  = 5         // extracts of one operator that wait or run
	windowRows = 4000      // looked at in one read
	hopRows    = 20_000    // counted in one read
)

// Extract is one request for a list.
type Extract struct {
	ID           id.ID             `json:"id"`
	Kind         string            `json:"kind"`
	Title        string            `json:"title" gorm:"-"` // zh-CN
	Filter       map[string]string `json:"filter" gorm:"-"`
	FilterJSON   string            `json:"-" gorm:"column:filter"`
	Reason       string            `json:"reason"`
	State        string            `json:"state"`
	Total        int64             `json:"total"` // rows to look at; -1: not counted yet
	Seen         int64             `json:"seen"`  // rows looked at
	Done         int64             `json:"done"`  // rows in the files
	Parts        int               `json:"-"`
	Files        int               `json:"files"`
	AfterKey     string            `json:"-"`
	Bytes        int64             `json:"bytes"` // of all files, unpacked
	Error        string            `json:"error"` // zh-CN, when failed
	Downloads    int               `json:"downloads"`
	MaxDownloads int               `json:"max_downloads"`
	ByID         id.ID             `json:"by_id"`
	Brands       string            `json:"-"` // ids with commas: only rows of these; "": of all
	CreatedAt    clock.Instant     `json:"created_at"`
	StartedAt    clock.Instant     `json:"started_at"`
	MovedAt      clock.Instant     `json:"moved_at"`
	FinishedAt   clock.Instant     `json:"finished_at"`
	ExpiresAt    clock.Instant     `json:"expires_at"`
}

// TableName names the table for GORM.
func (Extract) TableName() string { return "extract" }

// Deps are what a store works with.
type Deps struct {
	DB       *db.DB
	Box      *seal.Box
	Phones   *phone.Book
	Outbox   *outbox.Store
	Segments *segment.Store
	Keep     time.Duration // how long a file can be had; 0: seven days
	Times    int           // how many times each; 0: three
}

// Store keeps extracts and their files.
type Store struct {
	Deps
	window   int   // rows looked at in one read; tests put fewer here
	fileRows int64 // rows of one file
}

// New makes a store.
func New(d Deps) *Store {
	if d.Keep == 0 {
		d.Keep = 7 * 24 * time.Hour
	}
	if d.Times == 0 {
		d.Times = 3
	}
	return &Store{Deps: d, window: windowRows, fileRows: FileRows}
}

var (
	errUnknown  = fault.New(fault.NotFound, "extract_unknown", "没有这个导出任务")
	errKind     = fault.NewInvalid("extract_kind", "没有这种导出").With("field", "kind")
	errReason   = fault.NewInvalid("reason_missing", "请填写导出原因(2 到 200 字)").With("field", "reason")
	errMany     = fault.New(fault.Exhausted, "extract_many", "您已有多个导出任务在进行，请等待完成或取消其中一个")
	errFinished = fault.New(fault.Conflict, "extract_finished", "导出任务已经结束，不能取消")
	errNotReady = fault.New(fault.Conflict, "extract_not_ready", "文件还没有生成，或已过期，请重新导出")
	errUsed     = fault.New(fault.Exhausted, "downloads_used", "下载次数已用完，请重新导出")
	errScope    = fault.New(fault.Forbidden, "extract_scope", "您的数据范围是部分品牌，而这份名单不分品牌，请联系管理员导出")
	errTooMany  = fault.NewInvalid("extract_rows", "超过 500 万行，请按时间分几次导出")
)
