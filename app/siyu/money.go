package main

import (
	"siyu/job"
	"siyu/model/reconcile"
)

// moneyStores is the part of the environment that holds our payouts against WeChat's bills.
type moneyStores struct {
	Reconcile *reconcile.Store
}

func (e *environment) buildMoney() { e.Reconcile = reconcile.New(e.DB, e.Packets, e.Outbox) }

// reconciler fetches bills and balances.
func (p *process) reconciler() *job.Reconciler {
	return job.NewReconciler(p.env.Reconcile, p.wechat, accounts{p.env.Brands, p.cfg.PublicURL}, p.env.Brands, p.env.Clock, p.log)
}
