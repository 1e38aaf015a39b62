package push

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// A link's token is the delivery (8 bytes), the number of the link (1) and a keyed hash of
// both (9), as 24 characters. Who guesses one needs 2^72 tries.
const (
	linkBytes = 18
	macBytes  = 9
)

var errLink = fault.New(fault.NotFound, "link_unknown", "链接无效或已过期")

func (s *Store) linkMAC(head []byte) []byte {
	h := hmac.New(sha256.New, s.LinkKey)
	h.Write(head)
	return h.Sum(nil)[:macBytes]
}

// Token is the signed name of one link in one copy.
func (s *Store) Token(deliveryID id.ID, no int) string {
	b := make([]byte, 0, linkBytes)
	b = binary.BigEndian.AppendUint64(b, uint64(deliveryID))
	b = append(b, byte(no))
	return base64.RawURLEncoding.EncodeToString(append(b, s.linkMAC(b)...))
}

func (s *Store) linkTo(deliveryID id.ID, no int) string {
	return s.PublicURL + "/l/" + s.Token(deliveryID, no)
}

// read is Token backwards; ok is false for what we did not sign.
func (s *Store) read(token string) (deliveryID id.ID, no int, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != linkBytes || !hmac.Equal(b[linkBytes-macBytes:], s.linkMAC(b[:linkBytes-macBytes])) {
		return 0, 0, false
	}
	return id.ID(binary.BigEndian.Uint64(b)), int(b[8]), true
}

// Click notes that somebody opened a link and says where it leads: to an address of the
// push, never to one that the caller names. A forged token costs no SQL. WeChat fetches
// links to show them, too, so the number of clicks is not that of people's taps; the first
// one of a copy's link becomes an event of the member (message_clicked), and no other.
// Fault: NotFound link_unknown.
func (s *Store) Click(ctx context.Context, token string) (url string, err error) {
	return s.follow(ctx, token, true)
}

// Leads says where a link leads, to who fetches it without anybody having opened it: a
// browser ahead of time, a crawler. It counts nothing. Fault: NotFound link_unknown.
func (s *Store) Leads(ctx context.Context, token string) (url string, err error) {
	return s.follow(ctx, token, false)
}

func (s *Store) follow(ctx context.Context, token string, opened bool) (url string, err error) {
	deliveryID, no, ok := s.read(token)
	if !ok {
		return "", errLink
	}
	if no == stopNo { // a page that asks what to stop, and no click on what is offered
		return s.PublicURL + "/l/" + token + "/stop", nil
	}
	var rows []opening
	err = s.DB.Read(ctx).Raw("SELECT d.id, d.run_id, d.member_id, d.arm, d.use_no, COALESCE(t.push_id, d.run_id) AS push_id, CASE WHEN m.state = ? THEN 1 ELSE 0 END AS gone FROM push_delivery d LEFT JOIN push_test t ON t.id = d.run_id LEFT JOIN member m ON m.id = d.member_id WHERE d.id = ?",
		member.Erased, deliveryID).Scan(&rows).Error
	if err != nil {
		return "", fmt.Errorf("push: click: %w", err)
	}
	if len(rows) == 0 {
		return "", errLink
	}
	d := rows[0]
	p, err := s.Get(ctx, d.PushID)
	if err != nil {
		return "", err
	}
	if no < 1 || no > len(p.Links) {
		return "", errLink
	}
	if d.Gone || !opened {
		return p.Links[no-1].URL, nil
	}
	first := false
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		first, err = s.clickTx(ctx, tx, p, d, no)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("push: click: %w", err)
	}
	if first {
		s.Outbox.Nudge()
	}
	return p.Links[no-1].URL, nil
}

// clickTx counts a click; the first of a link is told.
func (s *Store) clickTx(ctx context.Context, tx *gorm.DB, p Push, d opening, no int) (first bool, err error) {
	now := s.DB.Now()
	r, err := db.Exec(ctx, tx, "INSERT INTO push_click (delivery_id, link_no, run_id, member_id, arm, first_at, last_at, clicks) VALUES (?,?,?,?,?,?,?,1)"+s.DB.Once("clicks"), d.ID, no, d.RunID, d.MemberID, d.Arm, now, now)
	if err != nil {
		return false, err
	}
	switch n, err := r.RowsAffected(); {
	case err != nil:
		return false, err
	case n != 1:
		return false, tx.Exec("UPDATE push_click SET clicks = clicks + 1, last_at = ? WHERE delivery_id = ? AND link_no = ?", now, d.ID, no).Error
	case d.RunID != d.PushID: // of a test
		return false, nil
	}
	return true, s.tappedTx(ctx, tx, p, d, no, now)
}
