package redpacket_test

import (
	"fmt"
	"strings"

	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// book is the model: the rules of the money in thirty lines of maps, without a database,
// written from the contract and not from the code.
type book struct {
	until   clock.Instant
	broken  string // a rule that is wrong on purpose, "" for none
	state   string // of the campaign
	claims  map[int64]*taken
	counted map[id.ID]int   // claims per member in the campaign
	points  map[id.ID]int64 // per member
	claimed int64
	won     money.Fen
	funds   money.Fen // of the brand; below zero by what is reserved, promised or paid

	reserved, promised, paid money.Fen
}

// taken is a claimed code and, when it won cash, its payout.
type taken struct {
	member id.ID
	cash   money.Fen
	drawn  bool
	state  string
	review bool
}

func newBook(c campaign.Campaign, broken string) *book {
	return &book{until: c.UntilAt, broken: broken, state: campaign.Published, claims: map[int64]*taken{}, counted: map[id.ID]int{}, points: map[id.ID]int64{},
		funds: -c.SpendFen, reserved: c.SpendFen}
}

func (b *book) is(broken string) bool { return b.broken == broken }

// over says whether the campaign's time is over, ended or not yet.
func (b *book) over(now clock.Instant) bool { return now >= b.until }

// mayClaim is the outcome of a claim: made, again, or the code of the fault.
func (b *book) mayClaim(serial int64, member id.ID, now clock.Instant) string {
	most := propCap
	if b.is("one claim more than the cap") {
		most++
	}
	switch old := b.claims[serial]; {
	case old != nil && old.member == member:
		return "again"
	case old != nil:
		return "code_claimed"
	case b.state == campaign.Paused && !b.over(now) && !b.is("a paused campaign pays"):
		return "paused"
	case member == propBlocked:
		return "member_blocked"
	case b.state == campaign.Published && !b.over(now) && b.counted[member] >= most:
		return "cap_member"
	}
	return "made"
}

func (b *book) claim(serial int64, member id.ID, cash money.Fen, points int64, drawn bool) {
	b.claims[serial] = &taken{member: member, cash: cash, drawn: drawn}
	b.points[member] += points
	if drawn {
		b.counted[member]++
		b.claimed++
		b.won += cash
	}
	if cash > 0 {
		b.claims[serial].state = redpacket.Pending
		b.reserved -= cash
		b.promised += cash
	}
}

func (b *book) begin(serial int64) (moved bool) {
	c := b.claims[serial]
	if moved = c.state == redpacket.Pending; moved {
		c.state = redpacket.Sending
	}
	return moved
}

// told is what WeChat said of a payout, by answer or by notice.
func (b *book) told(serial int64, out string, sameAmount bool) {
	c := b.claims[serial]
	underWay := c.state == redpacket.Sending || c.state == redpacket.Accepted
	if !sameAmount && !b.is("another amount settles") {
		out = redpacket.OutHold
	}
	switch out {
	case redpacket.OutHold:
		c.review = c.review || underWay
	case redpacket.OutAccepted:
		if c.state == redpacket.Sending || c.state == redpacket.Settled && b.is("a late answer moves back") {
			c.state, c.review = redpacket.Accepted, false
		}
	case redpacket.OutSettled, redpacket.OutReturned, redpacket.OutFailed:
		switch {
		case underWay:
			c.state, c.review = out, false
			b.end(c)
		case c.state != out: // a contradiction is for a person
			c.review = true
		}
	}
}

func (b *book) end(c *taken) {
	switch {
	case c.state == redpacket.Settled:
		b.promised -= c.cash
		b.paid += c.cash
	case c.state == redpacket.Returned && b.is("returned money stays promised"):
	default:
		b.promised -= c.cash
		b.funds += c.cash
	}
}

// move says whether the campaign may go to a state, and goes there.
func (b *book) move(to string) bool {
	if b.state == campaign.Ended {
		return to == campaign.Ended
	}
	if to == campaign.Ended && !b.is("the end releases nothing") {
		b.funds += b.reserved
		b.reserved = 0
	}
	b.state = to
	return true
}

// compare reads everything that is real and names what differs from the model.
func (w *walk) compare() error {
	var diff []string
	same := func(what string, got, want any) {
		if got != want {
			diff = append(diff, fmt.Sprintf("%s is %v, the model says %v", what, got, want))
		}
	}
	c, err := w.Campaigns.Get(w.ctx, w.Campaign.ID)
	if err != nil {
		return err
	}
	same("campaign", c.State, w.want.state)
	same("claims counted", c.Claimed, w.want.claimed)
	same("won", c.WonFen, w.want.won)
	var rows []struct {
		Serial   int64
		MemberID id.ID
		CashFen  money.Fen
		State    *string
		Review   *bool
	}
	if err := w.DB.Read(w.ctx).Raw(`SELECT claim.serial, claim.member_id, claim.cash_fen, payout.state, payout.review
		FROM claim LEFT JOIN payout ON payout.claim_id = claim.id`).Scan(&rows).Error; err != nil {
		return err
	}
	same("claims", len(rows), len(w.want.claims))
	for _, r := range rows {
		want := w.want.claims[r.Serial]
		if want == nil {
			diff = append(diff, fmt.Sprintf("code %d is claimed", r.Serial))
			continue
		}
		got := taken{member: r.MemberID, cash: r.CashFen, drawn: want.drawn}
		if r.State != nil {
			got.state, got.review = *r.State, *r.Review
		}
		same(fmt.Sprintf("code %d", r.Serial), got, *want)
	}
	for kind, want := range map[ledger.Account]money.Fen{
		{Kind: ledger.Funds, Owner: w.Brand.ID}: w.want.funds, {Kind: ledger.Reserved, Owner: c.ID}: w.want.reserved,
		{Kind: ledger.Promised, Owner: c.ID}: w.want.promised, {Kind: ledger.Paid, Owner: c.ID}: w.want.paid,
	} {
		n, err := w.Ledger.Balance(w.ctx, ledger.Fen, kind)
		if err != nil {
			return err
		}
		same(kind.Kind, money.Fen(n), want)
	}
	for member := id.ID(1); member <= propMembers; member++ {
		n, err := w.Points.Balance(w.ctx, member)
		if err != nil {
			return err
		}
		same(fmt.Sprintf("points of %d", member), n, w.want.points[member])
	}
	if len(diff) > 0 {
		return fmt.Errorf("%s", strings.Join(diff, "; "))
	}
	return nil
}
