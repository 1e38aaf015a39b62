package consumer

import (
	"context"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/fault"
	"siyu/model/product"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

// Sample renders what somebody would see of a campaign that may still be a draft, with the
// templates of the real pages: show is scan (the first look at a code), rules or won. It
// has no code: what its buttons would send names nothing. It implements admin.Sampler.
func (h *Handler) Sample(ctx context.Context, o campaign.Offer, goods product.Product, show string) ([]byte, error) {
	b, err := h.Brands.Get(ctx, o.BrandID)
	if err != nil {
		return nil, err
	}
	if goods.Name == "" {
		goods.Name = "商品名称"
	}
	goods.PictureURL = "" // the panel shows no foreign picture
	switch show {
	case "scan":
		return h.Pages.Render("scan.html", h.sampleScan(o, b, goods))
	case "rules":
		o.SeedHash = orElse(o.SeedHash, "发布后公布")
		return h.Pages.Render("rules.html", web.Frame{Still: true, Title: "活动规则", Brand: b.Name, Phone: b.SupportPhone, Body: rulesView{Offer: o, State: "进行中"}})
	case "won":
		return h.Pages.Render("packet.html", h.sampleWon(o, b, goods))
	}
	return nil, fault.NewInvalid("bad_field", "没有这个页面").With("field", "show")
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func (h *Handler) sampleScan(o campaign.Offer, b brand.Brand, goods product.Product) web.Frame {
	now := h.Clock.Now()
	f := scan.Facts{Now: now, Known: true, CodeState: scan.Activated, WeChat: true, Member: 1, SupportPhone: b.SupportPhone,
		Sight:      scan.Sight{FirstMember: 1, FirstAt: now, Scans: 1, Fresh: true},
		ScanPoints: goods.ScanPoints * int64(goods.PointsPercent) / 100,
		Campaign:   scan.Campaign{State: o.State, Name: o.Name, FromAt: o.FromAt, UntilAt: o.UntilAt, TopPrize: o.TopPrize, Who: o.Who}}
	frame := scanFrame(view{Brand: b, Product: goods, Offer: o, Facts: f, Verdict: scan.Judge(f)}, scanView{Token: "PREVIEW"})
	frame.Still = true
	return frame
}

// sampleWon shows the first prize that wins something.
func (h *Handler) sampleWon(o campaign.Offer, b brand.Brand, goods product.Product) web.Frame {
	cl := claim.Claim{Kind: campaign.Nothing, Prize: "谢谢参与", CreatedAt: h.Clock.Now()}
	for _, l := range o.Odds {
		if l.Kind != campaign.Nothing {
			cl.Kind, cl.Prize, cl.CashFen, cl.Points = l.Kind, l.Name, l.MaxFen, l.Points
			break
		}
	}
	p := packet{Kind: cl.Kind, Prize: cl.Prize, AmountFen: cl.CashFen, Points: cl.Points, Product: goods.Name, ClaimedAt: cl.CreatedAt}
	if cl.CashFen > 0 {
		p = p.with(redpacket.Payout{State: redpacket.Settled, BillNo: "预览，没有单号"}, brand.Account{}, cl.CreatedAt)
	} else {
		p = p.without()
	}
	return web.Frame{Still: true, Title: p.Title, Brand: b.Name, Phone: b.SupportPhone, Organiser: o.Organiser, Body: packetView{packet: p, Campaign: o.Name}}
}
