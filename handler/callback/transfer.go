package callback

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/money"
	"siyu/model/notice"
	"siyu/model/redpacket"
)

// transfer takes the result of a merchant transfer. Anything but 200 or 204 makes
// WeChat send it again for a day: that is wanted when we could not store it, and does
// no harm when it was not WeChat's.
func (h *Handler) transfer(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), deadline)
	defer cancel()
	if err := h.keepTransfer(ctx, c); err != nil {
		f := web.Note(c, err)
		c.Header("Cache-Control", "no-store")
		c.JSON(failStatus(f), gin.H{"code": "FAIL", "message": f.Text})
		return
	}
	c.Status(http.StatusNoContent)
}

func (h *Handler) keepTransfer(ctx context.Context, c *gin.Context) error {
	account, err := h.Accounts.AccountBySlug(ctx, c.Param("slug"))
	if err != nil {
		return err
	}
	if account.Kind != brand.Merchant {
		return errNoAccount
	}
	body, err := web.Body(c)
	if err != nil {
		return err
	}
	m, err := h.Keys.MerchantOf(ctx, account)
	if err != nil {
		return err
	}
	n, err := h.Payments.OpenTransferNotice(ctx, m, c.Request.Header, body)
	h.heard(account, err)
	if err != nil {
		return refusal(err)
	}
	report, err := redpacket.Report{BillNo: n.BillNo, Out: string(n.Answer.State), WechatNo: n.WechatNo, Code: n.State,
		Reason: n.FailReason, OpenID: n.OpenID, AmountFen: money.Fen(n.AmountFen)}.Body()
	if err != nil {
		return err
	}
	_, err = h.Notices.Store(ctx, notice.Notice{Source: notice.Transfer, DedupKey: account.ID.String() + ":" + n.ID, AccountID: account.ID, Body: report})
	return err
}

// failStatus is the shared table, but for a signature that is not WeChat's: its
// probes (WECHATPAY/SIGNTEST/) look for a plain verification failure.
func failStatus(f *fault.Fault) int {
	if f.Code == "signature" {
		return http.StatusUnauthorized
	}
	return web.Status(f)
}
