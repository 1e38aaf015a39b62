package event

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// Outcomes of a partner's report, beside those of storing an event.
const (
	Dead     = "dead"     // not stored, kept as a dead letter
	Rejected = "rejected" // not stored and not kept
)

// Report is one fact as a partner tells it. Its key is unique within the brand.
type Report struct {
	Key    string
	Type   string
	At     clock.Instant
	Person []PersonKey
	Body   json.RawMessage
}

// Outcome is what became of a report. Fault says why, when it was not stored.
type Outcome struct {
	Status  string
	EventID id.ID
	Fault   *fault.Fault
}

// reportForm is a partner's key: the brand stands before it in the event's, and it stands
// in addresses.
var reportForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._:@+-]{0,63}$`)

// Reportable lists the types that partners may report. What happens at a code or in
// WeChat is seen by this program itself, and earns: nobody else's word counts for it.
func Reportable() []string {
	return []string{Order, MessageSent, MessageOpen, MessageTap, Referral, Login, Review, Coupon, Custom}
}

// Intake takes what partners report.
type Intake struct {
	s       *Store
	people  graph
	members roll
	phones  hasher
	keys    *apikey.Store
	box     *seal.Box
}

// IntakeDeps is what Intake needs.
type IntakeDeps struct {
	Events  *Store
	People  graph
	Members roll
	Phones  hasher
	Keys    *apikey.Store
	Box     *seal.Box
}

// NewIntake makes it.
func NewIntake(d IntakeDeps) *Intake {
	return &Intake{d.Events, d.People, d.Members, d.Phones, d.Keys, d.Box}
}

// KeyOf is the stored key of a brand's report.
func KeyOf(brandID id.ID, key string) string { return "b" + brandID.String() + ":" + key }

// Take stores the reports of a partner's key, at most Most, and says of each what became
// of it. A report that cannot be stored never holds up its neighbours. The same report
// again is a duplicate. Fault: Invalid too_many.
func (in *Intake) Take(ctx context.Context, from apikey.Key, reports []Report) ([]Outcome, error) {
	if len(reports) > Most {
		return nil, fault.Invalidf("too_many", "一次最多 %d 条", Most)
	}
	letters := make([]letter, len(reports))
	outcomes := make([]Outcome, len(reports))
	for i, r := range reports {
		letters[i] = letter{Key: r.Key, Type: r.Type, At: r.At, Body: r.Body}
		if !reportForm.MatchString(r.Key) {
			outcomes[i] = Outcome{Status: Rejected, Fault: fault.Of(bad("key", "应为 1 到 64 个字母、数字或 . _ : @ + -"))}
			continue
		}
		keys, err := in.hide(r.Person)
		if err != nil {
			// Without whom it is about a letter could not be replayed, and a number that is
			// none could not be hidden.
			outcomes[i] = Outcome{Status: Rejected, Fault: fault.Of(err)}
			continue
		}
		letters[i].keep(keys)
	}
	if err := in.take(ctx, from, letters, outcomes); err != nil {
		return nil, err
	}
	return outcomes, in.bury(ctx, from, letters, outcomes)
}

// take stores the letters that have no outcome yet, and gives all of them one.
func (in *Intake) take(ctx context.Context, from apikey.Key, letters []letter, outcomes []Outcome) error {
	now := in.s.db.Now()
	lists := make([][]PersonKey, len(letters))
	for i := range letters {
		if outcomes[i].Status != "" {
			continue
		}
		if err := letters[i].check(from, now); err != nil {
			outcomes[i] = Outcome{Status: Dead, Fault: fault.Of(err)}
			if fault.KindOf(err) == fault.Forbidden { // not the letter is wrong
				outcomes[i].Status = Rejected
			}
			continue
		}
		if letters[i].member == 0 {
			lists[i] = letters[i].keys()
		}
	}
	members, faults, err := in.whose(ctx, from, lists)
	if err != nil {
		return err
	}
	events, of := make([]Event, 0, len(letters)), make([]int, 0, len(letters))
	for i := range letters {
		switch l := &letters[i]; {
		case outcomes[i].Status != "":
		case faults[i] != nil:
			outcomes[i] = Outcome{Status: Dead, Fault: fault.Of(faults[i])}
		default:
			of = append(of, i)
			events = append(events, Event{Key: KeyOf(from.BrandID, l.Key), Type: l.Type, BrandID: from.BrandID, MemberID: max(members[i], l.member), Channel: Open, At: l.At, Body: l.Body})
		}
	}
	results, err := in.s.put(ctx, events)
	if err != nil {
		return err
	}
	for n, r := range results {
		outcomes[of[n]] = Outcome{Status: r.Status, EventID: r.ID}
		if r.Status == Conflict {
			outcomes[of[n]].Fault = fault.New(fault.Conflict, "event_conflict", "这个 key 已存有不同的内容，原内容不变")
		}
	}
	return nil
}

// check is what can be said against a letter without asking who is meant.
func (l *letter) check(from apikey.Key, now clock.Instant) error {
	if !slices.Contains(Reportable(), l.Type) {
		return bad("type", "应为 %v 之一", Reportable())
	}
	if need := Needs(l.Type); !from.Can(need) {
		return fault.New(fault.Forbidden, "no_permission", "此密钥没有权限："+need)
	}
	return checkFact(l.Type, l.At, l.Body, now)
}

// Needs is the permission that reporting a type takes.
func Needs(typ string) string {
	if typ == Order {
		return apikey.OrdersWrite
	}
	return apikey.EventsWrite
}

// Status says what became of what a partner's key reported: EventID and the time it was
// received, or why it is a dead letter. Fault: NotFound event_not_found.
func (in *Intake) Status(ctx context.Context, from apikey.Key, key string) (Outcome, clock.Instant, error) {
	e, err := in.s.Get(ctx, KeyOf(from.BrandID, key))
	if err == nil {
		return Outcome{Status: Stored, EventID: e.ID}, e.ReceivedAt, nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return Outcome{}, 0, err
	}
	var d DeadLetter
	deadErr := in.s.db.Read(ctx).Omit("raw").Where("api_key_id = ? AND event_key = ?", from.ID, key).Take(&d).Error
	if db.IsNotFound(deadErr) {
		return Outcome{}, 0, err
	}
	if deadErr != nil {
		return Outcome{}, 0, fmt.Errorf("event: dead letter: %w", deadErr)
	}
	return Outcome{Status: Dead, Fault: fault.New(fault.Conflict, d.Code, d.Reason)}, d.CreatedAt, nil
}
