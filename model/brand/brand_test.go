package brand_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/seal"
)

func box(t *testing.T) *seal.Box {
	b, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBrands(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := brand.New(d, box(t))
		b, err := s.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井酱油", CodeHost: "Q.Laojing.cn", UpperURL: true})
		if err != nil || b.CodeHost != "q.laojing.cn" {
			t.Fatal(b, err)
		}
		t.Run("creating it twice is one brand; other content is a conflict", func(t *testing.T) {
			again, err := s.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井酱油", CodeHost: "q.laojing.cn", UpperURL: true})
			if err != nil || again.ID != b.ID {
				t.Fatal(again, err)
			}
			if _, err := s.Create(ctx, brand.Brand{Slug: "laojing", Name: "别的", CodeHost: "q.laojing.cn"}); fault.KindOf(err) != fault.Conflict {
				t.Fatal(err)
			}
		})
		t.Run("secrets are sealed, merged and never listed", func(t *testing.T) {
			a := brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx1", Name: "公众号", CallbackSlug: "oa-1"}
			saved, err := s.SaveAccount(ctx, a, brand.Secrets{AppSecret: "top-secret", Token: "tok"})
			if err != nil || strings.Join(saved.HasSecrets, ",") != "app_secret,token" {
				t.Fatal(saved, err)
			}
			again, err := s.SaveAccount(ctx, a, brand.Secrets{Token: "new"})
			if err != nil || again.ID != saved.ID {
				t.Fatal(again, err)
			}
			sec, err := s.Secrets(ctx, again)
			if err != nil || sec.AppSecret != "top-secret" || sec.Token != "new" {
				t.Fatal(sec, err)
			}
			var raw []byte
			if err := d.Read(ctx).Raw("SELECT secrets FROM account WHERE id = ?", saved.ID).Row().Scan(&raw); err != nil || strings.Contains(string(raw), "top-secret") {
				t.Fatal("the secret lies open", err)
			}
		})
		t.Run("an account cannot be taken over by another brand, nor its callback address", func(t *testing.T) {
			other, err := s.Create(ctx, brand.Brand{Slug: "other", Name: "另一个", CodeHost: "o.cn"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.SaveAccount(ctx, brand.Account{BrandID: other.ID, Kind: brand.Official, AppID: "wx1", Name: "x", CallbackSlug: "oa-9"}, brand.Secrets{AppSecret: "x"})
			if fault.Of(err).Code != "account_of_other_brand" {
				t.Fatal(err)
			}
			_, err = s.SaveAccount(ctx, brand.Account{BrandID: other.ID, Kind: brand.Mini, AppID: "wx2", Name: "x", CallbackSlug: "oa-1"}, brand.Secrets{AppSecret: "x"})
			if fault.Of(err).Code != "callback_slug_taken" {
				t.Fatal(err)
			}
		})
		t.Run("bad input says what is wrong", func(t *testing.T) {
			for code, a := range map[string]brand.Account{
				"account_kind": {Kind: "x", AppID: "wx", Name: "n", CallbackSlug: "abcd"},
				"app_id":       {Kind: brand.Mini, AppID: "a/b", Name: "n", CallbackSlug: "abcd"},
				"rail":         {Kind: brand.Merchant, AppID: "19000", Name: "n", CallbackSlug: "abcd"},
				"api_key_v2": {Kind: brand.Merchant, AppID: "19000", Name: "n", CallbackSlug: "abcd",
					Settings: brand.Settings{Rail: brand.RailRedpack, PayAppID: "wx1", SendName: "老井"}},
			} {
				a.BrandID = b.ID
				if _, err := s.SaveAccount(ctx, a, brand.Secrets{}); fault.Of(err).Code != code {
					t.Errorf("want %s, got %v", code, err)
				}
			}
		})
		t.Run("lists page without gaps or repeats even within one millisecond", func(t *testing.T) {
			for i := range 7 {
				if _, err := s.Create(ctx, brand.Brand{Slug: fmt.Sprintf("p%d", i), Name: "n", CodeHost: "h.cn"}); err != nil {
					t.Fatal(err)
				}
			}
			seen := map[id.ID]bool{}
			var before id.ID
			for {
				page, err := s.List(ctx, before, 2)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					break
				}
				for _, x := range page {
					if seen[x.ID] {
						t.Fatal("repeated", x.Slug)
					}
					seen[x.ID] = true
				}
				before = page[len(page)-1].ID
			}
			if len(seen) != 9 {
				t.Fatal(len(seen))
			}
		})
	})
}

// Two operators who each bring one secret of an account at the same time: both stay.
func TestSecretsSavedAtOnceAllStay(t *testing.T) {
	ctx := context.Background()
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := brand.New(d, box(t))
		b, err := s.Create(ctx, brand.Brand{Slug: "b", Name: "牌", CodeHost: "q.example.cn"})
		if err != nil {
			t.Fatal(err)
		}
		save := func(sec brand.Secrets) (brand.Account, error) {
			return s.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx1", Name: "号", CallbackSlug: "slug"}, sec)
		}
		a, err := save(brand.Secrets{AppSecret: "0"})
		if err != nil {
			t.Fatal(err)
		}
		for round := range 20 {
			now := fmt.Sprint("round ", round)
			var wg sync.WaitGroup
			for _, sec := range []brand.Secrets{{AppSecret: now}, {Token: now}} {
				wg.Go(func() {
					if _, err := save(sec); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got, err := s.Secrets(ctx, a)
			if err != nil || got.AppSecret != now || got.Token != now {
				t.Fatalf("round %d: a secret that was saved is the old one: %+v %v", round, got, err)
			}
		}
	})
}

func TestTokens(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := brand.NewTokens(d, box(t))
		end := clk.Now().Add(time.Hour).Time()
		t.Run("only one of many gets the lease, and it ends by itself", func(t *testing.T) {
			var won atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					_, ok, err := s.Lock(ctx, "k", 10*time.Second)
					if err != nil {
						t.Error(err)
					}
					if ok {
						won.Add(1)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Fatal(won.Load())
			}
			clk.Advance(11 * time.Second)
			unlock, ok, err := s.Lock(ctx, "k", 10*time.Second)
			if !ok || err != nil {
				t.Fatal(ok, err)
			}
			unlock()
			if _, ok, _ := s.Lock(ctx, "k", time.Second); !ok {
				t.Fatal("unlocking did not free the lease")
			}
		})
		t.Run("a stale token drops only itself", func(t *testing.T) {
			if err := s.Put(ctx, "k", "new", end); err != nil {
				t.Fatal(err)
			}
			if err := s.DropIf(ctx, "k", "old"); err != nil {
				t.Fatal(err)
			}
			if v, at, err := s.Get(ctx, "k"); v != "new" || !at.Equal(end) || err != nil {
				t.Fatal(v, at, err)
			}
			if err := s.DropIf(ctx, "k", "new"); err != nil {
				t.Fatal(err)
			}
			if v, _, err := s.Get(ctx, "k"); v != "" || err != nil {
				t.Fatal(v, err)
			}
		})
	})
}
