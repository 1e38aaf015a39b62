package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"siyu/config"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/id"
)

// offline opens the model for a tool and closes it after.
func offline(ctx context.Context, cfg config.Config, use func(e *environment) error) error {
	e, err := openEnvironment(ctx, cfg, clock.System())
	if err != nil {
		return err
	}
	return errors.Join(use(e), e.Close())
}

func codesMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	return offline(ctx, cfg, func(e *environment) error { return codesCommand(ctx, e, args, out) })
}

const drawUsage = `用法:
  siyu draw verify --campaign 编号 --code 码值或网址                    活动结束后，用本机数据重算一个码的奖
  siyu draw verify --terms 文件 --hash 哈希 --seed 种子 --batch 编号 --serial 序号   只凭公开信息重算，不需要数据库`

// drawMain recomputes what a code won, from this database or from public facts only.
func drawMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "verify" {
		fmt.Fprintln(out, drawUsage)
		return errors.New("参数不对")
	}
	f := flag.NewFlagSet("draw verify", flag.ContinueOnError)
	f.SetOutput(out)
	campaignID, codeText := f.Int64("campaign", 0, "活动编号"), f.String("code", "", "码值或网址")
	terms, hash, seed := f.String("terms", "", "活动条款文件"), f.String("hash", "", "公布的种子哈希"), f.String("seed", "", "公布的种子")
	batch, serial := f.Int64("batch", 0, "码批次编号"), f.Int64("serial", 0, "序号")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if *terms != "" {
		text, err := os.ReadFile(*terms)
		if err != nil {
			return fmt.Errorf("读不到条款文件: %w", err)
		}
		c, err := campaign.ParseTerms(string(text))
		if err != nil {
			return err
		}
		c.SeedHash = *hash
		return verifyDraw(out, c, *seed, id.ID(*batch), *serial)
	}
	return offline(ctx, cfg, func(e *environment) error {
		c, err := e.Campaigns.Get(ctx, id.ID(*campaignID))
		if err != nil {
			return err
		}
		if c.SeedRevealed == "" {
			return errors.New("活动还没结束，种子尚未公布")
		}
		k, err := e.Codes.Check(ctx, *codeText)
		if err != nil {
			return err
		}
		return verifyDraw(out, c, c.SeedRevealed, k.BatchID, k.Serial)
	})
}

func verifyDraw(out io.Writer, c campaign.Campaign, seed string, batchID id.ID, serial int64) error {
	p, err := campaign.Recompute(c, seed, batchID, serial)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "种子与公布的哈希一致\n批次 %d 第 %d 个码：第 %d 档 %s %s,%s 元，%d 积分\n",
		batchID, serial, p.Tier.Tier, p.Tier.Kind, p.Tier.Name, p.AmountFen.Yuan(), p.Tier.Points)
	return nil
}
