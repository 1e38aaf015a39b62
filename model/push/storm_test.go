package push_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	brands "siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/push"
	"siyu/model/reach"
)

var (
	storms    = flag.Int("seeds", 1, "random storms of TestAudiencesInAStorm")
	fromStorm = flag.Int64("seed", 1122, "the first of them")
)

const (
	stormOfficial id.ID = 11
	stormMini     id.ID = 12
)

// storm is a brand whose people change while several pushes to all of them are sent with the
// real ledger: they are joined and parted, leave, refuse, take consent back and are erased.
type storm struct {
	*testing.T
	ctx     context.Context
	rnd     *rand.Rand
	d       *db.DB
	clk     *clock.Fake
	s       *push.Store
	reach   *reach.Store
	people  *identity.Store
	members *member.Store
	agreed  *consent.Store
	follows *follow.Store
	souls   []*mortal
	merges  []id.ID
	cap     int
	got     map[id.ID]map[id.ID]int // marketing copies of a day by member; cleared every day
}

// mortal is one openid and what the test knows of it. Who has one of the other account may
// be the same human.
type mortal struct {
	member, person, account id.ID
	open                    string
	follows                 bool // of a mini program: always
	erased                  bool
}

func (s *storm) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func newStorm(t *testing.T, d *db.DB, clk *clock.Fake, seed int64) *storm {
	s := &storm{T: t, ctx: t.Context(), rnd: rand.New(rand.NewSource(seed)), d: d, clk: clk, people: identity.New(d), agreed: consent.New(d), cap: 3}
	s.members = member.New(d, s.people)
	s.follows = follow.New(d, s.people, s.members)
	account := func(_ context.Context, a id.ID) (brands.Account, error) {
		return brands.Account{ID: a, BrandID: 1, Kind: map[id.ID]string{stormOfficial: brands.Official, stormMini: brands.Mini}[a], AppID: fmt.Sprint("wx", a)}, nil
	}
	s.reach = reach.New(reach.Deps{DB: d, People: s.people, Members: s.members, Accounts: account})
	p := reach.DefaultPolicy(1)
	p.Cap, p.Channels = reach.Cap{Day: s.cap}, []reach.ChannelCap{}
	_, err := s.reach.SavePolicy(s.ctx, p, 1)
	s.ok(err)
	out := outbox.New(d)
	s.s = push.New(push.Deps{DB: d, Outbox: out, Events: event.New(d, out), Audience: s, Reach: s.reach, Values: names{}, Controls: &world{}, Hours: &world{}, LinkKey: []byte("key"), PublicURL: "https://q.cn", Families: s.members.Family})
	_, err = s.s.SetPolicy(s.ctx, push.Policy{BrandID: 1, ApprovalPeople: 100_000, PerSecond: 400, GiveUpHours: 100})
	s.ok(err)
	for i := range 120 {
		open := fmt.Sprintf("o-%d", i)
		account := []id.ID{stormOfficial, stormMini}[i%2]
		person, err := s.people.Meet(s.ctx, fmt.Sprint("wx", account), open)
		s.ok(err)
		m, err := s.members.Of(s.ctx, person)
		s.ok(err)
		u := &mortal{member: m.ID, person: person, open: open, account: account, follows: account == stormMini}
		s.souls = append(s.souls, u)
		s.say(u, s.rnd.Intn(4) > 0)
		if account == stormOfficial {
			s.hear(u, follow.Message{Type: "event", Event: follow.Subscribe})
		}
		if s.rnd.Intn(3) > 0 {
			s.hear(u, follow.Message{Type: "text", Content: "你好"})
		}
	}
	return s
}

// Check, Size, Freeze and Sample make it an audience: everybody who is left, as humans.
func (s *storm) Check(context.Context, push.Form) error                  { return nil }
func (s *storm) Size(context.Context, push.Push) (int64, error)          { return int64(len(s.souls)), nil }
func (s *storm) Sample(context.Context, push.Push, int) ([]id.ID, error) { return nil, nil }
func (s *storm) Freeze(context.Context, push.Push) (push.Frozen, error) {
	var roots []id.ID
	err := s.d.Read(s.ctx).Raw("SELECT id FROM member WHERE root_id = 0 AND state <> 'erased' ORDER BY id").Scan(&roots).Error
	return push.Frozen{Version: 1, AsOf: s.clk.Now(), Sentence: "全部", Each: func(yield func([]id.ID) error) error { return yield(roots) }}, err
}

func (s *storm) say(u *mortal, given bool) {
	s.Helper()
	_, err := s.agreed.Put(s.ctx, consent.Consent{MemberID: u.member, Purpose: consent.Marketing, Given: given, Channel: consent.H5})
	s.ok(err)
}

func (s *storm) hear(u *mortal, m follow.Message) {
	s.Helper()
	m.AppID, m.OpenID, m.CreatedAt = fmt.Sprint("wx", u.account), u.open, s.clk.Now().Time().Unix()
	body, err := m.Body()
	s.ok(err)
	n := notice.Notice{Source: map[id.ID]string{stormOfficial: notice.Official, stormMini: notice.Mini}[u.account], AccountID: u.account, Body: body}
	s.ok(s.follows.ApplyMessage(s.ctx, n))
	s.ok(s.reach.Apply(s.ctx, n))
	switch m.Event {
	case follow.Subscribe:
		u.follows = true
	case follow.Unsubscribe:
		u.follows = false
	}
}

func (s *storm) somebody() *mortal {
	for {
		if u := s.souls[s.rnd.Intn(len(s.souls))]; !u.erased {
			return u
		}
	}
}

// deed is one thing that happens to people.
func (s *storm) deed() {
	u := s.somebody()
	switch s.rnd.Intn(12) {
	case 0, 1, 9, 10, 11:
		v := s.somebody()
		m, err := s.people.Merge(s.ctx, u.person, v.person, identity.Evidence{Event: "operator", By: 1, Channel: "admin", Note: "同一人"})
		if err == nil {
			s.merges = append(s.merges, m.ID)
		}
	case 2:
		if n := len(s.merges); n > 0 {
			at := s.rnd.Intn(n)
			_, _ = s.people.Unmerge(s.ctx, s.merges[at], 1, "认错人")
			s.merges = slices.Delete(s.merges, at, at+1)
		}
	case 3:
		s.say(u, s.rnd.Intn(3) > 0)
	case 4:
		w := reach.Wish{MemberID: u.member, BrandID: 1, Source: "h5"}
		if s.rnd.Intn(4) == 0 {
			s.ok(s.reach.OptOut(s.ctx, w))
		} else {
			s.ok(s.reach.OptIn(s.ctx, w))
		}
	case 5:
		if u.account == stormMini {
			return
		}
		s.hear(u, follow.Message{Type: "event", Event: map[bool]string{true: follow.Unsubscribe, false: follow.Subscribe}[u.follows]})
	case 6, 7:
		if u.follows {
			s.hear(u, follow.Message{Type: "text", Content: "在吗"})
		}
	case 8:
		if s.rnd.Intn(3) > 0 {
			return
		}
		family, err := s.members.Family(s.ctx, u.member)
		s.ok(err)
		s.ok(s.d.InTx(s.ctx, func(tx *gorm.DB) error {
			if _, err := s.members.EraseTx(s.ctx, tx, family); err != nil {
				return err
			}
			return tx.Exec("DELETE FROM reach_ticket WHERE member_id IN ?", family).Error // as model/rights does
		}))
		for _, v := range s.souls {
			v.erased = v.erased || slices.Contains(family, v.member)
		}
	}
}

// copyOf is one call that was made.
type copyOf struct {
	push id.ID
	push.Parcel
}

// send lets a worker of each push send side by side; nothing happens to people meanwhile.
func (s *storm) send(pushes []id.ID) (list []copyOf) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	die := s.rnd.Intn(6) == 0
	for _, pushID := range pushes {
		var lanes []id.ID
		s.ok(s.d.Read(s.ctx).Raw("SELECT id FROM push_lane WHERE run_id = ? ORDER BY lane", pushID).Scan(&lanes).Error)
		for _, lane := range lanes {
			for worker := range 2 {
				limit := 2 + s.rnd.Intn(4)
				wg.Go(func() {
					r, wave, err := s.s.Take(s.ctx, lane, limit)
					if err != nil {
						s.Error(err)
						return
					}
					mu.Lock()
					for _, p := range wave.Parcels {
						list = append(list, copyOf{pushID, p})
					}
					mu.Unlock()
					if die && worker == 0 {
						return // nobody hears what became of them
					}
					if err := s.s.End(s.ctx, r, gone(wave.Parcels)); err != nil {
						s.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	return list
}

// judge holds what was sent against what the people said before, each family at this moment.
func (s *storm) judge(list []copyOf, before map[id.ID]map[id.ID]bool, today map[id.ID]int) {
	for _, c := range list {
		family, err := s.members.Family(s.ctx, c.MemberID)
		s.ok(err)
		bad := func(format string, args ...any) {
			s.Helper()
			s.Fatalf("push %d to %d of %v: %s", c.push, c.MemberID, family, fmt.Sprintf(format, args...))
		}
		n := 0
		for _, m := range family {
			if before[c.push][m] {
				bad("%d had it", m)
			}
			n += today[m]
		}
		if n >= s.cap {
			bad("%d today", n)
		}
		var given []struct{ Given bool }
		s.ok(s.d.Read(s.ctx).Raw("SELECT given FROM consent WHERE member_id IN ? AND purpose = ? ORDER BY at DESC, id DESC LIMIT 1", family, consent.Marketing).Scan(&given).Error)
		if len(given) == 0 || !given[0].Given {
			bad("without consent")
		}
		wishes, err := s.reach.Preferences(s.ctx, 1, c.MemberID)
		s.ok(err)
		if slices.ContainsFunc(wishes, func(w reach.Wish) bool { return w.Refused }) {
			bad("he refuses")
		}
		to := s.souls[slices.IndexFunc(s.souls, func(u *mortal) bool { return u.open == c.OpenID })]
		if !slices.Contains(family, to.member) || !to.follows || to.erased {
			bad("by %+v", to)
		}
		// Facts stay with whose telephone it came to, also when humans are parted again. Who is
		// not of the audience himself, because he was somebody else's when it was written down,
		// has no copy by which that could be known.
		var own int
		s.ok(s.d.Read(s.ctx).Raw("SELECT COUNT(*) FROM push_delivery WHERE run_id = ? AND member_id = ?", c.push, to.member).Scan(&own).Error)
		before[c.push][c.MemberID] = true
		if own > 0 {
			before[c.push][to.member] = true
		}
		today[to.member]++
	}
}

// However people change between the moment an audience is written down and the moment of a
// copy, and however many pushes reach for them at once: one copy for a human, and only for
// who may get it at that moment.
func TestAudiencesInAStorm(t *testing.T) {
	for n := range int64(*storms) {
		t.Run(fmt.Sprint("seed ", *fromStorm+n), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { aStorm(newStorm(t, d, clk, *fromStorm+n)) })
		})
	}
}

func aStorm(s *storm) {
	before, today, total := map[id.ID]map[id.ID]bool{}, map[id.ID]int{}, 0
	var pushes []id.ID
	for round := range 30 {
		if round%5 == 0 {
			f := form()
			f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Custom, AccountID: stormOfficial}, {Channel: reach.Custom, AccountID: stormMini}, {Channel: reach.Mass, AccountID: stormOfficial}}, []push.Content{{Text: "镜片"}, {Text: "镜片"}, {Text: "镜片"}}
			if s.rnd.Intn(4) > 0 { // few at a time
				f.Uses, f.Arms[0].Contents = f.Uses[:2], f.Arms[0].Contents[:2]
			}
			p, err := s.s.Create(s.ctx, f, writer)
			s.ok(err)
			_, err = s.s.Start(s.ctx, p.ID, writer)
			s.ok(err)
			_, err = s.s.Freeze(s.ctx, p.ID)
			s.ok(err)
			pushes, before[p.ID] = append(pushes, p.ID), map[id.ID]bool{}
		}
		for range 4 + s.rnd.Intn(8) {
			s.deed()
		}
		list := s.send(pushes)
		total += len(list)
		s.judge(list, before, today)
		day := clock.DayOf(s.clk.Now())
		s.clk.Advance(time.Duration(1+s.rnd.Intn(3*3600)) * time.Second)
		if clock.DayOf(s.clk.Now()) != day {
			clear(today)
		}
	}
	if total < 40 {
		s.Errorf("%d copies show nothing", total)
	}
	var minus int
	s.ok(s.d.Read(s.ctx).Raw("SELECT (SELECT COUNT(*) FROM reach_window WHERE left_n < 0) + (SELECT COUNT(*) FROM reach_count WHERE n < 0) + (SELECT COUNT(*) FROM push_tally WHERE n < 0)").Scan(&minus).Error)
	twins := 0
	for _, pushID := range pushes {
		twins += (&world{t: s.T, d: s.d}).states(pushID)["0skippedsame_person"]
	}
	if s.Logf("%d copies, %d of people who had been joined were not sent", total, twins); twins == 0 {
		s.Error("nobody was joined in time")
	}
	if minus != 0 {
		s.Errorf("%d numbers below zero", minus)
	}
}
