package campaign

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/campaign/draw"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

const cacheName = "campaign"

// Preview says exactly what publishing would do and everything that forbids it. It
// writes nothing.
func (s *Store) Preview(ctx context.Context, campaignID id.ID) (Preview, error) {
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return Preview{}, err
	}
	pay, err := s.payAccount(ctx, c)
	if err != nil {
		return Preview{}, err
	}
	return s.preview(ctx, s.db.Read(ctx), &c, pay)
}

// payAccount is the zero account when none is chosen.
func (s *Store) payAccount(ctx context.Context, c Campaign) (brand.Account, error) {
	if c.AccountID == 0 {
		return brand.Account{}, nil
	}
	return s.accounts.Account(ctx, c.AccountID)
}

// preview completes c as publishing would.
func (s *Store) preview(ctx context.Context, q *gorm.DB, c *Campaign, pay brand.Account) (Preview, error) {
	complete(c)
	level, err := s.nameLevel(ctx, c)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Codes: c.Codes, Odds: oddsLines(c.Tiers, c.Codes), Who: audience(c.LevelName), Problems: append(problems(*c, c.Codes, pay), level...)}
	for _, t := range c.Tiers {
		sum, ok := p.SpendFen.Add(t.TotalFen)
		if !ok {
			p.Problems = append(p.Problems, Problem{Code: "spend", Field: "tiers", Text: "奖金总额超出系统上限"})
			break
		}
		p.SpendFen = sum
		p.Points += t.Points * t.Winners
	}
	overlaps, err := overlapping(q, *c)
	if err != nil {
		return p, err
	}
	for _, name := range overlaps {
		p.Problems = append(p.Problems, Problem{Code: "overlap", Field: "scopes", Text: "与活动“" + name + "”的码和时间重叠，同一个码同一时间只能参加一个活动"})
	}
	for _, sc := range c.Scopes {
		var n int64
		// Whether it is one or very many is what matters: a batch may hold millions.
		if err := q.Raw("SELECT COUNT(*) FROM (SELECT 1 FROM claim WHERE batch_id = ? AND serial >= ? AND serial < ? LIMIT ?) AS before_it", sc.BatchID, sc.FromSerial, sc.UntilSerial, manyClaims).Scan(&n).Error; err != nil {
			return p, fmt.Errorf("campaign: preview: %w", err)
		}
		p.Claimed += n
	}
	return p, nil
}

func (p Preview) worst() Worst { return Worst{p.SpendFen, p.Points} }

// manyClaims is where counting the claims before a campaign stops, for each part of its scope.
const manyClaims = 50_000

// restName is the tier of those who win nothing.
const restName = "谢谢参与"

// complete adds the tier of those who win nothing, so that the odds add up to one.
func complete(c *Campaign) {
	var winners int64
	for _, t := range c.Tiers {
		winners += t.Winners
	}
	if len(c.Tiers) > 0 && winners < c.Codes {
		c.Tiers = append(c.Tiers[:len(c.Tiers):len(c.Tiers)], Tier{Name: restName, Kind: Nothing, Text: "谢谢参与，欢迎再来", Winners: c.Codes - winners})
		c.link()
	}
}

// overlapping names live campaigns that share a code at the same time.
func overlapping(q *gorm.DB, c Campaign) ([]string, error) {
	var names []string
	for _, sc := range c.Scopes {
		var found []string
		err := q.Raw(`SELECT DISTINCT campaign.name FROM campaign_scope JOIN campaign ON campaign.id = campaign_scope.campaign_id
			WHERE campaign_scope.batch_id = ? AND campaign_scope.from_serial < ? AND campaign_scope.until_serial > ?
			AND campaign.id <> ? AND campaign.state IN (?, ?) AND campaign.from_at < ? AND campaign.until_at > ?`,
			sc.BatchID, sc.UntilSerial, sc.FromSerial, c.ID, Published, Paused, c.UntilAt, c.FromAt).Scan(&found).Error
		if err != nil {
			return nil, fmt.Errorf("campaign: overlap: %w", err)
		}
		for _, n := range found {
			if !strings.Contains("\x00"+strings.Join(names, "\x00")+"\x00", "\x00"+n+"\x00") {
				names = append(names, n)
			}
		}
	}
	return names, nil
}

func shape(tiers []Tier) []draw.Tier {
	out := make([]draw.Tier, len(tiers))
	for i, t := range tiers {
		out[i] = draw.Tier{Winners: uint64(t.Winners), Min: int64(t.MinFen), Max: int64(t.MaxFen), Total: int64(t.TotalFen)}
	}
	return out
}

// Publish seals the prizes and reserves the exact spend in one transaction. expect is
// the spend the operator was shown; another one is refused, so that nobody publishes
// what he did not see. Publishing again answers the published campaign. Faults:
// Invalid campaign_problems (Detail problems), Conflict campaign_state, campaign_changed,
// spend_changed, approval_needed.
func (s *Store) Publish(ctx context.Context, campaignID id.ID, expect money.Fen) (Campaign, error) {
	return s.PublishBy(ctx, campaignID, Shown{SpendFen: expect}, 0)
}

// Shown is what an operator saw when he published.
type Shown struct {
	SpendFen money.Fen
	Version  int64 // of the draft; 0 = whichever is there
}

// PublishBy is Publish by an operator: what he published by himself within a day counts
// towards the limit of approval. 0 is a program. The sum may be what he was shown and the
// rules or the window another: then the version tells.
func (s *Store) PublishBy(ctx context.Context, campaignID id.ID, shown Shown, by id.ID) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		// First: every publisher waits here, so two cannot publish overlapping codes.
		if err := s.db.VersionTx(ctx, tx, cacheName); err != nil {
			return err
		}
		var err error
		if c, err = s.get(tx, campaignID); err != nil {
			return err
		}
		if c.State == Published && c.SpendFen == shown.SpendFen {
			return nil
		}
		if c.State != Draft || c.ArchivedAt != 0 {
			return stateFault(c, "发布")
		}
		if shown.Version != 0 && shown.Version != c.Version {
			return errChanged
		}
		return s.publishTx(ctx, tx, &c, shown.SpendFen, by)
	})
	if err != nil {
		return Campaign{}, err
	}
	c.Stage = c.stage(s.db.Now())
	return c, s.Refresh(ctx)
}

func (s *Store) publishTx(ctx context.Context, tx *gorm.DB, c *Campaign, expect money.Fen, by id.ID) error {
	asWritten := *c // without what publishing adds: this is what was approved
	pay, err := s.payAccount(ctx, *c)
	if err != nil {
		return err
	}
	p, err := s.preview(ctx, tx, c, pay)
	if err != nil {
		return err
	}
	if c.UntilAt <= s.db.Now() {
		p.Problems = append(p.Problems, Problem{Code: "window", Field: "until_at", Text: "结束时间已过"})
	}
	if len(p.Problems) > 0 {
		return fault.NewInvalid("campaign_problems", "还不能发布:"+p.Problems[0].Text).With("problems", p.Problems)
	}
	if p.SpendFen != expect {
		return fault.New(fault.Conflict, "spend_changed", "最大花费是 "+p.SpendFen.Text()+"，与您确认的 "+expect.Text()+" 不同，请重新查看").With("spend_fen", p.SpendFen)
	}
	if err := s.approvedTx(tx, asWritten, p.worst(), by); err != nil {
		return err
	}
	seed := make([]byte, draw.SeedBytes)
	rand.Read(seed)
	if _, err := draw.New(seed, uint64(c.Codes), shape(c.Tiers)); err != nil {
		return fmt.Errorf("campaign: publish %d: %w", c.ID, err)
	}
	seen := c.Version
	c.State, c.SpendFen, c.SpendPoints, c.PublishedAt, c.Version = Published, p.SpendFen, p.Points, s.db.Now(), seen+1
	c.Terms = terms(*c)
	c.SeedHash = draw.Commit(seed, c.Terms)
	// The version too: a draft that is edited between the reading above and this line
	// must not be published with a window, a payer or caps that nobody checked.
	r := tx.Model(&campaignRow{}).Where("id = ? AND state = ? AND version = ?", c.ID, Draft, seen).Updates(map[string]any{
		"state": c.State, "codes": c.Codes, "spend_fen": c.SpendFen, "spend_points": c.SpendPoints, "level_name": c.LevelName, "terms": c.Terms, "seed_hash": c.SeedHash,
		"seed": s.box.Seal(seedPlace(c.ID), seed), "published_at": c.PublishedAt, "published_by": by, "version": c.Version})
	if r.Error != nil {
		return r.Error
	}
	if r.RowsAffected != 1 {
		return fault.New(fault.Conflict, "campaign_changed", "活动草稿刚刚被修改，请重新预览后再发布")
	}
	if err := writeParts(tx, *c); err != nil {
		return err
	}
	if c.SpendFen == 0 {
		return nil
	}
	return s.ledger.PostTx(ctx, tx, ledger.Entry{Key: reserveKey(*c), Unit: ledger.Fen,
		Debit: ledger.Account{Kind: ledger.Funds, Owner: c.BrandID}, Credit: ledger.Account{Kind: ledger.Reserved, Owner: c.ID},
		Amount: int64(c.SpendFen), Memo: "活动预算冻结"})
}

// reserveKey is one key for each publication: a campaign that was taken back before it
// began may be published again.
func reserveKey(c Campaign) string {
	key := "campaign:" + c.ID.String() + ":reserve"
	if c.Cancels > 0 {
		key += ":" + strconv.Itoa(c.Cancels)
	}
	return key
}

func seedPlace(campaignID id.ID) string { return "campaign:" + campaignID.String() + ":seed" }

// Pause stops claims until Resume. Pausing twice is one pause.
func (s *Store) Pause(ctx context.Context, campaignID id.ID) (Campaign, error) {
	return s.move(ctx, campaignID, Published, Paused, "暂停")
}

// Resume lets claims go on. The time window does not grow.
func (s *Store) Resume(ctx context.Context, campaignID id.ID) (Campaign, error) {
	return s.move(ctx, campaignID, Paused, Published, "恢复")
}

func (s *Store) move(ctx context.Context, campaignID id.ID, from, to, verb string) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Campaign{}).Where("id = ? AND state = ?", campaignID, from).Updates(map[string]any{"state": to, "version": gorm.Expr("version + 1")})
		if r.Error != nil {
			return r.Error
		}
		var err error
		if c, err = s.get(tx, campaignID); err != nil {
			return err
		}
		if r.RowsAffected == 0 && c.State != to {
			return stateFault(c, verb)
		}
		return s.db.VersionTx(ctx, tx, cacheName)
	})
	if err != nil {
		return Campaign{}, err
	}
	return c, s.Refresh(ctx)
}

// End stops a campaign for ever, releases what nobody won and reveals the seed.
// Ending twice is one end.
func (s *Store) End(ctx context.Context, campaignID id.ID) (Campaign, error) {
	var c Campaign
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var row campaignRow
		if err := tx.Where("id = ?", campaignID).Take(&row).Error; db.IsNotFound(err) {
			return errNotFound
		} else if err != nil {
			return err
		}
		if row.State == Draft {
			return stateFault(row.Campaign, "结束")
		}
		if row.State != Ended {
			seed, err := s.box.Open(seedPlace(campaignID), row.Seed)
			if err != nil {
				return fmt.Errorf("campaign: seed of %d: %w", campaignID, err)
			}
			r := tx.Model(&Campaign{}).Where("id = ? AND state IN (?, ?)", campaignID, Published, Paused).Updates(map[string]any{
				"state": Ended, "ended_at": s.db.Now(), "seed_revealed": hex.EncodeToString(seed), "version": gorm.Expr("version + 1")})
			if r.Error != nil {
				return r.Error
			}
			if r.RowsAffected == 1 {
				if err := s.releaseTx(ctx, tx, campaignID); err != nil {
					return err
				}
			}
		}
		var err error
		if c, err = s.get(tx, campaignID); err != nil {
			return err
		}
		return s.db.VersionTx(ctx, tx, cacheName)
	})
	if err != nil {
		return Campaign{}, err
	}
	return c, s.Refresh(ctx)
}

// releaseTx gives back what was reserved and not won. The campaign's row is locked by
// the caller's update, and claims end with an update of the same row, so no claim can
// be half-way here. It reads the row again because the caller read it before the lock.
func (s *Store) releaseTx(ctx context.Context, tx *gorm.DB, campaignID id.ID) error {
	var sums struct {
		BrandID  id.ID
		SpendFen money.Fen
		WonFen   money.Fen
	}
	// A locking read on MySQL sees the latest commit, a plain one the transaction's
	// snapshot. SQLite has one writer and needs neither.
	lock := ""
	if s.db.Driver() == db.MySQL {
		lock = " FOR UPDATE"
	}
	if err := tx.Raw("SELECT brand_id, spend_fen, won_fen FROM campaign WHERE id = ?"+lock, campaignID).Scan(&sums).Error; err != nil {
		return err
	}
	rest := sums.SpendFen - sums.WonFen
	if rest < 0 {
		return errors.New("campaign: won more than was reserved")
	}
	if rest == 0 {
		return nil
	}
	return s.ledger.PostTx(ctx, tx, ledger.Entry{Key: "campaign:" + campaignID.String() + ":end", Unit: ledger.Fen,
		Debit: ledger.Account{Kind: ledger.Reserved, Owner: campaignID}, Credit: ledger.Account{Kind: ledger.Funds, Owner: sums.BrandID},
		Amount: int64(rest), Memo: "活动结束，未中出的预算释放"})
}

// EndDue ends campaigns whose time is over; the scheduler calls it.
func (s *Store) EndDue(ctx context.Context, now clock.Instant) (int, error) {
	var due []id.ID
	if err := s.db.Read(ctx).Model(&Campaign{}).Where("state IN (?, ?) AND until_at <= ?", Published, Paused, now).Limit(100).Pluck("id", &due).Error; err != nil {
		return 0, fmt.Errorf("campaign: due: %w", err)
	}
	n := 0
	var failed []error
	for _, campaignID := range due { // one that cannot end must not keep the others' budgets
		if _, err := s.End(ctx, campaignID); err != nil {
			failed = append(failed, err)
			continue
		}
		n++
	}
	return n, errors.Join(failed...)
}
