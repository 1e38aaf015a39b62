// Package seal keeps secrets at rest: AES-256-GCM under a master key that comes
// from the environment, with key versions so that the master key can be rotated.
//
// A rotation never leaves a value that some process cannot open. First every process
// gets the new key as a reader only ("1:OLD,+2:NEW"), then every process may seal with
// it ("1:OLD,2:NEW"), then the stored values are sealed anew (siyu rotate). The oldest
// key stays configured for good, because Derive comes from it.
//
// The associated data binds a sealed value to its place ("account:42"), so a value
// copied to another row does not open. Layout: 1 byte version, 12 bytes nonce,
// ciphertext with tag.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrSealed is returned when a value does not open: wrong key, wrong place, or damage.
var ErrSealed = errors.New("sealed value does not open with the configured master keys")

// Box seals with the newest key and opens with any.
type Box struct {
	newest byte
	keys   map[byte]cipher.AEAD
	macs   map[byte][]byte
}

// Parse reads "1:BASE64,2:BASE64" (32 bytes each); a bare BASE64 is version 1. A plus
// before a version ("+2:BASE64") opens with that key and does not seal with it yet.
func Parse(text string) (*Box, error) {
	b := &Box{keys: map[byte]cipher.AEAD{}, macs: map[byte][]byte{}}
	for part := range strings.SplitSeq(text, ",") {
		part, standby := strings.CutPrefix(strings.TrimSpace(part), "+")
		version, key, found := strings.Cut(part, ":")
		if !found {
			version, key = "1", version
		}
		v, err := strconv.ParseUint(version, 10, 8)
		if err != nil || v == 0 {
			return nil, errors.New("master key: the version must be 1 to 255")
		}
		raw, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(raw) != 32 {
			return nil, errors.New("master key: want 32 bytes in base64 (openssl rand -base64 32)")
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		if _, dup := b.keys[byte(v)]; dup {
			return nil, fmt.Errorf("master key: version %d is given twice", v)
		}
		b.keys[byte(v)] = aead
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte("siyu derive"))
		b.macs[byte(v)] = mac.Sum(nil)
		if !standby {
			b.newest = max(b.newest, byte(v))
		}
	}
	if b.newest == 0 {
		return nil, errors.New("master key: no version may seal; one must stand without a plus")
	}
	return b, nil
}

// NewKey makes the text of a fresh version 1 master key.
func NewKey() string {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails: crypto/rand aborts the process instead
	return "1:" + base64.StdEncoding.EncodeToString(raw)
}

// Newest is the key version that Seal uses.
func (b *Box) Newest() int { return int(b.newest) }

// Version is the key version a value was sealed with, 0 if it is none.
func Version(sealed []byte) int {
	if len(sealed) < 13+16 {
		return 0
	}
	return int(sealed[0])
}

// Seal encrypts plain for one place.
func (b *Box) Seal(place string, plain []byte) []byte {
	out := make([]byte, 13, 13+len(plain)+16)
	out[0] = b.newest
	rand.Read(out[1:13])
	return b.keys[b.newest].Seal(out, out[1:13], plain, []byte(place))
}

// Open decrypts what was sealed for the same place.
func (b *Box) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) < 13+16 {
		return nil, ErrSealed
	}
	aead, ok := b.keys[sealed[0]]
	if !ok {
		return nil, fmt.Errorf("%w: key version %d is not configured", ErrSealed, sealed[0])
	}
	plain, err := aead.Open(nil, sealed[1:13], sealed[13:], []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Derive returns 32 bytes for one purpose (cookie signing, keyed hashes), from the
// oldest master key, so that adding a version does not log everybody out.
func (b *Box) Derive(purpose string) []byte {
	oldest := b.newest
	for v := range b.macs { // standby keys are newer than the oldest, so they change nothing
		oldest = min(oldest, v)
	}
	mac := hmac.New(sha256.New, b.macs[oldest])
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}
