package member

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/id"
)

// Family returns the members who are the same human as memberID (祖ID), the root
// first and memberID among them. Almost always it is memberID alone. What a member
// did stays under his own id for ever; whoever wants to know what the human did, asks
// for all of the family. Fault: NotFound member_not_found.
func (s *Store) Family(ctx context.Context, memberID id.ID) ([]id.ID, error) {
	return s.FamilyTx(s.db.Read(ctx), memberID)
}

// FamilyTx is Family inside a transaction.
func (s *Store) FamilyTx(tx *gorm.DB, memberID id.ID) ([]id.ID, error) {
	var roots []id.ID
	if err := tx.Raw("SELECT CASE root_id WHEN 0 THEN id ELSE root_id END FROM member WHERE id = ?", memberID).Scan(&roots).Error; err != nil {
		return nil, fmt.Errorf("member: family: %w", err)
	}
	if len(roots) == 0 {
		return nil, errMissing
	}
	var others []id.ID
	if err := tx.Raw("SELECT id FROM member WHERE root_id = ? ORDER BY id", roots[0]).Scan(&others).Error; err != nil {
		return nil, fmt.Errorf("member: family: %w", err)
	}
	return append(roots, others...), nil
}

// SameHuman says whether two members are one human. Nobody (0) is the same as nobody
// else; the same member needs no read.
func (s *Store) SameHuman(ctx context.Context, a, b id.ID) (bool, error) {
	return s.SameHumanTx(s.db.Read(ctx), a, b)
}

// SameHumanTx is SameHuman inside a transaction, or by any other handle.
func (s *Store) SameHumanTx(tx *gorm.DB, a, b id.ID) (bool, error) {
	if a == b || a == 0 || b == 0 {
		return a == b, nil
	}
	var n int64
	err := tx.Raw("SELECT COUNT(*) FROM member a, member b WHERE a.id = ? AND b.id = ? AND "+RootSQL("a")+" = "+RootSQL("b"), a, b).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("member: same human: %w", err)
	}
	return n == 1, nil
}

// RootSQL is the root of a member row under an alias, for contexts that join it.
func RootSQL(alias string) string {
	return "CASE " + alias + ".root_id WHEN 0 THEN " + alias + ".id ELSE " + alias + ".root_id END"
}
