package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/export"
	"siyu/model/outbox"
	"siyu/model/product"
	"siyu/model/seal"
)

// codesEnvironment is a brand with one batch of 500 codes.
func codesEnvironment(t *testing.T) (*environment, code.Batch) {
	t.Helper()
	ctx := context.Background()
	clk := clock.NewFake(dbtest.Start)
	d := dbtest.Open(t, db.SQLite, clk)
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	env := &environment{Clock: clk, DB: d, Box: box, Codes: code.New(d, box), Products: product.New(d), Brands: brand.New(d, box), Audit: audit.New(d)}
	env.Exports = export.New(export.Deps{DB: d, Box: box, Codes: env.Codes, Products: env.Products, Brands: env.Brands, Outbox: outbox.New(d), Data: t.TempDir()})
	b, err := env.Brands.Create(ctx, brand.Brand{Slug: "laojing", Name: "老井", CodeHost: "q.brand.cn"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := env.Products.Create(ctx, product.Product{BrandID: b.ID, GTIN: "6901234567892", Name: "金标生抽", Spec: "500ml"})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := env.Codes.CreateBatch(ctx, code.Batch{BrandID: b.ID, ProductID: p.ID, Count: 500, Name: "一月"})
	if err != nil {
		t.Fatal(err)
	}
	return env, batch
}

func TestCodesExport(t *testing.T) {
	ctx := context.Background()
	env, batch := codesEnvironment(t)
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := codesCommand(ctx, env, append([]string{"export", "--batch", batch.ID.String()}, args...), &out)
		return out.String(), err
	}
	plain := filepath.Join(dir, "plain.csv")
	t.Run("plain CSV holds the serials asked for, and says that it is not encrypted", func(t *testing.T) {
		out, err := run("--first", "11", "--last", "20", "--plain", "--out", plain)
		if err != nil || !strings.Contains(out, "未加密") {
			t.Fatal(out, err)
		}
		text, err := os.ReadFile(plain)
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
		if err != nil || len(records) != 11 || records[1][0] != "11" || records[10][0] != "20" {
			t.Fatal(records, err)
		}
		if c, err := env.Codes.Check(ctx, records[10][2]); err != nil || c.Serial != 20 {
			t.Fatal(c, err)
		}
	})
	t.Run("a file that is there is not overwritten", func(t *testing.T) {
		if out, err := run("--plain", "--out", plain); err == nil || !strings.Contains(err.Error(), "已存在") {
			t.Fatal(out, err)
		}
	})
	t.Run("without --plain the file opens with the password shown, and only with it", func(t *testing.T) {
		file := filepath.Join(dir, "labels.zip")
		out, err := run("--format", "pdf", "--grid", "2x5", "--label", "60x40", "--out", file)
		if err != nil {
			t.Fatal(out, err)
		}
		m := regexp.MustCompile(`: ([0-9A-Z]{20})\n`).FindStringSubmatch(out)
		if m == nil {
			t.Fatal("no password in", out)
		}
		if err := exec.Command("7z", "t", "-pWRONGWRONGWRONG", file).Run(); err == nil {
			t.Fatal("it opens with any password")
		}
		pdf, err := exec.Command("7z", "x", "-so", "-p"+m[1], file).Output()
		if err != nil {
			t.Fatal(err)
		}
		labels := 0
		if err := picture.ReadSheet(bytes.NewReader(pdf), func(l picture.Label) error {
			if l.Page != labels/10 {
				t.Fatalf("label %d is on page %d", labels, l.Page)
			}
			labels++
			return nil
		}); err != nil || labels != 500 {
			t.Fatal(labels, err)
		}
	})
	t.Run("every export is in the audit", func(t *testing.T) {
		var outcomes []string
		if err := env.DB.Read(ctx).Raw("SELECT outcome FROM audit WHERE action = 'codes.export'").Scan(&outcomes).Error; err != nil || strings.Join(outcomes, ",") != "done,done" {
			t.Fatal(outcomes, err)
		}
	})
	t.Run("bad arguments leave no file", func(t *testing.T) {
		for _, bad := range [][]string{
			{"--plain"},
			{"--out", dir + "/x", "--plain", "--format", "png"},
			{"--out", dir + "/x", "--format", "exe"},
			{"--out", dir + "/x", "--first", "10"},
			{"--out", dir + "/x", "--last", "501"},
			{"--out", dir + "/x", "--first", "5", "--last", "4"},
			{"--out", dir + "/x", "--grid", "4by8"},
			{"--out", dir + "/x", "--format", "pdf", "--grid", "9x9"},
			{"--out", dir + "/x", "extra"},
			{"--out", dir + "/no/such/folder"},
		} {
			if out, err := run(bad...); err == nil {
				t.Error(bad, out)
			}
		}
		if names, err := filepath.Glob(dir + "/x*"); err != nil || len(names) != 0 {
			t.Fatal(names, err)
		}
	})
}

func TestCodesCheckExplainsACode(t *testing.T) {
	ctx := context.Background()
	env, batch := codesEnvironment(t)
	check := func(text string) (string, error) {
		var out bytes.Buffer
		err := codesCommand(ctx, env, []string{"check", text}, &out)
		return out.String(), err
	}
	tok, err := env.Codes.TokenOf(batch.ID, 42)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Codes.SetRange(ctx, code.Range{BatchID: batch.ID, From: 40, Until: 50, State: code.Recalled, Reason: "瓶盖不合格"}); err != nil {
		t.Fatal(err)
	}
	out, err := check("https://q.brand.cn/q/" + strings.ToLower(tok))
	if err != nil {
		t.Fatal(out, err)
	}
	for _, want := range []string{"真码", "老井", "金标生抽 500ml", "06901234567892", "一月", "序号", "42", "第 1 版", "已召回", "瓶盖不合格"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	for text, want := range map[string]string{
		"ZZ" + tok[2:]: "没有密钥",
		"hello":        "malformed",
		"https://q.brand.cn/01/04006381333931/21/" + tok: "gtin_mismatch",
	} {
		if out, err := check(text); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %s %v", text, out, err)
		}
	}
	if _, err := check(""); err == nil {
		t.Error("an empty text is a code")
	}
}
