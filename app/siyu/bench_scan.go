package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"

	"siyu/model/brand"
	"siyu/model/code/token"
)

// benchScan measures what a scan costs over HTTP: of a code that nobody has seen, by
// a member who is logged in (the dearest: it becomes a first verification); of the
// same code again; and of forged ones, each from another address, as an attacker with
// many machines would send them.
func benchScan(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench scan", flag.ContinueOnError)
	f.SetOutput(out)
	o := worldOptions{codes: 50_000_000, rail: brand.RailTransfer, payApp: demoMini}
	o.flags(f)
	seconds, clients := secondsFlag(f, 3), f.String("clients", "64", "how many at once; the last line is of the most")
	if err := f.Parse(args); err != nil {
		return err
	}
	list, err := clientList(*clients)
	if err == nil {
		err = within(*seconds)
	}
	if err != nil {
		return err
	}
	most := slices.Max(list)
	o.members = most
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		conns, closeAll := dialMany(w.cfg.Addr, most)
		defer closeAll()
		s := &scanBench{w: w, conns: conns, seen: make([]string, most)}
		r := newReport(out, o.engine)
		for _, n := range list {
			for _, subject := range []struct {
				name string
				op   func(ctx context.Context, client int) error
			}{{"page, first look", s.page}, {"page, again", s.again}, {"page, forged", s.forgedPage}, {"API, first look", s.api}, {"API, forged", s.forgedAPI}} {
				found, err := load(ctx, n, *seconds, subject.op)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", subject.name, n, err)
				}
				r.add(subject.name, n, found)
			}
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		if err := s.verify(ctx, out); err != nil {
			return err
		}
		genuine, forged := r.rows[reportKey("page, first look", most)], r.rows[reportKey("page, forged", most)]
		_, err = fmt.Fprintf(out, "scan genuine_per_s=%.0f forged_per_s=%.0f forged_ratio=%.2f genuine_p99_ms=%.1f\n",
			genuine.perSecond, forged.perSecond, forged.perSecond/genuine.perSecond, ms(genuine.p99))
		return err
	})
}

// scanBench sends scans and looks at what the person would read.
type scanBench struct {
	w      *benchWorld
	conns  []*benchConn
	seen   []string     // the code that each client looked at last
	firsts atomic.Int64 // first verifications that were shown
	forger atomic.Int64 // one address each
}

func (s *scanBench) page(_ context.Context, client int) error {
	tok, _, err := s.w.token()
	if err != nil {
		return err
	}
	m, c := s.w.members[client], s.conns[client]
	s.seen[client] = tok
	s.firsts.Add(1)
	return s.read(c, c.get("/q/"+tok, m.ip, m.cookie), "首次验证")
}

func (s *scanBench) again(ctx context.Context, client int) error {
	if s.seen[client] == "" {
		return s.page(ctx, client)
	}
	m, c := s.w.members[client], s.conns[client]
	return s.read(c, c.get("/q/"+s.seen[client], m.ip, m.cookie), "您已验证过")
}

func (s *scanBench) forgedPage(_ context.Context, client int) error {
	c := s.conns[client]
	return s.read(c, c.get("/q/"+forgedToken(), benchIP(s.forger.Add(1)), ""), "未查询到此码")
}

func (s *scanBench) api(_ context.Context, client int) error {
	tok, _, err := s.w.token()
	if err != nil {
		return err
	}
	m, c := s.w.members[client], s.conns[client]
	s.firsts.Add(1)
	return s.read(c, c.postJSON("/api/v1/scan", m.ip, m.bearer, map[string]string{"code": tok}), "首次验证")
}

func (s *scanBench) forgedAPI(_ context.Context, client int) error {
	c := s.conns[client]
	return s.read(c, c.postJSON("/api/v1/scan", benchIP(s.forger.Add(1)), "", map[string]string{"code": forgedToken()}), "未查询到此码")
}

func (s *scanBench) read(c *benchConn, request []byte, want string) error {
	a, err := c.expect(request, http.StatusOK)
	if err == nil && !bytes.Contains(a.body, []byte(want)) {
		err = fmt.Errorf("the answer does not say %s: %.500s", want, a.body)
	}
	return err
}

// forgedToken has the form of a code. One in 2^40 is genuine, which would be seen.
func forgedToken() string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [token.Size]byte
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b[:])
}

// verify counts what is stored: every first verification that was shown, once.
func (s *scanBench) verify(ctx context.Context, out io.Writer) error {
	var rows struct{ Firsts, Scans int64 }
	err := s.w.env.DB.Read(ctx).Raw(`SELECT (SELECT COUNT(*) FROM code_sight WHERE first_member <> 0) AS firsts,
		(SELECT COUNT(*) FROM scan WHERE verdict = 'first') AS scans`).Scan(&rows).Error
	if err != nil {
		return err
	}
	shown := s.firsts.Load()
	fmt.Fprintf(out, "%d first verifications shown, %d codes have one, %d scans are stored as such\n", shown, rows.Firsts, rows.Scans)
	if rows.Firsts != shown || rows.Scans != shown {
		return fmt.Errorf("bench: a first verification is missing or was shown twice")
	}
	return nil
}
