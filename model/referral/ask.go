package referral

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// ReferrerOf returns the human's referrer at a moment: the earliest binding of his family
// that was valid then. Fault: NotFound member_not_found.
func (s *Store) ReferrerOf(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (b Binding, ok bool, err error) {
	_, b, ok, err = s.referrer(ctx, brandID, memberID, at)
	return b, ok, err
}

// referrer reads a human's root and bindings at once: events ask for it all day.
func (s *Store) referrer(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (root id.ID, b Binding, ok bool, err error) {
	// The root's rows stand first and are there, without a binding, when he has none. CROSS
	// JOIN keeps SQLite from reading all of the brand first.
	const stmt = `SELECT r.root, b.* FROM (SELECT CASE root_id WHEN 0 THEN id ELSE root_id END AS root FROM member WHERE id = ?) r
		LEFT JOIN referral_binding b ON b.member_id = r.root AND b.brand_id = ?
		UNION ALL SELECT r.root, b.* FROM (SELECT CASE root_id WHEN 0 THEN id ELSE root_id END AS root FROM member WHERE id = ?) r
		CROSS JOIN member f ON f.root_id = r.root CROSS JOIN referral_binding b ON b.member_id = f.id AND b.brand_id = ?`
	var list []struct {
		Root id.ID
		Binding
	}
	if err := s.DB.Read(ctx).Raw(stmt, memberID, brandID, memberID, brandID).Scan(&list).Error; err != nil {
		return 0, Binding{}, false, wrap("referrer", err)
	}
	if len(list) == 0 {
		_, err := s.Members.Family(ctx, memberID) // says that there is no such member
		return 0, Binding{}, false, err
	}
	for _, x := range list {
		if x.ID != 0 && x.valid(at) && (!ok || cmp.Or(cmp.Compare(x.BoundAt, b.BoundAt), cmp.Compare(x.ID, b.ID)) < 0) {
			b, ok = x.Binding, true
		}
	}
	return list[0].Root, b, ok, nil
}

// Upline returns who brought the human at a moment, who brought that one, and so on, at
// most so many levels, with one read for each. Humans that were joined later may stand
// above themselves: nobody is passed twice.
func (s *Store) Upline(ctx context.Context, brandID, memberID id.ID, at clock.Instant, levels int) ([]Binding, error) {
	out := []Binding{}
	passed := map[id.ID]bool{}
	for who := memberID; len(out) < min(levels, MaxLevels); {
		root, b, ok, err := s.referrer(ctx, brandID, who, at)
		if err != nil {
			return nil, err
		}
		if passed[root] || !ok {
			break
		}
		passed[root] = true
		out, who = append(out, b), b.ReferrerID
	}
	return out, nil
}

// Node reads a member's place. Who brought nobody and was brought by nobody has one
// without anything, JoinedAt 0.
func (s *Store) Node(ctx context.Context, brandID, memberID id.ID) (Node, error) {
	list, err := s.nodes(ctx, brandID, []id.ID{memberID})
	if err != nil || len(list) == 0 {
		return Node{BrandID: brandID, MemberID: memberID, Levels: 1}, err
	}
	return list[0], nil
}

// Team is Node for the human: the counters of his family's nodes together. Its place is
// that of the node with the most people.
func (s *Store) Team(ctx context.Context, brandID, memberID id.ID) (Node, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return Node{}, err
	}
	return s.TeamOf(ctx, brandID, family)
}

// TeamOf is Team for some accounts of a human, at least one.
func (s *Store) TeamOf(ctx context.Context, brandID id.ID, accounts []id.ID) (Node, error) {
	list, err := s.nodes(ctx, brandID, accounts)
	if err != nil || len(list) == 0 {
		return Node{BrandID: brandID, MemberID: accounts[0], Levels: 1}, err
	}
	slices.SortFunc(list, func(a, b Node) int { return cmp.Compare(b.TeamSize, a.TeamSize) })
	sum := list[0]
	for _, n := range list[1:] {
		sum.Levels = max(sum.Levels, n.Levels)
		sum.Direct, sum.TeamSize, sum.Active = sum.Direct+n.Direct, sum.TeamSize+n.TeamSize, sum.Active+n.Active
		sum.TeamScans, sum.TeamClaims, sum.TeamOrders, sum.TeamSalesFen = sum.TeamScans+n.TeamScans, sum.TeamClaims+n.TeamClaims, sum.TeamOrders+n.TeamOrders, sum.TeamSalesFen+n.TeamSalesFen
		sum.OwnScans, sum.OwnClaims, sum.OwnOrders, sum.OwnSalesFen = sum.OwnScans+n.OwnScans, sum.OwnClaims+n.OwnClaims, sum.OwnOrders+n.OwnOrders, sum.OwnSalesFen+n.OwnSalesFen
		sum.Live, sum.LastActiveAt = sum.Live || n.Live, max(sum.LastActiveAt, n.LastActiveAt)
	}
	return sum, nil
}

func (s *Store) nodes(ctx context.Context, brandID id.ID, members []id.ID) ([]Node, error) {
	var list []Node
	err := s.DB.Read(ctx).Where("brand_id = ? AND member_id IN ?", brandID, members).Find(&list).Error
	return list, wrap("nodes", err)
}

// Cursor is a place in a list of nodes: the last one that was seen.
type Cursor struct {
	TeamSize int64
	MemberID id.ID
}

// String is the cursor's text for a link.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return strconv.FormatInt(c.TeamSize, 10) + "." + c.MemberID.String()
}

// CursorAfter is where the page after a node begins.
func CursorAfter(n Node) Cursor { return Cursor{n.TeamSize, n.MemberID} }

// ParseCursor reads what String wrote. Fault: Invalid bad_cursor.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	size, who, found := strings.Cut(text, ".")
	n, err := strconv.ParseInt(size, 10, 64)
	m, bad := id.Parse(who)
	if !found || err != nil || bad != nil || n < 0 {
		return Cursor{}, fault.NewInvalid("bad_cursor", "翻页位置格式不对").With("field", "after")
	}
	return Cursor{n, m}, nil
}

// Children returns the direct people of a member's own node, the largest teams first;
// memberID 0: the roots of the brand. Sizes change while somebody turns pages: he may see
// a node twice or not at all.
func (s *Store) Children(ctx context.Context, brandID, memberID id.ID, after Cursor, limit int) ([]Node, error) {
	q := s.DB.Read(ctx).Where("brand_id = ? AND parent_id = ?", brandID, memberID)
	if after != (Cursor{}) {
		q = q.Where("team_size <= ? AND (team_size < ? OR member_id < ?)", after.TeamSize, after.TeamSize, after.MemberID)
	}
	list := []Node{}
	err := q.Order("team_size DESC, member_id DESC").Limit(page(limit)).Find(&list).Error
	return list, wrap("children", err)
}

func page(limit int) int {
	if limit < 1 || limit > db.MaxPage {
		return db.MaxPage
	}
	return limit
}

// Above returns the nodes above a member's own, the nearest first.
func (s *Store) Above(ctx context.Context, brandID, memberID id.ID) ([]Node, error) {
	n, err := s.Node(ctx, brandID, memberID)
	list := []Node{}
	if err != nil || n.Depth == 0 {
		return list, err
	}
	err = s.DB.Read(ctx).Where("brand_id = ? AND member_id IN ?", brandID, above(n.Path)).Order("path DESC").Find(&list).Error
	return list, wrap("above", err)
}

// AboveIDs is Above without the nodes: the members alone, from one row.
func (s *Store) AboveIDs(ctx context.Context, brandID, memberID id.ID) ([]id.ID, error) {
	var path string
	err := s.DB.Read(ctx).Raw("SELECT path FROM referral_node WHERE member_id = ? AND brand_id = ?", memberID, brandID).Row().Scan(&path)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, wrap("above", err)
	}
	list := above(path)
	slices.Reverse(list)
	return list, nil
}

// Under says whether the human memberID stands below the human root, at any depth.
// Nobody stands below himself.
func (s *Store) Under(ctx context.Context, brandID, root, memberID id.ID) (bool, error) {
	list, err := s.Below(ctx, brandID, root, memberID)
	return len(list) > 0, err
}

// Below lists the accounts of the human memberID that stand below the human root: of one
// who was joined, others may stand below somebody else, whose people root must not see.
func (s *Store) Below(ctx context.Context, brandID, root, memberID id.ID) ([]id.ID, error) {
	top, err := s.Members.Family(ctx, root)
	if err != nil || slices.Contains(top, memberID) {
		return nil, err
	}
	low, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	list, err := s.nodes(ctx, brandID, slices.Concat(top, low))
	var out []id.ID
	for _, b := range list {
		if slices.Contains(low, b.MemberID) && slices.ContainsFunc(list, func(a Node) bool {
			return slices.Contains(top, a.MemberID) && len(b.Path) > len(a.Path) && strings.HasPrefix(b.Path, a.Path)
		}) {
			out = append(out, b.MemberID)
		}
	}
	return out, err
}

// Binding reads one of a brand. Fault: NotFound referral_none.
func (s *Store) Binding(ctx context.Context, brandID, bindingID id.ID) (Binding, error) {
	var b Binding
	err := s.DB.Read(ctx).Where("id = ? AND brand_id = ?", bindingID, brandID).Take(&b).Error
	if db.IsNotFound(err) {
		return Binding{}, errNone
	}
	return b, wrap("binding", err)
}

// Direct lists the active bindings of whom the human brought, newest first, after a
// binding (0: from the newest).
func (s *Store) Direct(ctx context.Context, brandID, memberID, after id.ID, limit int) ([]Binding, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	return s.DirectOf(ctx, brandID, family, after, limit)
}

// DirectOf is Direct for some accounts of a human. A cursor that is none of theirs is
// answered like one that does not exist, with nothing.
func (s *Store) DirectOf(ctx context.Context, brandID id.ID, accounts []id.ID, after id.ID, limit int) ([]Binding, error) {
	list := []Binding{}
	var last Binding
	if after != 0 {
		err := s.DB.Read(ctx).Where("id = ? AND brand_id = ? AND referrer_id IN ?", after, brandID, accounts).Take(&last).Error
		if db.IsNotFound(err) {
			return list, nil
		}
		if err != nil {
			return nil, wrap("direct", err)
		}
	}
	for _, m := range accounts { // one range of the index each; families are small
		q := s.DB.Read(ctx).Where("brand_id = ? AND referrer_id = ? AND slot = 0", brandID, m)
		if after != 0 {
			q = q.Where("(bound_at < ? OR (bound_at = ? AND id < ?))", last.BoundAt, last.BoundAt, after)
		}
		var part []Binding
		if err := q.Order("bound_at DESC, id DESC").Limit(page(limit)).Find(&part).Error; err != nil {
			return nil, wrap("direct", err)
		}
		list = append(list, part...)
	}
	slices.SortFunc(list, func(a, b Binding) int { return cmp.Or(cmp.Compare(b.BoundAt, a.BoundAt), cmp.Compare(b.ID, a.ID)) })
	return list[:min(len(list), page(limit))], nil
}

// Newest lists the last people whom the human brought.
func (s *Store) Newest(ctx context.Context, brandID, memberID id.ID, limit int) ([]Binding, error) {
	return s.Direct(ctx, brandID, memberID, 0, limit)
}

// CountDirect is how many people the human brought and still has.
func (s *Store) CountDirect(ctx context.Context, brandID, memberID id.ID) (int64, error) {
	n, err := s.Team(ctx, brandID, memberID)
	return n.Direct, err
}

// Filter narrows Bindings; zero fields do not.
type Filter struct {
	MemberID   id.ID // referee, over his family
	ReferrerID id.ID // over his family
	State      string
	Before     id.ID // cursor: the last id of the page before
	Limit      int
}

// Bindings lists bindings of a brand with the ended ones, newest first: the history.
func (s *Store) Bindings(ctx context.Context, brandID id.ID, f Filter) ([]Binding, error) {
	list := []Binding{}
	q, err := s.bindingsIn(ctx, brandID, f)
	if err != nil {
		return nil, err
	}
	err = db.Page(q, "referral_binding", f.Before, f.Limit).Find(&list).Error
	return list, wrap("bindings", err)
}

// CountBindings counts what Bindings pages, up to db.MaxTotal.
func (s *Store) CountBindings(ctx context.Context, brandID id.ID, f Filter) (n int, more bool, err error) {
	q, err := s.bindingsIn(ctx, brandID, f)
	if err != nil {
		return 0, false, err
	}
	return db.Total(q.Model(&Binding{}))
}

func (s *Store) bindingsIn(ctx context.Context, brandID id.ID, f Filter) (*gorm.DB, error) {
	q := s.DB.Read(ctx).Where("brand_id = ?", brandID)
	for _, by := range []struct {
		column string
		member id.ID
	}{{"member_id", f.MemberID}, {"referrer_id", f.ReferrerID}} {
		if by.member == 0 {
			continue
		}
		family, err := s.Members.Family(ctx, by.member)
		if err != nil {
			return nil, err
		}
		q = q.Where(by.column+" IN ?", family)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q, nil
}
