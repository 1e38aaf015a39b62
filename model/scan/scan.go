// Package scan keeps what was seen of codes (扫码) and says what it means.
//
// It owns the tables scan (every observation), code_sight (one row per code: what a
// verdict needs, in one read) and report (举报).
//
// Promises. Only members set the first verification (首次验证): link previews,
// crawlers and other apps fetch the same address, and none of them can spoil it.
// Nor can anybody before the item is on sale. A visitor who reloads within ten
// minutes is stored once. Places are coarse (province, city); an exact one is kept
// only while the member's consent stands. A verdict is a pure function of facts and
// carries its reasons. Nothing here grants anything.
package scan

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Limits of what counts as ordinary.
const (
	// RepeatWindow is how long a reload by the same visitor is the same scan.
	RepeatWindow = 10 * time.Minute
	// ManyOthers is how many scans by others make a code abnormal: the fifth query of
	// a code warns, as the anti-counterfeit systems people know do.
	ManyOthers = 4
	// travelKmh and travelMinKm: faster than an airliner, over a distance that a
	// mobile network's address cannot explain.
	travelKmh   = 900
	travelMinKm = 100
)

// Observation is one look at a genuine code.
type Observation struct {
	BrandID, ProductID, BatchID id.ID
	Serial                      int64
	CodeState                   string // issued, activated, voided, recalled
	MemberID                    id.ID  // 0: nobody we know
	Blocked                     bool   // the member earns nothing and so is nobody's first
	Visitor                     string // tells anonymous visitors apart, at most 30 bytes
	Place                       Place
	IP, UserAgent               string
}

// counts says whether the observation may set the first verification.
func (o Observation) counts() bool {
	return o.MemberID != 0 && !o.Blocked && o.CodeState == Activated
}

// verdict is what the member who looks is told of the item itself.
func (o Observation) verdict(s Sight) State {
	return authentic(Facts{Known: true, CodeState: o.CodeState, Member: o.MemberID, Sight: s}).State
}

// Kept says whether a code is kept for somebody else: its reward belongs to the member
// who verified it first, and to nobody while where it is seen makes no sense.
func (o Observation) Kept(s Sight) bool {
	v := o.verdict(s)
	return v == Elsewhere || v == Abnormal
}

func (o Observation) visitor() string {
	if o.MemberID != 0 {
		return "m:" + o.MemberID.String()
	}
	return "a:" + o.Visitor
}

// Scan is one stored observation.
type Scan struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	ProductID  id.ID         `json:"product_id"`
	BatchID    id.ID         `json:"batch_id"`
	Serial     int64         `json:"serial"`
	MemberID   id.ID         `json:"member_id"`
	Visitor    string        `json:"-"`
	WindowNo   int64         `json:"-"`
	Verdict    string        `json:"verdict"`
	Province   string        `json:"province"`
	City       string        `json:"city"`
	ExactPlace string        `json:"exact_place"` // "31.2304,121.4737", only with consent
	IP         string        `json:"ip"`
	UserAgent  string        `json:"user_agent"`
	At         clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Scan) TableName() string { return "scan" }

// Sight is what is known of one code. The zero value is a code nobody has seen.
type Sight struct {
	BatchID     id.ID         `json:"batch_id"`
	Serial      int64         `json:"serial"`
	FirstMember id.ID         `json:"first_member"`
	FirstAt     clock.Instant `json:"first_at"`
	FirstCity   string        `json:"first_city"`
	Scans       int64         `json:"scans"`     // by members
	Others      int64         `json:"others"`    // of these, by members who are not the first
	Anonymous   int64         `json:"anonymous"` // by nobody we know; never counts against the code
	LastMember  id.ID         `json:"last_member"`
	LastAt      clock.Instant `json:"last_at"`
	LastCity    string        `json:"last_city"`
	LastLatE4   int32         `json:"-"`
	LastLonE4   int32         `json:"-"`
	FlaggedAt   clock.Instant `json:"flagged_at"`
	FlagReason  string        `json:"flag_reason"`

	// Fresh says that this very observation set the first verification; it is not
	// stored.
	Fresh bool `json:"-" gorm:"-"`
}

// TableName names the table for GORM.
func (Sight) TableName() string { return "code_sight" }

// Store records and reads.
type Store struct {
	db       *db.DB
	consents *consent.Store
	merger   *db.Merger[record]
}

// New makes a store. One store per process, so that its observations are merged.
func New(d *db.DB, consents *consent.Store) *Store {
	s := &Store{db: d, consents: consents}
	s.merger = db.NewMerger(d, s.write)
	return s
}

func windowNo(at clock.Instant) int64 { return int64(at) / RepeatWindow.Milliseconds() }

// suspicion is the flag this observation raises by where it comes from, or "". The
// same member's two places say more about his network than about the code.
func suspicion(last Sight, o Observation, now clock.Instant) string {
	if !o.counts() || last.LastAt == 0 || last.LastMember == o.MemberID {
		return ""
	}
	km, ok := distance(Place{LatE4: last.LastLatE4, LonE4: last.LastLonE4}, o.Place)
	// A clock that jumped back makes the time between negative: its size is what counts.
	apart := now.Sub(last.LastAt).Abs()
	if !ok || km <= travelMinKm || float64(km) <= travelKmh*apart.Hours() {
		return ""
	}
	return fmt.Sprintf("travel:%d:%d", km, int64(apart/time.Minute))
}

// Sight reads what is known of a code; a code never seen has the zero Sight.
func (s *Store) Sight(ctx context.Context, batchID id.ID, serial int64) (Sight, error) {
	return take(s.db.Read(ctx), batchID, serial)
}

func take(tx *gorm.DB, batchID id.ID, serial int64) (Sight, error) {
	var out Sight
	err := tx.Where("batch_id = ? AND serial = ?", batchID, serial).Take(&out).Error
	if err != nil && !db.IsNotFound(err) {
		return Sight{}, fmt.Errorf("scan: sight: %w", err)
	}
	return out, nil
}

// OfMember lists a member's scans before a moment (0: now), newest first.
func (s *Store) OfMember(ctx context.Context, memberID id.ID, before clock.Instant, limit int) ([]Scan, error) {
	return s.list(ctx, before, limit, "member_id = ?", memberID)
}

// OfCode lists the scans of one code, newest first, at most limit.
func (s *Store) OfCode(ctx context.Context, batchID id.ID, serial int64, before clock.Instant, limit int) ([]Scan, error) {
	return s.list(ctx, before, limit, "batch_id = ? AND serial = ?", batchID, serial)
}

func (s *Store) list(ctx context.Context, before clock.Instant, limit int, where string, args ...any) ([]Scan, error) {
	q := s.db.Read(ctx).Where(where, args...)
	if before != 0 {
		q = q.Where("at < ?", before)
	}
	out := []Scan{}
	if err := q.Order("at DESC, id DESC").Limit(min(max(limit, 1), db.MaxPage)).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("scan: list: %w", err)
	}
	return out, nil
}

// PutExactPlace writes where a member says his newest scan of a code (within the
// repeat window) was, in degrees. Faults: Forbidden consent_missing, Invalid
// place_malformed, NotFound scan_not_found.
func (s *Store) PutExactPlace(ctx context.Context, memberID, batchID id.ID, serial int64, lat, lon float64) error {
	// Written so that NaN fails too.
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return fault.NewInvalid("place_malformed", "位置格式不对")
	}
	scans, err := s.list(ctx, 0, 1, "batch_id = ? AND serial = ? AND visitor = ? AND at > ?",
		batchID, serial, Observation{MemberID: memberID}.visitor(), s.db.Now().Add(-RepeatWindow))
	if err != nil {
		return err
	}
	if len(scans) == 0 {
		return fault.New(fault.NotFound, "scan_not_found", "没有找到最近的扫码记录")
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE scan SET exact_place = ? WHERE id = ?", fmt.Sprintf("%.4f,%.4f", lat, lon), scans[0].ID).Error; err != nil {
			return err
		}
		// After the write: a withdrawal at the same time either waits for this row and
		// clears it, or is seen here.
		given, err := s.consents.GivenTx(tx, memberID, consent.ExactPlace)
		if err == nil && !given {
			err = fault.New(fault.Forbidden, "consent_missing", "您尚未同意保存精确位置")
		}
		return err
	})
}

// cut makes text from outside fit a column: valid UTF-8, printable, at most n
// characters.
func cut(s string, n int) string {
	if len(s) > 4*n { // no character is longer
		s = s[:4*n]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n])
	}
	return s
}
