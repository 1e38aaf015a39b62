package tag

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// Who writes scores.
const (
	ByPanel = "panel"
	ByOpen  = "open" // a partner's key, through the open API
)

// Writer is who writes scores: KeyID is his key.
type Writer struct {
	Source string
	KeyID  id.ID
	Bad    int // rows of the call that could not even be read: they are counted too
}

// Feed is what was written of a version of a model's tag. Rows that were sent twice count
// twice.
type Feed struct {
	TagID     id.ID         `json:"-"`
	Version   int           `json:"version"`
	Source    string        `json:"source"` // of the last call: panel or open
	APIKeyID  id.ID         `json:"api_key_id"`
	FirstAt   clock.Instant `json:"first_at"`
	LastAt    clock.Instant `json:"last_at"`
	Calls     int64         `json:"calls"`
	Written   int64         `json:"written"`
	Same      int64         `json:"same" gorm:"column:same_rows"`
	Gone      int64         `json:"gone"`       // of the written: values that were taken back
	NoConsent int64         `json:"no_consent"` // refused: these people do not allow profiling
	Older     int64         `json:"older"`      // refused: a newer version had spoken
	Unknown   int64         `json:"unknown" gorm:"column:unknown_rows"`
	Bad       int64         `json:"bad" gorm:"column:bad_rows"`
	People    int64         `json:"people"` // humans of whom it has the last word, as of the tag's count
}

// TableName names the table for GORM.
func (Feed) TableName() string { return "tag_feed" }

// feedsShown is how many versions a page tells of.
const feedsShown = 5

// feedOf begins the numbers of a call with what is known before anything is written.
func feedOf(list []Scored) (f Feed) {
	f.Calls = 1
	for _, x := range list {
		f.add(x.Outcome)
	}
	return f
}

func (f *Feed) add(outcome string) {
	switch outcome {
	case Written:
		f.Written++
	case Same:
		f.Same++
	case NoConsent:
		f.NoConsent++
	case Older:
		f.Older++
	case Unknown:
		f.Unknown++
	case Bad:
		f.Bad++
	}
}

// feedTx adds to the numbers of a version.
func (s *Store) feedTx(ctx context.Context, tx *gorm.DB, t Tag, from Writer, version int, f Feed) error {
	now := s.DB.Now()
	tail, old, next := " ON CONFLICT (tag_id, version) DO UPDATE SET ", "tag_feed.", "excluded."
	if s.DB.Driver() == db.MySQL {
		tail, old = " ON DUPLICATE KEY UPDATE ", ""
	}
	set := ""
	for _, c := range []string{"source", "api_key_id", "last_at"} {
		set += c + " = " + value(s.DB.Driver(), next, c) + ", "
	}
	for i, c := range []string{"calls", "written", "same_rows", "gone", "no_consent", "older", "unknown_rows", "bad_rows"} {
		if i > 0 {
			set += ", "
		}
		set += c + " = " + old + c + " + " + value(s.DB.Driver(), next, c)
	}
	_, err := db.Exec(ctx, tx, "INSERT INTO tag_feed (tag_id, version, source, api_key_id, first_at, last_at, calls, written, same_rows, gone, no_consent, older, unknown_rows, bad_rows) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"+tail+set,
		t.ID, version, from.Source, from.KeyID, now, now, f.Calls, f.Written, f.Same, f.Gone, f.NoConsent, f.Older, f.Unknown, f.Bad)
	if err != nil {
		return fmt.Errorf("tag: feed: %w", err)
	}
	return nil
}

// value is what a row to be inserted has in a column, where there is one already.
func value(driver, next, column string) string {
	if driver == db.MySQL {
		return "VALUES(" + column + ")"
	}
	return next + column
}

// tookBack is the newest version of a model that took values back; 0: none did.
func tookBack(tx *gorm.DB, tagID id.ID) (version int, err error) {
	err = tx.Raw("SELECT COALESCE(MAX(version), 0) FROM tag_feed WHERE tag_id = ? AND gone > 0", tagID).Scan(&version).Error
	if err != nil {
		return 0, fmt.Errorf("tag: feed: %w", err)
	}
	return version, nil
}

// Feeds are the versions of a model that were written last, newest first.
func (s *Store) Feeds(ctx context.Context, tagID id.ID) ([]Feed, error) {
	out := []Feed{}
	if err := s.DB.Read(ctx).Where("tag_id = ?", tagID).Order("version DESC").Limit(feedsShown).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: feeds: %w", err)
	}
	return out, nil
}

// oursTx are those of some members whom the brand knows: it has an event of theirs, or they
// follow one of its accounts. Of anybody else its models say nothing, and are not told that
// there is such a person.
func (s *Store) oursTx(tx *gorm.DB, brandID id.ID, members []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	if len(members) == 0 {
		return out, nil
	}
	var found []id.ID
	err := tx.Raw(`SELECT m.id FROM member m WHERE m.id IN ? AND (EXISTS (SELECT 1 FROM follower w JOIN account a ON a.id = w.account_id WHERE w.member_id = m.id AND w.following = 1 AND a.brand_id = ?)
		OR EXISTS (SELECT 1 FROM event e WHERE e.member_id = m.id AND e.brand_id = ?))`, members, brandID, brandID).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("tag: people of a brand: %w", err)
	}
	for _, m := range found {
		out[m] = true
	}
	return out, nil
}
