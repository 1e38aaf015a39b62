// Package turnout counts what became of a campaign (活动数据): claims by hour, tier and
// province, how many members, and how its payouts ended. A page about a campaign with ten
// million claims must not read them, so they are counted forward in small steps; what came
// since the last step is read from the claims themselves.
//
// It owns the tables campaign_tally and campaign_count, reads claim, payout, scan and
// campaign by SQL, and decides nothing.
//
// Promise: each claim and each ended payout is counted once, whoever counts and however
// often he is killed: a step's counts and how far it came commit together, guarded.
package turnout

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
)

const (
	// lag is how old a row must be before it is counted: the transaction of an older one
	// has ended. A claim's takes well below a second; a pool that is full waits ten.
	lag = 30 * time.Second
	// stepRows is how many rows one step reads: with the place of each that is some ten
	// milliseconds.
	stepRows = 1000
	// stepsEach bounds what one campaign may take of a round, so that others get theirs.
	stepsEach = 100
	// freshRows is a fuse for who reads: a counter that stands still must not take the page
	// with it.
	freshRows = 8_000
	hour      = clock.Instant(3_600_000)
)

// Store counts and reads.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

type row struct {
	CampaignID   id.ID
	ClaimsUntil  clock.Instant
	PayoutsUntil clock.Instant
	Members      []byte
	UpdatedAt    clock.Instant
}

func (row) TableName() string { return "campaign_tally" }

// Round counts every campaign that may have something new. A scheduler calls it every few
// seconds, in several processes at once.
func (s *Store) Round(ctx context.Context) error {
	var list []id.ID
	now := s.db.Now()
	// Payouts end days after their claims: 24 hours to confirm, and the reconciliation.
	err := s.db.Read(ctx).Raw("SELECT id FROM campaign WHERE published_at > 0 AND (state <> 'ended' OR ended_at > ?)", now.Add(-30*24*time.Hour)).Scan(&list).Error
	if err != nil {
		return fmt.Errorf("turnout: %w", err)
	}
	for _, c := range list {
		for range stepsEach {
			more, err := s.step(ctx, c, now.Add(-lag))
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// counts collects what a step found, by kind and slot.
type counts map[[2]string]struct{ n, fen int64 }

func (c counts) add(kind, slot string, n, fen int64) {
	k := [2]string{kind, slot}
	x := c[k]
	x.n, x.fen = x.n+n, x.fen+fen
	c[k] = x
}

type claimed struct {
	CreatedAt clock.Instant
	MemberID  id.ID
	Tier      int
	CashFen   int64
	Province  string
}

func hourSlot(at clock.Instant) string { return strconv.FormatInt(int64(at/hour), 10) }

func (c counts) claim(x claimed) {
	c.add("hour", hourSlot(x.CreatedAt), 1, x.CashFen)
	c.add("tier", strconv.Itoa(x.Tier), 1, x.CashFen)
	c.add("region", x.Province, 1, x.CashFen)
}

// step counts one stretch of a campaign's claims and payouts before horizon. more says that
// there may be others.
func (s *Store) step(ctx context.Context, campaignID id.ID, horizon clock.Instant) (more bool, err error) {
	old, err := s.row(ctx, campaignID)
	if err != nil {
		return false, err
	}
	next, found := old, counts{}
	next.Members = append([]byte{}, old.Members...)
	var claims []claimed
	// The place of a claim is that of its member's scan, which the same transaction stored.
	err = s.db.Read(ctx).Raw(`SELECT created_at, member_id, tier, cash_fen, COALESCE((SELECT scan.province FROM scan
			WHERE scan.batch_id = claim.batch_id AND scan.serial = claim.serial AND scan.member_id = claim.member_id ORDER BY scan.at DESC LIMIT 1), '') AS province
		FROM claim WHERE `+s.only()+` AND created_at >= ? AND created_at < ? ORDER BY campaign_id, created_at LIMIT ?`, campaignID, campaignID, old.ClaimsUntil, horizon, stepRows).Scan(&claims).Error
	if err != nil {
		return false, fmt.Errorf("turnout: claims: %w", err)
	}
	n, until := stretch(len(claims), horizon, func(i int) clock.Instant { return claims[i].CreatedAt })
	for _, c := range claims[:n] {
		found.claim(c)
		sketch(next.Members).add(c.MemberID)
	}
	next.ClaimsUntil = max(old.ClaimsUntil, until)
	var ended []struct {
		FinishedAt clock.Instant
		State      string
		AmountFen  int64
	}
	err = s.db.Read(ctx).Raw(`SELECT finished_at, state, amount_fen FROM payout WHERE `+s.only()+` AND finished_at >= ? AND finished_at < ?
		ORDER BY campaign_id, finished_at LIMIT ?`, campaignID, campaignID, max(1, old.PayoutsUntil), horizon, stepRows).Scan(&ended).Error
	if err != nil {
		return false, fmt.Errorf("turnout: payouts: %w", err)
	}
	m, paid := stretch(len(ended), horizon, func(i int) clock.Instant { return ended[i].FinishedAt })
	for _, p := range ended[:m] {
		found.add("payout", p.State, 1, p.AmountFen)
	}
	next.PayoutsUntil = max(old.PayoutsUntil, paid)
	if n+m == 0 { // nothing new: nothing is written
		return false, nil
	}
	return len(claims) == stepRows || len(ended) == stepRows, s.keep(ctx, old, next, found)
}

// only chooses one campaign's rows by an index over (campaign_id, moment). MySQL takes an
// equality as the whole campaign and reads all of it up to the moment, where many rows are
// still ahead; as a range it begins at the moment. SQLite is the other way round.
func (s *Store) only() string {
	if s.db.Driver() == db.MySQL {
		return "campaign_id >= ? AND campaign_id <= ?"
	}
	return "campaign_id = ? AND campaign_id = ?"
}

// stretch cuts a full step at the end of a millisecond, so that the next one begins with
// whole ones; a step that was not full reaches the horizon. A millisecond with more rows
// than a step holds cannot be: claims are bounded far below five million a second.
func stretch(n int, horizon clock.Instant, at func(int) clock.Instant) (rows int, until clock.Instant) {
	if n < stepRows {
		return n, horizon
	}
	last := at(n - 1)
	for n > 0 && at(n-1) == last {
		n--
	}
	return n, last
}

func (s *Store) row(ctx context.Context, campaignID id.ID) (row, error) {
	r := row{CampaignID: campaignID, Members: make([]byte, sketchBytes)}
	var found []row
	if err := s.db.Read(ctx).Where("campaign_id = ?", campaignID).Find(&found).Error; err != nil {
		return r, fmt.Errorf("turnout: %w", err)
	}
	if len(found) > 0 && len(found[0].Members) == sketchBytes {
		return found[0], nil
	}
	return r, nil
}

// keep writes a step unless somebody else has written it.
func (s *Store) keep(ctx context.Context, old, next row, found counts) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		next.UpdatedAt = s.db.Now()
		if old.UpdatedAt == 0 {
			if err := tx.Create(&row{CampaignID: old.CampaignID, Members: make([]byte, sketchBytes)}).Error; db.IsDuplicate(err) {
				return nil // another process began; the next round goes on from there
			} else if err != nil {
				return err
			}
		}
		r := tx.Model(&row{}).Where("campaign_id = ? AND claims_until = ? AND payouts_until = ?", old.CampaignID, old.ClaimsUntil, old.PayoutsUntil).
			Updates(map[string]any{"claims_until": next.ClaimsUntil, "payouts_until": next.PayoutsUntil, "members": next.Members, "updated_at": next.UpdatedAt})
		if r.Error != nil || r.RowsAffected != 1 {
			return r.Error
		}
		for k, x := range found {
			r := tx.Exec("UPDATE campaign_count SET n = n + ?, fen = fen + ? WHERE campaign_id = ? AND kind = ? AND slot = ?", x.n, x.fen, old.CampaignID, k[0], k[1])
			if r.Error == nil && r.RowsAffected == 0 {
				r = tx.Exec("INSERT INTO campaign_count (campaign_id, kind, slot, n, fen) VALUES (?, ?, ?, ?, ?)", old.CampaignID, k[0], k[1], x.n, x.fen)
			}
			if r.Error != nil {
				return r.Error
			}
		}
		return nil
	})
}

// Slot is one count.
type Slot struct {
	At     clock.Instant `json:"at"` // beginning of the hour
	Claims int64         `json:"claims"`
	Fen    money.Fen     `json:"fen"`
}

// TierCount is one tier's claims.
type TierCount struct {
	Tier   int       `json:"tier"`
	Claims int64     `json:"claims"`
	Fen    money.Fen `json:"fen"`
}

// RegionCount is one province's claims; "" is unknown.
type RegionCount struct {
	Province string    `json:"province"`
	Claims   int64     `json:"claims"`
	Fen      money.Fen `json:"fen"`
}

// PayoutCount is how many payouts ended so.
type PayoutCount struct {
	State string    `json:"state"` // settled, returned, failed
	Count int64     `json:"count"`
	Fen   money.Fen `json:"fen"`
}

// Numbers is a campaign as it stands.
type Numbers struct {
	AsOf       clock.Instant `json:"as_of"`
	RegionAsOf clock.Instant `json:"region_as_of"` // regions and members are seconds older
	Claims     int64         `json:"claims"`
	Members    int64         `json:"members"` // estimated within 2 per cent, exact when few
	Hours      []Slot        `json:"hours"`   // oldest first, empty hours left out
	Tiers      []TierCount   `json:"tiers"`
	Regions    []RegionCount `json:"regions"` // most first
	Payouts    []PayoutCount `json:"payouts"`
}

// Of reads a campaign's numbers: what was counted, and what came since.
func (s *Store) Of(ctx context.Context, campaignID id.ID) (Numbers, error) {
	at, err := s.row(ctx, campaignID)
	if err != nil {
		return Numbers{}, err
	}
	all, q := counts{}, s.db.Read(ctx)
	var kept []struct {
		Kind, Slot string
		N, Fen     int64
	}
	if err := q.Raw("SELECT kind, slot, n, fen FROM campaign_count WHERE campaign_id = ?", campaignID).Scan(&kept).Error; err != nil {
		return Numbers{}, fmt.Errorf("turnout: %w", err)
	}
	for _, k := range kept {
		all.add(k.Kind, k.Slot, k.N, k.Fen)
	}
	n := Numbers{AsOf: s.db.Now(), RegionAsOf: at.ClaimsUntil, Members: sketch(at.Members).estimate()}
	var fresh []struct {
		CreatedAt clock.Instant
		Tier      int
		CashFen   int64
	}
	err = q.Raw("SELECT created_at, tier, cash_fen FROM claim WHERE "+s.only()+" AND created_at >= ? ORDER BY campaign_id, created_at LIMIT ?", campaignID, campaignID, at.ClaimsUntil, freshRows).Scan(&fresh).Error
	if err != nil {
		return n, fmt.Errorf("turnout: fresh claims: %w", err)
	}
	for _, c := range fresh {
		all.add("hour", hourSlot(c.CreatedAt), 1, c.CashFen)
		all.add("tier", strconv.Itoa(c.Tier), 1, c.CashFen)
	}
	if len(fresh) == 0 { // nothing has come since: what is counted is all there is
		n.RegionAsOf = n.AsOf
	}
	var ended []struct {
		State     string
		AmountFen int64
	}
	err = q.Raw("SELECT state, amount_fen FROM payout WHERE "+s.only()+" AND finished_at >= ? ORDER BY campaign_id, finished_at LIMIT ?", campaignID, campaignID, max(1, at.PayoutsUntil), freshRows).Scan(&ended).Error
	if err != nil {
		return n, fmt.Errorf("turnout: fresh payouts: %w", err)
	}
	for _, p := range ended {
		all.add("payout", p.State, 1, p.AmountFen)
	}
	n.fill(all)
	return n, nil
}

// sketchBytes registers of the sketch; its error is 1.04 / sqrt(4096) = 1.6 per cent.
const sketchBytes = 4096

// sketch estimates how many different members there were, and keeps none of them
// (HyperLogLog, Flajolet et al. 2007, with its correction for small numbers).
type sketch []byte

// mix spreads an id over 64 bits (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (s sketch) add(member id.ID) {
	x := mix(uint64(member))
	at, rest, rank := x>>52, x<<12, byte(1)
	for ; rank < 53 && rest>>63 == 0; rank++ {
		rest <<= 1
	}
	s[at] = max(s[at], rank)
}

func (s sketch) estimate() int64 {
	sum, empty := 0.0, 0
	for _, r := range s {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	const m = float64(sketchBytes)
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && empty > 0 {
		e = m * math.Log(m/float64(empty))
	}
	return int64(math.Round(e))
}
