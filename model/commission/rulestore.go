package commission

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

var (
	errRule        = fault.New(fault.NotFound, "commission_rule_not_found", "没有这条佣金规则")
	errRuleChanged = fault.New(fault.Conflict, "commission_rule_changed", "规则已被他人修改，请刷新后再试")
	errRuleEnded   = fault.New(fault.Conflict, "commission_rule_ended", "规则已结束，请新建一条")
	errSignOff     = fault.New(fault.Conflict, "commission_signoff_needed", "第二级佣金，或限定群主等级的佣金，须先登记法务意见（签发人、意见书名称、编号、日期），才能启用")
)

// Create makes a draft. Fault: Invalid commission_rule.
func (s *Store) Create(ctx context.Context, brandID id.ID, t Terms, by id.ID) (Rule, error) {
	if err := t.check(); err != nil {
		return Rule{}, err
	}
	r := Rule{ID: s.DB.NewID(), BrandID: brandID, State: Draft, Version: 1, Budget: int64(t.BudgetFen), CreatedAt: s.DB.Now(), Terms: t.listed()}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return s.addVersion(tx, r, t, by)
	})
	if err != nil {
		return Rule{}, fmt.Errorf("commission: create: %w", err)
	}
	return r, nil
}

func (s *Store) addVersion(tx *gorm.DB, r Rule, t Terms, by id.ID) error {
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return tx.Create(&Version{RuleID: r.ID, Version: r.Version, BrandID: r.BrandID, Body: string(body), ByID: by, CreatedAt: s.DB.Now()}).Error
}

// Revise adds a version, which counts once it is activated; what was accrued keeps its
// own. read is the newest version its author knew. What pays, on what and at which level
// stays as it is: that would be another rule. Faults: Invalid commission_rule; NotFound
// commission_rule_not_found; Conflict commission_rule_changed, commission_rule_ended.
func (s *Store) Revise(ctx context.Context, ruleID id.ID, read int, t Terms, by id.ID) (Rule, error) {
	if err := t.check(); err != nil {
		return Rule{}, err
	}
	r, err := s.Rule(ctx, ruleID)
	switch {
	case err != nil:
		return Rule{}, err
	case r.State == Ended:
		return Rule{}, errRuleEnded
	case r.Terms.Trigger != t.Trigger || r.Terms.Level != t.Level || r.Terms.Pay != t.Pay:
		return Rule{}, bad("trigger", "触发方式、层级和发放方式不能修改，请新建规则")
	}
	r.Version, r.Terms = read+1, t.listed()
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec("UPDATE commission_rule SET version = ? WHERE id = ? AND version = ? AND state <> ?", r.Version, r.ID, read, Ended)
		if u.Error != nil {
			return u.Error
		}
		if u.RowsAffected == 0 {
			return errRuleChanged
		}
		return s.addVersion(tx, r, t, by)
	})
	if err != nil {
		return Rule{}, fmt.Errorf("commission: revise: %w", err)
	}
	return r, nil
}

// Record keeps a legal opinion on the newest version of a rule. Nothing of it is ever
// changed; another opinion is another row. Faults: Invalid commission_signoff; NotFound
// commission_rule_not_found; Conflict commission_rule_changed, commission_rule_ended.
func (s *Store) Record(ctx context.Context, so SignOff) (SignOff, error) {
	wrong := func(field, text string, most int) bool {
		text = strings.TrimSpace(text)
		return text == "" || utf8.RuneCountInString(text) > most
	}
	now := s.DB.Now()
	switch {
	case wrong("signer", so.Signer, 64) || wrong("title", so.Title, 120) || wrong("number", so.Number, 64):
		return SignOff{}, fault.NewInvalid("commission_signoff", "请填写签发人、意见书名称和编号")
	case so.SignedOn < 20000101 || so.SignedOn.AddDays(0) != so.SignedOn || so.SignedOn > clock.DayOf(now):
		return SignOff{}, fault.NewInvalid("commission_signoff", "请填写意见书的签发日期，不能晚于今天").With("field", "signed_on")
	}
	r, err := s.Rule(ctx, so.RuleID)
	switch {
	case err != nil:
		return SignOff{}, err
	case r.State == Ended:
		return SignOff{}, errRuleEnded
	case r.Version != so.Version: // the lawyer read another text
		return SignOff{}, errRuleChanged
	}
	so.ID, so.BrandID, so.CreatedAt = s.DB.NewID(), r.BrandID, now
	if err := s.DB.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&so).Error }); err != nil {
		return SignOff{}, fmt.Errorf("commission: sign-off: %w", err)
	}
	return so, nil
}

// Activate brings the newest version into force, from now on; read must be it. Faults:
// NotFound commission_rule_not_found; Conflict commission_rule_changed,
// commission_rule_ended, commission_active, commission_signoff_needed; Invalid
// commission_rule for a budget below what is used.
func (s *Store) Activate(ctx context.Context, ruleID id.ID, read int, by id.ID) (Rule, error) {
	now := s.DB.Now()
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		r, err := s.ruleTx(tx, ruleID, s.lock())
		switch {
		case err != nil:
			return err
		case r.State == Ended:
			return errRuleEnded
		case r.Version != read:
			return errRuleChanged
		case r.ActiveVersion == read:
			return fault.New(fault.Conflict, "commission_active", "这个版本已经启用")
		case r.Terms.ValidUntil != 0 && r.Terms.ValidUntil <= now:
			return bad("valid_until", "规则的有效期已过")
		case r.Terms.BudgetFen > 0 && int64(r.Terms.BudgetFen) < r.Used:
			return bad("budget_fen", "预算不能低于已计提的金额")
		}
		if r.Terms.opined() {
			var n int64
			if err := tx.Raw("SELECT COUNT(*) FROM commission_signoff WHERE rule_id = ? AND version = ?", r.ID, r.Version).Scan(&n).Error; err != nil {
				return err
			}
			if n == 0 {
				return errSignOff
			}
		}
		err = tx.Exec("UPDATE commission_version SET active_until = ? WHERE rule_id = ? AND version = ? AND active_until = 0", now, r.ID, r.ActiveVersion).Error
		if err != nil {
			return err
		}
		if err := tx.Exec("UPDATE commission_version SET active_from = ?, activated_by = ? WHERE rule_id = ? AND version = ?", now, by, r.ID, r.Version).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE commission_rule SET state = ?, active_version = ?, budget = ? WHERE id = ?", Active, r.Version, int64(r.Terms.BudgetFen), r.ID).Error
	})
	if err != nil {
		return Rule{}, fmt.Errorf("commission: activate: %w", err)
	}
	return s.Rule(ctx, ruleID)
}

// End ends a rule for what happens from now on; what is accrued stays. Faults: NotFound
// commission_rule_not_found; Conflict commission_rule_ended.
func (s *Store) End(ctx context.Context, ruleID id.ID) (Rule, error) {
	now := s.DB.Now()
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Exec("UPDATE commission_rule SET state = ?, ended_at = ? WHERE id = ? AND state <> ?", Ended, now, ruleID, Ended)
		if u.Error != nil {
			return u.Error
		}
		if u.RowsAffected == 0 {
			if _, err := s.ruleTx(tx, ruleID, ""); err != nil {
				return err
			}
			return errRuleEnded
		}
		return tx.Exec("UPDATE commission_version SET active_until = ? WHERE rule_id = ? AND active_from > 0 AND active_until = 0", now, ruleID).Error
	})
	if err != nil {
		return Rule{}, fmt.Errorf("commission: end: %w", err)
	}
	return s.Rule(ctx, ruleID)
}

// Rule reads one. Fault: NotFound commission_rule_not_found.
func (s *Store) Rule(ctx context.Context, ruleID id.ID) (Rule, error) {
	return s.ruleTx(s.DB.Read(ctx), ruleID, "")
}

func (s *Store) ruleTx(tx *gorm.DB, ruleID id.ID, tail string) (Rule, error) {
	var found []Rule
	if err := tx.Raw("SELECT * FROM commission_rule WHERE id = ?"+tail, ruleID).Scan(&found).Error; err != nil {
		return Rule{}, fmt.Errorf("commission: rule: %w", err)
	}
	if len(found) == 0 {
		return Rule{}, errRule
	}
	var v Version
	if err := tx.Where("rule_id = ? AND version = ?", ruleID, found[0].Version).Take(&v).Error; err != nil {
		return Rule{}, fmt.Errorf("commission: rule: %w", err)
	}
	err := v.read()
	found[0].Terms = v.Terms
	return found[0], err
}

// Rules pages a brand's rules, newest first.
func (s *Store) Rules(ctx context.Context, brandID, before id.ID, limit int) ([]Rule, error) {
	list := []Rule{}
	if err := db.Page(s.DB.Read(ctx).Where("brand_id = ?", brandID), "commission_rule", before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("commission: rules: %w", err)
	}
	for i := range list {
		r, err := s.Rule(ctx, list[i].ID)
		if err != nil {
			return nil, err
		}
		list[i] = r
	}
	return list, nil
}

// CountRules counts what Rules pages, up to db.MaxTotal.
func (s *Store) CountRules(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&Rule{}).Where("brand_id = ?", brandID))
}

// Versions lists all versions of a rule, oldest first, with the opinions on it.
func (s *Store) Versions(ctx context.Context, ruleID id.ID) ([]Version, []SignOff, error) {
	versions, opinions := []Version{}, []SignOff{}
	if err := s.DB.Read(ctx).Where("rule_id = ?", ruleID).Order("version").Find(&versions).Error; err != nil {
		return nil, nil, fmt.Errorf("commission: versions: %w", err)
	}
	for i := range versions {
		if err := versions[i].read(); err != nil {
			return nil, nil, err
		}
	}
	if err := s.DB.Read(ctx).Where("rule_id = ?", ruleID).Order("created_at, id").Find(&opinions).Error; err != nil {
		return nil, nil, fmt.Errorf("commission: sign-offs: %w", err)
	}
	return versions, opinions, nil
}

// inForce lists the versions of a brand that were ever in force, one list per brand.
func (s *Store) inForce(ctx context.Context, brandID id.ID) ([]Version, error) {
	var list []Version
	err := s.DB.Read(ctx).Where("brand_id = ? AND active_from > 0", brandID).Order("rule_id, version").Find(&list).Error
	if err != nil {
		return nil, fmt.Errorf("commission: rules in force: %w", err)
	}
	for i := range list {
		if err := list[i].read(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ruled says which of some brands have any rule.
func (s *Store) ruled(ctx context.Context, brands []id.ID) (map[id.ID]bool, error) {
	var found []id.ID
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT brand_id FROM commission_rule WHERE brand_id IN ?", brands).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("commission: brands: %w", err)
	}
	out := map[id.ID]bool{}
	for _, b := range brands {
		out[b] = slices.Contains(found, b)
	}
	return out, nil
}
