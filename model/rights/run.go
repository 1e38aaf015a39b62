package rights

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Pauses of an erasure that must wait.
const (
	moneyPause  = time.Hour       // money is on its way to the person
	closedPause = 5 * time.Minute // the same, after the member was ended
)

// Run works on one request as far as it goes at present. again > 0 asks for another run
// after that time, and says why. A request that is over needs nothing.
func (s *Store) Run(ctx context.Context, requestID id.ID) (again time.Duration, why string, err error) {
	r, err := s.Get(ctx, requestID)
	if errors.Is(err, errUnknown) {
		return 0, "", nil
	}
	if err != nil || r.State != Approved && r.State != Running {
		return 0, "", err
	}
	if wait := r.StartAt.Sub(s.DB.Now()); wait > 0 {
		return wait, "未到执行时间", nil
	}
	if r.Kind == Export {
		return 0, "", s.export(ctx, r)
	}
	return s.erasure(ctx, r)
}

// erasure goes one step on the way: wait for money, end the member, wait for what is
// under way, erase.
func (s *Store) erasure(ctx context.Context, r Request) (time.Duration, string, error) {
	who, err := s.subjectOf(s.DB.Read(ctx), r.MemberID)
	if err != nil {
		return 0, "", err
	}
	open, last, err := s.moneyUnderWay(ctx, who)
	if err != nil {
		return 0, "", err
	}
	if open > 0 {
		why := fmt.Sprintf("还有 %d 笔红包或提现没有到账，到账或退回之后才能注销，最迟约在 %s", open, last.Add(72*time.Hour).Local())
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			_, err := s.move(tx, r.ID, []string{r.State}, map[string]any{"answer": why})
			return err
		})
		if r.State == Running {
			return closedPause, why, err
		}
		return moneyPause, why, err
	}
	if r.State == Approved {
		// From this commit on nobody is this member, so nothing new can begin. What has
		// begun ends within Settle.
		start := s.DB.Now().Add(s.Terms.Settle)
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			moved, err := s.move(tx, r.ID, []string{Approved}, map[string]any{"state": Running, "start_at": start, "answer": ""})
			if err != nil || !moved {
				return first(err, errState)
			}
			_, err = s.Members.EraseTx(ctx, tx, who.members)
			return err
		})
		if errors.Is(err, errState) { // taken back, or another worker was faster
			return time.Second, "状态已改变", nil
		}
		return s.Terms.Settle, "会员已停用，等进行中的操作结束", err
	}
	return 0, "", s.eraseNow(ctx, r, who)
}

// moneyUnderWay counts payouts without a final state and withdrawals that wait for an
// operator, and tells when the last one began.
func (s *Store) moneyUnderWay(ctx context.Context, who subject) (n int64, last clock.Instant, err error) {
	var row struct {
		N    int64
		Last clock.Instant
	}
	err = s.DB.Read(ctx).Raw(`SELECT COUNT(*) AS n, COALESCE(MAX(created_at), 0) AS last FROM (
		SELECT created_at FROM payout WHERE member_id IN ? AND state IN ('pending', 'sending', 'accepted')
		UNION ALL SELECT created_at FROM withdrawal WHERE member_id IN ? AND state = 'requested') AS open_money`, who.members, who.members).Scan(&row).Error
	if err != nil {
		return 0, 0, fmt.Errorf("rights: payouts: %w", err)
	}
	return row.N, row.Last, nil
}

// Proof is what an erasure leaves in the person's hands (删除证明).
type Proof struct {
	RequestID  id.ID         `json:"request_id"`
	Company    string        `json:"company"`
	AskedAt    clock.Instant `json:"asked_at"`
	FinishedAt clock.Instant `json:"finished_at"`
	Keys       []string      `json:"keys"` // tombstones of what he was known by
	Tables     []ProofLine   `json:"tables"`
	Signature  string        `json:"signature"` // HMAC-SHA256 over the rest, hex
}

// ProofLine says what was done with one table.
type ProofLine struct {
	Table string `json:"table"`
	Title string `json:"title"`
	Rows  int64  `json:"rows"` // deleted or emptied
	Kept  string `json:"kept"` // what stays, and why; "" nothing
}

func (s *Store) sign(p Proof) (string, error) {
	p.Signature = ""
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("rights: proof: %w", err)
	}
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("proof\x00"))
	m.Write(text)
	return hex.EncodeToString(m.Sum(nil)), nil
}

// VerifyProof tells whether a proof is one of ours, unchanged.
func (s *Store) VerifyProof(p Proof) bool {
	want, err := s.sign(p)
	return err == nil && hmac.Equal([]byte(want), []byte(p.Signature))
}

// ProofOf reads the proof of a finished erasure. Faults: NotFound request_not_found;
// Conflict request_state.
func (s *Store) ProofOf(ctx context.Context, requestID id.ID) (Proof, error) {
	r, err := s.Get(ctx, requestID)
	if err != nil {
		return Proof{}, err
	}
	var p Proof
	if r.Kind != Erase || r.State != Done {
		return Proof{}, errState
	}
	if err := json.Unmarshal([]byte(r.Proof), &p); err != nil {
		return Proof{}, fmt.Errorf("rights: proof of %d: %w", requestID, err)
	}
	return p, nil
}

// eraseNow does all of it in one transaction. The guard comes first, so that of two
// workers one does nothing.
func (s *Store) eraseNow(ctx context.Context, r Request, who subject) error {
	found, err := s.findSlow(ctx, who)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		moved, err := s.move(tx, r.ID, []string{Running}, s.end(r.ID, Done, "已删除，证明见下"))
		if err != nil || !moved {
			return first(err, errState)
		}
		// Within one transaction the subject is read again: a payout may have been made
		// between the first look and the end of the member.
		now, err := s.subjectOf(tx, r.MemberID)
		if err != nil {
			return err
		}
		p := Proof{RequestID: r.ID, Company: s.Company, AskedAt: r.CreatedAt, FinishedAt: s.DB.Now(), Keys: []string{}, Tables: []ProofLine{}}
		for _, v := range now.values {
			p.Keys = append(p.Keys, s.tomb(r.ID, v))
		}
		if p.Tables, err = s.eraseTables(ctx, tx, r.ID, now, found); err != nil {
			return err
		}
		if p.Signature, err = s.sign(p); err != nil {
			return err
		}
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return tx.Model(&Request{}).Where("id = ?", r.ID).Updates(map[string]any{"proof": string(text)}).Error
	})
	if errors.Is(err, errState) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("rights: erase %d: %w", r.ID, err)
	}
	return nil
}

func (s *Store) eraseTables(ctx context.Context, tx *gorm.DB, requestID id.ID, who subject, found map[string][]id.ID) ([]ProofLine, error) {
	owners := map[string]int64{}
	for _, t := range register() {
		if _, done := owners[t.by]; done || t.by == "" || t.by == "member" {
			continue
		}
		e, ok := s.Erasers[t.by]
		if !ok {
			return nil, fmt.Errorf("nobody erases the tables of %s", t.by)
		}
		n, err := e.EraseTx(ctx, tx, who.members)
		if err != nil {
			return nil, err
		}
		owners[t.by] = n
	}
	out := []ProofLine{}
	seen := map[string]bool{}
	for _, t := range register() {
		n, err := s.erase(ctx, tx, t, who, requestID, found)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		if t.by == "member" {
			n = int64(len(who.members))
		} else if t.by != "" && !seen[t.by] {
			n, seen[t.by] = owners[t.by], true // counted once, at the owner's first table
		}
		out = append(out, ProofLine{Table: t.name, Title: t.title, Rows: n, Kept: t.keep})
	}
	return out, nil
}

// Check tells what is not wired: a name in the register that nobody erases, or a table
// that the database does not have. Start-up asks it, so that the first person who wants
// to be forgotten does not find out.
func (s *Store) Check(ctx context.Context) error {
	var errs []error
	for _, t := range register() {
		if _, ok := s.Erasers[t.by]; t.by != "" && t.by != "member" && !ok {
			errs = append(errs, fault.New(fault.Internal, "eraser_missing", "没有人负责清除 "+t.by))
		}
		if err := s.DB.Read(ctx).Exec("SELECT 1 FROM " + t.name + " WHERE 1 = 0").Error; err != nil {
			errs = append(errs, fmt.Errorf("rights: register: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Expire deletes files whose time is over, at most limit, and says how many.
func (s *Store) Expire(ctx context.Context, limit int) (int, error) {
	var due []id.ID
	now := s.DB.Now()
	err := s.DB.Read(ctx).Model(&Request{}).Where("expires_at > 0 AND expires_at <= ? AND file_bytes > 0", now).Limit(min(limit, db.MaxPage)).Pluck("id", &due).Error
	if err != nil || len(due) == 0 {
		return 0, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM rights_file WHERE request_id IN ?", due).Error; err != nil {
			return err
		}
		return tx.Model(&Request{}).Where("id IN ? AND expires_at <= ?", due, now).Updates(map[string]any{"file_bytes": 0}).Error
	})
	if err != nil {
		return 0, fmt.Errorf("rights: expire: %w", err)
	}
	return len(due), nil
}
