package referral

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"siyu/model/id"
)

// A token names a code in links and QR pictures: 26 symbols of Crockford's Base32 that
// hold the code's number and 64 bits of a keyed hash of it. It fits WeChat's scene of a
// mini program code, which takes 32, and of a QR code, which takes 64. A guess is right
// with probability 2^-64, and a wrong one costs no SQL.

const (
	// TokenSize is the number of symbols of a token.
	TokenSize = 26
	alphabet  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// encoding is never changed.
var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Token is the code's text in links and pictures.
func (s *Store) Token(c Code) string { return encoding.EncodeToString(s.signed(c.ID)) }

func (s *Store) signed(codeID id.ID) []byte {
	m := hmac.New(sha256.New, s.key)
	raw := binary.BigEndian.AppendUint64(nil, uint64(codeID))
	m.Write(raw)
	return m.Sum(raw)[:16]
}

// codeOf returns the code that a token names, by arithmetic alone.
func (s *Store) codeOf(text string) (id.ID, bool) {
	if len(text) > 4*TokenSize {
		return 0, false
	}
	text = strings.Map(symbol, text)
	raw, err := encoding.DecodeString(text)
	if err != nil || len(raw) != 16 || encoding.EncodeToString(raw) != text { // the last symbol has two bits to spare
		return 0, false
	}
	codeID := id.ID(binary.BigEndian.Uint64(raw))
	return codeID, codeID > 0 && hmac.Equal(raw, s.signed(codeID))
}

// symbol reads a symbol as people type and paste it: small letters, full-width forms,
// O for 0, I and L for 1; blanks and hyphens between symbols are nothing.
func symbol(r rune) rune {
	if r >= '\uff01' && r <= '\uff5e' { // full-width forms stand 0xFEE0 above ASCII
		r -= 0xFEE0
	}
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case ' ', '-', '\u3000', '\u200b', '\ufeff', '\u00a0', '\t', '\n', '\r':
		return -1
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return r
}
