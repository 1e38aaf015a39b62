package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"siyu/model/clock"
)

// asProgram makes the test binary the program itself: a process that a test can kill.
const asProgram = "SIYU_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if command := os.Getenv(asProgram); command != "" {
		os.Exit(run(context.Background(), strings.Fields(command), os.Getenv, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// child is the demo in a process of its own.
type child struct {
	t          *testing.T
	addr, data string
	command    string            // "": demo
	vars       map[string]string // of its environment, on top
	cmd        *exec.Cmd
	log        bytes.Buffer
}

func (p *child) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	command := "demo"
	if p.command != "" {
		command = p.command
	}
	p.cmd.Env = append(os.Environ(), asProgram+"="+command, "SIYU_ADDR="+p.addr, "SIYU_DATA="+p.data)
	for name, value := range p.vars {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the program is ready", func() bool {
		r, err := http.Get("http://" + p.addr + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// kill is kill -9: nothing of the program runs any more.
func (p *child) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // it ended by a signal
}

// office logs the administrator in with the password that the demo left.
func (p *child) office() *client {
	p.t.Helper()
	password, err := os.ReadFile(filepath.Join(p.data, "demo-password"))
	if err != nil {
		p.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &client{t: p.t, base: "http://" + p.addr + "/admin/api/v1", http: &http.Client{Jar: jar}, header: http.Header{"Content-Type": {"application/json"}}}
	c.login("admin", strings.TrimSpace(string(password)))
	return c
}

// ownAddr is an address for a program that is killed and must find it free when it starts
// again: none of those that the kernel gives to whoever asks for any (32768 and up).
func ownAddr(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.N(20_000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
}

// TestImportSurvivesKill kills the program twice while it imports: every row is
// done once, and everything is taken back by the undo.
func TestImportSurvivesKill(t *testing.T) {
	const rows = 12_000 // one in a hundred is bad
	p := &child{t: t, addr: ownAddr(t), data: t.TempDir()}
	p.start()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Log(tail(p.log.String(), 4000))
		}
	})
	var file strings.Builder
	file.WriteString("手机号,客户编号\n")
	for i := range rows {
		number := fmt.Sprintf("138%08d", i)
		if i%100 == 7 {
			number = "bad"
		}
		fmt.Fprintf(&file, "%s,C%d\n", number, i)
	}
	c := p.office()
	var brands []struct{ ID string }
	c.call("GET", "/brands", "", &brands)
	at := c.upload(brands[0].ID, file.String())
	var job struct {
		State string
		Done  int64 `json:"done_rows"`
		New   int64 `json:"new_rows"`
		Bad   int64 `json:"bad_rows"`
	}
	until := func(what string, enough func() bool) {
		t.Helper()
		eventually(t, what, func() bool { c.call("GET", at, "", &job); return enough() })
	}
	since := url.QueryEscape(clock.System().Now().String())
	members := func() int { // of those who came since; the demo's brand has others
		var list []any
		c.call("GET", "/members?limit=1&joined_from="+since, "", &list)
		return len(list)
	}
	before := members()
	c.call("PUT", at+"/mapping", `{"columns":[{"column":"手机号","to":"key:phone"},{"column":"客户编号","to":"key:crm"}]}`, nil)
	c.call("POST", at+"/dry-run", "", nil)
	until("checked", func() bool { return job.State == "checked" })
	if job.New != rows*99/100 || job.Bad != rows/100 {
		t.Fatalf("dry run: %+v", job)
	}
	c.call("POST", at+"/run", "", nil)
	for _, part := range []int64{rows / 10, rows / 2} {
		until("some of the rows", func() bool { return job.Done >= part })
		if job.State != "running" {
			t.Fatalf("killed too late to show anything: %+v", job)
		}
		p.kill()
		p.start()
	}
	until("done", func() bool { return job.State == "done" })
	if job.New != rows*99/100 || job.Bad != rows/100 || members() == before {
		t.Errorf("%+v", job)
	}
	var found []any
	c.call("GET", "/members?phone_tail=0001&limit=100", "", &found)
	if len(found) != 2 { // 13800000001, 13800010001
		t.Errorf("%d members with the tail 0001", len(found))
	}
	c.call("POST", at+"/undo", "", nil)
	until("undone", func() bool { return job.State == "undone" })
	if n := members(); n != before {
		t.Errorf("%d members are left, before there were %d", n, before)
	}
}
