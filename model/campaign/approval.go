package campaign

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Standings of a draft with its second person (审批), and states of an asking.
const (
	Submitted = "submitted" // 待审批
	Approved  = "approved"  // 已批准
	Refused   = "refused"   // 已退回
	Withdrawn = "withdrawn" // 已撤回: the submitter took it back
	Stale     = "stale"     // 已失效: edited, or taken back, afterwards
)

// Approval is one asking for approval.
type Approval struct {
	ID          id.ID         `json:"id"`
	CampaignID  id.ID         `json:"campaign_id"`
	BrandID     id.ID         `json:"brand_id"`
	State       string        `json:"state"`
	Approved    bool          `json:"approved"` // also when it is stale now
	Hash        string        `json:"hash"`     // SHA-256 of what was frozen
	Content     []byte        `json:"-"`
	SpendFen    money.Fen     `json:"spend_fen"`
	EditedBy    id.ID         `json:"edited_by"`
	SubmittedBy id.ID         `json:"submitted_by"`
	Note        string        `json:"note"`
	DecidedBy   id.ID         `json:"decided_by"`
	Reason      string        `json:"reason"`
	CreatedAt   clock.Instant `json:"created_at"`
	DecidedAt   clock.Instant `json:"decided_at"`
	// What of the frozen content is told with it; reading fills it.
	CampaignName string `json:"campaign_name" gorm:"-"`
	SpendPoints  int64  `json:"spend_points" gorm:"-"` // may be given if every code is claimed
}

// TableName names the table for GORM.
func (Approval) TableName() string { return "campaign_approval" }

// Request asks for approval or takes the asking back.
type Request struct {
	By      id.ID
	Note    string // for the second person
	Version int64  // of the draft that was looked at; 0 = whichever is there
}

// Submit freezes a draft and asks a second person. Only what could be published at once
// can be asked for. Submitting the same content again answers the asking that is open.
// Faults: Invalid campaign_problems; Conflict campaign_state, campaign_changed.
func (s *Store) Submit(ctx context.Context, campaignID id.ID, r Request) (Campaign, error) {
	if r.Note = strings.TrimSpace(r.Note); utf8.RuneCountInString(r.Note) > 200 {
		return Campaign{}, fault.NewInvalid("note", "说明最多 200 个字").With("field", "note")
	}
	return s.draftTx(ctx, campaignID, "提交审批", func(tx *gorm.DB, c *Campaign) error {
		frozen := freeze(*c)
		if c.Approval == Submitted || c.Approval == Approved {
			return nil // edits take it away, so it is of this content
		}
		if r.Version != 0 && r.Version != c.Version {
			return errChanged
		}
		full := *c
		account, err := s.payAccount(ctx, full)
		if err != nil {
			return err
		}
		p, err := s.preview(ctx, tx, &full, account)
		if err != nil {
			return err
		}
		if len(p.Problems) > 0 {
			return fault.NewInvalid("campaign_problems", "还不能提交:"+p.Problems[0].Text).With("problems", p.Problems)
		}
		content, hash, err := frozen.seal()
		if err != nil {
			return err
		}
		before, err := latest(tx, c.ID)
		if err != nil {
			return err
		}
		a := Approval{ID: s.db.NewID(), CampaignID: c.ID, BrandID: c.BrandID, State: Submitted, Hash: hash, Content: content, SpendFen: p.SpendFen,
			EditedBy: c.EditedBy, SubmittedBy: r.By, Note: r.Note,
			CreatedAt: max(s.db.Now(), before.CreatedAt+1)} // they follow one another, and ids of shards do not
		c.Approval = Submitted
		return tx.Create(&a).Error
	})
}

// Withdraw takes an open asking, or an approval that was not used, back. Withdrawing twice
// is one withdrawal.
func (s *Store) Withdraw(ctx context.Context, campaignID id.ID) (Campaign, error) {
	return s.draftTx(ctx, campaignID, "撤回", func(tx *gorm.DB, c *Campaign) error {
		c.Approval = ""
		return closeApprovals(tx, c.ID, Withdrawn)
	})
}

// Decision is what the second person says. Hash is what he was shown.
type Decision struct {
	Approve bool
	By      id.ID
	Hash    string
	Reason  string // needed for a refusal
}

// Decide approves or refuses what was submitted. Faults: Forbidden own_work for the
// submitter and who edited last; Conflict approval_changed when it is not what he was
// shown, approval_state when nothing waits; Invalid reason.
func (s *Store) Decide(ctx context.Context, campaignID id.ID, d Decision) (Campaign, error) {
	d.Reason = strings.TrimSpace(d.Reason)
	switch {
	case utf8.RuneCountInString(d.Reason) > 200:
		return Campaign{}, fault.NewInvalid("reason", "理由最多 200 个字").With("field", "reason")
	case !d.Approve && d.Reason == "":
		return Campaign{}, fault.NewInvalid("reason", "请写明退回的理由，提交人要知道改什么").With("field", "reason")
	}
	return s.draftTx(ctx, campaignID, "审批", func(tx *gorm.DB, c *Campaign) error {
		a, err := latest(tx, campaignID)
		if err != nil {
			return err
		}
		_, now, err := freeze(*c).seal()
		if err != nil {
			return err
		}
		to := map[bool]string{true: Approved, false: Refused}[d.Approve]
		switch {
		case a.State == to && a.DecidedBy == d.By && a.Hash == d.Hash:
			return nil // said again
		case a.State != Submitted || c.Approval != Submitted:
			return fault.New(fault.Conflict, "approval_state", "这个活动现在没有待审批的申请，可能已被处理或撤回，请刷新")
		case a.Hash != d.Hash || a.Hash != now:
			return fault.New(fault.Conflict, "approval_changed", "活动内容与您看到的不同，请刷新后重新查看")
		case d.By == a.SubmittedBy || d.By == a.EditedBy:
			return fault.New(fault.Forbidden, "own_work", "提交人和最后修改的人不能审批自己的活动，请另一位有审批权限的同事处理")
		}
		r := tx.Model(&Approval{}).Where("id = ? AND state = ?", a.ID, Submitted).Updates(map[string]any{
			"state": to, "approved": d.Approve, "decided_by": d.By, "reason": d.Reason, "decided_at": s.db.Now()})
		if r.Error == nil && r.RowsAffected != 1 {
			return fault.New(fault.Conflict, "approval_state", "这个申请刚刚被处理，请刷新")
		}
		c.Approval = to
		return r.Error
	})
}

// draftTx changes a draft's standing, guarded by its version: who edits or decides in the
// same moment is told so.
func (s *Store) draftTx(ctx context.Context, campaignID id.ID, verb string, change func(tx *gorm.DB, c *Campaign) error) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var err error
		if c, err = s.get(tx, campaignID); err != nil {
			return err
		}
		if c.State != Draft || c.ArchivedAt != 0 {
			return stateFault(c, verb)
		}
		was := c.Approval
		if err := change(tx, &c); err != nil || c.Approval == was {
			return err
		}
		r := tx.Model(&Campaign{}).Where("id = ? AND state = ? AND version = ?", c.ID, Draft, c.Version).Updates(map[string]any{"approval": c.Approval, "version": c.Version + 1})
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected != 1 {
			return errChanged
		}
		c.Version++
		return nil
	})
	c.Stage = c.stage(s.db.Now())
	return c, err
}

var errChanged = fault.New(fault.Conflict, "campaign_changed", "活动草稿刚刚被修改，请刷新后重试")

// closeApprovals ends what is open or approved.
func closeApprovals(tx *gorm.DB, campaignID id.ID, state string) error {
	return tx.Model(&Approval{}).Where("campaign_id = ? AND state IN (?, ?)", campaignID, Submitted, Approved).Update("state", state).Error
}

// latest is the newest asking; the zero one when there is none.
func latest(q *gorm.DB, campaignID id.ID) (Approval, error) {
	var a Approval
	err := q.Where("campaign_id = ?", campaignID).Order("created_at DESC, id DESC").Limit(1).Find(&a).Error
	if err != nil {
		return a, fmt.Errorf("campaign: approval: %w", err)
	}
	return a, nil
}
