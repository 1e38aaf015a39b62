package referral

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Seedling is one referral of a tree that another system kept.
type Seedling struct {
	MemberID   id.ID
	ReferrerID id.ID
	BoundAt    clock.Instant
}

// planted is one node of a tree before it is written.
type planted struct {
	member        id.ID
	parent        int // index of the parent; -1: a root
	path          string
	depth, levels int
	direct, size  int64
	joined        clock.Instant
}

// plantRows is how many rows one statement takes.
const plantRows = 1000

// Plant brings the trees of another system into a brand that has none yet, all of them or
// nothing. Each referrer that was brought himself stands in the list before those whom he
// brought. Members are not asked for, and nobody is told: these are no new referrals.
// Terms begin when the referral did. Faults: Conflict referral_planted; Invalid
// referral_seed (Detail index), reason_missing.
func (s *Store) Plant(ctx context.Context, brandID id.ID, list []Seedling, reason string, by id.ID) (nodes int, err error) {
	c := Change{BrandID: brandID, Reason: reason, By: by}
	if err := c.check(); err != nil {
		return 0, err
	}
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return 0, err
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		f, err := s.lock(ctx, tx, brandID)
		if err != nil {
			return err
		}
		var there int64
		if err := tx.Raw("SELECT COUNT(*) FROM (SELECT member_id FROM referral_node WHERE brand_id = ? LIMIT 1) n", brandID).Scan(&there).Error; err != nil {
			return err
		}
		if there > 0 {
			return fault.New(fault.Conflict, "referral_planted", "这个品牌已有推荐关系，不能整体导入")
		}
		grown, err := f.grow(list, s.DB.Now())
		if err != nil {
			return err
		}
		if nodes = len(grown); nodes == 0 {
			return nil
		}
		if err := f.plantNodes(grown); err != nil {
			return err
		}
		if err := f.plantBindings(list, c, p); err != nil {
			return err
		}
		return f.flush()
	})
	return nodes, wrap("plant", err)
}

// grow places everybody and counts, children before parents.
func (f *forest) grow(list []Seedling, now clock.Instant) ([]planted, error) {
	bad := func(i int, text string) error { return fault.NewInvalid("referral_seed", text).With("index", i) }
	at := make(map[id.ID]int, len(list)+1)
	brought := make(map[id.ID]bool, len(list))
	out := make([]planted, 0, len(list)+1)
	for i, x := range list {
		switch {
		case x.MemberID == 0 || x.ReferrerID == 0 || x.MemberID == x.ReferrerID || x.BoundAt <= 0 || x.BoundAt > now:
			return nil, bad(i, fmt.Sprintf("第 %d 行：会员、推荐人或时间不对", i+1))
		case brought[x.MemberID]:
			return nil, bad(i, fmt.Sprintf("第 %d 行：会员出现了两次", i+1))
		}
		if _, early := at[x.MemberID]; early { // he brought somebody further up: perhaps a ring
			return nil, bad(i, fmt.Sprintf("第 %d 行：推荐人应排在被推荐人之前", i+1))
		}
		brought[x.MemberID] = true
		up, known := at[x.ReferrerID]
		if !known {
			up = len(out)
			at[x.ReferrerID] = up
			out = append(out, planted{member: x.ReferrerID, parent: -1, path: f.root + element(int64(x.ReferrerID)), levels: 1, joined: x.BoundAt})
		}
		depth := out[up].depth + 1
		if depth >= MaxLevels {
			return nil, bad(i, fmt.Sprintf("第 %d 行：层级超过 %d", i+1, MaxLevels))
		}
		at[x.MemberID] = len(out)
		out = append(out, planted{member: x.MemberID, parent: up, path: out[up].path + element(int64(x.MemberID)), depth: depth, levels: 1, joined: x.BoundAt})
	}
	for i := len(out) - 1; i >= 0; i-- {
		if up := out[i].parent; up >= 0 {
			out[up].direct++
			out[up].size += out[i].size + 1
			out[up].levels = max(out[up].levels, out[i].levels+1)
		}
	}
	return out, nil
}

func (f *forest) plantNodes(all []planted) error {
	for part := range slices.Chunk(all, plantRows) {
		rows := db.NewRows("referral_node", nodeColumns)
		for _, n := range part {
			parent := id.ID(0)
			if n.parent >= 0 {
				parent = all[n.parent].member
			}
			rows.Add(f.brandID, n.member, parent, n.path, n.depth, n.levels, n.direct, n.size, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 0, n.joined)
		}
		if _, err := rows.Insert(f.ctx, f.tx, ""); err != nil {
			return err
		}
	}
	return nil
}

func (f *forest) plantBindings(list []Seedling, c Change, p Policy) error {
	now := f.s.DB.Now()
	for part := range slices.Chunk(list, plantRows) {
		rows := db.NewRows("referral_binding", bindingColumns)
		for _, x := range part {
			protected, expires := p.terms(x.BoundAt)
			rows.Add(f.s.DB.NewID(), f.brandID, x.MemberID, 0, x.ReferrerID, 0, Member, Import, Active, c.Reason, c.By, false,
				x.BoundAt, protected, expires, 0, "", 0, "", "", now)
		}
		if _, err := rows.Insert(f.ctx, f.tx, ""); err != nil {
			return err
		}
	}
	return nil
}
