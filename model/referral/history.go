package referral

import (
	"cmp"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
)

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
	up := append(above(parent.Path), parent.MemberID)
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
