package main

import (
	"context"
	"errors"
	"time"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/notice"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat"
)

// reachStores is the part of the environment that knows who may be reached.
type reachStores struct {
	Reach   *reach.Store
	Carrier reach.Carrier // of text messages; nil: nobody carries them
}

// buildReach makes the ledger. It comes after accounts, members and the quiet hours.
func (e *environment) buildReach() {
	if e.Config.Simulator {
		e.Carrier = &reach.Loopback{}
	}
	e.Reach = reach.New(reach.Deps{DB: e.DB, People: e.Identities, Members: e.Members, Quiet: e.Quiet, Accounts: e.Brands.Account, NoSMS: e.Carrier == nil,
		AccountsOf: func(ctx context.Context, brandID id.ID) ([]brand.Account, error) {
			return e.Brands.Accounts(ctx, brandID, "")
		}})
}

// refusedText is a text message that surely did not go, in the words that jobs know: -999
// concerns it alone.
func refusedText(code int, why string) error {
	return &wechat.APIError{Code: code, Msg: why, Call: "sms"}
}

// carry hands a text message to the carrier. The number is opened for this one moment;
// the ledger and the push know its hash only.
func (e *environment) carry(ctx context.Context, p push.Parcel) error {
	if e.Carrier == nil {
		return refusedText(-999, "no carrier of text messages is configured")
	}
	number, err := e.Phones.Reveal(ctx, p.OpenID)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return refusedText(-999, "the number is gone")
	}
	if err != nil {
		return err
	}
	err = e.Carrier.Carry(ctx, reach.ShortMessage{Key: p.Key, Number: number.E164(), Body: p.Message.Text})
	var no *reach.CarrierRefusal
	switch {
	case errors.As(err, &no) && no.Stop:
		return refusedText(wechat.CodeDailyQuota, no.Code)
	case errors.As(err, &no):
		return refusedText(-999, no.Code)
	}
	return err
}

// listeners give a push of an official account or mini program its effects: who follows
// first, then what may be sent to him, then what became of what was sent.
type listeners struct{ e *environment }

// ApplyMessage implements job's follows.
func (l listeners) ApplyMessage(ctx context.Context, n notice.Notice) error {
	if err := l.e.Followers.ApplyMessage(ctx, n); err != nil {
		return err
	}
	if err := l.e.Reach.Apply(ctx, n); err != nil {
		return err
	}
	return l.e.Pushes.Hear(ctx, n)
}

// spent tells the ledger of a message that went out by itself: WeChat counts it too.
func (e *environment) spent(ctx context.Context, a brand.Account, m message.Message) error {
	return e.Reach.Spent(ctx, m.ID, a.BrandID, a.ID, m.MemberID, m.OpenID, e.Clock.Now())
}

// reachChores keep grants, renew counts that people look at, and forget what counts no
// more.
func (e *environment) reachChores() []job.Chore {
	return []job.Chore{
		{Name: "keep grants for pushes to come", Every: time.Minute, Do: e.keepGrants},
		{Name: "count who can be reached", Every: time.Minute, Do: e.Reach.Recount},
		{Name: "forget old places for messages", Every: 10 * time.Minute, Do: func(ctx context.Context) error {
			_, err := e.Reach.Prune(ctx, 5000)
			return err
		}}}
}
