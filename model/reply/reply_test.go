package reply_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/reply"
	"siyu/model/scan"
)

var account = brand.Account{ID: 5, Kind: brand.Official, AppID: "wx1", Settings: brand.Settings{Rail: brand.RailTransfer, PayAppID: "wx1"}}

func TestKeywords(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := reply.New(d, nil, nil, nil)
		save := func(t *testing.T, word, kind, text string) reply.Keyword {
			t.Helper()
			k, err := s.Save(ctx, reply.Keyword{AccountID: account.ID, Keyword: word, MatchKind: kind, Reply: text})
			if err != nil {
				t.Fatal(err)
			}
			return k
		}
		said := func(t *testing.T, text string) string {
			t.Helper()
			got, err := s.Reply(ctx, account, "o-unknown", text)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		save(t, "红包", reply.Contains, "contains")
		save(t, "红包 怎么", reply.Prefix, "prefix")
		save(t, "ＨＩ", "", "exact")
		t.Run("exact beats prefix beats contains, whatever the width, case and spaces", func(t *testing.T) {
			for text, want := range map[string]string{
				"hi": "exact", " Hi ": "exact", "ｈｉ": "exact", "hi!": "您还没有扫码记录",
				"红包　怎么领": "prefix", "我的红包呢": "contains", "": "您还没有扫码记录",
			} {
				if got := said(t, text); !strings.HasPrefix(got, want) {
					t.Errorf("%q: %q", text, got)
				}
			}
		})
		t.Run("another account's keywords do not answer", func(t *testing.T) {
			other := account
			other.ID = 6
			if got, err := s.Reply(ctx, other, "o-unknown", "hi"); err != nil || got == "exact" {
				t.Fatal(got, err)
			}
		})
		t.Run("saving a keyword again changes it in place", func(t *testing.T) {
			a := save(t, "客服", reply.Exact, "one")
			b := save(t, " 客服 ", reply.Contains, "two")
			if a.ID != b.ID || said(t, "找客服") != "two" {
				t.Fatal(a, b)
			}
			if err := s.Delete(ctx, b.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, b.ID); fault.KindOf(err) != fault.NotFound {
				t.Fatal(err)
			}
		})
		t.Run("bad keywords say what is wrong", func(t *testing.T) {
			for want, k := range map[string]reply.Keyword{
				"keyword":    {Keyword: "　", Reply: "x"},
				"match_kind": {Keyword: "a", MatchKind: "regex", Reply: "x"},
				"reply":      {Keyword: "a", Reply: strings.Repeat("长", 601)},
			} {
				if _, err := s.Save(ctx, k); fault.Of(err).Code != want {
					t.Errorf("want %s, got %v", want, err)
				}
			}
			if _, err := s.Save(ctx, reply.Keyword{Keyword: "a", Reply: "x\x00y"}); fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
		})
		t.Run("an account has no end of keywords only up to its limit", func(t *testing.T) {
			for i := range 500 {
				if _, err := s.Save(ctx, reply.Keyword{AccountID: 9, Keyword: fmt.Sprintf("k%d", i), Reply: "x"}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Save(ctx, reply.Keyword{AccountID: 9, Keyword: "one more", Reply: "x"}); fault.KindOf(err) != fault.Exhausted {
				t.Fatal(err)
			}
			if _, err := s.Save(ctx, reply.Keyword{AccountID: 9, Keyword: "k7", Reply: "y"}); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func TestTell(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		people, out := identity.New(d), outbox.New(d)
		members := member.New(d, people)
		scans, packets, products := scan.New(d, consent.New(d)), redpacket.New(d, ledger.New(d), out), product.New(d)
		s := reply.New(d, scans, packets, products)
		person, err := people.Resolve(ctx, identity.Login{AppID: "wx1", OpenID: "o1"})
		if err != nil {
			t.Fatal(err)
		}
		me, err := members.Of(ctx, person)
		if err != nil {
			t.Fatal(err)
		}
		said := func(t *testing.T, openID string) string {
			t.Helper()
			got, err := s.Reply(ctx, account, openID, "你好")
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		t.Run("a member without scans is told how to begin", func(t *testing.T) {
			if got := said(t, "o1"); !strings.HasPrefix(got, "您还没有扫码记录") {
				t.Fatal(got)
			}
		})
		p, err := products.Create(ctx, product.Product{BrandID: 1, GTIN: "6901234567892", Name: "老井啤酒", Spec: "500ml"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := scans.Record(ctx, scan.Observation{BrandID: 1, ProductID: p.ID, BatchID: 3, Serial: 1, CodeState: scan.Activated, MemberID: me.ID}); err != nil {
			t.Fatal(err)
		}
		t.Run("the last scan is told with product, time and verdict", func(t *testing.T) {
			if got, want := said(t, "o1"), "您最近一次扫码（2026-11-21 12:00）\n老井啤酒 500ml：正品，首次验证"; got != want {
				t.Fatalf("%q", got)
			}
		})
		t.Run("each red packet says where it is", func(t *testing.T) {
			for i := range 4 {
				err := d.InTx(ctx, func(tx *gorm.DB) error {
					return packets.PromiseAllTx(ctx, tx, []redpacket.Order{{ClaimID: id.ID(100 + i), BrandID: 1, CampaignID: 2, MemberID: me.ID, Account: account, OpenID: "o1", AmountFen: 188}})
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			set := func(claim int, values map[string]any) {
				if err := d.InTx(ctx, func(tx *gorm.DB) error {
					return tx.Model(&redpacket.Payout{}).Where("claim_id = ?", claim).Updates(values).Error
				}); err != nil {
					t.Fatal(err)
				}
			}
			got := said(t, "o1")
			if strings.Count(got, "1.88 元，发放中") != 3 {
				t.Fatal(got)
			}
			for i := range 4 {
				set(100+i, map[string]any{"state": redpacket.Settled, "finished_at": clk.Now()})
			}
			if got := said(t, "o1"); strings.Count(got, "已到账（2026-11-21 12:00）") != 3 {
				t.Fatal(got)
			}
			for i := range 4 {
				set(100+i, map[string]any{"state": redpacket.Accepted, "wait_user": true})
			}
			if got := said(t, "o1"); !strings.Contains(got, "待确认收款，请在 2026-11-22 12:00 前") {
				t.Fatal(got)
			}
			if got := said(t, "o1"); len(got) > 2000 {
				t.Fatal("too long for a passive reply")
			}
		})
		t.Run("a stranger learns nothing about others and becomes nobody", func(t *testing.T) {
			if got := said(t, "o2"); !strings.HasPrefix(got, "您还没有扫码记录") {
				t.Fatal(got)
			}
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM person").Scan(&n).Error; err != nil || n != 1 {
				t.Fatal(n, err)
			}
		})
	})
}
