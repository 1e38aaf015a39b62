package simulator_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

// The tests are their own client: they sign, verify and decrypt by hand, so that
// the simulator's code never checks itself.

const (
	officialID = "wx0000000000000001"
	miniID     = "wx0000000000000002"
	mchID      = "1900000001"
	keyV2      = "v2keyv2keyv2keyv2keyv2keyv2keyv2"
	keyV3      = "0123456789abcdef0123456789abcdef"
	aesKey     = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	token      = "pushtoken"
	serial     = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
)

// merchantKey is derived once for all tests: it takes a tenth of a second.
var merchantKey = sync.OnceValues(func() (privatePEM, publicPEM string) { return simulator.DemoKey("test-merchant") })

// arrival is something WeChat sent to the shop.
type arrival struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte
}

type world struct {
	*testing.T
	sim     *simulator.Simulator
	base    string
	appURL  string
	private *rsa.PrivateKey

	mode     string
	mu       sync.Mutex
	now      time.Time
	arrivals []arrival
	answer   func(w http.ResponseWriter, r *http.Request) // how the shop answers; nil means 200 success
}

func newWorld(t *testing.T) *world { return newWorldWith(t, "plain") }

func newWorldWith(t *testing.T, mode string) *world {
	t.Helper()
	w := &world{T: t, mode: mode, now: time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)}
	shop := httptest.NewServer(http.HandlerFunc(w.shop))
	t.Cleanup(shop.Close)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		sim := w.sim
		w.mu.Unlock()
		sim.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	w.base, w.appURL = front.URL, shop.URL

	privatePEM, publicPEM := merchantKey()
	block, _ := pem.Decode([]byte(privatePEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	w.private = key.(*rsa.PrivateKey)
	w.begin("", publicPEM)
	return w
}

// begin starts a simulator with the world's accounts; file is where it keeps them.
func (w *world) begin(file, publicPEM string) {
	w.Helper()
	sim := simulator.New(simulator.Options{BaseURL: w.base, AppURL: w.appURL, Now: w.clock, NoticeScale: 1e-9, Seed: 7, File: file})
	w.Cleanup(sim.Close)
	w.mu.Lock()
	w.sim = sim
	w.mu.Unlock()
	shop, mode := w.appURL, w.mode
	sim.AddApp(simulator.App{Kind: "official", AppID: officialID, Name: "山泉茶饮", Secret: "secret1", Token: token, AESKey: aesKey, Mode: mode, CallbackURL: shop + "/callback", OpenPlatform: "brand"})
	sim.AddApp(simulator.App{Kind: "mini", AppID: miniID, Name: "山泉会员", Secret: "secret2", Token: token, AESKey: aesKey, CallbackURL: shop + "/callback", OpenPlatform: "brand"})
	sim.AddMerchant(simulator.Merchant{MchID: mchID, Name: "山泉饮品", APIKeyV2: keyV2, APIv3Key: keyV3, SerialNo: serial, PublicKeyPEM: publicPEM, AppIDs: []string{officialID, miniID}, BalanceFen: 1_000_000})
	sim.AddUser(simulator.User{Name: "小满", City: "上海"})
	sim.AddUser(simulator.User{Name: "老周", City: "成都"})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) set(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = now
}

func (w *world) answerWith(f func(http.ResponseWriter, *http.Request)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = f
}

func (w *world) shop(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.arrivals = append(w.arrivals, arrival{path: r.URL.Path, query: r.URL.Query(), header: r.Header, body: body})
	answer := w.answer
	w.mu.Unlock()
	if answer != nil {
		answer(rw, r)
		return
	}
	_, _ = io.WriteString(rw, "success")
}

// arrived waits for all deliveries and returns what came to a path.
func (w *world) arrived(path string) []arrival {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.sim.Settle(ctx); err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []arrival
	for _, a := range w.arrivals {
		if a.path == path {
			list = append(list, a)
		}
	}
	return list
}

// jsonOf is a decoded JSON answer with its status.
type jsonOf map[string]any

func (j jsonOf) code() int {
	n, _ := j["errcode"].(float64)
	return int(n)
}

func (j jsonOf) text(name string) string { return fmt.Sprint(j[name]) }

func (w *world) api(method, path string, body any) jsonOf {
	w.Helper()
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			w.Fatal(err)
		}
		send = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, w.base+"/api.weixin.qq.com"+path, send)
	if err != nil {
		w.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return jsonOf{"errcode": float64(-999), "errmsg": err.Error()}
	}
	defer res.Body.Close()
	out := jsonOf{}
	raw, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || json.Unmarshal(raw, &out) != nil {
		return jsonOf{"errcode": float64(-998), "errmsg": string(raw), "status": res.StatusCode}
	}
	return out
}

func (w *world) token() string {
	w.Helper()
	out := w.api("POST", "/cgi-bin/stable_token", jsonOf{"grant_type": "client_credential", "appid": officialID, "secret": "secret1"})
	value, _ := out["access_token"].(string)
	if value == "" {
		w.Fatalf("no token: %v", out)
	}
	return value
}

// v3 sends a signed request and verifies the answer's signature by hand.
type v3Answer struct {
	status   int
	body     jsonOf
	verified bool
	header   http.Header
	err      error
}

const transfers = "/v3/fund-app/mch-transfer/transfer-bills"

func (w *world) v3(method, path string, body any) v3Answer {
	w.Helper()
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			w.Fatal(err)
		}
	}
	stamp := strconv.FormatInt(w.clock().Unix(), 10)
	req, err := http.NewRequest(method, w.base+"/api.mch.weixin.qq.com"+path, bytes.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", w.authorization(method, path, stamp, text))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return v3Answer{err: err}
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	a := v3Answer{status: res.StatusCode, header: res.Header, body: jsonOf{}, verified: w.verify(res.Header, raw)}
	a.err = json.Unmarshal(raw, &a.body)
	return a
}

func (w *world) authorization(method, path, stamp string, body []byte) string {
	sum := sha256.Sum256([]byte(method + "\n" + path + "\n" + stamp + "\nNONCE\n" + string(body) + "\n"))
	sign, err := rsa.SignPKCS1v15(rand.Reader, w.private, crypto.SHA256, sum[:])
	if err != nil {
		w.Fatal(err)
	}
	return fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="NONCE",signature="%s",timestamp="%s",serial_no="%s"`, mchID, base64.StdEncoding.EncodeToString(sign), stamp, serial)
}

// verify checks a signature of the platform: id, freshness, RSA.
func (w *world) verify(h http.Header, body []byte) bool {
	id, text := w.sim.PlatformKey()
	block, _ := pem.Decode([]byte(text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		w.Fatal(err)
	}
	stamp, err := strconv.ParseInt(h.Get("Wechatpay-Timestamp"), 10, 64)
	if off := w.clock().Sub(time.Unix(stamp, 0)); err != nil || off > 5*time.Minute || off < -5*time.Minute || h.Get("Wechatpay-Serial") != id {
		return false
	}
	sign, err := base64.StdEncoding.DecodeString(h.Get("Wechatpay-Signature"))
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(h.Get("Wechatpay-Timestamp") + "\n" + h.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, sum[:], sign) == nil
}

// openNotice decrypts a notice's resource by hand.
func (w *world) openNotice(body []byte) jsonOf {
	w.Helper()
	var n struct {
		EventType string `json:"event_type"`
		Resource  struct {
			Ciphertext, Nonce, Algorithm string
			About                        string `json:"associated_data"`
		}
	}
	if err := json.Unmarshal(body, &n); err != nil {
		w.Fatal(err)
	}
	if n.EventType != "MCHTRANSFER.BILL.FINISHED" || n.Resource.Algorithm != "AEAD_AES_256_GCM" {
		w.Fatalf("notice of another kind: %s", body)
	}
	block, err := aes.NewCipher([]byte(keyV3))
	if err != nil {
		w.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		w.Fatal(err)
	}
	sealed, err := base64.StdEncoding.DecodeString(n.Resource.Ciphertext)
	if err != nil {
		w.Fatal(err)
	}
	plain, err := gcm.Open(nil, []byte(n.Resource.Nonce), sealed, []byte(n.Resource.About))
	if err != nil {
		w.Fatal("notice cannot be decrypted:", err)
	}
	out := jsonOf{}
	if err := json.Unmarshal(plain, &out); err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) transferOrder(no string) jsonOf {
	return jsonOf{
		"appid": officialID, "out_bill_no": no, "transfer_scene_id": "1000", "openid": w.sim.OpenID("小满", officialID), "transfer_amount": 188,
		"transfer_remark": "开瓶奖励", "notify_url": w.appURL + "/notice", "transfer_scene_report_infos": []jsonOf{
			{"info_type": "活动名称", "info_content": "桂花季"}, {"info_type": "奖励说明", "info_content": "开瓶红包"}},
	}
}

// bill is the one bill with this number.
func (w *world) bill(no string) simulator.Bill {
	w.Helper()
	for _, b := range w.sim.Bills(mchID) {
		if b.BillNo == no {
			return b
		}
	}
	w.Fatalf("no bill %s", no)
	return simulator.Bill{}
}

// conserved checks that no fen appeared or vanished.
func (w *world) conserved() {
	w.Helper()
	sum := w.sim.BalanceFen(mchID)
	for _, b := range w.sim.Bills(mchID) {
		switch b.State {
		case "REFUND", "FAILED", "FAIL", "CANCELLED":
		default:
			sum += b.AmountFen
		}
	}
	if sum != 1_000_000 {
		w.Errorf("balance and bills sum to %d fen, want 1000000", sum)
	}
}

func (w *world) order(m simulator.Misfortune) {
	w.Helper()
	if err := w.sim.SetMisfortune(m); err != nil {
		w.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in:\n%s", part, text)
	}
}

func TestAnEagerUserTakesWhatArrivesAfterTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.sim.AddUser(simulator.User{Name: "小满", City: "上海", Eager: true})
	a := w.v3("POST", transfers, w.transferOrder("A1"))
	if a.body.text("state") != "WAIT_USER_CONFIRM" || a.body.text("package_info") == "" {
		t.Errorf("the answer is not what others get: %+v", a)
	}
	if notices := w.arrived("/notice"); len(notices) != 1 {
		t.Errorf("%d notices", len(notices))
	}
	w.v2("sendredpack", w.packet("B1"))
	must(t, w.sim.Settle(t.Context()))
	if w.bill("A1").State != "SUCCESS" || w.bill("B1").State != "RECEIVED" || w.sim.WalletFen("小满") != 2*188 {
		t.Errorf("%+v %+v", w.bill("A1"), w.bill("B1"))
	}
	w.order(simulator.Misfortune{Call: "payout", Kind: "user_never_confirms"})
	w.v3("POST", transfers, w.transferOrder("A2"))
	must(t, w.sim.Settle(t.Context()))
	if got := w.bill("A2").State; got != "WAIT_USER_CONFIRM" {
		t.Errorf("who never confirms did: %s", got)
	}
	w.conserved()
}
