package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	adminapp "siyu/app/admin"
	"siyu/app/h5"
	"siyu/handler"
	"siyu/handler/admin"
	"siyu/handler/callback"
	"siyu/handler/consumer"
	"siyu/handler/openapi"
	"siyu/handler/panel"
	"siyu/handler/web"
	"siyu/model/scan"
)

// audiences wires the models to those who ask over HTTP.
func (p *process) audiences() (handler.Audiences, error) {
	e := p.env
	who := accounts{e.Brands, p.cfg.PublicURL}
	u, err := url.Parse(p.cfg.PublicURL)
	if err != nil {
		return handler.Audiences{}, err
	}
	places, err := readPlaces(p.cfg.Places)
	if err != nil {
		return handler.Audiences{}, err
	}
	secure := strings.EqualFold(u.Scheme, "https")
	cookies := web.Cookies{Signer: web.NewSigner(e.Box.Derive("cookies"), e.Clock), Secure: secure}
	sessions := &web.Sessions{Cookies: cookies, Members: e.Members, Host: u.Host}
	pages, err := web.NewPages(h5.Files, p.cfg.Company)
	if err != nil {
		return handler.Audiences{}, err
	}
	people, err := consumer.New(consumer.Deps{Clock: e.Clock, Codes: e.Codes, Products: e.Products, Brands: e.Brands, Campaigns: e.Campaigns,
		Claims: e.Claims, Packets: e.Packets, Points: e.Accounts, Tiers: e.Tiers, Profiles: e.Profiles, Identities: e.Identities, Members: e.Members, Consents: e.Consents, Scans: e.Scans, Groups: e.Groups, Invites: e.Invites, Wishes: e.Reach, Told: e.Pushes, Links: e.Pushes, HeldBy: e.Fraud.Seen,
		Replays: e.Replay, LoggedIn: e.loggedIn, WeChat: p.wechat, Numbers: p.wechat, Phones: e.Phones, Rights: e.Rights, Places: places, Sessions: sessions, Pages: pages, PublicURL: p.cfg.PublicURL, Company: p.cfg.Company})
	if err != nil {
		return handler.Audiences{}, err
	}
	leaders, err := p.leaderDesk(sessions, pages, people.SilentLogin)
	if err != nil {
		return handler.Audiences{}, err
	}
	office := admin.New(admin.Deps{PerMinute: p.perMinute, FewPeople: p.cfg.FewPeople, FewKey: e.Box.Derive("few people"), Clock: e.Clock, Operators: e.Operators, Audit: e.Audit, Replay: e.Replay, Brands: e.Brands, Products: e.Products,
		Codes: e.Codes, Exports: e.Exports, Issues: e.Issues, Regions: e.Regions, Campaigns: e.Campaigns, Claims: e.Claims, Packets: e.Packets, Ledger: e.Ledger, Reconcile: e.Reconcile, Scans: e.Scans,
		Replies: e.Replies, Insight: e.Insight, Consents: e.Consents, Tags: e.Tags, Segments: e.Segments, Rights: e.Rights, Points: e.Accounts, Tiers: e.Tiers, Commission: e.Commission, Earnings: e.Earnings, Withdrawals: e.Withdrawals, Profiles: e.Profiles, Imports: e.Imports, Identities: e.Identities, Members: e.Members, Phones: e.Phones,
		Events: e.Events, Purchases: e.Purchases, Intake: e.Intake, APIKeys: e.APIKeys, Fraud: e.Fraud, Groups: e.Groups, Posters: e.Posters, Referrals: e.Referrals, Leaders: e.Leaders, WeCom: e.WeCom, Goals: e.Goals, Turnout: e.Turnout, Samples: people, Sandbox: p.cfg.Simulator, Extracts: e.Extracts, Progress: e.Progress, Find: e.Find, Outbox: e.Outbox, Pushes: e.Pushes, Health: e.Health, Quiet: e.Quiet, Reach: e.Reach, Holdout: e.Holdout, Reports: e.Reports, PublicURL: p.cfg.PublicURL, Cookies: cookies, PublicHost: u.Host})
	wx := callback.New(callback.Deps{Clock: e.Clock, Accounts: e.Brands, Keys: who, Payments: p.wechat, Notices: e.Notices, Replay: e.Replay, Teller: e.Replies, Greeter: e.Invites, Heard: e.heard})
	partners, err := openapi.New(openapi.Deps{Clock: e.Clock, Keys: e.APIKeys, Intake: e.Intake, Tags: e.Tags})
	if err != nil {
		return handler.Audiences{}, err
	}
	operators, err := panel.New(adminapp.App())
	if err != nil {
		return handler.Audiences{}, err
	}
	return handler.Audiences{Consumer: people, Leader: leaders, Admin: office, Panel: operators, Callback: wx, Open: partners,
		Ops: opsRoutes(p.cfg, p.reg, e.DB.Pool().PingContext, p.queue.Ready)}, nil
}

// handler builds what the process serves.
func (p *process) handler() (http.Handler, error) {
	a, err := p.audiences()
	if err != nil {
		return nil, err
	}
	return handler.New(web.Options{Clock: p.env.Clock, Log: p.log, Metrics: p.reg, TrustedProxies: p.cfg.TrustedProxies,
		HTTPS: strings.HasPrefix(p.cfg.PublicURL, "https://")}, a)
}

func readPlaces(path string) (scan.Placer, error) {
	if path == "" {
		return scan.Nowhere{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("SIYU_PLACES: %w", err)
	}
	defer f.Close()
	return scan.ReadNetworks(f)
}
