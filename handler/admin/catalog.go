package admin

import (
	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/product"
	"siyu/model/reply"
)

func (h *Handler) listBrands() gin.HandlerFunc {
	return counted(func(b brand.Brand) id.ID { return b.ID }, func(c *gin.Context, p web.Page) ([]brand.Brand, error) {
		if o := current(c).Operator; o.Scoped() {
			if p.Before != 0 {
				return nil, nil // all of them were on the first page
			}
			return h.brandsOf(c, o)
		}
		return h.Brands.List(c.Request.Context(), p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		if o := current(c).Operator; o.Scoped() {
			list, err := h.brandsOf(c, o)
			return len(list), false, err
		}
		return h.Brands.Count(c.Request.Context())
	})
}

// brandsOf are the brands in a data scope: few enough for one page.
func (h *Handler) brandsOf(c *gin.Context, o operator.Operator) ([]brand.Brand, error) {
	out := make([]brand.Brand, 0, len(o.BrandIDs))
	for _, brandID := range o.BrandIDs {
		b, err := h.Brands.Get(c.Request.Context(), brandID)
		if fault.Of(err) != nil && fault.Of(err).Kind == fault.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.ArchivedAt == 0 {
			out = append(out, b)
		}
	}
	return out, nil
}

type brandInput struct {
	Slug         string `json:"slug"`
	Name         string `json:"name"`
	CodeHost     string `json:"code_host"`
	UpperURL     bool   `json:"upper_url"`
	SupportPhone string `json:"support_phone"`
	Reason       string `json:"reason"`
}

func (in brandInput) brand() brand.Brand {
	return brand.Brand{Slug: in.Slug, Name: in.Name, CodeHost: in.CodeHost, UpperURL: in.UpperURL, SupportPhone: in.SupportPhone}
}

func (h *Handler) createBrand(c *gin.Context, e *audit.Entry) (any, error) {
	var in brandInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	b, err := h.Brands.Create(c.Request.Context(), in.brand())
	e.ObjectID, e.After = b.ID, b
	return b, err
}

func (h *Handler) getBrand(c *gin.Context) (any, error) { return one(c, h.Brands.Get) }

func (h *Handler) updateBrand(c *gin.Context, e *audit.Entry) (any, error) {
	var in brandInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Brands.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	b := in.brand()
	b.ID = e.ObjectID
	after, err := h.Brands.Update(c.Request.Context(), b)
	e.Before, e.After = before, after
	return after, err
}

func (h *Handler) listAccounts(c *gin.Context) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	return h.Brands.Accounts(c.Request.Context(), brandID, c.Query("kind"))
}

func (h *Handler) getAccount(c *gin.Context) (any, error) { return one(c, h.Brands.Account) }

// accountInput: blank secrets keep what is there, so the panel never needs to show one.
type accountInput struct {
	Kind         string         `json:"kind"`
	AppID        string         `json:"app_id"`
	Name         string         `json:"name"`
	CallbackSlug string         `json:"callback_slug"`
	Settings     brand.Settings `json:"settings"`
	Secrets      brand.Secrets  `json:"secrets"`
	Reason       string         `json:"reason"`
}

// saved is an account as the audit shows it: which secrets were given, not what they are.
type saved struct {
	brand.Account
	Given brand.Secrets `json:"secrets"`
}

// accountNamed is the account of a brand that a form is about; none yet: it is made.
func (h *Handler) accountNamed(c *gin.Context, in accountInput) (thing, error) {
	a, err := h.Brands.AccountByApp(c.Request.Context(), in.Kind, in.AppID)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return thing{}, nil
	case err != nil || a.BrandID.String() != c.Param("id"):
		return thing{}, err // another brand's: the action refuses it
	}
	return thing{id: a.ID}, nil
}

func (h *Handler) saveAccount(c *gin.Context, e *audit.Entry) (any, error) {
	var in accountInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	a := brand.Account{BrandID: brandID, Kind: in.Kind, AppID: in.AppID, Name: in.Name, CallbackSlug: in.CallbackSlug, Settings: in.Settings}
	if before, err := h.Brands.AccountByApp(c.Request.Context(), in.Kind, in.AppID); err == nil {
		e.Before = saved{Account: before}
	}
	after, err := h.Brands.SaveAccount(c.Request.Context(), a, in.Secrets)
	e.ObjectID, e.After = after.ID, saved{after, in.Secrets}
	return after, err
}

func (h *Handler) listProducts() gin.HandlerFunc {
	filter := func(c *gin.Context) (product.Filter, error) {
		brandID, err := brandOf(c)
		return product.Filter{BrandID: brandID, Text: queryText(c, "q")}, err
	}
	return counted(func(p product.Product) id.ID { return p.ID }, func(c *gin.Context, p web.Page) ([]product.Product, error) {
		f, err := filter(c)
		if err != nil {
			return nil, err
		}
		return h.Products.List(c.Request.Context(), f, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		f, err := filter(c)
		if err != nil {
			return 0, false, err
		}
		return h.Products.Count(c.Request.Context(), f)
	})
}

type productInput struct {
	BrandID       id.ID  `json:"brand_id"`
	GTIN          string `json:"gtin"`
	Name          string `json:"name"`
	Spec          string `json:"spec"`
	PictureURL    string `json:"picture_url"`
	ScanPoints    int64  `json:"scan_points"`
	PointsPercent int    `json:"points_percent"`
	Reason        string `json:"reason"`
}

func (in productInput) product() product.Product {
	return product.Product{BrandID: in.BrandID, GTIN: in.GTIN, Name: in.Name, Spec: in.Spec, PictureURL: in.PictureURL,
		ScanPoints: in.ScanPoints, PointsPercent: in.PointsPercent}
}

func (h *Handler) createProduct(c *gin.Context, e *audit.Entry) (any, error) {
	var in productInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	p, err := h.Products.Create(c.Request.Context(), in.product())
	e.ObjectID, e.After = p.ID, p
	return p, err
}

func (h *Handler) getProduct(c *gin.Context) (any, error) { return one(c, h.Products.Get) }

func (h *Handler) updateProduct(c *gin.Context, e *audit.Entry) (any, error) {
	var in productInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Products.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	p := in.product()
	p.ID = e.ObjectID
	after, err := h.Products.Update(c.Request.Context(), p)
	e.Before, e.After = before, after
	return after, err
}

func (h *Handler) listKeywords() gin.HandlerFunc {
	return counted(func(k reply.Keyword) id.ID { return k.ID }, func(c *gin.Context, p web.Page) ([]reply.Keyword, error) {
		accountID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		return h.Replies.List(c.Request.Context(), accountID, p.Before, p.Limit)
	}, func(c *gin.Context) (int, bool, error) {
		accountID, err := web.ParamID(c, "id")
		if err != nil {
			return 0, false, err
		}
		return h.Replies.Count(c.Request.Context(), accountID)
	})
}

type keywordInput struct {
	Keyword   string `json:"keyword"`
	MatchKind string `json:"match_kind"`
	Reply     string `json:"reply"`
	Reason    string `json:"reason"`
}

// keywordNamed is the reply to a word; none yet: it is made.
func (h *Handler) keywordNamed(c *gin.Context, in keywordInput) (thing, error) {
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return thing{}, err
	}
	k, _, err := h.Replies.OfWord(c.Request.Context(), accountID, in.Keyword)
	return thing{id: k.ID}, err
}

func (h *Handler) saveKeyword(c *gin.Context, e *audit.Entry) (any, error) {
	var in keywordInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	accountID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Account(c.Request.Context(), accountID); err != nil {
		return nil, err
	}
	before, had, err := h.Replies.OfWord(c.Request.Context(), accountID, in.Keyword)
	if err != nil {
		return nil, err
	}
	if had {
		e.Before = before
	}
	k, err := h.Replies.Save(c.Request.Context(), reply.Keyword{AccountID: accountID, Keyword: in.Keyword, MatchKind: in.MatchKind, Reply: in.Reply})
	e.ObjectID, e.After = k.ID, k
	return k, err
}

func (h *Handler) deleteKeyword(c *gin.Context, e *audit.Entry) (any, error) {
	k, err := h.Replies.Get(c.Request.Context(), e.ObjectID)
	if err != nil {
		return nil, err
	}
	e.Before = k
	return nil, h.Replies.Delete(c.Request.Context(), k.ID)
}
