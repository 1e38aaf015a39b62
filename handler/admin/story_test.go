package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/operator"
)

// named is what most answers share.
type named struct {
	ID         id.ID
	State      string
	SpendFen   int64    `json:"spend_fen"`
	HasSecrets []string `json:"has_secrets"`
	URL        string
	Password   string
	Parts      []struct{ Part int }
}

func TestStory(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk)
		root := s.as(t, "root", operator.Admin)
		must := func(t *testing.T, p *person, method, path, body string, header ...string) named {
			t.Helper()
			var n named
			p.do(method, path, body, header...).into(t, &n)
			return n
		}
		refused := func(t *testing.T, want string, p *person, method, path, body string, header ...string) answer {
			t.Helper()
			a := p.do(method, path, body, header...)
			if a.Error.Code != want || a.Error.Message == "" {
				t.Fatalf("want %s, got %d %s", want, a.Status, a.Raw)
			}
			return a
		}
		lines := func(t *testing.T, query string) []audit.Line {
			t.Helper()
			var l []audit.Line
			root.do("GET", "/audit?"+query, "").into(t, &l)
			return l
		}
		brand := must(t, root, "POST", "/brands", `{"slug":"laojing","name":"老井","code_host":"q.laojing.cn","upper_url":true}`)
		merchant := must(t, root, "PUT", "/brands/"+brand.ID.String()+"/accounts", `{"kind":"merchant","app_id":"1900000001","name":"商户号","callback_slug":"mch-1",
			"settings":{"rail":"transfer","pay_app_id":"wx1","send_name":"老井","serial_no":"S1","public_key_id":"PUB_KEY_ID_1"},
			"secrets":{"api_v3_key":"hunter2hunter2hunter2hunter2aaaa","private_key_pem":"hunter2-private","public_key_pem":"hunter2-public"}}`)
		product := must(t, root, "POST", "/products", `{"brand_id":"`+brand.ID.String()+`","gtin":"6901234567892","name":"老井啤酒","spec":"500ml","scan_points":5}`)
		ops := s.as(t, "ops-1", operator.Operations)

		t.Run("a secret goes in and never comes out", func(t *testing.T) {
			a := root.do("GET", "/accounts/"+merchant.ID.String(), "")
			all := root.do("GET", "/brands/"+brand.ID.String()+"/accounts", "")
			log := root.do("GET", "/audit?object=account", "")
			if strings.Contains(a.Raw+all.Raw+log.Raw, "hunter2") || len(merchant.HasSecrets) != 3 {
				t.Fatal(a.Raw, all.Raw, log.Raw)
			}
			if !strings.Contains(log.Raw, `"field":"secrets"`) {
				t.Fatal("the change of the secret is not in the audit", log.Raw)
			}
			var stored int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM replay").Scan(&stored).Error; err != nil || stored != 0 {
				t.Fatal(stored, err)
			}
		})
		t.Run("a repeated write with the same key is one write, one entry, one answer", func(t *testing.T) {
			in := `{"product_id":"` + product.ID.String() + `","count":1000,"name":"首批"}`
			first := ops.do("POST", "/batches", in, "Idempotency-Key", "batch-1")
			again := ops.do("POST", "/batches", in, "Idempotency-Key", "batch-1")
			if first.Status != 201 || again.Raw != first.Raw || again.Header.Get("Idempotency-Replayed") != "true" {
				t.Fatal(first.Raw, again.Raw)
			}
			if l := lines(t, "action=batch.create"); len(l) != 1 || l[0].Outcome != audit.Done || l[0].Actor != "ops-1" || l[0].ObjectID == 0 {
				t.Fatalf("%+v", l)
			}
			refused(t, "key_reused", ops, "POST", "/batches", strings.Replace(in, "1000", "2000", 1), "Idempotency-Key", "batch-1")
			if other := root.do("POST", "/batches", in, "Idempotency-Key", "batch-1"); other.Raw == first.Raw {
				t.Fatal("one operator's key answered another's")
			}
		})
		refused(t, "batch_needs_approval", ops, "POST", "/batches", `{"product_id":"`+product.ID.String()+`","count":1000,"name":"第二批"}`)
		more := s.as(t, "ops-2", operator.Operations)
		batch := must(t, more, "POST", "/batches", `{"product_id":"`+product.ID.String()+`","count":1000,"name":"第二批"}`)
		base := "/batches/" + batch.ID.String()

		t.Run("ranges are declared, refused with reasons, and listed", func(t *testing.T) {
			must(t, ops, "POST", base+"/ranges", `{"from_serial":1,"until_serial":1001,"state":"activated"}`)
			refused(t, "range_bounds", ops, "POST", base+"/ranges", `{"from_serial":1,"until_serial":5000,"state":"voided","reason":"x"}`)
			refused(t, "bad_field", ops, "POST", base+"/ranges", `{"from_serial":1,"until_serial":5,"state":"voided","effective_at":"tomorrow"}`)
			var all []json.RawMessage
			ops.do("GET", base+"/ranges", "").into(t, &all)
			if len(all) != 1 {
				t.Fatal(all)
			}
			if l := lines(t, "object=batch&outcome=range_bounds"); len(l) != 1 || l[0].ObjectID != batch.ID {
				t.Fatalf("a refused act is not in the audit: %+v", l)
			}
		})

		form := func(total int) string {
			return fmt.Sprintf(`{"brand_id":"%s","name":"开盖有喜","from_at":"2026-11-20T00:00:00+08:00","until_at":"2026-12-20T00:00:00+08:00","organiser":"老井啤酒有限公司",
				"rules":"扫码领红包，不关注也可领取。","wishing":"开盖有喜","account_id":"%s","cap_member_day":10,
				"tiers":[{"name":"一等奖","kind":"cash","winners":10,"min_fen":100,"max_fen":300,"total_fen":%d}],
				"scopes":[{"batch_id":"%s"}]}`, brand.ID, merchant.ID, total, batch.ID)
		}
		t.Run("operations writes a campaign, the approver publishes what he saw", func(t *testing.T) {
			boss := s.as(t, "boss-1", operator.Approver)
			draft := must(t, ops, "POST", "/campaigns", form(2000))
			path := "/campaigns/" + draft.ID.String()
			refused(t, "no_permission", ops, "POST", path+"/publish", `{"spend_fen":2000}`)
			refused(t, "no_permission", boss, "PUT", path, form(1000))
			seen := must(t, boss, "GET", path+"/preview", "")
			if seen.SpendFen != 2000 {
				t.Fatalf("%+v", seen)
			}
			must(t, ops, "PUT", path, form(1500)) // meanwhile
			refused(t, "spend_fen", boss, "POST", path+"/publish", `{}`)
			refused(t, "spend_changed", boss, "POST", path+"/publish", `{"spend_fen":2000}`)
			if x := must(t, boss, "POST", path+"/publish", `{"spend_fen":1500}`); x.State != "published" {
				t.Fatalf("%+v", x)
			}
			if x := must(t, boss, "POST", path+"/pause", ""); x.State != "paused" {
				t.Fatalf("%+v", x)
			}
			must(t, boss, "POST", path+"/resume", `{"reason":"检查完毕"}`)

			sealed := root.do("GET", path+"/draw", "")
			if !strings.Contains(sealed.Raw, `"seed_revealed":""`) {
				t.Fatal("the seed is out before the end", sealed.Raw)
			}
			refused(t, "seed_sealed", root, "GET", path+"/draw?batch_id="+batch.ID.String()+"&serial=1", "")
			refused(t, "reason", boss, "POST", path+"/end", `{"reason":" "}`)
			must(t, boss, "POST", path+"/end", `{"reason":"提前结束"}`)
			var won int
			for serial := 1; serial <= 1000; serial++ {
				var out struct {
					Prize struct {
						Tier struct{ Kind string }
					}
				}
				root.do("GET", fmt.Sprintf("%s/draw?batch_id=%s&serial=%d", path, batch.ID, serial), "").into(t, &out)
				if out.Prize.Tier.Kind == "cash" {
					won++
				}
			}
			if won != 10 {
				t.Fatalf("%d winners recomputed from the revealed seed", won)
			}
			l := lines(t, "object=campaign&object_id="+draft.ID.String()+"&action=campaign.end")
			done := l[0]
			if len(l) != 2 || done.Outcome != audit.Done || done.Reason != "提前结束" || !strings.Contains(fmt.Sprintf("%s", done.Changes), "ended") {
				t.Fatalf("%+v", l)
			}
			var trial struct{ Balanced bool }
			boss.do("GET", "/ledger/trial-balance", "").into(t, &trial)
			if !trial.Balanced {
				t.Fatal("the book does not balance")
			}
		})

		t.Run("a print file and its password go through two hands, and each download counts", func(t *testing.T) {
			boss := s.as(t, "boss-2", operator.Approver)
			x := must(t, ops, "POST", "/exports", `{"batch_id":"`+batch.ID.String()+`","from_serial":1,"until_serial":21,"kind":"csv"}`)
			path := "/exports/" + x.ID.String()
			refused(t, "part_unknown", ops, "POST", path+"/parts/1/ticket", "")
			refused(t, "export_not_ready", boss, "POST", path+"/password", "")
			if err := s.deps.Exports.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			refused(t, "no_permission", ops, "POST", path+"/password", "")
			refused(t, "no_permission", boss, "POST", path+"/parts/1/ticket", "")
			pass := must(t, boss, "POST", path+"/password", "")
			if len(pass.Password) < 16 {
				t.Fatal(pass)
			}
			refused(t, "password_shown", boss, "POST", path+"/password", "")
			if log := root.do("GET", "/audit?object=export", ""); strings.Contains(log.Raw, pass.Password) {
				t.Fatal("the password is in the audit")
			}

			refused(t, "ticket", ops, "GET", path+"/parts/1/file", "")
			link := must(t, ops, "POST", path+"/parts/1/ticket", "").URL
			refused(t, "ticket", root, "GET", link, "") // another's ticket
			refused(t, "ticket", ops, "GET", strings.Replace(link, "/parts/1/", "/parts/2/", 1), "")
			for range 3 {
				a := ops.do("GET", link, "")
				if a.Status != 200 || !strings.HasPrefix(a.Raw, "PK") || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
					t.Fatal(a.Status, a.Header)
				}
			}
			refused(t, "downloads_used", ops, "GET", link, "")
			if l := lines(t, "action=export.download"); len(l) != 3 || l[0].Actor != "ops-1" {
				t.Fatalf("%+v", l)
			}
			clk.Advance(2 * time.Minute)
			refused(t, "ticket", ops, "GET", link, "")
		})

		t.Run("keyword replies and operators are managed", func(t *testing.T) {
			path := "/accounts/" + merchant.ID.String() + "/keywords"
			k := must(t, ops, "PUT", path, `{"keyword":"红包","match_kind":"contains","reply":"请扫码领取"}`)
			if a := ops.do("DELETE", "/keywords/"+k.ID.String(), ""); a.Status != 200 {
				t.Fatal(a.Raw)
			}
			refused(t, "keyword_not_found", ops, "DELETE", "/keywords/"+k.ID.String(), "")
			o := must(t, root, "POST", "/operators", `{"login":"fin-1","name":"财务","password":"`+password+`","roles":["finance"]}`)
			refused(t, "password_common", root, "POST", "/operators/"+o.ID.String()+"/password", `{"password":"1234567890"}`)
			refused(t, "password_wrong", s.login(t, "fin-1"), "POST", "/me/password", `{"old_password":"nope","password":"`+password+`!"}`)
			if log := root.do("GET", "/audit?object=operator", ""); strings.Contains(log.Raw, "竹篮") {
				t.Fatal("a password is in the audit")
			}
		})

		t.Run("lists page by cursor and refuse nonsense", func(t *testing.T) {
			seen := map[string]bool{}
			next := ""
			for range 100 {
				a := root.do("GET", "/audit?limit=7&before="+next, "")
				var l []audit.Line
				a.into(t, &l)
				for _, x := range l {
					if seen[x.ID.String()] {
						t.Fatal("an entry came twice")
					}
					seen[x.ID.String()] = true
				}
				if next = a.Next; next == "" {
					break
				}
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM audit").Scan(&n).Error; err != nil || n != len(seen) {
				t.Fatal(n, len(seen), err)
			}
			for _, path := range []string{"/audit?limit=1000", "/audit?before=x", "/audit?from=yesterday", "/products?brand_id=-1", "/products", "/payouts?review=maybe"} {
				if a := root.do("GET", path, ""); a.Status != 400 {
					t.Error(path, a.Status, a.Raw)
				}
			}
			refused(t, "not_found", root, "GET", "/brands/abc", "")
			refused(t, "brand_not_found", root, "GET", "/brands/1", "")
			if a := root.do("GET", "/overview", ""); a.Status != 200 || !strings.Contains(a.Raw, `"outbox_waiting"`) {
				t.Fatal(a.Raw)
			}
		})
	})
}
