package main

import (
	"context"
	"maps"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/fresh"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/referral"
	"siyu/model/wecom"
)

// wecomStores is the part of the environment that keeps what WeCom says.
type wecomStores struct {
	WeCom *wecom.Store
}

// buildWeCom makes the store. It comes after referrals and communities, which hear of what
// it finds.
func (e *environment) buildWeCom() {
	of := fresh.New(e.Clock, e.Brands.Account)
	e.WeCom = wecom.New(wecom.Deps{DB: e.DB, Outbox: e.Outbox, People: e.Identities, Members: e.Members, Events: e.Events, Followers: e.Followers,
		Accounts: func(ctx context.Context, accountID id.ID) (wecom.Account, error) {
			a, err := of.Get(ctx, accountID)
			return corpOf(a), err
		},
		Groups: e.putCommunity, OnWay: e.cameByWay, Joins: e.putJoin, Token: e.checkToken})
}

func corpOf(a brand.Account) wecom.Account {
	return wecom.Account{ID: a.ID, BrandID: a.BrandID, CorpID: a.AppID}
}

// putCommunity hands a customer group to the communities of its brand.
func (e *environment) putCommunity(ctx context.Context, c wecom.Community) error {
	_, err := e.Groups.PutSynced(ctx, group.Synced{BrandID: c.BrandID, ChatID: c.ChatID, Name: c.Name, Owner: c.Owner, Size: c.Size, At: c.At, Dismissed: c.Dismissed})
	return err
}

// putJoin hands the join code of a way to the communities it leads into.
func (e *environment) putJoin(ctx context.Context, j wecom.Joinable) error {
	return e.Groups.PutJoin(ctx, group.Joinable{BrandID: j.BrandID, JoinURL: j.JoinURL, ChatIDs: j.ChatIDs, At: j.At})
}

// checkToken refuses the token of another brand's code as if it were forged.
func (e *environment) checkToken(ctx context.Context, brandID id.ID, token string) error {
	c, err := e.Referrals.ByToken(ctx, token)
	if err == nil && c.BrandID != brandID {
		err = fault.New(fault.NotFound, "referral_code_invalid", "这个推荐码无效")
	}
	return err
}

// cameByWay binds somebody who scanned a way that carries a referral code: the scan was
// his own act. A state that is no code, or a code that does not work for him, binds
// nobody; that is no fault of the contact.
func (e *environment) cameByWay(ctx context.Context, c wecom.Came) error {
	_, err := e.Referrals.Bind(ctx, referral.Contact{BrandID: c.BrandID, Token: c.Way, MemberID: c.MemberID, Channel: referral.WeChat, At: c.At})
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Invalid, fault.Conflict, fault.Forbidden:
		return nil
	}
	return err
}

// wecomWorkers adds WeCom's tasks to the process's workers.
func (p *process) wecomWorkers(tasks map[string]job.Worker, notices *job.Notices) map[string]job.Worker {
	e := p.env
	notices.OfCorps(e.WeCom)
	w := job.NewWeCom(e.WeCom, p.wechat, accounts{e.Brands, p.cfg.PublicURL}, job.NewRates(p.queue.rdb, p.log, clock.Wall), e.Groups, e.Clock,
		job.WeComLimits{PerSecond: p.cfg.WeChat.WeComPerSecond, FollowerCallsADay: p.cfg.WeChat.FollowerCallsPerDay})
	maps.Copy(tasks, w.Workers())
	return tasks
}

// wecomChores start rounds that are due.
func (e *environment) wecomChores() []job.Chore {
	return job.WeComChores(e.WeCom, func(ctx context.Context) (corps, official []wecom.Account, err error) {
		for kind, into := range map[string]*[]wecom.Account{brand.WeCom: &corps, brand.Official: &official} {
			list, err := e.Brands.AccountsOf(ctx, kind)
			if err != nil {
				return nil, nil, err
			}
			for _, a := range list {
				*into = append(*into, corpOf(a))
			}
		}
		return corps, official, nil
	})
}
