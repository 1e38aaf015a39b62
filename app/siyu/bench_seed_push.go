package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/db/dbbench"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

const (
	seedPushes = 300
	seedFew    = 20 // people of a small push
	seedLanes  = 8
)

// seedPush is a push with whom it is for: of ten members the tenths named, or a few.
type seedPush struct {
	push.Push
	number int
	tenths []int
	split  holdout.Split
	took   time.Duration // from the first message to the last
	part   int           // of a hundred copies, so many are over
}

func (p *seedPush) frozen() bool { return p.FrozenAt != 0 }

// people are the numbers of the members that it is for.
func (p *seedPush) people(members int) (list []int) {
	if !p.frozen() {
		return nil
	}
	if p.tenths == nil {
		for i := range seedFew {
			list = append(list, (p.number*seedFew+i)%members)
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	for m := range members {
		if slices.Contains(p.tenths, m%10) {
			list = append(list, m)
		}
	}
	return list
}

// pushList makes them: five for hundreds of thousands, in every state that has copies, and
// many for few.
func (s *seeder) pushList(settings []holdout.Settings, segments, lists []id.ID) (all []*seedPush) {
	at, ids := seedSource(26)
	day := 24 * time.Hour
	large := []struct {
		state  string
		tenths []int
		ago    time.Duration
		took   time.Duration
		part   int
	}{{push.Done, []int{0, 1, 2, 3}, 25 * day, 6 * time.Hour, 100}, {push.Done, []int{8}, 2 * day, 3 * time.Hour, 100}, {push.Stopped, []int{7}, 12 * day, 2 * time.Hour, 70},
		{push.Paused, []int{6}, 3 * time.Hour, 2 * time.Hour, 50}, {push.Running, []int{4, 5}, time.Hour, time.Hour, 40}}
	for k := range seedPushes {
		p := &seedPush{number: k}
		at.at = s.spread(k, seedPushes)
		x := &p.Push
		x.CreatedAt = at.at
		x.ID, x.State, x.Version, x.EditedBy, x.SubmittedBy, x.MovedAt = ids.Next(), push.Done, 3, 1, 1, at.at
		x.Form = push.Form{BrandID: s.brand, Name: fmt.Sprintf("触达 %d", k+1), Purpose: reach.Marketing, Topic: "新品", Worth: k % 101, SegmentID: segments[k%len(segments)], Timing: push.Now, HeldBP: 1000,
			Why: "您近期扫过码", Body: s.saying(1 + k%3)}
		if k%4 == 3 {
			x.Purpose, x.Topic = reach.Service, ""
		}
		if k%5 == 4 {
			x.SegmentID, x.ListID = 0, lists[k%len(lists)]
		}
		ago, began := time.Hour, true
		switch n := k - len(large); {
		case n < 0:
			l := large[k]
			x.Purpose, x.Topic, x.State, p.tenths, ago, p.took, p.part = reach.Marketing, "新品", l.state, l.tenths, l.ago, l.took, l.part
			x.CreatedAt = s.now.Add(-ago - time.Hour)
		case n%2 == 0:
			x.State = []string{push.Draft, push.Pending, push.Scheduled, push.Missed, push.Draft}[n/2%5]
			began = false
		default:
			x.State = []string{push.Done, push.Done, push.Done, push.Done, push.Stopped, push.Paused}[n/2%6]
			ago, p.took, p.part = s.now.Sub(x.CreatedAt)-time.Minute, 20*time.Second, 100
		}
		switch x.State {
		case push.Scheduled:
			x.Timing, x.StartAt = push.At, s.now.Add(time.Duration(k)*time.Hour)
		case push.Missed:
			x.Timing, x.StartAt, x.Note = push.At, x.CreatedAt.Add(time.Hour), "错过了开始时间，请决定是否现在开始"
		}
		if began {
			x.StartedBy, x.Approved, x.StartedAt = 1, true, s.now.Add(-ago)
			x.FrozenAt = x.StartedAt.Add(5 * time.Second)
			x.AsOf, x.SubmittedAt, x.DecidedBy, x.GiveUpAt, x.MovedAt, x.SegmentVersion = x.StartedAt, x.StartedAt.Add(-time.Minute), 2, x.StartedAt.Add(72*time.Hour), x.FrozenAt.Add(p.took), 3
			if x.State == push.Done || x.State == push.Stopped {
				x.FinishedAt = x.MovedAt
			}
			set := settings[0]
			for _, v := range settings {
				if v.CreatedAt <= x.StartedAt {
					set = v
				}
			}
			var parts []holdout.Part
			for _, a := range x.Arms {
				parts = append(parts, holdout.Part{Name: a.Name, Weight: a.Weight})
			}
			p.split = set.Split(parts)
			if p.split.HeldBP = x.HeldBP; x.Purpose != reach.Marketing {
				p.split.UniversalBP = 0
			}
		}
		all = append(all, p)
	}
	return all
}

// saying is what a push of so many versions says.
func (s *seeder) saying(arms int) push.Body {
	b := push.Body{Uses: []reach.Use{{Channel: reach.Custom, AccountID: s.official.ID}, {Channel: reach.Subscribe, AccountID: s.official.ID, TemplateID: seedTemplates[2]}, {Channel: reach.Mass, AccountID: s.official.ID}},
		Links: []push.Link{{Title: "新品", URL: "https://www.example.com/new"}, {Title: "门店", URL: "https://www.example.com/shops"}}}
	for a := range arms {
		b.Arms = append(b.Arms, push.Arm{Name: string(rune('A' + a)), Weight: 1, Contents: []push.Content{{Text: "新品上市：{链接1}，门店：{链接2}"}, {Data: map[string]string{"thing1": "新品上市"}, LinkNo: 1}, {Text: "新品上市"}}})
	}
	return b
}

// seedCopy is a delivery and what became of it.
type seedCopy struct {
	id               id.ID
	member           int
	lane, arm, use   int
	state, reason    string
	channel, code    string
	tries            int
	ticket           id.ID
	due, first, move clock.Instant
}

func (c seedCopy) over() bool {
	return c.state == push.Sent || c.state == push.Refused || c.state == push.Unknown || c.state == push.Skipped
}

// eachCopy tells every delivery with the same ids each time.
func (s *seeder) eachCopy(all []*seedPush, do func(p *seedPush, c seedCopy)) {
	at, ids := seedSource(27)
	atTicket, tickets := seedSource(28)
	for _, p := range byTime(all) {
		people := p.people(s.members)
		lanes := min(seedLanes, 1+len(people)/500)
		at.at = p.FrozenAt
		for i, m := range people {
			c := seedCopy{id: ids.Next(), member: m, lane: i % lanes, use: -1, due: p.FrozenAt, move: p.FrozenAt}
			s.became(p, m, &c)
			if c.over() {
				c.move = p.FrozenAt.Add(time.Duration(float64(p.took) * float64(i) / float64(len(people)) * float64(p.part) / 100))
			}
			if c.use >= 0 {
				atTicket.at = c.move
				c.ticket, c.first, c.tries, c.channel = tickets.Next(), c.move, 1, p.Uses[c.use].Channel
			}
			do(p, c)
		}
	}
}

func byTime(all []*seedPush) []*seedPush {
	list := slices.Clone(all)
	slices.SortStableFunc(list, func(a, b *seedPush) int { return cmp.Compare(a.FrozenAt, b.FrozenAt) })
	return list
}

// became decides about one copy: chance says who is left alone, what is true of the member
// and the dice say the rest.
func (s *seeder) became(p *seedPush, m int, c *seedCopy) {
	universal, arm := holdout.Arm(p.split, p.ID, s.ids[m])
	c.arm = slices.IndexFunc(p.Arms, func(a push.Arm) bool { return a.Name == arm })
	roll := func(what uint64) int { return int(dice(m, uint64(p.number)*16+2000+what) % 100) }
	skip := func(reason string) { c.state, c.reason = push.Skipped, reason }
	switch offers := p.Purpose == reach.Marketing; {
	case universal:
		c.arm, c.state, c.reason = push.ArmUniversal, push.Held, "universal"
	case arm == holdout.Held:
		c.arm, c.state, c.reason = push.ArmHeld, push.Held, "held"
	case roll(0) >= p.part && m >= 20:
		if c.state = push.Waiting; roll(1) < 10 && p.State == push.Running {
			c.reason, c.due = reach.QuietHours, s.now.Add(10*time.Hour)
		}
	case offers && !markets(m):
		skip(reach.NoConsent)
	case offers && refuses(m):
		skip(reach.OptedOut)
	case m < 20:
		c.state, c.use = push.Sent, 0
	case !follows(m) && roll(2) < 30:
		skip(reach.NotFollowing)
	case roll(3) < 3:
		c.state, c.reason, c.code, c.use = push.Refused, "refused", "43004", s.by(m, roll(5))
	case roll(3) < 4:
		c.state, c.use = push.Unknown, s.by(m, roll(5))
	case roll(3) < 10:
		skip([]string{reach.CapWeek, reach.NoWindow, reach.NoGrant}[roll(4)%3])
	default:
		c.state, c.use = push.Sent, s.by(m, roll(5))
	}
}

// by is the way in which a member is written to.
func (s *seeder) by(m, roll int) int {
	switch {
	case !follows(m):
		return 1
	case roll < 60:
		return 0
	}
	return 2
}

// pushes fills everything about pushes.
func (s *seeder) pushes(ctx context.Context) error {
	settings, err := s.controls(ctx)
	if err != nil {
		return err
	}
	var segments, lists []id.ID
	if err := s.column(ctx, "SELECT n.segment_id FROM segment_now n ORDER BY n.count DESC LIMIT 20", func(n int64) { segments = append(segments, id.ID(n)) }); err != nil {
		return err
	}
	if err := s.column(ctx, "SELECT id FROM segment_list ORDER BY created_at LIMIT 20", func(n int64) { lists = append(lists, id.ID(n)) }); err != nil {
		return err
	}
	all := s.pushList(settings, segments, lists)
	err = s.table(ctx, "push", "id, brand_id, name, purpose, topic, worth, segment_id, list_id, timing, start_at, per_second, held_bp, content, why, state, version, people, expected, approved, freeze_no, holdout, segment_version, as_of, note, edited_by, submitted_by, decided_by, started_by, created_at, submitted_at, started_at, frozen_at, give_up_at, moved_at, finished_at", func(l *dbbench.Lines) error {
		for _, p := range all {
			content, err := json.Marshal(p.Body)
			if err != nil {
				return err
			}
			split, freezes, n := []byte(nil), 0, len(p.people(s.members))
			if p.frozen() {
				if split, err = json.Marshal(p.split); err != nil {
					return err
				}
				freezes = 1
			}
			l.Add(p.ID, p.BrandID, p.Name, p.Purpose, p.Topic, p.Worth, p.SegmentID, p.ListID, p.Timing, p.StartAt, p.PerSecond, p.HeldBP, content, p.Why, p.State, p.Version, n, n, p.Approved, freezes, split,
				p.SegmentVersion, p.AsOf, p.Note, p.EditedBy, p.SubmittedBy, p.DecidedBy, p.StartedBy, p.CreatedAt, p.SubmittedAt, p.StartedAt, p.FrozenAt, p.GiveUpAt, p.MovedAt, p.FinishedAt)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, fill := range []func(context.Context, []*seedPush) error{s.copies, s.tallies, s.tickets, s.taps, s.told, s.orders, s.tested} {
		if err := fill(ctx, all); err != nil {
			return err
		}
	}
	return nil
}

// controls are who is left alone, as the brand decided again and again.
func (s *seeder) controls(ctx context.Context) (list []holdout.Settings, err error) {
	for v := range 12 {
		set := holdout.Settings{BrandID: s.brand, Version: v + 1, UniversalBP: 500, HeldBP: 1000, WindowDays: 7, CapFen: 200_000, Salt: "1", Reason: "按季度调整", ByID: 1,
			CreatedAt: s.from.Add(time.Duration(v*10*24) * time.Hour)}
		if v < 6 {
			set.UniversalBP, set.Salt = 100*v, ""
		}
		list = append(list, set)
	}
	return list, s.table(ctx, "holdout_setting", "brand_id, version, universal_bp, held_bp, window_days, cap_fen, salt, reason, by_id, created_at", func(l *dbbench.Lines) error {
		for _, v := range list {
			l.Add(v.BrandID, v.Version, v.UniversalBP, v.HeldBP, v.WindowDays, v.CapFen, v.Salt, v.Reason, v.ByID, v.CreatedAt)
		}
		return nil
	})
}
