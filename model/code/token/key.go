package token

import (
	"encoding/binary"

	"siyu/model/fault"
)

const (
	// Slots is how many (brand, key version) pairs one installation can have.
	Slots = 1 << 10
	// Positions is how many codes one slot can hold: 17 billion.
	Positions = 1 << 34
	// SecretSize is the length of a brand key in bytes (AES-256).
	SecretSize = 32

	sealed    = Size - 2 // symbols under FF1
	halfBits  = 35       // bits in each half of them
	checkBits = 36       // zero bits after the position
)

// Key issues and opens the tokens of one slot. Safe for concurrent use. It prints
// as its slot and never shows its secret.
type Key struct {
	slot   int
	cipher *FF1
}

// NewKey makes the key of slot 0..Slots-1 from 32 secret bytes. The slot is the
// cipher's tweak, so the same secret in two slots still gives unrelated tokens.
// Fault: Invalid code_key.
func NewKey(slot int, secret []byte) (*Key, error) {
	if slot < 0 || slot >= Slots {
		return nil, fault.Invalidf("code_key", "密钥槽位必须在 0 到 %d 之间", Slots-1)
	}
	if len(secret) != SecretSize {
		return nil, fault.Invalidf("code_key", "码密钥必须是 %d 字节", SecretSize)
	}
	var tweak [2]byte
	binary.BigEndian.PutUint16(tweak[:], uint16(slot))
	cipher, err := NewFF1(secret, len(alphabet), sealed, tweak[:])
	if err != nil {
		return nil, err
	}
	return &Key{slot: slot, cipher: cipher}, nil
}

// Slot is the slot the key was made for.
func (k *Key) Slot() int { return k.slot }

// String names the key without showing it.
func (k *Key) String() string { return "token.Key" }

// GoString keeps %#v from printing the key schedule.
func (k *Key) GoString() string { return "token.Key" }

// Issue returns the token of a position below Positions.
func (k *Key) Issue(position uint64) Token {
	var buf [Size]byte
	return Token(k.AppendIssue(buf[:0], position))
}

// AppendIssue appends the token of a position below Positions to dst, without an
// allocation if dst has room. A larger position panics: NewRing and the batch
// table refuse such ranges, and cutting it short would print another code's token,
// whose prize belongs to somebody else.
func (k *Key) AppendIssue(dst []byte, position uint64) []byte {
	if position >= Positions {
		panic("token: position out of range")
	}
	// 34 bits of position and the first check bit fill one half, 35 check bits the
	// other.
	a, b := k.cipher.encrypt(position<<1, 0)
	return k.spell(dst, a, b)
}

// AppendRun appends the tokens of count positions beginning at from, sixteen bytes
// each and nothing between them. It is AppendIssue for print runs, nearly twice
// as fast, and panics as it does.
func (k *Key) AppendRun(dst []byte, from uint64, count int) []byte {
	if count < 0 || from >= Positions || uint64(count) > Positions-from {
		panic("token: position out of range")
	}
	var a, b [lanes]uint64
	for ; count >= lanes; count -= lanes {
		for j := range a {
			a[j], b[j] = (from+uint64(j))<<1, 0
		}
		k.cipher.encryptLanes(&a, &b)
		for j := range a {
			dst = k.spell(dst, a[j], b[j])
		}
		from += lanes
	}
	for range count {
		dst = k.AppendIssue(dst, from)
		from++
	}
	return dst
}

// spell appends the sixteen symbols of the slot and the two encrypted halves.
func (k *Key) spell(dst []byte, a, b uint64) []byte {
	n := len(dst)
	dst = append(dst, "0000000000000000"...)
	out := dst[n : n+Size : n+Size]
	out[0], out[1] = alphabet[k.slot>>5], alphabet[k.slot&31]
	for i := 8; i >= 2; i-- {
		out[i], a = alphabet[a&31], a>>5
		out[i+7], b = alphabet[b&31], b>>5
	}
	return dst
}

// Open returns the position of a token made by this key. False means it was not:
// the text is not canonical, names another slot, or was never issued by anyone who
// has the key. All check bits are compared at once, so the time taken tells a
// guesser nothing about how many were right.
func (k *Key) Open(t Token) (position uint64, ok bool) {
	if len(t) != Size {
		return 0, false
	}
	var a, b uint64
	var bad byte
	for i := 2; i < 9; i++ {
		x, y := canonical[t[i]], canonical[t[i+7]]
		bad |= x | y // values stay below 32, noSymbol does not
		a, b = a<<5|uint64(x&31), b<<5|uint64(y&31)
	}
	s0, s1 := canonical[t[0]], canonical[t[1]]
	if (bad|s0|s1)&^31 != 0 || int(s0)<<5|int(s1) != k.slot {
		return 0, false
	}
	a, b = k.cipher.decrypt(a, b)
	if a&1|b != 0 {
		return 0, false
	}
	return a >> 1, true
}
