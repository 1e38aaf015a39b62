package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"siyu/config"
	"siyu/model/insight"
)

// checkMain recomputes every invariant from the rows and fails when one is broken.
func checkMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	f.SetOutput(out)
	patience := f.Duration("patience", 10*time.Minute, "待办、通知、打款迟到多久算失联；0：一切都必须已经结束")
	if err := f.Parse(args); err != nil {
		return err
	}
	return offline(ctx, cfg, func(e *environment) error {
		broken := 0
		err := e.Insight.EachInvariant(ctx, *patience, func(c insight.Check) {
			if c.OK {
				fmt.Fprintf(out, "PASS  %-16s %s\n", c.Name, c.Title)
				return
			}
			broken++
			fmt.Fprintf(out, "FAIL  %-16s %s  %s\n", c.Name, c.Title, c.Detail)
		})
		if err == nil && broken > 0 {
			err = errors.New("有不变量不成立，请停止发放并联系技术支持")
		}
		return err
	})
}
