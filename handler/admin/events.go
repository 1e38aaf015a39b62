package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

// eventRoutes: what happened to members, what could not be placed, and partners' keys.
func (h *Handler) eventRoutes() []web.Route {
	return []web.Route{
		at(get, "/members/:id/timeline", operator.EventRead, "会员的时间线", h.timeline).Asks("types?").Lists(event.Event{}),
		at(get, "/members/:id/purchases", operator.EventRead, "会员的购买情况(须同意个性化画像)", web.Answer(h.purchases)).Gives(bought{}),
		at(post, "/members/:id/purchases/rebuild", operator.EventReplay, "由事件重算会员的购买情况", h.write("member.rebuild_purchases", ok, h.rebuildPurchases)).Takes(reasonInput{}).Gives(bought{}),
		at(get, "/events/dead", operator.EventRead, "死信列表", h.listLetters()).Asks("brand_id?", "state?:waiting|replayed|discarded").Lists(event.DeadLetter{}).Counts(),
		at(get, "/events/dead/:id", operator.EventRead, "死信内容", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Intake.Letter) })).Gives(event.DeadLetter{}),
		at(post, "/events/dead/:id/replay", operator.EventReplay, "改正并重放死信", h.write("event.replay_dead", ok, h.replayLetter)).Takes(replayInput{}).Gives(event.DeadLetter{}),
		at(post, "/events/dead/:id/discard", operator.EventReplay, "丢弃死信", h.write("event.discard_dead", ok, h.discardLetter)).Takes(reasonInput{}).Gives(event.DeadLetter{}),
		at(get, "/apikeys", operator.APIKeyRead, "接口密钥列表", ofBrand(func(k apikey.Key) id.ID { return k.ID }, h.APIKeys.List, h.APIKeys.Count)).Asks("brand_id").Lists(apikey.Key{}).Counts(),
		at(post, "/apikeys", operator.APIKeyWrite, "新增接口密钥(密钥仅显示一次)", h.secret("apikey.create", created, h.createAPIKey)).Takes(apiKeyInput{}).Gives(shownKey{}),
		at(get, "/apikeys/:id", operator.APIKeyRead, "接口密钥详情", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.APIKeys.Get) })).Gives(apikey.Key{}),
		at(post, "/apikeys/:id/rotate", operator.APIKeyWrite, "更换接口密钥(密钥仅显示一次)", h.secret("apikey.rotate", ok, h.rotateAPIKey)).Takes(rotateInput{}).Gives(shownKey{}),
		at(post, "/apikeys/:id/revoke", operator.APIKeyWrite, "停用接口密钥", h.write("apikey.revoke", ok, h.revokeAPIKey)).Takes(reasonInput{}).Gives(apikey.Key{}),
	}
}

// timeline pages by (time, id): events of one moment are told apart by their ids.
func (h *Handler) timeline(c *gin.Context) {
	list, next, err := h.timelinePage(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, list, next)
}

func (h *Handler) timelinePage(c *gin.Context) ([]event.Event, string, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, "", err
	}
	limit, err := web.Limit(c)
	if err != nil {
		return nil, "", err
	}
	after, err := timelineCursor(c.Query("before"))
	if err != nil {
		return nil, "", err
	}
	var types []string
	if t := c.Query("types"); t != "" {
		types = strings.Split(t, ",")
		known := event.Schemas()
		if i := slices.IndexFunc(types, func(t string) bool { return known[t] == nil }); i >= 0 {
			return nil, "", fault.Invalidf("bad_field", "没有“%.20s”这种事件", types[i]).With("field", "types")
		}
	}
	family, err := h.Members.Family(c.Request.Context(), memberID)
	if err != nil {
		return nil, "", err
	}
	list, err := h.Events.Timeline(c.Request.Context(), family, types, after, limit)
	return list, web.Next(list, limit, func(e event.Event) string { return fmt.Sprintf("%d.%d", e.At, e.ID) }), err
}

func timelineCursor(text string) (c event.Cursor, err error) {
	if text == "" {
		return c, nil
	}
	var at, number int64
	if _, err := fmt.Sscanf(text+"\n", "%d.%d\n", &at, &number); err != nil || at <= 0 || number <= 0 {
		return c, fault.NewInvalid("bad_field", "before 应为上一页给出的值").With("field", "before")
	}
	return event.Cursor{At: clock.Instant(at), ID: id.ID(number)}, nil
}

// bought is what a human bought, as far as he allows that it is known.
type bought struct {
	Allowed bool           `json:"allowed"`
	Items   []event.Bought `json:"items"`
}

func (h *Handler) purchases(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	return h.boughtBy(c, memberID)
}

func (h *Handler) boughtBy(c *gin.Context, memberID id.ID) (b bought, err error) {
	family, err := h.Members.Family(c.Request.Context(), memberID)
	if err != nil {
		return b, err
	}
	b.Items, b.Allowed, err = h.Purchases.Of(c.Request.Context(), family)
	return b, err
}

func (h *Handler) rebuildPurchases(c *gin.Context, e *audit.Entry) (any, error) {
	family, err := h.Members.Family(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	if err := h.Purchases.Rebuild(c.Request.Context(), family); err != nil {
		return nil, err
	}
	return h.boughtBy(c, e.ObjectID)
}

func (h *Handler) listLetters() gin.HandlerFunc {
	return counted(func(l event.DeadLetter) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]event.DeadLetter, error) {
		brandID, err := web.QueryID(c, "brand_id")
		if err != nil {
			return nil, err
		}
		return h.Intake.Letters(c.Request.Context(), brandID, c.Query("state"), p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		brandID, err := web.QueryID(c, "brand_id")
		if err != nil {
			return 0, false, err
		}
		return h.Intake.CountLetters(c.Request.Context(), brandID, c.Query("state"))
	})
}

type replayInput struct {
	Type     string          `json:"type"`
	At       clock.Instant   `json:"at"`
	MemberID id.ID           `json:"member_id"`
	Body     json.RawMessage `json:"body"`
	Reason   string          `json:"reason"`
}

func (h *Handler) replayLetter(c *gin.Context, e *audit.Entry) (any, error) {
	var in replayInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.Intake.Replay(c.Request.Context(), e.ObjectID, event.Correction{Type: in.Type, At: in.At, MemberID: in.MemberID, Body: in.Body})
}

func (h *Handler) discardLetter(c *gin.Context, e *audit.Entry) (any, error) {
	return h.Intake.Discard(c.Request.Context(), e.ObjectID)
}

type apiKeyInput struct {
	apikey.Draft
	Reason string `json:"reason"`
}

// shownKey is a key with its secret, the one time that it is shown.
type shownKey struct {
	apikey.Key
	Secret string `json:"secret"`
}

func (h *Handler) createAPIKey(c *gin.Context, e *audit.Entry) (any, error) {
	var in apiKeyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	k, secret, err := h.APIKeys.Create(c.Request.Context(), in.Draft)
	e.ObjectID, e.After = k.ID, k
	return shownKey{k, secret}, err
}

type rotateInput struct {
	KeepHours int    `json:"keep_hours"` // that the old secret still counts
	Reason    string `json:"reason"`
}

func (h *Handler) rotateAPIKey(c *gin.Context, e *audit.Entry) (any, error) {
	in := rotateInput{KeepHours: 24}
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	if in.KeepHours < 0 || in.KeepHours > int(apikey.MaxKeep/time.Hour) {
		return nil, fault.NewInvalid("keep", "旧密钥最多保留 7 天").With("field", "keep_hours")
	}
	k, secret, err := h.APIKeys.Rotate(c.Request.Context(), e.ObjectID, time.Duration(in.KeepHours)*time.Hour)
	e.After = k
	return shownKey{k, secret}, err
}

func (h *Handler) revokeAPIKey(c *gin.Context, e *audit.Entry) (any, error) {
	k, err := h.APIKeys.Revoke(c.Request.Context(), e.ObjectID)
	e.After = k
	return k, err
}
