package wecom

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a Chat.
const (
	Live      = "live"
	Dismissed = "dismissed"
)

// Chat is a customer group as WeCom knows it (客户群).
type Chat struct {
	ID            id.ID         `json:"id"`
	AccountID     id.ID         `json:"account_id"`
	BrandID       id.ID         `json:"brand_id"`
	ChatID        string        `json:"chat_id"`
	State         string        `json:"state"`
	Owner         string        `json:"owner"` // userid of the staff
	Size          int           `json:"size"`
	MemberVersion string        `json:"-"`
	Asked         int64         `json:"-"`
	Done          int64         `json:"-"`
	SeenRound     int64         `json:"-"`
	SyncedAt      clock.Instant `json:"synced_at"` // 0: never
	Error         string        `json:"error"`     // why the last look failed
	CreatedAt     clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Chat) TableName() string { return "wecom_chat" }

// ChatMember is who is or was in a group.
type ChatMember struct {
	ChatNo    id.ID         `json:"-"` // Chat.ID
	UserID    string        `json:"-" gorm:"column:userid"`
	MemberID  id.ID         `json:"member_id"` // 0: of the staff
	JoinScene int           `json:"join_scene"`
	Way       string        `json:"-"`
	JoinedAt  clock.Instant `json:"joined_at"`
	LeftAt    clock.Instant `json:"left_at"` // 0: is in it
	ToldAt    clock.Instant `json:"-"`
}

// TableName names the table for GORM.
func (ChatMember) TableName() string { return "wecom_chat_member" }

// SeenChat is a group as WeCom's API answers.
type SeenChat struct {
	Name, Owner, Version string
	Members              []SeenMember
}

// SeenMember is one in it.
type SeenMember struct {
	UserID    string
	External  bool
	UnionID   string
	JoinScene int
	Way       string
	JoinedAt  clock.Instant
}

// MarkChats has WeCom asked about groups, making rows for new ones. round is that of the
// sync that named them, 0 for a push.
func (s *Store) MarkChats(ctx context.Context, a Account, chatIDs []string, round int64) error {
	chatIDs = slices.DeleteFunc(slices.Clone(chatIDs), func(c string) bool { return !idForm.MatchString(c) })
	if len(chatIDs) == 0 {
		return nil
	}
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		rows := db.NewRows("wecom_chat", "id, account_id, brand_id, chat_id, state, owner, size, member_version, asked, done, seen_round, synced_at, error, created_at")
		for _, c := range chatIDs {
			rows.Add(s.DB.NewID(), a.ID, a.BrandID, c, Live, "", 0, "", 0, 0, 0, 0, "", s.DB.Now())
		}
		if _, err := rows.Insert(ctx, tx, s.DB.Once("account_id")); err != nil {
			return err
		}
		var list []id.ID
		for part := range slices.Chunk(chatIDs, 500) {
			var some []id.ID
			if err := tx.Model(&Chat{}).Where("account_id = ? AND chat_id IN ?", a.ID, part).Pluck("id", &some).Error; err != nil {
				return err
			}
			list = append(list, some...)
		}
		slices.Sort(list) // one order everywhere
		for _, row := range list {
			if err := s.markTx(ctx, tx, "wecom_chat", TaskChat, row, round != 0); err != nil {
				return err
			}
		}
		if round == 0 {
			return nil
		}
		for part := range slices.Chunk(list, 500) {
			if err := tx.Exec("UPDATE wecom_chat SET seen_round = ? WHERE id IN ? AND seen_round < ?", round, part, round).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.Outbox.Nudge()
	}
	return wrap("mark chats", err)
}

// ChatToLook is a group that WeCom has to be asked about; ok is false when the answer to
// everything asked is there. Fault: NotFound wecom_chat_not_found.
func (s *Store) ChatToLook(ctx context.Context, row id.ID) (c Chat, ok bool, err error) {
	err = s.DB.Read(ctx).Where("id = ?", row).Take(&c).Error
	if db.IsNotFound(err) {
		return c, false, fault.New(fault.NotFound, "wecom_chat_not_found", "没有这个客户群")
	}
	return c, err == nil && c.Asked > c.Done, wrap("chat", err)
}

// PutChat writes what WeCom answered about a group. began is when the look began. It
// returns whether to look again.
func (s *Store) PutChat(ctx context.Context, c Chat, seen SeenChat, began clock.Instant) (more bool, err error) {
	a, err := s.Accounts(ctx, c.AccountID)
	if err != nil {
		return false, err
	}
	var persons []person
	for _, m := range seen.Members {
		if m.External && idForm.MatchString(m.UserID) {
			persons = append(persons, person{m.UserID, m.UnionID})
		}
	}
	members, err := s.people(ctx, a.CorpID, persons, c.ID)
	if err != nil {
		return false, err
	}
	var untold []ChatMember
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		untold = nil
		newest, err := s.claimChat(tx, c.ID, began, map[string]any{"state": Live, "owner": cut(seen.Owner, 64), "size": len(seen.Members),
			"member_version": cut(seen.Version, 64), "error": ""})
		if err != nil || !newest {
			return err
		}
		untold, err = s.putMembersTx(ctx, tx, c.ID, seen.Members, members, began)
		return err
	})
	if err != nil {
		return false, wrap("put chat", err)
	}
	if err := s.hand(ctx, Community{BrandID: c.BrandID, ChatID: c.ChatID, Name: seen.Name, Owner: seen.Owner, Size: len(seen.Members), At: began}); err != nil {
		return false, err
	}
	if err := s.tellMembers(ctx, c, untold); err != nil {
		return false, err
	}
	return s.chatDone(ctx, c)
}

// EndChat writes that a group was dismissed.
func (s *Store) EndChat(ctx context.Context, c Chat, began clock.Instant) (more bool, err error) {
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		newest, err := s.claimChat(tx, c.ID, began, map[string]any{"state": Dismissed, "size": 0, "error": ""})
		if err != nil || !newest {
			return err
		}
		return tx.Exec("UPDATE wecom_chat_member SET left_at = ? WHERE chat_no = ? AND left_at = 0", began, c.ID).Error
	})
	if err != nil {
		return false, wrap("end chat", err)
	}
	if c.SyncedAt != 0 { // of a group nobody ever heard of there is nothing to end
		if err := s.hand(ctx, Community{BrandID: c.BrandID, ChatID: c.ChatID, Owner: c.Owner, At: began, Dismissed: true}); err != nil {
			return false, err
		}
	}
	return s.chatDone(ctx, c)
}

// FailChat notes why a group cannot be read; the next push or round asks again.
func (s *Store) FailChat(ctx context.Context, c Chat, why string) (more bool, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		more, err = doneTx(tx, "wecom_chat", c.ID, c.Asked, map[string]any{"error": cut(why, 200)})
		return err
	})
	return more, wrap("fail chat", err)
}

// claimChat takes the row for an answer unless a younger one is there: two looks at one
// group may overlap, and the slower one must not bring the past back.
func (s *Store) claimChat(tx *gorm.DB, row id.ID, began clock.Instant, set map[string]any) (newest bool, err error) {
	set["synced_at"] = began
	r := tx.Model(&Chat{}).Where("id = ? AND synced_at <= ?", row, began).Updates(set)
	return r.RowsAffected == 1, r.Error
}

func (s *Store) chatDone(ctx context.Context, c Chat) (more bool, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		more, err = doneTx(tx, "wecom_chat", c.ID, c.Asked, map[string]any{"error": ""})
		return err
	})
	return more, wrap("chat done", err)
}

func (s *Store) hand(ctx context.Context, c Community) error {
	if s.Groups == nil {
		return nil
	}
	return s.Groups(ctx, c)
}

// putMembersTx writes who came and who left, and returns who came by a way that was not
// told yet.
func (s *Store) putMembersTx(ctx context.Context, tx *gorm.DB, chat id.ID, list []SeenMember, members map[string]id.ID, began clock.Instant) ([]ChatMember, error) {
	var old []ChatMember
	if err := tx.Where("chat_no = ?", chat).Find(&old).Error; err != nil {
		return nil, err
	}
	known := make(map[string]ChatMember, len(old))
	for _, m := range old {
		known[m.UserID] = m
	}
	var untold []ChatMember
	rows := db.NewRows("wecom_chat_member", "chat_no, userid, member_id, join_scene, way, joined_at, left_at, told_at")
	for _, x := range list {
		if !idForm.MatchString(x.UserID) {
			continue
		}
		m := ChatMember{ChatNo: chat, UserID: x.UserID, MemberID: members[x.UserID], JoinScene: x.JoinScene, Way: cut(x.Way, 64), JoinedAt: x.JoinedAt}
		was, there := known[x.UserID]
		delete(known, x.UserID)
		if m.ToldAt = was.ToldAt; was.JoinedAt != m.JoinedAt {
			m.ToldAt = 0
		}
		if m.ToldAt == 0 && m.Way != "" && m.MemberID != 0 {
			untold = append(untold, m)
		}
		switch {
		case !there:
			rows.Add(m.ChatNo, m.UserID, m.MemberID, m.JoinScene, m.Way, m.JoinedAt, 0, 0)
		case was != m:
			err := tx.Model(&ChatMember{}).Where("chat_no = ? AND userid = ?", chat, m.UserID).Updates(map[string]any{"member_id": m.MemberID,
				"join_scene": m.JoinScene, "way": m.Way, "joined_at": m.JoinedAt, "left_at": 0, "told_at": m.ToldAt}).Error
			if err != nil {
				return nil, err
			}
		}
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return nil, err
	}
	var gone []string
	for _, m := range known {
		if m.LeftAt == 0 {
			gone = append(gone, m.UserID)
		}
	}
	slices.Sort(gone)
	for part := range slices.Chunk(gone, 500) {
		if err := tx.Exec("UPDATE wecom_chat_member SET left_at = ? WHERE chat_no = ? AND userid IN ?", began, chat, part).Error; err != nil {
			return nil, err
		}
	}
	return untold, nil
}

func (s *Store) tellMembers(ctx context.Context, c Chat, list []ChatMember) error {
	for _, m := range list {
		if err := s.tellWay(ctx, Came{c.BrandID, m.MemberID, m.Way, m.JoinedAt}); err != nil {
			return err
		}
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE wecom_chat_member SET told_at = ? WHERE chat_no = ? AND userid = ? AND joined_at = ?", m.JoinedAt, c.ID, m.UserID, m.JoinedAt).Error
		})
		if err != nil {
			return wrap("told", err)
		}
	}
	return nil
}

// Chats pages an account's groups, newest first.
func (s *Store) Chats(ctx context.Context, accountID, before id.ID, limit int) ([]Chat, error) {
	out := []Chat{}
	err := db.Page(s.DB.Read(ctx).Where("account_id = ?", accountID), "wecom_chat", before, limit).Find(&out).Error
	return out, wrap("chats", err)
}

// ChatMembers lists who is or was in a group, in the order of their coming.
func (s *Store) ChatMembers(ctx context.Context, chat id.ID) ([]ChatMember, error) {
	out := []ChatMember{}
	err := s.DB.Read(ctx).Where("chat_no = ?", chat).Order("joined_at, userid").Find(&out).Error
	return out, wrap("chat members", err)
}
