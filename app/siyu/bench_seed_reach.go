package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db/dbbench"
	"siyu/model/reach"
)

// What is true of a member, by his number: whether he agreed to offers, takes none by now,
// follows the account, wrote to it within two days.
func markets(m int) bool { return m%5 != 4 }
func refuses(m int) bool { return m%33 == 5 }
func follows(m int) bool { return m%2 == 0 && m%10 != 0 }
func writes(m int) bool  { return follows(m) && m%10 == 2 }

var seedTemplates = []string{"SEED-SHIP", "SEED-COUPON", "SEED-NEWS"}

// reach is who agreed to offers, and what the ledger knows of windows, grants and wishes.
func (s *seeder) reach(ctx context.Context) error {
	at, ids := seedSource(19)
	offers, _ := consent.PurposeOf(consent.Marketing)
	policy, err := json.Marshal(reach.DefaultPolicy(s.brand))
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_policy", "brand_id, version, body, by_id, created_at", func(l *dbbench.Lines) error {
		for v := range 60 {
			l.Add(s.brand, v+1, policy, 1, s.spread(v, 60))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "consent", "id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if m%7 == 6 && markets(m) { // he said no at first
				at.at = s.joined[m]
				l.Add(ids.Next(), i, offers.Key, offers.Version, 0, consent.H5, at.at, offers.Hash, "/me/privacy", "", "", 0, "")
			}
			at.at = s.joined[m].Add(time.Minute)
			l.Add(ids.Next(), i, offers.Key, offers.Version, markets(m), consent.H5, at.at, offers.Hash, "/me/privacy", "", "", 0, "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_holiday", "brand_id, day_no, name, by_id, created_at", func(l *dbbench.Lines) error {
		for d, day := 0, clock.DayOf(s.now).AddDays(30); d < 40; d++ {
			l.Add(s.brand, day.AddDays(d*7), fmt.Sprintf("假日 %d", d+1), 1, s.from)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_contact", "account_id, openid, member_id, version, closed_at, gone_at, blocked_at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			blocked := clock.Instant(0)
			if dice(m, 300)%200 == 0 {
				blocked = max(s.joined[m], s.now.Add(-30*24*time.Hour))
			}
			if m%2 == 0 {
				l.Add(s.official.ID, seedOpenID(m), i, 1, 0, 0, blocked)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_window", "account_id, openid, deed, member_id, opened_at, until_at, left_n", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if opened := s.now.Add(-time.Duration(dice(m, 301)%(47*60)) * time.Minute); writes(m) {
				l.Add(s.official.ID, seedOpenID(m), "message", i, opened, opened.Add(48*time.Hour), int(dice(m, 302)%6))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_grant", "account_id, openid, template_id, member_id, left_n, reset_at, changed_at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			for t, template := range seedTemplates {
				if dice(m, uint64(303+t))%3 == 0 {
					l.Add(s.official.ID, seedOpenID(m), template, i, int(dice(m, uint64(306+t))%4), 0, s.joined[m])
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "reach_optout", "member_id, brand_id, topic, channel, refused, source, by_id, at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			moment := s.joined[m].Add(time.Hour)
			switch {
			case refuses(m):
				l.Add(i, s.brand, "", "", 1, "h5", 0, moment)
			case m%33 == 6:
				l.Add(i, s.brand, "新品", "", 1, "h5", 0, moment)
			case m%33 == 7:
				l.Add(i, s.brand, "", reach.Custom, 0, "operator", 1, moment)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "reach_quota", "account_id, channel, day_no, slot, used", func(l *dbbench.Lines) error {
		for back := range 30 {
			for slot := range 4 {
				l.Add(s.official.ID, reach.Custom, clock.DayOf(s.now).AddDays(-back), slot, 1000+slot)
			}
		}
		return nil
	})
}
