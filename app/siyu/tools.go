package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"siyu/config"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/db"
	"siyu/model/id"
)

// offline opens the model for a tool and closes it after. Where there is no database a
// tool would make an empty one and answer from it, so that is refused.
func offline(ctx context.Context, cfg config.Config, use func(e *environment) error) error {
	if path := string(cfg.DB.DSN); cfg.DB.Driver == db.SQLite {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("没有数据库 %s，请用 SIYU_DATA 或 SIYU_DB 指出数据在哪里", path)
		}
	}
	e, err := openEnvironment(ctx, cfg, clock.System())
	if err != nil {
		return err
	}
	return errors.Join(use(e), e.Close())
}

// parseFlags prints the options when they are asked for, and leaves mistakes to the
// caller's error. Faults: flag.ErrHelp.
func parseFlags(f *flag.FlagSet, args []string, out io.Writer) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(out, "siyu %s 的选项：\n", f.Name())
		f.SetOutput(out)
		f.PrintDefaults()
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("多余的参数：%s", f.Arg(0))
	}
	return err
}

func codesMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	if err := codesArgs(args, out); err != nil { // before anything is opened
		return err
	}
	return offline(ctx, cfg, func(e *environment) error { return codesCommand(ctx, e, args, out) })
}

const drawUsage = `用法:
  siyu draw verify --campaign 编号 --code 码值或网址
        活动结束后，用本机数据重算一个码的奖，并与实际领取比较
  siyu draw verify --terms 文件 --hash 哈希 --seed 种子 --batch 编号 --serial 序号
        只凭公开信息重算，不需要数据库：活动规则页有条款、哈希和种子，红包页有批次和序号`

// drawMain recomputes what a code won, from this database or from public facts only.
func drawMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "verify" {
		fmt.Fprintln(out, drawUsage)
		return errors.New("参数不对")
	}
	f := flag.NewFlagSet("draw verify", flag.ContinueOnError)
	campaignID, codeText := f.Int64("campaign", 0, "活动编号"), f.String("code", "", "码值或网址")
	terms, hash, seed := f.String("terms", "", "活动条款文件"), f.String("hash", "", "公布的种子哈希"), f.String("seed", "", "公布的种子")
	batch, serial := f.Int64("batch", 0, "码批次编号"), f.Int64("serial", 0, "序号")
	if err := parseFlags(f, args[1:], out); err != nil {
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
	if *campaignID == 0 || *codeText == "" {
		fmt.Fprintln(out, drawUsage)
		return errors.New("请给出 --campaign 和 --code，或者 --terms")
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
		if err := verifyDraw(out, c, c.SeedRevealed, k.BatchID, k.Serial); err != nil {
			return err
		}
		return compareClaim(ctx, e, out, c, k)
	})
}

// compareClaim holds the recomputed prize against what the code's holder was given.
func compareClaim(ctx context.Context, e *environment, out io.Writer, c campaign.Campaign, k code.Code) error {
	made, claimed, err := e.Claims.ByCode(ctx, k.BatchID, k.Serial)
	if err != nil {
		return err
	}
	if !claimed || made.CampaignID != c.ID {
		fmt.Fprintln(out, "这个码没有在本活动中领取过")
		return nil
	}
	p, err := campaign.Recompute(c, c.SeedRevealed, k.BatchID, k.Serial)
	if err != nil {
		return err
	}
	if p.AmountFen != made.CashFen || made.Points < p.Tier.Points {
		return fmt.Errorf("与实际领取不一致：领取记录 %s 发放了 %s 元、%d 积分", made.ID, made.CashFen.Yuan(), made.Points)
	}
	fmt.Fprintf(out, "与实际领取一致（%s 领取）\n", made.CreatedAt.Local())
	return nil
}

func verifyDraw(out io.Writer, c campaign.Campaign, seed string, batchID id.ID, serial int64) error {
	p, err := campaign.Recompute(c, seed, batchID, serial)
	if err != nil {
		return err
	}
	prize := map[string]string{campaign.Cash: "现金 " + p.AmountFen.Yuan() + " 元", campaign.Points: strconv.FormatInt(p.Tier.Points, 10) + " 积分", campaign.Nothing: "没有奖"}[p.Tier.Kind]
	fmt.Fprintf(out, "种子与公布的哈希一致\n批次 %d 的第 %d 个码：“%s”，%s\n", batchID, serial, p.Tier.Name, prize)
	return nil
}
