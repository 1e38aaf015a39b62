package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"siyu/config"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/export"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/ledger"
	"siyu/model/member"
	"siyu/model/message"
	"siyu/model/notice"
	"siyu/model/operator"
	"siyu/model/outbox"
	"siyu/model/points"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/replay"
	"siyu/model/reply"
	"siyu/model/scan"
	"siyu/model/seal"
	"siyu/wechat"
)

// environment is the model, opened.
type environment struct {
	Config     config.Config
	Clock      clock.Clock
	DB         *db.DB
	Box        *seal.Box
	Outbox     *outbox.Store
	Ledger     *ledger.Ledger
	Audit      *audit.Store
	Notices    *notice.Store
	Replay     *replay.Store
	Brands     *brand.Store
	Products   *product.Store
	Codes      *code.Store
	Exports    *export.Store
	Campaigns  *campaign.Store
	Packets    *redpacket.Store
	Points     *points.Store
	Claims     *claim.Store
	Identities *identity.Store
	Members    *member.Store
	Consents   *consent.Store
	Scans      *scan.Store
	Followers  *follow.Store
	Replies    *reply.Store
	Messages   *message.Store
	Operators  *operator.Store
	Insight    *insight.Store
	eventStores
	loyaltyStores
	profileStores
	rightsStores
	referralStores
	fraudStores
	groupStores
	wecomStores
	leaderStores
	commissionStores
	withdrawalStores
	moneyStores
	contactStores
	settingsStores
	jobStores
	homeStores
	campaignStores
	goodsStores
	holdoutStores
	reachStores
	tagStores
	segmentStores
	pushStores
}

// openEnvironment opens the database, migrates it and loads the caches.
func openEnvironment(ctx context.Context, cfg config.Config, clk clock.Clock) (*environment, error) {
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	box, err := masterKeys(cfg)
	if err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, db.Options{Driver: cfg.DB.Driver, DSN: string(cfg.DB.DSN), Clock: clk, MaxConns: cfg.DB.MaxConns})
	if err != nil {
		return nil, err
	}
	e := &environment{Config: cfg, Clock: clk, DB: d, Box: box}
	e.build()
	if err := errors.Join(e.buildContact(), e.Refresh(ctx), e.Rights.Check(ctx)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return e, nil
}

// build makes every store, lower layers first.
func (e *environment) build() {
	d := e.DB
	e.Outbox, e.Ledger, e.Audit, e.Replay = outbox.New(d), ledger.New(d), audit.New(d), replay.New(d)
	e.Notices = notice.New(d, e.Outbox)
	e.Brands, e.Identities = brand.New(d, e.Box), identity.New(d)
	e.Members, e.Consents, e.Products = member.New(d, e.Identities), consent.New(d), product.New(d)
	e.Codes = code.New(d, e.Box)
	e.Campaigns = campaign.New(d, e.Box, e.Ledger, e.Brands)
	e.buildCampaigns()
	e.Exports = export.New(export.Deps{DB: d, Box: e.Box, Codes: e.Codes, Products: e.Products, Brands: e.Brands, Outbox: e.Outbox,
		Data: e.Config.Data, Keep: time.Duration(e.Config.Export.Days) * 24 * time.Hour, Times: e.Config.Export.Downloads})
	e.buildGoods()
	e.Packets, e.Points = redpacket.New(d, e.Ledger, e.Outbox), points.New(e.Ledger)
	e.Scans = scan.New(d, e.Consents)
	e.Claims = claim.New(d, e.Campaigns, e.Packets, e.Points, e.Outbox, e.Scans, e.Products, e.Brands, e.Members)
	e.Messages = message.New(d, e.Outbox)
	e.Followers = follow.New(d, e.Identities, e.Members)
	e.Replies = reply.New(d, e.Scans, e.Packets, e.Products)
	e.Operators = operator.New(d, operator.Options{Box: e.Box})
	e.buildSettings()
	e.buildReach()
	e.buildEvents()
	e.buildHoldout()
	e.buildReferral()
	e.buildFraud()
	e.buildLoyalty()
	e.buildProfiles()
	e.buildTags()
	e.buildLeaders()
	e.buildGroups()
	e.buildCommission()
	e.buildWithdrawal()
	e.buildDesk()
	e.buildWeCom()
	e.buildMoney()
	e.buildSegments()
	e.buildPushes()
	e.buildReports()
	e.buildRights()
	e.buildJobs()
	e.Insight = insight.New(d)
	e.buildHome()
}

// Refresh brings the caches up to date; cheap when nothing changed.
func (e *environment) Refresh(ctx context.Context) error {
	return errors.Join(e.Codes.Refresh(ctx), e.Campaigns.Refresh(ctx))
}

// Close ends the database.
func (e *environment) Close() error { return e.DB.Close() }

// masterKeys reads the configured keys, or keeps one of its own in the data folder
// (never in production: config refuses that).
func masterKeys(cfg config.Config) (*seal.Box, error) {
	if cfg.MasterKeys != "" {
		return seal.Parse(string(cfg.MasterKeys))
	}
	path := filepath.Join(cfg.Data, "master.key")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		// Exclusive: two processes that start together must not each make a key.
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			key := seal.NewKey()
			_, err = f.WriteString(key + "\n")
			if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
				return nil, fmt.Errorf("master key: %w", err)
			}
			return seal.Parse(key)
		}
		text, err = os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return seal.Parse(strings.TrimSpace(string(text)))
}

// accounts turns a brand's rows into what the WeChat client wants.
type accounts struct {
	brands    *brand.Store
	publicURL string
}

// App implements job's apps.
func (a accounts) App(ctx context.Context, accountID id.ID) (wechat.App, error) {
	acc, err := a.brands.Account(ctx, accountID)
	if err != nil {
		return wechat.App{}, err
	}
	return a.AppOf(ctx, acc)
}

// AppOf is App for an account that was read already.
func (a accounts) AppOf(ctx context.Context, acc brand.Account) (wechat.App, error) {
	sec, err := a.brands.Secrets(ctx, acc)
	return wechat.App{Kind: acc.Kind, AppID: acc.AppID, Secret: sec.AppSecret, Token: sec.Token, AESKey: sec.AESKey, Secure: acc.Settings.Secure}, err
}

// Merchant implements job's merchants.
func (a accounts) Merchant(ctx context.Context, accountID id.ID) (wechat.Merchant, string, error) {
	acc, err := a.brands.Account(ctx, accountID)
	if err != nil {
		return wechat.Merchant{}, "", err
	}
	m, err := a.MerchantOf(ctx, acc)
	return m, a.publicURL + "/wx/pay/" + acc.CallbackSlug + "/transfer", err
}

// MerchantOf is Merchant for an account that was read already.
func (a accounts) MerchantOf(ctx context.Context, acc brand.Account) (wechat.Merchant, error) {
	sec, err := a.brands.Secrets(ctx, acc)
	s := acc.Settings
	return wechat.Merchant{MchID: acc.AppID, AppID: s.PayAppID, Rail: s.Rail, APIKeyV2: sec.APIKeyV2, SignType: s.SignType,
		ClientCertPEM: sec.ClientCertPEM, ClientKeyPEM: sec.ClientKeyPEM, APIv3Key: sec.APIv3Key, SerialNo: s.SerialNo,
		PrivateKeyPEM: sec.PrivateKeyPEM, PublicKeyID: s.PublicKeyID, PublicKeyPEM: sec.PublicKeyPEM,
		SceneIDV2: s.SceneIDV2, TransferSceneID: s.TransferSceneID, SendName: s.SendName}, err
}

// tokens adapts the brand's token store to the WeChat client.
type tokens struct{ *brand.Tokens }

// Get implements wechat.TokenStore.
func (t tokens) Get(ctx context.Context, key string) (wechat.Token, error) {
	value, end, err := t.Tokens.Get(ctx, key)
	return wechat.Token{Value: value, ExpiresAt: end}, err
}

// Put implements wechat.TokenStore.
func (t tokens) Put(ctx context.Context, key string, tok wechat.Token) error {
	return t.Tokens.Put(ctx, key, tok.Value, tok.ExpiresAt)
}

// newWeChat makes the one client of the process.
func newWeChat(e *environment) (*wechat.Client, error) {
	return wechat.New(wechat.Options{Hosts: wechat.Hosts(e.Config.WeChat.Hosts), Timeout: e.Config.WeChat.Timeout, PayTimeout: e.Config.WeChat.PayTimeout,
		Tokens: tokens{brand.NewTokens(e.DB, e.Box)}, Observe: e.called, Now: func() time.Time { return e.Clock.Now().Time() }})
}
