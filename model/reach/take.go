package reach

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Look judges up to MaxMembers humans, in their order, and takes nothing. Faults: Invalid
// reach_ask, reach_use.
func (s *Store) Look(ctx context.Context, a Ask, members []id.ID) ([]Answer, error) {
	if err := s.check(ctx, &a); err != nil {
		return nil, err
	}
	if len(members) > MaxMembers {
		return nil, fault.Invalidf("reach_ask", "一次最多查 %d 人", MaxMembers)
	}
	f, err := s.load(s.DB.Read(ctx), a, members)
	if err != nil {
		return nil, err
	}
	out := make([]Answer, len(members))
	for i, m := range members {
		out[i], _ = f.answer(m)
	}
	return out, nil
}

// Prepare checks an ask and reads its accounts: what TakeTx must not do inside a
// transaction. It is needed once in a process for each account. Faults as Look.
func (s *Store) Prepare(ctx context.Context, a Ask) error { return s.check(ctx, &a) }

// Seat is one delivery that wants a ticket.
type Seat struct {
	MemberID   id.ID
	DeliveryID id.ID
}

// Taken is what became of a Seat: a ticket, or an answer that says why there is none. An
// answer with NotBefore may be asked again then.
type Taken struct {
	Ticket Ticket
	Answer Answer
}

// TakeTx reserves a place for one delivery: TakeManyTx of one.
func (s *Store) TakeTx(ctx context.Context, tx *gorm.DB, a Ask, memberID, deliveryID id.ID) (Ticket, Answer, error) {
	list, err := s.TakeManyTx(ctx, tx, a, []Seat{{memberID, deliveryID}})
	if err != nil {
		return Ticket{}, Answer{}, err
	}
	return list[0].Ticket, list[0].Answer, nil
}

// TakeManyTx reserves places for deliveries in the caller's transaction, in few
// statements. Each gets its ticket or its answer; the same delivery again gets the ticket
// it has, whose State says whether it was used. Two that reach for the same human at once:
// one gets the answer busy. Faults as Look.
func (s *Store) TakeManyTx(ctx context.Context, tx *gorm.DB, a Ask, seats []Seat) ([]Taken, error) {
	if err := s.check(ctx, &a); err != nil {
		return nil, err
	}
	if len(seats) > MaxMembers {
		return nil, fault.Invalidf("reach_ask", "一次最多 %d 人", MaxMembers)
	}
	had, err := s.tickets(tx, a, seats)
	if err != nil {
		return nil, err
	}
	members := make([]id.ID, 0, len(seats))
	for _, x := range seats {
		if _, there := had[x.DeliveryID]; !there {
			members = append(members, x.MemberID)
		}
	}
	f, err := s.load(tx, a, members)
	if err != nil {
		return nil, err
	}
	f.hush()
	t := taker{Store: s, ctx: ctx, tx: tx, facts: f}
	claims := map[id.ID]*claim{}
	var wanted []*claim
	for _, x := range seats {
		if _, there := had[x.DeliveryID]; there || claims[x.DeliveryID] != nil { // named twice: the same ticket
			continue
		}
		c := t.plan(x)
		if claims[x.DeliveryID] = c; c.row.ID != 0 {
			wanted = append(wanted, c)
		}
	}
	if err := t.takeAll(wanted); err != nil {
		return nil, fmt.Errorf("reach: take: %w", err)
	}
	out := make([]Taken, len(seats))
	for i, x := range seats {
		if ticket, there := had[x.DeliveryID]; there {
			out[i] = Taken{ticket, Answer{MemberID: x.MemberID, Use: ticket.Use, OpenID: ticket.OpenID, Each: []string{}}}
			continue
		}
		if c := claims[x.DeliveryID]; c.row.ID != 0 {
			out[i].Ticket = c.row.ticket(a)
		}
		out[i].Answer = claims[x.DeliveryID].answer
	}
	return out, nil
}

// turnTime is the longest that a call for many waits for its turn, with a margin.
const turnTime = time.Minute

// hush stops channels that count by calendar for the last moments of a period: a call that is
// reserved now may be made in the next one, where WeChat counts it and we would not.
func (f *facts) hush() {
	_, midnight := clock.DayOf(f.ask.At).Bounds()
	_, month := clock.DayOf(f.ask.At).MonthEnd().Bounds()
	for _, u := range f.ask.Uses {
		end := map[string]clock.Instant{Mass: month, WeCom: midnight}[u.Channel]
		if k := f.key(u); end != 0 && end.Sub(f.ask.At) <= turnTime {
			f.stops[k] = max(f.stops[k], end)
		}
	}
}

// ticketRow is a ticket as it is kept.
type ticketRow struct {
	ID         id.ID
	DeliveryID id.ID
	BrandID    id.ID
	MemberID   id.ID
	Purpose    string
	Channel    string
	AccountID  id.ID
	TemplateID string
	OpenID     string `gorm:"column:openid"`
	Sender     string
	Deed       string
	WindowAt   clock.Instant
	DayNo      clock.Day
	TakenAt    clock.Instant
	State      string
	Code       string
	EndedAt    clock.Instant
}

// TableName names the table for GORM.
func (ticketRow) TableName() string { return "reach_ticket" }

func (r ticketRow) way() Use { return Use{r.Channel, r.AccountID, r.TemplateID} }

func (r ticketRow) ticket(a Ask) Ticket {
	return Ticket{ID: r.ID, MemberID: r.MemberID, Use: slices.Index(a.Uses, r.way()), Way: r.way(), OpenID: r.OpenID, Sender: r.Sender, State: r.State, TakenAt: r.TakenAt}
}

// tickets are those that the deliveries have.
func (s *Store) tickets(tx *gorm.DB, a Ask, seats []Seat) (map[id.ID]Ticket, error) {
	ids := make([]id.ID, len(seats))
	for i, x := range seats {
		ids[i] = x.DeliveryID
	}
	var rows []ticketRow
	if err := tx.Session(&gorm.Session{NewDB: true}).Where("delivery_id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reach: tickets: %w", err)
	}
	out := make(map[id.ID]Ticket, len(seats))
	for _, r := range rows {
		out[r.DeliveryID] = r.ticket(a)
	}
	return out, nil
}
