package picture

import (
	"archive/zip"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
	"hash"
	"io"
	"math"
	"strings"
	"time"

	"siyu/model/fault"
)

// Zip writes a ZIP whose entries are encrypted with AES-256 the way WinZip, 7-Zip
// and the archive programs of print houses read it (AE-2,
// https://www.winzip.com/en/support/aes-encryption/). archive/zip writes headers,
// Zip64 sizes and the directory; only the encryption is ours, as the libraries that
// offer it are copies of an archive/zip of years ago.
//
// It streams. Two costs are per entry: a key derivation of about a millisecond, which
// the format prescribes, and a header kept in memory until Close. For many pictures
// write one plain ZIP of some thousands into each stored entry instead.
//
// File names and sizes are not encrypted: keep tokens out of names.
type Zip struct {
	// Modified is the time written to the entries made from now on, to two seconds;
	// the zero value is written as the format's first day, 1980-01-01.
	Modified time.Time

	w        *zip.Writer
	password string
	entry    *sealedEntry
	packer   *flate.Writer
	closed   bool
}

const (
	// MinPassword and MaxPassword bound the length of a password; WinZip takes 99.
	MinPassword, MaxPassword = 8, 99

	zipAES       = 99 // method of an encrypted entry; the real one is in the extra field
	zipVersion   = 51 // needed to extract AES
	zipEncrypted = 1 << 0
	zipDescribed = 1 << 3 // sizes follow the data
	zipUTF8      = 1 << 11

	saltSize   = 16
	keySize    = 32
	verifySize = 2
	macSize    = 10   // of HMAC-SHA1's 20
	iterations = 1000 // all four fixed by AE-2

	// MaxEntry bounds the plain bytes of one entry. Beyond 4 GiB archive/zip writes a
	// Zip64 field that 7-Zip reports as a header error, and print houses do not take
	// archives with errors. The archive itself may be of any size.
	MaxEntry = 4_000_000_000
)

// NewZip begins an archive on w. The password is 8 to 99 printable ASCII
// characters: programs disagree on the encoding of others.
// Fault: Invalid zip_password.
func NewZip(w io.Writer, password string) (*Zip, error) {
	ok := len(password) >= MinPassword && len(password) <= MaxPassword
	for i := range len(password) {
		ok = ok && password[i] > ' ' && password[i] <= '~'
	}
	if !ok {
		return nil, fault.Invalidf("zip_password", "压缩包密码应为 %d 到 %d 位英文字母、数字或符号", MinPassword, MaxPassword)
	}
	return &Zip{w: zip.NewWriter(w), password: password}, nil
}

// Create begins an entry that is deflated and encrypted; write it before the next.
// The name is a relative path with forward slashes. Faults: Invalid zip_name, or
// the writer's.
func (z *Zip) Create(name string) (io.Writer, error) { return z.create(name, zip.Deflate) }

// CreateStored is Create without deflate, for what is compressed already.
func (z *Zip) CreateStored(name string) (io.Writer, error) { return z.create(name, zip.Store) }

func (z *Zip) create(name string, method uint16) (io.Writer, error) {
	if err := z.finish(); err != nil {
		return nil, err
	}
	if z.closed {
		return nil, fault.New(fault.Internal, "zip_closed", "压缩包已经写完")
	}
	if !safeName(name) {
		return nil, fault.NewInvalid("zip_name", "压缩包内的文件名不合法")
	}
	header := &zip.FileHeader{
		Name: name, Method: zipAES,
		CreatorVersion: zipVersion, ReaderVersion: zipVersion,
		Flags: zipEncrypted | zipDescribed | zipUTF8,
		Extra: sealExtra(method),
	}
	header.ModifiedDate, header.ModifiedTime = dosTime(z.Modified)
	raw, err := z.w.CreateRaw(header)
	if err != nil {
		return nil, err
	}
	e := &sealedEntry{header: header, raw: raw}
	if err := e.begin(z.password); err != nil {
		return nil, err
	}
	e.in = sealer{e}
	if method == zip.Deflate {
		if z.packer == nil {
			// Tokens are random: harder levels find nothing more.
			if z.packer, err = flate.NewWriter(nil, flate.BestSpeed); err != nil {
				return nil, err
			}
		}
		z.packer.Reset(sealer{e})
		e.packer, e.in = z.packer, z.packer
	}
	z.entry = e
	return e, nil
}

// safeName refuses names that an unpacking program could take for a place outside
// its folder.
func safeName(name string) bool {
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "\\:\x00") || strings.ToValidUTF8(name, "") != name {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// sealExtra is the 0x9901 field: AE-2, vendor "AE", 256 bits, the real method.
func sealExtra(method uint16) []byte {
	return []byte{0x01, 0x99, 7, 0, 2, 0, 'A', 'E', 3, byte(method), byte(method >> 8)}
}

// dosTime is the date and time of a ZIP header, which knows no zone.
func dosTime(t time.Time) (date, clock uint16) {
	if t.Year() < 1980 || t.Year() > 2107 {
		return 1<<5 | 1, 0
	}
	return uint16(t.Day() + int(t.Month())<<5 + (t.Year()-1980)<<9),
		uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
}

// finish completes the entry being written, if any.
func (z *Zip) finish() error {
	e := z.entry
	if e == nil {
		return nil
	}
	z.entry = nil
	return e.end()
}

// Close writes the directory. It does not close the writer.
func (z *Zip) Close() error {
	if z.closed {
		return nil
	}
	if err := z.finish(); err != nil {
		return err
	}
	z.closed = true
	return z.w.Close()
}

// sealedEntry is the entry being written: plain text in, through the packer if any,
// then the cipher, then the file.
type sealedEntry struct {
	header  *zip.FileHeader
	raw     io.Writer
	in      io.Writer
	packer  *flate.Writer
	block   cipher.Block
	mac     hash.Hash
	counter [aes.BlockSize]byte // little-endian, unlike cipher.NewCTR's
	stream  [4096]byte          // key stream, used up from spent on
	sealed  [4096]byte
	spent   int
	plain   uint64
	packed  uint64
	done    bool
}

// begin writes salt and password check.
func (e *sealedEntry) begin(password string) error {
	var salt [saltSize]byte
	// A salt never repeats, or two entries would share a key stream.
	if _, err := rand.Read(salt[:]); err != nil {
		return err
	}
	keys, err := pbkdf2.Key(sha1.New, password, salt[:], iterations, 2*keySize+verifySize)
	if err != nil {
		return err
	}
	if e.block, err = aes.NewCipher(keys[:keySize]); err != nil {
		return err
	}
	e.mac = hmac.New(sha1.New, keys[keySize:2*keySize])
	e.spent = len(e.stream)
	return e.emit(append(salt[:], keys[2*keySize:]...))
}

func (e *sealedEntry) emit(p []byte) error {
	n, err := e.raw.Write(p)
	e.packed += uint64(n)
	return err
}

// Write takes plain text, MaxEntry bytes at most in all.
// Fault: Invalid zip_large, with nothing of p written.
func (e *sealedEntry) Write(p []byte) (int, error) {
	if e.done {
		return 0, fault.New(fault.Internal, "zip_closed", "压缩包内的文件已经写完")
	}
	if e.plain+uint64(len(p)) > MaxEntry {
		return 0, fault.NewInvalid("zip_large", "压缩包内的单个文件不能超过 4 GB，请分成几个文件")
	}
	n, err := e.in.Write(p)
	e.plain += uint64(n)
	return n, err
}

// sealer is the lower end of an entry: it encrypts what the packer hands down.
type sealer struct{ *sealedEntry }

func (s sealer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		if s.spent == len(s.stream) {
			s.refill()
		}
		n := subtle.XORBytes(s.sealed[:], p, s.stream[s.spent:])
		s.spent += n
		p = p[n:]
		s.mac.Write(s.sealed[:n])
		if err := s.emit(s.sealed[:n]); err != nil {
			return total - len(p), err
		}
	}
	return total, nil
}

// refill makes the next stretch of key stream. The counter begins at 1; 64 bits of
// it last for more than any file.
func (e *sealedEntry) refill() {
	for i := 0; i < len(e.stream); i += aes.BlockSize {
		binary.LittleEndian.PutUint64(e.counter[:], binary.LittleEndian.Uint64(e.counter[:])+1)
		e.block.Encrypt(e.stream[i:], e.counter[:])
	}
	e.spent = 0
}

// end writes what the packer still holds and the authentication code, and fills in
// the sizes, which archive/zip reads from the header when the entry is left. The
// CRC stays zero in AE-2: it would tell something about a short plain text.
func (e *sealedEntry) end() error {
	e.done = true
	if e.packer != nil {
		if err := e.packer.Close(); err != nil {
			return err
		}
	}
	if err := e.emit(e.mac.Sum(nil)[:macSize]); err != nil {
		return err
	}
	e.header.UncompressedSize64, e.header.CompressedSize64 = e.plain, e.packed
	e.header.UncompressedSize = uint32(min(e.plain, math.MaxUint32))
	e.header.CompressedSize = uint32(min(e.packed, math.MaxUint32))
	return nil
}
