package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/ledger"
	"siyu/model/redpacket"
	"siyu/wechat/simulator"
)

// TestStory follows a bottle from the shelf to the person's pocket on both rails, then
// again with each misfortune, and looks at the phone, the ledger and the bill numbers.
func TestStory(t *testing.T) {
	w := startTown(t, nil)
	misfortunes := []struct {
		name  string
		bad   []simulator.Misfortune
		state string // settled unless named
		rail  string // "" = both
	}{
		{name: "all is well"},
		{name: "WeChat pays, the connection drops", bad: []simulator.Misfortune{{Call: "payout", Kind: "commit_then_drop"}}},
		{name: "the answer comes too late", bad: []simulator.Misfortune{{Call: "payout", Kind: "delay", Delay: time.Second}}},
		{name: "WeChat answers 500 twice", bad: []simulator.Misfortune{{Call: "payout", Kind: "http_500", Count: 2}}},
		{name: "an unknown code", bad: []simulator.Misfortune{{Call: "payout", Kind: "unknown_code"}}},
		{name: "half an answer", bad: []simulator.Misfortune{{Call: "payout", Kind: "garbage_body"}}},
		{name: "the balance is short", bad: []simulator.Misfortune{{Call: "payout", Kind: "balance_short"}}},
		{name: "the access token expired", bad: []simulator.Misfortune{{Call: "user/info", Kind: "expired_token"}}},
		{name: "the notice comes twice", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "duplicate_notice"}}},
		{name: "the notice comes before the answer", rail: "transfer", bad: []simulator.Misfortune{{Call: "payout", Kind: "notice_before_answer"}}},
		{name: "the notice is lost", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "missing_notice", Count: 20}}},
		{name: "a forged notice", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "forged_notice"}}},
		{name: "the person never takes it", state: "returned", bad: []simulator.Misfortune{{Call: "payout", Kind: "user_never_confirms"}}},
		{name: "the person cannot receive", state: "failed", bad: []simulator.Misfortune{{Call: "payout", Kind: "user_blocks"}}},
	}
	for _, g := range w.demo.shelf {
		serial := int64(0)
		for i, c := range misfortunes {
			if c.rail != "" && c.rail != g.rail {
				continue
			}
			t.Run(g.rail+"/"+c.name, func(t *testing.T) {
				w.sim.ClearMisfortunes()
				for _, m := range c.bad {
					if err := w.sim.SetMisfortune(m); err != nil {
						t.Fatal(err)
					}
				}
				// Until the code wins cash (the vinegar has other prizes): each try is a new person.
				for try := 0; ; try++ {
					serial++
					p := w.phone(t, fmt.Sprintf("%s%d-%d", g.rail, i, try), "上海")
					if w.buy(t, p, g, serial, c.state) {
						break
					}
				}
			})
		}
	}
	w.sim.ClearMisfortunes()
	w.books(t)
	if s := w.log.String(); strings.Contains(s, "level=ERROR") {
		t.Errorf("the program logged errors:\n%s", tail(s, 3000))
	}
}

// buy scans, claims and waits; false when the code won no cash.
func (w *town) buy(t *testing.T, p *phone, g *demoGoods, serial int64, want string) bool {
	t.Helper()
	if want == "" {
		want = "settled"
	}
	tok := w.token(t, g, serial)
	page := p.scan(tok)
	if !strings.Contains(page, "首次验证") || !strings.Contains(page, g.name) {
		t.Fatalf("not a first verdict:\n%s", tail(page, 1500))
	}
	packet := p.claim(page)
	first := p.state(packet)
	if first.State == "won" {
		return false
	}
	s := p.until(packet, want, want == "returned")
	if s.BillNo != first.BillNo || s.AmountFen != first.AmountFen || s.AmountFen < 100 {
		t.Errorf("bill or amount changed: %+v -> %+v", first, s)
	}
	wallet := w.sim.WalletFen(p.user)
	if (want == "settled") != (wallet == s.AmountFen) || (want != "settled" && wallet != 0) {
		t.Errorf("the phone holds %d fen, the packet of %d is %s", wallet, s.AmountFen, want)
	}
	if points, _ := p.get("/points"); !strings.Contains(points, "10") || !strings.Contains(points, g.name) {
		t.Errorf("the points page does not tell of the scan:\n%s", tail(points, 1200))
	}
	again := p.scan(tok)
	if !strings.Contains(again, "验证过") || formToken.MatchString(again) {
		t.Errorf("the same person again should see his own packet:\n%s", tail(again, 1500))
	}
	other := w.phone(t, p.user+"的邻居", "上海")
	if page := other.scan(tok); formToken.MatchString(page) || !strings.Contains(page, "若非本人") {
		t.Errorf("somebody else should be warned:\n%s", tail(page, 1500))
	}
	return true
}

// books compares all our payouts with all of WeChat's bills, and the ledger with both.
func (w *town) books(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	bills := map[string]simulator.Bill{}
	var paid int64
	for _, g := range w.demo.shelf {
		for _, b := range w.sim.Bills(g.mchID) {
			bills[b.BillNo] = b
			paid += b.PaidFen
		}
		if got := w.sim.BalanceFen(g.mchID); got > demoBalance {
			t.Errorf("merchant %s grew to %d fen", g.mchID, got)
		}
	}
	list, err := w.env.Packets.List(ctx, redpacket.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var ours int64
	for _, p := range list {
		b, ok := bills[p.BillNo]
		if !ok || b.AmountFen != int64(p.AmountFen) || (b.PaidFen > 0) != (p.State == redpacket.Settled) || p.Review {
			t.Errorf("bill %s: ours %s %d review=%v, WeChat's %+v", p.BillNo, p.State, p.AmountFen, p.Review, b)
		}
		if p.State == redpacket.Settled {
			ours += int64(p.AmountFen)
		}
		delete(bills, p.BillNo)
	}
	if len(bills) > 0 || ours != paid {
		t.Errorf("%d bills of WeChat's are not ours; we settled %d fen, WeChat paid %d", len(bills), ours, paid)
	}
	trial, err := w.env.Ledger.TrialBalance(ctx)
	if err != nil || !trial.Balanced {
		t.Errorf("%+v %v", trial, err)
	}
	for _, line := range trial.Lines {
		if line.Kind == ledger.Paid && line.Balance != paid {
			t.Errorf("the ledger says %d fen are paid, WeChat says %d", line.Balance, paid)
		}
		if line.Kind == ledger.Promised && line.Balance != 0 {
			t.Errorf("%d fen are still promised", line.Balance)
		}
	}
}
