package fraud

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/referral"
)

// trace is how one referral came about.
type trace struct {
	BindingID  id.ID
	BrandID    id.ID
	ReferrerID id.ID
	MemberID   id.ID
	Role       string
	DeviceHash string
	IPHash     string
	Newcomer   bool
	At         clock.Instant
}

func (trace) TableName() string { return "fraud_trace" }

// Seen keeps that a member held a device (a keyed hash; "" is nothing). Whoever serves a
// referrer's pages tells it, so that his own device is known when it registers others.
func (s *Store) Seen(ctx context.Context, memberID id.ID, deviceHash string) error {
	if memberID == 0 || deviceHash == "" {
		return nil
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return s.seenTx(tx, memberID, deviceHash, s.db.Now()) })
}

func (s *Store) seenTx(tx *gorm.DB, memberID id.ID, deviceHash string, at clock.Instant) error {
	if err := tx.Exec("INSERT INTO fraud_device (device_hash, member_id, first_at, last_at) VALUES (?, ?, ?, ?)"+s.db.Once("first_at"),
		deviceHash, memberID, at, at).Error; err != nil {
		return err
	}
	// Once a day is enough to know, and costs a page view nothing more.
	return tx.Exec("UPDATE fraud_device SET last_at = ? WHERE device_hash = ? AND member_id = ? AND last_at < ?", at, deviceHash, memberID, at.Add(-24*time.Hour)).Error
}

// Consume is the event.Consumer that looks at every new referral.
func (s *Store) Consume(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		var body struct {
			Role    string `json:"role"`
			OtherID id.ID  `json:"other_id"`
		}
		// Partners' reports of referrals bind nobody; only ours carry the other's id.
		if e.Type != event.Referral || json.Unmarshal(e.Body, &body) != nil || body.Role != "referee" || body.OtherID == 0 {
			continue
		}
		b, ok, err := s.relations.ReferrerOf(ctx, e.BrandID, e.MemberID, s.db.Now())
		if err != nil {
			return err
		}
		if !ok || b.MemberID != e.MemberID || b.ReferrerID != body.OtherID {
			continue // ended or changed meanwhile, or the human has another one
		}
		if err := s.Look(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// Look keeps how a referral came about and opens the cases it makes. The same referral
// again changes nothing.
func (s *Store) Look(ctx context.Context, b referral.Binding) error {
	m, err := s.families.Get(ctx, b.MemberID)
	if err != nil {
		return err
	}
	p, err := s.Policy(ctx, b.BrandID)
	if err != nil {
		return err
	}
	tr := trace{BindingID: b.ID, BrandID: b.BrandID, ReferrerID: b.ReferrerID, MemberID: b.MemberID, Role: b.Role, DeviceHash: b.DeviceHash, IPHash: b.IPHash,
		Newcomer: b.BoundAt.Sub(m.CreatedAt) < time.Duration(p.NewcomerMinute)*time.Minute, At: b.BoundAt}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("INSERT INTO fraud_trace (binding_id, brand_id, referrer_id, member_id, role, device_hash, ip_hash, newcomer, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"+
			s.db.Once("at"), tr.BindingID, tr.BrandID, tr.ReferrerID, tr.MemberID, tr.Role, tr.DeviceHash, tr.IPHash, tr.Newcomer, tr.At).Error; err != nil {
			return err
		}
		if tr.DeviceHash == "" {
			return nil
		}
		return s.seenTx(tx, tr.MemberID, tr.DeviceHash, tr.At)
	})
	if err != nil {
		return fmt.Errorf("fraud: trace: %w", err)
	}
	for _, rule := range []func(context.Context, trace, Policy) error{s.ring, s.ownDevice, s.device, s.address, s.burst} {
		if err := rule(ctx, tr, p); err != nil {
			return fmt.Errorf("fraud: look: %w", err)
		}
	}
	return nil
}

func (t trace) clerk() bool { return t.Role == referral.Clerk || t.Role == referral.Staff }

// ownDevice: the referee came on a device that the referrer, or another account of his,
// has held.
func (s *Store) ownDevice(ctx context.Context, t trace, p Policy) error {
	if t.DeviceHash == "" {
		return nil
	}
	family, err := s.families.Family(ctx, t.ReferrerID)
	if err != nil {
		return err
	}
	var first clock.Instant
	err = s.db.Read(ctx).Raw("SELECT COALESCE(MIN(first_at), 0) FROM fraud_device WHERE device_hash = ? AND member_id IN ?", t.DeviceHash, family).Scan(&first).Error
	if err != nil || first == 0 {
		return err
	}
	kind := OwnDevice
	if t.clerk() {
		kind = ClerkSelf
	}
	return s.open(ctx, t, kind, "own:"+short(t.DeviceHash), []trace{t}, Evidence{Text: "被推荐人加入时用的设备，推荐人自己也在用", Found: 1, From: first, Until: t.At, Policy: p.Version})
}

// device: many people of one referrer on one device.
func (s *Store) device(ctx context.Context, t trace, p Policy) error {
	most, kind := p.DevicePeople, Device
	if t.clerk() {
		most, kind = p.ClerkDevice, ClerkSelf
	}
	if t.DeviceHash == "" || most == 0 {
		return nil
	}
	detail := "device:" + short(t.DeviceHash)
	list, err := s.since(ctx, t, kind, detail, 0, "device_hash = ?", t.DeviceHash)
	if enough, err := s.enough(ctx, t, kind, detail, len(list), most, err); err != nil || !enough {
		return err
	}
	return s.open(ctx, t, kind, detail, list, Evidence{Text: fmt.Sprintf("同一台设备上加入了 %d 人，规则为 %d 人", len(list), most), Found: len(list), Rule: most, Policy: p.Version})
}

// address: many people of one referrer from one address within a day.
func (s *Store) address(ctx context.Context, t trace, p Policy) error {
	most := p.AddressPeople
	if t.clerk() {
		most = p.ClerkAddress
	}
	if t.IPHash == "" || most == 0 {
		return nil
	}
	detail := "ip:" + short(t.IPHash)
	list, err := s.since(ctx, t, Address, detail, t.At.Add(-24*time.Hour), "ip_hash = ?", t.IPHash)
	if enough, err := s.enough(ctx, t, Address, detail, len(list), most, err); err != nil || !enough {
		return err
	}
	return s.open(ctx, t, Address, detail, list, Evidence{Text: fmt.Sprintf("24 小时内有 %d 人从同一网络加入，规则为 %d 人", len(list), most), Found: len(list), Rule: most, Policy: p.Version})
}

// burst: many new accounts of one referrer within a short time.
func (s *Store) burst(ctx context.Context, t trace, p Policy) error {
	if p.BurstPeople == 0 || !t.Newcomer {
		return nil
	}
	const detail = "burst"
	list, err := s.since(ctx, t, Burst, detail, t.At.Add(-time.Duration(p.BurstMinutes)*time.Minute), "newcomer = ?", true)
	if enough, err := s.enough(ctx, t, Burst, detail, len(list), p.BurstPeople, err); err != nil || !enough {
		return err
	}
	return s.open(ctx, t, Burst, detail, list, Evidence{Text: fmt.Sprintf("%d 分钟内有 %d 个新账号加入，规则为 %d 个", p.BurstMinutes, len(list), p.BurstPeople),
		Found: len(list), Rule: p.BurstPeople, Policy: p.Version})
}

// most is how many people a case names at once; the rest is counted.
const most = 500

// beside is how far apart two referrals may be that are looked at at once: whoever looks
// last sees both.
const beside = time.Minute

// since lists the referrer's referrals that match, up to the one looked at, newest first,
// without those that a cleared case has judged already.
func (s *Store) since(ctx context.Context, t trace, kind, detail string, from clock.Instant, where string, arg any) ([]trace, error) {
	var judged clock.Instant
	err := s.db.Read(ctx).Raw("SELECT COALESCE(MAX(decided_at), 0) FROM fraud_case WHERE brand_id = ? AND referrer_id = ? AND kind = ? AND detail = ? AND state = ?",
		t.BrandID, t.ReferrerID, kind, detail, Cleared).Scan(&judged).Error
	if err != nil {
		return nil, err
	}
	var list []trace
	err = s.db.Read(ctx).Where("brand_id = ? AND referrer_id = ? AND at > ? AND at <= ? AND "+where, t.BrandID, t.ReferrerID, max(from, judged), t.At.Add(beside), arg).
		Order("at DESC, binding_id DESC").Limit(most).Find(&list).Error
	return list, err
}

// enough says whether so many are too many: fewer are once a case of the fact stands.
func (s *Store) enough(ctx context.Context, t trace, kind, detail string, found, rule int, err error) (bool, error) {
	if err != nil || found == 0 || found >= rule {
		return err == nil && found > 0, err
	}
	var n int64
	err = s.db.Read(ctx).Model(&Case{}).Where("brand_id = ? AND referrer_id = ? AND kind = ? AND detail = ? AND state IN (?, ?)",
		t.BrandID, t.ReferrerID, kind, detail, Open, Confirmed).Count(&n).Error
	return n > 0, err
}

func short(hash string) string { return hash[:min(len(hash), 24)] }

// Regrouped looks at a member's chain anew after he was joined with another: what was two
// people may be a ring of one.
func (s *Store) Regrouped(ctx context.Context, memberID id.ID) error {
	family, err := s.families.Family(ctx, memberID)
	if err != nil {
		return err
	}
	var list []trace
	if err := s.db.Read(ctx).Where("member_id IN ? OR referrer_id IN ?", family, family).Order("binding_id").Limit(most).Find(&list).Error; err != nil {
		return err
	}
	for _, t := range list {
		b, ok, err := s.relations.ReferrerOf(ctx, t.BrandID, t.MemberID, s.db.Now())
		if err != nil {
			return err
		}
		if !ok || b.ID != t.BindingID {
			continue
		}
		p, err := s.Policy(ctx, t.BrandID)
		if err != nil {
			return err
		}
		if err := s.ring(ctx, t, p); err != nil {
			return err
		}
	}
	return nil
}

// longest chain that is walked.
const longest = 64

// ring: walking from referee to referrer, human by human, one comes back to the referee.
// The tree itself has none; two accounts of one human can make one.
func (s *Store) ring(ctx context.Context, t trace, p Policy) error {
	start, err := s.families.Family(ctx, t.MemberID)
	if err != nil {
		return err
	}
	chain := []id.ID{t.MemberID}
	at := t.ReferrerID
	for range longest {
		family, err := s.families.Family(ctx, at)
		if err != nil {
			return err
		}
		chain = append(chain, at)
		if slices.Contains(start, at) || slices.Contains(family, t.MemberID) {
			text := "推荐人和被推荐人是同一个人的两个账号"
			if len(chain) > 2 {
				text = fmt.Sprintf("沿推荐关系走 %d 步又回到本人", len(chain)-1)
			}
			return s.open(ctx, t, Ring, "ring:"+t.BindingID.String(), []trace{t}, Evidence{Text: text, Found: len(chain) - 1, Chain: chain, From: t.At, Until: s.db.Now(), Policy: p.Version})
		}
		b, ok, err := s.relations.ReferrerOf(ctx, t.BrandID, at, s.db.Now())
		if err != nil || !ok {
			return err
		}
		at = b.ReferrerID
	}
	return nil
}
