package holdout

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/money"
)

const (
	perRead = 500
	// grace is how long after the window shops may still report what happened in it.
	grace = 24 * time.Hour
	// atOnce is the largest audience that is counted while somebody waits for the answer.
	atOnce = 20_000
	// anew is the largest that is counted when somebody looks, in some 100 ms, unless it
	// just was: whoever sends a first small push wants to see the orders that came meanwhile.
	anew, lately = 2_000, 10 * time.Second
)

// happened reads events; *event.Store fits.
type happened interface {
	Within(ctx context.Context, brandID id.ID, members []id.ID, types []string, from, until clock.Instant) ([]event.Event, error)
}

// Reports counts what pushes brought.
type Reports struct {
	db       *db.DB
	audience Audience
	people   People
	events   happened
	// GTINs are the codes under which shops sell these products. Wiring sets it before
	// anybody is served; without it orders of chosen products cannot be told from others.
	GTINs func(ctx context.Context, products []id.ID) ([]string, error)
}

// NewReports makes it.
func NewReports(d *db.DB, a Audience, p People, e happened) *Reports {
	return &Reports{db: d, audience: a, people: p, events: e}
}

// crowd returns the next people after a member, by member; nobody: that were all.
type crowd func(after id.ID) ([]Place, error)

func (s *Reports) crowdOf(ctx context.Context, pushID id.ID) crowd {
	return func(after id.ID) ([]Place, error) { return s.audience.Places(ctx, pushID, after, perRead) }
}

var errNotBegun = fault.New(fault.Conflict, "push_not_begun", "触达还没有开始，没有效果可看")

// Of is the report of a push: as it was counted last, or counted now if it never was and
// its audience is small. Faults: NotFound push_unknown; Conflict push_not_begun; Unavailable
// report_counting.
func (s *Reports) Of(ctx context.Context, pushID id.ID) (Report, error) {
	p, err := s.audience.Trial(ctx, pushID)
	if err != nil {
		return Report{}, err
	}
	if p.BeganAt == 0 {
		return Report{}, errNotBegun
	}
	return s.read(ctx, p, s.crowdOf(ctx, pushID))
}

// read is the report as it was counted last, or counted now if few people are in it and
// something may still change.
func (s *Reports) read(ctx context.Context, p Push, next crowd) (Report, error) {
	c, there, err := s.keptOf(ctx, p)
	if err != nil {
		return Report{}, err
	}
	small := p.People <= anew && !p.whole && !c.final && !p.over(c.AsOf)
	if !there || small && s.db.Now().Sub(c.AsOf) >= lately {
		if p.People > atOnce {
			return Report{}, fault.New(fault.Unavailable, "report_counting", "人数较多，正在统计，请几分钟后再看")
		}
		if c, err = s.count(ctx, p, next); err != nil {
			return Report{}, err
		}
	}
	return s.report(ctx, p, c)
}

// keptOf is what was counted last, if anything was since it began.
func (s *Reports) keptOf(ctx context.Context, p Push) (c counts, there bool, err error) {
	var rows []kept
	if err := s.db.Read(ctx).Where("push_id = ? AND as_of >= ?", p.ID, p.BeganAt).Limit(1).Find(&rows).Error; err != nil {
		return c, false, fmt.Errorf("holdout: report: %w", err)
	}
	if len(rows) == 0 {
		return c, false, nil
	}
	if err := json.Unmarshal(rows[0].Report, &c); err != nil {
		return c, false, fmt.Errorf("holdout: report: %w", err)
	}
	if c.final = rows[0].Final; c.Until == 0 { // it was counted before this was kept
		c.Until = p.BeganAt.Add(p.window())
	}
	return c, true, nil
}

// Refresh counts a push and keeps what it found, unless what is kept is final.
func (s *Reports) Refresh(ctx context.Context, pushID id.ID) error {
	p, err := s.audience.Trial(ctx, pushID)
	if err != nil || p.BeganAt == 0 {
		return err
	}
	if c, _, err := s.keptOf(ctx, p); err != nil || c.final {
		return err
	}
	return s.keep(ctx, p, s.crowdOf(ctx, pushID))
}

func (s *Reports) keep(ctx context.Context, p Push, next crowd) error {
	c, err := s.count(ctx, p, next)
	if err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM push_report WHERE push_id = ?", p.ID).Error; err != nil {
			return err
		}
		return tx.Create(&kept{p.ID, c.AsOf, p.over(c.AsOf), text}).Error
	})
	if err != nil {
		return fmt.Errorf("holdout: refresh: %w", err)
	}
	return nil
}

// due is how old a report may grow. Counting costs 60 us a person on a database across a
// socket (BenchmarkReport), and this lets a push cost a thousandth of that time at most;
// after three days little changes within an hour.
func due(people int64, age time.Duration) time.Duration {
	d := 5*time.Minute + time.Duration(people)*60*time.Millisecond
	if age > 3*24*time.Hour {
		d = max(d, time.Hour)
	}
	return d
}

// Run counts the pushes whose report is old, until it is final, and the brands that have a
// universal control group. It may be called in every process: two at once find the same.
func (s *Reports) Run(ctx context.Context) error {
	if err := s.runPushes(ctx); err != nil {
		return err
	}
	return s.runBrands(ctx)
}

func (s *Reports) runPushes(ctx context.Context) error {
	now := s.db.Now()
	since := now.Add(-(MostDays*24*time.Hour + 2*grace))
	for after := id.ID(0); ; {
		pushes, err := s.audience.Begun(ctx, since, after, 100)
		if err != nil || len(pushes) == 0 {
			return err
		}
		after = pushes[len(pushes)-1]
		var old []kept
		if err := s.db.Read(ctx).Select("push_id, as_of, final").Where("push_id IN ?", pushes).Find(&old).Error; err != nil {
			return fmt.Errorf("holdout: run: %w", err)
		}
		last := map[id.ID]kept{}
		for _, k := range old {
			last[k.PushID] = k
		}
		for _, pushID := range pushes {
			k, there := last[pushID]
			if k.Final {
				continue
			}
			p, err := s.audience.Trial(ctx, pushID)
			if err != nil {
				return err
			}
			if there && now.Sub(k.AsOf) < due(p.People, now.Sub(p.BeganAt)) && !p.over(now) {
				continue
			}
			if err := s.Refresh(ctx, pushID); err != nil {
				return err
			}
		}
	}
}

// kept is a row: only what was counted, so that words and intervals are those of today's
// program.
type kept struct {
	PushID id.ID `gorm:"primaryKey"`
	AsOf   clock.Instant
	Final  bool
	Report []byte
}

func (kept) TableName() string { return "push_report" }

// counts are the figures of all arms.
type counts struct {
	AsOf  clock.Instant     `json:"as_of"`
	Until clock.Instant     `json:"until"` // the end of the window, as it was then
	final bool              // nothing changes it, also not a window that would end elsewhere today
	Mixed int64             `json:"mixed"`
	Arms  map[string]*tally `json:"arms"` // also held and universal
}

// tally is one arm's.
type tally struct {
	People int64   `json:"people"`
	Scans  int64   `json:"scans"`
	Buyers int64   `json:"buyers"`
	SumFen int64   `json:"sum_fen"`
	Square float64 `json:"square"`
}

// did is what one human did.
type did struct {
	scanned, ordered bool
	fen              money.Fen
}

func (p Push) window() time.Duration { return time.Duration(p.Split.WindowDays) * 24 * time.Hour }

// until is when what people do counts no more; none for a brand's pushes together. Whoever is
// sent last has the whole window, and those who are left alone the same span as all others.
func (p Push) until() clock.Instant {
	if p.whole {
		return 0
	}
	return max(p.BeganAt, p.EndsAt).Add(p.window())
}

// over says whether nothing that happens or is told later changes the report.
func (p Push) over(at clock.Instant) bool { return !p.whole && !p.Open && at >= p.until().Add(grace) }

func (c *counts) add(arm string, d did, most money.Fen) {
	t := c.Arms[arm]
	if t == nil {
		t = &tally{}
		c.Arms[arm] = t
	}
	t.People++
	if d.scanned {
		t.Scans++
	}
	// Who only sent back what he bought before brought nothing, and owes nothing here.
	if fen := min(max(d.fen, 0), most); d.ordered && fen > 0 {
		t.Buyers++
		t.SumFen += int64(fen)
		t.Square += float64(fen) * float64(fen)
	}
}

// several is a human behind several members, who may be in the audience more than once.
type several struct {
	arm   string
	mixed bool
	did   did
}

// count reads what everybody of a crowd did.
func (s *Reports) count(ctx context.Context, p Push, next crowd) (counts, error) {
	c := counts{AsOf: s.db.Now(), Until: p.until(), Arms: map[string]*tally{}}
	joined := map[id.ID]several{} // by root
	for after := id.ID(0); ; {
		places, err := next(after)
		if err != nil {
			return c, err
		}
		if len(places) == 0 {
			break
		}
		after = places[len(places)-1].MemberID
		members := make([]id.ID, len(places))
		for i, pl := range places {
			members[i] = pl.MemberID
		}
		families, err := member.Families(s.db.Read(ctx), members)
		if err != nil {
			return c, err
		}
		deeds, err := s.deeds(ctx, p, families, c.AsOf)
		if err != nil {
			return c, err
		}
		for _, pl := range places {
			family := families[pl.MemberID]
			if len(family) < 2 {
				c.add(pl.name(), deeds[pl.MemberID], p.Split.CapFen)
				continue
			}
			old, there := joined[family[0]]
			joined[family[0]] = several{pl.name(), there && (old.mixed || old.arm != pl.name()), deeds[pl.MemberID]}
		}
	}
	for _, h := range joined {
		if h.mixed {
			c.Mixed++
			continue
		}
		c.add(h.arm, h.did, p.Split.CapFen)
	}
	return c, nil
}

func (p Place) name() string {
	if p.Universal {
		return ByBrand
	}
	return p.Arm
}

// deeds are what the humans behind members did in the window, by the member asked for.
func (s *Reports) deeds(ctx context.Context, p Push, families map[id.ID][]id.ID, asOf clock.Instant) (map[id.ID]did, error) {
	var everybody []id.ID
	whose := map[id.ID][]id.ID{}
	for m, family := range families {
		for _, f := range family {
			if whose[f] = append(whose[f], m); len(whose[f]) == 1 {
				everybody = append(everybody, f)
			}
		}
	}
	out := map[id.ID]did{}
	if len(everybody) == 0 {
		return out, nil
	}
	only, err := s.narrowed(ctx, p.ProductIDs)
	if err != nil {
		return nil, err
	}
	until := asOf
	if !p.whole {
		until = min(asOf, p.until())
	}
	events, err := s.events.Within(ctx, p.Split.BrandID, everybody, []string{event.Scan, event.Claim, event.Order}, p.BeganAt, until)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		one, err := only.read(e)
		if err != nil {
			return nil, err
		}
		for _, m := range whose[e.MemberID] {
			d := out[m]
			d.scanned, d.ordered, d.fen = d.scanned || one.scanned, d.ordered || one.ordered, d.fen+one.fen
			out[m] = d
		}
	}
	return out, nil
}

// report makes a report of what was counted.
func (s *Reports) report(ctx context.Context, p Push, c counts) (Report, error) {
	cost, err := s.Cost(ctx, p.ID)
	if err != nil {
		return Report{}, err
	}
	spent := p.SpentFen
	if cost.UpdatedAt != 0 { // somebody wrote down what it cost in all
		spent = cost.CostFen
	}
	until, final := p.until(), p.over(c.AsOf)
	if c.final {
		until, final = c.Until, true
	}
	r := Report{PushID: p.ID, AsOf: c.AsOf, BeganAt: p.BeganAt, UntilAt: until, Final: final, open: p.Open, Whole: p.whole,
		ProductIDs: append([]id.ID{}, p.ProductIDs...), WindowDays: p.Split.WindowDays, CapFen: p.Split.CapFen, Mixed: c.Mixed}
	arm := func(name string) Group {
		a := Group{Name: name, States: p.Done[name]}
		if a.States == nil {
			a.States = map[string]int64{}
		}
		a.Reached = a.States["sent"]
		if t := c.Arms[name]; t != nil {
			a.People, a.Scans, a.Buyers, a.SumFen, a.square = t.People, t.Scans, t.Buyers, money.Fen(t.SumFen), t.Square
		}
		return a
	}
	for _, a := range p.Split.Arms {
		r.Arms = append(r.Arms, arm(a.Name))
	}
	r.Held, r.Universal = arm(Held), arm(ByBrand)
	r.conclude(p.Split, spent)
	r.Money.MessagesFen, r.Money.Written = p.SpentFen, cost.UpdatedAt != 0
	return r, nil
}
