package referral

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	root     id.ID // of the referee's family
	existing bool  // a customer whom nobody brought

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
	if err := s.open(ctx, code); err != nil {
		return Binding{}, err
	}
	b := &bind{contact: c, code: code}
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
	if err := s.open(ctx, code); err != nil {
		return err
	}
	standing, err := s.Members.Standing(ctx, []id.ID{code.MemberID, referee})
	if err != nil {
		return err
	}
	return meet(standing, code.MemberID, referee)
}

// open says whether a code, or whoever has its owner's role, is in office.
func (s *Store) open(ctx context.Context, code Code) error {
	if code.State != Open {
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

// meet says whether two members are such that one may bring the other.
func meet(standing map[id.ID]member.Standing, referrer, referee id.ID) error {
	who, known := standing[referee]
	switch {
	case !known:
		return errMember
	case who.Blocked:
		return errBlocked
	}
	if owner := standing[referrer]; owner.Root == 0 || owner.Blocked {
		return errClosed
	}
	return nil
}

func first(err error, f *fault.Fault) error {
	if err != nil {
		return err
	}
	return f
}

// prepare reads what the binds of a batch need before any lock, for all of them at once:
// the brands' rules, whether the two may meet, and who is a customer already. That only
// ever becomes true. It leaves out whom it refuses.
func (s *Store) prepare(ctx context.Context, batch []*bind) (left []*bind, err error) {
	policies := map[id.ID]Policy{}
	for part := range slices.Chunk(batch, member.StandingMost/2) {
		var members []id.ID
		for _, b := range part {
			members = append(members, b.contact.MemberID, b.code.MemberID)
		}
		standing, err := s.Members.Standing(ctx, members)
		if err != nil {
			return nil, err
		}
		var asks []*bind
		for _, b := range part {
			p, known := policies[b.code.BrandID]
			if !known {
				if p, err = s.Policy(ctx, b.code.BrandID); err != nil {
					return nil, err
				}
				policies[b.code.BrandID] = p
			}
			b.policy, b.root = p, standing[b.contact.MemberID].Root
			if b.err = meet(standing, b.code.MemberID, b.contact.MemberID); b.err == nil {
				asks = append(asks, b)
			}
		}
		if err := s.existing(ctx, asks); err != nil {
			return nil, err
		}
		left = append(left, asks...)
	}
	return left, nil
}

// existing says of each bind whether its human is a customer by the policy: one look for
// all, in which each person asks the indexes of his own rows.
func (s *Store) existing(ctx context.Context, asks []*bind) error {
	if len(asks) == 0 {
		return nil
	}
	var stmt strings.Builder
	var args []any
	for i, b := range asks {
		if i > 0 {
			stmt.WriteString(" UNION ALL ")
		}
		const family = "member f CROSS JOIN %s x ON x.member_id = f.id WHERE (f.id = ? OR f.root_id = ?) AND x.brand_id = ?"
		stmt.WriteString("SELECT CASE WHEN EXISTS (SELECT 1 FROM " + fmt.Sprintf(family, "claim") + ") OR EXISTS (SELECT 1 FROM " + fmt.Sprintf(family, "event") + " AND x.type = ?)")
		args = append(args, b.root, b.root, b.code.BrandID, b.root, b.root, b.code.BrandID, event.Order)
		if b.policy.Existing == NeverSeen {
			stmt.WriteString(" OR EXISTS (SELECT 1 FROM member f WHERE (f.id = ? OR f.root_id = ?) AND f.created_at < ?)")
			args = append(args, b.root, b.root, b.contact.At-clock.Instant(b.policy.NewMinutes)*60_000)
		}
		stmt.WriteString(" THEN " + strconv.Itoa(i) + " ELSE -1 END AS i")
	}
	var found []int
	if err := s.DB.Read(ctx).Raw(stmt.String(), args...).Scan(&found).Error; err != nil {
		return wrap("existing", err)
	}
	for _, i := range found {
		if i >= 0 {
			asks[i].existing = true
		}
	}
	return nil
}

// bindAll commits binds together, brand by brand.
func (s *Store) bindAll(ctx context.Context, batch []*bind) {
	all := batch
	batch, err := s.prepare(ctx, all)
	if err != nil {
		for _, b := range all {
			b.err = err
		}
		return
	}
	if len(batch) == 0 {
		return
	}
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
