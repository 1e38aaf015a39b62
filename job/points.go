package job

import (
	"context"
	"fmt"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/points"
	"siyu/model/tier"
)

// TaskRegroup does what follows when a member's family changed; its ref is the member.
const TaskRegroup = points.Task // family:regroup

// Points keeps members' points up to date; *points.Accounts is it.
type Points interface {
	FoldAll(ctx context.Context) error
	SettleDue(ctx context.Context) error
	Part(ctx context.Context, members ...id.ID) error
	Warn(ctx context.Context, within time.Duration, tell func(ctx context.Context, e points.Expiring) error) error
}

// Tiers keeps members' levels up to date; *tier.Store is it.
type Tiers interface {
	EndDue(ctx context.Context) error
	Refresh(ctx context.Context, members ...id.ID) error
	Warn(ctx context.Context, within time.Duration, tell func(ctx context.Context, l tier.Loss) error) error
	Birthday(ctx context.Context, brandID, memberID id.ID, year int) error
}

// Birthdays knows who was born when; *profile.Store is it.
type Birthdays interface {
	BornOn(ctx context.Context, day clock.Day, after id.ID, limit int) (found []id.ID, next id.ID, err error)
}

// Regroup returns what members who parted had borrowed from each other, and looks anew
// for when their levels end.
func Regroup(p Points, t Tiers) Worker {
	return func(ctx context.Context, memberID id.ID) (Verdict, error) {
		if err := p.Part(ctx, memberID); err != nil {
			return Verdict{}, err
		}
		return Verdict{}, t.Refresh(ctx, memberID)
	}
}

// Address tells where a member can be written to by a brand: its official account and his
// openid there, or nothing.
type Address func(ctx context.Context, brandID, memberID id.ID) (account id.ID, openID string, err error)

// Loyalty is the chores of points and levels, and whom they tell.
type Loyalty struct {
	Points    Points
	Tiers     Tiers
	Messages  *message.Store
	Address   Address
	Brands    Brands
	Birthdays Birthdays
	Clock     clock.Clock
	PublicURL string
}

// warnBefore is how long before points or a level end people are told.
const warnBefore = 30 * 24 * time.Hour

// Chores is what happens by the clock to points and levels.
func (l *Loyalty) Chores() []Chore {
	return []Chore{
		{"release and expire points", 10 * time.Minute, l.Points.SettleDue},
		{"make lots of the day's points", 10 * time.Minute, l.Points.FoldAll},
		{"return points of families that parted", time.Hour, func(ctx context.Context) error { return l.Points.Part(ctx) }},
		{"end periods of levels", 10 * time.Minute, l.Tiers.EndDue},
		{"warn of points that expire", time.Hour, l.awake(l.warnPoints)},
		{"warn of levels that end", time.Hour, l.awake(l.warnTiers)},
		{"birthday points", time.Hour, l.birthdays()},
	}
}

// awake runs a chore between nine and twenty o'clock: nobody is woken by his points.
func (l *Loyalty) awake(do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		now := l.Clock.Now()
		from, _ := clock.DayOf(now).Bounds()
		if h := now.Sub(from); h < 9*time.Hour || h >= 20*time.Hour {
			return nil
		}
		return do(ctx)
	}
}

func (l *Loyalty) warnPoints(ctx context.Context) error {
	return l.Points.Warn(ctx, warnBefore, func(ctx context.Context, e points.Expiring) error {
		return l.tell(ctx, e.BrandID, e.MemberID, fmt.Sprintf("points:%s:%s:%d", e.BrandID, e.MemberID, e.ExpiresAt),
			fmt.Sprintf("您有 %d 积分可用至 %s，到期后将失效。\n<a href=\"%s/points\">查看我的积分</a>", e.Points, e.LastDay(), l.PublicURL))
	})
}

func (l *Loyalty) warnTiers(ctx context.Context) error {
	return l.Tiers.Warn(ctx, warnBefore, func(ctx context.Context, x tier.Loss) error {
		return l.tell(ctx, x.BrandID, x.MemberID, fmt.Sprintf("tier:%s:%s:%d", x.BrandID, x.MemberID, x.At),
			fmt.Sprintf("%s\n<a href=\"%s/tier\">查看会员等级</a>", x.Text, l.PublicURL))
	})
}

// birthdays is the chore that gives birthday points. It remembers for which day it is
// done; another process that does the same day again gives nothing twice.
func (l *Loyalty) birthdays() func(context.Context) error {
	var done clock.Day
	return func(ctx context.Context) error {
		day := clock.DayOf(l.Clock.Now())
		if day == done {
			return nil
		}
		brands, err := l.allBrands(ctx)
		if err != nil {
			return err
		}
		for after := id.ID(0); ; {
			members, next, err := l.Birthdays.BornOn(ctx, day, after, 200)
			if err != nil {
				return err
			}
			for _, m := range members {
				for _, b := range brands {
					if err := l.Tiers.Birthday(ctx, b, m, int(day)/10000); err != nil {
						return err
					}
				}
			}
			if after = next; next == 0 {
				done = day
				return nil
			}
		}
	}
}

func (l *Loyalty) allBrands(ctx context.Context) (out []id.ID, err error) {
	for before := id.ID(0); ; {
		page, err := l.Brands.List(ctx, before, 100)
		if err != nil {
			return nil, err
		}
		for _, b := range page {
			out = append(out, b.ID)
		}
		if len(page) < 100 {
			return out, nil
		}
		before = page[len(page)-1].ID
	}
}

// tell writes to a member whom the brand's official account knows; the others see it on
// their page.
func (l *Loyalty) tell(ctx context.Context, brandID, memberID id.ID, key, text string) error {
	account, openID, err := l.Address(ctx, brandID, memberID)
	if err != nil || openID == "" {
		return err
	}
	return l.Messages.Tell(ctx, message.Message{MessageKey: key, AccountID: account, MemberID: memberID, OpenID: openID, Text: text})
}

// Brands lists brands and their accounts; *brand.Store is it.
type Brands interface {
	List(ctx context.Context, before id.ID, limit int) ([]brand.Brand, error)
	Accounts(ctx context.Context, brandID id.ID, kind string) ([]brand.Account, error)
}

// Openids is what an address needs of members; *member.Store is it.
type Openids interface {
	OpenID(ctx context.Context, memberID id.ID, appID string) (string, error)
}

// Addresses finds the first official account of the brand that knows the member.
func Addresses(brands Brands, members Openids) Address {
	return func(ctx context.Context, brandID, memberID id.ID) (id.ID, string, error) {
		list, err := brands.Accounts(ctx, brandID, brand.Official)
		if err != nil {
			return 0, "", err
		}
		for _, a := range list {
			openID, err := members.OpenID(ctx, memberID, a.AppID)
			if err != nil {
				return 0, "", err
			}
			if openID != "" {
				return a.ID, openID, nil
			}
		}
		return 0, "", nil
	}
}
