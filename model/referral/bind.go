package referral

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// bind is one contact on its way through a merged transaction (db.Merger): the brand's
// lock then costs one commit for all who wait.
type bind struct {
	contact  Contact
	code     Code
	policy   Policy
	existing bool // a customer whom nobody brought

	out Binding
	err error
}

// Bind makes the owner of a code the referrer of the member who met it. The same referee
// and the same referrer again return the same binding.
//
// Faults: NotFound referral_code_invalid, member_not_found; Conflict referral_closed (the
// code or its owner is not active), referral_bound (another referrer holds, Detail
// protected_until), referral_existing, referral_ring, referral_depth; Invalid
// referral_self, referral_contact; Forbidden member_blocked. A contact that is reported
// late brings back nothing that ended since: Conflict referral_late.
func (s *Store) Bind(ctx context.Context, c Contact) (Binding, error) {
	code, err := s.ByToken(ctx, c.Token)
	if err != nil {
		return Binding{}, err
	}
	if c.BrandID != 0 && c.BrandID != code.BrandID {
		return Binding{}, errCode
	}
	if !slices.Contains([]string{H5, Mini, WeChat, Import, Operator}, c.Channel) || len(c.IPHash) > 64 || len(c.DeviceHash) > 64 {
		return Binding{}, errContact
	}
	now := s.DB.Now()
	if c.BrandID = code.BrandID; c.At == 0 || c.At > now {
		c.At = now
	}
	if err := s.mayBring(ctx, code, c.MemberID); err != nil {
		return Binding{}, err
	}
	b := &bind{contact: c, code: code}
	if b.policy, err = s.Policy(ctx, code.BrandID); err != nil {
		return Binding{}, err
	}
	if b.existing, err = s.existing(ctx, b.policy, c); err != nil {
		return Binding{}, err
	}
	if err := s.binds.Do(ctx, b); err != nil {
		return Binding{}, err // b may still be written: it must not be read
	}
	if b.err == nil {
		s.Outbox.Nudge()
	}
	return b.out, b.err
}

// mayBring says whether a code works for a referee now.
func (s *Store) mayBring(ctx context.Context, code Code, referee id.ID) error {
	if code.State != Open {
		return errClosed
	}
	standing, err := s.Members.Standing(ctx, []id.ID{code.MemberID, referee})
	if err != nil {
		return err
	}
	who, known := standing[referee]
	switch {
	case !known:
		return errMember
	case who.Blocked:
		return errBlocked
	}
	return s.inOffice(ctx, code, standing[code.MemberID])
}

func (s *Store) inOffice(ctx context.Context, code Code, owner member.Standing) error {
	if owner.Root == 0 || owner.Blocked {
		return errClosed
	}
	admit, asked := s.admits[code.Role]
	if !asked {
		return nil
	}
	if in, err := admit(ctx, code.BrandID, code.MemberID); err != nil || !in {
		return first(err, errClosed)
	}
	return nil
}

func first(err error, f *fault.Fault) error {
	if err != nil {
		return err
	}
	return f
}

// existing says whether the human is a customer by the policy. It is read before the
// lock: it only ever becomes true.
func (s *Store) existing(ctx context.Context, p Policy, c Contact) (bool, error) {
	family, err := s.Members.Family(ctx, c.MemberID)
	if err != nil {
		return false, err
	}
	stmt := `SELECT (SELECT COUNT(*) FROM (SELECT id FROM claim WHERE member_id IN ? AND brand_id = ? LIMIT 1) c)
		+ (SELECT COUNT(*) FROM (SELECT id FROM event WHERE member_id IN ? AND brand_id = ? AND type = ? LIMIT 1) e)`
	args := []any{family, c.BrandID, family, c.BrandID, event.Order}
	if p.Existing == NeverSeen {
		stmt += " + (SELECT COUNT(*) FROM member WHERE id IN ? AND created_at < ?)"
		args = append(args, family, c.At-clock.Instant(p.NewMinutes)*60_000)
	}
	var n int64
	err = s.DB.Read(ctx).Raw(stmt, args...).Scan(&n).Error
	return n > 0, wrap("existing", err)
}

// bindAll commits binds together, brand by brand.
func (s *Store) bindAll(ctx context.Context, batch []*bind) {
	// One order everywhere, so that two processes cannot wait for each other.
	slices.SortStableFunc(batch, func(a, b *bind) int { return cmp.Compare(a.code.BrandID, b.code.BrandID) })
	db.Together(batch, func(batch []*bind) error {
		return s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
			for rest := batch; len(rest) > 0; {
				n := slices.IndexFunc(rest, func(b *bind) bool { return b.code.BrandID != rest[0].code.BrandID })
				if n < 0 {
					n = len(rest)
				}
				if err := s.bindTx(ctx, tx, rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		})
	}, func(b *bind, err error) {
		if b.err = err; db.IsDuplicate(err) {
			b.err = errBound
		}
	})
}

// bindTx decides the binds of one brand under its lock, as they came.
func (s *Store) bindTx(ctx context.Context, tx *gorm.DB, batch []*bind) error {
	f, err := s.lock(ctx, tx, batch[0].code.BrandID)
	if err != nil {
		return err
	}
	var members []id.ID
	for _, b := range batch {
		b.out, b.err = Binding{}, nil // the transaction may run again
		members = append(members, b.contact.MemberID, b.code.MemberID)
	}
	h, err := f.history(members)
	if err != nil {
		return err
	}
	for _, b := range batch {
		b.err = h.decide(b)
		if kind := fault.KindOf(b.err); b.err != nil && (kind == fault.Internal || kind == fault.Unavailable) {
			return b.err // no refusal: nothing of this transaction stands
		}
	}
	return h.write()
}

// decide does one bind, or says why not.
func (h *history) decide(b *bind) error {
	c, now := b.contact, h.s.DB.Now()
	mine, his := h.families[c.MemberID], h.families[b.code.MemberID]
	if mine == nil || his == nil {
		return errMember
	}
	if slices.Contains(his, c.MemberID) {
		return errSelf
	}
	valid, ever := h.of(c.MemberID, now)
	if len(valid) > 0 {
		held := valid[0]
		if slices.Contains(his, held.ReferrerID) {
			b.out = *held
			return nil
		}
		if now < held.ProtectedUntil || !b.policy.Takeover {
			return errBound.With("protected_until", held.ProtectedUntil)
		}
	} else if b.existing && !(ever && b.policy.Takeover) {
		return errExisting
	}
	for _, m := range mine {
		for _, past := range h.bindings[m] {
			if past.EndedAt > c.At { // reported late: what was decided since outweighs it
				return errLate
			}
		}
	}
	protected, expires := b.policy.terms(c.At)
	x := &Binding{MemberID: c.MemberID, ReferrerID: b.code.MemberID, CodeID: b.code.ID, Role: b.code.Role, Channel: c.Channel, Consented: c.Consented,
		BoundAt: c.At, ProtectedUntil: protected, ExpiresAt: expires, IPHash: c.IPHash, DeviceHash: c.DeviceHash}
	if err := h.replace(x, change{reason: "推荐人变更", scene: "takeover"}); err != nil {
		return err
	}
	b.out = *x
	return nil
}
