package main

import (
	"context"

	"siyu/model/brand"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// audiences makes two segments and the draft of a push once, so that who looks sees what
// one is like. Nothing is sent: a draft waits for a person.
func (d *demoWorld) audiences(ctx context.Context, e *environment) error {
	const by = id.ID(1)
	old, err := e.Segments.List(ctx, segment.Filter{BrandID: d.brand.ID, Limit: 1})
	if err != nil || len(old) > 0 {
		return err // made before, or somebody has his own
	}
	scanned := rule.Node{Did: &rule.Did{What: "scan", Op: rule.Gte, Values: []int64{1}, WithinDays: 30}}
	ordered := rule.Node{Did: &rule.Did{What: "order", Op: rule.Gte, Values: []int64{1}}}
	follows := rule.Node{Attr: &rule.Attr{Name: "key", Op: rule.In, Values: []string{"openid_official"}}}
	if _, err := e.Segments.Create(ctx, segment.Draft{BrandID: d.brand.ID, Name: "来过公众号的人", Note: "演示：只看身份，不需要个性化同意",
		Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{follows}}}}, by); err != nil {
		return err
	}
	s, err := e.Segments.Create(ctx, segment.Draft{BrandID: d.brand.ID, Name: "扫过码还没下单", Note: "演示：最近 30 天扫过码，从没下过单",
		Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{scanned, {Not: &ordered}}}}}, by)
	if err != nil {
		return err
	}
	account, err := e.Brands.AccountByApp(ctx, brand.Official, demoOfficial)
	if err != nil {
		return err
	}
	_, err = e.Pushes.Create(ctx, push.Form{BrandID: d.brand.ID, Name: "请扫过码的朋友来店里看看", Purpose: reach.Marketing, Worth: 50, SegmentID: s.ID, Timing: push.Now, HeldBP: 1000,
		Body: push.Body{
			Uses:  []reach.Use{{Channel: reach.Custom, AccountID: account.ID}, {Channel: reach.Mass, AccountID: account.ID}},
			Links: []push.Link{{Title: "门店地址", URL: "https://www.example.com/shops"}},
			Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{
				{Text: "{姓名|朋友}您好，谢谢您扫码验真。离您最近的门店在这里：{链接1}"},
				{Text: "谢谢您扫码验真，欢迎到门店看看。"},
			}}},
		}}, by)
	return err
}
