package tag

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/say"
)

// ofEvent begins the evidence of a value that an event gave; the event's key follows.
const ofEvent = "行为 "

// acts are what events say was done.
var acts = map[string]string{
	"scan":            "扫码",
	"claim":           "领取奖品",
	"order":           "下单",
	"follow":          "关注公众号",
	"unfollow":        "取消关注公众号",
	"message_sent":    "收到消息",
	"message_lost":    "消息没有送达",
	"message_opened":  "打开消息",
	"message_clicked": "点开消息里的链接",
	"referral":        "推荐关系",
	"not_referred":    "推荐没有登记",
	"login":           "登录",
	"review":          "评价",
	"coupon":          "优惠券",
	"custom":          "自定义行为",
}

// proof is the sentence of an event that gave a value: what was done, when and where. nil:
// the evidence names no event.
func (s *Store) proof(ctx context.Context, evidence string) (*say.Said, error) {
	key, is := strings.CutPrefix(evidence, ofEvent)
	if !is {
		return nil, nil
	}
	e, err := s.Events.Get(ctx, key)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		said := say.Of("evidence_gone", "依据的行为记录已经删除")
		return &said, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tag: evidence: %w", err)
	}
	said, err := told(e, s.DB.Now())
	return &said, err
}

// Withheld is what is said of the event that gave a value to who may not read what people did.
func Withheld() say.Said {
	return say.Of("evidence_withheld", "依据是一次行为；您的账号不能查看会员的行为")
}

// told says an event in a sentence.
func told(e event.Event, now clock.Instant) (say.Said, error) {
	if e.Channel == event.Erased {
		return say.Of("evidence_gone", "依据的行为记录已经删除"), nil
	}
	var b struct {
		Province, City, Title, Name, Prize string
		OrderNo                            string `json:"order_no"`
		RefundNo                           string `json:"refund_no"`
		AmountFen                          int64  `json:"amount_fen"`
		Stars                              int
	}
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return say.Said{}, fmt.Errorf("tag: body of %s: %w", e.Key, err)
	}
	act, at := say.Word{Key: "act_" + e.Type, Text: acts[e.Type]}, when(e.At, now)
	if strings.HasPrefix(b.City, b.Province) || strings.HasPrefix(b.Province, b.City) { // a city that is a province
		if b.Province == "" {
			b.Province = b.City
		}
		b.City = ""
	}
	switch {
	case e.Type == event.Order && b.RefundNo != "":
		return say.Of("evidence_refund", "退款 {at}，订单 {no}，{yuan} 元", "at", at, "no", b.OrderNo, "yuan", yuan(-b.AmountFen)), nil
	case e.Type == event.Order:
		return say.Of("evidence_order", "下单 {at}，订单 {no}，{yuan} 元", "at", at, "no", b.OrderNo, "yuan", yuan(b.AmountFen)), nil
	case e.Type == event.Review:
		return say.Of("evidence_review", "评价 {at}，{n} 星", "at", at, "n", b.Stars), nil
	case b.Title+b.Name != "":
		return say.Of("evidence_named", "{act} {at}，“{name}”", "act", act, "at", at, "name", b.Title+b.Name), nil
	case b.Province != "":
		return say.Of("evidence_place", "{act} {at}，{province}{city}", "act", act, "at", at, "province", b.Province, "city", b.City), nil
	}
	return say.Of("evidence_act", "{act} {at}", "act", act, "at", at), nil
}

// when is a moment as people of the brand say it, without the year where it is this one.
func when(at, now clock.Instant) string {
	text := at.Local()
	if text[:4] == now.Local()[:4] {
		return text[len("2026-"):]
	}
	return text
}

// yuan writes fen as yuan.
func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d", sign, fen/100, fen%100)
}
