package reach

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Codes of WeChat that teach something (wechat/errors.go; the numbers are WeChat's).
const (
	codeBadOpenID    = "40003"
	codeNotFollowing = "43004"
	codeNoGrant      = "43101"
	codeDayQuota     = "45009"
	codeMinuteQuota  = "45011"
	codeWindowClosed = "45015"
	codeWindowUsed   = "45047"
	codeMassQuota    = "45028"
	codeUnauthorized = "48001"
	codeForbidden    = "48002"
	codeNoRelation   = "84061"
	codeNoCustomer   = "41048"
)

// CodeNoTask is the code of somebody for whom WeCom made no task of staff: its answer names
// such people and says no more of them.
const CodeNoTask = "no_task"

// EndTx says what became of a ticket: Sent, Refused (surely not sent) or Unknown, with
// WeChat's code. Refused gives window, grant, count and cap back and teaches what the code
// tells; the delivery may take another ticket. The same end again does nothing, nor does the
// end of a ticket that is gone: it went with its member (an erasure). Fault: Conflict
// reach_ticket_ended.
func (s *Store) EndTx(ctx context.Context, tx *gorm.DB, ticketID id.ID, outcome, code string) error {
	if outcome != Sent && outcome != Refused && outcome != Unknown {
		return fault.NewInvalid("reach_outcome", "结果应为 sent、refused 或 unknown")
	}
	var row ticketRow
	err := tx.Session(&gorm.Session{NewDB: true}).Where("id = ?", ticketID).Take(&row).Error
	if db.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reach: end: %w", err)
	}
	if row.State == outcome {
		return nil
	}
	delivery := row.DeliveryID
	if outcome == Refused {
		delivery = -row.ID
	}
	r := tx.Exec("UPDATE reach_ticket SET state = ?, code = ?, ended_at = ?, delivery_id = ? WHERE id = ? AND state IN (?, ?)", outcome, cut(code, 24), s.DB.Now(), delivery, row.ID, Reserved, Unknown)
	if r.Error != nil {
		return fmt.Errorf("reach: end: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return fault.New(fault.Conflict, "reach_ticket_ended", "这个触达名额已经有结果")
	}
	switch outcome {
	case Sent:
		if row.Channel == Custom { // it reached him; of a template message only its report tells
			err = tx.Exec("UPDATE reach_contact SET blocked_at = 0, gone_at = 0 WHERE account_id = ? AND openid = ? AND (blocked_at > 0 OR gone_at > 0)", row.AccountID, row.OpenID).Error
		}
	case Refused:
		if err = s.giveBack(tx, row); err == nil && code == "" {
			err = s.uncall(tx, row)
		}
		if err == nil {
			err = s.learn(tx, row, code)
		}
	}
	if err != nil {
		return fmt.Errorf("reach: end: %w", err)
	}
	return nil
}

// SentTx is EndTx with Sent for many tickets, in two statements.
func (s *Store) SentTx(ctx context.Context, tx *gorm.DB, ticketIDs []id.ID) error {
	if len(ticketIDs) == 0 {
		return nil
	}
	err := tx.Exec("UPDATE reach_ticket SET state = ?, ended_at = ? WHERE id IN ? AND state IN (?, ?)", Sent, s.DB.Now(), ticketIDs, Reserved, Unknown).Error
	if err != nil {
		return fmt.Errorf("reach: sent: %w", err)
	}
	return nil
}

// LostTx says of tickets that WeChat took them and reported later that they did not arrive:
// they count for no frequency cap any more. What WeChat itself counts is not given back,
// neither the place of the month of a mass send nor the grant of a subscribe message: it
// does not say that a message that its review refused, or that failed, uses none, and a
// place that is wrongly thought free would be passed over without a word. code is WeChat's
// number, where it said one: 43101 teaches that somebody has no grant left. Who is told the
// same again learns nothing new.
func (s *Store) LostTx(ctx context.Context, tx *gorm.DB, ticketIDs []id.ID, code string) error {
	if len(ticketIDs) == 0 {
		return nil
	}
	if code == codeNoGrant {
		var rows []ticketRow
		if err := tx.Session(&gorm.Session{NewDB: true}).Where("id IN ? AND state IN ?", ticketIDs, []string{Reserved, Sent, Unknown}).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("reach: lost: %w", err)
		}
		for _, row := range rows {
			// Unless he allowed more since: the report is of then.
			err := tx.Exec("UPDATE reach_grant SET left_n = 0, reset_at = ?, changed_at = ? WHERE account_id = ? AND openid = ? AND template_id = ? AND reset_at < ? AND changed_at <= ?",
				row.TakenAt, s.DB.Now(), row.AccountID, row.OpenID, row.TemplateID, row.TakenAt, max(row.TakenAt, row.EndedAt)).Error
			if err != nil {
				return fmt.Errorf("reach: lost: %w", err)
			}
		}
	}
	err := tx.Exec("UPDATE reach_ticket SET state = ?, code = ?, ended_at = ?, delivery_id = -id WHERE id IN ? AND state IN ?", Refused, cut(code, 24), s.DB.Now(), ticketIDs, []string{Reserved, Sent, Unknown}).Error
	if err != nil {
		return fmt.Errorf("reach: lost: %w", err)
	}
	return nil
}

// uncall gives a call back that was never made: WeChat's answer would have a code.
func (s *Store) uncall(tx *gorm.DB, row ticketRow) error {
	k := key{row.AccountID, row.Channel}
	if row.Channel == SMS {
		k.account = row.BrandID
	}
	return tx.Exec("UPDATE reach_quota SET used = used - 1 WHERE account_id = ? AND channel = ? AND day_no = ? AND slot = ? AND used > 0", k.account, k.channel, row.DayNo, int64(row.DeliveryID)%slots).Error
}

func uncount(tx *gorm.DB, row ticketRow, period int32) error {
	return tx.Exec("UPDATE reach_count SET n = n - 1 WHERE account_id = ? AND openid = ? AND channel = ? AND period_no = ? AND n > 0", row.AccountID, row.OpenID, row.Channel, period).Error
}

// giveBack returns what a ticket took of one person. Calls are not given back: WeChat
// counts those it refuses too.
func (s *Store) giveBack(tx *gorm.DB, row ticketRow) error {
	switch row.Channel {
	case Custom:
		return tx.Exec("UPDATE reach_window SET left_n = left_n + 1 WHERE account_id = ? AND openid = ? AND deed = ? AND opened_at = ?", row.AccountID, row.OpenID, row.Deed, row.WindowAt).Error
	case Subscribe:
		return tx.Exec("UPDATE reach_grant SET left_n = left_n + 1 WHERE account_id = ? AND openid = ? AND template_id = ? AND reset_at < ?", row.AccountID, row.OpenID, row.TemplateID, row.TakenAt).Error
	case Mass:
		return uncount(tx, row, monthOf(row.TakenAt))
	case WeCom:
		if err := uncount(tx, row, int32(row.DayNo)); err != nil {
			return err
		}
		return uncount(tx, row, monthOf(row.TakenAt))
	}
	return nil
}

// learn notes what a refusal tells of a person or a channel.
func (s *Store) learn(tx *gorm.DB, row ticketRow, code string) error {
	now := s.DB.Now()
	switch code {
	case codeNoGrant:
		return tx.Exec("UPDATE reach_grant SET left_n = 0, reset_at = ?, changed_at = ? WHERE account_id = ? AND openid = ? AND template_id = ? AND reset_at < ?",
			row.TakenAt, now, row.AccountID, row.OpenID, row.TemplateID, row.TakenAt).Error
	case codeWindowClosed, codeWindowUsed:
		// All windows of before the message: WeChat does not say which.
		return tx.Exec("UPDATE reach_window SET left_n = 0 WHERE account_id = ? AND openid = ? AND opened_at <= ?", row.AccountID, row.OpenID, row.TakenAt).Error
	case codeNotFollowing, codeBadOpenID:
		return s.mark(tx, row, "gone_at")
	case codeMassQuota:
		return tx.Exec("UPDATE reach_count SET n = 1000000 WHERE account_id = ? AND openid = ? AND channel = ? AND period_no = ?", row.AccountID, row.OpenID, row.Channel, monthOf(row.TakenAt)).Error
	case CodeNoTask, codeNoCustomer: // not today: not by this one of the staff, at least
		return tx.Exec("UPDATE reach_count SET n = 1000000 WHERE account_id = ? AND openid = ? AND channel = ? AND period_no = ?", row.AccountID, row.OpenID, row.Channel, int32(row.DayNo)).Error
	case codeDayQuota:
		_, next := clock.DayOf(now).Bounds() // WeChat's days are Shanghai's
		return s.stopTx(tx, row, code, next)
	case codeMinuteQuota:
		return s.stopTx(tx, row, code, now.Add(time.Minute))
	case codeUnauthorized, codeForbidden: // somebody has to change something at WeChat's
		return s.stopTx(tx, row, code, now.Add(time.Hour))
	}
	return nil
}

// mark notes a moment on a contact, and makes it if nothing was heard of it.
func (s *Store) mark(tx *gorm.DB, row ticketRow, column string) error {
	if err := s.lockContact(tx, row.AccountID, row.OpenID, row.MemberID); err != nil {
		return err
	}
	return tx.Exec("UPDATE reach_contact SET "+column+" = ? WHERE account_id = ? AND openid = ?", s.DB.Now(), row.AccountID, row.OpenID).Error
}

// stopTx stops a channel until a moment; a longer stop stays.
func (s *Store) stopTx(tx *gorm.DB, row ticketRow, code string, until clock.Instant) error {
	account := row.AccountID
	if row.Channel == SMS {
		account = row.BrandID
	}
	now := s.DB.Now()
	r := tx.Exec("INSERT INTO reach_stop (account_id, channel, until_at, code, since_at) VALUES (?,?,?,?,?)"+s.DB.Once("account_id"), account, row.Channel, until, cut(code, 24), now)
	if r.Error != nil || r.RowsAffected == 1 {
		return r.Error
	}
	return tx.Exec("UPDATE reach_stop SET until_at = ?, code = ?, since_at = ? WHERE account_id = ? AND channel = ? AND until_at < ?", until, cut(code, 24), now, account, row.Channel, until).Error
}

// Resume opens a stopped channel before its time: what stopped it was put right. accountID
// is the brand's id for text messages.
func (s *Store) Resume(ctx context.Context, accountID id.ID, channel string) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE reach_stop SET until_at = ? WHERE account_id = ? AND channel = ? AND until_at > ?", s.DB.Now(), accountID, channel, s.DB.Now()).Error
	})
	if err != nil {
		return fmt.Errorf("reach: resume: %w", err)
	}
	return nil
}

// Refusal is the code of a refusal as EndTx wants it.
func Refusal(errcode int) string { return strconv.Itoa(errcode) }

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
