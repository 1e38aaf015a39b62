package main

import (
	"context"
	"fmt"
	"time"

	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// Scans come in fives, one after the other over half a year: three new codes, of which the
// first is claimed; then somebody scans a code of an earlier five again, and somebody else
// another one of it.
const (
	seedFive   = 5
	seedPoints = 50
)

var seedCities = [...][2]string{{"上海市", "上海"}, {"广东省", "广州"}, {"广东省", "深圳"}, {"北京市", "北京"}, {"浙江省", "杭州"}, {"四川省", "成都"},
	{"湖北省", "武汉"}, {"陕西省", "西安"}, {"江苏省", "南京"}, {"江苏省", "苏州"}, {"山东省", "青岛"}, {"湖南省", "长沙"}, {"福建省", "厦门"}, {"河南省", "郑州"}, {"", ""}}

func (s *seeder) codes() int { return s.scans / seedFive * 3 }

// when is the moment of a scan.
func (s *seeder) when(scan int) clock.Instant {
	return s.from.Add(time.Duration(float64(s.now.Sub(s.from)-time.Hour) * float64(scan) / float64(s.scans)))
}

// back is how many fives ago a code was seen that is scanned again: more than the window
// in which a second look is no scan.
func (s *seeder) back() int {
	five := s.now.Sub(s.from) * seedFive / time.Duration(s.scans)
	return int(30*time.Minute/five) + 1
}

type seedScan struct {
	id       id.ID
	at       clock.Instant
	number   int // of the scan
	member   int // -1: nobody we know
	code     int
	verdict  scan.State
	province string
	city     string
}

func (x seedScan) batch() int    { return x.code % seedGoods }
func (x seedScan) serial() int64 { return int64(x.code/seedGoods + 1) }

// claims says whether the scan was followed by a claim, and of money or points.
func (x seedScan) claims() (yes, cash bool) {
	return x.number%seedFive == 0, x.number/seedFive%2 == 0
}

// who is the member of a scan: at his time the newest one, now and then; one who is busy;
// else anybody who is there.
func (s *seeder) who(number int) int {
	per := s.scans / s.members
	there := min(number/per+1, s.members)
	switch {
	case number%per == 0:
		return there - 1
	case number%seedBusy == 1:
		return 0
	}
	return int(dice(number, 1) % uint64(there))
}

func (s *seeder) scanOf(number int) seedScan {
	x := seedScan{number: number, at: s.when(number), member: s.who(number), verdict: scan.First}
	five, back := number/seedFive, s.back()
	place := seedCities[dice(number, 2)%uint64(len(seedCities))]
	x.province, x.city = place[0], place[1]
	switch r := number % seedFive; {
	case r < 3:
		x.code = five*3 + r
	case five < back: // there is no earlier one yet
		x.code, x.member, x.verdict = five*3, -1, scan.Genuine
	case r == 3:
		x.code, x.member, x.verdict = (five-back)*3, s.who((five-back)*seedFive), scan.Again
	default:
		x.code, x.verdict = (five-back)*3+1, scan.Elsewhere
		if first := s.who((five-back)*seedFive + 1); x.member == first {
			x.verdict = scan.Again
		}
	}
	return x
}

// eachScan tells every scan in order of time, with the same ids each time.
func (s *seeder) eachScan(do func(x seedScan)) {
	at, ids := seedSource(1)
	for i := range s.scans / seedFive * seedFive {
		x := s.scanOf(i)
		at.at = x.at
		x.id = ids.Next()
		do(x)
	}
}

type seedClaim struct {
	seedScan
	id     id.ID
	cash   int64
	points int64
	payout id.ID
	state  string
	bill   string
}

// eachClaim tells every claim with its payout.
func (s *seeder) eachClaim(do func(c seedClaim)) {
	at, ids := seedSource(2)
	atPay, payouts := seedSource(3)
	for five := range s.scans / seedFive {
		x := s.scanOf(five * seedFive)
		at.at, atPay.at = x.at.Add(5*time.Second), x.at.Add(5*time.Second)
		c := seedClaim{seedScan: x, id: ids.Next(), points: seedPoints}
		c.at = at.at
		if _, cash := x.claims(); cash {
			c.cash, c.points = int64(100+dice(x.number, 3)%201), 0
			c.payout = payouts.Next()
			c.bill = redpacket.BillNo(c.payout, clock.DayOf(c.at))
			switch n := dice(x.number, 4) % 100; {
			case n < 96:
				c.state = redpacket.Settled
			case n < 98:
				c.state = redpacket.Returned
			case n < 99:
				c.state = redpacket.Failed
			default:
				c.state = redpacket.Accepted
				if c.at < s.now.Add(-23*time.Hour) {
					c.state = redpacket.Settled
				}
			}
		}
		do(c)
	}
}

func (s *seeder) seen(ctx context.Context) error {
	agent := "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.50"
	return s.table(ctx, "scan", "id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at", func(l *dbbench.Lines) error {
		s.eachScan(func(x seedScan) {
			member, visitor := id.ID(0), fmt.Sprintf("a:%024x", x.number)
			if x.member >= 0 {
				member = s.ids[x.member]
				visitor = "m:" + member.String()
			}
			l.Add(x.id, s.brand, s.products[x.batch()], s.batches[x.batch()], x.serial(), member, visitor, int64(x.at)/scan.RepeatWindow.Milliseconds(),
				string(x.verdict), x.province, x.city, "", benchIP(int64(x.number)), agent, x.at)
		})
		return nil
	})
}

func (s *seeder) sights(ctx context.Context) error {
	fives, back := s.scans/seedFive, s.back()
	return s.table(ctx, "code_sight", "batch_id, serial, first_member, first_at, first_city, scans, others, anonymous, last_member, last_at, last_city, last_lat_e4, last_lon_e4, flagged_at, flag_reason", func(l *dbbench.Lines) error {
		for c := range fives * 3 {
			x := s.scanOf(c/3*seedFive + c%3)
			last, scans, others, anonymous := x, 1, 0, 0
			if five := c/3 + back; five < fives && c%3 < 2 {
				last = s.scanOf(five*seedFive + 3 + c%3)
				scans = 2
				if last.verdict == scan.Elsewhere {
					others = 1
				}
			}
			if c/3 < back && c%3 == 0 {
				anonymous = 2
			}
			flagged, why := clock.Instant(0), ""
			if dice(c, 5)%2000 == 0 {
				flagged, why = last.at, "far_apart"
			}
			l.Add(s.batches[x.batch()], x.serial(), s.ids[x.member], x.at, x.city, scans, others, anonymous, s.ids[last.member], last.at, last.city, 0, 0, flagged, why)
		}
		return nil
	})
}

func (s *seeder) claims(ctx context.Context) error {
	return s.table(ctx, "claim", "id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at", func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			kind, prize, tier, b := campaign.Cash, "现金红包", 1, c.batch()
			if c.cash == 0 {
				kind, prize, tier = campaign.Points, "幸运积分", 2
			}
			l.Add(c.id, s.batches[b], c.serial(), s.brand, s.products[b], s.ids[c.member], s.campaigns[b], tier, kind, prize, c.cash, c.points, clock.DayOf(c.at), c.at)
		})
		return nil
	})
}

func (s *seeder) payouts(ctx context.Context) error {
	return s.table(ctx, "payout", `id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no,
		wishing, act_name, state, wait_user, wechat_no, package_info, code, reason, attempts, review, created_at, moved_at, next_at, finished_at, purpose`, func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			if c.cash == 0 {
				return
			}
			moved, next, finished, waits := c.at.Add(3*time.Second), clock.Instant(0), c.at.Add(3*time.Second), 0
			why := map[string]string{redpacket.Failed: "USER_NOT_EXIST", redpacket.Returned: "REFUND"}[c.state]
			if c.state == redpacket.Accepted {
				next, finished, waits = s.now.Add(24*time.Hour), 0, 1
			}
			l.Add(c.payout, c.id, s.brand, s.campaigns[c.batch()], s.ids[c.member], s.account.ID, s.account.Settings.Rail, s.account.Settings.PayAppID, seedOpenID(c.member), c.cash, c.bill,
				"恭喜发财", "开瓶有喜", c.state, waits, fmt.Sprintf("13300%023d", c.number), "", why, "", 1, dice(c.number, 6)%5000 == 0, c.at, moved, next, finished, redpacket.ForClaim)
		})
		s.paidOut(l)
		return nil
	})
}

// book writes the ledger: what was won, how it ended, points; and the lots of the points.
func (s *seeder) book(ctx context.Context) error {
	at, ids := seedSource(4)
	err := s.table(ctx, "ledger_entry", "id, entry_key, unit, debit_kind, debit_owner, credit_kind, credit_owner, amount, memo, at", func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			at.at = c.at
			promise := s.campaigns[c.batch()]
			if c.cash == 0 {
				l.Add(ids.Next(), "claim:"+c.id.String()+":prize", "points", "issue", s.brand, "member", s.ids[c.member], c.points, "中奖积分 幸运积分", c.at)
				return
			}
			l.Add(ids.Next(), "claim:"+c.id.String()+":cash", "fen", "reserved", promise, "promised", promise, c.cash, "红包已中出 "+c.bill, c.at)
			to, owner, memo := "paid", promise, "红包已到账 "
			switch c.state {
			case redpacket.Accepted:
				return
			case redpacket.Returned, redpacket.Failed:
				to, owner, memo = "funds", s.brand, "红包未领退回，预算释放 "
			}
			l.Add(ids.Next(), "payout:"+c.payout.String()+":end", "fen", "promised", promise, to, owner, c.cash, memo+c.bill, c.at.Add(3*time.Second))
		})
		s.booked(l)
		return nil
	})
	if err != nil {
		return err
	}
	at, ids = seedSource(5)
	err = s.table(ctx, "points_lot", "id, source, member_id, brand_id, amount, available, pending, frozen, expired, live, earned_at, release_at, expires_at, due_at", func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			if at.at = c.at; c.cash == 0 {
				end := c.at.Add(365 * 24 * time.Hour)
				l.Add(ids.Next(), "claim:"+c.id.String()+":prize", s.ids[c.member], s.brand, c.points, c.points, 0, 0, 0, 1, c.at, 0, end, end)
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "points_account", "member_id, moves, folded_at", func(l *dbbench.Lines) error {
		for _, m := range s.ids {
			l.Add(m, 0, s.now)
		}
		return nil
	})
}

// events tells of every scan of a member and every claim.
func (s *seeder) events(ctx context.Context) error {
	at, ids := seedSource(6)
	atClaim, claimIDs := seedSource(2)
	return s.table(ctx, "event", "id, event_key, type, brand_id, member_id, channel, at, received_at, body", func(l *dbbench.Lines) error {
		s.eachScan(func(x seedScan) {
			if x.member < 0 {
				return
			}
			at.at = x.at
			member, b := s.ids[x.member], x.batch()
			body := event.ScanBody{ProductID: s.products[b], BatchID: s.batches[b], Serial: x.serial(), Verdict: string(x.verdict), Province: x.province, City: x.city}
			l.Add(ids.Next(), "scan:"+x.id.String(), event.Scan, s.brand, member, event.Code, x.at, x.at.Add(3*time.Second), []byte(event.Body(body)))
			claims, cash := x.claims()
			if !claims {
				return
			}
			atClaim.at = x.at.Add(5 * time.Second)
			c := event.ClaimBody{ProductID: s.products[b], BatchID: s.batches[b], Serial: x.serial(), CampaignID: s.campaigns[b], Kind: campaign.Points, Prize: "幸运积分", Points: seedPoints, Province: x.province, City: x.city}
			if cash {
				c.Kind, c.Prize, c.CashFen, c.Points = campaign.Cash, "现金红包", 100, 0
			}
			l.Add(ids.Next(), "claim:"+claimIDs.Next().String(), event.Claim, s.brand, member, event.Code, atClaim.at, atClaim.at.Add(3*time.Second), []byte(event.Body(c)))
		})
		return nil
	})
}
