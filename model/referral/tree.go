package referral

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// A path is made of elements of equal width: the brand's id and those of the members from
// the root down to the node itself, written with symbols whose order is that of bytes. So
// a path begins with the path of each node above, those below are one range of the index,
// and who stands above one is read in his own row.
const elementSize = 11

// symbols are 64, in the order of bytes.
const symbols = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"

// beyond follows every symbol of a path in the order of bytes.
const beyond = "~"

// element writes the id of a brand or a member.
func element(no int64) string {
	var b [elementSize]byte
	for i := range b {
		b[elementSize-1-i] = symbols[no&63]
		no >>= 6
	}
	return string(b[:])
}

// above returns the members above a node, from the root down.
func above(path string) []id.ID {
	if len(path) < 2*elementSize { // the brand's element alone is no node
		return nil
	}
	out := make([]id.ID, 0, len(path)/elementSize)
	for at := elementSize; at < len(path)-elementSize; at += elementSize {
		var no int64
		for i := range elementSize {
			no = no<<6 | int64(strings.IndexByte(symbols, path[at+i]))
		}
		out = append(out, id.ID(no))
	}
	return out
}

// delta is what changes in the counters of one node.
type delta struct {
	direct, size, active  int64
	scans, claims, orders int64
	sales                 money.Fen
	deep                  int // depth of the deepest node that came below; 0: none
	ownScans, ownClaims   int64
	ownOrders             int64
	ownSales              money.Fen
	live                  bool          // becomes one of the active
	at                    clock.Instant // of his own last act; 0: none
}

func (d *delta) add(o delta) {
	d.direct, d.size, d.active = d.direct+o.direct, d.size+o.size, d.active+o.active
	d.scans, d.claims, d.orders, d.sales = d.scans+o.scans, d.claims+o.claims, d.orders+o.orders, d.sales+o.sales
	d.ownScans, d.ownClaims, d.ownOrders, d.ownSales = d.ownScans+o.ownScans, d.ownClaims+o.ownClaims, d.ownOrders+o.ownOrders, d.ownSales+o.ownSales
	d.deep, d.at, d.live = max(d.deep, o.deep), max(d.at, o.at), d.live || o.live
}

// weight is what a node and all below him add to those above.
func (n *Node) weight() delta {
	d := delta{size: n.TeamSize + 1, active: n.Active, scans: n.TeamScans + n.OwnScans, claims: n.TeamClaims + n.OwnClaims,
		orders: n.TeamOrders + n.OwnOrders, sales: n.TeamSalesFen + n.OwnSalesFen}
	if n.Live {
		d.active++
	}
	return d
}

// minus takes back; depth is not taken back here, the nightly check does.
func (d delta) minus() delta {
	return delta{size: -d.size, active: -d.active, scans: -d.scans, claims: -d.claims, orders: -d.orders, sales: -d.sales}
}

// forest is one brand's trees in a transaction that holds their lock. Nodes are as they
// are placed, with what is not written yet; their counters may be older.
type forest struct {
	s       *Store
	ctx     context.Context
	tx      *gorm.DB
	brandID id.ID
	root    string // with what every path of the brand begins
	version int64
	placed  bool // the shape changed
	nodes   map[id.ID]*Node
	fresh   []*Node
	deltas  map[id.ID]*delta // by member
}

// lock takes the brand's row. From here to the commit nobody else changes its trees. The
// transaction must be a fresh one (db.InFreshTx), or reads would show what was before.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, brandID id.ID) (*forest, error) {
	f := &forest{s: s, ctx: ctx, tx: tx, brandID: brandID, root: element(int64(brandID)), nodes: map[id.ID]*Node{}, deltas: map[id.ID]*delta{}}
	stmt := "SELECT version FROM referral_tree WHERE brand_id = ?"
	if s.DB.Driver() == db.MySQL {
		stmt += " FOR UPDATE"
	}
	for range 2 {
		var versions []int64
		if err := tx.WithContext(ctx).Raw(stmt, brandID).Scan(&versions).Error; err != nil {
			return nil, wrap("lock", err)
		}
		if len(versions) == 1 {
			f.version = versions[0]
			return f, nil
		}
		_, err := db.Exec(ctx, tx, "INSERT INTO referral_tree (brand_id, version, check_state, check_path, check_started_at, check_finished_at, checked, repaired, misplaced) VALUES (?,1,'','',0,0,0,0,0)"+s.DB.Once("version"), brandID)
		if err != nil {
			return nil, wrap("lock", err)
		}
	}
	return nil, fmt.Errorf("referral: brand %d has no row to lock", brandID)
}

// load reads the nodes of members that are not known yet. Members without a node have no
// entry.
func (f *forest) load(members []id.ID) error {
	var ask []id.ID
	for _, m := range members {
		if _, known := f.nodes[m]; !known {
			ask = append(ask, m)
			f.nodes[m] = nil
		}
	}
	for part := range slices.Chunk(ask, 500) {
		var list []*Node
		if err := f.tx.Where("brand_id = ? AND member_id IN ?", f.brandID, part).Find(&list).Error; err != nil {
			return wrap("nodes", err)
		}
		for _, n := range list {
			f.nodes[n.MemberID] = n
		}
	}
	return nil
}

// node returns a loaded node, or makes one that stands alone.
func (f *forest) node(memberID id.ID, at clock.Instant) *Node {
	n := f.nodes[memberID]
	if n == nil {
		n = &Node{BrandID: f.brandID, MemberID: memberID, Levels: 1, JoinedAt: at, Path: f.root + element(int64(memberID))}
		f.nodes[memberID], f.fresh, f.placed = n, append(f.fresh, n), true
	}
	return n
}

// change adds to the counters of a member's node.
func (f *forest) change(memberID id.ID, d delta) {
	if old, ok := f.deltas[memberID]; ok {
		old.add(d)
	} else {
		f.deltas[memberID] = &d
	}
}

// put makes child one of the direct people of parent, with all below him. The caller has
// asked fits.
func (f *forest) put(child, parent *Node) error {
	if child.ParentID == 0 && child.Levels == 1 && slices.Contains(f.fresh, child) { // nothing written yet
		child.ParentID, child.Depth, child.Path = parent.MemberID, parent.Depth+1, parent.Path+child.Path[len(child.Path)-elementSize:]
		f.weigh(child, parent)
		return nil
	}
	return f.move(child, parent)
}

func (f *forest) weigh(child, parent *Node) {
	w := child.weight()
	w.deep = child.Depth + child.Levels - 1
	for _, p := range above(child.Path) {
		f.change(p, w)
	}
	f.change(parent.MemberID, delta{direct: 1})
	parent.Levels = max(parent.Levels, 2) // no leaf any more: put must know
}

// move puts a written node with all below him under another parent, or alone (nil).
func (f *forest) move(child, parent *Node) error {
	if child == nil { // it is gone: there is nothing to move
		return nil
	}
	if err := f.flush(); err != nil { // paths below and counters must be those of the tables
		return err
	}
	childID := child.MemberID
	f.nodes = map[id.ID]*Node{}
	ids := []id.ID{childID}
	if parent != nil {
		ids = append(ids, parent.MemberID)
	}
	if err := f.load(ids); err != nil {
		return err
	}
	if child = f.nodes[childID]; parent != nil {
		parent = f.nodes[parent.MemberID]
	}
	if child == nil {
		return errCount
	}
	old, w := child.Path, child.weight()
	up := above(old)
	for _, p := range up {
		f.change(p, w.minus())
	}
	if len(up) > 0 {
		f.change(up[len(up)-1], delta{direct: -1})
	}
	own := old[len(old)-elementSize:]
	path, depth, parentID := f.root+own, 0, id.ID(0)
	if parent != nil {
		path, depth, parentID = parent.Path+own, parent.Depth+1, parent.MemberID
		to := w
		to.deep = depth + child.Levels - 1
		for _, p := range append(above(parent.Path), parent.MemberID) {
			f.change(p, to)
		}
		f.change(parent.MemberID, delta{direct: 1})
	}
	concat := "CONCAT(?, SUBSTR(path, ?))"
	if f.s.DB.Driver() == db.SQLite {
		concat = "? || SUBSTR(path, ?)"
	}
	r, err := db.Exec(f.ctx, f.tx, "UPDATE referral_node SET path = "+concat+", depth = depth + ? WHERE path >= ? AND path < ?",
		path, len(old)+1, depth-child.Depth, old, old+beyond)
	if err != nil {
		return wrap("move", err)
	}
	if n, err := r.RowsAffected(); err != nil || path != old && n != child.TeamSize+1 {
		return fmt.Errorf("referral: moved %d of %d nodes (%w)", n, child.TeamSize+1, cmp.Or(err, errCount))
	}
	if _, err := db.Exec(f.ctx, f.tx, "UPDATE referral_node SET parent_id = ? WHERE brand_id = ? AND member_id = ?", parentID, f.brandID, childID); err != nil {
		return wrap("move", err)
	}
	f.placed, f.nodes = true, map[id.ID]*Node{}
	return f.flush()
}

var errCount error = fault.New(fault.Internal, "referral_count", "推荐关系的计数与明细不符")

// fits says whether child with all below him can stand under parent.
func (f *forest) fits(child, parent *Node) error {
	levels := 1
	if child != nil {
		if strings.HasPrefix(parent.Path, child.Path) {
			return errRing
		}
		levels = child.Levels
	}
	if parent.Depth+1+levels <= MaxLevels {
		return nil
	}
	if levels > 1 { // Levels may be too high: look
		var deepest int
		err := f.tx.Raw("SELECT MAX(depth) FROM referral_node WHERE path >= ? AND path < ?", child.Path, child.Path+beyond).Scan(&deepest).Error
		if err != nil {
			return wrap("depth", err)
		}
		if parent.Depth+2+deepest-child.Depth <= MaxLevels {
			return nil
		}
	}
	return errDepth
}

const nodeColumns = "brand_id, member_id, parent_id, path, depth, levels, direct, team_size, active, team_scans, team_claims, team_orders, team_sales_fen, own_scans, own_claims, own_orders, own_sales_fen, live, last_active_at, joined_at"

// flush writes what is not written.
func (f *forest) flush() error {
	rows := db.NewRows("referral_node", nodeColumns)
	for _, n := range f.fresh {
		rows.Add(n.BrandID, n.MemberID, n.ParentID, n.Path, n.Depth, n.Levels, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n.Live, n.LastActiveAt, n.JoinedAt)
	}
	if _, err := rows.Insert(f.ctx, f.tx, ""); err != nil {
		return wrap("new nodes", err)
	}
	f.fresh = nil
	if err := f.tally(); err != nil {
		return err
	}
	if !f.placed {
		return nil
	}
	f.placed = false
	f.version++
	r, err := db.Exec(f.ctx, f.tx, "UPDATE referral_tree SET version = ? WHERE brand_id = ? AND version = ?", f.version, f.brandID, f.version-1)
	if err != nil {
		return wrap("tree", err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 { // an engine that took no lock
		return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试").Because(err)
	}
	return nil
}

// sorted returns the keys of a set in order: one order everywhere.
func sorted[V any](m map[id.ID]V) []id.ID { return slices.Sorted(maps.Keys(m)) }
