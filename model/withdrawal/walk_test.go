package withdrawal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// purse is one account as the walk expects it, and known is one withdrawal.
type purse struct{ available, held, owed, paid, tax money.Fen }

type known struct {
	Withdrawal
	by     map[id.ID]money.Fen // member -> what his account gave
	payout string              // state of its payout
}

// walk plays everything that can happen to withdrawals, in any order and again, against
// a model in memory.
type walk struct {
	*world
	r     *rand.Rand
	have  map[id.ID]*purse
	known []*known
}

func (k *walk) repay(p *purse) {
	n := min(p.available, p.owed)
	p.available, p.owed = p.available-n, p.owed-n
}

// back gives what a withdrawal held back to those who gave it.
func (k *walk) back(x *known, to string) {
	for m, n := range x.by {
		p := k.have[m]
		p.held, p.available = p.held-n, p.available+n
		k.repay(p)
	}
	x.State = to
}

func (k *walk) pay(x *known) {
	left := x.TaxFen
	list, err := k.s.Detail(context.Background(), x.ID)
	k.must(err)
	for _, part := range list.Parts { // in the order of accounts
		for m := range x.by {
			if k.account(m) == part.AccountID {
				p, tax := k.have[m], min(left, part.AmountFen)
				left -= tax
				p.held, p.paid, p.tax = p.held-part.AmountFen, p.paid+part.AmountFen-tax, p.tax+tax
			}
		}
	}
	x.State = Paid
}

func (k *walk) account(m id.ID) id.ID {
	rows, err := k.a.OfFamily(context.Background(), brandID, m)
	k.must(err)
	for _, r := range rows {
		if r.MemberID == m {
			return r.ID
		}
	}
	return 0
}

// step does one thing to both sides and names it.
func (k *walk) step() string {
	ctx := context.Background()
	members := []id.ID{first, second, alone}
	m := members[k.r.IntN(3)]
	fen := money.Fen(100 + k.r.IntN(900))
	var x *known
	if len(k.known) > 0 {
		x = k.known[k.r.IntN(len(k.known))]
	}
	switch n := k.r.IntN(20); {
	case n < 4:
		k.earn(m, fen)
		k.have[m].available += fen
		k.repay(k.have[m])
		return fmt.Sprint("earn ", m, fen)
	case n < 5:
		k.take(m, fen)
		k.have[m].owed += fen
		k.repay(k.have[m])
		return fmt.Sprint("take ", m, fen)
	case n < 9 || x == nil:
		return k.request(m, fen)
	case n < 10: // the same act again
		got, err := k.s.Request(ctx, brandID, x.MemberID, x.AmountFen, x.RequestKey)
		if err != nil || got.ID != x.ID {
			k.t.Fatalf("again: %+v %v", got, err)
		}
		return "request again"
	case n < 12:
		k.decide(x, k.r.IntN(3))
		return "decide " + x.ID.String()
	case n < 13:
		got, err := k.s.Approve(ctx, x.ID, k.shown(x.Withdrawal))
		if (err == nil) != (x.State == Requested) {
			k.t.Fatalf("approve of %s: %v", x.State, err)
		}
		if err == nil {
			x.Withdrawal, x.payout = got, redpacket.Pending
		}
		return "approve " + x.ID.String()
	case x.PayoutID == 0:
		return "nothing"
	case n < 15:
		_, _, err := k.packets.Begin(ctx, x.PayoutID)
		k.must(err)
		if x.payout == redpacket.Pending {
			x.payout = redpacket.Sending
		}
		return "begin " + x.ID.String()
	}
	return k.answer(x)
}

func (k *walk) request(m id.ID, fen money.Fen) string {
	x, err := k.ask(m, fen)
	family, _ := k.Family(context.Background(), m)
	var free money.Fen
	for _, f := range family {
		free += k.have[f].available - k.have[f].owed
	}
	if (err == nil) != (free >= fen) {
		k.t.Fatalf("request of %d with %d free: %v", fen, free, err)
	}
	if err != nil {
		return "request refused"
	}
	y := &known{Withdrawal: x, by: map[id.ID]money.Fen{}}
	slices.SortFunc(family, func(a, b id.ID) int { return map[bool]int{true: -1, false: 1}[a == m] })
	for left, i := fen, 0; left > 0; i++ {
		p := k.have[family[i]]
		if n := min(left, p.available); n > 0 {
			y.by[family[i]], p.available, p.held, left = n, p.available-n, p.held+n, left-n
		}
	}
	k.known = append(k.known, y)
	return "request " + x.ID.String()
}

func (k *walk) decide(x *known, how int) {
	var err error
	to := Cancelled
	if how == 0 {
		to = Refused
		_, err = k.s.Refuse(context.Background(), x.ID, operator, "不符")
	} else {
		_, err = k.s.Cancel(context.Background(), x.MemberID, x.ID)
	}
	if (err == nil) != (x.State == Requested) {
		k.t.Fatalf("%s of %s: %v", to, x.State, err)
	}
	if err == nil {
		k.back(x, to)
	}
}

// answer is anything that WeChat may say, also when it makes no sense.
func (k *walk) answer(x *known) string {
	outs := []string{redpacket.OutAccepted, redpacket.OutSettled, redpacket.OutSettled, redpacket.OutReturned, redpacket.OutFailed, redpacket.OutUnknown, redpacket.OutHold, redpacket.OutNotFound, redpacket.OutDelay}
	a := redpacket.Answer{Out: outs[k.r.IntN(len(outs))], AmountFen: x.NetFen(), WaitUser: true}
	if k.r.IntN(8) == 0 {
		a.AmountFen++ // about other money: moves nothing
	}
	_, err := k.packets.Apply(context.Background(), x.PayoutID, a, k.clk.Now().Add(time.Hour))
	k.must(err)
	name := a.Out + " " + x.ID.String()
	open := x.payout == redpacket.Sending || x.payout == redpacket.Accepted
	if !open || a.AmountFen != x.NetFen() {
		return "no " + name
	}
	switch a.Out {
	case redpacket.OutAccepted:
		x.payout = redpacket.Accepted
	case redpacket.OutSettled:
		x.payout = redpacket.Settled
		k.pay(x)
	case redpacket.OutReturned:
		x.payout = redpacket.Returned
		k.back(x, Returned)
	case redpacket.OutFailed:
		x.payout = redpacket.Failed
		k.back(x, Failed)
	}
	return name
}

func (k *walk) check(step string) {
	ctx := context.Background()
	for m, want := range k.have {
		rows, err := k.a.OfFamily(ctx, brandID, m)
		k.must(err)
		got := purse{}
		for _, r := range rows {
			if r.MemberID == m {
				got = purse{r.AvailableFen, r.HeldFen, r.OwedFen, r.PaidFen, r.TaxFen}
			}
		}
		if got != *want {
			k.t.Fatalf("after %s: member %d has %+v, want %+v", step, m, got, *want)
		}
	}
	for _, x := range k.known {
		if got := k.state(x.Withdrawal); got != x.State {
			k.t.Fatalf("after %s: withdrawal %d is %s, want %s", step, x.ID, got, x.State)
		}
	}
	trial, err := k.l.TrialBalance(ctx)
	if err != nil || !trial.Balanced {
		k.t.Fatalf("after %s: %+v %v", step, trial, err)
	}
}

func play(t testing.TB, d *db.DB, clk *clock.Fake, seed uint64, steps int) {
	k := &walk{world: newWorld(t, d, clk), r: rand.New(rand.NewPCG(seed, 17)), have: map[id.ID]*purse{first: {}, second: {}, alone: {}}}
	k.policy(func(p *Policy) { p.PerDay, p.Tax, p.TaxBP = 10, TaxFixed, 700 })
	// Nobody is stopped by the number of a day in this walk.
	if err := d.Read(context.Background()).Exec("UPDATE withdrawal_policy SET body = REPLACE(body, '\"per_day\":10', '\"per_day\":9999')").Error; err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		k.check(fmt.Sprintf("step %d %s", i, k.step()))
		if i%20 == 19 {
			k.books()
		}
	}
	k.books()
}

func TestWhateverHappensTheMoneyIsInOnePlace(t *testing.T) {
	for seed := range uint64(2) {
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { play(t, d, clk, seed, 120) })
	}
}

func FuzzWithdrawal(f *testing.F) {
	f.Add(uint64(3))
	f.Fuzz(func(t *testing.T, seed uint64) {
		clk := clock.NewFake(dbtest.Start)
		play(t, dbtest.Open(t, db.SQLite, clk), clk, seed, 40)
	})
}
