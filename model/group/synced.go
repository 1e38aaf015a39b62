package group

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/id"
)

// Synced is what WeCom says of a customer group.
type Synced struct {
	BrandID   id.ID
	ChatID    string
	Name      string // "" = unnamed, as WeCom allows
	Owner     string // name of the colleague who owns it
	LeaderID  id.ID  // none keeps the one it has
	Size      int
	JoinURL   string        // text of its join code; "" keeps the one it has
	At        clock.Instant // when WeCom said so; an older word changes nothing
	Dismissed bool
}

// PutSynced brings a customer group up to what WeCom says, making it the first time.
// Dismissed in WeCom is closed here, and opens again only if WeCom shows it again.
func (s *Store) PutSynced(ctx context.Context, in Synced) (Community, error) {
	if in.ChatID == "" || len(in.ChatID) > 64 || in.Size < 0 {
		return Community{}, bad("chat_id", "企业微信客户群资料不完整")
	}
	if in.Name = cut(strings.TrimSpace(in.Name), 64); in.Name == "" {
		in.Name = "未命名客户群"
	}
	if in.JoinURL != "" {
		if err := checkJoin(WeCom, in.JoinURL); err != nil {
			return Community{}, err
		}
	}
	c, err := s.prepare(ctx, By{}, Draft{BrandID: in.BrandID, LeaderID: in.LeaderID, Kind: WeCom, Name: in.Name, OwnerName: cut(in.Owner, 64)}, in.LeaderID)
	if err != nil {
		return Community{}, err
	}
	c.ChatKey = in.BrandID.String() + ":" + in.ChatID
	var out Community
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec(`INSERT INTO community (id, brand_id, leader_id, leader_member_id, kind, chat_key, name, owner_name, province, city, size, size_at, capacity, scan_capacity,
			pending, fill_round, qr, qr_at, qr_expires_at, state, reason, closed_by, version, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`+s.db.Once("chat_key"),
			c.ID, c.BrandID, c.LeaderID, c.LeaderMemberID, c.Kind, c.ChatKey, c.Name, c.OwnerName, "", "", 0, 0, c.Capacity, c.ScanCapacity,
			0, 0, "", 0, 0, c.State, "", "", 0, c.CreatedAt, c.UpdatedAt)
		if r.Error != nil {
			return r.Error
		}
		var there id.ID
		if err := tx.Raw("SELECT id FROM community WHERE chat_key = ?", c.ChatKey).Scan(&there).Error; err != nil {
			return err
		}
		if err := s.change(ctx, tx, there, func(x *Community) error { return x.sync(in, c) }); err != nil {
			return err
		}
		out, err = get(tx, there)
		return err
	})
	if err != nil {
		return Community{}, fmt.Errorf("group: sync: %w", err)
	}
	return out, nil
}

// Joinable is a join code of WeCom and all customer groups it leads into: a way of WeCom's
// own (群活码) has one code for up to five.
type Joinable struct {
	BrandID id.ID
	JoinURL string
	ChatIDs []string
	At      clock.Instant
}

// PutJoin gives customer groups a join code and takes it from those it does not lead into
// any more. Groups that are not known yet are passed over. Repeatable. Fault: Invalid
// qr_foreign.
func (s *Store) PutJoin(ctx context.Context, j Joinable) error {
	if err := checkJoin(WeCom, j.JoinURL); err != nil {
		return err
	}
	keys := []string{""}
	for _, c := range j.ChatIDs {
		keys = append(keys, j.BrandID.String()+":"+c)
	}
	var into, out []id.ID
	err := s.db.Read(ctx).Raw("SELECT id FROM community WHERE chat_key IN ? ORDER BY id", keys).Scan(&into).Error
	if err == nil {
		err = s.db.Read(ctx).Raw("SELECT id FROM community WHERE brand_id = ? AND qr = ? AND chat_key NOT IN ? ORDER BY id", j.BrandID, j.JoinURL, keys).Scan(&out).Error
	}
	if err != nil {
		return fmt.Errorf("group: join: %w", err)
	}
	for _, c := range into {
		if _, err := s.alter(ctx, c, func(c *Community) error {
			if c.QR != j.JoinURL {
				c.QR, c.QRAt, c.QRExpiresAt = j.JoinURL, j.At, Forever
			}
			return nil
		}); err != nil {
			return err
		}
	}
	for _, c := range out {
		if _, err := s.alter(ctx, c, func(c *Community) error {
			if c.QR == j.JoinURL {
				c.QR, c.QRAt, c.QRExpiresAt = "", j.At, 0
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

const dismissed = "客户群已在企业微信解散"

// sync takes over what WeCom says unless something newer is known.
func (c *Community) sync(in Synced, fresh Community) error {
	if in.At < c.SizeAt {
		return nil
	}
	c.Name, c.OwnerName, c.Size, c.SizeAt = fresh.Name, fresh.OwnerName, in.Size, in.At
	if in.LeaderID != 0 {
		c.LeaderID, c.LeaderMemberID = fresh.LeaderID, fresh.LeaderMemberID
	}
	if in.JoinURL != "" && in.JoinURL != c.QR {
		c.QR, c.QRAt, c.QRExpiresAt = in.JoinURL, in.At, Forever
	}
	c.shut(in.Dismissed, dismissed)
	return nil
}

// cut keeps at most n characters of valid text.
func cut(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, ""))
	return string(r[:min(n, len(r))])
}
