package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/region"
	"siyu/model/scan"
)

// regionRoutes: where codes are scanned, what looks wrong, and what people report.
func (h *Handler) regionRoutes() []web.Route {
	return []web.Route{
		at(get, "/provinces", Session, "省级地区名单", web.Answer(func(*gin.Context) (any, error) { return region.All(), nil })).Gives([]string{}),
		at(get, "/scans/flagged", operator.ScanRead, "扫码异常的码", h.listFlagged).Asks("brand_id?", "batch_id?", "kind?:many|travel", "before?", "limit?", "total?").Lists(flagged{}).Counts(),
		at(get, "/scans/map", operator.ScanRead, "扫码分布：省市、批次、时间", web.Answer(h.scanMap)).Asks("brand_id", "product_id?", "batch_id?", "from?", "until?").Gives(mapView{}),

		at(get, "/batches/:id/territories", operator.CodeRead, "批次的销售区域", web.Answer(h.listTerritories)).Gives([]region.Territory{}),
		at(post, "/batches/:id/territories", operator.DiversionWrite, "设置销售区域", h.write("batch.territory", created, h.putTerritory)).Takes(territoryInput{}).Gives(region.Territory{}),
		at(post, "/territories/:id/end", operator.DiversionWrite, "结束销售区域", h.write("territory.end", ok, h.endTerritory)).Takes(reasonInput{}).Gives(region.Territory{}),
		at(get, "/diversions", operator.ScanRead, "窜货线索", h.listDiversions()).Asks("brand_id", "batch_id?", "state?:open|confirmed|dismissed", "least?").Lists(diversionLine{}).Counts(),
		at(get, "/diversions/:id", operator.ScanRead, "窜货线索详情与证据", web.Answer(h.getDiversion)).Gives(diversionView{}),
		at(post, "/diversions/:id/decide", operator.DiversionWrite, "确认或排除窜货(写明依据)", h.write("diversion.decide", ok, h.decideDiversion)).Takes(decideInput{}).Gives(region.Diversion{}),

		at(get, "/reports", operator.ScanRead, "消费者举报", h.listReports()).Asks("state?:open|done").Lists(reportLine{}).Counts(),
		at(post, "/reports/:id/handle", operator.ReportWrite, "登记举报的处理结果", h.write("report.handle", ok, h.handleReport)).Takes(handleInput{}).Gives(scan.Report{}),
	}
}

// flagged is a code of the risk list.
type flagged struct {
	scan.Sight
	Batch   string `json:"batch"`
	Product string `json:"product"`
	Why     string `json:"why"` // zh-CN
}

func (h *Handler) listFlagged(c *gin.Context) {
	list, next, total, more, err := h.flaggedPage(c)
	switch {
	case err != nil:
		web.Fail(c, err)
	case c.Query("total") != "":
		web.ListedOf(c, list, next, total, more)
	default:
		web.Listed(c, list, next)
	}
}

func (h *Handler) flaggedPage(c *gin.Context) (list []flagged, next string, total int, more bool, err error) {
	f := scan.Flags{Kind: c.Query("kind")}
	limit, err := web.Limit(c)
	if err != nil {
		return
	}
	if f.BrandID, err = web.QueryID(c, "brand_id"); err != nil {
		return
	}
	if f.BatchID, err = web.QueryID(c, "batch_id"); err != nil {
		return
	}
	if f.Before, err = scan.ParseFlag(c.Query("before")); err != nil {
		return
	}
	ctx := c.Request.Context()
	sights, err := h.Scans.Flagged(ctx, f, limit)
	if err != nil {
		return
	}
	if len(sights) == limit {
		next = scan.FlagOf(sights[limit-1]).String()
	}
	product := h.productNames(ctx)
	if list, err = each(sights, func(s scan.Sight) (flagged, error) {
		b, err := h.Codes.Batch(ctx, s.BatchID)
		if err != nil {
			return flagged{}, err
		}
		name, err := product(b.ProductID)
		return flagged{s, b.Name, name, scan.FlagText(s.FlagReason)}, err
	}); err != nil || c.Query("total") == "" {
		return
	}
	total, more, err = h.Scans.CountFlagged(ctx, f)
	return
}

// mapView is a scan map and up to when it counts.
type mapView struct {
	AsOf  clock.Instant `json:"as_of"`
	From  clock.Instant `json:"from"`
	Until clock.Instant `json:"until"` // exclusive
	Spots []region.Spot `json:"spots"`
}

// mapDays is how far a map looks back by itself.
const mapDays = 30

func (h *Handler) scanMap(c *gin.Context) (any, error) {
	var w region.Where
	var err error
	if w.BrandID, err = brandOf(c); err != nil {
		return nil, err
	}
	if w.ProductID, err = web.QueryID(c, "product_id"); err != nil {
		return nil, err
	}
	if w.BatchID, err = web.QueryID(c, "batch_id"); err != nil {
		return nil, err
	}
	from, err := queryTime(c, "from")
	if err != nil {
		return nil, err
	}
	until, err := queryTime(c, "until")
	if err != nil {
		return nil, err
	}
	if until == 0 {
		until = h.Clock.Now() + 1
	}
	if w.Until = clock.DayOf(until - 1); from == 0 {
		w.From = w.Until.AddDays(1 - mapDays)
	} else {
		w.From = clock.DayOf(from)
	}
	ctx := c.Request.Context()
	var v mapView
	if v.AsOf, err = h.Regions.AsOf(ctx); err != nil {
		return nil, err
	}
	v.From, _ = w.From.Bounds()
	_, v.Until = w.Until.Bounds()
	v.Spots, err = h.Regions.Map(ctx, w)
	return v, err
}

func (h *Handler) listTerritories(c *gin.Context) (any, error) { return one(c, h.Regions.Territories) }

type territoryInput struct {
	From      int64    `json:"from_serial"`
	Until     int64    `json:"until_serial"` // exclusive; both 0: the whole batch
	Dealer    string   `json:"dealer"`
	Provinces []string `json:"provinces"`
	Reason    string   `json:"reason"`
}

func (h *Handler) putTerritory(c *gin.Context, e *audit.Entry) (any, error) {
	var in territoryInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	b, err := h.Codes.Batch(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	if in.From == 0 && in.Until == 0 {
		in.From, in.Until = 1, b.Count+1
	}
	if in.From < 1 || in.Until <= in.From || in.Until > b.Count+1 {
		return nil, fault.Invalidf("range_bounds", "序号范围不对，本批次的序号为 1 到 %d", b.Count)
	}
	t, err := h.Regions.Put(c.Request.Context(), region.Territory{BrandID: b.BrandID, BatchID: b.ID, From: in.From, Until: in.Until, Dealer: in.Dealer, Provinces: in.Provinces, ByID: e.ActorID})
	e.After = t
	return t, err
}

func (h *Handler) endTerritory(c *gin.Context, e *audit.Entry) (any, error) {
	territoryID, err := web.ParamID(c, "id") // the path's word is no beginning of the object's
	if err != nil {
		return nil, err
	}
	e.ObjectID = territoryID
	before, err := h.Regions.Territory(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	t, err := h.Regions.End(c.Request.Context(), e.ObjectID)
	e.Before, e.After = before, t
	return t, err
}

// diversionLine is a suspicion with what it is about.
type diversionLine struct {
	region.Diversion
	Batch     string           `json:"batch"`
	Product   string           `json:"product"`
	Territory region.Territory `json:"territory"`
	Decider   string           `json:"decider"` // login
}

func (h *Handler) listDiversions() gin.HandlerFunc {
	filter := func(c *gin.Context) (f region.Filter, err error) {
		if f.BrandID, err = brandOf(c); err != nil {
			return f, err
		}
		if f.BatchID, err = web.QueryID(c, "batch_id"); err != nil {
			return f, err
		}
		f.State = c.Query("state")
		f.Least, err = queryNumber(c, "least")
		return f, err
	}
	return counted(func(d diversionLine) id.ID { return d.ID }, func(c *gin.Context, p web.Page) ([]diversionLine, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		list, err := h.Regions.Diversions(c.Request.Context(), f, p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		return each(list, h.diversionLines(c))
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Regions.CountDiversions(c.Request.Context(), f)
	})
}

// diversionLines makes what is shown of diversions in one answer.
func (h *Handler) diversionLines(c *gin.Context) func(region.Diversion) (diversionLine, error) {
	ctx := c.Request.Context()
	product, login := h.productNames(ctx), h.logins(ctx)
	return func(d region.Diversion) (diversionLine, error) {
		b, err := h.Codes.Batch(ctx, d.BatchID)
		if err != nil {
			return diversionLine{}, err
		}
		t, err := h.Regions.Territory(ctx, d.TerritoryID)
		if err != nil {
			return diversionLine{}, err
		}
		name, err := product(b.ProductID)
		return diversionLine{d, b.Name, name, t, login(d.DecidedBy)}, err
	}
}

// diversionView is one suspicion with its evidence.
type diversionView struct {
	diversionLine
	Evidence []region.Evidence `json:"evidence"` // the newest codes
}

// evidenceShown is how many codes a page shows.
const evidenceShown = 200

func (h *Handler) getDiversion(c *gin.Context) (any, error) {
	diversionID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	d, err := h.Regions.Diversion(c.Request.Context(), diversionID)
	if err != nil {
		return nil, err
	}
	line, err := h.diversionLines(c)(d)
	if err != nil {
		return nil, err
	}
	evidence, err := h.Regions.Evidence(c.Request.Context(), d, evidenceShown)
	return diversionView{line, evidence}, err
}

type decideInput struct {
	State  string `json:"state"`
	Reason string `json:"reason"`
}

func (h *Handler) decideDiversion(c *gin.Context, e *audit.Entry) (any, error) {
	var in decideInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Regions.Diversion(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Regions.Decide(c.Request.Context(), e.ObjectID, e.ActorID, in.State, in.Reason)
	e.Before, e.After = before, after
	return after, err
}

// reportLine is a report with what it is about.
type reportLine struct {
	scan.Report
	Batch   string `json:"batch"` // "": a code that is not ours
	Product string `json:"product"`
	Handler string `json:"handler"` // login
}

func (h *Handler) listReports() gin.HandlerFunc {
	return counted(func(r reportLine) id.ID { return r.ID }, func(c *gin.Context, p web.Page) ([]reportLine, error) {
		ctx := c.Request.Context()
		list, err := h.Scans.Reports(ctx, c.Query("state"), p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		product, login := h.productNames(ctx), h.logins(ctx)
		return each(list, func(r scan.Report) (reportLine, error) {
			line := reportLine{Report: r, Handler: login(r.HandledBy)}
			var b code.Batch
			if r.BatchID == 0 {
				return line, nil
			}
			if b, err = h.Codes.Batch(ctx, r.BatchID); err != nil {
				return line, err
			}
			line.Batch = b.Name
			line.Product, err = product(b.ProductID)
			return line, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		return h.Scans.CountReports(c.Request.Context(), c.Query("state"))
	})
}

type handleInput struct {
	Handling string `json:"handling"`
	Reason   string `json:"reason"`
}

func (h *Handler) handleReport(c *gin.Context, e *audit.Entry) (any, error) {
	var in handleInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Scans.Report(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	after, err := h.Scans.HandleReport(c.Request.Context(), e.ObjectID, e.ActorID, in.Handling)
	e.Before, e.After = before, after
	return after, err
}
