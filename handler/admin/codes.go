package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/product"
)

// codeRoutes: products, batches, their states and print packs.
func (h *Handler) codeRoutes() []web.Route {
	return []web.Route{
		at(get, "/products", operator.ProductRead, "商品列表", h.listProducts()).Asks("brand_id", "q?").Lists(product.Product{}).Counts(),
		at(post, "/products", operator.ProductWrite, "新增商品", h.write("product.create", created, h.createProduct)).Takes(productInput{}).Gives(product.Product{}),
		at(get, "/products/:id", operator.ProductRead, "商品详情", web.Answer(h.getProduct)).Gives(product.Product{}),
		at(put, "/products/:id", operator.ProductWrite, "修改商品", h.write("product.update", ok, h.updateProduct)).Takes(productInput{}).Gives(product.Product{}),

		at(get, "/brands/:id/keys", operator.CodeRead, "码密钥版本", web.Answer(h.listKeys)).Gives([]code.Key{}),
		at(post, "/brands/:id/keys", operator.KeyWrite, "轮换码密钥", h.write("key.rotate", created, h.rotateKey)).Takes(reasonInput{}).Gives(keyView{}),
		at(get, "/batches", operator.CodeRead, "码批次列表", h.listBatches()).Asks("brand_id", "product_id?", "q?", "ids?").Lists(batchLine{}).Counts(),
		at(post, "/batches", operator.CodeWrite, "新增小批次(大批次须申请审批)", h.write("batch.create", created, h.createBatch)).Takes(batchInput{}).Gives(code.Batch{}),
		at(get, "/batches/:id", operator.CodeRead, "码批次详情", web.Answer(h.getBatch)).Gives(code.Batch{}),
		at(get, "/batches/:id/ranges", operator.CodeRead, "激活、撤销、召回、作废记录", web.Answer(h.listRanges)).Gives([]rangeLine{}),
		at(post, "/batches/:id/ranges", operator.CodeWrite, "按序号激活、撤销激活、召回、作废", h.write("batch.set_range", created, h.setRange)).Takes(rangeInput{}).Gives(code.Range{}),
		at(get, "/batches/:id/effect", operator.CodeRead, "激活等操作的影响预览(不执行)", web.Answer(h.effect)).
			Asks("from_serial", "until_serial", "state:activated|revoked|recalled|voided", "effective_at?").Gives(effectView{}),
		at(get, "/batches/:id/states", operator.CodeRead, "各段序号的当前状态", web.Answer(h.states)).Asks("at?").Gives([]code.Span{}),

		at(get, "/exports", operator.ExportRead, "码包列表", h.listExports()).Asks("brand_id", "batch_id?", "state?:waiting|running|ready|failed|cancelled|expired").Lists(exportLine{}).Counts(),
		at(post, "/exports", operator.ExportWrite, "生成码包", h.write("export.create", created, h.createExport)).Takes(exportInput{}).Gives(export.Export{}),
		at(get, "/exports/:id", operator.ExportRead, "码包进度", web.Answer(h.getExport)).Gives(export.Export{}),
		at(post, "/exports/:id/cancel", operator.ExportWrite, "取消生成码包", h.write("export.cancel", ok, h.cancelExport)).Gives(export.Export{}),
		at(get, "/exports/:id/downloads", operator.ExportRead, "码包下载记录(谁、何时、IP)", web.Answer(h.takings)).Gives([]export.Taking{}),
		at(post, "/exports/:id/password", operator.ExportPassword, "查看压缩包密码(仅一次，下载者不能看)", h.secret("export.take_password", ok, h.takePassword)).Gives(passwordView{}),
		at(post, "/exports/:id/parts/:part/ticket", operator.ExportDownload, "取得下载凭证", h.secret("export.ticket", created, h.ticket)).Gives(ticketView{}),
		at(get, "/exports/:id/parts/:part/file", operator.ExportDownload, "凭证下载码包(限次)", h.download).Asks("ticket").File("application/zip"),
	}
}

func (h *Handler) listKeys(c *gin.Context) (any, error) { return one(c, h.Codes.Keys) }

func (h *Handler) rotateKey(c *gin.Context, e *audit.Entry) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	slot, err := h.Codes.RotateKey(c.Request.Context(), brandID)
	out := keyView{slot, brandID}
	e.ObjectID, e.After = brandID, out // keys have slots, not ids: their trail is the brand's
	return out, err
}

type keyView struct {
	Slot    int   `json:"slot"`
	BrandID id.ID `json:"brand_id"`
}

// batchLine is a batch in a list.
type batchLine struct {
	code.Batch
	Product string           `json:"product"`
	Counts  map[string]int64 `json:"counts"` // codes by state
}

func (h *Handler) listBatches() gin.HandlerFunc {
	filter := func(c *gin.Context) (code.Filter, error) {
		brandID, err := brandOf(c)
		if err != nil {
			return code.Filter{}, err
		}
		f := code.Filter{BrandID: brandID, Text: queryText(c, "q")}
		if f.ProductID, err = web.QueryID(c, "product_id"); err != nil {
			return f, err
		}
		if f.IDs, err = queryList(c, "ids"); err != nil || f.Text == "" {
			return f, err
		}
		goods, err := h.Products.List(c.Request.Context(), product.Filter{BrandID: brandID, Text: f.Text}, 0, web.MaxLimit)
		for _, p := range goods {
			f.Products = append(f.Products, p.ID)
		}
		return f, err
	}
	return counted(func(b batchLine) id.ID { return b.ID }, func(c *gin.Context, p web.Page) ([]batchLine, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		ctx := c.Request.Context()
		list, err := h.Codes.Batches(ctx, f, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		name := h.productNames(ctx)
		return each(list, func(b code.Batch) (batchLine, error) {
			product, err := name(b.ProductID)
			return batchLine{b, product, h.Codes.Counts(b.ID)}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Codes.CountBatches(c.Request.Context(), f)
	})
}

// productNames makes a look-up of products' names for one answer.
func (h *Handler) productNames(ctx context.Context) func(productID id.ID) (string, error) {
	known := map[id.ID]string{}
	return func(productID id.ID) (string, error) {
		if name, ok := known[productID]; ok {
			return name, nil
		}
		p, err := h.Products.Get(ctx, productID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return "", err
		}
		known[productID] = p.Name
		return p.Name, nil
	}
}

type batchInput struct {
	ProductID id.ID  `json:"product_id"`
	Count     int64  `json:"count"`
	Name      string `json:"name"`
	Reason    string `json:"reason"`
}

func (h *Handler) createBatch(c *gin.Context, e *audit.Entry) (any, error) {
	var in batchInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	p, err := h.Products.Get(c.Request.Context(), in.ProductID)
	if err != nil {
		return nil, err
	}
	b, err := h.Issues.Make(c.Request.Context(), code.Batch{BrandID: p.BrandID, ProductID: p.ID, Count: in.Count, Name: in.Name}, e.ActorID)
	e.ObjectID, e.After = b.ID, b
	return b, err
}

func (h *Handler) getBatch(c *gin.Context) (any, error) { return one(c, h.Codes.Batch) }

// rangeLine is a declaration with who made it.
type rangeLine struct {
	code.Range
	By string `json:"by"` // login
}

func (h *Handler) listRanges(c *gin.Context) (any, error) {
	batchID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	list, err := h.Codes.Ranges(c.Request.Context(), batchID)
	if err != nil {
		return nil, err
	}
	login := h.logins(c.Request.Context())
	return each(list, func(r code.Range) (rangeLine, error) { return rangeLine{r, login(r.ByID)}, nil })
}

func (h *Handler) states(c *gin.Context) (any, error) {
	batchID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	at, err := queryTime(c, "at")
	if err != nil {
		return nil, err
	}
	if at == 0 {
		at = h.Clock.Now()
	}
	return h.Codes.States(c.Request.Context(), batchID, at)
}

type rangeInput struct {
	From        int64         `json:"from_serial"`
	Until       int64         `json:"until_serial"` // exclusive
	State       string        `json:"state"`
	EffectiveAt clock.Instant `json:"effective_at"` // null: now
	Reason      string        `json:"reason"`
}

func (h *Handler) setRange(c *gin.Context, e *audit.Entry) (any, error) {
	var in rangeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	declare := h.Codes.SetRange
	if in.State == code.Revoked {
		declare = h.Issues.Revoke
	}
	r, err := declare(c.Request.Context(), code.Range{BatchID: e.ObjectID, From: in.From, Until: in.Until,
		State: in.State, EffectiveAt: in.EffectiveAt, Reason: in.Reason, ByID: e.ActorID})
	e.After = r
	return r, err
}

// effectView is what an act would do, or why it would be refused.
type effectView struct {
	code.Effect
	Refused string `json:"refused"` // zh-CN; "": it would be done
}

// effect tells what setRange would do, before anybody confirms it. A refusal is an answer
// here, not a fault: that is what was asked.
func (h *Handler) effect(c *gin.Context) (any, error) {
	batchID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	r := code.Range{BatchID: batchID, State: c.Query("state")}
	if r.EffectiveAt, err = queryTime(c, "effective_at"); err != nil {
		return nil, err
	}
	if r.From, err = queryNumber(c, "from_serial"); err != nil {
		return nil, err
	}
	if r.Until, err = queryNumber(c, "until_serial"); err != nil {
		return nil, err
	}
	e, err := h.Codes.Effect(c.Request.Context(), r)
	if err == nil && r.State == code.Revoked {
		err = h.Issues.Unused(c.Request.Context(), r)
	}
	v := effectView{Effect: e}
	if kind := fault.KindOf(err); kind == fault.Invalid || kind == fault.Conflict || kind == fault.Exhausted {
		v.Effect, v.Refused, err = code.Effect{From: map[string]int64{}}, fault.Of(err).Text, nil
	}
	return v, err
}
