package event

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a dead letter.
const (
	Waiting   = "waiting"
	Replayed  = "replayed"
	Discarded = "discarded"
)

// deadMost is how many dead letters of one key may wait; more are rejected.
const deadMost = 10_000

// DeadLetter (死信) is a report that could not be stored.
type DeadLetter struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	APIKeyID  id.ID         `json:"api_key_id" gorm:"column:api_key_id"`
	EventKey  string        `json:"key"` // the partner's
	Code      string        `json:"code"`
	Reason    string        `json:"reason"`
	State     string        `json:"state"`
	CreatedAt clock.Instant `json:"created_at"`
	MovedAt   clock.Instant `json:"moved_at"`
	Raw       []byte        `json:"-"`
	// Content is what was reported, persons' values masked; only Letter fills it.
	Content *Content `json:"content,omitempty" gorm:"-"`
}

// TableName names the table for GORM.
func (DeadLetter) TableName() string { return "event_dead" }

// Content is a dead letter as an operator sees it.
type Content struct {
	Type   string          `json:"type"`
	At     clock.Instant   `json:"at"`
	Person []PersonKey     `json:"person"`
	Body   json.RawMessage `json:"body"`
}

// letter is a report as it is kept: numbers are hashes.
type letter struct {
	Key    string          `json:"key"`
	Type   string          `json:"type"`
	At     clock.Instant   `json:"at"`
	Person []letterKey     `json:"person"`
	Body   json.RawMessage `json:"body,omitempty"`
	member id.ID           // an operator says who it is
}

type letterKey struct {
	Kind   string `json:"kind"`
	Scope  string `json:"scope"`
	Value  string `json:"value"`
	Hashed bool   `json:"hashed"`
}

func (l *letter) keep(keys []PersonKey) {
	l.Person = nil
	for _, k := range keys {
		l.Person = append(l.Person, letterKey{k.Kind, k.Scope, k.Value, k.hashed})
	}
}

func (l *letter) keys() (keys []PersonKey) {
	for _, k := range l.Person {
		keys = append(keys, PersonKey{k.Kind, k.Scope, k.Value, k.Hashed})
	}
	return keys
}

func deadPlace(letterID id.ID) string { return "event_dead:" + letterID.String() }

// bury keeps what could not be stored. A letter whose key waits already replaces it.
func (in *Intake) bury(ctx context.Context, from apikey.Key, letters []letter, outcomes []Outcome) error {
	var dead []int
	for i := range outcomes {
		if outcomes[i].Status == Dead {
			dead = append(dead, i)
		}
	}
	if dead == nil {
		return nil
	}
	var waiting int
	err := in.s.db.Read(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM event_dead WHERE api_key_id = ? AND state = ? LIMIT ?) w", from.ID, Waiting, deadMost).Scan(&waiting).Error
	if err != nil {
		return fmt.Errorf("event: dead letters: %w", err)
	}
	err = in.s.db.InTx(ctx, func(tx *gorm.DB) error {
		for n, i := range dead {
			if waiting+n >= deadMost {
				outcomes[i].Status = Rejected
				continue
			}
			if err := in.buryTx(tx, from, &letters[i], outcomes[i].Fault); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("event: dead letter: %w", err)
	}
	return nil
}

func (in *Intake) buryTx(tx *gorm.DB, from apikey.Key, l *letter, why *fault.Fault) error {
	row := DeadLetter{ID: in.s.db.NewID(), BrandID: from.BrandID, APIKeyID: from.ID, EventKey: l.Key,
		Code: cut(why.Code, 48), Reason: cut(why.Text, 300), State: Waiting, CreatedAt: in.s.db.Now()}
	raw, err := in.seal(row.ID, l)
	if err != nil {
		return err
	}
	r := tx.Exec("INSERT INTO event_dead (id, brand_id, api_key_id, event_key, raw, code, reason, state, created_at, moved_at) VALUES (?,?,?,?,?,?,?,?,?,0)"+in.s.db.Once("state"),
		row.ID, row.BrandID, row.APIKeyID, row.EventKey, raw, row.Code, row.Reason, row.State, row.CreatedAt)
	if r.Error != nil || r.RowsAffected == 1 {
		return r.Error
	}
	var old DeadLetter
	if err := tx.Select("id").Where("api_key_id = ? AND event_key = ?", from.ID, l.Key).Take(&old).Error; err != nil {
		return err
	}
	if raw, err = in.seal(old.ID, l); err != nil {
		return err
	}
	return tx.Model(&DeadLetter{}).Where("id = ? AND state = ?", old.ID, Waiting).
		Updates(map[string]any{"raw": raw, "code": row.Code, "reason": row.Reason}).Error
}

func (in *Intake) seal(letterID id.ID, l *letter) ([]byte, error) {
	if !json.Valid(l.Body) { // kept as the text that it is
		b, err := json.Marshal(string(l.Body))
		if err != nil {
			return nil, err
		}
		l.Body = b
	}
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return in.box.Seal(deadPlace(letterID), plain), nil
}

// Letters lists dead letters, of a brand and in a state if those are named, newest
// first, at most limit before a row (0: the newest). Without their content.
func (in *Intake) Letters(ctx context.Context, brandID id.ID, state string, before id.ID, limit int) ([]DeadLetter, error) {
	list := []DeadLetter{}
	err := db.Page(in.letters(ctx, brandID, state).Omit("raw"), "event_dead", before, limit).Find(&list).Error
	return list, err
}

// CountLetters is how many there are, up to db.MaxTotal.
func (in *Intake) CountLetters(ctx context.Context, brandID id.ID, state string) (n int, more bool, err error) {
	return db.Total(in.letters(ctx, brandID, state))
}

func (in *Intake) letters(ctx context.Context, brandID id.ID, state string) *gorm.DB {
	q := in.s.db.Read(ctx).Model(&DeadLetter{})
	if brandID != 0 {
		q = q.Where("brand_id = ?", brandID)
	}
	if state != "" {
		q = q.Where("state = ?", state)
	}
	return q
}

// Letter reads one with its content. Fault: NotFound letter_not_found.
func (in *Intake) Letter(ctx context.Context, letterID id.ID) (DeadLetter, error) {
	d, l, err := in.open(ctx, letterID)
	if err != nil {
		return d, err
	}
	d.Content = &Content{Type: l.Type, At: l.At, Person: l.keys(), Body: l.Body}
	for i, k := range d.Content.Person {
		d.Content.Person[i].Value = masked(k)
	}
	return d, nil
}

// masked is enough of a key to compare it with another system, and not enough to use it.
func masked(k PersonKey) string {
	r := []rune(k.Value)
	if k.hashed || len(r) < 5 {
		return "****"
	}
	return string(r[:2]) + "****" + string(r[len(r)-2:])
}

func (in *Intake) open(ctx context.Context, letterID id.ID) (d DeadLetter, l letter, err error) {
	err = in.s.db.Read(ctx).Where("id = ?", letterID).Take(&d).Error
	if db.IsNotFound(err) {
		return d, l, fault.New(fault.NotFound, "letter_not_found", "没有这条死信")
	}
	if err != nil {
		return d, l, fmt.Errorf("event: dead letter: %w", err)
	}
	plain, err := in.box.Open(deadPlace(letterID), d.Raw)
	if err == nil {
		err = json.Unmarshal(plain, &l)
	}
	if err != nil {
		err = fmt.Errorf("event: dead letter %d: %w", letterID, err)
	}
	return d, l, err
}

// Correction replaces parts of a dead letter; what is empty stays. An operator names the
// member and not his number: what operators send is kept in the audit.
type Correction struct {
	Type     string          `json:"type"`
	At       clock.Instant   `json:"at"`
	MemberID id.ID           `json:"member_id"`
	Body     json.RawMessage `json:"body"`
}

// Replay takes a dead letter again, corrected if the operator says so, by the rules of the
// key it came with. Replaying one that was stored is no fault.
// Faults: NotFound letter_not_found, member_not_found; Conflict letter_discarded,
// event_conflict; and why it still cannot be stored, which the letter then says too.
func (in *Intake) Replay(ctx context.Context, letterID id.ID, c Correction) (DeadLetter, error) {
	d, l, err := in.open(ctx, letterID)
	if err != nil || d.State == Replayed {
		return d, err
	}
	if d.State == Discarded {
		return d, fault.New(fault.Conflict, "letter_discarded", "这条死信已丢弃")
	}
	from, err := in.keys.Get(ctx, d.APIKeyID)
	if err != nil {
		return d, err
	}
	if c.Type != "" {
		l.Type = c.Type
	}
	if c.At != 0 {
		l.At = c.At
	}
	if len(c.Body) > 0 {
		l.Body = c.Body
	}
	if c.MemberID != 0 {
		m, err := in.members.Get(ctx, c.MemberID)
		if err != nil {
			return d, err
		}
		l.member = m.ID
	}
	outcome := []Outcome{{}}
	if err := in.take(ctx, from, []letter{l}, outcome); err != nil {
		return d, err
	}
	if why := outcome[0].Fault; why != nil {
		if err := in.move(ctx, d.ID, Waiting, map[string]any{"code": cut(why.Code, 48), "reason": cut(why.Text, 300)}); err != nil {
			return d, err
		}
		return d, why
	}
	if err := in.move(ctx, d.ID, Replayed, map[string]any{"moved_at": in.s.db.Now()}); err != nil {
		return d, err
	}
	return in.Letter(ctx, letterID)
}

// Discard ends a dead letter that will never be stored; twice is no fault.
// Faults: NotFound letter_not_found; Conflict letter_replayed.
func (in *Intake) Discard(ctx context.Context, letterID id.ID) (DeadLetter, error) {
	if err := in.move(ctx, letterID, Discarded, map[string]any{"moved_at": in.s.db.Now()}); err != nil {
		return DeadLetter{}, err
	}
	d, err := in.Letter(ctx, letterID)
	if err == nil && d.State == Replayed {
		err = fault.New(fault.Conflict, "letter_replayed", "这条死信已重放成功")
	}
	return d, err
}

func (in *Intake) move(ctx context.Context, letterID id.ID, to string, set map[string]any) error {
	set["state"] = to
	return in.s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&DeadLetter{}).Where("id = ? AND state = ?", letterID, Waiting).Updates(set).Error
	})
}

// Prune deletes dead letters older than a moment, whatever their state, at most limit:
// what nobody could name after months is nobody's to keep. It says how many.
func (in *Intake) Prune(ctx context.Context, before clock.Instant, limit int) (n int, err error) {
	err = in.s.db.InTx(ctx, func(tx *gorm.DB) error {
		n = 0
		for _, state := range []string{Waiting, Replayed, Discarded} {
			var ids []id.ID
			if err := tx.Model(&DeadLetter{}).Where("state = ? AND created_at < ?", state, before).Limit(limit-n).Pluck("id", &ids).Error; err != nil {
				return err
			}
			if len(ids) == 0 {
				continue
			}
			if err := tx.Where("id IN ?", ids).Delete(&DeadLetter{}).Error; err != nil {
				return err
			}
			n += len(ids)
		}
		return nil
	})
	return n, err
}
