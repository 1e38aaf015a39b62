// Package rights does what the law lets a person ask of the whole program (个人信息权利,
// 个人信息保护法 art. 44 to 50): a copy of all that is known of him, a correction, a
// restriction, an erasure with proof.
//
// It owns the tables rights_request and rights_file. States:
//
//	requested --> approved --> running --> done
//	    |             |
//	    '-------------'------> refused, cancelled
//
// What a person asks himself, logged in through WeChat, is approved by that: his
// identity is checked. What an operator asks for him waits until another look at it
// (approve). An erasure rests for a time in which it can be taken back; then the member
// is ended, and a moment later, when no claim of his can be under way and no money is on
// its way, everything happens in one transaction. Whoever is killed in between leaves a
// request that the next run finishes.
//
// Erasure is the one writer of other contexts' tables beside their owners: the register
// (register.go) says of every table what it holds of a person and what is left, a test
// holds it against the schema, and where an owner erases himself he is asked to.
// The tables that no index finds by person are read from end to end, once, without a
// lock.
//
// Promises: one request of a kind is open at a time; every request has a day by which it
// is answered; a file can be had a few times for a few days and is sealed until then;
// after an erasure the ids that WeChat and the person know are in no table, the money
// still sums up, and the proof says of every table what was done, under a signature that
// VerifyProof checks.
package rights

import (
	"context"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/seal"
)

// Task is the wake-up that works on one request; its ref is the request's id.
const Task = "rights:run"

// Kinds of request.
const (
	Export   = "export"   // 查阅、复制、转移, art. 45
	Correct  = "correct"  // 更正、补充, art. 46
	Erase    = "erase"    // 删除、注销, art. 47
	Restrict = "restrict" // 限制处理、拒绝自动化决策, art. 24 and 44
)

// States.
const (
	Requested = "requested"
	Approved  = "approved"
	Running   = "running"
	Done      = "done"
	Refused   = "refused"
	Cancelled = "cancelled"
)

// Terms are the times and limits of requests. Zero fields take the defaults.
type Terms struct {
	AnswerDays int           // working days until an answer; 15
	Rest       time.Duration // how long an erasure can be taken back; 7 days
	Settle     time.Duration // between ending the member and erasing; 2 minutes, longer than any request lives
	Keep       time.Duration // how long a finished file can be had; 7 days
	Downloads  int           // how often; 3
}

func (t Terms) complete() Terms {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if t.AnswerDays == 0 {
		t.AnswerDays = 15
	}
	if t.Downloads == 0 {
		t.Downloads = 3
	}
	def(&t.Rest, 7*24*time.Hour)
	def(&t.Settle, 2*time.Minute)
	def(&t.Keep, 7*24*time.Hour)
	return t
}

// Eraser takes members out of the tables of one context and says how many rows that
// were.
type Eraser interface {
	EraseTx(ctx context.Context, tx *gorm.DB, members []id.ID) (int64, error)
}

// Corrector writes corrected fields of a member's profile, as an operator who saw to it
// that they are right.
type Corrector func(ctx context.Context, memberID id.ID, fields map[string]string, operatorID id.ID, reason string) error

// Deps are what a Store works with.
type Deps struct {
	DB       *db.DB
	Box      *seal.Box
	Outbox   *outbox.Store
	Consents *consent.Store
	Members  *member.Store
	Phones   *phone.Book
	Erasers  map[string]Eraser // by the context's name; those that the register names
	Correct  Corrector         // nil: corrections are done by hand, and only recorded here
	Company  string            // who answers for personal data
	Terms    Terms
}

// Store keeps requests and works on them.
type Store struct {
	Deps
	key []byte
}

// New makes a store.
func New(d Deps) *Store {
	d.Terms = d.Terms.complete()
	return &Store{Deps: d, key: d.Box.Derive("rights")}
}

// Request is one request. In JSON it has nothing that only the person may see.
type Request struct {
	ID         id.ID         `json:"id"`
	MemberID   id.ID         `json:"member_id"`
	Kind       string        `json:"kind"`
	State      string        `json:"state"`
	OpenKey    string        `json:"-"`
	Channel    string        `json:"channel"`     // h5, mini or operator
	OperatorID id.ID         `json:"operator_id"` // who asked on the person's behalf
	Detail     []byte        `json:"-"`           // sealed: what to correct
	Answer     string        `json:"answer"`      // zh-CN: why refused, or what it waits for
	DueAt      clock.Instant `json:"due_at"`      // by when it is answered
	StartAt    clock.Instant `json:"start_at"`    // not done before
	CreatedAt  clock.Instant `json:"created_at"`
	DecidedAt  clock.Instant `json:"decided_at"`
	DecidedBy  id.ID         `json:"decided_by"`
	FinishedAt clock.Instant `json:"finished_at"`
	ExpiresAt  clock.Instant `json:"expires_at"` // of the file
	Downloads  int           `json:"downloads"`
	FileBytes  int64         `json:"file_bytes"`
	FileHash   string        `json:"file_hash"` // SHA-256 of the file, hex
	Proof      string        `json:"-"`
}

// TableName names the table for GORM.
func (Request) TableName() string { return "rights_request" }

// Open says whether the request still waits for something.
func (r Request) Open() bool {
	return r.State == Requested || r.State == Approved || r.State == Running
}

var (
	errNobody  = fault.New(fault.NotFound, "member_not_found", "没有这个会员")
	errUnknown = fault.New(fault.NotFound, "request_not_found", "没有这个请求")
	errState   = fault.New(fault.Conflict, "request_state", "请求的状态已经改变，请刷新后再试")
)

// workingDays moves by days that are neither Saturday nor Sunday, to the end of that day
// in Shanghai. Public holidays are not known here, so an answer is never later than the
// law allows.
func workingDays(from clock.Instant, days int) clock.Instant {
	at := from
	for days > 0 {
		at = at.Add(24 * time.Hour)
		if d := at.Time().In(clock.Shanghai).Weekday(); d != time.Saturday && d != time.Sunday {
			days--
		}
	}
	_, until := clock.DayOf(at).Bounds()
	return until
}
