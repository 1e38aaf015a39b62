package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"siyu/config"
	"siyu/model/consent"
	"siyu/model/id"
	"siyu/model/profile"
	"siyu/model/rights"
)

// rightsStores is the part of the environment that does what the law lets a person ask.
type rightsStores struct {
	Rights *rights.Store
}

// buildRights comes last: it reaches into every other context. What a withdrawal stops
// is registered here, so that all of it can be read in one place.
func (e *environment) buildRights() {
	e.Rights = rights.New(rights.Deps{DB: e.DB, Box: e.Box, Outbox: e.Outbox, Consents: e.Consents, Members: e.Members, Phones: e.Phones,
		Company: e.Config.Company,
		Erasers: map[string]rights.Eraser{"event": e.Events, "profile": e.Profiles, "crm": e.Imports, "push": e.Pushes, "tag": e.Tags, "segment": e.Segments}, Correct: e.correct})
	e.Consents.OnWithdraw(consent.ExactPlace, e.Scans.ForgetExactPlacesTx)
	e.Consents.OnWithdraw(consent.Phone, e.Rights.ForgetPhonesTx)
}

// correct writes what a person asked to be corrected as an operator's correction.
func (e *environment) correct(ctx context.Context, memberID id.ID, fields map[string]string, operatorID id.ID, reason string) error {
	_, err := e.Profiles.Put(ctx, profile.Answer{MemberID: memberID, Values: fields, Source: profile.Operator, By: operatorID, Reason: reason})
	return err
}

const rotateUsage = `用法:
  siyu rotate         用最新的主密钥重新加密手机号；服务照常运行，随时可以中断，再次运行即继续
  siyu rotate -check  只检查：每个密钥版本还有多少条，并逐条试解

更换主密钥的步骤（任何时刻都没有人读不出）:
  1. 所有进程配置 SIYU_MASTER_KEYS=1:旧,+2:新 并重启（加号：能解，还不用来加密）
  2. 所有进程配置 SIYU_MASTER_KEYS=1:旧,2:新 并重启
  3. siyu rotate，再 siyu rotate -check
最老的密钥要一直保留：查找手机号用的摘要、登录凭证由它派生，其他密文也可能还用着它。`

// rotateMain seals telephone numbers anew under the newest master key.
func rotateMain(ctx context.Context, cfg config.Config, args []string, out io.Writer) error {
	f := flag.NewFlagSet("rotate", flag.ContinueOnError)
	check := f.Bool("check", false, "只检查，不改动")
	if err := parseFlags(f, args, out); err != nil {
		fmt.Fprintln(out, rotateUsage)
		return err
	}
	return offline(ctx, cfg, func(e *environment) error {
		if !*check {
			done, err := e.Phones.Rotate(ctx, func(done int64) {
				if done%10_000 == 0 {
					fmt.Fprintf(out, "已重新加密 %d 个手机号\n", done)
				}
			})
			if err != nil {
				return fmt.Errorf("已重新加密 %d 个，中断: %w", done, err)
			}
			fmt.Fprintf(out, "完成：重新加密 %d 个手机号，当前密钥版本 %d\n", done, e.Box.Newest())
		}
		return checkPhones(ctx, e, out)
	})
}

// checkPhones counts by key version and opens every number.
func checkPhones(ctx context.Context, e *environment, out io.Writer) error {
	versions, err := e.Phones.Versions(ctx)
	if err != nil {
		return err
	}
	var parts []string
	old := int64(0)
	for v, n := range versions {
		parts = append(parts, fmt.Sprintf("版本 %d：%d 个", v, n))
		if v < e.Box.Newest() {
			old += n
		}
	}
	slices.Sort(parts)
	n, err := e.Phones.Check(ctx)
	if err != nil {
		return fmt.Errorf("第 %d 个之后有手机号解不开: %w", n, err)
	}
	fmt.Fprintf(out, "手机号共 %d 个，全部可读；%s\n", n, strings.Join(append(parts, fmt.Sprintf("旧版本剩余 %d 个", old)), "，"))
	return nil
}
