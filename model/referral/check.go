package referral

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// The nightly check. What a node's counters must say follows from its direct people
// alone: each of them counts with himself and with what his own counters say. If that
// holds for every node, from the leaves up, all counters are right. So the check walks
// the nodes from the last path to the first, children before parents, a few hundred in a
// transaction that holds the brand's lock. Whatever happens between two steps changes a
// whole line of nodes alike and keeps what holds. How far the check is stands in the row
// that is locked: it goes on after a kill, and two processes take turns.

const (
	checkMost  = 500
	checkSteps = 200 // of one call of CheckDue
	checkHour  = 3 * time.Hour
)

// States of a check.
const (
	running = "running"
	over    = "done"
)

// Check is how far the check of a brand's counters is, or what the last one found.
type Check struct {
	BrandID    id.ID         `json:"brand_id"`
	State      string        `json:"state" gorm:"column:check_state"` // "" never, running, done
	StartedAt  clock.Instant `json:"started_at" gorm:"column:check_started_at"`
	FinishedAt clock.Instant `json:"finished_at" gorm:"column:check_finished_at"`
	Checked    int64         `json:"checked"`   // nodes
	Repaired   int64         `json:"repaired"`  // nodes whose counters were wrong and were put right
	Misplaced  int64         `json:"misplaced"` // nodes that do not stand where their binding says; never repaired by itself
	Path       string        `json:"-" gorm:"column:check_path"`
}

// Repair is one node that was put right.
type Repair struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	MemberID  id.ID         `json:"member_id"`
	Was       Tally         `json:"was" gorm:"serializer:json"`
	Put       Tally         `json:"put" gorm:"serializer:json"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Repair) TableName() string { return "referral_repair" }

const checkColumns = "brand_id, check_state, check_path, check_started_at, check_finished_at, checked, repaired, misplaced"

// CheckOf reads how the check of a brand stands.
func (s *Store) CheckOf(ctx context.Context, brandID id.ID) (Check, error) {
	c := Check{BrandID: brandID}
	err := s.DB.Read(ctx).Raw("SELECT "+checkColumns+" FROM referral_tree WHERE brand_id = ?", brandID).Scan(&c).Error
	return c, wrap("check", err)
}

// Repairs pages what checks put right, newest first.
func (s *Store) Repairs(ctx context.Context, brandID, before id.ID, limit int) ([]Repair, error) {
	list := []Repair{}
	err := db.Page(s.DB.Read(ctx).Where("brand_id = ?", brandID), "referral_repair", before, limit).Find(&list).Error
	return list, wrap("repairs", err)
}

// CountRepairs counts what Repairs pages, up to db.MaxTotal.
func (s *Store) CountRepairs(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&Repair{}).Where("brand_id = ?", brandID))
}

// StartCheck begins a check, unless one is running.
func (s *Store) StartCheck(ctx context.Context, brandID id.ID) (Check, error) {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE referral_tree SET check_state = ?, check_path = ?, check_started_at = ?, check_finished_at = 0, checked = 0, repaired = 0, misplaced = 0 WHERE brand_id = ? AND check_state <> ?",
			running, beyond, s.DB.Now(), brandID, running).Error
	})
	if err != nil {
		return Check{}, wrap("start check", err)
	}
	return s.CheckOf(ctx, brandID)
}

// CheckDue begins the night's checks after three o'clock and goes on with those that run,
// a bounded part of a large brand at a time; more says that it is not done.
func (s *Store) CheckDue(ctx context.Context) (more bool, err error) {
	now := s.DB.Now()
	day, _ := clock.DayOf(now).Bounds()
	var list []Check
	if err := s.DB.Read(ctx).Raw("SELECT " + checkColumns + " FROM referral_tree ORDER BY brand_id").Scan(&list).Error; err != nil {
		return false, wrap("check", err)
	}
	for _, c := range list {
		if at := day.Add(checkHour); c.State != running && now >= at && c.StartedAt < at {
			if c, err = s.StartCheck(ctx, c.BrandID); err != nil {
				return false, err
			}
		}
		left := c.State == running
		for step := 0; left && step < checkSteps && ctx.Err() == nil; step++ {
			if left, err = s.CheckStep(ctx, c.BrandID); err != nil {
				return false, err
			}
		}
		more = more || left
	}
	return more, ctx.Err()
}

// CheckStep checks the next few hundred nodes of a running check; more says that others
// are left.
func (s *Store) CheckStep(ctx context.Context, brandID id.ID) (more bool, err error) {
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		more = false // the transaction may run again
		f, err := s.lock(ctx, tx, brandID)
		if err != nil {
			return err
		}
		var c Check
		if err := tx.Raw("SELECT "+checkColumns+" FROM referral_tree WHERE brand_id = ?", brandID).Scan(&c).Error; err != nil || c.State != running {
			return err
		}
		list, err := f.page(c.Path)
		if err != nil {
			return err
		}
		if more = len(list) == checkMost; len(list) > 0 {
			if err := f.check(&c, list); err != nil {
				return err
			}
			c.Path = list[len(list)-1].Path
		}
		if c.Checked += int64(len(list)); !more {
			c.State, c.FinishedAt = over, s.DB.Now()
		}
		return tx.Exec("UPDATE referral_tree SET check_state = ?, check_path = ?, check_finished_at = ?, checked = ?, repaired = ?, misplaced = ? WHERE brand_id = ?",
			c.State, c.Path, c.FinishedAt, c.Checked, c.Repaired, c.Misplaced, brandID).Error
	})
	return more, wrap("check", err)
}

// page reads the nodes before a path, the last first.
func (f *forest) page(path string) (list []*Node, err error) {
	err = f.tx.Where("path > ? AND path < ?", f.root, min(path, f.root+beyond)).Order("path DESC").Limit(checkMost).Find(&list).Error
	return list, err
}

// check lets those rest who did nothing for long, and puts right what is wrong with a
// page of nodes.
func (f *forest) check(c *Check, list []*Node) error {
	stale := f.s.DB.Now().Add(-activeFor)
	var rest []id.ID
	for _, n := range list {
		if n.Live && n.LastActiveAt <= stale {
			rest = append(rest, n.MemberID)
			for _, p := range above(n.Path) {
				f.change(p, delta{active: -1})
			}
		}
	}
	if len(rest) > 0 {
		if err := f.tx.Exec("UPDATE referral_node SET live = 0 WHERE brand_id = ? AND member_id IN ?", f.brandID, rest).Error; err != nil {
			return err
		}
		if err := f.flush(); err != nil {
			return err
		}
		var err error
		if list, err = f.page(c.Path); err != nil { // with the counters as they are now
			return err
		}
	}
	parents := make([]id.ID, len(list))
	for i, n := range list {
		parents[i] = n.MemberID
	}
	sums, err := f.sums(parents)
	if err != nil {
		return err
	}
	again := map[id.ID]bool{} // parents of whom was put right on this very page
	for _, n := range list {
		if again[n.MemberID] {
			one, err := f.sums([]id.ID{n.MemberID})
			if err != nil {
				return err
			}
			sums[n.MemberID] = one[n.MemberID]
		}
		is, want := n.tally(), sums[n.MemberID]
		want.Levels++
		if is == want {
			continue
		}
		if err := f.repair(n, want); err != nil {
			return err
		}
		again[n.ParentID] = true
		if is.Levels > want.Levels {
			is.Levels = want.Levels // it may be too high: no mistake
		}
		if is != want {
			c.Repaired++
			r := Repair{ID: f.s.DB.NewID(), BrandID: f.brandID, MemberID: n.MemberID, Was: is, Put: want, CreatedAt: f.s.DB.Now()}
			if err := f.tx.Create(&r).Error; err != nil {
				return err
			}
		}
	}
	n, err := f.misplaced(list)
	c.Misplaced += n
	return err
}

// Tally is the counters of one node.
type Tally struct {
	Direct   int64 `json:"direct"`
	Size     int64 `json:"team_size"`
	Active   int64 `json:"active"`
	Scans    int64 `json:"team_scans"`
	Claims   int64 `json:"team_claims"`
	Orders   int64 `json:"team_orders"`
	SalesFen int64 `json:"team_sales_fen"`
	Levels   int   `json:"levels"`
}

func (n *Node) tally() Tally {
	return Tally{n.Direct, n.TeamSize, n.Active, n.TeamScans, n.TeamClaims, n.TeamOrders, int64(n.TeamSalesFen), n.Levels}
}

// sums adds up the direct people of nodes; Levels is the most that one of them has.
func (f *forest) sums(parents []id.ID) (map[id.ID]Tally, error) {
	var rows []struct {
		ParentID id.ID
		Sum      Tally `gorm:"embedded"`
	}
	err := f.tx.Raw(`SELECT parent_id, COUNT(*) AS direct, SUM(team_size + 1) AS size, SUM(active + live) AS active, SUM(team_scans + own_scans) AS scans,
		SUM(team_claims + own_claims) AS claims, SUM(team_orders + own_orders) AS orders, SUM(team_sales_fen + own_sales_fen) AS sales_fen, MAX(levels) AS levels
		FROM referral_node WHERE brand_id = ? AND parent_id IN ? GROUP BY parent_id`, f.brandID, parents).Scan(&rows).Error
	out := make(map[id.ID]Tally, len(rows))
	for _, r := range rows {
		out[r.ParentID] = r.Sum
	}
	return out, err
}

func (f *forest) repair(n *Node, t Tally) error {
	return f.tx.Exec("UPDATE referral_node SET direct = ?, team_size = ?, active = ?, team_scans = ?, team_claims = ?, team_orders = ?, team_sales_fen = ?, levels = ? WHERE brand_id = ? AND member_id = ?",
		t.Direct, t.Size, t.Active, t.Scans, t.Claims, t.Orders, t.SalesFen, t.Levels, f.brandID, n.MemberID).Error
}

// misplaced counts the nodes of a page that do not stand under their parent, whose parent
// is not the referrer of their active binding, or whose path does not end with themselves.
func (f *forest) misplaced(list []*Node) (int64, error) {
	joined := "CONCAT(p.path, SUBSTR(n.path, LENGTH(n.path) - ?))"
	if f.s.DB.Driver() == db.SQLite {
		joined = "p.path || SUBSTR(n.path, LENGTH(n.path) - ?)"
	}
	var wrong []id.ID
	err := f.tx.Raw(`SELECT n.member_id FROM referral_node n
		LEFT JOIN referral_node p ON p.brand_id = n.brand_id AND p.member_id = n.parent_id
		LEFT JOIN referral_binding b ON b.brand_id = n.brand_id AND b.member_id = n.member_id AND b.slot = 0
		WHERE n.path >= ? AND n.path <= ? AND (n.parent_id <> COALESCE(b.referrer_id, 0)
		OR n.parent_id = 0 AND (n.depth <> 0 OR LENGTH(n.path) <> ?)
		OR n.parent_id <> 0 AND (p.member_id IS NULL OR n.depth <> p.depth + 1 OR n.path <> `+joined+`))`,
		list[len(list)-1].Path, list[0].Path, 2*elementSize, elementSize-1).Scan(&wrong).Error
	n := int64(len(wrong))
	for _, x := range list {
		if !strings.HasSuffix(x.Path, element(int64(x.MemberID))) && !slices.Contains(wrong, x.MemberID) {
			n++
		}
	}
	return n, err
}
