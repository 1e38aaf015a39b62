// Package campaign holds activities (活动): which codes take part, what can be won, in
// which time, and the money behind it. Prizes are sealed (package draw): publishing
// fixes every code's prize, reserves the exact spend and publishes the hash of the
// seed; the seed is revealed when the campaign has ended.
//
// It owns the tables campaign, campaign_tier, campaign_scope, campaign_policy and
// campaign_approval, and the ledger accounts funds, reserved. States: draft -> published
// <-> paused -> ended; what is published may be taken back to draft before it begins. A
// draft may wait for a second person (approval.go); what people are told of all this is a
// stage (stage.go).
//
// Promise: claims of a campaign never cost more than it reserved. The last statement
// of a claim (CountTx) is an update of the campaign's row guarded by its state, its
// cap and its spend, so that a paused or ended campaign and a spent budget stop
// claims in the database, whatever the caches of other processes say.
package campaign

import (
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
)

// States.
const (
	Draft     = "draft"
	Published = "published"
	Paused    = "paused"
	Ended     = "ended"
)

// Kinds of reward.
const (
	Cash    = "cash"
	Points  = "points"
	Nothing = "nothing"
)

// Limits that the law or the rails set.
const (
	// MaxPrize is the highest prize of a lottery with sales, 50,000 yuan (规范促销行为
	// 暂行规定 art. 17).
	MaxPrize  money.Fen = 5_000_000
	maxTiers            = 50
	maxScopes           = 1000
)

// Campaign is one activity with its counters. The seed is not part of it.
type Campaign struct {
	ID           id.ID         `json:"id"`
	BrandID      id.ID         `json:"brand_id"`
	Name         string        `json:"name"`
	State        string        `json:"state"`
	FromAt       clock.Instant `json:"from_at"`
	UntilAt      clock.Instant `json:"until_at"`
	Organiser    string        `json:"organiser"`
	Rules        string        `json:"rules"`
	Wishing      string        `json:"wishing"`
	AccountID    id.ID         `json:"account_id"`     // merchant number that pays
	CapMemberDay int           `json:"cap_member_day"` // claims per member and business day; 0 = no limit
	CapMember    int           `json:"cap_member"`     // claims per member; 0 = no limit
	CapTotal     int64         `json:"cap_total"`      // claims in all; 0 = no limit
	MinLevel     int           `json:"min_level"`      // lowest level of membership that may take part; 0 = everybody
	LevelName    string        `json:"level_name"`     // of MinLevel, fixed at publishing
	Codes        int64         `json:"codes"`          // codes that take part, fixed at publishing
	SpendFen     money.Fen     `json:"spend_fen"`      // reserved at publishing: the exact worst case
	SpendPoints  int64         `json:"spend_points"`   // prize points promised at publishing
	WonFen       money.Fen     `json:"won_fen"`        // won by claims so far
	Claimed      int64         `json:"claimed"`        // claims so far
	Terms        string        `json:"terms"`          // canonical text that the seed hash binds
	SeedHash     string        `json:"seed_hash"`
	SeedRevealed string        `json:"seed_revealed"` // hex, after the end
	Version      int64         `json:"version"`
	CreatedAt    clock.Instant `json:"created_at"`
	PublishedAt  clock.Instant `json:"published_at"`
	EndedAt      clock.Instant `json:"ended_at"`
	Approval     string        `json:"approval"`    // of a draft: "", submitted, approved, refused
	EditedBy     id.ID         `json:"edited_by"`   // operator who wrote the draft last; 0 = a program
	CopiedFrom   id.ID         `json:"copied_from"` // campaign that the draft was made of; 0 = none
	ArchivedAt   clock.Instant `json:"archived_at"` // out of the way, not gone
	Cancels      int           `json:"-"`           // publications taken back before they began
	Stage        string        `json:"stage" gorm:"-"`
	Tiers        []Tier        `json:"tiers" gorm:"-"`
	Scopes       []Scope       `json:"scopes" gorm:"-"`
}

// TableName names the table for GORM.
func (Campaign) TableName() string { return "campaign" }

// Tier is one kind of prize (奖项).
type Tier struct {
	CampaignID id.ID     `json:"-"`
	Tier       int       `json:"tier"`
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Winners    int64     `json:"winners"`
	RankFrom   int64     `json:"-"`
	MinFen     money.Fen `json:"min_fen"`
	MaxFen     money.Fen `json:"max_fen"`
	TotalFen   money.Fen `json:"total_fen"`
	Points     int64     `json:"points"`
	Text       string    `json:"text"`
}

// TableName names the table for GORM.
func (Tier) TableName() string { return "campaign_tier" }

// Scope is which codes take part: a whole product (all its batches of now), a whole
// batch, or serials [From, Until) of a batch; serials begin with 1, zeros mean the
// whole batch. After saving there are only batches.
type Scope struct {
	CampaignID  id.ID `json:"-"`
	Seq         int   `json:"-"`
	ProductID   id.ID `json:"product_id,omitempty" gorm:"-"`
	BatchID     id.ID `json:"batch_id"`
	FromSerial  int64 `json:"from_serial"`
	UntilSerial int64 `json:"until_serial"`
	DrawFrom    int64 `json:"-"`
}

// TableName names the table for GORM.
func (Scope) TableName() string { return "campaign_scope" }

// Form is what an operator fills in.
type Form struct {
	BrandID      id.ID         `json:"brand_id"`
	Name         string        `json:"name"`
	FromAt       clock.Instant `json:"from_at"`
	UntilAt      clock.Instant `json:"until_at"`
	Organiser    string        `json:"organiser"`
	Rules        string        `json:"rules"`
	Wishing      string        `json:"wishing"`
	AccountID    id.ID         `json:"account_id"`
	CapMemberDay int           `json:"cap_member_day"`
	CapMember    int           `json:"cap_member"`
	CapTotal     int64         `json:"cap_total"`
	MinLevel     int           `json:"min_level"` // number in the brand's table of levels; 0 = everybody
	Tiers        []Tier        `json:"tiers"`
	Scopes       []Scope       `json:"scopes"`
	EditedBy     id.ID         `json:"-"`       // operator; 0 = a program
	Version      int64         `json:"version"` // of the draft that was changed; 0 = whichever is there
	// Requires lists conditions for the reward. WeChat bans paying for a follow or a
	// share (微信外部链接内容管理规范), so anything here is refused; the field exists to
	// say so clearly.
	Requires []string `json:"requires,omitempty"`
}

// Problem is one reason why a campaign cannot be published.
type Problem struct {
	Code  string `json:"code"`
	Field string `json:"field"`
	Text  string `json:"text"`
}

// Preview is what publishing would do, to the fen.
type Preview struct {
	Codes    int64      `json:"codes"`
	SpendFen money.Fen  `json:"spend_fen"` // exact if every code is claimed: the worst case
	Points   int64      `json:"points"`    // prize points if every code is claimed
	Odds     []OddsLine `json:"odds"`
	Who      string     `json:"who"`            // may take part, in words; "" = everybody
	Claimed  int64      `json:"claimed_before"` // codes in scope that were claimed before: their prizes stay unpaid; counted up to 50,000 for each part of the scope
	Problems []Problem  `json:"problems"`
}

// OddsLine is one line of the odds shown to consumers.
type OddsLine struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Prize   string    `json:"prize"`
	Winners int64     `json:"winners"`
	Odds    string    `json:"odds"` // "1/1000" or "3.25%"
	MaxFen  money.Fen `json:"max_fen"`
	Points  int64     `json:"points"`
}
