package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"siyu/config"
	"siyu/model/id"
)

// siyu runs the command line as main does.
func siyu(t *testing.T, data string, args ...string) (code int, out, errOut string) {
	t.Helper()
	env := map[string]string{"SIYU_ENV": config.Demo, "SIYU_DATA": data}
	var o, e bytes.Buffer
	code = run(context.Background(), args, func(name string) string { return env[name] }, &o, &e)
	return code, o.String(), e.String()
}

// TestCommandLine: what an operator reads when he makes a mistake, and that a mistake
// leaves nothing behind.
func TestCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
		out  string
		err  string
	}{
		"no command":                 {nil, 2, "", "siyu help"},
		"an unknown command":         {[]string{"bogus"}, 2, "", `no command "bogus"`},
		"help":                       {[]string{"help"}, 0, "SIYU_DATA", ""},
		"help of the demo":           {[]string{"demo", "-h"}, 0, "SIYU_DATA", ""},
		"help of a server":           {[]string{"serve", "--help"}, 0, "usage: siyu serve", ""},
		"help of the pages":          {[]string{"web", "-help"}, 0, "usage: siyu web", ""},
		"help of the workers":        {[]string{"work", "help"}, 0, "usage: siyu work", ""},
		"help of a migration":        {[]string{"migrate", "-h"}, 0, "usage: siyu migrate", ""},
		"a server with options":      {[]string{"serve", "--port=80"}, 2, "", "it takes no options: --port=80"},
		"help of the codes":          {[]string{"codes", "-h"}, 0, "siyu codes export --batch", ""},
		"help of a draw":             {[]string{"draw", "--help"}, 0, "siyu draw verify", ""},
		"help of the audit":          {[]string{"audit", "-h"}, 0, "siyu audit verify", ""},
		"help of a measurement":      {[]string{"bench", "-h"}, 0, "claim", ""},
		"the options of a check":     {[]string{"check", "-h"}, 0, "patience", ""},
		"the options of a rotation":  {[]string{"rotate", "-h"}, 0, "-check", ""},
		"codes alone":                {[]string{"codes"}, 1, "siyu codes export --batch", "参数不对"},
		"the options of an export":   {[]string{"codes", "export", "--help"}, 0, "default 4x8", ""},
		"an export without a batch":  {[]string{"codes", "export", "--out", "x"}, 1, "", "请用 --batch"},
		"a check without a database": {[]string{"codes", "check", "0123456789ABCDEF"}, 1, "", "没有数据库"},
		"draw alone":                 {[]string{"draw"}, 1, "siyu draw verify", "参数不对"},
		"a draw of nothing":          {[]string{"draw", "verify"}, 1, "siyu draw verify", "请给出 --campaign"},
		"a draw with stray words":    {[]string{"draw", "verify", "x"}, 1, "", "多余的参数：x"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "nothing")
			code, out, errOut := siyu(t, data, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.err) || (c.err == "") != (errOut == "") {
				t.Errorf("exit %d\n%s\n%s", code, out, errOut)
			}
			if _, err := os.Stat(data); !os.IsNotExist(err) {
				t.Errorf("a data folder was made: %v", err)
			}
		})
	}
}

// TestDrawVerify: after the end anybody gets the prize that was paid, from the database
// and from the public pages alone; a changed seed or amount is noticed.
func TestDrawVerify(t *testing.T) {
	w := startTown(t, nil)
	ctx, g := context.Background(), w.demo.shelf[0]
	p := w.phone(t, "小丁", "上海")
	tok := w.token(t, g, 3)
	packet := p.claim(p.scan(tok))
	paid := p.until(packet, "settled", false)
	list, err := w.env.Campaigns.List(ctx, w.demo.brand.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var campaignID id.ID
	for _, c := range list {
		if c.Name == g.campaign {
			campaignID = c.ID
		}
	}
	verify := func(args ...string) (int, string, string) {
		return siyu(t, w.cfg.Data, append([]string{"draw", "verify"}, args...)...)
	}
	local := []string{"--campaign", campaignID.String(), "--code", tok}
	if code, _, errOut := verify(local...); code != 1 || !strings.Contains(errOut, "种子尚未公布") {
		t.Fatalf("before the end: exit %d %s", code, errOut)
	}
	c, err := w.env.Campaigns.End(ctx, campaignID)
	if err != nil {
		t.Fatal(err)
	}
	prize := "现金 " + strconv.FormatFloat(float64(paid.AmountFen)/100, 'f', 2, 64) + " 元"
	if code, out, errOut := verify(local...); code != 0 || !strings.Contains(out, prize) || !strings.Contains(out, "与实际领取一致") {
		t.Errorf("want %s: exit %d\n%s\n%s", prize, code, out, errOut)
	}
	if code, out, _ := verify("--campaign", campaignID.String(), "--code", w.token(t, g, 4)); code != 0 || !strings.Contains(out, "没有在本活动中领取过") {
		t.Errorf("an unclaimed code: exit %d\n%s", code, out)
	}
	terms, _ := p.get("/rules/" + campaignID.String() + "/terms")
	file := filepath.Join(t.TempDir(), "terms.txt")
	if err := os.WriteFile(file, []byte(terms), 0o600); err != nil {
		t.Fatal(err)
	}
	public := []string{"--terms", file, "--hash", c.SeedHash, "--batch", g.batch.ID.String(), "--serial", "3", "--seed"}
	if code, out, errOut := siyu(t, t.TempDir(), append([]string{"draw", "verify"}, append(public, c.SeedRevealed)...)...); code != 0 || !strings.Contains(out, prize) {
		t.Errorf("from public facts: exit %d\n%s\n%s", code, out, errOut)
	}
	wrong := strings.Map(func(r rune) rune {
		if r == '0' {
			return '1'
		}
		return r
	}, c.SeedRevealed)
	if code, _, errOut := verify(append(public, wrong)...); wrong != c.SeedRevealed && (code != 1 || !strings.Contains(errOut, "不符")) {
		t.Errorf("a wrong seed: exit %d %s", code, errOut)
	}
	if err := w.env.DB.Read(ctx).Exec("UPDATE claim SET cash_fen = cash_fen + 1 WHERE batch_id = ? AND serial = 3", g.batch.ID).Error; err != nil {
		t.Fatal(err)
	}
	if code, _, errOut := verify(local...); code != 1 || !strings.Contains(errOut, "与实际领取不一致") {
		t.Errorf("somebody changed the claim: exit %d %s", code, errOut)
	}
}
