package identity

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestResolveMany(t *testing.T) {
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := town{New(d), t, d}
		e := Evidence{Event: CRMImport, Channel: "import", Ref: 77}
		do := func(t *testing.T, items ...Item) []Resolved {
			t.Helper()
			out, err := w.ResolveMany(ctx, items, e)
			if err != nil || len(out) != len(items) {
				t.Fatal(len(out), err)
			}
			return out
		}
		t.Run("a batch is what its items would be one after the other", func(t *testing.T) {
			w := w.in(t)
			known := w.login("wxA", "o1", "")
			w.link(known, phoneKey(1), PhoneVerified)
			out := do(t,
				Item{[]Key{phoneKey(1), crmKey("a1")}},              // known by phone
				Item{[]Key{phoneKey(2), crmKey("a2")}},              // new
				Item{[]Key{crmKey("a2"), phoneKey(3)}},              // known by the item before
				Item{[]Key{phoneKey(2), crmKey("a2"), phoneKey(2)}}, // adds nothing
				Item{[]Key{phoneKey(4), {Kind: "fax", Value: "1"}}}, // malformed
				Item{nil}, // empty
				Item{[]Key{crmKey("a3"), phoneKey(1), phoneKey(2)}}, // names two
				Item{[]Key{phoneKey(5), phoneKey(6), phoneKey(7)}},  // three phones on a new person
				Item{[]Key{crmKey("a1"), phoneKey(8), phoneKey(9)}}, // two more on one who has one
				Item{[]Key{crmKey("a1"), phoneKey(10)}},             // one more is right
			)
			fresh := out[1].PersonID
			for i, want := range []struct {
				person   id.ID
				isNew    bool
				attached int
				code     string
			}{{known, false, 1, ""}, {fresh, true, 2, ""}, {fresh, false, 1, ""}, {fresh, false, 0, ""}, {0, false, 0, "key_malformed"}, {0, false, 0, "key_malformed"},
				{known, false, 1, ""}, {0, false, 0, "identity_full"}, {known, false, 0, "identity_full"}, {known, false, 1, ""}} {
				r := out[i]
				if r.PersonID != want.person || r.New != want.isNew || len(r.Attached) != want.attached || codeOf(r.Err) != want.code {
					t.Errorf("%d: %+v", i, r)
				}
			}
			if out[0].By.Value != phoneKey(1).Value || out[2].By.Value != "a2" {
				t.Error("recognised by another key", out[0].By, out[2].By)
			}
			if r := out[6]; len(r.Others) != 1 || r.Others[0].PersonID != fresh || r.Outcomes[0].State != InReview {
				t.Errorf("%+v", r)
			}
			if n := w.count("identity_edge", fmt.Sprintf("person_id = %d AND ref_id = 77", fresh)); n != 2 {
				t.Errorf("%d rows of evidence for two joined keys", n)
			}
			if n := w.count("identity_key", fmt.Sprintf("person_id NOT IN (SELECT id FROM person) OR person_id = %d AND kind = 'phone' AND event = 'x'", known)); n != 0 {
				t.Error("keys of nobody")
			}
		})
		t.Run("matching tells the same and writes nothing", func(t *testing.T) {
			w := w.in(t)
			before := w.count("identity_key", "0 = 0") + w.count("person", "0 = 0") + w.count("identity_edge", "0 = 0")
			out, err := w.Match(ctx, []Item{{[]Key{phoneKey(2)}}, {[]Key{phoneKey(99)}}, {[]Key{{Kind: Phone}}}}, e)
			if err != nil || out[0].PersonID == 0 || out[0].New || !out[1].New || out[1].PersonID != 0 || out[2].Err == nil || out[2].New {
				t.Fatal(out, err)
			}
			if w.count("identity_key", "0 = 0")+w.count("person", "0 = 0")+w.count("identity_edge", "0 = 0") != before {
				t.Fatal("written")
			}
		})
		t.Run("the same items from many at once make each person once", func(t *testing.T) {
			w := w.in(t)
			items := make([]Item, 300)
			for i := range items {
				items[i] = Item{[]Key{crmKey(fmt.Sprintf("r%d", i)), phoneKey(1000 + i)}}
			}
			before := w.count("person", "0 = 0")
			var wg sync.WaitGroup
			got := make([][]Resolved, 4)
			for i := range got {
				wg.Go(func() {
					var err error
					if got[i], err = w.ResolveMany(ctx, items, e); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if t.Failed() {
				return
			}
			made := 0
			for i := range items {
				for _, g := range got {
					if g[i].PersonID != got[0][i].PersonID || g[i].Err != nil {
						t.Fatalf("%d: %+v and %+v", i, g[i], got[0][i])
					}
					made += b2i(g[i].New)
				}
			}
			if n := w.count("person", "0 = 0") - before; n != 300 || made != 300 {
				t.Fatalf("%d persons, %d told as new", n, made)
			}
		})
		t.Run("keys of an import that is undone go, those of others stay", func(t *testing.T) {
			w := w.in(t)
			p := w.login("wxA", "o20", "")
			w.link(p, phoneKey(20), PhoneVerified)
			out := do(t, Item{[]Key{phoneKey(20), crmKey("u1")}}, Item{[]Key{phoneKey(21), crmKey("u2")}})
			keys := append(out[0].Attached, out[1].Attached...)
			verified := phoneKey(20)
			verified.PersonID = p
			gone, err := w.Unlink(ctx, append(keys, verified), Evidence{Event: CRMImport, Ref: 77, Note: "撤销导入"})
			if err != nil || gone != 3 {
				t.Fatal(gone, err)
			}
			if left, err := w.Keys(ctx, p); err != nil || len(left) != 2 {
				t.Fatal(left, err)
			}
			if n := w.count("identity_edge", "note = '撤销导入' AND revokes <> 0"); n != 3 {
				t.Fatal(n)
			}
			if gone, err := w.Unlink(ctx, keys, Evidence{Event: CRMImport}); gone != 0 || err != nil {
				t.Fatal(gone, err)
			}
		})
	})
}
