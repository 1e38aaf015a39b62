package crm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/profile"
)

const head = "手机号,客户编号,昵称,生日,性别,积分,是否同意接收营销\n"

func TestImport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newDesk(t, d, clk)
		// Somebody who is here already, with two keys that the file knows of apart.
		open, err := w.People.Resolve(ctx, identity.Login{AppID: "wxapp", OpenID: "o1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.People.Link(ctx, open, identity.Key{Kind: identity.Phone, Value: w.phoneHash(mobile(1))}, identity.Evidence{Event: identity.PhoneVerified, Channel: "mini"}); err != nil {
			t.Fatal(err)
		}
		w.keep(mobile(1))
		here, err := w.Members.Of(ctx, open)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Profiles.Put(ctx, profile.Answer{MemberID: here.ID, Source: profile.Self, Values: map[string]string{"nickname": "本人"}}); err != nil {
			t.Fatal(err)
		}
		lived := w.world()

		file := head +
			mobile(1) + ",A1,老王,1980-01-02,男,0,是\n" + // recognised by his phone
			mobile(2) + ",A2,小李,1990/5/4,女,120,否\n" + // new
			"+86 " + mobile(2) + ",A3,小李子,,,,\n" + // the same new one, a second number
			",A2,,,,,是\n" + // and again
			mobile(1) + ",A2,两个人,,,,\n" + // his phone, her number
			"\n" + // an empty line counts in Excel
			"12345,=A5,坏,1990-13-01,x,-3,也许\n" +
			",,没有编号,,,,\n" +
			mobile(4) + ",A9,小朋友,2015-06-01,,,\n" +
			"\"" + mobile(5) + "\",\"A\n10\",,,,,\n" +
			mobile(6) + ",A11,\"引号\"坏了,,,,\n" +
			mobile(7) + ",A12,最后,,,5,\n"
		i := w.load(file)
		if got := counts(i); got != "new 2 old 3 conflict 1 bad 5 of 11" {
			t.Fatal(got)
		}
		want := `行号,列名,原值,原因
6,,,这些编号属于不同的人，已转人工审核
8,手机号,1***,手机号格式不对，请填写 11 位手机号，或以 + 和国家代码开头的号码
8,生日,1990-13-01,生日应为过去的日期，例如 1990-05-04
8,性别,x,性别应为：男、女、不便透露
8,积分,'-3,积分应为 0 到 10000000 的整数
8,是否同意接收营销,也许,应为 是 或 否
9,,,没有可识别的编号
10,生日,2015-06-01,未满 14 周岁的儿童信息须由监护人同意，我们不收集，请勿填写
11,,,CRM 客户编号格式不对
12,,,引号不配对，无法分列
`
		if got := w.errors(i); got != want {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
		p2 := w.person(identity.CRM, "天猫2019", "A2")
		if p2 == 0 || p2 != w.person(identity.Phone, "", w.phoneHash(mobile(2))) || p2 != w.person(identity.CRM, "天猫2019", "A3") {
			t.Fatal("rows of one human are not one person")
		}
		if w.person(identity.CRM, "天猫2019", "A1") != open {
			t.Fatal("an old customer was not recognised by his phone")
		}
		m2, err := w.Members.Of(ctx, p2)
		if err != nil {
			t.Fatal(err)
		}
		pr, err := w.Profiles.Of(ctx, m2.ID)
		if err != nil || pr.Items[0].Value != "小李" && pr.Items[0].Value != "小李子" || pr.Origin == nil || pr.Origin.Channel != profile.FromCRM || pr.Origin.Scene != "天猫2019" {
			t.Fatalf("%+v %v", pr, err)
		}
		if pr, err := w.Profiles.Of(ctx, here.ID); err != nil || pr.Items[0].Value != "本人" || len(pr.Items[0].Conflicts) != 1 {
			t.Fatalf("a file overrode the person: %+v %v", pr.Items[0], err)
		}
		if n, err := w.Points.Balance(ctx, m2.ID); err != nil || n != 120 {
			t.Fatal(n, err)
		}
		for _, m := range []id.ID{here.ID, m2.ID} {
			if got, err := w.Consents.Given(ctx, m, consent.Marketing); err != nil || !got {
				t.Fatal(m, got, err)
			}
		}
		if n := w.number("SELECT COUNT(*) FROM identity_review WHERE state = 'open' AND ref_id = ?", i.ID); n != 1 {
			t.Fatal(n, "reviews")
		}

		i = w.do(w.Undo, i)
		// Her points stand in the ledger for ever, so her account keeps an owner; so does he
		// of the last row.
		if i.State != Undone || i.KeptRows != 2 {
			t.Fatalf("%+v", i)
		}
		if n, err := w.Points.Balance(ctx, m2.ID); err != nil || n != 0 {
			t.Fatal(n, err)
		}
		if got, err := w.Consents.Given(ctx, here.ID, consent.Marketing); err != nil || got {
			t.Fatal("the agreement of a file that was taken back still counts", err)
		}
		kept := w.world()
		for _, p := range []id.ID{p2, id.ID(w.number("SELECT person_id FROM crm_row WHERE import_id = ? AND outcome = 'kept' AND person_id <> ?", i.ID, p2))} {
			m, err := w.Members.Of(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			kept = strings.ReplaceAll(strings.ReplaceAll(kept, fmt.Sprintf("{%d 0  }\n", p), ""), fmt.Sprintf("{%d %d active }\n", m.ID, p), "")
		}
		if kept != lived {
			t.Fatalf("before\n%s\nafter, but for those kept\n%s", lived, kept)
		}
	})
}

// hundred makes a file of n rows, every hundredth of them bad, and the error file that
// must come of it.
func hundred(n int) (file, problems string) {
	var f, p strings.Builder
	f.WriteString("手机号,客户编号,昵称,生日,城市\n")
	p.WriteString("行号,列名,原值,原因\n")
	for i := range n {
		if i%100 == 37 {
			fmt.Fprintf(&f, "%s,C%d,客户%d,1990-02-31,杭州\n", mobile(i), i, i)
			fmt.Fprintf(&p, "%d,生日,1990-02-31,生日应为过去的日期，例如 1990-05-04\n", i+2)
			continue
		}
		fmt.Fprintf(&f, "%s,C%d,客户%d,19%02d-05-04,杭州\n", mobile(i), i, i, 50+i%50)
	}
	return f.String(), p.String()
}

func TestAHundredThousandRows(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	w := newDesk(t, dbtest.Open(t, dbtest.Engines()[len(dbtest.Engines())-1], clk), clk)
	const rows, bad, good = 100_000, 1_000, 99_000
	want := fmt.Sprintf("new %d old 0 conflict 0 bad %d of %d", good, bad, rows)
	file, problems := hundred(rows)
	empty := w.world()
	i := w.receive(file)
	killed := 0
	w.step = func(where string) error { // seven deaths, wherever the worker is
		if killed < 7 && rand.IntN(12) == 0 {
			killed++
			return errKilled
		}
		return nil
	}
	killed = 6 // a dry run begins anew
	i = w.do(w.Check, i)
	if got := counts(i); got != want || i.TotalRows != rows {
		t.Fatal(got)
	}
	if w.errors(i) != problems {
		t.Fatal("the error file of the dry run is not exact")
	}
	killed = 0
	i = w.do(w.Start, i)
	if got := counts(i); got != want || i.State != Done {
		t.Fatal(got, i.State)
	}
	if w.errors(i) != problems {
		t.Fatal("the error file is not exact")
	}
	for q, want := range map[string]int64{"person": good, "member": good, "identity_key": 2 * good, "phone": good, "profile_value": 3 * good,
		"profile_origin": good, "crm_row": good} {
		if n := w.number("SELECT COUNT(*) FROM " + q); n != want {
			t.Errorf("%d rows in %s, want %d", n, q, want)
		}
	}
	killed = 0
	if i = w.do(w.Undo, i); i.State != Undone || i.KeptRows != 0 {
		t.Fatalf("%+v", i)
	}
	if now := w.world(); now != empty {
		t.Fatalf("undone, but not clean: %.600s", now)
	}
}

// Whoever dies, wherever, leaves the same world as nobody's dying.
func TestAWorkerThatDiesAnywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newDesk(t, d, clk)
		w.page = 40
		file, problems := hundred(400)
		file += mobile(3) + ",C3,又来了,,\n" // a human of an early page
		empty := w.world()
		r := rand.New(rand.NewPCG(1, 2))
		w.step = func(where string) error {
			// A dry run begins anew each time, so one that dies at every third step never ends.
			if r.IntN(3) == 0 && (where != "checked" || r.IntN(6) == 0) {
				return errKilled
			}
			return nil
		}
		for round := range 2 {
			i := w.load(file)
			if got := counts(i); got != "new 396 old 1 conflict 0 bad 4 of 401" || w.errors(i) != problems {
				t.Fatal(round, got)
			}
			if n := w.number("SELECT COUNT(*) FROM profile_value"); n != 396*3+1 {
				t.Fatal(n, "values: a row was done twice, or not")
			}
			if i = w.do(w.Undo, i); i.State != Undone || i.KeptRows != 0 {
				t.Fatalf("%+v", i)
			}
			if now := w.world(); now != empty {
				t.Fatalf("round %d: %s", round, now)
			}
		}
	})
}

// The old customer comes back: he verifies the phone that the file had of him.
func TestWhoCameBackStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newDesk(t, d, clk)
		i := w.load("手机号,客户编号,城市,积分\n" + mobile(1) + ",A1,杭州,\n" + mobile(2) + ",A2,宁波,\n")
		old := w.person(identity.CRM, "天猫2019", "A1")
		mini, err := w.People.Resolve(ctx, identity.Login{AppID: "wxmini", OpenID: "m1", UnionID: "u1"})
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Members.Of(ctx, mini)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Consents.Put(ctx, consent.Consent{MemberID: m.ID, Purpose: consent.CRMMatch, Given: true, Channel: consent.Mini}); err != nil {
			t.Fatal(err)
		}
		out, err := w.People.Link(ctx, mini, identity.Key{Kind: identity.Phone, Value: w.phoneHash(mobile(1))},
			identity.Evidence{Event: identity.PhoneVerified, Channel: "mini", ConsentID: 1})
		if err != nil || out.State != identity.Joined {
			t.Fatalf("%+v %v", out, err)
		}
		family, err := w.People.Family(ctx, mini)
		if err != nil || len(family) != 2 {
			t.Fatal(family, err)
		}
		pr, err := w.Profiles.Of(ctx, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		city := ""
		for _, item := range pr.Items {
			if item.Field.Name == "city" {
				city = item.Value
			}
		}
		if city != "杭州" {
			t.Fatal("what the file knew of him is not known of him:", city)
		}
		i = w.do(w.Undo, i)
		if i.State != Undone || i.KeptRows != 1 {
			t.Fatalf("%+v", i)
		}
		if w.person(identity.Phone, "", w.phoneHash(mobile(1))) != old {
			t.Error("a phone that its owner has verified since went with the file")
		}
		if w.person(identity.CRM, "天猫2019", "A1") != 0 || w.person(identity.Phone, "", w.phoneHash(mobile(2))) != 0 {
			t.Error("keys that only the file knew are still there")
		}
		if n := w.number("SELECT COUNT(*) FROM person"); n != 2 {
			t.Error(n, "persons")
		}
		if n := w.number("SELECT COUNT(*) FROM profile_value"); n != 0 {
			t.Error(n, "values of a file that was taken back")
		}
	})
}

func TestOperatorsCanHoldAndEndARun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newDesk(t, d, clk)
		w.page = 10
		file, _ := hundred(100)
		empty := w.world()
		i := w.receive(file)
		_, err := w.Start(ctx, i.ID)
		is(t, err, "import_state") // nobody has seen what it would do
		i = w.do(w.Check, i)
		pages := 0
		w.step = func(where string) error {
			if where == "after page" {
				if pages++; pages == 3 {
					if _, err := w.Pause(ctx, i.ID); err != nil {
						t.Error(err)
					}
				}
			}
			return nil
		}
		if i = w.do(w.Start, i); i.State != Paused || i.DoneRows != 30 {
			t.Fatalf("%+v", i)
		}
		_, err = w.SetMapping(ctx, i.ID, i.Mapping)
		is(t, err, "import_state")
		clk.Advance(time.Hour)
		pages = -100
		if i = w.do(w.Start, i); i.State != Done || counts(i) != "new 99 old 0 conflict 0 bad 1 of 100" {
			t.Fatalf("%+v", i)
		}
		_, err = w.Cancel(ctx, i.ID)
		is(t, err, "import_state")

		j := w.receive(strings.ReplaceAll(file, "138", "139"))
		j = w.do(w.Check, j)
		w.step = func(where string) error {
			if where == "after page" {
				_, err := w.Cancel(ctx, j.ID)
				return err
			}
			return nil
		}
		if j = w.do(w.Start, j); j.State != Cancelled || j.DoneRows != 10 {
			t.Fatalf("%+v", j)
		}
		w.step = func(string) error { return nil }
		for _, x := range []Import{j, i} {
			if x = w.do(w.Undo, x); x.State != Undone || x.KeptRows != 0 {
				t.Fatalf("%+v", x)
			}
		}
		if now := w.world(); now != empty {
			t.Fatal(now)
		}
		is(t, w.busy(t), "import_busy")
		clk.Advance(KeepFor + time.Hour)
		if n, err := w.Prune(ctx, 100); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if n := w.number("SELECT COUNT(*) FROM crm_file WHERE import_id IN (?, ?)", i.ID, j.ID); n != 0 {
			t.Fatal(n, "pieces are kept")
		}
	})
}

// busy tries to work on an import that another worker holds.
func (w *desk) busy(t *testing.T) error {
	t.Helper()
	i := w.receive("手机号\n" + mobile(1) + "\n")
	if _, err := w.Check(ctx, i.ID); err != nil {
		t.Fatal(err)
	}
	w.step = func(string) error { return errKilled }
	if err := w.Work(ctx, i.ID); err == nil {
		t.Fatal("it lived")
	}
	w.step = func(string) error { return nil }
	return w.Work(ctx, i.ID)
}
