package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"siyu/config"
	"siyu/model/clock"
	"siyu/model/rule"
)

// TestBitmapsOutliveTheProcess: what a large brand's segments are about is in the data folder
// when a process ends, and the next one counts the same, with who came in between.
func TestBitmapsOutliveTheProcess(t *testing.T) {
	const people = 5200 // fewer are read at once
	vars := map[string]string{"SIYU_DATA": t.TempDir(), "SIYU_ENV": config.Demo}
	cfg, err := config.Load(func(name string) string { return vars[name] })
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	begin := func() *environment {
		t.Helper()
		e, err := openEnvironment(ctx, cfg, clock.System())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := begin()
	c := &pushCrowd{environment: e}
	if err := c.plant(ctx, people); err != nil {
		t.Fatal(err)
	}
	follows := rule.Tree{V: rule.Version, Root: rule.Node{Attr: &rule.Attr{Name: rule.Follows, Op: rule.Known}}}
	counts := func(want int64) {
		t.Helper()
		if p, err := c.Segments.Find(ctx, c.brand.ID, follows); err != nil || p.Count() != want {
			t.Fatalf("%d follow, %v", p.Count(), err)
		}
	}
	counts(people)
	background, end := context.WithCancel(ctx)
	end() // it ends at once
	e.warmSegments(background, slog.New(slog.DiscardHandler))
	file := filepath.Join(cfg.Data, "segments", c.brand.ID.String()+".bits")
	if info, err := os.Stat(file); err != nil || info.Size() < 8*people {
		t.Fatalf("%+v %v", info, err)
	}
	if err := c.plantSome(ctx, people, people+100); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = c.Segments.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	c.environment = begin()
	defer c.Close()
	counts(people + 100)
	if _, err := os.Stat(file); err != nil { // what does not fit is thrown away
		t.Error(err)
	}
}
