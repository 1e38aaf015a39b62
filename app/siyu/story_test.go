package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/config"
	"siyu/model/clock"

	"siyu/model/db/dbtest"
	"siyu/model/ledger"
	"siyu/model/redpacket"
	"siyu/wechat/simulator"
)

// town is the demo, running, with a clock that goes a hundred times as fast.
type town struct {
	*process
	demo *demoWorld
	clk  *clock.Fake
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startTown runs the whole program on free ports until the test ends.
func startTown(t *testing.T, env map[string]string) *town {
	t.Helper()
	return raise(t, env, &demoWorld{shelf: demoShelf()})
}

// raise is startTown with sample data of the test's choice.
func raise(t *testing.T, env map[string]string, d *demoWorld) *town {
	t.Helper()
	base := map[string]string{"SIYU_ENV": config.Demo, "SIYU_ADDR": "127.0.0.1:0", "SIYU_DATA": t.TempDir(), "SIYU_WECHAT_PAY_TIMEOUT": "700ms"}
	for k, v := range env {
		base[k] = v
	}
	cfg, err := config.Load(func(name string) string { return base[name] })
	if err != nil {
		t.Fatal(err)
	}
	cfg.Places = cfg.Data + "/places.csv"
	if err := os.WriteFile(cfg.Places, []byte(demoPlaces), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &town{demo: d, clk: clock.NewFake(dbtest.Start), log: &lockedBuffer{}}
	up := make(chan struct{})
	w.process = &process{cfg: cfg, clock: w.clk, out: io.Discard, log: slog.New(slog.NewTextHandler(w.log, nil)), parts: parts{true, true},
		seed: w.demo.seed, opened: func(*process) error { close(up); return nil }}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.process.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the program ended with %v", err)
		}
		if t.Failed() {
			t.Logf("program log:\n%s", tail(w.log.String(), 4000))
		}
	})
	select {
	case <-up:
	case err := <-ended:
		ended <- err
		t.Fatalf("the program did not start: %v", err)
	}
	go func() {
		drive := time.NewTicker(5 * time.Millisecond)
		defer drive.Stop()
		for ctx.Err() == nil {
			<-drive.C
			w.clk.Advance(500 * time.Millisecond)
		}
	}()
	return w
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

// phone is one person's WeChat browser.
type phone struct {
	t    *testing.T
	w    *town
	user string
	http *http.Client
}

func (w *town) phone(t *testing.T, user, city string) *phone {
	t.Helper()
	w.sim.AddUser(simulator.User{Name: user, City: city})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse("http://" + w.cfg.SimAddr)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "sim_user", Value: url.QueryEscape(user)}})
	return &phone{t: t, w: w, user: user, http: &http.Client{Jar: jar, Timeout: time.Minute}}
}

func (p *phone) get(path string) (body string, at *url.URL) {
	p.t.Helper()
	r, err := p.http.Get("http://" + p.w.cfg.SimAddr + path)
	return p.read(r, err)
}

func (p *phone) post(path string, form url.Values) (body string, at *url.URL) {
	p.t.Helper()
	r, err := p.http.PostForm("http://"+p.w.cfg.SimAddr+path, form)
	return p.read(r, err)
}

func (p *phone) read(r *http.Response, err error) (string, *url.URL) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b), r.Request.URL
}

var formToken = regexp.MustCompile(`action="([^"]*/claim)"[\s\S]*?name="form_token" value="([^"]+)"`)

// scan opens the page of a code; claim posts its form, as the button does.
func (p *phone) scan(token string) string {
	p.t.Helper()
	body, _ := p.get("/Q/" + token)
	return body
}

func (p *phone) claim(page string) (packet string) {
	p.t.Helper()
	m := formToken.FindStringSubmatch(page)
	if m == nil {
		p.t.Fatalf("the page offers nothing to claim:\n%s", tail(page, 1500))
	}
	body, at := p.post(m[1], url.Values{"form_token": {m[2]}})
	if !strings.HasPrefix(at.Path, "/packets/") {
		p.t.Fatalf("after the claim the phone is at %s:\n%s", at.Path, tail(body, 1500))
	}
	return at.Path
}

type packetState struct {
	State     string `json:"state"`
	AmountFen int64  `json:"amount_fen"`
	BillNo    string `json:"bill_no"`
	Confirm   *struct {
		Package string `json:"package"`
	} `json:"confirm"`
}

func (p *phone) state(packet string) packetState {
	p.t.Helper()
	body, _ := p.get(packet + "/state")
	var s struct{ Data packetState }
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		p.t.Fatalf("%v: %s", err, body)
	}
	return s.Data
}

// until polls the packet page as its script does, taking what can be taken.
func (p *phone) until(packet, want string, impatient bool) packetState {
	p.t.Helper()
	poll, deadline := time.NewTicker(20*time.Millisecond), time.After(3*time.Minute) // only a failure takes so long
	defer poll.Stop()
	var day time.Duration
	looks := 0
	for {
		select {
		case <-poll.C:
		case <-deadline:
			s := p.state(packet)
			row, err := p.w.env.Packets.ByBill(context.Background(), s.BillNo)
			p.t.Fatalf("packet is %+v, want %s; payout %+v %v", s, want, row, err)
		}
		s := p.state(packet)
		if s.State == want {
			return s
		}
		switch s.State {
		case "confirm":
			_ = p.w.sim.Confirm(p.user, s.Confirm.Package) // a person who "never confirms" cannot
		case "sent":
			_ = p.w.sim.Open(p.user, s.BillNo)
		}
		if impatient && (s.State == "confirm" || s.State == "sent") {
			day, impatient = 25*time.Hour, false // a day goes by at once, then two hours now and then
		}
		// Only while nobody works: the clock of a call under way would jump between its
		// signing and its checking, and on a slow machine that was every call.
		if day > 0 && p.w.quiet() {
			p.w.clk.Advance(day)
			p.w.sim.Expire(p.w.clk.Now().Time())
			day = 0
			looks = 0
		} else if day == 0 && !impatient && want == "returned" && looks >= 25 && p.w.quiet() {
			p.w.clk.Advance(2 * time.Hour)
			looks = 0
		}
		looks++
	}
}

// quiet tells that no wake-up is due or in a worker's hands.
func (w *town) quiet() bool {
	_, sent, oldest, err := w.env.Outbox.Counts(context.Background())
	return err == nil && sent == 0 && oldest == 0
}

// token is the code of a serial of one of the demo's goods.
func (w *town) token(t *testing.T, g *demoGoods, serial int64) string {
	t.Helper()
	tok, err := w.env.Codes.TokenOf(g.batch.ID, serial)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestStory follows a bottle from the shelf to the person's pocket on both rails, then
// again with each misfortune, and looks at the phone, the ledger and the bill numbers.
func TestStory(t *testing.T) {
	w := startTown(t, nil)
	misfortunes := []struct {
		name  string
		bad   []simulator.Misfortune
		state string // settled unless named
		rail  string // "" = both
	}{
		{name: "all is well"},
		{name: "WeChat pays, the connection drops", bad: []simulator.Misfortune{{Call: "payout", Kind: "commit_then_drop"}}},
		{name: "the answer comes too late", bad: []simulator.Misfortune{{Call: "payout", Kind: "delay", Delay: time.Second}}},
		{name: "WeChat answers 500 twice", bad: []simulator.Misfortune{{Call: "payout", Kind: "http_500", Count: 2}}},
		{name: "an unknown code", bad: []simulator.Misfortune{{Call: "payout", Kind: "unknown_code"}}},
		{name: "half an answer", bad: []simulator.Misfortune{{Call: "payout", Kind: "garbage_body"}}},
		{name: "the balance is short", bad: []simulator.Misfortune{{Call: "payout", Kind: "balance_short"}}},
		{name: "the access token expired", bad: []simulator.Misfortune{{Call: "user/info", Kind: "expired_token"}}},
		{name: "the notice comes twice", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "duplicate_notice"}}},
		{name: "the notice comes before the answer", rail: "transfer", bad: []simulator.Misfortune{{Call: "payout", Kind: "notice_before_answer"}}},
		{name: "the notice is lost", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "missing_notice", Count: 20}}},
		{name: "a forged notice", rail: "transfer", bad: []simulator.Misfortune{{Call: "notice", Kind: "forged_notice"}}},
		{name: "the person never takes it", state: "returned", bad: []simulator.Misfortune{{Call: "payout", Kind: "user_never_confirms"}}},
		{name: "the person cannot receive", state: "failed", bad: []simulator.Misfortune{{Call: "payout", Kind: "user_blocks"}}},
	}
	for _, g := range w.demo.shelf {
		serial := int64(0)
		for i, c := range misfortunes {
			if c.rail != "" && c.rail != g.rail {
				continue
			}
			t.Run(g.rail+"/"+c.name, func(t *testing.T) {
				w.sim.ClearMisfortunes()
				for _, m := range c.bad {
					if err := w.sim.SetMisfortune(m); err != nil {
						t.Fatal(err)
					}
				}
				// Until the code wins cash (the vinegar has other prizes): each try is a new person.
				for try := 0; ; try++ {
					serial++
					p := w.phone(t, fmt.Sprintf("%s%d-%d", g.rail, i, try), "上海")
					if w.buy(t, p, g, serial, c.state) {
						break
					}
				}
			})
		}
	}
	w.sim.ClearMisfortunes()
	w.books(t)
	if s := w.log.String(); strings.Contains(s, "level=ERROR") {
		t.Errorf("the program logged errors:\n%s", tail(s, 3000))
	}
}

// buy scans, claims and waits; false when the code won no cash.
func (w *town) buy(t *testing.T, p *phone, g *demoGoods, serial int64, want string) bool {
	t.Helper()
	if want == "" {
		want = "settled"
	}
	tok := w.token(t, g, serial)
	page := p.scan(tok)
	if !strings.Contains(page, "首次验证") || !strings.Contains(page, g.name) {
		t.Fatalf("not a first verdict:\n%s", tail(page, 1500))
	}
	packet := p.claim(page)
	first := p.state(packet)
	if first.State == "won" {
		return false
	}
	s := p.until(packet, want, want == "returned")
	if s.BillNo != first.BillNo || s.AmountFen != first.AmountFen || s.AmountFen < 100 {
		t.Errorf("bill or amount changed: %+v -> %+v", first, s)
	}
	wallet := w.sim.WalletFen(p.user)
	if (want == "settled") != (wallet == s.AmountFen) || (want != "settled" && wallet != 0) {
		t.Errorf("the phone holds %d fen, the packet of %d is %s", wallet, s.AmountFen, want)
	}
	if points, _ := p.get("/points"); !strings.Contains(points, "10") || !strings.Contains(points, g.name) {
		t.Errorf("the points page does not tell of the scan:\n%s", tail(points, 1200))
	}
	again := p.scan(tok)
	if !strings.Contains(again, "验证过") || formToken.MatchString(again) {
		t.Errorf("the same person again should see his own packet:\n%s", tail(again, 1500))
	}
	other := w.phone(t, p.user+"的邻居", "上海")
	if page := other.scan(tok); formToken.MatchString(page) || !strings.Contains(page, "若非本人") {
		t.Errorf("somebody else should be warned:\n%s", tail(page, 1500))
	}
	return true
}

// books compares all our payouts with all of WeChat's bills, and the ledger with both.
func (w *town) books(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	bills := map[string]simulator.Bill{}
	var paid int64
	for _, g := range w.demo.shelf {
		for _, b := range w.sim.Bills(g.mchID) {
			bills[b.BillNo] = b
			paid += b.PaidFen
		}
		if got := w.sim.BalanceFen(g.mchID); got > demoBalance {
			t.Errorf("merchant %s grew to %d fen", g.mchID, got)
		}
	}
	list, err := w.env.Packets.List(ctx, redpacket.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var ours int64
	for _, p := range list {
		b, ok := bills[p.BillNo]
		if !ok || b.AmountFen != int64(p.AmountFen) || (b.PaidFen > 0) != (p.State == redpacket.Settled) || p.Review {
			t.Errorf("bill %s: ours %s %d review=%v, WeChat's %+v", p.BillNo, p.State, p.AmountFen, p.Review, b)
		}
		if p.State == redpacket.Settled {
			ours += int64(p.AmountFen)
		}
		delete(bills, p.BillNo)
	}
	if len(bills) > 0 || ours != paid {
		t.Errorf("%d bills of WeChat's are not ours; we settled %d fen, WeChat paid %d", len(bills), ours, paid)
	}
	trial, err := w.env.Ledger.TrialBalance(ctx)
	if err != nil || !trial.Balanced {
		t.Errorf("%+v %v", trial, err)
	}
	for _, line := range trial.Lines {
		if line.Kind == ledger.Paid && line.Balance != paid {
			t.Errorf("the ledger says %d fen are paid, WeChat says %d", line.Balance, paid)
		}
		if line.Kind == ledger.Promised && line.Balance != 0 {
			t.Errorf("%d fen are still promised", line.Balance)
		}
	}
}
