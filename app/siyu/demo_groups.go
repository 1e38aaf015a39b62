package main

import (
	"context"

	"siyu/model/group"
	"siyu/wechat/simulator"
)

// The demo's community: one group, and the live code that leads to it. A group's own code
// dies after a week (WeChat's), so each start puts a new one in; the live code stays.
const (
	demoGroup    = "晒足坊厨友一群"
	demoGroupQR  = "https://weixin.qq.com/g/AwYAADemoSiyuGroup1"
	demoLiveCode = "酱油瓶身上的群码"
)

// groups makes the community and its live code once.
func (d *demoWorld) groups(ctx context.Context, e *environment) error {
	office := group.By{OperatorID: 1}
	list, err := e.Groups.List(ctx, group.Filter{BrandID: d.brand.ID, Limit: 100})
	if err != nil {
		return err
	}
	var c group.Community
	for _, old := range list {
		if old.Name == demoGroup {
			c = old
		}
	}
	if c.ID == 0 {
		if c, err = e.Groups.Create(ctx, office, group.Draft{BrandID: d.brand.ID, Name: demoGroup, OwnerName: "晒足坊客服", Capacity: 200}); err != nil {
			return err
		}
	}
	if c.State == group.Closed {
		return nil // somebody played
	}
	if _, err := e.Groups.PutQR(ctx, office, c.ID, group.Join{Text: demoGroupQR}); err != nil {
		return err
	}
	codes, err := e.Groups.Codes(ctx, d.brand.ID, 0, 100)
	if err != nil {
		return err
	}
	for _, l := range codes {
		if l.Name == demoLiveCode {
			d.live = l.ID
		}
	}
	if d.live == 0 {
		l, err := e.Groups.SaveCode(ctx, 0, group.LiveDraft{BrandID: d.brand.ID, Name: demoLiveCode, FallbackText: "群满了，请稍后再来。", Targets: []group.TargetDraft{{CommunityID: c.ID}}})
		if err != nil {
			return err
		}
		d.live = l.ID
	}
	return nil
}

// liveCodes lists the live code for the phone page, while it lives.
func (d *demoWorld) liveCodes(ctx context.Context, p *process) []simulator.DemoCode {
	l, err := p.env.Groups.Code(ctx, d.live)
	if err != nil || l.State != group.Live {
		return nil
	}
	return []simulator.DemoCode{{Label: "社群活码（扫码入群）", URL: group.Address(d.brand, l.Token)}}
}
