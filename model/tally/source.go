package tally

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

type line struct {
	brand        id.ID
	metric, kind string
	slot         clock.Instant
	dim          string
}

type sum struct{ n, amount int64 }

// lines are what was counted of a window.
type lines map[line]sum

func (l lines) add(k line, n, amount int64) {
	s := l[k]
	l[k] = sum{s.n + n, s.amount + amount}
}

func (l lines) addAll(other lines) {
	for k, s := range other {
		l.add(k, s.n, s.amount)
	}
}

// at adds to the ten minutes and to the day that slot lies in, and returns the day.
func (l lines) at(brand id.ID, metric string, slot clock.Instant, n, amount int64) (day clock.Instant) {
	day, _ = clock.DayOf(slot).Bounds()
	l.add(line{brand, metric, Slot, slot, ""}, n, amount)
	l.add(line{brand, metric, Day, day, ""}, n, amount)
	return day
}

// source is a table whose rows are never changed in what is counted of them.
type source struct {
	table string
	count func(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error
}

// sources are grouped by the database; what comes out of a window is few rows.
var sources = []source{{"scan", scans}, {"claim", claims}, {"ledger_entry", entries}, {"member", members}, {"event", orders}}

// slotted is the SQL of the ten minutes that an instant lies in.
func slotted(column string) string { return column + " - " + column + " % 600000" }

func group(ctx context.Context, d *db.DB, from, until clock.Instant, into any, head, tail string) error {
	where, args := d.MadeIn(from, until)
	return d.Read(ctx).Raw(head+" WHERE "+where+tail, args...).Scan(into).Error
}

func scans(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error {
	var rows []struct {
		BrandID, ProductID id.ID
		Province           string
		Slot               clock.Instant
		N, Members         int64
	}
	err := group(ctx, d, from, until, &rows, "SELECT brand_id, product_id, province, "+slotted("at")+" AS slot, COUNT(*) AS n, SUM(CASE WHEN member_id <> 0 THEN 1 ELSE 0 END) AS members FROM scan",
		" GROUP BY 1, 2, 3, 4")
	for _, r := range rows {
		day := into.at(r.BrandID, Scan, r.Slot, r.N, r.Members)
		into.add(line{r.BrandID, Scan, Region, day, r.Province}, r.N, r.Members)
		into.add(line{r.BrandID, Scan, Product, day, r.ProductID.String()}, r.N, r.Members)
	}
	return err
}

func claims(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error {
	var rows []struct {
		BrandID, ProductID id.ID
		Slot               clock.Instant
		N, CashFen         int64
	}
	err := group(ctx, d, from, until, &rows, "SELECT brand_id, product_id, "+slotted("created_at")+" AS slot, COUNT(*) AS n, SUM(cash_fen) AS cash_fen FROM claim", " GROUP BY 1, 2, 3")
	for _, r := range rows {
		day := into.at(r.BrandID, Claim, r.Slot, r.N, r.CashFen)
		into.add(line{r.BrandID, Claim, Product, day, r.ProductID.String()}, r.N, r.CashFen)
	}
	return err
}

// flows says what an entry of the ledger means, by the kinds of its two sides. sign is -1
// for what takes back. Which side names the brand, and which the campaign: 'd', 'c' or 0.
var flows = map[[2]string]struct {
	metric          string
	sign            int64
	brand, campaign byte
}{
	{"funds", "reserved"}:    {Reserved, 1, 'd', 'c'},
	{"reserved", "promised"}: {Won, 1, 0, 'd'},
	{"promised", "paid"}:     {Paid, 1, 0, 'd'},
	{"promised", "funds"}:    {Returned, 1, 'c', 'd'},
	{"reserved", "funds"}:    {Released, 1, 'c', 'd'},
	{"*", "withdrawn"}:       {Withdrew, 1, 'c', 0},
	{"withdrawn", "*"}:       {Withdrew, -1, 'd', 0},
	{"issue", "*"}:           {Issued, 1, 'd', 0},
	{"*", "issue"}:           {Issued, -1, 'c', 0},
	{"*", "spent"}:           {Spent, 1, 'c', 0},
	{"spent", "*"}:           {Spent, -1, 'd', 0},
}

type entryRow struct {
	DebitKind, CreditKind   string
	DebitOwner, CreditOwner id.ID
	Slot                    clock.Instant
	N, Amount               int64
}

// entries reads the ledger. Owners are brands and campaigns; whoever else has an account
// is of no interest here and would make the groups many.
func entries(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error {
	const ours = "('funds', 'reserved', 'promised', 'paid', 'withdrawn', 'issue', 'spent')"
	var rows []entryRow
	err := group(ctx, d, from, until, &rows, "SELECT debit_kind, credit_kind, CASE WHEN debit_kind IN "+ours+" THEN debit_owner ELSE 0 END AS debit_owner, CASE WHEN credit_kind IN "+ours+
		" THEN credit_owner ELSE 0 END AS credit_owner, "+slotted("at")+" AS slot, COUNT(*) AS n, SUM(amount) AS amount FROM ledger_entry",
		" AND (debit_kind IN "+ours+" OR credit_kind IN "+ours+") GROUP BY 1, 2, 3, 4, 5")
	if err != nil {
		return err
	}
	brands := map[id.ID]id.ID{} // of campaigns
	for _, r := range rows {
		if f := flows[[2]string{r.DebitKind, r.CreditKind}]; f.brand == 0 && f.campaign != 0 {
			brands[r.owner(f.campaign)] = 0
		}
	}
	if len(brands) > 0 {
		var list []struct{ ID, BrandID id.ID }
		if err := d.Read(ctx).Raw("SELECT id, brand_id FROM campaign WHERE id IN ?", slices.Collect(maps.Keys(brands))).Scan(&list).Error; err != nil {
			return err
		}
		for _, c := range list {
			brands[c.ID] = c.BrandID
		}
	}
	for _, r := range rows {
		for _, kinds := range [][2]string{{r.DebitKind, r.CreditKind}, {r.DebitKind, "*"}, {"*", r.CreditKind}} {
			f, known := flows[kinds]
			if !known {
				continue
			}
			brand, campaign := r.owner(f.brand), r.owner(f.campaign)
			if f.brand == 0 {
				brand = brands[campaign]
			}
			day := into.at(brand, f.metric, r.Slot, r.N, f.sign*r.Amount)
			if campaign != 0 {
				into.add(line{brand, f.metric, Campaign, day, campaign.String()}, r.N, f.sign*r.Amount)
			}
		}
	}
	return nil
}

func (r *entryRow) owner(side byte) id.ID {
	switch side {
	case 'd':
		return r.DebitOwner
	case 'c':
		return r.CreditOwner
	}
	return 0
}

func members(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error {
	var rows []struct {
		Slot clock.Instant
		N    int64
	}
	err := group(ctx, d, from, until, &rows, "SELECT "+slotted("created_at")+" AS slot, COUNT(*) AS n FROM member", " GROUP BY 1")
	for _, r := range rows {
		into.at(0, Member, r.Slot, r.N, 0)
	}
	return err
}

// orders reads the amounts in bodies. Refunds are orders of their own with a negative one.
func orders(ctx context.Context, d *db.DB, from, until clock.Instant, into lines) error {
	var rows []struct {
		BrandID id.ID
		At      clock.Instant
		Body    []byte
	}
	err := group(ctx, d, from, until, &rows, "SELECT brand_id, at, body FROM event", " AND type = 'order'")
	for _, r := range rows {
		var body struct {
			AmountFen int64  `json:"amount_fen"`
			RefundNo  string `json:"refund_no"`
		}
		if len(r.Body) == 0 || json.Unmarshal(r.Body, &body) != nil {
			continue // of an erased person nothing is left to count
		}
		n := int64(1)
		if body.RefundNo != "" {
			n = 0
		}
		into.at(r.BrandID, Order, cut(r.At, SlotLength), n, body.AmountFen)
	}
	return err
}
