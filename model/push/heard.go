package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/reach"
)

// Events that say what became of messages that WeChat took, as it writes them.
const (
	eventTemplate  = "TEMPLATESENDJOBFINISH"
	eventMass      = "MASSSENDJOBFINISH"
	eventSubscribe = "subscribe_msg_sent_event"
)

// States of what was heard.
const (
	heardSent = "sent" // the copy went out; no report yet
	heardTold = "told" // a report of what nobody knows of yet
	heardBoth = "both" // to be applied
	heardDone = "done"
)

const (
	// subscribeFor is how long the report of a subscribe message without an id is waited for
	// before the next one of the same template to the same person is told from it.
	subscribeFor = time.Hour
	heardOnce    = 200 // rows that one chore applies, or forgets in one commit
	heardDays    = 14  // how long a report waits for its copy, and a copy for its report
	twoFit       = -1  // in delivery_id
)

// heard is what WeChat reports of one message, or of one call to many.
type heard struct {
	AccountID  id.ID
	MsgKey     string
	RunID      id.ID
	DeliveryID id.ID
	CallID     id.ID
	State      string
	Reason     string // why it did not arrive; "": it did
	Code       string // WeChat's words
	TotalN     int
	MeantN     int
	SentN      int
	FailedN    int
	SentAt     clock.Instant // when it was first called
	ToldAt     clock.Instant // WeChat's clock, in whole seconds
	At         clock.Instant // when the row was last written
}

const heardColumns = "account_id, msg_key, run_id, delivery_id, call_id, state, reason, code, total_n, meant_n, sent_n, failed_n, sent_at, told_at, at"

// byID and byWhom are the keys of a message whose answer named an id, and of a subscribe
// message whose answer did not: bizsend answers without one.
func byID(msgID string) string { return "i:" + msgID }

func byWhom(openID, templateID string) string {
	sum := sha256.Sum256([]byte(openID + "\n" + templateID))
	return "s:" + base64.RawURLEncoding.EncodeToString(sum[:24])
}

// Hear gives a stored report of an account its effect on the copy it is about, or keeps it
// until the copy's own answer is written. Hearing it again changes nothing. A notice that
// reports nothing of the kind has no effect. Fault: Invalid notice_body.
func (s *Store) Hear(ctx context.Context, n notice.Notice) error {
	if n.Source != notice.Official && n.Source != notice.Mini {
		return nil
	}
	var m follow.Message
	if err := json.Unmarshal(n.Body, &m); err != nil {
		return fault.NewInvalid("notice_body", "通知内容无法解析").Because(err)
	}
	at := clock.From(time.Unix(m.CreatedAt, 0))
	switch {
	case m.Event == eventTemplate && m.MsgID != "" && m.Status != "":
		return s.hear(ctx, heard{AccountID: n.AccountID, MsgKey: byID(m.MsgID), Reason: templateReason(m.Status), Code: m.Status, ToldAt: at})
	case m.Event == eventMass && m.MsgID != "" && m.Status != "":
		h := heard{AccountID: n.AccountID, MsgKey: byID(m.MsgID), Code: m.Status, ToldAt: at}
		if c := m.Counts; c != nil {
			h.TotalN, h.MeantN, h.SentN, h.FailedN = c.Total, c.Meant, c.Sent, c.Failed
		}
		h.Reason = massReason(m.Status, h.SentN)
		return s.hear(ctx, h)
	case m.Event == eventSubscribe:
		for _, r := range m.Results {
			h := heard{AccountID: n.AccountID, Reason: subscribeReason(r.Code, r.Status), Code: strings.TrimSpace(r.Code + " " + r.Status), ToldAt: at}
			if err := s.hearSubscribe(ctx, h, n.Source == notice.Mini, r, m.OpenID); err != nil {
				return err
			}
		}
	}
	return nil
}

// hearSubscribe finds out by which key the copy is known; of one that is not known yet, the
// key that its answer will have.
func (s *Store) hearSubscribe(ctx context.Context, h heard, mini bool, r follow.Result, openID string) error {
	keys := []string{byWhom(openID, r.TemplateID)}
	if r.MsgID != "" {
		keys = append(keys, byID(r.MsgID))
	}
	var known []string
	if err := s.DB.Read(ctx).Raw("SELECT msg_key FROM push_heard WHERE account_id = ? AND msg_key IN ? AND run_id <> 0 ORDER BY msg_key LIMIT 1", h.AccountID, keys).Scan(&known).Error; err != nil {
		return fmt.Errorf("push: hear: %w", err)
	}
	switch {
	case len(known) == 1: // an id sorts before a digest
		h.MsgKey = known[0]
	case mini && r.MsgID != "":
		h.MsgKey = byID(r.MsgID)
	default:
		h.MsgKey = keys[0]
	}
	return s.hear(ctx, h)
}

// hear keeps a report in its row, which is the copy's, too: whoever comes second finds both.
func (s *Store) hear(ctx context.Context, h heard) error {
	if len(h.MsgKey) > 48 {
		return nil // no id of WeChat's
	}
	h.Code = cut(h.Code, 32)
	both := false
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		both = false
		now := s.DB.Now()
		r := tx.Exec("INSERT INTO push_heard ("+heardColumns+") VALUES (?,?,0,0,0,?,?,?,?,?,?,?,0,?,?)"+s.DB.Once("account_id"),
			h.AccountID, h.MsgKey, heardTold, h.Reason, h.Code, h.TotalN, h.MeantN, h.SentN, h.FailedN, h.ToldAt, now)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		var was []heard
		if err := tx.Raw("SELECT "+heardColumns+" FROM push_heard WHERE account_id = ? AND msg_key = ?"+s.lock(), h.AccountID, h.MsgKey).Scan(&was).Error; err != nil || len(was) == 0 {
			return err
		}
		state := heardTold
		if was[0].RunID != 0 {
			state = heardBoth
		}
		if both = state == heardBoth; both && h.ToldAt.Add(time.Second) <= was[0].SentAt && strings.HasPrefix(h.MsgKey, "s:") {
			both = false
			return nil // of one before it
		}
		return tx.Exec("UPDATE push_heard SET state = ?, reason = ?, code = ?, total_n = ?, meant_n = ?, sent_n = ?, failed_n = ?, told_at = ?, at = ? WHERE account_id = ? AND msg_key = ?",
			state, h.Reason, h.Code, h.TotalN, h.MeantN, h.SentN, h.FailedN, h.ToldAt, now, h.AccountID, h.MsgKey).Error
	})
	if err != nil {
		return fmt.Errorf("push: hear: %w", err)
	}
	if !both {
		return nil
	}
	return s.settle(ctx, h.AccountID, h.MsgKey)
}

// expectTx notes under which ids WeChat will report of copies that went out. first is when
// each was first called. What it reported already is applied by Heard.
func (s *Store) expectTx(ctx context.Context, tx *gorm.DB, r Run, out []row, of map[id.ID]Outcome, now clock.Instant) error {
	list, keys := map[string]heard{}, []string{}
	for _, d := range out {
		o := of[d.ID]
		h := heard{AccountID: o.Way.AccountID, RunID: r.RunID, DeliveryID: d.ID, State: heardSent, SentAt: d.FirstAt, At: now}
		switch {
		case o.MsgID != "" && len(o.MsgID) <= 32:
			h.MsgKey = byID(o.MsgID)
		case d.Channel == reach.Subscribe:
			h.MsgKey = byWhom(o.OpenID, o.Way.TemplateID)
		default:
			continue
		}
		if d.many() {
			h.DeliveryID, h.CallID = 0, d.CallID
		}
		place := fmt.Sprint(h.AccountID, " ", h.MsgKey)
		if _, there := list[place]; !there {
			keys = append(keys, place)
		}
		list[place] = h
	}
	slices.Sort(keys) // lanes write in one order
	rows := db.NewRows("push_heard", heardColumns)
	for _, k := range keys {
		h := list[k]
		rows.Add(h.AccountID, h.MsgKey, h.RunID, h.DeliveryID, h.CallID, h.State, "", "", 0, 0, 0, 0, h.SentAt, 0, h.At)
	}
	n, err := rows.Insert(ctx, tx, s.DB.Once("account_id"))
	if err != nil || n == int64(len(keys)) {
		return err
	}
	for _, k := range keys { // rarely: a report was faster, or the call was repeated
		if err := s.meetTx(tx, list[k], now); err != nil {
			return err
		}
	}
	return nil
}

// cut keeps at most n characters.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}
