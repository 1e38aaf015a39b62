package referral

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
)

// acts3 is one event of each counted type of one member.
func acts3(key string, who id.ID, at clock.Instant) []event.Event {
	return []event.Event{act("s"+key, event.Scan, who, at, 0), act("c"+key, event.Claim, who, at, 0), act("o"+key, event.Order, who, at, 1250)}
}

// forestOf binds people at random under each other and returns who may act.
func (w *town) forestOf(dice *rand.Rand, n int) []id.ID {
	people := w.persons(n)
	for i := 1; i < n; i++ {
		w.bind(people[i], people[dice.IntN(i)])
	}
	return people
}

func TestEventsCountOnceHoweverTheyAreTold(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		dice := rand.New(rand.NewPCG(5, 6))
		people := append(w.forestOf(dice, 20), w.persons(3)...) // the last stand in no tree
		clk.Advance(time.Second)
		type sum struct{ scans, claims, orders, fen int64 }
		want := map[id.ID]sum{}
		var all []event.Event
		for i := range 400 {
			who := people[dice.IntN(len(people))]
			e, s := act(fmt.Sprint("e", i), event.Scan, who, clk.Now(), 0), want[who]
			switch dice.IntN(5) {
			case 0, 1:
				s.scans++
			case 2:
				e, s.claims = act(e.Key, event.Claim, who, e.At, 0), s.claims+1
			case 3:
				fen := dice.Int64N(9000) + 1
				e, s.orders, s.fen = act(e.Key, event.Order, who, e.At, money.Fen(fen)), s.orders+1, s.fen+fen
			case 4: // a refund is no order
				e, s.fen = act(e.Key, event.Order, who, e.At, -30), s.fen-30
			}
			all, want[who] = append(all, e), s
		}
		old := act("before", event.Scan, people[1], clk.Now().Add(-time.Hour), 0) // before he was brought
		sent := event.Event{Key: "m", Type: event.MessageSent, BrandID: brand, MemberID: people[1], At: clk.Now()}
		all = append(all, old, sent)
		// Three tellers at once, each with everything in an order of his own, cut anyhow,
		// some of it twice in one call.
		var wg sync.WaitGroup
		for k := range 3 {
			mine, dice := slices.Clone(all), rand.New(rand.NewPCG(9, uint64(k)))
			dice.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			wg.Go(func() {
				for len(mine) > 0 {
					n := min(len(mine), 1+dice.IntN(60))
					if err := w.Consume(ctx, append(slices.Clone(mine[:n]), mine[0])); err != nil {
						t.Error(err)
					}
					mine = mine[n:]
				}
			})
		}
		wg.Wait()
		w.sound() // teams are the sums of what their people did
		for i, who := range people {
			n, s := w.node(who), want[who]
			if i >= 20 {
				s = sum{}
			}
			if got := (sum{n.OwnScans, n.OwnClaims, n.OwnOrders, int64(n.OwnSalesFen)}); got != s {
				t.Errorf("%d: %+v, want %+v", who, got, s)
			}
		}
	})
}

func TestWhatAnotherAccountOfHisDoesCountsForTheOneThatWasBrought(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(3)
		w.bind(p[1], p[0])
		w.exec("UPDATE member SET root_id = ? WHERE id = ?", p[2], p[1]) // p[2] stands for the human
		if err := w.Consume(ctx, acts3("x", p[2], clk.Now())); err != nil {
			t.Fatal(err)
		}
		if n := w.node(p[1]); n.OwnScans != 1 || w.node(p[0]).TeamSalesFen != 1250 {
			t.Errorf("%+v", n)
		}
	})
}

func TestActiveAreThoseOfThirtyDays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(4)
		w.bind(p[1], p[0])
		w.bind(p[2], p[1])
		w.bind(p[3], p[1])
		check := func(want ...int64) {
			t.Helper()
			for i, n := range want {
				if got := w.node(p[i]).Active; got != n {
					t.Errorf("%d: %d active, want %d", i, got, n)
				}
			}
		}
		check(3, 2)
		clk.Advance(20 * 24 * time.Hour)
		if err := w.Consume(ctx, acts3("a", p[2], clk.Now())); err != nil {
			t.Fatal(err)
		}
		clk.Advance(11 * 24 * time.Hour)
		w.night()
		check(1, 1)
		for range 2 { // again, and again: one person
			if err := w.Consume(ctx, acts3("b", p[3], clk.Now())); err != nil {
				t.Fatal(err)
			}
		}
		check(2, 2)
		if err := w.Consume(ctx, []event.Event{act("late", event.Scan, p[1], clk.Now().Add(-31*24*time.Hour), 0)}); err != nil {
			t.Fatal(err)
		}
		check(2, 2)
		if c, err := w.CheckOf(ctx, brand); err != nil || c.Repaired != 0 || c.Checked != 4 || c.State != over {
			t.Errorf("%+v %v", c, err)
		}
		w.sound()
	})
}

// night runs the check that is due to its end.
func (w *town) night() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.CheckDue(ctx); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestTheNightlyCheckRepairsWhatIsBroken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		dice := rand.New(rand.NewPCG(11, 12))
		people := w.forestOf(dice, 30)
		w.night()
		if c, err := w.CheckOf(ctx, brand); err != nil || c.Repaired != 0 || c.Checked != 30 || c.Misplaced != 0 {
			t.Fatalf("%+v %v", c, err)
		}
		w.exec("UPDATE referral_node SET team_size = team_size + 5, team_sales_fen = 7 WHERE member_id IN ?", people[3:6])
		w.exec("UPDATE referral_node SET direct = 0, active = 0, levels = 1 WHERE member_id = ?", people[0])
		w.night() // not again on one day
		if len(w.wrong()) == 0 {
			t.Fatal("nothing is broken: this shows nothing")
		}
		clk.Advance(24 * time.Hour)
		t.Run("and goes on after it was cut off, while others work", func(t *testing.T) {
			if _, err := w.StartCheck(ctx, brand); err != nil {
				t.Fatal(err)
			}
			gone, cancel := context.WithCancel(ctx)
			cancel()
			if _, err := w.CheckStep(gone, brand); err == nil {
				t.Fatal("a step of a dead process")
			}
			w.night()
			c, err := w.CheckOf(ctx, brand)
			if err != nil || c.State != over || c.Repaired != 4 || c.Checked != 30 {
				t.Errorf("%+v %v", c, err)
			}
			w.sound()
		})
		t.Run("and shows what it found", func(t *testing.T) {
			list, err := w.Repairs(ctx, brand, 0, 10)
			if err != nil || len(list) != 4 || !slices.ContainsFunc(list, func(r Repair) bool { return r.Was.SalesFen == 7 && r.Put.SalesFen == 0 }) {
				t.Errorf("%+v %v", list, err)
			}
		})
		t.Run("levels that shrank are no mistake, and are right afterwards", func(t *testing.T) {
			deep := people[0]
			for _, p := range people {
				if w.node(p).Depth > w.node(deep).Depth {
					deep = p
				}
			}
			for n := w.node(deep); n.ParentID != people[0]; n = w.node(n.ParentID) {
				deep = n.ParentID
			}
			if err := w.End(ctx, Change{BrandID: brand, MemberID: deep, Reason: "离职", By: 1}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(24 * time.Hour)
			w.night()
			most := 0
			for _, p := range people {
				if a, err := w.Under(ctx, brand, people[0], p); err != nil {
					t.Fatal(err)
				} else if a {
					most = max(most, w.node(p).Depth)
				}
			}
			if c, err := w.CheckOf(ctx, brand); err != nil || c.Repaired != 0 || w.node(people[0]).Levels != most+1 {
				t.Errorf("%+v %v, %d levels, want %d", c, err, w.node(people[0]).Levels, most+1)
			}
		})
		t.Run("a node that stands elsewhere than its binding says is counted and left", func(t *testing.T) {
			w.exec("UPDATE referral_binding SET referrer_id = 1 WHERE member_id = ? AND slot = 0", people[29])
			clk.Advance(24 * time.Hour)
			w.night()
			if c, err := w.CheckOf(ctx, brand); err != nil || c.Misplaced != 1 {
				t.Errorf("%+v %v", c, err)
			}
		})
	})
}

// More nodes than one step looks at, and a change between two steps.
func TestTheCheckFindsNothingWrongWithWhatChangesMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		root := w.person()
		people := w.persons(checkMost + 100)
		var wg sync.WaitGroup
		token := w.token(root)
		for _, p := range people {
			wg.Go(func() {
				if _, err := w.Bind(ctx, Contact{Token: token, MemberID: p, Channel: H5}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := w.StartCheck(ctx, brand); err != nil {
			t.Fatal(err)
		}
		if more, err := w.CheckStep(ctx, brand); err != nil || !more {
			t.Fatal(more, err)
		}
		late := w.persons(2)
		w.bind(late[0], people[3])
		w.bind(late[1], people[400])
		if _, err := w.Rebind(ctx, Change{BrandID: brand, MemberID: people[500], ReferrerID: people[1], Reason: "调整", By: 1}); err != nil {
			t.Fatal(err)
		}
		if err := w.Consume(ctx, acts3("m", people[2], clk.Now())); err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			var err error
			if more, err = w.CheckStep(ctx, brand); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := w.CheckOf(ctx, brand); err != nil || c.Repaired != 0 || c.Misplaced != 0 {
			t.Errorf("%+v %v", c, err)
		}
		w.sound()
	})
}

func TestListOfASubtree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.persons(5)
		for i := 1; i < 5; i++ {
			w.bind(p[i], p[(i-1)/2])
		}
		x, err := w.Ask(ctx, Change{BrandID: brand, MemberID: p[1], Reason: "核对业绩", By: 9})
		if err != nil || x.Total != 3 {
			t.Fatalf("%+v %v", x, err)
		}
		if err := w.File(ctx, x.ID, &bytes.Buffer{}); err == nil {
			t.Error("a file that is not there")
		}
		if err := w.Write(ctx, x.ID); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := w.File(ctx, x.ID, &file); err != nil {
			t.Fatal(err)
		}
		for _, m := range p {
			if strings.Contains(file.String(), m.String()) {
				t.Error("an id left the house")
			}
		}
		lines, err := csv.NewReader(&file).ReadAll()
		if err != nil || len(lines) != 4 {
			t.Fatalf("%q %v", lines, err)
		}
		if l := lines[1]; l[1] != w.Alias(brand, p[1]) || l[2] != "" || l[0] != "1" || l[6] != "2" {
			t.Errorf("%q", l)
		}
		if l := lines[3]; l[2] != w.Alias(brand, p[1]) || l[0] != "2" {
			t.Errorf("%q", l)
		}
		clk.Advance(keepList)
		if n, err := w.Expire(ctx, 10); err != nil || n != 1 {
			t.Error(n, err)
		}
		if err := w.File(ctx, x.ID, &file); !errors.Is(err, errNotReady) {
			t.Error(err)
		}
	})
}

// A worker dies between two parts, another one that was thought dead goes on, and the root
// moves in between: each row is in the file once.
func TestAListGoesOnAfterAKill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		root, above := w.person(), w.person()
		w.exec("INSERT INTO referral_tree (brand_id, version, check_state, check_path, check_started_at, check_finished_at, checked, repaired, misplaced) VALUES (?,1,'','',0,0,0,0,0)", brand)
		w.bind(w.person(), root)
		n := w.node(root)
		const rows = partRows + 200
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			many := db.NewRows("referral_node", nodeColumns)
			for i := range rows {
				many.Add(brand, i+1, root, n.Path+element(int64(i+1)), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
			}
			_, err := many.Insert(ctx, tx, "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.exec("UPDATE referral_node SET team_size = ?, direct = ? WHERE member_id = ?", rows+1, rows+1, root)
		x, err := w.Ask(ctx, Change{BrandID: brand, MemberID: root, Reason: "核对", By: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.writePart(ctx, x); err != nil { // the first part, then death
			t.Fatal(err)
		}
		w.bind(root, above)
		if err := w.writePart(ctx, x); err != nil { // who believes to be the first still
			t.Fatal(err)
		}
		if half, err := w.ExportOf(ctx, x.ID); err != nil || half.Done != partRows || half.Parts != 1 || half.State != Waiting {
			t.Fatalf("%+v %v", half, err)
		}
		if err := w.Write(ctx, x.ID); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := w.File(ctx, x.ID, &file); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&file).ReadAll()
		seen := map[string]bool{}
		for _, l := range lines {
			seen[l[1]] = true
		}
		if err != nil || len(lines) != rows+3 || len(seen) != len(lines) { // the head, the root, the one who was bound
			t.Errorf("%d lines, %d people (%v)", len(lines), len(seen), err)
		}
	})
}
