package referral

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestAHundredReferrersAtOnceAndOneWins(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		other := newTown(t, d, clk) // a second process: its own merger, the same rows
		other.key = w.key
		referee, referrers := w.person(), w.persons(100)
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for i, r := range referrers {
			s, token := w, w.token(r)
			if i%2 == 1 {
				s = other
			}
			wg.Go(func() {
				_, err := s.Bind(ctx, Contact{BrandID: brand, Token: token, MemberID: referee, Channel: H5})
				switch {
				case err == nil:
					won.Add(1)
				case fault.Of(err).Code == "referral_bound":
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var active, all int64
		if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM referral_binding WHERE member_id = ? AND state = 'active'", referee).Scan(&active).Error; err != nil {
			t.Fatal(err)
		}
		if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM referral_binding").Scan(&all).Error; err != nil {
			t.Fatal(err)
		}
		if won.Load() != 1 || lost.Load() != 99 || active != 1 || all != 1 {
			t.Errorf("%d won, %d lost, %d active of %d", won.Load(), lost.Load(), active, all)
		}
		w.sound()
	})
}

func TestTheDatabaseAllowsOneActiveReferrer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(3)
		w.bind(p[0], p[1])
		err := d.Read(ctx).Exec("INSERT INTO referral_binding ("+bindingColumns+") SELECT id + 1, brand_id, member_id, slot, referrer_id, code_id, role, channel, state, reason, by_id, consented, bound_at, protected_until, expires_at, ended_at, ended_reason, ended_by, ip_hash, device_hash, created_at FROM referral_binding WHERE member_id = ?", p[0]).Error
		if !db.IsDuplicate(err) {
			t.Error("a second active row went in", err)
		}
	})
}

// Binds, moves, ends and hand-overs at random, from two processes at once, over so few
// people that they are always in each other's way. Then the pointers are walked.
func TestTreesStayTreesWhateverHappensAtOnce(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		other := newTown(t, d, clk)
		other.key = w.key
		w.policy(func(p *Policy) { p.Takeover, p.ProtectDays, p.NewMinutes = true, 0, 1000 })
		people := w.persons(14)
		// Some are one human: the second account of each of the first three.
		for i := range 3 {
			w.exec("UPDATE member SET root_id = ? WHERE id = ?", people[i], people[i+3])
		}
		tokens := map[id.ID]string{}
		for _, p := range people {
			tokens[p] = w.token(p)
		}
		const workers, rounds = 6, 60
		var did [5]atomic.Int64
		var wg sync.WaitGroup
		for k := range workers {
			s := []*town{w, other}[k%2]
			dice := rand.New(rand.NewPCG(7, uint64(k)))
			wg.Go(func() {
				for i := range rounds {
					a, b := people[dice.IntN(len(people))], people[dice.IntN(len(people))]
					c := Change{BrandID: brand, MemberID: a, ReferrerID: b, Reason: "调整", By: 1}
					var err error
					kind := dice.IntN(10)
					switch {
					case kind < 5:
						kind = 0
						_, err = s.Bind(ctx, Contact{Token: tokens[b], MemberID: a, Channel: H5})
					case kind < 7:
						kind = 1
						_, err = s.Rebind(ctx, c)
					case kind < 8:
						kind = 2
						err = s.End(ctx, c)
					case kind < 9:
						kind = 3
						_, err = s.HandOver(ctx, c)
					default:
						kind = 4
						err = s.Consume(ctx, acts3(fmt.Sprint(k, "-", i), a, clk.Now()))
					}
					if f := fault.Of(err); err == nil {
						did[kind].Add(1)
					} else if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
						t.Errorf("kind %d: %v", kind, err)
					}
				}
			})
		}
		wg.Wait()
		for kind := range did {
			if did[kind].Load() == 0 {
				t.Errorf("nothing of kind %d succeeded: this shows little", kind)
			}
		}
		w.sound()
		// No human above himself at the moment of a bind: what stands now was so made.
		for _, a := range people {
			list, err := w.Above(ctx, brand, a)
			if err != nil {
				t.Fatal(err)
			}
			family, err := w.Members.Family(ctx, a)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				for _, m := range family {
					if n.MemberID == m {
						t.Errorf("%d stands above %d, and they are one human", m, a)
					}
				}
			}
		}
	})
}

// The walk of kit_test finds what it is for: without this the property test shows nothing.
func TestTheWalkSeesWhatIsWrong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(3)
		w.bind(p[1], p[0])
		w.bind(p[2], p[1])
		if wrong := w.wrong(); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		for name, stmt := range map[string]string{
			"a ring":    "UPDATE referral_node SET parent_id = ? WHERE member_id = ?",
			"a counter": "UPDATE referral_node SET team_size = team_size + 1 WHERE member_id IN (?, ?)",
			"a depth":   "UPDATE referral_node SET depth = depth + 1 WHERE member_id IN (?, ?)",
		} {
			w.exec(stmt, p[2], p[0])
			if len(w.wrong()) == 0 {
				t.Error(name, "was not seen")
			}
			w.exec("UPDATE referral_node SET parent_id = 0 WHERE member_id = ?", p[0])
		}
	})
}

// A batch in which people bring people who bring people, who are moved: all of it decided
// in one transaction.
func TestBindsOfOneBatchSeeEachOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		w.policy(func(p *Policy) { p.Takeover, p.ProtectDays, p.NewMinutes = true, 0, 1000 })
		dice := rand.New(rand.NewPCG(1, 2))
		people := w.persons(10)
		policy, err := w.Policy(ctx, brand)
		if err != nil {
			t.Fatal(err)
		}
		codes := map[id.ID]Code{}
		for _, p := range people {
			if codes[p], err = w.CodeOf(ctx, brand, p, Member); err != nil {
				t.Fatal(err)
			}
		}
		for range 25 {
			var batch []*bind
			for range 12 {
				a, b := people[dice.IntN(10)], people[dice.IntN(10)]
				batch = append(batch, &bind{contact: Contact{BrandID: brand, MemberID: a, Channel: H5, At: clk.Now()}, code: codes[b], policy: policy})
			}
			w.bindAll(ctx, batch)
			won := map[id.ID]id.ID{}
			for _, b := range batch {
				if b.err == nil {
					won[b.contact.MemberID] = b.out.ReferrerID
				} else if fault.KindOf(b.err) == fault.Internal {
					t.Fatal(b.err)
				}
			}
			for a, b := range won {
				if x, ok, err := w.ReferrerOf(ctx, brand, a, clk.Now()); err != nil || !ok || x.ReferrerID != b {
					t.Errorf("%d was told %d, is %d (%v)", a, b, x.ReferrerID, err)
				}
			}
			clk.Advance(time.Millisecond)
		}
		w.sound()
	})
}
