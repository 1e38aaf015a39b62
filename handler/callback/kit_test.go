package callback_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/callback"
	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/replay"
	"siyu/model/seal"
	"siyu/wechat"
)

const (
	token  = "callback-token"
	aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	v3Key  = "0123456789abcdef0123456789abcdef"
	serial = "PUB_KEY_ID_1"
	corpID = "ww0123456789abcdef"
)

// teller answers with a number that grows, so a second answer would be seen.
type teller struct {
	said atomic.Int64
	fail atomic.Bool
}

func (t *teller) Reply(context.Context, brand.Account, string, string) (string, error) {
	if t.fail.Load() {
		return "", errors.New("the database is away")
	}
	return fmt.Sprintf("第 %d 次回答", t.said.Add(1)), nil
}

// Greeting knows one scene and says how often it was asked for it.
func (t *teller) Greeting(_ context.Context, _ brand.Account, _, scene string) (string, error) {
	if scene != "REFERRAL" {
		return "", nil
	}
	return fmt.Sprintf("第 %d 次问候", t.said.Add(1)), nil
}

// keys reads what the accounts were saved with.
type keys struct{ *brand.Store }

func (k keys) AppOf(ctx context.Context, a brand.Account) (wechat.App, error) {
	s, err := k.Secrets(ctx, a)
	return wechat.App{Kind: a.Kind, AppID: a.AppID, Secret: s.AppSecret, Token: s.Token, AESKey: s.AESKey, Secure: a.Settings.Secure}, err
}

func (k keys) MerchantOf(ctx context.Context, a brand.Account) (wechat.Merchant, error) {
	s, err := k.Secrets(ctx, a)
	return wechat.Merchant{MchID: a.AppID, AppID: a.Settings.PayAppID, Rail: a.Settings.Rail, APIv3Key: s.APIv3Key, SerialNo: a.Settings.SerialNo,
		PrivateKeyPEM: s.PrivateKeyPEM, PublicKeyID: a.Settings.PublicKeyID, PublicKeyPEM: s.PublicKeyPEM}, err
}

// storing fails on demand in front of the real store.
type storing struct {
	real *notice.Store
	fail atomic.Bool
}

func (s *storing) Store(ctx context.Context, n notice.Notice) (bool, error) {
	if s.fail.Load() {
		return false, errors.New("disk full")
	}
	return s.real.Store(ctx, n)
}

type site struct {
	*gin.Engine
	d     *db.DB
	clk   *clock.Fake
	tell  *teller
	store *storing
	wx    *rsa.PrivateKey // WeChat Pay's
}

func newSite(t *testing.T, d *db.DB, clk *clock.Fake) *site {
	t.Helper()
	ctx := context.Background()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	brands := brand.New(d, box)
	b, err := brands.Create(ctx, brand.Brand{Slug: "b", Name: "品牌", CodeHost: "q.b.cn"})
	if err != nil {
		t.Fatal(err)
	}
	wx, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&wx.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(wx) // the merchant's own key signs nothing here
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for _, a := range []struct {
		a brand.Account
		s brand.Secrets
	}{
		{brand.Account{Kind: brand.Official, AppID: "wxplain", CallbackSlug: "plain"}, brand.Secrets{AppSecret: "s", Token: token}},
		{brand.Account{Kind: brand.Official, AppID: "wxsafe", CallbackSlug: "safe", Settings: brand.Settings{Secure: true}}, brand.Secrets{AppSecret: "s", Token: token, AESKey: aesKey}},
		{brand.Account{Kind: brand.Mini, AppID: "wxmini", CallbackSlug: "mini"}, brand.Secrets{AppSecret: "s", Token: token}},
		{brand.Account{Kind: brand.WeCom, AppID: corpID, CallbackSlug: "corp"}, brand.Secrets{AppSecret: "s", Token: token, AESKey: aesKey}},
		{brand.Account{Kind: brand.Merchant, AppID: "1900000001", CallbackSlug: "pay1", Settings: brand.Settings{Rail: brand.RailTransfer, PayAppID: "wxsafe",
			SendName: "品牌", SerialNo: "M1", PublicKeyID: serial}}, brand.Secrets{APIv3Key: v3Key, PrivateKeyPEM: text("PRIVATE KEY", private), PublicKeyPEM: text("PUBLIC KEY", public)}},
	} {
		a.a.BrandID, a.a.Name = b.ID, "账号"
		if _, err := brands.SaveAccount(ctx, a.a, a.s); err != nil {
			t.Fatal(err)
		}
	}
	pay, err := wechat.New(wechat.Options{Now: func() time.Time { return clk.Now().Time() }})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{d: d, clk: clk, tell: &teller{}, store: &storing{real: notice.New(d, outbox.New(d))}, wx: wx}
	s.Engine, err = web.NewEngine(web.Options{Clock: clk, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := callback.New(callback.Deps{Clock: clk, Accounts: brands, Keys: keys{brands}, Payments: pay, Notices: s.store,
		Replay: replay.New(d), Teller: s.tell, Greeter: s.tell})
	web.Mount(s, h.Routes(), nil)
	return s
}

func (s *site) do(method, target string, body []byte, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *site) count(t *testing.T, what string) int {
	t.Helper()
	var n int
	if err := s.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + what).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func sign(parts ...string) string {
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// query signs as WeChat does for a push that leaves now.
func (s *site) query() url.Values {
	ts := strconv.FormatInt(s.clk.Now().Time().Unix(), 10)
	return url.Values{"timestamp": {ts}, "nonce": {"n1"}, "signature": {sign(token, ts, "n1")}, "openid": {"o1"}}
}

func text(msgID int, content string) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>1795233600</CreateTime>
<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId></xml>`, content, msgID)
}

func event(name string, at int) string {
	return fmt.Sprintf(`<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>%d</CreateTime><MsgType>event</MsgType><Event>%s</Event><Latitude>31.2</Latitude></xml>`, at, name)
}

// scanned is the report of a scan of a QR code with a scene.
func scanned(name, key string, at int) string {
	return strings.Replace(event(name, at), "<Latitude>31.2</Latitude>", "<EventKey><![CDATA["+key+"]]></EventKey>", 1)
}

// sealed encrypts a push for an app and completes the query.
func (s *site) sealed(t *testing.T, appID, plain string) (url.Values, []byte) {
	t.Helper()
	q := s.query()
	q.Set("encrypt_type", "aes")
	out, err := wechat.SealReply(wechat.App{AppID: appID, Token: token, AESKey: aesKey, Secure: true}, q, []byte(plain), s.clk.Now().Time())
	if err != nil {
		t.Fatal(err)
	}
	var x struct{ Encrypt string }
	if err := xml.Unmarshal(out, &x); err != nil {
		t.Fatal(err)
	}
	q.Set("msg_signature", sign(token, q.Get("timestamp"), q.Get("nonce"), x.Encrypt))
	return q, []byte("<xml><ToUserName>gh_1</ToUserName><Encrypt>" + x.Encrypt + "</Encrypt></xml>")
}

// notify is a signed pay notice for a bill.
func (s *site) notify(t *testing.T, noticeID, plain string) ([]byte, http.Header) {
	t.Helper()
	block, err := aes.NewCipher([]byte(v3Key))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	cipherText := base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte("abcdefghijkl"), []byte(plain), []byte("mch_payment")))
	body := fmt.Appendf(nil, `{"id":%q,"event_type":"MCHTRANSFER.BILL.FINISHED","resource_type":"encrypt-resource","resource":{"original_type":"mch_payment",
		"algorithm":"AEAD_AES_256_GCM","ciphertext":%q,"associated_data":"mch_payment","nonce":"abcdefghijkl"}}`, noticeID, cipherText)
	ts := strconv.FormatInt(s.clk.Now().Time().Unix(), 10)
	sum := sha256.Sum256([]byte(ts + "\nabc\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.wx, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", ts)
	h.Set("Wechatpay-Nonce", "abc")
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
	h.Set("Wechatpay-Serial", serial)
	return body, h
}
