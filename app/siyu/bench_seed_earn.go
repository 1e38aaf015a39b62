package main

import (
	"cmp"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/redpacket"
	"siyu/model/withdrawal"
)

// What people earned by bringing buyers, worked out from the claims before anything of it
// is written: the book, the payouts and the tables of commission each tell a part of it.
const (
	seedFreeze   = commission.DefaultFreezeDays * 24 * time.Hour
	seedPaying   = 3  // rules that accrue
	seedSuspects = 50 // one member in so many is in a case of fraud
	seedSettles  = 5  // the day of the next month, as the default policy has it
)

type seedEarned struct {
	accruals    []seedAccrual // in the order of their claims
	accounts    []*seedAccount
	statements  []*seedStatement
	withdrawals []*seedWithdrawal
	entries     []seedEntry
	used        [seedPaying]int64 // fen, by rule
}

type seedAccrual struct {
	id        id.ID
	number    int // of the claim's scan
	rule      int
	at        clock.Instant
	account   *seedAccount // of the earner, also where he earned nothing
	amount    int64
	state     string
	released  clock.Instant
	statement *seedStatement
	clawed    clock.Instant
	claw      id.ID
}

// left is what may still be had of it.
func (a *seedAccrual) left() int64 {
	if a.state == commission.Clawed {
		return 0
	}
	return a.amount
}

type seedAccount struct {
	id                                    id.ID
	member                                int
	at                                    clock.Instant
	accrued, available, held, paid, taxed int64
	statements                            []*seedStatement
}

type seedStatement struct {
	id       id.ID
	account  *seedAccount
	from     clock.Day
	at       clock.Instant
	entries  int
	net, all int64 // of this one, and of all up to it
}

type seedWithdrawal struct {
	id, payout            id.ID
	account               *seedAccount
	amount, tax           int64
	state                 string
	at, decided, finished clock.Instant
}

// seedEntry is a line of the book about an account; its other side is the brand's.
type seedEntry struct {
	at         clock.Instant
	from, to   string
	account    id.ID
	amount     int64
	head, tail string // of the key, around ref
	ref        id.ID
	memo       string
}

// suspect says in which case a member is, and what became of it.
func suspect(m int) (number int, state string, yes bool) {
	number = m / seedSuspects
	state = []string{fraud.Open, fraud.Open, fraud.Open, fraud.Cleared, fraud.Confirmed}[dice(number, 20)%5]
	return number, state, m%seedSuspects == 7
}

// decidedAt is when the case of a member was decided.
func (s *seeder) decidedAt(m int) clock.Instant { return min(s.joined[m].Add(48*time.Hour), s.now) }

// earn works it out: one cash claim of somebody who was brought is one accrual.
func (s *seeder) earn() {
	e := &s.earned
	of, months := map[int]*seedAccount{}, map[[2]int]*seedStatement{}
	at, ids := seedSource(7)
	atAccount, accountIDs := seedSource(8)
	s.eachClaim(func(c seedClaim) {
		if c.cash == 0 || !brought(c.member) {
			return
		}
		at.at, atAccount.at = c.at.Add(3*time.Second), c.at.Add(3*time.Second)
		earner := referrerOf(c.member)
		account := of[earner]
		if account == nil {
			account = &seedAccount{id: accountIDs.Next(), member: earner, at: at.at}
			of[earner], e.accounts = account, append(e.accounts, account)
		}
		a := seedAccrual{id: ids.Next(), number: c.number, rule: int(dice(c.number, 22) % seedPaying), at: at.at, account: account}
		s.judge(&a, c.member, months)
		e.accruals = append(e.accruals, a)
		e.used[a.rule] += a.left()
		if a.amount > 0 {
			e.entries = append(e.entries, seedEntry{a.at, ledger.Funds, ledger.Accrued, account.id, a.amount, "commission:", "", a.id, "推广佣金计提"})
		}
	})
	e.claw()
	e.settle()
	s.withdraw()
	slices.SortStableFunc(e.entries, func(a, b seedEntry) int { return cmp.Compare(a.at, b.at) })
}

// judge says how far an accrual came by now.
func (s *seeder) judge(a *seedAccrual, referee int, months map[[2]int]*seedStatement) {
	if dice(a.number, 23)%33 == 0 {
		a.state = commission.Nothing
		return
	}
	a.amount = int64(50 + dice(a.number, 24)%151)
	release := a.at.Add(seedFreeze)
	_, state, yes := suspect(referee)
	taken := max(s.decidedAt(referee), a.at.Add(time.Minute))
	switch {
	case yes && state == fraud.Confirmed && taken < s.now:
		a.state, a.clawed = commission.Clawed, taken
		return
	case release > s.now:
		a.state = commission.Frozen
	case yes && state != fraud.Cleared:
		a.state = commission.Held
	default:
		first := clock.DayOf(release)/100*100 + 1
		settled, _ := first.AddMonths(1).AddDays(seedSettles - 1).Bounds()
		a.state, a.released = commission.Released, release.Add(time.Minute)
		if settled = settled.Add(3 * time.Hour); settled < s.now {
			key := [2]int{a.account.member, int(first)}
			if months[key] == nil {
				months[key] = &seedStatement{account: a.account, from: first, at: settled}
				s.earned.statements = append(s.earned.statements, months[key])
			}
			a.state, a.statement = commission.Settled, months[key]
			a.statement.entries++
			a.statement.net += a.amount
			return
		}
	}
	a.account.accrued += a.amount
}

// claw takes back what confirmed cases are about.
func (e *seedEarned) claw() {
	var taken []*seedAccrual
	for i := range e.accruals {
		if a := &e.accruals[i]; a.state == commission.Clawed {
			taken = append(taken, a)
		}
	}
	slices.SortStableFunc(taken, func(a, b *seedAccrual) int { return cmp.Compare(a.clawed, b.clawed) })
	at, ids := seedSource(9)
	for _, a := range taken {
		at.at = a.clawed
		a.claw = ids.Next()
		e.entries = append(e.entries, seedEntry{a.clawed, ledger.Accrued, ledger.Funds, a.account.id, a.amount, "commission:claw:", "", a.claw, "佣金追回"})
	}
}

// settle makes the statements' money what may be withdrawn.
func (e *seedEarned) settle() {
	slices.SortStableFunc(e.statements, func(a, b *seedStatement) int { return cmp.Compare(a.at, b.at) })
	at, ids := seedSource(9)
	for _, st := range e.statements {
		at.at = st.at
		st.id = ids.Next()
		st.account.available += st.net
		st.all = st.account.available
		st.account.statements = append(st.account.statements, st)
		e.entries = append(e.entries, seedEntry{st.at, ledger.Accrued, ledger.Earned, st.account.id, st.net, "commission:settle:", ":0", st.id, "佣金结算 " + st.cycle()})
	}
}

func (st *seedStatement) cycle() string { return st.from.Text() + " 至 " + st.from.MonthEnd().Text() }

// withdraw lets one in three take out all that he had after one of his statements.
func (s *seeder) withdraw() {
	e := &s.earned
	for _, account := range e.accounts {
		m, n := account.member, len(account.statements)
		if n == 0 || dice(m, 25)%3 != 0 {
			continue
		}
		st := account.statements[dice(m, 26)%uint64(n)]
		w := &seedWithdrawal{account: account, amount: st.all, at: st.at.Add(time.Duration(dice(m, 27)%(20*24*60)) * time.Minute)}
		if w.amount < 100 || w.at > s.now.Add(-time.Hour) {
			continue
		}
		w.decided = w.at.Add(20 * time.Minute)
		w.state = []string{withdrawal.Paid, withdrawal.Paid, withdrawal.Paid, withdrawal.Paid, withdrawal.Paid, withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled,
			withdrawal.Returned, withdrawal.Failed}[dice(m, 28)%10]
		if w.at > s.now.Add(-20*time.Hour) { // WeChat keeps a payout open for a day
			w.state = []string{withdrawal.Requested, withdrawal.Approved}[dice(m, 28)%2]
		} else if dice(m, 29)%50 == 0 {
			w.state = withdrawal.Requested
		}
		e.withdrawals = append(e.withdrawals, w)
	}
	slices.SortStableFunc(e.withdrawals, func(a, b *seedWithdrawal) int { return cmp.Compare(a.at, b.at) })
	at, ids := seedSource(7)
	atPay, payouts := seedSource(8)
	for _, w := range e.withdrawals {
		at.at, atPay.at = w.at, w.decided
		w.id = ids.Next()
		if w.payoutState() != "" {
			w.payout = payouts.Next()
		}
		e.move(w)
	}
}

// payoutState is that of its payout; "" where none was made.
func (w *seedWithdrawal) payoutState() string {
	return map[string]string{withdrawal.Approved: redpacket.Accepted, withdrawal.Paid: redpacket.Settled, withdrawal.Returned: redpacket.Returned, withdrawal.Failed: redpacket.Failed}[w.state]
}

// move books a withdrawal from its request to where it is.
func (e *seedEarned) move(w *seedWithdrawal) {
	account := w.account
	book := func(at clock.Instant, from, to string, amount int64, what, memo string) {
		if amount > 0 {
			e.entries = append(e.entries, seedEntry{at, from, to, account.id, amount, "wd:", ":" + account.id.String() + ":" + what, w.id, memo})
		}
	}
	if w.finished = w.decided.Add(10 * time.Second); w.state == withdrawal.Requested || w.state == withdrawal.Approved {
		w.finished = 0
	}
	if w.payout != 0 && dice(account.member, 30)%4 == 0 {
		w.tax = w.amount / 10
	}
	book(w.at, ledger.Earned, ledger.Withdrawing, w.amount, "hold", "佣金提现")
	account.available -= w.amount
	switch w.state {
	case withdrawal.Requested, withdrawal.Approved:
		account.held += w.amount
	case withdrawal.Paid:
		book(w.finished, ledger.Withdrawing, ledger.Withdrawn, w.amount-w.tax, "pay", "佣金提现已到账")
		book(w.finished, ledger.Withdrawing, ledger.TaxDue, w.tax, "pay:tax", "佣金代扣税款")
		account.paid, account.taxed = account.paid+w.amount-w.tax, account.taxed+w.tax
	default:
		book(w.finished, ledger.Withdrawing, ledger.Earned, w.amount, "back", "佣金提现退回")
		account.available += w.amount
	}
}
