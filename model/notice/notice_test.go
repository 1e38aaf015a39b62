package notice_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/outbox"
)

func TestStore(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		out := outbox.New(d)
		s := notice.New(d, out)
		t.Run("fifteen deliveries at once are one notice and one wake-up", func(t *testing.T) {
			var fresh atomic.Int64
			var wg sync.WaitGroup
			for range 15 {
				wg.Go(func() {
					ok, err := s.Store(ctx, notice.Notice{Source: notice.Transfer, DedupKey: "EV-1", Body: []byte("{}")})
					if err != nil {
						t.Error(err)
					}
					if ok {
						fresh.Add(1)
					}
				})
			}
			wg.Wait()
			rows, err := out.Due(ctx, 100)
			if err != nil || len(rows) != 1 || fresh.Load() != 1 {
				t.Fatalf("%d wake-ups, %d fresh, %v", len(rows), fresh.Load(), err)
			}
			n, err := s.Get(ctx, rows[0].RefID)
			if err != nil || n.DedupKey != "EV-1" || n.State != notice.Stored {
				t.Fatalf("%+v %v", n, err)
			}
		})
		t.Run("the same key from another source is another notice", func(t *testing.T) {
			if ok, err := s.Store(ctx, notice.Notice{Source: notice.Official, DedupKey: "EV-1"}); !ok || err != nil {
				t.Fatal(ok, err)
			}
		})
		t.Run("every outcome of notices that end together is kept", func(t *testing.T) {
			var ids []id.ID
			for i := range 8 {
				if _, err := s.Store(ctx, notice.Notice{Source: notice.Mini, DedupKey: fmt.Sprint("M-", i)}); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := out.Due(ctx, 100)
			if err != nil || len(rows) < 8 {
				t.Fatal(len(rows), err)
			}
			for _, r := range rows[len(rows)-8:] {
				ids = append(ids, r.RefID)
			}
			var wg sync.WaitGroup
			for i, v := range ids {
				for range 3 {
					wg.Go(func() {
						end := s.MarkApplied
						if i == 5 {
							end = func(ctx context.Context, v id.ID) error { return s.MarkRefused(ctx, v, "nobody's") }
						}
						if err := end(ctx, v); err != nil {
							t.Error(err)
						}
					})
				}
			}
			wg.Wait()
			if err := s.MarkApplied(ctx, ids[5]); err != nil { // too late
				t.Fatal(err)
			}
			for i, v := range ids {
				want, why := notice.Applied, ""
				if i == 5 {
					want, why = notice.Refused, "nobody's"
				}
				if n, err := s.Get(ctx, v); err != nil || n.State != want || n.Error != why || n.AppliedAt == 0 {
					t.Errorf("%d: %+v %v", i, n, err)
				}
			}
		})
		t.Run("a notice without a usable key is refused", func(t *testing.T) {
			for _, key := range []string{"", strings.Repeat("x", 161)} {
				if _, err := s.Store(ctx, notice.Notice{Source: notice.Official, DedupKey: key}); err == nil {
					t.Errorf("accepted a key of %d bytes", len(key))
				}
			}
		})
	})
}
