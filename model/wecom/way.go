package wecom

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a Way.
const (
	WayNew    = "new"    // WeCom has not heard of it
	WayMaking = "making" // WeCom is being asked
	WayUnsure = "unsure" // WeCom was asked and nobody knows whether it made one
	WayMade   = "made"   // WeCom has it; ready once JoinURL is known
	WayFailed = "failed" // WeCom refused to make it
	WayEnding = "ending" // somebody ended it, WeCom has not heard
	WayEnded  = "ended"
)

// WayGroups is how many groups a way may lead to, wayText how long its state, name and
// wayBase the name of groups WeCom opens may be (path/92229), in characters.
const (
	WayGroups = 5
	wayText   = 30
	wayBase   = 40
)

// wayLease is how long a worker has a way to itself; longer than its run may take, so who
// comes after it knows that it is dead.
const wayLease = 2 * time.Minute

// Way is WeCom's own live code of up to five customer groups (群活码). WeCom cannot be
// asked which ways there are, so one whose making ended in the dark is not made again
// before an operator says so: a lost one leads people nowhere, for nobody saw its picture.
type Way struct {
	ID         id.ID         `json:"id"`
	AccountID  id.ID         `json:"account_id"`
	BrandID    id.ID         `json:"brand_id"`
	Name       string        `json:"name"` // 备注, for the office
	Way        string        `json:"way"`  // a referral token, or ""
	Chats      []string      `json:"chat_ids" gorm:"serializer:json"`
	Sent       []string      `json:"-" gorm:"serializer:json"` // the Chats that WeCom was told
	AutoCreate bool          `json:"auto_create_room"`
	BaseName   string        `json:"room_base_name"`
	BaseNo     int           `json:"room_base_id"`
	State      string        `json:"state"`
	Attempt    int           `json:"attempt"`
	ConfigID   string        `json:"config_id"`
	JoinURL    string        `json:"join_url"` // what its picture says; "" until that was read
	Asked      int64         `json:"-"`
	Done       int64         `json:"-"`
	BusyUntil  clock.Instant `json:"-"`
	Error      string        `json:"error"`
	CreatedAt  clock.Instant `json:"created_at"`
	UpdatedAt  clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Way) TableName() string { return "wecom_way" }

// Ready says whether it leads people into its groups as it is wanted.
func (w Way) Ready() bool { return w.State == WayMade && w.JoinURL != "" && w.Asked == w.Done }

// WayDraft is what an operator says of a way.
type WayDraft struct {
	Name       string  `json:"name"`  // 备注, for the office
	ChatNos    []id.ID `json:"chats"` // Chat.ID, 1 to 5 of the same corp
	Way        string  `json:"way"`   // a referral token of the brand, or "": nobody
	AutoCreate bool    `json:"auto_create_room"`
	BaseName   string  `json:"room_base_name"`
	BaseNo     int     `json:"room_base_id"`
}

var errNoWay = fault.New(fault.NotFound, "wecom_way_not_found", "没有这个群活码")

func badWay(field, what string) error {
	return fault.NewInvalid("wecom_way", what).With("field", field)
}

func (d *WayDraft) check() error {
	d.Name, d.Way, d.BaseName = strings.TrimSpace(d.Name), strings.TrimSpace(d.Way), strings.TrimSpace(d.BaseName)
	long := func(s string, most int) bool {
		return !utf8.ValidString(s) || utf8.RuneCountInString(s) > most || strings.ContainsAny(s, "\r\n\x00")
	}
	switch {
	case d.Name == "" || long(d.Name, wayText):
		return badWay("name", "群活码名称应为 1 到 30 个字")
	case len(d.ChatNos) == 0 || len(d.ChatNos) > WayGroups:
		return badWay("chats", "一个群活码应选择 1 到 5 个客户群")
	case len(slices.Compact(slices.Sorted(slices.Values(d.ChatNos)))) != len(d.ChatNos):
		return badWay("chats", "每个客户群只能选择一次")
	case d.Way != "" && len(d.Way) > wayText:
		return badWay("way", "推荐码不正确")
	case long(d.BaseName, wayBase) || d.AutoCreate && d.BaseName == "":
		return badWay("room_base_name", "自动建群时应填写群名前缀，最多 40 个字")
	case d.BaseNo < 0 || d.BaseNo > 1_000_000:
		return badWay("room_base_id", "起始序号应为 0 到 1000000")
	}
	return nil
}

// wayChats finds the groups of a draft: live ones of the account that WeCom has told of.
func (s *Store) wayChats(ctx context.Context, a Account, nos []id.ID) ([]string, error) {
	var rows []Chat
	if err := s.DB.Read(ctx).Where("account_id = ? AND id IN ?", a.ID, nos).Find(&rows).Error; err != nil {
		return nil, wrap("way", err)
	}
	of := make(map[id.ID]Chat, len(rows))
	for _, c := range rows {
		of[c.ID] = c
	}
	out := make([]string, len(nos))
	for i, n := range nos {
		c, there := of[n]
		switch {
		case !there:
			return nil, badWay("chats", "所选客户群不属于这个企业微信")
		case c.State != Live || c.SyncedAt == 0:
			return nil, badWay("chats", "所选客户群已解散，或还没有同步完成")
		}
		out[i] = c.ChatID
	}
	return out, nil
}

func (s *Store) drawn(ctx context.Context, a Account, d WayDraft) (Way, error) {
	if err := d.check(); err != nil {
		return Way{}, err
	}
	if d.Way != "" {
		if s.Token == nil {
			return Way{}, badWay("way", "没有启用推荐关系，推荐码应留空")
		}
		if err := s.Token(ctx, a.BrandID, d.Way); err != nil {
			return Way{}, err
		}
	}
	chats, err := s.wayChats(ctx, a, d.ChatNos)
	return Way{AccountID: a.ID, BrandID: a.BrandID, Name: d.Name, Way: d.Way, Chats: chats, AutoCreate: d.AutoCreate, BaseName: d.BaseName, BaseNo: d.BaseNo}, err
}

// MakeWay writes down that a way is wanted; a job has WeCom make it. Faults: Invalid
// wecom_way, and those of Deps.Token.
func (s *Store) MakeWay(ctx context.Context, a Account, d WayDraft) (Way, error) {
	w, err := s.drawn(ctx, a, d)
	if err != nil {
		return Way{}, err
	}
	w.ID, w.Sent, w.State, w.Asked, w.CreatedAt, w.UpdatedAt = s.DB.NewID(), []string{}, WayNew, 1, s.DB.Now(), s.DB.Now()
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&w).Error; err != nil {
			return err
		}
		_, err := s.Outbox.PutTx(ctx, tx, TaskWay, w.ID, 0)
		return err
	})
	if err != nil {
		return Way{}, wrap("make way", err)
	}
	s.Outbox.Nudge()
	return w, nil
}

// ChangeWay writes down what a way should be from now on; its picture stays. A way that
// WeCom refused to make is tried again with it. Faults: as MakeWay, NotFound
// wecom_way_not_found, Conflict wecom_way_state.
func (s *Store) ChangeWay(ctx context.Context, row id.ID, d WayDraft) (Way, error) {
	old, err := s.WayOf(ctx, row)
	if err != nil {
		return Way{}, err
	}
	w, err := s.drawn(ctx, Account{ID: old.AccountID, BrandID: old.BrandID}, d)
	if err != nil {
		return Way{}, err
	}
	return s.askWay(ctx, row, []string{WayNew, WayMaking, WayMade, WayFailed}, func(is Way) Way {
		if is.State == WayFailed {
			w.State = WayNew
		} else {
			w.State = is.State
		}
		return w
	})
}

// EndWay has WeCom forget a way; its groups have no join code of it any more.
func (s *Store) EndWay(ctx context.Context, row id.ID) (Way, error) {
	return s.askWay(ctx, row, []string{WayNew, WayUnsure, WayMade, WayFailed, WayEnding, WayEnded}, func(w Way) Way {
		if w.State != WayEnded {
			w.State = WayEnding
		}
		return w
	})
}

// RetryWay asks WeCom again: to make one that failed or whose making ended in the dark, or
// to take over what a made one should be.
func (s *Store) RetryWay(ctx context.Context, row id.ID) (Way, error) {
	return s.askWay(ctx, row, []string{WayUnsure, WayFailed, WayMade, WayEnding}, func(w Way) Way {
		if w.State == WayUnsure || w.State == WayFailed {
			w.State = WayNew
		}
		return w
	})
}

// askWay changes what is wanted of a way, if it is in one of some states, and wakes a worker.
func (s *Store) askWay(ctx context.Context, row id.ID, from []string, to func(Way) Way) (Way, error) {
	var w Way
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		if r := tx.Exec("UPDATE wecom_way SET asked = asked + 1 WHERE id = ?", row); r.Error != nil || r.RowsAffected == 0 {
			return orMissing(r)
		}
		var is Way
		if err := tx.Where("id = ?", row).Take(&is).Error; err != nil {
			return err
		}
		if !slices.Contains(from, is.State) {
			return fault.New(fault.Conflict, "wecom_way_state", wayBlocked(is.State))
		}
		n := to(is)
		w = is
		w.Name, w.Way, w.Chats, w.AutoCreate, w.BaseName, w.BaseNo = n.Name, n.Way, n.Chats, n.AutoCreate, n.BaseName, n.BaseNo
		w.State, w.Error, w.UpdatedAt = n.State, "", s.DB.Now()
		err := tx.Model(&Way{}).Where("id = ?", row).Select("Name", "Way", "Chats", "AutoCreate", "BaseName", "BaseNo", "State", "Error", "UpdatedAt").Updates(&w).Error
		if err != nil {
			return err
		}
		_, err = s.Outbox.PutTx(ctx, tx, TaskWay, row, 0)
		return err
	})
	if err != nil {
		return Way{}, wrap("way", err)
	}
	s.Outbox.Nudge()
	return w, nil
}

func orMissing(r *gorm.DB) error {
	if r.Error != nil {
		return r.Error
	}
	return errNoWay
}

func wayBlocked(state string) string {
	switch state {
	case WayMaking:
		return "企业微信正在生成这个群活码，请稍后再试"
	case WayUnsure:
		return "上次生成的结果不明，请先重试或删除"
	case WayEnding, WayEnded:
		return "这个群活码已删除"
	}
	return "这个群活码目前不需要重试"
}

// WayOf reads one. Fault: NotFound wecom_way_not_found.
func (s *Store) WayOf(ctx context.Context, row id.ID) (Way, error) {
	var w Way
	err := s.DB.Read(ctx).Where("id = ?", row).Take(&w).Error
	if db.IsNotFound(err) {
		return w, errNoWay
	}
	return w, wrap("way", err)
}

// Ways pages an account's ways, newest first.
func (s *Store) Ways(ctx context.Context, accountID, before id.ID, limit int) ([]Way, error) {
	out := []Way{}
	err := db.Page(s.DB.Read(ctx).Where("account_id = ?", accountID), "wecom_way", before, limit).Find(&out).Error
	return out, wrap("ways", err)
}
