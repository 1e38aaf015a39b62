package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"siyu/model/brand"
	"siyu/model/db/dbbench"
)

// benchClaim measures claims against the same server's bare INSERT and against the
// claim most people would write: one GORM transaction each, with a budget row that
// everybody wants.
func benchClaim(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench claim", flag.ContinueOnError)
	f.SetOutput(out)
	o := worldOptions{codes: 50_000_000, rail: brand.RailTransfer, payApp: demoMini}
	o.flags(f)
	seconds, clients := secondsFlag(f, 3), f.String("clients", "1,8,64,256", "how many at once")
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
	o.members = slices.Max(list)
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		against, err := dbbench.New(ctx, w.env.DB)
		if err != nil {
			return err
		}
		var acknowledged atomic.Int64
		subjects := []struct {
			name string
			op   func(ctx context.Context, client int) error
		}{
			{"bare INSERT", func(ctx context.Context, client int) error {
				return against.Insert(ctx, w.members[client].who.MemberID)
			}},
			{"GORM transaction", func(ctx context.Context, client int) error { return against.Claim(ctx, w.members[client].who.MemberID) }},
			{"claim by call", func(ctx context.Context, client int) error {
				tok, serial, err := w.token()
				if err != nil {
					return err
				}
				c, err := w.check(ctx, tok, serial)
				if err == nil {
					_, err = w.env.Claims.Make(ctx, c, w.members[client].who)
				}
				if err == nil {
					acknowledged.Add(1)
				}
				return err
			}},
		}
		conns, closeAll := dialMany(w.cfg.Addr, slices.Max(list))
		defer closeAll()
		subjects = append(subjects, struct {
			name string
			op   func(ctx context.Context, client int) error
		}{"claim over HTTP", func(_ context.Context, client int) error {
			tok, _, err := w.token()
			if err != nil {
				return err
			}
			m, c := w.members[client], conns[client]
			_, err = c.expect(c.postJSON("/api/v1/claim", m.ip, m.bearer, map[string]string{"code": tok}), http.StatusOK)
			if err == nil {
				acknowledged.Add(1)
			}
			return err
		}})
		r := newReport(out, o.engine)
		// Number of clients outermost: what is compared is measured close together.
		for _, n := range list {
			for _, s := range subjects {
				found, err := load(ctx, n, *seconds, s.op)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", s.name, n, err)
				}
				r.add(s.name, n, found)
			}
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		if err := w.books(ctx, out, acknowledged.Load()); err != nil {
			return err
		}
		raw, orm, call, over := r.at("bare INSERT", 64, list), r.at("GORM transaction", 64, list), r.at("claim by call", 64, list), r.at("claim over HTTP", 64, list)
		_, err = fmt.Fprintf(out, "claim raw64=%.0f gorm64=%.0f call64=%.0f http64=%.0f call_ratio=%.2f gorm_ratio=%.2f http_ratio=%.2f\n",
			raw, orm, call, over, call/raw, call/orm, over/raw)
		return err
	})
}
