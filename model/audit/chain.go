package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

// ErasedText stands where the words of an entry were taken out because a person asked for
// it (art. 47 PIPL); before and after are then "{}".
const ErasedText = "（已按个人请求清除）"

const (
	// rests is how old a finished entry is when it becomes a link: whoever writes several
	// at once is done by then.
	rests = 5 * time.Second
	// abandoned is when an entry that nobody completed becomes a link as it is.
	abandoned = 24 * time.Hour
)

// Chain makes the audit tamper-evident (防篡改): every entry becomes a link that holds a
// keyed digest of itself and of the link before. Whoever changes, removes or slips in an
// entry with a database client alone breaks it; whoever notes the head elsewhere
// (siyu audit verify prints it) also notices if all of it was made anew.
type Chain struct {
	db  *db.DB
	key []byte
}

// NewChain makes one.
func NewChain(d *db.DB, box *seal.Box) *Chain { return &Chain{db: d, key: box.Derive("audit chain")} }

// Link is one row of the chain.
type Link struct {
	Seq         int64
	AuditID     id.ID
	ContentHash string
	LineHash    string
	ChainHash   string
	SealedAt    clock.Instant
}

// TableName names the table for GORM.
func (Link) TableName() string { return "audit_seal" }

func (c *Chain) digest(parts any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic("audit: texts and numbers marshal")
	}
	m := hmac.New(sha256.New, c.key)
	m.Write(text)
	return hex.EncodeToString(m.Sum(nil))
}

func (c *Chain) content(l Line) string {
	return c.digest([]any{"content", l.ID, l.BeforeJSON, l.AfterJSON, l.Reason})
}

func (c *Chain) line(l Line, content string) string {
	return c.digest([]any{"line", l.ID, l.CreatedAt, l.ActorID, l.Actor, l.IP, l.RequestID, l.Action, l.Object, l.ObjectID, l.Outcome, content})
}

func (c *Chain) link(before string, seq int64, line string) string {
	return c.digest([]any{"link", before, seq, line})
}

// Seal makes links of entries that rest, oldest first, at most limit, and says how many.
// Of two processes at once one does it: both would write the same number.
func (c *Chain) Seal(ctx context.Context, limit int) (n int, err error) {
	err = c.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		n = 0
		var head Link
		if err := tx.Order("seq DESC").Limit(1).Find(&head).Error; err != nil {
			return err
		}
		now := c.db.Now()
		var list []Line
		err := tx.Raw("SELECT * FROM audit WHERE sealed = 0 AND ((outcome <> ? AND created_at < ?) OR created_at < ?) ORDER BY created_at, id LIMIT ?",
			Begun, now.Add(-rests), now.Add(-abandoned), limit).Scan(&list).Error
		if err != nil || len(list) == 0 {
			return err
		}
		rows := db.NewRows("audit_seal", "seq, audit_id, content_hash, line_hash, chain_hash, sealed_at")
		ids := make([]id.ID, 0, len(list))
		for _, l := range list {
			content := c.content(l)
			line := c.line(l, content)
			head = Link{Seq: head.Seq + 1, AuditID: l.ID, ChainHash: c.link(head.ChainHash, head.Seq+1, line)}
			rows.Add(head.Seq, l.ID, content, line, head.ChainHash, now)
			ids = append(ids, l.ID)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return err
		}
		r := tx.Exec("UPDATE audit SET sealed = 1 WHERE id IN ? AND sealed = 0", ids)
		if r.Error == nil && r.RowsAffected != int64(len(ids)) {
			return fault.New(fault.Conflict, "audit_sealing", "另一个进程正在封存")
		}
		n = len(list)
		return r.Error
	})
	if db.IsDuplicate(err) || fault.KindOf(err) == fault.Conflict && err != nil {
		return 0, nil // the other process did it
	}
	if err != nil {
		return 0, fmt.Errorf("audit: seal: %w", err)
	}
	return n, nil
}

// Report is what Verify found.
type Report struct {
	Links   int64
	Erased  int64 // entries whose words were taken out because a person asked for it
	Waiting int64 // entries that are no links yet
	Late    int64 // of those, which should have been by now
	Head    Link
	Broken  []Break // the first ones
	Breaks  int64   // all
}

// Break is a place where the chain does not hold.
type Break struct {
	Seq     int64
	AuditID id.ID
	Why     string // zh-CN
}

// OK says whether everything holds.
func (r Report) OK() bool { return r.Breaks == 0 && r.Late == 0 }

// shown is how many breaks a report names.
const shown = 20

func (r *Report) add(seq int64, auditID id.ID, why string) {
	if r.Breaks++; r.Breaks <= shown {
		r.Broken = append(r.Broken, Break{seq, auditID, why})
	}
}

// Verify walks the chain from its beginning and compares every entry with its link. head
// (0, "": none) is a link noted elsewhere before; it must be there as it was.
func (c *Chain) Verify(ctx context.Context, headSeq int64, headHash string) (Report, error) {
	var r Report
	const page = 500
	for {
		var links []Link
		if err := c.db.Read(ctx).Where("seq > ?", r.Head.Seq).Order("seq").Limit(page).Find(&links).Error; err != nil {
			return r, fmt.Errorf("audit: verify: %w", err)
		}
		if len(links) == 0 {
			break
		}
		ids := make([]id.ID, len(links))
		for i, l := range links {
			ids[i] = l.AuditID
		}
		var list []Line
		if err := c.db.Read(ctx).Where("id IN ?", ids).Find(&list).Error; err != nil {
			return r, fmt.Errorf("audit: verify: %w", err)
		}
		entries := make(map[id.ID]Line, len(list))
		for _, l := range list {
			entries[l.ID] = l
		}
		for _, l := range links {
			c.check(&r, l, entries)
			if l.Seq == headSeq && l.ChainHash != headHash {
				r.add(l.Seq, l.AuditID, "与另行记下的链头不同：链条被整体重做过")
			}
			r.Head, r.Links = l, r.Links+1
		}
	}
	if headSeq > r.Head.Seq {
		r.add(headSeq, 0, fmt.Sprintf("链条只到 %d，比另行记下的短：末尾被删除", r.Head.Seq))
	}
	return r, c.waiting(ctx, &r)
}

func (c *Chain) check(r *Report, l Link, entries map[id.ID]Line) {
	if l.Seq != r.Head.Seq+1 {
		r.add(l.Seq, l.AuditID, fmt.Sprintf("序号 %d 到 %d 的链环被删除", r.Head.Seq+1, l.Seq-1))
	}
	if c.link(r.Head.ChainHash, l.Seq, l.LineHash) != l.ChainHash {
		r.add(l.Seq, l.AuditID, "链环与前一环接不上")
	}
	e, there := entries[l.AuditID]
	if !there {
		r.add(l.Seq, l.AuditID, "这条操作记录被删除")
		return
	}
	if c.line(e, l.ContentHash) != l.LineHash {
		r.add(l.Seq, l.AuditID, "这条操作记录的操作人、时间、对象或结果被改动")
		return
	}
	if c.content(e) == l.ContentHash {
		return
	}
	if e.BeforeJSON == "{}" && e.AfterJSON == "{}" && e.Reason == ErasedText {
		r.Erased++
		return
	}
	r.add(l.Seq, l.AuditID, "这条操作记录的内容被改动")
}

// waiting counts entries that are no links. One that calls itself sealed and has no link
// was slipped in.
func (c *Chain) waiting(ctx context.Context, r *Report) error {
	now := c.db.Now()
	err := c.db.Read(ctx).Raw("SELECT COUNT(*) AS waiting, COALESCE(SUM(CASE WHEN created_at < ? THEN 1 ELSE 0 END), 0) AS late FROM audit WHERE sealed = 0",
		now.Add(-abandoned-time.Hour)).Row().Scan(&r.Waiting, &r.Late)
	if err != nil {
		return fmt.Errorf("audit: verify: %w", err)
	}
	var slipped []id.ID
	err = c.db.Read(ctx).Raw("SELECT id FROM audit WHERE sealed <> 0 AND NOT EXISTS (SELECT 1 FROM audit_seal WHERE audit_id = audit.id) LIMIT ?", shown).Scan(&slipped).Error
	for _, x := range slipped {
		r.add(0, x, "这条操作记录不在链中：事后插入，或链环被删除")
	}
	return err
}
