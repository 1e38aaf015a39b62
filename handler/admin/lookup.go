package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/fault"
	"siyu/model/insight"
	"siyu/model/operator"
	"siyu/model/product"
	"siyu/model/scan"
)

// explained is what can be said of a text; a code's own value stays out of it.
type explained struct {
	code.Explanation
	BrandName string `json:"brand_name"`
}

func (h *Handler) explain(c *gin.Context) (any, error) {
	x, err := h.Codes.Explain(c.Request.Context(), c.Query("text"))
	if err != nil || x.Batch == nil {
		return explained{Explanation: x}, err
	}
	if err := within(c, x.Batch.BrandID); err != nil {
		return nil, err
	}
	b, err := h.Brands.Get(c.Request.Context(), x.Batch.BrandID)
	return explained{x, b.Name}, err
}

// storyView is everything about one code. Members are numbers here, not names: who may see
// members follows them.
type storyView struct {
	Found   bool             `json:"found"`
	Why     string           `json:"why"` // when not: why it is none of ours, zh-CN
	Genuine bool             `json:"genuine"`
	Code    code.Code        `json:"code"`
	Life    []code.Mark      `json:"life"`
	Batch   *code.Batch      `json:"batch"`
	Product *product.Product `json:"product"`
	Sight   scan.Sight       `json:"sight"`
	Flag    string           `json:"flag"` // why it is on the risk list, zh-CN
	Moments []insight.Moment `json:"moments"`
	AsOf    clock.Instant    `json:"as_of"`
}

func (h *Handler) codeStory(c *gin.Context) (any, error) {
	x, err := h.namedCode(c)
	if err != nil {
		return nil, err
	}
	v := storyView{Why: x.Text, Genuine: x.Genuine, Life: []code.Mark{}, Moments: []insight.Moment{}, AsOf: h.Clock.Now()}
	if x.Batch == nil {
		return v, nil
	}
	if err := within(c, x.Batch.BrandID); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	v.Found, v.Code, v.Batch = true, x.Code, x.Batch
	v.Life = append(v.Life, x.Life...)
	p, err := h.Products.Get(ctx, x.Batch.ProductID)
	if err != nil {
		return nil, err
	}
	v.Product = &p
	if v.Sight, err = h.Scans.Sight(ctx, x.Batch.ID, x.Code.Serial); err != nil {
		return nil, err
	}
	if v.Sight.FlaggedAt != 0 {
		v.Flag = scan.FlagText(v.Sight.FlagReason)
	}
	if v.Moments, err = h.Insight.CodeStory(ctx, x.Batch.ID, x.Code.Serial); err != nil {
		return nil, err
	}
	o, needs := current(c).Operator, momentsFor()
	v.Moments = slices.DeleteFunc(v.Moments, func(m insight.Moment) bool { return needs[m.Kind] != "" && !o.Can(needs[m.Kind]) })
	return v, nil
}

// momentsFor are the permissions without which a kind of moment is not told: the story of a
// code is no way round the lists of money and of what people wrote.
func momentsFor() map[string]string {
	return map[string]string{"claim": operator.ClaimRead, "payout": operator.PayoutRead, "commission": operator.CommissionRead, "report": operator.ScanRead}
}

// namedCode finds the code that a request names by its text, or by batch and serial.
func (h *Handler) namedCode(c *gin.Context) (code.Explanation, error) {
	if text := strings.TrimSpace(c.Query("text")); text != "" {
		return h.Codes.Explain(c.Request.Context(), text)
	}
	batchID, err := web.QueryID(c, "batch_id")
	if err != nil {
		return code.Explanation{}, err
	}
	serial, err := queryNumber(c, "serial")
	if err != nil {
		return code.Explanation{}, err
	}
	if batchID == 0 || serial == 0 {
		return code.Explanation{}, fault.NewInvalid("code_text", "请粘贴码值、链接，或填写批次和序号").With("field", "text")
	}
	text, err := h.Codes.TokenOf(batchID, serial)
	if err != nil {
		return code.Explanation{}, err
	}
	return h.Codes.Explain(c.Request.Context(), text)
}

type decoded struct {
	Text string `json:"text"`
}

// turn waits in a line in which so many may work at once as it has room for. Who goes away
// while he waits has no turn.
func turn(ctx context.Context, line chan struct{}) (done func(), err error) {
	select {
	case line <- struct{}{}:
		return func() { <-line }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *Handler) decodePhoto(c *gin.Context, e *audit.Entry) (any, error) {
	// One at a time: a photo that is looked through takes a processor for a second, and
	// hundreds of megabytes where somebody means harm.
	done, err := turn(c.Request.Context(), h.photos)
	if err != nil {
		return nil, err
	}
	defer done()
	text, err := picture.Photo(web.Uploaded(c))
	if err != nil {
		return nil, err
	}
	// What was read may be a code's value: it is told, and kept nowhere.
	e.After = map[string]bool{"found": true}
	return decoded{text}, nil
}
