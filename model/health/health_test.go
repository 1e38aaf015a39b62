package health_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/health"
	"siyu/model/id"
	"siyu/model/seal"
)

type world struct {
	*health.Store
	clk      *clock.Fake
	brands   *brand.Store
	tokens   *brand.Tokens
	brandID  id.ID
	official brand.Account
}

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake) *world {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	w := &world{clk: clk, brands: brand.New(d, box), tokens: brand.NewTokens(d, box)}
	w.Store = health.New(d, w.brands, w.tokens)
	b, err := w.brands.Create(ctx, brand.Brand{Slug: "b", Name: "b", CodeHost: "b.cn"})
	if err != nil {
		t.Fatal(err)
	}
	w.brandID = b.ID
	w.official, err = w.brands.SaveAccount(ctx, brand.Account{BrandID: b.ID, Kind: brand.Official, AppID: "wx1", Name: "n", CallbackSlug: "slug-1"}, brand.Secrets{AppSecret: "s", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// of is the account's report with its checks by name.
func (w *world) of(t *testing.T, accountID id.ID) (health.Report, map[string]health.Check) {
	t.Helper()
	ctx := context.Background()
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := w.Of(ctx, accountID)
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string]health.Check{}
	for _, c := range r.Checks {
		checks[c.Name] = c
	}
	return r, checks
}

func TestHealth(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		t.Run("a new account has not been heard of", func(t *testing.T) {
			r, c := w.of(t, w.official.ID)
			if r.State != health.Warn || c["callback"].State != health.Warn || c["callback"].Cure == "" || c["token"].State != health.Unused || c["secrets"].State != health.OK {
				t.Fatalf("%+v", r)
			}
		})
		t.Run("one that works is well, and its calls of today are counted", func(t *testing.T) {
			if err := w.tokens.Put(ctx, "access:wx1", "T", clk.Now().Add(time.Hour).Time()); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				w.Note(brand.Official, "wx1", "cgi-bin/message/custom/send", "", "")
			}
			w.Note(brand.Official, "wx1", health.Callback, "", "")
			w.Note(brand.Official, "nobody", "cgi-bin/user/info", "", "")
			r, c := w.of(t, w.official.ID)
			if r.State != health.OK || c["token"].State != health.OK || len(r.Calls) != 1 || r.Calls[0].Today != 3 || r.Calls[0].Title != "客服消息" || r.Calls[0].Quota != 500_000 {
				t.Fatalf("%+v", r)
			}
		})
		t.Run("trouble says what to do, and is over when the call works again", func(t *testing.T) {
			clk.Advance(time.Second)
			w.Note(brand.Official, "wx1", "cgi-bin/message/custom/send", "40164", "invalid ip")
			r, c := w.of(t, w.official.ID)
			if r.State != health.Bad || !strings.Contains(c["last"].Cure, "白名单") || !strings.Contains(c["last"].Text, "invalid ip") || r.Calls[0].FailedToday != 1 {
				t.Fatalf("%+v", r)
			}
			clk.Advance(time.Second)
			w.Note(brand.Official, "wx1", "cgi-bin/message/custom/send", "", "")
			if r, _ := w.of(t, w.official.ID); r.State != health.OK || r.Calls[0].Today != 5 {
				t.Fatalf("%+v", r)
			}
		})
		t.Run("a wrong secret is told at the token", func(t *testing.T) {
			clk.Advance(time.Second)
			w.Note(brand.Official, "wx1", "cgi-bin/stable_token", "40125", "invalid appsecret")
			if _, c := w.of(t, w.official.ID); c["token"].State != health.Bad || !strings.Contains(c["token"].Cure, "AppSecret") {
				t.Fatalf("%+v", c)
			}
			clk.Advance(time.Second)
			w.Note(brand.Official, "wx1", "cgi-bin/stable_token", "", "")
		})
		t.Run("rubbish at the callback says nothing about an account that hears WeChat", func(t *testing.T) {
			clk.Advance(time.Second)
			w.Note(brand.Official, "wx1", health.Callback, "signature", "签名不对")
			if r, _ := w.of(t, w.official.ID); r.State != health.OK {
				t.Fatalf("%+v", r)
			}
			clk.Advance(8 * 24 * time.Hour)
			if _, c := w.of(t, w.official.ID); c["callback"].State != health.Warn {
				t.Fatalf("%+v", c["callback"])
			}
		})
		t.Run("the day's limit is seen coming, and when it is reached", func(t *testing.T) {
			w.Note(brand.Official, "wx1", "cgi-bin/qrcode/create", "45009", "reach max api daily quota limit")
			if _, c := w.of(t, w.official.ID); c["quota"].State != health.Bad || !strings.Contains(c["quota"].Cure, "0 点") {
				t.Fatalf("%+v", c["quota"])
			}
			clk.Advance(24 * time.Hour)
			if _, c := w.of(t, w.official.ID); c["quota"].State != health.OK {
				t.Fatalf("%+v", c["quota"])
			}
			for range 80_000 {
				w.Note(brand.Official, "wx1", "cgi-bin/qrcode/create", "", "")
			}
			if _, c := w.of(t, w.official.ID); c["quota"].State != health.Warn {
				t.Fatalf("%+v", c["quota"])
			}
		})
		t.Run("old days are forgotten", func(t *testing.T) {
			clk.Advance(40 * 24 * time.Hour)
			if err := w.Purge(ctx); err != nil {
				t.Fatal(err)
			}
			var n int64
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM account_call").Row().Scan(&n); err != nil || n != 0 {
				t.Fatal(n, err)
			}
		})
	})
}

func TestCertificate(t *testing.T) {
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	w := newWorld(t, dbtest.Open(t, db.SQLite, clk), clk)
	cert := func(until clock.Instant) string {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		form := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: clk.Now().Add(-time.Hour).Time(), NotAfter: until.Time()}
		der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	for name, x := range map[string]struct{ pem, state, text string }{
		"good for years": {cert(clk.Now().Add(400 * 24 * time.Hour)), health.OK, "有效至"},
		"ends soon":      {cert(clk.Now().Add(10*24*time.Hour + time.Hour)), health.Warn, "还剩 10 天"},
		"over":           {cert(clk.Now().Add(-time.Minute)), health.Bad, "过期"},
		"rubbish":        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", health.Bad, "无法识别"},
	} {
		a, err := w.brands.SaveAccount(ctx, brand.Account{BrandID: w.brandID, Kind: brand.Merchant, AppID: "19000001", Name: "m", CallbackSlug: "pay-1",
			Settings: brand.Settings{Rail: brand.RailRedpack, PayAppID: "wx1", SendName: "品牌"}}, brand.Secrets{APIKeyV2: strings.Repeat("k", 32), ClientCertPEM: x.pem, ClientKeyPEM: x.pem})
		if err != nil {
			t.Fatal(name, err)
		}
		_, c := w.of(t, a.ID)
		if got := c["certificate"]; got.State != x.state || !strings.Contains(got.Text, x.text) || (x.state != health.OK) == (got.Cure == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	bare, err := w.brands.SaveAccount(ctx, brand.Account{BrandID: w.brandID, Kind: brand.Merchant, AppID: "19000002", Name: "m", CallbackSlug: "pay-2",
		Settings: brand.Settings{Rail: brand.RailRedpack, PayAppID: "wx1", SendName: "品牌"}}, brand.Secrets{APIKeyV2: strings.Repeat("k", 32)})
	if err != nil {
		t.Fatal(err)
	}
	if _, c := w.of(t, bare.ID); c["certificate"].State != health.Warn || c["certificate"].Cure == "" {
		t.Errorf("%+v", c["certificate"])
	}
}
