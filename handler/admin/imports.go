package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"path/filepath"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/crm"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

// importRoutes: old customers from files.
func (h *Handler) importRoutes() []web.Route {
	return []web.Route{
		at(get, "/imports", operator.ImportRead, "会员导入任务列表", ofBrand(func(i crm.Import) id.ID { return i.ID }, h.Imports.List, h.Imports.Count)).Asks("brand_id").Lists(crm.Import{}).Counts(),
		at(post, "/imports", operator.ImportWrite, "上传会员资料(CSV、xlsx，multipart)", h.uploadImport()).Upload("file", "brand_id", "name", "source").Gives(crm.Import{}),
		at(get, "/imports/:id", operator.ImportRead, "导入任务：列、建议的对应关系、样例、进度", web.Answer(h.getImport)).Gives(importView{}),
		at(put, "/imports/:id/mapping", operator.ImportWrite, "设置列的对应关系", h.write("import.map", ok, h.mapImport)).Takes(crm.Mapping{}).Gives(crm.Import{}),
		at(post, "/imports/:id/dry-run", operator.ImportWrite, "试运行：只统计，不写入", h.write("import.check", ok, h.moveImport(h.Imports.Check))).Gives(crm.Import{}),
		at(post, "/imports/:id/run", operator.ImportWrite, "开始或继续导入", h.write("import.run", ok, h.moveImport(h.Imports.Start))).Gives(crm.Import{}),
		at(post, "/imports/:id/pause", operator.ImportWrite, "暂停导入", h.write("import.pause", ok, h.moveImport(h.Imports.Pause))).Gives(crm.Import{}),
		at(post, "/imports/:id/cancel", operator.ImportWrite, "取消导入", h.write("import.cancel", ok, h.moveImport(h.Imports.Cancel))).Gives(crm.Import{}),
		at(post, "/imports/:id/undo", operator.ImportUndo, "撤销导入", h.write("import.undo", ok, h.moveImport(h.Imports.Undo))).Gives(crm.Import{}),
		at(get, "/imports/:id/errors", operator.ImportRead, "下载错误文件(CSV)", h.importErrors).File("text/csv"),
		at(get, "/imports/:id/bad-rows", operator.ImportWrite, "下载出错的行，改后可重新上传(CSV)", h.importBadRows).File("text/csv"),
		at(get, "/import-mappings", operator.ImportRead, "保存过的对应关系", web.Answer(h.listMappings)).Asks("brand_id").Gives([]crm.Template{}),
		at(put, "/import-mappings", operator.ImportWrite, "保存对应关系", h.write("import_mapping.save", ok, h.saveMapping)).Takes(mappingInput{}).Gives(crm.Template{}),
	}
}

const keyStaged = "admin.staged"

// upload is what an upload says besides its file. As the body of the write it makes an
// upload repeatable by Idempotency-Key: the same file is the same input.
type upload struct {
	BrandID  id.ID  `json:"brand_id"`
	Name     string `json:"name"`
	Source   string `json:"source"`
	FileName string `json:"file_name"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"`
}

// uploadImport streams the file into the sealed store before anything is decided; what
// is not made into an import is deleted again.
func (h *Handler) uploadImport() gin.HandlerFunc {
	create := h.write("import.create", created, func(c *gin.Context, e *audit.Entry) (any, error) {
		var in upload
		if err := web.Bind(c, &in); err != nil {
			return nil, err
		}
		if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
			return nil, err
		}
		i, err := h.Imports.Create(c.Request.Context(), c.MustGet(keyStaged).(id.ID),
			crm.Draft{BrandID: in.BrandID, Name: in.Name, Source: in.Source, FileName: in.FileName, By: e.ActorID})
		e.ObjectID, e.After = i.ID, i
		return i, err
	})
	return func(c *gin.Context) {
		web.LimitBody(crm.MaxBytes + 1<<20)(c)
		in, staged, err := h.receive(c)
		if err != nil {
			web.Fail(c, err)
			return
		}
		body, err := json.Marshal(in)
		if err != nil {
			web.Fail(c, err)
			return
		}
		c.Set(keyStaged, staged)
		web.Reset(c, body)
		create(c)
		if err := h.Imports.Discard(context.WithoutCancel(c.Request.Context()), staged); err != nil {
			web.Note(c, err) // a chore deletes it a day later
		}
	}
}

var errForm = fault.NewInvalid("import_form", "请用表单上传：brand_id、name、source 和一个 file")

// receive reads the form part by part, in whatever order they come.
func (h *Handler) receive(c *gin.Context) (in upload, staged id.ID, err error) {
	defer func() {
		if err != nil && staged != 0 {
			err = errors.Join(err, h.Imports.Discard(context.WithoutCancel(c.Request.Context()), staged))
		}
	}()
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return in, 0, errForm.Because(err)
	}
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return in, staged, tooBig(err)
		}
		if p.FormName() == "file" && staged == 0 {
			st, err := h.Imports.Stage(c.Request.Context(), p)
			if err != nil {
				return in, 0, tooBig(err)
			}
			staged, in.Bytes, in.SHA256, in.FileName = st.ID, st.Bytes, st.SHA256, filepath.Base(p.FileName())
			continue
		}
		if err := in.field(p); err != nil {
			return in, staged, err
		}
	}
	if staged == 0 {
		return in, 0, errForm
	}
	return in, staged, nil
}

// tooBig says so when that was it: the engine's limit cuts the body.
func tooBig(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fault.Invalidf("body_too_large", "文件太大，最多 %d MB", crm.MaxBytes>>20)
	}
	if fault.KindOf(err) == fault.Internal {
		return errForm.Because(err)
	}
	return err
}

func (in *upload) field(p *multipart.Part) error {
	b, err := io.ReadAll(io.LimitReader(p, 1<<10))
	if err != nil {
		return tooBig(err)
	}
	switch p.FormName() {
	case "brand_id":
		in.BrandID, err = id.Parse(string(b))
	case "name":
		in.Name = string(b)
	case "source":
		in.Source = string(b)
	default:
		err = errForm
	}
	if err != nil {
		return errForm.With("field", p.FormName())
	}
	return nil
}

// importView is an import with what its operator needs to map it.
type importView struct {
	crm.Import
	Suggested []crm.Column `json:"suggested"`
	Sample    [][]string   `json:"sample"` // keys masked
}

// sampleRows is how many rows of the file are shown.
const sampleRows = 5

func (h *Handler) getImport(c *gin.Context) (any, error) {
	importID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	v := importView{}
	if v.Import, err = h.Imports.Get(ctx, importID); err != nil {
		return nil, err
	}
	fields, err := h.Profiles.Fields(ctx)
	if err != nil {
		return nil, err
	}
	v.Suggested = crm.Suggest(v.Columns, fields)
	v.Sample, err = h.Imports.Sample(ctx, importID, sampleRows)
	return v, err
}

func (h *Handler) mapImport(c *gin.Context, e *audit.Entry) (any, error) {
	var in crm.Mapping
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	i, err := h.Imports.SetMapping(c.Request.Context(), e.ObjectID, in)
	e.After = i.Mapping
	return i, err
}

// moveImport makes the action of a step in an import's life.
func (h *Handler) moveImport(step func(context.Context, id.ID) (crm.Import, error)) action {
	return func(c *gin.Context, e *audit.Entry) (any, error) {
		before, err := h.Imports.Get(c.Request.Context(), e.ObjectID)
		if err != nil {
			return nil, err
		}
		after, err := step(c.Request.Context(), e.ObjectID)
		e.Before, e.After = map[string]any{"state": before.State}, map[string]any{"state": after.State, "name": after.Name}
		return after, err
	}
}

// importErrors hands over the error file. It quotes what people are called and when they
// were born, so that somebody fetched it is on record.
func (h *Handler) importErrors(c *gin.Context) {
	h.importFile(c, "导入错误-", "import.errors", h.Imports.WriteErrors)
}

// importBadRows hands back whole rows of the file, numbers and all: for those who may upload
// one, and on record.
func (h *Handler) importBadRows(c *gin.Context) {
	h.importFile(c, "导入出错的行-", "import.bad_rows", h.Imports.WriteBad)
}

func (h *Handler) importFile(c *gin.Context, name, action string, write func(context.Context, id.ID, io.Writer) error) {
	importID, err := web.ParamID(c, "id")
	if err != nil {
		web.Fail(c, err)
		return
	}
	i, err := h.Imports.Get(c.Request.Context(), importID)
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.attach(c, name+i.ID.String()+".csv", audit.Entry{Action: action, Object: "import", ObjectID: importID}, func(to io.Writer) error {
		return write(c.Request.Context(), importID, to)
	})
}

func (h *Handler) listMappings(c *gin.Context) (any, error) {
	brandID, err := web.QueryID(c, "brand_id")
	if err != nil {
		return nil, err
	}
	return h.Imports.Templates(c.Request.Context(), brandID)
}

type mappingInput struct {
	BrandID id.ID       `json:"brand_id"`
	Name    string      `json:"name"`
	Mapping crm.Mapping `json:"mapping"`
}

func (h *Handler) saveMapping(c *gin.Context, e *audit.Entry) (any, error) {
	var in mappingInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	t, err := h.Imports.SaveTemplate(c.Request.Context(), crm.Template{BrandID: in.BrandID, Name: in.Name, Mapping: in.Mapping})
	e.ObjectID, e.After = t.ID, t
	return t, err
}
