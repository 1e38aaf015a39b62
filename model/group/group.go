// Package group keeps communities (社群): WeChat groups that leaders run and WeCom
// customer groups, the live codes (活码) that lead into them, their capacity, health and
// templates.
//
// It owns the tables group_policy, community, community_template, community_kit,
// live_code, live_target, live_place, live_hand, live_dead, live_switch and
// community_alarm.
//
// States of a community:
//
//	open --> full        size + places handed out reach what may join by scanning
//	open, full --> expired   the join code's time is over
//	any --> closed       by a person, or dismissed in WeCom
//
// and back: a smaller size or a larger capacity opens a full one, a new join code revives
// an expired one, reopening a closed one. Every way back is checked against the others.
//
// WeChat tells nobody who joins a group. So the fill is an estimate: the size somebody
// reported, plus the places that live codes handed out since. A report corrects it.
//
// Promises: nobody is sent to a community that is full, expired or closed at that moment,
// however many come at once, because a place is taken by a guarded update and not by
// looking; a visitor who comes again sees the same community while it lives and takes no
// second place; what a leader asks for that is not his does not exist. Nothing here earns
// anybody anything.
package group

import (
	"strings"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// Kinds of community.
const (
	WeChat = "wechat" // 微信群: its join code lives seven days
	WeCom  = "wecom"  // 企业微信客户群: its join code does not end
)

// States of a community.
const (
	Open    = "open"
	Full    = "full"
	Expired = "expired"
	Closed  = "closed"
)

// Who closed a community. Only the office opens again what the office closed.
const (
	byLeader = "leader"
	byOffice = "office"
	byItself = "auto" // the leader stood down, or WeCom dismissed it
)

// Forever is the end of a join code that has none.
const Forever clock.Instant = 253_402_300_799_000 // the last second of 9999

// Community is one group of people.
type Community struct {
	ID             id.ID         `json:"id"`
	BrandID        id.ID         `json:"brand_id"`
	LeaderID       id.ID         `json:"leader_id"` // none: the company's own
	LeaderMemberID id.ID         `json:"-"`
	Kind           string        `json:"kind"`
	ChatKey        string        `json:"-"`
	Name           string        `json:"name"`
	OwnerName      string        `json:"owner_name"`
	Province       string        `json:"province"`
	City           string        `json:"city"`
	Size           int           `json:"size"`          // people in it when that was last told
	SizeAt         clock.Instant `json:"size_at"`       // none: never told
	Capacity       int           `json:"capacity"`      // people it may hold
	ScanCapacity   int           `json:"scan_capacity"` // people up to which one can join by scanning
	Pending        int           `json:"pending"`       // places handed out since the size was told
	FillRound      int           `json:"-"`             // how often it became roomy again
	QR             string        `json:"qr"`            // text of the join code, "" = none yet
	QRAt           clock.Instant `json:"qr_at"`
	QRExpiresAt    clock.Instant `json:"qr_expires_at"`
	State          string        `json:"state"`
	Reason         string        `json:"reason"`    // why it is closed
	ClosedBy       string        `json:"closed_by"` // leader, office or auto; "" while it is not closed
	Version        int64         `json:"-"`
	CreatedAt      clock.Instant `json:"created_at"`
	UpdatedAt      clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Community) TableName() string { return "community" }

// Fill is how many people are in it, as far as can be known.
func (c Community) Fill() int { return c.Size + c.Pending }

// Left is how many more may be sent to it.
func (c Community) Left() int { return max(0, c.ScanCapacity-c.Fill()) }

// Takes says whether newcomers may be sent to it at a moment.
func (c Community) Takes(at clock.Instant) bool {
	return c.State == Open && c.QR != "" && c.QRExpiresAt > at && c.Left() > 0
}

// keeps says whether somebody who was sent to it before may be sent again: his place is
// counted, so the estimate may be at the brim, but not the people who are really in it.
func (c Community) keeps(at clock.Instant) bool {
	return (c.State == Open || c.State == Full) && c.QR != "" && c.QRExpiresAt > at && c.Size < c.ScanCapacity
}

// stateAt is the state that the facts make, but for closing, which a person decides.
func (c Community) stateAt(now clock.Instant) string {
	switch {
	case c.QR != "" && c.QRExpiresAt <= now:
		return Expired
	case c.Fill() >= c.ScanCapacity:
		return Full
	}
	return Open
}

// Draft is what a person says of a community.
type Draft struct {
	BrandID   id.ID  `json:"brand_id"`
	LeaderID  id.ID  `json:"leader_id"`
	Kind      string `json:"kind"` // "" = wechat
	Name      string `json:"name"`
	OwnerName string `json:"owner_name"`
	Province  string `json:"province"`
	City      string `json:"city"`
	Capacity  int    `json:"capacity"` // 0 = the policy's
}

func (d *Draft) check(p Policy) error {
	if d.Kind == "" {
		d.Kind = WeChat
	}
	if d.Capacity == 0 {
		d.Capacity = p.ScanLimit
	}
	for _, s := range []*string{&d.Name, &d.OwnerName, &d.Province, &d.City} {
		*s = strings.TrimSpace(*s)
	}
	switch {
	case d.Kind != WeChat && d.Kind != WeCom:
		return bad("kind", "群类型应为 wechat（微信群）或 wecom（企业微信客户群）")
	case !text(d.Name, 1, 64):
		return bad("name", "群名称应为 1 到 64 个字")
	case !text(d.OwnerName, 0, 64):
		return bad("owner_name", "群主名称最多 64 个字")
	case !text(d.Province, 0, 32) || !text(d.City, 0, 32):
		return bad("city", "省、市名称最多 32 个字")
	case d.Capacity < 1 || d.Capacity > p.Ceiling:
		return fault.Invalidf("community", "群人数上限应为 1 到 %d", p.Ceiling).With("field", "capacity")
	}
	return lawful.Check("name", d.Name)
}

// By is who acts: the back office, or a leader, who reaches only what is his own.
type By struct {
	OperatorID id.ID
	LeaderID   id.ID
}

// closes names who closes.
func (b By) closes() string {
	if b.LeaderID != 0 {
		return byLeader
	}
	return byOffice
}

// owns says whether a community is within reach.
func (b By) owns(c Community) bool { return b.LeaderID == 0 || b.LeaderID == c.LeaderID }

var (
	errMissing = fault.New(fault.NotFound, "community_not_found", "没有这个社群")
	errClosed  = fault.New(fault.Conflict, "community_closed", "这个社群已关闭，请先重新开放")
)

func bad(field, what string) error {
	return fault.NewInvalid("community", what).With("field", field)
}

// text says whether s is valid text of least to most characters without line breaks.
func text(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most && !strings.ContainsAny(s, "\r\n\x00")
}

// prose is text that may have lines.
func prose(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.Contains(s, "\x00")
}

// area is a region's name without its suffix: tables of addresses and people write 上海市
// and 上海 for the same place.
func area(s string) string {
	for _, suffix := range []string{"壮族自治区", "回族自治区", "维吾尔自治区", "特别行政区", "自治区", "省", "市"} {
		if short, ok := strings.CutSuffix(s, suffix); ok && short != "" {
			return short
		}
	}
	return s
}

func sameArea(a, b string) bool { return a != "" && area(a) == area(b) }
