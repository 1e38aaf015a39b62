package tag

import (
	"context"
	"encoding/json"
	"fmt"
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

const day = 24 * time.Hour

// Request is what somebody asks for (标签需求), and what of a tag may be edited later.
type Request struct {
	BrandID        id.ID
	Class          string
	CategoryID     id.ID
	Name           string
	Kind           string
	Purpose        string
	IntendedUse    string
	OwnerID        id.ID
	Sensitive      bool
	Roles          []string
	TTLDays        int
	RefreshMinutes int
	ReviewDays     int
	IdleDays       int
	ByID           id.ID
}

// Shortest refresh: computing everybody costs a database what a page of the panel does not.
const minRefresh = 60

func (r *Request) check() error {
	for field, v := range map[string]*string{"name": &r.Name, "purpose": &r.Purpose, "intended_use": &r.IntendedUse} {
		*v = strings.TrimSpace(*v)
		if n := utf8.RuneCountInString(*v); n == 0 || n > 200 || field == "name" && n > 20 {
			return fault.NewInvalid("tag_request", map[string]string{"name": "请填写标签名称，最多 20 个字", "purpose": "请写明标签的业务目的，最多 200 个字",
				"intended_use": "请写明标签打算用在哪里，最多 200 个字"}[field]).With("field", field)
		}
	}
	bad := func(field, text string) error { return fault.NewInvalid("tag_request", text).With("field", field) }
	switch {
	case className(r.Class) == "":
		return bad("class", "请选择五类标签之一")
	case r.Kind != Fact && r.Kind != Rule && r.Kind != Model:
		return bad("kind", "标签种类是事实、规则或模型")
	case r.OwnerID == 0:
		return bad("owner_id", "请指定标签负责人")
	case r.Sensitive && len(r.Roles) == 0:
		return bad("roles", "敏感标签要指定哪些角色可以看和用")
	case r.TTLDays < 0 || r.TTLDays > maxDays:
		return bad("ttl_days", "有效天数 0 到 3660，0 为一直有效")
	case r.RefreshMinutes != 0 && (r.RefreshMinutes < minRefresh || r.RefreshMinutes > 60*24*31):
		return bad("refresh_minutes", "刷新周期 1 小时到 31 天，0 为只按行为更新")
	case r.ReviewDays < 7 || r.ReviewDays > maxDays:
		return bad("review_days", "复核周期 7 到 3660 天")
	case r.IdleDays < 7 || r.IdleDays > maxDays:
		return bad("idle_days", "闲置天数 7 到 3660 天")
	}
	slices.Sort(r.Roles)
	r.Roles = slices.Compact(r.Roles)
	for _, role := range r.Roles {
		if strings.Trim(role, "abcdefghijklmnopqrstuvwxyz_") != "" || len(r.Roles) > 10 {
			return bad("roles", "角色不对")
		}
	}
	return nil
}

// Ask makes a tag in state requested. Faults: Invalid tag_request; NotFound
// tag_category_not_found; Conflict tag_exists.
func (s *Store) Ask(ctx context.Context, r Request) (Tag, error) {
	if err := s.place(ctx, &r); err != nil {
		return Tag{}, err
	}
	now := s.DB.Now()
	t := Tag{ID: s.DB.NewID(), BrandID: r.BrandID, Kind: r.Kind, ByID: r.ByID, State: Requested, Rev: 1, CreatedAt: now}
	t.take(r, now)
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&t).Error })
	if db.IsDuplicate(err) {
		return Tag{}, errName
	}
	if err != nil {
		return Tag{}, fmt.Errorf("tag: ask: %w", err)
	}
	return t, nil
}

// place checks a request and where it puts the tag.
func (s *Store) place(ctx context.Context, r *Request) error {
	if err := r.check(); err != nil {
		return err
	}
	if r.CategoryID == 0 {
		return nil
	}
	c, err := s.Category(ctx, r.CategoryID)
	if err == nil && (c.BrandID != r.BrandID || c.Class != r.Class) {
		err = errGroup
	}
	return err
}

// take writes what of a request may change later.
func (t *Tag) take(r Request, now clock.Instant) {
	t.Class, t.CategoryID, t.Name, t.Purpose, t.IntendedUse, t.OwnerID = r.Class, r.CategoryID, r.Name, r.Purpose, r.IntendedUse, r.OwnerID
	t.Sensitive, t.Roles, t.TTLDays, t.RefreshMinutes, t.ReviewDays, t.IdleDays = r.Sensitive, r.Roles, r.TTLDays, r.RefreshMinutes, r.ReviewDays, r.IdleDays
	t.ChangedAt = now
	*t = t.tidy()
}

// Edit changes how a tag is called, kept and scheduled; rev is the one that was seen. What
// it means is Build's. Faults as of Ask; NotFound tag_not_found; Conflict tag_changed,
// tag_retired.
func (s *Store) Edit(ctx context.Context, tagID id.ID, rev int64, r Request) (before, after Tag, err error) {
	if before, err = s.Get(ctx, tagID); err != nil {
		return before, after, err
	}
	r.BrandID, r.Kind = before.BrandID, before.Kind
	if err := s.place(ctx, &r); err != nil {
		return before, after, err
	}
	if r.RefreshMinutes == 0 && before.RefreshMinutes != 0 {
		means, err := s.meaning(ctx, before)
		if err == nil && means.scheduled() {
			err = fault.NewInvalid("tag_request", "规则会随时间变化，需要保留刷新周期").With("field", "refresh_minutes")
		}
		if err != nil {
			return before, after, err
		}
	}
	after = before
	after.take(r, s.DB.Now())
	if before.RefreshMinutes != r.RefreshMinutes {
		after.RefreshAt = next(s.DB.Now(), r.RefreshMinutes, before.State == Running)
	}
	roles, err := json.Marshal(after.Roles)
	if err != nil {
		return before, after, err
	}
	err = s.change(ctx, before, rev, map[string]any{"class": after.Class, "category_id": after.CategoryID, "name": after.Name, "purpose": after.Purpose,
		"intended_use": after.IntendedUse, "owner_id": after.OwnerID, "is_sensitive": after.Sensitive, "roles": string(roles), "ttl_days": after.TTLDays,
		"refresh_minutes": after.RefreshMinutes, "review_days": after.ReviewDays, "idle_days": after.IdleDays, "refresh_at": after.RefreshAt})
	after.Rev = rev + 1
	return before, after, err
}

func next(now clock.Instant, minutes int, running bool) clock.Instant {
	if minutes == 0 || !running {
		return 0
	}
	return now.Add(time.Duration(minutes) * time.Minute)
}

var errRetired = fault.New(fault.Conflict, "tag_retired", "标签已下线，不能再改；需要时请重新申请一个")

// change writes a tag that was seen with a rev.
func (s *Store) change(ctx context.Context, t Tag, rev int64, set map[string]any) error {
	return s.DB.InTx(ctx, func(tx *gorm.DB) error { return s.changeTx(tx, t, rev, set) })
}

func (s *Store) changeTx(tx *gorm.DB, t Tag, rev int64, set map[string]any) error {
	if t.State == Retired {
		return errRetired
	}
	set["rev"], set["changed_at"] = rev+1, s.DB.Now()
	r := tx.Model(&Tag{}).Where("id = ? AND rev = ? AND state = ?", t.ID, rev, t.State).Updates(set)
	if db.IsDuplicate(r.Error) {
		return errName
	}
	if r.Error != nil {
		return fmt.Errorf("tag: change: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errRev
	}
	return nil
}

// Submit sends the draft in for approval. Faults: NotFound tag_not_found; Conflict
// tag_changed, tag_retired, tag_no_draft.
func (s *Store) Submit(ctx context.Context, tagID id.ID, rev int64) (before, after Tag, err error) {
	return s.step(ctx, tagID, func(tx *gorm.DB, t Tag) error {
		r := tx.Exec("UPDATE tag_version SET state = ? WHERE tag_id = ? AND version = ? AND state = ?", Pending, tagID, t.Version+1, Draft)
		if r.Error == nil && r.RowsAffected == 0 {
			return fault.New(fault.Conflict, "tag_no_draft", "没有可以提交的草稿，请先写好取值来源或规则")
		}
		if r.Error != nil {
			return r.Error
		}
		set := map[string]any{}
		if t.State != Running {
			set["state"] = Pending
		}
		return s.changeTx(tx, t, rev, set)
	})
}

// step reads a tag, changes it in a transaction and reads it again.
func (s *Store) step(ctx context.Context, tagID id.ID, do func(tx *gorm.DB, t Tag) error) (before, after Tag, err error) {
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if before, err = get(tx, tagID); err != nil {
			return err
		}
		if err = do(tx, before); err != nil {
			return err
		}
		after, err = get(tx, tagID)
		return err
	})
	return before, after, err
}

var errSame = fault.New(fault.Forbidden, "tag_second_person", "申请人和编写人不能自己审批，请另一位审批人处理")

// Decide approves what was sent in, or sends it back with a note. Who asked for the tag or
// wrote the definition does not decide. An approved tag runs, and everybody is computed.
// Faults: Forbidden tag_second_person; Invalid tag_note, and as of Build; NotFound
// tag_not_found; Conflict tag_changed, tag_retired, tag_nothing_pending.
func (s *Store) Decide(ctx context.Context, tagID id.ID, rev int64, yes bool, note string, byID id.ID) (before, after Tag, err error) {
	note = strings.TrimSpace(note)
	if utf8.RuneCountInString(note) > 200 || !yes && note == "" {
		return before, after, fault.NewInvalid("tag_note", "请写明理由，最多 200 个字").With("field", "note")
	}
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return before, after, err
	}
	var list []Version
	if err = s.DB.Read(ctx).Where("tag_id = ? AND state = ?", tagID, Pending).Find(&list).Error; err != nil {
		return before, after, fmt.Errorf("tag: decide: %w", err)
	}
	if len(list) == 0 {
		return before, after, fault.New(fault.Conflict, "tag_nothing_pending", "没有待审批的内容")
	}
	v := list[0]
	if byID == t.ByID || byID == v.ByID {
		return before, after, errSame
	}
	profiling := false
	if yes { // what it names may be gone since
		if profiling, err = s.fits(ctx, t, v.Definition); err != nil {
			return before, after, err
		}
	}
	return s.step(ctx, tagID, func(tx *gorm.DB, t Tag) error {
		now := s.DB.Now()
		state, set := Rejected, map[string]any{}
		if t.State == Pending {
			set["state"] = Built
		}
		if yes {
			state = Approved
			set["state"], set["version"], set["profiling"], set["proposal"] = Running, v.Version, profiling, ""
			set["reviewed_at"], set["used_at"], set["refresh_at"] = now, max(t.UsedAt, now), next(now, t.RefreshMinutes, true)
		}
		r := tx.Exec("UPDATE tag_version SET state = ?, decided_by = ?, decided_at = ?, note = ? WHERE tag_id = ? AND version = ? AND state = ? AND created_at = ?",
			state, byID, now, note, tagID, v.Version, Pending, v.CreatedAt)
		if r.Error != nil || r.RowsAffected == 0 {
			return first(r.Error, errRev)
		}
		if err := s.changeTx(tx, t, rev, set); err != nil || !yes {
			return err
		}
		if profiling && !t.Profiling {
			if err := s.inheritTx(ctx, tx, t, byID); err != nil {
				return err
			}
		}
		_, err := s.runTx(ctx, tx, t, compute, byID)
		return err
	})
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
