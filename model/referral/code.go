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
	Token     string `json:"token" gorm:"-"`
	Bound     int64  `json:"bound" gorm:"-"`      // bindings that were made through it, ended ones too; counted up to db.MaxTotal
	BoundMore bool   `json:"bound_more" gorm:"-"` // there are others
}

// CodeFilter narrows a list of codes; zero fields do not. MemberID means the human: the
// codes of his whole family are his.
type CodeFilter struct {
	MemberID id.ID
	State    string
	Before   id.ID
	Limit    int
}

// Codes lists a brand's codes, newest first.
func (s *Store) Codes(ctx context.Context, brandID id.ID, f CodeFilter) ([]Issued, error) {
	q, err := s.codesIn(ctx, brandID, f)
	if err != nil {
		return nil, err
	}
	list := []Issued{}
	err = db.Page(q, "referral_code", f.Before, f.Limit).Find(&list).Error
	for i := range list {
		if err == nil {
			c := &list[i]
			var n int
			n, c.BoundMore, err = db.Total(s.DB.Read(ctx).Model(&Binding{}).Where("code_id = ?", c.ID))
			c.Token, c.Bound = s.Token(c.Code), int64(n)
		}
	}
	return list, wrap("codes", err)
}

// CountCodes counts what Codes lists, up to db.MaxTotal.
func (s *Store) CountCodes(ctx context.Context, brandID id.ID, f CodeFilter) (n int, more bool, err error) {
	q, err := s.codesIn(ctx, brandID, f)
	if err != nil {
		return 0, false, err
	}
	n, more, err = db.Total(q.Model(&Code{}))
	return n, more, wrap("codes", err)
}

func (s *Store) codesIn(ctx context.Context, brandID id.ID, f CodeFilter) (*gorm.DB, error) {
	q := s.DB.Read(ctx).Where("brand_id = ?", brandID)
	if f.MemberID != 0 {
		family, err := s.Members.Family(ctx, f.MemberID)
		if err != nil {
			return nil, err
		}
		q = q.Where("member_id IN ?", family)
	}
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q, nil
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
