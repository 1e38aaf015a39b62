package referral

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// CodeOf returns the member's open code for a role and makes it the first time. Two calls
// at once return the same code. Faults: Invalid referral_role; NotFound member_not_found.
func (s *Store) CodeOf(ctx context.Context, brandID, memberID id.ID, role string) (Code, error) {
	if !slices.Contains(Roles(), role) {
		return Code{}, errRole
	}
	open := func() (Code, error) {
		var c Code
		err := s.DB.Read(ctx).Where("brand_id = ? AND member_id = ? AND role = ? AND slot = 0", brandID, memberID, role).Take(&c).Error
		return c, err
	}
	c, err := open()
	if !db.IsNotFound(err) {
		return c, wrap("code", err)
	}
	if _, err := s.Members.Get(ctx, memberID); err != nil {
		return Code{}, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO referral_code (id, brand_id, member_id, role, slot, name, state, created_at) VALUES (?,?,?,?,0,'',?,?)"+s.DB.Once("slot"),
			s.DB.NewID(), brandID, memberID, role, Open, s.DB.Now()).Error
	})
	if err == nil {
		c, err = open()
	}
	return c, wrap("make code", err)
}

// ByToken returns the code that a token names, open or closed. A forged token costs no
// SQL. Fault: NotFound referral_code_invalid.
func (s *Store) ByToken(ctx context.Context, token string) (Code, error) {
	codeID, genuine := s.codeOf(token)
	if !genuine {
		return Code{}, errCode
	}
	return s.Code(ctx, codeID)
}

// Code reads one code. Fault: NotFound referral_code_invalid.
func (s *Store) Code(ctx context.Context, codeID id.ID) (Code, error) {
	var c Code
	err := s.DB.Read(ctx).Where("id = ?", codeID).Take(&c).Error
	if db.IsNotFound(err) {
		return Code{}, errCode
	}
	return c, wrap("code", err)
}

// Issued is a code with how many people it brought.
type Issued struct {
	Code
	Token string `json:"token" gorm:"-"`
	Bound int64  `json:"bound" gorm:"-"` // bindings that were made through it, ended ones too
}

// Codes lists a member's codes, with those of the rest of his family, newest first.
func (s *Store) Codes(ctx context.Context, brandID, memberID id.ID) ([]Issued, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	list := []Issued{}
	err = s.DB.Read(ctx).Where("brand_id = ? AND member_id IN ?", brandID, family).Order("created_at DESC, id DESC").Limit(db.MaxPage).Find(&list).Error
	for i := range list {
		if err == nil {
			list[i].Token = s.Token(list[i].Code)
			err = s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM referral_binding WHERE code_id = ?", list[i].ID).Scan(&list[i].Bound).Error
		}
	}
	return list, wrap("codes", err)
}

// Rename gives a code a name for its owner ("店门口"), at most 64 characters.
func (s *Store) Rename(ctx context.Context, codeID id.ID, name string) (Code, error) {
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > 64 {
		return Code{}, fault.NewInvalid("referral_name", "名称不能超过 64 个字").With("field", "name")
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE referral_code SET name = ? WHERE id = ?", name, codeID).Error
	})
	if err != nil {
		return Code{}, wrap("rename", err)
	}
	return s.Code(ctx, codeID)
}

// Close ends a code: nobody is bound through it any more, and CodeOf makes a new one.
// Closing twice is no fault. Fault: NotFound referral_code_invalid.
func (s *Store) Close(ctx context.Context, codeID id.ID) (Code, error) {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE referral_code SET state = ?, slot = id WHERE id = ? AND slot = 0", Closed, codeID).Error
	})
	if err != nil {
		return Code{}, wrap("close code", err)
	}
	return s.Code(ctx, codeID)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("referral: %s: %w", what, err)
}
