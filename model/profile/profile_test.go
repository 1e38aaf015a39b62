package profile

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/points"
)

var ctx = context.Background()

// town plays those whom a profile asks: who agreed to what, and what events say.
type town struct {
	*Store
	t      *testing.T
	d      *db.DB
	people *member.Store
	agreed map[string]bool
	last   clock.Instant
	count  int
}

func (w *town) Given(_ context.Context, _ id.ID, purpose string) (bool, error) {
	return w.agreed[purpose], nil
}
func (w *town) Last(context.Context, []id.ID) (clock.Instant, error) { return w.last, nil }
func (w *town) Count(context.Context, []id.ID, clock.Instant, int) (int, error) {
	return w.count, nil
}

func newTown(t *testing.T, d *db.DB) *town {
	w := &town{t: t, d: d, people: member.New(d, identity.New(d)), agreed: map[string]bool{}}
	w.Store = New(Deps{DB: d, Families: w.people, Consents: w, Points: points.New(ledger.New(d)), Activity: w})
	return w
}

func (w *town) member() id.ID {
	w.t.Helper()
	m, err := w.people.Of(ctx, w.d.NewID())
	if err != nil {
		w.t.Fatal(err)
	}
	return m.ID
}

// join makes b one human with a; 0 takes that back.
func (w *town) join(root, b id.ID) {
	w.t.Helper()
	w.exec("UPDATE member SET root_id = ? WHERE id = ?", root, b)
}

func (w *town) exec(stmt string, args ...any) {
	w.t.Helper()
	if err := w.d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) put(m id.ID, source string, kv ...string) Given {
	w.t.Helper()
	a := Answer{MemberID: m, Source: source, Values: map[string]string{}}
	if source == Operator {
		a.By, a.Reason = 7, "本人来电"
	}
	for i := 0; i < len(kv); i += 2 {
		a.Values[kv[i]] = kv[i+1]
	}
	g, err := w.Put(ctx, a)
	if err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *town) file(m id.ID, ref id.ID, kv ...string) {
	w.t.Helper()
	var vs []Value
	for i := 0; i < len(kv); i += 2 {
		vs = append(vs, Value{MemberID: m, Field: kv[i], Value: kv[i+1]})
	}
	if err := w.d.InTx(ctx, func(tx *gorm.DB) error { return w.PutImportedTx(ctx, tx, ref, vs) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) item(m id.ID, field string) Item {
	w.t.Helper()
	p, err := w.Of(ctx, m)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, i := range p.Items {
		if i.Field.Name == field {
			return i
		}
	}
	w.t.Fatal("no field", field)
	return Item{}
}

func (w *town) reward(name string, points int64, purpose string) {
	w.t.Helper()
	all, err := w.Fields(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	f := Field{Name: name, Title: name, Kind: Text, Active: true, PlaceNo: 99}
	for _, x := range all {
		if x.Name == name {
			f = x
		}
	}
	f.BrandID, f.Points, f.Purpose = 5, points, purpose
	if _, err := w.PutField(ctx, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) balance(m id.ID) int64 {
	w.t.Helper()
	n, err := w.Points.Balance(ctx, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func is(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Of(err) == nil || fault.Of(err).Code != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

func TestAValueIsWhatTheMostTrustedSaidLast(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		a, b := w.member(), w.member()
		w.put(a, Self, "city", "杭州")
		w.file(a, 1, "city", "宁波", "nickname", "老王")
		clk.Advance(time.Hour)
		if i := w.item(a, "city"); i.Value != "杭州" || len(i.Conflicts) != 1 || i.Conflicts[0].Value != "宁波" {
			t.Fatalf("%+v", i)
		}
		if i := w.item(a, "nickname"); i.Value != "老王" || i.Source != Import {
			t.Fatalf("%+v", i)
		}
		w.put(b, Self, "city", "上海")
		w.join(a, b)
		if i := w.item(a, "city"); i.Value != "上海" || i.MemberID != b || len(i.Conflicts) != 2 {
			t.Fatalf("%+v", i)
		}
		w.put(b, Operator, "city", "苏州")
		if i := w.item(b, "city"); i.Value != "苏州" || i.Source != Operator {
			t.Fatalf("a correction asked for later is not what counts: %+v", i)
		}
		w.put(a, Self, "city", "")
		if i := w.item(b, "city"); i.Value != "" || i.At == 0 {
			t.Fatalf("what he took back is still there: %+v", i)
		}
		w.join(0, b)
		if i := w.item(b, "city"); i.Value != "苏州" || len(i.Conflicts) != 1 {
			t.Fatalf("parted, he is not who he was: %+v", i)
		}
		if h, err := w.History(ctx, b, "city", 10); err != nil || len(h) != 2 || h[0].Value != "苏州" || h[0].Reason != "本人来电" {
			t.Fatal(h, err)
		}
	})
}

func TestAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		w.reward("city", 10, "")
		a, b := w.member(), w.member()
		t.Run("the first one earns points, once per human", func(t *testing.T) {
			w.file(a, 1, "city", "杭州")
			if w.balance(a) != 0 {
				t.Fatal("a file earned points")
			}
			if g := w.put(a, Self, "city", "杭州"); g.Points != 10 {
				t.Fatalf("confirming what a file says: %+v", g)
			}
			if g := w.put(a, Self, "city", "杭州"); g.Points != 0 || len(g.Changed) != 0 {
				t.Fatalf("again: %+v", g)
			}
			if g := w.put(a, Self, "city", "宁波"); g.Points != 0 || len(g.Changed) != 1 {
				t.Fatalf("changed: %+v", g)
			}
			w.join(a, b)
			if g := w.put(b, Self, "city", "上海"); g.Points != 0 || w.balance(a) != 10 || w.balance(b) != 0 {
				t.Fatalf("a sibling earned again: %+v", g)
			}
			w.join(0, b)
		})
		t.Run("are stored all or none", func(t *testing.T) {
			_, err := w.Put(ctx, Answer{MemberID: b, Source: Self, Values: map[string]string{"nickname": "乙", "household": "很多"}})
			is(t, err, "profile_value")
			if i := w.item(b, "nickname"); i.Value != "" {
				t.Fatalf("%+v", i)
			}
			_, err = w.Put(ctx, Answer{MemberID: b, Source: Self, Values: map[string]string{"shoe": "42"}})
			is(t, err, "profile_unknown")
		})
		t.Run("of a child are refused", func(t *testing.T) {
			_, err := w.Put(ctx, Answer{MemberID: b, Source: Self, Values: map[string]string{"birthday": "2012-11-22"}})
			is(t, err, "profile_child")
			if g := w.put(b, Self, "birthday", "2012-11-21"); len(g.Changed) != 1 {
				t.Fatal("fourteen today")
			}
		})
		t.Run("that are sensitive need their consent, and go with it", func(t *testing.T) {
			w.reward("allergy", 0, consent.Marketing)
			in := Answer{MemberID: b, Source: Self, Values: map[string]string{"allergy": "花生"}}
			_, err := w.Put(ctx, in)
			is(t, err, "profile_consent")
			w.agreed[consent.Marketing] = true
			if _, err := w.Put(ctx, in); err != nil {
				t.Fatal(err)
			}
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return w.Withdrawn(ctx, tx, consent.Marketing, []id.ID{b}) }); err != nil {
				t.Fatal(err)
			}
			if i := w.item(b, "allergy"); i.Value != "" || w.item(b, "birthday").Value == "" {
				t.Fatalf("%+v", i)
			}
		})
		t.Run("an operator says why", func(t *testing.T) {
			_, err := w.Put(ctx, Answer{MemberID: b, Source: Operator, By: 7, Values: map[string]string{"city": "南京"}})
			is(t, err, "reason_missing")
		})
	})
}

func TestQuestionsComeOneAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d)
		w.reward("nickname", 5, "")
		a := w.member()
		next := func() string {
			t.Helper()
			q, err := w.Next(ctx, a)
			if err != nil {
				t.Fatal(err)
			}
			if q == nil {
				return ""
			}
			return fmt.Sprint(q.Name, q.Reward)
		}
		if got := next(); got != "nickname5" {
			t.Fatal(got)
		}
		if err := w.Skip(ctx, a, "nickname"); err != nil {
			t.Fatal(err)
		}
		if got := next(); got != "" {
			t.Fatal("asked again at once:", got)
		}
		clk.Advance(4 * 24 * time.Hour)
		if got := next(); got != "birthday0" {
			t.Fatal(got)
		}
		w.put(a, Self, "birthday", "1990-05-04", "gender", "女")
		if got := next(); got != "province0" {
			t.Fatal(got)
		}
		clk.Advance(27 * 24 * time.Hour)
		if got := next(); got != "nickname5" {
			t.Fatal("a skipped question never came back:", got)
		}
		w.put(a, Self, "nickname", "小李", "province", "浙江省", "city", "杭州", "household", "3")
		if got := next(); got != "" {
			t.Fatal("asked what is known:", got)
		}
		w.put(a, Self, "city", "")
		if got := next(); got != "" {
			t.Fatal("asked for what he took back:", got)
		}
		is(t, w.Skip(ctx, a, "shoe"), "profile_unknown")
	})
}

func TestAFieldKeepsItsMeaning(t *testing.T) {
	d := dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start))
	w := newTown(t, d)
	f := Field{Name: "taste", Title: "口味", Kind: Choices, Choices: []string{"辣", "甜"}, Active: true}
	if _, err := w.PutField(ctx, f); err != nil {
		t.Fatal(err)
	}
	a := w.member()
	w.put(a, Self, "taste", "甜，辣")
	if i := w.item(a, "taste"); i.Value != "辣、甜" {
		t.Fatalf("%+v", i)
	}
	f.Kind, f.Choices = Text, nil
	_, err := w.PutField(ctx, f)
	is(t, err, "profile_field_kind")
	for field, bad := range map[string]Field{
		"name":     {Name: "Taste", Title: "口味", Kind: Text},
		"choices":  {Name: "x", Title: "口味", Kind: Choice, Choices: []string{"一"}},
		"why":      {Name: "x", Title: "口味", Kind: Text, Question: "？"},
		"points":   {Name: "x", Title: "口味", Kind: Text, Points: 1001, BrandID: 1},
		"brand_id": {Name: "x", Title: "口味", Kind: Text, Points: 1},
	} {
		_, err := w.PutField(ctx, bad)
		is(t, err, "profile_field")
		if got := fault.Of(err).Detail["field"]; got != field {
			t.Errorf("%v is blamed, not %s", got, field)
		}
	}
}

func TestParse(t *testing.T) {
	fields := map[string]Field{}
	for _, f := range builtIn() {
		fields[f.Name] = f
	}
	for _, c := range []struct{ field, raw, want string }{
		{"gender", " 先生 ", "男"}, {"gender", "Female", "女"}, {"gender", "x", "!"}, {"province", "广西壮族自治区", "广西"}, {"province", "上海市", "上海"}, {"province", "加州", "!"},
		{"birthday", "1990/5/4", "1990-05-04"}, {"birthday", "1990年12月4日", "1990-12-04"}, {"birthday", "19900504", "1990-05-04"}, {"birthday", "1990-02-30", "!"},
		{"birthday", "2030-01-01", "!"}, {"birthday", "1888-01-01", "!"}, {"household", "3.0", "3"}, {"household", "-1", "!"}, {"city", " 杭 州\t市 ", "杭 州 市"}, {"city", "", ""}, {"city", "a\x00b", "!"},
	} {
		got, err := fields[c.field].Parse(c.raw, 20261121)
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s %q is %q, want %q", c.field, c.raw, got, c.want)
		}
	}
}
