package main

import (
	"context"
	"fmt"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db/dbbench"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	numbers "siyu/model/phone"
	"siyu/model/profile"
	"siyu/model/referral"
)

func seedOpenID(m int) string { return fmt.Sprintf("oSeed%023d", m) }

// hasPhone, allows and brought say what is true of a member, by his number.
func hasPhone(m int) bool { return m%4 != 3 }
func allows(m int) bool   { return m%3 != 2 }
func brought(m int) bool  { return m > 0 && m%5 != 4 }

func seedPhone(m int) (numbers.Number, error) { return numbers.Parse(fmt.Sprintf("139%08d", m)) }

// name gives everybody his ids and the time of his first scan.
func (s *seeder) name() {
	at, people := seedSource(10)
	atMember, members := seedSource(11)
	per := s.scans / s.members
	for m := range s.members {
		now := s.when(m * per)
		at.at, atMember.at = now, now
		s.people, s.ids, s.joined = append(s.people, people.Next()), append(s.ids, members.Next()), append(s.joined, now)
	}
}

// persons makes people and members.
func (s *seeder) persons(ctx context.Context) error {
	s.name()
	err := s.table(ctx, "person", "id, created_at", func(l *dbbench.Lines) error {
		for m, p := range s.people {
			l.Add(p, s.joined[m])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "member", "id, person_id, state, created_at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			state := member.Active
			if m%997 == 0 && m > 0 {
				state = member.Blocked
			}
			l.Add(i, s.people[m], state, s.joined[m])
		}
		return nil
	})
}

// keys: everybody has an openid and a unionid, most a verified number, sealed as real ones.
func (s *seeder) keys(ctx context.Context) error {
	hashes := make([]string, s.members)
	err := s.table(ctx, "phone", "hash, sealed, key_version, tail, created_at", func(l *dbbench.Lines) error {
		for m := range s.members {
			if !hasPhone(m) {
				continue
			}
			n, err := seedPhone(m)
			if err != nil {
				return err
			}
			hash, sealed, version := s.env.Phones.Seal(n)
			hashes[m] = hash
			l.Add(hash, sealed, version, n.Tail(), s.joined[m])
		}
		return nil
	})
	if err != nil {
		return err
	}
	union := func(m int) string { return fmt.Sprintf("uSeed%023d", m) }
	err = s.table(ctx, "identity_key", "kind, scope, value, person_id, created_at, event, seen_at", func(l *dbbench.Lines) error {
		for m, p := range s.people {
			l.Add(identity.OpenID, demoOfficial, seedOpenID(m), p, s.joined[m], identity.WeChatLogin, s.joined[m])
			l.Add(identity.UnionID, "", union(m), p, s.joined[m], identity.WeChatLogin, 0)
			if hasPhone(m) {
				l.Add(identity.Phone, "", hashes[m], p, s.joined[m], identity.PhoneVerified, 0)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(12)
	return s.table(ctx, "identity_edge", "id, person_id, key_no, kind, scope, value, other_kind, other_scope, other_value, event, strong, at, actor_id, channel, consent_id, ref_id, note, revokes", func(l *dbbench.Lines) error {
		for m, p := range s.people {
			at.at = s.joined[m]
			l.Add(ids.Next(), p, keyNumber(identity.UnionID, "", union(m)), identity.UnionID, "", union(m), identity.OpenID, demoOfficial, seedOpenID(m), identity.WeChatLogin, 1, s.joined[m], 0, "wechat", 0, 0, "", 0)
			if hasPhone(m) {
				l.Add(ids.Next(), p, keyNumber(identity.Phone, "", hashes[m]), identity.Phone, "", hashes[m], identity.OpenID, demoOfficial, seedOpenID(m), identity.PhoneVerified, 1, s.joined[m], 0, "h5", 0, 0, "", 0)
			}
		}
		return nil
	})
}

// answers are what people agreed to, and who follows the account.
func (s *seeder) answers(ctx context.Context) error {
	at, ids := seedSource(13)
	profiling, _ := consent.PurposeOf(consent.Profiling)
	number, _ := consent.PurposeOf(consent.Phone)
	err := s.table(ctx, "consent", "id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			at.at = s.joined[m]
			l.Add(ids.Next(), i, profiling.Key, profiling.Version, allows(m), consent.H5, s.joined[m], profiling.Hash, "/me/privacy", "", "", 0, "")
			if hasPhone(m) {
				l.Add(ids.Next(), i, number.Key, number.Version, 1, consent.H5, s.joined[m], number.Hash, "/me/phone", "", "", 0, "")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "follower", "account_id, openid, member_id, following, scene, changed_at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if m%2 == 0 {
				l.Add(s.official.ID, seedOpenID(m), i, m%10 != 0, "", s.joined[m])
			}
		}
		return nil
	})
}

// bought are the purchases of those who allow that they are known.
func (s *seeder) bought(ctx context.Context) error {
	at, ids := seedSource(6)
	err := s.table(ctx, "purchase", "member_id, event_id, line, brand_id, product_id, source, ref, quantity, amount_fen, at", func(l *dbbench.Lines) error {
		s.eachScan(func(x seedScan) { // the events again, for their ids
			if x.member < 0 {
				return
			}
			at.at = x.at
			ids.Next()
			if claims, _ := x.claims(); claims {
				if e := ids.Next(); allows(x.member) {
					l.Add(s.ids[x.member], e, 0, s.brand, s.products[x.batch()], "claim", "", 1, 0, x.at.Add(5*time.Second))
				}
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "purchase_state", "member_id, allowed, version", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if allows(m) {
				l.Add(i, 1, 1)
			}
		}
		return nil
	})
}

// growth is what the level of a member comes from.
func (s *seeder) growth(ctx context.Context) error {
	at, ids := seedSource(14)
	err := s.table(ctx, "tier_growth", "id, growth_key, parent_key, amount_fen, brand_id, member_id, grown_on, growth, memo, created_at", func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			at.at = c.at
			l.Add(ids.Next(), "claim:"+c.id.String(), "", 0, s.brand, s.ids[c.member], "claim", 10, "扫码领取", c.at)
		})
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "tier_standing", "brand_id, member_id, level, until_at, warned_until, version", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			l.Add(s.brand, i, m%4, s.now.Add(365*24*time.Hour), 0, 1)
		}
		return nil
	})
}

// relations are where people came from, how close they are, and what they said of themselves.
func (s *seeder) relations(ctx context.Context) error {
	err := s.table(ctx, "profile_origin", "member_id, channel, event_key, brand_id, product_id, batch_id, campaign_id, scene, ref_id, at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			b := m % seedGoods
			l.Add(i, profile.FromScan, fmt.Sprintf("seed:%d", m), s.brand, s.products[b], s.batches[b], s.campaigns[b], "", 0, s.joined[m])
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids := seedSource(15)
	err = s.table(ctx, "profile_move", "id, member_id, depth, event_key, event_type, scope, at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if at.at = s.joined[m]; m%10 != 9 {
				l.Add(ids.Next(), i, profile.Member, fmt.Sprintf("seed:%d", m), "claim", "", s.joined[m])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, ids = seedSource(16)
	return s.table(ctx, "profile_value", "id, member_id, field, value, source, ref_id, reason, at", func(l *dbbench.Lines) error {
		for m, i := range s.ids {
			if at.at = s.joined[m]; m%3 == 0 {
				l.Add(ids.Next(), i, "city", seedCities[dice(m, 8)%14][1], profile.Self, 0, "", s.joined[m])
				l.Add(ids.Next(), i, "gender", []string{"男", "女"}[m%2], profile.Self, 0, "", s.joined[m])
			}
		}
		return nil
	})
}

// tree brings everybody but one in five by somebody who was there before: about twenty
// levels, and some who brought hundreds.
func (s *seeder) tree(ctx context.Context) error {
	begun := s.env.Clock.Now()
	var list []referral.Seedling
	for m := range s.ids {
		if brought(m) {
			list = append(list, referral.Seedling{MemberID: s.ids[m], ReferrerID: s.ids[referrerOf(m)], BoundAt: s.joined[m]})
		}
	}
	n, err := s.env.Referrals.Plant(ctx, s.brand, list, "seed", 1)
	fmt.Fprintf(s.out, "%-16s %10d nodes %6.1f s\n", "referral", n, s.env.Clock.Now().Sub(begun).Seconds())
	return err
}

// referrerOf is one who stands before m in the list or is a root. Every hundredth goes to
// one of the first few, who are the leaders.
func referrerOf(m int) int {
	if m%100 == 1 {
		return int(dice(m, 9) % uint64(min(m, 200)))
	}
	return int(dice(m, 10) % uint64(m/2+1))
}

// office is what operators work on: reviews, requests, reports, alarms.
func (s *seeder) office(ctx context.Context) error {
	n := s.members / 500
	at, ids := seedSource(17)
	err := s.table(ctx, "identity_review", "id, low_id, high_id, kind, scope, value, event, rule, confidence, actor_id, channel, consent_id, ref_id, note, state, created_at, decided_at, decided_by, reason, merge_id", func(l *dbbench.Lines) error {
		for i := range n {
			a, b := s.people[2*i], s.people[2*i+1]
			at.at = s.joined[2*i+1]
			l.Add(ids.Next(), min(a, b), max(a, b), identity.UnionID, "", "", identity.WeChatLogin, "two_accounts", 70, 0, "wechat", 0, 0, "", "open", at.at, 0, 0, "", 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "report", "id, batch_id, serial, token_text, member_id, note, created_at", func(l *dbbench.Lines) error {
		for i := range n {
			x := s.scanOf(i * seedFive)
			at.at = x.at
			l.Add(ids.Next(), s.batches[x.batch()], x.serial(), "", s.ids[x.member], "瓶盖二维码已经被人刮开过", x.at)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "rights_request", "id, member_id, kind, state, open_key, channel, operator_id, detail, answer, due_at, start_at, created_at, decided_at, decided_by, finished_at, expires_at, downloads, file_bytes, file_hash, proof", func(l *dbbench.Lines) error {
		for i := range n / 10 {
			m := s.ids[i*7]
			at.at = s.joined[i*7]
			l.Add(ids.Next(), m, "restrict", "refused", fmt.Sprintf("seed:%d", i), "h5", 0, "", "不是本人", at.at.Add(15*24*time.Hour), 0, at.at, at.at, 1, at.at, 0, 0, 0, "", "")
		}
		return nil
	})
}

// leaders run communities; each has a move and facts to be judged by.
func (s *seeder) leaders(ctx context.Context) error {
	at, ids := seedSource(18)
	s.leaderIDs = make([]id.ID, s.leading())
	leaders := s.leaderIDs
	err := s.table(ctx, "leader", "id, brand_id, member_id, role, state, rev, level, level_month, name, region, community, phone_hash, shop_name, employee_no, signed_version, reason, created_at, changed_at, active_at, may_apply_at", func(l *dbbench.Lines) error {
		for i := range leaders {
			at.at = s.joined[i]
			leaders[i] = ids.Next()
			state := []string{"active", "active", "active", "active", "applied", "suspended"}[i%6]
			l.Add(leaders[i], s.brand, s.ids[i], "leader", state, 1, 1, 202610, fmt.Sprintf("群主%d", i), seedCities[i%14][1], "小区业主群", "", "", "", 1, "", at.at, at.at, at.at, 0)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.table(ctx, "community", "id, brand_id, leader_id, leader_member_id, kind, chat_key, name, owner_name, province, city, size, size_at, capacity, scan_capacity, pending, fill_round, qr, qr_at, qr_expires_at, state, reason, closed_by, version, created_at, updated_at", func(l *dbbench.Lines) error {
		for i, leader := range leaders {
			at.at = s.joined[i]
			c, place := ids.Next(), seedCities[i%14]
			s.groups = append(s.groups, c)
			l.Add(c, s.brand, leader, s.ids[i], "wechat", fmt.Sprintf("-%d", c), fmt.Sprintf("%s业主群 %d", place[1], i), fmt.Sprintf("群主%d", i), place[0], place[1], i%200, at.at, 200, 180, 0, 0, "", 0, 0, "open", "", "", 1, at.at, at.at)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.table(ctx, "leader_fact", "fact_key, order_key, kind, brand_id, member_id, referrer_id, amount_fen, day", func(l *dbbench.Lines) error {
		s.eachClaim(func(c seedClaim) {
			if brought(c.member) {
				l.Add("claim:"+c.id.String(), "", "claim", s.brand, s.ids[c.member], s.ids[referrerOf(c.member)], 0, clock.DayOf(c.at))
			}
		})
		return nil
	})
}
