package bits

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"siyu/model/id"
)

// ErrBroken: what is read is not what a Writer wrote.
var ErrBroken = errors.New("bits: broken")

// Writer writes people and columns one after another, and a checksum (SHA-256) at the end.
// After the first error it writes nothing; Close tells it.
type Writer struct {
	to  *bufio.Writer
	sum hash.Hash
	out io.Writer
	err error
}

// NewWriter begins; Close must end it.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{sum: sha256.New(), out: out}
	w.to = bufio.NewWriterSize(io.MultiWriter(out, w.sum), 1<<16)
	return w
}

func (w *Writer) write(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

// Number writes a number.
func (w *Writer) Number(n uint64) { w.write(binary.LittleEndian.AppendUint64(nil, n)) }

// Bytes writes some bytes, with their number.
func (w *Writer) Bytes(b []byte) {
	w.Number(uint64(len(b)))
	w.write(b)
}

// IDs writes a list.
func (w *Writer) IDs(list []id.ID) {
	w.Number(uint64(len(list)))
	var b []byte
	for part := range slices.Chunk(list, 4096) {
		b = b[:0]
		for _, i := range part {
			b = binary.LittleEndian.AppendUint64(b, uint64(i))
		}
		w.write(b)
	}
}

func (w *Writer) set(s *Set) {
	b, err := s.MarshalBinary()
	if w.err == nil {
		w.err = err
	}
	w.Bytes(b)
}

// People writes people.
func (w *Writer) People(p *People) {
	w.IDs(p.ids)
	w.set(p.Live)
	w.set(p.Allows)
}

// Column writes a column.
func (w *Writer) Column(c *Column) {
	values := c.Values()
	w.Number(uint64(len(values)))
	for _, v := range values {
		w.Bytes([]byte(v))
		w.set(c.values[v])
	}
}

// Close writes the checksum.
func (w *Writer) Close() error {
	if w.err == nil {
		w.err = w.to.Flush()
	}
	if w.err == nil {
		_, w.err = w.out.Write(w.sum.Sum(nil))
	}
	return w.err
}

// Reader reads what a Writer wrote, in the same order. After the first error it gives
// nothing but empty things; Err tells it.
type Reader struct {
	left []byte
	err  error
}

// NewReader checks the sum of all of it. Error: ErrBroken.
func NewReader(data []byte) (*Reader, error) {
	end := len(data) - sha256.Size
	if end < 0 {
		return nil, ErrBroken
	}
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, ErrBroken
	}
	return &Reader{left: data[:end]}, nil
}

// Err is ErrBroken where something was not what it was read as.
func (r *Reader) Err() error { return r.err }

func (r *Reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.left)) {
		r.err = ErrBroken
		return nil
	}
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}

// Number reads a number.
func (r *Reader) Number() uint64 {
	b := r.take(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// Bytes reads some bytes. They are a piece of what is read.
func (r *Reader) Bytes() []byte { return r.take(r.Number()) }

// IDs reads a list.
func (r *Reader) IDs() []id.ID {
	n := r.Number()
	if n > uint64(len(r.left))/8 {
		r.err = ErrBroken
		return nil
	}
	b, list := r.take(8*n), make([]id.ID, n)
	for i := range list {
		list[i] = id.ID(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return list
}

func (r *Reader) set() *Set {
	s := roaring.New()
	if b := r.Bytes(); r.err == nil && s.UnmarshalBinary(b) != nil {
		r.err = ErrBroken
	}
	return s
}

// People reads people.
func (r *Reader) People() *People {
	p := NewPeople()
	p.ids = r.IDs()
	for _, i := range p.ids {
		if i != 0 {
			p.count++
		}
	}
	p.spread(max(1024, ceil(2*p.count)))
	p.Live, p.Allows = r.set(), r.set()
	return p
}

// ceil is the next power of two.
func ceil(n int) int {
	c := 1
	for c < n {
		c *= 2
	}
	return c
}

// Column reads a column.
func (r *Reader) Column() *Column {
	c := &Column{map[string]*Set{}}
	for n := r.Number(); n > 0 && r.err == nil; n-- {
		v := string(r.Bytes())
		c.values[v] = r.set()
	}
	return c
}
