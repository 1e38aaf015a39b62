package phone

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/seal"
)

var ctx = context.Background()

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"13800138000": "+8613800138000", " 138-0013-8000 ": "+8613800138000", "138 0013 8000": "+8613800138000", "+86 138 0013 8000": "+8613800138000",
		"0086-13800138000": "+8613800138000", "8613800138000": "+8613800138000", "（+86）13800138000": "+8613800138000", "＋８６１３８００１３８０００": "+8613800138000",
		"１３８００１３８０００": "+8613800138000", "+852 9123 4567": "+85291234567", "001 (415) 555-2671": "+14155552671", "0014155552671": "+14155552671", "+1 (415) 555-2671": "+14155552671",
		"": "", "12345": "", "12800138000": "", "1380013800": "", "138001380001": "", "+8612800138000": "", "+0123456789": "", "+1234567890123456": "",
		"+86": "", "13800138000;": "", "138001380OO": "", "021-62345678": "", "++8613800138000": "", strings.Repeat("1", 100): "",
	} {
		n, err := Parse(text)
		if n.E164() != want || (want == "") != (fault.KindOf(err) == fault.Invalid && err != nil) {
			t.Errorf("%q is %q, want %q (%v)", text, n.E164(), want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"13800138000", "+86 138", "００８６１３８００１３８０００", "+", "00", "+852 9123 4567", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(n.E164())
		if err != nil || again != n {
			t.Fatalf("%q is %q, which is read as %q (%v)", text, n.E164(), again.E164(), err)
		}
		if again, err = Parse(n.Digits()); strings.HasPrefix(n.E164(), "+86") && (err != nil || again != n) {
			t.Fatalf("%q is %q by its digits %q", n.E164(), again.E164(), n.Digits())
		}
	})
}

func must(t *testing.T, text string) Number {
	t.Helper()
	n, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANumberShowsItselfToNobodyByAccident(t *testing.T) {
	n := must(t, "13800138000")
	b, err := json.Marshal(map[string]any{"n": n})
	shown := fmt.Sprintf("%v %s %+v %#v %s", n, n, struct{ N Number }{n}, n, b)
	if err != nil || strings.Contains(shown, "13800138000") || strings.Contains(shown, "0013") || n.Masked() != "138****8000" || n.Tail() != "8000" {
		t.Error(shown, n.Masked(), err)
	}
	if m := must(t, "+85291234567").Masked(); m != "+85*****4567" {
		t.Error(m)
	}
}

func book(t *testing.T, d *db.DB, keys string) *Book {
	t.Helper()
	box, err := seal.Parse(keys)
	if err != nil {
		t.Fatal(err)
	}
	return New(d, box)
}

func put(t *testing.T, b *Book, n Number) (hash string) {
	t.Helper()
	err := b.db.InTx(ctx, func(tx *gorm.DB) (err error) { hash, err = b.PutTx(ctx, tx, n); return err })
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestBook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		b := book(t, d, seal.NewKey())
		a, other := must(t, "13800138000"), must(t, "13900138000")
		hash := put(t, b, a)
		t.Run("a number is kept once and found by its hash", func(t *testing.T) {
			if put(t, b, must(t, "+86 138-0013-8000")) != hash || b.Hash(a) != hash || len(hash) != 43 || b.Hash(other) == hash {
				t.Fatal(hash)
			}
			n, err := b.Reveal(ctx, hash)
			if err != nil || n != a {
				t.Fatal(n, err)
			}
			if v, err := b.Versions(ctx); err != nil || len(v) != 1 || v[1] != 1 {
				t.Fatal(v, err)
			}
		})
		t.Run("nothing of the number but its tail is in the row", func(t *testing.T) {
			var r row
			if err := d.Read(ctx).Take(&r).Error; err != nil || strings.Contains(fmt.Sprintf("%s %q", r.Hash, r.Sealed), "138001") || r.Tail != "8000" {
				t.Fatal(r, err)
			}
		})
		t.Run("lists show it masked, and leave out what is not there", func(t *testing.T) {
			m, err := b.Masked(ctx, []string{hash, b.Hash(other)})
			if err != nil || len(m) != 1 || m[hash] != "138****8000" {
				t.Fatal(m, err)
			}
			if m, err := b.Masked(ctx, nil); err != nil || len(m) != 0 {
				t.Fatal(m, err)
			}
		})
		t.Run("it is found by its last four digits", func(t *testing.T) {
			put(t, b, other)
			got, err := b.ByTail(ctx, "8000", 10)
			if err != nil || len(got) != 2 {
				t.Fatal(got, err)
			}
			if _, err := b.ByTail(ctx, "80%", 10); fault.Of(err).Code != "phone_tail" {
				t.Fatal(err)
			}
		})
		t.Run("without the key the hash is another", func(t *testing.T) {
			if book(t, d, seal.NewKey()).Hash(a) == hash {
				t.Fatal("a hash that anybody can make")
			}
		})
		t.Run("a sealed number copied to another row does not open", func(t *testing.T) {
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				var r row
				if err := tx.Where("hash = ?", hash).Take(&r).Error; err != nil {
					return err
				}
				return tx.Exec("UPDATE phone SET sealed = ? WHERE hash = ?", r.Sealed, b.Hash(other)).Error
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Reveal(ctx, b.Hash(other)); err == nil {
				t.Fatal("it opened")
			}
		})
		t.Run("a forgotten number is gone, and unknown is a fault", func(t *testing.T) {
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				n, err := b.ForgetTx(ctx, tx, []string{hash, "none"})
				if n != 1 {
					t.Errorf("%d rows", n)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Reveal(ctx, hash); fault.Of(err).Code != "phone_not_found" {
				t.Fatal(err)
			}
		})
		t.Run("a number that nobody parsed is refused", func(t *testing.T) {
			err := d.InTx(ctx, func(tx *gorm.DB) error { _, err := b.PutTx(ctx, tx, Number{}); return err })
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
		})
	})
}
