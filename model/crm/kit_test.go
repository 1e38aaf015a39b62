package crm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/profile"
	"siyu/model/seal"
)

var ctx = context.Background()

// desk is an operator with a file in his hand, and everything behind him.
type desk struct {
	*Store
	t    *testing.T
	d    *db.DB
	clk  *clock.Fake
	book *ledger.Ledger
}

// idle plays the event store: nobody here is judged.
type idle struct{}

func (idle) Last(context.Context, []id.ID) (clock.Instant, error)            { return 0, nil }
func (idle) Count(context.Context, []id.ID, clock.Instant, int) (int, error) { return 0, nil }

func newDesk(t *testing.T, d *db.DB, clk *clock.Fake) *desk {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	people, book, consents := identity.New(d), ledger.New(d), consent.New(d)
	members := member.New(d, people)
	given := points.New(book)
	return &desk{t: t, d: d, clk: clk, book: book, Store: New(Deps{DB: d, Box: box, Outbox: outbox.New(d), People: people, Members: members,
		Phones: phone.New(d, box), Consents: consents, Points: given, Accounts: points.NewAccounts(d, book, members),
		Profiles: profile.New(profile.Deps{DB: d, Families: members, Consents: consents, Points: given, Activity: idle{}})})}
}

func is(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Of(err) == nil || fault.Of(err).Code != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

// full maps everything there is, by the names that Suggest knows.
func full(columns []string) Mapping {
	m := Mapping{Columns: Suggest(columns, nil)}
	for _, c := range m.Columns {
		switch c.To {
		case ToConsent:
			m.Consents, m.Evidence = []string{consent.Marketing}, "入会登记表，总部档案室"
		case ToOpenID:
			m.AppID = "wxapp"
		}
	}
	return m
}

// receive brings a file as far as its mapping.
func (w *desk) receive(file string) Import {
	w.t.Helper()
	st, err := w.Stage(ctx, strings.NewReader(file))
	if err != nil {
		w.t.Fatal(err)
	}
	i, err := w.Create(ctx, st.ID, Draft{BrandID: 5, Name: "老会员", Source: "天猫2019", FileName: "a.csv", By: 9})
	if err != nil {
		w.t.Fatal(err)
	}
	if i, err = w.SetMapping(ctx, i.ID, full(i.Columns)); err != nil {
		w.t.Fatal(err)
	}
	return i
}

func (w *desk) do(step func(context.Context, id.ID) (Import, error), i Import) Import {
	w.t.Helper()
	if _, err := step(ctx, i.ID); err != nil {
		w.t.Fatal(err)
	}
	for n := 0; ; n++ {
		err := w.Work(ctx, i.ID)
		if err == nil {
			break
		}
		if !errors.Is(err, errKilled) || n > 1000 {
			w.t.Fatal(err)
		}
		w.clk.Advance(2 * leaseFor) // nobody knows yet that the worker is dead
	}
	i, err := w.Get(ctx, i.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// load imports a file to its end, and holds the dry run against what then happened.
func (w *desk) load(file string) Import {
	w.t.Helper()
	i := w.receive(file)
	dry := w.do(w.Check, i)
	if dry.State != Checked {
		w.t.Fatalf("%+v", dry)
	}
	said := w.errors(i)
	i = w.do(w.Start, i)
	if i.State != Done || counts(i) != counts(dry) {
		w.t.Fatalf("the dry run said %s, the run %s: %+v", counts(dry), counts(i), i)
	}
	if now := w.errors(i); strings.ReplaceAll(now, "，已转人工审核", "") != said {
		w.t.Fatalf("the dry run said\n%s\nthe run\n%s", said, now)
	}
	return i
}

func counts(i Import) string {
	return fmt.Sprintf("new %d old %d conflict %d bad %d of %d", i.NewRows, i.OldRows, i.ConflictRows, i.BadRows, i.DoneRows)
}

func (w *desk) errors(i Import) string {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.WriteErrors(ctx, i.ID, &b); err != nil {
		w.t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimPrefix(b.String(), "\ufeff"), "\r\n", "\n")
}

func (w *desk) number(query string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.d.Read(ctx).Raw(query, args...).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// person finds whose a key is; 0: nobody's.
func (w *desk) person(kind, scope, value string) id.ID {
	w.t.Helper()
	p, _, err := w.People.PersonOf(ctx, kind, scope, value)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *desk) phoneHash(digits string) string {
	w.t.Helper()
	n, err := phone.Parse(digits)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Phones.Hash(n)
}

// world is what an undo must leave as it was: all of it, but for books that only grow.
func (w *desk) world() string {
	w.t.Helper()
	var b strings.Builder
	for _, q := range []string{
		"SELECT id AS a, root_id AS b, '' AS c, '' AS d FROM person ORDER BY id",
		"SELECT id AS a, person_id AS b, state AS c, '' AS d FROM member ORDER BY id",
		"SELECT person_id AS a, 0 AS b, kind AS c, value AS d FROM identity_key ORDER BY kind, scope, value",
		"SELECT key_version AS a, 0 AS b, hash AS c, tail AS d FROM phone ORDER BY hash",
		"SELECT member_id AS a, id AS b, field AS c, value AS d FROM profile_value ORDER BY id",
		"SELECT member_id AS a, at AS b, channel AS c, event_key AS d FROM profile_origin ORDER BY member_id, channel",
	} {
		var rows []struct {
			A, B int64
			C, D string
		}
		if err := w.d.Read(ctx).Raw(q).Scan(&rows).Error; err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintln(&b, q)
		for _, r := range rows {
			fmt.Fprintln(&b, r)
		}
	}
	return b.String()
}

func mobile(n int) string { return fmt.Sprintf("138%08d", n) }

// keep stores a number as a log-in with it does.
func (w *desk) keep(digits string) {
	w.t.Helper()
	n, err := phone.Parse(digits)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.d.InTx(ctx, func(tx *gorm.DB) error { _, err := w.Phones.PutTx(ctx, tx, n); return err }); err != nil {
		w.t.Fatal(err)
	}
}
