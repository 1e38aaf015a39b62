package campaign

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"sort"

	"gorm.io/gorm"

	"siyu/model/campaign/draw"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Standings of a code's campaign at a moment.
const (
	StandNone     = "none"
	StandNotBegun = "not_begun"
	StandRunning  = "running"
	StandPaused   = "paused"
	StandEnded    = "ended"
	StandUsedUp   = "used_up"
)

// Offer is what a campaign promises to whoever holds a code. It says nothing of the
// prize of a single code.
type Offer struct {
	CampaignID   id.ID         `json:"campaign_id"`
	BrandID      id.ID         `json:"brand_id"`
	AccountID    id.ID         `json:"-"`
	Name         string        `json:"name"`
	State        string        `json:"state"`
	FromAt       clock.Instant `json:"from_at"`
	UntilAt      clock.Instant `json:"until_at"`
	Organiser    string        `json:"organiser"`
	Rules        string        `json:"rules"`
	Wishing      string        `json:"wishing"`
	TopPrize     string        `json:"top_prize"`
	Odds         []OddsLine    `json:"odds"`
	CapMemberDay int           `json:"cap_member_day"`
	CapMember    int           `json:"cap_member"`
	MinLevel     int           `json:"min_level"`  // lowest level that may claim; 0 = everybody
	LevelName    string        `json:"level_name"` // of MinLevel
	Who          string        `json:"who"`        // may claim, in words; "" = everybody
	SeedHash     string        `json:"seed_hash"`
	SeedRevealed string        `json:"seed_revealed"`
	Terms        string        `json:"terms"`
}

// entry is a campaign as the claim path needs it: in memory, immutable.
type entry struct {
	c    Campaign
	said Offer      // what it promises, but for the state; made once, every scan shows it
	draw *draw.Draw // nil when ended, or sealed
	// sealed is why the prizes cannot be drawn (a master key is missing, say). It stops
	// this campaign's claims and nobody else's.
	sealed error
}

type stretch struct {
	scope Scope
	e     *entry
}

// snapshot is every published, paused and ended campaign, by batch.
type snapshot struct {
	version int64
	byBatch map[id.ID][]stretch
	byID    map[id.ID]*entry
}

// Refresh loads the live campaigns again if anything changed anywhere. Cheap when
// nothing did: one read of one row.
func (s *Store) Refresh(ctx context.Context) error {
	version, err := s.db.Version(ctx, cacheName)
	if err != nil {
		return err
	}
	old := s.live.Load()
	if old.version == version {
		return nil
	}
	next, err := s.load(ctx, version)
	if err != nil {
		return err
	}
	if !s.live.CompareAndSwap(old, next) { // what was loaded meanwhile may be older than ours
		return s.Refresh(ctx)
	}
	return nil
}

func (s *Store) load(ctx context.Context, version int64) (*snapshot, error) {
	n := &snapshot{version: version, byBatch: map[id.ID][]stretch{}, byID: map[id.ID]*entry{}}
	var rows []campaignRow
	if err := s.db.Read(ctx).Where("state <> ?", Draft).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("campaign: load: %w", err)
	}
	for _, r := range rows {
		full, err := s.Get(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		e := &entry{c: full}
		if full.State != Ended {
			e.draw, e.sealed = s.open(r, full)
		}
		e.said = promise(full)
		n.byID[r.ID] = e
		for _, sc := range full.Scopes {
			n.byBatch[sc.BatchID] = append(n.byBatch[sc.BatchID], stretch{sc, e})
		}
	}
	for _, list := range n.byBatch {
		sort.SliceStable(list, func(i, j int) bool { return list[i].e.c.FromAt < list[j].e.c.FromAt })
	}
	return n, nil
}

// open opens the seed of a campaign that still draws.
func (s *Store) open(r campaignRow, full Campaign) (*draw.Draw, error) {
	seed, err := s.box.Open(seedPlace(r.ID), r.Seed)
	if err != nil {
		return nil, fmt.Errorf("campaign: seed of %d: %w", r.ID, err)
	}
	d, err := draw.New(seed, uint64(full.Codes), shape(full.Tiers))
	if err != nil {
		return nil, fmt.Errorf("campaign: draw of %d: %w", r.ID, err)
	}
	return d, nil
}

// For says what holds for a code now, from memory; its Odds are shared and must not be
// changed. With several campaigns over the
// code the running one counts, else the next one, else the last one.
func (s *Store) For(_ context.Context, batchID id.ID, serial int64, now clock.Instant) Offer {
	e, _, state := s.pick(batchID, serial, now)
	if e == nil {
		return Offer{State: StandNone}
	}
	return e.offer(state)
}

func (s *Store) pick(batchID id.ID, serial int64, now clock.Instant) (best *entry, scope Scope, state string) {
	rank := map[string]int{StandRunning: 5, StandPaused: 4, StandUsedUp: 3, StandNotBegun: 2, StandEnded: 1}
	for _, st := range s.live.Load().byBatch[batchID] {
		if serial < st.scope.FromSerial || serial >= st.scope.UntilSerial {
			continue
		}
		at := st.e.stand(now)
		// Stretches come by begin: an earlier not-begun one is the next, a later ended one the last.
		if best == nil || rank[at] > rank[state] || (at == state && at == StandEnded) {
			best, scope, state = st.e, st.scope, at
		}
	}
	return best, scope, state
}

func (e *entry) stand(now clock.Instant) string {
	switch {
	case e.c.State == Ended || now >= e.c.UntilAt:
		return StandEnded
	case now < e.c.FromAt:
		return StandNotBegun
	case e.c.State == Paused:
		return StandPaused
	case e.c.CapTotal > 0 && e.c.Claimed >= e.c.CapTotal:
		return StandUsedUp
	}
	return StandRunning
}

func (e *entry) offer(state string) Offer {
	o := e.said
	o.State = state
	return o
}

func promise(c Campaign) Offer {
	o := Offer{CampaignID: c.ID, BrandID: c.BrandID, AccountID: c.AccountID, Name: c.Name, FromAt: c.FromAt, UntilAt: c.UntilAt,
		Organiser: c.Organiser, Rules: c.Rules, Wishing: c.Wishing, Odds: oddsLines(c.Tiers, c.Codes), CapMemberDay: c.CapMemberDay,
		CapMember: c.CapMember, MinLevel: c.MinLevel, LevelName: c.LevelName, Who: audience(c.LevelName), SeedHash: c.SeedHash, SeedRevealed: c.SeedRevealed, Terms: c.Terms}
	var top money.Fen
	for _, t := range c.Tiers {
		if t.Kind == Cash && t.MaxFen > top {
			top = t.MaxFen
			o.TopPrize = "最高 " + top.Yuan() + " 元现金红包"
		}
	}
	return o
}

// Draft is what a campaign would promise if it were published now, for who writes it: its
// page can be looked at before. Faults: NotFound.
func (s *Store) Draft(ctx context.Context, campaignID id.ID) (Offer, error) {
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return Offer{}, err
	}
	if c.State == Draft {
		complete(&c)
		if _, err := s.nameLevel(ctx, &c); err != nil {
			return Offer{}, err
		}
	}
	o := promise(c)
	o.State = StandRunning
	return o, nil
}

// Live reads what a campaign promises, for its rules page. Faults: NotFound.
func (s *Store) Live(_ context.Context, campaignID id.ID) (Offer, error) {
	e, ok := s.live.Load().byID[campaignID]
	if !ok {
		return Offer{}, errNotFound
	}
	return e.offer(e.stand(s.db.Now())), nil
}

// Prize is the outcome of one draw.
type Prize struct {
	Tier      Tier      `json:"tier"`
	AmountFen money.Fen `json:"amount_fen"`
}

// Draw looks up the prize of a code in its running campaign. Only a claim may ask: a
// prize that is known before it is claimed can be picked off the shelf. Faults: Conflict
// campaign_moved; Unavailable campaign_sealed, whose cause is for the operator.
func (s *Store) Draw(campaignID, batchID id.ID, serial int64, now clock.Instant) (Prize, error) {
	e, scope, state := s.pick(batchID, serial, now)
	if e != nil && e.c.ID == campaignID && e.sealed != nil {
		return Prize{}, fault.New(fault.Unavailable, "campaign_sealed", "活动暂时不能领取，您的奖还在，请稍后再来").Because(e.sealed)
	}
	if e == nil || e.c.ID != campaignID || state != StandRunning || e.draw == nil {
		return Prize{}, fault.New(fault.Conflict, "campaign_moved", "活动状态刚刚变化，请再试一次")
	}
	tier, amount := e.draw.At(uint64(scope.DrawFrom + serial - scope.FromSerial))
	return Prize{Tier: e.c.Tiers[tier], AmountFen: money.Fen(amount)}, nil
}

// CountTx counts claims and what they won, last in their transaction. counted is false
// when the campaign is not published any more, would pass its cap, or the money would
// pass what was reserved; then nothing was written and the claims must not commit.
func (s *Store) CountTx(ctx context.Context, tx *gorm.DB, campaignID id.ID, claims int, won money.Fen) (counted bool, err error) {
	r, err := db.Exec(ctx, tx, `UPDATE campaign SET claimed = claimed + ?, won_fen = won_fen + ?
		WHERE id = ? AND state = ? AND (cap_total = 0 OR claimed + ? <= cap_total) AND won_fen + ? <= spend_fen`, claims, won, campaignID, Published, claims, won)
	if err != nil {
		return false, fmt.Errorf("campaign: count: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

// RoomTx is how many claims and how much money a campaign would still take, as of the
// latest commit: none when it is not published.
func (s *Store) RoomTx(ctx context.Context, tx *gorm.DB, campaignID id.ID) (claims int64, fen money.Fen, err error) {
	var c struct {
		State             string
		CapTotal, Claimed int64
		SpendFen, WonFen  money.Fen
	}
	err = tx.WithContext(ctx).Raw("SELECT state, cap_total, claimed, spend_fen, won_fen FROM campaign WHERE id = ?", campaignID).Scan(&c).Error
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("campaign: room: %w", err)
	case c.State != Published:
		return 0, 0, nil
	case c.CapTotal == 0:
		return math.MaxInt64, c.SpendFen - c.WonFen, nil
	}
	return c.CapTotal - c.Claimed, c.SpendFen - c.WonFen, nil
}

// Reload makes every process read the campaigns again, after CountTx refused a claim
// that the caches allowed.
//
// Hundreds may be refused in the same moment: those who wait share one reload, which
// began after each of them asked.
func (s *Store) Reload(ctx context.Context) error {
	r := &reload{}
	if err := s.reloads.Do(ctx, r); err != nil {
		return err
	}
	return r.err
}

type reload struct{ err error }

func (s *Store) reloadFor(ctx context.Context, all []*reload) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error { return s.db.VersionTx(ctx, tx, cacheName) })
	if err == nil {
		err = s.Refresh(ctx)
	}
	for _, r := range all {
		r.err = err
	}
}

// Recompute repeats a draw from a revealed seed and a campaign's public terms: the
// tier and amount of one code. Anyone may do this after the end. Faults: Invalid when
// the seed does not match the published hash or the code took no part.
func Recompute(c Campaign, seedHex string, batchID id.ID, serial int64) (Prize, error) {
	seed, err := hex.DecodeString(seedHex)
	if err != nil || len(seed) != draw.SeedBytes {
		return Prize{}, fault.NewInvalid("seed", "种子应为 64 位十六进制")
	}
	if draw.Commit(seed, terms(c)) != c.SeedHash {
		return Prize{}, fault.NewInvalid("seed_hash", "种子与公布的哈希不符")
	}
	for _, sc := range c.Scopes {
		if sc.BatchID == batchID && serial >= sc.FromSerial && serial < sc.UntilSerial {
			d, err := draw.New(seed, uint64(c.Codes), shape(c.Tiers))
			if err != nil {
				return Prize{}, err
			}
			at := sc.DrawFrom + serial - sc.FromSerial
			if at < 0 || at >= c.Codes { // terms that somebody made up
				return Prize{}, fault.NewInvalid("terms", "活动条款文本不完整或被改动")
			}
			tier, amount := d.At(uint64(at))
			return Prize{Tier: c.Tiers[tier], AmountFen: money.Fen(amount)}, nil
		}
	}
	return Prize{}, fault.NewInvalid("not_in_scope", "这个码没有参加该活动")
}
