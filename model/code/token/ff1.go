package token

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
	"sync"

	"siyu/model/fault"
)

// FF1 is the format-preserving cipher of NIST SP 800-38G (section 6.2, algorithms
// 7 and 8) for one key, radix, length and tweak. It permutes the radix^n texts of
// n numerals. Arithmetic is on machine integers, which limits it to
// radix^ceil(n/2) < 2^63; within that limit it is FF1 exactly, every published
// vector included. Safe for concurrent use; encrypting allocates nothing.
//
// The tweak is fixed at construction because every caller's is: it lets all AES
// blocks of PRF(P || Q) but the last be computed once, whatever the tweak's
// length, so a round costs one AES call.
type FF1 struct {
	block      cipher.Block
	radix      uint64
	u, v       int    // lengths of the two halves, u <= v
	modU, modV uint64 // radix^u, radix^v
	numBytes   int    // b of the standard: bytes that hold NUM(B)
	wide       bool   // d of the standard is 12, not 8
	hi, lo     uint64 // last block of P || Q with round and NUM(B) zero, already XORed with the chain before it
	scratch    sync.Pool
}

const (
	ff1Rounds = 10
	// minDomain is the smallest number of texts the first revision of the
	// standard allows: below it the whole permutation can be collected.
	minDomain = 1_000_000
	// lanes is how many texts encryptLanes works on at once.
	lanes = 4
)

// NewFF1 makes the cipher for texts of n numerals of radix 2..65536. The key has
// 16, 24 or 32 bytes; the tweak is at most 65536 bytes and may be nil.
// Faults: Invalid ff1_key, ff1_domain.
func NewFF1(key []byte, radix, n int, tweak []byte) (*FF1, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.NewInvalid("ff1_key", "密钥长度必须是 16、24 或 32 字节")
	}
	domain := fault.NewInvalid("ff1_domain", "加密域不在支持范围内")
	if radix < 2 || radix > 1<<16 || n < 2 || n > 126 || len(tweak) > 1<<16 {
		return nil, domain
	}
	f := &FF1{block: block, radix: uint64(radix), u: n / 2, v: n - n/2}
	var ok bool
	if f.modV, ok = power(f.radix, f.v); !ok {
		return nil, domain
	}
	f.modU, _ = power(f.radix, f.u)
	if hi, lo := bits.Mul64(f.modU, f.modV); hi == 0 && lo < minDomain {
		return nil, domain
	}
	f.numBytes = (bits.Len64(f.modV-1) + 7) / 8
	f.wide = f.numBytes > 4 // d = 4*ceil(b/4) + 4
	f.scratch.New = func() any { return new([lanes][aes.BlockSize]byte) }
	f.chain(tweak, n)
	return f, nil
}

// power returns radix^e and whether it is below 2^63.
func power(radix uint64, e int) (uint64, bool) {
	p := uint64(1)
	for range e {
		hi, lo := bits.Mul64(p, radix)
		if hi != 0 || lo >= 1<<63 {
			return 0, false
		}
		p = lo
	}
	return p, true
}

// chain runs the CBC-MAC over P and all of Q that does not change from round to
// round. Round number and NUM(B) take at most 9 bytes at the end of Q, and Q is
// padded in front of them, so they always lie in the last block.
func (f *FF1) chain(tweak []byte, n int) {
	var p [aes.BlockSize]byte
	p[0], p[1], p[2] = 1, 2, 1
	p[3], p[4], p[5] = byte(f.radix>>16), byte(f.radix>>8), byte(f.radix)
	p[6], p[7] = ff1Rounds, byte(f.u)
	binary.BigEndian.PutUint32(p[8:], uint32(n))
	binary.BigEndian.PutUint32(p[12:], uint32(len(tweak)))

	size := len(tweak) + 1 + f.numBytes
	q := make([]byte, (size+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	copy(q, tweak)

	mac := p[:]
	f.block.Encrypt(mac, mac)
	for len(q) > aes.BlockSize {
		for i := range mac {
			mac[i] ^= q[i]
		}
		f.block.Encrypt(mac, mac)
		q = q[aes.BlockSize:]
	}
	f.hi = binary.BigEndian.Uint64(mac) ^ binary.BigEndian.Uint64(q)
	f.lo = binary.BigEndian.Uint64(mac[8:]) ^ binary.BigEndian.Uint64(q[8:])
}

// fill writes the last block of P || Q for round i and a half.
func (f *FF1) fill(buf *[aes.BlockSize]byte, i int, half uint64) {
	hi, lo := f.hi, f.lo^half
	if f.numBytes == 8 {
		hi ^= uint64(i)
	} else {
		lo ^= uint64(i) << (8 * f.numBytes)
	}
	binary.BigEndian.PutUint64(buf[:8], hi)
	binary.BigEndian.PutUint64(buf[8:], lo)
}

// reduce is y of the standard, the number in the encrypted block, modulo m.
func (f *FF1) reduce(buf *[aes.BlockSize]byte, m uint64) uint64 {
	hi := binary.BigEndian.Uint64(buf[:8])
	if !f.wide {
		return hi % m
	}
	lo := hi<<32 | uint64(binary.BigEndian.Uint32(buf[8:12]))
	if m&(m-1) == 0 { // our tokens: radix 32, no division needed
		return lo & (m - 1)
	}
	return bits.Rem64(hi>>32, lo, m)
}

// round is steps i to vi of the standard for one round.
func (f *FF1) round(buf *[aes.BlockSize]byte, i int, half, m uint64) uint64 {
	f.fill(buf, i, half)
	f.block.Encrypt(buf[:], buf[:])
	return f.reduce(buf, m)
}

// encrypt maps the two halves, each as the number its numerals spell. The buffer
// comes from a pool because a stack array would escape through cipher.Block.
func (f *FF1) encrypt(a, b uint64) (uint64, uint64) {
	buf := f.scratch.Get().(*[lanes][aes.BlockSize]byte)
	for i := range ff1Rounds {
		m := f.modU
		if i&1 == 1 {
			m = f.modV
		}
		c := a + f.round(&buf[0], i, b, m) // both below 2^63
		if c >= m {
			c -= m
		}
		a, b = b, c
	}
	f.scratch.Put(buf)
	return a, b
}

// encryptLanes is encrypt on several texts side by side. A round of one text waits
// for the AES call of the round before; those of other texts do not, so the
// processor overlaps them and bulk issue runs nearly twice as fast. The three loops
// are apart on purpose: AES reads 16 bytes at once, and reading them right after
// two 8-byte writes makes the processor wait for both to reach the cache (measured:
// with one loop the gain is nil).
func (f *FF1) encryptLanes(a, b *[lanes]uint64) {
	buf := f.scratch.Get().(*[lanes][aes.BlockSize]byte)
	for i := range ff1Rounds {
		m := f.modU
		if i&1 == 1 {
			m = f.modV
		}
		for j := range lanes {
			f.fill(&buf[j], i, b[j])
		}
		for j := range lanes {
			f.block.Encrypt(buf[j][:], buf[j][:])
		}
		for j := range lanes {
			c := a[j] + f.reduce(&buf[j], m)
			if c >= m {
				c -= m
			}
			a[j], b[j] = b[j], c
		}
	}
	f.scratch.Put(buf)
}

// decrypt undoes encrypt.
func (f *FF1) decrypt(a, b uint64) (uint64, uint64) {
	buf := f.scratch.Get().(*[lanes][aes.BlockSize]byte)
	for i := ff1Rounds - 1; i >= 0; i-- {
		m := f.modU
		if i&1 == 1 {
			m = f.modV
		}
		y := f.round(&buf[0], i, a, m)
		c := b - y
		if b < y {
			c += m
		}
		a, b = c, a
	}
	f.scratch.Put(buf)
	return a, b
}

// Encrypt replaces the numerals (each below the radix, as many as the cipher's
// length) by their encryption. Fault: Invalid ff1_text.
func (f *FF1) Encrypt(numerals []uint16) error { return f.apply(numerals, f.encrypt) }

// Decrypt undoes Encrypt. Fault: Invalid ff1_text.
func (f *FF1) Decrypt(numerals []uint16) error { return f.apply(numerals, f.decrypt) }

func (f *FF1) apply(numerals []uint16, crypt func(a, b uint64) (uint64, uint64)) error {
	if len(numerals) != f.u+f.v {
		return fault.NewInvalid("ff1_text", "文本长度与加密域不符")
	}
	var a, b uint64
	for i, x := range numerals {
		if uint64(x) >= f.radix {
			return fault.NewInvalid("ff1_text", "文本含有加密域以外的数字")
		}
		if i < f.u {
			a = a*f.radix + uint64(x)
		} else {
			b = b*f.radix + uint64(x)
		}
	}
	a, b = crypt(a, b)
	for i := len(numerals) - 1; i >= 0; i-- {
		if i >= f.u {
			numerals[i], b = uint16(b%f.radix), b/f.radix
		} else {
			numerals[i], a = uint16(a%f.radix), a/f.radix
		}
	}
	return nil
}
