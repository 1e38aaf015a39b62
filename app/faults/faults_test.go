package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/db"
)

// fails runs a plan and says what it broke; the report goes to the test's log when it
// is not what was wanted.
func fails(t *testing.T, p plan) (broken map[string]string, report func() string) {
	t.Helper()
	var out bytes.Buffer
	p.out = &out
	v, err := run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return v.broken(), func() string {
		v.print(&out)
		v.explain(&out)
		return out.String()
	}
}

// watch looks at every file that siyu is built from. go test remembers what a test looked
// at, and runs it again when that changed; of what a built program was made of, it would
// know nothing.
func watch(t *testing.T) {
	t.Helper()
	const root = "../.."
	files := 0
	for _, dir := range []string{"app", "config", "handler", "job", "model", "wechat", "go.mod"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			files++
			_, err = os.Stat(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 200 {
		t.Fatalf("only %d files were looked at", files)
	}
}

// TestCampaign is the short form of scripts/faults: a storm on every engine that is
// there breaks no invariant, and each build that lacks one guard is caught by the
// invariant that it breaks. A failure prints its seed; scripts/faults -seed replays it.
func TestCampaign(t *testing.T) {
	watch(t)
	siyu, clean, err := program(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(clean)
	storms := []plan{{engine: db.SQLite, seed: 7, lasts: 25 * time.Second, kills: 8}}
	// The servers are installed where scripts/test has brought its own up; these towns
	// start theirs, because they kill them.
	withServers := os.Getenv("SIYU_TEST_MYSQL") != ""
	if withServers {
		storms = append(storms, plan{engine: db.MySQL, seed: 8, lasts: 35 * time.Second, kills: 12})
	}
	for _, p := range storms {
		t.Run("a storm on "+p.engine+" breaks nothing", func(t *testing.T) {
			p.clients, p.siyu, p.patience = 8, siyu, 4*time.Minute
			broken, report := fails(t, p)
			if len(broken) > 0 {
				t.Fatalf("broken: %v\n%s", broken, report())
			}
		})
	}
	// A build may lack several guards where each shows in a check of its own.
	type guard struct {
		engine, left, caught string
		script               func(*town) []event
	}
	guards := []guard{
		{db.SQLite, "", "", drillAll},
		{db.SQLite, "guard", "ask_first", drill},
		{db.SQLite, "bill", "bill_by_bill", drill},
		{db.SQLite, "twice", "book_paid", drill},
		{db.SQLite, "again", "push_once,staff_once", drillAll},
		{db.SQLite, "back,stop,sent", "staff_back,staff_stopped,staff_said", drillStaff},
	}
	if withServers { // SQLite's one writer would refuse a second writer at once
		guards = append(guards, guard{db.MySQL, "enqueue", "outbox_done", drill})
	}
	t.Run("drill", func(t *testing.T) {
		for _, g := range guards {
			name := "without " + g.left + " " + g.caught + " is broken"
			if g.left == "" {
				name = "with every guard nothing is broken"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := plan{engine: g.engine, seed: 9, lasts: drillLasts, clients: 6, siyu: siyu, broken: g.left, patience: 4 * time.Minute, script: g.script}
				if g.left == "" {
					if broken, report := fails(t, p); len(broken) > 0 {
						t.Fatalf("broken: %v\n%s", broken, report())
					}
					return
				}
				// What is broken does not come to rest, and has to show within a while: longer
				// where the machine is slow.
				for _, p.patience = range []time.Duration{15 * time.Second, time.Minute, 3 * time.Minute} {
					broken, report := fails(t, p)
					if !slices.ContainsFunc(strings.Split(g.caught, ","), func(check string) bool { return broken[check] == "" }) {
						return
					}
					t.Logf("not caught in %s: %v\n%s", p.patience, broken, report())
				}
				t.Errorf("%s is not caught", g.left)
			})
		}
	})
}
