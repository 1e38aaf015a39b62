// Package phone keeps telephone numbers (手机号) so that they can be found again and
// are nowhere in clear. A number is known by its keyed hash, which is what other
// contexts store; the number itself is sealed under the master keys.
//
// It owns the table phone: one row per number, whoever has it.
//
// Promises: the digits are in no table, log line or JSON; without the master key
// nobody can try numbers out against the hashes; during a rotation of the master keys
// every number can be read at any moment by every process that has both keys; a
// rotation that was killed goes on where it was, because a row's key version is its
// own progress. Showing a number (Reveal) is for the caller to permit and to audit.
package phone

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/seal"
)

// row is one number.
type row struct {
	Hash       string
	Sealed     []byte
	KeyVersion int
	Tail       string
	CreatedAt  clock.Instant
}

func (row) TableName() string { return "phone" }

// Book keeps numbers.
type Book struct {
	db  *db.DB
	box *seal.Box
	key []byte
}

// New makes a book.
func New(d *db.DB, box *seal.Box) *Book { return &Book{db: d, box: box, key: box.Derive("phone")} }

var errUnknown = fault.New(fault.NotFound, "phone_not_found", "没有这个手机号")

// place binds a sealed number to its row.
func place(hash string) string { return "phone:" + hash }

// Hash is what a number is known by: HMAC-SHA256 under a derived key, 43 characters of
// base64url. The zero Number has none.
func (b *Book) Hash(n Number) string {
	if n.e164 == "" {
		return ""
	}
	m := hmac.New(sha256.New, b.key)
	m.Write([]byte(n.e164))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Seal is a number as its row holds it: for who fills the table by other means than Put.
func (b *Book) Seal(n Number) (hash string, sealed []byte, keyVersion int) {
	hash = b.Hash(n)
	return hash, b.box.Seal(place(hash), []byte(n.e164)), b.box.Newest()
}

// PutTx keeps a number in the caller's transaction and returns its hash. A number that
// is there stays as it is.
func (b *Book) PutTx(ctx context.Context, tx *gorm.DB, n Number) (string, error) {
	hashes, err := b.PutAllTx(ctx, tx, []Number{n})
	if err != nil {
		return "", err
	}
	return hashes[0], nil
}

// PutAllTx is PutTx for many numbers, in one statement: at most a thousand.
// Fault: Invalid phone_malformed, for a Number that Parse did not make.
func (b *Book) PutAllTx(ctx context.Context, tx *gorm.DB, numbers []Number) ([]string, error) {
	rows := db.NewRows("phone", "hash, sealed, key_version, tail, created_at")
	hashes := make([]string, len(numbers))
	for i, n := range numbers {
		if n.e164 == "" {
			return nil, errNumber
		}
		var sealed []byte
		var version int
		hashes[i], sealed, version = b.Seal(n)
		rows.Add(hashes[i], sealed, version, n.Tail(), b.db.Now())
	}
	if _, err := rows.Insert(ctx, tx, b.db.Once("tail")); err != nil {
		return nil, fmt.Errorf("phone: put: %w", err)
	}
	return hashes, nil
}

// Reveal opens one number. Fault: NotFound phone_not_found.
func (b *Book) Reveal(ctx context.Context, hash string) (Number, error) {
	found, err := b.open(ctx, []string{hash})
	if err != nil {
		return Number{}, err
	}
	n, ok := found[hash]
	if !ok {
		return Number{}, errUnknown
	}
	return n, nil
}

// Masked is how lists show numbers ("138****8000"); a hash that is not there is not in
// the answer.
func (b *Book) Masked(ctx context.Context, hashes []string) (map[string]string, error) {
	found, err := b.open(ctx, hashes)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(found))
	for hash, n := range found {
		out[hash] = n.Masked()
	}
	return out, nil
}

func (b *Book) open(ctx context.Context, hashes []string) (map[string]Number, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	var rows []row
	if err := b.db.Read(ctx).Where("hash IN ?", hashes).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("phone: read: %w", err)
	}
	out := make(map[string]Number, len(rows))
	for _, r := range rows {
		plain, err := b.box.Open(place(r.Hash), r.Sealed)
		if err != nil {
			return nil, fmt.Errorf("phone: open: %w", err)
		}
		out[r.Hash] = Number{string(plain)}
	}
	return out, nil
}

var tailForm = regexp.MustCompile(`^[0-9]{4}$`)

// ByTail lists the hashes of numbers that end in these four digits (手机尾号), at most
// limit. Fault: Invalid phone_tail.
func (b *Book) ByTail(ctx context.Context, tail string, limit int) ([]string, error) {
	if !tailForm.MatchString(tail) {
		return nil, fault.NewInvalid("phone_tail", "手机尾号应为 4 位数字")
	}
	hashes := []string{}
	err := b.db.Read(ctx).Model(&row{}).Where("tail = ?", tail).Order("hash").Limit(min(max(limit, 1), db.MaxPage)).Pluck("hash", &hashes).Error
	if err != nil {
		return nil, fmt.Errorf("phone: tail: %w", err)
	}
	return hashes, nil
}

// ForgetTx deletes numbers and says how many there were.
func (b *Book) ForgetTx(ctx context.Context, tx *gorm.DB, hashes []string) (int64, error) {
	if len(hashes) == 0 {
		return 0, nil
	}
	r := tx.WithContext(ctx).Where("hash IN ?", hashes).Delete(&row{})
	if r.Error != nil {
		return 0, fmt.Errorf("phone: forget: %w", r.Error)
	}
	return r.RowsAffected, nil
}
