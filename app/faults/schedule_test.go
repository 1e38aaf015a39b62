package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
)

// TestSchedule: the same seed draws the same storm, another seed another one, and a
// storm does everything that the engine knows.
func TestSchedule(t *testing.T) {
	draw := func(engine string, seed uint64) string {
		town := &town{plan: plan{engine: engine, seed: seed, lasts: 2 * time.Minute, kills: 30}, stores: &stores{shelf: newShelf(100)}}
		var b strings.Builder
		for _, e := range town.schedule() {
			fmt.Fprintln(&b, e.at, e.what)
		}
		return b.String()
	}
	for _, engine := range []string{db.SQLite, db.MySQL} {
		first := draw(engine, 5)
		if draw(engine, 5) != first {
			t.Errorf("%s: a seed drew two storms", engine)
		}
		if draw(engine, 6) == first {
			t.Errorf("%s: two seeds drew one storm", engine)
		}
		for _, k := range rates() {
			if has := strings.Contains(first, k.what); has != (engine == db.MySQL || !k.mysql) {
				t.Errorf("%s: %s is there: %v", engine, k.what, has)
			}
		}
		if n := strings.Count(first, "kill -9"); n != 30 {
			t.Errorf("%s: %d kills", engine, n)
		}
	}
}

// TestWire: a number that is sent again must have been asked for, on both rails.
func TestWire(t *testing.T) {
	w := newWire(http.NotFoundHandler())
	call := func(method, path, body string) {
		w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/api.mch.weixin.qq.com"+path, strings.NewReader(body)))
	}
	redpack := func(path, number string) {
		call("POST", path, "<xml><mch_billno><![CDATA["+number+"]]></mch_billno></xml>")
	}
	call("POST", transferPath, `{"out_bill_no":"A1","transfer_amount":1}`)
	call("GET", askTransfer+"A1", "")
	call("POST", transferPath, `{"out_bill_no":"A1","transfer_amount":1}`)
	redpack(sendRedpack, "B1")
	redpack(askRedpack, "B1")
	redpack(sendRedpack, "B1")
	if bad := w.unasked(); len(bad) != 0 {
		t.Fatal(bad)
	}
	call("POST", transferPath, `{"out_bill_no":"A1","transfer_amount":1}`)
	redpack(sendRedpack, "B2")
	redpack(sendRedpack, "B2")
	if bad := w.unasked(); len(bad) != 2 || !strings.HasPrefix(bad[0], "A1") || !strings.HasPrefix(bad[1], "B2") {
		t.Fatal(bad)
	}
}

// TestWireOfStaff: what the staff are asked to send is kept with since when the oldest worker
// ran that may have asked, and comes to WeCom whole.
func TestWireOfStaff(t *testing.T) {
	whole := ""
	w := newWire(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if whole = string(body); err != nil {
			t.Error(err)
		}
	}))
	began := clock.System().Now()
	p := &process{args: []string{"work"}, lives: []life{{began.Add(-time.Hour), began.Add(-time.Minute)}, {began.Add(-time.Minute), began}, {began.Add(-time.Second), 0}}}
	town := &town{procs: []*process{{args: []string{"web"}, lives: []life{{began.Add(-time.Hour), 0}}}, p}}
	w.oldest = town.oldest
	const body = `{"chat_type":"single","text":{"content":"员工群发 7"}}`
	w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/qyapi.weixin.qq.com"+askStaff, strings.NewReader(body)))
	if got := w.tasks(); len(got) != 1 || got[0] != (asked{"员工群发 7", began.Add(-time.Minute)}) || whole != body {
		t.Errorf("%+v, WeCom got %s", got, whole)
	}
	p.lives = p.lives[:1]
	if at := town.oldest(); at != 0 {
		t.Errorf("a worker that is long dead runs since %s", at.Local())
	}
}

// TestPlaces: a place that was renamed would never be passed, and nobody would notice.
// Every place that the storm kills at is in the source that it names.
func TestPlaces(t *testing.T) {
	source := func(pattern string) string {
		files, err := filepath.Glob(filepath.Join("..", "..", pattern, "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("no source in %s: %v", pattern, err)
		}
		var b strings.Builder
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(name, "_test.go") {
				b.Write(text)
			}
		}
		return b.String()
	}
	outward := source("job") + source("handler/*")
	for _, place := range slices.Concat(webPlaces, workPlaces) {
		point, at, _ := strings.Cut(place, "@")
		if !strings.HasPrefix(point, "commit.") {
			if !strings.Contains(outward, `fail.Point("`+point+`")`) {
				t.Errorf("nothing passes %s", place)
			}
			continue
		}
		dir, method, narrow := strings.Cut(at, ".(*")
		text := source(dir)
		if narrow { // the commit must stand in that very method
			_, after, found := strings.Cut(method, ").")
			start := regexp.MustCompile(`(?m)^func \(\w+ \*\w+\) ` + regexp.QuoteMeta(after) + `\(`).FindStringIndex(text)
			if !found || start == nil {
				t.Errorf("%s is not there", place)
				continue
			}
			text, _, _ = strings.Cut(text[start[0]+1:], "\nfunc ")
		}
		if !regexp.MustCompile(`\.In(Fresh)?Tx\(`).MatchString(text) {
			t.Errorf("nothing passes %s", place)
		}
	}
}

// TestMissing: a storm that lacks something says what, and one that lacks nothing is
// whole.
func TestMissing(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.MySQL} {
		town := &town{plan: plan{engine: engine, kills: 2}, disk: &disk{mounted: true}}
		had := map[string]int{}
		all := town.missing(had)
		for _, name := range all {
			had[strings.NewReplacer("WeChat: payout.query ", "WeChat: gethbinfo ", "WeChat: payout ", "WeChat: transfer.create ").Replace(name)] = 2
		}
		if left := town.missing(had); len(left) != 0 {
			t.Errorf("%s: a whole storm lacks %v", engine, left)
		}
		for _, name := range []string{"kills", "clock jumps", "disk full", noRoom, "deaf workers held up", "WeChat: notice missing_notice", "killed at send.after"} {
			delete(had, name)
			if left := town.missing(had); !slices.Equal(left, []string{name}) {
				t.Errorf("%s: without %s it lacks %v", engine, name, left)
			}
			had[name] = 2
		}
	}
	if n := read(strings.NewReader("a\nx: database or disk is full (13)\nfail: stalled at send.before@job\nno end: i/o timeout, disk is full")); n["said: disk full"] != 2 || n["deaf workers held up"] != 1 {
		t.Errorf("read %v", n)
	}
}
