package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	"siyu/wechat/simulator"
)

var formToken = regexp.MustCompile(`action="([^"]*/claim)"[\s\S]*?name="form_token" value="([^"]+)"`)

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
