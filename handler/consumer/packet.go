package consumer

import (
	"context"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/redpacket"
)

// What a member is told about his reward.
const (
	packetWon      = "won"      // points or a text: nothing is under way
	packetSending  = "sending"  // on its way, nothing to do
	packetConfirm  = "confirm"  // he must confirm in WeChat (去确认收款)
	packetSent     = "sent"     // WeChat put it into his chat; he opens it there
	packetSettled  = "settled"  // he has it
	packetReturned = "returned" // he did not take it in time
	packetFailed   = "failed"   // WeChat refused for good
)

// Polling starts here and slows down in the page's script.
const pollMs = 1500

// packet is one reward as its member sees it.
type packet struct {
	ClaimID   id.ID         `json:"claim_id"`
	State     string        `json:"state"`
	Title     string        `json:"title"`
	Text      string        `json:"text"`
	Kind      string        `json:"kind"` // cash, points, nothing
	Prize     string        `json:"prize"`
	AmountFen money.Fen     `json:"amount_fen"`
	Points    int64         `json:"points"`
	Product   string        `json:"product"`
	ClaimedAt clock.Instant `json:"claimed_at"`
	ConfirmBy clock.Instant `json:"confirm_by"`
	Confirm   *confirm      `json:"confirm"`
	BillNo    string        `json:"bill_no"`
	PollMs    int           `json:"poll_ms"` // 0: nothing more will happen
	Again     bool          `json:"again"`
}

// confirm is what requestMerchantTransfer needs. Source:
// pay.weixin.qq.com/doc/v3/partner/4016960577.
type confirm struct {
	MchID   string `json:"mch_id"`
	AppID   string `json:"app_id"`
	Package string `json:"package"`
}

// packet reads what became of a claim.
func (h *Handler) packet(ctx context.Context, cl claim.Claim) (packet, error) {
	return h.packetOf(ctx, cl, nil)
}

// packetOf is packet for who may have read the payout already.
func (h *Handler) packetOf(ctx context.Context, cl claim.Claim, pay *redpacket.Payout) (packet, error) {
	prod, err := h.goods.Get(ctx, cl.ProductID)
	if err != nil {
		return packet{}, err
	}
	p := packet{ClaimID: cl.ID, Kind: cl.Kind, Prize: cl.Prize, AmountFen: cl.CashFen, Points: cl.Points, Product: prod.Name, ClaimedAt: cl.CreatedAt, Again: cl.Again}
	if cl.CashFen == 0 {
		return p.without(), nil
	}
	if cl.BillNo != "" { // made a moment ago: nothing can be read that is not known
		return p.with(redpacket.Payout{State: redpacket.Pending, BillNo: cl.BillNo, NextAt: cl.CreatedAt}, brand.Account{}, h.Clock.Now()), nil
	}
	if pay == nil {
		row, err := h.Packets.OfClaim(ctx, cl.ID)
		if err != nil {
			return packet{}, err
		}
		pay = &row
	}
	var merchant brand.Account
	if pay.PackageInfo != "" && pay.WaitUser {
		if merchant, err = h.merchants.Get(ctx, pay.AccountID); err != nil {
			return packet{}, err
		}
	}
	return p.with(*pay, merchant, h.Clock.Now()), nil
}

// without is a reward that needs no payout.
func (p packet) without() packet {
	p.State, p.Title, p.Text = packetWon, p.Prize, "这一次没有中奖，感谢您的支持。"
	if p.Points > 0 {
		p.Title, p.Text = "获得 "+strconv.FormatInt(p.Points, 10)+" 积分", "积分已存入您的账户。"
	}
	return p
}

// with says where the payout is. The truth is our row, which only WeChat's own
// answers and notices move: that the confirmation page was closed with "ok" means
// nothing yet.
func (p packet) with(pay redpacket.Payout, merchant brand.Account, now clock.Instant) packet {
	p.BillNo, p.PollMs = pay.BillNo, pollMs
	switch pay.State {
	case redpacket.Settled:
		p.State, p.PollMs = packetSettled, 0
		p.Title, p.Text = "已到账", "红包已存入您的微信零钱。"
	case redpacket.Returned:
		p.State, p.PollMs = packetReturned, 0
		p.Title, p.Text = "红包已退回", "超过 24 小时没有领取，红包已退回。"
	case redpacket.Failed:
		p.State, p.PollMs = packetFailed, 0
		p.Title, p.Text = "发放没有成功", "微信没有受理这笔红包，请凭单号联系客服。"
	case redpacket.Accepted:
		p.accepted(pay, merchant, now)
	default:
		p.State, p.Title, p.Text = packetSending, "红包发放中", "一般几秒内完成，您可以停留在本页等待。"
		if pay.Review {
			p.Text = "红包正在核实，核实后会继续发放，无需重复操作。"
		} else if pay.NextAt.Sub(now).Minutes() > 1 {
			p.Text = "红包正在排队，预计 " + pay.NextAt.Local() + " 前后继续发放，无需重复操作。"
		}
	}
	return p
}

func (p *packet) accepted(pay redpacket.Payout, merchant brand.Account, now clock.Instant) {
	if pay.Rail == brand.RailRedpack {
		p.State, p.Title, p.Text = packetSent, "红包已发出", "请回到微信聊天，在服务通知或公众号消息里拆开红包，24 小时内有效。"
		return
	}
	p.ConfirmBy = pay.ConfirmBy()
	if !pay.WaitUser || pay.PackageInfo == "" || p.ConfirmBy <= now {
		p.State, p.Title, p.Text = packetSending, "处理中", "正在等待微信的结果，请稍候。"
		return
	}
	p.State, p.Title = packetConfirm, "待确认收款"
	p.Text = "请在 " + p.ConfirmBy.Local() + " 前确认收款，逾期红包将退回。"
	p.Confirm = &confirm{merchant.AppID, pay.AppID, pay.PackageInfo}
}

// ownPacket reads the claim of the route for its member. Somebody else's is NotFound:
// that it exists is nobody's business.
func (h *Handler) ownPacket(c *gin.Context) (packet, claim.Claim, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return packet{}, claim.Claim{}, err
	}
	claimID, err := web.ParamID(c, "claim")
	if err != nil {
		return packet{}, claim.Claim{}, err
	}
	cl, err := h.Claims.Get(c.Request.Context(), claimID)
	mine := false
	if err == nil {
		mine, err = h.Members.SameHuman(c.Request.Context(), cl.MemberID, s.Member)
	}
	if err == nil && !mine {
		err = fault.New(fault.NotFound, "claim_not_found", "没有这条领取记录")
	}
	if err != nil {
		return packet{}, claim.Claim{}, err
	}
	p, err := h.packet(c.Request.Context(), cl)
	return p, cl, err
}

// packetState is the JSON that the packet page polls, and the mini program's detail.
func (h *Handler) packetState(c *gin.Context) {
	web.Answer(func(c *gin.Context) (any, error) { p, _, err := h.ownPacket(c); return p, err })(c)
}

// packets lists the claims of the session's human, newest first.
func (h *Handler) packets(c *gin.Context) (list []packet, next string, err error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, "", err
	}
	page, err := web.Paging(c)
	if err != nil {
		return nil, "", err
	}
	family, err := h.Members.Family(c.Request.Context(), s.Member)
	if err != nil {
		return nil, "", err
	}
	claims, err := h.Claims.OfMembers(c.Request.Context(), family, page.Before, page.Limit)
	if err != nil {
		return nil, "", err
	}
	list = make([]packet, 0, len(claims))
	for _, cl := range claims {
		p, err := h.packet(c.Request.Context(), cl)
		if err != nil {
			return nil, "", err
		}
		list = append(list, p)
	}
	return list, web.Next(list, page.Limit, func(p packet) string { return p.ClaimID.String() }), nil
}

// apiPackets is GET /api/v1/packets.
func (h *Handler) apiPackets(c *gin.Context) {
	list, next, err := h.packets(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Listed(c, list, next)
}
