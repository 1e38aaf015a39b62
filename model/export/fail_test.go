package export

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

func TestFailures(t *testing.T) {
	failed := func(t *testing.T, p *press, e Export, text string) {
		t.Helper()
		e = p.run(t, e)
		if e.State != Failed || !strings.Contains(e.Error, text) || e.FinishedAt == 0 {
			t.Fatalf("%+v", e)
		}
		if names := files(t, p, e); len(names) != 0 {
			t.Fatal("files are left", names)
		}
		if r, err := p.get(ctx, e.ID); err != nil || len(r.Password) != 0 {
			t.Fatal("the password is left", err)
		}
		if again := p.run(t, e); again.State != Failed {
			t.Fatal(again.State)
		}
	}
	t.Run("a full disk fails the export and gets its room back", func(t *testing.T) {
		p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
		p.small()
		e := p.request(t, Request{Kind: PNG})
		p.create = func(path string) (io.WriteCloser, error) {
			f, err := create(path)
			if strings.Contains(path, "002-") {
				return &full{f, 50_000}, err
			}
			return f, err
		}
		failed(t, p, e, "磁盘空间不足")
	})
	t.Run("a folder that cannot be written fails the export", func(t *testing.T) {
		p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
		e := p.request(t, Request{Kind: CSV})
		p.hooked(func(int) error { return &os.PathError{Op: "open", Path: "x", Err: syscall.EACCES} })
		failed(t, p, e, "无法写入导出文件")
	})
	for _, kind := range []string{CSV, PNG, SVG, PDF} {
		t.Run("codes that lead elsewhere fail the export: "+kind, func(t *testing.T) {
			p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
			e := p.request(t, Request{Kind: kind, Until: 200, From: 1})
			p.codes = shifted{p.Codes}
			failed(t, p, e, "抽检不合格")
		})
	}
	t.Run("a database that is away is no failure of the export", func(t *testing.T) {
		p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
		e := p.request(t, Request{Kind: CSV})
		away := errors.New("connection refused")
		p.codes = broken{p.Codes, away}
		if err := p.Run(ctx, e.ID); !errors.Is(err, away) {
			t.Fatal(err)
		}
		p.codes = p.Codes
		if e := p.run(t, e); e.State != Ready {
			t.Fatal(e.State)
		}
	})
}

// full is a disk with room for so many bytes.
type full struct {
	io.WriteCloser
	room int
}

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	f.room -= len(b)
	return f.WriteCloser.Write(b)
}

// shifted prints each code under the serial after it.
type shifted struct{ *code.Store }

func (s shifted) EachToken(ctx context.Context, batchID id.ID, from, until int64, fn func(int64, []byte) error) error {
	return s.Store.EachToken(ctx, batchID, from+1, until+1, func(serial int64, token []byte) error { return fn(serial-1, token) })
}

type broken struct {
	*code.Store
	err error
}

func (b broken) EachToken(context.Context, id.ID, int64, int64, func(int64, []byte) error) error {
	return b.err
}

// A URL can lead to the right code and still be wrong: another host, another form.
func TestInspectionComparesTheWholeURLAndTheText(t *testing.T) {
	p := open(t, dbtest.Open(t, db.SQLite, clock.NewFake(dbtest.Start)), nil)
	tok, err := p.Codes.TokenOf(p.batch.ID, 5)
	if err != nil {
		t.Fatal(err)
	}
	in := &inspector{ctx: ctx, codes: p.Codes, work: Work{BatchID: p.batch.ID}}
	url := "https://q.brand.cn/q/" + tok
	if err := in.compare(5, url, url, nil); err != nil || in.checked != 1 {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another host":   in.compare(5, url, "https://q.brand.com/q/"+tok, nil),
		"another serial": in.compare(6, url, url, nil),
		"unreadable":     in.compare(5, url, url, errors.New("no finder")),
	} {
		if !errors.Is(err, errMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	label := func(text string) error {
		s := &sheet{expect: make(chan expected, 1)}
		s.expect <- expected{5, url, text}
		m, err := picture.NewEncoder(picture.M).Encode(url)
		if err != nil {
			t.Fatal(err)
		}
		var pdf bytes.Buffer
		out, err := picture.NewSheet(&pdf, picture.DefaultLayout())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(out.Add(&m, "0123 4567"), out.Close()); err != nil {
			t.Fatal(err)
		}
		return s.readBack(&pdf, 5, in)
	}
	if err := label("0123 4567"); err != nil {
		t.Error(err)
	}
	if err := label("0123 4568"); !errors.Is(err, errMismatch) {
		t.Error("a wrong text under the picture:", err)
	}
}
