package bits_test

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/segment/bits"
)

// TestWire: what is written is read again, and nothing else is.
func TestWire(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	p, l := bits.NewPeople(), bits.NewLoader()
	var list []id.ID
	for n := uint32(0); n < 5000; n += 1 + uint32(r.IntN(3)) {
		who := id.ID(r.Int64N(1 << 62))
		p.Put(who, n, r.IntN(3) > 0, r.IntN(2) > 0)
		l.Add([]string{"", "a", "浙江"}[r.IntN(3)], n)
		list = append(list, who)
	}
	c := l.Column()
	var file bytes.Buffer
	w := bits.NewWriter(&file)
	w.Bytes([]byte("head"))
	w.IDs(list)
	w.People(p)
	w.Column(c)
	w.Number(1 << 60)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := bits.NewReader(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	head, ids, people, column, number := read.Bytes(), read.IDs(), read.People(), read.Column(), read.Number()
	if err := read.Err(); err != nil {
		t.Fatal(err)
	}
	if string(head) != "head" || !slices.Equal(ids, list) || number != 1<<60 || people.Len() != p.Len() || !slices.Equal(people.IDs(), p.IDs()) || !people.Live.Equals(p.Live) || !people.Allows.Equals(p.Allows) {
		t.Error("people are not who they were")
	}
	for _, i := range list {
		was, _ := p.Number(i)
		if n, ok := people.Number(i); !ok || n != was {
			t.Fatalf("%d is %d, was %d", i, n, was)
		}
	}
	people.Put(1<<62, 6000, true, true) // it goes on from there
	if n, ok := people.Number(1 << 62); !ok || n != 6000 {
		t.Error("nobody can be put in")
	}
	if !slices.Equal(column.Values(), c.Values()) {
		t.Errorf("%q", column.Values())
	}
	for _, v := range c.Values() {
		if !column.Of(v).Equals(c.Of(v)) {
			t.Errorf("value %q differs", v)
		}
	}
	t.Run("a bit that fell over and an end that is missing are seen", func(t *testing.T) {
		for range 200 {
			b := bytes.Clone(file.Bytes())
			if at := r.IntN(len(b)); r.IntN(2) == 0 {
				b = b[:at]
			} else {
				b[at] ^= 1 << r.IntN(8)
			}
			if _, err := bits.NewReader(b); !errors.Is(err, bits.ErrBroken) {
				t.Fatal(err)
			}
		}
	})
	t.Run("read in another order it is broken, and no panic", func(t *testing.T) {
		for _, ask := range []func(r *bits.Reader){
			func(r *bits.Reader) { r.IDs(); r.People(); r.Column() },
			func(r *bits.Reader) { r.Number(); r.Column(); r.People() },
			func(r *bits.Reader) { r.Column() },
			func(r *bits.Reader) {
				for range 10 {
					r.People()
				}
			},
		} {
			read, err := bits.NewReader(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if ask(read); !errors.Is(read.Err(), bits.ErrBroken) {
				t.Error(read.Err())
			}
		}
	})
}

var people = flag.Int("people", 1_000_000, "people of BenchmarkWire")

// BenchmarkWire is what a process writes when it ends and reads when it begins: people, a
// fact of everybody in five values and fifty of some.
func BenchmarkWire(b *testing.B) {
	p, list := bits.NewPeople(), []*bits.Column{}
	for n := range *people {
		p.Put(id.ID(int64(n)<<22|int64(n%977)), uint32(n), true, n%5 > 0)
	}
	for c := range 51 {
		l := bits.NewLoader()
		for n := 0; n < *people; n += 1 + c*c/3 {
			l.Add(strconv.Itoa(n%5*(1-min(c, 1))), uint32(n))
		}
		list = append(list, l.Column())
	}
	for b.Loop() {
		var file bytes.Buffer
		begun := clock.Wall()
		w := bits.NewWriter(&file)
		w.People(p)
		for _, c := range list {
			w.Column(c)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		read := clock.Wall()
		r, err := bits.NewReader(file.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		r.People()
		for range list {
			r.Column()
		}
		if r.Err() != nil {
			b.Fatal(r.Err())
		}
		b.ReportMetric(read.Sub(begun).Seconds()*1000, "write_ms")
		b.ReportMetric(clock.Wall().Sub(read).Seconds()*1000, "read_ms")
		b.ReportMetric(float64(file.Len())/(1<<20), "MiB")
	}
}
