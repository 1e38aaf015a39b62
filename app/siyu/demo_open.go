package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"siyu/model/claim"
	"siyu/model/code/token"
	"siyu/model/id"
	"siyu/wechat/simulator"
)

// codes lists what the phone page offers: unclaimed codes first, then the special ones,
// among them the newest one that somebody claimed.
func (d *demoWorld) codes(p *process) []simulator.DemoCode {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	out := []simulator.DemoCode{}
	add := func(label string, batchID id.ID, serial int64) {
		if tok, err := p.env.Codes.TokenOf(batchID, serial); err == nil {
			out = append(out, simulator.DemoCode{Label: label, URL: d.url(tok)})
		}
	}
	var last claim.Claim
	for _, g := range d.shelf {
		shown := 0
		for serial := int64(1); serial <= g.codes && shown < demoShown; serial++ {
			cl, claimed, err := p.env.Claims.ByCode(ctx, g.batch.ID, serial)
			if err != nil {
				continue
			}
			if claimed {
				if cl.CreatedAt >= last.CreatedAt {
					last = cl
				}
				continue
			}
			shown++
			add(fmt.Sprintf("%s 第 %d 瓶", g.name, serial), g.batch.ID, serial)
		}
	}
	if d.live != 0 {
		out = append(out, d.liveCodes(ctx, p)...)
	}
	if last.ID != 0 {
		add("已被领过的一瓶", last.BatchID, last.Serial)
	}
	for _, g := range d.shelf[:min(1, len(d.shelf))] {
		add("还没激活的一瓶", g.batch.ID, g.asleep)
		add("已作废的码", g.batch.ID, g.dead)
	}
	return append(out, simulator.DemoCode{Label: "伪造的码", URL: d.url("0123456789ABCDEF")})
}

func (d *demoWorld) url(tok string) string {
	return token.Short(d.brand.CodeHost, token.Token(tok), d.brand.UpperURL)
}

func (d *demoWorld) announce(p *process) error {
	list := d.codes(p)
	fmt.Fprintf(p.out, `
  siyu demo 已启动 · everything runs on this machine

  手机页 (scan here)   http://%s/sim/phone
  一个可用的码 (code)  %s   粘贴到手机页的“扫一扫” · paste it there
  管理后台 (panel)     %s/admin/   用户 admin   密码 %s
  数据目录 (data)      %s

  Ctrl-C 停止 · Ctrl-C stops it

`, p.cfg.SimAddr, list[0].URL[strings.LastIndex(list[0].URL, "/")+1:], p.cfg.PublicURL, d.password, p.cfg.Data)
	return nil
}
