package group

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// Leader is what this package knows of a leader (大C).
type Leader struct {
	ID, BrandID, MemberID id.ID
	Name                  string // shown to people
	Active                bool
}

// Leaders are asked who leads; wiring adapts model/leader.
type Leaders interface {
	// Leader reads one. Fault: NotFound leader_not_found.
	Leader(ctx context.Context, leaderID id.ID) (Leader, error)
	// Leaders pages those of a brand who look after people, in the order of model/leader:
	// nobody who has yet to become one, or is one no more.
	Leaders(ctx context.Context, brandID, before id.ID, limit int) ([]Leader, error)
	// CountLeaders counts what Leaders pages, up to db.MaxTotal.
	CountLeaders(ctx context.Context, brandID id.ID) (n int, more bool, err error)
	// ActiveAmong tells which of some members lead at a brand now.
	ActiveAmong(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID]bool, error)
}

// Person is one whom a leader brought, and whom he brought in turn.
type Person struct {
	MemberID id.ID
	Direct   int
}

// Circle is what is known of the people a leader brought himself (直接客户).
type Circle struct {
	Direct int // people
	Buyers int // of them, who verified a bottle or ordered; -1 = not known
}

// Referrals are asked who brought whom; wiring adapts model/referral.
type Referrals interface {
	Circle(ctx context.Context, brandID, memberID id.ID) (Circle, error)
	// Brought lists people whom a member brought himself, at most limit.
	Brought(ctx context.Context, brandID, memberID id.ID, limit int) ([]Person, error)
}

// People are asked what is known of members.
type People interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	// ActiveSince counts how many of the members did anything since a moment.
	ActiveSince(ctx context.Context, members []id.ID, since clock.Instant) (int, error)
	// Cities tells where members live, as far as known.
	Cities(ctx context.Context, members []id.ID) (map[id.ID]string, error)
}

// Deps are what a Store works with.
type Deps struct {
	DB        *db.DB
	Box       *seal.Box
	Leaders   Leaders
	Referrals Referrals
	People    People
}

// Store keeps communities and live codes.
type Store struct {
	Deps
	db     *db.DB
	key    []byte        // signs tokens of live codes
	decode chan struct{} // one picture is unpacked at a time: each may take a hundred megabytes
}

// New makes a store.
func New(d Deps) *Store {
	return &Store{Deps: d, db: d.DB, key: d.Box.Derive("live code"), decode: make(chan struct{}, 1)}
}

// Create registers a community. A leader registers his own: by.LeaderID stands for the
// draft's. It has no join code yet. Faults: Invalid community, NotFound leader_not_found,
// Conflict leader_inactive.
func (s *Store) Create(ctx context.Context, by By, d Draft) (Community, error) {
	c, err := s.prepare(ctx, by, d, 0)
	if err != nil {
		return Community{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Create(&c).Error })
	if err != nil {
		return Community{}, fmt.Errorf("group: create: %w", err)
	}
	return c, nil
}

// prepare makes a community of a draft. Whoever leads it from now on must be active; led is
// who does already.
func (s *Store) prepare(ctx context.Context, by By, d Draft, led id.ID) (Community, error) {
	if by.LeaderID != 0 {
		d.LeaderID = by.LeaderID
	}
	lead, err := s.leader(ctx, d.LeaderID, d.BrandID)
	if err != nil {
		return Community{}, err
	}
	if d.LeaderID != 0 && d.LeaderID != led && !lead.Active {
		return Community{}, fault.New(fault.Conflict, "leader_inactive", "这位群主目前没有生效，不能登记社群")
	}
	if d.BrandID == 0 {
		d.BrandID = lead.BrandID
	}
	p, err := s.Policy(ctx, d.BrandID)
	if err != nil {
		return Community{}, err
	}
	if err := d.check(p); err != nil {
		return Community{}, err
	}
	now, newID := s.db.Now(), s.db.NewID()
	return Community{ID: newID, BrandID: d.BrandID, LeaderID: d.LeaderID, LeaderMemberID: lead.MemberID, Kind: d.Kind, ChatKey: "-" + newID.String(),
		Name: d.Name, OwnerName: d.OwnerName, Province: d.Province, City: d.City, Capacity: d.Capacity, ScanCapacity: p.scanCapacity(d.Capacity),
		State: Open, CreatedAt: now, UpdatedAt: now}, nil
}

// leader reads who leads; no leader (0) is the company itself. A leader of another brand
// is none of this brand's.
func (s *Store) leader(ctx context.Context, leaderID, brandID id.ID) (Leader, error) {
	if leaderID == 0 {
		if brandID == 0 {
			return Leader{}, bad("brand_id", "请先选择品牌")
		}
		return Leader{}, nil
	}
	l, err := s.Leaders.Leader(ctx, leaderID)
	if err == nil && brandID != 0 && l.BrandID != brandID {
		err = fault.New(fault.NotFound, "leader_not_found", "没有这位群主")
	}
	return l, err
}

// Update changes what a person said of a community, not its kind or brand.
func (s *Store) Update(ctx context.Context, by By, communityID id.ID, d Draft) (Community, error) {
	old, err := s.Get(ctx, by, communityID)
	if err != nil {
		return Community{}, err
	}
	d.BrandID, d.Kind = old.BrandID, old.Kind
	if d.Capacity == 0 {
		d.Capacity = old.Capacity
	}
	fresh, err := s.prepare(ctx, by, d, old.LeaderID)
	if err != nil {
		return Community{}, err
	}
	return s.alter(ctx, communityID, func(c *Community) error {
		if !by.owns(*c) {
			return errMissing
		}
		c.LeaderID, c.LeaderMemberID, c.Name, c.OwnerName, c.Province, c.City = fresh.LeaderID, fresh.LeaderMemberID, fresh.Name, fresh.OwnerName, fresh.Province, fresh.City
		c.Capacity, c.ScanCapacity = fresh.Capacity, fresh.ScanCapacity
		return nil
	})
}

// Get reads one community within reach. Fault: NotFound community_not_found.
func (s *Store) Get(ctx context.Context, by By, communityID id.ID) (Community, error) {
	c, err := get(s.db.Read(ctx), communityID)
	if err == nil && !by.owns(c) {
		return Community{}, errMissing
	}
	return c, err
}

func get(tx *gorm.DB, communityID id.ID) (Community, error) {
	var c Community
	err := tx.Where("id = ?", communityID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, errMissing
	}
	if err != nil {
		return c, fmt.Errorf("group: community: %w", err)
	}
	return c, nil
}

// Filter narrows List; zero fields do not.
type Filter struct {
	BrandID, LeaderID id.ID
	State, Kind, Name string // Name: part of it
	Before            id.ID
	Limit             int
}

// List pages communities, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Community, error) {
	out := []Community{}
	if err := db.Page(s.narrowed(ctx, f), "community", f.Before, f.Limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("group: list: %w", err)
	}
	return out, nil
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	return db.Total(s.narrowed(ctx, f).Model(&Community{}))
}

func (s *Store) narrowed(ctx context.Context, f Filter) *gorm.DB {
	q := s.db.Read(ctx)
	for _, w := range []struct {
		on    bool
		where string
		value any
	}{
		{f.BrandID != 0, "brand_id = ?", f.BrandID}, {f.LeaderID != 0, "leader_id = ?", f.LeaderID},
		{f.State != "", "state = ?", f.State}, {f.Kind != "", "kind = ?", f.Kind},
		{f.Name != "", "name LIKE ? ESCAPE '!'", "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(f.Name) + "%"},
	} {
		if w.on {
			q = q.Where(w.where, w.value)
		}
	}
	return q
}

// ReportSize says how many people are in a community now. Places handed out long enough
// ago are in that number; younger ones still count on top of it.
func (s *Store) ReportSize(ctx context.Context, by By, communityID id.ID, size int) (Community, error) {
	return s.alter(ctx, communityID, func(c *Community) error {
		if !by.owns(*c) {
			return errMissing
		}
		if size < 0 || size > 2000 {
			return bad("size", "群人数应为 0 到 2000")
		}
		c.Size, c.SizeAt = size, s.db.Now()
		return nil
	})
}

// Close takes a community out of every live code, with a reason. What is closed already,
// a leader does not close again; the office takes over what a leader closed. Faults:
// Invalid community, Conflict community_closed.
func (s *Store) Close(ctx context.Context, by By, communityID id.ID, reason string) (Community, error) {
	if reason = strings.TrimSpace(reason); !text(reason, 1, 100) {
		return Community{}, bad("reason", "请写明关闭的原因，最多 100 个字")
	}
	return s.alter(ctx, communityID, func(c *Community) error {
		switch {
		case !by.owns(*c):
			return errMissing
		case c.State == Closed && by.LeaderID != 0:
			return nil
		case c.State == Closed && c.ClosedBy == by.closes():
			return fault.New(fault.Conflict, "community_closed", "这个社群已经关闭（"+c.Reason+"），不必再次关闭")
		}
		c.State, c.Reason, c.ClosedBy = Closed, reason, by.closes()
		return nil
	})
}

// Reopen takes back a Close; a leader only his own. Fault: Conflict community_closed.
func (s *Store) Reopen(ctx context.Context, by By, communityID id.ID) (Community, error) {
	return s.alter(ctx, communityID, func(c *Community) error {
		switch {
		case !by.owns(*c):
			return errMissing
		case c.State == Closed && by.LeaderID != 0 && c.ClosedBy != byLeader:
			return fault.New(fault.Conflict, "community_closed", "这个社群由品牌关闭（"+c.Reason+"），请联系品牌重新开放")
		case c.State == Closed:
			c.State, c.Reason, c.ClosedBy = Open, "", ""
		}
		return nil
	})
}

// shut closes, or (on false) opens, what nobody in particular decided: only what is open,
// and only what was shut for the same reason.
func (c *Community) shut(on bool, reason string) {
	switch {
	case on && c.State != Closed:
		c.State, c.Reason, c.ClosedBy = Closed, reason, byItself
	case !on && c.State == Closed && c.ClosedBy == byItself && c.Reason == reason:
		c.State, c.Reason, c.ClosedBy = Open, "", ""
	}
}
