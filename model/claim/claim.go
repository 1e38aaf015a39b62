// Package claim is the one act that turns a scan into a reward (领取). A code may be
// claimed once: the unique key of the table says so, not an if. One transaction holds
// everything that follows from it: the claim, the member's caps, the points, the
// payout with its amount and bill number, the wake-up, the campaign's counters, and the
// look that came with it. The reward belongs to who verified first; that is decided
// there too, under the lock of the code's row.
//
// It owns the tables claim and claim_counter.
package claim

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// Claim is one row.
type Claim struct {
	ID         id.ID         `json:"id"`
	BatchID    id.ID         `json:"batch_id"`
	Serial     int64         `json:"serial"`
	BrandID    id.ID         `json:"brand_id"`
	ProductID  id.ID         `json:"product_id"`
	MemberID   id.ID         `json:"member_id"`
	CampaignID id.ID         `json:"campaign_id"` // 0: product points only
	Tier       int           `json:"tier"`
	Kind       string        `json:"kind"`
	Prize      string        `json:"prize"` // what the member is told he won
	CashFen    money.Fen     `json:"cash_fen"`
	Points     int64         `json:"points"` // product points and prize points together
	Day        clock.Day     `json:"day"`
	CreatedAt  clock.Instant `json:"created_at"`
	Again      bool          `json:"again" gorm:"-"` // this member had claimed it before
	BillNo     string        `json:"-" gorm:"-"`     // of the payout, known to who has just made the claim
}

// TableName names the table for GORM.
func (Claim) TableName() string { return "claim" }

// Who claims. AppID and OpenID are of the session; the payout may need another one.
type Who struct {
	MemberID id.ID
	AppID    string
	OpenID   string
}

// People is what claims ask of members and identities.
type People interface {
	// Standing says which human each member is and whether that human is shut out, in
	// one read. Members that do not exist are not in the answer.
	Standing(ctx context.Context, members []id.ID) (map[id.ID]member.Standing, error)
	// SameHumanTx says whether two members are one human (祖ID). Inside a transaction it
	// must not need a connection of its own: the others may all wait for this one's locks.
	SameHumanTx(tx *gorm.DB, a, b id.ID) (bool, error)
	// OpenID finds the human's openid in one app, "" when unknown.
	OpenID(ctx context.Context, memberID id.ID, appID string) (string, error)
}

// Products reads what is sold.
type Products interface {
	Get(ctx context.Context, productID id.ID) (product.Product, error)
}

// Accounts reads the merchant that pays.
type Accounts interface {
	Account(ctx context.Context, accountID id.ID) (brand.Account, error)
}

// Store makes and reads claims.
type Store struct {
	db        *db.DB
	campaigns *campaign.Store
	packets   *redpacket.Store
	points    *points.Store
	out       *outbox.Store
	scans     *scan.Store
	people    People
	goods     *fresh.Cache[id.ID, product.Product]
	payers    *fresh.Cache[id.ID, brand.Account]
	merger    *db.Merger[waiting]
	levels    Levels // nil: nobody has a level
}

// New makes a store. One store per process, so that its claims are merged.
func New(d *db.DB, c *campaign.Store, r *redpacket.Store, p *points.Store, out *outbox.Store, scans *scan.Store, products Products, accounts Accounts, people People) *Store {
	s := &Store{db: d, campaigns: c, packets: r, points: p, out: out, scans: scans, people: people,
		goods: fresh.New(d.Clock(), products.Get), payers: fresh.New(d.Clock(), accounts.Account)}
	s.merger = db.NewMerger(d, s.run)
	return s
}

// ErrClaimed is a code that somebody else claimed; Detail first_at says when.
var ErrClaimed = fault.New(fault.Conflict, "code_claimed", "这个码已被领取")

// errTaken leaves the transaction when the unique key refused the claim.
var errTaken = errors.New("claim: code is taken")

// errUncounted leaves the transaction when the campaign refused the claim.
var errUncounted = errors.New("claim: campaign refused")

// Make claims a code for a member. The same member again gets the same claim, with
// Again set. Faults: Conflict code_claimed; Exhausted cap_member_day, cap_member
// (Detail used, cap, resets_at); Conflict not_begun, paused; NotFound no_campaign;
// Forbidden not_activated, voided, recalled, member_blocked, level_needed (Detail level,
// the code stays unclaimed); Conflict
// pay_account_mismatch when the prize cannot reach this session's WeChat account.
func (s *Store) Make(ctx context.Context, c code.Code, who Who) (Claim, error) {
	return s.make(ctx, c, who, nil)
}

// MakeSeen is Make by who looks at the code in the same moment: the look is stored
// whatever becomes of the claim, with it in one transaction if it can be. Fault on top
// of Make's: Conflict code_seen (Detail first_at), when the code is kept for somebody
// else.
func (s *Store) MakeSeen(ctx context.Context, c code.Code, who Who, look scan.Observation) (Claim, error) {
	return s.make(ctx, c, who, &look)
}

func (s *Store) make(ctx context.Context, c code.Code, who Who, look *scan.Observation) (Claim, error) {
	if who.MemberID == 0 {
		return Claim{}, fault.New(fault.Unauthenticated, "login", "请用微信扫码后领取")
	}
	// Twice: the campaign may be paused, ended or used up between the plan and the
	// commit. The second plan is made from what the database says.
	for try := 0; ; try++ {
		p, err := s.plan(ctx, c, who)
		if err != nil {
			return s.unplanned(ctx, c, who, look, err)
		}
		err = s.submit(ctx, p, look)
		switch {
		case err == nil:
			s.out.Nudge()
			return p.claim, nil
		case errors.Is(err, errUncounted) && try == 0:
			if err := s.campaigns.Reload(ctx); err != nil {
				return Claim{}, err
			}
		case errors.Is(err, errUncounted):
			return s.unplanned(ctx, c, who, look, fault.New(fault.Conflict, "campaign_moved", "活动状态刚刚变化，请再试一次"))
		case fault.Of(err).Code == "commit_unknown":
			return s.readBack(ctx, p.claim, who, err)
		default:
			return s.earlier(ctx, c, who, err)
		}
	}
}

// unplanned answers a claim that came to no transaction: its look is stored alone.
func (s *Store) unplanned(ctx context.Context, c code.Code, who Who, look *scan.Observation, refused error) (Claim, error) {
	if look != nil {
		sight, err := s.scans.Record(ctx, *look)
		if err != nil {
			return Claim{}, err
		}
		theirs, err := s.keptFor(s.db.Read(ctx), *look, sight)
		if err != nil {
			return Claim{}, err
		}
		if theirs {
			refused = kept(sight)
		}
	}
	return s.earlier(ctx, c, who, refused)
}

// keptFor says whether a code is kept for another human than who looks. Who verified it
// first under another of his accounts is the first.
func (s *Store) keptFor(tx *gorm.DB, o scan.Observation, sight scan.Sight) (bool, error) {
	if !o.Kept(sight) || sight.FirstMember == o.MemberID {
		return o.Kept(sight), nil
	}
	same, err := s.people.SameHumanTx(tx, sight.FirstMember, o.MemberID)
	if same {
		sight.FirstMember = o.MemberID
	}
	return o.Kept(sight), err
}

// kept is the fault of a code that another member verified first.
func kept(sight scan.Sight) error {
	return fault.New(fault.Conflict, "code_seen", "这个码已被他人验证").With("first_at", sight.FirstAt)
}

// earlier answers a claim that was refused: a code that was claimed before says so,
// whatever else is wrong now; else the refusal stands.
func (s *Store) earlier(ctx context.Context, c code.Code, who Who, refused error) (Claim, error) {
	old, found, err := s.ByCode(ctx, c.BatchID, c.Serial)
	switch {
	case err != nil:
		return Claim{}, err
	case found:
		return s.answer(ctx, old, who)
	case errors.Is(refused, errTaken): // taken by a transaction that then failed
		return Claim{}, fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试").Because(refused)
	}
	return Claim{}, refused
}

// readBack answers a commit whose outcome is unknown: the row decides.
func (s *Store) readBack(ctx context.Context, want Claim, who Who, unknown error) (Claim, error) {
	old, found, err := s.ByCode(context.WithoutCancel(ctx), want.BatchID, want.Serial)
	if err != nil || !found {
		return Claim{}, unknown
	}
	s.out.Nudge()
	if old.ID == want.ID {
		return old, nil
	}
	return s.answer(context.WithoutCancel(ctx), old, who)
}

// answer is what a claimed code says to whoever asks. A human who claimed it under
// another of his accounts has claimed it.
func (s *Store) answer(ctx context.Context, old Claim, who Who) (Claim, error) {
	same, err := s.people.SameHumanTx(s.db.Read(ctx), old.MemberID, who.MemberID)
	if err != nil {
		return Claim{}, err
	}
	if same {
		old.Again = true
		return old, nil
	}
	return Claim{}, ErrClaimed.With("first_at", old.CreatedAt)
}
