// Package tier is the levels of membership (会员等级): what a brand's members reach by
// growing (成长值), what they enjoy there and when they lose it.
//
// It owns the tables tier_table (levels by version), tier_growth (append-only) and
// tier_standing (what the last computation found, to find whose period ends).
//
// Rules. A member goes up at once when the growth of the last N months reaches a level's
// threshold. He keeps a level for N months; when they end he keeps it for another N if
// he grew enough in them, and goes down otherwise, by one level or to the one his growth
// fits. A refund takes growth back, and the level with it if it was reached by that
// growth; a level he had before the period stays until its end. N = 0: growth counts for
// ever and nobody goes down.
//
// A level is computed from the growth of all members of the human and the versions of
// the brand's table (replay), whenever somebody asks. So computing again equals what was
// computed on the way, joining two members adds their growth, and parting them gives
// each what he would have without the other. The history of levels with its causes is
// the same computation.
//
// Growth is kept for every member: the levels are what membership promises him (PIPL
// art. 13: needed for a contract with him), no profile is made of it, and no consent is
// asked for. Growth comes from claimed items, orders and reviews, never from plain scans,
// which can be repeated, and never from following, sharing or inviting, which WeChat
// forbids to reward.
//
// Promises: a fact grows once; what is shown is never older than the growth it is made of.
package tier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/points"
)

// What a member grows by.
const (
	OnClaim  = "claim"  // per item whose code he claimed
	OnOrder  = "order"  // per yuan paid
	OnReview = "review" // per review
)

var names = map[string]string{OnClaim: "扫码领取", OnOrder: "购物", OnReview: "评价"}

// How members go down.
const (
	DownOne = "one" // by one level
	DownFit = "fit" // to the level the growth of the period fits
)

// Level is one of a brand's. The first has threshold 0 and is everybody's.
type Level struct {
	Name           string   `json:"name"`
	Threshold      int64    `json:"threshold"`       // growth within the period that reaches it
	Keep           int64    `json:"keep"`            // growth within the period that keeps it; at most Threshold
	MultiplierBP   int64    `json:"multiplier_bp"`   // of points of claims, in basis points: 15000 is 1.5 times
	BirthdayPoints int64    `json:"birthday_points"` // given once a year
	Campaigns      bool     `json:"campaigns"`       // may take part in activities for members of a level
	Perks          []string `json:"perks"`           // zh-CN, what people do for him: shown, not computed
}

// Grow is one rule of growth.
type Grow struct {
	On        string `json:"on"`
	Growth    int64  `json:"growth"`      // per fact; for an order per yuan
	CapPerDay int64  `json:"cap_per_day"` // growth per human and business day; 0 = none; not for orders
}

// Table is a brand's levels.
type Table struct {
	BrandID      id.ID         `json:"brand_id"`
	Version      int           `json:"version"` // 0: never saved, the brand has no levels
	Levels       []Level       `json:"levels"`
	Grow         []Grow        `json:"grow"`
	PeriodMonths int           `json:"period_months"` // 0: levels are for ever
	Down         string        `json:"down"`
	ByID         id.ID         `json:"by_id"`
	CreatedAt    clock.Instant `json:"created_at"`
}

// Limits of a table.
const (
	maxLevels   = 20
	maxGrowth   = 100_000_000 // of a threshold, and of one fact
	maxMultiple = 100_000     // basis points: ten times
	maxBirthday = 1_000_000
	once        = 10_000 // the multiplier that changes nothing
)

func bad(field, format string, args ...any) error {
	return fault.Invalidf("tier_table", format, args...).With("field", field)
}

// check finds mistakes. Faults: Invalid tier_table.
func (t Table) check() error {
	if len(t.Levels) == 0 || len(t.Levels) > maxLevels {
		return bad("levels", "等级应为 1 到 %d 个", maxLevels)
	}
	for i, l := range t.Levels {
		switch n := utf8.RuneCountInString(l.Name); {
		case n == 0 || n > 16:
			return bad("name", "第 %d 个等级的名称应为 1 到 16 字", i+1)
		case slices.ContainsFunc(t.Levels[:i], func(x Level) bool { return x.Name == l.Name }):
			return bad("name", "等级名称“%s”重复", l.Name)
		case i == 0 && l.Threshold != 0:
			return bad("threshold", "第一个等级的门槛应为 0")
		case i > 0 && (l.Threshold <= t.Levels[i-1].Threshold || l.Threshold > maxGrowth):
			return bad("threshold", "“%s”的门槛应高于上一等级，且不超过 %d", l.Name, int64(maxGrowth))
		case l.Keep < 0 || l.Keep > l.Threshold:
			return bad("keep", "“%s”的保级值应在 0 与门槛之间", l.Name)
		case l.MultiplierBP < once || l.MultiplierBP > maxMultiple:
			return bad("multiplier_bp", "“%s”的积分倍率应为 1 到 10 倍", l.Name)
		case l.BirthdayPoints < 0 || l.BirthdayPoints > maxBirthday:
			return bad("birthday_points", "“%s”的生日积分应为 0 到 %d", l.Name, maxBirthday)
		case len(l.Perks) > 10 || slices.ContainsFunc(l.Perks, func(p string) bool { return p == "" || utf8.RuneCountInString(p) > 40 }):
			return bad("perks", "“%s”的权益最多 10 条，每条 1 到 40 字", l.Name)
		}
	}
	for i, g := range t.Grow {
		if names[g.On] == "" || slices.ContainsFunc(t.Grow[:i], func(x Grow) bool { return x.On == g.On }) {
			return bad("grow", "成长规则 %q 不存在或重复", g.On)
		}
		if g.Growth < 0 || g.Growth > maxGrowth || g.CapPerDay < 0 || g.On == OnOrder && g.CapPerDay != 0 {
			return bad("grow", "“%s”的成长值或每日上限不对；购物不设每日上限", names[g.On])
		}
	}
	if t.PeriodMonths < 0 || t.PeriodMonths > 60 {
		return bad("period_months", "有效期应为 0 到 60 个月")
	}
	if t.Down != DownOne && t.Down != DownFit {
		return bad("down", "降级方式应为 one 或 fit")
	}
	return nil
}

// Members tells who is the same human as a member; *member.Store is it.
type Members interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	BlockedAmong(ctx context.Context, members []id.ID) (map[id.ID]bool, error)
}

// Points books what levels give; *points.Accounts is it.
type Points interface {
	Earn(ctx context.Context, f points.Fact) (int64, error)
	Earned(ctx context.Context, keys ...string) (bool, error)
}

// Store keeps levels and growth.
type Store struct {
	db      *db.DB
	members Members
	points  Points
}

// New makes a store.
func New(d *db.DB, m Members, p Points) *Store { return &Store{d, m, p} }

type tableRow struct {
	BrandID   id.ID
	Version   int
	Body      string
	ByID      id.ID
	CreatedAt clock.Instant
}

// tableBody is what a version holds.
type tableBody struct {
	Levels       []Level `json:"levels"`
	Grow         []Grow  `json:"grow"`
	PeriodMonths int     `json:"period_months"`
	Down         string  `json:"down"`
}

// Table returns what counts for a brand now; Version 0 when it has no levels.
func (s *Store) Table(ctx context.Context, brandID id.ID) (Table, error) {
	list, err := s.tables(s.db.Read(ctx), brandID)
	return list[len(list)-1], err
}

// tables returns all versions, oldest first; the first is "no levels".
func (s *Store) tables(tx *gorm.DB, brandID id.ID) ([]Table, error) {
	out := []Table{{BrandID: brandID, Levels: []Level{}, Grow: []Grow{}, Down: DownOne}}
	var rows []tableRow
	if err := tx.Raw("SELECT * FROM tier_table WHERE brand_id = ? ORDER BY version", brandID).Scan(&rows).Error; err != nil {
		return out, fmt.Errorf("tier: table: %w", err)
	}
	for _, r := range rows {
		var b tableBody
		if err := json.Unmarshal([]byte(r.Body), &b); err != nil {
			return out, fmt.Errorf("tier: table %d of brand %d: %w", r.Version, r.BrandID, err)
		}
		out = append(out, Table{r.BrandID, r.Version, b.Levels, b.Grow, b.PeriodMonths, b.Down, r.ByID, r.CreatedAt})
	}
	return out, nil
}

var errChanged = fault.New(fault.Conflict, "tier_table_changed", "等级表已被他人修改，请刷新后再保存")

// Save adds a version; t.Version must be the version that was read. Who reaches a level
// by it goes up at once, nobody goes down before his period ends. Faults: Invalid
// tier_table; Conflict tier_table_changed.
func (s *Store) Save(ctx context.Context, t Table) (Table, error) {
	if t.Grow == nil {
		t.Grow = []Grow{}
	}
	for i := range t.Levels {
		if t.Levels[i].Perks == nil {
			t.Levels[i].Perks = []string{}
		}
	}
	if err := t.check(); err != nil {
		return Table{}, err
	}
	body, err := json.Marshal(tableBody{t.Levels, t.Grow, t.PeriodMonths, t.Down})
	if err != nil {
		return Table{}, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		list, err := s.tables(tx, t.BrandID)
		if err != nil {
			return err
		}
		last := list[len(list)-1]
		if last.Version != t.Version {
			return errChanged
		}
		next := t
		next.CreatedAt = max(s.db.Now(), last.CreatedAt+1)
		err = tx.Exec("INSERT INTO tier_table (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)",
			t.BrandID, t.Version+1, string(body), t.ByID, next.CreatedAt).Error
		return err
	})
	if db.IsDuplicate(err) {
		err = errChanged
	}
	if err != nil {
		return Table{}, fmt.Errorf("tier: save: %w", err)
	}
	return s.Table(ctx, t.BrandID)
}
