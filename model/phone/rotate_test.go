package phone

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/seal"
)

// fill keeps numbers from..until and returns their hashes.
func fill(t *testing.T, b *Book, from, until int) []string {
	t.Helper()
	var out []string
	for at := from; at < until; at += 1000 {
		var page []Number
		for i := at; i < min(at+1000, until); i++ {
			page = append(page, Number{fmt.Sprintf("+86139%08d", i)})
		}
		err := b.db.InTx(ctx, func(tx *gorm.DB) error {
			hashes, err := b.PutAllTx(ctx, tx, page)
			out = append(out, hashes...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Three kinds of process run beside each other as in a real rotation: one that has not
// yet been told to seal with the new key but can read it, one that seals with it, and
// the command. It is killed again and again.
func TestRotationOf100000NumbersLeavesNobodyUnreadable(t *testing.T) {
	const people = 100_000
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		k1, k2 := seal.NewKey(), "2:"+strings.TrimPrefix(seal.NewKey(), "1:")
		waits, seals := book(t, d, k1+",+"+k2), book(t, d, k1+","+k2)
		hashes := fill(t, book(t, d, k1), 0, people)

		var reads, kills atomic.Int64
		var wg sync.WaitGroup
		over := make(chan struct{})
		for _, b := range []*Book{waits, seals} {
			wg.Go(func() { // reads anybody, all the time
				for {
					select {
					case <-over:
						return
					default:
					}
					i := rand.IntN(people)
					n, err := b.Reveal(ctx, hashes[i])
					if want := fmt.Sprintf("139%08d", i); err != nil || n.Digits() != want {
						t.Errorf("number %d reads as %q: %v", i, n.Digits(), err)
						return
					}
					reads.Add(1)
				}
			})
		}
		late, page := 0, make(chan struct{}, 1)
		wg.Go(func() { // new people come at every page, some still under the old key
			for ; ; late++ {
				select {
				case <-over:
					return
				case <-page:
				}
				for i, b := range []*Book{waits, seals} {
					n := Number{fmt.Sprintf("+86137%08d", 2*late+i)}
					err := d.InTx(ctx, func(tx *gorm.DB) error { _, err := b.PutTx(ctx, tx, n); return err })
					if err == nil {
						_, err = waits.Reveal(ctx, waits.Hash(n))
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
		// The command is ended after every few pages, as by kill -9, and started again.
		for {
			short, kill := context.WithCancel(ctx)
			_, err := seals.Rotate(short, func(done int64) {
				select {
				case page <- struct{}{}:
				default:
				}
				if done >= 20_000 {
					kills.Add(1)
					kill()
				}
			})
			kill()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) && short.Err() == nil {
				t.Fatal(err)
			}
		}
		close(over)
		wg.Wait()
		if _, err := seals.Rotate(ctx, nil); err != nil { // who came under the old key meanwhile
			t.Fatal(err)
		}
		versions, err := seals.Versions(ctx)
		if err != nil || len(versions) != 1 || versions[2] != int64(people+2*late) {
			t.Fatal(versions, late, err)
		}
		n, err := seals.Check(ctx)
		if err != nil || n != int64(people+2*late) || reads.Load() < 100 || kills.Load() < 3 || late < 10 {
			t.Fatal(n, reads.Load(), kills.Load(), err)
		}
		t.Logf("%d reads and %d new numbers beside %d ends", reads.Load(), 2*late, kills.Load())
		if _, err := book(t, d, k1).Check(ctx); !errors.Is(err, seal.ErrSealed) {
			t.Fatal("a check without the new key passed:", err)
		}
	})
}
