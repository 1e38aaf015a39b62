package admin

import (
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/poster"
)

// posterRoutes: templates of invitations, and the pictures on them.
func (h *Handler) posterRoutes() []web.Route {
	return []web.Route{
		at(get, "/poster-builtins", operator.PosterRead, "内置海报模板(含版式)", web.Answer(func(*gin.Context) (any, error) { return poster.Builtins(), nil })).Gives([]poster.Builtin{}),
		at(get, "/brands/:id/poster", operator.PosterRead, "品牌正在用的海报模板", web.Answer(h.getPosterChoice)).Gives(poster.Choice{}),
		at(put, "/brands/:id/poster", operator.PosterWrite, "换用海报模板", h.write("poster_choice.save", ok, h.choosePoster)).Takes(poster.Choice{}).Gives(poster.Choice{}),
		at(get, "/brands/:id/poster/preview", operator.PosterRead, "预览内置或正在用的海报(svg、png)", h.previewChoice).Asks("builtin?", "format?:svg|png").File("image/svg+xml", "image/png"),
		at(get, "/posters", operator.PosterRead, "海报模板列表", ofBrand(func(t poster.Template) id.ID { return t.ID }, h.Posters.List, h.Posters.Count)).Asks("brand_id").Lists(poster.Template{}).Counts(),
		at(post, "/posters", operator.PosterWrite, "新增海报模板", h.write("poster.create", created, h.createPoster)).Takes(posterForm{}).Gives(poster.Template{}),
		at(get, "/posters/:id", operator.PosterRead, "海报模板及其版式", web.Answer(h.getPoster)).Asks("version?").Gives(poster.Template{}),
		at(put, "/posters/:id", operator.PosterWrite, "修改海报模板(产生新版本)", h.write("poster.update", ok, h.updatePoster)).Takes(posterForm{}).Gives(poster.Template{}),
		at(get, "/posters/:id/versions", operator.PosterRead, "海报模板的历史版本", web.Answer(func(c *gin.Context) (any, error) { return one(c, h.Posters.Versions) })).Gives([]poster.Version{}),
		at(get, "/posters/:id/preview", operator.PosterRead, "预览海报模板(svg、png)", h.previewPoster).Asks("version?", "format?:svg|png").File("image/svg+xml", "image/png"),
		at(post, "/posters/:id/retire", operator.PosterWrite, "停用海报模板", h.write("poster.retire", ok, h.retirePoster)).Gives(poster.Template{}),
		at(get, "/poster-pictures", operator.PosterRead, "海报图片列表", ofBrand(func(p poster.Picture) id.ID { return p.ID }, h.Posters.Pictures, h.Posters.CountPictures)).Asks("brand_id").Lists(poster.Picture{}).Counts(),
		at(post, "/poster-pictures", operator.PosterWrite, "上传海报图片(PNG、JPEG，multipart)", web.Upload(poster.MaxUpload, h.write("poster_picture.create", created, h.addPicture))).Upload("file", "brand_id", "name").Gives(poster.Picture{}),
		at(get, "/poster-pictures/:id/file", operator.PosterRead, "查看海报图片", h.showPicture).File("image/png", "image/jpeg"),
	}
}

func (h *Handler) getPosterChoice(c *gin.Context) (any, error) { return one(c, h.Posters.Chosen) }

func (h *Handler) choosePoster(c *gin.Context, e *audit.Entry) (any, error) {
	brandID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	var in poster.Choice
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	if e.Before, err = h.Posters.Chosen(c.Request.Context(), brandID); err != nil {
		return nil, err
	}
	out, err := h.Posters.Choose(c.Request.Context(), brandID, in, e.ActorID)
	e.ObjectID, e.After = brandID, out
	return out, err
}

// posterForm is a template as it is written: a layout, or a built-in one to begin with.
type posterForm struct {
	BrandID id.ID          `json:"brand_id"`
	Name    string         `json:"name"`
	Version int            `json:"version"`
	Layout  *poster.Layout `json:"layout"`
	From    string         `json:"from"` // key of a built-in template
}

func (h *Handler) createPoster(c *gin.Context, e *audit.Entry) (any, error) {
	var in posterForm
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if b, known := poster.BuiltinOf(in.From); known && in.Layout == nil {
		in.Layout = &b.Layout
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	t, err := h.Posters.Create(c.Request.Context(), poster.Template{BrandID: in.BrandID, Name: in.Name, Layout: in.Layout}, e.ActorID)
	e.ObjectID, e.After = t.ID, t
	return t, err
}

func (h *Handler) updatePoster(c *gin.Context, e *audit.Entry) (any, error) {
	var in posterForm
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	before, err := h.Posters.Get(c.Request.Context(), e.ObjectID, 0)
	if err != nil {
		return nil, err
	}
	e.Before = before
	t, err := h.Posters.Update(c.Request.Context(), poster.Template{ID: e.ObjectID, Name: in.Name, Version: in.Version, Layout: in.Layout}, e.ActorID)
	e.After = t
	return t, err
}

func (h *Handler) retirePoster(c *gin.Context, e *audit.Entry) (any, error) {
	t, err := h.Posters.Retire(c.Request.Context(), e.ObjectID)
	e.After = t
	return t, err
}

func (h *Handler) getPoster(c *gin.Context) (any, error) {
	templateID, version, err := posterAsked(c)
	if err != nil {
		return nil, err
	}
	return h.Posters.Get(c.Request.Context(), templateID, version)
}

func posterAsked(c *gin.Context) (templateID id.ID, version int, err error) {
	if templateID, err = web.ParamID(c, "id"); err != nil {
		return 0, 0, err
	}
	if text := c.Query("version"); text != "" {
		if version, err = strconv.Atoi(text); err != nil || version < 1 {
			return 0, 0, fault.NewInvalid("bad_version", "版本号应为正整数").With("field", "version")
		}
	}
	return templateID, version, nil
}

func (h *Handler) previewPoster(c *gin.Context) {
	templateID, version, err := posterAsked(c)
	var t poster.Template
	if err == nil {
		t, err = h.Posters.Get(c.Request.Context(), templateID, version)
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.preview(c, t.BrandID, *t.Layout)
}

// previewChoice shows what the brand's people get, or with ?builtin= a built-in template.
func (h *Handler) previewChoice(c *gin.Context) {
	brandID, err := web.ParamID(c, "id")
	choice := poster.Choice{Builtin: c.Query("builtin")}
	if err == nil && choice.Builtin == "" {
		choice, err = h.Posters.Chosen(c.Request.Context(), brandID)
	}
	var l poster.Layout
	if err == nil {
		l, err = h.Posters.LayoutOf(c.Request.Context(), choice)
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.preview(c, brandID, l)
}

// preview draws a layout for somebody who does not exist; the code on it leads to a page
// that says so.
func (h *Handler) preview(c *gin.Context, brandID id.ID, l poster.Layout) {
	b, err := h.Brands.Get(c.Request.Context(), brandID)
	if err != nil {
		web.Fail(c, err)
		return
	}
	format := c.Query("format")
	if format == "" {
		format = poster.SVG
	}
	img, err := h.Posters.Render(c.Request.Context(), l, poster.Values{Brand: b.Name, Name: "王小丽", Role: "群主", QRText: "https://" + h.PublicHost + "/r/00000000000000000000000000"}, format)
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Picture(c, img.Kind, img.Tag, img.Body)
}

func (h *Handler) addPicture(c *gin.Context, e *audit.Entry) (any, error) {
	var in struct {
		BrandID id.ID  `json:"brand_id"`
		Name    string `json:"name"`
		Bytes   int64  `json:"bytes"`  // of the upload, with its digest:
		SHA256  string `json:"sha256"` // what makes a repeated call the same
	}
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	p, err := h.Posters.AddPicture(c.Request.Context(), in.BrandID, in.Name, web.Uploaded(c), e.ActorID)
	e.ObjectID, e.After = p.ID, p
	return p, err
}

func (h *Handler) showPicture(c *gin.Context) {
	pictureID, err := web.ParamID(c, "id")
	var p poster.Picture
	if err == nil {
		p, err = h.Posters.Picture(c.Request.Context(), pictureID)
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	web.Picture(c, p.Kind, p.Digest, p.Body)
}
