package group

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Why a target is dropped from a live code.
const (
	causeLimit = "limit" // its own limit in the code is reached; other causes are states
	causeNoQR  = "no_qr" // there is no join code yet
)

// alter is change in a transaction of its own.
func (s *Store) alter(ctx context.Context, communityID id.ID, fn func(*Community) error) (Community, error) {
	var out Community
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		err := s.change(ctx, tx, communityID, fn)
		if err == nil {
			out, err = get(tx, communityID)
		}
		return err
	})
	return out, err
}

// change lets fn change a community under its lock and does what follows: the state that
// the facts make, targets of live codes dropped or brought back, alarms answered. Every
// change but the handing out of a place goes through here. It wants a fresh transaction
// (READ COMMITTED): what it reads after the lock must be the latest.
func (s *Store) change(ctx context.Context, tx *gorm.DB, communityID id.ID, fn func(*Community) error) error {
	r := tx.Exec("UPDATE community SET version = version + 1 WHERE id = ?", communityID)
	if r.Error != nil {
		return fmt.Errorf("group: lock: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errMissing
	}
	was, err := get(tx, communityID)
	if err != nil {
		return err
	}
	p, err := s.policy(tx, was.BrandID)
	if err != nil {
		return err
	}
	is, now := was, s.db.Now()
	if err := fn(&is); err != nil {
		return err
	}
	if is.SizeAt != was.SizeAt {
		var young int
		if err := tx.Raw("SELECT COUNT(*) FROM live_place WHERE community_id = ? AND handed_at > ?", communityID, is.SizeAt.Add(-p.join())).Scan(&young).Error; err != nil {
			return fmt.Errorf("group: places: %w", err)
		}
		is.Pending = young
	}
	if is.State != Closed {
		is.State = is.stateAt(now)
	}
	roomy := p.near(was) && !p.near(is)
	if roomy {
		is.FillRound++
	}
	set := map[string]any{"leader_id": is.LeaderID, "leader_member_id": is.LeaderMemberID, "name": is.Name, "owner_name": is.OwnerName,
		"province": is.Province, "city": is.City, "size": is.Size, "size_at": is.SizeAt, "capacity": is.Capacity, "scan_capacity": is.ScanCapacity,
		"pending": is.Pending, "fill_round": is.FillRound, "qr": is.QR, "qr_at": is.QRAt, "qr_expires_at": is.QRExpiresAt,
		"state": is.State, "reason": is.Reason, "closed_by": is.ClosedBy, "updated_at": now}
	if err := tx.Model(&Community{}).Where("id = ?", communityID).Updates(set).Error; err != nil {
		return fmt.Errorf("group: change: %w", err)
	}
	switch {
	case is.Takes(now):
		err = s.revive(tx, communityID, now)
	case is.QR == "":
		err = s.drop(tx, communityID, causeNoQR, now)
	default:
		err = s.drop(tx, communityID, is.State, now)
	}
	if err == nil && is.QRAt != was.QRAt {
		err = s.answer(tx, communityID, AlarmExpiring, "已更新群二维码", now)
	}
	if err == nil && roomy {
		err = s.answer(tx, communityID, AlarmFilling, "群里又有空位", now)
	}
	if err == nil && is.State == Closed {
		err = s.answer(tx, communityID, "", "社群已关闭", now)
	}
	return err
}

// near says whether a community is so full that somebody should hear of it.
func (p Policy) near(c Community) bool { return c.Fill()*100 >= c.ScanCapacity*p.WarnPercent }

type targetRef struct {
	ID         id.ID
	LiveCodeID id.ID
}

// drop takes a community out of every live code it is a target of; what was dropped
// before stays as it was. The caller holds the community's lock.
func (s *Store) drop(tx *gorm.DB, communityID id.ID, cause string, now clock.Instant) error {
	var refs []targetRef
	if err := tx.Raw("SELECT id, live_code_id FROM live_target WHERE community_id = ? AND state = ? ORDER BY id", communityID, targetLive).Scan(&refs).Error; err != nil {
		return fmt.Errorf("group: targets: %w", err)
	}
	for _, t := range refs {
		if err := s.dropOne(tx, t, communityID, cause, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropOne(tx *gorm.DB, t targetRef, communityID id.ID, cause string, now clock.Instant) error {
	r := tx.Exec("UPDATE live_target SET state = ? WHERE id = ? AND state = ?", targetDropped, t.ID, targetLive)
	if r.Error != nil || r.RowsAffected == 0 {
		return r.Error
	}
	if err := tx.Create(&Switch{ID: s.db.NewID(), LiveCodeID: t.LiveCodeID, CommunityID: communityID, Kind: SwitchDropped, Cause: cause, CreatedAt: now}).Error; err != nil {
		return fmt.Errorf("group: switch: %w", err)
	}
	return tx.Exec("UPDATE live_code SET waiting = waiting + 1 WHERE id = ?", t.LiveCodeID).Error
}

// revive brings a community back into the live codes it was dropped from, but for those
// whose own limit it has reached.
func (s *Store) revive(tx *gorm.DB, communityID id.ID, now clock.Instant) error {
	var refs []targetRef
	err := tx.Raw("SELECT id, live_code_id FROM live_target WHERE community_id = ? AND state = ? AND (max_handed = 0 OR handed < max_handed) ORDER BY id",
		communityID, targetDropped).Scan(&refs).Error
	if err != nil {
		return fmt.Errorf("group: targets: %w", err)
	}
	for _, t := range refs {
		r := tx.Exec("UPDATE live_target SET state = ? WHERE id = ? AND state = ?", targetLive, t.ID, targetDropped)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			continue
		}
		if err := tx.Create(&Switch{ID: s.db.NewID(), LiveCodeID: t.LiveCodeID, CommunityID: communityID, Kind: SwitchRevived, CreatedAt: now}).Error; err != nil {
			return fmt.Errorf("group: switch: %w", err)
		}
		if err := s.alive(tx, t.LiveCodeID, now); err != nil {
			return err
		}
	}
	return nil
}

// alive notes that a live code has a target again: the next time it has none is another
// fact, and what was told of this one is answered.
func (s *Store) alive(tx *gorm.DB, liveCodeID id.ID, now clock.Instant) error {
	if err := tx.Exec("UPDATE live_code SET dead_round = dead_round + 1 WHERE id = ?", liveCodeID).Error; err != nil {
		return err
	}
	var round int
	if err := tx.Raw("SELECT dead_round FROM live_code WHERE id = ?", liveCodeID).Scan(&round).Error; err != nil {
		return err
	}
	return tx.Exec("UPDATE community_alarm SET state = ?, note = ?, done_at = ? WHERE alarm_key = ? AND state = ?",
		AlarmDone, "又有可以加入的群", now, noneKey(liveCodeID, round-1), AlarmOpen).Error
}

// expire notes that a join code's time is over. Nothing hangs on it being noted in time:
// no place is handed out after the end anyhow.
func (s *Store) expire(ctx context.Context, communityID id.ID) error {
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		return s.change(ctx, tx, communityID, func(*Community) error { return nil })
	})
}
