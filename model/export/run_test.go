package export

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

// small makes parts of 300 codes, so that the batch has four.
func (p *press) small() { p.partCodes = func(string) int64 { return 300 } }

// hooked calls before with the number of the file about to be made, from 1.
func (p *press) hooked(before func(file int) error) {
	n := 0
	p.create = func(path string) (io.WriteCloser, error) {
		n++
		if err := before(n); err != nil {
			return nil, err
		}
		return create(path)
	}
}

func files(t *testing.T, p *press, e Export) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(p.dir(e.ID), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestACrashLosesAtMostOnePart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		p.small()
		e := p.request(t, Request{Kind: CSV})
		p.create = func(path string) (io.WriteCloser, error) {
			f, err := create(path)
			if strings.Contains(path, "003-") {
				return dying{}, errors.Join(err, f.Close())
			}
			return f, err
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Fatal("the worker lived")
				}
			}()
			_ = p.Run(ctx, e.ID)
		}()
		p.create = create
		before := p.state(t, e)
		if before.State != Running || before.Done != 600 || len(before.Parts) != 2 || len(files(t, p, e)) != 3 {
			t.Fatalf("%+v %v", before, files(t, p, e))
		}
		// Nobody knows yet that it is dead.
		is(t, p.Run(ctx, e.ID), fault.Unavailable, "export_busy")
		clk.Advance(time.Minute)
		after := p.run(t, e)
		if after.State != Ready || len(after.Parts) != 4 || after.Parts[3].From != 901 || after.Parts[3].Until != 1001 {
			t.Fatalf("%+v", after)
		}
		for i := range 2 {
			if after.Parts[i] != before.Parts[i] {
				t.Error("a finished part was written again")
			}
		}
		if names := files(t, p, e); len(names) != 4 {
			t.Error("the crash left files behind", names)
		}
		password, err := p.TakePassword(ctx, e.ID, Hand{})
		if err != nil {
			t.Fatal(err)
		}
		next := int64(1)
		for n := range 4 {
			for _, text := range p.unpack(t, after, n+1, password) {
				for line := range strings.Lines(string(text)) {
					if f := strings.Split(strings.TrimSpace(line), ","); !strings.HasPrefix(f[0], "\ufeff") {
						p.leads(t, f[2], next)
						next++
					}
				}
			}
		}
		if next != 1001 {
			t.Fatalf("the files end at serial %d", next-1)
		}
	})
}

// dying ends the worker in the middle of a file, as kill -9 does: nothing of it runs on
// except the rest of this test.
type dying struct{}

func (dying) Write([]byte) (int, error) { panic("killed") }
func (dying) Close() error              { return nil }

func TestADamagedPartIsWrittenAgain(t *testing.T) {
	p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
	p.small()
	e := p.request(t, Request{Kind: CSV})
	stop, cancel := context.WithCancel(ctx)
	p.hooked(func(n int) error {
		if n == 3 {
			cancel()
		}
		return nil
	})
	if err := p.Run(stop, e.ID); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	before := p.state(t, e)
	if len(before.Parts) != 2 {
		t.Fatalf("%+v", before)
	}
	if err := os.Truncate(filepath.Join(p.dir(e.ID), before.Parts[1].File), 10); err != nil {
		t.Fatal(err)
	}
	// A worker that stopped in order lets go: no waiting for its lease.
	after := p.run(t, e)
	if after.State != Ready || len(after.Parts) != 4 || len(files(t, p, e)) != 4 || after.Parts[0] != before.Parts[0] || after.Parts[1] == before.Parts[1] {
		t.Fatalf("%+v\n%+v", before, after)
	}
}

func TestCancelling(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		p.small()
		t.Run("stops a running export and deletes its files", func(t *testing.T) {
			e := p.request(t, Request{Kind: CSV})
			p.hooked(func(n int) error {
				if n != 3 {
					return nil
				}
				_, err := p.Cancel(ctx, e.ID)
				return errors.Join(err, os.MkdirAll(p.dir(e.ID), 0o700)) // the worker was just about to make its file
			})
			e = p.run(t, e)
			if e.State != Cancelled || len(files(t, p, e)) != 0 {
				t.Fatalf("%+v %v", e, files(t, p, e))
			}
			if _, err := p.Cancel(ctx, e.ID); err != nil {
				t.Fatal("cancelling twice", err)
			}
		})
		p.create = create
		t.Run("keeps a waiting export from beginning", func(t *testing.T) {
			e := p.request(t, Request{Kind: CSV})
			if _, err := p.Cancel(ctx, e.ID); err != nil {
				t.Fatal(err)
			}
			if e = p.run(t, e); e.State != Cancelled || e.StartedAt != 0 {
				t.Fatalf("%+v", e)
			}
		})
		t.Run("is too late when it is ready", func(t *testing.T) {
			e := p.run(t, p.request(t, Request{Kind: CSV}))
			_, err := p.Cancel(ctx, e.ID)
			is(t, err, fault.Conflict, "export_finished")
			if e = p.state(t, e); e.State != Ready || len(files(t, p, e)) != 4 {
				t.Fatalf("%+v", e)
			}
		})
	})
}

func TestAWorkerTakenForDeadDoesNoHarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		p.small()
		e := p.request(t, Request{Kind: CSV})
		successor := *p.Store
		var done Export
		p.hooked(func(n int) error {
			if n == 2 { // the machine slept for an hour here
				clk.Advance(time.Hour)
				if err := successor.Run(ctx, e.ID); err != nil {
					return err
				}
				done = p.state(t, e)
			}
			return nil
		})
		after := p.run(t, e)
		if done.State != Ready || len(done.Parts) != 4 {
			t.Fatalf("%+v", done)
		}
		if after.State != Ready || len(files(t, p, e)) != 4 {
			t.Fatalf("%+v %v", after, files(t, p, e))
		}
		password, err := p.TakePassword(ctx, e.ID, Hand{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 4 {
			if after.Parts[n] != done.Parts[n] {
				t.Error("the sleeper changed a part")
			}
			p.unpack(t, after, n+1, password)
		}
	})
}

func TestASleeperStopsWhileItsSuccessorWorks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		p.small()
		e := p.request(t, Request{Kind: CSV})
		successor := d.NewID()
		p.hooked(func(n int) error {
			if n != 2 {
				return nil
			}
			clk.Advance(time.Hour)
			return p.take(ctx, e.ID, successor)
		})
		e = p.run(t, e)
		if e.State != Running || len(e.Parts) != 1 || e.Done != 300 {
			t.Fatalf("%+v", e)
		}
		if r, err := p.get(ctx, e.ID); err != nil || r.LeaseOwner != successor {
			t.Fatal(r.LeaseOwner, err)
		}
	})
}

func TestOfManyWhoAskAtOnceOneGetsThePassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		e := p.run(t, p.request(t, Request{Kind: CSV}))
		var all sync.WaitGroup
		var shown atomic.Int64
		for range 16 {
			all.Go(func() {
				if password, err := p.TakePassword(ctx, e.ID, Hand{}); err == nil && len(password) == 20 {
					shown.Add(1)
				} else {
					is(t, err, fault.Conflict, "password_shown")
				}
			})
		}
		all.Wait()
		if shown.Load() != 1 {
			t.Fatal(shown.Load(), "got it")
		}
	})
}

func TestProgressIsReportedWhileAPartIsWritten(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	p := open(t, dbtest.Open(t, db.SQLite, clk), clk)
	e := p.request(t, Request{Kind: CSV})
	var seen []int64
	p.codes = watched{p.Codes, func(serial int64) {
		clk.Advance(time.Millisecond)
		if serial%100 == 0 {
			seen = append(seen, p.state(t, e).Done)
		}
	}}
	if e = p.run(t, e); e.State != Ready {
		t.Fatalf("%+v", e)
	}
	// 256, 512 and 768 codes are looked at, 256 ms apart, so each is reported.
	if want := []int64{0, 0, 256, 256, 256, 512, 512, 768, 768, 768}; len(seen) != 10 || [10]int64(seen) != [10]int64(want) {
		t.Fatal(seen)
	}
}

type watched struct {
	*code.Store
	see func(serial int64)
}

func (w watched) EachToken(ctx context.Context, batchID id.ID, from, until int64, fn func(int64, []byte) error) error {
	return w.Store.EachToken(ctx, batchID, from, until, func(serial int64, token []byte) error {
		w.see(serial)
		return fn(serial, token)
	})
}
