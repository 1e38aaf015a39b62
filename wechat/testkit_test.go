package wechat

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests speak the wire format with their own few lines of cryptography, not
// with the library the package uses: the same mistake must not be on both sides.

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// hostsAt are the hosts of a server that tells them apart by path prefix.
func hostsAt(base string) Hosts {
	return Hosts{
		API: base + "/api.weixin.qq.com", MP: base + "/mp.weixin.qq.com", Open: base + "/open.weixin.qq.com",
		Pay: base + "/api.mch.weixin.qq.com", QyAPI: base + "/qyapi.weixin.qq.com", Res: base + "/res.wx.qq.com",
	}
}

// newTestClient returns a client of a server that answers with h.
func newTestClient(t testing.TB, h http.Handler) (*Client, *fakeClock) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	clock := &fakeClock{t: noon}
	c, err := New(Options{Hosts: hostsAt(srv.URL), Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return c, clock
}

var (
	official = App{
		Kind: KindOfficial, AppID: "wx2b2fdae30c1c1b4d", Secret: "secret0123456789abcdef", Token: "callbacktoken",
		AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
	}
	safe = App{
		Kind: KindOfficial, AppID: official.AppID, Secret: official.Secret, Token: official.Token,
		AESKey: official.AESKey, Secure: true,
	}
	mini = App{Kind: KindMini, AppID: "wxmini0000000001", Secret: "minisecret0123456789"}
)

const openID = "oHkLxtzmyHXX6FW_cAWo_orTSRXs"

// signSHA1 is WeChat's callback signature.
func signSHA1(parts ...string) string {
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// sealFor encrypts a push as WeChat does.
func sealFor(app App, plain []byte, appID string) string {
	key, err := base64.StdEncoding.DecodeString(app.AESKey + "=")
	if err != nil {
		panic(err)
	}
	text := append([]byte("0123456789abcdef"), binary.BigEndian.AppendUint32(nil, uint32(len(plain)))...)
	text = append(append(text, plain...), appID...)
	pad := 32 - len(text)%32
	for range pad {
		text = append(text, byte(pad))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text)
}

// unseal is the other direction, for passive replies.
func unseal(t *testing.T, app App, sealed string) (plain, appID string) {
	t.Helper()
	key, _ := base64.StdEncoding.DecodeString(app.AESKey + "=")
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(text) == 0 || len(text)%32 != 0 {
		t.Fatalf("sealed reply is not whole blocks: %v", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(text, text)
	text = text[:len(text)-int(text[len(text)-1])]
	n := binary.BigEndian.Uint32(text[16:20])
	return string(text[20 : 20+n]), string(text[20+n:])
}

// pushQuery is the query of a push signed at the given time.
func pushQuery(app App, at time.Time) url.Values {
	ts := strconv.FormatInt(at.Unix(), 10)
	return url.Values{
		"timestamp": {ts}, "nonce": {"n0nce"}, "openid": {openID},
		"signature": {signSHA1(app.Token, ts, "n0nce")},
	}
}

// sealedPush is a whole push in AES mode.
func sealedPush(app App, plain string, at time.Time) (url.Values, []byte) {
	return sealedText(app, sealFor(app, []byte(plain), app.AppID), at)
}

func sealedText(app App, sealed string, at time.Time) (url.Values, []byte) {
	q := pushQuery(app, at)
	q.Set("encrypt_type", "aes")
	q.Set("msg_signature", signSHA1(app.Token, q.Get("timestamp"), q.Get("nonce"), sealed))
	return q, []byte("<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>")
}

// rsaKeys are made once: 2048 bits take long.
var rsaKeys = sync.OnceValue(func() (k struct{ merchant, wechat, other *rsa.PrivateKey }) {
	for _, p := range []**rsa.PrivateKey{&k.merchant, &k.wechat, &k.other} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		*p = key
	}
	return k
})

func transferMerchant(t testing.TB) Merchant {
	t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(rsaKeys().merchant)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&rsaKeys().wechat.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return Merchant{
		MchID: "1900000109", AppID: official.AppID, Rail: RailTransfer,
		APIv3Key: "0123456789abcdef0123456789abcdef", SerialNo: "5157F09EFDC096DE15EBE81A47057A72",
		PrivateKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		PublicKeyID:   "PUB_KEY_ID_0119000001092026",
		PublicKeyPEM:  string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		SendName:      "测试品牌",
	}
}

// signPay signs an answer or a notice as WeChat Pay does.
func signPay(key *rsa.PrivateKey, serial string, at time.Time, body []byte) http.Header {
	ts := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(ts + "\nabc123\n" + string(body) + "\n"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", ts)
	h.Set("Wechatpay-Nonce", "abc123")
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(sig))
	h.Set("Wechatpay-Serial", serial)
	h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
	return h
}

// sealNotice wraps plain in a notice body.
func sealNotice(m Merchant, plain string) []byte {
	block, err := aes.NewCipher([]byte(m.APIv3Key))
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	sealed := gcm.Seal(nil, []byte("abcdefghijkl"), []byte(plain), []byte("mch_payment"))
	return fmt.Appendf(nil, `{"id":"EV-1","create_time":"2026-11-20T20:00:00+08:00","event_type":"MCHTRANSFER.BILL.FINISHED",
"resource_type":"encrypt-resource","summary":"x","resource":{"original_type":"mch_payment","algorithm":"AEAD_AES_256_GCM",
"ciphertext":%q,"associated_data":"mch_payment","nonce":"abcdefghijkl"}}`, base64.StdEncoding.EncodeToString(sealed))
}

// mustNotTell fails when text carries one of the secrets.
func mustNotTell(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("text tells %q: %s", s, text)
		}
	}
}
