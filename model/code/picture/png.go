package picture

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"siyu/model/fault"
)

// MaxModulePx bounds the width of a module in a PNG, in pixels.
const MaxModulePx = 64

// AppendPNG appends the symbol as a one-bit PNG with its quiet zone, modulePx
// (1..MaxModulePx) whole pixels per module, and allocates nothing if dst has room.
// Fault: Invalid picture_module.
//
// It writes PNG (RFC 2083) and deflate (RFC 1951) itself, because image/png takes
// half a millisecond for what is known beforehand: a row of modules is one row of
// pixels, repeated. The row goes out as literals, the repeats as references to it.
func AppendPNG(dst []byte, m *Matrix, modulePx int) ([]byte, error) {
	if modulePx < 1 || modulePx > MaxModulePx {
		return dst, fault.Invalidf("picture_module", "每个模块应为 1 到 %d 像素", MaxModulePx)
	}
	width := (m.Size + 2*QuietModules) * modulePx
	dst = append(dst, "\x89PNG\r\n\x1a\n"...)

	dst, chunk := beginChunk(dst, "IHDR")
	dst = binary.BigEndian.AppendUint32(dst, uint32(width))
	dst = binary.BigEndian.AppendUint32(dst, uint32(width))
	dst = append(dst, 1, 0, 0, 0, 0) // one bit, grey, deflate, no filter, not interlaced
	dst = endChunk(dst, chunk)

	dst, chunk = beginChunk(dst, "IDAT")
	dst = append(dst, 0x78, 0x01)
	d := deflater{out: dst}
	d.bits(1|1<<1, 3) // last block, fixed codes
	sum := adler{a: 1}
	var row [1 + ((maxSize+2*QuietModules)*MaxModulePx+7)/8]byte
	line := row[:1+(width+7)/8]
	for y := -QuietModules; y < m.Size+QuietModules; {
		same := 1 // rows of modules that look alike: the quiet zone
		for y+same < m.Size+QuietModules && m.row(y+same) == m.row(y) {
			same++
		}
		fillLine(line, m.row(y), width, modulePx)
		d.literals(line)
		d.repeat(len(line), (same*modulePx-1)*len(line))
		sum.add(line, same*modulePx)
		y += same
	}
	dst = d.finish()
	dst = binary.BigEndian.AppendUint32(dst, sum.b<<16|sum.a)
	dst = endChunk(dst, chunk)

	dst, chunk = beginChunk(dst, "IEND")
	return endChunk(dst, chunk), nil
}

// row is the modules of a row, light above and below the symbol.
func (m *Matrix) row(y int) uint64 {
	if y < 0 || y >= m.Size {
		return 0
	}
	return m.Rows[y]
}

// fillLine paints a row of modules: a filter byte of 0, then one bit per pixel,
// leftmost in the highest bit, 1 for white.
func fillLine(line []byte, modules uint64, width, modulePx int) {
	for i := range line {
		line[i] = 0xff
	}
	line[0] = 0
	pixels := line[1:]
	if rest := width % 8; rest != 0 {
		pixels[len(pixels)-1] = 0xff << (8 - rest)
	}
	for ; modules != 0; modules &= modules - 1 {
		from := (QuietModules + bits.TrailingZeros64(modules)) * modulePx
		for x := from; x < from+modulePx; {
			if x%8 == 0 && x+8 <= from+modulePx {
				pixels[x/8] = 0
				x += 8
				continue
			}
			pixels[x/8] &^= 0x80 >> (x % 8)
			x++
		}
	}
}

func beginChunk(dst []byte, name string) ([]byte, int) {
	return append(append(dst, 0, 0, 0, 0), name...), len(dst)
}

func endChunk(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-8))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[at+4:]))
}

// adler is the checksum of zlib (RFC 1950, section 8.2).
type adler struct{ a, b uint32 }

// add takes a line repeated n times. With s the sum of a line's k bytes and w the
// sum of its bytes each times its distance from the end, one more line takes
// (a, b) to (a+s, b + k*a + w), so repeats need not be walked through.
func (c *adler) add(line []byte, n int) {
	const prime = 65521
	var s, w uint32
	for i, v := range line {
		s += uint32(v)
		w += uint32(v) * uint32(len(line)-i) // at most 255 * 553^2/2, fits
	}
	for range n {
		c.b = (c.b + uint32(len(line))*c.a + w%prime) % prime
		c.a = (c.a + s) % prime
	}
}

// deflater writes one deflate block with the fixed Huffman codes of RFC 1951,
// section 3.2.6.
type deflater struct {
	out  []byte
	hold uint64 // bits not yet written, lowest first
	n    uint
}

func (d *deflater) bits(v uint32, n uint) {
	d.hold |= uint64(v) << d.n
	for d.n += n; d.n >= 8; d.n -= 8 {
		d.out = append(d.out, byte(d.hold))
		d.hold >>= 8
	}
}

// huffman writes a code of n bits, which go out highest first.
func (d *deflater) huffman(code uint32, n uint) {
	d.bits(bits.Reverse32(code)>>(32-n), n)
}

func (d *deflater) symbol(s uint32) {
	switch {
	case s < 144:
		d.huffman(0x30+s, 8)
	case s < 256:
		d.huffman(0x190+s-144, 9)
	case s < 280:
		d.huffman(s-256, 7)
	default:
		d.huffman(0xc0+s-280, 8)
	}
}

// literals writes bytes, a run of one byte as a reference to the byte before.
func (d *deflater) literals(p []byte) {
	for i := 0; i < len(p); {
		run := 1
		for i+run < len(p) && p[i+run] == p[i] {
			run++
		}
		if run < 1+minRepeat {
			run = 1
		}
		d.symbol(uint32(p[i]))
		d.repeat(1, run-1)
		i += run
	}
}

const minRepeat, maxRepeat = 3, 258

// repeat writes once more the n bytes that began distance bytes ago; n is 0 or at
// least minRepeat.
func (d *deflater) repeat(distance, n int) {
	for n > 0 {
		step := min(n, maxRepeat)
		if rest := n - step; rest > 0 && rest < minRepeat {
			step -= minRepeat // or the rest would be too short to refer to
		}
		n -= step

		if length := uint32(step - 3); step == maxRepeat {
			d.symbol(285)
		} else if length < 8 {
			d.symbol(257 + length)
		} else { // four codes for each number of extra bits
			extra := uint32(bits.Len32(length)) - 3
			d.symbol(257 + 4*extra + length>>extra)
			d.bits(length&(1<<extra-1), uint(extra))
		}
		if back := uint32(distance - 1); back < 4 {
			d.huffman(back, 5)
		} else { // two codes for each number of extra bits
			extra := uint32(bits.Len32(back)) - 2
			d.huffman(2*extra+back>>extra, 5)
			d.bits(back&(1<<extra-1), uint(extra))
		}
	}
}

func (d *deflater) finish() []byte {
	d.symbol(256)
	if d.n > 0 {
		d.bits(0, 8-d.n)
	}
	return d.out
}
