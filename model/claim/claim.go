// Package claim is the one act that turns a scan into a reward (领取). A code may be
// claimed once: the unique key of the table says so, not an if. One transaction holds
// everything that follows from it: the claim, the member's caps, the points, the
// payout with its amount and bill number, the wake-up, the campaign's counters.
//
// It owns the tables claim and claim_counter.
package claim

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/redpacket"
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
	// Blocked says whether a member is shut out.
	Blocked(ctx context.Context, memberID id.ID) (bool, error)
	// OpenID finds the member's openid in one app, "" when unknown.
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
	products  Products
	accounts  Accounts
	people    People
}

// New makes a store.
func New(d *db.DB, c *campaign.Store, r *redpacket.Store, p *points.Store, out *outbox.Store, products Products, accounts Accounts, people People) *Store {
	return &Store{db: d, campaigns: c, packets: r, points: p, out: out, products: products, accounts: accounts, people: people}
}

// ErrClaimed is a code that somebody else claimed; Detail first_at says when.
var ErrClaimed = fault.New(fault.Conflict, "code_claimed", "这个码已被领取")

// errTaken leaves the transaction when the unique key refused the claim.
var errTaken = errors.New("claim: code is taken")

// errUncounted leaves the transaction when the campaign refused the claim.
var errUncounted = errors.New("claim: campaign refused")

// plan is everything about a claim that is decided before its transaction.
type plan struct {
	claim      Claim
	offer      campaign.Offer
	pay        brand.Account
	openID     string
	scanPoints int64
	product    product.Product
}

// Make claims a code for a member. The same member again gets the same claim, with
// Again set. Faults: Conflict code_claimed; Exhausted cap_member_day, cap_member
// (Detail used, cap, resets_at); Conflict not_begun, paused; NotFound no_campaign;
// Forbidden not_activated, voided, recalled, member_blocked; Conflict
// pay_account_mismatch when the prize cannot reach this session's WeChat account.
func (s *Store) Make(ctx context.Context, c code.Code, who Who) (Claim, error) {
	if who.MemberID == 0 {
		return Claim{}, fault.New(fault.Unauthenticated, "login", "请用微信扫码后领取")
	}
	if old, found, err := s.ByCode(ctx, c.BatchID, c.Serial); err != nil || found {
		return answer(old, who, err)
	}
	if err := s.allowed(ctx, c, who); err != nil {
		return Claim{}, err
	}
	// Twice: the campaign may be paused, ended or used up between the plan and the
	// commit. The second plan is made from what the database says.
	for try := 0; ; try++ {
		p, err := s.plan(ctx, c, who)
		if err != nil {
			return Claim{}, err
		}
		err = s.db.InTx(ctx, func(tx *gorm.DB) error { return s.commit(ctx, tx, p) })
		switch {
		case err == nil:
			s.out.Nudge()
			return p.claim, nil
		case errors.Is(err, errTaken):
			old, found, err := s.ByCode(ctx, c.BatchID, c.Serial)
			if err == nil && !found {
				err = fault.New(fault.Unavailable, "busy", "系统繁忙，请稍后再试")
			}
			return answer(old, who, err)
		case errors.Is(err, errUncounted) && try == 0:
			if err := s.campaigns.Reload(ctx); err != nil {
				return Claim{}, err
			}
		case errors.Is(err, errUncounted):
			return Claim{}, fault.New(fault.Conflict, "campaign_moved", "活动状态刚刚变化，请再试一次")
		case fault.Of(err).Code == "commit_unknown":
			return s.readBack(ctx, p.claim, who, err)
		default:
			return Claim{}, err
		}
	}
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
	return answer(old, who, nil)
}

// answer is what a claimed code says to whoever asks.
func answer(old Claim, who Who, err error) (Claim, error) {
	if err != nil {
		return Claim{}, err
	}
	if old.MemberID == who.MemberID {
		old.Again = true
		return old, nil
	}
	return Claim{}, ErrClaimed.With("first_at", old.CreatedAt)
}

func (s *Store) allowed(ctx context.Context, c code.Code, who Who) error {
	texts := map[string]string{code.Issued: "商品尚未激活，请联系门店", code.Voided: "这个码已作废", code.Recalled: "该批次商品已召回，请联系客服"}
	if c.State != code.Activated {
		slug := c.State
		if slug == code.Issued {
			slug = "not_activated"
		}
		return fault.New(fault.Forbidden, slug, texts[c.State])
	}
	blocked, err := s.people.Blocked(ctx, who.MemberID)
	if err != nil {
		return err
	}
	if blocked {
		return fault.New(fault.Forbidden, "member_blocked", "您的账号暂时不能领取，如有疑问请联系客服")
	}
	return nil
}

func (s *Store) plan(ctx context.Context, c code.Code, who Who) (plan, error) {
	now := s.db.Now()
	prod, err := s.products.Get(ctx, c.ProductID)
	if err != nil {
		return plan{}, err
	}
	p := plan{product: prod, scanPoints: prod.ScanPoints * int64(prod.PointsPercent) / 100}
	p.claim = Claim{ID: s.db.NewID(), BatchID: c.BatchID, Serial: c.Serial, BrandID: c.BrandID, ProductID: c.ProductID,
		MemberID: who.MemberID, Kind: campaign.Points, Day: clock.DayOf(now), CreatedAt: now, Points: p.scanPoints}
	p.offer = s.campaigns.For(ctx, c.BatchID, c.Serial, now)
	switch p.offer.State {
	case campaign.StandRunning:
		return s.draw(ctx, p, c, who)
	case campaign.StandNotBegun:
		// Claiming now would use up the code's one claim for nothing.
		return plan{}, fault.New(fault.Conflict, "not_begun", "活动还没开始,"+p.offer.FromAt.Local()+" 再来领取").With("from_at", p.offer.FromAt)
	case campaign.StandPaused:
		return plan{}, fault.New(fault.Conflict, "paused", "活动暂停中，您的奖还在，请稍后再来")
	}
	if p.scanPoints == 0 {
		texts := map[string]string{campaign.StandEnded: "活动已结束", campaign.StandUsedUp: "活动奖品已领完"}
		text, ok := texts[p.offer.State]
		if !ok {
			text = "这件商品现在没有活动"
		}
		return plan{}, fault.New(fault.NotFound, "no_campaign", text).With("standing", p.offer.State)
	}
	p.claim.Prize = strconv.FormatInt(p.scanPoints, 10) + " 积分"
	return p, nil
}

func (s *Store) draw(ctx context.Context, p plan, c code.Code, who Who) (plan, error) {
	won, err := s.campaigns.Draw(p.offer.CampaignID, c.BatchID, c.Serial, p.claim.CreatedAt)
	if err != nil {
		return plan{}, err
	}
	p.claim.CampaignID, p.claim.Tier, p.claim.Kind = p.offer.CampaignID, won.Tier.Tier, won.Tier.Kind
	p.claim.CashFen, p.claim.Prize = won.AmountFen, won.Tier.Name
	p.claim.Points += won.Tier.Points
	if won.Tier.Kind == campaign.Nothing && won.Tier.Text != "" {
		p.claim.Prize = won.Tier.Text
	}
	if p.offer.AccountID == 0 {
		return p, nil
	}
	// For every prize, won or not: otherwise the fault itself would tell the prize.
	if p.pay, err = s.accounts.Account(ctx, p.offer.AccountID); err != nil {
		return plan{}, err
	}
	if p.openID = who.OpenID; who.AppID != p.pay.Settings.PayAppID {
		if p.openID, err = s.people.OpenID(ctx, who.MemberID, p.pay.Settings.PayAppID); err != nil {
			return plan{}, err
		}
	}
	if p.openID == "" {
		return plan{}, fault.New(fault.Conflict, "pay_account_mismatch", "请用微信扫码打开页面领取，红包才能到您的微信").With("app_id", p.pay.Settings.PayAppID)
	}
	return p, nil
}

// commit writes the whole claim. Order matters: the unique key first, so that losers
// leave before they lock anything else; the campaign's row, which every claim of the
// campaign wants, last, so that it is held for the shortest time.
func (s *Store) commit(ctx context.Context, tx *gorm.DB, p plan) error {
	if err := tx.Create(&p.claim).Error; db.IsDuplicate(err) {
		return errTaken
	} else if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	if err := s.caps(tx, p); err != nil {
		return err
	}
	key := "claim:" + p.claim.ID.String()
	err := s.points.EarnTx(ctx, tx, points.Earning{Key: key + ":scan", BrandID: p.claim.BrandID, MemberID: p.claim.MemberID,
		Points: p.scanPoints, Memo: "扫码积分 " + cut(p.product.Name, 60)})
	if err != nil {
		return err
	}
	err = s.points.EarnTx(ctx, tx, points.Earning{Key: key + ":prize", BrandID: p.claim.BrandID, MemberID: p.claim.MemberID,
		Points: p.claim.Points - p.scanPoints, Memo: "中奖积分 " + p.claim.Prize})
	if err != nil {
		return err
	}
	if p.claim.CashFen > 0 {
		_, err := s.packets.PromiseTx(ctx, tx, redpacket.Order{ClaimID: p.claim.ID, BrandID: p.claim.BrandID, CampaignID: p.claim.CampaignID,
			MemberID: p.claim.MemberID, Account: p.pay, OpenID: p.openID, AmountFen: p.claim.CashFen, Wishing: p.offer.Wishing, ActName: p.offer.Name})
		if err != nil {
			return err
		}
	}
	if p.claim.CampaignID == 0 {
		return nil
	}
	counted, err := s.campaigns.CountTx(ctx, tx, p.claim.CampaignID, p.claim.CashFen)
	if err != nil {
		return err
	}
	if !counted {
		return errUncounted
	}
	return nil
}

func cut(text string, runes int) string {
	if r := []rune(text); len(r) > runes {
		return string(r[:runes])
	}
	return text
}

// caps counts the claim against the member's limits: per campaign and business day,
// per campaign. The counter rows are the member's own, nobody else waits for them.
func (s *Store) caps(tx *gorm.DB, p plan) error {
	campaignID, member := p.claim.CampaignID.String(), p.claim.MemberID.String()
	if p.claim.CampaignID == 0 {
		return nil
	}
	_, tomorrow := p.claim.Day.Bounds()
	limits := []struct {
		key, code, text string
		cap             int
		resets          clock.Instant
	}{
		{"d" + strconv.Itoa(int(p.claim.Day)) + ":" + campaignID + ":" + member, "cap_member_day", "今日已领 %d/%d，明天 0 点恢复", p.offer.CapMemberDay, tomorrow},
		{"c:" + campaignID + ":" + member, "cap_member", "本活动每人最多领 %d/%d 次，您已领满", p.offer.CapMember, 0},
	}
	for _, l := range limits {
		if l.cap == 0 {
			continue
		}
		if err := tx.Exec("INSERT INTO claim_counter (counter_key, used) VALUES (?, 0)"+s.db.Once("used"), l.key).Error; err != nil {
			return fmt.Errorf("claim: cap: %w", err)
		}
		r := tx.Exec("UPDATE claim_counter SET used = used + 1 WHERE counter_key = ? AND used < ?", l.key, l.cap)
		if r.Error != nil {
			return fmt.Errorf("claim: cap: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return fault.New(fault.Exhausted, l.code, fmt.Sprintf(l.text, l.cap, l.cap)).
				With("used", l.cap).With("cap", l.cap).With("resets_at", l.resets)
		}
	}
	return nil
}

// ByCode reads the claim of a code.
func (s *Store) ByCode(ctx context.Context, batchID id.ID, serial int64) (Claim, bool, error) {
	var c Claim
	err := s.db.Read(ctx).Where("batch_id = ? AND serial = ?", batchID, serial).Take(&c).Error
	if db.IsNotFound(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("claim: %w", err)
	}
	return c, true, nil
}

// Get reads one claim.
func (s *Store) Get(ctx context.Context, claimID id.ID) (Claim, error) {
	var c Claim
	err := s.db.Read(ctx).Where("id = ?", claimID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, fault.New(fault.NotFound, "claim_not_found", "没有这条领取记录")
	}
	return c, err
}

// UsedToday is how many claims of a campaign a member made on the business day of now.
func (s *Store) UsedToday(ctx context.Context, campaignID, memberID id.ID) (int, error) {
	var used []int
	err := s.db.Read(ctx).Raw("SELECT used FROM claim_counter WHERE counter_key = ?",
		"d"+strconv.Itoa(int(clock.DayOf(s.db.Now())))+":"+campaignID.String()+":"+memberID.String()).Scan(&used).Error
	if err != nil || len(used) == 0 {
		return 0, err
	}
	return used[0], nil
}

// Filter narrows a list. Zero fields mean all.
type Filter struct {
	BrandID    id.ID
	CampaignID id.ID
	MemberID   id.ID
	Before     id.ID
	Limit      int
}

// List pages claims, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Claim, error) {
	q := s.db.Read(ctx)
	for _, c := range []struct {
		column string
		value  id.ID
	}{{"brand_id", f.BrandID}, {"campaign_id", f.CampaignID}, {"member_id", f.MemberID}} {
		if c.value != 0 {
			q = q.Where(c.column+" = ?", c.value)
		}
	}
	out := []Claim{}
	err := db.Page(q, "claim", f.Before, f.Limit).Find(&out).Error
	return out, err
}

// OfMember pages one member's claims, newest first.
func (s *Store) OfMember(ctx context.Context, memberID, before id.ID, limit int) ([]Claim, error) {
	return s.List(ctx, Filter{MemberID: memberID, Before: before, Limit: limit})
}
