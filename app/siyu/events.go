package main

import (
	"context"
	"fmt"

	"siyu/model/apikey"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/event"
	"siyu/model/follow"
	"siyu/model/fresh"
	"siyu/model/id"
	"siyu/model/message"
	book "siyu/model/phone"
)

// eventStores is the part of the environment that keeps what happened.
type eventStores struct {
	Events    *event.Store
	Purchases *event.Purchases
	Intake    *event.Intake
	APIKeys   *apikey.Store
	Phones    *book.Book
}

// buildEvents makes the stores and tells them of what other contexts see. Claims and
// scans are not here: a chore reads them afterwards (event.Projector).
func (e *environment) buildEvents() {
	d := e.DB
	e.Events, e.APIKeys, e.Phones = event.New(d, e.Outbox), apikey.New(d, e.Box), book.New(d, e.Box)
	e.Purchases = event.NewPurchases(e.Events, e.Consents, e.Products)
	e.Events.Consume("purchases", e.Purchases.Consume)
	e.Consents.OnWithdraw(consent.Profiling, e.Purchases.Forget)
	e.Intake = event.NewIntake(event.IntakeDeps{Events: e.Events, People: e.Identities, Members: e.Members, Phones: e.Phones, Keys: e.APIKeys, Box: e.Box})
	of := fresh.New(e.Clock, e.Brands.Account)
	e.Followers.OnMove(func(ctx context.Context, f follow.Follower) error { return e.followed(ctx, of, f) })
	e.Messages.OnSent(func(ctx context.Context, m message.Message) error { return e.told(ctx, of, m) })
}

type accountsByID = *fresh.Cache[id.ID, brand.Account]

func (e *environment) followed(ctx context.Context, of accountsByID, f follow.Follower) error {
	a, err := of.Get(ctx, f.AccountID)
	if err != nil {
		return err
	}
	// The member and not the openid: keys outlive the person.
	ev := event.Event{Key: fmt.Sprintf("follow:%d:%d:%d", a.ID, f.MemberID, f.ChangedAt), Type: event.Follow, BrandID: a.BrandID, MemberID: f.MemberID,
		Channel: event.WeChat, At: f.ChangedAt, Body: event.Body(map[string]any{"account_id": a.ID, "scene": f.Scene})}
	if !f.Following {
		ev.Key, ev.Type, ev.Body = "un"+ev.Key, event.Unfollow, event.Body(map[string]any{"account_id": a.ID})
	}
	_, err = e.Events.Put(ctx, []event.Event{ev})
	return err
}

func (e *environment) told(ctx context.Context, of accountsByID, m message.Message) error {
	a, err := of.Get(ctx, m.AccountID)
	if err != nil {
		return err
	}
	if err := e.spent(ctx, a, m); err != nil {
		return err
	}
	// At the time it was made: the time it was sent differs between two tries.
	_, err = e.Events.Put(ctx, []event.Event{{Key: "message:" + m.ID.String(), Type: event.MessageSent, BrandID: a.BrandID, MemberID: m.MemberID,
		Channel: event.WeChat, At: m.CreatedAt, Body: event.Body(map[string]any{"message": m.MessageKey, "account_id": a.ID})}})
	return err
}

// loggedIn keeps one login a day, channel and app: that somebody opens a page ten times
// says nothing more of him, and costs nothing more.
func (e *environment) loggedIn(ctx context.Context, a brand.Account, memberID id.ID, channel string) error {
	now := e.Clock.Now()
	key := fmt.Sprintf("login:%d:%d:%d:%s", memberID, a.ID, clock.DayOf(now), channel)
	if _, err := e.Events.Get(ctx, key); err == nil {
		return nil
	}
	_, err := e.Events.Put(ctx, []event.Event{{Key: key, Type: event.Login, BrandID: a.BrandID, MemberID: memberID, Channel: channel, At: now,
		Body: event.Body(map[string]any{"app_id": a.AppID})}})
	return err
}
