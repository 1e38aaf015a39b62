package leader

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
	"siyu/model/lawful"
)

// Metrics that a condition may rest on: what somebody did himself, and what those he
// brought bought of their own will. There is none of how many people he has.
const (
	OwnClaims   = "own_claims"   // verified items he claimed himself, within days
	Buyers      = "buyers"       // people he brought himself with a verified purchase within days
	RetentionBP = "retention_bp" // of those, who bought on another day as well; basis points
	GroupHealth = "group_health" // mean health of his groups now, 0 to 100
)

// metrics holds the words and the bounds of each.
var metrics = map[string]struct {
	title string
	most  int64
	days  bool // looks back
}{
	OwnClaims:   {"本人验证并领取", 100_000, true},
	Buyers:      {"直接推荐且已购买的人", 100_000, true},
	RetentionBP: {"直接推荐的人复购率", 10_000, true},
	GroupHealth: {"社群健康分", 100, false},
}

// Condition is one of a level's or of the rules for candidates; all of them must hold.
type Condition struct {
	Metric  string `json:"metric"`
	AtLeast int64  `json:"at_least"`
	Days    int    `json:"days"` // looks back so many whole days; 0 for group_health
}

// Level is what leaders can reach, and the rights it gives: nothing of it is money.
type Level struct {
	Name       string      `json:"name"`
	Conditions []Condition `json:"conditions"` // the first level has none
	Groups     int         `json:"groups"`     // how many communities he may run
	Templates  bool        `json:"templates"`  // may start communities from templates
}

// Question is something an applicant is asked beside the name he wants to be shown by.
type Question struct {
	Key      string `json:"key"`   // region, community, phone
	Title    string `json:"title"` // zh-CN
	Required bool   `json:"required"`
}

// Keys of questions.
const (
	AskRegion    = "region"
	AskCommunity = "community"
	AskPhone     = "phone" // never required
)

// Rules say who is proposed as a leader; without conditions nobody is.
type Rules struct {
	Conditions []Condition `json:"conditions"`
	AgainDays  int         `json:"again_days"` // who was dismissed is not proposed for so long
}

// Programme is how a brand works with leaders.
type Programme struct {
	BrandID     id.ID         `json:"brand_id"`
	Version     int           `json:"version"` // 0: never saved, the brand has no leaders
	Open        bool          `json:"open"`    // for applications; who was invited may apply anyway
	Questions   []Question    `json:"questions"`
	Levels      []Level       `json:"levels"`
	Candidates  Rules         `json:"candidates"`
	ReapplyDays int           `json:"reapply_days"` // until who was refused may apply again
	ByID        id.ID         `json:"by_id"`
	CreatedAt   clock.Instant `json:"created_at"`
}

// Draft is what a version holds, and what an operator sends.
type Draft struct {
	Version     int        `json:"version"`
	Open        bool       `json:"open"`
	Questions   []Question `json:"questions"`
	Levels      []Level    `json:"levels"`
	Candidates  Rules      `json:"candidates"`
	ReapplyDays int        `json:"reapply_days"`
}

// Limits of a programme.
const (
	maxLevels     = 10
	maxConditions = 8
	maxDays       = 365 // that a condition looks back; facts are kept for longer
	maxGroups     = 50
	maxWait       = 365 // days until another application or proposal
)

// ReadProgramme reads what an operator wrote; Version is the version he read. Faults:
// Invalid leader_unlawful, with the article of law, for a fee, a deposit, a duty to buy,
// head counts and pay by team; Invalid leader_input, leader_programme.
func ReadProgramme(raw []byte) (Programme, error) {
	var b Draft
	if err := strict(raw, &b, unlawful); err != nil {
		return Programme{}, err
	}
	p := b.programme()
	return p, p.check()
}

func (b Draft) programme() Programme {
	p := Programme{Version: b.Version, Open: b.Open, Questions: b.Questions, Levels: b.Levels, Candidates: b.Candidates, ReapplyDays: b.ReapplyDays}
	if p.Questions == nil {
		p.Questions = []Question{}
	}
	if p.Levels == nil {
		p.Levels = []Level{}
	}
	if p.Candidates.Conditions == nil {
		p.Candidates.Conditions = []Condition{}
	}
	for i := range p.Levels {
		if p.Levels[i].Conditions == nil {
			p.Levels[i].Conditions = []Condition{}
		}
	}
	return p
}

func bad(field, format string, args ...any) error {
	return fault.Invalidf("leader_programme", format, args...).With("field", field)
}

// check finds mistakes. Faults: Invalid leader_programme, leader_unlawful.
func (p Programme) check() error {
	for i, q := range p.Questions {
		switch {
		case q.Key != AskRegion && q.Key != AskCommunity && q.Key != AskPhone,
			slices.ContainsFunc(p.Questions[:i], func(x Question) bool { return x.Key == q.Key }):
			return bad("questions", "问题 %q 不存在或重复，可用：region、community、phone", q.Key)
		case between(q.Title, 1, 30) != nil:
			return bad("questions", "问题的标题应为 1 到 30 字")
		case q.Key == AskPhone && q.Required:
			return bad("questions", "手机号只能选填：申请群主不以提供手机号为条件（《个人信息保护法》第十六条）")
		}
	}
	if len(p.Levels) > maxLevels {
		return bad("levels", "等级最多 %d 个", maxLevels)
	}
	for i, l := range p.Levels {
		switch {
		case between(l.Name, 1, 16) != nil:
			return bad("levels", "第 %d 个等级的名称应为 1 到 16 字", i+1)
		case slices.ContainsFunc(p.Levels[:i], func(x Level) bool { return x.Name == l.Name }):
			return bad("levels", "等级名称“%s”重复", l.Name)
		case i == 0 && len(l.Conditions) > 0:
			return bad("levels", "第一个等级不设条件")
		case i > 0 && len(l.Conditions) == 0:
			return bad("levels", "等级“%s”应有条件", l.Name)
		case l.Groups < 0 || l.Groups > maxGroups:
			return bad("levels", "等级“%s”的社群数应为 0 到 %d", l.Name, maxGroups)
		}
		if err := checkConditions("levels", l.Conditions); err != nil {
			return err
		}
	}
	for _, q := range p.Questions {
		if err := lawful.Check("questions", q.Title); err != nil {
			return err
		}
	}
	for _, l := range p.Levels {
		if err := lawful.Check("levels", l.Name); err != nil {
			return err
		}
	}
	if err := checkConditions("candidates", p.Candidates.Conditions); err != nil {
		return err
	}
	if p.Candidates.AgainDays < 0 || p.Candidates.AgainDays > maxWait || p.ReapplyDays < 0 || p.ReapplyDays > maxWait {
		return bad("reapply_days", "天数应为 0 到 %d", maxWait)
	}
	return nil
}

func checkConditions(field string, list []Condition) error {
	if len(list) > maxConditions {
		return bad(field, "条件最多 %d 条", maxConditions)
	}
	for i, c := range list {
		m, ok := metrics[c.Metric]
		switch {
		case unlawful[plain(c.Metric)] != "":
			return refused(c.Metric, unlawful[plain(c.Metric)])
		case !ok:
			return bad(field, "条件 %q 不存在，可用：own_claims、buyers、retention_bp、group_health", c.Metric)
		case slices.ContainsFunc(list[:i], func(x Condition) bool { return x.Metric == c.Metric && x.Days == c.Days }):
			return bad(field, "条件“%s”重复", m.title)
		case c.AtLeast < 1 || c.AtLeast > m.most:
			return bad(field, "条件“%s”应为 1 到 %d", m.title, m.most)
		case m.days && (c.Days < 1 || c.Days > maxDays), !m.days && c.Days != 0:
			return bad(field, "条件“%s”的天数应为 %s", m.title, map[bool]string{true: fmt.Sprintf("1 到 %d", maxDays), false: "0"}[m.days])
		}
	}
	return nil
}

var errLength = fault.NewInvalid("leader_input", "文字太短或太长")

// between says whether a text has so many characters.
func between(text string, least, most int) error {
	if n := utf8.RuneCountInString(text); n < least || n > most {
		return errLength
	}
	return nil
}

type programmeRow struct {
	BrandID   id.ID
	Version   int
	Body      string
	ByID      id.ID
	CreatedAt clock.Instant
}

// Programme reads what counts for a brand now; Version 0: the brand has none.
func (s *Store) Programme(ctx context.Context, brandID id.ID) (Programme, error) {
	return programme(s.DB.Read(ctx), brandID)
}

func programme(tx *gorm.DB, brandID id.ID) (Programme, error) {
	var rows []programmeRow
	if err := tx.Raw("SELECT * FROM leader_programme WHERE brand_id = ? ORDER BY version DESC LIMIT 1", brandID).Scan(&rows).Error; err != nil {
		return Programme{}, fmt.Errorf("leader: programme: %w", err)
	}
	var b Draft
	if len(rows) == 0 {
		p := b.programme()
		p.BrandID = brandID
		return p, nil
	}
	if err := json.Unmarshal([]byte(rows[0].Body), &b); err != nil {
		return Programme{}, fmt.Errorf("leader: programme %d of brand %d: %w", rows[0].Version, brandID, err)
	}
	p := b.programme()
	p.BrandID, p.Version, p.ByID, p.CreatedAt = brandID, rows[0].Version, rows[0].ByID, rows[0].CreatedAt
	return p, nil
}

var errChanged = fault.New(fault.Conflict, "leader_programme_changed", "群主计划已被他人修改，请刷新后再保存")

// Save adds a version; p.Version must be the version that was read. A programme that is
// open needs an agreement first: who is approved has something to sign. Faults: Invalid
// leader_programme, leader_unlawful; Conflict leader_programme_changed,
// leader_agreement_missing.
func (s *Store) Save(ctx context.Context, p Programme, by id.ID) (Programme, error) {
	p = Draft{p.Version, p.Open, p.Questions, p.Levels, p.Candidates, p.ReapplyDays}.of(p.BrandID)
	if err := p.check(); err != nil {
		return Programme{}, err
	}
	text, err := json.Marshal(Draft{p.Version + 1, p.Open, p.Questions, p.Levels, p.Candidates, p.ReapplyDays})
	if err != nil {
		return Programme{}, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		last, err := programme(tx, p.BrandID)
		if err != nil {
			return err
		}
		if last.Version != p.Version {
			return errChanged
		}
		if p.Open {
			if _, err := newest(tx, p.BrandID); err != nil {
				return err
			}
		}
		return tx.Exec("INSERT INTO leader_programme (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)",
			p.BrandID, p.Version+1, string(text), by, s.DB.Now()).Error
	})
	if db.IsDuplicate(err) {
		err = errChanged
	}
	if err != nil {
		return Programme{}, fmt.Errorf("leader: save programme: %w", err)
	}
	return s.Programme(ctx, p.BrandID)
}

func (b Draft) of(brandID id.ID) Programme {
	p := b.programme()
	p.BrandID = brandID
	return p
}

// Brands lists the brands that have a programme.
func (s *Store) Brands(ctx context.Context) ([]id.ID, error) {
	out := []id.ID{}
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT brand_id FROM leader_programme ORDER BY brand_id").Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: brands: %w", err)
	}
	return out, nil
}

// level is the one with a number from 1; of 0 or one that is no more, the nearest below.
func (p Programme) level(n int) Level {
	if n = min(n, len(p.Levels)); n < 1 {
		return Level{Conditions: []Condition{}}
	}
	return p.Levels[n-1]
}

// LevelOf reads the rights that a leader's level gives him now.
func (s *Store) LevelOf(ctx context.Context, l Leader) (Level, error) {
	p, err := s.Programme(ctx, l.BrandID)
	return p.level(l.Level), err
}
