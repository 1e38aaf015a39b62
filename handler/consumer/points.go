package consumer

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/points"
	"siyu/model/tier"
)

// account is the points of the human who asks, over all members he is.
type account struct {
	Balance int64 `json:"balance"` // what he can spend
	points.Account
	Lines []ledger.Line `json:"lines"`
	Next  string        `json:"next"` // ?before= of the next page, "" on the last
}

// points reads balances and a page of the statement.
func (h *Handler) points(c *gin.Context) (account, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return account{}, err
	}
	page, err := web.Paging(c)
	if err != nil {
		return account{}, err
	}
	out := account{}
	if out.Account, err = h.Points.Account(c.Request.Context(), s.Member); err != nil {
		return account{}, err
	}
	if out.Lines, err = h.Points.Statement(c.Request.Context(), s.Member, page.Before, page.Limit); err != nil {
		return account{}, err
	}
	out.Balance, out.Next = out.Available, web.Next(out.Lines, page.Limit, func(l ledger.Line) string { return l.ID.String() })
	return out, nil
}

// apiPoints is GET /api/v1/points.
func (h *Handler) apiPoints(c *gin.Context) (any, error) { return h.points(c) }

type pointsView struct {
	account
	First  bool // of the statement's pages
	Levels bool // some brand has levels
}

func (h *Handler) pointsPage(c *gin.Context) {
	a, err := h.points(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	brands, err := h.Tiers.Brands(c.Request.Context())
	if err != nil {
		h.fail(c, err)
		return
	}
	h.Pages.Show(c, http.StatusOK, "points.html", web.Frame{Title: "我的积分", Body: pointsView{a, c.Query("before") == "", len(brands) > 0}})
}

// rank is where a member stands at one brand.
type rank struct {
	tier.Standing
	Brand   string      `json:"brand"`
	History []tier.Move `json:"history"` // newest first
}

// Reach is what the next level asks for.
func (r rank) Reach() int64 { return r.Growth + r.Next.Needs }

func (h *Handler) ranks(ctx context.Context, memberID id.ID) ([]rank, error) {
	list, err := h.Tiers.Of(ctx, memberID)
	if err != nil {
		return nil, err
	}
	out := make([]rank, 0, len(list))
	for _, s := range list {
		b, err := h.brands.Get(ctx, s.BrandID)
		if err != nil {
			return nil, err
		}
		moves, err := h.Tiers.History(ctx, s.BrandID, memberID)
		if err != nil {
			return nil, err
		}
		r := rank{Standing: s, Brand: b.Name, History: []tier.Move{}}
		for i := len(moves) - 1; i >= 0 && len(r.History) < 20; i-- {
			r.History = append(r.History, moves[i])
		}
		out = append(out, r)
	}
	return out, nil
}

// apiTier is GET /api/v1/tier.
func (h *Handler) apiTier(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.ranks(c.Request.Context(), s.Member)
}

func (h *Handler) tierPage(c *gin.Context) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	list, err := h.ranks(c.Request.Context(), s.Member)
	if err != nil {
		h.fail(c, err)
		return
	}
	h.Pages.Show(c, http.StatusOK, "tier.html", web.Frame{Title: "会员等级", Body: list})
}
