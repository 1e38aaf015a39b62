package segment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/rule"
	"siyu/model/segment"
)

// buyers is a world of people who allow profiling and of a shelf that tells of new products.
func buyers(t *testing.T, d *db.DB, clk *clock.Fake, people int) (*world, *product.Store) {
	w := newWorld(t, d, clk, 3, people)
	for _, m := range w.members {
		w.put("consent", row{"id": d.NewID(), "member_id": m, "purpose": "profiling", "given": 1, "at": clk.Now()})
	}
	w.note(segment.PartAll, w.members...)
	w.settle()
	shelf := product.New(d)
	shelf.OnCreate(w.s.Registered)
	return w, shelf
}

// orders makes an order of one line per GTIN, and tells of it unless silent.
func (w *world) orders(m id.ID, silent bool, gtins ...string) event.Event {
	w.Helper()
	e := event.Event{ID: w.d.NewID(), Type: event.Order, BrandID: brandID, MemberID: m, Channel: "shop", At: w.clk.Now()}
	e.Key = fmt.Sprint("order", e.ID)
	var lines []map[string]any
	for _, g := range gtins {
		lines = append(lines, map[string]any{"gtin": g, "quantity": 1, "amount_fen": 100})
	}
	e.Body, _ = json.Marshal(map[string]any{"lines": lines})
	w.put("event", row{"id": e.ID, "event_key": e.Key, "type": e.Type, "brand_id": brandID, "member_id": m, "channel": "shop", "at": e.At, "received_at": e.At, "body": []byte(e.Body)})
	if !silent {
		if err := w.s.Consume(context.Background(), []event.Event{e}); err != nil {
			w.Fatal(err)
		}
	}
	return e
}

// rowsOf counts rows of a table.
func (w *world) rowsOf(from string) (n int64) {
	w.Helper()
	if err := w.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + from).Scan(&n).Error; err != nil {
		w.Fatal(err)
	}
	return n
}

func boughtRule(p id.ID) rule.Node {
	return rule.Node{Did: &rule.Did{What: rule.Bought, ProductIDs: []id.ID{p}, Op: rule.Gte, Values: []int64{1}}}
}

func (w *world) finds(n rule.Node, want ...id.ID) {
	w.Helper()
	tree := rule.Tree{V: 1, Root: n}
	found, err := w.s.Find(context.Background(), brandID, tree)
	if err != nil {
		w.Fatal(err)
	}
	if got := slices.Sorted(found.Each()); !slices.Equal(got, want) {
		w.Errorf("%s finds %v, want %v", tree.Encode(), got, want)
	}
	for how, got := range w.ways(tree) {
		if !slices.Equal(got, want) && len(got)+len(want) > 0 {
			w.Errorf("%s finds %v by %s, want %v", tree.Encode(), got, how, want)
		}
	}
}

const late, never = "6901234567915", "6901234567908"

// TestRegisteredLater: who ordered goods before the brand registered them is found as soon as
// it does, and what counts purchases is told of exactly these.
func TestRegisteredLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, shelf := buyers(t, d, clk, 5)
		w.dir = t.TempDir()
		var told []id.ID
		w.s.OnLate(func(_ context.Context, _ *gorm.DB, members []id.ID) error {
			told = append(told, members...)
			return nil
		})
		m := w.members
		w.orders(m[0], false, "6901234567891", late)
		w.orders(m[1], false, "6901234567891")
		w.orders(m[2], false, late, never, late)
		w.orders(m[3], false, never)
		w.settle()
		if len(told) != 0 {
			t.Errorf("told of %v before anything was registered", told)
		}
		if n := w.rowsOf("segment_unnamed"); n != 5 {
			t.Errorf("%d lines wait, want 5", n)
		}
		p, err := shelf.Create(ctx, product.Product{BrandID: brandID, GTIN: late, Name: "护理液"})
		if err != nil {
			t.Fatal(err)
		}
		other, err := shelf.Create(ctx, product.Product{BrandID: otherBrand, GTIN: never, Name: "别家的"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		neverB := rule.NeverB([]id.ID{21}, []id.ID{p.ID}, 0)
		w.finds(boughtRule(p.ID), m[0], m[2])
		w.finds(boughtRule(other.ID))
		w.finds(neverB.Root, m[1])
		if !slices.Equal(told, []id.ID{m[0], m[2]}) {
			t.Errorf("told of %v, want %v", told, []id.ID{m[0], m[2]})
		}
		if n := w.rowsOf("segment_unnamed"); n != 2 {
			t.Errorf("%d lines wait, want the two of goods that nobody registered", n)
		}
		if n := w.rowsOf("segment_named"); n != 0 {
			t.Errorf("%d products still wait for their buyers", n)
		}
	})
}

// TestRegisteredMeanwhile: a product that is registered while an act of it is being made is
// missed neither by the act nor by the product.
func TestRegisteredMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, _ := buyers(t, d, clk, 2)
		w.dir = t.TempDir()
		w.orders(w.members[0], false, late)
		// The product's own look at who waits came before the act was there.
		w.put("product", row{"id": 24, "brand_id": 1, "gtin": "0" + late})
		w.settle()
		w.finds(boughtRule(24), w.members[0])
	})
}

// TestRegisteredInParts: of more buyers than one step notes, none is forgotten and none is
// noted twice, whoever goes on after a crash.
func TestRegisteredInParts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, shelf := buyers(t, d, clk, 1)
		const people = 1203
		err := d.InTx(ctx, func(tx *gorm.DB) error {
			for part := range slices.Chunk(slices.Collect(func(yield func(int) bool) {
				for i := range people {
					if !yield(i) {
						return
					}
				}
			}), 400) {
				rows := db.NewRows("segment_unnamed", "member_id, event_id, line, brand_id, gtin")
				for _, i := range part {
					rows.Add(5000+i, 1, 0, 1, "0"+late)
				}
				if _, err := rows.Insert(ctx, tx, ""); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shelf.Create(ctx, product.Product{BrandID: brandID, GTIN: late, Name: "护理液"}); err != nil {
			t.Fatal(err)
		}
		steps := 0
		for more := true; more; steps++ {
			if more, err = segment.New(d).Named(ctx); err != nil { // each step by another process
				t.Fatal(err)
			}
		}
		if steps < 3 {
			t.Errorf("%d steps for %d people", steps, people)
		}
		if n, whom := w.rowsOf("segment_dirty WHERE member_id >= 5000"), w.rowsOf("(SELECT DISTINCT member_id FROM segment_dirty WHERE member_id >= 5000) w"); n != people || whom != people {
			t.Errorf("%d notes of %d people, want %d", n, whom, people)
		}
	})
}

// TestUnnamedBefore: acts that were made before it was written down which of them have no
// product are found too.
func TestUnnamedBefore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, shelf := buyers(t, d, clk, 450)
		w.dir = t.TempDir()
		first, last := w.members[0], w.members[449]
		w.orders(first, false, "6901234567891", late)
		w.orders(last, false, never)
		w.settle()
		w.exec("DELETE FROM segment_unnamed")
		w.exec("DELETE FROM segment_cursor WHERE name = 'unnamed'")
		w.put("product", row{"id": 24, "brand_id": 1, "gtin": "0" + late}) // before as well
		w.s = segment.New(d)                                               // the program that is newer
		w.s.UseReach(&open{w: w})
		w.settle()
		w.finds(boughtRule(24), first)
		shelf = product.New(d)
		shelf.OnCreate(w.s.Registered)
		p, err := shelf.Create(ctx, product.Product{BrandID: brandID, GTIN: never, Name: "后来登记"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.finds(boughtRule(p.ID), last)
	})
}

// TestUnnamedForgotten: what waits for a product goes with the acts, and comes back with them.
func TestUnnamedForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _ := buyers(t, d, clk, 2)
		w.dir = t.TempDir()
		m := w.members[0]
		w.orders(m, false, late)
		w.settle()
		say := func(given bool, lines int64) {
			t.Helper()
			clk.Advance(1000)
			err := d.InTx(ctx, func(tx *gorm.DB) error {
				if !given {
					if err := w.s.Forget(ctx, tx, []id.ID{m}); err != nil {
						return err
					}
				}
				if err := tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,'profiling','1',?,'h5',?)", d.NewID(), m, given, d.Now()+1000).Error; err != nil {
					return err
				}
				return w.s.Answered(ctx, tx, []id.ID{m})
			})
			if err != nil {
				t.Fatal(err)
			}
			if !given {
				if n := w.rowsOf("segment_unnamed"); n != 0 {
					t.Errorf("%d lines are left of who took his consent back", n)
				}
			}
			w.settle()
			if n := w.rowsOf("segment_unnamed"); n != lines {
				t.Errorf("%d lines wait, want %d", n, lines)
			}
		}
		say(false, 0)
		w.put("product", row{"id": 24, "brand_id": 1, "gtin": "0" + late})
		w.settle()
		w.finds(boughtRule(24))
		clk.Advance(5_000_000_000)
		say(true, 0)
		w.finds(boughtRule(24), m)
	})
}

// TestOnlyOne: "bought this product and no other" is about every other product of the brand,
// also of one that is registered later, however many there are.
func TestOnlyOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, shelf := buyers(t, d, clk, 5)
		w.dir = t.TempDir()
		for i := range 60 {
			w.put("product", row{"id": 200 + i, "brand_id": 1, "gtin": fmt.Sprintf("%014d", 1000+i)})
		}
		m := w.members
		w.orders(m[0], false, "6901234567891", late)
		w.orders(m[1], false, "6901234567891")
		w.orders(m[2], false, "6901234567891", fmt.Sprintf("%014d", 1059))
		w.orders(m[3], false, "6901234567892")
		w.settle()
		only := rule.OnlyOne(21, 45)
		w.finds(only.Root, m[0], m[1])
		if _, err := shelf.Create(context.Background(), product.Product{BrandID: brandID, GTIN: late, Name: "护理液"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.finds(only.Root, m[1])
		clk.Advance(44 * 24 * time.Hour)
		w.finds(only.Root, m[1])
		clk.Advance(24 * time.Hour)
		w.finds(only.Root)
	})
}
