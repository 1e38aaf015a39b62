package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tokenServer issues tokens "tok-1", "tok-2", ... like stable_token: the same one
// until it is told to end it.
type tokenServer struct {
	mu       sync.Mutex
	n        int
	dead     bool  // the present token is no longer accepted
	badCode  int   // what a dead token is answered with
	expires  int64 // 0 means 7200
	fetches  int
	sends    int
	accepted int
	gate     chan struct{} // when set, a fetch waits for it
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.gate != nil && r.URL.Path == "/api.weixin.qq.com/cgi-bin/stable_token" {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/api.weixin.qq.com/cgi-bin/stable_token":
		s.fetches++
		if s.n == 0 || s.dead {
			s.n, s.dead = s.n+1, false
		}
		fmt.Fprintf(w, `{"access_token":"tok-%d","expires_in":%d}`, s.n, max(s.expires, 7200*b2i(s.expires == 0)))
	case "/api.weixin.qq.com/cgi-bin/message/custom/send":
		s.sends++
		if s.dead || r.URL.Query().Get("access_token") != fmt.Sprintf("tok-%d", s.n) {
			fmt.Fprintf(w, `{"errcode":%d,"errmsg":"invalid credential, access_token %s is invalid or not latest, to %s"}`,
				max(s.badCode, 40001), r.URL.Query().Get("access_token"), openID)
			return
		}
		s.accepted++
		w.Write([]byte(`{"errcode":0,"errmsg":"ok"}`))
	default:
		http.NotFound(w, r)
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func TestAccessToken(t *testing.T) {
	ctx := context.Background()

	t.Run("many_calls_at_once_fetch_one_token", func(t *testing.T) {
		srv := &tokenServer{}
		c, _ := newTestClient(t, srv)
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				if err := c.SendText(ctx, official, openID, "您好"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if srv.fetches != 1 || srv.accepted != 40 {
			t.Errorf("fetches %d, accepted %d; want 1, 40", srv.fetches, srv.accepted)
		}
	})

	t.Run("two_processes_sharing_a_store_fetch_one_token", func(t *testing.T) {
		srv := &tokenServer{}
		web := httptest.NewServer(srv)
		defer web.Close()
		store := NewMemoryTokens()
		var wg sync.WaitGroup
		for range 2 {
			c, err := New(Options{Hosts: hostsAt(web.URL), Tokens: store, Now: (&fakeClock{t: noon}).now})
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				wg.Go(func() {
					if err := c.SendText(ctx, official, openID, "您好"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if srv.fetches != 1 {
			t.Errorf("fetches %d, want 1", srv.fetches)
		}
	})

	for _, code := range []int{40001, 40014, 42001} {
		t.Run(fmt.Sprintf("code_%d_is_retried_once_with_a_fresh_token", code), func(t *testing.T) {
			srv := &tokenServer{badCode: code}
			c, _ := newTestClient(t, srv)
			if err := c.SendText(ctx, official, openID, "a"); err != nil {
				t.Fatal(err)
			}
			srv.dead = true
			if err := c.SendText(ctx, official, openID, "b"); err != nil {
				t.Fatal(err)
			}
			if srv.fetches != 2 || srv.sends != 3 || srv.accepted != 2 {
				t.Errorf("fetches %d sends %d accepted %d; want 2 3 2", srv.fetches, srv.sends, srv.accepted)
			}
		})
	}

	t.Run("a_token_refused_twice_is_an_error_not_a_loop", func(t *testing.T) {
		var sends atomic.Int32
		c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api.weixin.qq.com/cgi-bin/stable_token" {
				w.Write([]byte(`{"access_token":"always-the-same","expires_in":7200}`))
				return
			}
			sends.Add(1)
			w.Write([]byte(`{"errcode":40001,"errmsg":"no"}`))
		}))
		if err := c.SendText(ctx, official, openID, "a"); ErrCode(err) != 40001 {
			t.Errorf("err %v, want 40001", err)
		}
		if sends.Load() != 2 {
			t.Errorf("sends %d, want 2", sends.Load())
		}
	})

	t.Run("a_late_loser_does_not_delete_the_new_token", func(t *testing.T) {
		store := NewMemoryTokens()
		c, err := New(Options{Hosts: hostsAt("http://127.0.0.1:1"), Tokens: store})
		if err != nil {
			t.Fatal(err)
		}
		fresh := Token{Value: "new", ExpiresAt: noon.Add(time.Hour)}
		if err := store.Put(ctx, tokenKey(official), fresh); err != nil {
			t.Fatal(err)
		}
		if err := c.drop(ctx, tokenKey(official), "old"); err != nil {
			t.Fatal(err)
		}
		if got, _ := store.Get(ctx, tokenKey(official)); got != fresh {
			t.Errorf("store has %v, want the new token", got)
		}
	})

	t.Run("a_token_near_its_end_is_fetched_again_and_a_short_one_is_used", func(t *testing.T) {
		srv := &tokenServer{expires: 300} // WeChat may answer as little
		c, clock := newTestClient(t, srv)
		for range 3 {
			if err := c.SendText(ctx, official, openID, "a"); err != nil {
				t.Fatal(err)
			}
		}
		if srv.fetches != 1 {
			t.Errorf("fetches %d, want 1 while the token lives", srv.fetches)
		}
		clock.advance(271 * time.Second)
		if err := c.SendText(ctx, official, openID, "a"); err != nil {
			t.Fatal(err)
		}
		if srv.fetches != 2 {
			t.Errorf("fetches %d, want 2 after the end", srv.fetches)
		}
	})

	t.Run("a_caller_who_leaves_neither_waits_nor_stops_the_fetch", func(t *testing.T) {
		srv := &tokenServer{gate: make(chan struct{})}
		c, _ := newTestClient(t, srv)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.SendText(gone, official, openID, "a"); err == nil {
			t.Error("a cancelled call succeeded")
		}
		close(srv.gate)
		if err := c.SendText(ctx, official, openID, "b"); err != nil {
			t.Fatal(err)
		}
		if srv.fetches != 1 {
			t.Errorf("fetches %d, want the first one to serve the second caller", srv.fetches)
		}
	})

	t.Run("while_another_process_fetches_we_wait_for_its_token", func(t *testing.T) {
		srv := &tokenServer{n: 1}
		web := httptest.NewServer(srv)
		defer web.Close()
		store := &leasedStore{TokenStore: NewMemoryTokens()}
		store.onLock = func() { store.Put(ctx, tokenKey(official), Token{Value: "tok-1", ExpiresAt: noon.Add(time.Hour)}) }
		c, err := New(Options{Hosts: hostsAt(web.URL), Tokens: store, Now: (&fakeClock{t: noon}).now})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SendText(ctx, official, openID, "a"); err != nil || srv.fetches != 0 || srv.accepted != 1 {
			t.Errorf("err %v, fetches %d, accepted %d; want nil, 0, 1", err, srv.fetches, srv.accepted)
		}
	})

	t.Run("a_lease_whose_holder_died_does_not_stop_us", func(t *testing.T) {
		srv := &tokenServer{}
		web := httptest.NewServer(srv)
		defer web.Close()
		store := &leasedStore{TokenStore: NewMemoryTokens(), onLock: func() {}}
		c, err := New(Options{Hosts: hostsAt(web.URL), Tokens: store, Timeout: time.Second, Now: (&fakeClock{t: noon}).now})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SendText(ctx, official, openID, "a"); err != nil || srv.fetches != 1 {
			t.Errorf("err %v, fetches %d; want nil, 1", err, srv.fetches)
		}
	})

	t.Run("an_answer_without_token_or_life_is_an_error", func(t *testing.T) {
		for _, answer := range []string{`{}`, `{"access_token":"x"}`, `{"access_token":"","expires_in":7200}`, `[]`, `<html>`, ``} {
			c, _ := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) }))
			if err := c.SendText(ctx, official, openID, "a"); err == nil {
				t.Errorf("%q was taken for a token", answer)
			}
		}
	})
}

// leasedStore is a store whose lease somebody else always holds.
type leasedStore struct {
	TokenStore
	onLock func()
}

func (s *leasedStore) Lock(context.Context, string, time.Duration) (func(), bool, error) {
	s.onLock()
	return nil, false, nil
}

func TestErrorsAndLogsTellNoSecret(t *testing.T) {
	ctx := context.Background()
	var log bytes.Buffer
	srv := &tokenServer{}
	web := httptest.NewServer(srv)
	clock := &fakeClock{t: noon}
	c, err := New(Options{Hosts: hostsAt(web.URL), Now: clock.now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SendText(ctx, official, openID, "a"); err != nil {
		t.Fatal(err)
	}
	srv.dead = true
	if err := c.SendText(ctx, official, openID, "a"); err != nil {
		t.Fatal(err)
	}
	if log.Len() == 0 {
		t.Error("a refused token should be logged")
	}
	mustNotTell(t, log.String(), "tok-", official.Secret, openID)

	// WeChat's own words quote token and openid.
	direct := c.post(ctx, "/cgi-bin/message/custom/send", query("access_token", "tok-stolen"), json.RawMessage(`{}`), nil, "tok-stolen")
	if ErrCode(direct) != 40001 {
		t.Fatalf("err %v", direct)
	}
	mustNotTell(t, direct.Error(), "tok-stolen", openID)

	// A dead server puts the whole address into the library's error.
	web.Close()
	for _, err := range []error{
		c.SendText(ctx, official, openID, "a"),
		func() error { _, err := c.OAuthLogin(ctx, official, "logincode123"); return err }(),
		func() error { _, err := c.MiniLogin(ctx, mini, "logincode123"); return err }(),
		func() error { _, err := c.Follower(ctx, official, openID); return err }(),
	} {
		if err == nil {
			t.Fatal("a dead server answered")
		}
		mustNotTell(t, err.Error(), "tok-", official.Secret, mini.Secret, openID, "logincode123")
	}
}
