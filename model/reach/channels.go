package reach

import (
	"cmp"
	"maps"
	"slices"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/identity"
)

// openKey is an openid of an account.
type openKey struct {
	account id.ID
	openID  string
}

// openIDs reads by which openids the accounts know people. The identity graph says whose
// an openid is; what the ledger holds of it is found by the openid.
func (f *facts) openIDs(tx *gorm.DB, all []id.ID) error {
	accounts, byApp := f.accounts(Custom, Template, Subscribe, Mass)
	texts := slices.ContainsFunc(f.ask.Uses, func(u Use) bool { return u.Channel == SMS })
	if len(accounts) == 0 && !texts {
		return nil
	}
	// By person only: with the kind in the condition an engine may read all keys of an app
	// for each page of people.
	type identityKey struct {
		PersonID    id.ID
		Kind, Scope string
		Value       string
	}
	var keys []identityKey
	for part := range slices.Chunk(slices.Sorted(maps.Keys(f.persons)), 1000) {
		var some []identityKey
		if err := tx.Raw("SELECT person_id, kind, scope, value FROM identity_key WHERE person_id IN ? ORDER BY person_id, kind, scope, value", part).Scan(&some).Error; err != nil {
			return err
		}
		keys = append(keys, some...)
	}
	values := map[id.ID][]string{}
	for _, k := range keys {
		m := f.persons[k.PersonID]
		h, account := f.of(m), byApp[k.Scope]
		if texts && k.Kind == identity.Phone {
			h.phones = append(h.phones, contact{member: m, openID: k.Value})
		}
		if k.Kind != identity.OpenID || account == 0 {
			continue
		}
		c := &contact{member: m, openID: k.Value}
		h.opens[account] = append(h.opens[account], c)
		f.opens[openKey{account, k.Value}] = c
		values[account] = append(values[account], k.Value)
	}
	for account, list := range values {
		for part := range slices.Chunk(list, 2000) {
			if err := f.account(tx, account, part); err != nil {
				return err
			}
		}
	}
	return f.hopes(tx, all)
}

// account reads what the ledger holds of openids of one account: only what the channels
// that were asked for need of it.
func (f *facts) account(tx *gorm.DB, account id.ID, openIDs []string) error {
	uses := func(channel string) bool {
		return slices.ContainsFunc(f.ask.Uses, func(u Use) bool { return u.Channel == channel && u.AccountID == account })
	}
	steps := []func(*gorm.DB, id.ID, []string) error{f.blocks}
	if i := slices.IndexFunc(f.ask.Uses, func(u Use) bool { return u.AccountID == account }); f.official(i) {
		steps = append(steps, f.follows)
	}
	if uses(Custom) {
		steps = append(steps, f.windows)
	}
	if uses(Subscribe) {
		steps = append(steps, f.grants)
	}
	if uses(Mass) {
		steps = append(steps, f.counts)
	}
	for _, read := range steps {
		if err := read(tx, account, openIDs); err != nil {
			return err
		}
	}
	return nil
}

// those are some openids of an account, or a range of them.
func (f *facts) those(account id.ID, openIDs []string) (which string, args []any) {
	if f.between != nil && openIDs == nil {
		return "account_id = ? AND openid BETWEEN ? AND ?", []any{account, f.between[0], f.between[1]}
	}
	return "account_id = ? AND openid IN ?", []any{account, openIDs}
}

// follows reads who follows.
func (f *facts) follows(tx *gorm.DB, account id.ID, openIDs []string) error {
	var rows []struct {
		OpenID    string `gorm:"column:openid"`
		Following bool
		ChangedAt clock.Instant
	}
	which, args := f.those(account, openIDs)
	err := tx.Raw("SELECT openid, following, changed_at FROM follower WHERE "+which, args...).Scan(&rows).Error
	for _, r := range rows {
		if c := f.opens[openKey{account, r.OpenID}]; c != nil {
			c.following, c.changed = r.Following, r.ChangedAt
		}
	}
	return err
}

// blocks reads who refuses messages, and who is known not to follow by a refusal.
func (f *facts) blocks(tx *gorm.DB, account id.ID, openIDs []string) error {
	var rows []struct {
		OpenID            string `gorm:"column:openid"`
		GoneAt, BlockedAt clock.Instant
	}
	which, args := f.those(account, openIDs)
	err := tx.Raw("SELECT openid, gone_at, blocked_at FROM reach_contact WHERE "+which+" AND (gone_at > 0 OR blocked_at > 0)", args...).Scan(&rows).Error
	for _, r := range rows {
		if c := f.opens[openKey{account, r.OpenID}]; c != nil {
			c.goneAt, c.blockedAt = r.GoneAt, r.BlockedAt
		}
	}
	return err
}

// windows reads open ones. They are sorted out here: by until_at, in the condition or the
// order, SQLite reads all windows of the account.
func (f *facts) windows(tx *gorm.DB, account id.ID, openIDs []string) error {
	var rows []window
	which, args := f.those(account, openIDs)
	err := tx.Raw("SELECT account_id, openid, deed, opened_at, until_at, left_n FROM reach_window WHERE "+which, args...).Scan(&rows).Error
	slices.SortFunc(rows, func(a, b window) int { return cmp.Or(cmp.Compare(a.UntilAt, b.UntilAt), cmp.Compare(a.Deed, b.Deed)) })
	for _, w := range rows {
		if c := f.opens[openKey{account, w.OpenID}]; c != nil && w.UntilAt > f.ask.At {
			c.windows = append(c.windows, w)
		}
	}
	return err
}

func (f *facts) grants(tx *gorm.DB, account id.ID, openIDs []string) error {
	var rows []struct {
		OpenID     string `gorm:"column:openid"`
		TemplateID string
		LeftN      int
	}
	which, args := f.those(account, openIDs)
	err := tx.Raw("SELECT openid, template_id, left_n FROM reach_grant WHERE "+which+" AND left_n > 0", args...).Scan(&rows).Error
	for _, r := range rows {
		if c := f.opens[openKey{account, r.OpenID}]; c != nil {
			if c.grants == nil {
				c.grants = map[string]int{}
			}
			c.grants[r.TemplateID] = r.LeftN
		}
	}
	return err
}

// hopes reads the messages to come that are worth more.
func (f *facts) hopes(tx *gorm.DB, all []id.ID) error {
	if err := f.coming(tx); err != nil {
		return err
	}
	return f.hoped(tx, all)
}

// coming reads which messages are to come.
func (f *facts) coming(tx *gorm.DB) error {
	accounts, _ := f.accounts(Subscribe)
	if f.ask.Test || len(accounts) == 0 {
		return nil
	}
	return tx.Raw("SELECT ref_id, account_id, template_id, value, members FROM reach_want WHERE account_id IN ? AND brand_id = ? AND value > ? AND at > ?",
		accounts, f.ask.BrandID, f.ask.Value, f.ask.At.Add(-wantLate)).Scan(&f.wants).Error
}

// hoped reads whom they name.
func (f *facts) hoped(tx *gorm.DB, all []id.ID) error {
	if !slices.ContainsFunc(f.wants, func(w want) bool { return w.Members > 0 }) {
		return nil
	}
	refs := make([]id.ID, 0, len(f.wants))
	for _, w := range f.wants {
		refs = append(refs, w.RefID)
	}
	var rows []struct{ RefID, MemberID id.ID }
	which, args := f.among("member_id", all)
	err := tx.Raw("SELECT ref_id, member_id FROM reach_want_member WHERE "+which+" AND ref_id IN ?", append(args, refs)...).Scan(&rows).Error
	for _, r := range rows {
		h := f.of(r.MemberID)
		if h == nil {
			continue
		}
		if h.wanted == nil {
			h.wanted = map[id.ID]bool{}
		}
		h.wanted[r.RefID] = true
	}
	return err
}

// channels reads what concerns whole channels, and the channels that need no openid.
func (f *facts) channels(tx *gorm.DB, all []id.ID) error {
	if err := f.standing(tx); err != nil {
		return err
	}
	return f.staff(tx, all)
}

// staff reads who is whose contact.
func (f *facts) staff(tx *gorm.DB, all []id.ID) error {
	accounts, _ := f.accounts(WeCom)
	for _, account := range accounts {
		if err := f.staffed(tx, all, account); err != nil {
			return err
		}
	}
	return nil
}

// staffed reads who is whose contact at present. Of a person whom several of the staff
// know, who knew him first writes.
func (f *facts) staffed(tx *gorm.DB, all []id.ID, account id.ID) error {
	var rows []struct {
		MemberID id.ID
		External string `gorm:"column:external_userid"`
		Staff    string `gorm:"column:userid"`
	}
	which, args := f.among("member_id", all)
	err := tx.Raw("SELECT member_id, external_userid, userid FROM wecom_contact WHERE "+which+" AND "+f.loose("account_id")+" = ? AND "+f.loose("state")+" = 'active' ORDER BY since_at, userid", append(args, account)...).Scan(&rows).Error
	if err != nil {
		return err
	}
	var values []string
	for _, r := range rows {
		k := openKey{account, r.External}
		if f.opens[k] != nil || f.of(r.MemberID) == nil {
			continue
		}
		f.opens[k] = &contact{member: r.MemberID, openID: r.External, sender: r.Staff}
		h := f.of(r.MemberID)
		if h.staff == nil {
			h.staff = map[id.ID][]*contact{}
		}
		h.staff[account] = append(h.staff[account], f.opens[k])
		values = append(values, r.External)
	}
	for part := range slices.Chunk(values, 2000) {
		if err := f.counts(tx, account, part); err != nil {
			return err
		}
	}
	return nil
}

// counts reads how often people were written to in this month and on this day.
func (f *facts) counts(tx *gorm.DB, account id.ID, openIDs []string) error {
	var rows []struct {
		OpenID   string `gorm:"column:openid"`
		Channel  string
		PeriodNo int32
		N        int
	}
	which, args := f.those(account, openIDs)
	err := tx.Raw("SELECT openid, channel, period_no, n FROM reach_count WHERE "+which+" AND period_no IN ?", append(args, []int32{monthOf(f.ask.At), int32(clock.DayOf(f.ask.At))})...).Scan(&rows).Error
	for _, r := range rows {
		if c := f.opens[openKey{account, r.OpenID}]; c != nil {
			if c.counts == nil {
				c.counts = map[countKey]int{}
			}
			c.counts[countKey{r.Channel, r.PeriodNo}] = r.N
		}
	}
	return err
}

// official says whether a use is of an account that people follow.
func (f *facts) official(use int) bool { return f.apps[use].kind == brand.Official }
