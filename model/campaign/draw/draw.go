// Package draw decides prizes without storing any of them (sealed prizes, 密封抽奖).
//
// A campaign has N codes, numbered 0..N-1, and tiers with exact counts. A permutation
// of [0, N) keyed by a secret seed gives each code a rank; intervals of ranks are
// tiers. Within a cash tier with a range, the amount of the j-th winner comes from a
// keyed splitting of the tier's total, so amounts are random within [min, max] and
// their sum is exact. Nothing is fought over, the number of winners and the spend
// are known before publishing, and anyone who learns the seed afterwards can
// recompute every draw.
//
// Algorithm "siyu-draw-1", complete, so that others can write it again:
//
//	key      = SHA-256("siyu-draw-1" || seed), as an AES-256 key
//	PRF(d,a,b) = first 8 bytes, big endian, of AES(key, d(1) || 0(1) || a(6) || b(8))
//	rank(i)  = Feistel network over 2w bits, w = the least with 4^w >= N (w >= 1),
//	           10 rounds r: (L, R) = (R, L xor (PRF(1, r, R) mod 2^w)); the result is
//	           L<<w | R; repeated until it is below N
//	amount(tier, j): see split.
package draw

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
)

// MaxCodes bounds N: 2^40, a trillion codes in one campaign.
const MaxCodes = 1 << 40

// SeedBytes is the length of a seed.
const SeedBytes = 32

// Tier is a prize tier as the draw needs it. Fixed amounts have Min == Max.
type Tier struct {
	Winners uint64 // exact number of winners
	Min     int64  // smallest amount, fen
	Max     int64  // largest amount, fen
	Total   int64  // exact sum over all winners, fen
}

// Draw answers which prize a code has. It is immutable and safe for concurrent use.
type Draw struct {
	block cipher.Block
	n     uint64
	w     uint
	tiers []Tier
	from  []uint64 // first rank of each tier
}

// ErrShape says that counts or totals contradict each other.
var ErrShape = errors.New("draw: tiers do not fit")

// New checks the shape: winners sum to n, totals are reachable within the ranges.
func New(seed []byte, n uint64, tiers []Tier) (*Draw, error) {
	if len(seed) != SeedBytes {
		return nil, errors.New("draw: a seed has 32 bytes")
	}
	if n == 0 || n > MaxCodes {
		return nil, fmt.Errorf("%w: %d codes", ErrShape, n)
	}
	d := &Draw{n: n, w: 1, tiers: tiers, from: make([]uint64, len(tiers))}
	for uint64(1)<<(2*d.w) < n {
		d.w++
	}
	var sum uint64
	for i, t := range tiers {
		d.from[i] = sum
		if t.Winners > n-sum {
			return nil, fmt.Errorf("%w: more winners than codes", ErrShape)
		}
		sum += t.Winners
		lo, okLo := mul(t.Min, t.Winners)
		hi, okHi := mul(t.Max, t.Winners)
		if t.Min < 0 || t.Max < t.Min || !okLo || !okHi || t.Total < lo || t.Total > hi {
			return nil, fmt.Errorf("%w: total of tier %d is not reachable", ErrShape, i)
		}
	}
	if sum != n {
		return nil, fmt.Errorf("%w: %d winners for %d codes", ErrShape, sum, n)
	}
	key := sha256.Sum256(append([]byte("siyu-draw-1"), seed...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	d.block = block
	return d, nil
}

// mul is a*n without overflow.
func mul(a int64, n uint64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), n)
	return int64(lo), hi == 0 && lo < 1<<62
}

// At returns the tier of code i and its amount in fen. i must be below N.
func (d *Draw) At(i uint64) (tier int, amount int64) {
	rank := d.Rank(i)
	tier = len(d.from) - 1
	for tier > 0 && (rank < d.from[tier] || d.tiers[tier].Winners == 0) {
		tier--
	}
	return tier, d.Amount(tier, rank-d.from[tier])
}

// Rank is the keyed permutation of [0, N). It panics when i is not below N: the walk
// would never end.
func (d *Draw) Rank(i uint64) uint64 {
	if i >= d.n {
		panic("draw: no such code")
	}
	mask := uint64(1)<<d.w - 1
	for {
		l, r := i>>d.w, i&mask
		for round := range uint64(10) {
			l, r = r, l^(d.prf(1, round, r)&mask)
		}
		// Cycle walking: the network permutes at most 4N values, so this ends after
		// fewer than four steps on average.
		if i = l<<d.w | r; i < d.n {
			return i
		}
	}
}

// Amount returns what the j-th winner of a tier gets.
//
// split: the tier is a segment of c winners sharing t fen above their minimum. A
// segment is halved (left gets c/2 winners, rounded down). The left half's fair share
// is f = floor(t*left/c). It is moved by a uniform value within ±s, where s is f for
// the last halving and shrinks with the square root of the segment, as a sum of
// independent shares would spread; then it is cut so that both halves can still be
// paid with every share between 0 and max-min. A segment of one winner gets min + t.
func (d *Draw) Amount(tier int, j uint64) int64 {
	t := d.tiers[tier]
	if t.Min == t.Max || t.Winners == 0 {
		return t.Min
	}
	base, _ := mul(t.Min, t.Winners)
	span := uint64(t.Max - t.Min)
	from, c, extra := uint64(0), t.Winners, uint64(t.Total-base)
	for c > 1 {
		left := c / 2
		fair := mulDiv(extra, left, c)
		spread := fair
		if s := isqrt(c / 2); s > 1 {
			spread = fair / s
		}
		share := fair
		if spread > 0 {
			// Modulo bias is below 2^-20 for any amount in fen; both signs are equally likely.
			share = fair - spread + d.prf(2+byte(tier&0x3f), from, c)%(2*spread+1)
		}
		lo := uint64(0)
		if room := (c - left) * span; extra > room {
			lo = extra - room
		}
		hi := min(extra, left*span)
		share = min(max(share, lo), hi)
		if j < from+left {
			c, extra = left, share
		} else {
			from, c, extra = from+left, c-left, extra-share
		}
	}
	return t.Min + int64(extra)
}

// mulDiv is floor(a*b/c) with b <= c, so the quotient fits.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, _ := bits.Div64(hi, lo, c)
	return q
}

func isqrt(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	x := uint64(1) << ((bits.Len64(n) + 1) / 2)
	for {
		y := (x + n/x) / 2
		if y >= x {
			return x
		}
		x = y
	}
}

func (d *Draw) prf(domain byte, a, b uint64) uint64 {
	var buf [16]byte
	binary.BigEndian.PutUint64(buf[0:], a&(1<<48-1))
	buf[0], buf[1] = domain, 0
	binary.BigEndian.PutUint64(buf[8:], b)
	d.block.Encrypt(buf[:], buf[:])
	return binary.BigEndian.Uint64(buf[:])
}

// Commit is the hash that is published before the first draw: it binds the seed to
// the terms (scopes and tiers in their canonical text).
func Commit(seed []byte, terms string) string {
	h := sha256.New()
	h.Write([]byte("siyu-draw-1 commit\n"))
	h.Write(seed)
	h.Write([]byte(terms))
	return hex.EncodeToString(h.Sum(nil))
}
