// Package export makes the files that go to a printer: codes as CSV, pictures or
// label sheets (导出).
//
// It owns the tables export, export_part and export_download and the folder exports under
// the data folder. States:
//
//	waiting --> running --> ready --> expired
//	   |           |------> failed
//	   '-----------'------> cancelled
//
// A large export is cut into parts of so many codes, each an AES-256 encrypted ZIP of
// its own. A part is written under a name nobody else uses, synced, and then recorded:
// what is recorded is whole. After a crash the recorded parts are kept and the one
// that was being written begins again, so at most one part is done twice.
//
// Promises: memory does not grow with the number of codes; every file was read back
// in samples before it can be had; the password is shown once and is then gone; nobody
// gets both a file and its password; a file can be had so many times, for so many days,
// each time with a line of who and from where, and is then deleted; two workers on the
// same export never mix their files. Processes that write exports and processes that
// hand them over must see the same data folder.
package export

import (
	"encoding/json"
	"fmt"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
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

// Task is the name of the outbox task that runs an export.
const Task = "export:run"

// Limits.
const (
	MaxPictures = 5_000_000 // codes of one export of pictures or labels
	MaxActive   = 20        // exports of a brand that wait or run
)

// Export is one request for files. In JSON it has no secrets.
type Export struct {
	ID            id.ID         `json:"id"`
	BrandID       id.ID         `json:"brand_id"`
	BatchID       id.ID         `json:"batch_id"`
	From          int64         `json:"from_serial" gorm:"column:from_serial"`
	Until         int64         `json:"until_serial" gorm:"column:until_serial"` // exclusive
	Kind          string        `json:"kind"`
	Form          string        `json:"url_form" gorm:"column:url_form"`
	Options       Options       `json:"options" gorm:"-"`
	State         string        `json:"state"`
	Done          int64         `json:"done"` // codes written
	Total         int64         `json:"total" gorm:"-"`
	PasswordTaken clock.Instant `json:"password_taken_at" gorm:"column:password_taken_at"`
	PasswordBy    id.ID         `json:"password_taken_by" gorm:"column:password_taken_by"`
	MaxDownloads  int           `json:"max_downloads"` // of each part
	Error         string        `json:"error"`         // zh-CN, when failed
	CreatedBy     id.ID         `json:"created_by"`
	CreatedAt     clock.Instant `json:"created_at"`
	StartedAt     clock.Instant `json:"started_at"`
	FinishedAt    clock.Instant `json:"finished_at"`
	ExpiresAt     clock.Instant `json:"expires_at"`
	Parts         []Part        `json:"parts" gorm:"-"`
	CodesPerS     float64       `json:"codes_per_s" gorm:"-"` // since it began; 0: not known yet
	LeftS         int64         `json:"left_s" gorm:"-"`      // seconds it will still take at that speed; 0: not known
}

// Hand is who takes a file or its password.
type Hand struct {
	ID    id.ID
	Login string
	IP    string
}

// Taking is one download of a part.
type Taking struct {
	ID         id.ID         `json:"id"`
	ExportID   id.ID         `json:"export_id"`
	Part       int           `json:"part"`
	OperatorID id.ID         `json:"operator_id"`
	Login      string        `json:"login"`
	IP         string        `json:"ip"`
	CreatedAt  clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Taking) TableName() string { return "export_download" }

// Part is one finished file.
type Part struct {
	ExportID  id.ID         `json:"-"`
	Part      int           `json:"part"` // from 1
	From      int64         `json:"from_serial" gorm:"column:from_serial"`
	Until     int64         `json:"until_serial" gorm:"column:until_serial"`
	Name      string        `json:"name"` // what the person who downloads it sees
	File      string        `json:"-"`    // in the export's folder
	Bytes     int64         `json:"bytes"`
	SHA256    string        `json:"sha256" gorm:"column:sha256"`
	Checked   int           `json:"checked"` // codes read back and compared
	Downloads int           `json:"downloads"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Part) TableName() string { return "export_part" }

// row is the table.
type row struct {
	Export
	OptionsJSON string `gorm:"column:options"`
	Password    []byte // sealed for passwordPlace; empty once taken or of no use
	LeaseOwner  id.ID
	LeaseUntil  clock.Instant
	Beat        int64
}

func (row) TableName() string { return "export" }

func passwordPlace(exportID id.ID) string { return "export:" + exportID.String() }

// saved is the content of the column options.
type saved struct {
	Options Options `json:"options"`
	Print   Print   `json:"print"`
}

// work is the work of the part of at most size codes that begins at from.
func (r *row) work(from, size int64) (Work, error) {
	var s saved
	if err := json.Unmarshal([]byte(r.OptionsJSON), &s); err != nil {
		return Work{}, fmt.Errorf("export: options of %d: %w", r.ID, err)
	}
	return Work{BatchID: r.BatchID, From: from, Until: min(r.Until, from+size), Kind: r.Kind, Form: r.Form,
		Options: s.Options, Print: s.Print}, nil
}

// show completes what is handed to callers.
func (r *row) show(now clock.Instant) Export {
	e := r.Export
	var s saved
	if json.Unmarshal([]byte(r.OptionsJSON), &s) == nil { // work reports what is wrong with it
		e.Options = s.Options
	}
	e.Total, e.Parts = e.Until-e.From, []Part{}
	if ran := now.Sub(e.StartedAt).Seconds(); e.State == Running && e.Done > 0 && ran >= 1 {
		e.CodesPerS = float64(e.Done) / ran
		e.LeftS = int64(float64(e.Total-e.Done)/e.CodesPerS) + 1
	}
	return e
}

// partCodes is how many codes of a kind go into one file.
func partCodes(kind string) int64 {
	if kind == CSV {
		return 1_000_000
	}
	return 100_000
}

func unknown() error { return fault.New(fault.NotFound, "export_unknown", "没有这个导出任务") }
