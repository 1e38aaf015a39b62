package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db/dbbench"
	"siyu/model/fraud"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
	"siyu/model/redpacket"
	"siyu/model/referral"
	"siyu/model/withdrawal"
)

const seedRules = 120 // so that their list has two pages

// rules makes the rules of commission; the first ones were in force from the beginning.
func (s *seeder) rules(ctx context.Context) error {
	s.earn()
	for i := range seedRules {
		r, err := s.env.Commission.Create(ctx, s.brand, commission.Terms{Name: fmt.Sprintf("推广佣金 %d", i+1), Trigger: commission.OnClaim, Level: commission.One, Pay: commission.Cash,
			Each: 200, Ceiling: 200, Roles: []string{referral.Leader, referral.Member}, FreezeDays: commission.DefaultFreezeDays, BudgetFen: money.Max}, 1)
		if err != nil {
			return err
		}
		s.ruleIDs = append(s.ruleIDs, r.ID)
		if i >= seedPaying {
			continue
		}
		if _, err := s.env.Commission.Activate(ctx, r.ID, r.Version, 1); err != nil {
			return err
		}
		if err := s.exec(ctx, "UPDATE commission_rule SET used = ?, created_at = ? WHERE id = ?", s.earned.used[i], s.from, r.ID); err != nil {
			return err
		}
		if err := s.exec(ctx, "UPDATE commission_version SET created_at = ?, active_from = ? WHERE rule_id = ?", s.from, s.from, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// earnings writes what every claim brought whom, the accounts and the statements.
func (s *seeder) earnings(ctx context.Context) error {
	e := &s.earned
	bindings, err := s.bindings(ctx)
	if err != nil {
		return err
	}
	err = s.table(ctx, "commission_accrual", "id, brand_id, rule_id, version, level, earned_on, pay, fact_key, event_id, event_key, event_at, day, referee_id, earner_id, role, binding_id, bound_at, batch_id, serial, base_qty, base_fen, amount, clawed, account_id, state, reason, checks, statement_id, created_at, release_at, released_at, settled_at", func(l *dbbench.Lines) error {
		next := 0
		s.eachClaim(func(c seedClaim) {
			if next == len(e.accruals) || e.accruals[next].number != c.number {
				return
			}
			a := &e.accruals[next]
			next++
			key := "claim:" + c.id.String()
			account, reason, statement, settled := a.account.id, "", id.ID(0), clock.Instant(0)
			switch a.state {
			case commission.Nothing:
				account, reason = 0, "当日佣金已达上限"
			case commission.Held:
				reason = "推荐正在核查"
			case commission.Clawed:
				reason = "推荐核查属实"
			case commission.Settled:
				statement, settled = a.statement.id, a.statement.at
			}
			l.Add(a.id, s.brand, s.ruleIDs[a.rule], 1, 1, "claim", commission.Cash, key, 0, key, c.at, clock.DayOf(c.at), s.ids[c.member], s.ids[a.account.member], s.role(a.account.member),
				bindings[c.member], s.joined[c.member], s.batches[c.batch()], c.serial(), 1, 0, a.amount, a.amount-a.left(), account, a.state, reason, "[]", statement, a.at, a.at.Add(seedFreeze), a.released, settled)
		})
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "commission_claw", "id, claw_key, accrual_id, brand_id, earner_id, pay, amount, late, due, statement_id, reason, by_id, created_at", func(l *dbbench.Lines) error {
		for i := range e.accruals {
			if a := &e.accruals[i]; a.claw != 0 {
				l.Add(a.claw, "seed:"+a.id.String(), a.id, s.brand, s.ids[a.account.member], commission.Cash, a.amount, 0, 0, 0, "推荐核查属实", 1, a.clawed)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "commission_account", "id, brand_id, member_id, accrued_fen, available_fen, held_fen, owed_fen, paid_fen, tax_fen, moves, created_at", func(l *dbbench.Lines) error {
		for _, a := range e.accounts {
			l.Add(a.id, s.brand, s.ids[a.member], a.accrued, a.available, a.held, 0, a.paid, a.taxed, 1, a.at)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.owed(ctx); err != nil {
		return err
	}
	return s.table(ctx, "commission_statement", "id, number, brand_id, earner_id, account_id, kind, from_day, until_day, entries, gross_fen, clawed_fen, net_fen, taxable_fen, gross_points, clawed_points, net_points, parts, state, told_at, created_at, closed_at", func(l *dbbench.Lines) error {
		for _, st := range e.statements {
			l.Add(st.id, fmt.Sprintf("S%d-%s", st.from, st.id), s.brand, s.ids[st.account.member], st.account.id, commission.Monthly, st.from, st.from.MonthEnd(), st.entries,
				st.net, 0, st.net, st.net, 0, 0, 0, 2, commission.Closed, st.at, st.at, st.at)
		}
		return nil
	})
}

// owed is what the brand owes for it in all, as the program keeps it.
func (s *seeder) owed(ctx context.Context) error {
	left := "(SELECT COALESCE(SUM(amount - clawed), 0) FROM commission_accrual WHERE brand_id = ? AND pay = 'cash' AND state = ?)"
	return s.exec(ctx, "INSERT INTO commission_owed (brand_id, frozen_fen, suspicious_fen, released_fen, points, available_fen, withdrawing_fen, debt_fen, earners, folds) SELECT brand_id, "+left+", "+left+", "+left+
		", 0, SUM(available_fen), SUM(held_fen), SUM(owed_fen), SUM(CASE WHEN accrued_fen > 0 OR available_fen > 0 OR held_fen > 0 THEN 1 ELSE 0 END), 0 FROM commission_account WHERE brand_id = ? GROUP BY brand_id",
		s.brand, commission.Frozen, s.brand, commission.Held, s.brand, commission.Released, s.brand)
}

// role is whom somebody brings people as.
func (s *seeder) role(m int) string {
	if m < s.leading() {
		return referral.Leader
	}
	return referral.Member
}

// leading is how many lead; they are the first members.
func (s *seeder) leading() int { return min(s.members/300+1, 5000) }

// bindings are the referrals that planting made, by the number of who was brought.
func (s *seeder) bindings(ctx context.Context) (map[int]id.ID, error) {
	numbers, out := make(map[id.ID]int, s.members), make(map[int]id.ID, s.members)
	for m, i := range s.ids {
		numbers[i] = m
	}
	rows, err := s.env.DB.Pool().QueryContext(ctx, "SELECT id, member_id FROM referral_binding WHERE brand_id = ?", s.brand)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var binding, who id.ID
		if err := rows.Scan(&binding, &who); err != nil {
			return nil, err
		}
		out[numbers[who]] = binding
	}
	s.bound = out
	return out, rows.Err()
}

// paidOut adds the payouts of withdrawals to the others.
func (s *seeder) paidOut(l *dbbench.Lines) {
	for _, w := range s.earned.withdrawals {
		state := w.payoutState()
		if state == "" {
			continue
		}
		next, finished, waits := clock.Instant(0), w.finished, 0
		if state == redpacket.Accepted {
			next, waits = s.now.Add(24*time.Hour), 1
		}
		l.Add(w.payout, w.id, s.brand, 0, s.ids[w.account.member], s.account.ID, s.account.Settings.Rail, s.account.Settings.PayAppID, seedOpenID(w.account.member), w.amount-w.tax,
			redpacket.BillNo(w.payout, clock.DayOf(w.decided)), "推广佣金", "推广佣金", state, waits, fmt.Sprintf("13310%023d", w.account.member), "", "", "", 1, 0, w.decided, w.decided.Add(3*time.Second), next, finished, redpacket.ForWithdrawal)
	}
}

// withdrawals are the requests with what became of them.
func (s *seeder) withdrawals(ctx context.Context) error {
	e := &s.earned
	say := map[string]string{withdrawal.Refused: "资料不全", withdrawal.Returned: "超过 24 小时没有领取，金额已退回可提现余额", withdrawal.Failed: "微信没有受理这笔付款，金额已退回可提现余额"}
	err := s.table(ctx, "withdrawal", "id, brand_id, member_id, request_key, amount_fen, tax_fen, tax_note, state, reason, account_id, openid, payout_id, by_id, day, created_at, decided_at, finished_at", func(l *dbbench.Lines) error {
		for _, w := range e.withdrawals {
			account, openID, decided, by := id.ID(0), "", w.decided, 1
			if w.payout != 0 {
				account, openID = s.account.ID, seedOpenID(w.account.member)
			}
			if w.state == withdrawal.Requested || w.state == withdrawal.Cancelled {
				by = 0
			}
			if w.state == withdrawal.Requested {
				decided = 0
			}
			l.Add(w.id, s.brand, s.ids[w.account.member], "seed", w.amount, w.tax, "", w.state, say[w.state], account, openID, w.payout, by, clock.DayOf(w.at), w.at, decided, w.finished)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "withdrawal_part", "withdrawal_id, account_id, amount_fen, tax_fen", func(l *dbbench.Lines) error {
		for _, w := range e.withdrawals {
			l.Add(w.id, w.account.id, w.amount, w.tax)
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(9)
	return s.table(ctx, "withdrawal_move", "id, withdrawal_id, state, by_id, note, created_at", func(l *dbbench.Lines) error {
		for _, w := range e.withdrawals {
			at.at = w.at
			l.Add(ids.Next(), w.id, withdrawal.Requested, 0, "", w.at)
			if w.state != withdrawal.Requested {
				l.Add(ids.Next(), w.id, w.state, 1, say[w.state], w.decided)
			}
		}
		return nil
	})
}

// booked are the lines of commission among the lines of the book.
func (s *seeder) booked(l *dbbench.Lines) {
	at, ids := seedSource(9)
	owner := func(kind string, account id.ID) id.ID {
		if ledger.House(kind) {
			return s.brand
		}
		return account
	}
	for _, x := range s.earned.entries {
		at.at = x.at
		l.Add(ids.Next(), x.head+x.ref.String()+x.tail, ledger.Fen, x.from, owner(x.from, x.account), x.to, owner(x.to, x.account), x.amount, x.memo, x.at)
	}
}

// suspicions are cases of fraud, each about one who was brought, and how everybody came.
func (s *seeder) suspicions(ctx context.Context) error {
	kinds := []string{fraud.OwnDevice, fraud.Device, fraud.Address, fraud.Burst, fraud.ClerkSelf}
	at, ids := seedSource(7)
	var members []int
	var cases []id.ID
	err := s.table(ctx, "fraud_case", "id, brand_id, kind, referrer_id, role, detail, case_key, state, evidence, people, opened_at, moved_at, decided_at, decided_by, reason", func(l *dbbench.Lines) error {
		for m := range s.members {
			number, state, yes := suspect(m)
			if !yes || !brought(m) {
				continue
			}
			opened, decided, by, reason := min(s.joined[m].Add(time.Hour), s.now), clock.Instant(0), 0, ""
			if state != fraud.Open {
				decided, by, reason = s.decidedAt(m), 1, "已电话核实"
			}
			kind, from := kinds[number%len(kinds)], referrerOf(m)
			evidence, err := json.Marshal(fraud.Evidence{Text: fraud.Titles()[kind], Found: 1, From: s.joined[m], Until: s.joined[m]})
			if err != nil {
				return err
			}
			at.at = opened
			members, cases = append(members, m), append(cases, ids.Next())
			l.Add(cases[len(cases)-1], s.brand, kind, s.ids[from], s.role(from), "seed", fmt.Sprintf("seed:%d", number), state, evidence, 1, opened, opened, decided, by, reason)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "fraud_case_member", "case_id, member_id, binding_id, at", func(l *dbbench.Lines) error {
		for i, m := range members {
			l.Add(cases[i], s.ids[m], s.bound[m], s.joined[m])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "fraud_trace", "binding_id, brand_id, referrer_id, member_id, role, device_hash, ip_hash, newcomer, at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if brought(m) {
				from := referrerOf(m)
				l.Add(s.bound[m], s.brand, s.ids[from], i, s.role(from), fmt.Sprintf("seed-device-%d", m), fmt.Sprintf("seed-net-%d", m/50), 1, s.joined[m])
			}
		}
		return nil
	})
}
