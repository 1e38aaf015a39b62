package main

import (
	"context"
	"fmt"
	"time"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/event"
	"siyu/model/export"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/issuance"
	"siyu/model/leader"
	"siyu/model/reconcile"
	"siyu/model/redpacket"
)

// seedShort is how many there are of what a brand has few of: more than a page.
const seedShort = 300

// spread is a moment for the i-th of n things between the first day and now.
func (s *seeder) spread(i, n int) clock.Instant {
	return s.from.Add(time.Duration(float64(s.now.Sub(s.from)-time.Hour) * float64(i) / float64(n)))
}

// each fills a table with n rows in order of time.
func (s *seeder) each(ctx context.Context, n int, table, columns string, row func(i int, at clock.Instant, rowID id.ID) []any) error {
	at, ids := seedSource(7)
	return s.table(ctx, table, columns, func(l *dbbench.Lines) error {
		for i := range n {
			at.at = s.spread(i, n)
			l.Add(row(i, at.at, ids.Next())...)
		}
		return nil
	})
}

// desk is what operators made, and what the program laid before them.
func (s *seeder) desk(ctx context.Context) error {
	last := func(i int, states ...string) string { return states[dice(i, 40)%uint64(len(states))] }
	for _, fill := range []func() error{
		func() error {
			return s.each(ctx, s.members/10, "audit", "id, created_at, actor_id, actor, ip, request_id, action, object, object_id, before_json, after_json, reason, outcome", func(i int, at clock.Instant, row id.ID) []any {
				what := [][2]string{{"campaign.publish", "campaign"}, {"member.reveal", "member"}, {"payout.retry", "payout"}, {"batch.activate", "batch"}, {"leader.level", "leader"}}[i%5]
				object := map[string]id.ID{"campaign": s.campaigns[i%seedGoods], "batch": s.batches[i%seedGoods]}[what[1]]
				if object == 0 {
					object = s.ids[i]
				}
				return []any{row, at, 1, fmt.Sprintf("operator%d", i%20), benchIP(int64(i)), fmt.Sprintf("seed-%d", i), what[0], what[1], object, `{"state":"a"}`, `{"state":"b"}`, "客户来电", audit.Done}
			})
		},
		func() error { return s.seal(ctx) },
		func() error {
			return s.each(ctx, s.members/200, "event_dead", "id, brand_id, api_key_id, event_key, raw, code, reason, state, created_at, moved_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, 1, fmt.Sprintf("seed:%d", i), s.letter(i, row), "event_member", "没有这个会员", last(i, event.Waiting, event.Replayed, event.Discarded), at, at}
			})
		},
		func() error {
			return s.each(ctx, s.members/100, "leader_candidate", "id, brand_id, member_id, state, programme_version, evidence, reason, by_id, created_at, decided_at, again_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, s.ids[s.leading()+i], last(i, leader.Proposed, leader.Invited, leader.Dismissed), 1, "[]", "", 0, at, 0, 0}
			})
		},
		func() error {
			return s.each(ctx, seedShort, "batch_request", "id, brand_id, product_id, name, count, purpose, supplier, dealer, provinces, kind, url_form, options, state, asked_by, decided_by, decided_at, note, created_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, s.products[i%seedGoods], fmt.Sprintf("申请 %d", i+1), 10_000, "瓶盖", "印刷厂", "", "", export.CSV, "short", "{}", last(i, issuance.Waiting, issuance.Refused, issuance.Withdrawn), 1, 0, 0, "", at}
			})
		},
		func() error {
			return s.each(ctx, seedShort, "live_code", "id, brand_id, name, token, strategy, region_first, leader_id, province, city, fallback_text, fallback_qr, state, dead_round, waiting, created_at, updated_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, fmt.Sprintf("门店海报 %d", i+1), fmt.Sprintf("SEED%08d", i), group.Fill, 0, 0, "", "", "请联系客服", "", last(i, group.Live, group.Paused), 0, 0, at, at}
			})
		},
		func() error {
			return s.each(ctx, s.leading(), "community_alarm", "id, brand_id, leader_id, community_id, live_code_id, kind, alarm_key, text, state, by_id, note, created_at, done_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, s.leaderIDs[i], s.groups[i], 0, group.AlarmExpiring, fmt.Sprintf("seed:%d", i), "群二维码即将到期，请上传新的", last(i, group.AlarmOpen, group.AlarmDone), 0, "", at, 0}
			})
		},
		func() error {
			return s.each(ctx, seedShort, "leader_task", "id, brand_id, title, text, due_day, levels, material_id, link_url, state, by_id, created_at, changed_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, fmt.Sprintf("本周任务 %d", i+1), "在群里介绍新品", clock.DayOf(at.Add(7 * 24 * time.Hour)), "[]", 0, "", last(i, leader.Open, leader.Closed), 1, at, at}
			})
		},
		func() error {
			return s.each(ctx, seedShort, "leader_material", "id, brand_id, kind, title, text, picture_url, min_level, state, by_id, created_at, changed_at", func(i int, at clock.Instant, row id.ID) []any {
				return []any{row, s.brand, leader.Copy, fmt.Sprintf("文案 %d", i+1), "晒足一百八十天", "", 0, leader.Active, 1, at, at}
			})
		},
		func() error { return s.bills(ctx) },
	} {
		if err := fill(); err != nil {
			return err
		}
	}
	return nil
}

// seal links the audit's lines, as a running program does.
func (s *seeder) seal(ctx context.Context) error {
	chain := audit.NewChain(s.env.DB, s.env.Box)
	for {
		if n, err := chain.Seal(ctx, 1000); err != nil || n == 0 {
			return err
		}
	}
}

// bills are what WeChat's bills said, day by day, and where they differ.
func (s *seeder) bills(ctx context.Context) error {
	type day struct {
		id    id.ID
		day   clock.Day
		lines int64
		fen   int64
	}
	days, order := map[clock.Day]*day{}, []*day{}
	at, ids := seedSource(7)
	settled := func(c seedClaim) bool { return c.cash > 0 && c.state == redpacket.Settled }
	s.eachClaim(func(c seedClaim) {
		if !settled(c) {
			return
		}
		d := days[clock.DayOf(c.at)]
		if d == nil {
			at.at = c.at
			d = &day{id: ids.Next(), day: clock.DayOf(c.at)}
			days[d.day], order = d, append(order, d)
		}
		d.lines++
		d.fen += c.cash
	})
	err := s.table(ctx, "recon_line", "day_id, gen, seq, at, wechat_no, flow_no, business, kind, amount_fen, balance_fen, memo, voucher, said, payout_id, result", func(l *dbbench.Lines) error {
		seq := map[clock.Day]int64{}
		s.eachClaim(func(c seedClaim) {
			if on := clock.DayOf(c.at); settled(c) {
				seq[on]++
				l.Add(days[on].id, 1, seq[on], c.at.Add(3*time.Second), fmt.Sprintf("13300%023d", c.number), fmt.Sprintf("F%023d", c.number), "商家转账", "支出", -c.cash, 0, c.bill, c.bill, redpacket.Settled, c.payout, reconcile.Matched)
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "recon_day", "id, brand_id, account_id, day, state, source, gen, next_gen, total_lines, done_lines, sha1, in_fen, out_fen, opening_fen, closing_fen, proof, matched, matched_fen, returned, returned_fen, other_lines, other_in_fen, other_out_fen, error, created_at, asked_at, finished_at", func(l *dbbench.Lines) error {
		for _, d := range order {
			_, until := d.day.Bounds()
			done := min(until.Add(10*time.Hour), s.now)
			l.Add(d.id, s.brand, s.account.ID, d.day, reconcile.Done, reconcile.FromBill, 1, 2, d.lines, d.lines, "", 0, d.fen, 0, 0, reconcile.ProofNone, d.lines, d.fen, 0, 0, 0, 0, 0, "", done, done, done)
		}
		return nil
	})
	if err != nil {
		return err
	}
	kinds := []string{reconcile.Amount, reconcile.OnlyOurs, reconcile.NoReturn, reconcile.State}
	return s.each(ctx, s.members/100, "recon_item", "id, item_key, brand_id, account_id, day, kind, state, payout_id, bill_no, wechat_no, flow_no, ours_fen, wechat_fen, ours_state, note, since, reason, by_id, by_login, explained_at, resolved_at, created_at, updated_at", func(i int, at clock.Instant, row id.ID) []any {
		state := []string{reconcile.Open, reconcile.Explained, reconcile.Resolved}[i%3]
		return []any{row, fmt.Sprintf("seed:%d", i), s.brand, s.account.ID, clock.DayOf(at), kinds[i%len(kinds)], state, 0, fmt.Sprintf("SYSEED%d", i), "", "", 100, 200, redpacket.Settled, "", at, "", 0, "", 0, 0, at, at}
	})
}
