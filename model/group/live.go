package group

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// Strategies of a live code.
const (
	Fill   = "fill"   // one community after another, in the order of the list
	Spread = "spread" // whoever got the fewest is next
)

// States of a live code and of its targets.
const (
	Live          = "live"
	Paused        = "paused"
	targetLive    = "live"
	targetDropped = "dropped"
)

// maxTargets bounds the list of a live code.
const maxTargets = 100

// LiveCode is one printed QR code (活码) whose target changes.
type LiveCode struct {
	ID       id.ID  `json:"id"`
	BrandID  id.ID  `json:"brand_id"`
	Name     string `json:"name"`
	Token    string `json:"token"` // the last part of its address, for ever
	Strategy string `json:"strategy"`
	// RegionFirst prefers communities of the visitor's city, then of his province.
	RegionFirst  bool          `json:"region_first"`
	LeaderID     id.ID         `json:"leader_id"` // only communities of this leader; none: of any
	Province     string        `json:"province"`  // only communities of this region; "" = of any
	City         string        `json:"city"`
	FallbackText string        `json:"fallback_text"` // what a visitor reads when there is no place
	FallbackQR   string        `json:"fallback_qr"`   // text of customer service's code; "" = none
	State        string        `json:"state"`
	DeadRound    int           `json:"-"`
	Waiting      int           `json:"-"`
	CreatedAt    clock.Instant `json:"created_at"`
	UpdatedAt    clock.Instant `json:"updated_at"`
	Targets      []Target      `json:"targets" gorm:"-"`
}

// TableName names the table for GORM.
func (LiveCode) TableName() string { return "live_code" }

// Target is one community of a live code.
type Target struct {
	ID          id.ID  `json:"-"`
	LiveCodeID  id.ID  `json:"-"`
	CommunityID id.ID  `json:"community_id"`
	PlaceNo     int    `json:"-"`
	MaxHanded   int    `json:"max_handed"` // places this code may hand out for it; 0 = no limit of its own
	Handed      int    `json:"handed"`
	State       string `json:"state"` // live, dropped
}

// TableName names the table for GORM.
func (Target) TableName() string { return "live_target" }

// LiveDraft is what a person says of a live code.
type LiveDraft struct {
	BrandID      id.ID         `json:"brand_id"`
	Name         string        `json:"name"`
	Strategy     string        `json:"strategy"`
	RegionFirst  bool          `json:"region_first"`
	LeaderID     id.ID         `json:"leader_id"`
	Province     string        `json:"province"`
	City         string        `json:"city"`
	FallbackText string        `json:"fallback_text"`
	FallbackQR   string        `json:"fallback_qr"` // text of a code, e.g. https://work.weixin.qq.com/kfid/...
	Targets      []TargetDraft `json:"targets"`     // in the order in which they are filled
}

// TargetDraft is one line of the list.
type TargetDraft struct {
	CommunityID id.ID `json:"community_id"`
	MaxHanded   int   `json:"max_handed"`
}

var errCode = fault.New(fault.NotFound, "live_code_not_found", "没有这个活码")

func badCode(field, what string) error {
	return fault.NewInvalid("live_code", what).With("field", field)
}

func (d *LiveDraft) check() error {
	for _, s := range []*string{&d.Name, &d.Province, &d.City, &d.FallbackText, &d.FallbackQR} {
		*s = strings.TrimSpace(*s)
	}
	if d.Strategy == "" {
		d.Strategy = Fill
	}
	seen := map[id.ID]bool{}
	for _, t := range d.Targets {
		if t.CommunityID == 0 || seen[t.CommunityID] {
			return badCode("targets", "每个社群只能列一次")
		}
		if t.MaxHanded < 0 || t.MaxHanded > 100_000 {
			return badCode("targets", "单个社群的发放上限应为 0 到 100000")
		}
		seen[t.CommunityID] = true
	}
	switch {
	case !text(d.Name, 1, 64):
		return badCode("name", "活码名称应为 1 到 64 个字")
	case d.Strategy != Fill && d.Strategy != Spread:
		return badCode("strategy", "分配方式应为 fill（依次加满）或 spread（平均分配）")
	case !text(d.Province, 0, 32) || !text(d.City, 0, 32):
		return badCode("city", "省、市名称最多 32 个字")
	case !prose(d.FallbackText, 300):
		return badCode("fallback_text", "备用文字最多 300 个字")
	case d.FallbackQR != "" && !service(d.FallbackQR):
		return badCode("fallback_qr", "客服二维码应为微信的 https 地址，最多 200 个字符")
	case len(d.Targets) > maxTargets:
		return fault.Invalidf("live_code", "一个活码最多 %d 个社群", maxTargets).With("field", "targets")
	}
	return lawful.Check("fallback_text", d.FallbackText)
}

// allows says whether a code's restrictions admit a community.
func (l LiveCode) allows(c Community) bool {
	return c.BrandID == l.BrandID && (l.LeaderID == 0 || c.LeaderID == l.LeaderID) &&
		(l.Province == "" || sameArea(l.Province, c.Province)) && (l.City == "" || sameArea(l.City, c.City))
}

// SaveCode makes a live code (codeID 0) or changes one; its token never changes. A target
// that leaves the list is forgotten there, but not in the statistics. Faults: Invalid
// live_code, NotFound live_code_not_found, community_not_found, leader_not_found.
func (s *Store) SaveCode(ctx context.Context, codeID id.ID, d LiveDraft) (LiveCode, error) {
	if err := d.check(); err != nil {
		return LiveCode{}, err
	}
	now := s.db.Now()
	l := LiveCode{ID: s.db.NewID(), BrandID: d.BrandID, Token: s.newToken(), State: Live, CreatedAt: now}
	if codeID != 0 {
		old, err := s.Code(ctx, codeID)
		if err != nil {
			return LiveCode{}, err
		}
		l = old
	}
	if _, err := s.leader(ctx, d.LeaderID, l.BrandID); err != nil {
		return LiveCode{}, err
	}
	l.Name, l.Strategy, l.RegionFirst, l.LeaderID, l.Province, l.City = d.Name, d.Strategy, d.RegionFirst, d.LeaderID, d.Province, d.City
	l.FallbackText, l.FallbackQR, l.UpdatedAt = d.FallbackText, d.FallbackQR, now
	for _, t := range d.Targets {
		c, err := s.Get(ctx, By{}, t.CommunityID)
		if err != nil {
			return LiveCode{}, err
		}
		if !l.allows(c) {
			return LiveCode{}, badCode("targets", "“"+c.Name+"”不属于这个活码限定的品牌、群主或地区")
		}
	}
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		if codeID == 0 {
			if err := tx.Create(&l).Error; err != nil {
				return err
			}
		} else if err := tx.Model(&LiveCode{}).Where("id = ?", l.ID).Updates(map[string]any{"name": l.Name, "strategy": l.Strategy, "region_first": l.RegionFirst,
			"leader_id": l.LeaderID, "province": l.Province, "city": l.City, "fallback_text": l.FallbackText, "fallback_qr": l.FallbackQR, "updated_at": now}).Error; err != nil {
			return err
		}
		return s.saveTargets(ctx, tx, l.ID, d.Targets)
	})
	if err != nil {
		return LiveCode{}, fmt.Errorf("group: live code: %w", err)
	}
	return s.Code(ctx, l.ID)
}

// saveTargets makes the list of a code what was asked for. Each community is gone through
// once more after it is listed, so that what happened to it meanwhile is not missed.
func (s *Store) saveTargets(ctx context.Context, tx *gorm.DB, codeID id.ID, list []TargetDraft) error {
	keep, now := []id.ID{0}, s.db.Now()
	for i, d := range list {
		keep = append(keep, d.CommunityID)
		c, err := get(tx, d.CommunityID)
		if err != nil {
			return err
		}
		state := targetDropped
		if c.Takes(now) {
			state = targetLive
		}
		r := tx.Exec("INSERT INTO live_target (id, live_code_id, community_id, place_no, max_handed, handed, state) VALUES (?,?,?,?,?,0,?)"+s.db.Once("place_no"),
			s.db.NewID(), codeID, d.CommunityID, i, d.MaxHanded, state)
		if r.Error != nil {
			return r.Error
		}
		if r.RowsAffected == 1 && state == targetLive {
			if err := s.alive(tx, codeID, now); err != nil {
				return err
			}
		}
		if err := s.limit(tx, codeID, i, d, now); err != nil {
			return err
		}
		if err := s.change(ctx, tx, d.CommunityID, func(*Community) error { return nil }); err != nil {
			return err
		}
	}
	return tx.Exec("DELETE FROM live_target WHERE live_code_id = ? AND community_id NOT IN ?", codeID, keep).Error
}

// limit gives a target its place and limit in the list.
func (s *Store) limit(tx *gorm.DB, codeID id.ID, placeNo int, d TargetDraft, now clock.Instant) error {
	err := tx.Exec("UPDATE live_target SET place_no = ?, max_handed = ? WHERE live_code_id = ? AND community_id = ?", placeNo, d.MaxHanded, codeID, d.CommunityID).Error
	if err != nil || d.MaxHanded == 0 {
		return err
	}
	var over []id.ID
	err = tx.Raw("SELECT id FROM live_target WHERE live_code_id = ? AND community_id = ? AND handed >= max_handed", codeID, d.CommunityID).Scan(&over).Error
	if err != nil || len(over) == 0 {
		return err
	}
	return s.dropOne(tx, targetRef{over[0], codeID}, d.CommunityID, causeLimit, now)
}

// Code reads a live code with its targets. Fault: NotFound live_code_not_found.
func (s *Store) Code(ctx context.Context, codeID id.ID) (LiveCode, error) {
	return s.code(ctx, "id = ?", codeID)
}

func (s *Store) code(ctx context.Context, where string, arg any) (LiveCode, error) {
	var l LiveCode
	err := s.db.Read(ctx).Where(where, arg).Take(&l).Error
	if db.IsNotFound(err) {
		return l, errCode
	}
	if err == nil {
		err = s.db.Read(ctx).Where("live_code_id = ?", l.ID).Order("place_no, id").Find(&l.Targets).Error
	}
	if err != nil {
		return l, fmt.Errorf("group: live code: %w", err)
	}
	return l, nil
}

// Codes pages the live codes of a brand, newest first, with their targets.
func (s *Store) Codes(ctx context.Context, brandID, before id.ID, limit int) ([]LiveCode, error) {
	out := []LiveCode{}
	if err := db.Page(s.db.Read(ctx).Where("brand_id = ?", brandID), "live_code", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("group: live codes: %w", err)
	}
	place := map[id.ID]int{}
	ids := make([]id.ID, len(out))
	for i, l := range out {
		ids[i], place[l.ID], out[i].Targets = l.ID, i, []Target{}
	}
	var targets []Target
	if err := s.db.Read(ctx).Where("live_code_id IN ?", ids).Order("live_code_id, place_no, id").Find(&targets).Error; err != nil {
		return nil, fmt.Errorf("group: live codes: %w", err)
	}
	for _, t := range targets {
		at := &out[place[t.LiveCodeID]].Targets
		*at = append(*at, t)
	}
	return out, nil
}

// CountCodes counts what Codes pages, up to db.MaxTotal.
func (s *Store) CountCodes(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&LiveCode{}).Where("brand_id = ?", brandID))
}

// Pause makes a code answer with its fallback; Resume takes that back.
func (s *Store) Pause(ctx context.Context, codeID id.ID) (LiveCode, error) {
	return s.turn(ctx, codeID, Paused)
}

// Resume takes back a Pause.
func (s *Store) Resume(ctx context.Context, codeID id.ID) (LiveCode, error) {
	return s.turn(ctx, codeID, Live)
}

func (s *Store) turn(ctx context.Context, codeID id.ID, state string) (LiveCode, error) {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&LiveCode{}).Where("id = ?", codeID).Updates(map[string]any{"state": state, "updated_at": s.db.Now()}).Error
	})
	if err != nil {
		return LiveCode{}, fmt.Errorf("group: live code: %w", err)
	}
	return s.Code(ctx, codeID)
}

// A token is 10 random characters and 4 that sign them, all of Crockford's alphabet, which
// fits a QR code's alphanumeric mode. It is no secret, it stands in print; the signature
// only keeps guesses away from the database.
const (
	alphabet    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	tokenRandom = 10
	tokenLength = tokenRandom + 4
)

func (s *Store) newToken() string {
	b := make([]byte, tokenRandom)
	rand.Read(b) // never fails since Go 1.24
	return s.signed(letters(b))
}

func letters(b []byte) string {
	out := make([]byte, len(b))
	for i, x := range b {
		out[i] = alphabet[x%32]
	}
	return string(out)
}

func (s *Store) signed(random string) string {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(random))
	return random + letters(h.Sum(nil)[:tokenLength-tokenRandom])
}

// genuine returns the token as it is stored; people type small letters too.
func (s *Store) genuine(token string) (string, bool) {
	t := strings.ToUpper(token)
	return t, len(t) == tokenLength && hmac.Equal([]byte(s.signed(t[:tokenRandom])), []byte(t))
}

// ByToken reads a live code by the last part of its address; a forged one costs no SQL.
// Fault: NotFound live_code_not_found.
func (s *Store) ByToken(ctx context.Context, token string) (LiveCode, error) {
	t, ok := s.genuine(token)
	if !ok {
		return LiveCode{}, errCode
	}
	return s.code(ctx, "token = ?", t)
}
