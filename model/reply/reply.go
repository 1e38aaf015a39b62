// Package reply answers what people write to an official account (自动回复): a keyword
// reply if one fits, else the writer's last scan and red packets.
//
// It owns the table keyword_reply. Of identity and member it only reads, and it makes
// neither: somebody who merely writes is nobody's member yet.
package reply

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// Kinds of match, in the order they are tried.
const (
	Exact    = "exact"    // the whole text
	Prefix   = "prefix"   // its beginning
	Contains = "contains" // anywhere
)

// maxPerAccount keeps matching in memory trivial.
const maxPerAccount = 500

// Keyword is one configured reply.
type Keyword struct {
	ID        id.ID         `json:"id"`
	AccountID id.ID         `json:"account_id"`
	Keyword   string        `json:"keyword"`
	MatchKind string        `json:"match_kind"`
	Reply     string        `json:"reply"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Keyword) TableName() string { return "keyword_reply" }

// Store keeps keywords and builds answers.
type Store struct {
	db       *db.DB
	scans    *scan.Store
	packets  *redpacket.Store
	products *product.Store
}

// New makes a store.
func New(d *db.DB, scans *scan.Store, packets *redpacket.Store, products *product.Store) *Store {
	return &Store{db: d, scans: scans, packets: packets, products: products}
}

func (k *Keyword) clean() error {
	k.Keyword, k.Reply = fold(k.Keyword), strings.TrimSpace(k.Reply)
	if k.MatchKind == "" {
		k.MatchKind = Exact
	}
	switch {
	case k.Keyword == "" || utf8.RuneCountInString(k.Keyword) > 64:
		return fault.NewInvalid("keyword", "关键词应为 1 到 64 个字")
	case k.MatchKind != Exact && k.MatchKind != Prefix && k.MatchKind != Contains:
		return fault.NewInvalid("match_kind", "匹配方式应为 exact、prefix 或 contains")
	// A passive text reply holds 2048 bytes: 600 characters are safe in any script.
	case k.Reply == "" || utf8.RuneCountInString(k.Reply) > 600 || len(k.Reply) > 2000 || !utf8.ValidString(k.Reply):
		return fault.NewInvalid("reply", "回复内容应为 1 到 600 个字")
	case strings.ContainsFunc(k.Reply, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }):
		return fault.NewInvalid("reply", "回复内容不能含控制字符")
	}
	return nil
}

// Save adds a keyword reply, or changes it when the account has the keyword already.
// Faults: Invalid keyword, match_kind, reply; Exhausted keywords_full.
func (s *Store) Save(ctx context.Context, k Keyword) (Keyword, error) {
	if err := k.clean(); err != nil {
		return Keyword{}, err
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&Keyword{}).Where("account_id = ? AND keyword <> ?", k.AccountID, k.Keyword).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxPerAccount {
			return fault.New(fault.Exhausted, "keywords_full", fmt.Sprintf("一个账号最多 %d 条关键词回复", maxPerAccount))
		}
		r := tx.Exec("INSERT INTO keyword_reply (id, account_id, keyword, match_kind, reply, created_at) VALUES (?,?,?,?,?,?)"+s.db.Once("id"),
			s.db.NewID(), k.AccountID, k.Keyword, k.MatchKind, k.Reply, s.db.Now())
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Model(&Keyword{}).Where("account_id = ? AND keyword = ?", k.AccountID, k.Keyword).
			Updates(map[string]any{"match_kind": k.MatchKind, "reply": k.Reply}).Error
	})
	if err != nil {
		return Keyword{}, err
	}
	err = s.db.Read(ctx).Where("account_id = ? AND keyword = ?", k.AccountID, k.Keyword).Take(&k).Error
	return k, err
}

// Get reads one keyword reply.
func (s *Store) Get(ctx context.Context, keywordID id.ID) (Keyword, error) {
	var k Keyword
	err := s.db.Read(ctx).Where("id = ?", keywordID).Take(&k).Error
	if db.IsNotFound(err) {
		return k, fault.New(fault.NotFound, "keyword_not_found", "没有这条关键词回复")
	}
	return k, err
}

// OfWord reads what an account answers to a keyword, as Save would find it; ok says that
// there is something.
func (s *Store) OfWord(ctx context.Context, accountID id.ID, keyword string) (k Keyword, ok bool, err error) {
	err = s.db.Read(ctx).Where("account_id = ? AND keyword = ?", accountID, fold(keyword)).Take(&k).Error
	if db.IsNotFound(err) {
		return Keyword{}, false, nil
	}
	return k, err == nil, err
}

// Delete removes a keyword reply.
func (s *Store) Delete(ctx context.Context, keywordID id.ID) error {
	return s.db.InTx(ctx, func(tx *gorm.DB) error { return tx.Where("id = ?", keywordID).Delete(&Keyword{}).Error })
}

// List pages an account's keyword replies, newest first.
func (s *Store) List(ctx context.Context, accountID, before id.ID, limit int) ([]Keyword, error) {
	out := []Keyword{}
	err := db.Page(s.db.Read(ctx).Where("account_id = ?", accountID), "keyword_reply", before, limit).Find(&out).Error
	return out, err
}

// Count counts what List pages, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, accountID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Keyword{}).Where("account_id = ?", accountID))
}

// match returns the reply of the best keyword, or "". Exact beats prefix beats
// contains; among equals the longest keyword says most.
func (s *Store) match(ctx context.Context, accountID id.ID, text string) (string, error) {
	var all []Keyword
	if err := s.db.Read(ctx).Where("account_id = ?", accountID).Find(&all).Error; err != nil {
		return "", fmt.Errorf("reply: keywords: %w", err)
	}
	text = fold(text)
	rank := map[string]int{Exact: 0, Prefix: 1, Contains: 2}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if rank[a.MatchKind] != rank[b.MatchKind] {
			return rank[a.MatchKind] < rank[b.MatchKind]
		}
		return len(a.Keyword) > len(b.Keyword)
	})
	for _, k := range all {
		if (k.MatchKind == Exact && text == k.Keyword) ||
			(k.MatchKind == Prefix && strings.HasPrefix(text, k.Keyword)) ||
			(k.MatchKind == Contains && strings.Contains(text, k.Keyword)) {
			return k.Reply, nil
		}
	}
	return "", nil
}

// fold makes texts that look the same compare the same: full-width letters and
// digits become ASCII, upper case lower, runs of space one space.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E:
			r -= 0xFEE0
		case r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
