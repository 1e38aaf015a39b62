package points

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
)

// The same with the real graph of identities: an operator joins two people and takes it
// back, and the wake-ups he leaves behind hand back what one spent of the other's.
func TestPeopleWhoAreJoinedAndPartedByTheGraph(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx, out, book := context.Background(), outbox.New(d), ledger.New(d)
		people := identity.New(d)
		folk := member.New(d, people)
		folk.Follow(Regrouped(out))
		a, s := NewAccounts(d, book, folk), New(book)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		persons, ms := [2]id.ID{}, [2]id.ID{}
		for i, openID := range []string{"o-a", "o-b"} {
			person, err := people.Resolve(ctx, identity.Login{AppID: "wx-" + openID, OpenID: openID})
			must(err)
			m, err := folk.Of(ctx, person)
			must(err)
			persons[i], ms[i] = person, m.ID
			must(d.InTx(ctx, func(tx *gorm.DB) error {
				return s.EarnTx(ctx, tx, Earning{Key: "k" + openID, BrandID: brandA, MemberID: m.ID, Points: 50, Memo: "扫码积分"})
			}))
			clk.Advance(time.Second)
		}
		has := func(want ...int64) {
			t.Helper()
			for i, m := range ms {
				x, err := a.Account(ctx, m)
				must(err)
				if x.Available != want[i] {
					t.Errorf("member %d has %d, want %d", i, x.Available, want[i])
				}
			}
		}
		wakeUps := func() (refs []id.ID) {
			t.Helper()
			must(d.Read(ctx).Raw("SELECT ref_id FROM outbox WHERE task = ? AND state = 0", Task).Scan(&refs).Error)
			must(d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec("UPDATE outbox SET state = 2").Error }))
			return refs
		}
		merge, err := people.Merge(ctx, persons[0], persons[1], identity.Evidence{Event: identity.ByOperator, By: 9, Channel: "admin", Note: "同一人"})
		must(err)
		has(100, 100)
		if n := len(wakeUps()); n != 2 {
			t.Fatalf("%d wake-ups after the merge", n)
		}
		must(a.Spend(ctx, Spend{Key: "s", MemberID: ms[1], Points: 70, Memo: "兑换"}))
		has(30, 30)
		_, err = people.Unmerge(ctx, merge.ID, 9, "认错人")
		must(err)
		must(d.InTx(ctx, func(tx *gorm.DB) error {
			return s.EarnTx(ctx, tx, Earning{Key: "later", BrandID: brandA, MemberID: ms[1], Points: 15, Memo: "扫码积分"})
		}))
		refs := wakeUps()
		if len(refs) != 2 {
			t.Fatalf("%d wake-ups after the unmerge", len(refs))
		}
		for range 2 { // a wake-up may come twice
			for _, m := range refs {
				must(a.Part(ctx, m))
			}
		}
		has(45, 0) // 20 were borrowed, 15 could be returned
		trial, err := book.TrialBalance(ctx)
		if err != nil || !trial.Balanced {
			t.Fatalf("%+v %v", trial, err)
		}
	})
}
