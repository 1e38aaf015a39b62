package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/health"
	"siyu/model/id"
	"siyu/model/quiet"
	"siyu/wechat"
)

// settingsStores is the part of the environment that knows how the accounts are, and when
// people are left alone.
type settingsStores struct {
	Health *health.Store
	Quiet  *quiet.Store
}

func (e *environment) buildSettings() {
	e.Health = health.New(e.DB, e.Brands, brand.NewTokens(e.DB, e.Box))
	e.Quiet = quiet.New(e.DB)
}

// called counts a call of the WeChat client.
func (e *environment) called(o wechat.Outcome) {
	e.Health.Note(o.Kind, o.AppID, o.Call, o.Code, o.Reason)
}

// heard counts what came from WeChat, or pretended to.
func (e *environment) heard(a brand.Account, err error) {
	code, why := "", ""
	if err != nil {
		f := fault.Of(err)
		code, why = f.Code, f.Text
	}
	e.Health.Note(a.Kind, a.AppID, health.Callback, code, why)
}

// quietUntil tells when an account may speak to people.
func (e *environment) quietUntil(ctx context.Context, accountID id.ID, at clock.Instant) (clock.Instant, error) {
	a, err := e.Brands.Account(ctx, accountID)
	if err != nil {
		return 0, err
	}
	h, err := e.Quiet.Of(ctx, a.BrandID)
	return h.Until(at), err
}

// settingsChores forget what nobody looks at any more.
func (e *environment) settingsChores() []job.Chore {
	return []job.Chore{{Name: "forget old counts of WeChat calls", Every: 6 * time.Hour, Do: e.Health.Purge}}
}

// countCalls writes what this process counted, until the end and once after.
func (p *process) countCalls(ctx context.Context) {
	tick := time.NewTicker(health.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := p.env.Health.Flush(last); err != nil {
				p.log.Warn("counts of WeChat calls are lost", "error", err)
			}
			return
		case <-tick.C:
			if err := p.env.Health.Flush(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("counts of WeChat calls wait", "error", err)
			}
		}
	}
}
