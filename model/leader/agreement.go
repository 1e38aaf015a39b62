package leader

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Agreement is one version of what leaders agree to (群主协议).
type Agreement struct {
	BrandID   id.ID         `json:"brand_id"`
	Version   int           `json:"version"`
	Text      string        `json:"text"`
	SHA256    string        `json:"sha256" gorm:"column:sha256"` // of the text, hex
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Agreement) TableName() string { return "leader_agreement" }

// maxText of an agreement, in characters; MySQL's TEXT holds 65,535 bytes.
const maxText = 16_000

var (
	errNoAgreement  = fault.New(fault.Conflict, "leader_agreement_missing", "请先发布群主协议")
	errNewAgreement = fault.New(fault.Conflict, "leader_agreement_changed", "协议已更新，请阅读新的协议后再签署")
	errNotSigner    = fault.New(fault.Conflict, "leader_not_signer", "当前没有需要您签署的协议")
)

// Agreements lists all versions, newest first.
func (s *Store) Agreements(ctx context.Context, brandID id.ID) ([]Agreement, error) {
	out := []Agreement{}
	if err := s.DB.Read(ctx).Where("brand_id = ?", brandID).Order("version DESC").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: agreements: %w", err)
	}
	return out, nil
}

// Agreement is the version that is to be signed now. Fault: Conflict
// leader_agreement_missing.
func (s *Store) Agreement(ctx context.Context, brandID id.ID) (Agreement, error) {
	return newest(s.DB.Read(ctx), brandID)
}

func newest(tx *gorm.DB, brandID id.ID) (Agreement, error) {
	var a Agreement
	err := tx.Where("brand_id = ?", brandID).Order("version DESC").Take(&a).Error
	if db.IsNotFound(err) {
		return a, errNoAgreement
	}
	return a, err
}

// Publish adds a version; the text that counts already adds none. From now on nobody's
// settlement counts who has not signed it (Signed). Faults: Invalid leader_input; Conflict
// leader_agreement_changed when somebody else published at the same moment.
func (s *Store) Publish(ctx context.Context, brandID id.ID, text string, by id.ID) (Agreement, error) {
	text = strings.TrimSpace(text)
	if between(text, 20, maxText) != nil {
		return Agreement{}, fault.Invalidf("leader_input", "协议应为 20 到 %d 字", maxText).With("field", "text")
	}
	sum := sha256.Sum256([]byte(text))
	a := Agreement{BrandID: brandID, Text: text, SHA256: hex.EncodeToString(sum[:]), ByID: by}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		last, err := newest(tx, brandID)
		if err != nil && !errors.Is(err, errNoAgreement) {
			return err
		}
		if last.SHA256 == a.SHA256 {
			a = last
			return nil
		}
		a.Version, a.CreatedAt = last.Version+1, s.DB.Now()
		return tx.Create(&a).Error
	})
	if db.IsDuplicate(err) {
		err = errNewAgreement
	}
	if err != nil {
		return Agreement{}, fmt.Errorf("leader: publish: %w", err)
	}
	return a, nil
}

// Signature is one leader's under one version.
type Signature struct {
	LeaderID id.ID         `json:"leader_id"`
	Version  int           `json:"version"`
	MemberID id.ID         `json:"member_id"`
	SHA256   string        `json:"sha256" gorm:"column:sha256"`
	IPHash   string        `json:"-" gorm:"column:ip_hash"`
	At       clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Signature) TableName() string { return "leader_signature" }

// Signatures lists what a leader signed, newest first.
func (s *Store) Signatures(ctx context.Context, leaderID id.ID) ([]Signature, error) {
	out := []Signature{}
	if err := s.DB.Read(ctx).Where("leader_id = ?", leaderID).Order("version DESC").Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: signatures: %w", err)
	}
	return out, nil
}

// Signed says whether what a leader earns may be settled: he signed the newest version.
// Clerks and staff work under their contract of employment and sign nothing here.
func (s *Store) Signed(ctx context.Context, l Leader) (bool, error) {
	if l.Role != RoleLeader {
		return true, nil
	}
	a, err := s.Agreement(ctx, l.BrandID)
	if errors.Is(err, errNoAgreement) {
		return true, nil
	}
	return err == nil && l.SignedVersion >= a.Version, err
}

// Sign signs a version for the human behind a member, which must be the newest; again
// changes nothing. Who is approved becomes active by it. ipHash is evidence. Faults:
// Conflict leader_agreement_changed, leader_agreement_missing, leader_not_signer,
// leader_state; NotFound member_not_found.
func (s *Store) Sign(ctx context.Context, brandID, memberID id.ID, version int, ipHash string) (Leader, error) {
	var l Leader
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		family, err := s.Members.FamilyTx(tx, memberID)
		if err != nil {
			return err
		}
		ok := false
		if l, ok, err = of(tx, brandID, family); err != nil {
			return err
		}
		if !ok || l.Role != RoleLeader || l.State == Left || l.State == Refused {
			return errNotSigner
		}
		if err := s.signTx(tx, &l, memberID, version, ipHash); err != nil {
			return err
		}
		if l.State != Approved {
			return nil
		}
		return s.activateTx(ctx, tx, &l, Move{ByKind: BySelf, ByID: memberID, Reason: "签署协议", Told: toldNothing})
	})
	return l, err
}

// signTx records the signature in the row and beside it.
func (s *Store) signTx(tx *gorm.DB, l *Leader, memberID id.ID, version int, ipHash string) error {
	a, err := newest(tx, l.BrandID)
	if err != nil {
		return err
	}
	if a.Version != version {
		return errNewAgreement.With("version", a.Version)
	}
	if l.SignedVersion >= version {
		return nil
	}
	r := tx.Exec("INSERT INTO leader_signature (leader_id, version, member_id, sha256, ip_hash, at) VALUES (?,?,?,?,?,?)"+s.DB.Once("version"),
		l.ID, version, memberID, a.SHA256, cut(ipHash, 64), s.DB.Now())
	if r.Error != nil {
		return fmt.Errorf("leader: sign: %w", r.Error)
	}
	if r := tx.Exec("UPDATE leader SET signed_version = ? WHERE id = ? AND signed_version < ?", version, l.ID, version); r.Error != nil {
		return fmt.Errorf("leader: sign: %w", r.Error)
	}
	l.SignedVersion = version
	return nil
}

// cut keeps at most n characters.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n])
	}
	return text
}
