package referral

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/spreadsheet"
)

// A list of everybody below a member, made in the background. Each part is committed with
// how far the list is, so after a kill it goes on with the next one, and of two workers
// one finds his part there. It shows the tree as it is while it is written.

// Task is the wake-up that writes a list; its ref is the export's id.
const Task = "referral:export"

const (
	partRows = 5000
	keepList = 7 * 24 * time.Hour
	// openLists is how many lists of a brand may be under way.
	openLists = 10
)

// States of an export.
const (
	Waiting = "waiting"
	Ready   = "ready"
	Expired = "expired"
)

// Export is a list that was asked for.
type Export struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	MemberID   id.ID         `json:"member_id"` // whose people
	State      string        `json:"state"`
	Total      int64         `json:"total"` // rows when it was asked for
	Done       int64         `json:"done"`
	Parts      int           `json:"-"`
	AfterPath  string        `json:"-"` // below the path of the member
	Reason     string        `json:"reason"`
	ByID       id.ID         `json:"by_id"`
	CreatedAt  clock.Instant `json:"created_at"`
	FinishedAt clock.Instant `json:"finished_at"`
	ExpiresAt  clock.Instant `json:"expires_at"`
}

// TableName names the table for GORM.
func (Export) TableName() string { return "referral_export" }

var (
	errExport   = fault.New(fault.NotFound, "referral_export_unknown", "没有这个导出任务")
	errNotReady = fault.New(fault.Conflict, "referral_export_state", "文件还没有生成，或已过期")
)

// Ask begins a list of a member with all below him. Faults: Invalid reason_missing;
// NotFound referral_none, when he stands in no tree; Exhausted referral_exports.
func (s *Store) Ask(ctx context.Context, c Change) (Export, error) {
	if err := c.check(); err != nil {
		return Export{}, err
	}
	n, err := s.Node(ctx, c.BrandID, c.MemberID)
	if err != nil {
		return Export{}, err
	}
	if n.JoinedAt == 0 {
		return Export{}, fault.New(fault.NotFound, "referral_none", "这个会员没有推荐关系")
	}
	var open int64
	if err := s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM referral_export WHERE brand_id = ? AND state = ?", c.BrandID, Waiting).Scan(&open).Error; err != nil {
		return Export{}, wrap("exports", err)
	}
	if open >= openLists {
		return Export{}, fault.New(fault.Exhausted, "referral_exports", "正在生成的名单太多，请稍后再试")
	}
	x := Export{ID: s.DB.NewID(), BrandID: c.BrandID, MemberID: c.MemberID, State: Waiting, Total: n.TeamSize + 1, Reason: c.Reason, ByID: c.By, CreatedAt: s.DB.Now()}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&x).Error; err != nil {
			return err
		}
		_, err := s.Outbox.PutTx(ctx, tx, Task, x.ID, 0)
		return err
	})
	if err != nil {
		return Export{}, wrap("ask", err)
	}
	s.Outbox.Nudge()
	return x, nil
}

// ExportOf reads one. Fault: NotFound referral_export_unknown.
func (s *Store) ExportOf(ctx context.Context, exportID id.ID) (Export, error) {
	var x Export
	err := s.DB.Read(ctx).Where("id = ?", exportID).Take(&x).Error
	if db.IsNotFound(err) {
		return Export{}, errExport
	}
	return x, wrap("export", err)
}

// Exports pages a brand's lists, newest first.
func (s *Store) Exports(ctx context.Context, brandID, before id.ID, limit int) ([]Export, error) {
	list := []Export{}
	err := db.Page(s.DB.Read(ctx).Where("brand_id = ?", brandID), "referral_export", before, limit).Find(&list).Error
	return list, wrap("exports", err)
}

// CountExports counts what Exports pages, up to db.MaxTotal.
func (s *Store) CountExports(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&Export{}).Where("brand_id = ?", brandID))
}

// Write writes a list to its end, from where it is. A list that is ready needs nothing.
func (s *Store) Write(ctx context.Context, exportID id.ID) error {
	for ctx.Err() == nil {
		x, err := s.ExportOf(ctx, exportID)
		if err != nil || x.State != Waiting {
			return err
		}
		if err := s.writePart(ctx, x); err != nil {
			return wrap("write", err)
		}
	}
	return ctx.Err()
}

func (s *Store) writePart(ctx context.Context, x Export) error {
	root, err := s.Node(ctx, x.BrandID, x.MemberID) // it may have moved since the last part
	if err != nil {
		return err
	}
	if root.Path == "" { // gone since: without his path the range would be everybody's
		return errNone
	}
	op := ">"
	if x.Parts == 0 {
		op = ">="
	}
	var list []Node
	err = s.DB.Read(ctx).Where("path "+op+" ? AND path < ?", root.Path+x.AfterPath, root.Path+beyond).Order("path").Limit(partRows).Find(&list).Error
	if err != nil {
		return err
	}
	body, err := s.lines(x, root, list)
	if err != nil {
		return err
	}
	set := map[string]any{"parts": x.Parts + 1, "done": x.Done + int64(len(list))}
	if len(list) > 0 {
		set["after_path"] = list[len(list)-1].Path[len(root.Path):]
	}
	if now := s.DB.Now(); len(list) < partRows {
		set["state"], set["finished_at"], set["expires_at"] = Ready, now, now.Add(keepList)
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Export{}).Where("id = ? AND state = ? AND parts = ?", x.ID, Waiting, x.Parts).Updates(set)
		if r.Error != nil || r.RowsAffected == 0 { // another worker wrote this part
			return r.Error
		}
		return tx.Exec("INSERT INTO referral_export_part (export_id, part, body) VALUES (?,?,?)", x.ID, x.Parts, body).Error
	})
}

// lines writes rows as packed CSV; the first part begins with the head.
func (s *Store) lines(x Export, root Node, list []Node) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := spreadsheet.Continue(z)
	if x.Parts == 0 {
		var err error
		if w, err = spreadsheet.Begin(z); err != nil {
			return nil, err
		}
		_ = w.Write([]string{"层级", "会员代号", "推荐人代号", "加入时间", "最近活跃", "直接推荐", "团队人数", "团队活跃", "本人扫码", "本人领取", "本人订单", "本人销售额(元)", "团队扫码", "团队领取", "团队订单", "团队销售额(元)"})
	}
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	for _, r := range list {
		parent := ""
		if r.MemberID != root.MemberID { // who is above the list is not in it
			parent = s.Alias(r.BrandID, r.ParentID)
		}
		_ = w.Write([]string{strconv.Itoa(r.Depth - root.Depth + 1), s.Alias(r.BrandID, r.MemberID), parent, r.JoinedAt.Local(), r.LastActiveAt.Local(),
			n(r.Direct), n(r.TeamSize), n(r.Active), n(r.OwnScans), n(r.OwnClaims), n(r.OwnOrders), r.OwnSalesFen.Yuan(), n(r.TeamScans), n(r.TeamClaims), n(r.TeamOrders), r.TeamSalesFen.Yuan()})
	}
	if w.Flush(); w.Error() != nil {
		return nil, w.Error()
	}
	err := z.Close()
	return b.Bytes(), err
}

// Alias names a member in what leaves the house: always the same within a brand, of no
// use elsewhere, and nobody without the key finds the member by it.
func (s *Store) Alias(brandID, memberID id.ID) string {
	m := hmac.New(sha256.New, s.mask)
	m.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(brandID)), uint64(memberID)))
	return "M" + encoding.EncodeToString(m.Sum(nil)[:10])
}

// File writes a list that is ready, part by part. Faults: NotFound
// referral_export_unknown; Conflict referral_export_state.
func (s *Store) File(ctx context.Context, exportID id.ID, w io.Writer) error {
	x, err := s.Finished(ctx, exportID)
	if err != nil {
		return err
	}
	for part := range x.Parts {
		var body []byte
		if err := s.DB.Read(ctx).Raw("SELECT body FROM referral_export_part WHERE export_id = ? AND part = ?", x.ID, part).Row().Scan(&body); err != nil {
			return fmt.Errorf("referral: part %d of %d: %w", part, x.ID, err)
		}
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return wrap("file", err)
		}
		if _, err := io.Copy(w, z); err != nil { // our own, of partRows lines
			return wrap("file", err)
		}
	}
	return nil
}

// Finished reads a list that can be had. Faults: those of File.
func (s *Store) Finished(ctx context.Context, exportID id.ID) (Export, error) {
	x, err := s.ExportOf(ctx, exportID)
	if err == nil && (x.State != Ready || x.ExpiresAt <= s.DB.Now()) {
		err = errNotReady
	}
	return x, err
}

// Expire deletes lists whose time is over, at most limit, and says how many.
func (s *Store) Expire(ctx context.Context, limit int) (int, error) {
	var due []id.ID
	err := s.DB.Read(ctx).Model(&Export{}).Where("state = ? AND expires_at <= ?", Ready, s.DB.Now()).Limit(limit).Pluck("id", &due).Error
	if err == nil && len(due) > 0 {
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			if err := tx.Exec("DELETE FROM referral_export_part WHERE export_id IN ?", due).Error; err != nil {
				return err
			}
			return tx.Model(&Export{}).Where("id IN ? AND state = ?", due, Ready).Updates(map[string]any{"state": Expired}).Error
		})
	}
	return len(due), wrap("expire", err)
}
