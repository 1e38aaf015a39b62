package tag

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/profile"
)

// Versions lists what a tag meant, newest first.
func (s *Store) Versions(ctx context.Context, tagID id.ID) ([]Version, error) {
	out := []Version{}
	if err := s.DB.Read(ctx).Where("tag_id = ?", tagID).Order("version DESC").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("tag: versions: %w", err)
	}
	for i := range out {
		out[i].Definition.tidy()
	}
	return out, nil
}

func (d *Definition) tidy() {
	if d.Choices == nil {
		d.Choices = []string{}
	}
	if d.Cases == nil {
		d.Cases = []Case{}
	}
}

// Build (生成) writes what a tag means, as a draft in place of any draft there is; rev is
// the one that was seen. Why the one before was sent back stays with it: who decides again
// wants to see whether that was mended. Faults: Invalid tag_definition, rule_invalid; NotFound
// tag_not_found; Conflict tag_changed, tag_retired, tag_pending.
func (s *Store) Build(ctx context.Context, tagID id.ID, rev int64, d Definition, byID id.ID) (Version, error) {
	t, err := s.Get(ctx, tagID)
	if err != nil {
		return Version{}, err
	}
	if _, err = s.fits(ctx, t, d); err != nil {
		return Version{}, err
	}
	text, err := d.text()
	if err != nil {
		return Version{}, err
	}
	d.tidy()
	v := Version{TagID: tagID, Version: t.Version + 1, Definition: d, State: Draft, ByID: byID, CreatedAt: s.DB.Now()}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		set := map[string]any{}
		if t.State == Requested {
			set["state"] = Built
		}
		if err := s.changeTx(tx, t, rev, set); err != nil {
			return err
		}
		var old []Version
		if err := tx.Where("tag_id = ? AND version = ? AND state IN (?,?)", tagID, v.Version, Draft, Rejected).Find(&old).Error; err != nil {
			return err
		}
		if len(old) > 0 {
			v.DecidedBy, v.DecidedAt, v.Note = old[0].DecidedBy, old[0].DecidedAt, old[0].Note
		}
		if err := tx.Exec("DELETE FROM tag_version WHERE tag_id = ? AND version = ? AND state IN (?,?)", tagID, v.Version, Draft, Rejected).Error; err != nil {
			return err
		}
		return tx.Exec("INSERT INTO tag_version (tag_id, version, definition, state, by_id, created_at, decided_by, decided_at, note) VALUES (?,?,?,?,?,?,?,?,?)",
			tagID, v.Version, text, Draft, byID, v.CreatedAt, v.DecidedBy, v.DecidedAt, v.Note).Error
	})
	if db.IsDuplicate(err) {
		err = fault.New(fault.Conflict, "tag_pending", "上一次修改正在审批，请等结果或请审批人退回")
	}
	return v, err
}

// fits checks a definition for a tag, with what it names, and says whether its values are
// made of behaviour.
func (s *Store) fits(ctx context.Context, t Tag, d Definition) (profiling bool, err error) {
	if err := d.check(t.Kind); err != nil {
		return false, err
	}
	if d.computed() && d.Source != Event && t.TTLDays != 0 {
		return false, invalid("ttl_days", "档案和规则标签随依据变化，不设有效天数；请把时间写进规则")
	}
	if d.Source == Profile {
		fields, err := s.Profiles.Fields(ctx)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(fields, func(f profile.Field) bool { return f.Name == d.Field })
		if i < 0 {
			return false, invalid("field", "档案里没有这个字段")
		}
		if fields[i].Purpose != "" { // it is deleted with a consent of its own, and a copy would stay
			return false, invalid("field", "这个字段需要单独同意，不能做成标签")
		}
	}
	if d.scheduled() && t.RefreshMinutes == 0 {
		return false, invalid("refresh_minutes", "规则会随时间变化，请先设置刷新周期，例如每天")
	}
	profiling = d.behaviour()
	named := d.Tags()
	if len(named) == 0 {
		return profiling, nil
	}
	all, err := s.running(ctx, t.BrandID)
	if err != nil {
		return false, err
	}
	for _, n := range named {
		used, there := all.byID[n]
		if !there {
			return false, invalid("cases", "规则引用的标签不在运行中："+n.String())
		}
		if n == t.ID || all.reaches(n, t.ID) {
			return false, invalid("cases", "规则绕了一圈又引用到自己："+used.Name)
		}
		profiling = profiling || used.Profiling
	}
	return profiling, nil
}
