// Package push sends one message to the people of a segment or a list (触达): draft, test,
// approval, schedule, the frozen audience, and every member's copy with what became of it.
//
// It owns the tables push, push_pin, push_delivery, push_lane, push_tally, push_minute, push_click,
// push_tester, push_test, push_policy, push_task, push_task_copy and push_heard. States of a push:
//
//	draft -> pending -> scheduled -> running <-> paused
//	  ^---------'           |            |---> done
//	  '------- missed <-----'            '---> stopped
//
// and of a delivery:
//
//	waiting -> sending -> sent | refused | unknown      (sent, unknown -> refused: WeChat reports later that it did not arrive)
//	   '-> skipped (nothing may reach him: reason)        held (left alone, to compare)
//
// Promises: the audience is written down once, when the push begins, with everybody who is
// left alone. A member has one delivery of a push. A delivery is in sending, with what the
// reach ledger reserved for it, before WeChat is called. Who finds it there later does not
// call again, unless the channel has a key that makes the repetition harmless; its outcome
// is unknown then, counted and said. What WeChat surely did not take waits again. That a
// copy went out (of one that staff send: that they did), that WeChat reported later that it did not arrive, and that a link of it was
// opened, become events of the member, once each.
// What staff have not sent when their push is stopped, even after it was done, is taken back from them, as far as WeCom
// allows it; where it does not, that is said.
package push

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/reach"
	"siyu/model/say"
)

// Wake-ups: the audience is written down (ref: the push); a lane is sent (ref: the lane).
const (
	TaskFreeze = "push:freeze"
	TaskSend   = "push:send"
)

// States of a push.
const (
	Draft     = "draft"     // 草稿
	Pending   = "pending"   // 待审批
	Scheduled = "scheduled" // 已排期, also approved and not begun
	Running   = "running"   // 运行中
	Paused    = "paused"    // 已暂停
	Missed    = "missed"    // 待人工处理: its time passed, or it is not what was approved
	Done      = "done"      // 已结束
	Stopped   = "stopped"   // 已停止
)

// States of a delivery.
const (
	Waiting = "waiting"
	Sending = "sending"
	Sent    = "sent"
	Refused = "refused" // WeChat said no, for good
	Unknown = "unknown" // it may have arrived; it is not sent again
	Skipped = "skipped" // nothing may reach him
	Held    = "held"    // 对照组: left alone
)

// Timings.
const (
	Now  = "now"  // when somebody starts it
	At   = "at"   // at a moment
	Best = "best" // within a day of the start, at each member's best hour
)

// Arms that get nothing.
const (
	ArmHeld      = -1 // left alone by this push
	ArmUniversal = -2 // left alone by every push of the brand
)

// Content is what one arm says by one use. Text may hold {variable|otherwise} and {链接1};
// Data are the fields of a template.
type Content struct {
	Text   string            `json:"text"`
	Data   map[string]string `json:"data"`
	LinkNo int               `json:"link_no"` // what a tap on a template opens, from 1; 0: nothing
	// Page is what a tap on a subscribe message of a mini program opens: a path in the
	// program, which has no address on the web and is counted by the program itself.
	Page string `json:"page,omitempty"`
}

// Arm is one version of the message (A/B/n).
type Arm struct {
	Name     string    `json:"name"`
	Weight   int       `json:"weight"`   // its share of those who are not left alone, against the other arms'
	Contents []Content `json:"contents"` // one for each use, in order
}

// Link is an address that copies may lead to.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Body is the part of a push that says what is sent how.
type Body struct {
	Uses  []reach.Use `json:"uses"`
	Arms  []Arm       `json:"arms"`
	Links []Link      `json:"links"`
	// ProductIDs narrow what counts as its outcome to scans and orders of these products; none:
	// of all.
	ProductIDs []id.ID `json:"product_ids"`
}

// Form is what an operator writes.
type Form struct {
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Purpose   string        `json:"purpose"` // marketing or service
	Topic     string        `json:"topic"`   // what people may opt out of; "": no topic of its own
	Worth     int           `json:"worth"`   // 0 to 100: who gets the scarcest grant
	SegmentID id.ID         `json:"segment_id"`
	ListID    id.ID         `json:"list_id"`
	Timing    string        `json:"timing"`                        // now, at or best
	StartAt   clock.Instant `json:"start_at"`                      // for at and best; null: when somebody starts it
	PerSecond int           `json:"per_second"`                    // messages a second; 0: as the brand's policy
	HeldBP    int           `json:"held_bp" gorm:"column:held_bp"` // left alone by this push, in 1/10,000
	Why       string        `json:"why"`                           // told to members; "": the segment in words without names of tags, segments and lists
	Body      `gorm:"-"`
}

// Push is one row.
type Push struct {
	ID id.ID `json:"id"`
	Form
	State          string        `json:"state"`
	Version        int           `json:"version"`
	People         int64         `json:"people"`   // frozen, with those who are left alone
	Expected       int64         `json:"expected"` // when it was submitted or scheduled
	Approved       bool          `json:"approved"`
	Sentence       string        `json:"-" gorm:"column:told"` // the segment in words for members, as it was frozen with; they read it where Why is empty
	Planned        bool          `json:"-"`                    // it began by itself at its moment
	SegmentVersion int           `json:"segment_version"`
	Profiled       bool          `json:"profiled"`      // found by what people did; known when it is frozen
	AsOf           clock.Instant `json:"as_of"`         // of the frozen audience
	Holdout        string        `json:"-"`             // holdout.Split as JSON, as the push began with it
	Note           string        `json:"note"`          // zh-CN: why it waits, was refused or stopped
	Said           *say.Said     `json:"said" gorm:"-"` // the note with its parts; null: a text of its own
	FreezeNo       int           `json:"-"`
	EditedBy       id.ID         `json:"edited_by"`
	SubmittedBy    id.ID         `json:"submitted_by"`
	DecidedBy      id.ID         `json:"decided_by"`
	StartedBy      id.ID         `json:"started_by"`
	CreatedAt      clock.Instant `json:"created_at"`
	SubmittedAt    clock.Instant `json:"submitted_at"`
	StartedAt      clock.Instant `json:"started_at"`
	ResumedAt      clock.Instant `json:"-"` // when it went on last
	FrozenAt       clock.Instant `json:"frozen_at"`
	GiveUpAt       clock.Instant `json:"give_up_at"` // what waits is not sent after it
	MovedAt        clock.Instant `json:"moved_at"`
	FinishedAt     clock.Instant `json:"finished_at"`
}

// Frozen is an audience as it stood at one moment.
type Frozen struct {
	Version  int
	AsOf     clock.Instant
	Sentence string                                       // the rule in words fit for the person (rule.Tree.Told)
	Profiled bool                                         // the rule looks at what people did: it is for those who agree to that
	Grounds  []Ground                                     // what the rule rests on, in any order
	Each     func(yield func(people []id.ID) error) error // in parts, each person once
}

// Ground is a segment, a tag or a list that an audience rests on, by itself or by way of
// others. Version 0: it is not there any more.
type Ground struct {
	Kind    string `json:"kind"` // segment, tag or list
	ID      id.ID  `json:"id" gorm:"column:ref_id"`
	Name    string `json:"name"`
	Version int    `json:"version"` // of a list: its revision
}

// Audience finds the people of a push.
type Audience interface {
	// Check refuses a segment or a list that the brand does not have.
	Check(ctx context.Context, f Form) error
	// Size counts them before anything keeps a message from them.
	Size(ctx context.Context, p Push) (int64, error)
	Freeze(ctx context.Context, p Push) (Frozen, error)
	// Sample names some of them.
	Sample(ctx context.Context, p Push, limit int) ([]id.ID, error)
}

// Reach is the ledger of who may be reached now; *reach.Store is it.
type Reach interface {
	CheckUse(ctx context.Context, brandID id.ID, u reach.Use) error
	// Prepare reads what TakeManyTx needs and must not read inside a transaction.
	Prepare(ctx context.Context, a reach.Ask) error
	// TakeManyTx reserves places; the same delivery gets the same ticket.
	TakeManyTx(ctx context.Context, tx *gorm.DB, a reach.Ask, seats []reach.Seat) ([]reach.Taken, error)
	// CallTx counts a call that reaches many; false: the day's calls are used up.
	CallTx(ctx context.Context, tx *gorm.DB, a reach.Ask, u reach.Use, seed id.ID) (bool, error)
	// EndTx says what became of a ticket: reach.Sent, Refused (it is given back) or Unknown.
	EndTx(ctx context.Context, tx *gorm.DB, ticketID id.ID, outcome, code string) error
	// SentTx is EndTx with reach.Sent for many.
	SentTx(ctx context.Context, tx *gorm.DB, tickets []id.ID) error
	// LostTx says of many that WeChat took them and reported later that they did not arrive.
	LostTx(ctx context.Context, tx *gorm.DB, tickets []id.ID, code string) error
	// Want keeps grants for a push that is to come, Unwant lets them go.
	Want(ctx context.Context, w reach.Wanted) error
	Unwant(ctx context.Context, refID id.ID) error
}

// Values are what variables stand for.
type Values interface {
	// Of reads the variables named by keys of members; shown: a name as operators may see it.
	Of(ctx context.Context, brandID id.ID, keys []string, members []id.ID, shown bool) (map[id.ID]map[string]string, error)
}

// Controls are the brand's settings of who is left alone; *holdout.Store is it.
type Controls interface {
	Of(ctx context.Context, brandID id.ID) (holdout.Settings, error)
}

// Hours knows when people usually do something.
type Hours interface {
	// Best returns an hour of the day (Shanghai) for those of whom it may be known.
	Best(ctx context.Context, members []id.ID) (map[id.ID]int, error)
}

// Deps are what a store works with.
type Deps struct {
	DB        *db.DB
	Outbox    *outbox.Store
	Audience  Audience
	Reach     Reach
	Values    Values
	Controls  Controls
	Hours     Hours
	Events    Events
	LinkKey   []byte // HMAC key of links
	PublicURL string // scheme and host of links
	// Families finds all members who are the same human.
	Families func(ctx context.Context, memberID id.ID) ([]id.ID, error)
	// Reachable counts who is reached now by each use, in order; Prices are a brand's numbers
	// at a moment. Without them nothing is known of costs.
	Reachable func(ctx context.Context, p Push) ([]int64, error)
	Prices    func(ctx context.Context, brandID id.ID, at clock.Instant) (reach.Policy, error)
}

// Store keeps pushes.
type Store struct{ Deps }

// New makes a store.
func New(d Deps) *Store { return &Store{Deps: d} }

// missedAfter is how late a schedule may begin without a person.
const missedAfter = 30 * time.Minute

// pushRow is Push as the table has it.
type pushRow struct {
	Push    `gorm:"embedded"`
	Content string `gorm:"column:content"`
}

// TableName names the table for GORM.
func (pushRow) TableName() string { return "push" }

func (r pushRow) open() (Push, error) {
	r.Said, r.Push.Why = noteOf(r.Note), fitWhy(r.Push.Why)
	err := json.Unmarshal([]byte(r.Content), &r.Push.Body) // our own
	if r.Push.ProductIDs == nil {
		r.Push.ProductIDs = []id.ID{}
	}
	return r.Push, err
}

var (
	errUnknown = fault.New(fault.NotFound, "push_unknown", "没有这个触达任务")
	errChanged = fault.New(fault.Conflict, "push_changed", "这个触达刚刚被修改，请刷新后再试")
	errNobody  = fault.New(fault.NotFound, "delivery_unknown", "这个会员不在这次触达的名单里")
)

// stateWords are the states in zh-CN.
var stateWords = map[string]string{Draft: "草稿", Pending: "待审批", Scheduled: "已排期", Running: "运行中", Paused: "已暂停", Missed: "待人工处理", Done: "已结束", Stopped: "已停止"}

func stateFault(p Push, verb string) error {
	return fault.New(fault.Conflict, "push_state", "触达处于“"+stateWords[p.State]+"”，不能"+verb).With("state", p.State)
}
