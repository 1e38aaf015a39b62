// Package fraud looks for referrals that are not what they seem (作弊识别): rings, many
// people on one device or address, bursts of new accounts, clerks who register
// themselves. It refuses nobody. What looks wrong becomes a case with its evidence;
// what would be earned from the people in it waits until an operator has decided.
//
// It owns the tables fraud_policy, fraud_trace, fraud_device, fraud_case and
// fraud_case_member. States of a case: open, cleared, confirmed; a decision is final, and
// what is seen afterwards opens another case.
//
// Promises: the same facts open one case, however often they are told; a cleared case is
// not opened again by what was in it; devices and addresses are kept as keyed hashes only.
package fraud

import (
	"context"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/referral"
)

// Kinds of case.
const (
	Ring      = "ring"       // 环: at the end of the chain stands the beginning
	OwnDevice = "own_device" // the device of the referrer himself
	Device    = "device"     // 同一设备: many people on one device
	Address   = "address"    // 同一网络: many people from one address in a day
	Burst     = "burst"      // 集中注册: many new accounts within an hour
	ClerkSelf = "clerk_self" // 导购自刷: a clerk's people hold his device or share one
)

// Titles are the kinds in words.
func Titles() map[string]string {
	return map[string]string{Ring: "推荐关系成环", OwnDevice: "与推荐人同一设备", Device: "多人共用一台设备", Address: "多人来自同一网络",
		Burst: "短时间集中注册", ClerkSelf: "导购疑似自己注册"}
}

// States of a case.
const (
	Open      = "open"
	Cleared   = "cleared"   // 排除: what waited goes on
	Confirmed = "confirmed" // 属实: what waited is taken back
)

// Policy is what a brand calls suspicious. Zero switches a rule off.
type Policy struct {
	Version        int64         `json:"version"`
	DevicePeople   int           `json:"device_people"`    // people of one referrer on one device
	ClerkDevice    int           `json:"clerk_device"`     // the same for a clerk, who has a counter phone at hand
	AddressPeople  int           `json:"address_people"`   // people of one referrer from one address within a day
	ClerkAddress   int           `json:"clerk_address"`    // the same for a clerk: his shop has one network
	BurstPeople    int           `json:"burst_people"`     // new accounts of one referrer within BurstMinutes
	BurstMinutes   int           `json:"burst_minutes"`    //
	NewcomerMinute int           `json:"newcomer_minutes"` // an account is new this long
	UpdatedAt      clock.Instant `json:"updated_at"`
}

// DefaultPolicy suits a brand that never thought about it: a family shares a phone, a shop
// or a carrier shares an address, nobody brings forty new accounts in an hour.
func DefaultPolicy() Policy {
	return Policy{DevicePeople: 4, ClerkDevice: 2, AddressPeople: 30, ClerkAddress: 100, BurstPeople: 40, BurstMinutes: 60, NewcomerMinute: 60}
}

func (p Policy) check() error {
	for _, x := range []struct {
		name string
		n    int
		min  int
		max  int
	}{{"device_people", p.DevicePeople, 0, 1000}, {"clerk_device", p.ClerkDevice, 0, 1000}, {"address_people", p.AddressPeople, 0, 100_000}, {"clerk_address", p.ClerkAddress, 0, 100_000},
		{"burst_people", p.BurstPeople, 0, 100_000}, {"burst_minutes", p.BurstMinutes, 1, 1440}, {"newcomer_minutes", p.NewcomerMinute, 1, 14_400}} {
		if x.n < x.min || x.n > x.max {
			return fault.Invalidf("fraud_policy", "“%s”应为 %d 到 %d", x.name, x.min, x.max).With("field", x.name)
		}
	}
	return nil
}

// Evidence is why there is a case, for the operator who decides.
type Evidence struct {
	Text   string        `json:"text"` // zh-CN
	Found  int           `json:"found"`
	Rule   int           `json:"rule"` // what the policy calls too many; 0 where one is
	Chain  []id.ID       `json:"chain,omitempty"`
	From   clock.Instant `json:"from"`
	Until  clock.Instant `json:"until"`
	Policy int64         `json:"policy_version"`
}

// Case is one.
type Case struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	Kind       string        `json:"kind"`
	Title      string        `json:"title" gorm:"-"`
	ReferrerID id.ID         `json:"referrer_id"`
	Role       string        `json:"role"`
	Detail     string        `json:"-"`
	CaseKey    string        `json:"-"`
	State      string        `json:"state"`
	Evidence   Evidence      `json:"evidence" gorm:"serializer:json"`
	People     int           `json:"people"`
	OpenedAt   clock.Instant `json:"opened_at"`
	MovedAt    clock.Instant `json:"moved_at"`
	DecidedAt  clock.Instant `json:"decided_at"`
	DecidedBy  id.ID         `json:"decided_by"`
	Reason     string        `json:"reason"`
}

// TableName names the table for GORM.
func (Case) TableName() string { return "fraud_case" }

// Suspect is one person of a case.
type Suspect struct {
	CaseID    id.ID         `json:"-"`
	MemberID  id.ID         `json:"member_id"`
	BindingID id.ID         `json:"binding_id"`
	At        clock.Instant `json:"at"` // when he came
}

// TableName names the table for GORM.
func (Suspect) TableName() string { return "fraud_case_member" }

// relations is what is asked of referral.
type relations interface {
	ReferrerOf(ctx context.Context, brandID, memberID id.ID, at clock.Instant) (referral.Binding, bool, error)
}

// families is what is asked of member.
type families interface {
	Family(ctx context.Context, memberID id.ID) ([]id.ID, error)
	Get(ctx context.Context, memberID id.ID) (member.Member, error)
}

// Task is the wake-up after a case was confirmed; its ref is the case's id.
const Task = "fraud:settle"

// Store looks and keeps cases.
type Store struct {
	db        *db.DB
	out       *outbox.Store
	relations relations
	families  families
	confirmed []func(ctx context.Context, c Case, people []Suspect) error
}

// New makes a store.
func New(d *db.DB, out *outbox.Store, r relations, f families) *Store {
	return &Store{db: d, out: out, relations: r, families: f}
}

// OnConfirm registers who takes back what a confirmed case was about: told after the
// decision, at least once. Wiring calls it before anything is decided.
func (s *Store) OnConfirm(tell func(ctx context.Context, c Case, people []Suspect) error) {
	s.confirmed = append(s.confirmed, tell)
}
