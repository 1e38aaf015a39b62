package points

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// What points are earned on. Scanned goods and prizes are booked by the claim itself
// (see product.ScanPoints), a filled profile by the profile; these are the rest.
const (
	OnOrder    = "order"    // per yuan paid
	OnReview   = "review"   // per review
	OnBirthday = "birthday" // once a year
	OnTier     = "tier"     // what a membership tier gives on top; only its cap is a rule here
)

// names are the Chinese words for what points are earned on.
var names = map[string]string{OnOrder: "购物积分", OnReview: "评价积分", OnBirthday: "生日积分", OnTier: "会员等级加赠"}

// How points end.
const (
	Never   = "never"    // they do not
	Months  = "months"   // at the end of the month N months after they were earned
	Days    = "days"     // at the end of the day N days after
	YearEnd = "year_end" // at the end of the year N years after; 0 is the same year
)

// forever is the expiry of points that do not expire: after everything that does.
const forever = clock.Instant(math.MaxInt64)

// Earn is one rule. Caps are points per human; 0 is no cap.
type Earn struct {
	On           string `json:"on"`
	Points       int64  `json:"points"`         // per fact; for an order per yuan
	PendingDays  int    `json:"pending_days"`   // days until they can be spent: the return period of an order
	CapPerDay    int64  `json:"cap_per_day"`    // business day
	CapPerMonth  int64  `json:"cap_per_month"`  // calendar month
	MinAmountFen int64  `json:"min_amount_fen"` // orders below earn nothing
}

// Expiry says when points end.
type Expiry struct {
	Kind string `json:"kind"`
	N    int    `json:"n"`
}

// Rules of a brand.
type Rules struct {
	BrandID id.ID  `json:"brand_id"`
	Version int    `json:"version"` // 0: never saved, these are the defaults
	Earn    []Earn `json:"earn"`
	Expiry  Expiry `json:"expiry"`
	// ApproveAbove is how many points operators may adjust one member by on one day
	// without a second person.
	ApproveAbove int64         `json:"approve_above"`
	ByID         id.ID         `json:"by_id"`
	CreatedAt    clock.Instant `json:"created_at"`
}

// Limits of rules.
const (
	maxPoints   = 1_000_000   // of one fact
	maxAdjust   = 100_000_000 // of one adjustment, one order, one spend
	maxOrderFen = 10_000_000_000
	maxPending  = 365
	maxExpiryN  = 3660
	defaultEasy = 1000 // ApproveAbove of brands that saved no rules
)

func defaults(brandID id.ID) Rules {
	return Rules{BrandID: brandID, Earn: []Earn{}, Expiry: Expiry{Kind: Never}, ApproveAbove: defaultEasy}
}

// check finds mistakes. Faults: Invalid points_rule.
func (r Rules) check() error {
	seen := map[string]bool{}
	for _, e := range r.Earn {
		switch {
		case names[e.On] == "" || seen[e.On]:
			return fault.Invalidf("points_rule", "获得规则 %q 不存在或重复", e.On).With("field", "earn")
		case e.Points < 0 || e.Points > maxPoints || e.On == OnTier && e.Points != 0:
			return fault.Invalidf("points_rule", "“%s”的积分应为 0 到 %d", names[e.On], maxPoints).With("field", "points")
		case e.PendingDays < 0 || e.PendingDays > maxPending:
			return fault.Invalidf("points_rule", "“%s”的待生效天数应为 0 到 %d", names[e.On], maxPending).With("field", "pending_days")
		case e.CapPerDay < 0 || e.CapPerMonth < 0 || e.MinAmountFen < 0:
			return fault.Invalidf("points_rule", "“%s”的上限不能为负", names[e.On]).With("field", "cap_per_day")
		}
		seen[e.On] = true
	}
	if r.ApproveAbove < 0 || r.ApproveAbove > maxAdjust {
		return fault.Invalidf("points_rule", "免审批额度应为 0 到 %d", int64(maxAdjust)).With("field", "approve_above")
	}
	return r.Expiry.check()
}

func (x Expiry) check() error {
	least := map[string]int{Never: 0, Months: 1, Days: 30, YearEnd: 0}
	from, known := least[x.Kind]
	if !known {
		return fault.NewInvalid("points_rule", "过期方式应为 never、months、days 或 year_end").With("field", "expiry")
	}
	if x.N < from || x.N > maxExpiryN || x.Kind != Days && x.N > 120 {
		return fault.Invalidf("points_rule", "过期的期数不能少于 %d，也不能过长", from).With("field", "expiry")
	}
	return nil
}

// End is the first moment at which points that became spendable at a moment are expired.
func (x Expiry) End(at clock.Instant) clock.Instant {
	day := clock.DayOf(at)
	switch x.Kind {
	case Months:
		day = day.AddMonths(x.N).MonthEnd()
	case Days:
		day = day.AddDays(x.N)
	case YearEnd:
		day = day/10000*10000 + clock.Day(x.N*10000) + 1231
	default:
		return forever
	}
	_, until := day.Bounds()
	return until
}

// Text says in words when points end.
func (x Expiry) Text() string {
	switch x.Kind {
	case Months:
		return fmt.Sprintf("获得后第 %d 个月的月底到期", x.N)
	case Days:
		return fmt.Sprintf("获得后 %d 天到期", x.N)
	case YearEnd:
		if x.N == 0 {
			return "当年年底到期"
		}
		return fmt.Sprintf("获得后第 %d 年的年底到期", x.N)
	}
	return "长期有效"
}

func (r Rules) on(what string) (Earn, bool) {
	for _, e := range r.Earn {
		if e.On == what {
			return e, true
		}
	}
	return Earn{}, false
}

type ruleRow struct {
	BrandID   id.ID
	Version   int
	Body      string
	ByID      id.ID
	CreatedAt clock.Instant
}

func (r ruleRow) rules() (Rules, error) {
	out := defaults(r.BrandID)
	if err := json.Unmarshal([]byte(r.Body), &out); err != nil {
		return Rules{}, fmt.Errorf("points: rules %d of brand %d: %w", r.Version, r.BrandID, err)
	}
	out.BrandID, out.Version, out.ByID, out.CreatedAt = r.BrandID, r.Version, r.ByID, r.CreatedAt
	return out, nil
}

// Rules returns what counts for a brand now.
func (a *Accounts) Rules(ctx context.Context, brandID id.ID) (Rules, error) {
	return a.rulesAt(a.db.Read(ctx), brandID, a.db.Now())
}

// rulesAt returns what counted at a moment: the terms under which points were earned
// stay theirs.
func (a *Accounts) rulesAt(tx *gorm.DB, brandID id.ID, at clock.Instant) (Rules, error) {
	return history{}.at(tx, brandID, at)
}

// history is all versions of brands' rules, oldest first, read once.
type history map[id.ID][]Rules

func (h history) at(tx *gorm.DB, brandID id.ID, at clock.Instant) (Rules, error) {
	if _, read := h[brandID]; !read {
		var rows []ruleRow
		if err := tx.Raw("SELECT * FROM points_rule WHERE brand_id = ? ORDER BY version", brandID).Scan(&rows).Error; err != nil {
			return Rules{}, fmt.Errorf("points: rules: %w", err)
		}
		list := []Rules{defaults(brandID)}
		for _, row := range rows {
			r, err := row.rules()
			if err != nil {
				return Rules{}, err
			}
			list = append(list, r)
		}
		h[brandID] = list
	}
	list := h[brandID]
	for i := len(list) - 1; i > 0; i-- {
		if list[i].CreatedAt <= at {
			return list[i], nil
		}
	}
	return list[0], nil
}

// SaveRules adds a version. It counts from now on, for what is earned from now on.
// r.Version must be the version that was read. Faults: Invalid points_rule; Conflict
// points_rule_changed.
func (a *Accounts) SaveRules(ctx context.Context, r Rules) (Rules, error) {
	if r.Earn == nil {
		r.Earn = []Earn{}
	}
	if err := r.check(); err != nil {
		return Rules{}, err
	}
	body, err := json.Marshal(struct {
		Earn         []Earn `json:"earn"`
		Expiry       Expiry `json:"expiry"`
		ApproveAbove int64  `json:"approve_above"`
	}{r.Earn, r.Expiry, r.ApproveAbove})
	if err != nil {
		return Rules{}, err
	}
	r.Version, r.CreatedAt = r.Version+1, a.db.Now()
	err = a.db.InTx(ctx, func(tx *gorm.DB) error {
		var last []int
		if err := tx.Raw("SELECT version FROM points_rule WHERE brand_id = ? ORDER BY version DESC LIMIT 1", r.BrandID).Scan(&last).Error; err != nil {
			return err
		}
		if len(last) == 1 && last[0] != r.Version-1 || len(last) == 0 && r.Version != 1 {
			return errRulesChanged
		}
		return tx.Exec("INSERT INTO points_rule (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)",
			r.BrandID, r.Version, string(body), r.ByID, r.CreatedAt).Error
	})
	if db.IsDuplicate(err) {
		err = errRulesChanged
	}
	if err != nil {
		return Rules{}, fmt.Errorf("points: save rules: %w", err)
	}
	return r, nil
}

var errRulesChanged = fault.New(fault.Conflict, "points_rule_changed", "规则已被他人修改，请刷新后再保存")

// Worst is the most that one rule can cost.
type Worst struct {
	On       string `json:"on"`
	Name     string `json:"name"`
	PerDay   int64  `json:"per_day"`   // points per member; -1: nothing bounds it
	PerMonth int64  `json:"per_month"` // the same
	Text     string `json:"text"`
}

// Preview is what rules mean before they count.
type Preview struct {
	Worst      []Worst       `json:"worst"`
	ExpiryText string        `json:"expiry_text"`
	ExpiresAt  clock.Instant `json:"expires_at"` // of points earned now; null: never
	Warnings   []string      `json:"warnings"`
}

// PreviewRules computes the worst case per member. Faults: Invalid points_rule.
func (a *Accounts) PreviewRules(r Rules) (Preview, error) {
	if err := r.check(); err != nil {
		return Preview{}, err
	}
	p := Preview{Worst: []Worst{}, Warnings: []string{}, ExpiryText: r.Expiry.Text(), ExpiresAt: shown(r.Expiry.End(a.db.Now()))}
	for _, e := range r.Earn {
		w := Worst{On: e.On, Name: names[e.On], PerDay: -1, PerMonth: -1}
		if e.On == OnBirthday { // once a year, whatever the caps
			w.PerDay, w.PerMonth = e.Points, e.Points
		}
		if e.CapPerDay > 0 {
			w.PerDay, w.PerMonth = e.CapPerDay, e.CapPerDay*31
		}
		if e.CapPerMonth > 0 && (w.PerMonth < 0 || e.CapPerMonth < w.PerMonth) {
			w.PerMonth = e.CapPerMonth
			if w.PerDay < 0 || w.PerDay > e.CapPerMonth {
				w.PerDay = e.CapPerMonth
			}
		}
		if w.PerMonth < 0 {
			w.Text = "没有上限"
			p.Warnings = append(p.Warnings, fmt.Sprintf("“%s”没有每日或每月上限，单个会员可无限获得", w.Name))
		} else {
			w.Text = fmt.Sprintf("每位会员每月最多 %d 积分", w.PerMonth)
		}
		p.Worst = append(p.Worst, w)
	}
	if r.Expiry.Kind == Never {
		p.Warnings = append(p.Warnings, "积分长期有效，负债只增不减")
	}
	return p, nil
}

// shown hides forever.
func shown(at clock.Instant) clock.Instant {
	if at == forever {
		return 0
	}
	return at
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
