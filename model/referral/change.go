package referral

import (
	"context"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Change is what an operator does to a referral. People below a member go where he goes.
type Change struct {
	BrandID    id.ID
	MemberID   id.ID  // the referee
	ReferrerID id.ID  // the new referrer
	Role       string // of the new referrer; "": member
	Reason     string // 2 to 400 characters
	By         id.ID  // the operator
}

func (c *Change) check() error {
	c.Reason = strings.TrimSpace(c.Reason)
	if n := utf8.RuneCountInString(c.Reason); n < 2 || n > 400 {
		return fault.NewInvalid("reason_missing", "请填写理由，2 到 400 个字").With("field", "reason")
	}
	if c.Role == "" {
		c.Role = Member
	}
	if c.Role != Leader && c.Role != Clerk && c.Role != Staff && c.Role != Member {
		return errRole
	}
	if c.By == 0 {
		return fault.NewInvalid("operator_missing", "缺少操作员")
	}
	return nil
}

// under runs do with the brand's lock and what is known of some members, and commits.
func (s *Store) under(ctx context.Context, brandID id.ID, members []id.ID, do func(h *history) error) error {
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		f, err := s.lock(ctx, tx, brandID)
		if err != nil {
			return err
		}
		h, err := f.history(members)
		if err != nil {
			return err
		}
		if err := do(h); err != nil {
			return err
		}
		return h.write()
	})
	if err == nil {
		s.Outbox.Nudge()
	}
	return err
}

// Rebind gives a member another referrer, or his first, with all below him (迁移子树).
// Neither protection nor the rule for customers binds an operator; rings, the member
// himself and referrers who are not active are refused. The same referrer again changes
// nothing. Faults: those of Bind; Invalid reason_missing.
func (s *Store) Rebind(ctx context.Context, c Change) (Binding, error) {
	if err := c.check(); err != nil {
		return Binding{}, err
	}
	err := s.mayBring(ctx, Code{BrandID: c.BrandID, MemberID: c.ReferrerID, Role: c.Role, State: Open}, c.MemberID)
	if err != nil {
		return Binding{}, err
	}
	p, err := s.Policy(ctx, c.BrandID)
	if err != nil {
		return Binding{}, err
	}
	var out Binding
	err = s.under(ctx, c.BrandID, []id.ID{c.MemberID, c.ReferrerID}, func(h *history) error {
		b, err := h.rebind(c, p)
		out = b
		return err
	})
	if db.IsDuplicate(err) {
		err = errBound
	}
	return out, err
}

func (h *history) rebind(c Change, p Policy) (Binding, error) {
	if h.families[c.MemberID] == nil || h.families[c.ReferrerID] == nil {
		return Binding{}, errMember
	}
	for _, m := range h.families[c.ReferrerID] {
		if m == c.MemberID {
			return Binding{}, errSelf
		}
	}
	now := h.s.DB.Now()
	if valid, _ := h.of(c.MemberID, now); len(valid) == 1 && valid[0].ReferrerID == c.ReferrerID && valid[0].MemberID == c.MemberID {
		return *valid[0], nil
	}
	protected, expires := p.terms(now)
	x := &Binding{MemberID: c.MemberID, ReferrerID: c.ReferrerID, Role: c.Role, Channel: Operator, Reason: c.Reason, ByID: c.By,
		BoundAt: now, ProtectedUntil: protected, ExpiresAt: expires}
	err := h.replace(x, change{reason: c.Reason, by: c.By, scene: "replaced"})
	return *x, err
}

// End takes a human's referrer away; those below him stay his. Faults: NotFound
// referral_none, member_not_found; Invalid reason_missing.
func (s *Store) End(ctx context.Context, c Change) error {
	if err := c.check(); err != nil {
		return err
	}
	return s.under(ctx, c.BrandID, []id.ID{c.MemberID}, func(h *history) error {
		if h.families[c.MemberID] == nil {
			return errMember
		}
		ended := 0
		for _, m := range h.families[c.MemberID] {
			for _, b := range h.bindings[m] {
				if b.Slot != 0 {
					continue
				}
				if err := h.cut(b, change{reason: c.Reason, by: c.By, scene: "ended"}); err != nil {
					return err
				}
				ended++
			}
		}
		if ended == 0 {
			return errNone
		}
		return nil
	})
}

// cut ends a binding and lets its node stand alone.
func (h *history) cut(b *Binding, why change) error {
	if err := h.end(b, Ended, why); err != nil {
		return err
	}
	if err := h.load([]id.ID{b.MemberID}); err != nil {
		return err
	}
	return h.move(h.nodes[b.MemberID], nil)
}

// handOverMost bounds one transaction of HandOver, handOverRuns one call.
const (
	handOverMost = 100
	handOverRuns = 20
)

// Handed says how far handing over is.
type Handed struct {
	Moved int64 `json:"moved"`
	// Stay are those who cannot go: the new referrer stands in their team, or is the same
	// human, or the tree would be too deep.
	Stay int64 `json:"stay"`
	// More says that others are left: call again.
	More bool `json:"more"`
}

// HandOver gives all direct people of one member to another, such as those of a leader
// who left, each with all below him. It works in transactions of a hundred and may be
// called again after any failure. Faults: those of Rebind.
func (s *Store) HandOver(ctx context.Context, c Change) (done Handed, err error) {
	from := c.MemberID
	if err := c.check(); err != nil {
		return done, err
	}
	if from == c.ReferrerID {
		return done, errSelf
	}
	if err := s.open(ctx, Code{BrandID: c.BrandID, MemberID: c.ReferrerID, Role: c.Role, State: Open}); err != nil {
		return done, err
	}
	standing, err := s.Members.Standing(ctx, []id.ID{c.ReferrerID})
	if err != nil {
		return done, err
	}
	if to := standing[c.ReferrerID]; to.Root == 0 || to.Blocked {
		return done, errClosed
	}
	p, err := s.Policy(ctx, c.BrandID)
	if err != nil {
		return done, err
	}
	var last struct {
		BoundAt clock.Instant
		ID      id.ID
	}
	for range handOverRuns {
		var list []Binding
		err := s.DB.Read(ctx).Where("brand_id = ? AND referrer_id = ? AND slot = 0 AND (bound_at > ? OR (bound_at = ? AND id > ?))", c.BrandID, from, last.BoundAt, last.BoundAt, last.ID).
			Order("bound_at, id").Limit(handOverMost).Find(&list).Error
		if err != nil {
			return done, wrap("hand over", err)
		}
		moved, stay, err := s.handOver(ctx, c, p, list)
		if err != nil {
			return done, err
		}
		done.Moved, done.Stay = done.Moved+moved, done.Stay+stay
		if len(list) < handOverMost {
			return done, nil
		}
		last.BoundAt, last.ID = list[len(list)-1].BoundAt, list[len(list)-1].ID
	}
	done.More = true
	return done, nil
}

func (s *Store) handOver(ctx context.Context, c Change, p Policy, list []Binding) (moved, stay int64, err error) {
	members := []id.ID{c.ReferrerID}
	for _, b := range list {
		members = append(members, b.MemberID)
	}
	err = s.under(ctx, c.BrandID, members, func(h *history) error {
		moved, stay = 0, 0 // the transaction may run again
		for _, b := range list {
			one := c
			one.MemberID = b.MemberID
			if !h.still(b) {
				continue
			}
			_, err := h.rebind(one, p)
			switch kind := fault.KindOf(err); {
			case err == nil:
				moved++
			case kind == fault.Conflict || kind == fault.Invalid: // refused before anything was written
				stay++
			default:
				return err
			}
		}
		return nil
	})
	return moved, stay, err
}

// still says whether a binding that was read before the lock is active yet.
func (h *history) still(b Binding) bool {
	for _, now := range h.bindings[b.MemberID] {
		if now.ID == b.ID {
			return now.Slot == 0
		}
	}
	return false
}
