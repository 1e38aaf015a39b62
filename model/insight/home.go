package insight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/tally"
)

// What grows on the first page of the panel (今日).
const (
	GrowScans   = "scans"
	GrowMembers = "members" // of the whole house: a member buys of several brands
	GrowClaims  = "claims"
	GrowPaid    = "paid_fen"
	GrowPoints  = "points"
	GrowSales   = "sales_fen"
)

// DayNumber is the number of one business day.
type DayNumber struct {
	Day    clock.Day `json:"day"`
	Number int64     `json:"number"`
}

// Growth is one number of today beside what it was at the same time of earlier days. The
// comparison stops at ComparedAt, the last full ten minutes: until then Compared is today's.
type Growth struct {
	Key          string      `json:"key"`
	Today        int64       `json:"today"`
	Compared     int64       `json:"compared"`
	Yesterday    int64       `json:"yesterday"`     // until the same time
	YesterdayAll int64       `json:"yesterday_all"` // the whole day
	Week         int64       `json:"week"`          // average of the seven days before, until the same time
	Days         []DayNumber `json:"days"`          // thirty, today last
}

// HourNumber is an hour of today and of yesterday.
type HourNumber struct {
	Hour      int   `json:"hour"` // 0 to 23, Shanghai
	Today     int64 `json:"today"`
	Yesterday int64 `json:"yesterday"`
}

// RegionNumber is a province; "" is unknown.
type RegionNumber struct {
	Province  string `json:"province"`
	Today     int64  `json:"today"`
	Yesterday int64  `json:"yesterday"` // the whole day
}

// Home is the first page of a brand.
type Home struct {
	AsOf       clock.Instant  `json:"as_of"`       // what happened until then is counted
	ComparedAt clock.Instant  `json:"compared_at"` // until when today is compared
	Day        clock.Day      `json:"day"`
	Growth     []Growth       `json:"growth"`
	Hours      []HourNumber   `json:"hours"` // of scans
	Regions    []RegionNumber `json:"regions"`
	Members    int64          `json:"members"` // active ones of the whole house
	Month      []MonthNumber  `json:"month"`   // of this month so far, by what targets are about
}

// MonthNumber is how much of something a month has brought.
type MonthNumber struct {
	Metric string `json:"metric"`
	Number int64  `json:"number"`
}

// grown says which tally a growth is.
var grown = []struct {
	key, metric string
	amount      bool   // else how many
	house       bool   // of all brands
	month       string // what a target calls it
}{
	{GrowScans, tally.Scan, false, false, "scans"}, {GrowClaims, tally.Claim, false, false, ""}, {GrowMembers, tally.Member, false, true, "new_members"},
	{GrowPaid, tally.Paid, true, false, ""}, {GrowPoints, tally.Issued, true, false, ""}, {GrowSales, tally.Order, true, false, "sales_fen"},
}

func since(from clock.Instant, amount bool, days []tally.Point) (n int64) {
	for _, p := range days {
		if p.At >= from {
			n += number(p, amount)
		}
	}
	return n
}

const homeDays = 30

// Home reads a brand's numbers from what is counted already: nothing here grows with how
// many scans there are.
func (s *Store) Home(ctx context.Context, brandID id.ID) (Home, error) {
	now := s.db.Now()
	today := clock.DayOf(now)
	midnight, _ := today.Bounds()
	begins, _ := (today/100*100 + 1).Bounds() // of the month
	first, _ := today.AddDays(1 - homeDays).Bounds()
	first = min(first, begins)
	h := Home{Day: today, Regions: []RegionNumber{}, Hours: make([]HourNumber, 24)}
	var err error
	if h.AsOf, err = s.tally.AsOf(ctx); err != nil {
		return h, err
	}
	// What is not counted yet cannot be compared: after a pause the last full ten minutes
	// lie further back than the clock says.
	until := min(now, max(h.AsOf, midnight))
	h.ComparedAt = until - until%clock.Instant(tally.SlotLength.Milliseconds())
	for _, g := range grown {
		owner := brandID
		if g.house {
			owner = 0
		}
		days, err := s.tally.Points(ctx, owner, g.metric, tally.Day, first, now+1)
		if err != nil {
			return h, err
		}
		slots, err := s.tally.Points(ctx, owner, g.metric, tally.Slot, midnight.Add(-7*24*time.Hour), now+1)
		if err != nil {
			return h, err
		}
		h.Growth = append(h.Growth, grow(g.key, g.amount, today, h.ComparedAt.Sub(midnight), days, slots))
		if g.month != "" {
			h.Month = append(h.Month, MonthNumber{g.month, since(begins, g.amount, days)})
		}
		if g.key == GrowScans {
			hours(h.Hours, midnight, slots)
		}
	}
	if h.Regions, err = s.regions(ctx, brandID, midnight); err != nil {
		return h, err
	}
	h.Members, err = s.members(ctx)
	h.Month = append(h.Month, MonthNumber{"members", h.Members})
	return h, err
}

func number(p tally.Point, amount bool) int64 {
	if amount {
		return p.Amount
	}
	return p.N
}

// grow is pure. sofar is how far into the day the comparison goes.
func grow(key string, amount bool, today clock.Day, sofar time.Duration, days, slots []tally.Point) Growth {
	g := Growth{Key: key, Days: make([]DayNumber, homeDays)}
	at := map[clock.Day]int{}
	for i := range g.Days {
		g.Days[i].Day = today.AddDays(i + 1 - homeDays)
		at[g.Days[i].Day] = i
	}
	for _, p := range days {
		if i, there := at[clock.DayOf(p.At)]; there {
			g.Days[i].Number += number(p, amount)
		}
	}
	g.Today, g.YesterdayAll = g.Days[homeDays-1].Number, g.Days[homeDays-2].Number
	yesterday, week := today.AddDays(-1), int64(0)
	for _, p := range slots {
		day := clock.DayOf(p.At)
		from, _ := day.Bounds()
		if p.At.Sub(from) >= sofar {
			continue
		}
		n := number(p, amount)
		switch {
		case day == today:
			g.Compared += n
			continue
		case day == yesterday:
			g.Yesterday += n
		}
		week += n
	}
	g.Week = (week + 3) / 7
	return g
}

func hours(into []HourNumber, midnight clock.Instant, slots []tally.Point) {
	for i := range into {
		into[i].Hour = i
	}
	for _, p := range slots {
		switch h := int(p.At.Sub(midnight.Add(-24*time.Hour)) / time.Hour); {
		case h >= 24 && h < 48:
			into[h-24].Today += p.N
		case h >= 0 && h < 24:
			into[h].Yesterday += p.N
		}
	}
}

func (s *Store) regions(ctx context.Context, brandID id.ID, midnight clock.Instant) ([]RegionNumber, error) {
	list, err := s.tally.Points(ctx, brandID, tally.Scan, tally.Region, midnight.Add(-24*time.Hour), midnight.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	by := map[string]RegionNumber{}
	for _, p := range list {
		r := by[p.Dim]
		r.Province = p.Dim
		if p.At >= midnight {
			r.Today += p.N
		} else {
			r.Yesterday += p.N
		}
		by[p.Dim] = r
	}
	out := slices.Collect(maps.Values(by))
	slices.SortFunc(out, func(a, b RegionNumber) int {
		return cmp.Or(cmp.Compare(b.Today, a.Today), cmp.Compare(b.Yesterday, a.Yesterday), cmp.Compare(a.Province, b.Province))
	})
	return append([]RegionNumber{}, out...), nil
}

// members counts those who can take part. Those who cannot are few and have an index;
// counting the rest again would take as long as there are people.
func (s *Store) members(ctx context.Context) (int64, error) {
	made, err := s.tally.Sum(ctx, 0, tally.Member, tally.Day, 0, s.db.Now()+1)
	if err != nil {
		return 0, err
	}
	var gone int64
	if err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM member WHERE state < 'active' OR state > 'active'").Scan(&gone).Error; err != nil {
		return 0, fmt.Errorf("insight: members: %w", err)
	}
	return max(0, made[""].N-gone), nil
}

// Flow is money in one of its states, today and since the beginning.
type Flow struct {
	Key      string    `json:"key"` // reserved, won, paid, returned, released
	TodayFen money.Fen `json:"today_fen"`
	AllFen   money.Fen `json:"all_fen"`
}

// CampaignMoney is the money of a campaign that is published and not ended.
type CampaignMoney struct {
	ID          id.ID         `json:"id"`
	Name        string        `json:"name"`
	State       string        `json:"state"` // published, paused
	FromAt      clock.Instant `json:"from_at"`
	UntilAt     clock.Instant `json:"until_at"`
	SpendFen    money.Fen     `json:"spend_fen"` // set aside when it was published
	WonFen      money.Fen     `json:"won_fen"`
	LeftFen     money.Fen     `json:"left_fen"` // set aside and not won
	PaidFen     money.Fen     `json:"paid_fen"`
	ReturnedFen money.Fen     `json:"returned_fen"`
	WayFen      money.Fen     `json:"way_fen"`   // won and neither paid nor returned yet
	TodayFen    money.Fen     `json:"today_fen"` // won today
	Claimed     int64         `json:"claimed"`
	Codes       int64         `json:"codes"`
}

// HomeMoney is a brand's money on the first page.
type HomeMoney struct {
	AsOf      clock.Instant   `json:"as_of"`
	Flows     []Flow          `json:"flows"`
	WayFen    money.Fen       `json:"way_fen"` // won and neither paid nor returned yet
	Campaigns []CampaignMoney `json:"campaigns"`
	More      bool            `json:"more"` // there are more campaigns than are listed
}

// homeCampaigns is how many campaigns the first page lists.
const homeCampaigns = 20

// HomeMoney reads what the ledger's entries came to, and the campaigns that
// run and pay cash.
func (s *Store) HomeMoney(ctx context.Context, brandID id.ID) (HomeMoney, error) {
	now := s.db.Now()
	midnight, _ := clock.DayOf(now).Bounds()
	h := HomeMoney{Campaigns: []CampaignMoney{}}
	var err error
	if h.AsOf, err = s.tally.AsOf(ctx); err != nil {
		return h, err
	}
	for _, metric := range []string{tally.Reserved, tally.Won, tally.Paid, tally.Returned, tally.Released} {
		days, err := s.tally.Points(ctx, brandID, metric, tally.Day, 0, now+1)
		if err != nil {
			return h, err
		}
		f := Flow{Key: metric}
		for _, p := range days {
			f.AllFen += money.Fen(p.Amount)
			if p.At >= midnight {
				f.TodayFen += money.Fen(p.Amount)
			}
		}
		h.Flows = append(h.Flows, f)
	}
	h.WayFen = max(0, h.Flows[1].AllFen-h.Flows[2].AllFen-h.Flows[3].AllFen)
	err = s.db.Read(ctx).Raw(`SELECT id, name, state, from_at, until_at, spend_fen, won_fen, claimed, codes FROM campaign
		WHERE brand_id = ? AND state IN ('published', 'paused') AND spend_fen > 0 ORDER BY created_at DESC LIMIT ?`, brandID, homeCampaigns+1).Scan(&h.Campaigns).Error
	if err != nil || len(h.Campaigns) == 0 {
		return h, err
	}
	if h.More = len(h.Campaigns) > homeCampaigns; h.More {
		h.Campaigns = h.Campaigns[:homeCampaigns]
	}
	sums := map[string]map[string]tally.Point{}
	for _, metric := range []string{tally.Paid, tally.Returned} {
		if sums[metric], err = s.tally.Sum(ctx, brandID, metric, tally.Campaign, 0, now+1); err != nil {
			return h, err
		}
	}
	won, err := s.tally.Sum(ctx, brandID, tally.Won, tally.Campaign, midnight, now+1)
	for i := range h.Campaigns {
		c := &h.Campaigns[i]
		dim := c.ID.String()
		c.LeftFen = c.SpendFen - c.WonFen
		c.PaidFen, c.ReturnedFen = money.Fen(sums[tally.Paid][dim].Amount), money.Fen(sums[tally.Returned][dim].Amount)
		c.TodayFen, c.WayFen = money.Fen(won[dim].Amount), max(0, c.WonFen-c.PaidFen-c.ReturnedFen)
	}
	return h, err
}
