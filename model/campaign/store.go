package campaign

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/seal"
)

// Accounts is what campaigns ask of brands.
type Accounts interface {
	Account(ctx context.Context, accountID id.ID) (brand.Account, error)
}

// Store reads and writes campaigns and keeps the live ones in memory.
type Store struct {
	db       *db.DB
	box      *seal.Box
	ledger   *ledger.Ledger
	accounts Accounts
	levels   Levels // nil: no brand has levels
	codes    States // nil: the check says nothing of codes
	balances Balances
	live     atomic.Pointer[snapshot]
	reloads  *db.Merger[reload]
}

// New makes a store; call Refresh before the first For.
func New(d *db.DB, box *seal.Box, l *ledger.Ledger, accounts Accounts) *Store {
	s := &Store{db: d, box: box, ledger: l, accounts: accounts}
	s.live.Store(&snapshot{version: -1})
	s.reloads = db.NewMerger(d, s.reloadFor)
	return s
}

// Create saves a draft. Faults: Invalid.
func (s *Store) Create(ctx context.Context, f Form) (Campaign, error) {
	return s.create(ctx, f, 0)
}

func (s *Store) create(ctx context.Context, f Form, copied id.ID) (Campaign, error) {
	c, err := s.fromForm(ctx, f)
	if err != nil {
		return Campaign{}, err
	}
	c.ID, c.State, c.CreatedAt, c.CopiedFrom, c.Version = s.db.NewID(), Draft, s.db.Now(), copied, 1
	c.link()
	c.Stage = c.stage(c.CreatedAt)
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		row := c
		if err := tx.Select("*").Omit("Tiers", "Scopes").Create(&campaignRow{Campaign: row, Seed: []byte{}}).Error; err != nil {
			return err
		}
		return writeParts(tx, c)
	})
	if err != nil {
		return Campaign{}, fmt.Errorf("campaign: create: %w", err)
	}
	return c, nil
}

// campaignRow adds the sealed seed, which no exported struct carries.
type campaignRow struct {
	Campaign
	Seed []byte
}

func (campaignRow) TableName() string { return "campaign" }

// Update changes a draft. A change takes an open asking for approval, or an approval, back;
// saving the same again does not. Who changes an older version than the one that is there
// is refused: he would undo what a colleague wrote, unseen. Faults: Invalid, NotFound,
// Conflict campaign_state, campaign_changed.
func (s *Store) Update(ctx context.Context, campaignID id.ID, f Form) (Campaign, error) {
	old, err := s.Get(ctx, campaignID)
	if err != nil {
		return Campaign{}, err
	}
	if f.BrandID == 0 {
		f.BrandID = old.BrandID
	}
	if f.BrandID != old.BrandID {
		return Campaign{}, fault.NewInvalid("brand_id", "活动不能换品牌")
	}
	c, err := s.fromForm(ctx, f)
	if err != nil {
		return Campaign{}, err
	}
	c.ID, c.State, c.CreatedAt, c.Version = old.ID, Draft, old.CreatedAt, old.Version+1
	c.Approval, c.CopiedFrom, c.Cancels = old.Approval, old.CopiedFrom, old.Cancels
	c.link()
	_, was, err := freeze(old).seal()
	if err != nil {
		return Campaign{}, err
	}
	_, is, err := freeze(c).seal()
	if err != nil {
		return Campaign{}, err
	}
	switch {
	case was == is: // also whoever says the same as his colleague
		c.EditedBy = old.EditedBy
	case f.Version != 0 && f.Version != old.Version && old.State == Draft && old.ArchivedAt == 0:
		return Campaign{}, errChanged
	default:
		c.Approval = ""
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Campaign{}).Where("id = ? AND state = ? AND version = ? AND archived_at = 0", campaignID, Draft, old.Version).Updates(map[string]any{
			"approval": c.Approval, "edited_by": c.EditedBy, "name": c.Name, "from_at": c.FromAt, "until_at": c.UntilAt, "organiser": c.Organiser, "rules": c.Rules, "wishing": c.Wishing,
			"account_id": c.AccountID, "cap_member_day": c.CapMemberDay, "cap_member": c.CapMember, "cap_total": c.CapTotal,
			"min_level": c.MinLevel, "version": c.Version})
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 0 {
			if old.State == Draft && old.ArchivedAt == 0 {
				return errChanged
			}
			return stateFault(old, "修改；已发布的活动只能暂停或结束")
		}
		if old.Approval != c.Approval {
			if err := closeApprovals(tx, c.ID, Stale); err != nil {
				return err
			}
		}
		return writeParts(tx, c)
	})
	if err != nil {
		return Campaign{}, err
	}
	c.Stage = c.stage(s.db.Now())
	return c, nil
}

func (s *Store) fromForm(ctx context.Context, f Form) (Campaign, error) {
	if len(f.Requires) > 0 {
		return Campaign{}, fault.NewInvalid("requires", "奖励不能以"+strings.Join(f.Requires, "、")+"为条件：微信禁止诱导关注和分享，会封禁域名和账号")
	}
	if err := f.shape(); err != nil {
		return Campaign{}, err
	}
	if f.BrandID == 0 {
		return Campaign{}, fault.NewInvalid("brand_id", "请选择品牌")
	}
	c := Campaign{BrandID: f.BrandID, Name: f.Name, FromAt: f.FromAt, UntilAt: f.UntilAt, Organiser: f.Organiser, Rules: f.Rules,
		Wishing: f.Wishing, AccountID: f.AccountID, CapMemberDay: f.CapMemberDay, CapMember: f.CapMember, CapTotal: f.CapTotal,
		MinLevel: f.MinLevel, Tiers: f.Tiers, EditedBy: f.EditedBy}
	if f.AccountID != 0 {
		a, err := s.accounts.Account(ctx, f.AccountID)
		if err != nil {
			return Campaign{}, err
		}
		if a.Kind != brand.Merchant || a.BrandID != f.BrandID {
			return Campaign{}, fault.NewInvalid("account_id", "请选择本品牌的商户号")
		}
	}
	scopes, err := s.resolve(ctx, f.BrandID, f.Scopes)
	c.Scopes = scopes
	return c, err
}

// resolve turns products into their batches and clips serials. It reads code's table
// batch, which never changes once written.
func (s *Store) resolve(ctx context.Context, brandID id.ID, in []Scope) ([]Scope, error) {
	type batch struct {
		ID        id.ID
		BrandID   id.ID
		ProductID id.ID
		Count     int64
	}
	out := []Scope{}
	for i, sc := range in {
		var found []batch
		q := s.db.Read(ctx).Table("batch").Select("id, brand_id, product_id, count").Order("created_at, id")
		if sc.ProductID != 0 {
			q = q.Where("product_id = ?", sc.ProductID)
		} else {
			q = q.Where("id = ?", sc.BatchID)
		}
		if err := q.Find(&found).Error; err != nil {
			return nil, fmt.Errorf("campaign: scopes: %w", err)
		}
		if len(found) == 0 {
			return nil, fault.Invalidf("scopes", "第 %d 段参与范围没有码批次", i+1)
		}
		for _, b := range found {
			if b.BrandID != brandID {
				return nil, fault.Invalidf("scopes", "第 %d 段参与范围不属于本品牌", i+1)
			}
			one := Scope{BatchID: b.ID, FromSerial: sc.FromSerial, UntilSerial: sc.UntilSerial}
			if one.FromSerial == 0 { // serials begin with 1
				one.FromSerial = 1
			}
			if one.UntilSerial == 0 {
				one.UntilSerial = b.Count + 1
			}
			if one.UntilSerial > b.Count+1 || one.FromSerial >= one.UntilSerial {
				return nil, fault.Invalidf("scopes", "第 %d 段参与范围超出批次的 %d 个码", i+1, b.Count)
			}
			out = append(out, one)
		}
	}
	for i, a := range out {
		for _, b := range out[i+1:] {
			if a.BatchID == b.BatchID && a.FromSerial < b.UntilSerial && b.FromSerial < a.UntilSerial {
				return nil, fault.NewInvalid("scopes", "参与范围有重叠，同一个码只能算一次")
			}
		}
	}
	return out, nil
}

// link numbers the parts and lays out ranks and draws.
func (c *Campaign) link() {
	var rank, draw int64
	for i := range c.Tiers {
		t := &c.Tiers[i]
		t.CampaignID, t.Tier, t.RankFrom = c.ID, i+1, rank
		if t.Kind == Cash && t.TotalFen == 0 && t.MinFen == t.MaxFen { // fixed amount: the total is no choice
			t.TotalFen, _ = t.MinFen.Mul(t.Winners)
		}
		rank += t.Winners
	}
	for i := range c.Scopes {
		s := &c.Scopes[i]
		s.CampaignID, s.Seq, s.DrawFrom = c.ID, i+1, draw
		draw += s.UntilSerial - s.FromSerial
	}
	c.Codes = draw
}

func writeParts(tx *gorm.DB, c Campaign) error {
	if err := tx.Where("campaign_id = ?", c.ID).Delete(&Tier{}).Error; err != nil {
		return err
	}
	if err := tx.Where("campaign_id = ?", c.ID).Delete(&Scope{}).Error; err != nil {
		return err
	}
	if len(c.Tiers) > 0 {
		if err := tx.Create(&c.Tiers).Error; err != nil {
			return err
		}
	}
	if len(c.Scopes) > 0 {
		return tx.CreateInBatches(&c.Scopes, 200).Error
	}
	return nil
}

// Get reads one campaign with tiers and scopes.
func (s *Store) Get(ctx context.Context, campaignID id.ID) (Campaign, error) {
	return s.get(s.db.Read(ctx), campaignID)
}

func (s *Store) get(q *gorm.DB, campaignID id.ID) (Campaign, error) {
	var c Campaign
	err := q.Where("id = ?", campaignID).Take(&c).Error
	if db.IsNotFound(err) {
		return c, errNotFound
	}
	if err != nil {
		return c, fmt.Errorf("campaign: %w", err)
	}
	c.Tiers, c.Scopes = []Tier{}, []Scope{}
	if err := q.Where("campaign_id = ?", campaignID).Order("tier").Find(&c.Tiers).Error; err != nil {
		return c, fmt.Errorf("campaign: tiers: %w", err)
	}
	if err := q.Where("campaign_id = ?", campaignID).Order("seq").Find(&c.Scopes).Error; err != nil {
		return c, fmt.Errorf("campaign: scopes: %w", err)
	}
	if c.State == Draft { // counters of a draft follow its scopes
		c.link()
	}
	c.Stage = c.stage(s.db.Now())
	return c, nil
}
