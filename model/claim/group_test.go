package claim

import (
	"context"
	"strings"
	"testing"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
	"siyu/model/seal"

	"gorm.io/gorm"
)

type everybody struct{ shut id.ID }

func (e everybody) Standing(_ context.Context, members []id.ID) (map[id.ID]member.Standing, error) {
	out := map[id.ID]member.Standing{}
	for _, m := range members {
		out[m] = member.Standing{Root: m, Blocked: m == e.shut}
	}
	return out, nil
}
func (everybody) SameHumanTx(_ *gorm.DB, a, b id.ID) (bool, error)      { return a == b, nil }
func (everybody) OpenID(context.Context, id.ID, string) (string, error) { return "o1", nil }

type shelf struct{}

func (shelf) Get(context.Context, id.ID) (product.Product, error) { return product.Product{}, nil }

type bank struct{}

func (bank) Account(context.Context, id.ID) (brand.Account, error) { return brand.Account{}, nil }

// merged opens a store with one published campaign row (money 1000 fen, cap as given),
// written by hand: these tests are about the transaction, not about drawing.
func merged(t *testing.T, d *db.DB, capTotal int) (*Store, *ledger.Ledger) {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	out, book := outbox.New(d), ledger.New(d)
	s := New(d, campaign.New(d, box, book, bank{}), redpacket.New(d, book, out), points.New(book), out, scan.New(d, nil), shelf{}, bank{}, everybody{shut: 66})
	for _, c := range []int{7, 8} {
		err = d.InTx(context.Background(), func(tx *gorm.DB) error {
			return tx.Exec(`INSERT INTO campaign (id, brand_id, name, state, from_at, until_at, organiser, rules, wishing, account_id, cap_member_day, cap_member,
				cap_total, codes, spend_fen, won_fen, claimed, terms, seed, seed_hash, seed_revealed, version, created_at, published_at, ended_at)
				VALUES (?, 1, 'x', 'published', 0, 0, '', '', '', 0, 0, 0, ?, 100, 1000, 0, 0, '', '', '', '', 0, 0, 0, 0)`, c, capTotal).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, book
}

// item is a claim that waits: serial, member, campaign, cash.
func item(s *Store, serial int64, member, campaignID id.ID, cash int64) *waiting {
	p := plan{claim: Claim{ID: s.db.NewID(), BatchID: 5, Serial: serial, BrandID: 1, MemberID: member, CampaignID: campaignID, Kind: campaign.Cash,
		Prize: "红包", CashFen: 0, Points: 10, Day: 20261121, CreatedAt: s.db.Now()}, scanPoints: 10}
	if cash > 0 {
		p.claim.CashFen, p.openID = 188, "o1"
		p.pay = brand.Account{ID: 9, Settings: brand.Settings{Rail: brand.RailTransfer, PayAppID: "wx1"}}
	}
	return &waiting{plan: p}
}

func count(t *testing.T, d *db.DB, query string) (n int64) {
	t.Helper()
	if err := d.Read(context.Background()).Raw(query).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneTransactionForMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		s, _ := merged(t, d, 0)
		t.Run("two members for one code in one batch: the first in order wins, the others are taken", func(t *testing.T) {
			batch := []*waiting{item(s, 1, 1, 7, 0), item(s, 1, 2, 7, 0), item(s, 2, 2, 7, 0)}
			s.run(context.Background(), batch)
			won := 0
			for _, w := range batch {
				if w.err == nil {
					won++
				}
			}
			if won != 2 || count(t, d, "SELECT COUNT(*) FROM claim") != 2 || count(t, d, "SELECT claimed FROM campaign WHERE id = 7") != 2 {
				t.Fatal(won)
			}
		})
		t.Run("a cap counts inside the batch, too, and what goes over leaves nothing", func(t *testing.T) {
			batch := []*waiting{}
			for n := int64(10); n < 20; n++ {
				w := item(s, n, 3, 7, 188)
				w.plan.offer.CapMemberDay = 4
				batch = append(batch, w)
			}
			s.run(context.Background(), batch)
			won := 0
			for _, w := range batch {
				if w.err == nil {
					won++
				} else if fault.Of(w.err).Code != "cap_member_day" {
					t.Error(w.err)
				}
			}
			used := count(t, d, "SELECT used FROM claim_counter")
			if n := count(t, d, "SELECT COUNT(*) FROM claim WHERE member_id = 3"); won != 4 || n != 4 || used != 4 || count(t, d, "SELECT COUNT(*) FROM payout") != 4 ||
				count(t, d, "SELECT won_fen FROM campaign WHERE id = 7") != 4*188 || count(t, d, "SELECT COUNT(*) FROM outbox") != 4 {
				t.Fatalf("%d won, %d rows, %d used", won, n, used)
			}
		})
		t.Run("a claim that cannot be written fails alone", func(t *testing.T) {
			bad := item(s, 31, 4, 7, 0)
			bad.plan.claim.Prize = strings.Repeat("长", 101) // longer than the column, which SQLite does not mind
			bad.plan.claim.Kind = strings.Repeat("k", 9)
			broken := item(s, 32, 4, 7, 188)
			broken.plan.openID = "" // an order without a person is refused by redpacket
			good := item(s, 33, 4, 7, 0)
			s.run(context.Background(), []*waiting{bad, broken, good})
			if good.err != nil || broken.err == nil || (d.Driver() == db.MySQL && bad.err == nil) {
				t.Fatal(good.err, broken.err, bad.err)
			}
			if count(t, d, "SELECT COUNT(*) FROM claim WHERE serial = 32") != 0 {
				t.Fatal("half a claim was written")
			}
		})
		t.Run("a blocked member fails alone", func(t *testing.T) {
			shut, good := item(s, 41, 66, 7, 0), item(s, 42, 5, 7, 0)
			s.run(context.Background(), []*waiting{shut, good})
			if fault.Of(shut.err).Code != "member_blocked" || good.err != nil {
				t.Fatal(shut.err, good.err)
			}
		})
		t.Run("a paused campaign refuses its own claims and no others", func(t *testing.T) {
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec("UPDATE campaign SET state = 'paused' WHERE id = 8").Error }); err != nil {
				t.Fatal(err)
			}
			stopped, good, free := item(s, 61, 7, 8, 0), item(s, 62, 7, 7, 0), item(s, 63, 7, 0, 0)
			s.run(context.Background(), []*waiting{stopped, good, free})
			if stopped.err != errUncounted || good.err != nil || free.err != nil {
				t.Fatal(stopped.err, good.err, free.err)
			}
		})
		t.Run("the last fen is never passed: of six packets of 188 five fit into 1000", func(t *testing.T) {
			s, book := merged(t, dbtest.Open(t, d.Driver(), d.Clock()), 0)
			batch := []*waiting{}
			for n := int64(1); n <= 6; n++ {
				batch = append(batch, item(s, n, id.ID(n), 7, 188))
			}
			s.run(context.Background(), batch)
			won := 0
			for _, w := range batch {
				if w.err == nil {
					won++
				} else if w.err != errUncounted {
					t.Error(w.err)
				}
			}
			promised, err := book.Balance(context.Background(), ledger.Fen, ledger.Account{Kind: ledger.Promised, Owner: 7})
			if err != nil || won != 5 || promised != 5*188 {
				t.Fatal(won, promised, err)
			}
		})
		t.Run("a refused batch is split once, not tried again one by one", func(t *testing.T) {
			s, _ := merged(t, dbtest.Open(t, d.Driver(), d.Clock()), 30)
			reads := dbtest.Watch(t, s.db)
			batch := []*waiting{}
			for n := int64(1); n <= 200; n++ {
				batch = append(batch, item(s, n, 1000+id.ID(n), 7, 0))
			}
			other := item(s, 201, 1, 8, 0)
			s.run(context.Background(), append(batch, other))
			for i, w := range batch {
				if (w.err == nil) != (i < 30) || w.err != nil && w.err != errUncounted {
					t.Errorf("claim %d: %v", i, w.err)
				}
			}
			if rooms := reads.InTxs(); other.err != nil || len(rooms) != 1 || count(t, s.db, "SELECT claimed FROM campaign WHERE id = 7") != 30 {
				t.Errorf("%v; one look at the room is enough: %q", other.err, rooms)
			}
		})
		t.Run("a full campaign lets exactly its cap through", func(t *testing.T) {
			s, _ := merged(t, dbtest.Open(t, d.Driver(), d.Clock()), 3)
			batch := []*waiting{}
			for n := int64(1); n <= 6; n++ {
				batch = append(batch, item(s, n, id.ID(n), 7, 0))
			}
			s.run(context.Background(), batch)
			won := 0
			for _, w := range batch {
				if w.err == nil {
					won++
				}
			}
			if won != 3 || count(t, s.db, "SELECT COUNT(*) FROM claim") != 3 {
				t.Fatal(won)
			}
		})
	})
}
