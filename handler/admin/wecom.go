package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/wecom"
)

// wecomRoutes: what comes in from WeCom, and the unionids of followers. A corp itself is
// an account of kind wecom.
func (h *Handler) wecomRoutes() []web.Route {
	return []web.Route{
		at(get, "/accounts/:id/sync", operator.WeComRead, "企业微信、关注者同步的进度", web.Answer(h.syncStanding)).Gives(wecom.Standing{}),
		at(post, "/accounts/:id/sync", operator.WeComWrite, "立即同步(chats 客户群、contacts 联系人、followers 关注者)", h.write("sync.start", ok, h.startSync)).Takes(syncInput{}).Gives(wecom.Sync{}),
		at(get, "/accounts/:id/contacts", operator.WeComRead, "企业微信外部联系人(编号打码)", h.listContacts()).Asks("state?:active|half|dropped|left|lost").Lists(contactLine{}),
		at(get, "/accounts/:id/chats", operator.WeComRead, "企业微信客户群与最近一次读取", h.listChats()).Lists(wecom.Chat{}),
		at(get, "/accounts/:id/ways", operator.WeComRead, "企业微信群活码(一个码最多进五个客户群)", h.listWays()).Lists(wecom.Way{}),
		at(post, "/accounts/:id/ways", operator.WeComWrite, "新增群活码：生成后所选客户群即可用于活码", h.write("wecom-way.create", created, h.createWay)).Takes(wecom.WayDraft{}).Gives(wecom.Way{}),
		at(get, "/wecom-ways/:id", operator.WeComRead, "群活码的状态与地址", web.Answer(h.getWay)).Gives(wecom.Way{}),
		at(put, "/wecom-ways/:id", operator.WeComWrite, "修改群活码(二维码不变)", h.write("wecom-way.update", ok, h.updateWay)).Takes(wecom.WayDraft{}).Gives(wecom.Way{}),
		at(post, "/wecom-ways/:id/retry", operator.WeComWrite, "重试：失败、结果不明或未更新的群活码", h.write("wecom-way.retry", ok, h.turnWay(h.WeCom.RetryWay))).Gives(wecom.Way{}),
		at(del, "/wecom-ways/:id", operator.WeComWrite, "删除群活码，所选客户群不再有入群码", h.write("wecom-way.delete", ok, h.turnWay(h.WeCom.EndWay))).Gives(wecom.Way{}),
	}
}

// syncKinds are what can be synced of an account, by its kind.
var syncKinds = map[string][]string{brand.WeCom: {wecom.Chats, wecom.Contacts}, brand.Official: {wecom.Followers}}

func (h *Handler) syncStanding(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, accountID id.ID) (wecom.Standing, error) {
		if _, err := h.Brands.Account(ctx, accountID); err != nil {
			return wecom.Standing{}, err
		}
		return h.WeCom.Standing(ctx, accountID)
	})
}

type syncInput struct {
	Kind string `json:"kind"`
}

func (h *Handler) startSync(c *gin.Context, e *audit.Entry) (any, error) {
	var in syncInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := h.Brands.Account(c.Request.Context(), accountID)
	if err != nil {
		return nil, err
	}
	known := false
	for _, k := range syncKinds[a.Kind] {
		known = known || k == in.Kind
	}
	if !known {
		return nil, fault.NewInvalid("sync_kind", "企业微信可同步 chats、contacts，公众号可同步 followers").With("field", "kind")
	}
	y, err := h.WeCom.Start(c.Request.Context(), wecom.Account{ID: a.ID, BrandID: a.BrandID, CorpID: a.AppID}, in.Kind)
	e.ObjectID, e.After = y.ID, y
	return y, err
}

// contactLine is a contact with its id masked.
type contactLine struct {
	wecom.Contact
	Shown string `json:"shown"`
}

func (h *Handler) listContacts() gin.HandlerFunc {
	return list(func(l contactLine) id.ID { return l.ID }, func(c *gin.Context, p web.Page) ([]contactLine, error) {
		accountID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		found, err := h.WeCom.Contacts(c.Request.Context(), accountID, c.Query("state"), p.Before, p.Limit)
		out := make([]contactLine, len(found))
		for i, x := range found {
			out[i] = contactLine{Contact: x, Shown: x.Masked()}
		}
		return out, err
	})
}

func (h *Handler) listChats() gin.HandlerFunc {
	return list(func(x wecom.Chat) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]wecom.Chat, error) {
		accountID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.WeCom.Chats(c.Request.Context(), accountID, p.Before, p.Limit)
	})
}

func (h *Handler) listWays() gin.HandlerFunc {
	return list(func(w wecom.Way) id.ID { return w.ID }, func(c *gin.Context, p web.Page) ([]wecom.Way, error) {
		accountID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.WeCom.Ways(c.Request.Context(), accountID, p.Before, p.Limit)
	})
}

func (h *Handler) createWay(c *gin.Context, e *audit.Entry) (any, error) {
	var in wecom.WayDraft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a, err := h.Brands.Account(c.Request.Context(), accountID)
	if err == nil && a.Kind != brand.WeCom {
		err = fault.NewInvalid("wecom_way", "只有企业微信账号可以建群活码").With("field", "id")
	}
	if err != nil {
		return nil, err
	}
	w, err := h.WeCom.MakeWay(c.Request.Context(), wecom.Account{ID: a.ID, BrandID: a.BrandID, CorpID: a.AppID}, in)
	e.ObjectID, e.After = w.ID, w
	return w, err
}

func (h *Handler) getWay(c *gin.Context) (any, error) { return one(c, h.WeCom.WayOf) }

func (h *Handler) updateWay(c *gin.Context, e *audit.Entry) (any, error) {
	var in wecom.WayDraft
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	wayID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	w, err := h.WeCom.ChangeWay(c.Request.Context(), wayID, in)
	e.After = w
	return w, err
}

// turnWay does what needs no more than the way's number.
func (h *Handler) turnWay(turn func(context.Context, id.ID) (wecom.Way, error)) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		wayID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		w, err := turn(c.Request.Context(), wayID)
		e.After = w
		return w, err
	}
}
