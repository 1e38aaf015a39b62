package admin

import (
	"context"
	"encoding/base64"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/code/picture"
	"siyu/model/code/token"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/issuance"
	"siyu/model/operator"
)

// issuanceRoutes: applications for batches, the way of a batch, and one code by itself.
func (h *Handler) issuanceRoutes() []web.Route {
	return []web.Route{
		at(get, "/batch-requests", operator.CodeRead, "码申请列表", h.listRequests()).Asks("brand_id", "state?:waiting|approved|refused|withdrawn").Lists(requestLine{}).Counts(),
		at(post, "/batch-requests", operator.CodeWrite, "申请码批次", h.write("batch.apply", created, h.applyBatch)).Takes(applyInput{}).Gives(issuance.Request{}),
		at(post, "/batch-requests/:id/approve", operator.CodeApprove, "批准码申请(不能是申请人)，生成批次和码包", h.write("batch.approve", ok, h.approveBatch)).Takes(reasonInput{}).Gives(issuance.Request{}),
		at(post, "/batch-requests/:id/refuse", operator.CodeApprove, "驳回码申请", h.write("batch.refuse", ok, h.decideBatch((*issuance.Store).Refuse))).Takes(reasonInput{}).Gives(issuance.Request{}),
		at(post, "/batch-requests/:id/withdraw", operator.CodeWrite, "撤回自己的码申请", h.write("batch.withdraw", ok, h.decideBatch((*issuance.Store).Withdraw))).Takes(reasonInput{}).Gives(issuance.Request{}),
		at(get, "/batch-requests/:id/flow", operator.CodeRead, "批次全程：申请、审批、码包、激活", web.Answer(h.batchFlow)).Gives(flowView{}),
		at(get, "/batch-alarms", operator.CodeRead, "无人下载的码包、迟迟未激活的批次", web.Answer(h.batchAlarms)).Asks("brand_id").Gives([]issuance.Alarm{}),

		at(get, "/codes/explain", operator.CodeRead, "解释一个码", web.Answer(h.explain)).Asks("text", "brand_id?").Gives(explained{}),
		at(get, "/codes/story", operator.CodeRead, "一个码的全部经过", web.Answer(h.codeStory)).Asks("text?", "batch_id?", "serial?", "brand_id?").Gives(storyView{}),
		at(post, "/codes/decode", Session, "识别照片里的码(PNG、JPEG，multipart)", web.Upload(picture.MaxPhoto, h.secret("code.decode", ok, h.decodePhoto))).Upload("file").Gives(decoded{}),
		at(post, "/batches/:id/sample", operator.CodeSample, "查看单个码的样图(写明原因，每小时限次)", h.secret("batch.sample", ok, h.sampleCode)).Takes(sampleInput{}).Gives(sampleView{}),
	}
}

// requestLine is an application in a list.
type requestLine struct {
	issuance.Request
	Product string `json:"product"`
	Asker   string `json:"asker"` // login
}

func (h *Handler) listRequests() gin.HandlerFunc {
	filter := func(c *gin.Context) (issuance.Filter, error) {
		brandID, err := brandOf(c)
		return issuance.Filter{BrandID: brandID, State: c.Query("state")}, err
	}
	return counted(func(r requestLine) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]requestLine, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		ctx := c.Request.Context()
		list, err := h.Issues.List(ctx, f, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		product, login := h.productNames(ctx), h.logins(ctx)
		return each(list, func(r issuance.Request) (requestLine, error) {
			name, err := product(r.ProductID)
			return requestLine{r, name, login(r.AskedBy)}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Issues.Total(c.Request.Context(), f)
	})
}

// logins makes a look-up of operators' logins for one answer; who is gone has none.
func (h *Handler) logins(ctx context.Context) func(operatorID id.ID) string {
	known := map[id.ID]string{0: ""}
	return func(operatorID id.ID) string {
		login, ok := known[operatorID]
		if !ok {
			if o, err := h.Operators.Get(ctx, operatorID); err == nil {
				login = o.Login
			}
			known[operatorID] = login
		}
		return login
	}
}

type applyInput struct {
	ProductID id.ID          `json:"product_id"`
	Name      string         `json:"name"`
	Count     int64          `json:"count"`
	Purpose   string         `json:"purpose"`
	Supplier  string         `json:"supplier"`
	Dealer    string         `json:"dealer"`
	Provinces []string       `json:"provinces"`
	Kind      string         `json:"kind"`
	Form      string         `json:"url_form"`
	Options   export.Options `json:"options"`
}

func (h *Handler) applyBatch(c *gin.Context, e *audit.Entry) (any, error) {
	var in applyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	e.ObjectID = 0 // the path names none yet
	r, err := h.Issues.Ask(c.Request.Context(), issuance.Request{ProductID: in.ProductID, Name: in.Name, Count: in.Count, Purpose: in.Purpose, Supplier: in.Supplier,
		Dealer: in.Dealer, Provinces: in.Provinces, Kind: in.Kind, Form: in.Form, Options: in.Options, AskedBy: e.ActorID})
	e.ObjectID, e.After = r.ID, r
	return r, err
}

func (h *Handler) approveBatch(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := bindOptional(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	r, err := h.Issues.Approve(ctx, e.ObjectID, e.ActorID, in.Reason)
	if err != nil {
		return nil, err
	}
	e.After = r
	// The batch stands whatever becomes of its pack: the page offers to ask for it again.
	if _, err := h.Issues.Pack(ctx, r.ID, r.AskedBy); err != nil {
		web.Note(c, err)
	}
	return r, nil
}

func (h *Handler) decideBatch(decide func(*issuance.Store, context.Context, id.ID, id.ID, string) (issuance.Request, error)) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		var in reasonInput
		if err := bindOptional(c, &in); err != nil {
			return nil, err
		}
		r, err := decide(h.Issues, c.Request.Context(), e.ObjectID, e.ActorID, in.Reason)
		e.After = r
		return r, err
	}
}

// flowView is a batch's way with the names of who went it.
type flowView struct {
	issuance.Flow
	Product string            `json:"product"`
	Logins  map[string]string `json:"logins"` // by id
}

func (h *Handler) batchFlow(c *gin.Context) (any, error) {
	batchID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	f, err := h.Issues.Flow(ctx, batchID)
	if err != nil {
		return nil, err
	}
	v, people, productID := flowView{Flow: f, Logins: map[string]string{}}, []id.ID{}, id.ID(0)
	if f.Request != nil {
		people, productID = append(people, f.Request.AskedBy, f.Request.DecidedBy), f.Request.ProductID
	}
	if f.Batch != nil {
		productID = f.Batch.ProductID
	}
	for _, x := range f.Exports {
		people = append(people, x.CreatedBy, x.PasswordBy)
	}
	for _, t := range f.Territories {
		people = append(people, t.ByID)
	}
	login := h.logins(ctx)
	for _, p := range people {
		if name := login(p); name != "" {
			v.Logins[p.String()] = name
		}
	}
	v.Product, err = h.productNames(ctx)(productID)
	return v, err
}

func (h *Handler) batchAlarms(c *gin.Context) (any, error) {
	brandID, err := brandOf(c)
	if err != nil {
		return nil, err
	}
	return h.Issues.Alarms(c.Request.Context(), brandID)
}

type sampleInput struct {
	Serial int64  `json:"serial"`
	Reason string `json:"reason"`
}

type sampleView struct {
	Serial int64  `json:"serial"`
	URL    string `json:"url"`
	PNG    string `json:"png"` // data: URL
}

// samplesPerOperator are how many codes one operator may see in an hour: enough to check a
// print, too few to make a pack without its password.
const samplesPerOperator = 30

// samplePx is the side of a sample.
const samplePx = 320

func (h *Handler) sampleCode(c *gin.Context, e *audit.Entry) (any, error) {
	var in sampleInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if in.Reason == "" {
		return nil, fault.NewInvalid("reason", "请填写查看原因").With("field", "reason")
	}
	if !h.samples.Take(e.ActorID.String()) { // before anything is read
		return nil, fault.New(fault.Throttled, "too_many_samples", "一小时内查看的码样图太多，请稍后再试；需要大量码请生成码包").With("retry_after_s", 3600)
	}
	b, err := h.Codes.Batch(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	maker, err := h.Brands.Get(c.Request.Context(), b.BrandID)
	if err != nil {
		return nil, err
	}
	text, err := h.Codes.TokenOf(b.ID, in.Serial)
	if err != nil {
		return nil, err
	}
	e.After = map[string]int64{"serial": in.Serial}
	if maker.CodeHost == "" {
		return nil, fault.NewInvalid("code_host_missing", "请先设置品牌的码域名")
	}
	address := token.Short(maker.CodeHost, token.Token(text), maker.UpperURL)
	png, err := picture.Single(address, samplePx)
	if err != nil {
		return nil, err
	}
	return sampleView{in.Serial, address, "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)}, nil
}
