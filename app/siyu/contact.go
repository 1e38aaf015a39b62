package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"siyu/model/id"
	"siyu/model/invite"
	"siyu/model/poster"
	"siyu/wechat"
)

// contactStores is the part of the environment that meets who follows somebody's code.
type contactStores struct {
	Posters *poster.Store
	Invites *invite.Store
}

// buildContact makes the stores and has scans that WeChat reports bind. It comes after
// followers, referrals, leaders and profiles.
func (e *environment) buildContact() error {
	fonts, err := poster.FindFonts(e.Config.Font)
	if err != nil {
		return fmt.Errorf("SIYU_FONT: %w", err)
	}
	e.Posters = poster.New(e.DB, poster.NewRenderer(fonts))
	e.Invites = invite.New(invite.Deps{DB: e.DB, Referrals: e.Referrals, Leaders: e.Leaders, Brands: e.Brands, Posters: e.Posters,
		Nickname: e.nickname, Events: e.Events, PublicURL: e.Config.PublicURL})
	e.Followers.OnScene(e.Invites.Scanned)
	return nil
}

// codeMaker asks WeChat for the codes on invitations. What WeChat refuses is in the log:
// the person is shown a link instead.
type codeMaker struct {
	who    accounts
	wechat *wechat.Client
	log    *slog.Logger
}

// SceneQR implements invite.Maker.
func (m codeMaker) SceneQR(ctx context.Context, accountID id.ID, scene string, life time.Duration) (string, time.Duration, error) {
	app, err := m.who.App(ctx, accountID)
	if err != nil {
		return "", 0, m.said(accountID, err)
	}
	q, err := m.wechat.SceneQR(ctx, app, scene, life)
	return q.URL, time.Duration(q.ExpireSeconds) * time.Second, m.said(accountID, err)
}

// miniCodeWidth is in pixels; the built-in posters show codes at 500.
const miniCodeWidth = 640

// MiniCode implements invite.Maker.
func (m codeMaker) MiniCode(ctx context.Context, accountID id.ID, scene string) ([]byte, error) {
	app, err := m.who.App(ctx, accountID)
	if err != nil {
		return nil, m.said(accountID, err)
	}
	picture, err := m.wechat.MiniCode(ctx, app, wechat.MiniCode{Scene: scene, Width: miniCodeWidth})
	return picture, m.said(accountID, err)
}

func (m codeMaker) said(accountID id.ID, err error) error {
	if err != nil {
		m.log.Warn("no code for an invitation: it carries a link", "account", accountID, "throttled", wechat.IsThrottled(err), "error", err)
	}
	return err
}

// nickname is how a member calls himself in his profile, "" if he did not say.
func (e *environment) nickname(ctx context.Context, memberID id.ID) (string, error) {
	p, err := e.Profiles.Of(ctx, memberID)
	if err != nil {
		return "", err
	}
	for _, i := range p.Items {
		if i.Field.Name == "nickname" {
			return i.Value, nil
		}
	}
	return "", nil
}
