package reach

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// taker takes the places of one question. First it judges all seats, where what one is
// given later ones see; then it takes what they were given from everybody else: for all of
// them in few statements, whose guards say how many were still to be had.
type taker struct {
	*Store
	ctx context.Context
	tx  *gorm.DB
	*facts
}

// claim is a place that was found for a seat.
type claim struct {
	row     ticketRow // without an id: there is none, or somebody else was faster
	answer  Answer
	h       *human
	c       *contact
	keep    int      // grants that are left to better messages
	periods []period // of reach_count
}

// period is a day or month in which an openid gets at most so many; first: it got none yet.
type period struct {
	no    int32
	most  int
	first bool
}

const ticketColumns = "id, delivery_id, brand_id, member_id, purpose, channel, account_id, template_id, openid, sender, deed, window_at, day_no, taken_at, state, code, ended_at"

// claimsOnce is for how many seats one statement takes.
const claimsOnce = 128

// plan judges a seat and notes what it is given.
func (t *taker) plan(x Seat) *claim {
	answer, places := t.answer(x.MemberID)
	if answer.Use < 0 {
		return &claim{answer: answer}
	}
	u, p := t.ask.Uses[answer.Use], places[answer.Use]
	c := &claim{answer: answer, h: t.of(x.MemberID), c: p.contact}
	c.row = ticketRow{ID: t.DB.NewID(), DeliveryID: x.DeliveryID, BrandID: t.ask.BrandID, MemberID: p.contact.member, Purpose: t.ask.Purpose,
		Channel: u.Channel, AccountID: u.AccountID, TemplateID: u.TemplateID, OpenID: p.contact.openID, Sender: p.contact.sender,
		Deed: p.window.Deed, WindowAt: p.window.OpenedAt, DayNo: clock.DayOf(t.ask.At), TakenAt: t.ask.At, State: Reserved}
	if t.ask.Test {
		c.row.Purpose = trial
	} else {
		c.h.taken = append(c.h.taken, taken{c.row.DayNo, c.row.Channel, 1})
	}
	t.used[t.key(u)]++
	switch u.Channel {
	case Custom:
		for i := range p.contact.windows {
			if p.contact.windows[i].Deed == c.row.Deed {
				p.contact.windows[i].LeftN--
			}
		}
	case Subscribe:
		c.keep = t.better(c.h, u)
		p.contact.grants[u.TemplateID]--
	case Mass:
		c.count(monthOf(t.ask.At), t.facts.rules.MassPerMonth)
	case WeCom:
		c.count(int32(c.row.DayNo), t.facts.rules.WeComPerDay)
		c.count(monthOf(t.ask.At), t.facts.rules.wecomMonth(t.ask.At))
	}
	return c
}

// count adds one to a period.
func (c *claim) count(no int32, most int) {
	if c.c.counts == nil {
		c.c.counts = map[countKey]int{}
	}
	k := countKey{c.row.Channel, no}
	_, seen := c.c.counts[k]
	c.c.counts[k]++
	c.periods = append(c.periods, period{no, most, !seen})
}

// lose gives a claim up: it may be asked for again in a moment.
func (t *taker) lose(c *claim) {
	use := c.answer.Use
	c.answer.Each[use], c.answer.Use, c.answer.OpenID, c.answer.Reason = Busy, -1, "", Busy
	c.answer.NotBefore = t.again(c.h, c.answer)
	c.row = ticketRow{}
}

// takeAll takes what was planned and writes the tickets. The unique delivery decides when
// two processes took for the same one: the later loses its whole transaction. Calls are
// counted last, because all workers of a channel wait for those few rows.
func (t *taker) takeAll(claims []*claim) error {
	for part := range slices.Chunk(claims, claimsOnce) {
		if err := t.take(part); err != nil {
			return err
		}
	}
	rows, calls := db.NewRows("reach_ticket", ticketColumns), map[key][]*claim{}
	for _, c := range claims {
		if r := c.row; r.ID != 0 {
			rows.Add(r.ID, r.DeliveryID, r.BrandID, r.MemberID, r.Purpose, r.Channel, r.AccountID, r.TemplateID, r.OpenID, r.Sender, r.Deed, r.WindowAt, r.DayNo, r.TakenAt, r.State, "", clock.Instant(0))
			calls[t.key(r.way())] = append(calls[t.key(r.way())], c)
		}
	}
	if _, err := rows.Insert(t.ctx, t.tx, ""); err != nil {
		return err
	}
	byName := func(a, b key) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.channel, b.channel))
	}
	for _, k := range slices.SortedFunc(maps.Keys(calls), byName) { // everybody locks in this order
		if err := t.call(k, calls[k]); err != nil {
			return err
		}
	}
	return nil
}

// take takes for some seats. Where the guards refuse, halves are tried, down to the seats
// for whom somebody else was faster.
func (t *taker) take(claims []*claim) error {
	if err := t.tx.Exec("SAVEPOINT reach_take").Error; err != nil {
		return err
	}
	for _, some := range []func([]*claim) (bool, error){t.humans, t.windows, t.grants, t.counts} {
		ok, err := some(claims)
		if err != nil {
			return err
		}
		if !ok {
			return t.apart(claims)
		}
	}
	grown := map[*human]bool{}
	for _, c := range claims {
		if !grown[c.h] {
			c.h.version, grown[c.h] = max(c.h.version, 0)+1, true
		}
	}
	return nil
}

func (t *taker) apart(claims []*claim) error {
	if err := t.tx.Exec("ROLLBACK TO SAVEPOINT reach_take").Error; err != nil {
		return err
	}
	if len(claims) == 1 {
		t.lose(claims[0])
		return nil
	}
	half := len(claims) / 2
	if err := t.take(claims[:half]); err != nil {
		return err
	}
	return t.take(claims[half:])
}

// all runs an UPDATE that must reach n rows.
func (t *taker) all(n int, stmt string, args ...any) (bool, error) {
	r := t.tx.Exec(stmt, args...)
	return r.RowsAffected == int64(n), r.Error
}

// groups sorts claims by what one statement takes them by; those without a key it leaves out.
func groups[K comparable](claims []*claim, of func(*claim) (k K, there bool)) (keys []K, by map[K][]*claim) {
	by = map[K][]*claim{}
	for _, c := range claims {
		k, there := of(c)
		if !there {
			continue
		}
		if by[k] == nil {
			keys = append(keys, k)
		}
		by[k] = append(by[k], c)
	}
	return keys, by
}

func openIDsOf(claims []*claim) []string {
	list := make([]string, len(claims))
	for i, c := range claims {
		list[i] = c.row.OpenID
	}
	return list
}

// caseOf is "CASE column WHEN ? THEN ? … END" for n pairs.
func caseOf(column string, n int) string {
	return "CASE " + column + strings.Repeat(" WHEN ? THEN ?", n) + " END"
}

// humans moves the versions of those whose caps were counted: nobody else did meanwhile.
func (t *taker) humans(claims []*claim) (bool, error) {
	if t.ask.Purpose != Marketing || t.ask.Test {
		return true, nil
	}
	fresh, seen := db.NewRows("reach_human", "brand_id, member_id, version"), map[id.ID]bool{}
	var known []id.ID
	var versions []any
	for _, c := range claims {
		switch h := c.h; {
		case seen[h.root]:
		case h.version < 0: // nobody counted by an older one, unless the row came meanwhile
			fresh.Add(t.ask.BrandID, h.root, 1)
		default:
			known, versions = append(known, h.root), append(versions, h.root, h.version)
		}
		seen[c.h.root] = true
	}
	n, err := fresh.Insert(t.ctx, t.tx, t.DB.Once("brand_id"))
	if err != nil || n != int64(fresh.Len()) || len(known) == 0 {
		return n == int64(fresh.Len()), err
	}
	return t.all(len(known), "UPDATE reach_human SET version = version + 1 WHERE brand_id = ? AND member_id IN ? AND version = "+caseOf("member_id", len(known)),
		append([]any{t.ask.BrandID, known}, versions...)...)
}

// windows takes one message of each window, if it is still the one that was judged. The
// sign keeps SQLite from the index of until_at: it would read all windows of the account.
func (t *taker) windows(claims []*claim) (bool, error) {
	type of struct {
		account id.ID
		deed    string
	}
	keys, by := groups(claims, func(c *claim) (of, bool) { return of{c.row.AccountID, c.row.Deed}, c.row.Channel == Custom })
	for _, k := range keys {
		args := []any{k.account, openIDsOf(by[k]), k.deed, t.ask.At}
		for _, c := range by[k] {
			args = append(args, c.row.OpenID, c.row.WindowAt)
		}
		ok, err := t.all(len(by[k]), "UPDATE reach_window SET left_n = left_n - 1 WHERE account_id = ? AND openid IN ? AND deed = ? AND left_n > 0 AND +until_at > ? AND opened_at = "+caseOf("openid", len(by[k])), args...)
		if err != nil || !ok {
			return ok, err
		}
	}
	return true, nil
}

func (t *taker) grants(claims []*claim) (bool, error) {
	type of struct {
		account  id.ID
		template string
		keep     int
	}
	keys, by := groups(claims, func(c *claim) (of, bool) {
		return of{c.row.AccountID, c.row.TemplateID, c.keep}, c.row.Channel == Subscribe
	})
	for _, k := range keys {
		ok, err := t.all(len(by[k]), "UPDATE reach_grant SET left_n = left_n - 1, changed_at = ? WHERE account_id = ? AND openid IN ? AND template_id = ? AND left_n > ?",
			t.ask.At, k.account, openIDsOf(by[k]), k.template, k.keep)
		if err != nil || !ok {
			return ok, err
		}
	}
	return true, nil
}

// counts adds one to the periods of openids, unless one of them is full.
func (t *taker) counts(claims []*claim) (bool, error) {
	fresh := db.NewRows("reach_count", "account_id, openid, channel, period_no, member_id, n")
	for _, c := range claims {
		for _, p := range c.periods {
			if p.first {
				fresh.Add(c.row.AccountID, c.row.OpenID, c.row.Channel, p.no, c.row.MemberID, 1)
			}
		}
	}
	n, err := fresh.Insert(t.ctx, t.tx, t.DB.Once("account_id"))
	if err != nil || n != int64(fresh.Len()) {
		return false, err
	}
	type of struct {
		account id.ID
		channel string
		period
	}
	for i := range 2 { // nobody counts by more than two periods
		keys, by := groups(claims, func(c *claim) (k of, there bool) {
			if i >= len(c.periods) || c.periods[i].first {
				return k, false
			}
			return of{c.row.AccountID, c.row.Channel, c.periods[i]}, true
		})
		for _, k := range keys {
			ok, err := t.all(len(by[k]), "UPDATE reach_count SET n = n + 1 WHERE account_id = ? AND openid IN ? AND channel = ? AND period_no = ? AND n < ?",
				k.account, openIDsOf(by[k]), k.channel, k.no, k.most)
			if err != nil || !ok {
				return ok, err
			}
		}
	}
	return true, nil
}
