package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
	"siyu/model/tally"
)

func (o *office) demoBrand(slug string) named {
	o.t.Helper()
	b := o.must("POST", "/brands", `{"slug":"`+slug+`","name":"演示牌","code_host":"`+slug+`.test"}`)
	if err := o.deps.Brands.MarkDemo(context.Background(), b.ID); err != nil {
		o.t.Fatal(err)
	}
	return b
}

func (o *office) homeKeyed() map[string]retry {
	brand, demo := "/brands/"+o.brand.ID.String(), o.demoBrand("demo2")
	return map[string]retry{
		"PUT /brands/:id/targets":       {brand + "/targets", `{"month":202611,"metric":"scans","amount":100}`, `{"month":202611,"metric":"scans","amount":101}`},
		"PUT /brands/:id/setup":         {brand + "/setup", `{"dismissed":true}`, `{"dismissed":false}`},
		"POST /brands/:id/archive-demo": {"/brands/" + demo.ID.String() + "/archive-demo", `{"name":"演示牌"}`, `{"name":"别的"}`},
	}
}

func (o *office) counted() {
	o.t.Helper()
	if _, err := tally.NewCounter(tally.New(o.d)).Run(context.Background()); err != nil {
		o.t.Fatal(err)
	}
}

func TestHome(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		of := "?brand_id=" + o.brand.ID.String()
		exec := func(stmt string, args ...any) {
			t.Helper()
			if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		exec(`INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at)
			VALUES (?,?,?,1,1,120004321,'',0,'genuine','上海市','上海','31.2,121.4','101.80.1.1','ua',?)`, d.NewID(), o.brand.ID, o.product.ID, clk.Now())
		exec("UPDATE payout SET review = 1 WHERE id = ?", o.pay.ID)
		clk.Advance(10 * time.Second)
		o.counted()
		t.Run("a scan is on the page", func(t *testing.T) {
			var home struct {
				Growth []struct {
					Key   string
					Today int64
					Days  []any
				}
				Regions []struct{ Province string }
				Targets []any
			}
			o.root.do("GET", "/home"+of, "").into(t, &home)
			if len(home.Growth) == 0 || home.Growth[0].Key != "scans" || home.Growth[0].Today != 1 || len(home.Growth[0].Days) != 30 || home.Regions[0].Province != "上海市" || home.Targets == nil {
				t.Fatalf("%+v", home)
			}
		})
		t.Run("what just happened shows nobody's number, address or exact place", func(t *testing.T) {
			a := o.root.do("GET", "/home/recent"+of, "")
			if !strings.Contains(a.Raw, `"who":"004321"`) || !strings.Contains(a.Raw, "老井啤酒") {
				t.Fatal(a.Raw)
			}
			for _, secret := range []string{"120004321", "101.80", "31.2", "o1"} {
				if strings.Contains(a.Raw, secret) {
					t.Errorf("%s in %s", secret, a.Raw)
				}
			}
		})
		t.Run("money of running campaigns says what is left", func(t *testing.T) {
			var money struct {
				Flows     []struct{ Key string }
				Campaigns []struct {
					ID       string
					SpendFen int64 `json:"spend_fen"`
					LeftFen  int64 `json:"left_fen"`
				}
			}
			o.root.do("GET", "/home/money"+of, "").into(t, &money)
			if len(money.Flows) != 5 || len(money.Campaigns) != 3 || money.Campaigns[0].SpendFen != 1000 || money.Campaigns[0].LeftFen != 1000 {
				t.Fatalf("%+v", money)
			}
			exec("UPDATE campaign SET spend_fen = 0 WHERE id = ?", money.Campaigns[0].ID)
			if o.root.do("GET", "/home/money"+of, "").into(t, &money); len(money.Campaigns) != 2 {
				t.Errorf("a campaign that pays no cash among those with a budget: %+v", money.Campaigns)
			}
		})
		t.Run("everybody sees what he may do something about", func(t *testing.T) {
			kinds := func(p *person) string {
				var w struct{ Items []struct{ Kind string } }
				p.do("GET", "/home/waiting"+of, "").into(t, &w)
				out := ""
				for _, x := range w.Items {
					out += x.Kind + " "
				}
				return out
			}
			if got := kinds(o.as(t, "cash", operator.Finance)); !strings.Contains(got, "payout_review") {
				t.Error("finance:", got)
			}
			if got := kinds(o.as(t, "looks", operator.Analyst)); strings.Contains(got, "payout_review") {
				t.Error("analyst:", got)
			}
		})
		t.Run("first steps are facts and can be put away", func(t *testing.T) {
			var s struct {
				Steps []struct {
					Key  string
					Done bool
				}
				DismissedAt *string `json:"dismissed_at"`
				Clearable   bool
			}
			o.root.do("GET", "/home/setup"+of, "").into(t, &s)
			done := map[string]bool{}
			for _, x := range s.Steps {
				done[x.Key] = x.Done
			}
			if done["official"] || !done["merchant"] || !done["product"] || !done["batch"] || done["activate"] || !done["campaign"] || !done["scan"] || s.DismissedAt != nil || s.Clearable {
				t.Fatalf("%+v", s)
			}
			o.root.do("PUT", "/brands/"+o.brand.ID.String()+"/setup", `{"dismissed":true}`).into(t, &s)
			if s.DismissedAt == nil {
				t.Fatal("still there")
			}
		})
		t.Run("without a brand there is no page", func(t *testing.T) {
			for _, path := range []string{"/home", "/home/money", "/home/waiting", "/home/recent", "/home/setup"} {
				if a := o.root.do("GET", path, ""); a.Status != 400 || a.Error.Code != "brand_id" {
					t.Errorf("%s: %s", path, a.Raw)
				}
			}
		})
	})
}

func TestClearingTheDemo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		clear := func(b named, name string) answer {
			return o.root.do("POST", "/brands/"+b.ID.String()+"/archive-demo", `{"name":"`+name+`"}`)
		}
		t.Run("a brand of people's is never cleared", func(t *testing.T) {
			if a := clear(o.brand, "老井"); a.Status != 409 || a.Error.Code != "brand_not_demo" {
				t.Fatal(a.Raw)
			}
		})
		if err := o.deps.Brands.MarkDemo(context.Background(), o.brand.ID); err != nil {
			t.Fatal(err)
		}
		t.Run("its name must be typed", func(t *testing.T) {
			if a := clear(o.brand, "老"); a.Status != 400 || a.Error.Code != "typed_name" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("its campaigns end, no list shows it, the book stays", func(t *testing.T) {
			entries := o.count("ledger_entry")
			clear(o.brand, "老井").into(t, &struct{}{})
			var brands []named
			o.root.do("GET", "/brands", "").into(t, &brands)
			if len(brands) != 0 {
				t.Error(brands)
			}
			var c struct{ State string }
			for _, k := range []named{o.live, o.paused} {
				o.root.do("GET", "/campaigns/"+k.ID.String(), "").into(t, &c)
				if c.State != "ended" {
					t.Error(c)
				}
			}
			if n := o.count("ledger_entry"); n <= entries { // budgets were given back on top
				t.Errorf("%d entries, %d before", n, entries)
			}
		})
	})
}
