package leader

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/referral"
)

var errNobody = fault.New(fault.NotFound, "person_not_found", "没有这位客户")

// person is somebody of the own subtree as a leader sees him (脱敏): enough to look after
// people, not enough to find one.
type person struct {
	ID     id.ID  `json:"id"`     // of the binding, which names nobody
	Name   string `json:"name"`   // 李**
	City   string `json:"city"`   // "" not known
	Joined string `json:"joined"` // 2026年11月
	Active string `json:"active"` // 7 天内, 30 天内, 更早
	Bought int64  `json:"bought"` // verified items and orders
	Direct int64  `json:"direct"` // whom he brought
	Hidden bool   `json:"hidden"` // only that there is somebody may be shown: the rest is empty
}

// circle is a page of people.
type circle struct {
	Of     *person  `json:"of"` // null: the leader's own
	Direct int64    `json:"direct"`
	Team   int64    `json:"team"`
	Active int64    `json:"active_30"`
	List   []person `json:"list"`
	Next   string   `json:"next"`
}

func (h *Handler) people(c *gin.Context, at *seat) (any, error) {
	family, err := h.Members.Family(c.Request.Context(), at.Member)
	if err != nil {
		return nil, err
	}
	return h.circle(c, at, family, nil)
}

// below is one level deeper. Who is not under the one who asks is nobody.
func (h *Handler) below(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	b, accounts, err := h.binding(c, at)
	if err != nil {
		return nil, err
	}
	p, err := h.person(ctx, at, b)
	if err == nil && p.Hidden {
		err = errNobody
	}
	if err != nil {
		return nil, err
	}
	return h.circle(c, at, accounts, &p)
}

// binding reads the one that an address names, with the accounts of its person that stand
// below the one who asks.
func (h *Handler) binding(c *gin.Context, at *seat) (referral.Binding, []id.ID, error) {
	ctx := c.Request.Context()
	bindingID, err := web.ParamID(c, "binding")
	if err != nil {
		return referral.Binding{}, nil, err
	}
	b, err := h.Referrals.Binding(ctx, at.Brand.ID, bindingID)
	if fault.KindOf(err) == fault.NotFound || err == nil && b.State != referral.Active {
		return referral.Binding{}, nil, errNobody
	}
	if err != nil {
		return referral.Binding{}, nil, err
	}
	accounts, err := h.Referrals.Below(ctx, at.Brand.ID, at.Member, b.MemberID)
	if err == nil && !slices.Contains(accounts, b.MemberID) {
		err = errNobody
	}
	return b, accounts, err
}

// circle shows whom some accounts of one human brought: only those that are the asker's
// own, or stand below him.
func (h *Handler) circle(c *gin.Context, at *seat, accounts []id.ID, of *person) (any, error) {
	ctx := c.Request.Context()
	page, err := web.Paging(c)
	if err != nil {
		return nil, err
	}
	v := circle{Of: of, List: []person{}}
	team, err := h.Referrals.TeamOf(ctx, at.Brand.ID, accounts)
	if err != nil {
		return nil, err
	}
	v.Direct, v.Team, v.Active = team.Direct, team.TeamSize, team.Active
	list, err := h.Referrals.DirectOf(ctx, at.Brand.ID, accounts, page.Before, page.Limit)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		p, err := h.person(ctx, at, b)
		if err != nil {
			return nil, err
		}
		v.List = append(v.List, p)
	}
	v.Next = web.Next(list, page.Limit, func(b referral.Binding) string { return b.ID.String() })
	return v, nil
}

// nameless stands for who may not be named.
const nameless = "微信用户"

// person reads what may be shown of one. A page has few of them, so one at a time will do.
// Who never agreed that his referrer sees him (a scan that WeChat reported, a referrer whom
// an operator chose) is only counted, and so is who is erased (个人信息保护法 art. 23, 47).
func (h *Handler) person(ctx context.Context, at *seat, b referral.Binding) (person, error) {
	m, err := h.Members.Get(ctx, b.MemberID)
	if err != nil {
		return person{}, err
	}
	if !b.Consented || m.State == member.Erased {
		return person{ID: b.ID, Name: nameless, Joined: month(b.BoundAt), Hidden: true}, nil
	}
	family, err := h.Members.Family(ctx, b.MemberID)
	if err != nil {
		return person{}, err
	}
	accounts, err := h.Referrals.Below(ctx, at.Brand.ID, at.Member, b.MemberID)
	if err != nil {
		return person{}, err
	}
	n, err := h.Referrals.TeamOf(ctx, at.Brand.ID, append(accounts, b.MemberID)) // he may have moved just now
	if err != nil {
		return person{}, err
	}
	names, err := h.Profiles.History(ctx, b.MemberID, "nickname", 1)
	if err != nil {
		return person{}, err
	}
	cities, err := h.Scans.Cities(ctx, family)
	if err != nil {
		return person{}, err
	}
	p := person{ID: b.ID, Name: nameless, Joined: month(b.BoundAt), Active: since(h.Clock.Now(), n.LastActiveAt), Bought: n.OwnClaims + n.OwnOrders, Direct: n.Direct}
	if len(names) > 0 {
		if name := member.Mask(names[0].Value); name != "" {
			p.Name = name
		}
	}
	for _, m := range family {
		if p.City == "" {
			p.City = cities[m]
		}
	}
	return p, nil
}

func month(i clock.Instant) string {
	d := int(clock.DayOf(i))
	return strconv.Itoa(d/10000) + "年" + strconv.Itoa(d/100%100) + "月"
}

// since says how long ago in words that do not tell the hour.
func since(now, at clock.Instant) string {
	switch ago := now.Sub(at); {
	case at == 0:
		return "还没有动态"
	case ago < 7*24*time.Hour:
		return "7 天内活跃"
	case ago < 30*24*time.Hour:
		return "30 天内活跃"
	case ago < 90*24*time.Hour:
		return "90 天内活跃"
	}
	return "90 天以上未活跃"
}

// number reads a whole number of a form; what is none is 0.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
