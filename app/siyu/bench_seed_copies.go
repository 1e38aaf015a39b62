package main

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
)

// copies are the deliveries, and the lanes along which they went.
func (s *seeder) copies(ctx context.Context, all []*seedPush) error {
	err := s.table(ctx, "push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at", func(l *dbbench.Lines) error {
		s.eachCopy(all, func(p *seedPush, c seedCopy) {
			l.Add(c.id, p.ID, s.ids[c.member], c.lane, c.arm, c.state, c.reason, c.channel, c.use, c.code, c.tries, c.id, c.ticket, c.due, c.first, c.move)
		})
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(29)
	return s.table(ctx, "push_lane", "id, push_id, run_id, lane, done_at", func(l *dbbench.Lines) error {
		for _, p := range byTime(all) {
			at.at = p.FrozenAt
			if n := len(p.people(s.members)); n > 0 {
				for lane := range min(seedLanes, 1+n/500) {
					l.Add(ids.Next(), p.ID, p.ID, lane, p.FinishedAt)
				}
			}
		}
		return nil
	})
}

// tallies are how many copies are where, and how many ended in each minute.
func (s *seeder) tallies(ctx context.Context, all []*seedPush) error {
	type spot struct {
		run                    id.ID
		lane, arm              int
		state, channel, reason string
	}
	type minute struct {
		run  id.ID
		at   int64
		lane int
	}
	spots, minutes := map[spot]int{}, map[minute]int{}
	s.eachCopy(all, func(p *seedPush, c seedCopy) {
		spots[spot{p.ID, c.lane, c.arm, c.state, c.channel, c.reason}]++
		if c.over() {
			minutes[minute{p.ID, int64(c.move) / 60_000, c.lane}]++
		}
	})
	err := s.table(ctx, "push_tally", "run_id, lane, arm, state, channel, reason, n", func(l *dbbench.Lines) error {
		for x, n := range spots {
			l.Add(x.run, x.lane, x.arm, x.state, x.channel, x.reason, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "push_minute", "run_id, minute_no, lane, n", func(l *dbbench.Lines) error {
		for x, n := range minutes {
			l.Add(x.run, x.at, x.lane, n)
		}
		return nil
	})
}

// tickets are the places that copies took in the reach ledger.
func (s *seeder) tickets(ctx context.Context, all []*seedPush) error {
	offers := map[int]int{} // by member
	type month struct{ member, month int }
	mass := map[month]int{}
	err := s.table(ctx, "reach_ticket", "id, delivery_id, brand_id, member_id, purpose, channel, account_id, template_id, openid, sender, deed, window_at, day_no, taken_at, state, code, ended_at", func(l *dbbench.Lines) error {
		s.eachCopy(all, func(p *seedPush, c seedCopy) {
			if c.ticket == 0 {
				return
			}
			of, deed, window := c.id, "", clock.Instant(0)
			if c.state == push.Refused {
				of = -of
			} else if c.channel == reach.Mass {
				mass[month{c.member, int(clock.DayOf(c.move)) / 100}]++
			}
			if c.channel == reach.Custom {
				deed, window = "message", c.move.Add(-time.Hour)
			}
			if p.Purpose == reach.Marketing {
				offers[c.member]++
			}
			u := p.Uses[c.use]
			l.Add(c.ticket, of, s.brand, s.ids[c.member], p.Purpose, c.channel, u.AccountID, u.TemplateID, seedOpenID(c.member), "", deed, window, clock.DayOf(c.move), c.move, c.state, c.code, c.move)
		})
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_count", "account_id, openid, channel, period_no, member_id, n", func(l *dbbench.Lines) error {
		for x, n := range mass {
			l.Add(s.official.ID, seedOpenID(x.member), reach.Mass, x.month, s.ids[x.member], n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "reach_human", "brand_id, member_id, version", func(l *dbbench.Lines) error {
		for m, n := range offers {
			l.Add(s.brand, s.ids[m], n)
		}
		return nil
	})
}

// tapped says which links of a copy were opened: of one in five the first, of one in
// twenty-five the second, too.
func (s *seeder) tapped(p *seedPush, c seedCopy) (links int, at clock.Instant) {
	roll := dice(c.member, uint64(p.number)*16+2007)
	if at = c.move.Add(time.Duration(roll%3600) * time.Second); c.state != push.Sent || roll%5 != 0 || at > s.now {
		return 0, 0
	}
	return 1 + int(roll/5%5/4), at
}

// taps are links that were opened.
func (s *seeder) taps(ctx context.Context, all []*seedPush) error {
	return s.table(ctx, "push_click", "delivery_id, link_no, run_id, member_id, arm, first_at, last_at, clicks", func(l *dbbench.Lines) error {
		s.eachCopy(all, func(p *seedPush, c seedCopy) {
			links, at := s.tapped(p, c)
			for n := range links {
				l.Add(c.id, n+1, p.ID, s.ids[c.member], c.arm, at, at, 1+c.member%3)
			}
		})
		return nil
	})
}

// seedOrder is what somebody bought after a push began.
type seedOrder struct {
	member, number, product int
	event                   id.ID
	at                      clock.Instant
	amount                  int64
}

func (o seedOrder) no() string { return fmt.Sprintf("SEED%09d", o.number) }

// eachOrder tells what the people of the two large ones that are done bought in the week
// after: of those who got it one in twenty-five, of the others one in fifty.
func (s *seeder) eachOrder(all []*seedPush, do func(o seedOrder)) {
	at, ids := seedSource(30)
	n := 0
	s.eachCopy(all, func(p *seedPush, c seedCopy) {
		if p.tenths == nil || p.State != push.Done {
			return
		}
		roll, most := dice(c.member, uint64(p.number)*16+2008), uint64(2)
		if c.state == push.Sent {
			most = 4
		}
		at.at = p.FrozenAt.Add(time.Duration(roll/100%(7*24*60)) * time.Minute)
		if roll%100 >= most || at.at > s.now {
			return
		}
		n++
		do(seedOrder{member: c.member, number: n, product: c.member % seedGoods, event: ids.Next(), at: at.at, amount: int64(3000 + roll/1000%17000)})
	})
}

// told are the events of it: copies that went out, links that were opened, orders; with
// what follows of these for those who allow that it is known.
func (s *seeder) told(ctx context.Context, all []*seedPush) error {
	at, ids := seedSource(31)
	tapAt, tapIDs := seedSource(32)
	body := func(p *seedPush, c seedCopy) map[string]any {
		return map[string]any{"message": "push:" + p.ID.String(), "title": p.Name, "account_id": p.Uses[c.use].AccountID}
	}
	err := s.table(ctx, "event", "id, event_key, type, brand_id, member_id, channel, at, received_at, body", func(l *dbbench.Lines) error {
		s.eachCopy(all, func(p *seedPush, c seedCopy) {
			if c.state != push.Sent {
				return
			}
			at.at = c.move
			l.Add(ids.Next(), fmt.Sprintf("push:%d", c.id), event.MessageSent, s.brand, s.ids[c.member], event.WeChat, at.at, at.at, []byte(event.Body(body(p, c))))
			links, opened := s.tapped(p, c)
			for n := range links {
				tapAt.at = opened
				b := body(p, c)
				b["link"] = p.Links[n].URL
				l.Add(tapIDs.Next(), fmt.Sprintf("push_link:%d:%d", c.id, n+1), event.MessageTap, s.brand, s.ids[c.member], event.H5, opened, opened, []byte(event.Body(b)))
			}
		})
		s.eachOrder(all, func(o seedOrder) {
			b := event.OrderBody{Source: "shop", OrderNo: o.no(), AmountFen: money.Fen(o.amount), Lines: []event.OrderLine{{GTIN: seedGTIN(o.product), Quantity: 1, AmountFen: money.Fen(o.amount)}}}
			l.Add(o.event, "order:"+s.brand.String()+":shop:"+o.no(), event.Order, s.brand, s.ids[o.member], event.Open, o.at, o.at.Add(time.Minute), []byte(event.Body(b)))
		})
		return nil
	})
	if err != nil {
		return err
	}
	tapAt, tapIDs = seedSource(32)
	return s.table(ctx, "segment_act", "member_id, event_id, line, person_id, brand_id, what, product_id, quantity, amount_fen, day, at, province", func(l *dbbench.Lines) error {
		s.eachCopy(all, func(p *seedPush, c seedCopy) {
			links, opened := s.tapped(p, c)
			for range links {
				tapAt.at = opened
				if e := tapIDs.Next(); allows(c.member) {
					l.Add(s.ids[c.member], e, 0, s.ids[c.member], s.brand, rule.Clicked, 0, 1, 0, clock.DayOf(opened), opened, "")
				}
			}
		})
		s.eachOrder(all, func(o seedOrder) {
			if allows(o.member) {
				l.Add(s.ids[o.member], o.event, 0, s.ids[o.member], s.brand, rule.Order, s.products[o.product], 1, o.amount, clock.DayOf(o.at), o.at, "")
			}
		})
		return nil
	})
}

// orders are the purchases of them.
func (s *seeder) orders(ctx context.Context, all []*seedPush) error {
	return s.table(ctx, "purchase", "member_id, event_id, line, brand_id, product_id, source, ref, quantity, amount_fen, at", func(l *dbbench.Lines) error {
		s.eachOrder(all, func(o seedOrder) {
			if allows(o.member) {
				l.Add(s.ids[o.member], o.event, 0, s.brand, s.products[o.product], "order", s.brand.String()+":shop:"+o.no(), 1, o.amount, o.at)
			}
		})
		return nil
	})
}

// tested are tests, what pushes cost, and how careful the brand is.
func (s *seeder) tested(ctx context.Context, all []*seedPush) error {
	err := s.table(ctx, "push_tester", "brand_id, member_id, name, by_id, created_at", func(l *dbbench.Lines) error {
		for m := range seedFew {
			l.Add(s.brand, s.ids[m], fmt.Sprintf("同事 %d", m+1), 1, s.from)
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(33)
	type test struct {
		id   id.ID
		push *seedPush
	}
	var tests []test
	err = s.table(ctx, "push_test", "id, push_id, arm, by_id, created_at", func(l *dbbench.Lines) error {
		for _, p := range all {
			for arm := range p.Arms {
				at.at = max(at.at, p.CreatedAt)
				tests = append(tests, test{ids.Next(), p})
				l.Add(tests[len(tests)-1].id, p.ID, arm, 1, p.CreatedAt)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids = seedSource(34)
	err = s.table(ctx, "push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at", func(l *dbbench.Lines) error {
		for i, t := range tests {
			at.at = max(at.at, t.push.CreatedAt)
			for m := range 3 {
				row := ids.Next()
				l.Add(row, t.id, s.ids[m], 0, i%len(t.push.Arms), push.Skipped, reach.NoWindow, "", -1, "", 0, row, 0, t.push.CreatedAt, 0, t.push.CreatedAt)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "push_cost", "push_id, cost_fen, note, by_id, updated_at", func(l *dbbench.Lines) error {
		for _, p := range all {
			if p.frozen() {
				l.Add(p.ID, 100_000+p.number, "短信与礼品", 1, p.FrozenAt)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.exec(ctx, "INSERT INTO push_policy (brand_id, approval_people, per_second, give_up_hours, by_id, changed_at) VALUES (?, 1000, 100, 72, 1, ?)", s.brand, s.from)
}

// reports are counted as the running program counts them: what pushes brought, and who can
// be reached.
func (s *seeder) reports(ctx context.Context) error {
	now := s.env.Clock.Now()
	for _, purpose := range []string{reach.Marketing, reach.Service} {
		if err := s.exec(ctx, "REPLACE INTO reach_summary (brand_id, purpose, body, asked_at, as_of, busy_until) VALUES (?, ?, '', ?, 0, 0)", s.brand, purpose, now); err != nil {
			return err
		}
	}
	if err := s.env.Reach.Recount(ctx); err != nil {
		return err
	}
	return s.env.Reports.Run(ctx)
}
