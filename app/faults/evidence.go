package main

import (
	"bufio"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"siyu/model/db"
)

// A storm that forgot something proves nothing about it. Everything here says what the
// town really went through, so that a long run without one of the faults fails.

// noRoom is how an operator reads of a print file that met a full disk.
const noRoom = "print files failed: 磁盘空间不足"

// whole is how long a storm must last to be expected to hold everything.
const whole = 10 * time.Minute

// Words that siyu's logs have for what it felt.
var felt = map[string][]string{
	"said: disk full":          {"disk is full", "no space left on device", "file too large"},
	"said: database is locked": {"database is locked", "SQLITE_BUSY"},
	"said: time is up":         {"context deadline exceeded"},
	"said: rows were silent":   {"rows were silent"},
	"said: outcome unknown":    {"commit_unknown"},
	"said: connection lost":    {"invalid connection", "bad connection", "connection reset", "unexpected EOF", "broken pipe"},
	"said: connection refused": {"connection refused"},
	"deaf workers held up":     {"fail: stalled at"},
	"said: a worker panicked":  {"worker panicked"},
}

// read counts the lines of a log by what they are about.
func read(log io.Reader) map[string]int {
	n := map[string]int{}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		for name, words := range felt {
			for _, word := range words {
				if strings.Contains(line, word) {
					n[name]++
					break
				}
			}
		}
		if err != nil {
			return n
		}
	}
}

// watch samples what nobody else counts until ctx ends.
func (t *town) watch(ctx context.Context) {
	last := map[string]int64{}
	for pause(ctx, 500*time.Millisecond) {
		t.tally.most("relays and schedulers at once", t.running("work")+t.running("serve"))
		t.tally.most("web processes at once", t.running("web")+t.running("serve"))
		if t.engine != db.MySQL {
			continue
		}
		var rows []struct {
			Name  string
			Count int64
		}
		ask, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := t.db.Read(ask).Raw("SELECT name, count FROM information_schema.innodb_metrics WHERE name IN ('lock_deadlocks', 'lock_timeouts')").Scan(&rows).Error
		cancel()
		if err != nil {
			continue
		}
		for _, r := range rows {
			if r.Count < last[r.Name] { // the server began again
				last[r.Name] = 0
			}
			name := map[string]string{"lock_deadlocks": "deadlocks", "lock_timeouts": "lock wait time-outs"}[strings.ToLower(r.Name)]
			t.tally.add(name, int(r.Count-last[r.Name]))
			last[r.Name] = r.Count
		}
	}
}

func (t *town) running(kind string) (n int) {
	for _, p := range t.procs {
		if p.args[0] == kind && p.runs() {
			n++
		}
	}
	return n
}

// evidence is everything that was counted, by name.
func (t *town) evidence() map[string]int {
	t.tally.mu.Lock()
	n := maps.Clone(t.tally.n)
	t.tally.mu.Unlock()
	for name, count := range t.sim.Suffered() {
		n["WeChat: "+name] = count
	}
	n["WeChat answered after the caller's time"] = t.wire.tooLate()
	for _, p := range t.procs {
		for name, count := range read(io.NewSectionReader(p.log, 0, 1<<40)) {
			n[name] += count
		}
	}
	return n
}

// missing names what a storm should have held and did not.
func (t *town) missing(n map[string]int) []string {
	var out []string
	need := func(name string, least int) {
		if n[name] < least {
			out = append(out, name)
		}
	}
	for _, k := range rates() {
		if !k.mysql || t.engine == db.MySQL {
			need(k.what, 1)
		}
	}
	for _, group := range ills {
		for _, kind := range group.kinds {
			count := 0
			for _, call := range group.calls() {
				count += n["WeChat: "+call+" "+kind]
			}
			if count == 0 {
				out = append(out, "WeChat: "+group.call+" "+kind)
			}
		}
	}
	for _, place := range slices.Concat(webPlaces, workPlaces) {
		met := false
		for name := range n {
			met = met || strings.HasPrefix(name, "killed at "+place)
		}
		if !met {
			out = append(out, "killed at "+place)
		}
	}
	for _, name := range []string{"clock jumps across midnight", "WeChat answered after the caller's time", "deaf workers held up",
		"payouts settled", "payouts returned", "payouts failed", "campaign ended", "pushes paused", "push copies sent", "push copies unknown",
		"pushes stopped", "tasks of staff taken back", "staff copies taken back", "staff copies sent"} {
		need(name, 1)
	}
	need("kills", t.kills)
	if t.disk.mounted && !slices.ContainsFunc(slices.Collect(maps.Keys(n)), func(name string) bool { return strings.HasPrefix(name, noRoom) }) {
		out = append(out, noRoom)
	}
	if t.engine == db.SQLite {
		need("rows locked past the time-out", 1)
		need("said: disk full", 1)
		return out
	}
	for _, name := range []string{"deadlocks", "lock wait time-outs", "connections cut in a transaction", "said: connection lost"} {
		need(name, 1)
	}
	need("relays and schedulers at once", 2)
	need("web processes at once", 2)
	return out
}
