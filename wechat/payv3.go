package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
)

// transfer is the v3 rail: 商家转账 transfer-bills, which wechatpay-go does not
// have. [D] pay.weixin.qq.com/doc/v3/merchant/4012716434 (create), .../4012716458
// (cancel), .../4013774588 (scene 1000).
type transfer struct {
	c    *Client
	conn *merchantConn
}

const pathBills = "/v3/fund-app/mch-transfer/transfer-bills"

// Scenes that we know the rules of: 现金营销, of rewards for a scan, and 佣金报酬, of
// commission. What the second wants reported and lets the person read is said by the
// scene's page in the merchant platform (产品中心 - 商家转账 - 转账场景).
const (
	sceneMarketing  = "1000"
	sceneCommission = "1005"
)

// billRequest is the body of create. user_name is absent: it is needed from 2000
// yuan on, which send refuses. Without user_recv_perception the person reads the
// scene's own word (现金营销: 活动奖励).
type billRequest struct {
	AppID      string       `json:"appid"`
	BillNo     string       `json:"out_bill_no"`
	SceneID    string       `json:"transfer_scene_id"`
	OpenID     string       `json:"openid"`
	AmountFen  int64        `json:"transfer_amount"`
	Remark     string       `json:"transfer_remark"`
	NotifyURL  string       `json:"notify_url,omitempty"`
	Perception string       `json:"user_recv_perception,omitempty"`
	Reports    []billReport `json:"transfer_scene_report_infos,omitempty"`
}

type billReport struct {
	Type    string `json:"info_type"`
	Content string `json:"info_content"`
}

// bill is what create, query, cancel and the notice tell, in one shape.
type bill struct {
	MchID      string `json:"mch_id"`
	AppID      string `json:"appid"`
	BillNo     string `json:"out_bill_no"`
	WechatNo   string `json:"transfer_bill_no"`
	State      string `json:"state"`
	AmountFen  int64  `json:"transfer_amount"`
	OpenID     string `json:"openid"`
	FailReason string `json:"fail_reason"`
	Package    string `json:"package_info"`
}

func (t transfer) send(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	if why := checkOrder(o, 32); why != "" {
		return refuse(why)
	}
	switch {
	case o.AmountFen < 10:
		return refuse("商家转账最低 0.1 元")
	case o.AmountFen >= 200000:
		return refuse("2000 元及以上的转账须提供收款人姓名，本系统不收集")
	}
	// WeChat prints what it got; both texts must be there and short.
	what := orElse(o.Remark, orElse(o.ActName, "扫码奖励"))
	in := billRequest{
		AppID: o.AppID, BillNo: o.BillNo, OpenID: o.OpenID, AmountFen: o.AmountFen,
		SceneID: orElse(o.SceneID, orElse(m.TransferSceneID, sceneMarketing)), Remark: cutRunes(what, 32), NotifyURL: o.NotifyURL,
	}
	for _, info := range o.Infos {
		in.Reports = append(in.Reports, billReport{Type: info.Type, Content: cutRunes(info.Content, 32)})
	}
	switch {
	case in.SceneID == sceneCommission:
		in.Perception = "劳务报酬"
	case in.SceneID == sceneMarketing && len(in.Reports) == 0:
		in.Reports = []billReport{
			{Type: "活动名称", Content: cutRunes(orElse(o.ActName, "扫码领奖"), 32)},
			{Type: "奖励说明", Content: cutRunes(orElse(o.Wishing, what), 32)},
		}
	}
	return t.ask(ctx, m, o, askSend, http.MethodPost, pathBills, in)
}

func (t transfer) query(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	if why := checkOrder(o, 32); why != "" {
		return refuse(why)
	}
	return t.ask(ctx, m, o, askQuery, http.MethodGet, pathBills+"/out-bill-no/"+o.BillNo, nil)
}

func (t transfer) cancel(ctx context.Context, m Merchant, o PayOrder) PayAnswer {
	if why := checkOrder(o, 32); why != "" {
		return refuse(why)
	}
	return t.ask(ctx, m, o, askCancel, http.MethodPost, pathBills+"/out-bill-no/"+o.BillNo+"/cancel", nil)
}

// Kinds of question: the same error code means different things.
const (
	askSend   = "transfer-bills"
	askQuery  = "transfer-bills query"
	askCancel = "transfer-bills cancel"
)

// ask does one exchange. The library signs, and verifies the answer's signature
// before we see a 2xx; a bad one is an error here, hence unknown.
func (t transfer) ask(ctx context.Context, m Merchant, o PayOrder, kind, method, path string, in any) PayAnswer {
	result, err := t.conn.v3.Request(ctx, method, consts.WechatPayAPIServer+path, nil, nil, in, consts.ApplicationJSON)
	if result != nil && result.Response != nil {
		defer result.Response.Body.Close()
	}
	var refused *core.APIError
	if errors.As(err, &refused) {
		return errorAnswer(kind, refused, o)
	}
	if err != nil {
		return unknown(CodeLocalNoAnswer, cause(kind, err))
	}
	var b bill
	if err := json.NewDecoder(result.Response.Body).Decode(&b); err != nil {
		return unknown("", fmt.Errorf("wechat: %s: answer is not JSON", kind))
	}
	return billAnswer(kind, b, m, o)
}

// billAnswer turns an authentic bill into our vocabulary.
func billAnswer(kind string, b bill, m Merchant, o PayOrder) PayAnswer {
	switch {
	case b.BillNo == "" || b.State == "":
		return unknown(scrub(b.State), fmt.Errorf("wechat: %s: answer without bill number or state", kind))
	case b.BillNo != o.BillNo:
		return mismatch("商户单号")
	case b.AmountFen != o.AmountFen && (b.AmountFen != 0 || kind == askQuery):
		return mismatch("金额")
	case b.MchID != "" && b.MchID != m.MchID:
		return mismatch("商户号")
	case b.OpenID != "" && b.OpenID != o.OpenID:
		return mismatch("收款人")
	case b.AppID != "" && b.AppID != o.AppID:
		return mismatch("appid")
	}
	state, wait := billState(b.State)
	a := PayAnswer{
		State: state, WaitUser: wait, WechatNo: b.WechatNo, Package: b.Package, Code: b.State,
		Reason: scrub(b.FailReason, o.OpenID), AmountFen: b.AmountFen,
	}
	if state == PayUnknown {
		a.Code = scrub(b.State)
		a.Err = fmt.Errorf("wechat: %s: state not in the documents", kind)
	}
	return a
}

// billState: [D] pay.weixin.qq.com/doc/v3/merchant/4012716434. TRANSFERING is
// WeChat's spelling. PROCESSING also means that the balance is short.
func billState(state string) (s PayState, waitUser bool) {
	switch state {
	case "ACCEPTED", "PROCESSING", "TRANSFERING", "CANCELING":
		return PayAccepted, false
	case "WAIT_USER_CONFIRM":
		return PayAccepted, true
	case "SUCCESS":
		return PaySettled, false
	case "FAIL":
		return PayFailed, false
	case "CANCELLED":
		return PayReturned, false
	}
	return PayUnknown, false
}

// errorAnswer reads an answer that is not 2xx. The library hands it over before
// looking at its signature (platform facts, B20), so nothing here is final: the
// most it can do is to make us wait or call a person.
func errorAnswer(kind string, e *core.APIError, o PayOrder) PayAnswer {
	a := PayAnswer{State: PayUnknown, Code: orElse(scrub(e.Code), CodeLocalNoAnswer), Reason: scrub(e.Message, o.OpenID)}
	if e.StatusCode < 500 {
		switch e.Code {
		case "NOT_ENOUGH":
			a.State, a.RetryAfter = PayDelay, 10*time.Minute
		case "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATE_LIMITED", "RATELIMIT_EXCEED":
			a.State, a.RetryAfter = PayDelay, 5*time.Second
		case "QUOTA_EXCEED": // the day's amount; the word of the older batch API
			a.State, a.RetryAfter = PayDelay, time.Hour
		case "PARAM_ERROR", "INVALID_REQUEST", "NO_AUTH", "SIGN_ERROR", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH":
			a.State = PayHold
		case "NOT_FOUND":
			if kind == askQuery && e.StatusCode == http.StatusNotFound {
				a.State = PayNotFound
			}
		}
		// ALREADY_EXISTS stays unknown: the query compares the amounts and tells
		// whether it is our own order or somebody's bug.
	}
	// "Nothing was done" about a question says nothing about the payment.
	if kind != askSend && a.State == PayDelay {
		a.State = PayUnknown
	}
	if a.State == PayUnknown || a.State == PayHold {
		a.Err = fmt.Errorf("wechat: %s: status %d %s %s", kind, e.StatusCode, a.Code, a.Reason)
	}
	return a
}
