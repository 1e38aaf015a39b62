package claim

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// Seen is what the tables know of a code and of the member who looks at it, before this
// look counts.
type Seen struct {
	MemberState string // "" when nobody looks, or the member is gone
	Blocked     bool   // he, or another member of the same human, earns nothing
	Sight       scan.Sight
	First       bool              // Sight's first member is the same human
	Recent      bool              // the visitor was stored within scan.RepeatWindow
	Claim       *Claim            // nil: not claimed
	Mine        bool              // Claim is the same human's
	Payout      *redpacket.Payout // of Claim, if it is his; nil: none
	UsedToday   int               // the member's claims in the campaign today
}

// Columns of the joined tables, each under a prefix of its own.
var (
	sightPart  = aliased("s", "batch_id, serial, first_member, first_at, first_city, scans, others, anonymous, last_member, last_at, last_city, last_lat_e4, last_lon_e4, flagged_at, flag_reason")
	claimPart  = aliased("c", "id, batch_id, serial, brand_id, product_id, member_id, campaign_id, tier, kind, prize, cash_fen, points, day, created_at")
	payoutPart = aliased("p", "id, claim_id, account_id, rail, app_id, amount_fen, bill_no, state, wait_user, wechat_no, package_info, code, reason, review, created_at, moved_at, next_at, finished_at")
)

func aliased(table, columns string) string {
	parts := strings.Split(columns, ", ")
	for i, c := range parts {
		parts[i] = table + "." + c + " AS " + table + "_" + c
	}
	return strings.Join(parts, ", ")
}

// shut counts the members of m's human who are not active: the root and whoever is below
// it, each by its key.
var shut = "(SELECT COUNT(*) FROM member b WHERE b.id = " + member.RootSQL("m") + " AND b.state <> 'active') + (SELECT COUNT(*) FROM member b WHERE b.root_id = " + member.RootSQL("m") + " AND b.state <> 'active')"

func root(alias string) string { return member.RootSQL(alias) }

// Look reads what a page about a code needs, in one read of single rows by their keys:
// a page that asked six tables one after another would wait six times. campaignID is
// the campaign over the code, 0 for none. It takes no lock.
func (s *Store) Look(ctx context.Context, o scan.Observation, campaignID id.ID) (Seen, error) {
	var row struct {
		MemberState string
		RootID      id.ID
		Shut        int
		FirstMine   bool
		ClaimMine   bool
		UsedToday   int
		Recent      bool
		Sight       scan.Sight       `gorm:"embedded;embeddedPrefix:s_"`
		Claim       Claim            `gorm:"embedded;embeddedPrefix:c_"`
		Payout      redpacket.Payout `gorm:"embedded;embeddedPrefix:p_"`
	}
	now := s.db.Now()
	recent, args := scan.Recent(o, now)
	err := s.db.Read(ctx).Raw("SELECT m.state AS member_state, m.root_id, "+shut+" AS shut, "+root("f")+" = "+root("m")+" AS first_mine, "+root("k")+" = "+root("m")+" AS claim_mine, u.used AS used_today, "+recent+" AS recent, "+sightPart+", "+claimPart+", "+payoutPart+`
		FROM (SELECT 1 AS one) AS single
		LEFT JOIN member m ON m.id = ?
		LEFT JOIN claim_counter u ON u.counter_key = ?
		LEFT JOIN code_sight s ON s.batch_id = ? AND s.serial = ?
		LEFT JOIN member f ON f.id = s.first_member
		LEFT JOIN claim c ON c.batch_id = ? AND c.serial = ?
		LEFT JOIN member k ON k.id = c.member_id
		LEFT JOIN payout p ON p.claim_id = c.id AND `+root("k")+" = "+root("m"),
		append(args, o.MemberID, dayKey(clock.DayOf(now), campaignID, o.MemberID), o.BatchID, o.Serial, o.BatchID, o.Serial)...).Scan(&row).Error
	if err == nil && row.RootID != 0 { // few: the counter is the human's
		err = s.db.Read(ctx).Raw("SELECT used FROM claim_counter WHERE counter_key = ?", dayKey(clock.DayOf(now), campaignID, row.RootID)).Scan(&row.UsedToday).Error
	}
	if err != nil {
		return Seen{}, fmt.Errorf("claim: look: %w", err)
	}
	out := Seen{MemberState: row.MemberState, Blocked: row.Shut > 0, First: row.FirstMine, Mine: row.ClaimMine, Sight: row.Sight, Recent: row.Recent, UsedToday: row.UsedToday}
	if row.Claim.ID != 0 {
		out.Claim = &row.Claim
	}
	if row.Payout.ID != 0 {
		out.Payout = &row.Payout
	}
	return out, nil
}

// dayKey is the counter of a member's claims in a campaign on one business day.
func dayKey(day clock.Day, campaignID, memberID id.ID) string {
	return "d" + strconv.Itoa(int(day)) + ":" + campaignID.String() + ":" + memberID.String()
}
