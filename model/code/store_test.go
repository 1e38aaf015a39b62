package code_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/token"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/seal"
)

var ctx = context.Background()

// shop is one brand with one product, and the codes of one process.
type shop struct {
	d       *db.DB
	box     *seal.Box
	codes   *code.Store
	brandID id.ID
	product product.Product
}

func open(t testing.TB, d *db.DB) *shop {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{d: d, box: box, codes: code.New(d, box)}
	s.brandID, s.product = s.brand(t, "a", "6901234567892")
	if err := s.codes.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shop) brand(t testing.TB, slug, gtin string) (id.ID, product.Product) {
	t.Helper()
	brandID := s.d.NewID()
	err := s.d.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO brand (id, slug, name, code_host, upper_url, support_phone, created_at, updated_at)
			VALUES (?, ?, '老井', 'q.brand.cn', 0, '', 0, 0)`, brandID, slug).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := product.New(s.d).Create(ctx, product.Product{BrandID: brandID, GTIN: gtin, Name: "生抽"})
	if err != nil {
		t.Fatal(err)
	}
	return brandID, p
}

func (s *shop) batch(t testing.TB, count int64) code.Batch {
	t.Helper()
	b, err := s.codes.CreateBatch(ctx, code.Batch{BrandID: s.brandID, ProductID: s.product.ID, Count: count, Name: "一月"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *shop) token(t testing.TB, b code.Batch, serial int64) string {
	t.Helper()
	text, err := s.codes.TokenOf(b.ID, serial)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func is(t testing.TB, err error, kind fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); err == nil || f.Kind != kind || f.Code != code {
		t.Errorf("got %v, want %s %s", err, kind, code)
	}
}

func TestCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := open(t, d)
		b := s.batch(t, 1000)
		t.Run("the first batch of a brand makes its first key", func(t *testing.T) {
			keys, err := s.codes.Keys(ctx, s.brandID)
			if err != nil || len(keys) != 1 || keys[0].Version != 1 || keys[0].NextPosition != 1000 || keys[0].Slot != b.Slot {
				t.Fatal(keys, err)
			}
		})
		t.Run("a printed code is found in every form people bring it in", func(t *testing.T) {
			tok := s.token(t, b, 7)
			tk, _ := token.Normalize(tok)
			want := code.Code{Token: tok, BrandID: s.brandID, ProductID: s.product.ID, BatchID: b.ID, Serial: 7,
				GTIN: "06901234567892", State: code.Issued, StateSince: b.CreatedAt}
			for _, text := range []string{
				tok, token.Short("q.brand.cn", tk, false), token.Short("q.brand.cn", tk, true),
				token.DigitalLink("q.brand.cn", s.product.GTIN, tk, false), " " + tk.Grouped() + " ",
			} {
				if got, err := s.codes.Check(ctx, text); err != nil || got != want {
					t.Errorf("%q: %+v, %v", text, got, err)
				}
			}
		})
		t.Run("a text that is no code of ours is not found, with the reason", func(t *testing.T) {
			tok := s.token(t, b, 7)
			forged := "0" + tok[1:15] + map[bool]string{true: "1", false: "0"}[tok[15] == '0']
			tk, _ := token.Normalize(tok)
			for text, reason := range map[string]string{
				"":                    "malformed",
				"HELLO":               "malformed",
				"https://q.brand.cn/": "malformed",
				"ZZ" + tok[2:]:        "unknown_slot",
				forged:                "forged",
				token.DigitalLink("q.brand.cn", "04006381333931", tk, false): "gtin_mismatch",
			} {
				_, err := s.codes.Check(ctx, text)
				is(t, err, fault.NotFound, "code_unknown")
				if got := fault.Of(err).Detail["reason"]; got != reason {
					t.Errorf("%q: reason %v, want %s", text, got, reason)
				}
			}
		})
		t.Run("a serial outside the batch has no token", func(t *testing.T) {
			for _, serial := range []int64{-1, 0, 1001} {
				_, err := s.codes.TokenOf(b.ID, serial)
				is(t, err, fault.NotFound, "serial_unknown")
			}
			is(t, s.codes.EachToken(ctx, b.ID, 1, 1002, nil), fault.Invalid, "range_bounds")
			is(t, s.codes.EachToken(ctx, 1, 1, 2, nil), fault.NotFound, "batch_unknown")
		})
		t.Run("after a rotation new batches use the new key and old codes stay good", func(t *testing.T) {
			old := s.token(t, b, 1)
			slot, err := s.codes.RotateKey(ctx, s.brandID)
			if err != nil || slot == b.Slot {
				t.Fatal(slot, err)
			}
			if next := s.batch(t, 5); next.Slot != slot || next.FromPosition != 0 {
				t.Fatal(next)
			}
			if got, err := s.codes.Check(ctx, old); err != nil || got.Serial != 1 {
				t.Fatal(got, err)
			}
			keys, err := s.codes.Keys(ctx, s.brandID)
			if err != nil || len(keys) != 2 || keys[0].Version != 2 || keys[0].RetiredAt != 0 || keys[1].RetiredAt == 0 {
				t.Fatal(keys, err)
			}
			_, err = s.codes.RotateKey(ctx, 1)
			is(t, err, fault.NotFound, "brand_unknown")
		})
		t.Run("a key without room for the whole batch gives way to a new one", func(t *testing.T) {
			before := s.batch(t, 1)
			set := func(next int64) {
				t.Helper()
				if err := d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Exec("UPDATE code_key SET next_position = ? WHERE slot = ?", next, before.Slot).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			set(token.Positions - 10)
			fits := s.batch(t, 10)
			if fits.Slot != before.Slot || fits.FromPosition != token.Positions-10 {
				t.Fatal(fits)
			}
			if got, err := s.codes.Check(ctx, s.token(t, fits, 10)); err != nil || got.Serial != 10 {
				t.Fatal(got, err)
			}
			set(token.Positions - 10)
			if over := s.batch(t, 11); over.Slot == before.Slot || over.FromPosition != 0 {
				t.Fatal(over)
			}
		})
		t.Run("another process finds a batch at its next refresh", func(t *testing.T) {
			other := code.New(d, s.box)
			_, err := other.Check(ctx, s.token(t, b, 1))
			is(t, err, fault.Unavailable, "starting")
			if err := other.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
			late := s.batch(t, 3)
			tok := s.token(t, late, 3)
			_, err = other.Check(ctx, tok)
			is(t, err, fault.NotFound, "code_unknown")
			if err := other.Refresh(ctx); err != nil {
				t.Fatal(err)
			}
			if got, err := other.Check(ctx, tok); err != nil || got.BatchID != late.ID {
				t.Fatal(got, err)
			}
		})
		t.Run("bad batches are refused", func(t *testing.T) {
			_, foreign := s.brand(t, "b", "4006381333931")
			good := code.Batch{BrandID: s.brandID, ProductID: s.product.ID, Count: 1, Name: "x"}
			for want, spoil := range map[string]func(*code.Batch){
				"batch_count":     func(b *code.Batch) { b.Count = 0 },
				"batch_count ":    func(b *code.Batch) { b.Count = code.MaxCount + 1 },
				"batch_name":      func(b *code.Batch) { b.Name = " " },
				"batch_name ":     func(b *code.Batch) { b.Name = "a\x00b" },
				"product_unknown": func(b *code.Batch) { b.ProductID = 1 },
				"product_brand":   func(b *code.Batch) { b.ProductID = foreign.ID },
			} {
				bad := good
				spoil(&bad)
				if _, err := s.codes.CreateBatch(ctx, bad); err == nil || want[:len(fault.Of(err).Code)] != fault.Of(err).Code {
					t.Errorf("%s: %v", want, err)
				}
			}
		})
		t.Run("batches are listed newest first", func(t *testing.T) {
			clk.Advance(1e9)
			last := s.batch(t, 1)
			page, err := s.codes.Batches(ctx, code.Filter{BrandID: s.brandID}, 0, 2)
			if err != nil || len(page) != 2 || page[0].ID != last.ID {
				t.Fatal(page, err)
			}
			all, err := s.codes.OfProduct(ctx, s.product.ID)
			if err != nil || all[0].CreatedAt > all[len(all)-1].CreatedAt || all[len(all)-1].ID != last.ID {
				t.Fatal(all, err)
			}
		})
	})
}

func TestBatchesMadeAtOnceShareNoPosition(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := open(t, d)
		other := code.New(d, s.box) // a second process; the first key is raced for too
		const n = 24
		batches := make([]code.Batch, n)
		var all sync.WaitGroup
		for i := range batches {
			all.Go(func() {
				store := s.codes
				if i%2 == 1 {
					store = other
				}
				var err error
				if batches[i], err = store.CreateBatch(ctx, code.Batch{BrandID: s.brandID, ProductID: s.product.ID, Count: int64(1 + i), Name: "x"}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		taken := map[int64]bool{}
		for _, b := range batches {
			if b.Slot != batches[0].Slot {
				t.Errorf("slot %d beside %d: two first keys", b.Slot, batches[0].Slot)
			}
			for p := b.FromPosition; p < b.FromPosition+b.Count; p++ {
				if taken[p] {
					t.Fatalf("position %d belongs to two batches", p)
				}
				taken[p] = true
			}
		}
		if len(taken) != n*(n+1)/2 {
			t.Fatal(len(taken))
		}
	})
}

// The database is closed, so a single statement would be an error.
func TestCheckingNeedsNoDatabase(t *testing.T) {
	s := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)))
	b := s.batch(t, 100_000)
	if err := s.d.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("issued tokens are distinct, genuine and decode back", func(t *testing.T) {
		seen := make(map[[16]byte]struct{}, b.Count)
		err := s.codes.EachToken(ctx, b.ID, 1, b.Count+1, func(serial int64, text []byte) error {
			seen[[16]byte(text)] = struct{}{}
			if got, err := s.codes.Check(ctx, string(text)); err != nil || got.Serial != serial || got.BatchID != b.ID {
				t.Fatal(serial, got, err)
			}
			return nil
		})
		if err != nil || int64(len(seen)) != b.Count {
			t.Fatal(len(seen), err)
		}
	})
	t.Run("random tokens are refused, also under a slot that is in use", func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 1))
		slot := s.token(t, b, 1)[:2]
		buf := make([]byte, 16)
		for i := range 200_000 {
			for j := range buf {
				buf[j] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[rnd.IntN(32)]
			}
			if i%2 == 0 {
				copy(buf, slot)
			}
			if got, err := s.codes.Check(ctx, string(buf)); fault.KindOf(err) != fault.NotFound {
				t.Fatal(string(buf), got, err)
			}
		}
	})
	t.Run("a genuine check allocates nothing", func(t *testing.T) {
		tok := s.token(t, b, 99)
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := s.codes.Check(ctx, tok); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Fatal(n, "allocations")
		}
	})
	t.Run("an explanation says what and why", func(t *testing.T) {
		e, err := s.codes.Explain(ctx, s.token(t, b, 5))
		if err != nil || !e.Genuine || e.Batch.ID != b.ID || e.Key.Version != 1 || e.Code.Serial != 5 || e.Code.State != code.Issued {
			t.Fatalf("%+v %v", e, err)
		}
		e, err = s.codes.Explain(ctx, "ZZ23456789ABCDEF")
		if err != nil || e.Genuine || e.Reason != "unknown_slot" || e.Batch != nil || e.Key != nil || e.Text == "" {
			t.Fatalf("%+v %v", e, err)
		}
	})
}

func TestSecretsOfKeysAreSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := open(t, d)
		b := s.batch(t, 1)
		wrong, err := seal.Parse(seal.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		if err := code.New(d, wrong).Refresh(ctx); err == nil {
			t.Fatal("the keys opened under another master key")
		}
		// A secret copied to another slot does not open there either.
		if err := d.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Exec("UPDATE code_key SET slot = slot + 1 WHERE slot = ?", b.Slot).Error
		}); err != nil {
			t.Fatal(err)
		}
		if err := code.New(d, s.box).Refresh(ctx); err == nil {
			t.Fatal("the secret opened in another slot")
		}
	})
}
