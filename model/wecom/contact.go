package wecom

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// States of a Contact.
const (
	Active  = "active"
	Half    = "half"    // he asked; the staff has not accepted
	Dropped = "dropped" // by the staff
	Left    = "left"    // by himself
	Lost    = "lost"    // WeCom knows of no such contact; which of the two, no push told
)

// Contact is one person as a contact of one of the staff (外部联系人).
type Contact struct {
	ID             id.ID         `json:"id"`
	AccountID      id.ID         `json:"account_id"`
	BrandID        id.ID         `json:"brand_id"`
	ExternalUserID string        `json:"-" gorm:"column:external_userid"`
	UserID         string        `json:"userid" gorm:"column:userid"` // of the staff
	MemberID       id.ID         `json:"member_id"`                   // 0: not looked at yet
	Way            string        `json:"-"`                           // may be a token of somebody's
	AddWay         int           `json:"add_way"`                     // as WeCom numbers it
	State          string        `json:"state"`
	SinceAt        clock.Instant `json:"since_at"`
	ChangedAt      clock.Instant `json:"changed_at"` // last word of WeCom on the state
	ToldAt         clock.Instant `json:"-"`
	Asked          int64         `json:"-"`
	Done           int64         `json:"-"`
	SeenRound      int64         `json:"-"`
	CreatedAt      clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Contact) TableName() string { return "wecom_contact" }

// Masked is the external_userid as lists show it.
func (c Contact) Masked() string {
	return identity.Key{Kind: identity.ExternalUserID, Value: c.ExternalUserID}.Masked()
}

// Seen is a contact as WeCom's API answers.
type Seen struct {
	ExternalUserID string
	UnionID        string
	UserID         string
	Way            string
	AddWay         int
	Since          clock.Instant
}

const contactColumns = "id, account_id, brand_id, external_userid, userid, member_id, way, add_way, state, since_at, changed_at, told_at, asked, done, seen_round, created_at"

func addContact(rows *db.Rows, c Contact) {
	rows.Add(c.ID, c.AccountID, c.BrandID, c.ExternalUserID, c.UserID, c.MemberID, c.Way, c.AddWay, c.State, c.SinceAt, c.ChangedAt, c.ToldAt, c.Asked, c.Done, c.SeenRound, c.CreatedAt)
}

// pushed is the state that a change of WeCom's means; "" changes none.
func pushed(change string) string {
	switch change {
	case "add_external_contact":
		return Active
	case "add_half_external_contact":
		return Half
	case "del_external_contact":
		return Dropped
	case "del_follow_user":
		return Left
	}
	return ""
}

// markContact notes what a push says of a contact and has WeCom asked.
func (s *Store) markContact(ctx context.Context, a Account, p Push, at clock.Instant) error {
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		state := pushed(p.ChangeType)
		now := s.DB.Now()
		c := Contact{ID: s.DB.NewID(), AccountID: a.ID, BrandID: a.BrandID, ExternalUserID: p.ExternalUserID, UserID: p.UserID, Way: cut(p.State, 64),
			State: state, SinceAt: at, ChangedAt: at, CreatedAt: now}
		if state == "" {
			c.State = Lost // until the look
		}
		rows := db.NewRows("wecom_contact", contactColumns)
		addContact(rows, c)
		made, err := rows.Insert(ctx, tx, s.DB.Once("account_id"))
		if err != nil {
			return err
		}
		var old Contact
		if err := tx.Where("account_id = ? AND external_userid = ? AND userid = ?", a.ID, p.ExternalUserID, p.UserID).Take(&old).Error; err != nil {
			return err
		}
		if made == 0 && state != "" {
			set := map[string]any{"state": state, "changed_at": at}
			if state == Active && old.State != Active {
				set["since_at"] = at
			}
			// Who comes anew came by what this push says, also if that is no way of ours: the
			// way of the time before was another act of his.
			if p.State != "" || state == Active && old.State != Active {
				set["way"] = cut(p.State, 64)
			}
			// What he asked is older than what was accepted in the same second.
			where := "id = ? AND changed_at <= ?"
			if state == Half {
				where = "id = ? AND changed_at < ?"
			}
			if err := tx.Model(&Contact{}).Where(where, old.ID, at).Updates(set).Error; err != nil {
				return err
			}
		}
		return s.markTx(ctx, tx, "wecom_contact", TaskContact, old.ID, false)
	})
	if err == nil {
		s.Outbox.Nudge()
	}
	return wrap("mark contact", err)
}

// ContactToLook is a contact that WeCom has to be asked about; ok is false when the
// answer to everything asked is there. Fault: NotFound wecom_contact_not_found.
func (s *Store) ContactToLook(ctx context.Context, row id.ID) (c Contact, ok bool, err error) {
	err = s.DB.Read(ctx).Where("id = ?", row).Take(&c).Error
	if db.IsNotFound(err) {
		return c, false, fault.New(fault.NotFound, "wecom_contact_not_found", "没有这个外部联系人")
	}
	return c, err == nil && c.Asked > c.Done, wrap("contact", err)
}

// PutLook writes what WeCom answered about one person: every one of the staff who has
// him. began is when the look began. It returns whether to look again.
func (s *Store) PutLook(ctx context.Context, c Contact, list []Seen, began clock.Instant) (more bool, err error) {
	a, err := s.Accounts(ctx, c.AccountID)
	if err != nil {
		return false, err
	}
	if err := s.putContacts(ctx, a, list, began, 0); err != nil {
		return false, err
	}
	staff := []string{""} // never empty: NOT IN () is no SQL
	for _, x := range list {
		staff = append(staff, x.UserID)
	}
	if err := s.lose(ctx, s.DB.Read(ctx).Where("account_id = ? AND external_userid = ? AND userid NOT IN ?", a.ID, c.ExternalUserID, staff), began); err != nil {
		return false, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		more, err = doneTx(tx, "wecom_contact", c.ID, c.Asked, map[string]any{})
		return err
	})
	return more, wrap("look", err)
}

// putContacts writes contacts that WeCom named, tells of those who are new, and notes the
// round. began is when WeCom was asked: later pushes know better.
func (s *Store) putContacts(ctx context.Context, a Account, list []Seen, began clock.Instant, round int64) error {
	list = slices.DeleteFunc(slices.Clone(list), func(x Seen) bool {
		return !idForm.MatchString(x.ExternalUserID) || !idForm.MatchString(x.UserID)
	})
	if len(list) == 0 {
		return nil
	}
	keys := map[string]person{}
	for _, x := range list {
		keys[x.ExternalUserID] = person{x.ExternalUserID, x.UnionID}
	}
	names := slices.Sorted(maps.Keys(keys))
	persons := make([]person, len(names))
	for i, n := range names {
		persons[i] = keys[n]
	}
	members, err := s.people(ctx, a.CorpID, persons, 0)
	if err != nil {
		return err
	}
	var untold []Contact
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		untold = nil
		rows := db.NewRows("wecom_contact", contactColumns)
		for _, x := range list {
			if x.Since <= 0 { // WeCom forgot to say
				x.Since = began
			}
			addContact(rows, Contact{ID: s.DB.NewID(), AccountID: a.ID, BrandID: a.BrandID, ExternalUserID: x.ExternalUserID, UserID: x.UserID,
				MemberID: members[x.ExternalUserID], Way: cut(x.Way, 64), AddWay: x.AddWay, State: Active, SinceAt: x.Since, ChangedAt: x.Since, SeenRound: round, CreatedAt: s.DB.Now()})
		}
		if _, err := rows.Insert(ctx, tx, s.DB.Once("account_id")); err != nil {
			return err
		}
		var there []Contact
		if err := tx.Where("account_id = ? AND external_userid IN ?", a.ID, names).Order("id").Find(&there).Error; err != nil {
			return err
		}
		for _, old := range there {
			i := slices.IndexFunc(list, func(x Seen) bool { return x.ExternalUserID == old.ExternalUserID && x.UserID == old.UserID })
			if i < 0 {
				continue
			}
			c, err := s.refresh(tx, old, list[i], members[old.ExternalUserID], began, round)
			if err != nil {
				return err
			}
			if c.State == Active && c.MemberID != 0 && c.ToldAt != c.SinceAt {
				untold = append(untold, c)
			}
		}
		return nil
	})
	if err != nil {
		return wrap("contacts", err)
	}
	return s.tellContacts(ctx, untold)
}

// refresh brings a row up to what WeCom answered and returns it as it is then.
func (s *Store) refresh(tx *gorm.DB, old Contact, x Seen, memberID id.ID, began clock.Instant, round int64) (Contact, error) {
	c := old
	c.AddWay, c.SeenRound = x.AddWay, max(round, old.SeenRound)
	if c.MemberID = old.MemberID; memberID != 0 {
		c.MemberID = memberID
	}
	if x.Way != "" || old.State != Active && old.State != Half && x.Since > old.SinceAt { // he came anew
		c.Way = cut(x.Way, 64)
	}
	if x.Since <= 0 {
		x.Since = old.SinceAt
	}
	if old.ChangedAt <= began { // a push since then knows better
		c.State, c.SinceAt, c.ChangedAt = Active, x.Since, max(old.ChangedAt, x.Since)
	}
	if c == old {
		return c, nil
	}
	r := tx.Model(&Contact{}).Where("id = ? AND changed_at = ?", old.ID, old.ChangedAt).Updates(map[string]any{"member_id": c.MemberID, "way": c.Way, "add_way": c.AddWay,
		"state": c.State, "since_at": c.SinceAt, "changed_at": c.ChangedAt, "seen_round": c.SeenRound})
	if r.Error == nil && r.RowsAffected == 0 {
		return old, nil // a push came between: its own look follows
	}
	return c, r.Error
}

// tellContacts reports new contacts once: as events, and to who follows up on ways. A
// crash before told_at is written tells again, under the same keys.
func (s *Store) tellContacts(ctx context.Context, list []Contact) error {
	if len(list) == 0 {
		return nil
	}
	events := make([]event.Event, len(list))
	for i, c := range list {
		events[i] = contactEvent(c, "wecom_contact", c.SinceAt, "wecom_contact_added")
	}
	if _, err := s.Events.Put(ctx, events); err != nil {
		return err
	}
	for _, c := range list {
		if err := s.tellWay(ctx, Came{c.BrandID, c.MemberID, c.Way, c.SinceAt}); err != nil {
			return err
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE wecom_contact SET told_at = ? WHERE id = ? AND since_at = ?", c.SinceAt, c.ID, c.SinceAt).Error
		})
		if err != nil {
			return wrap("told", err)
		}
	}
	return nil
}

func (s *Store) tellWay(ctx context.Context, c Came) error {
	if s.OnWay == nil || c.Way == "" || c.MemberID == 0 {
		return nil
	}
	return s.OnWay(ctx, c)
}

// contactEvent: the member and not the external_userid, keys outlive the person.
func contactEvent(c Contact, key string, at clock.Instant, name string) event.Event {
	return event.Event{Key: fmt.Sprintf("%s:%d:%d", key, c.ID, at), Type: event.Custom, BrandID: c.BrandID, MemberID: c.MemberID, Channel: event.WeChat, At: at,
		Body: event.Body(map[string]any{"name": name, "data": map[string]any{"account_id": c.AccountID.String(), "userid": c.UserID}})}
}

// lose ends contacts that WeCom does not name any more, and tells of all that ended.
func (s *Store) lose(ctx context.Context, q *gorm.DB, began clock.Instant) error {
	var list []Contact
	if err := q.Where("state <> ? AND (told_at <> 0 OR state = ?)", Half, Active).Order("id").Find(&list).Error; err != nil {
		return wrap("lose", err)
	}
	for _, c := range list {
		if c.State == Active {
			if c.ChangedAt > began {
				continue // came after WeCom was asked
			}
			c.State, c.ChangedAt = Lost, began
			var gone bool
			err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
				r := tx.Exec("UPDATE wecom_contact SET state = ?, changed_at = ? WHERE id = ? AND state = ? AND changed_at <= ?", Lost, began, c.ID, Active, began)
				gone = r.RowsAffected == 1
				return r.Error
			})
			if err != nil || !gone {
				return wrap("lose", err)
			}
		}
		if c.ToldAt == 0 || c.MemberID == 0 {
			continue // nobody heard that he came
		}
		if _, err := s.Events.Put(ctx, []event.Event{contactEvent(c, "wecom_contact_end", c.ChangedAt, "wecom_contact_ended")}); err != nil {
			return err
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE wecom_contact SET told_at = 0 WHERE id = ? AND told_at = ?", c.ID, c.ToldAt).Error
		})
		if err != nil {
			return wrap("lose", err)
		}
	}
	return nil
}

// Contacts pages an account's contacts, newest first, of one state if given.
func (s *Store) Contacts(ctx context.Context, accountID id.ID, state string, before id.ID, limit int) ([]Contact, error) {
	q := s.DB.Read(ctx).Where("account_id = ?", accountID)
	if state != "" {
		q = q.Where("state = ?", state)
	}
	out := []Contact{}
	err := db.Page(q, "wecom_contact", before, limit).Find(&out).Error
	return out, wrap("contacts", err)
}
