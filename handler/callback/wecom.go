package callback

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/notice"
	"siyu/model/wecom"
	"siyu/wechat"
)

// corpEcho answers WeCom's check of the address with the decrypted echo.
func (h *Handler) corpEcho(c *gin.Context, account brand.Account, corp wechat.App) {
	echo, err := wechat.VerifyCorpEcho(corp, c.Request.URL.Query(), h.Clock.Now().Time())
	h.heard(account, err)
	if err != nil {
		web.Fail(c, refusal(err))
		return
	}
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(echo))
}

// corpEvent stores one push of WeCom once. There is nothing to answer but "success"; a
// push that could not be stored is not acknowledged, and comes again.
func (h *Handler) corpEvent(ctx context.Context, c *gin.Context, account brand.Account, corp wechat.App) {
	body, err := web.Body(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	e, err := wechat.OpenCorpEvent(corp, c.Request.URL.Query(), body, h.Clock.Now().Time())
	h.heard(account, err)
	if err != nil {
		web.Fail(c, refusal(err))
		return
	}
	if err := h.keepCorp(ctx, account, e); err != nil {
		web.Fail(c, err)
		return
	}
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte("success"))
}

// keepCorp: what a person wrote or where he is, is not kept; a corp set up for events
// only never sends it.
func (h *Handler) keepCorp(ctx context.Context, account brand.Account, e wechat.CorpEvent) error {
	if e.Type != "event" || e.Event == "LOCATION" {
		return nil
	}
	body, err := wecom.Push{CorpID: e.CorpID, Event: e.Event, ChangeType: e.ChangeType, CreatedAt: e.CreateTime, UserID: e.UserID,
		ExternalUserID: e.ExternalUserID, State: e.State, ChatID: e.ChatID, Detail: e.UpdateDetail, Raw: string(e.Raw)}.Body()
	if err != nil {
		return err
	}
	_, err = h.Notices.Store(ctx, notice.Notice{Source: notice.WeCom, DedupKey: e.DedupKey, AccountID: account.ID, Body: body})
	return err
}
