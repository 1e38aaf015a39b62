package operator

import (
	"context"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
)

// Slowing of guesses. The first freeTries failures cost nothing; after that each
// doubles the pause before the next try is even looked at: 1 s, 2 s, 4 s ... up to
// maxPause: then the account is locked for strangers. An attacker gets about a hundred
// guesses a day per account; the owner waits a quarter of an hour at worst, and not at all
// at an address he used before. After forgetAfter without a try the count starts anew.
const (
	freeTries   = 5
	maxPause    = 15 * time.Minute
	forgetAfter = time.Hour
	maxGhosts   = 10_000
)

type slowing struct {
	failures int
	until    clock.Instant // no try before this
}

func pauseAfter(failures int) time.Duration {
	if failures < freeTries {
		return 0
	}
	return min(time.Second<<min(failures-freeTries, 16), maxPause)
}

func tooMany(now, until clock.Instant) error {
	seconds := int((until.Sub(now) + time.Second - 1) / time.Second)
	return fault.New(fault.Throttled, "too_many_attempts", "尝试次数过多，请稍后再试").With("retry_after_s", seconds)
}

// attempt books a failure before the password is looked at, so that many guesses at
// once count as many; a success takes it back.
func (s *Store) attempt(ctx context.Context, r row) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		var err error
		if r, err = s.row(tx.Where("id = ?", r.ID)); err != nil {
			return err
		}
		now := s.db.Now()
		if now < r.LockedUntil {
			return tooMany(now, r.LockedUntil)
		}
		failures := r.Failures
		if r.LockedUntil != 0 && now.Sub(r.LockedUntil) > forgetAfter {
			failures = 0
		}
		u := tx.Model(&row{}).Where("id = ? AND failures = ? AND locked_until = ?", r.ID, r.Failures, r.LockedUntil).
			Updates(map[string]any{"failures": failures + 1, "locked_until": now.Add(pauseAfter(failures + 1))})
		if u.Error == nil && u.RowsAffected == 0 { // another guess was faster
			return tooMany(now, now.Add(time.Second))
		}
		return u.Error
	})
}

// refuseGhost answers for a login that does not exist: the same pauses, the same
// work, the same fault.
func (s *Store) refuseGhost(ctx context.Context, login, password string) error {
	if err := s.attemptGhost(login); err != nil {
		return err
	}
	if _, err := s.hash(ctx, password); err != nil { // hashing takes what comparing takes
		return err
	}
	return wrongLogin
}

func (s *Store) attemptGhost(login string) error {
	now := s.db.Now()
	login = login[:min(len(login), 64)] // no operator's is longer; the map must stay small
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.ghosts[login]
	if now < g.until {
		return tooMany(now, g.until)
	}
	if g.until != 0 && now.Sub(g.until) > forgetAfter {
		g.failures = 0
	}
	g.failures++
	g.until = now.Add(pauseAfter(g.failures))
	if len(s.ghosts) >= maxGhosts { // forgetting all is cheap and tells little
		clear(s.ghosts)
	}
	s.ghosts[login] = g
	return nil
}
