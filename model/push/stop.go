package push

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/reach"
)

// Stop is the word whose place in a text takes the address at which who was sent it stops
// more of it, without logging in: a text message opens in any browser.
const Stop = "退订"

// stopNo is that address among a copy's links.
const stopNo = 0

// Copy is one person's message, as the holder of its link may act on it.
type Copy struct {
	MemberID id.ID
	BrandID  id.ID
	Purpose  string
	Topic    string
	Channel  string
	PushID   id.ID // 0: a test
}

// CopyOf is the copy whose stop address a token is. A forged token costs no SQL. Fault:
// NotFound link_unknown.
func (s *Store) CopyOf(ctx context.Context, token string) (Copy, error) {
	deliveryID, no, ok := s.read(token)
	if !ok || no != stopNo {
		return Copy{}, errLink
	}
	var rows []Copy
	err := s.DB.Read(ctx).Raw("SELECT d.member_id, p.brand_id, p.purpose, p.topic, d.channel, CASE WHEN t.id IS NULL THEN p.id ELSE 0 END AS push_id FROM push_delivery d LEFT JOIN push_test t ON t.id = d.run_id JOIN push p ON p.id = COALESCE(t.push_id, d.run_id) WHERE d.id = ?", deliveryID).Scan(&rows).Error
	if err != nil {
		return Copy{}, fmt.Errorf("push: copy: %w", err)
	}
	if len(rows) == 0 {
		return Copy{}, errLink
	}
	return rows[0], nil
}

// Answers is the push that a wish of somebody's answers (reach.Deps.Told): the copy that
// reached his family last, since then.
func (s *Store) Answers(ctx context.Context, tx *gorm.DB, w reach.Wish, family []id.ID, since clock.Instant) (reach.Last, error) {
	q := tx.WithContext(ctx).Table("push_delivery d").Select("p.id AS push_id, p.brand_id, d.channel").Joins("JOIN push p ON p.id = d.run_id").
		Where("d.member_id IN ? AND d.moved_at >= ? AND d.state = ?", family, since, Sent)
	if w.BrandID != 0 {
		q = q.Where("p.brand_id = ?", w.BrandID)
	}
	if w.Topic != "" {
		q = q.Where("p.topic = ?", w.Topic)
	}
	if w.Channel != "" {
		q = q.Where("d.channel = ?", w.Channel)
	}
	var rows []reach.Last
	if err := q.Order("d.moved_at DESC, d.id DESC").Limit(1).Scan(&rows).Error; err != nil {
		return reach.Last{}, fmt.Errorf("push: answers: %w", err)
	}
	if len(rows) == 0 {
		return reach.Last{}, nil
	}
	return rows[0], nil
}
