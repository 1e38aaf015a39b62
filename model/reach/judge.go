package reach

import (
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
)

// Business days that caps look back on, today among them.
const (
	weekDays  = 7
	monthDays = 30
)

// place is what a possible use would take.
type place struct {
	contact *contact
	window  window
}

// answer judges one human. places has what to take by use.
func (f *facts) answer(memberID id.ID) (a Answer, places []place) {
	a = Answer{MemberID: memberID, Use: -1, Each: make([]string, len(f.ask.Uses))}
	places = make([]place, len(f.ask.Uses))
	h := f.of(memberID)
	if f.dropped[f.roots[memberID]] {
		a.Reason = NoConsent
		return a, places
	}
	for i, u := range f.ask.Uses {
		switch {
		case h == nil || h.erased:
			a.Each[i] = absent(u.Channel)
		default:
			places[i], a.Each[i] = f.use(h, i)
		}
	}
	if h == nil || h.erased {
		a.Reason = nearest(a.Each)
		return a, places
	}
	if a.Reason, a.NotBefore = f.general(h); a.Reason != "" {
		return a, places
	}
	if i := slices.Index(a.Each, ""); i >= 0 {
		a.Use, a.OpenID = i, places[i].contact.openID
		return a, places
	}
	a.Reason = nearest(a.Each)
	a.NotBefore = f.again(h, a)
	return a, places
}

// absent is the reason of a channel that knows nothing of a person.
func absent(channel string) string {
	switch channel {
	case SMS:
		return NoPhone
	case WeCom:
		return NoContact
	}
	return NoOpenID
}

// nearest is the reason that counts among those of the uses.
func nearest(each []string) string {
	for _, r := range nearness() {
		if slices.Contains(each, r) {
			return r
		}
	}
	return ""
}

// general judges what concerns every message to a human.
func (f *facts) general(h *human) (reason string, again clock.Instant) {
	a := f.ask
	if a.Test {
		return "", 0
	}
	if a.Purpose == Marketing && !h.agrees {
		return NoConsent, 0
	}
	if a.Profiled && !h.profiled {
		return NoProfiling, 0
	}
	if f.refused(h, "") {
		return OptedOut, 0
	}
	if next := f.rules.hours.Until(a.At); next != a.At {
		return QuietHours, f.rules.open(a.At, a.Purpose)
	}
	if a.Purpose != Marketing {
		return "", 0
	}
	if f.rules.holidays[clock.DayOf(a.At)] {
		return Holiday, f.rules.open(a.At, a.Purpose)
	}
	return f.capped(h, "")
}

// refused says whether a human refuses what is asked by any channel (""), or by this one.
// Whoever refuses everything refuses offers only: what he waits for still comes.
func (f *facts) refused(h *human, channel string) bool {
	if f.ask.Purpose == Marketing && h.refuses[[2]string{"", channel}] {
		return true
	}
	return f.ask.Topic != "" && h.refuses[[2]string{f.ask.Topic, channel}]
}

// capped tells whether a cap is reached, of all channels ("") or of one, and until when.
func (f *facts) capped(h *human, channel string) (reason string, again clock.Instant) {
	limit := f.rules.Cap
	if channel != "" {
		limit = f.rules.capOf(channel)
	}
	today := clock.DayOf(f.ask.At)
	for _, c := range []struct {
		reason string
		days   int
		most   int
	}{{CapDay, 1, limit.Day}, {CapWeek, weekDays, limit.Week}, {CapMonth, monthDays, limit.Month}} {
		if c.most == 0 {
			continue
		}
		first := today.AddDays(1 - c.days)
		n := h.since(first, channel)
		if n < c.most {
			continue
		}
		// Days leave the window one by one; the first on which enough have left is free.
		day := today
		for n >= c.most && first <= today {
			first, day = first.AddDays(1), day.AddDays(1)
			n = h.since(first, channel)
		}
		from, _ := day.Bounds()
		return c.reason, f.rules.open(from, f.ask.Purpose)
	}
	return "", 0
}

func (h *human) since(first clock.Day, channel string) (n int) {
	for _, t := range h.taken {
		if t.day >= first && (channel == "" || t.channel == channel) {
			n += t.n
		}
	}
	return n
}

// use judges one way: what it would take, or why not.
func (f *facts) use(h *human, i int) (place, string) {
	u, a := f.ask.Uses[i], f.ask
	if u.Channel == Template && a.Purpose == Marketing {
		return place{}, NotForOffers
	}
	if !a.Test {
		if f.refused(h, u.Channel) {
			return place{}, OptedOut
		}
		if a.Purpose == Marketing {
			if reason, _ := f.capped(h, u.Channel); reason != "" {
				return place{}, reason
			}
		}
	}
	k := f.key(u)
	p, reason := f.who(h, i)
	if reason == "" && (f.stops[k] > a.At || f.used[k] >= f.rules.perDay(u.Channel) ||
		u.Channel == Mass && f.used[key{u.AccountID, massCalls}] >= int64(f.rules.MassCallsPerDay)) {
		reason = ChannelStopped
	}
	return p, reason
}

// key is under which a use's calls are counted.
func (f *facts) key(u Use) key {
	if u.Channel == SMS {
		return key{f.ask.BrandID, SMS}
	}
	return key{u.AccountID, u.Channel}
}

// who finds the contact of a human that a use can write to, the nearest reason otherwise.
func (f *facts) who(h *human, i int) (place, string) {
	u := f.ask.Uses[i]
	if h.known != nil && u.Channel != WeCom {
		return f.known(h, i)
	}
	list := h.opens[u.AccountID]
	switch u.Channel {
	case SMS:
		if len(h.phones) > 0 {
			return place{contact: &h.phones[0]}, ""
		}
		return place{}, NoPhone
	case WeCom:
		list = h.staff[u.AccountID]
	}
	reasons := []string{absent(u.Channel)}
	for _, c := range list {
		p, reason := f.contact(h, c, i)
		if reason == "" {
			return p, ""
		}
		reasons = append(reasons, reason)
	}
	return place{}, nearest(reasons)
}

// contact judges one openid.
func (f *facts) contact(h *human, c *contact, i int) (place, string) {
	u, p := f.ask.Uses[i], place{contact: c}
	if u.Channel == WeCom {
		day, month := c.counts[countKey{WeCom, int32(clock.DayOf(f.ask.At))}], c.counts[countKey{WeCom, monthOf(f.ask.At)}]
		if day >= f.rules.WeComPerDay || month >= f.rules.wecomMonth(f.ask.At) {
			return p, MassQuota
		}
		return p, ""
	}
	if c.blockedAt != 0 && f.ask.At.Sub(c.blockedAt) < time.Duration(f.rules.BlockDays)*24*time.Hour {
		return p, Blocked
	}
	// Subscribe notices reach who granted them, whether he follows or not.
	if f.official(i) && u.Channel != Subscribe && (!c.following || c.goneAt > c.changed) {
		return p, NotFollowing
	}
	if !f.official(i) && c.goneAt != 0 { // nobody follows a mini program: WeChat knows the openid no more
		return p, NoOpenID
	}
	switch u.Channel {
	case Custom:
		end, open := f.ask.At.Add(time.Duration(f.rules.MarginSec)*time.Second), false
		for _, w := range c.windows { // the one that closes first is used first, as WeChat does
			if w.UntilAt <= end {
				continue
			}
			if open = true; w.LeftN > 0 {
				p.window = w
				return p, ""
			}
		}
		if open {
			return p, WindowUsed
		}
		return p, NoWindow
	case Subscribe:
		left := c.grants[u.TemplateID]
		switch {
		case left == 0:
			return p, NoGrant
		case left <= f.better(h, u):
			return p, KeptForBetter
		}
	case Mass:
		if c.counts[countKey{Mass, monthOf(f.ask.At)}] >= f.rules.MassPerMonth {
			return p, MassQuota
		}
	}
	return p, ""
}

// better is how many messages to come are worth more to this human.
func (f *facts) better(h *human, u Use) (n int) {
	for _, w := range f.wants {
		if w.AccountID == u.AccountID && w.TemplateID == u.TemplateID && (w.Members == 0 || h.wanted[w.RefID]) {
			n++
		}
	}
	return n
}

// again is when time alone may open one of the uses.
func (f *facts) again(h *human, a Answer) (at clock.Instant) {
	sooner := func(x clock.Instant) {
		if x != 0 && (at == 0 || x < at) {
			at = x
		}
	}
	_, tomorrow := clock.DayOf(f.ask.At).Bounds()
	for i, u := range f.ask.Uses {
		switch a.Each[i] {
		case Busy:
			sooner(f.ask.At.Add(time.Second))
		case ChannelStopped:
			if stop := f.stops[f.key(u)]; stop != 0 {
				sooner(f.rules.open(stop, f.ask.Purpose))
			} else {
				sooner(f.rules.open(tomorrow, f.ask.Purpose))
			}
		case MassQuota:
			_, next := clock.DayOf(f.ask.At).MonthEnd().Bounds()
			if u.Channel == WeCom && f.rules.WeComPerDay > 0 {
				next = tomorrow
			}
			sooner(f.rules.open(next, f.ask.Purpose))
		case CapDay, CapWeek, CapMonth:
			_, lift := f.capped(h, u.Channel)
			sooner(lift)
		}
	}
	return at
}
