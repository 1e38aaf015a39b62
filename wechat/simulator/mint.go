package simulator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
)

// Everything here is derived, never random: a failing test can be run again and
// sees the same openids, tokens and keys. None of it is secret.

// digest is the hex SHA-256 of the parts.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// short is the digest in the URL-safe alphabet of openids, 43 characters.
func short(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// digits is n decimal digits (at most 60) derived from name.
func digits(name string, n int) string {
	sum := sha256.Sum256([]byte("digits/" + name))
	text := new(big.Int).SetBytes(sum[:]).String()
	return (text + strings.Repeat("0", 60))[:n]
}

// mint gives a fresh value of a kind; the seed and the order of calls decide it.
func (s *Simulator) mint(kind string) string {
	return digest(kind, fmt.Sprint(s.opts.Seed), fmt.Sprint(s.counter.Add(1)))
}

// number gives a fresh positive 63-bit integer, like a MsgId.
func (s *Simulator) number() int64 {
	return 24_000_000_000_000_000 + s.counter.Add(1)
}

// stream is AES-CTR over zeroes: an endless supply of derived bytes.
func stream(name string) cipher.Stream {
	key := sha256.Sum256([]byte("stream/" + name))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a 32-byte key cannot be refused
	}
	return cipher.NewCTR(block, make([]byte, aes.BlockSize))
}

// seededKey derives a 2048-bit RSA key from a name. The standard library mixes
// real randomness into GenerateKey on purpose; a simulator needs the opposite,
// so that a merchant row stored yesterday still names today's platform key.
func seededKey(name string) *rsa.PrivateKey {
	source := stream("rsa/" + name)
	e := big.NewInt(65537)
	one := big.NewInt(1)
	prime := func() *big.Int {
		for {
			buf := make([]byte, 128)
			source.XORKeyStream(buf, buf)
			buf[0] |= 0xC0 // both top bits: the product has exactly 2048 bits
			buf[127] |= 1
			p := new(big.Int).SetBytes(buf)
			less := new(big.Int).Sub(p, one)
			if new(big.Int).GCD(nil, nil, e, less).Cmp(one) == 0 && p.ProbablyPrime(1) {
				return p
			}
		}
	}
	p, q := prime(), prime()
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(e, phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		panic("simulator: derived RSA key: " + err.Error()) // arithmetic above would be wrong
	}
	return key
}

// DemoKey derives an RSA key pair in PEM (PKCS #8 and PKIX) from a name, for
// the merchants of demos and tests. Anyone can derive it again: never use it
// with real WeChat.
func DemoKey(name string) (privatePEM, publicPEM string) {
	key := seededKey("demo/" + name)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // an RSA key always has a PKCS #8 form
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), publicPEMOf(&key.PublicKey)
}

func publicPEMOf(key *rsa.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // an RSA key always has a PKIX form
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// PlatformKey is WeChat Pay's public key and its id ("PUB_KEY_ID_..."), as a
// merchant in 微信支付公钥 mode downloads them once from the merchant site.
func (s *Simulator) PlatformKey() (id, publicPEM string) {
	return s.keyID, publicPEMOf(&s.key().PublicKey)
}
