package job_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/reach"
)

// general is what the brand's own rules have against a message to somebody, reckoned from
// what the test itself remembers.
func (m *month) general(u *soul, purpose string) string {
	now := m.clk.Now()
	hour := now.Time().In(clock.Shanghai).Hour()
	night := hour >= 22 || hour < 8
	switch {
	case purpose == reach.Service && night:
		return reach.QuietHours
	case purpose == reach.Service:
		return ""
	case !u.agrees:
		return reach.NoConsent
	case u.refuses[""]:
		return reach.OptedOut
	case night:
		return reach.QuietHours
	case m.free[clock.DayOf(now)]:
		return reach.Holiday
	}
	return u.capped(now, "", m.policy.Cap)
}

func (u *soul) capped(now clock.Instant, channel string, c reach.Cap) string {
	today := clock.DayOf(now)
	n := func(days int) (n int) {
		for _, g := range u.got {
			if g.day > today.AddDays(-days) && (channel == "" || g.channel == channel) {
				n++
			}
		}
		return n
	}
	switch {
	case c.Day > 0 && n(1) >= c.Day:
		return reach.CapDay
	case c.Week > 0 && n(7) >= c.Week:
		return reach.CapWeek
	case c.Month > 0 && n(30) >= c.Month:
		return reach.CapMonth
	}
	return ""
}

// each is what stands against one way: the person's wish, the channel's cap, and what
// WeChat itself would say now.
func (m *month) each(u *soul, purpose string, w reach.Use) string {
	offer, app := purpose == reach.Marketing, officialApp
	if w.AccountID == monthMini {
		app = miniApp
	}
	if w.Channel == reach.Template && offer {
		return reach.NotForOffers
	}
	if offer && u.refuses[w.Channel] {
		return reach.OptedOut
	}
	if offer && w.Channel == reach.Mass {
		if reason := u.capped(m.clk.Now(), reach.Mass, m.policy.Channels[0].Cap); reason != "" {
			return reason
		}
	}
	if app == miniApp && !u.mini {
		return reach.NoOpenID
	}
	follows := m.sim.Would("mass", u.name, officialApp, "") != 43004
	code := m.sim.Would(w.Channel, u.name, app, w.TemplateID)
	switch {
	case code == 0 && w.Channel == reach.Subscribe && w.AccountID == monthMini && w.TemplateID == templateA && m.sim.Grants(u.name, app, templateA) <= m.wanted():
		return reach.KeptForBetter
	case code == 45009 && w.Channel == reach.Subscribe && w.AccountID == monthMini && w.TemplateID == templateA && m.sim.Grants(u.name, app, templateA) <= m.wanted():
		return reach.KeptForBetter
	case code == 45015 && w.AccountID == monthOfficial && !follows:
		return reach.NotFollowing
	}
	return map[int]string{0: "", 45015: reach.NoWindow, 45047: reach.WindowUsed, 43004: reach.NotFollowing, 43101: reach.NoGrant, 45028: reach.MassQuota, 45009: reach.ChannelStopped}[code]
}

func (m *month) wanted() (n int) {
	for _, on := range m.wants {
		if on {
			n++
		}
	}
	return n
}

// check holds the ledger's answers, and its counts, against WeChat's.
func (m *month) check() {
	for _, purpose := range []string{reach.Marketing, reach.Service} {
		a := reach.Ask{BrandID: monthBrand, Purpose: purpose, Uses: monthUses(), Value: 50}
		var all []id.ID
		for _, u := range m.users {
			all = append(all, u.member)
		}
		answers, err := m.reach.Look(m.ctx, a, all)
		m.must(err)
		want := map[reach.Set]int{}
		for i, u := range m.users {
			var each []string
			for _, w := range a.Uses {
				each = append(each, m.each(u, purpose, w))
			}
			set := reach.Set{Use: -1, Reason: m.general(u, purpose)}
			if first := slices.Index(each, ""); set.Reason == "" && first >= 0 {
				set.Use = first
			} else if set.Reason == "" {
				set.Reason = nearestOf(each)
			}
			got := answers[i]
			if !slices.Equal(got.Each, each) || got.Reason != set.Reason || got.Use != set.Use {
				m.t.Fatalf("%s %s %s:\n got %v %q %d\nwant %v %q %d", m.clk.Now().Local(), u.name, purpose, got.Each, got.Reason, got.Use, each, set.Reason, set.Use)
			}
			want[set]++
			m.reasons[set.Reason]++
			for _, r := range each {
				m.reasons[r]++
			}
		}
		m.count(purpose, want)
	}
	if n := m.sim.MassFiltered(officialApp); n != 0 {
		m.t.Fatalf("%s: WeChat passed over %d receivers of mass sends", m.clk.Now().Local(), n)
	}
}

// count holds Sets against the answers of all people, one by one.
func (m *month) count(purpose string, want map[reach.Set]int) {
	got, named := map[reach.Set]int{}, 0
	rest, err := m.reach.Sets(m.ctx, monthBrand, purpose, monthUses(), 0, func(set reach.Set, people []id.ID) error {
		got[set] += len(people)
		named += len(people)
		return nil
	})
	m.must(err)
	if left := len(m.users) - named; left > 0 {
		got[rest] += left
	}
	// Without a value, wants keep grants from everything: those two may swap.
	if m.wanted() == 0 && fmt.Sprint(got) != fmt.Sprint(want) {
		m.t.Fatalf("%s %s: counted %v, want %v", m.clk.Now().Local(), purpose, got, want)
	}
}

func nearestOf(each []string) string {
	for _, r := range reach.Nearness() {
		if slices.Contains(each, r) {
			return r
		}
	}
	return ""
}

// How many months are lived, and from which on: more by hand when something here changes.
var (
	months    = flag.Int("seeds", 1, "random months of TestAMonthOfMessages")
	fromMonth = flag.Int64("seed", 1122, "the first of them")
)

func TestAMonthOfMessages(t *testing.T) {
	reasons := map[string]int{}
	for n := range int64(*months) {
		t.Run(fmt.Sprintf("seed %d", *fromMonth+n), func(t *testing.T) { aMonth(t, *fromMonth+n, reasons) })
	}
	for _, r := range []string{reach.NoConsent, reach.OptedOut, reach.QuietHours, reach.Holiday, reach.CapDay, reach.CapWeek, reach.CapMonth, reach.NotFollowing, reach.NoWindow, reach.WindowUsed,
		reach.NoGrant, reach.KeptForBetter, reach.MassQuota, reach.NoOpenID, reach.ChannelStopped, reach.NotForOffers, ""} {
		if reasons[r] == 0 {
			t.Errorf("in %d months nobody was ever %q", *months, r)
		}
	}
}

// aMonth adds the reasons that it saw.
func aMonth(t *testing.T, seed int64, reasons map[string]int) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m := newMonth(t, d, clk, seed)
		end := clk.Now().Add(31 * 24 * time.Hour)
		steps := 0
		for ; clk.Now() < end; steps++ {
			m.deeds()
			m.apply()
			for range m.rnd.Intn(4) {
				m.send()
			}
			if m.rnd.Intn(6) == 0 {
				m.remind()
			}
			if m.rnd.Intn(40) == 0 {
				m.want()
			}
			m.apply()
			if m.rnd.Intn(10) == 0 {
				m.check()
			}
			// Mostly minutes, in which windows close; sometimes a night.
			clk.Advance(time.Duration(1+m.rnd.Intn(50)) * time.Second)
			if m.rnd.Intn(3) == 0 {
				clk.Advance(time.Duration(m.rnd.Intn(5*3600)) * time.Second)
			}
		}
		t.Logf("%d steps; sent %v; reasons checked %v", steps, m.sent, m.reasons)
		for _, channel := range []string{reach.Custom, reach.Subscribe, reach.Template, reach.Mass} {
			if m.sent[channel] < 20 {
				t.Errorf("a month in which %s was hardly used (%d) shows nothing", channel, m.sent[channel])
			}
			if channel != reach.Custom && m.sent["lost "+channel] == 0 {
				t.Errorf("no %s failed after WeChat took it", channel)
			}
		}
		for r, n := range m.reasons {
			reasons[r] += n
		}
	})
}
