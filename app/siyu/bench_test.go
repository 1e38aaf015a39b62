package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/db"
)

// Every subject, tiny: what it measured agrees with what it stored (or it would have
// failed), its last line is one a program can read, and its folder is gone.
func TestBenchesEndWithALineForPrograms(t *testing.T) {
	claimLine := `claim raw64=(\d+) gorm64=(\d+) call64=(\d+) http64=(\d+) call_ratio=([\d.]+) gorm_ratio=([\d.]+) http_ratio=([\d.]+)`
	eventsLine := `events api_per_s=(\d+) bulk_per_s=(\d+) raw_per_s=(\d+) api_ratio=([\d.]+) bulk_ratio=([\d.]+)`
	identityLine := `identity resolve_per_s=(\d+) join_per_s=(\d+) upsert_per_s=(\d+) ratio=([\d.]+)`
	treeLine := `tree`
	for _, what := range []string{"bind", "binds", "bind_bare", "binds_bare", "upline", "referrer", "ancestors", "counters", "root", "screen", "move"} {
		treeLine += ` ` + what + `_ms=([\d.]+) ` + what + `_ratio=([\d.]+)`
	}
	treeLine += ` check_per_s=(\d+) check_step_ms=(\d+)`
	segmentLine := `segment members=5000 cold_ms=(\d+) cold_file_ms=(\d+) count_ms=([\d.]+) named_ms=([\d.]+) change_ms=([\d.]+) sql_count_ms=(\d+) sql_named_ms=(\d+) ratio=(\d+) mib_per_million=(-?[\d.]+)`
	pushLine := `push people=300 messages_per_s=(\d+) sent_per_s=(\d+) asynq_per_s=(\d+) ratio=([\d.]+)`
	cases := []struct {
		name, args, line string
		says             []string // on the way
	}{
		{"tokens", "tokens --seconds 0.1", `tokens issue_per_s=(\d+) verify_per_s=(\d+) fpe_per_s=(\d+) ratio=([\d.]+) verify_allocs=0`, []string{"capitalone/fpe"}},
		{"issue", "issue --count 2000 --pictures 100", `issue codes_per_s=(\d+) peak_mb=(\d+) svg_per_s=(\d+) png_per_s=(\d+) pdf_per_s=(\d+) skip2_png_per_s=(\d+) png_ratio=([\d.]+)`,
			[]string{"encrypted pdf", "skip2"}},
		{"claim", "claim --seconds 0.1 --clients 1,4", claimLine, []string{"GORM transaction", "over HTTP", "trial balance 0 fen"}},
		{"scan", "scan --seconds 0.1 --clients 4", `scan genuine_per_s=(\d+) forged_per_s=(\d+) forged_ratio=([\d.]+) genuine_p99_ms=([\d.]+)`, []string{"page, forged", "API, first look"}},
		{"events", "events --seconds 0.1 --clients 2 --people 50", eventsLine, []string{"signed API", "bulk import", "for consumers"}},
		{"identity", "identity --keys 5000 --seconds 0.1 --clients 2", identityLine, []string{"with evidence", "upsert per key"}},
		{"tree", "tree -n 20000 --seconds 0.1 --clients 2", treeLine, []string{"20 levels", "first screen", "every counter right"}},
		{"push", "push --people 300", pushLine, []string{"Asynq: tasks with the same call done", "messages sent and booked"}},
		{"segment", "segment --engine sqlite --members 5000 --seconds 0.1", segmentLine, []string{"memory: "}},
		{"payout", "payout --packets 40 --tasks 100", `payout settled_per_s=(\d+) asynq_per_s=(\d+) ratio=([\d.]+) signatures_per_s=(\d+) ceiling_ratio=([\d.]+)`, []string{"WeChat paid 4000 fen for 40 packets", "trial balance 0 fen"}},
	}
	if dsn := os.Getenv("SIYU_TEST_MYSQL"); dsn != "" {
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"events on mysql", "events --engine mysql --seconds 0.1 --clients 2 --people 50 --dsn " + dsn, eventsLine, []string{"for consumers"}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"segment on mysql", "segment --members 5000 --seconds 0.1 --dsn " + dsn, segmentLine, []string{"memory: "}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"identity on mysql", "identity --engine mysql --keys 5000 --seconds 0.1 --clients 2 --dsn " + dsn, identityLine, []string{"with evidence"}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"tree on mysql", "tree --engine mysql -n 5000 --seconds 0.1 --clients 2 --dsn " + dsn, treeLine, []string{"every counter right"}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"seed on mysql", "seed -members 1000 -scans 10000 -check --dsn " + dsn, `seed members=1000 scans=10000 fill_s=\d+ pages=\d\d+ p50_ms=([\d.]+) p99_ms=([\d.]+) slow=\d+ refused=\d+ broken=0`, []string{"invariants recomputed, 0 broken,", "figures of audience and pushes recomputed, 0 broken"}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"push on mysql", "push --engine mysql --people 300 --dsn " + dsn, pushLine + ` statements=([\d.]+) commits=([\d.]+)`, []string{"a message sent and booked: "}})
		cases = append(cases, struct {
			name, args, line string
			says             []string
		}{"claim on mysql", "claim --engine mysql --seconds 0.1 --clients 4 --dsn " + dsn, claimLine, []string{"trial balance 0 fen"}})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			var b bytes.Buffer
			if code := run(context.Background(), append([]string{"bench"}, strings.Fields(c.args)...), func(string) string { return "" }, &b, &b); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, b.String())
			}
			out := b.String()
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			m := regexp.MustCompile("^" + c.line + "$").FindStringSubmatch(lines[len(lines)-1])
			if m == nil {
				t.Fatalf("the last line is %q", lines[len(lines)-1])
			}
			for _, text := range m[1:] {
				if n, err := strconv.ParseFloat(text, 64); err != nil || n < 0 {
					t.Errorf("%q in %q is no figure", text, lines[len(lines)-1])
				}
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestBenchRefuses(t *testing.T) {
	for args, want := range map[string]string{
		"":                      "subject",
		"speed":                 "subject",
		"claim --seconds 61":    "--seconds",
		"claim --clients 0":     "--clients",
		"claim --clients 8,x":   "--clients",
		"claim --engine oracle": "--engine",
		"claim --engine mysql --dsn root@tcp(db.example.cn:3306)/": "not this machine",
		"tree -n 10":                           "-n",
		"tree --clients 0":                     "--clients",
		"identity --keys 1":                    "--keys",
		"identity --clients 0":                 "--clients",
		"events --people 0":                    "--people",
		"events --clients 65":                  "--clients",
		"scan --seconds NaN":                   "--seconds",
		"payout --packets 0":                   "--packets",
		"payout --rail cheque":                 "--rail",
		"payout --redis redis.example.cn:6379": "not this machine",
		"issue --pictures 0":                   "--pictures",
	} {
		var b bytes.Buffer
		code := run(context.Background(), append([]string{"bench"}, strings.Fields(args)...), func(string) string { return "" }, io.Discard, &b)
		if code == 0 || !strings.Contains(b.String(), want) {
			t.Errorf("bench %s: code %d, %s", args, code, b.String())
		}
	}
}

// A figure of a run that lost or invented a claim must never be printed.
func TestBenchBooksNoticeAClaimThatIsNotThere(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := worldOptions{benchOptions: benchOptions{engine: db.SQLite}, codes: 3, members: 1, rail: brand.RailTransfer, payApp: demoMini}
	err := inWorld(context.Background(), o, func(ctx context.Context, w *benchWorld) error {
		for range 3 {
			tok, serial, err := w.token()
			if err != nil {
				return err
			}
			c, err := w.check(ctx, tok, serial)
			if err != nil {
				return err
			}
			if _, err := w.env.Claims.Make(ctx, c, w.members[0].who); err != nil {
				return err
			}
		}
		if _, _, err := w.token(); !errors.Is(err, errEnough) {
			t.Errorf("a fourth of three codes: %v", err)
		}
		if err := w.books(ctx, io.Discard, 3); err != nil {
			t.Errorf("books of a good run: %v", err)
		}
		for _, wrong := range []int64{2, 4} {
			if w.books(ctx, io.Discard, wrong) == nil {
				t.Errorf("%d claims acknowledged, 3 rows: nothing was said", wrong)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLatenciesKnowTheirPercentiles(t *testing.T) {
	var l latencies
	for i := 1; i <= 1000; i++ {
		l.add(time.Duration(i) * time.Millisecond)
	}
	for part, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 0: time.Millisecond} {
		if got := l.at(part); got < want || float64(got) > 1.04*float64(want) {
			t.Errorf("%.2f is %s, want %s and at most 4%% more", part, got, want)
		}
	}
	var short latencies
	for _, d := range []time.Duration{0, 1, 31, 63, 64, -5} {
		short.add(d)
	}
	if short.total() != 6 || short.at(0.99) > 66 {
		t.Errorf("%d samples, highest %d ns", short.total(), short.at(0.99))
	}
}

func TestLoadEndsWithTheFirstErrorAndWithTheMaterial(t *testing.T) {
	bad := errors.New("bad")
	_, err := load(context.Background(), 4, 60, func(_ context.Context, client int) error {
		if client == 2 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("%v", err)
	}
	left := make(chan struct{}, 10)
	for range 10 {
		left <- struct{}{}
	}
	f, err := load(context.Background(), 4, 60, func(context.Context, int) error {
		select {
		case <-left:
			return nil
		default:
			return errEnough
		}
	})
	if err != nil || f.done != 10 {
		t.Errorf("%+v %v", f, err)
	}
}
