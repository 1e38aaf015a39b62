package commission

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/fault"
)

func TestWhatIsUnlawfulIsRefusedWithItsReason(t *testing.T) {
	for text, law := range map[string]string{
		"share": "诱导分享", "Forward": "诱导分享", "分享": "诱导分享", "follow": "诱导关注", "subscribe": "诱导关注", "关注": "诱导关注",
		"head_count": "第七条第（一）项", "headCount": "第七条第（一）项", "HEAD-COUNT": "第七条第（一）项", "bind": "第七条第（一）项", "register": "第七条第（一）项", "invite": "第七条第（一）项", "拉新": "第七条第（一）项",
		"team_sales": "第七条第（三）项", "teamSales": "第七条第（三）项", "团队业绩": "第七条第（三）项",
		"entry_fee": "第七条第（二）项", "加盟费": "第七条第（二）项",
	} {
		_, err := ParseTrigger(text)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid || f.Code != "commission_unlawful" || !strings.Contains(f.Text, law) || f.Detail["field"] != "trigger" {
			t.Errorf("%s: %v", text, err)
		}
	}
	for word, why := range unlawfulTriggers {
		if !strings.Contains(why, "《禁止传销条例》第七条") && !strings.Contains(why, "微信外部链接内容管理规范") {
			t.Errorf("%s is refused without a rule: %s", word, why)
		}
	}
	if _, err := ParseTrigger("moonlight"); fault.Of(err) == nil || fault.Of(err).Code != "commission_trigger" {
		t.Error(err)
	}
}

// Both types have two values and no more: every value there can be is one of the two.
func TestAThirdLevelCannotBeWrittenDown(t *testing.T) {
	for _, l := range []Level{Level(false), Level(true)} {
		if l != One && l != Two {
			t.Errorf("a level beside one and two: %v", l)
		}
	}
	for _, text := range []string{"three", "3", "4", "two and a half", "", "zero", "Three", "-1", "99999999999999999999"} {
		_, err := ParseLevel(text)
		if f := fault.Of(err); f == nil || f.Code != "commission_unlawful" || !strings.Contains(f.Text, "《禁止传销条例》第七条") {
			t.Errorf("%q: %v", text, err)
		}
		var l Level
		if json.Unmarshal([]byte(`"`+text+`"`), &l) == nil {
			t.Errorf("%q was read from JSON", text)
		}
	}
	for _, v := range []any{int64(3), int64(0), []byte("3"), "two", nil, 1.5} {
		var l Level
		if l.Scan(v) == nil {
			t.Errorf("%v was read from a row", v)
		}
	}
	for l, depth := range map[Level]int64{One: 1, Two: 2} {
		v, _ := l.Value()
		var back Level
		if v != depth || back.Scan(v) != nil || back != l {
			t.Errorf("%v is kept as %v and read as %v", l, v, back)
		}
	}
}

func TestTermsAreChecked(t *testing.T) {
	if err := perClaim(100).check(); err != nil {
		t.Fatal(err)
	}
	if err := perOrder(500).check(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Terms){
		"name":             func(x *Terms) { x.Name = "" },
		"pay":              func(x *Terms) { x.Pay = "gold" },
		"each":             func(x *Terms) { x.Each = 100 }, // and a share
		"share_bp":         func(x *Terms) { x.Trigger = OnClaim },
		"ceiling":          func(x *Terms) { x.Ceiling = 0 },
		"cap_per_cycle":    func(x *Terms) { x.CapPerDay, x.CapPerCycle = 100, 99 },
		"product_ids":      func(x *Terms) { x.ProductIDs = append(x.ProductIDs, 0) },
		"roles":            func(x *Terms) { x.Roles = []string{"agent"} },
		"min_leader_level": func(x *Terms) { x.MinLeaderLevel = -1 },
		"freeze_days":      func(x *Terms) { x.FreezeDays = 6 },
		"valid_until":      func(x *Terms) { x.ValidFrom, x.ValidUntil = 10, 10 },
		"budget_fen":       func(x *Terms) { x.BudgetFen = 0 },
	} {
		x := perOrder(500)
		change(&x)
		if f := fault.Of(x.check()); f == nil || f.Code != "commission_rule" || f.Detail["field"] != field {
			t.Errorf("%s: %v", field, f)
		}
	}
}

func TestRules(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *world) {
		t.Run("two levels come into force only with an opinion on that very version", func(t *testing.T) {
			levelled := perClaim(50)
			levelled.Roles, levelled.MinLeaderLevel = []string{"leader"}, 2
			r, err := w.s.Create(ctx, brandA, levelled, 1)
			w.must(err)
			if _, err := w.s.Activate(ctx, r.ID, 1, 1); fault.Of(err) == nil || fault.Of(err).Code != "commission_signoff_needed" {
				t.Fatal("pay by the level of a leader without an opinion", err)
			}
			two := perClaim(50)
			two.Level = Two
			r, err = w.s.Create(ctx, brandA, two, 1)
			w.must(err)
			if _, err := w.s.Activate(ctx, r.ID, 1, 1); fault.Of(err) == nil || fault.Of(err).Code != "commission_signoff_needed" {
				t.Fatal(err)
			}
			opinion := SignOff{RuleID: r.ID, Version: 1, Signer: "王律师", Title: "法律意见", Number: "1", SignedOn: clock.DayOf(w.clk.Now()), ByID: 9}
			for _, bad := range []SignOff{{RuleID: r.ID, Version: 1}, func() SignOff { x := opinion; x.SignedOn = x.SignedOn.AddDays(1); return x }(), func() SignOff { x := opinion; x.SignedOn = 20260231; return x }()} {
				if _, err := w.s.Record(ctx, bad); fault.Of(err) == nil || fault.Of(err).Code != "commission_signoff" {
					t.Fatal(err)
				}
			}
			_, err = w.s.Record(ctx, opinion)
			w.must(err)
			two.Each = 60
			_, err = w.s.Revise(ctx, r.ID, 1, two, 1)
			w.must(err)
			if _, err := w.s.Activate(ctx, r.ID, 2, 1); fault.Of(err) == nil || fault.Of(err).Code != "commission_signoff_needed" {
				t.Fatal("the lawyer had read another text", err)
			}
			opinion.Version = 2
			_, err = w.s.Record(ctx, opinion)
			w.must(err)
			if r, err = w.s.Activate(ctx, r.ID, 2, 1); err != nil || r.State != Active || r.ActiveVersion != 2 {
				t.Fatal(r, err)
			}
			if _, opinions, _ := w.s.Versions(ctx, r.ID); len(opinions) != 2 {
				t.Fatal(opinions)
			}
		})
		t.Run("a change is a version, and an accrual keeps its own", func(t *testing.T) {
			w.bind(11, 10, "member", w.clk.Now())
			w.clk.Advance(1000)
			r := w.active(perClaim(100))
			w.consume(claimEvent(1, 11, beer, w.clk.Now()))
			next := perClaim(300)
			_, err := w.s.Revise(ctx, r.ID, 1, next, 1)
			w.must(err)
			w.consume(claimEvent(2, 11, beer, w.clk.Now()))
			if _, err := w.s.Revise(ctx, r.ID, 1, next, 1); fault.Of(err) == nil || fault.Of(err).Code != "commission_rule_changed" {
				t.Fatal(err)
			}
			_, err = w.s.Activate(ctx, r.ID, 2, 1)
			w.must(err)
			before := w.clk.Now() - 1
			w.clk.Advance(1_000_000)
			w.consume(claimEvent(3, 11, beer, w.clk.Now()), claimEvent(4, 11, beer, before))
			want := map[string][2]int64{"claim:1": {1, 100}, "claim:2": {1, 100}, "claim:3": {2, 300}, "claim:4": {1, 100}}
			for _, a := range w.all() {
				if got := [2]int64{int64(a.Version), a.Amount}; got != want[a.FactKey] {
					t.Errorf("%s: version and amount %v, want %v", a.FactKey, got, want[a.FactKey])
				}
			}
			other := next
			other.Pay, other.BudgetFen = Points, 0
			if _, err := w.s.Revise(ctx, r.ID, 2, other, 1); fault.Of(err) == nil || fault.Of(err).Code != "commission_rule" {
				t.Fatal(err)
			}
			_, err = w.s.End(ctx, r.ID)
			w.must(err)
			w.clk.Advance(1_000_000)
			w.consume(claimEvent(5, 11, beer, w.clk.Now()))
			if n := len(w.all()); n != 4 {
				t.Fatalf("an ended rule accrued: %d", n)
			}
			if _, err := w.s.End(ctx, r.ID); fault.Of(err) == nil || fault.Of(err).Code != "commission_rule_ended" {
				t.Fatal(err)
			}
		})
	})
}

func TestNoRuleIsNamedByWhatMayNotPay(t *testing.T) {
	x := perOrder(500)
	x.Name = "拉3人奖50元"
	if f := fault.Of(x.check()); f == nil || f.Code != "unlawful_words" {
		t.Error(f)
	}
}
