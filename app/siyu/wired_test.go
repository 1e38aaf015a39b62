package main

import (
	"context"
	"testing"

	"siyu/config"
	"siyu/model/clock"
)

// wired is the program's own wiring on an empty SQLite file, by a clock, until the test ends.
// must fails the test.
func wired(t *testing.T, clk clock.Clock) (e *environment, must func(error)) {
	t.Helper()
	vars := map[string]string{"SIYU_ENV": config.Demo, "SIYU_DATA": t.TempDir()}
	cfg, err := config.Load(func(name string) string { return vars[name] })
	if err != nil {
		t.Fatal(err)
	}
	if e, err = openEnvironment(context.Background(), cfg, clk); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
