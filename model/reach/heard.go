package reach

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/notice"
)

// Deeds that open a window.
const (
	deedMessage = "message"
	deedMenu    = "menu"
	deedFollow  = "follow"
	deedScan    = "scan"
	deedEnter   = "enter"
)

// Events that the ledger lives on, as WeChat writes them.
const (
	eventClick      = "CLICK"
	eventView       = "VIEW"
	eventViewMini   = "view_miniprogram"
	eventEnter      = "user_enter_tempsession"
	eventPopup      = "subscribe_msg_popup_event"
	eventChange     = "subscribe_msg_change_event"
	eventSubSent    = "subscribe_msg_sent_event"
	eventTemplate   = "TEMPLATESENDJOBFINISH"
	statusAccept    = "accept"
	statusReject    = "reject"
	statusUserBlock = "failed:user block"
)

// deedOf is what a push says that the person did. Menu entries that open a page are not in
// WeChat's list of what opens a window: only clicks are.
func deedOf(m follow.Message) string {
	if m.Type != "event" {
		return deedMessage
	}
	switch m.Event {
	case follow.Subscribe:
		return deedFollow
	case follow.Scan:
		return deedScan
	case eventClick:
		return deedMenu
	case eventEnter:
		return deedEnter
	}
	return ""
}

// Apply gives a stored push of an official account or mini program its effect on the
// ledger; a push that means nothing here has none. It comes after follow's. Faults:
// Invalid notice_body, login_malformed: the notice can never be applied.
func (s *Store) Apply(ctx context.Context, n notice.Notice) error {
	if n.Source != notice.Official && n.Source != notice.Mini {
		return nil
	}
	var m follow.Message
	if err := json.Unmarshal(n.Body, &m); err != nil {
		return fault.NewInvalid("notice_body", "通知内容无法解析").Because(err)
	}
	deed := deedOf(m)
	switch {
	case deed != "", m.Event == follow.Unsubscribe, m.Event == eventTemplate && m.Status != "", len(m.Grants) > 0:
	default:
		return nil
	}
	a, err := s.app(ctx, n.AccountID)
	if err != nil {
		return err
	}
	person, err := s.People.Meet(ctx, m.AppID, m.OpenID)
	if err != nil {
		return err
	}
	who, err := s.Members.Of(ctx, person)
	if err != nil {
		return err
	}
	h := heard{Store: s, account: n.AccountID, kind: a.kind, member: who.ID, m: m, at: clock.From(time.Unix(m.CreatedAt, 0))}
	policy, err := s.Policy(ctx, a.brandID)
	if err != nil {
		return err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if err := s.lockContact(tx, h.account, m.OpenID, h.member); err != nil {
			return err
		}
		switch {
		case m.Event == follow.Unsubscribe:
			return h.left(tx)
		case m.Event == eventTemplate:
			return h.finished(tx)
		case len(m.Grants) > 0:
			return h.granted(tx)
		}
		return h.did(tx, policy, deed)
	})
	if err != nil {
		return fmt.Errorf("reach: %s: %w", m.Event, err)
	}
	return nil
}

// lockContact makes the row of an openid and takes its lock: all that is written of an
// openid by reports follows one another.
func (s *Store) lockContact(tx *gorm.DB, account id.ID, openID string, memberID id.ID) error {
	err := tx.Exec("INSERT INTO reach_contact (account_id, openid, member_id, version, closed_at, gone_at, blocked_at) VALUES (?,?,?,0,0,0,0)"+s.DB.Once("account_id"), account, openID, memberID).Error
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE reach_contact SET version = version + 1, member_id = ? WHERE account_id = ? AND openid = ?", memberID, account, openID).Error
}

// heard is one report.
type heard struct {
	*Store
	account, member id.ID
	kind            string
	m               follow.Message
	at              clock.Instant
}

// closed is when the person left last: what he did before counts no more.
func (h heard) closed(tx *gorm.DB) (at clock.Instant, err error) {
	err = tx.Raw("SELECT closed_at FROM reach_contact WHERE account_id = ? AND openid = ?", h.account, h.m.OpenID).Scan(&at).Error
	return at, err
}

// did opens the window of a deed, unless it is older than what is known.
func (h heard) did(tx *gorm.DB, p Policy, deed string) error {
	closed, err := h.closed(tx)
	if err != nil || h.at <= closed {
		return err
	}
	if deed == deedFollow || h.kind == brand.Mini { // he is there
		err := tx.Exec("UPDATE reach_contact SET blocked_at = 0, gone_at = 0 WHERE account_id = ? AND openid = ? AND blocked_at <= ? AND gone_at <= ?", h.account, h.m.OpenID, h.at, h.at).Error
		if err != nil {
			return err
		}
	}
	count, life := p.window(h.kind, deed)
	if count == 0 {
		return nil
	}
	// The row first, for its lock, which whoever sends needs, too: messages that went out after the deed
	// and before this report took from the window that the deed had opened at WeChat, also
	// those that go out just now.
	until := h.at.Add(life)
	r := tx.Exec("INSERT INTO reach_window (account_id, openid, deed, member_id, opened_at, until_at, left_n) VALUES (?,?,?,?,?,?,0)"+h.DB.Once("account_id"), h.account, h.m.OpenID, deed, h.member, h.at, until)
	if r.Error != nil {
		return r.Error
	}
	var since int
	if err := tx.Raw("SELECT COUNT(*) FROM reach_ticket WHERE account_id = ? AND openid = ? AND taken_at >= ? AND channel = ? AND state <> ?", h.account, h.m.OpenID, h.at, Custom, Refused).Scan(&since).Error; err != nil {
		return err
	}
	older := h.at
	if r.RowsAffected == 1 {
		older++ // the row is this one's
	}
	return tx.Exec("UPDATE reach_window SET member_id = ?, opened_at = ?, until_at = ?, left_n = ? WHERE account_id = ? AND openid = ? AND deed = ? AND opened_at < ?",
		h.member, h.at, until, max(0, count-since), h.account, h.m.OpenID, deed, older).Error
}

// left closes everything that was open when the person left.
func (h heard) left(tx *gorm.DB) error {
	for _, x := range []struct {
		stmt string
		args []any
	}{
		{"UPDATE reach_contact SET closed_at = ? WHERE account_id = ? AND openid = ? AND closed_at < ?", []any{h.at, h.account, h.m.OpenID, h.at}},
		{"DELETE FROM reach_window WHERE account_id = ? AND openid = ? AND opened_at <= ?", []any{h.account, h.m.OpenID, h.at}},
		{"UPDATE reach_grant SET left_n = 0, reset_at = ?, changed_at = ? WHERE account_id = ? AND openid = ? AND reset_at < ?", []any{h.at, h.DB.Now(), h.account, h.m.OpenID, h.at}},
	} {
		if err := tx.Exec(x.stmt, x.args...).Error; err != nil {
			return err
		}
	}
	return nil
}

// finished is the end of a template message.
func (h heard) finished(tx *gorm.DB) error {
	blocked := clock.Instant(0)
	switch h.m.Status {
	case "success":
	case statusUserBlock, "failed: user block":
		blocked = h.at
	default:
		return nil // WeChat's own trouble says nothing of the person
	}
	return tx.Exec("UPDATE reach_contact SET blocked_at = ? WHERE account_id = ? AND openid = ? AND blocked_at <= ?", blocked, h.account, h.m.OpenID, h.at).Error
}

// granted counts what the person allowed or took back.
func (h heard) granted(tx *gorm.DB) error {
	closed := clock.Instant(0)
	if h.kind == brand.Official {
		var err error
		if closed, err = h.closed(tx); err != nil {
			return err
		}
	}
	for i, g := range h.m.Grants {
		if g.TemplateID == "" || len(g.TemplateID) > 64 {
			continue
		}
		if err := h.grant(tx, g, i, closed); err != nil {
			return err
		}
	}
	return nil
}

func (h heard) grant(tx *gorm.DB, g follow.Grant, place int, closed clock.Instant) error {
	add := h.m.Event == eventPopup && g.Status == statusAccept
	reset := h.m.Event == eventChange && g.Status == statusReject
	if !add && !reset || h.at <= closed {
		return nil
	}
	now := h.DB.Now()
	err := tx.Exec("INSERT INTO reach_grant (account_id, openid, template_id, member_id, left_n, reset_at, changed_at) VALUES (?,?,?,?,0,?,?)"+h.DB.Once("account_id"),
		h.account, h.m.OpenID, g.TemplateID, h.member, closed, now).Error
	if err != nil {
		return err
	}
	const where = " WHERE account_id = ? AND openid = ? AND template_id = ? AND reset_at < ?"
	if reset {
		return tx.Exec("UPDATE reach_grant SET left_n = 0, reset_at = ?, changed_at = ?"+where, h.at, now, h.account, h.m.OpenID, g.TemplateID, h.at).Error
	}
	fresh, err := h.once(tx, fmt.Sprintf("grant\n%d\n%s\n%s\n%d\n%d", h.account, h.m.OpenID, g.TemplateID, h.m.CreatedAt, place))
	if err != nil || !fresh {
		return err
	}
	return tx.Exec("UPDATE reach_grant SET left_n = left_n + 1, member_id = ?, changed_at = ?"+where, h.member, now, h.account, h.m.OpenID, g.TemplateID, h.at).Error
}

// once says whether a report that adds to a number is new.
func (h heard) once(tx *gorm.DB, of string) (bool, error) {
	sum := sha256.Sum256([]byte(of))
	r := tx.Exec("INSERT INTO reach_seen (seen_key, at) VALUES (?,?)"+h.DB.Once("seen_key"), base64.RawURLEncoding.EncodeToString(sum[:]), h.DB.Now())
	return r.RowsAffected == 1, r.Error
}

// Spent notes a customer-service message that went out by another way, once by its key,
// which must be an id of ours. It takes from the window that WeChat takes from.
func (s *Store) Spent(ctx context.Context, messageID, brandID, accountID, memberID id.ID, openID string, at clock.Instant) error {
	policy, err := s.Policy(ctx, brandID)
	if err != nil {
		return err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if err := s.lockContact(tx, accountID, openID, memberID); err != nil {
			return err
		}
		var open []window
		if err := tx.Raw("SELECT deed, opened_at FROM reach_window WHERE account_id = ? AND openid = ? AND until_at > ? AND opened_at <= ? AND left_n > 0 ORDER BY until_at, deed LIMIT 1", accountID, openID, at, at).Scan(&open).Error; err != nil {
			return err
		}
		row := ticketRow{ID: s.DB.NewID(), DeliveryID: messageID, BrandID: brandID, MemberID: memberID, Purpose: Service, Channel: Custom, AccountID: accountID,
			OpenID: openID, DayNo: clock.DayOf(at), TakenAt: at, State: Sent, EndedAt: at}
		if len(open) == 1 {
			row.Deed, row.WindowAt = open[0].Deed, open[0].OpenedAt
		}
		r := tx.Exec("INSERT INTO reach_ticket ("+ticketColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"+s.DB.Once("id"), row.ID, row.DeliveryID, row.BrandID, row.MemberID, row.Purpose, row.Channel, row.AccountID, "", row.OpenID, "",
			row.Deed, row.WindowAt, row.DayNo, row.TakenAt, row.State, "", row.EndedAt)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		// It is sent whether the day has calls left or not.
		if _, err := s.callTx(tx, key{accountID, Custom}, row.DayNo, policy.perDay(Custom), int64(messageID)); err != nil || len(open) == 0 {
			return err
		}
		return tx.Exec("UPDATE reach_window SET left_n = left_n - 1 WHERE account_id = ? AND openid = ? AND deed = ? AND opened_at = ? AND left_n > 0", accountID, openID, row.Deed, row.WindowAt).Error
	})
	if err != nil {
		return fmt.Errorf("reach: spent: %w", err)
	}
	return nil
}
