package main

import (
	"context"
	"fmt"

	"siyu/model/id"
	"siyu/model/invite"
	"siyu/model/poster"
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
		Nickname: e.nickname, PublicURL: e.Config.PublicURL})
	e.Followers.OnScene(e.Invites.Scanned)
	return nil
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
