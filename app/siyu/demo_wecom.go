package main

import (
	"context"

	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/wechat/simulator"
)

// The demo's WeCom corp: two of the staff and one customer group of theirs. Nobody is in
// it yet; POST /sim/api/corp/chat/join and /sim/api/corp/contact/add bring people.
const (
	demoCorp  = "wwdeadbeef00000003"
	demoStaff = "xiaowang"
)

// corp saves the corp and registers it with the simulator. Its first group
// is found by the first round, as no push tells of it.
func (d *demoWorld) corp(ctx context.Context, p *process) error {
	e := p.env
	acc, err := e.Brands.AccountByApp(ctx, brand.WeCom, demoCorp)
	if fault.KindOf(err) == fault.NotFound {
		acc, err = e.Brands.SaveAccount(ctx, brand.Account{BrandID: d.brand.ID, Kind: brand.WeCom, AppID: demoCorp, Name: "晒足坊企业微信", CallbackSlug: demoSlug + "-wecom"},
			brand.Secrets{AppSecret: random(16), Token: random(12), AESKey: aesKey()})
	}
	if err != nil {
		return err
	}
	s, err := e.Brands.Secrets(ctx, acc)
	if err != nil {
		return err
	}
	c := simulator.Corp{CorpID: demoCorp, Name: "晒足坊", Secret: s.AppSecret, Token: s.Token, AESKey: s.AESKey, OpenPlatform: "demo", Staff: []string{demoStaff, "xiaoli"}}
	p.sim.AddCorp(c)
	if len(p.sim.CorpChatIDs(demoCorp)) == 0 { // without an address: nobody listens yet
		if _, err := p.sim.CreateChat(demoCorp, demoStaff, "晒足坊福利一群"); err != nil {
			return err
		}
	}
	c.CallbackURL = p.cfg.PublicURL + "/wx/callback/" + acc.CallbackSlug
	p.sim.AddCorp(c)
	return nil
}
