package admin_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/handler/admin"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
	"siyu/model/redpacket"
)

// retry is one write and what to send: body first and again, other the third time.
type retry struct{ path, body, other string }

// exempt is a route whose input or answer is a secret and so may not be kept. again is
// what a second, equal call gets instead: the code of a fault, or "" for success.
type exempt struct{ name, path, body, again string }

// office is a back office with one of everything.
type office struct {
	*site
	t                                                *testing.T
	root                                             *person
	brand, merchant, product, batch, operator        named
	draft, live, paused, ending, waiting, ready, pay named
	keyword, corp                                    named
}

func (o *office) must(method, path, body string) named {
	o.t.Helper()
	var n named
	o.root.do(method, path, body).into(o.t, &n)
	return n
}

func (o *office) newBatch() named {
	o.t.Helper()
	// By a program: one person makes only so many in a day.
	b, err := o.deps.Codes.CreateBatch(context.Background(), code.Batch{BrandID: o.brand.ID, ProductID: o.product.ID, Count: 100, Name: "批次"})
	if err != nil {
		o.t.Fatal(err)
	}
	return named{ID: b.ID}
}

func (o *office) form(name string, batch named) string {
	return fmt.Sprintf(`{"brand_id":"%s","name":"%s","from_at":"2026-11-20T00:00:00+08:00","until_at":"2026-12-20T00:00:00+08:00","organiser":"老井啤酒有限公司",
		"rules":"扫码领红包，不关注也可领取。","account_id":"%s","tiers":[{"name":"红包","kind":"cash","winners":10,"min_fen":100,"max_fen":100}],
		"scopes":[{"batch_id":"%s"}]}`, o.brand.ID, name, o.merchant.ID, batch.ID)
}

func (o *office) campaign(steps ...string) named {
	o.t.Helper()
	c := o.must("POST", "/campaigns", o.form("活动", o.newBatch()))
	for _, s := range steps {
		o.must("POST", "/campaigns/"+c.ID.String()+"/"+s, map[string]string{"publish": `{"spend_fen":1000}`}[s])
	}
	return c
}

func newOffice(t *testing.T, d *db.DB, clk *clock.Fake) *office {
	ctx := context.Background()
	o := &office{site: newSite(t, d, clk), t: t}
	o.root = o.as(t, "root", operator.Admin)
	o.brand = o.must("POST", "/brands", `{"slug":"laojing","name":"老井","code_host":"q.laojing.cn"}`)
	o.merchant = o.must("PUT", "/brands/"+o.brand.ID.String()+"/accounts", merchantBody)
	o.product = o.must("POST", "/products", `{"brand_id":"`+o.brand.ID.String()+`","gtin":"6901234567892","name":"老井啤酒"}`)
	o.batch = o.newBatch()
	o.operator = o.must("POST", "/operators", `{"login":"fin-1","name":"财务","password":"`+password+`","roles":["finance"]}`)
	o.keyword = o.must("PUT", "/accounts/"+o.merchant.ID.String()+"/keywords", `{"keyword":"旧","reply":"x"}`)
	o.corp = o.must("PUT", "/brands/"+o.brand.ID.String()+"/accounts", corpAccount)
	o.draft, o.live, o.paused, o.ending = o.campaign(), o.campaign("publish"), o.campaign("publish", "pause"), o.campaign("publish")
	csv := `{"batch_id":"` + o.batch.ID.String() + `","from_serial":1,"until_serial":21,"kind":"csv"}`
	o.waiting, o.ready = o.must("POST", "/exports", csv), o.must("POST", "/exports", csv)
	if err := o.deps.Exports.Run(ctx, o.ready.ID); err != nil {
		t.Fatal(err)
	}
	account, err := o.deps.Brands.Account(ctx, o.merchant.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.InTx(ctx, func(tx *gorm.DB) error {
		return o.deps.Packets.PromiseAllTx(ctx, tx, []redpacket.Order{{ClaimID: 1, BrandID: o.brand.ID, CampaignID: o.live.ID, MemberID: 1, Account: account, OpenID: "o1", AmountFen: 100}})
	}); err != nil {
		t.Fatal(err)
	}
	p, err := o.deps.Packets.OfClaim(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	o.pay.ID = p.ID
	return o
}

const merchantBody = `{"kind":"merchant","app_id":"1900000001","name":"商户号","callback_slug":"mch-1",
	"settings":{"rail":"transfer","pay_app_id":"wx1","send_name":"老井","serial_no":"S1","public_key_id":"PUB_KEY_ID_1"},
	"secrets":{"api_v3_key":"hunter2hunter2hunter2hunter2aaaa","private_key_pem":"private","public_key_pem":"public"}}`

// keyed are the routes that remember; the key of the map is the line of the table.
func (o *office) keyed() map[string]retry {
	of := func(kind string, n named, tail string) string { return "/" + kind + "/" + n.ID.String() + tail }
	return map[string]retry{
		"POST /brands":               {"/brands", `{"slug":"b2","name":"二","code_host":"b2.cn"}`, `{"slug":"b3","name":"三","code_host":"b3.cn"}`},
		"PUT /brands/:id":            {of("brands", o.brand, ""), `{"slug":"laojing","name":"新","code_host":"q.laojing.cn"}`, `{"slug":"laojing","name":"更新","code_host":"q.laojing.cn"}`},
		"POST /brands/:id/keys":      {of("brands", o.brand, "/keys"), `{"reason":"a"}`, `{"reason":"b"}`},
		"PUT /accounts/:id/keywords": {of("accounts", o.merchant, "/keywords"), `{"keyword":"红包","reply":"扫码"}`, `{"keyword":"积分","reply":"扫码"}`},
		"DELETE /keywords/:id":       {of("keywords", o.keyword, ""), ``, `{}`},
		"POST /accounts/:id/sync":    {of("accounts", o.corp, "/sync"), `{"kind":"chats"}`, `{"kind":"contacts"}`},
		"POST /products":             {"/products", `{"brand_id":"` + o.brand.ID.String() + `","gtin":"6901234567885","name":"甲"}`, `{"brand_id":"` + o.brand.ID.String() + `","gtin":"6901234567878","name":"乙"}`},
		"PUT /products/:id":          {of("products", o.product, ""), `{"brand_id":"` + o.brand.ID.String() + `","gtin":"6901234567892","name":"甲"}`, `{"name":"乙"}`},
		"POST /batches":              {"/batches", `{"product_id":"` + o.product.ID.String() + `","count":5,"name":"一"}`, `{"product_id":"` + o.product.ID.String() + `","count":6,"name":"一"}`},
		"POST /batches/:id/ranges":   {of("batches", o.batch, "/ranges"), `{"from_serial":1,"until_serial":10,"state":"activated"}`, `{"from_serial":1,"until_serial":11,"state":"activated"}`},
		"POST /exports":              {"/exports", `{"batch_id":"` + o.batch.ID.String() + `","kind":"csv"}`, `{"batch_id":"` + o.batch.ID.String() + `","kind":"png"}`},
		"POST /exports/:id/cancel":   {of("exports", o.waiting, "/cancel"), ``, `{}`},
		"PUT /operators/:id":         {of("operators", o.operator, ""), `{"name":"甲","roles":["finance"],"state":"active"}`, `{"name":"乙","roles":["finance"],"state":"active"}`},
		"POST /payouts/:id/query":    {of("payouts", o.pay, "/query"), `{"reason":"a"}`, `{"reason":"b"}`},
		"PUT /payouts/:id/review":    {of("payouts", o.pay, "/review"), `{"on":true,"reason":"a"}`, `{"on":false,"reason":"b"}`},
	}
}

// exempts stand in the order in which they can be tried: the last one ends the session.
func (o *office) exempts() []exempt {
	part := "/exports/" + o.ready.ID.String()
	return append(append(append(o.eventExempts(), o.identityExempts()...), append(o.jobsExempts(), o.goodsExempts()...)...), []exempt{
		{"PUT /brands/:id/accounts", "/brands/" + o.brand.ID.String() + "/accounts", merchantBody, ""},
		{"POST /operators", "/operators", `{"login":"new-1","name":"新","password":"` + password + `","roles":["finance"]}`, "operator_exists"},
		{"POST /operators/:id/password", "/operators/" + o.operator.ID.String() + "/password", `{"password":"` + password + `!"}`, ""},
		{"POST /exports/:id/parts/:part/ticket", part + "/parts/1/ticket", "", ""},
		{"POST /exports/:id/password", part + "/password", "", "password_shown"},
		{"POST /members/:id/phone/reveal", "/members/" + o.somebody(o.t, "oReveal", "13800138099").ID.String() + "/phone/reveal", `{"reason":"回电"}`, ""},
		{"POST /me/totp", "/me/totp", `{"password":"` + password + `"}`, ""},
		{"POST /me/totp/confirm", "/me/totp/confirm", "", "totp_on"},
		{"POST /me/totp/stop", "/me/totp/stop", "", "totp_off"},
		{"POST /me/password", "/me/password", `{"old_password":"` + password + `","password":"` + password + `?"}`, "password_wrong"},
		{"POST /login", "/login", `{"login":"fin-1","password":"` + password + `!"}`, ""},
		{"POST /logout", "/logout", "", "not_logged_in"},
	}...)
}

func (o *office) count(table string) (n int) {
	o.t.Helper()
	if err := o.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + table).Scan(&n).Error; err != nil {
		o.t.Fatal(err)
	}
	return n
}

// allKeyed are the writes of all areas that remember, each with something to send.
func (o *office) allKeyed() map[string]retry {
	keyed := o.keyed()
	maps.Copy(keyed, o.eventKeyed())
	maps.Copy(keyed, o.goodsKeyed())
	maps.Copy(keyed, o.identityKeyed())
	maps.Copy(keyed, o.pointsKeyed())
	maps.Copy(keyed, o.commissionKeyed())
	maps.Copy(keyed, o.withdrawalKeyed())
	maps.Copy(keyed, o.importsKeyed())
	maps.Copy(keyed, o.rightsKeyed())
	maps.Copy(keyed, o.fraudKeyed())
	maps.Copy(keyed, o.accessKeyed())
	maps.Copy(keyed, o.leadersKeyed())
	maps.Copy(keyed, o.groupsKeyed())
	maps.Copy(keyed, o.postersKeyed())
	maps.Copy(keyed, o.referralKeyed())
	maps.Copy(keyed, o.waysKeyed())
	maps.Copy(keyed, o.homeKeyed())
	maps.Copy(keyed, o.settingsKeyed())
	maps.Copy(keyed, o.jobsKeyed())
	maps.Copy(keyed, o.campaignKeyed())
	maps.Copy(keyed, o.moneyKeyed())
	maps.Copy(keyed, o.holdoutKeyed())
	maps.Copy(keyed, o.reachKeyed())
	maps.Copy(keyed, o.pushKeyed())
	maps.Copy(keyed, o.tagsKeyed())
	maps.Copy(keyed, o.segmentsKeyed())
	return keyed
}

// Every write of the back office, twice with one key and once with the same key and
// other input. A new route that is not in one of the two lists fails the test.
func TestRetries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		keyed, secret := o.allKeyed(), map[string]bool{}
		for _, x := range o.exempts() {
			secret[x.name] = true
		}
		for _, r := range o.h.Routes() {
			if r.Method == http.MethodGet {
				continue
			}
			name := r.Method + " " + strings.TrimPrefix(r.Path, admin.Base)
			if secret[name] {
				continue // below
			}
			x, there := keyed[name]
			if !there {
				t.Errorf("%s: nobody says what a repeated call gets", name)
				continue
			}
			t.Run(name, func(t *testing.T) {
				before := o.count("audit")
				key := strings.ReplaceAll(name, " ", "_")
				first := o.root.do(r.Method, x.path, x.body, "Idempotency-Key", key)
				again := o.root.do(r.Method, x.path, x.body, "Idempotency-Key", key)
				if first.Status >= 300 || again.Status != first.Status || again.Raw != first.Raw || again.Header.Get("Idempotency-Replayed") != "true" {
					t.Fatalf("first %d %s\nagain %d %s", first.Status, first.Raw, again.Status, again.Raw)
				}
				if other := o.root.do(r.Method, x.path, x.other, "Idempotency-Key", key); other.Status != 409 || other.Error.Code != "key_reused" {
					t.Fatalf("other input: %d %s", other.Status, other.Raw)
				}
				// Every act has its entry before it happens, so one entry is one act.
				if n := o.count("audit") - before; n != 1 {
					t.Fatalf("%d acts", n)
				}
			})
		}
		kept, fills := o.count("replay"), o.accessFills()
		for _, x := range o.exempts() {
			t.Run(x.name+" holds a secret and keeps nothing", func(t *testing.T) {
				method, _, _ := strings.Cut(x.name, " ")
				p := o.root
				if x.name == "POST /login" {
					p = o.nobody()
				}
				if fill := fills[x.name]; fill != nil {
					x.body = fill()
				}
				first := p.do(method, x.path, x.body, "Idempotency-Key", "secret")
				again := p.do(method, x.path, x.body, "Idempotency-Key", "secret")
				if first.Status >= 300 || again.Error.Code != x.again {
					t.Fatalf("first %d %s\nagain %d %s", first.Status, first.Raw, again.Status, again.Raw)
				}
				if n := o.count("replay"); n != kept {
					t.Fatalf("%d answers were kept", n-kept)
				}
			})
		}
	})
}
