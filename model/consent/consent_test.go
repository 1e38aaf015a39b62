package consent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
)

var ctx = context.Background()

// office is a store with what tests ask of it.
type office struct {
	*Store
	t *testing.T
}

func (o office) given(memberID id.ID, purpose string) bool {
	o.t.Helper()
	ok, err := o.Given(ctx, memberID, purpose)
	if err != nil {
		o.t.Fatal(err)
	}
	return ok
}

func (o office) put(memberID id.ID, purpose string, yes bool, version string) Consent {
	o.t.Helper()
	c, err := o.Put(ctx, Consent{MemberID: memberID, Purpose: purpose, PolicyVersion: version, Given: yes, Channel: H5})
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o office) rows() (n int64) {
	o.t.Helper()
	if err := o.db.Read(ctx).Raw("SELECT COUNT(*) FROM consent").Scan(&n).Error; err != nil {
		o.t.Fatal(err)
	}
	return n
}

func TestConsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := office{New(d), t}
		if o.given(5, ExactPlace) {
			t.Error("silence is consent")
		}
		first := o.put(5, ExactPlace, true, "1")
		if !o.given(5, ExactPlace) || o.put(5, ExactPlace, true, "1") != first {
			t.Error("the same answer was not kept as it was")
		}
		clk.Advance(-time.Hour) // the newest answer is the last one given, not the one with the latest clock
		o.put(5, ExactPlace, false, "1")
		if o.given(5, ExactPlace) {
			t.Error("taking it back did not count")
		}
		o.put(5, ExactPlace, true, "2")
		if n := o.rows(); n != 3 || !o.given(5, ExactPlace) || o.given(5, Marketing) {
			t.Error(n, o.given(5, ExactPlace))
		}
		for _, bad := range []Consent{{MemberID: 5, Purpose: "everything", Channel: H5}, {MemberID: 5, Purpose: "reward", Channel: H5},
			{MemberID: 5, Purpose: ExactPlace, Channel: "rumour"}, {Purpose: ExactPlace, Channel: H5},
			{MemberID: 5, Purpose: ExactPlace, Channel: H5, Evidence: Evidence{Note: strings.Repeat("长", 201)}}} {
			if _, err := o.Put(ctx, bad); fault.Of(err).Code != "consent_malformed" {
				t.Error(bad, err)
			}
		}
	})
}

func TestAnAnswerKeepsTheWordsThatWereShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := office{New(d), t}
		c, err := o.Put(ctx, Consent{MemberID: 5, Purpose: Profiling, Given: true, Channel: Mini, Evidence: Evidence{Page: "/me/privacy", RequestID: "r1", IPHash: "h"}})
		p, _ := PurposeOf(Profiling)
		if err != nil || c.PolicyVersion != p.Version || c.TextHash != p.Hash {
			t.Fatal(c, err)
		}
		var kept struct{ Title, Text string }
		if err := d.Read(ctx).Raw("SELECT title, text FROM consent_text WHERE text_hash = ?", c.TextHash).Scan(&kept).Error; err != nil || kept.Text != p.Text || kept.Title != p.Title {
			t.Fatal(kept, err)
		}
		if old := o.put(5, Profiling, true, "2020-01"); old.TextHash != "" {
			t.Fatal("words nobody has were given a hash")
		}
		clk.Advance(time.Second)
		list, err := o.History(ctx, 5, 0, 10)
		if err != nil || len(list) != 2 || list[0].PolicyVersion != "2020-01" || list[1].RequestID != "r1" || list[1].IPHash != "h" {
			t.Fatal(list, err)
		}
		if next, err := o.History(ctx, 5, list[0].ID, 10); err != nil || len(next) != 1 || next[0] != list[1] {
			t.Fatal(next, err)
		}
		state, err := o.State(ctx, 5)
		if err != nil || len(state) != len(Purposes()) {
			t.Fatal(state, err)
		}
		for _, a := range state {
			if want := a.Needed || a.Key == Profiling; a.Given != want || a.Old != (a.Key == Profiling) {
				t.Error(a)
			}
		}
	})
}

func TestPurposesAreExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Purposes() {
		if p.Title == "" || p.Text == "" || p.Law == "" || p.Version == "" || len(p.Version) > 16 || len(p.Key) > 32 || len(p.Hash) != 64 || seen[p.Key] {
			t.Error(p)
		}
		seen[p.Key] = true
	}
}

func TestTheNewestAnswerOfTheFamilyCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o, people := office{New(d), t}, member.New(d, identity.New(d))
		var who []id.ID
		for person := id.ID(1); person <= 4; person++ {
			m, err := people.Of(ctx, person)
			if err != nil {
				t.Fatal(err)
			}
			who = append(who, m.ID)
			clk.Advance(time.Second)
		}
		root := func(m, r id.ID) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", r, m).Error }); err != nil {
				t.Fatal(err)
			}
		}
		o.put(who[0], Marketing, true, "")
		clk.Advance(time.Second)
		o.put(who[1], Marketing, false, "")
		o.put(who[3], Marketing, true, "")
		root(who[1], who[0])
		root(who[2], who[0])
		among, err := o.GivenAmong(ctx, append(slices.Clone(who), 999), Marketing)
		for i, want := range []bool{false, false, false, true} {
			if o.given(who[i], Marketing) != want || among[who[i]] != want {
				t.Error(i, want, among)
			}
		}
		if err != nil || among[999] {
			t.Error(among, err)
		}
		clk.Advance(time.Second)
		o.put(who[2], Marketing, true, "") // a sibling who was never asked speaks for all
		if !o.given(who[0], Marketing) || !o.given(who[1], Marketing) {
			t.Error("the newest answer does not count")
		}
		root(who[1], 0)
		root(who[2], 0)
		for i, want := range []bool{true, false, true, true} {
			if o.given(who[i], Marketing) != want {
				t.Errorf("after parting, %d does not have what he said himself", i)
			}
		}
	})
}

func TestWithdrawalErasesInTheSameTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		o := office{New(d), t}
		var erased []id.ID
		var refuse error
		o.OnWithdraw(Profiling, func(_ context.Context, tx *gorm.DB, members []id.ID) error {
			if tx == nil {
				t.Error("no transaction")
			}
			erased = members
			return refuse
		})
		o.put(5, Profiling, true, "")
		if erased != nil {
			t.Error("agreeing erased")
		}
		refuse = errors.New("disk full")
		if _, err := o.Put(ctx, Consent{MemberID: 5, Purpose: Profiling, Channel: H5}); !errors.Is(err, refuse) || !o.given(5, Profiling) {
			t.Error("a withdrawal stood although what it promises did not happen:", err)
		}
		refuse = nil
		o.put(5, Profiling, false, "")
		if !slices.Equal(erased, []id.ID{5}) || o.given(5, Profiling) {
			t.Error(erased)
		}
		erased = nil
		o.put(5, Profiling, false, "") // said again: whatever slipped in meanwhile goes too
		if erased == nil || o.rows() != 2 {
			t.Error(erased, o.rows())
		}
		erased = nil
		o.put(5, Marketing, false, "")
		if erased != nil {
			t.Error("another purpose's data was erased")
		}
	})
}

func TestAnAgreementIsToldOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		s, told := New(d), 0
		s.OnGive(Profiling, func(context.Context, *gorm.DB, []id.ID) error { told++; return nil })
		for _, step := range []struct {
			purpose string
			given   bool
			want    int
		}{{Profiling, true, 1}, {Profiling, true, 1}, {Marketing, true, 1}, {Profiling, false, 1}, {Profiling, true, 2}} {
			if _, err := s.Put(context.Background(), Consent{MemberID: 7, Purpose: step.purpose, Given: step.given, Channel: H5}); err != nil || told != step.want {
				t.Fatalf("%+v: told %d times, %v", step, told, err)
			}
		}
	})
}

func TestAnAnswerOutlivesADeadlock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if d.Driver() != db.MySQL {
			return // there one transaction writes at a time
		}
		o, tries := office{New(d), t}, 0
		o.OnGive(Marketing, func(context.Context, *gorm.DB, []id.ID) error {
			if tries++; tries == 1 {
				return &mysql.MySQLError{Number: 1213}
			}
			return nil
		})
		if c := o.put(7, Marketing, true, ""); c.MemberID != 7 || tries != 2 || !o.given(7, Marketing) {
			t.Fatalf("after %d tries: %+v", tries, c)
		}
	})
}
