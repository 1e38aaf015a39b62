package reach_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/reach"
)

// random fills the ledger's tables with what may be there of some people, whether it makes
// sense or not: several accounts of a human, several openids of a person, rows that stand
// under somebody else.
func random(s *site, r *rand.Rand, people int) []id.ID {
	s.Helper()
	var all []id.ID
	chance := func(percent int) bool { return r.IntN(100) < percent }
	exec := func(stmt string, args ...any) {
		s.Helper()
		s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }))
	}
	now := s.clk.Now()
	ago := func(hours int) clock.Instant {
		return now.Add(-time.Duration(r.Int64N(int64(hours) * int64(time.Hour))))
	}
	day := func(days int) clock.Day { return clock.DayOf(now).AddDays(-r.IntN(days)) }
	for i := range people {
		m := id.ID(5000 + 3*i)
		root, state := id.ID(0), "active"
		if i > 3 && chance(25) { // of somebody before him, or after
			root = all[r.IntN(len(all))]
		}
		if chance(5) {
			state = "erased"
		}
		all = append(all, m)
		exec("INSERT INTO member (id, person_id, root_id, state, created_at) VALUES (?,?,0,?,1)", m, 90000-m, state)
		if root != 0 {
			exec("UPDATE member SET root_id = ? WHERE id = ? AND NOT EXISTS (SELECT 1 FROM (SELECT id, root_id FROM member) x WHERE x.id = ? AND x.root_id <> 0)", root, m, root)
		}
		for j := range r.IntN(3) {
			given := chance(80)
			exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at, text_hash, page, request_id, ip_hash, operator_id, note) VALUES (?,?,'marketing','1',?,'h5',?,'','','','',0,'')", int(m)*10+j, m, given, ago(100))
		}
		if chance(30) {
			exec("INSERT INTO identity_key (kind, scope, value, person_id, created_at) VALUES ('phone','',?,?,1)", fmt.Sprint("p", m), 90000-m)
		}
		if chance(40) {
			exec("INSERT INTO reach_optout (member_id, brand_id, topic, channel, refused, source, by_id, at) VALUES (?,?,?,?,?,'',0,?)", m, []id.ID{0, brandID, 99}[r.IntN(3)], "", []string{"", reach.Custom, reach.Mass, reach.SMS}[r.IntN(4)], chance(70), ago(50))
		}
		for _, account := range []id.ID{official, mini} {
			for j := range []int{0, 1, 1, 2}[r.IntN(4)] {
				open := fmt.Sprintf("%04d-%d-%d", r.IntN(10000), m, j)
				exec("INSERT INTO identity_key (kind, scope, value, person_id, created_at) VALUES ('openid',?,?,?,1)", appOf(account), open, 90000-m)
				under := all[r.IntN(len(all))]
				if chance(80) {
					exec("INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) VALUES (?,?,?,?,'',?)", account, open, m, chance(75), ago(90))
				}
				if chance(15) {
					exec("INSERT INTO reach_contact (account_id, openid, member_id, version, closed_at, gone_at, blocked_at) VALUES (?,?,?,1,0,?,?)", account, open, under, []clock.Instant{0, ago(80)}[r.IntN(2)], []clock.Instant{0, ago(4000)}[r.IntN(2)])
				}
				for _, deed := range []string{"message", "menu"} {
					if chance(40) {
						exec("INSERT INTO reach_window (account_id, openid, deed, member_id, opened_at, until_at, left_n) VALUES (?,?,?,?,?,?,?)", account, open, deed, under, ago(48), ago(48).Add(40*time.Hour), r.IntN(3))
					}
				}
				if chance(50) {
					exec("INSERT INTO reach_grant (account_id, openid, template_id, member_id, left_n, reset_at, changed_at) VALUES (?,?,?,?,?,0,1)", account, open, tmpl, under, r.IntN(4))
				}
				if chance(30) {
					exec("INSERT INTO reach_count (account_id, openid, channel, period_no, member_id, n) VALUES (?,?,'mass',?,?,?)", account, open, int(clock.DayOf(now))/100, under, 3+r.IntN(2))
				}
			}
		}
		if chance(20) {
			external := fmt.Sprint("w", m)
			exec("INSERT INTO wecom_contact (id, account_id, brand_id, external_userid, userid, member_id, way, add_way, state, since_at, changed_at, told_at, asked, done, seen_round, created_at) VALUES (?,?,?,?,'staff',?,'',0,?,?,1,0,0,0,0,1)",
				m, corp, brandID, external, m, []string{"active", "gone"}[r.IntN(2)], ago(500))
			if chance(40) {
				exec("INSERT INTO reach_count (account_id, openid, channel, period_no, member_id, n) VALUES (?,?,'wecom',?,?,1)", corp, external, int(clock.DayOf(now)), m)
			}
		}
		for range r.IntN(3) {
			s.next++
			exec("INSERT INTO reach_ticket (id, delivery_id, brand_id, member_id, purpose, channel, account_id, template_id, openid, sender, deed, window_at, day_no, taken_at, state, code, ended_at) VALUES (?,?,?,?,?,?,?,'','','','',0,?,1,?,'',0)",
				s.next, s.next, []id.ID{brandID, brandID, 99}[r.IntN(3)], m, []string{"marketing", "service"}[r.IntN(2)], []string{"custom", "mass", "sms"}[r.IntN(3)], official, day(9), []string{"sent", "reserved", "refused"}[r.IntN(3)])
		}
	}
	s.ok(s.reach.Want(s.ctx, reach.Wanted{RefID: 1, BrandID: brandID, Uses: []reach.Use{grant}, Value: 90, At: now.Add(time.Hour)}))
	for ref := id.ID(2); ref < 4; ref++ {
		named := slices.DeleteFunc(slices.Clone(all), func(id.ID) bool { return chance(60) })
		s.ok(s.reach.Want(s.ctx, reach.Wanted{RefID: ref, BrandID: brandID, Uses: []reach.Use{grant}, Value: 80, At: now.Add(time.Hour), Members: named}))
	}
	return all
}

// TestSetsSayWhatLookSays: everybody who is judged with everybody falls where he falls when
// he is looked at alone, whatever the tables hold and however they are read.
func TestSetsSayWhatLookSays(t *testing.T) {
	fell := map[string]int{}
	for seed := range uint64(3) {
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
			s, r := newSite(t, d, clk), rand.New(rand.NewPCG(seed, 11))
			all := random(s, r, 90)
			s.reach.Pages(1 + r.IntN(30))
			var roots []id.ID
			s.ok(d.Read(s.ctx).Raw("SELECT id FROM member WHERE root_id = 0 AND state <> 'erased' ORDER BY id").Scan(&roots).Error)
			if len(roots) < 30 || len(roots) > len(all)-10 {
				t.Fatalf("%d humans of %d members", len(roots), len(all))
			}
			staff, texts := reach.Use{Channel: reach.WeCom, AccountID: corp}, reach.Use{Channel: reach.SMS}
			for _, purpose := range []string{reach.Marketing, reach.Service} {
				for _, uses := range [][]reach.Use{{custom}, {grant}, {mass, grant}, {grant, custom, mass, staff, texts}, {texts}, {staff}, {{Channel: reach.Custom, AccountID: mini}, custom}} {
					sets := map[id.ID]reach.Set{}
					rest, err := s.reach.Sets(s.ctx, brandID, purpose, uses, 0, func(set reach.Set, people []id.ID) error {
						for _, m := range people {
							if _, twice := sets[m]; twice {
								return fmt.Errorf("%d twice", m)
							}
							sets[m] = set
						}
						return nil
					})
					s.ok(err)
					answers, err := s.reach.Look(context.Background(), ask(purpose, uses...), roots)
					s.ok(err)
					for _, a := range answers {
						got, named := sets[a.MemberID]
						if !named {
							got = rest
						}
						delete(sets, a.MemberID)
						want := reach.Set{Use: a.Use, Reason: a.Reason}
						if got != want {
							t.Errorf("seed %d, %s by %v: %d is in %v, looked at he is in %v (%v)", seed, purpose, uses, a.MemberID, got, want, a.Each)
						}
						fell[want.Reason]++
					}
					if len(sets) > 0 {
						t.Errorf("nobody asked for %v", sets)
					}
				}
			}
			open, err := s.reach.Open(s.ctx, brandID, roots)
			s.ok(err)
			opens := map[id.ID][]string{}
			s.ok(s.reach.Opens(s.ctx, brandID, func(channel string, people []id.ID) error {
				for _, m := range people {
					if !slices.Contains(opens[m], channel) {
						opens[m] = append(opens[m], channel)
					}
				}
				fell[channel] += len(people)
				return nil
			}))
			for _, m := range roots {
				slices.Sort(open[m])
				slices.Sort(opens[m])
				if !slices.Equal(open[m], opens[m]) {
					t.Errorf("seed %d: to %d is open %v, with everybody %v", seed, m, open[m], opens[m])
				}
			}
		})
	}
	for _, channel := range reach.OpenChannels() {
		if fell[channel] == 0 {
			t.Errorf("%s is open to nobody: the test shows little", channel)
		}
	}
	for _, reason := range []string{"", reach.NoConsent, reach.OptedOut, reach.CapDay, reach.Blocked, reach.NotFollowing, reach.NoWindow, reach.WindowUsed, reach.NoGrant, reach.KeptForBetter, reach.MassQuota, reach.NoOpenID, reach.NoPhone, reach.NoContact} {
		if fell[reason] == 0 {
			t.Errorf("nobody fell to %q: the test shows little", reason)
		}
	}
}
