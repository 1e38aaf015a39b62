// Package simulator is WeChat for one machine: an http.Handler that speaks
// WeChat's own wire protocol, so that the real client in package wechat is
// tested against signatures, token rules, windows and state machines instead of
// stubs, plus the page GET /sim/phone on which a person holds a pretended phone.
//
// It owns users, follows, chats, tokens, bills, merchant balances and WeCom corps, in memory
// and, with Options.File, from one run to the next (keep.go). It imports nothing of siyu: what it knows about the wire it wrote
// itself, so a mistake made on both sides by the same code cannot hide.
//
// Promises:
//   - no pay request without a good signature changes anything;
//   - money leaves a merchant at most once per bill number, and for every
//     merchant balance + open bills + paid bills is constant;
//   - with the same Seed, the same clock and the same order of calls, every
//     token, openid, number and key is the same;
//   - misfortunes (misfortune.go) happen exactly when they are ordered.
//
// Hosts are path prefixes (/api.weixin.qq.com/...) or Host headers. Everything
// that is neither a host nor /sim/ is the phone's in-app browser (proxy.go).
// Limits and error codes come from WeChat's public documentation; what is only
// remembered is marked [M] at its place.
package simulator

import (
	"context"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options says where the simulator stands. Now is required: the simulator has
// no clock of its own.
type Options struct {
	BaseURL          string // where this simulator is reached, e.g. "http://127.0.0.1:8090"
	AppURL           string // siyu's public base URL; the phone's browser proxies there
	Now              func() time.Time
	Log              *slog.Logger
	NoticeScale      float64       // 1 = WeChat's real retry schedule; 0 means 0.01
	CallbackDeadline time.Duration // how long siyu may take to answer a callback; 0 means WeChat's 5 s
	Seed             int64
	File             string // where the world is kept between runs; empty: nowhere
}

// Simulator is safe for concurrent use.
type Simulator struct {
	opts     Options
	now      func() time.Time
	log      *slog.Logger
	app      *url.URL // AppURL, nil when none was given
	client   *http.Client
	key      func() *rsa.PrivateKey // WeChat Pay's own key, derived when first needed
	keyID    string
	counter  atomic.Int64 // numbers everything that is minted
	routes   map[string]endpoint
	pages    http.Handler // /sim/...
	ctx      context.Context
	stop     context.CancelFunc
	requests ring

	mu          sync.Mutex // guards everything below
	closed      bool
	version     int64 // grows with every visible change; the page polls it
	apps        map[string]*app
	corps       map[string]*corp
	merchants   map[string]*merchant
	users       map[string]*user
	userOrder   []string
	openIDs     map[string]ident // openid -> who it is and where
	codes       map[string]*loginCode
	numberCodes map[string]numberCode
	numbers     map[string]string // user -> telephone number, when it was set
	snsTokens   map[string]*snsToken
	tickets     map[string]*sceneCode // QR ticket -> scene
	bills       billBook
	topUps      []topUp
	billFiles   map[string]billFile // by the token of their address
	misfortunes []*Misfortune
	suffered    map[string]int // misfortunes that happened, by call and kind
	demoCodes   func() []DemoCode
	nextSweep   time.Time
	flying      int            // outbound deliveries not finished
	idle        chan struct{}  // closed when flying is 0
	held        []heldDelivery // deliveries kept back by out_of_order_notice
	kept        memory         // of the last run, what was not asked for yet
	keptVersion int64
	keptAt      time.Time

	keeping sync.Mutex // one writer of the file at a time
}

// New builds an empty world. It panics if Options.Now is nil, which is a
// mistake of the program and not of its input.
func New(o Options) *Simulator {
	if o.Now == nil {
		panic("simulator: Options.Now is required")
	}
	if o.NoticeScale <= 0 {
		o.NoticeScale = 0.01
	}
	if o.CallbackDeadline <= 0 {
		o.CallbackDeadline = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	o.AppURL = strings.TrimSuffix(o.AppURL, "/")
	s := &Simulator{
		opts: o, now: o.Now, log: o.Log,
		key:         sync.OnceValue(func() *rsa.PrivateKey { return seededKey(fmt.Sprintf("platform/%d", o.Seed)) }),
		apps:        map[string]*app{},
		corps:       map[string]*corp{},
		merchants:   map[string]*merchant{},
		users:       map[string]*user{},
		openIDs:     map[string]ident{},
		codes:       map[string]*loginCode{},
		numberCodes: map[string]numberCode{}, numbers: map[string]string{},
		snsTokens: map[string]*snsToken{},
		tickets:   map[string]*sceneCode{},
		bills:     newBillBook(),
		billFiles: map[string]billFile{},
		suffered:  map[string]int{},
		idle:      make(chan struct{}),
	}
	close(s.idle)
	s.keyID = "PUB_KEY_ID_01" + digits(fmt.Sprintf("platform/%d", o.Seed), 28)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.client = &http.Client{
		Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 16},
		// WeChat does not follow a redirect from a callback address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.AppURL != "" {
		if u, err := url.Parse(o.AppURL); err == nil && u.Host != "" {
			s.app = u
		}
	}
	if o.File != "" {
		if err := s.recall(); err != nil {
			s.log.Warn("simulator: the last world cannot be read, a new one begins", "file", o.File, "error", err)
		}
	}
	s.routes = s.endpoints()
	s.pages = s.phonePages()
	return s
}

// Close stops every timer, waits until no delivery is in the air and keeps the world.
func (s *Simulator) Close() {
	s.mu.Lock()
	s.closed = true
	idle := s.idle
	s.held = nil
	s.mu.Unlock()
	s.stop()
	<-idle
	s.client.CloseIdleConnections()
	s.remember(true)
}

// Settle waits until every callback and notice has been accepted or given up,
// or ctx ends. Tests use it instead of sleeping.
func (s *Simulator) Settle(ctx context.Context) error {
	for {
		s.releaseHeld()
		s.mu.Lock()
		idle, busy := s.idle, s.flying > 0
		s.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("deliveries still in the air: %w", ctx.Err())
		}
	}
}

// fly runs one delivery in the background, counted for Settle and Close.
func (s *Simulator) fly(deliver func()) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.takeOff()
	s.mu.Unlock()
	go func() {
		defer s.land()
		deliver()
	}()
}

func (s *Simulator) takeOff() {
	if s.flying == 0 {
		s.idle = make(chan struct{})
	}
	s.flying++
}

func (s *Simulator) land() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying--; s.flying == 0 {
		close(s.idle)
	}
}

// The hosts WeChat answers under.
var hosts = [...]string{
	"api.weixin.qq.com", "mp.weixin.qq.com", "open.weixin.qq.com",
	"api.mch.weixin.qq.com", "qyapi.weixin.qq.com", "wework.qpic.cn",
}

// ServeHTTP routes by prefix first, then by Host header, then to the phone.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.sweep()
	s.remember(false)
	for _, h := range hosts {
		if rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/"+h+"/"); ok {
			s.serveHost(w, r, h, "/"+rest)
			return
		}
		if name, _, _ := strings.Cut(r.Host, ":"); name == h {
			s.serveHost(w, r, h, r.URL.EscapedPath())
			return
		}
	}
	if r.URL.Path == "/sim" || strings.HasPrefix(r.URL.Path, "/sim/") {
		s.pages.ServeHTTP(w, r)
		return
	}
	s.browse(w, r)
}
