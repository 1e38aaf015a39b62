package reach

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// maxTopic is the longest topic in characters. A topic is shown to people as it is written.
const maxTopic = 20

var topicForm = regexp.MustCompile(`^[\pL\pN][\pL\pN _.·、-]*$`)

// GoodTopic says whether a topic can be refused by people.
func GoodTopic(t string) bool {
	return utf8.RuneCountInString(t) <= maxTopic && topicForm.MatchString(t)
}

// Wish is what a person says of messages (消息偏好). BrandID 0: of all brands; Topic and
// Channel "": all offers. A topic of its own covers what is no offer too.
type Wish struct {
	MemberID id.ID         `json:"member_id"`
	BrandID  id.ID         `json:"brand_id"`
	Topic    string        `json:"topic"`
	Channel  string        `json:"channel"`
	Refused  bool          `json:"refused"`
	Source   string        `json:"source"` // ByLink, h5, mini, operator, ...
	ByID     id.ID         `json:"by_id"`  // operator who wrote it down
	At       clock.Instant `json:"at"`
	// PushID is the push whose own link said so, PushChannel the way it came.
	PushID      id.ID  `json:"-"`
	PushChannel string `json:"-"`
}

// ByLink is the source of a wish that came with the link of a message: of whoever has it.
const ByLink = "link"

type optout = Wish

func (w Wish) check() error {
	switch {
	case w.MemberID == 0:
		return fault.NewInvalid("reach_wish", "没有这个会员").With("field", "member_id")
	case w.Topic != "" && !GoodTopic(w.Topic):
		return fault.Invalidf("reach_wish", "主题应为 1 到 %d 个汉字、字母或数字", maxTopic).With("field", "topic")
	case w.Channel != "" && !slices.Contains(Channels(), w.Channel):
		return fault.NewInvalid("reach_wish", "没有这个渠道").With("field", "channel")
	case len(w.Source) > 16:
		return fault.NewInvalid("reach_wish", "来源太长").With("field", "source")
	}
	return nil
}

// OptOut notes that a member wants no messages. Saying it again changes nothing but who said
// it: his own word takes the place of a link's, never the other way round. Fault: Invalid
// reach_wish.
func (s *Store) OptOut(ctx context.Context, w Wish) error { w.Refused = true; return s.wish(ctx, w) }

// OptIn notes that a member wants messages again: this wish of his, also if he said it
// under another of his accounts. Fault: Invalid reach_wish.
func (s *Store) OptIn(ctx context.Context, w Wish) error { w.Refused = false; return s.wish(ctx, w) }

func (s *Store) wish(ctx context.Context, w Wish) error {
	if err := w.check(); err != nil {
		return err
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		family, err := s.Members.FamilyTx(tx, w.MemberID)
		if err != nil {
			return err
		}
		// Later than what he said before even when the clock stands: the last word counts.
		var last []Wish
		if err := tx.Raw("SELECT member_id, refused, source, at FROM reach_optout WHERE member_id IN ? AND brand_id = ? AND topic = ? AND channel = ? ORDER BY at DESC, refused DESC LIMIT 1", family, w.BrandID, w.Topic, w.Channel).Scan(&last).Error; err != nil {
			return err
		}
		if len(last) == 0 && w.Topic != "" {
			if err := fewTopics(tx, family); err != nil {
				return err
			}
		}
		w.At = s.DB.Now()
		moves := w.Refused
		if len(last) == 1 {
			moves = last[0].Refused != w.Refused
			if !moves && w.Source == ByLink {
				w.Source = last[0].Source // what he said himself stays his
			}
			if !moves && last[0].MemberID == w.MemberID && last[0].Source == w.Source {
				return nil
			}
			w.At = max(w.At, last[0].At+1)
		}
		if moves {
			if err := s.movedTx(ctx, tx, w, family); err != nil {
				return err
			}
		}
		r := tx.Exec("INSERT INTO reach_optout (member_id, brand_id, topic, channel, refused, source, by_id, at) VALUES (?,?,?,?,?,?,?,?)"+s.DB.Once("member_id"), w.MemberID, w.BrandID, w.Topic, w.Channel, w.Refused, w.Source, w.ByID, w.At)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE reach_optout SET refused = ?, source = ?, by_id = ?, at = ? WHERE member_id = ? AND brand_id = ? AND topic = ? AND channel = ?", w.Refused, w.Source, w.ByID, w.At, w.MemberID, w.BrandID, w.Topic, w.Channel).Error
	})
	if err != nil {
		return fmt.Errorf("reach: wish: %w", err)
	}
	return nil
}

// topicsMost is about how many topics one human may have said something of.
const topicsMost = 100

func fewTopics(tx *gorm.DB, family []id.ID) error {
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM reach_optout WHERE member_id IN ? AND topic <> ''", family).Scan(&n).Error
	if err == nil && n >= topicsMost {
		err = fault.NewInvalid("reach_wish", "设置过的主题太多了，请退订这个品牌的全部营销消息").With("field", "topic")
	}
	return err
}

// Preferences are the wishes of the human behind a member that count at present, of a
// brand and of all brands. Fault: NotFound member_not_found.
func (s *Store) Preferences(ctx context.Context, brandID, memberID id.ID) ([]Wish, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	var rows []Wish
	err = s.DB.Read(ctx).Raw("SELECT member_id, brand_id, topic, channel, refused, source, by_id, at FROM reach_optout WHERE member_id IN ? AND brand_id IN (0, ?) ORDER BY brand_id, topic, channel, at, refused, member_id", family, brandID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reach: preferences: %w", err)
	}
	out := []Wish{}
	for _, w := range rows { // oldest first: the last of a kind stays
		if n := len(out); n > 0 && out[n-1].BrandID == w.BrandID && out[n-1].Topic == w.Topic && out[n-1].Channel == w.Channel {
			out[n-1] = w
			continue
		}
		out = append(out, w)
	}
	return out, nil
}
