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

// A path is made of elements of equal width: the number of the brand and those of the
// nodes from the root down to the node itself, written with the alphabet of tokens, whose order is that of bytes.
// So a path begins with the path of each node above, those below are one range of the
// index, and no two nodes of a brand have the same element. Six symbols are a thousand
// million nodes.
const elementSize = 6

// beyond follows every symbol of a path in the order of bytes.
const beyond = "~"

func element(no int64) string {
	var b [elementSize]byte
	for i := range b {
		b[elementSize-1-i] = alphabet[no&31]
		no >>= 5
	}
	return string(b[:])
}

// above returns the paths of all nodes above, from the root down.
func above(path string) []string {
	out := make([]string, 0, len(path)/elementSize)
	for n := 2 * elementSize; n < len(path); n += elementSize { // the brand's number alone is no node
		out = append(out, path[:n])
	}
	return out
}

// delta is what changes in the counters of one node. Those who change alike are changed
// by one statement.
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
	nextNo  int64
	placed  bool // the shape changed
	nodes   map[id.ID]*Node
	fresh   []*Node
	deltas  map[string]*delta
}

// lock takes the brand's row. From here to the commit nobody else changes its trees. The
// transaction must be a fresh one (db.InFreshTx), or reads would show what was before.
func (s *Store) lock(ctx context.Context, tx *gorm.DB, brandID id.ID) (*forest, error) {
	f := &forest{s: s, ctx: ctx, tx: tx, brandID: brandID, nodes: map[id.ID]*Node{}, deltas: map[string]*delta{}}
	stmt := "SELECT no, version, next_no FROM referral_tree WHERE brand_id = ?"
	if s.DB.Driver() == db.MySQL {
		stmt += " FOR UPDATE"
	}
	for range 8 {
		var rows []struct{ No, Version, NextNo int64 }
		if err := tx.WithContext(ctx).Raw(stmt, brandID).Scan(&rows).Error; err != nil {
			return nil, wrap("lock", err)
		}
		if len(rows) == 1 {
			f.root, f.version, f.nextNo = element(rows[0].No), rows[0].Version, rows[0].NextNo
			return f, nil
		}
		// Two brands that begin at once may want one number: the one that lost looks again.
		var last int64
		if err := tx.WithContext(ctx).Raw("SELECT COALESCE(MAX(no), 0) FROM referral_tree").Scan(&last).Error; err != nil {
			return nil, wrap("lock", err)
		}
		_, err := db.Exec(ctx, tx, "INSERT INTO referral_tree (brand_id, no, version, next_no, check_state, check_path, check_started_at, check_finished_at, checked, repaired, misplaced) VALUES (?,?,1,1,'','',0,0,0,0,0)"+s.DB.Once("version"), brandID, last+1)
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
		n = &Node{BrandID: f.brandID, MemberID: memberID, Levels: 1, JoinedAt: at, Path: f.root + f.next()}
		f.nodes[memberID], f.fresh = n, append(f.fresh, n)
	}
	return n
}

func (f *forest) next() string {
	f.placed = true
	f.nextNo++
	return element(f.nextNo - 1)
}

// change adds to the counters of the node with a path.
func (f *forest) change(path string, d delta) {
	if old, ok := f.deltas[path]; ok {
		old.add(d)
	} else {
		f.deltas[path] = &d
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
	f.change(parent.Path, delta{direct: 1})
	parent.Levels = max(parent.Levels, 2) // no leaf any more: put must know
}

// move puts a written node with all below him under another parent, or alone (nil).
func (f *forest) move(child, parent *Node) error {
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
		for _, p := range append(above(parent.Path), parent.Path) {
			f.change(p, to)
		}
		f.change(parent.Path, delta{direct: 1})
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
	alike := map[delta][]string{}
	for path, d := range f.deltas {
		if *d != (delta{}) {
			alike[*d] = append(alike[*d], path)
		}
	}
	clear(f.deltas)
	for d, paths := range alike {
		slices.Sort(paths)
		for part := range slices.Chunk(paths, 500) {
			if err := f.write(d, part); err != nil {
				return err
			}
		}
	}
	if !f.placed {
		return nil
	}
	f.placed = false
	f.version++
	r, err := db.Exec(f.ctx, f.tx, "UPDATE referral_tree SET version = ?, next_no = ? WHERE brand_id = ? AND version = ?", f.version, f.nextNo, f.brandID, f.version-1)
	if err != nil {
		return wrap("tree", err)
	}
	if n, err := r.RowsAffected(); err != nil || n != 1 { // an engine that took no lock
		return fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试").Because(err)
	}
	return nil
}

// write changes the counters of nodes that change alike.
func (f *forest) write(d delta, paths []string) error {
	var set []string
	var args []any
	plus := func(column string, n int64) {
		if n != 0 {
			set, args = append(set, column+" = "+column+" + ?"), append(args, n)
		}
	}
	plus("direct", d.direct)
	plus("team_size", d.size)
	plus("active", d.active)
	plus("team_scans", d.scans)
	plus("team_claims", d.claims)
	plus("team_orders", d.orders)
	plus("team_sales_fen", int64(d.sales))
	plus("own_scans", d.ownScans)
	plus("own_claims", d.ownClaims)
	plus("own_orders", d.ownOrders)
	plus("own_sales_fen", int64(d.ownSales))
	counted := len(set) > 0
	if d.deep > 0 {
		set, args = append(set, "levels = CASE WHEN levels < ? - depth THEN ? - depth ELSE levels END"), append(args, d.deep+1, d.deep+1)
	}
	if d.at > 0 {
		set, args = append(set, "last_active_at = CASE WHEN last_active_at < ? THEN ? ELSE last_active_at END"), append(args, d.at, d.at)
	}
	if d.live {
		set = append(set, "live = 1")
	}
	for _, p := range paths {
		args = append(args, p)
	}
	r, err := db.Exec(f.ctx, f.tx, "UPDATE referral_node SET "+strings.Join(set, ", ")+" WHERE path IN "+db.Marks(len(paths)), args...)
	if err != nil {
		return wrap("count", err)
	}
	if n, err := r.RowsAffected(); err != nil || counted && n != int64(len(paths)) {
		return fmt.Errorf("referral: counted %d of %d nodes (%w)", n, len(paths), cmp.Or(err, errCount))
	}
	return nil
}

// sorted returns the keys of a set in order: one order everywhere.
func sorted[V any](m map[id.ID]V) []id.ID { return slices.Sorted(maps.Keys(m)) }
