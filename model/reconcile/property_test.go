package reconcile_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
)

const (
	account = id.ID(77)
	brandID = id.ID(7)
	days    = 5
)

// book is the true history of an account, beside the bills that WeChat wrote of it.
type book struct {
	t       *testing.T
	ctx     context.Context
	rng     *rand.Rand
	db      *db.DB
	clk     *clock.Fake
	store   *reconcile.Store
	start   clock.Day
	bills   map[clock.Day][]reconcile.Line // as WeChat gives them, with faults
	true_   map[clock.Day][]reconcile.Line // without
	want    map[string]bool                // differences that must be open: bill number or flow, and kind
	stays   map[string]bool                // those that a correct bill does not heal
	balance money.Fen
	flows   int
}

func newBook(t *testing.T, d *db.DB, clk *clock.Fake, seed uint64) *book {
	out := outbox.New(d)
	packets := redpacket.New(d, ledger.New(d), out)
	return &book{t: t, ctx: context.Background(), rng: rand.New(rand.NewPCG(seed, 34)), db: d, clk: clk, store: reconcile.New(d, packets, out),
		start: clock.DayOf(clk.Now()), bills: map[clock.Day][]reconcile.Line{}, true_: map[clock.Day][]reconcile.Line{}, want: map[string]bool{}, stays: map[string]bool{}}
}

func (b *book) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// at is a random moment of a day that leaves hours at both ends.
func (b *book) at(day int) clock.Instant {
	from, _ := b.start.AddDays(day).Bounds()
	return from.Add(time.Duration(2+b.rng.IntN(18)) * time.Hour).Add(time.Duration(b.rng.IntN(3600)) * time.Second)
}

func (b *book) line(p redpacket.Payout, at clock.Instant, fen money.Fen) reconcile.Line {
	b.flows++
	return reconcile.Line{At: at, WechatNo: p.WechatNo, FlowNo: fmt.Sprintf("F%d", b.flows), Business: "商家转账", Kind: "商家转账", AmountFen: fen, Voucher: p.BillNo}
}

// pay invents a payout, what WeChat truly did, and what of it WeChat's bills say.
func (b *book) pay() {
	made := b.rng.IntN(days)
	p := redpacket.Payout{ID: b.db.NewID(), ClaimID: b.db.NewID(), Purpose: redpacket.ForClaim, BrandID: brandID, CampaignID: 3, MemberID: 5, AccountID: account, Rail: "transfer",
		AppID: "wx", OpenID: "o", AmountFen: money.Fen(10 + b.rng.IntN(900)), CreatedAt: b.at(made)}
	p.BillNo, p.WechatNo = redpacket.BillNo(p.ID, clock.DayOf(p.CreatedAt)), "W"+p.ID.String()
	sent := p.CreatedAt.Add(time.Minute)
	p.MovedAt = sent
	p.State = []string{redpacket.Settled, redpacket.Settled, redpacket.Accepted, redpacket.Returned, redpacket.Failed, redpacket.Sending, redpacket.Pending}[b.rng.IntN(7)]
	var truth []reconcile.Line
	out, in := b.line(p, sent, -p.AmountFen), b.line(p, sent.Add(time.Hour), p.AmountFen)
	switch p.State {
	case redpacket.Settled, redpacket.Accepted:
		truth = append(truth, out)
	case redpacket.Sending: // nobody knows
		if b.rng.IntN(2) == 0 {
			truth = append(truth, out)
		}
	case redpacket.Returned:
		truth = append(truth, out, in)
		if made < days-1 && b.rng.IntN(2) == 0 { // a day later
			truth[1].At = b.at(made + 1)
		}
		p.MovedAt = truth[1].At.Add(time.Minute)
	case redpacket.Failed:
		if b.rng.IntN(2) == 0 {
			truth = append(truth, out, in)
			p.MovedAt = in.At.Add(time.Minute)
		}
	}
	if p.State == redpacket.Settled || p.State == redpacket.Returned || p.State == redpacket.Failed {
		p.FinishedAt = p.MovedAt
	}
	said := b.fault(&p, slices.Clone(truth), &truth)
	b.must(b.db.Read(b.ctx).Create(&p).Error)
	for _, l := range truth {
		b.true_[clock.DayOf(l.At)] = append(b.true_[clock.DayOf(l.At)], l)
	}
	for _, l := range said {
		b.bills[clock.DayOf(l.At)] = append(b.bills[clock.DayOf(l.At)], l)
	}
}

// fault makes one thing wrong with some of the payouts, and says what must be found.
func (b *book) fault(p *redpacket.Payout, said []reconcile.Line, truth *[]reconcile.Line) []reconcile.Line {
	expect := func(kind string) { b.want[p.BillNo+" "+kind] = true }
	whole := len(said) == 2
	switch n := b.rng.IntN(20); {
	case n == 0 && len(said) == 1 && p.State != redpacket.Sending:
		expect(reconcile.OnlyOurs)
		return nil
	case n == 1 && whole: // the way out is missing
		expect(reconcile.State)
		return said[1:]
	case n == 2 && whole: // the way back is missing
		expect(reconcile.NoReturn)
		return said[:1]
	case n == 3 && whole && p.State == redpacket.Returned:
		expect(reconcile.OnlyOurs)
		return nil
	case n == 4 && len(said) > 0:
		i := b.rng.IntN(len(said))
		said[i].AmountFen--
		expect(reconcile.Amount)
	case n == 5 && len(said) == 1:
		again := said[0]
		b.flows++
		again.FlowNo = fmt.Sprintf("F%d", b.flows)
		expect(reconcile.Double)
		return append(said, again)
	case n == 6 && p.State == redpacket.Accepted: // it went back and we were not told
		back := b.line(*p, said[0].At.Add(time.Hour), p.AmountFen)
		*truth = append(*truth, back)
		expect(reconcile.State)
		b.stays[p.BillNo+" "+reconcile.State] = true
		return append(said, back)
	case n == 7 && p.State == redpacket.Pending:
		out := b.line(*p, p.CreatedAt.Add(time.Minute), -p.AmountFen)
		*truth = append(*truth, out)
		expect(reconcile.State)
		b.stays[p.BillNo+" "+reconcile.State] = true
		return append(said, out)
	case n == 8: // somebody else's payout under the same merchant
		b.flows++
		l := reconcile.Line{At: b.at(b.rng.IntN(days)), WechatNo: fmt.Sprintf("X%d", b.flows), FlowNo: fmt.Sprintf("F%d", b.flows), Business: "商家转账", Kind: "商家转账", AmountFen: -100, Voucher: fmt.Sprintf("THEIRS%d", b.flows)}
		b.bills[clock.DayOf(l.At)] = append(b.bills[clock.DayOf(l.At)], l)
		b.want[l.Voucher+" "+reconcile.OnlyWeChat] = true
	case n == 9 && len(said) > 0: // a bill that writes its own number instead of ours
		for i := range said {
			said[i].Voucher = ""
		}
	case n == 10: // money that is none of our business
		b.flows++
		l := reconcile.Line{At: b.at(b.rng.IntN(days)), FlowNo: fmt.Sprintf("F%d", b.flows), Business: "充值", Kind: "充值", AmountFen: 5000, Voucher: "T"}
		b.bills[clock.DayOf(l.At)] = append(b.bills[clock.DayOf(l.At)], l)
		b.true_[clock.DayOf(l.At)] = append(b.true_[clock.DayOf(l.At)], l)
	}
	return said
}

// run reconciles one day; now and then it is cut off on the way and begins again.
func (b *book) run(day clock.Day, from map[clock.Day][]reconcile.Line) {
	b.t.Helper()
	d, err := b.store.Ask(b.ctx, brandID, account, day)
	b.must(err)
	write := func(n int) *reconcile.Sheet {
		sheet, err := b.store.Open(b.ctx, d.ID)
		b.must(err)
		lines := slices.Clone(from[day])
		slices.SortFunc(lines, func(x, y reconcile.Line) int { return cmp.Compare(x.At, y.At) })
		for _, l := range lines[:min(n, len(lines))] {
			b.must(sheet.Add(b.ctx, l))
		}
		return sheet
	}
	if b.rng.IntN(3) == 0 {
		write(b.rng.IntN(20)) // a worker that died
	}
	b.must(write(1<<30).Commit(b.ctx, "hash"))
	if b.rng.IntN(3) == 0 { // died before matching; another download
		b.must(write(1<<30).Commit(b.ctx, "hash"))
	}
	b.must(b.store.Match(b.ctx, d.ID))
	b.must(b.store.Match(b.ctx, d.ID))
}

func (b *book) items() []reconcile.Item {
	var list []reconcile.Item
	b.must(b.db.Read(b.ctx).Order("item_key").Find(&list).Error)
	return list
}

func open(items []reconcile.Item) map[string]bool {
	out := map[string]bool{}
	for _, i := range items {
		if i.State == reconcile.Open {
			out[i.BillNo+" "+i.Kind] = true
		}
	}
	return out
}

func missing(a, b map[string]bool) (out []string) {
	for k := range a {
		if !b[k] {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func TestRandomPayoutsWithRandomBillFaults(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
				b := newBook(t, d, clk, seed)
				for range 160 {
					b.pay()
				}
				clk.Advance(20 * 24 * time.Hour)
				order := b.rng.Perm(days)
				for _, i := range order {
					b.run(b.start.AddDays(i), b.bills)
					if b.rng.IntN(2) == 0 { // one that was done before, again
						b.run(b.start.AddDays(order[0]), b.bills)
					}
				}
				first := b.items()
				got := open(first)
				if m := missing(b.want, got); len(m) > 0 {
					t.Errorf("not found: %v", m)
				}
				if m := missing(got, b.want); len(m) > 0 {
					t.Errorf("invented: %v", m)
				}
				if len(b.want) < 10 {
					t.Fatalf("only %d differences: the walk proves little", len(b.want))
				}
				was, err := b.store.Days(b.ctx, reconcile.DayFilter{From: b.start, To: b.start.AddDays(days)})
				b.must(err)
				b.totals(was, first)

				for i := range days { // again, later: nothing changes
					clk.Advance(time.Minute)
					b.run(b.start.AddDays(i), b.bills)
				}
				if second := b.items(); !slices.Equal(first, second) {
					t.Errorf("a second run changed differences: %d and %d", len(first), len(second))
				}
				now, err := b.store.Days(b.ctx, reconcile.DayFilter{From: b.start, To: b.start.AddDays(days)})
				b.must(err)
				for i := range now {
					now[i].Gen, now[i].NextGen, now[i].AskedAt, now[i].FinishedAt = was[i].Gen, was[i].NextGen, was[i].AskedAt, was[i].FinishedAt
					now[i].Proof = was[i].Proof // may know the day before by now: TestBalanceProof
				}
				if !slices.Equal(was, now) {
					t.Errorf("a second run changed totals:\n%+v\n%+v", was, now)
				}

				for i := range days { // WeChat corrects its bills: what was only its mistake is gone
					clk.Advance(time.Minute)
					b.run(b.start.AddDays(i), b.true_)
				}
				if left := open(b.items()); !maps.Equal(left, b.stays) {
					t.Errorf("left open: %v, want %v", left, b.stays)
				}
			})
		})
	}
}

// totals: every line of every bill is in exactly one figure.
func (b *book) totals(list []reconcile.Day, items []reconcile.Item) {
	b.t.Helper()
	for _, d := range list {
		if d.State != reconcile.Done || d.TotalLines != int64(len(b.bills[d.Day])) || d.DoneLines != d.TotalLines {
			b.t.Errorf("%d: %s, %d of %d lines, %d in the bill", d.Day, d.State, d.DoneLines, d.TotalLines, len(b.bills[d.Day]))
		}
		for _, result := range []string{reconcile.Matched, reconcile.Returned, reconcile.Other, reconcile.Differs, reconcile.OnlyWeChat, ""} {
			var n int64
			b.must(b.db.Read(b.ctx).Raw("SELECT COUNT(*) FROM recon_line WHERE day_id = ? AND result = ?", d.ID, result).Scan(&n).Error)
			want := map[string]int64{reconcile.Matched: d.Matched, reconcile.Returned: d.Returned, reconcile.Other: d.OtherLines, "": 0}
			if w, told := want[result]; told && w != n {
				b.t.Errorf("%d: %d lines %q, the day says %d", d.Day, n, result, w)
			}
		}
	}
	if len(list) != days || len(items) == 0 {
		b.t.Errorf("%d days, %d differences", len(list), len(items))
	}
}
