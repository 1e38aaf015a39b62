package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/code/token"
	"siyu/model/export"
	"siyu/model/id"
)

const codesUsage = `用法:
  siyu codes export --batch 编号 --format csv|png|svg|pdf --out 文件 [选项]
        导出码文件；--help 列出选项
  siyu codes check 码值或网址
        解释一个码`

// codesArgs says what is wrong with the arguments without opening anything.
func codesArgs(args []string, out io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "export":
		_, err := parseExport(args[1:], out)
		return err
	case len(args) == 2 && args[0] == "check":
		return nil
	}
	fmt.Fprintln(out, codesUsage)
	return errors.New("参数不对")
}

// codesCommand works on codes without a server: only the database and the master key.
// The arguments have passed codesArgs.
func codesCommand(ctx context.Context, env *environment, args []string, out io.Writer) error {
	if args[0] == "export" {
		return codesExport(ctx, env, args[1:], out)
	}
	return codesCheck(ctx, env, args[1], out)
}

// codesExport streams codes from the store into one file, encrypted unless --plain.
// The file appears under its name only when it is whole.
func codesExport(ctx context.Context, env *environment, args []string, out io.Writer) error {
	o, err := parseExport(args, out)
	if err != nil {
		return err
	}
	work, err := env.Exports.Work(ctx, o.request)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(o.out); err == nil {
		return fmt.Errorf("%s 已存在，不会覆盖", o.out)
	}
	half := o.out + ".part"
	f, err := os.OpenFile(half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("无法写入：%w", err)
	}
	// Whoever can run this can read every code; the audit says that it was done.
	entry := audit.Entry{Actor: "siyu codes", Action: "codes.export", Object: "batch", ObjectID: work.BatchID,
		After: map[string]any{"from_serial": work.From, "until_serial": work.Until, "kind": work.Kind, "plain": o.plain}}
	entryID, err := env.Audit.Begin(ctx, entry)
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(half))
	}
	begun := env.Clock.Now()
	password, checked, err := fillFile(ctx, env, work, o.plain, f)
	err = errors.Join(err, f.Sync(), f.Close())
	// The audit first: a file that is there is one that was recorded.
	err = errors.Join(err, env.Audit.End(context.WithoutCancel(ctx), entryID, entry, err))
	if err == nil {
		err = os.Rename(half, o.out)
	}
	if err != nil {
		_ = os.Remove(half) // it may be gone; the first error is the one that matters
		return err
	}
	seconds := max(env.Clock.Now().Sub(begun).Seconds(), 0.001)
	fmt.Fprintf(out, "已写入 %s\n序号 %d 到 %d，共 %d 个码；抽检 %d 个，全部正确；用时 %.1f 秒\n",
		o.out, work.From, work.Until-1, work.Until-work.From, checked, seconds)
	if o.plain {
		fmt.Fprintln(out, "注意：文件未加密，任何拿到它的人都能领取全部奖品，请妥善保管并及时删除")
	} else {
		fmt.Fprintf(out, "解压密码（只显示这一次，请用另外的渠道告知印厂）: %s\n", password)
	}
	return nil
}

func fillFile(ctx context.Context, env *environment, work export.Work, plain bool, f io.Writer) (password string, checked int, err error) {
	if plain {
		checked, err = work.Write(ctx, env.Codes, export.Plain{W: f}, nil)
		return "", checked, err
	}
	password = export.NewPassword()
	zip, err := picture.NewZip(f, password)
	if err != nil {
		return "", 0, err
	}
	zip.Modified = env.Clock.Now().Time().In(clock.Shanghai)
	checked, err = work.Write(ctx, env.Codes, zip, nil)
	return password, checked, errors.Join(err, zip.Close())
}

type exportOptions struct {
	request export.Request
	out     string
	plain   bool
}

func parseExport(args []string, out io.Writer) (o exportOptions, err error) {
	f := flag.NewFlagSet("codes export", flag.ContinueOnError)
	layout := export.Layout(picture.DefaultLayout())
	r := &o.request
	batch := f.String("batch", "", "批次编号")
	first, last := f.Int64("first", 0, "第一个序号，默认从头"), f.Int64("last", 0, "最后一个序号，默认到尾")
	f.StringVar(&r.Kind, "format", export.CSV, "csv、png、svg 或 pdf")
	f.StringVar(&r.Form, "form", export.Short, "网址形式：short 或 gs1")
	f.StringVar(&o.out, "out", "", "输出文件")
	f.BoolVar(&o.plain, "plain", false, "不加密，只支持 csv")
	f.BoolVar(&r.Options.WithProduct, "with-product", false, "csv：每行带商品名称和规格")
	f.IntVar(&r.Options.ModulePx, "module-px", 8, "png：每个模块的像素数")
	f.Float64Var(&r.Options.SideMM, "side-mm", 20, "svg：边长，毫米")
	f.IntVar(&layout.QuietModules, "quiet", picture.QuietModules, "pdf：静区模块数")
	f.BoolVar(&layout.Text, "text", true, "pdf：码图下方印码值")
	for _, pair := range []struct {
		name, text string
		a, b       float64 // unless told
		set        func(a, b float64)
	}{
		{"grid", "pdf：列x行", float64(layout.Columns), float64(layout.Rows), func(a, b float64) { layout.Columns, layout.Rows = int(a), int(b) }},
		{"page", "pdf：纸张宽x高，毫米", layout.PageWidthMM, layout.PageHeightMM, func(a, b float64) { layout.PageWidthMM, layout.PageHeightMM = a, b }},
		{"label", "pdf：标签宽x高，毫米", layout.LabelWidthMM, layout.LabelHeightMM, func(a, b float64) { layout.LabelWidthMM, layout.LabelHeightMM = a, b }},
		{"margin", "pdf：左x上边距，毫米", layout.MarginLeftMM, layout.MarginTopMM, func(a, b float64) { layout.MarginLeftMM, layout.MarginTopMM = a, b }},
		{"gap", "pdf：标签横x纵间距，毫米", layout.GapXMM, layout.GapYMM, func(a, b float64) { layout.GapXMM, layout.GapYMM = a, b }},
	} {
		f.Func(pair.name, fmt.Sprintf("%s (default %gx%g)", pair.text, pair.a, pair.b), func(s string) error {
			var a, b float64
			if n, err := fmt.Sscanf(strings.ToLower(s)+"\n", "%gx%g\n", &a, &b); n != 2 || err != nil {
				return errors.New("应为 数字x数字")
			}
			pair.set(a, b)
			return nil
		})
	}
	if err := parseFlags(f, args, out); err != nil {
		return o, err
	}
	r.Options.Layout = &layout
	if r.BatchID, err = id.Parse(*batch); err != nil {
		return o, errors.New("请用 --batch 给出批次编号")
	}
	if o.out == "" {
		return o, errors.New("请用 --out 给出输出文件")
	}
	if o.plain && r.Kind != export.CSV {
		return o, errors.New("--plain 只支持 csv")
	}
	if *first < 0 || *last < 0 || *last > code.MaxCount {
		return o, errors.New("序号从 1 开始")
	}
	if *first != 0 || *last != 0 {
		r.From, r.Until = max(*first, 1), *last+1
		if *last == 0 {
			return o, errors.New("--first 需要和 --last 一起使用")
		}
	}
	return o, nil
}

// codesCheck explains one code. A text that is no code of ours is an error, so that a
// script can ask too.
func codesCheck(ctx context.Context, env *environment, text string, out io.Writer) error {
	e, err := env.Codes.Explain(ctx, text)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("结论", "%s (%s)", e.Text, e.Reason)
	switch {
	case e.Key != nil:
		line("密钥", "槽位 %d，品牌的第 %d 版%s", e.Key.Slot, e.Key.Version, after("，停用于 ", e.Key.RetiredAt.Local()))
	case e.Slot >= 0:
		line("密钥", "槽位 %d 没有密钥", e.Slot)
	}
	if e.Batch != nil {
		if err := explain(ctx, env, e, line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !e.Genuine {
		return errors.New("不是有效的码：" + e.Reason)
	}
	return nil
}

// explain says where a code that we made belongs.
func explain(ctx context.Context, env *environment, e code.Explanation, line func(name, format string, args ...any)) error {
	b, err := env.Brands.Get(ctx, e.Batch.BrandID)
	if err != nil {
		return err
	}
	p, err := env.Products.Get(ctx, e.Batch.ProductID)
	if err != nil {
		return err
	}
	line("码值", "%s", token.Token(e.Code.Token).Grouped())
	line("品牌", "%s (%s)", b.Name, b.ID)
	line("商品", "%s %s，条码 %s (%s)", p.Name, p.Spec, p.GTIN, p.ID)
	line("批次", "%s (%s)，共 %d 个码，生成于 %s", e.Batch.Name, e.Batch.ID, e.Batch.Count, e.Batch.CreatedAt.Local())
	line("序号", "%d", e.Code.Serial)
	line("状态", "%s，自 %s%s", stateText(e.Code.State), e.Code.StateSince.Local(), after("，原因：", e.Code.StateReason))
	for i, m := range e.Life {
		line([]string{"经过", ""}[min(i, 1)], "%s %s%s", m.At.Local(), stateText(m.State), after("，原因：", m.Reason))
	}
	return nil
}

// after puts a word before a text that may be empty.
func after(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func stateText(state string) string {
	switch state {
	case code.Issued:
		return "已发行，未激活"
	case code.Activated:
		return "已激活"
	case code.Recalled:
		return "已召回"
	case code.Voided:
		return "已作废"
	}
	return state
}
