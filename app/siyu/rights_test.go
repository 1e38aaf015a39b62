package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"siyu/config"
	"siyu/job"
	"siyu/model/clock"
	book "siyu/model/phone"
	"siyu/model/rights"
	"siyu/model/seal"
)

// rotation is one installation whose keys change.
type rotation struct {
	t    *testing.T
	data string
}

// do runs a command under master keys and returns the exit code and what was said.
func (r rotation) do(keys string, args ...string) (int, string) {
	r.t.Helper()
	env := map[string]string{"SIYU_ENV": config.Demo, "SIYU_DATA": r.data, "SIYU_MASTER_KEYS": keys}
	var out bytes.Buffer
	code := run(context.Background(), args, func(name string) string { return env[name] }, &out, &out)
	return code, out.String()
}

// The three steps that siyu rotate -h tells, with the program's own command line.
func TestMasterKeysAreRotatedByTheCommand(t *testing.T) {
	ctx := context.Background()
	k1, k2 := seal.NewKey(), "2:"+strings.TrimPrefix(seal.NewKey(), "1:")
	r := rotation{t, t.TempDir()}
	cfg, err := config.Load(func(name string) string {
		return map[string]string{"SIYU_ENV": config.Demo, "SIYU_DATA": r.data, "SIYU_MASTER_KEYS": k1}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := openEnvironment(ctx, cfg, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 600 {
		n, err := book.Parse(fmt.Sprintf("139%08d", i))
		if err == nil {
			_, err = e.Phones.Put(ctx, n)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		keys string
		args []string
		code int
		says string
	}{
		{k1 + ",+" + k2, []string{"rotate", "-check"}, 0, "版本 1：600 个，旧版本剩余 0 个"},
		{k1 + ",+" + k2, []string{"rotate"}, 0, "重新加密 0 个手机号"}, // the new key may not seal yet
		{k1 + "," + k2, []string{"rotate", "-check"}, 0, "旧版本剩余 600 个"},
		{k1 + "," + k2, []string{"rotate"}, 0, "重新加密 600 个手机号，当前密钥版本 2"},
		{k1 + "," + k2, []string{"rotate"}, 0, "重新加密 0 个手机号"},
		{k1 + "," + k2, []string{"rotate", "-check"}, 0, "版本 2：600 个，旧版本剩余 0 个"},
		{k1, []string{"rotate", "-check"}, 1, "解不开"},
		{k1, []string{"rotate", "-h"}, 0, "1:旧,+2:新"},
		{k1, []string{"rotate", "all"}, 1, "多余的参数"},
	} {
		if code, out := r.do(step.keys, step.args...); code != step.code || !strings.Contains(out, step.says) {
			t.Errorf("%v: exit %d, want %d and %q\n%s", step.args, code, step.code, step.says, out)
		}
	}
}

// The program as it is wired: an eraser that is missing stops the start, not the first
// person who wants to be forgotten.
func TestTheProgramCanForget(t *testing.T) {
	data := t.TempDir()
	cfg, err := config.Load(func(name string) string {
		return map[string]string{"SIYU_ENV": config.Demo, "SIYU_DATA": data}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := openEnvironment(context.Background(), cfg, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	delete(e.Rights.Erasers, "crm")
	if err := e.Rights.Check(context.Background()); err == nil || !strings.Contains(err.Error(), "crm") {
		t.Error(err)
	}
	if e.Rights.Correct == nil || rights.Task != job.TaskRights {
		t.Error("corrections are written nowhere")
	}
}
