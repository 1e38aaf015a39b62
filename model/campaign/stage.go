package campaign

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

// Stages: what people are told of a campaign, by its state, its approval and the time.
const (
	StageDraft     = "draft"     // 草稿
	StagePending   = "pending"   // 待审批
	StageScheduled = "scheduled" // 已排期: published, not begun
	StageRunning   = "running"   // 运行中
	StagePaused    = "paused"    // 已暂停
	StageEnded     = "ended"     // 已结束
	StageArchived  = "archived"  // 已归档
)

// StageName is a stage for people.
func StageName(stage string) string {
	return map[string]string{StageDraft: "草稿", StagePending: "待审批", StageScheduled: "已排期", StageRunning: "运行中", StagePaused: "已暂停",
		StageEnded: "已结束", StageArchived: "已归档"}[stage]
}

func (c Campaign) stage(now clock.Instant) string {
	switch {
	case c.ArchivedAt != 0:
		return StageArchived
	case c.State == Draft && c.Approval == Submitted:
		return StagePending
	case c.State == Draft:
		return StageDraft
	case c.State == Ended || now >= c.UntilAt:
		return StageEnded
	case c.State == Paused:
		return StagePaused
	case now < c.FromAt:
		return StageScheduled
	}
	return StageRunning
}

// Filter chooses campaigns of one brand (BrandID 0 = all).
type Filter struct {
	BrandID   id.ID
	Stage     string // "" = all but the archived ones
	ProductID id.ID
	From      clock.Instant // run at or after; 0 = whenever
	Until     clock.Instant // run before
	Q         string        // part of the name, or the number
}

func (s *Store) where(q *gorm.DB, f Filter) (*gorm.DB, error) {
	now := s.db.Now()
	if f.BrandID != 0 {
		q = q.Where("brand_id = ?", f.BrandID)
	}
	switch f.Stage {
	case "":
		q = q.Where("archived_at = 0")
	case StageArchived:
		q = q.Where("archived_at > 0")
	case StageDraft:
		q = q.Where("archived_at = 0 AND state = ? AND approval <> ?", Draft, Submitted)
	case StagePending:
		q = q.Where("archived_at = 0 AND state = ? AND approval = ?", Draft, Submitted)
	case StageScheduled:
		q = q.Where("archived_at = 0 AND state = ? AND from_at > ? AND until_at > ?", Published, now, now)
	case StageRunning:
		q = q.Where("archived_at = 0 AND state = ? AND from_at <= ? AND until_at > ?", Published, now, now)
	case StagePaused:
		q = q.Where("archived_at = 0 AND state = ? AND until_at > ?", Paused, now)
	case StageEnded:
		q = q.Where("archived_at = 0 AND state <> ? AND (state = ? OR until_at <= ?)", Draft, Ended, now)
	default:
		return nil, fault.NewInvalid("bad_field", "没有这种活动状态").With("field", "stage")
	}
	if f.ProductID != 0 {
		q = q.Where("id IN (SELECT campaign_scope.campaign_id FROM batch JOIN campaign_scope ON campaign_scope.batch_id = batch.id WHERE batch.product_id = ?)", f.ProductID)
	}
	if f.From != 0 {
		q = q.Where("until_at >= ?", f.From)
	}
	if f.Until != 0 {
		q = q.Where("from_at < ?", f.Until)
	}
	if text := strings.TrimSpace(f.Q); text != "" {
		if utf8.RuneCountInString(text) > 64 || !utf8.ValidString(text) {
			return nil, fault.NewInvalid("bad_field", "搜索的文字最多 64 个字").With("field", "q")
		}
		like := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
		number, err := id.Parse(text)
		if err != nil {
			number = 0
		}
		q = q.Where("(name LIKE ? ESCAPE '!' OR id = ?)", like, number)
	}
	return q, nil
}

// List pages a brand's campaigns (brandID 0 = all), newest first, without parts.
func (s *Store) List(ctx context.Context, brandID, before id.ID, limit int) ([]Campaign, error) {
	return s.Find(ctx, Filter{BrandID: brandID}, before, limit)
}

// Find pages campaigns, newest first, without parts. Faults: Invalid.
func (s *Store) Find(ctx context.Context, f Filter, before id.ID, limit int) ([]Campaign, error) {
	q, err := s.where(s.db.Read(ctx), f)
	if err != nil {
		return nil, err
	}
	out := []Campaign{}
	if err := db.Page(q, "campaign", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("campaign: list: %w", err)
	}
	now := s.db.Now()
	for i := range out {
		out[i].Stage = out[i].stage(now)
		out[i].Tiers, out[i].Scopes = []Tier{}, []Scope{} // not read, and no null
	}
	return out, nil
}

// Count counts them, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, f Filter) (n int, more bool, err error) {
	q, err := s.where(s.db.Read(ctx).Model(&Campaign{}), f)
	if err != nil {
		return 0, false, err
	}
	return db.Total(q)
}

// Copy makes a draft of a campaign: everything but its dates. Faults: NotFound.
func (s *Store) Copy(ctx context.Context, campaignID, by id.ID) (Campaign, error) {
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return Campaign{}, err
	}
	c = uncomplete(c)
	name := []rune(c.Name)
	f := Form{BrandID: c.BrandID, Name: string(name[:min(len(name), 60)]) + " 副本", Organiser: c.Organiser, Rules: c.Rules, Wishing: c.Wishing, AccountID: c.AccountID,
		CapMemberDay: c.CapMemberDay, CapMember: c.CapMember, CapTotal: c.CapTotal, MinLevel: c.MinLevel, Tiers: c.Tiers, Scopes: c.Scopes, EditedBy: by}
	return s.create(ctx, f, c.ID)
}

// uncomplete takes away the tier of those who win nothing, which publishing adds.
func uncomplete(c Campaign) Campaign {
	if n := len(c.Tiers); c.State != Draft && n > 1 && c.Tiers[n-1].Kind == Nothing && c.Tiers[n-1].Name == restName {
		c.Tiers = c.Tiers[:n-1]
	}
	return c
}

// Archive puts an ended campaign or a draft out of the way, or back. A draft that waits for
// approval is withdrawn first. Doing it twice is doing it once. Faults: Conflict
// campaign_state.
func (s *Store) Archive(ctx context.Context, campaignID id.ID, away bool) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var err error
		if c, err = s.get(tx, campaignID); err != nil || (c.ArchivedAt != 0) == away {
			return err
		}
		at := clock.Instant(0)
		if away {
			at = s.db.Now()
			if c.State != Ended && c.State != Draft {
				return stateFault(c, "归档，请先结束活动")
			}
		}
		r := tx.Model(&Campaign{}).Where("id = ? AND state = ? AND version = ?", c.ID, c.State, c.Version).Updates(map[string]any{
			"archived_at": at, "approval": "", "version": c.Version + 1})
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errChanged
		}
		c.ArchivedAt, c.Approval, c.Version = at, "", c.Version+1
		return closeApprovals(tx, c.ID, Stale)
	})
	c.Stage = c.stage(s.db.Now())
	return c, err
}

// Cancel takes a published campaign back before it begins (取消排期): a draft again, its
// budget free, its seed forgotten; the next publication draws another. The approval goes
// too. Cancelling twice is one. Faults: Conflict campaign_begun, campaign_state.
func (s *Store) Cancel(ctx context.Context, campaignID id.ID) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := s.db.VersionTx(ctx, tx, cacheName); err != nil { // publishers wait here
			return err
		}
		var err error
		if c, err = s.get(tx, campaignID); err != nil {
			return err
		}
		now := s.db.Now()
		switch {
		case c.State == Draft && c.Cancels > 0:
			return nil
		case c.State != Published && c.State != Paused:
			return stateFault(c, "取消排期")
		case now >= c.FromAt || c.Claimed > 0:
			return fault.New(fault.Conflict, "campaign_begun", "活动已经开始，不能取消排期；可以暂停或结束")
		}
		spend, rest := c.SpendFen, uncomplete(c).Tiers
		r := tx.Model(&campaignRow{}).Where("id = ? AND state IN (?, ?) AND claimed = 0 AND from_at > ? AND version = ?", c.ID, Published, Paused, now, c.Version).
			Updates(map[string]any{"state": Draft, "spend_fen": 0, "spend_points": 0, "codes": 0, "level_name": "", "terms": "", "seed_hash": "", "seed": []byte{}, "published_at": 0,
				"approval": "", "cancels": c.Cancels + 1, "version": c.Version + 1})
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errChanged
		}
		if err := closeApprovals(tx, c.ID, Stale); err != nil {
			return err
		}
		c.State, c.Tiers = Draft, rest
		c.link()
		if err := writeParts(tx, c); err != nil {
			return err
		}
		if c, err = s.get(tx, campaignID); err != nil || spend == 0 {
			return err
		}
		return s.freeTx(ctx, tx, c, spend)
	})
	if err != nil {
		return Campaign{}, err
	}
	return c, s.Refresh(ctx)
}

func (s *Store) freeTx(ctx context.Context, tx *gorm.DB, c Campaign, spend money.Fen) error {
	return s.ledger.PostTx(ctx, tx, ledger.Entry{Key: fmt.Sprintf("campaign:%d:cancel:%d", c.ID, c.Cancels), Unit: ledger.Fen,
		Debit: ledger.Account{Kind: ledger.Reserved, Owner: c.ID}, Credit: ledger.Account{Kind: ledger.Funds, Owner: c.BrandID},
		Amount: int64(spend), Memo: "取消排期，预算释放"})
}
