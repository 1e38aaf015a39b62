package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/reach"
	"siyu/model/segment"
	"siyu/model/tag"
	"siyu/wechat"
)

// TestTheDemoLooksBackOnThreeWeeks: the brand of the demo has people, scans, orders,
// leaders and segments to look at; its books hold, WeChat lets it write to whom the ledger
// names and to nobody else, and the next start adds nothing.
func TestTheDemoLooksBackOnThreeWeeks(t *testing.T) {
	w := raise(t, nil, &demoWorld{shelf: demoShelf(), looksBack: true})
	ctx, e := context.Background(), w.env
	people := func() (n int, days map[string]bool) {
		days = map[string]bool{}
		for before := id.ID(0); ; {
			list, err := e.Members.List(ctx, member.Filter{Before: before, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				days[m.CreatedAt.Local()[:10]], before, n = true, m.ID, n+1
			}
			if len(list) < 100 {
				return n, days
			}
		}
	}
	if n, days := people(); n != pastPeople || len(days) < pastDays-2 {
		t.Fatalf("%d people of %d on %d days", n, pastPeople, len(days))
	}

	brandID, office := w.demo.brand.ID.String(), w.office(t)
	var list []struct{ Name string }
	if office.call("GET", "/leaders?state=active&brand_id="+brandID, "", &list); len(list) != len(pastLeaders) {
		t.Errorf("%d leaders", len(list))
	}
	for _, typ := range []string{event.Scan, event.Claim, event.Order, event.Follow} {
		eventually(t, "the past's "+typ, func() bool {
			found, _, err := e.Events.Recent(ctx, w.demo.brand.ID, []string{typ}, w.clk.Now().Add(-(pastDays+2)*24*time.Hour), w.clk.Now(), 10)
			return err == nil && len(found) == 10
		})
	}
	eventually(t, "somebody owed commission", func() bool {
		var n int
		err := e.DB.Read(ctx).Raw("SELECT COUNT(DISTINCT earner_id) FROM commission_accrual WHERE brand_id = ?", w.demo.brand.ID).Scan(&n).Error
		return err == nil && n == len(pastLeaders)
	})
	eventually(t, "books that hold, with nothing under way", func() bool {
		broken := 0
		checks, err := e.Insight.Invariants(ctx, 0)
		for _, c := range checks {
			if !c.OK {
				broken++
			}
		}
		return err == nil && broken == 0
	})

	w.tagged(t, office)
	w.agrees(t)
	again := &demoWorld{shelf: demoShelf(), brand: w.demo.brand}
	if err := again.past(ctx, w.process); err != nil {
		t.Fatal(err)
	}
	if n, _ := people(); n != pastPeople {
		t.Errorf("%d people after the next start", n)
	}
}

// tagged looks at the demo's tags: each kind runs and has people, and says why they have it.
func (w *town) tagged(t *testing.T, office *client) {
	t.Helper()
	var list []tag.Tag
	office.call("GET", "/tags?state=running&brand_id="+w.demo.brand.ID.String(), "", &list)
	if len(list) != 3 {
		t.Fatalf("%d tags run", len(list))
	}
	for _, x := range list {
		var some []tag.Holder
		eventually(t, "people with the tag "+x.Name, func() bool {
			some = nil
			office.call("GET", "/tags/"+x.ID.String()+"/people", "", &some)
			return len(some) > 0
		})
		var held []struct {
			tag.Held
			Reasons []segment.Reason
		}
		office.call("GET", "/members/"+some[0].PersonID.String()+"/tags", "", &held)
		i := slices.IndexFunc(held, func(h struct {
			tag.Held
			Reasons []segment.Reason
		}) bool {
			return h.TagID == x.ID
		})
		if i < 0 || held[i].Why == "" || x.Kind == tag.Rule && (len(held[i].Reasons) != 1 || !strings.Contains(held[i].Reasons[0].Found, "扫码 ")) || x.Name == "最近扫码省份" && held[i].Said == nil {
			t.Errorf("%s: %+v", x.Name, held)
		}
	}
}

// agrees tries the ledger's word on WeChat's gate.
func (w *town) agrees(t *testing.T) {
	t.Helper()
	ctx, e := context.Background(), w.env
	acc, err := e.Brands.AccountByApp(ctx, brand.Official, demoOfficial)
	if err != nil {
		t.Fatal(err)
	}
	app, err := accounts{e.Brands, w.cfg.PublicURL}.AppOf(ctx, acc)
	if err != nil {
		t.Fatal(err)
	}
	var open []id.ID
	err = e.Reach.Opens(ctx, w.demo.brand.ID, func(channel string, people []id.ID) error {
		if channel == reach.Custom {
			open = append(open, people...)
		}
		return nil
	})
	if err != nil || len(open) == 0 {
		t.Fatalf("nobody may be written to: %v", err)
	}
	named := map[string]bool{}
	for _, m := range open {
		openID, err := e.Members.OpenID(ctx, m, demoOfficial)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.wechat.SendText(ctx, app, openID, "您好"); err != nil {
			t.Errorf("WeChat refused whom the ledger names: %v", err)
		}
		named[openID] = true
	}
	for _, name := range []string{"顾客004", "顾客005", "顾客006", "顾客007", "顾客008", "顾客009"} {
		openID := w.sim.OpenID(name, demoOfficial)
		if err := w.wechat.SendText(ctx, app, openID, "您好"); err == nil && !named[openID] {
			t.Errorf("%s was not named, and got it", name)
		} else if err != nil && wechat.ErrCode(err) == 0 {
			t.Error(err)
		}
	}
}
