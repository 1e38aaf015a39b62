package wecom

import (
	"context"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// What is left to do of a Way, in this order.
const (
	WayNothing = ""
	WayMake    = "make"   // have WeCom make it; the row says so already
	WayUpdate  = "update" // tell WeCom what it should be
	WayLook    = "look"   // read its picture, and give its groups their join code
	WayEnd     = "end"    // take the join code from its groups, and have WeCom forget it
)

// Step is what a worker has to do of a way, and how long it must wait if another has it.
type Step struct {
	Way  Way
	Do   string
	Wait time.Duration
}

// wayPause is how soon who found a way busy looks again.
const wayPause = 5 * time.Second

const unsureText = "生成时连接中断，不知道企业微信是否已经生成。请重试：重复的一个无人见过，不会带来任何人"

// TakeWay gives a way to one worker for some minutes and says what to do. A making that
// nobody finished ends here as unsure. Fault: NotFound wecom_way_not_found.
func (s *Store) TakeWay(ctx context.Context, row id.ID) (st Step, err error) {
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		st = Step{}
		now := s.DB.Now()
		r := tx.Exec("UPDATE wecom_way SET busy_until = ? WHERE id = ? AND busy_until <= ?", now.Add(wayLease), row, now)
		if r.Error != nil {
			return r.Error
		}
		var found []Way
		if err := tx.Where("id = ?", row).Find(&found).Error; err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoWay
		}
		st.Way = found[0]
		if r.RowsAffected == 0 {
			if st.Way.next() != WayNothing || st.Way.State == WayMaking {
				st.Wait = min(st.Way.BusyUntil.Sub(now), wayPause)
			}
			return nil
		}
		set := map[string]any{}
		switch st.Do = st.Way.next(); {
		case st.Way.State == WayMaking:
			set = map[string]any{"state": WayUnsure, "error": unsureText, "busy_until": 0}
		case st.Do == WayNothing:
			set = map[string]any{"busy_until": 0}
		case st.Do == WayMake:
			set = map[string]any{"state": WayMaking, "attempt": st.Way.Attempt + 1}
			st.Way.State, st.Way.Attempt = WayMaking, st.Way.Attempt+1
		}
		if len(set) == 0 {
			return nil
		}
		return tx.Model(&Way{}).Where("id = ?", row).Updates(set).Error
	})
	return st, wrap("take way", err)
}

// next is what is to be done of a way as it stands.
func (w Way) next() string {
	switch {
	case w.State == WayNew:
		return WayMake
	case w.State == WayEnding:
		return WayEnd
	case w.State == WayMade && w.Asked != w.Done:
		return WayUpdate
	case w.State == WayMade && w.JoinURL == "":
		return WayLook
	}
	return WayNothing
}

// WayIsMade writes WeCom's id of a way. ok is false when this making is not the one that
// counts any more: then WeCom has one too many, which the worker has it forget.
func (s *Store) WayIsMade(ctx context.Context, w Way, configID string) (ok bool, err error) {
	sent := w
	sent.State, sent.ConfigID, sent.Error, sent.Sent, sent.Done = WayMade, configID, "", w.Chats, w.Asked
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Way{}).Where("id = ? AND attempt = ? AND config_id = '' AND state IN ?", w.ID, w.Attempt, []string{WayMaking, WayUnsure}).
			Select("State", "ConfigID", "Error", "Sent", "Done").Updates(&sent)
		ok = r.RowsAffected == 1
		return r.Error
	})
	return ok, wrap("way made", err)
}

// WayNotMade writes that WeCom surely made none: why is "" when it may be asked again.
func (s *Store) WayNotMade(ctx context.Context, w Way, why string) error {
	set := map[string]any{"state": WayNew, "busy_until": 0}
	if why != "" {
		set["state"], set["error"] = WayFailed, cut(why, 200)
	}
	return wrap("way not made", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ? AND attempt = ? AND state = ?", w.ID, w.Attempt, WayMaking).Updates(set).Error
	}))
}

// WayInTheDark writes that WeCom was asked to make one and nobody knows what it did.
func (s *Store) WayInTheDark(ctx context.Context, w Way) error {
	return wrap("way in the dark", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ? AND attempt = ? AND state = ?", w.ID, w.Attempt, WayMaking).
			Updates(map[string]any{"state": WayUnsure, "error": unsureText, "busy_until": 0}).Error
	}))
}

// WayIsSent writes that WeCom was told what a way should be, once the groups it leads to
// have its join code. Repeatable.
func (s *Store) WayIsSent(ctx context.Context, w Way, chats []string) error {
	if w.JoinURL != "" {
		if err := s.handWay(ctx, w, w.JoinURL, chats); err != nil {
			return err
		}
	}
	w.Sent, w.Done, w.Error = w.Chats, w.Asked, ""
	return wrap("way sent", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ? AND state = ?", w.ID, WayMade).Select("Sent", "Done", "Error").Updates(&w).Error
	}))
}

// WayStuck writes why WeCom would not do what it was asked of a made way; the next change
// or an operator's retry asks again. The worker lets go of it.
func (s *Store) WayStuck(ctx context.Context, w Way, why string) error {
	return wrap("way stuck", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ?", w.ID).Updates(map[string]any{"error": cut(why, 200), "busy_until": 0}).Error
	}))
}

// WayReads writes what a way's picture says and gives the groups it leads to that join
// code. Repeatable.
func (s *Store) WayReads(ctx context.Context, w Way, joinURL string, chats []string) error {
	if err := s.handWay(ctx, w, joinURL, chats); err != nil {
		return err
	}
	return wrap("way reads", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ? AND state = ?", w.ID, WayMade).Updates(map[string]any{"join_url": joinURL, "error": ""}).Error
	}))
}

// CloseWay takes a way's join code from its groups; WeCom is told after that, so that
// nobody is sent to a picture that leads nowhere. Repeatable.
func (s *Store) CloseWay(ctx context.Context, w Way) error {
	if w.JoinURL == "" {
		return nil
	}
	return s.handWay(ctx, w, w.JoinURL, nil)
}

// WayIsEnded writes that WeCom has forgotten a way.
func (s *Store) WayIsEnded(ctx context.Context, w Way) error {
	return wrap("way ended", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&Way{}).Where("id = ? AND state = ?", w.ID, WayEnding).Updates(map[string]any{"state": WayEnded, "busy_until": 0, "error": ""}).Error
	}))
}

// LeaveWay lets go of a way and says whether there is more to do.
func (s *Store) LeaveWay(ctx context.Context, w Way) (more bool, err error) {
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE wecom_way SET busy_until = 0 WHERE id = ?", w.ID).Error; err != nil {
			return err
		}
		var is Way
		err := tx.Where("id = ?", w.ID).Take(&is).Error
		more = is.next() != WayNothing
		return err
	})
	return more, wrap("leave way", err)
}

// wayAge is how old a way that opens groups by itself gets before WeCom is asked which.
const wayAge = time.Hour

// RefreshWays has WeCom asked about ways that open groups by themselves.
func (s *Store) RefreshWays(ctx context.Context) error {
	var due []id.ID
	err := s.DB.Read(ctx).Model(&Way{}).Where("state = ? AND auto_create = ? AND error = '' AND updated_at < ?", WayMade, true, s.DB.Now().Add(-wayAge)).
		Order("updated_at").Limit(500).Pluck("id", &due).Error
	for _, row := range due {
		if _, err := s.askWay(ctx, row, []string{WayMade}, func(w Way) Way { return w }); err != nil && fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return wrap("refresh ways", err)
}

func (s *Store) handWay(ctx context.Context, w Way, joinURL string, chats []string) error {
	if s.Joins == nil {
		return nil
	}
	return s.Joins(ctx, Joinable{BrandID: w.BrandID, JoinURL: joinURL, ChatIDs: chats, At: s.DB.Now()})
}

// Joinable is a join code and the groups it leads into, as model/group hears of it: no
// other group of the brand has it.
type Joinable struct {
	BrandID id.ID
	JoinURL string
	ChatIDs []string
	At      clock.Instant
}
