package job_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/notice"
	"siyu/model/outbox"
	"siyu/model/redpacket"
	"siyu/wechat"
	"siyu/wechat/simulator"
)

const user = "小甲"

// rig is the model, the real client, the simulator and the workers, driven by a fake
// clock: nothing sleeps, and a day passes in a moment.
type rig struct {
	*claimtest.World
	t        *testing.T
	sim      *simulator.Simulator
	client   *wechat.Client
	runner   *job.Runner
	cron     *job.Cron
	merchant wechat.Merchant
	notices  atomic.Int64 // notices that verified
	refused  atomic.Int64 // notices that did not
}

// who implements job's merchants.
type who struct {
	m      wechat.Merchant
	notify string
}

func (w *who) Merchant(context.Context, id.ID) (wechat.Merchant, string, error) {
	return w.m, w.notify, nil
}

type nobody struct{}

func (nobody) ApplyMessage(context.Context, notice.Notice) error { return nil }
func (nobody) Expire(context.Context) error                      { return nil }
func (nobody) Prune(context.Context, int) error                  { return nil }

func newRig(t *testing.T, d *db.DB, clk *clock.Fake, rail string) *rig {
	t.Helper()
	return newRigWith(t, d, clk, rail, 30*time.Second) // a slow machine is not a silent WeChat
}

// newRigWith says how long WeChat is waited for.
func newRigWith(t *testing.T, d *db.DB, clk *clock.Fake, rail string, patience time.Duration) *rig {
	t.Helper()
	w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 40, Rail: rail,
		Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 40, MinFen: 188, MaxFen: 188}}})
	r := &rig{World: w, t: t}
	now := func() time.Time { return clk.Now().Time() }
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))

	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) { r.sim.ServeHTTP(rw, req) }))
	t.Cleanup(front.Close)
	callback := httptest.NewServer(http.HandlerFunc(r.callback))
	t.Cleanup(callback.Close)
	r.sim = simulator.New(simulator.Options{BaseURL: front.URL, AppURL: callback.URL, Now: now, Log: quiet, NoticeScale: 0.001})
	t.Cleanup(r.sim.Close)

	privatePEM, publicPEM := keys(t)
	keyID, platform := r.sim.PlatformKey()
	r.sim.AddApp(simulator.App{Kind: "official", AppID: claimtest.AppID, Secret: "secret", Token: "token"})
	r.sim.AddUser(simulator.User{Name: user, City: "上海"})
	r.sim.AddMerchant(simulator.Merchant{MchID: "1900000001", APIKeyV2: "0123456789abcdef0123456789abcdef", APIv3Key: "0123456789abcdef0123456789abcdef",
		SerialNo: "SERIAL", PublicKeyPEM: publicPEM, AppIDs: []string{claimtest.AppID}, BalanceFen: 100000})
	r.merchant = wechat.Merchant{MchID: "1900000001", AppID: claimtest.AppID, Rail: rail, APIKeyV2: "0123456789abcdef0123456789abcdef", SignType: "HMAC-SHA256",
		APIv3Key: "0123456789abcdef0123456789abcdef", SerialNo: "SERIAL", PrivateKeyPEM: privatePEM, PublicKeyID: keyID, PublicKeyPEM: platform, SendName: "老井"}
	hosts := wechat.Hosts{API: front.URL + "/api.weixin.qq.com", MP: front.URL + "/mp.weixin.qq.com", Open: front.URL + "/open.weixin.qq.com",
		Pay: front.URL + "/api.mch.weixin.qq.com", QyAPI: front.URL + "/qyapi.weixin.qq.com", Res: front.URL + "/res.wx.qq.com"}
	var err error
	if r.client, err = wechat.New(wechat.Options{Hosts: hosts, Now: now, PayTimeout: patience}); err != nil {
		t.Fatal(err)
	}
	payouts := job.NewPayouts(w.Packets, r.client, &who{r.merchant, callback.URL}, clk, job.NewRates(nil, quiet, clock.Wall), job.PayLimits{UserPacketsPerDay: 10, UserFenPerDay: 100_000})
	r.runner = job.NewRunner(w.Outbox, map[string]job.Worker{
		job.TaskPayout: payouts.Drive, job.TaskNotice: job.NewNotices(w.Notices, w.Packets, nobody{}).Apply,
		job.TaskWithdrawal: func(context.Context, id.ID) (job.Verdict, error) { return job.Verdict{}, nil },
		job.TaskReconcile:  func(context.Context, id.ID) (job.Verdict, error) { return job.Verdict{}, nil },
	}, quiet, prometheus.NewRegistry(), clock.Wall)
	r.cron = &job.Cron{Relay: job.NewRelay(w.Outbox, nil, nowhere{}, quiet, time.Second), Outbox: w.Outbox, Packets: w.Packets, Campaigns: w.Campaigns, Ledger: w.Ledger,
		Brands: w.Brands, Exports: nobody{}, Operators: nobody{}, Clock: clk, Log: quiet, Metrics: prometheus.NewRegistry()}
	return r
}

// callback is what handler/callback does with a transfer notice: verify, store once.
func (r *rig) callback(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n, err := r.client.OpenTransferNotice(req.Context(), r.merchant, req.Header, body)
	if err != nil {
		r.refused.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.notices.Add(1)
	report := redpacket.Report{BillNo: n.BillNo, Out: string(n.Answer.State), WechatNo: n.WechatNo, Code: n.State, Reason: n.FailReason,
		OpenID: n.OpenID, AmountFen: money.Fen(n.AmountFen)}
	text, err := report.Body()
	if err == nil {
		_, err = r.Notices.Store(req.Context(), notice.Notice{Source: notice.Transfer, DedupKey: n.ID, AccountID: r.Merchant.ID, Body: text})
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// claim wins a packet for the user and returns its payout.
func (r *rig) claim(serial int64) redpacket.Payout {
	r.t.Helper()
	c, err := r.Claims.Make(context.Background(), r.Code(r.t, serial), claim.Who{MemberID: 77, AppID: claimtest.AppID, OpenID: r.sim.OpenID(user, claimtest.AppID)})
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := r.Packets.OfClaim(context.Background(), c.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// step runs everything that is due now, once, and says how much that was.
func (r *rig) step() int {
	r.t.Helper()
	ctx := context.Background()
	rows, err := r.Outbox.Due(ctx, 100)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, row := range rows {
		if err := r.Outbox.MarkSent(ctx, []outbox.Row{row}); err != nil {
			r.t.Fatal(err)
		}
		if err := r.runner.Run(ctx, row.ID); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.sim.Settle(ctx); err != nil {
		r.t.Fatal(err)
	}
	return len(rows)
}

// until drives the clock, second by second and then faster, until the payout is in a
// state, or fails after three days.
func (r *rig) until(p redpacket.Payout, state string, each func(redpacket.Payout)) redpacket.Payout {
	r.t.Helper()
	pause := time.Second
	for end := r.Clock.Now().Add(72 * time.Hour); r.Clock.Now() < end; {
		r.step()
		got, err := r.Packets.Get(context.Background(), p.ID)
		if err != nil {
			r.t.Fatal(err)
		}
		if got.State == state {
			return got
		}
		if each != nil {
			each(got)
		}
		r.Clock.Advance(pause)
		pause = min(pause*5/4+time.Second, 20*time.Minute)
	}
	got, _ := r.Packets.Get(context.Background(), p.ID)
	r.t.Fatalf("payout is %s (%s %s), want %s", got.State, got.Code, got.Reason, state)
	return got
}

// collect is the person opening or confirming whatever is there.
func (r *rig) collect(redpacket.Payout) {
	list, err := r.Packets.List(context.Background(), redpacket.Filter{State: redpacket.Accepted})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range list {
		if p.Rail == brand.RailRedpack {
			_ = r.sim.Open(user, p.BillNo) // nothing to open yet is no mistake
		} else {
			_ = r.sim.Confirm(user, p.PackageInfo)
		}
	}
}

// books compares our rows with WeChat's, bill by bill, and audits the ledger.
func (r *rig) books() {
	r.t.Helper()
	bills := map[string]simulator.Bill{}
	for _, b := range r.sim.Bills(r.merchant.MchID) {
		bills[b.BillNo] = b
	}
	list, err := r.Packets.List(context.Background(), redpacket.Filter{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range list {
		b, there := bills[p.BillNo]
		delete(bills, p.BillNo)
		if (p.State == redpacket.Settled) != (there && b.PaidFen == int64(p.AmountFen)) {
			r.t.Errorf("bill %s: ours is %s, WeChat paid %d (%s)", p.BillNo, p.State, b.PaidFen, b.State)
		}
	}
	for no := range bills {
		r.t.Errorf("WeChat has bill %s that we never ordered", no)
	}
	r.Audit(r.t)
}

func keys(t *testing.T) (privatePEM, publicPEM string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}))
}
