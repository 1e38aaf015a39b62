package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"siyu/config"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/push"
)

// ear plays WeChat: it gives tokens and counts who was told what.
type ear struct {
	mu    sync.Mutex
	heard map[string]int
	pause time.Duration // how long an answer takes
}

func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/cgi-bin/message/custom/send" {
		fmt.Fprint(w, `{"access_token":"T","expires_in":7200}`)
		return
	}
	var in struct {
		ToUser string `json:"touser"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	e.mu.Lock()
	e.heard[in.ToUser]++
	e.mu.Unlock()
	select { // some of them are on their way when the program is killed
	case <-r.Context().Done():
	case <-time.After(e.pause):
	}
	fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
}

func (e *ear) people() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

// TestPushSurvivesKill kills the program twice while it sends, with messages on their way:
// nobody is told twice, and everybody is told or named as unknown.
func TestPushSurvivesKill(t *testing.T) {
	const people = 1500
	ctx := context.Background()
	listener := &ear{heard: map[string]int{}, pause: 20 * time.Millisecond}
	wx := httptest.NewServer(listener)
	defer wx.Close()
	p := &child{t: t, addr: ownAddr(t), data: t.TempDir()}
	vars := map[string]string{"SIYU_ADDR": p.addr, "SIYU_DATA": p.data, "SIYU_ENV": config.Demo, "SIYU_WECHAT_API_URL": wx.URL}
	cfg, err := config.Load(func(name string) string { return vars[name] })
	if err != nil {
		t.Fatal(err)
	}
	open := func(clk clock.Clock) *environment {
		t.Helper()
		e, err := openEnvironment(ctx, cfg, clk)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open(clock.System())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := &pushCrowd{environment: e}
	must(c.plant(ctx, people))
	x, err := c.begin(ctx)
	must(err)
	must(e.Close())

	p.command, p.vars = "serve", vars
	p.start()
	over := false
	t.Cleanup(func() {
		if !over {
			p.kill()
		}
		if t.Failed() {
			t.Log(tail(p.log.String(), 4000))
		}
	})
	for _, part := range []int{people / 10, people / 2} {
		eventually(t, "some are told", func() bool { return listener.people() >= part })
		p.kill()
		if n := listener.people(); n >= people {
			t.Fatalf("killed too late to show anything: %d", n)
		}
		p.start()
	}
	reader, err := db.Connect(ctx, db.Options{Driver: db.SQLite, DSN: filepath.Join(p.data, "siyu.db"), Clock: clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	eventually(t, "nobody waits any more", func() bool {
		var n int
		err := reader.Read(ctx).Raw("SELECT COUNT(*) FROM push_delivery WHERE run_id = ? AND state = 'waiting'", x.ID).Scan(&n).Error
		return err == nil && n == 0
	})
	// What nobody knows is settled minutes later: by a program whose clock is ahead.
	p.kill()
	over = true
	late := clock.NewFake(clock.System().Now().Add(10 * time.Minute))
	e = open(late)
	defer e.Close()
	var lanes []id.ID
	must(e.DB.Read(ctx).Raw("SELECT id FROM push_lane WHERE run_id = ?", x.ID).Scan(&lanes).Error)
	for _, lane := range lanes {
		for range 10 {
			_, wave, err := e.Pushes.Take(ctx, lane, 64)
			must(err)
			if len(wave.Parcels) > 0 {
				t.Fatalf("%d would be told again", len(wave.Parcels))
			}
			if !wave.On {
				break
			}
		}
	}
	n, err := e.Pushes.Numbers(ctx, x.ID)
	must(err)
	if n.State != push.Done || n.People != people || n.Sent+n.Unknown != people || n.Unknown > 2*8*64 {
		t.Errorf("%+v", n)
	}
	var list []struct {
		OpenID string `gorm:"column:openid"`
		State  string
	}
	must(e.DB.Read(ctx).Raw("SELECT t.openid, d.state FROM push_delivery d JOIN reach_ticket t ON t.id = d.ticket_id WHERE d.run_id = ?", x.ID).Scan(&list).Error)
	if len(list) != people {
		t.Errorf("%d copies have a place in the ledger", len(list))
	}
	for _, d := range list {
		if times := listener.heard[d.OpenID]; times > 1 || d.State == push.Sent && times != 1 {
			t.Errorf("%s is %s and was told %d times", d.OpenID, d.State, times)
		}
	}
	t.Logf("%d sent, %d unknown, of whom %d were told", n.Sent, n.Unknown, listener.people()-int(n.Sent))
}
