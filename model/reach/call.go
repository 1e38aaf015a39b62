package reach

import (
	"context"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// call takes calls of a channel's day for tickets. When they are used up, the tickets
// that got none are taken back; who asks for them again is told so.
func (t *taker) call(k key, claims []*claim) error {
	day, most := clock.DayOf(t.ask.At), t.facts.rules.perDay(k.channel)
	for len(claims) > 0 {
		seed, n := int64(claims[0].row.DeliveryID), int64(len(claims))
		if n > 1 {
			slot := seed % slots
			ok, err := t.all(1, "UPDATE reach_quota SET used = used + ? WHERE account_id = ? AND channel = ? AND day_no = ? AND slot = ? AND used <= ?",
				n, k.account, k.channel, day, slot, most*(slot+1)/slots-most*slot/slots-n)
			if err != nil || ok {
				return err
			}
		}
		ok, err := t.callTx(t.tx, k, day, most, seed)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		claims = claims[1:]
	}
	for _, c := range claims {
		if err := t.giveBack(t.tx, c.row); err != nil {
			return err
		}
		if err := t.tx.Exec("DELETE FROM reach_ticket WHERE id = ?", c.row.ID).Error; err != nil {
			return err
		}
		t.lose(c)
	}
	return nil
}

// massCalls is under which calls of mass sends are counted: each reaches many.
const massCalls = "mass_call"

// CallTx counts one call that takes tickets of one way to many people at once; false: the
// day's are used up, and the tickets are to be given back. seed spreads calls over rows.
func (s *Store) CallTx(ctx context.Context, tx *gorm.DB, a Ask, u Use, seed id.ID) (bool, error) {
	if u.Channel != Mass {
		return true, nil
	}
	if a.At == 0 {
		a.At = s.DB.Now()
	}
	r, err := s.rulesOf(tx, a.BrandID)
	if err != nil {
		return false, err
	}
	return s.callTx(tx, key{u.AccountID, massCalls}, clock.DayOf(a.At), int64(r.MassCallsPerDay), int64(seed))
}

// slots spread the calls of a channel over a few rows.
const slots = 8

// callTx counts one call of a channel, unless the day's are used up.
func (s *Store) callTx(tx *gorm.DB, k key, day clock.Day, most, seed int64) (bool, error) {
	for i := range int64(slots) {
		slot := (seed%slots + i) % slots
		limit := most*(slot+1)/slots - most*slot/slots
		if limit == 0 {
			continue
		}
		grow := func() (bool, error) {
			r := tx.Exec("UPDATE reach_quota SET used = used + 1 WHERE account_id = ? AND channel = ? AND day_no = ? AND slot = ? AND used < ?", k.account, k.channel, day, slot, limit)
			return r.RowsAffected == 1, r.Error
		}
		if ok, err := grow(); err != nil || ok {
			return ok, err
		}
		r := tx.Exec("INSERT INTO reach_quota (account_id, channel, day_no, slot, used) VALUES (?,?,?,?,1)"+s.DB.Once("account_id"), k.account, k.channel, day, slot)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error == nil, r.Error
		}
		if ok, err := grow(); err != nil || ok { // another process made the row meanwhile
			return ok, err
		}
	}
	return false, nil
}
