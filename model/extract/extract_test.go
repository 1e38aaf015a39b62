package extract

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

func TestExtract(t *testing.T) {
	ctx := context.Background()
	monthly := []string{"payout_month", "withdrawal_tax"}
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		s.window = 48
		t.Run("every kind can be read", func(t *testing.T) {
			for _, k := range Kinds() {
				f := map[string]string{"from": "2026-01-01T00:00:00+08:00", "until": "2027-01-01T00:00:00+08:00"}
				if k.Name == "recon_lines" {
					f["day_id"] = "5"
				}
				if slices.Contains(monthly, k.Name) {
					f = map[string]string{"month": "2026-11"}
				}
				if of := listsOfPeople(t, s)[k.Name]; of != nil {
					maps.Copy(f, of)
				}
				x := ask(t, s, k.Name, f)
				if err := s.Run(ctx, x.ID); err != nil {
					t.Fatalf("%s: %v", k.Name, err)
				}
				if rows, files := read(t, s, x.ID); len(rows) != 0 || files != 1 {
					t.Errorf("%s: %d rows in %d files of an empty house", k.Name, len(rows), files)
				}
				if k.Permission == "" || k.Title == "" {
					t.Errorf("%s says not who may read it", k.Name)
				}
			}
		})
		t.Run("every filter of every kind can be asked for", func(t *testing.T) {
			for _, k := range kinds() {
				for _, f := range k.filters {
					ok := false
					for _, v := range []string{"7", "active", "cash", "open", "failed", "claim", "2026-11-21T00:00:00Z", "2026-11-21", "2026-11", "fen", "member", "booked", "frozen", "leader", "wechat", "settled", "amount", "matched", "true", "transfer", "requested"} {
						x := Extract{ID: 1, Kind: k.name, CreatedAt: clk.Now(), Filter: map[string]string{f.name: v}}
						if f.name != "day_id" && k.name == "recon_lines" {
							x.Filter["day_id"] = "5"
						}
						if slices.Contains(monthly, k.name) && f.name != "month" {
							x.Filter["month"] = "2026-11"
						}
						if k.check(x.Filter) != nil {
							continue
						}
						ok = true
						where, args, err := k.where(x)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := s.rows(ctx, k, "1 = 1"+where, args...); err != nil {
							t.Errorf("%s by %s: %v", k.name, f.name, err)
						}
					}
					if !ok {
						t.Errorf("%s: nothing passes for %s", k.name, f.name)
					}
				}
			}
		})
		all := members(t, d, clk, 500)
		t.Run("every row once, newest first, in files of their size", func(t *testing.T) {
			s.fileRows = 200
			x := ask(t, s, "members", nil)
			clk.Advance(time.Second)
			late := members(t, d, clk, 3) // made after it was asked for
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, files := read(t, s, x.ID)
			same(t, d, rows, all)
			if files != 3 {
				t.Errorf("%d files", files)
			}
			if got, _ := s.Get(ctx, x.ID); got.Seen != 500 || got.Total != 500 || got.MaxDownloads != 9 {
				t.Errorf("%+v", got)
			}
			all = append(all, late...)
			s.fileRows = FileRows
		})
		t.Run("a filter and a time leave the others out", func(t *testing.T) {
			clk.Advance(time.Hour)
			from := clk.Now()
			fresh := members(t, d, clk, 100)
			var want []id.ID
			for i, v := range fresh {
				if i%5 == 0 {
					want = append(want, v)
				}
			}
			x := ask(t, s, "members", map[string]string{"state": "blocked", "from": from.String()})
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, _ := read(t, s, x.ID)
			same(t, d, rows, want)
			all = append(all, fresh...)
		})
		t.Run("killed again and again and by two workers at once, no row is lost or comes twice", func(t *testing.T) {
			x := ask(t, s, "members", nil)
			rnd := rand.New(rand.NewPCG(1, 2))
			for round := 0; ; round++ {
				got, err := s.Get(ctx, x.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got.State == Ready {
					if round < 3 {
						t.Errorf("it ended in %d rounds: nothing was interrupted", round)
					}
					break
				}
				var wg sync.WaitGroup
				for range 2 {
					limited, cancel := context.WithCancel(ctx)
					parts := got.Parts + 1 + rnd.IntN(3)
					wg.Go(func() {
						defer cancel()
						worker := New(s.Deps) // a process of its own
						worker.window = s.window
						for limited.Err() == nil {
							y, err := worker.Get(ctx, x.ID)
							if err != nil || y.State == Ready || y.Parts >= parts {
								return
							}
							k, _ := kindOf(y.Kind)
							if y.Total < 0 {
								err = worker.begin(limited, k, y)
							} else {
								err = worker.part(limited, k, y)
							}
							if err != nil {
								return // what a killed transaction says
							}
						}
					})
				}
				wg.Wait()
			}
			rows, _ := read(t, s, x.ID)
			same(t, d, rows, all)
		})
		t.Run("cancelled, it leaves nothing and is not written on", func(t *testing.T) {
			x := ask(t, s, "members", nil)
			k, _ := kindOf(x.Kind)
			if err := s.begin(ctx, k, x); err != nil {
				t.Fatal(err)
			}
			running, _ := s.Get(ctx, x.ID)
			if err := s.part(ctx, k, running); err != nil {
				t.Fatal(err)
			}
			behind, _ := s.Get(ctx, x.ID)
			if y, err := s.Cancel(ctx, x.ID); err != nil || y.State != Cancelled {
				t.Fatal(y, err)
			}
			if err := s.part(ctx, k, behind); err != nil { // the worker that was at it
				t.Fatal(err)
			}
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM extract_part WHERE extract_id = ?", x.ID).Scan(&n).Error; err != nil || n != 0 {
				t.Error(n, err)
			}
			if _, err := s.Finished(ctx, x.ID); fault.Of(err).Code != "extract_not_ready" {
				t.Error(err)
			}
		})
		t.Run("a file can be had so many times, for so many days", func(t *testing.T) {
			x := ask(t, s, "groups", nil)
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := s.Take(ctx, x.ID); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Take(ctx, x.ID); fault.Of(err).Code != "downloads_used" {
				t.Error(err)
			}
			y := ask(t, s, "groups", nil)
			if err := s.Run(ctx, y.ID); err != nil {
				t.Fatal(err)
			}
			clk.Advance(7 * 24 * time.Hour)
			if _, err := s.Take(ctx, y.ID); fault.Of(err).Code != "extract_not_ready" {
				t.Error(err)
			}
			if _, err := s.Expire(ctx, 100); err != nil {
				t.Fatal(err)
			}
			if got, _ := s.Get(ctx, y.ID); got.State != Expired {
				t.Error(got.State)
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM extract_part WHERE extract_id = ?", y.ID).Scan(&n).Error; err != nil || n != 0 {
				t.Error(n, err)
			}
		})
		t.Run("what is no kind, condition or reason is refused", func(t *testing.T) {
			for want, r := range map[string]Request{
				"extract_kind":   {Kind: "operators", Reason: "因为"},
				"reason_missing": {Kind: "members", Reason: " "},
				"bad_field":      {Kind: "members", Reason: "因为", Filter: map[string]string{"state": "x' OR 1=1"}},
			} {
				if _, err := s.Ask(ctx, r); fault.Of(err).Code != want {
					t.Error(want, err)
				}
			}
			for _, f := range []map[string]string{{"openid": "o1"}, {"from": "gestern"}} {
				if _, err := s.Ask(ctx, Request{Kind: "payouts", Reason: "因为", Filter: f}); fault.Of(err).Code != "bad_field" {
					t.Error(f, err)
				}
			}
		})
		t.Run("one operator has not more than a few under way", func(t *testing.T) {
			for range MaxActive {
				ask(t, s, "audit", nil)
			}
			if _, err := s.Ask(ctx, Request{Kind: "audit", Reason: "因为", By: 7}); fault.Of(err).Code != "extract_many" {
				t.Error(err)
			}
		})
	})
}

func ExampleExtract_Name() {
	x := Extract{Title: "打款单", Files: 2, CreatedAt: dbtest.Start}
	fmt.Println(x.Name(2))
	// Output: 打款单-20261121-1200-2.csv
}
