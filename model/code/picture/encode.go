package picture

import (
	"math/bits"

	"rsc.io/qr/coding"
	"rsc.io/qr/gf256"

	"siyu/model/fault"
)

// Level is how much damage a symbol survives.
type Level uint8

const (
	L Level = iota // 7 percent
	M              // 15 percent: the usual one for packaging
	Q              // 25 percent
	H              // 30 percent
)

// Encoder turns contents into symbols. It keeps the layouts it has used and scratch
// space, so make one per goroutine and reuse it; it is not safe for concurrent use.
type Encoder struct {
	level Level
	plans [maxVersion + 1]*plan
	bits  coding.Bits
	check [32]byte
}

// plan is all that is known of a symbol before its content.
type plan struct {
	size               int
	dataBytes          int
	blocks, checkBytes int // error correction blocks; check bytes in each
	rs                 *gf256.RSEncoder
	place              []module           // of each bit of data, then of check bytes
	fixed              [8][maxSize]uint64 // by mask: function patterns, format, and the mask over the data area
}

type module struct{ x, y uint8 }

// NewEncoder makes an encoder for one level.
func NewEncoder(level Level) *Encoder { return &Encoder{level: min(level, H)} }

// alphaSymbols are the characters of alphanumeric mode in order of their values:
// two of them take 11 bits instead of 16.
const alphaSymbols = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// alphaValue is a constant Go cannot spell as such: the value of each character,
// -1 for those not in the mode.
var alphaValue = func() (v [128]int8) {
	for i := range v {
		v[i] = -1
	}
	for i := range len(alphaSymbols) {
		v[alphaSymbols[i]] = int8(i)
	}
	return v
}()

// Encode makes the smallest symbol that holds the content: printable ASCII, in
// alphanumeric mode if every character allows, else in byte mode.
// Faults: Invalid picture_content, picture_long.
func (e *Encoder) Encode(content string) (Matrix, error) {
	if content == "" {
		return Matrix{}, fault.NewInvalid("picture_content", "码图内容不能为空")
	}
	alpha := true
	for i := range len(content) {
		c := content[i]
		if c < ' ' || c > '~' {
			return Matrix{}, fault.NewInvalid("picture_content", "码图内容只能是英文字母、数字和符号")
		}
		alpha = alpha && alphaValue[c] >= 0
	}
	version := e.fit(len(content), alpha)
	if version == 0 {
		return Matrix{}, fault.NewInvalid("picture_long", "码图内容太长")
	}
	p, err := e.plan(version)
	if err != nil {
		return Matrix{}, err
	}
	e.bits.Reset()
	if alpha {
		e.writeAlpha(content, version)
	} else {
		coding.String(content).Encode(&e.bits, version)
	}
	e.bits.Pad(p.dataBytes*8 - e.bits.Bits())
	e.correct(p)
	return p.draw(e.bits.Bytes()), nil
}

// fit returns the smallest version that holds n characters, 0 if none does.
func (e *Encoder) fit(n int, alpha bool) coding.Version {
	for v := coding.Version(1); v <= maxVersion; v++ {
		size := 4 + countBits(v, alpha) + 8*n
		if alpha {
			size = 4 + countBits(v, alpha) + (11*n+1)/2
		}
		if size <= v.DataBytes(coding.Level(e.level))*8 {
			return v
		}
	}
	return 0
}

// countBits is the width of the character count (ISO/IEC 18004, table 3).
func countBits(v coding.Version, alpha bool) int {
	switch {
	case alpha && v <= 9:
		return 9
	case alpha:
		return 11
	case v <= 9:
		return 8
	}
	return 16
}

// writeAlpha is coding.Alpha with a table instead of a search for every character.
func (e *Encoder) writeAlpha(s string, v coding.Version) {
	e.bits.Write(2, 4)
	e.bits.Write(uint(len(s)), countBits(v, true))
	for ; len(s) >= 2; s = s[2:] {
		e.bits.Write(uint(alphaValue[s[0]])*45+uint(alphaValue[s[1]]), 11)
	}
	if s != "" {
		e.bits.Write(uint(alphaValue[s[0]]), 6)
	}
}

// correct appends the check bytes of every block. coding.Bits.AddCheckBytes does
// the same but builds its Reed-Solomon tables anew each time.
func (e *Encoder) correct(p *plan) {
	data := e.bits.Bytes()[:p.dataBytes]
	size, longer := p.dataBytes/p.blocks, p.dataBytes%p.blocks
	for i := range p.blocks {
		n := size
		if i >= p.blocks-longer { // the last blocks hold one byte more
			n++
		}
		check := e.check[:p.checkBytes]
		p.rs.ECC(data[:n], check)
		e.bits.Append(check)
		data = data[n:]
	}
}

// plan returns the layout for a version, made on first use: about a millisecond.
func (e *Encoder) plan(v coding.Version) (*plan, error) {
	if p := e.plans[v]; p != nil {
		return p, nil
	}
	p := &plan{size: 17 + 4*int(v)}
	for mask := range coding.Mask(8) {
		c, err := coding.NewPlan(v, coding.Level(e.level), mask)
		if err != nil {
			return nil, fault.New(fault.Internal, "picture_plan", "码图版式错误").Because(err)
		}
		if mask == 0 {
			p.dataBytes, p.blocks, p.checkBytes = c.DataBytes, c.Blocks, c.CheckBytes/c.Blocks
			p.place = make([]module, 8*(c.DataBytes+c.CheckBytes))
		}
		for y, row := range c.Pixel {
			for x, pix := range row {
				if pix&coding.Black != 0 {
					p.fixed[mask][y] |= 1 << x
				}
				if r := pix.Role(); r == coding.Data || r == coding.Check {
					p.place[pix.Offset()] = module{uint8(x), uint8(y)}
				}
			}
		}
	}
	p.rs = gf256.NewRSEncoder(coding.Field, p.checkBytes)
	e.plans[v] = p
	return p, nil
}

// draw lays the stream into the symbol and chooses the mask with the least penalty,
// the lowest of equals.
func (p *plan) draw(stream []byte) Matrix {
	var data [maxSize]uint64
	for i, b := range stream {
		for places := p.place[8*i:]; b != 0; {
			n := bits.LeadingZeros8(b)
			data[places[n].y] |= 1 << places[n].x
			b &^= 0x80 >> n
		}
	}
	best := Matrix{Size: p.size}
	least := -1
	var g grid
	for mask := range p.fixed {
		rows := g.rows(p.size)
		for y, f := range p.fixed[mask][:p.size] {
			rows[y] = data[y] ^ f
		}
		if n := g.penalty(p.size); least < 0 || n < least {
			least = n
			copy(best.Rows[:], rows)
		}
	}
	return best
}
