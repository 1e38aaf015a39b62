package group

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Kinds of alarm.
const (
	AlarmExpiring = "expiring" // a join code ends soon
	AlarmFilling  = "filling"  // a community is nearly full
	AlarmNone     = "none"     // a live code has no target that takes people
)

// States of an alarm.
const (
	AlarmOpen = "open"
	AlarmDone = "done"
)

// Alarm is something somebody should do. It is made once for one fact, and answers itself
// when the fact is gone.
type Alarm struct {
	ID          id.ID         `json:"id"`
	BrandID     id.ID         `json:"brand_id"`
	LeaderID    id.ID         `json:"leader_id"`    // who sees it too; none: operators only
	CommunityID id.ID         `json:"community_id"` // none for AlarmNone
	LiveCodeID  id.ID         `json:"live_code_id"`
	Kind        string        `json:"kind"`
	AlarmKey    string        `json:"-"`
	Text        string        `json:"text"`
	State       string        `json:"state"`
	ByID        id.ID         `json:"by_id"` // operator who closed it; none: open, a leader, or by itself
	Note        string        `json:"note"`
	CreatedAt   clock.Instant `json:"created_at"`
	DoneAt      clock.Instant `json:"done_at"`
}

// TableName names the table for GORM.
func (Alarm) TableName() string { return "community_alarm" }

var errAlarm = fault.New(fault.NotFound, "alarm_not_found", "没有这条提醒")

// Watch looks at every community and live code and makes the alarms that are due; it also
// notes join codes that ended, and leaders who stood down. A chore calls it; calling it twice changes nothing.
func (s *Store) Watch(ctx context.Context) error {
	brands, err := s.brandsWith(ctx)
	if err != nil {
		return fmt.Errorf("group: watch: %w", err)
	}
	for _, b := range brands {
		if err := s.watchBrand(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) watchBrand(ctx context.Context, brandID id.ID) error {
	if err := s.watchLeaders(ctx, brandID); err != nil {
		return err
	}
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return err
	}
	now := s.db.Now()
	soon := now.Add(time.Duration(p.WarnHours) * time.Hour)
	var due []Community
	err = s.db.Read(ctx).Where("brand_id = ? AND state IN ? AND ((qr <> '' AND qr_expires_at <= ?) OR (size + pending) * 100 >= scan_capacity * ?)",
		brandID, []string{Open, Full}, soon, p.WarnPercent).Find(&due).Error
	if err != nil {
		return fmt.Errorf("group: watch: %w", err)
	}
	for _, c := range due {
		if c.QR != "" && c.QRExpiresAt <= now {
			if err := s.expire(ctx, c.ID); err != nil {
				return err
			}
		}
		if err := s.alarms(ctx, p, c, now, soon); err != nil {
			return err
		}
	}
	// A code that never had a target is a draft, not an alarm.
	var empty []id.ID
	err = s.db.Read(ctx).Raw(`SELECT l.id FROM live_code l WHERE l.brand_id = ? AND l.state = ? AND EXISTS (SELECT 1 FROM live_target t WHERE t.live_code_id = l.id)
		AND NOT EXISTS (SELECT 1 FROM live_target t WHERE t.live_code_id = l.id AND t.state = ?)`, brandID, Live, targetLive).Scan(&empty).Error
	if err != nil {
		return fmt.Errorf("group: watch: %w", err)
	}
	for _, codeID := range empty {
		if err := s.alarmNone(ctx, codeID); err != nil {
			return err
		}
	}
	return nil
}

// stoodDown closes the communities of a leader who is suspended or left.
const stoodDown = "群主已暂停或离开"

// watchLeaders closes communities whose leader does not lead any more, so that nobody new
// is sent to him, and opens them again when he does.
func (s *Store) watchLeaders(ctx context.Context, brandID id.ID) error {
	var led []Community
	err := s.db.Read(ctx).Where("brand_id = ? AND leader_id <> 0 AND (state <> ? OR reason = ?)", brandID, Closed, stoodDown).Find(&led).Error
	if err != nil || len(led) == 0 {
		return err
	}
	for part := range slices.Chunk(led, 500) {
		members := make([]id.ID, len(part))
		for i, c := range part {
			members[i] = c.LeaderMemberID
		}
		active, err := s.Leaders.ActiveAmong(ctx, brandID, members)
		if err != nil {
			return err
		}
		for _, c := range part {
			if down := !active[c.LeaderMemberID]; down != (c.State == Closed) {
				if _, err := s.alter(ctx, c.ID, func(c *Community) error { c.shut(down, stoodDown); return nil }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *Store) alarms(ctx context.Context, p Policy, c Community, now, soon clock.Instant) error {
	a := Alarm{BrandID: c.BrandID, LeaderID: c.LeaderID, CommunityID: c.ID}
	if c.QR != "" && c.QRExpiresAt <= soon {
		a.Kind, a.AlarmKey = AlarmExpiring, AlarmExpiring+":"+c.ID.String()+":"+strconv.FormatInt(int64(c.QRExpiresAt), 36)
		a.Text = fmt.Sprintf("“%s”的群二维码将于 %s 失效，请在微信群里重新生成并上传。", c.Name, c.QRExpiresAt.Local())
		if c.QRExpiresAt <= now {
			a.Text = fmt.Sprintf("“%s”的群二维码已于 %s 失效，请在微信群里重新生成并上传。", c.Name, c.QRExpiresAt.Local())
		}
		if err := s.raise(ctx, a); err != nil {
			return err
		}
	}
	if p.near(c) {
		a.Kind, a.AlarmKey = AlarmFilling, AlarmFilling+":"+c.ID.String()+":"+strconv.Itoa(c.FillRound)
		a.Text = fmt.Sprintf("“%s”估计已有 %d 人，扫码入群上限 %d 人。请核对群人数，并准备新的群。", c.Name, c.Fill(), c.ScanCapacity)
		return s.raise(ctx, a)
	}
	return nil
}

// alarmNone says that a live code has nowhere to send people, once until it has again.
func (s *Store) alarmNone(ctx context.Context, codeID id.ID) error {
	l, err := s.Code(ctx, codeID)
	if err != nil {
		return err
	}
	return s.raise(ctx, Alarm{BrandID: l.BrandID, LeaderID: l.LeaderID, LiveCodeID: l.ID, Kind: AlarmNone, AlarmKey: noneKey(l.ID, l.DeadRound),
		Text: fmt.Sprintf("活码“%s”已没有可以加入的群，扫码的人只能看到备用信息。请更新群二维码或添加新的群。", l.Name)})
}

func (s *Store) raise(ctx context.Context, a Alarm) error {
	var there int
	if err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM community_alarm WHERE alarm_key = ?", a.AlarmKey).Scan(&there).Error; err != nil || there > 0 {
		return err // told already: almost always, so it costs no write
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO community_alarm (id, brand_id, leader_id, community_id, live_code_id, kind, alarm_key, text, state, by_id, note, created_at, done_at)
			VALUES (?,?,?,?,?,?,?,?,?,0,'',?,0)`+s.db.Once("alarm_key"),
			s.db.NewID(), a.BrandID, a.LeaderID, a.CommunityID, a.LiveCodeID, a.Kind, a.AlarmKey, cut(a.Text, 300), AlarmOpen, s.db.Now()).Error
	})
	if err != nil {
		return fmt.Errorf("group: alarm: %w", err)
	}
	return nil
}

// answer closes the open alarms of a community, of one kind or ("") of all.
func (s *Store) answer(tx *gorm.DB, communityID id.ID, kind, note string, now clock.Instant) error {
	q := tx.Model(&Alarm{}).Where("community_id = ? AND state = ?", communityID, AlarmOpen)
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	if err := q.Updates(map[string]any{"state": AlarmDone, "note": note, "done_at": now}).Error; err != nil {
		return fmt.Errorf("group: alarm: %w", err)
	}
	return nil
}

// AlarmFilter narrows Alarms; zero fields do not.
type AlarmFilter struct {
	BrandID, LeaderID, CommunityID id.ID
	State                          string
	Before                         id.ID
	Limit                          int
}

// Alarms pages alarms, newest first.
func (s *Store) Alarms(ctx context.Context, f AlarmFilter) ([]Alarm, error) {
	out := []Alarm{}
	if err := db.Page(s.alarmsIn(ctx, f), "community_alarm", f.Before, f.Limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("group: alarms: %w", err)
	}
	return out, nil
}

// CountAlarms counts what Alarms pages, up to db.MaxTotal.
func (s *Store) CountAlarms(ctx context.Context, f AlarmFilter) (n int, more bool, err error) {
	return db.Total(s.alarmsIn(ctx, f).Model(&Alarm{}))
}

func (s *Store) alarmsIn(ctx context.Context, f AlarmFilter) *gorm.DB {
	q := s.db.Read(ctx)
	if f.BrandID != 0 {
		q = q.Where("brand_id = ?", f.BrandID)
	}
	if f.LeaderID != 0 {
		q = q.Where("leader_id = ?", f.LeaderID)
	}
	if f.CommunityID != 0 {
		q = q.Where("community_id = ?", f.CommunityID)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q
}

// Answer closes one alarm with a note; closing it again changes nothing. Faults: Invalid
// alarm_note, NotFound alarm_not_found.
func (s *Store) Answer(ctx context.Context, by By, alarmID id.ID, note string) (Alarm, error) {
	if note = strings.TrimSpace(note); !text(note, 0, 200) {
		return Alarm{}, fault.NewInvalid("alarm_note", "备注最多 200 个字")
	}
	var a Alarm
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		err := tx.Where("id = ?", alarmID).Take(&a).Error
		if db.IsNotFound(err) || err == nil && by.LeaderID != 0 && by.LeaderID != a.LeaderID {
			return errAlarm
		}
		if err != nil || a.State == AlarmDone {
			return err
		}
		a.State, a.ByID, a.Note, a.DoneAt = AlarmDone, by.OperatorID, note, s.db.Now()
		return tx.Model(&Alarm{}).Where("id = ? AND state = ?", alarmID, AlarmOpen).
			Updates(map[string]any{"state": a.State, "by_id": a.ByID, "note": a.Note, "done_at": a.DoneAt}).Error
	})
	return a, err
}
