// Package region knows where codes are scanned (扫码分布) and where they should not be
// (窜货, diversion).
//
// It owns the tables scan_region, region_cursor, territory, diversion and diversion_code.
// Fold reads the table scan once, in windows of time, a minute behind the clock, and
// keeps two things of it: how many scans a batch has per business day and city, and
// which codes were first verified (首次验证) outside the provinces their serials were
// meant for. A territory (销售区域) speaks of the scans from its making to its end; what
// was scanned before is not judged by it.
//
// One diversion is one territory's goods in one other province:
//
//	open --> confirmed | dismissed, by a person, with a reason; open again by another
//
// Promises: every scan counts once, whatever crashes and however many processes fold;
// evidence is serials, provinces and cities, never who scanned. A code found elsewhere
// says that goods moved, not who moved them: nothing here punishes anybody.
package region

import (
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a diversion.
const (
	Open      = "open"
	Confirmed = "confirmed"
	Dismissed = "dismissed"
)

// Territory is where serials [From, Until) of a batch are meant to be sold.
type Territory struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	BatchID   id.ID         `json:"batch_id"`
	From      int64         `json:"from_serial" gorm:"column:from_serial"`
	Until     int64         `json:"until_serial" gorm:"column:until_serial"` // exclusive
	Dealer    string        `json:"dealer"`
	Provinces Provinces     `json:"provinces"`
	Scans     int64         `json:"scans"`   // codes first verified at a known place since CreatedAt
	Outside   int64         `json:"outside"` // of these, in another province
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
	EndedAt   clock.Instant `json:"ended_at"` // null: in force
}

// TableName names the table for GORM.
func (Territory) TableName() string { return "territory" }

// covers says whether the territory speaks of a serial at a moment.
func (t Territory) covers(serial int64, at clock.Instant) bool {
	return serial >= t.From && serial < t.Until && at >= t.CreatedAt && (t.EndedAt == 0 || at < t.EndedAt)
}

// Diversion is one territory's goods in one other province.
type Diversion struct {
	ID          id.ID         `json:"id"`
	BrandID     id.ID         `json:"brand_id"`
	BatchID     id.ID         `json:"batch_id"`
	TerritoryID id.ID         `json:"territory_id"`
	Province    string        `json:"province"`
	Codes       int64         `json:"codes"`
	FirstAt     clock.Instant `json:"first_at"`
	LastAt      clock.Instant `json:"last_at"`
	State       string        `json:"state"`
	DecidedBy   id.ID         `json:"decided_by"`
	DecidedAt   clock.Instant `json:"decided_at"`
	Reason      string        `json:"reason"`
	CreatedAt   clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Diversion) TableName() string { return "diversion" }

// Evidence is one code that was first verified elsewhere.
type Evidence struct {
	TerritoryID id.ID         `json:"-"`
	Serial      int64         `json:"serial"`
	Province    string        `json:"province"`
	City        string        `json:"city"`
	At          clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Evidence) TableName() string { return "diversion_code" }

// Limits.
const (
	maxTerritories = 200 // in force, of one batch
	maxDealer      = 100 // characters
	maxReason      = 200 // characters
)

// Store keeps all of it. One per process.
type Store struct {
	db   *db.DB
	step int64 // milliseconds of the next window
}

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// All are the province-level regions, by their short names, in the order of the
// administrative codes (GB/T 2260).
func All() []string {
	return strings.Fields("北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏 陕西 甘肃 青海 宁夏 新疆 台湾 香港 澳门")
}

// Short is the short name of a province: tables of addresses write 广东省 or 广东. What is
// no province stays as it is.
func Short(s string) string {
	for _, p := range All() {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return s
}

// Clean brings a territory's words to the form that is stored.
// Faults: Invalid territory_dealer, territory_provinces.
func (t *Territory) Clean() error {
	t.Dealer = strings.TrimSpace(t.Dealer)
	if len([]rune(t.Dealer)) > maxDealer || strings.ContainsAny(t.Dealer, "\r\n\t\x00") {
		return fault.Invalidf("territory_dealer", "经销商名称最多 %d 个字，不能换行", maxDealer).With("field", "dealer")
	}
	seen := Provinces{}
	for _, p := range t.Provinces {
		p = Short(strings.TrimSpace(p))
		if !slices.Contains(All(), p) {
			return fault.Invalidf("territory_provinces", "没有“%s”这个省级地区", p).With("field", "provinces")
		}
		if !slices.Contains(seen, p) {
			seen = append(seen, p)
		}
	}
	if len(seen) == 0 {
		return fault.NewInvalid("territory_provinces", "请选择至少一个销售省份").With("field", "provinces")
	}
	t.Provinces = seen
	return nil
}
