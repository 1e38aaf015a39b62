package simulator

import (
	"fmt"
	"strconv"
	"time"
)

// redpackInfo is gethbinfo. https://pay.weixin.qq.com/doc/v2/merchant/4011937431
// says that "not found" must not be read as "failed".
func (s *Simulator) redpackInfo(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, fail, good := s.enterV2(c)
	if !good {
		return fail
	}
	if v.in.get("nonce_str") == "" || v.in.get("appid") == "" || v.in.get("bill_type") != "MCHT" {
		return v.fail("PARAM_ERROR", "参数错误")
	}
	b := s.bills.find(v.m.MchID, v.in.get("mch_billno"))
	// Only the last 30 days can be asked for.
	if b == nil || b.Rail != "redpack" || s.now().Sub(b.CreatedAt) > 30*24*time.Hour {
		return v.fail("NOT_FOUND", "指定单号数据不存在")
	}
	b.Queries++
	const layout = "2006-01-02 15:04:05"
	fen := b.AmountFen
	if c.bad("wrong_amount") {
		fen++
	}
	f := fields{
		{"return_code", "SUCCESS"}, {"return_msg", "OK"}, {"result_code", "SUCCESS"}, {"err_code", "SUCCESS"}, {"err_code_des", "OK"},
		{"mch_billno", b.BillNo}, {"mch_id", b.MchID}, {"detail_id", b.WechatNo}, {"status", b.State}, {"send_type", "API"}, {"hb_type", "NORMAL"},
		{"total_num", "1"}, {"total_amount", strconv.FormatInt(fen, 10)}, {"send_time", b.CreatedAt.In(shanghai).Format(layout)},
		{"wishing", b.Wishing}, {"remark", b.remark}, {"act_name", b.actName},
	}
	if b.Reason != "" {
		f = append(f, [2]string{"reason", b.Reason})
	}
	switch b.State {
	case "REFUND":
		f = append(f, [2]string{"refund_time", b.UpdatedAt.In(shanghai).Format(layout)}, [2]string{"refund_amount", strconv.FormatInt(fen, 10)})
	case "RECEIVED":
		taken := fmt.Sprintf("<hbinfo><openid><![CDATA[%s]]></openid><amount>%d</amount><rcv_time><![CDATA[%s]]></rcv_time></hbinfo>", b.OpenID, fen, b.UpdatedAt.In(shanghai).Format(layout))
		if c.bad("no_receive_time") {
			taken = fmt.Sprintf("<hbinfo><openid><![CDATA[%s]]></openid><amount>%d</amount></hbinfo>", b.OpenID, fen)
		}
		f = append(f, [2]string{"hblist", taken})
	}
	// A nested list cannot be part of a v2 signature, and real answers to this
	// call come unsigned; a signature would only be verifiable by its maker.
	if b.State == "RECEIVED" {
		return v2Answer(nil, "", f)
	}
	return v.reply(f)
}
