package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/campaign"
	"siyu/model/campaign/turnout"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/product"
)

// Sampler renders what a consumer would see of a campaign; nothing of it can be claimed.
type Sampler interface {
	Sample(ctx context.Context, o campaign.Offer, goods product.Product, show string) (page []byte, err error)
}

func (h *Handler) checkCampaign(c *gin.Context) (any, error) { return one(c, h.Campaigns.Check) }

func (h *Handler) rehearse(c *gin.Context) (any, error) {
	var t campaign.Trial
	var stop int64
	for name, into := range map[string]*int64{"draws": &t.Draws, "per_day": &t.PerDay, "stop_fen": &stop} {
		n, err := queryNumber(c, name)
		if err != nil {
			return nil, err
		}
		*into = n
	}
	t.StopFen = money.Fen(stop)
	return one(c, func(ctx context.Context, campaignID id.ID) (campaign.Rehearsal, error) {
		return h.Campaigns.DryRun(ctx, campaignID, t)
	})
}

// campaignPage shows a campaign, a draft as well, as its consumers will see it. The page
// runs no script, posts nothing and may be framed by the panel only.
func (h *Handler) campaignPage(c *gin.Context) {
	page, err := h.samplePage(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Framed(c, page)
}

func (h *Handler) samplePage(c *gin.Context) ([]byte, error) {
	ctx := c.Request.Context()
	campaignID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	o, err := h.Campaigns.Draft(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Get(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	var goods product.Product
	if len(x.Scopes) > 0 {
		b, err := h.Codes.Batch(ctx, x.Scopes[0].BatchID)
		if err != nil {
			return nil, err
		}
		if goods, err = h.Products.Get(ctx, b.ProductID); err != nil {
			return nil, err
		}
	}
	return h.Samples.Sample(ctx, o, goods, c.DefaultQuery("show", "scan"))
}

func (h *Handler) copyCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Copy(c.Request.Context(), e.ObjectID, e.ActorID)
	e.ObjectID, e.After = x.ID, x
	return x, err
}

// simply makes the action of a change that takes nothing but an optional reason.
func (h *Handler) simply(c *gin.Context, e *audit.Entry, change func(context.Context, id.ID) (campaign.Campaign, error)) (any, error) {
	if err := bindOptional(c, &reasonInput{}); err != nil {
		return nil, err
	}
	return h.campaign(c, e, change)
}

func (h *Handler) archiveCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.simply(c, e, func(ctx context.Context, x id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Archive(ctx, x, true)
	})
}

func (h *Handler) unarchiveCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.simply(c, e, func(ctx context.Context, x id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Archive(ctx, x, false)
	})
}

func (h *Handler) withdrawCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.simply(c, e, h.Campaigns.Withdraw)
}

func (h *Handler) cancelCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.simply(c, e, h.Campaigns.Cancel)
}

// dossier is what the second person looks at, with the names of who did what.
type dossier struct {
	campaign.Dossier
	People  map[string]string `json:"people"`  // operator's id -> name
	Account string            `json:"account"` // name of the merchant number that pays; "" = none
}

func (h *Handler) campaignDossier(c *gin.Context) (any, error) {
	campaignID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	d, err := h.Campaigns.DossierOf(ctx, campaignID, current(c).Operator.ID)
	if err != nil {
		return nil, err
	}
	out := dossier{Dossier: d, People: map[string]string{}}
	if d.Frozen.AccountID != 0 {
		a, err := h.Brands.Account(ctx, d.Frozen.AccountID)
		if err != nil {
			return nil, err
		}
		out.Account = a.Name + " · " + a.AppID
	}
	for _, a := range d.History {
		for _, who := range []id.ID{a.EditedBy, a.SubmittedBy, a.DecidedBy} {
			if _, known := out.People[who.String()]; known || who == 0 {
				continue
			}
			o, err := h.Operators.Get(ctx, who)
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return nil, err
			}
			out.People[who.String()] = o.Name
		}
	}
	return out, nil
}

func (h *Handler) listApprovals() gin.HandlerFunc {
	return ofBrand(func(x campaign.Approval) id.ID { return x.ID }, h.Campaigns.Waiting, h.Campaigns.CountWaiting)
}

type submitInput struct {
	Note    string `json:"note"`    // for the second person
	Version int64  `json:"version"` // of the draft that was looked at
	Reason  string `json:"reason"`
}

func (h *Handler) submitCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	var in submitInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	return h.campaign(c, e, func(ctx context.Context, campaignID id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Submit(ctx, campaignID, campaign.Request{By: e.ActorID, Note: in.Note, Version: in.Version})
	})
}

// decisionInput: Hash is that of the content that was shown.
type decisionInput struct {
	Hash   string `json:"hash"`
	Reason string `json:"reason"`
}

func (h *Handler) approveCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.decideCampaign(c, e, true)
}

func (h *Handler) refuseCampaign(c *gin.Context, e *audit.Entry) (any, error) {
	return h.decideCampaign(c, e, false)
}

func (h *Handler) decideCampaign(c *gin.Context, e *audit.Entry, yes bool) (any, error) {
	var in decisionInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	return h.campaign(c, e, func(ctx context.Context, campaignID id.ID) (campaign.Campaign, error) {
		return h.Campaigns.Decide(ctx, campaignID, campaign.Decision{Approve: yes, By: e.ActorID, Hash: in.Hash, Reason: in.Reason})
	})
}

func (h *Handler) getCampaignPolicy(c *gin.Context) (any, error) {
	return one(c, h.Campaigns.PolicyOf)
}

type campaignPolicyInput struct {
	ApprovalFen    *money.Fen `json:"approval_fen"`    // 0: every campaign needs a second person
	ApprovalPoints *int64     `json:"approval_points"` // 0: every campaign that gives points
	Reason         string     `json:"reason"`          // needed: who raises a limit says why
}

// setCampaignPolicy: who may both raise the limit and publish needs a reason on record.
func (h *Handler) setCampaignPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	var in campaignPolicyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.ApprovalFen == nil {
		return nil, fault.NewInvalid("approval_fen", "请填写审批额度，0 表示每个活动都要审批").With("field", "approval_fen")
	}
	if in.ApprovalPoints == nil {
		return nil, fault.NewInvalid("approval_points", "请填写积分审批额度，0 表示送积分的活动都要审批").With("field", "approval_points")
	}
	if strings.TrimSpace(in.Reason) == "" {
		return nil, fault.NewInvalid("reason", "请写明修改审批额度的理由，审计记录会保留").With("field", "reason")
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	before, err := h.Campaigns.PolicyOf(c.Request.Context(), brandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Campaigns.SetPolicy(c.Request.Context(), campaign.Policy{BrandID: brandID, ApprovalFen: *in.ApprovalFen, ApprovalPoints: *in.ApprovalPoints, UpdatedBy: e.ActorID})
	e.ObjectID, e.Before, e.After = brandID, before, after
	return after, err
}

// liveTier is a tier with what is left of it.
type liveTier struct {
	Tier    int       `json:"tier"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Winners int64     `json:"winners"`
	Claimed int64     `json:"claimed"`
	Left    int64     `json:"left"`
	Fen     money.Fen `json:"fen"` // won
}

// liveNumbers are a campaign's numbers of now.
type liveNumbers struct {
	turnout.Numbers
	Stage       string        `json:"stage"`
	Codes       int64         `json:"codes"`
	Claimed     int64         `json:"claimed"`
	SpendFen    money.Fen     `json:"spend_fen"`    // reserved at publishing
	WonFen      money.Fen     `json:"won_fen"`      // won by claims
	LeftFen     money.Fen     `json:"left_fen"`     // reserved still; given back at the end
	PaidFen     money.Fen     `json:"paid_fen"`     // people have it
	ReturnedFen money.Fen     `json:"returned_fen"` // not taken in time, or refused for good
	OpenFen     money.Fen     `json:"open_fen"`     // on its way
	Prizes      []liveTier    `json:"prizes"`
	UntilAt     clock.Instant `json:"until_at"`
}

func (h *Handler) liveCampaign(c *gin.Context) (any, error) {
	campaignID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Get(c.Request.Context(), campaignID)
	if err != nil {
		return nil, err
	}
	n, err := h.Turnout.Of(c.Request.Context(), campaignID)
	if err != nil {
		return nil, err
	}
	out := liveNumbers{Numbers: n, Stage: x.Stage, Codes: x.Codes, Claimed: x.Claimed, SpendFen: x.SpendFen, WonFen: x.WonFen, LeftFen: x.SpendFen - x.WonFen,
		Prizes: []liveTier{}, UntilAt: x.UntilAt}
	if x.State == campaign.Ended {
		out.LeftFen = 0
	}
	for _, p := range n.Payouts {
		if p.State == "settled" {
			out.PaidFen += p.Fen
		} else {
			out.ReturnedFen += p.Fen
		}
	}
	out.OpenFen = max(0, x.WonFen-out.PaidFen-out.ReturnedFen)
	for _, t := range x.Tiers {
		l := liveTier{Tier: t.Tier, Name: t.Name, Kind: t.Kind, Winners: t.Winners, Left: t.Winners}
		for _, k := range n.Tiers {
			if k.Tier == t.Tier {
				l.Claimed, l.Fen, l.Left = k.Claims, k.Fen, t.Winners-k.Claims
			}
		}
		out.Prizes = append(out.Prizes, l)
	}
	return out, nil
}

// drawn is what anybody needs to check a draw. Before the end only the hash is there.
type drawn struct {
	SeedHash     string          `json:"seed_hash"`
	SeedRevealed string          `json:"seed_revealed"`
	Terms        string          `json:"terms"`
	Prize        *campaign.Prize `json:"prize"` // of the asked code
	Proof        *campaign.Proof `json:"proof"` // how it comes about, step by step
	Claim        *claimedPrize   `json:"claim"` // what was given for it; null = not claimed
}

// claimedPrize is what a claim gave, to be compared with the proof.
type claimedPrize struct {
	At      clock.Instant `json:"at"`
	Prize   string        `json:"prize"`
	CashFen money.Fen     `json:"cash_fen"`
	Points  int64         `json:"points"`
	Same    bool          `json:"same"` // as the proof says
}

// draw shows the seed's hash, after the end the seed, and with ?code= or ?batch_id=&serial=
// computes one code's prize again from the revealed seed.
func (h *Handler) draw(c *gin.Context) (any, error) {
	campaignID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Campaigns.Get(c.Request.Context(), campaignID)
	if err != nil {
		return nil, err
	}
	out := drawn{SeedHash: x.SeedHash, SeedRevealed: x.SeedRevealed, Terms: x.Terms}
	if c.Query("serial") == "" && c.Query("code") == "" {
		return out, nil
	}
	if x.SeedRevealed == "" {
		return nil, fault.New(fault.Conflict, "seed_sealed", "活动结束后才公开种子，此前任何人都不能得知码的奖项")
	}
	batchID, serial, err := h.codeOf(c)
	if err != nil {
		return nil, err
	}
	p, err := campaign.Prove(x, x.SeedRevealed, batchID, serial)
	if err != nil {
		return nil, err
	}
	out.Proof, out.Prize = &p, &campaign.Prize{Tier: p.Tier, AmountFen: p.AmountFen}
	got, claimed, err := h.Claims.ByCode(c.Request.Context(), batchID, serial)
	if err == nil && claimed && got.CampaignID == campaignID {
		out.Claim = compared(got, p)
	}
	return out, err
}

func compared(got claim.Claim, p campaign.Proof) *claimedPrize {
	return &claimedPrize{At: got.CreatedAt, Prize: got.Prize, CashFen: got.CashFen, Points: got.Points, Same: got.Tier == p.Tier.Tier && got.CashFen == p.AmountFen}
}

// codeOf reads which code is asked about: its text, or batch and serial.
func (h *Handler) codeOf(c *gin.Context) (batchID id.ID, serial int64, err error) {
	if text := c.Query("code"); text != "" {
		found, err := h.Codes.Check(c.Request.Context(), text)
		if err != nil {
			return 0, 0, fault.NewInvalid("code_unknown", "这不是本系统的码，请核对码值，或改用批次和序号").With("field", "code").Because(err)
		}
		return found.BatchID, found.Serial, nil
	}
	if batchID, err = web.QueryID(c, "batch_id"); err != nil {
		return 0, 0, err
	}
	if serial, err = strconv.ParseInt(c.Query("serial"), 10, 64); err != nil {
		return 0, 0, fault.NewInvalid("bad_field", "参数 serial 不是序号").With("field", "serial")
	}
	return batchID, serial, nil
}
