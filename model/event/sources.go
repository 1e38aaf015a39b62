package event

import (
	"cmp"
	"context"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
)

// Code is the channel of what happened at a code: whether on a page or in the mini
// program is not kept with a scan.
const Code = "code"

// limited ends a query; 0 is no limit.
func limited(args []any, limit int) (string, []any) {
	if limit == 0 {
		return "", args
	}
	return " LIMIT ?", append(args, limit)
}

// scans reads members' scans from the table scan. Its exact place, address and browser
// stay there: they are kept for less time and for another purpose.
func (p *Projector) scans(ctx context.Context, from, until clock.Instant, limit int) ([]Event, int, error) {
	where, args := p.s.db.MadeIn(from, until)
	tail, args := limited(args, limit)
	var rows []struct {
		ScanBody
		ID, BrandID, MemberID id.ID
		At                    clock.Instant
	}
	err := p.s.db.Read(ctx).Raw("SELECT id, brand_id, product_id, batch_id, serial, member_id, verdict, province, city, at FROM scan WHERE "+where+tail, args...).Scan(&rows).Error
	events := make([]Event, 0, len(rows))
	for _, r := range rows {
		if r.MemberID != 0 { // previews, crawlers and people who never logged in
			events = append(events, Event{Key: "scan:" + r.ID.String(), Type: Scan, BrandID: r.BrandID, MemberID: r.MemberID, Channel: Code, At: r.At, Body: Body(r.ScanBody)})
		}
	}
	return events, len(rows), err
}

// claims reads the table claim, and from scan where its member was when he saw the code.
func (p *Projector) claims(ctx context.Context, from, until clock.Instant, limit int) ([]Event, int, error) {
	where, args := p.s.db.MadeIn(from, until)
	tail, args := limited(args, limit)
	var rows []claimRow
	err := p.s.db.Read(ctx).Raw("SELECT id, batch_id, serial, brand_id, product_id, member_id, campaign_id, kind, prize, cash_fen, points, created_at FROM claim WHERE "+where+tail, args...).Scan(&rows).Error
	if err != nil {
		return nil, 0, err
	}
	places, err := p.places(ctx, rows)
	events := make([]Event, 0, len(rows))
	for _, r := range rows {
		at := places[r.visit()]
		r.Province, r.City = at.Province, at.City
		events = append(events, Event{Key: "claim:" + r.ID.String(), Type: Claim, BrandID: r.BrandID, MemberID: r.MemberID, Channel: Code, At: r.CreatedAt, Body: Body(r.ClaimBody)})
	}
	return events, len(rows), err
}

type claimRow struct {
	ClaimBody
	ID, BrandID, MemberID id.ID
	CreatedAt             clock.Instant
}

type visit struct {
	batch  id.ID
	serial int64
	member id.ID
}

func (r *claimRow) visit() visit { return visit{r.BatchID, r.Serial, r.MemberID} }

type seen struct {
	BatchID        id.ID
	Serial         int64
	MemberID       id.ID
	Province, City string
	At             clock.Instant
}

// places returns where members were at their last scan of the code they claimed, as far
// as that is known.
func (p *Projector) places(ctx context.Context, claims []claimRow) (map[visit]seen, error) {
	const per = 250 // SQLite bounds the depth of a condition
	places := make(map[visit]seen, len(claims))
	for len(claims) > 0 {
		part := claims[:min(per, len(claims))]
		claims = claims[len(part):]
		args := make([]any, 0, 2*len(part))
		for _, c := range part {
			args = append(args, c.BatchID, c.Serial)
		}
		var rows []seen
		err := p.s.db.Read(ctx).Raw("SELECT batch_id, serial, member_id, province, city, at FROM scan WHERE "+
			strings.TrimSuffix(strings.Repeat("batch_id = ? AND serial = ? OR ", len(part)), " OR "), args...).Scan(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			k := visit{r.BatchID, r.Serial, r.MemberID}
			if old, there := places[k]; r.Province+r.City != "" && (!there || cmp.Compare(old.At, r.At) < 0) {
				places[k] = r
			}
		}
	}
	return places, nil
}
