package reach

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/quiet"
)

// Cap is how many marketing messages a human gets at most: on a business day, on seven and
// on thirty business days in a row. 0: no limit.
type Cap struct {
	Day   int `json:"day"`
	Week  int `json:"week"`
	Month int `json:"month"`
}

// Policy is a brand's numbers. WeChat changes its own without notice, so they are data.
type Policy struct {
	BrandID   id.ID        `json:"brand_id"`
	Version   int          `json:"version"`        // 0: nobody has changed the defaults
	Cap       Cap          `json:"cap"`            // over all channels
	Channels  []ChannelCap `json:"channels"`       // per channel, on top
	BlockDays int          `json:"block_days"`     // how long a refusal of messages is believed
	MarginSec int          `json:"margin_seconds"` // a window counts as closed so long before its end

	MessageCount int `json:"message_count"` // customer-service messages after one of the user's
	MessageHours int `json:"message_hours"`
	DeedCount    int `json:"deed_count"` // after follow, scan or menu click
	DeedSec      int `json:"deed_seconds"`
	EnterCount   int `json:"enter_count"` // after entering a mini program's conversation
	EnterSec     int `json:"enter_seconds"`

	MassPerMonth  int `json:"mass_per_month"`  // mass sends per user and calendar month
	WeComPerDay   int `json:"wecom_per_day"`   // group sends per contact
	WeComPerMonth int `json:"wecom_per_month"` // 0: as many as the month has days

	CustomPerDay    int `json:"custom_per_day"` // calls per account
	TemplatePerDay  int `json:"template_per_day"`
	SubscribePerDay int `json:"subscribe_per_day"`
	MassPerDay      int `json:"mass_per_day"`       // users written to by mass sends
	MassCallsPerDay int `json:"mass_calls_per_day"` // calls, each to many users
	SMSPerDay       int `json:"sms_per_day"`

	Prices []Price `json:"prices"` // per channel; one that is not named is free

	ByID      id.ID         `json:"by_id"`
	ChangedAt clock.Instant `json:"changed_at"` // none: the defaults
}

// ChannelCap is a cap of one channel.
type ChannelCap struct {
	Channel string `json:"channel"`
	Cap
}

// Price is what one message of a channel costs, in 厘 (a tenth of a fen): text messages cost
// a few fen and half ones.
type Price struct {
	Channel string `json:"channel"`
	Li      int    `json:"li"`
}

// PriceOf is what one message of a channel costs, in 厘.
func (p Policy) PriceOf(channel string) int {
	for _, x := range p.Prices {
		if x.Channel == channel {
			return x.Li
		}
	}
	return 0
}

// DefaultPolicy is what a brand has that set nothing: two offers a day are too many for
// most people, the rest is WeChat's published limits.
func DefaultPolicy(brandID id.ID) Policy {
	return Policy{BrandID: brandID, Cap: Cap{Day: 1, Week: 3, Month: 8}, Channels: []ChannelCap{{SMS, Cap{1, 1, 4}}},
		BlockDays: 90, MarginSec: 5, MessageCount: 5, MessageHours: 48, DeedCount: 3, DeedSec: 60, EnterCount: 2, EnterSec: 60,
		MassPerMonth: 4, WeComPerDay: 1, WeComPerMonth: 0,
		CustomPerDay: 500_000, TemplatePerDay: 100_000, SubscribePerDay: 10_000_000, MassPerDay: 1_000_000, MassCallsPerDay: 100, SMSPerDay: 100_000, Prices: []Price{{SMS, 50}}}
}

func (p Policy) check() error {
	type bound struct {
		field      string
		n, lo, max int
	}
	list := []bound{
		{"block_days", p.BlockDays, 1, 3650}, {"margin_seconds", p.MarginSec, 0, 50},
		{"message_count", p.MessageCount, 0, 20}, {"message_hours", p.MessageHours, 1, 48}, {"deed_count", p.DeedCount, 0, 20}, {"deed_seconds", p.DeedSec, 1, 3600},
		{"enter_count", p.EnterCount, 0, 20}, {"enter_seconds", p.EnterSec, 1, 3600},
		{"mass_per_month", p.MassPerMonth, 0, 100}, {"wecom_per_day", p.WeComPerDay, 0, 31}, {"wecom_per_month", p.WeComPerMonth, 0, 31},
		{"custom_per_day", p.CustomPerDay, 0, 1e9}, {"template_per_day", p.TemplatePerDay, 0, 1e9}, {"subscribe_per_day", p.SubscribePerDay, 0, 1e9},
		{"mass_per_day", p.MassPerDay, 0, 1e9}, {"mass_calls_per_day", p.MassCallsPerDay, 0, 1e6}, {"sms_per_day", p.SMSPerDay, 0, 1e9},
	}
	caps := append([]ChannelCap{{"", p.Cap}}, p.Channels...)
	seen := map[string]bool{}
	for i, c := range caps {
		if i > 0 && (!slices.Contains(Channels(), c.Channel) || seen[c.Channel]) {
			return fault.NewInvalid("reach_policy", "渠道频控：没有这个渠道，或重复").With("field", "channels")
		}
		seen[c.Channel] = true
		list = append(list, bound{"cap", c.Day, 0, 100}, bound{"cap", c.Week, 0, 500}, bound{"cap", c.Month, 0, 1000})
	}
	priced := map[string]bool{}
	for _, x := range p.Prices {
		if !slices.Contains(Channels(), x.Channel) || priced[x.Channel] {
			return fault.NewInvalid("reach_policy", "渠道单价：没有这个渠道，或重复").With("field", "prices")
		}
		priced[x.Channel] = true
		list = append(list, bound{"prices", x.Li, 0, 100_000})
	}
	for _, x := range list {
		if x.n < x.lo || x.n > x.max {
			return fault.Invalidf("reach_policy", "%s 应为 %d 到 %d", x.field, x.lo, x.max).With("field", x.field)
		}
	}
	return nil
}

// Channels are all channels, in the order of their price: what costs a grant or a mass
// send comes late.
func Channels() []string { return []string{Custom, Subscribe, Template, WeCom, Mass, SMS} }

func (p Policy) capOf(channel string) Cap {
	for _, c := range p.Channels {
		if c.Channel == channel {
			return c.Cap
		}
	}
	return Cap{}
}

// perDay is how many calls of a channel an account has on a day.
func (p Policy) perDay(channel string) int64 {
	return int64(map[string]int{Custom: p.CustomPerDay, Template: p.TemplatePerDay, Subscribe: p.SubscribePerDay, Mass: p.MassPerDay, WeCom: 1e9, SMS: p.SMSPerDay}[channel])
}

// window is what a deed opens.
func (p Policy) window(kind, deed string) (count int, life time.Duration) {
	switch {
	case deed == deedMessage:
		return p.MessageCount, time.Duration(p.MessageHours) * time.Hour
	case deed == deedEnter && kind == brand.Mini:
		return p.EnterCount, time.Duration(p.EnterSec) * time.Second
	case deed != deedEnter && kind == brand.Official:
		return p.DeedCount, time.Duration(p.DeedSec) * time.Second
	}
	return 0, 0
}

func (p Policy) wecomMonth(at clock.Instant) int {
	if p.WeComPerMonth > 0 {
		return p.WeComPerMonth
	}
	return int(clock.DayOf(at).MonthEnd()) % 100
}

// Policy reads a brand's numbers.
func (s *Store) Policy(ctx context.Context, brandID id.ID) (Policy, error) {
	return policyOf(s.DB.Read(ctx), brandID)
}

type policyRow struct {
	Version   int
	Body      string
	ByID      id.ID
	CreatedAt clock.Instant
}

func (r policyRow) policy(brandID id.ID) (Policy, error) {
	p := DefaultPolicy(brandID)
	p.Channels = nil
	if err := json.Unmarshal([]byte(r.Body), &p); err != nil {
		return p, fmt.Errorf("reach: policy of %s: %w", brandID, err)
	}
	if p.Channels == nil {
		p.Channels = []ChannelCap{}
	}
	p.BrandID, p.Version, p.ByID, p.ChangedAt = brandID, r.Version, r.ByID, r.CreatedAt
	return p, nil
}

func policyOf(tx *gorm.DB, brandID id.ID) (Policy, error) {
	return policyAt(tx, brandID, math.MaxInt64)
}

func policyAt(tx *gorm.DB, brandID id.ID, at clock.Instant) (Policy, error) {
	var rows []policyRow
	if err := tx.Raw("SELECT version, body, by_id, created_at FROM reach_policy WHERE brand_id = ? AND created_at <= ? ORDER BY version DESC LIMIT 1", brandID, at).Scan(&rows).Error; err != nil {
		return Policy{}, fmt.Errorf("reach: policy: %w", err)
	}
	if len(rows) == 0 {
		return DefaultPolicy(brandID), nil
	}
	return rows[0].policy(brandID)
}

// PolicyAt is Policy as it was at a moment.
func (s *Store) PolicyAt(ctx context.Context, brandID id.ID, at clock.Instant) (Policy, error) {
	return policyAt(s.DB.Read(ctx), brandID, at)
}

// Policies lists the versions of a brand's numbers, newest first, at most limit below a
// version (0: the newest).
func (s *Store) Policies(ctx context.Context, brandID id.ID, below, limit int) ([]Policy, error) {
	q := s.DB.Read(ctx).Table("reach_policy").Where("brand_id = ?", brandID)
	if below > 0 {
		q = q.Where("version < ?", below)
	}
	var rows []policyRow
	if err := q.Order("version DESC").Limit(min(max(limit, 1), 100)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reach: policies: %w", err)
	}
	out := make([]Policy, 0, len(rows))
	for _, r := range rows {
		p, err := r.policy(brandID)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// SavePolicy adds a version of a brand's numbers; p.Version is the one that was seen. What
// is taken already stays taken. Faults: Invalid reach_policy; Conflict reach_policy_changed.
func (s *Store) SavePolicy(ctx context.Context, p Policy, operatorID id.ID) (Policy, error) {
	if err := p.check(); err != nil {
		return Policy{}, err
	}
	if p.Prices == nil || p.MassCallsPerDay == 0 { // not said: as they are
		now, err := s.Policy(ctx, p.BrandID)
		if err != nil {
			return Policy{}, err
		}
		if p.Prices == nil {
			p.Prices = now.Prices
		}
		p.MassCallsPerDay = cmp.Or(p.MassCallsPerDay, now.MassCallsPerDay)
	}
	seen := p.Version
	p.Version, p.ByID, p.ChangedAt = seen+1, operatorID, s.DB.Now()
	if p.Channels == nil {
		p.Channels = []ChannelCap{}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return Policy{}, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		var newest int
		if err := tx.Raw("SELECT COALESCE(MAX(version), 0) FROM reach_policy WHERE brand_id = ?", p.BrandID).Scan(&newest).Error; err != nil {
			return err
		}
		r := tx.Exec("INSERT INTO reach_policy (brand_id, version, body, by_id, created_at) VALUES (?,?,?,?,?)"+s.DB.Once("brand_id"), p.BrandID, p.Version, string(body), operatorID, p.ChangedAt)
		if r.Error == nil && (newest != seen || r.RowsAffected == 0) {
			return fault.New(fault.Conflict, "reach_policy_changed", "数值已被别人修改，请刷新后再保存")
		}
		return r.Error
	})
	if err != nil {
		return Policy{}, fmt.Errorf("reach: policy: %w", err)
	}
	s.forget(p.BrandID)
	return p, nil
}

// rules are what counts for every message of a brand.
type rules struct {
	Policy
	hours    quiet.Hours
	holidays map[clock.Day]bool
	readAt   clock.Instant
}

// rulesFor is how long a process believes what it read; a change is seen everywhere then.
const rulesFor = time.Second

// rulesOf reads a brand's rules with the caller's handle: a second connection inside a
// transaction could wait for ever.
func (s *Store) rulesOf(tx *gorm.DB, brandID id.ID) (rules, error) {
	now := s.DB.Now()
	s.mu.Lock()
	r, there := s.rules[brandID]
	s.mu.Unlock()
	if age := now.Sub(r.readAt); there && age >= 0 && age < rulesFor {
		return r, nil
	}
	p, err := policyOf(tx, brandID)
	if err != nil {
		return rules{}, err
	}
	r = rules{Policy: p, holidays: map[clock.Day]bool{}, readAt: now}
	var hours []quiet.Hours
	if err := tx.Session(&gorm.Session{NewDB: true}).Where("brand_id = ?", brandID).Limit(1).Find(&hours).Error; err != nil {
		return rules{}, fmt.Errorf("reach: quiet hours: %w", err)
	}
	if len(hours) == 1 {
		r.hours = hours[0]
	}
	var days []clock.Day
	if err := tx.Raw("SELECT day_no FROM reach_holiday WHERE brand_id = ?", brandID).Scan(&days).Error; err != nil {
		return rules{}, fmt.Errorf("reach: holidays: %w", err)
	}
	for _, d := range days {
		r.holidays[d] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rules) > 1000 {
		clear(s.rules)
	}
	s.rules[brandID] = r
	return r, nil
}

func (s *Store) forget(brandID id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rules, brandID)
}

// open is the first moment from at on that is neither quiet nor, for offers, on a holiday.
func (r rules) open(at clock.Instant, purpose string) clock.Instant {
	for range 400 { // a calendar without any free day in a year is a mistake of the calendar
		next := r.hours.Until(at)
		if purpose == Marketing && r.holidays[clock.DayOf(next)] {
			_, next = clock.DayOf(next).Bounds()
		}
		if next == at {
			break
		}
		at = next
	}
	return at
}
