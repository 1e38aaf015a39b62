package turnout

import (
	"cmp"
	"slices"
	"strconv"

	"siyu/model/clock"
	"siyu/model/money"
)

// fill lays counts out for people.
func (n *Numbers) fill(all counts) {
	n.Hours, n.Tiers, n.Regions, n.Payouts = []Slot{}, []TierCount{}, []RegionCount{}, []PayoutCount{}
	for k, x := range all {
		fen := money.Fen(x.fen)
		number, err := strconv.ParseInt(k[1], 10, 64)
		switch {
		case k[0] == "hour" && err == nil:
			n.Claims += x.n
			n.Hours = append(n.Hours, Slot{At: clock.Instant(number) * hour, Claims: x.n, Fen: fen})
		case k[0] == "tier" && err == nil:
			n.Tiers = append(n.Tiers, TierCount{Tier: int(number), Claims: x.n, Fen: fen})
		case k[0] == "region":
			n.Regions = append(n.Regions, RegionCount{Province: k[1], Claims: x.n, Fen: fen})
		case k[0] == "payout":
			n.Payouts = append(n.Payouts, PayoutCount{State: k[1], Count: x.n, Fen: fen})
		}
	}
	slices.SortFunc(n.Hours, func(a, b Slot) int { return cmp.Compare(a.At, b.At) })
	slices.SortFunc(n.Tiers, func(a, b TierCount) int { return cmp.Compare(a.Tier, b.Tier) })
	slices.SortFunc(n.Regions, func(a, b RegionCount) int {
		return cmp.Or(cmp.Compare(b.Claims, a.Claims), cmp.Compare(a.Province, b.Province))
	})
	slices.SortFunc(n.Payouts, func(a, b PayoutCount) int { return cmp.Compare(b.State, a.State) })
}
