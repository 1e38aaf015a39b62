package referral

import (
	"cmp"
	"context"
	"slices"
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
// referral_self, referral_contact; Forbidden member_blocked.
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

// history is what is known of some humans of a brand: their families and bindings.
type history struct {
	*forest
	families map[id.ID][]id.ID
	bindings map[id.ID][]*Binding // by referee
	made     []*Binding
	events   []event.Event
}

func (f *forest) history(members []id.ID) (*history, error) {
	h := &history{forest: f, bindings: map[id.ID][]*Binding{}}
	var err error
	if h.families, err = member.Families(f.tx, members); err != nil {
		return nil, err
	}
	all := map[id.ID]bool{}
	for _, family := range h.families {
		for _, m := range family {
			all[m] = true
		}
	}
	ids := sorted(all)
	for part := range slices.Chunk(ids, 500) {
		var list []*Binding
		if err := f.tx.Where("brand_id = ? AND member_id IN ?", f.brandID, part).Order("bound_at, id").Find(&list).Error; err != nil {
			return nil, wrap("bindings", err)
		}
		for _, b := range list {
			h.bindings[b.MemberID] = append(h.bindings[b.MemberID], b)
		}
	}
	return h, f.load(ids)
}

// of returns the human's bindings that are valid at a moment, the earliest first, and
// whether he ever had one.
func (h *history) of(memberID id.ID, at clock.Instant) (valid []*Binding, ever bool) {
	for _, m := range h.families[memberID] {
		for _, b := range h.bindings[m] {
			ever = true
			if b.Slot == 0 && (b.ExpiresAt == 0 || b.ExpiresAt > at) {
				valid = append(valid, b)
			}
		}
	}
	slices.SortFunc(valid, func(a, b *Binding) int { return cmp.Or(cmp.Compare(a.BoundAt, b.BoundAt), cmp.Compare(a.ID, b.ID)) })
	return valid, ever
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
	protected, expires := b.policy.terms(c.At)
	x := &Binding{MemberID: c.MemberID, ReferrerID: b.code.MemberID, CodeID: b.code.ID, Role: b.code.Role, Channel: c.Channel, Consented: c.Consented,
		BoundAt: c.At, ProtectedUntil: protected, ExpiresAt: expires, IPHash: c.IPHash, DeviceHash: c.DeviceHash}
	if err := h.replace(x, change{reason: "推荐人变更", scene: "takeover"}); err != nil {
		return err
	}
	b.out = *x
	return nil
}

// ring says whether somebody of the referee's human stands above the referrer's.
func (h *history) ring(referee, referrer id.ID) error {
	for _, m := range h.families[referrer] {
		for _, x := range h.families[referee] {
			up, down := h.nodes[x], h.nodes[m]
			if up != nil && down != nil && strings.HasPrefix(down.Path, up.Path) {
				return errRing
			}
		}
	}
	return nil
}

// tangled says whether somebody above parent, or parent, is the human of somebody below
// child: put together, he would stand above himself.
func (h *history) tangled(child, parent *Node) error {
	var up []id.ID
	if err := h.tx.Raw("SELECT member_id FROM referral_node WHERE path IN ?", append(above(parent.Path), parent.Path)).Scan(&up).Error; err != nil {
		return wrap("above", err)
	}
	families, err := member.Families(h.tx, up)
	if err != nil {
		return err
	}
	var all []id.ID
	for _, family := range families {
		all = append(all, family...)
	}
	var n int64
	err = h.tx.Raw("SELECT COUNT(*) FROM referral_node WHERE brand_id = ? AND member_id IN ? AND path >= ? AND path < ?", h.brandID, all, child.Path, child.Path+beyond).Scan(&n).Error
	if err == nil && n > 0 {
		return errRing
	}
	return wrap("above", err)
}

// reload knows the nodes again after a move has forgotten them.
func (h *history) reload() error {
	all := map[id.ID]bool{}
	for _, family := range h.families {
		for _, m := range family {
			all[m] = true
		}
	}
	return h.load(sorted(all))
}

// change is why something changes and who did it.
type change struct {
	reason string
	by     id.ID
	scene  string // of the events
}

// replace ends whatever active bindings the human of x has, and makes x active.
func (h *history) replace(x *Binding, why change) error {
	if err := h.ring(x.MemberID, x.ReferrerID); err != nil {
		return err
	}
	if child := h.nodes[x.MemberID]; child != nil && !slices.Contains(h.fresh, child) {
		if err := h.flush(); err != nil { // how deep it is must be what the table says
			return err
		}
		h.nodes = map[id.ID]*Node{}
		if err := h.reload(); err != nil {
			return err
		}
	}
	child, parent := h.nodes[x.MemberID], h.nodes[x.ReferrerID]
	if parent == nil {
		parent = &Node{} // the root that he will be
	}
	if err := h.fits(child, parent); err != nil {
		return err
	}
	if child != nil && child.Levels > 1 && parent.Path != "" {
		if err := h.tangled(child, parent); err != nil {
			return err
		}
	}
	for _, m := range h.families[x.MemberID] {
		for _, b := range h.bindings[m] {
			if b.Slot != 0 {
				continue
			}
			state, reason := Replaced, why
			if b.ExpiresAt > 0 && b.ExpiresAt <= h.s.DB.Now() {
				state, reason = Ended, change{reason: expired, scene: "expired"}
			}
			if err := h.end(b, state, reason); err != nil {
				return err
			}
			if m != x.MemberID { // another account of his: it stands alone now
				if err := h.move(h.nodes[m], nil); err != nil {
					return err
				}
				if err := h.reload(); err != nil {
					return err
				}
			}
		}
	}
	now := h.s.DB.Now()
	x.ID, x.BrandID, x.State, x.CreatedAt = h.s.DB.NewID(), h.brandID, Active, now
	to, known := h.node(x.ReferrerID, now), h.nodes[x.MemberID] != nil
	node := h.node(x.MemberID, x.BoundAt)
	if !known {
		node.Live, node.LastActiveAt = true, now
	}
	if err := h.put(node, to); err != nil {
		return err
	}
	if err := h.reload(); err != nil {
		return err
	}
	h.bindings[x.MemberID] = append(h.bindings[x.MemberID], x)
	h.made = append(h.made, x)
	scene := "bound"
	if why.by != 0 {
		scene = "rebound"
	}
	h.tell(x, scene, now)
	return nil
}

// expired is the reason of what ended by its time.
const expired = "推荐关系到期"

// end ends an active binding; its node stays where it is.
func (h *history) end(b *Binding, state string, why change) error {
	now := h.s.DB.Now()
	if i := slices.Index(h.made, b); i >= 0 { // made by this very batch
		if err := h.write(); err != nil {
			return err
		}
	}
	r := h.tx.Exec("UPDATE referral_binding SET state = ?, slot = id, ended_at = ?, ended_reason = ?, ended_by = ? WHERE id = ? AND slot = 0", state, now, why.reason, why.by, b.ID)
	if r.Error != nil || r.RowsAffected != 1 {
		return wrap("end", cmp.Or(r.Error, errCount))
	}
	b.State, b.Slot, b.EndedAt, b.EndedReason, b.EndedBy = state, b.ID, now, why.reason, why.by
	h.tell(b, why.scene, now)
	return nil
}

// tell says to consumers of events what became of a binding, once to each of the two.
func (h *history) tell(b *Binding, scene string, at clock.Instant) {
	key, channel := "referral:"+b.ID.String()+":"+scene+":", b.Channel
	if channel == "" {
		channel = Operator
	}
	for _, e := range []struct {
		who, other id.ID
		role       string
	}{{b.MemberID, b.ReferrerID, "referee"}, {b.ReferrerID, b.MemberID, "referrer"}} {
		h.events = append(h.events, event.Event{Key: key + e.role, Type: event.Referral, BrandID: b.BrandID, MemberID: e.who, Channel: channel, At: at,
			Body: event.Body(map[string]any{"role": e.role, "other_id": e.other, "scene": scene})})
	}
}

const bindingColumns = "id, brand_id, member_id, slot, referrer_id, code_id, role, channel, state, reason, by_id, consented, bound_at, protected_until, expires_at, ended_at, ended_reason, ended_by, ip_hash, device_hash, created_at"

// write writes all that was decided.
func (h *history) write() error {
	if err := h.flush(); err != nil {
		return err
	}
	rows := db.NewRows("referral_binding", bindingColumns)
	for _, b := range h.made {
		rows.Add(b.ID, b.BrandID, b.MemberID, b.Slot, b.ReferrerID, b.CodeID, b.Role, b.Channel, b.State, b.Reason, b.ByID, b.Consented,
			b.BoundAt, b.ProtectedUntil, b.ExpiresAt, 0, "", 0, b.IPHash, b.DeviceHash, b.CreatedAt)
	}
	if _, err := rows.Insert(h.ctx, h.tx, ""); err != nil {
		return wrap("bindings", err)
	}
	h.made = nil
	for part := range slices.Chunk(h.events, event.Most) {
		if _, err := h.s.Events.PutTx(h.ctx, h.tx, part); err != nil {
			return err
		}
	}
	h.events = nil
	return nil
}
