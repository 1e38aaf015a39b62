package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"siyu/config"
	"siyu/job"
	"siyu/model/audit"
)

const auditUsage = `用法:
  siyu audit verify                 逐条核对操作记录的链条：改动、删除、插入都会被指出
  siyu audit verify -head SEQ:HASH  再与另行记下的链头对照：整条链被重做也会被指出

请定期把输出末尾的“链头”记在别处（邮件、纸上），它能证明当时的记录没有被改过。`

// auditMain checks the chain over the audit.
func auditMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "verify" {
		fmt.Fprintln(out, auditUsage)
		return errors.New("参数不对")
	}
	f := flag.NewFlagSet("audit verify", flag.ContinueOnError)
	head := f.String("head", "", "另行记下的链头，SEQ:HASH")
	if err := parseFlags(f, args[1:], out); err != nil {
		fmt.Fprintln(out, auditUsage)
		return err
	}
	var seq int64
	number, hash, _ := strings.Cut(*head, ":")
	if *head != "" {
		var err error
		if seq, err = strconv.ParseInt(number, 10, 64); err != nil || len(hash) != 64 {
			return errors.New("链头应为 序号:64 位摘要")
		}
	}
	return offline(ctx, cfg, func(e *environment) error {
		r, err := audit.NewChain(e.DB, e.Box).Verify(ctx, seq, hash)
		if err != nil {
			return err
		}
		for _, b := range r.Broken {
			fmt.Fprintf(out, "FAIL  链环 %d  记录 %d  %s\n", b.Seq, b.AuditID, b.Why)
		}
		if r.Breaks > int64(len(r.Broken)) {
			fmt.Fprintf(out, "……共 %d 处\n", r.Breaks)
		}
		fmt.Fprintf(out, "已核对 %d 条；按个人请求清除内容 %d 条；等待封存 %d 条，其中超时 %d 条\n", r.Links, r.Erased, r.Waiting, r.Late)
		fmt.Fprintf(out, "链头 %d:%s\n", r.Head.Seq, r.Head.ChainHash)
		if !r.OK() {
			return errors.New("操作记录的链条不完整，请立即报告安全负责人")
		}
		return nil
	})
}

// auditChores make links of entries that are finished.
func (e *environment) auditChores() []job.Chore {
	chain := audit.NewChain(e.DB, e.Box)
	return []job.Chore{{Name: "seal the audit", Every: 10 * time.Second, Do: func(ctx context.Context) error {
		for ctx.Err() == nil {
			if n, err := chain.Seal(ctx, 200); err != nil || n < 200 {
				return err
			}
		}
		return ctx.Err()
	}}}
}
