package simulator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"siyu/wechat"
	"siyu/wechat/simulator"
)

// fundBill fetches yesterday's bill with the real client.
func (w *world) fundBill(rail string) (lines []wechat.FundFlow, totals wechat.BillTotals, err error) {
	w.Helper()
	c, _, m := w.client()
	m.Rail = rail
	day := w.clock().In(time.FixedZone("", 8*3600)).AddDate(0, 0, -1).Format(time.DateOnly)
	totals, err = c.FundBill(context.Background(), m, day, func(f wechat.FundFlow) error {
		lines = append(lines, f)
		return nil
	})
	return lines, totals, err
}

// paidYesterday: one transfer collected, one returned after a day, one red packet, a
// top-up; then it is eleven o'clock of the day after.
func (w *world) paidYesterday() {
	w.Helper()
	w.set(time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)) // 10:00 in Shanghai
	must(w.T, w.sim.TopUp(mchID, 5_000))
	w.pass(time.Minute)
	a := w.v3("POST", transfers, w.transferOrder("T1"))
	must(w.T, w.sim.Confirm("小满", a.body.text("package_info")))
	w.pass(time.Minute)
	w.v3("POST", transfers, w.transferOrder("T2"))
	must(w.T, w.sim.Advance("T2", "CANCELLED"))
	w.pass(time.Minute)
	w.v2("sendredpack", w.packet("R1"))
	w.set(time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC))
}

func TestFundBillProvesTheBalanceOnBothGenerations(t *testing.T) {
	for _, rail := range []string{"transfer", "redpack"} {
		t.Run(rail, func(t *testing.T) {
			w := newWorld(t)
			before := w.sim.BalanceFen(mchID)
			w.paidYesterday()
			lines, totals, err := w.fundBill(rail)
			must(t, err)
			if len(lines) != 5 || totals.InCount != 2 || totals.OutCount != 3 || len(totals.SHA1) != 40 {
				t.Fatalf("%d lines, %+v", len(lines), totals)
			}
			balance := before
			for i, f := range lines {
				if balance += f.AmountFen; f.BalanceFen != balance {
					t.Errorf("line %d: balance %d, want %d: %+v", i, f.BalanceFen, balance, f)
				}
			}
			var about []string
			for _, f := range lines {
				about = append(about, f.Business+f.Voucher)
			}
			if lines[1].Voucher != "T1" || lines[2].Voucher != "T2" || lines[3].Voucher != "T2" || lines[3].AmountFen <= 0 || lines[4].Voucher != "R1" || lines[1].WechatNo != w.bill("T1").WechatNo {
				t.Errorf("%v", about)
			}
			if got := lines[0].At; !got.Equal(time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)) {
				t.Errorf("time %s", got)
			}
		})
	}
}

func TestFundBillThatCannotBeHadSaysWhy(t *testing.T) {
	for _, rail := range []string{"transfer", "redpack"} {
		t.Run(rail, func(t *testing.T) {
			w := newWorld(t)
			w.set(time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC))
			if _, _, err := w.fundBill(rail); !errors.Is(err, wechat.ErrNoBill) {
				t.Errorf("quiet day: %v", err)
			}
			w.paidYesterday()
			w.set(time.Date(2026, 11, 21, 0, 59, 0, 0, time.UTC)) // 8:59
			if _, _, err := w.fundBill(rail); !errors.Is(err, wechat.ErrBillNotReady) {
				t.Errorf("before nine: %v", err)
			}
			w.pass(2 * time.Hour)
			call := map[string]string{"transfer": "fundbill.file", "redpack": "downloadfundflow"}[rail]
			w.order(simulator.Misfortune{Call: call, Kind: "garbage_body"})
			if _, _, err := w.fundBill(rail); !errors.Is(err, wechat.ErrBillBroken) {
				t.Errorf("half a file: %v", err)
			}
			w.order(simulator.Misfortune{Call: call, Kind: "http_502"})
			if _, _, err := w.fundBill(rail); err == nil {
				t.Error("a gateway's page gave a bill")
			}
			if _, totals, err := w.fundBill(rail); err != nil || totals.OutCount != 3 {
				t.Errorf("afterwards: %v %+v", err, totals)
			}
		})
	}
}

func TestFundBillStopsWhereItsReaderStops(t *testing.T) {
	w := newWorld(t)
	w.paidYesterday()
	c, _, m := w.client()
	m.Rail = "transfer"
	full := errors.New("full")
	if _, err := c.FundBill(context.Background(), m, "2026-11-20", func(wechat.FundFlow) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}

func TestBalanceIsTheMerchantsOwn(t *testing.T) {
	w := newWorld(t)
	c, _, m := w.client()
	if _, err := c.Balance(context.Background(), m); !errors.Is(err, wechat.ErrBillRefused) {
		t.Errorf("red packets have no v3 interface: %v", err)
	}
	m.Rail = "transfer"
	if fen, err := c.Balance(context.Background(), m); err != nil || fen != w.sim.BalanceFen(mchID) {
		t.Errorf("%d %v", fen, err)
	}
}

// billCases are the misfortunes of bills, for the table of all of them.
func billCases(case_ func(kind, name string, f func(t *testing.T, w *world))) {
	broken := func(kind, code string, check func(t *testing.T, lines []wechat.FundFlow, err error)) {
		case_(kind, "of_a_bill", func(t *testing.T, w *world) {
			w.paidYesterday()
			w.order(simulator.Misfortune{Call: "bill", Kind: kind, Code: code})
			lines, _, err := w.fundBill("transfer")
			check(t, lines, err)
		})
	}
	broken("bill_not_ready", "", func(t *testing.T, _ []wechat.FundFlow, err error) {
		if !errors.Is(err, wechat.ErrBillNotReady) {
			t.Error(err)
		}
	})
	broken("bill_wrong_hash", "", func(t *testing.T, _ []wechat.FundFlow, err error) {
		if !errors.Is(err, wechat.ErrBillBroken) {
			t.Error(err)
		}
	})
	broken("bill_missing_line", "R1", func(t *testing.T, lines []wechat.FundFlow, err error) {
		if err != nil || len(lines) != 4 || lines[3].Voucher != "T2" {
			t.Errorf("%v %+v", err, lines)
		}
	})
	broken("bill_extra_line", "", func(t *testing.T, lines []wechat.FundFlow, err error) {
		if err != nil || len(lines) != 6 || lines[5].AmountFen != -100 {
			t.Errorf("%v %+v", err, lines)
		}
	})
	broken("bill_other_amount", "", func(t *testing.T, lines []wechat.FundFlow, err error) {
		if err != nil || len(lines) != 5 || lines[1].BalanceFen == lines[0].BalanceFen+lines[1].AmountFen {
			t.Errorf("%v %+v", err, lines)
		}
	})
	case_("no_balance", "is_not_given", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "balance", Kind: "no_balance"})
		c, _, m := w.client()
		m.Rail = "transfer"
		if _, err := c.Balance(context.Background(), m); !errors.Is(err, wechat.ErrBillRefused) {
			t.Error(err)
		}
	})
}
